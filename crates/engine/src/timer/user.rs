//! User-driven timers: a program makes and drives them, and others use them.

use super::{Drive, Timer, TimerKey, Timers, user_timer_id};
use crate::limits::MAX_USER_TIMERS;
use crate::{Error, Time};
use aseqd_abi::Errno;
use aseqd_abi::timer::GLOBAL_UDRIVEN;

/// Returns the key of the timer with a number.
const fn key(number: u8) -> TimerKey {
    TimerKey { device: GLOBAL_UDRIVEN, subdevice: number as i32 }
}

impl Timers {
    /// Makes a timer with the lowest free number.
    pub(crate) fn create_user_timer(&mut self, resolution: u64) -> Result<u8, Error> {
        if !self.config().user_timers {
            return Err(Error::new(Errno::ENOTTY, "no user-driven timers here"));
        }
        if resolution == 0 {
            return Err(Error::new(Errno::EINVAL, "a timer needs a resolution"));
        }
        let free = (0..MAX_USER_TIMERS).find(|number| !self.timers.contains_key(&key(*number)));
        let number = free.ok_or(Error::new(Errno::ENOSPC, "too many user-driven timers"))?;
        let timer = Timer::new(Drive::User, user_timer_id(number), resolution);
        self.timers.insert(key(number), timer);
        Ok(number)
    }

    /// Removes a timer whose own file was closed: every binding to it loses it.
    pub(crate) fn remove_user_timer(&mut self, at: Time, number: u8) {
        let Some(timer) = self.timers.get(&key(number)) else { return };
        for id in timer.instances.clone() {
            let _idle = self.stop(id, at);
            let Some(instance) = self.instance_mut(id) else { continue };
            instance.timer = None;
            instance.active_slaves.clear();
            let slaves = core::mem::take(&mut instance.slaves);
            self.release_slaves(slaves);
        }
        self.timers.remove(&key(number));
    }

    /// Handles one interrupt of a user-driven timer. The callbacks are due then.
    pub(crate) fn trigger_user_timer(&mut self, number: u8, at: Time) {
        self.interrupt(key(number), at);
    }
}
