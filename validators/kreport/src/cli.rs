//! The command line of `kreport`: help and the manual page are printed from this.

/// The crate whose types the command line is made of.
pub use clap;

use clap::{CommandFactory, Parser};
use std::path::PathBuf;

/// Find the cause in kernel reports
///
/// Reads logs of the Linux kernel, or of validators that print alike, and says what was reported: each
/// report with the title that syzkaller gives it, who is to blame, and which reports are only the
/// consequences of another. The same ones are counted. Prefixes of dmesg, syslog and consoles are
/// understood, also where several processors or tasks print at the same time.
#[derive(Debug, Parser)]
#[command(
    name = "kreport",
    version,
    after_help = "\
Exit status: 0 if everything was read and printed; 1 if --check was given and there are reports; \
2 if an option is wrong, or a file cannot be read or nothing can be written.

Examples:
  dmesg | kreport
  kreport --timeline console.log
  kreport --check --titles ci.log || exit 1
  kreport --json --symbols vmlinux --symbols snd-seq.ko console.log"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
#[non_exhaustive]
pub struct Cli {
    /// Logs, one after the other; - is standard input, as is none
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long, conflicts_with_all = ["timeline", "titles", "full"])]
    pub json: bool,
    /// Print one line a report, in the order of time
    #[arg(long, conflicts_with_all = ["titles", "full"])]
    pub timeline: bool,
    /// Print titles only, one line a report
    #[arg(long, conflicts_with = "full")]
    pub titles: bool,
    /// Print the reports themselves as well, without prefixes
    #[arg(long)]
    pub full: bool,
    /// Fail if there are reports
    #[arg(long)]
    pub check: bool,
    /// Take source lines that the log lacks from a program, library, module or vmlinux
    #[arg(long, value_name = "FILE")]
    pub symbols: Vec<PathBuf>,
}

/// The command, for help and pages.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}
