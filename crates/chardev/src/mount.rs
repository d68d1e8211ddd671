//! Mounting and unmounting, by system call (as root, or in a user namespace) or by `fusermount3`.

use std::ffi::{CString, OsStr};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType,
};

/// The set-uid programs that mount for a user: of libfuse 3, and of libfuse 2.
const HELPERS: [&str; 2] = ["fusermount3", "fusermount"];

/// The variable that tells the helper which of its descriptors is the socket for its answer.
const COMMFD_VARIABLE: &str = "_FUSE_COMMFD";

/// How a device is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MountOptions {
    /// The source in `/proc/mounts`; the type there is `fuse.` and this name.
    pub name: String,
    /// The user that mounts, as seen in the user namespace of the mount. Ignored by
    /// [`mount_with_fusermount`], which takes the real one.
    pub uid: u32,
    /// The group that mounts; see [`uid`](Self::uid).
    pub gid: u32,
    /// Whether other users may use the mount, as far as the modes of the nodes let them. The helper refuses
    /// this to ordinary users unless `/etc/fuse.conf` has `user_allow_other`.
    pub allow_other: bool,
}

impl MountOptions {
    /// Options for the user of this process; other users may use the device.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            allow_other: true,
        }
    }
}

/// Opens `/dev/fuse`: `O_RDWR | O_CLOEXEC | O_NONBLOCK`.
///
/// To mount in a user namespace, open the file in the same namespace.
///
/// # Errors
/// The errors of `open(2)`; in a container usually `ENOENT` or `EPERM`.
pub fn open_fuse() -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(rustix::fs::open("/dev/fuse", flags, Mode::empty())?)
}

/// Mounts the device behind `fuse` on the directory `target`, for root of the user namespace that
/// owns the mount namespace.
///
/// Returns before the device is served: the kernel queues its first message.
///
/// # Errors
/// The errors of `mount(2)`: `EPERM` if this process is not root of that namespace (see
/// [`mount_with_fusermount`]), `EINVAL` if `fuse` was opened in another user namespace or is mounted already.
/// [`InvalidInput`](io::ErrorKind::InvalidInput) if the name has a zero byte.
pub fn mount(fuse: BorrowedFd<'_>, target: &Path, options: &MountOptions) -> io::Result<()> {
    let MountOptions { name, uid, gid, allow_other } = options;
    let mut data = format!(
        "fd={},rootmode=40000,user_id={uid},group_id={gid},default_permissions",
        fuse.as_raw_fd()
    );
    if *allow_other {
        data.push_str(",allow_other");
    }
    let data = CString::new(data)?;
    let kind = format!("fuse.{name}");
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    Ok(rustix::mount::mount(name.as_str(), target, kind, flags, data.as_c_str())?)
}

/// Mounts on the directory `target` through the set-uid helper `fusermount3`, which ordinary users may run.
///
/// Returns the descriptor of `/dev/fuse` that the helper opened, for [`Device::new`](crate::Device::new).
/// Blocks until the helper has ended.
///
/// # Errors
/// [`NotFound`](io::ErrorKind::NotFound) if the helper is not installed, or what it says on standard error.
pub fn mount_with_fusermount(target: &Path, options: &MountOptions) -> io::Result<OwnedFd> {
    let name = &options.name;
    if name.contains([',', '\\']) {
        let why = format!("{name:?} cannot be in an option of fusermount3");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let mut text = format!("fsname={name},subtype={name},nosuid,nodev,noexec,default_permissions");
    if options.allow_other {
        text.push_str(",allow_other");
    }
    let arguments = [OsStr::new("-o"), OsStr::new(&text), OsStr::new("--"), target.as_os_str()];
    let (ours, theirs) = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    run_helper(&arguments, Some(theirs))?;
    let fuse = receive_descriptor(&ours)?;
    rustix::io::fcntl_setfd(&fuse, rustix::io::FdFlags::CLOEXEC)?;
    Ok(fuse)
}

/// Unmounts `target`. Programs that have a node open keep it until they close it or the
/// [`Device`](crate::Device) is dropped.
///
/// # Errors
/// The errors of `umount(2)`, or what `fusermount3` says if this process may not unmount.
pub fn unmount(target: &Path) -> io::Result<()> {
    match rustix::mount::unmount(target, UnmountFlags::DETACH) {
        Err(Errno::PERM) => {
            let arguments = ["-u", "-z", "--"].map(OsStr::new);
            run_helper(&[&arguments[..], &[target.as_os_str()]].concat(), None)
        }
        result => Ok(result?),
    }
}

/// Runs the helper with `socket` as its standard input. Any other descriptor would have to be inheritable for a
/// moment, in which other children of this process could inherit it too.
fn run_helper(arguments: &[&OsStr], socket: Option<OwnedFd>) -> io::Result<()> {
    for helper in HELPERS {
        let mut command = Command::new(helper);
        command.args(arguments).stdout(Stdio::null());
        match &socket {
            Some(socket) => {
                command.stdin(socket.try_clone()?).env(COMMFD_VARIABLE, "0");
            }
            None => {
                command.stdin(Stdio::null());
            }
        }
        let output = match command.output() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            output => output?,
        };
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("{helper}: {} ({})", said.trim(), output.status)));
    }
    let why =
        "fusermount3 is not installed (package fuse3), and this process may not mount by itself";
    Err(io::Error::new(io::ErrorKind::NotFound, why))
}

/// Returns the descriptor that the helper sent before it ended. Never waits.
fn receive_descriptor(socket: &OwnedFd) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut control, flags)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut descriptors) = message
            && let Some(fuse) = descriptors.next()
        {
            return Ok(fuse);
        }
    }
    Err(io::Error::other("fusermount3 mounted but sent no descriptor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_be_options_are_refused() {
        let options = MountOptions::new("a,dev");
        let error = mount_with_fusermount(Path::new("/nonexistent"), &options).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
