//! Events that look like the system's, and addresses that nobody may use.

use crate::case::cases;
use crate::client::{ANNOUNCE, Client, Received, TIMER, at_tick, note_on, variable};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::{Address, Errno, Event, EventType};

cases! {
    /// Any client may send the types of announcements; the source tells the difference.
    fn announcement_types_can_be_sent() {
        let (sender, reader) = (Client::open(), Client::with_port());
        for number in 60..70 {
            let event = Event {
                source: ANNOUNCE,
                dest: reader.port(0),
                ..Event::direct(EventType(number))
            };
            sender.must_send(&event);
        }
        let events = reader.events();
        assert_eq!(events.len(), 10);
        assert!(events.iter().all(|event| event.source == sender.port(1)));
    }

    /// Any client may send a bounce.
    fn bounce_can_be_sent() {
        let (sender, reader) = (Client::open(), Client::with_port());
        let event = variable(EventType::BOUNCE, reader.port(0), 5);
        assert_eq!(sender.send_variable(&event, b"fives"), Ok(EVENT_SIZE + 5));
        let expected = Event { source: sender.port(0), ..event };
        assert_eq!(reader.received(), [Received { event: expected, data: b"fives".to_vec() }]);
    }

    /// A forged announcement changes nothing.
    fn forged_announcement_changes_nothing() {
        let (sender, reader) = (Client::open(), Client::with_port());
        let mut event = Event { dest: reader.port(0), ..Event::direct(EventType::PORT_EXIT) };
        event.data = aseqd_abi::event::EventData::from_address(reader.port(0));
        sender.must_send(&event);
        assert!(sender.port_info(reader.port(0)).is_ok());
    }

    /// The kernel's own error types cannot be sent.
    fn kernel_types_cannot_be_sent() {
        let client = Client::with_port();
        for event_type in [EventType::KERNEL_ERROR, EventType::KERNEL_QUOTE] {
            let event = Event { dest: client.port(0), ..Event::direct(event_type) };
            assert_eq!(client.send(&event), Err(Errno::EINVAL));
        }
    }

    /// The announce port takes nothing: EPERM.
    fn announce_port_takes_nothing() {
        let client = Client::open();
        assert_eq!(client.send(&note_on(ANNOUNCE, 1)), Err(Errno::EPERM));
        let event = Event { dest: ANNOUNCE, ..Event::direct(EventType::PORT_START) };
        assert_eq!(client.send(&event), Err(Errno::EPERM));
    }

    /// The announce port cannot be the destination of a connection.
    fn announce_port_cannot_be_a_destination() {
        let client = Client::with_port();
        assert_eq!(client.subscribe(client.port(0), ANNOUNCE), Err(Errno::EPERM));
        assert_eq!(client.subscribe(client.port(0), TIMER), Err(Errno::EPERM));
    }

    /// The system client has two ports.
    fn system_client_has_no_third_port() {
        let event = note_on(Address::new(0, 2), 1);
        assert_eq!(Client::open().send(&event), Err(Errno::ENOENT));
    }

    /// Broadcast to all clients is not supported: ENOENT.
    fn broadcast_client_is_enoent() {
        let client = Client::with_port();
        for port in [0, 255] {
            assert_eq!(client.send(&note_on(Address::new(255, port), 1)), Err(Errno::ENOENT));
        }
        assert_eq!(client.types(), []);
    }

    /// Broadcast to all ports of a client is not supported: ENOENT.
    fn broadcast_port_is_enoent() {
        let client = Client::with_port();
        assert_eq!(client.send(&note_on(client.port(255), 1)), Err(Errno::ENOENT));
        assert_eq!(client.types(), []);
    }

    /// The subscribers' and unknown port numbers are just ports that do not exist.
    fn special_port_numbers_are_enoent() {
        let client = Client::with_port();
        for port in [253, 254] {
            assert_eq!(client.send(&note_on(client.port(port), 1)), Err(Errno::ENOENT));
        }
    }

    /// Broadcast to all queues is not supported: EINVAL.
    fn broadcast_queue_is_einval() {
        let client = Client::with_port();
        let _queue = client.create_queue();
        let event = Event { queue: 255, ..note_on(client.port(0), 1) };
        assert_eq!(client.send(&event), Err(Errno::EINVAL));
    }

    /// To broadcast through a queue is taken, and fails when due.
    fn queued_broadcast_vanishes() {
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!(
            client.send(&at_tick(note_on(Address::new(255, 255), 1), queue, 0)),
            Ok(EVENT_SIZE)
        );
        assert_eq!((client.types(), client.status(queue).events), (vec![], 0));
    }

    /// Client numbers between the last one and the special ones do not exist.
    fn numbers_beyond_the_clients_are_enoent() {
        let client = Client::open();
        for number in [192, 200, 252] {
            assert_eq!(client.send(&note_on(Address::new(number, 0), 1)), Err(Errno::ENOENT));
        }
    }
}
