//! Rules into a program for the kernel's filter of system calls (`Documentation/userspace-api/seccomp_filter.rst`).

use crate::profile::{Condition, Rule, Rules};
use libc::sock_filter;

// Of `linux/audit.h`: how the kernel names the tables of system calls.
const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;
const AARCH64: u32 = 0xc000_00b7;
const ARM: u32 = 0x4000_0028;

// Of `linux/seccomp.h`.
const KILL: u32 = 0x8000_0000;
const ERRNO: u32 = 0x0005_0000;
const ALLOW: u32 = 0x7fff_0000;

// Where the kernel has what is asked about: the number, the architecture, six arguments of 64 bits.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

// Of `linux/filter.h`.
const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const IF_EQUAL: u16 = 0x15;
const IF_ABOVE: u16 = 0x25;
const IF_AT_LEAST: u16 = 0x35;
const IF_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

/// The numbers of an architecture, by name.
type Table = fn(&str) -> Option<u32>;

/// Compiles rules for this machine's programs, of 64 and of 32 bits.
#[must_use]
pub fn compile(rules: &Rules) -> Vec<sock_filter> {
    let tables: [(u32, Table); 2] = if cfg!(target_arch = "aarch64") {
        [(AARCH64, aarch64), (ARM, arm)]
    } else {
        [(X86_64, x86_64), (I386, x86)]
    };
    let mut program = vec![plain(LOAD, ARCHITECTURE)];
    for (architecture, table) in tables {
        let block = block(rules, table);
        let length = u32::try_from(block.len()).expect("a filter is short");
        // Over the jump, or into it.
        program.push(branch(IF_EQUAL, architecture, 1, 0));
        program.push(plain(JUMP, length));
        program.extend(block);
    }
    program.push(plain(RETURN, KILL));
    program
}

/// Compiles the rules of one architecture. The code always ends in an answer.
fn block(rules: &Rules, table: Table) -> Vec<sock_filter> {
    let mut block = vec![plain(LOAD, NUMBER)];
    let mut allowed = Vec::new();
    for (name, rule) in rules {
        let Some(number) = table(name) else { continue };
        let answer = match rule {
            Rule::Allow => {
                allowed.push(number);
                continue;
            }
            Rule::Errno(errno) => vec![plain(RETURN, ERRNO | u32::from(*errno))],
            Rule::If(conditions) => {
                let mut checks: Vec<_> = conditions.iter().flat_map(|is| check(*is)).collect();
                checks.push(refuse());
                checks
            }
        };
        let length = u32::try_from(answer.len()).expect("a filter is short");
        block.push(branch(IF_EQUAL, number, 1, 0));
        block.push(plain(JUMP, length));
        block.extend(answer);
    }
    for (first, last) in ranges(allowed) {
        block.push(branch(IF_AT_LEAST, first, 0, 2));
        block.push(branch(IF_ABOVE, last, 1, 0));
        block.push(plain(RETURN, ALLOW));
    }
    block.push(refuse());
    block
}

/// Allows the call if the condition holds; else goes on behind.
fn check(condition: Condition) -> Vec<sock_filter> {
    let (index, last) = match condition {
        Condition::Below(index, value) => (index, branch(IF_AT_LEAST, value, 1, 0)),
        Condition::Is(index, value) => (index, branch(IF_EQUAL, value, 0, 1)),
        Condition::Lacks(index, mask) => (index, branch(IF_ANY_BIT, mask, 1, 0)),
    };
    let low = ARGUMENTS + 8 * u32::from(index);
    let upper = match condition {
        // Bits above the mask are not looked at.
        Condition::Lacks(..) => Vec::new(),
        _ => vec![plain(LOAD, low + 4), branch(IF_EQUAL, 0, 0, 3)],
    };
    [upper, vec![plain(LOAD, low), last, plain(RETURN, ALLOW)]].concat()
}

/// Returns ranges of consecutive numbers, as first and last.
fn ranges(mut numbers: Vec<u32>) -> Vec<(u32, u32)> {
    numbers.sort_unstable();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if number <= *last + 1 => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

fn refuse() -> sock_filter {
    plain(RETURN, ERRNO | libc::EPERM.cast_unsigned())
}

const fn plain(code: u16, k: u32) -> sock_filter {
    branch(code, k, 0, 0)
}

/// Returns a branch that skips `jt` instructions if the condition holds, and `jf` if not.
const fn branch(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// A table by name.
macro_rules! table {
    ($($name:ident)*) => {$(
        fn $name(name: &str) -> Option<u32> {
            let call: syscalls::$name::Sysno = name.parse().ok()?;
            u32::try_from(call.id()).ok()
        }
    )*};
}
table! { x86_64 x86 aarch64 arm }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caps::Caps;
    use crate::profile;

    /// Runs the filter like the kernel, and returns its answer.
    fn ask(program: &[sock_filter], architecture: u32, number: u32, first: u64) -> u32 {
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).expect("32 bits");
        let [low, high] = [half(first), half(first >> 32)];
        let (mut at, mut value) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            at += 1;
            let holds = match code {
                RETURN => return k,
                LOAD => {
                    value = match k {
                        NUMBER => number,
                        ARCHITECTURE => architecture,
                        16 => low,
                        20 => high,
                        _ => 0,
                    };
                    continue;
                }
                JUMP => {
                    at += k as usize;
                    continue;
                }
                IF_EQUAL => value == k,
                IF_ABOVE => value > k,
                IF_AT_LEAST => value >= k,
                IF_ANY_BIT => value & k != 0,
                _ => panic!("no such instruction: {code}"),
            };
            at += usize::from(if holds { jt } else { jf });
        }
    }

    fn program() -> Vec<sock_filter> {
        compile(&profile::docker(Caps::docker(), (6, 1)).expect("the profile"))
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn every_number_is_answered_as_its_rule_says() {
        let rules = profile::docker(Caps::docker(), (6, 1)).expect("the profile");
        let program = program();
        for (architecture, table) in [(X86_64, x86_64 as Table), (I386, x86)] {
            let mut wanted = vec![ERRNO | 1; 1000];
            for (name, rule) in &rules {
                let Some(number) = table(name) else { continue };
                wanted[number as usize] = match rule {
                    Rule::Allow => ALLOW,
                    Rule::Errno(errno) => ERRNO | u32::from(*errno),
                    // Argument 0 is 0: no flag, no family, no personality.
                    Rule::If(_) => ALLOW,
                };
            }
            for (number, wanted) in (0..).zip(&wanted) {
                let found = ask(&program, architecture, number, 0);
                assert_eq!(found, *wanted, "{architecture:x}: {number}");
            }
        }
        assert_eq!(ask(&program, AARCH64, 0, 0), KILL);
        assert!(program.len() < 4096, "the kernel takes no longer one: {}", program.len());
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn arguments_are_looked_at() {
        let program = program();
        let of = |name: &str, first| ask(&program, X86_64, x86_64(name).expect(name), first);
        assert_eq!(of("clone", 0x003d_0f00), ALLOW, "a thread");
        assert_eq!(of("clone", 0x1000_0000), ERRNO | 1, "a user namespace");
        for family in [0, 1, 2, 10, 16, 17, 45] {
            assert_eq!(of("socket", family), ALLOW, "family {family}");
        }
        for family in [12, 38, 40, 46, 1 << 32] {
            assert_eq!(of("socket", family), ERRNO | 1, "family {family}");
        }
        assert_eq!(of("personality", 0xffff_ffff), ALLOW);
        assert_eq!(of("personality", 0x4_0000), ERRNO | 1, "ADDR_NO_RANDOMIZE");
    }
}
