//! `aseqd replay`: runs a recording again, without the programs that were recorded.

mod against;
mod export;
mod input;
mod output;
mod place;
mod player;
mod print;
mod shrink;
mod state;

use against::Against;
use aseqd_console::{print as print_text, say};
use aseqd_engine::Time;
use aseqd_host::error::Fail;
use aseqd_recording::{ReadError, Reader, to_text};
use aseqd_replay::caught::caught;
use export::Exports;
use output::Output;
use place::{Place, Speed};
use player::{Ending, Player};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Exit status if the answers are not the recorded ones.
const DIFFERS: u8 = 1;
/// Exit status if the recording cannot be replayed.
const UNUSABLE: u8 = 3;
/// Exit status for options that make no sense together.
const WRONG_USAGE: u8 = 2;
/// Exit status after Ctrl-C: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// Replay a recording without its programs
///
/// Feeds what programs have done, as `aseqd run --record FILE` has recorded it, into a sequencer of its own, and prints
/// the events that they have read, as `aseqd monitor` does, each with the time since the recording began and its receiver.
/// The answers must be those that were recorded: if they are not, it says which is the first one that differs.
///
/// To play a MIDI file, such as one of `aseqd record`, use `aseqd play`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 if all answers are as recorded, 1 if they are not, 3 if the recording cannot be replayed, 2 for wrong \
usage, 130 after Ctrl-C.

Examples:
  aseqd replay song.aseq
  aseqd replay song.aseq --check || echo 'this version answers otherwise'
  aseqd replay song.aseq --until 2.5s --dump-state
  aseqd replay song.aseq --text > song.txt
  aseqd replay --from-text song.txt --output edited.aseq
  aseqd replay song.aseq --scrub --output report.aseq
  aseqd replay song.aseq --to-smf song.mid
  aseqd replay song.aseq --to-c replay.c && cc replay.c && sudo ./a.out
  aseqd replay song.aseq --against /dev/snd/seq
  aseqd replay bug.aseq --minimize small.aseq --check=panic
  aseqd replay bug.aseq --minimize small.aseq --check='! ./old replay --check'")]
pub struct ReplayArgs {
    /// The recording, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print nothing: the exit status says whether the answers are as recorded. With --minimize, the problem
    ///
    /// TEST is panic (the engine panics), hash (the program of --reference gives other answers), differs (the sequencer
    /// of --against does), or a command, which gets the path of a recording and ends with status 0 if that shows the
    /// problem.
    #[arg(long, value_name = "TEST", num_args = 0..=1, require_equals = true, default_missing_value = "",
          conflicts_with_all = ["dump_state", "json", "hash"])]
    pub check: Option<String>,
    /// Print the state at the end instead of events: clients, ports, connections, queues, unread events, pools
    #[arg(long)]
    pub dump_state: bool,
    /// Print the hash of all answers instead of events
    #[arg(long, conflicts_with_all = ["dump_state", "json"])]
    pub hash: bool,
    /// Print the records as text, one a line, without replaying them
    #[arg(long, conflicts_with_all = ["check", "dump_state", "hash", "json", "until", "from", "speed", "output",
          "to_smf", "to_test", "to_c", "against", "minimize"])]
    pub text: bool,
    /// FILE is in the text form that --text prints
    #[arg(long)]
    pub from_text: bool,
    /// Write the records that were replayed as a recording, with the answers of this version (- for standard output)
    #[arg(short, long, value_name = "FILE", conflicts_with = "from", help_heading = "Files")]
    pub output: Option<PathBuf>,
    /// Take names and the data of System Exclusive messages out of the recording that is written. The music stays
    #[arg(long, requires = "output", help_heading = "Files")]
    pub scrub: bool,
    /// Write a MIDI file with what each port has sent and received
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub to_smf: Option<PathBuf>,
    /// Write a Rust test that asserts every answer of the engine
    #[arg(long, value_name = "FILE", conflicts_with = "from", help_heading = "Files")]
    pub to_test: Option<PathBuf>,
    /// Write a C program that makes the calls on any sequencer, and prints the answers that differ
    #[arg(long, value_name = "FILE", conflicts_with = "from", help_heading = "Files")]
    pub to_c: Option<PathBuf>,
    /// Make the recorded calls on this sequencer, the kernel's or another aseqd, and print the answers that differ. The
    /// timer device is beside it
    #[arg(long, value_name = "DEVICE", conflicts_with_all = ["dump_state", "json", "hash", "from"])]
    pub against: Option<PathBuf>,
    /// Write a recording with the fewest records that still show the problem of --check=TEST [default: panic]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dump_state", "json", "hash", "from", "output", "to_smf", "to_test", "to_c"])]
    pub minimize: Option<PathBuf>,
    /// The aseqd whose answers --check=hash compares with those of this one
    #[arg(long, value_name = "PROGRAM", requires = "minimize")]
    pub reference: Option<PathBuf>,
    /// Print one JSON object per event, or the state as one object
    #[arg(long)]
    pub json: bool,
    /// Stop after this record, or after this time since the beginning (1000, 2.5s)
    #[arg(long, value_name = "N|TIME")]
    pub until: Option<Place>,
    /// Print only from this record or time on
    #[arg(long, value_name = "N|TIME")]
    pub from: Option<Place>,
    /// How fast: max, real, or a factor such as 10 [default: max; with --against real]
    #[arg(long, value_name = "SPEED")]
    pub speed: Option<Speed>,
}

impl ReplayArgs {
    /// Returns whether only the exit status says whether the answers are as recorded.
    const fn is_check(&self) -> bool {
        self.check.is_some() && self.minimize.is_none()
    }

    fn speed(&self) -> Speed {
        let paced = self.against.is_some() && self.minimize.is_none();
        self.speed.unwrap_or(if paced { Speed::Times(1.0) } else { Speed::Max })
    }
}

/// Runs `aseqd replay`.
///
/// # Errors
/// A message if standard output cannot be written. Defects of the recording are said here, since they have a status of
/// their own.
pub fn main(args: &ReplayArgs) -> Result<ExitCode, Fail> {
    if args.text {
        return text(args);
    }
    let mut player = match Player::open(args) {
        Ok(player) => player,
        Err(error) => return Ok(unusable(&error)),
    };
    if let Some(out) = &args.minimize {
        return Ok(match shrink::shrink(args, player, out) {
            Ok(true) => ExitCode::from(INTERRUPTED),
            Ok(false) => ExitCode::SUCCESS,
            Err(error) => {
                say(&error);
                ExitCode::FAILURE
            }
        });
    }
    if args.check.as_deref().is_some_and(|test| !test.is_empty()) {
        say(&"--check takes a test only together with --minimize");
        return Ok(ExitCode::from(WRONG_USAGE));
    }
    let mut events = print::Events::new(args);
    let mut exports = match Exports::create(args, &player) {
        Ok(exports) => exports,
        Err(error) => return Ok(unusable(&error)),
    };
    let mut against = match &args.against {
        None => None,
        Some(device) => match Against::new(args, device, &player) {
            Ok(against) => Some(against),
            Err(error) => return Ok(unusable(&error)),
        },
    };
    let ending = player.run(args, &mut |played, began| {
        exports.push(played)?;
        if let Some(against) = &mut against {
            against.push(played)?;
        }
        events.show(played, began)
    });
    events.flush()?;
    match &ending {
        Ok(Ending::Panicked(..)) => {
            exports.finish_with(player.replayer().action(), player.replayer().now())?
        }
        Ok(_) => exports.finish()?,
        Err(_) => {}
    }
    if let Some(against) = against
        && against.finish() > 0
        && matches!(ending, Ok(Ending::End | Ending::Until))
    {
        return Ok(ExitCode::from(DIFFERS));
    }
    finish(args, &player, ending)
}

/// Prints the records as text.
fn text(args: &ReplayArgs) -> Result<ExitCode, Fail> {
    let name = args.file.display().to_string();
    let opened = input::open(&args.file, args.from_text)
        .and_then(|from| Reader::new(from).map_err(|error| player::fail(&name, error.into())));
    let mut reader = match opened {
        Ok(reader) => reader,
        Err(error) => return Ok(unusable(&error)),
    };
    let mut out = Output::create(Path::new("-"))?;
    match to_text(&mut reader, &mut out) {
        Ok(()) => out.finish()?,
        Err(ReadError::Io(error)) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(error) => return Ok(unusable(&player::fail(&name, error.into()))),
    }
    player::say_how_it_ended(&name, reader.end());
    Ok(ExitCode::SUCCESS)
}

/// Prints what is asked for at the end, says what is wrong, and chooses the exit status.
fn finish(
    args: &ReplayArgs,
    player: &Player,
    ending: Result<Ending, Fail>,
) -> Result<ExitCode, Fail> {
    let ending = match ending {
        Ok(ending) => ending,
        Err(error) => return Ok(unusable(&error)),
    };
    let replayer = player.replayer();
    if let Ending::Panicked(record, said) = &ending {
        say(&format!("the engine panicked at record {record}: {said}"));
        return Ok(ExitCode::from(DIFFERS));
    }
    if args.dump_state {
        let began = replayer.began().unwrap_or(Time(0));
        let (engine, at) = (replayer.engine(), replayer.now());
        // An engine that began with a damaged state may panic at any question.
        let text = caught(|| match args.json {
            true => {
                state::json(engine, at, began).map(|state| crate::json::json_line(&state) + "\n")
            }
            false => state::describe(engine, at, began),
        });
        match text {
            Ok(text) => print_text(&text?)?,
            Err(said) => {
                say(&format!("the engine panicked when it was looked at: {said}"));
                return Ok(ExitCode::from(DIFFERS));
            }
        }
    }
    if args.hash {
        print_text(&format!("{:08x}\n", replayer.hash()))?;
    }
    if !args.is_check() {
        player::say_how_it_ended(player.name(), replayer.end());
    }
    if matches!(ending, Ending::Interrupted) {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let Some(difference) = replayer.difference() else { return Ok(ExitCode::SUCCESS) };
    if !args.is_check() {
        say(&print::difference(difference, replayer));
    }
    Ok(ExitCode::from(DIFFERS))
}

fn unusable(error: &Fail) -> ExitCode {
    say(error);
    ExitCode::from(UNUSABLE)
}

/// Returns a time as seconds.
fn seconds(nanoseconds: u64) -> String {
    format!("{}.{:09}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000)
}
