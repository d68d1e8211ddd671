//! Lends connections to calls, which can happen at any moment: in a signal handler, or in the child of a
//! process with threads.
//!
//! A connection carries one call at a time. Connections are kept in a fixed number of slots, which calls
//! claim without a lock.
#![expect(unsafe_code, reason = "looks at an abandoned call's frame")]

use crate::connection::{connection, known_server, lowest, note_server};
use crate::page::{self, INHERITED, PAGE, SLOTS, Slot};
use crate::sys::{self, Outcome, Peer};
use aseqd_wire::preload::FileName;
use core::sync::atomic::{AtomicUsize, Ordering};
use libc::c_int;

/// A mark in the stack frame of a call, by which a later call of the same thread can tell whether that call
/// still goes on. A signal handler may leave a call by `longjmp`.
pub(crate) struct Frame(AtomicUsize);

/// The mark of a call that goes on is its address combined with this.
const ALIVE: usize = 0x5ca1_ab1e_0ddb_a11d;

impl Frame {
    pub(crate) const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    fn address(&self) -> usize {
        (&raw const self.0).expose_provenance()
    }

    fn begin(&self) -> usize {
        let address = self.address();
        self.0.store(address ^ ALIVE, Ordering::Release);
        address
    }

    fn end(&self) {
        self.0.store(0, Ordering::Release);
    }
}

/// Returns whether this thread has left the call with a frame at this address by `longjmp`.
///
/// Stacks grow downwards: the frame of a call that goes on is above the frame of a later call, and still
/// has its mark.
fn is_abandoned(frame: usize, current: usize) -> bool {
    if !sys::is_mapped(frame) {
        return true;
    }
    if frame <= current && !sys::on_signal_stack() {
        return true;
    }
    let pointer = core::ptr::with_exposed_provenance::<AtomicUsize>(frame);
    // SAFETY: the address is of an aligned word of memory that is there, on a stack of this thread.
    let mark = unsafe { pointer.read_volatile() };
    mark.load(Ordering::Relaxed) != frame ^ ALIVE
}

/// A connection, lent to one call.
pub(crate) struct Claim<'a> {
    frame: &'a Frame,
    /// The slot; `None` if the connection is not kept.
    slot: Option<(usize, &'static Slot)>,
    /// The descriptor of a connection that is not kept.
    own: c_int,
    serial: u32,
}

/// Lends this call a connection.
pub(crate) fn claim(frame: &Frame) -> Outcome<Claim<'_>> {
    if PAGE.process.load(Ordering::Relaxed) == 0 {
        page::begin();
    }
    let own = sys::thread_mark();
    let address = frame.begin();
    for (at, slot) in PAGE.slots.iter().enumerate().take(PAGE.used.load(Ordering::Relaxed)) {
        let holder = slot.holder.load(Ordering::Acquire);
        let mine = holder != 0 && slot.thread.load(Ordering::Acquire) == own;
        if mine && is_abandoned(holder, address) {
            // The next call would get its answer. The server sees the end and undoes the call.
            drop_connection(at, slot);
            release(slot);
        }
    }
    for (at, slot) in PAGE.slots.iter().enumerate() {
        if slot.holder.compare_exchange(0, address, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            slot.thread.store(own, Ordering::Release);
            PAGE.used.fetch_max(at + 1, Ordering::Relaxed);
            let serial = slot.serial.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            let claim = Claim { frame, slot: Some((at, slot)), own: -1, serial };
            return match claim.connected() {
                Ok(()) => Ok(claim),
                Err(error) => {
                    claim.give_back();
                    Err(error)
                }
            };
        }
    }
    match connection() {
        Ok((fd, _)) => Ok(Claim { frame, slot: None, own: fd, serial: 1 }),
        Err(error) => {
            frame.end();
            Err(error)
        }
    }
}

fn release(slot: &Slot) {
    slot.thread.store(0, Ordering::Release);
    slot.holder.store(0, Ordering::Release);
}

/// Closes the connection of a slot, if the descriptor is still that connection.
fn drop_connection(at: usize, slot: &Slot) {
    if let Some((fd, _)) = INHERITED.get(at) {
        fd.store(0, Ordering::Release);
    }
    let number = slot.fd.swap(0, Ordering::AcqRel) - 1;
    if number >= 0 && sys::inode(number) == Ok(slot.inode.load(Ordering::Relaxed)) {
        let _closed = sys::close(number);
    }
}

impl Claim<'_> {
    /// Returns the number of the call.
    pub(crate) const fn serial(&self) -> u32 {
        self.serial
    }

    /// Returns the descriptor of the connection. It may change during a call, if the program wants the number.
    pub(crate) fn fd(&self) -> c_int {
        self.slot.map_or(self.own, |(_, slot)| slot.fd.load(Ordering::Acquire) - 1)
    }

    /// Makes sure that the slot has a connection: the program may have closed it.
    fn connected(&self) -> Outcome<()> {
        let Some((at, slot)) = self.slot else { return Ok(()) };
        let number = slot.fd.load(Ordering::Acquire) - 1;
        if number >= 0 && sys::inode(number) == Ok(slot.inode.load(Ordering::Relaxed)) {
            return Ok(());
        }
        let (fd, inode) = connection()?;
        slot.inode.store(inode, Ordering::Release);
        slot.fd.store(fd + 1, Ordering::Release);
        if let Some((inherited, of)) = INHERITED.get(at) {
            of.store(inode, Ordering::Release);
            inherited.store(fd + 1, Ordering::Release);
        }
        Ok(())
    }

    /// Ends the call and keeps the connection for others.
    pub(crate) fn give_back(self) {
        match self.slot {
            Some((_, slot)) => release(slot),
            None => drop(sys::close(self.own)),
        }
        self.frame.end();
    }

    /// Ends the call and closes the connection.
    pub(crate) fn give_up(self) {
        if let Some((at, slot)) = self.slot {
            drop_connection(at, slot);
        }
        self.give_back();
    }

    /// Returns the argument for [`cancelled`].
    pub(crate) fn mark(&self) -> usize {
        match self.slot {
            Some((at, _)) => at,
            None => SLOTS + usize::try_from(self.own).unwrap_or(0),
        }
    }
}

/// Closes the connection of a call whose thread is cancelled, so that the server undoes the call.
pub(crate) fn cancelled(mark: usize) {
    match PAGE.slots.get(mark) {
        Some(slot) => {
            drop_connection(mark, slot);
            release(slot);
        }
        None => drop(sys::close(c_int::try_from(mark - SLOTS).unwrap_or(-1))),
    }
}

/// Returns whether a server has made this socket, whose other end has the name of a file.
///
/// Our server's process makes the files of our server. Files of another server, of a run within this one or
/// around it, count if that server is the same user's; calls on them fail.
pub(crate) fn has_made(name: &FileName, fd: c_int) -> bool {
    let Ok(peer) = sys::peer(fd) else { return false };
    let fits = |(number, server): (u64, Peer)| {
        if name.server == number { peer == server } else { peer.user == server.user }
    };
    if known_server().is_some_and(fits) {
        return true;
    }
    // The server is not known yet, or this process has entered another user or process namespace.
    if ask_again().is_err() {
        // Without a server no call will succeed.
        return known_server().is_none();
    }
    known_server().is_some_and(fits)
}

/// Asks again which process the server is.
#[cold]
fn ask_again() -> Outcome<()> {
    let frame = Frame::new();
    let claim = claim(&frame)?;
    let found = sys::peer(claim.fd());
    claim.give_back();
    let number = PAGE.server.load(Ordering::Acquire);
    note_server(number, found?);
    Ok(())
}

/// Returns whether this descriptor is a connection of ours, which the program has not opened.
pub(crate) fn is_internal(fd: c_int) -> bool {
    slot_of(fd).is_some()
}

fn slot_of(fd: c_int) -> Option<(usize, &'static Slot)> {
    let used = PAGE.used.load(Ordering::Relaxed);
    let number = fd.checked_add(1)?;
    let found = PAGE
        .slots
        .iter()
        .enumerate()
        .take(used)
        .find(|(_, slot)| fd >= 0 && slot.fd.load(Ordering::Relaxed) == number)?;
    let _kept = sys::KeepErrno::new();
    (sys::inode(fd) == Ok(found.1.inode.load(Ordering::Relaxed))).then_some(found)
}

/// Returns the lowest descriptor of a connection of ours that is not below `first`.
pub(crate) fn internal_from(first: c_int) -> Option<c_int> {
    let used = PAGE.used.load(Ordering::Relaxed);
    let numbers = PAGE.slots.iter().take(used).map(|slot| slot.fd.load(Ordering::Relaxed) - 1);
    numbers.filter(|number| *number >= first.max(0) && is_internal(*number)).min()
}

/// Moves a connection of ours to another number, because the program wants this one.
pub(crate) fn move_away(fd: c_int) {
    let Some((at, slot)) = slot_of(fd) else { return };
    let _kept = sys::KeepErrno::new();
    let moved = sys::control(fd, libc::F_DUPFD_CLOEXEC, lowest()).map_or(0, |fd| fd + 1);
    slot.fd.store(moved, Ordering::Release);
    if let Some((inherited, _)) = INHERITED.get(at) {
        inherited.store(moved, Ordering::Release);
    }
}
