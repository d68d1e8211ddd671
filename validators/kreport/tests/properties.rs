//! Properties that hold for any input, and printed reports that are read back.

use kreport::print::{
    self, Access, AccessKind, Actor, Class, Contexts, Frame, Held, Lock, Origin, Trace,
};
use kreport::{Kind, decode, output, read};
use proptest::prelude::*;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Words that reports are made of, in any order, with anything between.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "BUG: ",
        "WARNING: ",
        "INFO: ",
        "KASAN: ",
        "KCSAN: data-race in ",
        "Call Trace:\n",
        " <TASK>\n",
        " f+0x1/0x2\n",
        " g a.c:1 [inline]\n",
        "\n",
        "[    1.000000] ",
        "[    1.000000][    C1] ",
        "RIP: 0010:",
        "------------[ cut here ]------------\n",
        "==================================================================\n",
        "---[ end trace 0 ]---\n",
        "Kernel panic - not syncing: x\n",
        ", at: ",
        "#0: ffff (a){....}-{0:0}",
        "CPU: 1 PID: 2 Comm: c Not tainted\n",
        " to 0xff of 1 bytes by task 1 on cpu 0:\n",
        "\r\n",
        "<4>",
        "unreferenced object 0x1",
        "backtrace:\n",
        "is trying to acquire lock:\n",
        "-> #0 (x){....}-{0:0}:\n",
        "general protection fault: ",
        "Unable to handle kernel ",
        "UBSAN: a in b",
        "[<ffff>] ",
        "? ",
        "é",
        "\u{0}",
    ]);
    let any = prop::collection::vec(any::<u8>(), 0..6);
    let piece = prop_oneof![9 => words.prop_map(|word| word.as_bytes().to_vec()), 1 => any];
    prop::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat())
}

fn check_nothing_is_dropped(bytes: &[u8]) {
    let text = decode(bytes);
    let log = read(&text);
    let lines = text.split_inclusive('\n').count();
    assert_eq!(log.lines, lines);
    assert_eq!(log.lines_in_reports() + log.lines_outside(), lines, "each line has one place");
    let mut numbers: Vec<usize> =
        log.reports.iter().flat_map(|report| report.lines.iter().map(|line| line.number)).collect();
    numbers.sort_unstable();
    let before = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), before, "no line belongs to two reports");
    let grouped: usize = log.groups.iter().map(|group| group.members().count()).sum();
    assert!(grouped <= log.reports.len());
    for report in &log.reports {
        assert!(!report.title.is_empty() || report.corrupted, "{}", report.text());
        for line in &report.lines {
            assert!(text[line.start..].lines().next().unwrap_or_default().contains(line.text));
        }
    }
    // Printing does not fail either.
    let known = kreport::Known::default();
    let mut options = output::Text::default();
    options.full = true;
    let _ = output::text(&log, &output::AsPrinted, options);
    let _ = output::timeline(&log, &known);
    let _ = output::junit(&log, &output::AsPrinted, &known);
    let _ = output::sarif(&log, &output::AsPrinted, &known);
    output::json::json(&log, &output::AsPrinted, &known).expect("JSON");
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn no_bytes_make_it_panic_or_drop_a_line(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        check_nothing_is_dropped(&bytes);
    }

    #[test]
    fn no_mixture_of_reports_makes_it_panic_or_drop_a_line(bytes in fragments()) {
        check_nothing_is_dropped(&bytes);
    }
}

fn name() -> impl Strategy<Value = String> {
    // Titles pass over some names, and treat a run of hexadecimal digits as an address.
    "fn_[g-z]{1,6}_x[0-9]".prop_filter("a plain name", |name| !name.contains("string"))
}

fn frame() -> impl Strategy<Value = Frame> {
    let place = prop::option::of(("src/[a-z]{1,8}\\.(rs|c)", 1_u32..9999));
    (name(), 1_u64..0x500, place, prop::option::of("mod_[a-z]{1,5}")).prop_map(
        |(name, offset, place, module)| Frame {
            function: name,
            offset: Some((offset, offset + 0x10)),
            location: place,
            module,
        },
    )
}

fn trace() -> impl Strategy<Value = Trace> {
    let inlined =
        (name(), 1_u32..999).prop_map(|(name, line)| Frame::inline(name, "src/inline.rs", line));
    let frames = prop::collection::vec(prop_oneof![4 => frame(), 1 => inlined], 0..8);
    (frames, frame()).prop_map(|(mut frames, last)| {
        frames.push(last);
        Trace(frames)
    })
}

fn origin() -> impl Strategy<Value = Origin> {
    let comm = "[a-z][a-z0-9/:._-]{0,12}[a-z]";
    let work = prop::option::of(("[a-z_]{1,10}", "[a-z_]{1,10}"));
    (0_u32..64, prop::option::of(0_u32..2000), 1_u32..99999, comm, any::<bool>(), work).prop_map(
        |(cpu, uid, pid, comm, tainted, work)| Origin {
            cpu,
            uid,
            pid,
            comm,
            tainted,
            work,
            ..Origin::default()
        },
    )
}

fn lock() -> impl Strategy<Value = Lock> {
    let class =
        ("&?[a-z]{1,6}(->[a-z]{1,6})?", 1_u32..4, 0_u32..3, "[.+?-]{4}", (0_u8..5, 0_u8..5));
    let class = class.prop_map(|(name, version, subclass, usage, wait)| Class {
        name,
        version,
        subclass,
        usage,
        wait,
    });
    (any::<u64>(), class, frame()).prop_map(|(address, class, at)| Lock {
        address,
        class,
        at: vec![at],
    })
}

fn held() -> impl Strategy<Value = Held> {
    prop::collection::vec(lock(), 0..4).prop_map(Held)
}

/// Returns frames that were read as frames of the printer.
fn back(frames: &[kreport::parse::frame::Frame<'_>]) -> Vec<Frame> {
    let one = |frame: &kreport::parse::frame::Frame<'_>| Frame {
        function: frame.symbol.to_owned(),
        offset: frame.offset.zip(frame.size),
        location: frame.file.map(str::to_owned).zip(frame.line),
        module: frame.module.map(str::to_owned),
    };
    frames.iter().map(one).collect()
}

fn has_trace(report: &kreport::Report<'_>, wanted: &Trace) {
    let found: Vec<_> = report.traces.iter().map(|trace| back(&trace.frames)).collect();
    assert!(found.contains(&wanted.0), "{wanted:?}\nnot in {found:?}\nof\n{}", report.text());
}

fn has_lock(report: &kreport::Report<'_>, index: Option<u32>, wanted: &Lock) {
    let found = report.locks.iter().any(|lock| {
        lock.index == index
            && lock.address == format!("{:016x}", wanted.address)
            && lock.class == wanted.class.full_name()
            && lock.usage == wanted.class.usage
            && back(&lock.at) == wanted.at
    });
    assert!(found, "{wanted:?}\nnot in {:?}\nof\n{}", report.locks, report.text());
}

fn has_held(report: &kreport::Report<'_>, held: &Held) {
    for (index, lock) in held.0.iter().enumerate() {
        has_lock(report, u32::try_from(index).ok(), lock);
    }
}

/// Checks that a printed report is read back: one report, complete, of its kind, of its task.
fn read_back(
    printed: &print::Report,
    kind: Kind,
    origin: &Origin,
    check: impl Fn(&kreport::Report<'_>),
) {
    let text = printed.to_string();
    // It is read in the middle of a log, without and with prefixes.
    let prefixed: String =
        text.lines().map(|line| format!("[    1.000000][   T12] {line}\n")).collect();
    for text in [format!("before\n{text}after\n"), prefixed] {
        let log = read(&text);
        assert_eq!(log.reports.len(), 1, "{text}");
        let report = &log.reports[0];
        assert_eq!(report.kind, kind, "{text}");
        let task = report.task.as_ref().expect("a task");
        assert_eq!((task.comm, task.pid), (origin.comm.as_str(), origin.pid), "{text}");
        let work = origin.work.as_ref().map(|(queue, work)| format!("{queue} {work}"));
        if report.cpu.is_some() {
            assert_eq!(report.work, work.as_deref());
        }
        let prefixed = text.starts_with('[');
        assert_eq!(log.lines_outside(), if prefixed { 0 } else { 2 }, "{text}");
        check(report);
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn sleeps_and_warnings_come_back(
        origin in origin(), trace in trace(), held in held(), at in frame(), message in prop::option::of("[a-z ]{1,20}x"),
    ) {
        let sleep = print::MightSleep {
            at: ("src/a.rs".into(), 7),
            origin: origin.clone(),
            irqs_disabled: true,
            held: held.clone(),
            irqs: Some(print::IrqTrace::default()),
            trace: trace.clone(),
            ..print::MightSleep::default()
        };
        let title = trace.0.iter().find(|frame| frame.offset.is_some()).expect("one").function.clone();
        read_back(&sleep.into(), Kind::MightSleep, &origin, |report| {
            has_trace(report, &trace);
            has_held(report, &held);
            let title = format!("BUG: sleeping function called from invalid context in {title}");
            assert_eq!(report.title, title);
        });
        let warning = print::Warning { message: message.clone(), at: at.clone(), origin: origin.clone(), trace: trace.clone() };
        read_back(&warning.into(), Kind::Warning, &origin, |report| {
            has_trace(report, &trace);
            assert_eq!(report.message, message.as_deref().map(str::trim));
            assert_eq!(report.title, format!("WARNING in {}", at.function));
        });
        let at = Frame { function: "warn_bogus_irq_restore".into(), ..at };
        let restore = print::Warning::irq_restore(at, origin.clone(), trace.clone());
        read_back(&restore.into(), Kind::IrqState, &origin, |report| {
            assert_eq!(report.title, format!("WARNING in {title}"));
            assert_eq!(report.message, Some("raw_local_irq_restore() called with IRQs enabled"));
        });
    }

    #[test]
    fn findings_about_locks_come_back(
        origin in origin(), trace in trace(), other in trace(), held in held(), one in lock(), two in lock(),
    ) {
        let acquiring = one.clone();
        let holding = two.clone();
        let link = |lock: &Lock, trace: &Trace| print::Link { class: lock.class.clone(), trace: trace.clone() };
        let circular = print::Circular {
            origin: origin.clone(), acquiring: one.clone(), holding: two.clone(),
            chain: vec![link(&one, &trace), link(&two, &other)], held: held.clone(), trace: trace.clone(),
        };
        let deadlock = |name: &str| format!("possible deadlock in {name}");
        read_back(&circular.into(), Kind::Circular, &origin, |report| {
            has_trace(report, &trace);
            has_trace(report, &other);
            has_lock(report, None, &acquiring);
            has_lock(report, None, &holding);
            has_held(report, &held);
            assert_eq!(report.title, deadlock(&one.at[0].function));
        });
        let recursive = print::Recursive {
            origin: origin.clone(), acquiring: one.clone(), holding: two.clone(), held: held.clone(), trace: trace.clone(),
        };
        read_back(&recursive.into(), Kind::Recursive, &origin, |report| {
            has_trace(report, &trace);
            has_lock(report, None, &acquiring);
            has_held(report, &held);
            assert_eq!(report.title, deadlock(&one.at[0].function));
        });
        let inconsistent = print::Inconsistent {
            origin: origin.clone(), direction: print::Direction::Hardirq,
            states: ("IN-HARDIRQ-W".into(), "HARDIRQ-ON-W".into()), contexts: Contexts::default(),
            lock: one.clone(), registered: other.clone(), irqs: Some(print::IrqTrace::default()),
            held: held.clone(), trace: trace.clone(),
        };
        read_back(&inconsistent.into(), Kind::Inconsistent, &origin, |report| {
            has_trace(report, &trace);
            has_trace(report, &other);
            has_lock(report, None, &acquiring);
            has_held(report, &held);
        });
        let dependency = print::Dependency {
            class: one.class.clone(), ops: 3, usages: vec![("INITIAL USE".into(), trace.clone())],
            key: Some((0x1234, other.0[other.0.len() - 1].clone())), acquired: other.clone(),
        };
        let order = print::SafeUnsafe {
            origin: origin.clone(), direction: print::Direction::Softirq, contexts: Contexts::default(),
            acquiring: one.clone(), holding: two.clone(), safe: link(&two, &other), unsafe_: link(&one, &trace),
            held: held.clone(), to_holding: vec![dependency.clone()], to_unsafe: vec![dependency.clone()],
            trace: trace.clone(),
        };
        read_back(&order.into(), Kind::SafeUnsafe, &origin, |report| {
            has_trace(report, &trace);
            has_trace(report, &other);
            has_lock(report, None, &acquiring);
            has_held(report, &held);
        });
        for became_safe in [true, false] {
            let inversion = print::Inversion {
                origin: origin.clone(), direction: print::Direction::Hardirq, changed: one.clone(), became_safe,
                other: two.class.clone(), held: held.clone(), dependencies: vec![dependency.clone()], trace: trace.clone(),
            };
            read_back(&inversion.into(), Kind::Inversion, &origin, |report| {
                has_trace(report, &trace);
                has_lock(report, None, &acquiring);
                assert_eq!(report.title, deadlock(&one.at[0].function));
            });
        }
    }

    #[test]
    fn misuses_of_locks_come_back(origin in origin(), trace in trace(), held in held(), one in lock(), at in frame()) {
        let wait = print::WaitContext {
            origin: origin.clone(), acquiring: one.clone(), context: (2, 2), held: held.clone(), trace: trace.clone(),
        };
        read_back(&wait.into(), Kind::WaitContext, &origin, |report| {
            has_trace(report, &trace);
            has_lock(report, None, &one);
            has_held(report, &held);
        });
        let balance = print::Balance {
            origin: origin.clone(), lock: "&x->m".into(), at: (0x1234, at.clone()), held: held.clone(), trace: trace.clone(),
        };
        read_back(&balance.into(), Kind::UnlockBalance, &origin, |report| {
            has_trace(report, &trace);
            has_held(report, &held);
            assert_eq!(report.title, format!("WARNING: bad unlock balance in {}", at.function));
        });
        let freed = print::Freed {
            origin: origin.clone(), memory: (0x1000, 0x1fff), lock: one.clone(), held: held.clone(), trace: trace.clone(),
        };
        read_back(&freed.into(), Kind::HeldFreed, &origin, |report| {
            has_trace(report, &trace);
            has_lock(report, None, &one);
            assert_eq!(report.title, format!("WARNING: held lock freed in {}", one.at[0].function));
        });
        let mut locks = held.clone();
        locks.0.push(one.clone());
        let leaving = print::Leaving { origin: origin.clone(), held: locks.clone() };
        read_back(&leaving.into(), Kind::HeldLeaving, &origin, |report| {
            has_held(report, &locks);
            let function = &locks.0[0].at[0].function;
            assert_eq!(report.title, format!("WARNING: lock held when returning to user space in {function}"));
        });
    }

    #[test]
    fn races_come_back(
        origin in origin(), one in trace(), two in trace(), known in any::<bool>(), assert in any::<bool>(),
        marked in any::<bool>(), reordered in any::<bool>(), address in 0x1000_u64.., size in 1_u64..9,
    ) {
        let kind = AccessKind { marked, reordered, ..AccessKind::READ };
        let first = Access { kind, address, size, actor: Actor::Task(12), cpu: 3, trace: one.clone() };
        let write = AccessKind { assert, ..AccessKind::READ_WRITE };
        let second = Access { kind: write, actor: Actor::Interrupt, trace: two.clone(), ..first.clone() };
        let race_kind = if assert { print::RaceKind::Assert } else { print::RaceKind::DataRace };
        let change = print::Change { old: 1, new: 0xff, size: 4, mask: Some(0xf) };
        let race = print::Race {
            kind: race_kind, first: first.clone(), second: known.then_some(second.clone()), change: Some(change), origin: origin.clone(),
        };
        let kind = if assert { Kind::RaceAssert } else { Kind::DataRace };
        read_back(&race.into(), kind, &origin, |report| {
            has_trace(report, &one);
            let accesses: Vec<_> = report.accesses.iter().map(|access| (access.what.to_owned(), access.by, access.size)).collect();
            let mut wanted = vec![(first.kind.to_string(), "task 12", size)];
            if known {
                has_trace(report, &two);
                wanted.push((second.kind.to_string(), "interrupt", size));
            }
            assert_eq!(accesses, wanted);
            assert_eq!(report.change, Some("0x00000001 -> 0x000000ff"));
            assert_eq!(report.accesses[0].address, format!("{address:#018x}"));
        });
    }
}
