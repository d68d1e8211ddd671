//! A file by which several processes share one graph: each appends what it learns.
//!
//! `LOCKDEP_GRAPH` names the file. Printed names tell classes apart, so processes that mean the same lock give it the
//! same name. A process reads what the others wrote before it checks an edge or a use that is new to it. It neither
//! reads nor writes for what is known. Traces are stored as text, because addresses mean nothing elsewhere.
//!
//! Each line of the file is a record with tab-separated fields: `U class wait bits trace` or
//! `E from wait to wait kinds trace`. The unit separator (0x1f) separates the frames of a trace. Each frame names
//! its process.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::environment::variable;
use crate::frame::Frame;
use crate::trace::Trace;
use crate::words::Wait;

const SEPARATOR: &str = "\u{1f}";

/// A class as all processes know it: by its printed name.
pub(crate) struct Named<'a> {
    pub(crate) name: &'a str,
    pub(crate) wait: Wait,
}

/// What processes tell each other.
pub(crate) enum Record<'a> {
    /// A class has these usage bits.
    Usage { class: Named<'a>, bits: u32, trace: Trace },
    /// A class was taken while another one was held, in these ways.
    Edge { from: Named<'a>, to: Named<'a>, kinds: u8, trace: Trace },
}

/// The shared file, and how far it was read.
pub(crate) struct Shared {
    file: File,
    read: u64,
}

impl Shared {
    /// Opens the file that `LOCKDEP_GRAPH` names, if there is one and it can be opened.
    pub(crate) fn from_environment() -> Option<Self> {
        let path = variable("LOCKDEP_GRAPH")?;
        match Self::open(Path::new(&path)) {
            Ok(shared) => Some(shared),
            Err(error) => {
                let why = error.to_string();
                let why = why.split(" (os error").next().unwrap_or(&why);
                eprintln!("lockdep: LOCKDEP_GRAPH={}: {why}", path.display());
                None
            }
        }
    }

    /// Opens or creates the file.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let owner = file.metadata()?.uid();
        if owner != rustix::process::geteuid().as_raw() && owner != 0 {
            // The other user could put false orders of this program's locks into it.
            return Err(std::io::Error::other(format!("it belongs to user {owner}")));
        }
        Ok(Self { file, read: 0 })
    }

    /// Returns the lines that were written since the last call, by this process too.
    pub(crate) fn news(&mut self) -> String {
        let mut text = String::new();
        let read = self
            .file
            .seek(SeekFrom::Start(self.read))
            .and_then(|_| self.file.read_to_string(&mut text));
        if read.is_err() {
            return String::new();
        }
        // Another process may be writing the last line, so only whole lines count.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        text.truncate(whole);
        text
    }

    /// Writes a record.
    pub(crate) fn tell(&mut self, record: &Record<'_>) {
        let record = match record {
            Record::Usage { class, bits, trace } => {
                let (name, wait) = (class.name, class.wait as u8);
                format!("U\t{name}\t{wait}\t{bits}\t{}\n", text_of(trace))
            }
            Record::Edge { from, to, kinds, trace } => format!(
                "E\t{}\t{}\t{}\t{}\t{kinds}\t{}\n",
                from.name,
                from.wait as u8,
                to.name,
                to.wait as u8,
                text_of(trace)
            ),
        };
        self.append(&record);
    }

    fn append(&mut self, record: &str) {
        // One write to a file opened for appending: records of several processes do not mix.
        if let Err(error) = self.file.write_all(record.as_bytes()) {
            eprintln!("lockdep: the shared graph: {error}");
        }
    }
}

fn text_of(trace: &Trace) -> String {
    let of = format!("pid-{}", std::process::id());
    let one = |frame: &Frame| {
        let (offset, size) = frame.extent.map_or((0, 0), |extent| extent);
        let (file, line) = frame.line.clone().unwrap_or_default();
        let origin = frame.origin.as_ref().unwrap_or(&of);
        let function = &frame.function;
        format!("{origin}|{function}|{offset}|{size}|{file}|{line}").replace(['\t', '\n'], " ")
    };
    trace.frames().iter().map(one).collect::<Vec<_>>().join(SEPARATOR)
}

fn frame_of(text: &str) -> Option<Frame> {
    let mut fields = text.split('|');
    let origin = Some(fields.next()?.to_owned());
    let function = fields.next()?.to_owned();
    let extent = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let line = (fields.next()?.to_owned(), fields.next()?.parse().ok()?);
    let extent = (extent.1 != 0).then_some(extent);
    let line = (!line.0.is_empty()).then_some(line);
    Some(Frame { address: 0, function, extent, line, origin, library: None, is_system: false })
}

/// Returns the records of some lines, without those that make no sense.
pub(crate) fn records(lines: &str) -> impl Iterator<Item = Record<'_>> {
    lines.lines().filter_map(record)
}

fn record(line: &str) -> Option<Record<'_>> {
    let fields: Vec<&str> = line.split('\t').collect();
    let trace = Trace::of_frames(fields.last()?.split(SEPARATOR).filter_map(frame_of).collect());
    let named = |name, wait| Named { name, wait: wait_of(wait) };
    match fields[..] {
        ["U", name, wait, bits, _] => {
            Some(Record::Usage { class: named(name, wait), bits: bits.parse().ok()?, trace })
        }
        ["E", from, from_wait, to, to_wait, kinds, _] => Some(Record::Edge {
            from: named(from, from_wait),
            to: named(to, to_wait),
            kinds: kinds.parse().ok()?,
            trace,
        }),
        _ => None,
    }
}

fn wait_of(text: &str) -> Wait {
    match text {
        "1" => Wait::Free,
        "2" => Wait::Spin,
        "3" => Wait::Config,
        "4" => Wait::Sleep,
        _ => Wait::Unchecked,
    }
}
