//! Replays a recording up to its end, a place, Ctrl-C or a panic of the engine, at a chosen speed.

use super::place::Speed;
use super::{ReplayArgs, input};
use aseqd_console::say;
use aseqd_engine::Time;
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::process::{SignalFd, SignalSet};
use aseqd_recording::{End, ReadError};
use aseqd_replay::caught::caught;
use aseqd_replay::replayer::{Error, Played, Replayer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::io::{self, Read};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// After how many records of a quick replay it is looked whether Ctrl-C was pressed.
const SIGNAL_INTERVAL: u64 = 1024;

/// How long a test may go on after `SIGTERM`, before it is killed.
const GRACE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// How a replay ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The recording is at its end.
    End,
    /// The place of `--until` is reached.
    Until,
    /// Ctrl-C.
    Interrupted,
    /// The engine has panicked at this record, and says this.
    Panicked(u64, String),
}

/// A recording that is replayed.
pub(super) struct Player {
    replayer: Replayer<Box<dyn Read>>,
    name: String,
    signals: SignalFd,
}

impl Player {
    /// Opens the recording.
    pub(super) fn open(args: &ReplayArgs) -> Result<Self, Fail> {
        let signals = SignalSet::of(&[Signal::INT, Signal::TERM, Signal::HUP]);
        signals.block().context("signals cannot be received")?;
        let signals = SignalFd::new(&signals).context("signals cannot be received")?;
        let name = args.file.display().to_string();
        let replayer = Replayer::new(input::open(&args.file, args.from_text)?)
            .map_err(|error| fail(&name, error))?;
        let player = Self { replayer, name, signals };
        player.warn_of_settings(args);
        Ok(player)
    }

    /// Says which settings of the recording this version does not know: with them, answers may be others.
    fn warn_of_settings(&self, args: &ReplayArgs) {
        let others: Vec<_> =
            self.replayer.header().others.iter().map(|(key, _)| key.as_str()).collect();
        if !others.is_empty() && !args.is_check() {
            say(&format!(
                "{}: this version of aseqd does not know these settings of the recording: {}",
                self.name,
                others.join(", ")
            ));
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn replayer(&self) -> &Replayer<Box<dyn Read>> {
        &self.replayer
    }

    /// Replays records, and hands each to `show`, with the time of the first one.
    pub(super) fn run(
        &mut self,
        args: &ReplayArgs,
        show: &mut dyn FnMut(&Played<'_>, Time) -> Result<(), Fail>,
    ) -> Result<Ending, Fail> {
        let start = Instant::now();
        loop {
            // What leaves the engine is taken in here, too.
            let next = match caught(|| self.replayer.advance()) {
                Ok(next) => next.map_err(|error| fail(&self.name, error))?,
                Err(said) => return Ok(Ending::Panicked(self.replayer.records(), said)),
            };
            let Some(at) = next else { return Ok(Ending::End) };
            let began = self.replayer.began().unwrap_or(at);
            let record = self.replayer.records();
            if args.until.is_some_and(|until| !until.includes(record, at - began)) {
                return Ok(Ending::Until);
            }
            if self.is_interrupted(args.speed(), start, at - began, record)? {
                return Ok(Ending::Interrupted);
            }
            let played = match caught(|| self.replayer.play()) {
                Ok(played) => played,
                Err(said) => return Ok(Ending::Panicked(record, said)),
            };
            let Some(played) = played else { continue };
            if args.from.is_none_or(|from| from.is_reached(record, at - began)) {
                show(&played, began)?;
            }
            if args.is_check() && self.replayer.difference().is_some() {
                return Ok(Ending::Until);
            }
        }
    }

    /// Waits until a record is due. Returns whether Ctrl-C was pressed.
    fn is_interrupted(
        &self,
        speed: Speed,
        start: Instant,
        elapsed: u64,
        record: u64,
    ) -> Result<bool, Fail> {
        let Speed::Times(times) = speed else {
            return Ok(record.is_multiple_of(SIGNAL_INTERVAL) && self.has_signal()?);
        };
        let due = start + Duration::from_nanos(elapsed).div_f64(times);
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return self.has_signal();
            }
            let timeout = Timespec::try_from(left).context("the time of a record")?;
            let mut ready = [PollFd::new(&self.signals, PollFlags::IN)];
            rustix::io::retry_on_intr(|| poll(&mut ready, Some(&timeout)))
                .context("cannot wait")?;
            if self.has_signal()? {
                return Ok(true);
            }
        }
    }

    /// Waits for a program that leads a process group. After Ctrl-C, ends the group and returns `None`.
    pub(super) fn wait(&self, child: &mut Child) -> io::Result<Option<ExitStatus>> {
        let process = Pid::from_child(child);
        // Where the system refuses it, the program ends by itself.
        let Ok(ended) = pidfd_open(process, PidfdFlags::empty()) else {
            return child.wait().map(Some);
        };
        let mut ready =
            [PollFd::new(&ended, PollFlags::IN), PollFd::new(&self.signals, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut ready, None))?;
        if !ready[0].revents().is_empty() {
            return child.wait().map(Some);
        }
        let _taken = self.signals.take()?;
        let _gone = kill_process_group(process, Signal::TERM);
        rustix::io::retry_on_intr(|| poll(&mut ready[..1], Some(&GRACE)))?;
        // Its number is not given again before it has been waited for.
        let _gone = kill_process_group(process, Signal::KILL);
        child.wait()?;
        Ok(None)
    }

    /// Returns whether Ctrl-C was pressed.
    pub(super) fn has_signal(&self) -> Result<bool, Fail> {
        Ok(self.signals.take().context("signals cannot be received")?.is_some())
    }
}

/// Says how a recording ends, if that is not as it should.
pub(super) fn say_how_it_ended(name: &str, end: Option<&End>) {
    match end {
        Some(End::Torn { offset }) => say(&format!(
            "{name}: the recording is torn: it is whole up to byte {offset}, and the rest is left out"
        )),
        Some(End::Stopped(why)) => {
            say(&format!("{name}: the recording ended before its time: {why}"));
        }
        _ => {}
    }
}

/// Returns why a recording cannot be replayed, in words.
pub(super) fn fail(name: &str, error: Error) -> Fail {
    match error {
        Error::Read(ReadError::Io(error)) => {
            Fail::new(format!("{name} cannot be read: {}", reason(&error)))
        }
        error => Fail::new(format!("{name}: {error}")),
    }
}
