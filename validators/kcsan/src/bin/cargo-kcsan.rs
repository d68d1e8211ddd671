//! `cargo kcsan` builds and runs programs so that they report their data races.

use std::process::ExitCode;

use kcsan::program::{cargo, rustc};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    // Cargo runs this program again in place of the compiler.
    if std::env::var_os(rustc::WAY).is_some() {
        eprintln!("cargo-kcsan: rustc: {}", rustc::run(&arguments));
        return ExitCode::FAILURE;
    }
    cargo::run(arguments)
}
