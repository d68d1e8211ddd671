//! Learned connections: rules for single pairs of ports, in a file that programs write.

use crate::file::{Exact, rule_of};
use crate::port::Connection;
use crate::rule::{Problem, Rule, Rules};
use aseqd_selector::Port;

/// The head of a rule in a file.
const HEAD: &str = "[[rule]]";

/// What was learned: each rule means one connection, or forbids it.
///
/// ```
/// use aseqd_rules::Learned;
///
/// let text = "# Learned.\n\n[[rule]]\nfrom = 'keys'\nto = 'synth'\n";
/// let (learned, problems) = Learned::read("learned.toml", text);
/// assert!(problems.is_empty());
/// assert_eq!(learned.rules().count(), 1);
/// assert_eq!(learned.text(), text);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Learned {
    /// The text above the first rule.
    comment: String,
    /// Each rule with its text.
    rules: Vec<(Rule, String)>,
}

impl Learned {
    /// Returns what a new file begins with.
    #[must_use]
    pub fn new() -> Self {
        let comment =
            "# Connections that `aseqd rules` has learned. `aseqd rules forget` forgets them.\n";
        Self { comment: comment.to_owned(), rules: Vec::new() }
    }

    /// Reads such a file: a comment, and rules after each other. What is wrong is returned beside, and left out.
    #[must_use]
    pub fn read(file: &str, text: &str) -> (Self, Vec<Problem>) {
        let mut blocks = vec![String::new()];
        for line in text.split_inclusive('\n') {
            if line.trim_end() == HEAD {
                blocks.push(String::new());
            }
            if let Some(last) = blocks.last_mut() {
                last.push_str(line);
            }
        }
        let comment = blocks.remove(0);
        let mut line = comment.matches('\n').count();
        let (_, mut problems) = Rules::read(file, &comment);
        let mut rules = Vec::new();
        for block in blocks {
            let (read, wrong) = Rules::read(file, &block);
            let mut own = read.rules;
            for problem in wrong {
                let mut problem = problem;
                problem.origin.line += line;
                problems.push(problem);
            }
            if let (Some(mut rule), true) = (own.pop(), own.is_empty()) {
                rule.origin.line += line;
                rules.push((rule, block.clone()));
            }
            line += block.matches('\n').count();
        }
        (Self { comment, rules }, problems)
    }

    /// Returns the whole file.
    #[must_use]
    pub fn text(&self) -> String {
        let blocks = self.rules.iter().map(|(_, text)| text.as_str());
        std::iter::once(self.comment.as_str()).chain(blocks).collect()
    }

    /// Returns the rules.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|(rule, _)| rule)
    }

    /// Remembers a connection, or that it must not be. What was known of the two ports is replaced.
    pub fn learn(
        &mut self,
        (from, to): (&Port, &Port),
        ports: &[Port],
        connection: Option<&Connection>,
    ) {
        self.forget(from, to);
        let (from, to) = (Exact::of(from, ports), Exact::of(to, ports));
        let text = rule_of(&from, &to, connection.is_none(), connection);
        let (mut read, problems) = Rules::read("learned", &text);
        debug_assert!(problems.is_empty(), "{problems:?}");
        if let Some(rule) = read.rules.pop() {
            self.rules.push((rule, format!("{text}\n")));
        }
    }

    /// Forgets what is known of two ports. Returns how many rules that were.
    pub fn forget(&mut self, from: &Port, to: &Port) -> usize {
        let before = self.rules.len();
        self.rules.retain(|(rule, _)| !(rule.from.matches(from) && rule.to.matches(to)));
        before - self.rules.len()
    }

    /// Forgets everything. Returns how many rules that were.
    pub fn clear(&mut self) -> usize {
        std::mem::take(&mut self.rules).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::Address;
    use aseqd_abi::seq::PortCaps;

    fn port(client: u8, name: &str) -> Port {
        let mut port = Port::new(Address::new(client, 0), name, "p");
        port.caps = PortCaps::all() - PortCaps::NO_EXPORT;
        port
    }

    #[test]
    fn the_latest_thing_learned_of_two_ports_counts() {
        let ports = [port(20, "a"), port(21, "b"), port(22, "c")];
        let [a, b, c] = &ports;
        let connection =
            Connection { sender: a.address, dest: b.address, exclusive: true, stamp: None };
        let mut learned = Learned::new();
        learned.learn((a, b), &ports, Some(&connection));
        learned.learn((a, c), &ports, Some(&connection));
        learned.learn((a, b), &ports, None);
        let (again, problems) = Learned::read("l", &learned.text());
        assert_eq!(problems, []);
        assert_eq!(again.text(), learned.text());
        let said: Vec<_> = again.rules().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "client 'a', port 'p' -> client 'c', port 'p'",
                "client 'a', port 'p' -x-> client 'b', port 'p'",
            ]
        );
        let lines: Vec<_> = again.rules().map(|rule| rule.origin.to_string()).collect();
        assert_eq!(lines, ["l:2", "l:7"]);
        assert_eq!(learned.forget(a, b), 1);
        assert_eq!(learned.forget(a, b), 0);
        assert_eq!(learned.clear(), 1);
        assert_eq!(learned.text(), Learned::new().text());
    }

    #[test]
    fn damage_is_told_with_its_line() {
        let text = "x = 1\n[[rule]]\nfrom = 'a'\nto = 'b'\n[[rule]]\nfrom = 'a'\nto = 1\n";
        let (learned, problems) = Learned::read("l", text);
        assert_eq!(learned.rules().count(), 1);
        let lines: Vec<_> = problems.iter().map(|problem| problem.origin.line).collect();
        assert_eq!(lines, [1, 7]);
    }
}
