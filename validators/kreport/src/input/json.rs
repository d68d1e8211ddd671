//! Makes lines of a log out of the records of `journalctl` and `dmesg`.
//!
//! A message of the kernel becomes `[   12.345678] message`, that of a program `time host name[123]: message`. Each line
//! of a message is a line of the log.

use super::decode;
use serde_json::Value;
use std::fmt::Write as _;

/// What is known of a record that has not ended.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The lines of the record.
    object: String,
    record: Record,
}

#[derive(Debug, Default)]
struct Record {
    message: Option<String>,
    /// Whether the kernel printed the message.
    by_kernel: bool,
    /// The time since the start of the kernel, in microseconds.
    time_us: Option<u64>,
    name: String,
    process: Option<u32>,
    /// The task or processor that printed the message.
    caller: Option<String>,
}

impl Record {
    fn set(&mut self, key: &str, value: &str) {
        match key {
            "MESSAGE" => self.message = Some(value.to_owned()),
            "_TRANSPORT" => self.by_kernel |= value == "kernel",
            "SYSLOG_IDENTIFIER" | "_COMM" if self.name.is_empty() || key == "SYSLOG_IDENTIFIER" => {
                self.by_kernel |= value == "kernel";
                value.clone_into(&mut self.name);
            }
            // The kernel's own time is the exact one of the two.
            "_SOURCE_MONOTONIC_TIMESTAMP" => self.time_us = value.parse().ok(),
            "__MONOTONIC_TIMESTAMP" => self.time_us = self.time_us.or_else(|| value.parse().ok()),
            "_PID" | "SYSLOG_PID" => self.process = value.parse().ok(),
            _ => {}
        }
    }

    /// Prints the lines of the message, and forgets the record.
    fn print(&mut self, text: &mut String) {
        let record = std::mem::take(self);
        let Some(message) = record.message else { return };
        let time = record.time_us.unwrap_or(0);
        for line in decode(message.as_bytes()).lines() {
            let printed = if record.by_kernel {
                let caller = record
                    .caller
                    .as_ref()
                    .map(|caller| format!("[{caller:>6}]"))
                    .unwrap_or_default();
                writeln!(text, "[{:5}.{:06}]{caller} {line}", time / 1_000_000, time % 1_000_000)
            } else {
                let process = record.process.unwrap_or(0);
                let name = if record.name.is_empty() { "-" } else { &record.name };
                writeln!(text, "1970-01-01T00:00:00 host {name}[{process}]: {line}")
            };
            let _infallible = printed;
        }
    }
}

/// Reads `journalctl -o json`, `json-pretty`, `json-sse` and `json-seq`.
pub(super) fn journal(bytes: &[u8], state: &mut State, text: &mut String) {
    for line in String::from_utf8_lossy(bytes).lines() {
        let line = line
            .trim_start_matches('\u{1e}')
            .trim_start_matches("data: ")
            .trim_end_matches(['\r', ',']);
        if line.trim().is_empty() {
            continue;
        }
        state.object.push_str(line);
        state.object.push('\n');
        if !line.ends_with('}') {
            // An object of the pretty form has several lines. What is longer than any is none.
            if state.object.len() > super::MAX_PENDING {
                text.push_str(&std::mem::take(&mut state.object));
            }
            continue;
        }
        let object = std::mem::take(&mut state.object);
        let Ok(Value::Object(fields)) = serde_json::from_str(&object) else {
            // The end of a value that is an object itself, or a line that is no record.
            if line.starts_with('{') || line == "}" {
                text.push_str(&object);
            } else {
                state.object = object;
            }
            continue;
        };
        for (key, value) in &fields {
            match value {
                Value::String(value) => state.record.set(key, value),
                // Fields that occur several times, and bytes that are not UTF-8, are lists.
                Value::Array(values) => {
                    let bytes: Option<Vec<u8>> = values
                        .iter()
                        .map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()))
                        .collect();
                    if let Some(bytes) = bytes {
                        state.record.set(key, &String::from_utf8_lossy(&bytes));
                    } else if let Some(value) = values.first().and_then(Value::as_str) {
                        state.record.set(key, value);
                    }
                }
                _ => {}
            }
        }
        state.record.print(text);
    }
}

/// Reads `dmesg --json`, which has a field in each line.
pub(super) fn dmesg(bytes: &[u8], state: &mut State, text: &mut String) {
    for line in String::from_utf8_lossy(bytes).lines() {
        let field = line.trim().trim_end_matches(',');
        if field.starts_with('}') {
            state.record.print(text);
            continue;
        }
        // An object in one line is as good.
        let object = field.strip_prefix('{').map_or(field, str::trim);
        let Ok(Value::Object(fields)) = serde_json::from_str(&format!("{{{object}}}")) else {
            continue;
        };
        for (key, value) in fields {
            state.record.by_kernel = true;
            match (key.as_str(), value) {
                ("msg", Value::String(mut message)) => {
                    // util-linux 2.38 prints the rest of a file (`-F`) in each message. The next line has a level.
                    if let Some(end) = next_message(&message) {
                        message.truncate(end);
                    }
                    state.record.message = Some(message);
                }
                ("time", Value::Number(time)) => {
                    state.record.time_us = time.as_f64().map(microseconds)
                }
                ("caller", Value::String(caller)) => state.record.caller = Some(caller),
                _ => {}
            }
        }
    }
}

/// Returns where a line with a level begins: `<4>text`.
fn next_message(message: &str) -> Option<usize> {
    let lines = message.match_indices("\n<");
    let is_level = |rest: &str| {
        rest.starts_with(|first: char| first.is_ascii_digit()) && rest[1..].starts_with('>')
    };
    lines.map(|(at, _)| at).find(|at| is_level(&message[at + 2..]))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an uptime fits, and is not negative"
)]
fn microseconds(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1e6).round() as u64
}

/// Reads `journalctl -o verbose`: a line with the cursor, then a field in each line.
pub(super) fn verbose(bytes: &[u8], state: &mut State, text: &mut String) {
    for line in String::from_utf8_lossy(bytes).lines() {
        match line.strip_prefix("    ").and_then(|field| field.split_once('=')) {
            Some((key, value)) => state.record.set(key, value),
            None if line.starts_with(' ') => {
                // The message goes on.
                if let Some(message) = &mut state.record.message {
                    message.push('\n');
                    message.push_str(line.trim_start());
                }
            }
            None => state.record.print(text),
        }
    }
    // The message of a record is the only field that is printed.
    state.record.print(text);
}

/// Reads `journalctl -o export`: `KEY=value` lines, or the key, the length in eight bytes, and the value. A blank line
/// ends a record. Takes off the records that are whole.
pub(super) fn export(pending: &mut Vec<u8>, state: &mut State, text: &mut String, last: bool) {
    let mut at = 0;
    while let Some(end) = memchr::memchr(b'\n', &pending[at..]).map(|end| at + end) {
        let line = &pending[at..end];
        if line.is_empty() {
            state.record.print(text);
            at = end + 1;
            continue;
        }
        if let Some(equals) = memchr::memchr(b'=', line) {
            let (key, value) = (&line[..equals], &line[equals + 1..]);
            state.record.set(&String::from_utf8_lossy(key), &String::from_utf8_lossy(value));
            at = end + 1;
            continue;
        }
        let start = end + 1 + 8;
        let Some(length) = pending.get(end + 1..start) else { break };
        let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        // A newline stands behind the value.
        let whole = start.checked_add(length).filter(|&stop| stop < pending.len());
        let Some(value) = whole.and_then(|stop| pending.get(start..stop)) else {
            if length > super::MAX_PENDING {
                // No field is so long: this is not the form that it seemed to be.
                at = end + 1;
                continue;
            }
            break;
        };
        state.record.set(&String::from_utf8_lossy(line), &String::from_utf8_lossy(value));
        at = start + length + 1;
    }
    pending.drain(..at.min(pending.len()));
    if last {
        pending.clear();
        state.record.print(text);
    }
}
