//! Filters: by type, by group, and against conversion.

use crate::packets::{NOTE1, NOTE2, note1, packet, ump_rig, widened};
use crate::rig::{OPEN_PORT, Rig, TestClient, direct, errno, key, summary};
use aseqd_abi::seq::{ClientFilter, PortCaps};
use aseqd_abi::{Address, Errno, Event, EventType};

#[test]
fn the_filter_of_types_lets_packets_in() {
    let mut rig = ump_rig();
    let sender = rig.ump_client(1);
    for reader in [rig.client_with_port(), rig.ump_client_with_port(2)] {
        rig.set_info(reader, |info| info.filter = ClientFilter::USE_EVENT.bits()).unwrap();
        assert_eq!(errno(rig.send(sender, key(reader.port(0), 60))), Errno::ENOENT);
        assert_eq!(rig.send_packet(sender, packet(reader.port(0), &[NOTE1])).unwrap(), 32);
        assert!(rig.readable(reader));
    }
}

/// Returns which of groups 0 to 15 reach a port, and whether packets without a group and legacy
/// events do.
fn passes(rig: &mut Rig, sender: TestClient, reader: TestClient, port: u8) -> (u32, bool, bool) {
    let dest = reader.port(port);
    let arrived = |rig: &mut Rig| rig.receive_all_wide(reader).len();
    let mut groups = 0;
    for group in 0..16 {
        assert_eq!(rig.send_packet(sender, packet(dest, &[note1(group)])).unwrap(), 32);
        groups |= u32::from(arrived(rig) > 0) << group;
    }
    assert_eq!(rig.send_packet(sender, packet(dest, &[0xf500_0000])).unwrap(), 32);
    let groupless = arrived(rig) > 0;
    for event in [key(dest, 60), direct(EventType::TIMESIGN, dest)] {
        assert_eq!(rig.send(sender, event).unwrap(), 28);
    }
    let legacy = match arrived(rig) {
        0 => false,
        2 => true,
        events => panic!("{events} of two events arrived"),
    };
    (groups, groupless, legacy)
}

#[test]
fn a_group_filter_drops_packets_by_their_group_and_events_by_that_of_the_port() {
    let mut rig = ump_rig();
    let sender = rig.ump_client(1);
    let all = 0xffff;
    for version in [1, 2] {
        let reader = rig.ump_client(version);
        rig.group_port(reader, 0);
        rig.group_port(reader, 3);
        let filtered = |rig: &mut Rig, filter| {
            rig.set_info(reader, |info| info.group_filter = filter).unwrap();
            (passes(rig, sender, reader, 0), passes(rig, sender, reader, 1))
        };
        assert_eq!(filtered(&mut rig, 0), ((all, true, true), (all, true, true)));
        assert_eq!(filtered(&mut rig, 1), ((all, false, false), (all, false, true)));
        let (first, fourth) = (all & !1, all & !4);
        assert_eq!(filtered(&mut rig, 2), ((first, true, true), (first, true, true)));
        assert_eq!(filtered(&mut rig, 8), ((fourth, true, true), (fourth, true, false)));
        assert_eq!(filtered(&mut rig, 0x1ffff), ((0, false, false), (0, false, false)));
    }
}

#[test]
fn a_legacy_reader_filters_only_packets_by_group() {
    let mut rig = ump_rig();
    let (sender, legacy, reader) = (rig.ump_client(1), rig.client(), rig.client_with_port());
    rig.set_info(reader, |info| info.group_filter = 8 | 1).unwrap();
    rig.send(legacy, key(reader.port(0), 1)).unwrap();
    for group in 0..4 {
        let word = note1(group) & !0xff00 | u32::from(group) << 8;
        rig.send_packet(sender, packet(reader.port(0), &[word])).unwrap();
    }
    let keys: Vec<_> = rig.receive_all(reader).iter().map(summary).map(|(_, key)| key).collect();
    assert_eq!(keys, [1, 0, 1, 3]);
}

#[test]
fn without_conversion_each_event_arrives_as_it_is_or_not_at_all() {
    let mut rig = ump_rig();
    let (sender, legacy) = (rig.ump_client(1), rig.client());
    let no_convert = ClientFilter::NO_CONVERT.bits();
    let reader = rig.client_with_port();
    rig.set_info(reader, |info| info.filter = no_convert).unwrap();
    assert_eq!(rig.send_packet(sender, packet(reader.port(0), &[NOTE1])).unwrap(), 32);
    rig.send(legacy, key(reader.port(0), 60)).unwrap();
    assert_eq!(rig.receive_all(reader).len(), 1);
    for version in [1, 2] {
        let reader = rig.ump_client(version);
        rig.group_port(reader, 3);
        // Nor does the group filter apply.
        rig.set_info(reader, |info| (info.filter, info.group_filter) = (no_convert, 0x1ffff))
            .unwrap();
        let dest = reader.port(0);
        rig.send_packet(sender, packet(dest, &[NOTE1])).unwrap();
        rig.send_packet(sender, packet(dest, &NOTE2)).unwrap();
        assert_eq!(rig.words(reader), [[NOTE1, 0, 0, 0], [NOTE2[0], NOTE2[1], 0, 0]]);
        rig.send(legacy, key(dest, 60)).unwrap();
        let source = Address::new(legacy.number, 0);
        assert_eq!(rig.receive_all_wide(reader), [widened(Event { source, ..key(dest, 60) })]);
    }
}

#[test]
fn packets_find_no_way_where_events_find_none() {
    let mut rig = ump_rig();
    let sender = rig.ump_client(1);
    let deaf = rig.client_with(aseqd_engine::Access::Write);
    rig.group_port(deaf, 0);
    let closed = rig.ump_client(1);
    let without = OPEN_PORT & !PortCaps::WRITE;
    rig.port_with(closed, |info| info.capability = without.bits());
    // The filter comes later.
    rig.set_info(closed, |info| info.group_filter = 0x1ffff).unwrap();
    let expected = [
        (Address::new(199, 0), Errno::ENOENT),
        (deaf.port(0), Errno::ENOENT),
        (closed.port(9), Errno::ENOENT),
        (closed.port(0), Errno::EPERM),
        (crate::rig::ANNOUNCE, Errno::EPERM),
    ];
    for (dest, expected) in expected {
        assert_eq!(errno(rig.send_packet(sender, packet(dest, &[NOTE1]))), expected);
    }
}
