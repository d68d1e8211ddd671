//! `aseqd port`: makes a port that sends the MIDI messages of standard input and prints those that arrive. Its
//! subcommands are about ports that stay.

mod input;
mod printer;
mod stay;

pub use stay::{AddArgs, ListArgs, RemoveArgs};

use aseqd_abi::seq::{PortCaps, PortType};
use aseqd_client::Client;
use aseqd_console::DeviceArg;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{SignalFd, SignalSet};
use input::{Hex, Input, Sender, Words};
use printer::Printer;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Signal;
use std::process::ExitCode;

/// Cells of both pools: as many as a client can have, so that long SysEx messages find room.
const POOL: u32 = 2000;
/// Maximum length of a name, in bytes: the sequencer has 64, of which the last one is 0.
const LONGEST_NAME: usize = 63;

/// Make a port that sends standard input and prints what arrives
///
/// For tests and scripts that need a MIDI device. Other programs see a client NAME with one port. Each line of standard
/// input is one or more MIDI messages in hexadecimal, which go to whatever is connected to the port. Each message that
/// arrives is printed as such a line. The port goes away at the end of standard input, or by SIGINT or SIGTERM, with
/// exit status 0.
///
/// `aseqd port add` makes a port that stays, and `remove` and `list` are about those.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(disable_help_subcommand = true)]
#[command(after_help = "\
A port whose name is that of a subcommand is made by `aseqd port -- add`.

Events that have no MIDI bytes, such as those that control queues, are not printed. A SysEx may have any length up to 16 MiB; \
a registered parameter is printed as its four controllers. With --words, everything is printed, and a line may say \
note C4 100 1s.

Examples:
  aseqd port Piano     # type 90 3C 64, and see what arrives
  (aseqd wait --connected Piano; echo 90 3C 64) | aseqd port Piano --input
  sleep 10 | aseqd port Synth --output > received
  aseqd port add Loop          # stays: what is written to it comes out again
  aseqd port -- list           # a port that is called list")]
pub struct PortArgs {
    /// What to do with ports that stay
    #[command(subcommand)]
    pub action: Option<Action>,
    /// The name of the client and of its port
    #[arg(required = true)]
    pub name: Option<String>,
    /// Only send: other programs see an input, such as a keyboard
    #[arg(short, long, conflicts_with = "output")]
    pub input: bool,
    /// Only receive: other programs see an output, such as a synthesizer
    #[arg(short, long)]
    pub output: bool,
    /// Read words as `aseqd send` does, and print lines as `aseqd monitor` does
    #[arg(short, long)]
    pub words: bool,
    /// Print the port's address on standard error once it exists
    #[arg(short, long)]
    pub verbose: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// What `aseqd port` does with ports that stay. The help of each is the documentation of its arguments.
#[derive(Debug, clap::Subcommand)]
#[expect(missing_docs, reason = "a comment here would hide that of the arguments")]
pub enum Action {
    Add(AddArgs),
    Remove(RemoveArgs),
    List(ListArgs),
}

/// Runs `aseqd port`.
///
/// # Errors
/// A message if the device cannot be opened, a line of standard input is no MIDI message, the sequencer ends, or
/// standard output cannot be written. Of a subcommand, if a name or a file is wrong.
pub fn main(args: &PortArgs) -> Result<ExitCode, Fail> {
    match &args.action {
        Some(Action::Add(add)) => return stay::add(add),
        Some(Action::Remove(remove)) => return stay::remove(remove),
        Some(Action::List(list)) => return stay::list(list),
        None => {}
    }
    let name = args.name.as_deref().unwrap_or_default();
    // The sequencer would cut it, and then nobody finds the port by its name.
    if name.is_empty() || name.len() > LONGEST_NAME {
        let bytes = name.len();
        let why = format!("the name has {bytes} bytes; names have 1 to {LONGEST_NAME}");
        return Err(Fail::new(why));
    }
    let signals = SignalSet::of(&[Signal::INT, Signal::TERM, Signal::HUP]);
    signals.block().context("signals cannot be received")?;
    let signals = SignalFd::new(&signals).context("signals cannot be received")?;
    let client = Client::open(&args.device.device, name)?;
    client.set_pools(POOL, POOL, 1)?;
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
    let port = client.create_port(name, caps, kind)?;
    if args.verbose {
        eprintln!("{port}");
    }
    let sends = args.input || !args.output;
    let mut sender = match args.words {
        false => Sender::Hex(Hex::new(&client, port)),
        // The queue tells by an event to a port of ours that it has played everything.
        true if args.input => {
            let caps = PortCaps::WRITE | PortCaps::NO_EXPORT;
            let echo = client.create_port("end", caps, PortType::empty())?;
            Sender::Words(Box::new(Words::new(&client, port, echo, &signals)))
        }
        true => Sender::Words(Box::new(Words::new(&client, port, port, &signals))),
    };
    let mut input = Input::new(sends);
    let mut printer = Printer::new(args.words);
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
            sender.stop()?;
            break;
        }
        if readable && !input.send_all(&mut sender, &mut printer)? {
            break;
        }
    }
    // What arrived before the end is printed.
    printer.print_all(&client)?;
    Ok(ExitCode::SUCCESS)
}
