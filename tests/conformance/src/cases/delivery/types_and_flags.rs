//! Which types, flags, and queue numbers pass.

use crate::case::cases;
use crate::client::{Client, NOBODY, at_tick, note_on, variable};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE, EventFlags, EventTime};
use aseqd_abi::{Errno, Event, EventType};

cases! {
    /// Flag bits 6 and 7 have no meaning and arrive.
    fn unused_flag_bits_arrive() {
        let client = Client::with_port();
        let mut event = note_on(client.port(0), 1);
        event.flags = EventFlags::from_bits_retain(0xc0);
        client.must_send(&event);
        assert_eq!(client.wait_event().flags.bits(), 0xc0);
    }

    /// Length bits 11 are taken like those of a fixed event, and arrive.
    fn length_bits_11_pass_as_fixed() {
        let client = Client::with_port();
        let mut event = note_on(client.port(0), 1);
        event.flags = EventFlags::VARIABLE | EventFlags::VARUSR;
        client.must_send(&event);
        assert_eq!(client.wait_event().flags, event.flags);
    }

    /// Length bits 11 are not checked against the type either.
    fn length_bits_11_pass_with_a_variable_type() {
        let client = Client::with_port();
        let mut event = variable(EventType::SYSEX, client.port(0), 4);
        event.flags = EventFlags::VARIABLE | EventFlags::VARUSR;
        assert_eq!(client.send(&event), Ok(EVENT_SIZE));
    }

    /// Fixed types that no header names are delivered as they are.
    fn unlisted_types_arrive() {
        let client = Client::with_port();
        let types = [2, 3, 4, 9, 17, 25, 39, 43, 52, 100, 118, 129, 140, 149].map(EventType);
        for event_type in types {
            client.must_send(&Event { dest: client.port(0), ..Event::direct(event_type) });
        }
        assert_eq!(client.types(), types);
    }

    /// Every named fixed type below 150 but NOTE is delivered as it is.
    fn named_fixed_types_arrive() {
        let client = Client::with_port();
        let fixed = |event_type: &EventType| {
            !event_type.is_variable() && !event_type.is_reserved() && *event_type != EventType::NOTE
        };
        let types: Vec<EventType> =
            EventType::ALL.iter().map(|entry| entry.1).filter(fixed).collect();
        for event_type in &types {
            client.must_send(&Event { dest: client.port(0), ..Event::direct(*event_type) });
        }
        assert_eq!(client.types(), types);
    }

    /// Types from 150 on are the kernel's: EINVAL.
    fn reserved_types_are_einval() {
        let client = Client::with_port();
        for number in [150, 151, 152, 199, 200, 254] {
            let event = Event { dest: client.port(0), ..Event::direct(EventType(number)) };
            assert_eq!(client.send(&event), Err(Errno::EINVAL), "type {number}");
        }
        assert_eq!(client.types(), []);
    }

    /// Type NONE is taken and goes nowhere, even to a client that does not exist.
    fn none_is_swallowed() {
        let client = Client::with_port();
        client.must_send(&Event { dest: client.port(0), ..Event::direct(EventType::NONE) });
        client.must_send(&Event { dest: NOBODY, ..Event::direct(EventType::NONE) });
        assert_eq!(client.types(), []);
    }

    /// NOTE can only go through a queue: EINVAL.
    fn direct_note_is_einval() {
        let client = Client::with_port();
        let event = Event { dest: client.port(0), ..Event::direct(EventType::NOTE) };
        assert_eq!(client.send(&event), Err(Errno::EINVAL));
        assert_eq!(client.types(), []);
    }

    /// A direct NOTE is EINVAL before anybody looks whether the destination exists.
    fn direct_note_to_nobody_is_einval() {
        let event = Event { dest: NOBODY, ..Event::direct(EventType::NOTE) };
        assert_eq!(Client::open().send(&event), Err(Errno::EINVAL));
    }

    /// NOTE by the subscribers' queue number 254 is EINVAL too.
    fn note_directly_to_subscribers_is_einval() {
        let client = Client::with_port();
        let event = Event { queue: ADDRESS_SUBSCRIBERS, ..Event::direct(EventType::NOTE) };
        assert_eq!(client.send(&event), Err(Errno::EINVAL));
    }

    /// A direct event with a time far away arrives now.
    fn time_of_a_direct_event_is_meaningless() {
        let client = Client::with_port();
        let mut event = note_on(client.port(0), 1);
        event.time = EventTime::tick(u32::MAX);
        client.must_send(&event);
        assert_eq!(client.wait_event().time, event.time);
    }

    /// Queue numbers that cannot exist are EINVAL.
    fn impossible_queue_is_einval() {
        let client = Client::with_port();
        for queue in [32, 33, 64, 128, 252, 255] {
            let event = Event { queue, ..note_on(client.port(0), 1) };
            assert_eq!(client.send(&event), Err(Errno::EINVAL), "queue {queue}");
        }
    }

    /// A queue that was deleted is EINVAL.
    fn deleted_queue_is_einval() {
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!(client.delete_queue(queue), Ok(()));
        assert_eq!(client.send(&at_tick(note_on(client.port(0), 1), queue, 0)), Err(Errno::EINVAL));
    }

    /// A queue that exists but is not used by the writer is EINVAL.
    fn queue_of_others_is_einval() {
        let (owner, client) = (Client::open(), Client::with_port());
        let queue = owner.create_queue();
        assert_eq!(client.send(&at_tick(note_on(client.port(0), 1), queue, 0)), Err(Errno::EINVAL));
    }

    /// VARUSR direct: the record with its pointer is what arrives.
    fn varusr_passes_the_record() {
        let client = Client::with_port();
        let mut event = variable(EventType::SYSEX, client.port(0), 0);
        event.flags = EventFlags::VARUSR;
        client.must_send(&event);
        assert_eq!(client.wait_event().flags.length(), EventFlags::VARUSR.length());
    }

    /// VARUSR through a queue is EINVAL.
    fn varusr_through_a_queue_is_einval() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let mut event = at_tick(variable(EventType::SYSEX, client.port(0), 0), queue, 0);
        event.flags = EventFlags::VARUSR;
        assert_eq!(client.send(&event), Err(Errno::EINVAL));
    }
}
