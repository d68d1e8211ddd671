//! Reproducers of a finding: a syzkaller program, a C file and a Rust test. Each is built and run before it counts.

mod c;
mod device;
mod run;
mod rust;
mod threads;

use crate::fuzz::{Checks, Wrong, execute, finding, model};
use crate::program::{Operation, Program, Value};
use crate::tape::{Answer, Step, Tape};
use crate::transcript::{transcript, transcript_rude};
use crate::{EngineDevice, import, syz, text};
use std::fs;
use std::path::{Path, PathBuf};

/// What came of a reproducer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was run, and what was found happened again.
    Reproduces,
    /// It was run, and did something else: in words.
    Differs(String),
    /// It could not be run: why.
    NotRun(String),
}

/// A reproducer of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reproducer {
    /// Its kind.
    pub kind: &'static str,
    /// Its file.
    pub file: PathBuf,
    /// What came of it.
    pub verdict: Verdict,
}

/// Where reproducers are built and run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The command under which the C program finds the devices, in words; those of this machine if there is none.
    pub under: Option<Vec<String>>,
    /// For a finding of a kernel: the script that boots one, and its name.
    pub kernel: Option<(PathBuf, String)>,
    /// The folder of the repository, for the Rust test.
    pub repository: Option<PathBuf>,
}

/// What is known about a finding of the engine.
pub(crate) struct Known {
    title: String,
    wrong: Wrong,
    /// The calls up to the failure, with what came of them.
    steps: Vec<(Step, Answer)>,
    /// The difference to the model, if that is the finding.
    difference: Option<model::Difference>,
    program: Program,
}

/// Makes the reproducers of a finding in its folder.
///
/// # Errors
/// A message for people if the finding cannot be read, or if the engine does not show it and no device is named.
pub fn reproduce(folder: &Path, options: &Options) -> Result<Vec<Reproducer>, String> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let title = read("title")?.trim().to_owned();
    let programs = text::parse_all(&read("program")?)?;
    let known = match programs.as_slice() {
        [program] if options.kernel.is_none() => know(&title, program.clone()),
        _ => None,
    };
    let Some(known) = known else {
        if options.kernel.is_none() && options.under.is_none() {
            return Err(format!(
                "{title}: the engine does not show it; name the command that has the device with --under, or a kernel with \
                 --kernel"
            ));
        }
        return device::reproduce(folder, &title, &programs, options);
    };
    let steps: Vec<Step> = known.steps.iter().map(|(step, _)| step.clone()).collect();
    let mut made = Vec::new();
    for kind in ["syzkaller program", "C program", "Rust test"] {
        let (name, source) = match kind {
            "syzkaller program" => ("repro.syz", Some(syz::write(&steps, syz::Form::Ours))),
            "C program" => ("repro.c", Some(c::source(&known.title, &known.steps))),
            _ => ("repro.rs", rust::source(&known)),
        };
        let Some(source) = source else {
            let why = "only the fuzzer's allocator shows this finding".into();
            made.push(Reproducer { kind, file: folder.join(name), verdict: Verdict::NotRun(why) });
            continue;
        };
        let file = folder.join(name);
        fs::write(&file, &source).map_err(|error| format!("{}: {error}", file.display()))?;
        let verdict = match kind {
            "syzkaller program" => run_syz(&source, &known),
            "C program" => c::run(&file, &known, options.under.as_deref()),
            _ => rust::run(&source, options.repository.as_deref()),
        };
        made.push(Reproducer { kind, file, verdict });
    }
    Ok(made)
}

/// Runs a program of a finding again on the engine, and takes its calls down. Returns nothing if it does not show it.
fn know(title: &str, program: Program) -> Option<Known> {
    let ran = execute(&program, Checks::ALL);
    let wrong = ran.wrong.filter(|wrong| finding::title(&wrong.report) == title)?;
    let rude = program.calls.len() % 2 == 1;
    let steps = taken_down(&program, rude);
    let difference =
        model::compare(&steps, &program).err().filter(|_| wrong.key.starts_with("model_"));
    Some(Known { title: title.to_owned(), wrong, steps, difference, program })
}

/// Returns the calls of a program with their answers. If the engine panics in one, this is the last, and its answer is a
/// value that no call returns.
fn taken_down(program: &Program, rude: bool) -> Vec<(Step, Answer)> {
    let tape = std::cell::RefCell::new(Tape::new(EngineDevice::of(program)));
    let run = || {
        let mut tape = tape.borrow_mut();
        if rude { transcript_rude(&mut *tape, program) } else { transcript(&mut *tape, program) }
    };
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    std::panic::set_hook(hook);
    let mut tape = tape.into_inner();
    if ended.is_err() {
        tape.steps.extend(
            tape.pending.take().map(|step| (step, Answer { value: Ok(-1), told: Vec::new() })),
        );
    }
    tape.steps
}

/// Runs the text of a syzkaller program on the engine.
fn run_syz(source: &str, known: &Known) -> Verdict {
    let reading = match syz::read(source) {
        Ok(reading) => reading,
        Err(error) => return Verdict::Differs(error),
    };
    let mut program = import::program_of(&reading.steps);
    program.ump |= known.program.ump;
    // What the transcript asks for by itself is part of the calls.
    let asked = |call: &crate::Call| call.operation == Operation::Request("client_id");
    program.calls.retain(|call| !asked(call) || call.argument("times") == Some(&Value::Number(1)));
    // The number of calls decides how files are closed.
    if program.calls.len() % 2 != known.program.calls.len() % 2 {
        program.calls.extend(
            crate::parse("mode still\nc0.poll").map_or_else(|_| Vec::new(), |poll| poll.calls),
        );
    }
    match execute(&program, Checks { stack: false, ..Checks::ALL }).wrong {
        Some(wrong) if wrong.key == known.wrong.key => Verdict::Reproduces,
        Some(wrong) => Verdict::Differs(format!("it shows {} instead", wrong.key)),
        None => Verdict::Differs("it shows nothing".into()),
    }
}
