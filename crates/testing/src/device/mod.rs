//! Tests with a real device: what happens when a test that has the attribute starts.
//!
//! The first process is *outside*: it starts the test program again for this test alone, under `aseqd run`, waits for
//! it, and fails as it did. The second is *inside*: it has a sequencer, runs the body of the test, and reports how that
//! ended. Code that runs before `main` makes the test program what it is started as.

mod before_main;
mod inside;
mod output;
mod outside;
mod report;

pub use inside::Inside;

use crate::__private::Entered;
use std::ffi::OsStr;

/// Says how tests are run: see the documentation of the attribute.
const MODE: &str = "ASEQD_TESTING";

/// Starts a test. `path` is its function with all modules, as the compiler names it.
///
/// # Panics
/// If the test has failed in another process, or could not be started.
#[must_use]
pub fn enter(path: &str, options: &str, should_panic: bool) -> Entered {
    if let Some(inside) = before_main::begin_test() {
        return Entered::Inside(inside);
    }
    match std::env::var_os(MODE) {
        None => {}
        Some(mode) if mode.is_empty() || mode == "own" => {}
        Some(mode) if mode == "here" => return Entered::Inside(Inside::here()),
        Some(mode) => panic!("{MODE} is {}: it can be `own` or `here`", show(&mode)),
    }
    outside::run(&test_name(path), options, should_panic);
    Entered::Passed
}

fn show(word: &OsStr) -> std::path::Display<'_> {
    std::path::Path::new(word).display()
}

/// Returns the name by which the harness knows a test. Attributes that make several tests of one function, such as those
/// of `rstest`, add to the function's path; then the name is that of the thread, or the one that was asked for.
fn test_name(path: &str) -> String {
    // The harness leaves out the name of the crate.
    let own = path.split_once("::").map_or(path, |(_, own)| own);
    let belongs = |name: &str| {
        name.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let thread = std::thread::current();
    if let Some(name) = thread.name().filter(|name| belongs(name)) {
        return name.to_owned();
    }
    // A harness that runs one test at a time runs it in the main thread.
    let mut words = std::env::args_os().filter_map(|word| word.into_string().ok());
    let asked_for =
        words.by_ref().any(|word| word == "--exact").then(|| words.find(|word| belongs(word)));
    asked_for.flatten().unwrap_or_else(|| own.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_test_is_the_harnesss() {
        let path = concat!(module_path!(), "::the_name_of_a_test_is_the_harnesss");
        assert_eq!(test_name(path), "device::tests::the_name_of_a_test_is_the_harnesss");
        assert_eq!(test_name("one::two::three"), "two::three");
        let name = "device::tests::the_name_of_a_test::case_1".to_owned();
        let named = std::thread::Builder::new().name(name.clone());
        let test = || test_name("aseqd_testing::device::tests::the_name_of_a_test");
        assert_eq!(named.spawn(test).expect("a thread").join().expect("a name"), name);
    }
}
