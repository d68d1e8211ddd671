//! Tasks of async runtimes.

use std::future::{Future, poll_fn};
use std::pin::pin;

/// Reports a lock that `future` keeps across an await. Meanwhile the thread runs other tasks, and if one of them waits
/// for the lock, its holder never gets the thread again.
///
/// Only guards that stay in their thread are seen, such as those of `std` and `parking_lot`. The compiler lets a future
/// that has one run on a runtime of one thread, in a `LocalSet`, or in `block_on`. An async lock such as
/// `tokio::sync::Mutex` belongs to a task and not to a thread; it is not checked.
///
/// ```
/// # async fn work() {}
/// # async fn example() {
/// lockdep::check_task("worker", work()).await;
/// # }
/// ```
pub async fn check_task<F: Future>(name: &'static str, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let held = crate::held_count();
        let result = future.as_mut().poll(context);
        if result.is_pending() {
            crate::ends_poll(held, name);
        }
        result
    })
    .await
}
