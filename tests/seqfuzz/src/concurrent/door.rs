//! A door whose calls arrive, are answered and are interrupted in an order that follows from a seed.

use super::bounds;
use crate::device::Access as Way;
use crate::rng::Rng;
use crate::tape::{Answer as Told, Step};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::ioctl::timers;
use aseqd_engine::{self as engine, Access, FileId, Node, Time};
use aseqd_server::budget::FileBounds;
use aseqd_server::clock::{Clock as _, VirtualClock};
use aseqd_server::door::{Answer, Call, CallKind, Door, Readiness, Received, Transport};
use std::collections::{BTreeMap, BTreeSet};
use std::mem;

/// The process numbers of the three processes.
pub(super) const PIDS: [i32; 3] = [4242, 4243, 4244];
/// Maximum number of nanoseconds by which the clock moves between two calls, where it moves.
const STEP_NS: u64 = 3_000_000;

/// Something that the session has not received yet.
#[derive(Clone, Debug)]
pub(super) enum Arrival {
    /// A call, by its token.
    Call(Begun),
    /// The end of a call that waits.
    Interrupt(u64),
    /// The last descriptor of a file was closed, by the call of this token.
    Close(usize, u64),
}

/// A call that a program has begun.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) token: u64,
    pub(super) step: Step,
    pub(super) file: Option<usize>,
    pub(super) opens: Option<usize>,
    pub(super) process: usize,
    pub(super) blocks: bool,
    /// Whether a poll asks to be woken: `poll` with a timeout of 0 does not. It follows from the seed.
    pub(super) notice: bool,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Answered(Told),
    /// The file is not open in the process, or not for this.
    NotOpen,
}

/// An open file.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    pub(super) id: FileId,
    /// The process that has it.
    pub(super) process: usize,
    /// Whether it is one of the timer device.
    pub(super) timer: bool,
    access: Way,
    /// Whether its client has no cells yet for what it writes, or may have none again: the next write makes them.
    no_cells: bool,
}

/// How a door tells programs whether their files are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As FUSE does: it wakes those that have polled, and a file is closed when its last call has ended.
    Wakes,
    /// As the preloaded library does: it shows the state of each file, and closes at once.
    Shows,
}

/// The door.
#[derive(Debug)]
pub(super) struct Seeded {
    pub(super) rng: Rng,
    pub(super) kind: Kind,
    pub(super) clock: VirtualClock,
    /// Whether time passes between calls.
    pub(super) moves: bool,
    pub(super) ready: Vec<Arrival>,
    /// Calls that the session has, with what they are.
    pub(super) asked: BTreeMap<u64, Begun>,
    pub(super) replies: Vec<(u64, Reply)>,
    /// Tokens of calls whose process has died.
    pub(super) dead: BTreeSet<u64>,
    /// Open files by their numbers in the plan.
    pub(super) files: BTreeMap<usize, File>,
    /// What a file was last shown to be.
    pub(super) shown: BTreeMap<FileId, Readiness>,
    /// Files on which somebody waits in a poll: what it was told.
    pub(super) polled: BTreeMap<usize, i64>,
    /// A hash of all that happened, in order.
    pub(super) trace: u64,
    /// What the session may hold, if it is little.
    pub(super) bounds: Option<FileBounds>,
    /// The first answer that the bounds do not allow.
    pub(super) unbounded: Option<String>,
}

impl Seeded {
    pub(super) fn new(kind: Kind, clock: VirtualClock) -> Self {
        Self {
            rng: Rng::new(0),
            kind,
            clock,
            moves: false,
            ready: Vec::new(),
            asked: BTreeMap::new(),
            replies: Vec::new(),
            dead: BTreeSet::new(),
            files: BTreeMap::new(),
            shown: BTreeMap::new(),
            polled: BTreeMap::new(),
            trace: 0xcbf2_9ce4_8422_2325,
            bounds: None,
            unbounded: None,
        }
    }

    pub(super) fn note(&mut self, number: u64) {
        self.trace = (self.trace ^ number).wrapping_mul(0x0100_0000_01b3).rotate_left(7);
    }

    /// Forgets the calls of a plan that is over.
    pub(super) fn forget(&mut self) {
        self.asked.clear();
        self.replies.clear();
        self.dead.clear();
        self.polled.clear();
        self.shown.clear();
    }

    fn note_bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.note(u64::from(*byte)));
    }

    fn reply(&mut self, token: u64, reply: Reply) {
        self.replies.push((token, reply));
    }

    /// Returns whether a call on a file is with the session.
    pub(super) fn is_busy(&self, file: usize) -> bool {
        self.asked.values().any(|begun| begun.file == Some(file))
    }

    /// Returns whether somebody has closed a file already.
    pub(super) fn is_closing(&self, file: usize) -> bool {
        self.ready.iter().any(|one| matches!(one, Arrival::Close(other, _) if *other == file))
    }

    /// Takes one of the arrivals that can be received now, by chance.
    fn take(&mut self) -> Option<Arrival> {
        let can: Vec<usize> = (0..self.ready.len())
            .filter(|at| match &self.ready[*at] {
                Arrival::Close(file, _) => self.kind == Kind::Shows || !self.is_busy(*file),
                _ => true,
            })
            .collect();
        if can.is_empty() {
            return None;
        }
        let at = can[self.rng.index(can.len())];
        Some(self.ready.remove(at))
    }
}

impl Door for Seeded {
    type Token = u64;
    type Wakeup = usize;

    fn answer(&mut self, token: u64, answer: Answer<'_>) -> bool {
        self.note(token);
        let begun = self.asked.remove(&token);
        let opens = begun.as_ref().and_then(|begun| begun.opens);
        if self.dead.contains(&token) {
            return false;
        }
        let nothing = |value| Told { value, told: Vec::new() };
        let asked = begun.clone();
        let before = asked.as_ref().and_then(|asked| {
            let value = match answer {
                Answer::Failed(errno) | Answer::Ioctl(Err(errno)) => Err(errno),
                _ => Ok(0),
            };
            self.against_bounds(asked, &nothing(value))
        });
        if self.unbounded.is_none() {
            self.unbounded = before;
        }
        let count = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let told = match answer {
            Answer::Opened { file, state } | Answer::Created { file, state, .. } => {
                let access = match begun.as_ref().map(|begun| &begun.step) {
                    Some(Step::Open(access) | Step::OpenTimer(access)) => *access,
                    _ => Way::ReadWrite,
                };
                let process = begun.as_ref().map_or(0, |begun| begun.process);
                let timer =
                    begun.as_ref().is_some_and(|begun| !matches!(begun.step, Step::Open(_)));
                let opened = File { id: file, process, timer, access, no_cells: true };
                self.files.extend(opens.map(|number| (number, opened)));
                self.shown.insert(file, state);
                nothing(Ok(opens.map_or(0, count)))
            }
            Answer::Read(bytes) => Told { value: Ok(count(bytes.len())), told: bytes.to_vec() },
            Answer::Written(written) => nothing(Ok(count(written))),
            Answer::Ioctl(Ok(bytes)) => {
                // An early event is there without a wake-up, on Linux too.
                let params = |step: &Step| matches!(step, Step::Ioctl { code: timers::PARAMS, .. });
                if let Some(file) = begun.as_ref().filter(|begun| params(&begun.step)) {
                    let _other = file.file.map(|file| self.polled.remove(&file));
                }
                let pool =
                    |step: &Step| matches!(step, Step::Ioctl { code: s::SET_CLIENT_POOL, .. });
                if let Some(file) = begun.as_ref().filter(|begun| pool(&begun.step)) {
                    let file = file.file.and_then(|file| self.files.get_mut(&file));
                    file.into_iter().for_each(|file| file.no_cells = true);
                }
                // What does not come back stays what the program passed.
                let mut told = match begun.map(|begun| begun.step) {
                    Some(Step::Ioctl { argument, .. }) => argument,
                    _ => Vec::new(),
                };
                let len = bytes.len().min(told.len());
                told[..len].copy_from_slice(&bytes[..len]);
                Told { value: Ok(0), told }
            }
            Answer::Polled(state) => {
                let bits = i64::from(state.readable) | i64::from(state.writable) << 1;
                if let Some(begun) = begun.filter(|begun| begun.notice) {
                    self.polled.extend(begun.file.map(|file| (file, bits)));
                }
                nothing(Ok(bits))
            }
            Answer::Ioctl(Err(errno)) | Answer::Failed(errno) => nothing(Err(errno)),
            other => unreachable!("a new kind of answer: {other:?}"),
        };
        let value = told.value.map_or_else(|errno| u64::from(errno.0) << 40, i64::cast_unsigned);
        self.note(value);
        self.note_bytes(&told.told);
        self.reply(token, Reply::Answered(told));
        true
    }

    fn gives_descriptors(&self, _token: u64) -> bool {
        true
    }

    fn wake(&mut self, file: usize) {
        self.note(0x77 + file as u64);
        self.polled.remove(&file);
    }

    fn shows(&self, _file: FileId) -> bool {
        self.kind == Kind::Shows
    }

    fn show(&mut self, file: FileId, state: Readiness, _fresh: bool) {
        self.shown.insert(file, state);
    }
}

impl Transport for Seeded {
    type Buffer = Vec<u8>;

    fn receive<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Received<'b, u64, usize> {
        loop {
            // Between any two calls the session may go back to other things.
            if self.rng.chance(20) {
                return Received::Nothing;
            }
            let Some(arrival) = self.take() else { return Received::Nothing };
            if self.moves {
                let now = self.clock.now();
                let step = self.rng.below(STEP_NS) >> self.rng.below(16);
                self.clock.advance_to(Time(now.0 + step));
                self.note(step);
            }
            match arrival {
                Arrival::Interrupt(target) => {
                    self.note(target ^ 0x5555);
                    let kind = CallKind::Interrupt { target };
                    return Received::Call(Call { token: 0, thread: 0, kind });
                }
                Arrival::Close(file, token) => {
                    self.note(token ^ 0xcccc);
                    self.polled.remove(&file);
                    let Some(File { id, .. }) = self.files.remove(&file) else {
                        self.reply(token, Reply::NotOpen);
                        continue;
                    };
                    self.shown.remove(&id);
                    self.reply(token, Reply::Answered(Told { value: Ok(0), told: Vec::new() }));
                    let kind = CallKind::Close { file: id };
                    return Received::Call(Call { token: 0, thread: 0, kind });
                }
                Arrival::Call(mut begun) => {
                    let wakes = self.kind == Kind::Wakes && matches!(begun.step, Step::Poll(_));
                    begun.notice = wakes && self.rng.chance(70);
                    let Some(kind) = self.kind_of(&begun, buffer) else {
                        self.reply(begun.token, Reply::NotOpen);
                        continue;
                    };
                    self.makes_cells(&begun);
                    let Begun { token, process, .. } = begun;
                    self.note(token ^ 0xaaaa);
                    self.asked.insert(token, begun);
                    let kind = kind.with_bytes(buffer);
                    return Received::Call(Call { token, thread: PIDS[process], kind });
                }
            }
        }
    }

    fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }
}

impl Seeded {
    /// Notes a write that makes the cells of its client. A poll for more room than there was without cells is not woken by it,
    /// on Linux 6.12 and 7.3 too.
    fn makes_cells(&mut self, begun: &Begun) {
        let (Step::Write(..), Some(number)) = (&begun.step, begun.file) else { return };
        let Some(file) = self.files.get_mut(&number) else { return };
        if mem::take(&mut file.no_cells)
            && let Some(told) = self.polled.get_mut(&number)
        {
            *told |= 2;
        }
    }

    /// Returns a call in the session's words, without its bytes, which it puts into `buffer`. Nothing if the file is not
    /// open, or not open for this.
    fn kind_of(
        &self,
        begun: &Begun,
        buffer: &mut Vec<u8>,
    ) -> Option<CallKind<'static, u64, usize>> {
        buffer.clear();
        let pid = PIDS[begun.process];
        let of = |access: &Way| match access {
            Way::Read => Access::Read,
            Way::Write => Access::Write,
            Way::ReadWrite => Access::ReadWrite,
        };
        let user = bounds::user_of(begun.process);
        let open = |node, access| CallKind::Open { node, access: of(access), pid, user };
        match &begun.step {
            Step::Open(access) => return Some(open(Node::Sequencer, access)),
            Step::OpenTimer(access) => return Some(open(Node::Timer, access)),
            _ => {}
        }
        let number = begun.file?;
        let File { id: file, access, .. } = *self.files.get(&number)?;
        let nonblock = !begun.blocks;
        // The kernel itself refuses these.
        let refused = match begun.step {
            Step::Read(..) => access == Way::Write,
            Step::Write(..) => access == Way::Read,
            _ => false,
        };
        if refused {
            return None;
        }
        Some(match &begun.step {
            Step::CreateTimer(_, argument) => {
                buffer.extend(argument);
                let request = timers::CREATE;
                CallKind::on(file, engine::Call::Ioctl { request, compat: false, arg: &[] })
            }
            Step::Ioctl { code, compat, argument, .. } => {
                buffer.extend(argument);
                let (request, compat) = (*code, *compat);
                CallKind::on(file, engine::Call::Ioctl { request, compat, arg: &[] })
            }
            Step::Write(_, data) => {
                buffer.extend(data);
                CallKind::on(file, engine::Call::Write { data: &[], nonblock })
            }
            Step::Read(_, len) => CallKind::on(file, engine::Call::Read { len: *len, nonblock }),
            Step::Poll(_) => CallKind::File {
                file,
                call: engine::Call::Poll,
                out_size: 0,
                wakeup: begun.notice.then_some(number),
            },
            Step::Open(_)
            | Step::OpenTimer(_)
            | Step::Close(_)
            | Step::Wait(_)
            | Step::Inside(_) => return None,
        })
    }
}
