//! Owners and locks of queues.

use crate::case::cases;
use crate::client::{Client, at_tick, name, note_on, text, wait_until};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::QueueInfo;
use aseqd_abi::{Errno, EventType as T};

/// SET_QUEUE_INFO with the caller as owner.
fn take(client: &Client, queue: u8, locked: bool) -> Result<(), Errno> {
    let info = QueueInfo {
        queue: queue.into(),
        owner: client.id.into(),
        locked: locked.into(),
        name: name("taken"),
        ..QueueInfo::default()
    };
    client.query(s::SET_QUEUE_INFO, info).map(drop)
}

/// Owner and lock of a queue.
fn owner(client: &Client, queue: u8) -> (i32, u8) {
    let info = client.queue_info(queue.into()).unwrap();
    (info.owner, info.locked & 1)
}

cases! {
    /// A queue belongs to the client that made it, locked or not as it said.
    fn maker_is_the_owner() {
        let client = Client::open();
        let (open, locked) = (client.create_queue(), client.create_locked_queue());
        assert_eq!(owner(&client, open), (client.id.into(), 0));
        assert_eq!(owner(&client, locked), (client.id.into(), 1));
    }

    /// An unlocked queue can be taken over by anybody, with lock and name.
    fn unlocked_queue_can_be_taken_over() {
        let (maker, taker) = (Client::open(), Client::open());
        let queue = maker.create_queue();
        assert_eq!(take(&taker, queue, true), Ok(()));
        assert_eq!(owner(&maker, queue), (taker.id.into(), 1));
        assert_eq!(text(&maker.queue_info(queue.into()).unwrap().name), "taken");
    }

    /// A locked queue cannot be taken over: EPERM.
    fn locked_queue_cannot_be_taken_over() {
        let (maker, taker) = (Client::open(), Client::open());
        let queue = maker.create_locked_queue();
        assert_eq!(take(&taker, queue, false), Err(Errno::EPERM));
        assert_eq!(owner(&maker, queue), (maker.id.into(), 1));
    }

    /// Nobody can be given a queue: another owner than the caller is EINVAL.
    fn queue_cannot_be_given_away() {
        let (maker, other) = (Client::open(), Client::open());
        let queue = maker.create_queue();
        let info =
            QueueInfo { queue: queue.into(), owner: other.id.into(), ..QueueInfo::default() };
        assert_eq!(maker.query(s::SET_QUEUE_INFO, info), Err(Errno::EINVAL));
        assert_eq!(owner(&maker, queue).0, i32::from(maker.id));
    }

    /// A queue that does not exist cannot be taken: EPERM.
    fn missing_queue_cannot_be_taken() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(client.delete_queue(queue), Ok(()));
        assert_eq!(take(&client, queue, false), Err(Errno::EPERM));
    }

    /// The former owner of a taken and locked queue may not control it any more.
    fn former_owner_has_no_more_rights() {
        let (maker, taker) = (Client::open(), Client::open());
        let queue = maker.create_queue();
        assert_eq!(take(&taker, queue, true), Ok(()));
        assert_eq!(maker.control(queue, T::START, 0), Err(Errno::EPERM));
        assert_eq!(maker.delete_queue(queue), Err(Errno::EINVAL));
        taker.start(queue);
        assert_eq!(taker.delete_queue(queue), Ok(()));
    }

    /// Unlocking lets others in, locking shuts them out.
    fn lock_can_be_switched() {
        let (maker, other) = (Client::open(), Client::open());
        let queue = maker.create_locked_queue();
        assert_eq!(other.control(queue, T::STOP, 0), Err(Errno::EPERM));
        assert_eq!(take(&maker, queue, false), Ok(()));
        assert_eq!(other.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        assert_eq!(take(&maker, queue, true), Ok(()));
        assert_eq!(other.control(queue, T::STOP, 0), Err(Errno::EPERM));
    }

    /// SET_QUEUE_INFO with an empty name erases the name.
    fn empty_name_erases_the_name() {
        let client = Client::open();
        let queue = client.create_queue();
        let info =
            QueueInfo { queue: queue.into(), owner: client.id.into(), ..QueueInfo::default() };
        assert!(client.query(s::SET_QUEUE_INFO, info).is_ok());
        assert_eq!(client.queue_info(queue.into()).unwrap().name, [0; 64]);
    }

    /// Only bit 0 of the lock byte counts.
    fn only_bit_0_locks() {
        let client = Client::open();
        let info = client
            .query(s::CREATE_QUEUE, QueueInfo { locked: 0xfe, ..QueueInfo::default() })
            .unwrap();
        assert_eq!(client.queue_info(info.queue).unwrap().locked & 1, 0);
    }

    /// Only the owner may delete a queue, unlocked as it may be: EINVAL.
    fn only_the_owner_deletes() {
        let (maker, other) = (Client::open(), Client::open());
        let queue = maker.create_queue();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        assert_eq!(other.delete_queue(queue), Err(Errno::EINVAL));
        assert_eq!(maker.delete_queue(queue), Ok(()));
        assert_eq!(maker.delete_queue(queue), Err(Errno::EINVAL));
    }

    /// A queue dies with its owner.
    fn queue_dies_with_its_owner() {
        let (maker, other) = (Client::open(), Client::open());
        let queue = maker.create_queue();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        drop(maker);
        wait_until("the queue is gone", || other.queue_info(queue.into()) == Err(Errno::EINVAL));
    }

    /// A queue that was taken over outlives its maker, and keeps running.
    fn taken_queue_outlives_its_maker() {
        let (maker, taker) = (Client::open(), Client::with_port());
        let (queue, id) = (maker.create_queue(), maker.id);
        assert_eq!(taker.use_queue(queue, true), Ok(()));
        taker.start(queue);
        assert_eq!(take(&taker, queue, false), Ok(()));
        drop(maker);
        wait_until("the maker is gone", || taker.client_info(id.into()) == Err(Errno::ENOENT));
        assert_eq!(owner(&taker, queue).0, i32::from(taker.id));
        taker.must_send(&at_tick(note_on(taker.port(0), 1), queue, 3));
        taker.wait_event();
    }

    /// Events of others in a locked queue are delivered like the owner's.
    fn locked_queue_takes_events_of_others() {
        let (maker, other) = (Client::open(), Client::with_port());
        let queue = maker.create_locked_queue();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        other.must_send(&at_tick(note_on(other.port(0), 1), queue, 10));
        maker.move_to_tick(queue, 10);
        assert_eq!(other.notes(), [1]);
    }

    /// Taking over without the lock bit does not make the taker a user of the queue.
    fn taking_over_unlocked_makes_no_user() {
        let (maker, taker) = (Client::open(), Client::open());
        let queue = maker.create_queue();
        assert_eq!(take(&taker, queue, false), Ok(()));
        assert!(!taker.uses_queue(queue));
    }

    /// Taking over with the lock bit makes the taker a user of the queue.
    fn taking_over_locked_makes_a_user() {
        let (maker, taker) = (Client::open(), Client::open());
        let queue = maker.create_queue();
        assert_eq!(take(&taker, queue, true), Ok(()));
        assert!(taker.uses_queue(queue));
        assert!(maker.uses_queue(queue));
    }

    /// Two queues may have the same name; the lower number is found by it.
    fn names_need_not_be_unique() {
        let client = Client::open();
        let unusual = name("conformance: twice the same");
        let queues = [client.create_queue(), client.create_queue()];
        for queue in queues {
            let info = QueueInfo {
                queue: queue.into(),
                owner: client.id.into(),
                name: unusual,
                ..QueueInfo::default()
            };
            assert!(client.query(s::SET_QUEUE_INFO, info).is_ok());
        }
        let found =
            client.query(s::GET_NAMED_QUEUE, QueueInfo { name: unusual, ..QueueInfo::default() });
        assert_eq!(found.unwrap().queue, i32::from(queues[0]));
    }
}
