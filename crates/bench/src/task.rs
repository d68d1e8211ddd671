//! What the bench and its workers say to each other: a task in words, and the answer to it.

use aseqd_host::error::{Context as _, Fail};
use serde_json::Value;
use std::collections::VecDeque;
use std::str::FromStr;

/// The words of a task.
pub(super) fn task(words: &[&dyn ToString]) -> Vec<String> {
    words.iter().map(|word| word.to_string()).collect()
}

/// The parameters of a task, in order.
#[derive(Debug)]
pub(super) struct Words(VecDeque<String>);

impl Words {
    pub(super) fn new(task: &[String]) -> Self {
        Self(task.iter().cloned().collect())
    }

    /// The words that were not taken yet.
    pub(super) fn rest(self) -> Vec<String> {
        self.0.into()
    }

    pub(super) fn word(&mut self) -> Result<String, Fail> {
        self.0.pop_front().ok_or_else(|| Fail::new("a task of the bench lacks a parameter"))
    }

    pub(super) fn number<T: FromStr<Err: std::fmt::Display + 'static>>(
        &mut self,
    ) -> Result<T, Fail> {
        let word = self.word()?;
        word.parse().with_context(|| format!("a parameter of a task of the bench, {word}"))
    }
}

pub(super) fn times(answer: &Value, name: &str) -> Result<Vec<u64>, Fail> {
    let list = answer[name].as_array();
    let list: Option<Vec<u64>> = list.and_then(|list| list.iter().map(Value::as_u64).collect());
    list.filter(|list| !list.is_empty()).ok_or_else(|| Fail::new("a worker found out nothing"))
}
