//! Clients that change their MIDI version with events unread.

use crate::packets::{NOTE1, packet, ump_rig, widened};
use crate::rig::{direct, errno, key};
use aseqd_abi::event::{EventData, EventFlags};
use aseqd_abi::{Address, Errno, Event, EventType};
use zerocopy::IntoBytes;

#[test]
fn a_reader_that_has_gone_back_loses_the_packets_that_it_meets() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.ump_client(1), rig.ump_client_with_port(1));
    let dest = reader.port(0);
    let source = Address::new(sender.number, 0);
    rig.send_packet(sender, packet(dest, &[NOTE1])).unwrap();
    rig.send(sender, direct(EventType::TIMESIGN, dest)).unwrap();
    rig.send_packet(sender, packet(dest, &[NOTE1])).unwrap();
    let data = EventData::from_ext_len(30);
    let variable = Event { flags: EventFlags::VARIABLE, data, ..direct(EventType::USR_VAR0, dest) };
    rig.send_variable(sender, variable, &[7; 30]).unwrap();
    assert_eq!(rig.unread_cells(reader), 6);
    rig.set_info(reader, |info| info.midi_version = 0).unwrap();
    // Until it reads, they count.
    assert_eq!(rig.unread_cells(reader), 6);
    assert!(rig.readable(reader));
    assert_eq!(rig.read_bytes(reader, 27).unwrap(), []);
    let event = Event { source, ..direct(EventType::TIMESIGN, dest) };
    assert_eq!(rig.read_bytes(reader, 28).unwrap(), event.as_bytes());
    assert_eq!(rig.unread_cells(reader), 4);
    assert_eq!(errno(rig.read_bytes(reader, 28)), Errno::EAGAIN);
    assert_eq!(rig.unread_cells(reader), 3);
    // The data is padded for its records now.
    assert_eq!(rig.read_bytes(reader, 4096).unwrap().len(), 84);
    assert_eq!(rig.unread_cells(reader), 0);
    // Packets alone leave nothing to read.
    rig.set_info(reader, |info| info.midi_version = 2).unwrap();
    rig.send_packet(sender, packet(dest, &[NOTE1])).unwrap();
    rig.set_info(reader, |info| info.midi_version = 0).unwrap();
    assert!(rig.readable(reader));
    assert_eq!(rig.receive(reader), None);
    assert!(!rig.readable(reader));
}

#[test]
fn unread_events_of_a_legacy_client_are_read_in_wide_records() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.client(), rig.knowing_client());
    rig.group_port(reader, 0);
    let dest = reader.port(0);
    let source = Address::new(sender.number, 0);
    rig.send(sender, key(dest, 60)).unwrap();
    let data = EventData::from_ext_len(30);
    let variable = Event { flags: EventFlags::VARIABLE, data, ..direct(EventType::USR_VAR0, dest) };
    rig.send_variable(sender, variable, &[7; 30]).unwrap();
    rig.set_info(reader, |info| info.midi_version = 1).unwrap();
    let read = rig.read_bytes(reader, 4096).unwrap();
    assert_eq!(read.len(), 96);
    assert_eq!(read[..32], *widened(Event { source, ..key(dest, 60) }).as_bytes());
    assert_eq!(read[64..], *[[7; 30].as_slice(), &[0; 2]].concat());
    assert_eq!(rig.unread_cells(reader), 0);
}

#[test]
fn a_new_pool_and_a_cleared_input_keep_records_and_words_together() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.ump_client(1), rig.ump_client_with_port(1));
    let words = [0x5000_0001, 2, 3, 4];
    let ump = packet(reader.port(0), &words);
    let clear = aseqd_abi::seq::RemoveEvents {
        remove_mode: aseqd_abi::seq::RemoveMode::INPUT.bits(),
        ..aseqd_abi::seq::RemoveEvents::default()
    };
    for _ in 0..2 {
        rig.send_packet(sender, ump).unwrap();
        rig.resize_input(reader, 100);
        rig.send(sender, direct(EventType::TIMESIGN, reader.port(0))).unwrap();
        rig.ioctl(reader, aseqd_abi::ioctl::sequencer::REMOVE_EVENTS, clear).unwrap();
        rig.send_packet(sender, ump).unwrap();
        assert_eq!(rig.words(reader), [words]);
        rig.resize_input(reader, 200);
    }
}
