//! The person in front: a progress line on a terminal, and signals that mean "stop".

use super::song::Song;
use aseqd_host::process::{SignalFd, SignalSet};
use aseqd_smf::Source;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::Signal;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// Time between two progress lines.
const INTERVAL: Duration = Duration::from_millis(200);
/// Widest bar.
const MAX_BAR: usize = 40;
/// Columns of a terminal that does not say.
const DEFAULT_COLUMNS: u16 = 80;

/// Progress and signals.
#[derive(Debug)]
pub(crate) struct Console {
    signals: SignalFd,
    progress: bool,
    name: String,
    /// The length is computed beside the playing: a large file starts at once all the same.
    length: Option<Receiver<Duration>>,
    total: Option<Duration>,
    shown: Option<Instant>,
    bar: Bar,
}

impl Console {
    /// From here on the signals that mean "stop" are received here, until the process ends.
    pub(crate) fn new(quiet: bool) -> io::Result<Self> {
        let signals = SignalSet::of(&[Signal::INT, Signal::TERM, Signal::HUP]);
        signals.block()?;
        Ok(Self {
            signals: SignalFd::new(&signals)?,
            progress: !quiet && io::stderr().is_terminal(),
            name: String::new(),
            length: None,
            total: None,
            shown: None,
            bar: bar(|name| std::env::var(name).ok()),
        })
    }

    /// A song begins.
    pub(crate) fn begin(&mut self, name: &str, source: &Source) {
        name.clone_into(&mut self.name);
        (self.total, self.shown) = (None, None);
        if self.progress {
            let (sender, receiver) = mpsc::channel();
            let source = source.clone();
            std::thread::spawn(move || {
                if let Ok(song) = Song::read(&source) {
                    // Nobody waits for it when the playing ended first.
                    let _ = sender.send(song.measure().0);
                }
            });
            self.length = Some(receiver);
        }
    }

    /// The song is over: the line goes away.
    pub(crate) fn end(&mut self) {
        if self.shown.take().is_some() {
            let _ = io::stderr().write_all(b"\r\x1b[K");
        }
    }

    /// How often [`Console::progress`] wants to be called; without a terminal, never.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.progress.then_some(INTERVAL)
    }

    pub(crate) fn shows_progress(&self) -> bool {
        self.progress && self.shown.is_none_or(|shown| shown.elapsed() >= INTERVAL)
    }

    /// Draws the line.
    pub(crate) fn progress(&mut self, position: Duration) {
        if self.total.is_none() {
            self.total = self.length.as_ref().and_then(|length| length.try_recv().ok());
        }
        let columns = rustix::termios::tcgetwinsize(io::stderr())
            .map_or(DEFAULT_COLUMNS, |size| size.ws_col)
            .max(1);
        let line = line(&self.name, position, self.total, usize::from(columns) - 1, self.bar);
        // A terminal that went away is no reason to stop.
        let _ = io::stderr().write_all(format!("\r{line}\x1b[K").as_bytes());
        self.shown = Some(Instant::now());
    }

    /// A signal that came, if one did.
    pub(crate) fn signal(&self) -> io::Result<Option<i32>> {
        Ok(self.signals.take()?.map(|signal| signal.number))
    }

    /// Waits, or until a signal comes.
    pub(crate) fn wait(&self, time: Duration) -> io::Result<Option<i32>> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return self.signal();
            }
            let timeout = Timespec::try_from(left).ok();
            let mut fds = [PollFd::new(&self.signals, PollFlags::IN)];
            match rustix::event::poll(&mut fds, timeout.as_ref()) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return self.signal(),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl AsFd for Console {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }
}

/// How the bar is drawn: what was played, and what is to come.
type Bar = (&'static str, &'static str);
const LINES: Bar = ("\u{2501}", "\u{2500}");
const ASCII: Bar = ("#", "-");

/// The bar for a locale: from the first variable that is set, as in setlocale(3).
fn bar(variable: impl Fn(&str) -> Option<String>) -> Bar {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    if locale.contains("utf-8") || locale.contains("utf8") { LINES } else { ASCII }
}

/// `name  0:12 / 0:30  ━━━━━─────`, as much of it as there is room for.
fn line(
    name: &str,
    position: Duration,
    total: Option<Duration>,
    columns: usize,
    (played, left): Bar,
) -> String {
    let mut line = format!("{}  {}", printable(name), clock(position));
    if let Some(total) = total {
        let _ = write!(line, " / {}", clock(total));
        let room = columns.saturating_sub(line.chars().count() + 2).min(MAX_BAR);
        if room > 1 && !total.is_zero() {
            let part = (position.as_secs_f64() / total.as_secs_f64()).min(1.0);
            #[expect(clippy::cast_possible_truncation, reason = "from 0 to 40")]
            #[expect(clippy::cast_sign_loss, reason = "from 0 to 40")]
            #[expect(clippy::cast_precision_loss, reason = "from 0 to 40")]
            let done = (part * room as f64) as usize;
            let _ = write!(line, "  {}{}", played.repeat(done), left.repeat(room - done));
        }
    }
    line.chars().take(columns).collect()
}

/// A file name can hold what moves the cursor.
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
        assert_eq!(line("a.mid", at(12), None, 80, ASCII), "a.mid  0:12");
        let half = line("a.mid", at(15), Some(at(30)), 80, ASCII);
        assert_eq!(half, format!("a.mid  0:15 / 0:30  {}{}", "#".repeat(20), "-".repeat(20)));
        let over = line("a.mid", at(31), Some(at(30)), 80, LINES);
        assert!(over.ends_with(&format!("  {}", LINES.0.repeat(40))));
        assert_eq!(
            line("a", at(3601), Some(at(36_000)), 200, ASCII).split("  ").nth(1).unwrap(),
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
            let line = line("songs/\u{1b}[2J.mid", at(1), Some(at(9)), columns, LINES);
            assert!(line.chars().count() <= columns);
            assert!(!line.contains('\u{1b}'));
        }
    }

    #[test]
    fn a_song_without_length_has_no_bar() {
        assert_eq!(line("a", at(0), Some(at(0)), 80, ASCII), "a  0:00 / 0:00");
    }
}
