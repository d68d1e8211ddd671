//! The order of locks: cycles, recursion, nesting, readers. Each case has a twin without the defect.

mod common;

use common::{kinds, reports};
use lockdep::{Mutex, ReportKind, RwLock, RwSpinLock, SpinLock};

#[test]
fn two_locks_in_both_orders() {
    let (a, b) = (Mutex::named("a", ()), Mutex::named("b", ()));
    let case = |inverted: bool| {
        {
            let _a = a.lock();
            let _b = b.lock();
        }
        let (first, second) = if inverted { (&b, &a) } else { (&a, &b) };
        let _first = first.lock();
        let _second = second.lock();
    };
    assert_eq!(kinds(|| case(true)), [ReportKind::Circular]);
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn instances_of_a_class_stand_for_one_another() {
    // There are four locks of two classes, and no two locks are ever taken in both orders.
    fn queue(name: u8) -> Mutex<u8> {
        Mutex::new(name)
    }
    fn client(name: u8) -> Mutex<u8> {
        Mutex::new(name)
    }
    let (q1, q2, c1, c2) = (queue(1), queue(2), client(1), client(2));
    let bad = || {
        {
            let _q = q1.lock();
            let _c = c1.lock();
        }
        let _c = c2.lock();
        let _q = q2.lock();
    };
    let good = || {
        {
            let _q = q1.lock();
            let _c = c1.lock();
        }
        let _q = q2.lock();
        let _c = c2.lock();
    };
    assert_eq!(kinds(bad), [ReportKind::Circular]);
    assert_eq!(kinds(good), []);
}

#[test]
fn types_on_one_line_are_classes_of_their_own() {
    fn make<T>(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
    let (number, text) = (make(1_u32), make("text"));
    let both = || {
        let _number = number.lock();
        let _text = text.lock();
    };
    let same = make(2_u32);
    let recursive = || {
        let _number = number.lock();
        let _same = same.lock();
    };
    assert_eq!(kinds(both), []);
    assert_eq!(kinds(recursive), [ReportKind::Recursive]);
}

#[test]
fn a_chain_of_three_closes() {
    let (a, b, c) = (Mutex::named("one", ()), Mutex::named("two", ()), Mutex::named("three", ()));
    let pair = |first: &Mutex<()>, second: &Mutex<()>| {
        let _first = first.lock();
        let _second = second.lock();
    };
    let found = reports(|| {
        pair(&a, &b);
        pair(&b, &c);
        pair(&c, &a);
    });
    assert_eq!(found.len(), 1);
    assert!(found[0].text.contains("-> #2 (three)"), "{}", found[0].text);
    assert!(found[0].text.contains("-> #1 (two)"), "{}", found[0].text);
    assert!(
        found[0].text.contains("Chain exists of:\n  one --> two --> three\n"),
        "{}",
        found[0].text
    );
    let clean = kinds(|| {
        pair(&a, &b);
        pair(&b, &c);
        pair(&a, &c);
    });
    assert_eq!(clean, []);
}

#[test]
fn a_chain_of_five_closes_over_held_locks() {
    let locks: Vec<Mutex<()>> =
        vec![Mutex::new(()), Mutex::new(()), Mutex::new(()), Mutex::new(()), Mutex::new(())];
    let walk = |last: usize| {
        for pair in locks.windows(2) {
            let _first = pair[0].lock();
            let _second = pair[1].lock();
        }
        let _held = locks[4].lock();
        let _closing = (last == 0).then(|| locks[0].lock());
    };
    assert_eq!(kinds(|| walk(0)), [ReportKind::Circular]);
    assert_eq!(kinds(|| walk(4)), []);
}

#[test]
fn an_order_learnt_in_another_thread_counts() {
    let (a, b) = (Mutex::named("a", ()), Mutex::named("b", ()));
    let case = |inverted: bool| {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _a = a.lock();
                let _b = b.lock();
            });
        });
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (first, second) = if inverted { (&b, &a) } else { (&a, &b) };
                let _first = first.lock();
                let _second = second.lock();
            });
        });
    };
    assert_eq!(kinds(|| case(true)), [ReportKind::Circular]);
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn a_lock_released_out_of_order_leaves_the_right_chain() {
    let (a, b, c) = (Mutex::named("a", ()), Mutex::named("b", ()), Mutex::named("c", ()));
    // `a` is free when `c` is taken, so only the order b, c is learnt.
    let overlap = || {
        let first = a.lock();
        let _second = b.lock();
        drop(first);
        let _third = c.lock();
    };
    let clean = kinds(|| {
        overlap();
        let _c = c.lock();
        let _a = a.lock();
    });
    // With the orders a, b and b, c, the path from a to c exists all the same.
    assert_eq!(clean, [ReportKind::Circular]);
    let really_clean = kinds(|| {
        let first = a.lock();
        drop(first);
        let _third = c.lock();
        drop(_third);
        let _c = c.lock();
        let _a = a.lock();
    });
    assert_eq!(really_clean, []);
}

#[test]
fn a_second_lock_of_a_class_is_recursion() {
    let pair: Vec<Mutex<u8>> = (0..2).map(Mutex::new).collect();
    let case = |nested: bool| {
        let _first = pair[0].lock();
        let _second = if nested { pair[1].lock_nested(1) } else { pair[1].lock() };
    };
    assert_eq!(kinds(|| case(false)), [ReportKind::Recursive]);
    assert_eq!(kinds(|| case(true)), []);
}

#[test]
fn subclasses_have_an_order_too() {
    let pair: Vec<SpinLock<u8>> = (0..2).map(SpinLock::new).collect();
    let parent_first = || {
        let _parent = pair[0].lock();
        let _child = pair[1].lock_nested(1);
    };
    let child_first = || {
        let _child = pair[1].lock_nested(1);
        let _parent = pair[0].lock();
    };
    assert_eq!(
        kinds(|| {
            parent_first();
            child_first();
        }),
        [ReportKind::Circular]
    );
    assert_eq!(
        kinds(|| {
            parent_first();
            parent_first();
        }),
        []
    );
}

#[test]
fn eight_hops_of_one_class_are_eight_subclasses() {
    let ports: Vec<RwLock<usize>> = (0..8).map(RwLock::new).collect();
    let walk = |annotated: bool| {
        let guards: Vec<_> = ports
            .iter()
            .enumerate()
            .map(|(hop, port)| if annotated { port.read_nested(hop) } else { port.read() })
            .collect();
        assert_eq!(guards.len(), 8);
    };
    assert_eq!(kinds(|| walk(true)), []);
    assert_eq!(kinds(|| walk(false)), [ReportKind::Recursive]);
}

#[test]
fn an_outer_lock_allows_any_order_inside() {
    let outer = Mutex::named("outer", ());
    let inner: Vec<Mutex<u8>> = (0..2).map(Mutex::new).collect();
    let case = |protected: bool| {
        let guard = outer.lock();
        let _first = inner[0].lock();
        let _second = if protected { inner[1].lock_nest_lock(&guard) } else { inner[1].lock() };
    };
    assert_eq!(kinds(|| case(true)), []);
    assert_eq!(kinds(|| case(false)), [ReportKind::Recursive]);
}

#[test]
fn attempts_do_not_wait_so_they_close_no_cycle() {
    let (a, b) = (Mutex::named("a", ()), Mutex::named("b", ()));
    let case = |attempt: bool| {
        {
            let _a = a.lock();
            let _b = b.lock();
        }
        let _b = b.lock();
        let _a = if attempt { a.try_lock() } else { Some(a.lock()) };
    };
    assert_eq!(kinds(|| case(true)), []);
    assert_eq!(kinds(|| case(false)), [ReportKind::Circular]);
}

#[test]
fn what_is_taken_under_an_attempt_is_ordered_after_it() {
    let (a, b) = (Mutex::named("a", ()), Mutex::named("b", ()));
    let case = |inverted: bool| {
        {
            let _a = a.try_lock();
            let _b = b.lock();
        }
        let (first, second) = if inverted { (&b, &a) } else { (&a, &b) };
        let _first = first.lock();
        let _second = second.lock();
    };
    assert_eq!(kinds(|| case(true)), [ReportKind::Circular]);
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn readers_that_wait_behind_writers_close_a_cycle() {
    let (a, b) = (RwLock::named("a", ()), RwLock::named("b", ()));
    let bad = || {
        {
            let _a = a.read();
            let _b = b.read();
        }
        let _b = b.read();
        let _a = a.read();
    };
    let good = || {
        for _ in 0..2 {
            let _a = a.read();
            let _b = b.read();
        }
    };
    assert_eq!(kinds(bad), [ReportKind::Circular]);
    assert_eq!(kinds(good), []);
}

#[test]
fn recursive_readers_alone_close_none() {
    let (a, b) = (RwSpinLock::named("a", ()), RwSpinLock::named("b", ()));
    let readers = || {
        {
            let _a = a.read();
            let _b = b.read();
        }
        let _b = b.read();
        let _a = a.read();
    };
    let writers = || {
        {
            let _a = a.read();
            let _b = b.write();
        }
        let _b = b.read();
        let _a = a.write();
    };
    assert_eq!(kinds(readers), []);
    assert_eq!(kinds(writers), [ReportKind::Circular]);
}

#[test]
fn a_recursive_reader_may_come_again_and_another_may_not() {
    let (spinning, sleeping) = (RwSpinLock::named("s", ()), RwLock::named("w", ()));
    let twice = || {
        let _first = spinning.read();
        let _second = spinning.read();
    };
    // The second instance stands for the first, because this test must not wait behind its own writer.
    let other = [(), ()].map(|()| RwLock::new(()));
    let bad = || {
        let _first = other[0].read();
        let _second = other[1].read();
    };
    assert_eq!(kinds(twice), []);
    assert_eq!(kinds(bad), [ReportKind::Recursive]);
    assert_eq!(kinds(|| drop(sleeping.read())), []);
}

#[test]
fn a_reader_under_its_own_writer_is_recursion() {
    let pair = [(), ()].map(|()| RwSpinLock::new(()));
    let bad = || {
        let _first = pair[0].write();
        let _second = pair[1].read();
    };
    let good = || {
        drop(pair[0].write());
        drop(pair[1].read());
    };
    assert_eq!(kinds(bad), [ReportKind::Recursive]);
    assert_eq!(kinds(good), []);
}

#[test]
fn a_chain_through_a_recursive_reader_and_a_shared_holder_is_weak() {
    let x = Mutex::named("x", ());
    let r = RwSpinLock::named("r", ());
    let y = SpinLock::named("y", ());
    // The orders are x, then r as a recursive reader; r shared, then y. The order y, then x would close a strong
    // cycle only if a thread could wait at r.
    let edges = |write: bool| {
        {
            let _y = y.lock();
            let _r = r.read();
        }
        {
            if write {
                let _r = r.write();
                let _x = x.try_lock();
            } else {
                let _r = r.read();
                let _x = x.try_lock();
            }
        }
        let _x = x.lock();
        drop(_x);
    };
    assert_eq!(kinds(|| edges(false)), []);
    assert_eq!(kinds(|| edges(true)), []);
    let (a, b) = (SpinLock::named("a", ()), SpinLock::named("b", ()));
    let cycle = |write: bool| {
        {
            let _a = a.lock();
            let _r = r.read();
        }
        if write {
            let _r = r.write();
            let _b = b.lock();
        } else {
            let _r = r.read();
            let _b = b.lock();
        }
        let _b = b.lock();
        let _a = a.lock();
    };
    assert_eq!(kinds(|| cycle(false)), []);
    assert_eq!(kinds(|| cycle(true)), [ReportKind::Circular]);
}

#[test]
fn a_cycle_is_reported_once() {
    let (a, b) = (Mutex::named("a", ()), Mutex::named("b", ()));
    let found = kinds(|| {
        for _ in 0..100 {
            {
                let _a = a.lock();
                let _b = b.lock();
            }
            let _b = b.lock();
            let _a = a.lock();
        }
    });
    assert_eq!(found, [ReportKind::Circular]);
}

#[test]
fn flushing_work_under_a_lock_that_it_takes_closes_a_cycle() {
    static WORK: lockdep::Work = lockdep::work!("events", "update", "&card->work");
    let card = Mutex::named("&card->mutex", ());
    let run = || {
        let _work = WORK.enter();
        let _card = card.lock();
    };
    let bad = || {
        run();
        let _card = card.lock();
        WORK.flush();
    };
    let good = || {
        run();
        WORK.flush();
        let _card = card.lock();
    };
    assert_eq!(kinds(bad), [ReportKind::Circular]);
    assert_eq!(kinds(good), []);
}

#[test]
fn a_report_says_first_what_can_happen() {
    let (a, b) = (Mutex::named("first lock", ()), Mutex::named("second lock", ()));
    let found = reports(|| {
        drop((a.lock(), b.lock()));
        drop((b.lock(), a.lock()));
    });
    let line = found[0].summary();
    assert!(line.starts_with("Did not happen, can happen: a deadlock, because "), "{line}");
    assert!(line.contains("takes first lock at validators/lockdep/tests/order.rs:"), "{line}");
    assert!(line.contains("while it holds second lock, taken at "), "{line}");
    assert!(line.contains("the order is first lock, then second lock ("), "{line}");
    assert!(found[0].title().contains("possible circular locking dependency"));
    // kreport finds one report, and the line is not part of the one before.
    let twice = format!("{0}{0}", found[0].text);
    let log = kreport::read(&twice);
    assert_eq!(log.reports.len(), 2);
    assert!(log.reports[0].lines.last().is_some_and(|it| it.text.starts_with("lockdep: ")));
}
