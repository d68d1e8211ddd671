//! The explorer: one seed has one trace, and each checker reports what it is for and nothing else.

use models::explore::{
    Atomic, List, Lock, Model, Plain, Ref, call, expect_at_end, explore, may_sleep, null, run,
    wait_until, within,
};
use models::models::MODELS;
use models::report::{Checker, Finding};

/// Number of seeds that are run twice.
const SEEDS: u64 = 1000;

#[test]
fn one_seed_has_one_trace() {
    let (_, model) = MODELS.iter().find(|(row, _)| *row == 12).expect("a model");
    let mut traces = std::collections::BTreeSet::new();
    for seed in 0..SEEDS {
        let [first, second] = [run(*model, true, seed), run(*model, true, seed)];
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!((first.finding, first.steps), (second.finding, second.steps), "seed {seed}");
        traces.insert(first.trace);
    }
    assert!(traces.len() > 50, "{} traces", traces.len());
}

#[test]
fn a_report_comes_again_with_its_seed() {
    for (row, model) in MODELS {
        let outcome = explore(*model, true, 5000);
        let again = run(*model, true, outcome.seed);
        assert_eq!(again.finding, outcome.last.finding, "K{row:02}");
        assert_eq!(again.trace, outcome.last.trace, "K{row:02}");
    }
}

fn found(model: Model) -> Option<Finding> {
    explore(model, true, 500).last.finding
}

fn assert_found(model: Model, checker: Checker, title: &str) {
    assert_eq!(found(model), Some(Finding { checker, title: title.to_owned() }));
}

#[test]
fn plain_accesses_race_and_marked_ones_do_not() {
    assert_found(
        |world, _| {
            let cell = Plain::new(0);
            for name in ["first", "second"] {
                let cell = cell.clone();
                world.task(name, move || within(name, || cell.set(1)));
            }
        },
        Checker::Race,
        "KCSAN: data-race in first / second",
    );
    let readers: Model = |world, _| {
        let (plain, atomic) = (Plain::new(0), Atomic::new(0));
        for _ in 0..2 {
            let (plain, atomic) = (plain.clone(), atomic.clone());
            world.task("reader", move || atomic.set(plain.get()));
        }
    };
    assert_eq!(found(readers), None);
    // A lock orders the accesses, and so does the end of the tasks.
    let locked: Model = |world, _| {
        let (cell, lock) = (Plain::new(0), Lock::mutex("a lock"));
        for _ in 0..3 {
            let (cell, lock) = (cell.clone(), lock.clone());
            world.task("writer", move || {
                let _held = lock.lock();
                cell.update(|value| value + 1);
            });
        }
        world.at_end(move || expect_at_end(cell.get() == 3, "lost"));
    };
    assert_eq!(found(locked), None);
}

#[test]
fn memory_is_used_and_freed_once() {
    assert_eq!(found(|world, _| world.task("task", || Ref::new(()).free())), None);
    assert_found(
        |world, _| world.task("task", || within("f", || drop(Ref::new(())))),
        Checker::Leak,
        "memory leak in f",
    );
    let twice: Model = |world, _| {
        world.task("task", || {
            within("f", || {
                let object = Ref::new(());
                object.free();
                object.free();
            });
        });
    };
    assert_found(twice, Checker::Memory, "KASAN: double-free in f");
    let late: Model = |world, _| {
        world.task("task", || {
            within("f", || {
                let object = Ref::new(1);
                object.free();
                let _value = object.get();
            });
        });
    };
    assert_found(late, Checker::Memory, "KASAN: slab-use-after-free in f");
    assert_found(
        |world, _| world.task("task", || within("f", null)),
        Checker::Memory,
        "general protection fault in f",
    );
    let linked_twice: Model = |world, _| {
        world.task("task", || {
            within("f", || {
                let (list, object) = (List::default(), Ref::new(()));
                list.add(&object);
                list.add(&object);
            });
        });
    };
    assert_found(linked_twice, Checker::Memory, "BUG: corrupted list in f");
}

#[test]
fn what_does_not_end_is_reported() {
    assert_found(
        |world, _| world.task("task", || call("f", || wait_until(|| false))),
        Checker::Watchdog,
        "INFO: task hung in f",
    );
    let spins: Model = |world, _| {
        let cell = Atomic::new(0);
        world.task("task", move || {
            within("f", || while cell.get() == 0 {});
        });
    };
    assert_found(spins, Checker::Watchdog, "BUG: soft lockup in f");
}

#[test]
fn a_sleep_in_an_interrupt_is_reported() {
    assert_found(
        |world, _| world.interrupt("irq", may_sleep),
        Checker::MightSleep,
        "BUG: sleeping function called from invalid context",
    );
    assert_eq!(found(|world, _| world.task("task", may_sleep)), None);
}

#[test]
fn a_panic_of_a_model_is_reported() {
    std::panic::set_hook(Box::new(|_| {}));
    let result = found(|world, _| world.task("task", || panic!("on purpose")));
    let _hook = std::panic::take_hook();
    assert_eq!(result.map(|finding| finding.checker), Some(Checker::Panic));
}
