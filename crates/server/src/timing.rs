//! The options of a server: above all how it trades processor time for latency.

use crate::recorder::Recording;
use crate::sequencer::SequencerOptions;
use std::path::PathBuf;
use std::time::Duration;

/// The longest that the server spins, before a deadline or for another call. More would not help: it is longer than
/// most alarms are late.
pub const MAX_SPIN: Duration = Duration::from_micros(100);

/// The options of a server.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    /// How long to spin before an event is due, at most [`MAX_SPIN`]. Each deadline costs that much
    /// processor time. No effect on a machine with one processor.
    pub precise: Option<Duration>,
    /// How long to spin after a call before sleeping, at most [`MAX_SPIN`].
    pub spin: Duration,
    /// Whether queues move in the steps of their timer, as on Linux, instead of delivering each event at
    /// its own instant.
    pub quantise: bool,
    /// Whether to do without real-time scheduling and resident memory.
    pub no_realtime: bool,
    /// Where to write, at the end, when each deadline was due and when it was handled.
    pub dispatch_log: Option<PathBuf>,
    /// What is recorded, and where.
    pub recording: Option<Recording>,
    /// How the sequencer differs from Linux's.
    pub sequencer: SequencerOptions,
}

impl Timing {
    /// Returns the part that concerns the engine.
    #[must_use]
    pub fn engine(&self) -> aseqd_engine::Config {
        let SequencerOptions { clients, notes_off, ump, .. } = self.sequencer;
        aseqd_engine::Config {
            user_timers: true,
            quantise: self.quantise,
            clients,
            notes_off,
            ump,
            ..aseqd_engine::Config::default()
        }
    }
}
