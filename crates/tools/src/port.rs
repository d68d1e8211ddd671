//! `aseqd port`: makes a port that sends the MIDI messages of standard input and prints those that arrive.

use crate::send::{parse, send};
use aseqd_abi::seq::{PortCaps, PortType};
use aseqd_abi::{Address, EventType};
use aseqd_client::{Client, Error};
use aseqd_console::{DeviceArg, print, say};
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::process::{SignalFd, SignalSet};
use aseqd_midi::{Encoder, HARDWARE_LIMIT};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Signal;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Most bytes of a line of standard input: a SysEx of 64 KiB with spaces between its bytes.
const MAX_LINE: usize = 3 * 64 * 1024;

/// Make a port that sends standard input and prints what arrives
///
/// For tests and scripts that need a MIDI device. Other programs see a client NAME with one port. Each line of standard
/// input is one or more MIDI messages in hexadecimal, which go to whatever is connected to the port. Each message that
/// arrives is printed as such a line. The port goes away at the end of standard input, or by SIGINT or SIGTERM, with
/// exit status 0.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Events that have no MIDI bytes, such as those that control queues, are not printed.

Examples:
  aseqd port Piano     # type 90 3C 64, and see what arrives
  (aseqd wait --connected Piano; echo 90 3C 64) | aseqd port Piano --input
  sleep 10 | aseqd port Synth --output > received")]
pub struct PortArgs {
    /// The name of the client and of its port
    pub name: String,
    /// Only send: other programs see an input, such as a keyboard
    #[arg(short, long, conflicts_with = "output")]
    pub input: bool,
    /// Only receive: other programs see an output, such as a synthesizer
    #[arg(short, long)]
    pub output: bool,
    /// Print the port's address on standard error once it exists
    #[arg(short, long)]
    pub verbose: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Runs `aseqd port`.
///
/// # Errors
/// A message if the device cannot be opened, a line of standard input is no MIDI message, the sequencer ends, or
/// standard output cannot be written.
pub fn main(args: &PortArgs) -> Result<ExitCode, Fail> {
    let signals = SignalSet::of(&[Signal::INT, Signal::TERM, Signal::HUP]);
    signals.block().context("signals cannot be received")?;
    let signals = SignalFd::new(&signals).context("signals cannot be received")?;
    let client = Client::open(&args.device.device, &args.name)?;
    let mut caps = PortCaps::empty();
    if !args.output {
        caps |= PortCaps::READ | PortCaps::SUBS_READ;
    }
    if !args.input {
        caps |= PortCaps::WRITE | PortCaps::SUBS_WRITE;
    }
    if !args.input && !args.output {
        caps |= PortCaps::DUPLEX;
    }
    let kind = PortType::MIDI_GENERIC | PortType::HARDWARE | PortType::PORT;
    let port = client.create_port(&args.name, caps, kind)?;
    if args.verbose {
        eprintln!("{port}");
    }
    let mut lines = Lines::default();
    let mut printer = Printer::default();
    loop {
        printer.print_all(&client)?;
        let stdin = rustix::stdio::stdin();
        let mut ready = [
            PollFd::new(&client, PollFlags::IN),
            PollFd::new(&signals, PollFlags::IN),
            PollFd::new(&stdin, PollFlags::IN),
        ];
        rustix::io::retry_on_intr(|| poll(&mut ready, None)).context("cannot wait")?;
        if ready[0].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
            return Err(Fail::ended());
        }
        let readable = !ready[2].revents().is_empty();
        if signals.take().context("signals cannot be received")?.is_some() {
            break;
        }
        if readable && !lines.send_all(&client, port, args.input || !args.output)? {
            break;
        }
    }
    // What arrived before the end is printed.
    printer.print_all(&client)?;
    Ok(ExitCode::SUCCESS)
}

/// Standard input, cut into lines.
#[derive(Debug, Default)]
struct Lines {
    /// The beginning of a line.
    unfinished: Vec<u8>,
    /// How many lines were sent.
    count: u64,
    /// Whether it was said that a receiver loses events.
    told: bool,
}

impl Lines {
    /// Reads once, and sends the messages of the lines that are whole. Returns `false` at the end of standard input.
    fn send_all(&mut self, client: &Client, port: Address, sends: bool) -> Result<bool, Fail> {
        let mut buffer = [0; 4096];
        let read =
            rustix::io::retry_on_intr(|| rustix::io::read(rustix::stdio::stdin(), &mut buffer));
        let read = match read {
            Err(rustix::io::Errno::AGAIN) => return Ok(true),
            read => read.map_err(|error| {
                Fail::new(format!("standard input cannot be read: {}", reason(&error)))
            })?,
        };
        self.unfinished.extend_from_slice(&buffer[..read]);
        while let Some(end) = self.unfinished.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.unfinished.drain(..=end).collect();
            self.send(client, port, sends, &line)?;
        }
        if self.unfinished.len() > MAX_LINE {
            let line = self.count + 1;
            return Err(Fail::new(format!("line {line}: it has more than {MAX_LINE} bytes")));
        }
        if read == 0 {
            let line = std::mem::take(&mut self.unfinished);
            self.send(client, port, sends, &line)?;
        }
        Ok(read > 0)
    }

    fn send(
        &mut self,
        client: &Client,
        port: Address,
        sends: bool,
        line: &[u8],
    ) -> Result<(), Fail> {
        self.count += 1;
        let line_number = self.count;
        let text = String::from_utf8_lossy(line);
        let messages = parse(text.trim()).with_context(|| format!("line {line_number}"))?;
        if !sends && !messages.is_empty() {
            return Err(Fail::new(format!(
                "line {line_number}: with --output, the port only receives"
            )));
        }
        for message in &messages {
            if !send(client, port, message)? && !self.told {
                self.told = true;
                say(&"events are lost: a program that is connected to the port does not read them");
            }
        }
        Ok(())
    }
}

/// Prints messages that arrive, one a line.
#[derive(Debug)]
struct Printer {
    encoder: Encoder,
    /// The pieces of a SysEx that is not complete.
    sysex: Vec<u8>,
}

impl Default for Printer {
    fn default() -> Self {
        Self { encoder: Encoder::new(false, HARDWARE_LIMIT), sysex: Vec::new() }
    }
}

impl Printer {
    fn print_all(&mut self, client: &Client) -> Result<(), Fail> {
        loop {
            match client.read_event() {
                Ok(Some((event, data))) => {
                    let mut bytes = Vec::new();
                    self.encoder.encode(&event, &data, &mut bytes);
                    if event.event_type == EventType::SYSEX {
                        self.sysex.append(&mut bytes);
                        if self.sysex.last() == Some(&0xf7) || self.sysex.len() > MAX_LINE {
                            bytes = std::mem::take(&mut self.sysex);
                        }
                    }
                    if !bytes.is_empty() {
                        print(&line(&bytes))?;
                    }
                }
                Ok(None) => return Ok(()),
                Err(Error::EventsLost) => {
                    say(&"events were lost: they arrived faster than this command read them");
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Returns a line of hexadecimal bytes.
fn line(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (number, byte) in bytes.iter().enumerate() {
        let space = if number == 0 { "" } else { " " };
        // A string takes everything.
        let _ = write!(text, "{space}{byte:02X}");
    }
    text.push('\n');
    text
}
