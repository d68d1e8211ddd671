//! The timer device.

use super::*;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{
    CLASS_GLOBAL, GLOBAL_HRTIMER, GLOBAL_SYSTEM, ParamsFlags, TimerGinfo, TimerId, TimerParams,
    TimerSelect,
};

const fn timer(device: i32) -> TimerId {
    TimerId { dev_class: CLASS_GLOBAL, dev_sclass: 0, card: -1, device, subdevice: 0 }
}

fn open(sequencer: &Sequencer) -> File {
    let file = sequencer.open(Node::Timer, Access::ReadWrite).expect("a file");
    file.set_nonblocking(true).expect("a flag");
    file
}

fn select(file: &File, device: i32) -> bool {
    ask(file, t::SELECT, TimerSelect { id: timer(device), ..TimerSelect::default() }).is_ok()
}

/// Makes the instance periodic, with a period of at least 4 ms.
fn params(file: &File, ticks: u32) -> bool {
    let flags = ParamsFlags::AUTO.bits();
    ask(file, t::PARAMS, TimerParams { flags, ticks, ..TimerParams::default() }).is_ok()
}

fn command(file: &File, request: u32) -> bool {
    ask(file, request, ()).is_ok()
}

fn users(file: &File, device: i32) -> u32 {
    let info = TimerGinfo { tid: timer(device), ..TimerGinfo::default() };
    ask(file, t::GINFO, info).expect("GINFO").clients
}

#[test]
fn known_k50_a_close_waits_for_no_other_write() {
    let sequencer = sequencer();
    let (file, watcher) = (client(&sequencer), open(&sequencer));
    let dest = port(&file).unwrap();
    create_queue(&file).unwrap();
    let giant = note_at(dest, 0).as_bytes().repeat(64 * 1024 / 28);
    race(&[
        &|| {
            let timer = open(&sequencer);
            select(&timer, GLOBAL_HRTIMER) && params(&timer, 4_000_000) && command(&timer, t::START)
        },
        &|| file.write(&giant).is_ok(),
    ]);
    assert_eq!(users(&watcher, GLOBAL_SYSTEM), 0);
    drop(file);
    assert_eq!(users(&watcher, GLOBAL_HRTIMER), 0);
    assert_fresh(&sequencer);
}

#[test]
fn known_k54_two_instances_of_one_timer_start_and_stop() {
    let sequencer = sequencer();
    let files = [open(&sequencer), open(&sequencer)];
    for file in &files {
        assert!(select(file, GLOBAL_SYSTEM) && params(file, 1));
    }
    let storm = |file: &File| {
        let ran = command(file, t::START);
        let _records = file.read(&mut [0; 4096]);
        command(file, t::STOP) && ran
    };
    race(&[&|| storm(&files[0]), &|| storm(&files[1])]);
    let watcher = open(&sequencer);
    drop(files);
    assert_eq!(users(&watcher, GLOBAL_SYSTEM), 0);
}

#[test]
fn known_k128_starts_and_stops_beside_a_change_of_the_timer() {
    let sequencer = sequencer();
    let file = open(&sequencer);
    race(&[
        &|| {
            let bound = select(&file, GLOBAL_HRTIMER) && params(&file, 4_000_000);
            // A missing timer: the binding ends.
            assert!(!select(&file, 77));
            bound
        },
        &|| {
            let started = command(&file, t::START);
            let stopped = command(&file, t::STOP);
            started || stopped
        },
    ]);
    let watcher = open(&sequencer);
    drop(file);
    assert_eq!(users(&watcher, GLOBAL_HRTIMER), 0);
}

#[test]
fn known_k129_a_timer_is_looked_up_beside_the_close_of_its_last_instance() {
    let sequencer = sequencer();
    let watcher = open(&sequencer);
    race(&[
        &|| select(&open(&sequencer), GLOBAL_HRTIMER),
        &|| match users(&watcher, GLOBAL_HRTIMER) {
            0 => false,
            users => users == 1,
        },
    ]);
    assert_eq!(users(&watcher, GLOBAL_HRTIMER), 0);
}
