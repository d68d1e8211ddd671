//! Completion of the command line, as a shell asks for it.

use crate::common::*;
use crate::{aseqd, port};
use std::path::Path;
use std::process::Command;

/// Calls the script's function as bash does, with the words that bash makes of the line, and prints what it offers.
const BASH: &str = r#"
PATH=$(dirname "$ASEQD"):$PATH
source <("$ASEQD" completions bash)
try() {
    COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2)) COMPREPLY=()
    _aseqd
    echo "$1=${COMPREPLY[*]}"
}
try "aseqd disc" aseqd disc
try "aseqd connect 128:" aseqd connect 128 :
try "aseqd connect 14:0 my" aseqd connect 14 : 0 my
try "aseqd connect 14:0 My\\ S" aseqd connect 14 : 0 "My\\ S"
try "aseqd connect 14:0 'My S" aseqd connect 14 : 0 "'My S"
try "aseqd connect 14:0 My\\ Synth:" aseqd connect 14 : 0 "My\\ Synth" :
try "aseqd connect .a" aseqd connect .a
try "aseqd ls --dev" aseqd ls --dev
try 'aseqd send "Od' aseqd send '"Od'
try "aseqd send 'Od" aseqd send "'Od"
try "aseqd send Od" aseqd send Od
"#;

#[test]
fn bash_completes_ports_with_colons_and_spaces() {
    inside(|| {
        if !have(&["bash"]) {
            return;
        }
        let (_synth, synth) = port(&["My Synth"]);
        assert_eq!(synth, "128:0");
        // The shell must not carry out what stands in a name.
        let (_odd, _) = port(&["Odd`x`$(x)\"'\\"]);
        let mut command = Command::new("bash");
        command.args(["--norc", "-c", BASH]).env("ASEQD", ASEQD).env_remove("ASEQD_DEVICE");
        let wanted = "aseqd disc=disconnect\n\
                      aseqd connect 128:=0\n\
                      aseqd connect 14:0 my=My\\ Synth\n\
                      aseqd connect 14:0 My\\ S=My\\ Synth\n\
                      aseqd connect 14:0 'My S=My Synth\n\
                      aseqd connect 14:0 My\\ Synth:=My\\ Synth\n\
                      aseqd connect .a=.app .all\n\
                      aseqd ls --dev=--device\n\
                      aseqd send \"Od=Odd\\`x\\`\\$(x)\\\"'\\\\\n\
                      aseqd send 'Od=Odd`x`$(x)\"'\\''\\\n\
                      aseqd send Od=Odd\\`x\\`\\$\\(x\\)\\\"\\'\\\\\n";
        assert_eq!(output(command), wanted);
    });
}

#[test]
fn zsh_and_fish_get_ports_with_their_names() {
    inside(|| {
        let (_synth, _) = port(&["My Synth", "--output"]);
        for (shell, first) in [("zsh", "14\\:0:Midi Through"), ("fish", "14:0\tMidi Through")] {
            let ask = |words: &[&str]| {
                let mut command = aseqd(&["--", "aseqd"]);
                command.args(words).env("ASEQD_COMPLETE", shell).env("_CLAP_IFS", "\n");
                command.env("_CLAP_COMPLETE_INDEX", words.len().to_string());
                output(command)
            };
            let offered = ask(&["monitor", ""]);
            assert!(offered.contains(first), "{shell}: {offered}");
            assert!(!offered.contains("My Synth"), "{shell}, it does not send: {offered}");
            assert!(ask(&["send", "m"]).contains("My Synth"), "{shell}");
            let script = output(aseqd(&["completions", shell]));
            assert!(script.contains("ASEQD_COMPLETE"), "{shell}: {script}");
            // Without this, zsh offers nothing for "my".
            let any_case = script.contains("other -M 'm:{[:lower:][:upper:]}=");
            assert_eq!(any_case, shell == "zsh", "{script}");
        }
    });
}

#[test]
fn fish_offers_ports_commands_and_files() {
    inside(|| {
        if !have(&["fish"]) {
            return;
        }
        let (_synth, _) = port(&["My Synth"]);
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a song.mid"), "").expect("a file");
        let ask = |line: &str| {
            let mut command = Command::new("fish");
            let script = "$ASEQD completions fish | source; complete -C $argv[1]";
            command.args(["--no-config", "-c", script, line]).current_dir(folder.path());
            command.env("ASEQD", ASEQD).env_remove("ASEQD_DEVICE");
            let path =
                format!("{}:/usr/bin:/bin", Path::new(ASEQD).parent().expect("a folder").display());
            command.env("PATH", path).env("HOME", folder.path());
            output(command)
        };
        assert_eq!(ask("aseqd disc"), "disconnect\tDisconnect two ports, or all\n");
        let ports = ask("aseqd connect 14:0 my");
        assert_eq!(ports.lines().next(), Some("My Synth\tclient 128"), "{ports}");
        assert!(ask("aseqd play ./a").contains("a song.mid"));
    });
}

#[test]
fn a_shell_without_a_sequencer_gets_no_error_for_its_ports() {
    let mut command = aseqd(&["--", "aseqd", "connect", "x"]);
    command.env("ASEQD_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "2");
    command.env("ASEQD_DEVICE", Path::new("/nowhere/seq"));
    let ended = finish(command, DEADLINE);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    let mut command = aseqd(&["--", "aseqd", "ls"]);
    command.env("ASEQD_COMPLETE", "abacus");
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.starts_with("aseqd: "), "{}", ended.stderr);
}
