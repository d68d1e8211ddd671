//! One graph for several processes: a file to which each appends what it learns.
//!
//! `LOCKDEP_GRAPH` names the file. Classes are told apart by their printed names, so processes that
//! mean the same lock give it the same name. A process reads what the others wrote before it checks
//! an edge or a use that is new to it; nothing is read or written for what is known. Traces are
//! stored as text, because addresses mean nothing elsewhere.
//!
//! A line of the file is a record with tab-separated fields:
//! `U class wait bits trace`, `E from wait to wait kinds trace`; frames of a trace are separated by
//! the unit separator (0x1f), and each says which process it is from.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::environment::variable;
use crate::graph::Graph;
use crate::trace::{Frame, Trace};
use crate::words::Wait;

const SEPARATOR: &str = "\u{1f}";

/// The file, and how far it was read.
pub(crate) struct Shared {
    file: File,
    read: u64,
}

impl Shared {
    /// The file that `LOCKDEP_GRAPH` names, if it can be opened.
    pub(crate) fn from_environment() -> Option<Self> {
        let path = variable("LOCKDEP_GRAPH")?;
        match Self::open(Path::new(&path)) {
            Ok(shared) => Some(shared),
            Err(error) => {
                eprintln!("lockdep: LOCKDEP_GRAPH {}: {error}", path.display());
                None
            }
        }
    }

    /// Opens or makes the file.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let owner = file.metadata()?.uid();
        if owner != rustix::process::geteuid().as_raw() && owner != 0 {
            // What it says would be said of this program's locks.
            return Err(std::io::Error::other(format!("it belongs to user {owner}")));
        }
        Ok(Self { file, read: 0 })
    }

    /// Takes in what others wrote since the last time.
    pub(crate) fn learn(&mut self, graph: &mut Graph) {
        let mut text = String::new();
        let read = self
            .file
            .seek(SeekFrom::Start(self.read))
            .and_then(|_| self.file.read_to_string(&mut text));
        if read.is_err() {
            return;
        }
        // Only whole lines: another process may be writing the last one.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        for line in text[..whole].lines() {
            take_in(graph, line);
        }
    }

    /// Writes usage bits of a class.
    pub(crate) fn tell_usage(&mut self, graph: &mut Graph, class: u16, bits: u32, trace: &Trace) {
        let (name, wait) = (graph.name(class), graph.wait(class) as u8);
        let record = format!("U\t{name}\t{wait}\t{bits}\t{}\n", text_of(trace));
        self.append(&record);
    }

    /// Writes an edge.
    pub(crate) fn tell_edge(
        &mut self,
        graph: &mut Graph,
        from: u16,
        to: u16,
        kinds: u8,
        trace: &Trace,
    ) {
        let record = format!(
            "E\t{}\t{}\t{}\t{}\t{kinds}\t{}\n",
            graph.name(from),
            graph.wait(from) as u8,
            graph.name(to),
            graph.wait(to) as u8,
            text_of(trace)
        );
        self.append(&record);
    }

    fn append(&mut self, record: &str) {
        // One write of a file opened for appending: records of several processes do not mix.
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
    Some(Frame { address: 0, function, extent, line, origin, is_system: false })
}

fn take_in(graph: &mut Graph, line: &str) -> Option<()> {
    let fields: Vec<&str> = line.split('\t').collect();
    let trace = Trace::of_frames(fields.last()?.split(SEPARATOR).filter_map(frame_of).collect());
    match fields[..] {
        ["U", name, wait, bits, _] => {
            let class = graph.foreign_class(name, wait_of(wait))?;
            graph.mark_silently(class, bits.parse().ok()?, &trace);
        }
        ["E", from, from_wait, to, to_wait, kinds, _] => {
            let from = graph.foreign_class(from, wait_of(from_wait))?;
            let to = graph.foreign_class(to, wait_of(to_wait))?;
            graph.connect_silently(from, to, kinds.parse().ok()?, &trace);
        }
        _ => {}
    }
    Some(())
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
