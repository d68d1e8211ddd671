//! Jumps: SETPOS, relative times, and what becomes due by them.

use crate::case::cases;
use crate::client::{Client, at_tick, at_time, control, note_on, wait_until};
use aseqd_abi::event::{EVENT_SIZE, EventFlags, EventTime};
use aseqd_abi::{Event, EventType as T};
use std::time::Duration;

/// Returns a client and a stopped queue.
fn stopped() -> (Client, u8) {
    let client = Client::with_port();
    let queue = client.create_queue();
    (client, queue)
}

/// Moves without sending out what is due.
fn set_tick(client: &Client, queue: u8, tick: u32) {
    assert_eq!(client.control(queue, T::SETPOS_TICK, tick), Ok(EVENT_SIZE));
}

/// Moves without sending out what is due.
fn set_time(client: &Client, queue: u8, sec: u32, nsec: u32) {
    client.must_send(&control(queue, T::SETPOS_TIME, sec, nsec));
}

/// Seconds and nanoseconds of a queue.
fn time(client: &Client, queue: u8) -> (u32, u32) {
    let time = client.status(queue).time;
    (time.tv_sec, time.tv_nsec)
}

/// Returns a note with a relative time.
fn relative(event: Event) -> Event {
    let mut event = event;
    event.flags |= EventFlags::RELATIVE;
    event
}

/// Returns a note at a time that may be out of range.
fn at(client: &Client, queue: u8, sec: u32, nsec: u32) -> Event {
    let event = at_time(note_on(client.port(0), 1), queue, Duration::ZERO);
    Event { time: EventTime::real(sec, nsec), ..event }
}

/// Lets a running queue run on until its position is reached, and stops it. The position of a queue that runs may be what
/// the queue has not noticed yet, while a stopped one is exact.
fn run_until(client: &Client, queue: u8, mut reached: impl FnMut() -> bool) {
    wait_until("the position is reached", || {
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        let reached = reached();
        if !reached {
            assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        }
        reached
    });
}

cases! {
    /// SETPOS_TICK sets the tick and leaves the time.
    fn setpos_tick_leaves_the_time() {
        let (client, queue) = stopped();
        set_time(&client, queue, 3, 4);
        set_tick(&client, queue, 77);
        assert_eq!((client.status(queue).tick, time(&client, queue)), (77, (3, 4)));
    }

    /// SETPOS_TIME sets the time and leaves the tick.
    fn setpos_time_leaves_the_tick() {
        let (client, queue) = stopped();
        set_tick(&client, queue, 77);
        set_time(&client, queue, 3, 4);
        assert_eq!((client.status(queue).tick, time(&client, queue)), (77, (3, 4)));
    }

    /// Every tick number can be set.
    fn every_tick_can_be_set() {
        let (client, queue) = stopped();
        for tick in [1, 0x7fff_ffff, 0x8000_0000, u32::MAX, 0] {
            set_tick(&client, queue, tick);
            assert_eq!(client.status(queue).tick, tick);
        }
    }

    /// Nanoseconds of a second and more are carried.
    fn setpos_carries_nanoseconds() {
        let (client, queue) = stopped();
        for (sec, nsec, expected) in [
            (5, 1_000_000_000, (6, 0)),
            (5, 3_999_999_999, (8, 999_999_999)),
            (5, u32::MAX, (9, 294_967_295)),
        ] {
            set_time(&client, queue, sec, nsec);
            assert_eq!(time(&client, queue), expected);
        }
    }

    /// A carry out of the seconds wraps to 0.
    fn setpos_wraps_seconds() {
        let (client, queue) = stopped();
        set_time(&client, queue, u32::MAX, 1_000_000_001);
        assert_eq!(time(&client, queue), (0, 1));
    }

    /// On a stopped queue a jump sends nothing out, until the next event is written.
    fn jump_sends_nothing_until_a_write() {
        let (client, queue) = stopped();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 10));
        client.must_send(&at(&client, queue, 1, 0));
        set_tick(&client, queue, 20);
        set_time(&client, queue, 5, 0);
        assert_eq!((client.types(), client.status(queue).events), (vec![], 2));
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 100));
        assert_eq!((client.notes(), client.status(queue).events), (vec![1, 1], 1));
    }

    /// Jumped over on a stopped queue that has run, events go out after CONTINUE.
    fn jump_sends_after_continue() {
        let (client, queue) = stopped();
        client.start(queue);
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 1_000_000));
        set_tick(&client, queue, 2_000_000);
        assert_eq!(client.types(), []);
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        assert_eq!(client.wait_event().time.tick_or_sec, 1_000_000);
        assert!(client.status(queue).tick >= 2_000_000);
    }

    /// On a queue that has never run, CONTINUE undoes the jump, and the events wait.
    fn jump_is_undone_by_the_first_continue() {
        let (client, queue) = stopped();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 1_000_000));
        set_tick(&client, queue, 2_000_000);
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 4));
        assert_eq!(client.wait_event().time.tick_or_sec, 4);
        assert_eq!(client.status(queue).events, 1);
    }

    /// START undoes a jump too.
    fn jump_is_undone_by_start() {
        let (client, queue) = stopped();
        set_tick(&client, queue, 2_000_000);
        client.start(queue);
        assert!(client.status(queue).tick < 2_000_000);
    }

    /// On a running queue a jump sends out what it jumped over.
    fn jump_on_a_running_queue_sends() {
        let (client, queue) = stopped();
        client.start(queue);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 1_000_000));
        client.must_send(&at(&client, queue, 5000, 0));
        set_tick(&client, queue, 1_000_000);
        assert_eq!(client.wait_event().time.tick_or_sec, 1_000_000);
        set_time(&client, queue, 5000, 0);
        assert_eq!(client.wait_event().time.tick_or_sec, 5000);
        assert_eq!(client.status(queue).running, 1);
    }

    /// On a running queue a jump back makes later events wait again.
    fn jump_back_makes_wait() {
        let (client, queue) = stopped();
        client.start(queue);
        set_tick(&client, queue, 1_000_000);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 2_000_000));
        set_tick(&client, queue, 0);
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 1_000_000));
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!((client.types(), client.status(queue).events), (vec![], 2));
    }

    /// A jump back does not repeat what has gone out.
    fn jump_back_repeats_nothing() {
        let (client, queue) = stopped();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 10));
        client.move_to_tick(queue, 10);
        client.move_to_tick(queue, 0);
        client.move_to_tick(queue, 10);
        assert_eq!(client.notes(), [1]);
    }

    /// An event at the position itself is due, one beyond it is not.
    fn event_at_the_position_is_due() {
        let (client, queue) = stopped();
        for tick in [9, 10, 11] {
            client.must_send(&at_tick(note_on(client.port(0), 1), queue, tick));
        }
        client.move_to_tick(queue, 10);
        let ticks: Vec<u32> = client.events().iter().map(|event| event.time.tick_or_sec).collect();
        assert_eq!(ticks, [9, 10]);
    }

    /// In real time too, to the nanosecond.
    fn event_at_the_position_is_due_to_the_nanosecond() {
        let (client, queue) = stopped();
        for nsec in [99, 100, 101] {
            client.must_send(&at(&client, queue, 1, nsec));
        }
        client.move_to_time(queue, 1, 100);
        let times: Vec<u32> = client.events().iter().map(|event| event.time.nsec).collect();
        assert_eq!(times, [99, 100]);
    }

    /// An event with 1.5 s of nanoseconds in second 1 is not due before second 2, and is due then.
    fn excess_nanoseconds_are_due_with_the_next_second() {
        let (client, queue) = stopped();
        client.must_send(&at(&client, queue, 1, 1_500_000_000));
        client.move_to_time(queue, 1, 999_999_999);
        assert_eq!(client.types(), []);
        client.move_to_time(queue, 2, 0);
        assert_eq!(client.wait_event().time, EventTime::real(1, 1_500_000_000));
    }

    /// A relative tick counts from the position, and arrives absolute without the bit.
    fn relative_tick_becomes_absolute() {
        let (client, queue) = stopped();
        set_tick(&client, queue, 100);
        client.must_send(&relative(at_tick(note_on(client.port(0), 1), queue, 5)));
        client.move_to_tick(queue, 104);
        assert_eq!(client.types(), []);
        client.move_to_tick(queue, 105);
        let event = client.wait_event();
        assert_eq!((event.time, event.flags), (EventTime::tick(105), EventFlags::empty()));
    }

    /// A relative time counts from the position, with a carry, and arrives absolute without the
    /// bit.
    fn relative_time_becomes_absolute() {
        let (client, queue) = stopped();
        set_time(&client, queue, 1, 600_000_000);
        client.must_send(&relative(at(&client, queue, 2, 700_000_000)));
        client.move_to_time(queue, 4, 299_999_999);
        assert_eq!(client.types(), []);
        client.move_to_time(queue, 4, 300_000_000);
        let event = client.wait_event();
        assert_eq!(
            (event.time, event.flags),
            (EventTime::real(4, 300_000_000), EventFlags::REAL_TIME)
        );
    }

    /// A relative 0 is due at once.
    fn relative_zero_is_due_at_once() {
        let (client, queue) = stopped();
        set_tick(&client, queue, 100);
        set_time(&client, queue, 1, 2);
        client.must_send(&relative(at_tick(note_on(client.port(0), 1), queue, 0)));
        client.must_send(&relative(at(&client, queue, 0, 0)));
        let times: Vec<_> = client.events().iter().map(|event| event.time).collect();
        assert_eq!(times, [EventTime::tick(100), EventTime::real(1, 2)]);
    }

    /// A relative tick wraps at 2^32, and is in the past then.
    fn relative_tick_wraps() {
        let (client, queue) = stopped();
        set_tick(&client, queue, 100);
        client.must_send(&relative(at_tick(note_on(client.port(0), 1), queue, u32::MAX)));
        assert_eq!(client.wait_event().time, EventTime::tick(99));
    }

    /// Relative seconds wrap at 2^32, and are in the past then.
    fn relative_seconds_wrap() {
        let (client, queue) = stopped();
        set_time(&client, queue, 100, 5);
        client.must_send(&relative(at(&client, queue, u32::MAX, 0)));
        assert_eq!(client.wait_event().time, EventTime::real(99, 5));
    }

    /// A relative event keeps its own distance when the queue jumps after it was written.
    fn relative_event_is_fixed_when_written() {
        let (client, queue) = stopped();
        client.must_send(&relative(at_tick(note_on(client.port(0), 1), queue, 10)));
        client.move_to_tick(queue, 9);
        assert_eq!(client.types(), []);
        client.move_to_tick(queue, 10);
        assert_eq!(client.wait_event().time, EventTime::tick(10));
    }

    /// A relative event among absolute ones is ordered by its sum.
    fn relative_event_is_ordered_by_its_sum() {
        let (client, queue) = stopped();
        set_tick(&client, queue, 100);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 110));
        client.must_send(&relative(at_tick(note_on(client.port(0), 2), queue, 5)));
        client.must_send(&relative(at_tick(note_on(client.port(0), 3), queue, 15)));
        client.move_to_tick(queue, 200);
        assert_eq!(client.notes(), [2, 1, 3]);
    }

    /// A queued jump takes effect when due, and goes on from there.
    fn queued_jump_acts_when_due() {
        let (client, queue) = stopped();
        client.start(queue);
        client.must_send(&at_tick(control(queue, T::SETPOS_TICK, 1_000_000, 0), queue, 3));
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 1_000_002));
        assert_eq!(client.wait_event().time.tick_or_sec, 1_000_002);
    }

    /// A loop: a queued jump back lets the same ticks pass again.
    fn queued_jump_back_makes_a_loop() {
        let (client, queue) = stopped();
        client.start(queue);
        for _ in 0..3 {
            client.must_send(&at_tick(note_on(client.port(0), 1), queue, 3));
            client.must_send(&at_tick(control(queue, T::SETPOS_TICK, 0, 0), queue, 4));
            assert_eq!(client.wait_event().time.tick_or_sec, 3);
            wait_until("the queue is empty", || client.status(queue).events == 0);
        }
    }

    /// After the last of its 2^32 ticks a running queue goes on at tick 0. Before that, what waits for an early tick is in
    /// the past. After it, what waits for a late one is in the future.
    fn running_ticks_wrap() {
        let (client, queue) = stopped();
        assert_eq!(client.set_tempo(queue, 10_000, 1000), Ok(()));
        client.start(queue);
        set_tick(&client, queue, u32::MAX - 100);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 200));
        assert_eq!(client.wait_event().time.tick_or_sec, 200);
        run_until(&client, queue, || client.status(queue).tick < 1 << 31);
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, u32::MAX));
        client.must_send(&at_tick(note_on(client.port(0), 3), queue, 0));
        assert_eq!((client.notes(), client.status(queue).events), (vec![3], 1));
    }

    /// After the last of its 2^32 seconds it goes on at 0, likewise.
    fn running_seconds_wrap() {
        let (client, queue) = stopped();
        client.start(queue);
        set_time(&client, queue, u32::MAX, 995_000_000);
        client.must_send(&at(&client, queue, 2, 0));
        assert_eq!(client.wait_event().time, EventTime::real(2, 0));
        run_until(&client, queue, || time(&client, queue).0 < 1 << 31);
        client.must_send(&at(&client, queue, u32::MAX, 0));
        client.must_send(&at(&client, queue, 0, 0));
        let times: Vec<_> = client.events().iter().map(|event| event.time).collect();
        assert_eq!((times, client.status(queue).events), (vec![EventTime::real(0, 0)], 1));
    }

    /// A second of time and its ticks need not agree after a jump.
    fn tick_and_time_are_independent() {
        let (client, queue) = stopped();
        client.start(queue);
        set_tick(&client, queue, 1_000_000);
        let status = client.status(queue);
        assert!(status.tick >= 1_000_000 && status.time.tv_sec < 1000);
    }
}
