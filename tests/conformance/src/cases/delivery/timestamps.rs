//! Stamps of ports and of subscriptions.

use crate::case::cases;
use crate::client::{ANNOUNCE, Client, OPEN_PORT, at_tick, at_time, control, note_on};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE, EventFlags, EventTime};
use aseqd_abi::seq::{PortFlags, SubscriptionFlags};
use aseqd_abi::{Address, Errno, Event, EventType};
use std::time::Duration;

const SUBSCRIBERS: Address = Address::new(ADDRESS_SUBSCRIBERS, 0);
const TICK: u32 = PortFlags::TIMESTAMP.bits();
const REAL: u32 = PortFlags::TIMESTAMP.union(PortFlags::TIME_REAL).bits();
const SUBS_TICK: u32 = SubscriptionFlags::TIMESTAMP.bits();
const SUBS_REAL: u32 = SubscriptionFlags::TIMESTAMP.union(SubscriptionFlags::TIME_REAL).bits();

/// Returns a client with a port that stamps with a stopped queue, which is at tick 1234 and 5.678 s.
fn stamping(flags: u32) -> (Client, u8) {
    let client = Client::open();
    let queue = queue_at(&client, 1234, 5, 678_000_000);
    let port = client.create_port_with(|info| {
        info.capability = OPEN_PORT.bits();
        info.flags = flags;
        info.time_queue = queue;
    });
    assert_eq!(port, Ok(client.port(0)));
    (client, queue)
}

/// Returns a stopped queue at a tick and a time.
fn queue_at(client: &Client, tick: u32, sec: u32, nsec: u32) -> u8 {
    let queue = client.create_queue();
    assert_eq!(client.control(queue, EventType::SETPOS_TICK, tick), Ok(EVENT_SIZE));
    client.must_send(&control(queue, EventType::SETPOS_TIME, sec, nsec));
    queue
}

/// Returns a sender whose port 0 is connected to a reader's port 0 with flags and a queue.
fn subscribed(flags: u32, queue: u8) -> (Client, Client) {
    let (sender, reader) = (Client::with_port(), Client::with_port());
    let made = sender.subscribe_with(sender.port(0), reader.port(0), |info| {
        info.flags = flags;
        info.queue = queue;
    });
    assert_eq!(made, Ok(()));
    reader.discard();
    (sender, reader)
}

/// Sends a client's own port more than its FIFO holds.
fn overflow(client: &Client) {
    for _ in 0..client.pool().input_pool + 1 {
        let _full_at_last = client.send(&note_on(client.port(0), 1));
    }
}

cases! {
    /// A port stamps with its queue's tick and number.
    fn port_stamps_with_ticks() {
        let (client, queue) = stamping(TICK);
        client.must_send(&note_on(client.port(0), 1));
        let expected = Event {
            source: client.port(0),
            queue,
            time: EventTime::tick(1234),
            ..note_on(client.port(0), 1)
        };
        assert_eq!(client.events(), [expected]);
    }

    /// A port stamps with its queue's time if TIME_REAL is set too.
    fn port_stamps_with_real_time() {
        let (client, queue) = stamping(REAL);
        client.must_send(&note_on(client.port(0), 1));
        let event = client.wait_event();
        assert_eq!((event.queue, event.flags), (queue, EventFlags::REAL_TIME));
        assert_eq!(event.time, EventTime::real(5, 678_000_000));
    }

    /// A tick stamp leaves the second word of the time as the sender wrote it.
    fn tick_stamp_leaves_the_nanoseconds() {
        let (client, _queue) = stamping(TICK);
        client.must_send(&Event { time: EventTime::real(1, 77), ..note_on(client.port(0), 1) });
        assert_eq!(client.wait_event().time, EventTime::real(1234, 77));
    }

    /// A tick stamp clears the real-time bit.
    fn tick_stamp_clears_the_real_time_bit() {
        let (client, _queue) = stamping(TICK);
        let flags = EventFlags::REAL_TIME | EventFlags::PRIORITY;
        client.must_send(&Event { flags, ..note_on(client.port(0), 1) });
        assert_eq!(client.wait_event().flags, EventFlags::PRIORITY);
    }

    /// The relative bit of a direct event stays, though the stamp is absolute.
    fn stamp_leaves_the_relative_bit() {
        let (client, _queue) = stamping(REAL);
        client.must_send(&Event { flags: EventFlags::RELATIVE, ..note_on(client.port(0), 1) });
        assert_eq!(client.wait_event().flags, EventFlags::RELATIVE | EventFlags::REAL_TIME);
    }

    /// A port whose queue does not exist changes nothing, and gets the event.
    fn port_with_a_missing_queue_changes_nothing() {
        let (client, queue) = stamping(REAL);
        assert_eq!(client.delete_queue(queue), Ok(()));
        let event = Event { time: EventTime::real(8, 9), ..note_on(client.port(0), 1) };
        client.must_send(&event);
        assert_eq!(client.events(), [Event { source: client.port(0), ..event }]);
    }

    /// A port whose queue number is impossible changes nothing, and gets the event.
    fn port_with_an_impossible_queue_changes_nothing() {
        let (client, _queue) = stamping(REAL);
        client.set_port(0, |info| info.time_queue = 200);
        client.must_send(&note_on(client.port(0), 1));
        assert_eq!(client.wait_event().queue, 253);
    }

    /// The queue may be another client's, locked, and not used by the port's client.
    fn queue_may_be_a_strangers() {
        let owner = Client::open();
        let queue = owner.create_locked_queue();
        assert_eq!(owner.control(queue, EventType::SETPOS_TICK, 42), Ok(EVENT_SIZE));
        let (client, _queue) = stamping(TICK);
        client.set_port(0, |info| info.time_queue = queue);
        client.must_send(&note_on(client.port(0), 1));
        let event = client.wait_event();
        assert_eq!((event.queue, event.time.tick_or_sec), (queue, 42));
        assert!(!client.uses_queue(queue));
    }

    /// A stamp replaces the time of events from queues, too.
    fn queued_events_are_stamped() {
        let (client, queue) = stamping(TICK);
        let other = client.create_queue();
        client.must_send(&at_time(note_on(client.port(0), 1), other, Duration::ZERO));
        let event = client.wait_event();
        assert_eq!(
            (event.queue, event.flags, event.time),
            (queue, EventFlags::empty(), EventTime::tick(1234))
        );
    }

    /// SET_PORT_INFO turns stamping off and on.
    fn stamping_can_be_switched() {
        let (client, queue) = stamping(TICK);
        client.set_port(0, |info| info.flags = 0);
        client.must_send(&note_on(client.port(0), 1));
        client.set_port(0, |info| info.flags = TICK);
        client.must_send(&note_on(client.port(0), 2));
        let queues: Vec<u8> = client.events().iter().map(|event| event.queue).collect();
        assert_eq!(queues, [253, queue]);
    }

    /// On a running queue a real-time stamp is not before the time of an event that has arrived.
    fn running_stamp_is_not_behind_the_queue() {
        let (client, queue) = stamping(REAL);
        let plain = client.create_port(OPEN_PORT).unwrap();
        client.start(queue);
        for ms in [10_u32, 20, 30] {
            client.must_send(&at_time(note_on(plain, 1), queue, Duration::from_millis(ms.into())));
            client.wait_event();
            client.must_send(&note_on(client.port(0), 2));
            let stamp = client.wait_event().time;
            assert!((stamp.tick_or_sec, stamp.nsec) >= (0, ms * 1_000_000), "{stamp:?}");
        }
    }

    /// Tick stamps of a running queue do not go back.
    fn running_tick_stamps_ascend() {
        let (client, queue) = stamping(TICK);
        assert_eq!(client.set_tempo(queue, 100_000, 960), Ok(()));
        client.start(queue);
        let mut last = 0;
        while last < 20 {
            client.must_send(&note_on(client.port(0), 1));
            let tick = client.wait_event().time.tick_or_sec;
            assert!(tick >= last, "{tick} after {last}");
            last = tick;
        }
    }

    /// A subscription stamps with its queue's tick and number.
    fn subscription_stamps_with_ticks() {
        let owner = Client::open();
        let queue = queue_at(&owner, 99, 1, 2);
        let (sender, reader) = subscribed(SUBS_TICK, queue);
        sender.must_send(&Event { time: EventTime::real(6, 7), ..note_on(SUBSCRIBERS, 1) });
        let event = reader.wait_event();
        assert_eq!(
            (event.queue, event.flags, event.time),
            (queue, EventFlags::empty(), EventTime::real(99, 7))
        );
    }

    /// A subscription stamps with its queue's time if TIME_REAL is set too.
    fn subscription_stamps_with_real_time() {
        let owner = Client::open();
        let queue = queue_at(&owner, 99, 1, 2);
        let (sender, reader) = subscribed(SUBS_REAL, queue);
        sender.must_send(&note_on(SUBSCRIBERS, 1));
        let event = reader.wait_event();
        assert_eq!(
            (event.queue, event.flags, event.time),
            (queue, EventFlags::REAL_TIME, EventTime::real(1, 2))
        );
    }

    /// TIME_REAL without TIMESTAMP does nothing to a subscription.
    fn subscription_with_time_real_alone_stamps_nothing() {
        let owner = Client::open();
        let queue = queue_at(&owner, 99, 1, 2);
        let (sender, reader) = subscribed(SubscriptionFlags::TIME_REAL.bits(), queue);
        sender.must_send(&note_on(SUBSCRIBERS, 1));
        assert_eq!(reader.wait_event().queue, 253);
    }

    /// A subscription with a queue that does not exist stamps nothing.
    fn subscription_with_a_missing_queue_stamps_nothing() {
        let (sender, reader) = subscribed(SUBS_REAL, 222);
        sender.must_send(&note_on(SUBSCRIBERS, 1));
        let event = reader.wait_event();
        assert_eq!((event.queue, event.flags), (253, EventFlags::empty()));
    }

    /// A subscription stamps only what goes through it.
    fn subscription_does_not_stamp_direct_events() {
        let owner = Client::open();
        let queue = queue_at(&owner, 99, 1, 2);
        let (sender, reader) = subscribed(SUBS_TICK, queue);
        sender.must_send(&note_on(reader.port(0), 1));
        assert_eq!(reader.wait_event().queue, 253);
    }

    /// If port and subscription both stamp, the port's stamp remains.
    fn port_stamps_over_the_subscription() {
        let (reader, queue) = stamping(REAL);
        let other = queue_at(&reader, 99, 1, 2);
        let sender = Client::with_port();
        let made = sender.subscribe_with(sender.port(0), reader.port(0), |info| {
            info.flags = SUBS_TICK;
            info.queue = other;
        });
        assert_eq!(made, Ok(()));
        reader.discard();
        sender.must_send(&note_on(SUBSCRIBERS, 1));
        let event = reader.wait_event();
        assert_eq!((event.queue, event.time), (queue, EventTime::real(5, 678_000_000)));
    }

    /// A port's tick stamp over a subscription's real one leaves that one's nanoseconds.
    fn port_tick_stamp_leaves_the_subscriptions_nanoseconds() {
        let (reader, queue) = stamping(TICK);
        let other = queue_at(&reader, 99, 1, 2);
        let sender = Client::with_port();
        let made = sender.subscribe_with(sender.port(0), reader.port(0), |info| {
            info.flags = SUBS_REAL;
            info.queue = other;
        });
        assert_eq!(made, Ok(()));
        reader.discard();
        sender.must_send(&Event { time: EventTime::real(8, 9), ..note_on(SUBSCRIBERS, 1) });
        let event = reader.wait_event();
        assert_eq!((event.queue, event.time), (queue, EventTime::real(1234, 2)));
    }

    /// A stamp for one subscriber is not seen by the next.
    fn next_subscriber_gets_the_original() {
        let owner = Client::open();
        let queue = queue_at(&owner, 99, 1, 2);
        let (sender, stamped) = subscribed(SUBS_REAL, queue);
        let plain = Client::with_port();
        assert_eq!(sender.subscribe(sender.port(0), plain.port(0)), Ok(()));
        plain.discard();
        let event = Event { time: EventTime::real(6, 7), ..note_on(SUBSCRIBERS, 1) };
        sender.must_send(&event);
        assert_eq!(stamped.wait_event().queue, queue);
        let expected = Event { source: sender.port(0), dest: plain.port(0), ..event };
        assert_eq!(plain.events(), [expected]);
    }

    /// A port's stamp is not seen by the next subscriber either.
    fn next_subscriber_gets_the_original_after_a_stamping_port() {
        let (stamped, queue) = stamping(REAL);
        let (sender, plain) = (Client::with_port(), Client::with_port());
        assert_eq!(sender.subscribe(sender.port(0), stamped.port(0)), Ok(()));
        assert_eq!(sender.subscribe(sender.port(0), plain.port(0)), Ok(()));
        stamped.discard();
        plain.discard();
        sender.must_send(&note_on(SUBSCRIBERS, 1));
        assert_eq!((stamped.wait_event().queue, plain.wait_event().queue), (queue, 253));
    }

    /// When a stamping port's FIFO is full, the next subscriber gets its stamp.
    until "6.18" fn stamp_of_a_full_port_leaks_to_the_next_subscriber() {
        let (full, queue) = stamping(REAL);
        let (sender, plain) = (Client::with_port(), Client::with_port());
        assert_eq!(sender.subscribe(sender.port(0), full.port(0)), Ok(()));
        assert_eq!(sender.subscribe(sender.port(0), plain.port(0)), Ok(()));
        plain.discard();
        overflow(&full);
        let _error = sender.send(&note_on(SUBSCRIBERS, 2));
        let event = plain.wait_event();
        assert_eq!((event.queue, event.flags), (queue, EventFlags::REAL_TIME));
        assert_eq!(event.time, EventTime::real(5, 678_000_000));
    }

    /// When a stamping port's FIFO is full, the next subscriber gets the event as it was sent.
    since "6.18" fn stamp_of_a_full_port_does_not_leak() {
        let (full, _queue) = stamping(REAL);
        let (sender, plain) = (Client::with_port(), Client::with_port());
        assert_eq!(sender.subscribe(sender.port(0), full.port(0)), Ok(()));
        assert_eq!(sender.subscribe(sender.port(0), plain.port(0)), Ok(()));
        plain.discard();
        overflow(&full);
        let event = Event { time: EventTime::real(6, 7), ..note_on(SUBSCRIBERS, 2) };
        let _error = sender.send(&event);
        let expected = Event { source: sender.port(0), dest: plain.port(0), ..event };
        assert_eq!(plain.wait_event(), expected);
    }

    /// When a stamping subscription's reader is full, nothing leaks to the next subscriber.
    fn stamp_of_a_full_subscription_does_not_leak() {
        let owner = Client::open();
        let queue = queue_at(&owner, 99, 1, 2);
        let (sender, full) = subscribed(SUBS_REAL, queue);
        let plain = Client::with_port();
        assert_eq!(sender.subscribe(sender.port(0), plain.port(0)), Ok(()));
        plain.discard();
        while sender.send(&note_on(full.port(0), 1)).is_ok() {}
        let _result = sender.send(&note_on(SUBSCRIBERS, 2));
        assert_eq!(plain.wait_event().queue, 253);
    }

    /// A failure behind a stamping subscription is no error for the writer.
    fn failure_behind_a_stamping_subscription_is_success() {
        let owner = Client::open();
        let queue = queue_at(&owner, 99, 1, 2);
        let (sender, reader) = subscribed(SUBS_TICK, queue);
        reader.accept_only(&[]);
        assert_eq!(sender.send(&note_on(SUBSCRIBERS, 2)), Ok(EVENT_SIZE));
        assert_eq!(sender.types(), []);
    }

    /// A failure behind a stamping subscription bounces to a sender that asks for bounces.
    fn failure_behind_a_stamping_subscription_bounces() {
        let owner = Client::open();
        let queue = queue_at(&owner, 99, 1, 2);
        let (sender, reader) = subscribed(SUBS_TICK, queue);
        sender.want_bounces();
        reader.accept_only(&[]);
        assert_eq!(sender.send(&note_on(SUBSCRIBERS, 2)), Ok(EVENT_SIZE));
        let received = sender.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].event.event_type, EventType::BOUNCE);
        // The stamped record: queue and tick of the subscription, the subscriber as destination.
        assert_eq!(received[0].data[3], queue);
        assert_eq!(received[0].data[4..8], 99_u32.to_ne_bytes());
        assert_eq!(received[0].data[14..16], [reader.id, 0]);
    }

    /// A failure at a stamping port, without a stamping subscription, is the writer's error.
    until "6.18" fn failure_at_a_stamping_port_is_an_error() {
        let (full, _queue) = stamping(TICK);
        overflow(&full);
        assert_eq!(full.send(&note_on(full.port(0), 1)), Err(Errno::EAGAIN));
    }

    /// A failure at a stamping port is no error for the writer.
    since "6.18" fn failure_at_a_stamping_port_is_success() {
        let (full, _queue) = stamping(TICK);
        overflow(&full);
        assert_eq!(full.send(&note_on(full.port(0), 1)), Ok(EVENT_SIZE));
    }

    /// A failure at a stamping port bounces to a sender that asks for bounces, with the port's stamp.
    since "6.18" fn failure_at_a_stamping_port_bounces() {
        let (full, queue) = stamping(TICK);
        let sender = Client::with_port();
        sender.want_bounces();
        overflow(&full);
        assert_eq!(sender.send(&note_on(full.port(0), 1)), Ok(EVENT_SIZE));
        let received = sender.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].event.event_type, EventType::BOUNCE);
        assert_eq!(received[0].data[3], queue);
        assert_eq!(received[0].data[4..8], 1234_u32.to_ne_bytes());
    }

    /// The reader behind a full stamping port learns of the loss at its next read.
    fn loss_at_a_stamping_port_is_told_to_the_reader() {
        let (full, _queue) = stamping(TICK);
        overflow(&full);
        assert_eq!(full.read(EVENT_SIZE), Err(Errno::ENOSPC));
    }

    /// A stamping port that filters out the type is an error for the writer: it stamps what it accepts.
    fn filter_of_a_stamping_port_is_an_error() {
        let (reader, _queue) = stamping(TICK);
        reader.accept_only(&[]);
        assert_eq!(Client::with_port().send(&note_on(reader.port(0), 1)), Err(Errno::ENOENT));
    }

    /// Announcements are stamped by the watcher's port.
    fn announcements_are_stamped_by_the_port() {
        let (client, queue) = stamping(TICK);
        assert_eq!(client.subscribe(ANNOUNCE, client.port(0)), Ok(()));
        client.discard();
        assert_eq!(client.create_port(OPEN_PORT), Ok(client.port(1)));
        let mut events = client.events();
        events.retain(|event| event.data.address() == client.port(1));
        assert_eq!((events[0].queue, events[0].time), (queue, EventTime::tick(1234)));
    }

    /// Announcements are stamped by the watcher's subscription.
    fn announcements_are_stamped_by_the_subscription() {
        let client = Client::with_port();
        let queue = queue_at(&client, 99, 1, 2);
        let made = client.subscribe_with(ANNOUNCE, client.port(0), |info| {
            info.flags = SUBS_REAL;
            info.queue = queue;
        });
        assert_eq!(made, Ok(()));
        client.discard();
        assert_eq!(client.create_port(OPEN_PORT), Ok(client.port(1)));
        let mut events = client.events();
        events.retain(|event| event.data.address() == client.port(1));
        assert_eq!((events[0].queue, events[0].time), (queue, EventTime::real(1, 2)));
    }

    /// A queued event through a stamping subscription gets its stamp.
    fn queued_event_is_stamped_by_the_subscription() {
        let owner = Client::open();
        let queue = queue_at(&owner, 99, 1, 2);
        let (sender, reader) = subscribed(SUBS_REAL, queue);
        let own = sender.create_queue();
        sender.must_send(&at_tick(note_on(SUBSCRIBERS, 2), own, 0));
        let event = reader.wait_event();
        assert_eq!((event.queue, event.time), (queue, EventTime::real(1, 2)));
    }
}
