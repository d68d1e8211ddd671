//! `aseqd play`: parts of songs, other speeds and keys, and the keys of a terminal.

use crate::common::*;
use crate::corpus::has_virtual_time;
use aseqd_smf::{
    ChannelMessage, Division, EventKind, File, Format, Meta, Source, TrackWriter, Voice,
};
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

fn note(on: bool, key: u8) -> EventKind {
    let voice = match on {
        true => Voice::NoteOn { key, velocity: 100 },
        false => Voice::NoteOff { key, velocity: 0 },
    };
    EventKind::Channel(ChannelMessage { channel: 0, voice })
}

/// Writes a song of bars of 3/4 with a note on each beat, whose keys go up from 36. It has a lyric on each beat, and a marker
/// in the second bar.
fn song(path: &Path, bars: u32) {
    let mut track = TrackWriter::new();
    let signature = Meta::TimeSignature {
        numerator: 3,
        denominator_power: 2,
        clocks_per_click: 24,
        notated_32nds: 8,
    };
    let mut push = |tick, kind: EventKind| track.push(tick, &kind).expect("in order");
    push(0, EventKind::Meta(signature));
    let text = |kind, text: String| EventKind::Meta(Meta::Text { kind, text: text.into_bytes() });
    for beat in 0..bars * 3 {
        let key = u8::try_from(36 + beat % 60).expect("a key");
        if beat == 3 {
            push(beat * 96, text(6, "Verse".to_owned()));
        }
        push(beat * 96, text(5, format!("la{beat}\n")));
        push(beat * 96, note(true, key));
        push(beat * 96 + 90, note(false, key));
    }
    push(bars * 288, EventKind::Meta(Meta::EndOfTrack));
    let mut bytes = Vec::new();
    aseqd_smf::write(&mut bytes, Format::Single, Division::Quarter(96), &[track]).expect("memory");
    fs::write(path, bytes).expect("a file");
}

/// Returns the first ticks and keys of the notes of a file, counted from its first note.
pub(crate) fn notes(path: &Path) -> Vec<(u32, u8)> {
    let file = File::read(&Source::memory(fs::read(path).expect("a file"))).expect("a song");
    let notes: Vec<_> = file
        .into_merged()
        .filter_map(|(_, event)| match event.kind {
            EventKind::Channel(ChannelMessage { voice: Voice::NoteOn { key, .. }, .. }) => {
                Some((event.tick, key))
            }
            _ => None,
        })
        .collect();
    let first = notes.first().map_or(0, |(tick, _)| *tick);
    notes.into_iter().map(|(tick, key)| (tick - first, key)).collect()
}

#[test]
fn a_passage_is_played_as_asked_for() {
    if !can_serve() || !has_virtual_time() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    song(&folder.path().join("song.mid"), 8);
    // The ticks of the recorder are real time: 96 in half a second.
    let script = "set -e
        take() {
            file=$1; shift
            $A record -q --division 96 $file & $A wait 'aseqd record'
            $A play -q -p 'aseqd record' \"$@\"
            kill -INT $!; wait $!
        }
        take from.mid song.mid --from 2:2 --to 3:1
        take time.mid song.mid --from 1.5s --to 2.5
        take loop.mid song.mid --from 1:3 --to 2:1 --loop=3
        take twice.mid song.mid song.mid --to 1:2 --loop=2
        take fast.mid song.mid --to 2:1 --speed 2
        take slow.mid song.mid --to 2:1 --speed 0.5
        take low.mid song.mid --to 2:1 --transpose -36";
    let mut command = Command::new(ASEQD);
    command.args(["run", "--time", "virtual", "--", "sh", "-c", script]);
    command.current_dir(&folder).env("A", ASEQD);
    let ended = finish(command, DEADLINE * 2);
    assert!(ended.status.success(), "{ended:#?}");
    let of = |name: &str| notes(&folder.path().join(name));
    assert_eq!(of("from.mid"), [(0, 40), (96, 41)]);
    assert_eq!(of("time.mid"), [(0, 39), (96, 40)]);
    assert_eq!(of("loop.mid"), [(0, 38), (96, 38), (192, 38)]);
    assert_eq!(of("twice.mid").iter().map(|(_, key)| *key).collect::<Vec<_>>(), [36; 4]);
    assert_eq!(of("fast.mid"), [(0, 36), (48, 37), (96, 38)]);
    assert_eq!(of("slow.mid"), [(0, 36), (192, 37), (384, 38)]);
    assert_eq!(of("low.mid"), [(0, 0), (96, 1), (192, 2)]);
}

#[test]
fn what_cannot_be_played_is_refused() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("song.mid");
        song(&path, 2);
        for (options, code, wanted) in [
            (&["--from", "9:1"][..], 1, "--from is at or after its end"),
            (&["--from", "2:1", "--to", "1:2"], 1, "--to is not after"),
            (&["--from", "0:1"], 2, "bar and beat are numbers from 1"),
            (&["--from", "soon"], 2, "a place is BAR:BEAT"),
            (&["--speed", "0"], 2, "a speed is a number from 0.1 to 10"),
            (&["--transpose", "200"], 2, "200 is not in -127..=127"),
        ] {
            let mut command = Command::new(ASEQD);
            command.args(["play", "-p", "14:0"]).arg(&path).args(options);
            let ended = finish(command, DEADLINE);
            assert_eq!(ended.status.code(), Some(code), "{options:?} {ended:?}");
            assert!(ended.stderr.contains(wanted), "{options:?} {ended:?}");
        }
    });
}

/// A player at a terminal of its own.
struct Player {
    process: std::process::Child,
    terminal: fs::File,
    shown: mpsc::Receiver<String>,
    text: String,
}

impl Player {
    fn start(arguments: &[&str]) -> Self {
        let (slave, master) = sys::terminal().expect("a terminal");
        let slave = || Stdio::from(slave.try_clone().expect("a descriptor"));
        let mut command = Command::new(ASEQD);
        command.args(["play", "-p", "14:0"]).args(arguments).env("LC_ALL", "C");
        command.stdin(slave()).stdout(slave()).stderr(slave());
        sys::control_terminal(&mut command);
        let process = command.spawn().expect("aseqd starts");
        let terminal = fs::File::from(master);
        let (sender, shown) = mpsc::channel();
        let mut reader = terminal.try_clone().expect("a descriptor");
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
                if sender.send(text).is_err() {
                    return;
                }
            }
        });
        Self { process, terminal, shown, text: String::new() }
    }

    /// Waits until the terminal has shown a text since the last key.
    fn expect(&mut self, wanted: &str) {
        let end = Instant::now() + DEADLINE;
        while !self.text.contains(wanted) {
            let left = end.saturating_duration_since(Instant::now());
            match self.shown.recv_timeout(left) {
                Ok(text) => self.text += &text,
                Err(error) => panic!("waiting for {wanted:?}: {error}; {:?}", self.text),
            }
        }
    }

    fn press(&mut self, keys: &str) {
        self.text.clear();
        self.terminal.write_all(keys.as_bytes()).expect("a terminal");
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

#[test]
fn keys_change_what_is_played() {
    inside(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("song.mid");
        // 10 minutes: it does not end meanwhile, however busy the machine is.
        song(&path, 400);
        let path = path.to_str().expect("a plain path");
        let mut player = Player::start(&[path, path]);
        let before = rustix::termios::tcgetattr(&player.terminal).expect("a terminal");
        player.expect("/ 10:00");
        player.expect("[Verse] la");
        player.press(" ");
        player.expect("paused");
        // Bars of 1.5 seconds: 5 seconds are three bars and a beat.
        let bar = |text: &str| -> u32 {
            let line = text.rsplit('\r').find(|line| line.contains(" / ")).expect("a line");
            let place = line.split("  ").nth(1).expect("bar and beat");
            let (bar, beat) = place.split_once(':').expect("bar and beat");
            3 * bar.parse::<u32>().expect("a bar") + beat.parse::<u32>().expect("a beat")
        };
        let at = bar(&player.text);
        player.press("\x1b[C");
        player.expect("paused");
        assert_eq!(bar(&player.text) - at, 10, "5 seconds are 10 beats");
        player.press("\x1b[D\x1b[D\x1b[D\x1b[D");
        // The beginning: the last of the four is drawn last.
        player.expect("  1:1  0:00 / 10:00");
        player.press(" +++");
        player.expect("x1.16");
        player.press("-");
        player.expect("x1.10");
        player.press("n");
        player.expect("  1:1  0:00 / 10:00");
        player.press("q");
        let status = player.process.wait().expect("a child");
        assert_eq!(status.code(), Some(0));
        let after = rustix::termios::tcgetattr(&player.terminal).expect("a terminal");
        assert_eq!(before.input_modes, after.input_modes);
        assert!(
            after
                .local_modes
                .contains(rustix::termios::LocalModes::ICANON | rustix::termios::LocalModes::ECHO)
        );
    });
}
