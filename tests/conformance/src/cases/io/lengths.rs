//! Variable events: their lengths, their data, and pointers to user memory.

use crate::case::cases;
use crate::client::{Client, at_tick, note_on, variable};
use aseqd_abi::event::{EVENT_SIZE, EventData, EventFlags};
use aseqd_abi::{Errno, Event, EventType};
use zerocopy::IntoBytes;

fn bytes(len: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(len).collect()
}

fn sysex(client: &Client, len: usize) -> Event {
    variable(EventType::SYSEX, client.port(0), len)
}

/// Writes a variable event of some length to itself.
fn send(client: &Client, len: usize) -> Result<usize, Errno> {
    client.send_variable(&sysex(client, len), &bytes(len))
}

cases! {
    /// Data of any length arrives as it was written.
    fn data_arrives() {
        let client = Client::with_port();
        for len in [0, 1, 2, 27, 28, 29, 55, 56, 57, 255, 256, 1000, 4096] {
            assert_eq!(send(&client, len), Ok(EVENT_SIZE + len));
            let received = client.received();
            assert_eq!((received.len(), &received[0].data), (1, &bytes(len)));
        }
    }

    /// Every type from 130 to 139 may be variable, others may not.
    fn variable_types_are_130_to_139() {
        let client = Client::with_port();
        for number in 0..255 {
            let event = variable(EventType(number), client.port(0), 4);
            let result = client.send_variable(&event, &[1; 4]);
            let expected =
                if EventType(number).is_variable() { Ok(32) } else { Err(Errno::EINVAL) };
            assert_eq!(result, expected, "type {number}");
        }
    }

    /// NONE with variable length is EINVAL like any other type that is not variable.
    fn none_cannot_be_variable() {
        let client = Client::with_port();
        let event = variable(EventType::NONE, client.port(0), 0);
        assert_eq!(client.send(&event), Err(Errno::EINVAL));
    }

    /// A length beyond the bytes of the write is EINVAL.
    fn a_length_beyond_the_write_is_einval() {
        let client = Client::with_port();
        for (len, given) in [(1, 0), (28, 27), (100, 99), (0x3fff_fffe, 50)] {
            let answer = client.send_variable(&sysex(&client, len), &bytes(given));
            assert_eq!(answer, Err(Errno::EINVAL));
        }
    }

    /// A length beyond the bytes of the write in a second record ends the write there.
    fn a_length_beyond_the_write_ends_a_batch() {
        let client = Client::with_port();
        let first = note_on(client.port(0), 1);
        let write = [first.as_bytes(), sysex(&client, 10).as_bytes(), &[1; 9]].concat();
        assert_eq!(client.write(&write), Ok(EVENT_SIZE));
    }

    /// Lengths from 0x3fffffff are EINVAL.
    fn a_length_of_30_bits_is_einval() {
        let client = Client::with_port();
        assert_eq!(client.send_variable(&sysex(&client, 0x3fff_ffff), &[]), Err(Errno::EINVAL));
    }

    /// The two top bits of the length are ignored, and the reader sees them cleared.
    fn the_top_bits_of_the_length_are_ignored() {
        let client = Client::with_port();
        for top in [1 << 30, 1 << 31, 3 << 30] {
            let event = sysex(&client, top | 10);
            assert_eq!(client.send_variable(&event, &[7; 10]), Ok(38));
            let received = client.received();
            assert_eq!(received[0].event.data.ext_len(), 10);
            assert_eq!(received[0].data, [7; 10]);
        }
    }

    /// The reader gets a zero pointer, whatever the writer left there.
    fn the_pointer_is_zero_for_the_reader() {
        let client = Client::with_port();
        let mut event = sysex(&client, 3);
        event.data.0[4..].fill(0xee);
        client.send_variable(&event, &[1, 2, 3]).unwrap();
        assert_eq!(client.received()[0].event.data, EventData::from_ext_len(3));
    }

    /// The largest event that the default input pool takes has 5572 bytes.
    fn the_largest_direct_event_has_5572_bytes() {
        let client = Client::with_port();
        assert_eq!(send(&client, 5572), Ok(EVENT_SIZE + 5572));
        assert_eq!(client.received()[0].data, bytes(5572));
    }

    /// A direct event of 5573 bytes is ENOMEM, and overflows the reader.
    fn a_direct_event_of_5573_bytes_is_enomem() {
        let client = Client::with_port();
        assert_eq!(send(&client, 5573), Err(Errno::ENOMEM));
        assert!(!client.readable());
        assert_eq!(client.read(EVENT_SIZE), Err(Errno::ENOSPC));
        assert_eq!(client.read(EVENT_SIZE), Err(Errno::EAGAIN));
    }

    /// The largest event that the default output pool takes has 13972 bytes.
    fn the_largest_queued_event_has_13972_bytes() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let event = at_tick(sysex(&client, 13_972), queue, 100);
        assert_eq!(client.send_variable(&event, &bytes(13_972)), Ok(14_000));
        assert_eq!((client.pool().output_free, client.status(queue).events), (0, 1));
    }

    /// A queued event of 13973 bytes is ENOMEM, and takes nothing from the pool.
    fn a_queued_event_of_13973_bytes_is_enomem() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let event = at_tick(sysex(&client, 13_973), queue, 100);
        assert_eq!(client.send_variable(&event, &bytes(13_973)), Err(Errno::ENOMEM));
        assert_eq!(client.pool().output_free, 500);
    }

    /// A variable event costs a cell, and one more for every 28 bytes begun.
    fn a_variable_event_costs_cells() {
        let client = Client::with_port();
        for (len, cells) in [(0, 1), (1, 2), (28, 2), (29, 3), (56, 3), (57, 4), (1000, 37)] {
            send(&client, len).unwrap();
            assert_eq!(client.pool().input_free, 200 - cells, "{len} bytes");
            client.discard();
            assert_eq!(client.pool().input_free, 200);
        }
    }

    /// A queued variable event costs as many cells of the output pool.
    fn a_queued_variable_event_costs_cells() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let event = at_tick(sysex(&client, 57), queue, 100);
        client.send_variable(&event, &bytes(57)).unwrap();
        assert_eq!(client.pool().output_free, 496);
    }

    /// When too few cells are free for the data it is EAGAIN, and none is kept.
    fn too_few_cells_for_the_data_are_eagain() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.write_pending(queue, 490);
        let event = at_tick(sysex(&client, 280), queue, 100);
        assert_eq!(client.send_variable(&event, &bytes(280)), Err(Errno::EAGAIN));
        assert_eq!(client.pool().output_free, 10);
        let event = at_tick(sysex(&client, 252), queue, 100);
        assert_eq!(client.send_variable(&event, &bytes(252)), Ok(EVENT_SIZE + 252));
        assert_eq!(client.pool().output_free, 0);
    }

    /// An event with a pointer to user memory reaches the reader with that very pointer.
    fn a_user_pointer_reaches_the_reader() {
        let client = Client::with_port();
        let mut event = note_on(client.port(0), 1);
        event.event_type = EventType::SYSEX;
        event.flags = EventFlags::VARUSR;
        event.data = EventData([4, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 0]);
        client.must_send(&event);
        event.source = client.port(0);
        assert_eq!(client.wait_event(), event);
    }

    /// An event with a pointer to user memory may have any type.
    fn a_user_pointer_goes_with_every_type() {
        let client = Client::with_port();
        for number in [6, 50, 99, 129, 130, 140] {
            let mut event = note_on(client.port(0), 1);
            (event.event_type, event.flags) = (EventType(number), EventFlags::VARUSR);
            client.must_send(&event);
        }
    }

    /// An event with a pointer to user memory in a queue is EINVAL.
    fn a_queued_user_pointer_is_einval() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let mut event = at_tick(note_on(client.port(0), 1), queue, 5);
        (event.event_type, event.flags) = (EventType::SYSEX, EventFlags::VARUSR);
        assert_eq!(client.send(&event), Err(Errno::EINVAL));
    }

    /// Data of a queued event arrives when it is due.
    fn queued_data_arrives() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let event = at_tick(sysex(&client, 100), queue, 0);
        client.send_variable(&event, &bytes(100)).unwrap();
        assert_eq!(client.received()[0].data, bytes(100));
        assert_eq!(client.pool().output_free, 500);
    }
}
