//! The options of a campaign.

use super::machine::Machine;
use std::path::PathBuf;
use std::time::Duration;

/// What programs run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// The engine in each process.
    Engine,
    /// The server's session in each process.
    Session,
    /// The device files of this machine.
    Device,
    /// The device files under a command, in words: one for each process.
    Under(Vec<String>),
    /// The device files of machines: one for each process.
    Machine(Machine),
}

/// The options of a campaign.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its folder.
    pub dir: PathBuf,
    /// What programs run on.
    pub side: Side,
    /// The number of processes.
    pub jobs: usize,
    /// For how long; without end if there is nothing.
    pub time: Option<Duration>,
    /// The seed of all random numbers.
    pub seed: u64,
    /// How long it may take to shrink one finding that the process or machine does not survive.
    pub shrink: Duration,
    /// Whether files of devices are closed with events in queues that their client no longer uses.
    pub rude: bool,
}
