//! Crates of others, with one dependency of their `Cargo.toml` exchanged: their own tests pass, nothing but what is
//! right is reported, and an inversion that is planted in them is.

use std::fmt::Write as _;

use kreport::Log;
use skip::skip;

use crate::scratch::{Scratch, downloaded, parking_lot_line, passed, std_line, text};

/// A crate, and what is planted in it.
struct Case {
    name: &'static str,
    version: &'static str,
    /// What exchanges a crate.
    line: String,
    /// Which of its tests run.
    tests: &'static [&'static str],
    /// What is right to report of them: the beginnings of titles.
    findings: &'static [&'static str],
    /// A test in the crate, which takes one of its locks and the lock `PLANTED` in both orders.
    planted: &'static str,
}

fn cases() -> [Case; 3] {
    [
        Case {
            name: "threadpool",
            version: "1.8.1",
            line: std_line(),
            tests: &["--lib"],
            findings: &[],
            planted: "
                static PLANTED: std::sync::Mutex<()> = std::sync::Mutex::new(());
                #[test]
                fn planted() {
                    let pool = crate::ThreadPool::new(1);
                    let own = &pool.shared_data.empty_trigger;
                    drop((own.lock().unwrap(), PLANTED.lock().unwrap()));
                    drop((PLANTED.lock().unwrap(), own.lock().unwrap()));
                }",
        },
        Case {
            name: "scheduled-thread-pool",
            version: "0.2.7",
            line: parking_lot_line(&[]),
            tests: &["--lib"],
            findings: &[],
            planted: "
                static PLANTED: parking_lot::Mutex<()> = parking_lot::const_mutex(());
                #[test]
                fn planted() {
                    let pool = crate::ScheduledThreadPool::builder().num_threads(1).build();
                    let own = &pool.shared.inner;
                    drop((own.lock(), PLANTED.lock()));
                    drop((PLANTED.lock(), own.lock()));
                }",
        },
        Case {
            name: "crossbeam-utils",
            version: "0.8.23",
            line: std_line(),
            tests: &["--test", "sharded_lock", "--test", "parker", "--test", "wait_group"],
            // One of the tests forgets guards of locks that end. Another one reads twice, and in a program with a writer
            // that may wait for ever.
            findings: &[
                "WARNING: held lock freed in ",
                "possible deadlock in crossbeam_utils::sync::sharded_lock::ShardedLock::read",
            ],
            // Its writers take eight locks of one class, in the order of their addresses.
            planted: "
                static PLANTED: std::sync::Mutex<()> = std::sync::Mutex::new(());
                #[test]
                fn planted() {
                    let own = crate::sync::ShardedLock::new(1);
                    drop((own.write().unwrap(), PLANTED.lock().unwrap()));
                    drop((PLANTED.lock().unwrap(), own.read().unwrap()));
                }",
        },
    ]
}

/// Returns the crate with the line, or nothing if it cannot be downloaded.
fn prepare(case: &Case) -> Option<Scratch> {
    let source = downloaded(&format!("{}-{}", case.name, case.version)).or_else(|| {
        let line = format!("{} = \"={}\"\n", case.name, case.version);
        let fetch = Scratch::new("fetch", &line, "").cargo_fetch();
        fetch.status.success().then(|| downloaded(&format!("{}-{}", case.name, case.version)))?
    })?;
    let scratch = Scratch::copy(&source);
    // A package of the registry has a section for each dependency. The one that is exchanged goes.
    let manifest = scratch.read("Cargo.toml");
    let mut kept: Vec<&str> = manifest.split("\n[").collect();
    kept.retain(|section| !section.starts_with("dependencies.parking_lot]"));
    let mut manifest = kept.join("\n[");
    for part in ["[workspace]", &case.line, &crate::scratch::profiles()] {
        let _ = write!(manifest, "\n{part}\n");
    }
    scratch.write("Cargo.toml", &manifest);
    scratch.lock();
    scratch.cargo_fetch().status.success().then_some(scratch)
}

#[test]
fn crates_of_others_pass_their_tests_and_a_planted_inversion_is_found() {
    for case in cases() {
        let Some(scratch) = prepare(&case) else {
            skip(&format!("cargo cannot download {} here", case.name));
            continue;
        };
        let output = scratch.cargo(&[&["test"], case.tests].concat());
        let count = passed(&output);
        assert!(count > 5, "{}: {count} tests", case.name);
        let mut found = reports(&text(&output));
        found.retain(|title| !case.findings.iter().any(|right| title.starts_with(right)));
        assert_eq!(found, Vec::<String>::new(), "{}", case.name);

        let library = scratch.read("src/lib.rs");
        let module = format!("{library}\n#[cfg(test)]\nmod planted {{ {} }}\n", case.planted);
        scratch.write("src/lib.rs", &module);
        let output = scratch.cargo(&["test", "--lib", "planted::", "--", "--nocapture"]);
        assert_eq!(passed(&output), 1);
        let found = reports(&text(&output));
        assert_eq!(found.len(), 1, "{}: {found:?}", case.name);
        assert!(found[0].contains("possible deadlock in"), "{}: {found:?}", case.name);
    }
}

/// Returns the titles of the reports in a log.
fn reports(log: &str) -> Vec<String> {
    let log: Log<'_> = kreport::read(log);
    log.reports.iter().map(|report| report.title.clone()).collect()
}
