//! What all rows of a run share: doors, a directory, servers of peers.

use super::directory;
use super::door::Door;
use super::peer::server::{self, Shared};
use super::row::{Line, Subject};
use aseqd_host::error::Fail;
use aseqd_host::folder::Private;
use std::cell::OnceCell;

/// A door, and whether it works here.
pub(super) struct Entrance {
    pub(super) door: Door,
    /// Why the door does not work here, if so.
    pub(super) trouble: Option<String>,
}

impl Entrance {
    /// Returns a subject that is measured behind this door. If the door does not work, the table says why.
    pub(super) fn subject(
        &self,
        name: impl Into<String>,
        mut measure: impl FnMut(Door) -> Result<Vec<Line>, Fail> + 'static,
    ) -> Subject {
        let door = self.door;
        match &self.trouble {
            Some(why) => Subject::missing(door.side, name, why),
            None => Subject::new(door.side, name, move || measure(door)),
        }
    }
}

/// The options, doors and servers of one run.
pub(super) struct Setup {
    pub(super) entrances: Vec<Entrance>,
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
            entrances: doors
                .into_iter()
                .map(|door| Entrance { door, trouble: door.trouble() })
                .collect(),
            quick,
            directory,
            sndiod: OnceCell::new(),
            jack: OnceCell::new(),
        })
    }

    /// Returns our first door and the kernel's, for rows in which the door makes no difference.
    pub(super) fn main_entrances(&self) -> impl Iterator<Item = &Entrance> {
        let ours = self.entrances.iter().filter(|entrance| entrance.door.has_server()).take(1);
        ours.chain(self.entrances.iter().filter(|entrance| !entrance.door.has_server()))
    }

    pub(super) fn sndiod(&self) -> Shared {
        Shared::clone(self.sndiod.get_or_init(server::sndiod))
    }

    pub(super) fn jack(&self) -> Shared {
        Shared::clone(self.jack.get_or_init(server::jack))
    }
}
