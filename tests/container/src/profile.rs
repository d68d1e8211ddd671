//! The profile as text, and which of its rules hold for a container.

use crate::caps::Caps;
use std::collections::{BTreeMap, BTreeSet};

/// Names and conditions: see the head of the file.
const TEXT: &str = include_str!("../profile.txt");

/// A condition on one argument, under which a call is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Less than this.
    Below(u8, u32),
    /// This.
    Is(u8, u32),
    /// None of these bits.
    Lacks(u8, u32),
}

/// What becomes of a system call that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It is made.
    Allow,
    /// It is made if one of these holds, else refused as what is not named.
    If(Vec<Condition>),
    /// It is refused with this errno.
    Errno(u16),
}

/// The rules by name. What has none is refused with `EPERM`.
pub type Rules = BTreeMap<String, Rule>;

/// Docker's rules, for a container with these capabilities, on this version of Linux.
///
/// # Errors
/// The line that makes no sense.
pub fn docker(caps: Caps, kernel: (u32, u32)) -> Result<Rules, String> {
    parse(TEXT, caps, kernel)
}

/// Takes calls out of the rules: they become `EPERM`.
pub fn deny(rules: &mut Rules, names: &[String]) {
    let names: BTreeSet<&String> = names.iter().collect();
    rules.retain(|name, _| !names.contains(name));
}

fn parse(text: &str, caps: Caps, kernel: (u32, u32)) -> Result<Rules, String> {
    let mut rules = Rules::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let bad = || format!("the profile has a line without meaning: {line}");
        let mut rest = line;
        if let Some((condition, names)) = line.split_once(": ") {
            let words: Vec<&str> = condition.split(' ').collect();
            let (holds, list) = match words[..] {
                ["always"] => (true, true),
                ["kernel", version] => (kernel >= numbers(version).ok_or_else(bad)?, true),
                ["cap", name] => (caps.has(name), true),
                ["without", name] => (!caps.has(name), false),
                _ => return Err(bad()),
            };
            if !holds {
                continue;
            }
            if list {
                // An allowed call is so whatever else is said of it.
                let allowed = names.split_whitespace().map(|name| (name.to_owned(), Rule::Allow));
                rules.extend(allowed);
                continue;
            }
            rest = names;
        }
        let words: Vec<&str> = rest.split_whitespace().collect();
        let (name, rule) = match words[..] {
            [name, "is", "errno", number] => {
                (name, Rule::Errno(number.parse().map_err(|_| bad())?))
            }
            [name, "argument", index, how, ref values @ ..] if !values.is_empty() => {
                let index: u8 = index.parse().map_err(|_| bad())?;
                let condition = |text: &&str| {
                    let value = number(text)?;
                    match how {
                        "below" => Some(Condition::Below(index, value)),
                        "is" => Some(Condition::Is(index, value)),
                        "lacks" => Some(Condition::Lacks(index, value)),
                        _ => None,
                    }
                };
                let conditions: Option<Vec<_>> = values.iter().map(condition).collect();
                (name, Rule::If(conditions.ok_or_else(bad)?))
            }
            _ => return Err(bad()),
        };
        match (rules.get_mut(name), rule) {
            (Some(Rule::If(have)), Rule::If(more)) => have.extend(more),
            (Some(_), _) => {}
            (None, rule) => drop(rules.insert(name.to_owned(), rule)),
        }
    }
    Ok(rules)
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Returns the first two numbers of a version.
#[must_use]
pub fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(caps: Caps, kernel: (u32, u32), name: &str) -> Option<Rule> {
        docker(caps, kernel).expect("the profile").get(name).cloned()
    }

    #[test]
    fn capabilities_and_versions_decide() {
        let plain = Caps::docker();
        let mut admin = plain;
        assert!(admin.add("SYS_ADMIN"));
        for name in ["mount", "unshare", "setns", "bpf", "open_tree"] {
            assert_eq!(rule(plain, (6, 1), name), None, "{name}");
            assert_eq!(rule(admin, (6, 1), name), Some(Rule::Allow), "{name}");
        }
        assert_eq!(rule(plain, (6, 1), "clone3"), Some(Rule::Errno(38)));
        assert_eq!(rule(admin, (6, 1), "clone3"), Some(Rule::Allow));
        assert_eq!(rule(plain, (6, 1), "ptrace"), Some(Rule::Allow));
        assert_eq!(rule(plain, (4, 4), "ptrace"), None);
        for name in ["pidfd_getfd", "keyctl", "io_uring_setup", "userfaultfd", "nonsense"] {
            assert_eq!(rule(plain, (6, 1), name), None, "{name}");
        }
        assert_eq!(rule(plain, (6, 1), "chroot"), Some(Rule::Allow));
    }

    #[test]
    fn arguments_decide() {
        let lacks = Rule::If(vec![Condition::Lacks(0, 0x7e02_0000)]);
        assert_eq!(rule(Caps::docker(), (6, 1), "clone"), Some(lacks));
        let Some(Rule::If(families)) = rule(Caps::docker(), (6, 1), "socket") else { panic!("if") };
        assert!(families.contains(&Condition::Below(0, 12)));
        assert!(families.contains(&Condition::Is(0, 16)));
        assert!(!families.contains(&Condition::Is(0, 40)));
    }

    #[test]
    fn nonsense_is_told() {
        for line in ["sometimes: read", "kernel x: read", "read", "read argument 0 over 1"] {
            assert!(parse(line, Caps::docker(), (6, 1)).is_err(), "{line}");
        }
    }
}
