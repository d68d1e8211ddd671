//! The ioctl request that turns an open file of `/dev/snd/timer` into a new user-driven timer.
//!
//! `SNDRV_TIMER_IOCTL_CREATE` returns a second descriptor, which an answer of a FUSE server cannot carry. With
//! this request, one who can open the device twice gets the same: the file that it is made on takes `TRIGGER`
//! from then on, and nothing else. Linux answers it with `ENOTTY`, as it does
//! [the request for texts](super::proc_text).

/// The request code, valid on `/dev/snd/timer`. Argument and answer are a `struct snd_timer_uinfo`, whose field
/// `fd` is not used.
pub const BECOME_USER_TIMER: u32 = 0xc020_59a6;
