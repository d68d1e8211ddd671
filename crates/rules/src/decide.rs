//! The decision: from what is there, what the rules say and what happened before to what to do now.

use crate::history::{History, Made, identity};
use crate::loops::Loops;
use crate::origin::Origin;
use crate::port::{Connection, Link, Pair, Snapshot};
use crate::rule::{Rule, RuleSet, When};
use crate::transform::Transform;
use aseqd_abi::Address;
use aseqd_selector::{End, Port};
use std::collections::BTreeMap;
use std::fmt;

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Connect two ports.
    Connect(Connection, Origin),
    /// Disconnect two ports.
    Disconnect(Connection, Origin),
    /// Connect two ports through a link.
    Link(Link, Origin),
    /// Change what a link does.
    Change(Link, Origin),
    /// Remove a link.
    Unlink(Address, Address, Origin),
}

/// What a rule says about two ports, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding<'a> {
    /// The two ports.
    pub pair: Pair,
    /// The rule that decides about them: the last one that means them.
    pub rule: &'a Rule,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a rule for two ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The rule makes the connection now.
    Makes,
    /// A rule has made the connection.
    Made,
    /// The connection is there, and no rule has made it.
    There,
    /// Somebody has disconnected the ports.
    Cut,
    /// The rule acts once, and has done so.
    Done,
    /// The connection would let events run in a circle.
    Loop,
    /// This connection is exclusive, or is in the way of one that must be.
    Exclusive(Pair),
    /// The sequencer refuses it.
    Refused(String),
    /// The rule forbids the connection, and it is not there.
    Forbidden,
    /// The rule forbids the connection, and cuts it now.
    Cuts,
    /// The rule forbids the connection, but not to others, one of whom has made it.
    Tolerated,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Makes => "to be connected",
            Self::Made => "connected by the rule",
            Self::There => "connected by somebody else",
            Self::Cut => "not connected: somebody has disconnected it",
            Self::Done => "not connected: the rule acts once, and has done so",
            Self::Loop => "not connected: events would run in a circle",
            Self::Exclusive((sender, dest)) => {
                return write!(
                    f,
                    "not connected: {sender} -> {dest} stands in the way of an exclusive connection"
                );
            }
            Self::Refused(why) => return write!(f, "not connected: {why}"),
            Self::Forbidden => "forbidden",
            Self::Cuts => "to be disconnected",
            Self::Tolerated => "connected by somebody else; the rule forbids it to rules only",
        })
    }
}

/// Decides what to do. The history is changed as if everything were done; tell it with
/// [`History::note_refused`] what was not.
///
/// The answer depends on nothing else: the same snapshot, rules and history give the same actions.
pub fn decide(snapshot: &Snapshot, rules: &RuleSet, history: &mut History) -> Vec<Action> {
    settle(snapshot, history);
    let mut world = World::new(snapshot, rules);
    let verdicts = world.verdicts(rules);
    world.cut(&verdicts, history);
    for (pair, rule) in in_order(&verdicts) {
        match world.outcome(pair, rule, history) {
            Outcome::Makes => world.make(pair, rule, history),
            // From here on, it is known when somebody disconnects it.
            Outcome::There => {
                history.settled.insert(pair);
            }
            _ => {}
        }
    }
    history.rules_changed = false;
    world.actions
}

/// Returns what the rules say about every pair of ports that one of them means, and why, in the order in which
/// [`decide`] would act.
#[must_use]
pub fn explain<'a>(snapshot: &Snapshot, rules: &'a RuleSet, history: &History) -> Vec<Finding<'a>> {
    let mut history = history.clone();
    settle(snapshot, &mut history);
    let mut world = World::new(snapshot, rules);
    let verdicts = world.verdicts(rules);
    let before: BTreeMap<_, _> = verdicts.keys().map(|pair| (*pair, world.has(*pair))).collect();
    world.cut(&verdicts, &mut history);
    let mut findings = Vec::new();
    for (pair, rule) in in_order(&verdicts) {
        let outcome = world.outcome(pair, rule, &history);
        let outcome = match outcome {
            Outcome::Forbidden if before[&pair] => Outcome::Cuts,
            Outcome::Makes => {
                world.make(pair, rule, &mut history);
                Outcome::Makes
            }
            other => other,
        };
        findings.push(Finding { pair, rule, outcome });
    }
    findings
}

/// Brings the history up to date with what is there.
fn settle(snapshot: &Snapshot, history: &mut History) {
    history.forget(|address| snapshot.port(address).is_none());
    let plain = snapshot.connections.iter().map(Connection::pair);
    let there: std::collections::BTreeSet<Pair> =
        plain.chain(snapshot.links.iter().map(|link| (link.sender, link.dest))).collect();
    history.made.retain(|pair, _| there.contains(pair));
    history.cut.retain(|pair| !there.contains(pair));
    for pair in &history.settled {
        // A connection that vanished while announcements were lost may have gone with a port that has come back.
        if !there.contains(pair) && !history.uncertain {
            history.cut.insert(*pair);
        }
    }
    let cut = &history.cut;
    history.settled.retain(|pair| there.contains(pair) || cut.contains(pair));
    history.uncertain = false;
}

/// The rule that decides about each pair, by the number of the rule.
type Verdicts<'a> = BTreeMap<Pair, (usize, &'a Rule)>;

fn in_order<'a>(verdicts: &Verdicts<'a>) -> Vec<(Pair, &'a Rule)> {
    let mut all: Vec<_> = verdicts.iter().map(|(pair, (n, rule))| (*n, *pair, *rule)).collect();
    all.sort_by_key(|(number, pair, _)| (*number, *pair));
    all.into_iter().map(|(_, pair, rule)| (pair, rule)).collect()
}

/// What is there, and what will be once the actions are done.
struct World<'a> {
    ports: &'a [Port],
    by_address: BTreeMap<Address, &'a Port>,
    plain: BTreeMap<Pair, Connection>,
    links: BTreeMap<Pair, Transform>,
    loops: Loops,
    actions: Vec<Action>,
}

impl<'a> World<'a> {
    fn new(snapshot: &'a Snapshot, rules: &RuleSet) -> Self {
        let links = snapshot.links.iter();
        Self {
            ports: &snapshot.ports,
            by_address: snapshot.ports.iter().map(|port| (port.address, port)).collect(),
            plain: snapshot.connections.iter().map(|one| (one.pair(), *one)).collect(),
            links: links.map(|one| ((one.sender, one.dest), one.transform.clone())).collect(),
            loops: Loops::new(&snapshot.ports, &rules.through, &rules.ports),
            actions: Vec::new(),
        }
    }

    fn has(&self, pair: Pair) -> bool {
        self.plain.contains_key(&pair) || self.links.contains_key(&pair)
    }

    /// Finds the rule that decides about each pair.
    fn verdicts<'r>(&self, rules: &'r RuleSet) -> Verdicts<'r> {
        let mut verdicts = Verdicts::new();
        for (number, rule) in rules.rules.iter().enumerate() {
            let mut ways = vec![(&rule.from, &rule.to)];
            ways.extend(rule.both.then_some((&rule.to, &rule.from)));
            for (from, to) in ways {
                let wide = from.is_wide() || to.is_wide();
                let dests = to.every(self.ports, End::Dest);
                for sender in from.every(self.ports, End::Sender) {
                    for dest in &dests {
                        let (sender, dest) =
                            (self.ports[sender].address, self.ports[*dest].address);
                        let own = wide && !rule.forbid && sender.client == dest.client;
                        if sender != dest && !own {
                            verdicts.insert((sender, dest), (number, rule));
                        }
                    }
                }
            }
        }
        verdicts
    }

    /// Cuts what must not be. What is left is where loops are looked for.
    fn cut(&mut self, verdicts: &Verdicts<'_>, history: &mut History) {
        self.cut_forbidden(verdicts, history);
        if history.rules_changed {
            self.cut_outdated(verdicts, history);
        }
        for pair in self.plain.keys().chain(self.links.keys()) {
            self.loops.add(*pair);
        }
    }

    fn cut_forbidden(&mut self, verdicts: &Verdicts<'_>, history: &mut History) {
        for (pair, (_, rule)) in verdicts {
            let always = rule.when == When::Always;
            if rule.forbid && self.has(*pair) && (always || history.made.contains_key(pair)) {
                self.remove(*pair, &rule.origin, history);
            }
        }
    }

    /// Cuts what rules have made, and say no more or say otherwise.
    fn cut_outdated(&mut self, verdicts: &Verdicts<'_>, history: &mut History) {
        let made: Vec<_> = history.made.iter().map(|(pair, made)| (*pair, made.clone())).collect();
        for (pair, made) in made {
            match verdicts.get(&pair) {
                None => self.remove(pair, &made.origin, history),
                Some((_, rule)) => {
                    let wanted = rule.transform.is_none().then(|| connection(pair, rule));
                    if wanted != made.plain {
                        self.remove(pair, &rule.origin, history);
                    } else if let Some(made) = history.made.get_mut(&pair) {
                        made.origin = rule.origin.clone();
                        self.change(pair, rule);
                    }
                }
            }
        }
    }

    /// Changes what a link does, if the rule says something else now.
    fn change(&mut self, pair: Pair, rule: &Rule) {
        let Some(transform) = &rule.transform else { return };
        if self.links.get(&pair).is_some_and(|is| is != transform) {
            self.links.insert(pair, transform.clone());
            let link = Link { sender: pair.0, dest: pair.1, transform: transform.clone() };
            self.actions.push(Action::Change(link, rule.origin.clone()));
        }
    }

    /// Removes a connection, and what the history has of it.
    fn remove(&mut self, pair: Pair, origin: &Origin, history: &mut History) {
        if let Some(connection) = self.plain.remove(&pair) {
            self.actions.push(Action::Disconnect(connection, origin.clone()));
        }
        if self.links.remove(&pair).is_some() {
            self.actions.push(Action::Unlink(pair.0, pair.1, origin.clone()));
        }
        history.made.remove(&pair);
        history.settled.remove(&pair);
    }

    /// Returns what comes of a rule for two ports.
    fn outcome(&self, pair: Pair, rule: &Rule, history: &History) -> Outcome {
        let there = match rule.transform {
            // A plain connection beside the link would deliver each event twice: the link takes its place.
            Some(_) if !history.settled.contains(&pair) => self.links.contains_key(&pair),
            _ => self.has(pair),
        };
        if rule.forbid {
            return if there { Outcome::Tolerated } else { Outcome::Forbidden };
        }
        if there {
            let made = history.made.contains_key(&pair);
            return if made { Outcome::Made } else { Outcome::There };
        }
        if history.cut.contains(&pair) && rule.when != When::Always {
            return Outcome::Cut;
        }
        if rule.when == When::Once
            && self.identities(pair).is_some_and(|both| history.done.contains(&both))
        {
            return Outcome::Done;
        }
        if self.loops.closes(pair) {
            return Outcome::Loop;
        }
        if let Some(why) = history.refused.get(&pair) {
            return Outcome::Refused(why.clone());
        }
        match self.in_the_way(pair, rule.exclusive) {
            Some(other) => Outcome::Exclusive(other),
            None => Outcome::Makes,
        }
    }

    /// Returns a connection that this one cannot stand beside.
    fn in_the_way(&self, pair: Pair, exclusive: bool) -> Option<Pair> {
        let shares = |other: &&Connection| other.sender == pair.0 || other.dest == pair.1;
        let others = self.plain.values().filter(|other| other.pair() != pair).filter(shares);
        others.clone().find(|other| exclusive || other.exclusive).map(Connection::pair)
    }

    fn identities(
        &self,
        pair: Pair,
    ) -> Option<(crate::history::Identity, crate::history::Identity)> {
        let identity = |address| self.by_address.get(&address).map(|port| identity(port));
        Some((identity(pair.0)?, identity(pair.1)?))
    }

    /// Makes a connection.
    fn make(&mut self, pair: Pair, rule: &Rule, history: &mut History) {
        let origin = &rule.origin;
        let plain = connection(pair, rule);
        match &rule.transform {
            None => {
                self.plain.insert(pair, plain);
                self.actions.push(Action::Connect(plain, origin.clone()));
            }
            Some(transform) => {
                if let Some(connection) = self.plain.remove(&pair) {
                    self.actions.push(Action::Disconnect(connection, origin.clone()));
                }
                self.links.insert(pair, transform.clone());
                let link = Link { sender: pair.0, dest: pair.1, transform: transform.clone() };
                self.actions.push(Action::Link(link, origin.clone()));
            }
        }
        self.loops.add(pair);
        history.settled.insert(pair);
        history.cut.remove(&pair);
        if rule.when == When::Once {
            history.done.extend(self.identities(pair));
        }
        let plain = rule.transform.is_none().then_some(plain);
        history.made.insert(pair, Made { origin: origin.clone(), plain });
    }
}

/// Returns the plain connection that a rule makes.
const fn connection((sender, dest): Pair, rule: &Rule) -> Connection {
    Connection { sender, dest, exclusive: rule.exclusive, stamp: rule.stamp }
}
