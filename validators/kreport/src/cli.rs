//! The command line of `kreport`, from which its help and its manual page are printed.

/// The crate whose types the command line is made of.
pub use clap;

use clap::{CommandFactory, Parser, ValueEnum};
use std::path::PathBuf;

/// The form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Format {
    /// A few lines per report, for people
    #[default]
    Text,
    /// Titles only, one per line
    Titles,
    /// One line per report, in the order of time
    Timeline,
    /// One JSON object with everything that was read
    Json,
    /// JUnit's XML: a failed test per report
    Junit,
    /// SARIF 2.1.0
    Sarif,
    /// Issues and incidents for KCIDB, schema 5.0
    Kcidb,
    /// A list for --known
    Known,
}

/// Find the cause in kernel reports
///
/// Reads logs of the Linux kernel, of validators that print in the same form, and of programs: reports of
/// sanitizers and Valgrind, panics of Rust and Go. For each report it prints the title that syzkaller gives it
/// and the function to blame, and it says which reports are only consequences of another. Identical reports are
/// merged and counted. It understands the prefixes of dmesg, syslog, journalctl and consoles, also where several
/// processors or tasks print at the same time, and learns others from the log.
#[derive(Debug, Parser)]
#[command(
    name = "kreport",
    version,
    after_help = "\
A log may have any length. It keeps 32 MiB of reports that differ, and 8 MiB of incomplete ones, which are never merged. Those beyond are \
counted, and --check counts them, but they are not listed; standard error and the JSON field dropped say how many.

Exit status: 0 if everything was read and printed; 1 if --check was given and there are reports that it counts; \
2 if an option is wrong, a file cannot be read or is no log, or the output cannot be written.

Examples:
  dmesg | kreport
  dmesg -w | kreport --follow
  kreport --timeline console.log
  kreport --check --titles ci.log || exit 1
  kreport --format known old.log > known.txt; kreport --check --known known.txt new.log
  kreport --json --symbols /usr/lib/debug console.log"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
#[non_exhaustive]
pub struct Cli {
    /// Logs to read, in this order; standard input if there is none, or for -
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print in this form
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with_all = ["timeline", "titles", "full", "format"])]
    pub json: bool,
    /// The same as --format timeline
    #[arg(long, conflicts_with_all = ["titles", "full", "format"])]
    pub timeline: bool,
    /// The same as --format titles
    #[arg(long, conflicts_with_all = ["full", "format"])]
    pub titles: bool,
    /// Print the reports themselves too, without prefixes
    #[arg(long, conflicts_with = "format")]
    pub full: bool,
    /// Print each report when it ends, until the input ends
    #[arg(long, conflicts_with_all = ["json", "timeline", "format"])]
    pub follow: bool,
    /// Exit with status 1 if there are reports, or, with KINDS, reports of these kinds
    ///
    /// KINDS are names of kinds as in the output, separated by commas, or "kernel" or "program" for all kinds of
    /// such reports. Reports that --known lists do not count.
    #[arg(long, value_name = "KINDS", value_delimiter = ',', num_args = 0.., require_equals = true)]
    pub check: Option<Vec<String>>,
    /// Leave out the reports that a list names
    ///
    /// Each line of the list has a signature, or a title in which * stands for any text. What follows " # " is the
    /// reason. --format known prints such a list.
    #[arg(long, value_name = "LIST")]
    pub known: Vec<PathBuf>,
    /// Find source lines that the log lacks in a program, library, module or vmlinux, or in all files below a folder
    ///
    /// A file is chosen by the build ID if the log has it, or else by its name.
    #[arg(long, value_name = "PATH")]
    pub symbols: Vec<PathBuf>,
    /// The name of the CI system in the output for KCIDB
    #[arg(long, value_name = "NAME", default_value = "kreport")]
    pub origin: String,
    /// The ID in KCIDB of the test that made the log
    #[arg(long, value_name = "ID")]
    pub test: Option<String>,
}

impl Cli {
    /// Returns the form of the output.
    #[must_use]
    pub fn form(&self) -> Format {
        match self {
            Self { json: true, .. } => Format::Json,
            Self { timeline: true, .. } => Format::Timeline,
            Self { titles: true, .. } => Format::Titles,
            _ => self.format,
        }
    }
}

/// Returns the command, for help and pages.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}
