//! What comes back of queued events that fail.

use crate::case::cases;
use crate::client::{
    Client, Mode, NOBODY, OPEN_PORT, Received, at_tick, at_time, control, note_on, variable,
};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE, EventData, EventFlags, EventTime, Note};
use aseqd_abi::seq::{ClientFilter, PortCaps, SubscriptionFlags};
use aseqd_abi::{Address, Errno, Event, EventType};
use std::time::Duration;
use zerocopy::{FromBytes as _, IntoBytes as _};

/// Returns a client that gets bounces at port 0, and its queue.
fn bouncing() -> (Client, u8) {
    let client = Client::with_port();
    client.want_bounces();
    let queue = client.create_queue();
    (client, queue)
}

/// Returns the events that came back.
fn bounced(client: &Client) -> Vec<Event> {
    let received = client.received();
    let bounces = received.iter().filter(|r| r.event.event_type == EventType::BOUNCE);
    bounces.map(|r| Event::read_from_bytes(&r.data).expect("28 bytes of data")).collect()
}

/// Sends an event of type BOUNCE to a subscriber that takes nothing, through a subscription that stamps. Returns the
/// result of the write, and how many bounces came back. `bounces` says whether the sender asks for bounces.
fn bounce_behind_a_stamp(mode: Mode, bounces: bool) -> (Result<usize, Errno>, usize) {
    let (sender, reader, other) = (Client::open_as(mode), Client::with_port(), Client::open());
    let queue = other.create_queue();
    assert_eq!(sender.create_port(OPEN_PORT), Ok(sender.port(0)));
    let made = sender.subscribe_with(sender.port(0), reader.port(0), |info| {
        info.flags = SubscriptionFlags::TIMESTAMP.bits();
        info.queue = queue;
    });
    assert_eq!(made, Ok(()));
    if bounces {
        sender.want_bounces();
    }
    reader.accept_only(&[]);
    let sent = sender.send(&variable(EventType::BOUNCE, Address::new(ADDRESS_SUBSCRIBERS, 0), 0));
    (sent, if mode == Mode::Write { 0 } else { bounced(&sender).len() })
}

cases! {
    /// A bounce is a variable event from 0:1 to the failed event's source, with that event as data.
    fn bounce_has_this_form() {
        let (client, queue) = bouncing();
        let mut event = at_tick(note_on(NOBODY, 60), queue, 0);
        event.tag = 9;
        client.must_send(&event);
        event.source = client.port(0);
        let bounce = Event {
            flags: EventFlags::VARIABLE,
            source: Address::new(0, 1),
            dest: client.port(0),
            data: EventData::from_ext_len(28),
            ..Event::direct(EventType::BOUNCE)
        };
        assert_eq!(
            client.received(),
            [Received { event: bounce, data: event.as_bytes().to_vec() }]
        );
    }

    /// Without the filter bit, a failed event vanishes and is not counted.
    fn nothing_comes_without_asking() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.dispatch(queue);
        assert_eq!(client.types(), []);
        assert_eq!(client.info().event_lost, 0);
    }

    /// The write of an event that fails when due succeeds, even if it is due at once.
    fn write_of_a_failing_queued_event_succeeds() {
        let (client, queue) = bouncing();
        assert_eq!(client.send(&at_tick(note_on(NOBODY, 1), queue, 0)), Ok(EVENT_SIZE));
    }

    /// A missing port bounces.
    fn missing_port_bounces() {
        let (client, queue) = bouncing();
        client.must_send(&at_tick(note_on(client.port(5), 1), queue, 0));
        assert_eq!(bounced(&client)[0].dest, client.port(5));
    }

    /// A port without WRITE bounces.
    fn port_without_write_bounces() {
        let (client, queue) = bouncing();
        let port = client.create_port(PortCaps::READ).unwrap();
        client.must_send(&at_tick(note_on(port, 1), queue, 0));
        assert_eq!(bounced(&client)[0].dest, port);
    }

    /// A filtering receiver bounces.
    fn filtering_receiver_bounces() {
        let (client, queue) = bouncing();
        let deaf = Client::with_port();
        deaf.accept_only(&[]);
        client.must_send(&at_tick(note_on(deaf.port(0), 1), queue, 0));
        assert_eq!(bounced(&client).len(), 1);
    }

    /// A write-only receiver bounces.
    fn write_only_receiver_bounces() {
        let (client, queue) = bouncing();
        let deaf = Client::open_as(Mode::Write);
        let port = deaf.create_port(OPEN_PORT).unwrap();
        client.must_send(&at_tick(note_on(port, 1), queue, 0));
        assert_eq!(bounced(&client).len(), 1);
    }

    /// A full receiver bounces.
    fn full_receiver_bounces() {
        let (client, queue) = bouncing();
        let full = Client::with_port();
        while client.send(&note_on(full.port(0), 1)).is_ok() {}
        client.must_send(&at_tick(note_on(full.port(0), 1), queue, 0));
        assert_eq!(bounced(&client).len(), 1);
    }

    /// Broadcast addresses bounce when due.
    fn broadcast_bounces() {
        let (client, queue) = bouncing();
        client.must_send(&at_tick(note_on(Address::new(255, 255), 1), queue, 0));
        assert_eq!(bounced(&client)[0].dest, Address::new(255, 255));
    }

    /// A control event for an unknown queue bounces.
    fn control_of_an_unknown_queue_bounces() {
        let (client, queue) = bouncing();
        client.must_send(&at_tick(control(99, EventType::STOP, 0, 0), queue, 0));
        assert_eq!(bounced(&client)[0].event_type, EventType::STOP);
    }

    /// An event to the announce port bounces.
    fn event_to_the_announce_port_bounces() {
        let (client, queue) = bouncing();
        client.must_send(&at_tick(note_on(Address::new(0, 1), 1), queue, 0));
        assert_eq!(bounced(&client).len(), 1);
    }

    /// A bounce goes to the port the event came from.
    fn bounce_goes_to_the_source_port() {
        let (client, queue) = bouncing();
        let port = client.create_port(OPEN_PORT).unwrap();
        client.must_send(&Event { source: port, ..at_tick(note_on(NOBODY, 1), queue, 0) });
        assert_eq!(client.received()[0].event.dest, port);
    }

    /// If the source port does not exist, the bounce is lost and counted.
    fn bounce_to_a_missing_port_is_counted() {
        let (client, queue) = bouncing();
        let event = Event { source: client.port(9), ..at_tick(note_on(NOBODY, 1), queue, 0) };
        client.must_send(&event);
        client.must_send(&event);
        assert_eq!(client.types(), []);
        assert_eq!(client.info().event_lost, 2);
    }

    /// If the source port lacks WRITE, the bounce is lost and counted.
    fn bounce_to_a_port_without_write_is_counted() {
        let (client, queue) = bouncing();
        let port = client.create_port(PortCaps::READ).unwrap();
        client.must_send(&Event { source: port, ..at_tick(note_on(NOBODY, 1), queue, 0) });
        assert_eq!(client.types(), []);
        assert_eq!(client.info().event_lost, 1);
    }

    /// If the own FIFO is full, the bounce is lost and counted, and the FIFO overflows.
    fn bounce_into_a_full_fifo_is_counted() {
        let (client, queue) = bouncing();
        for _ in 0..client.pool().input_pool {
            client.must_send(&note_on(client.port(0), 1));
        }
        client.dispatch(queue);
        assert_eq!(client.info().event_lost, 1);
        assert_eq!(client.read(EVENT_SIZE), Err(Errno::ENOSPC));
    }

    /// A bounce costs as many cells as its data needs: 1 and 1.
    fn bounce_takes_two_cells() {
        let (client, queue) = bouncing();
        let before = client.pool().input_free;
        client.dispatch(queue);
        assert_eq!(client.pool().input_free, before - 2);
    }

    /// event_lost may be set, and counting goes on from there.
    fn lost_count_can_be_reset() {
        let (client, queue) = bouncing();
        client.set_info(|info| info.event_lost = 40).unwrap();
        client
            .must_send(&Event { source: client.port(9), ..at_tick(note_on(NOBODY, 1), queue, 0) });
        assert_eq!(client.info().event_lost, 41);
        client.set_info(|info| info.event_lost = 0).unwrap();
        assert_eq!(client.info().event_lost, 0);
    }

    /// A direct event that fails does not bounce: its error was returned.
    fn direct_event_does_not_bounce() {
        let (client, _queue) = bouncing();
        assert_eq!(client.send(&note_on(NOBODY, 1)), Err(Errno::ENOENT));
        assert_eq!(client.types(), []);
        assert_eq!(client.info().event_lost, 0);
    }

    /// A variable event comes back as its record: length kept, pointer zero, no data.
    fn variable_event_bounces_without_data() {
        let (client, queue) = bouncing();
        let mut event = at_tick(variable(EventType::SYSEX, NOBODY, 100), queue, 0);
        event.data.0[4..].fill(0xee);
        assert_eq!(client.send_variable(&event, &[7; 100]), Ok(EVENT_SIZE + 100));
        event.source = client.port(0);
        event.data = EventData::from_ext_len(100);
        let received = client.received();
        assert_eq!(received[0].event.data.ext_len(), 28);
        assert_eq!(received[0].data, event.as_bytes());
    }

    /// In a queued fan-out every failing subscriber bounces, with its own address; the others get
    /// it.
    fn every_failing_subscriber_bounces() {
        let (client, queue) = bouncing();
        let reader = Client::with_ports(3);
        for port in 0..3 {
            assert_eq!(client.subscribe(client.port(0), reader.port(port)), Ok(()));
        }
        reader.set_port(0, |info| info.capability = PortCaps::READ.bits());
        reader.set_port(2, |info| info.capability = PortCaps::READ.bits());
        reader.discard();
        client.must_send(&at_tick(note_on(Address::new(ADDRESS_SUBSCRIBERS, 0), 4), queue, 0));
        let dests: Vec<Address> = bounced(&client).iter().map(|event| event.dest).collect();
        assert_eq!(dests, [reader.port(0), reader.port(2)]);
        assert_eq!(reader.notes(), [4]);
    }

    /// A queued event to no subscribers does not bounce.
    fn no_subscriber_is_no_failure() {
        let (client, queue) = bouncing();
        client.must_send(&at_tick(note_on(Address::new(ADDRESS_SUBSCRIBERS, 0), 4), queue, 0));
        assert_eq!(client.types(), []);
        assert_eq!(client.info().event_lost, 0);
    }

    /// The record of an event with relative time has the absolute one.
    fn relative_event_bounces_as_absolute() {
        let (client, queue) = bouncing();
        assert_eq!(client.control(queue, EventType::SETPOS_TICK, 50), Ok(EVENT_SIZE));
        let mut event = at_tick(note_on(NOBODY, 1), queue, 0);
        event.flags = EventFlags::RELATIVE;
        client.must_send(&event);
        let back = bounced(&client)[0];
        assert_eq!((back.time, back.flags), (EventTime::tick(50), EventFlags::empty()));
    }

    /// The record of an event in real time keeps its time.
    fn real_time_event_bounces_with_its_time() {
        let (client, queue) = bouncing();
        client.must_send(&at_time(note_on(NOBODY, 1), queue, Duration::from_nanos(1_000_000_007)));
        client.move_to_time(queue, 2, 0);
        let back = bounced(&client);
        // The first one is the event that made the pass: ticks come before times.
        assert_eq!((back[1].time, back[1].flags), (EventTime::real(1, 7), EventFlags::REAL_TIME));
    }

    /// Both halves of a NOTE bounce, as what they have become.
    fn both_halves_of_a_note_bounce() {
        let (client, queue) = bouncing();
        let mut event = at_tick(note_on(NOBODY, 1), queue, 0);
        event.event_type = EventType::NOTE;
        let note = Note { note: 1, velocity: 2, off_velocity: 3, duration: 5, ..Note::default() };
        event.data = EventData::from_note(note);
        client.must_send(&event);
        assert_eq!(client.control(queue, EventType::SETPOS_TICK, 5), Ok(EVENT_SIZE));
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 5));
        let halves: Vec<_> = bounced(&client)
            .iter()
            .map(|event| (event.event_type, event.time.tick_or_sec, event.data.note().velocity))
            .collect();
        assert_eq!(halves, [(EventType::NOTEON, 0, 2), (EventType::NOTEOFF, 5, 3)]);
    }

    /// Whether to bounce is asked when the event is due, not when it is written.
    fn filter_bit_counts_when_due() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(client.port(7), 1), queue, 5));
        client.want_bounces();
        client.move_to_tick(queue, 5);
        assert!(bounced(&client).iter().any(|event| event.dest == client.port(7)));
        client.must_send(&at_tick(note_on(client.port(7), 1), queue, 9));
        client.set_info(|info| info.filter &= !ClientFilter::BOUNCE.bits()).unwrap();
        client.move_to_tick(queue, 9);
        assert_eq!(bounced(&client), []);
    }

    /// A client that cannot read gets no bounce and counts none.
    fn write_only_sender_gets_none() {
        let client = Client::open_as(Mode::Write);
        client.create_port(OPEN_PORT).unwrap();
        client.want_bounces();
        let queue = client.create_queue();
        client.dispatch(queue);
        assert_eq!(client.info().event_lost, 0);
    }

    /// Events of a batch bounce in the order of their times.
    fn bounces_come_in_order() {
        let (client, queue) = bouncing();
        for tick in [30, 10, 20] {
            client.must_send(&at_tick(note_on(NOBODY, 1), queue, tick));
        }
        client.move_to_tick(queue, 30);
        let ticks: Vec<u32> = bounced(&client).iter().map(|e| e.time.tick_or_sec).collect();
        assert_eq!(ticks, [0, 10, 20, 30]);
    }

    /// An event of type BOUNCE that fails comes back in another bounce.
    until "7.2" fn a_failed_bounce_is_bounced() {
        let (client, queue) = bouncing();
        let sent = at_tick(variable(EventType::BOUNCE, NOBODY, 4), queue, 0);
        assert_eq!(client.send_variable(&sent, &[1, 2, 3, 4]), Ok(EVENT_SIZE + 4));
        let types: Vec<_> = bounced(&client).iter().map(|event| event.event_type).collect();
        assert_eq!(types, [EventType::BOUNCE]);
    }

    /// An event of type BOUNCE that fails vanishes.
    since "7.2" fn a_failed_bounce_is_not_bounced() {
        let (client, queue) = bouncing();
        let sent = at_tick(variable(EventType::BOUNCE, NOBODY, 4), queue, 0);
        assert_eq!(client.send_variable(&sent, &[1, 2, 3, 4]), Ok(EVENT_SIZE + 4));
        assert_eq!(bounced(&client), []);
        assert_eq!(client.pool().output_free, client.pool().output_pool);
    }

    /// An event of type BOUNCE whose own bounce finds no port counts as lost for its sender.
    until "7.2" fn a_failed_bounce_without_a_port_is_counted() {
        let (client, queue) = bouncing();
        let mut sent = at_tick(variable(EventType::BOUNCE, NOBODY, 0), queue, 0);
        sent.source.port = 9;
        client.must_send(&sent);
        assert_eq!(client.info().event_lost, 1);
    }

    /// An event of type BOUNCE that fails is not counted as lost, whatever port it came from.
    since "7.2" fn a_failed_bounce_is_not_counted() {
        let (client, queue) = bouncing();
        let mut sent = at_tick(variable(EventType::BOUNCE, NOBODY, 0), queue, 0);
        client.must_send(&sent);
        sent.source.port = 9;
        client.must_send(&sent);
        assert_eq!(client.info().event_lost, 0);
    }

    /// A failure of a direct event of type BOUNCE is the writer's error, as of any other.
    fn a_direct_bounce_that_fails_is_an_error() {
        let (client, _queue) = bouncing();
        assert_eq!(client.send(&variable(EventType::BOUNCE, NOBODY, 0)), Err(Errno::ENOENT));
        assert_eq!(bounced(&client), []);
    }

    /// An event of type BOUNCE that fails behind a stamping subscription bounces, and is no error for the writer.
    until "7.2" fn a_bounce_that_fails_behind_a_stamping_subscription_is_bounced() {
        assert_eq!(bounce_behind_a_stamp(Mode::ReadWrite, false), (Ok(EVENT_SIZE), 0));
        assert_eq!(bounce_behind_a_stamp(Mode::ReadWrite, true), (Ok(EVENT_SIZE), 1));
        assert_eq!(bounce_behind_a_stamp(Mode::Write, true), (Ok(EVENT_SIZE), 0));
    }

    /// An event of type BOUNCE that fails behind a stamping subscription is the error of a writer that asks for bounces.
    since "7.2" fn a_bounce_that_fails_behind_a_stamping_subscription_is_an_error() {
        assert_eq!(bounce_behind_a_stamp(Mode::ReadWrite, false), (Ok(EVENT_SIZE), 0));
        assert_eq!(bounce_behind_a_stamp(Mode::ReadWrite, true), (Err(Errno::ENOENT), 0));
        assert_eq!(bounce_behind_a_stamp(Mode::Write, true), (Ok(EVENT_SIZE), 0));
    }

    /// The cells of events that bounced are free again.
    fn failed_events_give_their_cells_back() {
        let (client, queue) = bouncing();
        for _ in 0..10 {
            client.dispatch(queue);
        }
        assert_eq!(client.pool().output_free, client.pool().output_pool);
    }
}
