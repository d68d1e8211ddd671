//! UMP clients, on a virtual clock. All numbers were observed on Linux 6.12 and 7.3 built with UMP.

#[path = "../rig/mod.rs"]
mod rig;

mod convert;
mod endpoint;
mod fanout;
mod filters;
mod known_bugs;
mod notes_off;
mod packets;
mod queues;
mod records;
mod switch;
