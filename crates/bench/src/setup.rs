//! What all rows of a run share: doors, a directory, servers of peers.

use super::directory;
use super::door::Door;
use super::peer::server::{self, Shared};
use aseqd_host::error::Fail;
use aseqd_host::folder::Private;
use std::cell::OnceCell;

/// The options, doors and servers of one run.
pub(super) struct Setup {
    /// Each door, with the reason why it does not work here, if so.
    pub(super) doors: Vec<(Door, Option<String>)>,
    pub(super) quick: bool,
    /// Directory for the files of this run. If this run is killed, the next one removes it.
    pub(super) directory: Private,
    /// Server of sndio, started when the first row needs it.
    sndiod: OnceCell<Shared>,
    /// Server of JACK, started when the first row needs it.
    jack: OnceCell<Shared>,
}

impl Setup {
    pub(super) fn new(against_device: bool, quick: bool) -> Result<Self, Fail> {
        directory::remove_leftovers();
        let directory = directory::create()?;
        let doors = Door::all(against_device);
        Ok(Self {
            doors: doors.into_iter().map(|door| (door, door.trouble())).collect(),
            quick,
            directory,
            sndiod: OnceCell::new(),
            jack: OnceCell::new(),
        })
    }

    /// Returns our first door and the kernel's, for rows in which the door makes no difference.
    pub(super) fn main_doors(&self) -> impl Iterator<Item = &(Door, Option<String>)> {
        let ours = self.doors.iter().filter(|(door, _)| door.has_server()).take(1);
        ours.chain(self.doors.iter().filter(|(door, _)| !door.has_server()))
    }

    pub(super) fn sndiod(&self) -> Shared {
        Shared::clone(self.sndiod.get_or_init(server::sndiod))
    }

    pub(super) fn jack(&self) -> Shared {
        Shared::clone(self.jack.get_or_init(server::jack))
    }
}
