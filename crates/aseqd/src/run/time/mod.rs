//! A run whose clock is not the machine's. The keeper, which serves the sequencer, is also the tracer of the command
//! and of everything that it starts: one thread does both, so that it knows when all programs sleep and nobody asks.

pub(crate) mod control;
mod world;

use super::hotplug::Hotplug;
use super::link::Link;
use aseqd_console::say;
use aseqd_engine::Time;
use aseqd_host::error::Fail;
use aseqd_server::door::collected;
use aseqd_server::door::doors::Doors;
use aseqd_server::door::handover::Activity;
use aseqd_server::stepped::Stepped;
use control::{Listener, Requests};
use rustix::process::Pid;
use rustix::thread::{sched_getaffinity, sched_setaffinity};
use std::os::fd::OwnedFd;
use vtime::{Options, Order, Pace, Reason, Tracer};
use world::RunWorld;

/// The virtual time at which a run begins.
pub(super) const START: Time = Time(vtime::START);

/// A command that waits to be traced, and what its programs talk to.
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    pub(super) command: Pid,
    /// The socket over which the command learns that it may go on.
    pub(super) link: Link,
    pub(super) server: Box<Stepped<Doors>>,
    pub(super) hotplug: Option<Hotplug>,
    /// The thread that opens files for programs, if there is one.
    pub(super) opener: Option<Activity>,
    pub(super) front: &'a OwnedFd,
    pub(super) control: Listener,
}

/// Returns in which order the calls of programs are handled.
pub(super) fn order(options: &Options) -> collected::Order {
    match (options.pace, options.order) {
        // The programs need not all sleep before a call is handled.
        (Pace::Scaled(_), _) | (_, Order::Arrival) => collected::Order::Arrival,
        _ => collected::Order::Canonical,
    }
}

/// Lets the command go on under its clock, and serves it until it has ended. Returns its status; `None` if the front was
/// killed.
///
/// # Errors
/// A message if the system does not let this process trace others, or the server fails.
pub(super) fn run(prepared: Prepared<'_>, options: &Options) -> Result<Option<u8>, Fail> {
    let Prepared { command, link, server, hotplug, opener, front, control } = prepared;
    let mut world = RunWorld {
        server,
        front,
        hotplug,
        opener,
        command: Some(command),
        requests: Requests::new(control),
        epoch: options.epoch,
        now: vtime::START,
        front_has_died: false,
    };
    let mut tracer = Tracer::new(options).map_err(|error| Fail::new(error.to_string()))?;
    tracer.seize(command.as_raw_pid()).map_err(|error| Fail::new(error.to_string()))?;
    gather();
    link.go_on();
    drop(link);
    let ended = tracer.run(&mut world).map_err(|error| Fail::new(error.to_string()))?;
    match ended.reason {
        Reason::Deadlock => {
            say(&"all programs sleep, and nothing is due:");
            for line in &ended.waits {
                anstream::eprintln!("{line}");
            }
        }
        Reason::TimeLimit => say(&"the time limit is over"),
        _ => {}
    }
    Ok((!world.front_has_died).then_some(ended.status))
}

/// Lets the thread that opens files run on the processors of this one. If it woke a program from another processor, the
/// program would look asleep until that processor's message has come.
fn gather() {
    let Ok(processors) = sched_getaffinity(None) else { return };
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    for thread in threads.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        // A thread that has ended meanwhile wakes nobody.
        let _ended = sched_setaffinity(Pid::from_raw(thread), &processors);
    }
}
