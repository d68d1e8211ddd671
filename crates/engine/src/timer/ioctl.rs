//! The table of the requests of `/dev/snd/timer`; the handlers are in the files below it.

mod bound;
mod by_id;

use super::{Handle, Timers};
use crate::Time;
use crate::request::requests;
use aseqd_abi::ioctl::{timers as t, timers_old as old, timers32 as t32};
use aseqd_abi::timer::{
    TimerGinfo, TimerGparams, TimerGparams32, TimerGstatus, TimerId, TimerInfo, TimerInfo32,
    TimerParams, TimerSelect, TimerStatus, TimerStatus32, TimerUinfo,
};

/// The caller of a request, and the time of the call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) handle: Handle,
    /// Whether it is a 32-bit process.
    pub(crate) compat: bool,
    pub(crate) at: Time,
}

requests! {
    /// Every request of the timer device, in the order of the header.
    TABLE: Timers, Caller;
    t, "" {
        PVERSION(i32) => by_id::pversion, All, Full, "2.0.8, as Linux 6.12";
        NEXT_DEVICE(TimerId) => by_id::next_device, All, Full, "";
        TREAD_OLD(i32) => bound::tread, All, Full, "records of 16 bytes for 32-bit processes";
        GINFO(TimerGinfo) => by_id::ginfo, All, Full, "";
        GPARAMS(TimerGparams) => by_id::gparams, Wide, Full, "ENOSYS: no timer here has a settable period";
        GSTATUS(TimerGstatus) => by_id::gstatus, All, Full, "";
        SELECT(TimerSelect) => bound::select, All, Full, "";
        INFO(TimerInfo) => bound::info, Wide, Full, "";
        PARAMS(TimerParams) => bound::params, All, Full, "";
        STATUS(TimerStatus) => bound::status, Wide, Full, "";
        START(()) => bound::start, All, Full, "";
        STOP(()) => bound::stop, All, Full, "";
        CONTINUE(()) => bound::resume, All, Full, "";
        PAUSE(()) => bound::pause, All, Full, "";
        CREATE(TimerUinfo) => bound::create, All, Partial,
            "through the doors handover, preload and trap; ENOTTY through FUSE and CUSE, which cannot return a descriptor";
        TRIGGER(()) => bound::trigger, All, Full, "on the descriptor that CREATE returned; ENOTTY on the device";
        TREAD64(i32) => bound::tread64, All, Full, "";
    }
    old, "old" {
        START(()) => bound::start, All, Full, "";
        STOP(()) => bound::stop, All, Full, "its code is that of FIONBIO, which file layers handle themselves";
        CONTINUE(()) => bound::resume, All, Full, "";
        PAUSE(()) => bound::pause, All, Full, "";
        STATUS(TimerStatus32) => bound::status32, Wide, Full, "32-bit time";
    }
    t32, "32" {
        GPARAMS(TimerGparams32) => by_id::gparams32, Narrow, Full, "from 32-bit processes";
        INFO(TimerInfo32) => bound::info32, Narrow, Full, "from 32-bit processes";
    }
}
