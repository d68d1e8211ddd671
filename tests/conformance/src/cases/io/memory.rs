//! Memory that is not there, and memory in segments.

use crate::case::cases;
use crate::client::{Client, batch, note_of, note_on, variable};
use crate::sys::Edge;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::{Errno, EventType};
use rustix::io::{IoSlice, IoSliceMut, readv, writev};
use zerocopy::IntoBytes as _;

fn records(client: &Client, notes: &[u8]) -> Vec<u8> {
    batch(&notes.iter().map(|note| note_on(client.port(0), *note)).collect::<Vec<_>>())
}

fn notes(client: &Client) -> Vec<u8> {
    client.events().iter().map(note_of).collect()
}

fn with_notes(notes: &[u8]) -> Client {
    let client = Client::with_port();
    assert_eq!(client.write(&records(&client, notes)), Ok(notes.len() * EVENT_SIZE));
    client
}

cases! {
    /// A write of memory that is not there is EFAULT.
    fn a_write_of_no_memory_is_efault() {
        let client = Client::open();
        assert_eq!(Edge::new().write(&client, &[], EVENT_SIZE), Err(Errno::EFAULT));
    }

    /// Records before memory that is not there are taken and counted.
    fn a_write_takes_the_records_before_the_edge() {
        let client = Client::with_port();
        let bytes = records(&client, &[1, 2]);
        assert_eq!(Edge::new().write(&client, &bytes, EVENT_SIZE), Ok(2 * EVENT_SIZE));
        assert_eq!(notes(&client), [1, 2]);
    }

    /// Memory behind the last record that is not there does not matter.
    fn a_write_does_not_look_at_a_tail() {
        let client = Client::with_port();
        let bytes = records(&client, &[1, 2]);
        assert_eq!(Edge::new().write(&client, &bytes, EVENT_SIZE - 1), Ok(2 * EVENT_SIZE));
    }

    /// A read into memory that is not there is EFAULT.
    fn a_read_into_no_memory_is_efault() {
        let client = with_notes(&[1]);
        assert_eq!(Edge::new().read(&client, 0, EVENT_SIZE), Err(Errno::EFAULT));
    }

    /// A record before the edge that is refused fails with its own error, though more is to be written.
    fn a_record_before_the_edge_decides() {
        let client = Client::with_port();
        let mut bytes = records(&client, &[1]);
        bytes[0] = 200;
        assert_eq!(Edge::new().write(&client, &bytes, EVENT_SIZE), Err(Errno::EINVAL));
    }

    /// A call that comes to the edge in the middle of a record, of data, or of several events
    /// fails.
    fn an_edge_in_the_middle_is_efault() {
        let client = Client::with_port();
        let bytes = records(&client, &[1]);
        assert_eq!(Edge::new().write(&client, &bytes[..20], 8), Err(Errno::EFAULT));
        let event = variable(EventType::SYSEX, client.port(0), 100);
        assert_eq!(Edge::new().write(&client, event.as_bytes(), 100), Err(Errno::EFAULT));
        // A read of nothing does not come to the edge.
        assert_eq!(Edge::new().read(&client, 0, EVENT_SIZE), Err(Errno::EAGAIN));
        client.write(&records(&client, &[1, 2, 3])).unwrap();
        assert_eq!(Edge::new().read(&client, EVENT_SIZE, EVENT_SIZE), Err(Errno::EFAULT));
        assert_eq!(notes(&client), [2, 3]);
    }

    /// Records, one a segment, are taken by writev as by write.
    fn writev_of_whole_records() {
        let client = Client::with_port();
        let (a, b) = (records(&client, &[1]), records(&client, &[2]));
        assert_eq!(writev(&client, &[IoSlice::new(&a), IoSlice::new(&b)]), Ok(2 * EVENT_SIZE));
        assert_eq!(notes(&client), [1, 2]);
    }

    /// readv fills segments of whole records one after the other.
    fn readv_of_whole_records() {
        let client = with_notes(&[1, 2]);
        let (mut a, mut b) = ([0; 28], [0; 28]);
        let mut segments = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)];
        assert_eq!(readv(&client, &mut segments), Ok(2 * EVENT_SIZE));
    }

    /// Every segment is a write or a read of its own: nothing is put together of two.
    fn segments_are_calls_of_their_own() {
        let client = with_notes(&[1]);
        let record = records(&client, &[2]);
        let halves = [IoSlice::new(&record[..20]), IoSlice::new(&record[20..])];
        assert_eq!(writev(&client, &halves), Err(rustix::io::Errno::INVAL));
        let event = variable(EventType::SYSEX, client.port(0), 4);
        let apart = [IoSlice::new(event.as_bytes()), IoSlice::new(&[1; 4])];
        assert_eq!(writev(&client, &apart), Err(rustix::io::Errno::INVAL));
        let (mut a, mut b) = ([0; 20], [0; 28]);
        let mut segments = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)];
        assert_eq!(readv(&client, &mut segments), Ok(0));
    }
}
