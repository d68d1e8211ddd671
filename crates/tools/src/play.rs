//! `aseqd play`: plays MIDI files and MIDI clip files through the sequencer.

mod chase;
mod keys;
mod output;
mod passage;
mod player;
mod remote;
mod session;
mod song;
mod source;
mod tempo;
mod terminal;
mod timeline;
mod words;

pub(crate) use passage::{Manner, Passage};
pub(crate) use player::Player;
pub use remote::TELLS;
pub(crate) use song::{Song, What};
pub(crate) use tempo::{QueueTiming, TempoMap};

use crate::complete::{RECEIVER, receivers};
use crate::select;
use aseqd_abi::Address;
use aseqd_abi::seq::PortCaps;
use aseqd_client::Client;
use aseqd_console::{DeviceArg, duration, say};
use aseqd_host::error::{Context, Fail};
use aseqd_smf::{Findings, Source};
use player::SPEEDS;
use session::Then;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use terminal::Terminal;
use timeline::{Place, Timeline, place};

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

On a terminal, it shows bar and beat, time, markers and lyrics. Space stops and goes on, left and right go 5 seconds back and \
forward, up and down (or + and -) change the speed, n and p go to the next and the previous file, q ends.

Its port 'control' takes start, stop, continue, song position, song select (the number of the file, from 0) and MIDI Machine \
Control (stop, pause, play, rewind and fast forward by 5 seconds, locate, eject to end), from hardware, `aseqd send` or the \
page of `aseqd web`. To ports that are connected to it, it sends start, stop, continue and the song position when they change.

A MIDI clip file (.midi2) has UMP packets of up to 16 groups. With several ports, each group has its own, in this order. \
The packets are converted for ports that do not speak UMP, and on sequencers that have no UMP.

Examples:
  aseqd play -p 'Midi Through' song.mid
  aseqd play -p 128:0,129:0 --delay 2s one.mid two.mid
  aseqd play -p FLUID song.mid --from 17:1 --to 25:1 --loop --speed 0.8
  aseqd play -p FLUID song.mid --transpose -2
  aseqd play -p 128:0 recording.midi2")]
pub struct PlayArgs {
    /// Standard MIDI Files of any format, MIDI clip files, or - for the standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Ports to play to, given as for `aseqd connect`. A file that uses several outputs finds
    /// them in this order [default: $ALSA_OUTPUT_PORTS]
    #[arg(short, long, value_name = "PORT", value_delimiter = ',', add = receivers())]
    pub port: Vec<String>,

    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,

    /// Time to wait after each file, for the last notes to fade: seconds, or with a unit (0.2, 200ms, 2s)
    #[arg(short, long, value_name = "DURATION", default_value = "0", value_parser = duration::seconds)]
    pub delay: Duration,

    /// Begin here: a bar and a beat (17:1), or a time (90, 1.5min). Programs, controllers and the like are set as if
    /// everything before had been played
    #[arg(long, value_name = "PLACE", value_parser = place, help_heading = "Passage")]
    from: Option<Place>,

    /// End here
    #[arg(long, value_name = "PLACE", value_parser = place, help_heading = "Passage")]
    to: Option<Place>,

    /// Play everything N times, or for ever. One file goes on without a gap
    #[arg(long = "loop", value_name = "N", num_args = 0..=1, require_equals = true,
          value_parser = rounds, help_heading = "Passage")]
    pub repeat: Option<Option<NonZeroU32>>,

    /// Play this many times as fast (0.1 to 10)
    #[arg(long, value_name = "FACTOR", value_parser = speed, help_heading = "Passage")]
    pub speed: Option<f64>,

    /// Play notes this many semitones higher, or lower (-12), but those of channel 10
    #[arg(long, value_name = "SEMITONES", default_value = "0", allow_negative_numbers = true,
          value_parser = clap::value_parser!(i8).range(-127..), help_heading = "Passage")]
    pub transpose: i8,

    /// Also send MIDI clock to all ports: start, 24 messages a quarter note, stop
    #[arg(long, help_heading = "Passage")]
    pub clock: bool,

    /// Make no port "control", at which others can stop, go on and seek
    #[arg(long)]
    pub no_control: bool,

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
    let keys = !args.files.iter().any(|file| file == Path::new("-"));
    let mut terminal = Terminal::new(args.quiet, keys).context("signals cannot be received")?;
    let checked = match args.strict.then(|| check(&args.files, &terminal)).transpose()? {
        Some(Checked::Interrupted(signal)) => return Ok(interrupted(signal)),
        Some(Checked::Fine(sources)) => Some(sources),
        None => None,
    };
    let client = Client::open(&args.device.device, "aseqd play")?;
    let targets = targets(&client, args)?;
    let mut player = Player::new(client)?;
    player.connect(&targets)?;
    if !args.no_control {
        player.open_remote()?;
    }
    if let Some(speed) = args.speed {
        player.set_speed(speed)?;
    }
    // One file is repeated without a gap between the rounds.
    let rounds = if args.files.len() == 1 { Some(1) } else { args.rounds() };
    let (mut lost, mut number, mut round) = (false, 0, 0);
    loop {
        let Some(path) = args.files.get(number) else {
            round += 1;
            if rounds.is_some_and(|rounds| round >= rounds) {
                break;
            }
            number = 0;
            continue;
        };
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
        let song = Song::read(&source).with_context(|| name.clone())?;
        let manner = manner(args, &song).with_context(|| name.clone())?;
        terminal.begin(&name, &source, (number, args.files.len()));
        let played = session::play(&mut player, &mut terminal, &song, manner);
        let played = played.with_context(|| name.clone())?;
        terminal.end();
        report(path, &played.findings, args.quiet);
        lost |= played.findings.lose_events();
        if played.beyond > 0 && !args.quiet {
            let notes = played.beyond;
            say(&format_args!("{name}: {notes} notes left out: no key is so high, or so low"));
        }
        let signal = match played.then {
            Then::Next => terminal.wait(args.delay, player.client())?,
            Then::Skip => None,
            Then::Previous => {
                number = number.saturating_sub(1);
                continue;
            }
            Then::Song(wanted) => {
                // Without such a file, this one begins again.
                let wanted = usize::from(wanted);
                number = if wanted < args.files.len() { wanted } else { number };
                continue;
            }
            Then::Quit => break,
            Then::Interrupted(signal) => Some(signal),
        };
        if let Some(signal) = signal {
            player.silence()?;
            return Ok(interrupted(signal));
        }
        number += 1;
    }
    Ok(if lost { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Returns how a song is played.
fn manner(args: &PlayArgs, song: &Song) -> Result<Manner, Fail> {
    let mut manner = Manner { transpose: args.transpose, clock: args.clock, ..Manner::default() };
    if args.files.len() == 1 {
        manner.times = args.rounds();
    }
    if args.clock && !song.has_tempo() {
        return Err(Fail::new("its ticks are parts of frames, so it has no beats for --clock"));
    }
    if args.from.is_none() && args.to.is_none() {
        return Ok(manner);
    }
    let timeline = Timeline::of(song.clone());
    let tick = |place: Place| {
        let none = || Fail::new("its ticks are parts of frames, so it has no bars: name a time");
        timeline.tick_of(place).ok_or_else(none)
    };
    manner.from = args.from.map(tick).transpose()?.unwrap_or(0);
    manner.to = args.to.map(tick).transpose()?;
    if manner.from >= timeline.end() && manner.from > 0 {
        return Err(Fail::new("--from is at or after its end"));
    }
    if manner.to.is_some_and(|to| to <= manner.from) {
        return Err(Fail::new("--to is not after the place where it begins"));
    }
    Ok(manner)
}

impl PlayArgs {
    /// Returns how many times everything is played; without a number, for ever.
    fn rounds(&self) -> Option<u32> {
        match self.repeat {
            None => Some(1),
            Some(times) => times.map(NonZeroU32::get),
        }
    }
}

/// Parses how many times everything is played.
fn rounds(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| "it is a number from 1; for ever without a number".to_owned())
}

/// Parses a speed.
fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|speed| SPEEDS.contains(speed));
    speed.ok_or_else(|| "a speed is a number from 0.1 to 10; 2 is twice as fast".to_owned())
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
    let find = |port: &str| select::port(client, port, RECEIVER);
    named.into_iter().map(find).collect()
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
