//! The shortest replay: it only says whether the answers are the same.
#![allow(dead_code, reason = "tests of other crates use a part of it")]

use aseqd_engine::{Call, Engine, FileId, Input, Output};
use aseqd_recording::{AnswerHash, End, Reader, Record};
use std::collections::HashMap;

/// What a replay has found.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// How many inputs came before the state that it begins with.
    pub(crate) before: u64,
    pub(crate) inputs: u64,
    /// How many inputs were writes that went on.
    pub(crate) rests: u64,
    pub(crate) notes: Vec<String>,
    pub(crate) checkpoints: u64,
    pub(crate) end: End,
}

/// Replays a recording from its beginning.
///
/// # Panics
/// If an answer is another one than was recorded.
pub(crate) fn replay(bytes: &[u8]) -> Replayed {
    let mut reader = Reader::new(bytes).expect("a recording");
    let mut engine = Engine::with_config(reader.header().config);
    let mut hash = AnswerHash::new();
    let mut before = 0;
    if let Some(state) = reader.state() {
        engine = aseqd_recording::restore(state.engine).expect("a state");
        hash = AnswerHash::with_value(state.hash);
        before = state.index;
    }
    let mut out = Vec::new();
    let mut writes: HashMap<FileId, Vec<u8>> = HashMap::new();
    let (mut inputs, mut rests, mut notes, mut checkpoints) = (0, 0, Vec::new(), 0);
    while let Some(entry) = reader.read().expect("a record") {
        if let Record::Note { text, .. } = entry.record {
            notes.push(text.to_owned());
            continue;
        }
        for _ in 0..entry.outputs {
            let output = engine.poll_output();
            assert!(matches!(output, Some(Output::Ready(_))), "before {entry:?}");
            hash.output(output);
        }
        assert_eq!(hash.check(), entry.check, "before {entry:?}");
        assert_eq!(before + inputs, entry.index);
        let kept;
        let input = match entry.record {
            Record::Input(input) => input,
            Record::Rest { file, done, nonblock } => {
                rests += 1;
                kept = writes[&file][done..].to_vec();
                Input::Call { file, call: Call::Write { data: &kept, nonblock } }
            }
            Record::Checkpoint(value) => {
                checkpoints += 1;
                assert_eq!(hash.value(), value);
                continue;
            }
            Record::Note { .. } => continue,
        };
        if let Record::Input(Input::Call { file, call: Call::Write { data, .. } }) = entry.record {
            writes.insert(file, data.to_vec());
        }
        inputs += 1;
        let reply = engine.handle(entry.now, input, &mut out);
        hash.answer(reply, &out);
    }
    Replayed {
        before,
        inputs,
        rests,
        notes,
        checkpoints,
        end: reader.end().expect("an end").clone(),
    }
}
