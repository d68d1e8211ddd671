//! The command line of `lockdep-run`, from which its help and its manual page are printed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, ValueEnum};

/// Exit status if there are new findings. ThreadSanitizer has the same.
pub const FOUND: u8 = 66;
/// Exit status if `lockdep-run` itself fails, as of `env` and `timeout`.
pub const TROUBLE: u8 = 125;
/// Exit status if the command cannot be executed.
pub const CANNOT_EXECUTE: u8 = 126;
/// Exit status if the command is not found.
pub const NOT_FOUND: u8 = 127;

/// The form of the file that `--output` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Format {
    /// The reports and the summary, for people
    #[default]
    Text,
    /// One JSON object
    Json,
    /// JUnit's XML: a failed test per finding
    Junit,
    /// SARIF 2.1.0
    Sarif,
    /// Titles only, one per line
    Titles,
}

/// Run a command, and report its defects of locks and of real-time code
///
/// Reports potential deadlocks, even if nothing waited in this run, and calls in real-time code that may block or
/// allocate. All processes of the command are checked, and each finding is printed once. Reports go to standard
/// error, wherever the command's own output goes. For x86-64 and glibc.
#[derive(Debug, Parser)]
#[command(
    name = "lockdep-run",
    version,
    after_help = "\
Exit status: 66 if there are new findings (--exit-code); else that of the command, or 128 and the number of the \
signal that ended it; 125 if lockdep-run fails, 126 if the command cannot be executed, 127 if it is not found.

Examples:
  lockdep-run -- ./player
  lockdep-run --threads 'data-loop*,audio' -- ./player
  lockdep-run --functions 'Gain::process,*::render' -- ./host gain.so
  lockdep-run --write-baseline known.txt -- ./player
  lockdep-run --baseline known.txt --suppressions ours.txt -- ./player || exit 1
  lockdep-run --format sarif --output findings.sarif -- ./player
  lockdep-run --header > lockdep.h"
)]
#[non_exhaustive]
pub struct Cli {
    /// The command, and its arguments
    #[arg(required_unless_present = "header", trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
    /// Threads whose code between two waits is real-time code: names, separated by commas
    ///
    /// A name is that of a thread, or of the function that it runs. An asterisk at its end stands for any text. Without
    /// this option, threads under SCHED_FIFO or SCHED_RR run real-time code, and those that something has asked to do so.
    #[arg(long, value_name = "NAMES", env = "LOCKDEP_ATOMIC_THREADS")]
    pub threads: Option<String>,
    /// Functions that are real-time code whenever they run: names, separated by commas
    ///
    /// A name is that of C, or that of C++ or Rust without parameters, such as Gain::process. An asterisk stands for any
    /// text. Calls from other files are seen, virtual ones, those by tables of functions, and those of what dlsym returns;
    /// direct calls inside of a file are not. A name whose calls cannot be seen is told at the end. In a thread that
    /// runs such a function, the code around it is not checked.
    #[arg(long, value_name = "NAMES", env = "LOCKDEP_FUNCTIONS", value_delimiter = ',', value_parser = function)]
    pub functions: Vec<String>,
    /// Calls that are allowed in real-time code, separated by commas
    ///
    /// The names are those that reports call functions by, such as write or ioctl. In them, * stands for any text.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub allow_calls: Vec<String>,
    /// Leave out the findings that a file lists
    ///
    /// Each line has terms KEY:PATTERN that must all fit, and ends with " # " and the reason. Keys are call, class,
    /// function, kind, library, signature, thread and title. In patterns, * stands for any text.
    #[arg(short, long, value_name = "FILE")]
    pub suppressions: Vec<PathBuf>,
    /// Leave out the findings of an earlier run, which --write-baseline has written
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write all findings that are not suppressed to a file for --baseline
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
    /// Write the findings to a file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The form of that file
    #[arg(long, value_enum, default_value_t, value_name = "FORM", requires = "output")]
    pub format: Format,
    /// Exit with this status if there are new findings; 0 for that of the command
    #[arg(long, value_name = "STATUS", default_value_t = FOUND)]
    pub exit_code: u8,
    /// Print at most this number of different stacks; the others are counted
    #[arg(long, value_name = "NUMBER", default_value_t = 1000,
          value_parser = clap::value_parser!(u16).range(1..=16384))]
    pub max_findings: u16,
    /// End the program by SIGABRT at its first finding
    ///
    /// What a thread does after its last wait is no finding. So a report of a thread without marks counts at the thread's next
    /// wait, and others may come before that.
    #[arg(long)]
    pub abort: bool,
    /// Wait until all processes of the command have ended, also those in the background
    ///
    /// Without this option, lockdep-run ends with the command itself, and what its other processes find later is lost. A
    /// signal ends the wait.
    #[arg(long)]
    pub wait: bool,
    /// Print only the summary
    #[arg(short, long)]
    pub quiet: bool,
    /// Share lock classes with processes that are started separately: the same file for all
    #[arg(long, value_name = "FILE", env = "LOCKDEP_GRAPH")]
    pub graph: Option<PathBuf>,
    /// The library that is loaded into the command
    #[arg(long, value_name = "FILE", env = "LOCKDEP_LIBRARY", hide = true)]
    pub library: Option<PathBuf>,
    /// Print lockdep.h, with which C and C++ programs mark their callbacks
    #[arg(long)]
    pub header: bool,
}

/// Reads a name of `--functions`.
fn function(name: &str) -> Result<String, String> {
    let name = name.trim();
    if name.is_empty() {
        return Err("a name is empty".to_owned());
    }
    if name.bytes().all(|byte| byte == b'*') {
        return Err("this would make every function real-time code".to_owned());
    }
    if name.contains(['(', '<']) {
        return Err(
            "names have no parameters: write Gain::process for Gain<float>::process(float*)"
                .to_owned(),
        );
    }
    Ok(name.to_owned())
}

/// Returns the command, for help and pages.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}
