//! A sequencer: direct events from one client to a port of another.
//!
//! A full FIFO loses events, in Linux as in aseqd: a direct event to a slow reader does not make its writer sleep. So
//! the receiver acknowledges through an eventfd how many events it has read, and the sender keeps at most [`WINDOW`]
//! events under way. The link `reckless` does neither.

use super::ends::{Receiver, Sender};
use super::eventfd;
use crate::device::{POOL, READ_SIZE, Sequencer, now_ns, numbered, numbers};
use aseqd_abi::{Address, Errno};
use aseqd_client::Error;
use aseqd_host::error::{Context as _, Fail};
use std::os::fd::OwnedFd;
use zerocopy::IntoBytes as _;

/// Events after which the receiver acknowledges.
const ACKNOWLEDGE_AFTER: u32 = POOL / 4;
/// Most events under way: what fits into the receiver's pool.
const WINDOW: u32 = POOL - 1;

pub(super) struct Writer {
    sequencer: Sequencer,
    dest: Address,
    acknowledged: Option<OwnedFd>,
    on_their_way: u32,
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn new(dest: &str, acknowledged: Option<OwnedFd>) -> Result<Self, Fail> {
        let sequencer = Sequencer::open("aseqd bench: sender")?;
        let dest = address(dest)?;
        Ok(Self { sequencer, dest, acknowledged, on_their_way: 0, bytes: Vec::new() })
    }
}

impl Sender for Writer {
    fn send(&mut self, first: u32, count: u32) -> Result<(), Fail> {
        if let Some(acknowledged) = &self.acknowledged {
            while self.on_their_way + count > WINDOW {
                let read = u32::try_from(eventfd::wait(acknowledged)?).unwrap_or(u32::MAX);
                self.on_their_way = self.on_their_way.saturating_sub(read);
            }
            self.on_their_way += count;
        }
        self.bytes.clear();
        for number in first..first + count {
            let event = numbered(number, self.sequencer.port, self.dest);
            self.bytes.extend_from_slice(event.as_bytes());
        }
        if self.acknowledged.is_some() {
            return self.sequencer.write(&self.bytes);
        }
        match self.sequencer.client().write(&self.bytes) {
            Ok(_) => Ok(()),
            // Events that find no room are lost; the receiver's count shows it.
            Err(error) if matches!(error.errno(), Some(Errno::EAGAIN | Errno::ENOMEM)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

pub(super) struct Reader {
    sequencer: Sequencer,
    acknowledge: Option<OwnedFd>,
    unacknowledged: u32,
    told_losses: u64,
}

impl Reader {
    pub(super) fn new(acknowledge: Option<OwnedFd>) -> Result<Self, Fail> {
        let sequencer = Sequencer::open("aseqd bench: receiver")?;
        Ok(Self { sequencer, acknowledge, unacknowledged: 0, told_losses: 0 })
    }

    pub(super) fn address(&self) -> String {
        self.sequencer.port.to_string()
    }
}

impl Receiver for Reader {
    fn receive(&mut self, into: &mut Vec<(u32, u64)>) -> Result<(), Fail> {
        let mut buffer = [0; READ_SIZE];
        let read = match self.sequencer.read(&mut buffer) {
            Ok(read) => read,
            Err(Error::EventsLost) => {
                self.told_losses += 1;
                return Ok(());
            }
            Err(error) => return Err(error).context("events cannot be read"),
        };
        let at = now_ns();
        let before = into.len();
        into.extend(numbers(&buffer[..read]).map(|number| (number, at)));
        self.unacknowledged += u32::try_from(into.len() - before).unwrap_or(0);
        if let Some(acknowledge) = &self.acknowledge
            && self.unacknowledged >= ACKNOWLEDGE_AFTER
        {
            eventfd::add(acknowledge, self.unacknowledged.into())?;
            self.unacknowledged = 0;
        }
        Ok(())
    }

    fn told_losses(&self) -> u64 {
        self.told_losses
    }
}

fn address(text: &str) -> Result<Address, Fail> {
    let (client, port) = text.split_once(':').unwrap_or_default();
    let number = |text: &str| text.parse().context("the receiver's address cannot be read");
    Ok(Address::new(number(client)?, number(port)?))
}
