//! The races between processes: both count in the same mapping.

#![expect(unsafe_code, reason = "maps memory and forks")]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::cases::TURNS;
use crate::rounds::{Deadline, Steps};
use crate::tool::Plain;

/// The mapping of both processes.
#[repr(C)]
struct Shared {
    steps: Steps,
    lock: AtomicU32,
    counter: Plain<u32>,
}

const SIZE: usize = 4096;

/// Runs a case of this module. `file` is the mapped file, for the second process. Returns `None` for other cases.
pub(crate) fn run(name: &str, fixed: bool, file: Option<&str>) -> Option<ExitCode> {
    match name {
        "child-process" => {
            let shared = map(None);
            // SAFETY: there is one thread, and the child does nothing but count.
            match unsafe { libc::fork() } {
                0 => {
                    follow(shared, fixed);
                    std::process::exit(0);
                }
                child => {
                    lead(shared, fixed);
                    // SAFETY: a null pointer means that the status is not wanted.
                    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
                }
            }
        }
        "two-processes" | "uninstrumented-process" => {
            let path = std::env::temp_dir().join(format!("races-{}", std::process::id()));
            let file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(&path)
                .unwrap();
            file.set_len(SIZE as u64).unwrap();
            let own = std::env::current_exe().unwrap();
            let other = match name {
                "two-processes" => own.into_os_string(),
                _ => std::env::var_os("RACES_PEER").expect("RACES_PEER: the program built plain"),
            };
            let mut other = Command::new(other)
                .args(["second", if fixed { "fixed" } else { "racy" }])
                .arg(&path)
                .spawn()
                .unwrap();
            lead(map(Some(&file)), fixed);
            other.wait().unwrap();
            std::fs::remove_file(path).unwrap();
        }
        "second" => {
            let file = File::options().read(true).write(true).open(file?).unwrap();
            follow(map(Some(&file)), fixed);
        }
        _ => return None,
    }
    Some(ExitCode::SUCCESS)
}

fn map(file: Option<&File>) -> &'static Shared {
    let (flags, descriptor) = match file {
        Some(file) => (libc::MAP_SHARED, file.as_raw_fd()),
        None => (libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1),
    };
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: this makes a new mapping, at an address that the kernel chooses.
    let place = unsafe { libc::mmap(std::ptr::null_mut(), SIZE, protection, flags, descriptor, 0) };
    assert_ne!(place, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
    // SAFETY: it is large enough, aligned to a page, and never unmapped; zeroes are a value of the type.
    unsafe { &*place.cast() }
}

fn lead(shared: &Shared, fixed: bool) {
    let deadline = Deadline::new();
    let mut round = 0;
    while shared.steps.lead(round, &deadline) {
        for _ in 0..TURNS {
            count(shared, fixed);
        }
        round += 1;
    }
}

fn follow(shared: &Shared, fixed: bool) {
    let mut round = 0;
    while shared.steps.follow(round) {
        for _ in 0..TURNS {
            count(shared, fixed);
        }
        round += 1;
    }
}

/// Counts. It is not inlined, so that a report names it.
#[inline(never)]
fn count(shared: &Shared, fixed: bool) {
    if fixed {
        while shared.lock.swap(1, Ordering::Acquire) != 0 {
            std::thread::yield_now();
        }
    }
    shared.counter.set(shared.counter.get().wrapping_add(1));
    if fixed {
        shared.lock.store(0, Ordering::Release);
    }
}
