//! Reads lines of standard input and sends what they say.

use super::printer::Printer;
use crate::send::{Act, Flow, Performer, Reader, parse, send};
use aseqd_abi::Address;
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, ADDRESS_UNKNOWN};
use aseqd_client::{Client, Received};
use aseqd_console::say;
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::process::SignalFd;

/// Most bytes of a line: a SysEx of 16 MiB with spaces between its bytes, as the port prints it. Without a limit, a file
/// without newlines, such as `/dev/zero`, takes all memory.
const MAX_LINE: usize = 3 * (16 << 20);
/// Bytes that are read at once: those of a pipe.
const READ: usize = 64 * 1024;

/// Sends what lines say.
#[derive(Debug)]
pub(super) enum Sender<'a> {
    Hex(Hex<'a>),
    Words(Box<Words<'a>>),
}

/// MIDI messages in hexadecimal, which go out at once.
#[derive(Debug)]
pub(super) struct Hex<'a> {
    client: &'a Client,
    port: Address,
    /// Whether it was said that a receiver loses events.
    told: bool,
}

/// The words of `aseqd send`.
#[derive(Debug)]
pub(super) struct Words<'a> {
    reader: Reader,
    performer: Performer<'a>,
}

impl<'a> Hex<'a> {
    pub(super) const fn new(client: &'a Client, port: Address) -> Self {
        Self { client, port, told: false }
    }

    fn send(&mut self, text: &str) -> Result<(), Fail> {
        for message in &parse(text)? {
            if !send(self.client, self.port, message)? && !self.told {
                self.told = true;
                say(&"events are lost: a program that is connected to the port does not read them");
            }
        }
        Ok(())
    }
}

impl<'a> Words<'a> {
    pub(super) fn new(
        client: &'a Client,
        port: Address,
        echo: Address,
        signals: &'a SignalFd,
    ) -> Self {
        let subscribers = Address::new(ADDRESS_SUBSCRIBERS, ADDRESS_UNKNOWN);
        let performer = Performer::new(client, port, subscribers, echo, signals, None);
        Self { reader: Reader::new(false), performer }
    }

    fn send(&mut self, text: &str) -> Result<Flow, Fail> {
        let mut acts = Vec::new();
        let read = self.reader.line(text, &mut acts);
        // What stands before a mistake is played.
        for act in &acts {
            if matches!(act, Act::Packet(_)) {
                return Err(Fail::new("the port speaks MIDI 1.0, and sends no UMP packets"));
            }
            let flow = self.performer.act(act)?;
            if flow != Flow::GoOn {
                return Ok(flow);
            }
        }
        let flow = self.performer.flush()?;
        read.map_err(|wrong| Fail::new(format!("column {}: {}", wrong.column, wrong.what)))?;
        Ok(flow)
    }
}

impl Sender<'_> {
    /// Sends what a line says.
    fn send(&mut self, text: &str) -> Result<Flow, Fail> {
        match self {
            Self::Hex(hex) => hex.send(text).map(|()| Flow::GoOn),
            Self::Words(words) => words.send(text),
        }
    }

    /// Plays to its end what is due later, and prints what arrives meanwhile.
    fn finish(&mut self, printer: &mut Printer) -> Result<(), Fail> {
        let Self::Words(words) = self else { return Ok(()) };
        let mut heard = |received| match received {
            Some(Received::Event(event, data)) => printer.print(&event, &data),
            Some(_) => Ok(()),
            None => {
                printer.lose();
                Ok(())
            }
        };
        match words.performer.finish(&mut heard)? {
            Flow::GoOn => Ok(()),
            Flow::Signal(_) => words.performer.stop(),
        }
    }

    /// Takes back what is due later, and ends the notes that sound.
    pub(super) fn stop(&mut self) -> Result<(), Fail> {
        match self {
            Self::Hex(_) => Ok(()),
            Self::Words(words) => words.performer.stop(),
        }
    }
}

/// Standard input, cut into lines.
#[derive(Debug)]
pub(super) struct Input {
    /// Whether the port sends.
    sends: bool,
    /// The beginning of a line.
    unfinished: Vec<u8>,
    /// How many lines were sent.
    count: u64,
}

impl Input {
    pub(super) const fn new(sends: bool) -> Self {
        Self { sends, unfinished: Vec::new(), count: 0 }
    }

    /// Reads once, and sends what the lines say that are whole. Returns `false` at the end: of standard input, or by a
    /// signal.
    pub(super) fn send_all(
        &mut self,
        sender: &mut Sender<'_>,
        printer: &mut Printer,
    ) -> Result<bool, Fail> {
        let mut buffer = vec![0; READ];
        let read =
            rustix::io::retry_on_intr(|| rustix::io::read(rustix::stdio::stdin(), &mut buffer));
        let read = match read {
            Err(rustix::io::Errno::AGAIN) => return Ok(true),
            read => read.map_err(|error| {
                Fail::new(format!("standard input cannot be read: {}", reason(&error)))
            })?,
        };
        if let Sender::Words(words) = sender {
            // Somebody types the lines, or a program makes them, while they are sent.
            words.performer.catch_up();
        }
        let mut rest = &buffer[..read];
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            self.unfinished.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.unfinished);
            if self.send(sender, printer, &line)? != Flow::GoOn {
                return Ok(false);
            }
        }
        self.unfinished.extend_from_slice(rest);
        if self.unfinished.len() > MAX_LINE {
            let line = self.count + 1;
            return Err(Fail::new(format!("line {line}: it has more than {MAX_LINE} bytes")));
        }
        if read == 0 {
            let line = std::mem::take(&mut self.unfinished);
            if self.send(sender, printer, &line)? == Flow::GoOn {
                sender.finish(printer)?;
            }
        }
        Ok(read > 0)
    }

    fn send(
        &mut self,
        sender: &mut Sender<'_>,
        printer: &mut Printer,
        line: &[u8],
    ) -> Result<Flow, Fail> {
        self.count += 1;
        let place = || format!("line {}", self.count);
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        if text.is_empty() {
            return Ok(Flow::GoOn);
        }
        if !self.sends {
            return Err(Fail::new(format!("{}: with --output, the port only receives", place())));
        }
        match sender.send(text) {
            Ok(Flow::GoOn) => Ok(Flow::GoOn),
            Ok(signal) => sender.stop().map(|()| signal),
            Err(wrong) => {
                // No note that was begun goes on sounding.
                sender.finish(printer)?;
                Err(wrong).with_context(place)
            }
        }
    }
}
