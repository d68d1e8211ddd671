//! Code that runs before `main`, in every program that has a test with the attribute.
//!
//! The program is started in three roles. It is aseqd if its name is `aseqd` and its first argument is one of the
//! commands that a run consists of; then it never reaches `main`. It is the inside of a test if a report is named in its
//! environment. Otherwise nothing happens.

#![expect(clippy::disallowed_types, reason = "the harness starts its tests in several threads")]

use super::inside::{Inside, Prepared};
use super::report::VARIABLE;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// What was prepared for the one test that this process was started for.
static PREPARED: Mutex<Option<Prepared>> = Mutex::new(None);

// The linker keeps it because `begin_test` is in the same file and is called.
#[used]
// SAFETY: functions in this section have this type, and the loader calls each once.
#[expect(unsafe_code, reason = "this is the one place for it")]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = before_main;

/// Returns the test that this process was started for, when it begins.
pub(super) fn begin_test() -> Option<Inside> {
    let mut prepared = PREPARED.lock().unwrap_or_else(PoisonError::into_inner);
    prepared.take().map(Prepared::begin)
}

extern "C" fn before_main() {
    #[cfg(feature = "run")]
    become_aseqd();
    let Some(report) = std::env::var_os(VARIABLE) else { return };
    // Programs that the test starts have no such test.
    // SAFETY: before `main` there is no other thread that could read the environment.
    #[expect(unsafe_code, reason = "this is the one place for it")]
    unsafe {
        std::env::remove_var(VARIABLE);
    }
    // The outside says that the test did not begin.
    let prepared = Prepared::new(&PathBuf::from(report)).ok();
    *PREPARED.lock().unwrap_or_else(PoisonError::into_inner) = prepared;
}

/// Runs aseqd and ends the process, if it was started as aseqd.
#[cfg(feature = "run")]
fn become_aseqd() {
    use rustix::process::{Signal, set_parent_process_death_signal};
    // With musl, `args_os` has nothing yet.
    let line = std::fs::read("/proc/self/cmdline").unwrap_or_default();
    let mut words: Vec<_> = line.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    // Each word ends with a zero.
    words.pop();
    if words.first().is_none_or(|name| name != super::outside::ARG0.as_bytes()) {
        return;
    }
    let words: Vec<_> = words.into_iter().map(std::os::unix::ffi::OsStringExt::from_vec).collect();
    if !aseqd::carried::is_command(&words) {
        return;
    }
    // `main` would do this. A write to a closed pipe is then an error.
    // SAFETY: no handler is installed, and this signal needs none.
    #[expect(unsafe_code, reason = "this is the one place for it")]
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
    if words.get(1).is_some_and(|command| command == "run") {
        // If the harness is killed, its tests end too.
        let _unsupported = set_parent_process_death_signal(Some(Signal::KILL));
    }
    std::process::exit(aseqd::carried::main(words).into());
}
