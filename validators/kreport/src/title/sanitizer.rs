//! Titles of reports of KASAN, KMSAN, KCSAN, KFENCE and UBSAN.

use super::Titled;
use super::stack::{self, Body, Choice, Plan};
use crate::kind::Kind;
use crate::parse::frame;

/// Titles a report whose header names a sanitizer.
pub(super) fn title<'a>(body: Body<'_, 'a>, words: &'a str) -> Option<Titled<'a>> {
    if let Some(words) = words.strip_prefix("KASAN: ") {
        return Some(kasan(body, words));
    }
    if let Some(words) = words.strip_prefix("KMSAN: ") {
        return Some(kmsan(body, words));
    }
    if let Some(words) = words.strip_prefix("KFENCE: ") {
        return Some(kfence(body, words));
    }
    let words = words.strip_prefix("KCSAN: ")?;
    let kind = if words.starts_with("assert") { Kind::RaceAssert } else { Kind::DataRace };
    let found = Titled::plain(kind, format!("KCSAN: {words}"));
    let names = words.rsplit_once(" in ").map_or("", |(_, names)| names);
    let first = names.split(" / ").next().unwrap_or_default().split('+').next();
    Some(Titled { function: first.filter(|name| !name.is_empty()), ..found })
}

/// Returns what the header says, and the function in it.
fn what_in(words: &str) -> (&str, Option<frame::Frame<'_>>) {
    match words.split_once(" in ") {
        Some((what, place)) => (what, frame::symbol(place.trim())),
        None => (words, None),
    }
}

fn kasan<'a>(body: Body<'_, 'a>, words: &'a str) -> Titled<'a> {
    let (what, first) = what_in(words);
    if matches!(what, "double-free or invalid-free" | "double-free" | "invalid-free") {
        let skipped = &["slab_", "kfree", "vunmap", "vfree"];
        let function = stack::choose(body, first, Plan::Trace, Choice::First, skipped);
        return Titled::of(Kind::Kasan, "KASAN: invalid-free in", function).or("invalid-free in");
    }
    let access = body.iter().skip(1).find_map(|line| {
        let text = line.text.trim_start();
        ["Read", "Write"].into_iter().find(|access| {
            text.strip_prefix(access)
                .is_some_and(|rest| rest.starts_with(" of size ") || rest.starts_with(" at addr"))
        })
    });
    if let Some((what, _)) = words.split_once(" on address") {
        return Titled::plain(Kind::Kasan, format!("KASAN: {what} {}", access.unwrap_or_default()));
    }
    let named = what.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let (Some(access), true) = (access, named) else {
        let found = Titled::plain(Kind::Kasan, format!("KASAN: {words}"));
        let function = first.map(|frame| frame.function());
        return Titled { function, corrupted: true, ..found };
    };
    // This is how a finding of the hardware's tags gets to the report.
    let skipped = &["kernel_fault", "tag_check", "mem_abort", "^el1_", "^el1h_"];
    let function = stack::choose(body, first, Plan::Trace, Choice::First, skipped);
    Titled::of(Kind::Kasan, &format!("KASAN: {what} {access} in"), function).or("bad-access in")
}

fn kmsan<'a>(body: Body<'_, 'a>, words: &'a str) -> Titled<'a> {
    let (what, first) = what_in(words);
    let skipped: &[&str] = if what == "kernel-usb-infoleak" {
        &["alloc_skb", "usb_start_wait_urb", "usb_bulk_msg", "usb_interrupt_msg"]
    } else {
        &[
            "alloc_skb",
            "netlink_ack",
            "netlink_rcv_skb",
            "_encrypt$",
            "^crypto_",
            "^cipher_",
            "^drbg_",
            "^rng_",
        ]
    };
    let function = stack::choose(body, None, Plan::Bare, Choice::First, skipped);
    let function = function.or_else(|| first.map(|frame| frame.function()));
    let mut found =
        Titled::of(Kind::Kmsan, &format!("KMSAN: {what} in"), function).or("bad-access in");
    let origin = stack::choose(body, None, Plan::After("created at:"), Choice::First, skipped);
    found
        .alternatives
        .extend(origin.map(|origin| super::normalise(&format!("KMSAN origin in {origin}"))));
    found
}

fn kfence<'a>(body: Body<'_, 'a>, words: &'a str) -> Titled<'a> {
    let (what, first) = what_in(words);
    let function = stack::choose(body, first, Plan::Bare, Choice::First, &[]);
    let found = Titled::of(Kind::Kfence, &format!("KFENCE: {what} in"), function);
    match what {
        "memory corruption" => found,
        "invalid free" => found.or("invalid-free in"),
        _ => found.or("bad-access in"),
    }
}

/// Titles a report of UBSAN, which has a header of its own.
pub(super) fn ubsan<'a>(body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    let words = text.strip_prefix("UBSAN: ").unwrap_or(text);
    // A kernel that traps prints `UBSAN: shift out of bounds at f+0x1/0x2`, or `: ` and a number on arm64.
    let traps = |at: &str| words.find(at).map(|end| &words[..end]);
    if let Some(what) = traps(" at ").or_else(|| traps(": ")).filter(|what| !what.contains(" in "))
    {
        let what = what
            .replacen("array index", "array-index", 1)
            .replace(" out of bounds", "-out-of-bounds");
        let function = stack::choose(body, None, Plan::Pointer, Choice::First, &["ubsan"]);
        return Titled::of(Kind::Ubsan, &format!("UBSAN: {what} in"), function);
    }
    let (what, _) = words.split_once(" in").unwrap_or((words, ""));
    let what = if what == "Undefined behaviour" { "undefined-behaviour" } else { what };
    let function = stack::choose(body, None, Plan::Trace, Choice::First, &["ubsan", "overflow"]);
    let found = Titled::of(Kind::Ubsan, &format!("UBSAN: {what} in"), function);
    if what == "array-index-out-of-bounds" { found.or("bad-access in") } else { found }
}
