//! Runs the conformance suite on several yardsticks and compares: Linux 6.1, 6.12 and 7.3 in virtual machines, the last
//! two also with UMP, and aseqd, through each of its doors, in a container, and through devices of CUSE in a virtual
//! machine.
//!
//! `scripts/conformance` starts it from the root of the repository.

mod builds;
mod doors;
mod kernels;
mod oracle;
mod results;

use builds::Builds;
use clap::Parser;
use oracle::Oracle;
use results::Results;
use std::error::Error;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What every part of the program returns: an error ends the whole.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The folder of the suite: its `known` failures by door, and what `kernels` did.
const SUITE: &str = "tests/conformance";

/// Runs the conformance suite on aseqd, and on the kernels for which there is a virtual machine
///
/// An empty list of doors or kernels leaves these out. ASEQD_ORACLE=no leaves out all virtual machines.
#[derive(Debug, Parser)]
#[command(name = "scripts/conformance")]
struct Args {
    /// Run it on aseqd only
    #[arg(long)]
    us: bool,
    /// Write the kernels' results to tests/conformance/kernels
    #[arg(long, conflicts_with = "us")]
    record: bool,
    /// Print a line a case: 6.1, 6.12, 7.3, aseqd
    #[arg(long, conflicts_with_all = ["us", "record"])]
    table: bool,
    /// Doors of aseqd
    #[arg(
        long,
        env = "DOORS",
        value_delimiter = ' ',
        default_value = "fuse handover preload trap"
    )]
    doors: Vec<String>,
    /// Whether aseqd has UMP: off, on, or both one after the other
    #[arg(long, env = "UMP", value_delimiter = ' ', default_value = "off on")]
    ump: Vec<String>,
    /// Kernels that are asked about everything
    #[arg(long, env = "KERNELS", value_delimiter = ' ', default_value = "6.1 6.12 7.3")]
    kernels: Vec<String>,
    /// Kernels with UMP and user-driven timers, which Debian leaves out: their records have what differs from the kernel
    /// without them
    #[arg(long, env = "UMP_KERNELS", value_delimiter = ' ', default_value = "6.12-ump 7.3-ump")]
    ump_kernels: Vec<String>,
    /// Kernels that are given a card, and asked about it
    #[arg(long, env = "CARD_KERNELS", value_delimiter = ' ', default_value = "6.12")]
    card_kernels: Vec<String>,
    /// Virtual machines at a time [default: one for each processor]. Each takes one processor and up to 1.5 GB
    #[arg(long, env = "MACHINES", default_value_t = processors(), hide_default_value = true)]
    machines: NonZeroUsize,
    /// Program that runs a command under a kernel, with the options of tests/oracle/run
    #[arg(long, env = "ORACLE", default_value = "tests/oracle/run")]
    oracle: String,
}

/// Returns the number of processors that this program may use.
fn processors() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn main() -> ExitCode {
    let mut args = Args::parse();
    for list in [
        &mut args.doors,
        &mut args.ump,
        &mut args.kernels,
        &mut args.ump_kernels,
        &mut args.card_kernels,
    ] {
        list.retain(|name| !name.is_empty());
    }
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("scripts/conformance: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether everything was as it must be.
fn run(args: &Args) -> Result<bool> {
    let work = tempfile::tempdir()?;
    let builds = Builds::make(work.path())?;
    let cases = builds.cases()?;
    let mut good = true;

    let mut ours = Vec::new();
    for door in &args.doors {
        for ump in &args.ump {
            let (results, as_wanted) = doors::through(door, ump, &builds)?;
            good &= as_wanted;
            ours.extend(results.map(|results| (format!("door {door}, UMP {ump}"), results)));
        }
    }
    good &= doors::in_a_container(&builds)?;
    good &= doors::by_default(&builds)?;

    if !args.us && !args.table {
        good &= machines(args, &builds)?;
    }

    // Every case must be in the record of a kernel that it claims.
    for kernel in &args.kernels {
        let problems = recorded(kernel)?.strangers(&cases);
        for problem in &problems {
            eprintln!("scripts/conformance: Linux {kernel}: {problem}");
        }
        good &= problems.is_empty();
    }
    if args.table {
        let kernels = results::COLUMNS.map(recorded);
        let [oldest, reference, newest] = kernels;
        let kernels = [oldest?, reference?, newest?];
        let (_, aseqd) = ours.first().ok_or("aseqd could not be asked")?;
        print!("{}", results::table(&kernels, aseqd));
    }
    for (how, results) in &ours {
        println!("aseqd, {how}: {}", results.sum());
    }
    Ok(good)
}

/// Asks all virtual machines, some of them at a time. Returns whether everything was as it must be.
fn machines(args: &Args, builds: &Builds) -> Result<bool> {
    let oracle = &Oracle::new(&args.oracle);
    let record = args.record;
    // Those that take longest are the first.
    let mut jobs: Vec<Job<'_>> = vec![Box::new(|| kernels::through_cuse(oracle, builds))];
    for kernel in &args.kernels {
        jobs.push(Box::new(move || kernels::everything(kernel, oracle, builds, record)));
    }
    // Their records are compared with those of the kernels without UMP.
    let mut later: Vec<Job<'_>> = Vec::new();
    for kernel in &args.ump_kernels {
        later.push(Box::new(move || kernels::with_ump(kernel, oracle, builds, record)));
    }
    for kernel in &args.card_kernels {
        later.push(Box::new(move || kernels::card(kernel, oracle, builds, record)));
    }
    if !record {
        jobs.append(&mut later);
    }
    let most = args.machines.get();
    Ok(side_by_side(most, &jobs)? & side_by_side(most, &later)?)
}

/// One of several things to do, which returns whether all was as it must be.
type Job<'a> = Box<dyn Fn() -> Result<bool> + Sync + 'a>;

/// Does everything, a number of things at a time. Returns whether all was as it must be.
fn side_by_side(most: usize, jobs: &[Job<'_>]) -> Result<bool> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut good = true;
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            // An error cannot go from thread to thread; its text can.
            good &= job().map_err(|error| error.to_string())?;
        }
        Ok::<_, String>(good)
    };
    let ends = thread::scope(|scope| {
        let workers: Vec<_> = (0..most).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut good = true;
    for end in ends {
        good &= end.map_err(|_| "a thread has panicked")??;
    }
    Ok(good)
}

/// Reads what a kernel did.
fn recorded(kernel: &str) -> Result<Results> {
    let path = Path::new(SUITE).join("kernels").join(format!("{kernel}.txt"));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Results::from_plain(&text).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Compares what a kernel did with the record of it, or makes it the record. Returns whether it is as recorded.
fn compare(name: &str, results: &Results, record: bool) -> Result<bool> {
    if record {
        fs::write(
            Path::new(SUITE).join("kernels").join(format!("{name}.txt")),
            results.to_plain(),
        )?;
        return Ok(true);
    }
    let recorded = recorded(name)?;
    let differences = recorded.differences(results);
    if differences.is_empty() {
        return Ok(true);
    }
    print!("{}", differences.join(""));
    eprintln!(
        "scripts/conformance: {SUITE}/kernels/{name}.txt is not what the kernel did: look, then --record"
    );
    if recorded.kernel != results.kernel {
        eprintln!("the record is of {}; this was {}", recorded.kernel, results.kernel);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_machine_is_told_and_the_others_are_asked() {
        let asked = AtomicUsize::new(0);
        let job = |good: bool| -> Job<'_> {
            let asked = &asked;
            Box::new(move || {
                asked.fetch_add(1, Ordering::Relaxed);
                Ok(good)
            })
        };
        let jobs: Vec<_> = (0..9).map(|at| job(at != 4)).collect();
        for most in [1, 2, 20] {
            asked.store(0, Ordering::Relaxed);
            assert!(!side_by_side(most, &jobs).expect("no error"), "{most} at a time");
            assert_eq!(asked.load(Ordering::Relaxed), 9, "{most} at a time");
        }
        let failing: [Job<'_>; 2] = [job(true), Box::new(|| Err("no room".into()))];
        assert_eq!(side_by_side(2, &failing).expect_err("an error").to_string(), "no room");
        assert!(side_by_side(2, &[]).expect("nothing to do"));
    }
}
