//! Peers that need a server of their own: it is started for the bench, and ended with it.

use crate::program;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::process::{Child, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What sndio's clients call the port that their environment names.
pub(crate) const SNDIO_PORT: &str = "default";
/// sndiod has numbers up to 15 for its servers; 0 is that of the machine.
const SNDIO_UNITS: u32 = 15;
/// Frames of a period, and frames a second.
pub(crate) const JACK_PERIOD: &str = "64";
const JACK_RATE: &str = "48000";
/// What a server needs to be ready, and to end.
const START_TIME: Duration = Duration::from_millis(500);
const END_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two looks whether it has ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// A server that runs as long as this lives.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// What its clients have in their environment, to find this server and no other.
    pub(crate) variable: (&'static str, String),
}

impl Server {
    fn start(words: &[&str], variable: (&'static str, String)) -> Result<Self, Fail> {
        let [program, ..] = words else { return Err(Fail::new("no program")) };
        if !program::installed(program) {
            return Err(Fail::new(format!("{program} is not installed")));
        }
        let mut command = program::command(words.iter().map(OsString::from), false)?;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child =
            process::end_with_us(&mut command).spawn().with_context(|| (*program).to_owned())?;
        // Neither says when it is ready: clients that come too early fail.
        std::thread::sleep(START_TIME);
        match child.try_wait().context("a server")? {
            None => Ok(Self { child, variable }),
            Some(status) => Err(Fail::new(format!("{program} has ended at once with {status}"))),
        }
    }

    fn ended(&mut self, within: Duration) -> bool {
        let end = Instant::now() + within;
        while Instant::now() < end {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked to end, it takes away what it has left in shared memory.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ended = kill_process(pid, Signal::TERM);
        }
        if !self.ended(END_TIMEOUT) {
            let _ended = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}

/// A peer's server, for all the subjects that need it, or why there is none.
pub(crate) type Shared = Rc<Result<Server, String>>;

/// sndiod with nothing but its MIDI thru boxes.
pub(crate) fn sndiod() -> Shared {
    // Another bench may run meanwhile.
    let unit = (1 + std::process::id() % SNDIO_UNITS).to_string();
    let variable = ("MIDIDEVICE", format!("midithru,{unit}/0"));
    let server = Server::start(&["sndiod", "-d", "-U", &unit], variable);
    Rc::new(server.map_err(|why| why.to_string()))
}

/// JACK on a device that is none, with the shortest usual period.
pub(crate) fn jack() -> Shared {
    let name = format!("aseqd-bench-{}", std::process::id());
    let words = [
        "jackd",
        "--no-realtime",
        "--no-mlock",
        "--name",
        &name,
        "-d",
        "dummy",
        "-p",
        JACK_PERIOD,
        "-r",
        JACK_RATE,
    ];
    let server = Server::start(&words, ("JACK_DEFAULT_SERVER", name.clone()));
    Rc::new(server.map_err(|why| why.to_string()))
}
