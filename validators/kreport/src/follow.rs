//! `--follow`: prints each report when it ends.

use crate::{Check, FOUND, files, name, print, unreadable};
use kreport::cli::{Cli, Format};
use kreport::output::{self, Locate};
use kreport::{Known, Report, Stream};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

/// A report ends if nothing was printed for this time. The kernel prints a report within milliseconds, but serial
/// consoles take seconds for a long one; a report that is cut in two is worse than one that comes late.
const QUIET: Duration = Duration::from_secs(2);
/// Maximum number of signatures that are remembered, to say which reports have been seen before.
const MAX_SEEN: usize = 1_000_000;

enum Part {
    Bytes(Vec<u8>),
    EndOfFile(PathBuf),
    Failed(String),
}

/// Prints reports until the input ends.
pub(crate) fn follow(
    cli: &Cli,
    symbols: &dyn Locate,
    known: &Known,
    check: &Check,
) -> Result<ExitCode, String> {
    let (sender, receiver) = mpsc::sync_channel(16);
    let paths = files(cli);
    thread::spawn(move || paths.iter().all(|path| send(path, &sender)));
    let mut stream = Stream::default();
    let mut printer =
        Printer { cli, symbols, known, check, seen: HashMap::new(), found: false, failed: None };
    let mut current = PathBuf::from("-");
    let mut idle = true;
    let mut looked = Instant::now();
    loop {
        let part = if idle {
            receiver.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            receiver.recv_timeout(QUIET)
        };
        // In a log that never rests, reports end all the same.
        if looked.elapsed() > QUIET {
            stream.poll(&mut |report| printer.print(&report));
            looked = Instant::now();
        }
        let no_log =
            |path: &Path, what: kreport::Unreadable| format!("{} is no log: {what}", name(path));
        match part {
            Ok(Part::Bytes(bytes)) => {
                stream
                    .push(&bytes, &mut |report| printer.print(&report))
                    .map_err(|what| no_log(&current, what))?;
                idle = false;
            }
            Ok(Part::EndOfFile(path)) => {
                current = path;
                stream.end_of_file().map_err(|what| no_log(&current, what))?;
            }
            Ok(Part::Failed(sentence)) => return Err(sentence),
            Err(RecvTimeoutError::Timeout) => {
                stream.flush(&mut |report| printer.print(&report));
                idle = true;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if let Some(sentence) = printer.failed.take() {
            return Err(sentence);
        }
    }
    stream.flush(&mut |report| printer.print(&report));
    Ok(if printer.found { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// Sends a file in parts. Returns whether the next file may follow.
fn send(path: &Path, sender: &SyncSender<Part>) -> bool {
    let mut input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        match File::open(path) {
            Ok(file) => Box::new(file),
            Err(error) => {
                let _ended = sender.send(Part::Failed(unreadable(path, &error)));
                return false;
            }
        }
    };
    let mut bytes = vec![0; 1 << 16];
    loop {
        match input.read(&mut bytes) {
            Ok(0) => return sender.send(Part::EndOfFile(path.to_owned())).is_ok(),
            Ok(length) => {
                if sender.send(Part::Bytes(bytes[..length].to_vec())).is_err() {
                    return false;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // `dmesg` and `/dev/kmsg` say so if messages were overwritten before they were read.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) => {
                let _ended = sender.send(Part::Failed(unreadable(path, &error)));
                return false;
            }
        }
    }
}

struct Printer<'a> {
    cli: &'a Cli,
    symbols: &'a dyn Locate,
    known: &'a Known,
    check: &'a Check,
    /// How many times each signature has come.
    seen: HashMap<u64, usize>,
    found: bool,
    failed: Option<String>,
}

impl Printer<'_> {
    fn print(&mut self, report: &Report<'_>) {
        if self.known.reason(report).is_some() {
            return;
        }
        self.found |= self.check.counts(report);
        let mut times = 1;
        if !report.corrupted
            && (self.seen.len() < MAX_SEEN || self.seen.contains_key(&report.signature()))
        {
            let count = self.seen.entry(report.signature()).or_insert(0);
            *count += 1;
            times = *count;
        }
        let text = match self.cli.form() {
            Format::Titles => format!("{}\n", report.title),
            _ if times > 1 => format!("{} (seen {times} times)\n\n", report.title),
            _ => output::report(report, self.symbols, self.cli.full) + "\n",
        };
        if let Err(sentence) = print(&text) {
            self.failed = Some(sentence);
        }
    }
}
