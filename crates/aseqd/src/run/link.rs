//! The socket between the keeper and the process that becomes the command. Over it go the door's descriptors, and
//! whether the door leads to the sequencer.

use super::hotplug::Hotplug;
use super::pair;
use aseqd_host::error::{Context as _, Fail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Bytes of the longest message, with its first byte. A longer reason is cut.
const MAX_MESSAGE: usize = 4096;

const DOOR: u8 = b'd';
const HOTPLUG: u8 = b'h';
const PASSED: u8 = b'p';
const REFUSED: u8 = b'r';
const GO_ON: u8 = b'g';

/// One end of the socket.
#[derive(Debug)]
pub(super) struct Link(OwnedFd);

/// What the process tells the keeper.
#[derive(Debug)]
pub(super) enum Message {
    /// The door is made. The keeper serves it through the descriptor, if there is one.
    Door(Option<OwnedFd>),
    /// The descriptors with which the keeper can follow changes of `/dev`.
    Hotplug(Hotplug),
    /// The door leads to the sequencer, and the process becomes the command.
    Passed,
    /// The door cannot be used, for this reason, and the process ends.
    Refused(String),
    /// The process has ended without a message.
    Gone,
}

impl Link {
    /// Makes the keeper's end and the other.
    pub(super) fn new() -> Result<(Self, Self), Fail> {
        let (ours, theirs) = pair()?;
        Ok((Self(ours), Self(theirs)))
    }

    /// Sends [`Message::Door`].
    pub(super) fn door(&self, descriptor: Option<BorrowedFd<'_>>) -> Result<(), Fail> {
        let descriptors: Vec<_> = descriptor.into_iter().collect();
        self.send(&[DOOR], &descriptors).context("the door cannot be handed over")
    }

    /// Sends [`Message::Hotplug`].
    pub(super) fn hotplug(&self, hotplug: &Hotplug) -> Result<(), Fail> {
        self.send(&[HOTPLUG, hotplug.is_snd().into()], &hotplug.parts())
            .context("/dev cannot be handed over")
    }

    fn send(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(Hotplug::PARTS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL).map(drop)
    }

    /// Sends [`Message::Passed`].
    pub(super) fn passed(&self) {
        // If the keeper has died, the kernel ends this process as well.
        let _gone = rustix::io::write(&self.0, &[PASSED]);
    }

    /// Lets the process go on that has passed its door.
    pub(super) fn go_on(&self) {
        // If the process has died, its status says so.
        let _gone = rustix::io::write(&self.0, &[GO_ON]);
    }

    /// Waits until the keeper lets this process go on. Returns whether it does.
    pub(super) fn may_go_on(&self) -> bool {
        let mut byte = [0];
        let read = rustix::io::retry_on_intr(|| rustix::io::read(&self.0, &mut byte));
        read == Ok(1) && byte[0] == GO_ON
    }

    /// Sends [`Message::Refused`].
    pub(super) fn refused(&self, why: &str) {
        let mut bytes = vec![REFUSED];
        bytes.extend(why.bytes().take(MAX_MESSAGE - 1));
        let _gone = rustix::io::write(&self.0, &bytes);
    }

    /// Returns whether [`receive`](Self::receive) would return at once.
    pub(super) fn has_message(&self) -> Result<bool, Fail> {
        let mut ready = [PollFd::new(&self.0, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let ready = rustix::io::retry_on_intr(|| poll(&mut ready, Some(&now)));
        ready.map(|ready| ready > 0).context("cannot wait for the command")
    }

    /// Waits for the next message.
    pub(super) fn receive(&self) -> Result<Message, Fail> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(Hotplug::PARTS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = vec![0; MAX_MESSAGE];
        let received = rustix::io::retry_on_intr(|| {
            let room = &mut [IoSliceMut::new(&mut bytes)];
            recvmsg(&self.0, room, &mut control, RecvFlags::CMSG_CLOEXEC)
        });
        let length = received.context("the process that tries the door cannot be heard")?.bytes;
        let mut descriptors = control.drain().flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
            _ => Vec::new(),
        });
        Ok(match bytes[..length].split_first() {
            Some((&DOOR, _)) => Message::Door(descriptors.next()),
            Some((&HOTPLUG, which)) => {
                let hotplug = Hotplug::from_parts(which == [1], descriptors);
                let missing = || Fail::new("descriptors for changes of /dev were lost");
                Message::Hotplug(hotplug.ok_or_else(missing)?)
            }
            Some((&PASSED, _)) => Message::Passed,
            Some((_, why)) => Message::Refused(String::from_utf8_lossy(why).into_owned()),
            None => Message::Gone,
        })
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
