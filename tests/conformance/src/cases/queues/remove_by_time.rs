//! REMOVE_EVENTS before and after a time.

use super::remove_events::{OUT, fixture, left, put, put_time};
use crate::case::cases;
use aseqd_abi::event::EventTime;
use aseqd_abi::seq::RemoveMode as M;

cases! {
    /// TIME_BEFORE with ticks removes what is before that tick, not at it.
    fn before_a_tick() {
        let (client, queue) = fixture();
        for note in [9, 10, 11] {
            put(&client, queue, note, note.into(), |_| {});
        }
        client.remove(OUT | M::TIME_BEFORE | M::TIME_TICK, |info| info.time = EventTime::tick(10));
        assert_eq!(left(&client, queue), [10, 11]);
    }

    /// TIME_AFTER with ticks removes what is at that tick or after it.
    fn after_a_tick() {
        let (client, queue) = fixture();
        for note in [9, 10, 11] {
            put(&client, queue, note, note.into(), |_| {});
        }
        client.remove(OUT | M::TIME_AFTER | M::TIME_TICK, |info| info.time = EventTime::tick(10));
        assert_eq!(left(&client, queue), [9]);
    }

    /// TIME_BEFORE with real time compares seconds, then nanoseconds.
    fn before_a_time() {
        let (client, queue) = fixture();
        for (note, (sec, nsec)) in (1..).zip([(1, 999_999_999), (2, 4), (2, 5), (3, 0)]) {
            put_time(&client, queue, note, sec, nsec);
        }
        client.remove(OUT | M::TIME_BEFORE, |info| info.time = EventTime::real(2, 5));
        assert_eq!(left(&client, queue), [3, 4]);
    }

    /// TIME_AFTER with real time compares seconds, then nanoseconds.
    fn after_a_time() {
        let (client, queue) = fixture();
        for (note, (sec, nsec)) in (1..).zip([(1, 999_999_999), (2, 4), (2, 5), (3, 0)]) {
            put_time(&client, queue, note, sec, nsec);
        }
        client.remove(OUT | M::TIME_AFTER, |info| info.time = EventTime::real(2, 5));
        assert_eq!(left(&client, queue), [1, 2]);
    }

    /// A real-time event's seconds count as ticks if ticks are asked for.
    fn seconds_count_as_ticks() {
        let (client, queue) = fixture();
        put_time(&client, queue, 1, 9, 999_999_999);
        put_time(&client, queue, 2, 10, 0);
        client.remove(OUT | M::TIME_BEFORE | M::TIME_TICK, |info| info.time = EventTime::tick(10));
        assert_eq!(left(&client, queue), [2]);
    }

    /// A tick event's tick counts as seconds, and its second word as nanoseconds, if time is asked
    /// for.
    fn ticks_count_as_seconds() {
        let (client, queue) = fixture();
        put(&client, queue, 1, 10, |event| event.time.nsec = 4);
        put(&client, queue, 2, 10, |event| event.time.nsec = 5);
        put(&client, queue, 3, 11, |_| {});
        client.remove(OUT | M::TIME_BEFORE, |info| info.time = EventTime::real(10, 5));
        assert_eq!(left(&client, queue), [2, 3]);
    }

    /// BEFORE and AFTER are both conditions, on the same time: nothing is both.
    fn before_and_after_match_nothing() {
        let (client, queue) = fixture();
        for tick in [9, 10, 11] {
            put(&client, queue, 1, tick, |_| {});
        }
        let mode = OUT | M::TIME_BEFORE | M::TIME_AFTER | M::TIME_TICK;
        client.remove(mode, |info| info.time = EventTime::tick(10));
        assert_eq!(client.status(queue).events, 3);
    }

    /// TIME_TICK alone is no condition.
    fn tick_bit_alone_is_no_condition() {
        let (client, queue) = fixture();
        put(&client, queue, 1, 10, |_| {});
        client.remove(OUT | M::TIME_TICK, |info| info.time = EventTime::tick(5));
        assert_eq!(client.status(queue).events, 0);
    }
}
