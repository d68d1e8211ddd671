//! What the bench and its workers tell each other: tasks as words, and answers as JSON.

use aseqd_host::error::{Context as _, Fail};
use serde_json::Value;
use std::collections::VecDeque;
use std::str::FromStr;

/// Returns the words of a task.
pub(super) fn task(words: &[&dyn ToString]) -> Vec<String> {
    words.iter().map(|word| word.to_string()).collect()
}

/// The words of a task that a worker has not taken yet.
#[derive(Debug)]
pub(super) struct Words(VecDeque<String>);

impl Words {
    pub(super) fn new(task: &[String]) -> Self {
        Self(task.iter().cloned().collect())
    }

    /// Returns all words that are left.
    pub(super) fn rest(self) -> Vec<String> {
        self.0.into()
    }

    /// Takes the next word.
    pub(super) fn word(&mut self) -> Result<String, Fail> {
        self.0.pop_front().ok_or_else(|| Fail::new("a bench task lacks a parameter"))
    }

    /// Takes the next word as a number.
    pub(super) fn number<T: FromStr<Err: std::fmt::Display + 'static>>(
        &mut self,
    ) -> Result<T, Fail> {
        let word = self.word()?;
        word.parse().with_context(|| format!("the parameter {word} of a bench task"))
    }
}

/// Returns a list of times in an answer, in nanoseconds. The list is never empty.
pub(super) fn times(answer: &Value, name: &str) -> Result<Vec<u64>, Fail> {
    let list = answer[name].as_array();
    let list: Option<Vec<u64>> = list.and_then(|list| list.iter().map(Value::as_u64).collect());
    list.filter(|list| !list.is_empty()).ok_or_else(|| Fail::new("a worker has measured nothing"))
}
