//! The ioctl request that turns an open file of `/dev/snd/timer` into a new user-driven timer.
//!
//! `SNDRV_TIMER_IOCTL_CREATE` returns a second descriptor, which an answer of a FUSE server cannot carry. This request
//! needs none: the file on which it is made becomes the timer. From then on the file takes `TRIGGER` and nothing else.
//! Linux answers the request with `ENOTTY`, like [the request for texts](super::proc_text).

/// The request code, valid on `/dev/snd/timer`. Argument and answer are a `struct snd_timer_uinfo`, whose field
/// `fd` is not used.
pub const BECOME_USER_TIMER: u32 = 0xc020_59a6;
