//! In which order events leave a queue.

use crate::case::cases;
use crate::client::{Client, at_tick, at_time, control, note_of, note_on};
use aseqd_abi::event::{EVENT_SIZE, EventFlags, EventTime};
use aseqd_abi::{Event, EventType};
use std::time::Duration;

/// Writes notes 1, 2, 3 ... at these ticks, with or without priority, and moves beyond them all.
fn after_ticks(ticks: &[(u32, bool)]) -> Vec<u8> {
    let client = Client::with_port();
    let queue = client.create_queue();
    for (note, (tick, priority)) in (1..).zip(ticks) {
        let mut event = at_tick(note_on(client.port(0), note), queue, *tick);
        event.flags.set(EventFlags::PRIORITY, *priority);
        client.must_send(&event);
    }
    client.move_to_tick(queue, u32::MAX);
    client.notes()
}

/// Writes notes 1, 2, 3 ... at these times and moves beyond them all.
fn after_times(times: &[(u32, u32, bool)]) -> Vec<u8> {
    let client = Client::with_port();
    let queue = client.create_queue();
    for (note, (sec, nsec, priority)) in (1..).zip(times) {
        let mut event = at_time(note_on(client.port(0), note), queue, Duration::ZERO);
        event.time = EventTime::real(*sec, *nsec);
        event.flags.set(EventFlags::PRIORITY, *priority);
        client.must_send(&event);
    }
    client.move_to_time(queue, u32::MAX, 0);
    client.notes()
}

cases! {
    /// Events leave by their ticks, in whatever order they were written.
    fn events_leave_by_tick() {
        let ticks = [(30, false), (10, false), (40, false), (20, false)];
        assert_eq!(after_ticks(&ticks), [2, 4, 1, 3]);
    }

    /// Events of the same tick leave in the order they were written.
    fn equal_ticks_leave_in_order_of_arrival() {
        assert_eq!(after_ticks(&[(10, false); 5]), [1, 2, 3, 4, 5]);
    }

    /// An event between others goes behind those of its tick.
    fn late_arrival_goes_behind_its_tick() {
        let ticks = [(10, false), (20, false), (30, false), (20, false), (10, false)];
        assert_eq!(after_ticks(&ticks), [1, 5, 2, 4, 3]);
    }

    /// A high-priority event goes before all of its tick.
    fn priority_goes_first_at_its_tick() {
        assert_eq!(after_ticks(&[(10, false), (10, false), (10, true)]), [3, 1, 2]);
    }

    /// High-priority events of the same tick leave in reverse order.
    fn priorities_leave_last_in_first_out() {
        assert_eq!(after_ticks(&[(10, true), (10, true), (10, true)]), [3, 2, 1]);
    }

    /// Priority counts only among events of the same tick.
    fn priority_does_not_overtake_earlier_ticks() {
        let ticks = [(10, false), (20, false), (20, true), (5, false), (30, true)];
        assert_eq!(after_ticks(&ticks), [4, 1, 3, 2, 5]);
    }

    /// A high-priority event beyond the last one waits for its tick like any.
    fn priority_beyond_the_last_waits() {
        assert_eq!(after_ticks(&[(10, false), (20, true), (15, true)]), [1, 3, 2]);
    }

    /// Normal events written after high-priority ones of their tick go behind all of them.
    fn normal_events_go_behind_priorities() {
        assert_eq!(after_ticks(&[(10, true), (10, false), (10, true), (10, false)]), [3, 1, 2, 4]);
    }

    /// Ticks compare as unsigned numbers.
    fn ticks_compare_unsigned() {
        let ticks = [(0xffff_ffff, false), (0x8000_0000, false), (0x7fff_ffff, false), (1, false)];
        assert_eq!(after_ticks(&ticks), [4, 3, 2, 1]);
    }

    /// Events in real time leave by seconds, then nanoseconds.
    fn events_leave_by_time() {
        let times = [(2, 0, false), (1, 999_999_999, false), (1, 5, false), (0, 7, false)];
        assert_eq!(after_times(&times), [4, 3, 2, 1]);
    }

    /// Events of the same time leave in the order they were written.
    fn equal_times_leave_in_order_of_arrival() {
        assert_eq!(after_times(&[(1, 5, false); 4]), [1, 2, 3, 4]);
    }

    /// Priorities work in real time as in ticks.
    fn priorities_in_real_time() {
        let times = [(1, 5, false), (1, 5, true), (1, 6, true), (1, 5, true), (1, 4, false)];
        assert_eq!(after_times(&times), [5, 4, 2, 1, 3]);
    }

    /// Nanoseconds of a second and more are compared after the seconds, and not carried.
    fn excess_nanoseconds_compare_after_seconds() {
        let times = [(2, 0, false), (1, 1_500_000_000, false), (1, 4_000_000_000, false)];
        assert_eq!(after_times(&times), [2, 3, 1]);
    }

    /// In one pass all due ticks leave before all due times.
    fn ticks_leave_before_times() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_time(note_on(client.port(0), 1), queue, Duration::from_secs(1)));
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 100));
        client.must_send(&at_time(note_on(client.port(0), 3), queue, Duration::from_nanos(1)));
        client.must_send(&at_tick(note_on(client.port(0), 4), queue, 200));
        client.must_send(&control(queue, EventType::SETPOS_TIME, 10, 0));
        client.move_to_tick(queue, 200);
        assert_eq!(client.notes(), [2, 4, 3, 1]);
    }

    /// Priority in real time does not overtake ticks.
    fn priority_time_does_not_overtake_ticks() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let mut first = at_time(note_on(client.port(0), 1), queue, Duration::from_secs(1));
        first.flags |= EventFlags::PRIORITY;
        client.must_send(&first);
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 100));
        client.must_send(&control(queue, EventType::SETPOS_TIME, 10, 0));
        client.move_to_tick(queue, 200);
        assert_eq!(client.notes(), [2, 1]);
    }

    /// Events of several clients in a queue leave by tick, then in order of arrival.
    fn clients_share_the_order() {
        let (owner, other, reader) = (Client::open(), Client::open(), Client::with_port());
        let queue = owner.create_queue();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        for (client, note, tick) in
            [(&owner, 1, 20), (&other, 2, 10), (&owner, 3, 10), (&other, 4, 20), (&owner, 5, 10)]
        {
            client.must_send(&at_tick(note_on(reader.port(0), note), queue, tick));
        }
        owner.move_to_tick(queue, 20);
        assert_eq!(reader.notes(), [2, 3, 5, 1, 4]);
    }

    /// Queues know nothing of each other.
    fn queues_are_independent() {
        let client = Client::with_port();
        let (one, other) = (client.create_queue(), client.create_queue());
        client.must_send(&at_tick(note_on(client.port(0), 1), one, 10));
        client.must_send(&at_tick(note_on(client.port(0), 2), other, 5));
        client.move_to_tick(one, 10);
        assert_eq!(client.notes(), [1]);
        client.move_to_tick(other, 10);
        assert_eq!(client.notes(), [2]);
    }

    /// A queued event arrives as it was written, with the queue's number and its time.
    fn queued_event_arrives_whole() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let mut event = at_tick(note_on(client.port(0), 9), queue, 33);
        event.tag = 0x80;
        event.time.nsec = 0xdead_beef;
        event.flags = EventFlags::PRIORITY | EventFlags::from_bits_retain(0xc0);
        client.must_send(&event);
        client.move_to_tick(queue, 33);
        assert_eq!(client.events(), [Event { source: client.port(0), ..event }]);
    }

    /// Events to different ports share one order.
    fn different_destinations_share_the_order() {
        let client = Client::with_ports(3);
        let queue = client.create_queue();
        for (port, note, tick) in [(2, 1, 3), (1, 2, 2), (0, 3, 1)] {
            client.must_send(&at_tick(note_on(client.port(port), note), queue, tick));
        }
        client.move_to_tick(queue, 3);
        let seen: Vec<_> = client.events().iter().map(|e| (e.dest.port, note_of(e))).collect();
        assert_eq!(seen, [(0, 3), (1, 2), (2, 1)]);
    }

    /// On a running queue events come in the order of their times, not of their writing.
    fn running_queue_keeps_the_order() {
        let client = Client::with_port();
        let queue = client.create_queue();
        for (note, ms) in [(1, 60), (2, 30), (3, 90), (4, 45)] {
            let event = at_time(note_on(client.port(0), note), queue, Duration::from_millis(ms));
            assert_eq!(client.send(&event), Ok(EVENT_SIZE));
        }
        assert_eq!(client.control(queue, EventType::CONTINUE, 0), Ok(EVENT_SIZE));
        let notes: Vec<u8> = client.wait_events(4).iter().map(note_of).collect();
        assert_eq!(notes, [2, 4, 1, 3]);
    }
}
