//! The names of `--threads` and `--functions`, and what became of them.

use lockdep::session::{head, named};

use crate::cli::Cli;
use crate::run;

/// Returns the names of threads.
fn threads(cli: &Cli) -> impl Iterator<Item = &str> {
    cli.threads.iter().flat_map(|names| run::names(names))
}

/// Checks that there is room for what becomes of the names.
///
/// # Errors
///
/// Returns a sentence if there are too many names.
pub fn check(cli: &Cli) -> Result<(), String> {
    let count = threads(cli).count() + cli.functions.len();
    if !cli.functions.is_empty() && count > head::NAMES_SIZE {
        return Err(format!(
            "--threads and --functions have {count} names, and at most {} are possible; use asterisks",
            head::NAMES_SIZE
        ));
    }
    Ok(())
}

/// Returns a sentence for each name that fitted nothing, or whose calls cannot be seen. `states` are bits of
/// [`named`], in the order of the names; those that are missing are not known.
#[must_use]
pub fn notes(cli: &Cli, states: &[u64]) -> Vec<String> {
    let first = threads(cli).count();
    let of_threads = threads(cli).zip(states).filter(|(_, state)| **state == 0);
    let mut notes: Vec<String> =
        of_threads.map(|(name, _)| format!("no thread is named {name} (--threads)")).collect();
    let of_functions = cli.functions.iter().zip(states.iter().skip(first));
    notes.extend(of_functions.filter_map(|(name, state)| of_function(name, *state)));
    notes
}

fn of_function(name: &str, state: u64) -> Option<String> {
    let has = |bit| state & bit != 0;
    let what = if has(named::IMPOSSIBLE) {
        format!(
            "{name} was not followed, because the processor checks the program's return addresses"
        )
    } else if has(named::LEFT_OUT) {
        format!("{name} fits too many functions, and not all were followed")
    } else if has(named::HAS_RUN) {
        return None;
    } else if has(named::HAS_SLOT) {
        format!("no call of {name} was seen: it did not run, or only its own file calls it")
    } else if has(named::EXISTS) {
        format!(
            "{name} was not followed: it is called directly inside of its file, as static functions are; mark it with \
             lockdep.h"
        )
    } else {
        format!("no function is named {name}")
    };
    Some(format!("{what} (--functions)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn cli(options: &[&str]) -> Cli {
        Cli::parse_from([&["lockdep-run"], options, &["--", "true"]].concat())
    }

    #[test]
    fn each_name_is_told_with_what_became_of_it() {
        let cli = cli(&["--threads", "a,b", "--functions", "c,d,e,f,g,h"]);
        let seen = named::EXISTS | named::HAS_SLOT;
        let states = [
            named::EXISTS,
            0,
            seen | named::HAS_RUN,
            seen,
            named::EXISTS,
            0,
            named::IMPOSSIBLE,
            seen | named::LEFT_OUT,
        ];
        let notes = notes(&cli, &states);
        let begins = [
            "no thread is named b",
            "no call of d was seen",
            "e was not followed: it is called directly",
            "no function is named f",
            "g was not followed, because the processor",
            "h fits too many",
        ];
        assert_eq!(notes.len(), begins.len(), "{notes:#?}");
        for (note, begin) in notes.iter().zip(begins) {
            assert!(note.starts_with(begin), "{note}");
        }
    }

    #[test]
    fn too_many_names_are_refused() {
        let many = vec!["f"; head::NAMES_SIZE].join(",");
        assert!(check(&cli(&["--functions", &many])).is_ok());
        assert!(check(&cli(&["--functions", &many, "--threads", "a"])).is_err());
    }

    #[test]
    fn names_that_fit_everything_or_have_parameters_are_refused() {
        for name in ["**", "a,", "f(int)", "Gain<float>::process"] {
            let words = ["lockdep-run", "--functions", name, "--", "true"];
            assert!(Cli::try_parse_from(words).is_err(), "{name}");
        }
    }
}
