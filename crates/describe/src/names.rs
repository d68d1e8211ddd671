//! Names of bits and of values.

use crate::types::{Meaning, Names};
use aseqd_abi::bitflags::{Flag, Flags};
use aseqd_abi::event::EventFlags;
use aseqd_abi::seq::{
    ClientFilter, PortCaps, PortFlags, PortType, QueueFlags, RemoveMode, SubscriptionFlags,
};
use aseqd_abi::timer::{ParamsFlags, TimerEvent};
use aseqd_abi::{EventType, timer as t};

/// Returns the named bits of a type of flags. Its last row stands for unknown bits, and is left out.
macro_rules! bits {
    ($ty:ty) => {{
        const FLAGS: &[Flag<$ty>] = <$ty as Flags>::FLAGS;
        const NAMES: [(&str, i64); FLAGS.len() - 1] = {
            let mut names = [("", 0); FLAGS.len() - 1];
            let mut index = 0;
            while index < names.len() {
                names[index] = (FLAGS[index].name(), FLAGS[index].value().bits() as i64);
                index += 1;
            }
            names
        };
        Meaning::Bits(&NAMES)
    }};
}

pub(crate) const PORT_CAPS: Meaning = bits!(PortCaps);
pub(crate) const PORT_TYPE: Meaning = bits!(PortType);
pub(crate) const PORT_FLAGS: Meaning = bits!(PortFlags);
pub(crate) const CLIENT_FILTER: Meaning = bits!(ClientFilter);
pub(crate) const QUEUE_FLAGS: Meaning = bits!(QueueFlags);
pub(crate) const REMOVE_MODE: Meaning = bits!(RemoveMode);
pub(crate) const SUBSCRIPTION: Meaning = bits!(SubscriptionFlags);
pub(crate) const EVENT_FLAGS: Meaning = bits!(EventFlags);
pub(crate) const PARAMS: Meaning = bits!(ParamsFlags);

/// The bits of a timer's filter are the numbers of its events.
pub(crate) const TIMER_FILTER: Meaning = {
    const NAMES: [(&str, i64); TimerEvent::ALL.len()] = {
        let mut names = [("", 0); TimerEvent::ALL.len()];
        let mut index = 0;
        while index < names.len() {
            names[index] = (TimerEvent::ALL[index].0, 1 << TimerEvent::ALL[index].1.0);
            index += 1;
        }
        names
    };
    Meaning::Bits(&NAMES)
};

pub(crate) const EVENT_TYPE: Meaning = {
    const NAMES: [(&str, i64); EventType::ALL.len()] = {
        let mut names = [("", 0); EventType::ALL.len()];
        let mut index = 0;
        while index < names.len() {
            names[index] = (EventType::ALL[index].0, EventType::ALL[index].1.0 as i64);
            index += 1;
        }
        names
    };
    Meaning::One(&NAMES)
};

const fn one(names: Names) -> Meaning {
    Meaning::One(names)
}

pub(crate) const CLIENT_TYPE: Meaning = one(&[("USER", 1), ("KERNEL", 2)]);
pub(crate) const MIDI_VERSION: Meaning =
    one(&[("LEGACY", 0), ("UMP_MIDI_1_0", 1), ("UMP_MIDI_2_0", 2)]);
pub(crate) const DIRECTION: Meaning = Meaning::Bits(&[("INPUT", 1), ("OUTPUT", 2)]);
pub(crate) const VERSION: Meaning = one(&[
    ("1.0.0", 0x01_00_00),
    ("1.0.2", 0x01_00_02),
    ("1.0.3", 0x01_00_03),
    ("1.0.4", 0x01_00_04),
    ("1.0.5", 0x01_00_05),
]);
pub(crate) const TEMPO_BASE: Meaning = one(&[("DEFAULT", 0), ("10NS", 10), ("1000NS", 1000)]);
pub(crate) const SKEW_BASE: Meaning = one(&[("NORMAL", 0x1_0000)]);
pub(crate) const QUEUE_TIMER: Meaning = one(&[("ALSA", 0), ("MIDI_CLOCK", 1), ("MIDI_TICK", 2)]);
pub(crate) const QUERY: Meaning = one(&[("READ", 0), ("WRITE", 1)]);
pub(crate) const UMP_INFO: Meaning = one(&[("ENDPOINT", 0), ("BLOCK", 1), ("BLOCK_2", 2)]);
pub(crate) const UMP_PROTOCOL: Meaning =
    Meaning::Bits(&[("MIDI1", 0x100), ("MIDI2", 0x200), ("JRTS_TX", 1), ("JRTS_RX", 2)]);
pub(crate) const UMP_ENDPOINT: Meaning = Meaning::Bits(&[("STATIC_BLOCKS", 1)]);
pub(crate) const UMP_BLOCK: Meaning = Meaning::Bits(&[("MIDI1", 1), ("LOWSPEED", 2)]);
pub(crate) const TIMER_CLASS: Meaning = one(&[
    ("NONE", t::CLASS_NONE as i64),
    ("SLAVE", t::CLASS_SLAVE as i64),
    ("GLOBAL", t::CLASS_GLOBAL as i64),
    ("CARD", t::CLASS_CARD as i64),
    ("PCM", t::CLASS_PCM as i64),
]);
pub(crate) const TIMER_SCLASS: Meaning = one(&[
    ("NONE", t::SCLASS_NONE as i64),
    ("APPLICATION", t::SCLASS_APPLICATION as i64),
    ("SEQUENCER", t::SCLASS_SEQUENCER as i64),
    ("OSS_SEQUENCER", t::SCLASS_OSS_SEQUENCER as i64),
]);
/// The global timers. A slave has a process or a queue there, so other numbers make sense too.
pub(crate) const TIMER_DEVICE: Meaning = one(&[
    ("SYSTEM", t::GLOBAL_SYSTEM as i64),
    ("RTC", t::GLOBAL_RTC as i64),
    ("HPET", t::GLOBAL_HPET as i64),
    ("HRTIMER", t::GLOBAL_HRTIMER as i64),
    ("UDRIVEN", t::GLOBAL_UDRIVEN as i64),
]);
pub(crate) const TIMER_FLAGS: Meaning = Meaning::Bits(&[("SLAVE", t::FLG_SLAVE as i64)]);
