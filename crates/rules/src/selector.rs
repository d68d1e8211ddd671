//! Selectors: which ports a rule means.

use crate::port::{Device, Port};
use aseqd_abi::seq::PortType;
use regex_lite::{Regex, RegexBuilder};
use std::collections::BTreeMap;

/// Which ports a rule means, as text: `nanoKEY2`, `Launchpad:MIDI`, `'Pure Data':*`, `128:0`, `.hw`, `re:/^VMPK/`,
/// `@keyboard`.
///
/// A name means every client in whose name it stands, in any case; in quotes it means the whole name. Without a port,
/// the first port of each client is meant that can send or receive, as the rule needs.
#[derive(Clone, Debug)]
pub struct Selector {
    /// As a rule has it, for messages.
    text: String,
    /// All must hold.
    conditions: Vec<Condition>,
    port: PortPart,
}

/// What a port must be.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// Anything but the System client.
    Any,
    Hardware,
    Application,
    Sends,
    Receives,
    /// Found in `client:port`.
    Regex(Regex),
    Client(u8),
    /// A part of the client's name, in lower case.
    Part(String),
    /// The whole name of the client.
    Name(String),
    /// Properties of the device; those that are missing may be anything.
    Device(Device),
    /// Another selector, by its name.
    Alias(String),
}

/// Which ports of a client are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PortPart {
    /// The first that fits.
    First,
    Any,
    Number(u8),
    /// A part of the short name, in lower case.
    Part(String),
    /// The whole name, short or not.
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

/// Selectors by the names that rules give them.
pub(crate) type Aliases = BTreeMap<String, Selector>;

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let whole = text.trim();
        let (conditions, port) = match whole {
            "" => return Err("the name of a port is empty".to_owned()),
            "*" => (vec![Condition::Any], PortPart::Any),
            _ if whole.starts_with('.') => {
                let classes = whole.split('.').skip(1).map(class);
                (classes.collect::<Result<_, _>>()?, PortPart::Any)
            }
            _ => match whole.strip_prefix("re:") {
                Some(expression) => (vec![regex(expression)?], PortPart::Any),
                None => parse_name(whole)?,
            },
        };
        Ok(Self { text: whole.to_owned(), conditions, port })
    }

    /// Makes a selector of parts that all must hold.
    pub(crate) const fn of(text: String, conditions: Vec<Condition>, port: PortPart) -> Self {
        Self { text, conditions, port }
    }

    /// Returns the selector as its rule has it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the alias that the selector names.
    #[must_use]
    pub fn alias(&self) -> Option<&str> {
        self.conditions.iter().find_map(|condition| match condition {
            Condition::Alias(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Returns whether the selector has numbers of clients, which change with the order of starts.
    #[must_use]
    pub fn has_client_number(&self) -> bool {
        self.conditions.iter().any(|condition| matches!(condition, Condition::Client(_)))
    }

    /// Puts what an alias means in its place. A port beside the name of the alias replaces the port of the alias.
    pub(crate) fn resolve(&self, aliases: &Aliases) -> Result<Self, String> {
        let Some(name) = self.alias() else { return Ok(self.clone()) };
        let Some(meant) = aliases.get(name) else {
            let near = crate::nearest(name, aliases.keys().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!("; did you mean @{near}?"));
            return Err(format!("there is no alias @{name}{near}"));
        };
        let port = if self.port == PortPart::First { &meant.port } else { &self.port };
        Ok(Self {
            text: self.text.clone(),
            conditions: meant.conditions.clone(),
            port: port.clone(),
        })
    }

    /// Returns whether the selector means a class of ports rather than clients that it names. Such a selector never
    /// means two ports of one client at both ends of a connection.
    pub(crate) fn is_wide(&self) -> bool {
        self.conditions.iter().all(|condition| {
            use Condition as Is;
            matches!(
                condition,
                Is::Any | Is::Hardware | Is::Application | Is::Sends | Is::Receives | Is::Regex(_)
            )
        })
    }

    /// Returns whether a port is meant at this end of a connection.
    #[must_use]
    pub fn is_there(&self, ports: &[Port], end: End) -> bool {
        !self.select(ports, end).is_empty()
    }

    /// Returns the indices of the ports that are meant at this end of a connection.
    pub(crate) fn select(&self, ports: &[Port], end: End) -> Vec<usize> {
        let usable = |port: &Port| match end {
            End::Sender => port.sends(),
            End::Dest => port.receives(),
        };
        let mut client = None;
        let mut found = Vec::new();
        for (index, port) in ports.iter().enumerate() {
            if !usable(port) || !self.matches(port) {
                continue;
            }
            let is_first = client.replace(port.address.client) != Some(port.address.client);
            if is_first || self.port != PortPart::First {
                found.push(index);
            }
        }
        found
    }

    /// Returns whether a port is meant, if it is usable and, without a port in the selector, the first of its client.
    #[must_use]
    pub fn matches(&self, port: &Port) -> bool {
        let is_meant = |condition: &Condition| match condition {
            // Ports of the System client are meant by their whole name or number only.
            Condition::Client(number) => port.address.client == *number,
            Condition::Name(name) => port.client_name == *name,
            Condition::Part(part) if port.is_system() => part == "system",
            _ if port.is_system() => false,
            Condition::Any => true,
            Condition::Hardware => port.port_type.contains(PortType::HARDWARE),
            Condition::Application => port.port_type.contains(PortType::APPLICATION),
            Condition::Sends => port.sends(),
            Condition::Receives => port.receives(),
            Condition::Regex(regex) => {
                regex.is_match(&format!("{}:{}", port.client_name, port.name))
            }
            Condition::Part(part) => port.client_name.to_lowercase().contains(part),
            Condition::Device(wanted) => is_device(wanted, &port.device),
            // Aliases are resolved before anything is looked for.
            Condition::Alias(_) => false,
        };
        self.conditions.iter().all(is_meant) && self.port.matches(port)
    }
}

impl PartialEq for Selector {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl PortPart {
    fn matches(&self, port: &Port) -> bool {
        match self {
            Self::First | Self::Any => true,
            Self::Number(number) => port.address.port == *number,
            Self::Part(part) => port.short_name().to_lowercase().contains(part),
            Self::Name(name) => port.name == *name || port.short_name() == name,
        }
    }
}

/// Returns whether a device has the properties that are wanted.
fn is_device(wanted: &Device, device: &Device) -> bool {
    let same = |wanted: &Option<String>, is: &Option<String>| wanted.is_none() || wanted == is;
    same(&wanted.usb, &device.usb)
        && same(&wanted.serial, &device.serial)
        && same(&wanted.path, &device.path)
}

/// Reads the name of a class. Classes may stand together, such as in `.hw.in`.
fn class(name: &str) -> Result<Condition, String> {
    Ok(match name {
        "hw" => Condition::Hardware,
        "app" => Condition::Application,
        "in" => Condition::Sends,
        "out" => Condition::Receives,
        "all" => Condition::Any,
        _ => {
            let near = crate::nearest(name, ["hw", "app", "in", "out", "all"]);
            let near = near.map_or_else(
                || "the classes are .hw, .app, .in, .out and .all".to_owned(),
                |near| format!("did you mean .{near}?"),
            );
            return Err(format!("there is no class .{name}; {near}"));
        }
    })
}

/// Reads `/EXPRESSION/`, with an `i` behind it for any case.
fn regex(expression: &str) -> Result<Condition, String> {
    let parts = expression.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    let Some((pattern, flags @ ("" | "i"))) = parts else {
        return Err(
            "a regular expression stands between slashes: re:/^VMPK/ or re:/vmpk/i".to_owned()
        );
    };
    let regex = RegexBuilder::new(pattern).case_insensitive(flags == "i").build();
    Ok(Condition::Regex(regex.map_err(|error| format!("re:/{pattern}/: {error}"))?))
}

/// Reads `client` or `client:port`.
fn parse_name(whole: &str) -> Result<(Vec<Condition>, PortPart), String> {
    let (client, rest) = word(whole)?;
    let port = match rest {
        None => PortPart::First,
        Some(rest) => {
            let (port, more) = word(rest)?;
            if more.is_some() {
                return Err(format!(
                    "{whole} has too many colons; put names with colons in quotes"
                ));
            }
            match port {
                Word::Quoted(name) => PortPart::Name(name.to_owned()),
                Word::Plain("*") => PortPart::Any,
                Word::Plain("") => {
                    return Err(format!("there is no port behind the colon of {whole}"));
                }
                Word::Plain(text) => match text.parse() {
                    Ok(number) => PortPart::Number(number),
                    Err(_) => PortPart::Part(text.to_lowercase()),
                },
            }
        }
    };
    let condition = match client {
        Word::Quoted(name) => Condition::Name(name.to_owned()),
        Word::Plain("") => return Err(format!("there is no client before the colon of {whole}")),
        Word::Plain("*") => Condition::Any,
        Word::Plain(text) => match (text.strip_prefix('@'), text.parse()) {
            (Some(alias), _) => Condition::Alias(alias.to_owned()),
            (None, Ok(number)) => Condition::Client(number),
            (None, Err(_)) => Condition::Part(text.to_lowercase()),
        },
    };
    Ok((vec![condition], port))
}

enum Word<'a> {
    Plain(&'a str),
    Quoted(&'a str),
}

/// Returns the first word of a text, and what stands behind its colon.
fn word(text: &str) -> Result<(Word<'_>, Option<&str>), String> {
    let text = text.trim();
    for quote in ['\'', '"'] {
        let Some(inner) = text.strip_prefix(quote) else { continue };
        let Some((name, rest)) = inner.split_once(quote) else {
            return Err(format!("the quote of {text} is not closed"));
        };
        return match rest.trim().strip_prefix(':') {
            Some(rest) => Ok((Word::Quoted(name), Some(rest))),
            None if rest.trim().is_empty() => Ok((Word::Quoted(name), None)),
            None => Err(format!("there is something behind the closing quote of {text}")),
        };
    }
    match text.split_once(':') {
        Some((client, rest)) => Ok((Word::Plain(client.trim()), Some(rest))),
        None => Ok((Word::Plain(text), None)),
    }
}

#[cfg(test)]
mod tests;
