//! Runs a recording in an engine, and compares the answers with the recorded ones.

use crate::clients::{ClientFile, Clients};
use crate::step::Action;
use aseqd_engine::{Call, Engine, FileId, Input, Output, Reply, Time};
use aseqd_recording::{AnswerHash, End, Header, ReadError, Reader, Record, State};
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

/// Why a recording cannot be replayed.
#[derive(Debug)]
#[non_exhaustive]
#[expect(
    clippy::error_impl_error,
    reason = "the module has this one error; callers say replayer::Error"
)]
pub enum Error {
    /// It cannot be read.
    Read(ReadError),
    /// The state of the engine that it begins with makes no sense to this version.
    State(&'static str),
    /// A write goes on that has not begun.
    Rest {
        /// The number of the record, from 1.
        record: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::State(why) => write!(f, "the state that the recording begins with {why}"),
            Self::Rest { record } => {
                write!(
                    f,
                    "record {record} makes no sense: it goes on with a write that has not begun"
                )
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

/// The first answer that is not the recorded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The number of the record, from 1.
    pub record: u64,
    /// When it happened.
    pub at: Time,
    /// What entered the engine.
    pub action: Action,
    /// What the engine answers now.
    pub reply: Reply,
    /// What goes back to the program now.
    pub out: Vec<u8>,
    /// The hash of all answers so far, as recorded: 32 bits of a checkpoint, or the lowest 8.
    pub expected: u32,
    /// The same part of the present hash.
    pub found: u32,
}

/// A record that was replayed.
#[derive(Clone, Copy, Debug)]
pub struct Played<'a> {
    /// The number of the record, from 1. Only what entered the engine counts.
    pub record: u64,
    /// When it happened.
    pub at: Time,
    /// How many outputs were taken from the engine before it, since the record before.
    pub outputs: u32,
    /// What entered the engine.
    pub action: &'a Action,
    /// What the engine answered.
    pub reply: Reply,
    /// What went back to the program.
    pub out: &'a [u8],
    /// The client that it was a call of.
    pub client: Option<ClientFile>,
}

/// Replays a recording, record by record: memory does not grow with the file.
#[derive(Debug)]
pub struct Replayer<R> {
    reader: Reader<R>,
    start: Box<Engine>,
    engine: Engine,
    hash: AnswerHash,
    clients: Clients,
    /// The last write of each file, if it has not come to its end.
    writes: BTreeMap<FileId, Vec<u8>>,
    action: Action,
    reply: Reply,
    out: Vec<u8>,
    /// The number of the record in `action`, and its time.
    record: u64,
    at: Time,
    /// Whether it is still to be replayed.
    is_waiting: bool,
    /// Whether it goes on with a write.
    is_rest: bool,
    /// How many outputs were taken before it.
    outputs: u32,
    began: Option<Time>,
    difference: Option<Difference>,
}

impl<R: Read> Replayer<R> {
    /// Begins with the settings, and with the state if there is one, of a recording.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::State`].
    pub fn new(from: R) -> Result<Self, Error> {
        let reader = Reader::new(from)?;
        let engine = start(&reader)?;
        let state = reader.state();
        Ok(Self {
            hash: state.map_or_else(AnswerHash::new, |state| AnswerHash::with_value(state.hash)),
            record: state.map_or(0, |state| state.index),
            at: state.map_or(Time(0), |state| state.now),
            began: state.map(|state| state.now),
            start: Box::new(engine.clone()),
            engine,
            clients: Clients::default(),
            writes: BTreeMap::new(),
            action: Action::Timeout,
            reply: Reply::Done(0),
            out: Vec::new(),
            is_waiting: false,
            is_rest: false,
            outputs: 0,
            difference: None,
            reader,
        })
    }

    /// Returns what the recording says about itself.
    pub const fn header(&self) -> &Header {
        self.reader.header()
    }

    /// Returns the state of the engine that the recording begins with. With `None` it begins with a fresh one.
    pub fn state(&self) -> Option<State<'_>> {
        self.reader.state()
    }

    /// Returns the engine as it was before the first record.
    pub const fn start(&self) -> &Engine {
        &self.start
    }

    /// Returns the engine as it is after the last record.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns the number of the latest record, from 1; those before the state that the recording begins with count too.
    pub const fn records(&self) -> u64 {
        self.record
    }

    /// Returns the hash of all answers so far.
    pub const fn hash(&self) -> u32 {
        self.hash.value()
    }

    /// Returns the time of the latest record.
    pub const fn now(&self) -> Time {
        self.at
    }

    /// Returns the time of the first record, once it was read.
    pub const fn began(&self) -> Option<Time> {
        self.began
    }

    /// Returns the first answer that is not the recorded one.
    ///
    /// Each record has 8 bits of the hash, and there are 32 every 256 records. So with a probability of 1 in 256 it is
    /// the record after.
    pub const fn difference(&self) -> Option<&Difference> {
        self.difference.as_ref()
    }

    /// Returns how the recording ends, once it is replayed to its end.
    pub const fn end(&self) -> Option<&End> {
        self.reader.end()
    }

    /// Reads up to the next record that entered the engine, and compares the answers so far. Returns when that record
    /// happened, or `None` at the end. [`play`](Self::play) replays it.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Rest`].
    pub fn advance(&mut self) -> Result<Option<Time>, Error> {
        if self.is_waiting {
            return Ok(Some(self.at));
        }
        self.outputs = 0;
        loop {
            let Some(entry) = self.reader.read()? else { return Ok(None) };
            let now = entry.now;
            for _ in 0..entry.outputs {
                let output = self.engine.poll_output();
                self.hash.output(output);
                self.outputs += 1;
                // Nothing is left to take, whatever a damaged file says.
                if output.is_none() {
                    break;
                }
            }
            let (expected, found) = match entry.record {
                Record::Checkpoint(hash) => (hash, self.hash.value()),
                Record::Note { .. } => continue,
                _ => (entry.check.into(), self.hash.check().into()),
            };
            if expected != found && self.difference.is_none() {
                self.difference = Some(Difference {
                    record: self.record,
                    at: self.at,
                    action: self.action.clone(),
                    reply: self.reply,
                    out: self.out.clone(),
                    expected,
                    found,
                });
            }
            match entry.record {
                Record::Input(input) => self.action = Action::of(input),
                Record::Rest { file, done, nonblock } => {
                    let data = self.writes.get(&file).and_then(|data| data.get(done..));
                    let data = data.ok_or(Error::Rest { record: self.record + 1 })?.to_vec();
                    self.action = Action::Write { file, data, nonblock };
                }
                _ => continue,
            }
            self.is_rest = matches!(entry.record, Record::Rest { .. });
            self.record += 1;
            self.at = now;
            self.began.get_or_insert(now);
            self.is_waiting = true;
            return Ok(Some(now));
        }
    }

    /// Returns the record that is replayed next, or that was replayed last.
    pub const fn action(&self) -> &Action {
        &self.action
    }

    /// Replays the record that [`advance`](Self::advance) has come to; returns `None` if there is none.
    ///
    /// # Panics
    /// If the engine does, because of a defect of it, or because it began with a damaged state.
    pub fn play(&mut self) -> Option<Played<'_>> {
        if !std::mem::take(&mut self.is_waiting) {
            return None;
        }
        let input = self.action.input();
        self.reply = self.engine.handle(self.at, input, &mut self.out);
        self.hash.answer(self.reply, &self.out);
        self.clients.saw(input);
        let goes_on = matches!(self.reply, Reply::Wait(_) | Reply::More(_));
        match input {
            // The bytes of the whole write stay.
            Input::Call { call: Call::Write { .. }, .. } if goes_on && self.is_rest => {}
            Input::Call { file, call: Call::Write { data, .. } } if goes_on => {
                self.writes.insert(file, data.to_vec());
            }
            Input::Close { file } | Input::Call { file, call: Call::Write { .. } } => {
                self.writes.remove(&file);
            }
            _ => {}
        }
        let client = match input {
            // Between the name of a thread and its call nothing may come.
            Input::Call { file, .. } => self.clients.of(&mut self.engine, self.at, file),
            _ => None,
        };
        Some(Played {
            record: self.record,
            at: self.at,
            outputs: self.outputs,
            action: &self.action,
            reply: self.reply,
            out: &self.out,
            client,
        })
    }

    /// Replays the next record. Returns `None` at the end.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    ///
    /// # Panics
    /// As [`play`](Self::play).
    pub fn step(&mut self) -> Result<Option<Played<'_>>, Error> {
        self.advance()?;
        Ok(self.play())
    }

    /// Takes the outputs that are left, so that the engine is as the driver leaves it.
    pub fn settle(&mut self) {
        while let Some(Output::Ready(_)) = self.engine.poll_output() {}
    }
}

/// Returns the engine that a recording begins with.
///
/// # Errors
/// [`Error::State`] if the state makes no sense.
pub fn start<R: Read>(reader: &Reader<R>) -> Result<Engine, Error> {
    match reader.state() {
        None => Ok(Engine::with_config(reader.header().config)),
        Some(state) => aseqd_recording::restore(state.engine)
            .ok_or(Error::State("was made by another version of aseqd")),
    }
}
