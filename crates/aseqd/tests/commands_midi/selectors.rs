//! Ports by number, by name, by a part of one, by class and by regular expression.

use crate::common::*;
use crate::{aseqd, failure, port};

/// Returns the connections from all ports, as pairs of addresses.
fn connections() -> Vec<String> {
    let list = output(aseqd(&["ls", "--json"]));
    let mut pairs: Vec<_> = list
        .lines()
        .flat_map(|line| {
            let port: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let to = port["to"].as_array().expect("a list").clone();
            to.into_iter().map(|to| format!("{} {}", to["sender"], to["receiver"]).replace('"', ""))
        })
        .collect();
    pairs.sort();
    pairs
}

#[test]
fn ports_are_named_by_parts_and_sets_connect_each_with_each() {
    inside(|| {
        let (_one, one) = port(&["Left Keyboard", "--input"]);
        let (_two, two) = port(&["Right Keyboard", "--input"]);
        let (_synth, synth) = port(&["My Synth", "--output"]);
        output(aseqd(&["connect", "left", "synth"]));
        assert_eq!(connections(), [format!("{one} {synth}")]);
        // What is connected already stays so.
        output(aseqd(&["connect", "re:/ keyboard:/i", "synth"]));
        assert_eq!(connections(), [format!("{one} {synth}"), format!("{two} {synth}")]);
        output(aseqd(&["connect", "re:/Keyboard:/", "synth"]));
        output(aseqd(&["disconnect", ".hw", "My Synth"]));
        assert_eq!(connections(), [""; 0]);
        let said = failure(&["disconnect", ".hw", "synth"], 1);
        assert_eq!(said, "no port of .hw is connected to one of synth\n");

        let said = failure(&["connect", "keyboard", "synth"], 1);
        let wanted = format!(
            "keyboard means more than one port; there are {one} (Left Keyboard: Left Keyboard), \
             {two} (Right Keyboard: Right Keyboard)\n"
        );
        assert_eq!(said, wanted);
        let said = failure(&["connect", "left", "my snyth"], 1);
        assert!(said.starts_with("there is no port my snyth (did you mean My Synth?); "), "{said}");
        let said = failure(&["connect", ".hv", "synth"], 1);
        assert!(said.contains("there is no class .hv; did you mean .hw?"), "{said}");
        let said = failure(&["send", "re:/(/", "FE"], 1);
        assert!(said.starts_with("re:/(/ is no selector of ports: "), "{said}");
        let said = failure(&["connect", "14:0", "re:/Through/"], 1);
        assert!(said.contains("of one client"), "a loop: {said}");
    });
}

#[test]
fn ls_monitor_and_wait_take_several_ports() {
    inside(|| {
        let (_one, one) = port(&["Left Keyboard", "--input"]);
        let (_two, two) = port(&["Right Keyboard", "--input"]);
        let names = |selector: &str| {
            let list = output(aseqd(&["ls", "--json", selector]));
            let name = |line: &str| {
                let port: serde_json::Value = serde_json::from_str(line).expect("JSON");
                port["port"].as_str().expect("an address").to_owned()
            };
            list.lines().map(name).collect::<Vec<_>>()
        };
        assert_eq!(names("keyboard"), [one.clone(), two.clone()]);
        assert_eq!(names(".hw.in"), [one.clone(), two.clone()]);
        assert_eq!(names("left").join(" "), one);
        assert_eq!(names("System"), ["0:0", "0:1"]);
        let text = output(aseqd(&["ls", "right"]));
        assert!(text.contains("Right") && !text.contains("Left") && !text.contains("System"));
        failure(&["ls", "nobody"], 1);

        let monitor = Process::start(aseqd(&["monitor", "keyboard", "-p", "14:0"]));
        wait_until("three connections", || connections().len() == 3);
        drop(monitor);
        assert_eq!(output(aseqd(&["wait", "-v", ".hw"])), format!("{one}\n"));
        let said = failure(&["wait", "--connected", ".hw", "--timeout", "10ms"], 1);
        assert!(said.starts_with("port .hw was not connected within 10ms"), "{said}");
        let said = failure(&["wait", "--connected", ".hw", "--timeout", "0"], 1);
        assert_eq!(said, "port .hw is not connected\n");
        let said = failure(&["wait", "nobody", "--timeout", "0"], 1);
        assert!(
            said.starts_with("there is no port nobody: there are 0:0 (System: Timer), "),
            "{said}"
        );
    });
}

#[test]
fn ls_prints_what_comes_and_goes() {
    inside(|| {
        let mut all = Process::start(aseqd(&["ls", "--watch"]));
        let words = ["ls", "--watch", "--json", "keyboard", "re:/^System:Timer/"];
        let mut one = Process::start(aseqd(&words));
        for process in [&mut all, &mut one] {
            process.wait_until("the list", |process| process.stdout().contains("Timer"));
        }
        let (keyboard, from) = port(&["Keyboard", "--input"]);
        let (_synth, to) = port(&["Synth", "--output"]);
        output(aseqd(&["connect", "keyboard", "synth"]));
        let connected = format!("+ {from} -> {to}\n");
        all.wait_until("the connection", |all| all.stdout().contains(&connected));
        one.wait_until("the connection", |one| one.stdout().contains("\"connected\""));
        drop(keyboard);
        let gone = format!("- {from} (Keyboard: Keyboard)\n");
        all.wait_until("the end", |all| all.stdout().contains(&gone));
        assert!(all.stdout().contains(&format!("- {from} -> {to}\n")), "{}", all.stdout());
        let (_other, other) = port(&["Other"]);
        let came = format!("+ {other} (Other: Other)\n");
        all.wait_until("another port", |all| all.stdout().contains(&came));
        one.wait_until("the end", |one| one.stdout().contains("\"removed\""));
        let changes: Vec<_> = one
            .stdout()
            .lines()
            .skip(1)
            .map(|line| {
                let change: serde_json::Value = serde_json::from_str(line).expect("JSON");
                change["change"].as_str().expect("a change").to_owned()
            })
            .collect();
        assert_eq!(changes, ["added", "connected", "disconnected", "removed"]);
    });
}

#[test]
fn a_command_that_watches_does_not_list_itself() {
    inside(|| {
        let mut watch = Process::start(aseqd(&["ls", "--watch"]));
        watch.wait_until("the list", |watch| watch.stdout().contains("Midi Through"));
        let list = watch.stdout();
        assert!(list.contains("Announce") && !list.contains("->"), "{list}");
        let (_port, address) = port(&["Device"]);
        let came = format!("+ {address} (Device: Device)\n");
        watch.wait_until("the port", |watch| watch.stdout().contains(&came));
        assert!(!watch.stdout().contains("aseqd ls"), "{}", watch.stdout());
    });
}
