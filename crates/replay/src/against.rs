//! Makes recorded calls on a real sequencer, the kernel's or another aseqd, and compares its answers.

use crate::comparable;
use crate::places::{self, Kind};
use crate::records;
use crate::script::{Item, Numbers, Opening};
use crate::step::Action;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::sequencer::{CLIENT_ID, CREATE_QUEUE};
use aseqd_abi::ioctl::{size, timers};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Errno, Event};
use aseqd_client::{DeviceFile, Direction};
use aseqd_engine::{Access, Node, READABLE, Reply, WRITABLE};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;
use zerocopy::FromBytes as _;

/// How long an answer may come later than in the recording.
const PATIENCE: Duration = Duration::from_secs(2);
/// Size of the longest read, in bytes.
const ROOM: usize = 1 << 20;
/// How many bytes of an answer are printed.
const SHOWN: usize = 64;

/// What a record came to on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The answer is the recorded one.
    Same,
    /// It is not; in words.
    Differs(String),
    /// The call was not made, or its answer cannot be compared; in words.
    Skipped(&'static str),
}

/// Opens device files, so that calls do not sleep.
pub trait Devices {
    /// The file of a device.
    type File: DeviceFile;

    /// Opens a device for calls that do not sleep.
    ///
    /// # Errors
    /// The device's error number.
    fn open(&mut self, node: Node, access: Access) -> Result<Self::File, Errno>;
}

/// A sequencer that answers to recorded calls.
#[derive(Debug)]
pub struct Device<D: Devices> {
    devices: D,
    files: BTreeMap<Opening, OpenFile<D::File>>,
    numbers: Numbers,
}

#[derive(Debug)]
struct OpenFile<F> {
    file: F,
    is_client: bool,
    /// What reads have returned, and the recording has later.
    ahead: Vec<u8>,
}

impl<D: Devices> Device<D> {
    /// Begins with no file open.
    pub fn new(devices: D) -> Self {
        Self { devices, files: BTreeMap::new(), numbers: Numbers::default() }
    }

    /// Makes a recorded step, which had this answer, and compares.
    pub fn make(&mut self, item: &Item, reply: Reply, out: &[u8]) -> Verdict {
        let expected = match reply {
            Reply::Done(value) | Reply::More(value) | Reply::Wait(value @ 1..) => Ok(value),
            // The files here do not wait.
            Reply::Wait(_) => Err(Errno::EAGAIN),
            Reply::Failed(error) => Err(error.errno),
        };
        match &item.step.action {
            Action::Timeout | Action::Thread { .. } => return Verdict::Same,
            Action::Open { node, access, .. } => return self.open(item, *node, *access, expected),
            Action::OpenKernel { .. } => return Verdict::Skipped("clients of kernel type"),
            Action::BecomeUserTimer { .. } | Action::Ioctl { request: timers::CREATE, .. } => {
                return Verdict::Skipped("user-driven timers");
            }
            Action::Ioctl { compat: true, .. } => {
                return Verdict::Skipped("calls of 32-bit programs");
            }
            _ => {}
        }
        let Some(target) = item.target else {
            return Verdict::Skipped("files that were open before the recording");
        };
        let Some(open) = self.files.get_mut(&target) else {
            return Verdict::Skipped("calls on files that are not open here");
        };
        match &item.step.action {
            Action::Ioctl { request, arg, .. } => {
                ioctl(open, &mut self.numbers, item, (*request, arg), expected, out)
            }
            Action::Read { len, .. } => open.read(&self.numbers, item, *len, expected, out),
            Action::Write { data, .. } => {
                // The rest of a write that sleeps or goes on is a record of its own.
                let taken = match reply {
                    Reply::More(taken) | Reply::Wait(taken @ 1..) => taken.min(data.len()),
                    _ => data.len(),
                };
                let mut data = data[..taken].to_vec();
                let numbers = &self.numbers;
                places::replace_written(&mut data, item.ump, |kind, number| {
                    numbers.now(kind, number)
                });
                agree(expected, open.file.write(&data))
            }
            Action::Poll { .. } => open.poll(expected),
            Action::Close { .. } => {
                self.files.remove(&target);
                Verdict::Same
            }
            _ => Verdict::Same,
        }
    }

    fn open(
        &mut self,
        item: &Item,
        node: Node,
        access: Access,
        expected: Result<usize, Errno>,
    ) -> Verdict {
        if node == Node::Control {
            return Verdict::Skipped("control devices");
        }
        let opened = self.devices.open(node, access);
        let verdict =
            agree(expected.map(|_| 0), opened.as_ref().map(|_| 0).map_err(|error| *error));
        let (Ok(file), Some(opening)) = (opened, item.opens) else { return verdict };
        if let Some((Kind::Client, recorded)) = item.makes {
            let mut number = [0; 4];
            if file.ioctl(CLIENT_ID, &mut number).is_ok() {
                self.numbers.set(Kind::Client, recorded, number[0]);
            }
        }
        let is_client = node == Node::Sequencer;
        self.files.insert(opening, OpenFile { file, is_client, ahead: Vec::new() });
        verdict
    }
}

fn ioctl<F: DeviceFile>(
    open: &OpenFile<F>,
    numbers: &mut Numbers,
    item: &Item,
    (request, arg): (u32, &[u8]),
    expected: Result<usize, Errno>,
    out: &[u8],
) -> Verdict {
    let mut bytes = arg.to_vec();
    bytes.resize(arg.len().max(size(request)), 0);
    places::replace(&mut bytes, places::of_request(request, false), |kind, number| {
        numbers.now(kind, number)
    });
    let value = open.file.ioctl(request, &mut bytes);
    let value = value.map(|value| usize::try_from(value).unwrap_or_default());
    let verdict = agree(expected, value);
    if value.is_err() || verdict != Verdict::Same {
        return verdict;
    }
    if let (CREATE_QUEUE, Some((Kind::Queue, recorded))) = (request, item.makes) {
        numbers.set(Kind::Queue, recorded, bytes[0]);
    }
    places::replace(&mut bytes, places::of_request(request, false), |kind, number| {
        numbers.recorded(kind, number)
    });
    let mut wanted = comparable::copied_back(request, out).to_vec();
    bytes.truncate(wanted.len());
    for range in comparable::ignored(request, false) {
        for bytes in [&mut bytes, &mut wanted] {
            if let Some(bytes) = bytes.get_mut(range.clone()) {
                bytes.fill(0);
            }
        }
    }
    match bytes == wanted {
        true => Verdict::Same,
        false => Verdict::Differs(others("the bytes that come back are others", &wanted, &bytes)),
    }
}

impl<F: DeviceFile> OpenFile<F> {
    /// Reads once. Returns how many bytes there were.
    fn read_more(&mut self, numbers: &Numbers, ump: bool, len: usize) -> Result<usize, Errno> {
        let mut bytes = vec![0; len.min(ROOM)];
        let read = self.file.read(&mut bytes)?;
        bytes.truncate(read);
        if self.is_client {
            places::replace_read(&mut bytes, ump, |kind, number| numbers.recorded(kind, number));
        }
        self.ahead.extend(bytes);
        Ok(read)
    }

    fn read(
        &mut self,
        numbers: &Numbers,
        item: &Item,
        len: usize,
        expected: Result<usize, Errno>,
        out: &[u8],
    ) -> Verdict {
        if out.is_empty() {
            return match self.read_more(numbers, item.ump, len) {
                // Something may have come sooner than in the recording.
                Ok(1..) => Verdict::Same,
                read => agree(expected, read),
            };
        }
        if !self.is_client {
            if let Err(verdict) = self.wait() {
                return verdict;
            }
            let read = self.read_more(numbers, item.ump, len);
            self.ahead.clear();
            return match read {
                Ok(_) => Verdict::Skipped("how often a timer has ticked"),
                Err(error) => agree(expected, Err(error)),
            };
        }
        for range in records::read(out, item.ump) {
            let wanted = &out[range];
            let found = loop {
                if let Some(found) = self.take_like(wanted, item.ump) {
                    break found;
                }
                if self.wait().is_err() {
                    let text = format!("an event did not come: {}", hex(wanted));
                    return Verdict::Differs(text);
                }
                if let Err(error) = self.read_more(numbers, item.ump, len) {
                    return agree(expected, Err(error));
                }
            };
            if !is_same_event(wanted, &found, item.ump) {
                return Verdict::Differs(others("an event is another one", wanted, &found));
            }
        }
        Verdict::Same
    }

    /// Takes the event out of what was read that comes next from the same sender and through the same queue. Events of
    /// different senders or queues may come in another order.
    fn take_like(&mut self, wanted: &[u8], ump: bool) -> Option<Vec<u8>> {
        let key = |event: &[u8]| (event.get(3).copied(), event.get(12..14).map(<[u8]>::to_vec));
        let range = records::read(&self.ahead, ump)
            .into_iter()
            .find(|range| key(&self.ahead[range.clone()]) == key(wanted))?;
        Some(self.ahead.drain(range).collect())
    }

    fn wait(&self) -> Result<(), Verdict> {
        match self.file.wait(Direction::Read, Some(PATIENCE)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Verdict::Differs("there is nothing to read".to_owned())),
            Err(error) => Err(Verdict::Differs(format!("the device has ended: {error}"))),
        }
    }

    fn poll(&self, expected: Result<usize, Errno>) -> Verdict {
        let wanted = expected.unwrap_or(0);
        for (bit, direction) in [(READABLE, Direction::Read), (WRITABLE, Direction::Write)] {
            if wanted & bit == 0 || bit == READABLE && !self.ahead.is_empty() {
                continue;
            }
            if self.file.wait(direction, Some(PATIENCE)) != Ok(true) {
                return Verdict::Differs("the file is not ready as it was".to_owned());
            }
        }
        Verdict::Same
    }
}

/// Compares values, or the numbers of errors.
fn agree(expected: Result<usize, Errno>, found: Result<usize, Errno>) -> Verdict {
    if expected == found {
        return Verdict::Same;
    }
    let words = |result: Result<usize, Errno>| match result {
        Ok(value) => value.to_string(),
        Err(error) => error.to_string(),
    };
    Verdict::Differs(format!("recorded {}, found {}", words(expected), words(found)))
}

/// Returns whether two events are the same. Times that are not zero come out otherwise in each run.
fn is_same_event(wanted: &[u8], found: &[u8], ump: bool) -> bool {
    let (Ok((mut one, data)), Ok((mut other, more))) =
        (Event::read_from_prefix(wanted), Event::read_from_prefix(found))
    else {
        return wanted == found;
    };
    if one.time != aseqd_abi::event::EventTime::default() {
        other.time = one.time;
    }
    let (mut data, mut more) = (data, more);
    if one.is_variable() {
        // Where the data are is of no interest, and what fills the last record neither.
        let len = usize::try_from(one.data.ext_len() & 0x3fff_ffff).unwrap_or(usize::MAX);
        let skip = if ump { size_of::<UmpEvent>() - EVENT_SIZE } else { 0 };
        data = data.get(skip..).and_then(|data| data.get(..len)).unwrap_or(data);
        more = more.get(skip..).and_then(|more| more.get(..len)).unwrap_or(more);
        for event in [&mut one, &mut other] {
            event.data.0[4..].fill(0);
        }
    }
    one == other && data == more
}

fn others(what: &str, wanted: &[u8], found: &[u8]) -> String {
    format!("{what}\n    recorded {}\n    found    {}", hex(wanted), hex(found))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in &bytes[..bytes.len().min(SHOWN)] {
        let _infallible = write!(text, "{byte:02x} ");
    }
    if bytes.len() > SHOWN {
        text.push_str("...");
    }
    text.truncate(text.trim_end().len());
    text
}
