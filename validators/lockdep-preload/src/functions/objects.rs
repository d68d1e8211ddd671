//! The files that the dynamic linker has loaded, and the slots that it has filled (`elf(5)`, and the ABI of x86-64).

use std::ffi::{CStr, c_int, c_void};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Kinds of relocations whose slot has the address of a function.
const R_X86_64_64: u64 = 1;
const R_X86_64_GLOB_DAT: u64 = 6;
const R_X86_64_JUMP_SLOT: u64 = 7;
const R_X86_64_RELATIVE: u64 = 8;

/// Entries of the dynamic section.
const DT_PLTRELSZ: usize = 2;
const DT_STRTAB: usize = 5;
const DT_SYMTAB: usize = 6;
const DT_RELA: usize = 7;
const DT_RELASZ: usize = 8;
const DT_RPATH: usize = 15;
const DT_JMPREL: usize = 23;
const DT_RUNPATH: usize = 29;
const DT_RELRSZ: usize = 35;
const DT_RELR: usize = 36;
/// Number of kinds that are remembered.
const KINDS: usize = 37;

/// Size of a page in bytes, and of a word.
const PAGE: usize = 4096;
const WORD: usize = size_of::<usize>();

/// A file that is loaded.
pub(crate) struct Object {
    /// What is added to the addresses in the file.
    pub(super) base: usize,
    pub(super) path: String,
    pub(super) memory: Range<usize>,
    pub(super) has_search_path: bool,
    /// What the dynamic linker has made read-only after it had filled the slots there.
    sealed: Range<usize>,
    /// The values of the dynamic section, by kind.
    dynamic: [usize; KINDS],
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        (self.base, &self.path, &self.memory) == (other.base, &other.path, &other.memory)
    }
}

/// A place with an address.
pub(super) struct Slot<'a> {
    at: &'a AtomicUsize,
    kind: u64,
    /// The function that a call through the slot is for.
    pub(super) name: Option<&'a CStr>,
}

impl Slot<'_> {
    pub(super) fn value(&self) -> usize {
        self.at.load(Ordering::Relaxed)
    }

    pub(super) fn is_call(&self) -> bool {
        self.kind == R_X86_64_JUMP_SLOT
    }
}

/// An entry of a table of relocations.
#[repr(C)]
struct Rela {
    offset: usize,
    info: u64,
    addend: i64,
}

/// Returns the files that are loaded, without the dynamic linker and what the kernel provides.
pub(super) fn all() -> Vec<Object> {
    extern "C" fn one(info: *mut libc::dl_phdr_info, _size: usize, all: *mut c_void) -> c_int {
        // SAFETY: the argument is the list of `all`, which waits for this.
        let all = unsafe { &mut *all.cast::<Vec<Object>>() };
        // SAFETY: the dynamic linker passes what it knows about a file.
        let object = Object::new(unsafe { &*info }, all.is_empty());
        all.extend(object);
        0
    }
    let mut all: Vec<Object> = Vec::new();
    // SAFETY: the function gets the list that is passed here.
    unsafe { libc::dl_iterate_phdr(Some(one), (&raw mut all).cast()) };
    all
}

impl Object {
    fn new(info: &libc::dl_phdr_info, is_first: bool) -> Option<Self> {
        let base = usize::try_from(info.dlpi_addr).ok()?;
        // SAFETY: the dynamic linker passes a C string.
        let path = unsafe { CStr::from_ptr(info.dlpi_name) }.to_string_lossy().into_owned();
        let path = if is_first { "/proc/self/exe".to_owned() } else { path };
        // The dynamic linker calls nothing but the C library, and what the kernel provides is no file.
        let is_linker = path.rsplit('/').next().is_some_and(|name| name.starts_with("ld-linux"));
        if is_linker || !path.contains('/') {
            return None;
        }
        // SAFETY: the headers are in memory as long as the file is.
        let headers =
            unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        let of = |header: &libc::Elf64_Phdr| {
            let start = base.wrapping_add(usize::try_from(header.p_vaddr).unwrap_or_default());
            start..start.wrapping_add(usize::try_from(header.p_memsz).unwrap_or_default())
        };
        let parts = || headers.iter().filter(|header| header.p_type == libc::PT_LOAD).map(of);
        let start = parts().map(|part| part.start).min()?;
        let memory = start..parts().map(|part| part.end).max()?;
        let dynamic = headers.iter().find(|header| header.p_type == libc::PT_DYNAMIC).map(of)?;
        let sealed = headers.iter().find(|header| header.p_type == libc::PT_GNU_RELRO).map(of);
        let mut object = Self {
            base,
            path,
            memory,
            has_search_path: false,
            sealed: sealed.unwrap_or_default(),
            dynamic: [0; KINDS],
        };
        let entries = std::ptr::with_exposed_provenance::<[usize; 2]>(dynamic.start);
        for index in 0..dynamic.len() / size_of::<[usize; 2]>() {
            // SAFETY: the dynamic section is in memory as long as the file is.
            let [kind, value] = unsafe { entries.wrapping_add(index).read() };
            match kind {
                0 => break,
                DT_RPATH | DT_RUNPATH => object.has_search_path = true,
                _ if kind < KINDS => object.dynamic[kind] = value,
                _ => {}
            }
        }
        Some(object)
    }

    /// Returns whether it is this library.
    pub(super) fn is_ours(&self) -> bool {
        self.memory.contains(&(all as *const () as usize))
    }

    /// Returns a table of the dynamic section. The dynamic linker has replaced its address in the file by the one in
    /// memory, except where the section is read-only.
    fn table<T>(&self, kind: usize, bytes: usize) -> &[T] {
        let at = self.dynamic[kind];
        let at = if self.memory.contains(&at) { at } else { at.wrapping_add(self.base) };
        if self.dynamic[kind] == 0 || bytes == 0 || !self.memory.contains(&at) {
            return &[];
        }
        let entries = std::ptr::with_exposed_provenance::<T>(at);
        // SAFETY: the file says that so many entries are there, and the dynamic linker has read them.
        unsafe { std::slice::from_raw_parts(entries, bytes / size_of::<T>()) }
    }

    /// Calls `f` with each slot that may have the address of a function.
    pub(super) fn slots<'a>(&'a self, mut f: impl FnMut(Slot<'a>)) {
        let tables = [
            self.table::<Rela>(DT_RELA, self.dynamic[DT_RELASZ]),
            self.table::<Rela>(DT_JMPREL, self.dynamic[DT_PLTRELSZ]),
        ];
        for rela in tables.into_iter().flatten() {
            let kind = rela.info & 0xffff_ffff;
            let is_named = [R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT].contains(&kind);
            if !is_named && kind != R_X86_64_RELATIVE || is_named && rela.addend != 0 {
                continue;
            }
            let Some(at) = self.slot(self.base.wrapping_add(rela.offset)) else { continue };
            let is_call = kind == R_X86_64_JUMP_SLOT;
            let name = is_call.then(|| self.name(rela.info >> 32)).flatten();
            f(Slot { at, kind, name });
        }
        self.packed(|at| {
            if let Some(at) = self.slot(at) {
                f(Slot { at, kind: R_X86_64_RELATIVE, name: None });
            }
        });
    }

    /// Calls `f` with the address of each slot of the packed table: an even entry is an address, and an odd one has a bit
    /// for each of the 63 words that follow the last one.
    fn packed(&self, mut f: impl FnMut(usize)) {
        let mut at = 0_usize;
        for &entry in self.table::<usize>(DT_RELR, self.dynamic[DT_RELRSZ]) {
            if entry & 1 == 0 {
                at = self.base.wrapping_add(entry);
                f(at);
                at = at.wrapping_add(WORD);
                continue;
            }
            let bits = (1..usize::BITS as usize).filter(|bit| entry >> bit & 1 != 0);
            bits.for_each(|bit| f(at.wrapping_add((bit - 1) * WORD)));
            at = at.wrapping_add((usize::BITS as usize - 1) * WORD);
        }
    }

    fn slot(&self, at: usize) -> Option<&AtomicUsize> {
        if !self.memory.contains(&at) || !at.is_multiple_of(WORD) {
            return None;
        }
        // SAFETY: the dynamic linker has written a word there, and the file is loaded.
        Some(unsafe { &*std::ptr::with_exposed_provenance::<AtomicUsize>(at) })
    }

    /// Returns the name of a symbol.
    fn name(&self, symbol: u64) -> Option<&CStr> {
        let symbol = usize::try_from(symbol).ok()?;
        let bytes = (symbol + 1).checked_mul(size_of::<libc::Elf64_Sym>())?;
        let symbol = self.table::<libc::Elf64_Sym>(DT_SYMTAB, bytes).get(symbol)?;
        let offset = usize::try_from(symbol.st_name).ok()?;
        let text = self.table::<u8>(DT_STRTAB, offset + 1);
        // SAFETY: the names in this table end with a zero.
        Some(unsafe { CStr::from_ptr(text.get(offset..)?.as_ptr().cast()) })
    }

    /// Writes into a slot. Returns `false` if the system does not allow that.
    pub(super) fn write(&self, slot: &Slot<'_>, value: usize) -> bool {
        let at = std::ptr::from_ref(slot.at).addr();
        let page = at & !(PAGE - 1);
        let sealed = self.sealed.start & !(PAGE - 1)..self.sealed.end & !(PAGE - 1);
        let protect = |protection| {
            let page = std::ptr::with_exposed_provenance_mut::<c_void>(page);
            // SAFETY: the page has slots of the dynamic linker, and stays readable.
            unsafe { libc::mprotect(page, PAGE, protection) == 0 }
        };
        let is_sealed = sealed.contains(&at);
        if is_sealed && !protect(libc::PROT_READ | libc::PROT_WRITE) {
            return false;
        }
        slot.at.store(value, Ordering::Release);
        if is_sealed {
            protect(libc::PROT_READ);
        }
        true
    }
}
