//! The flight recorder: the latest part of a recording, in memory.
//!
//! It is kept in segments. Each begins with the state of the engine, so that the oldest can be dropped.

use super::file::create_in;
use super::rate::Rate;
use super::sink::Sink;
use super::snapshot::Snapshot;
use aseqd_host::error::reason;
use aseqd_host::log;
use aseqd_recording::{Compression, Header, State, Writer, end, store};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::PathBuf;

/// Into how many segments the memory is divided. With more, less is dropped at a time, and the engine is copied more
/// often.
const SEGMENTS: usize = 4;

/// A part of the recording.
#[derive(Debug, Default)]
struct Segment {
    /// `None` if the recording begins here.
    from: Option<Snapshot>,
    /// Whole chunks.
    chunks: Vec<u8>,
}

/// What the writer writes to: the latest segment.
#[derive(Debug, Default)]
struct Memory(VecDeque<Segment>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(latest) = self.0.back_mut() {
            latest.chunks.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps the latest part of a recording.
#[derive(Debug)]
pub(super) struct FlightSink {
    header: Header,
    writer: Writer<Memory>,
    rate: Rate,
    /// Maximum number of bytes of all segments.
    size: usize,
    /// The folder of the files that are asked for.
    folder: PathBuf,
}

impl FlightSink {
    pub(super) fn new(header: Header, size: usize, folder: PathBuf) -> io::Result<Self> {
        let mut writer = Writer::new(Memory::default(), &header, Compression::Quick)?;
        // The header is written with each file.
        writer.get_mut().0.push_back(Segment::default());
        Ok(Self { header, writer, rate: Rate::new(), size, folder })
    }

    fn segments(&mut self) -> &mut VecDeque<Segment> {
        &mut self.writer.get_mut().0
    }

    /// Drops what does not fit any more, the oldest first. The latest is dropped as well if it is as large as all may be:
    /// nothing is kept then until the next state.
    fn make_room(&mut self) {
        let size = self.size;
        let segments = self.segments();
        let mut all: usize = segments.iter().map(|segment| segment.chunks.len()).sum();
        while all > size {
            let Some(oldest) = segments.pop_front() else { break };
            all -= oldest.chunks.len();
        }
    }

    /// Writes what there is to a new file, and returns its path.
    fn write(&mut self, why: Option<&str>) -> io::Result<PathBuf> {
        let (file, path) = create_in(&self.folder, "aseqd-report").map_err(io::Error::other)?;
        self.write_to(file, why)?;
        Ok(path)
    }

    /// Writes what there is, and returns where it was written.
    fn write_to<W: Write>(&mut self, out: W, why: Option<&str>) -> io::Result<W> {
        self.writer.flush()?;
        let mut out = Writer::new(out, &self.header, Compression::Quick)?;
        if let Some(from) = self.segments().front().and_then(|oldest| oldest.from.as_ref()) {
            let Snapshot { index, now, hash, .. } = *from;
            out.state(&State { index, now, hash, engine: &store(&from.engine) })?;
        }
        let mut out = out.into_inner();
        for segment in self.segments() {
            out.write_all(&segment.chunks)?;
        }
        out.write_all(&end(why))?;
        Ok(out)
    }

    fn write_and_tell(&mut self, why: Option<&str>) {
        match self.write(why) {
            Ok(path) => {
                log::tell("report", format_args!("the recording is in {}", path.display()));
            }
            Err(error) => {
                let why = reason(&error);
                log::tell("report", format_args!("the recording cannot be written: {why}"));
            }
        }
    }
}

impl Sink for FlightSink {
    fn records(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.writer.set_compression(self.rate.compression(encoded.len()));
        self.writer.append(encoded, |_| {})
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()?;
        self.make_room();
        Ok(())
    }

    fn wants_state(&self) -> bool {
        let latest = self.writer.get_ref().0.back();
        latest.is_none_or(|latest| latest.chunks.len() >= self.size / SEGMENTS)
    }

    fn state(&mut self, snapshot: Snapshot) -> io::Result<()> {
        self.writer.flush()?;
        self.segments().push_back(Segment { from: Some(snapshot), chunks: Vec::new() });
        self.make_room();
        Ok(())
    }

    fn report(&mut self) {
        self.write_and_tell(None);
    }

    fn copy(&mut self) -> io::Result<Vec<u8>> {
        self.write_to(Vec::new(), None)
    }

    fn end(&mut self, reason: Option<&str>) -> io::Result<()> {
        // Somebody will want to know what came before a panic.
        if reason.is_some() {
            self.write_and_tell(reason);
        }
        Ok(())
    }
}
