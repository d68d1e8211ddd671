//! Connections to the server, for calls that can happen at any moment: in a signal handler, in a child
//! of a process with threads.
//!
//! A connection carries one call at a time. They stand in a fixed number of slots, which calls claim
//! without a lock. The slots lie in a page that is empty in every child, which so begins with none. A
//! child must not hold the connections of its parent open either; their numbers stand a second time
//! where they survive, and it closes them.
#![expect(unsafe_code, reason = "looks at an abandoned call's frame; asks for a handler of forks")]

use crate::sys::{self, Outcome, Peer};
use aseqd_wire::preload::{
    ANSWER, FileName, REFUSED, Reply, Request, SECRET_LEN, Secret, VERSION, Welcome,
    is_same_secret, kind,
};
use core::sync::atomic::{
    AtomicBool, AtomicI32, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
use libc::c_int;
use zerocopy::{FromZeros as _, IntoBytes as _};

/// Calls that wait at the same time on connections that are kept; more have one for themselves.
const SLOTS: usize = 64;
/// Connections stand below this number, or below the limit of the process, so that no table of
/// descriptors grows for them.
const TOP: u64 = 1024;

/// A place for a connection.
struct Slot {
    /// The address of the [`Frame`] of the call that uses it; 0 if none does.
    holder: AtomicUsize,
    /// Of the thread that holds it.
    thread: AtomicUsize,
    /// The connection; 0 for none, or its number plus one.
    fd: AtomicI32,
    /// The number of the last call.
    serial: AtomicU32,
    /// Of the connection, by which it is known from others that have come to its number.
    inode: AtomicU64,
}

#[repr(C, align(4096))]
struct Page {
    /// Whose slots these are; 0 in a child.
    process: AtomicI32,
    /// Slots that were ever used.
    used: AtomicUsize,
    /// The server's number, process and user, as its last connection has shown them; all 0 before the
    /// first.
    server: AtomicU64,
    server_process: AtomicI32,
    server_user: AtomicU32,
    slots: [Slot; SLOTS],
}

const _: () = assert!(size_of::<Page>() == sys::PAGE);

impl Slot {
    const fn new() -> Self {
        Self {
            holder: AtomicUsize::new(0),
            thread: AtomicUsize::new(0),
            fd: AtomicI32::new(0),
            serial: AtomicU32::new(0),
            inode: AtomicU64::new(0),
        }
    }
}

static PAGE: Page = Page {
    process: AtomicI32::new(0),
    used: AtomicUsize::new(0),
    server: AtomicU64::new(0),
    server_process: AtomicI32::new(0),
    server_user: AtomicU32::new(0),
    slots: [const { Slot::new() }; SLOTS],
};

/// The same connections, for a child that has to close them: number plus one, inode.
static INHERITED: [(AtomicI32, AtomicU64); SLOTS] =
    [const { (AtomicI32::new(0), AtomicU64::new(0)) }; SLOTS];

/// The longest name of a socket.
pub(crate) const MAX_NAME: usize = 108;

/// Where the server is: the bytes of its address, set before anybody calls, and their number.
static SERVER: [AtomicU8; MAX_NAME] = [const { AtomicU8::new(0) }; MAX_NAME];
static SERVER_LEN: AtomicUsize = AtomicUsize::new(0);

/// What is shown to the server, and what it shows, one after the other.
static SECRET: [AtomicU8; 2 * SECRET_LEN] = [const { AtomicU8::new(0) }; 2 * SECRET_LEN];

/// Notes the secret of the run. Without one the server refuses.
pub(crate) fn set_secret(digits: &[u8]) {
    let Some(secret) = Secret::parse(digits) else { return };
    for (place, byte) in SECRET.iter().zip(secret.program.iter().chain(&secret.server)) {
        place.store(*byte, Ordering::Relaxed);
    }
}

fn secret() -> Secret {
    let mut secret = Secret { program: [0; SECRET_LEN], server: [0; SECRET_LEN] };
    for (byte, place) in secret.program.iter_mut().chain(&mut secret.server).zip(&SECRET) {
        *byte = place.load(Ordering::Relaxed);
    }
    secret
}

/// Notes where the server is: a path, or an abstract name after `@`.
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
    // A path has a zero behind it, an abstract name has none.
    SERVER_LEN.store(name.len() + usize::from(!is_abstract), Ordering::Release);
}

/// Is there a card?
static CARD: AtomicBool = AtomicBool::new(false);

/// Notes that there is a card.
pub(crate) fn set_card() {
    CARD.store(true, Ordering::Relaxed);
}

/// Is there a card, whose control device is ours too?
pub(crate) fn has_card() -> bool {
    CARD.load(Ordering::Relaxed)
}

/// Is there a server at all?
#[inline]
pub(crate) fn has_server() -> bool {
    SERVER_LEN.load(Ordering::Acquire) > 0
}

/// The folder in which the socket and the library are; none if the socket has an abstract name.
pub(crate) fn folder(path: &mut [u8; MAX_NAME]) -> Option<&[u8]> {
    for (place, byte) in path.iter_mut().zip(&SERVER) {
        *place = byte.load(Ordering::Relaxed);
    }
    let len = SERVER_LEN.load(Ordering::Acquire);
    let path = path.get(..len).filter(|path| path.starts_with(b"/"))?;
    path.get(..path.iter().rposition(|byte| *byte == b'/')?)
}

/// Its address, and the length of that.
fn server() -> Outcome<(libc::sockaddr_un, u32)> {
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

/// Called once, when the library is loaded.
pub(crate) fn prepare() {
    let _or_by_the_handler = sys::wipe_on_fork((&raw const PAGE).addr());
    PAGE.process.store(sys::process(), Ordering::Relaxed);
    // SAFETY: the handler makes only system calls and lives as long as the library, which is never
    // unloaded.
    let _no_memory = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}

/// Is the memory that of this process, and not of a parent that waits for it in vfork?
pub(crate) fn is_own_process() -> bool {
    PAGE.process.load(Ordering::Relaxed) == sys::process()
}

/// The child of a fork: has no connections, and lets go of its parent's.
extern "C" fn in_child() {
    let _kept = sys::KeepErrno::new();
    if PAGE.process.load(Ordering::Relaxed) != 0 {
        // The page was copied: this kernel cannot wipe it.
        for slot in &PAGE.slots {
            slot.fd.store(0, Ordering::Relaxed);
            slot.thread.store(0, Ordering::Relaxed);
            slot.holder.store(0, Ordering::Relaxed);
        }
        PAGE.used.store(0, Ordering::Relaxed);
        PAGE.server.store(0, Ordering::Relaxed);
        PAGE.process.store(0, Ordering::Relaxed);
    }
    begin();
}

/// The first call of a process: closes what it has inherited.
fn begin() {
    let own = sys::process();
    if PAGE.process.compare_exchange(0, own, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        return;
    }
    for (fd, inode) in &INHERITED {
        let number = fd.swap(0, Ordering::AcqRel) - 1;
        if number >= 0 && sys::inode(number) == Ok(inode.load(Ordering::Relaxed)) {
            let _closed = sys::close(number);
        }
    }
}

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
        begin();
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

/// A new connection, at a high number, and its inode.
fn connection() -> Outcome<(c_int, u64)> {
    let (address, len) = server()?;
    let mut fd = sys::socket()?;
    let connected = loop {
        match sys::connect(fd, &address, len) {
            Err(libc::EINTR) => {}
            connected => break connected,
        }
    };
    let greeted = connected.and_then(|_| {
        if let Ok(high) = sys::control(fd, libc::F_DUPFD_CLOEXEC, lowest()) {
            let _closed = sys::close(fd);
            fd = high;
        }
        greet(fd)?;
        sys::inode(fd)
    });
    match greeted {
        Ok(inode) => Ok((fd, inode)),
        Err(error) => {
            let _closed = sys::close(fd);
            // A server that is gone is a device that is gone.
            Err(if matches!(error, libc::EACCES | libc::EMFILE | libc::ENFILE | libc::ENOMEM) {
                error
            } else {
                libc::ENODEV
            })
        }
    }
}

/// Shows the secret, and sees whether who listens knows it, too: the server's path may be another's by
/// now. Then notes who that is.
fn greet(fd: c_int) -> Outcome<()> {
    let secret = secret();
    let hello = Request { kind: kind::HELLO, code: VERSION, ..Request::default() };
    send(fd, &hello, secret.program.as_ptr(), SECRET_LEN)?;
    let mut reply = Reply::new_zeroed();
    let mut welcome = Welcome::new_zeroed();
    let mut parts = [
        libc::iovec {
            iov_base: reply.as_mut_bytes().as_mut_ptr().cast(),
            iov_len: size_of::<Reply>(),
        },
        libc::iovec {
            iov_base: welcome.as_mut_bytes().as_mut_ptr().cast(),
            iov_len: size_of::<Welcome>(),
        },
    ];
    // SAFETY: all of its bytes may be zero.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = parts.len();
    let received = loop {
        match sys::receive_message(fd, &mut message, 0) {
            Err(libc::EINTR) => {}
            received => break received?,
        }
    };
    if received >= size_of::<Reply>() && reply.kind == REFUSED {
        return Err(libc::EACCES);
    }
    let whole = received == size_of::<Reply>() + size_of::<Welcome>();
    if !whole || reply.kind != ANSWER || !is_same_secret(&welcome.proof, &secret.server) {
        return Err(libc::ENODEV);
    }
    note_server(welcome.server, sys::peer(fd)?);
    Ok(())
}

fn note_server(number: u64, peer: Peer) {
    PAGE.server_process.store(peer.process, Ordering::Relaxed);
    PAGE.server_user.store(peer.user, Ordering::Relaxed);
    PAGE.server.store(number, Ordering::Release);
}

/// The server's number, process and user, if this process has seen it.
fn known_server() -> Option<(u64, Peer)> {
    let number = PAGE.server.load(Ordering::Acquire);
    let process = PAGE.server_process.load(Ordering::Relaxed);
    let user = PAGE.server_user.load(Ordering::Relaxed);
    (number != 0).then_some((number, Peer { process, user }))
}

/// Was the other end of a socket made by the server, as far as is known?
pub(crate) fn is_known_server(fd: c_int) -> bool {
    known_server().is_some_and(|(_, server)| sys::peer(fd) == Ok(server))
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

/// Where connections begin.
fn lowest() -> c_int {
    let mut limit = libc::rlimit { rlim_cur: TOP, rlim_max: TOP };
    // SAFETY: the pointer is to a struct that the call fills.
    let _as_it_was = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    let top = c_int::try_from(limit.rlim_cur.min(TOP)).unwrap_or(0);
    top.saturating_sub(c_int::try_from(SLOTS).unwrap_or(0)).max(3)
}

/// Sends a request and the bytes that go with it.
pub(crate) fn send(fd: c_int, request: &Request, data: *const u8, len: usize) -> Outcome {
    let head = request.as_bytes();
    let mut parts = [
        libc::iovec { iov_base: head.as_ptr().cast_mut().cast(), iov_len: head.len() },
        libc::iovec { iov_base: data.cast_mut().cast(), iov_len: len },
    ];
    // SAFETY: all of its bytes may be zero.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = if len == 0 { 1 } else { 2 };
    loop {
        match sys::send_message(fd, &message) {
            Err(libc::EINTR) => {}
            sent => return sent,
        }
    }
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
