//! Finds the functions of the next library that our exports replace.

#![expect(unsafe_code, reason = "dlsym, and function pointers of what it finds")]

use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A function of the next library, which is looked up at its first use.
pub(crate) struct Next {
    name: &'static CStr,
    address: AtomicUsize,
}

impl Next {
    pub(crate) const fn new(name: &'static CStr) -> Self {
        Self { name, address: AtomicUsize::new(0) }
    }

    /// Returns the address of the function, or 0 if no library has it.
    pub(crate) fn address(&self) -> usize {
        match self.address.load(Ordering::Relaxed) {
            0 => self.find(),
            address => address,
        }
    }

    #[cold]
    fn find(&self) -> usize {
        // SAFETY: the name is a C string that lives as long as the program.
        let found = || unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        let address = lockdep::raw::unchecked(found).addr();
        self.address.store(address, Ordering::Relaxed);
        address
    }
}

/// Declares a function that calls the next library's function of the same name.
macro_rules! next {
    ($($(#[$doc:meta])* fn $name:ident = $symbol:literal ($($argument:ident: $type:ty),*);)*) => { $(
        $(#[$doc])*
        pub(crate) fn $name($($argument: $type),*) -> libc::c_int {
            static NEXT: $crate::next::Next = $crate::next::Next::new($symbol);
            let address = NEXT.address();
            if address == 0 {
                return libc::ENOSYS;
            }
            let pointer = std::ptr::with_exposed_provenance::<()>(address);
            type Function = unsafe extern "C" fn($($type),*) -> libc::c_int;
            // SAFETY: the C library's function of this name has this signature.
            let function = unsafe { std::mem::transmute::<*const (), Function>(pointer) };
            // SAFETY: the caller of ours has promised what this one asks for.
            unsafe { function($($argument),*) }
        }
    )* };
}
pub(crate) use next;
