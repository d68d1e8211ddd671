//! A new program: it must not find the vDSO, in which it would read clocks without a system call.

use super::Tracer;
use crate::memory;
use crate::sys::{self, Go};
use std::io;

/// Entries of the auxiliary vector, by `linux/auxvec.h`.
const AT_NULL: u64 = 0;
const AT_IGNORE: u64 = 1;
const AT_RANDOM: u64 = 25;
const AT_SYSINFO: u64 = 32;
const AT_SYSINFO_EHDR: u64 = 33;

/// How much of the stack is read at a time.
const PIECE: usize = 4096;

impl Tracer {
    /// Another program runs in this process, and only in this thread of it.
    pub(super) fn executed(&mut self, thread: i32) -> io::Result<()> {
        let before = sys::event_message(thread)?;
        let rank = self.state.threads.get(&before).map(|known| known.rank);
        let others: Vec<i32> = self
            .state
            .threads
            .iter()
            .filter(|(_, known)| known.process == thread)
            .map(|(number, _)| *number)
            .collect();
        let oldest = self.state.threads.get(&thread).map(|known| known.rank).or(rank);
        for other in others {
            self.state.remove(other);
        }
        let known = self.state.add(thread, thread);
        known.rank = oldest.unwrap_or(known.rank);
        self.state.timers.program_ended(thread);
        if sys::registers(thread)?.is_foreign() {
            return self.refuse_foreign(thread);
        }
        self.adapt_vector(thread)?;
        self.go(thread, Go::On, 0)
    }

    /// Changes what the kernel tells the new program about itself: removes the vDSO, and replaces the random bytes.
    fn adapt_vector(&mut self, thread: i32) -> io::Result<()> {
        let mut words =
            Stack { thread, at: sys::registers(thread)?.stack(), room: Vec::new(), next: 0 };
        let arguments = words.next()?;
        for _ in 0..=arguments {
            words.next()?;
        }
        // The environment.
        while words.next()? != 0 {}
        loop {
            let address = words.address();
            let (kind, value) = (words.next()?, words.next()?);
            match kind {
                AT_NULL => return Ok(()),
                AT_SYSINFO | AT_SYSINFO_EHDR => {
                    memory::write(thread, address, &AT_IGNORE.to_ne_bytes())?;
                }
                AT_RANDOM => {
                    if let Some(mut sequence) = self.state.random(thread) {
                        let mut bytes = [0; 16];
                        sequence.fill(&mut bytes);
                        memory::write(thread, value, &bytes)?;
                    }
                }
                _ => {}
            }
        }
    }
}

/// The words of a stack, in ascending order.
struct Stack {
    thread: i32,
    /// Where the next piece begins.
    at: u64,
    room: Vec<u8>,
    next: usize,
}

impl Stack {
    /// Returns where the next word is.
    fn address(&self) -> u64 {
        self.at - (self.room.len() - self.next) as u64
    }

    fn next(&mut self) -> io::Result<u64> {
        if self.next == self.room.len() {
            self.room.resize(PIECE, 0);
            // A whole piece need not be there: the stack ends before.
            let length = memory::read(self.thread, self.at, &mut self.room)? & !7;
            if length == 0 {
                return Err(io::Error::from_raw_os_error(libc::EFAULT));
            }
            self.room.truncate(length);
            self.at += length as u64;
            self.next = 0;
        }
        let mut word = [0; 8];
        word.copy_from_slice(&self.room[self.next..self.next + 8]);
        self.next += 8;
        Ok(u64::from_ne_bytes(word))
    }
}
