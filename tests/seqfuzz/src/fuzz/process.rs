//! A process of a campaign, or the machine that it is in, seen from outside.

use super::console::{Console, Seen};
use super::kmsg::KernelLog;
use super::machine::{self, Boot};
use super::options::{Options, Side};
use super::server::Server;
use super::starved::{Scheduled, Starved};
use super::watch::ENDED;
use super::{finding, report};
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Time that a machine has to end when it is asked to.
const FAREWELL: Duration = Duration::from_secs(5);

/// A process that runs programs, alone or in a machine.
pub(super) struct Process {
    pub(super) job: usize,
    child: Child,
    started: Instant,
    consoles: Vec<Console>,
    /// For a machine: the file that says how its part has ended, and the one that it writes while it works.
    machine: Option<[PathBuf; 2]>,
    /// It has given no sign of life for too long.
    silent: bool,
    /// The memory of the command that serves it.
    server: Server,
    /// How much of a processor a machine gets.
    starved: Starved,
}

/// How a process has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its time was over.
    Done,
    /// It has stored a finding, and wants to be started anew.
    Anew,
    /// It died: of what its console has reported, or as this report says.
    Died(Option<Seen>),
    /// It cannot work: in words.
    Cannot(String),
}

impl Process {
    /// Starts one.
    pub(super) fn start(
        options: &Options,
        job: usize,
        seed: u64,
        time: Option<Duration>,
        replay: Option<&str>,
    ) -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|error| format!("my own file: {error}"))?;
        let jobs = options.dir.join("jobs");
        let file = |end: &str| jobs.join(format!("{job}.{end}"));
        let mut words: Vec<String> = vec!["fuzz-worker".into()];
        words.extend(["--job".into(), job.to_string(), "--seed".into(), seed.to_string()]);
        match options.side {
            Side::Engine => {}
            Side::Session => words.push("--session".into()),
            Side::Device | Side::Under(_) | Side::Machine(_) => words.push("--device".into()),
        }
        let in_machine = matches!(options.side, Side::Machine(_));
        if in_machine || (options.side == Side::Device && KernelLog::open().is_ok()) {
            words.push("--kernel-log".into());
        }
        if options.side == Side::Device {
            words.push("--sync".into());
        }
        if matches!(options.side, Side::Under(_)) {
            words.push("--ours".into());
        }
        if options.rude {
            words.push("--rude".into());
        }
        if let Some(file) = replay {
            words.extend(["--replay".into(), file.into()]);
        }
        let log = file("log");
        let mut consoles = vec![Console::new(&log)];
        let wrong = |path: &Path, error| format!("{}: {error}", path.display());
        let millis = time.map(|time| time.as_millis().to_string());
        let mut machine = None;
        let mut command = match &options.side {
            Side::Machine(kind) => {
                let console = file("console");
                for stale in ["status", "ended", "console"] {
                    let _none_perhaps = fs::remove_file(file(stale));
                }
                let texts = [("guest", words.join("\n")), ("time", millis.unwrap_or_default())];
                for (end, text) in texts {
                    fs::write(file(end), text).map_err(|error| wrong(&file(end), error))?;
                }
                let command = kind.command(&options.dir, job, &console, time)?;
                if !matches!(kind.boot, Boot::Qemu(_)) {
                    consoles.push(Console::new(&console));
                }
                machine = Some([file("status"), file("current")]);
                command
            }
            side => {
                let mut command = match side {
                    Side::Under(words) => {
                        let (first, rest) = words.split_first().ok_or("--under wants a command")?;
                        let mut command = Command::new(first);
                        command.args(rest).arg(own);
                        command
                    }
                    _ => Command::new(own),
                };
                command.args(words);
                if let Some(millis) = millis {
                    command.arg("--time").arg(format!("{millis}ms"));
                }
                command.arg(&options.dir);
                command
            }
        };
        let out = File::create(&log).map_err(|error| wrong(&log, error))?;
        let err = out.try_clone().map_err(|error| wrong(&log, error))?;
        command.stdout(out).stderr(err).stdin(Stdio::null());
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
        let (started, server, starved) = (Instant::now(), Server::new(), Starved::default());
        Ok(Self { job, child, started, consoles, machine, silent: false, server, starved })
    }

    /// Returns whether it is in a machine.
    pub(super) const fn is_machine(&self) -> bool {
        self.machine.is_some()
    }

    /// Returns for how long it has run.
    pub(super) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns a report if the command that serves it has grown, once.
    pub(super) fn grown(&mut self) -> Option<Seen> {
        let bytes = self.server.look(self.child.id())?;
        let report = report::leak("server", bytes);
        Some(Seen { title: finding::title(&report), report })
    }

    /// Returns what a machine got of its host's processors, if it was so little that this report says nothing about its kernel.
    pub(super) fn was_starved(&self, seen: &Seen) -> Option<Scheduled> {
        self.starved.explains(&seen.title)
    }

    /// Returns reports that are new on its consoles.
    pub(super) fn reports(&mut self) -> Vec<Seen> {
        if self.machine.is_some() {
            self.starved.look(self.child.id());
        }
        self.consoles.iter_mut().flat_map(|console| console.reports(false)).collect()
    }

    /// Returns what its consoles show.
    pub(super) fn text(&self) -> String {
        self.consoles.iter().map(Console::text).collect()
    }

    /// Returns whether it has run a program.
    fn has_worked(&self) -> bool {
        self.machine.as_ref().is_none_or(|[_, current]| {
            let written = fs::metadata(current).and_then(|file| file.modified());
            let ago = written.ok().and_then(|time| time.elapsed().ok());
            ago.is_some_and(|ago| ago < self.age())
        })
    }

    /// Ends it now. What a machine has written is there.
    pub(super) fn end(&mut self) {
        if self.machine.is_some()
            && let Some(id) =
                i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            // What has started the machine ends it.
            let _gone_perhaps = rustix::process::kill_process(id, rustix::process::Signal::TERM);
            let asked = Instant::now();
            while asked.elapsed() < FAREWELL {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        let _gone_perhaps = self.child.kill();
        let _gone_perhaps = self.child.wait();
    }

    /// Returns how it has ended, if it has. A machine that gives no sign of life is ended.
    pub(super) fn ended(&mut self) -> Result<Option<End>, String> {
        if let Some([_, current]) = &self.machine {
            let written = fs::metadata(current).and_then(|file| file.modified()).ok();
            let ago = written.and_then(|time| time.elapsed().ok()).unwrap_or(Duration::MAX);
            let age = self.age();
            if age > machine::BOOT && ago.min(age) > machine::SILENCE {
                self.silent = true;
                self.end();
            }
        }
        let status = self.child.try_wait().map_err(|error| format!("a process: {error}"))?;
        Ok(status.map(|status| self.fate(status)))
    }

    fn fate(&mut self, status: ExitStatus) -> End {
        let said = self.consoles.iter_mut().flat_map(|console| console.reports(true));
        let said: Vec<Seen> = said.collect();
        let said = said.into_iter().next();
        let (code, plain) = match &self.machine {
            None => (status.code(), death(status)),
            Some([told, _]) => {
                let told = fs::read_to_string(told).ok();
                let told = told.map(|told| told.trim().to_owned());
                let code = told.as_ref().and_then(|told| told.parse().ok());
                if let Some(error) = told.filter(|_| code.is_none()) {
                    return End::Cannot(error);
                }
                let lost = if self.silent {
                    "no output from test machine"
                } else {
                    "lost connection to test machine"
                };
                let lost = (code.is_none() && self.has_worked()).then(|| format!("{lost}\n"));
                (code, lost)
            }
        };
        match (code, said, plain) {
            (Some(0), None, _) => End::Done,
            (_, Some(said), _) => End::Died(Some(said)),
            (_, None, Some(plain)) => {
                let title = plain.trim().to_owned();
                End::Died(Some(Seen { title, report: plain }))
            }
            (Some(ENDED | super::guest::RESTART), None, None) => End::Anew,
            _ if self.machine.is_some() => End::Cannot(self.last_words()),
            _ => End::Died(None),
        }
    }

    /// Returns the last line that it has said.
    pub(super) fn last_words(&self) -> String {
        self.consoles.first().map_or_else(String::new, Console::last_line)
    }
}

/// Returns the report of a process that a signal ended.
fn death(status: ExitStatus) -> Option<String> {
    let name = match status.signal()? {
        4 => "invalid opcode",
        6 => "abort",
        7 => "bus error",
        8 => "divide error",
        11 => "segmentation fault",
        _ => return None,
    };
    Some(format!("the process that ran the program died: {name}\n"))
}
