//! `aseqd run -- CMD`: runs a command with a sequencer for it and its children.
//!
//! There are three processes. The *front* is the one that the user started; it forwards signals, and ends with the
//! command's status. The *keeper* serves the device in one thread, and is the parent of the command. The *command*
//! makes its door, opens the sequencer through it, and becomes CMD. If the open fails, another process tries the next
//! door.
//!
//! If the front dies, the keeper ends everything that it has started. If the keeper dies, the kernel ends the command,
//! and the front ends the rest. Nothing is mounted where other programs see it, so nothing can be left over.
//!
//! Processes that outlive CMD and do not have the device open are left alone. If their door needs a process that
//! answers, the keeper becomes a small program that does: `run/remainder.rs`.

mod attempt;
mod entry;
mod forward;
mod front;
mod hotplug;
mod join;
mod keeper;
mod link;
mod namespace;
mod patience;
mod remainder;
mod replaced;
mod serving;
mod time;
mod tree;
mod via;

pub use entry::probe_main as probe;
pub use remainder::main as remain;
pub(crate) use time::control;
pub use via::Via;

use crate::cli::RunArgs;
use aseqd_console::say;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{Fork, SignalSet, exit_now, fork};
use aseqd_server::door;
use front::Front;
use remainder::Remains;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::Signal;
use std::os::fd::OwnedFd;
use std::process::ExitCode;

/// The exit status if aseqd itself failed or CMD does not exist.
const STATUS_FAILED: u8 = 127;

/// The keeper sends this byte after the status if it stays for processes that outlive CMD.
const STAYS: u8 = 1;

/// The signals that the front forwards to the command.
const FORWARDED: [Signal; 8] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
    Signal::ALARM,
    Signal::WINCH,
];

/// Runs `aseqd run`. The exit status is the command's; 128 + n if signal n ended it; 127 or 126 if it could not be run.
#[must_use]
pub fn main(args: &RunArgs) -> ExitCode {
    ExitCode::from(status(args))
}

/// Does the same, and returns the status as a number.
pub(crate) fn status(args: &RunArgs) -> u8 {
    start(args).unwrap_or_else(|error| {
        say(&error);
        STATUS_FAILED
    })
}

fn start(args: &RunArgs) -> Result<u8, Fail> {
    door::offer_card(args.timing.sequencer.card && !door::machine_has_card());
    // Before the first fork, so that no signal is lost: each waits until the front or the keeper reads it.
    let mut blocked = FORWARDED.to_vec();
    blocked.push(Signal::CHILD);
    let signals = SignalSet::of(&blocked);
    let mask = signals.block().context("signals cannot be blocked")?;
    let (front_end, keeper_end) = pair()?;
    // If the keeper is killed, its children become the front's. A fork does not inherit this, so the keeper does the
    // same, and says if it is not possible.
    let _refused = tree::adopt_orphans();
    match fork().context("a process cannot be started")? {
        Fork::Parent(keeper) => {
            drop(keeper_end);
            Front::new(front_end, keeper, &signals)?.run()
        }
        Fork::Child => {
            drop(front_end);
            let ended = keeper::main(args, &keeper_end, &signals, &mask);
            let (status, remains) = ended.unwrap_or_else(|error| {
                say(&error);
                // Processes that it has started have no sequencer any more.
                tree::kill_all();
                (STATUS_FAILED, Remains::Nothing)
            });
            let stays = remains.are_needed();
            // The front ends with this status. If it has been killed, nothing else needs it.
            let said = if stays { &[status, STAYS][..] } else { &[status] };
            if stays {
                let _gone = rustix::io::write(&keeper_end, said);
                drop(keeper_end);
                remains.stay()
            }
            // Before the front ends, so that nothing is left over then.
            drop(remains);
            let _gone = rustix::io::write(&keeper_end, said);
            exit_now(0)
        }
    }
}

/// Makes a pair of sockets that keep messages whole.
fn pair() -> Result<(OwnedFd, OwnedFd), Fail> {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .context("sockets cannot be made")
}
