//! `read`: buffers of every size, several events, overflow.

use crate::case::cases;
use crate::client::{Client, Mode, note_of, note_on, split, variable};
use aseqd_abi::event::{EVENT_SIZE, EventData};
use aseqd_abi::{Errno, EventType};

/// Sends itself a note and a variable event of a length.
fn with_unread(lens: &[usize]) -> Client {
    let client = Client::with_port();
    for len in lens {
        let event = variable(EventType::SYSEX, client.port(0), *len);
        client.send_variable(&event, &vec![0x77; *len]).expect("the event is taken");
    }
    client
}

fn with_notes(notes: u8) -> Client {
    let client = Client::with_port();
    (0..notes).for_each(|note| client.must_send(&note_on(client.port(0), note)));
    client
}

fn overflow(client: &Client) {
    client.set_pool(|pool| pool.input_pool = 2).unwrap();
    (1..3).for_each(|note| client.must_send(&note_on(client.port(0), note)));
    assert_eq!(client.send(&note_on(client.port(0), 3)), Err(Errno::EAGAIN));
}

cases! {
    /// When there is nothing to read it is EAGAIN.
    fn nothing_is_eagain() {
        let client = Client::open();
        for len in [EVENT_SIZE, 1000] {
            assert_eq!(client.read(len), Err(Errno::EAGAIN));
        }
    }

    /// A buffer of less than a record reads 0 bytes, event or not.
    fn a_short_buffer_reads_nothing() {
        let (empty, client) = (Client::open(), with_notes(1));
        for len in [0, 1, 16, 27] {
            assert_eq!(empty.read(len), Ok(vec![]));
            assert_eq!(client.read(len), Ok(vec![]));
        }
        assert_eq!(client.events().len(), 1);
    }

    /// A buffer for one record reads one event.
    fn a_buffer_of_one_record_reads_one_event() {
        let client = with_notes(3);
        for len in [28, 29, 55] {
            assert_eq!(client.read(len).map(|bytes| bytes.len()), Ok(28));
        }
        assert_eq!(client.read(28), Err(Errno::EAGAIN));
    }

    /// A larger buffer reads as many events as fit whole, in order.
    fn a_larger_buffer_reads_what_fits() {
        let client = with_notes(5);
        let bytes = client.read(3 * EVENT_SIZE + 27).unwrap();
        let notes: Vec<u8> = split(&bytes).iter().map(|one| note_of(&one.event)).collect();
        assert_eq!(notes, [0, 1, 2]);
        assert_eq!(client.read(10_000).unwrap().len(), 2 * EVENT_SIZE);
    }

    /// The data of a variable event is padded to a multiple of 28.
    fn data_is_padded() {
        for (len, whole) in [(0, 28), (1, 56), (27, 56), (28, 56), (29, 84), (56, 84), (57, 112)] {
            assert_eq!(with_unread(&[len]).read(1000).unwrap().len(), whole, "{len} bytes");
        }
    }

    /// The padding is zero.
    since "6.12" fn the_padding_is_zero() {
        let client = with_unread(&[30]);
        let mut buffer = [0xa5; 84];
        assert_eq!(rustix::io::read(&client, &mut buffer), Ok(84));
        assert_eq!((&buffer[28..58], &buffer[58..]), (&[0x77; 30][..], &[0; 26][..]));
    }

    /// The place of the padding in the buffer is left as it was.
    until "6.12" fn the_padding_is_not_written() {
        let client = with_unread(&[30]);
        let mut buffer = [0xa5; 84];
        assert_eq!(rustix::io::read(&client, &mut buffer), Ok(84));
        assert_eq!((&buffer[28..58], &buffer[58..]), (&[0x77; 30][..], &[0xa5; 26][..]));
    }

    /// A variable event that does not fit is EAGAIN, and stays.
    fn a_variable_event_that_does_not_fit_is_eagain() {
        let client = with_unread(&[40]);
        for len in [28, 29, 56, 68, 83] {
            assert_eq!(client.read(len), Err(Errno::EAGAIN));
            assert!(client.readable());
        }
        assert_eq!(client.read(84).unwrap().len(), 84);
    }

    /// A variable event that does not fit is EAGAIN on a descriptor that sleeps, too.
    fn a_variable_event_that_does_not_fit_is_eagain_without_nonblock() {
        let client = Client::open_blocking(Mode::ReadWrite);
        let port = client.create_port(crate::client::OPEN_PORT).unwrap();
        client.send_variable(&variable(EventType::SYSEX, port, 40), &[1; 40]).unwrap();
        assert_eq!(client.read(83), Err(Errno::EAGAIN));
        assert_eq!(client.read(84).unwrap().len(), 84);
    }

    /// A variable event that does not fit behind others ends the read there, and stays.
    fn a_variable_event_that_does_not_fit_ends_the_read() {
        let client = with_notes(2);
        let event = variable(EventType::SYSEX, client.port(0), 40);
        client.send_variable(&event, &[1; 40]).unwrap();
        assert_eq!(client.read(2 * 28 + 83).unwrap().len(), 56);
        assert_eq!(client.read(84).unwrap().len(), 84);
    }

    /// Events behind a variable one that does not fit wait for it.
    fn a_variable_event_that_does_not_fit_blocks_the_others() {
        let client = with_unread(&[40]);
        client.must_send(&note_on(client.port(0), 1));
        assert_eq!(client.read(28), Err(Errno::EAGAIN));
        assert_eq!(client.received().len(), 2);
    }

    /// A variable event without data has only its record.
    fn a_variable_event_without_data() {
        let client = with_unread(&[0]);
        let bytes = client.read(28).unwrap();
        assert_eq!(split(&bytes)[0].event.data, EventData::from_ext_len(0));
    }

    /// Variable and fixed events come in the order of their arrival, in one read.
    fn events_of_all_kinds_in_one_read() {
        let client = with_unread(&[3, 60]);
        client.must_send(&note_on(client.port(0), 1));
        let bytes = client.read(1000).unwrap();
        let lens: Vec<usize> = split(&bytes).iter().map(|one| one.data.len()).collect();
        assert_eq!((lens, bytes.len()), (vec![3, 60, 0], 56 + 28 + 84 + 28));
    }

    /// A client that writes only cannot read: EBADF.
    fn a_writer_cannot_read() {
        assert_eq!(Client::open_as(Mode::Write).read(EVENT_SIZE), Err(Errno::EBADF));
    }

    /// A client that reads only reads.
    fn a_reader_can_read() {
        let (client, sender) = (Client::open_as(Mode::Read), Client::open());
        let port = client.create_port(crate::client::OPEN_PORT).unwrap();
        sender.must_send(&note_on(port, 3));
        assert_eq!(note_of(&client.wait_event()), 3);
    }

    /// A full input is EAGAIN for the sender, and ENOSPC once for the reader.
    fn an_overflow_is_enospc_once() {
        let client = Client::with_port();
        overflow(&client);
        assert_eq!(client.read(1000), Err(Errno::ENOSPC));
        assert_eq!(client.read(1000), Err(Errno::EAGAIN));
    }

    /// Everything that was unread is gone after an overflow.
    fn an_overflow_loses_everything_unread() {
        let client = Client::with_port();
        overflow(&client);
        assert_eq!(client.read(1000), Err(Errno::ENOSPC));
        assert_eq!(client.pool().input_free, 2);
        client.must_send(&note_on(client.port(0), 9));
        assert_eq!(note_of(&client.wait_event()), 9);
    }

    /// An overflow is told even to a read of less than a record.
    fn an_overflow_is_told_to_a_short_buffer() {
        let client = Client::with_port();
        overflow(&client);
        assert_eq!(client.read(1), Err(Errno::ENOSPC));
    }

    /// While unread events are there an overflow does not hide that they can be read.
    fn an_overflow_with_unread_events_is_readable() {
        let client = Client::with_port();
        overflow(&client);
        assert!(client.readable());
    }

    /// Overflows are not counted in event_lost.
    fn an_overflow_counts_nothing() {
        let client = Client::with_port();
        overflow(&client);
        assert_eq!(client.info().event_lost, 0);
    }

    /// A new size of the input pool discards what is unread, but not the overflow.
    fn an_overflow_survives_another_pool_size() {
        let client = Client::with_port();
        overflow(&client);
        client.set_pool(|pool| pool.input_pool = 50).unwrap();
        assert!(!client.readable());
        assert_eq!(client.read(28), Err(Errno::ENOSPC));
        assert_eq!(client.read(28), Err(Errno::EAGAIN));
    }

    /// Removal of the input clears an overflow.
    fn an_overflow_is_cleared_by_removal() {
        let client = Client::with_port();
        overflow(&client);
        client.discard();
        assert_eq!(client.read(28), Err(Errno::EAGAIN));
    }

    /// 200 unread events fit, one more is EAGAIN.
    fn two_hundred_events_fit() {
        let client = with_notes(200);
        assert_eq!(client.send(&note_on(client.port(0), 1)), Err(Errno::EAGAIN));
        assert_eq!(client.pool().input_free, 0);
    }
}
