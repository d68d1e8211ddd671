//! What the program's environment says about the run: where the server is, its secret, and whether there is
//! a card. It is stored once, when the library is loaded.

use crate::sys::Outcome;
use aseqd_wire::preload::{SECRET_LEN, Secret};
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

/// The maximum size of the name of a socket, in bytes.
pub(crate) const MAX_NAME: usize = 108;

/// The bytes of the server's address.
static SERVER: [AtomicU8; MAX_NAME] = [const { AtomicU8::new(0) }; MAX_NAME];
/// The number of bytes that are used; 0 if there is no server.
static SERVER_LEN: AtomicUsize = AtomicUsize::new(0);

/// The program's half of the secret, then the server's.
static SECRET: [AtomicU8; 2 * SECRET_LEN] = [const { AtomicU8::new(0) }; 2 * SECRET_LEN];

/// Stores the secret of the run. Without it the server refuses every call.
pub(crate) fn set_secret(digits: &[u8]) {
    let Some(secret) = Secret::parse(digits) else { return };
    for (place, byte) in SECRET.iter().zip(secret.program.iter().chain(&secret.server)) {
        place.store(*byte, Ordering::Relaxed);
    }
}

pub(crate) fn secret() -> Secret {
    let mut secret = Secret { program: [0; SECRET_LEN], server: [0; SECRET_LEN] };
    for (byte, place) in secret.program.iter_mut().chain(&mut secret.server).zip(&SECRET) {
        *byte = place.load(Ordering::Relaxed);
    }
    secret
}

/// Stores where the server is: a path, or an abstract name after `@`.
pub(crate) fn set_server(name: &[u8]) {
    let is_abstract = name.first() == Some(&b'@');
    if name.is_empty() || name.len() >= MAX_NAME {
        return;
    }
    for (place, byte) in SERVER.iter().zip(name) {
        place.store(*byte, Ordering::Relaxed);
    }
    if is_abstract && let Some(first) = SERVER.first() {
        first.store(0, Ordering::Relaxed);
    }
    // A path ends with a zero byte, an abstract name does not.
    SERVER_LEN.store(name.len() + usize::from(!is_abstract), Ordering::Release);
}

/// Whether there is a card.
static CARD: AtomicBool = AtomicBool::new(false);

/// Stores that there is a card.
pub(crate) fn set_card() {
    CARD.store(true, Ordering::Relaxed);
}

/// Returns whether there is a card, whose control device is ours as well.
pub(crate) fn has_card() -> bool {
    CARD.load(Ordering::Relaxed)
}

/// Returns whether there is a server at all.
#[inline]
pub(crate) fn has_server() -> bool {
    SERVER_LEN.load(Ordering::Acquire) > 0
}

/// Returns the folder of the socket and the library; `None` if the socket has an abstract name.
pub(crate) fn folder(path: &mut [u8; MAX_NAME]) -> Option<&[u8]> {
    for (place, byte) in path.iter_mut().zip(&SERVER) {
        *place = byte.load(Ordering::Relaxed);
    }
    let len = SERVER_LEN.load(Ordering::Acquire);
    let path = path.get(..len).filter(|path| path.starts_with(b"/"))?;
    path.get(..path.iter().rposition(|byte| *byte == b'/')?)
}

/// Returns the server's address and the length of the address.
pub(crate) fn server() -> Outcome<(libc::sockaddr_un, u32)> {
    let len = SERVER_LEN.load(Ordering::Acquire);
    if len == 0 {
        return Err(libc::ENODEV);
    }
    let sun_family = libc::sa_family_t::try_from(libc::AF_UNIX).unwrap_or(0);
    let mut address = libc::sockaddr_un { sun_family, sun_path: [0; MAX_NAME] };
    for (place, byte) in address.sun_path.iter_mut().zip(&SERVER) {
        *place = byte.load(Ordering::Relaxed) as libc::c_char;
    }
    let head = core::mem::offset_of!(libc::sockaddr_un, sun_path);
    Ok((address, u32::try_from(head + len).unwrap_or(0)))
}
