//! The files of rules: what they say, and changes of the one that this server writes.

use crate::edit;
use crate::graph::RulesState;
use aseqd_client::printable;
use aseqd_host::error::reason;
use aseqd_host::process::{end_with_us, with_all_signals};
use aseqd_rules::{Port, Problem, Rule, RuleSet, Rules};
use aseqd_tools::rules::{files, warnings};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// The most bytes of a file that is edited here. It goes through one message, with room for what JSON adds.
const MAX_TEXT: usize = 200 << 10;

/// How long `aseqd rules run` has to end after SIGTERM. It takes milliseconds.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// What tells whether a file is another one: its path, time and length.
type Stamp = (PathBuf, Option<(SystemTime, u64)>);

/// The rules of this sequencer.
pub(crate) struct Rulebook {
    device: PathBuf,
    /// The file of the command line.
    given: Option<PathBuf>,
    read_only: bool,
    set: RuleSet,
    profiles: Vec<String>,
    stamps: Vec<Stamp>,
    /// `aseqd rules run`, if this server has started it.
    child: Option<Child>,
}

impl Rulebook {
    pub(crate) fn new(device: &Path, given: Option<&Path>, read_only: bool) -> Self {
        Self {
            device: device.to_owned(),
            given: given.map(Path::to_owned),
            read_only,
            set: RuleSet::default(),
            profiles: Vec::new(),
            stamps: Vec::new(),
            child: None,
        }
    }

    /// Returns the file that is changed here.
    fn file(&self) -> Option<PathBuf> {
        self.given.clone().or_else(files::own_file)
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut all = files::files(self.given.iter().cloned().collect()).unwrap_or_default();
        all.extend(files::learned_file());
        all
    }

    /// Returns the folders in which a file of rules may change.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let folder = |file: PathBuf| {
            file.parent().map(|folder| match folder.as_os_str().is_empty() {
                true => PathBuf::from("."),
                false => folder.to_owned(),
            })
        };
        let mut all: Vec<_> = self.files().into_iter().filter_map(folder).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Reads the files again if they have changed. Rules with mistakes, which `aseqd rules run` would not take either,
    /// leave the old ones.
    pub(crate) fn refresh(&mut self) {
        let stamp = |path: PathBuf| {
            let metadata = std::fs::metadata(&path).ok();
            let known =
                metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len())));
            (path, known)
        };
        let stamps: Vec<_> = self.files().into_iter().map(stamp).collect();
        if stamps == self.stamps {
            return;
        }
        self.stamps = stamps;
        let Some(rules) = self.load() else { return };
        let (set, problems) = rules.compile(None);
        if problems.is_empty() {
            self.profiles = rules.profiles().into_iter().map(str::to_owned).collect();
            self.set = set;
        }
    }

    fn load(&self) -> Option<Rules> {
        let exists = self.given.as_ref().is_none_or(|file| file.exists());
        if !exists {
            return Some(Rules::default());
        }
        let loaded = files::load_of(self.given.iter().cloned().collect()).ok()?;
        loaded.problems.is_empty().then_some(loaded.rules)
    }

    /// Returns the rules that hold.
    pub(crate) const fn set(&self) -> &RuleSet {
        &self.set
    }

    /// Returns the rule that decides about two ports, if there is one.
    pub(crate) fn rule(&self, from: &Port, to: &Port) -> Option<&Rule> {
        let means = |rule: &&Rule| {
            rule.from.matches(from) && rule.to.matches(to)
                || rule.both && rule.to.matches(from) && rule.from.matches(to)
        };
        self.set.rules().iter().rev().find(means)
    }

    /// Returns whether a rule is one that this server has written.
    pub(crate) fn is_ours(rule: &Rule) -> bool {
        rule.name.as_deref() == Some(edit::NAME)
    }

    /// Returns what clients are told. `running` says whether `aseqd rules run` is there.
    pub(crate) fn state(&self, running: bool) -> RulesState {
        let path = self.file();
        let editable = path.is_some() && !self.read_only;
        RulesState { running, path: path.map(|path| path.display().to_string()), editable }
    }

    /// Returns the text of the file that is changed here; a file that does not exist has none.
    ///
    /// # Errors
    /// A sentence if there is no place for such a file, or it cannot be read.
    pub(crate) fn text(&self) -> Result<String, String> {
        let path = self
            .file()
            .ok_or("there is no place for rules: set HOME, or give a file with --rules")?;
        match files::read(&path) {
            Ok(text) if text.len() > MAX_TEXT => {
                Err(format!("{} has more than 200 KiB: change it with an editor", path.display()))
            }
            Ok(text) => Ok(text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(format!("{} cannot be read: {}", path.display(), reason(&error))),
        }
    }

    /// Returns everything about the file for `rules.get`.
    ///
    /// # Errors
    /// As [`Rulebook::text`].
    pub(crate) fn get(&mut self, ports: &[Port]) -> Result<Value, String> {
        let text = self.text()?;
        self.refresh();
        let own = self.file();
        let others =
            self.files().into_iter().filter(|path| Some(path) != own.as_ref() && path.exists());
        let mut value = self.check(&text, ports);
        value["others"] = others.map(|path| path.display().to_string()).collect();
        value["path"] = own.map(|path| path.display().to_string()).into();
        value["profiles"] = json!(self.profiles);
        value["text"] = text.into();
        Ok(value)
    }

    /// Returns what is wrong with a text of rules, and what is perhaps not meant.
    pub(crate) fn check(&self, text: &str, ports: &[Port]) -> Value {
        let (rules, mut problems) = Rules::read(edit::NAME, text);
        let (set, more) = rules.compile(None);
        problems.extend(more);
        let problem = |problem: &Problem| {
            json!({
                "line": problem.origin.line,
                "column": problem.column,
                "message": printable(&problem.message),
            })
        };
        let warned = warnings(&set, Some(ports));
        let warning = |one: &aseqd_tools::rules::Warning| json!({ "line": one.origin.line, "message": one.message });
        json!({
            "problems": problems.iter().map(problem).collect::<Vec<_>>(),
            "warnings": warned.iter().map(warning).collect::<Vec<_>>(),
            "rules": rules.rules.len(),
        })
    }

    /// Writes the file. `was` is the text that a client has changed: if somebody else has changed the file meanwhile, it
    /// stays.
    ///
    /// # Errors
    /// A sentence if it has mistakes, is not the same any more, or cannot be written.
    pub(crate) fn set_text(&mut self, text: &str, was: Option<&str>) -> Result<(), String> {
        if self.read_only {
            return Err("this server changes nothing: it was started with --read-only".to_owned());
        }
        if text.len() > MAX_TEXT {
            return Err("the rules have more than 200 KiB".to_owned());
        }
        if was.is_some_and(|was| self.text().as_deref() != Ok(was)) {
            return Err("somebody else has changed the file meanwhile: load it again".to_owned());
        }
        let (rules, problems) = Rules::read("rules", text);
        let (_, more) = rules.compile(None);
        if let Some(problem) = problems.iter().chain(&more).next() {
            return Err(format!("line {}: {}", problem.origin.line, printable(&problem.message)));
        }
        let path = self
            .file()
            .ok_or("there is no place for rules: set HOME, or give a file with --rules")?;
        files::write(&path, text).map_err(|error| error.to_string())?;
        self.refresh();
        Ok(())
    }

    /// Changes the rule of ours for two ports: one with these lines, or none.
    ///
    /// # Errors
    /// As [`edit::with_rule`] and [`Rulebook::set_text`].
    pub(crate) fn set_rule(
        &mut self,
        ends: (&Port, &Port),
        ports: &[Port],
        lines: Option<&str>,
    ) -> Result<(), String> {
        let text = self.text()?;
        let new = edit::with_rule(&text, ends, ports, lines)?;
        if new == text { Ok(()) } else { self.set_text(&new, Some(&text)) }
    }

    /// Starts `aseqd rules run`.
    ///
    /// # Errors
    /// A sentence if it cannot be started.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        if self.is_started() {
            return Ok(());
        }
        if let Some(given) = self.given.as_ref().filter(|given| !given.exists()) {
            files::write(given, "").map_err(|error| error.to_string())?;
        }
        let program = std::env::current_exe().unwrap_or_else(|_| "aseqd".into());
        let mut command = Command::new(program);
        command
            .args(["rules", "run", "--quiet", "--device"])
            .arg(&self.device)
            .stdin(Stdio::null());
        if let Some(given) = &self.given {
            command.arg("--rules").arg(given);
        }
        // The service is this server.
        command.env_remove("NOTIFY_SOCKET");
        let started = end_with_us(with_all_signals(&mut command)).spawn();
        let failed = |error: std::io::Error| {
            format!("`aseqd rules run` cannot be started: {}", reason(&error))
        };
        self.child = Some(started.map_err(failed)?);
        Ok(())
    }

    /// Returns whether this server has started `aseqd rules run`, and it runs still.
    pub(crate) fn is_started(&mut self) -> bool {
        let runs = self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)));
        if !runs {
            self.child = None;
        }
        runs
    }

    /// Ends what this server has started, and waits for its end.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let _ended = kill_process(Pid::from_child(&child), Signal::TERM);
        let end = Instant::now() + END_TIMEOUT;
        while let Ok(None) = child.try_wait() {
            if Instant::now() > end {
                let _killed = child.kill();
                let _reaped = child.wait();
                return;
            }
            std::thread::sleep(END_TIMEOUT / 200);
        }
    }
}

impl Drop for Rulebook {
    fn drop(&mut self) {
        self.stop();
    }
}
