//! The commands of `seqfuzz`.

mod cli;
mod fuzzing;
mod programs;
mod speed;

use clap::Parser;
use cli::{Cli, Cmd, Sides, Syntax, TranscriptArgs, Which};
use seqfuzz::concurrent::device::{Devices, Moment};
use seqfuzz::concurrent::session::World;
use seqfuzz::concurrent::{self, Plan};
use seqfuzz::diff::side_by_side;
use seqfuzz::fuzz;
use seqfuzz::memory::Counting;
use seqfuzz::oracle::{Generation, Side, write_results};
use seqfuzz::versions::{DIFFERENCES, explain};
use seqfuzz::{EngineDevice, Program, RealDevice, Transcript, recording, syz, tape_of, transcript};
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// How often a seed is run again before it counts as different. If a virtual machine does not get the processor for some
/// milliseconds, a running queue does two things at once.
const RETRIES: usize = 3;

/// Findings about memory need to know how much is in use.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    // The kernel gives its first process all words of its command line that it does not know.
    let is_init = std::process::id() == 1
        && std::env::current_exe().is_ok_and(|own| own == Path::new("/init"));
    let command = if is_init { Cmd::Guest } else { Cli::parse().command };
    let result = match command {
        Cmd::Transcript(args) => transcripts(&args),
        Cmd::Show { seed, which, program, device } => show(seed, which, program, device),
        Cmd::Run { file, engine, session, results } => run(&file, engine, session, results),
        Cmd::Describe => {
            print(&aseqd_describe::syzlang::descriptions()).map(|()| ExitCode::SUCCESS)
        }
        Cmd::Convert { file, to } => convert(&file, to),
        Cmd::Fuzz(args) => fuzzing::fuzz(&args),
        Cmd::FuzzWorker(args) => fuzzing::worker(args),
        Cmd::Vm(args) => fuzzing::vm(&args),
        Cmd::Guest => fuzz::guest().map(|status| ExitCode::from(u8::try_from(status).unwrap_or(1))),
        Cmd::Speed { on, at_once, time } => speed::speed(on, at_once, time),
        Cmd::Edges { dirs, bytes } => speed::edges(&dirs, bytes),
        Cmd::FuzzHand => concurrent::hand::work().map(|()| ExitCode::SUCCESS),
        Cmd::Repro { finding, under, kernel, oracle, repository } => {
            fuzzing::repro(&finding, under.as_deref(), kernel, oracle, repository)
        }
        Cmd::Distil { dir } => fuzzing::distil(&dir),
        Cmd::Reach { dir, programs, recordings, seeds, answers } => {
            fuzzing::reach(&dir, &programs, &recordings, seeds, answers.as_deref())
        }
        Cmd::Import { files } => import(&files),
        Cmd::Status { dir, coverage } => fuzzing::status(&dir, coverage),
        Cmd::Compare { seeds, which, sides, boot, known, save, save_changes } => {
            let save = Save { hashes: save.as_deref(), changes: save_changes.as_deref() };
            compare(&seeds, which, &sides, boot, known.as_deref(), save)
        }
        Cmd::Minimise { seeds, which, sides, whole } => minimise(&seeds, which, &sides, whole),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("seqfuzz: {error}");
            ExitCode::from(2)
        }
    }
}

/// A fresh engine, or the device.
struct Target(Option<RealDevice>);

impl Target {
    fn new(engine: bool) -> Result<Self, String> {
        if engine { Ok(Self(None)) } else { RealDevice::new().map(|device| Self(Some(device))) }
    }

    fn run(&mut self, program: &Program) -> Transcript {
        match &mut self.0 {
            Some(device) => transcript(device, program),
            None => transcript(&mut EngineDevice::of(program), program),
        }
    }
}

fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| format!("standard output: {error}"))
}

fn transcripts(args: &TranscriptArgs) -> Result<ExitCode, String> {
    let mut target = Target::new(args.engine)?;
    for seed in args.seeds.clone() {
        let program = args.which.program(seed);
        let transcript = target.run(&program);
        if args.hash {
            print(&format!("{seed} {:016x}\n", transcript.hash()))?;
        } else {
            print(&format!("# seed {seed}\n{}\n", transcript.with_calls(&program)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(seed: u64, which: Which, program_only: bool, device: bool) -> Result<ExitCode, String> {
    let program = which.program(seed);
    if program_only {
        print(&program.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    let transcript = Target::new(!device)?.run(&program);
    print(&transcript.with_calls(&program))?;
    Ok(ExitCode::SUCCESS)
}

fn run(file: &Path, engine: bool, session: bool, results: bool) -> Result<ExitCode, String> {
    let programs = programs::load(file)?;
    if session || (!engine && programs.iter().any(concurrent::is_concurrent)) {
        return run_at_once(&programs, session);
    }
    let mut target = Target::new(engine)?;
    for program in &programs {
        let transcript = target.run(program);
        if results {
            print(&write_results(&transcript))?;
        } else {
            print(&format!("{}\n", transcript.with_calls(program)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the programs of recordings.
fn import(files: &[PathBuf]) -> Result<ExitCode, String> {
    for file in files {
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let text = programs::text(file)?;
        let recording = recording::parse(&text).map_err(|error| wrong(&error))?;
        for (program, _) in recording.run() {
            print(&program.to_string())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends this process if a call does not return.
fn is_stuck(moment: Moment<'_>) {
    if let Moment::Stuck(op) = moment {
        eprintln!("seqfuzz: this call does not return, not even after signals: {:?}", op.step);
        std::process::exit(1);
    }
}

/// Runs programs with calls that are made at once, and prints the answers in their order.
fn run_at_once(programs: &[Program], session: bool) -> Result<ExitCode, String> {
    let mut devices = if session { None } else { Some(Devices::new()?) };
    let mut wrong = false;
    for program in programs {
        let plan = Plan::of(program);
        let (history, found) = match &mut devices {
            Some(devices) => devices.run(&plan, None, is_stuck)?,
            None => {
                let ran = World::new(&plan).run(&plan);
                (ran.history, ran.wrong)
            }
        };
        print(&format!("{}\n", concurrent::log(program, &history)))?;
        if let Some(found) = found {
            wrong = true;
            print(&format!("{}: {}\n", found.kind, found.text))?;
        }
    }
    Ok(if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn convert(file: &Path, to: Option<Syntax>) -> Result<ExitCode, String> {
    let text = programs::text(file)?;
    let other = if programs::is_ours(&text) { Syntax::Syz } else { Syntax::Program };
    for program in programs::parse(&text).map_err(|error| format!("{}: {error}", file.display()))? {
        let steps: Vec<_> = tape_of(&program).into_iter().map(|(step, _)| step).collect();
        let to = to.unwrap_or(other);
        if to != Syntax::Program && concurrent::is_concurrent(&program) {
            let form = if to == Syntax::Syz { syz::Form::Ours } else { syz::Form::Own };
            print(&syz::write_plan(&Plan::of(&program), form))?;
            continue;
        }
        print(&match to {
            Syntax::Program => program.to_string(),
            Syntax::Syz => syz::write(&steps, syz::Form::Ours),
            Syntax::SyzOwn => syz::write(&steps, syz::Form::Own),
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

fn linux(sides: &Sides, kernel: &str) -> Result<Side, String> {
    let run = sides.oracle.clone().ok_or("no kernel to compare with: name one with --oracle")?;
    let binary = sides.binary.clone().ok_or(
        "--binary wants a static build: RUSTFLAGS='-C target-feature=+crt-static' cargo build \
         --release -p seqfuzz --target x86_64-unknown-linux-gnu",
    )?;
    for file in [&run, &binary] {
        if !file.is_file() {
            return Err(format!("{} is not there", file.display()));
        }
    }
    Ok(Side::Oracle { run, kernel: kernel.to_owned(), binary, timeout: sides.timeout })
}

fn ours(sides: &Sides) -> Result<Side, String> {
    if let Some(kernel) = &sides.against {
        return linux(sides, kernel);
    }
    let Some(command) = &sides.under else { return Ok(Side::Engine) };
    let command = command.to_str().ok_or("the command is not UTF-8")?;
    let command = command.split_whitespace().map(Into::into).collect();
    let binary = std::env::current_exe().map_err(|error| format!("my own file: {error}"))?;
    Ok(Side::Under { command, binary })
}

/// Returns the hashes of a file of lines `seed hash`, of these seeds.
fn known_hashes(file: &Path, seeds: &Range<u64>) -> Result<Vec<u64>, String> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut hashes = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        let parsed = words.next().zip(words.next()).and_then(|(seed, hash)| {
            Some((seed.parse::<u64>().ok()?, u64::from_str_radix(hash, 16).ok()?))
        });
        let wrong = || format!("{}: not a seed and a hash: {line}", file.display());
        let (seed, hash) = parsed.ok_or_else(wrong)?;
        if seeds.contains(&seed) {
            hashes.push(hash);
        }
    }
    if hashes.len() as u64 == seeds.end - seeds.start {
        Ok(hashes)
    } else {
        Err(format!("{} does not have all these seeds", file.display()))
    }
}

/// Files to write.
struct Save<'a> {
    /// The hashes of Linux.
    hashes: Option<&'a Path>,
    /// Those of the other side where it differs as newer kernels do.
    changes: Option<&'a Path>,
}

/// Seeds on which the two sides differ.
#[derive(Default)]
struct Found {
    /// For no known reason.
    differing: Vec<u64>,
    /// As newer kernels differ from older ones: the hash of our side, and the names of the differences.
    explained: BTreeMap<u64, (u64, Vec<&'static str>)>,
    /// How many agreed when they were run again.
    noisy: usize,
}

fn compare(
    seeds: &Range<u64>,
    which: Which,
    sides: &Sides,
    boot: u64,
    known: Option<&Path>,
    save: Save<'_>,
) -> Result<ExitCode, String> {
    let ours = ours(sides)?;
    let theirs = if known.is_none() { Some(linux(sides, &sides.kernel)?) } else { None };
    let began = Instant::now();
    let mut saved = String::new();
    let mut found = Found::default();
    let mut first = seeds.start;
    while first < seeds.end {
        let end = (first + boot.max(1)).min(seeds.end);
        let mut left = match (&theirs, known) {
            (Some(theirs), _) => theirs.hashes(first..end, which.kind())?,
            (None, Some(known)) => known_hashes(known, &(first..end))?,
            (None, None) => Vec::new(),
        };
        let right = ours.hashes(first..end, which.kind())?;
        let suspects: Vec<u64> = (first..end)
            .zip(left.iter().zip(&right))
            .filter(|(_, (left, right))| left != right)
            .map(|(seed, _)| seed)
            .collect();
        match &theirs {
            Some(theirs) => {
                let changed = again(&suspects, which, [theirs, &ours], &mut found)?;
                for (seed, hash) in changed {
                    if let Ok(index) = usize::try_from(seed - first) {
                        left[index] = hash;
                    }
                }
            }
            None => found.differing.extend(suspects),
        }
        for (seed, hash) in (first..end).zip(&left) {
            saved += &format!("{seed} {hash:016x}\n");
        }
        first = end;
        let Found { differing, explained, noisy } = &found;
        eprintln!(
            "{first}: {} differ, {} for known reasons, {noisy} only at first",
            differing.len(),
            explained.len()
        );
    }
    let changes = found
        .explained
        .iter()
        .map(|(seed, (hash, names))| format!("{seed} {hash:016x} {}\n", names.join(" ")));
    for (file, text) in [(save.hashes, saved), (save.changes, changes.collect())] {
        if let Some(file) = file {
            std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        }
    }
    report(&found, seeds.end - seeds.start, began)
}

/// Runs seeds again that differed, and sorts those that still do. Returns new hashes of the left side.
fn again(
    seeds: &[u64],
    which: Which,
    [left, right]: [&Side; 2],
    found: &mut Found,
) -> Result<Vec<(u64, u64)>, String> {
    let mut changed = Vec::new();
    let mut suspects = seeds.to_vec();
    for round in 0..RETRIES {
        if suspects.is_empty() {
            break;
        }
        let programs: Vec<Program> = suspects.iter().map(|seed| which.program(*seed)).collect();
        let [there, here] = [left.transcripts(&programs)?, right.transcripts(&programs)?];
        let mut still = Vec::new();
        for ((seed, program), (there, here)) in
            suspects.iter().zip(&programs).zip(there.iter().zip(&here))
        {
            if there == here {
                found.noisy += 1;
                changed.push((*seed, there.hash()));
            } else if let Ok(names) = known_difference(program, [left, right], [there, here]) {
                found.explained.insert(*seed, (here.hash(), names));
            } else if round == RETRIES - 1 {
                found.differing.push(*seed);
            } else {
                still.push(*seed);
            }
        }
        suspects = still;
    }
    Ok(changed)
}

/// Returns the known differences between kernels that explain two transcripts.
fn known_difference(
    program: &Program,
    sides: [&Side; 2],
    [left, right]: [&Transcript; 2],
) -> Result<Vec<&'static str>, usize> {
    match sides.map(Side::generation) {
        [Generation::Oldest, Generation::Newest] => explain(program, left, right, |_| true),
        [Generation::Oldest, Generation::Older] => explain(program, left, right, |known| known.old),
        [Generation::Older, Generation::Newest] => {
            explain(program, left, right, |known| !known.old)
        }
        [Generation::Oldest, Generation::Ours] => {
            explain(program, left, right, |known| known.followed)
        }
        [Generation::Older, Generation::Ours] => {
            explain(program, left, right, |known| known.followed && !known.old)
        }
        [Generation::Newest, Generation::Ours] => {
            explain(program, right, left, |known| !known.followed)
        }
        _ => Err(0),
    }
}

fn report(found: &Found, count: u64, began: Instant) -> Result<ExitCode, String> {
    for seed in &found.differing {
        print(&format!("{seed}\n"))?;
    }
    for difference in DIFFERENCES {
        let names = found.explained.values().map(|(_, names)| names);
        let count = names.filter(|names| names.contains(&difference.name)).count();
        if count > 0 {
            eprintln!("{count} x {}: {}, {}", difference.name, difference.what, difference.commits);
        }
    }
    let seconds = began.elapsed().as_secs().max(1);
    let Found { differing, explained, noisy } = found;
    eprintln!(
        "{count} seeds in {seconds} s: {} differ, {} differ for known reasons, {noisy} differed at first and agreed when \
         run again",
        differing.len(),
        explained.len(),
    );
    Ok(if differing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn minimise(seeds: &[u64], which: Which, sides: &Sides, whole: bool) -> Result<ExitCode, String> {
    let (theirs, ours) = (linux(sides, &sides.kernel)?, ours(sides)?);
    let programs: Vec<Program> = seeds.iter().map(|seed| which.program(*seed)).collect();
    let shrunk = if whole {
        programs
    } else {
        seqfuzz::minimise::minimise(&programs, [&theirs, &ours], |round, count| {
            eprintln!("round {round}: {count} candidates");
        })?
    };
    let [left, right] = [theirs.transcripts(&shrunk)?, ours.transcripts(&shrunk)?];
    let names = [theirs.name(), ours.name()];
    for (index, program) in shrunk.iter().enumerate() {
        let agree = if left[index] == right[index] { ": no difference" } else { "" };
        let sides = [&left[index], &right[index]];
        let text = side_by_side(program, [&names[0], &names[1]], sides);
        print(&format!("# seed {}{agree}\nmode {}\n{text}\n", seeds[index], program.mode.name()))?;
    }
    Ok(ExitCode::SUCCESS)
}
