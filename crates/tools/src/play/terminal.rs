//! A progress line on the terminal, its keys, and the signals that end playing.

use super::keys::{Key, Keys};
use super::song::Song;
use super::timeline::Timeline;
use super::words::Words;
use aseqd_client::Client;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{SignalFd, SignalSet};
use aseqd_smf::Source;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// Time between two updates of the progress line.
const INTERVAL: Duration = Duration::from_millis(200);
/// Columns of the widest bar.
const MAX_BAR: usize = 40;
/// Columns that words take from the bar, at most.
const MAX_WORDS: usize = 30;
/// The most characters of a name and of a marker that others are told. A SysEx of all that is short enough for every receiver.
const MAX_TOLD: usize = 64;
/// Columns of a terminal that does not tell its size.
const DEFAULT_COLUMNS: u16 = 80;

/// Progress and signals.
#[derive(Debug)]
pub(crate) struct Terminal {
    signals: SignalFd,
    progress: bool,
    name: String,
    /// Bars and length of the song, from the thread that computes them: a large file is played at once, and does not wait
    /// for this.
    computed: Option<Receiver<Timeline>>,
    source: Option<Source>,
    /// The number of the song, from 0, and how many there are.
    number: (usize, usize),
    timeline: Option<Timeline>,
    words: Words,
    keys: Option<Keys>,
    shown: Option<Instant>,
    bar: Bar,
}

impl Terminal {
    /// Blocks SIGINT, SIGTERM and SIGHUP until the process ends; [`signal`](Self::signal) receives them. `keys` says whether
    /// keys of a terminal may change what is played.
    pub(crate) fn new(quiet: bool, keys: bool) -> io::Result<Self> {
        let signals = SignalSet::of(&[Signal::INT, Signal::TERM, Signal::HUP, Signal::CONT]);
        signals.block()?;
        Ok(Self {
            signals: SignalFd::new(&signals)?,
            progress: !quiet && io::stderr().is_terminal(),
            name: String::new(),
            computed: None,
            source: None,
            number: (0, 1),
            timeline: None,
            words: Words::default(),
            keys: keys.then(Keys::new).flatten(),
            shown: None,
            bar: bar(|name| std::env::var(name).ok()),
        })
    }

    /// Shows a new song from here on.
    pub(crate) fn begin(&mut self, name: &str, source: &Source, number: (usize, usize)) {
        self.number = number;
        self.source = Some(source.clone());
        self.computed = None;
        name.clone_into(&mut self.name);
        (self.timeline, self.shown) = (None, None);
        self.words = Words::default();
        if self.progress || self.keys.is_some() {
            self.compute();
        }
    }

    /// Computes bars and length of the song, unless that was begun.
    fn compute(&mut self) {
        if let Some(source) = self.source.take() {
            let (sender, receiver) = mpsc::channel();
            std::thread::spawn(move || {
                if let Ok(song) = Song::read(&source) {
                    // The receiver is gone if the song has ended.
                    let _ = sender.send(Timeline::of(song));
                }
            });
            self.computed = Some(receiver);
        }
    }

    /// Removes the line of a song that has ended.
    pub(crate) fn end(&mut self) {
        if self.shown.take().is_some() {
            let _ = io::stderr().write_all(b"\r\x1b[K");
        }
    }

    /// Returns the time between two calls of [`Terminal::progress`], or `None` if there is no terminal.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.progress.then_some(INTERVAL)
    }

    /// Returns whether it is time to draw the line.
    pub(crate) fn shows_progress(&self) -> bool {
        self.progress && self.shown.is_none_or(|shown| shown.elapsed() >= INTERVAL)
    }

    /// Returns bars and length of the song, once they are computed.
    fn timeline(&mut self) -> Option<&Timeline> {
        self.compute();
        if self.timeline.is_none() {
            self.timeline = self.computed.as_ref().and_then(|computed| computed.try_recv().ok());
        }
        self.timeline.as_ref()
    }

    /// Returns bars and length of the song. It waits until they are computed.
    pub(crate) fn whole_timeline(&mut self) -> Option<&Timeline> {
        self.compute();
        if self.timeline.is_none() {
            self.timeline = self.computed.as_ref().and_then(|computed| computed.recv().ok());
        }
        self.timeline.as_ref()
    }

    /// Shows a text of the song from here on.
    pub(crate) fn words(&mut self, kind: u8, text: &[u8]) {
        self.words.take(kind, text);
    }

    /// Draws the line. `tick` is the song's; `time` is shown until the tempos of the song are known.
    pub(crate) fn progress(&mut self, tick: u32, time: Duration, state: &str) {
        let size = rustix::termios::tcgetwinsize(io::stderr());
        // A serial console says 0.
        let columns = size.map_or(0, |size| size.ws_col);
        let columns = if columns == 0 { DEFAULT_COLUMNS } else { columns };
        let timeline = self.timeline();
        let total = timeline.map(|timeline| timeline.time_of(timeline.end()));
        let position = timeline.map_or(time, |timeline| timeline.time_of(tick));
        let bar = timeline.and_then(|timeline| timeline.bar_of(tick));
        let mut name = self.name.clone();
        if let Some((bar, beat)) = bar {
            let _ = write!(name, "  {bar}:{beat}");
        }
        let words = [state, &self.words.shown()].map(str::to_owned);
        let words =
            words.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("  ");
        let line = line(&name, position, total, usize::from(columns) - 1, self.bar, &words);
        // Playing goes on if the terminal has gone.
        let _ = io::stderr().write_all(format!("\r{line}\x1b[K").as_bytes());
        self.shown = Some(Instant::now());
    }

    /// Returns the song, and a tick of it, for those that listen.
    pub(super) fn described(&mut self, state: &str, tick: u32, speed: f64) -> Value {
        let name = self.name.rsplit('/').next().unwrap_or_default();
        let cut = |text: &str| text.chars().take(MAX_TOLD).collect::<String>();
        let mut value = json!({
            "state": state,
            "name": cut(name),
            "song": self.number.0,
            "songs": self.number.1,
            "speed": speed,
        });
        let marker = cut(self.words.marker());
        let mut add = |key: &str, told: Value| value[key] = told;
        if !marker.is_empty() {
            add("marker", marker.into());
        }
        if let Some(timeline) = self.timeline() {
            add("time", timeline.time_of(tick).as_secs_f64().into());
            add("length", timeline.time_of(timeline.end()).as_secs_f64().into());
            if let Some((bar, beat)) = timeline.bar_of(tick) {
                add("bar", bar.into());
                add("beat", beat.into());
            }
        }
        value
    }

    /// Draws the line at the next occasion, whenever it was drawn last.
    pub(crate) fn hurry(&mut self) {
        self.shown = None;
    }

    /// Returns the number of a signal that has come and ends playing, if one has.
    pub(crate) fn signal(&self) -> io::Result<Option<i32>> {
        while let Some(signal) = self.signals.take()? {
            if signal.number != Signal::CONT.as_raw() {
                return Ok(Some(signal.number));
            }
            if let Some(keys) = &self.keys {
                keys.set()?;
            }
        }
        Ok(None)
    }

    /// Returns a key that was pressed, if one was.
    pub(crate) fn key(&mut self) -> Option<Key> {
        self.keys.as_mut()?.take()
    }

    /// Returns whether keys are read from standard input.
    pub(crate) fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// Waits until a key is pressed, something comes for the client, or a signal comes.
    ///
    /// # Errors
    /// A message if the sequencer ends meanwhile.
    pub(crate) fn wait_for_key(&mut self, client: &Client) -> Result<(), Fail> {
        let stdin = rustix::stdio::stdin();
        let mut fds =
            vec![PollFd::new(&self.signals, PollFlags::IN), PollFd::new(client, PollFlags::IN)];
        if self.has_keys() {
            fds.push(PollFd::new(&stdin, PollFlags::IN));
        }
        rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, None))
            .context("cannot wait for a key")?;
        expect_open(&fds[1])
    }

    /// Waits for this time or until a signal comes, and returns the signal.
    ///
    /// # Errors
    /// A message if the sequencer ends meanwhile.
    pub(crate) fn wait(&self, time: Duration, client: &Client) -> Result<Option<i32>, Fail> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).ok();
            let mut fds = [
                PollFd::new(&self.signals, PollFlags::IN),
                // Only whether the sequencer has ended.
                PollFd::new(client, PollFlags::empty()),
            ];
            rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, timeout.as_ref()))
                .context("cannot wait")?;
            let signal = self.signal().context("signals cannot be received")?;
            if signal.is_some() || left.is_zero() {
                return Ok(signal);
            }
            expect_open(&fds[1])?;
        }
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }
}

/// Fails if the sequencer has ended.
fn expect_open(client: &PollFd<'_>) -> Result<(), Fail> {
    let ended = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
    if client.revents().intersects(ended) { Err(Fail::ended()) } else { Ok(()) }
}

/// The characters of the bar: for what was played, and for the rest.
type Bar = (&'static str, &'static str);
const LINES: Bar = ("\u{2501}", "\u{2500}");
const ASCII: Bar = ("#", "-");

/// Returns the bar that the locale can show. The first variable that is set decides, as in setlocale(3).
fn bar(variable: impl Fn(&str) -> Option<String>) -> Bar {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    if locale.contains("utf-8") || locale.contains("utf8") { LINES } else { ASCII }
}

/// Returns `name  0:12 / 0:30  ━━━━━─────  words`, cut to the columns of the terminal. Words take the place of a part of the
/// bar.
fn line(
    name: &str,
    position: Duration,
    total: Option<Duration>,
    columns: usize,
    (played, left): Bar,
    words: &str,
) -> String {
    let mut line = format!("{}  {}", printable(name), clock(position));
    if let Some(total) = total {
        let _ = write!(line, " / {}", clock(total));
        let mut used = line.chars().count() + 2;
        if !words.is_empty() {
            used += 2 + words.chars().count().min(MAX_WORDS);
        }
        let room = columns.saturating_sub(used).min(MAX_BAR);
        if room > 1 && !total.is_zero() {
            let part = (position.as_secs_f64() / total.as_secs_f64()).min(1.0);
            #[expect(clippy::cast_possible_truncation, reason = "from 0 to 40")]
            #[expect(clippy::cast_sign_loss, reason = "from 0 to 40")]
            #[expect(clippy::cast_precision_loss, reason = "from 0 to 40")]
            let done = (part * room as f64) as usize;
            let _ = write!(line, "  {}{}", played.repeat(done), left.repeat(room - done));
        }
    }
    if !words.is_empty() {
        let _ = write!(line, "  {}", printable(words));
    }
    line.chars().take(columns).collect()
}

/// Replaces control characters: those of a file name could move the cursor.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match hours {
        0 => format!("{minutes}:{:02}", seconds % 60),
        _ => format!("{hours}:{minutes:02}:{:02}", seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn line_shows_position_length_and_bar() {
        assert_eq!(line("a.mid", at(12), None, 80, ASCII, ""), "a.mid  0:12");
        let half = line("a.mid", at(15), Some(at(30)), 80, ASCII, "");
        assert_eq!(half, format!("a.mid  0:15 / 0:30  {}{}", "#".repeat(20), "-".repeat(20)));
        let over = line("a.mid", at(31), Some(at(30)), 80, LINES, "");
        assert!(over.ends_with(&format!("  {}", LINES.0.repeat(40))));
        assert_eq!(
            line("a", at(3601), Some(at(36_000)), 200, ASCII, "").split("  ").nth(1).unwrap(),
            "1:00:01 / 10:00:00"
        );
    }

    #[test]
    fn the_bar_is_what_the_locale_can_show() {
        let of = |set: &[(&str, &str)]| {
            let value =
                |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            bar(|name| value(name).map(str::to_owned))
        };
        assert_eq!(of(&[]), ASCII);
        assert_eq!(of(&[("LANG", "de_DE.UTF-8")]), LINES);
        assert_eq!(of(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]), ASCII);
        assert_eq!(of(&[("LANG", "C"), ("LC_CTYPE", "C.utf8"), ("LC_ALL", "")]), LINES);
    }

    #[test]
    fn line_fits_the_terminal() {
        for columns in 0..60 {
            let line =
                line("songs/\u{1b}[2J.mid", at(1), Some(at(9)), columns, LINES, "\u{1b}c La");
            assert!(line.chars().count() <= columns);
            assert!(!line.contains('\u{1b}'));
        }
    }

    #[test]
    fn words_take_a_part_of_the_bar() {
        let line = line("a.mid", at(15), Some(at(30)), 40, ASCII, "[Verse] La la");
        assert_eq!(line, "a.mid  0:15 / 0:30  ##---  [Verse] La la");
    }

    #[test]
    fn a_song_without_length_has_no_bar() {
        assert_eq!(line("a", at(0), Some(at(0)), 80, ASCII, ""), "a  0:00 / 0:00");
    }
}
