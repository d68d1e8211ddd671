//! Registers and call numbers of the processors that are supported.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
pub(crate) use aarch64::{AUDIT_ARCH, NUMBER_APART, Regs};
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{AUDIT_ARCH, NUMBER_APART, Regs};

/// A system call: its number and arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// Its number.
    pub(crate) number: i64,
    /// Its arguments. Those that it does not have are whatever the registers held.
    pub(crate) args: [u64; 6],
}

impl Call {
    /// The number of no call: the kernel carries nothing out.
    pub(crate) const NONE: i64 = -1;

    /// Returns an argument as a signed number of 32 bits, which is how the kernel sees an `int`.
    #[expect(clippy::cast_possible_truncation, reason = "the kernel looks at these bits alone")]
    pub(crate) const fn int(&self, index: usize) -> i32 {
        self.args[index] as i32
    }

    /// Returns the same call with another argument.
    pub(crate) const fn with(mut self, index: usize, value: u64) -> Self {
        self.args[index] = value;
        self
    }
}
