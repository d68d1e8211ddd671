//! `aseqd rules apply`: makes the connections of the rules once.

use super::runner::Runner;
use super::{ApplyArgs, RulesArgs};
use crate::rule_files;
use aseqd_client::printable;
use aseqd_console::{print, say};
use aseqd_host::error::Fail;
use aseqd_rules::{Action, Origin, Problem, RuleSet, Snapshot, decide};
use std::process::ExitCode;

pub(super) fn main(args: &RulesArgs, apply: &ApplyArgs) -> Result<ExitCode, Fail> {
    let loaded = rule_files::load_of(args.rules.clone())?;
    let (rules, problems) = loaded.rules.compile(args.profile.as_deref());
    refuse(loaded.problems.into_iter().chain(problems))?;
    let mut runner = Runner::open_beside(&args.device, rules)?;
    runner.look()?;
    if apply.dry_run {
        return dry_run(&mut runner);
    }
    // A link is a client of this program, and would end with it.
    let links = runner.rules.rules().iter().filter(|rule| rule.transform.is_some()).count();
    if links > 0 {
        say(&format_args!(
            "{links} of the rules change events on their way, which only `aseqd rules run` can do: they are left out"
        ));
        runner.rules = runner.rules.without_links();
    }
    let mut status = ExitCode::SUCCESS;
    for (action, failed) in runner.settle()? {
        match failed {
            None => print(&line(&action, &runner.snapshot))?,
            Some(why) => {
                say(&refused(&action, &runner.snapshot, &why));
                status = ExitCode::FAILURE;
            }
        }
    }
    Ok(status)
}

pub(super) fn dry_run(runner: &mut Runner) -> Result<ExitCode, Fail> {
    let Runner { snapshot, rules, history, .. } = runner;
    for action in decide(snapshot, rules, history) {
        print(&line(&action, snapshot))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails if something is wrong in the files: rules that are half understood are not carried out.
pub(super) fn refuse(problems: impl Iterator<Item = Problem>) -> Result<(), Fail> {
    let problems: Vec<_> = problems.map(|problem| problem.to_string()).collect();
    if problems.is_empty() { Ok(()) } else { Err(Fail::new(problems.join("\naseqd: "))) }
}

/// Returns the line that is printed for an action.
pub(super) fn line(action: &Action, snapshot: &Snapshot) -> String {
    let (verb, (sender, dest), origin) = parts(action);
    let (sender, dest) = (name(snapshot, sender), name(snapshot, dest));
    format!("{verb} {sender} -> {dest}  [{}]\n", printable(&origin.to_string()))
}

/// Returns the message for an action that the sequencer refuses.
pub(super) fn refused(action: &Action, snapshot: &Snapshot, why: &str) -> String {
    let (_, (sender, dest), origin) = parts(action);
    let (sender, dest) = (name(snapshot, sender), name(snapshot, dest));
    format!("{sender} -> {dest} of {}: {why}", printable(&origin.to_string()))
}

fn parts(action: &Action) -> (&'static str, aseqd_rules::Pair, &Origin) {
    match action {
        Action::Connect(one, origin) => ("connect", one.pair(), origin),
        Action::Disconnect(one, origin) => ("disconnect", one.pair(), origin),
        Action::Link(link, origin) => ("link", (link.sender, link.dest), origin),
        Action::Change(link, origin) => ("change", (link.sender, link.dest), origin),
        Action::Unlink(sender, dest, origin) => ("unlink", (*sender, *dest), origin),
    }
}

/// Returns a port with its names.
pub(super) fn name(snapshot: &Snapshot, address: aseqd_abi::Address) -> String {
    match snapshot.port(address) {
        Some(port) => {
            let (client, port) = (printable(&port.client_name), printable(port.short_name()));
            format!("{address} ({client}: {port})")
        }
        None => address.to_string(),
    }
}

/// Returns what a set of rules is, in words.
pub(super) fn summary(rules: &RuleSet, files: usize) -> String {
    let plural = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    };
    format!("{} of {}", plural(rules.rules().len(), "rule"), plural(files, "file"))
}
