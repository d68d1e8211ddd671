//! The structs of the timer's requests.

use crate::names as n;
use crate::types::short::{I32, NAME, U32, U64};
use crate::types::{Field, Kind, Meaning, fields};
use aseqd_abi::timer::{
    TimerGinfo, TimerGparams, TimerGparams32, TimerGstatus, TimerId, TimerInfo, TimerInfo32,
    TimerParams, TimerStatus, TimerStatus32, TimerUinfo,
};

pub(crate) const ON: &[Field] =
    &[Field { name: "on", offset: 0, kind: I32, meaning: Meaning::Range(0, 1) }];

pub(crate) const TIMER_ID: &[Field] = fields! {
    TimerId;
    "class" = dev_class: I32, n::TIMER_CLASS;
    "sclass" = dev_sclass: I32, n::TIMER_SCLASS;
    "card" = card: I32, Meaning::Range(-1, 1);
    "device" = device: Kind::Process, n::TIMER_DEVICE;
    "subdevice" = subdevice: I32, Meaning::Range(0, 3);
};

/// Writes the fields of a struct that begins with a timer's identity.
macro_rules! with_id {
    ($ty:ty; $($rest:tt)*) => {
        fields! {
            $ty;
            "class" = tid.dev_class: I32, n::TIMER_CLASS;
            "sclass" = tid.dev_sclass: I32, n::TIMER_SCLASS;
            "card" = tid.card: I32, Meaning::Range(-1, 1);
            "device" = tid.device: Kind::Process, n::TIMER_DEVICE;
            "subdevice" = tid.subdevice: I32, Meaning::Range(0, 3);
            $($rest)*
        }
    };
}

pub(crate) const GINFO: &[Field] = with_id! {
    TimerGinfo;
    "flags" = flags: U32, n::TIMER_FLAGS;
    "own_card" = card: I32;
    "id" = id: NAME;
    // The driver fills at most 64 of the 80 bytes.
    "name" = name: NAME;
    "resolution" = resolution: U64;
    "resolution_min" = resolution_min: U64;
    "resolution_max" = resolution_max: U64;
    "clients" = clients: U32;
};

pub(crate) const GPARAMS: &[Field] = with_id! {
    TimerGparams;
    "period_num" = period_num: U64;
    "period_den" = period_den: U64;
};

pub(crate) const GPARAMS32: &[Field] = with_id! {
    TimerGparams32;
    "period_num" = period_num: U32;
    "period_den" = period_den: U32;
};

pub(crate) const GSTATUS: &[Field] = with_id! {
    TimerGstatus;
    "resolution" = resolution: U64;
    "resolution_num" = resolution_num: U64;
    "resolution_den" = resolution_den: U64;
};

pub(crate) const INFO: &[Field] = fields! {
    TimerInfo;
    "flags" = flags: U32, n::TIMER_FLAGS;
    "own_card" = card: I32;
    "id" = id: NAME;
    "name" = name: NAME;
    "resolution" = resolution: U64;
};

pub(crate) const INFO32: &[Field] = fields! {
    TimerInfo32;
    "flags" = flags: U32, n::TIMER_FLAGS;
    "own_card" = card: I32;
    "id" = id: NAME;
    "name" = name: NAME;
    "resolution" = resolution: U32;
};

pub(crate) const PARAMS: &[Field] = fields! {
    TimerParams;
    "flags" = flags: U32, n::PARAMS;
    "ticks" = ticks: U32, Meaning::Range(1, 1000);
    "queue_size" = queue_size: U32, Meaning::Range(32, 1024);
    "filter" = filter: U32, n::TIMER_FILTER;
};

pub(crate) const STATUS: &[Field] = fields! {
    TimerStatus;
    "stamp" = tv_sec: Kind::Stamp(16);
    "resolution" = resolution: U32;
    "lost" = lost: U32;
    "overrun" = overrun: U32;
    "waiting" = queue: U32;
};

pub(crate) const STATUS32: &[Field] = fields! {
    TimerStatus32;
    "stamp" = tv_sec: Kind::Stamp(8);
    "resolution" = resolution: U32;
    "lost" = lost: U32;
    "overrun" = overrun: U32;
    "waiting" = queue: U32;
};

pub(crate) const CREATE: &[Field] = fields! {
    TimerUinfo;
    "resolution" = resolution: U64, Meaning::Range(1_000, 1_000_000_000);
    // A descriptor, which differs from run to run.
    "fd" = fd: Kind::Stamp(4);
    "id" = id: U32;
};
