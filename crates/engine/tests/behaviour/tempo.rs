//! Tempo, resolution, skew, and the length of a tick.

use crate::rig::{Rig, TestClient, errno};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::QueueTempo;
use aseqd_abi::{Errno, EventType};

fn with_queue() -> (Rig, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    (rig, client)
}

fn start(rig: &mut Rig, client: TestClient) {
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
}

fn tick(rig: &mut Rig, client: TestClient) -> u32 {
    rig.status(client, 0).unwrap().tick
}

#[test]
fn the_default_is_120_beats_of_96_ticks() {
    let (mut rig, client) = with_queue();
    let expected = QueueTempo {
        tempo: 500_000,
        ppq: 96,
        skew_value: 0x10000,
        skew_base: 0x10000,
        ..QueueTempo::default()
    };
    assert_eq!(rig.tempo(client, 0), Ok(expected));
}

#[test]
fn tempo_and_ppq_must_be_positive_and_the_base_known() {
    let (mut rig, client) = with_queue();
    rig.ioctl(client, s::USER_PVERSION, 0x01_00_04).unwrap();
    let mut set = |tempo, ppq, tempo_base| {
        let info = QueueTempo { tempo, ppq, tempo_base, ..QueueTempo::default() };
        rig.ioctl(client, s::SET_QUEUE_TEMPO, info).map(drop).map_err(|error| error.errno)
    };
    for (tempo, ppq) in [(0, 96), (0x8000_0000, 96), (u32::MAX, 96), (1, 0), (1, -1), (1, i32::MIN)]
    {
        assert_eq!(set(tempo, ppq, 0), Err(Errno::EINVAL));
    }
    for base in [1, 9, 11, 100, 999, 1001, u16::MAX] {
        assert_eq!(set(500_000, 96, base), Err(Errno::EINVAL));
    }
    for base in [0, 10, 1000] {
        assert_eq!(set(500_000, 96, base), Ok(()));
    }
    for (tempo, ppq) in [(1, 1), (0x7fff_ffff, 1), (1, i32::MAX), (0x7fff_ffff, i32::MAX)] {
        assert_eq!(set(tempo, ppq, 0), Ok(()));
    }
}

#[test]
fn ppq_cannot_change_while_running_and_tempo_can() {
    let (mut rig, client) = with_queue();
    start(&mut rig, client);
    assert_eq!(errno(rig.set_tempo(client, 0, 400_000, 48)), Errno::EBUSY);
    assert_eq!(rig.tempo(client, 0).unwrap().tempo, 500_000);
    assert_eq!(rig.set_tempo(client, 0, 400_000, 96), Ok(()));
    rig.control(client, EventType::STOP, 0, [0, 0]).unwrap();
    assert_eq!(rig.set_tempo(client, 0, 400_000, 48), Ok(()));
}

#[test]
fn a_bad_skew_base_fails_with_tempo_and_ppq_applied() {
    let (mut rig, client) = with_queue();
    let info = QueueTempo {
        tempo: 300_000,
        ppq: 48,
        skew_value: 5,
        skew_base: 0xffff,
        ..QueueTempo::default()
    };
    assert_eq!(errno(rig.ioctl(client, s::SET_QUEUE_TEMPO, info)), Errno::EINVAL);
    let tempo = rig.tempo(client, 0).unwrap();
    assert_eq!((tempo.tempo, tempo.ppq, tempo.skew_value), (300_000, 48, 0x10000));
}

#[test]
fn a_skew_base_of_zero_leaves_the_skew() {
    let (mut rig, client) = with_queue();
    rig.control(client, EventType::QUEUE_SKEW, 0, [5, 0x10000]).unwrap();
    rig.set_tempo(client, 0, 300_000, 96).unwrap();
    assert_eq!(rig.tempo(client, 0).unwrap().skew_value, 5);
}

#[test]
fn the_base_is_unknown_to_programs_below_1_0_4() {
    let (mut rig, client) = with_queue();
    let other = rig.client();
    let info = QueueTempo { tempo: 500_000, ppq: 48, tempo_base: 10, ..QueueTempo::default() };
    rig.ioctl(client, s::SET_QUEUE_TEMPO, QueueTempo { tempo_base: 7, ..info }).unwrap();
    assert_eq!(rig.tempo(client, 0).unwrap().tempo_base, 0);
    rig.ioctl(client, s::USER_PVERSION, 0x01_00_04).unwrap();
    assert_eq!(rig.tempo(client, 0).unwrap().tempo_base, 1000);
    rig.ioctl(client, s::SET_QUEUE_TEMPO, info).unwrap();
    assert_eq!(rig.tempo(client, 0).unwrap().tempo_base, 10);
    assert_eq!(rig.tempo(other, 0).unwrap().tempo_base, 0);
    // A client that does not know the base resets it.
    rig.ioctl(other, s::SET_QUEUE_TEMPO, info).unwrap();
    assert_eq!(rig.tempo(client, 0).unwrap().tempo_base, 1000);
}

#[test]
fn a_tick_lasts_a_whole_number_of_nanoseconds_rounded_down() {
    let (mut rig, client) = with_queue();
    start(&mut rig, client);
    rig.pass(5_208_332);
    assert_eq!(tick(&mut rig, client), 0);
    rig.pass(1);
    assert_eq!(tick(&mut rig, client), 1);
    rig.pass(1_000_000_000 - 5_208_333);
    assert_eq!(tick(&mut rig, client), 192);
    // Truncation adds up: 64 ns in 192 ticks.
    rig.pass(999_999_936 - 64 - 1);
    assert_eq!(tick(&mut rig, client), 383);
    rig.pass(1);
    assert_eq!(tick(&mut rig, client), 384);
}

/// Returns the ticks of one second at a tempo and resolution.
fn ticks_per_second(tempo: u32, ppq: i32) -> u32 {
    let (mut rig, client) = with_queue();
    rig.set_tempo(client, 0, tempo, ppq).unwrap();
    start(&mut rig, client);
    rig.pass(1_000_000_000);
    tick(&mut rig, client)
}

#[test]
fn the_length_of_a_tick_wraps_at_32_bits() {
    assert_eq!(ticks_per_second(1, 1), 1_000_000);
    assert_eq!(ticks_per_second(1, i32::MAX), 1_000_000_000, "no less than 1 ns");
    assert_eq!(ticks_per_second(1_000_000, 3), 3);
    assert_eq!(ticks_per_second(4_294_967, 1), 0);
    // 4294968 us is 704 ns too much for 32 bits.
    assert_eq!(ticks_per_second(4_294_968, 1), 1_000_000_000 / 704);
    assert_eq!(ticks_per_second(0x7fff_ffff, i32::MAX), 1_000_000);
}

#[test]
fn a_base_of_10_makes_ticks_a_hundred_times_shorter() {
    let (mut rig, client) = with_queue();
    rig.ioctl(client, s::USER_PVERSION, 0x01_00_04).unwrap();
    let info = QueueTempo { tempo: 50_000_001, ppq: 48, tempo_base: 10, ..QueueTempo::default() };
    rig.ioctl(client, s::SET_QUEUE_TEMPO, info).unwrap();
    start(&mut rig, client);
    rig.pass(1_000_000_000);
    assert_eq!(tick(&mut rig, client), 96);
}

#[test]
fn a_new_base_alone_does_not_change_the_speed() {
    let (mut rig, client) = with_queue();
    rig.ioctl(client, s::USER_PVERSION, 0x01_00_04).unwrap();
    let info = QueueTempo { tempo: 500_000, ppq: 96, tempo_base: 10, ..QueueTempo::default() };
    rig.ioctl(client, s::SET_QUEUE_TEMPO, info).unwrap();
    start(&mut rig, client);
    rig.pass(1_000_000_000);
    assert_eq!(tick(&mut rig, client), 192);
    // It takes effect with the next change of tempo.
    rig.control(client, EventType::TEMPO, 0, [500_001, 0]).unwrap();
    start(&mut rig, client);
    rig.pass(1_000_000_000);
    assert_eq!(tick(&mut rig, client), 1_000_000_000 / 52_083);
}

#[test]
fn a_shorter_tick_makes_up_for_the_time_that_has_gone() {
    let (mut rig, client) = with_queue();
    rig.set_tempo(client, 0, 8_000_000, 1).unwrap();
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    // 8000000 us a tick do not fit 32 bits: 3705032704 ns.
    rig.pass(500_000_000);
    assert_eq!(tick(&mut rig, client), 0);
    rig.control(client, EventType::TEMPO, 0, [100_000, 0]).unwrap();
    assert_eq!(tick(&mut rig, client), 5);
    rig.pass(99_999_999);
    assert_eq!(tick(&mut rig, client), 5);
    rig.pass(1);
    assert_eq!(tick(&mut rig, client), 6);
}

#[test]
fn a_tempo_event_with_an_illegal_value_changes_nothing() {
    let (mut rig, client) = with_queue();
    for value in [0, 0x8000_0000, u32::MAX] {
        assert_eq!(rig.control(client, EventType::TEMPO, 0, [value, 0]), Ok(28));
        assert_eq!(rig.tempo(client, 0).unwrap().tempo, 500_000);
    }
    for value in [1, 0x7fff_ffff] {
        assert_eq!(rig.control(client, EventType::TEMPO, 0, [value, 0]), Ok(28));
        assert_eq!(rig.tempo(client, 0).unwrap().tempo, value);
    }
}

#[test]
fn the_skew_scales_time_and_ticks() {
    let (mut rig, client) = with_queue();
    rig.control(client, EventType::QUEUE_SKEW, 0, [0x18000, 0x10000]).unwrap();
    start(&mut rig, client);
    rig.pass(1_000_000_000);
    let status = rig.status(client, 0).unwrap();
    assert_eq!((status.time.tv_sec, status.time.tv_nsec, status.tick), (1, 500_000_000, 288));
    rig.control(client, EventType::QUEUE_SKEW, 0, [0, 0x10000]).unwrap();
    rig.pass(1_000_000_000);
    assert_eq!(tick(&mut rig, client), 288, "a skew of 0 stops the clock");
    rig.control(client, EventType::QUEUE_SKEW, 0, [1, 1]).unwrap();
    assert_eq!(rig.tempo(client, 0).unwrap().skew_value, 0, "another base is ignored");
}

#[test]
fn a_skew_of_zero_still_delivers_what_is_due() {
    let (mut rig, client) = with_queue();
    rig.control(client, EventType::QUEUE_SKEW, 0, [0, 0x10000]).unwrap();
    start(&mut rig, client);
    let event = crate::rig::key(client.port(0), 1);
    rig.send(client, crate::rig::at_tick(event, 0, 7)).unwrap();
    rig.pass(1_000_000_000);
    assert!(!rig.readable(client));
    rig.go_to_tick(client, 0, 7);
    rig.pass(1);
    assert!(rig.readable(client));
}
