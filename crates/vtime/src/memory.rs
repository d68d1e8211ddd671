//! Memory of a stopped thread.
#![expect(unsafe_code, reason = "process_vm_readv and process_vm_writev have no safe wrapper")]

use crate::sys;
use std::io;

/// Copies memory of a thread into `to`, and returns how many bytes could be read.
pub(crate) fn read(thread: i32, address: u64, to: &mut [u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    let remote = remote(address, to.len())?;
    let (local, remote) = (&raw const local, &raw const remote);
    // SAFETY: the call writes at most the length of `to` there; the other address is another process's.
    let copied = unsafe { libc::process_vm_readv(thread, local, 1, remote, 1, 0) };
    match usize::try_from(copied) {
        Ok(copied) => Ok(copied),
        Err(_) => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::EPERM) => peek(thread, address, to),
            error => Err(error),
        },
    }
}

/// Copies all of `from` into memory of a thread.
pub(crate) fn write(thread: i32, address: u64, from: &[u8]) -> io::Result<()> {
    let local = libc::iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: from.len() };
    let remote = remote(address, from.len())?;
    let (local, remote) = (&raw const local, &raw const remote);
    // SAFETY: the call only reads `from`; the other address is another process's.
    let copied = unsafe { libc::process_vm_writev(thread, local, 1, remote, 1, 0) };
    match usize::try_from(copied) {
        Ok(copied) if copied == from.len() => Ok(()),
        Ok(_) => Err(fault()),
        Err(_) => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::EPERM) => poke(thread, address, from),
            error => Err(error),
        },
    }
}

/// Writes even where the program itself could not: its constants.
pub(crate) fn force(thread: i32, address: u64, from: &[u8]) -> io::Result<()> {
    poke(thread, address, from)
}

/// Fills `to` from memory of a thread.
pub(crate) fn read_exact(thread: i32, address: u64, to: &mut [u8]) -> io::Result<()> {
    if read(thread, address, to)? == to.len() { Ok(()) } else { Err(fault()) }
}

fn fault() -> io::Error {
    io::Error::from_raw_os_error(libc::EFAULT)
}

fn remote(address: u64, length: usize) -> io::Result<libc::iovec> {
    let address = usize::try_from(address).map_err(|_| fault())?;
    Ok(libc::iovec { iov_base: std::ptr::without_provenance_mut(address), iov_len: length })
}

/// Reads word by word, which the tracer may even where the process does not let itself be looked at
/// (`PR_SET_DUMPABLE`).
fn peek(thread: i32, address: u64, to: &mut [u8]) -> io::Result<usize> {
    let length = to.len();
    let mut at = address & !7;
    let mut done = 0;
    while done < length {
        let Ok(word) = sys::peek(thread, at) else {
            return if done == 0 { Err(fault()) } else { Ok(done) };
        };
        let skip = usize::try_from(address.saturating_sub(at)).unwrap_or_default();
        for byte in word.to_ne_bytes().into_iter().skip(skip).take(length - done) {
            to[done] = byte;
            done += 1;
        }
        at += 8;
    }
    Ok(done)
}

/// Writes word by word: see [`peek`].
fn poke(thread: i32, address: u64, from: &[u8]) -> io::Result<()> {
    let mut at = address & !7;
    let mut done = 0;
    while done < from.len() {
        let mut word = sys::peek(thread, at)?.to_ne_bytes();
        let skip = usize::try_from(address.saturating_sub(at)).unwrap_or_default();
        for byte in word.iter_mut().skip(skip) {
            if let Some(value) = from.get(done) {
                *byte = *value;
                done += 1;
            }
        }
        sys::poke(thread, at, u64::from_ne_bytes(word))?;
        at += 8;
    }
    Ok(())
}
