//! Programs: calls over symbolic handles.

use crate::field::{self, Field};
use aseqd_engine::Config;
use std::fmt;

/// The value of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(i64),
    /// The number of the client of this handle.
    Client(usize),
    /// The number of the queue of this handle.
    Queue(usize),
    /// The number of this process, by which its timers are found.
    Process,
    /// A name.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) if *number > 0xffff => write!(f, "{number:#x}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Client(handle) => write!(f, "c{handle}"),
            Self::Queue(handle) => write!(f, "q{handle}"),
            Self::Process => f.write_str("self"),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Bytes(bytes) => {
                f.write_str("hex:")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// Names and values; what is not named is zero.
pub type Arguments = Vec<(&'static str, Value)>;

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Opens the device: `access` 0 to read, 1 to write, 2 both.
    Open,
    /// Opens the timer device, likewise.
    OpenTimer,
    /// Closes it.
    Close,
    /// Reads at most `len` bytes.
    Read,
    /// Writes the events, `copies` times one after the other; `cut` bytes are left off (or added, if negative).
    Write,
    /// Polls.
    Poll,
    /// Lets `ms` milliseconds and `ns` nanoseconds pass.
    Sleep,
    /// Waits until what is near in `queue` is out.
    Settle,
    /// A request of this name.
    Request(&'static str),
    /// An ioctl that the table does not have: `code`, with a struct of `bytes`.
    Ioctl,
    /// Opens a client of kernel type, with the given `number` if it is not below 0, `card` and `name`. This and what
    /// follows only works on the engine in this process: see [`Inside`](crate::Inside).
    OpenKernel,
    /// Opens the control device of the card.
    OpenControl,
    /// Makes a timer file that of a user-driven timer of this `resolution`.
    BecomeUserTimer,
    /// The thread `id` makes the next call on the file.
    Thread,
    /// Later calls on the file sleep if `on` is not 0.
    Blocking,
    /// Prints the texts of `/proc/asound`.
    Texts,
}

impl Operation {
    /// Its name in programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::OpenTimer => "open_timer",
            Self::Close => "close",
            Self::Read => "read",
            Self::Write => "write",
            Self::Poll => "poll",
            Self::Sleep => "sleep",
            Self::Settle => "settle",
            Self::Request(name) => name,
            Self::Ioctl => "ioctl",
            Self::OpenKernel => "open_kernel",
            Self::OpenControl => "open_control",
            Self::BecomeUserTimer => "become_user_timer",
            Self::Thread => "thread",
            Self::Blocking => "blocking",
            Self::Texts => "texts",
        }
    }

    /// Returns the operation of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let plain = [
            Self::Open,
            Self::OpenTimer,
            Self::Close,
            Self::Read,
            Self::Write,
            Self::Poll,
            Self::Sleep,
            Self::Settle,
            Self::Ioctl,
            Self::OpenKernel,
            Self::OpenControl,
            Self::BecomeUserTimer,
            Self::Thread,
            Self::Blocking,
            Self::Texts,
        ];
        plain
            .into_iter()
            .find(|operation| operation.name() == name)
            .or_else(|| field::request_named(name).map(|request| Self::Request(request.name)))
    }
}

/// The first handle of a timer file: `t0` in programs. Smaller ones are those of clients.
pub(crate) const FIRST_TIMER: usize = 100;
/// The first handle of a user-driven timer: `u0` in programs.
pub(crate) const FIRST_USER_TIMER: usize = 200;
/// The first handle of a file of the control device: `k0` in programs.
pub(crate) const FIRST_CONTROL: usize = 300;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Handle of the client that makes it.
    pub client: usize,
    /// What it does.
    pub operation: Operation,
    /// Its arguments.
    pub arguments: Arguments,
    /// The events of a write.
    pub events: Vec<Arguments>,
}

impl Call {
    /// Returns an argument.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&Value> {
        find(&self.arguments, name)
    }

    /// Returns an argument that is a plain number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        number(&self.arguments, name)
    }
}

pub(crate) fn find<'a>(arguments: &'a Arguments, name: &str) -> Option<&'a Value> {
    arguments.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
}

pub(crate) fn number(arguments: &Arguments, name: &str) -> Option<i64> {
    match find(arguments, name)? {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

fn write_arguments(f: &mut fmt::Formatter<'_>, arguments: &Arguments) -> fmt::Result {
    arguments.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (letter, handle) = match self.client {
            FIRST_CONTROL.. => ('k', self.client - FIRST_CONTROL),
            FIRST_USER_TIMER.. => ('u', self.client - FIRST_USER_TIMER),
            FIRST_TIMER.. => ('t', self.client - FIRST_TIMER),
            _ => ('c', self.client),
        };
        write!(f, "{letter}{handle}.{}", self.operation.name())?;
        for event in &self.events {
            f.write_str(" [")?;
            let typed = number(event, "type").and_then(|number| u8::try_from(number).ok());
            if let Some(name) = typed.and_then(|number| aseqd_abi::EventType(number).name()) {
                f.write_str(name)?;
            }
            write_arguments(f, event)?;
            f.write_str("]")?;
        }
        write_arguments(f, &self.arguments)
    }
}

/// What moves in a program, hence what a transcript can say about time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Queues never run: every position is exact.
    Still,
    /// Queues run with a skew of zero: ticks are exact, real time is not while one runs.
    Frozen,
    /// Queues run: what is told is the order.
    Run,
}

impl Mode {
    pub(crate) const ALL: [Self; 3] = [Self::Still, Self::Frozen, Self::Run];

    /// Its name in programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Still => "still",
            Self::Frozen => "frozen",
            Self::Run => "run",
        }
    }
}

/// Settings of a server that Linux does not have, or has when it is built. Only the engine in this process follows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The notes that a client leaves behind are ended.
    pub notes_off: bool,
    /// All queues step by the period of their timer.
    pub quantise: bool,
    /// The rate of the system timer, if it is not the default.
    pub hz: Option<u32>,
    /// Maximum number of clients, if it is not Linux's.
    pub clients: Option<u8>,
}

impl Settings {
    /// Returns the settings of the engine.
    #[must_use]
    pub fn config(self) -> Config {
        let Config { hz, clients, .. } = Config::default();
        Config {
            notes_off: self.notes_off,
            quantise: self.quantise,
            hz: self.hz.unwrap_or(hz),
            clients: self.clients.unwrap_or(clients),
            ..Config::default()
        }
    }

    /// Takes a word of a program's first line. Returns whether it is one.
    pub(crate) fn take(&mut self, word: &str) -> bool {
        match word.split_once('=') {
            None if word == "notes_off" => self.notes_off = true,
            None if word == "quantise" => self.quantise = true,
            Some(("hz", hz)) => self.hz = hz.parse().ok(),
            Some(("clients", clients)) => self.clients = clients.parse().ok(),
            _ => return false,
        }
        true
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |is: bool, word| if is { word } else { "" };
        write!(f, "{}{}", word(self.notes_off, " notes_off"), word(self.quantise, " quantise"))?;
        self.hz.iter().try_for_each(|hz| write!(f, " hz={hz}"))?;
        self.clients.iter().try_for_each(|clients| write!(f, " clients={clients}"))
    }
}

/// A whole program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What moves.
    pub mode: Mode,
    /// It keeps to what Linux 6.1 and 6.12 have in common, and so does its transcript.
    pub common: bool,
    /// It wants a sequencer that has UMP and user-driven timers.
    pub ump: bool,
    /// What else it wants of the server.
    pub settings: Settings,
    /// The calls in order.
    pub calls: Vec<Call>,
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let common = if self.common { " common" } else { "" };
        let ump = if self.ump { " ump" } else { "" };
        writeln!(f, "mode {}{common}{ump}{}", self.mode.name(), self.settings)?;
        self.calls.iter().try_for_each(|call| writeln!(f, "{call}"))
    }
}

/// The numbers that a sequencer has given to the handles of a program.
pub(crate) trait Numbers {
    /// Returns the number of the client of a handle.
    fn client(&self, handle: usize) -> u8;
    /// Returns the number of the queue of a handle.
    fn queue(&self, handle: usize) -> u8;
    /// This process.
    fn process(&self) -> i32;
}

/// Puts arguments into the bytes of a struct.
pub(crate) fn build(
    fields: &[Field],
    arguments: &Arguments,
    numbers: &impl Numbers,
    bytes: &mut [u8],
) {
    for (name, value) in arguments {
        let Some(field) = fields.iter().find(|field| field.name == *name) else { continue };
        let size = field.kind.size();
        let to = &mut bytes[field.offset..field.offset + size];
        match value {
            Value::Number(number) => to.copy_from_slice(&number.to_le_bytes()[..size.min(8)]),
            Value::Client(handle) => {
                to.copy_from_slice(&u64::from(numbers.client(*handle)).to_le_bytes()[..size]);
            }
            Value::Queue(handle) => {
                to.copy_from_slice(&u64::from(numbers.queue(*handle)).to_le_bytes()[..size]);
            }
            Value::Process => {
                to.copy_from_slice(&i64::from(numbers.process()).to_le_bytes()[..size]);
            }
            Value::Text(text) => fill(to, text.as_bytes()),
            Value::Bytes(bytes) => fill(to, bytes),
        }
    }
}

fn fill(to: &mut [u8], from: &[u8]) {
    let len = to.len().min(from.len());
    to[..len].copy_from_slice(&from[..len]);
}
