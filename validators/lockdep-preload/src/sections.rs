//! The functions of `lockdep.h`.

#![expect(unsafe_code, reason = "exports for C")]
#![expect(clippy::disallowed_types, reason = "a table of this library's own")]

use std::arch::naked_asm;
use std::collections::BTreeSet;
use std::ffi::{CStr, c_char};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockdep::{Place, Section, preload, raw};

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

/// Ends the innermost section where the program does that.
pub(crate) fn pop_at(place: Place) {
    if let Some(section) = crate::threads::with(|data| data.sections.pop()) {
        preload::leave_at(section, place);
    }
}

/// Exports functions with the name of a section, or without an argument. They get their return address as one argument
/// more, in the register that follows.
macro_rules! exports {
    ($($register:literal $name:ident = $function:path;)*) => { $(
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            naked_asm!(concat!("mov ", $register, ", [rsp]"), "jmp {}", sym $function)
        }
    )* };
}

exports! {
    "rsi" lockdep_hardirq_enter = hardirq_enter;
    "rsi" lockdep_softirq_enter = softirq_enter;
    "rsi" lockdep_task_enter = task_enter;
    "rdi" lockdep_hardirq_exit = exit;
    "rdi" lockdep_softirq_exit = exit;
    "rdi" lockdep_task_exit = exit;
    "rdi" lockdep_irqsave = irqsave;
    "rdi" lockdep_irqrestore = irqrestore;
    "rdi" lockdep_irq_enable = irq_enable;
}

extern "C" fn hardirq_enter(section: *const c_char, caller: usize) {
    push(preload::hardirq_enter_at(name(section), Place::Address(caller)));
}

extern "C" fn softirq_enter(section: *const c_char, caller: usize) {
    push(preload::softirq_enter_at(name(section), Place::Address(caller)));
}

extern "C" fn task_enter(section: *const c_char, caller: usize) {
    push(preload::task_enter_at(name(section), Place::Address(caller)));
}

extern "C" fn exit(caller: usize) {
    pop_at(Place::Address(caller));
}

extern "C" fn irqsave(caller: usize) {
    let flags = preload::irqsave_at(Place::Address(caller));
    crate::threads::with(|data| data.flags.push(flags));
}

extern "C" fn irqrestore(caller: usize) {
    if let Some(flags) = crate::threads::with(|data| data.flags.pop()) {
        preload::irqrestore_at(flags, Place::Address(caller));
    }
}

extern "C" fn irq_enable(caller: usize) {
    preload::irq_enable_at(Place::Address(caller));
}
