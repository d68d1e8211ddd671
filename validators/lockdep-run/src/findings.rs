//! What the processes of a command have found: read from the session, and joined.

use std::collections::HashMap;
use std::io;

use kreport::Report;
use lockdep::session::{Finding, Row, Session, head};

/// A report, with how many times it came, and by how many ways.
#[derive(Clone, Debug)]
pub struct Known {
    /// The text of the first one.
    pub text: String,
    /// The process of the first one.
    pub pid: u64,
    /// How many times it came.
    pub count: u64,
    /// How many stacks lead to it.
    pub stacks: usize,
}

/// A wait of real-time code for a lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// How long it took, in ns.
    pub ns: u64,
    /// The process.
    pub pid: u64,
    /// The other facts, by name.
    pub facts: Vec<(String, String)>,
}

impl Wait {
    fn new(finding: &Finding) -> Self {
        let facts = finding.text.lines().filter_map(|line| line.split_once('='));
        let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { ns: finding.waited_ns, pid: finding.pid, facts }
    }

    /// Returns whether the holder of the lock was less urgent: a thread of lower priority, or code outside of sections.
    #[must_use]
    pub fn is_inversion(&self) -> bool {
        let priority = |name| self.fact(name).and_then(|text| text.parse::<u32>().ok());
        match (priority("priority"), priority("holder_priority")) {
            (Some(own), Some(holder)) if own == holder => {
                self.fact("holder_in_section") == Some("false")
            }
            (Some(own), Some(holder)) => holder < own,
            _ => false,
        }
    }

    /// Returns a fact.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Reads findings while the command runs.
#[derive(Debug)]
pub struct Reader {
    session: Session,
    /// The finding of each index that was read.
    read: Vec<Option<usize>>,
    same: HashMap<(u64, Option<String>), usize>,
    found: Vec<Known>,
}

/// Everything that was found.
#[derive(Debug)]
pub struct Findings {
    /// The reports, in the order in which they came.
    pub reports: Vec<Known>,
    /// The longest wait for a lock in real-time code.
    pub longest: Option<Wait>,
    /// The sections.
    pub sections: Vec<Row>,
    /// How many stacks were left out, because there were too many.
    pub left_out: u64,
    /// How many times a section was left out of `sections`, because there were too many.
    pub sections_left_out: u64,
    /// How many reports were cut off by the end of their process.
    pub cut: usize,
    /// How many programs took part.
    pub programs: u64,
    /// What became of the names of `--threads` and `--functions`, as bits of `lockdep::session::named`.
    pub names: Vec<u64>,
}

impl Reader {
    /// Begins to read a session.
    #[must_use]
    pub fn new(session: Session) -> Self {
        let (read, same, found) = (Vec::new(), HashMap::new(), Vec::new());
        Self { session, read, same, found }
    }

    /// Reads what is new. `each` gets each report that is not like an earlier one.
    ///
    /// # Errors
    ///
    /// Returns the error of reading the session.
    pub fn read(&mut self, each: impl FnMut(&str)) -> io::Result<()> {
        self.read_all(false, each)
    }

    /// Reads also what is held back, when the command has ended: its threads did not end before.
    ///
    /// # Errors
    ///
    /// Returns the error of reading the session.
    pub fn read_last(&mut self, each: impl FnMut(&str)) -> io::Result<()> {
        self.read_all(true, each)
    }

    fn read_all(&mut self, held: bool, mut each: impl FnMut(&str)) -> io::Result<()> {
        let count = self.session.findings()?;
        self.read.resize(count, None);
        for index in 0..count {
            if self.read[index].is_some() {
                continue;
            }
            let Some(finding) = self.session.finding(index, held)? else { continue };
            let at = match self.same.get(&identity(&finding.text)) {
                Some(&at) => {
                    self.found[at].stacks += 1;
                    at
                }
                None => {
                    each(&finding.text);
                    let (text, pid) = (finding.text, finding.pid);
                    self.same.insert(identity(&text), self.found.len());
                    self.found.push(Known { text, pid, count: 0, stacks: 1 });
                    self.found.len() - 1
                }
            };
            self.read[index] = Some(at);
        }
        Ok(())
    }

    /// Returns everything that was read, with the counts of now.
    ///
    /// # Errors
    ///
    /// Returns the error of reading the session.
    pub fn end(mut self) -> io::Result<Findings> {
        let mut cut = 0;
        for (index, at) in self.read.iter().enumerate() {
            let finding = self.session.finding(index, true)?;
            match (at, finding) {
                (Some(at), Some(finding)) => {
                    if let Some(known) = self.found.get_mut(*at) {
                        known.count += finding.count;
                    }
                }
                _ if self.session.is_dropped(index)? => {}
                _ => cut += 1,
            }
        }
        let mut sections = self.session.rows()?;
        sections.retain(|row| row.runs > 0);
        sections.sort_by_key(|row| std::cmp::Reverse(row.longest_ns));
        Ok(Findings {
            left_out: self.session.left_out()?,
            sections_left_out: self.session.head(head::NO_ROW)?,
            programs: self.session.head(head::PROCESSES)?,
            names: self.session.names()?.to_vec(),
            reports: self.found,
            longest: self.session.longest_wait()?.as_ref().map(Wait::new),
            sections,
            cut,
        })
    }
}

/// Returns what two reports of one defect have in common: the signature, and the line of the function to blame.
fn identity(text: &str) -> (u64, Option<String>) {
    let log = kreport::read(text);
    let Some(report) = log.reports.first() else { return (0, Some(text.to_owned())) };
    let place = report.guilty.as_ref().and_then(|guilty| {
        guilty.frame.location().or_else(|| guilty.frame.offset.map(|offset| offset.to_string()))
    });
    (report.signature(), place)
}

/// Returns the name of the function that a report says must not be called.
#[must_use]
pub fn call<'a>(report: &Report<'a>) -> Option<&'a str> {
    let line = report.lines.iter().rev().find_map(|line| line.text.strip_prefix("lockdep: "))?;
    line.split(' ').next()?.strip_suffix("()")
}
