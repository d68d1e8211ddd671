//! Direct system calls. The C library's functions of these names are ours, or may be another library's. All
//! of these calls can be made in a signal handler and after a fork.
#![expect(unsafe_code, reason = "system calls take pointers")]

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use libc::{c_int, c_long};

/// The result of a system call, or its error number.
pub(crate) type Outcome<T = usize> = Result<T, c_int>;

/// Returns the calling thread's `errno`.
pub(crate) fn errno() -> c_int {
    // SAFETY: the C library gives the address of an int of this thread.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: the int lives as long as the thread.
    unsafe { place.read() }
}

/// Sets the calling thread's `errno`.
pub(crate) fn set_errno(value: c_int) {
    // SAFETY: the C library gives the address of an int of this thread.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: the int lives as long as the thread.
    unsafe { place.write(value) }
}

/// Returns a number that no other living thread of the process has.
pub(crate) fn thread_mark() -> usize {
    // SAFETY: the C library gives the address of an int of this thread.
    unsafe { libc::__errno_location() }.addr()
}

/// Restores `errno` when it goes out of scope.
pub(crate) struct KeepErrno(c_int);

impl KeepErrno {
    pub(crate) fn new() -> Self {
        Self(errno())
    }
}

impl Drop for KeepErrno {
    fn drop(&mut self) {
        set_errno(self.0);
    }
}

fn outcome(value: c_long) -> Outcome {
    usize::try_from(value).map_err(|_| errno())
}

/// Converts a number that fits, as all descriptors and process IDs do.
fn int(value: usize) -> c_int {
    c_int::try_from(value).unwrap_or(c_int::MAX)
}

/// Writes the address of the other end of a socket to `name`, and returns its length.
pub(crate) fn peer_name(fd: c_int, name: &mut libc::sockaddr_un) -> Outcome {
    let mut len = libc::socklen_t::try_from(size_of::<libc::sockaddr_un>()).unwrap_or(0);
    let name = core::ptr::from_mut(name);
    // SAFETY: both pointers are to live variables of the sizes that the call is told.
    let called = unsafe { libc::syscall(libc::SYS_getpeername, fd, name, &raw mut len) };
    outcome(called).map(|_| len as usize)
}

/// The process and user at the other end of a socket, as this process sees them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) process: c_int,
    pub(crate) user: u32,
}

/// Returns the process and user that were at the other end when the socket was connected.
pub(crate) fn peer(fd: c_int) -> Outcome<Peer> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    option(fd, libc::SO_PEERCRED, &mut credentials)?;
    Ok(Peer { process: credentials.pid, user: credentials.uid })
}

/// Returns a timeout of a socket, in seconds.
pub(crate) fn timeout(fd: c_int, name: c_int) -> Outcome<u64> {
    let mut time = libc::timeval { tv_sec: 0, tv_usec: 0 };
    option(fd, name, &mut time)?;
    u64::try_from(time.tv_sec).map_err(|_| libc::EIO)
}

/// Gets an option of a socket, whose value has the size of `T`.
fn option<T>(fd: c_int, name: c_int, value: &mut T) -> Outcome {
    let mut len = libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0);
    let (level, place) = (libc::SOL_SOCKET, core::ptr::from_mut(value));
    // SAFETY: the pointers are to live variables; the first has the size that the call is told.
    let called =
        unsafe { libc::syscall(libc::SYS_getsockopt, fd, level, name, place, &raw mut len) };
    outcome(called)
}

/// Returns the inode of an open file.
pub(crate) fn inode(fd: c_int) -> Outcome<u64> {
    let mut stat = core::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the pointer is to a `struct stat`, which is the kernel's on 64-bit machines.
    let called = unsafe { libc::syscall(libc::SYS_fstat, fd, stat.as_mut_ptr()) };
    outcome(called)?;
    // SAFETY: the call has succeeded and filled it.
    Ok(unsafe { stat.assume_init() }.st_ino)
}

/// Closes a descriptor.
pub(crate) fn close(fd: c_int) -> Outcome {
    // SAFETY: the descriptor is one of this library's own.
    outcome(unsafe { libc::syscall(libc::SYS_close, fd) })
}

/// Calls `fcntl` with a number as its argument.
pub(crate) fn control(fd: c_int, command: c_int, argument: c_int) -> Outcome<c_int> {
    // SAFETY: the commands used here take a number.
    outcome(unsafe { libc::syscall(libc::SYS_fcntl, fd, command, argument) }).map(int)
}

/// Makes a socket for whole messages, which exec closes.
pub(crate) fn socket() -> Outcome<c_int> {
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: takes numbers.
    outcome(unsafe { libc::syscall(libc::SYS_socket, libc::AF_UNIX, kind, 0) }).map(int)
}

/// Connects a socket.
pub(crate) fn connect(fd: c_int, address: &libc::sockaddr_un, len: u32) -> Outcome {
    let address = core::ptr::from_ref(address);
    // SAFETY: the pointer is to an address of at least `len` bytes.
    outcome(unsafe { libc::syscall(libc::SYS_connect, fd, address, len) })
}

/// Sends a message. Its parts may be the program's memory: `EFAULT` if they are not mapped.
pub(crate) fn send_message(fd: c_int, message: &libc::msghdr) -> Outcome {
    let message = core::ptr::from_ref(message);
    // SAFETY: the header is live and names live parts; the kernel checks a program's.
    outcome(unsafe { libc::syscall(libc::SYS_sendmsg, fd, message, libc::MSG_NOSIGNAL) })
}

/// Receives a message, as [`send_message`] sends one.
pub(crate) fn receive_message(fd: c_int, message: &mut libc::msghdr, flags: c_int) -> Outcome {
    let message = core::ptr::from_mut(message);
    // SAFETY: the header is live and names live parts; the kernel checks a program's.
    outcome(unsafe { libc::syscall(libc::SYS_recvmsg, fd, message, flags) })
}

/// Takes waiting bytes out of a socket, without blocking.
pub(crate) fn take(fd: c_int, bytes: &mut [u8]) -> Outcome {
    let none = core::ptr::null_mut::<libc::c_void>();
    let (place, len) = (bytes.as_mut_ptr(), bytes.len());
    let flags = libc::MSG_DONTWAIT;
    // SAFETY: the pointer and the length are those of a slice.
    outcome(unsafe { libc::syscall(libc::SYS_recvfrom, fd, place, len, flags, none, none) })
}

/// Puts bytes into a socket, without blocking.
pub(crate) fn put(fd: c_int, bytes: &[u8]) -> Outcome {
    let none = core::ptr::null_mut::<libc::c_void>();
    let (place, len) = (bytes.as_ptr(), bytes.len());
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the pointer and the length are those of a slice.
    outcome(unsafe { libc::syscall(libc::SYS_sendto, fd, place, len, flags, none, 0) })
}

/// Returns the ID of the calling process.
pub(crate) fn process() -> c_int {
    // SAFETY: takes nothing.
    outcome(unsafe { libc::syscall(libc::SYS_getpid) }).map_or(0, int)
}

/// Returns the ID of the calling thread.
pub(crate) fn thread() -> c_int {
    // SAFETY: takes nothing.
    outcome(unsafe { libc::syscall(libc::SYS_gettid) }).map_or(0, int)
}

/// Returns whether there is memory at an address.
pub(crate) fn is_mapped(address: usize) -> bool {
    let page = address & !(PAGE - 1);
    let mut resident = 0_u8;
    // SAFETY: asks about a page; the answer is one byte.
    outcome(unsafe { libc::syscall(libc::SYS_mincore, page, PAGE, &raw mut resident) }).is_ok()
}

/// Returns how many bytes can be read from an address on, at most `len`. The library does not read them: it
/// asks the kernel to, page by page.
pub(crate) fn readable(address: *const u8, len: usize) -> usize {
    until_edge(address.addr(), len, |page| {
        let (none, add) = (-1, libc::EPOLL_CTL_ADD);
        let event = core::ptr::without_provenance::<libc::epoll_event>(page);
        // SAFETY: the kernel copies the struct from the address, if it can, and finds no such epoll.
        let called = unsafe { libc::syscall(libc::SYS_epoll_ctl, none, add, none, event) };
        outcome(called) != Err(libc::EFAULT)
    })
}

/// Returns how many bytes can be written from an address on, at most `len`. No byte changes: the kernel sets
/// no bit in a word of each page.
///
/// Programs read into the same buffers again and again. Of a buffer that was good before, only the first
/// page is checked, since memory is usually unmapped as a whole.
pub(crate) fn writable(address: *mut u8, len: usize) -> usize {
    /// Buffers that were good: the number of the first page, and how many pages they have.
    static GOOD: [AtomicUsize; 8] = [const { AtomicUsize::new(0) }; 8];
    const COUNT: usize = 16;
    let first = address.addr() / PAGE;
    let count = (address.addr() % PAGE + len).div_ceil(PAGE);
    let place = GOOD.get(first % GOOD.len()).filter(|_| (2..COUNT).contains(&count));
    let known = place.is_some_and(|place| {
        let good = place.load(Ordering::Relaxed);
        good / COUNT == first && good % COUNT >= count
    });
    let looked_at = if known { len.min(1) } else { len };
    let found = until_edge(address.addr(), looked_at, |page| {
        static NOBODY_WAITS: AtomicU32 = AtomicU32::new(0);
        let here = NOBODY_WAITS.as_ptr();
        let word = core::ptr::without_provenance_mut::<u32>(page);
        let command = libc::FUTEX_WAKE_OP | libc::FUTEX_PRIVATE_FLAG;
        let add_no_bit = libc::FUTEX_OP_OR << 28;
        // SAFETY: wakes nobody; the kernel does the operation on the word, if it can, in one step.
        let called =
            unsafe { libc::syscall(libc::SYS_futex, here, command, 0, 0_usize, word, add_no_bit) };
        outcome(called) != Err(libc::EFAULT)
    });
    if found < looked_at {
        if let Some(place) = place {
            place.store(0, Ordering::Relaxed);
        }
        // The buffer is no longer known to be good in any page.
        return if known { 0 } else { found };
    }
    if let Some(place) = place {
        place.store(first * COUNT + count, Ordering::Relaxed);
    }
    len
}

/// Asks `is_there` about each page of a piece of memory, until one is not there.
fn until_edge(address: usize, len: usize, is_there: impl Fn(usize) -> bool) -> usize {
    let mut done = 0;
    let quiet = Quiet::new();
    while done < len {
        let Some(at) = address.checked_add(done) else { break };
        // A page is there as a whole or not at all.
        if !is_there(at & !(PAGE - 1)) {
            break;
        }
        done += PAGE - at % PAGE;
    }
    drop(quiet);
    done.min(len)
}

/// Stops Valgrind's reports until it is dropped. Whether a program has initialised its memory does not matter
/// when the kernel is only asked whether the memory is mapped. Without Valgrind this does nothing.
struct Quiet;

impl Quiet {
    fn new() -> Self {
        change_error_disablement(1);
        Self
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        change_error_disablement(-1);
    }
}

/// Makes Valgrind's client request of this name, in the form that its manual gives. To a processor this is a
/// few rotations that cancel each other out.
#[cfg(target_arch = "x86_64")]
fn change_error_disablement(by: i64) {
    const REQUEST: i64 = 0x1801;
    let words = [REQUEST, by, 0, 0, 0, 0];
    // SAFETY: changes no register but the one that is said, and reads the six words.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") words.as_ptr(),
            inout("rdx") 0_i64 => _,
            options(nostack),
        );
    }
}

#[cfg(not(target_arch = "x86_64"))]
const fn change_error_disablement(_by: i64) {}

/// Copies bytes of a program, and returns whether they are mapped.
pub(crate) fn copy(from: *const u8, to: &mut [u8]) -> bool {
    let there = readable(from, to.len()) == to.len();
    if there {
        // SAFETY: the kernel has just read from all of these pages; the slice is the caller's own.
        unsafe { core::ptr::copy_nonoverlapping(from, to.as_mut_ptr(), to.len()) };
    }
    there
}

/// Copies bytes to a program, and returns whether the memory for them is there. If not, nothing is copied.
pub(crate) fn copy_out(from: &[u8], to: *mut u8) -> bool {
    let there = writable(to, from.len()) == from.len();
    if there {
        // SAFETY: the kernel has just written to all of these pages; the slice is the caller's own.
        unsafe { core::ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) };
    }
    there
}

/// Returns whether an address range is outside of what a program can map. The kernel refuses such a range
/// before it looks at any byte.
pub(crate) fn is_kernel_memory(address: usize, len: usize) -> bool {
    const TOP: u32 = if cfg!(target_arch = "x86_64") { 47 } else { 63 };
    address.checked_add(len).is_none_or(|end| (address | end.saturating_sub(1)) >> TOP != 0)
}

/// Returns the string at an address, if it can be read and is not longer than a path may be.
pub(crate) fn string<'a>(address: *const u8) -> Option<&'a [u8]> {
    const LONGEST: usize = 4096;
    let mut len = 0;
    loop {
        let here = address.wrapping_add(len);
        let page = PAGE - here.addr() % PAGE;
        if readable(here, page) < page {
            return None;
        }
        // SAFETY: the kernel has just read from this page.
        let bytes = unsafe { core::slice::from_raw_parts(here, page) };
        if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
            len += end;
            // SAFETY: all of the pages up to here were readable.
            return Some(unsafe { core::slice::from_raw_parts(address, len) });
        }
        len += page;
        if len > LONGEST {
            return None;
        }
    }
}

/// Returns whether there is something at a path.
pub(crate) fn exists(path: &core::ffi::CStr) -> bool {
    let at = libc::AT_FDCWD;
    // SAFETY: the path is a C string.
    outcome(unsafe { libc::syscall(libc::SYS_faccessat, at, path.as_ptr(), libc::F_OK) }).is_ok()
}

/// Returns whether a descriptor is readable, after waiting for that if `wait` is set.
pub(crate) fn wait_readable(fd: c_int, wait: bool) -> Outcome<bool> {
    let mut waited = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let limit = if wait { core::ptr::null() } else { &raw const at_once };
    let none = core::ptr::null::<u8>();
    // SAFETY: the pointers are to live variables, or null.
    let called = unsafe {
        libc::syscall(libc::SYS_ppoll, &raw mut waited, 1, limit, none, size_of::<u64>())
    };
    outcome(called).map(|ready| ready > 0)
}

/// The smallest unit in which the kernel maps memory, in bytes.
pub(crate) const PAGE: usize = 4096;

/// Returns whether this thread runs on its alternate signal stack.
pub(crate) fn on_signal_stack() -> bool {
    let mut stack = core::mem::MaybeUninit::<libc::stack_t>::uninit();
    let none = core::ptr::null::<libc::stack_t>();
    // SAFETY: changes nothing and fills the struct.
    let called = unsafe { libc::syscall(libc::SYS_sigaltstack, none, stack.as_mut_ptr()) };
    if outcome(called).is_err() {
        return false;
    }
    // SAFETY: the call has succeeded and filled it.
    unsafe { stack.assume_init() }.ss_flags & libc::SS_ONSTACK != 0
}

/// Reads a symbolic link into `text`, and returns the length.
pub(crate) fn link(path: &core::ffi::CStr, text: &mut [u8]) -> Outcome {
    let (place, len) = (text.as_mut_ptr(), text.len());
    // SAFETY: the pointer and the length are those of a slice.
    let called =
        unsafe { libc::syscall(libc::SYS_readlinkat, libc::AT_FDCWD, path.as_ptr(), place, len) };
    outcome(called)
}

/// Makes a file in memory, which exec closes.
pub(crate) fn memory_file(name: &core::ffi::CStr) -> Outcome<c_int> {
    // SAFETY: the name is a C string.
    let called = unsafe { libc::syscall(libc::SYS_memfd_create, name.as_ptr(), libc::MFD_CLOEXEC) };
    outcome(called).map(int)
}

/// Opens a file by its path.
pub(crate) fn open(path: &core::ffi::CStr, flags: c_int) -> Outcome<c_int> {
    let at = libc::AT_FDCWD;
    // SAFETY: the path is a C string.
    outcome(unsafe { libc::syscall(libc::SYS_openat, at, path.as_ptr(), flags, 0) }).map(int)
}

/// Writes to a file of this library's own.
pub(crate) fn write(fd: c_int, bytes: &[u8]) -> Outcome {
    // SAFETY: the pointer and the length are those of a slice.
    outcome(unsafe { libc::syscall(libc::SYS_write, fd, bytes.as_ptr(), bytes.len()) })
}

/// Makes a page empty in every child.
pub(crate) fn wipe_on_fork(page: usize) -> bool {
    // SAFETY: changes what a fork does with this page, which is the library's own.
    outcome(unsafe { libc::syscall(libc::SYS_madvise, page, PAGE, libc::MADV_WIPEONFORK) }).is_ok()
}

/// Ends the process.
#[cfg(panic = "abort")]
pub(crate) fn abort() -> ! {
    // SAFETY: ends the process.
    unsafe { libc::abort() }
}
