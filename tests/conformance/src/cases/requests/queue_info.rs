//! `CREATE_QUEUE`, `DELETE_QUEUE`, `GET_QUEUE_INFO`, `SET_QUEUE_INFO`, `GET_NAMED_QUEUE`.

use crate::case::cases;
use crate::client::{Client, Mode, name, patterned, text};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{QueueInfo, SystemInfo};

fn set(client: &Client, queue: u8, change: impl FnOnce(&mut QueueInfo)) -> Result<(), Errno> {
    let mut info = client.queue_info(queue.into()).unwrap();
    change(&mut info);
    client.query(s::SET_QUEUE_INFO, info).map(drop)
}

fn take(client: &Client, queue: u8) -> Result<(), Errno> {
    set(client, queue, |info| info.owner = client.id.into())
}

fn named(client: &Client, called: &str) -> Result<QueueInfo, Errno> {
    client.query(s::GET_NAMED_QUEUE, QueueInfo { name: name(called), ..QueueInfo::default() })
}

cases! {
    /// A new queue has the lowest number that is free.
    fn create_takes_the_lowest_free_number() {
        let client = Client::open();
        let queue = client.create_queue();
        assert!((0..queue).all(|below| client.queue_info(below.into()).is_ok()));
    }

    /// A queue belongs to its creator and is called Queue-N.
    fn create_without_name_names_it_after_its_number() {
        let client = Client::open();
        let queue = client.create_queue();
        let info = client.queue_info(queue.into()).unwrap();
        assert_eq!((info.owner, info.locked), (client.id.into(), 0));
        assert_eq!(text(&info.name), format!("Queue-{queue}"));
    }

    /// Only the lowest bit of `locked` locks.
    fn create_locks_by_the_lowest_bit() {
        let client = Client::open();
        for (locked, kept) in [(0xfe, 0), (0xff, 1), (1, 1), (2, 0)] {
            let info = QueueInfo { locked, ..QueueInfo::default() };
            let queue = client.query(s::CREATE_QUEUE, info).unwrap().queue;
            assert_eq!(client.queue_info(queue).unwrap().locked & 1, kept);
        }
    }

    /// CREATE_QUEUE returns number, owner and name, and leaves the flags as they were passed in.
    fn create_leaves_the_flags() {
        let client = Client::open();
        let info = QueueInfo { name: [0; 64], locked: 1, ..patterned() };
        let info = client.query(s::CREATE_QUEUE, info).unwrap();
        assert_eq!((info.flags, info.owner), (0xa5a5_a5a5, client.id.into()));
        assert_eq!(text(&info.name), format!("Queue-{}", info.queue));
    }

    /// A name that is given is the queue's, cut to 63 bytes.
    fn create_cuts_a_name_to_63_bytes() {
        let client = Client::open();
        let info = QueueInfo { name: [b'q'; 64], ..QueueInfo::default() };
        let queue = client.query(s::CREATE_QUEUE, info).unwrap().queue;
        assert_eq!(text(&client.queue_info(queue).unwrap().name), "q".repeat(63));
    }

    /// When 32 queues exist one more is ENOMEM.
    fn create_of_queue_33_is_enomem() {
        let client = Client::open();
        let count = |client: &Client| {
            client.query(s::SYSTEM_INFO, SystemInfo::default()).unwrap().cur_queues
        };
        while count(&client) < 32 {
            client.create_queue();
        }
        let answer = client.query(s::CREATE_QUEUE, QueueInfo::default());
        assert_eq!(answer, Err(Errno::ENOMEM));
    }

    /// Queues can be made in every access mode.
    fn create_works_in_every_access_mode() {
        for mode in [Mode::Read, Mode::Write, Mode::ReadWrite] {
            let client = Client::open_as(mode);
            let queue = client.create_queue();
            assert_eq!(client.delete_queue(queue), Ok(()));
        }
    }

    /// DELETE_QUEUE of no queue is EINVAL.
    fn delete_of_a_missing_queue_is_einval() {
        let client = Client::open();
        let queue = client.create_queue();
        client.delete_queue(queue).unwrap();
        for wrong in [i32::from(queue), -1, 32, 255, i32::MAX, i32::MIN] {
            let info = QueueInfo { queue: wrong, ..QueueInfo::default() };
            assert_eq!(client.query(s::DELETE_QUEUE, info), Err(Errno::EINVAL));
        }
    }

    /// DELETE_QUEUE of somebody else's queue is EINVAL, locked or not.
    fn delete_of_another_clients_queue_is_einval() {
        let (client, other) = (Client::open(), Client::open());
        for queue in [client.create_queue(), client.create_locked_queue()] {
            other.use_queue(queue, true).unwrap();
            assert_eq!(other.delete_queue(queue), Err(Errno::EINVAL));
            assert!(client.queue_info(queue.into()).is_ok());
        }
    }

    /// Queues go with their owner.
    fn queues_go_with_their_owner() {
        let (client, owner) = (Client::open(), Client::open());
        let queue = owner.create_queue();
        client.use_queue(queue, true).unwrap();
        drop(owner);
        crate::client::wait_until("the queue is gone", || {
            client.queue_info(queue.into()) == Err(Errno::EINVAL)
        });
    }

    /// GET_QUEUE_INFO of no queue is EINVAL.
    fn get_of_a_missing_queue_is_einval() {
        let client = Client::open();
        for wrong in [-1, 32, 253, 255, 256, i32::MAX, i32::MIN] {
            assert_eq!(client.queue_info(wrong), Err(Errno::EINVAL));
        }
    }

    /// GET_QUEUE_INFO zeroes what it does not fill, flags too.
    fn get_zeroes_the_rest() {
        let client = Client::open();
        let queue = client.create_queue().into();
        let info = client.query(s::GET_QUEUE_INFO, QueueInfo { queue, ..patterned() }).unwrap();
        assert_eq!((info.flags, info.reserved, info.pad), (0, [0; 60], [0; 3]));
    }

    /// A name ends at its first zero byte: what stands behind it is not kept.
    fn set_takes_the_name_up_to_its_end() {
        let client = Client::open();
        let queue = client.create_queue();
        set(&client, queue, |info| {
            info.name = name("ab");
            info.name[10] = b'x';
        })
        .unwrap();
        assert_eq!(client.queue_info(queue.into()).unwrap().name, name("ab"));
    }

    /// The owner renames and locks its queue.
    fn set_changes_name_and_lock() {
        let client = Client::open();
        let queue = client.create_queue();
        set(&client, queue, |info| (info.name, info.locked) = (name("set"), 1)).unwrap();
        let info = client.queue_info(queue.into()).unwrap();
        assert_eq!((text(&info.name), info.locked), ("set".into(), 1));
    }

    /// An empty name erases the queue's name.
    fn set_with_an_empty_name_erases_the_name() {
        let client = Client::open();
        let queue = client.create_queue();
        set(&client, queue, |info| info.name = [0; 64]).unwrap();
        assert_eq!(text(&client.queue_info(queue.into()).unwrap().name), "");
    }

    /// SET_QUEUE_INFO with another owner than the caller is EINVAL.
    fn set_for_another_owner_is_einval() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_queue();
        for owner in [i32::from(other.id), 0, -1, 250] {
            assert_eq!(set(&client, queue, |info| info.owner = owner), Err(Errno::EINVAL));
        }
    }

    /// SET_QUEUE_INFO of no queue is EPERM.
    fn set_of_a_missing_queue_is_eperm() {
        let client = Client::open();
        for queue in [-1, 32, 255, i32::MAX] {
            let info = QueueInfo { queue, owner: client.id.into(), ..QueueInfo::default() };
            assert_eq!(client.query(s::SET_QUEUE_INFO, info), Err(Errno::EPERM));
        }
    }

    /// Anybody can take over a queue that is not locked.
    fn set_takes_over_an_unlocked_queue() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_queue();
        assert_eq!(take(&other, queue), Ok(()));
        assert_eq!(client.queue_info(queue.into()).unwrap().owner, i32::from(other.id));
        assert_eq!(client.delete_queue(queue), Err(Errno::EINVAL));
        assert_eq!(other.delete_queue(queue), Ok(()));
    }

    /// A locked queue cannot be taken over.
    fn set_of_a_locked_queue_is_eperm() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_locked_queue();
        assert_eq!(take(&other, queue), Err(Errno::EPERM));
        assert_eq!(client.queue_info(queue.into()).unwrap().owner, i32::from(client.id));
    }

    /// A client that takes over and locks a queue becomes a user of it; one that only takes over does not.
    fn set_with_the_lock_makes_a_user() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_queue();
        take(&other, queue).unwrap();
        assert!(!other.uses_queue(queue));
        set(&other, queue, |info| info.locked = 1).unwrap();
        assert!(other.uses_queue(queue));
    }

    /// GET_NAMED_QUEUE finds a queue by its name and tells number, owner and lock.
    fn named_finds_the_queue() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_locked_queue();
        let called = format!("conformance-{}", std::process::id());
        set(&client, queue, |info| info.name = name(&called)).unwrap();
        let info = named(&other, &called).unwrap();
        assert_eq!((info.queue, info.owner), (queue.into(), client.id.into()));
        assert_eq!(info.locked & 1, 1);
    }

    /// GET_NAMED_QUEUE of several queues with one name finds the lowest number.
    fn named_finds_the_lowest() {
        let client = Client::open();
        let called = format!("conformance-{}", std::process::id());
        let queues = [client.create_queue(), client.create_queue()];
        for queue in queues.iter().rev() {
            set(&client, *queue, |info| info.name = name(&called)).unwrap();
        }
        assert_eq!(named(&client, &called).unwrap().queue, i32::from(queues[0]));
    }

    /// GET_NAMED_QUEUE of a name that no queue has is EINVAL.
    fn named_without_queue_is_einval() {
        let client = Client::open();
        client.create_queue();
        assert_eq!(named(&client, "conformance: no such queue"), Err(Errno::EINVAL));
    }

    /// GET_NAMED_QUEUE leaves name and flags as they were passed in.
    fn named_leaves_the_rest() {
        let client = Client::open();
        let queue = client.create_queue();
        let called = name(&format!("Queue-{queue}"));
        let asked = QueueInfo { name: called, ..patterned() };
        let info = client.query(s::GET_NAMED_QUEUE, asked).unwrap();
        assert_eq!((info.name, info.flags, info.reserved), (called, 0xa5a5_a5a5, [0xa5; 60]));
    }
}
