//! aarch64.

use super::Call;

/// `AUDIT_ARCH_AARCH64` of `linux/audit.h`: what a filter sees for a 64-bit call.
pub(crate) const AUDIT_ARCH: u32 = 0xc000_00b7;
/// Whether the number of a call is set apart from the registers.
pub(crate) const NUMBER_APART: bool = true;

/// The registers, as `struct user_pt_regs` of `asm/ptrace.h` has them: x0 to x30, sp, pc, pstate.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Regs([u64; 34]);

/// The register with the number of a call.
const X8: usize = 8;
const SP: usize = 31;
const PSTATE: usize = 33;
/// The bit of the processor state that allows speculation (SSBS). The kernel sets it when it puts a thread on a processor.
const SPECULATION: u64 = 0x1000;
/// The bit of the processor state that 32-bit code has.
const MODE32: u64 = 0x10;
const PC: usize = 32;
/// The instruction `svc #0`.
const SVC: u64 = 0xd400_0001;

impl Default for Regs {
    fn default() -> Self {
        Self([0; 34])
    }
}

/// Registers are equal if the thread cannot tell them apart.
impl PartialEq for Regs {
    fn eq(&self, other: &Self) -> bool {
        let shown = |regs: &Self| {
            let mut regs = regs.0;
            regs[PSTATE] &= !SPECULATION;
            regs
        };
        shown(self) == shown(other)
    }
}

impl Regs {
    /// Returns the call that is on its way in. On its way out the first argument has been replaced by the result.
    pub(crate) fn call(&self) -> Call {
        let mut args = [0; 6];
        args.copy_from_slice(&self.0[..6]);
        Call { number: self.0[X8].cast_signed(), args }
    }

    /// Changes the arguments of the call that is on its way in. Its number is set apart, because a restart takes it
    /// from the register.
    pub(crate) fn set_call(&mut self, call: &Call) {
        self.0[..6].copy_from_slice(&call.args);
    }

    /// Returns what the call on its way out returns.
    pub(crate) const fn result(&self) -> i64 {
        self.0[0].cast_signed()
    }

    /// Changes what the call returns.
    pub(crate) const fn set_result(&mut self, result: i64) {
        self.0[0] = result.cast_unsigned();
    }

    /// Returns whether the thread runs 32-bit code.
    pub(crate) const fn is_foreign(&self) -> bool {
        self.0[PSTATE] & MODE32 != 0
    }

    /// Returns whether the kernel will make the call again from which a stopped thread comes. If so, it has set the
    /// registers for that: the next instruction is the one that makes a call.
    pub(crate) fn restarts(&self, peek: impl Fn(u64) -> Option<u64>) -> bool {
        peek(self.0[PC]).is_some_and(|word| word & 0xffff_ffff == SVC)
    }

    /// Lets the kernel make a call again that it has ended with `EINTR`, as if there had been no signal. Returns whether
    /// that is possible: with the registers as they were on its way in, since the result has replaced an argument.
    pub(crate) fn undo_interruption(&mut self, on_entry: Option<&Self>) -> bool {
        let Some(entry) = on_entry else { return false };
        let mut returned = *entry;
        returned.set_result(self.result());
        if returned != *self {
            return false;
        }
        *self = *entry;
        self.repeat_call();
        true
    }

    /// Ends a call that would be made again.
    pub(crate) const fn end_call(&mut self, result: i64) {
        self.0[PC] += 4;
        self.set_result(result);
    }

    /// Lets the program make its call once more, from registers as they are on its way in.
    pub(crate) const fn repeat_call(&mut self) {
        self.0[PC] -= 4;
    }

    /// Returns the stack pointer.
    pub(crate) const fn stack(&self) -> u64 {
        self.0[SP]
    }
}
