//! Memory that ends where it must not be accessed, and calls that pass it.

use crate::concurrent::Pointer;
use crate::sys::ARGUMENT_SIZE;
use aseqd_abi::Errno;
use std::ffi::c_void;

/// The size of a page, or a multiple of it.
const PAGE: usize = 1 << 16;

/// A buffer in memory of its own.
pub(crate) struct Guarded {
    base: *mut c_void,
    size: usize,
    /// What calls get.
    at: *mut c_void,
    /// Length of the buffer, of which not all need be there.
    len: usize,
    /// How much of it can be read.
    there: usize,
}

impl Guarded {
    /// Returns memory with as much of a buffer as a pointer says.
    ///
    /// # Errors
    /// Those of `mmap(2)`.
    pub(crate) fn new(bytes: &[u8], pointer: Pointer) -> Result<Self, Errno> {
        let room = bytes.len().max(ARGUMENT_SIZE).next_multiple_of(PAGE);
        let size = room + PAGE;
        let (access, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new memory, at an address that the kernel chooses.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), size, access, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(last_error());
        }
        let end = base.wrapping_byte_add(room);
        let (at, there) = match pointer {
            Pointer::Null => (std::ptr::null_mut(), 0),
            Pointer::Unmapped => (end, 0),
            Pointer::ReadOnly => (base, bytes.len()),
            Pointer::Edge(there) => {
                let there = there.min(room);
                (end.wrapping_byte_sub(there), there.min(bytes.len()))
            }
        };
        if there > 0 {
            // SAFETY: `there` bytes from `at` are in the new memory, which nobody else has.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), at.cast(), there) };
        }
        // SAFETY: the last part of the new memory, which holds nothing.
        unsafe { libc::mprotect(end, PAGE, libc::PROT_NONE) };
        if pointer == Pointer::ReadOnly {
            // SAFETY: the rest of it; nothing writes there from now on but the kernel, which must not.
            unsafe { libc::mprotect(base, room, libc::PROT_READ) };
        }
        Ok(Self { base, size, at, len: bytes.len(), there })
    }

    /// Writes the buffer.
    pub(crate) fn write(&self, file: i32) -> Result<i64, Errno> {
        // SAFETY: the kernel checks what it reads.
        result(unsafe { libc::write(file, self.at, self.len) })
    }

    /// Reads into the buffer.
    pub(crate) fn read(&self, file: i32) -> Result<i64, Errno> {
        // SAFETY: the kernel checks where it writes, and nothing else is between here and the end.
        result(unsafe { libc::read(file, self.at, self.len) })
    }

    /// Makes a request with the buffer as its struct.
    pub(crate) fn ioctl(&self, file: i32, code: u32) -> Result<i64, Errno> {
        // SAFETY: as above; the struct is as large as its code says, and behind it nothing can be accessed, or nothing is.
        let done = unsafe { libc::ioctl(file, code as _, self.at) };
        result(done as isize)
    }

    /// Returns the first bytes of the buffer, as far as they are there.
    pub(crate) fn bytes(&self, len: usize) -> Vec<u8> {
        let len = len.min(self.there);
        if len == 0 {
            return Vec::new();
        }
        // SAFETY: so many bytes are in the memory, and can be read.
        unsafe { std::slice::from_raw_parts(self.at.cast::<u8>(), len) }.to_vec()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the memory is this struct's own, and nothing points into it any more.
        unsafe { libc::munmap(self.base, self.size) };
    }
}

fn result(done: isize) -> Result<i64, Errno> {
    if done < 0 { Err(last_error()) } else { Ok(done as i64) }
}

fn last_error() -> Errno {
    let number = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    Errno(u16::try_from(number).unwrap_or(0))
}
