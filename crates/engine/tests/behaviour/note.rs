//! NOTE: one event that becomes a note-on and, later, a note-off.

use crate::rig::{Rig, SUBSCRIBERS, TestClient, at_tick, at_time, errno, key};
use aseqd_abi::event::{EventFlags, EventTime};
use aseqd_abi::{Address, Errno, Event, EventType};

/// Returns a NOTE of a duration, with bytes set beyond the note's own.
fn note(dest: Address, duration: u32) -> Event {
    let mut event = Event { event_type: EventType::NOTE, tag: 9, ..key(dest, 60) };
    event.data.0[0] = 3;
    event.data.0[3] = 50;
    event.data.0[4..8].copy_from_slice(&duration.to_ne_bytes());
    event.data.0[8..].copy_from_slice(&[1, 2, 3, 4]);
    event
}

fn with_queue() -> (Rig, TestClient, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let reader = rig.client_with_port();
    rig.create_queue(client).unwrap();
    (rig, client, reader)
}

fn start(rig: &mut Rig, client: TestClient) {
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
}

#[test]
fn the_note_on_has_all_of_the_note_and_the_note_off_swaps_the_velocity() {
    let (mut rig, client, reader) = with_queue();
    let sent = at_tick(note(reader.port(0), 0), 0, 0);
    rig.send(client, sent).unwrap();
    let on = Event { event_type: EventType::NOTEON, source: client.port(0), ..sent };
    let mut off = Event { event_type: EventType::NOTEOFF, flags: EventFlags::PRIORITY, ..on };
    off.data.0[2] = 50;
    assert_eq!(rig.receive_all(reader), [on, off]);
}

#[test]
fn in_ticks_the_duration_is_ticks() {
    let (mut rig, client, reader) = with_queue();
    rig.go_to_tick(client, 0, 10);
    rig.send(client, at_tick(note(reader.port(0), 7), 0, 10)).unwrap();
    assert_eq!(rig.heard(reader), [(EventType::NOTEON, 60)]);
    rig.go_to_tick(client, 0, 16);
    rig.dispatch(client, 0);
    assert!(!rig.readable(reader));
    rig.go_to_tick(client, 0, 17);
    rig.dispatch(client, 0);
    assert_eq!(rig.receive_all(reader)[0].time, EventTime::tick(17));
}

#[test]
fn in_real_time_the_duration_is_milliseconds_carried_into_seconds() {
    let (mut rig, client, reader) = with_queue();
    start(&mut rig, client);
    rig.send(client, at_time(note(reader.port(0), 2001), 0, 1, 999_999_999)).unwrap();
    rig.pass(4_000_999_998);
    assert_eq!(rig.heard(reader), [(EventType::NOTEON, 60)]);
    rig.pass(1);
    let off = rig.receive_all(reader);
    assert_eq!((off[0].event_type, off[0].time), (EventType::NOTEOFF, EventTime::real(4, 999_999)));
    assert_eq!(off[0].flags, EventFlags::REAL_TIME | EventFlags::PRIORITY);
}

#[test]
fn a_relative_note_lasts_from_its_own_begin() {
    let (mut rig, client, reader) = with_queue();
    rig.go_to_tick(client, 0, 100);
    let mut event = at_tick(note(reader.port(0), 5), 0, 3);
    event.flags.insert(EventFlags::RELATIVE);
    rig.send(client, event).unwrap();
    rig.go_to_tick(client, 0, 200);
    rig.dispatch(client, 0);
    let times: Vec<_> = rig.receive_all(reader).iter().map(|event| event.time).collect();
    assert_eq!(times, [EventTime::tick(103), EventTime::tick(108)]);
}

#[test]
fn the_note_off_is_in_the_cell_of_the_note() {
    let (mut rig, client, reader) = with_queue();
    rig.set_pool(client, 1, 0, 0).unwrap();
    rig.send(client, at_tick(note(reader.port(0), 5), 0, 0)).unwrap();
    assert_eq!(rig.heard(reader), [(EventType::NOTEON, 60)]);
    assert_eq!(rig.pool(client).unwrap().output_free, 0);
    assert_eq!(rig.status(client, 0).unwrap().events, 1);
    rig.go_to_tick(client, 0, 5);
    assert_eq!(errno(rig.send(client, at_tick(key(reader.port(0), 1), 0, 0))), Errno::EAGAIN);
    // On a stopped queue only an enqueue delivers, and there is only one cell.
    rig.control(client, EventType::CONTINUE, 0, [0, 0]).unwrap();
    rig.go_to_tick(client, 0, 5);
    rig.pass(1);
    assert_eq!(rig.heard(reader), [(EventType::NOTEOFF, 60)]);
    assert_eq!(rig.pool(client).unwrap().output_free, 1);
}

#[test]
fn the_note_off_goes_before_events_of_its_time() {
    let (mut rig, client, reader) = with_queue();
    rig.send(client, at_tick(key(reader.port(0), 1), 0, 5)).unwrap();
    rig.send(client, at_tick(note(reader.port(0), 5), 0, 0)).unwrap();
    rig.go_to_tick(client, 0, 5);
    rig.dispatch(client, 0);
    let heard = rig.heard(reader);
    assert_eq!(heard[1..], [(EventType::NOTEOFF, 60), (EventType::NOTEON, 1)]);
}

#[test]
fn a_note_off_in_the_past_by_wrap_comes_at_once() {
    let (mut rig, client, reader) = with_queue();
    rig.go_to_tick(client, 0, 5);
    rig.send(client, at_tick(note(reader.port(0), 0xffff_fffe), 0, 5)).unwrap();
    let times: Vec<_> = rig.receive_all(reader).iter().map(|event| event.time).collect();
    assert_eq!(times, [EventTime::tick(5), EventTime::tick(3)]);
}

#[test]
fn the_note_off_follows_a_note_on_that_failed() {
    let (mut rig, client, reader) = with_queue();
    rig.set_port(reader, 0, |info| info.capability = 0).unwrap();
    rig.send(client, at_tick(note(reader.port(0), 5), 0, 0)).unwrap();
    rig.set_port(reader, 0, |info| info.capability = 0x42).unwrap();
    rig.go_to_tick(client, 0, 5);
    rig.dispatch(client, 0);
    assert_eq!(rig.heard(reader), [(EventType::NOTEOFF, 60)]);
}

#[test]
fn each_half_goes_to_the_subscribers_of_its_own_time() {
    let (mut rig, client, early) = with_queue();
    let late = rig.client_with_port();
    rig.subscribe(early, client.port(0), early.port(0)).unwrap();
    rig.send(client, at_tick(note(SUBSCRIBERS, 5), 0, 0)).unwrap();
    rig.unsubscribe(early, client.port(0), early.port(0)).unwrap();
    rig.subscribe(late, client.port(0), late.port(0)).unwrap();
    rig.go_to_tick(client, 0, 5);
    rig.dispatch(client, 0);
    assert_eq!(rig.heard(early), [(EventType::NOTEON, 60)]);
    assert_eq!(rig.heard(late), [(EventType::NOTEOFF, 60)]);
}

#[test]
fn a_direct_note_is_refused() {
    let (mut rig, client, reader) = with_queue();
    assert_eq!(errno(rig.send(client, note(reader.port(0), 5))), Errno::EINVAL);
    let to_subscribers = Event { queue: 254, ..note(reader.port(0), 5) };
    assert_eq!(errno(rig.send(client, to_subscribers)), Errno::EINVAL);
}
