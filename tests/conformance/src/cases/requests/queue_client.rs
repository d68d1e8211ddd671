//! `GET_QUEUE_CLIENT` and `SET_QUEUE_CLIENT`: the use marks.

use crate::case::cases;
use crate::client::{Client, at_tick, note_on, patterned};
use aseqd_abi::Errno;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::QueueClient;

fn ask(queue: i32) -> QueueClient {
    QueueClient { queue, ..patterned() }
}

cases! {
    /// The creator of a queue is a user of it, others are not.
    fn the_creator_is_a_user() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_queue();
        assert!(client.uses_queue(queue));
        assert!(!other.uses_queue(queue));
    }

    /// GET_QUEUE_CLIENT answers about the caller, whatever client is passed in.
    fn get_answers_about_the_caller() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_queue();
        let asked = QueueClient { client: client.id.into(), ..ask(queue.into()) };
        let info = other.query(s::GET_QUEUE_CLIENT, asked).unwrap();
        assert_eq!((info.client, info.used), (other.id.into(), 0));
    }

    /// GET_QUEUE_CLIENT leaves the reserved bytes as they were passed in.
    fn get_leaves_the_reserved_bytes() {
        let client = Client::open();
        let queue = client.create_queue();
        let info = client.query(s::GET_QUEUE_CLIENT, ask(queue.into())).unwrap();
        assert_eq!((info.reserved, info.queue), ([0xa5; 64], queue.into()));
    }

    /// GET_QUEUE_CLIENT of no queue is EINVAL.
    fn get_of_a_missing_queue_is_einval() {
        let client = Client::open();
        for queue in [-1, 32, 255, i32::MAX, i32::MIN] {
            assert_eq!(client.query(s::GET_QUEUE_CLIENT, ask(queue)), Err(Errno::EINVAL));
        }
    }

    /// SET_QUEUE_CLIENT of no queue is EINVAL.
    fn set_of_a_missing_queue_is_einval() {
        let client = Client::open();
        for (queue, used) in [(-1, 1), (32, 1), (255, 0), (i32::MAX, 0)] {
            let info = QueueClient { used, ..ask(queue) };
            assert_eq!(client.query(s::SET_QUEUE_CLIENT, info), Err(Errno::EINVAL));
        }
    }

    /// A mark is set and cleared by its own client.
    fn set_and_clear() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_queue();
        for used in [true, true, false, false, true] {
            other.use_queue(queue, used).unwrap();
            assert_eq!(other.uses_queue(queue), used);
        }
        assert!(client.uses_queue(queue));
    }

    /// Any positive number sets the mark, a negative one changes nothing.
    fn set_of_a_negative_number_changes_nothing() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_queue();
        for (used, after) in [(-1, false), (7, true), (-7, true), (0, false), (i32::MIN, false)] {
            let info = QueueClient { used, ..ask(queue.into()) };
            other.query(s::SET_QUEUE_CLIENT, info).unwrap();
            assert_eq!(other.uses_queue(queue), after);
        }
    }

    /// A client that is no user of a queue cannot queue events there.
    fn events_need_the_mark() {
        let (client, other) = (Client::open(), Client::with_port());
        let queue = client.create_queue();
        let event = at_tick(note_on(other.port(0), 1), queue, 9);
        assert_eq!(other.send(&event), Err(Errno::EINVAL));
        other.use_queue(queue, true).unwrap();
        assert_eq!(other.send(&event), Ok(EVENT_SIZE));
        other.use_queue(queue, false).unwrap();
        assert_eq!(other.send(&event), Err(Errno::EINVAL));
        // Linux waits for the event in the close of a client that left its queue.
        client.delete_queue(queue).unwrap();
    }

    /// A locked queue may be used by others.
    fn a_locked_queue_may_be_used() {
        let (client, other) = (Client::open(), Client::with_port());
        let queue = client.create_locked_queue();
        other.use_queue(queue, true).unwrap();
        let event = at_tick(note_on(other.port(0), 1), queue, 9);
        assert_eq!(other.send(&event), Ok(EVENT_SIZE));
    }

    /// When the sole user marks itself again, tempo and resolution go back to the defaults.
    fn the_sole_user_marking_again_resets_the_tempo() {
        let client = Client::open();
        let queue = client.create_queue();
        client.set_tempo(queue, 300_000, 480).unwrap();
        client.use_queue(queue, true).unwrap();
        let tempo = client.tempo(queue);
        assert_eq!((tempo.tempo, tempo.ppq), (500_000, 96));
    }

    /// When the owner alone locks its queue with SET_QUEUE_INFO, the tempo goes back to the
    /// default.
    fn the_sole_user_locking_resets_the_tempo() {
        let client = Client::open();
        let queue = client.create_queue();
        client.set_tempo(queue, 300_000, 480).unwrap();
        let mut info = client.queue_info(queue.into()).unwrap();
        info.locked = 1;
        client.query(s::SET_QUEUE_INFO, info).unwrap();
        let tempo = client.tempo(queue);
        assert_eq!((tempo.tempo, tempo.ppq), (500_000, 96));
    }

    /// With a second user nothing is reset.
    fn a_second_user_resets_nothing() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_queue();
        client.set_tempo(queue, 300_000, 480).unwrap();
        other.use_queue(queue, true).unwrap();
        client.use_queue(queue, true).unwrap();
        assert_eq!((client.tempo(queue).tempo, client.tempo(queue).ppq), (300_000, 480));
    }
}
