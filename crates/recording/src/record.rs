//! One record, as data and as bytes.

use crate::error::Malformed;
use crate::varint;
use aseqd_engine::{Access, Call, FileId, Identity, Input, Node, Time};

/// Maximum number of bytes that one record carries: of a write, of an ioctl's struct, of a text. No door hands on a
/// longer write.
pub const MAX_DATA: usize = 1 << 20;

/// Maximum length of a record without the bytes that it carries.
pub const MAX_HEAD: usize = 48;

/// After how many inputs a recorder writes a [`Record::Checkpoint`].
pub const CHECKPOINT_INTERVAL: u64 = 256;

/// What a recording has one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// Something entered the engine.
    Input(Input<'a>),
    /// The last [`Call::Write`] of this file went on: the engine got the bytes that it had not taken before.
    Rest {
        /// On which file.
        file: FileId,
        /// How many bytes of that write it had taken.
        done: usize,
        /// Whether to fail with `EAGAIN` instead of sleeping.
        nonblock: bool,
    },
    /// The whole running hash of the answers up to here.
    Checkpoint(u32),
    /// A remark for people, such as the name of the program that has opened a file. A replay ignores it.
    Note {
        /// The file that it is about, if it is about one.
        file: Option<FileId>,
        /// The remark.
        text: &'a str,
    },
}

/// A record, with what was so when it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// How many inputs (records of the kinds [`Record::Input`] and [`Record::Rest`]) come before this record.
    pub index: u64,
    /// The time that the engine was told. Never earlier than that of the record before.
    pub now: Time,
    /// How many outputs were taken from the engine since the record before.
    pub outputs: u32,
    /// The lowest 8 bits of the [running hash](crate::AnswerHash) of everything that left the engine before this
    /// record. It is 0 in a [`Record::Note`].
    pub check: u8,
    /// The record itself.
    pub record: Record<'a>,
}

impl Record<'_> {
    /// Returns whether this is something that entered the engine.
    #[must_use]
    pub const fn is_input(&self) -> bool {
        matches!(self, Self::Input(_) | Self::Rest { .. })
    }
}

// What stands in the lowest 5 bits of the first byte. The others are the number of outputs.
const TIMEOUT: u8 = 0;
const OPEN: u8 = 1;
const IOCTL: u8 = 2;
const IOCTL_COMPAT: u8 = 3;
const READ: u8 = 4;
const READ_NONBLOCK: u8 = 5;
const WRITE: u8 = 6;
const WRITE_NONBLOCK: u8 = 7;
const POLL: u8 = 8;
const CLOSE: u8 = 9;
const THREAD: u8 = 10;
const BECOME_USER_TIMER: u8 = 11;
const REST: u8 = 12;
const REST_NONBLOCK: u8 = 13;
const CHECKPOINT: u8 = 14;
const NOTE: u8 = 15;

const KIND: u8 = 0x1f;
/// This number of outputs in the first byte says that the number follows.
const OUTPUTS_FOLLOW: u32 = 7;
/// The bit of an open that says that a client of kernel type opened the file.
const KERNEL: u8 = 0x10;

/// The bytes of a record before those that it carries.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    bytes: [u8; MAX_HEAD],
    len: usize,
}

impl Head {
    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn byte(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn number(&mut self, value: u64) {
        self.len += varint::put(&mut self.bytes[self.len..], value);
    }

    fn signed(&mut self, value: i32) {
        self.number(varint::zigzag(value));
    }
}

/// Returns a record as bytes, in two parts that follow each other: the head, and what the record carries. It
/// allocates nothing.
///
/// `elapsed` is the time since the record before, in nanoseconds.
#[must_use]
pub fn encode<'a>(elapsed: u64, outputs: u32, check: u8, record: &Record<'a>) -> (Head, &'a [u8]) {
    let mut head = Head { bytes: [0; MAX_HEAD], len: 0 };
    let inline = outputs.min(OUTPUTS_FOLLOW);
    head.byte(kind(record) | inline.to_le_bytes()[0] << 5);
    if inline == OUTPUTS_FOLLOW {
        head.number(outputs.into());
    }
    head.byte(check);
    head.number(elapsed);
    let mut carried: &[u8] = &[];
    match *record {
        Record::Input(Input::Timeout) => {}
        Record::Input(Input::Open { node, access, identity }) => {
            let bits = node_bits(node) | access_bits(access) << 2;
            match identity {
                Identity::User { pid } => {
                    head.byte(bits);
                    head.signed(pid);
                }
                Identity::Kernel { number, card, name } => {
                    head.byte(bits | KERNEL);
                    head.number(number.map_or(0, |number| u64::from(number) + 1));
                    head.signed(card);
                    carried = name.as_bytes();
                }
            }
        }
        Record::Input(Input::Call { file, call }) => {
            head.number(file.0.into());
            match call {
                Call::Ioctl { request, arg, .. } => {
                    for byte in request.to_le_bytes() {
                        head.byte(byte);
                    }
                    carried = arg;
                }
                Call::Read { len, .. } => head.number(len as u64),
                Call::Write { data, .. } => carried = data,
                Call::Poll => {}
            }
        }
        Record::Input(Input::Close { file }) => head.number(file.0.into()),
        Record::Input(Input::Thread { file, thread }) => {
            head.number(file.0.into());
            head.signed(thread);
        }
        Record::Input(Input::BecomeUserTimer { file, resolution }) => {
            head.number(file.0.into());
            head.number(resolution);
        }
        Record::Rest { file, done, .. } => {
            head.number(file.0.into());
            head.number(done as u64);
        }
        Record::Checkpoint(hash) => {
            for byte in hash.to_le_bytes() {
                head.byte(byte);
            }
        }
        Record::Note { file, text } => {
            head.number(file.map_or(0, |file| u64::from(file.0) + 1));
            carried = text.as_bytes();
        }
    }
    if carries(record) {
        head.number(carried.len() as u64);
    }
    (head, carried)
}

/// A record that was read from bytes, with the time since the record before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoded<'a> {
    pub(crate) elapsed: u64,
    pub(crate) outputs: u32,
    pub(crate) check: u8,
    pub(crate) record: Record<'a>,
}

/// Takes a record off the beginning of some bytes.
pub(crate) fn decode<'a>(from: &mut &'a [u8]) -> Result<Decoded<'a>, Malformed> {
    let first = byte(from)?;
    let outputs = match u32::from(first >> 5) {
        OUTPUTS_FOLLOW => varint::take_u32(from)?,
        inline => inline,
    };
    let check = byte(from)?;
    let elapsed = varint::take(from)?;
    let kind = first & KIND;
    let record = match kind {
        TIMEOUT => Record::Input(Input::Timeout),
        OPEN => Record::Input(open(from)?),
        IOCTL | IOCTL_COMPAT => {
            let file = FileId(varint::take_u32(from)?);
            let request = word(from)?;
            let call = Call::Ioctl { request, compat: kind == IOCTL_COMPAT, arg: carried(from)? };
            Record::Input(Input::Call { file, call })
        }
        READ | READ_NONBLOCK => {
            let file = FileId(varint::take_u32(from)?);
            let call = Call::Read { len: size(from)?, nonblock: kind == READ_NONBLOCK };
            Record::Input(Input::Call { file, call })
        }
        WRITE | WRITE_NONBLOCK => {
            let file = FileId(varint::take_u32(from)?);
            let call = Call::Write { data: carried(from)?, nonblock: kind == WRITE_NONBLOCK };
            Record::Input(Input::Call { file, call })
        }
        POLL => {
            let file = FileId(varint::take_u32(from)?);
            Record::Input(Input::Call { file, call: Call::Poll })
        }
        CLOSE => Record::Input(Input::Close { file: FileId(varint::take_u32(from)?) }),
        THREAD => {
            let file = FileId(varint::take_u32(from)?);
            let thread = varint::unzigzag(varint::take_u32(from)?);
            Record::Input(Input::Thread { file, thread })
        }
        BECOME_USER_TIMER => {
            let file = FileId(varint::take_u32(from)?);
            let resolution = varint::take(from)?;
            Record::Input(Input::BecomeUserTimer { file, resolution })
        }
        REST | REST_NONBLOCK => {
            let file = FileId(varint::take_u32(from)?);
            Record::Rest { file, done: size(from)?, nonblock: kind == REST_NONBLOCK }
        }
        CHECKPOINT => Record::Checkpoint(word(from)?),
        NOTE => {
            let file = optional(varint::take(from)?)?.map(FileId);
            Record::Note { file, text: text(from)? }
        }
        _ => return Err(Malformed("a record has an unknown kind")),
    };
    Ok(Decoded { elapsed, outputs, check, record })
}

fn open<'a>(from: &mut &'a [u8]) -> Result<Input<'a>, Malformed> {
    let bits = byte(from)?;
    let node = match bits & 3 {
        0 => Node::Sequencer,
        1 => Node::Timer,
        2 => Node::Control,
        _ => return Err(Malformed("an open names an unknown device")),
    };
    let access = match bits >> 2 & 3 {
        0 => Access::Read,
        1 => Access::Write,
        2 => Access::ReadWrite,
        _ => return Err(Malformed("an open is neither for reading nor for writing")),
    };
    let identity = match bits & !0xf {
        0 => Identity::User { pid: varint::unzigzag(varint::take_u32(from)?) },
        KERNEL => {
            let number = optional(varint::take(from)?)?;
            let number = number.map(u8::try_from).transpose();
            let number = number.map_err(|_| Malformed("a client number is too large"))?;
            let card = varint::unzigzag(varint::take_u32(from)?);
            Identity::Kernel { number, card, name: text(from)? }
        }
        _ => return Err(Malformed("an open is by nobody known")),
    };
    Ok(Input::Open { node, access, identity })
}

const fn kind(record: &Record<'_>) -> u8 {
    match record {
        Record::Input(Input::Timeout) => TIMEOUT,
        Record::Input(Input::Open { .. }) => OPEN,
        Record::Input(Input::Call { call, .. }) => match call {
            Call::Ioctl { compat: false, .. } => IOCTL,
            Call::Ioctl { compat: true, .. } => IOCTL_COMPAT,
            Call::Read { nonblock: false, .. } => READ,
            Call::Read { nonblock: true, .. } => READ_NONBLOCK,
            Call::Write { nonblock: false, .. } => WRITE,
            Call::Write { nonblock: true, .. } => WRITE_NONBLOCK,
            Call::Poll => POLL,
        },
        Record::Input(Input::Close { .. }) => CLOSE,
        Record::Input(Input::Thread { .. }) => THREAD,
        Record::Input(Input::BecomeUserTimer { .. }) => BECOME_USER_TIMER,
        Record::Rest { nonblock: false, .. } => REST,
        Record::Rest { nonblock: true, .. } => REST_NONBLOCK,
        Record::Checkpoint(_) => CHECKPOINT,
        Record::Note { .. } => NOTE,
    }
}

/// Returns whether bytes follow the head, with their number before them.
const fn carries(record: &Record<'_>) -> bool {
    matches!(
        record,
        Record::Input(
            Input::Call { call: Call::Ioctl { .. } | Call::Write { .. }, .. }
                | Input::Open { identity: Identity::Kernel { .. }, .. }
        ) | Record::Note { .. }
    )
}

const fn node_bits(node: Node) -> u8 {
    match node {
        Node::Sequencer => 0,
        Node::Timer => 1,
        Node::Control => 2,
    }
}

const fn access_bits(access: Access) -> u8 {
    match access {
        Access::Read => 0,
        Access::Write => 1,
        Access::ReadWrite => 2,
    }
}

fn byte(from: &mut &[u8]) -> Result<u8, Malformed> {
    let (first, rest) = from.split_first().ok_or(Malformed("a record is incomplete"))?;
    *from = rest;
    Ok(*first)
}

fn word(from: &mut &[u8]) -> Result<u32, Malformed> {
    let (first, rest) = from.split_first_chunk().ok_or(Malformed("a record is incomplete"))?;
    *from = rest;
    Ok(u32::from_le_bytes(*first))
}

fn size(from: &mut &[u8]) -> Result<usize, Malformed> {
    usize::try_from(varint::take(from)?).map_err(|_| Malformed("a size is too large"))
}

/// Takes bytes with their number before them.
fn carried<'a>(from: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let len = size(from)?;
    if len > MAX_DATA {
        return Err(Malformed("a record carries too many bytes"));
    }
    let (carried, rest) = from.split_at_checked(len).ok_or(Malformed("a record is incomplete"))?;
    *from = rest;
    Ok(carried)
}

fn text<'a>(from: &mut &'a [u8]) -> Result<&'a str, Malformed> {
    str::from_utf8(carried(from)?).map_err(|_| Malformed("a text is not UTF-8"))
}

/// Returns a number that was stored as one more than it is, with 0 for none.
fn optional(stored: u64) -> Result<Option<u32>, Malformed> {
    let number = stored.checked_sub(1).map(u32::try_from).transpose();
    number.map_err(|_| Malformed("a number is too large"))
}
