//! Programs from text: the form in which they are printed.

use crate::field;
use crate::program::{
    Arguments, Call, FIRST_CONTROL, FIRST_TIMER, FIRST_USER_TIMER, Mode, Operation, Program,
    Settings, Value,
};

/// Reads one program.
///
/// # Errors
/// A message that names the line which is not part of a program.
pub fn parse(text: &str) -> Result<Program, String> {
    let mut programs = parse_all(text)?;
    match (programs.len(), programs.pop()) {
        (1, Some(program)) => Ok(program),
        (count, _) => Err(format!("one program is expected, there are {count}")),
    }
}

/// Reads programs, each of which begins with its `mode` line.
///
/// # Errors
/// A message that names the line which is not part of a program.
pub fn parse_all(text: &str) -> Result<Vec<Program>, String> {
    let mut programs: Vec<Program> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |what: &str| format!("line {}: {what}: {line}", index + 1);
        if let Some(name) = line.strip_prefix("mode ") {
            programs.push(parse_mode(name).map_err(wrong)?);
            continue;
        }
        let program = programs.last_mut().ok_or_else(|| wrong("a program begins with its mode"))?;
        program.calls.push(parse_call(line).map_err(|what| wrong(&what))?);
    }
    Ok(programs)
}

/// Reads what follows the word `mode`. Returns a program without calls.
fn parse_mode(text: &str) -> Result<Program, &'static str> {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap_or_default();
    let mode = Mode::ALL.into_iter().find(|mode| mode.name() == name).ok_or("no such mode")?;
    let settings = Settings::default();
    let mut program = Program { mode, common: false, ump: false, settings, calls: Vec::new() };
    for word in words {
        match word {
            "common" => program.common = true,
            "ump" => program.ump = true,
            word if program.settings.take(word) => {}
            _ => return Err("no such word of a mode"),
        }
    }
    Ok(program)
}

fn parse_call(line: &str) -> Result<Call, String> {
    let (head, mut rest) = line.split_once(' ').unwrap_or((line, ""));
    let (client, name) = head.split_once('.').ok_or("no call")?;
    let kinds = [('c', 0), ('t', FIRST_TIMER), ('u', FIRST_USER_TIMER), ('k', FIRST_CONTROL)];
    let client = kinds.into_iter().find_map(|(letter, first)| {
        client
            .strip_prefix(letter)?
            .parse()
            .ok()
            .and_then(|number: usize| number.checked_add(first))
    });
    let client = client.ok_or("no client handle")?;
    let operation = Operation::named(name).ok_or("no such call")?;
    let mut call = Call { client, operation, arguments: Vec::new(), events: Vec::new() };
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(call);
        }
        if let Some(event) = rest.strip_prefix('[') {
            let (event, after) = event.split_once(']').ok_or("an event has no end")?;
            // The name of the type is for people.
            let start = event.find(' ').unwrap_or(event.len());
            call.events.push(parse_arguments(&event[start..])?);
            rest = after;
        } else {
            let end = argument_end(rest);
            call.arguments.push(parse_argument(&rest[..end])?);
            rest = &rest[end..];
        }
    }
}

/// Returns where the first argument ends: a text may contain blanks.
fn argument_end(text: &str) -> usize {
    let mut quoted = false;
    for (index, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => return index,
            _ => {}
        }
    }
    text.len()
}

fn parse_arguments(text: &str) -> Result<Arguments, String> {
    text.split_whitespace().map(parse_argument).collect()
}

fn parse_argument(text: &str) -> Result<(&'static str, Value), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("no value in {text}"))?;
    let name = field::intern(name).ok_or_else(|| format!("no argument is called {name}"))?;
    Ok((name, parse_value(value).ok_or_else(|| format!("no value is written {value}"))?))
}

fn parse_value(text: &str) -> Option<Value> {
    if let Some(text) = text.strip_prefix('"') {
        return text.strip_suffix('"').map(|text| Value::Text(text.to_owned()));
    }
    if text == "self" {
        return Some(Value::Process);
    }
    if let Some(hex) = text.strip_prefix("hex:") {
        let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        return (0..hex.len()).step_by(2).map(byte).collect::<Option<_>>().map(Value::Bytes);
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(Value::Number);
    }
    if let Some(handle) = text.strip_prefix('c') {
        return handle.parse().ok().map(Value::Client);
    }
    if let Some(handle) = text.strip_prefix('q') {
        return handle.parse().ok().map(Value::Queue);
    }
    text.parse().ok().map(Value::Number)
}
