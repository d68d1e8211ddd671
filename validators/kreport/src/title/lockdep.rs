//! Titles of findings about locks, under `WARNING:`, `BUG:` and, in older kernels, `INFO:`.

use super::stack::{self, Body, Choice, Plan};
use super::{Titled, trace};
use crate::kind::Kind;
use crate::parse::frame::{self, Frame};
use crate::parse::line::LineClass;

/// Returns the name of the function that a program must not call here, which the validators for programs print in
/// their last line: `lockdep: malloc() of 8 bytes may wait ...`.
pub(crate) fn call_of_program<'a>(body: Body<'_, 'a>) -> Option<&'a str> {
    let last = body.iter().rev().find_map(|line| line.text.strip_prefix("lockdep: "))?;
    last.split(' ').next()?.strip_suffix("()")
}

/// Returns the function of a program that called another one which may sleep: the first of its stack that belongs neither to
/// the C library nor to the language. Of a program, inlined functions count too: a callback is often inlined into
/// its thread's function.
pub(crate) fn caller_of_program<'a>(body: Body<'_, 'a>) -> Option<Frame<'a>> {
    let start = body.iter().position(|line| line.text.trim() == "Call Trace:")?;
    let frames = body[start..].iter().filter_map(|line| match line.class {
        LineClass::Frame(frame) if !frame.unreliable => Some(frame),
        _ => None,
    });
    let all: Vec<Frame<'a>> = frames.collect();
    all.iter().find(|frame| !super::is_runtime(frame)).or_else(|| all.first()).copied()
}

/// Titles a report about a call of a program. The title names the call, so that two calls of one function are two
/// findings.
pub(crate) fn sleep_of_program<'a>(body: Body<'_, 'a>) -> Option<Titled<'a>> {
    let call = call_of_program(body)?;
    let function = caller_of_program(body).map(name);
    let before = format!("BUG: sleeping function {call} called from invalid context in");
    Some(Titled::of(Kind::MightSleep, &before, function))
}

/// Returns the functions `at: F` of the lines after one that contains `words`, without inlined functions.
fn places<'b, 'a: 'b>(body: Body<'b, 'a>, words: &'b str) -> impl Iterator<Item = Frame<'a>> + 'b {
    let start = body.iter().position(|line| line.text.contains(words)).unwrap_or(0);
    body[start..].iter().filter_map(|line| place(line.text)).filter(|frame| !frame.inline)
}

/// Returns the function of `..., at: F`.
pub(crate) fn place(text: &str) -> Option<Frame<'_>> {
    let (_, place) = text.rsplit_once("at: ")?;
    frame::parse(place)
}

fn name<'a>(frame: Frame<'a>) -> &'a str {
    frame.function()
}

/// Returns the first function after some words, whatever it is.
fn first_place<'a>(body: Body<'_, 'a>, words: &str) -> Option<&'a str> {
    places(body, words).next().map(name)
}

/// Titles a report that may begin with `WARNING:` or `INFO:`.
fn order<'a>(body: Body<'_, 'a>, words: &str) -> Option<Titled<'a>> {
    let deadlock = "possible deadlock in";
    if words.starts_with("possible circular locking dependency detected") {
        // The lock about to be taken names the function; else the held one; else the chain.
        const WORK: &[&str] =
            &["process_one_work", "flush_workqueue", "drain_workqueue", "destroy_workqueue"];
        let two = places(body, "trying to acquire").take(2);
        let skipped = |name: &&str| crate::skip::COMMON.has(name) || crate::skip::is_in(WORK, name);
        let function = two.map(name).find(|name| !skipped(name));
        let function = function
            .or_else(|| stack::choose(body, None, Plan::After("-> #"), Choice::First, WORK));
        return Some(Titled::of(Kind::Circular, deadlock, function));
    }
    if words.starts_with("possible irq lock inversion dependency detected") {
        let function = first_place(body, "just changed the state of lock");
        return Some(Titled::of(Kind::Inversion, deadlock, function));
    }
    if words.starts_with("possible recursive locking detected") {
        let function = first_place(body, "is trying to acquire lock");
        return Some(Titled::of(Kind::Recursive, deadlock, function));
    }
    if words.contains("-safe -> ") && words.contains("-unsafe lock order detected") {
        let plan = Plan::After("which became ");
        let function = stack::choose(body, None, plan, Choice::First, &[]);
        return Some(Titled::of(Kind::SafeUnsafe, deadlock, function));
    }
    if words.starts_with("inconsistent lock state") {
        let function = stack::choose(body, None, Plan::Trace, Choice::First, &[]);
        let function = function.or_else(|| first_place(body, "takes"));
        return Some(Titled::of(Kind::Inconsistent, "inconsistent lock state in", function));
    }
    None
}

/// Titles a report that may begin with `WARNING:` or `BUG:`, the word in `level`.
fn use_of_locks<'a>(body: Body<'_, 'a>, words: &str, level: &str) -> Option<Titled<'a>> {
    if words.starts_with("lock held when returning to user space") {
        let function = first_place(body, "leaving the kernel with locks still held");
        let before = format!("{level} lock held when returning to user space in");
        return Some(Titled::of(Kind::HeldLeaving, &before, function));
    }
    if words.contains("still has locks held!") {
        let function = first_place(body, "still has locks held!");
        return Some(Titled::of(
            Kind::HeldLeaving,
            &format!("{level} still has locks held in"),
            function,
        ));
    }
    if words.starts_with("bad unlock balance detected!") {
        // The function stands on a line of its own.
        let after = body.iter().position(|line| line.text.contains("is trying to release lock"));
        let mut next = after.and_then(|at| frame_line(&body[at + 1..]));
        next = next.filter(|frame| !frame.inline);
        let function = stack::choose(body, next, Plan::Trace, Choice::First, &[]);
        return Some(Titled::of(
            Kind::UnlockBalance,
            &format!("{level} bad unlock balance in"),
            function,
        ));
    }
    if words.starts_with("held lock freed!") {
        let function = first_place(body, "is freeing memory");
        return Some(Titled::of(Kind::HeldFreed, &format!("{level} held lock freed in"), function));
    }
    None
}

fn frame_line<'a>(body: Body<'_, 'a>) -> Option<Frame<'a>> {
    body.iter().take(3).find_map(|line| frame::parse(line.text))
}

/// Titles a report whose header has `WARNING:`.
pub(super) fn warning<'a>(body: Body<'_, 'a>, words: &str) -> Option<Titled<'a>> {
    if let Some(found) = order(body, words).or_else(|| use_of_locks(body, words, "WARNING:")) {
        return Some(found);
    }
    if words.starts_with("Nested lock was not taken") {
        let before = "WARNING: nested lock was not taken in";
        let function = first_place(body, "is trying to lock");
        return Some(match function {
            Some(_) => Titled::of(Kind::Lockdep, before, function),
            None => trace(body, Kind::Lockdep, before, &[]),
        });
    }
    if words.starts_with("suspicious RCU usage") {
        return Some(suspicious_rcu(body, "WARNING: suspicious RCU usage in"));
    }
    None
}

/// Titles a report whose header has `BUG:`.
pub(super) fn bug<'a>(body: Body<'_, 'a>, line: &str, words: &str) -> Option<Titled<'a>> {
    if let Some(found) = order(body, words).or_else(|| use_of_locks(body, words, "BUG:")) {
        return Some(found);
    }
    if words.starts_with("Invalid wait context") || line.contains("[ BUG: Invalid wait context") {
        let skipped = &["lock_sock", "release_sock"];
        return Some(trace(body, Kind::WaitContext, "WARNING: locking bug in", skipped));
    }
    if words.starts_with("workqueue leaked lock or atomic")
        || words.starts_with("workqueue leaked ")
    {
        let last = body.iter().find_map(|line| line.text.split_once("last function: "));
        let function = last.map(|(_, name)| name.trim()).filter(|name| !name.is_empty());
        let before = "BUG: workqueue leaked lock or atomic in";
        return Some(Titled::of(Kind::HeldLeaving, before, function));
    }
    for lock in ["spinlock", "rwlock"] {
        let Some(rest) = words.strip_prefix(lock) else { continue };
        let complaints = [
            "lockup suspected",
            "already unlocked",
            "recursion",
            "cpu recursion",
            "bad magic",
            "wrong owner",
            "wrong CPU",
            "trylock failure on UP",
        ];
        if let Some(what) = complaints.iter().find(|what| rest.trim_start().starts_with(**what)) {
            let before = format!("BUG: {lock} {what} in");
            return Some(trace(body, Kind::Spinlock, &before, &["spin_", "_lock", "_unlock"]));
        }
    }
    None
}

/// Titles a report whose header has `INFO:`.
pub(super) fn info<'a>(body: Body<'_, 'a>, words: &str) -> Option<Titled<'a>> {
    if let Some(found) = order(body, words) {
        return Some(found);
    }
    if words.starts_with("trying to register non-static key") {
        let before = "INFO: trying to register non-static key in";
        return Some(trace(body, Kind::Lockdep, before, &["stack", "lock", "IRQ"]));
    }
    words
        .starts_with("suspicious RCU usage")
        .then(|| suspicious_rcu(body, "INFO: suspicious RCU usage in"))
}

fn suspicious_rcu<'a>(body: Body<'_, 'a>, before: &str) -> Titled<'a> {
    trace(body, Kind::Rcu, before, &["rcu", "kmem", "slab"])
}
