//! Tells which descriptors are ours.
//!
//! The name of the other end tells whether a descriptor is ours, but asking for it costs a system call. The
//! library therefore remembers the numbers that are not ours, until a number may have got a descriptor of
//! ours: by `open`, `dup` and the like, or by a message with descriptors. The library catches all of these,
//! and calls [`changed`] after each. A fork copies this memory; after exec it is empty.
//!
//! Any process can bind a socket to a name like those of our files, and pass it to a program. So the server's
//! process must also have made the other end. The library remembers that by number and name, until the
//! descriptor is closed.

use crate::{connection, page, pool, sys};
use aseqd_wire::preload::FileName;
use core::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use libc::c_int;

/// The number of descriptors whose hints are remembered. For a higher one, every call asks.
const NUMBERS: usize = 1 << 16;
/// The lowest bit of a hint: the descriptor is not ours. The other bits count changes, so that an answer
/// from before a change is not stored after it.
const FOREIGN: u16 = 1;

static HINTS: [AtomicU16; NUMBERS] = [const { AtomicU16::new(0) }; NUMBERS];

/// For the first descriptors: the nonce of the file of ours there, once it is known that the server made it.
static MADE: [AtomicU64; 1024] = [const { AtomicU64::new(0) }; 1024];

fn made(fd: c_int) -> Option<&'static AtomicU64> {
    MADE.get(usize::try_from(fd).ok()?)
}

/// Returns whether the server is known to have made the file of this name at this number.
fn is_made(fd: c_int, name: &FileName) -> bool {
    name.nonce != 0 && made(fd).is_some_and(|made| made.load(Ordering::Relaxed) == name.nonce)
}

/// Forgets a descriptor that is about to be closed.
pub(crate) fn closed(fd: c_int) {
    if let Some(made) = made(fd) {
        made.store(0, Ordering::Relaxed);
    }
}

/// Forgets the descriptors from `first` to `last`, which were closed.
pub(crate) fn closed_between(first: usize, last: usize) {
    let numbers = MADE.iter().take(last.saturating_add(1)).skip(first);
    numbers.for_each(|made| made.store(0, Ordering::Relaxed));
}

fn hint(fd: c_int) -> Option<&'static AtomicU16> {
    HINTS.get(usize::try_from(fd).ok()?)
}

/// Returns whether the descriptor is known not to be ours.
#[inline]
pub(crate) fn is_foreign(fd: c_int) -> bool {
    hint(fd).is_some_and(|hint| hint.load(Ordering::Acquire) & FOREIGN != 0)
}

/// Notes that the number may have got another descriptor.
pub(crate) fn changed(fd: c_int) {
    closed(fd);
    if let Some(hint) = hint(fd) {
        let next = |value: u16| Some((value | FOREIGN).wrapping_add(1));
        let _always = hint.fetch_update(Ordering::AcqRel, Ordering::Relaxed, next);
    }
}

/// Returns which file of ours the descriptor is, if it is one. Keeps `errno`.
pub(crate) fn identify(fd: c_int) -> Option<FileName> {
    let hint = hint(fd);
    let seen = hint.map_or(0, |hint| hint.load(Ordering::Acquire));
    if seen & FOREIGN != 0 {
        return None;
    }
    let _kept = sys::KeepErrno::new();
    let named = name_of(fd).filter(|name| {
        let known = is_made(fd, name);
        let ours = known || pool::has_made(name, fd);
        if let Some(made) = made(fd).filter(|_| ours && !known) {
            made.store(name.nonce, Ordering::Relaxed);
        }
        ours
    });
    if named.is_none()
        && let Some(hint) = hint
        // A child that shares the memory of its parent has numbers of its own.
        && page::is_own_process()
    {
        let _changed_meanwhile =
            hint.compare_exchange(seen, seen | FOREIGN, Ordering::AcqRel, Ordering::Relaxed);
    }
    named
}

/// Returns whether a descriptor is still this file of ours: the number may be another file's meanwhile.
pub(crate) fn is_still(fd: c_int, server: u64, key: u64) -> bool {
    let _kept = sys::KeepErrno::new();
    let same = |name: FileName| (name.server, name.key) == (server, key);
    name_of(fd)
        .filter(|name| same(*name))
        .is_some_and(|name| is_made(fd, &name) || connection::is_known_server(fd))
}

/// Returns the name of the other end, if it is the name of a file.
fn name_of(fd: c_int) -> Option<FileName> {
    const PATH: usize = core::mem::offset_of!(libc::sockaddr_un, sun_path);
    let mut address = libc::sockaddr_un { sun_family: 0, sun_path: [0; 108] };
    let len = sys::peer_name(fd, &mut address).ok()?;
    if len != PATH + 1 + FileName::LEN || c_int::from(address.sun_family) != libc::AF_UNIX {
        return None;
    }
    let mut bytes = [0; FileName::LEN];
    for (place, byte) in bytes.iter_mut().zip(address.sun_path.iter().skip(1)) {
        // A `c_char` is signed on x86-64 and unsigned on ARM.
        [*place] = byte.to_ne_bytes();
    }
    FileName::parse(&bytes)
}
