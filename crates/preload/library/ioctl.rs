//! What the library needs to know of request codes, which are built as `asm-generic/ioctl.h` builds them.
//!
//! `tests/ioctl.rs` compares it with `aseqd_abi`, which the library does not depend on: it is built from
//! this package and `aseqd_wire` alone.

/// `SNDRV_TIMER_IOCTL_SELECT`: the only request whose answer depends on the calling thread.
pub(crate) const TIMER_SELECT: u32 = 0x4034_5410;

/// Returns whether the driver reads the argument.
pub(crate) const fn reads_argument(code: u32) -> bool {
    code >> 30 & 1 != 0
}

/// Returns the size of the argument, in bytes.
pub(crate) const fn size(code: u32) -> usize {
    ((code >> 16) & 0x3fff) as usize
}
