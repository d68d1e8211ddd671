//! How many queues there are.

use crate::case::cases;
use crate::client::{Client, at_tick, note_on};
use aseqd_abi::Errno;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{QueueInfo, SystemInfo};

/// Returns how many queues can still be made.
fn free(client: &Client) -> i32 {
    let info = client.query(s::SYSTEM_INFO, SystemInfo::default()).expect("SYSTEM_INFO");
    info.queues - info.cur_queues
}

/// Returns clients that have 10,001 events at tick 1,000,000 of a queue, a client with one at tick 3,000,000, and the
/// queue.
fn crowded() -> (Vec<Client>, Client, u8) {
    let owner = Client::with_port();
    let queue = owner.create_queue();
    let users: Vec<Client> = (0..6).map(|_| Client::with_port()).collect();
    let mut left = 10_001;
    for user in &users {
        assert_eq!(user.use_queue(queue, true), Ok(()));
        assert_eq!(user.set_pool(|pool| pool.output_pool = 2000), Ok(()));
        let count = left.min(1990);
        user.write_pending(queue, count);
        left -= count;
    }
    owner.must_send(&at_tick(note_on(owner.port(0), 1), queue, 3_000_000));
    assert_eq!((left, owner.status(queue).events), (0, 10_002));
    (users, owner, queue)
}

cases! {
    /// 32 queues can exist, whoever has them; the next is ENOMEM.
    fn there_are_32_queues() {
        let client = Client::open();
        for _ in 0..free(&client) {
            client.create_queue();
        }
        assert_eq!(client.query(s::CREATE_QUEUE, QueueInfo::default()), Err(Errno::ENOMEM));
        assert_eq!(Client::open().query(s::CREATE_QUEUE, QueueInfo::default()), Err(Errno::ENOMEM));
    }

    /// After a deletion there is room again, at that number.
    fn deletion_makes_room() {
        let client = Client::open();
        let queues: Vec<u8> = (0..free(&client)).map(|_| client.create_queue()).collect();
        let middle = queues[queues.len() / 2];
        assert_eq!(client.delete_queue(middle), Ok(()));
        assert_eq!(client.create_queue(), middle);
    }

    /// Queues get the lowest free number.
    fn lowest_free_number_is_given() {
        let client = Client::open();
        let queues: Vec<u8> = (0..4).map(|_| client.create_queue()).collect();
        for queue in [queues[2], queues[0]] {
            assert_eq!(client.delete_queue(queue), Ok(()));
        }
        assert_eq!((client.create_queue(), client.create_queue()), (queues[0], queues[2]));
    }

    /// All queues can run at once.
    fn all_queues_can_run() {
        let client = Client::open();
        let queues: Vec<u8> = (0..free(&client)).map(|_| client.create_queue()).collect();
        for queue in &queues {
            client.start(*queue);
        }
        assert!(queues.iter().all(|queue| client.status(*queue).running == 1));
    }

    /// An event between 10,000 others of its queue and the last one is accepted.
    since "6.12.117" fn event_behind_ten_thousand_others_is_accepted() {
        let (_users, client, queue) = crowded();
        let note = note_on(client.port(0), 1);
        assert_eq!(client.send(&at_tick(note, queue, 2_000_000)), Ok(EVENT_SIZE));
    }

    /// An event between 10,000 others of its queue and the last one is EINVAL.
    until "6.12" fn event_behind_ten_thousand_others_is_einval() {
        let (_users, client, queue) = crowded();
        let note = note_on(client.port(0), 1);
        assert_eq!(client.send(&at_tick(note, queue, 2_000_000)), Err(Errno::EINVAL));
    }

    /// An event before or after all others of its queue is accepted, however many they are.
    fn event_before_or_after_ten_thousand_others_is_accepted() {
        let (_users, client, queue) = crowded();
        let note = note_on(client.port(0), 1);
        for tick in [10, 4_000_000] {
            assert_eq!(client.send(&at_tick(note, queue, tick)), Ok(EVENT_SIZE), "{tick}");
        }
    }

    /// SYSTEM_INFO counts the queues.
    fn system_info_counts_queues() {
        let client = Client::open();
        let before = free(&client);
        let queue = client.create_queue();
        assert_eq!(free(&client), before - 1);
        assert_eq!(client.delete_queue(queue), Ok(()));
        assert_eq!(free(&client), before);
    }

    /// A new queue is named after its number, if it has no name.
    fn queue_is_named_after_its_number() {
        let client = Client::open();
        let queue = client.create_queue();
        let info = client.queue_info(queue.into()).unwrap();
        assert_eq!(crate::client::text(&info.name), format!("Queue-{queue}"));
    }

    /// Numbers beyond the last queue are EINVAL.
    fn numbers_beyond_the_last_are_einval() {
        let client = Client::open();
        for queue in [-1, 32, 253, 255, 1000, i32::MAX, i32::MIN] {
            assert_eq!(client.queue_info(queue), Err(Errno::EINVAL), "queue {queue}");
        }
    }
}
