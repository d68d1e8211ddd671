//! `aseqd rules` beside other programs at one sequencer.

mod aliases;
#[path = "../common/mod.rs"]
mod common;
mod files;
mod links;
mod plugs;
mod ports;

use aseqd_client::{Address, Client, DEVICE, PortCaps, PortType};
use common::*;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// The folders and the file of rules of one test.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// Makes the folders, and a file with these rules.
    pub(crate) fn new(rules: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a folder") };
        for folder in ["config/aseqd", "state", "run"] {
            fs::create_dir_all(place.folder.path().join(folder)).expect("a folder");
        }
        place.write(rules);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the file of rules anew.
    pub(crate) fn write(&self, rules: &str) {
        fs::write(self.path("config/aseqd/rules.toml"), rules).expect("a file");
    }

    /// Returns the command `aseqd rules ARGUMENTS` for these folders.
    pub(crate) fn rules(&self, arguments: &[&str]) -> Command {
        self.command("rules", arguments)
    }

    /// Returns the command `aseqd NAME ARGUMENTS` for these folders.
    pub(crate) fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(ASEQD);
        command.arg(name).args(arguments).env_remove("ASEQD_DEVICE").env_remove("STATE_DIRECTORY");
        for (variable, folder) in
            [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run")]
        {
            command.env(variable, self.path(folder));
        }
        command
    }

    /// Starts `aseqd rules run`, and returns it once it follows what happens.
    pub(crate) fn run(&self, arguments: &[&str]) -> Process {
        let mut process = Process::start(self.rules(&[&["run"], arguments].concat()));
        let client = Client::open(DEVICE, "waits").expect("a client");
        process.wait_until("its client", |_| {
            let clients = client.clients().expect("clients");
            let named =
                |info: &aseqd_abi::seq::ClientInfo| aseqd_client::text(&info.name) == "aseqd rules";
            let number = clients.iter().find(|info| named(info)).map(|info| info.client);
            let number = number.and_then(|number| u8::try_from(number).ok());
            number.is_some_and(|number| !client.ports_of(number).expect("ports").is_empty())
        });
        process
    }
}

/// A device or program with one port.
pub(crate) struct Plugged {
    pub(crate) client: Client,
    pub(crate) port: Address,
}

impl Plugged {
    pub(crate) fn connect(&self, other: &Self) {
        self.client.connect(self.port, other.port).expect("a connection");
    }

    pub(crate) fn disconnect(&self, other: &Self) {
        self.client.disconnect(self.port, other.port).expect("it was connected");
    }

    pub(crate) fn is_connected(&self, other: &Self) -> bool {
        self.client.subscription(self.port, other.port).expect("an answer").is_some()
    }

    #[track_caller]
    pub(crate) fn wait_connected(&self, other: &Self) {
        wait_until("the connection", || self.is_connected(other));
    }
}

/// Makes something that sends.
pub(crate) fn keyboard(name: &str) -> Plugged {
    let client = Client::open(DEVICE, name).expect("a client");
    let caps = PortCaps::READ | PortCaps::SUBS_READ;
    let kind = PortType::MIDI_GENERIC | PortType::HARDWARE;
    let port = client.create_port("out", caps, kind).expect("a port");
    Plugged { client, port }
}

/// Makes something that receives.
pub(crate) fn synth(name: &str) -> Plugged {
    let client = Client::open(DEVICE, name).expect("a client");
    let caps = PortCaps::WRITE | PortCaps::SUBS_WRITE;
    let kind = PortType::MIDI_GENERIC | PortType::APPLICATION;
    let port = client.create_port("in", caps, kind).expect("a port");
    Plugged { client, port }
}

/// Waits until `aseqd rules run` has seen everything so far: it connects a pair that is made for this. The rules need
/// one from `probe out` to `probe in`.
pub(crate) fn settled() {
    let (from, to) = (keyboard("probe out"), synth("probe in"));
    from.wait_connected(&to);
}

/// The rule of [`settled`].
pub(crate) const PROBE: &str = "[[rule]]\nfrom = 'probe out'\nto = 'probe in'\n";
