//! Our own commands, as separate processes at one device: `ls`, `connect`, `disconnect`, `monitor`.

mod common;

use abi::event::{Control, EventData, EventTime, Note};
use abi::{Address, Event, EventType};
use common::seq::{Client, THROUGH};
use common::*;
use rustix::process::Signal;
use std::process::{Command, Stdio};

/// Lateness that even a busy machine does not come to. The wrong tempo makes more of it: see the test.
const TOO_LATE_NS: i64 = 900_000_000;

fn aseqd(arguments: &[&str]) -> Command {
    let mut command = Command::new(ASEQD);
    command.args(arguments).env_remove("ASEQD_DEVICE");
    command
}

/// What a command that must fail says, without what every line of ours begins with.
#[track_caller]
fn failure(arguments: &[&str], status: i32) -> String {
    let ended = finish(aseqd(arguments), DEADLINE);
    assert_eq!(ended.status.code(), Some(status), "{arguments:?}: {ended:#?}");
    assert_eq!(ended.stdout, "", "{arguments:?}: errors go to standard error");
    ended.stderr.strip_prefix("aseqd: ").unwrap_or(&ended.stderr).trim_end().to_owned()
}

/// A monitor that has its port.
fn monitor(client: &Client, arguments: &[&str]) -> (Process, Address) {
    let mut process = Process::start(aseqd(&[&["monitor"], arguments].concat()));
    let port = client.port_of(&mut process);
    (process, port)
}

/// Waits until so many lines are printed, ends it, and gives the lines.
fn lines(mut monitor: Process, count: usize, signal: Signal) -> Vec<String> {
    monitor.wait_until("events", |monitor| monitor.stdout().lines().count() >= count);
    monitor.signal(signal);
    let ended = monitor.wait();
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    ended.stdout.lines().map(str::to_owned).collect()
}

/// The number behind a key of a line of JSON.
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
        // Not in columns: their width is a matter of taste.
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
        for wanted in ["nobody", "midi through", "99:0", "14:7"] {
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
            client.write(&[note(port, abi::event::QUEUE_DIRECT, 0)]).expect("a write");
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
        let ended = finish(aseqd(&["monitor", "--timeout", "1", "--count", "1"]), DEADLINE);
        assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
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
            client.write(&[note(port, abi::event::QUEUE_DIRECT, 0); 50]).is_err()
        });
        process.signal(Signal::CONT);
        process.wait_until("the loss", |process| process.stderr().contains("events were lost"));
        process.signal(Signal::INT);
        let ended = process.wait();
        assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
        assert!(ended.stdout.contains("events were lost 1 times"), "{ended:#?}");
    });
}

/// A monitor that is held up learns of several changes of tempo at once, and must not take the last
/// one for all of them: ticks of 60 and of 1 ms, twenty of each.
#[test]
fn lateness_follows_changes_of_tempo_that_are_read_late() {
    inside(|| {
        let client = Client::open();
        client.create_port();
        let queue = client.create_queue();
        let (mut process, port) = monitor(&client, &["--json", "--lateness"]);
        client.write(&[control(EventType::START, queue, 0)]).expect("a start");
        // Held up only when it has seen the start: its own event comes behind it.
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
        // Ours has come: all changes are made.
        wait_until("the last change", || client.readable_within(std::time::Duration::from_secs(1)));
        process.signal(Signal::CONT);
        client.write(&[note(port, queue, 400), note(port, queue, 410)]).expect("notes");
        let printed = lines(process, 3, Signal::INT);
        let late: Vec<_> = printed.iter().filter_map(|line| number(line, "late_ns")).collect();
        assert_eq!(late.len(), 3, "{printed:#?}");
        // With the last tempo for all, 20 * 59 ms would be missing in the time that they are due. The
        // kernel's clock goes in steps of a millisecond.
        for late in late {
            assert!((-10_000_000..TOO_LATE_NS).contains(&late), "{printed:#?}");
        }
    });
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
fn wrong_usage_is_status_2_and_help_has_examples() {
    for words in [&["connect", "1"][..], &["disconnect", "1"], &["nonsense"], &["ls", "-z"], &[]] {
        failure(words, 2);
    }
    // An option of `run` that is mistyped is not the command.
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
    for shell in ["bash", "zsh", "fish"] {
        assert!(output(aseqd(&["completions", shell])).contains("disconnect"), "{shell}");
    }
}
