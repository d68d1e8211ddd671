//! What becomes of events that fail when they are due.

use crate::rig::{ANNOUNCE, Rig, SUBSCRIBERS, TIMER, TestClient, at_tick, direct, errno, key};
use aseqd_abi::event::{EventData, EventFlags, EventTime};
use aseqd_abi::seq::{PortCaps, SubscriptionFlags};
use aseqd_abi::{Address, Errno, Event, EventType};
use zerocopy::{FromBytes, IntoBytes};

const NOWHERE: Address = Address::new(200, 7);

fn bouncing() -> (Rig, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    rig.want_bounces(client);
    (rig, client)
}

/// Returns the failed records in the bounces that a client has.
fn bounced(rig: &mut Rig, client: TestClient) -> Vec<Event> {
    let mut failed = Vec::new();
    while let Ok(bytes) = rig.read_bytes(client, 56) {
        assert_eq!(bytes.len(), 56);
        failed.push(Event::read_from_bytes(&bytes[28..]).unwrap());
    }
    failed
}

#[test]
fn a_bounce_is_a_variable_event_with_the_failed_record() {
    let (mut rig, client) = bouncing();
    let event = Event { tag: 9, ..at_tick(key(NOWHERE, 1), 0, 0) };
    rig.send(client, event).unwrap();
    let bytes = rig.read_bytes(client, 100).unwrap();
    let (bounce, data) = Event::read_from_prefix(&bytes).unwrap();
    let expected = Event {
        event_type: EventType::BOUNCE,
        flags: EventFlags::VARIABLE,
        source: ANNOUNCE,
        dest: client.port(0),
        data: EventData::from_ext_len(28),
        ..Event::direct(EventType::BOUNCE)
    };
    assert_eq!(bounce, expected);
    assert_eq!(data, Event { source: client.port(0), ..event }.as_bytes());
}

#[test]
fn the_data_of_a_variable_event_does_not_come_back() {
    let (mut rig, client) = bouncing();
    let mut event = at_tick(direct(EventType::SYSEX, NOWHERE), 0, 0);
    event.flags = EventFlags::VARIABLE;
    event.data = EventData::from_ext_len(4);
    event.data.0[4..].copy_from_slice(&[0xff; 8]);
    rig.send_variable(client, event, &[0xf0, 1, 2, 0xf7]).unwrap();
    let failed = bounced(&mut rig, client);
    let data = EventData::from_ext_len(4);
    assert_eq!(failed, [Event { source: client.port(0), data, ..event }]);
}

#[test]
fn nobody_is_told_who_does_not_ask_for_it() {
    let (mut rig, client) = bouncing();
    rig.set_info(client, |info| info.filter = !4).unwrap();
    assert_eq!(rig.send(client, at_tick(key(NOWHERE, 1), 0, 0)), Ok(28));
    assert!(!rig.readable(client));
    assert_eq!(rig.info(client, 128).unwrap().event_lost, 0);
}

#[test]
fn direct_events_fail_at_their_writer_and_do_not_bounce() {
    let (mut rig, client) = bouncing();
    assert_eq!(errno(rig.send(client, key(NOWHERE, 1))), Errno::ENOENT);
    assert!(!rig.readable(client));
}

#[test]
fn a_bounce_that_cannot_be_delivered_is_counted() {
    let (mut rig, client) = bouncing();
    let from = |port| Event { source: Address::new(0, port), ..at_tick(key(NOWHERE, 1), 0, 0) };
    rig.send(client, from(5)).unwrap();
    assert_eq!(rig.info(client, 128).unwrap().event_lost, 1);
    rig.set_port(client, 0, |info| info.capability = PortCaps::READ.bits()).unwrap();
    rig.send(client, from(0)).unwrap();
    assert_eq!(rig.info(client, 128).unwrap().event_lost, 2);
    rig.set_port(client, 0, |info| info.capability = PortCaps::WRITE.bits()).unwrap();
    rig.set_pool(client, 0, 1, 0).unwrap();
    rig.send(client, from(0)).unwrap();
    assert_eq!(rig.info(client, 128).unwrap().event_lost, 3);
    // It was too large for the input, which counts as an overflow.
    assert_eq!(errno(rig.read_bytes(client, 56)), Errno::ENOSPC);
    rig.set_info(client, |info| info.event_lost = 0).unwrap();
    assert_eq!(rig.info(client, 128).unwrap().event_lost, 0);
}

#[test]
fn each_failing_subscriber_of_a_queued_event_has_its_own_bounce() {
    let (mut rig, client) = bouncing();
    let readers = [(); 3].map(|()| rig.client_with_port());
    for reader in readers {
        rig.subscribe(client, client.port(0), reader.port(0)).unwrap();
    }
    for reader in [readers[0], readers[2]] {
        rig.set_port(reader, 0, |info| info.capability = 0).unwrap();
    }
    rig.send(client, at_tick(key(SUBSCRIBERS, 1), 0, 0)).unwrap();
    let dests: Vec<_> = bounced(&mut rig, client).iter().map(|event| event.dest).collect();
    assert_eq!(dests, [readers[0].port(0), readers[2].port(0)]);
}

#[test]
fn a_direct_event_that_fails_behind_a_stamping_subscription_succeeds_and_bounces() {
    let (mut rig, client) = bouncing();
    let reader = rig.client_with_port();
    let pair = [client.port(0), reader.port(0)];
    rig.subscribe_with(client, pair, SubscriptionFlags::TIMESTAMP, 0).unwrap();
    rig.set_port(reader, 0, |info| info.capability = 0).unwrap();
    rig.go_to_tick(client, 0, 5);
    assert_eq!(rig.send(client, key(SUBSCRIBERS, 1)), Ok(28));
    let failed = bounced(&mut rig, client);
    assert_eq!((failed[0].queue, failed[0].time), (0, EventTime::tick(5)));
    rig.set_info(client, |info| info.filter = 0).unwrap();
    assert_eq!(rig.send(client, key(SUBSCRIBERS, 1)), Ok(28));
    assert!(!rig.readable(client));
}

#[test]
fn a_bounce_that_fails_behind_a_stamping_subscription_is_the_senders_error() {
    let (mut rig, client) = bouncing();
    let reader = rig.client_with_port();
    let stamp = SubscriptionFlags::TIMESTAMP;
    rig.subscribe_with(client, [client.port(0), reader.port(0)], stamp, 0).unwrap();
    rig.set_port(reader, 0, |info| info.capability = 0).unwrap();
    let mut event = key(SUBSCRIBERS, 1);
    event.event_type = EventType::BOUNCE;
    event.flags = EventFlags::VARIABLE;
    event.data = EventData::from_ext_len(0);
    assert_eq!(errno(rig.send(client, event)), Errno::EPERM);
    assert_eq!(bounced(&mut rig, client), []);
}

#[test]
fn a_bad_queue_in_queued_control_bounces() {
    let (mut rig, client) = bouncing();
    let data = EventData::from_queue(9, 0, 0);
    rig.send(client, at_tick(Event { data, ..direct(EventType::STOP, TIMER) }, 0, 0)).unwrap();
    assert_eq!(bounced(&mut rig, client)[0].event_type, EventType::STOP);
}

#[test]
fn both_halves_of_a_note_bounce() {
    let (mut rig, client) = bouncing();
    let note = Event { event_type: EventType::NOTE, ..at_tick(key(NOWHERE, 60), 0, 0) };
    rig.send(client, note).unwrap();
    let types: Vec<_> = bounced(&mut rig, client).iter().map(|event| event.event_type).collect();
    assert_eq!(types, [EventType::NOTEON, EventType::NOTEOFF]);
}

#[test]
fn events_of_a_client_that_cannot_read_do_not_bounce() {
    let (mut rig, owner) = bouncing();
    let writer = rig.client_with(aseqd_engine::Access::Write);
    rig.use_queue(writer, 0, true).unwrap();
    rig.want_bounces(writer);
    rig.send(writer, at_tick(key(NOWHERE, 1), 0, 0)).unwrap();
    assert_eq!(rig.info(owner, writer.number.into()).unwrap().event_lost, 0);
    assert!(!rig.readable(owner));
}
