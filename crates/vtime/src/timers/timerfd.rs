//! `timerfd`: an eventfd stands in its place, and the tracer adds the expirations to its counter.
//!
//! The tracer keeps no descriptor of it, because a file that the program has closed must be closed. It finds the file by
//! the number that the kernel gives every eventfd.

use super::{read, set, write};
use crate::arch::Call;
use crate::rows::{CLOCKS, Row, When};
use crate::state::{Cx, Entered, Family, State, Wait};
use crate::timetable::{FileTimer, Key};
use rustix::io::{ReadWriteFlags, preadv2};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use std::collections::BTreeSet;
use std::fs;
use std::io::{IoSliceMut, Write as _};
use std::os::fd::OwnedFd;

pub(crate) const ROWS: &[Row] = &[
    Row { number: libc::SYS_timerfd_create, when: When::Always, entered: timerfd_create },
    Row { number: libc::SYS_timerfd_settime, when: When::Always, entered: timerfd_settime },
    Row { number: libc::SYS_timerfd_gettime, when: When::Always, entered: timerfd_gettime },
];

/// Flags of `timerfd_create`, which mean the same to `eventfd2`.
const CREATE_FLAGS: i32 = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
/// Flags of `timerfd_settime`.
const SET_FLAGS: i32 = libc::TFD_TIMER_ABSTIME | libc::TFD_TIMER_CANCEL_ON_SET;

fn timerfd_create(_: &mut Cx<'_>, call: &Call) -> Entered {
    let (clock, flags) = (call.int(0), call.int(1));
    let known = CLOCKS.contains(&clock)
        && ![
            libc::CLOCK_MONOTONIC_RAW,
            libc::CLOCK_MONOTONIC_COARSE,
            libc::CLOCK_REALTIME_COARSE,
            libc::CLOCK_TAI,
        ]
        .contains(&clock);
    if !known || flags & !CREATE_FLAGS != 0 {
        // The kernel refuses it.
        return Entered::Pass;
    }
    let flags = u64::from(flags.cast_unsigned());
    let eventfd = Call { number: libc::SYS_eventfd2, args: [0, flags, 0, 0, 0, 0] };
    Entered::Wait(Wait { asked: *call, call: eventfd, deadline: None, family: &Create })
}

struct Create;

impl Family for Create {
    fn timed_out(&self, _: &mut Cx<'_>, _: &Wait) -> i64 {
        0
    }

    fn finished(&self, cx: &mut Cx<'_>, wait: &Wait, result: i64) -> i64 {
        if let Ok(descriptor) = i32::try_from(result)
            && descriptor >= 0
            && let Some(number) = number(cx.thread, descriptor)
        {
            let timer = FileTimer { clock: wait.asked.int(0), process: cx.process(), descriptor };
            cx.state.timers.files.insert(number, timer);
        }
        result
    }
}

/// What is not a timer of ours, or is set to something odd, is refused by the kernel.
fn timerfd_settime(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let (descriptor, flags) = (call.int(0), call.int(1));
    let Some((number, clock)) = timer(cx, descriptor) else { return Entered::Pass };
    if flags & !SET_FLAGS != 0 {
        return Entered::Pass;
    }
    let Some(setting) = read(cx, clock, flags, call.args[2]) else { return Entered::Pass };
    if let Some(file) = take(cx.process(), descriptor) {
        // Expirations that nobody has read are forgotten. Without waiting: there may be none.
        let mut count = [0; 8];
        let to = &mut [IoSliceMut::new(&mut count)];
        let _none = preadv2(&file, to, u64::MAX, ReadWriteFlags::NOWAIT);
    }
    set(cx, Key::File(number), setting, call.args[3])
}

fn timerfd_gettime(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let Some((number, _)) = timer(cx, call.int(0)) else { return Entered::Pass };
    let setting = cx.state.timers.setting(Key::File(number));
    if call.args[1] == 0 {
        return Entered::Pass;
    }
    Entered::Answer(write(cx, call.args[1], setting))
}

/// Returns the number and the clock of a thread's timerfd.
fn timer(cx: &Cx<'_>, descriptor: i32) -> Option<(u64, i32)> {
    let number = number(cx.thread, descriptor)?;
    Some((number, cx.state.timers.files.get(&number)?.clock))
}

/// Returns the kernel's number of a thread's eventfd.
fn number(thread: i32, descriptor: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{thread}/fdinfo/{descriptor}")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("eventfd-id:"))?.trim().parse().ok()
}

/// Returns a descriptor of this process for a file of another one.
fn take(process: i32, descriptor: i32) -> Option<OwnedFd> {
    let pidfd = pidfd_open(Pid::from_raw(process)?, PidfdFlags::empty()).ok()?;
    pidfd_getfd(pidfd, descriptor, PidfdGetfdFlags::empty()).ok()
}

/// A timerfd has expired.
pub(super) fn expired(state: &mut State, number: u64, count: u64) {
    let Some(file) = find(state, number) else {
        // Nobody has it open any more.
        state.timers.files.remove(&number);
        let _setting = state.timers.take(Key::File(number));
        return;
    };
    let _full = fs::File::from(file).write_all(&count.to_ne_bytes());
}

/// Returns a descriptor for a timerfd, from any process that has it.
fn find(state: &mut State, wanted: u64) -> Option<OwnedFd> {
    let timer = state.timers.files.get_mut(&wanted)?;
    let before = (timer.process, timer.descriptor);
    let mut found = |process: i32, descriptor: i32| {
        let file =
            take(process, descriptor).filter(|_| number(process, descriptor) == Some(wanted))?;
        (timer.process, timer.descriptor) = (process, descriptor);
        Some(file)
    };
    if let Some(file) = found(before.0, before.1) {
        return Some(file);
    }
    let processes: BTreeSet<i32> = state.threads.values().map(|thread| thread.process).collect();
    processes.into_iter().find_map(|process| {
        let mut descriptors = fs::read_dir(format!("/proc/{process}/fd")).ok()?.flatten();
        descriptors.find_map(|entry| {
            let is_event = fs::read_link(entry.path())
                .is_ok_and(|to| to.as_os_str() == "anon_inode:[eventfd]");
            let descriptor: i32 = entry.file_name().to_str()?.parse().ok()?;
            is_event.then(|| found(process, descriptor))?
        })
    })
}
