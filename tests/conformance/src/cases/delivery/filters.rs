//! The event filter of a client.

use crate::case::cases;
use crate::client::{Client, Watcher, at_tick, note_on, variable};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE, EventData, Note};
use aseqd_abi::seq::{ClientFilter, PortCaps};
use aseqd_abi::{Address, Errno, Event, EventType};

cases! {
    /// A type whose bit is clear is ENOENT at the sender, as if there were no such client.
    fn rejected_type_is_enoent() {
        let (sender, reader) = (Client::open(), Client::with_port());
        reader.accept_only(&[EventType::CONTROLLER]);
        assert_eq!(sender.send(&note_on(reader.port(0), 1)), Err(Errno::ENOENT));
        assert_eq!(reader.types(), []);
    }

    /// A type whose bit is set arrives.
    fn accepted_type_arrives() {
        let (sender, reader) = (Client::open(), Client::with_port());
        reader.accept_only(&[EventType::NOTEON]);
        sender.must_send(&note_on(reader.port(0), 1));
        assert_eq!(reader.types(), [EventType::NOTEON]);
    }

    /// Without USE_EVENT the bits of the filter have no effect.
    fn bits_without_the_flag_mean_nothing() {
        let client = Client::with_port();
        client.set_info(|info| info.event_filter[1] = 4).unwrap();
        client.must_send(&note_on(client.port(0), 1));
        assert_eq!(client.types(), [EventType::NOTEON]);
    }

    /// With USE_EVENT and no bit, nothing arrives.
    fn flag_without_bits_rejects_all() {
        let client = Client::with_port();
        client.accept_only(&[]);
        for number in (0..150).filter(|n| *n != 5 && !EventType(*n).is_variable()) {
            let event = Event { dest: client.port(0), ..Event::direct(EventType(number)) };
            assert_eq!(client.send(&event), Err(Errno::ENOENT), "type {number}");
        }
    }

    /// The bit of a type is byte type/8, bit type%8, for every type.
    fn every_type_has_its_bit() {
        let client = Client::with_port();
        for number in (0..150).filter(|n| *n != 5 && !EventType(*n).is_variable()) {
            client.accept_only(&[EventType(number)]);
            let event = Event { dest: client.port(0), ..Event::direct(EventType(number)) };
            assert_eq!(client.send(&event), Ok(EVENT_SIZE), "type {number}");
            let other = if number == 0 { 1 } else { number - 1 };
            if other != 5 && !EventType(other).is_variable() {
                let event = Event { dest: client.port(0), ..Event::direct(EventType(other)) };
                assert_eq!(client.send(&event), Err(Errno::ENOENT), "type {other}");
            }
        }
    }

    /// Variable types are filtered like others.
    fn variable_types_are_filtered() {
        let client = Client::with_port();
        client.accept_only(&[EventType::SYSEX]);
        let sysex = variable(EventType::SYSEX, client.port(0), 3);
        let user = variable(EventType::USR_VAR0, client.port(0), 3);
        assert_eq!(client.send_variable(&sysex, b"abc"), Ok(EVENT_SIZE + 3));
        assert_eq!(client.send_variable(&user, b"abc"), Err(Errno::ENOENT));
    }

    /// A rejected type does not overflow the reader.
    fn rejection_is_no_overflow() {
        let client = Client::with_port();
        client.accept_only(&[]);
        assert_eq!(client.send(&note_on(client.port(0), 1)), Err(Errno::ENOENT));
        assert_eq!(client.read(EVENT_SIZE), Err(Errno::EAGAIN));
    }

    /// The filter comes before the port: ENOENT, not EPERM.
    fn filter_is_asked_before_the_port() {
        let client = Client::open();
        let port = client.create_port(PortCaps::READ).unwrap();
        client.accept_only(&[]);
        assert_eq!(client.send(&note_on(port, 1)), Err(Errno::ENOENT));
    }

    /// The filter is about what is received, not about what is sent.
    fn sender_is_not_filtered() {
        let (sender, reader) = (Client::open(), Client::with_port());
        sender.accept_only(&[]);
        sender.must_send(&note_on(reader.port(0), 1));
        assert_eq!(reader.notes(), [1]);
    }

    /// In fan-out a filtering subscriber gives ENOENT and the others get the event.
    fn filtering_subscriber_is_an_error_of_the_fanout() {
        let (sender, deaf, reader) =
            (Client::with_port(), Client::with_port(), Client::with_port());
        assert_eq!(sender.subscribe(sender.port(0), deaf.port(0)), Ok(()));
        assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
        deaf.accept_only(&[]);
        reader.discard();
        let event = note_on(Address::new(ADDRESS_SUBSCRIBERS, 0), 5);
        assert_eq!(sender.send(&event), Err(Errno::ENOENT));
        assert_eq!(reader.notes(), [5]);
    }

    /// A filter change is about later events: what is in the FIFO stays.
    fn unread_events_stay() {
        let client = Client::with_port();
        client.must_send(&note_on(client.port(0), 1));
        client.accept_only(&[]);
        assert_eq!(client.notes(), [1]);
    }

    /// Announcements are filtered like other events.
    fn announcements_are_filtered() {
        let watcher = Watcher::new();
        watcher.0.accept_only(&[EventType::PORT_START]);
        let client = Client::with_port();
        assert_eq!(client.delete_port(0), Ok(()));
        let told = watcher.announced(&[client.id]);
        assert_eq!(told.iter().map(|e| e.event_type).collect::<Vec<_>>(), [EventType::PORT_START]);
    }

    /// Notices to a connected port are filtered.
    fn notices_are_filtered() {
        let (client, reader) = (Client::with_port(), Client::with_port());
        reader.accept_only(&[EventType::PORT_UNSUBSCRIBED]);
        assert_eq!(client.subscribe(client.port(0), reader.port(0)), Ok(()));
        assert_eq!(client.unsubscribe(client.port(0), reader.port(0)), Ok(()));
        assert_eq!(reader.types(), [EventType::PORT_UNSUBSCRIBED]);
    }

    /// Echoes of the timer port are filtered.
    fn timer_echoes_are_filtered() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.listen_to_timer();
        client.accept_only(&[EventType::STOP]);
        client.start(queue);
        assert_eq!(client.control(queue, EventType::STOP, 0), Ok(EVENT_SIZE));
        let types: Vec<EventType> = client.echoes(queue).iter().map(|e| e.event_type).collect();
        assert_eq!(types, [EventType::STOP]);
    }

    /// A bounce that the sender's own filter rejects is lost, and counted.
    fn filtered_bounce_is_lost_and_counted() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.want_bounces();
        client.accept_only(&[EventType::NOTEON]);
        client.dispatch(queue);
        assert_eq!(client.types(), []);
        assert_eq!(client.info().event_lost, 1);
    }

    /// A queued NOTE is filtered by the types it becomes.
    fn note_is_filtered_as_note_on_and_note_off() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.accept_only(&[EventType::NOTEOFF]);
        let mut event = at_tick(note_on(client.port(0), 0), queue, 0);
        event.event_type = EventType::NOTE;
        event.data = EventData::from_note(Note { note: 3, duration: 0, ..Note::default() });
        client.must_send(&event);
        client.dispatch(queue);
        assert_eq!(client.types(), [EventType::NOTEOFF]);
    }

    /// BROADCAST and MULTICAST are stored and without effect.
    fn broadcast_and_multicast_bits_have_no_effect() {
        let client = Client::with_port();
        let bits = ClientFilter::BROADCAST | ClientFilter::MULTICAST;
        client.set_info(|info| info.filter = bits.bits()).unwrap();
        client.must_send(&note_on(client.port(0), 1));
        assert_eq!(client.notes(), [1]);
        assert_eq!(client.info().filter, bits.bits());
    }

    /// NO_CONVERT does nothing to legacy events between legacy clients.
    fn no_convert_does_nothing_to_legacy_events() {
        let client = Client::with_port();
        client.set_info(|info| info.filter = ClientFilter::NO_CONVERT.bits()).unwrap();
        client.must_send(&note_on(client.port(0), 1));
        assert_eq!(client.notes(), [1]);
    }

    /// Clearing USE_EVENT lets everything through again, with the bits still stored.
    fn clearing_the_flag_opens_again() {
        let client = Client::with_port();
        client.accept_only(&[EventType::CLOCK]);
        client.set_info(|info| info.filter = 0).unwrap();
        client.must_send(&note_on(client.port(0), 1));
        assert_eq!(client.notes(), [1]);
        assert_eq!(client.info().event_filter[4], 1 << 4);
    }
}
