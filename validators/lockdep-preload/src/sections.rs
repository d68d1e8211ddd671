//! The functions of `lockdep.h`.

#![expect(unsafe_code, reason = "exports for C")]
#![expect(clippy::disallowed_types, reason = "a table of this library's own")]

use std::collections::BTreeSet;
use std::ffi::{CStr, c_char};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockdep::{Section, raw};

/// The names of sections, which are never freed. A program has few.
static NAMES: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

/// The lock of the names.
pub(crate) type Guard = MutexGuard<'static, BTreeSet<&'static str>>;

/// Locks the names while the process forks.
pub(crate) fn lock() -> Guard {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the one string with a name. Its address tells the section apart from others.
fn name(name: *const c_char) -> &'static str {
    if name.is_null() {
        return "section";
    }
    // SAFETY: the header asks for a C string.
    let name = unsafe { CStr::from_ptr(name) };
    raw::unchecked(|| {
        let name = name.to_string_lossy();
        let mut names = lock();
        if let Some(known) = names.get(name.as_ref()) {
            return *known;
        }
        let new = String::leak(name.into_owned());
        names.insert(new);
        new
    })
}

pub(crate) fn push(section: Section) {
    crate::threads::with(|data| data.sections.push(section));
}

pub(crate) fn pop() {
    let section = crate::threads::with(|data| data.sections.pop());
    drop(section);
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_hardirq_enter(section: *const c_char) {
    let section = name(section);
    push(lockdep::hardirq_enter(section));
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_hardirq_exit() {
    pop();
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_softirq_enter(section: *const c_char) {
    let section = name(section);
    push(lockdep::softirq_enter(section));
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_softirq_exit() {
    pop();
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_task_enter(section: *const c_char) {
    let section = name(section);
    push(lockdep::task_enter(section));
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_task_exit() {
    pop();
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_irqsave() {
    let flags = lockdep::irqsave();
    crate::threads::with(|data| data.flags.push(flags));
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_irqrestore() {
    if let Some(flags) = crate::threads::with(|data| data.flags.pop()) {
        flags.restore();
    }
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_irq_enable() {
    lockdep::local_irq_enable();
}
