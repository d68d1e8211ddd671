//! Compares what Linux answers to the programs of a corpus, and to changed ones, with the engine in this process.
//!
//! Programs run in a virtual machine, many in one boot. Time is real there, so a program is cut before the first call that
//! lets a queue or a timer run.

use super::beside::{self, Comparable};
use super::corpus::Corpus;
use super::stats::{Job, Status, status};
use super::{finding, mutate, report};
use crate::concurrent;
use crate::device::Abilities;
use crate::diff::side_by_side;
use crate::minimise::minimise_by;
use crate::oracle::{Generation, Side};
use crate::program::{Operation, Program};
use crate::rng::Rng;
use crate::transcript::Transcript;
use crate::versions::explain;
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Fewest calls of a program that is worth a place in a boot.
const FEWEST: usize = 3;
/// How many changed programs are tried for one that can be compared, before the corpus is taken for useless.
const TRIES: usize = 2000;

/// What is compared, and for how long.
#[derive(Clone, Debug)]
pub struct Transcripts {
    /// The folder of the campaign, with its corpus.
    pub dir: PathBuf,
    /// The Linux that runs the programs.
    pub linux: Side,
    /// Whether that kernel has UMP and user-driven timers.
    pub ump: bool,
    /// How many programs run in one boot.
    pub batch: usize,
    /// How long; only the corpus, once, if it is left out.
    pub time: Option<Duration>,
    /// The seed of the random numbers.
    pub seed: u64,
    /// How long findings are shrunk.
    pub shrink: Duration,
}

/// A program on which the two differ.
struct Differing {
    program: Program,
    /// The call.
    at: usize,
    sides: [Transcript; 2],
}

/// Runs the corpus of a folder on Linux and on the engine, then programs that are made of it, until the time is over. What
/// differs for no known reason, twice, is a finding.
///
/// # Errors
/// A message for people if the folder has no programs for this kernel, or if the machine does not run.
pub fn transcripts(options: &Transcripts) -> Result<Status, String> {
    let dir = &options.dir;
    let wrong = |error: std::io::Error| format!("{}: {error}", dir.display());
    let began = Instant::now();
    let jobs = dir.join("jobs");
    std::fs::create_dir_all(&jobs).map_err(wrong)?;
    let stats = jobs.join("0.stats");
    let mut job = Job::at(&stats);
    let before = job.millis;
    let mut corpus = Corpus::open(&dir.join("corpus")).map_err(wrong)?;
    let mut seen = HashSet::new();
    let mut waiting: Vec<Program> = Vec::new();
    for program in corpus.read_new() {
        let part = part(&program, options.ump);
        waiting.extend(part.filter(|part| seen.insert(part.to_string())));
        corpus.keep(program);
    }
    if waiting.is_empty() {
        let kind = if options.ump { "a program for UMP" } else { "a program without UMP" };
        return Err(format!(
            "{}: the corpus does not have {kind} that can be compared with Linux; copy \
             tests/seqfuzz/corpus/seeds.txt there",
            dir.join("corpus").display()
        ));
    }
    let mut rng = Rng::new(options.seed);
    let is_over = || options.time.is_some_and(|time| began.elapsed() >= time);
    loop {
        let count = waiting.len().min(options.batch.max(1));
        let batch: Vec<Program> = waiting.drain(..count).collect();
        job.programs += batch.len() as u64;
        for found in differing(options, &batch)? {
            store(options, &found)?;
        }
        job.millis = before + u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        job.write(&stats);
        eprintln!(
            "seqfuzz: {} programs on {} in {} s, {} findings",
            job.programs,
            options.linux.name(),
            began.elapsed().as_secs(),
            finding::all(dir).len()
        );
        if is_over() || (options.time.is_none() && waiting.is_empty()) {
            return status(dir);
        }
        let mut tries = 0;
        while waiting.len() < options.batch && tries < TRIES && options.time.is_some() {
            tries += 1;
            let [from, other] = [(); 2].map(|()| corpus.pick(&mut rng).cloned());
            let mut changed = mutate::mutate(&mut rng, from.as_ref(), other.as_ref());
            changed.ump = options.ump;
            mutate::look_around(&mut changed);
            let part = part(&changed, options.ump);
            waiting.extend(part.filter(|part| seen.insert(part.to_string())));
        }
    }
}

/// Returns the start of a program that can be compared with a kernel, if it is worth it.
fn part(program: &Program, ump: bool) -> Option<Program> {
    let plain = program.settings == crate::program::Settings::default()
        && program.ump == ump
        && !concurrent::is_concurrent(program);
    let Comparable { end, .. } = plain.then(|| beside::comparable(program, Abilities::all(ump)))?;
    let mut part = program.clone();
    let inside = |operation| {
        matches!(
            operation,
            Operation::OpenKernel
                | Operation::OpenControl
                | Operation::BecomeUserTimer
                | Operation::Thread
                | Operation::Blocking
        )
    };
    let end = part.calls[..end].iter().position(|call| inside(call.operation)).unwrap_or(end);
    part.calls.truncate(end);
    (part.calls.len() >= FEWEST).then_some(part)
}

/// Returns the programs that differ, and do so again.
fn differing(options: &Transcripts, programs: &[Program]) -> Result<Vec<Differing>, String> {
    let mut suspects: Vec<Differing> = Vec::new();
    for round in 0..2 {
        let again: Vec<Program> = suspects.iter().map(|one| one.program.clone()).collect();
        let programs = if round == 0 { programs } else { &again[..] };
        if programs.is_empty() {
            break;
        }
        let here = Side::Engine.transcripts(programs)?;
        let there = options.linux.transcripts(programs)?;
        let sides = there.into_iter().zip(here);
        suspects = programs
            .iter()
            .zip(sides)
            .filter_map(|(program, (there, here))| {
                let at = unexplained(&options.linux, program, &there, &here)?;
                Some(Differing { program: program.clone(), at, sides: [there, here] })
            })
            .collect();
    }
    Ok(suspects)
}

/// Returns the first call that Linux and the engine answer differently for no known reason.
fn unexplained(
    linux: &Side,
    program: &Program,
    there: &Transcript,
    here: &Transcript,
) -> Option<usize> {
    match linux.generation() {
        Generation::Oldest => explain(program, there, here, |known| known.followed).err(),
        Generation::Older => {
            explain(program, there, here, |known| known.followed && !known.old).err()
        }
        _ => explain(program, here, there, |known| !known.followed).err(),
    }
}

fn key(found: &Differing) -> String {
    let name = match found.program.calls[found.at].operation {
        Operation::Request(name) => name,
        operation => operation.name(),
    };
    format!("linux_other_answer_of_{name}")
}

fn told(options: &Transcripts, found: &Differing) -> (String, String) {
    let call = &found.program.calls[found.at];
    let name = options.linux.name();
    let [there, here] = [0, 1].map(|side| &found.sides[side].results[found.at]);
    let text = format!("{call}\n{name} answers {there}\nthe engine answers {here}");
    let [left, right] = &found.sides;
    let log = side_by_side(&found.program, [&name, "engine"], [left, right]);
    (report::check(&key(found), &text), log)
}

/// Stores a finding, and shrinks its program if its title is new.
fn store(options: &Transcripts, found: &Differing) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", options.dir.display());
    let (report, log) = told(options, found);
    let stored = finding::store(&options.dir, &report, &log, &found.program.to_string());
    let (folder, new) = stored.map_err(wrong)?;
    if !new {
        return Ok(());
    }
    eprintln!("seqfuzz: found: {}", finding::title(&report));
    let (began, key) = (Instant::now(), key(found));
    let still = |programs: &[Program]| {
        if began.elapsed() > options.shrink {
            return Ok(vec![false; programs.len()]);
        }
        let here = Side::Engine.transcripts(programs)?;
        let there = options.linux.transcripts(programs)?;
        let same = programs.iter().zip(there.into_iter().zip(here)).map(|(program, sides)| {
            let (there, here) = sides;
            let at = unexplained(&options.linux, program, &there, &here);
            at.is_some_and(|at| {
                let one = Differing { program: program.clone(), at, sides: [there, here] };
                self::key(&one) == key
            })
        });
        Ok(same.collect())
    };
    let start = std::slice::from_ref(&found.program);
    let Some(shrunk) = minimise_by(start, still, |_, _| {})?.pop() else { return Ok(()) };
    if let Some(last) = differing(options, std::slice::from_ref(&shrunk))?.pop() {
        let (report, log) = told(options, &last);
        finding::shrink(&folder, &shrunk, &report, &log).map_err(wrong)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::EngineDevice;
    use crate::parse;
    use crate::transcript::transcript;

    #[test]
    fn a_program_is_compared_up_to_the_call_that_lets_time_matter() {
        let calls = |text: &str, ump| {
            let program = parse(text).expect("a program");
            part(&program, ump).map(|part| part.calls.len())
        };
        let start = "c0.open\nc0.create_queue as=q0\nc0.get_queue_info queue=q0\n";
        assert_eq!(calls(&format!("mode still\n{start}c0.poll\n"), false), Some(4));
        assert_eq!(calls(&format!("mode still ump\n{start}c0.poll\n"), false), None);
        assert_eq!(calls(&format!("mode still ump\n{start}c0.poll\n"), true), Some(4));
        assert_eq!(calls(&format!("mode still hz=100\n{start}"), false), None);
        assert_eq!(calls(&format!("mode still\n{start}c0.poll async=1\n"), false), None);
        for last in
            ["c0.write [ type=30 control=q0]", "c0.sleep ms=1", "k0.open_control", "c0.read len=0"]
        {
            assert_eq!(
                calls(&format!("mode still\n{start}{last}\nc0.poll\n"), false),
                Some(3),
                "{last}"
            );
        }
        assert_eq!(calls("mode still\nc0.open\nc0.poll\n", false), None);
    }

    /// A Linux that forgets names.
    fn forgetful(program: &Program) -> Transcript {
        let mut told = transcript(&mut EngineDevice::of(program), program);
        for result in &mut told.results {
            *result = result.replace(" name=\"Queue-q0\"", "");
        }
        told
    }

    #[test]
    fn another_answer_is_a_finding_with_a_title_and_is_shrunk() {
        let dir = std::env::temp_dir().join(format!("seqfuzz-transcripts-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("corpus")).expect("a folder");
        let options = |linux| Transcripts {
            dir: dir.clone(),
            linux,
            ump: false,
            batch: 10,
            time: None,
            seed: 1,
            shrink: Duration::from_secs(60),
        };
        let empty = transcripts(&options(Side::Custom(forgetful))).expect_err("an empty corpus");
        assert!(empty.contains("seeds.txt"), "{empty}");
        let program =
            "mode still\nc0.open\nc0.poll\nc0.client_id\nc0.create_queue as=q0\nc0.poll\n";
        std::fs::write(dir.join("corpus/one"), program).expect("written");
        let done = transcripts(&options(Side::Engine)).expect("it runs");
        assert_eq!((done.programs, done.findings.len()), (1, 0));
        let done = transcripts(&options(Side::Custom(forgetful))).expect("it runs");
        let [found] = &done.findings[..] else { panic!("{:?}", done.findings) };
        assert_eq!(found.title, "WARNING in linux_other_answer_of_create_queue");
        assert_eq!((found.calls, found.count), ((2, 5), 1));
        let _gone = std::fs::remove_dir_all(&dir);
    }
}
