//! Profiles of midiminder, as rules of ours.

use crate::file::file_of;
use crate::nearest_name;
use crate::origin::Origin;
use crate::rule::Problem;
use std::fmt::Write as _;

/// How a profile means a port by a number: `Midihub:1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// A port with that text in its name; `Midihub:=1` has the number 1. This is how midiminder 0.90 and later read it.
    #[default]
    Names,
    /// The port with that number, as before 0.90.
    Ports,
}

/// Reads a profile of midiminder, and returns the same rules as a file of ours. What is wrong is returned beside; such
/// lines are left out.
///
/// ```
/// use aseqd_rules::midiminder::{Numbers, import};
///
/// let (text, problems) = import("live.rules", "Pure Data <-- Launchpad  # pads\n", Numbers::Names);
/// assert!(problems.is_empty());
/// assert!(text.ends_with("\n# pads\n[[rule]]\nfrom = \"Launchpad\"\nto = \"Pure Data\"\n"), "{text}");
/// ```
#[must_use]
pub fn import(file: &str, text: &str, numbers: Numbers) -> (String, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut rules = Vec::new();
    let mut comments = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        let (words, comment) = match line.split_once('#') {
            Some((words, comment)) => (words.trim(), comment.trim_matches(['#', ' '])),
            None => (line.trim(), ""),
        };
        if !comment.is_empty() {
            let _infallible = writeln!(comments, "# {}", printable(comment));
        }
        if words.is_empty() {
            continue;
        }
        match rule(words, numbers) {
            Ok(rule) => rules.push(format!("{}{rule}", std::mem::take(&mut comments))),
            Err(why) => {
                let origin = Origin { file: file.into(), line: number };
                problems.push(Problem::at(&origin, why));
            }
        }
    }
    if !comments.is_empty() {
        rules.push(comments);
    }
    (file_of(&format!("From {}, a profile of midiminder.", printable(file)), &rules), problems)
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Reads a rule, and returns it as TOML.
fn rule(line: &str, numbers: Numbers) -> Result<String, String> {
    let (left, arrow, right) = split(line)?;
    let (left, right) = (port(left, numbers)?, port(right, numbers)?);
    let (from, to) = if arrow.reversed { (right, left) } else { (left, right) };
    let mut out = format!("[[rule]]\nfrom = {from}\nto = {to}\n");
    if arrow.both {
        out.push_str("both = true\n");
    }
    if arrow.forbid {
        out.push_str("forbid = true\n");
    }
    Ok(out)
}

struct Arrow {
    reversed: bool,
    both: bool,
    forbid: bool,
}

/// Cuts a rule at its arrow, which stands between spaces and outside of quotes.
fn split(line: &str) -> Result<(&str, Arrow, &str), String> {
    let mut quote = None;
    let mut start = 0;
    let mut at_start = true;
    let mut arrows = Vec::new();
    let spaced = format!("{line} ");
    for (at, c) in spaced.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            // A quote begins at the beginning of a name; elsewhere it is an apostrophe.
            (None, '"' | '\'') if at_start => quote = Some(c),
            (None, c) if c.is_whitespace() => {
                if let Some(arrow) = arrow(&line[start..at]) {
                    arrows.push((start, at, arrow));
                }
                start = at + c.len_utf8();
            }
            _ => {}
        }
        at_start = c == ':'
            || at_start && c.is_whitespace()
            || arrows.last().is_some_and(|(_, end, _)| *end == at);
    }
    if quote.is_some() {
        return Err("a quote is not closed".to_owned());
    }
    match arrows.len() {
        0 => {
            Err("there is no arrow between spaces: A --> B, A <-- B, A <-> B or A -x-> B"
                .to_owned())
        }
        1 => {
            let (start, end, arrow) = arrows.remove(0);
            Ok((line[..start].trim(), arrow, line[end..].trim()))
        }
        _ => Err("there is more than one arrow".to_owned()),
    }
}

/// Reads an arrow: hyphens, with a head at one end or both, and an `x` in it if it forbids.
fn arrow(word: &str) -> Option<Arrow> {
    let (left, right) = (word.starts_with('<'), word.ends_with('>'));
    let inner = word.strip_prefix('<').unwrap_or(word);
    let inner = inner.strip_suffix('>').unwrap_or(inner);
    let (forbid, hyphens) = match inner.split_once('x') {
        Some((before, after)) => (true, !before.is_empty() && !after.is_empty()),
        None => (false, true),
    };
    let drawn = !inner.is_empty() && inner.chars().all(|c| c == '-' || c == 'x') && hyphens;
    let once = inner.matches('x').count() <= 1;
    ((left || right) && drawn && once).then_some(Arrow {
        reversed: left && !right,
        both: left && right,
        forbid,
    })
}

/// A name of a client or a port.
enum Name<'a> {
    Exact(&'a str),
    Part(&'a str),
}

/// Reads a port, and returns it as a selector in TOML.
fn port(text: &str, numbers: Numbers) -> Result<String, String> {
    let quoted = crate::file::string;
    match text {
        "" => return Err("a port is missing beside the arrow".to_owned()),
        "*" | "*:*" => return Ok(quoted("*")),
        ".hw" | ".app" => return Ok(quoted(text)),
        _ if text.starts_with('.') => {
            let near = nearest_name(text, [".hw", ".app"]).unwrap_or(".hw or .app");
            return Err(format!("there is no class {text}; did you mean {near}?"));
        }
        _ => {}
    }
    let (client, rest) = name(text)?;
    let port = match rest {
        None => None,
        Some(rest) => {
            let (port, more) = name(rest)?;
            if more.is_some() {
                return Err(format!("{text} has too many colons"));
            }
            Some(port)
        }
    };
    let client_word = match client {
        Name::Part("") => return Err(format!("there is no client before the colon of {text}")),
        Name::Part("*") => None,
        Name::Part(part) if part.contains('*') => return Err(star(part)),
        Name::Part(part) if part.parse::<u8>().is_ok() && rest.is_some() => {
            return Err(format!("{text}: numbers of clients change, and have no place in a rule"));
        }
        Name::Part(part) => Some(format!("client_part = {}", quoted(part))),
        Name::Exact(name) => Some(format!("client = {}", quoted(name))),
    };
    let number = |text: &str| text.parse::<u8>().ok();
    let port_word = match port {
        None => String::new(),
        Some(Name::Exact(name)) => format!("port = {}", quoted(name)),
        Some(Name::Part("")) => return Err(format!("there is no port behind the colon of {text}")),
        Some(Name::Part("*")) => "*".to_owned(),
        Some(Name::Part(part)) if part.contains('*') => return Err(star(part)),
        Some(Name::Part(part)) if part.starts_with('.') => {
            return Err(format!("{part} is a class, and no port of a client"));
        }
        Some(Name::Part(part)) => match (part.strip_prefix('='), number(part)) {
            (Some(digits), _) => {
                let number =
                    number(digits).ok_or_else(|| format!("{digits} is no number of a port"))?;
                format!("port = {number}")
            }
            (None, Some(number)) if numbers == Numbers::Ports => format!("port = {number}"),
            (None, _) => format!("port_part = {}", quoted(part)),
        },
    };
    Ok(match (client, client_word, port_word.as_str()) {
        // The forms of ours that people would write.
        (Name::Part(part), Some(_), "") if is_plain(part) => quoted(part),
        (Name::Part(part), Some(_), "*") if is_plain(part) => quoted(&format!("{part}:*")),
        (Name::Exact(name), Some(_), "*") if !name.contains(['\'', '"']) => {
            quoted(&format!("'{name}':*"))
        }
        (_, Some(client), "") => format!("{{ {client} }}"),
        (_, Some(_), "*") => {
            return Err(format!("{text}: a name with quotes and all of its ports"));
        }
        (_, Some(client), port) => format!("{{ {client}, {port} }}"),
        (_, None, "" | "*") => quoted("*"),
        (_, None, port) => format!("{{ client_part = \"\", {port} }}"),
    })
}

fn star(part: &str) -> String {
    format!("{part}: * stands alone, or behind the colon")
}

/// Returns whether our own selectors would read this text as a part of a name.
fn is_plain(part: &str) -> bool {
    part.parse::<u8>().is_err()
        && !part.starts_with(['@', '\'', '"', '.'])
        && !part.starts_with("re:")
}

/// Returns the first name of a text, and what stands behind its colon.
fn name(text: &str) -> Result<(Name<'_>, Option<&str>), String> {
    let text = text.trim();
    for quote in ['"', '\''] {
        let Some(inner) = text.strip_prefix(quote) else { continue };
        let (name, rest) = inner.split_once(quote).ok_or("a quote is not closed")?;
        let rest = rest.trim();
        return match rest.strip_prefix(':') {
            Some(port) => Ok((Name::Exact(name), Some(port))),
            None if rest.is_empty() => Ok((Name::Exact(name), None)),
            None => Err(format!("there is something behind the quotes of {text}")),
        };
    }
    Ok(match text.split_once(':') {
        Some((client, port)) => (Name::Part(client.trim()), Some(port)),
        None => (Name::Part(text), None),
    })
}
