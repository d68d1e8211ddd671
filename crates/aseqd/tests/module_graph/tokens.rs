//! The tokens of Rust source that matter for paths.

/// Returns the words, `::` and other signs of a text, without comments, strings, characters and lifetimes.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let text: Vec<char> = text.chars().collect();
    let is = |at: usize, sign: char| text.get(at) == Some(&sign);
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let first = text[at];
        if first == '/' && is(at + 1, '/') {
            while at < text.len() && text[at] != '\n' {
                at += 1;
            }
        } else if first == '/' && is(at + 1, '*') {
            let mut depth = 1;
            at += 2;
            while at < text.len() && depth > 0 {
                let (open, close) =
                    (is(at, '/') && is(at + 1, '*'), is(at, '*') && is(at + 1, '/'));
                depth = if open {
                    depth + 1
                } else if close {
                    depth - 1
                } else {
                    depth
                };
                at += if open || close { 2 } else { 1 };
            }
        } else if first == '"' {
            at += 1;
            while at < text.len() && text[at] != '"' {
                at += if text[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if first == '\'' {
            // A character ends with its sign, a lifetime does not.
            if is(at + 1, '\\') {
                at += 3;
                while at < text.len() && text[at] != '\'' {
                    at += 1;
                }
                at += 1;
            } else {
                at += if is(at + 2, '\'') { 3 } else { 1 };
            }
        } else if first.is_alphanumeric() || first == '_' {
            let begin = at;
            while at < text.len() && (text[at].is_alphanumeric() || text[at] == '_') {
                at += 1;
            }
            let word: String = text[begin..at].iter().collect();
            let signs = text[at..].iter().take_while(|&&sign| sign == '#').count();
            if matches!(word.as_str(), "r" | "br" | "cr") && is(at + signs, '"') {
                at += signs + 1;
                while at < text.len()
                    && !(text[at] == '"' && (1..=signs).all(|next| is(at + next, '#')))
                {
                    at += 1;
                }
                at += signs + 1;
            } else {
                found.push(word);
            }
        } else if first == ':' && is(at + 1, ':') {
            found.push("::".to_owned());
            at += 2;
        } else {
            if !first.is_whitespace() {
                found.push(first.to_string());
            }
            at += 1;
        }
    }
    found
}
