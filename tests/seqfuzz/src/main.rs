//! The commands of `seqfuzz`.

mod cli;

use clap::Parser;
use cli::{Cli, Cmd, Sides, TranscriptArgs, Which};
use seqfuzz::diff::side_by_side;
use seqfuzz::oracle::{Side, write_results};
use seqfuzz::{EngineDevice, Program, RealDevice, Transcript, parse_all, transcript};
use std::io::{Read, Write};
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// How often a seed is run again before it counts as different. If a virtual machine does not get the processor for some
/// milliseconds, a running queue does two things at once.
const RETRIES: usize = 3;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Cmd::Transcript(args) => transcripts(&args),
        Cmd::Show { seed, which, program, device } => show(seed, which, program, device),
        Cmd::Run { file, engine, results } => run(&file, engine, results),
        Cmd::Compare { seeds, which, sides, boot, known, save } => {
            compare(&seeds, which, &sides, boot, known.as_deref(), save.as_deref())
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

fn run(file: &Path, engine: bool, results: bool) -> Result<ExitCode, String> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| format!("{}: {error}", file.display()))?;
    let programs = parse_all(&text).map_err(|error| format!("{}: {error}", file.display()))?;
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

fn linux(sides: &Sides) -> Result<Side, String> {
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
    Ok(Side::Oracle { run, kernel: sides.kernel.clone(), binary, timeout: sides.timeout })
}

fn ours(sides: &Sides) -> Result<Side, String> {
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
        let parsed = line.split_once(' ').and_then(|(seed, hash)| {
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

fn compare(
    seeds: &Range<u64>,
    which: Which,
    sides: &Sides,
    boot: u64,
    known: Option<&Path>,
    save: Option<&Path>,
) -> Result<ExitCode, String> {
    let ours = ours(sides)?;
    let theirs = if known.is_none() { Some(linux(sides)?) } else { None };
    let began = Instant::now();
    let mut saved = String::new();
    let mut differing = Vec::new();
    let mut noisy = 0;
    let mut first = seeds.start;
    while first < seeds.end {
        let end = (first + boot.max(1)).min(seeds.end);
        let mut left = match (&theirs, known) {
            (Some(theirs), _) => theirs.hashes(first..end, which.kind())?,
            (None, Some(known)) => known_hashes(known, &(first..end))?,
            (None, None) => Vec::new(),
        };
        let right = ours.hashes(first..end, which.kind())?;
        let mut suspects: Vec<u64> = (first..end)
            .zip(left.iter().zip(&right))
            .filter(|(_, (left, right))| left != right)
            .map(|(seed, _)| seed)
            .collect();
        for _ in 0..RETRIES {
            if suspects.is_empty() {
                break;
            }
            let programs: Vec<Program> = suspects.iter().map(|seed| which.program(*seed)).collect();
            let again = match &theirs {
                Some(theirs) => theirs.transcripts(&programs)?,
                None => break,
            };
            let here = ours.transcripts(&programs)?;
            let mut still = Vec::new();
            for ((seed, again), here) in suspects.iter().zip(&again).zip(&here) {
                if again == here {
                    noisy += 1;
                    if let Ok(index) = usize::try_from(seed - first) {
                        left[index] = again.hash();
                    }
                } else {
                    still.push(*seed);
                }
            }
            suspects = still;
        }
        for (seed, hash) in (first..end).zip(&left) {
            saved += &format!("{seed} {hash:016x}\n");
        }
        differing.extend(suspects);
        first = end;
        eprintln!("{first}: {} differ, {noisy} only at first", differing.len());
    }
    let count = seeds.end - seeds.start;
    if let Some(save) = save {
        std::fs::write(save, saved).map_err(|error| format!("{}: {error}", save.display()))?;
    }
    for seed in &differing {
        print(&format!("{seed}\n"))?;
    }
    let seconds = began.elapsed().as_secs().max(1);
    eprintln!(
        "{count} seeds in {seconds} s, {} an hour: {} differ, {noisy} differed at first and agreed \
         when run again",
        count * 3600 / seconds,
        differing.len(),
    );
    Ok(if differing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn minimise(seeds: &[u64], which: Which, sides: &Sides, whole: bool) -> Result<ExitCode, String> {
    let (theirs, ours) = (linux(sides)?, ours(sides)?);
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
