//! How ticks and time advance. A clock may be late, so only order and lower bounds are asserted;
//! how
//! tick and time of a stopped queue belong together is exact.

use crate::case::cases;
use crate::client::{Client, at_tick, at_time, control, note_on, wait_until};
use aseqd_abi::EventType;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::seq::QueueStatus;
use std::time::{Duration, Instant};

/// How much an emulated clock may gain.
const SLACK: Duration = Duration::from_millis(2);

/// Returns the time of a status in nanoseconds.
fn nanos(status: &QueueStatus) -> u64 {
    u64::from(status.time.tv_sec) * 1_000_000_000 + u64::from(status.time.tv_nsec)
}

/// Makes a queue 64 times as fast, runs it from 0 over `ms` milliseconds of its own time, and
/// stops it.
fn run(client: &Client, queue: u8, ms: u64) -> QueueStatus {
    client.must_send(&control(queue, EventType::QUEUE_SKEW, 64 << 16, 1 << 16));
    client.start(queue);
    client.must_send(&at_time(note_on(client.port(0), 1), queue, Duration::from_millis(ms)));
    client.wait_event();
    assert_eq!(client.control(queue, EventType::STOP, 0), Ok(EVENT_SIZE));
    client.status(queue)
}

cases! {
    /// A new queue is stopped at tick 0, time 0, without events.
    fn new_queue_is_at_zero() {
        let client = Client::open();
        let queue = client.create_queue();
        let status = client.status(queue);
        assert_eq!((status.tick, nanos(&status), status.running, status.events), (0, 0, 0, 0));
    }

    /// A stopped queue stands still.
    fn stopped_queue_stands_still() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let stopped = run(&client, queue, 500);
        std::thread::sleep(Duration::from_millis(10));
        assert_eq!(client.status(queue), stopped);
    }

    /// A running queue's ticks do not go back. (The time may, by what a late period made it run
    /// ahead.)
    fn running_ticks_do_not_go_back() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(client.set_tempo(queue, 10_000, 1000), Ok(()));
        client.start(queue);
        let mut last = 0;
        while last < 2000 {
            let now = client.status(queue).tick;
            assert!(now >= last, "{now} after {last}");
            last = now;
        }
    }

    /// A running queue says so.
    fn running_queue_says_so() {
        let client = Client::open();
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.status(queue).running, 1);
    }

    /// At 120 BPM and 96 ppq, 192 ticks end at 0.999999936 s: before the time of one second, and
    /// the
    /// 193rd ends after it.
    fn one_second_has_192_ticks() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let status = run(&client, queue, 1000);
        assert!(status.tick >= 192);
        assert_eq!(u64::from(status.tick), nanos(&status) / 5_208_333);
    }

    /// A tick lasts tempo * 1000 / ppq nanoseconds, rounded down.
    fn tick_length_is_rounded_down() {
        let client = Client::with_port();
        for (tempo, ppq, length) in [
            (500_000, 96, 5_208_333),
            (1_000_000, 480, 2_083_333),
            (333_333, 7, 47_619_000),
            (999_999, 960, 1_041_665),
            (300_001, 3, 100_000_333),
            (7, 3, 2333),
        ] {
            let queue = client.create_queue();
            assert_eq!(client.set_tempo(queue, tempo, ppq), Ok(()));
            let status = run(&client, queue, 700);
            assert_eq!(u64::from(status.tick), nanos(&status) / length, "{tempo} {ppq} {status:?}");
        }
    }

    /// A tick is never shorter than a nanosecond.
    fn tick_lasts_at_least_a_nanosecond() {
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!(client.set_tempo(queue, 1, 30_000), Ok(()));
        client.start(queue);
        client.must_send(&at_time(note_on(client.port(0), 1), queue, Duration::from_millis(5)));
        client.wait_event();
        assert_eq!(client.control(queue, EventType::STOP, 0), Ok(EVENT_SIZE));
        let status = client.status(queue);
        assert_eq!(u64::from(status.tick), nanos(&status) & 0xffff_ffff);
    }

    /// The length of a tick is a 32-bit number of nanoseconds, and wraps.
    fn tick_length_wraps_at_32_bits() {
        let client = Client::with_port();
        let queue = client.create_queue();
        // 5000000000 - 4294967296.
        assert_eq!(client.set_tempo(queue, 5_000_000, 1), Ok(()));
        let status = run(&client, queue, 3000);
        assert_eq!(u64::from(status.tick), nanos(&status) / 705_032_704, "{status:?}");
    }

    /// An event at a time does not come before that time has passed.
    fn event_at_a_time_is_not_early() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let begin = Instant::now();
        client.start(queue);
        client.must_send(&at_time(note_on(client.port(0), 1), queue, Duration::from_millis(80)));
        client.wait_event();
        assert!(begin.elapsed() + SLACK >= Duration::from_millis(80));
    }

    /// An event at a tick does not come before that tick's time has passed.
    fn event_at_a_tick_is_not_early() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let begin = Instant::now();
        client.start(queue);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 20));
        client.wait_event();
        assert!(begin.elapsed() + SLACK >= Duration::from_nanos(20 * 5_208_333));
    }

    /// When an event comes, the queue is at its time or beyond.
    fn queue_has_reached_the_event() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.start(queue);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 8));
        client.wait_event();
        assert!(client.status(queue).tick >= 8);
        client.must_send(&at_time(note_on(client.port(0), 1), queue, Duration::from_millis(70)));
        client.wait_event();
        assert!(nanos(&client.status(queue)) >= 70_000_000);
    }

    /// Time is counted in seconds and less than a second of nanoseconds.
    fn time_is_normalised() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let status = run(&client, queue, 2500);
        assert!(status.time.tv_sec >= 2 && status.time.tv_nsec < 1_000_000_000);
    }

    /// The tick counter wraps at 2^32.
    fn tick_counter_wraps() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(client.set_tempo(queue, 10_000, 1000), Ok(()));
        client.start(queue);
        assert_eq!(client.control(queue, EventType::SETPOS_TICK, u32::MAX), Ok(EVENT_SIZE));
        wait_until("the tick wraps", || client.status(queue).tick < 1_000_000);
    }

    /// The number of waiting events counts ticks and times.
    fn status_counts_waiting_events() {
        let client = Client::with_port();
        let queue = client.create_queue();
        for n in 1..4 {
            client.must_send(&at_tick(note_on(client.port(0), 1), queue, n));
            client.must_send(&at_time(
                note_on(client.port(0), 1),
                queue,
                Duration::from_secs(n.into()),
            ));
        }
        assert_eq!(client.status(queue).events, 6);
        client.move_to_tick(queue, 2);
        assert_eq!(client.status(queue).events, 4);
    }

    /// Anybody may ask.
    fn status_is_public() {
        let (owner, other) = (Client::open(), Client::open());
        let queue = owner.create_locked_queue();
        assert_eq!(owner.control(queue, EventType::SETPOS_TICK, 17), Ok(EVENT_SIZE));
        assert_eq!(other.status(queue).tick, 17);
    }
}
