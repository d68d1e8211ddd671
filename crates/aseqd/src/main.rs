//! The program `aseqd`: parses the command line, runs the command, and chooses the exit status.

use aseqd::cli::{self, Command};
use aseqd::{ctl, doctor, run, serve};
use aseqd_console::{Color, say, say_usage};
use aseqd_host::error::Fail;
use aseqd_host::process::outlive_file_size_limit;
#[cfg(feature = "tools")]
use aseqd_tools as tools;
use std::process::ExitCode;

/// Reports allocations where the program must not allocate.
#[cfg(feature = "validate")]
#[global_allocator]
static ALLOC: lockdep::Alloc = lockdep::Alloc::new();

fn main() -> ExitCode {
    // A file that cannot grow is an error like a full disk. Without a handler, it is the end of the process.
    let _as_before = outlive_file_size_limit();
    match cli::completion::answer() {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => {}
        Err(error) => return failed(&error),
    }
    Color::of(std::env::args_os()).set();
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(say_usage(&error)),
    };
    cli.color.set();
    let result = match cli.command {
        // It prints its errors itself, because their status is 127.
        Command::Run(args) => return run::main(&args),
        Command::Serve(args) => serve::main(&args),
        Command::Ctl(args) => ctl::main(&args),
        #[cfg(feature = "tools")]
        Command::Ls(args) => tools::ls::main(&args),
        #[cfg(feature = "tools")]
        Command::Timers(args) => tools::timers::main(&args),
        #[cfg(feature = "tools")]
        Command::Connect(args) => tools::connect::connect(&args),
        #[cfg(feature = "tools")]
        Command::Disconnect(args) => tools::connect::disconnect(&args),
        #[cfg(feature = "tools")]
        Command::Wait(args) => tools::wait::main(&args),
        #[cfg(feature = "tools")]
        Command::Monitor(args) => tools::monitor::main(&args),
        #[cfg(feature = "top")]
        Command::Top(args) => tools::top::main(&args),
        #[cfg(feature = "web")]
        Command::Web(args) => aseqd_web::main(&args),
        #[cfg(feature = "tools")]
        Command::Send(args) => tools::send::main(&args),
        #[cfg(feature = "tools")]
        Command::Port(args) => tools::port::main(&args),
        #[cfg(feature = "tools")]
        Command::Play(args) => tools::play::main(&args),
        #[cfg(feature = "tools")]
        Command::Record(args) => tools::record::main(&args),
        #[cfg(feature = "tools")]
        Command::Clock(args) => tools::clock::main(&args),
        #[cfg(feature = "tools")]
        Command::Replay(args) => tools::replay::main(&args),
        #[cfg(feature = "tools")]
        Command::Report(args) => tools::report::main(&args),
        #[cfg(feature = "tools")]
        Command::Rules(args) => tools::rules::main(&args),
        #[cfg(feature = "tools")]
        Command::Demo(args) => return demo(&args, cli.color),
        Command::Doctor(args) => doctor::main(&args),
        #[cfg(feature = "bench")]
        Command::Bench(args) => aseqd_bench::main(&args),
        #[cfg(feature = "bench")]
        Command::BenchWorker(args) => aseqd_bench::worker::main(&args),
        Command::Probe => run::probe(),
        Command::Remain(args) => run::remain(args),
        Command::Completions(args) => completions(&args),
    };
    result.unwrap_or_else(|error| failed(&error))
}

/// Runs the demonstration; in a run of its own if the machine has no sequencer.
#[cfg(feature = "tools")]
fn demo(args: &tools::demo::DemoArgs, color: Color) -> ExitCode {
    let device = &args.device.device;
    let missing =
        std::fs::metadata(device).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    if missing && device == std::path::Path::new(aseqd_client::DEVICE) {
        let program = std::env::current_exe().unwrap_or_else(|_| "aseqd".into());
        let color = format!("--color={color}");
        let mut words = vec![program.into_os_string(), color.into(), "demo".into()];
        words.extend(args.quiet.then(|| "--quiet".into()));
        return run::main(&cli::RunArgs {
            verbose: false,
            via: None,
            join: None,
            trace: false,
            timing: cli::TimingArgs::default(),
            time: cli::TimeArgs::default(),
            command: words,
        });
    }
    match tools::demo::main(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &Fail) -> ExitCode {
    say(error);
    ExitCode::FAILURE
}

fn completions(args: &cli::CompletionsArgs) -> Result<ExitCode, Fail> {
    aseqd_console::print(&cli::completion::script(args.shell)?)?;
    Ok(ExitCode::SUCCESS)
}
