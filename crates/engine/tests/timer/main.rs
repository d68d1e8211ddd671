//! The timer device `/dev/snd/timer`, seen through its calls.

#[path = "../rig/mod.rs"]
mod rig;

mod known_bugs;
mod queues;
mod read;
mod requests;
mod run;
mod slaves;
mod storm;
mod user;
