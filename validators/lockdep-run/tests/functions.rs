//! `--functions`: functions of a program and of its plug-in, called in each way that can be followed.

#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]

mod common;

use std::path::PathBuf;
use std::sync::LazyLock;

use common::{Ran, compile, lockdep_run};

static HOST: LazyLock<PathBuf> =
    LazyLock::new(|| compile("c++", "functions.cpp", "functions", &["-ldl"]));
static PLUGIN: LazyLock<PathBuf> = LazyLock::new(|| {
    compile("c++", "functions.cpp", "functions.so", &["-shared", "-fPIC", "-DPLUGIN"])
});

/// Runs the program with these names of functions, and fails if it did not get what its functions return.
fn run(names: &str, how: &str) -> Ran {
    let (host, plugin) = (HOST.to_str().expect("a path"), PLUGIN.to_str().expect("a path"));
    let ran: Ran = lockdep_run(&["--functions", names], &[host, how, plugin])
        .output()
        .expect("it runs")
        .into();
    assert_eq!(ran.out, "done\n", "{how}: {}", ran.err);
    ran
}

/// Returns the functions that have findings, each once.
fn guilty(ran: &Ran) -> Vec<String> {
    let mut all: Vec<String> = ran
        .titles()
        .iter()
        .map(|title| title.rsplit(' ').next().unwrap_or_default().to_owned())
        .collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn functions_that_dlsym_returns_get_their_arguments_and_give_their_results() {
    let ran = run("process,many,sums,large,precise,two,wide", "dlsym");
    let mut wanted = vec!["large", "many", "precise", "process", "sums", "two"];
    if std::arch::is_x86_feature_detected!("avx") {
        wanted.push("wide");
    }
    assert_eq!(guilty(&ran), wanted, "{}", ran.err);
    assert_eq!(ran.status, Some(66));
    assert!(!ran.err.contains("(--functions)"), "nothing to tell: {}", ran.err);
    // Each is a section with its name.
    for name in wanted {
        let is_it = |line: &str| line.starts_with(&format!("{name} "));
        assert!(ran.err.lines().any(is_it), "{name}: {}", ran.err);
    }
}

#[test]
fn only_named_functions_are_checked() {
    let ran = run("process", "dlsym");
    assert_eq!(guilty(&ran), ["process"], "{}", ran.err);
    let (host, plugin) = (HOST.to_str().expect("a path"), PLUGIN.to_str().expect("a path"));
    let ran: Ran = lockdep_run(&[], &[host, "dlsym", plugin]).output().expect("it runs").into();
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "done\n"), "{}", ran.err);
}

#[test]
fn virtual_functions_are_called_through_their_tables() {
    let ran = run("Gain::render,Own::re*", "virtual");
    assert_eq!(guilty(&ran), ["Gain::render", "Own::render"], "{}", ran.err);
    let ran = run("*::render", "virtual");
    assert_eq!(guilty(&ran), ["Gain::render", "Own::render"], "{}", ran.err);
}

#[test]
fn a_static_function_is_followed_if_a_table_has_its_address() {
    let ran = run("run", "table");
    assert_eq!(guilty(&ran), ["run"], "{}", ran.err);
}

#[test]
fn the_linkers_tables_are_followed_in_each_of_their_forms() {
    let plugin = PLUGIN.to_str().expect("a path");
    for (name, form) in
        [("lazy", "-Wl,-z,lazy"), ("now", "-Wl,-z,now"), ("packed", "-Wl,-z,pack-relative-relocs")]
    {
        let linked = ["-DLINKED", "-ldl", "-pie", "-fPIE", form, plugin];
        let host = compile("c++", "functions.cpp", &format!("functions-{name}"), &linked);
        let host = host.to_str().expect("a path");
        for how in ["linked", "pointer", "default", "virtual"] {
            let names = ["--functions", "process,Gain::render,Own::render"];
            let ran: Ran =
                lockdep_run(&names, &[host, how, plugin]).output().expect("it runs").into();
            assert_eq!(ran.out, "done\n", "{name} {how}: {}", ran.err);
            let wanted: &[&str] =
                if how == "virtual" { &["Gain::render", "Own::render"] } else { &["process"] };
            assert_eq!(guilty(&ran), wanted, "{name} {how}: {}", ran.err);
        }
    }
}

#[test]
fn a_library_that_is_searched_in_its_callers_folders_is_found_there() {
    let folder = PLUGIN.parent().expect("a folder").to_str().expect("a path");
    let path = format!("-Wl,-rpath,{folder}");
    let host = compile("c++", "functions.cpp", "functions-path", &["-ldl", &path]);
    let host = host.to_str().expect("a path");
    let names = ["--functions", "process"];
    let ran: Ran =
        lockdep_run(&names, &[host, "dlsym", "functions.so"]).output().expect("it runs").into();
    assert_eq!(ran.out, "done\n", "{}", ran.err);
    assert_eq!(guilty(&ran), ["process"], "{}", ran.err);
}

#[test]
fn a_function_whose_calls_cannot_be_seen_is_told() {
    let ran = run("hidden,proces,process", "static");
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    for line in [
        "hidden was not followed: it is called directly inside of its file, as static functions are; mark it with \
         lockdep.h (--functions)",
        "no function is named proces (--functions)",
        "process was not followed: it is called directly",
    ] {
        assert!(ran.err.contains(line), "{line}: {}", ran.err);
    }
}

#[test]
fn an_exception_that_leaves_a_function_ends_its_section() {
    let ran = run("throws,catches", "exception");
    assert_eq!(guilty(&ran), ["catches", "throws"], "{}", ran.err);
    // Its object is allocated in the function.
    let of_exception = "BUG: sleeping function malloc called from invalid context in throws";
    assert!(ran.err.contains(of_exception), "{}", ran.err);
}

#[test]
fn a_jump_that_leaves_a_function_ends_its_section() {
    let ran = run("jumps,jumps_within", "longjmp");
    assert_eq!(guilty(&ran), ["jumps", "jumps_within"], "{}", ran.err);
}

#[test]
fn a_thread_may_end_in_a_function() {
    let ran = run("ends", "exit");
    assert_eq!(guilty(&ran), ["ends"], "{}", ran.err);
}

#[test]
fn a_function_that_calls_itself_is_one_section() {
    let ran = run("deep", "deep");
    assert_eq!(guilty(&ran), ["deep"], "{}", ran.err);
    let row = ran.err.lines().find(|line| line.starts_with("deep ")).expect("its section");
    assert_eq!(row.split_whitespace().nth(2), Some("1"), "{row}");
}

#[test]
fn stacks_lead_through_a_function_to_its_callers() {
    let ran = run("traces", "backtrace");
    let report = ran.err.split("Call Trace:").nth(1).expect("a report");
    let report = report.split("</TASK>").next().expect("a stack");
    let lines: Vec<&str> =
        report.lines().map(str::trim).filter(|line| line.contains('+')).collect();
    assert!(lines[0].starts_with("traces+"), "{lines:#?}");
    assert!(lines[1].starts_with("main+"), "{lines:#?}");
    assert!(!report.contains("lockdep_"), "none of our own: {report}");
}
