//! Files of rules: mistakes, changes, snapshots, profiles.

use crate::common::*;
use crate::{PROBE, Place, keyboard, settled, synth};
use rustix::process::Signal;
use std::fs;
use std::process::Command;

const RULE: &str = "[[rule]]\nfrom = 'Keys'\nto = 'Synth'\n";

#[test]
fn check_tells_mistakes_with_their_places_and_the_nearest_names() {
    inside(|| {
        let place = Place::new("[[rule]]\nfrom = 'nanoKEX2'\nto = '128:0'\nwhen = 'alwasy'\n");
        let (_keys, _synth) = (keyboard("nanoKEY2"), synth("Synth"));
        let ended = finish(place.rules(&["check"]), DEADLINE);
        assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
        let wanted = "rules.toml:4:8: there is no `when` alwasy; did you mean always?\n";
        assert!(ended.stderr.ends_with(wanted), "{ended:#?}");
        place.write("[[rule]]\nfrom = 'nanoKEX2'\nto = '128:0'\n");
        let said = output(place.rules(&["check"]));
        assert!(
            said.contains(
                "rules.toml:1: nanoKEX2: nothing here has this name; did you mean nanoKEY2?\n"
            ),
            "{said}"
        );
        assert!(said.contains("128:0: the numbers of clients change; a name stays\n"), "{said}");
        assert!(said.ends_with("1 rule of 1 file: no mistake\n"), "{said}");
        // Without a sequencer, only the file is looked at.
        let said = output(place.rules(&["check", "--device", "/nonexistent"]));
        assert!(!said.contains("nothing here"), "{said}");
        let ended = finish(place.rules(&["check", "/nonexistent.toml"]), DEADLINE);
        assert_eq!(ended.stderr, "aseqd: /nonexistent.toml does not exist\n");
        let ended = finish(place.rules(&["run", "--profile", "x"]), DEADLINE);
        assert!(ended.stderr.contains("no rule belongs to the profile x"), "{ended:#?}");
    });
}

#[test]
fn files_that_change_are_read_again_and_mistakes_change_nothing() {
    inside(|| {
        let place = Place::new(&format!("{RULE}{PROBE}"));
        let mut run = place.run(&[]);
        let (keys, synth_, piano) = (keyboard("Keys"), synth("Synth"), synth("Piano"));
        keys.wait_connected(&synth_);
        place.write("[[rule]]\nfrom = 'Keys'\n");
        run.wait_for_output("the rules stay as they were");
        settled();
        assert!(keys.is_connected(&synth_));
        // What the old rules made goes, and what others made stays.
        keys.connect(&piano);
        place.write("[[rule]]\nfrom = 'Keys'\nto = 'Nothing'\n");
        wait_until("the end of the connection", || !keys.is_connected(&synth_));
        assert!(keys.is_connected(&piano));
        // SIGHUP does the same.
        place.write(RULE);
        run.signal(Signal::HUP);
        keys.wait_connected(&synth_);
    });
}

#[test]
fn profiles_are_chosen() {
    inside(|| {
        let place = Place::new(
            "profile = 'live'\n[[rule]]\nprofile = 'live'\nfrom = 'Keys'\nto = 'Synth'\n\
             [[rule]]\nprofile = 'home'\nfrom = 'Keys'\nto = 'Piano'\n",
        );
        let (keys, synth_, piano) = (keyboard("Keys"), synth("Synth"), synth("Piano"));
        let plan = output(place.rules(&["apply", "--dry-run"]));
        assert!(plan.contains("Synth") && !plan.contains("Piano"), "{plan}");
        assert!(!keys.is_connected(&synth_), "nothing is done");
        output(place.rules(&["apply", "--profile", "home"]));
        assert!(keys.is_connected(&piano) && !keys.is_connected(&synth_));
    });
}

#[test]
fn what_is_saved_is_restored() {
    inside(|| {
        let place = Place::new("");
        let (keys, pads) = (keyboard("Keys"), keyboard("Pads"));
        let (synth_, piano) = (synth("Synth"), synth("Piano"));
        keys.connect(&synth_);
        pads.connect(&synth_);
        let file = place.path("patch.toml");
        let path = file.to_str().expect("text");
        output(place.rules(&["save", path]));
        assert_eq!(fs::read_to_string(&file).expect("a file"), output(place.rules(&["save"])));
        drop(keys);
        pads.disconnect(&synth_);
        pads.connect(&piano);
        let keys = keyboard("Keys");
        let plan = output(place.rules(&["restore", "--exact", "--dry-run", path]));
        let verbs: Vec<_> = plan.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(verbs, ["disconnect", "connect", "connect"], "{plan}");
        output(place.rules(&["restore", path]));
        assert!(
            keys.is_connected(&synth_) && pads.is_connected(&synth_) && pads.is_connected(&piano)
        );
        output(place.rules(&["restore", "--exact", path]));
        assert!(pads.is_connected(&synth_) && !pads.is_connected(&piano));
    });
}

#[test]
fn a_profile_of_midiminder_becomes_a_file_of_rules() {
    let place = Place::new("");
    let profile = place.path("live.rules");
    fs::write(&profile, "Synth <-- Keys # mine\nbroken\n").expect("a file");
    let ended = finish(place.rules(&["import", profile.to_str().expect("text")]), DEADLINE);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("live.rules:2: there is no arrow"), "{ended:#?}");
    assert!(
        ended.stdout.ends_with("\n# mine\n[[rule]]\nfrom = \"Keys\"\nto = \"Synth\"\n"),
        "{ended:#?}"
    );
    place.write(&ended.stdout);
    let said = output(place.rules(&["check", "--device", "/nonexistent"]));
    assert_eq!(said, "1 rule of 1 file: no mistake\n");
}

#[test]
fn numbers_in_a_profile_of_midiminder_are_ports_if_that_is_asked_for() {
    let place = Place::new("");
    let profile = place.path("live.rules");
    fs::write(&profile, "Synth:2 <-- Keys\n").expect("a file");
    let profile = profile.to_str().expect("text");
    assert!(!output(place.rules(&["import", profile])).contains("port = 2"));
    assert!(output(place.rules(&["import", "--port-numbers", profile])).contains("port = 2"));
}

#[test]
fn files_that_are_none_are_left_alone() {
    inside(|| {
        let place = Place::new("");
        let beside = |name: &str| finish(place.rules(&["save", name]), DEADLINE);
        // A device is written to, and stays.
        assert!(beside("/dev/full").stderr.contains("no space left"), "no file takes its place");
        assert_eq!(beside("-").stdout, output(place.rules(&["save"])));
        assert!(beside(place.path("state").to_str().expect("text")).stderr.contains("directory"));
        for arguments in [
            &["--rules", "/dev/zero", "check"][..],
            &["import", "/dev/zero"],
            &["restore", "/dev/zero"],
        ] {
            let ended = finish(place.rules(arguments), DEADLINE);
            assert_eq!(ended.stderr, "aseqd: /dev/zero cannot be read: it has more than 16 MiB\n");
        }
        // Nobody may ever write to a pipe. A shell gives the output of a command as one.
        let fifo = place.path("config/aseqd/ports.toml");
        let made = Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
        assert!(made.success());
        let said = format!("aseqd: {} cannot be read: it is a pipe\n", fifo.display());
        assert_eq!(finish(place.rules(&["check"]), DEADLINE).stderr, said);
        output(place.command("ls", &["Midi Through"]));
        let script = "exec \"$0\" rules --rules <(echo '[[rule]]') check";
        let mut shell = Command::new("bash");
        shell.args(["-c", script, ASEQD]).env_remove("ASEQD_DEVICE");
        let ended = finish(shell, DEADLINE);
        assert!(ended.stderr.contains("a rule needs `from`"), "{ended:?}");
    });
}

#[test]
fn a_second_run_is_refused() {
    inside(|| {
        let place = Place::new("");
        let run = place.run(&[]);
        let ended = finish(place.rules(&["run"]), DEADLINE);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(ended.stderr.contains("another `aseqd rules run` connects"), "{ended:?}");
        // Nor does it take away what the first one tells.
        assert!(!output(place.rules(&["show"])).contains("does not run here"));
        drop(run);
        drop(place.run(&[]));
    });
}

#[test]
fn a_file_that_exists_is_not_replaced_unawares() {
    inside(|| {
        let place = Place::new("");
        let file = place.path("mine.toml");
        fs::write(&file, "# by hand\n").expect("a file");
        let name = file.to_str().expect("text");
        let ended = finish(place.rules(&["save", name]), DEADLINE);
        assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
        assert_eq!(ended.stderr, format!("aseqd: {name} exists; --force replaces it\n"));
        assert_eq!(fs::read_to_string(&file).expect("a file"), "# by hand\n");
        output(place.rules(&["save", "--force", name]));
        assert!(fs::read_to_string(&file).expect("a file").contains("aseqd rules save"));
    });
}

/// Bytes that are no text are told with their line, by every command that reads a file of text.
#[test]
fn a_file_that_is_no_text_is_told_with_its_line() {
    inside(|| {
        let place = Place::new("");
        let file = place.path("latin1.toml");
        fs::write(&file, b"# by hand\n# Fl\xfcgel\n").expect("a file");
        let name = file.to_str().expect("text");
        let wanted = format!("aseqd: {name} cannot be read: line 2 is not text in UTF-8\n");
        for command in [
            &["--rules", name, "check"][..],
            &["--rules", name, "show"],
            &["restore", name],
            &["import", name],
        ] {
            let ended = finish(place.rules(command), DEADLINE);
            assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
            assert_eq!(ended.stderr, wanted, "{command:?}");
        }
    });
}
