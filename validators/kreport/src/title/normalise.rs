//! Takes out of a title what differs from run to run.

use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Maximum length of a title in bytes. Longer ones come from lines that were mixed up.
const MAX_BYTES: usize = 120;

/// Patterns and their replacements, applied in this order, each until it changes nothing more.
static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rules = [
        // The fuzzer's own processes.
        (r"syz-executor\.?[0-9]+(?:[/:][0-9]+)?", "syz-executor"),
        (r"syzkaller[0-9]+(?:[/:][0-9]+)?", "syzkaller"),
        // Addresses.
        (r"([^a-zA-Z0])(?:0x)?[0-9a-f]{6,}", "${1}ADDR"),
        // Addresses of the network.
        (r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}", "IP"),
        // Line numbers of files.
        (r"(\.[0-9A-Za-z_]+)(?::[0-9]+)+", "${1}:LINE"),
        // Offsets in functions.
        (r"([a-zA-Z][a-zA-Z0-9_.]+)\+0x[0-9a-z]+/0x[0-9a-z]+", "${1}"),
        // Processors.
        (r"CPU#[0-9]+", "CPU"),
        // Any other number.
        (r"([^0-9A-Za-z_])[0-9]+([^0-9A-Za-z_]|$)", "${1}NUM${2}"),
    ];
    let compiled = rules.iter().filter_map(|(rule, with)| Some((Regex::new(rule).ok()?, *with)));
    compiled.collect()
});

/// Returns the title without addresses, numbers, line numbers and control characters.
pub(crate) fn normalise(title: &str) -> String {
    let mut text = Cow::Borrowed(title);
    for (rule, with) in RULES.iter() {
        loop {
            match rule.replace_all(&text, *with) {
                Cow::Borrowed(_) => break,
                Cow::Owned(changed) if changed == *text => break,
                Cow::Owned(changed) => text = Cow::Owned(changed),
            }
        }
    }
    clean(&text)
}

fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for byte in text.bytes().take(MAX_BYTES) {
        let byte = if byte == b'\t' { b' ' } else { byte };
        if !(0x20..0x7f).contains(&byte) || byte == b' ' && cleaned.ends_with(' ') {
            continue;
        }
        cleaned.push(char::from(byte));
    }
    cleaned.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_replaced() {
        assert_eq!(RULES.len(), 8);
        for (title, wanted) in [
            ("KCSAN: data-race in foo+0x12/0x34", "KCSAN: data-race in foo"),
            ("kernel BUG mm/slub.c:4000!", "kernel BUG mm/slub.c:LINE!"),
            ("stuck at 0xffff88801234 for 22s on CPU#3", "stuck at ADDR for 22s on CPU"),
            ("a 0,1,2 b", "a NUM,NUM,NUM b"),
            ("from 10.0.0.1  twice", "from IP twice"),
            ("syz-executor.3/1234 did", "syz-executor did"),
        ] {
            assert_eq!(normalise(title), wanted, "{title}");
        }
        assert_eq!(normalise(&"x".repeat(500)).len(), MAX_BYTES);
    }
}
