//! What happened before: the memory of [`decide`](crate::decide()).

use crate::origin::Origin;
use crate::port::{Connection, Pair};
use aseqd_abi::Address;
use aseqd_selector::{Device, Port};
use std::collections::{BTreeMap, BTreeSet};

/// Something that the sequencer has announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A port was made, or goes: its number means another port from now on.
    Port(Address),
    /// A client was opened or closed.
    Client(u8),
    /// Two ports were connected.
    Connected(Address, Address),
    /// Two ports were disconnected.
    Disconnected(Address, Address),
    /// Announcements were lost.
    Lost,
    /// The rules are other ones now.
    Rules,
}

/// What was done, and what others did against it. It begins empty.
///
/// Everything in it concerns ports that exist, except for the connections of rules with `when = "once"`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The connections that rules have made, by the rule.
    pub(crate) made: BTreeMap<Pair, Made>,
    /// Pairs that were connected, by rules or others, since both ports are there.
    pub(crate) settled: BTreeSet<Pair>,
    /// Pairs that somebody has disconnected since then.
    pub(crate) cut: BTreeSet<Pair>,
    /// Pairs of which `when = "once"` is done.
    pub(crate) done: BTreeSet<(Identity, Identity)>,
    /// Connections that the sequencer refused, and why. They are not tried again until something changes at one end.
    pub(crate) refused: BTreeMap<Pair, String>,
    /// Whether ports may have gone and come back unseen.
    pub(crate) uncertain: bool,
    /// Whether the rules have changed since the last decision.
    pub(crate) rules_changed: bool,
}

/// A connection that a rule has made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Made {
    pub(crate) origin: Origin,
    /// How it was made. `None` for a link.
    pub(crate) plain: Option<Connection>,
}

/// A port, whatever its numbers are.
pub(crate) type Identity = (String, String, Device);

/// Returns what stays the same of a port when it goes and comes back.
pub(crate) fn identity(port: &Port) -> Identity {
    (port.client_name.clone(), port.name.clone(), port.device.clone())
}

impl History {
    /// Takes in what the sequencer has announced. Call it in the order of the announcements, and before the snapshot
    /// is made that [`decide`](crate::decide()) gets.
    pub fn note(&mut self, change: Change) {
        match change {
            Change::Port(port) => self.forget(|address| address == port),
            Change::Client(client) => self.forget(|address| address.client == client),
            Change::Connected(sender, dest) => {
                self.cut.remove(&(sender, dest));
                self.retry(sender, dest);
            }
            Change::Disconnected(sender, dest) => {
                // What a decision disconnects is not settled any more.
                if self.settled.contains(&(sender, dest)) {
                    self.cut.insert((sender, dest));
                }
                self.retry(sender, dest);
            }
            Change::Lost => {
                self.uncertain = true;
                self.refused.clear();
            }
            Change::Rules => {
                self.rules_changed = true;
                self.refused.clear();
            }
        }
    }

    /// Lets connections be tried again that were refused at one of these ports.
    fn retry(&mut self, sender: Address, dest: Address) {
        self.refused.retain(|pair, _| !touches(*pair, |one| one == sender || one == dest));
    }

    /// Notes that the sequencer has announced a connection that a rule has made, or its link (`plain` is `None`). A decision
    /// can be about ports whose start was not yet announced; the announcement forgets what was known of them, and this
    /// brings it back.
    pub fn note_made(&mut self, pair: Pair, origin: Origin, plain: Option<Connection>) {
        self.settled.insert(pair);
        self.made.insert(pair, Made { origin, plain });
    }

    /// Notes that the sequencer has refused a connection that was decided on.
    pub fn note_refused(&mut self, pair: Pair, why: String) {
        self.made.remove(&pair);
        self.settled.remove(&pair);
        self.refused.insert(pair, why);
    }

    /// Returns the pairs that somebody has disconnected against a rule.
    pub fn cut(&self) -> impl Iterator<Item = Pair> {
        self.cut.iter().copied()
    }

    /// Returns the pairs that rules have connected, with the places of the rules.
    pub fn made(&self) -> impl Iterator<Item = (Pair, &Origin)> {
        self.made.iter().map(|(pair, made)| (*pair, &made.origin))
    }

    /// Makes a history of what another process has told of its own: [`History::made`] and [`History::cut`].
    #[must_use]
    pub fn told(
        made: impl IntoIterator<Item = (Pair, Origin)>,
        cut: impl IntoIterator<Item = Pair>,
    ) -> Self {
        let cut: BTreeSet<Pair> = cut.into_iter().collect();
        let made: BTreeMap<Pair, Made> =
            made.into_iter().map(|(pair, origin)| (pair, Made { origin, plain: None })).collect();
        let settled = made.keys().chain(&cut).copied().collect();
        Self { made, settled, cut, ..Self::default() }
    }

    /// Forgets all pairs with a port of this kind.
    pub(crate) fn forget(&mut self, gone: impl Fn(Address) -> bool) {
        self.made.retain(|pair, _| !touches(*pair, &gone));
        self.settled.retain(|pair| !touches(*pair, &gone));
        self.cut.retain(|pair| !touches(*pair, &gone));
        self.refused.retain(|pair, _| !touches(*pair, &gone));
    }
}

fn touches((sender, dest): Pair, is: impl Fn(Address) -> bool) -> bool {
    is(sender) || is(dest)
}
