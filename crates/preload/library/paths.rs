//! Finds out whether a path is ours, in whatever form a program writes it.
#![expect(unsafe_code, reason = "paths of programs are C strings")]

use crate::sys::Outcome;
use crate::{environment, sys};
use aseqd_wire::preload::STAND_INS;
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering};
use libc::{c_char, c_int};

/// What is at one of our paths.
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
    /// `/proc/asound` or a folder below it, by its index in [`FOLDERS`]. Ours only if the kernel has none.
    Folder(usize),
}

/// Our folders, each with the path of its stand-in below [`STAND_INS`].
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

/// The longest path that is looked at, in bytes.
const LONGEST: usize = 512;

/// Whether the kernel has devices at our paths. Then the library must not open a path only to see whether the
/// path can be read.
static KERNELS: AtomicBool = AtomicBool::new(false);

/// Looks for the kernel's devices. Called once, when the library is loaded.
pub(crate) fn prepare() {
    KERNELS
        .store(sys::exists(c"/dev/snd/seq") || sys::exists(c"/dev/snd/timer"), Ordering::Relaxed);
}

/// Returns whether the kernel has devices at our paths.
pub(crate) fn has_kernels_devices() -> bool {
    KERNELS.load(Ordering::Relaxed)
}

/// Returns what of ours is at a path, which begins at the directory `at`. Asks the kernel whether the path
/// can be read. Keeps `errno`.
pub(crate) fn find(at: c_int, path: *const c_char) -> Option<Place> {
    if path.is_null() || !environment::has_server() {
        return None;
    }
    let _kept = sys::KeepErrno::new();
    look_up(at, sys::string(path.cast())?)
}

/// Does the same after a call in which the kernel read the path, given the result of that call. If the error
/// does not tell that the path was read, nothing of ours is there.
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
    // The kernel's own folder has more in it than ours.
    place.filter(|place| !exists || !matches!(place, Place::Folder(_)))
}

fn look_up(at: c_int, path: &[u8]) -> Option<Place> {
    // Most paths end otherwise, and need no further look.
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

/// Returns whether a path with this last part leads to a folder, or nowhere.
const fn is_of_folder(last: &[u8]) -> bool {
    matches!(last, b"" | b"." | b"..")
}

/// The path of a stand-in, below [`STAND_INS`].
pub(crate) struct StandIn([u8; LONGEST]);

impl StandIn {
    /// Returns the stand-in of a folder or a text. Devices have none.
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

/// An absolute path without `.`, `..` and empty parts.
struct Whole {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Whole {
    /// Begins with a directory: the current one, or that of a descriptor.
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
        // In a stand-in, relative paths mean those below the folder that it stands for.
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

    /// Appends a part of a path: enters a directory, or leaves one for `..`.
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

/// Writes the path of a descriptor in procfs to `name`, and returns it.
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
