//! Packets in queues: order, times, bounces, what happens when the writer or the reader changes.

use crate::case::cases;
use crate::client::{
    Client, LEGACY, MIDI1, MIDI2, NO_PACKETS, NOBODY, NOTE1, UMP_SIZE, UmpReceived, at_tick,
    note_on, packet, packet_at_tick, wait_until,
};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE, EventFlags, EventTime};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Address, Errno, EventType};
use zerocopy::IntoBytes as _;

const SUBSCRIBERS: Address = Address::new(ADDRESS_SUBSCRIBERS, 0);

/// Returns a MIDI 1.0 client with two ports, and a stopped queue.
fn fixture() -> (Client, u8) {
    let client = Client::midi_with_ports(MIDI1, 2);
    let queue = client.create_queue();
    (client, queue)
}

/// Returns a note-on with a number as packet to port 0.
fn note(client: &Client, number: u32) -> UmpEvent {
    packet(client.port(0), &[0x2090_0064 | number << 8])
}

/// Returns the numbers of the notes in packets.
fn notes(received: &[UmpReceived]) -> Vec<u32> {
    received.iter().map(|received| received.words()[0] >> 8 & 0x7f).collect()
}

/// Returns a packet to nobody that has the type of a bounce.
fn like_a_bounce() -> UmpEvent {
    let flags = EventFlags::UMP | EventFlags::VARIABLE | EventFlags::VARUSR;
    UmpEvent { flags, event_type: EventType::BOUNCE, ..packet(NOBODY, &NOTE1) }
}

/// Sends three packets to nobody by a queue, of which the second has the type of a bounce. Returns the types of those that
/// are bounced.
fn bounced_packets() -> Vec<u8> {
    let (client, queue) = fixture();
    client.want_bounces();
    for event in [packet(NOBODY, &NOTE1), like_a_bounce(), packet(NOBODY, &NOTE1)] {
        client.must_send_ump(&packet_at_tick(event, queue, 0));
    }
    assert_eq!(client.info().event_lost, 0);
    client.ump_received().iter().map(|bounce| bounce.data[0]).collect()
}

cases! {
    /// A packet waits in a queue until it is due, and arrives as a direct one with its time.
    fn a_packet_waits_until_it_is_due() {
        let (client, queue) = fixture();
        let event = packet_at_tick(note(&client, 1), queue, 10);
        client.must_send_ump(&event);
        assert_eq!((client.status(queue).events, client.packets().len()), (1, 0));
        client.move_to_tick(queue, 10);
        let got = client.ump_received()[0].event;
        assert_eq!((got.time, got.flags, got.ump), (event.time, event.flags, event.ump));
        assert_eq!((got.source, got.queue), (client.port(0), queue));
    }

    /// Packets go out in the order of their times; those of one time in the order of writing.
    fn packets_go_out_in_order_of_time() {
        let (client, queue) = fixture();
        for (number, tick) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 30)] {
            client.must_send_ump(&packet_at_tick(note(&client, number), queue, tick));
        }
        client.move_to_tick(queue, 30);
        assert_eq!(notes(&client.ump_received()), [2, 4, 3, 1, 5]);
    }

    /// Packets and legacy events share the order.
    fn packets_and_events_share_the_order() {
        let (client, queue) = fixture();
        for number in 0..6_u8 {
            let tick = 10 + u32::from(number) / 3;
            if number % 2 == 0 {
                client.must_send_ump(&packet_at_tick(note(&client, number.into()), queue, tick));
            } else {
                client.must_send(&at_tick(note_on(client.port(0), number), queue, tick));
            }
        }
        client.move_to_tick(queue, 20);
        assert_eq!(notes(&client.ump_received()), [0, 1, 2, 3, 4, 5]);
    }

    /// A packet of high priority goes before all others of its time, those of high priority too.
    fn priority_goes_first() {
        let (client, queue) = fixture();
        for number in 1..=3 {
            let mut event = packet_at_tick(note(&client, number), queue, 10);
            if number > 1 {
                event.flags.insert(EventFlags::PRIORITY);
            }
            client.must_send_ump(&event);
        }
        client.move_to_tick(queue, 10);
        assert_eq!(notes(&client.ump_received()), [3, 2, 1]);
    }

    /// A relative time counts from the queue's position; the packet arrives with the absolute one.
    fn relative_times_become_absolute() {
        let (client, queue) = fixture();
        client.move_to_tick(queue, 100);
        let mut event = packet_at_tick(note(&client, 1), queue, 20);
        event.flags.insert(EventFlags::RELATIVE);
        client.must_send_ump(&event);
        client.move_to_tick(queue, 119);
        assert_eq!(client.packets(), NO_PACKETS);
        client.move_to_tick(queue, 120);
        let got = client.ump_received()[0].event;
        assert_eq!((got.time, got.flags), (EventTime::tick(120), EventFlags::UMP));
    }

    /// Times in seconds are kept apart from ticks.
    fn real_times_of_packets() {
        let (client, queue) = fixture();
        for (number, sec) in [(1, 3), (2, 2)] {
            let mut event = note(&client, number);
            event.queue = queue;
            event.flags.insert(EventFlags::REAL_TIME);
            event.time = EventTime::real(sec, 500);
            client.must_send_ump(&event);
        }
        client.move_to_tick(queue, 1000);
        assert_eq!(client.packets(), NO_PACKETS);
        client.move_to_time(queue, 3, 500);
        assert_eq!(notes(&client.ump_received()), [2, 1]);
    }

    /// A packet that is due at once is delivered by the write.
    fn a_packet_that_is_due_is_delivered_at_once() {
        let (client, queue) = fixture();
        client.must_send_ump(&packet_at_tick(note(&client, 1), queue, 0));
        assert_eq!(notes(&client.ump_received()), [1]);
    }

    /// A running queue delivers packets by its timer.
    fn a_running_queue_delivers_packets() {
        let (client, queue) = fixture();
        client.start(queue);
        let mut event = packet_at_tick(note(&client, 7), queue, 2);
        event.flags.insert(EventFlags::RELATIVE);
        client.must_send_ump(&event);
        wait_until("it comes", || client.readable());
        assert_eq!(notes(&client.ump_received()), [7]);
    }

    /// A packet for subscribers waits and reaches each, converted for each.
    fn queued_packets_reach_every_subscriber() {
        let (client, queue) = fixture();
        let readers = [LEGACY, MIDI1, MIDI2].map(Client::midi);
        for reader in &readers {
            assert_eq!(client.subscribe(client.port(0), reader.port(0)), Ok(()));
            reader.discard();
        }
        let event = packet(SUBSCRIBERS, &NOTE1);
        client.must_send_ump(&packet_at_tick(event, queue, 10));
        client.move_to_tick(queue, 10);
        assert_eq!(readers[0].types(), [EventType::NOTEON]);
        assert_eq!(readers[1].packets(), [NOTE1]);
        assert_eq!(readers[2].packets(), [crate::client::NOTE2]);
    }

    /// The conversion is chosen when the packet is due.
    fn the_conversion_is_chosen_when_due() {
        let (client, queue) = fixture();
        let reader = Client::midi(LEGACY);
        let event = packet(reader.port(0), &NOTE1);
        client.must_send_ump(&packet_at_tick(event, queue, 10));
        assert_eq!(reader.set_midi(MIDI2), Ok(()));
        client.move_to_tick(queue, 10);
        assert_eq!(reader.packets(), [crate::client::NOTE2]);
    }

    /// Packets that wait are delivered after their writer has become legacy.
    fn a_legacy_writers_packets_are_delivered() {
        let (client, queue) = fixture();
        let reader = Client::midi(MIDI1);
        client.must_send_ump(&packet_at_tick(packet(reader.port(0), &NOTE1), queue, 10));
        assert_eq!(client.set_midi(LEGACY), Ok(()));
        client.move_to_tick(queue, 10);
        assert_eq!(reader.packets(), [NOTE1]);
    }

    /// A packet to a queue that does not exist is EINVAL.
    fn a_packet_to_a_missing_queue_is_einval() {
        let (client, queue) = fixture();
        assert_eq!(client.delete_queue(queue), Ok(()));
        assert_eq!(client.send_ump(&packet_at_tick(note(&client, 1), queue, 10)), Err(Errno::EINVAL));
    }

    /// A packet to a queue that its writer does not use is EINVAL; a user of a locked one may write.
    fn a_packet_to_anothers_queue() {
        let (client, other) = (Client::midi(MIDI1), Client::midi(MIDI1));
        let queue = client.create_locked_queue();
        let event = packet_at_tick(packet(other.port(0), &NOTE1), queue, 0);
        assert_eq!(other.send_ump(&event), Err(Errno::EINVAL));
        assert_eq!(other.use_queue(queue, true), Ok(()));
        assert_eq!(other.send_ump(&event), Ok(UMP_SIZE));
    }

    /// Packets that wait end with the client that wrote them.
    fn packets_end_with_their_writer() {
        let owner = Client::midi(MIDI1);
        let queue = owner.create_queue();
        let writer = Client::midi(MIDI1);
        assert_eq!(writer.use_queue(queue, true), Ok(()));
        writer.must_send_ump(&packet_at_tick(packet(owner.port(0), &NOTE1), queue, 10));
        assert_eq!(owner.status(queue).events, 1);
        drop(writer);
        wait_until("they are gone", || owner.status(queue).events == 0);
    }

    /// A packet that fails when due is bounced as an event with data: the first 28 bytes of its record.
    fn a_packet_that_fails_bounces() {
        let (client, queue) = fixture();
        client.want_bounces();
        let mut event = packet_at_tick(packet(NOBODY, &[0x2090_3c64, 1, 2, 3]), queue, 0);
        event.tag = 9;
        client.must_send_ump(&event);
        let bounces = client.ump_received();
        let bounce = bounces.iter().find(|bounce| bounce.event.event_type == EventType::BOUNCE);
        let bounce = bounce.expect("a bounce");
        assert_eq!((bounce.event.source, bounce.event.flags), (Address::new(0, 1), EventFlags::VARIABLE));
        event.source = client.port(0);
        assert_eq!(bounce.event.ump, [28, 0, 0, 0]);
        assert_eq!(bounce.data, event.as_bytes()[..EVENT_SIZE]);
    }

    /// A packet with the type of a bounce that fails comes back in another bounce, as an event of that type does.
    until "7.2" fn a_failed_packet_with_the_type_of_a_bounce_is_bounced() {
        assert_eq!(bounced_packets(), [0, 131, 0]);
    }

    /// A packet with the type of a bounce that fails vanishes, as an event of that type does: the type counts, although
    /// that of a packet says nothing else.
    since "7.2" fn a_failed_packet_with_the_type_of_a_bounce_is_not_bounced() {
        assert_eq!(bounced_packets(), [0, 0]);
    }

    /// The failure of a direct packet with the type of a bounce is the writer's error, as of any other.
    fn a_direct_packet_with_the_type_of_a_bounce_fails() {
        let (client, _queue) = fixture();
        client.want_bounces();
        assert_eq!(client.send_ump(&like_a_bounce()), Err(Errno::ENOENT));
        assert_eq!(client.send_ump(&packet(NOBODY, &NOTE1)), Err(Errno::ENOENT));
        assert_eq!(client.ump_received(), []);
    }

    /// The type of a bounce has data, so a packet with this type is refused unless both length bits are set.
    fn a_packet_with_the_type_of_a_bounce_needs_length_bits() {
        let (client, queue) = fixture();
        for length in [EventFlags::empty(), EventFlags::VARIABLE, EventFlags::VARUSR] {
            let flags = EventFlags::UMP | length;
            let event = packet_at_tick(UmpEvent { flags, ..like_a_bounce() }, queue, 0);
            assert_eq!(client.send_ump(&event), Err(Errno::EINVAL), "{flags:?}");
        }
    }

    /// A packet that is dropped by a filter or a conversion does not bounce.
    fn a_packet_that_vanishes_does_not_bounce() {
        let (client, queue) = fixture();
        client.want_bounces();
        let reader = Client::midi(LEGACY);
        client.must_send_ump(&packet_at_tick(packet(reader.port(0), &[0xf000_0101, 0, 0, 0]), queue, 0));
        client.must_send_ump(&packet_at_tick(packet(reader.port(0), &[0x4000_0101, 0]), queue, 0));
        assert_eq!((client.ump_received(), reader.types()), (vec![], vec![]));
        assert_eq!(client.info().event_lost, 0);
    }

    /// A packet that does not find room bounces as a legacy event does.
    fn a_packet_without_room_bounces() {
        let (client, queue) = fixture();
        client.want_bounces();
        let reader = Client::midi(MIDI1);
        reader.set_pool(|pool| pool.input_pool = 1).unwrap();
        for _ in 0..2 {
            client.must_send_ump(&packet_at_tick(packet(reader.port(0), &NOTE1), queue, 0));
        }
        let bounces = client.ump_received();
        assert_eq!((bounces.len(), bounces[0].event.event_type), (1, EventType::BOUNCE));
    }

    /// Legacy events in the same queue go on as ever when a UMP client is there.
    fn legacy_events_of_a_ump_client_wait_too() {
        let (client, queue) = fixture();
        let reader = Client::with_port();
        assert_eq!(client.send(&at_tick(note_on(reader.port(0), 3), queue, 10)), Ok(EVENT_SIZE));
        client.move_to_tick(queue, 10);
        assert_eq!(reader.notes(), [3]);
    }

    /// A packet with queue 253 is direct, whatever its time says.
    fn a_direct_packet_ignores_its_time() {
        let (client, _queue) = fixture();
        let mut event = note(&client, 1);
        event.time = EventTime::tick(u32::MAX);
        client.must_send_ump(&event);
        assert_eq!(notes(&client.ump_received()), [1]);
    }

    /// Queue 254 of a packet means the subscribers, without a queue.
    fn queue_254_means_the_subscribers() {
        let (client, _queue) = fixture();
        let reader = Client::midi(MIDI1);
        assert_eq!(client.subscribe(client.port(0), reader.port(0)), Ok(()));
        reader.discard();
        let mut event = packet(NOBODY, &NOTE1);
        event.queue = ADDRESS_SUBSCRIBERS;
        client.must_send_ump(&event);
        assert_eq!(reader.packets(), [NOTE1]);
    }
}
