//! Checks that `aseqd bench` measures what it says, on any machine. Figures are not compared with each other: speed
//! depends on what else runs.

mod common;

use common::{ASEQD, DEADLINE, Mark, Process, can_serve, finish, shell};
use rustix::process::Signal;
use serde_json::Value;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

fn bench(arguments: &[&str]) -> common::Ended {
    let mut command = Command::new(ASEQD);
    command.arg("bench").args(arguments);
    finish(command, DEADLINE)
}

/// The rows of a quick bench.
fn rows(families: &[&str]) -> Vec<Value> {
    let ended = bench(&[&["--quick", "--json"], families].concat());
    assert!(ended.status.success(), "{ended:#?}");
    let table: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert!(table["machine"]["cpus"].as_u64().expect("a count") > 0, "{table}");
    assert!(!table["machine"]["kernel"].as_str().expect("a text").is_empty(), "{table}");
    assert_eq!(table["machine"]["load"].as_array().map(Vec::len), Some(3), "{table}");
    assert_eq!(table["rounds"], 1, "{table}");
    table["rows"].as_array().expect("rows").clone()
}

fn line<'a>(row: &'a Value, name: &str) -> &'a Value {
    let lines = row["lines"].as_array().expect("lines");
    let found = lines.iter().find(|line| line["name"] == name);
    found.unwrap_or_else(|| panic!("{row} has a line {name}"))
}

/// Checks that a line was measured, and that its figures are finite and not zero.
#[track_caller]
fn assert_figures(row: &Value, name: &str, figures: &[&str]) {
    let line = line(row, name);
    assert_eq!(line["not_measured"], Value::Null, "{line}");
    for figure in figures {
        let figure = &line["figures"][figure];
        for key in ["median", "min", "max"] {
            let value = figure[key].as_f64();
            assert!(value.is_some_and(|value| value.is_finite() && value > 0.0), "{line}");
        }
        assert_eq!(figure["rounds"].as_array().map(Vec::len), Some(1), "{line}");
    }
}

#[test]
fn the_list_names_every_row_once() {
    let ended = bench(&["--list"]);
    assert!(ended.status.success(), "{ended:#?}");
    let names: Vec<_> =
        ended.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let all = [
        "lateness",
        "timer",
        "latency",
        "call",
        "flood",
        "fanout",
        "rates",
        "queue",
        "engine",
        "idle",
        "recording",
        "startup",
        "play",
    ];
    assert_eq!(names, all);
}

#[test]
fn a_row_that_does_not_exist_is_wrong_usage() {
    let ended = bench(&["latency", "speed"]);
    assert_eq!(ended.status.code(), Some(2), "{ended:#?}");
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.starts_with("aseqd: there is no row speed; the rows are lateness, "));
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:#?}");
}

#[test]
fn rounds_are_at_least_one() {
    let ended = bench(&["--rounds", "0", "--list"]);
    assert_eq!(ended.status.code(), Some(2), "{ended:#?}");
}

#[test]
fn the_engine_and_its_queue_are_measured_in_the_bench_itself() {
    let rows = rows(&["engine", "queue"]);
    let of = |family: &str| rows.iter().filter(|row| row["row"] == family).collect::<Vec<_>>();
    let (queues, engines) = (of("queue"), of("engine"));
    assert_eq!((queues.len(), engines.len()), (2, 3));
    for row in queues {
        let figures = ["hold_ns", "append_ns", "remove_ns_per_pending"];
        for name in [
            "the engine's queue",
            "through the engine's border",
            "4-ary heap of keys, slab",
            "std BinaryHeap",
            "sorted list, as Linux has it",
        ] {
            assert_figures(row, name, &figures);
        }
        let ratio = &line(row, "4-ary heap of keys, slab")["figures"]["hold_ns"]["ratio_to_limit"];
        assert_eq!(ratio, 1.0, "the first limit is what ratios are to");
    }
    for row in engines {
        assert_figures(row, "engine", &["events_per_s"]);
        assert_figures(row, "a copy into a ring and out", &["events_per_s"]);
    }
}

#[test]
fn calls_are_measured_beside_a_socket() {
    if !can_serve() {
        return;
    }
    let rows = rows(&["call"]);
    assert_eq!(rows.len(), 5);
    for row in &rows {
        for name in ["FUSE", "hand-over", "preload", "trap", "socket round trip"] {
            assert_figures(row, name, &["us_p50", "us_p99"]);
        }
    }
}

#[test]
fn messages_go_through_every_door_and_none_is_lost() {
    if !can_serve() {
        return;
    }
    let rows = rows(&["latency", "flood"]);
    assert_eq!(rows.len(), 4);
    assert_figures(&rows[0], "FUSE", &["p50_us", "p99_us"]);
    assert_figures(&rows[0], "socket, stream", &["p50_us", "p99_us"]);
    assert_figures(&rows[0], "eventfd", &["p50_us", "p99_us"]);
    for row in &rows[1..] {
        assert_figures(row, "FUSE", &["events_per_s"]);
        assert_eq!(line(row, "FUSE")["figures"]["lost"]["max"], 0.0, "{row}");
        assert_figures(row, "socket, stream", &["events_per_s"]);
        assert_figures(row, "socket, packets", &["events_per_s"]);
    }
    // Rows of peers that are not installed say so.
    for peer in ["ZeroMQ ipc", "sndiod"] {
        let line = line(&rows[0], peer);
        let measured = line["figures"]["p50_us"]["median"].as_f64().is_some();
        assert!(measured || line["not_measured"].as_str().is_some(), "{line}");
    }
}

#[test]
fn lateness_is_measured_from_the_instant_on() {
    if !can_serve() {
        return;
    }
    let rows = rows(&["lateness"]);
    assert_eq!(rows.len(), 2, "under the ordinary scheduler, and under SCHED_FIFO");
    assert_figures(&rows[0], "FUSE: program's read", &["p50_us", "p99_us"]);
    assert_figures(&rows[0], "timerfd and epoll", &["p50_us", "p99_us"]);
    assert_figures(&rows[0], "clock_nanosleep", &["p50_us", "p99_us"]);
    assert_figures(&rows[0], "a tick of 1 kHz", &["p50_us", "p99_us"]);
    assert_figures(&rows[0], "FUSE: server's stamp", &["p50_us", "p99_us"]);
    let precise = ["p50_us", "p99_us", "server_cpu_us_per_instant"];
    assert_figures(&rows[0], "FUSE --precise: program's read", &precise);
}

#[test]
fn ticks_of_a_timer_are_measured_beside_bare_sleeps() {
    if !can_serve() {
        return;
    }
    let rows = rows(&["timer"]);
    assert_eq!(rows.len(), 2, "under the ordinary scheduler, and under SCHED_FIFO");
    let figures = ["p50_us", "p99_us", "server_cpu_us_per_tick"];
    assert_figures(&rows[0], "FUSE: program's read", &figures);
    assert_figures(&rows[0], "FUSE --precise: program's read", &figures);
    for name in ["clock_nanosleep", "timerfd, periodic"] {
        assert_figures(&rows[0], name, &["p50_us", "p99_us"]);
    }
    // Our interrupts happen at their exact instants, so a record's time is its due time.
    let stamp = &line(&rows[0], "FUSE: record's time")["figures"];
    assert_eq!(
        (&stamp["p50_us"]["median"], &stamp["p99_us"]["median"]),
        (&0.0.into(), &0.0.into())
    );
}

#[test]
fn servers_are_watched_and_readers_counted() {
    if !can_serve() {
        return;
    }
    let rows = rows(&["fanout", "idle"]);
    let (fanout, idle) = rows.split_at(3);
    for row in fanout {
        assert_figures(row, "FUSE", &["cpu_ns_per_delivery", "server_ns_per_delivery"]);
        assert_eq!(line(row, "FUSE")["figures"]["lost"]["max"], 0.0, "{row}");
        assert_figures(row, "a socket for each reader", &["cpu_ns_per_delivery"]);
    }
    assert_eq!(idle.len(), 4);
    // The server has nothing to wake for, except a request of another program.
    assert!(line(&idle[0], "FUSE")["figures"]["wakeups_per_s"]["median"].as_f64().is_some());
    for row in &idle[1..] {
        let figures = ["wakeups_per_s", "cpu_us_per_s", "wakeups_per_instant"];
        assert_figures(row, "FUSE", &figures);
        assert_figures(row, "timerfd and epoll", &figures);
    }
}

#[test]
fn events_cost_what_they_cost_at_each_rate() {
    if !can_serve() {
        return;
    }
    let rows = rows(&["rates"]);
    assert_eq!(rows.len(), 4);
    for name in ["FUSE", "socket, stream"] {
        assert_figures(&rows[0], name, &["cpu_us_per_s"]);
        for row in &rows[1..] {
            assert_figures(row, name, &["cpu_us_per_s", "cpu_ns_per_event", "events_per_s"]);
            assert_eq!(line(row, name)["figures"]["lost"]["max"], 0.0, "{row}");
        }
    }
}

#[test]
fn recording_is_measured_beside_its_absence() {
    if !can_serve() {
        return;
    }
    let rows = rows(&["recording"]);
    for name in ["FUSE", "FUSE, recorded"] {
        assert_figures(&rows[0], name, &["server_ns_per_event", "events_per_s"]);
    }
}

#[test]
fn starting_and_playing_take_time() {
    if !can_serve() {
        return;
    }
    let rows = rows(&["startup", "play"]);
    assert_figures(&rows[0], "aseqd run -- true, FUSE", &["ms"]);
    assert_figures(&rows[0], "true", &["ms"]);
    let figures = ["first_event_ms", "peak_memory_per_file_size"];
    assert_figures(&rows[1], "aseqd play, FUSE", &figures);
    assert_figures(&rows[1], "reading the whole file", &["first_event_ms"]);
}

#[test]
fn a_device_that_is_not_there_is_said_once() {
    if std::fs::exists("/dev/snd/seq").unwrap_or(true) {
        return common::skip("this machine has a sequencer");
    }
    let ended = bench(&["--quick", "--json", "--against-dev-snd-seq", "startup", "fanout"]);
    assert!(ended.status.success(), "{ended:#?}");
    let table: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let why = &line(&table["rows"][0], "/dev/snd/seq")["not_measured"];
    assert!(why.as_str().is_some_and(|why| why.contains("there is no sequencer")), "{why}");
    assert_eq!(line(&table["rows"][0], "/dev/snd/seq")["side"], "kernel");
}

/// However the bench ends, what it has started ends too: servers of peers, and programs under `aseqd run`.
#[test]
fn a_bench_that_is_interrupted_leaves_nobody_behind() {
    // The peers' servers may not be installed. These stand-ins run until they are told to end.
    let peers = tempfile::tempdir().expect("a folder");
    for name in ["jackd", "sndiod"] {
        let path = peers.path().join(name);
        // JACK's library asks `jackd -l` for a folder, and waits for the answer.
        let script = "#!/bin/sh\n[ \"$1\" != -l ] || exit 1\nexec sleep 4711\n";
        std::fs::write(&path, script).expect("a script");
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("a script");
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", peers.path().display());
    for signal in [Signal::TERM, Signal::KILL] {
        let mut command = Command::new(ASEQD);
        command.args(["bench", "latency", "--rounds", "1000"]).env("PATH", &path);
        let mark = Mark::new(&mut command);
        let mut bench = Process::start(command);
        bench.wait_until("a worker and the servers of peers", |_| {
            let running = mark.processes();
            let count = |word| running.iter().filter(|(_, line)| line.contains(word)).count();
            count("bench-worker") > 0 && count("sleep 4711") == 2
        });
        bench.signal(signal);
        bench.wait_within(DEADLINE);
        mark.expect_nothing();
    }
    // The reader closes the pipe: it has seen enough.
    let mut command = shell(&format!("'{ASEQD}' bench latency engine --quick | head -n 4"));
    let files = tempfile::tempdir().expect("a folder");
    let mark = Mark::new(command.env("PATH", &path).env("TMPDIR", files.path()));
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.stdout.lines().count(), 4, "{ended:#?}");
    mark.expect_nothing();
    assert_eq!(
        std::fs::read_dir(files.path()).expect("a folder").count(),
        0,
        "its files are removed"
    );
}
