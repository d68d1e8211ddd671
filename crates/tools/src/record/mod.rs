//! `aseqd record`: writes the MIDI that ports send to a file.

mod convert;
mod metronome;
mod place;
mod recorder;
mod setup;
mod summary;
mod take;
mod tempo;
mod time_code;
mod timeline;
mod tracks;

pub use tracks::Tracks;

use crate::complete::{receivers, senders};
use crate::ready::STARTING;
use crate::time_signature::TimeSignature;
use aseqd_client::Client;
use aseqd_console::{DeviceArg, duration, print, say};
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{SignalFd, SignalSet};
use aseqd_smf::{Division, Source};
use place::Place;
use recorder::{Recorder, Stop};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
use std::cell::OnceCell;
use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tempo::{Tempo, division};

/// The ticks of a quarter note if nothing else is asked for. It can be divided by the numbers of all usual note lengths.
const DEFAULT_DIVISION: Division = Division::Quarter(480);
/// Exit status for options that exclude each other, as for those that do not exist.
const WRONG_USAGE: u8 = 2;

/// Record the MIDI that ports send to a file
///
/// Writes a Standard MIDI File, or a MIDI clip file (.midi2) for ports that speak MIDI 2.0. Without PORT, it records whatever
/// is connected to its own port. The file can be played at any moment while it grows: if the recorder is killed, the
/// file has everything that was played up to a second before.
///
/// This records music. `aseqd run --record` and `aseqd serve --record` record what programs ask of the sequencer, for
/// `aseqd replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
SIGINT (Ctrl-C), SIGTERM, --timeout, --silence and --until-disconnected end it and keep the file. So does the end of \
`aseqd run`, under which it runs.

With --tempo queue, ticks and tempo are those of the queue through which a player or a sequencer program plays, \
so the file has its events at the same ticks. With --tempo clock, they follow the MIDI clock (24 messages a quarter note) of one of \
the ports.

With --mtc, tick 0 is the code that came first, before the first event; the file names it (SMPTE offset), so that programs put the \
take where it was played. Stop the code, go elsewhere and start it again: a jump forwards leaves a gap, after one back the \
recording goes on behind what is there, and a marker names the code. The ticks have the length that --tempo or --division says.

Exit status: 0 if everything that was received is in the file, 1 if not, 2 for wrong usage.

Examples:
  aseqd record take.mid 'Midi Through'
  aseqd record take.mid Keystation --time-signature 3/4 --metronome FLUID
  aseqd record take.mid Keystation nanoPAD --tracks channel
  aseqd record take.mid --silence 10s      # connect a keyboard to it
  aseqd record --tempo queue take.mid Hydrogen
  aseqd record --mtc --division 25x40 take.mid Keystation Recorder
  aseqd record - Keystation --timeout 10s >take.mid
  aseqd record take.midi2 128:0")]
pub struct RecordArgs {
    /// The file. It must not exist, unless --force is given. - is standard output, which gets the file at the end
    pub file: PathBuf,
    /// Ports to record, given as for `aseqd connect`. A name means all ports that it fits best
    #[arg(value_name = "PORT", add = senders())]
    pub ports: Vec<String>,
    /// Replace the file if it exists
    #[arg(short, long)]
    pub force: bool,
    /// The kind of file [default: by its name; without a known ending, clip if a port speaks MIDI 2.0, otherwise smf]
    #[arg(long, value_name = "KIND", help_heading = "File")]
    pub format: Option<Kind>,
    /// The tracks of a Standard MIDI File: port (one for each port), channel (one for each channel of each port), one
    /// (format 0)
    #[arg(
        long,
        value_name = "TRACKS",
        default_value = "port",
        hide_possible_values = true,
        help_heading = "File"
    )]
    pub tracks: Tracks,
    /// Ticks of a quarter note, or frames a second and ticks of a frame (25x40) [default: 480]
    #[arg(long, value_name = "TICKS", value_parser = division, help_heading = "File")]
    pub division: Option<Division>,
    /// Quarter notes a minute, or what to follow: queue, queue:N or clock
    #[arg(short, long, value_name = "TEMPO", default_value = "120", help_heading = "Time")]
    tempo: Tempo,
    /// Follow the MIDI time code (MTC) of one of the ports: events stand where the code was. The file says at which code it
    /// begins
    #[arg(long, conflicts_with = "metronome", help_heading = "Time")]
    pub mtc: bool,
    /// The time signature
    #[arg(short = 'i', long, value_name = "N/D", default_value = "4/4", help_heading = "Time")]
    time_signature: TimeSignature,
    /// Play a metronome to this port: keys 34 and 33 of channel 10
    #[arg(short, long, value_name = "PORT", add = receivers(), help_heading = "Time")]
    pub metronome: Option<String>,
    /// Stop after this time: seconds, or with a unit (0.2, 200ms, 2s)
    #[arg(long, value_name = "DURATION", value_parser = duration::seconds, help_heading = "End")]
    pub timeout: Option<Duration>,
    /// Stop when nothing has been received for this time after the first event
    #[arg(long, value_name = "DURATION", value_parser = duration::seconds, help_heading = "End")]
    pub silence: Option<Duration>,
    /// Stop when the last connection to the recorder's port ends, such as by the end of a program
    #[arg(long, help_heading = "End")]
    pub until_disconnected: bool,
    /// Record real-time messages and MTC quarter frames, too: clock, start, stop, active sensing, reset
    #[arg(long)]
    pub real_time: bool,
    /// Print one JSON object at the end
    #[arg(long)]
    pub json: bool,
    /// Print nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A Standard MIDI File
    Smf,
    /// A MIDI clip file, with UMP packets
    Clip,
}

/// Runs `aseqd record`.
///
/// # Errors
/// A message if the device cannot be opened, a port cannot be recorded, the file exists or cannot be written, or the
/// sequencer ends.
pub fn main(args: &RecordArgs) -> Result<ExitCode, Fail> {
    let signals = SignalSet::of(&[Signal::INT, Signal::TERM, Signal::HUP]);
    signals.block().context("signals cannot be received")?;
    let signals = SignalFd::new(&signals).context("signals cannot be received")?;
    if let Some(wrong) = conflict(args) {
        say(&wrong);
        return Ok(ExitCode::from(WRONG_USAGE));
    }
    check(args)?;
    // The name comes last: a script that waits for it finds everything ready.
    let client = Client::open(&args.device.device, STARTING)?;
    let mut place = Place::of(&args.file);
    let made = OnceCell::new();
    let recorder = Recorder::new(client, args, || {
        let file = place.create(args.force)?;
        let _first = made.set(file.try_clone()?);
        Ok(file)
    });
    if recorder.is_err() && made.get().is_some() && !args.force {
        // An empty file would only stand in the way of the next try.
        let _gone = fs::remove_file(&place.path);
    }
    let mut recorder = recorder?;
    let made = made.into_inner().ok_or_else(|| Fail::new("no file was made"))?;
    if !args.quiet {
        say(&recorder.announcement(&place.path));
    }
    let stopped = listen(&mut recorder, &signals, args);
    // Whatever ended it, the file is finished.
    let summary = recorder.finish();
    let name = place.name();
    let mut summary = summary.with_context(|| format!("{name} cannot be written"))?;
    let found = place.find(&made);
    if let Ok(Some(now)) = &found {
        say(&format_args!("{name} was moved while it was recorded: it is {}", now.display()));
    }
    let found = found.map(drop).with_context(|| name.clone());
    let found = found.inspect_err(|_| {
        if let Err(why) = &stopped {
            say(why);
        }
    });
    found?;
    if !summary.clip {
        let finished = finish(&place.path, args.tracks);
        if let (Err(_), Err(why)) = (&finished, &stopped) {
            // Two things went wrong, such as on a full disk. Only the first says why the recording has ended.
            say(why);
        }
        let kept = || format!("{name} stays a file of one track");
        let finished = finished.with_context(kept)?;
        (summary.tracks, summary.division) = (finished.tracks, Some(finished.division));
    }
    place.deliver()?;
    let lossless = stopped?;
    if args.json {
        print(&summary.json(&name))?;
    } else if !args.quiet {
        say(&format_args!("{name}: {summary}"));
    }
    let all = lossless && summary.is_complete();
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Refuses a file that cannot be recorded to.
fn check(args: &RecordArgs) -> Result<(), Fail> {
    if args.file == Path::new("-") {
        if io::stdout().is_terminal() {
            return Err(Fail::new("-: standard output is a terminal, which shows no MIDI file"));
        }
    } else if args.file.exists() && !args.force {
        let name = args.file.display();
        let what = match fs::metadata(&args.file) {
            Ok(metadata) if metadata.is_dir() => "is a directory",
            Ok(metadata) if !metadata.is_file() => "is not a regular file",
            _ => "exists; --force replaces it",
        };
        return Err(Fail::new(format!("{name} {what}")));
    }
    Ok(())
}

/// Returns why the options cannot be used together, if they cannot.
fn conflict(args: &RecordArgs) -> Option<String> {
    if matches!(args.tempo, Tempo::Queue(_)) && args.division.is_some() {
        return Some("--division cannot be used with --tempo queue: the queue has one".to_owned());
    }
    if args.mtc && !matches!(args.tempo, Tempo::Fixed(_)) {
        let why = "--mtc cannot be used with --tempo queue or clock: one thing is followed";
        return Some(why.to_owned());
    }
    if args.json && args.file == Path::new("-") {
        return Some("-: with --json, standard output has only JSON; name a file".to_owned());
    }
    if !matches!(args.division, Some(Division::Frames { .. })) {
        return None;
    }
    let with = match args.tempo {
        Tempo::Clock => "--tempo clock",
        _ if args.metronome.is_some() => "--metronome",
        _ if args.format == Some(Kind::Clip) => "--format clip",
        _ => return None,
    };
    let why = "its ticks are parts of quarter notes";
    Some(format!("--division of frames cannot be used with {with}: {why}"))
}

/// Records until something ends it. Returns whether nothing was lost at the end.
fn listen(recorder: &mut Recorder, signals: &SignalFd, args: &RecordArgs) -> Result<bool, Fail> {
    let end = args.timeout.map(|timeout| Instant::now() + timeout);
    loop {
        let received = recorder.receive()?;
        if received == Stop::Disconnected {
            return Ok(true);
        }
        if signals.take().context("signals cannot be received")?.is_some() {
            // What has arrived before the signal is recorded.
            while recorder.receive()? == Stop::More {}
            return Ok(true);
        }
        let silent = args.silence.zip(recorder.last_event()).map(|(silence, last)| last + silence);
        let now = Instant::now();
        let stop = [end, silent].into_iter().flatten().min();
        if stop.is_some_and(|stop| stop <= now) {
            return Ok(true);
        }
        // What was read ahead does not wake a poll.
        let more = (received == Stop::More).then_some(now);
        let next = [stop, recorder.commit()?, more].into_iter().flatten().min();
        let timeout = next.map(|next| Timespec::try_from(next.saturating_duration_since(now)));
        let timeout = timeout.transpose().context("the timeout")?;
        let mut ready =
            [PollFd::new(recorder.client(), PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut ready, timeout.as_ref())).context("cannot wait")?;
        if ready[0].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
            // Under `aseqd run`, the recording ends with the run, and a signal comes as well.
            say(&Fail::ended());
            return Ok(false);
        }
    }
}

/// Makes the final tracks. The file that is there is replaced at once when they are complete.
fn finish(path: &Path, how: Tracks) -> io::Result<tracks::Finished> {
    // A link stays one.
    let path = path.canonicalize()?;
    let recorded = fs::File::open(&path)?;
    let metadata = recorded.metadata()?;
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    let temporary = folder.join(name);
    let made = OpenOptions::new().write(true).create_new(true).open(&temporary);
    let mut out = io::BufWriter::new(made?);
    let written = tracks::write(&Source::new(recorded, metadata.len()), how, &mut out);
    let replaced = written.and_then(|finished| {
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.set_permissions(metadata.permissions())?;
        fs::rename(&temporary, &path)?;
        Ok(finished)
    });
    if replaced.is_err() {
        // It may be gone already.
        let _gone = fs::remove_file(&temporary);
    }
    replaced
}
