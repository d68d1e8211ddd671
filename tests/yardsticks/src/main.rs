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
use std::path::Path;
use std::process::ExitCode;

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
    /// Program that runs a command under a kernel, with the options of tests/oracle/run
    #[arg(long, env = "ORACLE", default_value = "tests/oracle/run")]
    oracle: String,
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
        let oracle = Oracle::new(&args.oracle);
        good &= kernels::through_cuse(&oracle, &builds)?;
        for kernel in &args.kernels {
            good &= kernels::everything(kernel, &oracle, &builds, args.record)?;
        }
        for kernel in &args.ump_kernels {
            good &= kernels::with_ump(kernel, &oracle, &builds, args.record)?;
        }
        for kernel in &args.card_kernels {
            good &= kernels::card(kernel, &oracle, &builds, args.record)?;
        }
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
