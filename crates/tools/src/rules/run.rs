//! `aseqd rules run`: carries out rules until it is told to end.

use super::apply::{line, refuse, refused, summary};
use super::files::{self, Loaded};
use super::learn::Learner;
use super::runner::Runner;
use super::state::State;
use super::{RulesArgs, RunArgs};
use aseqd_console::{is_wanted, say};
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::process::{SignalFd, SignalSet};
use aseqd_rules::{Change, RuleSet};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify;
use rustix::process::Signal;
use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
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

/// Bytes for what inotify tells. More is read in the next round.
const CHANGES: usize = 4096;

pub(super) fn main(args: &RulesArgs, run: &RunArgs) -> Result<ExitCode, Fail> {
    let signals = SignalSet::of(&[Signal::INT, Signal::TERM, Signal::HUP]);
    signals.block().context("signals cannot be received")?;
    let signals = SignalFd::new(&signals).context("signals cannot be received")?;
    // Before the files are read, so that no change is missed.
    let watch = watch(args);
    let loaded = files::load(args)?;
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
    let mut service = Service { args, run, runner, learner, state, output, looks };
    service.settle()?;
    if let Err(error) = aseqd_host::service::ready("connecting") {
        say(&format_args!("the service manager cannot be notified: {}", reason(&error)));
    }
    let ended = service.serve(&signals, watch.as_ref());
    service.runner.links.end_notes();
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

/// Watches the folders of the files. Without inotify, SIGHUP is left.
fn watch(args: &RulesArgs) -> Option<OwnedFd> {
    let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
    let watch = inotify::init(flags).ok()?;
    let changes = inotify::WatchFlags::CLOSE_WRITE
        | inotify::WatchFlags::MOVED_TO
        | inotify::WatchFlags::MOVED_FROM
        | inotify::WatchFlags::DELETE;
    for folder in files::folders(args).ok()? {
        // A folder that does not exist has no rules; SIGHUP tells of it once it does.
        let _missing = inotify::add_watch(&watch, &folder, changes);
    }
    Some(watch)
}

/// Reads what inotify tells, and returns whether it is about a file of rules.
fn has_changed(watch: &OwnedFd) -> bool {
    let mut buffer = [const { MaybeUninit::uninit() }; CHANGES];
    let mut reader = inotify::Reader::new(watch, &mut buffer);
    let mut changed = false;
    while let Ok(event) = reader.next() {
        let name = event.file_name().map(|name| name.to_string_lossy().into_owned());
        // Editors write other files beside.
        changed |= name.is_none_or(|name| !name.ends_with('~') && !name.starts_with('.'));
    }
    changed
}

struct Service<'a> {
    args: &'a RulesArgs,
    run: &'a RunArgs,
    runner: Runner,
    learner: Learner,
    state: State,
    output: Output,
    looks: Looks,
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
    fn serve(&mut self, signals: &SignalFd, watch: Option<&OwnedFd>) -> Result<(), Fail> {
        loop {
            let [announced, linked, signalled, changed] = self.wait(signals, watch)?;
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
                    self.act()?;
                    if self.runner.must_look_for_names() {
                        self.looks.plan();
                    }
                }
            }
            if self.looks.take_due() {
                self.settle()?;
            }
            if changed && watch.is_some_and(has_changed) {
                self.reload();
                self.settle()?;
            }
        }
    }

    /// Waits, and returns what is ready: announcements, events for links, signals, files.
    fn wait(&self, signals: &SignalFd, watch: Option<&OwnedFd>) -> Result<[bool; 4], Fail> {
        if self.runner.client.has_event() {
            return Ok([true, false, false, false]);
        }
        let mut ready = vec![
            PollFd::new(&self.runner.client, PollFlags::IN),
            PollFd::new(signals, PollFlags::IN),
        ];
        let links = self.runner.links.client().map(|client| PollFd::new(client, PollFlags::IN));
        let (links, watch) = (links, watch.map(|watch| PollFd::new(watch, PollFlags::IN)));
        let at_links = links.map(|one| push(&mut ready, one));
        let at_watch = watch.map(|one| push(&mut ready, one));
        let timeout = self.looks.next().and_then(|left| left.try_into().ok());
        rustix::io::retry_on_intr(|| poll(&mut ready, timeout.as_ref())).context("cannot wait")?;
        let ended = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        // A signal first, for the same reason as at the end.
        if ready[1].revents().is_empty() && ready[0].revents().intersects(ended) {
            return Err(Fail::ended());
        }
        let is_ready = |at: usize| !ready[at].revents().is_empty();
        let maybe = |at: Option<usize>| at.is_some_and(is_ready);
        Ok([is_ready(0), maybe(at_links), is_ready(1), maybe(at_watch)])
    }

    fn pass_on(&mut self) -> Result<(), Fail> {
        self.runner.links.pass_on(&mut |sentence| say(&sentence)).map_err(Fail::from)
    }

    fn settle(&mut self) -> Result<(), Fail> {
        self.runner.look()?;
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
        let loaded = match files::load(self.args) {
            Ok(loaded) => loaded,
            Err(error) => return say(&error),
        };
        match compile(self.args, &loaded) {
            Ok(rules) => {
                if rules.rules() != self.runner.rules.rules() {
                    let text = format!("rules: {}\n", summary(&rules, loaded.count));
                    if !self.output.quiet && self.output.print(&text).is_err() {
                        self.output.quiet = true;
                    }
                }
                self.learner.reload(self.run.learn || loaded.rules.learn, loaded.learned);
                self.runner.rules = rules;
                self.runner.history.note(Change::Rules);
            }
            Err(error) => say(&format_args!("{error}\naseqd: the rules stay as they were")),
        }
    }
}

fn push<'a>(ready: &mut Vec<PollFd<'a>>, one: PollFd<'a>) -> usize {
    ready.push(one);
    ready.len() - 1
}
