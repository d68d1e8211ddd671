//! JACK, which moves messages once a period. A message is a note.

use super::ends::{Receiver, Sender};
use super::notes::{Notes, note};
use crate::device::now_ns;
use crate::peer::library::{Jack, Period};
use aseqd_host::error::Fail;
use std::sync::mpsc::{self, SyncSender};

/// The port of the receiver, for the sender to connect to.
pub(super) const RECEIVER: &str = "aseqd-bench-in:midi";
/// Most messages that wait for a period, and most periods that wait for the reader.
const BACKLOG: usize = 4096;

pub(super) struct Writer {
    messages: SyncSender<[u8; 3]>,
    _client: Jack,
}

impl Writer {
    pub(super) fn new(to: &str) -> Result<Self, Fail> {
        let (messages, period) = mpsc::sync_channel(BACKLOG);
        let client = Jack::open("aseqd-bench-out", Period::Send(period), Some(to));
        Ok(Self { messages, _client: client.map_err(Fail::new)? })
    }
}

impl Sender for Writer {
    fn send(&mut self, first: u32, count: u32) -> Result<(), Fail> {
        for number in first..first + count {
            let sent = self.messages.send(note(number));
            sent.map_err(|_| Fail::new("JACK is gone"))?;
        }
        Ok(())
    }
}

pub(super) struct Reader {
    arrived: mpsc::Receiver<Vec<u8>>,
    notes: Notes,
    _client: Jack,
}

impl Reader {
    pub(super) fn new() -> Result<Self, Fail> {
        let (period, arrived) = mpsc::sync_channel(BACKLOG);
        let client = Jack::open("aseqd-bench-in", Period::Receive(period), None);
        let client = client.map_err(Fail::new)?;
        Ok(Self { arrived, notes: Notes::default(), _client: client })
    }
}

impl Receiver for Reader {
    fn receive(&mut self, into: &mut Vec<(u32, u64)>) -> Result<(), Fail> {
        let bytes = self.arrived.recv().map_err(|_| Fail::new("JACK is gone"))?;
        let at = now_ns();
        let numbers = bytes.into_iter().filter_map(|byte| self.notes.push(byte));
        into.extend(numbers.map(|number| (number, at)));
        Ok(())
    }
}
