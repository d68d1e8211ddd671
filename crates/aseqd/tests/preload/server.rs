//! A server behind the preload door alone, in a process of its own: this test's binary once more.

use aseqd_server::clock::Clock;
use aseqd_server::door::preload::PreloadDoor;
use aseqd_server::door::preload::library::Library;
use aseqd_server::door::{Received, Transport as _};
use aseqd_server::session::Session;
use aseqd_wire::preload::Secret;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const ROLE: &str = "ASEQD_TEST_SERVER";
const OWN: &str = "own";
const EVERYBODY: &str = "everybody";

/// A running server, killed at the end.
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

    /// Open to programs of other users, as that of `aseqd run` is.
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
        // What it prints later is nobody's.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, environment, errors }
    }

    /// A program behind the door.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What its programs know.
    pub(crate) fn secret(&self) -> Secret {
        use std::os::unix::ffi::OsStrExt as _;
        Secret::parse(self.variable("ASEQD_SECRET").as_bytes()).expect("a secret")
    }

    /// The process that serves.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// What it has said on standard error.
    pub(crate) fn errors(&self) -> String {
        std::fs::read_to_string(self.errors.path()).expect("what it says")
    }

    /// Kills it, and leaves what it leaves.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is a child");
        std::mem::forget(self);
    }

    /// Where the library lies.
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
        // It had no time to do it itself.
        let _gone = Path::new(self.library()).parent().map(std::fs::remove_dir_all);
    }
}

/// The server itself: runs until it is killed.
#[test]
fn serves_when_asked_to() {
    let Some(role) = std::env::var_os(ROLE) else { return };
    let library = Library::install().expect("the library is installed");
    let mut door = PreloadDoor::bind(&library, role == *EVERYBODY).expect("a socket");
    println!();
    for (name, value) in library.environment(&door, None) {
        println!("{name}={}", value.display());
    }
    println!("ready");
    serve(&mut door);
}

fn serve(door: &mut PreloadDoor) -> ! {
    let clock = Clock::Real;
    let mut session = Session::new(aseqd_engine::Config::default(), false);
    let mut buffer = Default::default();
    let parent = rustix::process::getppid();
    loop {
        let now = clock.now();
        let wait = session.deadline(now).map_or(u64::MAX, |due| due.0.saturating_sub(now.0));
        let wait = wait.min(100_000_000);
        let limit = Timespec {
            tv_sec: i64::try_from(wait / 1_000_000_000).expect("seconds"),
            tv_nsec: i64::try_from(wait % 1_000_000_000).expect("nanoseconds"),
        };
        let mut ready = [PollFd::from_borrowed_fd(door.descriptor(), PollFlags::IN)];
        let _interrupted = poll(&mut ready, Some(&limit));
        session.pass_time(clock.now(), door);
        // One call a turn, as the server's loop does.
        match door.receive(&mut buffer) {
            Received::Call(call) => session.call(clock.now(), call, door),
            Received::Nothing => {}
            Received::Disconnected | Received::Broken(_) => std::process::exit(1),
        }
        session.go_on(clock.now(), door);
        if rustix::process::getppid() != parent {
            std::process::exit(0);
        }
    }
}
