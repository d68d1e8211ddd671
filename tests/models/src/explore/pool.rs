//! The threads of tasks, which are used again: a run takes less time than a thread to start.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

struct Worker {
    jobs: Sender<Job>,
    done: Receiver<()>,
}

thread_local! {
    static IDLE: RefCell<Vec<Worker>> = const { RefCell::new(Vec::new()) };
}

impl Worker {
    fn new() -> Self {
        let (jobs, queue) = channel::<Job>();
        let (ended, done) = channel();
        thread::spawn(move || {
            while let Ok(job) = queue.recv() {
                job();
                if ended.send(()).is_err() {
                    return;
                }
            }
        });
        Self { jobs, done }
    }
}

/// Runs each job in a thread of its own, and waits until all have ended.
pub(super) fn run(jobs: Vec<Job>) {
    let mut busy = Vec::new();
    for job in jobs {
        let worker = IDLE.with_borrow_mut(Vec::pop).unwrap_or_else(Worker::new);
        worker.jobs.send(job).expect("the thread waits for jobs");
        busy.push(worker);
    }
    for worker in &busy {
        worker.done.recv().expect("the job ended");
    }
    IDLE.with_borrow_mut(|idle| idle.append(&mut busy));
}

/// Ends the idle threads: their tasks may have left locks behind.
pub(super) fn forget() {
    IDLE.with_borrow_mut(Vec::clear);
}
