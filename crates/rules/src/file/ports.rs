//! Virtual ports in a file: read, added and removed.

use super::table::{Entry, Table};
use super::write::string;
use crate::origin::Origin;
use crate::rule::Rules;
use crate::virtual_port::{PortKind, VirtualPort};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// The keys of a virtual port.
const KEYS: &[&str] = &["kind", "name"];

/// Reads a virtual port. One with a mistake is left out.
pub(super) fn port(
    table: &mut Table<'_>,
    value: &toml::Spanned<DeValue<'_>>,
) -> Option<VirtualPort> {
    let before = table.count();
    let entries = value.get_ref().as_table()?;
    let origin = Origin { file: table.file(), line: table.line(value.span().start) };
    table.check_keys(entries, KEYS, "a port");
    if !entries.contains_key("name") {
        table.wrong(value.span(), "a port needs `name`");
    }
    let mut port = VirtualPort { name: String::new(), kind: PortKind::default(), origin };
    for (key, one) in entries {
        let entry = Entry::new(key, one);
        match entry.key {
            "name" => {
                port.name = table.string(&entry)?.to_owned();
                if let Some(why) = VirtualPort::name_problem(&port.name) {
                    table.wrong(one.span(), &why);
                }
            }
            "kind" => port.kind = kind(table, &entry)?,
            _ => {}
        }
    }
    (table.count() == before).then_some(port)
}

fn kind(table: &mut Table<'_>, entry: &Entry<'_>) -> Option<PortKind> {
    let text = table.string(entry)?;
    let found = PortKind::ALL.into_iter().find(|kind| kind.to_string() == text);
    if found.is_none() {
        let names = PortKind::ALL.map(|kind| kind.to_string());
        let near = crate::nearest_name(text, names.iter().map(String::as_str));
        let near = near.map_or_else(
            || "; the kinds are loopback, pair, input and output".to_owned(),
            |near| format!("; did you mean {near}?"),
        );
        table.wrong(entry.value.span(), &format!("there is no kind {text}{near}"));
    }
    found
}

impl VirtualPort {
    /// Returns a file with one more port at its end.
    ///
    /// ```
    /// use aseqd_rules::{PortKind, VirtualPort};
    ///
    /// let text = VirtualPort::added_to("# mine\n", "Loop", PortKind::Loopback);
    /// assert_eq!(text, "# mine\n\n[[port]]\nname = \"Loop\"\n");
    /// assert_eq!(VirtualPort::removed_from(&text, "Loop").as_deref(), Some("# mine\n"));
    /// ```
    #[must_use]
    pub fn added_to(text: &str, name: &str, kind: PortKind) -> String {
        let mut out = text.trim_end().to_owned();
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        out.push_str(&format!("[[port]]\nname = {}\n", string(name)));
        if kind != PortKind::default() {
            out.push_str(&format!("kind = \"{kind}\"\n"));
        }
        out
    }

    /// Returns a file without the port of this name, and with everything else as it was. Returns `None` if the file has no
    /// such port, or is not TOML.
    #[must_use]
    pub fn removed_from(text: &str, name: &str) -> Option<String> {
        let (rules, problems) = Rules::read("", text);
        if !rules.ports.iter().any(|port| port.name == name) && problems.is_empty() {
            return None;
        }
        let document = DeTable::parse(text).ok()?.into_inner();
        let ports = document.get("port")?.get_ref().as_array()?;
        let is_named = |one: &&toml::Spanned<DeValue<'_>>| {
            let entries = one.get_ref().as_table();
            entries.and_then(|it| it.get("name")?.get_ref().as_str()) == Some(name)
        };
        let place = place(text, ports.iter().find(is_named)?.span().start);
        let (before, after) = (text[..place.start].trim_end(), text[place.end..].trim_start());
        let between = if before.is_empty() || after.is_empty() { "" } else { "\n\n" };
        let mut out = format!("{before}{between}{after}");
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        Some(out)
    }
}

/// Returns the bytes of the table that begins here: up to the next table, whose comments above it belong to that.
fn place(text: &str, start: usize) -> Range<usize> {
    let start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let mut end = start;
    // How far the lines go that have keys.
    let mut own = start;
    for (number, line) in text[start..].split_inclusive('\n').enumerate() {
        let words = line.trim_start();
        if number > 0 && words.starts_with('[') {
            return start..own;
        }
        end += line.len();
        if !words.is_empty() && !words.starts_with('#') {
            own = end;
        }
    }
    start..own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_removed_and_everything_else_stays() {
        let text = "# mine\n\n[[port]]\nname = \"A\" # first\n\n# the second\n[[port]]\nname = 'B'\n\
                    kind = 'pair'\n\n[[rule]]\nfrom = 'x'\nto = 'B'\n";
        assert_eq!(
            VirtualPort::removed_from(text, "A").as_deref(),
            Some(
                "# mine\n\n# the second\n[[port]]\nname = 'B'\nkind = 'pair'\n\n[[rule]]\nfrom = 'x'\n\
                 to = 'B'\n"
            )
        );
        assert_eq!(
            VirtualPort::removed_from(text, "B").as_deref(),
            Some(
                "# mine\n\n[[port]]\nname = \"A\" # first\n\n# the second\n\n[[rule]]\nfrom = 'x'\n\
                 to = 'B'\n"
            )
        );
        assert_eq!(VirtualPort::removed_from(text, "C"), None);
        assert_eq!(VirtualPort::removed_from("[[port]]\nname = 'A'", "A").as_deref(), Some(""));
    }

    #[test]
    fn what_is_added_is_read_again() {
        let mut text = String::new();
        let names = ["Loop", "a \"b\" \\ 'c'", "\u{e4}"];
        for (name, kind) in names.into_iter().zip(PortKind::ALL) {
            text = VirtualPort::added_to(&text, name, kind);
        }
        let (rules, problems) = Rules::read("ports.toml", &text);
        assert_eq!(problems, []);
        let read: Vec<_> = rules.ports.iter().map(|port| (port.name.as_str(), port.kind)).collect();
        assert_eq!(read, names.into_iter().zip(PortKind::ALL).collect::<Vec<_>>());
        assert_eq!(rules.ports[1].origin.to_string(), "ports.toml:4");
        for name in names {
            text = VirtualPort::removed_from(&text, name).expect("it is there");
        }
        assert_eq!(text, "");
    }

    #[test]
    fn mistakes_have_their_place() {
        for (text, wanted) in [
            ("[[port]]\n", "p.toml:1:1: a port needs `name`"),
            ("[[port]]\nname = ''\n", "p.toml:2:8: the name of a port is empty"),
            (
                "[[port]]\nname = 'x'\nkind = 'lopback'\n",
                "p.toml:3:8: there is no kind lopback; did you mean loopback?",
            ),
            (
                "[[port]]\nnaem = 'x'\n",
                "p.toml:2:1: there is no key naem in a port; did you mean name?",
            ),
        ] {
            let (rules, problems) = Rules::read("p.toml", text);
            let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
            assert!(told.contains(&wanted.to_owned()), "{told:?}");
            assert_eq!(rules.ports, []);
        }
    }

    #[test]
    fn a_name_stands_once_and_there_is_a_limit() {
        let (mut rules, _) = Rules::read("a.toml", "[[port]]\nname = 'x'\n");
        let (more, _) = Rules::read("b.toml", "[[port]]\nname = 'x'\nkind = 'pair'\n");
        rules.extend(more);
        let (set, problems) = rules.compile(None);
        let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["b.toml:1: the port x is in a.toml:1 already"]);
        assert_eq!((set.ports().len(), set.ports()[0].kind), (1, PortKind::Loopback));
        let mut text = String::new();
        for number in 0..=VirtualPort::MOST {
            text = VirtualPort::added_to(&text, &format!("p{number}"), PortKind::Loopback);
        }
        let (set, problems) = Rules::read("c.toml", &text).0.compile(None);
        assert!(problems[0].to_string().contains("at most 32 ports"), "{problems:?}");
        assert_eq!(set.ports().len(), VirtualPort::MOST);
    }
}
