//! Where records go.

use super::rate::Rate;
use super::snapshot::Snapshot;
use aseqd_engine::{Identity, Input, Time};
use aseqd_recording::{Compression, Header, Record, Writer, end};
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write};
use std::sync::Arc;

/// A place for the records of a recording.
pub(super) trait Sink: Debug + Send {
    /// Adds whole records.
    ///
    /// # Errors
    /// If the place takes no more.
    fn records(&mut self, encoded: &[u8]) -> io::Result<()>;

    /// Makes safe what was added.
    ///
    /// # Errors
    /// If the place takes no more.
    fn flush(&mut self) -> io::Result<()>;

    /// Returns whether it is time for the state of the engine.
    fn wants_state(&self) -> bool {
        false
    }

    /// Adds the state of the engine.
    ///
    /// # Errors
    /// If the place takes no more.
    fn state(&mut self, _snapshot: Snapshot) -> io::Result<()> {
        Ok(())
    }

    /// Writes what there is to a file, if it is not in one.
    fn report(&mut self) {}

    /// Returns what there is, as a file of its own.
    ///
    /// # Errors
    /// `Unsupported` if it is in a file.
    fn copy(&mut self) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Ends the recording, also after an error. A reason says why it ends before its time.
    ///
    /// # Errors
    /// If the place takes no more, so that it lacks what came last.
    fn end(&mut self, reason: Option<&str>) -> io::Result<()>;
}

/// A file that is written chunk by chunk.
#[derive(Debug)]
pub(super) struct FileSink {
    writer: Writer<Whole>,
    rate: Rate,
    /// Processes that have opened a file, and are not named yet.
    openers: Vec<i32>,
}

impl FileSink {
    pub(super) fn new(file: Arc<File>, header: &Header) -> io::Result<Self> {
        let writer = Writer::new(Whole { file, len: 0 }, header, Compression::Quick)?;
        Ok(Self { writer, rate: Rate::new(), openers: Vec::new() })
    }
}

impl Sink for FileSink {
    fn records(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.writer.set_compression(self.rate.compression(encoded.len()));
        let openers = &mut self.openers;
        self.writer.append(encoded, |record| {
            if let Record::Input(Input::Open { identity: Identity::User { pid }, .. }) = record
                && openers.last() != Some(pid)
            {
                openers.push(*pid);
            }
        })?;
        for pid in self.openers.drain(..) {
            // It may have ended.
            let Ok(name) = std::fs::read_to_string(format!("/proc/{pid}/comm")) else { continue };
            let text = format!("process {pid} is {}", name.trim_end());
            let (_, now): (_, Time) = self.writer.position();
            self.writer.push(now, 0, 0, &Record::Note { file: None, text: &text })?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    fn end(&mut self, reason: Option<&str>) -> io::Result<()> {
        // After an error there is only the attempt to say so.
        let flushed = self.writer.flush();
        let missing = flushed.as_ref().err().map(aseqd_host::error::reason);
        let told = flushed.and_then(|()| self.writer.get_mut().write_all(&end(reason)));
        if told.is_err() {
            let _as_it_is = self.writer.get_mut().end_in_place(reason.or(missing.as_deref()));
        }
        told
    }
}

/// A file that has whole chunks only.
#[derive(Debug)]
struct Whole {
    file: Arc<File>,
    /// How many bytes of whole chunks it has.
    len: u64,
}

impl Whole {
    /// Replaces what was written of an incomplete chunk by the end of the recording.
    fn end_in_place(&mut self, reason: Option<&str>) -> io::Result<()> {
        self.file.set_len(self.len)?;
        (&*self.file).seek(SeekFrom::Start(self.len))?;
        (&*self.file).write_all(&end(reason))
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, chunk: &[u8]) -> io::Result<()> {
        (&*self.file).write_all(chunk)?;
        self.len += chunk.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.file).flush()
    }
}
