//! `aseqd top`: a patchbay and monitor on the terminal.
//!
//! `Model` is the state, a pure function of what happens; `view` draws it. `Sequencer` and `Screen` do the I/O,
//! and `run` is the loop between them. It sleeps until something happens: an idle screen wakes nobody.

mod activity;
mod change;
mod graph;
mod keys;
mod late;
mod layout;
mod log;
mod look;
mod model;
mod roll;
mod screen;
mod sequencer;
mod text;
mod view;

use crate::complete::senders;
use crate::select;
use aseqd_console::DeviceArg;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{SignalFd, SignalSet};
use look::Look;
use model::{Action, Input, Model, Watched};
use ratatui::crossterm::event::{self, Event as TerminalEvent};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
use screen::{Screen, Stop};
use sequencer::{Heard, Sequencer};
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Watch and connect ports on the terminal
///
/// Shows which ports send, the connections between ports, the events, a piano roll, and how late events are. Keys and the
/// mouse connect ports and cut connections; `?` shows all keys. Connections stay when this command ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
To see events, this command subscribes to the ports that it watches. Events that a program sends directly to another \
port reach no subscriber, and are not seen. NO_COLOR and the locale are respected: without UTF-8 all is ASCII.

Examples:
  aseqd top
  aseqd top .hw FLUID          # watch these only
  aseqd top --no-watch         # connect only, and subscribe to nothing
  aseqd run -- sh -c 'aplaymidi -p 14:0 song.mid & aseqd top'")]
pub struct TopArgs {
    /// Ports to watch, given as for `aseqd connect`, also if they appear later [default: all that others can subscribe to]
    #[arg(value_name = "PORT", add = senders())]
    pub ports: Vec<String>,
    /// Watch no port until the key w asks for it
    #[arg(long, conflicts_with = "ports")]
    pub no_watch: bool,
    /// Leave the mouse to the terminal, which then selects text with it
    #[arg(long)]
    pub no_mouse: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// The shortest time between two pictures: about 30 a second, as fast as eyes need and slow terminals can.
const FRAME: Duration = Duration::from_millis(33);
/// How many events are taken in before keys are looked at again.
const BATCH: usize = 4096;

/// Runs `aseqd top`.
///
/// # Errors
/// A message if standard input and output are no terminal, the device cannot be opened, or the sequencer ends.
pub fn main(args: &TopArgs) -> Result<ExitCode, Fail> {
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if !terminal || std::env::var_os("TERM").is_none_or(|term| term == "dumb") {
        return Err(Fail::new(
            "this command needs a terminal; `aseqd ls` and `aseqd monitor` print text",
        ));
    }
    let watched = match (args.no_watch, args.ports.is_empty()) {
        (true, _) => Watched::None,
        (false, true) => Watched::All,
        (false, false) => {
            let selectors = args.ports.iter().map(|text| select::selector(text));
            Watched::These(selectors.collect::<Result<_, _>>()?)
        }
    };
    let color = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    let look = Look::of(|name| std::env::var(name).ok(), color);
    let signals = SignalSet::of(&[
        Signal::INT,
        Signal::TERM,
        Signal::HUP,
        Signal::QUIT,
        Signal::WINCH,
        Signal::TSTP,
        Signal::CONT,
    ]);
    signals.block().context("signals cannot be received")?;
    let signals = SignalFd::new(&signals).context("signals cannot be received")?;
    let sequencer = Sequencer::open(&args.device.device)?;
    let mut screen = Screen::start(!args.no_mouse).context("the terminal cannot be used")?;
    let model = Model::new(look, screen.size(), watched);
    let mut top = Top { model, sequencer, signals, start: Instant::now(), dirty: true };
    let ended = top.run(&mut screen);
    screen.stop();
    ended.map(|()| ExitCode::SUCCESS)
}

/// The command while it runs.
struct Top {
    model: Model,
    sequencer: Sequencer,
    signals: SignalFd,
    start: Instant,
    /// Whether the state has changed since it was drawn.
    dirty: bool,
}

/// Whether the loop goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Go,
    Quit,
}

impl Top {
    /// Draws and waits, until a key or a signal ends it.
    fn run(&mut self, screen: &mut Screen) -> Result<(), Fail> {
        let mut drawn: Option<Duration> = None;
        loop {
            let due = drawn.map_or(Duration::ZERO, |drawn| drawn + FRAME);
            if (self.dirty || self.sequencer.is_stale()) && self.start.elapsed() >= due {
                if self.sequencer.is_stale() {
                    let (graph, watched) = self.sequencer.graph()?;
                    self.input(screen, Input::Graph(graph, watched))?;
                }
                screen.draw(&self.model).context("the terminal cannot be written")?;
                drawn = Some(self.start.elapsed());
                self.dirty = false;
                continue;
            }
            let wake = match self.dirty || self.sequencer.is_stale() {
                true => Some(due),
                false => self.model.next_change(),
            };
            if self.wait(screen, wake)? == Next::Quit {
                return Ok(());
            }
        }
    }

    /// Waits for something to happen, at most until `wake`, and takes it in.
    fn wait(&mut self, screen: &mut Screen, wake: Option<Duration>) -> Result<Next, Fail> {
        let left = wake.map(|wake| wake.saturating_sub(self.start.elapsed()));
        let left = left.map(Timespec::try_from).transpose().context("the time to wait")?;
        let stdin = std::io::stdin();
        let mut ready = [
            PollFd::new(self.sequencer.client(), PollFlags::IN),
            PollFd::new(&stdin, PollFlags::IN),
            PollFd::new(&self.signals, PollFlags::IN),
        ];
        // Events that were read ahead are there without the descriptor being ready.
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let left = if self.sequencer.client().has_event() { Some(at_once) } else { left };
        match poll(&mut ready, left.as_ref()) {
            Err(rustix::io::Errno::INTR) => return Ok(Next::Go),
            polled => polled.context("cannot wait")?,
        };
        let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        let [of_sequencer, of_keys, of_signals] = ready.each_ref().map(PollFd::revents);
        if of_sequencer.intersects(gone) {
            return Err(Fail::ended());
        }
        if of_signals.contains(PollFlags::IN) && self.take_signals(screen)? == Next::Quit {
            return Ok(Next::Quit);
        }
        if of_keys.contains(PollFlags::IN) && self.take_keys(screen)? == Next::Quit {
            return Ok(Next::Quit);
        }
        if of_keys.intersects(gone) {
            return Ok(Next::Quit);
        }
        if of_sequencer.contains(PollFlags::IN) || self.sequencer.client().has_event() {
            self.take_events()?;
        }
        if wake.is_some_and(|wake| self.start.elapsed() >= wake) {
            let moves = self.model.next_change().is_some();
            self.model.apply(self.start.elapsed(), Input::Tick);
            self.dirty |= moves;
        }
        Ok(Next::Go)
    }

    fn take_signals(&mut self, screen: &mut Screen) -> Result<Next, Fail> {
        while let Some(signal) = self.signals.take().context("signals cannot be received")? {
            match Signal::from_named_raw(signal.number) {
                Some(Signal::WINCH) => {
                    let (columns, lines) = screen.size();
                    self.input(screen, Input::Size(columns, lines))?;
                }
                Some(Signal::TSTP) => self.suspend(screen, Stop::Process)?,
                // Another program may have used the terminal while this one was stopped.
                Some(Signal::CONT) => {
                    screen.again().context("the terminal cannot be used")?;
                    let (columns, lines) = screen.size();
                    self.input(screen, Input::Size(columns, lines))?;
                }
                _ => return Ok(Next::Quit),
            }
        }
        Ok(Next::Go)
    }

    fn take_keys(&mut self, screen: &mut Screen) -> Result<Next, Fail> {
        while event::poll(Duration::ZERO).context("the terminal cannot be read")? {
            let input = match event::read().context("the terminal cannot be read")? {
                TerminalEvent::Key(key) => Input::Key(key),
                TerminalEvent::Mouse(mouse) => Input::Mouse(mouse),
                _ => continue,
            };
            if self.input(screen, input)? == Next::Quit {
                return Ok(Next::Quit);
            }
        }
        Ok(Next::Go)
    }

    fn take_events(&mut self) -> Result<(), Fail> {
        for _ in 0..BATCH {
            let input = match self.sequencer.read()? {
                Heard::Event(event, data, late) => Input::Event(event, data, late),
                Heard::Lost => Input::Lost,
                Heard::News => continue,
                Heard::Nothing => break,
            };
            self.model.apply(self.start.elapsed(), input);
            self.dirty = true;
        }
        Ok(())
    }

    /// Takes in something that happens, and does what follows from it.
    fn input(&mut self, screen: &mut Screen, input: Input) -> Result<Next, Fail> {
        self.dirty = true;
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for action in self.model.apply(self.start.elapsed(), input) {
                match action {
                    Action::Change { changes, undo } => {
                        let outcome = self.sequencer.change(&changes, undo)?;
                        inputs.push(Input::Changed(outcome));
                    }
                    Action::Watch(port, on) => {
                        if let Err(why) = self.sequencer.watch(port, on)? {
                            inputs.push(Input::Unwatched(port, why));
                        }
                    }
                    Action::Redraw => screen.clear().context("the terminal cannot be written")?,
                    Action::Suspend => self.suspend(screen, Stop::Job)?,
                    Action::Quit => return Ok(Next::Quit),
                }
            }
        }
        Ok(Next::Go)
    }

    fn suspend(&mut self, screen: &mut Screen, what: Stop) -> Result<(), Fail> {
        screen.suspend(what).context("the terminal cannot be used")?;
        self.dirty = true;
        let (columns, lines) = screen.size();
        self.model.apply(self.start.elapsed(), Input::Size(columns, lines));
        Ok(())
    }
}
