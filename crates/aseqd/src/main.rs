//! The program `aseqd`: exit statuses are decided here.

use aseqd::cli::{self, Command};
use aseqd::error::{Fail, say, say_usage};
use aseqd::server::timing::TimingArgs;
use aseqd::{client, command, run, serve};
use std::path::Path;
use std::process::ExitCode;

/// Tells of allocations where there must be none.
#[cfg(feature = "validate")]
#[global_allocator]
static ALLOC: lockdep::Alloc = lockdep::Alloc::new();

fn main() -> ExitCode {
    cli::Color::of(std::env::args_os()).set();
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(say_usage(&error)),
    };
    cli.color.set();
    let result = match cli.command {
        // Says its own errors: their status is 127.
        Command::Run(args) => return run::main(&args),
        Command::Serve(args) => serve::main(&args),
        Command::Ls(args) => command::ls::main(&args),
        Command::Timers(args) => command::timers::main(&args),
        Command::Connect(args) => command::connect::connect(&args),
        Command::Disconnect(args) => command::connect::disconnect(&args),
        Command::Wait(args) => command::wait::main(&args),
        Command::Monitor(args) => command::monitor::main(&args),
        Command::Play(args) => command::play::main(&args),
        Command::Demo(args) => return demo(&args, cli.color),
        Command::Doctor(args) => command::doctor::main(&args),
        Command::Bench(args) => command::bench::main(&args),
        Command::BenchWorker(args) => command::bench::worker::main(&args),
        Command::Probe => run::probe(),
        Command::Remain(args) => run::remain(args),
        Command::Completions(args) => completions(&args),
    };
    result.unwrap_or_else(|error| failed(&error))
}

/// The demonstration; where there is no sequencer, with one of its own.
fn demo(args: &command::demo::DemoArgs, color: cli::Color) -> ExitCode {
    let missing = std::fs::metadata(&args.device)
        .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    if missing && args.device == Path::new(client::DEVICE) {
        let program = std::env::current_exe().unwrap_or_else(|_| "aseqd".into());
        let color = format!("--color={color}");
        let mut words = vec![program.into_os_string(), color.into(), "demo".into()];
        words.extend(args.quiet.then(|| "--quiet".into()));
        return run::main(&cli::RunArgs {
            verbose: false,
            via: None,
            join: None,
            trace: false,
            timing: TimingArgs::default(),
            command: words,
        });
    }
    match command::demo::main(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &Fail) -> ExitCode {
    say(error);
    ExitCode::FAILURE
}

fn completions(args: &cli::CompletionsArgs) -> Result<ExitCode, Fail> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "aseqd", &mut script);
    command::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
