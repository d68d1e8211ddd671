//! Reading by a UMP client: records of 32 bytes, the padding of data, and what a legacy client discards.

use crate::case::cases;
use crate::client::{
    Client, LEGACY, MIDI1, MIDI2, Mode, NO_PACKETS, NOTE1, OPEN_PORT, UMP_SIZE, legacy, note_on,
    packet, split_ump, variable, wait_until,
};
use crate::sys::Edge;
use aseqd_abi::event::{Control, EVENT_SIZE, EventData, EventFlags, EventTime};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Errno, EventType};

/// An event type that has no packet, so that it stays a legacy event.
const USR0: EventType = EventType(90);

/// Returns a UMP client with a legacy event and nothing else to read.
fn with_a_legacy_event() -> Client {
    let client = Client::midi(MIDI1);
    client.must_send(&legacy(client.port(0), USR0, EventData([0xff; 12])));
    client
}

/// Returns a UMP client with data of a length to read.
fn with_data(len: usize) -> (Client, Vec<u8>) {
    let client = Client::midi(MIDI1);
    let data: Vec<u8> = (0..len).map(|n| (n % 250 + 1).to_le_bytes()[0]).collect();
    let event = variable(EventType::BOUNCE, client.port(0), len);
    assert_eq!(client.send_variable(&event, &data), Ok(EVENT_SIZE + len));
    (client, data)
}

cases! {
    /// A packet is read as 32 bytes.
    fn a_packet_reads_as_32_bytes() {
        let client = Client::midi(MIDI1);
        client.must_send_packet(client.port(0), &NOTE1);
        assert_eq!(client.read(1000).unwrap().len(), 32);
    }

    /// A legacy event is read as 32 bytes, with four zero bytes at the end.
    fn a_legacy_event_reads_as_32_bytes() {
        let client = with_a_legacy_event();
        let bytes = client.read(1000).unwrap();
        assert_eq!(bytes.len(), 32);
        assert_eq!((&bytes[16..28], &bytes[28..]), (&[0xff; 12][..], &[0; 4][..]));
    }

    /// The legacy event's fields are where they are for a legacy client.
    fn fields_of_a_legacy_event_arrive() {
        let client = Client::midi(MIDI2);
        let mut event = legacy(client.port(0), USR0, EventData([7; 12]));
        event.tag = 9;
        event.time = EventTime::tick(77);
        client.must_send(&event);
        event.source = client.port(0);
        assert_eq!(client.ump_received()[0].legacy(), event);
    }

    /// A buffer of less than 32 bytes reads 0, though an event waits.
    fn a_short_buffer_reads_0() {
        let client = with_a_legacy_event();
        for len in [0, 1, 27, 28, 31] {
            assert_eq!(client.read(len), Ok(vec![]), "{len} bytes");
        }
        assert_eq!(client.ump_received().len(), 1);
    }

    /// With an empty FIFO a short buffer reads 0 too.
    fn a_short_buffer_with_an_empty_fifo_reads_0() {
        let client = Client::midi(MIDI1);
        assert_eq!(client.read(31), Ok(vec![]));
        assert_eq!(client.read(32), Err(Errno::EAGAIN));
    }

    /// A read returns as many whole records as fit.
    fn a_read_returns_whole_records() {
        let client = Client::midi(MIDI1);
        for _ in 0..4 {
            client.must_send_packet(client.port(0), &NOTE1);
        }
        assert_eq!(client.read(63).unwrap().len(), 32);
        assert_eq!(client.read(64 + 31).unwrap().len(), 64);
        assert_eq!(client.read(32).unwrap().len(), 32);
        assert_eq!(client.read(32), Err(Errno::EAGAIN));
    }

    /// Data is padded with zeros to a multiple of 32 bytes.
    fn data_is_padded_to_32_bytes() {
        for (len, padded) in [(0, 0), (1, 32), (28, 32), (31, 32), (32, 32), (33, 64), (64, 64), (100, 128)] {
            let (client, data) = with_data(len);
            let bytes = client.read(1000).unwrap();
            assert_eq!(bytes.len(), UMP_SIZE + padded, "{len} bytes of data");
            assert_eq!(bytes[UMP_SIZE..][..len], *data, "{len} bytes of data");
            assert!(bytes[UMP_SIZE + len..].iter().all(|byte| *byte == 0), "{len} bytes of data");
        }
    }

    /// The record before the data has its length, and zero for the pointer.
    fn the_record_before_data_has_its_length() {
        let (client, _) = with_data(40);
        let received = client.ump_received();
        assert_eq!(received[0].event.ump, [40, 0, 0, 0]);
        assert_eq!(received[0].event.flags, EventFlags::VARIABLE);
    }

    /// A buffer with room for the record and not for its data is EAGAIN, and the event stays.
    fn a_buffer_too_short_for_the_data_is_eagain() {
        let (client, data) = with_data(33);
        for len in [32, 33, 64, 65, 95] {
            assert_eq!(client.read(len), Err(Errno::EAGAIN), "{len} bytes");
        }
        assert_eq!(split_ump(&client.read(96).unwrap())[0].data, data);
    }

    /// An event with data behind another that fits is left for the next read.
    fn data_that_does_not_fit_is_left() {
        let (client, data) = with_data(33);
        client.discard();
        client.must_send_packet(client.port(0), &NOTE1);
        assert_eq!(client.send_variable(&variable(EventType::BOUNCE, client.port(0), 33), &data), Ok(EVENT_SIZE + 33));
        assert_eq!(client.read(32 + 95).unwrap().len(), 32);
        assert_eq!(split_ump(&client.read(96).unwrap())[0].data, data);
    }

    /// A legacy client discards the packets that it got as a UMP client.
    fn a_legacy_client_discards_packets() {
        let client = Client::midi(MIDI1);
        client.must_send_packet(client.port(0), &NOTE1);
        client.must_send(&legacy(client.port(0), USR0, EventData([1; 12])));
        client.must_send_packet(client.port(0), &NOTE1);
        assert_eq!(client.set_midi(LEGACY), Ok(()));
        assert_eq!(client.types(), [USR0]);
        assert_eq!(client.pool().input_free, 200);
    }

    /// If there are only packets, the legacy client's read is EAGAIN, though poll said that it could read.
    fn only_packets_are_eagain_for_a_legacy_client() {
        let client = Client::midi(MIDI1);
        client.must_send_packet(client.port(0), &NOTE1);
        assert_eq!(client.set_midi(LEGACY), Ok(()));
        assert!(client.readable());
        assert_eq!(client.read(EVENT_SIZE), Err(Errno::EAGAIN));
        assert!(!client.readable());
    }

    /// What a legacy client got it reads as 32 bytes after it has become a UMP client.
    fn legacy_events_survive_the_switch() {
        let client = Client::midi(LEGACY);
        client.must_send(&note_on(client.port(0), 60));
        assert_eq!(client.set_midi(MIDI2), Ok(()));
        let received = client.ump_received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].legacy().event_type, EventType::NOTEON);
        assert_eq!(received[0].event.ump[3], 0);
    }

    /// A switch between the two versions of UMP converts nothing that has arrived.
    fn packets_in_the_fifo_are_not_converted() {
        let client = Client::midi(MIDI1);
        client.must_send_packet(client.port(0), &NOTE1);
        assert_eq!(client.set_midi(MIDI2), Ok(()));
        assert_eq!(client.packets(), [NOTE1]);
    }

    /// A short read by a legacy client discards no packet.
    fn a_short_read_discards_no_packet() {
        let client = Client::midi(MIDI1);
        client.must_send_packet(client.port(0), &NOTE1);
        assert_eq!(client.set_midi(LEGACY), Ok(()));
        assert_eq!(client.read(27), Ok(vec![]));
        assert_eq!(client.set_midi(MIDI1), Ok(()));
        assert_eq!(client.packets(), [NOTE1]);
    }

    /// A read that waits is woken by a packet.
    fn a_packet_wakes_a_reader() {
        let sender = Client::midi(MIDI1);
        let client = Client::open_blocking(Mode::ReadWrite);
        client.need_ump();
        assert_eq!(client.set_midi(MIDI1), Ok(()));
        let port = client.create_port(OPEN_PORT).unwrap();
        let reader = std::thread::spawn(move || client.read(100));
        std::thread::sleep(std::time::Duration::from_millis(20));
        sender.must_send_packet(port, &NOTE1);
        let bytes = reader.join().expect("no panic").unwrap();
        assert_eq!(split_ump(&bytes)[0].words(), NOTE1);
    }

    /// poll tells of a packet.
    fn poll_tells_of_a_packet() {
        let client = Client::midi(MIDI2);
        assert!(!client.readable());
        client.must_send_packet(client.port(0), &NOTE1);
        assert!(client.readable());
        client.packets();
        assert!(!client.readable());
    }

    /// A buffer that ends in memory that cannot be written is EFAULT, and the packet stays.
    fn a_buffer_beyond_the_edge_is_efault() {
        let client = Client::midi(MIDI1);
        client.must_send_packet(client.port(0), &NOTE1);
        assert_eq!(Edge::new().read(&client, 28, 4), Err(Errno::EFAULT));
        assert_eq!(client.packets(), [NOTE1]);
    }

    /// REMOVE_EVENTS with INPUT discards packets too.
    fn remove_input_discards_packets() {
        let client = Client::midi(MIDI1);
        client.must_send_packet(client.port(0), &NOTE1);
        client.discard();
        assert_eq!(client.packets(), NO_PACKETS);
        assert_eq!(client.pool().input_free, 200);
    }

    /// Packets arrive in the order in which they were written, among legacy events.
    fn packets_keep_their_order() {
        let client = Client::midi(MIDI1);
        for note in 0..10 {
            client.must_send_packet(client.port(0), &[0x2090_0040 | note << 8]);
            let data = EventData::from_control(Control { value: note.cast_signed(), ..Control::default() });
            client.must_send(&legacy(client.port(0), USR0, data));
        }
        let received = client.ump_received();
        let order: Vec<u32> = received
            .iter()
            .map(|r| if r.is_ump() { r.words()[0] >> 8 & 0x7f } else { r.event.ump[2] })
            .collect();
        assert_eq!(order, (0..10).flat_map(|note| [note, note]).collect::<Vec<_>>());
    }

    /// What remains in a UMP client's FIFO is given back when the client ends.
    fn unread_packets_end_with_their_client() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI1));
        let address = reader.port(0);
        sender.must_send_packet(address, &NOTE1);
        drop(reader);
        wait_until("the client is gone", || sender.client_info(address.client.into()).is_err());
        assert_eq!(sender.send_ump(&packet(address, &NOTE1)), Err(Errno::ENOENT));
    }

    /// An announcement is a legacy event, and is read as 32 bytes too.
    fn announcements_read_as_32_bytes() {
        let client = Client::midi(MIDI2);
        assert_eq!(client.subscribe(crate::client::ANNOUNCE, client.port(0)), Ok(()));
        client.discard();
        let port = client.create_port(OPEN_PORT).unwrap();
        let started = client.ump_received().into_iter().find(|r| r.event.event_type == EventType::PORT_START);
        let started = started.expect("it is announced");
        let [a, b, c, d] = started.event.ump[0].to_ne_bytes();
        assert_eq!(([a, b], c, d), ([port.client, port.port], 0, 0));
        assert_eq!(started.event.ump[3], 0);
        assert_eq!(size_of::<UmpEvent>(), 32);
    }
}
