//! The system calls for which there is no safe wrapper.
#![expect(unsafe_code, reason = "raw ioctl, signals, unshare: what programs under test do")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Once;

fn result(value: libc::c_int) -> io::Result<i32> {
    if value < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

/// An ioctl whose argument is a buffer, at least as large as the code says.
pub(crate) fn ioctl(file: &File, code: u32, buffer: &mut [u8]) -> io::Result<i32> {
    assert!(buffer.len() >= (code >> 16 & 0x3fff) as usize);
    // SAFETY: the codes used here move at most `_IOC_SIZE` bytes, and the buffer has as many.
    result(unsafe { libc::ioctl(file.as_raw_fd(), code.into(), buffer.as_mut_ptr()) })
}

/// An ioctl whose argument is an integer.
pub(crate) fn ioctl_value(file: &File, code: u32, value: u64) -> io::Result<i32> {
    assert_eq!(code >> 30, 0, "moves no memory");
    // SAFETY: a code without a direction does not touch memory.
    result(unsafe { libc::ioctl(file.as_raw_fd(), code.into(), value) })
}

/// Gives this thread, and all that it starts, mounts of its own.
pub(crate) fn unshare_mounts() -> io::Result<()> {
    // SAFETY: changes the namespace of this thread only; no memory is involved.
    result(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    let flags =
        rustix::mount::MountPropagationFlags::PRIVATE | rustix::mount::MountPropagationFlags::REC;
    Ok(rustix::mount::mount_change("/", flags)?)
}

pub(crate) fn thread_id() -> libc::pid_t {
    rustix::thread::gettid().as_raw_nonzero().get()
}

extern "C" fn ignore_signal(_: libc::c_int) {}

/// Sends SIGUSR1 (handled, without SA_RESTART) or SIGUSR2 (handled, with it) to a thread.
pub(crate) fn signal_thread(thread: libc::pid_t, restart: bool) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        for (signal, flags) in [(libc::SIGUSR1, 0), (libc::SIGUSR2, libc::SA_RESTART)] {
            // SAFETY: all-zero is a valid sigaction.
            let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
            action.sa_sigaction = ignore_signal as extern "C" fn(libc::c_int) as usize;
            action.sa_flags = flags;
            // SAFETY: the handler does nothing, so it is safe in any context.
            result(unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) })
                .unwrap();
        }
    });
    let signal = if restart { libc::SIGUSR2 } else { libc::SIGUSR1 };
    let process = libc::pid_t::try_from(std::process::id()).unwrap();
    // SAFETY: tgkill touches no memory; the thread id belongs to this process or does not exist.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, process, thread, signal) };
    assert_eq!(sent, 0, "{}", io::Error::last_os_error());
}

/// `mmap` of one page for reading; `Ok` is the first byte.
pub(crate) fn map(file: &File, flags: libc::c_int) -> io::Result<u8> {
    // SAFETY: a new mapping at an address that the kernel chooses.
    let page = unsafe {
        libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ, flags, file.as_raw_fd(), 0)
    };
    if page == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the page is mapped and readable; the file is larger than a page.
    let byte = unsafe { page.cast::<u8>().read_volatile() };
    // SAFETY: nothing refers to the page.
    result(unsafe { libc::munmap(page, 4096) })?;
    Ok(byte)
}
