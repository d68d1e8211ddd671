//! A conformance suite for the ALSA sequencer and timer.
//!
//! One ordinary program: it opens `/dev/snd/seq` and `/dev/snd/timer` and asserts. Run as it is on a Linux with
//! `snd-seq`, it tests Linux; under `aseqd run --` it tests aseqd. Nothing in a case says which.
//! Every case runs in a process of its own, with a deadline, and touches only clients, ports and
//! queues that it made, so that the suite may run on a desktop's live sequencer.

mod case;
mod cases;
mod client;
mod release;
mod report;
mod runner;
mod sys;
mod timer_client;

use clap::{Parser, ValueEnum};
use std::process::ExitCode;
use std::time::Duration;

/// Checks that /dev/snd/seq and /dev/snd/timer behave as the ALSA sequencer and timer of Linux do.
///
/// Exit status: 0 if every case passed or was skipped with a reason, 1 if one failed, 2 for wrong usage
/// or where there is no sequencer.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Run only cases whose full name (subject::name) contains one of these
    filter: Vec<String>,
    /// List the cases and run none
    #[arg(long)]
    list: bool,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print one JSON object a case (short for --format json)
    #[arg(long)]
    json: bool,
    /// Seconds that one case may take
    #[arg(long, default_value_t = 20)]
    deadline: u64,
    /// The device under test
    #[arg(long, default_value = "/dev/snd/seq", env = "CONFORMANCE_DEVICE")]
    device: String,
    /// The timer device under test; its cases are skipped where it does not exist
    #[arg(long, default_value = "/dev/snd/timer", env = "CONFORMANCE_TIMER")]
    timer: String,
    /// The Linux release whose behaviour is expected; without it, that which aseqd or the running kernel names
    #[arg(long, value_name = "6.12.117")]
    release: Option<release::Release>,
    /// Cases that are known to fail here, one a line: name, space, reason. One that passes is a failure
    #[arg(long)]
    known: Option<std::path::PathBuf>,
    /// Run one case in this process
    #[arg(long, hide = true)]
    exact: Option<String>,
}

/// Forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Failures and a summary
    Text,
    /// Test Anything Protocol 14
    Tap,
    /// One JSON object a case
    Json,
    /// "name result" a line, for the files in kernels/
    Plain,
}

fn main() -> ExitCode {
    let mut args = Args::parse();
    if args.json {
        args.format = Format::Json;
    }
    client::set_device(&args.device);
    timer_client::set_device(&args.timer);
    if let Some(name) = &args.exact {
        return runner::run_one(name);
    }
    let wanted = |case: &&case::Case| {
        args.filter.is_empty() || args.filter.iter().any(|part| case.full_name().contains(part))
    };
    let chosen: Vec<_> = cases::all().filter(wanted).collect();
    if args.list {
        for case in &chosen {
            println!("{}\t{}", case.full_name(), case.says);
        }
        return ExitCode::SUCCESS;
    }
    let known = match args.known.as_deref().map(runner::read_known).transpose() {
        Ok(known) => known.unwrap_or_default(),
        Err(error) => {
            eprintln!("conformance: {error}");
            return ExitCode::from(2);
        }
    };
    let release = match (client::Client::try_open(client::Mode::ReadWrite), args.release) {
        (Err(errno), _) => Err(format!("{} cannot be opened: {errno}", args.device)),
        (Ok(_), Some(release)) => Ok(release),
        (Ok(client), None) => release::of(&client),
    };
    let release = match release {
        Ok(release) => release,
        Err(error) => {
            eprintln!("conformance: {error}");
            return ExitCode::from(2);
        }
    };
    let deadline = Duration::from_secs(args.deadline);
    let mut report = report::Report::new(args.format, chosen.len());
    for case in chosen {
        let outcome = runner::run(case, release, deadline, [&args.device, &args.timer]);
        report.add(case, &known.judge(case, outcome));
    }
    report.finish(&known)
}
