//! The files that are open, and the calls that wait on them, counted on their users' accounts.

use crate::budget::{self, Budget, FileBounds};
use crate::door::Door;
use crate::recorder::Recorded;
use aseqd_abi::Errno;
use aseqd_engine::{Error, FileId, Node};
use std::collections::VecDeque;

const TOO_MUCH: Error = Error::new(Errno::ENOMEM, "the server holds too much for the user");

/// All open files.
#[derive(Debug)]
pub(super) struct Files<D: Door> {
    /// By file number.
    open: Vec<Option<OpenFile<D>>>,
    /// Long writes that go on in the next turn.
    unfinished: VecDeque<(FileId, Parked<D::Token>)>,
    timer_files: Budget,
    calls: Budget,
    bytes: Budget,
    /// Whether the log says that a bound is reached.
    logged: bool,
}

/// An open file, and what waits on it.
#[derive(Debug)]
pub(super) struct OpenFile<D: Door> {
    node: Node,
    pub(super) pid: i32,
    /// On whose account it is, with all calls on it.
    pub(super) user: u32,
    /// Calls that sleep, oldest first.
    parked: VecDeque<Parked<D::Token>>,
    /// A program that sleeps in a poll.
    pub(super) wakeup: Option<D::Wakeup>,
}

/// A call that is not answered yet.
#[derive(Debug)]
pub(super) struct Parked<Token> {
    pub(super) token: Token,
    pub(super) work: Work,
    /// The user on whose account the call is counted. None before it waits.
    counted: Option<u32>,
}

/// What is left of a call that waits.
#[derive(Debug)]
pub(super) enum Work {
    Read {
        len: usize,
        nonblock: bool,
    },
    /// The first `done` bytes are taken.
    Write {
        data: Vec<u8>,
        done: usize,
        nonblock: bool,
        recorded: Recorded,
    },
}

impl<Token> Parked<Token> {
    /// A read that is tried for the first time.
    pub(super) const fn read(token: Token, len: usize, nonblock: bool) -> Self {
        Self { token, work: Work::Read { len, nonblock }, counted: None }
    }

    /// Returns how many bytes of a write are taken; 0 for a read.
    pub(super) const fn written(&self) -> usize {
        match self.work {
            Work::Read { .. } => 0,
            Work::Write { done, .. } => done,
        }
    }

    /// Returns how many bytes of the program's are kept.
    const fn bytes(&self) -> u64 {
        match &self.work {
            Work::Read { .. } => 0,
            Work::Write { data, .. } => data.len() as u64,
        }
    }
}

impl<D: Door> Files<D> {
    /// Returns the files of a sequencer: none yet.
    pub(super) const fn new(bounds: FileBounds) -> Self {
        Self {
            open: Vec::new(),
            unfinished: VecDeque::new(),
            timer_files: Budget::new(bounds.timer_files),
            calls: Budget::new(bounds.waiting_calls),
            bytes: Budget::new(bounds.waiting_bytes),
            logged: bounds.logged,
        }
    }

    pub(super) fn get(&self, file: FileId) -> Option<&OpenFile<D>> {
        self.open.get(file.0 as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, file: FileId) -> Option<&mut OpenFile<D>> {
        self.open.get_mut(file.0 as usize)?.as_mut()
    }

    /// Returns the process of each file.
    pub(super) fn processes(&self) -> impl Iterator<Item = i32> {
        self.open.iter().flatten().map(|file| file.pid)
    }

    /// Counts a file that a user wants to open.
    ///
    /// # Errors
    /// `ENOMEM` if the user, or all together, have too many of the kind.
    pub(super) fn admit(&mut self, node: Node, user: u32) -> Result<(), Error> {
        if node == Node::Timer && !self.timer_files.take(user, 1) {
            self.tell(user, "timer files");
            return Err(TOO_MUCH);
        }
        Ok(())
    }

    fn tell(&self, user: u32, what: &'static str) {
        if self.logged {
            budget::tell(user, what);
        }
    }

    /// Counts a file no longer.
    pub(super) fn dismiss(&mut self, node: Node, user: u32) {
        if node == Node::Timer {
            self.timer_files.give_back(user, 1);
        }
    }

    /// Takes in a file that was [admitted](Self::admit) and is open now.
    pub(super) fn insert(&mut self, file: FileId, node: Node, pid: i32, user: u32) {
        let slot = file.0 as usize;
        if self.open.len() <= slot {
            self.open.resize_with(slot + 1, || None);
        }
        self.open[slot] = Some(OpenFile { node, pid, user, parked: VecDeque::new(), wakeup: None });
    }

    /// Forgets a file. Returns the calls that waited on it.
    pub(super) fn remove(&mut self, file: FileId) -> Vec<Parked<D::Token>> {
        let mut calls = Vec::new();
        let slot = self.open.get_mut(file.0 as usize);
        if let Some(open) = slot.and_then(Option::take) {
            self.dismiss(open.node, open.user);
            calls.extend(open.parked);
        }
        let (gone, others) = self.unfinished.drain(..).partition(|(other, _)| *other == file);
        self.unfinished = others;
        let gone: VecDeque<_> = gone;
        calls.extend(gone.into_iter().map(|(_, parked)| parked));
        for parked in &calls {
            self.release(parked);
        }
        calls
    }

    /// Keeps a write that was tried and has not finished: it needs room for its bytes.
    ///
    /// # Errors
    /// `ENOMEM` if the user, or all together, have too many calls or bytes that wait.
    pub(super) fn keep_write(
        &mut self,
        file: FileId,
        token: D::Token,
        (data, done): (&[u8], usize),
        nonblock: bool,
        recorded: Recorded,
    ) -> Result<Parked<D::Token>, Error> {
        let counted = Some(self.count(file, data.len())?);
        let work = Work::Write { data: data.to_vec(), done, nonblock, recorded };
        Ok(Parked { token, work, counted })
    }

    /// Puts a call to sleep until its file is ready.
    ///
    /// # Errors
    /// `ENOMEM` if the user, or all together, have too many calls that wait.
    pub(super) fn park(&mut self, file: FileId, mut parked: Parked<D::Token>) -> Result<(), Error> {
        if parked.counted.is_none() {
            parked.counted = Some(self.count(file, 0)?);
        }
        match self.get_mut(file) {
            Some(open) => open.parked.push_back(parked),
            None => self.release(&parked),
        }
        Ok(())
    }

    /// Returns how many calls sleep on a file.
    pub(super) fn parked(&self, file: FileId) -> usize {
        self.get(file).map_or(0, |open| open.parked.len())
    }

    /// Takes out the call that has slept longest on a file. It stays counted until it is
    /// [released](Self::release).
    pub(super) fn unpark(&mut self, file: FileId) -> Option<Parked<D::Token>> {
        self.get_mut(file)?.parked.pop_front()
    }

    /// Lets a call go on in the next turn.
    pub(super) fn postpone(&mut self, file: FileId, parked: Parked<D::Token>) {
        self.unfinished.push_back((file, parked));
    }

    /// Returns how many calls go on in the next turn.
    pub(super) fn unfinished(&self) -> usize {
        self.unfinished.len()
    }

    /// Takes out the next call that goes on.
    pub(super) fn next_unfinished(&mut self) -> Option<(FileId, Parked<D::Token>)> {
        self.unfinished.pop_front()
    }

    /// Takes out the call of this name. None if it was answered.
    pub(super) fn take(&mut self, token: D::Token) -> Option<Parked<D::Token>> {
        let sleeping = self.open.iter_mut().flatten().find_map(|open| {
            let at = open.parked.iter().position(|parked| parked.token == token)?;
            open.parked.remove(at)
        });
        let parked = sleeping.or_else(|| {
            let at = self.unfinished.iter().position(|(_, parked)| parked.token == token)?;
            self.unfinished.remove(at).map(|(_, parked)| parked)
        })?;
        self.release(&parked);
        Some(parked)
    }

    /// Counts a call no longer: it waits no more.
    pub(super) fn release(&mut self, parked: &Parked<D::Token>) {
        let Some(user) = parked.counted else { return };
        self.calls.give_back(user, 1);
        self.bytes.give_back(user, parked.bytes());
    }

    /// Counts a call that has to wait with this many bytes. Returns the user who pays for it.
    fn count(&mut self, file: FileId, bytes: usize) -> Result<u32, Error> {
        let user = self.get(file).map_or(0, |open| open.user);
        let room = self.calls.take(user, 1);
        if room && self.bytes.take(user, bytes as u64) {
            return Ok(user);
        }
        if room {
            self.calls.give_back(user, 1);
        }
        self.tell(user, "calls that wait");
        Err(TOO_MUCH)
    }

    /// Returns how many files of timers are counted, of all users.
    pub(super) const fn timer_files(&self) -> u64 {
        self.timer_files.held()
    }

    /// Returns how many calls and bytes are counted, of all users.
    pub(super) const fn held(&self) -> (u64, u64) {
        (self.calls.held(), self.bytes.held())
    }
}

impl<D: Door> super::Session<D> {
    /// Returns what is counted towards the [bounds](crate::budget) of all users together, by name. All of it is 0 when no
    /// file is open.
    #[must_use]
    pub const fn held(&self) -> [(&'static str, u64); 4] {
        let (calls, bytes) = self.files.held();
        [
            ("timer_files", self.files.timer_files()),
            ("waiting_calls", calls),
            ("waiting_bytes", bytes),
            ("text_bytes", self.texts.held()),
        ]
    }
}
