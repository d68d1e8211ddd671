//! Timeouts of sockets: `SO_RCVTIMEO` and `SO_SNDTIMEO`, and the one of `recvmmsg`.
//!
//! The kernel's sockets have no limit. The tracer knows them by their inode, and finds threads that sleep in a call on
//! such a socket when everybody sleeps: see [`crate::tracer`].

use crate::arch::Call;
use crate::clock::SECOND;
use crate::limits::inode;
use crate::memory;
use crate::rows::{Row, When};
use crate::state::{Cx, Entered, Family, Wait};

/// `SO_RCVTIMEO` and `SO_SNDTIMEO`, each as programs of 64 bits and as others name it: `asm-generic/socket.h`.
const OPTIONS: &[u32] = &[20, 21, 66, 67];

/// The size of a `struct timeval`.
const SIZE: i32 = 16;

/// The size of a `struct mmsghdr`.
const HEADER: u64 = 64;

/// Messages that one call takes at most: `UIO_MAXIOV` of `linux/uio.h`.
const MOST: u64 = 1024;

pub(crate) const ROWS: &[Row] = &[
    Row {
        number: libc::SYS_setsockopt,
        when: When::OneOf(2, u32::MAX, OPTIONS, 3),
        entered: setsockopt,
    },
    Row {
        number: libc::SYS_getsockopt,
        when: When::OneOf(2, u32::MAX, OPTIONS, 3),
        entered: getsockopt,
    },
    Row { number: libc::SYS_recvmmsg, when: When::Given(4), entered: recvmmsg },
];

/// The kernel gets a limit of 0, which is none. What it would refuse it refuses, and a negative one it takes for one
/// that is always over.
fn setsockopt(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let option = call.int(2);
    if call.int(1) != libc::SOL_SOCKET || call.int(4) < SIZE {
        return Entered::Pass;
    }
    let Some(inode) = inode(cx.thread, call.int(0)) else { return Entered::Pass };
    let Ok([seconds, us]) = cx.words(call.args[3]) else { return Entered::Pass };
    if !(0..1_000_000).contains(&us) {
        return Entered::Pass;
    }
    let ns = u64::try_from(seconds)
        .ok()
        .map(|seconds| seconds.saturating_mul(SECOND).saturating_add(us.cast_unsigned() * 1000));
    let limit = ns.filter(|ns| *ns > 0);
    cx.state.limits.set(inode, option, limit);
    if limit.is_none() || memory::force(cx.thread, call.args[3], &[0; 16]).is_err() {
        return Entered::Pass;
    }
    let family = &SetLimit;
    Entered::Wait(Wait { asked: *call, call: *call, deadline: None, family })
}

/// What becomes of a limit that the kernel has been given: the program gets its number back.
struct SetLimit;

impl Family for SetLimit {
    fn timed_out(&self, _: &mut Cx<'_>, _: &Wait) -> i64 {
        0
    }

    fn finished(&self, cx: &mut Cx<'_>, wait: &Wait, result: i64) -> i64 {
        let Some(inode) = inode(cx.thread, wait.asked.int(0)) else { return result };
        let option = wait.asked.int(2);
        let limit = cx.state.limits.get(inode, option);
        if let Some(limit) = limit {
            let _written = memory::force(cx.thread, wait.asked.args[3], &timeval(limit));
        }
        if result != 0 {
            cx.state.limits.set(inode, option, None);
        }
        result
    }
}

fn getsockopt(cx: &mut Cx<'_>, call: &Call) -> Entered {
    if call.int(1) != libc::SOL_SOCKET || cx.state.limits.is_empty() {
        return Entered::Pass;
    }
    let family = &GetLimit;
    Entered::Wait(Wait { asked: *call, call: *call, deadline: None, family })
}

struct GetLimit;

impl Family for GetLimit {
    fn timed_out(&self, _: &mut Cx<'_>, _: &Wait) -> i64 {
        0
    }

    fn finished(&self, cx: &mut Cx<'_>, wait: &Wait, result: i64) -> i64 {
        let inode = inode(cx.thread, wait.asked.int(0));
        let option = wait.asked.int(2);
        let limit = inode.and_then(|inode| cx.state.limits.get(inode, option));
        if let Some(limit) = limit.filter(|_| result == 0)
            && let Some(length) = cx.int_at(wait.asked.args[4])
        {
            let length = usize::try_from(length.clamp(0, SIZE)).unwrap_or_default();
            let _written = memory::write(cx.thread, wait.asked.args[3], &timeval(limit)[..length]);
        }
        result
    }
}

fn timeval(ns: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(ns / SECOND).to_ne_bytes());
    bytes[8..].copy_from_slice(&(ns % SECOND / 1000).to_ne_bytes());
    bytes
}

/// Linux looks at this timeout only when a message has come. So the kernel takes one message a call, and the tracer
/// looks at the time in between.
fn recvmmsg(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let Some(duration) = cx.timespec(call.args[4]).filter(|_| call.args[2] & 0xffff_ffff != 0)
    else {
        return Entered::Pass;
    };
    let deadline = cx.after(duration).unwrap_or(u64::MAX);
    cx.state.batches.insert(cx.thread, deadline);
    let one = call.with(2, 1).with(4, 0);
    Entered::Wait(Wait { asked: *call, call: one, deadline: None, family: &Batch })
}

struct Batch;

impl Batch {
    /// Returns how many messages came before this call, by where that puts the next one.
    const fn before(wait: &Wait) -> u64 {
        (wait.call.args[1] - wait.asked.args[1]) / HEADER
    }
}

impl Family for Batch {
    fn timed_out(&self, _: &mut Cx<'_>, _: &Wait) -> i64 {
        0
    }

    fn again(&self, cx: &mut Cx<'_>, wait: &Wait, result: i64) -> Option<Call> {
        if result != 1 {
            return None;
        }
        let done = Self::before(wait) + 1;
        let deadline = cx.state.batches.get(&cx.thread).copied().unwrap_or_default();
        let remaining = deadline.saturating_sub(cx.now());
        cx.set_timespec(wait.asked.args[4], remaining);
        let wanted = (wait.asked.args[2] & 0xffff_ffff).min(MOST);
        if remaining == 0 || done >= wanted {
            return None;
        }
        let mut flags = wait.call.args[3];
        if flags & libc::MSG_WAITFORONE as u64 != 0 {
            flags |= libc::MSG_DONTWAIT as u64;
        }
        Some(wait.call.with(1, wait.asked.args[1] + done * HEADER).with(3, flags))
    }

    fn finished(&self, _: &mut Cx<'_>, wait: &Wait, result: i64) -> i64 {
        let before = Self::before(wait).cast_signed();
        if result > 0 {
            before + result
        } else if before > 0 {
            before
        } else {
            result
        }
    }

    fn interrupted(&self, _: &mut Cx<'_>, wait: &Wait, code: i64) -> i64 {
        if Self::before(wait) > 0 { Self::before(wait).cast_signed() } else { code }
    }
}
