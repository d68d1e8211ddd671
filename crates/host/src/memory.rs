//! The memory of another process.
#![expect(unsafe_code, reason = "process_vm_readv has no safe wrapper")]

use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// A piece of a process's memory: address and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins in the memory of the process.
    pub at: u64,
    /// How many bytes it has.
    pub len: usize,
}

/// Reads from a thread's memory, and returns how many bytes were read: all, or those before the first bad address.
///
/// # Errors
/// `EFAULT` if the first byte is at a bad address, `EPERM` if this process may not read there, `ESRCH` if the thread
/// has ended.
pub fn read(thread: i32, at: u64, bytes: &mut [u8]) -> Result<usize, Errno> {
    let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let remote = remote(at, bytes.len())?;
    // SAFETY: the local piece is valid memory that is ours alone; the remote one is checked by the
    // kernel.
    let moved =
        unsafe { libc::process_vm_readv(thread, &raw const local, 1, &raw const remote, 1, 0) };
    match usize::try_from(moved) {
        Ok(moved) => Ok(moved),
        // A sandbox may forbid the call and still allow the file.
        Err(_) => match last_error() {
            Errno::PERM | Errno::NOSYS => {
                let mapped = mapped(thread, at, bytes.len(), READABLE)?;
                file(thread, false)?.read_at(&mut bytes[..mapped], at).map_err(|e| errno(&e))
            }
            error => Err(error),
        },
    }
}

/// Writes to a thread's memory, and returns how many bytes were written.
///
/// # Errors
/// As for [`read`].
pub fn write(thread: i32, at: u64, bytes: &[u8]) -> Result<usize, Errno> {
    let base = bytes.as_ptr().cast_mut().cast();
    let local = libc::iovec { iov_base: base, iov_len: bytes.len() };
    let remote = remote(at, bytes.len())?;
    // SAFETY: the local piece is valid memory, and only read from; the remote one is checked by the
    // kernel.
    let moved =
        unsafe { libc::process_vm_writev(thread, &raw const local, 1, &raw const remote, 1, 0) };
    match usize::try_from(moved) {
        Ok(moved) => Ok(moved),
        Err(_) => match last_error() {
            Errno::PERM | Errno::NOSYS => {
                let mapped = mapped(thread, at, bytes.len(), WRITABLE)?;
                file(thread, true)?.write_at(&bytes[..mapped], at).map_err(|e| errno(&e))
            }
            error => Err(error),
        },
    }
}

fn remote(at: u64, len: usize) -> Result<libc::iovec, Errno> {
    let at = usize::try_from(at).map_err(|_| Errno::FAULT)?;
    Ok(libc::iovec { iov_base: std::ptr::without_provenance_mut(at), iov_len: len })
}

/// Where `r` stands among the permissions of a mapping, such as `rw-p`.
const READABLE: usize = 0;
/// Where `w` stands among them.
const WRITABLE: usize = 1;

/// Returns how many bytes from an address on are mapped with a permission. This must be checked, because
/// `/proc/THREAD/mem` also reads and writes memory that the program itself cannot.
fn mapped(thread: i32, at: u64, len: usize, permission: usize) -> Result<usize, Errno> {
    let maps = std::fs::read_to_string(format!("/proc/{thread}/maps")).map_err(|e| errno(&e))?;
    let end = at.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    let mut reached = at;
    // In the order of their addresses: `7f12a000-7f12b000 rw-p ...`.
    for line in maps.lines() {
        let mut fields = line.split(' ');
        let range = fields.next().and_then(|range| range.split_once('-'));
        let Some((first, last)) = range else { continue };
        let number = |text| u64::from_str_radix(text, 16).map_err(|_| Errno::FAULT);
        let (first, last) = (number(first)?, number(last)?);
        let has = fields.next().and_then(|fields| fields.as_bytes().get(permission).copied());
        if first > reached || reached >= end {
            break;
        }
        if last > reached {
            if has == Some(b'-') {
                break;
            }
            reached = last;
        }
    }
    let mapped = usize::try_from(reached.min(end) - at).map_err(|_| Errno::FAULT)?;
    if mapped == 0 && len > 0 { Err(Errno::FAULT) } else { Ok(mapped) }
}

fn file(thread: i32, writing: bool) -> Result<File, Errno> {
    let path = format!("/proc/{thread}/mem");
    File::options().read(!writing).write(writing).open(path).map_err(|error| errno(&error))
}

fn errno(error: &std::io::Error) -> Errno {
    match Errno::from_io_error(error) {
        // What the file answers for a bad address.
        Some(Errno::IO) | None => Errno::FAULT,
        Some(error) => error,
    }
}

fn last_error() -> Errno {
    errno(&std::io::Error::last_os_error())
}
