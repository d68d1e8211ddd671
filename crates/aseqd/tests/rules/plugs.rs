//! Devices and programs that come, go and are renamed.

use crate::common::*;
use crate::{PROBE, Place, keyboard, settled, synth};
use rustix::process::Signal;
use std::process::Command;

const RULE: &str = "[[rule]]\nname = 'main'\nfrom = 'Keys'\nto = 'Synth'\n";

#[test]
fn a_device_that_comes_back_is_connected_and_what_somebody_cuts_is_not() {
    inside(|| {
        let place = Place::new(&format!("{RULE}{PROBE}"));
        let run = place.run(&[]);
        let (keys, synth_) = (keyboard("Keys 49"), synth("My Synth"));
        keys.wait_connected(&synth_);
        let number = keys.port;
        drop(keys);
        // Another client takes the number.
        let other = keyboard("other");
        assert_eq!(other.port, number);
        let keys = keyboard("Keys 49");
        keys.wait_connected(&synth_);
        keys.disconnect(&synth_);
        settled();
        assert!(!keys.is_connected(&synth_));
        let text = output(place.rules(&["show"]));
        assert!(text.contains("not connected: somebody has disconnected it"), "{text}");
        assert!(text.contains("rules.toml:1 \"main\": Keys -> Synth"), "{text}");
        drop(keys);
        let keys = keyboard("Keys 49");
        keys.wait_connected(&synth_);
        // The connection is there before the process says that it has made it.
        wait_until("what it says", || {
            let json = output(place.rules(&["show", "--json"]));
            json.contains("\"status\":\"made\"") && json.contains("\"line\":1")
        });
        run.signal(Signal::TERM);
        let ended = run.wait();
        assert_eq!((ended.status.code(), &*ended.stderr), (Some(0), ""), "{ended:#?}");
        assert!(ended.stdout.starts_with("rules: 2 rules of 1 file\nconnect "), "{ended:#?}");
        // The connections stay, and who made them is not known any more.
        assert!(keys.is_connected(&synth_));
        let text = output(place.rules(&["show"]));
        assert!(text.contains("connected by somebody else"), "{text}");
        assert!(text.ends_with("or belongs to another user\n"), "{text}");
    });
}

#[test]
fn many_plugs_with_other_numbers_and_late_names_are_all_connected() {
    inside(|| {
        let place = Place::new(RULE);
        let _run = place.run(&["--quiet"]);
        let synth_ = synth("Synth");
        for turn in 0..100_u8 {
            // Numbers that are taken meanwhile.
            let taken: Vec<_> = (0..turn % 4).map(|_| keyboard("taken")).collect();
            let keys = if turn % 3 == 0 {
                let keys = keyboard("Client");
                keys.client.set_name(&format!("Keys {turn}")).expect("a name");
                keys
            } else {
                keyboard("Keys")
            };
            drop(taken);
            keys.wait_connected(&synth_);
        }
    });
}

#[test]
fn learned_connections_come_back_after_another_start() {
    inside(|| {
        let place = Place::new(&format!("learn = true\n{RULE}{PROBE}"));
        let run = place.run(&[]);
        let (keys, synth_, pads) = (keyboard("Keys"), synth("Synth"), keyboard("Pads"));
        keys.wait_connected(&synth_);
        // One that no rule has, and one that a rule has.
        pads.connect(&synth_);
        keys.disconnect(&synth_);
        let path = place.path("state/aseqd/learned.toml");
        let learned = || std::fs::read_to_string(&path).unwrap_or_default();
        wait_until("what was learned", || {
            learned().contains("client = \"Pads\"") && learned().contains("forbid = true")
        });
        run.signal(Signal::INT);
        assert_eq!(run.wait().status.code(), Some(0));
        drop((keys, pads));
        let run = place.run(&[]);
        let (keys, pads) = (keyboard("Keys"), keyboard("Pads"));
        pads.wait_connected(&synth_);
        settled();
        assert!(!keys.is_connected(&synth_), "it was cut for good");
        assert_eq!(output(place.rules(&["forget", "Keys", "Synth"])), "forgot 1\n");
        keys.wait_connected(&synth_);
        assert_eq!(output(place.rules(&["forget", "--all"])), "forgot 1\n");
        assert_eq!(output(place.rules(&["forget", "--all"])), "forgot 0\n");
        drop(run);
    });
}

#[test]
fn a_run_learns_if_that_is_asked_for() {
    inside(|| {
        let place = Place::new("");
        let _run = place.run(&["--learn"]);
        let (pads, synth_) = (keyboard("Pads"), synth("Synth"));
        pads.connect(&synth_);
        let path = place.path("state/aseqd/learned.toml");
        let learned = || std::fs::read_to_string(&path).unwrap_or_default();
        wait_until("what was learned", || learned().contains("client = \"Pads\""));
    });
}

#[test]
fn learn_and_forget_without_a_run() {
    inside(|| {
        let place = Place::new("");
        let (keys, synth_) = (keyboard("Keys"), synth("Synth"));
        let ended = finish(place.rules(&["learn", "Keys", "Synth"]), DEADLINE);
        assert_eq!(ended.status.code(), Some(1));
        assert!(ended.stderr.contains("are not connected: connect them first"), "{ended:#?}");
        keys.connect(&synth_);
        assert_eq!(output(place.rules(&["learn"])), "learned 1\n");
        keys.disconnect(&synth_);
        let done = output(place.rules(&["apply"]));
        assert!(done.starts_with("connect ") && done.contains("learned.toml:2"), "{done}");
        assert!(keys.is_connected(&synth_));
    });
}

#[test]
fn midiminder_beside_us_is_noticed() {
    inside(|| {
        let place = Place::new(RULE);
        let mut run = place.run(&[]);
        let midiminder = keyboard("midiminder");
        run.wait_for_output("midiminder runs here, too");
        drop(midiminder);
    });
}

/// Takes the mount of a server away that a failing test kills.
struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        }
    }
}

#[test]
fn the_end_of_the_sequencer_ends_the_run() {
    if !can_serve() {
        return;
    }
    let place = Place::new(RULE);
    let folder = place.path("seq");
    let _mounted = Mounted(folder.clone());
    let mut server = Process::start({
        let mut command = Command::new(ASEQD);
        command.args(["serve", "--mount"]).arg(&folder);
        command
    });
    server.wait_for_output("serving");
    let device = folder.join("seq");
    let mut run = Process::start(place.rules(&["run", "--device", device.to_str().expect("text")]));
    run.wait_for_output("rules: 1 rule of 1 file");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().status.code(), Some(0));
    let ended = run.wait();
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("the sequencer has ended"), "{ended:#?}");
}

#[test]
fn a_server_can_bring_its_rules() {
    if !can_serve() {
        return;
    }
    let place = Place::new("");
    let (folder, file) = (place.path("seq"), place.path("given.toml"));
    std::fs::write(&file, RULE).expect("a file");
    let _mounted = Mounted(folder.clone());
    let mut command = Command::new(ASEQD);
    command.args(["serve", "--mount"]).arg(&folder).arg("--rules").arg(&file);
    for (variable, folder) in [("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run")] {
        command.env(variable, place.path(folder));
    }
    let mark = Mark::new(&mut command);
    let mut server = Process::start(command);
    server.wait_for_output("rules: 1 rule of 1 file");
    let device = folder.join("seq");
    let open = |name| aseqd_client::Client::open(&device, name).expect("a client");
    let (keys, synth_) = (open("Keys"), open("Synth"));
    use aseqd_client::{PortCaps, PortType};
    let sends = PortCaps::READ | PortCaps::SUBS_READ;
    let receives = PortCaps::WRITE | PortCaps::SUBS_WRITE;
    let from = keys.create_port("out", sends, PortType::MIDI_GENERIC).expect("a port");
    let to = synth_.create_port("in", receives, PortType::MIDI_GENERIC).expect("a port");
    wait_until("the connection", || keys.subscription(from, to).expect("an answer").is_some());
    drop((keys, synth_));
    server.signal(Signal::TERM);
    let ended = server.wait();
    assert_eq!((ended.status.code(), &*ended.stderr), (Some(0), ""), "{ended:#?}");
    mark.expect_nothing();

    // Rules with a mistake are told before anything is served.
    std::fs::write(&file, "[[rule]]\nfrom = 1\n").expect("a file");
    let mut command = Command::new(ASEQD);
    command.args(["serve", "--mount"]).arg(&folder).arg("--rules").arg(&file);
    let ended = finish(command, DEADLINE);
    assert_eq!((ended.status.code(), &*ended.stdout), (Some(1), ""), "{ended:#?}");
    assert!(ended.stderr.contains("given.toml:2:8: `from` is a string or a table"), "{ended:#?}");
}
