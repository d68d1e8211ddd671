//! Programs whose calls are made by several threads and processes at once, with faults.
//!
//! Arguments of calls say so, and everything that does not know them makes the same calls one after the other:
//!
//! | argument | the call |
//! | --- | --- |
//! | `async=SEED` | is begun by a thread of its own, and the next call begins before it ends |
//! | `block=1`, of an open | opens without `O_NONBLOCK`, so that calls on the file may sleep |
//! | `block=2` or `3`, of an open | opens with that flag and clears it, or without and sets it, by `fcntl` |
//! | `process=1` or `2`, of an open | is made by another process, as are all calls on the file |
//! | `signal=N` | gets a signal after about N steps; it may end with `EINTR` |
//! | `kill=N` | is not survived by its process, which is killed after about N steps; not of process 0 |
//! | `fail=N` | is made with the N-th allocation of the kernel failing, where the kernel can do that |
//! | `cancel=N`, of a read or write | is made by a thread that is cancelled after about N steps; in process 0 |
//! | `how=N`, of a poll | sleeps until there is something to read: see [`How`] |
//! | `append=1`, of an open | opens with `O_APPEND` |
//! | `pointer=N`, of a read, write or request | passes a pointer at which not all of the buffer is: see [`Pointer`] |
//! | `vector=1`, of a read or write | is made by `readv` or `writev`, in two parts that end with an event |
//!
//! | `copy=1` or `2` | is made on a duplicate of the descriptor, or after a child process has closed its copy of it |
//!
//! The last six and `fcntl` are for device files; the session knows no descriptors, threads and pointers.
//!
//! Calls that are made at once are a *stretch*. [`Plan`] has the stretches of a program, [`session`] runs them on the
//! server's own session with an order from the seed, [`device`] with threads and processes on device files. [`serial`]
//! looks for an order of the calls, one after the other, in which the engine gives the answers that came.

mod bounds;
pub(crate) mod comparable;
mod compose;
pub mod crew;
mod describe;
pub mod device;
mod divided;
mod door;
mod files;
pub mod hand;
mod mutate;
mod pointers;
mod rest;
pub mod serial;
pub mod session;

pub use mutate::{scene, spread};
pub use pointers::Pointer;

use crate::device::{EngineDevice, Inside};
use crate::program::{Operation, Program, Value};
use crate::tape::{Answer, Step, Tape};
use crate::transcript::transcript_rude;
use aseqd_abi::ioctl;
use aseqd_abi::timer::TimerUinfo;
use aseqd_wire::user_timer::BECOME_USER_TIMER;
use zerocopy::IntoBytes as _;

/// Maximum number of calls at once. An order is looked for among all orders: 120 of five calls.
pub const MAX_AT_ONCE: usize = 5;

/// Maximum number of steps of a plan: a call may say that it is repeated a thousand times.
const MAX_STEPS: usize = 3000;

/// One step of a program, with what happens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// The call of the program that makes it.
    pub call: usize,
    /// What is done.
    pub step: Step,
    /// The number of the file that it opens, if it opens one.
    pub opens: Option<usize>,
    /// The file that it is made on.
    pub file: Option<usize>,
    /// Which process makes it.
    pub process: usize,
    /// Whether it may sleep; of a call that opens, whether calls on the file may.
    pub blocks: bool,
    /// Of a call that opens, whether `O_NONBLOCK` is changed behind it, to what `blocks` says.
    pub changes: bool,
    /// After how many steps a signal comes.
    pub signal: Option<u64>,
    /// After how many steps its process is killed.
    pub kill: Option<u64>,
    /// Which allocation of the kernel fails in it.
    pub fail: Option<u64>,
    /// After how many steps its thread is cancelled.
    pub cancel: Option<u64>,
    /// How a poll waits, if it does.
    pub how: Option<How>,
    /// Of a call that opens, whether writes append.
    pub append: bool,
    /// What is wrong with the pointer that it passes.
    pub pointer: Option<Pointer>,
    /// Whether a read or write is made by `readv` or `writev`.
    pub vector: bool,
    /// What copy of the descriptor there is meanwhile.
    pub copy: Option<Copied>,
}

/// A copy of a descriptor, which makes no difference to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The call is made on a duplicate, which is closed then.
    Duplicate,
    /// A child process has closed the one that it inherited.
    InChild,
}

impl Copied {
    const fn of(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Duplicate),
            2 => Some(Self::InChild),
            _ => None,
        }
    }
}

/// How a thread waits until there is something to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By `poll`.
    Poll,
    /// By an epoll of its own.
    Epoll,
    /// For an edge, by an epoll that stays with the file. The first such call on a file only makes it.
    Edge,
}

impl How {
    const fn of(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Poll),
            2 => Some(Self::Epoll),
            3 => Some(Self::Edge),
            _ => None,
        }
    }
}

/// A program as stretches of calls that are made at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The calls.
    pub stretches: Vec<Vec<Op>>,
    /// The seed of all that is left to chance.
    pub seed: u64,
    /// Whether the sequencer has UMP and user-driven timers.
    pub ump: bool,
    /// How many files are opened.
    pub files: usize,
}

impl Op {
    /// Returns the close of a file that nobody asked for: its process has died.
    pub(crate) const fn close(file: usize, process: usize) -> Self {
        Self {
            call: usize::MAX,
            step: Step::Close(file),
            opens: None,
            file: Some(file),
            process,
            blocks: false,
            changes: false,
            signal: None,
            kill: None,
            fail: None,
            cancel: None,
            how: None,
            append: false,
            pointer: None,
            vector: false,
            copy: None,
        }
    }
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The call returned.
    Answered(Answer),
    /// The call ended with `EINTR`. With `idle`, everything else had come to rest before the signal.
    Interrupted {
        /// Whether nothing else could have happened any more.
        idle: bool,
    },
    /// The file was not open in the process.
    NotOpen,
    /// Nobody knows: the process died.
    Lost,
}

/// A step that was made, in a stretch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The step.
    pub op: Op,
    /// What came of it.
    pub outcome: Outcome,
}

/// The steps of a stretch, in the order in which they were answered.
pub type Stretch = Vec<Observed>;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// A word for what it is, with the call if it was made alone.
    pub kind: String,
    /// What was found.
    pub text: String,
}

/// Returns whether a program has anything that concerns threads, processes or faults.
#[must_use]
pub fn is_concurrent(program: &Program) -> bool {
    const WORDS: [&str; 12] = [
        "async", "block", "process", "signal", "kill", "fail", "cancel", "how", "append",
        "pointer", "vector", "copy",
    ];
    program.calls.iter().any(|call| call.arguments.iter().any(|(name, _)| WORDS.contains(name)))
}

/// Returns a number that belongs to a call, if it has one.
fn number(program: &Program, call: usize, name: &str) -> Option<u64> {
    let value = program.calls.get(call)?.argument(name)?;
    match value {
        Value::Number(number) => Some(number.unsigned_abs()),
        _ => None,
    }
}

/// What an opened file is like.
#[derive(Clone, Copy, Default)]
struct Opened {
    process: usize,
    blocks: bool,
}

impl Plan {
    /// Makes the plan of a program. The bytes of its calls are those that it passes if its calls are made one after the
    /// other on a fresh engine.
    #[must_use]
    pub fn of(program: &Program) -> Self {
        let mut tape = Tape::new(EngineDevice::of(program));
        transcript_rude(&mut tape, program);
        let mut files: Vec<Opened> = Vec::new();
        let mut seed = 0xcbf2_9ce4_8422_2325_u64;
        let mut ops: Vec<(Op, bool)> = Vec::new();
        for ((step, _), call) in tape.steps.iter().zip(&tape.calls).take(MAX_STEPS) {
            let number = |name| number(program, *call, name);
            if is_question(program, *call, step, ops.last().map(|(op, _)| op)) {
                continue;
            }
            let ours = our_request(step);
            let step = ours.as_ref().unwrap_or(step);
            if let Step::Inside(inside) = step {
                // The session has its own engine. What is opened there is not open here.
                if inside.opens() {
                    files.push(Opened::default());
                }
                continue;
            }
            let mut op = Op {
                call: *call,
                step: step.clone(),
                opens: None,
                file: file_of(step),
                process: 0,
                blocks: false,
                changes: false,
                signal: number("signal"),
                kill: number("kill"),
                fail: number("fail"),
                cancel: number("cancel"),
                how: None,
                append: false,
                pointer: None,
                vector: number("vector").is_some_and(|vector| vector != 0),
                copy: number("copy").and_then(Copied::of),
            };
            let on = op.file.and_then(|file| files.get(file)).copied();
            (op.process, op.blocks) = on.map_or((0, false), |on| (on.process, on.blocks));
            match step {
                Step::Open(_) | Step::OpenTimer(_) => {
                    op.process = usize::try_from(number("process").unwrap_or(0) % 3).unwrap_or(0);
                    let block = number("block").unwrap_or(0) % 4;
                    (op.blocks, op.changes) = (matches!(block, 1 | 2), block >= 2);
                    op.append = number("append").is_some_and(|append| append != 0);
                    op.opens = Some(files.len());
                    files.push(Opened { process: op.process, blocks: op.blocks });
                }
                Step::CreateTimer(..) => {
                    op.opens = Some(files.len());
                    files.push(Opened { process: op.process, blocks: false });
                }
                Step::Poll(_) => op.how = number("how").and_then(How::of),
                Step::Read(..) | Step::Write(..) | Step::Ioctl { .. } => {
                    op.pointer = number("pointer").map(Pointer::of);
                }
                _ => {}
            }
            let begun = number("async");
            for number in [begun, op.signal, op.kill].into_iter().flatten() {
                seed = (seed ^ number).wrapping_mul(0x0100_0000_01b3).rotate_left(17);
            }
            ops.push((op, begun.is_some()));
        }
        let mut stretches: Vec<Vec<Op>> = Vec::new();
        let mut open = false;
        for (op, begun) in ops {
            let alone = matches!(op.step, Step::Wait(_));
            match stretches.last_mut().filter(|last| open && !alone && last.len() < MAX_AT_ONCE) {
                Some(last) => last.push(op),
                None => stretches.push(vec![op]),
            }
            open = begun && !alone;
        }
        Self { stretches, seed, ump: program.ump, files: files.len() }
    }
}

/// Returns our own request as a program makes it, if a step is what the server does then.
fn our_request(step: &Step) -> Option<Step> {
    let Step::Inside(Inside::BecomeUserTimer(file, resolution)) = step else { return None };
    let argument = TimerUinfo { resolution: *resolution, ..TimerUinfo::default() };
    let argument = argument.as_bytes().to_vec();
    Some(Step::Ioctl { file: *file, code: BECOME_USER_TIMER, compat: false, argument })
}

/// Returns whether a step is only a question of the transcript, about what the call before it has done.
fn is_question(program: &Program, call: usize, step: &Step, before: Option<&Op>) -> bool {
    let Some(before) = before.filter(|before| before.call == call) else { return false };
    let Step::Ioctl { code, .. } = step else { return false };
    let Some(asked) = program.calls.get(call) else { return false };
    match asked.operation {
        Operation::Open => *code == ioctl::sequencer::CLIENT_ID && before.opens.is_some(),
        Operation::Request("set_queue_client") => *code == ioctl::sequencer::GET_QUEUE_CLIENT,
        Operation::Request("set_client_pool") => *code == ioctl::sequencer::GET_CLIENT_POOL,
        _ => false,
    }
}

/// Returns the file that a step is made on.
const fn file_of(step: &Step) -> Option<usize> {
    match step {
        Step::Close(file)
        | Step::Write(file, _)
        | Step::Read(file, _)
        | Step::Poll(file)
        | Step::CreateTimer(file, _)
        | Step::Ioctl { file, .. } => Some(*file),
        Step::Open(_) | Step::OpenTimer(_) | Step::Wait(_) | Step::Inside(_) => None,
    }
}

/// Returns the kinds of what calls answered, alone, and with what was answered just before in the same stretch.
pub(crate) fn answers(program: &Program, history: &[Stretch]) -> Vec<u64> {
    let mut all = Vec::new();
    for stretch in history {
        let mut before = String::new();
        for observed in stretch {
            let call = program.calls.get(observed.op.call);
            let name = call.map_or("close", |call| call.operation.name());
            let what = match &observed.outcome {
                Outcome::Answered(Answer { value: Ok(_), .. }) => "done".to_owned(),
                Outcome::Answered(Answer { value: Err(error), .. }) => error.to_string(),
                other => format!("{other:?}"),
            };
            let this = format!("{name} {what}");
            all.push(crate::hash(std::slice::from_ref(&this)));
            if stretch.len() > 1 {
                all.push(crate::hash(&[before, this.clone()]));
            }
            before = this;
        }
    }
    all
}

/// Returns what calls answered in words: stretch by stretch, in the order of the answers.
#[must_use]
pub fn log(program: &Program, history: &[Stretch]) -> String {
    let mut text = String::new();
    for stretch in history {
        if stretch.len() > 1 {
            text += "at once, answered in this order:\n";
        }
        for Observed { op, outcome } in stretch {
            let call = program.calls.get(op.call).map(ToString::to_string);
            let call = call.unwrap_or_else(|| format!("{:?}, at the end", op.step));
            let told = match outcome {
                Outcome::Answered(Answer { value: Ok(value), told }) => {
                    format!("= {value} {told:02x?}")
                }
                Outcome::Answered(Answer { value: Err(error), .. }) => format!("= {error}"),
                other => format!("{other:?}"),
            };
            text += &format!("{call}\n    {told}\n");
        }
    }
    text
}
