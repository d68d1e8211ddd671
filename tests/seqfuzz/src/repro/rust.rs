//! The Rust test: the calls of a finding on the engine, with the rig of its tests. It fails as long as the defect is there.

use super::run::{BUILD, Output, output};
use super::{Known, Verdict};
use crate::device::Access;
use crate::program::Settings;
use crate::tape::{Answer, Step};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// The head of a test for `crates/engine/tests`.
const HEAD: &str = r#"
mod rig;

use aseqd_engine::{Access, Call, Config, FileId, Identity, Input, Node, READABLE, Reply, WRITABLE};
use rig::Rig;

/// A value or an error number, and bytes that came back.
type Answer = (Result<usize, u16>, Vec<u8>);

/// The calls of a program: files by number, in the order of the calls that open them.
struct Calls {
    rig: Rig,
    files: Vec<Option<FileId>>,
    out: Vec<u8>,
}

#[allow(dead_code, reason = "a test uses a part of it")]
impl Calls {
    fn new(ump: bool) -> Self {
        let config = Config { ump, user_timers: ump, ..Config::default() };
        let mut rig = Rig::with_config(config);
        rig.now = aseqd_engine::Time(1_000_000_000);
        Self { rig, files: Vec::new(), out: Vec::new() }
    }
    fn handle(&mut self, input: Input<'_>) -> Reply {
        let reply = self.rig.engine.handle(self.rig.now, input, &mut self.out);
        while self.rig.engine.poll_output().is_some() {}
        reply
    }
    fn open(&mut self, node: Node, access: Access) {
        let opened = self.rig.engine.open_node(self.rig.now, node, access, Identity::User { pid: 4242 });
        self.files.push(opened.ok());
    }
    fn call(&mut self, file: usize, call: Call<'_>) -> Reply {
        let file = self.files[file].unwrap_or(FileId(u32::MAX));
        self.handle(Input::Call { file, call })
    }
    /// Returns an answer and the bytes that came back.
    fn answer(&mut self, file: usize, call: Call<'_>) -> Answer {
        let answer = self.call(file, call).finish().map_err(|error| error.errno.0);
        let told = if answer.is_ok() { self.out.clone() } else { Vec::new() };
        (answer, told)
    }
    fn ioctl(&mut self, file: usize, request: u32, compat: bool, arg: &[u8]) -> Answer {
        let (answer, mut told) = self.answer(file, Call::Ioctl { request, compat, arg });
        let rest = arg.get(told.len()..).unwrap_or_default();
        told.extend(rest);
        (answer, told)
    }
    fn create_timer(&mut self, file: usize, request: u32, arg: &[u8]) -> Answer {
        let answer = self.ioctl(file, request, false, arg);
        let number = |told: &[u8]| u32::from_le_bytes(told[8..12].try_into().expect("a word"));
        self.files.push(answer.0.is_ok().then(|| FileId(number(&answer.1))));
        answer
    }
    fn write(&mut self, file: usize, data: &[u8]) -> Answer {
        let mut done = 0;
        let last = loop {
            match self.call(file, Call::Write { data: &data[done..], nonblock: true }) {
                Reply::More(more) => done += more,
                Reply::Failed(error) if done == 0 => break Err(error.errno.0),
                Reply::Failed(_) => break Ok(done),
                Reply::Done(more) | Reply::Wait(more) => break Ok(done + more),
            }
        };
        (last, Vec::new())
    }
    fn read(&mut self, file: usize, len: usize) -> Answer {
        let (read, mut told) = self.answer(file, Call::Read { len, nonblock: true });
        told.truncate(read.unwrap_or(0));
        (read, told)
    }
    /// Returns 1 if there is something to read, and 2 if there is room to write.
    fn poll(&mut self, file: usize) -> usize {
        let bits = self.call(file, Call::Poll).finish().unwrap_or(0);
        usize::from(bits & READABLE != 0) | usize::from(bits & WRITABLE != 0) << 1
    }
    fn close(&mut self, file: usize) {
        if let Some(file) = self.files[file].take() {
            let _closed = self.handle(Input::Close { file });
        }
    }
    fn wait(&mut self, nanoseconds: u64) {
        let end = self.rig.now + nanoseconds;
        while let Some(deadline) = self.rig.engine.poll_timeout().filter(|deadline| *deadline <= end) {
            self.rig.now = self.rig.now.max(deadline);
            let _done = self.handle(Input::Timeout);
        }
        self.rig.now = end;
        let _done = self.handle(Input::Timeout);
    }
    fn state(&self) -> String {
        let texts = [self.rig.engine.proc_clients(), self.rig.engine.proc_queues(), self.rig.engine.proc_timers()];
        texts.concat().lines().filter(|line| !line.contains("peak")).collect::<Vec<_>>().join("\n")
    }
}
"#;

fn bytes(bytes: &[u8]) -> String {
    let mut text = String::from("b\"");
    for byte in bytes {
        let _infallible = write!(text, "\\x{byte:02x}");
    }
    text.push('"');
    text
}

/// Returns the test; nothing if the engine's interface does not show the finding.
pub(super) fn source(known: &Known) -> Option<String> {
    if known.wrong.key == "memory" || known.wrong.key == "second_run_differs" {
        return None;
    }
    // The test's own engine has no such things.
    let inside = known.steps.iter().any(|(step, _)| matches!(step, Step::Inside(_)));
    if inside || known.program.settings != Settings::default() {
        return None;
    }
    let mut source = format!(
        "//! {}\n//!\n//! For `crates/engine/tests`; it fails as long as the defect is there.\n{HEAD}\n#[test]\nfn reproduces() {{\n    let mut calls = Calls::new({});\n",
        known.title.replace('\n', " "),
        known.program.ump
    );
    let state = known.wrong.key.starts_with("left_over_");
    if state {
        source.push_str("    let fresh = calls.state();\n");
    }
    for (index, (step, _)) in known.steps.iter().enumerate() {
        let difference = known.difference.as_ref().filter(|difference| difference.call == index);
        let access = |access: &Access| match access {
            Access::Read => "Access::Read",
            Access::Write => "Access::Write",
            Access::ReadWrite => "Access::ReadWrite",
        };
        let line = match step {
            Step::Open(how) => format!("calls.open(Node::Sequencer, {});", access(how)),
            Step::OpenTimer(how) => format!("calls.open(Node::Timer, {});", access(how)),
            Step::CreateTimer(file, argument) => format!(
                "calls.create_timer({file}, {:#x}, {});",
                aseqd_abi::ioctl::timers::CREATE,
                bytes(argument)
            ),
            Step::Close(file) => format!("calls.close({file});"),
            Step::Ioctl { file, code, compat, argument } => {
                format!("calls.ioctl({file}, {code:#x}, {compat}, {});", bytes(argument))
            }
            Step::Write(file, data) => format!("calls.write({file}, {});", bytes(data)),
            Step::Read(file, len) => format!("calls.read({file}, {len});"),
            Step::Poll(file) => format!("calls.poll({file});"),
            Step::Wait(time) => format!("calls.wait({});", time.as_nanos()),
            Step::Inside(_) => continue,
        };
        let line = match difference {
            Some(difference) => asserted(step, &line, &difference.expected),
            None if line.starts_with("calls.c") || line.starts_with("calls.o") => line,
            None => format!("let _any = {line}"),
        };
        let _infallible = writeln!(source, "    {line}");
        if difference.is_some() {
            break;
        }
    }
    if state {
        source.push_str("    assert_eq!(calls.state(), fresh);\n");
    }
    source.push_str("}\n");
    Some(source)
}

/// Returns a line that compares what comes of a call with what the model expects.
fn asserted(step: &Step, line: &str, expected: &Answer) -> String {
    let call = line.trim_end_matches(';');
    match (step, &expected.value) {
        (Step::Poll(_), Ok(bits)) => format!("assert_eq!({call}, {bits});"),
        (Step::Close(_) | Step::Wait(_) | Step::Open(_) | Step::OpenTimer(_), _) => line.to_owned(),
        (_, Ok(value)) => {
            format!("assert_eq!({call}, (Ok({value}), {}.to_vec()));", bytes(&expected.told))
        }
        (_, Err(error)) => format!("assert_eq!({call}.0, Err({}));", error.0),
    }
}

/// Builds and runs the test in a package of its own, beside the engine of the repository.
pub(super) fn run(source: &str, repository: Option<&Path>) -> Verdict {
    let Some(repository) = repository else {
        return Verdict::NotRun(
            "the repository is not known: call it there, or name it with --repository".into(),
        );
    };
    let made = package(source, repository);
    let (folder, target) = match made {
        Ok(made) => made,
        Err(error) => return Verdict::NotRun(format!("a package for the test: {error}")),
    };
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["test", "--offline", "--quiet", "--test", "repro"]).current_dir(&folder);
    command.env("CARGO_TARGET_DIR", target).env("RUST_BACKTRACE", "0");
    let ran = output(&mut command, BUILD);
    // It was for this run.
    let _gone = std::fs::remove_dir_all(&folder);
    match ran {
        Err(why) => Verdict::NotRun(why),
        Ok(ran) if ran.is_success() => Verdict::Differs("the test passes".into()),
        Ok(ran) if ran.text.contains("panicked at") => Verdict::Reproduces,
        Ok(Output { status: None, .. }) => {
            Verdict::Differs(format!("it has not ended after {} s", BUILD.as_secs()))
        }
        Ok(Output { text: said, .. }) => {
            let last = said.lines().rev().find(|line| line.contains("error")).unwrap_or("no error");
            Verdict::Differs(format!("the test does not compile: {last}"))
        }
    }
}

/// Makes a package with the test. Returns its folder, and that of what is built.
fn package(
    source: &str,
    repository: &Path,
) -> std::io::Result<(std::path::PathBuf, std::path::PathBuf)> {
    let folder = std::env::temp_dir().join(format!("seqfuzz-repro-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("tests"))?;
    std::fs::create_dir_all(folder.join("src"))?;
    let crates = repository.join("crates");
    let manifest = format!(
        "[package]\nname = \"repro\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         aseqd-engine = {{ path = \"{0}/engine\" }}\naseqd-abi = {{ path = \"{0}/abi\" }}\nzerocopy = {{ version = \"0.8\", features = [\"derive\"] }}\n",
        crates.display()
    );
    std::fs::write(folder.join("Cargo.toml"), manifest)?;
    // The versions of the repository, so that nothing is downloaded.
    std::fs::copy(repository.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    std::fs::write(folder.join("src/lib.rs"), "")?;
    let rig = format!("#[path = \"{}/engine/tests/rig/mod.rs\"]\nmod rig;", crates.display());
    std::fs::write(folder.join("tests/repro.rs"), source.replacen("mod rig;", &rig, 1))?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), Into::into);
    Ok((folder, target.join("repro")))
}
