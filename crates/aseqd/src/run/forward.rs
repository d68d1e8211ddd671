//! Signals on their way from the front to the command.

use rustix::process::{Pid, Signal, kill_process};
use std::os::fd::OwnedFd;

/// Forwards a signal from the front to the command, or to nobody if that has ended: its number may be a stranger's by now.
/// Returns `false` if the front has died.
pub(super) fn forward(front: &OwnedFd, command: Option<Pid>) -> bool {
    let mut number = [0];
    match rustix::io::read(front, &mut number) {
        Ok(0) => false,
        Ok(_) => {
            if let Some((command, signal)) = command.zip(Signal::from_named_raw(number[0].into())) {
                let _gone = kill_process(command, signal);
            }
            true
        }
        Err(error) => error == rustix::io::Errno::INTR || error == rustix::io::Errno::AGAIN,
    }
}
