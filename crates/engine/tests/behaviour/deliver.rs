//! Delivery to one port: what prevents it, and what is checked first.

use crate::rig::{OPEN_PORT, Rig, THROUGH, direct, errno, key};
use aseqd_abi::seq::{ClientFilter, PortCaps};
use aseqd_abi::{Address, Errno, EventType};
use aseqd_engine::Access;

#[test]
fn missing_clients_and_ports_are_enoent() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    for dest in [(1, 0), (15, 0), (129, 0), (192, 0), (252, 0), (253, 0), (255, 0), (255, 255)] {
        let dest = Address::new(dest.0, dest.1);
        assert_eq!(errno(rig.send(client, key(dest, 1))), Errno::ENOENT, "{dest}");
    }
    for port in [1, 253, 254, 255] {
        assert_eq!(errno(rig.send(client, key(client.port(port), 1))), Errno::ENOENT);
    }
}

#[test]
fn a_port_needs_write_and_nothing_else() {
    let mut rig = Rig::new();
    let client = rig.client();
    let closed = rig.create_port(client, OPEN_PORT - PortCaps::WRITE).unwrap();
    let open = rig.create_port(client, PortCaps::WRITE | PortCaps::NO_EXPORT).unwrap();
    let other = rig.client();
    for sender in [client, other] {
        assert_eq!(errno(rig.send(sender, key(closed, 1))), Errno::EPERM);
        assert_eq!(rig.send(sender, key(open, 1)), Ok(28));
    }
}

#[test]
fn the_filter_is_asked_before_the_port() {
    let mut rig = Rig::new();
    let client = rig.client();
    let reader = rig.client();
    let closed = rig.create_port(reader, PortCaps::READ).unwrap();
    assert_eq!(errno(rig.send(client, key(closed, 1))), Errno::EPERM);
    rig.set_info(reader, |info| info.filter = ClientFilter::USE_EVENT.bits()).unwrap();
    assert_eq!(errno(rig.send(client, key(closed, 1))), Errno::ENOENT);
}

#[test]
fn a_write_only_client_is_not_there_to_receive_though_it_can_be_subscribed() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let deaf = rig.client_with(Access::Write);
    let port = rig.create_port(deaf, OPEN_PORT).unwrap();
    assert_eq!(errno(rig.send(client, key(port, 1))), Errno::ENOENT);
    rig.subscribe(client, client.port(0), port).unwrap();
    let to_subscribers = key(crate::rig::SUBSCRIBERS, 1);
    assert_eq!(errno(rig.send(client, to_subscribers)), Errno::ENOENT);
}

#[test]
fn a_client_may_send_to_itself() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.send(client, key(client.port(0), 1)).unwrap();
    assert_eq!(rig.heard(client), [(EventType::NOTEON, 1)]);
}

#[test]
fn the_senders_port_need_not_exist_and_no_subscription_is_needed() {
    let mut rig = Rig::new();
    let client = rig.client();
    let reader = rig.client_with_port();
    assert_eq!(rig.send(client, key(reader.port(0), 1)), Ok(28));
}

#[test]
fn capabilities_are_those_of_the_time_of_delivery() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let reader = rig.client_with_port();
    rig.subscribe(client, client.port(0), reader.port(0)).unwrap();
    rig.set_port(reader, 0, |info| info.capability = PortCaps::SUBS_WRITE.bits()).unwrap();
    let event = key(crate::rig::SUBSCRIBERS, 1);
    assert_eq!(errno(rig.send(client, event)), Errno::EPERM);
    rig.set_port(reader, 0, |info| info.capability = PortCaps::WRITE.bits()).unwrap();
    assert_eq!(rig.send(client, event), Ok(28));
}

#[test]
fn midi_through_forwards_with_its_own_address() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let reader = rig.client_with_port();
    rig.subscribe(reader, THROUGH, reader.port(0)).unwrap();
    let mut event = key(THROUGH, 1);
    event.flags = aseqd_abi::event::EventFlags::from_bits_retain(0x13);
    (event.tag, event.time) = (9, aseqd_abi::event::EventTime::real(1, 2));
    rig.send(client, event).unwrap();
    let expected = aseqd_abi::Event { source: THROUGH, dest: reader.port(0), ..event };
    assert_eq!(rig.receive(reader), Some(expected));
}

#[test]
fn queued_events_reach_midi_through_when_due_and_go_on_direct() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    rig.subscribe(client, THROUGH, client.port(0)).unwrap();
    rig.send(client, crate::rig::at_tick(key(THROUGH, 1), 0, 5)).unwrap();
    assert!(!rig.readable(client));
    rig.go_to_tick(client, 0, 5);
    rig.dispatch(client, 0);
    let event = rig.receive(client).unwrap();
    assert_eq!((event.queue, event.source), (253, THROUGH));
}

#[test]
fn midi_through_ignores_the_system_client() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    rig.subscribe(client, THROUGH, client.port(0)).unwrap();
    rig.subscribe(client, crate::rig::ANNOUNCE, THROUGH).unwrap();
    rig.subscribe(client, crate::rig::TIMER, THROUGH).unwrap();
    rig.control(client, EventType::STOP, 0, [0, 0]).unwrap();
    rig.client();
    assert_eq!(rig.receive_all(client), []);
}

#[test]
fn a_loop_at_midi_through_ends_after_six_copies() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let reader = rig.client_with_port();
    rig.subscribe(client, THROUGH, THROUGH).unwrap();
    rig.subscribe(client, THROUGH, reader.port(0)).unwrap();
    rig.receive_all(reader);
    assert_eq!(errno(rig.send(client, key(THROUGH, 1))), Errno::EMLINK);
    assert_eq!(rig.receive_all(reader).len(), 6);
}

#[test]
fn variable_events_keep_their_data_on_the_way() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let reader = rig.client_with_port();
    rig.create_queue(client).unwrap();
    rig.subscribe(reader, THROUGH, reader.port(0)).unwrap();
    let mut event = direct(EventType::SYSEX, THROUGH);
    event.flags = aseqd_abi::event::EventFlags::VARIABLE;
    event.data = aseqd_abi::event::EventData::from_ext_len(4);
    for sent in [event, crate::rig::at_tick(event, 0, 0)] {
        rig.send_variable(client, sent, &[0xf0, 1, 2, 0xf7]).unwrap();
        let read = rig.read_bytes(reader, 56).unwrap();
        assert_eq!(read[28..33], [0xf0, 1, 2, 0xf7, 0]);
    }
}
