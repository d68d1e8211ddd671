//! The terminal: taken over at the start, and given back as it was, however the command ends.

use super::model::Model;
use super::view;
use aseqd_host::process::SignalSet;
use ratatui::backend::{Backend as _, ClearType, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::queue;
use ratatui::crossterm::style::force_color_output;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::Rect;
use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
use std::io::{self, BufWriter, Stdout, Write as _};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// Columns and lines of a terminal that does not tell its size.
const DEFAULT_SIZE: (u16, u16) = (80, 24);
/// Maximum columns and lines of a picture, 50 bytes each. A terminal that claims 65535 of both would take all memory; one of more
/// than this has a free border.
const MOST: (u16, u16) = (1000, 500);
/// Asks for presses, releases and the wheel of the mouse, but not for its movements: each would wake this command. The
/// second number chooses the form in which they come, which has no upper limit of columns.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";
/// Turns the terminal's own handling of right-to-left text off: it would move the columns of a line (ECMA-48, BDSM).
const EXPLICIT_DIRECTION: &[u8] = b"\x1b[8l";
const IMPLICIT_DIRECTION: &[u8] = b"\x1b[8h";

/// Whether the terminal is taken over, for the hook that a panic calls.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// What to stop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop {
    /// This process, as a signal to it asks for.
    Process,
    /// All processes of the job, as Ctrl-Z does.
    Job,
}

/// A terminal that is taken over. Dropping it gives the terminal back.
pub(super) struct Screen {
    terminal: CrosstermBackend<BufWriter<Stdout>>,
    /// What the terminal shows. `ratatui::Terminal` is not used, since it asks the terminal for the position of the
    /// cursor, and waits for the answer.
    shown: Buffer,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// If standard input or output is no terminal.
    pub(super) fn start(mouse: bool) -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let print = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                give_back();
                print(info);
            }));
        });
        // Which colours there are is decided elsewhere: otherwise the library would look at NO_COLOR once more.
        force_color_output(true);
        let out = BufWriter::with_capacity(1 << 16, io::stdout());
        let terminal = CrosstermBackend::new(out);
        let mut screen = Self { terminal, shown: Buffer::default(), mouse };
        screen.take()?;
        Ok(screen)
    }

    fn take(&mut self) -> io::Result<()> {
        TAKEN.store(true, Ordering::Relaxed);
        enable_raw_mode()?;
        queue!(self.terminal, EnterAlternateScreen, Hide)?;
        self.terminal.write_all(EXPLICIT_DIRECTION)?;
        if self.mouse {
            self.terminal.write_all(MOUSE_ON)?;
        }
        self.clear()
    }

    /// Takes the terminal over once more, after others may have used it.
    pub(super) fn again(&mut self) -> io::Result<()> {
        // Raw mode that was switched on here is not switched on twice.
        disable_raw_mode()?;
        self.take()
    }

    /// Gives the terminal back.
    pub(super) fn stop(self) {
        drop(self);
    }

    /// Gives the terminal back, stops this process or its job, and takes the terminal over again once it goes on.
    pub(super) fn suspend(&mut self, what: Stop) -> io::Result<()> {
        give_back();
        let signal = SignalSet::of(&[Signal::TSTP]);
        signal.unblock()?;
        // The process stops in this call. If nobody would continue it, the kernel ignores the signal.
        match what {
            Stop::Process => kill_process(getpid(), Signal::TSTP)?,
            Stop::Job => kill_current_process_group(Signal::TSTP)?,
        }
        signal.block()?;
        self.take()
    }

    /// Returns the columns and lines of the terminal.
    pub(super) fn size(&self) -> (u16, u16) {
        let told = rustix::termios::tcgetwinsize(io::stdout());
        told.map_or(DEFAULT_SIZE, |size| size_of(size.ws_col, size.ws_row))
    }

    /// Clears the terminal, so that the next picture is drawn as a whole.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.shown.reset();
        self.terminal.clear_region(ClearType::All)
    }

    /// Draws the state: what differs from the last picture.
    pub(super) fn draw(&mut self, model: &Model) -> io::Result<()> {
        let (columns, lines) = model.size;
        let area = Rect::new(0, 0, columns, lines);
        if self.shown.area != area {
            self.shown.resize(area);
            self.clear()?;
        }
        let mut picture = Buffer::empty(area);
        let cursor = view::draw(model, &mut picture);
        self.terminal.draw(self.shown.diff_iter(&picture))?;
        match cursor {
            Some(at) => {
                self.terminal.set_cursor_position(at)?;
                self.terminal.show_cursor()?;
            }
            None => self.terminal.hide_cursor()?,
        }
        self.shown = picture;
        io::Write::flush(&mut self.terminal)
    }
}

/// Returns the columns and lines that are drawn on a terminal that says it has these.
fn size_of(columns: u16, lines: u16) -> (u16, u16) {
    match (columns, lines) {
        (0, _) | (_, 0) => DEFAULT_SIZE,
        _ => (columns.min(MOST.0), lines.min(MOST.1)),
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back as it was, if it is taken over. If it has gone, there is nothing to give back.
fn give_back() {
    if !TAKEN.swap(false, Ordering::Relaxed) {
        return;
    }
    let mut out = io::stdout().lock();
    let _gone = out.write_all(MOUSE_OFF).and_then(|()| out.write_all(IMPLICIT_DIRECTION));
    let _gone = queue!(out, LeaveAlternateScreen, Show);
    let _gone = out.flush();
    let _gone = disable_raw_mode();
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::process::{Command, Stdio};

    #[test]
    fn a_terminal_that_lies_about_its_size_costs_little() {
        assert_eq!(size_of(0, 24), (80, 24));
        assert_eq!(size_of(200, 60), (200, 60));
        assert_eq!(size_of(u16::MAX, u16::MAX), MOST);
    }

    /// Set in the process that panics.
    const PANICS: &str = "ASEQD_TEST_PANICS";

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_told() {
        if std::env::var_os(PANICS).is_some() {
            let _screen = Screen::start(true).expect("a terminal");
            panic!("on purpose");
        }
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keyboard).expect("a terminal");
        unlockpt(&keyboard).expect("a terminal");
        let path = ptsname(&keyboard, Vec::new()).expect("its name");
        let terminal = open(path.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
        let terminal = terminal.expect("the terminal");
        let modes = |terminal| {
            let modes = rustix::termios::tcgetattr(terminal).expect("modes");
            // The control modes get the speed of input, which was implied before.
            (modes.local_modes, modes.input_modes, modes.output_modes)
        };
        let before = modes(&terminal);
        let end = || Stdio::from(terminal.try_clone().expect("a descriptor"));
        let name = "top::screen::tests::a_panic_gives_the_terminal_back_before_it_is_told";
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", name, "--nocapture"]).env(PANICS, "1");
        let status = command.stdin(end()).stdout(end()).stderr(end()).status().expect("a process");
        assert!(!status.success(), "it has panicked");
        assert_eq!(modes(&terminal), before);
        // The kernel hands the output over in parts, some of them later.
        let mut said = String::new();
        while !said.contains("on purpose") {
            let mut ready = [PollFd::new(&keyboard, PollFlags::IN)];
            let minute = Timespec { tv_sec: 60, tv_nsec: 0 };
            let found = poll(&mut ready, Some(&minute)).expect("a wait");
            assert!(found > 0, "it tells the panic: {said:?}");
            let mut part = [0; 4096];
            let len = rustix::io::read(&keyboard, &mut part).expect("its output");
            said.push_str(&String::from_utf8_lossy(&part[..len]));
        }
        let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("{text:?} in {said:?}"));
        assert!(at("\u{1b}[?1049h") < at("\u{1b}[?1049l"), "{said:?}");
        for back in ["\u{1b}[?1049l", "\u{1b}[?25h", "\u{1b}[?1000l", "\u{1b}[8h"] {
            assert!(at(back) < at("on purpose"), "{back:?} in {said:?}");
        }
    }
}
