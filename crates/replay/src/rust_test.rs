//! Writes a recording as a Rust test of the engine, which asserts every answer.

use crate::replayer::Played;
use crate::step::Action;
use crate::words;
use aseqd_engine::{Access, Config, Node, Reply};
use aseqd_recording::Header;
use std::fmt;
use std::io::{self, Write};

/// What comes before the table of steps.
const HEAD: &str = "\
// The package of this test needs `aseqd-engine` among its dev-dependencies.

use aseqd_engine::{Access, Call, Config, Engine, FileId, Identity, Input, Node, Reply, Time};

/// What an input is answered with. A failed call has the number of its error.
#[allow(dead_code)]
#[derive(Debug, PartialEq)]
enum Answer {
    Done(usize),
    Wait(usize),
    More(usize),
    Failed(u16),
}
#[allow(unused_imports)]
use Answer::{Done, Failed, More, Wait};

/// Returns bytes with zeros behind them.
#[allow(dead_code)]
const fn padded<const SIZE: usize>(head: &[u8]) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    let mut at = 0;
    while at < head.len() {
        bytes[at] = head[at];
        at += 1;
    }
    bytes
}

/// Time in nanoseconds, how many outputs are taken before, input, answer, bytes that go back.
type Step = (u64, u32, Input<'static>, Answer, &'static [u8]);

#[rustfmt::skip]
const STEPS: &[Step] = &[
";

/// What comes after it, up to the settings of the engine.
const TAIL: &str = "\
];

#[test]
#[allow(clippy::needless_update)]
fn every_answer_is_the_recorded_one() {
";

const LOOP: &str = "
    let mut engine = Engine::with_config(config);
    let mut out = Vec::new();
    for (number, (at, outputs, input, answer, bytes)) in (1..).zip(STEPS) {
        for _ in 0..*outputs {
            assert!(engine.poll_output().is_some(), \"an output before record {number}\");
        }
        let given = match engine.handle(Time(*at), *input, &mut out) {
            Reply::Done(value) => Done(value),
            Reply::Wait(value) => Wait(value),
            Reply::More(value) => More(value),
            Reply::Failed(error) => Failed(error.errno.0),
        };
        assert_eq!(given, *answer, \"the answer to record {number}: {input:?}\");
        assert_eq!(out, *bytes, \"the bytes of record {number}: {input:?}\");
    }
}
";

/// Writes a Rust test, a record after the other.
#[derive(Debug)]
pub struct RustTest<W> {
    out: W,
    config: Config,
}

impl<W: Write> RustTest<W> {
    /// Begins a test for a recording.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn new(mut out: W, header: &Header) -> io::Result<Self> {
        writeln!(
            out,
            "//! A recording of aseqd {}, made into a test by `aseqd replay --to-test`.",
            words::plain(&header.version)
        )?;
        out.write_all(HEAD.as_bytes())?;
        Ok(Self { out, config: header.config })
    }

    /// Adds a record and what it was answered.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn push(&mut self, played: &Played<'_>) -> io::Result<()> {
        let Played { record, at, outputs, action, reply, out, .. } = *played;
        let ump = played.client.is_some_and(|client| client.ump);
        writeln!(self.out, "    // {record}: {}", words::action(action, ump))?;
        writeln!(
            self.out,
            "    ({}, {outputs}, {}, {}, {}),",
            at.0,
            AsInput(action),
            AsAnswer(reply),
            Bytes(out)
        )
    }

    /// Ends the test, and returns the output.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn finish(mut self) -> io::Result<W> {
        let Config { user_timers, quantise, hz, clients, notes_off, ump, .. } = self.config;
        self.out.write_all(TAIL.as_bytes())?;
        writeln!(
            self.out,
            "    let config = Config {{\n        user_timers: {user_timers},\n        quantise: {quantise},\n        \
             hz: {hz},\n        clients: {clients},\n        notes_off: {notes_off},\n        ump: {ump},\n        \
             ..Config::default()\n    }};"
        )?;
        self.out.write_all(LOOP.trim_start_matches('\n').as_bytes())?;
        Ok(self.out)
    }
}

/// An input as Rust.
struct AsInput<'a>(&'a Action);

impl fmt::Display for AsInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Action::Open { node, access, pid } => {
                let node = match node {
                    Node::Sequencer => "Sequencer",
                    Node::Timer => "Timer",
                    Node::Control => "Control",
                };
                let access = access_name(*access);
                write!(
                    f,
                    "Input::Open {{ node: Node::{node}, access: Access::{access}, identity: Identity::User {{ pid: {pid} }} }}"
                )
            }
            Action::OpenKernel { access, number, card, name } => {
                let access = access_name(*access);
                write!(
                    f,
                    "Input::Open {{ node: Node::Sequencer, access: Access::{access}, identity: Identity::Kernel {{ number: {number:?}, card: {card}, name: {name:?} }} }}"
                )
            }
            Action::Ioctl { file, request, compat, arg } => {
                let arg = Bytes(arg);
                let call = format_args!(
                    "Ioctl {{ request: {request:#010x}, compat: {compat}, arg: {arg} }}"
                )
                .to_string();
                write_call(f, file.0, &call)
            }
            Action::Read { file, len, nonblock } => {
                write_call(f, file.0, &format!("Read {{ len: {len}, nonblock: {nonblock} }}"))
            }
            Action::Write { file, data, nonblock } => {
                let call = format!("Write {{ data: {}, nonblock: {nonblock} }}", Bytes(data));
                write_call(f, file.0, &call)
            }
            Action::Poll { file } => write_call(f, file.0, "Poll"),
            Action::Thread { file, thread } => {
                write!(f, "Input::Thread {{ file: FileId({}), thread: {thread} }}", file.0)
            }
            Action::BecomeUserTimer { file, resolution } => write!(
                f,
                "Input::BecomeUserTimer {{ file: FileId({}), resolution: {resolution} }}",
                file.0
            ),
            Action::Close { file } => write!(f, "Input::Close {{ file: FileId({}) }}", file.0),
            Action::Timeout => f.write_str("Input::Timeout"),
        }
    }
}

fn write_call(f: &mut fmt::Formatter<'_>, file: u32, call: &str) -> fmt::Result {
    write!(f, "Input::Call {{ file: FileId({file}), call: Call::{call} }}")
}

const fn access_name(access: Access) -> &'static str {
    match access {
        Access::Read => "Read",
        Access::Write => "Write",
        Access::ReadWrite => "ReadWrite",
    }
}

/// An answer as Rust.
struct AsAnswer(Reply);

impl fmt::Display for AsAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reply::Done(value) => write!(f, "Done({value})"),
            Reply::Wait(value) => write!(f, "Wait({value})"),
            Reply::More(value) => write!(f, "More({value})"),
            Reply::Failed(error) => write!(f, "Failed({})", error.errno.0),
        }
    }
}

/// Bytes as Rust.
struct Bytes<'a>(&'a [u8]);

impl fmt::Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        let list = words::list(&bytes[..used]);
        match bytes.len() - used {
            // A few zeros are shorter than a call.
            0..=8 => write!(f, "&[{}]", words::list(bytes)),
            _ => write!(f, "&padded::<{}>(&[{list}])", bytes.len()),
        }
    }
}
