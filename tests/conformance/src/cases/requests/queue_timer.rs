//! `GET_QUEUE_TIMER`, `SET_QUEUE_TIMER` and the fields of `GET_QUEUE_STATUS`.

use crate::case::cases;
use crate::client::{Client, at_tick, at_time, note_on, patterned, variable};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{QueueStatus, QueueTimer};
use aseqd_abi::timer::{
    CLASS_GLOBAL, CLASS_PCM, CLASS_SLAVE, GLOBAL_HRTIMER, GLOBAL_SYSTEM, SCLASS_SEQUENCER,
};
use aseqd_abi::{Errno, EventType};
use std::time::Duration;

fn set(client: &Client, timer: QueueTimer) -> Result<(), Errno> {
    client.query(s::SET_QUEUE_TIMER, timer).map(drop)
}

cases! {
    /// A new queue has a global timer of the sequencer's, no card, and no wish of a resolution.
    fn default_timer() {
        let client = Client::open();
        let timer = client.timer(client.create_queue());
        assert_eq!((timer.timer_type, timer.resolution), (0, 0));
        let id = timer.id;
        assert_eq!((id.dev_class, id.dev_sclass), (CLASS_GLOBAL, SCLASS_SEQUENCER));
        assert_eq!((id.card, id.subdevice), (-1, 0));
        assert!([GLOBAL_SYSTEM, GLOBAL_HRTIMER].contains(&id.device));
    }

    /// GET_QUEUE_TIMER zeroes what it does not fill.
    fn get_zeroes_the_rest() {
        let client = Client::open();
        let queue = client.create_queue().into();
        let timer = client.query(s::GET_QUEUE_TIMER, QueueTimer { queue, ..patterned() }).unwrap();
        assert_eq!((timer.queue, timer.reserved), (queue, [0; 64]));
    }

    /// GET_QUEUE_TIMER of no queue is EINVAL.
    fn get_of_a_missing_queue_is_einval() {
        let client = Client::open();
        for queue in [-1, 32, 255, i32::MAX] {
            let answer = client.query(s::GET_QUEUE_TIMER, QueueTimer { queue, ..patterned() });
            assert_eq!(answer, Err(Errno::EINVAL));
        }
    }

    /// The resolution comes back as it was set, whatever it is.
    fn set_of_a_resolution_comes_back() {
        let client = Client::open();
        let queue = client.create_queue();
        for resolution in [1, 1000, 6250, u32::MAX, 0] {
            set(&client, QueueTimer { resolution, ..client.timer(queue) }).unwrap();
            assert_eq!(client.timer(queue).resolution, resolution);
        }
    }

    /// A type of external synchronisation is EINVAL, before the queue is looked for.
    fn set_of_an_external_type_is_einval() {
        let client = Client::open();
        let queue = client.create_queue();
        for timer_type in [1, 2, 3, -1] {
            let answer = set(&client, QueueTimer { timer_type, ..client.timer(queue) });
            assert_eq!(answer, Err(Errno::EINVAL));
            let nowhere = QueueTimer { timer_type, queue: 99, ..QueueTimer::default() };
            assert_eq!(set(&client, nowhere), Err(Errno::EINVAL));
        }
    }

    /// SET_QUEUE_TIMER of no queue is EPERM.
    fn set_of_a_missing_queue_is_eperm() {
        let client = Client::open();
        let timer = client.timer(client.create_queue());
        for queue in [-1, 32, 255] {
            assert_eq!(set(&client, QueueTimer { queue, ..timer }), Err(Errno::EPERM));
        }
    }

    /// SET_QUEUE_TIMER of a queue that somebody else locked is EPERM.
    fn set_of_a_locked_queue_is_eperm() {
        let (client, other) = (Client::open(), Client::open());
        let (locked, open) = (client.create_locked_queue(), client.create_queue());
        assert_eq!(set(&other, client.timer(locked)), Err(Errno::EPERM));
        assert_eq!(set(&other, client.timer(open)), Ok(()));
    }

    /// The system timer can be chosen.
    fn set_of_the_system_timer() {
        let client = Client::open();
        let queue = client.create_queue();
        let mut timer = client.timer(queue);
        timer.id.device = GLOBAL_SYSTEM;
        set(&client, timer).unwrap();
        assert_eq!(client.timer(queue), timer);
    }

    /// Whatever sub-class is asked for becomes the sequencer's.
    fn set_forces_the_sub_class() {
        let client = Client::open();
        let queue = client.create_queue();
        for dev_sclass in [0, 1, 3, -1] {
            let mut timer = client.timer(queue);
            timer.id.dev_sclass = dev_sclass;
            set(&client, timer).unwrap();
            assert_eq!(client.timer(queue).id.dev_sclass, SCLASS_SEQUENCER);
        }
    }

    /// A timer that does not exist is taken, and reported as it was asked for.
    fn set_of_a_missing_timer_succeeds() {
        let client = Client::open();
        let queue = client.create_queue();
        let mut timer = client.timer(queue);
        (timer.id.dev_class, timer.id.card, timer.id.device) = (CLASS_PCM, 31, 7);
        set(&client, timer).unwrap();
        assert_eq!(client.timer(queue).id, timer.id);
    }

    /// A slave of a timer that does not exist succeeds too, and restores the defaults.
    fn set_of_a_missing_slave_restores_the_defaults() {
        let client = Client::open();
        let queue = client.create_queue();
        client.set_tempo(queue, 300_000, 480).unwrap();
        let before = client.timer(queue);
        let mut timer = before;
        timer.id.dev_class = CLASS_SLAVE;
        timer.id.dev_sclass = 0;
        timer.resolution = 777;
        set(&client, timer).unwrap();
        assert_eq!((client.timer(queue), client.tempo(queue).tempo), (before, 500_000));
    }

    /// The status of a queue that never ran is zero.
    fn status_of_a_new_queue_is_zero() {
        let client = Client::open();
        let queue = client.create_queue().into();
        let status = client.query(s::GET_QUEUE_STATUS, QueueStatus { queue, ..patterned() });
        assert_eq!(status, Ok(QueueStatus { queue, ..QueueStatus::default() }));
    }

    /// GET_QUEUE_STATUS of no queue is EINVAL.
    fn status_of_a_missing_queue_is_einval() {
        let client = Client::open();
        for queue in [-1, 32, 255, i32::MIN] {
            let answer = client.query(s::GET_QUEUE_STATUS, QueueStatus { queue, ..patterned() });
            assert_eq!(answer, Err(Errno::EINVAL));
        }
    }

    /// The status counts the events of both kinds of time, of all clients; a variable one counts
    /// once.
    fn status_counts_events() {
        let (client, other) = (Client::with_port(), Client::with_port());
        let queue = client.create_queue();
        other.use_queue(queue, true).unwrap();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 100));
        client.must_send(&at_time(note_on(client.port(0), 2), queue, Duration::from_secs(9)));
        other.must_send(&at_tick(note_on(client.port(0), 3), queue, 200));
        let event = at_tick(variable(EventType::SYSEX, client.port(0), 200), queue, 7);
        client.send_variable(&event, &[1; 200]).unwrap();
        assert_eq!(client.status(queue).events, 4);
    }

    /// The status says whether the queue runs.
    fn status_tells_running() {
        let client = Client::open();
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.status(queue).running, 1);
        client.control(queue, EventType::STOP, 0).unwrap();
        assert_eq!(client.status(queue).running, 0);
    }

    /// Anybody may look at a locked queue.
    fn status_of_a_locked_queue() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_locked_queue();
        assert_eq!(other.status(queue).queue, i32::from(queue));
        assert_eq!(other.tempo(queue).tempo, 500_000);
        assert_eq!(other.timer(queue), client.timer(queue));
    }
}
