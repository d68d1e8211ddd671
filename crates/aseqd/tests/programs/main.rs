//! Unmodified programs of Debian under `aseqd run`.

#[path = "../common/mod.rs"]
mod common;
mod connecting;
mod files;
mod findings;
mod java;
mod listing;
mod network;
mod playing;
mod recording;
mod rtmidi;
mod song;
mod synthesizer;
mod timer;
