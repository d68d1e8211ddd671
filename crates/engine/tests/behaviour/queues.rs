//! Queues: existence, owner, lock, name, users.

use crate::rig::{Rig, TestClient, at_tick, errno, key};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{QueueClient, QueueInfo, QueueStatus, QueueTempo, QueueTimer};
use aseqd_abi::{Errno, EventType};

fn named(name: &str) -> QueueInfo {
    let mut info = QueueInfo::default();
    info.name[..name.len()].copy_from_slice(name.as_bytes());
    info
}

fn info_of(
    rig: &mut Rig,
    client: TestClient,
    queue: i32,
) -> Result<QueueInfo, aseqd_engine::Error> {
    rig.ioctl(client, s::GET_QUEUE_INFO, QueueInfo { queue, ..QueueInfo::default() })
}

fn use_mark(rig: &mut Rig, client: TestClient, queue: i32, used: i32) -> Result<i32, Errno> {
    let info = QueueClient { queue, used, ..QueueClient::default() };
    let info = rig.ioctl(client, s::SET_QUEUE_CLIENT, info);
    info.map(|info| info.used).map_err(|error| error.errno)
}

#[test]
fn a_created_queue_is_returned_with_number_owner_lock_and_name() {
    let mut rig = Rig::new();
    let client = rig.client();
    let asked = QueueInfo { queue: 9, owner: 77, flags: 1, reserved: [0x5a; 60], ..named("") };
    let made = rig.ioctl(client, s::CREATE_QUEUE, asked).unwrap();
    let expected = QueueInfo { queue: 0, owner: 128, name: named("Queue-0").name, ..asked };
    assert_eq!(made, expected);
    // The bytes behind the end of the name stay.
    let mut garbage = QueueInfo { name: [0x5a; 64], ..asked };
    garbage.name[0] = 0;
    let made = rig.ioctl(client, s::CREATE_QUEUE, garbage).unwrap();
    assert_eq!((&made.name[..9], made.name[63]), (&b"Queue-1\0\x5a"[..], 0x5a));
    let made = rig.ioctl(client, s::CREATE_QUEUE, named("mine")).unwrap();
    assert_eq!(made, QueueInfo { queue: 2, owner: 128, ..named("mine") });
}

#[test]
fn the_lock_is_bit_0_and_the_other_bits_stay_as_passed() {
    let mut rig = Rig::new();
    let client = rig.client();
    for (locked, is_locked) in [(0, 0), (1, 1), (2, 0), (3, 1), (0xfe, 0), (0xff, 1)] {
        let made = rig.ioctl(client, s::CREATE_QUEUE, QueueInfo { locked, ..named("q") }).unwrap();
        assert_eq!(made.locked, locked);
        assert_eq!(info_of(&mut rig, client, made.queue).unwrap().locked, is_locked);
        let asked = QueueInfo { locked: 0xfe, ..named("q") };
        let found = rig.ioctl(client, s::GET_NAMED_QUEUE, asked).unwrap();
        assert_eq!(found.locked, 0xfe);
    }
}

#[test]
fn queues_get_the_lowest_free_number() {
    let mut rig = Rig::new();
    let client = rig.client();
    for number in 0..3 {
        assert_eq!(rig.create_queue(client), Ok(number));
    }
    rig.ioctl(client, s::DELETE_QUEUE, QueueInfo { queue: 1, ..named("") }).unwrap();
    assert_eq!(rig.create_queue(client), Ok(1));
}

#[test]
fn deleting_needs_the_owner_locked_or_not() {
    let mut rig = Rig::new();
    let owner = rig.client();
    let other = rig.client();
    rig.create_queue(owner).unwrap();
    let mut delete = |client: TestClient, queue| {
        rig.ioctl(client, s::DELETE_QUEUE, QueueInfo { queue, ..QueueInfo::default() })
    };
    assert_eq!(errno(delete(other, 0)), Errno::EINVAL);
    for unknown in [-1, 1, 32, 256, i32::MAX, i32::MIN] {
        assert_eq!(errno(delete(owner, unknown)), Errno::EINVAL);
    }
    assert!(delete(owner, 0).is_ok());
    assert_eq!(errno(delete(owner, 0)), Errno::EINVAL);
}

#[test]
fn queue_info_is_written_as_a_whole() {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.ioctl(client, s::CREATE_QUEUE, QueueInfo { flags: 1, locked: 1, ..named("q") }).unwrap();
    let asked = QueueInfo { flags: 7, pad: [7; 3], reserved: [7; 60], ..named("x") };
    let info = rig.ioctl(client, s::GET_QUEUE_INFO, asked).unwrap();
    assert_eq!(info, QueueInfo { owner: 128, locked: 1, ..named("q") });
    assert_eq!(errno(info_of(&mut rig, client, 1)), Errno::EINVAL);
    assert_eq!(errno(info_of(&mut rig, client, -1)), Errno::EINVAL);
}

#[test]
fn setting_the_info_takes_over_an_unlocked_queue() {
    let mut rig = Rig::new();
    let owner = rig.client();
    let other = rig.client();
    rig.ioctl(owner, s::CREATE_QUEUE, named("old")).unwrap();
    let asked = QueueInfo { owner: 129, flags: 1, locked: 0xfe, ..named("new") };
    assert_eq!(rig.ioctl(other, s::SET_QUEUE_INFO, asked), Ok(asked));
    let info = info_of(&mut rig, owner, 0).unwrap();
    assert_eq!(info, QueueInfo { owner: 129, ..named("new") });
    // Becoming the owner does not make it a user.
    assert_eq!(use_mark(&mut rig, other, 0, -1), Ok(0));
}

#[test]
fn setting_the_info_replaces_the_name_even_by_none() {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.ioctl(client, s::CREATE_QUEUE, named("old")).unwrap();
    rig.ioctl(client, s::SET_QUEUE_INFO, QueueInfo { owner: 128, ..named("") }).unwrap();
    assert_eq!(info_of(&mut rig, client, 0).unwrap().name, [0; 64]);
    let long = QueueInfo { owner: 128, name: [b'y'; 64], ..named("") };
    rig.ioctl(client, s::SET_QUEUE_INFO, long).unwrap();
    assert_eq!(info_of(&mut rig, client, 0).unwrap().name[62..], [b'y', 0]);
}

#[test]
fn setting_the_info_is_refused_for_others_unknown_queues_and_locked_ones() {
    let mut rig = Rig::new();
    let owner = rig.client();
    let other = rig.client();
    rig.ioctl(owner, s::CREATE_QUEUE, QueueInfo { locked: 1, ..named("q") }).unwrap();
    let mut set = |client: TestClient, queue, owner| {
        errno(rig.ioctl(client, s::SET_QUEUE_INFO, QueueInfo { queue, owner, ..named("x") }))
    };
    assert_eq!(set(owner, 0, 129), Errno::EINVAL);
    assert_eq!(set(owner, 9, 129), Errno::EINVAL);
    assert_eq!(set(owner, 9, 128), Errno::EPERM);
    assert_eq!(set(other, 0, 129), Errno::EPERM);
    assert_eq!(info_of(&mut rig, owner, 0).unwrap().name, named("q").name);
}

#[test]
fn a_queue_is_found_by_name_the_lowest_first() {
    let mut rig = Rig::new();
    let client = rig.client();
    for name in ["a", "b", "b"] {
        rig.ioctl(client, s::CREATE_QUEUE, named(name)).unwrap();
    }
    let asked = QueueInfo { queue: 9, flags: 7, reserved: [7; 60], ..named("b") };
    let found = rig.ioctl(client, s::GET_NAMED_QUEUE, asked).unwrap();
    assert_eq!(found, QueueInfo { queue: 1, owner: 128, ..asked });
    for missing in ["", "c", "aa", "A"] {
        assert_eq!(errno(rig.ioctl(client, s::GET_NAMED_QUEUE, named(missing))), Errno::EINVAL);
    }
}

#[test]
fn the_use_mark_is_set_cleared_and_asked_for() {
    let mut rig = Rig::new();
    let owner = rig.client();
    let other = rig.client();
    rig.create_queue(owner).unwrap();
    assert_eq!(use_mark(&mut rig, owner, 0, -1), Ok(1));
    assert_eq!(use_mark(&mut rig, other, 0, -1), Ok(0));
    assert_eq!(use_mark(&mut rig, other, 0, 7), Ok(1));
    assert_eq!(use_mark(&mut rig, other, 0, 0), Ok(0));
    let asked = QueueClient { client: 77, used: 9, reserved: [7; 64], ..QueueClient::default() };
    let info = rig.ioctl(other, s::GET_QUEUE_CLIENT, asked).unwrap();
    assert_eq!(info, QueueClient { client: 129, used: 0, ..asked });
    for used in [-1, 0, 1] {
        assert_eq!(use_mark(&mut rig, other, 5, used), Err(Errno::EINVAL));
    }
}

#[test]
fn using_needs_no_permission_and_is_needed_to_queue() {
    let mut rig = Rig::new();
    let owner = rig.client_with_port();
    let other = rig.client_with_port();
    rig.ioctl(owner, s::CREATE_QUEUE, QueueInfo { locked: 1, ..named("q") }).unwrap();
    let event = at_tick(key(owner.port(0), 1), 0, 0);
    assert_eq!(errno(rig.send(other, event)), Errno::EINVAL);
    rig.use_queue(other, 0, true).unwrap();
    assert_eq!(rig.send(other, event), Ok(28));
    rig.use_queue(owner, 0, false).unwrap();
    // An owner may stop using the queue too.
    assert_eq!(errno(rig.send(owner, event)), Errno::EINVAL);
}

#[test]
fn a_locked_queue_is_controlled_by_its_owner_only() {
    let mut rig = Rig::new();
    let owner = rig.client_with_port();
    let other = rig.client_with_port();
    rig.ioctl(owner, s::CREATE_QUEUE, QueueInfo { locked: 1, ..named("q") }).unwrap();
    rig.use_queue(other, 0, true).unwrap();
    assert_eq!(errno(rig.set_tempo(other, 0, 400_000, 96)), Errno::EPERM);
    assert_eq!(errno(rig.ioctl(other, s::SET_QUEUE_TIMER, QueueTimer::default())), Errno::EPERM);
    for event_type in (30..=40).map(EventType) {
        assert_eq!(errno(rig.control(other, event_type, 0, [1, 0])), Errno::EPERM);
        assert_eq!(rig.control(owner, event_type, 0, [1, 0]), Ok(28));
    }
    assert!(rig.status(other, 0).is_ok() && rig.tempo(other, 0).is_ok());
    let unlocked = QueueInfo { owner: 128, ..named("q") };
    rig.ioctl(owner, s::SET_QUEUE_INFO, unlocked).unwrap();
    assert_eq!(rig.set_tempo(other, 0, 400_000, 96), Ok(()));
    assert_eq!(rig.control(other, EventType::STOP, 0, [0, 0]), Ok(28));
}

#[test]
fn unknown_queues_have_the_errors_of_their_requests() {
    let mut rig = Rig::new();
    let client = rig.client();
    for queue in [0, 5, 31, 32, -1, 255] {
        let status = QueueStatus { queue, ..QueueStatus::default() };
        assert_eq!(errno(rig.ioctl(client, s::GET_QUEUE_STATUS, status)), Errno::EINVAL);
        let tempo = QueueTempo { queue, tempo: 1, ppq: 1, ..QueueTempo::default() };
        assert_eq!(errno(rig.ioctl(client, s::GET_QUEUE_TEMPO, tempo)), Errno::EINVAL);
        assert_eq!(errno(rig.ioctl(client, s::SET_QUEUE_TEMPO, tempo)), Errno::EPERM);
        let timer = QueueTimer { queue, ..QueueTimer::default() };
        assert_eq!(errno(rig.ioctl(client, s::GET_QUEUE_TIMER, timer)), Errno::EINVAL);
        assert_eq!(errno(rig.ioctl(client, s::SET_QUEUE_TIMER, timer)), Errno::EPERM);
        let user = QueueClient { queue, ..QueueClient::default() };
        assert_eq!(errno(rig.ioctl(client, s::GET_QUEUE_CLIENT, user)), Errno::EINVAL);
    }
}

#[test]
fn the_status_counts_events_of_both_lists_and_a_variable_one_once() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    let to = client.port(0);
    rig.send(client, at_tick(key(to, 1), 0, 10)).unwrap();
    rig.send(client, crate::rig::at_time(key(to, 1), 0, 10, 0)).unwrap();
    let mut sysex = at_tick(crate::rig::direct(EventType::SYSEX, to), 0, 10);
    sysex.flags = aseqd_abi::event::EventFlags::VARIABLE;
    sysex.data = aseqd_abi::event::EventData::from_ext_len(100);
    rig.send_variable(client, sysex, &[0; 100]).unwrap();
    let asked = QueueStatus { flags: 7, reserved: [7; 64], ..QueueStatus::default() };
    let status = rig.ioctl(client, s::GET_QUEUE_STATUS, asked).unwrap();
    assert_eq!(status, QueueStatus { events: 3, ..QueueStatus::default() });
    assert_eq!(rig.pool(client).unwrap().output_free, 500 - 7);
}
