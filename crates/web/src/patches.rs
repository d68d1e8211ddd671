//! Saved patches: all connections of one moment, as files of rules in a folder of the user's.

use crate::graph::Graph;
use aseqd_host::error::reason;
use aseqd_rules::{
    Action, Connection, Exact, History, Pair, RuleSet, Rules, Snapshot, decide, file_of, rule_of,
};
use aseqd_tools::rules::files;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The most patches that are listed.
const MOST: usize = 1000;
/// The most characters of a name.
const MAX_NAME: usize = 63;

/// What is written above the rules of a patch.
const COMMENT: &str =
    "Connections that `aseqd web` has saved. `aseqd rules restore` makes them again, too.";

/// The folder of patches.
pub(crate) struct Patches {
    folder: Option<PathBuf>,
}

/// What is to be done for a patch.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) connect: Vec<Connection>,
    pub(crate) cut: Vec<Pair>,
    /// How many of its connections have a port that is not there.
    pub(crate) missing: usize,
}

impl Patches {
    /// Returns the patches of this user, beside what was learned.
    pub(crate) fn new() -> Self {
        let state = files::learned_file();
        Self { folder: state.and_then(|file| Some(file.parent()?.join("patches"))) }
    }

    fn folder(&self) -> Result<&Path, String> {
        self.folder
            .as_deref()
            .ok_or_else(|| "there is no place for patches: set HOME or XDG_STATE_HOME".to_owned())
    }

    fn file(&self, name: &str) -> Result<PathBuf, String> {
        Ok(self.folder()?.join(format!("{}.toml", checked(name)?)))
    }

    /// Returns the patches, by name.
    pub(crate) fn list(&self) -> Result<Value, String> {
        let folder = self.folder()?;
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(json!({ "patches": [] }));
            }
            Err(error) => {
                return Err(format!("{} cannot be read: {}", folder.display(), reason(&error)));
            }
        };
        let names = entries.flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?.strip_suffix(".toml")?.to_owned();
            checked(&name).is_ok().then_some(name)
        });
        let mut names: Vec<_> = names.take(MOST).collect();
        names.sort();
        let one = |name: String| {
            let rules = self.read(&name).map_or(0, |rules| rules.rules().len());
            json!({ "name": name, "connections": rules })
        };
        Ok(json!({ "patches": names.into_iter().map(one).collect::<Vec<_>>() }))
    }

    fn read(&self, name: &str) -> Result<RuleSet, String> {
        let path = self.file(name)?;
        let text = match files::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(format!("there is no patch {name}"));
            }
            Err(error) => {
                return Err(format!("{} cannot be read: {}", path.display(), reason(&error)));
            }
        };
        let (rules, problems) = Rules::read(name, &text);
        let (rules, more) = rules.compile(None);
        match problems.iter().chain(&more).next() {
            Some(problem) => Err(problem.to_string()),
            None => Ok(rules),
        }
    }

    /// Writes the connections as they are now. Returns how many.
    ///
    /// # Errors
    /// A sentence if the name is none, or the file cannot be written.
    pub(crate) fn save(&self, name: &str, graph: &Graph) -> Result<usize, String> {
        let path = self.file(name)?;
        let snapshot = snapshot(graph);
        let rules: Vec<_> = snapshot
            .connections
            .iter()
            .filter_map(|connection| {
                let (from, to) =
                    (snapshot.port(connection.sender)?, snapshot.port(connection.dest)?);
                let exact = |port| Exact::of(port, &snapshot.ports);
                Some(rule_of(&exact(from), &exact(to), false, Some(connection)))
            })
            .collect();
        files::write(&path, &file_of(COMMENT, &rules)).map_err(|error| error.to_string())?;
        Ok(rules.len())
    }

    /// Removes a patch.
    ///
    /// # Errors
    /// A sentence if there is none of this name.
    pub(crate) fn remove(&self, name: &str) -> Result<(), String> {
        std::fs::remove_file(self.file(name)?).map_err(|error| match error.kind() {
            ErrorKind::NotFound => format!("there is no patch {name}"),
            _ => format!("the patch {name} cannot be removed: {}", reason(&error)),
        })
    }

    /// Returns what must be done to have the connections of a patch, and with `exact` no others.
    ///
    /// # Errors
    /// A sentence if there is none of this name, or its file has mistakes.
    pub(crate) fn plan(&self, name: &str, graph: &Graph, exact: bool) -> Result<Plan, String> {
        Ok(plan(&self.read(name)?, graph, exact))
    }
}

/// Returns a name if it can be that of a file, in any folder of any system.
fn checked(name: &str) -> Result<&str, String> {
    let bad = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    if name.is_empty()
        || name.starts_with('.')
        || name.chars().count() > MAX_NAME
        || name.chars().any(bad)
    {
        return Err(format!(
            "the name of a patch has 1 to {MAX_NAME} characters, begins with no dot, and has none of / \\ : * ? \" < > |"
        ));
    }
    Ok(name)
}

/// Returns what is there as rules see it: without links, which their own rules make, and without the System client.
fn snapshot(graph: &Graph) -> Snapshot {
    let connections = graph.connections.iter().filter(|((from, _), cable)| {
        cable.link.is_none() && from.client != aseqd_abi::seq::CLIENT_SYSTEM
    });
    Snapshot {
        ports: graph.ports().map(|port| port.port.clone()).collect(),
        connections: connections
            .map(|((sender, dest), cable)| Connection {
                sender: *sender,
                dest: *dest,
                exclusive: cable.exclusive,
                stamp: cable.stamp,
            })
            .collect(),
        links: Vec::new(),
    }
}

fn plan(rules: &RuleSet, graph: &Graph, exact: bool) -> Plan {
    let mut snapshot = snapshot(graph);
    let mut plan = Plan::default();
    if exact {
        // Cuts first: an exclusive connection could stand in the way.
        let wanted = |one: &Connection| {
            let (Some(from), Some(to)) = (snapshot.port(one.sender), snapshot.port(one.dest))
            else {
                return true;
            };
            rules
                .rules()
                .iter()
                .any(|rule| !rule.forbid && rule.from.matches(from) && rule.to.matches(to))
        };
        plan.cut =
            snapshot.connections.iter().filter(|one| !wanted(one)).map(Connection::pair).collect();
        snapshot.connections.retain(|one| !plan.cut.contains(&one.pair()));
    }
    let there = |rule: &&aseqd_rules::Rule| {
        let has = |selector: &aseqd_rules::Selector| {
            snapshot.ports.iter().any(|port| selector.matches(port))
        };
        has(&rule.from) && has(&rule.to)
    };
    plan.missing = rules.rules().len() - rules.rules().iter().filter(there).count();
    let actions = decide(&snapshot, &rules.without_links(), &mut History::default());
    plan.connect = actions
        .into_iter()
        .filter_map(|action| match action {
            Action::Connect(connection, _) => Some(connection),
            _ => None,
        })
        .collect();
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Cable, ClientEntry, PortEntry};
    use aseqd_abi::Address;
    use aseqd_abi::seq::PortCaps;
    use aseqd_rules::Port;

    fn graph(clients: &[(u8, &str)], pairs: &[(u8, u8)]) -> Graph {
        let mut graph = Graph::default();
        for (id, name) in clients {
            let mut port = Port::new(Address::new(*id, 0), name, "p");
            port.caps = PortCaps::all() - PortCaps::NO_EXPORT;
            let entry = PortEntry { port, group: 0, aliases: Vec::new(), unwatched: None };
            let client = ClientEntry { ports: [(0, entry)].into(), ..ClientEntry::default() };
            graph.clients.insert(*id, client);
        }
        for (from, to) in pairs {
            graph
                .connections
                .insert((Address::new(*from, 0), Address::new(*to, 0)), Cable::default());
        }
        graph
    }

    #[test]
    fn a_patch_comes_back_under_other_numbers() {
        let folder = tempfile::tempdir().expect("a folder");
        let patches = Patches { folder: Some(folder.path().join("patches")) };
        assert_eq!(patches.list(), Ok(json!({ "patches": [] })));
        let before =
            graph(&[(20, "keys"), (128, "synth"), (129, "other")], &[(20, 128), (20, 129)]);
        assert_eq!(patches.save("my studio", &before), Ok(2));
        assert_eq!(
            patches.list(),
            Ok(json!({ "patches": [{ "name": "my studio", "connections": 2 }] }))
        );
        let after = graph(&[(24, "keys"), (130, "synth"), (131, "more")], &[(24, 131)]);
        let plan = patches.plan("my studio", &after, false).expect("a patch");
        let pairs: Vec<_> =
            plan.connect.iter().map(|one| (one.sender.client, one.dest.client)).collect();
        assert_eq!((pairs, plan.cut.len(), plan.missing), (vec![(24, 130)], 0, 1));
        let plan = patches.plan("my studio", &after, true).expect("a patch");
        assert_eq!(plan.cut, [(Address::new(24, 0), Address::new(131, 0))]);
        assert_eq!(patches.remove("my studio"), Ok(()));
        assert!(
            patches.remove("my studio").is_err()
                && patches.plan("my studio", &after, false).is_err()
        );
    }

    #[test]
    fn no_name_leads_elsewhere() {
        for name in
            ["", ".", "..", ".x", "a/b", "/etc/passwd", "..\\x", "a\0b", "a\nb", &"x".repeat(64)]
        {
            assert!(checked(name).is_err(), "{name}");
        }
        for name in ["a", "my studio 2", "\u{e4}\u{1f3b9}", &"\u{e4}".repeat(63)] {
            assert!(checked(name).is_ok(), "{name}");
        }
    }
}
