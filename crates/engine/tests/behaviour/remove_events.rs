//! `REMOVE_EVENTS` on the output side: which queued events it removes.

use crate::rig::{Rig, SUBSCRIBERS, TestClient, at_tick, at_time, direct, key};
use aseqd_abi::event::EventTime;
use aseqd_abi::seq::{RemoveEvents, RemoveMode};
use aseqd_abi::{Address, Event, EventType};

/// Fills queues 0 and 1 with events of the client itself; the numbers are keys.
fn filled() -> (Rig, TestClient, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let other = rig.client_with_port();
    rig.create_queue(client).unwrap();
    rig.create_queue(client).unwrap();
    rig.use_queue(other, 0, true).unwrap();
    let to = other.port(0);
    let tagged = |tag, event: Event| Event { tag, ..event };
    for event in [
        tagged(1, at_tick(key(to, 1), 0, 10)),
        tagged(2, at_tick(Event { event_type: EventType::NOTEOFF, ..key(to, 2) }, 0, 20)),
        tagged(1, at_time(key(other.port(1), 3), 0, 10, 5)),
        tagged(
            2,
            at_tick(channel(5, Event { event_type: EventType::PITCHBEND, ..key(to, 4) }), 0, 5),
        ),
        tagged(3, at_tick(numbered(5, direct(EventType::ECHO, to)), 0, 30)),
        at_tick(key(SUBSCRIBERS, 6), 0, 7),
        at_tick(key(to, 7), 1, 10),
    ] {
        rig.send(client, event).unwrap();
    }
    rig.send(other, at_tick(key(to, 100), 0, 10)).unwrap();
    (rig, client, other)
}

fn channel(channel: u8, mut event: Event) -> Event {
    event.data.0[0] = channel;
    event
}

fn numbered(number: u8, mut event: Event) -> Event {
    event.data.0[1] = number;
    event
}

/// Returns the keys of the client's events that are left after a removal.
fn left(mode: RemoveMode, info: RemoveEvents) -> Vec<u8> {
    let (mut rig, client, other) = filled();
    let all = rig.client_with_port();
    rig.subscribe(client, client.port(0), all.port(0)).unwrap();
    rig.create_port(other, crate::rig::OPEN_PORT).unwrap();
    rig.receive_all(other);
    rig.receive_all(all);
    rig.remove_output(client, mode, info);
    for queue in [0, 1] {
        rig.go_to_tick(client, queue, 1000);
        rig.control(client, EventType::SETPOS_TIME, queue, [1000, 0]).unwrap();
        rig.dispatch(client, queue);
    }
    let mut keys: Vec<_> = [other, all]
        .iter()
        .flat_map(|reader| rig.receive_all(*reader))
        .map(|event| event.data.0[1])
        .collect();
    keys.sort_unstable();
    // Events of others are never removed.
    assert_eq!(keys.pop(), Some(100));
    keys
}

fn dest(queue: u8, dest: Address) -> RemoveEvents {
    RemoveEvents { queue, dest, ..RemoveEvents::default() }
}

fn time(sec: u32, nsec: u32) -> RemoveEvents {
    RemoveEvents { time: EventTime::real(sec, nsec), ..RemoveEvents::default() }
}

#[test]
fn without_conditions_all_own_events_go() {
    assert_eq!(left(RemoveMode::empty(), RemoveEvents::default()), []);
}

#[test]
fn a_destination_means_one_queue_and_one_port() {
    let to = Address::new(129, 0);
    assert_eq!(left(RemoveMode::DEST, dest(0, to)), [3, 6, 7]);
    assert_eq!(left(RemoveMode::DEST, dest(1, to)), [1, 2, 3, 4, 5, 6]);
    assert_eq!(left(RemoveMode::DEST, dest(0, Address::new(129, 1))), [1, 2, 4, 5, 6, 7]);
    assert_eq!(left(RemoveMode::DEST, dest(0, SUBSCRIBERS)), [1, 2, 3, 4, 5, 7]);
    assert_eq!(left(RemoveMode::DEST, dest(9, to)), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_channel_means_channel_events_only() {
    let of = |channel| RemoveEvents { channel, ..RemoveEvents::default() };
    assert_eq!(left(RemoveMode::DEST_CHANNEL, of(5)), [1, 2, 3, 5, 6, 7]);
    // The echo has 0 there too, and stays.
    assert_eq!(left(RemoveMode::DEST_CHANNEL, of(0)), [4, 5]);
    assert_eq!(left(RemoveMode::DEST_CHANNEL, of(16)), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn ticks_compare_the_raw_field_of_real_times_too() {
    let ticks = RemoveMode::TIME_TICK;
    assert_eq!(left(ticks | RemoveMode::TIME_BEFORE, time(10, 0)), [1, 2, 3, 5, 7]);
    assert_eq!(left(ticks | RemoveMode::TIME_AFTER, time(10, 0)), [4, 6]);
}

#[test]
fn real_times_compare_the_raw_fields_of_ticks_too() {
    assert_eq!(left(RemoveMode::TIME_BEFORE, time(10, 0)), [1, 2, 3, 5, 7]);
    assert_eq!(left(RemoveMode::TIME_BEFORE, time(10, 5)), [2, 3, 5]);
    assert_eq!(left(RemoveMode::TIME_AFTER, time(10, 1)), [1, 4, 6, 7]);
    let both = RemoveMode::TIME_BEFORE | RemoveMode::TIME_AFTER;
    assert_eq!(left(both, time(10, 0)), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_type_is_compared_as_a_whole_number() {
    let of = |event_type| RemoveEvents { event_type, ..RemoveEvents::default() };
    assert_eq!(left(RemoveMode::EVENT_TYPE, of(6)), [2, 4, 5]);
    assert_eq!(left(RemoveMode::EVENT_TYPE, of(256 + 6)), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(left(RemoveMode::EVENT_TYPE, of(-1)), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn note_offs_can_be_spared() {
    assert_eq!(left(RemoveMode::IGNORE_OFF, RemoveEvents::default()), [2]);
}

#[test]
fn tags_and_several_conditions_at_once() {
    let tag = RemoveEvents { tag: 1, event_type: 13, ..RemoveEvents::default() };
    assert_eq!(left(RemoveMode::TAG_MATCH, tag), [2, 4, 5, 6, 7]);
    let both = RemoveMode::TAG_MATCH | RemoveMode::EVENT_TYPE;
    assert_eq!(left(both, tag), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(left(both, RemoveEvents { tag: 2, ..tag }), [1, 2, 3, 5, 6, 7]);
}

#[test]
fn without_output_nothing_goes() {
    let (mut rig, client, _) = filled();
    let remove_mode = RemoveMode::TAG_MATCH.bits();
    let info = RemoveEvents { remove_mode, ..RemoveEvents::default() };
    rig.ioctl(client, aseqd_abi::ioctl::sequencer::REMOVE_EVENTS, info).unwrap();
    assert_eq!(rig.status(client, 0).unwrap().events, 7);
}

#[test]
fn queues_that_the_caller_does_not_use_are_left_alone() {
    let (mut rig, client, _) = filled();
    rig.use_queue(client, 0, false).unwrap();
    rig.remove_output(client, RemoveMode::empty(), RemoveEvents::default());
    assert_eq!(rig.status(client, 0).unwrap().events, 7);
    assert_eq!(rig.status(client, 1).unwrap().events, 0);
}

#[test]
fn a_pending_note_off_is_a_note_off() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    let mut note = Event { event_type: EventType::NOTE, ..at_tick(key(client.port(0), 60), 0, 0) };
    note.data.0[4] = 10;
    rig.send(client, note).unwrap();
    rig.remove_output(client, RemoveMode::IGNORE_OFF, RemoveEvents::default());
    assert_eq!(rig.status(client, 0).unwrap().events, 1);
    let info = RemoveEvents { event_type: 7, ..RemoveEvents::default() };
    rig.remove_output(client, RemoveMode::EVENT_TYPE, info);
    assert_eq!(rig.status(client, 0).unwrap().events, 0);
}

#[test]
fn removing_frees_cells() {
    let (mut rig, client, _) = filled();
    assert_eq!(rig.pool(client).unwrap().output_free, 493);
    rig.remove_output(client, RemoveMode::empty(), RemoveEvents::default());
    assert_eq!(rig.pool(client).unwrap().output_free, 500);
}
