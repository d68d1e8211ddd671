//! Requests about the timer that a file is bound to.

use super::Caller;
use crate::Error;
use crate::name::nul_terminated;
use crate::timer::handle::{Format, NO_FILE, UserHandle, seconds};
use crate::timer::{Instance, InstanceId, Timer, Timers};
use alloc::format;
use aseqd_abi::Errno;
use aseqd_abi::timer::{
    self as uapi, ParamsFlags, TimerEvent, TimerInfo, TimerInfo32, TimerParams, TimerSelect,
    TimerStatus, TimerStatus32, TimerUinfo,
};

/// The shortest time to a tick that a program can ask for, in nanoseconds.
const MIN_PERIOD_NS: u64 = 1_000_000;
/// The capacities that a file can be given, in records.
const CAPACITIES: core::ops::RangeInclusive<u32> = 32..=1024;
/// The events that a filter can name. The early record cannot be filtered.
const EVENTS: [TimerEvent; 14] = [
    TimerEvent::RESOLUTION,
    TimerEvent::TICK,
    TimerEvent::START,
    TimerEvent::STOP,
    TimerEvent::CONTINUE,
    TimerEvent::PAUSE,
    TimerEvent::SUSPEND,
    TimerEvent::RESUME,
    TimerEvent::MSTART,
    TimerEvent::MSTOP,
    TimerEvent::MCONTINUE,
    TimerEvent::MPAUSE,
    TimerEvent::MSUSPEND,
    TimerEvent::MRESUME,
];

const UNBOUND: Error = Error::new(Errno::EBADFD, "the file is not bound to a timer");

/// The calling file, and what it is bound to.
impl Timers {
    fn file(&mut self, caller: Caller) -> Result<&mut UserHandle, Error> {
        self.handle_mut(caller.handle).ok_or(NO_FILE)
    }

    fn bound(&mut self, caller: Caller) -> Result<InstanceId, Error> {
        self.file(caller)?.instance.ok_or(UNBOUND)
    }

    /// Returns the timer of the instance; a slave without a master has none.
    fn bound_timer(&mut self, caller: Caller) -> Result<&Timer, Error> {
        let instance = self.bound(caller)?;
        self.timer_of(instance).ok_or(UNBOUND)
    }
}

pub(super) fn tread(timers: &mut Timers, caller: Caller, wanted: &mut i32) -> Result<(), Error> {
    let timed = if caller.compat { Format::Tread32 } else { Format::Tread64 };
    set_format(timers, caller, *wanted, timed)
}

pub(super) fn tread64(timers: &mut Timers, caller: Caller, wanted: &mut i32) -> Result<(), Error> {
    set_format(timers, caller, *wanted, Format::Tread64)
}

fn set_format(
    timers: &mut Timers,
    caller: Caller,
    wanted: i32,
    timed: Format,
) -> Result<(), Error> {
    let file = timers.file(caller)?;
    if file.instance.is_some() {
        return Err(Error::new(Errno::EBUSY, "the file is bound to a timer"));
    }
    file.set_format(if wanted == 0 { Format::Plain } else { timed });
    Ok(())
}

pub(super) fn select(
    timers: &mut Timers,
    caller: Caller,
    select: &mut TimerSelect,
) -> Result<(), Error> {
    let Caller { handle, at, .. } = caller;
    // The old binding goes, even if the new one fails.
    timers.unbind(handle, at);
    let pid = timers.file(caller)?.pid;
    let mut id = select.id;
    if id.dev_class != uapi::CLASS_SLAVE {
        id.dev_sclass = uapi::SCLASS_APPLICATION;
    }
    let instance = Instance::of_handle(handle, format!("application {pid}"));
    let instance = timers.open(instance, &id, pid, at)?;
    timers.file(caller)?.instance = Some(instance);
    Ok(())
}

pub(super) fn info(timers: &mut Timers, caller: Caller, info: &mut TimerInfo) -> Result<(), Error> {
    let timer = timers.bound_timer(caller)?;
    *info = TimerInfo {
        card: -1,
        id: nul_terminated(&timer.id),
        name: nul_terminated(timer.name()),
        resolution: timer.resolution,
        ..TimerInfo::default()
    };
    Ok(())
}

pub(super) fn info32(
    timers: &mut Timers,
    caller: Caller,
    narrow: &mut TimerInfo32,
) -> Result<(), Error> {
    let mut wide = TimerInfo::default();
    info(timers, caller, &mut wide)?;
    #[expect(clippy::cast_possible_truncation, reason = "32 bits are there for it")]
    let resolution = wide.resolution as u32;
    *narrow = TimerInfo32 {
        flags: wide.flags,
        card: wide.card,
        id: wide.id,
        name: wide.name,
        resolution,
        ..TimerInfo32::default()
    };
    Ok(())
}

pub(super) fn params(
    timers: &mut Timers,
    caller: Caller,
    params: &mut TimerParams,
) -> Result<(), Error> {
    let resolution = timers.bound_timer(caller)?.resolution;
    let instance = timers.bound(caller)?;
    if params.ticks < 1 {
        return Err(Error::new(Errno::EINVAL, "no ticks to count"));
    }
    if resolution.wrapping_mul(params.ticks.into()) < MIN_PERIOD_NS {
        return Err(Error::new(Errno::EINVAL, "the time to a tick is less than 1 ms"));
    }
    if params.queue_size != 0 && !CAPACITIES.contains(&params.queue_size) {
        return Err(Error::new(Errno::EINVAL, "the queue size is out of range"));
    }
    let known = EVENTS.iter().fold(0, |bits, event| bits | 1 << event.0);
    if params.filter & !known != 0 {
        return Err(Error::new(Errno::EINVAL, "the filter has an event that does not exist"));
    }
    let at = caller.at;
    // The instance may not run.
    let _idle = timers.stop(instance, at);
    let flags = ParamsFlags::from_bits_retain(params.flags);
    if let Some(instance) = timers.instance_mut(instance) {
        instance.auto = flags.contains(ParamsFlags::AUTO);
        instance.exclusive = flags.contains(ParamsFlags::EXCLUSIVE);
    }
    let file = timers.file(caller)?;
    file.reset_records(params.queue_size as usize);
    file.filter = params.filter;
    file.ticks = params.ticks;
    if flags.contains(ParamsFlags::EARLY_EVENT) {
        file.put_early();
    }
    Ok(())
}

pub(super) fn status(
    timers: &mut Timers,
    caller: Caller,
    status: &mut TimerStatus,
) -> Result<(), Error> {
    let instance = timers.bound(caller)?;
    let resolution = timers.timer_of(instance).map_or(0, |timer| timer.resolution);
    let file = timers.file(caller)?;
    let (tv_sec, tv_nsec) = seconds(file.changed_at);
    #[expect(clippy::cast_possible_truncation, reason = "32 bits are there for it")]
    let resolution = resolution as u32;
    *status = TimerStatus {
        tv_sec,
        tv_nsec: tv_nsec.into(),
        resolution,
        overrun: file.overrun,
        queue: u32::try_from(file.waiting()).unwrap_or(u32::MAX),
        ..TimerStatus::default()
    };
    Ok(())
}

pub(super) fn status32(
    timers: &mut Timers,
    caller: Caller,
    narrow: &mut TimerStatus32,
) -> Result<(), Error> {
    let mut wide = TimerStatus::default();
    status(timers, caller, &mut wide)?;
    #[expect(clippy::cast_possible_truncation, reason = "32 bits are there for it")]
    let (tv_sec, tv_nsec) = (wide.tv_sec as i32, wide.tv_nsec as i32);
    *narrow = TimerStatus32 {
        tv_sec,
        tv_nsec,
        resolution: wide.resolution,
        lost: wide.lost,
        overrun: wide.overrun,
        queue: wide.queue,
        reserved: wide.reserved,
    };
    Ok(())
}

pub(super) fn start(timers: &mut Timers, caller: Caller, _none: &mut ()) -> Result<(), Error> {
    let instance = timers.bound(caller)?;
    let at = caller.at;
    let _idle = timers.stop(instance, at);
    let file = timers.file(caller)?;
    file.told_resolution = 0;
    let ticks = file.ticks.into();
    timers.start(instance, ticks, at)
}

pub(super) fn stop(timers: &mut Timers, caller: Caller, _none: &mut ()) -> Result<(), Error> {
    let instance = timers.bound(caller)?;
    timers.stop(instance, caller.at)
}

pub(super) fn pause(timers: &mut Timers, caller: Caller, _none: &mut ()) -> Result<(), Error> {
    let instance = timers.bound(caller)?;
    timers.pause(instance, caller.at)
}

/// Handles CONTINUE, which starts an instance that was not paused.
pub(super) fn resume(timers: &mut Timers, caller: Caller, none: &mut ()) -> Result<(), Error> {
    let instance = timers.bound(caller)?;
    if !timers.is_paused(instance) {
        return start(timers, caller, none);
    }
    timers.resume(instance, caller.at)
}

/// Handles CREATE. The engine opens a file for the timer and writes its number into `fd`.
pub(super) fn create(
    timers: &mut Timers,
    _caller: Caller,
    info: &mut TimerUinfo,
) -> Result<(), Error> {
    info.id = timers.create_user_timer(info.resolution)?.into();
    Ok(())
}

pub(super) fn trigger(_timers: &mut Timers, _caller: Caller, _none: &mut ()) -> Result<(), Error> {
    Err(Error::new(Errno::ENOTTY, "not the descriptor of a user-driven timer"))
}
