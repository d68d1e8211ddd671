//! Names for selectors.

use crate::nearest::nearest_name;
use crate::parse;
use crate::selector::{Kind, PortPart, Selector};
use std::collections::BTreeMap;

/// Selectors by the names that people give them.
pub type Aliases = BTreeMap<String, Selector>;

/// Puts in the place of aliases what they mean, in the selectors of aliases themselves. Only `@NAME` means another one
/// there: an alias may have the name of a client. What is wrong is returned beside, by the name of the alias.
#[must_use]
pub fn resolve_all(aliases: &Aliases) -> (Aliases, Vec<(String, String)>) {
    let mut resolved = Aliases::new();
    let mut problems = Vec::new();
    for (name, selector) in aliases {
        match follow(name, selector, aliases) {
            Ok(meant) => drop(resolved.insert(name.clone(), meant)),
            Err(why) => problems.push((name.clone(), why)),
        }
    }
    (resolved, problems)
}

/// Follows the aliases of an alias to the selector at their end.
fn follow(name: &str, selector: &Selector, aliases: &Aliases) -> Result<Selector, String> {
    let mut way = vec![name];
    let mut meant = selector;
    // The port that stands next to the reader counts.
    let mut port = None;
    while let Kind::Alias(next, own) = &meant.kind {
        port = port.or_else(|| own.clone());
        let circle = way.contains(&next.as_str());
        way.push(next);
        if circle {
            let way: Vec<_> = way.iter().map(|name| format!("@{name}")).collect();
            return Err(format!("it means itself: {}", way.join(" is ")));
        }
        meant = aliases.get(next).ok_or_else(|| unknown(next, aliases))?;
    }
    Ok(Selector { text: selector.text.clone(), kind: meant.kind.with_port(port.as_ref()) })
}

fn unknown(name: &str, aliases: &Aliases) -> String {
    let near = nearest_name(name, aliases.keys().map(String::as_str));
    let near = near.map_or_else(String::new, |near| format!("; did you mean @{near}?"));
    format!("there is no alias @{name}{near}")
}

impl Selector {
    /// Puts what an alias means in its place: `@keys`, `@keys:1`, or the same without the `@`. A port beside the name of the
    /// alias replaces the port of the alias. The aliases must be those of [`resolve_all`].
    ///
    /// # Errors
    /// A sentence, if there is no alias of this name.
    pub fn resolve(&self, aliases: &Aliases) -> Result<Self, String> {
        let (meant, port) = match &self.kind {
            Kind::Alias(name, port) => {
                (aliases.get(name).ok_or_else(|| unknown(name, aliases))?, port.clone())
            }
            Kind::Text(text) => match plain(text, aliases) {
                Some(found) => found,
                None => return Ok(self.clone()),
            },
            // `keys:*`
            Kind::Conditions(conditions, port) => match conditions.as_slice() {
                [crate::Condition::Part(name)] if aliases.contains_key(name) => {
                    (&aliases[name], Some(port.clone()))
                }
                _ => return Ok(self.clone()),
            },
        };
        Ok(Self { text: self.text.clone(), kind: meant.kind.with_port(port.as_ref()) })
    }
}

/// Returns what a text means that is the name of an alias, or one with a port behind it.
fn plain<'a>(text: &str, aliases: &'a Aliases) -> Option<(&'a Selector, Option<PortPart>)> {
    if let Some(meant) = aliases.get(text) {
        return Some((meant, None));
    }
    let (name, port) = text.split_once(':')?;
    let meant = aliases.get(name.trim())?;
    Some((meant, Some(parse::port(text, port).ok()?)))
}

impl Kind {
    /// Returns the same with another port.
    fn with_port(&self, port: Option<&PortPart>) -> Self {
        let Some(port) = port else { return self.clone() };
        match self {
            Self::Conditions(conditions, _) => Self::Conditions(conditions.clone(), port.clone()),
            Self::Text(text) => {
                let client = text.split_once(':').map_or(text.as_str(), |(client, _)| client);
                Self::Conditions(vec![parse::client_of(client.trim())], port.clone())
            }
            Self::Alias(name, _) => Self::Alias(name.clone(), Some(port.clone())),
        }
    }
}
