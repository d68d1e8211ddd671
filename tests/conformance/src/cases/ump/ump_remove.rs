//! REMOVE_EVENTS with packets among what waits.

use crate::case::cases;
use crate::client::{Client, MIDI1, UmpReceived, at_tick, note_on, packet, packet_at_tick};
use aseqd_abi::EventType as T;
use aseqd_abi::event::{EventFlags, EventTime};
use aseqd_abi::seq::RemoveMode as M;
use aseqd_abi::ump::UmpEvent;

const OUT: M = M::OUTPUT;

/// Returns a MIDI 1.0 client with two ports, and a stopped queue.
fn fixture() -> (Client, u8) {
    let client = Client::midi_with_ports(MIDI1, 2);
    let queue = client.create_queue();
    (client, queue)
}

/// Writes a packet at a tick, which is the number of its note too.
fn put(client: &Client, queue: u8, tick: u32, change: impl FnOnce(&mut UmpEvent)) {
    let event = packet(client.port(0), &[0x2090_0064 | tick << 8]);
    let mut event = packet_at_tick(event, queue, tick);
    change(&mut event);
    client.must_send_ump(&event);
}

/// Lets all events out of a queue, and returns the notes that were left.
fn left(client: &Client, queue: u8) -> Vec<u32> {
    client.must_send(&crate::client::control(queue, T::SETPOS_TIME, u32::MAX, 0));
    client.move_to_tick(queue, u32::MAX);
    let number = |received: &UmpReceived| received.words()[0] >> 8 & 0x7f;
    client.ump_received().iter().map(number).collect()
}

cases! {
    /// OUTPUT alone removes packets, and gives their cells back.
    fn output_removes_packets() {
        let (client, queue) = fixture();
        put(&client, queue, 1, |_| {});
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 2));
        client.remove(OUT, |_| {});
        assert_eq!((client.status(queue).events, client.pool().output_free), (0, 500));
    }

    /// DEST removes packets to an address.
    fn dest_removes_packets_to_an_address() {
        let (client, queue) = fixture();
        put(&client, queue, 1, |_| {});
        put(&client, queue, 2, |event| event.dest = client.port(1));
        client.remove(OUT | M::DEST, |info| {
            info.queue = queue;
            info.dest = client.port(1);
        });
        assert_eq!(left(&client, queue), [1]);
    }

    /// TIME_BEFORE and TIME_AFTER look at the time of packets.
    fn times_of_packets_count() {
        for (mode, expected) in [(M::TIME_BEFORE, vec![20, 30]), (M::TIME_AFTER, vec![10])] {
            let (client, queue) = fixture();
            for tick in [10, 20, 30] {
                put(&client, queue, tick, |_| {});
            }
            client.remove(OUT | mode | M::TIME_TICK, |info| info.time = EventTime::tick(20));
            assert_eq!(left(&client, queue), expected, "{mode:?}");
        }
    }

    /// TIME_BEFORE with a real time looks at the real time of packets.
    fn real_times_of_packets_count() {
        let (client, queue) = fixture();
        for sec in [1, 2, 3] {
            put(&client, queue, sec, |event| {
                event.flags |= EventFlags::REAL_TIME;
                event.time = EventTime::real(sec, 0);
            });
        }
        client.remove(OUT | M::TIME_BEFORE, |info| info.time = EventTime::real(2, 0));
        assert_eq!(left(&client, queue), [2, 3]);
    }

    /// EVENT_TYPE looks at the type byte of a packet's record.
    fn event_type_looks_at_the_type_byte() {
        let (client, queue) = fixture();
        put(&client, queue, 1, |_| {});
        put(&client, queue, 2, |event| event.event_type = T::NOTEON);
        client.remove(OUT | M::EVENT_TYPE, |info| info.event_type = T::NOTEON.0.into());
        assert_eq!(left(&client, queue), [1]);
    }

    /// EVENT_TYPE 0 removes packets with that type byte, as most have.
    fn event_type_0_removes_packets() {
        let (client, queue) = fixture();
        put(&client, queue, 1, |_| {});
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 2));
        client.remove(OUT | M::EVENT_TYPE, |info| info.event_type = 0);
        assert_eq!(left(&client, queue), [2]);
    }

    /// DEST_CHANNEL spares packets whose type byte is not that of a channel event.
    fn dest_channel_spares_packets() {
        let (client, queue) = fixture();
        put(&client, queue, 1, |_| {});
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 2));
        client.remove(OUT | M::DEST | M::DEST_CHANNEL, |info| {
            info.queue = queue;
            info.dest = client.port(0);
            info.channel = 0;
        });
        assert_eq!(left(&client, queue), [1]);
    }

    /// DEST_CHANNEL with a type byte of a channel event compares the packet's lowest byte.
    fn dest_channel_looks_at_the_lowest_byte() {
        let (client, queue) = fixture();
        for (number, channel) in [(1, 0x64), (2, 0)] {
            put(&client, queue, number, |event| {
                event.event_type = T::NOTEON;
                event.ump[0] = event.ump[0] & !0xff | channel;
            });
        }
        client.remove(OUT | M::DEST | M::DEST_CHANNEL, |info| {
            info.queue = queue;
            info.dest = client.port(0);
            info.channel = 0x64;
        });
        assert_eq!(left(&client, queue), [2]);
    }

    /// IGNORE_OFF does not spare note-off packets: only the type byte is looked at.
    fn ignore_off_spares_no_packets() {
        let (client, queue) = fixture();
        put(&client, queue, 1, |event| event.ump[0] = 0x2080_0100);
        put(&client, queue, 2, |event| event.event_type = T::NOTEOFF);
        client.remove(OUT | M::IGNORE_OFF, |_| {});
        assert_eq!(left(&client, queue), [2]);
    }

    /// TAG_MATCH looks at the tag of packets.
    fn tag_match_looks_at_the_tag() {
        let (client, queue) = fixture();
        put(&client, queue, 1, |event| event.tag = 1);
        put(&client, queue, 2, |event| event.tag = 2);
        client.remove(OUT | M::TAG_MATCH, |info| info.tag = 2);
        assert_eq!(left(&client, queue), [1]);
    }

    /// DEST with 254:P matches packets for subscribers.
    fn dest_matches_packets_for_subscribers() {
        let (client, queue) = fixture();
        let subscribers = aseqd_abi::Address::new(254, 0);
        put(&client, queue, 1, |_| {});
        put(&client, queue, 2, |event| event.dest = subscribers);
        client.remove(OUT | M::DEST, |info| {
            info.queue = queue;
            info.dest = subscribers;
        });
        assert_eq!((client.status(queue).events, left(&client, queue)), (1, vec![1]));
    }

    /// The order of the packets that stay is as it was.
    fn the_order_of_the_rest_stays() {
        let (client, queue) = fixture();
        for tick in 1..=9 {
            put(&client, queue, tick, |event| event.tag = tick.to_le_bytes()[0] % 3);
        }
        client.remove(OUT | M::TAG_MATCH, |info| info.tag = 0);
        assert_eq!(left(&client, queue), [1, 2, 4, 5, 7, 8]);
    }
}
