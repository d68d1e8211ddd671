//! Shrinks programs whose transcripts differ, many at a time: a boot of the virtual machine takes seconds, a program in
//! it milliseconds.

use crate::oracle::Side;
use crate::program::{Call, Program};

/// Maximum number of candidates in one boot.
const BATCH: usize = 2000;
/// Maximum number of rounds.
const ROUNDS: usize = 40;

/// A part of a program that may be left out.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// A number of calls, from this place.
    Calls(usize, usize),
    /// An event of a write.
    Event(usize, usize),
    /// An argument of a call.
    Argument(usize, usize),
    /// An argument of an event.
    EventArgument(usize, usize, usize),
}

/// Shrinks each program to a shorter one on which the two sides still differ. A program on which
/// they agree comes back as it is.
///
/// # Errors
/// A message for people if a side could not be run.
pub fn minimise(
    programs: &[Program],
    sides: [&Side; 2],
    progress: impl FnMut(usize, usize),
) -> Result<Vec<Program>, String> {
    let differs = |programs: &[Program]| {
        let [left, right] = [sides[0].transcripts(programs)?, sides[1].transcripts(programs)?];
        Ok(left.iter().zip(&right).map(|(left, right)| left != right).collect())
    };
    minimise_by(programs, differs, progress)
}

/// Shrinks each program to a shorter one for which `wanted` is still true, which tells it of many programs at once.
///
/// # Errors
/// Those of `wanted`.
pub fn minimise_by(
    programs: &[Program],
    mut wanted: impl FnMut(&[Program]) -> Result<Vec<bool>, String>,
    mut progress: impl FnMut(usize, usize),
) -> Result<Vec<Program>, String> {
    let mut states: Vec<State> = programs.iter().cloned().map(State::new).collect();
    for round in 0..ROUNDS {
        let mut candidates = Vec::new();
        let mut owners = Vec::new();
        for (index, state) in states.iter().enumerate() {
            for (candidate, parts) in state.candidates() {
                candidates.push(candidate);
                owners.push((index, parts));
            }
        }
        if candidates.is_empty() {
            break;
        }
        progress(round, candidates.len());
        let mut differs = Vec::new();
        for batch in candidates.chunks(BATCH) {
            differs.extend(wanted(batch)?);
        }
        let mut found = vec![Vec::new(); states.len()];
        for (((index, parts), candidate), differs) in
            owners.into_iter().zip(candidates).zip(differs)
        {
            found[index].push((candidate, parts, differs));
        }
        for (state, found) in states.iter_mut().zip(found) {
            state.take(found);
        }
    }
    Ok(states.into_iter().map(|state| state.program).collect())
}

/// How a program is being shrunk.
struct State {
    program: Program,
    stage: Stage,
    /// Events and arguments have been looked at.
    detailed: bool,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Leaves out a number of calls at a time.
    Calls(usize),
    /// Leaves out a number of parts together, of those that could be left out singly.
    Together(Vec<Part>, Box<Self>),
    /// Leaves out events and arguments.
    Details,
    Done,
}

type Found = (Program, Vec<Part>, bool);

impl State {
    fn new(program: Program) -> Self {
        let half = (program.calls.len() / 2).max(1);
        Self { program, stage: Stage::Calls(half), detailed: false }
    }

    fn candidates(&self) -> Vec<(Program, Vec<Part>)> {
        let calls = &self.program.calls;
        let single = |part: Part| (without(&self.program, &[part]), vec![part]);
        match &self.stage {
            Stage::Done => Vec::new(),
            Stage::Calls(size) => (0..calls.len())
                .step_by(*size)
                .map(|start| single(Part::Calls(start, (*size).min(calls.len() - start))))
                .collect(),
            Stage::Together(parts, _) => (1..=parts.len())
                .map(|count| (without(&self.program, &parts[..count]), parts[..count].to_vec()))
                .collect(),
            Stage::Details => details(calls).into_iter().map(single).collect(),
        }
    }

    fn take(&mut self, found: Vec<Found>) {
        let shorter = match self.stage.clone() {
            Stage::Done => return,
            Stage::Calls(size) => {
                if size > 1 {
                    self.stage = Stage::Calls(size.div_ceil(2).min(size - 1));
                } else if self.detailed {
                    self.stage = Stage::Done;
                } else {
                    self.stage = Stage::Details;
                }
                Stage::Calls(size)
            }
            Stage::Details => {
                // What details were for may not be needed any more.
                self.stage = Stage::Calls(1);
                self.detailed = true;
                Stage::Details
            }
            Stage::Together(_, before) => {
                // The longest run of removals that still differs; then again from the same size.
                let best = found.into_iter().rfind(|(_, _, differs)| *differs);
                if let Some((program, _, _)) = best {
                    self.program = program;
                }
                self.stage = match *before {
                    Stage::Calls(size) if size > 1 => {
                        Stage::Calls(size.min(self.program.calls.len()).div_ceil(2).max(1))
                    }
                    stage => stage,
                };
                return;
            }
        };
        let mut parts: Vec<Part> = found
            .into_iter()
            .filter(|(_, _, differs)| *differs)
            .flat_map(|(_, parts, _)| parts)
            .collect();
        if !parts.is_empty() {
            // Later ones first, so that earlier places stay what they are.
            parts.reverse();
            self.stage = Stage::Together(parts, Box::new(shorter));
        }
    }
}

fn details(calls: &[Call]) -> Vec<Part> {
    let mut parts = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        parts.extend((0..call.arguments.len()).map(|at| Part::Argument(index, at)));
        for (event, arguments) in call.events.iter().enumerate() {
            if call.events.len() > 1 {
                parts.push(Part::Event(index, event));
            }
            parts.extend((0..arguments.len()).map(|at| Part::EventArgument(index, event, at)));
        }
    }
    parts
}

/// Returns a program without these parts, which are in descending order of place.
fn without(program: &Program, parts: &[Part]) -> Program {
    let mut program = program.clone();
    for part in parts {
        match *part {
            Part::Calls(start, count) => {
                program.calls.drain(start..start + count);
            }
            Part::Event(call, event) => {
                program.calls[call].events.remove(event);
            }
            Part::Argument(call, at) => {
                program.calls[call].arguments.remove(at);
            }
            Part::EventArgument(call, event, at) => {
                program.calls[call].events[event].remove(at);
            }
        }
    }
    program
}
