//! Recordings as tests, programs and MIDI files.

use crate::common::{ASEQD, aseqd_run, can_serve, have, skip};
use crate::rig::{queued_steps, untimed_steps};
use crate::{duet, record, replay, stderr, stdout, text};
use aseqd_engine::{Config, Engine, Time};
use aseqd_recording::{Compression, Header, State, Writer};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Makes a C program of a recording, and compiles it.
fn compiled(folder: &TempDir, recording: &Path, options: &[&str]) -> PathBuf {
    let source = folder.path().join("replay.c");
    let output = replay(&[text(recording), "--to-c", text(&source)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    let program = folder.path().join("replay");
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-o"]).arg(&program).arg(&source);
    let output = cc.args(options).output().expect("cc");
    assert!(output.status.success(), "{}", stderr(&output));
    program
}

/// Runs a program in a sequencer of its own.
fn inside(program: &Path) -> Output {
    aseqd_run([program]).output().expect("aseqd starts")
}

#[test]
fn a_c_program_gets_the_recorded_answers() {
    if !have(&["cc"]) || !can_serve() {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let random = (1..=3).map(|seed| untimed_steps(seed, 400));
    for (number, steps) in random.chain([queued_steps()]).enumerate() {
        let recording = record(&folder, "steps.aseq", &steps);
        let program = compiled(&folder, &recording, &[]);
        let output = inside(&program);
        let said = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{number}: {said}{}", stderr(&output));
        assert!(said.starts_with("0 answers differ, 0 records"), "{said}");
    }
    // Beside others, the numbers of clients are others.
    let recording = record(&folder, "duet.aseq", &duet());
    let program = compiled(&folder, &recording, &[]);
    let script = format!(
        "{ASEQD} monitor --timeout 20s & sleep 1; {}; s=$?; kill $!; exit $s",
        program.display()
    );
    let output = aseqd_run(["sh", "-c", &script]).output().expect("aseqd starts");
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("0 answers differ, 0 records"), "{}", stdout(&output));
}

#[test]
fn a_c_program_says_what_differs() {
    if !have(&["cc"]) || !can_serve() {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let recording = record(&folder, "duet.aseq", &duet());
    let source = folder.path().join("replay.c");
    let program = compiled(&folder, &recording, &[]);
    // Another note than the one that is sent.
    let text = fs::read_to_string(&source).expect("the program");
    let line = text.lines().find(|line| line.contains(" out_6[")).expect("what was read");
    let other = line.replace("60, 100", "61, 100");
    assert_ne!(line, other);
    fs::write(&source, text.replace(line, &other)).expect("a file");
    let built = Command::new("cc").arg("-o").arg(&program).arg(&source).status().expect("cc");
    assert!(built.success());
    let output = inside(&program);
    assert_eq!(output.status.code(), Some(1));
    let said = stdout(&output);
    assert!(said.contains("record 6 differs") && said.contains("1 answers differ"), "{said}");
}

/// Returns the command that runs a command on Linux 6.12, in a virtual machine.
pub(crate) fn linux() -> Option<Command> {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracle/run");
    let cache = std::env::var_os("ORACLE_CACHE").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(Path::new(&home).join(".cache/aseq-oracle"))
    });
    if !cache.is_some_and(|cache| cache.join("kernel-6.12").exists()) {
        skip("a Linux kernel: `tests/oracle/fetch` brings it");
        return None;
    }
    have(&["qemu-system-x86_64"]).then(|| {
        let mut command = Command::new(run);
        command.args(["--kernel", "6.12"]);
        command
    })
}

#[test]
fn a_c_program_gets_the_same_answers_from_linux() {
    let Some(mut linux) = linux().filter(|_| have(&["cc"])) else { return };
    let folder = TempDir::new().expect("a folder");
    let recording = record(&folder, "random.aseq", &untimed_steps(4, 400));
    let program = compiled(&folder, &recording, &["-static"]);
    let output = linux
        .arg("--add")
        .arg(format!("{}:/bin/replay", program.display()))
        .args(["--", "/bin/replay"])
        .output()
        .expect("the oracle");
    let said = stdout(&output);
    assert!(said.contains("0 answers differ, 0 records"), "{said}{}", stderr(&output));
}

#[test]
fn a_midi_file_can_be_played() {
    let folder = TempDir::new().expect("a folder");
    let recording = record(&folder, "duet.aseq", &duet());
    let song = folder.path().join("duet.mid");
    let output = replay(&[text(&recording), "--to-smf", text(&song)]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    let bytes = fs::read(&song).expect("the file");
    let smf = midly::Smf::parse(&bytes).expect("a MIDI file");
    // The tempo, what was sent, what was received.
    assert_eq!(smf.tracks.len(), 3);
    let notes = |track: &midly::Track<'_>| {
        track
            .iter()
            .filter(|event| matches!(event.kind, midly::TrackEventKind::Midi { .. }))
            .count()
    };
    assert_eq!((notes(&smf.tracks[1]), notes(&smf.tracks[2])), (3, 2));
}

#[test]
fn a_rust_test_has_every_record() {
    let folder = TempDir::new().expect("a folder");
    let recording = record(&folder, "duet.aseq", &duet());
    // To standard output.
    let output = replay(&[text(&recording), "--to-test", "-", "--until", "6"]);
    let test = stdout(&output);
    assert_eq!(output.status.code(), Some(0));
    assert!(test.starts_with("//! A recording") && test.ends_with("}\n"), "{test}");
    assert_eq!(test.matches("Input::Open").count(), 2);
    assert!(test.contains("// 6: ") && !test.contains("// 7: "), "{test}");
}

/// The recording of a flight recorder that is full.
#[test]
fn what_cannot_begin_with_a_state_says_what_to_do() {
    let folder = TempDir::new().expect("a folder");
    let engine = aseqd_recording::store(&Engine::new());
    let header = Header::new(Config::default());
    let mut writer = Writer::new(Vec::new(), &header, Compression::Quick).expect("memory");
    writer.state(&State { index: 7, now: Time(9), hash: 0, engine: &engine }).expect("memory");
    let path = folder.path().join("flight.aseq");
    fs::write(&path, writer.finish(None).expect("memory")).expect("a file");
    let path = text(&path);
    let file = folder.path().join("made");
    let file = text(&file);
    for (options, why) in [
        (&["--scrub", "--output", file][..], "it has names and cannot be scrubbed"),
        (&["--to-test", file], "a test or a program cannot begin with it"),
        (&["--to-c", file], "a test or a program cannot begin with it"),
        (&["--against", "/dev/null"], "a device cannot begin with it"),
        (&["--minimize", file, "--check=true"], "it can only be shrunk with --check=panic"),
    ] {
        let output = replay(&[&[path], options].concat());
        let said = format!(
            "aseqd: the recording begins with the state of a server that ran already: {why}; \
             `aseqd serve --record FILE` records from the start\n"
        );
        assert_eq!((stderr(&output), output.status.success()), (said, false), "{options:?}");
        assert!(!Path::new(file).exists(), "{options:?}");
    }
    let output = replay(&[path, "--output", file]);
    assert_eq!((stderr(&output), output.status.code()), (String::new(), Some(0)));
    assert_eq!(replay(&[file, "--dump-state"]).status.code(), Some(0));
}
