//! `GET_CLIENT_POOL`, `SET_CLIENT_POOL` and the argument of `REMOVE_EVENTS`.

use crate::case::cases;
use crate::client::{Client, Mode, note_on, patterned, with_pending};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{ClientPool, QueueClient, RemoveEvents, RemoveMode};
use aseqd_abi::{Address, Errno};

fn sizes(pool: &ClientPool) -> [i32; 5] {
    [pool.output_pool, pool.output_room, pool.output_free, pool.input_pool, pool.input_free]
}

cases! {
    /// A new client has an output pool of 500 that is not there yet, and an input pool of 200.
    fn default_pools() {
        assert_eq!(sizes(&Client::open().pool()), [500, 0, 0, 200, 200]);
    }

    /// A client that only reads has the same pools.
    fn default_pools_of_a_reader() {
        assert_eq!(sizes(&Client::open_as(Mode::Read).pool()), [500, 0, 0, 200, 200]);
    }

    /// A client that only writes has no input pool.
    fn default_pools_of_a_writer() {
        assert_eq!(sizes(&Client::open_as(Mode::Write).pool()), [500, 0, 0, 0, 0]);
    }

    /// GET_CLIENT_POOL of a client that does not exist is ENOENT.
    fn get_of_a_missing_client_is_enoent() {
        let client = Client::open();
        for number in [-1, 192, 250, i32::MAX] {
            let answer =
                client.query(s::GET_CLIENT_POOL, ClientPool { client: number, ..patterned() });
            assert_eq!(answer, Err(Errno::ENOENT));
        }
    }

    /// GET_CLIENT_POOL answers about anybody.
    fn get_of_another_client() {
        let (client, other) = (Client::open(), Client::open());
        other.set_pool(|pool| (pool.output_pool, pool.input_pool) = (30, 40)).unwrap();
        let asked = ClientPool { client: other.id.into(), ..ClientPool::default() };
        let pool = client.query(s::GET_CLIENT_POOL, asked).unwrap();
        assert_eq!(sizes(&pool), [30, 15, 30, 40, 40]);
    }

    /// GET_CLIENT_POOL zeroes what it does not fill.
    fn get_zeroes_the_rest() {
        let client = Client::open();
        let asked = ClientPool { client: client.id.into(), ..patterned() };
        assert_eq!(client.query(s::GET_CLIENT_POOL, asked).unwrap().reserved, [0; 64]);
    }

    /// The pools of a kernel client have no input side.
    fn get_of_a_kernel_client_has_no_input() {
        let asked = ClientPool { client: 14, ..patterned() };
        let pool = Client::open().query(s::GET_CLIENT_POOL, asked).unwrap();
        assert_eq!((pool.input_pool, pool.input_free), (0, 0));
    }

    /// SET_CLIENT_POOL of another client is EINVAL.
    fn set_of_another_client_is_einval() {
        let (client, other) = (Client::open(), Client::open());
        for number in [i32::from(other.id), 0, 250, -1] {
            assert_eq!(client.set_pool(|pool| pool.client = number), Err(Errno::EINVAL));
        }
    }

    /// A new output size is there at once, with room for half of it, rounded up.
    fn set_of_the_output_size() {
        let client = Client::open();
        for (size, room) in [(1, 1), (2, 1), (3, 2), (101, 51), (2000, 1000)] {
            client.set_pool(|pool| pool.output_pool = size).unwrap();
            assert_eq!(sizes(&client.pool())[..3], [size, room, size]);
        }
    }

    /// The default size, set, makes the output pool be there.
    fn set_of_the_same_output_size_allocates() {
        let client = Client::open();
        client.set_pool(|pool| pool.output_pool = 500).unwrap();
        assert_eq!(sizes(&client.pool())[..3], [500, 250, 500]);
    }

    /// Sizes that are out of range are passed over.
    fn set_out_of_range_is_ignored() {
        let client = Client::open();
        client.set_pool(|pool| pool.output_pool = 50).unwrap();
        for wrong in [0, -1, 2001, i32::MAX] {
            let all = |pool: &mut ClientPool| {
                (pool.output_pool, pool.input_pool, pool.output_room) = (wrong, wrong, wrong);
            };
            assert_eq!(client.set_pool(all), Ok(()));
            assert_eq!(sizes(&client.pool()), [50, 25, 50, 200, 200]);
        }
    }

    /// The room may be anything from 1 to the output size.
    fn set_of_the_room() {
        let client = Client::open();
        client.set_pool(|pool| pool.output_pool = 50).unwrap();
        for (room, kept) in [(1, 1), (50, 50), (51, 50), (0, 50), (7, 7)] {
            client.set_pool(|pool| pool.output_room = room).unwrap();
            assert_eq!(client.pool().output_room, kept);
        }
    }

    /// The room that is set together with a size is kept.
    fn set_of_size_and_room_together() {
        let client = Client::open();
        client.set_pool(|pool| (pool.output_pool, pool.output_room) = (50, 50)).unwrap();
        assert_eq!(sizes(&client.pool())[..3], [50, 50, 50]);
    }

    /// A new output size while events wait in a queue is EBUSY; the size that it has is not.
    fn set_of_the_output_size_with_pending_events_is_ebusy() {
        let (client, _queue) = with_pending(Client::with_port(), 1);
        assert_eq!(client.set_pool(|pool| pool.output_pool = 50), Err(Errno::EBUSY));
        assert_eq!(client.set_pool(|pool| pool.output_pool = 500), Ok(()));
        assert_eq!(sizes(&client.pool())[..3], [500, 250, 499]);
    }

    /// A new size of the input pool takes effect at once.
    fn set_of_the_input_size() {
        let client = Client::open();
        for size in [1, 2000, 17] {
            client.set_pool(|pool| pool.input_pool = size).unwrap();
            assert_eq!(sizes(&client.pool())[3..], [size, size]);
        }
    }

    /// A client that only writes gets no input pool.
    fn set_of_the_input_size_of_a_writer_is_ignored() {
        let client = Client::open_as(Mode::Write);
        assert_eq!(client.set_pool(|pool| pool.input_pool = 50), Ok(()));
        assert_eq!(sizes(&client.pool())[3..], [0, 0]);
    }

    /// SET_CLIENT_POOL and SET_QUEUE_CLIENT answer as their GET does, though their codes say write
    /// only.
    fn set_requests_copy_back() {
        let client = Client::open();
        let asked = ClientPool {
            client: client.id.into(),
            output_pool: 10,
            output_room: 3,
            input_pool: 20,
            ..patterned()
        };
        let pool = client.query(s::SET_CLIENT_POOL, asked).unwrap();
        assert_eq!((sizes(&pool), pool.reserved), ([10, 3, 10, 20, 20], [0; 64]));
        let queue = client.create_queue().into();
        let info = QueueClient { queue, used: -1, ..patterned() };
        let info = client.query(s::SET_QUEUE_CLIENT, info).unwrap();
        assert_eq!((info.client, info.used), (client.id.into(), 1));
    }

    /// Unread events are lost when the input pool changes its size, and stay when it does not.
    fn set_of_another_input_size_discards_unread_events() {
        let client = Client::with_port();
        client.must_send(&note_on(client.port(0), 1));
        client.set_pool(|pool| pool.input_pool = 200).unwrap();
        assert!(client.readable());
        client.set_pool(|pool| pool.input_pool = 199).unwrap();
        assert_eq!((client.readable(), client.read(28)), (false, Err(Errno::EAGAIN)));
    }

    /// REMOVE_EVENTS takes any argument.
    fn remove_takes_anything() {
        let client = Client::open();
        assert!(client.query(s::REMOVE_EVENTS, RemoveEvents::default()).is_ok());
        assert!(client.query(s::REMOVE_EVENTS, patterned::<RemoveEvents>()).is_ok());
        let all = RemoveEvents { remove_mode: u32::MAX, queue: 99, ..patterned() };
        assert!(client.query(s::REMOVE_EVENTS, all).is_ok());
    }

    /// REMOVE_EVENTS without INPUT and OUTPUT removes nothing.
    fn remove_without_a_side_removes_nothing() {
        let (client, queue) = with_pending(Client::with_port(), 3);
        client.must_send(&note_on(client.port(0), 1));
        client.remove(RemoveMode::IGNORE_OFF, |_| {});
        assert_eq!((client.status(queue).events, client.events().len()), (3, 1));
    }

    /// REMOVE_EVENTS with INPUT empties the input, whatever else is selected.
    fn remove_of_the_input_ignores_conditions() {
        let client = Client::with_port();
        client.must_send(&note_on(client.port(0), 1));
        let mode = RemoveMode::INPUT | RemoveMode::EVENT_TYPE | RemoveMode::TAG_MATCH;
        client.remove(mode, |info| {
            (info.event_type, info.tag, info.dest) = (99, 99, Address::new(1, 1));
        });
        assert_eq!((client.readable(), client.pool().input_free), (false, 200));
    }

    /// REMOVE_EVENTS with INPUT leaves what waits in queues, and the reverse.
    fn remove_of_one_side_leaves_the_other() {
        let (client, queue) = with_pending(Client::with_port(), 3);
        client.must_send(&note_on(client.port(0), 1));
        client.remove(RemoveMode::OUTPUT, |_| {});
        assert_eq!((client.status(queue).events, client.readable()), (0, true));
        client.write_pending(queue, 2);
        client.remove(RemoveMode::INPUT, |_| {});
        assert_eq!((client.status(queue).events, client.readable()), (2, false));
    }

    /// REMOVE_EVENTS with OUTPUT leaves events of other clients.
    fn remove_leaves_other_clients_events() {
        let (client, queue) = with_pending(Client::with_port(), 3);
        let other = Client::with_port();
        other.use_queue(queue, true).unwrap();
        other.write_pending(queue, 2);
        other.remove(RemoveMode::OUTPUT, |_| {});
        assert_eq!(client.status(queue).events, 3);
    }
}
