//! Requests about the timer that a file is bound to.

use super::by_id::text;
use super::{Call, Caller};
use crate::Error;
use crate::timer::handle::{Format, NO_FILE, UserHandle, seconds};
use crate::timer::{Instance, InstanceId, Timer};
use alloc::format;
use aseqd_abi::Errno;
use aseqd_abi::timer::{
    self as uapi, ParamsFlags, TimerEvent, TimerInfo, TimerInfo32, TimerParams, TimerSelect,
    TimerStatus, TimerStatus32, TimerUinfo,
};

/// Shortest time to a tick that a program can ask for, in nanoseconds.
const MIN_PERIOD_NS: u64 = 1_000_000;
/// Records that a file can be made to keep.
const CAPACITIES: core::ops::RangeInclusive<u32> = 32..=1024;
/// What a filter can name. The early record cannot be filtered.
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

impl Call<'_> {
    fn file(&mut self) -> Result<&mut UserHandle, Error> {
        self.timers.handle_mut(self.caller.handle).ok_or(NO_FILE)
    }

    fn instance(&mut self) -> Result<InstanceId, Error> {
        self.file()?.instance.ok_or(UNBOUND)
    }

    /// The timer of the instance; a slave without master has none.
    fn timer(&mut self) -> Result<&Timer, Error> {
        let instance = self.instance()?;
        self.timers.timer_of(instance).ok_or(UNBOUND)
    }
}

pub(super) fn tread(call: &mut Call<'_>, wanted: &mut i32) -> Result<(), Error> {
    let timed = if call.caller.compat { Format::Tread32 } else { Format::Tread64 };
    set_format(call, *wanted, timed)
}

pub(super) fn tread64(call: &mut Call<'_>, wanted: &mut i32) -> Result<(), Error> {
    set_format(call, *wanted, Format::Tread64)
}

fn set_format(call: &mut Call<'_>, wanted: i32, timed: Format) -> Result<(), Error> {
    let file = call.file()?;
    if file.instance.is_some() {
        return Err(Error::new(Errno::EBUSY, "the file is bound to a timer"));
    }
    file.set_format(if wanted == 0 { Format::Plain } else { timed });
    Ok(())
}

pub(super) fn select(call: &mut Call<'_>, select: &mut TimerSelect) -> Result<(), Error> {
    let Caller { handle, at, .. } = *call.caller;
    // The old binding goes, whatever becomes of the new one.
    call.timers.unbind(handle, at);
    let pid = call.file()?.pid;
    let mut id = select.id;
    if id.dev_class != uapi::CLASS_SLAVE {
        id.dev_sclass = uapi::SCLASS_APPLICATION;
    }
    let instance = Instance::of_handle(handle, format!("application {pid}"));
    let instance = call.timers.open(instance, &id, pid, at)?;
    call.file()?.instance = Some(instance);
    Ok(())
}

pub(super) fn info(call: &mut Call<'_>, info: &mut TimerInfo) -> Result<(), Error> {
    let timer = call.timer()?;
    *info = TimerInfo {
        card: -1,
        id: text(&timer.id),
        name: text(timer.name),
        resolution: timer.resolution,
        ..TimerInfo::default()
    };
    Ok(())
}

pub(super) fn info32(call: &mut Call<'_>, narrow: &mut TimerInfo32) -> Result<(), Error> {
    let mut wide = TimerInfo::default();
    info(call, &mut wide)?;
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

pub(super) fn params(call: &mut Call<'_>, params: &mut TimerParams) -> Result<(), Error> {
    let resolution = call.timer()?.resolution;
    let instance = call.instance()?;
    if params.ticks < 1 {
        return Err(Error::new(Errno::EINVAL, "no ticks to count"));
    }
    if resolution.wrapping_mul(params.ticks.into()) < MIN_PERIOD_NS {
        return Err(Error::new(Errno::EINVAL, "less than 1 ms to a tick"));
    }
    if params.queue_size != 0 && !CAPACITIES.contains(&params.queue_size) {
        return Err(Error::new(Errno::EINVAL, "no such size of a queue"));
    }
    let known = EVENTS.iter().fold(0, |bits, event| bits | 1 << event.0);
    if params.filter & !known != 0 {
        return Err(Error::new(Errno::EINVAL, "the filter has an event that does not exist"));
    }
    let at = call.caller.at;
    // It may not run.
    let _idle = call.timers.stop(instance, at);
    let flags = ParamsFlags::from_bits_retain(params.flags);
    if let Some(instance) = call.timers.instance_mut(instance) {
        instance.auto = flags.contains(ParamsFlags::AUTO);
        instance.exclusive = flags.contains(ParamsFlags::EXCLUSIVE);
    }
    let file = call.file()?;
    file.reset_records(params.queue_size as usize);
    file.filter = params.filter;
    file.ticks = params.ticks;
    if flags.contains(ParamsFlags::EARLY_EVENT) {
        file.put_early();
    }
    Ok(())
}

pub(super) fn status(call: &mut Call<'_>, status: &mut TimerStatus) -> Result<(), Error> {
    let instance = call.instance()?;
    let resolution = call.timers.timer_of(instance).map_or(0, |timer| timer.resolution);
    let file = call.file()?;
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

pub(super) fn status32(call: &mut Call<'_>, narrow: &mut TimerStatus32) -> Result<(), Error> {
    let mut wide = TimerStatus::default();
    status(call, &mut wide)?;
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

pub(super) fn start(call: &mut Call<'_>, _none: &mut ()) -> Result<(), Error> {
    let instance = call.instance()?;
    let at = call.caller.at;
    let _idle = call.timers.stop(instance, at);
    let file = call.file()?;
    file.told_resolution = 0;
    let ticks = file.ticks.into();
    call.timers.start(instance, ticks, at)
}

pub(super) fn stop(call: &mut Call<'_>, _none: &mut ()) -> Result<(), Error> {
    let instance = call.instance()?;
    call.timers.stop(instance, call.caller.at)
}

pub(super) fn pause(call: &mut Call<'_>, _none: &mut ()) -> Result<(), Error> {
    let instance = call.instance()?;
    call.timers.pause(instance, call.caller.at)
}

/// CONTINUE, which starts what was not paused.
pub(super) fn resume(call: &mut Call<'_>, none: &mut ()) -> Result<(), Error> {
    let instance = call.instance()?;
    if !call.timers.is_paused(instance) {
        return start(call, none);
    }
    call.timers.resume(instance, call.caller.at)
}

/// The descriptor that goes back is the number of the engine's file: the driver opens a real one for
/// it and puts that in its place.
pub(super) fn create(call: &mut Call<'_>, info: &mut TimerUinfo) -> Result<(), Error> {
    if !call.timers.config().user_timers {
        return Err(Error::new(Errno::ENOTTY, "no user-driven timers here"));
    }
    let spare = call.caller.spare.ok_or(NO_FILE)?;
    let number = call.timers.create_user_timer(info.resolution)?;
    call.created = Some(number);
    info.fd = spare.0.cast_signed();
    info.id = number.into();
    Ok(())
}

pub(super) fn trigger(_call: &mut Call<'_>, _none: &mut ()) -> Result<(), Error> {
    Err(Error::new(Errno::ENOTTY, "not the descriptor of a user-driven timer"))
}
