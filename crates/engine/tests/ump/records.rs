//! Records: what is written, what is read, what they cost.

use crate::packets::{NOTE1, NOTE2, packet, ump_rig, widened};
use crate::rig::{direct, errno, key};
use aseqd_abi::event::{EventData, EventFlags};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Address, Errno, Event, EventType};
use aseqd_engine::{Reply, WRITE_BATCH};
use zerocopy::IntoBytes;

#[test]
fn a_ump_client_writes_both_kinds_of_record_in_one_call() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.ump_client(1), rig.ump_client_with_port(1));
    let (ump, legacy) = (packet(reader.port(0), &[NOTE1]), key(reader.port(0), 60));
    let both = [ump.as_bytes(), legacy.as_bytes()].concat();
    assert_eq!(rig.write_bytes(sender, &both).unwrap(), 60);
    let both = [legacy.as_bytes(), ump.as_bytes()].concat();
    assert_eq!(rig.write_bytes(sender, &both).unwrap(), 60);
    // A record that is not whole is left.
    assert_eq!(rig.write_bytes(sender, &both[..59]).unwrap(), 28);
    for len in [0, 1, 27, 28, 31] {
        let written = rig.write_bytes(sender, &ump.as_bytes()[..len]);
        assert_eq!(errno(written), Errno::EINVAL, "{len}");
    }
    assert_eq!(rig.receive_all_wide(reader).len(), 5);
}

#[test]
fn a_bad_record_ends_a_write_and_fails_the_next() {
    let mut rig = ump_rig();
    let client = rig.ump_client_with_port(1);
    let (good, bad) = (packet(client.port(0), &[NOTE1]), packet(client.port(77), &[NOTE1]));
    let all = [good.as_bytes(), bad.as_bytes(), good.as_bytes()].concat();
    assert_eq!(rig.write_bytes(client, &all).unwrap(), 32);
    assert_eq!(errno(rig.write_bytes(client, &all[32..])), Errno::ENOENT);
}

#[test]
fn a_legacy_client_cannot_write_packets() {
    let mut rig = ump_rig();
    let (legacy, reader) = (rig.client(), rig.ump_client_with_port(1));
    let ump = packet(reader.port(0), &[NOTE1]);
    for len in [28, 32] {
        let written = rig.write_bytes(legacy, &ump.as_bytes()[..len]);
        assert_eq!(errno(written), Errno::EINVAL);
    }
    let event = key(reader.port(0), 60);
    let both = [event.as_bytes(), ump.as_bytes()].concat();
    assert_eq!(rig.write_bytes(legacy, &both).unwrap(), 28);
}

#[test]
fn of_the_header_of_a_packet_only_the_kind_of_length_is_checked() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.ump_client(1), rig.ump_client_with_port(1));
    let ump = packet(reader.port(0), &[NOTE1]);
    let with = |flags: u8, event_type: u8| UmpEvent {
        flags: EventFlags::from_bits_retain(flags),
        event_type: EventType(event_type),
        ..ump
    };
    assert_eq!(errno(rig.send_packet(sender, with(0x24, 0))), Errno::EINVAL);
    for event_type in [130, 131, 139] {
        assert_eq!(errno(rig.send_packet(sender, with(0x20, event_type))), Errno::EINVAL);
    }
    let good: [(u8, u8); 13] = [
        (0x28, 0),
        (0x2c, 0),
        (0x60, 0),
        (0xe0, 0),
        (0x30, 0),
        (0x23, 0),
        (0x20, 5),
        (0x20, 6),
        (0x20, 140),
        (0x20, 149),
        (0x20, 150),
        (0x20, 151),
        (0x20, 255),
    ];
    for (flags, event_type) in good {
        assert_eq!(rig.send_packet(sender, with(flags, event_type)).unwrap(), 32);
        let event = rig.receive_wide(reader).expect("a packet");
        let source = Address::new(sender.number, 0);
        assert_eq!(event, UmpEvent { source, ..with(flags, event_type) });
    }
}

#[test]
fn every_record_of_a_ump_reader_has_32_bytes() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.ump_client(1), rig.ump_client_with_port(2));
    let dest = reader.port(0);
    let other = [0x4090_3c00, 1, 2, 3];
    rig.send_packet(sender, packet(dest, &other)).unwrap();
    rig.send(sender, direct(EventType::TIMESIGN, dest)).unwrap();
    assert_eq!(rig.read_bytes(reader, 31).unwrap(), []);
    assert_eq!(rig.read_bytes(reader, 0).unwrap(), []);
    let event = rig.receive_wide(reader).expect("a packet");
    let source = Address::new(sender.number, 0);
    assert_eq!(event, UmpEvent { source, ..packet(dest, &other) });
    // No whole record more fits.
    let read = rig.read_bytes(reader, 63).unwrap();
    let event = Event { source, ..direct(EventType::TIMESIGN, dest) };
    assert_eq!(read, widened(event).as_bytes());
    assert_eq!(errno(rig.read_bytes(reader, 64)), Errno::EAGAIN);
}

#[test]
fn data_is_padded_to_records_of_32_bytes() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.client(), rig.ump_client_with_port(2));
    let event =
        Event { flags: EventFlags::VARIABLE, ..direct(EventType::USR_VAR0, reader.port(0)) };
    for (len, size, cells) in
        [(0_u32, 32, 1), (1, 64, 2), (28, 64, 2), (32, 64, 3), (33, 96, 3), (100, 160, 5)]
    {
        let data: Vec<u8> = (1..=100).take(len as usize).collect();
        let event = Event { data: EventData::from_ext_len(len), ..event };
        rig.send_variable(sender, event, &data).unwrap();
        // The cells of a pool hold 28 bytes of data, whoever reads them.
        assert_eq!(rig.unread_cells(reader), cells, "{len}");
        if len > 0 {
            assert_eq!(errno(rig.read_bytes(reader, size - 1)), Errno::EAGAIN);
        }
        let read = rig.read_bytes(reader, size).unwrap();
        assert_eq!(read.len(), size);
        assert_eq!(read[16..20], len.to_ne_bytes());
        assert_eq!(read[32..32 + data.len()], data);
        assert!(read[32 + data.len()..].iter().all(|byte| *byte == 0));
        assert_eq!(rig.unread_cells(reader), 0);
    }
    // An event that does not fit ends a read of others.
    rig.send(sender, key(reader.port(0), 60)).unwrap();
    let event = Event { data: EventData::from_ext_len(40), ..event };
    rig.send_variable(sender, event, &[7; 40]).unwrap();
    assert_eq!(rig.read_bytes(reader, 127).unwrap().len(), 32);
    assert_eq!(rig.read_bytes(reader, 127).unwrap().len(), 96);
}

#[test]
fn packets_take_one_cell_and_overflow_like_events() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.ump_client(2), rig.ump_client_with_port(2));
    let ump = packet(reader.port(0), &NOTE2);
    for cells in 1..=200 {
        rig.send_packet(sender, ump).unwrap();
        assert_eq!(rig.unread_cells(reader), cells);
    }
    assert_eq!(errno(rig.send_packet(sender, ump)), Errno::EAGAIN);
    assert_eq!(errno(rig.read_bytes(reader, 32)), Errno::ENOSPC);
    assert_eq!((rig.unread_cells(reader), rig.receive_wide(reader)), (0, None));
}

#[test]
fn a_long_write_of_packets_is_done_in_parts() {
    let mut rig = ump_rig();
    let client = rig.ump_client(1);
    // Nobody listens; the source port must exist.
    rig.group_port(client, 0);
    let ump = packet(crate::rig::SUBSCRIBERS, &[NOTE1]);
    let all = ump.as_bytes().repeat(WRITE_BATCH + 1);
    assert_eq!(rig.write_blocking(client, &all), Reply::More(32 * WRITE_BATCH));
    assert_eq!(rig.write_blocking(client, &all[32..]), Reply::Done(32 * WRITE_BATCH));
}

#[test]
fn without_ump_the_flag_means_nothing() {
    let mut rig = crate::rig::Rig::new();
    let client = rig.client_with_port();
    let event = Event { flags: EventFlags::UMP, ..key(client.port(0), 60) };
    rig.send(client, event).unwrap();
    let source = Address::new(client.number, 0);
    assert_eq!(rig.receive(client), Some(Event { source, ..event }));
}
