//! The command line. Help, man pages and completions are generated from it.

pub mod completion;
mod time;
mod timing;

pub use time::TimeArgs;
pub use timing::{RecordArgs, SequencerArgs, TimingArgs};

use crate::ctl;
use crate::doctor;
use crate::run;
use aseqd_console::Color;
#[cfg(feature = "top")]
use aseqd_tools::top;
#[cfg(feature = "tools")]
use aseqd_tools::{
    clock, connect, demo, ls, monitor, play, port, record, replay, report, rules, send, timers,
    wait,
};
use clap::builder::Resettable;
use clap::{Args, CommandFactory, FromArgMatches as _, Parser, Subcommand};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The Linux ALSA sequencer in user space
///
/// Gives any unmodified MIDI program a /dev/snd/seq on a machine whose kernel has none.
#[derive(Debug, Parser)]
#[command(name = "aseqd", version, propagate_version = true, infer_subcommands = false)]
pub struct Cli {
    /// Use colours: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(
        hide_possible_values = true,
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Global options"
    )]
    pub color: Color,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands. The help of each is the documentation of its arguments.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "a comment here would hide that of the arguments")]
pub enum Command {
    Run(RunArgs),
    Serve(ServeArgs),
    Ctl(ctl::CtlArgs),
    #[cfg(feature = "tools")]
    Ls(ls::LsArgs),
    #[cfg(feature = "tools")]
    Timers(timers::TimersArgs),
    #[cfg(feature = "tools")]
    Connect(connect::ConnectArgs),
    #[cfg(feature = "tools")]
    Disconnect(connect::DisconnectArgs),
    #[cfg(feature = "tools")]
    Wait(wait::WaitArgs),
    #[cfg(feature = "tools")]
    Monitor(monitor::MonitorArgs),
    #[cfg(feature = "top")]
    Top(top::TopArgs),
    #[cfg(feature = "web")]
    Web(aseqd_web::WebArgs),
    #[cfg(feature = "tools")]
    Send(send::SendArgs),
    #[cfg(feature = "tools")]
    Port(port::PortArgs),
    #[cfg(feature = "tools")]
    Play(play::PlayArgs),
    #[cfg(feature = "tools")]
    Record(record::RecordArgs),
    #[cfg(feature = "tools")]
    Clock(clock::ClockArgs),
    #[cfg(feature = "tools")]
    Replay(replay::ReplayArgs),
    #[cfg(feature = "tools")]
    Report(report::ReportArgs),
    #[cfg(feature = "tools")]
    Rules(rules::RulesArgs),
    #[cfg(feature = "tools")]
    Demo(demo::DemoArgs),
    Doctor(doctor::DoctorArgs),
    #[cfg(feature = "bench")]
    Bench(aseqd_bench::BenchArgs),
    #[cfg(feature = "bench")]
    #[command(hide = true)]
    BenchWorker(aseqd_bench::worker::WorkerArgs),
    /// Open the sequencer, and fail if it is none
    #[command(hide = true)]
    Probe,
    /// Stay for processes that have outlived the command of a run
    #[command(hide = true)]
    Remain(RemainArgs),
    Completions(CompletionsArgs),
}

/// Stay for processes that have outlived the command of a run.
#[derive(Debug, Args)]
pub struct RemainArgs {
    /// The folder of the preload door's library, which is removed at the end
    #[arg(long)]
    pub folder: Option<PathBuf>,
}

/// Run a command with a sequencer of its own
///
/// CMD and its children get a /dev/snd/seq that no other program sees. This works for root and for ordinary users.
/// Everything else is as without aseqd: user, terminal, signals, standard streams. The sequencer ends when CMD
/// ends, and so do children of CMD that still have it open.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: that of CMD; 128 + n if signal n ended it; 127 if CMD was not found or aseqd itself \
failed; 126 if CMD cannot be executed; 2 for wrong usage.

Examples:
  aseqd run -- aconnect -l
  aseqd run -- cargo test
  aseqd run --join ~/seq -- aconnect -l
  aseqd run -- sh -c 'aseqdump -p 14:0 & aseqd wait --connected aseqdump
    aplaymidi -p 14:0 song.mid; kill $!'")]
pub struct RunArgs {
    /// Print which door is used, and why each better one is not
    #[arg(short, long)]
    pub verbose: bool,
    /// Use this door and no other [default: the first that works]
    #[arg(long, value_name = "DOOR", env = "ASEQD_VIA")]
    pub via: Option<run::Via>,
    /// Join the sequencer that `aseqd serve --mount DIR` serves, instead of starting one. It does not end with CMD
    #[arg(long, value_name = "DIR", conflicts_with_all = ["trace", "time", "TimingArgs", "RecordArgs", "SequencerArgs"])]
    pub join: Option<PathBuf>,
    /// Log failing calls of programs to standard error, with reasons
    #[arg(long)]
    pub trace: bool,
    /// Latency and processor time
    #[command(flatten)]
    pub timing: TimingArgs,
    /// The clock of the command
    #[command(flatten)]
    pub time: TimeArgs,
    /// The command and its arguments
    // The first word ends our options, and must not be an option itself: a mistyped option of ours would run as the
    // command.
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// Serve a sequencer to the whole machine or to one user
///
/// As root, without --mount, it serves /dev/snd/seq to the whole machine. With --mount DIR it serves DIR/seq to all
/// programs that can reach DIR; a container shares it by mounting DIR as its /dev/snd. With --cuse it makes character
/// devices, which containers take with --device. Once it is ready, it prints a line and tells the service manager
/// (sd_notify). SIGTERM and SIGINT end it cleanly.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 after SIGTERM or SIGINT, 1 if it cannot serve, 2 for wrong usage.

Examples:
  sudo aseqd serve
  sudo aseqd serve --cuse
  aseqd serve --mount ~/seq --web
  aseqd serve --mount ~/seq
  docker run -v /run/aseqd:/dev/snd IMAGE")]
pub struct ServeArgs {
    /// Serve in this directory. It is created if it does not exist
    #[arg(long, value_name = "DIR")]
    pub mount: Option<PathBuf>,
    /// Make real device files with /dev/cuse, as a driver does. Needs root on the machine itself
    #[arg(long, conflicts_with = "mount")]
    pub cuse: bool,
    /// Permissions of the device, in octal [default: 0660 as root, otherwise 0600]
    #[arg(long, value_name = "MODE", value_parser = octal)]
    pub mode: Option<u32>,
    /// Owner of the device, by name or number [default: the user of the server]
    #[arg(long, value_name = "USER")]
    pub owner: Option<String>,
    /// Group of the device, by name or number [default: audio as root, otherwise the user's]
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Keep ports connected by rules, those of `aseqd rules`: from FILE, or from the files that `aseqd rules run` reads
    #[cfg(feature = "tools")]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = false)]
    pub rules: Option<Option<PathBuf>>,
    /// Serve the patchbay for browsers, that of `aseqd web`: at 127.0.0.1 and a free port, or at ADDR
    #[cfg(feature = "web")]
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:0", value_parser = aseqd_web::address)]
    pub web: Option<std::net::SocketAddr>,
    /// Let pages in only with the token in this file. It is made if it does not exist
    #[cfg(feature = "web")]
    #[arg(long, value_name = "FILE", requires = "web")]
    pub token_file: Option<PathBuf>,
    /// Log failing calls of programs to standard error, with reasons
    #[arg(long)]
    pub trace: bool,
    /// Latency and processor time
    #[command(flatten)]
    pub timing: TimingArgs,
    /// Keep the latest part of a recording in memory: SIZE MiB, 1 to 1024, 8 by default. `aseqd report` gets it.
    /// SIGUSR1 and a panic write it to a file, and the log says where
    #[arg(
        long,
        value_name = "SIZE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "8",
        value_parser = clap::value_parser!(u16).range(1..=1024),
        conflicts_with = "record",
        help_heading = "Recording",
    )]
    pub flight_recorder: Option<u16>,
    /// The folder of these files [default: that of the service ($STATE_DIRECTORY), or the one for temporary files]
    #[arg(long, value_name = "DIR", requires = "flight_recorder", help_heading = "Recording")]
    pub report_dir: Option<PathBuf>,
}

/// Print a completion script for a shell
///
/// The script asks this program for the words that may follow: commands, options, files, and the ports that exist at that
/// moment, by address and by name.
#[derive(Debug, Args)]
#[command(after_help = "\
Ports are those of the sequencer in $ASEQD_DEVICE, or of /dev/snd/seq.

Examples:
  aseqd completions bash > /etc/bash_completion.d/aseqd
  aseqd completions zsh > ~/.zfunc/_aseqd     # a folder of $fpath
  aseqd completions fish > ~/.config/fish/completions/aseqd.fish")]
pub struct CompletionsArgs {
    /// The shell to print it for
    pub shell: clap_complete::Shell,
}

/// Parses permissions.
fn octal(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("permissions are octal, 0 to 0777".to_owned()),
    }
}

/// Returns the whole command line, for man pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parses the command line of this process.
///
/// # Errors
/// An error to print if an argument or an environment variable is wrong, and for `--help` and `--version`.
pub fn parse() -> Result<Cli, clap::Error> {
    parse_from(std::env::args_os())
}

/// Parses a command line, whose first word is the name of the program.
///
/// # Errors
/// As [`parse`].
pub fn parse_from(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let matches = without_variables(command(), &is_empty).try_get_matches_from(words)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command()))
}

/// Removes environment variables that are set, but empty, from the command line: they count as not set. Scripts and CI
/// matrices set such variables.
fn without_variables(
    mut command: clap::Command,
    is_empty: &dyn Fn(&OsStr) -> bool,
) -> clap::Command {
    let empty: Vec<_> = command
        .get_arguments()
        .filter(|argument| argument.get_env().is_some_and(is_empty))
        .map(|argument| argument.get_id().clone())
        .collect();
    for id in empty {
        command = command.mut_arg(id, |argument| argument.env(Resettable::Reset));
    }
    let names: Vec<_> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, |command| without_variables(command, is_empty));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn options_of_the_command_are_not_ours() {
        let cli = Cli::parse_from(["aseqd", "run", "-v", "ls", "-v", "--trace"]);
        let Command::Run(run) = cli.command else { panic!("run") };
        assert!(run.verbose && !run.trace);
        assert_eq!(run.command, ["ls", "-v", "--trace"]);
        for words in [["-x", "--trace"], ["cmd", "--"], ["cmd", "--trace"]] {
            let cli = Cli::parse_from(["aseqd", "run", "--"].iter().chain(&words));
            let Command::Run(run) = cli.command else { panic!("run") };
            assert_eq!(run.command, words);
            assert!(!run.trace);
        }
    }

    #[test]
    fn modes_are_octal() {
        assert_eq!(octal("0660"), Ok(0o660));
        assert!(octal("999").is_err());
        assert!(octal("1777").is_err());
    }
}
