//! The program `aseqd`.
use clap::Parser as _;
use std::process::ExitCode;
fn main() -> ExitCode {
    match aseqd::cli::Cli::parse().command {
        aseqd::cli::Cmd::Run(args) => aseqd::run::main(&args),
        aseqd::cli::Cmd::Serve(args) => aseqd::serve::main(&args).unwrap_or_else(|e| {
            eprintln!("aseqd: {e}");
            ExitCode::FAILURE
        }),
    }
}
