//! Stopped calls on descriptors: their arguments, checked in the kernel's order, and the memory of the thread.

use super::filter::{BETWEEN_FIRST_TWO, ON_SOCKETS};
use super::path::low;
use aseqd_host::memory::{self, Piece};
use aseqd_host::seccomp::Notification;
use rustix::io::Errno;

/// Maximum number of pieces of one readv or writev, as in the kernel.
const IOV_MAX: u64 = 1024;

/// Maximum size of one read or write, in bytes. A longer one is cut, as the kernel cuts at 2 GiB: this bounds
/// what the server keeps for it.
const MAX_CALL: usize = 1 << 24;

/// Maximum number of bytes of a write that are fetched at once. The server holds as many for each write that
/// sleeps.
const MAX_PART: usize = 1 << 20;

/// The only flag of preadv2 and pwritev2 that a character device accepts.
const RWF_HIPRI: u32 = 1;

/// Requests that the kernel handles alike for every kind of file: `FIONCLEX`, `FIOCLEX`, `FIONBIO`, `FIOASYNC`.
const KERNELS_IOCTLS: [u32; 4] = [0x5450, 0x5451, 0x5421, 0x5452];

/// A call on a descriptor, with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::door) enum Trapped {
    /// A read into these pieces of memory; none if it asks for no bytes.
    Read(Vec<Piece>),
    /// A write from these pieces of memory; none if it has no bytes.
    Write(Vec<Piece>),
    /// An ioctl with its code and its argument.
    Ioctl { request: u32, argument: u64 },
    /// A copy of the descriptor, at the lowest free number from this one on.
    Dup { least: i32, close_on_exec: bool },
    /// A copy of the descriptor at this number.
    DupTo { number: i32, close_on_exec: bool },
    /// The kernel does the right thing by itself.
    Native,
}

/// Reads the arguments of a call.
///
/// # Errors
/// The kernel's errors for such arguments on a character device, such as `EFAULT` for a bad address and
/// `ENOTSOCK` for calls on sockets.
pub(in crate::door) fn trapped(call: &Notification) -> Result<Trapped, Errno> {
    let Notification { number, args, .. } = *call;
    let one = || -> Result<Vec<Piece>, Errno> {
        reachable(args[1], args[2])?;
        Ok(cut([(args[1], args[2])]))
    };
    if ON_SOCKETS.contains(&number) {
        return Err(Errno::NOTSOCK);
    }
    if BETWEEN_FIRST_TWO.contains(&number) || number == libc::SYS_splice {
        return Err(Errno::INVAL);
    }
    let close_on_exec = |flags: i32| flags & libc::O_CLOEXEC != 0;
    #[cfg(target_arch = "x86_64")]
    if number == libc::SYS_dup2 {
        // A copy to itself only checks the descriptor.
        return Ok(if low(args[0]) == low(args[1]) {
            Trapped::Native
        } else {
            Trapped::DupTo { number: low(args[1]), close_on_exec: false }
        });
    }
    Ok(match number {
        libc::SYS_read => Trapped::Read(one()?),
        libc::SYS_write => Trapped::Write(one()?),
        libc::SYS_readv => Trapped::Read(pieces(call)?),
        libc::SYS_writev => Trapped::Write(pieces(call)?),
        // A device without positions fails as a socket does.
        libc::SYS_preadv2 | libc::SYS_pwritev2 if args[3] != u64::MAX => Trapped::Native,
        libc::SYS_preadv2 | libc::SYS_pwritev2 => {
            let pieces = pieces(call)?;
            if length(&pieces) > 0 && low(args[5]).cast_unsigned() & !RWF_HIPRI != 0 {
                return Err(Errno::OPNOTSUPP);
            }
            if number == libc::SYS_preadv2 { Trapped::Read(pieces) } else { Trapped::Write(pieces) }
        }
        libc::SYS_vmsplice => return Err(Errno::BADF),
        libc::SYS_ioctl => {
            let request = low(args[1]).cast_unsigned();
            if KERNELS_IOCTLS.contains(&request) {
                Trapped::Native
            } else {
                Trapped::Ioctl { request, argument: args[2] }
            }
        }
        libc::SYS_dup => Trapped::Dup { least: 0, close_on_exec: false },
        libc::SYS_dup3 => {
            let (number, flags) = (low(args[1]), low(args[2]));
            if flags & !libc::O_CLOEXEC != 0 || low(args[0]) == number {
                return Err(Errno::INVAL);
            }
            Trapped::DupTo { number, close_on_exec: close_on_exec(flags) }
        }
        libc::SYS_fcntl => {
            let least = low(args[2]);
            if least < 0 {
                return Err(Errno::INVAL);
            }
            Trapped::Dup { least, close_on_exec: low(args[1]) == libc::F_DUPFD_CLOEXEC }
        }
        _ => Trapped::Native,
    })
}

/// Returns the indices of the arguments that can be descriptors of ours.
pub(in crate::door) fn descriptor_arguments(call: &Notification) -> &'static [usize] {
    match call.number {
        number if BETWEEN_FIRST_TWO.contains(&number) => &[0, 1],
        libc::SYS_splice => &[0, 2],
        _ => &[0],
    }
}

/// Returns the pieces of a readv or writev.
fn pieces(call: &Notification) -> Result<Vec<Piece>, Errno> {
    let [_, at, count, ..] = call.args;
    if count > IOV_MAX {
        return Err(Errno::INVAL);
    }
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(0) * 16];
    if !bytes.is_empty() && memory::read(call.thread, at, &mut bytes)? != bytes.len() {
        return Err(Errno::FAULT);
    }
    let word = |word: &[u8]| word.first_chunk().map_or(0, |word| u64::from_ne_bytes(*word));
    let list: Vec<_> = bytes.chunks_exact(16).map(|v| (word(v), word(&v[8..]))).collect();
    if list.iter().any(|(_, len)| i64::try_from(*len).is_err()) {
        return Err(Errno::INVAL);
    }
    list.iter().try_for_each(|(at, len)| reachable(*at, *len))?;
    // Without bytes the kernel does not call the device.
    Ok(if list.iter().all(|(_, len)| *len == 0) { Vec::new() } else { cut(list) })
}

/// Checks that a program could have memory at an address. The kernel does this first, even if no byte will
/// be moved.
fn reachable(at: u64, len: u64) -> Result<(), Errno> {
    let end = at.checked_add(len).ok_or(Errno::FAULT)?;
    i64::try_from(end).map(drop).map_err(|_| Errno::FAULT)
}

/// Returns the pieces, cut to the bytes that one call can move.
fn cut(list: impl IntoIterator<Item = (u64, u64)>) -> Vec<Piece> {
    let mut room = MAX_CALL;
    let piece = |(at, len): (u64, u64)| {
        let len = usize::try_from(len).unwrap_or(MAX_CALL).min(room);
        room -= len;
        Piece { at, len }
    };
    list.into_iter().map(piece).collect()
}

/// Returns how many bytes the pieces have.
pub(in crate::door) fn length(pieces: &[Piece]) -> usize {
    pieces.iter().map(|piece| piece.len).sum()
}

/// Copies a piece of the thread's memory, as much as is mapped. Returns whether that is all of it.
///
/// # Errors
/// `EPERM` if this process must not read there, `ESRCH` if the thread is gone.
pub(in crate::door) fn fetch(
    thread: i32,
    piece: Piece,
    bytes: &mut Vec<u8>,
) -> Result<bool, Errno> {
    bytes.clear();
    if piece.len == 0 {
        return Ok(true);
    }
    bytes.resize(piece.len, 0);
    let read = match memory::read(thread, piece.at, bytes) {
        Err(Errno::FAULT) => 0,
        read => read?,
    };
    bytes.truncate(read);
    Ok(read == piece.len)
}

/// A read or write under way. As in Linux, each piece is a call of its own on the device, made if the one
/// before was done in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::door) struct Transfer {
    pieces: Vec<Piece>,
    at: usize,
    /// Bytes of the current piece that earlier parts have done.
    within: usize,
    done: usize,
    pub(in crate::door) nonblock: bool,
    /// Whether some of the piece was not mapped.
    pub(in crate::door) cut: bool,
}

impl Transfer {
    pub(in crate::door) fn new(mut pieces: Vec<Piece>, nonblock: bool) -> Self {
        pieces.retain(|piece| piece.len > 0);
        if pieces.is_empty() {
            pieces.push(Piece { at: 0, len: 0 });
        }
        Self { pieces, at: 0, within: 0, done: 0, nonblock, cut: false }
    }

    /// Returns the current piece.
    pub(in crate::door) fn piece(&self) -> Piece {
        self.pieces[self.at]
    }

    /// Returns what to fetch of the current piece next, for a write.
    pub(in crate::door) fn part(&self) -> Piece {
        let Piece { at, len } = self.piece();
        Piece { at: at.wrapping_add(self.within as u64), len: (len - self.within).min(MAX_PART) }
    }

    /// Notes that bytes of a part are written. Returns whether there is more to do.
    pub(in crate::door) fn advance_part(&mut self, count: usize) -> bool {
        // A part may end within a record, which is then taken with the next part.
        if count > 0 && self.within + self.part().len < self.piece().len {
            self.done += count;
            self.within += count;
            return true;
        }
        self.advance(count)
    }

    /// Notes that bytes of the current piece are done, after those of its earlier parts. Returns whether there
    /// is more to do.
    pub(in crate::door) fn advance(&mut self, count: usize) -> bool {
        let full = self.within + count == self.piece().len;
        self.done += count;
        self.at += 1;
        self.within = 0;
        full && self.at < self.pieces.len()
    }

    /// Returns what the whole call returns if it ends with this error number, or with 0 for none.
    ///
    /// # Errors
    /// That number, if no byte was moved before.
    pub(in crate::door) fn outcome(&self, error: i32) -> Result<i64, i32> {
        if self.done == 0 && error != 0 {
            Err(error)
        } else {
            Ok(i64::try_from(self.done).unwrap_or(0))
        }
    }
}

/// Puts bytes into a piece of the thread's memory. Returns how many fitted.
pub(in crate::door) fn put(thread: i32, piece: Piece, bytes: &[u8]) -> usize {
    let bytes = &bytes[..bytes.len().min(piece.len)];
    if bytes.is_empty() { 0 } else { memory::write(thread, piece.at, bytes).unwrap_or(0) }
}

/// Puts all bytes into the thread's memory. Returns how many they are.
///
/// # Errors
/// `EFAULT` if not all of that memory can be written.
pub(in crate::door) fn put_all(thread: i32, at: u64, bytes: &[u8]) -> Result<i64, Errno> {
    let piece = Piece { at, len: bytes.len() };
    if put(thread, piece, bytes) == bytes.len() {
        Ok(i64::try_from(bytes.len()).unwrap_or(0))
    } else {
        Err(Errno::FAULT)
    }
}

/// Puts a struct into the thread's memory.
///
/// # Errors
/// The errors of [`put_all`].
pub(in crate::door) fn write(thread: i32, at: u64, bytes: &[u8]) -> Result<(), Errno> {
    put_all(thread, at, bytes).map(drop)
}

/// Puts bytes into pieces of the thread's memory, one after the other.
///
/// # Errors
/// `EFAULT` if the pieces are too small, or if not all of them can be written.
pub(in crate::door) fn scatter(
    thread: i32,
    pieces: &[Piece],
    mut bytes: &[u8],
) -> Result<(), Errno> {
    for piece in pieces {
        if bytes.is_empty() {
            return Ok(());
        }
        let (now, later) = bytes.split_at(bytes.len().min(piece.len));
        if put(thread, *piece, now) != now.len() {
            return Err(Errno::FAULT);
        }
        bytes = later;
    }
    if bytes.is_empty() { Ok(()) } else { Err(Errno::FAULT) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(number: libc::c_long, args: [u64; 3]) -> Notification {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        let [first, second, third] = args;
        Notification { id: 1, thread, number, args: [first, second, third, 0, 0, 0] }
    }

    #[test]
    fn bytes_go_through_pieces_there_and_back() {
        let (mut first, mut second) = ([0_u8; 3], [0_u8; 5]);
        let vector =
            [[first.as_mut_ptr().addr() as u64, 3], [0, 0], [second.as_mut_ptr().addr() as u64, 5]];
        let call = call(libc::SYS_readv, [900, vector.as_ptr().addr() as u64, 3]);
        let Ok(Trapped::Read(pieces)) = trapped(&call) else { panic!("a read") };
        assert_eq!(length(&pieces), 8);
        scatter(call.thread, &pieces, b"abcdefg").unwrap();
        assert_eq!((&first, &second), (b"abc", b"defg\0"));
        let mut bytes = Vec::new();
        assert_eq!(fetch(call.thread, pieces[2], &mut bytes), Ok(true));
        assert_eq!(bytes, b"defg\0");
        assert_eq!(scatter(call.thread, &pieces, b"too much"), Ok(()));
        assert_eq!(scatter(call.thread, &pieces, b"too much!"), Err(Errno::FAULT));
    }

    #[test]
    fn pieces_are_done_one_after_the_other() {
        let piece = |len| Piece { at: 4096, len };
        let mut whole = Transfer::new(vec![piece(3), piece(0), piece(5)], false);
        assert_eq!((whole.piece(), whole.outcome(11)), (piece(3), Err(11)));
        assert!(whole.advance(3));
        assert_eq!((whole.piece(), whole.outcome(11)), (piece(5), Ok(3)));
        assert!(!whole.advance(5));
        assert_eq!(whole.outcome(0), Ok(8));
        let mut short = Transfer::new(vec![piece(3), piece(5)], false);
        assert!(!short.advance(2));
        assert_eq!(short.outcome(0), Ok(2));
        let mut long = Transfer::new(vec![piece(MAX_PART + 9), piece(2)], false);
        assert_eq!(long.part(), piece(MAX_PART));
        assert!(long.advance_part(MAX_PART - 5), "a record lies across the border");
        assert_eq!(long.part(), Piece { at: 4096 + MAX_PART as u64 - 5, len: 14 });
        assert!(long.advance_part(14));
        assert_eq!((long.part(), long.outcome(0)), (piece(2), Ok(MAX_PART as i64 + 9)));
        let mut refused = Transfer::new(vec![piece(2 * MAX_PART)], false);
        assert!(!refused.advance_part(0), "nothing was taken, so nothing will be");
        let mut read = Transfer::new(vec![piece(2 * MAX_PART), piece(1)], false);
        assert!(!read.advance(28), "a read of less than a piece is done, however long that is");
        assert_eq!(read.outcome(0), Ok(28));
        let nothing = Transfer::new(vec![piece(0)], false);
        assert_eq!((nothing.piece().len, nothing.outcome(22)), (0, Err(22)));
    }

    #[test]
    fn bad_arguments_have_the_errors_of_the_kernel() {
        let refused = |number, args| trapped(&call(number, args)).unwrap_err();
        assert_eq!(refused(libc::SYS_writev, [900, 0, 1025]), Errno::INVAL);
        assert_eq!(refused(libc::SYS_writev, [900, 8, 1]), Errno::FAULT);
        let vector = [[0, u64::MAX]];
        let at = vector.as_ptr().addr() as u64;
        assert_eq!(refused(libc::SYS_readv, [900, at, 1]), Errno::INVAL);
        assert_eq!(refused(libc::SYS_dup3, [900, 900, 0]), Errno::INVAL);
        assert_eq!(refused(libc::SYS_dup3, [900, 901, 1]), Errno::INVAL);
        let mut bytes = Vec::new();
        let thread = call(0, [0; 3]).thread;
        assert_eq!(fetch(thread, Piece { at: 8, len: 4 }, &mut bytes), Ok(false));
        assert!(bytes.is_empty());
    }

    #[test]
    fn what_is_the_same_for_every_file_is_the_kernels() {
        for request in KERNELS_IOCTLS {
            let call = call(libc::SYS_ioctl, [900, request.into(), 0]);
            assert_eq!(trapped(&call), Ok(Trapped::Native));
        }
    }
}
