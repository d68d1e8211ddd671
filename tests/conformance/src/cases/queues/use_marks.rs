//! Who uses a queue, and what the first and the last user mean for its timer.

use crate::case::cases;
use crate::client::{Client, at_tick, control, note_on, wait_until};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{QueueClient, QueueInfo};
use aseqd_abi::{Errno, EventType as T};

/// Sets a tempo, a resolution and a skew that are no defaults.
fn change(client: &Client, queue: u8) {
    assert_eq!(client.set_tempo(queue, 400_000, 48), Ok(()));
    client.must_send(&control(queue, T::QUEUE_SKEW, 0x8000, 0x10000));
}

/// Tempo, resolution and skew of a queue.
fn settings(client: &Client, queue: u8) -> (u32, i32, u32) {
    let tempo = client.tempo(queue);
    (tempo.tempo, tempo.ppq, tempo.skew_value)
}

const DEFAULTS: (u32, i32, u32) = (500_000, 96, 0x10000);
const CHANGED: (u32, i32, u32) = (400_000, 48, 0x8000);

cases! {
    /// The maker of a queue is its user.
    fn maker_is_a_user() {
        let client = Client::open();
        let queue = client.create_queue();
        assert!(client.uses_queue(queue));
    }

    /// Other clients are not.
    fn others_are_no_users() {
        let (maker, other) = (Client::open(), Client::open());
        let queue = maker.create_queue();
        assert!(!other.uses_queue(queue));
        assert_eq!(other.use_queue(queue, true), Ok(()));
        assert!(other.uses_queue(queue));
    }

    /// Without the mark, events cannot be written into a queue: EINVAL.
    fn events_need_the_mark() {
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!(client.use_queue(queue, false), Ok(()));
        let event = at_tick(note_on(client.port(0), 1), queue, 0);
        assert_eq!(client.send(&event), Err(Errno::EINVAL));
        assert_eq!(client.use_queue(queue, true), Ok(()));
        assert_eq!(client.send(&event), Ok(EVENT_SIZE));
    }

    /// Clearing the mark leaves what is in the queue, and it goes out at its time.
    fn clearing_the_mark_leaves_events() {
        let (other, maker) = (Client::with_port(), Client::open());
        let queue = maker.create_queue();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        other.must_send(&at_tick(note_on(other.port(0), 1), queue, 10));
        assert_eq!(other.use_queue(queue, false), Ok(()));
        assert_eq!(maker.status(queue).events, 1);
        maker.move_to_tick(queue, 10);
        assert_eq!(other.notes(), [1]);
    }

    /// Marking twice and clearing once leaves no mark: it is not counted.
    fn mark_is_not_counted() {
        let (maker, other) = (Client::open(), Client::open());
        let queue = maker.create_queue();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        assert_eq!(other.use_queue(queue, true), Ok(()));
        assert_eq!(other.use_queue(queue, false), Ok(()));
        assert!(!other.uses_queue(queue));
    }

    /// A negative value changes nothing.
    fn negative_use_changes_nothing() {
        let client = Client::open();
        let queue = client.create_queue();
        for used in [true, false] {
            assert_eq!(client.use_queue(queue, used), Ok(()));
            let ask = QueueClient { queue: queue.into(), used: -1, ..QueueClient::default() };
            assert!(client.query(s::SET_QUEUE_CLIENT, ask).is_ok());
            assert_eq!(client.uses_queue(queue), used);
        }
    }

    /// When the only user marks again, tempo, resolution and skew are the defaults again.
    fn sole_users_mark_resets_the_tempo() {
        let client = Client::open();
        let queue = client.create_queue();
        change(&client, queue);
        assert_eq!(settings(&client, queue), CHANGED);
        assert_eq!(client.use_queue(queue, true), Ok(()));
        assert_eq!(settings(&client, queue), DEFAULTS);
    }

    /// When the only user marks again, the queue no longer says that it is running.
    fn sole_users_mark_resets_the_running_flag() {
        let client = Client::open();
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.use_queue(queue, true), Ok(()));
        assert_eq!(client.status(queue).running, 0);
    }

    /// When the only user marks again, the position stays.
    fn sole_users_mark_leaves_the_position() {
        let client = Client::open();
        let queue = client.create_queue();
        client.must_send(&control(queue, T::SETPOS_TICK, 55, 0));
        client.must_send(&control(queue, T::SETPOS_TIME, 5, 6));
        assert_eq!(client.use_queue(queue, true), Ok(()));
        let status = client.status(queue);
        assert_eq!((status.tick, status.time.tv_sec, status.time.tv_nsec), (55, 5, 6));
    }

    /// When the only user marks again, the timer is the default one again, shown with slave class
    /// 0.
    fn sole_users_mark_resets_the_timer() {
        let client = Client::open();
        let queue = client.create_queue();
        let default = client.timer(queue);
        let mut timer = default;
        timer.id.device = 0;
        timer.resolution = 500;
        assert!(client.query(s::SET_QUEUE_TIMER, timer).is_ok());
        assert_eq!(client.timer(queue).resolution, 500);
        assert_eq!(client.use_queue(queue, true), Ok(()));
        let mut expected = default;
        expected.id.dev_sclass = 0;
        assert_eq!(client.timer(queue), expected);
    }

    /// When the only user locks the queue by SET_QUEUE_INFO, the tempo is the default again.
    fn sole_users_lock_resets_the_tempo() {
        let client = Client::open();
        let queue = client.create_queue();
        change(&client, queue);
        let info = QueueInfo {
            queue: queue.into(),
            owner: client.id.into(),
            locked: 1,
            ..QueueInfo::default()
        };
        assert!(client.query(s::SET_QUEUE_INFO, info).is_ok());
        assert_eq!(settings(&client, queue), DEFAULTS);
    }

    /// When the only user unlocks it, nothing is reset.
    fn sole_users_unlock_resets_nothing() {
        let client = Client::open();
        let queue = client.create_locked_queue();
        change(&client, queue);
        let info =
            QueueInfo { queue: queue.into(), owner: client.id.into(), ..QueueInfo::default() };
        assert!(client.query(s::SET_QUEUE_INFO, info).is_ok());
        assert_eq!(settings(&client, queue), CHANGED);
    }

    /// A second user's mark resets nothing.
    fn second_users_mark_resets_nothing() {
        let (maker, other) = (Client::open(), Client::open());
        let queue = maker.create_queue();
        change(&maker, queue);
        assert_eq!(other.use_queue(queue, true), Ok(()));
        assert_eq!(maker.use_queue(queue, true), Ok(()));
        assert_eq!(settings(&maker, queue), CHANGED);
    }

    /// The first user after a time without users resets the tempo.
    fn first_user_resets_the_tempo() {
        let (maker, other) = (Client::open(), Client::open());
        let queue = maker.create_queue();
        assert_eq!(maker.use_queue(queue, false), Ok(()));
        change(&maker, queue);
        assert_eq!(other.use_queue(queue, true), Ok(()));
        assert_eq!(settings(&maker, queue), DEFAULTS);
    }

    /// Clearing a mark resets nothing.
    fn clearing_a_mark_resets_nothing() {
        let client = Client::open();
        let queue = client.create_queue();
        change(&client, queue);
        assert_eq!(client.use_queue(queue, false), Ok(()));
        assert_eq!(settings(&client, queue), CHANGED);
    }

    /// While another uses it, a queue runs on without its owner's mark.
    fn queue_runs_while_anybody_uses_it() {
        let (maker, other) = (Client::open(), Client::with_port());
        let queue = maker.create_queue();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        maker.start(queue);
        assert_eq!(maker.use_queue(queue, false), Ok(()));
        other.must_send(&at_tick(note_on(other.port(0), 1), queue, 3));
        other.wait_event();
    }

    /// When the last user is closed, the timer is closed: START does nothing.
    fn last_users_end_closes_the_timer() {
        let (maker, other) = (Client::open(), Client::open());
        let (queue, id) = (maker.create_queue(), other.id);
        assert_eq!(other.use_queue(queue, true), Ok(()));
        assert_eq!(maker.use_queue(queue, false), Ok(()));
        drop(other);
        wait_until("the user is gone", || maker.client_info(id.into()) == Err(Errno::ENOENT));
        assert_eq!(maker.control(queue, T::START, 0), Ok(EVENT_SIZE));
        assert_eq!(maker.status(queue).running, 0);
    }

    /// A mark opens the timer again: START works.
    fn mark_opens_the_timer_again() {
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!(client.use_queue(queue, false), Ok(()));
        assert_eq!(client.use_queue(queue, true), Ok(()));
        client.start(queue);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 2));
        client.wait_event();
    }

    /// A mark on a queue that does not exist is EINVAL.
    fn mark_on_a_missing_queue_is_einval() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(client.delete_queue(queue), Ok(()));
        assert_eq!(client.use_queue(queue, true), Err(Errno::EINVAL));
        assert_eq!(client.use_queue(queue, false), Err(Errno::EINVAL));
    }

    /// The marks of a deleted queue do not count for the next queue with its number.
    fn marks_do_not_outlive_the_queue() {
        let (maker, other) = (Client::open(), Client::open());
        let queue = maker.create_queue();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        assert_eq!(maker.delete_queue(queue), Ok(()));
        assert_eq!(maker.create_queue(), queue);
        assert!(!other.uses_queue(queue));
    }
}
