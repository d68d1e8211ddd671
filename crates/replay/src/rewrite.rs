//! Writes steps as a recording, with the hash of what an engine answers now.

use crate::caught::caught;
use crate::step::Step;
use aseqd_engine::{Engine, Output};
use aseqd_recording::{
    AnswerHash, CHECKPOINT_INTERVAL, Compression, Header, Record, State, Writer,
};
use std::io::{self, Write};

/// Records the answers of an engine to steps that it is given.
#[derive(Debug)]
pub struct Rewriter<W> {
    writer: Writer<W>,
    engine: Engine,
    hash: AnswerHash,
    outputs: u32,
    answer: Vec<u8>,
    steps: u64,
    has_panicked: bool,
}

impl<W: Write> Rewriter<W> {
    /// Begins a recording of this engine. If it is not fresh, with the settings of the header, `state` says what it is.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn new(
        out: W,
        header: &Header,
        engine: Engine,
        state: Option<&State<'_>>,
    ) -> io::Result<Self> {
        let mut writer = Writer::new(out, header, Compression::Small)?;
        let mut hash = AnswerHash::new();
        if let Some(state) = state {
            writer.state(state)?;
            hash = AnswerHash::with_value(state.hash);
        }
        let answer = Vec::new();
        Ok(Self { writer, engine, hash, outputs: 0, answer, steps: 0, has_panicked: false })
    }

    /// Adds a step. If the engine panics at it, it is the last one: others are left out.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn push(&mut self, step: &Step) -> io::Result<()> {
        if self.has_panicked {
            return Ok(());
        }
        let input = step.action.input();
        self.writer.push(step.at, self.outputs, self.hash.check(), &Record::Input(input))?;
        self.outputs = 0;
        self.steps += 1;
        let Self { engine, hash, outputs, answer, .. } = self;
        let replied = caught(|| {
            let reply = engine.handle(step.at, input, answer);
            hash.answer(reply, answer);
            while let Some(output @ Output::Ready(_)) = engine.poll_output() {
                hash.output(Some(output));
                *outputs += 1;
            }
        });
        self.has_panicked = replied.is_err();
        if !self.has_panicked && self.steps.is_multiple_of(CHECKPOINT_INTERVAL) {
            self.checkpoint()?;
        }
        Ok(())
    }

    fn checkpoint(&mut self) -> io::Result<()> {
        let (_, at) = self.writer.position();
        let record = Record::Checkpoint(self.hash.value());
        self.writer.push(at, self.outputs, self.hash.check(), &record)?;
        self.outputs = 0;
        Ok(())
    }

    /// Ends the recording, and returns the output.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn finish(mut self) -> io::Result<W> {
        if self.has_panicked {
            return self.writer.finish(Some("the engine panicked"));
        }
        self.checkpoint()?;
        self.writer.finish(None)
    }
}

/// Writes steps as a recording of an engine that begins fresh, with the settings of the header.
///
/// # Errors
/// The errors of the output.
pub fn record<W: Write>(out: W, header: &Header, steps: &[Step]) -> io::Result<W> {
    let engine = Engine::with_config(header.config);
    let mut rewriter = Rewriter::new(out, header, engine, None)?;
    for step in steps {
        rewriter.push(step)?;
    }
    rewriter.finish()
}
