//! `aseqd rules run`: carries out rules until it is told to end.

use super::apply::{line, name, refuse, refused, summary};
use super::learn::Learner;
use super::runner::{Manual, Runner};
use super::state::State;
use super::watch::Watch;
use super::{RulesArgs, RunArgs};
use crate::rule_files::{self, Loaded};
use aseqd_client::printable;
use aseqd_console::{is_wanted, say};
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::process::{SignalFd, SignalSet};
use aseqd_rules::{Change, RuleSet};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Signal;
use std::collections::VecDeque;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// When to look again after an announcement, where names change without one: programs name their client and ports within
/// milliseconds after the start.
const NAMING: [Duration; 4] = [
    Duration::from_millis(10),
    Duration::from_millis(40),
    Duration::from_millis(200),
    Duration::from_secs(1),
];

/// How long to wait for another `aseqd rules run` to be gone: the client of a program that has ended, before a restart,
/// can stay for a moment.
const LEAVING: Duration = Duration::from_secs(1);

pub(super) fn main(args: &RulesArgs, run: &RunArgs) -> Result<ExitCode, Fail> {
    let signals = SignalSet::of(&[Signal::INT, Signal::TERM, Signal::HUP]);
    signals.block().context("signals cannot be received")?;
    let signals = SignalFd::new(&signals).context("signals cannot be received")?;
    // Before the files are read, so that no change is missed.
    let watch = Watch::new(args);
    let loaded = rule_files::load_of(args.rules.clone())?;
    let rules = compile(args, &loaded)?;
    let mut output = Output { quiet: run.quiet };
    output.print(&format!("rules: {}\n", summary(&rules, loaded.count)))?;
    let mut runner = Runner::open(&args.device, rules)?;
    refuse_another(&runner)?;
    runner.follow().context("the announcements of the System client cannot be followed")?;
    // Events of links are on time, and devices are connected soon, on a busy machine, too. All waits are in calls. It is no
    // error if it is not permitted.
    let _permitted = aseqd_host::realtime::schedule(true);
    let learner = Learner::new(run.learn || loaded.rules.learn, loaded.learned);
    let state = State::new(&args.device, &runner.client);
    let looks = Looks::default();
    let mut service = Service { args, run, runner, learner, state, output, looks, watch };
    service.hold();
    service.settle()?;
    if let Err(error) = aseqd_host::service::ready("connecting") {
        say(&format_args!("the service manager cannot be notified: {}", reason(&error)));
    }
    let ended = service.serve(&signals);
    service.runner.links.end_notes();
    service.runner.held.end_notes();
    service.state.remove();
    // Whoever ends the sequencer may have told this program to end before.
    let told = ended.is_err() && matches!(signals.take(), Ok(Some(_)));
    if told { Ok(ExitCode::SUCCESS) } else { ended.map(|()| ExitCode::SUCCESS) }
}

/// Refuses to run beside another `aseqd rules run` on the same sequencer: each link would be there twice, and so every note.
fn refuse_another(runner: &Runner) -> Result<(), Fail> {
    let until = Instant::now() + LEAVING;
    while let Some(client) = runner.another()? {
        if Instant::now() >= until {
            let what = "another `aseqd rules run` connects these ports already";
            return Err(Fail::new(format!("{what} (client {client})")));
        }
        std::thread::sleep(LEAVING / 100);
    }
    Ok(())
}

/// Returns the rules of the files, if nothing is wrong in them.
fn compile(args: &RulesArgs, loaded: &Loaded) -> Result<RuleSet, Fail> {
    let (rules, problems) = loaded.rules.compile(args.profile.as_deref());
    refuse(loaded.problems.iter().cloned().chain(problems))?;
    Ok(rules)
}

/// What is ready: announcements, events for links and virtual ports, signals, files.
#[derive(Default)]
struct Ready {
    announced: bool,
    linked: bool,
    held: bool,
    signalled: bool,
    changed: bool,
}

struct Service<'a> {
    args: &'a RulesArgs,
    run: &'a RunArgs,
    runner: Runner,
    learner: Learner,
    state: State,
    output: Output,
    looks: Looks,
    watch: Watch,
}

/// Looks that are due although nothing is announced: a program opens its client, and names it then.
#[derive(Default)]
struct Looks(VecDeque<Instant>);

impl Looks {
    /// Plans looks after something has come or changed.
    fn plan(&mut self) {
        let now = Instant::now();
        self.0 = NAMING.iter().map(|delay| now + *delay).collect();
    }

    /// Returns the time until the next look.
    fn next(&self) -> Option<Duration> {
        self.0.front().map(|due| due.saturating_duration_since(Instant::now()))
    }

    /// Takes a look that is due, and returns whether there was one.
    fn take_due(&mut self) -> bool {
        let due = self.next().is_some_and(|left| left.is_zero());
        if due {
            self.0.pop_front();
        }
        due
    }
}

/// Standard output, as long as somebody reads it.
struct Output {
    quiet: bool,
}

impl Output {
    fn print(&mut self, text: &str) -> Result<(), Fail> {
        self.quiet = self.quiet || !is_wanted(text)?;
        Ok(())
    }
}

impl Service<'_> {
    /// Works until a signal ends it.
    fn serve(&mut self, signals: &SignalFd) -> Result<(), Fail> {
        loop {
            let Ready { announced, linked, held, signalled, changed } = self.wait(signals)?;
            if signalled
                && let Some(signal) = signals.take().context("signals cannot be received")?
            {
                if signal.number != Signal::HUP.as_raw() {
                    return Ok(());
                }
                self.reload();
                self.settle()?;
            }
            if linked {
                self.pass_on()?;
            }
            if held {
                self.runner.held.pass_on(&mut |sentence| say(&printable(&sentence)))?;
            }
            if announced {
                let heard = self.runner.hear()?;
                if heard.anything {
                    if self.runner.look_quickly(&heard)? {
                        self.act()?;
                    }
                    self.learner.before(&self.runner, &heard.manual);
                    self.runner.look()?;
                    let learned = self.learner.after(&self.runner, &heard.manual)?;
                    if learned {
                        self.reload();
                    }
                    self.cut_loops(&heard.manual)?;
                    self.act()?;
                    if self.runner.must_look_for_names() {
                        self.looks.plan();
                    }
                }
            }
            if self.looks.take_due() {
                self.settle()?;
            }
            if changed && self.watch.has_changed() {
                // Folders may have come, or gone and come again.
                self.watch = Watch::new(self.args);
                self.reload();
                self.settle()?;
            }
        }
    }

    /// Waits, and returns what is ready.
    fn wait(&self, signals: &SignalFd) -> Result<Ready, Fail> {
        if self.runner.client.has_event() || self.runner.held.has_event() {
            let (announced, held) = (self.runner.client.has_event(), self.runner.held.has_event());
            return Ok(Ready { announced, held, signalled: true, ..Ready::default() });
        }
        let mut ready = vec![poll_in(self.runner.client.as_fd()), poll_in(signals.as_fd())];
        let links =
            self.runner.links.client().map(|client| push(&mut ready, poll_in(client.as_fd())));
        let watch = self.watch.0.as_ref().map(|watch| push(&mut ready, poll_in(watch.as_fd())));
        let first_held = ready.len();
        ready.extend(self.runner.held.clients().map(|client| poll_in(client.as_fd())));
        let timeout = self.looks.next().and_then(|left| left.try_into().ok());
        rustix::io::retry_on_intr(|| poll(&mut ready, timeout.as_ref())).context("cannot wait")?;
        let ended = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        // A signal first, for the same reason as at the end.
        if ready[1].revents().is_empty() && ready[0].revents().intersects(ended) {
            return Err(Fail::ended());
        }
        let is_ready = |at: usize| !ready[at].revents().is_empty();
        Ok(Ready {
            announced: is_ready(0),
            signalled: is_ready(1),
            linked: links.is_some_and(is_ready),
            changed: watch.is_some_and(is_ready),
            held: (first_held..ready.len()).any(is_ready),
        })
    }

    /// Makes the virtual ports of the rules, and removes others.
    fn hold(&mut self) {
        let Runner { held, rules, .. } = &mut self.runner;
        held.become_those(rules.ports(), &mut |sentence| say(&printable(&sentence)));
    }

    /// Cuts connections that close a loop, and tells of each.
    fn cut_loops(&mut self, manual: &[Manual]) -> Result<(), Fail> {
        for (sender, dest) in self.runner.cut_loops(manual)? {
            let (sender, dest) =
                (name(&self.runner.snapshot, sender), name(&self.runner.snapshot, dest));
            say(&format_args!(
                "{sender} -> {dest} is cut: through it, each event would go round for ever"
            ));
        }
        Ok(())
    }

    fn pass_on(&mut self) -> Result<(), Fail> {
        self.runner.links.pass_on(&mut |sentence| say(&sentence)).map_err(Fail::from)
    }

    fn settle(&mut self) -> Result<(), Fail> {
        self.runner.look()?;
        self.cut_loops(&[])?;
        self.act()
    }

    /// Decides, acts and tells.
    fn act(&mut self) -> Result<(), Fail> {
        for (action, failed) in self.runner.settle()? {
            match failed {
                None if self.output.quiet => {}
                None => self.output.print(&line(&action, &self.runner.snapshot))?,
                Some(why) => say(&refused(&action, &self.runner.snapshot, &why)),
            }
        }
        self.state.write(&self.runner.history, &self.runner.links);
        Ok(())
    }

    /// Reads the files again. The old rules stay if the new ones have mistakes.
    fn reload(&mut self) {
        let loaded = match rule_files::load_of(self.args.rules.clone()) {
            Ok(loaded) => loaded,
            Err(error) => return say(&error),
        };
        match compile(self.args, &loaded) {
            Ok(rules) => {
                let before = &self.runner.rules;
                if rules.rules() != before.rules() || rules.ports() != before.ports() {
                    let text = format!("rules: {}\n", summary(&rules, loaded.count));
                    if !self.output.quiet && self.output.print(&text).is_err() {
                        self.output.quiet = true;
                    }
                }
                self.learner.reload(self.run.learn || loaded.rules.learn, loaded.learned);
                self.runner.rules = rules;
                self.runner.history.note(Change::Rules);
                self.hold();
            }
            Err(error) => say(&format_args!("{error}\naseqd: the rules stay as they were")),
        }
    }
}

fn poll_in(fd: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::from_borrowed_fd(fd, PollFlags::IN)
}

fn push<'a>(ready: &mut Vec<PollFd<'a>>, one: PollFd<'a>) -> usize {
    ready.push(one);
    ready.len() - 1
}
