//! A naive reference of the whole interface, written from what is documented: what each call must answer, byte by byte.
//!
//! The model runs the same calls beside the engine. It has lists that are searched from the front where the engine has
//! heaps, slabs and pools, it counts cells by looking at every event, and it handles one interrupt of a timer at a time.
//! Its structs are bytes at offsets of its own. It gives up where the engine's answer rests on something that no document
//! promises; how often is counted.

mod clients;
mod control;
mod convert;
mod delivery;
mod files;
mod instances;
mod packets;
mod ports;
mod queue;
mod queues;
mod record;
mod sounding;
mod timer_files;
mod timers;
mod world;

use crate::device::{Access, EngineDevice, Inside};
use crate::program::Program;
use crate::tape::{Answer, Step};
use aseqd_abi::Errno;
use aseqd_abi::ioctl;
use record::CELL;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use world::{Settings, World};

/// A difference between the model and the sequencer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What is different, in a word that does not depend on the program.
    pub kind: String,
    /// The number of the call at which it showed.
    pub call: usize,
    /// What the model expected, and what came.
    pub text: String,
    /// What the model expected.
    pub expected: Answer,
}

/// How far a comparison went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// How many calls the program made.
    pub calls: usize,
    /// How many of their answers were compared.
    pub compared: usize,
    /// How many events and timer records were read.
    pub events: usize,
    /// How many of them were compared.
    pub events_compared: usize,
}

/// What a file is.
#[derive(Clone, Copy, Debug)]
enum File {
    Client(u8),
    Timer(Access),
    UserTimer(i32, Access),
    /// The card's control device; whether it wants events.
    Control(Access, bool),
}

impl Followed {
    /// Adds what another comparison followed.
    pub const fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.compared += other.compared;
        self.events += other.events;
        self.events_compared += other.events_compared;
    }
}

struct Model {
    world: World,
    files: BTreeMap<usize, File>,
    /// Files whose calls sleep. Such a call is interrupted at once.
    blocking: BTreeSet<usize>,
    opened: usize,
}

/// Compares what came of a program's calls on an engine with the model.
///
/// # Errors
/// The first difference.
pub fn compare(steps: &[(Step, Answer)], program: &Program) -> Result<Followed, Difference> {
    let settings = Settings::of(program.settings);
    let world = World::new(EngineDevice::START_NS, program.ump, settings, EngineDevice::PROCESS);
    let (files, blocking) = (BTreeMap::new(), BTreeSet::new());
    let mut model = Model { world, files, blocking, opened: 0 };
    let mut followed = Followed::default();
    for (index, (step, found)) in steps.iter().enumerate() {
        followed.calls += 1;
        let events = events_of(found, step);
        followed.events += events;
        let mut expected = model.step(step);
        if matches!(step, Step::CreateTimer(..)) && expected.value.is_ok() {
            // The descriptor is whatever number is free.
            expected.told[8..12].copy_from_slice(&found.told[8..12]);
        }
        if expected != *found {
            return Err(difference(index, step, expected, found));
        }
        followed.compared += 1;
        followed.events_compared += events;
    }
    Ok(followed)
}

/// Returns how many records a read returned, roughly: data of events counts too.
fn events_of(answer: &Answer, step: &Step) -> usize {
    if matches!(step, Step::Read(..)) { answer.told.len().div_ceil(CELL) } else { 0 }
}

fn difference(call: usize, step: &Step, expected: Answer, found: &Answer) -> Difference {
    let what = match step {
        Step::Open(_) => "open",
        Step::OpenTimer(_) => "open_timer",
        Step::CreateTimer(..) => "create_timer",
        Step::Close(_) => "close",
        Step::Ioctl { code, .. } => {
            let known = crate::field::REQUESTS.iter().find(|request| request.code == *code);
            known.map_or("ioctl", |request| request.name)
        }
        Step::Write(..) => "write",
        Step::Read(..) => "read",
        Step::Poll(_) => "poll",
        Step::Wait(_) => "wait",
        Step::Inside(_) => "inside",
    };
    let kind = if expected.value == found.value {
        format!("other_data_of_{what}")
    } else {
        format!("other_answer_of_{what}")
    };
    let words = |answer: &Answer| match step {
        Step::Read(..) => format!(
            "{:?} {}{}",
            answer.value,
            hex(&answer.told),
            aseqd_describe::text::events(&answer.told, false)
        ),
        _ => format!("{:?} {}", answer.value, hex(&answer.told)),
    };
    let same = expected.told.iter().zip(&found.told).take_while(|(one, other)| one == other);
    let text = format!(
        "call {call}, at byte {} of what came back\nexpected {}\nfound    {}",
        same.count(),
        words(&expected),
        words(found)
    );
    Difference { kind, call, text, expected }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

fn done(value: Result<i64, Errno>, told: Vec<u8>) -> Answer {
    Answer { value, told }
}

impl Model {
    /// Makes a call, and returns what must come of it.
    fn step(&mut self, step: &Step) -> Answer {
        let now = self.world.now;
        self.world.run_until(now);
        let answer = self.call(step);
        self.world.tell_files();
        answer
    }

    fn open_file(&mut self, file: Result<File, Errno>) -> Result<i64, Errno> {
        let number = self.opened;
        self.opened += 1;
        self.files.insert(number, file?);
        Ok(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn call(&mut self, step: &Step) -> Answer {
        match step {
            Step::Open(access) => {
                let client = self.world.open(*access).map(File::Client);
                done(self.open_file(client), Vec::new())
            }
            Step::OpenTimer(access) => {
                self.world.open_timer_file(self.opened);
                done(self.open_file(Ok(File::Timer(*access))), Vec::new())
            }
            Step::CreateTimer(file, argument) => {
                let mut told = argument.clone();
                let number = match self.files.get(file) {
                    Some(File::Timer(_)) => self.world.create_user_timer(&mut told),
                    Some(_) => Err(Errno::ENOTTY),
                    None => Err(Errno::EBADF),
                };
                // Whatever the other file is open for.
                let number = number.map(|number| File::UserTimer(number, Access::ReadWrite));
                done(self.open_file(number), told)
            }
            Step::Close(file) => {
                self.blocking.remove(file);
                match self.files.remove(file) {
                    Some(File::Client(client)) => self.world.close(client),
                    Some(File::Timer(_)) => self.world.close_timer_file(*file),
                    Some(File::UserTimer(number, _)) => self.world.close_user_timer(number),
                    Some(File::Control(..)) | None => {}
                }
                done(Ok(0), Vec::new())
            }
            Step::Ioctl { file, code, compat, argument } => {
                let mut told = argument.clone();
                let short = argument.len() < ioctl::size(*code);
                let result = match self.files.get(file).copied() {
                    Some(File::Client(_) | File::Timer(_)) if short && is_known(*code) => {
                        Err(Errno::EFAULT)
                    }
                    Some(File::Client(client)) => {
                        self.world.request(client, *code, *compat, &mut told)
                    }
                    Some(File::Timer(_)) => {
                        self.world.timer_request(*file, *code, *compat, &mut told)
                    }
                    Some(File::UserTimer(number, _)) => {
                        self.world.user_timer_request(number, *code)
                    }
                    Some(File::Control(access, mut subscribed)) => {
                        let done = control::request(&mut subscribed, *code, *compat, &mut told);
                        self.files.insert(*file, File::Control(access, subscribed));
                        done
                    }
                    None => Err(Errno::EBADF),
                };
                if ioctl::direction(*code) & ioctl::READ == 0 && !copies_back(*code) {
                    told.clone_from(argument);
                }
                done(result.map(|()| 0), told)
            }
            Step::Write(file, data) => {
                let taken = match self.files.get(file).copied() {
                    Some(File::Client(client)) => self.world.write(client, data),
                    Some(
                        File::Timer(Access::Read)
                        | File::UserTimer(_, Access::Read)
                        | File::Control(Access::Read, _),
                    ) => Err(Errno::EBADF),
                    Some(_) => Err(Errno::EINVAL),
                    None => Err(Errno::EBADF),
                };
                done(taken.map(|taken| i64::try_from(taken).unwrap_or(i64::MAX)), Vec::new())
            }
            Step::Read(file, len) => {
                let told = match self.files.get(file).copied() {
                    Some(File::Client(client)) => self.world.read(client, *len),
                    Some(
                        File::Timer(Access::Write)
                        | File::UserTimer(_, Access::Write)
                        | File::Control(Access::Write, _),
                    ) => Err(Errno::EBADF),
                    Some(File::Timer(_)) => self.world.read_timer(*file, *len),
                    Some(File::UserTimer(..)) => Err(Errno::EINVAL),
                    Some(File::Control(_, subscribed)) => {
                        Err(control::read(subscribed, *len, self.blocking.contains(file)))
                    }
                    None => Err(Errno::EBADF),
                };
                let told = told.map(|told| (i64::try_from(told.len()).unwrap_or(i64::MAX), told));
                match told {
                    Ok((len, told)) => done(Ok(len), told),
                    Err(error) => done(Err(error), Vec::new()),
                }
            }
            Step::Poll(file) => {
                let bits = match self.files.get(file).copied() {
                    Some(File::Client(client)) => self.world.poll(client),
                    Some(File::Timer(_)) => self.world.poll_timer(*file),
                    // The file has no poll of its own, so it is always ready for everything.
                    Some(File::UserTimer(..)) => 3,
                    Some(File::Control(..)) | None => 0,
                };
                done(Ok(bits), Vec::new())
            }
            Step::Wait(time) => {
                let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
                self.world.run_until(self.world.now + time);
                done(Ok(0), Vec::new())
            }
            Step::Inside(inside) => done(self.inside(inside), Vec::new()),
        }
    }
}

impl Model {
    /// Does what only a server can do.
    fn inside(&mut self, inside: &Inside) -> Result<i64, Errno> {
        match inside {
            Inside::OpenKernel { access, number, card, name } => {
                let client = self.world.open_kernel(*access, *number, *card, name);
                return self.open_file(client.map(File::Client));
            }
            Inside::OpenControl(access) => {
                return self.open_file(Ok(File::Control(*access, false)));
            }
            Inside::Texts => return Ok(0),
            Inside::BecomeUserTimer(..) | Inside::Thread(..) | Inside::Blocking(..) => {}
        }
        let number = inside.file().unwrap_or(usize::MAX);
        let file = *self.files.get(&number).ok_or(Errno::EBADF)?;
        match (inside, file) {
            (Inside::Blocking(_, on), file) => {
                if *on {
                    self.blocking.insert(number);
                } else {
                    self.blocking.remove(&number);
                }
                match file {
                    File::Client(client) => self.world.me(client).blocks = *on,
                    File::Timer(_) => self.world.file(number).blocks = *on,
                    File::UserTimer(..) | File::Control(..) => {}
                }
            }
            (Inside::Thread(_, thread), File::Timer(_)) => self.world.file(number).thread = *thread,
            (Inside::BecomeUserTimer(_, resolution), File::Timer(access)) => {
                let timer = self.world.become_user_timer(number, *resolution)?;
                self.files.insert(number, File::UserTimer(timer, access));
                return Ok(timer.into());
            }
            (Inside::BecomeUserTimer(..), _) => return Err(Errno::ENOTTY),
            _ => {}
        }
        Ok(0)
    }
}

fn is_known(code: u32) -> bool {
    crate::field::REQUESTS.iter().any(|request| request.code == code)
}

/// Returns whether a request copies its struct back though its code does not say so.
const fn copies_back(code: u32) -> bool {
    matches!(
        code,
        ioctl::sequencer::SET_QUEUE_CLIENT
            | ioctl::sequencer::SET_CLIENT_POOL
            | ioctl::sequencer32::DELETE_PORT
            | ioctl::sequencer32::SET_PORT_INFO
    )
}
