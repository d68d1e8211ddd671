//! A trapped call on a descriptor, read as the kernel would read it.

use super::filter::{BETWEEN_FIRST_TWO, ON_SOCKETS};
use super::path::low;
use aseqd_host::memory::{self, Piece};
use aseqd_host::seccomp::Notification;
use rustix::io::Errno;

/// The most pieces of one readv or writev.
const IOV_MAX: u64 = 1024;

/// The most bytes of one call that are taken: a longer one is cut, as the kernel cuts at 2 GiB.
const MOST: usize = 1 << 24;

/// The most bytes of a write that are fetched at once: the server holds as many for each that sleeps.
const PART: usize = 1 << 20;

/// The only flag of preadv2 and pwritev2 that a character device takes.
const RWF_HIPRI: u32 = 1;

/// Requests that the kernel handles for any kind of file: close-on-exec, `O_NONBLOCK`, `O_ASYNC`.
const COMMON: [u32; 4] = [0x5450, 0x5451, 0x5421, 0x5452];

/// What a call is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::door) enum Trapped {
    /// Into these pieces of memory; none if nothing is to be moved.
    Read(Vec<Piece>),
    /// From these pieces of memory; none if nothing is to be moved.
    Write(Vec<Piece>),
    /// An ioctl with its code and its argument.
    Ioctl { request: u32, argument: u64 },
    /// A second descriptor, at the lowest number that is not below this one.
    Dup { least: i32, close_on_exec: bool },
    /// A second descriptor at this number.
    DupTo { number: i32, close_on_exec: bool },
    /// The kernel does it right.
    Native,
}

/// Reads the arguments of a call.
///
/// # Errors
/// Those that the kernel has for such arguments.
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
        // To itself: it only says whether the descriptor is good.
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
        // At a position, a device that has none refuses it as a socket does.
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
            if COMMON.contains(&request) {
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

/// Which argument of a call can be a descriptor of ours.
pub(in crate::door) fn descriptor_arguments(call: &Notification) -> &'static [usize] {
    match call.number {
        number if BETWEEN_FIRST_TWO.contains(&number) => &[0, 1],
        libc::SYS_splice => &[0, 2],
        _ => &[0],
    }
}

/// The pieces of a readv or writev.
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
    // No bytes: the kernel does not ask the device.
    Ok(if list.iter().all(|(_, len)| *len == 0) { Vec::new() } else { cut(list) })
}

/// Could a program have memory there? Looked at by the kernel before all else, also where nothing
/// will be moved.
fn reachable(at: u64, len: u64) -> Result<(), Errno> {
    let end = at.checked_add(len).ok_or(Errno::FAULT)?;
    i64::try_from(end).map(drop).map_err(|_| Errno::FAULT)
}

/// At most as many bytes as one call can move.
fn cut(list: impl IntoIterator<Item = (u64, u64)>) -> Vec<Piece> {
    let mut room = MOST;
    let piece = |(at, len): (u64, u64)| {
        let len = usize::try_from(len).unwrap_or(MOST).min(room);
        room -= len;
        Piece { at, len }
    };
    list.into_iter().map(piece).collect()
}

/// How many bytes the pieces have.
pub(in crate::door) fn length(pieces: &[Piece]) -> usize {
    pieces.iter().map(|piece| piece.len).sum()
}

/// Takes a piece out of the thread's memory, as far as that is there: true if all of it was.
///
/// # Errors
/// `EPERM` if this process may not; `ESRCH` if the thread is gone.
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

/// A read or write under way: every piece of it is a call of its own, as Linux makes of those on a
/// device, and the next one comes if the one before was done in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::door) struct Transfer {
    pieces: Vec<Piece>,
    at: usize,
    /// Of the piece that it is at, by earlier parts.
    within: usize,
    done: usize,
    pub(in crate::door) nonblock: bool,
    /// The piece was not all there.
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

    /// The piece that it is at.
    pub(in crate::door) fn piece(&self) -> Piece {
        self.pieces[self.at]
    }

    /// What is to be fetched of it next, for a write.
    pub(in crate::door) fn part(&self) -> Piece {
        let Piece { at, len } = self.piece();
        Piece { at: at.wrapping_add(self.within as u64), len: (len - self.within).min(PART) }
    }

    /// Some bytes of a part are written. True if there is more to do.
    pub(in crate::door) fn advance_part(&mut self, count: usize) -> bool {
        // A part ends within a record: the rest of that comes with the next one.
        if count > 0 && self.within + self.part().len < self.piece().len {
            self.done += count;
            self.within += count;
            return true;
        }
        self.advance(count)
    }

    /// Some bytes of the piece, behind those of its earlier parts, are done. True if there is more to do.
    pub(in crate::door) fn advance(&mut self, count: usize) -> bool {
        let full = self.within + count == self.piece().len;
        self.done += count;
        self.at += 1;
        self.within = 0;
        full && self.at < self.pieces.len()
    }

    /// What the whole call returns when it ends like this.
    pub(in crate::door) fn outcome(&self, error: i32) -> Result<i64, i32> {
        if self.done == 0 && error != 0 {
            Err(error)
        } else {
            Ok(i64::try_from(self.done).unwrap_or(0))
        }
    }
}

/// Puts bytes into a piece of the thread's memory; how many found room.
pub(in crate::door) fn put(thread: i32, piece: Piece, bytes: &[u8]) -> usize {
    let bytes = &bytes[..bytes.len().min(piece.len)];
    if bytes.is_empty() { 0 } else { memory::write(thread, piece.at, bytes).unwrap_or(0) }
}

/// Puts bytes into the thread's memory, all of them, and returns how many.
///
/// # Errors
/// `EFAULT` if they do not all have room there.
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
/// As [`put_all`]'s.
pub(in crate::door) fn write(thread: i32, at: u64, bytes: &[u8]) -> Result<(), Errno> {
    put_all(thread, at, bytes).map(drop)
}

/// Puts bytes into pieces of the thread's memory.
///
/// # Errors
/// `EFAULT` where there is not room for all.
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
        let mut long = Transfer::new(vec![piece(PART + 9), piece(2)], false);
        assert_eq!(long.part(), piece(PART));
        assert!(long.advance_part(PART - 5), "a record lies across the border");
        assert_eq!(long.part(), Piece { at: 4096 + PART as u64 - 5, len: 14 });
        assert!(long.advance_part(14));
        assert_eq!((long.part(), long.outcome(0)), (piece(2), Ok(PART as i64 + 9)));
        let mut refused = Transfer::new(vec![piece(2 * PART)], false);
        assert!(!refused.advance_part(0), "nothing was taken, so nothing will be");
        let mut read = Transfer::new(vec![piece(2 * PART), piece(1)], false);
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
        for request in COMMON {
            let call = call(libc::SYS_ioctl, [900, request.into(), 0]);
            assert_eq!(trapped(&call), Ok(Trapped::Native));
        }
    }
}
