//! `kcsan-cc` compiles C programs so that they report their data races.

use kcsan::program::{OPTIONS, cc};

fn main() {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--help") {
        print!("{}{OPTIONS}{}", cc::HELP, cc::ENVIRONMENT);
        return;
    }
    eprintln!("kcsan-cc: {}", cc::run(&arguments));
    std::process::exit(1);
}
