//! Servers of peers. The bench starts and ends them.

use crate::program;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::process::{Child, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Name that sndio's clients use for the port in their environment.
pub(crate) const SNDIO_PORT: &str = "default";
/// Largest number of a server of sndiod. The machine's own is 0.
const SNDIO_UNITS: u32 = 15;
/// Frames in a period of JACK, which is 1.3 ms.
pub(crate) const JACK_PERIOD: &str = "64";
/// Frames a second of JACK.
const JACK_RATE: &str = "48000";
/// Time that a server gets to be ready.
const START_TIME: Duration = Duration::from_millis(500);
/// Time that a server gets to end by itself before it is killed.
const END_TIMEOUT: Duration = Duration::from_secs(2);
/// Time between two checks whether a server has ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// A running server, which is ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Environment variable by which clients find this server and no other.
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
        // No server says when it is ready, and clients that come too early fail.
        std::thread::sleep(START_TIME);
        match child.try_wait().context("a server cannot be watched")? {
            None => Ok(Self { child, variable }),
            Some(status) => Err(Fail::new(format!("{program} ended at once with {status}"))),
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
        // A server that is asked to end removes its shared memory.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ended = kill_process(pid, Signal::TERM);
        }
        if !self.ended(END_TIMEOUT) {
            let _ended = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}

/// A server for all the subjects that need it, or the reason why there is none.
pub(crate) type Shared = Rc<Result<Server, String>>;

/// Starts sndiod with only its MIDI thru boxes.
pub(crate) fn sndiod() -> Shared {
    // A number of its own, in case another bench runs.
    let unit = (1 + std::process::id() % SNDIO_UNITS).to_string();
    let variable = ("MIDIDEVICE", format!("midithru,{unit}/0"));
    let server = Server::start(&["sndiod", "-d", "-U", &unit], variable);
    Rc::new(server.map_err(|why| why.to_string()))
}

/// Starts JACK on its dummy device, with a short period.
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
