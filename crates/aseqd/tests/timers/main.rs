//! `/dev/snd/timer` as programs use it: our own `aseqd timers`, a user of alsa-lib, a storm of requests.

#[path = "../common/mod.rs"]
mod common;
mod device;
mod listing;
mod storm;
mod tread;
