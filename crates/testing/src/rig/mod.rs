//! A sequencer in the test's process, with a virtual clock.

mod client;
mod compare;
mod describe;
mod expected;

pub use client::TestClient;
pub use expected::{Expected, Received, at, whenever};

use aseqd_client::{Address, PortCaps, PortType};
use aseqd_engine::Config;
use aseqd_server::embedded::{Sequencer, TimeSource};
use std::time::Duration;

/// A sequencer in this process, whose clock moves only when the test says so.
///
/// ```
/// use aseqd_testing::aseqd_client::event::note_on;
/// use aseqd_testing::{Rig, at};
/// use std::time::Duration;
///
/// let rig = Rig::new();
/// let (keyboard, synth) = (rig.client("keyboard"), rig.client("synth"));
/// let (out, input) = (keyboard.output("out"), synth.input("in"));
/// keyboard.connect(out, input)?;
///
/// let minute = Duration::from_secs(60);
/// keyboard.play_at(out, minute, note_on(0, 60, 100));
/// rig.advance(2 * minute);
/// synth.expect([at(minute, note_on(0, 60, 100))]);
/// # Ok::<(), aseqd_testing::aseqd_client::Error>(())
/// ```
///
/// The sequencer is the one of `aseqd`, which behaves like that of Linux 6.12. Code under test gets its clients from
/// [`Rig::client`], or from [`Rig::sequencer`] without the helpers for tests. It must be written against
/// [`aseqd_client`], such as with a parameter `&Client<F>` where `F: DeviceFile`. For other code, see
/// [`macro@crate::test`].
///
/// The methods of a rig and of its clients panic where a test would have called `expect`, and say what failed.
#[derive(Clone, Debug)]
pub struct Rig {
    sequencer: Sequencer,
}

impl Default for Rig {
    fn default() -> Self {
        Self::new()
    }
}

impl Rig {
    /// Returns a sequencer like Linux's, at the time 0.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    /// Returns a sequencer with other settings, such as more clients.
    #[must_use]
    pub fn with(config: Config) -> Self {
        Self { sequencer: Sequencer::new(TimeSource::Virtual, config) }
    }

    /// Returns the sequencer, to open clients without the helpers of [`TestClient`].
    #[must_use]
    pub const fn sequencer(&self) -> &Sequencer {
        &self.sequencer
    }

    /// Returns the time, counted from [`Rig::new`].
    #[must_use]
    pub fn now(&self) -> Duration {
        self.sequencer.now()
    }

    /// Lets time pass. What falls due in it is delivered, each event at its own instant.
    pub fn advance(&self, duration: Duration) {
        self.sequencer.advance(duration);
    }

    /// Lets time pass until this time. Does nothing if it is over.
    pub fn advance_to(&self, time: Duration) {
        self.advance(time.saturating_sub(self.now()));
    }

    /// Opens a client. The first has the number 128, as on Linux.
    ///
    /// # Panics
    /// If no client number is free.
    #[must_use]
    #[track_caller]
    pub fn client(&self, name: &str) -> TestClient {
        TestClient::open(&self.sequencer, name)
    }

    /// Plugs in a device: a client with one port that can be played and listened to, as a USB keyboard has it. It is
    /// unplugged when the client is dropped; [`TestClient::unplug`] says so by name.
    ///
    /// As for all clients of programs, its type is that of a user's client. A driver of the kernel would have the other.
    ///
    /// # Panics
    /// If no client number is free.
    #[must_use]
    #[track_caller]
    pub fn plug(&self, name: &str) -> (TestClient, Address) {
        let device = self.client(name);
        let caps = PortCaps::READ
            | PortCaps::SUBS_READ
            | PortCaps::WRITE
            | PortCaps::SUBS_WRITE
            | PortCaps::DUPLEX;
        let types = PortType::MIDI_GENERIC | PortType::HARDWARE | PortType::PORT;
        let port = device.port(&format!("{name} MIDI 1"), caps, types);
        (device, port)
    }
}
