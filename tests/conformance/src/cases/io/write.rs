//! `write`: batches, partial success, lengths, types.

use crate::case::cases;
use crate::client::{
    Client, Mode, NOBODY, THROUGH, at_tick, batch, control, note_of, note_on, variable,
};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE, EventData, EventFlags};
use aseqd_abi::{Address, Errno, Event, EventType};
use zerocopy::IntoBytes;

/// Returns a record that is not taken.
fn bad() -> Event {
    Event::direct(EventType::KERNEL_ERROR)
}

fn notes(client: &Client) -> Vec<u8> {
    client.events().iter().map(note_of).collect()
}

cases! {
    /// Several records in one write are taken in order, and all counted.
    fn a_batch_is_taken_in_order() {
        let client = Client::with_port();
        let events = [1, 2, 3].map(|note| note_on(client.port(0), note));
        assert_eq!(client.write(&batch(&events)), Ok(3 * EVENT_SIZE));
        assert_eq!(notes(&client), [1, 2, 3]);
    }

    /// A write whose first record is bad fails with the error.
    fn a_bad_first_record_fails() {
        let client = Client::with_port();
        let events = [bad(), note_on(client.port(0), 1)];
        assert_eq!(client.write(&batch(&events)), Err(Errno::EINVAL));
        assert!(notes(&client).is_empty());
    }

    /// A write whose second record is bad counts the first, and takes nothing after it.
    fn a_bad_second_record_ends_the_write() {
        let client = Client::with_port();
        let events = [note_on(client.port(0), 1), bad(), note_on(client.port(0), 3)];
        assert_eq!(client.write(&batch(&events)), Ok(EVENT_SIZE));
        assert_eq!(notes(&client), [1]);
    }

    /// The error of a record that ended a write comes with the next write.
    fn the_error_comes_with_the_next_write() {
        let client = Client::with_port();
        let bytes = batch(&[note_on(client.port(0), 1), bad()]);
        let taken = client.write(&bytes).unwrap();
        assert_eq!(client.write(&bytes[taken..]), Err(Errno::EINVAL));
    }

    /// An error of delivery ends a write as a bad record does.
    fn an_undeliverable_second_record_ends_the_write() {
        let client = Client::with_port();
        let events = [note_on(client.port(0), 1), note_on(NOBODY, 2), note_on(client.port(0), 3)];
        assert_eq!(client.write(&batch(&events)), Ok(EVENT_SIZE));
        assert_eq!(client.write(&batch(&events[1..])), Err(Errno::ENOENT));
        assert_eq!(notes(&client), [1]);
    }

    /// A write of no bytes is EINVAL.
    fn no_bytes_are_einval() {
        assert_eq!(Client::open().write(&[]), Err(Errno::EINVAL));
    }

    /// A write of less than a record is EINVAL.
    fn less_than_a_record_is_einval() {
        let client = Client::with_port();
        let event = note_on(client.port(0), 1);
        for len in [1, 2, 16, 27] {
            assert_eq!(client.write(&event.as_bytes()[..len]), Err(Errno::EINVAL));
        }
    }

    /// Bytes behind the last record that are no record are not counted and no error.
    fn a_tail_is_left() {
        let client = Client::with_port();
        let mut bytes = batch(&[1, 2, 3].map(|note| note_on(client.port(0), note)));
        for tail in 1..EVENT_SIZE {
            bytes.resize(3 * EVENT_SIZE + tail, 0xff);
            assert_eq!(client.write(&bytes), Ok(3 * EVENT_SIZE));
        }
    }

    /// Fixed events of every type below 130, and from 140 to 149, are taken and arrive.
    fn every_fixed_type_arrives() {
        let client = Client::with_port();
        let fixed = |number: &u8| !(130..140).contains(number) && *number != EventType::NOTE.0;
        for number in (0..150).filter(fixed) {
            let mut event = note_on(client.port(0), number & 0x7f);
            event.event_type = EventType(number);
            client.must_send(&event);
            event.source = client.port(0);
            assert_eq!(client.events(), [event]);
        }
    }

    /// Types from 150 to 254 are EINVAL.
    fn reserved_types_are_einval() {
        let client = Client::with_port();
        for number in 150..255 {
            let mut event = note_on(client.port(0), 1);
            event.event_type = EventType(number);
            assert_eq!(client.send(&event), Err(Errno::EINVAL));
        }
    }

    /// An event of type NONE is counted and goes nowhere, whatever its address.
    fn none_is_swallowed() {
        let client = Client::with_port();
        for dest in [client.port(0), NOBODY] {
            let mut event = note_on(dest, 1);
            event.event_type = EventType::NONE;
            event.queue = 77;
            client.must_send(&event);
        }
        assert!(notes(&client).is_empty());
    }

    /// A NONE in the middle of a batch does not stop it.
    fn none_in_a_batch_is_passed_over() {
        let client = Client::with_port();
        let none = Event::direct(EventType::NONE);
        let events = [note_on(client.port(0), 1), none, note_on(client.port(0), 3)];
        assert_eq!(client.write(&batch(&events)), Ok(3 * EVENT_SIZE));
        assert_eq!(notes(&client), [1, 3]);
    }

    /// A fixed event of a type that is variable is EINVAL.
    fn a_fixed_event_of_a_variable_type_is_einval() {
        let client = Client::with_port();
        for number in 130..140 {
            let mut event = note_on(client.port(0), 1);
            event.event_type = EventType(number);
            assert_eq!(client.send(&event), Err(Errno::EINVAL));
        }
    }

    /// Length bits 11 are taken as fixed with every type below 150, variable ones too.
    fn length_bits_11_go_with_every_type() {
        let client = Client::with_port();
        for number in [0, 6, 50, 99, 130, 139, 149] {
            let mut event = note_on(client.port(0), 1);
            event.event_type = EventType(number);
            event.flags = EventFlags::VARIABLE | EventFlags::VARUSR;
            client.must_send(&event);
            assert_eq!(client.wait_event().event_type, event.event_type);
        }
    }

    /// Queue numbers that are no queue are EINVAL.
    fn queue_numbers_of_no_queue_are_einval() {
        let client = Client::with_port();
        for queue in [32, 100, 252, 255] {
            let event = Event { queue, ..note_on(client.port(0), 1) };
            assert_eq!(client.send(&event), Err(Errno::EINVAL));
        }
    }

    /// A NOTE with its duration needs a queue: sent directly it is EINVAL.
    fn a_direct_note_is_einval() {
        let client = Client::with_port();
        for queue in [253, ADDRESS_SUBSCRIBERS] {
            let mut event = note_on(client.port(0), 1);
            (event.event_type, event.queue) = (EventType::NOTE, queue);
            assert_eq!(client.send(&event), Err(Errno::EINVAL));
        }
    }

    /// An event for subscribers from a port that does not exist is EINVAL.
    fn subscribers_of_a_missing_port_are_einval() {
        let client = Client::with_port();
        let mut event = note_on(Address::new(ADDRESS_SUBSCRIBERS, 0), 1);
        event.source.port = 9;
        assert_eq!(client.send(&event), Err(Errno::EINVAL));
    }

    /// An event for subscribers when there are none is taken.
    fn no_subscribers_are_no_error() {
        let client = Client::with_port();
        client.must_send(&note_on(Address::new(ADDRESS_SUBSCRIBERS, 0), 1));
    }

    /// A client that reads only cannot write: EBADF.
    fn a_reader_cannot_write() {
        let client = Client::open_as(Mode::Read);
        assert_eq!(client.send(&note_on(THROUGH, 1)), Err(Errno::EBADF));
    }

    /// A client that writes only can write.
    fn a_writer_can_write() {
        let (client, reader) = (Client::open_as(Mode::Write), Client::with_port());
        client.must_send(&note_on(reader.port(0), 5));
        assert_eq!(notes(&reader), [5]);
    }

    /// Control of a queue that does not exist is EINVAL, whatever control.
    fn control_of_a_missing_queue_is_einval() {
        let client = Client::open();
        for event_type in [EventType::START, EventType::STOP, EventType::CLOCK, EventType::ECHO] {
            for queue in [32, 253, 255] {
                assert_eq!(client.send(&control(queue, event_type, 1, 0)), Err(Errno::EINVAL));
            }
        }
    }

    /// Control of a queue that somebody else locked is EPERM.
    fn control_of_a_locked_queue_is_eperm() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_locked_queue();
        assert_eq!(other.control(queue, EventType::START, 0), Err(Errno::EPERM));
        assert_eq!(client.status(queue).running, 0);
    }

    /// A batch may mix direct and queued events.
    fn a_batch_mixes_direct_and_queued_events() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let direct = note_on(client.port(0), 1);
        let events = [at_tick(direct, queue, 50), direct, at_tick(direct, queue, 60)];
        assert_eq!(client.write(&batch(&events)), Ok(3 * EVENT_SIZE));
        assert_eq!((client.status(queue).events, notes(&client).len()), (2, 1));
    }

    /// A large write of many kilobytes is taken whole.
    fn a_large_batch_is_taken() {
        let client = Client::with_port();
        let none = Event::direct(EventType::NONE);
        let bytes = batch(std::iter::repeat_n(&none, 20_000));
        assert_eq!(client.write(&bytes), Ok(bytes.len()));
    }

    /// A variable event in a batch is followed by its data and then the next record.
    fn a_batch_with_a_variable_event() {
        let client = Client::with_port();
        let sysex = variable(EventType::SYSEX, client.port(0), 5);
        let note = note_on(client.port(0), 9);
        let bytes = [sysex.as_bytes(), &[1, 2, 3, 4, 5], note.as_bytes()].concat();
        assert_eq!(client.write(&bytes), Ok(2 * EVENT_SIZE + 5));
        let received = client.received();
        assert_eq!((&received[0].data[..], note_of(&received[1].event)), (&[1, 2, 3, 4, 5][..], 9));
    }

    /// The data of an event need not mean anything.
    fn data_is_not_looked_at() {
        let client = Client::with_port();
        for event_type in [EventType::NOTEON, EventType::CONTROLLER, EventType::PORT_START] {
            let mut event = note_on(client.port(0), 1);
            (event.event_type, event.data) = (event_type, EventData([0xff; 12]));
            client.must_send(&event);
            assert_eq!(client.wait_event().data, event.data);
        }
    }
}
