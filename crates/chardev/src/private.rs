//! Files that the kernel opens for itself.
//!
//! Since Linux 5.13 the kernel answers `FS_IOC_GETFLAGS`, `FS_IOC_SETFLAGS`, `FS_IOC_FSGETXATTR` and
//! `FS_IOC_FSSETXATTR`, and since 6.17 `file_getattr(2)` and `file_setattr(2)`, by an open, an ioctl and
//! a release of its own, also for callers that may not open the node. A driver does not see this, so the server
//! does not either.

use std::fs::File;
use std::io::Read as _;

use rustix::fs::OFlags;

/// The handle of every such file.
pub(crate) const HANDLE: u64 = u64::MAX;

/// Returns whether the kernel opens a file for itself, on behalf of this thread.
///
/// Such an open has no flags at all. Opens of 64-bit programs have at least `O_LARGEFILE`, which the
/// kernel adds (`force_o_largefile`). Those of 32-bit programs may have none, so this asks what the program is.
/// If that is not known, the open counts as the program's: a file that is closed at once does a server no harm,
/// but a file that does nothing would break the program.
pub(crate) fn is_open(flags: u32, thread: u32) -> bool {
    cfg!(target_pointer_width = "64")
        && flags & (OFlags::LARGEFILE | OFlags::ACCMODE).bits() == 0
        && is_64_bit(thread) == Some(true)
}

/// Returns whether a thread runs a 64-bit program, or `None` if that cannot be seen.
///
/// The auxiliary vector tells (`proc_pid_auxv(5)`). Its first word is a small number: if words have 64 bits,
/// the upper half is zero; if they have 32, the second word is there, which is never zero in the first entries.
/// The program file itself is not opened, because it may lie on a file system that never answers.
fn is_64_bit(thread: u32) -> Option<bool> {
    let mut start = [0; 8];
    File::open(format!("/proc/{thread}/auxv")).ok()?.read_exact(&mut start).ok()?;
    Some(has_long_words(start))
}

fn has_long_words(start: [u8; 8]) -> bool {
    u64::from_ne_bytes(start) <= u64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_of_programs_are_not_the_kernels() {
        let own = std::process::id();
        let large = OFlags::LARGEFILE.bits();
        assert!(!is_open(large, own));
        assert!(!is_open(OFlags::RDWR.bits(), own));
        assert!(!is_open(0, 0), "no such thread");
        assert_eq!(is_open(0, own), cfg!(target_pointer_width = "64"));
    }

    /// As Linux gives them to a program of either kind on one machine.
    #[cfg(target_endian = "little")]
    #[test]
    fn a_32_bit_program_is_known_by_its_words() {
        assert!(has_long_words([0x21, 0, 0, 0, 0, 0, 0, 0]));
        assert!(!has_long_words([0x20, 0, 0, 0, 0xe0, 0x45, 0xf2, 0xf7]));
    }
}
