//! Steps that do not depend on the numbers that files, clients and queues happen to get.
//!
//! The engine gives the lowest free number to each file, client and queue. When a step is left out, or when another
//! sequencer answers, the numbers of later ones change. A [`Binder`] finds out which step made what each number names, and a
//! [`Run`] passes the number that the same thing has now.

use crate::caught::caught;
use crate::clients::{self, Clients};
use crate::places::{self, Kind};
use crate::step::{Action, Step};
use crate::world::World;
use aseqd_abi::ioctl::sequencer::CREATE_QUEUE;
use aseqd_abi::ioctl::timers::CREATE;
use aseqd_abi::seq::QueueInfo;
use aseqd_abi::timer::TimerUinfo;
use aseqd_engine::{Engine, FileId, Node, Reply};
use std::rc::Rc;
use zerocopy::FromBytes as _;

/// An opening of a file, by the order of the openings in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opening(pub usize);

/// A step, and what its numbers name.
#[derive(Clone, Debug)]
pub struct Item {
    /// The step as it was recorded.
    pub step: Step,
    /// Its place among the records, from 0.
    pub record: u64,
    /// The opening of the file that it is about. `None` for a file that was open before the first step, and for a step
    /// about no file.
    pub target: Option<Opening>,
    /// The file that it opens, if it opens one.
    pub opens: Option<Opening>,
    /// The number of the client or queue that it makes, as recorded.
    pub makes: Option<(Kind, u8)>,
    /// Whether the client speaks UMP when it makes this step, so that its records are longer.
    pub ump: bool,
}

/// Finds out what the numbers of recorded steps name, one step after the other.
#[derive(Debug)]
pub struct Binder {
    engine: Engine,
    files: Vec<Option<Opening>>,
    clients: Clients,
    openings: usize,
    records: u64,
    out: Vec<u8>,
}

impl Binder {
    /// Begins with an engine in the state before the first step.
    #[must_use]
    pub fn new(start: Engine) -> Self {
        Self {
            engine: start,
            files: Vec::new(),
            clients: Clients::default(),
            openings: 0,
            records: 0,
            out: Vec::new(),
        }
    }

    fn open(&mut self, file: usize) -> Option<Opening> {
        if self.files.len() <= file {
            self.files.resize(file + 1, None);
        }
        let opening = Opening(self.openings);
        self.openings += 1;
        self.files[file] = Some(opening);
        Some(opening)
    }

    /// Makes a step, and returns it with what its numbers name.
    ///
    /// # Panics
    /// If the engine does.
    pub fn bind(&mut self, step: Step) -> Item {
        let mut item = self.name(step);
        self.make(&mut item);
        item
    }

    /// Returns a step with what its file names.
    fn name(&mut self, step: Step) -> Item {
        let at = step.at;
        let file = step.action.file();
        let ump = match &step.action {
            Action::Write { file, .. } | Action::Read { file, .. } => {
                let client = self.clients.of(&mut self.engine, at, *file);
                client.is_some_and(|client| client.ump)
            }
            _ => false,
        };
        let target = file.and_then(|file| self.files.get(file.0 as usize).copied().flatten());
        self.records += 1;
        Item { target, ump, opens: None, makes: None, record: self.records - 1, step }
    }

    /// Makes a step, and takes note of what it makes.
    fn make(&mut self, item: &mut Item) {
        let mut out = std::mem::take(&mut self.out);
        let reply = self.engine.handle(item.step.at, item.step.action.input(), &mut out);
        self.clients.saw(item.step.action.input());
        if let Reply::Done(value) = reply {
            self.learn(item, value, &out);
        }
        while self.engine.poll_output().is_some() {}
        self.out = out;
    }

    fn learn(&mut self, item: &mut Item, value: usize, out: &[u8]) {
        let at = item.step.at;
        match &item.step.action {
            Action::Open { node: Node::Sequencer, .. } | Action::OpenKernel { .. } => {
                item.opens = self.open(value);
                let file = FileId(u32::try_from(value).unwrap_or(u32::MAX));
                let number = clients::number(&mut self.engine, at, file);
                item.makes = number.map(|number| (Kind::Client, number));
            }
            Action::Open { .. } => item.opens = self.open(value),
            Action::Ioctl { request: CREATE, .. } => {
                if let Some(file) = created(out) {
                    item.opens = self.open(file.0 as usize);
                }
            }
            Action::Ioctl { request: CREATE_QUEUE, .. } => {
                item.makes = queue_of(out).map(|number| (Kind::Queue, number));
            }
            Action::Close { file } => {
                if let Some(open) = self.files.get_mut(file.0 as usize) {
                    *open = None;
                }
            }
            _ => {}
        }
    }
}

/// Returns the file that CREATE has opened, from what it copied back.
fn created(out: &[u8]) -> Option<FileId> {
    let info = TimerUinfo::read_from_bytes(out).ok()?;
    u32::try_from(info.fd).ok().map(FileId)
}

/// Returns the number of the queue that CREATE_QUEUE has made, from what it copied back.
fn queue_of(out: &[u8]) -> Option<u8> {
    u8::try_from(QueueInfo::read_from_bytes(out).ok()?.queue).ok()
}

/// Returns steps with what their numbers name, on a sequencer that begins in this state. If its engine panics, the step at
/// which it does is the last one.
#[must_use]
pub fn bind(start: &Engine, steps: impl IntoIterator<Item = Step>) -> Vec<Rc<Item>> {
    let mut binder = Binder::new(start.clone());
    let mut items = Vec::new();
    for step in steps {
        let mut item = binder.name(step);
        let made = caught(|| binder.make(&mut item));
        items.push(Rc::new(item));
        if made.is_err() {
            break;
        }
    }
    items
}

/// Numbers as recorded, and as they are now.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    clients: Table,
    queues: Table,
}

#[derive(Clone, Debug)]
struct Table {
    now: Box<[u8; 256]>,
    recorded: Box<[u8; 256]>,
}

impl Default for Table {
    fn default() -> Self {
        let mut same = [0; 256];
        for (number, same) in (0_u8..=255).zip(&mut same) {
            *same = number;
        }
        Self { now: Box::new(same), recorded: Box::new(same) }
    }
}

impl Numbers {
    /// Returns the present number of what is recorded with this one.
    #[must_use]
    pub fn now(&self, kind: Kind, recorded: u8) -> u8 {
        self.table(kind).now[usize::from(recorded)]
    }

    /// Returns the recorded number of what has this one now; the same number for what was not recorded.
    #[must_use]
    pub fn recorded(&self, kind: Kind, now: u8) -> u8 {
        self.table(kind).recorded[usize::from(now)]
    }

    /// Takes note of a number.
    pub fn set(&mut self, kind: Kind, recorded: u8, now: u8) {
        let table = match kind {
            Kind::Client => &mut self.clients,
            Kind::Queue => &mut self.queues,
        };
        table.now[usize::from(recorded)] = now;
        table.recorded[usize::from(now)] = recorded;
    }

    const fn table(&self, kind: Kind) -> &Table {
        match kind {
            Kind::Client => &self.clients,
            Kind::Queue => &self.queues,
        }
    }
}

/// Makes the steps of a script on a sequencer.
#[derive(Debug)]
pub struct Run<W> {
    /// The sequencer.
    pub world: W,
    numbers: Numbers,
    files: Vec<Option<FileId>>,
    /// The bytes that the last step brought back.
    pub out: Vec<u8>,
    action: Action,
}

impl<W: World> Run<W> {
    /// Begins a run.
    pub fn new(world: W) -> Self {
        let action = Action::Timeout;
        Self { world, numbers: Numbers::default(), files: Vec::new(), out: Vec::new(), action }
    }

    /// Returns the numbers as they are now.
    pub const fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Returns the step that was made last, with the numbers that were passed.
    pub const fn made(&self) -> &Action {
        &self.action
    }

    /// Makes a step. Returns `None` if it is about a file that is not open in this run.
    pub fn make(&mut self, item: &Item) -> Option<Reply> {
        self.action.clone_from(&item.step.action);
        if let Some(Opening(opening)) = item.target {
            self.action.set_file(self.files.get(opening).copied().flatten()?);
        }
        let numbers = &self.numbers;
        let map = |kind, number| numbers.now(kind, number);
        match &mut self.action {
            Action::Ioctl { request, compat, arg, .. } => {
                places::replace(arg, places::of_request(*request, *compat), map);
            }
            Action::Write { data, .. } => places::replace_written(data, item.ump, map),
            _ => {}
        }
        let reply = self.world.handle(item.step.at, self.action.input(), &mut self.out);
        if let Reply::Done(value) = reply {
            self.learn(item, value);
        }
        Some(reply)
    }

    fn learn(&mut self, item: &Item, value: usize) {
        if let Some(Opening(opening)) = item.opens {
            let file = match item.step.action {
                Action::Ioctl { .. } => created(&self.out),
                _ => u32::try_from(value).ok().map(FileId),
            };
            if self.files.len() <= opening {
                self.files.resize(opening + 1, None);
            }
            self.files[opening] = file;
        }
        match item.makes {
            Some((Kind::Client, recorded)) => {
                let Some(file) = u32::try_from(value).ok().map(FileId) else { return };
                if let Some(now) = clients::number(&mut self.world, item.step.at, file) {
                    self.numbers.set(Kind::Client, recorded, now);
                }
            }
            Some((Kind::Queue, recorded)) => {
                if let Some(now) = queue_of(&self.out) {
                    self.numbers.set(Kind::Queue, recorded, now);
                }
            }
            None => {}
        }
        if let (Action::Close { .. }, Some(Opening(opening))) = (&item.step.action, item.target) {
            self.files[opening] = None;
        }
    }
}

/// Returns the steps of a script with the numbers that they have on a sequencer that begins in this state. Steps about
/// files that are not open are left out. If its engine panics, the step at which it does is the last one.
#[must_use]
pub fn concrete(start: &Engine, items: &[Rc<Item>]) -> Vec<Step> {
    let mut run = Run::new(start.clone());
    let mut steps = Vec::with_capacity(items.len());
    for item in items {
        let made = caught(|| {
            let made = run.make(item).is_some();
            while run.world.poll_output().is_some() {}
            made
        });
        if made != Ok(false) {
            steps.push(Step { at: item.step.at, action: run.made().clone() });
        }
        if made.is_err() {
            break;
        }
    }
    steps
}
