//! x86-64.

use super::Call;

/// `AUDIT_ARCH_X86_64` of `linux/audit.h`: what a filter sees for a 64-bit call.
pub(crate) const AUDIT_ARCH: u32 = 0xc000_003e;
/// Whether the number of a call is set apart from the registers.
pub(crate) const NUMBER_APART: bool = false;

/// The registers, as `struct user_regs_struct` of `sys/user.h` has them.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Regs([u64; 27]);

/// Where the arguments are: rdi, rsi, rdx, r10, r8, r9.
const ARGS: [usize; 6] = [14, 13, 12, 7, 9, 8];
const RAX: usize = 10;
const ORIG_RAX: usize = 15;
const CS: usize = 17;
const RIP: usize = 16;
const RSP: usize = 19;
/// The code segment of 64-bit programs.
const USER_CS: u64 = 0x33;
/// The bits of a call's number, and the one among them that calls of the x32 kind have.
const NUMBER: u64 = 0xffff_ffff;
const X32: u64 = 0x4000_0000;
/// What the kernel makes of this result, when it has told of all signals: `EINTR` if one has a handler, else the call
/// again.
const ERESTARTNOHAND: i64 = -514;

impl Regs {
    /// Returns the call that is on its way in or out.
    pub(crate) fn call(&self) -> Call {
        Call { number: self.0[ORIG_RAX].cast_signed(), args: ARGS.map(|index| self.0[index]) }
    }

    /// Changes the call that is on its way in.
    pub(crate) fn set_call(&mut self, call: &Call) {
        self.0[ORIG_RAX] = call.number.cast_unsigned();
        for (index, value) in ARGS.into_iter().zip(call.args) {
            self.0[index] = value;
        }
    }

    /// Returns what the call on its way out returns.
    pub(crate) const fn result(&self) -> i64 {
        self.0[RAX].cast_signed()
    }

    /// Changes what the call returns.
    pub(crate) const fn set_result(&mut self, result: i64) {
        self.0[RAX] = result.cast_unsigned();
    }

    /// Returns whether the thread runs code that is not of this kind: 32-bit code, or calls of the x32 kind.
    pub(crate) const fn is_foreign(&self) -> bool {
        let number = self.0[ORIG_RAX] & NUMBER;
        self.0[CS] != USER_CS || (number & X32 != 0 && number != NUMBER)
    }

    /// Returns whether the kernel will make the call again from which a stopped thread comes.
    pub(crate) fn restarts(&self, _peek: impl Fn(u64) -> Option<u64>) -> bool {
        // The codes from ERESTARTSYS to ERESTART_RESTARTBLOCK.
        (-516..=-512).contains(&self.result())
    }

    /// Lets the kernel make a call again that it has ended with `EINTR`, as if there had been no signal. Returns whether
    /// that is possible.
    pub(crate) const fn undo_interruption(&mut self, _on_entry: Option<&Self>) -> bool {
        self.set_result(ERESTARTNOHAND);
        true
    }

    /// Ends a call that would be made again.
    pub(crate) const fn end_call(&mut self, result: i64) {
        self.set_result(result);
    }

    /// Lets the program make its call once more, from registers as they are on its way in.
    pub(crate) const fn repeat_call(&mut self) {
        // The instruction has two bytes.
        self.0[RIP] -= 2;
        self.0[RAX] = self.0[ORIG_RAX];
    }

    /// Returns the stack pointer.
    pub(crate) const fn stack(&self) -> u64 {
        self.0[RSP]
    }
}
