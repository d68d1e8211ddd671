//! What the library needs to know of request codes, which are built as `asm-generic/ioctl.h` builds them.
//!
//! `tests/ioctl.rs` compares it with `aseqd_abi`, which the library does not depend on: it is built from
//! this package and `aseqd_wire` alone.

/// `SNDRV_TIMER_IOCTL_SELECT`: the only request whose answer depends on the calling thread.
pub(crate) const TIMER_SELECT: u32 = 0x4034_5410;

/// `SNDRV_TIMER_IOCTL_CREATE`: the only request that returns a descriptor.
pub(crate) const TIMER_CREATE: u32 = 0xc020_54a5;

/// Where the descriptor stands in the struct of [`TIMER_CREATE`], the field `fd` of `struct snd_timer_uinfo`.
pub(crate) const TIMER_CREATE_FD: core::ops::Range<usize> = 8..12;

/// Returns whether the driver reads the argument.
pub(crate) const fn reads_argument(code: u32) -> bool {
    code >> 30 & 1 != 0
}

/// Returns the size of the argument, in bytes.
pub(crate) const fn size(code: u32) -> usize {
    ((code >> 16) & 0x3fff) as usize
}
