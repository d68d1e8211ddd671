//! Request codes, built as `asm-generic/ioctl.h` builds them.

use crate::{control, seq, timer, ump};
use core::mem::size_of;

/// Direction bit: the program's buffer is read by the driver.
#[doc(alias = "_IOC_WRITE")]
pub const WRITE: u32 = 1;
/// Direction bit: the program's buffer is written by the driver.
#[doc(alias = "_IOC_READ")]
pub const READ: u32 = 2;

/// Returns a request code, made of its four parts.
#[doc(alias = "_IOC")]
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "no struct of this interface reaches 16 KiB")]
pub const fn ioc(direction: u32, kind: u8, number: u8, size: usize) -> u32 {
    assert!(size < 1 << 14);
    (direction << 30) | ((size as u32) << 16) | ((kind as u32) << 8) | number as u32
}

/// Returns the direction bits of a code.
#[must_use]
pub const fn direction(code: u32) -> u32 {
    code >> 30
}

/// Returns the size of the argument in a code, in bytes.
#[must_use]
pub const fn size(code: u32) -> usize {
    ((code >> 16) & 0x3fff) as usize
}

macro_rules! requests {
    ($(#[$outer:meta])* $module:ident, $kind:literal: $($c:literal $name:ident = $dir:tt $number:literal $ty:ty;)*) => {
        $(#[$outer])*
        pub mod $module {
            #[allow(unused_imports, reason = "which of them a table uses is the table's affair")]
            use super::{READ, WRITE, control, ioc, seq, size_of, timer, ump};
            $(
                #[doc = concat!("`", $c, "`")]
                #[doc(alias = $c)]
                pub const $name: u32 = ioc(requests!(@dir $dir), $kind, $number, requests!(@size $dir $ty));
            )*
            /// All requests: C name and code.
            pub const ALL: &[(&str, u32)] = &[$(($c, $name)),*];
        }
    };
    (@dir R) => { READ };
    (@dir W) => { WRITE };
    (@dir RW) => { READ | WRITE };
    (@dir N) => { 0 };
    (@size N $ty:ty) => { 0 };
    (@size $dir:tt $ty:ty) => { size_of::<$ty>() };
}

requests! {
    /// Requests of `/dev/snd/seq`, type letter `S`.
    sequencer, b'S':
    "SNDRV_SEQ_IOCTL_PVERSION" PVERSION = R 0x00 i32;
    "SNDRV_SEQ_IOCTL_CLIENT_ID" CLIENT_ID = R 0x01 i32;
    "SNDRV_SEQ_IOCTL_SYSTEM_INFO" SYSTEM_INFO = RW 0x02 seq::SystemInfo;
    "SNDRV_SEQ_IOCTL_RUNNING_MODE" RUNNING_MODE = RW 0x03 seq::RunningInfo;
    "SNDRV_SEQ_IOCTL_USER_PVERSION" USER_PVERSION = W 0x04 i32;
    "SNDRV_SEQ_IOCTL_GET_CLIENT_INFO" GET_CLIENT_INFO = RW 0x10 seq::ClientInfo;
    "SNDRV_SEQ_IOCTL_SET_CLIENT_INFO" SET_CLIENT_INFO = W 0x11 seq::ClientInfo;
    "SNDRV_SEQ_IOCTL_GET_CLIENT_UMP_INFO" GET_CLIENT_UMP_INFO = RW 0x12 ump::ClientUmpInfo;
    "SNDRV_SEQ_IOCTL_SET_CLIENT_UMP_INFO" SET_CLIENT_UMP_INFO = RW 0x13 ump::ClientUmpInfo;
    "SNDRV_SEQ_IOCTL_CREATE_PORT" CREATE_PORT = RW 0x20 seq::PortInfo;
    "SNDRV_SEQ_IOCTL_DELETE_PORT" DELETE_PORT = W 0x21 seq::PortInfo;
    "SNDRV_SEQ_IOCTL_GET_PORT_INFO" GET_PORT_INFO = RW 0x22 seq::PortInfo;
    "SNDRV_SEQ_IOCTL_SET_PORT_INFO" SET_PORT_INFO = W 0x23 seq::PortInfo;
    "SNDRV_SEQ_IOCTL_SUBSCRIBE_PORT" SUBSCRIBE_PORT = W 0x30 seq::PortSubscribe;
    "SNDRV_SEQ_IOCTL_UNSUBSCRIBE_PORT" UNSUBSCRIBE_PORT = W 0x31 seq::PortSubscribe;
    "SNDRV_SEQ_IOCTL_CREATE_QUEUE" CREATE_QUEUE = RW 0x32 seq::QueueInfo;
    "SNDRV_SEQ_IOCTL_DELETE_QUEUE" DELETE_QUEUE = W 0x33 seq::QueueInfo;
    "SNDRV_SEQ_IOCTL_GET_QUEUE_INFO" GET_QUEUE_INFO = RW 0x34 seq::QueueInfo;
    "SNDRV_SEQ_IOCTL_SET_QUEUE_INFO" SET_QUEUE_INFO = RW 0x35 seq::QueueInfo;
    "SNDRV_SEQ_IOCTL_GET_NAMED_QUEUE" GET_NAMED_QUEUE = RW 0x36 seq::QueueInfo;
    "SNDRV_SEQ_IOCTL_GET_QUEUE_STATUS" GET_QUEUE_STATUS = RW 0x40 seq::QueueStatus;
    "SNDRV_SEQ_IOCTL_GET_QUEUE_TEMPO" GET_QUEUE_TEMPO = RW 0x41 seq::QueueTempo;
    "SNDRV_SEQ_IOCTL_SET_QUEUE_TEMPO" SET_QUEUE_TEMPO = W 0x42 seq::QueueTempo;
    "SNDRV_SEQ_IOCTL_GET_QUEUE_TIMER" GET_QUEUE_TIMER = RW 0x45 seq::QueueTimer;
    "SNDRV_SEQ_IOCTL_SET_QUEUE_TIMER" SET_QUEUE_TIMER = W 0x46 seq::QueueTimer;
    "SNDRV_SEQ_IOCTL_GET_QUEUE_CLIENT" GET_QUEUE_CLIENT = RW 0x49 seq::QueueClient;
    "SNDRV_SEQ_IOCTL_SET_QUEUE_CLIENT" SET_QUEUE_CLIENT = W 0x4a seq::QueueClient;
    "SNDRV_SEQ_IOCTL_GET_CLIENT_POOL" GET_CLIENT_POOL = RW 0x4b seq::ClientPool;
    "SNDRV_SEQ_IOCTL_SET_CLIENT_POOL" SET_CLIENT_POOL = W 0x4c seq::ClientPool;
    "SNDRV_SEQ_IOCTL_REMOVE_EVENTS" REMOVE_EVENTS = W 0x4e seq::RemoveEvents;
    "SNDRV_SEQ_IOCTL_QUERY_SUBS" QUERY_SUBS = RW 0x4f seq::QuerySubs;
    "SNDRV_SEQ_IOCTL_GET_SUBSCRIPTION" GET_SUBSCRIPTION = RW 0x50 seq::PortSubscribe;
    "SNDRV_SEQ_IOCTL_QUERY_NEXT_CLIENT" QUERY_NEXT_CLIENT = RW 0x51 seq::ClientInfo;
    "SNDRV_SEQ_IOCTL_QUERY_NEXT_PORT" QUERY_NEXT_PORT = RW 0x52 seq::PortInfo;
}

requests! {
    /// The requests of `/dev/snd/seq` whose struct a 32-bit process lays out differently.
    sequencer32, b'S':
    "SNDRV_SEQ_IOCTL_CREATE_PORT32" CREATE_PORT = RW 0x20 seq::PortInfo32;
    "SNDRV_SEQ_IOCTL_DELETE_PORT32" DELETE_PORT = W 0x21 seq::PortInfo32;
    "SNDRV_SEQ_IOCTL_GET_PORT_INFO32" GET_PORT_INFO = RW 0x22 seq::PortInfo32;
    "SNDRV_SEQ_IOCTL_SET_PORT_INFO32" SET_PORT_INFO = W 0x23 seq::PortInfo32;
    "SNDRV_SEQ_IOCTL_QUERY_NEXT_PORT32" QUERY_NEXT_PORT = RW 0x52 seq::PortInfo32;
}

requests! {
    /// Requests of `/dev/snd/timer`, type letter `T`. Requests of terminals have the same letter,
    /// so compare whole codes.
    timers, b'T':
    "SNDRV_TIMER_IOCTL_PVERSION" PVERSION = R 0x00 i32;
    "SNDRV_TIMER_IOCTL_NEXT_DEVICE" NEXT_DEVICE = RW 0x01 timer::TimerId;
    "SNDRV_TIMER_IOCTL_TREAD_OLD" TREAD_OLD = W 0x02 i32;
    "SNDRV_TIMER_IOCTL_GINFO" GINFO = RW 0x03 timer::TimerGinfo;
    "SNDRV_TIMER_IOCTL_GPARAMS" GPARAMS = W 0x04 timer::TimerGparams;
    "SNDRV_TIMER_IOCTL_GSTATUS" GSTATUS = RW 0x05 timer::TimerGstatus;
    "SNDRV_TIMER_IOCTL_SELECT" SELECT = W 0x10 timer::TimerSelect;
    "SNDRV_TIMER_IOCTL_INFO" INFO = R 0x11 timer::TimerInfo;
    "SNDRV_TIMER_IOCTL_PARAMS" PARAMS = W 0x12 timer::TimerParams;
    "SNDRV_TIMER_IOCTL_STATUS" STATUS = R 0x14 timer::TimerStatus;
    "SNDRV_TIMER_IOCTL_START" START = N 0xa0 ();
    "SNDRV_TIMER_IOCTL_STOP" STOP = N 0xa1 ();
    "SNDRV_TIMER_IOCTL_CONTINUE" CONTINUE = N 0xa2 ();
    "SNDRV_TIMER_IOCTL_PAUSE" PAUSE = N 0xa3 ();
    "SNDRV_TIMER_IOCTL_CREATE" CREATE = RW 0xa5 timer::TimerUinfo;
    "SNDRV_TIMER_IOCTL_TRIGGER" TRIGGER = N 0xa6 ();
    "SNDRV_TIMER_IOCTL_TREAD64" TREAD64 = W 0xa4 i32;
}

requests! {
    /// Requests of `/dev/snd/timer` that Linux answers although the header does not have them: the
    /// codes of START, STOP, CONTINUE and PAUSE before protocol 2.0.4, and STATUS with 32-bit time.
    timers_old, b'T':
    "SNDRV_TIMER_IOCTL_START_OLD" START = N 0x20 ();
    "SNDRV_TIMER_IOCTL_STOP_OLD" STOP = N 0x21 ();
    "SNDRV_TIMER_IOCTL_CONTINUE_OLD" CONTINUE = N 0x22 ();
    "SNDRV_TIMER_IOCTL_PAUSE_OLD" PAUSE = N 0x23 ();
    "SNDRV_TIMER_IOCTL_STATUS32" STATUS = R 0x14 timer::TimerStatus32;
}

requests! {
    /// The requests of `/dev/snd/timer` that have codes of their own for 32-bit processes.
    timers32, b'T':
    "SNDRV_TIMER_IOCTL_GPARAMS32" GPARAMS = W 0x04 timer::TimerGparams32;
    "SNDRV_TIMER_IOCTL_INFO32" INFO = R 0x11 timer::TimerInfo32;
}

requests! {
    /// Requests of a card's control device, type letter `U`.
    controls, b'U':
    "SNDRV_CTL_IOCTL_PVERSION" PVERSION = R 0x00 i32;
    "SNDRV_CTL_IOCTL_CARD_INFO" CARD_INFO = R 0x01 control::CardInfo;
    "SNDRV_CTL_IOCTL_ELEM_LIST" ELEM_LIST = RW 0x10 control::ElemList;
    "SNDRV_CTL_IOCTL_ELEM_INFO" ELEM_INFO = RW 0x11 control::ElemInfo;
    "SNDRV_CTL_IOCTL_ELEM_READ" ELEM_READ = RW 0x12 control::ElemValue;
    "SNDRV_CTL_IOCTL_ELEM_WRITE" ELEM_WRITE = RW 0x13 control::ElemValue;
    "SNDRV_CTL_IOCTL_ELEM_LOCK" ELEM_LOCK = W 0x14 control::ElemId;
    "SNDRV_CTL_IOCTL_ELEM_UNLOCK" ELEM_UNLOCK = W 0x15 control::ElemId;
    "SNDRV_CTL_IOCTL_SUBSCRIBE_EVENTS" SUBSCRIBE_EVENTS = RW 0x16 i32;
    "SNDRV_CTL_IOCTL_ELEM_ADD" ELEM_ADD = RW 0x17 control::ElemInfo;
    "SNDRV_CTL_IOCTL_ELEM_REPLACE" ELEM_REPLACE = RW 0x18 control::ElemInfo;
    "SNDRV_CTL_IOCTL_ELEM_REMOVE" ELEM_REMOVE = RW 0x19 control::ElemId;
    "SNDRV_CTL_IOCTL_TLV_READ" TLV_READ = RW 0x1a control::Tlv;
    "SNDRV_CTL_IOCTL_TLV_WRITE" TLV_WRITE = RW 0x1b control::Tlv;
    "SNDRV_CTL_IOCTL_TLV_COMMAND" TLV_COMMAND = RW 0x1c control::Tlv;
    "SNDRV_CTL_IOCTL_HWDEP_NEXT_DEVICE" HWDEP_NEXT_DEVICE = RW 0x20 i32;
    "SNDRV_CTL_IOCTL_HWDEP_INFO" HWDEP_INFO = R 0x21 control::HwdepInfo;
    "SNDRV_CTL_IOCTL_PCM_NEXT_DEVICE" PCM_NEXT_DEVICE = R 0x30 i32;
    "SNDRV_CTL_IOCTL_PCM_INFO" PCM_INFO = RW 0x31 control::PcmInfo;
    "SNDRV_CTL_IOCTL_PCM_PREFER_SUBDEVICE" PCM_PREFER_SUBDEVICE = W 0x32 i32;
    "SNDRV_CTL_IOCTL_RAWMIDI_NEXT_DEVICE" RAWMIDI_NEXT_DEVICE = RW 0x40 i32;
    "SNDRV_CTL_IOCTL_RAWMIDI_INFO" RAWMIDI_INFO = RW 0x41 control::RawmidiInfo;
    "SNDRV_CTL_IOCTL_RAWMIDI_PREFER_SUBDEVICE" RAWMIDI_PREFER_SUBDEVICE = W 0x42 i32;
    "SNDRV_CTL_IOCTL_POWER" POWER = RW 0xd0 i32;
    "SNDRV_CTL_IOCTL_POWER_STATE" POWER_STATE = R 0xd1 i32;
}

requests! {
    /// The requests of a control device whose struct a 32-bit process lays out differently.
    controls32, b'U':
    "SNDRV_CTL_IOCTL_ELEM_LIST32" ELEM_LIST = RW 0x10 control::ElemList32;
    "SNDRV_CTL_IOCTL_ELEM_READ32" ELEM_READ = RW 0x12 [u8; 708];
    "SNDRV_CTL_IOCTL_ELEM_WRITE32" ELEM_WRITE = RW 0x13 [u8; 708];
}
