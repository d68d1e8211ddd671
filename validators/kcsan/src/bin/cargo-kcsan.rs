//! `cargo kcsan` builds and runs programs so that they report their data races.

use std::process::ExitCode;

fn main() -> ExitCode {
    kcsan::program::cargo::main()
}
