//! The process that becomes the command: makes its door, tries it, executes CMD.

use super::STATUS_FAILED;
use super::link::Link;
use super::namespace::{self, Ids};
use super::via::Via;
use crate::cli::RunArgs;
use crate::client;
use crate::error::{Context as _, Fail};
use crate::sys::ioctl::ioctl;
use crate::sys::process::{SignalSet, exit_now};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::process::{Pid, Signal};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// CMD exists and cannot be executed.
const STATUS_NOT_EXECUTABLE: i32 = 126;

/// What the process needs.
pub(super) struct Entry<'a> {
    pub(super) via: Via,
    pub(super) args: &'a RunArgs,
    pub(super) keeper: Pid,
    pub(super) ids: Ids,
    pub(super) link: Link,
    pub(super) mask: &'a SignalSet,
}

/// In the child of the keeper.
pub(super) fn become_command(entry: Entry<'_>) -> ! {
    // If the keeper dies, no sequencer is left: the kernel ends the command.
    let _unsupported = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    if rustix::process::getppid() != Some(entry.keeper) {
        exit_now(STATUS_FAILED.into());
    }
    let how = match enter(&entry).and_then(|how| probe().map(|()| how)) {
        Ok(how) => how,
        Err(error) => {
            entry.link.refused(&error.to_string());
            exit_now(STATUS_FAILED.into());
        }
    };
    if entry.args.verbose {
        eprintln!("aseqd: door: {how}");
    }
    entry.link.passed();
    drop(entry.link);
    if let Err(error) = entry.mask.restore() {
        eprintln!("aseqd: the signal mask cannot be restored: {error}");
        exit_now(STATUS_FAILED.into());
    }
    let (program, arguments) = entry.args.command.split_first().unwrap_or_else(|| exit_now(2));
    let error = Command::new(program).args(arguments).exec();
    eprintln!("aseqd: {}: {}", program.to_string_lossy(), reason(&error));
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    exit_now(if missing { STATUS_FAILED.into() } else { STATUS_NOT_EXECUTABLE })
}

/// Makes the door. Says what it is, for people.
fn enter(entry: &Entry<'_>) -> Result<String, Fail> {
    match entry.via {
        Via::Fuse => namespace::enter(entry.ids, &entry.link),
    }
}

/// Opens the sequencer as the command would.
fn probe() -> Result<(), Fail> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let device = client::DEVICE;
    let descriptor = openat(CWD, device, flags, Mode::empty())
        .with_context(|| format!("{device} cannot be opened through it"))?;
    let mut version = 0_i32;
    ioctl(descriptor.as_fd(), abi::ioctl::sequencer::PVERSION, &mut version)
        .map(drop)
        .with_context(|| format!("{device} is no sequencer through it"))
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "command not found".into(),
        _ => error.to_string(),
    }
}
