//! Selectors: texts that mean ports.

use crate::error::{Error, Result};
use crate::port::Port;
use aseqd_abi::Address;
use aseqd_abi::seq::{CLIENT_SYSTEM, PortCaps, PortType};
use regex_lite::{Regex, RegexBuilder};
use std::str::FromStr;

/// A text that means one port or several.
///
/// | text | ports |
/// | --- | --- |
/// | `128:0` | the port with this address |
/// | `128` | the ports of a client, by number |
/// | `FLUID Synth` | the ports of a client, by name |
/// | `FLUID Synth:1`, `FLUID Synth:in` | a port of it, by number or by name |
/// | `fluid` | the same by a part of the name, in any case |
/// | `Synth input` | a port by a part of its own name, if no client has such a name |
/// | `re:/^nano.*:in/`, `re:/fluid/i` | those whose `CLIENT:PORT`, both by name, match; `i` for any case |
/// | `.hw`, `.app` | those of devices; those of programs |
/// | `.in`, `.out` | those that events come from; those that they go to |
/// | `.all` | all but those of the System client |
///
/// Classes may stand together: `.hw.in`. A name that is written as it is wins over the same name in another case, that
/// over the beginning of a name, and that over another part of one.
///
/// ```
/// use aseqd_client::Selector;
///
/// let keyboards: Selector = ".hw.in".parse()?;
/// assert!(keyboards.is_set());
/// assert!("re:/(/".parse::<Selector>().is_err());
/// # Ok::<(), aseqd_client::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Selector {
    text: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Name,
    Matching(Regex),
    Classes(Vec<Class>),
}

#[derive(Clone, Copy, Debug)]
enum Class {
    Hardware,
    Application,
    In,
    Out,
    All,
}

/// The classes by name.
const CLASSES: [(&str, Class); 5] = [
    ("hw", Class::Hardware),
    ("app", Class::Application),
    ("in", Class::In),
    ("out", Class::Out),
    ("all", Class::All),
];

/// How well a name fits; the best is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Exact,
    OtherCase,
    Beginning,
    Part,
}

/// How well a port fits a text: first by what of it, then by how well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// By its address, or by names of its client and of itself.
    Both(Fit, Fit),
    /// By its client alone.
    Client(Fit),
    /// By its own name alone.
    Own(Fit),
}

impl Rank {
    /// Returns the order of ranks. A text with a colon may be both a whole name and two: the better fit wins.
    const fn order(self) -> (u8, Fit, Fit) {
        match self {
            Self::Both(client, port) => (0, client, port),
            Self::Client(client) => (0, client, Fit::Exact),
            Self::Own(port) => (1, port, Fit::Exact),
        }
    }
}

impl FromStr for Selector {
    type Err = Error;

    /// Parses a selector. Whether such a port exists is another question.
    ///
    /// # Errors
    /// [`Error::BadSelector`] for an empty text, a regular expression that is none, and a class that does not exist.
    fn from_str(text: &str) -> Result<Self> {
        // A variable that is not set, in `"$PORT"`, would be a part of every name.
        if text.is_empty() {
            return Err(bad("''", "the name of a port is empty".to_owned()));
        }
        let kind = match text.strip_prefix("re:/") {
            Some(rest) => Kind::Matching(expression(text, rest)?),
            None if text.starts_with('.') => Kind::Classes(classes(text)?),
            None => Kind::Name,
        };
        Ok(Self { text: text.to_owned(), kind })
    }
}

fn bad(text: &str, why: String) -> Error {
    Error::BadSelector { wanted: text.to_owned(), why }
}

fn expression(text: &str, rest: &str) -> Result<Regex> {
    let (pattern, flags) =
        rest.rsplit_once('/').ok_or_else(|| bad(text, "it does not end with /".to_owned()))?;
    if !matches!(flags, "" | "i") {
        return Err(bad(text, format!("after the last / only i may stand, not {flags}")));
    }
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(flags == "i");
    builder.build().map_err(|error| bad(text, error.to_string()))
}

fn classes(text: &str) -> Result<Vec<Class>> {
    let class = |name: &str| {
        let found = CLASSES.iter().find(|(class, _)| *class == name);
        let why = || format!("there is no class .{name}; there are .hw, .app, .in, .out, .all");
        found.map(|(_, class)| *class).ok_or_else(|| bad(text, why()))
    };
    text.split('.').skip(1).map(class).collect()
}

impl Selector {
    /// Returns the text of the selector.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether the selector means a set of ports by its form: a class or a regular expression.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        !matches!(self.kind, Kind::Name)
    }

    /// Returns the one port that is meant, if there is one. Of ports that fit equally well, those that allow `needs` are
    /// meant; of a client's, the first.
    ///
    /// # Errors
    /// [`Error::AmbiguousPort`] if several ports are meant.
    pub fn one<'a>(&self, ports: &'a [Port], needs: PortCaps) -> Result<Option<&'a Port>> {
        let (mut found, of_clients) = self.fitting(ports, needs);
        if of_clients {
            found.dedup_by_key(|port| port.address.client);
        }
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            several => {
                let ports = several.iter().copied().cloned().collect();
                Err(Error::AmbiguousPort { wanted: self.text.clone(), ports })
            }
        }
    }

    /// Returns all ports that are meant: of names those that fit best. Of these, those that allow `needs`; if none
    /// does, and the selector names them, all.
    #[must_use]
    pub fn all<'a>(&self, ports: &'a [Port], needs: PortCaps) -> Vec<&'a Port> {
        self.fitting(ports, needs).0
    }

    /// Returns the ports that fit best, and whether they were found by their clients alone.
    fn fitting<'a>(&self, ports: &'a [Port], needs: PortCaps) -> (Vec<&'a Port>, bool) {
        let suits = |port: &&Port| port.caps.contains(needs);
        let set = |fits: &dyn Fn(&Port) -> bool| {
            (ports.iter().filter(|port| fits(port)).filter(suits).collect(), false)
        };
        match &self.kind {
            Kind::Matching(regex) => {
                set(&|port| regex.is_match(&format!("{}:{}", port.client_name, port.name)))
            }
            Kind::Classes(classes) => set(&|port| classes.iter().all(|class| class.has(port))),
            Kind::Name => {
                let ranks: Vec<_> =
                    ports.iter().filter_map(|port| Some((rank(&self.text, port)?, port))).collect();
                let Some((best, _)) = ranks.iter().min_by_key(|(rank, _)| rank.order()) else {
                    return (Vec::new(), false);
                };
                let of_clients = matches!(best, Rank::Client(_));
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
    }
}

impl Class {
    fn has(self, port: &Port) -> bool {
        if port.address.client == CLIENT_SYSTEM {
            return false;
        }
        let hardware = port.port_type.contains(PortType::HARDWARE);
        match self {
            Self::Hardware => hardware,
            Self::Application => !hardware && !port.of_kernel,
            Self::In => port.caps.contains(PortCaps::READ | PortCaps::SUBS_READ),
            Self::Out => port.caps.contains(PortCaps::WRITE | PortCaps::SUBS_WRITE),
            Self::All => true,
        }
    }
}

fn rank(text: &str, port: &Port) -> Option<Rank> {
    // Names are made by other programs: none of them makes an address ambiguous.
    if let Some(address) = address(text) {
        return (port.address == address).then_some(Rank::Both(Fit::Exact, Fit::Exact));
    }
    let client = |text: &str| by_number_or_name(text, port.address.client, &port.client_name);
    let own = |text: &str| by_number_or_name(text, port.address.port, &port.name);
    // A colon may separate client and port, or belong to either name. The period is that of `snd_seq_parse_address`.
    let pairs = text.match_indices([':', '.']).filter_map(|(at, separator)| {
        let (before, after) = (&text[..at], &text[at + 1..]);
        if separator == "." && !after.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Rank::Both(client(before)?, own(after)?))
    });
    let whole = client(text).map(Rank::Client);
    // The number of a client that has gone is not a part of a name.
    let named = text.parse::<u8>().is_err().then(|| fit(text, &port.name)).flatten().map(Rank::Own);
    pairs.chain(whole).chain(named).min_by_key(|rank| rank.order())
}

/// Returns the address that a text is: two numbers with a colon between them, or the period of `snd_seq_parse_address`.
fn address(text: &str) -> Option<Address> {
    let (client, port) = text.split_once([':', '.'])?;
    Some(Address::new(client.parse().ok()?, port.parse().ok()?))
}

fn by_number_or_name(text: &str, number: u8, name: &str) -> Option<Fit> {
    match text.parse::<u8>() {
        Ok(wanted) => (wanted == number).then_some(Fit::Exact),
        Err(_) => fit(text, name),
    }
}

fn fit(text: &str, name: &str) -> Option<Fit> {
    if text.is_empty() {
        return None;
    }
    if text == name {
        return Some(Fit::Exact);
    }
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    match name.find(&text)? {
        0 if text.len() == name.len() => Some(Fit::OtherCase),
        0 => Some(Fit::Beginning),
        _ => Some(Fit::Part),
    }
}

/// Returns the port that a text means, as [`Selector::one`] does.
pub(crate) fn resolve(wanted: &str, ports: &[Port], needs: PortCaps) -> Result<Option<Address>> {
    Ok(wanted.parse::<Selector>()?.one(ports, needs)?.map(|port| port.address))
}

#[cfg(test)]
mod tests;
