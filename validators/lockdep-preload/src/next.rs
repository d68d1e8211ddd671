//! Finds the functions of the next library that our exports replace.

#![expect(unsafe_code, reason = "dlsym, and function pointers of what it finds")]

use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lockdep::raw;

/// A function of the next library.
#[repr(C)]
pub(crate) struct Next {
    name: Name,
    pub(crate) address: AtomicUsize,
    /// Says what a call does. It may change the arguments.
    pub(crate) judge: Judge,
    /// What this library exports under the name, if libraries may have the function too that are loaded late.
    pub(crate) export: Option<unsafe extern "C" fn()>,
}

/// Says what a call with these arguments does.
pub(crate) type Judge = fn(&mut Arguments) -> Verdict;

/// What a call does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It neither waits nor takes long.
    Passes,
    /// It may wait for something that takes long, such as a disk.
    Blocks,
    /// It waits for an event or a time.
    Waits,
    /// It sleeps for a time that begins now.
    Sleeps,
}

/// The registers of a call, as the exports save them.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Arguments {
    rax: usize,
    pub(crate) sixth: usize,
    pub(crate) fifth: usize,
    pub(crate) fourth: usize,
    pub(crate) third: usize,
    pub(crate) second: usize,
    pub(crate) first: usize,
    /// The return address.
    pub(crate) caller: usize,
}

/// Returns the low half of a register, which holds an `int`.
pub(crate) fn int(register: usize) -> libc::c_int {
    #[expect(clippy::cast_possible_truncation, reason = "the other half has no meaning")]
    let low = register as u32;
    low.cast_signed()
}

/// The C string with the name of a function.
#[repr(transparent)]
struct Name(*const c_char);

// SAFETY: the string is a constant.
unsafe impl Sync for Name {}

impl Next {
    pub(crate) const fn new(name: &'static CStr, judge: Judge) -> Self {
        Self { name: Name(name.as_ptr()), address: AtomicUsize::new(0), judge, export: None }
    }

    /// Adds what this library exports under the name.
    pub(crate) const fn exported_as(self, export: unsafe extern "C" fn()) -> Self {
        Self { export: Some(export), ..self }
    }

    /// Returns the name of the function.
    pub(crate) fn name(&self) -> &'static str {
        // SAFETY: it is the C string that `new` was given.
        let name: &'static CStr = unsafe { CStr::from_ptr(self.name.0) };
        name.to_str().unwrap_or_default()
    }

    /// Returns the address of the function, or 0 if no library has it.
    #[inline]
    pub(crate) fn address(&self) -> usize {
        match self.address.load(Ordering::Relaxed) {
            0 => self.find(),
            address => address,
        }
    }

    /// Looks the function up. After the start only functions of libraries come here that are loaded late.
    #[cold]
    fn find(&self) -> usize {
        let address = raw::unchecked(|| look_up(self.name.0));
        if address == 0 {
            return missing as *const () as usize;
        }
        self.address.store(address, Ordering::Relaxed);
        address
    }
}

/// Libraries whose functions this library exports, besides the C library. A program may load one of them without
/// showing it to others.
const LIBRARIES: [&CStr; 7] = [
    c"libjack.so.0",
    c"libpipewire-0.3.so.0",
    c"libportaudio.so.2",
    c"libasound.so.2",
    c"libSDL2-2.0.so.0",
    c"libdbus-1.so.3",
    c"libsystemd.so.0",
];

/// Returns the address of a function after this library, or 0.
fn look_up(name: *const c_char) -> usize {
    // SAFETY: the name is a C string that lives as long as the program.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name) }.addr();
    if found != 0 || !IS_STARTED.load(Ordering::Relaxed) {
        return found;
    }
    LIBRARIES
        .iter()
        .find_map(|library| {
            // SAFETY: the name is a C string, and a library that is not loaded is not loaded by this.
            let handle =
                unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
            if handle.is_null() {
                return None;
            }
            // SAFETY: the handle is open, and the name a C string.
            let found = unsafe { libc::dlsym(handle, name) }.addr();
            (found != 0).then_some(found)
        })
        .unwrap_or_default()
}

/// Whether the functions of the C library were found.
static IS_STARTED: AtomicBool = AtomicBool::new(false);

/// Stands for a function that no library has. A program that calls it has found it where this library has exported it
/// for nothing.
extern "C" fn missing() -> libc::c_long {
    // SAFETY: there is nothing to promise.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: the C library's pointer to this thread's errno is valid as long as the thread.
    unsafe { errno.write(libc::ENOSYS) };
    -1
}

#[expect(improper_ctypes, reason = "no other language sees them")]
unsafe extern "C" {
    // The linker puts these names at the ends of a section of this name.
    static __start_lockdep_next: Next;
    static __stop_lockdep_next: Next;
}

/// Looks all functions up, while there is one thread. A look-up takes the lock of the dynamic loader, and later another
/// thread may hold that lock in `dlopen` or `dlclose` and wait for this one.
pub(crate) fn find_all() {
    for next in all() {
        next.address();
    }
    IS_STARTED.store(true, Ordering::Relaxed);
}

pub(crate) fn all() -> &'static [Next] {
    let start = &raw const __start_lockdep_next;
    let end = &raw const __stop_lockdep_next;
    let count = (end.addr() - start.addr()) / size_of::<Next>();
    // SAFETY: everything in the section is a `Next`.
    unsafe { std::slice::from_raw_parts(start, count) }
}

unsafe extern "C" {
    fn dlvsym(handle: *mut c_void, name: *const c_char, version: *const c_char) -> *mut c_void;
}

/// The C library's `dlsym`.
static DLSYM: AtomicUsize = AtomicUsize::new(0);

/// Returns the address of the C library's `dlsym`.
pub(crate) fn find_dlsym() -> usize {
    let known = DLSYM.load(Ordering::Relaxed);
    if known != 0 {
        return known;
    }
    // Since glibc 2.34 it is in the C library itself.
    let versions = [c"GLIBC_2.34", c"GLIBC_2.2.5"];
    let found = versions.iter().find_map(|version| {
        // SAFETY: name and version are C strings.
        let found = unsafe { dlvsym(libc::RTLD_NEXT, c"dlsym".as_ptr(), version.as_ptr()) };
        (!found.is_null()).then_some(found.addr())
    });
    let found = found.unwrap_or(missing as *const () as usize);
    DLSYM.store(found, Ordering::Relaxed);
    found
}

/// Returns the address that a name has for the whole program, or 0. It leaves no message for `dlerror`.
pub(crate) fn global(name: *const c_char) -> usize {
    let found = real(libc::RTLD_DEFAULT, name);
    if found == 0 {
        // SAFETY: nobody keeps the message.
        unsafe { libc::dlerror() };
    }
    found
}

/// Calls the C library's `dlsym`.
pub(crate) fn real(handle: *mut c_void, name: *const c_char) -> usize {
    let pointer = std::ptr::with_exposed_provenance::<()>(find_dlsym());
    type Find = unsafe extern "C" fn(*mut c_void, *const c_char) -> usize;
    // SAFETY: this is the C library's `dlsym`.
    let find = unsafe { std::mem::transmute::<*const (), Find>(pointer) };
    // SAFETY: the caller has promised a handle and a name.
    unsafe { find(handle, name) }
}

/// Declares a function that calls the next library's function of the same name. `extern "C-unwind"` before it says that
/// the thread may be cancelled there.
macro_rules! next {
    ($($(#[$doc:meta])* fn $name:ident = $symbol:literal ($($argument:ident: $type:ty),*);)*) => {
        $crate::next::next! { $($(#[$doc])* extern "C" fn $name = $symbol ($($argument: $type),*);)* }
    };
    ($($(#[$doc:meta])* extern $abi:literal fn $name:ident = $symbol:literal ($($argument:ident: $type:ty),*);)*) => { $(
        $(#[$doc])*
        pub(crate) fn $name($($argument: $type),*) -> libc::c_int {
            #[unsafe(link_section = "lockdep_next")]
            static NEXT: $crate::next::Next = $crate::next::Next::new($symbol, |_| $crate::next::Verdict::Blocks);
            let address = NEXT.address();
            let pointer = std::ptr::with_exposed_provenance::<()>(address);
            type Function = unsafe extern $abi fn($($type),*) -> libc::c_int;
            // SAFETY: the C library's function of this name has this signature.
            let function = unsafe { std::mem::transmute::<*const (), Function>(pointer) };
            // SAFETY: the caller of ours has promised what this one asks for.
            unsafe { function($($argument),*) }
        }
    )* };
}
pub(crate) use next;
