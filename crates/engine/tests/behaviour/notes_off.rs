//! Notes of a client that is gone: they sound on as on Linux, or end by the option.

use crate::rig::{Rig, SUBSCRIBERS, THROUGH, TestClient, at_tick, direct, key};
use aseqd_abi::event::{Control, EventData, Note};
use aseqd_abi::{Address, Event, EventType};
use aseqd_engine::Config;

fn rig() -> Rig {
    Rig::with_config(Config { notes_off: true, ..Config::default() })
}

fn pair(rig: &mut Rig) -> (TestClient, TestClient) {
    (rig.client_with_port(), rig.client_with_port())
}

fn note(event_type: EventType, dest: Address, channel: u8, note: u8, velocity: u8) -> Event {
    let note = Note { channel, note, velocity, ..Note::default() };
    Event { data: EventData::from_note(note), ..direct(event_type, dest) }
}

fn control(dest: Address, channel: u8, param: u32, value: i32) -> Event {
    let data = EventData::from_control(Control { channel, param, value });
    Event { data, ..direct(EventType::CONTROLLER, dest) }
}

/// Returns what a reader gets when a client goes: types, channels, and notes or controllers.
fn at_the_end(rig: &mut Rig, client: TestClient, reader: TestClient) -> Vec<(EventType, u8, u32)> {
    rig.receive_all(reader);
    rig.close(client);
    let described = |event: &Event| match event.event_type {
        EventType::CONTROLLER => {
            let Control { channel, param, value } = event.data.control();
            assert_eq!(value, 0);
            (event.event_type, channel, param)
        }
        _ => {
            let Note { channel, note, .. } = event.data.note();
            (event.event_type, channel, note.into())
        }
    };
    rig.receive_all(reader).iter().map(described).collect()
}

#[test]
fn without_the_option_notes_stay_as_on_linux() {
    let mut rig = Rig::new();
    let (client, reader) = pair(&mut rig);
    rig.send(client, key(reader.port(0), 60)).unwrap();
    assert_eq!(at_the_end(&mut rig, client, reader), []);
}

#[test]
fn what_is_on_is_ended_and_nothing_else() {
    let mut rig = rig();
    let (client, reader) = pair(&mut rig);
    let dest = reader.port(0);
    for event in [
        note(EventType::NOTEON, dest, 0, 60, 100),
        note(EventType::NOTEON, dest, 0, 61, 100),
        note(EventType::NOTEON, dest, 9, 127, 1),
        note(EventType::NOTEOFF, dest, 0, 61, 0),
        note(EventType::NOTEON, dest, 3, 5, 100),
        note(EventType::NOTEON, dest, 3, 5, 0),
        control(dest, 2, 64, 127),
        control(dest, 3, 64, 127),
        control(dest, 3, 64, 63),
        control(dest, 2, 66, 64),
        control(dest, 4, 7, 100),
        // These channels and notes do not exist.
        note(EventType::NOTEON, dest, 16, 60, 100),
        note(EventType::NOTEON, dest, 0, 128, 100),
        control(dest, 200, 64, 127),
    ] {
        rig.send(client, event).unwrap();
    }
    let expected = [
        (EventType::NOTEOFF, 0, 60),
        (EventType::NOTEOFF, 9, 127),
        (EventType::CONTROLLER, 2, 64),
        (EventType::CONTROLLER, 2, 66),
    ];
    assert_eq!(at_the_end(&mut rig, client, reader), expected);
}

#[test]
fn the_note_off_comes_from_where_the_note_came() {
    let mut rig = rig();
    let (client, reader) = pair(&mut rig);
    rig.send(client, key(reader.port(0), 60)).unwrap();
    rig.receive_all(reader);
    rig.close(client);
    let [off] = rig.receive_all(reader)[..] else { panic!("one event") };
    assert_eq!((off.source, off.dest), (client.port(0), reader.port(0)));
    assert_eq!(off.data.note().velocity, 64);
}

#[test]
fn all_off_and_reset_end_what_is_on() {
    for end in [
        |dest| control(dest, 0, 120, 0),
        |dest| control(dest, 0, 123, 0),
        |dest| control(dest, 0, 127, 0),
        |dest| direct(EventType::RESET, dest),
    ] {
        let mut rig = rig();
        let (client, reader) = pair(&mut rig);
        rig.send(client, key(reader.port(0), 60)).unwrap();
        rig.send(client, end(reader.port(0))).unwrap();
        assert_eq!(at_the_end(&mut rig, client, reader), []);
    }
    let mut rig = rig();
    let (client, reader) = pair(&mut rig);
    rig.send(client, control(reader.port(0), 0, 64, 127)).unwrap();
    rig.send(client, control(reader.port(0), 0, 121, 0)).unwrap();
    assert_eq!(at_the_end(&mut rig, client, reader), []);
}

#[test]
fn subscribers_get_it_even_if_their_connection_is_cut() {
    let mut rig = rig();
    let (client, reader) = pair(&mut rig);
    rig.subscribe(reader, client.port(0), reader.port(0)).unwrap();
    rig.send(client, key(SUBSCRIBERS, 60)).unwrap();
    rig.unsubscribe(reader, client.port(0), reader.port(0)).unwrap();
    assert_eq!(at_the_end(&mut rig, client, reader), [(EventType::NOTEOFF, 0, 60)]);
}

#[test]
fn through_midi_through_it_comes_once() {
    let mut rig = rig();
    let (client, reader) = pair(&mut rig);
    rig.subscribe(reader, THROUGH, reader.port(0)).unwrap();
    rig.send(client, key(THROUGH, 60)).unwrap();
    assert_eq!(at_the_end(&mut rig, client, reader), [(EventType::NOTEOFF, 0, 60)]);
}

#[test]
fn a_note_whose_end_was_queued_is_ended() {
    let mut rig = rig();
    let (client, reader) = pair(&mut rig);
    let queue = rig.create_queue(client).unwrap();
    let mut event = Event { event_type: EventType::NOTE, ..key(reader.port(0), 60) };
    event.data.0[4..8].copy_from_slice(&1000_u32.to_ne_bytes());
    rig.send(client, at_tick(event, queue, 0)).unwrap();
    assert_eq!(rig.heard(reader), [(EventType::NOTEON, 60)]);
    assert_eq!(at_the_end(&mut rig, client, reader), [(EventType::NOTEOFF, 0, 60)]);
}

#[test]
fn other_clients_notes_stay() {
    let mut rig = rig();
    let (client, reader) = pair(&mut rig);
    let other = rig.client_with_port();
    rig.send(client, key(reader.port(0), 60)).unwrap();
    rig.send(other, key(reader.port(0), 61)).unwrap();
    assert_eq!(at_the_end(&mut rig, client, reader), [(EventType::NOTEOFF, 0, 60)]);
    assert_eq!(at_the_end(&mut rig, other, reader), [(EventType::NOTEOFF, 0, 61)]);
}

#[test]
fn a_port_or_client_that_is_gone_and_one_of_its_number_get_nothing() {
    let mut rig = rig();
    let (client, reader) = pair(&mut rig);
    rig.send(client, key(reader.port(0), 60)).unwrap();
    rig.delete_port(reader, 0).unwrap();
    assert_eq!(rig.create_port(reader, crate::rig::OPEN_PORT), Ok(reader.port(0)));
    rig.receive_all(reader);
    rig.send(client, key(reader.port(0), 61)).unwrap();
    rig.close(reader);
    let reader = rig.client_with_port();
    assert_eq!(at_the_end(&mut rig, client, reader), []);
}

#[test]
fn a_note_that_was_not_delivered_is_not_on() {
    let mut rig = rig();
    let (client, reader) = pair(&mut rig);
    rig.set_pool(reader, 0, 1, 0).unwrap();
    rig.send(client, control(reader.port(0), 0, 7, 100)).unwrap();
    assert!(rig.send(client, key(reader.port(0), 60)).is_err());
    assert!(rig.read_bytes(reader, 1000).is_err(), "it is told of the loss");
    assert_eq!(at_the_end(&mut rig, client, reader), []);
}

#[test]
fn on_64_ports_at_a_time_notes_are_kept_track_of() {
    let mut rig = rig();
    let (client, reader) = pair(&mut rig);
    for port in 1..=64 {
        assert_eq!(rig.create_port(reader, crate::rig::OPEN_PORT), Ok(reader.port(port)));
    }
    for port in 0..=64 {
        rig.send(client, key(reader.port(port), 60)).unwrap();
    }
    rig.receive_all(reader);
    // A port that is silent again makes room for another.
    rig.send(client, note(EventType::NOTEOFF, reader.port(3), 0, 60, 0)).unwrap();
    rig.send(client, key(reader.port(64), 61)).unwrap();
    let ended = at_the_end(&mut rig, client, reader);
    assert_eq!(ended.len(), 64);
    assert_eq!(ended.iter().filter(|(.., key)| *key == 61).count(), 1);
}

#[test]
fn a_port_that_stamps_does_so() {
    let mut rig = rig();
    let (client, reader) = pair(&mut rig);
    let queue = rig.create_queue(reader).unwrap();
    let port = rig.create_stamping_port(reader, queue, false).unwrap();
    rig.go_to_tick(reader, queue, 7);
    rig.send(client, key(port, 60)).unwrap();
    rig.close(client);
    let times: Vec<_> = rig.receive_all(reader).iter().map(|event| event.time).collect();
    assert_eq!(times, [aseqd_abi::event::EventTime::tick(7); 2]);
}
