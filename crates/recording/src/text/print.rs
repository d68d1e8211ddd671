//! A recording as text.

use crate::error::ReadError;
use crate::events::events;
use crate::format::{FIRST_LINE, FORMAT};
use crate::reader::{End, Reader};
use crate::record::{Entry, Record};
use crate::writer::State;
use aseqd_engine::abi::event::{Event, EventFlags};
use aseqd_engine::{Access, Call, Identity, Input, Node};
use std::fmt::{self, Write as _};
use std::io::{Read, Write};

/// How many events of a write are named.
const NAMED: usize = 4;

/// Writes what is left of a recording as text.
///
/// # Errors
/// Those of the reader and of the output.
pub fn to_text<R: Read>(reader: &mut Reader<R>, out: &mut impl Write) -> Result<(), ReadError> {
    write!(out, "{FIRST_LINE}{FORMAT}\n{}\n", reader.header().to_text())?;
    if let Some(State { index, now, hash, engine }) = reader.state() {
        writeln!(out, "state {index} {} {hash:08x} {}", Seconds(now.0), Hex(engine))?;
    }
    while let Some(entry) = reader.read()? {
        writeln!(out, "{}", Line(&entry))?;
    }
    match reader.end() {
        Some(End::Stopped(reason)) => writeln!(out, "end {}", Quoted(reason))?,
        Some(End::Whole) => writeln!(out, "end")?,
        // The text of a torn recording is torn as well: a line for it would be a lie about the file.
        Some(End::Torn { .. }) | None => {}
    }
    out.flush()?;
    Ok(())
}

/// A record as its line.
struct Line<'a>(&'a Entry<'a>);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { now, outputs, check, record, .. } = self.0;
        write!(f, "{} {outputs} {check:02x} ", Seconds(now.0))?;
        match record {
            Record::Input(input) => write_input(f, input),
            Record::Rest { file, done, nonblock } => {
                write!(f, "rest {}{} {done}", file.0, suffix(*nonblock))
            }
            Record::Checkpoint(hash) => write!(f, "checkpoint {hash:08x}"),
            Record::Note { file: Some(file), text } => {
                write!(f, "note {} {}", file.0, Quoted(text))
            }
            Record::Note { file: None, text } => write!(f, "note - {}", Quoted(text)),
        }
    }
}

fn write_input(f: &mut fmt::Formatter<'_>, input: &Input<'_>) -> fmt::Result {
    match input {
        Input::Timeout => write!(f, "timeout"),
        Input::Open { node, access, identity } => {
            write!(f, "open {} {} ", node_name(*node), access_name(*access))?;
            match identity {
                Identity::User { pid } => write!(f, "pid {pid}"),
                Identity::Kernel { number: Some(number), card, name } => {
                    write!(f, "kernel {number} {card} {}", Quoted(name))
                }
                Identity::Kernel { number: None, card, name } => {
                    write!(f, "kernel - {card} {}", Quoted(name))
                }
            }
        }
        Input::Call { file, call } => match call {
            Call::Ioctl { request, compat, arg } => {
                let compat = if *compat { "32" } else { "" };
                write!(f, "ioctl{compat} {} {request:08x} {}", file.0, Hex(arg))?;
                match aseqd_engine::request(*request) {
                    Some(known) => write!(f, " ; {}", known.name),
                    None => Ok(()),
                }
            }
            Call::Read { len, nonblock } => {
                write!(f, "read {}{} {len}", file.0, suffix(*nonblock))
            }
            Call::Write { data, nonblock } => {
                write!(f, "write {}{} {}", file.0, suffix(*nonblock), Hex(data))?;
                write_events(f, data)
            }
            Call::Poll => write!(f, "poll {}", file.0),
        },
        Input::Thread { file, thread } => write!(f, "thread {} {thread}", file.0),
        Input::BecomeUserTimer { file, resolution } => {
            write!(f, "user-timer {} {resolution}", file.0)
        }
        Input::Close { file } => write!(f, "close {}", file.0),
    }
}

/// Names the first events of a write.
fn write_events(f: &mut fmt::Formatter<'_>, data: &[u8]) -> fmt::Result {
    let mut separator = " ; ";
    for (count, (event, _)) in events(data).enumerate() {
        if count == NAMED {
            return write!(f, ", ...");
        }
        f.write_str(separator)?;
        separator = ", ";
        let Event { event_type, flags, dest, .. } = event;
        match (flags.contains(EventFlags::UMP), event_type.name()) {
            (true, _) => f.write_str("UMP")?,
            (false, Some(name)) => f.write_str(name)?,
            (false, None) => write!(f, "type {}", event_type.0)?,
        }
        write!(f, " to {}:{}", dest.client, dest.port)?;
    }
    Ok(())
}

/// Returns what stands behind the number of the file.
const fn suffix(nonblock: bool) -> &'static str {
    if nonblock { " nonblock" } else { "" }
}

pub(super) const fn node_name(node: Node) -> &'static str {
    match node {
        Node::Sequencer => "sequencer",
        Node::Timer => "timer",
        Node::Control => "control",
    }
}

pub(super) const fn access_name(access: Access) -> &'static str {
    match access {
        Access::Read => "r",
        Access::Write => "w",
        Access::ReadWrite => "rw",
    }
}

/// Nanoseconds as seconds.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

/// Bytes in hexadecimal.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_char('-');
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text in quotes, on one line.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for char in self.0.chars() {
            match char {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                // What a terminal could take for something else.
                char if char.is_control() || !char.is_ascii() => {
                    write!(f, "\\u{{{:x}}}", u32::from(char))?;
                }
                char => f.write_char(char)?,
            }
        }
        f.write_char('"')
    }
}
