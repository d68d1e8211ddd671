//! Random histories of plugging, renaming and connecting, beside a naive statement of what the rules mean.

mod common;

use aseqd_abi::Address;
use aseqd_rules::{Change, RuleSet};
use common::{Way, World, rules};
use std::collections::{BTreeMap, BTreeSet};

/// Histories that are tried.
const HISTORIES: u64 = 1000;
/// Steps of each.
const STEPS: usize = 30;

const CLIENTS: [&str; 6] = ["keys", "keys mini", "synth", "synth big", "Midi Through", "thru"];
const PORTS: [&str; 3] = ["in", "out", "keys ctl"];

/// A pseudorandom sequence (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).expect("below a limit")
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A rule as the naive statement has it.
#[derive(Clone, Debug)]
struct Naive {
    from: Pattern,
    to: Pattern,
    both: bool,
    forbid: bool,
    when: &'static str,
    exclusive: bool,
}

#[derive(Clone, Copy, Debug)]
struct Pattern {
    /// A part of the client's name, its whole name in quotes, or a class.
    client: &'static str,
    /// Nothing, `*`, a number or a part of the name.
    port: &'static str,
}

impl Pattern {
    fn is_wide(self) -> bool {
        self.client.starts_with(['.', '*'])
    }

    fn text(self) -> String {
        if self.port.is_empty() {
            self.client.into()
        } else {
            format!("{}:{}", self.client, self.port)
        }
    }
}

/// A port of the naive statement. Each time that a port comes, it is another one.
#[derive(Clone, Debug)]
struct NaivePort {
    id: u64,
    at: Address,
    client: String,
    name: String,
    way: Way,
}

/// What the naive statement knows of two ports.
#[derive(Clone, Debug, Default)]
struct Between {
    /// The connection, and whether it is exclusive.
    is: Option<bool>,
    /// By which rule it was made: its text.
    made: Option<String>,
    /// It was connected before, and somebody has disconnected it.
    cut: bool,
    /// It was connected while a rule meant the two, so that it is known when somebody disconnects it.
    watched: bool,
}

#[derive(Default)]
struct NaiveWorld {
    ports: Vec<NaivePort>,
    between: BTreeMap<(u64, u64), Between>,
    done: BTreeSet<(String, String, String, String)>,
}

impl NaiveWorld {
    fn means(&self, pattern: Pattern, port: &NaivePort, sender: bool) -> bool {
        let fits = |port: &NaivePort| port.way == Way::Both || (port.way == Way::Sends) == sender;
        let hardware = port.at.client < 128 && port.client != "Midi Through";
        let client = match pattern.client {
            "*" => true,
            ".hw" => hardware,
            ".app" => port.at.client >= 128,
            quoted if quoted.starts_with('\'') => port.client == quoted.trim_matches('\''),
            part => port.client.contains(part),
        };
        let first = || {
            let of_client = self.ports.iter().filter(|other| other.at.client == port.at.client);
            of_client.filter(|other| fits(other)).map(|other| other.at.port).min()
                == Some(port.at.port)
        };
        let short = match port.name.strip_prefix(&port.client) {
            Some(rest) if !rest.trim_start().is_empty() => rest.trim_start(),
            _ => &port.name,
        };
        let wanted = match pattern.port {
            "" => pattern.is_wide() && pattern.client != "*:" || first(),
            "*" => true,
            text => text.parse().map_or_else(|_| short.contains(text), |n: u8| port.at.port == n),
        };
        fits(port) && client && wanted
    }

    fn verdict<'r>(
        &self,
        rules: &'r [Naive],
        a: &NaivePort,
        b: &NaivePort,
    ) -> Option<(usize, &'r Naive)> {
        rules.iter().enumerate().rev().find(|(_, rule)| {
            let wide = rule.from.is_wide() || rule.to.is_wide();
            let way = |from, to| self.means(from, a, true) && self.means(to, b, false);
            let said = way(rule.from, rule.to) || rule.both && way(rule.to, rule.from);
            said && a.id != b.id && !(wide && !rule.forbid && a.at.client == b.at.client)
        })
    }

    /// Whether what `b` receives can come to `a`, over ports that send on.
    fn leads(&self, a: &NaivePort, b: &NaivePort) -> bool {
        let through = |port: &NaivePort| {
            port.client == "Midi Through" && port.at.client < 128 || port.client.contains("thru")
        };
        // All ports of such a program are one; each port of Midi Through is one of its own.
        let same = |x: &NaivePort, y: &NaivePort| {
            x.id == y.id
                || x.at.client == y.at.client && x.client.contains("thru")
                || x.at.client == y.at.client && x.client == "Midi Through" && x.name == y.name
        };
        if !through(a) || !through(b) {
            return false;
        }
        let mut reached: Vec<&NaivePort> = self.ports.iter().filter(|port| same(port, b)).collect();
        loop {
            if reached.iter().any(|port| same(port, a)) {
                return true;
            }
            let mut more = Vec::new();
            for ((from, to), between) in &self.between {
                let known = reached.iter().any(|port| port.id == *from);
                if between.is.is_none() || !known || reached.iter().any(|port| port.id == *to) {
                    continue;
                }
                let Some(to) = self.ports.iter().find(|port| port.id == *to) else { continue };
                if through(to) {
                    more.extend(self.ports.iter().filter(|port| same(port, to)));
                }
            }
            if more.is_empty() {
                return false;
            }
            reached.extend(more);
        }
    }

    fn step(&mut self, rules: &[Naive], changed: bool) {
        let alive: BTreeSet<u64> = self.ports.iter().map(|port| port.id).collect();
        self.between.retain(|(a, b), _| alive.contains(a) && alive.contains(b));
        let mut ports = self.ports.clone();
        ports.sort_by_key(|port| port.at);
        let mut pairs = Vec::new();
        for a in &ports {
            for b in &ports {
                if let Some((number, rule)) = self.verdict(rules, a, b) {
                    pairs.push((number, a.clone(), b.clone(), rule.clone()));
                }
            }
        }
        pairs.sort_by_key(|(number, a, b, _)| (*number, a.at, b.at));
        let said: BTreeMap<_, _> =
            pairs.iter().map(|(_, a, b, rule)| ((a.id, b.id), rule)).collect();
        for (pair, between) in &mut self.between {
            if between.is.is_none() {
                continue;
            }
            let rule = said.get(pair);
            let forbidden = rule.is_some_and(|rule| {
                rule.forbid && (rule.when == "always" || between.made.is_some())
            });
            let outdated = changed
                && between.made.is_some()
                && rule.is_none_or(|rule| Some(rule.exclusive) != between.is);
            if forbidden || outdated {
                *between = Between { cut: between.cut, ..Between::default() };
            }
        }
        for (_, a, b, rule) in pairs.iter().filter(|(_, _, _, rule)| !rule.forbid) {
            let pair = (a.id, b.id);
            let once = (a.client.clone(), a.name.clone(), b.client.clone(), b.name.clone());
            let between = self.between.entry(pair).or_default();
            if between.is.is_some() {
                between.watched = true;
                continue;
            }
            let may = rule.when == "always" || !between.cut;
            let again = rule.when == "once" && self.done.contains(&once);
            if !may || again || self.leads(a, b) {
                continue;
            }
            let blocked = self.between.iter().any(|((x, y), other)| {
                (*x == a.id) != (*y == b.id) && other.is.is_some_and(|is| is || rule.exclusive)
            });
            if blocked {
                continue;
            }
            if rule.when == "once" {
                self.done.insert(once);
            }
            let made = Some(format!("{rule:?}"));
            self.between.insert(
                pair,
                Between { is: Some(rule.exclusive), made, cut: false, watched: true },
            );
        }
    }

    fn connections(&self) -> BTreeSet<(Address, Address, bool)> {
        let at = |id: u64| self.ports.iter().find(|port| port.id == id).map(|port| port.at);
        let there = self.between.iter();
        there.filter_map(|((a, b), one)| Some((at(*a)?, at(*b)?, one.is?))).collect()
    }
}

fn random_rules(random: &mut Random) -> (Vec<Naive>, RuleSet) {
    let clients =
        ["keys", "synth", "'keys'", "'synth'", "mini", "Through", "thru", ".hw", ".app", "*"];
    let ports = ["", "", "", "*", "0", "1", "in", "out", "ctl"];
    let mut naive = Vec::new();
    let mut text = "through = ['thru']\n".to_owned();
    for _ in 0..=random.below(5) {
        let mut pattern = || {
            let client = *random.of(&clients);
            let port = if client.starts_with('.') { "" } else { *random.of(&ports) };
            Pattern { client, port }
        };
        let (from, to) = (pattern(), pattern());
        let forbid = random.below(4) == 0;
        let when = *random.of(if forbid {
            &["appears", "always"]
        } else {
            &["appears", "appears", "always", "once"]
        });
        let exclusive = !forbid && random.below(6) == 0;
        let both = random.below(3) == 0;
        text += &format!(
            "[[rule]]\nfrom = \"{}\"\nto = \"{}\"\nboth = {both}\n",
            from.text(),
            to.text()
        );
        text += &format!("when = '{when}'\n");
        text += if forbid { "forbid = true\n" } else { "" };
        text += if exclusive { "exclusive = true\n" } else { "" };
        naive.push(Naive { from, to, both, forbid, when, exclusive });
    }
    (naive, rules(&text))
}

/// One history: what is decided is what the naive statement says, after each step.
fn history(seed: u64) {
    let mut random = Random(seed);
    let (mut said, mut set) = random_rules(&mut random);
    let mut world = World::default();
    let mut naive = NaiveWorld::default();
    let mut next = 0;
    let mut log = vec![format!("{said:#?}")];
    for _ in 0..STEPS {
        let mut changed = false;
        // Several things may happen between two looks.
        for _ in 0..=random.below(3) {
            let ports: Vec<Address> = naive.ports.iter().map(|port| port.at).collect();
            match random.below(9) {
                0..=2 if ports.len() < 10 => plug(&mut random, &mut world, &mut naive, &mut next),
                3 if !ports.is_empty() => {
                    let at = *random.of(&ports);
                    world.unplug(&at.to_string());
                    naive.ports.retain(|port| port.at != at);
                    let alive: Vec<u64> = naive.ports.iter().map(|port| port.id).collect();
                    naive.between.retain(|(a, b), _| alive.contains(a) && alive.contains(b));
                }
                4 if !ports.is_empty() => rename(&mut random, &mut world, &mut naive),
                5 if !ports.is_empty() => connect(&mut random, &mut world, &mut naive),
                6..=7 => disconnect(&mut random, &mut world, &mut naive),
                8 if random.below(4) == 0 => {
                    (said, set) = random_rules(&mut random);
                    world.history.note(Change::Rules);
                    changed = true;
                    log.push(format!("{said:#?}"));
                }
                8 => {
                    lose(&mut random, &mut world, &mut naive, &mut next);
                    break;
                }
                _ => {}
            }
        }
        let done = world.decide(&set);
        // What somebody disconnected since the last look stays so if it was known to be connected.
        for between in naive.between.values_mut() {
            if between.is.is_none() && between.watched {
                *between = Between { cut: true, ..Between::default() };
            }
        }
        naive.step(&said, changed);
        let is: BTreeSet<_> = world
            .snapshot
            .connections
            .iter()
            .map(|one| (one.sender, one.dest, one.exclusive))
            .collect();
        log.push(format!("{:#?}\n{done:?}", naive.ports));
        assert_eq!(is, naive.connections(), "seed {seed}\n{}", log.join("\n"));
        // Nothing is left to do.
        assert_eq!(world.clone().decide(&set), [""; 0], "seed {seed}: a second look");
    }
}

fn plug(random: &mut Random, world: &mut World, naive: &mut NaiveWorld, next: &mut u64) {
    let client = *random.of(&[20, 21, 22, 128, 129, 130]);
    let at = Address::new(client, u8::try_from(random.below(3)).unwrap());
    if naive.ports.iter().any(|port| port.at == at) {
        return;
    }
    let known = naive.ports.iter().find(|port| port.at.client == client);
    let name = known.map_or_else(|| (*random.of(&CLIENTS)).to_owned(), |port| port.client.clone());
    let (port, way) = (*random.of(&PORTS), *random.of(&[Way::Sends, Way::Receives, Way::Both]));
    let hardware = client < 128 && name != "Midi Through";
    let made = world.plug(&at.to_string(), &name, port, way);
    made.port_type.set(aseqd_abi::seq::PortType::HARDWARE, hardware);
    naive.ports.push(NaivePort { id: *next, at, client: name, name: port.into(), way });
    *next += 1;
}

/// A port goes and comes back at once, and the announcements of that are lost. Nothing else happens before the next look:
/// it could not be told to which of the two ports.
fn lose(random: &mut Random, world: &mut World, naive: &mut NaiveWorld, next: &mut u64) {
    if naive.ports.is_empty() {
        return;
    }
    let index = random.below(naive.ports.len());
    let NaivePort { id, at, .. } = naive.ports[index];
    // What was disconnected at this port before stays so, as it cannot be known that the port is another one.
    let unclear = naive.between.iter().any(|((a, b), one)| {
        one.is.is_none() && (one.watched || one.cut) && (*a == id || *b == id)
    });
    if unclear {
        return;
    }
    let port = world.snapshot.port(at).expect("the port").clone();
    world.lose(at);
    world.snapshot.ports.push(port);
    world.snapshot.ports.sort_by_key(|port| port.address);
    world.history.note(Change::Lost);
    naive.ports[index].id = *next;
    *next += 1;
    let alive: Vec<u64> = naive.ports.iter().map(|port| port.id).collect();
    naive.between.retain(|(a, b), _| alive.contains(a) && alive.contains(b));
}

/// Renames a client or a port. What it is stays the same.
fn rename(random: &mut Random, world: &mut World, naive: &mut NaiveWorld) {
    let index = random.below(naive.ports.len());
    let at = naive.ports[index].at;
    if random.below(2) == 0 {
        let name = *random.of(&PORTS);
        naive.ports[index].name = name.into();
        let port = world.snapshot.ports.iter_mut().find(|port| port.address == at);
        port.expect("the port").name = name.into();
        return;
    }
    let name = *random.of(&CLIENTS);
    for port in naive.ports.iter_mut().filter(|port| port.at.client == at.client) {
        port.client = name.into();
    }
    for port in world.snapshot.ports.iter_mut().filter(|port| port.address.client == at.client) {
        port.client_name = name.into();
        let hardware = at.client < 128 && name != "Midi Through";
        port.port_type.set(aseqd_abi::seq::PortType::HARDWARE, hardware);
    }
}

/// Somebody connects two ports that allow it.
fn connect(random: &mut Random, world: &mut World, naive: &mut NaiveWorld) {
    let (a, b) = (random.of(&naive.ports).clone(), random.of(&naive.ports).clone());
    let allowed = a.way != Way::Receives && b.way != Way::Sends && a.id != b.id;
    let taken = naive.between.iter().any(|((x, y), one)| {
        one.is.is_some_and(|is| is && (*x == a.id || *y == b.id))
            || one.is.is_some() && (*x, *y) == (a.id, b.id)
    });
    if !allowed || taken {
        return;
    }
    world.connect(&a.at.to_string(), &b.at.to_string());
    let between = naive.between.entry((a.id, b.id)).or_default();
    // Whoever connects again what was disconnected before this look has changed nothing.
    let made = between.made.take().filter(|_| between.watched);
    *between =
        Between { is: Some(false), made, cut: false, watched: between.watched || between.cut };
}

/// Somebody disconnects two ports.
fn disconnect(random: &mut Random, world: &mut World, naive: &mut NaiveWorld) {
    let there: Vec<_> =
        naive.between.iter().filter(|(_, one)| one.is.is_some()).map(|(pair, _)| *pair).collect();
    if there.is_empty() {
        return;
    }
    let pair = *random.of(&there);
    let at = |id| naive.ports.iter().find(|port| port.id == id).expect("a port").at.to_string();
    world.disconnect(&at(pair.0), &at(pair.1));
    naive.between.get_mut(&pair).expect("it is there").is = None;
}

#[test]
fn random_histories_end_as_the_rules_say() {
    let first = std::env::var("ASEQD_SEED").ok().and_then(|seed| seed.parse().ok());
    match first {
        Some(seed) => history(seed),
        None => (0..HISTORIES).for_each(history),
    }
}
