//! `aseqd rules`: keeps ports connected by rules. The decisions are those of the crate `aseqd-rules`.

mod apply;
mod check;
mod held;
mod import;
mod learn;
mod links;
mod look;
mod run;
mod runner;
mod saved;
mod show;
pub(crate) mod state;
mod watch;

pub use crate::rule_files as files;
pub use check::{Warning, warnings};
pub use links::NAME as LINKS_CLIENT;
pub use state::NAME as RUN_CLIENT;

use crate::complete::{receivers, senders};
use crate::rule_files;
use aseqd_client::DEVICE;
use aseqd_host::error::Fail;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Keep ports connected by rules
///
/// Rules say which ports are connected whenever they are there: after a device was unplugged and plugged in again,
/// under whatever numbers, and after a program was started again. They are read from /etc/aseqd/rules.d/*.toml, in the
/// order of the names, and then from ~/.config/aseqd/rules.toml and ports.toml. The last rule that means two ports decides about them.
/// Connections that were learned come last.
#[derive(Debug, Args)]
#[command(after_help = "\
A file is TOML. Each [[rule]] has `from` and `to`, and may have `both`, `forbid`, `when` (\"appears\", \"always\" or \
\"once\"), `exclusive`, `stamp`, `profile` and `name`; with `channels`, `to_channel`, `transpose`, `velocity`, \
`controllers` or `mute`, it changes the events on their way. Beside rules there are `alias`, `profile`, `learn`, \
`through`, and each [[port]], a port that stays (`aseqd port add`). docs/rules.md describes them, and has recipes.

Ports are named by a part of the client's name (nano), the whole name in quotes ('nanoKEY2'), with a port (Launchpad:MIDI, \
Launchpad:1, Launchpad:*), by class (.hw, .app, .in, .out, .all), by re:/EXPRESSION/, by @ALIAS, or as a table with client, \
port, usb, serial and path.

Examples:
  printf '[[rule]]\\nfrom = \"nanoKEY2\"\\nto = \"FLUID\"\\n' >rules.toml
  aseqd rules --rules rules.toml check
  aseqd rules --rules rules.toml apply --dry-run
  aseqd rules --rules rules.toml run
  aseqd rules show")]
pub struct RulesArgs {
    /// Read this file instead of the machine's and the user's. May be given several times
    #[arg(long, value_name = "FILE", global = true)]
    pub rules: Vec<PathBuf>,
    /// Use the rules of this profile, beside those that belong to none [default: the one that the files choose]
    #[arg(long, value_name = "NAME", global = true)]
    pub profile: Option<String>,
    /// The device file of the sequencer
    #[arg(long, value_name = "PATH", default_value = DEVICE, env = "ASEQD_DEVICE", global = true)]
    pub device: PathBuf,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What `aseqd rules` can do. The help of each is the documentation of its arguments.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "a comment here would hide that of the arguments")]
pub enum Action {
    Run(RunArgs),
    Apply(ApplyArgs),
    Show(ShowArgs),
    Check(CheckArgs),
    Learn(LearnArgs),
    Forget(ForgetArgs),
    Save(SaveArgs),
    Restore(RestoreArgs),
    Import(ImportArgs),
}

/// Carry out the rules until SIGINT or SIGTERM
///
/// Makes the virtual ports of the files, and prints a line for each connection that it makes or cuts. A connection that somebody cuts stays cut until one of its
/// ports goes. SIGHUP and changes of the files make it read them again; if they have mistakes, the old rules stay.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Remember connections that people and programs make and cut, also after the next start. `learn = true` in a file
    /// does the same
    #[arg(long)]
    pub learn: bool,
    /// Print no line for each connection
    #[arg(short, long)]
    pub quiet: bool,
}

/// Make the connections of the rules once
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Print what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Show which rule made which connection, and why one is not there
///
/// What `aseqd rules run` has done, and what others have cut since then, is known while it runs.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Print one JSON object per pair of ports
    #[arg(long)]
    pub json: bool,
}

/// Check the files for mistakes, and for names that nothing here has
///
/// Prints file, line, column and the nearest name. Exit status 1 if there are mistakes; names that nothing has are no
/// mistake, because a device may be plugged in later. Without a sequencer, names are not looked for.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The files [default: all that `run` would read]
    pub files: Vec<PathBuf>,
}

/// Learn the connections that are there now, or one of them
///
/// They are kept in ~/.local/state/aseqd/learned.toml, and count after all other rules.
#[derive(Debug, Args)]
pub struct LearnArgs {
    /// The port that sends events [default: all connections]
    #[arg(requires = "to", add = senders())]
    pub from: Option<String>,
    /// The port that receives them
    #[arg(add = receivers())]
    pub to: Option<String>,
}

/// Forget learned connections
#[derive(Debug, Args)]
pub struct ForgetArgs {
    /// The port that sends events
    #[arg(required_unless_present = "all", requires = "to", add = senders())]
    pub from: Option<String>,
    /// The port that receives them
    #[arg(add = receivers())]
    pub to: Option<String>,
    /// Forget everything that was learned
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub all: bool,
}

/// Write all connections as they are now to a file
///
/// It is a file of rules with the whole names of the ports: `restore` makes the connections again, and `run --rules FILE`
/// keeps them.
#[derive(Debug, Args)]
pub struct SaveArgs {
    /// The file; - is standard output [default: -]. It must not exist, unless --force is given
    pub file: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(short, long)]
    pub force: bool,
}

/// Make the connections of a file that `save` has written
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The file; - is standard input
    pub file: PathBuf,
    /// Cut all other connections
    #[arg(long)]
    pub exact: bool,
    /// Print what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Print a profile of midiminder as a file of rules
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The profile; - is standard input
    pub file: PathBuf,
    /// Read CLIENT:2 as the port with the number 2, as midiminder before 0.90 does. Later ones mean a port with a 2 in its
    /// name, and CLIENT:=2 is the number
    #[arg(long)]
    pub port_numbers: bool,
}

/// Looks for mistakes in these files of rules, or in all that `aseqd rules run` reads.
///
/// # Errors
/// A message with the mistakes, or if a file cannot be read.
pub fn verify(files: &[PathBuf]) -> Result<(), Fail> {
    let loaded = rule_files::load_of(files.to_vec())?;
    let (_, problems) = loaded.rules.compile(None);
    apply::refuse(loaded.problems.into_iter().chain(problems))
}

/// Runs `aseqd rules`.
///
/// # Errors
/// A message if the device cannot be opened, a file cannot be read or has mistakes, a name fits no port or several, the
/// sequencer ends, or standard output cannot be written.
pub fn main(args: &RulesArgs) -> Result<ExitCode, Fail> {
    match &args.action {
        Action::Run(run) => run::main(args, run),
        Action::Apply(apply) => apply::main(args, apply),
        Action::Show(show) => show::main(args, show),
        Action::Check(check) => check::main(args, check),
        Action::Learn(learn) => learn::learn(args, learn),
        Action::Forget(forget) => learn::forget(args, forget),
        Action::Save(save) => saved::save(args, save),
        Action::Restore(restore) => saved::restore(args, restore),
        Action::Import(import) => import::main(import),
    }
}
