//! sndiod, the MIDI thru box of OpenBSD's sound server, as packaged for Linux. A message is a note.

use super::ends::{Receiver, Sender};
use super::notes::{Notes, note};
use crate::device::{READ_SIZE, now_ns};
use crate::peer::library::Sndio;
use crate::peer::server::SNDIO_PORT;
use aseqd_host::error::Fail;

pub(super) struct Writer(Sndio);

impl Writer {
    pub(super) fn new() -> Result<Self, Fail> {
        Sndio::open(SNDIO_PORT, true).map(Self).map_err(Fail::new)
    }
}

impl Sender for Writer {
    fn send(&mut self, first: u32, count: u32) -> Result<(), Fail> {
        let bytes: Vec<u8> = (first..first + count).flat_map(note).collect();
        self.0.write(&bytes).map_err(Fail::new)
    }
}

pub(super) struct Reader {
    port: Sndio,
    notes: Notes,
}

impl Reader {
    pub(super) fn new() -> Result<Self, Fail> {
        let port = Sndio::open(SNDIO_PORT, false).map_err(Fail::new)?;
        Ok(Self { port, notes: Notes::default() })
    }
}

impl Receiver for Reader {
    fn receive(&mut self, into: &mut Vec<(u32, u64)>) -> Result<(), Fail> {
        let mut buffer = [0; READ_SIZE];
        let read = self.port.read(&mut buffer).map_err(Fail::new)?;
        let at = now_ns();
        let numbers = buffer[..read].iter().filter_map(|byte| self.notes.push(*byte));
        into.extend(numbers.map(|number| (number, at)));
        Ok(())
    }
}
