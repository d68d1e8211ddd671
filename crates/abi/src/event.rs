//! The event record: types, flags, special numbers, and views of its 12 data bytes.

use crate::seq::{Address, Connect};
use core::fmt;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Size of a legacy event record in bytes.
pub const EVENT_SIZE: usize = size_of::<Event>();

/// Queue number: not through a queue, deliver now.
#[doc(alias = "SNDRV_SEQ_QUEUE_DIRECT")]
pub const QUEUE_DIRECT: u8 = 253;
/// Client or port: unknown.
#[doc(alias = "SNDRV_SEQ_ADDRESS_UNKNOWN")]
pub const ADDRESS_UNKNOWN: u8 = 253;
/// Client (or queue) number: all subscribers of the source port.
#[doc(alias = "SNDRV_SEQ_ADDRESS_SUBSCRIBERS")]
pub const ADDRESS_SUBSCRIBERS: u8 = 254;
/// Client, port or queue number: everybody. Declared by the interface, supported by no kernel.
#[doc(alias = "SNDRV_SEQ_ADDRESS_BROADCAST")]
pub const ADDRESS_BROADCAST: u8 = 255;

/// One event as it is written and read: 28 bytes; the data of a variable event follows it.
#[doc(alias = "snd_seq_event")]
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct Event {
    /// What happened.
    pub event_type: EventType,
    /// How to read time and data.
    pub flags: EventFlags,
    /// A number for the sender's own use.
    pub tag: u8,
    /// Queue number, or [`QUEUE_DIRECT`].
    pub queue: u8,
    /// When: see [`EventFlags::REAL_TIME`] and [`EventFlags::RELATIVE`].
    pub time: EventTime,
    /// Who sent it.
    pub source: Address,
    /// Who shall get it.
    pub dest: Address,
    /// Depends on the type; see the views.
    pub data: EventData,
}

impl Event {
    /// An event of a type with everything else zero, to be delivered at once.
    #[must_use]
    pub const fn direct(event_type: EventType) -> Self {
        Self {
            event_type,
            flags: EventFlags::empty(),
            tag: 0,
            queue: QUEUE_DIRECT,
            time: EventTime { tick_or_sec: 0, nsec: 0 },
            source: Address { client: 0, port: 0 },
            dest: Address { client: 0, port: 0 },
            data: EventData([0; 12]),
        }
    }

    /// Does data follow the record?
    #[must_use]
    pub const fn is_variable(&self) -> bool {
        self.flags.length().0 == EventLength::VARIABLE.0
    }
}

/// When an event is due: ticks, or seconds and nanoseconds.
#[doc(alias = "snd_seq_timestamp")]
#[repr(C)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct EventTime {
    /// Ticks, or seconds in real time.
    pub tick_or_sec: u32,
    /// Nanoseconds in real time; without meaning in ticks.
    pub nsec: u32,
}

impl EventTime {
    /// A time in ticks.
    #[must_use]
    pub const fn tick(tick: u32) -> Self {
        Self { tick_or_sec: tick, nsec: 0 }
    }

    /// A time in seconds and nanoseconds.
    #[must_use]
    pub const fn real(sec: u32, nsec: u32) -> Self {
        Self { tick_or_sec: sec, nsec }
    }
}

/// The flags byte of an event.
#[repr(transparent)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct EventFlags(u8);

bitflags::bitflags! {
    impl EventFlags: u8 {
        /// The time is seconds and nanoseconds; otherwise ticks.
        #[doc(alias = "SNDRV_SEQ_TIME_STAMP_REAL")]
        const REAL_TIME = 1 << 0;
        /// The time counts from the queue's position now; otherwise from its start.
        #[doc(alias = "SNDRV_SEQ_TIME_MODE_REL")]
        const RELATIVE = 1 << 1;
        /// Length bits 01: data follows the record.
        #[doc(alias = "SNDRV_SEQ_EVENT_LENGTH_VARIABLE")]
        const VARIABLE = 1 << 2;
        /// Length bits 10: the record points to memory of the program.
        #[doc(alias = "SNDRV_SEQ_EVENT_LENGTH_VARUSR")]
        const VARUSR = 2 << 2;
        /// Goes before events of the same time.
        #[doc(alias = "SNDRV_SEQ_PRIORITY_HIGH")]
        const PRIORITY = 1 << 4;
        /// The record is a 32-byte UMP event.
        #[doc(alias = "SNDRV_SEQ_EVENT_UMP")]
        const UMP = 1 << 5;
        const _ = !0;
    }
}

/// The two length bits of the flags byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventLength(pub u8);

impl EventLength {
    /// The record is all.
    #[doc(alias = "SNDRV_SEQ_EVENT_LENGTH_FIXED")]
    pub const FIXED: Self = Self(0);
    /// `ext.len` bytes follow.
    pub const VARIABLE: Self = Self(1 << 2);
    /// `ext.len` bytes are at `ext.ptr` in the program's memory.
    pub const VARUSR: Self = Self(2 << 2);
    /// The bits that hold the length kind.
    #[doc(alias = "SNDRV_SEQ_EVENT_LENGTH_MASK")]
    pub const MASK: u8 = 3 << 2;
}

impl EventFlags {
    /// The length kind; `EventLength(3 << 2)` is undefined by the interface and passes as fixed.
    #[must_use]
    pub const fn length(self) -> EventLength {
        EventLength(self.bits() & EventLength::MASK)
    }
}

/// What an event is.
#[doc(alias = "snd_seq_event_type_t")]
#[repr(transparent)]
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct EventType(pub u8);

macro_rules! event_types {
    ($($(#[doc = $doc:literal])* $c:literal $name:ident = $value:literal;)*) => {
        impl EventType {
            $(
                $(#[doc = $doc])*
                #[doc(alias = $c)]
                pub const $name: Self = Self($value);
            )*
            /// Every named type, ascending.
            pub const ALL: &[(&str, Self)] = &[$((stringify!($name), Self($value))),*];

            /// The C name without its prefix, if the number has one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

event_types! {
    /// System status.
    "SNDRV_SEQ_EVENT_SYSTEM" SYSTEM = 0;
    /// Returned result status.
    "SNDRV_SEQ_EVENT_RESULT" RESULT = 1;
    /// A note with its duration: becomes note-on and note-off in a queue.
    "SNDRV_SEQ_EVENT_NOTE" NOTE = 5;
    /// Note on.
    "SNDRV_SEQ_EVENT_NOTEON" NOTEON = 6;
    /// Note off.
    "SNDRV_SEQ_EVENT_NOTEOFF" NOTEOFF = 7;
    /// Key pressure (polyphonic aftertouch).
    "SNDRV_SEQ_EVENT_KEYPRESS" KEYPRESS = 8;
    /// Control change.
    "SNDRV_SEQ_EVENT_CONTROLLER" CONTROLLER = 10;
    /// Program change.
    "SNDRV_SEQ_EVENT_PGMCHANGE" PGMCHANGE = 11;
    /// Channel pressure.
    "SNDRV_SEQ_EVENT_CHANPRESS" CHANPRESS = 12;
    /// Pitch bend, -8192..8191.
    "SNDRV_SEQ_EVENT_PITCHBEND" PITCHBEND = 13;
    /// 14-bit control change.
    "SNDRV_SEQ_EVENT_CONTROL14" CONTROL14 = 14;
    /// 14-bit NRPN.
    "SNDRV_SEQ_EVENT_NONREGPARAM" NONREGPARAM = 15;
    /// 14-bit RPN.
    "SNDRV_SEQ_EVENT_REGPARAM" REGPARAM = 16;
    /// Song position.
    "SNDRV_SEQ_EVENT_SONGPOS" SONGPOS = 20;
    /// Song select.
    "SNDRV_SEQ_EVENT_SONGSEL" SONGSEL = 21;
    /// MTC quarter frame.
    "SNDRV_SEQ_EVENT_QFRAME" QFRAME = 22;
    /// Time signature of a file.
    "SNDRV_SEQ_EVENT_TIMESIGN" TIMESIGN = 23;
    /// Key signature of a file.
    "SNDRV_SEQ_EVENT_KEYSIGN" KEYSIGN = 24;
    /// Start a queue; MIDI start.
    "SNDRV_SEQ_EVENT_START" START = 30;
    /// Continue a queue; MIDI continue.
    "SNDRV_SEQ_EVENT_CONTINUE" CONTINUE = 31;
    /// Stop a queue; MIDI stop.
    "SNDRV_SEQ_EVENT_STOP" STOP = 32;
    /// Set a queue's tick.
    "SNDRV_SEQ_EVENT_SETPOS_TICK" SETPOS_TICK = 33;
    /// Set a queue's time.
    "SNDRV_SEQ_EVENT_SETPOS_TIME" SETPOS_TIME = 34;
    /// Set a queue's tempo.
    "SNDRV_SEQ_EVENT_TEMPO" TEMPO = 35;
    /// MIDI clock.
    "SNDRV_SEQ_EVENT_CLOCK" CLOCK = 36;
    /// MIDI tick.
    "SNDRV_SEQ_EVENT_TICK" TICK = 37;
    /// Set a queue's skew.
    "SNDRV_SEQ_EVENT_QUEUE_SKEW" QUEUE_SKEW = 38;
    /// Tune request.
    "SNDRV_SEQ_EVENT_TUNE_REQUEST" TUNE_REQUEST = 40;
    /// MIDI reset.
    "SNDRV_SEQ_EVENT_RESET" RESET = 41;
    /// Active sensing.
    "SNDRV_SEQ_EVENT_SENSING" SENSING = 42;
    /// To oneself, for synchronisation.
    "SNDRV_SEQ_EVENT_ECHO" ECHO = 50;
    /// Raw event of the OSS emulation.
    "SNDRV_SEQ_EVENT_OSS" OSS = 51;
    /// A client appeared.
    "SNDRV_SEQ_EVENT_CLIENT_START" CLIENT_START = 60;
    /// A client is gone.
    "SNDRV_SEQ_EVENT_CLIENT_EXIT" CLIENT_EXIT = 61;
    /// A client's information changed.
    "SNDRV_SEQ_EVENT_CLIENT_CHANGE" CLIENT_CHANGE = 62;
    /// A port appeared.
    "SNDRV_SEQ_EVENT_PORT_START" PORT_START = 63;
    /// A port is gone.
    "SNDRV_SEQ_EVENT_PORT_EXIT" PORT_EXIT = 64;
    /// A port's information changed.
    "SNDRV_SEQ_EVENT_PORT_CHANGE" PORT_CHANGE = 65;
    /// Two ports were connected.
    "SNDRV_SEQ_EVENT_PORT_SUBSCRIBED" PORT_SUBSCRIBED = 66;
    /// Two ports were disconnected.
    "SNDRV_SEQ_EVENT_PORT_UNSUBSCRIBED" PORT_UNSUBSCRIBED = 67;
    /// A UMP endpoint's information changed (protocol 1.0.5).
    "SNDRV_SEQ_EVENT_UMP_EP_CHANGE" UMP_EP_CHANGE = 68;
    /// A UMP block's information changed (protocol 1.0.5).
    "SNDRV_SEQ_EVENT_UMP_BLOCK_CHANGE" UMP_BLOCK_CHANGE = 69;
    /// For programs, fixed size.
    "SNDRV_SEQ_EVENT_USR0" USR0 = 90;
    /// For programs, fixed size.
    "SNDRV_SEQ_EVENT_USR1" USR1 = 91;
    /// For programs, fixed size.
    "SNDRV_SEQ_EVENT_USR2" USR2 = 92;
    /// For programs, fixed size.
    "SNDRV_SEQ_EVENT_USR3" USR3 = 93;
    /// For programs, fixed size.
    "SNDRV_SEQ_EVENT_USR4" USR4 = 94;
    /// For programs, fixed size.
    "SNDRV_SEQ_EVENT_USR5" USR5 = 95;
    /// For programs, fixed size.
    "SNDRV_SEQ_EVENT_USR6" USR6 = 96;
    /// For programs, fixed size.
    "SNDRV_SEQ_EVENT_USR7" USR7 = 97;
    /// For programs, fixed size.
    "SNDRV_SEQ_EVENT_USR8" USR8 = 98;
    /// For programs, fixed size.
    "SNDRV_SEQ_EVENT_USR9" USR9 = 99;
    /// System exclusive, or a piece of one.
    "SNDRV_SEQ_EVENT_SYSEX" SYSEX = 130;
    /// An event that could not be delivered, back to its sender.
    "SNDRV_SEQ_EVENT_BOUNCE" BOUNCE = 131;
    /// For programs, with data.
    "SNDRV_SEQ_EVENT_USR_VAR0" USR_VAR0 = 135;
    /// For programs, with data.
    "SNDRV_SEQ_EVENT_USR_VAR1" USR_VAR1 = 136;
    /// For programs, with data.
    "SNDRV_SEQ_EVENT_USR_VAR2" USR_VAR2 = 137;
    /// For programs, with data.
    "SNDRV_SEQ_EVENT_USR_VAR3" USR_VAR3 = 138;
    /// For programs, with data.
    "SNDRV_SEQ_EVENT_USR_VAR4" USR_VAR4 = 139;
    /// Error of the kernel; reserved.
    "SNDRV_SEQ_EVENT_KERNEL_ERROR" KERNEL_ERROR = 150;
    /// Quoted event of the kernel; reserved.
    "SNDRV_SEQ_EVENT_KERNEL_QUOTE" KERNEL_QUOTE = 151;
    /// No event.
    "SNDRV_SEQ_EVENT_NONE" NONE = 255;
}

impl EventType {
    /// 5 to 19: the events that have a channel.
    #[must_use]
    pub const fn is_channel(self) -> bool {
        self.0 >= 5 && self.0 < 20
    }

    /// 130 to 139: the events that have variable length.
    #[must_use]
    pub const fn is_variable(self) -> bool {
        self.0 >= 130 && self.0 < 140
    }

    /// Below 130: a record that is all, from anybody.
    #[must_use]
    pub const fn is_plain(self) -> bool {
        self.0 < 130
    }

    /// From 150: types that only the kernel may send.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        self.0 >= 150
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

/// The 12 data bytes of an event. Views read and build them; offsets are from the union's start.
#[repr(transparent)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct EventData(pub [u8; 12]);

/// View of note events.
#[doc(alias = "snd_seq_ev_note")]
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Note {
    /// MIDI channel.
    pub channel: u8,
    /// Key number.
    pub note: u8,
    /// Velocity; pressure of KEYPRESS.
    pub velocity: u8,
    /// Release velocity, of NOTE only.
    pub off_velocity: u8,
    /// Ticks, or milliseconds in real time; of NOTE only.
    pub duration: u32,
}

/// View of controller-like events.
#[doc(alias = "snd_seq_ev_ctrl")]
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Control {
    /// MIDI channel.
    pub channel: u8,
    /// Controller or parameter number.
    pub param: u32,
    /// Value.
    pub value: i32,
}

impl EventData {
    fn word(&self, at: usize) -> u32 {
        u32::from_ne_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
    }

    fn set_word(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }

    /// Note events, and KEYPRESS.
    #[must_use]
    pub fn note(&self) -> Note {
        let [channel, note, velocity, off_velocity, ..] = self.0;
        Note { channel, note, velocity, off_velocity, duration: self.word(4) }
    }

    /// Data bytes of a note event.
    #[must_use]
    pub fn from_note(note: Note) -> Self {
        let mut data = Self::default();
        data.0[..4].copy_from_slice(&[note.channel, note.note, note.velocity, note.off_velocity]);
        data.set_word(4, note.duration);
        data
    }

    /// Controller, program, pressure, pitch bend and song events.
    #[must_use]
    pub fn control(&self) -> Control {
        Control { channel: self.0[0], param: self.word(4), value: self.word(8).cast_signed() }
    }

    /// Data bytes of a controller-like event.
    #[must_use]
    pub fn from_control(control: Control) -> Self {
        let mut data = Self::default();
        data.0[0] = control.channel;
        data.set_word(4, control.param);
        data.set_word(8, control.value.cast_unsigned());
        data
    }

    /// Length field of a variable event, top bits included.
    #[must_use]
    pub fn ext_len(&self) -> u32 {
        self.word(0)
    }

    /// Pointer field of a variable event (8 bytes, unaligned in the record).
    #[must_use]
    pub fn ext_ptr(&self) -> u64 {
        u64::from(self.word(4)) | (u64::from(self.word(8)) << 32)
    }

    /// Data bytes of a variable event: a length and no pointer.
    #[must_use]
    pub fn from_ext_len(len: u32) -> Self {
        let mut data = Self::default();
        data.set_word(0, len);
        data
    }

    /// The queue that a queue-control event is about.
    #[must_use]
    pub fn queue(&self) -> u8 {
        self.0[0]
    }

    /// First parameter of a queue-control event: value, tick, seconds or skew.
    #[must_use]
    pub fn queue_param(&self) -> u32 {
        self.word(4)
    }

    /// Second parameter of a queue-control event: nanoseconds or skew base.
    #[must_use]
    pub fn queue_param2(&self) -> u32 {
        self.word(8)
    }

    /// Data bytes of a queue-control event.
    #[must_use]
    pub fn from_queue(queue: u8, param: u32, param2: u32) -> Self {
        let mut data = Self::default();
        data.0[0] = queue;
        data.set_word(4, param);
        data.set_word(8, param2);
        data
    }

    /// Client and port of a client or port announcement.
    #[must_use]
    pub fn address(&self) -> Address {
        Address { client: self.0[0], port: self.0[1] }
    }

    /// Data bytes of a client or port announcement.
    #[must_use]
    pub fn from_address(address: Address) -> Self {
        let mut data = Self::default();
        data.0[..2].copy_from_slice(&[address.client, address.port]);
        data
    }

    /// Both ends of a subscription announcement.
    #[must_use]
    pub fn connect(&self) -> Connect {
        Connect {
            sender: Address { client: self.0[0], port: self.0[1] },
            dest: Address { client: self.0[2], port: self.0[3] },
        }
    }

    /// Data bytes of a subscription announcement.
    #[must_use]
    pub fn from_connect(connect: Connect) -> Self {
        let mut data = Self::default();
        let Connect { sender, dest } = connect;
        data.0[..4].copy_from_slice(&[sender.client, sender.port, dest.client, dest.port]);
        data
    }

    /// Event and result of SYSTEM and RESULT.
    #[must_use]
    pub fn result(&self) -> (i32, i32) {
        (self.word(0).cast_signed(), self.word(4).cast_signed())
    }
}
