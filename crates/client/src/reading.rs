//! Reads events from the sequencer.

use crate::client::Client;
use crate::device_file::DeviceFile;
use crate::error::{Error, Result};
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
    /// client was opened for writing only.
    pub fn read_event(&self) -> Result<Option<(Event, Vec<u8>)>> {
        let mut unread = self.unread.borrow_mut();
        if unread.is_empty() {
            match unread.fill(|buffer| self.read_bytes(buffer)) {
                Err(Errno::EAGAIN) => return Ok(None),
                filled => filled.map_err(of_read)?,
            }
        }
        Ok(unread.next())
    }

    /// Reads whole events, each followed by its data if it has any, filled up to a multiple of 28 bytes. Returns how many
    /// bytes were read. This is `read(2)` for programs that count system calls; it knows nothing of the events that
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
