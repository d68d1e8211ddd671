//! Peers that need a server of their own: it is started for the bench, and ended with it.

use super::door;
use super::lateness::installed;
use crate::error::{Context as _, Fail};
use std::ffi::OsString;
use std::process::{Child, Stdio};
use std::rc::Rc;
use std::time::Duration;

/// sndiod's unit: not the one that a sound server of the machine has.
const SNDIO_UNIT: &str = "7";
/// Its first MIDI thru box.
pub(super) const SNDIO_PORT: &str = "midithru,7/0";
/// The name of our JACK server: not that of the machine's.
const JACK_SERVER: &str = "aseqd-bench";
/// Frames of a period, and frames a second.
pub(super) const JACK_PERIOD: &str = "64";
const JACK_RATE: &str = "48000";
/// What a server needs to be ready.
const START: Duration = Duration::from_millis(500);

/// A server that runs as long as this lives.
#[derive(Debug)]
pub(super) struct Server(Child);

impl Server {
    fn start(words: &[&str]) -> Result<Self, Fail> {
        let [program, ..] = words else { return Err(Fail::new("no program")) };
        if !installed(program) {
            return Err(Fail::new(format!("{program} is not installed")));
        }
        let mut command = door::command(words.iter().map(OsString::from), false)?;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| (*program).to_owned())?;
        // Neither says when it is ready: its clients fail before.
        std::thread::sleep(START);
        match child.try_wait().context("a server")? {
            None => Ok(Self(child)),
            Some(status) => Err(Fail::new(format!("{program} has ended at once with {status}"))),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A peer's server, for all the subjects that need it, or why there is none.
pub(super) type Shared = Rc<Result<Server, String>>;

/// sndiod with nothing but its MIDI thru boxes.
pub(super) fn sndiod() -> Shared {
    Rc::new(Server::start(&["sndiod", "-d", "-U", SNDIO_UNIT]).map_err(|why| why.to_string()))
}

/// JACK on a device that is none, with the shortest usual period.
pub(super) fn jack() -> Shared {
    let words = [
        "jackd",
        "--no-realtime",
        "--no-mlock",
        "--name",
        JACK_SERVER,
        "-d",
        "dummy",
        "-p",
        JACK_PERIOD,
        "-r",
        JACK_RATE,
    ];
    Rc::new(Server::start(&words).map_err(|why| why.to_string()))
}

/// What a client of our JACK server has in its environment.
pub(super) const JACK_ENVIRONMENT: (&str, &str) = ("JACK_DEFAULT_SERVER", JACK_SERVER);
