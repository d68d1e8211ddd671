//! What else programs may wait for.

use std::io;
use std::os::fd::BorrowedFd;

/// A server that the programs of a run talk to, in the thread of the tracer.
///
/// All times are virtual `CLOCK_MONOTONIC`, in ns.
pub trait World {
    /// Returns the descriptors that wake the tracer when they are readable: requests of programs, and signals or sockets
    /// by which the run is driven. The tracer looks at `SIGCHLD` itself, so it must not be among these signals.
    fn descriptors(&self) -> Vec<BorrowedFd<'_>>;

    /// Takes the requests that have arrived, without handling them, and returns how many wait to be served.
    ///
    /// Nothing may depend on the order in which they arrived.
    ///
    /// # Errors
    /// Any error ends the run.
    fn collect(&mut self) -> io::Result<usize>;

    /// Handles the requests that were collected, in ascending order of `rank`: the age of a thread or process, by its
    /// number.
    ///
    /// # Errors
    /// Any error ends the run.
    fn serve(&mut self, now: u64, rank: &dyn Fn(i32) -> u64) -> io::Result<()>;

    /// Returns when something falls due next.
    fn deadline(&self) -> Option<u64>;

    /// Does what is due at `now`.
    ///
    /// # Errors
    /// Any error ends the run.
    fn advance(&mut self, now: u64) -> io::Result<()>;

    /// Reads what is not a request, after one of the descriptors has become readable.
    ///
    /// # Errors
    /// Any error ends the run.
    fn attend(&mut self, _control: &mut Control) -> io::Result<()> {
        Ok(())
    }

    /// The clock has reached the limit of [`Pace::Step`](crate::Pace), and everybody sleeps. It is called once for each
    /// limit.
    ///
    /// # Errors
    /// Any error ends the run.
    fn settled(&mut self, _now: u64) -> io::Result<()> {
        Ok(())
    }

    /// Returns up to when the clock of [`Pace::Step`](crate::Pace) may jump, as [`Control::set_limit`] does, for a world
    /// that learns it from a request.
    fn limit(&self) -> Option<u64> {
        None
    }

    /// Returns whether a thread waits for an answer of the world. Such a thread is asleep, also if the kernel does not let
    /// signals wake it (state `D`).
    fn is_asked_by(&self, _thread: i32) -> bool {
        false
    }

    /// A child process of the caller that is not a part of the run has ended, with this status of `waitpid`.
    fn reaped(&mut self, _process: i32, _status: i32) {}

    /// A process of the run has ended.
    fn ended(&mut self, _process: i32) {}

    /// All processes of the run have been stopped, as a terminal does with Ctrl-Z. The clock stands until one goes on.
    fn stopped(&mut self) {}

    /// There is something to say to the user, once a run: a sentence without a full stop.
    fn notice(&mut self, _text: &str) {}
}

/// What a world can change about its run.
#[derive(Debug)]
pub struct Control {
    now: u64,
    limit: u64,
    end: Option<u8>,
}

impl Control {
    pub(crate) const fn new(now: u64, limit: u64) -> Self {
        Self { now, limit, end: None }
    }

    /// Returns the present, in ns.
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// Returns up to when the clock may jump, in ns.
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// Lets the clock of [`Pace::Step`](crate::Pace) jump up to `limit`. An earlier limit than the present one changes
    /// nothing.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = self.limit.max(limit);
    }

    /// Ends the run: its processes are killed, and the run has this status.
    pub fn end(&mut self, status: u8) {
        self.end = self.end.or(Some(status));
    }

    pub(crate) const fn ending(&self) -> Option<u8> {
        self.end
    }
}

/// A world in which there is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWorld;

impl World for NoWorld {
    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        Vec::new()
    }

    fn collect(&mut self) -> io::Result<usize> {
        Ok(0)
    }

    fn serve(&mut self, _now: u64, _rank: &dyn Fn(i32) -> u64) -> io::Result<()> {
        Ok(())
    }

    fn deadline(&self) -> Option<u64> {
        None
    }

    fn advance(&mut self, _now: u64) -> io::Result<()> {
        Ok(())
    }
}
