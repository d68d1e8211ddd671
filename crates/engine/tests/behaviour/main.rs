//! What the sequencer does, by subject, on a virtual clock. Numbers whose source is not named were
//! observed on Linux 6.12.

#[path = "../rig/mod.rs"]
mod rig;

mod announce;
mod bounce;
mod client_info;
mod compat32;
mod deliver;
mod fanout;
mod identification;
mod kernel_client;
mod known_bugs;
mod lifetime;
mod limits;
mod note;
mod notes_off;
mod poll;
mod pools;
mod ports;
mod proc;
mod query;
mod queue_clock;
mod queue_order;
mod queue_timer;
mod queues;
mod read;
mod remove_events;
mod start;
mod subscriptions;
mod system_timer;
mod tempo;
mod timestamps;
mod write;
