//! Events to the subscribers of a port.

use crate::case::cases;
use crate::client::{Client, Mode, NOBODY, OPEN_PORT, at_tick, note_on};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE};
use aseqd_abi::seq::{PortCaps, SubscriptionFlags};
use aseqd_abi::{Address, Errno, Event, EventType};

/// The address of the subscribers.
const SUBSCRIBERS: Address = Address::new(ADDRESS_SUBSCRIBERS, 0);

/// Returns a sender and a reader with ports 0.., all connected in the order of the numbers.
fn connected(ports: u8) -> (Client, Client) {
    let (sender, reader) = (Client::with_port(), Client::with_ports(ports));
    for port in 0..ports {
        assert_eq!(sender.subscribe(sender.port(0), reader.port(port)), Ok(()));
    }
    reader.discard();
    (sender, reader)
}

/// Returns the ports at which a reader got events.
fn ports(reader: &Client) -> Vec<u8> {
    reader.events().iter().map(|event| event.dest.port).collect()
}

cases! {
    /// Every subscriber gets the event.
    fn every_subscriber_gets_it() {
        let (sender, reader) = connected(3);
        let other = Client::with_port();
        assert_eq!(sender.subscribe(sender.port(0), other.port(0)), Ok(()));
        other.discard();
        sender.must_send(&note_on(SUBSCRIBERS, 1));
        assert_eq!((reader.notes(), other.notes()), (vec![1, 1, 1], vec![1]));
    }

    /// The destination in the record is the subscriber, the queue is 253.
    fn record_names_the_subscriber() {
        let (sender, reader) = connected(2);
        sender.must_send(&note_on(SUBSCRIBERS, 1));
        let expected = |port| Event { source: sender.port(0), ..note_on(reader.port(port), 1) };
        assert_eq!(reader.events(), [expected(0), expected(1)]);
    }

    /// Subscribers are served in the order of their subscription.
    fn order_is_that_of_subscription() {
        let (sender, reader) = (Client::with_port(), Client::with_ports(4));
        for port in [2, 0, 3, 1] {
            assert_eq!(sender.subscribe(sender.port(0), reader.port(port)), Ok(()));
        }
        reader.discard();
        sender.must_send(&note_on(SUBSCRIBERS, 1));
        assert_eq!(ports(&reader), [2, 0, 3, 1]);
    }

    /// A port that subscribes again moves to the end of the list.
    fn renewed_subscription_goes_to_the_end() {
        let (sender, reader) = connected(3);
        assert_eq!(sender.unsubscribe(sender.port(0), reader.port(0)), Ok(()));
        assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
        reader.discard();
        sender.must_send(&note_on(SUBSCRIBERS, 1));
        assert_eq!(ports(&reader), [1, 2, 0]);
    }

    /// Without subscribers the event goes nowhere and the write succeeds.
    fn no_subscriber_is_success() {
        Client::with_port().must_send(&note_on(SUBSCRIBERS, 1));
    }

    /// Subscribers of another port of the sender get nothing.
    fn other_ports_subscribers_get_nothing() {
        let (sender, reader) = connected(1);
        assert_eq!(sender.create_port(OPEN_PORT), Ok(sender.port(1)));
        let event = Event { source: sender.port(1), ..note_on(SUBSCRIBERS, 1) };
        sender.must_send(&event);
        assert_eq!(reader.types(), []);
    }

    /// The port in a destination 254:P does not matter.
    fn port_of_the_subscribers_address_does_not_matter() {
        let (sender, reader) = connected(1);
        for port in [0, 1, 200, 255] {
            sender.must_send(&note_on(Address::new(ADDRESS_SUBSCRIBERS, port), port));
        }
        assert_eq!(reader.notes(), [0, 1, 200, 255]);
    }

    /// Queue number 254 goes to the subscribers whatever the destination says.
    fn queue_254_overrides_the_destination() {
        let (sender, reader) = connected(1);
        let event = Event { queue: 254, ..note_on(NOBODY, 4) };
        sender.must_send(&event);
        let received = reader.wait_event();
        assert_eq!((received.dest, received.queue), (reader.port(0), 253));
    }

    /// Queue number 254 does not serve the port that the destination names.
    fn queue_254_leaves_out_the_named_port() {
        let (sender, reader) = connected(1);
        let named = Client::with_port();
        sender.must_send(&Event { queue: 254, ..note_on(named.port(0), 4) });
        assert_eq!((named.notes(), reader.notes()), (vec![], vec![4]));
    }

    /// A source port that does not exist is EINVAL.
    fn missing_source_port_is_einval() {
        let (sender, _reader) = connected(1);
        let event = Event { source: sender.port(9), ..note_on(SUBSCRIBERS, 1) };
        assert_eq!(sender.send(&event), Err(Errno::EINVAL));
    }

    /// A source port that does not exist is EINVAL through a queue too, at once.
    fn missing_source_port_is_einval_when_queued() {
        let (sender, _reader) = connected(1);
        let queue = sender.create_queue();
        let event = Event { source: sender.port(9), ..note_on(SUBSCRIBERS, 1) };
        assert_eq!(sender.send(&at_tick(event, queue, 10)), Err(Errno::EINVAL));
        assert_eq!(sender.status(queue).events, 0);
    }

    /// By queue number 254, a missing source port is success without delivery.
    since "6.12" fn missing_source_port_by_queue_254_is_success() {
        let (sender, reader) = connected(1);
        let event = Event { source: sender.port(9), queue: 254, ..note_on(SUBSCRIBERS, 1) };
        sender.must_send(&event);
        assert_eq!(reader.types(), []);
    }

    /// By queue number 254, a missing source port is EINVAL.
    until "6.12" fn missing_source_port_by_queue_254_is_einval() {
        let (sender, _reader) = connected(1);
        let event = Event { source: sender.port(9), queue: 254, ..note_on(SUBSCRIBERS, 1) };
        assert_eq!(sender.send(&event), Err(Errno::EINVAL));
    }

    /// A failure at one subscriber is the writer's error, and the others still get the event.
    fn failure_does_not_stop_the_others() {
        let (sender, reader) = connected(3);
        reader.set_port(1, |info| info.capability = PortCaps::READ.bits());
        assert_eq!(sender.send(&note_on(SUBSCRIBERS, 1)), Err(Errno::EPERM));
        assert_eq!(ports(&reader), [0, 2]);
    }

    /// Of several errors the first one is returned.
    fn first_error_is_returned() {
        let (sender, reader) = connected(1);
        let deaf = Client::with_port();
        assert_eq!(sender.subscribe(sender.port(0), deaf.port(0)), Ok(()));
        deaf.accept_only(&[]);
        reader.set_port(0, |info| info.capability = PortCaps::READ.bits());
        assert_eq!(sender.send(&note_on(SUBSCRIBERS, 1)), Err(Errno::EPERM));
        assert_eq!(sender.unsubscribe(sender.port(0), deaf.port(0)), Ok(()));
        let sender = Client::with_port();
        reader.set_port(0, |info| info.capability = OPEN_PORT.bits());
        assert_eq!(sender.subscribe(sender.port(0), deaf.port(0)), Ok(()));
        assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
        reader.set_port(0, |info| info.capability = PortCaps::READ.bits());
        assert_eq!(sender.send(&note_on(SUBSCRIBERS, 1)), Err(Errno::ENOENT));
    }

    /// A full FIFO at the first subscriber is EAGAIN; the second gets the event.
    fn full_subscriber_is_eagain_and_the_next_gets_it() {
        let (sender, reader) = connected(1);
        let other = Client::with_port();
        assert_eq!(sender.subscribe(sender.port(0), other.port(0)), Ok(()));
        other.discard();
        while sender.send(&note_on(reader.port(0), 1)).is_ok() {}
        assert_eq!(sender.send(&note_on(SUBSCRIBERS, 8)), Err(Errno::EAGAIN));
        assert_eq!(other.notes(), [8]);
    }

    /// A write-only client may be subscribed, but delivery to it is ENOENT.
    fn write_only_subscriber_is_enoent() {
        let (sender, deaf) = (Client::with_port(), Client::open_as(Mode::Write));
        let port = deaf.create_port(OPEN_PORT).unwrap();
        assert_eq!(sender.subscribe(sender.port(0), port), Ok(()));
        assert_eq!(sender.send(&note_on(SUBSCRIBERS, 1)), Err(Errno::ENOENT));
    }

    /// Two subscriptions of the same port deliver twice.
    fn double_subscription_delivers_twice() {
        let (sender, reader) = connected(1);
        let flags = SubscriptionFlags::TIMESTAMP.bits();
        let again = sender.subscribe_with(sender.port(0), reader.port(0), |info| {
            info.flags = flags;
            info.queue = 99;
        });
        assert_eq!(again, Ok(()));
        reader.discard();
        sender.must_send(&note_on(SUBSCRIBERS, 3));
        assert_eq!(reader.notes(), [3, 3]);
    }

    /// A port may be its own subscriber.
    fn port_may_be_its_own_subscriber() {
        let client = Client::with_port();
        assert_eq!(client.subscribe(client.port(0), client.port(0)), Ok(()));
        client.must_send(&note_on(SUBSCRIBERS, 3));
        assert_eq!(client.notes(), [3]);
    }

    /// The sending port needs no READ capability to send.
    fn sender_needs_no_capability() {
        let (sender, reader) = connected(1);
        sender.set_port(0, |info| info.capability = 0);
        sender.must_send(&note_on(SUBSCRIBERS, 3));
        assert_eq!(reader.notes(), [3]);
    }

    /// The subscribers of a queued event are those when it is due, not those when it is written.
    fn queued_event_goes_to_the_subscribers_of_its_time() {
        let (sender, early) = connected(1);
        let late = Client::with_port();
        let queue = sender.create_queue();
        sender.must_send(&at_tick(note_on(SUBSCRIBERS, 7), queue, 10));
        assert_eq!(sender.unsubscribe(sender.port(0), early.port(0)), Ok(()));
        assert_eq!(sender.subscribe(sender.port(0), late.port(0)), Ok(()));
        early.discard();
        late.discard();
        sender.move_to_tick(queue, 10);
        assert_eq!((early.notes(), late.notes()), (vec![], vec![7]));
    }

    /// A queued event to subscribers arrives with the queue's number and its time.
    fn queued_event_keeps_queue_and_time() {
        let (sender, reader) = connected(2);
        let queue = sender.create_queue();
        let event = at_tick(note_on(SUBSCRIBERS, 7), queue, 10);
        sender.must_send(&event);
        sender.move_to_tick(queue, 10);
        let expected = |port| Event { source: sender.port(0), dest: reader.port(port), ..event };
        assert_eq!(reader.events(), [expected(0), expected(1)]);
    }

    /// When the source port is gone at its time, a queued event to subscribers goes nowhere.
    fn queued_event_of_a_deleted_port_goes_nowhere() {
        let (sender, reader) = connected(1);
        let queue = sender.create_queue();
        sender.must_send(&at_tick(note_on(SUBSCRIBERS, 7), queue, 10));
        assert_eq!(sender.delete_port(0), Ok(()));
        reader.discard();
        sender.move_to_tick(queue, 10);
        assert_eq!((reader.notes(), sender.status(queue).events), (vec![], 0));
    }

    /// A port made again under its number has no subscribers.
    fn port_made_again_has_no_subscribers() {
        let (sender, reader) = connected(1);
        assert_eq!(sender.delete_port(0), Ok(()));
        assert_eq!(sender.create_port(OPEN_PORT), Ok(sender.port(0)));
        reader.discard();
        sender.must_send(&note_on(SUBSCRIBERS, 7));
        assert_eq!(reader.types(), []);
    }

    /// A connection made by a third party delivers like any other.
    fn third_party_connection_delivers() {
        let (sender, reader) = (Client::with_port(), Client::with_port());
        assert_eq!(Client::open().subscribe(sender.port(0), reader.port(0)), Ok(()));
        reader.discard();
        sender.must_send(&note_on(SUBSCRIBERS, 7));
        assert_eq!(reader.notes(), [7]);
    }

    /// A subscription outlives the client that made it for others.
    fn connection_outlives_its_maker() {
        let (sender, reader) = (Client::with_port(), Client::with_port());
        let maker = Client::open();
        assert_eq!(maker.subscribe(sender.port(0), reader.port(0)), Ok(()));
        drop(maker);
        reader.discard();
        sender.must_send(&note_on(SUBSCRIBERS, 7));
        assert_eq!(reader.notes(), [7]);
    }

    /// Subscribers do not get what is sent to the port they listen to.
    fn events_to_a_port_do_not_reach_its_subscribers() {
        let (sender, reader) = connected(1);
        Client::open().must_send(&note_on(sender.port(0), 7));
        assert_eq!(reader.types(), []);
        let types: Vec<EventType> = sender.types();
        assert_eq!(types.last(), Some(&EventType::NOTEON));
    }

    /// A batch that fails in fan-out reports what went before.
    fn batch_stops_at_a_failing_fanout() {
        let (sender, reader) = connected(1);
        let bytes = |event: Event| zerocopy::IntoBytes::as_bytes(&event).to_vec();
        let own = Event { source: sender.port(9), ..note_on(SUBSCRIBERS, 2) };
        let batch = [bytes(note_on(SUBSCRIBERS, 1)), bytes(own), bytes(note_on(SUBSCRIBERS, 3))];
        assert_eq!(sender.write(&batch.concat()), Ok(EVENT_SIZE));
        assert_eq!(reader.notes(), [1]);
    }
}
