//! A door whose calls are received at once and handled later, in an order that does not depend on when they came.
//!
//! In virtual time all programs sleep before the server handles a call. So at each instant there is a *batch*: one
//! call at most of each thread, and the closes that need no answer. Which of them came first depends on the
//! machine's scheduler. The batch is sorted instead:
//!
//! 1. Closes, by the number of the file. A program that has closed a file and then made a call expects that the file
//!    is closed.
//! 2. Calls, by the rank of the calling thread, which says when the thread was created.
//! 3. Interrupts, by the rank of the thread whose call they end. The call may be in the same batch.
//!
//! Calls that arrive while a batch is handled belong to the next one.

use super::{Answer, Call, CallKind, Door, Readiness, Received, Transport};
use aseqd_engine::{self as engine, FileId};
use std::collections::{BTreeMap, VecDeque};
use std::io;

/// How often [`Collected::collect`] looks at a door that is ready and has no call, before it gives up.
const MAX_LOOKS: usize = 1000;

/// Returns the rank of a thread or process: the earlier it was created, the lower. Unknown ones have [`u64::MAX`].
pub type Rank<'a> = &'a dyn Fn(i32) -> u64;

/// In which order calls of one instant are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By the callers' ranks: the same in each run.
    #[default]
    Canonical,
    /// As they come.
    Arrival,
}

/// A door with the calls that it has received.
#[derive(Debug)]
pub struct Collected<D: Transport> {
    door: D,
    buffer: D::Buffer,
    order: Order,
    /// The next batch, as it came.
    arrived: Vec<Kept<D>>,
    /// The rest of this batch, in its order.
    batch: VecDeque<Kept<D>>,
    /// Calls to be received next.
    chosen: VecDeque<Kept<D>>,
    /// The threads of calls that are not answered yet.
    asking: BTreeMap<D::Token, i32>,
    disconnected: bool,
}

/// A call with bytes of its own.
#[derive(Debug)]
struct Kept<D: Transport> {
    call: Call<'static, D::Token, D::Wakeup>,
    bytes: Vec<u8>,
}

impl<D: Transport> Collected<D> {
    /// Returns a door that has received nothing yet.
    pub fn new(door: D, order: Order) -> Self {
        Self {
            door,
            buffer: D::Buffer::default(),
            order,
            arrived: Vec::new(),
            batch: VecDeque::new(),
            chosen: VecDeque::new(),
            asking: BTreeMap::new(),
            disconnected: false,
        }
    }

    /// Returns the door itself.
    pub const fn door(&self) -> &D {
        &self.door
    }

    #[cfg(test)]
    pub(crate) const fn door_mut(&mut self) -> &mut D {
        &mut self.door
    }

    /// Returns whether no program will come through the door any more.
    pub const fn is_disconnected(&self) -> bool {
        self.disconnected
    }

    /// Receives all calls that have come, without handling them. Returns how many wait to be handled.
    ///
    /// # Errors
    /// If the door has failed as a whole.
    pub fn collect(&mut self) -> io::Result<usize> {
        self.receive_all()?;
        // Signals are looked for when a batch begins, or if nothing else is to be done: it takes long.
        if self.waiting() == 0 || self.order == Order::Arrival {
            self.door.look_for_signals();
            self.receive_all()?;
        }
        Ok(self.waiting())
    }

    /// Returns how many calls wait to be handled.
    fn waiting(&self) -> usize {
        self.arrived.len() + self.batch.len() + self.chosen.len()
    }

    fn receive_all(&mut self) -> io::Result<()> {
        let mut looks = 0;
        while looks < MAX_LOOKS && !self.disconnected && self.door.is_ready() {
            match self.door.receive(&mut self.buffer) {
                Received::Call(call) => {
                    let kept = Kept::of(call);
                    if kept.waits() {
                        self.asking.insert(kept.call.token, kept.call.thread);
                    }
                    self.arrived.push(kept);
                }
                Received::Nothing => looks += 1,
                Received::Disconnected => self.disconnected = true,
                Received::Broken(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Chooses what is received next: all closes of the batch, or else one call. So at most one program goes on at a
    /// time because of an answer. In the order of arrival, everything that has come is chosen.
    ///
    /// # Errors
    /// If the door has failed as a whole.
    pub fn choose(&mut self, rank: Rank<'_>) -> io::Result<()> {
        if self.order == Order::Arrival {
            self.chosen.extend(self.arrived.drain(..));
            return Ok(());
        }
        if self.batch.is_empty() {
            self.door.look_for_signals();
            self.receive_all()?;
            let asking = &self.asking;
            // The sort is stable: calls with equal places keep their order.
            self.arrived.sort_by_cached_key(|kept| kept.place(asking, rank));
            self.batch.extend(self.arrived.drain(..));
        }
        while let Some(kept) = self.batch.pop_front() {
            let closes = kept.is_close();
            self.chosen.push_back(kept);
            if !(closes && self.batch.front().is_some_and(Kept::is_close)) {
                break;
            }
        }
        Ok(())
    }

    /// Returns whether [`Collected::choose`] has chosen calls that were not received yet.
    pub fn has_chosen(&self) -> bool {
        !self.chosen.is_empty()
    }

    /// Returns whether a thread waits for an answer of the server.
    pub fn is_asking(&self, thread: i32) -> bool {
        self.asking.values().any(|asking| *asking == thread)
    }
}

impl<D: Transport> Kept<D> {
    fn of(call: Call<'_, D::Token, D::Wakeup>) -> Self {
        let Call { token, thread, kind } = call;
        let (kind, bytes) = match kind {
            CallKind::Open { node, access, pid, user } => {
                (CallKind::Open { node, access, pid, user }, &[][..])
            }
            CallKind::File { file, call, out_size, wakeup } => {
                let (call, bytes) = match call {
                    engine::Call::Ioctl { request, compat, arg } => {
                        (engine::Call::Ioctl { request, compat, arg: &[] }, arg)
                    }
                    engine::Call::Write { data, nonblock } => {
                        (engine::Call::Write { data: &[], nonblock }, data)
                    }
                    engine::Call::Read { len, nonblock } => {
                        (engine::Call::Read { len, nonblock }, &[][..])
                    }
                    engine::Call::Poll => (engine::Call::Poll, &[][..]),
                };
                (CallKind::File { file, call, out_size, wakeup }, bytes)
            }
            CallKind::Close { file } => (CallKind::Close { file }, &[][..]),
            CallKind::Interrupt { target } => (CallKind::Interrupt { target }, &[][..]),
        };
        Self { call: Call { token, thread, kind }, bytes: bytes.to_vec() }
    }

    const fn is_close(&self) -> bool {
        matches!(self.call.kind, CallKind::Close { .. })
    }

    const fn waits(&self) -> bool {
        matches!(self.call.kind, CallKind::Open { .. } | CallKind::File { .. })
    }

    /// Returns what sorts a batch.
    fn place(&self, asking: &BTreeMap<D::Token, i32>, rank: Rank<'_>) -> (u8, u64, u64) {
        match self.call.kind {
            CallKind::Close { file } => (0, file.0.into(), 0),
            // A thread of the server may open files for programs. Then only the process is known.
            CallKind::Open { pid, .. } => {
                (1, rank(self.call.thread).min(rank(pid)), rank(self.call.thread))
            }
            CallKind::File { file, .. } => (1, rank(self.call.thread), file.0.into()),
            CallKind::Interrupt { target } => {
                (2, asking.get(&target).map_or(u64::MAX, |thread| rank(*thread)), 0)
            }
        }
    }
}

impl<D: Transport> Door for Collected<D> {
    type Token = D::Token;
    type Wakeup = D::Wakeup;

    fn answer(&mut self, token: D::Token, answer: Answer<'_>) -> bool {
        self.asking.remove(&token);
        self.door.answer(token, answer)
    }

    fn gives_descriptors(&self, token: D::Token) -> bool {
        self.door.gives_descriptors(token)
    }

    fn wake(&mut self, wakeup: D::Wakeup) {
        self.door.wake(wakeup);
    }

    fn shows(&self, file: FileId) -> bool {
        self.door.shows(file)
    }

    fn show(&mut self, file: FileId, state: Readiness, fresh: bool) {
        self.door.show(file, state, fresh);
    }
}

impl<D: Transport> Transport for Collected<D> {
    type Buffer = Vec<u8>;

    fn receive<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Received<'b, D::Token, D::Wakeup> {
        let Some(Kept { call, bytes }) = self.chosen.pop_front() else { return Received::Nothing };
        *buffer = bytes;
        let Call { token, thread, kind } = call;
        Received::Call(Call { token, thread, kind: kind.with_bytes(buffer) })
    }

    fn is_ready(&self) -> bool {
        self.has_chosen()
    }
}

#[cfg(test)]
mod tests;
