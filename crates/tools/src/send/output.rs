//! Writes events, at the pace at which their receiver reads them.

use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE, EventData};
use aseqd_abi::seq::KERNEL_CLIENT;
use aseqd_abi::{Address, Event, EventFlags};
use aseqd_client::Client;
use aseqd_client::event::EventExt as _;
use aseqd_client::ump::UmpEvent;
use aseqd_console::say;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::SignalFd;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use zerocopy::IntoBytes as _;

/// How often a receiver that has no room is looked at again. The interface does not tell when another client has read. A
/// client with a pool of 200 cells, the default, takes at least 100 events in this time.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Most bytes that wait to be written together.
const BATCH: usize = 64 * 1024;

/// Events on their way to one port.
#[derive(Debug)]
pub(super) struct Output<'a> {
    client: &'a Client,
    port: Address,
    dest: Address,
    signals: &'a SignalFd,
    /// Whether the receiver is waited for. If not, events that it has no room for are an error.
    paced: bool,
    /// How long a receiver that does not read is waited for.
    patience: Option<Duration>,
    /// Since when the receiver has had no room.
    full_since: Option<Instant>,
    /// Whether events go through a queue, for which they need room in our own pool.
    queued: bool,
    /// How many cells the receiver's pool may take before it is looked at again.
    credit: usize,
    batch: Vec<u8>,
    /// Bytes and cells of each event in the batch.
    lengths: VecDeque<(usize, usize)>,
    /// Whether it was said that a subscriber has no room.
    told: bool,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Flow {
    GoOn,
    /// A signal has arrived: its number.
    Signal(i32),
}

impl Flow {
    /// Returns the first signal of both.
    pub(super) fn and(self, next: Self) -> Self {
        if self == Self::GoOn { next } else { self }
    }
}

impl<'a> Output<'a> {
    pub(super) fn new(
        client: &'a Client,
        port: Address,
        dest: Address,
        signals: &'a SignalFd,
        patience: Option<Duration>,
    ) -> Self {
        let (batch, lengths) = (Vec::new(), VecDeque::new());
        let (paced, queued, credit, full_since) = (true, false, 0, None);
        Self {
            client,
            port,
            dest,
            signals,
            paced,
            patience,
            full_since,
            queued,
            credit,
            batch,
            lengths,
            told: false,
        }
    }

    /// Adds an event with its data. Direct events go to the receiver, others through their queue.
    pub(super) fn event(&mut self, event: &Event, data: Option<&[u8]>) -> Result<Flow, Fail> {
        let mut event = event.sent_from(self.port).sent_to(self.dest);
        if let Some(data) = data {
            event.flags.remove(EventFlags::VARUSR);
            event.flags.insert(EventFlags::VARIABLE);
            let length = u32::try_from(data.len()).context("the length of an event")?;
            event.data = EventData::from_ext_len(length);
        }
        self.record(event.as_bytes(), data.unwrap_or_default())
    }

    /// Adds a packet.
    pub(super) fn packet(&mut self, packet: &UmpEvent) -> Result<Flow, Fail> {
        let packet = packet.sent_from(self.port).sent_to(self.dest);
        let packet = UmpEvent { flags: packet.flags | EventFlags::UMP, ..packet };
        self.record(packet.as_bytes(), &[])
    }

    fn record(&mut self, head: &[u8], data: &[u8]) -> Result<Flow, Fail> {
        self.batch.extend_from_slice(head);
        self.batch.extend_from_slice(data);
        let cells = 1 + data.len().div_ceil(EVENT_SIZE);
        self.lengths.push_back((head.len() + data.len(), cells));
        if self.batch.len() < BATCH { Ok(Flow::GoOn) } else { self.flush() }
    }

    /// From here on, events go through a queue, at the time that they name: the receiver is not waited for.
    pub(super) fn stop_pacing(&mut self) -> Result<Flow, Fail> {
        let flow = self.flush()?;
        (self.paced, self.queued) = (false, true);
        Ok(flow)
    }

    /// Writes all events. Waits while the output pool, or the receiver if it is waited for, has no room.
    pub(super) fn flush(&mut self) -> Result<Flow, Fail> {
        while let Some((_, first)) = self.lengths.front().copied() {
            if self.paced && self.credit < first {
                self.credit = self.room(first)?;
                if self.credit < first {
                    let since = *self.full_since.get_or_insert_with(Instant::now);
                    self.paced = self.patience.is_none_or(|patience| since.elapsed() < patience);
                    if let Some(signal) = self.pause()? {
                        return Ok(Flow::Signal(signal));
                    }
                    continue;
                }
                self.full_since = None;
            }
            let (mut bytes, mut cells) = (0, 0);
            for (length, needs) in &self.lengths {
                if self.paced && cells + needs > self.credit {
                    break;
                }
                (bytes, cells) = (bytes + length, cells + needs);
            }
            match self.client.write(&self.batch[..bytes]) {
                Ok(mut written) => {
                    self.batch.drain(..written);
                    while let Some((length, needs)) = self.lengths.front().copied()
                        && written >= length
                    {
                        written -= length;
                        self.credit = self.credit.saturating_sub(needs);
                        self.lengths.pop_front();
                    }
                }
                // One of the subscribers has no room, and the others have the event.
                Err(error) if error.would_block() && !self.queued && self.is_to_subscribers() => {
                    self.drop_first();
                }
                Err(error) if error.would_block() => {
                    let signal = match (self.queued, self.paced) {
                        (true, _) => self.wait_for_room()?,
                        // Other senders have filled the receiver's pool.
                        (false, true) => {
                            self.credit = 0;
                            self.pause()?
                        }
                        (false, false) => {
                            let dest = self.dest;
                            let what =
                                "has no room for more events: its program does not read them";
                            return Err(Fail::new(format!("{dest} {what}")));
                        }
                    };
                    if let Some(signal) = signal {
                        return Ok(Flow::Signal(signal));
                    }
                }
                Err(error) => {
                    self.expect_dest("what was not sent is lost")?;
                    return Err(error.into());
                }
            }
        }
        Ok(Flow::GoOn)
    }

    const fn is_to_subscribers(&self) -> bool {
        self.dest.client == ADDRESS_SUBSCRIBERS
    }

    /// Leaves out the first event, and says so once.
    fn drop_first(&mut self) {
        let Some((length, _)) = self.lengths.pop_front() else { return };
        self.batch.drain(..length);
        if !self.told {
            self.told = true;
            say(&"events are lost: a program that is connected to the port does not read them");
        }
    }

    /// Fails if the receiver has gone. The sequencer says so only of events that do not wait in a queue.
    pub(super) fn expect_dest(&self, consequence: &str) -> Result<(), Fail> {
        if self.is_to_subscribers() {
            return Ok(());
        }
        match self.client.port_info(self.dest) {
            Ok(None) => Err(Fail::new(format!("{} has gone: {consequence}", self.dest))),
            // Whatever is wrong, it is not the receiver.
            Ok(Some(_)) | Err(_) => Ok(()),
        }
    }

    /// Returns how many cells the receiver can take now. Half of its pool is for other senders: if it overflows, the
    /// receiver loses everything that it has not read. An event that needs more than half has room when nothing else is in
    /// the pool. If it needs more than the whole pool, the sequencer refuses it.
    fn room(&self, needs: usize) -> Result<usize, Fail> {
        let kernel = self.client.info(self.dest.client)?;
        if kernel.is_none_or(|info| info.client_type == KERNEL_CLIENT) {
            return Ok(usize::MAX);
        }
        let Some(pools) = self.client.pools(self.dest.client)? else { return Ok(usize::MAX) };
        let cells = |cells: i32| usize::try_from(cells).unwrap_or(0);
        let (all, free) = (cells(pools.input_pool), cells(pools.input_free));
        Ok(match free {
            _ if all == 0 => usize::MAX,
            free if free >= all => all.div_ceil(2).max(needs),
            free => free.saturating_sub(all / 2),
        })
    }

    /// Waits a moment. Returns the number of a signal that has arrived.
    fn pause(&self) -> Result<Option<i32>, Fail> {
        let timeout = Timespec::try_from(LOOK_AGAIN).context("the pause")?;
        let mut ready = [PollFd::new(self.signals, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut ready, Some(&timeout))).context("cannot wait")?;
        signal(self.signals)
    }

    /// Waits until the output pool has room. Returns the number of a signal that has arrived.
    fn wait_for_room(&self) -> Result<Option<i32>, Fail> {
        let mut ready =
            [PollFd::new(self.client, PollFlags::OUT), PollFd::new(self.signals, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut ready, None)).context("cannot wait")?;
        if ready[0].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
            return Err(Fail::ended());
        }
        signal(self.signals)
    }
}

/// Returns the number of a signal that has arrived.
pub(super) fn signal(signals: &SignalFd) -> Result<Option<i32>, Fail> {
    let arrived = signals.take().context("signals cannot be received")?;
    Ok(arrived.map(|arrived| arrived.number))
}
