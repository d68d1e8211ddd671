//! `aseqd rules learn` and `forget`, and what `run --learn` remembers.

use super::runner::{Manual, Runner};
use super::{ForgetArgs, LearnArgs, RulesArgs};
use crate::rule_files;
use crate::select;
use aseqd_console::{print, say};
use aseqd_host::error::Fail;
use aseqd_rules::{Connection, Learned, Port, RuleSet, Snapshot};
use std::process::ExitCode;

/// Remembers what others connect and disconnect.
pub(super) struct Learner {
    on: bool,
    learned: Learned,
    /// The ports at the ends of what was disconnected, as they were.
    disconnected: Vec<(Port, Port)>,
}

impl Learner {
    pub(super) const fn new(on: bool, learned: Learned) -> Self {
        Self { on, learned, disconnected: Vec::new() }
    }

    /// Takes what the files say now.
    pub(super) fn reload(&mut self, on: bool, learned: Learned) {
        (self.on, self.learned) = (on, learned);
    }

    /// Looks at ports that may be gone after the next look.
    pub(super) fn before(&mut self, runner: &Runner, manual: &[Manual]) {
        self.disconnected.clear();
        for one in manual.iter().filter(|_| self.on) {
            if let Manual::Disconnected((sender, dest)) = one
                && let (Some(from), Some(to)) =
                    (runner.snapshot.port(*sender), runner.snapshot.port(*dest))
            {
                self.disconnected.push((from.clone(), to.clone()));
            }
        }
    }

    /// Remembers what was done. Returns whether that changes the rules.
    ///
    /// # Errors
    /// A message if the file cannot be written.
    pub(super) fn after(&mut self, runner: &Runner, manual: &[Manual]) -> Result<bool, Fail> {
        if !self.on {
            return Ok(false);
        }
        let before = self.learned.text();
        let ports = &runner.snapshot.ports;
        for one in manual {
            let Manual::Connected(pair) = one else { continue };
            let Some(connection) = connection(&runner.snapshot, *pair) else { continue };
            if let Some(both) = ends(runner, *pair) {
                self.learned.learn(both, ports, Some(connection));
            }
        }
        for (from, to) in std::mem::take(&mut self.disconnected) {
            let pair = (from.address, to.address);
            // A connection that goes with its port is not cut, and one that is there again neither.
            if connection(&runner.snapshot, pair).is_some()
                || ends(runner, pair) != Some((&from, &to))
            {
                continue;
            }
            self.learned.forget(&from, &to);
            if says_connect(&runner.rules, &self.learned, &from, &to) {
                self.learned.learn((&from, &to), ports, None);
            }
        }
        let text = self.learned.text();
        if text == before {
            return Ok(false);
        }
        write(&text)?;
        Ok(true)
    }
}

fn connection(snapshot: &Snapshot, pair: aseqd_rules::Pair) -> Option<&Connection> {
    snapshot.connections.iter().find(|one| one.pair() == pair)
}

/// Returns the ports of a connection that people make.
fn ends(runner: &Runner, (sender, dest): aseqd_rules::Pair) -> Option<(&Port, &Port)> {
    let port = |address| runner.snapshot.port(address).filter(|_| runner.is_of_others(address));
    Some((port(sender)?, port(dest)?)).filter(|(from, to)| from.sends() && to.receives())
}

/// Returns whether a rule that was not learned says to connect two ports.
fn says_connect(rules: &RuleSet, learned: &Learned, from: &Port, to: &Port) -> bool {
    let known: Vec<_> = learned.rules().map(|rule| &rule.origin.file).collect();
    let of_files = rules.rules().iter().rev().filter(|rule| !known.contains(&&rule.origin.file));
    let means = |rule: &&aseqd_rules::Rule| {
        rule.from.matches(from) && rule.to.matches(to)
            || rule.both && rule.to.matches(from) && rule.from.matches(to)
    };
    of_files.clone().find(means).is_some_and(|rule| !rule.forbid)
}

fn write(text: &str) -> Result<(), Fail> {
    let path = rule_files::learned_file().ok_or_else(|| {
        Fail::new("there is no place for learned connections: set HOME or XDG_STATE_HOME")
    })?;
    rule_files::write(&path, text)
}

/// Reads what was learned.
fn learned(args: &RulesArgs) -> Result<Learned, Fail> {
    // Mistakes of other files are no matter of this.
    let loaded = rule_files::load_of(args.rules.clone())?;
    for problem in &loaded.problems {
        say(problem);
    }
    Ok(loaded.learned)
}

pub(super) fn learn(args: &RulesArgs, learn: &LearnArgs) -> Result<ExitCode, Fail> {
    let mut known = learned(args)?;
    let mut runner = Runner::open_beside(&args.device, RuleSet::default())?;
    let wanted = pair(&runner, learn.from.as_deref(), learn.to.as_deref())?;
    runner.look()?;
    let mut count = 0;
    for connection in &runner.snapshot.connections {
        if wanted.is_some_and(|wanted| wanted != connection.pair()) {
            continue;
        }
        let Some((from, to)) = ends(&runner, connection.pair()) else { continue };
        known.learn((from, to), &runner.snapshot.ports, Some(connection));
        count += 1;
    }
    if let (Some((sender, dest)), 0) = (wanted, count) {
        return Err(Fail::new(format!(
            "{sender} and {dest} are not connected: connect them first"
        )));
    }
    write(&known.text())?;
    print(&format!("learned {count}\n"))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn forget(args: &RulesArgs, forget: &ForgetArgs) -> Result<ExitCode, Fail> {
    let mut known = learned(args)?;
    let count = if forget.all {
        known.clear()
    } else {
        let mut runner = Runner::open_beside(&args.device, RuleSet::default())?;
        let wanted = pair(&runner, forget.from.as_deref(), forget.to.as_deref())?;
        runner.look()?;
        let both = wanted
            .and_then(|pair| Some((runner.snapshot.port(pair.0)?, runner.snapshot.port(pair.1)?)));
        both.map_or(0, |(from, to)| known.forget(from, to))
    };
    if count > 0 {
        write(&known.text())?;
    }
    print(&format!("forgot {count}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the two ports that are named, if they are.
fn pair(
    runner: &Runner,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<Option<aseqd_rules::Pair>, Fail> {
    let (Some(from), Some(to)) = (from, to) else { return Ok(None) };
    let find = |text, needs| select::port(&runner.client, text, needs);
    use aseqd_abi::seq::PortCaps;
    let sender = find(from, PortCaps::READ | PortCaps::SUBS_READ)?;
    let dest = find(to, PortCaps::WRITE | PortCaps::SUBS_WRITE)?;
    Ok(Some((sender, dest)))
}
