//! A recorder that runs, and what its file has.

use crate::common::*;
use aseqd_client::{Address, Client, DEVICE, PortCaps, PortType};
use aseqd_smf::{ChannelMessage, EventKind, File, Findings, Meta, Source, Voice};
use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A recorder and its file.
pub(crate) struct Recorder {
    pub(crate) process: Process,
    pub(crate) file: PathBuf,
    pub(crate) port: Address,
}

impl Recorder {
    /// Starts a recorder, and waits until it listens.
    pub(crate) fn start(folder: &TempDir, file: &str, options: &[&str]) -> Self {
        let file = folder.path().join(file);
        let name = file.to_str().expect("a plain path");
        let mut process = Process::start(aseqd(&[&["record", name], options].concat()));
        process.wait_for_output("Ctrl-C ends");
        let client = open("looks");
        let info =
            client.clients().expect("clients").into_iter().find(|info| info.pid == process.pid());
        let number = u8::try_from(info.expect("the recorder").client).expect("a number");
        Self { process, file, port: Address::new(number, 0) }
    }

    /// Waits until the file has this many events.
    pub(crate) fn wait_for(&mut self, events: usize) {
        let file = self.file.clone();
        self.process.wait_until(&format!("{events} events"), |_| {
            let (found, _) = events_of(&file);
            found.len() >= events
        });
    }

    /// Ends the recording as Ctrl-C does. Returns what the recorder has said.
    pub(crate) fn end(self) -> String {
        self.process.signal(Signal::INT);
        let ended = self.process.wait();
        assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
        ended.stderr
    }
}

pub(crate) fn open(name: &str) -> Client {
    Client::open(DEVICE, name).expect("a client")
}

/// Opens a client with a port that others may connect.
pub(crate) fn sender(name: &str) -> (Client, Address) {
    let client = open(name);
    let caps = PortCaps::READ | PortCaps::SUBS_READ;
    let port = client.create_port("out", caps, PortType::MIDI_GENERIC).expect("a port");
    (client, port)
}

pub(crate) fn is_message(kind: &EventKind) -> bool {
    !matches!(kind, EventKind::Meta(_))
}

/// Returns the messages of a file, without regard to tracks and ticks, and what was wrong with it.
pub(crate) fn events_of(file: &Path) -> (Vec<EventKind>, Findings) {
    let bytes = fs::read(file).expect("the recording");
    let mut merged = File::read(&Source::memory(bytes)).expect("a song").into_merged();
    let found = merged.by_ref().map(|(_, event)| event.kind).filter(is_message).collect();
    (found, merged.findings())
}

/// Returns the name and the messages of each track.
pub(crate) fn tracks_of(file: &Path) -> Vec<(String, Vec<EventKind>)> {
    let bytes = fs::read(file).expect("the recording");
    midly::Smf::parse(&bytes).expect("a song");
    let file = File::read(&Source::memory(bytes)).expect("a song");
    assert!(file.findings().is_empty());
    let of = |track: aseqd_smf::Track| {
        let mut name = String::new();
        let mut messages = Vec::new();
        for event in track {
            match event.kind {
                EventKind::Meta(Meta::Text { kind: 3, text }) => {
                    name = String::from_utf8(text).expect("a name");
                }
                kind if is_message(&kind) => messages.push(kind),
                _ => {}
            }
        }
        (name, messages)
    };
    file.into_tracks().map(of).collect()
}

pub(crate) fn on(channel: u8, key: u8) -> EventKind {
    let voice = Voice::NoteOn { key, velocity: 100 };
    EventKind::Channel(ChannelMessage { channel, voice })
}
