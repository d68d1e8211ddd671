//! The 66 and 67 that the ports of a connection get themselves.

use crate::case::cases;
use crate::client::{ANNOUNCE, Client, Mode, OPEN_PORT, note_on, told};
use aseqd_abi::event::EventData;
use aseqd_abi::seq::{Connect, PortCaps, PortFlags, SubscriptionFlags};
use aseqd_abi::{Address, Errno, Event, EventType as T};

/// Returns the notice that a port gets.
fn notice(event_type: T, to: Address, sender: Address, dest: Address) -> Event {
    let data = EventData::from_connect(Connect { sender, dest });
    Event { source: ANNOUNCE, dest: to, data, ..Event::direct(event_type) }
}

/// Two clients with a port each.
fn pair() -> (Client, Client) {
    (Client::with_port(), Client::with_port())
}

cases! {
    /// When a third party connects, both ports get PORT_SUBSCRIBED from 0:1.
    fn third_party_connection_is_told_to_both() {
        let (sender, reader) = pair();
        let (from, to) = (sender.port(0), reader.port(0));
        assert_eq!(Client::open().subscribe(from, to), Ok(()));
        assert_eq!(sender.events(), [notice(T::PORT_SUBSCRIBED, from, from, to)]);
        assert_eq!(reader.events(), [notice(T::PORT_SUBSCRIBED, to, from, to)]);
    }

    /// When a third party disconnects, both ports get PORT_UNSUBSCRIBED from 0:1.
    fn third_party_disconnection_is_told_to_both() {
        let (sender, reader) = pair();
        let (from, to) = (sender.port(0), reader.port(0));
        let third = Client::open();
        assert_eq!(third.subscribe(from, to), Ok(()));
        sender.discard();
        reader.discard();
        assert_eq!(third.unsubscribe(from, to), Ok(()));
        assert_eq!(sender.events(), [notice(T::PORT_UNSUBSCRIBED, from, from, to)]);
        assert_eq!(reader.events(), [notice(T::PORT_UNSUBSCRIBED, to, from, to)]);
    }

    /// When the sender's client connects, only the reader is told.
    fn caller_is_not_told_as_sender() {
        let (sender, reader) = pair();
        assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
        assert_eq!((sender.types(), reader.types()), (vec![], vec![T::PORT_SUBSCRIBED]));
        assert_eq!(sender.unsubscribe(sender.port(0), reader.port(0)), Ok(()));
        assert_eq!((sender.types(), reader.types()), (vec![], vec![T::PORT_UNSUBSCRIBED]));
    }

    /// When the reader's client connects, only the sender is told.
    fn caller_is_not_told_as_reader() {
        let (sender, reader) = pair();
        assert_eq!(reader.subscribe(sender.port(0), reader.port(0)), Ok(()));
        assert_eq!((sender.types(), reader.types()), (vec![T::PORT_SUBSCRIBED], vec![]));
        assert_eq!(reader.unsubscribe(sender.port(0), reader.port(0)), Ok(()));
        assert_eq!((sender.types(), reader.types()), (vec![T::PORT_UNSUBSCRIBED], vec![]));
    }

    /// A client that connects its own ports gets no notice.
    fn own_connection_is_not_told() {
        let client = Client::with_ports(2);
        assert_eq!(client.subscribe(client.port(0), client.port(1)), Ok(()));
        assert_eq!(client.unsubscribe(client.port(0), client.port(1)), Ok(()));
        assert_eq!(client.types(), []);
    }

    /// On connection the sender port is told first, on disconnection the destination port.
    fn order_of_notices() {
        let (client, third) = (Client::with_ports(2), Client::open());
        let (from, to) = (client.port(0), client.port(1));
        assert_eq!(third.subscribe(from, to), Ok(()));
        assert_eq!(third.unsubscribe(from, to), Ok(()));
        let expected = [
            notice(T::PORT_SUBSCRIBED, from, from, to),
            notice(T::PORT_SUBSCRIBED, to, from, to),
            notice(T::PORT_UNSUBSCRIBED, to, from, to),
            notice(T::PORT_UNSUBSCRIBED, from, from, to),
        ];
        assert_eq!(client.events(), expected);
    }

    /// The notices come before the announcement.
    fn notices_come_before_the_announcement() {
        let (client, third) = (Client::with_ports(3), Client::open());
        assert_eq!(client.subscribe(ANNOUNCE, client.port(2)), Ok(()));
        client.discard();
        let (from, to) = (client.port(0), client.port(1));
        assert_eq!(third.subscribe(from, to), Ok(()));
        assert_eq!(third.unsubscribe(from, to), Ok(()));
        let mut events = client.events();
        events.retain(|event| event.data.connect() == Connect { sender: from, dest: to });
        let ports: Vec<u8> = events.iter().map(|event| event.dest.port).collect();
        assert_eq!(ports, [0, 1, 2, 1, 0, 2]);
    }

    /// A port without WRITE gets no notice, and the connection is made.
    fn port_without_write_gets_none() {
        let (sender, third, reader) = (Client::open(), Client::open(), Client::with_port());
        let from = sender.create_port(PortCaps::READ | PortCaps::SUBS_READ).unwrap();
        assert_eq!(third.subscribe(from, reader.port(0)), Ok(()));
        assert_eq!((sender.types(), reader.types()), (vec![], vec![T::PORT_SUBSCRIBED]));
    }

    /// A reader whose FIFO is full overflows, and the connection is made.
    fn full_reader_misses_its_notice() {
        let (sender, reader) = pair();
        while sender.send(&note_on(reader.port(0), 1)).is_ok() {}
        reader.discard();
        for _ in 0..reader.pool().input_pool {
            sender.must_send(&note_on(reader.port(0), 1));
        }
        assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
        assert_eq!(reader.read(28), Err(Errno::ENOSPC));
        assert_eq!(reader.port_info(reader.port(0)).unwrap().write_use, 1);
    }

    /// A write-only client is told nothing, and the connection is made.
    fn write_only_client_is_not_told() {
        let (sender, deaf) = (Client::with_port(), Client::open_as(Mode::Write));
        let port = deaf.create_port(OPEN_PORT).unwrap();
        assert_eq!(sender.subscribe(sender.port(0), port), Ok(()));
        assert_eq!(deaf.port_info(port).unwrap().write_use, 1);
    }

    /// A stamping port's notice carries its stamp.
    fn notice_is_stamped_by_the_port() {
        let (sender, reader) = (Client::with_port(), Client::open());
        let queue = reader.create_queue();
        reader.move_to_tick(queue, 321);
        let port = reader.create_port_with(|info| {
            info.capability = OPEN_PORT.bits();
            info.flags = PortFlags::TIMESTAMP.bits();
            info.time_queue = queue;
        });
        assert_eq!(sender.subscribe(sender.port(0), port.unwrap()), Ok(()));
        let event = reader.wait_event();
        assert_eq!(
            (event.event_type, event.queue, event.time.tick_or_sec),
            (T::PORT_SUBSCRIBED, queue, 321)
        );
    }

    /// A refused connection tells nobody, if it fails at the sender.
    fn connection_refused_at_the_sender_is_not_told() {
        let (sender, reader, third) = (Client::with_port(), Client::with_port(), Client::open());
        assert_eq!(third.subscribe(sender.port(0), reader.port(0)), Ok(()));
        sender.discard();
        reader.discard();
        assert_eq!(third.subscribe(sender.port(0), reader.port(0)), Err(Errno::EBUSY));
        assert_eq!((sender.types(), reader.types()), (vec![], vec![]));
    }

    /// A connection that fails at the destination is told to the sender port, and taken back.
    fn connection_refused_at_the_destination_is_taken_back() {
        let (sender, reader, third) = (Client::with_ports(2), Client::with_port(), Client::open());
        let exclusive = SubscriptionFlags::EXCLUSIVE.bits();
        let made = sender.subscribe_with(sender.port(1), reader.port(0), |s| s.flags = exclusive);
        assert_eq!(made, Ok(()));
        reader.discard();
        assert_eq!(third.subscribe(sender.port(0), reader.port(0)), Err(Errno::EBUSY));
        assert_eq!(sender.types(), [T::PORT_SUBSCRIBED, T::PORT_UNSUBSCRIBED]);
        assert_eq!(reader.types(), []);
    }

    /// A deleted port's peers are told; its own client is not.
    fn deletion_is_told_to_peers() {
        let (client, peer) = pair();
        assert_eq!(client.subscribe(client.port(0), peer.port(0)), Ok(()));
        peer.discard();
        assert_eq!(client.delete_port(0), Ok(()));
        let expected = notice(T::PORT_UNSUBSCRIBED, peer.port(0), client.port(0), peer.port(0));
        assert_eq!(peer.events(), [expected]);
        assert_eq!(client.types(), []);
    }

    /// A deleted port's connections end as sender first, then as destination.
    fn deletion_cuts_sender_side_first() {
        let (client, peer) = (Client::with_port(), Client::with_ports(2));
        assert_eq!(client.subscribe(peer.port(0), client.port(0)), Ok(()));
        assert_eq!(client.subscribe(client.port(0), peer.port(1)), Ok(()));
        peer.discard();
        assert_eq!(client.delete_port(0), Ok(()));
        let ports: Vec<u8> = peer.events().iter().map(|event| event.dest.port).collect();
        assert_eq!(ports, [1, 0]);
    }

    /// The peers of a deleted port get event 67 before PORT_EXIT is announced.
    fn deletion_is_told_before_port_exit() {
        let (client, peer) = (Client::with_port(), Client::with_ports(2));
        assert_eq!(client.subscribe(client.port(0), peer.port(0)), Ok(()));
        assert_eq!(peer.subscribe(ANNOUNCE, peer.port(1)), Ok(()));
        peer.discard();
        assert_eq!(client.delete_port(0), Ok(()));
        let mut events = peer.events();
        events.retain(|event| event.data.0[0] == client.id);
        let types: Vec<T> = events.iter().map(|event| event.event_type).collect();
        assert_eq!(types, [T::PORT_UNSUBSCRIBED, T::PORT_EXIT]);
    }

    /// The peers of a closed client get event 67 after PORT_EXIT is announced, port by port.
    fn close_is_told_after_port_exit() {
        let (client, peer) = (Client::with_ports(2), Client::with_ports(2));
        let id = client.id;
        for port in 0..2 {
            assert_eq!(client.subscribe(client.port(port), peer.port(0)), Ok(()));
        }
        assert_eq!(peer.subscribe(ANNOUNCE, peer.port(1)), Ok(()));
        peer.discard();
        drop(client);
        let mut seen = Vec::new();
        while seen.last().is_none_or(|(event_type, _)| *event_type != T::CLIENT_EXIT) {
            let event = peer.wait_event();
            if event.data.0[0] == id {
                seen.push(told(&event));
            }
        }
        let cut = |port| (T::PORT_UNSUBSCRIBED, [id, port, peer.id, 0]);
        let exit = |port| (T::PORT_EXIT, [id, port, 0, 0]);
        assert_eq!(seen, [exit(0), cut(0), exit(1), cut(1), (T::CLIENT_EXIT, [id, 0, 0, 0])]);
    }

    /// A closed client's connections end as sender first, then as destination.
    fn close_cuts_sender_side_first() {
        let (client, peer) = (Client::with_port(), Client::with_ports(2));
        assert_eq!(client.subscribe(peer.port(0), client.port(0)), Ok(()));
        assert_eq!(client.subscribe(client.port(0), peer.port(1)), Ok(()));
        peer.discard();
        drop(client);
        let ports: Vec<u8> = peer.wait_events(2).iter().map(|event| event.dest.port).collect();
        assert_eq!(ports, [1, 0]);
    }

    /// A connection with flags causes the same notices as others.
    fn stamping_connection_is_told() {
        let (sender, reader) = pair();
        let flags = SubscriptionFlags::TIMESTAMP.bits();
        let made = sender.subscribe_with(sender.port(0), reader.port(0), |s| s.flags = flags);
        assert_eq!(made, Ok(()));
        assert_eq!(reader.types(), [T::PORT_SUBSCRIBED]);
    }

    /// A connection to the announce port is told to a port that a third party connects.
    fn watcher_connected_by_a_third_party_is_told() {
        let (client, third) = pair();
        assert_eq!(third.subscribe(ANNOUNCE, client.port(0)), Ok(()));
        let mut events = client.events();
        events.retain(|event| event.data.connect().dest == client.port(0));
        // Once as the connected port, once as a subscriber of the announcements.
        assert_eq!(events.len(), 2);
        assert_eq!(events[0], events[1]);
    }
}
