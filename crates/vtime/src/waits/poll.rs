//! `poll`, `ppoll`, `select` and `pselect6`.

use crate::arch::Call;
#[cfg(target_arch = "x86_64")]
use crate::clock::SECOND;
use crate::memory;
use crate::rows::{Row, When};
use crate::state::{Again, Cx, Entered, Family, RESTART_NO_HANDLER, Wait};

pub(crate) const ROWS: &[Row] = &[
    #[cfg(target_arch = "x86_64")]
    Row { number: libc::SYS_poll, when: When::Positive(2), entered: poll },
    Row { number: libc::SYS_ppoll, when: When::Given(2), entered: ppoll },
    #[cfg(target_arch = "x86_64")]
    Row { number: libc::SYS_select, when: When::Given(4), entered: select },
    Row { number: libc::SYS_pselect6, when: When::Given(4), entered: pselect6 },
];

#[cfg(target_arch = "x86_64")]
fn poll(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let ms = u64::try_from(call.int(2)).unwrap_or_default();
    let wait = call.with(2, u64::MAX);
    let deadline = cx.after(ms * 1_000_000);
    Entered::Wait(Wait { asked: *call, call: wait, deadline, family: &Poll(None) })
}

fn ppoll(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let duration = cx.timespec(call.args[2]);
    wait(cx, call, 2, duration, &Poll(Some(Kept::Timespec(2))))
}

#[cfg(target_arch = "x86_64")]
fn select(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let duration = cx.words(call.args[4]).ok().and_then(|[seconds, us]: [i64; 2]| {
        // Unlike elsewhere, whole seconds among the microseconds are allowed.
        let (seconds, us) = (u64::try_from(seconds).ok()?, u64::try_from(us).ok()?);
        Some(seconds.saturating_mul(SECOND).saturating_add(us.saturating_mul(1000)))
    });
    wait(cx, call, 4, duration, &Select(Kept::Timeval(4)))
}

fn pselect6(cx: &mut Cx<'_>, call: &Call) -> Entered {
    let duration = cx.timespec(call.args[4]);
    wait(cx, call, 4, duration, &Select(Kept::Timespec(4)))
}

/// The kernel answers by itself where it does not sleep: without a duration that it would accept, or with none to wait.
fn wait(
    cx: &Cx<'_>,
    call: &Call,
    timeout: usize,
    duration: Option<u64>,
    family: &'static dyn Family,
) -> Entered {
    match duration {
        None | Some(0) => Entered::Pass,
        Some(duration) => {
            let deadline = cx.after(duration);
            Entered::Wait(Wait { asked: *call, call: call.with(timeout, 0), deadline, family })
        }
    }
}

/// Where the remaining time belongs: the argument that points to it, and its type there.
#[derive(Clone, Copy)]
enum Kept {
    Timespec(usize),
    #[cfg(target_arch = "x86_64")]
    Timeval(usize),
}

impl Kept {
    /// Writes the remaining time where the timeout was, as Linux does in all cases.
    fn write(self, cx: &mut Cx<'_>, wait: &Wait) {
        let remaining = cx.remaining(wait);
        match self {
            Self::Timespec(index) => cx.set_timespec(wait.asked.args[index], remaining),
            #[cfg(target_arch = "x86_64")]
            Self::Timeval(index) => {
                let words = [remaining / SECOND, remaining % SECOND / 1000].map(u64::cast_signed);
                let _ignored = cx.set_words(wait.asked.args[index], words);
            }
        }
    }
}

/// A poll. The kernel has written that nothing happened, because it does so for a call that it interrupts.
struct Poll(Option<Kept>);

impl Poll {
    fn keep(&self, cx: &mut Cx<'_>, wait: &Wait) {
        if let Some(kept) = self.0 {
            kept.write(cx, wait);
        }
    }
}

impl Family for Poll {
    fn timed_out(&self, cx: &mut Cx<'_>, wait: &Wait) -> i64 {
        self.keep(cx, wait);
        0
    }

    fn finished(&self, cx: &mut Cx<'_>, wait: &Wait, result: i64) -> i64 {
        self.keep(cx, wait);
        result
    }

    fn interrupted(&self, _: &mut Cx<'_>, _: &Wait, _: i64) -> i64 {
        RESTART_NO_HANDLER
    }

    fn disturbed(&self, cx: &mut Cx<'_>, wait: &Wait) -> Again {
        self.keep(cx, wait);
        if self.0.is_some() { Again::Anew } else { Again::SameDeadline }
    }
}

/// A select. The kernel leaves the sets of an interrupted one as they are.
struct Select(Kept);

impl Family for Select {
    fn timed_out(&self, cx: &mut Cx<'_>, wait: &Wait) -> i64 {
        self.0.write(cx, wait);
        let bits = usize::try_from(wait.asked.int(0)).unwrap_or_default();
        let empty = vec![0; bits.div_ceil(64) * 8];
        for set in &wait.asked.args[1..4] {
            if *set != 0 {
                // The kernel has read the sets from there.
                let _written = memory::write(cx.thread, *set, &empty);
            }
        }
        0
    }

    fn finished(&self, cx: &mut Cx<'_>, wait: &Wait, result: i64) -> i64 {
        self.0.write(cx, wait);
        result
    }

    fn interrupted(&self, _: &mut Cx<'_>, _: &Wait, _: i64) -> i64 {
        RESTART_NO_HANDLER
    }

    fn disturbed(&self, cx: &mut Cx<'_>, wait: &Wait) -> Again {
        self.0.write(cx, wait);
        Again::Anew
    }
}
