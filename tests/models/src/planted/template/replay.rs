//! Steps of a program as data: checked as they are made, and made again for a shorter reproducer.

use aseqd_abi::ioctl::timers;
use aseqd_abi::timer::TimerUinfo;
use planted_engine::{
    Access, Call, Config, Engine, FileId, Identity, Input, Node, Output, Reply, Time, plants,
    request,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use zerocopy::FromBytes;

/// Maximum number of events in a pass of a queue, and of records in a write.
const MOST_WORK: u64 = 1000;
/// The longest time that a call may wait for others, in milliseconds.
const LONGEST_WAIT_MS: u64 = 100;
/// Maximum number of steps that are made again for a shorter way. More would take longer than 10 s.
const MOST_STEPS: usize = 60_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) checker: &'static str,
    pub(crate) title: String,
}

fn finding<T>(checker: &'static str, title: String) -> Result<T, Finding> {
    Err(Finding { checker, title })
}

/// An engine with the bug, and one without.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) planted: Engine,
    clean: Engine,
    pub(crate) config: Config,
    pub(crate) row: u32,
    open: BTreeSet<FileId>,
}

impl Pair {
    pub(crate) fn new(config: Config, row: u32) -> Self {
        let engine = || Engine::with_config(config);
        Self { planted: engine(), clean: engine(), config, row, open: BTreeSet::new() }
    }

    fn without_bug<R>(&mut self, f: impl FnOnce(&mut Engine) -> R) -> R {
        plants::set(0);
        let result = f(&mut self.clean);
        plants::set(self.row);
        result
    }

    pub(crate) fn handle(
        &mut self,
        now: Time,
        input: Input<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Reply, Finding> {
        let name = name(&input);
        plants::set(self.row);
        plants::begin_call();
        let planted = catch_unwind(AssertUnwindSafe(|| self.planted.handle(now, input, out)));
        let reply = match planted {
            Ok(reply) => reply,
            Err(payload) => {
                let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
                return finding("panic", format!("{} in {name}", text.unwrap_or_default()));
            }
        };
        if plants::waited_ms() > LONGEST_WAIT_MS {
            return finding("watchdog", format!("INFO: task hung in {name}"));
        }
        if plants::most_work() > MOST_WORK {
            return finding("watchdog", format!("BUG: soft lockup in {name}"));
        }
        if out.windows(plants::STALE.len()).any(|bytes| bytes == plants::STALE) {
            return finding("initialisation check", format!("KMSAN: kernel-infoleak in {name}"));
        }
        let mut expected = Vec::new();
        let clean = self.without_bug(|engine| engine.handle(now, input, &mut expected));
        if clean != reply {
            return finding("model difference", format!("another answer of {name}"));
        }
        if expected != *out {
            return finding("model difference", format!("other data of {name}"));
        }
        if self.planted.poll_timeout() != self.clean.poll_timeout() {
            return finding("model difference", format!("another deadline after {name}"));
        }
        if let Input::Close { file } = input {
            self.open.remove(&file);
        }
        Ok(reply)
    }

    /// Returns the file that a call has opened.
    pub(crate) fn opened(
        &mut self,
        input: &Input<'_>,
        reply: &Reply,
        out: &[u8],
    ) -> Option<FileId> {
        let file = match (input, reply) {
            (Input::Open { .. }, Reply::Done(file)) => FileId(u32::try_from(*file).ok()?),
            (
                Input::Call { call: Call::Ioctl { request: timers::CREATE, .. }, .. },
                Reply::Done(_),
            ) => FileId(TimerUinfo::read_from_bytes(out).ok()?.fd.cast_unsigned()),
            _ => return None,
        };
        self.open.insert(file);
        Some(file)
    }

    pub(crate) fn poll_output(&mut self) -> Result<Option<Output>, Finding> {
        plants::set(self.row);
        let output = self.planted.poll_output();
        if self.without_bug(Engine::poll_output) != output {
            return finding("model difference", "other files are ready".to_owned());
        }
        Ok(output)
    }

    /// Closes all files. Nothing may be left then.
    pub(crate) fn end(&mut self) -> Result<(), Finding> {
        for file in std::mem::take(&mut self.open) {
            let _done = self.handle(Time(0), Input::Close { file }, &mut Vec::new())?;
        }
        let fresh = Engine::with_config(self.config);
        if self.planted.proc_queues() != fresh.proc_queues() {
            return finding("leak check", "a queue is left at the end".to_owned());
        }
        if self.planted.proc_timers() != fresh.proc_timers() {
            return finding("leak check", "a timer instance is left at the end".to_owned());
        }
        Ok(())
    }
}

/// Returns the name of a call in reports.
fn name(input: &Input<'_>) -> String {
    let text = match input {
        Input::Open { .. } => "open",
        Input::Close { .. } => "close",
        Input::Timeout => "a timer interrupt",
        Input::Thread { .. } => "the name of a thread",
        Input::BecomeUserTimer { .. } => "CREATE",
        Input::Call { call, .. } => match call {
            Call::Ioctl { request: code, .. } => {
                return request(*code)
                    .map_or_else(|| format!("{code:#x}"), |it| it.name.to_owned());
            }
            Call::Read { .. } => "read",
            Call::Write { .. } => "write",
            Call::Poll => "poll",
        },
    };
    text.to_owned()
}

/// One step of a program.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Open { now: Time, node: Node, access: Access, who: Who, opened: Option<FileId> },
    Call { now: Time, file: FileId, call: Made, opened: Option<FileId> },
    Thread { now: Time, file: FileId, thread: i32 },
    Become { now: Time, file: FileId, resolution: u64 },
    Close { now: Time, file: FileId },
    Timeout { now: Time },
    Output,
    End,
}

#[derive(Clone, Debug)]
pub(crate) enum Who {
    User(i32),
    Kernel(Option<u8>, i32, String),
}

#[derive(Clone, Debug)]
pub(crate) enum Made {
    Ioctl { request: u32, compat: bool, arg: Vec<u8> },
    Read { len: usize, nonblock: bool },
    Write { data: Vec<u8>, nonblock: bool },
    Poll,
}

impl Step {
    pub(crate) fn of(now: Time, input: Input<'_>, opened: Option<FileId>) -> Self {
        match input {
            Input::Open { node, access, identity } => {
                let who = match identity {
                    Identity::User { pid } => Who::User(pid),
                    Identity::Kernel { number, card, name } => {
                        Who::Kernel(number, card, name.to_owned())
                    }
                };
                Self::Open { now, node, access, who, opened }
            }
            Input::Call { file, call } => {
                let call = match call {
                    Call::Ioctl { request, compat, arg } => {
                        Made::Ioctl { request, compat, arg: arg.to_vec() }
                    }
                    Call::Read { len, nonblock } => Made::Read { len, nonblock },
                    Call::Write { data, nonblock } => Made::Write { data: data.to_vec(), nonblock },
                    Call::Poll => Made::Poll,
                };
                Self::Call { now, file, call, opened }
            }
            Input::Thread { file, thread } => Self::Thread { now, file, thread },
            Input::BecomeUserTimer { file, resolution } => Self::Become { now, file, resolution },
            Input::Close { file } => Self::Close { now, file },
            Input::Timeout => Self::Timeout { now },
        }
    }

    /// Returns whether a program makes this step.
    pub(crate) const fn is_call(&self) -> bool {
        matches!(
            self,
            Self::Open { .. } | Self::Call { .. } | Self::Become { .. } | Self::Close { .. }
        )
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { now, node, access, opened, .. } => {
                let file = opened.map_or(-1, |file| i64::from(file.0));
                write!(f, "{} ns: open {node:?} {access:?} = file {file}", now.0)
            }
            Self::Call { now, file, call, .. } => {
                write!(f, "{} ns: file {}: ", now.0, file.0)?;
                match call {
                    Made::Ioctl { request: code, arg, .. } => {
                        let known = request(*code).map_or("an ioctl", |it| it.name);
                        write!(f, "{known} {}", hex(arg))
                    }
                    Made::Read { len, .. } => write!(f, "read {len} bytes"),
                    Made::Write { data, .. } => {
                        write!(f, "write {} bytes: {}", data.len(), hex(data))
                    }
                    Made::Poll => write!(f, "poll"),
                }
            }
            Self::Thread { file, thread, .. } => write!(f, "file {}: as thread {thread}", file.0),
            Self::Become { file, resolution, .. } => {
                write!(f, "file {}: becomes a timer of {resolution} ns", file.0)
            }
            Self::Close { now, file } => write!(f, "{} ns: close file {}", now.0, file.0),
            Self::Timeout { now } => write!(f, "{} ns: timeout", now.0),
            Self::Output => write!(f, "look which files are ready"),
            Self::End => write!(f, "close all"),
        }
    }
}

/// Returns bytes as hexadecimal digits, without the zeros at the end, and not all of many.
fn hex(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let digits: String = bytes[..end.min(64)].iter().map(|byte| format!("{byte:02x}")).collect();
    if end > 64 { digits + "..." } else { digits }
}

/// Makes the steps on a new pair of engines. Returns the finding. Steps on files that are not open are left out.
fn replay(config: Config, row: u32, steps: &[&Step]) -> Option<Finding> {
    let mut pair = Pair::new(config, row);
    let mut files = BTreeMap::new();
    let mut out = Vec::new();
    for step in steps {
        let (now, input, opened) = match step {
            Step::Open { now, node, access, who, opened } => {
                let identity = match who {
                    Who::User(pid) => Identity::User { pid: *pid },
                    Who::Kernel(number, card, name) => {
                        Identity::Kernel { number: *number, card: *card, name }
                    }
                };
                (now, Input::Open { node: *node, access: *access, identity }, *opened)
            }
            Step::Call { now, file, call, opened } => {
                let Some(file) = files.get(file).copied() else { continue };
                let call = match call {
                    Made::Ioctl { request, compat, arg } => {
                        Call::Ioctl { request: *request, compat: *compat, arg }
                    }
                    Made::Read { len, nonblock } => Call::Read { len: *len, nonblock: *nonblock },
                    Made::Write { data, nonblock } => Call::Write { data, nonblock: *nonblock },
                    Made::Poll => Call::Poll,
                };
                (now, Input::Call { file, call }, *opened)
            }
            Step::Thread { now, file, thread } => {
                let Some(file) = files.get(file).copied() else { continue };
                (now, Input::Thread { file, thread: *thread }, None)
            }
            Step::Become { now, file, resolution } => {
                let Some(file) = files.get(file).copied() else { continue };
                (now, Input::BecomeUserTimer { file, resolution: *resolution }, None)
            }
            Step::Close { now, file } => {
                let Some(file) = files.remove(file) else { continue };
                (now, Input::Close { file }, None)
            }
            Step::Timeout { now } => (now, Input::Timeout, None),
            Step::Output => match pair.poll_output() {
                Ok(_) => continue,
                Err(finding) => return Some(finding),
            },
            Step::End => return pair.end().err(),
        };
        match pair.handle(*now, input, &mut out) {
            Ok(reply) => {
                if let (Some(file), Some(before)) = (pair.opened(&input, &reply, &out), opened) {
                    files.insert(before, file);
                }
            }
            Err(finding) => return Some(finding),
        }
    }
    None
}

/// Leaves out steps as long as the finding stays.
pub(crate) fn minimise(config: Config, row: u32, steps: &[Step], wanted: &Finding) -> Vec<Step> {
    // The hook cannot be changed while a test unwinds.
    if !std::thread::panicking() {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let mut kept: Vec<&Step> = steps.iter().collect();
    let mut size = kept.len().div_ceil(2);
    let mut made = 0;
    'shorter: loop {
        let before = kept.len();
        let mut begin = 0;
        while begin < kept.len() {
            made += kept.len();
            if made > MOST_STEPS {
                break 'shorter;
            }
            let end = kept.len().min(begin + size);
            let shorter: Vec<_> = kept[..begin].iter().chain(&kept[end..]).copied().collect();
            if replay(config, row, &shorter).as_ref() == Some(wanted) {
                kept = shorter;
            } else {
                begin = end;
            }
        }
        if size > 1 {
            size = size.div_ceil(2);
        } else if kept.len() == before {
            break;
        }
    }
    kept.into_iter().cloned().collect()
}
