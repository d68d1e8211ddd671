//! Titles of `WARNING:`, which a place in the kernel prints if something is wrong.

use super::stack::{self, Body, Choice, Plan};
use super::{Titled, lockdep};
use crate::kind::Kind;
use crate::parse::frame::{self, Frame};

/// Places that warn on behalf of others: the file, the function, the words of the title, and further functions to
/// pass over.
struct Place {
    file: &'static str,
    functions: &'static [&'static str],
    kind: Kind,
    before: &'static str,
    skipped: &'static [&'static str],
}

const PLACES: &[Place] = &[
    Place {
        file: "lib/debugobjects.c",
        functions: &["debug_print", "debug_check"],
        kind: Kind::ObjectLife,
        before: "WARNING: ODEBUG bug in",
        skipped: &[
            "debug_",
            "rcu",
            "hrtimer_",
            "timer_",
            "work_",
            "percpu_",
            "vunmap",
            "vfree",
            "__free_",
            "debug_check",
            "kobject_",
        ],
    },
    Place {
        file: "mm/usercopy.c",
        functions: &["usercopy_warn"],
        kind: Kind::Warning,
        before: "WARNING: bad usercopy in",
        skipped: &["usercopy", "__check"],
    },
    Place {
        file: "lib/kobject.c",
        functions: &["kobject_"],
        kind: Kind::Warning,
        before: "WARNING: kobject bug in",
        skipped: &["kobject_"],
    },
    Place {
        file: "fs/proc/generic.c",
        functions: &["proc_register"],
        kind: Kind::Warning,
        before: "WARNING: proc registration bug in",
        skipped: &["proc_"],
    },
    Place {
        file: "lib/refcount.c",
        functions: &["refcount_"],
        kind: Kind::Refcount,
        before: "WARNING: refcount bug in",
        skipped: &["refcount", "kobject_"],
    },
    Place {
        file: "kernel/locking/lockdep.c",
        functions: &["lock_"],
        kind: Kind::Lockdep,
        before: "WARNING: locking bug in",
        skipped: &["lock_sock", "release_sock"],
    },
];

/// Titles a report whose header is `WARNING:`.
pub(super) fn title<'a>(body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    let words = text.strip_prefix("WARNING:").unwrap_or(text).trim_start();
    if let Some(found) = lockdep::warning(body, words) {
        return found;
    }
    if let Some((file, function)) = place(words) {
        return at_place(body, file, function);
    }
    if words.starts_with("kernel stack regs ") || words.starts_with("kernel stack frame pointer ") {
        return bad_stack(words);
    }
    Titled::unknown(Kind::Warning, text)
}

/// Titles `kernel stack regs at ffffc90 in comm:1 has bad 'bp' value ffff888`.
fn bad_stack<'a>(words: &str) -> Titled<'a> {
    let address = words.split_once(" at ").and_then(|(_, rest)| rest.split_once(" in "));
    let hexadecimal =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Kernels that hide addresses print `(____ptrval____)`: these titles have neither register nor structure.
    let hidden = address.is_none_or(|(address, _)| !hexadecimal(address));
    let value = words.split_once("has bad '").and_then(|(_, rest)| rest.split('\'').next());
    let title = match value {
        _ if hidden => "WARNING: kernel stack regs has bad value".to_owned(),
        Some(value) => format!("WARNING: kernel stack regs has bad '{value}' value"),
        None if words.starts_with("kernel stack regs ") => {
            "WARNING: kernel stack regs has bad value".to_owned()
        }
        None => "WARNING: kernel stack frame pointer has bad value".to_owned(),
    };
    Titled::plain(Kind::Warning, title)
}

/// Reads the place that warns: `CPU: 0 PID: 1 at file.c:1 f+0x1/0x2`, or, since Linux 6.19,
/// `file.c:1 at f+0x1/0x2, CPU#0: comm/1`.
fn place(words: &str) -> Option<(&str, Option<Frame<'_>>)> {
    let words = match words.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.1.trim_start(),
        None => words,
    };
    if let Some((before, rest)) = words.split_once(" at ") {
        if is_source(before) {
            let function = rest.split(',').next().unwrap_or(rest);
            return Some((before, frame::parse(function)));
        }
        let (source, function) = rest.split_once(' ').unwrap_or((rest, ""));
        if is_source(source) {
            return Some((source, frame::parse(function)));
        }
        // A kernel without line numbers prints `at f+0x1/0x2`.
        return frame::parse(rest).map(|frame| ("", Some(frame)));
    }
    None
}

fn is_source(text: &str) -> bool {
    let Some((file, line)) = text.rsplit_once(':') else { return false };
    file.contains('.') && !file.contains(' ') && line.parse::<u32>().is_ok()
}

fn at_place<'a>(body: Body<'_, 'a>, source: &str, at: Option<Frame<'a>>) -> Titled<'a> {
    let file = source.split(':').next().unwrap_or_default();
    let name = at.map_or("", |frame| frame.symbol);
    let titled = |kind: Kind, before: &str, skipped: &[&str]| {
        let function = stack::choose(body, None, Plan::Pointer, Choice::First, skipped);
        let function = function.or_else(|| at.map(|frame| frame.function()));
        Titled::of(kind, before, function)
    };
    for place in PLACES {
        let named =
            name.is_empty() || place.functions.iter().any(|function| name.contains(function));
        if file.ends_with(place.file) && named {
            return titled(place.kind, place.before, place.skipped);
        }
    }
    if file.contains("irqflag-debug.c") || name.starts_with("warn_bogus_irq_restore") {
        return titled(Kind::IrqState, "WARNING in", &[]);
    }
    if file.contains("mm/") && ["malloc", "calloc", "zalloc"].iter().any(|word| name.contains(word))
    {
        if file.ends_with("mm/vmalloc.c") && name.contains("__vmalloc_node") {
            return titled(Kind::Warning, "WARNING: zero-size vmalloc in", &[]);
        }
        return titled(
            Kind::Warning,
            "WARNING: kmalloc bug in",
            &["kmalloc", "krealloc", "slab", "kmem"],
        );
    }
    if name.contains("usb_submit_urb") {
        let skipped = &[
            "usb_submit_urb",
            "usb_start_wait_urb",
            "usb_bulk_msg",
            "usb_interrupt_msg",
            "usb_control_msg",
        ];
        let mut found = titled(Kind::Warning, "WARNING in", skipped);
        found.title += "/usb_submit_urb";
        return found;
    }
    titled(Kind::Warning, "WARNING in", &[])
}
