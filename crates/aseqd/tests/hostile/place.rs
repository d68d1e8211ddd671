//! Places of the attacks: behind each door, as another user.

use super::common::seq::{Client, THROUGH};
use super::common::*;
use aseqd_abi::event::{Event, EventType};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

/// A user whom nobody on the machine is.
pub(crate) const STRANGER: u32 = 54321;

/// Runs the body of a test in `aseqd run --via DOOR` as root, so that it can become another user.
pub(crate) fn run<F: FnOnce()>(door: &str, body: F) {
    if !has_role() && !is_root() {
        return;
    }
    let run = |test: &[&OsStr]| {
        let mut command = Command::new(ASEQD);
        command.args(["run", "--via", door, "--"]).args(test);
        command
    };
    inside_of(run, body);
}

/// Runs the body of a test with a served folder as `/dev/snd`, with all that a server can offer. Everybody may open the
/// devices.
pub(crate) fn serve<F: FnOnce()>(body: F) {
    serve_with("0666", body);
}

/// Runs the body of a test with a served folder as `/dev/snd`, whose devices have these permissions.
pub(crate) fn serve_with<F: FnOnce()>(mode: &str, body: F) {
    if has_role() || std::env::var_os(SERVER).is_some() {
        return inside_of(|_| unreachable!("this is inside"), body);
    }
    if !is_root() || !can_serve() {
        return;
    }
    sys::unshare_mounts().expect("mounts of our own");
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let directory = folder.path().join("snd");
    let mut command = Command::new(ASEQD);
    command.args(["serve", "--ump", "on", "--mode", mode, "--mount"]).arg(&directory);
    let mut server = Process::start(command);
    server.wait_for_output("aseqd: serving");
    let bound = |test: &[&OsStr]| {
        let bind = "mkdir /dev/snd; mount --bind \"$directory\" /dev/snd; exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c"]);
        command.arg(format!("{PRIVATE_DEV}{bind}")).arg("sh").args(test);
        command.env("directory", &directory).env(SERVER, server.pid().to_string());
        command
    };
    inside_of(bound, body);
    server.signal(rustix::process::Signal::TERM);
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    assert!(!ended.stderr.contains("took no answer"), "each is what the kernel wants: {ended:#?}");
}

/// An ordinary client that must not notice the attacks.
#[derive(Debug)]
pub(crate) struct Bystander {
    client: Client,
    server: i32,
    next: u8,
}

impl Bystander {
    pub(crate) fn new() -> Self {
        let client = Client::open();
        client.subscribe(THROUGH, client.create_port());
        Self { client, server: keeper(), next: 0 }
    }

    /// Checks that the client is served as usual: an event goes through the sequencer and back.
    pub(crate) fn is_served(&mut self) {
        self.next = self.next.wrapping_add(1) % 128;
        let mut event = Event::direct(EventType::NOTEON);
        (event.dest, event.data.0[1]) = (THROUGH, self.next);
        let own = |read: &Event| read.data.0[1] == self.next && read.source == THROUGH;
        loop {
            assert_eq!(self.client.write(&[event]).expect("room"), size_of::<Event>());
            assert!(self.client.readable_within(DEADLINE), "an event comes back");
            match self.client.read() {
                Ok(events) if events.iter().any(own) => return,
                Ok(_) => {}
                // Strangers have sent so many events that one was lost.
                Err(error) => assert_eq!(error.raw_os_error(), Some(libc::ENOSPC), "{error}"),
            }
        }
    }

    /// Waits until all other clients are gone.
    pub(crate) fn is_alone(&self) {
        wait_until("the strangers' clients to be gone", || self.client.others() == [0, 14]);
    }

    /// Returns the memory of the server, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        status_of(self.server, "VmRSS")
    }
}

/// Returns the number of an environment variable that sets the length or the seed of a test.
pub(crate) fn number_from(variable: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(variable) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{variable} is a number"))
}
