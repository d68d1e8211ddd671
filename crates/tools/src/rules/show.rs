//! `aseqd rules show`: which rule made which connection, and why not.

use super::apply::{name, refuse};
use super::runner::Runner;
use super::{RulesArgs, ShowArgs};
use crate::json::json_line;
use crate::rule_files;
use aseqd_client::printable;
use aseqd_console::print;
use aseqd_host::error::Fail;
use aseqd_rules::{Finding, Outcome, Pair, Snapshot, explain};
use serde_json::json;
use std::fmt::Write as _;
use std::process::ExitCode;

pub(super) fn main(args: &RulesArgs, show: &ShowArgs) -> Result<ExitCode, Fail> {
    let loaded = rule_files::load_of(args.rules.clone())?;
    let (rules, problems) = loaded.rules.compile(args.profile.as_deref());
    refuse(loaded.problems.into_iter().chain(problems))?;
    let mut runner = Runner::open_beside(&args.device, rules)?;
    runner.look()?;
    let (runner, snapshot) = (&runner, &runner.snapshot);
    let told = runner.told.as_ref();
    let counts = told.map_or(&[][..], |told| &told.links);
    let findings = explain(snapshot, &runner.rules, &runner.history);
    let mut out = String::new();
    for finding in &findings {
        let events =
            counts.iter().find(|(pair, _)| *pair == finding.pair).map(|(_, events)| events);
        if show.json {
            let line = json_line(&object(runner, snapshot, finding, events));
            let _infallible = writeln!(out, "{line}");
        } else {
            describe(&mut out, runner, snapshot, finding, events);
        }
    }
    if !show.json {
        for connection in others(snapshot, &findings) {
            let (sender, dest) = (name(snapshot, connection.0), name(snapshot, connection.1));
            let _infallible = writeln!(out, "{sender} -> {dest}\n    connected; no rule means it");
        }
        if told.is_none() {
            out.push_str("`aseqd rules run` does not run here, or belongs to another user\n");
        }
    }
    print(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the connections between other programs that no rule means.
fn others(snapshot: &Snapshot, findings: &[Finding<'_>]) -> Vec<Pair> {
    let connections = snapshot.connections.iter().map(aseqd_rules::Connection::pair);
    connections
        .filter(|pair| findings.iter().all(|finding| finding.pair != *pair))
        .filter(|pair| pair.0.client != aseqd_abi::seq::CLIENT_SYSTEM)
        .filter(|(sender, dest)| snapshot.port(*sender).is_some() && snapshot.port(*dest).is_some())
        .collect()
}

fn describe(
    out: &mut String,
    runner: &Runner,
    snapshot: &Snapshot,
    Finding { pair, rule, outcome }: &Finding<'_>,
    events: Option<&[u64; 3]>,
) {
    let end = |address| {
        let mut text = name(snapshot, address);
        if let Some(port) = snapshot.port(address) {
            for alias in runner.rules.aliases_of(port) {
                let _infallible = write!(text, " @{alias}");
            }
        }
        text
    };
    let (sender, dest) = (end(pair.0), end(pair.1));
    let name = rule.name.as_ref().map(|name| format!(" \"{}\"", printable(name)));
    let (origin, name) = (printable(&rule.origin.to_string()), name.unwrap_or_default());
    let text = printable(&rule.to_string());
    let _infallible =
        writeln!(out, "{sender} -> {dest}\n    {outcome}\n    {origin}{name}: {text}");
    if let Some([passed, stopped, lost]) = events {
        let _infallible =
            writeln!(out, "    link: {passed} passed, {stopped} stopped, {lost} lost");
    }
}

fn object(
    runner: &Runner,
    snapshot: &Snapshot,
    Finding { pair, rule, outcome }: &Finding<'_>,
    events: Option<&[u64; 3]>,
) -> serde_json::Value {
    let end = |address| {
        let port = snapshot.port(address);
        json!({
            "port": aseqd_abi::Address::to_string(&address),
            "port_name": port.map(|port| port.name.clone()),
            "client_name": port.map(|port| port.client_name.clone()),
            "aliases": port.map(|port| runner.rules.aliases_of(port)),
        })
    };
    let (status, why) = match outcome {
        Outcome::Makes => ("due", None),
        Outcome::Made => ("made", None),
        Outcome::There => ("there", None),
        Outcome::Cut => ("cut", None),
        Outcome::Done => ("done", None),
        Outcome::Loop => ("loop", None),
        Outcome::Exclusive(_) => ("exclusive", Some(outcome.to_string())),
        Outcome::Refused(why) => ("refused", Some(why.clone())),
        Outcome::Forbidden => ("forbidden", None),
        Outcome::Cuts => ("forbidden_due", None),
        Outcome::Tolerated => ("tolerated", None),
    };
    json!({
        "sender": end(pair.0), "receiver": end(pair.1), "status": status, "why": why,
        "rule": { "file": &*rule.origin.file, "line": rule.origin.line, "name": rule.name, "text": rule.to_string() },
        "link": events.map(|[passed, stopped, lost]| json!({ "passed": passed, "stopped": stopped, "lost": lost })),
    })
}
