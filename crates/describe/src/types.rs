//! The words of a description.

/// How the bytes of a field are read. All numbers are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Unsigned, of this many bytes.
    Unsigned(usize),
    /// Signed, 4 bytes.
    Signed,
    /// The number of a client, of this many bytes.
    Client(usize),
    /// The number of a queue, of this many bytes.
    Queue(usize),
    /// A process id, 4 bytes. A slave's timer is found by the process of its master.
    Process,
    /// A name of this many bytes, ended by a NUL.
    Name(usize),
    /// A time, of this many bytes.
    Stamp(usize),
    /// Bytes without a meaning as a number.
    Bytes(usize),
}

impl Kind {
    /// Returns the size of the field, in bytes.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Unsigned(size)
            | Self::Client(size)
            | Self::Queue(size)
            | Self::Stamp(size)
            | Self::Name(size)
            | Self::Bytes(size) => size,
            Self::Signed | Self::Process => 4,
        }
    }
}

/// Names of values, or of bits.
pub type Names = &'static [(&'static str, i64)];

/// Which values of a field make sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Any value, or the [`Kind`] says it.
    Any,
    /// Any combination of these bits.
    Bits(Names),
    /// One of these.
    One(Names),
    /// A number from the first to the last, both included. The driver may accept others.
    Range(i64, i64),
    /// The number of a port of the client in the field before it.
    Port,
    /// The number of bytes of data that follow an event.
    Length,
}

/// A field of a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its short name.
    pub name: &'static str,
    /// Where it begins, in bytes.
    pub offset: usize,
    /// How its bytes are read.
    pub kind: Kind,
    /// Which values make sense.
    pub meaning: Meaning,
}

/// The file that a request is made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// `/dev/snd/seq`.
    Sequencer,
    /// `/dev/snd/timer`.
    Timer,
    /// The descriptor of a user-driven timer.
    UserTimer,
}

/// The processes that a request code exists for. For others it is `ENOTTY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// All processes.
    All,
    /// 64-bit processes.
    Wide,
    /// 32-bit processes.
    Narrow,
}

/// What a request makes or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A port of the calling client.
    Port,
    /// A queue.
    Queue,
    /// A connection between two ports.
    Subscription,
    /// The binding of a timer file to a timer.
    Binding,
    /// A user-driven timer, with a descriptor of its own.
    UserTimer,
}

/// A request: its code, its struct, and what the driver does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The short name, unique in the table.
    pub name: &'static str,
    /// The name without the device's prefix, such as `SNDRV_SEQ_IOCTL_`. Variants for 32-bit processes or of an earlier
    /// protocol share it with the main one.
    pub c_name: &'static str,
    /// The device.
    pub device: Device,
    /// The processes that have it.
    pub callers: Caller,
    /// The whole code.
    pub code: u32,
    /// The name of the struct, as syzkaller's descriptions call it; empty if there is none.
    pub of: &'static str,
    /// The fields of the struct.
    pub fields: &'static [Field],
    /// The names of the fields that the driver reads.
    pub reads: &'static [&'static str],
    /// What it makes.
    pub makes: Option<Resource>,
    /// What it ends.
    pub ends: Option<Resource>,
}

impl Request {
    /// Returns the field of a name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns whether the driver reads the field of this name.
    #[must_use]
    pub fn reads(&self, name: &str) -> bool {
        self.reads.contains(&name)
    }
}

/// Writes a list of fields of a struct: short name, path of the field, kind, and meaning if there is more to say.
macro_rules! fields {
    ($ty:ty; $($name:literal = $head:ident $(. $tail:ident)*: $kind:expr $(, $meaning:expr)?;)*) => {
        &[$($crate::types::Field {
            name: $name,
            offset: core::mem::offset_of!($ty, $head $(. $tail)*),
            kind: $kind,
            meaning: fields!(@meaning $($meaning)?),
        }),*]
    };
    (@meaning) => { $crate::types::Meaning::Any };
    (@meaning $meaning:expr) => { $meaning };
}
pub(crate) use fields;

/// Kinds under short names.
pub(crate) mod short {
    use super::Kind;

    pub(crate) const U8: Kind = Kind::Unsigned(1);
    pub(crate) const U16: Kind = Kind::Unsigned(2);
    pub(crate) const U32: Kind = Kind::Unsigned(4);
    pub(crate) const U64: Kind = Kind::Unsigned(8);
    pub(crate) const I32: Kind = Kind::Signed;
    pub(crate) const C8: Kind = Kind::Client(1);
    pub(crate) const C32: Kind = Kind::Client(4);
    pub(crate) const Q8: Kind = Kind::Queue(1);
    pub(crate) const Q32: Kind = Kind::Queue(4);
    pub(crate) const NAME: Kind = Kind::Name(64);
    pub(crate) const LONG_NAME: Kind = Kind::Name(128);
}
