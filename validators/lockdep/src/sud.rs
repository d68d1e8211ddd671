//! Traps system calls in a section that forbids them, by Syscall User Dispatch (Linux 5.11,
//! `Documentation/admin-guide/syscall-user-dispatch.rst`).
//!
//! A byte of the thread, the selector, decides whether its next system call runs or becomes a `SIGSYS`. The signal
//! handler notes the call and allows system calls for the rest of the section, because its own return is one. The
//! call then runs as usual. The section reports it at its end, where it is safe to do so.

#![cfg_attr(
    all(target_os = "linux", target_arch = "x86_64"),
    expect(unsafe_code, reason = "a signal handler, and the registers it is given")
)]

use std::cell::Cell;

const ALLOW: u8 = 0;
const BLOCK: u8 = 1;

/// What the signal handler notes about the first system call of a section.
struct Hit {
    number: Cell<Option<u64>>,
    count: Cell<usize>,
    addresses: [Cell<usize>; 64],
}

thread_local! {
    static SELECTOR: Cell<u8> = const { Cell::new(ALLOW) };
    static DISPATCHED: Cell<bool> = const { Cell::new(false) };
    static HIT: Hit = const {
        Hit { number: Cell::new(None), count: Cell::new(0), addresses: [const { Cell::new(0) }; 64] }
    };
}

/// Calls `f` with system calls allowed, for the validators' own.
#[inline]
pub(crate) fn allowing_syscalls<R>(f: impl FnOnce() -> R) -> R {
    let before = SELECTOR.replace(ALLOW);
    let result = f();
    SELECTOR.set(before);
    result
}

/// Returns whether this kernel can trap the system calls of a section.
#[must_use]
pub fn can_trap_syscalls() -> bool {
    os::dispatch_to(SELECTOR.with(Cell::as_ptr)).is_ok_and(|()| {
        DISPATCHED.set(true);
        true
    })
}

/// Traps system calls of this thread from now on. Returns `false` if that cannot be done.
pub(crate) fn arm() -> bool {
    if !os::has_handler() || (!DISPATCHED.get() && !can_trap_syscalls()) {
        return false;
    }
    HIT.with(|hit| hit.number.set(None));
    SELECTOR.set(BLOCK);
    true
}

/// A trapped system call.
pub(crate) struct Call {
    pub(crate) number: u64,
    /// The return addresses of the stack there, innermost first.
    pub(crate) addresses: Vec<usize>,
}

/// Stops trapping, and returns the first call that was trapped.
pub(crate) fn disarm() -> Option<Call> {
    SELECTOR.set(ALLOW);
    HIT.with(|hit| {
        let number = hit.number.take()?;
        let addresses = hit.addresses[..hit.count.get()].iter().map(Cell::get).collect();
        Some(Call { number, addresses })
    })
}

/// Notes a trapped call. This runs in the signal handler.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn note(number: u64) {
    SELECTOR.set(ALLOW);
    let mut addresses = [0; 64];
    let count = crate::trace::addresses_here(&mut addresses);
    HIT.with(|hit| {
        for (slot, address) in hit.addresses.iter().zip(addresses) {
            slot.set(address);
        }
        hit.count.set(count);
        hit.number.set(Some(number));
    });
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod os {
    use std::sync::OnceLock;

    /// From `linux/prctl.h`.
    const PR_SET_SYSCALL_USER_DISPATCH: libc::c_int = 59;
    const PR_SYS_DISPATCH_ON: libc::c_ulong = 1;
    /// Length of the `syscall` instruction in bytes.
    const SYSCALL_LENGTH: i64 = 2;

    pub(super) fn dispatch_to(selector: *mut u8) -> Result<(), ()> {
        let none: libc::c_ulong = 0;
        // SAFETY: the selector is a byte in this thread's storage and lives as long as the thread,
        // which is as long as the kernel reads it.
        let result = unsafe {
            libc::prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, none, none, selector)
        };
        if result == 0 { Ok(()) } else { Err(()) }
    }

    /// Installs the signal handler once for the process, and returns whether it is there.
    pub(super) fn has_handler() -> bool {
        static INSTALLED: OnceLock<bool> = OnceLock::new();
        *INSTALLED.get_or_init(|| {
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                handle;
            // SAFETY: all bytes zero is a valid sigaction: no handler, an empty mask.
            let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
            action.sa_sigaction = handler as usize;
            // The handler runs on the thread's own stack, which is safe because the thread itself makes the
            // call. The alternate stack of a Rust thread may have little more room than the processor's
            // registers take (11 KiB with AMX), and none for the unwinder.
            action.sa_flags = libc::SA_SIGINFO;
            // SAFETY: the action is initialised, and the handler is async-signal-safe: it touches
            // cells of the thread and unwinds the stack.
            unsafe { libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut()) == 0 }
        })
    }

    extern "C" fn handle(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
        // SAFETY: with SA_SIGINFO the third argument is the interrupted context, ours to change.
        let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
        let registers = &mut context.uc_mcontext.gregs;
        let number = registers[libc::REG_RAX as usize];
        super::note(number.unsigned_abs());
        // Repeats the instruction: the kernel has left the number in its register.
        registers[libc::REG_RIP as usize] -= SYSCALL_LENGTH;
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod os {
    pub(super) fn dispatch_to(_: *mut u8) -> Result<(), ()> {
        Err(())
    }

    pub(super) fn has_handler() -> bool {
        false
    }
}
