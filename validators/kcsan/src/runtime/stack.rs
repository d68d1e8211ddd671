//! Stacks as numbers: modules and addresses in them, which mean the same in every process.
//!
//! A finder takes its stack in the middle of the program, without an allocation and with little stack.

#![expect(unsafe_code, reason = "walks the stack and the list of modules")]

use std::ffi::{CStr, c_int, c_void};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// Maximum number of frames. Deeper stacks are cut.
pub(crate) const FRAMES: usize = 48;
/// Maximum number of modules in a stack. Further ones are unknown.
const MODULES: usize = 8;
/// Maximum length of a path, in words. Longer ones are cut.
const PATH: usize = 32;
/// The module of a frame whose module is not known.
const NOWHERE: u8 = u8::MAX;

/// A stack that another process can read.
#[repr(C)]
pub(crate) struct Frames {
    count: AtomicU32,
    modules: AtomicU32,
    comm: [AtomicU64; 2],
    module: [AtomicU8; FRAMES],
    address: [AtomicU64; FRAMES],
    paths: [[AtomicU64; PATH]; MODULES],
}

/// A frame that was read back.
#[derive(Clone, Debug)]
pub(crate) struct RawFrame {
    /// The file of the module.
    pub(crate) path: Option<String>,
    /// The return address: as an address in the file, or in the process if there is no file.
    pub(crate) address: u64,
}

impl Frames {
    pub(crate) const fn new() -> Self {
        Self {
            count: AtomicU32::new(0),
            modules: AtomicU32::new(0),
            comm: [const { AtomicU64::new(0) }; 2],
            module: [const { AtomicU8::new(NOWHERE) }; FRAMES],
            address: [const { AtomicU64::new(0) }; FRAMES],
            paths: [const { [const { AtomicU64::new(0) }; PATH] }; MODULES],
        }
    }

    /// Returns the name of the thread.
    pub(crate) fn comm(&self) -> String {
        text(&self.comm)
    }

    /// Returns the stack, innermost frame first.
    pub(crate) fn read(&self) -> Vec<RawFrame> {
        let count = (self.count.load(Ordering::Relaxed) as usize).min(FRAMES);
        let frame = |index: usize| {
            let module = usize::from(self.module[index].load(Ordering::Relaxed));
            RawFrame {
                path: self.paths.get(module).map(|path| text(path)),
                address: self.address[index].load(Ordering::Relaxed),
            }
        };
        (0..count).map(frame).collect()
    }

    /// Returns the innermost address of the program, which identifies the place.
    pub(crate) fn top(&self) -> u64 {
        let module = u64::from(self.module[0].load(Ordering::Relaxed));
        self.address[0].load(Ordering::Relaxed) ^ module << 56
    }
}

fn text(words: &[AtomicU64]) -> String {
    let words = words.iter().map(|word| word.load(Ordering::Relaxed));
    let bytes = words.flat_map(u64::to_le_bytes).take_while(|byte| *byte != 0);
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}

fn set_text(words: &[AtomicU64], text: &[u8]) {
    let most = words.len() * 8 - 1;
    let text = &text[..text.len().min(most)];
    for (index, word) in words.iter().enumerate() {
        let mut bytes = [0; 8];
        let rest = text.get(index * 8..).unwrap_or_default();
        let count = rest.len().min(8);
        bytes[..count].copy_from_slice(&rest[..count]);
        word.store(u64::from_le_bytes(bytes), Ordering::Relaxed);
    }
}

unsafe extern "C" {
    fn _Unwind_Backtrace(
        each: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
    /// The linker's names for the ends of the section with all code of the runtime.
    static __start_kcsan_text: u8;
    static __stop_kcsan_text: u8;
}

/// Returns whether the code at an address is the runtime's.
pub(crate) fn is_ours(address: usize) -> bool {
    let own = (&raw const __start_kcsan_text).addr()..(&raw const __stop_kcsan_text).addr();
    own.contains(&address)
}

/// Writes the current stack, without the frames of the runtime, and the name of the thread.
pub(crate) fn capture(frames: &Frames) {
    frames.count.store(0, Ordering::Relaxed);
    frames.modules.store(0, Ordering::Relaxed);
    let argument = std::ptr::from_ref(frames).cast_mut().cast();
    // SAFETY: the argument is what `add` takes, and stays.
    unsafe { _Unwind_Backtrace(add, argument) };
    // SAFETY: as above.
    unsafe { libc::dl_iterate_phdr(Some(place), argument) };
    let mut comm = [0_u8; 16];
    // SAFETY: the kernel writes sixteen bytes at most.
    unsafe { libc::prctl(libc::PR_GET_NAME, comm.as_mut_ptr()) };
    let length = comm.iter().position(|byte| *byte == 0).unwrap_or(comm.len());
    set_text(&frames.comm, &comm[..length]);
}

extern "C" fn add(context: *mut c_void, frames: *mut c_void) -> c_int {
    // SAFETY: `capture` passes one.
    let frames = unsafe { &*frames.cast::<Frames>() };
    // SAFETY: the unwinder's own context.
    let address = unsafe { _Unwind_GetIP(context) };
    if address == 0 || is_ours(address) {
        return 0;
    }
    let count = frames.count.load(Ordering::Relaxed) as usize;
    if count == FRAMES {
        // `_URC_END_OF_STACK` ends the walk.
        return 5;
    }
    frames.module[count].store(NOWHERE, Ordering::Relaxed);
    frames.address[count].store(address as u64, Ordering::Relaxed);
    frames.count.fetch_add(1, Ordering::Relaxed);
    0
}

/// Turns the addresses in one module into addresses in its file.
unsafe extern "C" fn place(
    module: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    frames: *mut c_void,
) -> c_int {
    // SAFETY: `capture` passes one.
    let frames = unsafe { &*frames.cast::<Frames>() };
    // SAFETY: the loader's own.
    let module = unsafe { &*module };
    // SAFETY: the loader's own.
    let segments =
        unsafe { std::slice::from_raw_parts(module.dlpi_phdr, module.dlpi_phnum.into()) };
    let number = frames.modules.load(Ordering::Relaxed) as usize;
    let count = frames.count.load(Ordering::Relaxed) as usize;
    let mut any = false;
    for index in 0..count {
        if number >= MODULES || frames.module[index].load(Ordering::Relaxed) != NOWHERE {
            continue;
        }
        let address = frames.address[index].load(Ordering::Relaxed);
        let relative = address.wrapping_sub(module.dlpi_addr);
        let inside = |segment: &&libc::Elf64_Phdr| {
            segment.p_type == libc::PT_LOAD
                && relative.wrapping_sub(segment.p_vaddr) < segment.p_memsz
        };
        if segments.iter().any(|segment| inside(&segment)) {
            frames.module[index].store(u8::try_from(number).unwrap_or(NOWHERE), Ordering::Relaxed);
            frames.address[index].store(relative, Ordering::Relaxed);
            any = true;
        }
    }
    if any {
        // SAFETY: the loader's own.
        let name = unsafe { CStr::from_ptr(module.dlpi_name) }.to_bytes();
        let mut buffer = [0_u8; PATH * 8];
        let path = if name.is_empty() { program(&mut buffer) } else { name };
        set_text(&frames.paths[number], path);
        frames.modules.fetch_add(1, Ordering::Relaxed);
    }
    0
}

/// Writes the path of the program.
fn program(buffer: &mut [u8]) -> &[u8] {
    // SAFETY: the buffer is as long as said.
    let length = unsafe {
        libc::readlink(c"/proc/self/exe".as_ptr(), buffer.as_mut_ptr().cast(), buffer.len())
    };
    &buffer[..usize::try_from(length).unwrap_or(0)]
}
