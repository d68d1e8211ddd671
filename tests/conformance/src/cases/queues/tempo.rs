//! Tempo, resolution and tempo base.

use crate::case::cases;
use crate::client::{Client, at_tick, at_time, control, note_on};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::QueueTempo;
use aseqd_abi::{Errno, EventType as T};
use std::time::Duration;

/// Runs a queue from 0 over `ms` milliseconds of its own time, 64 times as fast, and stops it.
fn run(client: &Client, queue: u8, ms: u64) {
    client.must_send(&control(queue, T::QUEUE_SKEW, 64 << 16, 1 << 16));
    client.start(queue);
    client.must_send(&at_time(note_on(client.port(0), 1), queue, Duration::from_millis(ms)));
    client.wait_event();
    assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
}

/// Tick, and nanoseconds, of a queue.
fn position(client: &Client, queue: u8) -> (u64, u64) {
    let status = client.status(queue);
    let nanos = u64::from(status.time.tv_sec) * 1_000_000_000 + u64::from(status.time.tv_nsec);
    (status.tick.into(), nanos)
}

/// Sets tempo, resolution and base.
fn set_base(
    client: &Client,
    queue: u8,
    tempo: u32,
    ppq: i32,
    tempo_base: u16,
) -> Result<(), Errno> {
    let tempo = QueueTempo { queue: queue.into(), tempo, ppq, tempo_base, ..QueueTempo::default() };
    client.query(s::SET_QUEUE_TEMPO, tempo).map(drop)
}

cases! {
    /// A new queue has 120 BPM, 96 ppq, and its natural speed.
    fn defaults() {
        let client = Client::open();
        let queue = client.create_queue();
        let expected = QueueTempo {
            queue: queue.into(),
            tempo: 500_000,
            ppq: 96,
            skew_value: 0x10000,
            skew_base: 0x10000,
            ..QueueTempo::default()
        };
        assert_eq!(client.tempo(queue), expected);
    }

    /// A TEMPO event changes the tempo only.
    fn tempo_event_changes_the_tempo() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(client.set_tempo(queue, 600_000, 480), Ok(()));
        assert_eq!(client.control(queue, T::TEMPO, 250_000), Ok(EVENT_SIZE));
        let tempo = client.tempo(queue);
        assert_eq!((tempo.tempo, tempo.ppq), (250_000, 480));
    }

    /// A TEMPO event of 0 or less is taken and changes nothing.
    fn illegal_tempo_event_is_ignored() {
        let client = Client::open();
        let queue = client.create_queue();
        for value in [0, 0x8000_0000, u32::MAX] {
            assert_eq!(client.control(queue, T::TEMPO, value), Ok(EVENT_SIZE));
            assert_eq!(client.tempo(queue).tempo, 500_000, "value {value:#x}");
        }
    }

    /// A TEMPO event takes the largest signed number.
    fn largest_tempo_event_is_taken() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(client.control(queue, T::TEMPO, 0x7fff_ffff), Ok(EVENT_SIZE));
        assert_eq!(client.tempo(queue).tempo, 0x7fff_ffff);
    }

    /// SET_QUEUE_TEMPO refuses a tempo of 0 or less, and changes nothing.
    fn illegal_tempo_is_einval() {
        let client = Client::open();
        let queue = client.create_queue();
        for tempo in [0, 0x8000_0000, u32::MAX] {
            assert_eq!(client.set_tempo(queue, tempo, 48), Err(Errno::EINVAL), "tempo {tempo:#x}");
        }
        assert_eq!((client.tempo(queue).tempo, client.tempo(queue).ppq), (500_000, 96));
    }

    /// SET_QUEUE_TEMPO refuses a resolution of 0 or less, and leaves it as it was.
    fn illegal_ppq_is_einval() {
        let client = Client::open();
        let queue = client.create_queue();
        for ppq in [0, -1, i32::MIN] {
            assert_eq!(client.set_tempo(queue, 400_000, ppq), Err(Errno::EINVAL), "ppq {ppq}");
        }
        assert_eq!(client.tempo(queue).ppq, 96);
    }

    /// The resolution of a running queue cannot change: EBUSY.
    fn ppq_of_a_running_queue_is_ebusy() {
        let client = Client::open();
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.set_tempo(queue, 400_000, 48), Err(Errno::EBUSY));
        assert_eq!(client.tempo(queue).tempo, 500_000);
    }

    /// The tempo of a running queue can change, with the same resolution.
    fn tempo_of_a_running_queue_can_change() {
        let client = Client::open();
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.set_tempo(queue, 400_000, 96), Ok(()));
        assert_eq!(client.tempo(queue).tempo, 400_000);
    }

    /// After STOP the resolution can change.
    fn ppq_can_change_after_stop() {
        let client = Client::open();
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        assert_eq!(client.set_tempo(queue, 500_000, 48), Ok(()));
    }

    /// A wrong skew base is EINVAL, but tempo and resolution have changed.
    fn wrong_skew_base_changes_the_tempo_all_the_same() {
        let client = Client::open();
        let queue = client.create_queue();
        let tempo = QueueTempo {
            queue: queue.into(),
            tempo: 400_000,
            ppq: 48,
            skew_value: 1,
            skew_base: 5,
            ..QueueTempo::default()
        };
        assert_eq!(client.query(s::SET_QUEUE_TEMPO, tempo), Err(Errno::EINVAL));
        let tempo = client.tempo(queue);
        assert_eq!((tempo.tempo, tempo.ppq, tempo.skew_value), (400_000, 48, 0x10000));
    }

    /// The tempo of a queue that does not exist is EPERM.
    fn tempo_of_a_missing_queue_is_eperm() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(client.delete_queue(queue), Ok(()));
        assert_eq!(client.set_tempo(queue, 500_000, 96), Err(Errno::EPERM));
        assert_eq!(client.set_tempo(200, 500_000, 96), Err(Errno::EPERM));
    }

    /// The tempo of an unlocked queue is anybody's, that of a locked one its owner's.
    fn tempo_of_a_locked_queue_is_its_owners() {
        let (owner, other) = (Client::open(), Client::open());
        let (open, locked) = (owner.create_queue(), owner.create_locked_queue());
        assert_eq!(other.set_tempo(open, 400_000, 96), Ok(()));
        assert_eq!(other.set_tempo(locked, 400_000, 96), Err(Errno::EPERM));
        assert_eq!(owner.set_tempo(locked, 400_000, 96), Ok(()));
    }

    /// The part of a tick that has passed counts in a new tempo: ticks pass at once.
    fn passed_part_of_a_tick_counts_in_a_new_tempo() {
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!(client.set_tempo(queue, 4_000_000, 1), Ok(()));
        let (tick, nanos, passed) = loop {
            run(&client, queue, 900);
            let (tick, nanos) = position(&client, queue);
            let passed = (nanos - tick * 4_000_000_000) / 100_000_000;
            // It may stop late, and by chance at the beginning of a tick.
            if passed > 0 {
                break (tick, nanos, passed);
            }
        };
        assert_eq!(client.set_tempo(queue, 100_000, 1), Ok(()));
        assert_eq!(position(&client, queue), (tick + passed, nanos));
    }

    /// The part of a tick that has passed counts after a TEMPO event, too.
    fn passed_part_of_a_tick_counts_after_a_tempo_event() {
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!(client.set_tempo(queue, 4_000_000, 1), Ok(()));
        run(&client, queue, 900);
        let (tick, nanos) = position(&client, queue);
        assert_eq!(client.control(queue, T::TEMPO, 100_000), Ok(EVENT_SIZE));
        let passed = (nanos - tick * 4_000_000_000) / 100_000_000;
        assert_eq!(position(&client, queue), (tick + passed, nanos));
    }

    /// Ticks that pass by a new tempo send nothing out until the next pass.
    fn ticks_passed_by_a_new_tempo_send_nothing() {
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!(client.set_tempo(queue, 4_000_000, 1), Ok(()));
        run(&client, queue, 900);
        let (tick, _) = position(&client, queue);
        let due = u32::try_from(tick).unwrap() + 1;
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, due));
        assert_eq!(client.set_tempo(queue, 10_000, 1), Ok(()));
        assert!(client.status(queue).tick >= due);
        assert_eq!(client.types(), []);
        client.dispatch(queue);
        assert_eq!(client.notes(), [2]);
    }

    /// SETPOS_TICK forgets the part of a tick that has passed.
    fn setpos_forgets_the_passed_part_of_a_tick() {
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!(client.set_tempo(queue, 4_000_000, 1), Ok(()));
        run(&client, queue, 900);
        assert_eq!(client.control(queue, T::SETPOS_TICK, 70), Ok(EVENT_SIZE));
        assert_eq!(client.set_tempo(queue, 10_000, 1), Ok(()));
        assert_eq!(client.status(queue).tick, 70);
    }

    /// STOP keeps the part of a tick that has passed.
    fn stop_keeps_the_passed_part_of_a_tick() {
        let client = Client::with_port();
        let queue = client.create_queue();
        run(&client, queue, 100);
        for _ in 0..3 {
            assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
            let at = Duration::from_nanos(position(&client, queue).1) + Duration::from_millis(50);
            client.must_send(&at_time(note_on(client.port(0), 1), queue, at));
            client.wait_event();
            assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        }
        let (tick, nanos) = position(&client, queue);
        assert_eq!(tick, nanos / 5_208_333);
    }

    /// A slower tempo in the middle of a piece moves what is still to come.
    fn slower_tempo_delays_what_is_to_come() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(control(queue, T::TEMPO, 1_000_000, 0), queue, 4));
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 12));
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        client.wait_event();
        // 4 ticks of 5.2 ms and 8 of 10.4 ms.
        let (_, nanos) = position(&client, queue);
        assert!(nanos >= 4 * 5_208_333 + 7 * 10_416_666, "{nanos}");
    }

    /// A TEMPO event does not move the time, only ticks.
    fn tempo_does_not_touch_the_time() {
        let client = Client::open();
        let queue = client.create_queue();
        client.must_send(&control(queue, T::SETPOS_TIME, 7, 8));
        assert_eq!(client.control(queue, T::TEMPO, 1), Ok(EVENT_SIZE));
        assert_eq!(position(&client, queue), (0, 7_000_000_008));
    }

    /// From protocol 1.0.4 on, a program that declares it sees the tempo base: 1000 at first.
    since "6.12" fn tempo_base_is_1000_at_first() {
        let client = Client::open();
        client.declare_version(0x01_00_04);
        let queue = client.create_queue();
        assert_eq!(client.tempo(queue).tempo_base, 1000);
    }

    /// A program that declares less sees 0 and its base is ignored.
    since "6.12" fn tempo_base_is_hidden_below_1_0_4() {
        let client = Client::open();
        client.declare_version(0x01_00_03);
        let queue = client.create_queue();
        assert_eq!(set_base(&client, queue, 500_000, 96, 10), Ok(()));
        assert_eq!(client.tempo(queue).tempo_base, 0);
        client.declare_version(0x01_00_04);
        assert_eq!(client.tempo(queue).tempo_base, 1000);
    }

    /// Bases other than 0, 10 and 1000 are EINVAL.
    since "6.12" fn other_tempo_bases_are_einval() {
        let client = Client::open();
        client.declare_version(0x01_00_04);
        let queue = client.create_queue();
        for base in [1, 9, 100, 1001, u16::MAX] {
            assert_eq!(
                set_base(&client, queue, 400_000, 96, base),
                Err(Errno::EINVAL),
                "base {base}"
            );
        }
        assert_eq!(client.tempo(queue).tempo, 500_000);
    }

    /// For a program that declares less than 1.0.4, any base passes.
    fn tempo_base_is_not_checked_below_1_0_4() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(set_base(&client, queue, 400_000, 96, 777), Ok(()));
        assert_eq!(client.tempo(queue).tempo_base, 0);
    }

    /// Base 0 means 1000.
    since "6.12" fn tempo_base_zero_means_1000() {
        let client = Client::open();
        client.declare_version(0x01_00_04);
        let queue = client.create_queue();
        assert_eq!(set_base(&client, queue, 500_000, 96, 10), Ok(()));
        assert_eq!(client.tempo(queue).tempo_base, 10);
        assert_eq!(set_base(&client, queue, 500_000, 96, 0), Ok(()));
        assert_eq!(client.tempo(queue).tempo_base, 1000);
    }

    /// With base 10, a tick lasts tempo * 10 / ppq nanoseconds, rounded down.
    since "6.12" fn tempo_base_10_counts_in_10_nanoseconds() {
        let client = Client::with_port();
        client.declare_version(0x01_00_04);
        let queue = client.create_queue();
        assert_eq!(set_base(&client, queue, 50_000_001, 97, 10), Ok(()));
        run(&client, queue, 700);
        let (tick, nanos) = position(&client, queue);
        assert_eq!(tick, nanos / 5_154_639);
    }

    /// A change of the base alone is stored, and the speed stays until tempo or resolution change.
    since "6.12" fn base_alone_changes_no_speed() {
        let client = Client::with_port();
        client.declare_version(0x01_00_04);
        let queue = client.create_queue();
        assert_eq!(set_base(&client, queue, 500_000, 96, 10), Ok(()));
        assert_eq!(client.tempo(queue).tempo_base, 10);
        run(&client, queue, 300);
        let (tick, nanos) = position(&client, queue);
        assert_eq!(tick, nanos / 5_208_333);
        assert_eq!(set_base(&client, queue, 500_001, 96, 10), Ok(()));
        run(&client, queue, 300);
        let (tick, nanos) = position(&client, queue);
        assert_eq!(tick, nanos / 52_083);
    }

    /// A TEMPO event counts in the queue's base.
    since "6.12" fn tempo_event_counts_in_the_base() {
        let client = Client::with_port();
        client.declare_version(0x01_00_04);
        let queue = client.create_queue();
        assert_eq!(set_base(&client, queue, 500_000, 96, 10), Ok(()));
        assert_eq!(client.control(queue, T::TEMPO, 960_000), Ok(EVENT_SIZE));
        run(&client, queue, 300);
        let (tick, nanos) = position(&client, queue);
        assert_eq!(tick, nanos / 100_000);
    }
}
