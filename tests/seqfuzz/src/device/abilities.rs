//! What a sequencer's devices can do, which depends on how it was built or started.

use super::{Access, Device};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::{self, sequencer as s, timers as t};

/// What a device of a server can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Whether it has UMP.
    pub ump: bool,
    /// Whether it hands out user-driven timers.
    pub user_timers: bool,
}

impl Abilities {
    /// Returns those of a sequencer that has everything, or nothing of this.
    #[must_use]
    pub const fn all(all: bool) -> Self {
        Self { ump: all, user_timers: all }
    }

    /// Asks a device.
    pub fn of(device: &mut dyn Device) -> Self {
        // An unknown client is an error of UMP; without UMP the request is.
        let mut info = vec![0; ioctl::size(s::GET_CLIENT_UMP_INFO)];
        info[4..8].fill(0xff);
        let ump = device.open(Access::ReadWrite).is_ok_and(|file| {
            let answer = device.ioctl(file, s::GET_CLIENT_UMP_INFO, &mut info);
            device.close(file);
            answer != Err(Errno::ENOTTY)
        });
        // A resolution of 0 is an error of user-driven timers.
        let mut asked = vec![0; ioctl::size(t::CREATE)];
        let user_timers = device.open_timer(Access::ReadWrite).is_ok_and(|file| {
            let answer = device.ioctl(file, t::CREATE, &mut asked);
            device.close(file);
            answer == Err(Errno::EINVAL)
        });
        Self { ump, user_timers }
    }
}

#[cfg(test)]
mod tests {
    use super::super::EngineDevice;
    use super::*;

    #[test]
    fn a_device_is_asked_what_it_can_do() {
        for (ump, user_timers) in [(false, false), (true, false), (false, true), (true, true)] {
            let abilities = Abilities { ump, user_timers };
            assert_eq!(Abilities::of(&mut EngineDevice::with_abilities(abilities)), abilities);
        }
    }
}
