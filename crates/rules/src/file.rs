//! Files of rules, in TOML.

mod ports;
mod selectors;
mod table;
mod transforms;
mod write;

pub(crate) use write::string;
pub use write::{Exact, file_of, rule_of};

use crate::origin::Origin;
use crate::port::Stamp;
use crate::rule::{Problem, Rule, Rules, When};
use aseqd_selector::Selector;
use table::{Entry, Table};
use toml::de::{DeTable, DeValue};

/// The keys of a file.
const KEYS: &[&str] = &["alias", "learn", "port", "profile", "rule", "through"];

/// The keys of a rule.
const RULE_KEYS: &[&str] = &[
    "both",
    "channels",
    "controllers",
    "exclusive",
    "forbid",
    "from",
    "mute",
    "name",
    "profile",
    "stamp",
    "to",
    "to_channel",
    "transpose",
    "velocity",
    "when",
];

impl Rules {
    /// Reads a file of rules. `file` is its name, for messages. What is wrong is returned beside what could be read; a
    /// rule with a mistake is left out.
    ///
    /// ```
    /// use aseqd_rules::Rules;
    ///
    /// let text = "[[rule]]\nfrom = 'nanoKEY2'\nto = 'FLUID'\n";
    /// let (rules, problems) = Rules::read("rules.toml", text);
    /// assert_eq!(rules.rules[0].to_string(), "nanoKEY2 -> FLUID");
    /// assert!(problems.is_empty());
    ///
    /// let (_, problems) = Rules::read("rules.toml", &format!("{text}wehn = 'always'\n"));
    /// assert_eq!(problems[0].to_string(), "rules.toml:4:1: there is no key wehn in a rule; did you mean when?");
    /// ```
    #[must_use]
    pub fn read(file: &str, text: &str) -> (Self, Vec<Problem>) {
        let (document, errors) = DeTable::parse_recoverable(text);
        let mut table = Table::new(file, text);
        for error in errors {
            table.wrong(error.span().unwrap_or_default(), error.message().trim());
        }
        let mut rules = Self::default();
        let document = document.into_inner();
        table.check_keys(&document, KEYS, "a file of rules");
        for (key, value) in &document {
            let entry = Entry::new(key, value);
            match entry.key {
                "profile" => rules.profile = table.string(&entry).map(str::to_owned),
                "learn" => rules.learn = table.boolean(&entry).unwrap_or_default(),
                "through" => rules.through = through(&mut table, &entry),
                "alias" => aliases(&mut table, &entry, &mut rules),
                "port" => {
                    for one in table.tables(&entry) {
                        rules.ports.extend(ports::port(&mut table, one));
                    }
                }
                "rule" => {
                    for one in table.tables(&entry) {
                        rules.rules.extend(rule(&mut table, one));
                    }
                }
                _ => {}
            }
        }
        (rules, table.into_problems())
    }
}

fn through(table: &mut Table<'_>, entry: &Entry<'_>) -> Vec<Selector> {
    let Some(values) = table.array(entry) else { return Vec::new() };
    values.iter().filter_map(|value| selectors::selector(table, entry.key, value)).collect()
}

fn aliases(table: &mut Table<'_>, entry: &Entry<'_>, rules: &mut Rules) {
    let Some(entries) = table.table(entry) else { return };
    for (name, value) in entries {
        let name = name.get_ref().as_ref();
        let Some(selector) = selectors::selector(table, name, value) else { continue };
        if name.is_empty() || name.contains([':', '@', '\'', '"', ' ']) {
            table.wrong(
                value.span(),
                "the name of an alias is a word without :, @, quotes and spaces",
            );
            continue;
        }
        let origin = Origin { file: table.file(), line: table.line(value.span().start) };
        rules.aliases.insert(name.to_owned(), selector);
        rules.alias_origins.push((name.to_owned(), origin));
    }
}

/// Reads a rule. A rule with a mistake is left out, so that it does not act in a way that nobody has meant.
fn rule(table: &mut Table<'_>, value: &toml::Spanned<DeValue<'_>>) -> Option<Rule> {
    let before = table.count();
    let DeValue::Table(entries) = value.get_ref() else { return None };
    let origin = Origin { file: table.file(), line: table.line(value.span().start) };
    table.check_keys(entries, RULE_KEYS, "a rule");
    let end = |table: &mut Table<'_>, key: &str| {
        let found = entries.get(key).and_then(|one| selectors::selector(table, key, one));
        if !entries.contains_key(key) {
            table.wrong(value.span(), &format!("a rule needs `{key}`"));
        }
        found
    };
    let (from, to) = (end(table, "from"), end(table, "to"));
    let nothing = || "*".parse().ok();
    let mut rule = Rule::connecting(origin, from.or_else(nothing)?, to.or_else(nothing)?);
    for (key, one) in entries {
        let entry = Entry::new(key, one);
        match entry.key {
            "name" => rule.name = table.string(&entry).map(str::to_owned),
            "profile" => rule.profile = table.string(&entry).map(str::to_owned),
            "both" => rule.both = table.boolean(&entry).unwrap_or_default(),
            "forbid" => rule.forbid = table.boolean(&entry).unwrap_or_default(),
            "exclusive" => rule.exclusive = table.boolean(&entry).unwrap_or_default(),
            "when" => rule.when = when(table, &entry).unwrap_or_default(),
            "stamp" => rule.stamp = stamp(table, &entry),
            _ => {}
        }
    }
    rule.transform = transforms::transform(table, entries);
    let says = |key: &&str| entries.contains_key(*key);
    let link = transforms::KEYS.iter().find(|key| says(key));
    if rule.forbid {
        let other = ["exclusive", "stamp"].iter().find(|key| says(key)).or(link);
        if let Some(key) = other {
            table.wrong(value.span(), &format!("a rule that forbids has no `{key}`"));
        }
        if rule.when == When::Once {
            table.wrong(value.span(), "a rule that forbids is `when = \"appears\"` or \"always\"");
        }
    } else if let Some(key) = link.filter(|_| rule.stamp.is_some()) {
        table.wrong(value.span(), &format!("`stamp` and `{key}` cannot stand in one rule"));
    }
    (table.count() == before).then_some(rule)
}

fn when(table: &mut Table<'_>, entry: &Entry<'_>) -> Option<When> {
    let all = [When::Appears, When::Always, When::Once];
    let text = table.string(entry)?;
    let found = all.into_iter().find(|one| one.to_string() == text);
    if found.is_none() {
        let near = crate::nearest_name(text, ["appears", "always", "once"]);
        let near = near.map_or_else(|| "appears, always or once".to_owned(), str::to_owned);
        table
            .wrong(entry.value.span(), &format!("there is no `when` {text}; did you mean {near}?"));
    }
    found
}

fn stamp(table: &mut Table<'_>, entry: &Entry<'_>) -> Option<Stamp> {
    let text = table.string(entry)?;
    let parsed = text.split_once(':').and_then(|(time, queue)| {
        let real = match time {
            "real" => true,
            "tick" => false,
            _ => return None,
        };
        Some(Stamp { real, queue: queue.parse().ok()? })
    });
    if parsed.is_none() {
        let message = "a stamp is real:QUEUE or tick:QUEUE, with the number of the queue";
        table.wrong(entry.value.span(), message);
    }
    parsed
}

#[cfg(test)]
mod tests;
