//! Packets in queues.

use crate::packets::{NOTE1, note1, packet, ump_rig};
use crate::rig::{Rig, TestClient, errno, key};
use aseqd_abi::event::{EventFlags, EventTime};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{RemoveEvents, RemoveMode};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Errno, Event, EventType};
use aseqd_engine::Reply;
use zerocopy::IntoBytes;

/// A sender with a queue, and a reader with a port.
fn queue(rig: &mut Rig) -> (TestClient, TestClient, u8) {
    let (sender, reader) = (rig.ump_client(1), rig.ump_client_with_port(1));
    let queue = rig.create_queue(sender).expect("a queue");
    (sender, reader, queue)
}

#[test]
fn a_packet_waits_with_all_its_words_and_one_cell() {
    let mut rig = ump_rig();
    let (sender, reader, queue) = queue(&mut rig);
    let words = [0x5000_0001, 2, 3, 4];
    let time = EventTime::tick(96);
    let sent = UmpEvent { queue, time, tag: 9, ..packet(reader.port(0), &words) };
    rig.send_packet(sender, sent).unwrap();
    assert_eq!(rig.pool(sender).unwrap().output_free, 499);
    rig.control(sender, EventType::CONTINUE, queue, [0; 2]).unwrap();
    rig.pass(499_000_000);
    assert_eq!(rig.receive_wide(reader), None);
    rig.pass(2_000_000);
    let source = aseqd_abi::Address::new(sender.number, 0);
    assert_eq!(rig.receive_all_wide(reader), [UmpEvent { source, ..sent }]);
    assert_eq!(rig.pool(sender).unwrap().output_free, 500);
}

#[test]
fn packets_keep_the_order_of_a_queue() {
    let mut rig = ump_rig();
    let (sender, reader, queue) = queue(&mut rig);
    for (group, tick, flags) in [(0, 3, 0), (1, 2, 0), (2, 2, 0), (3, 2, 0x10), (4, 1, 0x02)] {
        let flags = EventFlags::UMP | EventFlags::from_bits_retain(flags);
        let time = EventTime::tick(tick);
        let ump = packet(reader.port(0), &[note1(group)]);
        rig.send_packet(sender, UmpEvent { queue, time, flags, ..ump }).unwrap();
    }
    rig.control(sender, EventType::CONTINUE, queue, [0; 2]).unwrap();
    rig.pass(100_000_000);
    let groups: Vec<_> = rig.words(reader).iter().map(|words| words[0] >> 24 & 0xf).collect();
    assert_eq!(groups, [4, 3, 1, 2, 0]);
}

#[test]
fn a_packet_with_the_type_of_a_note_is_no_note() {
    let mut rig = ump_rig();
    let (sender, reader, queue) = queue(&mut rig);
    let event_type = EventType::NOTE;
    for queue in [queue, aseqd_abi::event::QUEUE_DIRECT] {
        let ump = UmpEvent { queue, event_type, ..packet(reader.port(0), &[NOTE1]) };
        rig.send_packet(sender, ump).unwrap();
        let events = rig.receive_all_wide(reader);
        assert_eq!((events.len(), events[0].event_type), (1, event_type));
        assert_eq!(rig.pool(sender).unwrap().output_free, 500);
    }
    // A legacy event of that type still needs a queue.
    let event = Event { event_type, ..key(reader.port(0), 60) };
    assert_eq!(errno(rig.send(sender, event)), Errno::EINVAL);
}

#[test]
fn packets_for_a_queue_that_is_not_used_or_with_a_pointer_are_refused() {
    let mut rig = ump_rig();
    let (sender, reader, queue) = queue(&mut rig);
    let ump = packet(reader.port(0), &[NOTE1]);
    for queue in [queue + 1, 31, 40, 252] {
        assert_eq!(errno(rig.send_packet(sender, UmpEvent { queue, ..ump })), Errno::EINVAL);
    }
    let with = |flags: u8| UmpEvent { queue, flags: EventFlags::from_bits_retain(flags), ..ump };
    assert_eq!(errno(rig.send_packet(sender, with(0x28))), Errno::EINVAL);
    assert_eq!(rig.send_packet(sender, with(0x2c)).unwrap(), 32);
}

#[test]
fn a_full_pool_stops_packets() {
    let mut rig = ump_rig();
    let (sender, reader, queue) = queue(&mut rig);
    let time = EventTime::tick(9);
    let ump = UmpEvent { queue, time, ..packet(reader.port(0), &[NOTE1]) };
    assert_eq!(rig.write_bytes(sender, &ump.as_bytes().repeat(501)).unwrap(), 500 * 32);
    assert_eq!(errno(rig.send_packet(sender, ump)), Errno::EAGAIN);
    assert_eq!(rig.write_blocking(sender, ump.as_bytes()), Reply::Wait(0));
}

#[test]
fn remove_events_looks_at_the_bytes_of_packets_as_at_those_of_events() {
    let mut rig = ump_rig();
    let (sender, reader, queue) = queue(&mut rig);
    let dest = reader.port(0);
    let fill = |rig: &mut Rig| {
        let everything = RemoveMode::OUTPUT.bits();
        let info = RemoveEvents { remove_mode: everything, ..RemoveEvents::default() };
        rig.ioctl(sender, s::REMOVE_EVENTS, info).unwrap();
        let types = [(0, NOTE1), (6, NOTE1), (7, NOTE1), (10, 0x2993_3c40), (255, 0x4090_3c00)];
        for (tag, (event_type, word)) in (0..).zip(types) {
            let time = EventTime::tick(100 + u32::from(tag));
            let event_type = EventType(event_type);
            let ump = UmpEvent { queue, time, tag, event_type, ..packet(dest, &[word]) };
            rig.send_packet(sender, ump).unwrap();
        }
        for (tag, event_type) in [(5, EventType::NOTEON), (6, EventType::NOTEOFF)] {
            let time = EventTime::tick(100 + u32::from(tag));
            rig.send(sender, Event { queue, time, tag, event_type, ..key(dest, 60) }).unwrap();
        }
    };
    let left = |rig: &mut Rig, mode: RemoveMode, info: RemoveEvents| {
        fill(rig);
        let remove_mode = (RemoveMode::OUTPUT | mode).bits();
        rig.ioctl(sender, s::REMOVE_EVENTS, RemoveEvents { remove_mode, ..info }).unwrap();
        let events = rig.status(sender, queue).unwrap().events;
        // Every cell of the others went back.
        assert_eq!(rig.pool(sender).unwrap().output_free, 500 - events);
        events
    };
    let info = RemoveEvents::default();
    let by_type = |event_type| RemoveEvents { event_type, ..info };
    assert_eq!(left(&mut rig, RemoveMode::EVENT_TYPE, by_type(6)), 5);
    assert_eq!(left(&mut rig, RemoveMode::EVENT_TYPE, by_type(0)), 6);
    assert_eq!(left(&mut rig, RemoveMode::EVENT_TYPE, by_type(255)), 6);
    // Byte 16, where events have the channel, is the lowest of the first word.
    let channel = |channel| RemoveEvents { channel, ..info };
    assert_eq!(left(&mut rig, RemoveMode::DEST_CHANNEL, channel(0)), 5);
    assert_eq!(left(&mut rig, RemoveMode::DEST_CHANNEL, channel(0x40)), 4);
    assert_eq!(left(&mut rig, RemoveMode::IGNORE_OFF, info), 2);
    assert_eq!(left(&mut rig, RemoveMode::TAG_MATCH, RemoveEvents { tag: 3, ..info }), 6);
    assert_eq!(left(&mut rig, RemoveMode::DEST, RemoveEvents { queue, dest, ..info }), 0);
}

#[test]
fn packets_of_a_client_that_has_gone_back_are_delivered_and_bounce() {
    let mut rig = ump_rig();
    let (sender, reader, queue) = queue(&mut rig);
    let time = EventTime::tick(1);
    for dest in [reader.port(0), aseqd_abi::Address::new(199, 0)] {
        rig.send_packet(sender, UmpEvent { queue, time, ..packet(dest, &[NOTE1]) }).unwrap();
    }
    rig.group_port(sender, 0);
    rig.set_info(sender, |info| (info.midi_version, info.filter) = (0, 4)).unwrap();
    rig.control(sender, EventType::CONTINUE, queue, [0; 2]).unwrap();
    rig.pass(100_000_000);
    assert_eq!(rig.words(reader), [[NOTE1, 0, 0, 0]]);
    let bounce = rig.read_bytes(sender, 4096).unwrap();
    assert_eq!((bounce.len(), bounce[0], bounce[29]), (56, EventType::BOUNCE.0, 0x20));
}
