//! The functions of the next library, which ours wrap.
//!
//! The C library is glibc or musl, of any version. So what is not in all of them is looked up here by its name, and a
//! function that is missing fails as on an old kernel.
#![expect(unsafe_code, reason = "dlsym, and function pointers of what it finds")]

use core::ffi::CStr;
use core::sync::atomic::{AtomicPtr, Ordering};
use libc::{
    DIR, FILE, c_char, c_int, c_uint, c_ulong, c_void, iovec, mmsghdr, mode_t, msghdr, off_t,
    socklen_t, ssize_t,
};

/// A function of the next library. It is looked up when this library is loaded, or at its first call if that
/// is earlier.
pub(crate) struct Next {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
}

impl Next {
    pub(crate) const fn new(name: &'static CStr) -> Self {
        Self { name, address: AtomicPtr::new(core::ptr::null_mut()) }
    }

    /// Returns the address of the function; null if no library has it.
    #[inline]
    pub(crate) fn address(&self) -> *mut c_void {
        let address = self.address.load(Ordering::Relaxed);
        if address.is_null() { self.find() } else { address }
    }

    /// Looks the function up.
    ///
    /// musl since 1.2.4 has none of the names with `64`, and resolves them in programs to the names without. There they
    /// would find this library's functions of these names, which must go on to the same functions.
    #[cold]
    pub(crate) fn find(&self) -> *mut c_void {
        let mut address = look_up(self.name);
        if address.is_null() {
            let mut room = [0; LONGEST_NAME];
            if let Some(name) = without_64(self.name, &mut room) {
                address = look_up(name);
            }
        }
        self.address.store(address, Ordering::Relaxed);
        address
    }
}

/// Maximum length of a function's name whose plain form is looked up, with the zero byte.
const LONGEST_NAME: usize = 16;

unsafe extern "C" {
    // The version of the oldest glibc, which all newer ones have too, if `build.rs` has found where it is.
    #[cfg_attr(all(old_dlsym, target_arch = "x86_64"), link_name = "dlsym@GLIBC_2.2.5")]
    #[cfg_attr(all(old_dlsym, target_arch = "aarch64"), link_name = "dlsym@GLIBC_2.17")]
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// Returns the address of the next library's function of a name; null if there is none.
fn look_up(name: &CStr) -> *mut c_void {
    // SAFETY: the name is a C string.
    unsafe { dlsym(libc::RTLD_NEXT, name.as_ptr()) }
}

/// Writes a name without the `64` in it to `room`. Returns `None` if there is no `64` in it.
fn without_64<'a>(name: &CStr, room: &'a mut [u8; LONGEST_NAME]) -> Option<&'a CStr> {
    let bytes = name.to_bytes();
    let at = bytes.windows(2).position(|pair| pair == b"64")?;
    let plain = bytes.iter().take(at).chain(bytes.iter().skip(at + 2));
    for (place, byte) in room.iter_mut().take(LONGEST_NAME - 1).zip(plain) {
        *place = *byte;
    }
    CStr::from_bytes_until_nul(room).ok()
}

/// Has `in_child` called in every child of a fork.
///
/// `pthread_atfork` cannot be imported: glibc links it statically into each library, with a call of a function that musl
/// does not have.
pub(crate) fn call_after_fork(in_child: extern "C" fn()) {
    static GLIBCS: Next = Next::new(c"__register_atfork");
    static MUSLS: Next = Next::new(c"pthread_atfork");
    type Handler = Option<extern "C" fn()>;
    let library: *mut c_void = core::ptr::null_mut();
    let address = GLIBCS.find();
    if !address.is_null() {
        type Register = unsafe extern "C" fn(Handler, Handler, Handler, *mut c_void) -> c_int;
        // SAFETY: glibc's function of this name has this signature.
        let register = unsafe { core::mem::transmute::<*mut c_void, Register>(address) };
        // SAFETY: the handler lives as long as the program, since this library is never unloaded. So no library needs
        // to be named at whose end the handler goes.
        let _no_memory = unsafe { register(None, None, Some(in_child), library) };
        return;
    }
    let address = MUSLS.find();
    if !address.is_null() {
        type Register = unsafe extern "C" fn(Handler, Handler, Handler) -> c_int;
        // SAFETY: the C library's function of this name has this signature.
        let register = unsafe { core::mem::transmute::<*mut c_void, Register>(address) };
        // SAFETY: as above.
        let _no_memory = unsafe { register(None, None, Some(in_child)) };
    }
}

/// Declares `find_all`, and functions that call those of the same names in the next library. If no library
/// has a function, the result is the value after `else`, with `ENOSYS`.
macro_rules! next {
    ($(fn $name:ident($($argument:ident: $type:ty),* $(,)?) -> $result:ty, else $missing:expr;)*) => {
        $(
            #[inline]
            pub(crate) fn $name($($argument: $type),*) -> $result {
                let address = names::$name.address();
                if address.is_null() {
                    $crate::sys::set_errno(libc::ENOSYS);
                    return $missing;
                }
                type Function = unsafe extern "C" fn($($type),*) -> $result;
                // SAFETY: the C library's function of this name has this signature. One that is
                // variadic there takes its arguments in the same registers here.
                let function = unsafe { core::mem::transmute::<*mut c_void, Function>(address) };
                // SAFETY: the caller of ours has promised what this one asks for.
                unsafe { function($($argument),*) }
            }
        )*
        #[expect(non_upper_case_globals, reason = "named as what they hold")]
        mod names {
            use super::Next;
            $(pub(super) static $name: Next = Next::new(
                // The name with a zero behind it.
                match core::ffi::CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                    Ok(name) => name,
                    Err(_) => c"",
                },
            );)*
        }
        /// Looks all functions up, so that no later call has to.
        pub(crate) fn find_all() {
            $(names::$name.find();)*
        }
    };
}

type Bytes = *mut c_void;

next! {
    fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int, else -1;
    fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int, else -1;
    fn openat(at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int, else -1;
    fn openat64(at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int, else -1;
    fn __open_2(path: *const c_char, flags: c_int) -> c_int, else -1;
    fn __open64_2(path: *const c_char, flags: c_int) -> c_int, else -1;
    fn __openat_2(at: c_int, path: *const c_char, flags: c_int) -> c_int, else -1;
    fn __openat64_2(at: c_int, path: *const c_char, flags: c_int) -> c_int, else -1;
    fn creat(path: *const c_char, mode: mode_t) -> c_int, else -1;
    fn creat64(path: *const c_char, mode: mode_t) -> c_int, else -1;
    fn fopen(path: *const c_char, mode: *const c_char) -> *mut FILE, else core::ptr::null_mut();
    fn fopen64(path: *const c_char, mode: *const c_char) -> *mut FILE, else core::ptr::null_mut();
    fn read(fd: c_int, bytes: Bytes, len: usize) -> ssize_t, else -1;
    fn __read_chk(fd: c_int, bytes: Bytes, len: usize, room: usize) -> ssize_t, else -1;
    fn write(fd: c_int, bytes: *const c_void, len: usize) -> ssize_t, else -1;
    fn readv(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t, else -1;
    fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t, else -1;
    fn preadv2(fd: c_int, parts: *const iovec, count: c_int, offset: off_t, flags: c_int) -> ssize_t, else -1;
    fn preadv64v2(fd: c_int, parts: *const iovec, count: c_int, offset: off_t, flags: c_int) -> ssize_t, else -1;
    fn pwritev2(fd: c_int, parts: *const iovec, count: c_int, offset: off_t, flags: c_int) -> ssize_t, else -1;
    fn pwritev64v2(fd: c_int, parts: *const iovec, count: c_int, offset: off_t, flags: c_int) -> ssize_t, else -1;
    fn recv(fd: c_int, bytes: Bytes, len: usize, flags: c_int) -> ssize_t, else -1;
    fn __recv_chk(fd: c_int, bytes: Bytes, len: usize, room: usize, flags: c_int) -> ssize_t, else -1;
    fn recvfrom(fd: c_int, bytes: Bytes, len: usize, flags: c_int, from: Bytes, size: Bytes) -> ssize_t, else -1;
    fn __recvfrom_chk(fd: c_int, bytes: Bytes, len: usize, room: usize, flags: c_int, from: Bytes, size: Bytes) -> ssize_t, else -1;
    fn send(fd: c_int, bytes: *const c_void, len: usize, flags: c_int) -> ssize_t, else -1;
    fn sendto(fd: c_int, bytes: *const c_void, len: usize, flags: c_int, to: *const c_void, size: socklen_t) -> ssize_t, else -1;
    fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t, else -1;
    fn sendmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int, else -1;
    fn shutdown(fd: c_int, how: c_int) -> c_int, else -1;
    fn splice(from: c_int, from_at: *mut off_t, to: c_int, to_at: *mut off_t, len: usize, flags: c_uint) -> ssize_t, else -1;
    fn sendfile(to: c_int, from: c_int, at: *mut off_t, len: usize) -> ssize_t, else -1;
    fn sendfile64(to: c_int, from: c_int, at: *mut off_t, len: usize) -> ssize_t, else -1;
    fn ioctl(fd: c_int, request: c_ulong, argument: Bytes) -> c_int, else -1;
    fn fcntl(fd: c_int, command: c_int, argument: Bytes) -> c_int, else -1;
    fn fcntl64(fd: c_int, command: c_int, argument: Bytes) -> c_int, else -1;
    fn close(fd: c_int) -> c_int, else -1;
    fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int, else -1;
    fn dup(fd: c_int) -> c_int, else -1;
    fn dup2(from: c_int, to: c_int) -> c_int, else -1;
    fn dup3(from: c_int, to: c_int, flags: c_int) -> c_int, else -1;
    fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t, else -1;
    fn recvmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int, limit: Bytes) -> c_int, else -1;
    fn pidfd_getfd(process: c_int, fd: c_int, flags: c_uint) -> c_int, else -1;
    fn access(path: *const c_char, mode: c_int) -> c_int, else -1;
    fn eaccess(path: *const c_char, mode: c_int) -> c_int, else -1;
    fn euidaccess(path: *const c_char, mode: c_int) -> c_int, else -1;
    fn faccessat(at: c_int, path: *const c_char, mode: c_int, flags: c_int) -> c_int, else -1;
    fn stat(path: *const c_char, stat: *mut libc::stat) -> c_int, else -1;
    fn stat64(path: *const c_char, stat: *mut libc::stat) -> c_int, else -1;
    fn lstat(path: *const c_char, stat: *mut libc::stat) -> c_int, else -1;
    fn lstat64(path: *const c_char, stat: *mut libc::stat) -> c_int, else -1;
    fn fstatat(at: c_int, path: *const c_char, stat: *mut libc::stat, flags: c_int) -> c_int, else -1;
    fn fstatat64(at: c_int, path: *const c_char, stat: *mut libc::stat, flags: c_int) -> c_int, else -1;
    fn __xstat(version: c_int, path: *const c_char, stat: *mut libc::stat) -> c_int, else -1;
    fn __xstat64(version: c_int, path: *const c_char, stat: *mut libc::stat) -> c_int, else -1;
    fn __lxstat(version: c_int, path: *const c_char, stat: *mut libc::stat) -> c_int, else -1;
    fn __lxstat64(version: c_int, path: *const c_char, stat: *mut libc::stat) -> c_int, else -1;
    fn __fxstatat(version: c_int, at: c_int, path: *const c_char, stat: *mut libc::stat, flags: c_int) -> c_int, else -1;
    fn __fxstatat64(version: c_int, at: c_int, path: *const c_char, stat: *mut libc::stat, flags: c_int) -> c_int, else -1;
    fn statx(at: c_int, path: *const c_char, flags: c_int, mask: c_uint, stat: *mut libc::statx) -> c_int, else -1;
    fn opendir(path: *const c_char) -> *mut DIR, else core::ptr::null_mut();
    fn scandir(path: *const c_char, names: Bytes, filter: Bytes, order: Bytes) -> c_int, else -1;
    fn scandir64(path: *const c_char, names: Bytes, filter: Bytes, order: Bytes) -> c_int, else -1;
    fn chdir(path: *const c_char) -> c_int, else -1;
    fn _pthread_cleanup_push(buffer: *mut Cleanup, routine: extern "C" fn(Bytes), argument: Bytes) -> c_int, else -1;
    fn _pthread_cleanup_pop(buffer: *mut Cleanup, execute: c_int) -> c_int, else -1;
}

/// Memory for the C library's record of a cleanup handler: four words in glibc, three in musl.
#[repr(C)]
pub(crate) struct Cleanup([usize; 4]);

impl Cleanup {
    pub(crate) const fn new() -> Self {
        Self([0; 4])
    }
}
