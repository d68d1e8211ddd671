//! `races CASE [fixed]` has one data race, or is the same code without it, under the tool for which it was built. The
//! program `kcsan-table` knows how each tool reports a race.

#![cfg_attr(
    not(feature = "loom"),
    expect(clippy::disallowed_types, reason = "locks of two threads are what the tools look at")
)]

mod cases;
#[cfg(not(feature = "loom"))]
mod processes;
#[cfg(not(feature = "loom"))]
mod rounds;
mod tool;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let fixed = arguments.get(1).is_some_and(|word| word == "fixed");
    let name = arguments.first().map_or("", String::as_str);
    #[cfg(not(feature = "loom"))]
    if let Some(status) = processes::run(name, fixed, arguments.get(2).map(String::as_str)) {
        return status;
    }
    let Some((_, new)) = cases::CASES.iter().find(|(known, _)| *known == name) else {
        eprintln!("races: no such case: {name}");
        return ExitCode::from(2);
    };
    tool::run(*new, fixed);
    ExitCode::SUCCESS
}
