//! What the rows of one run have in common.

use super::directory;
use super::door::Door;
use super::peer::server::{self, Shared};
use aseqd_host::error::Fail;
use aseqd_host::folder::Private;
use std::cell::OnceCell;

/// What the rows need to know.
pub(super) struct Setup {
    /// The doors, each with the reason why it cannot be used here, if there is one.
    pub(super) doors: Vec<(Door, Option<String>)>,
    pub(super) quick: bool,
    /// For files of this run. The next run removes what a killed one has left.
    pub(super) directory: Private,
    /// Servers of peers, started when the first row wants them.
    sndiod: OnceCell<Shared>,
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

    /// The door of ours that is tried first, and the kernel's: for what the server does, whatever the door.
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
