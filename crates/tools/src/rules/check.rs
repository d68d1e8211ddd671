//! `aseqd rules check`: mistakes in the files, and names that nothing here has.

use super::{CheckArgs, RulesArgs, look};
use crate::rule_files;
use aseqd_client::{Client, printable};
use aseqd_console::{print, say};
use aseqd_host::error::Fail;
use aseqd_rules::{End, Origin, Port, Rule, RuleSet, Selector, nearest_name};
use std::fmt;
use std::process::ExitCode;

pub(super) fn main(args: &RulesArgs, check: &CheckArgs) -> Result<ExitCode, Fail> {
    let mut rules = args.rules.clone();
    rules.extend(check.files.iter().cloned());
    let loaded = rule_files::load_of(rules)?;
    let (set, problems) = loaded.rules.compile(args.profile.as_deref());
    let problems: Vec<_> = loaded.problems.iter().chain(&problems).collect();
    for problem in &problems {
        say(&printable(&problem.to_string()));
    }
    let ports = match Client::open(&args.device, super::state::NAME) {
        Ok(client) => Some(look::look(&client, &[client.id()])?.snapshot.ports),
        Err(_) => None,
    };
    for warning in warnings(&set, ports.as_deref()) {
        print(&format!("{warning}\n"))?;
    }
    if problems.is_empty() {
        print(&format!("{}: no mistake\n", super::apply::summary(&set, loaded.count)))?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// Something in a rule that is no mistake, but perhaps not what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where the rule stands.
    pub origin: Origin,
    /// The selector and a sentence about it, without control characters.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", printable(&self.origin.to_string()), self.message)
    }
}

/// Returns what is no mistake, but perhaps not what was meant. Without ports, names are not looked for.
#[must_use]
pub fn warnings(set: &RuleSet, ports: Option<&[Port]>) -> Vec<Warning> {
    let mut lines = Vec::new();
    for rule in set.rules() {
        let mut warn = |selector: &Selector, text: String| {
            let message = format!("{}: {text}", printable(selector.text()));
            lines.push(Warning { origin: rule.origin.clone(), message });
        };
        for (selector, end) in ends(rule) {
            if selector.has_client_number() {
                warn(selector, "the numbers of clients change; a name stays".to_owned());
            }
            let Some(ports) = ports.filter(|ports| !selector.is_there(ports, end)) else {
                continue;
            };
            let there = ports.iter().any(|port| selector.matches(port));
            let way = if end == End::Sender { "sends" } else { "receives" };
            match there {
                true => warn(selector, format!("it is here, and has no port that {way}")),
                false => {
                    warn(selector, format!("nothing here has this name{}", near(selector, ports)))
                }
            }
        }
    }
    lines.dedup();
    lines
}

/// Returns both selectors of a rule with the ends at which they stand.
fn ends(rule: &Rule) -> Vec<(&Selector, End)> {
    let mut ends = vec![(&rule.from, End::Sender), (&rule.to, End::Dest)];
    if rule.both {
        ends.extend([(&rule.to, End::Sender), (&rule.from, End::Dest)]);
    }
    ends
}

/// Returns the nearest name of a client or port, in words.
fn near(selector: &Selector, ports: &[Port]) -> String {
    let client = selector.text().split(':').next().unwrap_or_default();
    let client = client.trim_matches(['\'', '"', ' ']);
    let names: Vec<&str> = ports.iter().map(|port| port.client_name.as_str()).collect();
    if let Some(part) =
        names.iter().find(|name| name.to_lowercase().contains(&client.to_lowercase()))
        && !client.is_empty()
    {
        return format!("; {} has other ports", printable(part));
    }
    nearest_name(client, names)
        .map_or_else(String::new, |name| format!("; did you mean {}?", printable(name)))
}
