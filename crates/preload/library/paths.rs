//! Which paths are ours, in whatever form a program says them.
#![expect(unsafe_code, reason = "paths of programs are C strings")]

use crate::sys::Outcome;
use crate::{environment, sys};
use aseqd_wire::preload::STAND_INS;
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering};
use libc::{c_char, c_int};

/// What stands at one of our paths.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// `/dev/snd/seq`
    Sequencer,
    /// `/dev/snd/timer`
    Timer,
    /// `/dev/snd/controlC0`, if there is a card.
    Control,
    /// A text below `/proc/asound`, by its number.
    Text(u32),
    /// `/proc/asound` or a folder below, by its place in [`FOLDERS`]. Only where the kernel has none.
    Folder(usize),
}

/// The folders of ours, and what stands for them in the folder of stand-ins.
const FOLDERS: [(&[u8], &[u8]); 2] = [(PROC, b""), (b"/proc/asound/seq", b"/seq")];
const PROC: &[u8] = b"/proc/asound";

const PLACES: [(&[u8], Place); 7] = [
    (b"/dev/snd/seq", Place::Sequencer),
    (b"/dev/snd/timer", Place::Timer),
    (b"/dev/snd/controlC0", Place::Control),
    (b"/proc/asound/seq/clients", Place::Text(0)),
    (b"/proc/asound/seq/queues", Place::Text(1)),
    (b"/proc/asound/seq/timer", Place::Text(2)),
    (b"/proc/asound/timers", Place::Text(3)),
];

/// The longest path that is looked at.
const LONGEST: usize = 512;

/// Are there devices of the kernel's at our paths? Then they must not be opened only to see whether a path
/// can be read.
static KERNELS: AtomicBool = AtomicBool::new(false);

/// Called once, when the library is loaded.
pub(crate) fn prepare() {
    KERNELS
        .store(sys::exists(c"/dev/snd/seq") || sys::exists(c"/dev/snd/timer"), Ordering::Relaxed);
}

/// Has the kernel devices at our paths?
pub(crate) fn has_kernels_devices() -> bool {
    KERNELS.load(Ordering::Relaxed)
}

/// What stands at a path that begins at the directory `at`. The kernel is asked whether the path can be
/// read. `errno` is kept.
pub(crate) fn find(at: c_int, path: *const c_char) -> Option<Place> {
    if path.is_null() || !environment::has_server() {
        return None;
    }
    let _kept = sys::KeepErrno::new();
    look_up(at, sys::string(path.cast())?)
}

/// The same after a call by which the kernel has read the path: it has succeeded, or failed with this
/// error. Errors that do not say that the path was read are the program's.
pub(crate) fn find_after(result: Outcome<()>, at: c_int, path: *const c_char) -> Option<Place> {
    let exists = result.is_ok();
    let was_read = matches!(result, Ok(()) | Err(libc::ENOENT | libc::ENOTDIR | libc::EACCES));
    if !was_read || path.is_null() || !environment::has_server() {
        return None;
    }
    // SAFETY: the kernel has just read this string.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes();
    if exists && is_of_folder(last_part(path)?) {
        return None;
    }
    let place = look_up(at, path);
    // A folder of the kernel's has more in it than ours.
    place.filter(|place| !exists || !matches!(place, Place::Folder(_)))
}

fn look_up(at: c_int, path: &[u8]) -> Option<Place> {
    // Most paths end otherwise: no more is looked at.
    let last = last_part(path)?;
    let may_be = matches!(last, b"seq" | b"timer" | b"clients" | b"queues" | b"timers" | b"asound");
    let may_be = may_be || last == b"controlC0" && environment::has_card();
    if !may_be && !is_of_folder(last) {
        return None;
    }
    let mut whole = Whole { bytes: [0; LONGEST], len: 0 };
    if path.first() != Some(&b'/') {
        whole.begin_at(at)?;
    }
    for part in path.split(|byte| *byte == b'/') {
        whole.enter(part)?;
    }
    let whole = whole.bytes.get(..whole.len)?;
    if let Some(folder) = FOLDERS.iter().position(|(path, _)| *path == whole) {
        return Some(Place::Folder(folder));
    }
    let found = PLACES.iter().find(|(path, _)| !is_of_folder(last) && *path == whole);
    found.map(|(_, place)| *place)
}

fn last_part(path: &[u8]) -> Option<&[u8]> {
    path.rsplit(|byte| *byte == b'/').next()
}

/// Does a path that ends in this lead to a folder, or to nothing?
const fn is_of_folder(last: &[u8]) -> bool {
    matches!(last, b"" | b"." | b"..")
}

/// A path in the folder of stand-ins.
pub(crate) struct StandIn([u8; LONGEST]);

impl StandIn {
    /// Of a folder or a text; devices have none.
    pub(crate) fn of(place: Place) -> Option<Self> {
        let below = match place {
            Place::Folder(folder) => FOLDERS.get(folder)?.1,
            Place::Text(_) => {
                let (path, _) = PLACES.iter().find(|(_, found)| *found == place)?;
                path.strip_prefix(PROC)?
            }
            Place::Sequencer | Place::Timer | Place::Control => return None,
        };
        let mut path = [0; LONGEST];
        let mut root = [0; environment::MAX_NAME];
        let parts = environment::folder(&mut root)?.iter().chain(b"/").chain(STAND_INS.as_bytes());
        // The last byte stays zero.
        for (place, byte) in path.iter_mut().take(LONGEST - 1).zip(parts.chain(below)) {
            *place = *byte;
        }
        Some(Self(path))
    }

    pub(crate) fn path(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or(c"")
    }
}

/// A path from the root, without anything to skip in it.
struct Whole {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Whole {
    /// Begins with a directory, the current one or that of a descriptor.
    fn begin_at(&mut self, at: c_int) -> Option<()> {
        let _kept = sys::KeepErrno::new();
        let mut text = [0; LONGEST];
        let len = if at == libc::AT_FDCWD {
            sys::link(c"/proc/self/cwd", &mut text)
        } else {
            let mut name = [0; 32];
            sys::link(descriptor_link(at, &mut name)?, &mut text)
        };
        let text = text.get(..len.ok()?)?;
        // A program that stands among the stand-ins, or has one open, means what they stand for.
        let mut root = [0; environment::MAX_NAME];
        let stands_in = environment::folder(&mut root)
            .and_then(|root| text.strip_prefix(root)?.strip_prefix(b"/"))
            .and_then(|below| below.strip_prefix(STAND_INS.as_bytes()))
            .filter(|below| below.is_empty() || below.starts_with(b"/"));
        for text in [stands_in.map(|_| PROC), stands_in.or(Some(text))].into_iter().flatten() {
            for part in text.split(|byte| *byte == b'/') {
                self.enter(part)?;
            }
        }
        Some(())
    }

    /// Goes into a directory, or out of one.
    fn enter(&mut self, part: &[u8]) -> Option<()> {
        match part {
            b"" | b"." => {}
            b".." => {
                let before = self.bytes.get(..self.len)?;
                self.len = before.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
            }
            part => {
                let room = self.bytes.get_mut(self.len..self.len + 1 + part.len())?;
                let (slash, name) = room.split_first_mut()?;
                *slash = b'/';
                for (place, byte) in name.iter_mut().zip(part) {
                    *place = *byte;
                }
                self.len += 1 + part.len();
            }
        }
        Some(())
    }
}

/// The path by which procfs names a descriptor.
pub(crate) fn descriptor_link(fd: c_int, name: &mut [u8; 32]) -> Option<&CStr> {
    const HEAD: &[u8] = b"/proc/self/fd/";
    let mut left = u32::try_from(fd).ok()?;
    let mut digits = [0; 10];
    let mut count = 0;
    for digit in &mut digits {
        *digit = b'0' + u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
        count += 1;
        if left == 0 {
            break;
        }
    }
    let digits = digits.iter().take(count).rev();
    for (place, byte) in name.iter_mut().zip(HEAD.iter().chain(digits)) {
        *place = *byte;
    }
    CStr::from_bytes_until_nul(name).ok()
}
