//! The types of events.

use core::fmt;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The type of an event.
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
            /// All named types, ascending.
            pub const ALL: &[(&str, Self)] = &[$((stringify!($name), Self($value))),*];

            /// Returns the C name without its prefix, if the number has one.
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
    /// A note with its duration. A queue makes a note-on and a note-off of it.
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
    /// For the sender itself, for synchronisation.
    "SNDRV_SEQ_EVENT_ECHO" ECHO = 50;
    /// Raw event of the OSS emulation.
    "SNDRV_SEQ_EVENT_OSS" OSS = 51;
    /// A client was created.
    "SNDRV_SEQ_EVENT_CLIENT_START" CLIENT_START = 60;
    /// A client is gone.
    "SNDRV_SEQ_EVENT_CLIENT_EXIT" CLIENT_EXIT = 61;
    /// A client's information changed.
    "SNDRV_SEQ_EVENT_CLIENT_CHANGE" CLIENT_CHANGE = 62;
    /// A port was created.
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
    /// Returns whether the type is 5 to 19: events that have a channel.
    #[must_use]
    pub const fn is_channel(self) -> bool {
        self.0 >= 5 && self.0 < 20
    }

    /// Returns whether the type is 130 to 139: events of variable length.
    #[must_use]
    pub const fn is_variable(self) -> bool {
        self.0 >= 130 && self.0 < 140
    }

    /// Returns whether the type is below 130: events without data, which anybody may send.
    #[must_use]
    pub const fn is_plain(self) -> bool {
        self.0 < 130
    }

    /// Returns whether the type is 150 or more: only the kernel may send it.
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
