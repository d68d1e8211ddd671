//! `aseqd play`: plays MIDI files and MIDI clip files through the sequencer.

mod player;
mod song;
mod source;
mod tempo;
mod terminal;

pub(crate) use player::{Ended, Player};
pub(crate) use song::{Song, What};
pub(crate) use tempo::TempoMap;

use aseqd_abi::Address;
use aseqd_abi::seq::PortCaps;
use aseqd_client::Client;
use aseqd_console::{DeviceArg, duration, say};
use aseqd_host::error::{Context, Fail};
use aseqd_smf::{Findings, Source};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use terminal::Terminal;

/// The environment variable that names ports if no option does, as for aplaymidi.
const PORTS_VARIABLE: &str = "ALSA_OUTPUT_PORTS";

/// How many events `--strict` reads before it looks for a signal. That takes milliseconds.
const CHECKED_AT_ONCE: usize = 10_000;

/// Play MIDI files to ports of the sequencer
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Exit status: 0 if everything was played, 1 if not, 2 for wrong usage, 128 + n if signal n ended it.

A damaged file is played as far as possible. For each kind of damage, one line says what was wrong and \
where it occurred first. If events were lost, the exit status is 1.

A MIDI clip file (.midi2) has UMP packets of up to 16 groups. With several ports, each group has its own, in this order. \
The packets are converted for ports that do not speak UMP, and on sequencers that have no UMP.

Examples:
  aseqd play -p 'Midi Through' song.mid
  aseqd play -p 128:0,129:0 --delay 2s one.mid two.mid
  aseqd play -p 128:0 recording.midi2")]
pub struct PlayArgs {
    /// Standard MIDI Files of any format, MIDI clip files, or - for the standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Ports to play to, by number (128:0) or by name. A file that uses several outputs finds
    /// them in this order [default: $ALSA_OUTPUT_PORTS]
    #[arg(short, long, value_name = "PORT", value_delimiter = ',')]
    pub port: Vec<String>,

    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,

    /// Time to wait after each file, for the last notes to fade: seconds, or with a unit (0.2, 200ms, 2s)
    #[arg(short, long, value_name = "DURATION", default_value = "0", value_parser = duration::seconds)]
    pub delay: Duration,

    /// Play nothing unless every file follows the standard
    #[arg(long)]
    pub strict: bool,

    /// Print nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// Runs `aseqd play`: plays the files one after the other. The status is 128 + n if signal n ended it, and 1 if a
/// damaged file has lost events.
///
/// # Errors
/// A message if the device cannot be opened, a port cannot be played to, a file cannot be read or has nothing to play,
/// the sequencer ends, or a file breaks the standard and `--strict` is given.
pub fn main(args: &PlayArgs) -> Result<ExitCode, Fail> {
    let mut terminal = Terminal::new(args.quiet).context("signals cannot be received")?;
    let checked = match args.strict.then(|| check(&args.files, &terminal)).transpose()? {
        Some(Checked::Interrupted(signal)) => return Ok(interrupted(signal)),
        Some(Checked::Fine(sources)) => Some(sources),
        None => None,
    };
    let client = Client::open(&args.device.device, "aseqd play")?;
    let targets = targets(&client, args)?;
    let mut player = Player::new(client)?;
    player.connect(&targets)?;
    let mut lost = false;
    for (number, path) in args.files.iter().enumerate() {
        let name = path.display().to_string();
        let source = match &checked {
            Some(sources) => sources[number].clone(),
            None => match source::open(path, &terminal).with_context(|| name.clone())? {
                Some(source) => source,
                None => {
                    let signal = terminal.signal().context("signals cannot be received")?;
                    player.silence()?;
                    return Ok(interrupted(signal.unwrap_or(0)));
                }
            },
        };
        let mut song = Song::read(&source).with_context(|| name.clone())?;
        terminal.begin(&name, &source);
        let ended = player.play(&mut song, Some(&mut terminal)).with_context(|| name.clone())?;
        terminal.end();
        let findings = song.findings();
        report(path, &findings, args.quiet);
        lost |= findings.lose_events();
        let signal = match ended {
            Ended::Interrupted(signal) => Some(signal),
            Ended::Played => terminal.wait(args.delay).context("signals cannot be received")?,
        };
        if let Some(signal) = signal {
            player.silence()?;
            return Ok(interrupted(signal));
        }
    }
    Ok(if lost { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Returns the exit status for a signal: 128 + n.
fn interrupted(signal: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
}

/// How the check of `--strict` ended.
enum Checked {
    /// No file breaks the standard.
    Fine(Vec<Source>),
    /// This signal came first.
    Interrupted(i32),
}

/// Reads all files to their ends, before any of them is played.
///
/// # Errors
/// A message if a file cannot be read, has nothing to play, or breaks the standard.
fn check(files: &[PathBuf], terminal: &Terminal) -> Result<Checked, Fail> {
    let mut sources = Vec::new();
    let mut odd = Vec::new();
    for path in files {
        let name = path.display().to_string();
        let Some(source) = source::open(path, terminal).with_context(|| name.clone())? else {
            let signal = terminal.signal().context("signals cannot be received")?;
            return Ok(Checked::Interrupted(signal.unwrap_or(0)));
        };
        let mut song = Song::read(&source).with_context(|| name.clone())?;
        while song.by_ref().take(CHECKED_AT_ONCE).count() == CHECKED_AT_ONCE {
            if let Some(signal) = terminal.signal().context("signals cannot be received")? {
                return Ok(Checked::Interrupted(signal));
            }
        }
        let findings = song.findings();
        if !findings.is_empty() {
            report(path, &findings, false);
            odd.push(name);
        }
        sources.push(source);
    }
    if odd.is_empty() {
        return Ok(Checked::Fine(sources));
    }
    let names = odd.join(", ");
    Err(Fail::new(format!("{names}: breaks the standard; omit --strict to play it all the same")))
}

/// Prints one line for each kind of damage. `only_losses` leaves out damage that cost no events.
fn report(path: &Path, findings: &Findings, only_losses: bool) {
    for finding in findings {
        if finding.oddity.loses_events() || !only_losses {
            say(&format_args!("{}: {finding}", path.display()));
        }
    }
}

/// Returns the ports of `--port` or, without it, of the environment.
fn targets(client: &Client, args: &PlayArgs) -> Result<Vec<Address>, Fail> {
    let variable = std::env::var(PORTS_VARIABLE).unwrap_or_default();
    let named: Vec<&str> = match args.port.is_empty() {
        true => variable.split(',').filter(|port| !port.is_empty()).collect(),
        false => args.port.iter().map(String::as_str).collect(),
    };
    if named.is_empty() {
        let there = destinations(client)?;
        return Err(Fail::new(format!("no port to play to: name one with -p; {there}")));
    }
    named.into_iter().map(|port| client.find_port(port).map_err(Fail::from)).collect()
}

/// Returns a sentence with the ports that can be played to.
fn destinations(client: &Client) -> Result<String, Fail> {
    let needed = PortCaps::WRITE | PortCaps::SUBS_WRITE;
    let ports = client.ports()?;
    let there: Vec<_> = ports
        .iter()
        .filter(|port| port.caps.contains(needed) && !port.caps.contains(PortCaps::NO_EXPORT))
        .map(ToString::to_string)
        .collect();
    Ok(match there.as_slice() {
        [] => "no port that can be played to exists".to_owned(),
        _ => format!("there are {}", there.join(", ")),
    })
}
