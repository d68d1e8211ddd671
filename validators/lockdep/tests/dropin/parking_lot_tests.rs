//! `parking_lot`'s own tests and examples, compiled and run with the checked locks.

use std::fmt::Write as _;

use skip::skip;

use crate::scratch::{Scratch, downloaded, parking_lot_line, passed};

/// The version whose tests these are. It is the one that `lockdep` is built with.
const VERSION: &str = "parking_lot-0.12.5";
/// The files with tests and examples, and how many tests they have.
const FILES: [&str; 6] = ["condvar", "fair_mutex", "mutex", "once", "remutex", "rwlock"];

/// What tests call that is private in `parking_lot`.
const PRIVATE: &str = "
    trait Internal {
        fn wait_while_until_internal<T: ?Sized, F: FnMut(&mut T) -> bool>(
            &self, guard: &mut MutexGuard<'_, T>, condition: F, end: Option<Instant>,
        ) -> parking_lot::WaitTimeoutResult;
    }
    impl Internal for Condvar {
        fn wait_while_until_internal<T: ?Sized, F: FnMut(&mut T) -> bool>(
            &self, guard: &mut MutexGuard<'_, T>, condition: F, end: Option<Instant>,
        ) -> parking_lot::WaitTimeoutResult {
            if let Some(end) = end {
                return self.wait_while_until(guard, condition, end);
            }
            self.wait_while(guard, condition);
            self.wait_while_until(guard, |_| false, Instant::now())
        }
    }
";

/// What tests call of the crate `rand`.
const RANDOM: &str = "
    mod rand {
        pub trait Rng {
            fn gen_bool(&mut self, p: f64) -> bool;
        }
        pub struct Counter(f64);
        impl Rng for Counter {
            fn gen_bool(&mut self, p: f64) -> bool {
                self.0 += p;
                let is_due = self.0 >= 1.0;
                self.0 = self.0.fract();
                is_due
            }
        }
        pub fn thread_rng() -> Counter { Counter(0.0) }
    }
";

/// Returns the examples in the comments of a file.
fn examples(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current: Option<String> = None;
    for line in source.lines() {
        let Some(text) = line.trim_start().strip_prefix("///") else {
            current = None;
            continue;
        };
        let text = text.strip_prefix(' ').unwrap_or(text);
        match &mut current {
            Some(_) if text.starts_with("```") => found.extend(current.take()),
            Some(code) => {
                let _ = writeln!(code, "{}", text.strip_prefix("# ").unwrap_or(text));
            }
            None if text.trim() == "```" => current = Some(String::new()),
            None => {}
        }
    }
    found
}

/// Returns a library of the tests and examples, and how many there are.
fn library(read: impl Fn(&str) -> String) -> (String, usize) {
    let mut library = "#![allow(warnings)]\n".to_owned();
    let mut count = 0;
    for file in FILES {
        let source = read(file);
        let (code, tests) =
            source.split_once("#[cfg(test)]\nmod tests {").unwrap_or((&source, "}"));
        // Another module of tests needs the crate `rand`.
        let tests = tests.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let tests = tests.replace("crate::", "parking_lot::");
        let tests = tests.replace("feature = \"serde\"", "any()");
        let tests = tests.replace("feature = \"arc_lock\"", "all()");
        let helpers = match file {
            "condvar" => PRIVATE,
            "rwlock" => RANDOM,
            _ => "",
        };
        count += tests.matches("#[test]").count();
        count -= tests.matches("#[cfg(any())]\n    #[test]").count();
        let _ = writeln!(library, "mod tests_of_{file} {{\n{helpers}\n{tests}");
        for (index, example) in examples(code).iter().enumerate() {
            let example = example.replace("fn main()", "fn inner_main()");
            let call = if example.contains("fn inner_main()") { "inner_main();" } else { "" };
            let _ = writeln!(
                library,
                "#[test]\nfn example_{index}_of_{file}() {{\n{example}\n{call}\n}}"
            );
            count += 1;
        }
    }
    (library, count)
}

#[test]
fn the_tests_of_parking_lot_pass_with_and_without_guards_that_move() {
    let Some(folder) = downloaded(VERSION) else {
        skip("cargo has not downloaded parking_lot here");
        return;
    };
    let read = |file: &str| {
        std::fs::read_to_string(folder.join("src").join(format!("{file}.rs"))).expect("a file")
    };
    let (library, count) = library(read);
    assert!(count > 60, "{count} tests and examples");
    for features in [&["arc_lock"][..], &["arc_lock", "send_guard"]] {
        let scratch = Scratch::new("tests-of-parking-lot", &parking_lot_line(features), &library);
        let output = scratch.cargo(&["test", "--offline", "--lib"]);
        assert_eq!(passed(&output), count, "{features:?}");
    }
}
