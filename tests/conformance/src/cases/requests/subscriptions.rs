//! `QUERY_SUBS` and `GET_SUBSCRIPTION`.

use crate::case::cases;
use crate::client::{Client, NOBODY, OPEN_PORT, patterned};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{PortSubscribe, QUERY_SUBS_READ, QUERY_SUBS_WRITE, QuerySubs};
use aseqd_abi::{Address, Errno};

fn ask(root: Address, query_type: i32, index: i32) -> QuerySubs {
    QuerySubs { root, query_type, index, ..patterned() }
}

fn between(sender: Address, dest: Address) -> PortSubscribe {
    PortSubscribe { sender, dest, ..patterned() }
}

cases! {
    /// QUERY_SUBS of a missing port or client is ENXIO.
    fn query_of_a_missing_port_is_enxio() {
        let client = Client::with_port();
        for root in [client.port(1), client.port(255), NOBODY, Address::new(254, 0)] {
            assert_eq!(client.query(s::QUERY_SUBS, ask(root, 0, 0)), Err(Errno::ENXIO));
        }
    }

    /// QUERY_SUBS of a type that is neither READ nor WRITE is ENXIO.
    fn query_of_a_wrong_type_is_enxio() {
        let client = Client::with_port();
        client.subscribe(client.port(0), client.port(0)).unwrap();
        for wrong in [-1, 2, i32::MAX] {
            let answer = client.query(s::QUERY_SUBS, ask(client.port(0), wrong, 0));
            assert_eq!(answer, Err(Errno::ENXIO));
        }
    }

    /// QUERY_SUBS beyond the end, before the start, or of a port without connections is ENOENT.
    fn query_beyond_the_end_is_enoent() {
        let client = Client::with_port();
        assert_eq!(client.query(s::QUERY_SUBS, ask(client.port(0), 0, 0)), Err(Errno::ENOENT));
        client.subscribe(client.port(0), client.port(0)).unwrap();
        for index in [1, -1, i32::MAX, i32::MIN] {
            let answer = client.query(s::QUERY_SUBS, ask(client.port(0), 0, index));
            assert_eq!(answer, Err(Errno::ENOENT));
        }
    }

    /// A QUERY_SUBS beyond the end does not tell the number of connections either.
    fn query_beyond_the_end_changes_nothing() {
        let client = Client::with_port();
        client.subscribe(client.port(0), client.port(0)).unwrap();
        let before = ask(client.port(0), QUERY_SUBS_READ, 1);
        let mut asked = before;
        assert_eq!(client.ioctl(s::QUERY_SUBS, &mut asked), Err(Errno::ENOENT));
        assert_eq!(asked, before);
    }

    /// READ lists where a port sends, WRITE from where it receives, in the order of subscription.
    fn query_lists_in_the_order_of_subscription() {
        let client = Client::with_port();
        for _ in 1..4 {
            client.create_port(OPEN_PORT).unwrap();
        }
        for other in [3, 1, 2] {
            client.subscribe(client.port(0), client.port(other)).unwrap();
            client.subscribe(client.port(other), client.port(0)).unwrap();
        }
        for kind in [QUERY_SUBS_READ, QUERY_SUBS_WRITE] {
            let ports = [0, 1, 2].map(|index| {
                let answer = client.query(s::QUERY_SUBS, ask(client.port(0), kind, index)).unwrap();
                assert_eq!(answer.num_subs, 3);
                answer.addr.port
            });
            assert_eq!(ports, [3, 1, 2]);
        }
    }

    /// QUERY_SUBS tells flags and queue of a connection, at both ends.
    fn query_tells_flags_and_queue() {
        let client = Client::with_port();
        let (here, there) = (client.port(0), client.create_port(OPEN_PORT).unwrap());
        client.subscribe_with(here, there, |info| (info.flags, info.queue) = (6, 17)).unwrap();
        for (root, kind, addr) in [(here, QUERY_SUBS_READ, there), (there, QUERY_SUBS_WRITE, here)]
        {
            let answer = client.query(s::QUERY_SUBS, ask(root, kind, 0)).unwrap();
            assert_eq!((answer.addr, answer.flags, answer.queue), (addr, 6, 17));
        }
    }

    /// QUERY_SUBS keeps root, type, index and the reserved bytes as they were passed in.
    fn query_keeps_the_question() {
        let client = Client::with_port();
        client.subscribe(client.port(0), client.port(0)).unwrap();
        let asked = ask(client.port(0), QUERY_SUBS_WRITE, 0);
        let answer = client.query(s::QUERY_SUBS, asked).unwrap();
        assert_eq!((answer.root, answer.query_type, answer.index), (asked.root, 1, 0));
        assert_eq!(answer.reserved, asked.reserved);
    }

    /// Anybody may ask about anybody's port.
    fn query_of_another_clients_port() {
        let (client, other) = (Client::open(), Client::with_port());
        other.subscribe(other.port(0), other.port(0)).unwrap();
        let answer = client.query(s::QUERY_SUBS, ask(other.port(0), 0, 0)).unwrap();
        assert_eq!((answer.addr, answer.num_subs), (other.port(0), 1));
    }

    /// GET_SUBSCRIPTION returns flags, queue and voices as they were given.
    fn get_returns_what_was_given() {
        let client = Client::with_port();
        let here = client.port(0);
        client
            .subscribe_with(here, here, |info| {
                (info.flags, info.queue, info.voices) = (2, 200, 0x1234_5678);
            })
            .unwrap();
        let answer = client.query(s::GET_SUBSCRIPTION, between(here, here)).unwrap();
        assert_eq!((answer.flags, answer.queue, answer.voices), (2, 200, 0x1234_5678));
        assert_eq!((answer.sender, answer.dest), (here, here));
    }

    /// GET_SUBSCRIPTION of several connections between two ports returns the first.
    fn get_returns_the_first() {
        let client = Client::with_port();
        let here = client.port(0);
        for queue in [4, 5] {
            client
                .subscribe_with(here, here, |info| (info.flags, info.queue) = (2, queue))
                .unwrap();
        }
        assert_eq!(client.query(s::GET_SUBSCRIPTION, between(here, here)).unwrap().queue, 4);
    }

    /// GET_SUBSCRIPTION of ports that are not connected is ENOENT.
    fn get_without_connection_is_enoent() {
        let (client, other) = (Client::with_port(), Client::with_port());
        client.subscribe(client.port(0), other.port(0)).unwrap();
        let answer = client.query(s::GET_SUBSCRIPTION, between(other.port(0), client.port(0)));
        assert_eq!(answer, Err(Errno::ENOENT));
    }

    /// GET_SUBSCRIPTION of a missing sender is EINVAL.
    fn get_of_a_missing_sender_is_einval() {
        let client = Client::with_port();
        for sender in [client.port(1), NOBODY] {
            let answer = client.query(s::GET_SUBSCRIPTION, between(sender, client.port(0)));
            assert_eq!(answer, Err(Errno::EINVAL));
        }
    }

    /// GET_SUBSCRIPTION of a missing destination is ENOENT.
    fn get_of_a_missing_dest_is_enoent() {
        let client = Client::with_port();
        for dest in [client.port(1), NOBODY] {
            let answer = client.query(s::GET_SUBSCRIPTION, between(client.port(0), dest));
            assert_eq!(answer, Err(Errno::ENOENT));
        }
    }

    /// A GET_SUBSCRIPTION that fails leaves the struct as it was.
    fn get_that_fails_changes_nothing() {
        let client = Client::with_port();
        let before = between(client.port(0), client.port(0));
        let mut asked = before;
        assert_eq!(client.ioctl(s::GET_SUBSCRIPTION, &mut asked), Err(Errno::ENOENT));
        assert_eq!(asked, before);
    }

    /// Connections end with the client at the other end.
    fn connections_end_with_a_client() {
        let (client, other) = (Client::with_port(), Client::with_port());
        client.subscribe(client.port(0), other.port(0)).unwrap();
        client.subscribe(other.port(0), client.port(0)).unwrap();
        drop(other);
        crate::client::wait_until("both are cut", || {
            let info = client.port_info(client.port(0)).unwrap();
            (info.read_use, info.write_use) == (0, 0)
        });
    }
}
