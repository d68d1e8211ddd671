//! The commands `fuzz`, `status` and `repro`.

use crate::cli::{FuzzArgs, VmArgs, WorkerArgs};
use seqfuzz::cover;
use seqfuzz::fuzz::errnos::Answers;
use seqfuzz::fuzz::{self, Boot, Machine, Side, Status, Suite};
use seqfuzz::repro::{self, Options, Verdict};
use seqfuzz::{Kind, Profile, oracle};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// How long it may take to shrink a finding that a process does not survive.
const SHRINK: Duration = Duration::from_secs(300);

/// Maximum time for one boot of a campaign that compares answers.
const BOOT: u32 = 1200;

pub(crate) fn fuzz(args: &FuzzArgs) -> Result<ExitCode, String> {
    if let Some(kernel) = &args.transcripts {
        return transcripts(args, kernel);
    }
    let side = match &args.under {
        Some(command) => Side::Under(command.split_whitespace().map(str::to_owned).collect()),
        None if args.session => Side::Session,
        None if args.device => Side::Device,
        None => Side::Engine,
    };
    if side == Side::Engine && cover::edges() == 0 {
        eprintln!(
            "seqfuzz: this build counts no edges, so only new answers guide it: scripts/seqfuzz makes one that does"
        );
    }
    if side == Side::Device
        && let Err(error) = fs::File::open("/dev/kmsg")
    {
        eprintln!("seqfuzz: reports of the kernel are not seen: /dev/kmsg cannot be read: {error}");
    }
    let dir = fuzz::folder(&args.dir)?;
    let options = fuzz::Options {
        dir,
        side,
        jobs: args.jobs,
        time: args.time,
        seed: args.seed,
        shrink: SHRINK,
        rude: args.rude,
    };
    let (status, new) = campaign(&options, &args.allow)?;
    let less = match &args.baseline {
        Some(file) => is_less(&status, file)?,
        None => false,
    };
    Ok(if new || less { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Compares a kernel's answers with the engine's.
fn transcripts(args: &FuzzArgs, kernel: &str) -> Result<ExitCode, String> {
    let linux = oracle::Side::Oracle {
        run: oracle_script(args.oracle.clone())?,
        kernel: kernel.to_owned(),
        binary: static_program(args.binary.as_deref())?,
        timeout: BOOT,
    };
    let dir = fuzz::folder(&args.dir)?;
    let known = titles(&dir);
    let status = fuzz::transcripts(&fuzz::Transcripts {
        dir,
        linux,
        ump: kernel.ends_with("-ump"),
        batch: args.batch,
        time: args.time,
        seed: args.seed,
        shrink: SHRINK,
    })?;
    println!("{}", status.line());
    Ok(if tell_new(&status, &known, &args.allow) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Returns this program as it can run in a machine.
fn static_program(given: Option<&Path>) -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| format!("my own file: {error}"))?;
    let binary = match given {
        Some(binary) => binary.to_owned(),
        None if fuzz::is_static(&own) => own,
        None => {
            return Err("the machine needs this program linked statically: run `scripts/seqfuzz vm`, or name one with \
                 --binary"
                .into());
        }
    };
    if !fuzz::is_static(&binary) {
        return Err(format!("{} is no program that is linked statically", binary.display()));
    }
    absolute(&binary)
}

/// Returns the titles of what a folder has found so far.
fn titles(dir: &Path) -> Vec<String> {
    fuzz::finding::all(dir).into_iter().map(|known| known.title).collect()
}

/// Prints what is new. Returns whether any of it has a title that does not begin with one of `allowed`.
fn tell_new(status: &Status, known: &[String], allowed: &[String]) -> bool {
    let findings = status.findings.iter();
    let new: Vec<_> = findings.filter(|found| !known.contains(&found.title)).collect();
    for finding in &new {
        println!("{} ({} calls): {}", finding.title, finding.calls.0, finding.folder.display());
    }
    let is_allowed = |title: &str| allowed.iter().any(|start| title.starts_with(start));
    new.iter().any(|finding| !is_allowed(&finding.title))
}

/// Runs one process of a campaign.
pub(crate) fn worker(args: WorkerArgs) -> Result<ExitCode, String> {
    let target = match (args.session, args.device) {
        (true, _) => fuzz::Target::Session,
        (false, true) => fuzz::Target::Device,
        (false, false) => fuzz::Target::Engine,
    };
    let WorkerArgs { job, seed, ours, kernel_log, sync, rude, replay, time, dir, .. } = args;
    let options =
        fuzz::WorkerOptions { dir, job, target, time, seed, ours, kernel_log, sync, rude, replay };
    fuzz::work(&options).map(|()| ExitCode::SUCCESS)
}

/// Runs a campaign, and prints its end. Returns whether anything was found that was not there before, and whose title does
/// not begin with one of `allowed`.
fn campaign(options: &fuzz::Options, allowed: &[String]) -> Result<(Status, bool), String> {
    let known = titles(&options.dir);
    let status = fuzz::campaign(options)?;
    println!("{}", status.line());
    let found = tell_new(&status, &known, allowed);
    Ok((status, found))
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))
}

/// Returns the script that boots kernels that have a name.
fn oracle_script(given: Option<PathBuf>) -> Result<PathBuf, String> {
    let here = || repository().map(|sources| sources.join("tests/oracle/run"));
    let run = given.or_else(here).ok_or(
        "tests/oracle/run, which boots this kernel, is not here: run in the sources, or name it with --oracle",
    )?;
    absolute(&run)
}

pub(crate) fn vm(args: &VmArgs) -> Result<ExitCode, String> {
    let binary = static_program(args.binary.as_deref())?;
    let boot = match (&args.kernel, &args.qemu) {
        (_, Some(command)) => Boot::Qemu(command.split_whitespace().map(str::to_owned).collect()),
        (Some(image), None) if image.contains('/') => {
            if args.modules.is_none() && !args.module.is_empty() {
                return Err("--module needs the folder of the image's modules: --modules".into());
            }
            let modules = args.modules.as_deref().map(absolute).transpose()?;
            Boot::Kernel { image: absolute(Path::new(image))?, modules, accel: args.accel.clone() }
        }
        (Some(kernel), None) if args.modules.is_some() => {
            return Err(format!(
                "{kernel} brings its own modules: --modules is for the path of an image"
            ));
        }
        (kernel, None) => {
            let run = oracle_script(args.oracle.clone())?;
            Boot::Oracle { run, kernel: kernel.clone().unwrap_or_default() }
        }
    };
    let machine = Machine {
        boot,
        binary,
        cpus: args.cpus,
        append: args.append.clone(),
        modules: args.module.clone(),
    };
    let options = fuzz::Options {
        dir: fuzz::folder(&args.dir)?,
        side: Side::Machine(machine),
        jobs: args.jobs,
        time: args.time,
        seed: args.seed,
        shrink: args.shrink,
        rude: args.rude,
    };
    let (_, new) = campaign(&options, &[])?;
    Ok(if new { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Returns whether less is covered than a file says, and prints which files are.
fn is_less(status: &Status, file: &Path) -> Result<bool, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let wrong = |line: &str| format!("{}: no coverage: {line}", file.display());
    let mut less = false;
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let mut words = line.split(' ');
        let (Some(name), Some(taken), Some(all)) = (words.next(), words.next(), words.next())
        else {
            return Err(wrong(line));
        };
        let number = |word: &str| word.parse::<usize>().map_err(|_| wrong(line));
        let (then, then_all) = (number(taken)?, number(all)?);
        let (now, now_all) = match name {
            "all" => status.edges(),
            file => status.files.get(file).copied().unwrap_or((0, 0)),
        };
        // Shares are compared: the number of edges changes with the engine and the compiler.
        if now * then_all < then * now_all || (name == "all" && now_all == 0) {
            println!("{name}: {now} of {now_all} edges, {then} of {then_all} before");
            less |= name == "all";
        }
    }
    Ok(less)
}

pub(crate) fn status(dir: &Path, coverage: bool) -> Result<ExitCode, String> {
    let mut status = fuzz::status(dir)?;
    if coverage {
        crate::print(&fuzz::baseline(&status))?;
        return Ok(ExitCode::SUCCESS);
    }
    status.errnos = Some(Answers::of_corpus(dir));
    crate::print(&format!("{}\n", status.line()))?;
    for finding in &status.findings {
        let (calls, first) = finding.calls;
        crate::print(&format!(
            "{}\n    {} times, {calls} calls (of {first}): {}\n",
            finding.title,
            finding.count,
            finding.folder.display()
        ))?;
        if let Some(said) = &finding.again {
            crate::print(&format!("    {said}\n"))?;
        }
    }
    let page = dir.join("index.html");
    fs::write(&page, fuzz::page(&status))
        .map_err(|error| format!("{}: {error}", page.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the folder of the sources at or above the current one.
fn repository() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let has_rig = |folder: &&Path| folder.join("crates/engine/tests/rig/mod.rs").is_file();
    here.ancestors().find(has_rig).map(Path::to_path_buf)
}

pub(crate) fn repro(
    finding: &Path,
    under: Option<&str>,
    kernel: Option<String>,
    run: Option<PathBuf>,
    given: Option<PathBuf>,
) -> Result<ExitCode, String> {
    let under = under.map(|command| command.split_whitespace().map(str::to_owned).collect());
    let kernel = match kernel {
        Some(kernel) => Some((oracle_script(run)?, kernel)),
        None => None,
    };
    let options = Options { under, kernel, repository: given.or_else(repository) };
    let mut all = true;
    for made in repro::reproduce(finding, &options)? {
        let said = match &made.verdict {
            Verdict::Reproduces => "reproduces".to_owned(),
            Verdict::Differs(why) => format!("does not reproduce: {why}"),
            Verdict::NotRun(why) => format!("not run: {why}"),
        };
        all &= !matches!(made.verdict, Verdict::Differs(_));
        println!("{}: {}: {said}", made.kind, made.file.display());
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(crate) fn distil(dir: &Path) -> Result<ExitCode, String> {
    let programs = fuzz::distil(dir)?;
    let text: String = programs.iter().map(ToString::to_string).collect();
    crate::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The programs from seeds whose answers on Linux are recorded in `kernels`: the profile, and how many.
const RECORDED: [(Profile, u64); 3] =
    [(Profile::Sequencer, 5000), (Profile::Timer, 2300), (Profile::Ump, 3000)];

pub(crate) fn reach(
    dir: &Path,
    programs: &[PathBuf],
    recordings: &[PathBuf],
    seeds: bool,
    answers: Option<&Path>,
) -> Result<ExitCode, String> {
    let mut suite = Suite::new()?;
    let mut by_program: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for folder in programs {
        for file in files(folder)? {
            let text = fs::read_to_string(&file);
            let text = text.map_err(|error| format!("{}: {error}", file.display()))?;
            let program = text.lines().next().unwrap_or_default().to_owned();
            by_program.entry(program).or_default().push(file);
        }
    }
    for dumps in by_program.values() {
        let dumps: Vec<&Path> = dumps.iter().map(PathBuf::as_path).collect();
        suite.add_program(&dumps)?;
    }
    for folder in recordings {
        files(folder)?.iter().try_for_each(|file| suite.add_recording(file))?;
    }
    for (profile, count) in RECORDED.into_iter().filter(|_| seeds) {
        let kind = Kind { size: 24, common: false, legacy: false, profile };
        (0..count).for_each(|seed| suite.add(&kind.program(seed)));
    }
    suite.write(dir)?;
    if let Some(file) = answers {
        fs::write(file, suite.answers().text())
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    crate::print(&suite.compare(dir)?.text())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the files of a folder, by name; a file alone is itself.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let files = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    files.sort();
    Ok(files)
}
