//! The state: what happens goes in, what is to be done comes out. It does no I/O and knows no clock.

mod command;
mod mouse;
mod pick;

use super::activity::{Activity, STEP, step};
use super::change::{Change, History};
use super::graph::{Graph, Side};
use super::late::AllLates;
use super::layout::{Layout, Tab};
use super::log::{Entry, KEPT, Log};
use super::look::{Age, Look};
use super::roll::Roll;
use super::text;
use aseqd_abi::{Address, Event};
use aseqd_client::Selector;
use pick::Pick;
use ratatui::crossterm::event::{KeyEvent, MouseEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// Time passes.
    Tick,
    /// The screen has this many columns and lines.
    Size(u16, u16),
    Key(KeyEvent),
    Mouse(MouseEvent),
    /// The ports and connections as they are now, and the ports that are watched.
    Graph(Graph, BTreeSet<Address>),
    /// An event has arrived, with its data and its lateness in nanoseconds.
    Event(Event, Vec<u8>, Option<i64>),
    /// Events were lost: they arrived faster than they were read.
    Lost,
    /// A port cannot be watched, and why.
    Unwatched(Address, String),
    /// Connections were changed.
    Changed(Outcome),
}

/// What became of changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// What was changed.
    pub(super) done: Vec<Change>,
    /// Why the rest was not.
    pub(super) refused: Vec<String>,
    /// Whether this was an undo, which is not undone itself.
    pub(super) undo: bool,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Change connections, and tell the outcome.
    Change {
        changes: Vec<Change>,
        undo: bool,
    },
    /// Subscribe to a port, or no longer.
    Watch(Address, bool),
    /// Draw the whole screen anew.
    Redraw,
    /// Stop this process until it is continued.
    Suspend,
    Quit,
}

/// Which ports are watched.
#[derive(Clone, Debug)]
pub(super) enum Watched {
    All,
    None,
    /// Those that these mean, also if they appear later.
    These(Vec<Selector>),
}

/// What is searched for.
#[derive(Clone, Debug, Default)]
pub(super) struct Search {
    pub(super) text: String,
    /// Whether it is being typed.
    pub(super) typing: bool,
}

/// The state.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) look: Look,
    pub(super) size: (u16, u16),
    pub(super) now: Duration,
    pub(super) graph: Graph,
    pub(super) tab: Tab,
    /// Whether the help is shown, and from which line on.
    pub(super) help: Option<usize>,
    pub(super) focus: Side,
    pub(super) senders: Pick,
    pub(super) receivers: Pick,
    pub(super) search: Search,
    /// What has happened.
    pub(super) message: Option<String>,
    pub(super) activity: Activity,
    pub(super) log: Log,
    /// How many events the log is scrolled back.
    pub(super) back: usize,
    pub(super) roll: Roll,
    pub(super) lates: AllLates,
    /// Whether the ports of the System client are shown.
    pub(super) system: bool,
    /// Whether only events of the chosen sender are shown.
    pub(super) only: bool,
    pub(super) paused: bool,
    watched: BTreeSet<Address>,
    wanted: Watched,
    /// Ports whose watching was switched by hand.
    switched: BTreeMap<Address, bool>,
    /// Why ports cannot be watched.
    pub(super) unwatched: BTreeMap<Address, String>,
    history: History,
    /// The port at which a button of the mouse was pressed.
    pressed: Option<(Side, Address)>,
}

impl Model {
    /// Returns the state at the start.
    pub(super) fn new(look: Look, size: (u16, u16), wanted: Watched) -> Self {
        Self {
            look,
            size,
            now: Duration::ZERO,
            graph: Graph::default(),
            tab: Tab::default(),
            help: None,
            focus: Side::default(),
            senders: Pick::default(),
            receivers: Pick::default(),
            search: Search::default(),
            message: None,
            activity: Activity::default(),
            log: Log::default(),
            back: 0,
            roll: Roll::default(),
            lates: AllLates::default(),
            system: false,
            only: false,
            paused: false,
            watched: BTreeSet::new(),
            wanted,
            switched: BTreeMap::new(),
            unwatched: BTreeMap::new(),
            history: History::default(),
            pressed: None,
        }
    }

    /// Takes in what happens at a time, which never goes back. Returns what to do.
    pub(super) fn apply(&mut self, now: Duration, input: Input) -> Vec<Action> {
        self.now = self.now.max(now);
        self.activity.advance(self.now);
        self.roll.advance(self.now);
        match input {
            Input::Tick => return Vec::new(),
            Input::Event(event, data, late) => {
                self.take(&event, &data, late);
                return Vec::new();
            }
            Input::Lost => {
                self.log.lost += 1;
                return Vec::new();
            }
            _ => {}
        }
        let actions = match input {
            Input::Size(width, height) => {
                self.size = (width, height);
                Vec::new()
            }
            Input::Key(key) => self.key(&key),
            Input::Mouse(mouse) => self.mouse(&mouse),
            Input::Graph(graph, watched) => self.look_at(graph, watched),
            Input::Unwatched(port, why) => {
                self.unwatched.insert(port, why);
                Vec::new()
            }
            Input::Changed(outcome) => {
                self.changed(outcome);
                Vec::new()
            }
            Input::Tick | Input::Event(..) | Input::Lost => Vec::new(),
        };
        self.settle();
        actions
    }

    /// Returns the time at which the picture changes even if nothing happens, or `None` if it stands still.
    pub(super) fn next_change(&self) -> Option<Duration> {
        let shows_roll = self.help.is_none() && self.layout().roll.is_some() && !self.paused;
        let moves = self.activity.is_moving() || (shows_roll && self.roll.is_moving());
        moves.then(|| STEP * u32::try_from(step(self.now) + 1).unwrap_or(u32::MAX))
    }

    /// Returns where things are on the screen.
    pub(super) fn layout(&self) -> Layout {
        Layout::of(self.size, self.tab)
    }

    /// Returns the chosen port of a side.
    pub(super) const fn pick(&self, side: Side) -> &Pick {
        match side {
            Side::Senders => &self.senders,
            Side::Receivers => &self.receivers,
        }
    }

    const fn pick_mut(&mut self, side: Side) -> &mut Pick {
        match side {
            Side::Senders => &mut self.senders,
            Side::Receivers => &mut self.receivers,
        }
    }

    /// Returns the ports of a side, in the order of its list.
    pub(super) fn list(&self, side: Side) -> Vec<Address> {
        self.graph.side(side, self.system).iter().map(|port| port.address).collect()
    }

    /// Returns the port whose events are shown, or `None` for all.
    pub(super) fn only(&self) -> Option<Address> {
        self.senders.port.filter(|_| self.only)
    }

    /// Returns the state of a sender's lamp.
    pub(super) fn lamp(&self, port: Address) -> Age {
        if self.watched.contains(&port) { self.activity.age(port) } else { Age::Unknown }
    }

    /// Returns whether a port is what is searched for.
    pub(super) fn matches(&self, port: Address) -> bool {
        let wanted = self.search.text.to_lowercase();
        let Some(port) = self.graph.port(port).filter(|_| !wanted.is_empty()) else { return false };
        let named = format!("{} {}", port.address, text::name(port, self.look)).to_lowercase();
        // The name of the client may be left out of what is shown.
        named.contains(&wanted) || port.client_name.to_lowercase().contains(&wanted)
    }

    fn take(&mut self, event: &Event, data: &[u8], late: Option<i64>) {
        self.activity.count(event.source);
        if let Some(late) = late {
            self.lates.add(event.source, late);
        }
        self.log.total += 1;
        if self.paused {
            return;
        }
        self.roll.take(event);
        self.log.add(Entry::new(self.now, *event, data, late));
        // What one looks at stays where it is.
        if self.back > 0 && self.only().is_none_or(|port| port == event.source) {
            self.back = (self.back + 1).min(KEPT);
        }
    }

    /// Takes in what exists, and returns which ports to watch.
    fn look_at(&mut self, graph: Graph, watched: BTreeSet<Address>) -> Vec<Action> {
        self.graph = graph;
        self.watched = watched;
        let ports: BTreeSet<_> = self.graph.ports.iter().map(|port| port.address).collect();
        let exists = |port: Address| ports.contains(&port);
        self.activity.keep(exists);
        self.roll.keep(exists);
        self.lates.keep(exists);
        self.switched.retain(|port, _| exists(*port));
        self.unwatched.retain(|port, _| exists(*port));
        let wanted = self.wanted();
        let missing = wanted
            .iter()
            .filter(|port| !self.watched.contains(port) && !self.unwatched.contains_key(port));
        let mut actions: Vec<_> = missing.map(|port| Action::Watch(*port, true)).collect();
        let unwanted = self.watched.iter().filter(|port| !wanted.contains(port));
        actions.extend(unwanted.map(|port| Action::Watch(*port, false)));
        actions
    }

    /// Returns the ports that are to be watched.
    fn wanted(&self) -> BTreeSet<Address> {
        let caps = Side::Senders.caps();
        let able = self.graph.ports.iter().filter(|port| port.caps.contains(caps));
        // The System client's events are about ports and queues; this command follows them anyway.
        let able = able.filter(|port| port.address.client != aseqd_abi::seq::CLIENT_SYSTEM);
        let able: BTreeSet<_> = able.map(|port| port.address).collect();
        let mut wanted = match &self.wanted {
            Watched::All => able.clone(),
            Watched::None => BTreeSet::new(),
            Watched::These(selectors) => selectors
                .iter()
                .flat_map(|selector| selector.all(&self.graph.ports, caps))
                .map(|port| port.address)
                .filter(|port| able.contains(port))
                .collect(),
        };
        for (port, on) in &self.switched {
            if *on && able.contains(port) {
                wanted.insert(*port);
            } else {
                wanted.remove(port);
            }
        }
        wanted
    }

    fn changed(&mut self, outcome: Outcome) {
        let Outcome { done, mut refused, undo } = outcome;
        let arrow = self.look.arrow();
        let told = |change: &Change| {
            let connection = change.connection();
            let verb = match (change, undo) {
                (Change::Connect(_), false) => "connected",
                (Change::Connect(_), true) => "connected again:",
                (Change::Cut(_), _) => "cut",
            };
            format!("{verb} {} {arrow} {}", connection.sender, connection.dest)
        };
        let mut parts = match done.as_slice() {
            [] => Vec::new(),
            [one] => vec![told(one)],
            [Change::Cut(_), ..] => vec![format!("cut {} connections", done.len())],
            [Change::Connect(_), ..] => vec![format!("connected {} pairs again", done.len())],
        };
        if !undo && !done.is_empty() {
            parts.push("u undoes it".to_owned());
            self.history.add(done);
        }
        parts.append(&mut refused);
        self.message = Some(parts.join("; "));
    }

    /// Fits what is chosen to what exists, and to the screen.
    fn settle(&mut self) {
        let layout = self.layout();
        for side in [Side::Senders, Side::Receivers] {
            let list = self.list(side);
            let lines = layout.patchbay.as_ref().map_or(1, |it| it.list(side).height);
            self.pick_mut(side).settle(&list, lines.into());
        }
        let shown = self.log.newest(self.only()).count();
        self.back = self.back.min(shown.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests;
