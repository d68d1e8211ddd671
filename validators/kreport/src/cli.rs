//! The command line of `kreport`, from which its help and its manual page are printed.

/// The crate whose types the command line is made of.
pub use clap;

use clap::{CommandFactory, Parser};
use std::path::PathBuf;

/// Find the cause in kernel reports
///
/// Reads logs of the Linux kernel, or of validators that print in the same form. For each report it prints
/// the title that syzkaller gives it and the function to blame, and it says which reports are only
/// consequences of another. Identical reports are merged and counted. It understands the prefixes of dmesg,
/// syslog and consoles, also where several processors or tasks print at the same time.
#[derive(Debug, Parser)]
#[command(
    name = "kreport",
    version,
    after_help = "\
Exit status: 0 if everything was read and printed; 1 if --check was given and there are reports; \
2 if an option is wrong, a file cannot be read, or the output cannot be written.

Examples:
  dmesg | kreport
  kreport --timeline console.log
  kreport --check --titles ci.log || exit 1
  kreport --json --symbols vmlinux --symbols snd-seq.ko console.log"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
#[non_exhaustive]
pub struct Cli {
    /// Logs to read, in this order; standard input if there is none, or for -
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long, conflicts_with_all = ["timeline", "titles", "full"])]
    pub json: bool,
    /// Print one line per report, in the order of time
    #[arg(long, conflicts_with_all = ["titles", "full"])]
    pub timeline: bool,
    /// Print titles only, one per line
    #[arg(long, conflicts_with = "full")]
    pub titles: bool,
    /// Print the reports themselves too, without prefixes
    #[arg(long)]
    pub full: bool,
    /// Exit with status 1 if there are reports
    #[arg(long)]
    pub check: bool,
    /// Find source lines that the log lacks in a program, library, module or vmlinux
    #[arg(long, value_name = "FILE")]
    pub symbols: Vec<PathBuf>,
}

/// Returns the command, for help and pages.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}
