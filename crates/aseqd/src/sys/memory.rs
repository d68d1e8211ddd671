//! The memory of another process.
#![expect(unsafe_code, reason = "process_vm_readv has no safe wrapper")]

use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// A piece of a process's memory: address and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) at: u64,
    pub(crate) len: usize,
}

/// Reads from a thread's memory; as much as is there, which is all or stops at a bad address.
///
/// # Errors
/// `EFAULT` if the first byte is nowhere; `EPERM` if this process may not; `ESRCH`.
pub(crate) fn read(thread: i32, at: u64, bytes: &mut [u8]) -> Result<usize, Errno> {
    let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let remote = remote(at, bytes.len())?;
    // SAFETY: the local piece is valid memory that is ours alone; the remote one is checked by the
    // kernel.
    let moved =
        unsafe { libc::process_vm_readv(thread, &raw const local, 1, &raw const remote, 1, 0) };
    match usize::try_from(moved) {
        Ok(moved) => Ok(moved),
        // A sandbox may forbid the call and leave the file.
        Err(_) => match last_error() {
            Errno::PERM | Errno::NOSYS => {
                file(thread, false)?.read_at(bytes, at).map_err(|e| errno(&e))
            }
            error => Err(error),
        },
    }
}

/// Writes to a thread's memory, as [`read`].
///
/// # Errors
/// As [`read`]'s.
pub(crate) fn write(thread: i32, at: u64, bytes: &[u8]) -> Result<usize, Errno> {
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
            // The file also writes where the program itself could not, and there is no error then.
            Errno::PERM | Errno::NOSYS => {
                file(thread, true)?.write_at(bytes, at).map_err(|e| errno(&e))
            }
            error => Err(error),
        },
    }
}

fn remote(at: u64, len: usize) -> Result<libc::iovec, Errno> {
    let at = usize::try_from(at).map_err(|_| Errno::FAULT)?;
    Ok(libc::iovec { iov_base: std::ptr::without_provenance_mut(at), iov_len: len })
}

fn file(thread: i32, writing: bool) -> Result<File, Errno> {
    let path = format!("/proc/{thread}/mem");
    File::options().read(!writing).write(writing).open(path).map_err(|error| errno(&error))
}

fn errno(error: &std::io::Error) -> Errno {
    match Errno::from_io_error(error) {
        // What the file says of an address that is nowhere.
        Some(Errno::IO) | None => Errno::FAULT,
        Some(error) => error,
    }
}

fn last_error() -> Errno {
    errno(&std::io::Error::last_os_error())
}
