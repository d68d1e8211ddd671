//! Odd MIDI files: what other players make of them, and what `aseqd play` does.
//!
//! What others play is written down in `crates/smf/tests/players`, where the reader is compared with it.
//! `scripts/smf-players` writes it anew; a player of another version is not compared.

use crate::common::seq::Client;
use crate::common::*;
use aseqd_abi::Address;
use aseqd_abi::event::{Event, EventType};
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::ClientPool;
use aseqd_smf::{EventKind, SysEx};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../../smf/tests/kinds/mod.rs"]
mod kinds;

/// How many players run at the same time. A sequencer has 64 clients.
const AT_ONCE: usize = 24;
/// Files that take hours to play.
const LONG: [&str; 2] = ["bigdelta", "eot_far"];
/// Maximum number of unread events that a client can ask room for.
const MAX_POOL: i32 = 2000;

fn players() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../smf/tests/players")
}

/// Returns the files in a folder, without those that take hours.
fn written(folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let kinds = kinds::all().into_iter().filter(|kind| !LONG.contains(&kind.name));
    kinds
        .map(|kind| {
            let path = folder.join(format!("{}.mid", kind.name));
            fs::write(&path, kind.bytes).expect("a file");
            (kind.name, path)
        })
        .collect()
}

/// Compares what a player of some version played with what is written down.
fn compare(player: &str, version: &str, played: &BTreeMap<&str, Vec<String>>) {
    let path = players().join(format!("{player}.txt"));
    let mut text = vec![format!("# {version}")];
    for (name, lines) in played {
        text.push(format!("== {name}"));
        text.extend(lines.iter().cloned());
    }
    let text = text.join("\n") + "\n";
    if std::env::var_os("ASEQD_BLESS").is_some() {
        fs::create_dir_all(players()).expect("a folder");
        fs::write(&path, &text).expect("a file");
    }
    let expected = fs::read_to_string(&path).expect("what was written down");
    let known = expected.lines().next().unwrap_or_default();
    if known != format!("# {version}") {
        skip(&format!("{version} is not compared: {} is of {known:?}", path.display()));
        return;
    }
    let expected: Vec<_> = expected.lines().collect();
    let found: Vec<_> = text.lines().collect();
    for (at, line) in found.iter().enumerate() {
        let kind = found[..=at].iter().rev().find(|line| line.starts_with("==")).unwrap_or(line);
        assert_eq!(Some(line), expected.get(at), "{player}, {kind}; scripts/smf-players writes it");
    }
    assert_eq!(found.len(), expected.len());
}

/// A listener with a port for each player.
struct Recorder {
    client: Client,
    heard: BTreeMap<u8, Vec<String>>,
    left: Vec<u8>,
}

impl Recorder {
    fn new() -> Self {
        let client = Client::open();
        // On a busy machine everything may have been played before anything is read.
        let mut pool = ClientPool { client: client.id.into(), ..ClientPool::default() };
        client.ioctl(request::GET_CLIENT_POOL, &mut pool);
        pool.input_pool = MAX_POOL;
        client.ioctl(request::SET_CLIENT_POOL, &mut pool);
        Self { client, heard: BTreeMap::new(), left: Vec::new() }
    }

    /// Reads until the player of every port has disconnected from it.
    fn hear(&mut self, players: usize) {
        while self.left.len() < players {
            assert!(self.client.readable_within(DEADLINE), "{} of {players}", self.left.len());
            let mut records = self.client.read().expect("events").into_iter();
            while let Some(event) = records.next() {
                let len = if event.is_variable() { event.data.ext_len() as usize } else { 0 };
                let slots = len.div_ceil(size_of::<Event>());
                let data: Vec<u8> = records
                    .by_ref()
                    .take(slots)
                    .flat_map(|slot| seq::bytes(&slot).to_vec())
                    .collect();
                self.note(&event, &data[..len]);
            }
        }
    }

    fn note(&mut self, event: &Event, data: &[u8]) {
        let port = event.dest.port;
        let note = |status: u8| {
            let note = event.data.note();
            vec![status | note.channel, note.note, note.velocity]
        };
        let control = |status: u8, more: &[i32]| {
            let control = event.data.control();
            let mut bytes = vec![status | control.channel];
            bytes.extend(more.iter().map(|value| value.to_le_bytes()[0]));
            bytes
        };
        let value = event.data.control().value;
        let bytes = match event.event_type {
            EventType::NOTEOFF => note(0x80),
            EventType::NOTEON => note(0x90),
            EventType::KEYPRESS => note(0xa0),
            EventType::CONTROLLER => {
                control(0xb0, &[event.data.control().param.cast_signed(), value])
            }
            EventType::PGMCHANGE => control(0xc0, &[value]),
            EventType::CHANPRESS => control(0xd0, &[value]),
            EventType::PITCHBEND => control(0xe0, &[(value + 8192) & 0x7f, (value + 8192) >> 7]),
            EventType::SYSEX => data.to_vec(),
            EventType::PORT_UNSUBSCRIBED => return self.left.push(event.data.connect().dest.port),
            EventType::PORT_SUBSCRIBED => return,
            other => return self.say(port, format!("{other:?}")),
        };
        let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.say(port, format!("{} {}", event.time.tick_or_sec, hex.join(" ")));
    }

    fn say(&mut self, port: u8, line: String) {
        self.heard.entry(port).or_default().push(line);
    }
}

/// Plays each file by a command. Returns the lines of events and the last words of the player.
fn played(command: impl Fn(Address, &Path) -> String) -> BTreeMap<&'static str, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut all = BTreeMap::new();
    for files in written(folder.path()).chunks(AT_ONCE) {
        let mut recorder = Recorder::new();
        let mut running = Vec::new();
        for (name, path) in files {
            let port = recorder.client.create_port();
            // It connects, and so it disconnects, even if it plays nothing.
            let script = shell(&format!("exec {}", command(port, path)));
            running.push((*name, path, port.port, Process::start(script)));
        }
        let mut ended = Vec::new();
        recorder.hear(running.len());
        for (name, path, port, process) in running {
            ended.push((name, path, port, process.wait()));
        }
        for (name, path, port, ended) in ended {
            let mut lines = recorder.heard.remove(&port).unwrap_or_default();
            let path = path.display().to_string();
            let words = ended.stderr.replace(&path, "FILE").replace(&format!("{name}.mid"), "FILE");
            lines.extend(words.lines().map(|line| format!("said: {line}")));
            lines.push(format!("{}", ended.status));
            all.insert(name, lines);
        }
    }
    all
}

#[test]
fn aplaymidi_plays_odd_files_as_written_down() {
    inside(|| {
        if !have(&["aplaymidi"]) {
            return;
        }
        let version = output(shell("aplaymidi -V"));
        let all = played(|port, path| format!("aplaymidi -p {port} '{}'", path.display()));
        compare("aplaymidi", version.trim(), &all);
    });
}

/// Returns what `aseqd play` must make of a file: the events that the reader finds, the damage that it reports, and
/// the exit status.
fn wanted(bytes: &[u8]) -> Vec<String> {
    let file = match aseqd_smf::File::read(&aseqd_smf::Source::memory(bytes)) {
        Ok(file) => file,
        Err(error) => return vec![format!("said: aseqd: FILE: {error}"), "exit status: 1".into()],
    };
    let mut merged = file.into_merged();
    let mut lines = Vec::new();
    for (_, event) in merged.by_ref() {
        let bytes = match event.kind {
            EventKind::Channel(message) => {
                let bytes = message.to_bytes();
                let len = if matches!(bytes[0] >> 4, 0xc | 0xd) { 2 } else { 3 };
                bytes[..len].to_vec()
            }
            EventKind::SysEx(SysEx { start: true, data, .. }) => [vec![0xf0], data].concat(),
            EventKind::SysEx(SysEx { data, .. }) => data,
            // These files have no other kind.
            EventKind::Escape(data) => {
                assert_eq!(data, [0xfa]);
                lines.push("START".to_owned());
                continue;
            }
            EventKind::Meta(_) => continue,
        };
        let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        lines.push(format!("{} {}", event.tick, hex.join(" ")));
    }
    let findings = merged.findings();
    lines.extend(findings.iter().map(|finding| format!("said: aseqd: FILE: {finding}")));
    lines.push(format!("exit status: {}", u8::from(findings.lose_events())));
    lines
}

#[test]
fn our_player_plays_odd_files_and_says_what_is_odd() {
    inside(|| {
        let all = played(|port, path| format!("{ASEQD} play -p {port} '{}'", path.display()));
        assert!(all.len() > 80);
        for kind in kinds::all() {
            if let Some(played) = all.get(kind.name) {
                assert_eq!(*played, wanted(&kind.bytes), "{}", kind.name);
            }
        }
        for lost in ["cut_half", "no_status", "tempo_2", "text_beyond", "count_3", "gzip"] {
            assert_eq!(all[lost].last().map(String::as_str), Some("exit status: 1"), "{lost}");
        }
        for kept in ["well_formed", "cc_ff", "keysig0", "realtime", "len_short", "junk", "hdr8"] {
            assert_eq!(all[kept].last().map(String::as_str), Some("exit status: 0"), "{kept}");
        }
    });
}

#[test]
fn strict_plays_nothing_of_an_odd_file() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let files: BTreeMap<_, _> = written(folder.path()).into_iter().collect();
        let (good, odd) = (files["well_formed"].display(), files["cc_ff"].display());
        let recorder = Client::nonblocking();
        let port = recorder.create_port();
        let play = |options: &str| {
            let command = shell(&format!("exec {ASEQD} play -p {port} {options}"));
            finish(command, DEADLINE)
        };
        let ended = play(&format!("--strict '{good}' '{odd}'"));
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(ended.stderr.contains("data bytes above 127"), "{ended:?}");
        assert!(ended.stderr.contains("breaks the standard"), "{ended:?}");
        assert!(recorder.read().is_err(), "nothing is played, not even the first file");
        // Standard input can be read only once.
        let ended = play(&format!("--strict - < '{good}'"));
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
        let heard = recorder.read().expect("events");
        let notes = heard.iter().filter(|event| event.event_type == EventType::NOTEON).count();
        assert_eq!(notes, 8);
        // `--quiet` keeps what is lost, which is an error, and drops the rest.
        let cut = files["cut_half"].display();
        let ended = play(&format!("--quiet '{odd}' '{cut}'"));
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        assert!(ended.stderr.contains("the file ends within a track"), "{ended:?}");
    });
}

/// Runs a program for each file, several at a time, and returns what it wrote.
fn each(
    folder: &Path,
    at_once: usize,
    command: impl Fn(&str, &Path) -> String,
) -> Vec<(&'static str, PathBuf, String)> {
    let mut all = Vec::new();
    for files in written(folder).chunks(at_once) {
        let started: Vec<_> = files
            .iter()
            .map(|(name, path)| {
                let script = format!("exec {}", command(name, path));
                (*name, path, Process::start(shell(&script)))
            })
            .collect();
        for (name, path, process) in started {
            let ended = process.wait();
            all.push((name, path.clone(), format!("{}{}", ended.stdout, ended.stderr)));
        }
    }
    all
}

#[test]
fn fluidsynth_plays_odd_files_as_written_down() {
    let Some(font) = super::synthesizer::sound_font() else { return };
    if !have(&["fluidsynth"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let words = each(folder.path(), 4, |_, path| {
        let (font, path) = (font.display(), path.display());
        let options = "-v -ni -a file -T raw -r 8000 -F /dev/null -o synth.verbose=1";
        format!("fluidsynth {options} '{font}' '{path}'")
    });
    let mut all = BTreeMap::new();
    for (name, _, words) in words {
        let notes = words.lines().filter_map(|line| {
            let mut fields = line.strip_prefix("fluidsynth: noteon\t")?.split('\t');
            let mut next = || fields.next()?.parse::<u8>().ok();
            let (channel, key, velocity) = (next()?, next()?, next()?);
            Some(format!("{:02x} {key:02x} {velocity:02x}", 0x90 | channel))
        });
        all.insert(name, notes.collect());
    }
    compare("fluidsynth", first_line("fluidsynth --version").trim(), &all);
}

#[test]
fn timidity_plays_odd_files_as_written_down() {
    let Some(font) = super::synthesizer::sound_font() else { return };
    if !have(&["timidity"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("timidity.cfg");
    fs::write(&config, format!("soundfont {}\n", font.display())).expect("a file");
    let config = config.display().to_string();
    // This script writes what it plays into another file, and then sleeps for a second.
    let words = each(folder.path(), 16, |_, path| {
        let path = path.display();
        format!("timidity -c '{config}' -Om -o '{path}.out' '{path}'")
    });
    let mut all = BTreeMap::new();
    for (name, path, _) in words {
        let made = fs::read(format!("{}.out", path.display())).unwrap_or_default();
        let mut notes = Vec::new();
        if let Ok((_, tracks)) = midly::parse(&made) {
            for event in tracks.flatten().flatten().flatten() {
                if let midly::TrackEventKind::Midi { channel, message } = event.kind
                    && let midly::MidiMessage::NoteOn { key, vel } = message
                    && vel > 0
                {
                    notes.push(format!(
                        "{:02x} {:02x} {:02x}",
                        0x90 | channel.as_int(),
                        key.as_int(),
                        vel.as_int()
                    ));
                }
            }
        }
        all.insert(name, notes);
    }
    compare("timidity", first_line("timidity -v").trim(), &all);
}

fn first_line(command: &str) -> String {
    output(shell(command)).lines().next().unwrap_or_default().to_owned()
}
