//! What a running `aseqd rules run` says of itself, in a file for `aseqd rules show`.

use super::links::Links;
use crate::rule_files;
use aseqd_abi::Address;
use aseqd_client::{Client, text};
use aseqd_rules::{History, Origin, Pair};
use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The name of the client that connects.
pub const NAME: &str = "aseqd rules";

/// The file of this process.
pub(super) struct State {
    path: Option<PathBuf>,
    client: u8,
    /// What the file has.
    written: String,
}

/// What another process has told.
pub(super) struct Told {
    pub(super) history: History,
    /// The links that stand, with the events that passed, were stopped and were lost.
    pub(super) links: Vec<(Pair, [u64; 3])>,
    /// The clients of that process, which rules do not mean.
    pub(super) clients: Vec<u8>,
}

/// Returns the file for a sequencer.
fn path(device: &Path) -> Option<PathBuf> {
    let node = std::fs::metadata(device).ok()?;
    let name = format!("{:x}-{:x}-{:x}.json", node.dev(), node.ino(), node.rdev());
    Some(rule_files::runtime_folder()?.join(name))
}

impl State {
    pub(super) fn new(device: &Path, client: &Client) -> Self {
        Self { path: path(device), client: client.id(), written: String::new() }
    }

    /// Writes what `show` needs. Rules work without it, so it is no error if that fails.
    pub(super) fn write(&mut self, history: &History, links: &Links) {
        let Some(path) = &self.path else { return };
        let pair = |(sender, dest): Pair| json!([sender.to_string(), dest.to_string()]);
        let made = history.made().map(|(ports, origin)| {
            json!({ "ports": pair(ports), "file": &*origin.file, "line": origin.line })
        });
        let all = links.all().map(|(link, counts)| {
            let events = [counts.passed, counts.stopped, counts.lost];
            json!({ "ports": pair((link.sender, link.dest)), "events": events })
        });
        let state = json!({
            "client": self.client,
            "links_client": links.client().map(Client::id),
            "made": made.collect::<Vec<_>>(),
            "cut": history.cut().map(pair).collect::<Vec<_>>(),
            "links": all.collect::<Vec<_>>(),
        });
        let text = state.to_string();
        if text != self.written && rule_files::write(path, &text).is_ok() {
            self.written = text;
        }
    }

    /// Removes the file.
    pub(super) fn remove(&self) {
        if let Some(path) = &self.path {
            let _gone = std::fs::remove_file(path);
        }
    }
}

/// Reads what a process has told that carries out rules on this sequencer, if there is one.
pub(super) fn read(device: &Path, client: &Client) -> Option<Told> {
    let state: Value = serde_json::from_str(&rule_files::read(&path(device)?).ok()?).ok()?;
    // A process that was killed has left its file, and its number may be another client's now.
    let number = u8::try_from(state["client"].as_u64()?).ok()?;
    let info = client.info(number).ok()??;
    if text(&info.name) != NAME {
        return None;
    }
    let links_client = state["links_client"].as_u64().and_then(|number| u8::try_from(number).ok());
    let list = |key: &str| state[key].as_array().cloned().unwrap_or_default();
    let made = list("made").iter().filter_map(made).collect::<Vec<_>>();
    let cut = list("cut").iter().filter_map(pair).collect::<Vec<_>>();
    let links = list("links");
    let links = links.iter().filter_map(|link| {
        let event = |at: usize| link["events"][at].as_u64().unwrap_or_default();
        Some((pair(&link["ports"])?, [event(0), event(1), event(2)]))
    });
    Some(Told {
        history: History::told(made, cut),
        links: links.collect(),
        clients: std::iter::once(number).chain(links_client).collect(),
    })
}

fn made(value: &Value) -> Option<(Pair, Origin)> {
    let line = usize::try_from(value["line"].as_u64()?).ok()?;
    Some((pair(&value["ports"])?, Origin { file: value["file"].as_str()?.into(), line }))
}

fn pair(value: &Value) -> Option<Pair> {
    Some((address(value[0].as_str()?)?, address(value[1].as_str()?)?))
}

fn address(text: &str) -> Option<Address> {
    let (client, port) = text.split_once(':')?;
    Some(Address::new(client.parse().ok()?, port.parse().ok()?))
}
