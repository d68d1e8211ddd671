//! Events between clients of different forms. What becomes of each type is tested in `aseqd-midi`.

use crate::packets::{NOTE1, NOTE2, note1, packet, ump_rig, widened};
use crate::rig::{Rig, THROUGH, TIMER, direct, errno, key, summary};
use aseqd_abi::event::{Control, EventData, EventFlags, EventTime};
use aseqd_abi::seq::PortFlags;
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Address, Errno, Event, EventType};

fn control(dest: Address, event_type: EventType, param: u32, value: i32) -> Event {
    let data = EventData::from_control(Control { channel: 0, param, value });
    Event { data, ..direct(event_type, dest) }
}

/// Returns a SysEx event of these bytes.
fn sysex(dest: Address, bytes: &[u8]) -> Event {
    let len = u32::try_from(bytes.len()).expect("short");
    Event {
        flags: EventFlags::VARIABLE,
        data: EventData::from_ext_len(len),
        ..direct(EventType::SYSEX, dest)
    }
}

#[test]
fn each_client_gets_a_note_in_its_form() {
    let mut rig = ump_rig();
    let readers =
        [rig.client_with_port(), rig.ump_client_with_port(1), rig.ump_client_with_port(2)];
    let senders = [rig.client(), rig.ump_client(1), rig.ump_client(2)];
    let (note2_100, note1_100) = ([0x4090_3c00, 0xc924_0000, 0, 0], [0x2090_3c64, 0, 0, 0]);
    for (form, sender) in senders.into_iter().enumerate() {
        for reader in readers {
            let dest = reader.port(0);
            match form {
                0 => rig.send(sender, key(dest, 60)).unwrap(),
                1 => rig.send_packet(sender, packet(dest, &note1_100)).unwrap(),
                _ => rig.send_packet(sender, packet(dest, &note2_100)).unwrap(),
            };
        }
        let event = rig.receive(readers[0]).expect("an event");
        assert_eq!((summary(&event), event.data.note().velocity), ((EventType::NOTEON, 60), 100));
        assert_eq!(event.flags, EventFlags::empty());
        for (reader, words) in [(readers[1], note1_100), (readers[2], note2_100)] {
            let source = Address::new(sender.number, 0);
            let expected = UmpEvent { source, ..packet(reader.port(0), &words) };
            assert_eq!(rig.receive_all_wide(reader), [expected]);
        }
    }
}

#[test]
fn the_header_stays_but_for_type_and_flags() {
    let mut rig = ump_rig();
    let (sender, legacy, ump) =
        (rig.ump_client(1), rig.client_with_port(), rig.ump_client_with_port(2));
    let (tag, time) = (7, EventTime::real(1, 2));
    let flags = EventFlags::REAL_TIME | EventFlags::PRIORITY;
    let event = Event { tag, time, flags, ..key(ump.port(0), 60) };
    rig.send(sender, event).unwrap();
    let got = rig.receive_wide(ump).expect("a packet");
    assert_eq!((got.tag, got.time, got.event_type), (tag, time, EventType(0)));
    assert_eq!(got.flags, flags | EventFlags::UMP);
    // A legacy event of a packet has no flags but its length.
    let flags = flags | EventFlags::UMP;
    let event = UmpEvent { tag, time, flags, ..packet(legacy.port(0), &[NOTE1]) };
    rig.send_packet(sender, event).unwrap();
    let got = rig.receive(legacy).expect("an event");
    assert_eq!((got.tag, got.time, got.flags), (tag, time, EventFlags::empty()));
}

#[test]
fn types_without_a_packet_arrive_as_they_are() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.client(), rig.ump_client_with_port(2));
    let source = Address::new(sender.number, 0);
    for event_type in [0, 9, 23, 33, 35, 50, 60, 68, 90, 129, 140, 149].map(EventType) {
        let event = control(reader.port(0), event_type, 1, 2);
        rig.send(sender, event).unwrap();
        assert_eq!(rig.receive_wide(reader), Some(widened(Event { source, ..event })));
    }
}

#[test]
fn packets_without_an_event_are_dropped_for_a_legacy_reader() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.ump_client(2), rig.client_with_port());
    for word in [0, 0x10f4_0000, 0x2070_0000, 0x4000_0000, 0x5000_0000, 0xd000_0000, 0xf000_0000] {
        assert_eq!(rig.send_packet(sender, packet(reader.port(0), &[word])).unwrap(), 32);
    }
    assert!(!rig.readable(reader));
}

#[test]
fn a_sysex_comes_in_pieces_each_with_a_cell() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.client(), rig.ump_client_with_port(1));
    let bytes: Vec<u8> = [0xf0].into_iter().chain(0..18).chain([0xf7]).collect();
    rig.send_variable(sender, sysex(reader.port(0), &bytes), &bytes).unwrap();
    assert_eq!(rig.unread_cells(reader), 3);
    let expected =
        [[0x3016_0001, 0x0203_0405], [0x3026_0607, 0x0809_0a0b], [0x3036_0c0d, 0x0e0f_1011]];
    assert_eq!(rig.words(reader), expected.map(|[a, b]| [a, b, 0, 0]));
    // Without its length bits it has no data: no packet.
    let flags = EventFlags::VARUSR;
    rig.send(sender, Event { flags, ..sysex(reader.port(0), &bytes) }).unwrap();
    assert!(!rig.readable(reader));
}

#[test]
fn a_conversion_that_does_not_fit_fails_in_the_middle() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.client(), rig.ump_client_with_port(1));
    rig.resize_input(reader, 2);
    let bytes: Vec<u8> = [0xf0].into_iter().chain(0..18).chain([0xf7]).collect();
    let sent = rig.send_variable(sender, sysex(reader.port(0), &bytes), &bytes);
    assert_eq!((errno(sent), rig.unread_cells(reader)), (Errno::EAGAIN, 2));
    assert_eq!(errno(rig.read_bytes(reader, 32)), Errno::ENOSPC);
    // A program change of MIDI 2.0 becomes two events.
    rig.set_info(reader, |info| info.midi_version = 0).unwrap();
    rig.resize_input(reader, 1);
    let ump = rig.ump_client(2);
    let program = packet(reader.port(0), &[0x40c0_0001, 0x0500_0203]);
    assert_eq!(errno(rig.send_packet(ump, program)), Errno::EAGAIN);
    assert_eq!(errno(rig.read_bytes(reader, 28)), Errno::ENOSPC);
}

#[test]
fn each_port_remembers_its_bank_until_a_program_comes() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.client(), rig.ump_client_with_port(2));
    rig.group_port(reader, 3);
    let dest = reader.port(0);
    rig.send(sender, control(dest, EventType::CONTROLLER, 0, 9)).unwrap();
    assert!(!rig.readable(reader));
    let program = |port| control(reader.port(port), EventType::PGMCHANGE, 0, 6);
    // It stays when the version or the port changes.
    rig.set_info(reader, |info| info.midi_version = 1).unwrap();
    rig.set_info(reader, |info| info.midi_version = 2).unwrap();
    rig.send(sender, program(1)).unwrap();
    rig.send(sender, program(0)).unwrap();
    rig.send(sender, program(0)).unwrap();
    let expected =
        [[0x42c0_0000, 0x0600_0000], [0x40c0_0001, 0x0600_0900], [0x40c0_0000, 0x0600_0000]];
    assert_eq!(rig.words(reader), expected.map(|[a, b]| [a, b, 0, 0]));
}

#[test]
fn a_midi1_port_of_a_midi2_client_gets_midi1() {
    let mut rig = ump_rig();
    let (legacy, ump, reader) = (rig.client(), rig.ump_client(2), rig.ump_client(2));
    let port = rig.port_with(reader, |info| info.flags = PortFlags::IS_MIDI1.bits());
    rig.send(legacy, key(port, 60)).unwrap();
    rig.send_packet(ump, packet(port, &NOTE2)).unwrap();
    rig.send_packet(ump, packet(port, &[NOTE1])).unwrap();
    let words = rig.words(reader);
    assert_eq!(words.iter().map(|words| words[0]).collect::<Vec<_>>(), [0x2090_3c64, NOTE1, NOTE1]);
}

#[test]
fn groups_of_ports_are_written_into_packets() {
    let mut rig = ump_rig();
    let (legacy, ump, reader) = (rig.client(), rig.ump_client(2), rig.ump_client(1));
    rig.group_port(reader, 0);
    rig.group_port(reader, 3);
    let words = |rig: &mut Rig| rig.words(reader)[0][0];
    for (port, legacy_group, midi1_group) in [(0, 0, 5), (1, 2, 2)] {
        let dest = reader.port(port);
        rig.send(legacy, key(dest, 60)).unwrap();
        assert_eq!(words(&mut rig), 0x2090_3c64 | legacy_group << 24);
        rig.send_packet(ump, packet(dest, &[note1(5)])).unwrap();
        assert_eq!(words(&mut rig), NOTE1 | midi1_group << 24);
        // A packet that was converted keeps its group.
        rig.send_packet(ump, packet(dest, &[0x4590_3c00, 0x8000_0000])).unwrap();
        assert_eq!(words(&mut rig), note1(5));
        // A packet without a group gets none.
        for groupless in [0x0520_0000, 0xf500_0001] {
            rig.send_packet(ump, packet(dest, &[groupless, 1, 2, 3])).unwrap();
            assert_eq!(rig.words(reader), [[groupless, 1, 2, 3]]);
        }
    }
}

#[test]
fn midi_through_passes_packets_on() {
    let mut rig = ump_rig();
    let sender = rig.ump_client(2);
    let (legacy, ump) = (rig.client_with_port(), rig.ump_client_with_port(1));
    for client in [legacy, ump] {
        rig.subscribe(client, THROUGH, client.port(0)).unwrap();
        let _notices = rig.read_bytes(client, 4096);
    }
    rig.send_packet(sender, packet(THROUGH, &[0x4390_3c00, 0x8000_0000])).unwrap();
    let event = rig.receive(legacy).expect("an event");
    assert_eq!((summary(&event), event.source), ((EventType::NOTEON, 60), THROUGH));
    assert_eq!(rig.words(ump), [[note1(3), 0, 0, 0]]);
    // It takes no errors, and the type of a packet is not checked.
    let error = UmpEvent { event_type: EventType::KERNEL_ERROR, ..packet(THROUGH, &[NOTE1]) };
    assert_eq!(rig.send_packet(sender, error).unwrap(), 32);
    assert_eq!((rig.words(ump).len(), rig.receive_all(legacy).len()), (0, 0));
    // A loop ends as one of events does.
    rig.subscribe(sender, THROUGH, THROUGH).unwrap();
    assert_eq!(errno(rig.send_packet(sender, packet(THROUGH, &[NOTE1]))), Errno::EMLINK);
    assert_eq!((rig.words(ump).len(), rig.receive_all(legacy).len()), (6, 6));
}

#[test]
fn packets_control_queue_0_at_the_timer_port() {
    let mut rig = ump_rig();
    let client = rig.ump_client_with_port(1);
    let queue = rig.create_queue(client).unwrap();
    assert_eq!(queue, 0);
    let running = |rig: &mut Rig| rig.status(client, queue).unwrap().running;
    for (word, runs) in [(0x10fa_0000, 1), (0x10fc_0000, 0), (0x10fb_0000, 1), (NOTE1, 1)] {
        assert_eq!(rig.send_packet(client, packet(TIMER, &[word])).unwrap(), 32);
        assert_eq!(running(&mut rig), runs);
    }
}

#[test]
fn stamps_come_before_conversions() {
    let mut rig = ump_rig();
    let (owner, sender) = (rig.client(), rig.ump_client(1));
    let queue = rig.create_queue(owner).unwrap();
    rig.go_to_tick(owner, queue, 5);
    let (legacy, ump) = (rig.client(), rig.ump_client(2));
    for reader in [legacy, ump] {
        let flags = PortFlags::TIMESTAMP.bits();
        let port = rig.port_with(reader, |info| (info.flags, info.time_queue) = (flags, queue));
        let flags = EventFlags::UMP | EventFlags::REAL_TIME | EventFlags::PRIORITY;
        rig.send_packet(sender, UmpEvent { flags, ..packet(port, &[NOTE1]) }).unwrap();
    }
    let event = rig.receive(legacy).expect("an event");
    assert_eq!(
        (event.time, event.queue, event.flags),
        (EventTime::tick(5), queue, EventFlags::empty())
    );
    let event = rig.receive_wide(ump).expect("a packet");
    assert_eq!((event.time, event.queue), (EventTime::tick(5), queue));
    assert_eq!(event.flags, EventFlags::UMP | EventFlags::PRIORITY);
}
