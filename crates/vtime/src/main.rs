//! The program `vtime`.

use std::process::ExitCode;

fn main() -> ExitCode {
    vtime::program::main()
}
