//! Guards in tasks of an async runtime: held across an await, seen by other tasks of the thread, and tokio's own locks.

mod common;

use common::{kinds, reports};
use lockdep::ReportKind::{Circular, Leaving};
use lockdep::check_task;
use lockdep::std::sync::{Arc, Mutex};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{LocalSet, yield_now};

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

#[test]
fn a_guard_across_an_await_is_reported_where_tasks_are_checked() {
    let lock = Mutex::new(0);
    let across = || async {
        let guard = lock.lock().unwrap();
        yield_now().await;
        drop(guard);
    };
    let found = reports(|| runtime().block_on(check_task("worker", across())));
    assert_eq!(found.iter().map(|it| it.kind).collect::<Vec<_>>(), [Leaving]);
    assert!(found[0].summary().contains("the task worker keeps a lock across an await"));
    assert_eq!(kinds(|| runtime().block_on(across())), [], "nobody checks the task");
    let before = async {
        *lock.lock().unwrap() += 1;
        yield_now().await;
        *lock.lock().unwrap() += 1;
    };
    assert_eq!(kinds(|| runtime().block_on(check_task("worker", before))), []);
}

#[test]
fn a_guard_across_an_await_is_held_while_other_tasks_run() {
    let case = |inverted: bool| {
        let (first, second) = (Arc::new(Mutex::new('a')), Arc::new(Mutex::new("b")));
        let (a, b) = (Arc::clone(&first), Arc::clone(&second));
        let local = LocalSet::new();
        local.spawn_local(async move {
            let guard = a.lock().unwrap();
            yield_now().await;
            drop(guard);
        });
        // If this task waits for its lock, the first one cannot go on and give its own back.
        local.spawn_local(async move { drop(b.lock().unwrap()) });
        runtime().block_on(local);
        let guard = inverted.then(|| second.lock().unwrap());
        drop(first.lock().unwrap());
        drop(guard);
    };
    assert_eq!(kinds(|| case(true)), [Circular]);
    assert_eq!(kinds(|| case(false)), []);
}

#[test]
fn locks_of_tokio_belong_to_tasks_and_make_no_report() {
    let case = || {
        let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        let (own, ours) = (Arc::new(tokio::sync::Mutex::new(0)), Arc::new(Mutex::new(0)));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (own, ours) = (Arc::clone(&own), Arc::clone(&ours));
                // The guard of tokio's lock moves with its task from thread to thread.
                runtime.spawn(check_task("worker", async move {
                    let mut guard = own.lock().await;
                    *ours.lock().unwrap() += 1;
                    yield_now().await;
                    *guard += 1;
                }))
            })
            .collect();
        runtime.block_on(async {
            for task in tasks {
                task.await.expect("it ends");
            }
            assert_eq!((*own.lock().await, *ours.lock().unwrap()), (8, 8));
        });
    };
    assert_eq!(kinds(case), []);
}
