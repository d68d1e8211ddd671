//! Programs as the calls that they make: with the numbers that a sequencer has given, and bytes in place of fields.

use crate::device::{Access, Device, EngineDevice, Inside, Readiness};
use crate::field::REQUESTS;
use crate::program::Program;
use crate::sys::FIONBIO;
use crate::transcript::transcript;
use aseqd_abi::Errno;
use std::collections::BTreeMap;
use std::time::Duration;

/// One call. Files are numbered from 0 in the order of the calls that open them, those that fail included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Opens the sequencer.
    Open(Access),
    /// Opens the timer device.
    OpenTimer(Access),
    /// Creates a user-driven timer, which is another file.
    CreateTimer(usize, Vec<u8>),
    /// Closes a file.
    Close(usize),
    /// Makes a request.
    Ioctl {
        /// On which file.
        file: usize,
        /// The whole code.
        code: u32,
        /// Whether it comes from a 32-bit process.
        compat: bool,
        /// The struct.
        argument: Vec<u8>,
    },
    /// Writes.
    Write(usize, Vec<u8>),
    /// Reads at most this many bytes.
    Read(usize, usize),
    /// Polls.
    Poll(usize),
    /// Lets time pass.
    Wait(Duration),
    /// Happens inside of a server: no program can do it.
    Inside(Inside),
}

impl Step {
    /// Returns whether the file layer of the kernel, or of a door, may answer a call before a driver gets to see it: what
    /// such a call answers depends on the kind of file.
    pub(crate) fn may_end_on_the_way(&self) -> bool {
        match self {
            Self::Ioctl { code, .. } => {
                *code == FIONBIO || !REQUESTS.iter().any(|request| request.code == *code)
            }
            Self::Write(_, data) => data.is_empty(),
            Self::Read(_, len) => *len == 0,
            _ => false,
        }
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its value: how many files were opened before this one, bytes written or read, what an ioctl returned, or the bits of
    /// a poll (1 to read, 2 to write).
    pub value: Result<i64, Errno>,
    /// The bytes that came back: those that were read, or the struct after an ioctl.
    pub told: Vec<u8>,
}

/// A device that notes what is done with it.
#[derive(Debug)]
pub struct Tape<D> {
    device: D,
    /// The numbers of the device's files.
    files: BTreeMap<usize, usize>,
    /// How many calls that open files there were.
    opened: usize,
    /// Which call of the program runs.
    call: usize,
    /// For each step, by which call of the program it was made.
    pub calls: Vec<usize>,
    /// The calls so far, with what came of them.
    pub steps: Vec<(Step, Answer)>,
    /// The call that is under way: the one in which the device panicked, if it has.
    pub pending: Option<Step>,
}

impl<D: Device> Tape<D> {
    /// Returns a device with an empty tape.
    pub fn new(device: D) -> Self {
        let (files, steps) = (BTreeMap::new(), Vec::new());
        Self { device, files, opened: 0, call: 0, calls: Vec::new(), steps, pending: None }
    }

    /// Returns the device.
    pub const fn device(&self) -> &D {
        &self.device
    }

    /// Ends the call that is under way.
    fn note<T>(&mut self, told: &[u8], answer: &Result<T, Errno>, value: impl Fn(&T) -> i64) {
        let value = answer.as_ref().map(value).map_err(|error| *error);
        let answer = Answer { value, told: told.to_vec() };
        if let Some(step) = self.pending.take() {
            self.steps.push((step, answer));
            self.calls.push(self.call);
        }
    }

    fn begin_ioctl(&mut self, file: usize, code: u32, compat: bool, argument: &[u8]) {
        let argument = argument.to_vec();
        self.pending = Some(Step::Ioctl { file: self.number(file), code, compat, argument });
    }
}

impl<D> Tape<D> {
    /// Returns the number of a file of the device.
    fn number(&self, file: usize) -> usize {
        self.files.get(&file).copied().unwrap_or(usize::MAX)
    }

    /// Gives the next number to what a call has opened. The device may use one again that was closed.
    fn opened(&mut self, answer: Result<usize, Errno>) -> Result<usize, Errno> {
        let number = self.opened;
        self.opened += 1;
        answer.map(|file| {
            self.files.insert(file, number);
            number
        })
    }
}

fn count(value: &usize) -> i64 {
    i64::try_from(*value).unwrap_or(i64::MAX)
}

impl<D: Device> Device for Tape<D> {
    fn open(&mut self, access: Access) -> Result<usize, Errno> {
        self.pending = Some(Step::Open(access));
        let answer = self.device.open(access);
        let number = self.opened(answer);
        self.note(&[], &number, count);
        answer
    }

    fn open_timer(&mut self, access: Access) -> Result<usize, Errno> {
        self.pending = Some(Step::OpenTimer(access));
        let answer = self.device.open_timer(access);
        let number = self.opened(answer);
        self.note(&[], &number, count);
        answer
    }

    fn create_timer(&mut self, file: usize, argument: &mut [u8]) -> Result<usize, Errno> {
        self.pending = Some(Step::CreateTimer(self.number(file), argument.to_vec()));
        let answer = self.device.create_timer(file, argument);
        let number = self.opened(answer);
        self.note(argument, &number, count);
        answer
    }

    fn close(&mut self, file: usize) {
        self.pending = Some(Step::Close(self.number(file)));
        self.device.close(file);
        self.note(&[], &Ok(0), count);
    }

    fn ioctl(&mut self, file: usize, code: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        self.begin_ioctl(file, code, false, argument);
        let answer = self.device.ioctl(file, code, argument);
        self.note(argument, &answer, |value| i64::from(*value));
        answer
    }

    fn ioctl_compat(&mut self, file: usize, code: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        self.begin_ioctl(file, code, true, argument);
        let answer = self.device.ioctl_compat(file, code, argument);
        self.note(argument, &answer, |value| i64::from(*value));
        answer
    }

    fn write(&mut self, file: usize, data: &[u8]) -> Result<usize, Errno> {
        self.pending = Some(Step::Write(self.number(file), data.to_vec()));
        let answer = self.device.write(file, data);
        self.note(&[], &answer, count);
        answer
    }

    fn read(&mut self, file: usize, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.pending = Some(Step::Read(self.number(file), buffer.len()));
        let answer = self.device.read(file, buffer);
        self.note(&buffer[..answer.unwrap_or(0)], &answer, count);
        answer
    }

    fn poll(&mut self, file: usize) -> Readiness {
        self.pending = Some(Step::Poll(self.number(file)));
        let ready = self.device.poll(file);
        let bits = i64::from(ready.readable) | i64::from(ready.writable) << 1;
        self.note(&[], &Ok(bits), |bits| *bits);
        ready
    }

    fn wait(&mut self, time: Duration) {
        self.pending = Some(Step::Wait(time));
        self.device.wait(time);
        self.note(&[], &Ok(0), count);
    }

    fn inside(&mut self, inside: &Inside) -> Result<usize, Errno> {
        let numbered =
            inside.file().map_or_else(|| inside.clone(), |file| inside.about(self.number(file)));
        self.pending = Some(Step::Inside(numbered));
        let answer = self.device.inside(inside);
        let number = if inside.opens() { self.opened(answer) } else { answer };
        self.note(&[], &number, count);
        answer
    }

    fn process(&self) -> i32 {
        self.device.process()
    }

    fn at(&mut self, call: usize) {
        self.call = call;
    }
}

/// Returns the calls that a program makes on a fresh engine, with the engine's answers.
#[must_use]
pub fn tape_of(program: &Program) -> Vec<(Step, Answer)> {
    let mut tape = Tape::new(EngineDevice::of(program));
    transcript(&mut tape, program);
    tape.steps
}

/// Makes calls on a device, and returns what came of them. Calls on files that were never opened are `EBADF`.
pub fn play(device: &mut dyn Device, steps: &[Step]) -> Vec<Answer> {
    let mut files = Vec::new();
    let mut answers = Vec::new();
    for step in steps {
        answers.push(play_one(device, &mut files, step));
    }
    files.into_iter().flatten().for_each(|file| device.close(file));
    answers
}

fn play_one(device: &mut dyn Device, files: &mut Vec<Option<usize>>, step: &Step) -> Answer {
    let nothing = |value: Result<i64, Errno>| Answer { value, told: Vec::new() };
    let file = match step {
        Step::Close(file) | Step::Write(file, _) | Step::Read(file, _) | Step::Poll(file) => *file,
        Step::CreateTimer(file, _) | Step::Ioctl { file, .. } => *file,
        Step::Inside(inside) => inside.file().unwrap_or(0),
        Step::Open(_) | Step::OpenTimer(_) | Step::Wait(_) => 0,
    };
    let file = files.get(file).copied().flatten().unwrap_or(usize::MAX);
    let mut opened = |opened: Result<usize, Errno>, told: Vec<u8>| {
        files.push(opened.ok());
        let value = opened.map(|_| count(&(files.len() - 1)));
        Answer { value, told }
    };
    match step {
        Step::Open(access) => opened(device.open(*access), Vec::new()),
        Step::OpenTimer(access) => opened(device.open_timer(*access), Vec::new()),
        Step::CreateTimer(_, argument) => {
            let mut told = argument.clone();
            let made = device.create_timer(file, &mut told);
            opened(made, told)
        }
        Step::Close(_) => {
            device.close(file);
            nothing(Ok(0))
        }
        Step::Ioctl { code, compat, argument, .. } => {
            let mut told = argument.clone();
            let value = match compat {
                true => device.ioctl_compat(file, *code, &mut told),
                false => device.ioctl(file, *code, &mut told),
            };
            Answer { value: value.map(i64::from), told }
        }
        Step::Write(_, data) => nothing(device.write(file, data).map(|done| count(&done))),
        Step::Read(_, len) => {
            let mut buffer = vec![0; *len];
            let value = device.read(file, &mut buffer);
            buffer.truncate(value.unwrap_or(0));
            Answer { value: value.map(|done| count(&done)), told: buffer }
        }
        Step::Poll(_) => {
            let ready = device.poll(file);
            nothing(Ok(i64::from(ready.readable) | i64::from(ready.writable) << 1))
        }
        Step::Wait(time) => {
            device.wait(*time);
            nothing(Ok(0))
        }
        Step::Inside(inside) if inside.opens() => opened(device.inside(inside), Vec::new()),
        Step::Inside(inside) => {
            nothing(device.inside(&inside.about(file)).map(|value| count(&value)))
        }
    }
}
