//! One process of a campaign: runs programs until its time is over.

use super::corpus::Corpus;
use super::execute::{self, Checks, Ran};
use super::history::{self, History};
use super::kmsg::KernelLog;
use super::stats::Job;
use super::watch::{ENDED, Watch};
use super::{finding, locate, mutate};
use crate::concurrent::device::Devices;
use crate::device::{Abilities, RealDevice};
use crate::generate::{Kind, Profile};
use crate::minimise::minimise_by;
use crate::program::{Program, Settings};
use crate::rng::Rng;
use crate::{concurrent, cover, text};
use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How many programs from seeds an empty corpus begins with, of each profile.
const SEEDS: u64 = 60;
/// How many of them are run however short the time is: a corpus is made of them.
const FEWEST_SEEDS: u64 = 4;
/// How many of 100 programs are spread over threads and processes anew, where that makes a difference.
const SPREAD: u64 = 60;
/// How many of 100 programs are groups of calls that are worth making at once, and nothing else.
const SCENES: u64 = 45;
/// How many of 100 programs are those of the corpus that have not run yet, where it does not run first: a door is slow.
const WAITING: u64 = 20;

/// What programs run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A fresh engine in the process for each.
    Engine,
    /// The server's session in the process, with calls made at once.
    Session,
    /// The device files.
    Device,
}

/// The options of one process.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// The folder of the campaign.
    pub dir: PathBuf,
    /// The number of the process.
    pub job: usize,
    /// What programs run on.
    pub target: Target,
    /// For how long.
    pub time: Option<Duration>,
    /// The seed of its random numbers.
    pub seed: u64,
    /// Whether the kernel's log of this machine is read for reports.
    pub kernel_log: bool,
    /// Whether what is noted is on the disk before a program runs: the machine may die.
    pub sync: bool,
    /// Whether files of devices are closed with events in queues that their client no longer uses: in such a close Linux
    /// may sleep for ever.
    pub rude: bool,
    /// A file of programs in the folder, which are run in their order, instead of a campaign. What is found is the end.
    pub replay: Option<PathBuf>,
    /// Whether the device files are those of a sequencer of ours that nobody else uses.
    pub ours: bool,
}

struct Worker<'a> {
    options: &'a WorkerOptions,
    rng: Rng,
    corpus: Corpus,
    /// Programs of the corpus that have not run yet, the most promising last.
    waiting: Vec<Program>,
    /// What a sequencer of ours can do, if programs run on one.
    abilities: Option<Abilities>,
    /// How often each edge was taken: a bit for each kind.
    edges: Vec<u8>,
    answers: HashSet<u64>,
    job: Job,
    /// Milliseconds of processes with this number that have died.
    before: u64,
    watch: &'a Watch,
    note: File,
    history: Option<History>,
    /// Programs of findings, which are not run again: not every process survives them.
    avoid: HashSet<String>,
    /// What was found, so that the same is not shrunk again.
    found: HashSet<String>,
}

/// Runs programs until the time is over.
///
/// # Errors
/// A message for people if the folder cannot be written, or the device cannot be opened.
pub fn work(options: &WorkerOptions) -> Result<(), String> {
    let dir = &options.dir;
    let wrong = |error: std::io::Error| format!("{}: {error}", dir.display());
    let jobs = dir.join("jobs");
    fs::create_dir_all(&jobs).map_err(wrong)?;
    if options.job == 0 && cover::edges() > 0 {
        let places = locate::places()?;
        let line = |place: locate::Place| format!("{}:{}\n", place.file, place.line);
        let lines: String = places.into_iter().map(line).collect();
        fs::write(dir.join("edges"), lines).map_err(wrong)?;
    }
    let current = jobs.join(format!("{}.current", options.job));
    let log = if options.kernel_log { Some(KernelLog::open()?) } else { None };
    let watch = Watch::new(dir, options.job, log.is_some(), options.ours);
    let history = match options.target {
        Target::Engine | Target::Session => None,
        Target::Device => {
            let path = history::path(dir, options.job);
            Some(History::begin(&path, options.sync).map_err(wrong)?)
        }
    };
    // It lives as long as the process.
    let watch: &'static Watch = Box::leak(Box::new(watch));
    std::thread::spawn(|| watch.watch());
    let mut worker = Worker {
        options,
        rng: Rng::new(options.seed ^ (options.job as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        corpus: Corpus::open(&dir.join("corpus")).map_err(wrong)?,
        waiting: Vec::new(),
        abilities: None,
        edges: vec![0; cover::edges()],
        answers: HashSet::new(),
        avoid: finding::deadly(dir),
        // Another process with this number may have died before.
        job: Job::at(&jobs.join(format!("{}.stats", options.job))),
        before: 0,
        watch,
        note: File::create(&current).map_err(wrong)?,
        history,
        found: HashSet::new(),
    };
    worker.before = worker.job.millis;
    let mut device = match options.target {
        Target::Engine | Target::Session => None,
        Target::Device => Some((RealDevice::new()?, Devices::new()?)),
    };
    let abilities = device
        .as_mut()
        .filter(|_| options.ours && !options.rude)
        .map(|(device, _)| Abilities::of(device));
    worker.abilities = abilities;
    let mut execute = |program: &Program, checks| {
        let mut ran = match &mut device {
            None if options.target == Target::Session => execute::session(program, checks),
            None => execute::engine(program, checks),
            Some((_, devices)) if concurrent::is_concurrent(program) => {
                execute::devices(devices, program, abilities)
            }
            Some((device, _)) => match abilities {
                Some(abilities) => execute::served(device, abilities, program),
                None => execute::device(device, program, options.rude),
            },
        };
        if let Some(wrong) = log.as_ref().and_then(KernelLog::report) {
            ran.wrong = Some(wrong);
        }
        ran
    };
    match &options.replay {
        None => worker.run(&mut execute).map_err(wrong),
        Some(file) => worker.replay(&mut execute, &dir.join(file)),
    }
}

type Execute<'a> = &'a mut dyn FnMut(&Program, Checks) -> Ran;

impl Worker<'_> {
    fn run(&mut self, execute: Execute<'_>) -> std::io::Result<()> {
        self.begin(execute)?;
        let mut told = Instant::now();
        while !self.is_over() {
            if !self.waiting.is_empty() && self.rng.chance(WAITING) {
                let program = self.waiting.pop();
                program.map_or(Ok(()), |program| self.take(execute, &program))?;
            } else {
                let program = self.next();
                self.one(execute, program)?;
            }
            if told.elapsed() > Duration::from_secs(1) {
                told = Instant::now();
                self.tell();
                for program in self.corpus.read_new() {
                    self.take(execute, &program)?;
                    self.corpus.keep(program);
                }
            }
        }
        self.tell();
        Ok(())
    }

    /// Makes a program.
    fn next(&mut self) -> Program {
        let rng = &mut self.rng;
        let mut program = if self.options.target != Target::Engine && rng.chance(SCENES) {
            concurrent::scene(rng)
        } else {
            let other = self.corpus.pick(rng);
            let from = self.corpus.pick(rng);
            let mut program = mutate::mutate(rng, from, other);
            if self.options.target == Target::Engine {
                mutate::look_around(&mut program);
            } else if rng.chance(SPREAD) {
                concurrent::spread(rng, &mut program);
            }
            program
        };
        self.fit(&mut program);
        program
    }

    /// Lets a program want what the sequencer is: else none of its answers could be compared.
    fn fit(&self, program: &mut Program) {
        if let Some(abilities) = self.abilities {
            program.settings = Settings::default();
            program.ump = abilities.ump;
        }
    }

    /// Returns whether the time of the process is over.
    fn is_over(&self) -> bool {
        self.options.time.is_some_and(|time| self.watch.began.elapsed() >= time)
    }

    /// Runs the corpus; if there is none, programs from seeds. A door of ours is so slow that a corpus takes minutes, so that its
    /// programs only wait there, those first that are for this door: their calls are made at once, and all of them are known to it.
    fn begin(&mut self, execute: Execute<'_>) -> std::io::Result<()> {
        if let Some(abilities) = self.abilities {
            self.waiting = self.corpus.read_new();
            self.waiting.iter().for_each(|program| self.corpus.keep(program.clone()));
            let other = |program: &Program| {
                program.settings != Settings::default() || program.ump != abilities.ump
            };
            self.waiting.sort_by_cached_key(|program| {
                (concurrent::is_concurrent(program), !other(program))
            });
        }
        for (index, program) in self.corpus.read_new().into_iter().enumerate() {
            self.take(execute, &program)?;
            self.corpus.keep(program);
            // A large corpus takes long on a slow device.
            if index % 64 == 63 {
                self.tell();
            }
        }
        if self.corpus.len() == 0 {
            for seed in 0..SEEDS {
                if seed >= FEWEST_SEEDS && self.is_over() {
                    break;
                }
                self.tell();
                for profile in [Profile::Sequencer, Profile::Timer, Profile::Ump] {
                    let kind = Kind { size: 16, common: false, legacy: false, profile };
                    self.one(execute, kind.program(seed))?;
                }
            }
        }
        Ok(())
    }

    /// Runs a program of the corpus.
    fn take(&mut self, execute: Execute<'_>, program: &Program) -> std::io::Result<()> {
        let mut program = program.clone();
        self.fit(&mut program);
        if self.avoid.contains(&program.to_string()) {
            return Ok(());
        }
        let ran = self.execute(execute, &program, Checks { model: true, ..Checks::default() })?;
        self.learn(&ran);
        if ran.wrong.is_some() {
            self.found(execute, &program, ran)?;
        }
        Ok(())
    }

    /// Runs programs in their order, and stores the first finding.
    fn replay(&mut self, execute: Execute<'_>, file: &Path) -> Result<(), String> {
        let wrong = |error: std::io::Error| format!("{}: {error}", file.display());
        let programs = text::parse_all(&fs::read_to_string(file).map_err(wrong)?)?;
        let at = self.watch.jobs.join(format!("{}.at", self.options.job));
        for (index, program) in programs.iter().enumerate() {
            fs::write(&at, index.to_string()).map_err(wrong)?;
            let ran = self.execute(execute, program, Checks::ALL).map_err(wrong)?;
            if let Some(found) = &ran.wrong {
                let program = program.to_string();
                finding::store(&self.options.dir, &found.report, &ran.log, &program)
                    .map_err(wrong)?;
                std::process::exit(ENDED);
            }
        }
        self.tell();
        fs::write(&at, programs.len().to_string()).map_err(wrong)
    }

    fn tell(&mut self) {
        let jobs = self.options.dir.join("jobs");
        self.job.millis = self.before + self.watch.now();
        self.job.answers = self.answers.len() as u64;
        self.job.write(&jobs.join(format!("{}.stats", self.options.job)));
        if !self.edges.is_empty() {
            let _again_in_a_second =
                fs::write(jobs.join(format!("{}.edges", self.options.job)), &self.edges);
        }
    }

    /// Notes a program, so that it is known if this process dies of it, and runs it.
    fn execute(
        &mut self,
        execute: Execute<'_>,
        program: &Program,
        checks: Checks,
    ) -> std::io::Result<Ran> {
        let mut text = program.to_string().into_bytes();
        text.push(0);
        self.note.write_all_at(&text, 0)?;
        if let Some(history) = &mut self.history {
            history.add(&text[..text.len() - 1])?;
        }
        self.watch.started.store(self.watch.now(), Ordering::Relaxed);
        let ran = execute(program, checks);
        self.watch.started.store(0, Ordering::Relaxed);
        self.job.programs += 1;
        self.job.followed.add(ran.followed);
        Ok(ran)
    }

    /// Returns whether a run reached something new.
    fn is_new(&self, ran: &Ran) -> bool {
        ran.edges.iter().any(|(edge, bit)| self.edges[*edge] & bit == 0)
            || ran.answers.iter().any(|answer| !self.answers.contains(answer))
    }

    fn learn(&mut self, ran: &Ran) {
        for (edge, bit) in &ran.edges {
            self.edges[*edge] |= bit;
        }
        self.answers.extend(&ran.answers);
    }

    fn one(&mut self, execute: Execute<'_>, program: Program) -> std::io::Result<()> {
        let ran = self.execute(execute, &program, Checks { model: true, ..Checks::default() })?;
        if ran.wrong.is_some() {
            return self.found(execute, &program, ran);
        }
        if !self.is_new(&ran) {
            return Ok(());
        }
        let checks = Checks { model: true, rest: true, stack: false };
        let checked = self.execute(execute, &program, checks)?;
        if checked.wrong.is_some() {
            self.learn(&ran);
            return self.found(execute, &program, checked);
        }
        let program = self.shorter(execute, program, &ran)?;
        self.learn(&ran);
        self.corpus.add(program)
    }

    /// Leaves calls out of a program as long as it still reaches all that is new in it.
    fn shorter(
        &mut self,
        execute: Execute<'_>,
        mut program: Program,
        ran: &Ran,
    ) -> std::io::Result<Program> {
        let edges: Vec<_> =
            ran.edges.iter().filter(|(edge, bit)| self.edges[*edge] & bit == 0).collect();
        let answers: Vec<_> =
            ran.answers.iter().filter(|answer| !self.answers.contains(answer)).collect();
        let mut size = program.calls.len() / 2;
        while size > 0 {
            let mut end = program.calls.len();
            while end > 0 {
                let start = end.saturating_sub(size);
                let mut candidate = program.clone();
                candidate.calls.drain(start..end);
                let again = self.execute(execute, &candidate, Checks::default())?;
                let still = again.wrong.is_none()
                    && edges.iter().all(|edge| again.edges.contains(edge))
                    && answers.iter().all(|answer| again.answers.contains(answer));
                if still {
                    program = candidate;
                }
                end = start;
            }
            size /= 2;
        }
        Ok(program)
    }

    /// Stores a finding, and shrinks its program if its title is new.
    fn found(&mut self, execute: Execute<'_>, program: &Program, ran: Ran) -> std::io::Result<()> {
        let Some(wrong) = ran.wrong else { return Ok(()) };
        if !self.found.insert(wrong.key.clone()) {
            return Ok(());
        }
        let full = self.execute(execute, program, Checks::ALL)?;
        // What does not happen again keeps its first report.
        let report = full
            .wrong
            .as_ref()
            .filter(|full| full.key == wrong.key)
            .unwrap_or(&wrong)
            .report
            .clone();
        let (folder, new) =
            finding::store(&self.options.dir, &report, &full.log, &program.to_string())?;
        if !new {
            return Ok(());
        }
        eprintln!("seqfuzz: found: {}", finding::title(&report));
        if self.history.is_some() {
            finding::keep_history(&folder, &history::path(&self.options.dir, self.options.job))?;
        }
        let checks = Checks { stack: false, ..Checks::ALL };
        let still = |programs: &[Program]| {
            programs
                .iter()
                .map(|program| {
                    let again = self
                        .execute(execute, program, checks)
                        .map_err(|error| error.to_string())?;
                    Ok(again.wrong.is_some_and(|again| again.key == wrong.key))
                })
                .collect()
        };
        let shrunk = minimise_by(std::slice::from_ref(program), still, |_, _| {});
        let Ok(Some(shrunk)) = shrunk.map(|mut all| all.pop()) else { return Ok(()) };
        let full = self.execute(execute, &shrunk, Checks::ALL)?;
        match full.wrong {
            Some(again) if again.key == wrong.key => {
                finding::shrink(&folder, &shrunk, &again.report, &full.log)
            }
            // Another process, or machine, may show it again.
            _ => fs::write(folder.join("once"), ""),
        }
    }
}
