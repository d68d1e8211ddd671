//! Stamps on packets, and what permissions and exclusive connections mean for them.

use crate::case::cases;
use crate::client::{
    Client, LEGACY, MIDI1, MIDI2, NOTE1, NOTE2, OPEN_PORT, control, note_on, packet,
};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE, EventFlags, EventTime};
use aseqd_abi::seq::{PortCaps, PortFlags, SubscriptionFlags};
use aseqd_abi::{Address, Errno, EventType};

const SUBSCRIBERS: Address = Address::new(ADDRESS_SUBSCRIBERS, 0);

/// Returns a queue at tick 1234 and 5.678 s, stopped.
fn queue_at(client: &Client) -> u8 {
    let queue = client.create_queue();
    assert_eq!(client.control(queue, EventType::SETPOS_TICK, 1234), Ok(EVENT_SIZE));
    client.must_send(&control(queue, EventType::SETPOS_TIME, 5, 678_000_000));
    queue
}

/// Returns a client of a version whose port 0 stamps, with flags, and the queue.
fn stamping(version: u32, flags: PortFlags) -> (Client, u8) {
    let client = Client::midi(version);
    let queue = queue_at(&client);
    client.set_port(0, |info| {
        info.flags = (PortFlags::TIMESTAMP | flags).bits();
        info.time_queue = queue;
    });
    (client, queue)
}

cases! {
    /// A port stamps packets with its queue's tick.
    fn a_port_stamps_packets() {
        let (client, queue) = stamping(MIDI1, PortFlags::empty());
        client.must_send_packet(client.port(0), &NOTE1);
        let got = client.ump_received()[0].event;
        assert_eq!((got.queue, got.time, got.flags), (queue, EventTime::tick(1234), EventFlags::UMP));
        assert_eq!(got.ump[..1], NOTE1);
    }

    /// A port stamps packets with its queue's time.
    fn a_port_stamps_packets_with_time() {
        let (client, queue) = stamping(MIDI1, PortFlags::TIME_REAL);
        client.must_send_packet(client.port(0), &NOTE1);
        let got = client.ump_received()[0].event;
        assert_eq!((got.queue, got.time), (queue, EventTime::real(5, 678_000_000)));
        assert_eq!(got.flags, EventFlags::UMP | EventFlags::REAL_TIME);
    }

    /// The stamp is on a packet that was converted from another protocol.
    fn a_converted_packet_is_stamped() {
        let (client, queue) = stamping(MIDI2, PortFlags::TIME_REAL);
        client.must_send_packet(client.port(0), &NOTE1);
        client.must_send(&note_on(client.port(0), 60));
        for got in client.ump_received() {
            assert_eq!(got.words(), NOTE2);
            assert_eq!((got.event.queue, got.event.time), (queue, EventTime::real(5, 678_000_000)));
            assert_eq!(got.event.flags, EventFlags::UMP | EventFlags::REAL_TIME);
        }
    }

    /// A legacy event that a packet has become has the stamp, but not the flag that says it is a real time.
    fn a_stamped_legacy_event_loses_the_flag() {
        let (reader, queue) = stamping(LEGACY, PortFlags::TIME_REAL);
        let sender = Client::midi(MIDI1);
        sender.must_send_packet(reader.port(0), &NOTE1);
        let got = reader.events()[0];
        assert_eq!((got.queue, got.time), (queue, EventTime::real(5, 678_000_000)));
        assert_eq!(got.flags, EventFlags::empty());
    }

    /// A subscription stamps packets.
    fn a_subscription_stamps_packets() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI2));
        let queue = queue_at(&reader);
        let made = reader.subscribe_with(sender.port(0), reader.port(0), |info| {
            info.flags = SubscriptionFlags::TIMESTAMP.bits();
            info.queue = queue;
        });
        assert_eq!(made, Ok(()));
        reader.discard();
        sender.must_send_packet(SUBSCRIBERS, &NOTE1);
        let got = reader.ump_received();
        assert_eq!((got[0].event.queue, got[0].event.time), (queue, EventTime::tick(1234)));
        assert_eq!(got[0].words(), NOTE2);
    }

    /// Each packet of SysEx has the stamp.
    fn every_packet_of_sysex_is_stamped() {
        let (client, queue) = stamping(MIDI1, PortFlags::empty());
        let event = crate::client::variable(EventType::SYSEX, client.port(0), 12);
        assert_eq!(client.send_variable(&event, b"\xf0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\xf7"), Ok(EVENT_SIZE + 12));
        let stamps: Vec<_> = client.ump_received().iter().map(|got| (got.event.queue, got.event.time)).collect();
        assert_eq!(stamps, [(queue, EventTime::tick(1234)); 2]);
    }

    /// Packets for subscribers go to those of the port that was given as source.
    fn packets_go_to_the_ports_subscribers() {
        let (sender, reader) = (Client::midi_with_ports(MIDI1, 2), Client::midi_with_ports(MIDI1, 2));
        for port in 0..2 {
            assert_eq!(sender.subscribe(sender.port(port), reader.port(port)), Ok(()));
        }
        reader.discard();
        let mut event = packet(SUBSCRIBERS, &NOTE1);
        event.source.port = 1;
        sender.must_send_ump(&event);
        assert_eq!(reader.ump_received()[0].event.dest, reader.port(1));
    }

    /// Every subscriber gets the packet in the form that it speaks.
    fn every_subscriber_gets_its_form() {
        let sender = Client::midi(MIDI2);
        let readers = [LEGACY, MIDI1, MIDI2].map(Client::midi);
        for reader in &readers {
            assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
            reader.discard();
        }
        sender.must_send_packet(SUBSCRIBERS, &NOTE2);
        assert_eq!(readers[0].types(), [EventType::NOTEON]);
        assert_eq!((readers[1].packets(), readers[2].packets()), (vec![NOTE1.to_vec()], vec![NOTE2.to_vec()]));
    }

    /// A conversion for one subscriber leaves the packet for the next.
    fn a_conversion_leaves_the_packet_for_the_next() {
        let sender = Client::midi(MIDI2);
        let (first, second) = (Client::midi(MIDI1), Client::midi(MIDI2));
        for reader in [&first, &second] {
            reader.set_group(0, 4);
            assert_eq!(sender.subscribe(sender.port(0), reader.port(0)), Ok(()));
            reader.discard();
        }
        sender.must_send_packet(SUBSCRIBERS, &[0x1790_0000 | 0x00f8_0000]);
        sender.must_send_packet(SUBSCRIBERS, &NOTE2);
        assert_eq!(first.packets(), [[0x13f8_0000], [0x2090_3c64]]);
        assert_eq!(second.packets(), [vec![0x13f8_0000], vec![0x4390_3c00, 0xc924_0000]]);
    }

    /// An exclusive connection takes packets, and no second one.
    fn an_exclusive_connection_takes_packets() {
        let (sender, reader, other) = (Client::midi(MIDI1), Client::midi(MIDI2), Client::midi(MIDI1));
        let made = sender.subscribe_with(sender.port(0), reader.port(0), |info| {
            info.flags = SubscriptionFlags::EXCLUSIVE.bits();
        });
        assert_eq!(made, Ok(()));
        reader.discard();
        assert_eq!(sender.subscribe(sender.port(0), other.port(0)), Err(Errno::EBUSY));
        sender.must_send_packet(SUBSCRIBERS, &NOTE1);
        assert_eq!(reader.packets(), [NOTE2]);
    }

    /// A port that may not be subscribed refuses a UMP client as any other.
    fn subscribing_needs_the_capability() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI1));
        let closed = sender.create_port(PortCaps::READ).unwrap();
        assert_eq!(reader.subscribe(closed, reader.port(0)), Err(Errno::EPERM));
    }

    /// A port without WRITE refuses packets, from its own client too.
    fn writing_needs_the_capability() {
        let client = Client::midi(MIDI1);
        let port = client.create_port(OPEN_PORT - PortCaps::WRITE).unwrap();
        assert_eq!(client.send_ump(&packet(port, &NOTE1)), Err(Errno::EPERM));
    }

    /// A subscriber whose FIFO is full does not keep a packet from the next.
    fn a_full_subscriber_does_not_stop_the_next() {
        let sender = Client::midi(MIDI1);
        let (full, reader) = (Client::midi(MIDI1), Client::midi(MIDI1));
        for client in [&full, &reader] {
            assert_eq!(sender.subscribe(sender.port(0), client.port(0)), Ok(()));
        }
        full.set_pool(|pool| pool.input_pool = 1).unwrap();
        full.discard();
        reader.discard();
        sender.must_send_packet(SUBSCRIBERS, &NOTE1);
        assert_eq!(sender.send_ump(&packet(SUBSCRIBERS, &NOTE1)), Err(Errno::EAGAIN));
        assert_eq!(reader.packets(), [NOTE1, NOTE1]);
    }

    /// A packet without subscribers is a success.
    fn no_subscribers_is_success() {
        let client = Client::midi(MIDI1);
        client.must_send_packet(SUBSCRIBERS, &NOTE1);
    }
}
