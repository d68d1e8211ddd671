//! Connections to the server, for calls that can happen at any moment: in a signal handler, in a child
//! of a process with threads.
//!
//! A connection carries one call at a time. They stand in a fixed number of slots, which calls claim
//! without a lock.
#![expect(unsafe_code, reason = "looks at an abandoned call's frame")]

use crate::connection::{connection, known_server, lowest, note_server};
use crate::page::{self, INHERITED, PAGE, SLOTS, Slot};
use crate::sys::{self, Outcome, Peer};
use aseqd_wire::preload::FileName;
use core::sync::atomic::{AtomicUsize, Ordering};
use libc::c_int;

/// Stands in the frame of a call, so that a later call of the same thread can tell whether the call
/// still goes on: a signal handler that never returns leaves it by `longjmp`.
pub(crate) struct Frame(AtomicUsize);

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

/// Was the call of this thread with a frame there left by `longjmp`? Stacks grow downwards: a frame
/// that lasts is above that of a call which came later, and still says that it lasts.
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

/// A connection for one call.
pub(crate) struct Claim<'a> {
    frame: &'a Frame,
    /// None for one that is not kept.
    slot: Option<(usize, &'static Slot)>,
    /// One that is not kept.
    own: c_int,
    serial: u32,
}

/// Gives this call a connection.
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
            // Its answer would come to the next call; the server sees the end and takes it back.
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

/// Closes a slot's connection, if its number is still that.
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
    /// The number of the call.
    pub(crate) const fn serial(&self) -> u32 {
        self.serial
    }

    /// The connection. Its number may change while a call waits, if the program wants it.
    pub(crate) fn fd(&self) -> c_int {
        self.slot.map_or(self.own, |(_, slot)| slot.fd.load(Ordering::Acquire) - 1)
    }

    /// Makes sure that the slot has its connection: the program may have closed it.
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

    /// The call is over.
    pub(crate) fn give_back(self) {
        match self.slot {
            Some((_, slot)) => release(slot),
            None => drop(sys::close(self.own)),
        }
        self.frame.end();
    }

    /// The call is over, and the connection is of no more use.
    pub(crate) fn give_up(self) {
        if let Some((at, slot)) = self.slot {
            drop_connection(at, slot);
        }
        self.give_back();
    }

    /// What [`cancelled`] needs to know.
    pub(crate) fn mark(&self) -> usize {
        match self.slot {
            Some((at, _)) => at,
            None => SLOTS + usize::try_from(self.own).unwrap_or(0),
        }
    }
}

/// A thread is cancelled in a call: its connection goes, and the server takes the call back.
pub(crate) fn cancelled(mark: usize) {
    match PAGE.slots.get(mark) {
        Some(slot) => {
            drop_connection(mark, slot);
            release(slot);
        }
        None => drop(sys::close(c_int::try_from(mark - SLOTS).unwrap_or(-1))),
    }
}

/// Is a socket with the name of a file one that a server has made? Our server's files are made by its
/// process. Those of another server, of a run within this one or around it, count as files that cannot be
/// used, if they are of the same user.
pub(crate) fn has_made(name: &FileName, fd: c_int) -> bool {
    let Ok(peer) = sys::peer(fd) else { return false };
    let fits = |(number, server): (u64, Peer)| {
        if name.server == number { peer == server } else { peer.user == server.user }
    };
    if known_server().is_some_and(fits) {
        return true;
    }
    // Not known yet; or this process sees users and processes by other numbers than before.
    if ask_again().is_err() {
        // Without a server no call will succeed.
        return known_server().is_none();
    }
    known_server().is_some_and(fits)
}

/// Looks who serves.
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

/// Is this the number of a connection of ours? The program did not open it.
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

/// The lowest number of a connection of ours from `first` on.
pub(crate) fn internal_from(first: c_int) -> Option<c_int> {
    let used = PAGE.used.load(Ordering::Relaxed);
    let numbers = PAGE.slots.iter().take(used).map(|slot| slot.fd.load(Ordering::Relaxed) - 1);
    numbers.filter(|number| *number >= first.max(0) && is_internal(*number)).min()
}

/// Makes room: the program wants this number for itself.
pub(crate) fn move_away(fd: c_int) {
    let Some((at, slot)) = slot_of(fd) else { return };
    let _kept = sys::KeepErrno::new();
    let moved = sys::control(fd, libc::F_DUPFD_CLOEXEC, lowest()).map_or(0, |fd| fd + 1);
    slot.fd.store(moved, Ordering::Release);
    if let Some((inherited, _)) = INHERITED.get(at) {
        inherited.store(moved, Ordering::Release);
    }
}
