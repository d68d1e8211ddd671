//! The list of reports that are known already.
//!
//! Each line has a signature, or a title in which `*` stands for any text. What follows ` # ` is the reason.

use crate::list::fits;
use crate::model::Report;
use std::collections::HashMap;

/// Reports that are no news.
#[derive(Clone, Debug, Default)]
pub struct Known {
    signatures: HashMap<u64, String>,
    titles: Vec<(String, String)>,
    /// The texts of reports, with their reasons.
    texts: HashMap<String, String>,
}

/// A line of a list that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadLine {
    /// The number of the line, counted from 1.
    pub number: usize,
}

impl Known {
    /// Adds the lines of a list.
    ///
    /// # Errors
    ///
    /// Returns the first line that has neither a signature nor a title.
    pub fn add(&mut self, text: &str) -> Result<(), BadLine> {
        for (index, line) in text.lines().enumerate() {
            let (entry, reason) = line.split_once(" # ").unwrap_or((line, ""));
            let (entry, reason) = (entry.trim(), reason.trim().to_owned());
            if entry.is_empty() || entry.starts_with('#') {
                continue;
            }
            if entry.len() == 16 && entry.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                let signature =
                    u64::from_str_radix(entry, 16).map_err(|_| BadLine { number: index + 1 })?;
                self.signatures.insert(signature, reason);
            } else if entry.bytes().all(|byte| byte == b'*') {
                // This would hide everything, also what nobody has seen yet.
                return Err(BadLine { number: index + 1 });
            } else {
                self.titles.push((entry.to_owned(), reason));
            }
        }
        Ok(())
    }

    /// Adds this very report, and none that is only like it.
    pub fn add_report(&mut self, report: &Report<'_>, reason: &str) {
        self.texts.insert(report.text(), reason.to_owned());
    }

    /// Returns the reason for which a report is known, which may be empty.
    #[must_use]
    pub fn reason(&self, report: &Report<'_>) -> Option<&str> {
        let by_signature = self.signatures.get(&report.signature());
        let by_title = || {
            self.titles
                .iter()
                .find(|(title, _)| fits(title, &report.title))
                .map(|(_, reason)| reason)
        };
        let by_text = || if self.texts.is_empty() { None } else { self.texts.get(&report.text()) };
        by_signature.or_else(by_title).or_else(by_text).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_signatures_titles_and_reasons() {
        let text = "BUG: x\n";
        let log = crate::read(text);
        let report = &log.reports[0];
        let mut known = Known::default();
        assert_eq!(known.reason(report), None);
        known.add("# all\n\n0000000000000001\nBUG: * # not ours\n").expect("a list");
        assert_eq!(known.reason(report), Some("not ours"));
        let mut known = Known::default();
        known.add(&format!("{:016x}\n", report.signature())).expect("a list");
        assert_eq!(known.reason(report), Some(""));
        assert_eq!(Known::default().add("a\n*\n"), Err(BadLine { number: 2 }));
    }
}
