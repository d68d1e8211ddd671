//! Changes single rules and aliases in the text of a file of rules, and leaves the rest of it as people have written it.

use aseqd_rules::{Exact, Port, Rules, rule_of};
use std::fmt::Write as _;
use std::ops::Range;

/// The name of rules that this server has written.
pub(crate) const NAME: &str = "aseqd web";

/// The head of a rule in a file.
const RULE: &str = "[[rule]]";
/// The head of the names.
const ALIAS: &str = "[alias]";

/// What is said if a change by lines does not do what it should: a file may be written in ways that this does not know.
const BY_HAND: &str =
    "the file is written in a way that this cannot change: change it by hand, as text";

/// Returns the text with a rule of ours for two ports: one with these lines, or none.
///
/// # Errors
/// A sentence if the lines have a mistake, or if the file cannot be changed so.
pub(crate) fn with_rule(
    text: &str,
    (from, to): (&Port, &Port),
    ports: &[Port],
    lines: Option<&str>,
) -> Result<String, String> {
    let (before, problems) = Rules::read("rules", text);
    if let Some(problem) = problems.first() {
        return Err(format!("the file has a mistake, which must be mended first: {problem}"));
    }
    let ours = blocks(text).into_iter().filter(|block| is_ours(&text[block.clone()], from, to));
    let mut out = text.to_owned();
    let mut removed = 0;
    for block in ours.collect::<Vec<_>>().into_iter().rev() {
        out.replace_range(block, "");
        removed += 1;
    }
    let mut added = 0;
    if let Some(lines) = lines {
        let rule = rule_of(&Exact::of(from, ports), &Exact::of(to, ports), false, None);
        let rule = rule.replacen(RULE, &format!("{RULE}\nname = \"{NAME}\""), 1);
        let (_, problems) = Rules::read("filter", &format!("{rule}{lines}"));
        if let Some(problem) = problems.first() {
            return Err(problem.message.clone());
        }
        separate(&mut out);
        let _infallible = write!(out, "{rule}{lines}");
        added = 1;
    }
    let (after, problems) = Rules::read("rules", &out);
    let count = before.rules.len() + added - removed;
    let last = after.rules.last();
    let ends =
        lines.is_none() || last.is_some_and(|rule| rule.from.matches(from) && rule.to.matches(to));
    if !problems.is_empty() || after.rules.len() != count || !ends {
        return Err(BY_HAND.to_owned());
    }
    Ok(out)
}

/// Ends the text with an empty line, if there is one.
fn separate(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    if !text.is_empty() && !text.ends_with("\n\n") {
        text.push('\n');
    }
}

/// Returns where the rules stand: each from its head to the next one, or to the end.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        // Comments in front of a head belong to what follows.
        if trimmed.starts_with('[') || trimmed.starts_with('#') {
            open = trimmed == RULE;
            if open {
                all.push(at..at);
            }
        }
        at += line.len();
        if let (Some(last), true) = (all.last_mut(), open) {
            last.end = at;
        }
    }
    all
}

/// Returns whether a block is a rule of ours for two ports.
fn is_ours(block: &str, from: &Port, to: &Port) -> bool {
    let (rules, problems) = Rules::read("rule", block);
    let [rule] = rules.rules.as_slice() else { return false };
    let ours = rule.name.as_deref() == Some(NAME) && problems.is_empty();
    ours && rule.from.matches(from) && rule.to.matches(to)
}

/// Returns the text with a name for a port.
///
/// # Errors
/// A sentence if there can be no such name, or if the file cannot be changed so.
pub(crate) fn with_alias(text: &str, name: &str, port: &Exact) -> Result<String, String> {
    let bare = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    // The keys of TOML without quotes: no name of an alias needs more.
    if name.is_empty() || !bare || name.len() > 63 {
        return Err(
            "a name is one word of at most 63 letters without accents, digits, - and _".to_owned()
        );
    }
    let line = format!("{name} = {}\n", port.toml());
    let mut out = if has_alias(text, name) { without_alias(text, name)? } else { text.to_owned() };
    match line_of(&out, |line| line == ALIAS) {
        Some(head) => {
            if !out[..head.end].ends_with('\n') {
                out.push('\n');
            }
            let at = out[head.start..].find('\n').map_or(out.len(), |end| head.start + end + 1);
            out.insert_str(at, &line);
        }
        None => {
            separate(&mut out);
            let _infallible = write!(out, "{ALIAS}\n{line}");
        }
    }
    check_alias(&out, name, true)
}

/// Returns the text without a name.
///
/// # Errors
/// A sentence if there is no such name, or if the file cannot be changed so.
pub(crate) fn without_alias(text: &str, name: &str) -> Result<String, String> {
    if !has_alias(text, name) {
        return Err(format!("there is no name {name} in the file"));
    }
    let mut out = String::new();
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            inside = trimmed == ALIAS;
        }
        let key = trimmed.split('=').next().unwrap_or_default().trim();
        let key = key.trim_matches(['"', '\'']);
        if !(inside && key == name) {
            out.push_str(line);
        }
    }
    check_alias(&out, name, false)
}

fn check_alias(text: &str, name: &str, there: bool) -> Result<String, String> {
    let (_, problems) = Rules::read("rules", text);
    if !problems.is_empty() || has_alias(text, name) != there {
        return Err(BY_HAND.to_owned());
    }
    Ok(text.to_owned())
}

/// Returns whether a file has a name.
fn has_alias(text: &str, name: &str) -> bool {
    Rules::read("rules", text).0.has_alias(name)
}

/// Returns where the first such line stands.
fn line_of(text: &str, is: impl Fn(&str) -> bool) -> Option<Range<usize>> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if is(line.trim()) {
            return Some(at..at + line.len());
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::Address;
    use aseqd_abi::seq::PortCaps;
    use proptest::prelude::*;

    fn port(client: u8, name: &str) -> Port {
        let mut port = Port::new(Address::new(client, 0), name, "p");
        port.caps = PortCaps::all() - PortCaps::NO_EXPORT;
        port
    }

    const FILE: &str = "# mine\nprofile = 'home'\n\n[[rule]]\nfrom = 'x'   # a comment\nto = 'y'\nprofile = 'home'\n\n\
                        # the second\n[[rule]]\nfrom = 'x'\nto = 'z'\n";

    #[test]
    fn rules_of_ours_come_and_go_and_the_rest_stays() {
        let ports = [port(20, "keys"), port(128, "synth"), port(129, "other")];
        let [keys, synth, other] = &ports;
        let one = with_rule(FILE, (keys, synth), &ports, Some("")).expect("added");
        assert!(one.starts_with(FILE) && one.contains("name = \"aseqd web\""), "{one}");
        let two = with_rule(&one, (keys, other), &ports, Some("mute = true\n")).expect("added");
        let changed =
            with_rule(&two, (keys, synth), &ports, Some("transpose = 12\n")).expect("changed");
        assert_eq!(changed.matches(NAME).count(), 2, "{changed}");
        assert!(changed.contains("transpose = 12") && changed.contains("mute = true"));
        let less = with_rule(&changed, (keys, synth), &ports, None).expect("removed");
        let none = with_rule(&less, (keys, other), &ports, None).expect("removed");
        assert_eq!(none.trim_end(), FILE.trim_end());
        assert_eq!(with_rule(&none, (keys, other), &ports, None).as_deref(), Ok(none.as_str()));
    }

    #[test]
    fn rules_of_people_are_left_alone() {
        let ports = [port(20, "x"), port(128, "y")];
        let [from, to] = &ports;
        let text = with_rule(FILE, (from, to), &ports, Some("")).expect("added");
        assert_eq!(
            with_rule(&text, (from, to), &ports, None).expect("removed").trim_end(),
            FILE.trim_end()
        );
    }

    #[test]
    fn mistakes_are_told() {
        let ports = [port(20, "x"), port(128, "y")];
        let [from, to] = &ports;
        let told =
            |text, lines| with_rule(text, (from, to), &ports, Some(lines)).expect_err("a mistake");
        assert!(told(FILE, "channels = 17\n").contains("16"), "{}", told(FILE, "channels = 17\n"));
        assert!(told("x = 1\n", "").contains("rules:1"), "{}", told("x = 1\n", ""));
        assert_eq!(told("rule = []\n", ""), BY_HAND);
    }

    #[test]
    fn names_come_and_go() {
        let exact = Exact::of(&port(20, "keys \"]\n[[rule]]"), &[]);
        let text = with_alias("", "left", &exact).expect("a name");
        assert!(text.starts_with("[alias]\nleft = { client = "), "{text}");
        let text = with_alias(&text, "right", &exact).expect("another");
        let text = with_alias(&text, "left", &exact).expect("anew");
        assert_eq!(text.matches("left").count(), 1, "{text}");
        let text = without_alias(&text, "left").expect("gone");
        assert!(without_alias(&text, "left").is_err());
        let with = with_alias(FILE, "left", &exact).expect("a name");
        assert!(with.starts_with(FILE), "{with}");
        for wrong in ["", "a b", "a:b", "@a", "'a'", "\u{e9}", &"x".repeat(64)] {
            assert!(with_alias(FILE, wrong, &exact).is_err(), "{wrong}");
        }
        assert_eq!(with_alias("alias = { a = 'x' }\n", "b", &exact), Err(BY_HAND.to_owned()));
        assert_eq!(without_alias("alias = { a = 'x' }\n", "a"), Err(BY_HAND.to_owned()));
        assert!(with_alias("[alias]", "b", &exact).is_ok(), "without a line's end");
    }

    proptest! {
        #[test]
        fn hostile_names_stay_inside_of_their_strings(client in "\\PC{0,20}|.{0,20}", name in "[\"'\\\\\\]\\[={}#\n]{0,10}") {
            let mut from = port(20, &client);
            from.name = name;
            let ports = [from, port(128, "synth")];
            let text = with_rule(FILE, (&ports[0], &ports[1]), &ports, Some("mute = true\n"));
            if let Ok(text) = text {
                prop_assert_eq!(Rules::read("r", &text).0.rules.len(), 3);
                let back = with_rule(&text, (&ports[0], &ports[1]), &ports, None);
                let back = back.expect("removed");
                prop_assert_eq!(back.trim_end(), FILE.trim_end());
            } else {
                prop_assert!(client.is_empty() || ports[0].name.is_empty() || client.contains('\0'), "{:?}", text);
            }
        }
    }
}
