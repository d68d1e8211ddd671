//! Finds the file and the offset of an address in memory that processes share.
//!
//! It keeps a copy of the shared lines of `/proc/self/maps`, which is at most some milliseconds old. Before a race is
//! reported, its place is looked up again.

#![expect(unsafe_code, reason = "reads /proc without an allocation")]

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

use crate::runtime::thread::now;

/// Maximum number of shared mappings. Further ones are treated as private.
const MAPPINGS: usize = 1024;
/// Maximum age of the copy, in ns.
const MAX_AGE_NS: u64 = 50_000_000;

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FilePlace {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    offset: u64,
}

impl FilePlace {
    /// Returns the place as a number, in which the bits below a page are those of the address.
    pub(crate) fn key(self) -> u64 {
        let file = (self.device ^ self.inode.rotate_left(20)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let page = (file >> 18 << 12).wrapping_add(self.offset) & ((1 << 58) - 1);
        page | 1 << 58
    }
}

struct Mapping {
    start: AtomicUsize,
    end: AtomicUsize,
    device: AtomicU64,
    inode: AtomicU64,
    offset: AtomicU64,
}

static TABLE: [Mapping; MAPPINGS] = [const {
    Mapping {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        device: AtomicU64::new(0),
        inode: AtomicU64::new(0),
        offset: AtomicU64::new(0),
    }
}; MAPPINGS];
static LENGTH: AtomicUsize = AtomicUsize::new(0);
/// Odd while the table is written.
static VERSION: AtomicU64 = AtomicU64::new(0);
static READ_AT: AtomicU64 = AtomicU64::new(0);
static WRITING: AtomicBool = AtomicBool::new(false);

/// Returns the place of an address in a shared file. Memory of this process alone has none.
pub(crate) fn place(address: usize) -> Option<FilePlace> {
    if now().wrapping_sub(READ_AT.load(Ordering::Relaxed)) > MAX_AGE_NS {
        refresh();
    }
    loop {
        let version = VERSION.load(Ordering::Acquire);
        let found = search(address);
        fence(Ordering::Acquire);
        if version.is_multiple_of(2) && VERSION.load(Ordering::Relaxed) == version {
            return found;
        }
        spin_loop();
    }
}

/// Returns the same from a new copy.
pub(crate) fn place_now(address: usize) -> Option<FilePlace> {
    let mut found = None;
    read_maps(|mapping| {
        if (mapping.start..mapping.end).contains(&address) {
            found = Some(mapping.place(address));
        }
    });
    found
}

fn search(address: usize) -> Option<FilePlace> {
    let length = LENGTH.load(Ordering::Relaxed).min(MAPPINGS);
    // The lines are in the order of addresses.
    let after = TABLE[..length].partition_point(|m| m.start.load(Ordering::Relaxed) <= address);
    let mapping = &TABLE[after.checked_sub(1)?];
    let line = Line {
        start: mapping.start.load(Ordering::Relaxed),
        end: mapping.end.load(Ordering::Relaxed),
        device: mapping.device.load(Ordering::Relaxed),
        inode: mapping.inode.load(Ordering::Relaxed),
        offset: mapping.offset.load(Ordering::Relaxed),
    };
    (address < line.end).then(|| line.place(address))
}

fn refresh() {
    if WRITING.swap(true, Ordering::Acquire) {
        return;
    }
    VERSION.fetch_add(1, Ordering::AcqRel);
    let mut length = 0;
    read_maps(|line| {
        if let Some(mapping) = TABLE.get(length) {
            mapping.start.store(line.start, Ordering::Relaxed);
            mapping.end.store(line.end, Ordering::Relaxed);
            mapping.device.store(line.device, Ordering::Relaxed);
            mapping.inode.store(line.inode, Ordering::Relaxed);
            mapping.offset.store(line.offset, Ordering::Relaxed);
            length += 1;
        }
    });
    LENGTH.store(length, Ordering::Relaxed);
    READ_AT.store(now(), Ordering::Relaxed);
    VERSION.fetch_add(1, Ordering::Release);
    WRITING.store(false, Ordering::Release);
}

/// Forgets the parent's copy in a new process, in which no thread writes one yet.
pub(crate) fn forget() {
    READ_AT.store(0, Ordering::Relaxed);
    VERSION.store(0, Ordering::Relaxed);
    WRITING.store(false, Ordering::Relaxed);
}

/// A line of `/proc/self/maps` about shared memory.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    start: usize,
    end: usize,
    device: u64,
    inode: u64,
    offset: u64,
}

impl Line {
    fn place(self, address: usize) -> FilePlace {
        let offset = self.offset + (address - self.start) as u64;
        FilePlace { device: self.device, inode: self.inode, offset }
    }
}

/// Calls `each` for every shared line. It uses only system calls and the stack.
fn read_maps(mut each: impl FnMut(Line)) {
    // SAFETY: the name is a C string.
    let file = unsafe { libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return;
    }
    let mut buffer = [0_u8; 2048];
    // The start of a line is enough. A name of any length follows the inode.
    let mut line = [0_u8; 96];
    let mut length = 0;
    loop {
        // SAFETY: the buffer is as long as said.
        let count = unsafe { libc::read(file, buffer.as_mut_ptr().cast(), buffer.len()) };
        let Ok(count @ 1..) = usize::try_from(count) else { break };
        for &byte in &buffer[..count] {
            if byte == b'\n' {
                if let Some(line) = parse(&line[..length]) {
                    each(line);
                }
                length = 0;
            } else if length < line.len() {
                line[length] = byte;
                length += 1;
            }
        }
    }
    // SAFETY: the descriptor is ours.
    unsafe { libc::close(file) };
}

fn parse(line: &[u8]) -> Option<Line> {
    let mut words = line.split(|byte| *byte == b' ');
    let mut range = words.next()?.split(|byte| *byte == b'-');
    let (start, end) = (number(range.next()?, 16)?, number(range.next()?, 16)?);
    if words.next()?.get(3) != Some(&b's') {
        return None;
    }
    let offset = number(words.next()?, 16)?;
    let mut device = words.next()?.split(|byte| *byte == b':');
    let device = number(device.next()?, 16)? << 32 | number(device.next()?, 16)?;
    let inode = number(words.next()?, 10)?;
    let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
    Some(Line { start, end, device, inode, offset })
}

fn number(digits: &[u8], base: u32) -> Option<u64> {
    digits.iter().try_fold(0_u64, |sum, digit| {
        let digit = char::from(*digit).to_digit(base)?;
        sum.checked_mul(base.into())?.checked_add(digit.into())
    })
}
