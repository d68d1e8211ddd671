//! `aseqd replay`: recordings printed, checked, cut and converted.

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../replay/tests/rig/mod.rs"]
mod rig;

mod against;
mod export;
mod shrink;

use aseqd_abi::Address;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::ClientInfo;
use aseqd_abi::ump::UmpEvent;
use aseqd_engine::{Config, FileId, Time};
use aseqd_recording::{Compression, Header, Reader, Record, Writer};
use aseqd_replay::rewrite;
use aseqd_replay::step::{Action, Step};
use common::{ASEQD, DEADLINE};
use rig::{ioctl, note, open, port, random_steps};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;
use tempfile::TempDir;
use zerocopy::IntoBytes as _;

/// Returns what `aseqd replay` makes of these arguments.
fn replay(arguments: &[&str]) -> Output {
    Command::new(ASEQD).arg("replay").args(arguments).output().expect("aseqd starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Writes a recording of steps.
fn record(folder: &TempDir, name: &str, steps: &[Step]) -> PathBuf {
    let header = Header::new(Config::default());
    let path = folder.path().join(name);
    let bytes = rewrite::record(Vec::new(), &header, steps).expect("memory");
    fs::write(&path, bytes).expect("a file");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// One program sends two notes to another one, a second apart. The second one is read, the first of three too.
fn duet() -> Vec<Step> {
    let (sender, receiver) = (FileId(0), FileId(1));
    let send = |key| {
        let event = note(Address::new(129, 0), key);
        Action::Write { file: sender, data: event.as_bytes().to_vec(), nonblock: false }
    };
    let read = Action::Read { file: receiver, len: 28, nonblock: false };
    let begin = 77_000_000_000_u64;
    let second = 1_000_000_000_u64;
    let at = |seconds: u64, action| Step { at: Time(begin + seconds * second), action };
    vec![
        at(0, open()),
        at(0, port(sender, 128)),
        at(0, open()),
        at(0, port(receiver, 129)),
        at(1, send(60)),
        at(1, read.clone()),
        at(2, send(64)),
        at(2, send(65)),
        at(2, read),
        at(3, Action::Close { file: sender }),
    ]
}

/// Changes the hash of a recording's records from one on.
fn with_wrong_hash(path: &Path, from: u64) {
    let bytes = fs::read(path).expect("the recording");
    let mut reader = Reader::new(&bytes[..]).expect("a recording");
    let header = reader.header().clone();
    let mut writer = Writer::new(Vec::new(), &header, Compression::Quick).expect("memory");
    while let Some(entry) = reader.read().expect("a record") {
        let wrong = u8::from(entry.index >= from);
        let record = match entry.record {
            Record::Checkpoint(hash) => Record::Checkpoint(hash ^ u32::from(wrong)),
            other => other,
        };
        writer.push(entry.now, entry.outputs, entry.check ^ wrong, &record).expect("memory");
    }
    fs::write(path, writer.finish(None).expect("memory")).expect("a file");
}

#[test]
fn events_are_printed_when_they_were_read() {
    let folder = TempDir::new().expect("a folder");
    let file = record(&folder, "duet.aseq", &duet());
    let output = replay(&[text(&file)]);
    assert_eq!(
        stdout(&output),
        "at              dest     source   time           event             ch  data\n\
         1.000000000     129:0    128:0    0              NOTEON             0  note 60 (C4), velocity 100\n\
         2.000000000     129:0    128:0    0              NOTEON             0  note 64 (E4), velocity 100\n"
    );
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));

    let output = replay(&[text(&file), "--json", "--from", "1.5s"]);
    let event: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("one object");
    assert_eq!(event["at_ns"], 2_000_000_000_u64);
    documented(&event, &["aseqd monitor --json", "aseqd replay --json"]);
    assert_eq!((&event["record"], &event["reader"]), (&9.into(), &129.into()));
    assert_eq!((&event["note"], &event["dest"]), (&64.into(), &"129:0".into()));

    // Up to a record, and up to a time.
    for until in ["8", "1.9s"] {
        let output = replay(&[text(&file), "--until", until]);
        assert_eq!(stdout(&output).lines().count(), 2, "{until}");
        assert_eq!(output.status.code(), Some(0));
    }
    // From a pipe.
    let script = format!("cat {} | {ASEQD} replay -", file.display());
    let piped = Command::new("sh").args(["-c", &script]).output().expect("sh");
    assert_eq!(stdout(&piped).lines().count(), 3);
}

#[test]
fn packets_are_printed_as_packets() {
    let folder = TempDir::new().expect("a folder");
    let file = FileId(0);
    let info = ClientInfo { client: 128, client_type: 1, midi_version: 2, ..ClientInfo::default() };
    let packet = aseqd_client::ump::note_on(0, 3, 60, 0x8000);
    let packet = UmpEvent { queue: 253, dest: Address::new(128, 0), ..packet };
    let steps = [
        open(),
        ioctl(file, s::USER_PVERSION, &aseqd_abi::seq::VERSION),
        ioctl(file, s::SET_CLIENT_INFO, &info),
        port(file, 128),
        Action::Write { file, data: packet.as_bytes().to_vec(), nonblock: true },
        Action::Read { file, len: 3200, nonblock: true },
    ];
    let steps = steps.map(|action| Step { at: Time(5), action });
    let config = Config { ump: true, ..Config::default() };
    let path = folder.path().join("ump.aseq");
    let bytes = rewrite::record(Vec::new(), &Header::new(config), &steps).expect("memory");
    fs::write(&path, bytes).expect("a file");
    let output = replay(&[text(&path)]);
    let printed = stdout(&output);
    assert_eq!(printed.lines().count(), 2, "{printed}");
    assert!(printed.contains("128:0    128:0    0                  0  NOTEON"), "{printed}");
    let event = stdout(&replay(&[text(&path), "--json"]));
    assert!(event.contains("\"message_type\":4") && event.contains("\"reader\":128"), "{event}");
    let state = stdout(&replay(&[text(&path), "--dump-state", "--until", "5"]));
    assert!(state.contains("UMP MIDI 2.0") && state.contains("unread    1 events"), "{state}");
    // What the records are cut into for a MIDI file.
    let song = folder.path().join("ump.mid");
    assert_eq!(replay(&[text(&path), "--to-smf", text(&song)]).status.code(), Some(0));
    let bytes = fs::read(&song).expect("the file");
    assert_eq!(midly::Smf::parse(&bytes).expect("a MIDI file").tracks.len(), 3);
}

#[test]
fn a_check_is_silent_and_has_a_status() {
    let folder = TempDir::new().expect("a folder");
    let steps = random_steps(1, 3000);
    let file = record(&folder, "random.aseq", &steps);
    let silent = |output: &Output| assert_eq!(stdout(output) + &stderr(output), "");
    let output = replay(&["--check", text(&file)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    silent(&output);
    let hash = stdout(&replay(&["--hash", text(&file)]));
    assert_eq!(hash.len(), 9, "{hash}");

    with_wrong_hash(&file, 2000);
    let output = replay(&["--check", text(&file)]);
    assert_eq!(output.status.code(), Some(1));
    silent(&output);
    let output = replay(&[text(&file)]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.starts_with("aseqd: the answers differ from record 2000 on, at "), "{said}");
    // What comes before is as recorded.
    let output = replay(&["--check", text(&file), "--until", "1999"]);
    assert_eq!(output.status.code(), Some(0));
    // Written anew, it has the hash of these answers.
    let anew = folder.path().join("anew.aseq");
    let output = replay(&[text(&file), "--check", "--output", text(&anew)]);
    assert_eq!(output.status.code(), Some(1));
    let output = replay(&["--check", text(&anew)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!folder.path().join("anew.aseq.partial").exists());
}

#[test]
fn text_goes_both_ways() {
    let folder = TempDir::new().expect("a folder");
    let file = record(&folder, "duet.aseq", &duet());
    let output = replay(&["--text", text(&file)]);
    let printed = stdout(&output);
    assert!(printed.contains("CREATE_PORT") && printed.contains("NOTEON"), "{printed}");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    let script = folder.path().join("duet.txt");
    fs::write(&script, &printed).expect("a file");
    let output = replay(&["--from-text", "--check", text(&script)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&replay(&["--from-text", "--text", text(&script)])), printed);

    // A changed text has other answers. They become those of a new recording.
    let changed = printed.replace("ioctl 0 ", "ioctl 7 ");
    fs::write(&script, changed).expect("a file");
    let new = folder.path().join("new.aseq");
    let output = replay(&["--from-text", text(&script), "--output", text(&new)]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(replay(&["--check", text(&new)]).status.code(), Some(0));

    fs::write(&script, printed.replace(" close ", " shut ")).expect("a file");
    let output = replay(&["--from-text", text(&script)]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("there is no such record"), "{}", stderr(&output));
}

#[test]
fn the_state_can_be_seen_at_any_record() {
    let folder = TempDir::new().expect("a folder");
    let file = record(&folder, "duet.aseq", &duet());
    let output = replay(&[text(&file), "--dump-state"]);
    let state = stdout(&output);
    assert!(state.starts_with("at 3.000000000 s\n"), "{state}");
    for wanted in
        ["129  Client-129", "input 199 of 200", "1 events", "note 65", "129:0", "timers\n"]
    {
        assert!(state.contains(wanted), "{wanted} in {state}");
    }
    assert!(!state.contains("128  Client-128"), "it is closed: {state}");

    let output = replay(&[text(&file), "--dump-state", "--json", "--until", "8"]);
    let state: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("an object");
    let clients = state["clients"].as_array().expect("clients");
    let numbers: Vec<_> = clients.iter().map(|client| client["client"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [0, 14, 128, 129]);
    assert_eq!(clients[3]["unread"].as_array().expect("a list").len(), 2);
    assert_eq!(clients[3]["pools"]["input_free"], 198);
    assert_eq!(clients[3]["ports"][0]["port"], "129:0");
    assert_eq!(state["at_ns"], 2_000_000_000_u64);
    documented(&state, &["aseqd replay --json", "aseqd ls --json", "aseqd monitor --json"]);
}

/// Checks that sections of the page have every field of a value, however deep.
#[track_caller]
fn documented(value: &serde_json::Value, sections: &[&str]) {
    let page = include_str!("../../../../docs/output.md");
    let section = |name: &&str| {
        let rest = page.split(&format!("\n## `{name}`")).nth(1).expect(name);
        rest.split("\n## ").next().unwrap_or_default()
    };
    match value {
        serde_json::Value::Object(object) => {
            for (field, value) in object {
                let known =
                    sections.iter().any(|name| section(name).contains(&format!("`{field}`")));
                assert!(known, "no section has `{field}`: {sections:?}");
                documented(value, sections);
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|it| documented(it, sections)),
        _ => {}
    }
}

#[test]
fn what_cannot_be_replayed_is_said_in_a_sentence() {
    let folder = TempDir::new().expect("a folder");
    let file = record(&folder, "duet.aseq", &duet());
    let whole = fs::read(&file).expect("the recording");
    let other = folder.path().join("other");
    let say = |bytes: &[u8]| {
        fs::write(&other, bytes).expect("a file");
        let output = replay(&[text(&other)]);
        (output.status.code(), stderr(&output))
    };
    let (code, said) = say(b"MThd\0\0\0\x06");
    assert_eq!(code, Some(3));
    assert!(said.ends_with("this is not a recording of aseqd\n"), "{said}");
    assert_eq!(say(b"").0, Some(3));
    let mut newer = whole.clone();
    newer[8] = 9;
    let (code, said) = say(&newer);
    assert_eq!(code, Some(3));
    assert!(said.contains("format 9"), "{said}");
    // A torn one is replayed up to there.
    let (code, said) = say(&whole[..whole.len() - 3]);
    assert_eq!(code, Some(0));
    assert!(said.contains("is torn"), "{said}");

    let missing = folder.path().join("missing");
    for (path, wanted) in
        [(text(&missing), "no such file"), (text(folder.path()), "is a directory")]
    {
        let output = replay(&[path]);
        assert_eq!(output.status.code(), Some(3), "{path}");
        let said = stderr(&output);
        assert!(said.contains(wanted) && said.lines().count() == 1, "{said}");
    }
    assert_eq!(replay(&[]).status.code(), Some(2));
    assert_eq!(replay(&[text(&file), "--until", "soon"]).status.code(), Some(2));
}

#[test]
fn a_setting_that_is_not_known_is_named() {
    let folder = TempDir::new().expect("a folder");
    let mut header = Header::new(Config::default());
    header.others.push(("gravity".to_owned(), "low".to_owned()));
    let path = folder.path().join("other.aseq");
    let bytes = rewrite::record(Vec::new(), &header, &duet()).expect("memory");
    fs::write(&path, bytes).expect("a file");
    let output = replay(&[text(&path)]);
    assert!(stderr(&output).contains("does not know") && stderr(&output).contains("gravity"));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn time_passes_at_the_speed_that_is_asked_for() {
    let folder = TempDir::new().expect("a folder");
    let file = record(&folder, "duet.aseq", &duet());
    let began = Instant::now();
    assert_eq!(replay(&[text(&file), "--speed", "10"]).status.code(), Some(0));
    assert!(began.elapsed().as_millis() >= 290, "{:?}", began.elapsed());

    // Ctrl-C ends it, with the state as it is then.
    let mut child = Command::new(ASEQD);
    child.args(["replay", text(&file), "--speed", "0.01"]).stdout(Stdio::piped());
    let child = child.spawn().expect("aseqd starts");
    std::thread::sleep(std::time::Duration::from_millis(300));
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    let began = Instant::now();
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    assert!(began.elapsed() < DEADLINE);
}

#[test]
fn a_long_recording_takes_little_memory() {
    let folder = TempDir::new().expect("a folder");
    let mut steps = vec![Step { at: Time(0), action: open() }];
    // 400 MB of events to nobody.
    let data = note(Address::new(200, 0), 1).as_bytes().repeat(35_000);
    let write = Action::Write { file: FileId(0), data, nonblock: true };
    let header = Header::new(Config::default());
    let path = folder.path().join("long.aseq");
    steps.push(Step { at: Time(1), action: write });
    let out = std::io::BufWriter::new(fs::File::create(&path).expect("a file"));
    let mut writer =
        rewrite::Rewriter::new(out, &header, aseqd_engine::Engine::new(), None).expect("a file");
    writer.push(&steps[0]).expect("a file");
    for _ in 0..400 {
        writer.push(&steps[1]).expect("a file");
    }
    drop(writer.finish().expect("a file"));
    let script = format!("ulimit -v 150000; exec {ASEQD} replay --check {}", path.display());
    let output = Command::new("sh").args(["-c", &script]).output().expect("sh");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}
