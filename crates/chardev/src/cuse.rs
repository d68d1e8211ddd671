//! Device files of the machine, which `/dev/cuse` makes.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};

use crate::config::CharacterConfig;
use crate::connection::MAX_WRITE;
use crate::request::NodeIndex;
use crate::wire;

/// Opens `/dev/cuse`: `O_RDWR | O_CLOEXEC | O_NONBLOCK`. Each device file needs a descriptor of its own.
///
/// # Errors
/// The errors of `open(2)`: usually `ENOENT` if the module `cuse` is missing, `EACCES` if the user is not root.
pub fn open_cuse() -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(rustix::fs::open("/dev/cuse", flags, Mode::empty())?)
}

/// The longest name of a device, in bytes: `DEVNAME=`, the name and a zero must fit into the greeting.
const MAX_DEVICE_NAME: usize = wire::CUSE_INIT_INFO_MAX - KEY.len() - 1;
/// The name of a device stands behind this word in the answer to the greeting.
const KEY: &str = "DEVNAME=";

#[derive(Debug)]
pub(crate) struct Character(CharacterConfig);

impl Character {
    pub(crate) fn new(config: CharacterConfig) -> io::Result<Self> {
        let name = config.name.as_str();
        let parts = || name.split('/');
        let bad = name.len() > MAX_DEVICE_NAME
            || name.contains('\0')
            // The kernel cuts white space off both ends of what it is told.
            || name.trim() != name
            || parts().any(|part| part.is_empty() || part == "." || part == "..");
        if bad {
            let why = format!("{name:?} cannot be the name of a device");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        Ok(Self(config))
    }

    pub(crate) fn node(&self) -> NodeIndex {
        self.0.node
    }

    /// Returns the answer to the kernel's greeting.
    pub(crate) fn answer(&self) -> wire::CuseInitOut {
        let (dev_major, dev_minor) = self.0.number.unwrap_or((0, 0));
        wire::CuseInitOut {
            major: wire::FUSE_KERNEL_VERSION,
            minor: wire::FUSE_KERNEL_MINOR_VERSION,
            max_read: MAX_WRITE,
            max_write: MAX_WRITE,
            dev_major,
            dev_minor,
            ..Default::default()
        }
    }

    /// Returns the strings that follow the answer.
    pub(crate) fn information(&self) -> Vec<u8> {
        [KEY.as_bytes(), self.0.name.as_bytes(), &[0]].concat()
    }
}

/// Returns whether the kernel has aborted the connection.
pub(crate) fn is_aborted(fd: BorrowedFd<'_>) -> io::Result<bool> {
    let mut state = [PollFd::new(&fd, PollFlags::empty())];
    let now = rustix::time::Timespec::default();
    rustix::io::retry_on_intr(|| poll(&mut state, Some(&now)))?;
    Ok(state[0].revents().intersects(PollFlags::ERR | PollFlags::HUP))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn character(name: &str) -> io::Result<Character> {
        Character::new(CharacterConfig {
            name: name.into(),
            number: Some((116, 1)),
            node: NodeIndex(0),
        })
    }

    #[test]
    fn the_kernel_is_told_the_name_and_the_number() {
        let device = character("snd/seq").unwrap();
        assert_eq!(device.information(), b"DEVNAME=snd/seq\0");
        let answer = device.answer();
        assert_eq!((answer.dev_major, answer.dev_minor), (116, 1));
        let any = CharacterConfig { name: "x".into(), number: None, node: NodeIndex(0) };
        assert_eq!(Character::new(any).unwrap().answer().dev_major, 0);
    }

    #[test]
    fn names_that_cannot_be() {
        let long = "x".repeat(wire::CUSE_INIT_INFO_MAX);
        for name in ["", "/seq", "seq/", "snd//seq", "../seq", "./seq", " seq", "a\0b", &long] {
            assert!(character(name).is_err(), "{name:?}");
        }
    }
}
