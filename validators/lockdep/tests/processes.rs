//! Two processes that share a graph. Neither sees both orders; together they do.

use std::path::Path;
use std::process::Command;

use lockdep::{Mutex, SpinLock, hardirq_enter};

/// The variable with the name of a child's case. The tests below set it and run this program again.
const CASE: &str = "LOCKDEP_TEST_CASE";

/// Runs the case of a child. Without a case it does nothing.
#[test]
fn child() {
    let Ok(case) = std::env::var(CASE) else { return };
    let queue = Mutex::named("queue", ());
    let client = Mutex::named("client", ());
    let port = Mutex::named("port", ());
    let timer = SpinLock::named("timer", ());
    let pair = |first: &Mutex<()>, second: &Mutex<()>| {
        let _first = first.lock();
        let _second = second.lock();
    };
    match case.as_str() {
        "queue then client" => pair(&queue, &client),
        "client then queue" => pair(&client, &queue),
        "client then port" => pair(&client, &port),
        "port then queue" => pair(&port, &queue),
        "timer in a callback" => {
            let _irq = hardirq_enter("callback");
            drop(timer.lock());
        }
        "timer with interrupts on" => drop(timer.lock()),
        "timer with interrupts off" => drop(timer.lock_irqsave()),
        _ => panic!("no such case: {case}"),
    }
}

/// Runs the cases one after the other, each in a process of its own, and returns their reports.
fn run(cases: &[&str], graph: Option<&Path>) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    for case in cases {
        let me = std::env::current_exe().expect("this program");
        let mut command = Command::new(me);
        command.args(["--exact", "child"]).env(CASE, case).env("LOCKDEP_LOG", &log);
        command.env_remove("LOCKDEP_GRAPH");
        if let Some(graph) = graph {
            command.env("LOCKDEP_GRAPH", graph);
        }
        let output = command.output().expect("a child");
        assert!(output.status.success(), "{case}: {output:?}");
    }
    std::fs::read_to_string(log).unwrap_or_default()
}

fn shared(cases: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    run(cases, Some(&folder.path().join("graph")))
}

#[test]
fn an_inversion_split_over_two_processes() {
    let found = shared(&["queue then client", "client then queue"]);
    assert!(found.contains("WARNING: possible circular locking dependency detected"), "{found}");
    assert!(found.contains(" [pid-"), "the other process's stack is named: {found}");
    assert_eq!(shared(&["queue then client", "queue then client"]), "");
    assert_eq!(run(&["queue then client", "client then queue"], None), "", "not without a graph");
}

#[test]
fn a_chain_over_three_processes() {
    let found = shared(&["queue then client", "client then port", "port then queue"]);
    assert!(found.contains("Chain exists of:\n  queue --> client --> port\n"), "{found}");
    assert_eq!(shared(&["queue then client", "client then port", "queue then client"]), "");
}

#[test]
fn a_use_in_a_callback_of_another_process() {
    let found = shared(&["timer in a callback", "timer with interrupts on"]);
    assert!(found.contains("inconsistent {IN-HARDIRQ-W} -> {HARDIRQ-ON-W} usage."), "{found}");
    assert_eq!(shared(&["timer in a callback", "timer with interrupts off"]), "");
}
