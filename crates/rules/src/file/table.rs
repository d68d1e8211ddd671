//! Takes TOML apart, and notes where something is wrong.

use crate::origin::Origin;
use crate::rule::Problem;
use std::iter;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// Maximum number of problems that are told of one file. Nobody reads more, and a file of 16 MiB can have millions.
const MOST_PROBLEMS: usize = 100;

/// A file that is taken apart.
pub(super) struct Table<'a> {
    file: Arc<str>,
    text: &'a str,
    /// Where the lines begin.
    starts: Vec<usize>,
    /// The first [`MOST_PROBLEMS`] problems.
    problems: Vec<Problem>,
    /// How many problems there are.
    count: usize,
}

/// A key and its value.
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(key: &'a Spanned<DeString<'a>>, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self { key: key.get_ref(), value }
    }
}

impl<'a> Table<'a> {
    pub(super) fn new(file: &str, text: &'a str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        let starts = iter::once(0).chain(starts).collect();
        Self { file: file.into(), text, starts, problems: Vec::new(), count: 0 }
    }

    pub(super) fn file(&self) -> Arc<str> {
        self.file.clone()
    }

    /// Returns how many problems there are.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Returns the problems by their places, each once, and as the last one how many are left out.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        let kept = self.problems.len();
        self.problems.sort_by_key(|problem| (problem.origin.line, problem.column));
        self.problems.dedup();
        if self.count > kept {
            let origin = Origin { file: self.file, line: 0 };
            let message = format!("there are {} more mistakes", self.count - kept);
            self.problems.push(Problem { origin, column: 0, message });
        }
        self.problems
    }

    /// Returns the line of a byte, counted from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// Notes a problem. Beyond [`MOST_PROBLEMS`] they are counted.
    pub(super) fn wrong(&mut self, span: Range<usize>, message: &str) {
        self.count += 1;
        if self.problems.len() == MOST_PROBLEMS {
            return;
        }
        let at = span.start.min(self.text.len());
        let line = self.line(at);
        let before = self.text.get(self.starts[line - 1]..at).unwrap_or_default();
        let column = before.chars().count() + 1;
        let origin = Origin { file: self.file.clone(), line };
        self.problems.push(Problem { origin, column, message: message.to_owned() });
    }

    /// Notes the keys that do not exist.
    pub(super) fn check_keys(&mut self, table: &DeTable<'_>, known: &[&str], place: &str) {
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let near = crate::nearest_name(name, known.iter().copied());
            let near = near.map_or_else(
                || format!("; the keys are {}", known.join(", ")),
                |near| format!("; did you mean {near}?"),
            );
            self.wrong(key.span(), &format!("there is no key {name} in {place}{near}"));
        }
    }

    fn wrong_type(&mut self, entry: &Entry<'_>, wanted: &str) {
        self.wrong(entry.value.span(), &format!("`{}` is {wanted}", entry.key));
    }

    pub(super) fn string<'e>(&mut self, entry: &Entry<'e>) -> Option<&'e str> {
        let found = entry.value.get_ref().as_str();
        if found.is_none() {
            self.wrong_type(entry, "a string");
        }
        found
    }

    pub(super) fn boolean(&mut self, entry: &Entry<'_>) -> Option<bool> {
        let found = entry.value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(entry, "true or false");
        }
        found
    }

    /// Returns a whole number of a range.
    pub(super) fn number<N: TryFrom<i64>>(
        &mut self,
        entry: &Entry<'_>,
        range: RangeInclusive<i64>,
    ) -> Option<N> {
        let found = integer(entry.value).filter(|number| range.contains(number));
        let found = found.and_then(|number| N::try_from(number).ok());
        if found.is_none() {
            self.wrong_type(entry, &format!("a number, {} to {}", range.start(), range.end()));
        }
        found
    }

    /// Returns a number of a range, whole or not.
    pub(super) fn float(&mut self, entry: &Entry<'_>, range: RangeInclusive<f32>) -> Option<f32> {
        let text = match entry.value.get_ref() {
            DeValue::Float(float) => Some(float.as_str().to_owned()),
            DeValue::Integer(_) => integer(entry.value).map(|number| number.to_string()),
            _ => None,
        };
        let found = text.and_then(|text| text.parse().ok()).filter(|one| range.contains(one));
        if found.is_none() {
            self.wrong_type(entry, &format!("a number, {} to {}", range.start(), range.end()));
        }
        found
    }

    pub(super) fn array<'e>(&mut self, entry: &Entry<'e>) -> Option<&'e DeArray<'e>> {
        let found = entry.value.get_ref().as_array();
        if found.is_none() {
            self.wrong_type(entry, "a list: [ ... ]");
        }
        found
    }

    pub(super) fn table<'e>(&mut self, entry: &Entry<'e>) -> Option<&'e DeTable<'e>> {
        let found = entry.value.get_ref().as_table();
        if found.is_none() {
            self.wrong_type(entry, "a table");
        }
        found
    }

    /// Returns the tables of `[[key]]`.
    pub(super) fn tables<'e>(&mut self, entry: &Entry<'e>) -> Vec<&'e Spanned<DeValue<'e>>> {
        let all = entry.value.get_ref().as_array().map(|array| array.iter().collect::<Vec<_>>());
        let all = all.filter(|all| all.iter().all(|one| one.get_ref().is_table()));
        if all.is_none() {
            self.wrong_type(entry, &format!("written as [[{}]]", entry.key));
        }
        all.unwrap_or_default()
    }
}

/// Returns a whole number.
pub(super) fn integer(value: &Spanned<DeValue<'_>>) -> Option<i64> {
    let integer = value.get_ref().as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}
