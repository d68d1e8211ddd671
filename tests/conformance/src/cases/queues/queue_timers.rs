//! Which timer drives a queue.

use crate::case::cases;
use crate::client::{Client, at_tick, control, note_on};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{QueueTimer, TIMER_MIDI_CLOCK, TIMER_MIDI_TICK};
use aseqd_abi::timer::{
    CLASS_GLOBAL, CLASS_PCM, CLASS_SLAVE, GLOBAL_SYSTEM, SCLASS_SEQUENCER, TimerId,
};
use aseqd_abi::{Errno, EventType as T};
use std::time::Duration;

/// Returns a global timer.
fn global(device: i32) -> TimerId {
    TimerId {
        dev_class: CLASS_GLOBAL,
        dev_sclass: SCLASS_SEQUENCER,
        card: -1,
        device,
        subdevice: 0,
    }
}

/// Returns a timer that cannot exist.
fn impossible() -> TimerId {
    TimerId { dev_class: CLASS_PCM, dev_sclass: 0, card: 31, device: 99, subdevice: 7 }
}

/// SET_QUEUE_TIMER.
fn set_timer(client: &Client, queue: u8, id: TimerId, resolution: u32) -> Result<(), Errno> {
    let timer = QueueTimer { queue: queue.into(), id, resolution, ..QueueTimer::default() };
    client.query(s::SET_QUEUE_TIMER, timer).map(drop)
}

/// Does the queue let an event out that is two ticks ahead?
fn runs(client: &Client, queue: u8) {
    let tick = client.status(queue).tick + 2;
    client.must_send(&at_tick(note_on(client.port(0), 1), queue, tick));
    client.wait_event();
}

cases! {
    /// A new queue has a global timer, for the sequencer, and no wish for a resolution.
    fn default_timer() {
        let client = Client::open();
        let queue = client.create_queue();
        let timer = client.timer(queue);
        assert_eq!((timer.timer_type, timer.resolution), (0, 0));
        assert_eq!(timer.id, global(timer.id.device));
    }

    /// The timer that was asked for is the timer that is shown, with the resolution.
    fn asked_timer_is_shown() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(set_timer(&client, queue, global(GLOBAL_SYSTEM), 777), Ok(()));
        let timer = client.timer(queue);
        assert_eq!((timer.id, timer.resolution), (global(GLOBAL_SYSTEM), 777));
    }

    /// The slave class of other than slave timers is made that of the sequencer.
    fn slave_class_is_made_the_sequencers() {
        let client = Client::open();
        let queue = client.create_queue();
        let id = TimerId { dev_sclass: 9, ..global(GLOBAL_SYSTEM) };
        assert_eq!(set_timer(&client, queue, id, 0), Ok(()));
        assert_eq!(client.timer(queue).id, global(GLOBAL_SYSTEM));
    }

    /// Only type 0 is known: others are EINVAL, before the queue is looked at.
    fn other_types_are_einval() {
        let client = Client::open();
        for timer_type in [TIMER_MIDI_CLOCK, TIMER_MIDI_TICK, -1, 3] {
            let timer = QueueTimer { queue: 200, timer_type, ..QueueTimer::default() };
            assert_eq!(client.query(s::SET_QUEUE_TIMER, timer), Err(Errno::EINVAL), "{timer_type}");
        }
    }

    /// The timer of a queue that does not exist is EPERM.
    fn timer_of_a_missing_queue_is_eperm() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(client.delete_queue(queue), Ok(()));
        assert_eq!(set_timer(&client, queue, global(GLOBAL_SYSTEM), 0), Err(Errno::EPERM));
    }

    /// The timer of a locked queue is its owner's: EPERM for others.
    fn timer_of_a_locked_queue_is_its_owners() {
        let (owner, other) = (Client::open(), Client::open());
        let (open, locked) = (owner.create_queue(), owner.create_locked_queue());
        assert_eq!(set_timer(&other, locked, global(GLOBAL_SYSTEM), 0), Err(Errno::EPERM));
        assert_eq!(set_timer(&other, open, global(GLOBAL_SYSTEM), 0), Ok(()));
        assert_eq!(set_timer(&owner, locked, global(GLOBAL_SYSTEM), 0), Ok(()));
    }

    /// The system timer drives a queue.
    fn system_timer_drives_a_queue() {
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!(set_timer(&client, queue, global(GLOBAL_SYSTEM), 0), Ok(()));
        client.start(queue);
        runs(&client, queue);
    }

    /// A low resolution drives a queue.
    fn low_resolution_drives_a_queue() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let id = client.timer(queue).id;
        assert_eq!(set_timer(&client, queue, id, 20), Ok(()));
        client.start(queue);
        runs(&client, queue);
    }

    /// A resolution out of range is taken and drives a queue.
    fn extreme_resolutions_drive_a_queue() {
        let client = Client::with_port();
        for resolution in [1, 1_000_000] {
            let queue = client.create_queue();
            let id = client.timer(queue).id;
            assert_eq!(set_timer(&client, queue, id, resolution), Ok(()));
            assert_eq!(client.timer(queue).resolution, resolution);
            client.start(queue);
            runs(&client, queue);
        }
    }

    /// For a timer that does not exist the system timer stands in; the asked one is shown.
    fn impossible_timer_is_shown_and_replaced() {
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!(set_timer(&client, queue, impossible(), 0), Ok(()));
        let expected = TimerId { dev_sclass: SCLASS_SEQUENCER, ..impossible() };
        assert_eq!(client.timer(queue).id, expected);
        client.start(queue);
        runs(&client, queue);
    }

    /// With an impossible timer, tempo and resolution stay.
    fn impossible_timer_leaves_the_tempo() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(client.set_tempo(queue, 400_000, 48), Ok(()));
        assert_eq!(set_timer(&client, queue, impossible(), 0), Ok(()));
        assert_eq!((client.tempo(queue).tempo, client.tempo(queue).ppq), (400_000, 48));
    }

    /// A slave timer that follows nobody restores all defaults of the queue, and is success.
    fn slave_timer_restores_the_defaults() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let default = client.timer(queue);
        assert_eq!(client.set_tempo(queue, 400_000, 48), Ok(()));
        let slave = TimerId { dev_class: CLASS_SLAVE, ..TimerId::default() };
        assert_eq!(set_timer(&client, queue, slave, 500), Ok(()));
        assert_eq!(client.timer(queue), default);
        assert_eq!((client.tempo(queue).tempo, client.tempo(queue).ppq), (500_000, 96));
        client.start(queue);
        runs(&client, queue);
    }

    /// A new timer on a running queue: it says that it is running, and stands still.
    fn new_timer_freezes_a_running_queue() {
        let client = Client::open();
        let queue = client.create_queue();
        let id = client.timer(queue).id;
        client.start(queue);
        assert_eq!(set_timer(&client, queue, id, 0), Ok(()));
        let tick = client.status(queue).tick;
        std::thread::sleep(Duration::from_millis(30));
        let status = client.status(queue);
        assert_eq!((status.tick, status.running), (tick, 1));
    }

    /// A frozen queue's time, as it is shown, runs on.
    fn frozen_queue_shows_running_time() {
        let client = Client::open();
        let queue = client.create_queue();
        let id = client.timer(queue).id;
        client.start(queue);
        assert_eq!(set_timer(&client, queue, id, 0), Ok(()));
        let time = |client: &Client| {
            let time = client.status(queue).time;
            u64::from(time.tv_sec) * 1_000_000_000 + u64::from(time.tv_nsec)
        };
        let before = time(&client);
        std::thread::sleep(Duration::from_millis(20));
        assert!(time(&client) >= before + 20_000_000);
    }

    /// CONTINUE does not thaw a frozen queue: it counts as running.
    fn continue_does_not_thaw() {
        let client = Client::with_port();
        client.listen_to_timer();
        let queue = client.create_queue();
        let id = client.timer(queue).id;
        client.start(queue);
        assert_eq!(set_timer(&client, queue, id, 0), Ok(()));
        client.discard();
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        assert_eq!(client.echoes(queue), []);
        let tick = client.status(queue).tick;
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(client.status(queue).tick, tick);
    }

    /// STOP and CONTINUE thaw a frozen queue.
    fn stop_and_continue_thaw() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let id = client.timer(queue).id;
        client.start(queue);
        assert_eq!(set_timer(&client, queue, id, 0), Ok(()));
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        runs(&client, queue);
    }

    /// START thaws a frozen queue.
    fn start_thaws() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let id = client.timer(queue).id;
        client.start(queue);
        assert_eq!(set_timer(&client, queue, id, 0), Ok(()));
        client.start(queue);
        runs(&client, queue);
    }

    /// A frozen queue still lets due events out when they are written.
    fn frozen_queue_still_dispatches_on_write() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let id = client.timer(queue).id;
        client.start(queue);
        assert_eq!(set_timer(&client, queue, id, 0), Ok(()));
        client.must_send(&at_tick(note_on(client.port(0), 4), queue, 0));
        assert_eq!(client.notes(), [4]);
    }

    /// A new timer on a stopped queue leaves its position and its events.
    fn new_timer_leaves_a_stopped_queue() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(client.port(0), 4), queue, 10));
        client.must_send(&control(queue, T::SETPOS_TICK, 5, 0));
        assert_eq!(set_timer(&client, queue, global(GLOBAL_SYSTEM), 0), Ok(()));
        let status = client.status(queue);
        assert_eq!((status.tick, status.events), (5, 1));
        client.move_to_tick(queue, 10);
        assert_eq!(client.notes(), [4]);
    }
}
