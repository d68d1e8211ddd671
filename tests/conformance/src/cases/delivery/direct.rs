//! Events to one port, at once.

use crate::case::cases;
use crate::client::{Client, Mode, NOBODY, OPEN_PORT, at_tick, control, note_on};
use aseqd_abi::event::{EVENT_SIZE, EventData, EventFlags, EventTime};
use aseqd_abi::seq::{PortCaps, PortFlags};
use aseqd_abi::{Address, Errno, Event, EventType};
use rustix::fs::OFlags;

cases! {
    /// All 28 bytes of a direct event arrive as they were written, but for the source client.
    fn all_bytes_arrive() {
        let (sender, reader) = (Client::with_port(), Client::with_port());
        let mut event = note_on(reader.port(0), 60);
        event.flags = EventFlags::REAL_TIME | EventFlags::RELATIVE | EventFlags::PRIORITY;
        event.tag = 0xa5;
        event.time = EventTime::real(0x0102_0304, 0x0506_0708);
        event.source = Address::new(77, 9);
        event.data = EventData([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        sender.must_send(&event);
        event.source = Address::new(sender.id, 9);
        assert_eq!(reader.events(), [event]);
    }

    /// The source client is the writer, whatever it writes there.
    fn source_client_is_forced() {
        let (sender, reader) = (Client::with_port(), Client::with_port());
        for client in [0, 14, 200, reader.id] {
            let mut event = note_on(reader.port(0), 1);
            event.source.client = client;
            sender.must_send(&event);
        }
        assert!(reader.events().iter().all(|event| event.source == sender.port(0)));
    }

    /// The source port need not exist and arrives as written.
    fn source_port_is_not_checked() {
        let (sender, reader) = (Client::open(), Client::with_port());
        for port in [0, 7, 254, 255] {
            let mut event = note_on(reader.port(0), 1);
            event.source.port = port;
            sender.must_send(&event);
        }
        let ports: Vec<u8> = reader.events().iter().map(|event| event.source.port).collect();
        assert_eq!(ports, [0, 7, 254, 255]);
    }

    /// A client that does not exist is ENOENT.
    fn missing_client_is_enoent() {
        assert_eq!(Client::open().send(&note_on(NOBODY, 1)), Err(Errno::ENOENT));
    }

    /// Client 253 (unknown) is just one that does not exist.
    fn client_253_is_enoent() {
        let event = note_on(Address::new(253, 0), 1);
        assert_eq!(Client::open().send(&event), Err(Errno::ENOENT));
    }

    /// A port that does not exist is ENOENT.
    fn missing_port_is_enoent() {
        let client = Client::with_port();
        assert_eq!(client.send(&note_on(client.port(1), 1)), Err(Errno::ENOENT));
    }

    /// A port without the WRITE capability is EPERM.
    fn port_without_write_is_eperm() {
        let client = Client::open();
        let port = client.create_port(PortCaps::READ | PortCaps::SUBS_READ | PortCaps::SUBS_WRITE);
        assert_eq!(client.send(&note_on(port.unwrap(), 1)), Err(Errno::EPERM));
    }

    /// A client opened for writing only cannot receive: ENOENT.
    fn write_only_client_is_enoent() {
        let (sender, deaf) = (Client::open(), Client::open_as(Mode::Write));
        let port = deaf.create_port(OPEN_PORT).unwrap();
        assert_eq!(sender.send(&note_on(port, 1)), Err(Errno::ENOENT));
    }

    /// A client opened for reading only receives.
    fn read_only_client_receives() {
        let (sender, reader) = (Client::open(), Client::open_as(Mode::Read));
        let port = reader.create_port(OPEN_PORT).unwrap();
        sender.must_send(&note_on(port, 1));
        assert_eq!(reader.notes(), [1]);
    }

    /// A client may send to its own ports.
    fn own_port_receives() {
        let client = Client::with_port();
        client.must_send(&note_on(client.port(0), 64));
        assert_eq!(client.notes(), [64]);
    }

    /// WRITE alone is enough to be sent to: SUBS_WRITE is about connections.
    fn write_without_subs_write_is_enough() {
        let (sender, reader) = (Client::open(), Client::open());
        let port = reader.create_port(PortCaps::WRITE).unwrap();
        sender.must_send(&note_on(port, 5));
        assert_eq!(reader.notes(), [5]);
    }

    /// NO_EXPORT does not stop direct events.
    fn no_export_does_not_matter() {
        let (sender, reader) = (Client::open(), Client::open());
        let port = reader.create_port(PortCaps::WRITE | PortCaps::NO_EXPORT).unwrap();
        sender.must_send(&note_on(port, 5));
        assert_eq!(reader.notes(), [5]);
    }

    /// INACTIVE does not stop direct events.
    fn inactive_port_receives() {
        let (sender, reader) = (Client::open(), Client::open());
        let port = reader.create_port(PortCaps::WRITE | PortCaps::INACTIVE).unwrap();
        sender.must_send(&note_on(port, 5));
        assert_eq!(reader.notes(), [5]);
    }

    /// An exclusively connected port still takes direct events from anybody.
    fn exclusively_connected_port_receives_from_others() {
        let (sender, reader) = (Client::with_port(), Client::with_port());
        let exclusive = aseqd_abi::seq::SubscriptionFlags::EXCLUSIVE.bits();
        let made = sender.subscribe_with(sender.port(0), reader.port(0), |s| s.flags = exclusive);
        assert_eq!(made, Ok(()));
        reader.discard();
        Client::open().must_send(&note_on(reader.port(0), 9));
        assert_eq!(reader.notes(), [9]);
    }

    /// Direct events of one writer arrive in order, from one write or several.
    fn order_is_kept() {
        let (sender, reader) = (Client::open(), Client::with_ports(2));
        let events: Vec<Event> = (0..20).map(|n| note_on(reader.port(n % 2), n)).collect();
        let bytes: Vec<u8> =
            events.iter().flat_map(|e| zerocopy::IntoBytes::as_bytes(e).to_vec()).collect();
        assert_eq!(sender.write(&bytes[..280]), Ok(280));
        assert_eq!(sender.write(&bytes[280..]), Ok(280));
        assert_eq!(reader.notes(), (0..20).collect::<Vec<u8>>());
    }

    /// A deleted port is ENOENT.
    fn deleted_port_is_enoent() {
        let (sender, reader) = (Client::open(), Client::with_port());
        assert_eq!(reader.delete_port(0), Ok(()));
        assert_eq!(sender.send(&note_on(reader.port(0), 1)), Err(Errno::ENOENT));
    }

    /// An event that has arrived stays readable when its port is deleted.
    fn events_outlive_their_port() {
        let (sender, reader) = (Client::open(), Client::with_port());
        sender.must_send(&note_on(reader.port(0), 1));
        assert_eq!(reader.delete_port(0), Ok(()));
        assert_eq!(reader.notes(), [1]);
    }

    /// An event that has arrived stays readable when its sender is gone.
    fn events_outlive_their_sender() {
        let reader = Client::with_port();
        let sender = Client::open();
        sender.must_send(&note_on(reader.port(0), 1));
        drop(sender);
        assert_eq!(reader.notes(), [1]);
    }

    /// Taking WRITE from a port with SET_PORT_INFO works at once.
    fn capability_change_takes_effect() {
        let (sender, reader) = (Client::open(), Client::with_port());
        reader.set_port(0, |info| info.capability = PortCaps::READ.bits());
        assert_eq!(sender.send(&note_on(reader.port(0), 1)), Err(Errno::EPERM));
        reader.set_port(0, |info| info.capability = PortCaps::WRITE.bits());
        sender.must_send(&note_on(reader.port(0), 2));
        assert_eq!(reader.notes(), [2]);
    }

    /// A full FIFO is EAGAIN for a direct event, on a descriptor that blocks too.
    fn full_fifo_is_eagain_for_a_blocking_writer() {
        let (sender, reader) = (Client::open_blocking(Mode::ReadWrite), Client::with_port());
        for _ in 0..reader.pool().input_pool {
            sender.must_send(&note_on(reader.port(0), 1));
        }
        assert_eq!(sender.send(&note_on(reader.port(0), 1)), Err(Errno::EAGAIN));
    }

    /// After an overflow, the reader gets ENOSPC once and has lost all.
    fn overflow_is_enospc_and_loses_all() {
        let (sender, reader) = (Client::open(), Client::with_port());
        while sender.send(&note_on(reader.port(0), 1)).is_ok() {}
        assert_eq!(reader.read(EVENT_SIZE), Err(Errno::ENOSPC));
        assert_eq!(reader.read(EVENT_SIZE), Err(Errno::EAGAIN));
        sender.must_send(&note_on(reader.port(0), 2));
        assert_eq!(reader.notes(), [2]);
    }

    /// Overflows are not counted in event_lost, at neither end.
    fn overflow_is_not_counted_as_lost() {
        let (sender, reader) = (Client::open(), Client::with_port());
        while sender.send(&note_on(reader.port(0), 1)).is_ok() {}
        assert_eq!((sender.info().event_lost, reader.info().event_lost), (0, 0));
    }

    /// Direct events take nothing from the writer's pool, and work while it is full.
    fn direct_events_need_no_pool() {
        let client = Client::with_port();
        let queue = client.create_queue();
        while client.send(&at_tick(note_on(client.port(0), 1), queue, 10)).is_ok() {}
        assert_eq!(client.pool().output_free, 0);
        client.must_send(&note_on(client.port(0), 3));
        assert_eq!(client.notes(), [3]);
    }

    /// A control event to an ordinary port is an ordinary event.
    fn control_event_to_an_ordinary_port_controls_nothing() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let event = Event { dest: client.port(0), ..control(queue, EventType::START, 0, 0) };
        client.must_send(&event);
        assert_eq!(client.wait_event().data, event.data);
        assert_eq!(client.status(queue).running, 0);
    }

    /// A port stamps nothing without the TIMESTAMP flag, even with TIME_REAL and a queue.
    fn time_real_alone_stamps_nothing() {
        let client = Client::open();
        let queue = client.create_queue();
        let port = client.create_port_with(|info| {
            info.capability = OPEN_PORT.bits();
            info.flags = PortFlags::TIME_REAL.bits();
            info.time_queue = queue;
        });
        client.must_send(&note_on(port.unwrap(), 1));
        let event = client.wait_event();
        assert_eq!(
            (event.queue, event.flags, event.time),
            (253, EventFlags::empty(), EventTime::default())
        );
    }

    /// O_NONBLOCK makes no difference to a direct event that succeeds.
    fn blocking_descriptor_sends_directly() {
        let client = Client::try_open_with(Mode::ReadWrite, OFlags::empty()).unwrap();
        let port = client.create_port(OPEN_PORT).unwrap();
        client.must_send(&note_on(port, 3));
        assert_eq!(client.wait_event().data.note().note, 3);
    }
}
