//! `--minimize`: a smaller recording that shows the same problem.

use super::player::{Ending, Player};
use super::{ReplayArgs, against, export};
use aseqd_console::say;
use aseqd_engine::Engine;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::with_all_signals;
use aseqd_recording::Header;
use aseqd_replay::minimise::{Progress, minimise};
use aseqd_replay::script::{Item, bind, concrete};
use aseqd_replay::step::Step;
use aseqd_replay::{rewrite, trial};
use std::cell::{Cell, RefCell};
use std::fs;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How often progress is printed on a terminal.
const INTERVAL: Duration = Duration::from_millis(200);

/// The problem that a candidate must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// The engine panics.
    Panic,
    /// Another aseqd answers otherwise.
    Hash(PathBuf),
    /// A sequencer answers otherwise than the engine.
    Differs(PathBuf),
    /// A command says so with exit status 0.
    Command(String),
}

impl Test {
    /// Returns the test that the options ask for.
    pub(super) fn of(args: &ReplayArgs) -> Result<Self, Fail> {
        let needs = |what: &str, option: &str| {
            Fail::new(format!("--check={what} needs {option}, whose answers are compared"))
        };
        match args.check.as_deref() {
            None | Some("" | "panic") => Ok(Self::Panic),
            Some("hash") => match &args.reference {
                Some(program) => Ok(Self::Hash(program.clone())),
                None => Err(needs("hash", "--reference PROGRAM")),
            },
            Some("differs") => match &args.against {
                Some(device) => Ok(Self::Differs(device.clone())),
                None => Err(needs("differs", "--against DEVICE")),
            },
            Some(command) => Ok(Self::Command(command.to_owned())),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Panic => "the engine does not panic".to_owned(),
            Self::Hash(program) => {
                format!("{} gives the same answers", program.display())
            }
            Self::Differs(device) => format!("{} gives the same answers", device.display()),
            Self::Command(command) => format!("the command `{command}` does not end with status 0"),
        }
    }
}

/// Tries candidates.
struct Trials<'a> {
    test: Test,
    start: Engine,
    header: Header,
    /// The file of a candidate, for tests that are programs.
    candidate: PathBuf,
    player: &'a Player,
    last: Instant,
    /// Why no more are tried.
    ended: Option<Fail>,
    interrupted: Cell<bool>,
}

impl Trials<'_> {
    fn shows(&mut self, items: &[Rc<Item>], progress: Progress) -> bool {
        if self.ended.is_some() || self.interrupted.get() {
            return false;
        }
        self.interrupted.set(self.player.has_signal().unwrap_or(false));
        self.tell(progress);
        self.tries(items).unwrap_or_else(|error| {
            self.ended = Some(error);
            false
        })
    }

    /// Returns whether a candidate shows the problem; `false` if a signal has ended its test.
    fn tries(&self, items: &[Rc<Item>]) -> Result<bool, Fail> {
        if self.test == Test::Panic {
            return Ok(trial::panics(&self.start, items));
        }
        let steps = concrete(&self.start, items);
        if let Test::Differs(device) = &self.test {
            return Ok(against::differ(device, &self.start, &steps));
        }
        self.write(&steps)?;
        match &self.test {
            Test::Hash(program) => {
                let mut command = Command::new(program);
                command.args(["replay", "--hash"]).arg(&self.candidate);
                let what = || format!("{} cannot be run", program.display());
                let ended = self.run(command.stdout(Stdio::piped())).with_context(what)?;
                let Some((printed, _)) = ended else { return Ok(false) };
                let own = trial::hash(&self.start, &bind(&self.start, steps));
                // One that panics prints none.
                let own = own.map(|hash| format!("{hash:08x}")).unwrap_or_default();
                Ok(own != printed.trim())
            }
            Test::Command(words) => {
                let mut command = Command::new("sh");
                command.args(["-c", &format!("{words} \"$@\""), "sh"]).arg(&self.candidate);
                let ended = self.run(command.stdout(Stdio::null())).context("sh cannot be run")?;
                Ok(ended.is_some_and(|(_, succeeded)| succeeded))
            }
            Test::Panic | Test::Differs(_) => Ok(false),
        }
    }

    /// Starts a test that is a program, and waits for it. Returns what it has printed, if that is piped, and whether it
    /// succeeded; `None` if a signal has ended it.
    fn run(&self, command: &mut Command) -> io::Result<Option<(String, bool)>> {
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let mut child = with_all_signals(command).process_group(0).spawn()?;
        let pipe = child.stdout.take();
        let reader = std::thread::spawn(move || {
            let mut printed = Vec::new();
            let _gone = pipe.map(|mut pipe| pipe.read_to_end(&mut printed));
            String::from_utf8_lossy(&printed).into_owned()
        });
        let Some(status) = self.player.wait(&mut child)? else {
            self.interrupted.set(true);
            return Ok(None);
        };
        Ok(Some((reader.join().unwrap_or_default(), status.success())))
    }

    fn write(&self, steps: &[Step]) -> Result<(), Fail> {
        let written = rewrite::record(Vec::new(), &self.header, steps)
            .and_then(|bytes| fs::write(&self.candidate, bytes));
        written.with_context(|| format!("{} cannot be written", self.candidate.display()))
    }

    /// Prints how far it has come, on a terminal.
    fn tell(&mut self, progress: Progress) {
        if self.last.elapsed() < INTERVAL || !io::stderr().is_terminal() {
            return;
        }
        self.last = Instant::now();
        let Progress { trials, steps, .. } = progress;
        let _unheard = write!(io::stderr(), "\r{trials} trials, {steps} records left \r");
    }
}

/// Shrinks a recording, and writes what is left. Returns whether Ctrl-C ended the search.
pub(super) fn shrink(args: &ReplayArgs, mut player: Player, out: &Path) -> Result<bool, Fail> {
    let test = Test::of(args)?;
    let header = export::header(&player);
    let start = player.replayer().engine().clone();
    if player.replayer().state().is_some() && !matches!(test, Test::Panic) {
        return Err(export::begins_with_a_state("it can only be shrunk with --check=panic"));
    }
    let steps = RefCell::new(Vec::new());
    let ending = player.run(args, &mut |played, _| {
        steps.borrow_mut().push(Step { at: played.at, action: played.action.clone() });
        Ok(())
    })?;
    let mut steps = steps.into_inner();
    match ending {
        Ending::Interrupted => return Ok(true),
        Ending::Panicked(..) => {
            let replayer = player.replayer();
            steps.push(Step { at: replayer.now(), action: replayer.action().clone() });
        }
        Ending::End | Ending::Until => {}
    }
    let before = steps.len();
    let began = Instant::now();
    let items = bind(&start, steps);
    let mut candidate = out.as_os_str().to_owned();
    candidate.push(".candidate");
    let mut trials = Trials {
        test,
        start,
        header,
        candidate: candidate.into(),
        player: &player,
        last: began,
        ended: None,
        interrupted: Cell::new(false),
    };
    let shown = trials.tries(&items);
    let found = shown.and_then(|shown| match shown {
        true => Ok(minimise(items, |items, progress| trials.shows(items, progress))),
        false => Err(Fail::new(format!(
            "{} does not show the problem: {}",
            player.name(),
            trials.test.words()
        ))),
    });
    let _gone = fs::remove_file(&trials.candidate);
    if found.is_err() && trials.interrupted.get() {
        return Ok(true);
    }
    let (items, progress) = found?;
    if let Some(error) = trials.ended {
        return Err(error);
    }
    let steps = concrete(&trials.start, &items);
    export::write_steps(out, &player, &trials.header, &steps)?;
    let seconds = began.elapsed().as_secs_f64();
    say(&format!(
        "{before} records became {} after {} trials in {seconds:.1} s",
        steps.len(),
        progress.trials
    ));
    Ok(trials.interrupted.get())
}
