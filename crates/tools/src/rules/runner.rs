//! Carries out rules on a sequencer.

use super::held::Held;
use super::links::Links;
use super::look::{look, look_at};
use super::state::{self, NAME, Told};
use aseqd_abi::seq::{CLIENT_SYSTEM, PortSubscribe, SubscriptionFlags};
use aseqd_abi::{Address, Errno};
use aseqd_client::{Announcement, Client, Error, Result, printable};
use aseqd_host::error::reason;
use aseqd_rules::{
    Action, Change, Connection, History, Link, Origin, Pair, RuleSet, Snapshot, Transform, decide,
    looping,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

/// The names of midiminder's clients. Two programs that connect by rules work against each other.
const MIDIMINDER: [&str; 2] = ["midiminder", "amidiminder"];

/// Cells of the input pool: as many as a client can have, so that few announcements are lost.
const POOL: u32 = 2000;

/// How often somebody cuts a connection within [`FIGHT_TIME`] before this gives up: another program works against the
/// rule.
const FIGHT_LIMIT: u32 = 20;
const FIGHT_TIME: Duration = Duration::from_secs(1);

/// Rules, and the client that carries them out.
pub(super) struct Runner {
    pub(super) client: Client,
    pub(super) links: Links,
    pub(super) held: Held,
    pub(super) rules: RuleSet,
    pub(super) history: History,
    /// What another process has told that carries out rules here.
    pub(super) told: Option<Told>,
    /// What there was at the last look.
    pub(super) snapshot: Snapshot,
    /// Announcements of what this program has done itself, which are still to come: what was connected, or else
    /// disconnected.
    expected: BTreeMap<(Pair, bool), VecDeque<Option<Own>>>,
    /// How often others have cut a connection, and since when that is counted.
    fights: BTreeMap<Pair, (Instant, u32)>,
    /// Whether the sequencer tells when a client or port gets another name. Linux before 6.12 does not.
    announces_names: bool,
    warned_of_midiminder: bool,
}

/// A connection that a rule has made: its ends, the rule, and how it was made.
type Own = (Pair, Origin, Option<Connection>);

/// What others have done since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manual {
    Connected(Pair),
    Disconnected(Pair),
}

/// What a turn has heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Whether there is a reason to look: others have done something.
    pub(super) anything: bool,
    pub(super) manual: Vec<Manual>,
    /// The clients that have changed, and the ports that are new, if nothing else has happened.
    few: Option<(BTreeSet<u8>, Vec<Address>)>,
}

impl Heard {
    /// Counts an announcement as one of a few.
    fn count(&mut self, announced: Announcement) {
        let Some((clients, new)) = &mut self.few else { return };
        let client = match announced {
            Announcement::PortStarted(port) => {
                new.push(port);
                port.client
            }
            Announcement::PortChanged(port) | Announcement::PortExited(port) => port.client,
            Announcement::ClientChanged(client) => client,
            _ => return,
        };
        clients.insert(client);
    }
}

impl Runner {
    pub(super) fn open(device: &Path, rules: RuleSet) -> Result<Self> {
        let client = Client::open(device, NAME)?;
        client.set_pools(1, POOL, 1)?;
        Ok(Self {
            client,
            links: Links::new(device.to_owned()),
            held: Held::new(device.to_owned()),
            rules,
            history: History::default(),
            told: None,
            snapshot: Snapshot::default(),
            expected: BTreeMap::new(),
            fights: BTreeMap::new(),
            announces_names: false,
            warned_of_midiminder: false,
        })
    }

    /// Opens a client for a command beside `aseqd rules run`: it knows what that has done, and leaves its clients alone.
    pub(super) fn open_beside(device: &Path, rules: RuleSet) -> Result<Self> {
        let mut runner = Self::open(device, rules)?;
        if let Some(mut told) = state::read(device, &runner.client) {
            runner.history = std::mem::take(&mut told.history);
            runner.told = Some(told);
        }
        Ok(runner)
    }

    /// Returns the number of another client that carries out rules here. Commands beside it have no port.
    pub(super) fn another(&self) -> Result<Option<i32>> {
        let own = i32::from(self.client.id());
        let clients = self.client.clients()?;
        let runs = |info: &&aseqd_abi::seq::ClientInfo| {
            info.client != own && info.num_ports > 0 && aseqd_client::text(&info.name) == NAME
        };
        Ok(clients.iter().find(runs).map(|info| info.client))
    }

    /// Follows what happens from now on.
    pub(super) fn follow(&mut self) -> Result<()> {
        self.client.hear_announcements()?;
        // The sequencer announces this before the call returns, if it announces names at all.
        self.client.set_name(NAME)?;
        let own = Announcement::ClientChanged(self.client.id());
        while let Some((event, _)) = self.client.read_event()? {
            self.announces_names |= Announcement::of(&event) == Some(own);
        }
        Ok(())
    }

    /// Returns whether names can change without a word.
    pub(super) const fn must_look_for_names(&self) -> bool {
        !self.announces_names
    }

    /// Reads all announcements that are there.
    pub(super) fn hear(&mut self) -> Result<Heard> {
        let mut heard = Heard { few: Some(Default::default()), ..Heard::default() };
        loop {
            let announced = match self.client.read_event() {
                Ok(None) => return Ok(heard),
                Ok(Some((event, _))) => Announcement::of(&event),
                Err(Error::EventsLost) => {
                    (heard.anything, heard.few) = (true, None);
                    self.expected.clear();
                    self.history.note(Change::Lost);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let manual = match announced {
                Some(Announcement::Connected(connect)) => {
                    let pair = (connect.sender, connect.dest);
                    self.history.note(Change::Connected(pair.0, pair.1));
                    (!self.expects(pair, true)).then_some(Manual::Connected(pair))
                }
                Some(Announcement::Disconnected(connect)) => {
                    let pair = (connect.sender, connect.dest);
                    self.history.note(Change::Disconnected(pair.0, pair.1));
                    let manual = !self.expects(pair, false);
                    if manual {
                        self.count_cut(pair);
                    }
                    manual.then_some(Manual::Disconnected(pair))
                }
                Some(other) => {
                    heard.anything |= match other {
                        // A client comes without ports and goes after them, so there is nothing to see.
                        Announcement::ClientStarted(_) | Announcement::ClientExited(_) => false,
                        // A port that is not known yet is announced itself.
                        Announcement::ClientChanged(client) => self.has_ports(client),
                        _ => true,
                    };
                    heard.count(other);
                    self.note(other);
                    None
                }
                None => None,
            };
            if manual.is_some() {
                (heard.anything, heard.few) = (true, None);
            }
            heard.manual.extend(manual);
        }
    }

    /// Returns whether a client had ports at the last look.
    fn has_ports(&self, client: u8) -> bool {
        self.snapshot.ports.iter().any(|port| port.address.client == client)
    }

    fn note(&mut self, announced: Announcement) {
        match announced {
            Announcement::PortStarted(port) | Announcement::PortExited(port) => {
                self.history.note(Change::Port(port));
            }
            Announcement::ClientStarted(client) | Announcement::ClientExited(client) => {
                self.history.note(Change::Client(client));
            }
            _ => {}
        }
    }

    /// Returns whether an announcement is about something that this program has done.
    fn expects(&mut self, pair: Pair, connected: bool) -> bool {
        let Some(waiting) = self.expected.get_mut(&(pair, connected)) else { return false };
        let own = waiting.pop_front();
        if waiting.is_empty() {
            self.expected.remove(&(pair, connected));
        }
        if let Some(Some((pair, origin, plain))) = own {
            self.history.note_made(pair, origin, plain);
        }
        true
    }

    /// Looks at the clients alone that have changed, if that is all that has happened: a device is connected sooner than
    /// everything can be looked at. Returns whether it has looked. A look at everything must follow. With links there is no
    /// quick way: whether they stand depends on the connections of their own ports.
    pub(super) fn look_quickly(&mut self, heard: &Heard) -> Result<bool> {
        if !self.snapshot.links.is_empty() {
            return Ok(false);
        }
        let Some((clients, new)) = heard.few.as_ref().filter(|(_, new)| !new.is_empty()) else {
            return Ok(false);
        };
        let mut own = vec![self.client.id()];
        own.extend(self.links.client().map(Client::id));
        for client in clients.iter().filter(|client| !own.contains(client)) {
            look_at(&self.client, *client, new, &mut self.snapshot)?;
        }
        Ok(true)
    }

    /// Looks at what is there.
    pub(super) fn look(&mut self) -> Result<()> {
        let mut own = vec![self.client.id()];
        own.extend(self.links.client().map(Client::id));
        own.extend(self.told.iter().flat_map(|told| told.clients.iter().copied()));
        let look = look(&self.client, &own)?;
        self.snapshot = look.snapshot;
        self.links.remove_cut(&self.snapshot.connections)?;
        self.snapshot.links = self.all_links();
        self.warn_of_midiminder(&look.clients);
        Ok(())
    }

    /// Cuts the connections by which events would go round for ever through the virtual ports. `manual` is what others have
    /// done since the last look. Returns what was cut.
    pub(super) fn cut_loops(&mut self, manual: &[Manual]) -> Result<Vec<Pair>> {
        let new: Vec<_> = manual
            .iter()
            .filter_map(|one| match one {
                Manual::Connected(pair) => Some(*pair),
                Manual::Disconnected(_) => None,
            })
            .collect();
        let mut cut = Vec::new();
        for pair in looping(&self.snapshot, self.rules.ports(), &new) {
            let tried = self.client.disconnect(pair.0, pair.1);
            self.expect(pair, false, tried.is_ok(), None);
            if refusal(tried)?.is_none() {
                self.snapshot.connections.retain(|one| one.pair() != pair);
                cut.push(pair);
            }
        }
        Ok(cut)
    }

    fn warn_of_midiminder(&mut self, clients: &[aseqd_abi::seq::ClientInfo]) {
        let runs = |info: &aseqd_abi::seq::ClientInfo| {
            MIDIMINDER.contains(&aseqd_client::text(&info.name).as_str())
        };
        let there = clients.iter().any(runs);
        if there && !self.warned_of_midiminder {
            aseqd_console::say(&MIDIMINDER_RUNS);
        }
        self.warned_of_midiminder = there;
    }

    /// Decides and acts. Returns what was done, with why it failed if it did.
    pub(super) fn settle(&mut self) -> Result<Vec<(Action, Option<String>)>> {
        let actions = decide(&self.snapshot, &self.rules, &mut self.history);
        let mut done = Vec::new();
        for action in actions {
            let failed = self.act(&action)?;
            if failed.is_none() {
                self.see(&action);
            }
            done.push((action, failed));
        }
        Ok(done)
    }

    /// Puts what was done into what there is, so that the next decision knows it without a look.
    fn see(&mut self, action: &Action) {
        let connections = &mut self.snapshot.connections;
        match action {
            Action::Connect(connection, _) => connections.push(*connection),
            Action::Disconnect(connection, _) => {
                connections.retain(|one| one.pair() != connection.pair());
            }
            Action::Link(..) | Action::Change(..) | Action::Unlink(..) => {
                self.snapshot.links = self.all_links();
            }
        }
    }

    /// Returns the links that stand, here and in another process.
    fn all_links(&self) -> Vec<Link> {
        let links = self.links.all().map(|(link, _)| link.clone());
        // What a link of another process does is what its rule says.
        let others = self.told.iter().flat_map(|told| &told.links).map(|((sender, dest), _)| {
            Link { sender: *sender, dest: *dest, transform: Transform::default() }
        });
        links.chain(others).collect()
    }

    /// Carries out an action. Returns why the sequencer refuses it, if it does.
    pub(super) fn act(&mut self, action: &Action) -> Result<Option<String>> {
        let (pair, tried) = match action {
            Action::Connect(connection, origin) => {
                let pair = connection.pair();
                if self.is_fight(pair) {
                    (pair, Ok(Some("another program keeps disconnecting it".to_owned())))
                } else {
                    let tried = self.client.subscribe(&subscription(connection));
                    let own = (pair, origin.clone(), Some(*connection));
                    self.expect(pair, true, tried.is_ok(), Some(own));
                    (pair, tried.map(|()| None))
                }
            }
            Action::Disconnect(connection, _) => {
                let pair = connection.pair();
                let tried = self.client.unsubscribe(&subscription(connection));
                self.expect(pair, false, tried.is_ok(), None);
                return refusal(tried);
            }
            Action::Link(link, origin) => {
                let exclusive = self.rule_is_exclusive(origin);
                let name = self.name_of(link);
                let pair = (link.sender, link.dest);
                let tried = self.links.add(link, exclusive, &name);
                if let Ok(port) = &tried {
                    let own = (pair, origin.clone(), None);
                    self.expect((*port, link.dest), true, true, None);
                    self.expect((link.sender, *port), true, true, Some(own));
                }
                (pair, tried.map(|_| None))
            }
            Action::Change(link, _) => {
                self.links.change(link);
                return Ok(None);
            }
            Action::Unlink(sender, dest, _) => return refusal(self.links.remove(*sender, *dest)),
        };
        let why = match tried {
            Ok(why) => why,
            // Somebody was faster.
            Err(error) if error.errno() == Some(Errno::EBUSY) && self.is_connected(pair)? => None,
            Err(error) => refusal(Err(error))?,
        };
        if let Some(why) = &why {
            self.history.note_refused(pair, why.clone());
        }
        Ok(why)
    }

    fn is_connected(&self, (sender, dest): Pair) -> Result<bool> {
        Ok(self.client.subscription(sender, dest)?.is_some())
    }

    fn expect(&mut self, pair: Pair, connected: bool, done: bool, own: Option<Own>) {
        if done {
            self.expected.entry((pair, connected)).or_default().push_back(own);
        }
    }

    /// Counts that somebody has cut a connection.
    fn count_cut(&mut self, pair: Pair) {
        let now = Instant::now();
        self.fights.retain(|_, (since, _)| now - *since <= FIGHT_TIME);
        self.fights.entry(pair).or_insert((now, 0)).1 += 1;
    }

    /// Returns whether somebody has cut a connection too often.
    fn is_fight(&self, pair: Pair) -> bool {
        self.fights.get(&pair).is_some_and(|(_, count)| *count > FIGHT_LIMIT)
    }

    fn rule_is_exclusive(&self, origin: &Origin) -> bool {
        self.rules.rules().iter().any(|rule| rule.origin == *origin && rule.exclusive)
    }

    /// Returns the name of a link's port.
    fn name_of(&self, link: &Link) -> String {
        let name = |address| {
            let port = self.snapshot.port(address);
            port.map_or_else(|| format!("{address}"), |port| printable(&port.client_name))
        };
        format!("{} -> {}", name(link.sender), name(link.dest))
    }

    /// Returns whether a port is one that people connect: no port of ours or of the System client.
    pub(super) fn is_of_others(&self, address: Address) -> bool {
        address.client != CLIENT_SYSTEM && self.snapshot.port(address).is_some()
    }
}

/// What is said if midiminder runs, too.
const MIDIMINDER_RUNS: &str = "midiminder runs here, too, and connects by rules of its own: stop one of both \
                               (`systemctl stop midiminder`); `aseqd rules import` reads its profiles";

fn subscription(connection: &Connection) -> PortSubscribe {
    let mut flags = SubscriptionFlags::empty();
    flags.set(SubscriptionFlags::EXCLUSIVE, connection.exclusive);
    flags.set(SubscriptionFlags::TIMESTAMP, connection.stamp.is_some());
    flags.set(SubscriptionFlags::TIME_REAL, connection.stamp.is_some_and(|stamp| stamp.real));
    PortSubscribe {
        sender: connection.sender,
        dest: connection.dest,
        flags: flags.bits(),
        queue: connection.stamp.map_or(0, |stamp| stamp.queue),
        ..PortSubscribe::default()
    }
}

/// Returns why the sequencer refuses something. Other errors are those of the whole program.
fn refusal(tried: Result<()>) -> Result<Option<String>> {
    let Err(error) = tried else { return Ok(None) };
    Ok(Some(match error.errno() {
        Some(Errno::EPERM | Errno::EACCES) => "one of the ports does not allow it".to_owned(),
        Some(Errno::EBUSY) => "one of the ports has an exclusive connection".to_owned(),
        Some(Errno::EINVAL | Errno::ENXIO | Errno::ENOENT) => {
            "a port or the connection is gone".to_owned()
        }
        Some(Errno::ENOMEM) => "there is no room for more".to_owned(),
        Some(Errno::ENODEV) | None => return Err(error),
        Some(_) => reason(&error),
    }))
}
