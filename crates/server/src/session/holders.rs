//! Lists the processes that have clients open, for people who wonder why there is no client left.

use aseqd_client::printable;
use aseqd_engine::Engine;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Clients of a process that are named. Further ones are counted.
const NAMED: usize = 4;

/// Returns a line for all, and one for each process. Processes with more clients come first.
pub(super) fn lines(engine: &Engine) -> Vec<String> {
    let mut by_process: BTreeMap<i32, Vec<_>> = BTreeMap::new();
    for client in engine.open_clients() {
        by_process.entry(client.pid).or_default().push(client);
    }
    let count: usize = by_process.values().map(Vec::len).sum();
    let mut lines = vec![format!("{count} clients are open (--clients allows more):")];
    let mut processes: Vec<_> = by_process.into_iter().collect();
    processes.sort_by_key(|(_, clients)| std::cmp::Reverse(clients.len()));
    for (pid, clients) in processes {
        let mut line = format!("  {} of process {pid}", clients.len());
        // Writing to a string cannot fail.
        if let Ok(name) = std::fs::read_to_string(format!("/proc/{pid}/comm")) {
            let _ok = write!(line, " ({})", printable(name.trim_end()));
        }
        line.push(':');
        for (at, client) in clients.iter().take(NAMED).enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let _ok = write!(line, "{comma} {} {:?}", client.number, client.name);
        }
        if clients.len() > NAMED {
            let _ok = write!(line, " and {} more", clients.len() - NAMED);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_engine::{Access, Config, Identity, Time};

    #[test]
    fn each_process_is_told_with_its_clients() {
        let mut engine = Engine::with_config(Config { clients: 8, ..Config::default() });
        let own = i32::try_from(std::process::id()).expect("a number");
        let gone = i32::MAX;
        for pid in [gone, own, own, own, own, own, gone, own] {
            engine.open(Time(0), Access::Read, Identity::User { pid }).expect("there is room");
        }
        let comm = std::fs::read_to_string("/proc/self/comm").expect("a name");
        let expected = [
            "8 clients are open (--clients allows more):".to_owned(),
            format!(
                "  6 of process {own} ({}): 129 \"Client-129\", 130 \"Client-130\", \
                 131 \"Client-131\", 132 \"Client-132\" and 2 more",
                comm.trim_end()
            ),
            format!("  2 of process {gone}: 128 \"Client-128\", 134 \"Client-134\""),
        ];
        assert_eq!(lines(&engine), expected);
    }
}
