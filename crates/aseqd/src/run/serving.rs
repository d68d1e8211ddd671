//! The server of a run: in real time, or on a clock that the keeper moves.

use aseqd_engine::Time;
use aseqd_host::error::{Context as _, Fail};
use aseqd_server::clock::{Alarm, Clock as _, Monotonic};
use aseqd_server::door::collected::Order;
use aseqd_server::door::doors::{Doors, Way};
use aseqd_server::event_loop::{Server, Wake};
use aseqd_server::stepped::Stepped;
use aseqd_server::timing::Timing;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// The server of a run.
#[derive(Debug)]
pub(super) enum Serving {
    /// In real time.
    Real(Box<Server>),
    /// On a clock that stands still until the keeper moves it.
    Stepped(Box<Stepped<Doors>>),
}

/// Why [`Serving::serve_until`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The descriptor is readable.
    Readable,
    /// Neither that nor anything else happened for the time given.
    Nothing,
    /// A door was closed: no program will come through it any more.
    Disconnected,
}

impl Serving {
    /// Makes a server in real time.
    pub(super) fn real(ways: Vec<Way>, trace: bool, timing: &Timing) -> Result<Self, Fail> {
        let server = Server::new(ways, trace, timing).context("cannot start the server")?;
        Ok(Self::Real(Box::new(server)))
    }

    /// Makes a server whose clock stands at `start`.
    pub(super) fn stepped(
        ways: Vec<Way>,
        trace: bool,
        timing: &Timing,
        order: Order,
        start: Time,
    ) -> Self {
        Self::Stepped(Box::new(Stepped::new(Doors::new(ways), order, start, trace, timing)))
    }

    /// Serves programs until a descriptor is readable, but at most for `limit` of real time. A clock that the keeper
    /// moves stands still meanwhile.
    pub(super) fn serve_until(
        &mut self,
        descriptor: BorrowedFd<'_>,
        limit: Duration,
    ) -> Result<Heard, Fail> {
        match self {
            Self::Real(server) => in_real_time(server, descriptor, limit),
            Self::Stepped(server) => standing(server, descriptor, limit),
        }
    }
}

fn in_real_time(
    server: &mut Server,
    descriptor: BorrowedFd<'_>,
    limit: Duration,
) -> Result<Heard, Fail> {
    let mut alarm = Alarm::new().context("a timer cannot be made")?;
    let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    alarm.set(Some(Monotonic.now() + limit)).context("a timer cannot be made")?;
    let awaited = server.watch(descriptor).context("cannot wait for the command")?;
    server.watch(&alarm).context("cannot wait for a timer")?;
    let heard = match server.run().context("the server failed")? {
        Wake::Watched(number) if number == awaited => Heard::Readable,
        Wake::Watched(_) => Heard::Nothing,
        Wake::Disconnected => Heard::Disconnected,
    };
    server.forget(descriptor).context("cannot wait for the command")?;
    server.forget(&alarm).context("cannot wait for a timer")?;
    Ok(heard)
}

/// Serves calls as they come. Before the command there is only the process that tries the door.
fn standing(
    server: &mut Stepped<Doors>,
    descriptor: BorrowedFd<'_>,
    limit: Duration,
) -> Result<Heard, Fail> {
    let limit = Timespec::try_from(limit).context("cannot wait")?;
    loop {
        let mut ready: Vec<_> = server
            .door()
            .descriptors()
            .map(|door| PollFd::from_borrowed_fd(door, PollFlags::IN))
            .collect();
        ready.push(PollFd::from_borrowed_fd(descriptor.as_fd(), PollFlags::IN));
        let count = rustix::io::retry_on_intr(|| poll(&mut ready, Some(&limit)));
        if count.context("cannot wait")? == 0 {
            return Ok(Heard::Nothing);
        }
        let readable = ready.last().is_some_and(|awaited| !awaited.revents().is_empty());
        let now = server.now();
        while server.collect().context("the server failed")? > 0 {
            server.serve(now, &|_| 0).context("the server failed")?;
        }
        if readable {
            return Ok(Heard::Readable);
        }
        if server.is_disconnected() {
            return Ok(Heard::Disconnected);
        }
    }
}
