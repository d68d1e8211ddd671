//! Reads events from the sequencer.

use crate::client::Client;
use crate::device_file::DeviceFile;
use crate::error::{Error, Result};
use crate::ump::Protocol;
use crate::unread::Received;
use aseqd_abi::seq::{RemoveEvents, RemoveMode};
use aseqd_abi::{Errno, Event};

/// What the functions here try.
const READ: &str = "the sequencer cannot be read";

impl<F: DeviceFile> Client<F> {
    /// Returns the next event with its data. Without an event a client that sleeps waits for one; others get `None`.
    ///
    /// ```no_run
    /// # use aseqd_client::{Client, DEVICE, Error};
    /// # let client = Client::open(DEVICE, "reader")?;
    /// loop {
    ///     client.wait(None)?;
    ///     match client.read_event() {
    ///         Ok(Some((event, data))) => println!("{:?} from {}, {data:?}", event.event_type, event.source),
    ///         Ok(None) => {}
    ///         Err(Error::EventsLost) => eprintln!("too slow: look at everything again"),
    ///         Err(error) => return Err(error),
    ///     }
    /// }
    /// # #[expect(unreachable_code)]
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::EventsLost`] once after events were lost, because they came faster than they were read. `EBADF` if the
    /// client was opened for writing only. [`Error::IsPacket`] if a packet comes next, which only happens to clients that
    /// speak UMP; it stays there.
    pub fn read_event(&self) -> Result<Option<(Event, Vec<u8>)>> {
        self.fill()?;
        let mut unread = self.unread.borrow_mut();
        if unread.is_packet() {
            return Err(Error::IsPacket);
        }
        Ok(unread.next().and_then(|received| match received {
            Received::Event(event, data) => Some((event, data)),
            Received::Packet(_) => None,
        }))
    }

    /// Returns what comes next, an event or a packet, for clients that speak UMP. Without an event a client that sleeps
    /// waits for one; others get `None`.
    ///
    /// # Errors
    /// [`Error::EventsLost`] once after events were lost, because they came faster than they were read. `EBADF` if the
    /// client was opened for writing only.
    pub fn receive(&self) -> Result<Option<Received>> {
        self.fill()?;
        Ok(self.unread.borrow_mut().next())
    }

    /// Reads ahead, if nothing was read ahead.
    fn fill(&self) -> Result<()> {
        let mut unread = self.unread.borrow_mut();
        if !unread.is_empty() {
            return Ok(());
        }
        let ump = self.protocol() != Protocol::Legacy;
        match unread.fill(ump, |buffer| self.read_bytes(buffer)) {
            Err(Errno::EAGAIN) => Ok(()),
            filled => filled.map_err(of_read),
        }
    }

    /// Reads whole events, each followed by its data if it has any, filled up to a multiple of 28 bytes, or of 32 for a
    /// client that speaks UMP. Returns how many bytes were read. This is `read(2)` for programs that count system calls; it knows nothing of the events that
    /// [`Client::read_event`] has read ahead.
    ///
    /// # Errors
    /// As [`Client::read_event`]; `EAGAIN` if there is no event and this client does not sleep, or if the next event
    /// does not fit into the buffer.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.read_bytes(buffer).map_err(of_read)
    }

    fn read_bytes(&self, buffer: &mut [u8]) -> std::result::Result<usize, Errno> {
        self.file.read(buffer)
    }

    /// Forgets events that were read ahead, if the sequencer was told to.
    pub(crate) fn forget_unread(&self, which: &RemoveEvents) {
        if RemoveMode::from_bits_retain(which.remove_mode).contains(RemoveMode::INPUT) {
            self.unread.borrow_mut().clear();
        }
    }
}

fn of_read(errno: Errno) -> Error {
    match errno {
        Errno::ENOSPC => Error::EventsLost,
        errno => Error::Call { what: READ, errno },
    }
}
