//! Selectors: texts that mean ports.

use crate::error::Ambiguous;
use crate::fit::{Fit, Rank, address, fit, port_fit, rank};
use crate::port::{Device, Port};
use aseqd_abi::seq::{PortCaps, PortType};
use regex_lite::Regex;

/// A text that means one port or several.
///
/// | text | ports |
/// | --- | --- |
/// | `128:0` | the port with this address |
/// | `128` | the ports of a client, by number |
/// | `FLUID Synth`, `fluid` | the ports of a client, by a part of its name, in any case |
/// | `fluid:1`, `fluid:in` | a port of it, by number or by a part of its name |
/// | `'FLUID Synth'`, `fluid:'in'` | the same by the whole name only |
/// | `fluid:*`, `*:in` | all its ports; ports of any client |
/// | `Synth input` | a port by a part of its own name, if no client has such a name; not in [`Selector::every`] |
/// | `re:/^nano.*:in/`, `re:/fluid/i` | those whose `CLIENT:PORT`, both by name, match; `i` for any case |
/// | `.hw`, `.app` | those of devices; those of programs |
/// | `.in`, `.out` | those that events come from; those that they go to |
/// | `.all`, `*` | all but those of the System client |
/// | `@keys`, `@keys:1` | what the alias means, once it is [resolved](Selector::resolve) |
///
/// Classes may stand together: `.hw.in`.
///
/// ```
/// use aseqd_selector::Selector;
///
/// let keyboards: Selector = ".hw.in".parse()?;
/// assert!(keyboards.is_set());
/// assert!("re:/(/".parse::<Selector>().is_err());
/// # Ok::<(), aseqd_selector::BadSelector>(())
/// ```
#[derive(Clone, Debug)]
pub struct Selector {
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A number or a part of names.
    Text(String),
    /// All must hold.
    Conditions(Vec<Condition>, PortPart),
    /// Another selector, by its name, with another port perhaps.
    Alias(String, Option<PortPart>),
}

/// What a port must be.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Anything but a port of the System client.
    Any,
    /// A port of a device.
    Hardware,
    /// A port of a program.
    Application,
    /// Events come from it.
    Sends,
    /// Events go to it.
    Receives,
    /// The expression is found in `CLIENT:PORT`.
    Regex(Regex),
    /// The number of the client.
    Client(u8),
    /// A part of the client's name, in any case.
    Part(String),
    /// The whole name of the client.
    Name(String),
    /// Properties of the device; those that are missing may be anything.
    Device(Device),
}

/// Which ports of a client are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortPart {
    /// The first that suits.
    First,
    /// All.
    Any,
    /// The one with this number.
    Number(u8),
    /// Those with this in their name, in any case.
    Part(String),
    /// The one with this name, with or without the client's name in it.
    Name(String),
}

/// At which end of a connection a port stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It sends.
    Sender,
    /// It receives.
    Dest,
}

/// Two selectors are the same if their texts are.
impl PartialEq for Selector {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Selector {
    /// Makes a selector of conditions that all must hold. `text` is what messages call it.
    #[must_use]
    pub const fn of(text: String, conditions: Vec<Condition>, port: PortPart) -> Self {
        Self { text, kind: Kind::Conditions(conditions, port) }
    }

    /// Returns the text of the selector.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether the selector means a set of ports by its form: a class, a regular expression, or all ports of a
    /// client.
    #[must_use]
    pub fn is_set(&self) -> bool {
        match &self.kind {
            Kind::Text(_) | Kind::Alias(..) => false,
            Kind::Conditions(_, port) => *port == PortPart::Any || self.is_wide(),
        }
    }

    /// Returns whether the selector means a class of ports rather than clients that it names.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        let Kind::Conditions(conditions, _) = &self.kind else { return false };
        conditions.iter().all(|condition| {
            use Condition as Is;
            matches!(
                condition,
                Is::Any | Is::Hardware | Is::Application | Is::Sends | Is::Receives | Is::Regex(_)
            )
        })
    }

    /// Returns whether the selector has numbers of clients, which change with the order of starts.
    #[must_use]
    pub fn has_client_number(&self) -> bool {
        match &self.kind {
            Kind::Text(text) => {
                let client = text.split_once(':').map_or(text.as_str(), |(client, _)| client);
                address(text).is_some() || client.trim().parse::<u8>().is_ok()
            }
            Kind::Conditions(conditions, _) => {
                conditions.iter().any(|condition| matches!(condition, Condition::Client(_)))
            }
            Kind::Alias(..) => false,
        }
    }

    /// Returns the one port that is meant, if there is one. Of ports that fit equally well, those that allow `needs` are
    /// meant; of a client's, the first.
    ///
    /// # Errors
    /// If several ports are meant.
    pub fn one<'a>(
        &self,
        ports: &'a [Port],
        needs: PortCaps,
    ) -> Result<Option<&'a Port>, Ambiguous> {
        let (mut found, of_clients) = self.fitting(ports, needs);
        if of_clients {
            found.dedup_by_key(|port| port.address.client);
        }
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            several => {
                let ports = several.iter().copied().cloned().collect();
                Err(Ambiguous { wanted: self.text.clone(), ports })
            }
        }
    }

    /// Returns all ports that are meant: of names those that fit best. Of these, those that allow `needs`; if none
    /// does, and the selector names them, all.
    #[must_use]
    pub fn all<'a>(&self, ports: &'a [Port], needs: PortCaps) -> Vec<&'a Port> {
        self.fitting(ports, needs).0
    }

    /// Returns the indices of the ports that a rule means at this end of a connection: every port that fits, however well
    /// others do, so that a rule does not mean another client once one is unplugged. Without a port in the selector, it
    /// is the first usable one of each client.
    #[must_use]
    pub fn every(&self, ports: &[Port], end: End) -> Vec<usize> {
        let usable = |port: &Port| match end {
            End::Sender => port.sends(),
            End::Dest => port.receives(),
        };
        let mut client = None;
        let mut found = Vec::new();
        for (index, port) in ports.iter().enumerate() {
            let Some(rank) = self.rank_in_rule(port).filter(|_| usable(port)) else { continue };
            let is_first = client.replace(port.address.client) != Some(port.address.client);
            if is_first || !self.is_first_of_client(rank) {
                found.push(index);
            }
        }
        found
    }

    /// Returns whether a rule means a port, if it is usable and, without a port in the selector, the first of its client.
    #[must_use]
    pub fn matches(&self, port: &Port) -> bool {
        self.rank_in_rule(port).is_some()
    }

    /// Returns whether a port is meant at this end of a connection by a rule.
    #[must_use]
    pub fn is_there(&self, ports: &[Port], end: End) -> bool {
        !self.every(ports, end).is_empty()
    }

    fn is_first_of_client(&self, rank: Rank) -> bool {
        match &self.kind {
            Kind::Conditions(_, port) => *port == PortPart::First,
            _ => matches!(rank, Rank::Client(_)),
        }
    }

    /// Returns how well a port fits in a rule, where its own name alone is not enough. Ports of the System client are
    /// meant by number and by the whole name of that only.
    fn rank_in_rule(&self, port: &Port) -> Option<Rank> {
        let rank = self.rank(port).filter(|rank| !matches!(rank, Rank::Own(_)))?;
        let (_, client, _) = rank.order();
        (!port.is_system() || self.names_client() && client <= Fit::OtherCase).then_some(rank)
    }

    /// Returns whether the selector says a client by number or name.
    fn names_client(&self) -> bool {
        let names = |condition: &Condition| {
            matches!(condition, Condition::Client(_) | Condition::Part(_) | Condition::Name(_))
        };
        match &self.kind {
            Kind::Text(_) => true,
            Kind::Conditions(conditions, _) => conditions.iter().any(names),
            Kind::Alias(..) => false,
        }
    }

    /// Returns how well a port fits. An alias that was not resolved means nothing.
    fn rank(&self, port: &Port) -> Option<Rank> {
        match &self.kind {
            Kind::Text(text) => rank(text, port),
            Kind::Conditions(conditions, part) => {
                let mut worst = Fit::Exact;
                for condition in conditions {
                    worst = worst.max(condition.fit(port)?);
                }
                Some(match part {
                    PortPart::First | PortPart::Any => Rank::Client(worst),
                    part => Rank::Both(worst, part.fit(port)?),
                })
            }
            Kind::Alias(..) => None,
        }
    }

    /// Returns the ports that fit best, and whether they were found by their clients alone.
    fn fitting<'a>(&self, ports: &'a [Port], needs: PortCaps) -> (Vec<&'a Port>, bool) {
        let suits = |port: &&Port| port.caps.contains(needs);
        let ranks: Vec<_> =
            ports.iter().filter_map(|port| Some((self.rank(port)?, port))).collect();
        if self.is_wide() {
            let found = ranks.into_iter().map(|(_, port)| port).filter(suits);
            return (found.collect(), false);
        }
        let Some((best, _)) = ranks.iter().min_by_key(|(rank, _)| rank.order()) else {
            return (Vec::new(), false);
        };
        let of_clients = self.is_first_of_client(*best);
        let mut found: Vec<_> = ranks
            .iter()
            .filter(|(rank, _)| rank.order() == best.order())
            .map(|(_, port)| *port)
            .collect();
        if found.iter().any(suits) {
            found.retain(|port| suits(port));
        }
        (found, of_clients)
    }
}

impl Condition {
    fn fit(&self, port: &Port) -> Option<Fit> {
        let hardware = port.port_type.contains(PortType::HARDWARE);
        let program = port.port_type.contains(PortType::APPLICATION);
        let reads = PortCaps::READ | PortCaps::SUBS_READ;
        let writes = PortCaps::WRITE | PortCaps::SUBS_WRITE;
        let holds = match self {
            Self::Part(part) => return fit(part, &port.client_name),
            Self::Client(number) => port.address.client == *number,
            Self::Name(name) => port.client_name == *name,
            Self::Device(device) => device.is_like(&port.device),
            Self::Regex(regex) => regex.is_match(&format!("{}:{}", port.client_name, port.name)),
            _ if port.is_system() => false,
            Self::Any => true,
            Self::Hardware => hardware,
            // Many programs say nothing of their ports. One that calls a port a device, or a way to others, means that.
            Self::Application => {
                let other = hardware || port.port_type.contains(PortType::PORT);
                !port.of_kernel && (program || !other)
            }
            Self::Sends => port.caps.contains(reads),
            Self::Receives => port.caps.contains(writes),
        };
        holds.then_some(Fit::Exact)
    }
}

impl PortPart {
    fn fit(&self, port: &Port) -> Option<Fit> {
        match self {
            Self::First | Self::Any => Some(Fit::Exact),
            Self::Number(number) => (port.address.port == *number).then_some(Fit::Exact),
            Self::Part(part) => port_fit(part, port),
            Self::Name(name) => {
                (port.name == *name || port.short_name() == name).then_some(Fit::Exact)
            }
        }
    }
}

#[cfg(test)]
mod tests;
