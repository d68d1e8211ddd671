//! Plays what was recorded on Linux 7.3 and compares every reply, byte by byte.
//!
//! `transcripts/record.c` says what the lines mean, and records them anew.

mod rig;

use crate::rig::Rig;
use aseqd_abi::Errno;
use aseqd_engine::{Access, Call, FileId, Identity, Input, READABLE, Reply, WRITABLE};
use std::collections::HashMap;
use std::fmt::Write as _;

/// The largest argument that the recorder passes. What a line leaves out is zero.
const ARG: usize = 1024;
/// The size of `GET_QUEUE_STATUS`, and where its running flag and time are.
const STATUS: usize = 92;
const STATUS_RUNNING: usize = 20;
const STATUS_TIME: std::ops::Range<usize> = 12..20;

fn decode(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// Returns bytes in hexadecimal, without the zeros at their end.
fn encode(bytes: &[u8]) -> String {
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes[..len].iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[derive(Default)]
struct Player {
    rig: Rig,
    files: HashMap<String, FileId>,
}

impl Player {
    /// Makes one call. Returns the reply as the recorder prints it.
    fn play(&mut self, line: &str) -> String {
        let mut words = line.split_whitespace();
        let (call, slot) = (words.next().unwrap(), words.next().unwrap_or_default());
        let word = words.next().unwrap_or_default();
        if call == "open" {
            return self.open(slot, word);
        }
        if call == "proc" {
            let engine = &self.rig.engine;
            return [engine.proc_clients(), engine.proc_queues(), engine.proc_timer()].concat();
        }
        let Some(file) = self.files.get(slot).copied() else { panic!("{line}: not open") };
        match call {
            "close" => {
                self.files.remove(slot);
                let closed =
                    self.rig.engine.handle(self.rig.now, Input::Close { file }, &mut vec![]);
                assert_eq!(closed, Reply::Done(0));
                String::new()
            }
            "ioctl" | "ioctl32" => {
                self.ioctl(file, call == "ioctl32", word, words.next().unwrap_or_default())
            }
            "write" => {
                let data = decode(word);
                self.call(
                    Input::Call { file, call: Call::Write { data: &data, nonblock: true } },
                    false,
                )
            }
            "read" => {
                let len = word.parse().expect("a size");
                self.call(Input::Call { file, call: Call::Read { len, nonblock: true } }, true)
            }
            "poll" => {
                let input = Input::Call { file, call: Call::Poll };
                let bits =
                    self.rig.engine.handle(self.rig.now, input, &mut vec![]).finish().unwrap();
                let name = |bit, name| if bits & bit != 0 { name } else { "" };
                format!("{}{}", name(READABLE, " in"), name(WRITABLE, " out"))
            }
            _ => panic!("{line}: no such call"),
        }
    }

    fn open(&mut self, slot: &str, mode: &str) -> String {
        let access = match mode {
            "r" => Access::Read,
            "w" => Access::Write,
            _ => Access::ReadWrite,
        };
        let opened = self.rig.engine.open(self.rig.now, access, Identity::User { pid: 1000 });
        let file = opened.expect("a client number is free");
        self.files.insert(slot.to_owned(), file);
        let id: i32 = self.rig.query(file, aseqd_abi::ioctl::sequencer::CLIENT_ID, 0).unwrap();
        format!(" {id}\n")
    }

    fn ioctl(&mut self, file: FileId, compat: bool, code: &str, arg: &str) -> String {
        let request = u32::from_str_radix(code, 16).expect("a code");
        let mut arg = decode(arg);
        arg.resize(ARG, 0);
        let mut out = Vec::new();
        let input = Input::Call { file, call: Call::Ioctl { request, compat, arg: &arg } };
        match self.rig.engine.handle(self.rig.now, input, &mut out) {
            Reply::Failed(error) => format!(" E{}\n", error.errno.0),
            _ if out.is_empty() => " same\n".to_owned(),
            _ => {
                if out.len() == STATUS && out[STATUS_RUNNING] != 0 {
                    out[STATUS_TIME].fill(0);
                }
                if out == arg[..out.len()] {
                    " same\n".to_owned()
                } else {
                    format!(" 0 {}\n", encode(&out))
                }
            }
        }
    }

    fn call(&mut self, input: Input<'_>, reads: bool) -> String {
        let mut out = Vec::new();
        match self.rig.engine.handle(self.rig.now, input, &mut out) {
            // The kernel refuses what the file is not open for before the sequencer sees it.
            Reply::Failed(error) if error.errno == Errno::ENXIO => {
                format!(" E{}\n", Errno::EBADF.0)
            }
            Reply::Failed(error) => format!(" E{}\n", error.errno.0),
            Reply::Done(count) if reads && count > 0 => format!(" {count} {}\n", encode(&out)),
            Reply::Done(count) => format!(" {count}\n"),
            other => panic!("{other:?}"),
        }
    }
}

fn play(transcript: &str, at_least: usize) {
    let mut player = Player::default();
    let mut lines = transcript.lines().enumerate().peekable();
    let mut calls = 0;
    while let Some((number, line)) = lines.next() {
        if line.starts_with('#') {
            continue;
        }
        calls += 1;
        let ours = player.play(line);
        let mut theirs = String::new();
        while let Some((_, reply)) = lines.next_if(|(_, line)| line.starts_with('=')) {
            theirs.push_str(&reply[1..]);
            theirs.push('\n');
        }
        // A text is indented by the blank after '='.
        let theirs = if line == "proc" {
            theirs.lines().map(|line| format!("{}\n", &line[1..])).collect()
        } else {
            theirs
        };
        assert_eq!(ours.trim_end(), theirs.trim_end(), "line {}: {line}", number + 1);
    }
    assert!(calls >= at_least, "{calls} calls are not the whole transcript");
}

#[test]
fn chosen_calls_are_answered_as_by_linux() {
    play(include_str!("transcripts/linux-7.3-directed.txt"), 450);
}

#[test]
fn random_calls_are_answered_as_by_linux() {
    play(include_str!("transcripts/linux-7.3-random.txt"), 1200);
}

#[test]
fn thirty_two_bit_processes_are_answered_as_by_linux() {
    play(include_str!("transcripts/linux-7.3-compat32.txt"), 29);
}
