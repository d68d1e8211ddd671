//! `poll`: when a file is readable and when it is writable.

use crate::rig::{OPEN_PORT, Rig, at_tick, errno, key};
use aseqd_abi::Errno;
use aseqd_abi::seq::{RemoveEvents, RemoveMode};
use aseqd_engine::Access;

#[test]
fn a_file_is_readable_while_there_are_events() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    assert!(!rig.readable(client));
    rig.send(client, key(client.port(0), 1)).unwrap();
    rig.send(client, key(client.port(0), 2)).unwrap();
    rig.receive(client);
    assert!(rig.readable(client));
    rig.receive(client);
    assert!(!rig.readable(client));
}

#[test]
fn an_overflow_without_events_is_not_readable() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.set_pool(client, 0, 1, 0).unwrap();
    let mut event = key(client.port(0), 1);
    event.event_type = aseqd_abi::EventType::SYSEX;
    event.flags = aseqd_abi::event::EventFlags::VARIABLE;
    event.data = aseqd_abi::event::EventData::from_ext_len(100);
    assert_eq!(errno(rig.send_variable(client, event, &[0; 100])), Errno::ENOMEM);
    assert!(!rig.readable(client));
    assert_eq!(errno(rig.read_bytes(client, 28)), Errno::ENOSPC);
}

#[test]
fn access_modes_decide_what_can_be_polled_for() {
    let mut rig = Rig::new();
    let reader = rig.client_with(Access::Read);
    let writer = rig.client_with(Access::Write);
    let port = rig.create_port(reader, OPEN_PORT).unwrap();
    rig.send(writer, key(port, 1)).unwrap();
    assert_eq!((rig.readable(reader), rig.writable(reader)), (true, false));
    assert_eq!((rig.readable(writer), rig.writable(writer)), (false, true));
}

#[test]
fn a_file_is_writable_before_its_pool_exists_and_then_while_half_of_it_is_free() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    assert!(rig.writable(client));
    let event = at_tick(key(client.port(0), 1), 0, 9);
    for cells in 1..=500 {
        rig.send(client, event).unwrap();
        assert_eq!(rig.writable(client), cells <= 250, "{cells}");
    }
    assert_eq!(errno(rig.send(client, event)), Errno::EAGAIN);
    rig.remove_output(client, RemoveMode::empty(), RemoveEvents::default());
    assert!(rig.writable(client));
}

#[test]
fn room_for_all_means_that_everything_has_been_played_note_offs_included() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    // Allocating the pool sets the room, so it comes first.
    rig.write_bytes(client, b"x").unwrap_err();
    rig.set_pool(client, 0, 0, 500).unwrap();
    let mut note = at_tick(key(client.port(0), 60), 0, 0);
    note.event_type = aseqd_abi::EventType::NOTE;
    note.data.0[4] = 96;
    rig.control(client, aseqd_abi::EventType::START, 0, [0, 0]).unwrap();
    rig.send(client, note).unwrap();
    rig.pass(500_000_000 - 33);
    assert!(!rig.writable(client));
    rig.ready();
    rig.pass(1);
    assert!(rig.writable(client));
    assert!(rig.ready().contains(&client.file));
}

#[test]
fn a_smaller_room_makes_writable_at_once() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    for _ in 0..251 {
        rig.send(client, at_tick(key(client.port(0), 1), 0, 9)).unwrap();
    }
    assert!(!rig.writable(client));
    rig.ready();
    rig.set_pool(client, 0, 0, 249).unwrap();
    assert!(rig.writable(client));
    assert_eq!(rig.ready(), [client.file]);
}

/// A client may ask for room before its first write makes the cells: until then there is none. On Linux 6.12 and 7.3 that write wakes
/// nobody either.
#[test]
fn the_first_write_makes_room_and_wakes_nobody() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.set_pool(client, 0, 0, 1).unwrap();
    let _before = rig.ready();
    assert!(!rig.writable(client));
    // Whatever becomes of the event.
    assert_eq!(errno(rig.write_bytes(client, &[0; 3])), Errno::EINVAL);
    assert!(rig.writable(client));
    assert_eq!(rig.ready(), []);
}
