//! A FUSE mount that no program sees. A small process makes it in namespaces of its own and ends at once, which
//! leaves a descriptor of its directory.

use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{Fork, exit_now, fork, unshare};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::process::{WaitOptions, waitpid};
use rustix::thread::UnshareFlags;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

/// Where the small process mounts: a directory that every system has, and that it does not need.
const MOUNT_POINT: &str = "/dev";

/// Maximum size of an error message of the small process, in bytes.
const MAX_MESSAGE: usize = 512;

/// A mount that is not served yet.
#[derive(Debug)]
pub struct Private {
    /// The FUSE device, for [`chardev::Device::new`].
    pub fuse: OwnedFd,
    /// The directory with the files.
    pub directory: OwnedFd,
}

/// Makes the mount. The calling process must have only one thread, because it forks.
///
/// # Errors
/// If no namespace can be made, `/dev/fuse` cannot be opened, or nothing can be mounted.
pub fn private() -> Result<Private, Fail> {
    let kind = SocketType::SEQPACKET;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
        .context("sockets cannot be made")?;
    match fork().context("a process cannot be started")? {
        Fork::Child => {
            drop(ours);
            // If this fails, the parent reports that the process has died.
            let _gone = match make() {
                Ok(made) => send(&theirs, &made),
                Err(error) => send_message(&theirs, &error),
            };
            exit_now(0);
        }
        Fork::Parent(child) => {
            drop(theirs);
            let received = receive(&ours);
            let _reaped = rustix::io::retry_on_intr(|| waitpid(Some(child), WaitOptions::empty()));
            received
        }
    }
}

/// Makes the mount, in the small process.
fn make() -> Result<Private, Fail> {
    let inside = enter()?;
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)
        .context("mounts cannot be made private")?;
    let fuse = crate::mounts::open_fuse()?;
    let mut options = chardev::MountOptions::new(crate::mounts::NAME);
    // In a user namespace only its own users would count as others, and it has none. Without the option the
    // same user has access from outside.
    options.allow_other = !inside;
    chardev::mount(fuse.as_fd(), Path::new(MOUNT_POINT), &options)
        .context("nothing can be mounted")?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory =
        openat(CWD, MOUNT_POINT, flags, Mode::empty()).context("the mount cannot be opened")?;
    Ok(Private { fuse, directory })
}

/// Enters a mount namespace, inside a user namespace if that is the only way. Returns whether it was.
fn enter() -> Result<bool, Fail> {
    if unshare(UnshareFlags::NEWNS).is_ok() {
        return Ok(false);
    }
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS).context("no namespace can be made")?;
    let maps = [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{uid} {uid} 1")),
        ("gid_map", format!("{gid} {gid} 1")),
    ];
    for (file, text) in maps {
        std::fs::write(format!("/proc/self/{file}"), text)
            .with_context(|| format!("/proc/self/{file} cannot be written"))?;
    }
    Ok(true)
}

fn send(socket: &OwnedFd, made: &Private) -> rustix::io::Result<usize> {
    let descriptors = [made.fuse.as_fd(), made.directory.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(socket, &[IoSlice::new(b"made")], &mut control, SendFlags::empty())
}

fn send_message(socket: &OwnedFd, error: &Fail) -> rustix::io::Result<usize> {
    let message = error.to_string();
    let bytes = message.as_bytes();
    rustix::io::write(socket, &bytes[..bytes.len().min(MAX_MESSAGE)])
}

fn receive(socket: &OwnedFd) -> Result<Private, Fail> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut said = [0; MAX_MESSAGE];
    let received = rustix::io::retry_on_intr(|| {
        let flags = RecvFlags::CMSG_CLOEXEC;
        recvmsg(socket, &mut [IoSliceMut::new(&mut said)], &mut control, flags)
    })
    .context("no word from the process that mounts")?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut descriptors) = message
            && let (Some(fuse), Some(directory)) = (descriptors.next(), descriptors.next())
        {
            return Ok(Private { fuse, directory });
        }
    }
    let said = String::from_utf8_lossy(&said[..received.bytes]);
    Err(Fail::new(if said.is_empty() { "the process that mounts has died".into() } else { said }))
}
