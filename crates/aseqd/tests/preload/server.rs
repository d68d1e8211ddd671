//! A server with the preload door only, in a process of its own, which runs this test binary again.

use aseqd_server::door::doors::Way;
use aseqd_server::door::preload::PreloadDoor;
use aseqd_server::door::preload::library::Library;
use aseqd_server::event_loop::{self, Wake};
use aseqd_server::timing::Timing;
use aseqd_wire::preload::Secret;
use rustix::process::{PidfdFlags, getppid, pidfd_open};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const ROLE: &str = "ASEQD_TEST_SERVER";
const OWN: &str = "own";
const EVERYBODY: &str = "everybody";

/// A running server, which is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    environment: Vec<(String, OsString)>,
    errors: tempfile::NamedTempFile,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_as(OWN)
    }

    /// Starts a server that programs of other users may reach, like that of `aseqd run`.
    pub(crate) fn for_everybody() -> Self {
        Self::start_as(EVERYBODY)
    }

    fn start_as(role: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        command.args(["server::serves_when_asked_to", "--exact", "--nocapture"]);
        let errors = tempfile::NamedTempFile::new().expect("a file");
        command.env(ROLE, role).stdout(Stdio::piped());
        command.stderr(errors.reopen().expect("a file"));
        let mut child = command.spawn().expect("a server");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut environment = Vec::new();
        loop {
            let line = lines.next().expect("the server says its environment").expect("a line");
            if line == "ready" {
                break;
            }
            if let Some((name, value)) = line.split_once('=') {
                environment.push((name.to_owned(), value.into()));
            }
        }
        // Nobody reads what it prints later.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, environment, errors }
    }

    /// Returns a command whose program uses the door.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Returns what the programs of the run know of the server.
    pub(crate) fn secret(&self) -> Secret {
        use std::os::unix::ffi::OsStrExt as _;
        Secret::parse(self.variable("ASEQD_SECRET").as_bytes()).expect("a secret")
    }

    /// Returns the number of the process that serves.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Returns what the server has written to standard error.
    pub(crate) fn errors(&self) -> String {
        std::fs::read_to_string(self.errors.path()).expect("what it says")
    }

    /// Kills the server, and keeps what it leaves.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is a child");
        std::mem::forget(self);
    }

    /// Returns the path of the library.
    pub(crate) fn library(&self) -> &OsStr {
        self.variable("LD_PRELOAD")
    }

    pub(crate) fn variable(&self, wanted: &str) -> &OsStr {
        let found = self.environment.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_os_str()).expect("the variable")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
        // The server had no time to remove its folder.
        let _gone = Path::new(self.library()).parent().map(std::fs::remove_dir_all);
    }
}

/// Runs the server until it is killed.
#[test]
fn serves_when_asked_to() {
    let Some(role) = std::env::var_os(ROLE) else { return };
    let library = Library::install().expect("the library is installed");
    let door = PreloadDoor::bind(&library, role == *EVERYBODY).expect("a socket");
    println!();
    for (name, value) in library.environment(&door, None) {
        println!("{name}={}", value.display());
    }
    println!("ready");
    serve(door);
}

fn serve(door: PreloadDoor) -> ! {
    let timing = Timing { no_realtime: true, ..Timing::default() };
    let mut server =
        event_loop::Server::new(vec![Way::Preload(door)], false, &timing).expect("it starts");
    let parent = getppid().expect("the test");
    let parent = pidfd_open(parent, PidfdFlags::empty()).expect("it runs");
    server.watch(&parent).expect("it can be waited for");
    match server.run() {
        Ok(Wake::Watched(_)) => std::process::exit(0),
        Ok(Wake::Disconnected) | Err(_) => std::process::exit(1),
    }
}
