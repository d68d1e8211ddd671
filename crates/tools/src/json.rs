//! JSON that is safe to print.

use serde_json::Value;
use std::fmt::Write as _;

/// Returns a value as one line. The control characters that JSON allows in strings, U+007F to U+009F, are escaped:
/// terminals may take them for commands.
pub(crate) fn json_line(value: &Value) -> String {
    let mut line = String::new();
    for c in value.to_string().chars() {
        if c.is_control() {
            let _infallible = write!(line, "\\u{:04x}", u32::from(c));
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn control_characters_are_escaped_and_stay_what_they_are() {
        let value = json!({ "name": "a\u{9b}2J\u{7f}\u{1b}[2J \u{e9}\n" });
        let line = json_line(&value);
        assert_eq!(line, "{\"name\":\"a\\u009b2J\\u007f\\u001b[2J \u{e9}\\n\"}");
        assert_eq!(serde_json::from_str::<Value>(&line).expect("JSON"), value);
    }
}
