//! The functions of `lockdep.h`.

#![expect(unsafe_code, reason = "exports for C")]

use std::cell::RefCell;
use std::ffi::{CStr, c_char};

use lockdep::{IrqFlags, Section, raw};

/// Maximum depth of nested sections. Deeper ones are ignored.
const MAX_SECTIONS: usize = 16;

thread_local! {
    static SECTIONS: RefCell<Vec<Section>> = const { RefCell::new(Vec::new()) };
    static FLAGS: RefCell<Vec<IrqFlags>> = const { RefCell::new(Vec::new()) };
}

/// Returns a name as a string that is never freed. A program has few.
fn name(name: *const c_char) -> &'static str {
    if name.is_null() {
        return "section";
    }
    // SAFETY: the header asks for a C string.
    let name = unsafe { CStr::from_ptr(name) };
    raw::unchecked(|| &*String::leak(name.to_string_lossy().into_owned()))
}

pub(crate) fn push(enter: impl FnOnce() -> Section) {
    SECTIONS.with_borrow_mut(|sections| {
        raw::unchecked(|| sections.reserve(MAX_SECTIONS));
        sections.push(enter());
    });
}

pub(crate) fn pop() {
    let section = SECTIONS.with_borrow_mut(Vec::pop);
    drop(section);
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_hardirq_enter(section: *const c_char) {
    let section = name(section);
    push(|| lockdep::hardirq_enter(section));
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_hardirq_exit() {
    pop();
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_softirq_enter(section: *const c_char) {
    let section = name(section);
    push(|| lockdep::softirq_enter(section));
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_softirq_exit() {
    pop();
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_task_enter(section: *const c_char) {
    let section = name(section);
    push(|| lockdep::task_enter(section));
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_task_exit() {
    pop();
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_irqsave() {
    FLAGS.with_borrow_mut(|flags| {
        raw::unchecked(|| flags.reserve(MAX_SECTIONS));
        flags.push(lockdep::irqsave());
    });
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_irqrestore() {
    if let Some(flags) = FLAGS.with_borrow_mut(Vec::pop) {
        flags.restore();
    }
}

#[unsafe(no_mangle)]
extern "C" fn lockdep_irq_enable() {
    lockdep::local_irq_enable();
}
