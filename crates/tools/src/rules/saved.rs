//! `aseqd rules save` and `restore`: all connections of one moment.

use super::runner::Runner;
use super::{RestoreArgs, RulesArgs, SaveArgs, apply};
use crate::rule_files;
use aseqd_console::{print, say};
use aseqd_host::error::Fail;
use aseqd_rules::{Action, Exact, Origin, RuleSet, Rules, decide, file_of, rule_of};
use std::path::Path;
use std::process::ExitCode;

pub(super) fn save(args: &RulesArgs, save: &SaveArgs) -> Result<ExitCode, Fail> {
    let file = save.file.as_deref().filter(|path| *path != Path::new("-"));
    // Somebody may have written it by hand. What is no regular file, such as a FIFO, loses nothing.
    let exists = |path: &&Path| path.metadata().is_ok_and(|metadata| metadata.is_file());
    if let Some(path) = file.filter(exists)
        && !save.force
    {
        return Err(Fail::new(format!("{} exists; --force replaces it", path.display())));
    }
    let mut runner = Runner::open_beside(&args.device, RuleSet::default())?;
    runner.look()?;
    let snapshot = &runner.snapshot;
    let rules: Vec<String> = snapshot
        .connections
        .iter()
        .filter_map(|connection| {
            let port = |address| snapshot.port(address).filter(|_| runner.is_of_others(address));
            let (from, to) = (port(connection.sender)?, port(connection.dest)?);
            // Ports that only their own program may connect.
            if !from.sends() || !to.receives() {
                return None;
            }
            let exact = |port| Exact::of(port, &snapshot.ports);
            Some(rule_of(&exact(from), &exact(to), false, Some(connection)))
        })
        .collect();
    let comment =
        "Connections that `aseqd rules save` has seen. `aseqd rules restore` makes them again.";
    let text = file_of(comment, &rules);
    match file {
        Some(path) => rule_files::write(path, &text)?,
        None => print(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn restore(args: &RulesArgs, restore: &RestoreArgs) -> Result<ExitCode, Fail> {
    let file = restore.file.display().to_string();
    let text = rule_files::read_given(&restore.file)?;
    let (rules, problems) = Rules::read(&file, &text);
    let (rules, more) = rules.compile(args.profile.as_deref());
    apply::refuse(problems.into_iter().chain(more))?;
    let mut runner = Runner::open_beside(&args.device, rules)?;
    runner.look()?;
    let mut actions = decide(&runner.snapshot, &runner.rules, &mut runner.history);
    if restore.exact {
        // Cuts first: an exclusive connection could stand in the way.
        let origin = Origin { file: file.into(), line: 0 };
        let before = cuts(&runner, &origin);
        for cut in &before {
            if let Action::Disconnect(one, _) = cut {
                runner.snapshot.connections.retain(|is| is.pair() != one.pair());
            }
        }
        runner.history = aseqd_rules::History::default();
        actions = decide(&runner.snapshot, &runner.rules, &mut runner.history);
        actions.splice(0..0, before);
    }
    let mut status = ExitCode::SUCCESS;
    for action in actions {
        let failed = if restore.dry_run { None } else { runner.act(&action)? };
        match failed {
            None => print(&apply::line(&action, &runner.snapshot))?,
            Some(why) => {
                say(&apply::refused(&action, &runner.snapshot, &why));
                status = ExitCode::FAILURE;
            }
        }
    }
    Ok(status)
}

/// Returns the actions that cut every connection that the file does not have.
fn cuts(runner: &Runner, origin: &Origin) -> Vec<Action> {
    let snapshot = &runner.snapshot;
    let kept = |connection: &aseqd_rules::Connection| {
        let (Some(from), Some(to)) =
            (snapshot.port(connection.sender), snapshot.port(connection.dest))
        else {
            return true;
        };
        let own = !runner.is_of_others(connection.sender) || !from.sends() || !to.receives();
        own || runner
            .rules
            .rules()
            .iter()
            .any(|rule| !rule.forbid && rule.from.matches(from) && rule.to.matches(to))
    };
    let gone = snapshot.connections.iter().filter(|connection| !kept(connection));
    gone.map(|connection| Action::Disconnect(*connection, origin.clone())).collect()
}
