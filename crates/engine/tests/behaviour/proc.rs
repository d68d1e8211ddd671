//! The texts of `/proc/asound/seq`, byte by byte as on Linux 6.12.

use crate::rig::{OPEN_PORT, Rig, THROUGH, TestClient, at_tick, at_time, key};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{
    PortCaps, PortInfo, QueueInfo, QueueTimer, RemoveEvents, RemoveMode, SubscriptionFlags,
};
use aseqd_abi::timer::TimerId;
use aseqd_abi::{Address, EventType};
use aseqd_engine::Access;

const EMPTY: &str = "\
Client info
  cur  clients : 2
  peak clients : 2
  max  clients : 192

Client   0 : \"System\" [Kernel Legacy]
  Port   0 : \"Timer\" (Rwe-) [In/Out]
  Port   1 : \"Announce\" (R-e-) [In]
Client  14 : \"Midi Through\" [Kernel Legacy]
  Port   0 : \"Midi Through Port-0\" (RWe-) [In/Out]
";

#[test]
fn without_programs_there_are_the_kernels_clients_and_nothing_else() {
    let rig = Rig::new();
    assert_eq!(rig.engine.proc_clients(), EMPTY);
    assert_eq!(rig.engine.proc_queues(), "");
    assert_eq!(rig.engine.proc_timer(), "");
    assert_eq!(rig.engine.proc_drivers(), "");
}

#[test]
fn the_peak_stays_after_clients_are_gone() {
    let mut rig = Rig::new();
    let clients = [rig.client(), rig.client(), rig.client()];
    for client in clients {
        rig.close(client);
    }
    assert_eq!(rig.engine.proc_clients(), EMPTY.replace("peak clients : 2", "peak clients : 5"));
}

/// Sets up the situation in which the texts below were taken on Linux.
fn busy() -> (Rig, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.client_with(Access::Write);
    rig.client_with(Access::Read);
    let name = b"a \"b\" \\ client\0";
    rig.set_info(client, |info| info.name[..name.len()].copy_from_slice(name)).unwrap();
    for caps in [0, 0x21, 0x01, 0x42, 0x02, 0x63, 0xe3, 0x73, 0x163] {
        rig.create_port(client, PortCaps::from_bits_retain(caps)).unwrap();
    }
    rig.set_port(client, 0, |info| {
        info.name[..4].copy_from_slice(b"odd\0");
        info.direction = 7;
    })
    .unwrap();
    for number in [129, 130] {
        let other = TestClient { file: aseqd_engine::FileId(u32::from(number) - 128), number };
        rig.create_port(other, OPEN_PORT).unwrap();
    }
    let port = client.port(5);
    let (write_only, read_only) = (Address::new(129, 0), Address::new(130, 0));
    let (exclusive, tick) = (SubscriptionFlags::EXCLUSIVE, SubscriptionFlags::TIMESTAMP);
    rig.subscribe(client, port, write_only).unwrap();
    rig.subscribe_with(client, [port, read_only], tick, 3).unwrap();
    let real = tick | SubscriptionFlags::TIME_REAL;
    rig.subscribe_with(client, [port, THROUGH], real, 4).unwrap();
    rig.subscribe_with(client, [THROUGH, port], exclusive | tick, 1).unwrap();
    rig.create_queue(client).unwrap();
    let mut second = QueueInfo { locked: 1, ..QueueInfo::default() };
    second.name[..6].copy_from_slice(b"second");
    rig.ioctl(client, s::CREATE_QUEUE, second).unwrap();
    let nowhere = Address::new(200, 0);
    rig.send(client, at_tick(key(nowhere, 1), 0, 5)).unwrap();
    rig.send(client, at_tick(key(nowhere, 1), 0, 6)).unwrap();
    rig.send(client, at_time(key(nowhere, 1), 0, 0, 5)).unwrap();
    rig.send(client, key(read_only, 1)).unwrap();
    rig.go_to_tick(client, 0, 1234);
    rig.control(client, EventType::SETPOS_TIME, 0, [56, 78]).unwrap();
    rig.set_tempo(client, 1, 300_001, 48).unwrap();
    rig.control(client, EventType::QUEUE_SKEW, 1, [0, 0x10000]).unwrap();
    rig.control(client, EventType::START, 1, [0, 0]).unwrap();
    (rig, client)
}

#[test]
fn clients() {
    let (rig, _) = busy();
    let expected = "\
Client info
  cur  clients : 5
  peak clients : 5
  max  clients : 192

Client   0 : \"System\" [Kernel Legacy]
  Port   0 : \"Timer\" (Rwe-) [In/Out]
  Port   1 : \"Announce\" (R-e-) [In]
Client  14 : \"Midi Through\" [Kernel Legacy]
  Port   0 : \"Midi Through Port-0\" (RWe-) [In/Out]
    Connecting To: 128:5[t:1][ex]
    Connected From: 128:5[r:4]
Client 128 : \"a \"b\" \\ client\" [User Legacy]
  Port   0 : \"odd\" (--e-) [Invalid]
  Port   1 : \"port-1\" (R-e-) [In]
  Port   2 : \"port-2\" (r-e-) [In]
  Port   3 : \"port-3\" (-We-) [Out]
  Port   4 : \"port-4\" (-we-) [Out]
  Port   5 : \"port-5\" (RWe-) [In/Out]
    Connecting To: 129:0, 130:0[t:3], 14:0[r:4]
    Connected From: 14:0[t:1][ex]
  Port   6 : \"port-6\" (RW--) [In/Out]
  Port   7 : \"port-7\" (RWeX) [In/Out]
  Output pool :
    Pool size          : 500
    Cells in use       : 3
    Peak cells in use  : 3
    Alloc success      : 3
    Alloc failures     : 0
  Input pool :
    Pool size          : 200
    Cells in use       : 0
    Peak cells in use  : 0
    Alloc success      : 0
    Alloc failures     : 0
Client 129 : \"Client-129\" [User Legacy]
  Port   0 : \"port-0\" (RWe-) [In/Out]
    Connected From: 128:5
Client 130 : \"Client-130\" [User Legacy]
  Port   0 : \"port-0\" (RWe-) [In/Out]
    Connected From: 128:5[t:3]
  Input pool :
    Pool size          : 200
    Cells in use       : 2
    Peak cells in use  : 2
    Alloc success      : 2
    Alloc failures     : 0
";
    assert_eq!(rig.engine.proc_clients(), expected);
}

#[test]
fn queues() {
    let (rig, _) = busy();
    let expected = "\
queue 0: [Queue-0]
owned by client    : 128
lock status        : Free
queued time events : 1
queued tick events : 2
timer state        : Stopped
timer PPQ          : 96
current tempo      : 500000
tempo base         : 1000 ns
current BPM        : 120
current time       : 56.000000078 s
current tick       : 1234

queue 1: [second]
owned by client    : 128
lock status        : Locked
queued time events : 0
queued tick events : 0
timer state        : Running
timer PPQ          : 48
current tempo      : 300001
tempo base         : 1000 ns
current BPM        : 199
current time       : 0.000000000 s
current tick       : 0

";
    assert_eq!(rig.engine.proc_queues(), expected);
}

#[test]
fn timers() {
    let (rig, _) = busy();
    let expected = "\
Timer for queue 0 : HR timer
  Period time : 0.000000000
  Skew : 65536 / 65536
Timer for queue 1 : HR timer
  Period time : 0.001000000
  Skew : 0 / 65536
";
    assert_eq!(rig.engine.proc_timer(), expected);
}

#[test]
fn ticks_and_seconds_above_31_bits_are_shown_negative() {
    let (mut rig, client) = busy();
    rig.go_to_tick(client, 0, u32::MAX);
    rig.control(client, EventType::SETPOS_TIME, 0, [1 << 31, 1]).unwrap();
    let text = rig.engine.proc_queues();
    assert!(text.contains("\ncurrent time       : -2147483648.000000001 s\n"));
    assert!(text.contains("\ncurrent tick       : -1\n"));
}

#[test]
fn the_beats_per_minute_count_in_the_tempo_base() {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.create_queue(client).unwrap();
    rig.ioctl(client, s::USER_PVERSION, 0x01_00_04).unwrap();
    let tempo = aseqd_abi::seq::QueueTempo {
        tempo: 50_000_000,
        ppq: 96,
        tempo_base: 10,
        ..aseqd_abi::seq::QueueTempo::default()
    };
    rig.ioctl(client, s::SET_QUEUE_TEMPO, tempo).unwrap();
    let text = rig.engine.proc_queues();
    assert!(text.contains("current tempo      : 50000000\ntempo base         : 10 ns\n"));
    assert!(text.contains("current BPM        : 0\n"));
}

#[test]
fn a_resized_output_pool_keeps_its_counts_of_requests_and_a_resized_input_pool_does_not() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    rig.set_pool(client, 2, 2, 0).unwrap();
    for queue in [0, 253] {
        for _ in 0..2 {
            rig.send(client, at_tick(key(client.port(0), 1), queue, 5)).unwrap();
        }
        rig.send(client, at_tick(key(client.port(0), 1), queue, 5)).unwrap_err();
    }
    rig.remove_output(client, RemoveMode::empty(), RemoveEvents::default());
    rig.set_pool(client, 3, 3, 0).unwrap();
    let expected = "\
  Output pool :
    Pool size          : 3
    Cells in use       : 0
    Peak cells in use  : 0
    Alloc success      : 2
    Alloc failures     : 1
  Input pool :
    Pool size          : 3
    Cells in use       : 0
    Peak cells in use  : 0
    Alloc success      : 0
    Alloc failures     : 0
";
    let text = rig.engine.proc_clients();
    assert!(text.ends_with(expected), "{text}");
}

/// Returns the timer text after asking for a timer, before and after a start.
fn periods(id: TimerId, resolution: u32) -> [String; 2] {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.create_queue(client).unwrap();
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    let info = QueueTimer { id, resolution, ..QueueTimer::default() };
    rig.ioctl(client, s::SET_QUEUE_TIMER, info).unwrap();
    let line = |rig: &Rig| {
        let text = rig.engine.proc_timer();
        text.lines()
            .take(2)
            .map(|line| line.rsplit(" : ").next().unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let before = line(&rig);
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    [before, line(&rig)]
}

#[test]
fn the_period_is_that_of_the_last_start_in_ticks_of_the_timer_open_now() {
    let global =
        |device, subdevice| TimerId { dev_class: 1, dev_sclass: 0, card: -1, device, subdevice };
    let hr = |start| ["HR timer 0.001000000".to_owned(), format!("HR timer {start}")];
    let system =
        |start| ["system timer 4000.000000000".to_owned(), format!("system timer {start}")];
    assert_eq!(periods(global(3, 0), 0), hr("0.001000000"));
    assert_eq!(periods(global(3, 0), 1), hr("0.100000000"));
    assert_eq!(periods(global(3, 0), u32::MAX), hr("0.000160000"));
    assert_eq!(periods(TimerId { card: 5, ..global(3, 0) }, 0), hr("0.001000000"));
    assert_eq!(periods(global(0, 0), 0), system("0.004000000"));
    assert_eq!(periods(global(0, 0), 1), system("0.100000000"));
    // The system timer replaces a timer that cannot be opened.
    for odd in [global(1, 0), global(2, 0), global(4, 0), global(3, 1), global(3, -1)] {
        assert_eq!(periods(odd, 0), system("0.004000000"));
    }
    for dev_class in [-1, 2, 3, 4] {
        assert_eq!(periods(TimerId { dev_class, ..global(3, 0) }, 0), system("0.004000000"));
    }
    let slave = TimerId { dev_class: 0, dev_sclass: 2, ..global(3, 0) };
    assert_eq!(periods(slave, 0), ["(efault) 0.000000000"; 2]);
}

#[test]
fn a_queue_without_open_timer_is_not_among_the_timers() {
    let (mut rig, client) = busy();
    rig.use_queue(client, 0, false).unwrap();
    assert!(rig.engine.proc_timer().starts_with("Timer for queue 1"));
}

#[test]
fn names_that_are_no_text_are_shown_with_replacement_characters() {
    let mut rig = Rig::new();
    let client = rig.client();
    let mut info = PortInfo { addr: client.port(0), ..PortInfo::default() };
    info.name[..4].copy_from_slice(b"a\xffb\0");
    rig.ioctl(client, s::CREATE_PORT, info).unwrap();
    assert!(rig.engine.proc_clients().contains("  Port   0 : \"a\u{fffd}b\" (--e-) [-]\n"));
}
