//! The states of a file, with threads that are slow or never obey.

use super::*;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;

const QUIET: Readiness = Readiness { readable: false, writable: true };
const FULL: Readiness = Readiness { readable: false, writable: false };
const NEWS: Readiness = Readiness { readable: true, writable: true };

const KEY: FileKey = FileKey { receive: 1 << FileKey::BITS, send: 4711 };

/// A file, and the program's end of it.
struct Pair {
    file: File,
    theirs: OwnedFd,
    cost: i32,
}

impl Pair {
    fn new(state: Readiness) -> Self {
        let (file, theirs) = File::new(FileId(3), state, false, KEY).expect("a file");
        Self { file, theirs, cost: byte_cost().expect("a pair") }
    }

    fn polled(&self) -> Readiness {
        let mut ends = [PollFd::new(&self.theirs, PollFlags::IN | PollFlags::OUT)];
        poll(&mut ends, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).expect("a poll");
        let found = ends[0].revents();
        Readiness {
            readable: found.contains(PollFlags::IN),
            writable: found.contains(PollFlags::OUT),
        }
    }

    /// Obeys an order, as the library would.
    fn obey(&self, (take, stuff): (u32, u32)) {
        let mut bytes = vec![0; take as usize];
        if take > 0 {
            let taken = recv(&self.theirs, &mut bytes[..], RecvFlags::DONTWAIT);
            assert_eq!(taken.map(|(len, _)| len), Ok(bytes.len()), "what is to be taken is there");
        }
        while stuff > 0 && send(&self.theirs, &[0; STUFFING], QUIETLY).is_ok() {}
    }

    /// Shows a state, by a thread that obeys at once.
    fn show(&mut self, state: Readiness) {
        self.file.show(state);
        if let Some(order) = self.file.order() {
            self.obey(order);
            self.file.obeyed(order.0, order.1, self.cost);
        }
        assert_eq!(self.polled(), state);
    }
}

#[test]
fn every_state_is_shown_from_every_other() {
    let states = [QUIET, FULL, NEWS, Readiness { readable: true, writable: false }];
    for first in states {
        let mut pair = Pair::new(first);
        assert_eq!(pair.polled(), first);
        for round in 0..16 {
            pair.show(states[round % 4]);
            pair.show(states[round / 4]);
        }
    }
}

#[test]
fn a_slow_hand_takes_no_news() {
    let mut pair = Pair::new(QUIET);
    pair.file.show(NEWS);
    pair.file.show(QUIET);
    let slow = pair.file.order().expect("a byte to take");
    pair.file.show(NEWS);
    pair.file.renew();
    pair.obey(slow);
    assert_eq!(pair.polled(), NEWS);
    pair.file.obeyed(slow.0, slow.1, pair.cost);
    pair.show(QUIET);
}

#[test]
fn news_are_told_again_and_taken_together() {
    let mut pair = Pair::new(QUIET);
    for _ in 0..5 {
        pair.file.show(NEWS);
        pair.file.renew();
    }
    pair.file.show(QUIET);
    assert_eq!(pair.file.order(), Some((5, 0)));
    pair.obey((5, 0));
    assert_eq!(pair.polled(), QUIET);
}

#[test]
fn late_stuffing_is_taken_out() {
    let mut pair = Pair::new(QUIET);
    assert!(pair.file.show(FULL));
    let slow = pair.file.order().expect("a buffer to fill");
    pair.file.show(QUIET);
    assert_eq!(pair.file.new_interest(), Some(INTEREST | EventFlags::IN), "it is waited for");
    pair.obey(slow);
    assert_eq!(pair.polled(), FULL);
    pair.file.drain();
    assert_eq!(pair.polled(), QUIET);
    // Once more; this time the next call of the thread reports it.
    pair.obey(slow);
    pair.file.obeyed(slow.0, slow.1, pair.cost);
    assert_eq!(pair.polled(), QUIET);
    assert_eq!(pair.file.new_interest(), Some(INTEREST));
}

#[test]
fn who_ends_with_an_order_leaves_nothing_wrong() {
    // Not obeyed: the next thread must take the byte.
    let mut pair = Pair::new(QUIET);
    pair.file.show(NEWS);
    pair.file.show(QUIET);
    let lost = pair.file.order().expect("a byte to take");
    pair.file.lost(lost.0, lost.1, pair.cost);
    let again = pair.file.order();
    assert_eq!(again, Some((1, 0)));
    pair.obey((1, 0));
    pair.file.obeyed(1, 0, pair.cost);
    assert_eq!(pair.polled(), QUIET);
    // Obeyed: nothing is left to do.
    pair.file.show(NEWS);
    pair.file.show(QUIET);
    let lost = pair.file.order().expect("a byte to take");
    pair.obey(lost);
    pair.file.lost(lost.0, lost.1, pair.cost);
    assert_eq!(pair.file.order(), None);
    // While another thread still has an order, nothing is counted.
    pair.file.show(NEWS);
    pair.file.show(QUIET);
    let lost = pair.file.order().expect("a byte to take");
    pair.file.show(NEWS);
    pair.file.show(QUIET);
    let other = pair.file.order().expect("a byte to take");
    pair.file.lost(lost.0, lost.1, pair.cost);
    assert_eq!(pair.file.order(), None);
    pair.obey(other);
    pair.file.obeyed(other.0, other.1, pair.cost);
    assert_eq!(pair.file.order(), Some((1, 0)));
    // A buffer that may not be filled is filled by the next thread.
    let mut pair = Pair::new(QUIET);
    pair.file.show(FULL);
    let lost = pair.file.order().expect("a buffer to fill");
    pair.file.lost(lost.0, lost.1, pair.cost);
    assert_eq!(pair.file.order(), Some((0, 1)));
}

#[test]
fn the_key_lies_in_the_end_of_the_program() {
    let pair = Pair::new(QUIET);
    for (option, seconds) in [(Timeout::Recv, KEY.receive), (Timeout::Send, KEY.send)] {
        let found = sockopt::socket_timeout(&pair.theirs, option).expect("an option");
        assert_eq!(found, Some(Duration::from_secs(seconds)));
        let other = sockopt::socket_timeout(&pair.file.socket, option).expect("an option");
        assert_eq!(other, None, "the server's end is as any other");
    }
}
