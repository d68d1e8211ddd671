//! Chooses the function that a title names: the first of the right stack that is not on a list.

use crate::parse::frame::Frame;
use crate::parse::line::LineClass;
use crate::parse::split::Claimed;
use crate::parse::text::{contains, trim_start};
use crate::skip::{self, Skip};
use std::sync::LazyLock;

/// Where the functions to choose from are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// The function that the processor executed, then the stack.
    Pointer,
    /// The stack after `Call Trace:`.
    Trace,
    /// The functions that follow the header, with no heading.
    Bare,
    /// The stack after a line that contains this.
    After(&'static str),
}

/// Which of the functions is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The first function.
    First,
    /// The function that the entry into the kernel or a common dispatcher calls. In a loop, a report shows any of
    /// the functions below it.
    BeforeAnchor,
    /// The first function whose purpose is not to wait. All waits for RCU have one name.
    Waiting,
}

/// The lines of a report from its header on.
pub(super) type Body<'b, 'a> = &'b [Claimed<'a>];

/// Chooses the function.
pub(super) fn choose<'a>(
    body: Body<'_, 'a>,
    first: Option<Frame<'a>>,
    plan: Plan,
    choice: Choice,
    more: &[&str],
) -> Option<&'a str> {
    let mut candidates: Vec<Frame<'a>> = first.into_iter().collect();
    candidates.extend(frames(body, plan));
    // Only a log that was symbolised later has inlined functions: titles never have them.
    let usable = |frame: &&Frame<'a>| !frame.inline && !frame.unreliable;
    let skipped = |name: &str| skip::COMMON.has(name) || skip::is_in(more, name);
    let names = candidates.iter().filter(usable).map(Frame::function).filter(|name| !skipped(name));
    let chosen = match choice {
        Choice::First => names.clone().next(),
        Choice::BeforeAnchor | Choice::Waiting => pick(&names.collect::<Vec<_>>(), choice),
    };
    // If everything else was inlined, an inlined function is better than none.
    let chosen = chosen.or_else(|| {
        let reliable = candidates.iter().filter(|frame| frame.inline && !frame.unreliable);
        reliable.map(Frame::function).find(|name| !skipped(name))
    });
    // The stack of a task that sleeps is right even if the kernel could not unwind it.
    let guessed = choice == Choice::Waiting && candidates.iter().all(|frame| frame.unreliable);
    chosen.or_else(|| {
        let names = candidates.iter().map(Frame::function).filter(|name| !skipped(name));
        guessed.then(|| waiting(&names.collect::<Vec<_>>())).flatten()
    })
}

fn pick<'a>(names: &[&'a str], choice: Choice) -> Option<&'a str> {
    match choice {
        Choice::First => names.first().copied(),
        Choice::BeforeAnchor => {
            let at = names.iter().position(|name| ANCHORED.has(name))?;
            if names[at].contains("smp_call_function") {
                return Some("smp_call_function");
            }
            Some(names[at.saturating_sub(1)])
        }
        Choice::Waiting => waiting(names),
    }
}

fn waiting<'a>(names: &[&'a str]) -> Option<&'a str> {
    for name in names {
        if name.contains("rtnl_lock") {
            return Some(name);
        }
        let waits = ["synchronize_rcu", "synchronize_srcu", "synchronize_net", "synchronize_sched"];
        if waits.iter().any(|wait| name.contains(wait)) {
            return Some("synchronize_rcu");
        }
    }
    names.iter().copied().find(|name| !skip::is_in(WAITERS, name))
}

const WAITERS: &[&str] = &[
    "sched",
    "_lock",
    "_slowlock",
    "down",
    "rwsem",
    "completion",
    "kthread",
    "wait",
    "synchronize",
    "context_switch",
    "__switch_to",
    "cancel_delayed_work",
    "rcu_barrier",
];

/// Entries into the kernel, and functions that call whatever they are given.
const ANCHORS: &[&str] = &[
    "process_one_work",
    "do_syscall_",
    "do_fast_syscall_",
    "sysenter_dispatch",
    "tracesys_phase2",
    "el0_svc_handler",
    "invoke_syscall",
    "ret_fast_syscall",
    "netif_receive_skb",
    "do_softirq",
    "call_timer_fn",
    "_run_timers",
    "run_timer_softirq",
    "hrtimer_run",
    "run_ksoftirqd",
    "smpboot_thread_fn",
    "^kthread$",
    "start_secondary",
    "cpu_startup_entry",
    "ret_from_fork",
    "vfs_write",
    "vfs_read",
    "vfs_iter_read",
    "vfs_iter_write",
    "do_iter_read",
    "do_iter_write",
    "call_read_iter",
    "call_write_iter",
    "new_sync_read",
    "new_sync_write",
    "vfs_ioctl",
    "ksys_ioctl",
    "compat_ioctl",
    "compat_sys_ioctl",
    "blkdev_driver_ioctl",
    "blkdev_ioctl",
    "do_iter_readv_writev",
    "^call_mmap",
    "mmap_region",
    "do_mmap",
    "do_dentry_open",
    "vfs_open",
    "^sock_sendmsg",
    "^sock_recvmsg",
    "^sock_release",
    "^__sock_release",
    "^setsockopt$",
    "kernel_setsockopt",
    "sock_common_setsockopt",
    "^listen$",
    "kernel_listen",
    "sk_common_release",
    "^sock_mmap",
    "^accept$",
    "kernel_accept",
    "^sock_do_ioctl",
    "^sock_ioctl",
    "^compat_sock_ioctl",
    "^nfnetlink_rcv_msg",
    "^rtnetlink_rcv_msg",
    "^netlink_dump",
    "^socketpair",
    "^connect",
    "^ioctl",
    "^sys_socketpair",
    "^sys_connect",
    "^sys_ioctl",
    // powerpc, riscv, s390, and mips with loongarch.
    "^system_call_exception",
    "^do_trap_ecall_u",
    "^__do_syscall$",
    "^do_syscall$",
    "__do_fault",
    "do_page_fault",
    "^page_fault$",
    "__fput",
    "task_work_run",
    "exit_to_usermode",
    "smp_call_function",
    "tasklet_action",
    "tasklet_hi_action",
];

static ANCHORED: LazyLock<Skip> = LazyLock::new(|| Skip::new(ANCHORS));

/// Returns whether a function is an entry into the kernel, or calls whatever it is given.
pub(crate) fn is_dispatcher(function: &str) -> bool {
    ANCHORED.has(function)
        || [
            "entry_SYSCALL",
            "el0_svc",
            "el0t_64",
            "asm_sysvec",
            "worker_thread",
            "ret_from_exception",
        ]
        .iter()
        .any(|start| function.starts_with(start))
}

/// Returns the functions of a plan, in order.
pub(super) fn frames<'a>(body: Body<'_, 'a>, plan: Plan) -> Vec<Frame<'a>> {
    let from = |at: usize| run(&body[at..]);
    match plan {
        Plan::Pointer => {
            let mut found = Vec::new();
            let mut rest = 0;
            if let Some(mut at) =
                body.iter().position(|line| matches!(line.class, LineClass::Pointer(_)))
            {
                // Each inlined function has a line, then comes the one with the address.
                while let LineClass::Pointer(frame) = body[at].class {
                    found.extend(frame);
                    if at + 1 == body.len() || !matches!(body[at + 1].class, LineClass::Pointer(_))
                    {
                        break;
                    }
                    at += 1;
                }
                // Older kernels print the instruction pointer within the stack, newer ones before it.
                found.extend(run(&body[at + 1..]));
                rest = at + 1;
            }
            let trace = call_trace(&body[rest..]).map(|at| rest + at);
            let trace = trace.or_else(|| call_trace(body));
            match trace {
                Some(at) => found.extend(from(at + 1)),
                // Older kernels of 32-bit arm print no heading above the stack, but dump memory before it.
                None if rest > 0 && found.is_empty() => {
                    let at = body[rest..]
                        .iter()
                        .position(|line| matches!(line.class, LineClass::Frame(_)));
                    found.extend(at.map(|at| from(rest + at)).unwrap_or_default());
                }
                None => {}
            }
            found
        }
        Plan::Trace => {
            let at = call_trace(body).or_else(|| {
                body.iter()
                    .position(|line| matches!(line.class, LineClass::Frame(_)))
                    .map(|at| at.max(1) - 1)
            });
            at.map(|at| from(at + 1)).unwrap_or_default()
        }
        Plan::Bare => {
            let at = body.iter().position(|line| matches!(line.class, LineClass::Frame(_)));
            at.map(from).unwrap_or_default()
        }
        Plan::After(words) => {
            let at = heading(body, |text| contains(text, words));
            at.map(|at| from(at + 1)).unwrap_or_default()
        }
    }
}

fn heading(body: Body<'_, '_>, wanted: impl Fn(&str) -> bool) -> Option<usize> {
    body.iter().position(|line| wanted(line.text))
}

fn call_trace(body: Body<'_, '_>) -> Option<usize> {
    let names = ["Call Trace:", "Call trace:", "Backtrace:"];
    body.iter().position(|line| {
        line.class == LineClass::Start
            && names.iter().any(|name| trim_start(line.text).starts_with(name))
    })
}

/// Returns the functions up to the next heading.
fn run<'a>(body: Body<'_, 'a>) -> Vec<Frame<'a>> {
    let mut found = Vec::new();
    for line in body {
        match line.class {
            LineClass::Frame(frame) => found.push(frame),
            LineClass::Start | LineClass::End => break,
            // This heading has no word of its own.
            LineClass::Known | LineClass::Blank | LineClass::Rule(..) if !found.is_empty() => break,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stalls_are_named_after_what_the_entry_calls() {
        let names = ["inner", "middle", "snd_pcm_ioctl", "vfs_ioctl", "do_syscall_64"];
        assert_eq!(pick(&names, Choice::BeforeAnchor), Some("snd_pcm_ioctl"));
        assert_eq!(
            pick(&["a", "smp_call_function_many"], Choice::BeforeAnchor),
            Some("smp_call_function")
        );
        assert_eq!(pick(&["a", "b"], Choice::BeforeAnchor), None);
    }

    #[test]
    fn hangs_are_named_after_who_waits() {
        assert_eq!(pick(&["schedule", "rwsem_down", "foo"], Choice::Waiting), Some("foo"));
        assert_eq!(
            pick(&["schedule", "foo", "synchronize_srcu"], Choice::Waiting),
            Some("synchronize_rcu")
        );
        assert_eq!(pick(&["schedule", "rtnl_lock", "foo"], Choice::Waiting), Some("rtnl_lock"));
    }
}
