//! Endpoint ports: a client that has one sends to the subscribers of two ports.

use crate::packets::{NOTE1, note1, packet, ump_rig};
use crate::rig::{OPEN_PORT, Rig, SUBSCRIBERS, TestClient, errno, key};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EventFlags};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{ClientFilter, PortCaps, PortInfo};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Address, Errno, Event, EventType};

/// A client with an endpoint port 0 and ports 1 and 2 of groups 1 and 7, and a reader whose ports of
/// the same numbers subscribe to them.
fn endpoint(rig: &mut Rig) -> (TestClient, TestClient) {
    let (sender, reader) = (rig.ump_client(1), rig.ump_client(1));
    rig.port_with(sender, |info| info.capability |= PortCaps::UMP_ENDPOINT.bits());
    rig.group_port(sender, 1);
    rig.group_port(sender, 7);
    for port in 0..3 {
        rig.group_port(reader, 0);
        rig.subscribe(reader, sender.port(port), reader.port(port)).unwrap();
    }
    let _notices = rig.read_bytes(sender, 4096);
    (sender, reader)
}

fn from(port: u8, words: &[u32]) -> UmpEvent {
    UmpEvent { source: Address::new(0, port), ..packet(SUBSCRIBERS, words) }
}

/// Returns the ports at which events arrived, in their order, and the one source port of all.
fn arrivals(rig: &mut Rig, reader: TestClient) -> (Vec<u8>, Option<u8>) {
    let events = rig.receive_all_wide(reader);
    let source = events.first().map(|event| event.source.port);
    assert!(events.iter().all(|event| Some(event.source.port) == source));
    (events.iter().map(|event| event.dest.port).collect(), source)
}

#[test]
fn the_endpoint_sends_to_the_port_of_the_group_too() {
    let mut rig = ump_rig();
    let (sender, reader) = endpoint(&mut rig);
    // By its number: port 2 says that it is of group 7.
    for (group, ports) in
        [(0, vec![0, 1]), (1, vec![0, 2]), (2, vec![0]), (6, vec![0]), (15, vec![0])]
    {
        assert_eq!(rig.send_packet(sender, from(0, &[note1(group)])).unwrap(), 32);
        assert_eq!(arrivals(&mut rig, reader), (ports, Some(0)), "{group}");
    }
    for groupless in [0x0120_0000, 0xf000_0001] {
        rig.send_packet(sender, from(0, &[groupless])).unwrap();
        assert_eq!(arrivals(&mut rig, reader), (vec![0], Some(0)));
    }
    rig.send(sender, key(SUBSCRIBERS, 60)).unwrap();
    assert_eq!(arrivals(&mut rig, reader), (vec![0], Some(0)));
}

#[test]
fn other_ports_send_to_the_endpoint_too() {
    let mut rig = ump_rig();
    let (sender, reader) = endpoint(&mut rig);
    for word in [NOTE1, note1(9), 0xf000_0001] {
        rig.send_packet(sender, from(1, &[word])).unwrap();
        assert_eq!(arrivals(&mut rig, reader), (vec![1, 0], Some(1)));
    }
    let event = Event { source: Address::new(0, 2), ..key(SUBSCRIBERS, 60) };
    rig.send(sender, event).unwrap();
    assert_eq!(arrivals(&mut rig, reader), (vec![2, 0], Some(2)));
    // Sent by queue number, from a port that does not exist.
    let mut packet = from(99, &[NOTE1]);
    assert_eq!(errno(rig.send_packet(sender, packet)), Errno::EINVAL);
    (packet.queue, packet.dest) = (ADDRESS_SUBSCRIBERS, Address::new(0, 0));
    rig.send_packet(sender, packet).unwrap();
    assert_eq!(arrivals(&mut rig, reader), (vec![0], Some(99)));
}

#[test]
fn queued_events_go_both_ways_when_they_are_due() {
    let mut rig = ump_rig();
    let (sender, reader) = endpoint(&mut rig);
    let queue = rig.create_queue(sender).unwrap();
    rig.send_packet(sender, UmpEvent { queue, ..from(1, &[NOTE1]) }).unwrap();
    assert_eq!(arrivals(&mut rig, reader), (vec![1, 0], Some(1)));
    let note = Event {
        queue,
        source: Address::new(0, 1),
        event_type: EventType::NOTE,
        ..key(SUBSCRIBERS, 60)
    };
    rig.send(sender, note).unwrap();
    assert_eq!(arrivals(&mut rig, reader), (vec![1, 0, 1, 0], Some(1)));
}

#[test]
fn events_queued_as_a_legacy_client_go_both_ways_too() {
    let mut rig = ump_rig();
    let (sender, reader) = endpoint(&mut rig);
    rig.set_info(sender, |info| info.midi_version = 0).unwrap();
    let queue = rig.create_queue(sender).unwrap();
    let fresh = rig.knowing_client();
    rig.use_queue(fresh, queue, true).unwrap();
    rig.group_port(fresh, 0);
    for client in [sender, fresh] {
        let event = Event { queue, source: Address::new(0, 1), ..key(SUBSCRIBERS, 60) };
        let event = Event { time: aseqd_abi::event::EventTime::tick(9), ..event };
        let source = Address::new(0, u8::from(client == sender));
        rig.send(client, Event { source, ..event }).unwrap();
    }
    rig.set_info(sender, |info| info.midi_version = 2).unwrap();
    rig.port_with(fresh, |info| info.capability |= PortCaps::UMP_ENDPOINT.bits());
    rig.subscribe(reader, fresh.port(1), reader.port(2)).unwrap();
    rig.set_info(fresh, |info| info.midi_version = 2).unwrap();
    let _notices = rig.read_bytes(reader, 4096);
    rig.control(sender, EventType::CONTINUE, queue, [0; 2]).unwrap();
    rig.pass(1_000_000_000);
    let ports: Vec<_> = rig.receive_all_wide(reader).iter().map(|event| event.dest.port).collect();
    assert_eq!(ports, [1, 0, 2]);
    // Their cells went back.
    assert_eq!(rig.pool(fresh).unwrap().output_free, 500);
}

#[test]
fn a_legacy_client_sends_from_one_port() {
    let mut rig = ump_rig();
    let (sender, reader) = endpoint(&mut rig);
    rig.set_info(sender, |info| info.midi_version = 0).unwrap();
    rig.send(sender, Event { source: Address::new(0, 1), ..key(SUBSCRIBERS, 60) }).unwrap();
    assert_eq!(arrivals(&mut rig, reader), (vec![1], Some(1)));
    // The mark of the endpoint is that of the port, and goes with it, not with its capability.
    rig.set_info(sender, |info| info.midi_version = 1).unwrap();
    let addr = sender.port(0);
    let info = PortInfo { addr, capability: OPEN_PORT.bits(), ..PortInfo::default() };
    rig.ioctl(sender, s::SET_PORT_INFO, info).unwrap();
    rig.send_packet(sender, from(1, &[NOTE1])).unwrap();
    assert_eq!(arrivals(&mut rig, reader), (vec![1, 0], Some(1)));
    rig.ioctl(sender, s::DELETE_PORT, info).unwrap();
    let _notices = rig.read_bytes(reader, 4096);
    rig.send_packet(sender, from(1, &[NOTE1])).unwrap();
    assert_eq!(arrivals(&mut rig, reader), (vec![1], Some(1)));
}

#[test]
fn an_error_of_the_second_port_hides_one_of_the_first() {
    let mut rig = ump_rig();
    let (sender, reader) = endpoint(&mut rig);
    let (closed, full) = (rig.ump_client(1), rig.ump_client_with_port(1));
    let caps = OPEN_PORT & !PortCaps::WRITE;
    rig.port_with(closed, |info| info.capability = caps.bits());
    rig.subscribe(closed, sender.port(0), closed.port(0)).unwrap();
    rig.subscribe(full, sender.port(1), full.port(0)).unwrap();
    rig.resize_input(full, 1);
    let _first = rig.send_packet(sender, from(1, &[NOTE1]));
    let from_group = Event { source: Address::new(0, 1), ..key(SUBSCRIBERS, 60) };
    assert_eq!(errno(rig.send_packet(sender, from(0, &[NOTE1]))), Errno::EAGAIN);
    assert_eq!(errno(rig.send(sender, key(SUBSCRIBERS, 60))), Errno::EPERM);
    assert_eq!(errno(rig.send_packet(sender, from(1, &[NOTE1]))), Errno::EPERM);
    assert_eq!(errno(rig.send(sender, from_group)), Errno::EPERM);
    // All others got all of them.
    assert_eq!(rig.receive_all_wide(reader).len(), 2 + 2 + 1 + 2 + 2);
}

#[test]
fn each_failure_of_a_queued_packet_bounces() {
    let mut rig = ump_rig();
    let (sender, _reader) = endpoint(&mut rig);
    let closed = rig.ump_client(1);
    let caps = OPEN_PORT & !PortCaps::WRITE;
    for port in 0..2 {
        rig.port_with(closed, |info| info.capability = caps.bits());
        rig.subscribe(closed, sender.port(port), closed.port(port)).unwrap();
    }
    let _notices = rig.read_bytes(sender, 4096);
    rig.set_info(sender, |info| info.filter = ClientFilter::BOUNCE.bits()).unwrap();
    let queue = rig.create_queue(sender).unwrap();
    rig.send_packet(sender, UmpEvent { queue, ..from(1, &[NOTE1, 2, 3, 4]) }).unwrap();
    let bounces = rig.read_bytes(sender, 4096).unwrap();
    assert_eq!(bounces.len(), 128);
    for (bounce, failed) in bounces.chunks(64).zip([closed.port(1), closed.port(0)]) {
        // The quoted record has 28 bytes, without the last word.
        assert_eq!((bounce[0], bounce[16]), (EventType::BOUNCE.0, 28));
        let quoted = &bounce[32..];
        assert_eq!(quoted[1], EventFlags::UMP.bits());
        assert_eq!(quoted[14..16], [failed.client, failed.port]);
        assert_eq!(quoted[16..28], [NOTE1, 2, 3].map(u32::to_ne_bytes).concat());
        assert_eq!(quoted[28..], [0; 4]);
    }
}
