//! The descriptor that stands for a file in a program. It shows poll, select and epoll whether the file is ready;
//! nothing else goes through it.
//!
//! A pair of sockets can show all four states. It is *readable* while bytes of the server's lie in the program's
//! end, and *not writable* while bytes that were sent from the program's end fill its send buffer. The server
//! takes bytes out of that end, and fills it, with a copy of the program's descriptor, which it has while a call
//! of the program waits. Where it may not copy descriptors, the file is a FIFO, of which the server can open
//! either end at any time. A FIFO that is open for both directions cannot show a file that is neither readable
//! nor writable: it shows such a file as writable.

use crate::door::Readiness;
use crate::door::stopped::identity::Identity;
use aseqd_engine::Access;
use aseqd_host::peer::refuse_descriptors;
use rustix::fs::{CWD, Mode, OFlags, fcntl_getfl, fcntl_setfl, fstat, openat};
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_send_buffer_size;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};
use rustix::param::page_size;
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

/// More bytes than fit into the smallest send buffer of a socket.
const FILLING: [u8; 2048] = [0; 2048];

/// Maximum number of reads to empty a socket, each of as many bytes as [`FILLING`]. A program that fills it as
/// quickly must not keep the server busy.
const MAX_DRAIN_READS: usize = 16;

/// Maximum number of unread bytes that announce events. A program that has not reacted to these needs no more.
const MAX_MARKS: usize = 128;

/// What the server keeps of a file's descriptor.
#[derive(Debug)]
pub(super) struct Line {
    medium: Medium,
    shown: Readiness,
}

/// By what a line shows a state.
#[derive(Debug)]
enum Medium {
    /// The server's socket, and how many bytes lie unread in the program's.
    Socket { ours: OwnedFd, marks: usize },
    /// The server's end of a FIFO: the write end for files that can only be read, else the read end.
    Fifo { ours: OwnedFd, access: Access },
}

/// A program's end, and its identity.
#[derive(Debug)]
pub(super) struct End {
    pub(super) descriptor: OwnedFd,
    pub(super) identity: Identity,
}

impl Line {
    /// Makes a pair of sockets. At first it shows that the file is writable and not readable.
    ///
    /// # Errors
    /// `EMFILE` or `ENFILE` if there are too many open files, `ENOMEM`.
    pub(super) fn socket() -> Result<(Self, End), Errno> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        refuse_descriptors(ours.as_fd());
        set_socket_send_buffer_size(&theirs, 0)?;
        Self::new(Medium::Socket { ours, marks: 0 }, theirs)
    }

    /// Makes a FIFO, which shows the same at first.
    ///
    /// # Errors
    /// The errors of [`socket`](Self::socket).
    pub(super) fn fifo(access: Access) -> Result<(Self, End), Errno> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // The fewest buffers that can show the states: two if the program has both ends, else one.
        let buffers = if access == Access::ReadWrite { 2 } else { 1 };
        fcntl_setpipe_size(&reader, buffers * page_size())?;
        let (ours, theirs) = match access {
            Access::Read => (writer, reader),
            Access::Write => (reader, writer),
            Access::ReadWrite => {
                let both = reopen(&reader, OFlags::RDWR)?;
                (reader, both)
            }
        };
        // The program's end gets `O_NONBLOCK` later, if the program asked for it.
        fcntl_setfl(&theirs, fcntl_getfl(&theirs)? - OFlags::NONBLOCK)?;
        Self::new(Medium::Fifo { ours, access }, theirs)
    }

    fn new(medium: Medium, theirs: OwnedFd) -> Result<(Self, End), Errno> {
        let identity = Identity::of(&fstat(&theirs)?);
        let shown = Readiness { readable: false, writable: true };
        Ok((Self { medium, shown }, End { descriptor: theirs, identity }))
    }

    /// Returns the state that it shows.
    pub(super) const fn shown(&self) -> Readiness {
        self.shown
    }

    /// Returns another descriptor of the file, given a copy if there is one.
    ///
    /// # Errors
    /// `EBADF` for a socket without a copy, `EMFILE` or `ENFILE` if there are too many open files.
    pub(super) fn another(&self, copy: Option<OwnedFd>, nonblock: bool) -> Result<OwnedFd, Errno> {
        if let Some(copy) = copy {
            return Ok(copy);
        }
        let Medium::Fifo { ours, access } = &self.medium else { return Err(Errno::BADF) };
        let mode = match access {
            Access::Read => OFlags::RDONLY,
            Access::Write => OFlags::WRONLY,
            Access::ReadWrite => OFlags::RDWR,
        };
        let end = reopen(ours, mode | OFlags::NONBLOCK)?;
        if !nonblock {
            fcntl_setfl(&end, fcntl_getfl(&end)? - OFlags::NONBLOCK)?;
        }
        Ok(end)
    }

    /// Shows a state. A socket cannot show less than before without the program's end, `theirs`: that is then left
    /// to the next call.
    pub(super) fn show(&mut self, state: Readiness, theirs: Option<BorrowedFd<'_>>) {
        match &mut self.medium {
            Medium::Socket { ours, marks } => {
                if state.readable && *marks == 0 {
                    *marks = mark(ours);
                }
                if let Some(theirs) = theirs
                    && !state.readable
                    && *marks > 0
                {
                    let mut bytes = [0; MAX_MARKS];
                    // Programs cannot read there, so all the bytes are still there.
                    let _read = recv(theirs, &mut bytes[..*marks], RecvFlags::DONTWAIT);
                    *marks = 0;
                }
                if state.writable && !self.shown.writable {
                    drain(ours);
                    self.shown.writable = true;
                }
                if let Some(theirs) = theirs
                    && !state.writable
                    && self.shown.writable
                {
                    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                    self.shown.writable = send(theirs, &FILLING, flags).is_err();
                }
                self.shown.readable = *marks > 0;
            }
            Medium::Fifo { ours, access } => {
                if state != self.shown && fill(ours, *access, state).is_ok() {
                    self.shown = state;
                }
            }
        }
    }

    /// Shows that an event has come to a file that may be readable already, for programs that wait for edges.
    pub(super) fn renew(&mut self) {
        match &mut self.medium {
            Medium::Socket { ours, marks } if (1..MAX_MARKS).contains(marks) => {
                *marks += mark(ours)
            }
            Medium::Fifo { ours, access } if self.shown.readable && *access != Access::Write => {
                // If it does not fit, the program has enough unread.
                let _full = add(ours, *access);
            }
            _ => {}
        }
    }
}

/// Sends a byte that makes the program's end readable. Returns how many were sent.
fn mark(ours: &OwnedFd) -> usize {
    // Fails if the program's end is closed, which the epoll reports.
    send(ours, &[0], SendFlags::DONTWAIT | SendFlags::NOSIGNAL).unwrap_or(0)
}

impl AsFd for Line {
    /// Returns the server's end. Polls of it report a hang-up or an error once the program's last descriptor is
    /// closed.
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.medium {
            Medium::Socket { ours, .. } | Medium::Fifo { ours, .. } => ours.as_fd(),
        }
    }
}

/// Empties a socket, so that its peer can send again.
fn drain(ours: &OwnedFd) {
    let mut bytes = [0; FILLING.len()];
    for _ in 0..MAX_DRAIN_READS {
        if !recv(ours, &mut bytes, RecvFlags::DONTWAIT).is_ok_and(|(read, _)| read > 0) {
            break;
        }
    }
}

/// Adds a byte to a FIFO that has some.
fn add(ours: &OwnedFd, access: Access) -> Result<usize, Errno> {
    match access {
        Access::Read => rustix::io::write(ours, &[0]),
        _ => rustix::io::write(reopen(ours, OFlags::WRONLY | OFlags::NONBLOCK)?, &[0]),
    }
}

/// Fills or empties a FIFO until it shows a state.
fn fill(ours: &OwnedFd, access: Access, state: Readiness) -> Result<(), Errno> {
    let mode = if access == Access::Read { OFlags::RDONLY } else { OFlags::WRONLY };
    let other = reopen(ours, mode | OFlags::NONBLOCK)?;
    let (reader, writer) = if access == Access::Read { (&other, ours) } else { (ours, &other) };
    let page = page_size();
    // One byte makes it readable and leaves the second buffer free, if there are two. A page and a byte fill both.
    let wanted = match access {
        Access::Read => usize::from(state.readable),
        Access::Write => usize::from(!state.writable),
        Access::ReadWrite if !state.readable => 0,
        Access::ReadWrite if state.writable => 1,
        Access::ReadWrite => page + 1,
    };
    let unread = usize::try_from(rustix::io::ioctl_fionread(reader)?).unwrap_or(0);
    let mut bytes = vec![0; unread.abs_diff(wanted)];
    if unread < wanted {
        rustix::io::write(writer, &bytes)?;
    } else if unread > wanted {
        rustix::io::read(reader, &mut bytes)?;
    }
    Ok(())
}

/// Opens a FIFO once more.
fn reopen(fifo: &OwnedFd, flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = format!("/proc/self/fd/{}", fifo.as_raw_fd());
    openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};

    const NOW: rustix::time::Timespec = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };

    fn polled(descriptor: impl AsFd) -> PollFlags {
        let asked = PollFlags::IN | PollFlags::OUT;
        let mut polled = [PollFd::new(&descriptor, asked)];
        poll(&mut polled, Some(&NOW)).unwrap();
        polled[0].revents()
    }

    /// States in an order in which each follows each other one.
    const STATES: [(bool, bool); 13] = [
        (false, true),
        (true, true),
        (true, false),
        (false, false),
        (true, true),
        (false, true),
        (true, false),
        (false, true),
        (false, false),
        (true, false),
        (true, true),
        (false, false),
        (false, true),
    ];

    fn wanted(readable: bool, writable: bool) -> PollFlags {
        let mut wanted = PollFlags::empty();
        wanted.set(PollFlags::IN, readable);
        wanted.set(PollFlags::OUT, writable);
        wanted
    }

    #[test]
    fn a_socket_shows_every_state() {
        let (mut line, end) = Line::socket().unwrap();
        let theirs = end.descriptor;
        for (readable, writable) in STATES {
            line.show(Readiness { readable, writable }, Some(theirs.as_fd()));
            assert_eq!(polled(&theirs), wanted(readable, writable));
        }
        drop(theirs);
        assert!(polled(&line).contains(PollFlags::HUP));
    }

    #[test]
    fn a_socket_goes_on_by_itself_and_off_with_the_programs_end() {
        let (mut line, end) = Line::socket().unwrap();
        let off = Readiness::default();
        let on = Readiness { readable: true, writable: true };
        line.show(on, None);
        line.renew();
        line.renew();
        line.show(off, None);
        assert_eq!(polled(&end.descriptor), wanted(true, true), "nothing can be taken back");
        line.show(off, Some(end.descriptor.as_fd()));
        assert_eq!(polled(&end.descriptor), wanted(false, false));
        line.show(on, None);
        assert_eq!(polled(&end.descriptor), wanted(true, true));
        drop(line);
        assert!(polled(&end.descriptor).contains(PollFlags::HUP), "a server that died shows");
    }

    #[test]
    fn a_fifo_shows_every_state_but_one() {
        for access in [Access::Read, Access::Write, Access::ReadWrite] {
            let (mut line, end) = Line::fifo(access).unwrap();
            let theirs = end.descriptor;
            for (readable, writable) in STATES {
                line.show(Readiness { readable, writable }, None);
                let shown = match access {
                    Access::Read => wanted(readable, false),
                    Access::Write => wanted(false, writable),
                    Access::ReadWrite => wanted(readable, writable || !readable),
                };
                assert_eq!(polled(&theirs), shown, "{access:?} {readable} {writable}");
            }
            line.show(Readiness { readable: true, writable: false }, None);
            line.renew();
            line.show(Readiness { readable: false, writable: true }, None);
            assert!(!polled(&theirs).contains(PollFlags::IN), "{access:?}: nothing is left");
            let second = line.another(None, false).unwrap();
            drop(theirs);
            let gone = PollFlags::HUP | PollFlags::ERR;
            assert!(!polled(&line).intersects(gone), "{access:?}: one is left");
            assert_eq!(Identity::of(&fstat(&second).unwrap()), end.identity);
            drop(second);
            assert!(polled(&line).intersects(gone), "{access:?}");
        }
    }
}
