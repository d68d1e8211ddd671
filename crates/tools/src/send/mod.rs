//! `aseqd send`: sends MIDI to a port, said in words, in hexadecimal or by lines of `aseqd monitor`.

mod direct;
mod hex;
mod output;
mod performer;
mod words;

pub(crate) use direct::send;
pub(crate) use hex::parse;
pub(crate) use output::Flow;
pub(crate) use performer::Performer;
pub(crate) use words::{Act, Reader};

use crate::complete::writable;
use aseqd_abi::seq::{PortCaps, PortType};
use aseqd_client::ump::Protocol;
use aseqd_client::{Client, Received};
use aseqd_console::{DeviceArg, duration};
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::process::{SignalFd, SignalSet};
use output::signal;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Signal;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use words::Wrong;

/// Most bytes of a line: a SysEx of 64 KiB as monitor prints it, and some.
const MAX_LINE: usize = 4 * 64 * 1024;

/// How long the messages of the command line wait for a receiver that does not read. A program that sleeps for a second
/// has stopped reading; then the sequencer decides whether there is room.
const PATIENCE: Duration = Duration::from_secs(1);

/// Send MIDI to a port
///
/// The messages go directly to the port, without a connection. A port is given by number (128:0, or 128 for the
/// client's first port that can be written to) or by its client's name, as for `aseqd connect`. Messages are words,
/// hexadecimal bytes, or lines that `aseqd monitor` has printed: `aseqd monitor X | aseqd send Y -` loses nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A line has any number of these words. Numbers are decimal, channels are 0 to 15, keys are numbers or names (60, C4, F#3, Bb2), \
and times are seconds or have a unit (0.5, 200ms). # begins a comment.

Notes:
  note KEY [VEL] [TIME]        with its end; usually 100 and 0.5 s
  on KEY [VEL], off KEY [VEL]  each for itself
  poly KEY N                   pressure of one key

Values of a channel:
  channel N                    the channel of what follows; 0 at first
  cc CONTROLLER N              by number or name: volume, pan, sustain
  cc14 CONTROLLER N            14 bits, as rpn PARAM N, nrpn PARAM N
  program N, pressure N        0 to 127
  bend N                       -8192 to 8191
  panic                        end every note, on every channel

Everything else:
  sysex BYTES, sysex-file FILE with or without F0 and F7
  clock, start, continue, stop and sensing, reset, tune
  song-position N, song-select N
  mtc PIECE N                  a quarter frame of MIDI time code
  hex BYTES, ump WORDS         MIDI messages, UMP packets
  at TIME                      what follows is due then
  wait TIME                    what follows is due that much later

With - or --file, send waits while the receiver has no room, so that nothing is lost. Exit status: 0 once everything was \
sent, 1 for a mistake or a refusal, 128 + n after signal n, which ends notes that sound.

Examples:
  aseqd send FLUID note C4 100 1s note E4 100 1s
  aseqd send FLUID program 19 wait 100ms cc volume 90 panic
  aseqd send 'Midi Through' 90 3C 64
  aseqd send 128:0 'F0 7E 7F 09 01 F7'
  aseqd send --ump 128:0 40903C00 C0000000
  aseqd monitor nanoKEY | aseqd send FLUID -")]
pub struct SendArgs {
    /// The port that receives the messages
    #[arg(add = writable())]
    pub port: String,
    /// What to send, or - for the lines of standard input
    #[arg(required_unless_present = "file", value_name = "WORDS", allow_negative_numbers = true)]
    pub words: Vec<String>,
    /// Send the lines of a file
    #[arg(short, long, value_name = "FILE", conflicts_with = "words")]
    pub file: Option<PathBuf>,
    /// Begin after this time: seconds, or with a unit (0.2, 200ms, 2s)
    #[arg(long, value_name = "TIME", value_parser = duration::seconds)]
    pub at: Option<Duration>,
    /// Send UMP packets: bytes are their words, 4 bytes each, the highest first. Needs a sequencer with UMP
    #[arg(long)]
    pub ump: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Runs `aseqd send`.
///
/// # Errors
/// A message if a word is not known, bytes are no complete messages, the device cannot be opened, there is no such
/// port, the port cannot be written to, or a file cannot be read.
pub fn main(args: &SendArgs) -> Result<ExitCode, Fail> {
    let mut reader = Reader::new(args.ump);
    let mut acts: Vec<Act> = args.at.into_iter().map(Act::At).collect();
    let from_input = args.words == ["-"];
    let file = args.file.as_ref().map(|file| {
        let opened = File::open(file);
        opened.with_context(|| format!("{} cannot be read", file.display()))
    });
    let file = file.transpose()?;
    // A mistake in the arguments is told before the device is opened.
    if file.is_none() && !from_input {
        reader.line(&args.words.join(" "), &mut acts).map_err(in_arguments)?;
    }
    let signals = SignalSet::of(&[Signal::INT, Signal::TERM, Signal::HUP]);
    signals.block().context("signals cannot be received")?;
    let signals = SignalFd::new(&signals).context("signals cannot be received")?;
    let client = Client::open(&args.device.device, "aseqd send")?;
    let mut kind = PortType::APPLICATION;
    if args.ump {
        client.set_protocol(Protocol::Midi2)?;
        kind |= PortType::MIDI_UMP;
    }
    let dest = crate::select::port(&client, &args.port, PortCaps::WRITE)?;
    // Nobody may subscribe to the port: it exists for a moment only. The queue writes to it at the end.
    let caps = PortCaps::READ | PortCaps::WRITE | PortCaps::NO_EXPORT;
    let port = client.create_port("send", caps, kind)?;
    let has_lines = file.is_some() || from_input;
    let patience = if has_lines { None } else { Some(PATIENCE) };
    let mut performer = Performer::new(&client, port, dest, port, &signals, patience);
    let mut flow = perform(&mut performer, &acts)?;
    if flow == Flow::GoOn && has_lines {
        let (input, name) = match (&file, &args.file) {
            (Some(file), Some(path)) => (file.as_fd(), path.display().to_string()),
            _ => (rustix::stdio::stdin(), "standard input".to_owned()),
        };
        let typed = file.is_none();
        let lines = Lines { client: &client, input, name: &name, signals: &signals, typed };
        flow = lines.perform(&mut reader, &mut performer)?;
    }
    if flow == Flow::GoOn {
        flow = performer.finish(&mut ignore)?;
    }
    Ok(match flow {
        Flow::GoOn => ExitCode::SUCCESS,
        Flow::Signal(number) => {
            performer.stop()?;
            ExitCode::from(u8::try_from(128 + number).unwrap_or(u8::MAX))
        }
    })
}

/// Whoever sends something to the port of this command is not heard.
fn ignore(_received: Option<Received>) -> Result<(), Fail> {
    Ok(())
}

fn perform(performer: &mut Performer<'_>, acts: &[Act]) -> Result<Flow, Fail> {
    for act in acts {
        let flow = performer.act(act)?;
        if flow != Flow::GoOn {
            return Ok(flow);
        }
    }
    Ok(Flow::GoOn)
}

/// Returns the message for a mistake in the arguments, which are taken as one line.
fn in_arguments(wrong: Wrong) -> Fail {
    match wrong {
        Wrong { column: 1, what } => Fail::new(what),
        Wrong { column, what } => Fail::new(format!("{what} (column {column})")),
    }
}

/// The lines of a file or of standard input.
struct Lines<'a> {
    client: &'a Client,
    input: BorrowedFd<'a>,
    name: &'a str,
    signals: &'a SignalFd,
    /// Whether somebody may type the lines, or a program make them, while they are sent.
    typed: bool,
}

impl Lines<'_> {
    /// Does what the lines say, each as soon as it has been read.
    fn perform(&self, reader: &mut Reader, performer: &mut Performer<'_>) -> Result<Flow, Fail> {
        let mut input = BufReader::with_capacity(MAX_LINE, Input(self.input));
        let mut unfinished = Vec::new();
        let mut number = 0_u64;
        let mut acts = Vec::new();
        loop {
            if input.buffer().is_empty() {
                let flow = performer.flush()?;
                if flow != Flow::GoOn {
                    return Ok(flow);
                }
                if let Some(number) = self.wait()? {
                    return Ok(Flow::Signal(number));
                }
                if self.typed {
                    performer.catch_up();
                }
            }
            let filled = input.fill_buf();
            let filled = match filled {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                filled => filled.map_err(|error| {
                    Fail::new(format!("{} cannot be read: {}", self.name, reason(&error)))
                })?,
            };
            let at_end = filled.is_empty();
            let end = filled.iter().position(|&byte| byte == b'\n');
            let taken = end.map_or(filled.len(), |end| end + 1);
            unfinished.extend_from_slice(&filled[..taken]);
            input.consume(taken);
            if unfinished.len() > MAX_LINE {
                let what = format!("it has more than {MAX_LINE} bytes");
                return Err(self.wrong(number + 1, Wrong { column: 1, what }));
            }
            if end.is_none() && !at_end {
                continue;
            }
            number += 1;
            acts.clear();
            let line = String::from_utf8_lossy(&unfinished);
            // Editors of Windows begin a file with a mark.
            let line = line.strip_prefix('\u{feff}').filter(|_| number == 1).unwrap_or(&line);
            let read = reader.line(line.trim_end_matches(['\n', '\r']), &mut acts);
            let flow = perform(performer, &acts)?;
            if let Err(wrong) = read {
                // What stands before a mistake is played to its end, so that no note goes on sounding.
                return match performer.finish(&mut ignore)? {
                    Flow::GoOn => Err(self.wrong(number, wrong)),
                    signal => Ok(signal),
                };
            }
            if flow != Flow::GoOn || at_end {
                return Ok(flow);
            }
            unfinished.clear();
        }
    }

    fn wrong(&self, line: u64, wrong: Wrong) -> Fail {
        let Wrong { column, what } = wrong;
        Fail::new(format!("{}, line {line}, column {column}: {what}", self.name))
    }

    /// Waits until there is something to read. Returns the number of a signal that has arrived.
    fn wait(&self) -> Result<Option<i32>, Fail> {
        let mut ready = [
            PollFd::new(&self.input, PollFlags::IN),
            PollFd::new(self.signals, PollFlags::IN),
            // Only whether the sequencer has ended.
            PollFd::new(self.client, PollFlags::empty()),
        ];
        rustix::io::retry_on_intr(|| poll(&mut ready, None)).context("cannot wait")?;
        let ended = ready[2].revents();
        let signal = signal(self.signals)?;
        if signal.is_none() && ended.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
            return Err(Fail::ended());
        }
        Ok(signal)
    }
}

/// A descriptor to read from.
struct Input<'a>(BorrowedFd<'a>);

impl std::io::Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::read(self.0, &mut *buffer))?)
    }
}
