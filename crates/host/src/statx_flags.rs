//! Flags of `statx(2)` that rustix has only for glibc, although they are the kernel's (`linux/fcntl.h`).

use rustix::fs::AtFlags;

/// `AT_STATX_DONT_SYNC`: answer from what the kernel knows, and ask no server of a remote file system.
pub const DONT_SYNC: AtFlags = AtFlags::from_bits_retain(0x4000);

/// `AT_STATX_FORCE_SYNC`: ask the server of a remote file system.
pub const FORCE_SYNC: AtFlags = AtFlags::from_bits_retain(0x2000);

#[cfg(all(test, target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn the_values_are_those_that_glibc_has() {
        assert_eq!(DONT_SYNC, AtFlags::STATX_DONT_SYNC);
        assert_eq!(FORCE_SYNC, AtFlags::STATX_FORCE_SYNC);
    }
}
