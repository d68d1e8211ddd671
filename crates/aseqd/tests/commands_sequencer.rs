//! Our own commands, as separate processes at one device: `ls`, `connect`, `disconnect`, `monitor`.

mod common;

use aseqd_abi::event::{Control, EventData, EventTime, Note};
use aseqd_abi::{Address, Event, EventType};
use common::seq::{ANNOUNCE, Client, THROUGH};
use common::*;
use rustix::process::Signal;
use std::process::{Command, Stdio};

/// Lateness that even a busy machine does not reach. The wrong tempo would cause more: see the test.
const TOO_LATE_NS: i64 = 900_000_000;

/// Returns the error message of a command that must fail, without the prefix of all our lines.
#[track_caller]
fn failure(arguments: &[&str], status: i32) -> String {
    let ended = finish(aseqd(arguments), DEADLINE);
    assert_eq!(ended.status.code(), Some(status), "{arguments:?}: {ended:#?}");
    assert_eq!(ended.stdout, "", "{arguments:?}: errors go to standard error");
    ended.stderr.strip_prefix("aseqd: ").unwrap_or(&ended.stderr).trim_end().to_owned()
}

/// Starts a monitor and waits until it has its port.
fn monitor(client: &Client, arguments: &[&str]) -> (Process, Address) {
    let mut process = Process::start(aseqd(&[&["monitor"], arguments].concat()));
    let port = client.port_of(&mut process);
    (process, port)
}

/// Waits until a number of lines are printed, ends the monitor, and returns the lines.
fn lines(mut monitor: Process, count: usize, signal: Signal) -> Vec<String> {
    monitor.wait_until("events", |monitor| monitor.stdout().lines().count() >= count);
    monitor.signal(signal);
    let ended = monitor.wait();
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    ended.stdout.lines().map(str::to_owned).collect()
}

/// Returns the number of a key in a line of JSON.
fn number(line: &str, key: &str) -> Option<i64> {
    let (_, rest) = line.split_once(&format!("\"{key}\":"))?;
    rest.split([',', '}']).next()?.parse().ok()
}

fn note(dest: Address, queue: u8, tick: u32) -> Event {
    let data = EventData::from_note(Note { channel: 1, note: 60, velocity: 99, ..Note::default() });
    Event { queue, dest, data, time: EventTime::tick(tick), ..Event::direct(EventType::NOTEON) }
}

fn control(event_type: EventType, queue: u8, param: u32) -> Event {
    let data = EventData::from_queue(queue, param, 0);
    Event { data, ..Event::direct(event_type) }
}

#[test]
fn ls_lists_ports_and_connections() {
    inside(|| {
        let fresh = output(aseqd(&["ls"]));
        let wanted = "  0  System  (kernel)\n     0:0 Rw   Timer\n     0:1 R.   Announce\n \
                      14  Midi Through  (kernel)\n     14:0 RW   Midi Through Port-0\n";
        // Compared in words: the width of columns is not tested.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(&fresh), words(wanted));
        assert!(!fresh.contains('\u{1b}'), "no colours but on a terminal");
        assert!(!output(aseqd(&["ls", "-o"])).contains("System"), "nobody may write there");

        let client = Client::open();
        let port = client.create_port();
        client.subscribe(THROUGH, port);
        let list = output(aseqd(&["ls"]));
        assert!(list.contains(&format!("-> {port}\n")), "{list}");
        assert!(list.contains("<- 14:0\n"), "{list}");
        let json = output(aseqd(&["ls", "--json"]));
        let wanted = "\"sender\":\"14:0\"";
        let through = json.lines().find(|line| line.contains("\"port\":\"14:0\"")).expect("14:0");
        assert_eq!(through.matches(wanted).count(), 1, "{through}");
    });
}

#[test]
fn every_field_of_json_is_documented() {
    inside(|| {
        let page = include_str!("../../../docs/output.md");
        let client = Client::open();
        let port = client.create_port();
        client.subscribe(THROUGH, port);
        output(aseqd(&[
            "connect",
            &port.to_string(),
            "14:0",
            "--real",
            &client.create_queue().to_string(),
        ]));
        for command in ["ls", "timers", "doctor"] {
            let (_, section) =
                page.split_once(&format!("## `aseqd {command} --json`")).expect(command);
            let section = section.split("\n## ").next().expect("a section");
            let text = output(aseqd(&[command, "--json"]));
            let values = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
            let mut values: Vec<_> = values.map(|value| value.expect("JSON")).collect();
            assert!(!values.is_empty(), "{command}");
            while let Some(value) = values.pop() {
                match value {
                    serde_json::Value::Array(items) => values.extend(items),
                    serde_json::Value::Object(fields) => {
                        for (field, value) in fields {
                            assert!(section.contains(&format!("`{field}`")), "{command}: {field}");
                            values.push(value);
                        }
                    }
                    _ => {}
                }
            }
        }
    });
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    inside(|| {
        let ended = finish(shell(&format!("'{ASEQD}' ls | head -n 1")), DEADLINE);
        assert_eq!(ended.stderr, "");
        assert_eq!(ended.stdout.lines().count(), 1);
    });
}

#[test]
fn ports_are_connected_by_number_and_by_name() {
    inside(|| {
        let client = Client::open();
        let port = client.create_port();
        let name = format!("Client-{}", client.id);
        for (sender, dest) in [
            ("14:0", port.to_string()),
            ("14", format!("{}", port.client)),
            ("14.0", format!("{name}:0")),
            ("Midi Through", name.clone()),
            ("Midi", name.clone()),
            ("Midi Through:Midi Through Port-0", name.clone()),
        ] {
            output(aseqd(&["connect", sender, &dest]));
            assert_eq!(client.subscribers(THROUGH, true), [port], "connect {sender} {dest}");
            failure(&["connect", sender, &dest], 1);
            output(aseqd(&["disconnect", sender, &dest]));
            assert_eq!(client.subscribers(THROUGH, true), [], "disconnect {sender} {dest}");
            failure(&["disconnect", sender, &dest], 1);
        }
    });
}

#[test]
fn what_does_not_exist_is_said_with_what_does() {
    inside(|| {
        for wanted in ["nobody", "99:0", "14:7"] {
            let said = failure(&["connect", wanted, "14:0"], 1);
            assert!(said.starts_with(&format!("there is no port {wanted}; there are ")), "{said}");
            assert!(said.contains("14:0 (Midi Through: Midi Through Port-0)"), "{said}");
        }
        let (one, other) = (Client::open(), Client::open());
        one.create_port();
        other.create_port();
        let said = failure(&["connect", "Client-", "14:0"], 1);
        assert!(said.starts_with("Client- means more than one port; "), "{said}");
    });
}

#[test]
fn connections_can_be_exclusive_and_stamp() {
    inside(|| {
        let client = Client::open();
        let (port, queue) = (client.create_port(), client.create_queue());
        let dest = port.to_string();
        for (option, shown) in [
            (vec!["--exclusive"], "[ex]".to_owned()),
            (vec!["--real", "0"], format!("[real:{queue}]")),
            (vec!["--tick", "0"], format!("[tick:{queue}]")),
        ] {
            let words = [vec!["connect", "14:0", &dest], option].concat();
            output(aseqd(&words));
            let list = output(aseqd(&["ls"]));
            assert!(list.contains(&format!("-> {port} {shown}\n")), "{list}");
            if shown == "[ex]" {
                failure(&["connect", "14:0", "14:0"], 1);
            }
            output(aseqd(&["disconnect", "--all"]));
            assert_eq!(client.subscribers(THROUGH, true), []);
        }
    });
}

#[test]
fn monitor_prints_what_arrives_and_ends_when_told() {
    inside(|| {
        let client = Client::open();
        let own = client.create_port();
        for signal in [Signal::INT, Signal::TERM] {
            let (process, port) = monitor(&client, &["--json"]);
            client.write(&[note(port, aseqd_abi::event::QUEUE_DIRECT, 0)]).expect("a write");
            let printed = lines(process, 1, signal);
            assert_eq!(printed.len(), 1, "{printed:?}");
            for wanted in ["\"type\":\"NOTEON\"", "\"note\":60", "\"velocity\":99", "\"channel\":1"]
            {
                assert!(printed[0].contains(wanted), "{wanted} in {}", printed[0]);
            }
            assert!(printed[0].contains(&format!("\"source\":\"{own}\"")), "{}", printed[0]);
        }
    });
}

#[test]
fn monitor_listens_to_ports_and_counts() {
    inside(|| {
        let client = Client::open();
        let (process, port) = monitor(&client, &["-p", "Midi Through", "--count", "2"]);
        wait_until("the connection", || client.subscribers(THROUGH, true) == [port]);
        let data = EventData::from_control(Control { channel: 0, param: 7, value: 5 });
        let event = Event { dest: THROUGH, data, ..Event::direct(EventType::CONTROLLER) };
        client.write(&[event; 5]).expect("a write");
        let ended = process.wait();
        assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
        assert_eq!(ended.stdout.matches("CONTROLLER").count(), 2, "{ended:#?}");
        for limits in
            [&["--timeout", "0.1", "--count", "1"][..], &["--timeout=50ms"], &["--count=0"]]
        {
            let ended = finish(aseqd(&[&["monitor"], limits].concat()), DEADLINE);
            assert_eq!(ended.status.code(), Some(0), "{limits:?}: {ended:#?}");
        }
        assert!(failure(&["monitor", "--timeout", "soon"], 2).contains("ms, s, min, h"));
    });
}

#[test]
fn monitor_says_that_events_were_lost() {
    inside(|| {
        let client = Client::nonblocking();
        let (mut process, port) = monitor(&client, &["--lateness"]);
        process.wait_for_output("source");
        process.signal(Signal::STOP);
        // More than its input pool takes.
        wait_until("a full reader", || {
            client.write(&[note(port, aseqd_abi::event::QUEUE_DIRECT, 0); 50]).is_err()
        });
        process.signal(Signal::CONT);
        process.wait_until("the loss", |process| process.stderr().contains("events were lost"));
        process.signal(Signal::INT);
        let ended = process.wait();
        assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
        assert!(ended.stdout.contains("events were lost 1 times"), "{ended:#?}");
    });
}

/// A monitor that is held up learns of several tempo changes at once. It must not use the last one for all events:
/// here are twenty ticks of 60 ms and twenty of 1 ms.
#[test]
fn lateness_follows_changes_of_tempo_that_are_read_late() {
    inside(|| {
        let client = Client::open();
        client.create_port();
        let queue = client.create_queue();
        let (mut process, port) = monitor(&client, &["--json", "--lateness"]);
        client.write(&[control(EventType::START, queue, 0)]).expect("a start");
        // It is held up once it has seen the start: the event that it prints comes after that.
        client.write(&[note(port, queue, 1)]).expect("a note");
        process.wait_until("the first note", |process| process.stdout().contains("NOTEON"));
        process.signal(Signal::STOP);
        let mut events = Vec::new();
        for tick in 20..60 {
            let tempo = if tick % 2 == 0 { 5_760_000 } else { 96_000 };
            let time = EventTime::tick(tick);
            events.push(Event { queue, time, ..control(EventType::TEMPO, queue, tempo) });
        }
        let time = EventTime::tick(60);
        events.push(Event { queue, time, ..control(EventType::TEMPO, queue, 96_000) });
        client.write(&events).expect("changes of tempo");
        client.write(&[note(Address::new(client.id, 0), queue, 61)]).expect("a note");
        // Our own event has come, so all changes are made.
        wait_until("the last change", || client.readable_within(std::time::Duration::from_secs(1)));
        process.signal(Signal::CONT);
        client.write(&[note(port, queue, 400), note(port, queue, 410)]).expect("notes");
        let printed = lines(process, 3, Signal::INT);
        let late: Vec<_> = printed.iter().filter_map(|line| number(line, "late_ns")).collect();
        assert_eq!(late.len(), 3, "{printed:#?}");
        // With the last tempo for all, the times at which events are due would be 20 * 59 ms short. The kernel's clock has
        // steps of one millisecond.
        for late in late {
            assert!((-10_000_000..TOO_LATE_NS).contains(&late), "{printed:#?}");
        }
    });
}

/// A CI matrix without a value passes an empty one.
#[test]
fn a_variable_that_is_empty_is_not_set() {
    if !can_serve() {
        return;
    }
    let mut command = aseqd_run([ASEQD, "ls"]);
    command.env("ASEQD_VIA", "").env("ASEQD_DEVICE", "");
    assert!(output(command).contains("Midi Through"));
    let mut command = aseqd(&["run", "--", "true"]);
    command.env("ASEQD_VIA", "window");
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
}

#[test]
fn wait_ends_when_the_port_is_there() {
    inside(|| {
        assert_eq!(output(aseqd(&["wait", "14:0"])), "");
        assert_eq!(output(aseqd(&["wait", "-v", "Midi Through"])), "14:0\n");
        let later = Client::open();
        let waiting = Process::start(aseqd(&["wait", "-v", "later:port"]));
        let linked = Process::start(aseqd(&["wait", "-v", "later", "--connected", "--timeout=1h"]));
        wait_until("two that listen", || later.subscribers(ANNOUNCE, true).len() == 2);
        // Neither another client's port nor the name alone is enough.
        let other = Client::open();
        other.create_port();
        later.rename("later");
        assert_eq!(later.subscribers(ANNOUNCE, true).len(), 2);
        let port = later.create_port();
        assert_eq!(waiting.wait().stdout, format!("{port}\n"));
        assert_eq!(later.subscribers(ANNOUNCE, true).len(), 1);
        later.subscribe(THROUGH, port);
        assert_eq!(linked.wait().stdout, format!("{port}\n"));
        let said = failure(&["wait", "nobody", "--timeout", "50ms"], 1);
        assert!(said.starts_with("port nobody did not appear within 50ms: there are "), "{said}");
        let said = failure(&["wait", "14:0", "later"], 2);
        assert!(said.contains("unexpected argument"), "{said}");
    });
}

#[test]
fn every_command_says_in_the_same_words_that_the_server_has_ended() {
    if !can_serve() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let device = folder.path().join("seq").display().to_string();
    let mut serve = Command::new(ASEQD);
    serve.arg("serve").arg("--mount").arg(folder.path());
    let mut server = Process::start(serve);
    server.wait_for_output("serving");
    let song = concat!(env!("CARGO_MANIFEST_DIR"), "/../../songs/etude.mid");
    // It has one event, so that its player waits for the end of --delay.
    let short = tempfile::NamedTempFile::new().expect("a file");
    let bytes = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk\0\0\0\x07\0\xc0\0\0\xff\x2f\0";
    std::fs::write(&short, bytes).expect("a song");
    let play = ["play", "-p", "14:0", "--delay", "1h", short.path().to_str().expect("text")];
    let watching: Vec<_> =
        [&["monitor"][..], &["wait", "nobody"], &["play", "-p", "14:0", song], &play]
            .into_iter()
            .map(|words| {
                let mut process = Process::start(aseqd(&[words, &["--device", &device]].concat()));
                let client = format!("aseqd {}", words[0]);
                process.wait_until("its client", |_| {
                    output(aseqd(&["ls", "--device", &device])).contains(&client)
                });
                process
            })
            .collect();
    server.signal(Signal::KILL);
    server.wait_within(DEADLINE);
    for process in watching {
        let ended = process.wait();
        assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
        assert!(
            ended.stderr.contains("the sequencer has ended; start `aseqd serve`"),
            "{ended:#?}"
        );
        assert!(!ended.stderr.contains("errno"), "{ended:#?}");
    }
    // The killed server has left a mount that nobody serves.
    for words in [
        &["ls"][..],
        &["monitor"],
        &["wait", "x"],
        &["connect", "1", "2"],
        &["play", "-p", "1", song],
    ] {
        let said = failure(&[words, &["--device", &device]].concat(), 1);
        assert!(said.contains("the sequencer has ended; start `aseqd serve`"), "{words:?}: {said}");
    }
    chardev::unmount(folder.path()).expect("the mount that is left");
}

#[test]
fn colours_are_for_terminals_or_for_who_asks() {
    inside(|| {
        let escape = |words: &[&str], variable: Option<(&str, &str)>| {
            let mut command = aseqd(words);
            for name in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR"] {
                command.env_remove(name);
            }
            command.envs(variable);
            let ended = finish(command, DEADLINE);
            format!("{}{}", ended.stdout, ended.stderr).contains('\u{1b}')
        };
        for words in [&["ls"][..], &["doctor"], &["connect", "a", "b"], &["ls", "--bad"]] {
            assert!(!escape(words, None), "{words:?} in a pipe");
            assert!(escape(words, Some(("CLICOLOR_FORCE", "1"))), "{words:?} where forced");
            let (always, never) = (["--color", "always"], ["--color=never"]);
            let always = [&always, words].concat();
            assert!(escape(&always, Some(("NO_COLOR", "1"))), "{words:?}");
            let never = [&never, words].concat();
            assert!(!escape(&never, Some(("CLICOLOR_FORCE", "1"))), "{words:?}");
        }
        assert_eq!(
            finish(aseqd(&["ls", "--bad"]), DEADLINE).stderr.split(':').next(),
            Some("aseqd")
        );
    });
}

/// Enumerations end with ENOENT, and reads that do not block with EAGAIN. Neither is a failure.
#[test]
fn trace_tells_of_failures_alone() {
    if !can_serve() {
        return;
    }
    let trace = |words: &[&str]| {
        let mut command = Command::new(ASEQD);
        command.args(["run", "--trace", "--", ASEQD]).args(words);
        finish(command, DEADLINE).stderr
    };
    assert_eq!(trace(&["ls"]), "");
    assert_eq!(trace(&["monitor", "-p", "14:0", "--timeout", "1ms"]), "");
    let refused = trace(&["disconnect", "14:0", "14:0"]);
    assert!(
        refused.starts_with("aseqd: UNSUBSCRIBE_PORT sender=14 dest=14: ENOENT: "),
        "{refused}"
    );
}

#[test]
fn where_there_is_no_sequencer_it_says_what_to_do() {
    for command in [&["ls"][..], &["monitor"], &["connect", "1", "2"], &["disconnect", "-a"]] {
        let words = [command, &["--device", "/nowhere/seq"]].concat();
        let said = failure(&words, 1);
        assert!(said.contains("/nowhere/seq"), "{said}");
        assert!(said.contains("aseqd run -- ") && said.contains("aseqd serve"), "{said}");
    }
    assert!(failure(&["ls", "--device", "/dev/null"], 1).starts_with("/dev/null is not a"));
    let mut command = aseqd(&["ls"]);
    command.env("ASEQD_DEVICE", "/nowhere/else").stdin(Stdio::null());
    assert!(finish(command, DEADLINE).stderr.contains("/nowhere/else"));
}

#[test]
fn a_full_output_changes_no_status_and_is_named() {
    for (words, status) in [("--help", 1), ("doctor", 1), ("completions bash", 1), ("--version", 1)]
    {
        let ended = finish(shell(&format!("'{ASEQD}' {words} > /dev/full")), DEADLINE);
        assert_eq!(ended.status.code(), Some(status), "{words}: {ended:?}");
        let said = "aseqd: standard output cannot be written: no space left on device\n";
        assert_eq!(ended.stderr, said, "{words}");
    }
    // Nobody receives the message; everything else stays the same.
    for (words, status) in [
        ("nonsense", 2),
        ("ls --device /nowhere/seq", 1),
        ("run -- no-such-program", 127),
        ("run --verbose -- sh -c 'exit 5'", 5),
    ] {
        let ended = finish(shell(&format!("'{ASEQD}' {words} 2> /dev/full")), DEADLINE);
        assert_eq!(ended.status.code(), Some(status), "{words}: {ended:?}");
    }
}

#[test]
fn wrong_usage_is_status_2_and_help_has_examples() {
    for words in [&["connect", "1"][..], &["disconnect", "1"], &["nonsense"], &["ls", "-z"], &[]] {
        failure(words, 2);
    }
    // A mistyped option of `run` is not taken for CMD.
    for (words, right) in
        [(["run", "--vebose", "true"], "--verbose"), (["run", "--trce", "ls"], "--trace")]
    {
        let said = failure(&words, 2);
        assert!(said.contains(words[1]) && said.contains(right), "{said}");
        assert!(
            said.contains(&format!("-- {}", words[1])),
            "it says how such a command is run: {said}"
        );
    }
    failure(&["run", "-z", "true"], 2);
    for command in ["run", "serve", "ls", "connect", "disconnect", "monitor", "completions"] {
        let help = output(aseqd(&[command, "--help"]));
        assert!(help.contains("Example"), "{command}: {help}");
    }
    // `--help` shows the whole description, not its first sentence alone.
    assert!(output(aseqd(&["run", "--help"])).contains("no other program sees"));
}
