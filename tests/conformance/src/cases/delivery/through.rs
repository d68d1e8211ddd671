//! Midi Through, and the limit of hops that it makes visible.
//!
//! Its port is everybody's: where somebody is connected to it, these cases are skipped.

use crate::case::cases;
use crate::client::{Client, THROUGH, TIMER, Through, at_tick, note_on, variable};
use aseqd_abi::event::{EVENT_SIZE, EventFlags, EventTime};
use aseqd_abi::seq::SubscriptionFlags;
use aseqd_abi::{Errno, Event, EventType};

cases! {
    /// An event to Midi Through goes to its subscribers, from 14:0 and otherwise unchanged.
    fn events_are_forwarded() {
        let through = Through::heard();
        let mut event = note_on(THROUGH, 60);
        event.flags = EventFlags::REAL_TIME | EventFlags::RELATIVE | EventFlags::PRIORITY;
        event.tag = 3;
        event.time = EventTime::real(4, 5);
        through.client.must_send(&event);
        let expected = Event { source: THROUGH, dest: through.client.port(0), ..event };
        assert_eq!(through.client.events(), [expected]);
    }

    /// Without subscribers, sending to Midi Through is success.
    fn without_subscribers_it_is_success() {
        let through = Through::new();
        assert_eq!(through.client.send(&note_on(THROUGH, 60)), Ok(EVENT_SIZE));
    }

    /// Variable events are forwarded with their data.
    fn variable_events_are_forwarded() {
        let through = Through::heard();
        let data: Vec<u8> = (0..200).collect();
        let event = variable(EventType::SYSEX, THROUGH, data.len());
        assert_eq!(through.client.send_variable(&event, &data), Ok(EVENT_SIZE + 200));
        let received = through.client.received();
        assert_eq!((received[0].event.source, &received[0].data), (THROUGH, &data));
    }

    /// An event of any fixed type is forwarded.
    fn any_type_is_forwarded() {
        let through = Through::heard();
        for number in [0, 4, 30, 60, 66, 99, 149] {
            through.client.must_send(&Event { dest: THROUGH, ..Event::direct(EventType(number)) });
        }
        assert_eq!(through.client.types(), [0, 4, 30, 60, 66, 99, 149].map(EventType));
    }

    /// An event that is sent to Midi Through through a queue arrives as a direct one with its time.
    fn queued_event_is_forwarded_directly() {
        let through = Through::heard();
        let queue = through.client.create_queue();
        through.client.must_send(&at_tick(note_on(THROUGH, 60), queue, 20));
        through.client.move_to_tick(queue, 20);
        let event = through.client.wait_event();
        assert_eq!((event.queue, event.time), (253, EventTime::tick(20)));
    }

    /// An error at a subscriber of Midi Through comes back to the writer.
    fn forwarding_error_comes_back() {
        let through = Through::heard();
        through.client.accept_only(&[]);
        assert_eq!(through.client.send(&note_on(THROUGH, 60)), Err(Errno::ENOENT));
    }

    /// Timer echoes are not forwarded: they come from client 0.
    fn timer_echoes_are_not_forwarded() {
        let mut through = Through::heard();
        through.connect(TIMER, THROUGH, 0);
        through.client.discard();
        let queue = through.client.create_queue();
        through.client.start(queue);
        through.client.must_send(&note_on(THROUGH, 1));
        assert_eq!(through.client.types(), [EventType::NOTEON]);
    }

    /// Announcements are not forwarded: they come from client 0.
    fn announcements_are_not_forwarded() {
        let mut through = Through::heard();
        through.connect(crate::client::ANNOUNCE, THROUGH, 0);
        through.client.discard();
        drop(Client::with_port());
        through.client.must_send(&note_on(THROUGH, 1));
        assert_eq!(through.client.types(), [EventType::NOTEON]);
    }

    /// Bounces are not forwarded: they come from client 0.
    fn bounces_of_a_sender_stay_with_it() {
        let through = Through::heard();
        let queue = through.client.create_queue();
        through.client.want_bounces();
        through.client.dispatch(queue);
        let received = through.client.received();
        assert_eq!((received.len(), received[0].event.source.client), (1, 0));
    }

    /// A loop at Midi Through gives a reader before it 6 copies, and the writer EMLINK.
    fn loop_behind_the_reader_gives_six_copies() {
        let mut through = Through::heard();
        through.connect(THROUGH, THROUGH, 0);
        assert_eq!(through.client.send(&note_on(THROUGH, 7)), Err(Errno::EMLINK));
        assert_eq!(through.client.notes(), [7; 6]);
    }

    /// If the loop is subscribed first, there are 6 copies too.
    fn loop_before_the_reader_gives_six_copies() {
        let mut through = Through::new();
        let port = through.client.port(0);
        through.connect(THROUGH, THROUGH, 0);
        through.connect(THROUGH, port, 0);
        assert_eq!(through.client.send(&note_on(THROUGH, 7)), Err(Errno::EMLINK));
        assert_eq!(through.client.notes(), [7; 6]);
    }

    /// A loop is one hop shorter for an event that reaches Midi Through by a subscription.
    fn loop_by_a_subscription_gives_as_many_copies() {
        let mut through = Through::heard();
        let port = through.client.port(0);
        through.connect(THROUGH, THROUGH, 0);
        through.connect(port, THROUGH, 0);
        let event = note_on(aseqd_abi::Address::new(254, 0), 7);
        assert_eq!(through.client.send(&event), Err(Errno::EMLINK));
        assert_eq!(through.client.notes(), [7; 6]);
    }

    /// A queued event into the loop gives 6 copies, and the writer success.
    fn queued_event_into_the_loop_gives_six_copies() {
        let mut through = Through::heard();
        through.connect(THROUGH, THROUGH, 0);
        let queue = through.client.create_queue();
        through.client.must_send(&at_tick(note_on(THROUGH, 7), queue, 0));
        assert_eq!(through.client.notes(), [7; 6]);
    }

    /// A queued event that ends by the hop limit bounces.
    fn queued_event_into_the_loop_bounces() {
        let mut through = Through::new();
        through.connect(THROUGH, THROUGH, 0);
        through.client.want_bounces();
        let queue = through.client.create_queue();
        through.client.must_send(&at_tick(note_on(THROUGH, 7), queue, 0));
        assert_eq!(through.client.received()[0].event.event_type, EventType::BOUNCE);
    }

    /// Two loops double at every hop: 63 copies.
    fn two_loops_double_at_every_hop() {
        let mut through = Through::heard();
        through.connect(THROUGH, THROUGH, 0);
        through.connect(THROUGH, THROUGH, SubscriptionFlags::TIMESTAMP.bits());
        assert_eq!(through.client.send(&note_on(THROUGH, 7)), Err(Errno::EMLINK));
        assert_eq!(through.client.notes(), [7; 63]);
    }

    /// A program that sends on starts again at one hop.
    fn program_in_a_loop_starts_again() {
        let mut through = Through::heard();
        let port = through.client.port(0);
        through.connect(port, THROUGH, 0);
        for _ in 0..20 {
            through.client.must_send(&note_on(aseqd_abi::Address::new(254, 0), 7));
            let event = through.client.wait_event();
            assert_eq!((event.source, event.dest), (THROUGH, port));
        }
    }

    /// Midi Through can be subscribed by both of a program's ports, in order.
    fn two_readers_get_it_in_order() {
        let mut through = Through::heard();
        let port = through.client.create_port(crate::client::OPEN_PORT).unwrap();
        through.connect(THROUGH, port, 0);
        through.client.must_send(&note_on(THROUGH, 7));
        let ports: Vec<u8> = through.client.events().iter().map(|e| e.dest.port).collect();
        assert_eq!(ports, [0, 1]);
    }

    /// Connections of Midi Through end with the client that has the other port.
    fn connection_ends_with_the_client() {
        let through = Through::heard();
        let port = through.client.port_info(THROUGH).unwrap();
        assert_eq!((port.read_use, port.write_use), (1, 0));
        drop(through);
        let client = Client::open();
        crate::client::wait_until("Midi Through is free", || {
            client.port_info(THROUGH).unwrap().read_use == 0
        });
    }
}
