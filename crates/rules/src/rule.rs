//! Rules as data.

use crate::origin::Origin;
use crate::port::Stamp;
use crate::transform::Transform;
use crate::virtual_port::VirtualPort;
use aseqd_selector::{Aliases, Selector, resolve_all};
use std::fmt;

/// What somebody wants connected, or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Where it stands.
    pub origin: Origin,
    /// A name for people.
    pub name: Option<String>,
    /// The ports that send.
    pub from: Selector,
    /// The ports that receive.
    pub to: Selector,
    /// Whether the rule also holds with both ends exchanged.
    pub both: bool,
    /// Whether these connections must not be made.
    pub forbid: bool,
    /// How often the rule acts.
    pub when: When,
    /// Whether no other connection may exist at the ends.
    pub exclusive: bool,
    /// The time that events are stamped with.
    pub stamp: Option<Stamp>,
    /// What is done to the events: with this, the connection is a link.
    pub transform: Option<Transform>,
    /// The profile to which the rule belongs. It holds only while that is chosen.
    pub profile: Option<String>,
}

/// How often a rule acts on two ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// When one of them appears, or begins to be meant. What somebody disconnects after that stays so until a port
    /// goes. For `forbid`: the rules do not make the connection, and others may.
    #[default]
    Appears,
    /// At once, whatever others do.
    Always,
    /// The first time only, even if the ports go and come back.
    Once,
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Appears => "appears",
            Self::Always => "always",
            Self::Once => "once",
        })
    }
}

impl fmt::Display for Rule {
    /// Writes what the rule says: `nanoKEY2 -> FLUID Synth`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match (self.forbid, self.both) {
            (false, false) => "->",
            (false, true) => "<->",
            (true, false) => "-x->",
            (true, true) => "<-x->",
        };
        write!(f, "{} {arrow} {}", self.from.text(), self.to.text())
    }
}

impl Rule {
    /// Returns a rule that connects two selectors, and has the defaults otherwise.
    #[must_use]
    pub const fn connecting(origin: Origin, from: Selector, to: Selector) -> Self {
        Self {
            origin,
            name: None,
            from,
            to,
            both: false,
            forbid: false,
            when: When::Appears,
            exclusive: false,
            stamp: None,
            transform: None,
            profile: None,
        }
    }
}

/// What one or several files say. Made by [`Rules::read`](crate::Rules::read); later files come after earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The rules. The last one that means a pair of ports decides about it.
    pub rules: Vec<Rule>,
    /// Names for selectors.
    pub(crate) aliases: Aliases,
    /// Where each alias stands.
    pub(crate) alias_origins: Vec<(String, Origin)>,
    /// The ports and clients that send on what they receive.
    pub(crate) through: Vec<Selector>,
    /// The ports that the files ask for.
    pub ports: Vec<VirtualPort>,
    /// The profile that the files choose.
    pub profile: Option<String>,
    /// Whether connections that people make and cut are remembered.
    pub learn: bool,
}

/// Rules whose aliases are resolved and whose profile is chosen: what [`decide`](crate::decide()) takes.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    pub(crate) rules: Vec<Rule>,
    pub(crate) through: Vec<Selector>,
    pub(crate) aliases: Aliases,
    pub(crate) ports: Vec<VirtualPort>,
}

impl RuleSet {
    /// Returns the ports that must be there, each name once.
    #[must_use]
    pub fn ports(&self) -> &[VirtualPort] {
        &self.ports
    }

    /// Returns the rules in their order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns the rules that need no link.
    #[must_use]
    pub fn without_links(&self) -> Self {
        let mut plain = self.clone();
        plain.rules.retain(|rule| rule.transform.is_none());
        plain
    }

    /// Returns the names of the aliases that mean this port.
    #[must_use]
    pub fn aliases_of(&self, port: &crate::Port) -> Vec<&str> {
        let meaning = self.aliases.iter().filter(|(_, selector)| selector.matches(port));
        meaning.map(|(name, _)| name.as_str()).collect()
    }
}

impl Rules {
    /// Adds what another file says.
    pub fn extend(&mut self, other: Self) {
        self.rules.extend(other.rules);
        self.aliases.extend(other.aliases);
        self.alias_origins.extend(other.alias_origins);
        self.through.extend(other.through);
        self.ports.extend(other.ports);
        self.profile = other.profile.or_else(|| self.profile.take());
        self.learn |= other.learn;
    }

    /// Returns whether there is an alias of this name.
    #[must_use]
    pub fn has_alias(&self, name: &str) -> bool {
        self.aliases.contains_key(name)
    }

    /// Returns the names of the profiles that rules belong to, each once.
    #[must_use]
    pub fn profiles(&self) -> Vec<&str> {
        let mut names: Vec<_> =
            self.rules.iter().filter_map(|rule| rule.profile.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns the names for selectors that mean something, to use in other places than rules.
    #[must_use]
    pub fn aliases(&self) -> Aliases {
        resolve_all(&self.aliases).0
    }

    /// Resolves the aliases, and leaves out the rules of other profiles than this one or, without one, than that of the
    /// files. What is wrong is returned beside: rules with an unknown alias are left out.
    #[must_use]
    pub fn compile(&self, profile: Option<&str>) -> (RuleSet, Vec<Problem>) {
        let mut problems = Vec::new();
        let chosen = profile.or(self.profile.as_deref());
        let (aliases, wrong) = resolve_all(&self.aliases);
        for (name, why) in wrong {
            problems.push(self.alias_problem(&name, &why));
        }
        let mut rules = Vec::new();
        for rule in &self.rules {
            if rule.profile.is_some() && rule.profile.as_deref() != chosen {
                continue;
            }
            match (rule.from.resolve(&aliases), rule.to.resolve(&aliases)) {
                (Ok(from), Ok(to)) => rules.push(Rule { from, to, ..rule.clone() }),
                (from, to) => {
                    let whys = [from, to].into_iter().filter_map(Result::err);
                    problems.extend(whys.map(|why| Problem::at(&rule.origin, why)));
                }
            }
        }
        let names = self.profiles();
        if let Some(chosen) = chosen.filter(|chosen| !names.contains(chosen)) {
            let near = crate::nearest_name(chosen, names.iter().copied());
            let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            let file = self.rules.first().map_or_else(|| "rules".into(), |r| r.origin.file.clone());
            let origin = Origin { file, line: 0 };
            let why = format!("no rule belongs to the profile {chosen}{near}");
            problems.push(Problem::at(&origin, why));
        }
        let through = self.through.iter().filter_map(|one| one.resolve(&aliases).ok()).collect();
        let ports = self.distinct_ports(&mut problems);
        (RuleSet { rules, through, aliases, ports }, problems)
    }

    /// Returns the ports without those that cannot be there beside others.
    fn distinct_ports(&self, problems: &mut Vec<Problem>) -> Vec<VirtualPort> {
        let mut ports: Vec<VirtualPort> = Vec::new();
        for port in &self.ports {
            let why = match ports.iter().find(|other| other.name == port.name) {
                Some(other) => format!("the port {} is in {} already", port.name, other.origin),
                None if ports.len() == VirtualPort::MOST => {
                    format!("there can be at most {} ports", VirtualPort::MOST)
                }
                None => {
                    ports.push(port.clone());
                    continue;
                }
            };
            problems.push(Problem::at(&port.origin, why));
        }
        ports
    }

    fn alias_problem(&self, name: &str, why: &str) -> Problem {
        let origin = self.alias_origins.iter().rev().find(|(of, _)| of == name);
        let origin = origin
            .map_or_else(|| Origin { file: "rules".into(), line: 0 }, |(_, origin)| origin.clone());
        Problem::at(&origin, format!("alias {name}: {why}"))
    }
}

/// Something in a file that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file and the line; line 0 is the whole file.
    pub origin: Origin,
    /// The column in characters, counted from 1; 0 is the whole line.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl Problem {
    pub(crate) fn at(origin: &Origin, message: String) -> Self {
        Self { origin: origin.clone(), column: 0, message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, column, message } = self;
        match (origin.line, column) {
            (0, _) => write!(f, "{}: {message}", origin.file),
            (_, 0) => write!(f, "{origin}: {message}"),
            _ => write!(f, "{origin}:{column}: {message}"),
        }
    }
}
