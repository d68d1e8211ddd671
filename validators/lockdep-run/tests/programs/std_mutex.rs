//! A thread named "audio" takes a mutex of std in each turn. With the argument `contended`, another thread has the
//! mutex until the kernel says that the first one sleeps. With `stuck`, the program ends there, and with `ends` the thread
//! ends before the program does.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

static VOLUME: Mutex<u32> = Mutex::new(1);
static IS_NEAR: AtomicBool = AtomicBool::new(false);
static TURNS: AtomicU32 = AtomicU32::new(0);

#[inline(never)]
fn mix_with_lock() {
    IS_NEAR.store(true, Ordering::SeqCst);
    *VOLUME.lock().unwrap() += 1;
}

fn audio(mut turns: UnixStream) {
    let mut byte = [0];
    // The thread waits here, between two turns.
    while turns.read(&mut byte).is_ok_and(|count| count == 1) {
        mix_with_lock();
        TURNS.fetch_add(1, Ordering::SeqCst);
    }
}

/// Returns whether the kernel says that the thread of this name sleeps.
fn sleeps(name: &str) -> bool {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let mut states = threads.filter_map(|it| std::fs::read_to_string(it.path().join("stat")).ok());
    states.any(|stat| stat.contains(&format!("({name}) S ")))
}

fn main() {
    let word = std::env::args().nth(1).unwrap_or_default();
    let is_contended = ["contended", "stuck"].contains(&word.as_str());
    let (mut send, receive) = UnixStream::pair().unwrap();
    let thread = std::thread::Builder::new().name("audio".to_owned()).spawn(|| audio(receive));
    let wait_until = |is_it: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(120);
        while !is_it() {
            assert!(Instant::now() < end, "the thread takes no turn");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    let wait_for_sleep = || wait_until(&|| IS_NEAR.load(Ordering::SeqCst) && sleeps("audio"));
    for turn in 1..=3 {
        let guard = is_contended.then(|| VOLUME.lock().unwrap());
        IS_NEAR.store(false, Ordering::SeqCst);
        send.write_all(&[1]).unwrap();
        wait_for_sleep();
        if word == "stuck" {
            std::process::exit(0);
        }
        drop(guard);
        // The thread has the mutex before this one takes it again.
        wait_until(&|| TURNS.load(Ordering::SeqCst) == turn);
    }
    // The thread waits for a turn that does not come.
    wait_for_sleep();
    let thread = thread.expect("a thread");
    if word == "ends" {
        drop(send);
        thread.join().expect("it ends");
    }
    std::process::exit(0);
}
