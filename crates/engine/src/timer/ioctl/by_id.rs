//! Requests about any timer, by its id.

use super::Caller;
use crate::Error;
use crate::name::nul_terminated;
use crate::timer::{NANOSECONDS, Timer, TimerKey, Timers};
use aseqd_abi::Errno;
use aseqd_abi::timer::{
    self as uapi, TimerGinfo, TimerGparams, TimerGparams32, TimerGstatus, TimerId,
};

/// The id that ends an enumeration.
const NO_TIMER: TimerId = TimerId {
    dev_class: uapi::CLASS_NONE,
    dev_sclass: uapi::SCLASS_NONE,
    card: -1,
    device: -1,
    subdevice: -1,
};

fn find<'a>(timers: &'a Timers, id: &TimerId) -> Result<&'a Timer, Error> {
    timers.find(id).ok_or(Error::new(Errno::ENODEV, "no such timer"))
}

pub(super) fn pversion(
    _timers: &mut Timers,
    _caller: Caller,
    version: &mut i32,
) -> Result<(), Error> {
    *version = uapi::VERSION;
    Ok(())
}

/// Handles NEXT_DEVICE: the next timer in the order of Linux. All timers here are global.
pub(super) fn next_device(
    timers: &mut Timers,
    _caller: Caller,
    id: &mut TimerId,
) -> Result<(), Error> {
    let mut keys = timers.timers.keys();
    let next: Option<&TimerKey> = match id.dev_class {
        class if class < 0 => keys.next(),
        uapi::CLASS_GLOBAL => {
            // After the greatest number, Linux begins anew.
            let device = if id.device < 0 { 0 } else { id.device.wrapping_add(1) };
            keys.find(|key| key.device >= device)
        }
        _ => None,
    };
    *id = next.map_or(NO_TIMER, |key| key.id());
    Ok(())
}

pub(super) fn ginfo(
    timers: &mut Timers,
    _caller: Caller,
    info: &mut TimerGinfo,
) -> Result<(), Error> {
    let timer = find(timers, &info.tid)?;
    *info = TimerGinfo {
        tid: info.tid,
        card: -1,
        id: nul_terminated(&timer.id),
        name: nul_terminated(timer.name()),
        resolution: timer.resolution,
        clients: u32::try_from(timer.instances.len()).unwrap_or(u32::MAX),
        ..TimerGinfo::default()
    };
    Ok(())
}

pub(super) fn gparams(
    timers: &mut Timers,
    _caller: Caller,
    params: &mut TimerGparams,
) -> Result<(), Error> {
    set_period(timers, &params.tid)
}

pub(super) fn gparams32(
    timers: &mut Timers,
    _caller: Caller,
    params: &mut TimerGparams32,
) -> Result<(), Error> {
    set_period(timers, &params.tid)
}

fn set_period(timers: &Timers, id: &TimerId) -> Result<(), Error> {
    let timer = find(timers, id)?;
    if !timer.instances.is_empty() {
        return Err(Error::new(Errno::EBUSY, "an instance is bound to the timer"));
    }
    Err(Error::new(Errno::ENOSYS, "the period cannot be set"))
}

pub(super) fn gstatus(
    timers: &mut Timers,
    _caller: Caller,
    status: &mut TimerGstatus,
) -> Result<(), Error> {
    let resolution = find(timers, &status.tid)?.resolution;
    *status = TimerGstatus {
        tid: status.tid,
        resolution,
        resolution_num: resolution,
        resolution_den: NANOSECONDS,
        ..TimerGstatus::default()
    };
    Ok(())
}
