//! The rows of programs in Rust: the standard library's waits. See `c/table.h` for the form of a row.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_millis(120);
const EARLY: Duration = Duration::from_millis(40);

fn row(name: &str, began: Instant, result: &str) {
    println!("{name} {result} - - 0 {}", began.elapsed().as_nanos());
}

fn sleeping() {
    let began = Instant::now();
    thread::sleep(LONG);
    row("sleep/time-out", began, "0");
    let began = Instant::now();
    thread::sleep(Duration::ZERO);
    row("sleep/zero", began, "0");
    let began = Instant::now();
    thread::park_timeout(LONG);
    row("park_timeout/time-out", began, "0");
    let this = thread::current();
    let other = thread::spawn(move || {
        thread::sleep(EARLY);
        this.unpark();
    });
    let began = Instant::now();
    thread::park_timeout(LONG);
    row("park_timeout/woken", began, "0");
    other.join().unwrap();
}

fn conditions() {
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let (lock, condition) = &*pair;
    let began = Instant::now();
    let (guard, result) = condition.wait_timeout(lock.lock().unwrap(), LONG).unwrap();
    row("Condvar/time-out", began, &result.timed_out().to_string());
    let began = Instant::now();
    let (guard, result) = condition.wait_timeout(guard, Duration::ZERO).unwrap();
    row("Condvar/zero", began, &result.timed_out().to_string());
    let other = thread::spawn({
        let pair = pair.clone();
        move || {
            thread::sleep(EARLY);
            *pair.0.lock().unwrap() = true;
            pair.1.notify_one();
        }
    });
    let began = Instant::now();
    let (guard, result) = condition.wait_timeout_while(guard, LONG, |ready| !*ready).unwrap();
    row("Condvar/woken", began, &result.timed_out().to_string());
    drop(guard);
    other.join().unwrap();
}

fn channels() {
    let (sender, receiver) = mpsc::channel();
    let began = Instant::now();
    let result = receiver.recv_timeout(LONG);
    row("recv_timeout/time-out", began, if result == Err(RecvTimeoutError::Timeout) { "timeout" } else { "?" });
    let began = Instant::now();
    let result = receiver.recv_timeout(Duration::ZERO);
    row("recv_timeout/zero", began, if result == Err(RecvTimeoutError::Timeout) { "timeout" } else { "?" });
    let other = thread::spawn(move || {
        thread::sleep(EARLY);
        sender.send(7).unwrap();
        thread::sleep(EARLY);
    });
    let began = Instant::now();
    let result = receiver.recv_timeout(LONG);
    row("recv_timeout/woken", began, if result == Ok(7) { "7" } else { "?" });
    let result = receiver.recv_timeout(LONG);
    row("recv_timeout/gone", began, if result == Err(RecvTimeoutError::Disconnected) { "gone" } else { "?" });
    other.join().unwrap();
}

fn sockets() {
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(LONG)).unwrap();
    let limit = ours.read_timeout().unwrap().unwrap().as_millis();
    row("read_timeout/value", Instant::now(), &limit.to_string());
    let mut byte = [0];
    let began = Instant::now();
    let result = ours.read(&mut byte).map_err(|error| error.kind());
    row("read_timeout/time-out", began, &format!("{result:?}"));
    let other = thread::spawn(move || {
        thread::sleep(EARLY);
        theirs.write_all(b"x").unwrap();
        theirs
    });
    let began = Instant::now();
    let result = ours.read(&mut byte).map_err(|error| error.kind());
    row("read_timeout/woken", began, &format!("{result:?}"));
    let theirs = other.join().unwrap();
    ours.set_read_timeout(None).unwrap();
    let limit = ours.read_timeout().unwrap();
    row("read_timeout/none", Instant::now(), &format!("{limit:?}"));
    drop(theirs);

    let (ours, _theirs) = UnixDatagram::pair().unwrap();
    ours.set_write_timeout(Some(LONG)).unwrap();
    let mut last = Ok(0);
    let mut began = Instant::now();
    while last.is_ok() {
        began = Instant::now();
        last = ours.send(&[0; 1000]).map_err(|error| error.kind());
    }
    row("write_timeout/time-out", began, &format!("{last:?}"));
}

/// Threads sleep for different times, and end in the order of these.
fn order() {
    let (sender, receiver) = mpsc::channel();
    let began = Instant::now();
    for number in 0..8_u32 {
        let sender = sender.clone();
        thread::spawn(move || {
            thread::sleep(EARLY * (8 - number));
            sender.send(number).unwrap();
        });
    }
    drop(sender);
    let order: String = receiver.iter().map(|number| number.to_string()).collect();
    row("threads/order", began, &order);
}

fn main() {
    sleeping();
    conditions();
    channels();
    sockets();
    order();
}
