//! Which calls wait for a write that is blocked, and which must not.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;

use chardev::Inodes;

use super::echo::*;

/// While one write is blocked, everything that another program does with its own open must go on.
fn others_go_on(inodes: Inodes) {
    let Some(device) = Mounted::start_with(inodes) else { return };
    let mut blocked = device.open();
    let mut other = device.open();
    let writing = Calling::start(move || blocked.write(b"hold me"));
    device.wait_for_write();
    let busy = Calling::start({
        let path = device.path();
        move || {
            other.write_all(b"x").unwrap();
            other.read_exact(&mut [0]).unwrap();
            super::sys::ioctl_value(&other, IOCTL_VALUE, 1).unwrap();
            drop(other);
            let mut third = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            third.write_all(&vec![1; 3 << 20][..1 << 19]).unwrap();
            drop(third);
            std::fs::metadata(&path).unwrap().len()
        }
    });
    busy.result();
    writing.assert_blocked();
    assert_eq!(device.ask(Echo::let_go), 1);
    assert_eq!(writing.result().unwrap(), 7);
}

#[test]
fn a_blocked_write_does_not_stop_other_programs() {
    others_go_on(Inodes::Shared);
}

#[test]
fn nor_with_an_inode_per_open() {
    others_go_on(Inodes::PerOpen);
}

#[test]
fn nor_other_threads_on_the_same_descriptor() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    let mut copy = file.try_clone().unwrap();
    let writing = Calling::start(move || copy.write(b"hold me"));
    device.wait_for_write();
    let other = Calling::start(move || {
        file.write_all(b"x").unwrap();
        file.read_exact(&mut [0]).unwrap();
    });
    other.result();
    device.ask(Echo::let_go);
    writing.result().unwrap();
}

#[test]
fn nor_after_an_open_that_truncates() {
    let Some(device) = Mounted::start_with(Inodes::Shared) else { return };
    drop(device.open_with(libc::O_TRUNC));
    let (mut blocked, mut other) = (device.open(), device.open());
    let writing = Calling::start(move || blocked.write(b"hold me"));
    device.wait_for_write();
    Calling::start(move || other.write_all(b"x").unwrap()).result();
    device.ask(Echo::let_go);
    writing.result().unwrap();
}

/// The calls that take the inode's lock exclusively: a fact of the kernel that the documentation
/// of the crate states. With an inode per open they do not meet the blocked write.
#[test]
fn a_change_of_mode_waits_for_a_blocked_write_unless_inodes_are_per_open() {
    for (inodes, waits) in [(Inodes::Shared, true), (Inodes::PerOpen, false)] {
        let Some(device) = Mounted::start_with(inodes) else { return };
        let mut blocked = device.open();
        let writing = Calling::start(move || blocked.write(b"hold me"));
        device.wait_for_write();
        let path = device.path();
        let changing = Calling::start(move || {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        });
        let mut third = device.open();
        let third = if waits {
            changing.assert_blocked();
            // The lock is fair: a program that writes now waits behind the change.
            let third = Calling::start(move || third.write(b"x"));
            third.assert_blocked();
            third
        } else {
            changing.result().unwrap();
            Calling::start(move || third.write(b"x"))
        };
        device.ask(Echo::let_go);
        writing.result().unwrap();
        third.result().unwrap();
        if waits {
            changing.result().unwrap();
        }
    }
}

#[test]
fn an_appending_write_waits_for_a_blocked_write_unless_inodes_are_per_open() {
    for (inodes, waits) in [(Inodes::Shared, true), (Inodes::PerOpen, false)] {
        let Some(device) = Mounted::start_with(inodes) else { return };
        let (mut blocked, mut append) = (device.open(), device.open_with(libc::O_APPEND));
        let writing = Calling::start(move || blocked.write(b"hold me"));
        device.wait_for_write();
        let appending = Calling::start(move || append.write(b"x"));
        if waits {
            appending.assert_blocked();
        } else {
            appending.result().unwrap();
        }
        device.ask(Echo::let_go);
        writing.result().unwrap();
        if waits {
            appending.result().unwrap();
        }
    }
}
