//! Reads selectors.

use crate::error::BadSelector;
use crate::nearest::nearest_name;
use crate::selector::{Condition, Kind, PortPart, Selector};
use regex_lite::RegexBuilder;
use std::str::FromStr;

/// The names of the classes.
const CLASSES: [&str; 5] = ["hw", "app", "in", "out", "all"];

impl FromStr for Selector {
    type Err = BadSelector;

    /// Parses a selector. Whether such a port exists is another question.
    ///
    /// # Errors
    /// For an empty text, a quote that is not closed, a colon without something at both of its sides, a regular expression
    /// that is none, and a class that does not exist.
    fn from_str(text: &str) -> Result<Self, BadSelector> {
        let whole = text.trim();
        let bad = |why| {
            let wanted = if whole.is_empty() { "''" } else { whole };
            BadSelector { wanted: wanted.to_owned(), why }
        };
        Ok(Self { text: whole.to_owned(), kind: kind(whole).map_err(bad)? })
    }
}

fn kind(whole: &str) -> Result<Kind, String> {
    let any_port = |conditions| Kind::Conditions(conditions, PortPart::Any);
    Ok(match whole {
        // A variable that is not set, in `"$PORT"`, would be a part of every name.
        "" => return Err("the name of a port is empty".to_owned()),
        "*" => any_port(vec![Condition::Any]),
        _ if whole.starts_with('.') => {
            let classes = whole.split('.').skip(1).map(class);
            any_port(classes.collect::<Result<_, _>>()?)
        }
        _ => match whole.strip_prefix("re:") {
            Some(expression) => any_port(vec![regex(expression)?]),
            None => name(whole)?,
        },
    })
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
            let near = nearest_name(name, CLASSES);
            let near = near.map_or_else(
                || "there are .hw, .app, .in, .out, .all".to_owned(),
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
    Ok(Condition::Regex(regex.map_err(|error| error.to_string())?))
}

/// Reads `client` or `client:port`, with quotes, `*` or an alias, or any text that stands in names.
fn name(whole: &str) -> Result<Kind, String> {
    let (client, rest) = word(whole)?;
    let marked = match client {
        Word::Quoted(_) => true,
        Word::Plain(text) => text == "*" || text.starts_with('@'),
    };
    // Only marks say where client and port end. Otherwise a colon may belong to a name.
    let port = match rest.map(str::trim) {
        None => None,
        Some("") => return Err(format!("there is no port behind the colon of {whole}")),
        Some(rest) if marked || rest == "*" || rest.starts_with(['\'', '"']) => {
            Some(port(whole, rest)?)
        }
        Some(_) => return plain(whole),
    };
    let condition = match client {
        Word::Quoted(name) => Condition::Name(name.to_owned()),
        Word::Plain("*") => Condition::Any,
        Word::Plain(text) => match text.strip_prefix('@') {
            Some("") => return Err("there is no name behind the @".to_owned()),
            Some(alias) => return Ok(Kind::Alias(alias.to_owned(), port)),
            None => match port {
                None => return plain(whole),
                Some(_) => client_of(text),
            },
        },
    };
    Ok(Kind::Conditions(vec![condition], port.unwrap_or(PortPart::First)))
}

fn plain(whole: &str) -> Result<Kind, String> {
    match whole.split_once(':') {
        Some((client, _)) if client.trim().is_empty() => {
            Err(format!("there is no client before the colon of {whole}"))
        }
        _ if whole.ends_with(':') => Err(format!("there is no port behind the colon of {whole}")),
        _ => Ok(Kind::Text(whole.to_owned())),
    }
}

/// Returns the client that a word without a mark means: by number, or by a part of its name.
pub(crate) fn client_of(text: &str) -> Condition {
    text.parse().map_or_else(|_| Condition::Part(text.to_owned()), Condition::Client)
}

/// Reads what stands behind the colon.
pub(crate) fn port(whole: &str, text: &str) -> Result<PortPart, String> {
    let (port, more) = word(text)?;
    Ok(match port {
        Word::Quoted(_) if more.is_some() => {
            return Err(format!("{whole} has a colon behind the name of the port"));
        }
        Word::Quoted(name) => PortPart::Name(name.to_owned()),
        // A colon may belong to the name.
        Word::Plain(_) => match text.trim() {
            "*" => PortPart::Any,
            text => text.parse().map_or_else(|_| PortPart::Part(text.to_owned()), PortPart::Number),
        },
    })
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
