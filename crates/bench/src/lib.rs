//! The command `aseqd bench`. It measures a sequencer on this machine, beside the machine's limits and
//! comparable programs, in one run.
//!
//! The programs of the bench reach the sequencer as any program does: `aseqd run` starts them, and they
//! open, read and write `/dev/snd/seq`. Each family of rows has a file of its own.

mod call;
mod device;
mod directory;
mod door;
mod engine;
mod fanout;
mod flood;
mod idle;
mod latency;
mod lateness;
mod link;
mod machine;
mod peer;
mod playing;
mod process;
mod program;
mod queues;
mod random;
mod rates;
mod recording;
mod report;
mod rig;
mod row;
mod setup;
mod startup;
mod stats;
mod task;
mod timer;
mod wake;
pub mod worker;

use aseqd_console::say;
use aseqd_console::{is_wanted, print};
use aseqd_host::error::Fail;
use machine::Machine;
use row::{Measured, Row};
use setup::Setup;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

/// Rounds of a run, unless an option says otherwise.
const DEFAULT_ROUNDS: usize = 5;
/// Exit status for wrong usage, the same as clap's.
const STATUS_USAGE: u8 = 2;

/// Measure the sequencer on this machine, beside its limits and its peers
///
/// All rows are measured in one run, in interleaved rounds, so other work on the machine affects all
/// of them alike. Compare ratios: absolute times change with the machine. If a peer is not installed,
/// or the machine forbids something, the table says "not measured" and why.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Exit status: 0 if the table was printed, 1 if not, 2 for wrong usage.

Examples:
  aseqd bench
  aseqd bench lateness latency --rounds 9
  aseqd bench --json > table.json
  aseqd bench --against-dev-snd-seq    # and the kernel's own sequencer")]
pub struct BenchArgs {
    /// Rows to measure, by the names that --list prints [default: all]
    #[arg(value_name = "ROW")]
    pub rows: Vec<String>,
    /// Number of rounds [default: 5, or 1 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: Option<u16>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Measure less, in one round: enough to see that everything works
    #[arg(long)]
    pub quick: bool,
    /// List the rows and what they measure
    #[arg(long)]
    pub list: bool,
    /// Also measure the kernel's own sequencer, through this machine's device file
    #[arg(long)]
    pub against_dev_snd_seq: bool,
}

/// Rows that the command line selects by one name.
struct Family {
    name: &'static str,
    about: &'static str,
    rows: fn(&Setup) -> Vec<Row>,
}

/// All families, in the order of the table.
const FAMILIES: [Family; 13] = [
    Family {
        name: "lateness",
        about: "how late scheduled events are dispatched, and read by a program",
        rows: lateness::rows,
    },
    Family {
        name: "timer",
        about: "how late a program reads the ticks of a 1 ms timer",
        rows: timer::rows,
    },
    Family {
        name: "latency",
        about: "one-way latency between two processes, 1000 events a second",
        rows: |setup| vec![latency::row(setup)],
    },
    Family {
        name: "call",
        about: "what a call costs: open, ioctl, write, a message to another process and back",
        rows: call::rows,
    },
    Family {
        name: "flood",
        about: "events a second between two processes, by 1, 16 and 100 per write",
        rows: flood::rows,
    },
    Family {
        name: "fanout",
        about: "CPU time of an event to 1, 8 and 63 subscribers",
        rows: fanout::rows,
    },
    Family {
        name: "rates",
        about: "CPU time at 0, 48, 1000 and 100,000 events a second, 1 per write",
        rows: rates::rows,
    },
    Family {
        name: "queue",
        about: "holding, appending and removing pending events",
        rows: queues::rows,
    },
    Family {
        name: "engine",
        about: "events a second through the engine alone, in one process",
        rows: engine::rows,
    },
    Family {
        name: "idle",
        about: "wake-ups and CPU time of a server with little to do",
        rows: idle::rows,
    },
    Family {
        name: "recording",
        about: "CPU time of a server that records, and of one that does not",
        rows: |setup| vec![recording::row(setup)],
    },
    Family {
        name: "startup",
        about: "time to start a command with a sequencer of its own",
        rows: |setup| vec![startup::row(setup)],
    },
    Family {
        name: "play",
        about: "time from a large MIDI file to its first event, and peak memory",
        rows: |setup| vec![playing::row(setup)],
    },
];

/// Measures the rows that were asked for and prints the table.
///
/// # Errors
///
/// If no directory for the files of the run can be made, or the table cannot be printed. A row that cannot be
/// measured is no error: the table says why.
pub fn main(args: &BenchArgs) -> Result<ExitCode, Fail> {
    if args.list {
        let line = |family: &Family| format!("{:<10}{}\n", family.name, family.about);
        print(&FAMILIES.iter().map(line).collect::<String>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let known = |name: &String| FAMILIES.iter().any(|family| family.name == name);
    if let Some(unknown) = args.rows.iter().find(|name| !known(name)) {
        let names: Vec<_> = FAMILIES.iter().map(|family| family.name).collect();
        say(&format_args!("there is no row {unknown}; the rows are {}", names.join(", ")));
        return Ok(ExitCode::from(STATUS_USAGE));
    }
    let rounds = args.rounds.map_or(if args.quick { 1 } else { DEFAULT_ROUNDS }, usize::from);
    let machine = Machine::here();
    let setup = Setup::new(args.against_dev_snd_seq, args.quick)?;
    if !args.json && !is_wanted(&report::head(&machine, rounds))? {
        return Ok(ExitCode::SUCCESS);
    }
    let mut measured: Vec<Measured> = Vec::new();
    for family in &FAMILIES {
        if !args.rows.is_empty() && !args.rows.iter().any(|name| name == family.name) {
            continue;
        }
        for row in (family.rows)(&setup) {
            let row = row.measure(rounds, &mut progress);
            progress("");
            if !args.json && !is_wanted(&report::row_as_text(&row))? {
                return Ok(ExitCode::SUCCESS);
            }
            measured.push(row);
        }
    }
    if args.json {
        print(&format!("{:#}\n", report::json(&machine, rounds, &measured)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows on a terminal what is being measured, in one line that the next one overwrites. An empty text clears it.
fn progress(text: &str) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        // A terminal that has gone away is no reason to stop.
        let _ = err.write_all(format!("\r{text}\x1b[K").as_bytes());
    }
}
