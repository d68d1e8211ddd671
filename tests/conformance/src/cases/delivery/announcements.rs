//! What 0:1 tells its subscribers, in which order.

use crate::case::cases;
use crate::client::{ANNOUNCE, Client, Mode, OPEN_PORT, Watcher, name, note_on, told};
use aseqd_abi::event::EventData;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{Connect, PortFlags, PortInfo, SubscriptionFlags};
use aseqd_abi::{Address, Errno, Event, EventType as T};

/// Returns the record of an announcement.
fn announcement(event_type: T, watcher: &Watcher, data: EventData) -> Event {
    Event { source: ANNOUNCE, dest: watcher.0.port(0), data, ..Event::direct(event_type) }
}

/// Returns type and data of an announcement about a port.
fn port(event_type: T, Address { client, port }: Address) -> (T, [u8; 4]) {
    (event_type, [client, port, 0, 0])
}

/// Returns type and data of an announcement about a connection.
fn connection(event_type: T, sender: Address, dest: Address) -> (T, [u8; 4]) {
    (event_type, [sender.client, sender.port, dest.client, dest.port])
}

cases! {
    /// Opening announces CLIENT_START with the client's number, and nothing else.
    fn open_announces_client_start() {
        let watcher = Watcher::new();
        let client = Client::open();
        let data = EventData::from_address(client.port(0));
        assert_eq!(
            watcher.announced(&[client.id]),
            [announcement(T::CLIENT_START, &watcher, data)]
        );
    }

    /// Opening for reading only or writing only announces the same.
    fn every_access_mode_is_announced() {
        let watcher = Watcher::new();
        let clients = [Client::open_as(Mode::Read), Client::open_as(Mode::Write)];
        let told = watcher.told(&clients.each_ref().map(|client| client.id));
        assert_eq!(told, clients.each_ref().map(|client| port(T::CLIENT_START, client.port(0))));
    }

    /// Closing announces CLIENT_EXIT with the client's number.
    fn close_announces_client_exit() {
        let client = Client::open();
        let (id, watcher) = (client.id, Watcher::new());
        drop(client);
        assert_eq!(watcher.told_until_exit(id), [port(T::CLIENT_EXIT, Address::new(id, 0))]);
    }

    /// The record of CLIENT_EXIT is fixed, direct, without flags and time.
    fn client_exit_record() {
        let client = Client::open();
        let (id, watcher) = (client.id, Watcher::new());
        drop(client);
        let event = loop {
            let event = watcher.0.wait_event();
            if event.data.0[0] == id {
                break event;
            }
        };
        let data = EventData::from_address(Address::new(id, 0));
        assert_eq!(event, announcement(T::CLIENT_EXIT, &watcher, data));
    }

    /// SET_CLIENT_INFO announces CLIENT_CHANGE, every time.
    since "6.12.90" fn set_client_info_announces_client_change() {
        let (client, watcher) = (Client::open(), Watcher::new());
        client.set_info(|info| info.name = name("renamed")).unwrap();
        client.set_info(|_| {}).unwrap();
        let data = EventData::from_address(client.port(0));
        let expected = announcement(T::CLIENT_CHANGE, &watcher, data);
        assert_eq!(watcher.announced(&[client.id]), [expected, expected]);
    }

    /// SET_CLIENT_INFO announces nothing.
    until "6.12.90" fn set_client_info_announces_nothing() {
        let (client, watcher) = (Client::open(), Watcher::new());
        client.set_info(|info| info.name = name("renamed")).unwrap();
        assert_eq!(watcher.told(&[client.id]), []);
    }

    /// A SET_CLIENT_INFO that fails announces nothing.
    fn failed_set_client_info_announces_nothing() {
        let (client, watcher) = (Client::open(), Watcher::new());
        assert_eq!(client.set_info(|info| info.client_type = 9), Err(Errno::EINVAL));
        assert_eq!(watcher.told(&[client.id]), []);
    }

    /// CREATE_PORT announces PORT_START with the port's address.
    fn create_port_announces_port_start() {
        let (client, watcher) = (Client::open(), Watcher::new());
        let address = client.create_port(OPEN_PORT).unwrap();
        let data = EventData::from_address(address);
        assert_eq!(watcher.announced(&[client.id]), [announcement(T::PORT_START, &watcher, data)]);
    }

    /// PORT_START names the number that was asked for.
    fn port_start_names_a_given_number() {
        let (client, watcher) = (Client::open(), Watcher::new());
        let made = client.create_port_with(|info| {
            info.addr.port = 77;
            info.flags = PortFlags::GIVEN_PORT.bits();
        });
        assert_eq!(made, Ok(client.port(77)));
        assert_eq!(watcher.told(&[client.id]), [port(T::PORT_START, client.port(77))]);
    }

    /// DELETE_PORT announces PORT_EXIT with the port's address.
    fn delete_port_announces_port_exit() {
        let (client, watcher) = (Client::with_port(), Watcher::new());
        assert_eq!(client.delete_port(0), Ok(()));
        let data = EventData::from_address(client.port(0));
        assert_eq!(watcher.announced(&[client.id]), [announcement(T::PORT_EXIT, &watcher, data)]);
    }

    /// A DELETE_PORT that fails announces nothing.
    fn failed_delete_port_announces_nothing() {
        let (client, watcher) = (Client::open(), Watcher::new());
        assert_eq!(client.delete_port(3), Err(Errno::ENOENT));
        assert_eq!(watcher.told(&[client.id]), []);
    }

    /// SET_PORT_INFO announces PORT_CHANGE, every time.
    since "6.12.90" fn set_port_info_announces_port_change() {
        let (client, watcher) = (Client::with_ports(2), Watcher::new());
        client.set_port(1, |info| info.name = name("renamed"));
        client.set_port(1, |_| {});
        let data = EventData::from_address(client.port(1));
        let expected = announcement(T::PORT_CHANGE, &watcher, data);
        assert_eq!(watcher.announced(&[client.id]), [expected, expected]);
    }

    /// SET_PORT_INFO announces nothing.
    until "6.12.90" fn set_port_info_announces_nothing() {
        let (client, watcher) = (Client::with_port(), Watcher::new());
        client.set_port(0, |info| info.name = name("renamed"));
        assert_eq!(watcher.told(&[client.id]), []);
    }

    /// SET_PORT_INFO on a port that does not exist announces nothing.
    fn set_port_info_on_a_missing_port_announces_nothing() {
        let (client, watcher) = (Client::open(), Watcher::new());
        let info = PortInfo { addr: client.port(5), ..PortInfo::default() };
        assert!(client.query(s::SET_PORT_INFO, info).is_ok());
        assert_eq!(watcher.told(&[client.id]), []);
    }

    /// A connection made by the sender's client announces PORT_SUBSCRIBED with both addresses.
    fn subscription_by_the_sender_is_announced() {
        let (sender, reader, watcher) = (Client::with_port(), Client::with_port(), Watcher::new());
        assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
        let data =
            EventData::from_connect(Connect { sender: sender.port(0), dest: reader.port(0) });
        let expected = announcement(T::PORT_SUBSCRIBED, &watcher, data);
        assert_eq!(watcher.announced(&[sender.id]), [expected]);
    }

    /// A connection made by the reader's client, or by a third one, announces the same.
    fn subscription_by_others_is_announced() {
        let (sender, reader, watcher) =
            (Client::with_port(), Client::with_ports(2), Watcher::new());
        assert_eq!(reader.subscribe(sender.port(0), reader.port(0)), Ok(()));
        let third = Client::open();
        assert_eq!(third.subscribe(sender.port(0), reader.port(1)), Ok(()));
        let told = watcher.told(&[sender.id]);
        let made = |n| connection(T::PORT_SUBSCRIBED, sender.port(0), reader.port(n));
        assert_eq!(told, [made(0), made(1)]);
    }

    /// A disconnection announces PORT_UNSUBSCRIBED with both addresses.
    fn unsubscription_is_announced() {
        let (sender, reader) = (Client::with_port(), Client::with_port());
        for caller in [&sender, &reader, &Client::open()] {
            assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
            let watcher = Watcher::new();
            assert_eq!(caller.unsubscribe(sender.port(0), reader.port(0)), Ok(()));
            let data =
                EventData::from_connect(Connect { sender: sender.port(0), dest: reader.port(0) });
            let expected = announcement(T::PORT_UNSUBSCRIBED, &watcher, data);
            assert_eq!(watcher.announced(&[sender.id]), [expected]);
        }
    }

    /// A refused connection or disconnection announces nothing.
    fn failed_subscription_announces_nothing() {
        let (sender, reader) = (Client::with_port(), Client::with_port());
        assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
        let watcher = Watcher::new();
        assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Err(Errno::EBUSY));
        assert_eq!(sender.subscribe(sender.port(0), reader.port(4)), Err(Errno::EINVAL));
        assert_eq!(sender.unsubscribe(reader.port(0), sender.port(0)), Err(Errno::ENOENT));
        assert_eq!(watcher.told(&[sender.id, reader.id]), []);
    }

    /// The subscription to 0:1 is announced to the new subscriber itself.
    fn watcher_sees_its_own_subscription() {
        let client = Client::with_port();
        assert_eq!(client.subscribe(ANNOUNCE, client.port(0)), Ok(()));
        let told: Vec<_> = client.events().iter().map(told).collect();
        assert!(told.contains(&connection(T::PORT_SUBSCRIBED, ANNOUNCE, client.port(0))));
    }

    /// The end of the subscription to 0:1 is not announced to that subscriber.
    fn watcher_does_not_see_its_own_unsubscription() {
        let watcher = Watcher::new();
        assert_eq!(watcher.0.unsubscribe(ANNOUNCE, watcher.0.port(0)), Ok(()));
        drop(Client::open());
        assert_eq!(watcher.told(&[watcher.0.id]), []);
    }

    /// After its unsubscription a watcher gets no announcements.
    fn unsubscribed_watcher_hears_nothing() {
        let watcher = Watcher::new();
        assert_eq!(watcher.0.unsubscribe(ANNOUNCE, watcher.0.port(0)), Ok(()));
        watcher.0.discard();
        let _client = Client::with_port();
        assert_eq!(watcher.0.types(), []);
    }

    /// A watcher gets the announcements about its own ports.
    fn watcher_hears_of_its_own_ports() {
        let watcher = Watcher::new();
        let made = watcher.0.create_port(OPEN_PORT).unwrap();
        assert_eq!(watcher.told(&[watcher.0.id]), [port(T::PORT_START, made)]);
    }

    /// Every watcher gets the same announcements.
    fn every_watcher_hears_the_same() {
        let (one, other) = (Watcher::new(), Watcher::new());
        one.0.discard();
        let client = Client::with_port();
        let told = one.told(&[client.id]);
        assert_eq!(told.len(), 2);
        assert_eq!(told, other.told(&[client.id]));
    }

    /// Two watching ports of one client both get each announcement.
    fn two_ports_get_two_copies() {
        let watcher = Watcher::new();
        let second = watcher.0.create_port(OPEN_PORT).unwrap();
        assert_eq!(watcher.0.subscribe(ANNOUNCE, second), Ok(()));
        watcher.0.discard();
        let client = Client::open();
        let dests: Vec<_> = watcher.announced(&[client.id]).iter().map(|e| e.dest).collect();
        assert_eq!(dests, [watcher.0.port(0), second]);
    }

    /// Deleting a port announces its end only, not the ends of its connections.
    fn delete_port_does_not_announce_its_connections() {
        let (sender, reader) = (Client::with_port(), Client::with_port());
        assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
        assert_eq!(sender.subscribe(reader.port(0), sender.port(0)), Ok(()));
        let watcher = Watcher::new();
        assert_eq!(sender.delete_port(0), Ok(()));
        assert_eq!(watcher.told(&[sender.id, reader.id]), [port(T::PORT_EXIT, sender.port(0))]);
    }

    /// Closing announces the ports by number, then the client, and never a PORT_UNSUBSCRIBED.
    fn close_announces_ports_in_order_then_the_client() {
        let client = Client::open();
        for number in [9, 2, 200, 5] {
            let made = client.create_port_with(|info| {
                info.addr.port = number;
                info.capability = OPEN_PORT.bits();
                info.flags = PortFlags::GIVEN_PORT.bits();
            });
            assert_eq!(made, Ok(client.port(number)));
        }
        let peer = Client::with_port();
        for (sender, dest) in [(client.port(9), peer.port(0)), (peer.port(0), client.port(2))] {
            assert_eq!(client.subscribe(sender, dest), Ok(()));
        }
        let (id, watcher) = (client.id, Watcher::new());
        drop(client);
        let mut expected: Vec<_> =
            [2, 5, 9, 200].iter().map(|n| port(T::PORT_EXIT, Address::new(id, *n))).collect();
        expected.push(port(T::CLIENT_EXIT, Address::new(id, 0)));
        assert_eq!(watcher.told_until_exit(id), expected);
    }

    /// A life is announced in the order of its calls.
    since "6.12.90" fn a_life_is_announced_in_order() {
        let watcher = Watcher::new();
        let client = Client::open();
        let id = client.id;
        client.set_info(|info| info.name = name("named")).unwrap();
        let made = client.create_port(OPEN_PORT).unwrap();
        assert_eq!(client.subscribe(made, made), Ok(()));
        assert_eq!(client.unsubscribe(made, made), Ok(()));
        client.set_port(0, |_| {});
        assert_eq!(client.delete_port(0), Ok(()));
        drop(client);
        let types: Vec<T> = watcher.told_until_exit(id).iter().map(|told| told.0).collect();
        let all = [
            T::CLIENT_START,
            T::CLIENT_CHANGE,
            T::PORT_START,
            T::PORT_SUBSCRIBED,
            T::PORT_UNSUBSCRIBED,
            T::PORT_CHANGE,
            T::PORT_EXIT,
            T::CLIENT_EXIT,
        ];
        assert_eq!(types, all);
    }

    /// When PORT_START arrives, the port has its attributes.
    fn port_is_complete_when_announced() {
        let (client, watcher) = (Client::open(), Watcher::new());
        let made = client.create_port_with(|info| {
            info.name = name("complete");
            info.capability = OPEN_PORT.bits();
        });
        let told = watcher.announced(&[client.id])[0].data.address();
        assert_eq!(Ok(told), made);
        assert_eq!(watcher.0.port_info(told).unwrap().name, name("complete"));
    }

    /// When CLIENT_START arrives, the client is called Client-N, and can be asked about.
    fn client_is_nameless_when_announced() {
        let watcher = Watcher::new();
        let client = Client::open();
        let address = watcher.announced(&[client.id])[0].data.address();
        let info = watcher.0.client_info(address.client.into()).unwrap();
        assert_eq!(info.name, name(&format!("Client-{}", client.id)));
    }

    /// Queues are not announced.
    fn queues_are_not_announced() {
        let (client, watcher) = (Client::open(), Watcher::new());
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.delete_queue(queue), Ok(()));
        assert_eq!(watcher.told(&[client.id]), []);
    }

    /// Events are not announced.
    fn traffic_is_not_announced() {
        let (client, watcher) = (Client::with_port(), Watcher::new());
        client.must_send(&note_on(client.port(0), 1));
        client.discard();
        assert_eq!(watcher.told(&[client.id]), []);
    }

    /// A watcher whose FIFO is full finds ENOSPC; other watchers lose nothing.
    fn full_watcher_overflows_alone() {
        let (full, watcher) = (Watcher::new(), Watcher::new());
        full.0.set_pool(|pool| pool.input_pool = 2).unwrap();
        watcher.0.discard();
        let client = Client::with_ports(4);
        assert_eq!(watcher.told(&[client.id]).len(), 5);
        assert_eq!(full.0.read(1000), Err(Errno::ENOSPC));
    }

    /// A watcher may disconnect and be connected again by a third party: 0:1 lets anybody.
    fn third_party_may_connect_a_watcher() {
        let (client, third) = (Client::with_port(), Client::open());
        assert_eq!(third.subscribe(ANNOUNCE, client.port(0)), Ok(()));
        client.discard();
        let made = third.create_port(OPEN_PORT).unwrap();
        let mut events = client.events();
        events.retain(|event| event.data.address() == made);
        assert_eq!(events.len(), 1);
    }

    /// A second connection of the same ports is announced like the first.
    fn second_connection_of_the_same_ports_is_announced() {
        let (sender, reader) = (Client::with_port(), Client::with_port());
        assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
        let watcher = Watcher::new();
        let flags = SubscriptionFlags::TIMESTAMP.bits();
        let again = sender.subscribe_with(sender.port(0), reader.port(0), |s| s.flags = flags);
        assert_eq!(again, Ok(()));
        let expected = connection(T::PORT_SUBSCRIBED, sender.port(0), reader.port(0));
        assert_eq!(watcher.told(&[sender.id]), [expected]);
    }

    /// An announcement is not kept for clients that subscribe later.
    fn announcements_have_no_memory() {
        let client = Client::with_port();
        let watcher = Watcher::new();
        assert_eq!(watcher.told(&[client.id]), []);
    }
}
