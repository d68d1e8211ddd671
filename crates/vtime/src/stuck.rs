//! Who waits for what, when nothing can go on.

use crate::arch::Call;
use crate::state::State;
use std::fs;

/// Names of calls that wait, and the argument that is a descriptor.
const CALLS: &[(i64, &str, Option<usize>)] = &[
    (libc::SYS_read, "read", Some(0)),
    (libc::SYS_readv, "readv", Some(0)),
    (libc::SYS_write, "write", Some(0)),
    (libc::SYS_writev, "writev", Some(0)),
    (libc::SYS_ioctl, "ioctl", Some(0)),
    (libc::SYS_recvfrom, "recvfrom", Some(0)),
    (libc::SYS_recvmsg, "recvmsg", Some(0)),
    (libc::SYS_sendto, "sendto", Some(0)),
    (libc::SYS_sendmsg, "sendmsg", Some(0)),
    (libc::SYS_accept, "accept", Some(0)),
    (libc::SYS_accept4, "accept4", Some(0)),
    (libc::SYS_connect, "connect", Some(0)),
    (libc::SYS_flock, "flock", Some(0)),
    (libc::SYS_fcntl, "fcntl", Some(0)),
    (libc::SYS_openat, "openat", None),
    (libc::SYS_wait4, "wait4", None),
    (libc::SYS_waitid, "waitid", None),
    (libc::SYS_futex, "futex", None),
    (libc::SYS_ppoll, "ppoll", None),
    (libc::SYS_pselect6, "pselect6", None),
    (libc::SYS_epoll_pwait, "epoll_pwait", Some(0)),
    (libc::SYS_rt_sigsuspend, "rt_sigsuspend", None),
    (libc::SYS_rt_sigtimedwait, "rt_sigtimedwait", None),
    (libc::SYS_nanosleep, "nanosleep", None),
    (libc::SYS_clock_nanosleep, "clock_nanosleep", None),
    (libc::SYS_semop, "semop", None),
    (libc::SYS_semtimedop, "semtimedop", None),
    (libc::SYS_msgrcv, "msgrcv", None),
    (libc::SYS_msgsnd, "msgsnd", None),
    (libc::SYS_mq_timedreceive, "mq_timedreceive", Some(0)),
    (libc::SYS_mq_timedsend, "mq_timedsend", Some(0)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_poll, "poll", None),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_select, "select", None),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_epoll_wait, "epoll_wait", Some(0)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_pause, "pause", None),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_vfork, "vfork", None),
];

/// Returns a table, a line a thread: process, thread, name, and what it waits for.
pub(crate) fn table(state: &State) -> Vec<String> {
    let mut lines = vec![format!("{:>7} {:>7} {:<15} waits for", "process", "thread", "name")];
    for (number, thread) in &state.threads {
        let folder = format!("/proc/{}/task/{number}", thread.process);
        let name = fs::read_to_string(format!("{folder}/comm")).unwrap_or_default();
        let call = match &thread.wait {
            Some(wait) => Some(wait.asked),
            None => current_call(&folder),
        };
        let what =
            call.map_or_else(|| "unknown".to_owned(), |call| describe(&call, thread.process));
        let name = name.strip_suffix('\n').unwrap_or(&name);
        let line = format!("{:>7} {number:>7} {name:<15} {what}", thread.process);
        lines.push(printable(&line));
    }
    lines
}

/// Returns a line that is safe to print: programs choose their names and those of their files. Control characters, which
/// can move the cursor of a terminal, and those that turn the direction of the text behind them become `?`.
fn printable(line: &str) -> String {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    line.chars().map(|c| if c.is_control() || turns(c) { '?' } else { c }).collect()
}

/// Returns the call in which a thread sleeps.
fn current_call(folder: &str) -> Option<Call> {
    let text = fs::read_to_string(format!("{folder}/syscall")).ok()?;
    let mut words = text.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let mut args = [0; 6];
    for arg in &mut args {
        *arg = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some(Call { number, args })
}

fn describe(call: &Call, process: i32) -> String {
    let Some((_, name, fd)) = CALLS.iter().find(|(number, ..)| *number == call.number) else {
        return format!("system call {}", call.number);
    };
    if let Some(index) = fd {
        let fd = call.int(*index);
        let file = fs::read_link(format!("/proc/{process}/fd/{fd}"));
        let file = file.map_or_else(|_| "?".to_owned(), |path| path.display().to_string());
        return format!("{name}: descriptor {fd}, {file}");
    }
    match call.number {
        libc::SYS_futex => format!("{name}: a lock or condition at {:#x}", call.args[0]),
        libc::SYS_wait4 | libc::SYS_waitid => format!("{name}: a child process"),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll => format!("{name}: {}", polled(call, process)),
        libc::SYS_ppoll => format!("{name}: {}", polled(call, process)),
        _ => (*name).to_owned(),
    }
}

/// Returns the descriptors of a poll.
fn polled(call: &Call, process: i32) -> String {
    /// More would not fit into a line.
    const MOST: usize = 4;
    let count = usize::try_from(call.args[1]).unwrap_or_default();
    if call.args[0] == 0 || count == 0 {
        return "a signal".to_owned();
    }
    let mut entries = vec![[0_u8; 8]; count.min(MOST)];
    let read = crate::memory::read_exact(process, call.args[0], entries.as_flattened_mut());
    if read.is_err() {
        return format!("{count} descriptors");
    }
    let names = entries.iter().map(|entry| {
        let fd = i32::from_ne_bytes([entry[0], entry[1], entry[2], entry[3]]);
        let file = fs::read_link(format!("/proc/{process}/fd/{fd}"));
        file.map_or_else(|_| fd.to_string(), |path| format!("{fd}, {}", path.display()))
    });
    let names: Vec<_> = names.collect();
    let more = if count > MOST { format!("; {} more", count - MOST) } else { String::new() };
    format!("descriptor {}{more}", names.join("; "))
}
