//! Events with data: sizes, subscribers, queues.

use crate::case::cases;
use crate::client::{Client, at_tick, note_on, variable};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE, EventData};
use aseqd_abi::{Address, Errno, EventType};

const SUBSCRIBERS: Address = Address::new(ADDRESS_SUBSCRIBERS, 0);

/// Some data that tells its length and every position.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n % 251).to_le_bytes()[0]).collect()
}

cases! {
    /// Data of every length near a cell's border arrives whole, in length and content.
    fn sizes_at_the_borders_of_cells_arrive() {
        let client = Client::with_port();
        for len in [0, 1, 2, 27, 28, 29, 55, 56, 57, 84, 280, 1000] {
            let event = variable(EventType::SYSEX, client.port(0), len);
            assert_eq!(client.send_variable(&event, &pattern(len)), Ok(EVENT_SIZE + len));
            let received = client.received();
            assert_eq!(received.len(), 1, "length {len}");
            assert_eq!(received[0].data, pattern(len), "length {len}");
        }
    }

    /// The record arrives with the length, and zero for the pointer.
    fn pointer_arrives_as_zero() {
        let client = Client::with_port();
        let mut event = variable(EventType::SYSEX, client.port(0), 3);
        event.data.0[4..].fill(0xdd);
        assert_eq!(client.send_variable(&event, b"abc"), Ok(EVENT_SIZE + 3));
        assert_eq!(client.received()[0].event.data, EventData::from_ext_len(3));
    }

    /// The two top bits of the length do not count and do not arrive.
    fn top_bits_of_the_length_are_ignored() {
        let client = Client::with_port();
        for top in [0x4000_0000, 0x8000_0000, 0xc000_0000] {
            let mut event = variable(EventType::SYSEX, client.port(0), 3);
            event.data = EventData::from_ext_len(top | 3);
            assert_eq!(client.send_variable(&event, b"abc"), Ok(EVENT_SIZE + 3));
            assert_eq!(client.received()[0].event.data, EventData::from_ext_len(3));
        }
    }

    /// Every variable type carries data.
    fn every_variable_type_carries_data() {
        let client = Client::with_port();
        for number in 130..140 {
            let event = variable(EventType(number), client.port(0), 4);
            assert_eq!(client.send_variable(&event, b"data"), Ok(EVENT_SIZE + 4), "type {number}");
            assert_eq!(client.received()[0].data, b"data", "type {number}");
        }
    }

    /// A fixed type with variable length is EINVAL, and so is the reverse.
    fn type_and_length_kind_must_agree() {
        let client = Client::with_port();
        let event = variable(EventType::NOTEON, client.port(0), 4);
        assert_eq!(client.send_variable(&event, b"data"), Err(Errno::EINVAL));
        let mut event = variable(EventType::SYSEX, client.port(0), 4);
        event.flags = aseqd_abi::event::EventFlags::empty();
        assert_eq!(client.send_variable(&event, b"data"), Err(Errno::EINVAL));
    }

    /// Less data than the length says is EINVAL.
    fn missing_data_is_einval() {
        let client = Client::with_port();
        let event = variable(EventType::SYSEX, client.port(0), 5);
        assert_eq!(client.send_variable(&event, b"data"), Err(Errno::EINVAL));
        assert_eq!(client.types(), []);
    }

    /// The largest event into an empty FIFO of 200 has 199 cells of data; one byte more is ENOMEM.
    fn largest_direct_event() {
        let client = Client::with_port();
        let event = variable(EventType::SYSEX, client.port(0), 5572);
        assert_eq!(client.send_variable(&event, &pattern(5572)), Ok(EVENT_SIZE + 5572));
        assert_eq!(client.received()[0].data, pattern(5572));
        let event = variable(EventType::SYSEX, client.port(0), 5573);
        assert_eq!(client.send_variable(&event, &pattern(5573)), Err(Errno::ENOMEM));
    }

    /// An event that is too large overflows the reader, which poll does not show.
    fn too_large_event_overflows() {
        let client = Client::with_port();
        let event = variable(EventType::SYSEX, client.port(0), 5573);
        assert_eq!(client.send_variable(&event, &pattern(5573)), Err(Errno::ENOMEM));
        assert!(!client.readable());
        assert_eq!(client.read(EVENT_SIZE), Err(Errno::ENOSPC));
        assert_eq!(client.read(EVENT_SIZE), Err(Errno::EAGAIN));
    }

    /// An event for which the rest of the FIFO is too small is EAGAIN, and overflows the reader.
    fn event_beyond_the_free_cells_is_eagain() {
        let client = Client::with_port();
        client.must_send(&note_on(client.port(0), 1));
        let event = variable(EventType::SYSEX, client.port(0), 5572);
        assert_eq!(client.send_variable(&event, &pattern(5572)), Err(Errno::EAGAIN));
        assert_eq!(client.read(EVENT_SIZE), Err(Errno::ENOSPC));
    }

    /// A failed insertion gives all its cells back.
    fn failed_insertion_gives_its_cells_back() {
        let client = Client::with_port();
        client.must_send(&note_on(client.port(0), 1));
        let event = variable(EventType::SYSEX, client.port(0), 5572);
        assert_eq!(client.send_variable(&event, &pattern(5572)), Err(Errno::EAGAIN));
        assert_eq!(client.pool().input_free, 199);
    }

    /// The largest queued event has 499 cells of data; one byte more is ENOMEM.
    fn largest_queued_event() {
        let client = Client::with_port();
        client.set_pool(|pool| pool.input_pool = 600).unwrap();
        let queue = client.create_queue();
        let event = at_tick(variable(EventType::SYSEX, client.port(0), 13_973), queue, 5);
        assert_eq!(client.send_variable(&event, &pattern(13_973)), Err(Errno::ENOMEM));
        let event = at_tick(variable(EventType::SYSEX, client.port(0), 13_972), queue, 0);
        assert_eq!(client.send_variable(&event, &pattern(13_972)), Ok(EVENT_SIZE + 13_972));
        assert_eq!(client.received()[0].data, pattern(13_972));
    }

    /// A queued variable event is one event, and takes a cell more for every 28 bytes.
    fn queued_event_takes_cells_for_its_data() {
        let client = Client::with_port();
        let queue = client.create_queue();
        for (len, cells) in [(0, 1), (1, 2), (28, 2), (29, 3), (280, 11)] {
            let event = at_tick(variable(EventType::SYSEX, client.port(0), len), queue, 5);
            let before = client.pool().output_free;
            assert_eq!(client.send_variable(&event, &pattern(len)), Ok(EVENT_SIZE + len));
            let used = if before == 0 { 500 } else { before } - client.pool().output_free;
            assert_eq!(used, cells, "length {len}");
        }
        assert_eq!(client.status(queue).events, 5);
    }

    /// Data is kept while an event waits in a queue.
    fn data_waits_with_its_event() {
        let client = Client::with_port();
        let queue = client.create_queue();
        for (len, tick) in [(10, 30), (100, 10), (50, 20)] {
            let event = at_tick(variable(EventType::SYSEX, client.port(0), len), queue, tick);
            assert_eq!(client.send_variable(&event, &pattern(len)), Ok(EVENT_SIZE + len));
        }
        client.move_to_tick(queue, 30);
        let data: Vec<_> = client.received().into_iter().map(|received| received.data).collect();
        assert_eq!(data, [pattern(100), pattern(50), pattern(10)]);
    }

    /// Every subscriber gets its own copy of the data.
    fn every_subscriber_gets_the_data() {
        let sender = Client::with_port();
        let readers = [Client::with_port(), Client::with_port(), Client::with_port()];
        for reader in &readers {
            assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
            reader.discard();
        }
        let event = variable(EventType::SYSEX, SUBSCRIBERS, 100);
        assert_eq!(sender.send_variable(&event, &pattern(100)), Ok(EVENT_SIZE + 100));
        for reader in &readers {
            assert_eq!(reader.received()[0].data, pattern(100));
        }
    }

    /// A queued event's data reaches every subscriber too.
    fn every_subscriber_gets_queued_data() {
        let (sender, reader) = (Client::with_port(), Client::with_ports(2));
        for port in 0..2 {
            assert_eq!(sender.subscribe(sender.port(0), reader.port(port)), Ok(()));
        }
        reader.discard();
        let queue = sender.create_queue();
        let event = at_tick(variable(EventType::SYSEX, SUBSCRIBERS, 100), queue, 10);
        assert_eq!(sender.send_variable(&event, &pattern(100)), Ok(EVENT_SIZE + 100));
        sender.move_to_tick(queue, 10);
        let data: Vec<_> = reader.received().into_iter().map(|received| received.data).collect();
        assert_eq!(data, [pattern(100), pattern(100)]);
    }

    /// A subscriber too small for the data is ENOMEM, and the other gets it.
    fn too_small_subscriber_is_enomem() {
        let (sender, small, large) =
            (Client::with_port(), Client::with_port(), Client::with_port());
        for reader in [&small, &large] {
            assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
            reader.discard();
        }
        small.set_pool(|pool| pool.input_pool = 4).unwrap();
        let event = variable(EventType::SYSEX, SUBSCRIBERS, 200);
        assert_eq!(sender.send_variable(&event, &pattern(200)), Err(Errno::ENOMEM));
        assert_eq!(large.received()[0].data, pattern(200));
    }

    /// Fixed and variable events mix in one write, data unpadded.
    fn batch_of_fixed_and_variable_events() {
        let client = Client::with_port();
        let note = note_on(client.port(0), 5);
        let sysex = variable(EventType::SYSEX, client.port(0), 3);
        let bytes = |event| zerocopy::IntoBytes::as_bytes(event).to_vec();
        let batch = [bytes(&note), bytes(&sysex), b"abc".to_vec(), bytes(&note)].concat();
        assert_eq!(client.write(&batch), Ok(3 * EVENT_SIZE + 3));
        assert_eq!(client.types(), [EventType::NOTEON, EventType::SYSEX, EventType::NOTEON]);
    }

    /// Data is padded with zeros to whole records when read.
    since "6.12" fn data_is_padded_with_zeros() {
        let client = Client::with_port();
        let event = variable(EventType::SYSEX, client.port(0), 30);
        assert_eq!(client.send_variable(&event, &[0xff; 30]), Ok(EVENT_SIZE + 30));
        let bytes = client.read(1000).unwrap();
        assert_eq!(bytes.len(), 3 * EVENT_SIZE);
        assert!(bytes[EVENT_SIZE + 30..].iter().all(|byte| *byte == 0));
    }
}
