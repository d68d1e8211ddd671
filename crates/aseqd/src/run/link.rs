//! Between the keeper and a process that is about to become the command: the door, and whether it
//! leads to the sequencer.

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

/// The longest sentence.
const ROOM: usize = 4096;

const DOOR: u8 = b'd';
const HOTPLUG: u8 = b'h';
const PASSED: u8 = b'p';
const REFUSED: u8 = b'r';

/// One end.
#[derive(Debug)]
pub(super) struct Link(OwnedFd);

/// What the process says.
#[derive(Debug)]
pub(super) enum Word {
    /// The door is made; what the keeper has to serve it by.
    Door(Option<OwnedFd>),
    /// What it takes to follow changes of `/dev`.
    Hotplug(Hotplug),
    /// It leads to the sequencer: the process becomes the command.
    Passed,
    /// It cannot be had, and the process ends: why.
    Refused(String),
    /// The process has ended without a word.
    Gone,
}

impl Link {
    /// The keeper's end and the other.
    pub(super) fn new() -> Result<(Self, Self), Fail> {
        let (ours, theirs) = pair()?;
        Ok((Self(ours), Self(theirs)))
    }

    /// Says [`Word::Door`].
    pub(super) fn door(&self, descriptor: Option<BorrowedFd<'_>>) -> Result<(), Fail> {
        let descriptors: Vec<_> = descriptor.into_iter().collect();
        self.send(&[DOOR], &descriptors).context("the door cannot be handed over")
    }

    /// Says [`Word::Hotplug`].
    pub(super) fn hotplug(&self, hotplug: &Hotplug) -> Result<(), Fail> {
        self.send(&[HOTPLUG, hotplug.is_snd().into()], &hotplug.parts())
            .context("/dev cannot be handed over")
    }

    fn send(&self, word: &[u8], descriptors: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(Hotplug::PARTS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        sendmsg(&self.0, &[IoSlice::new(word)], &mut control, SendFlags::NOSIGNAL).map(drop)
    }

    /// Says [`Word::Passed`].
    pub(super) fn passed(&self) {
        // A keeper that is gone has ended this process as well.
        let _gone = rustix::io::write(&self.0, &[PASSED]);
    }

    /// Says [`Word::Refused`].
    pub(super) fn refused(&self, why: &str) {
        let mut bytes = vec![REFUSED];
        bytes.extend(why.bytes().take(ROOM - 1));
        let _gone = rustix::io::write(&self.0, &bytes);
    }

    /// Returns whether a word is there to be taken.
    pub(super) fn has_word(&self) -> Result<bool, Fail> {
        let mut ready = [PollFd::new(&self.0, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let ready = rustix::io::retry_on_intr(|| poll(&mut ready, Some(&now)));
        ready.map(|ready| ready > 0).context("cannot wait for the command")
    }

    /// Waits for a word.
    pub(super) fn listen(&self) -> Result<Word, Fail> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(Hotplug::PARTS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = vec![0; ROOM];
        let received = rustix::io::retry_on_intr(|| {
            let room = &mut [IoSliceMut::new(&mut bytes)];
            recvmsg(&self.0, room, &mut control, RecvFlags::CMSG_CLOEXEC)
        });
        let length = received.context("no word from the command")?.bytes;
        let mut descriptors = control.drain().flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
            _ => Vec::new(),
        });
        Ok(match bytes[..length].split_first() {
            Some((&DOOR, _)) => Word::Door(descriptors.next()),
            Some((&HOTPLUG, which)) => {
                let hotplug = Hotplug::from_parts(which == [1], descriptors);
                let missing = || Fail::new("/dev came through the link in parts");
                Word::Hotplug(hotplug.ok_or_else(missing)?)
            }
            Some((&PASSED, _)) => Word::Passed,
            Some((_, why)) => Word::Refused(String::from_utf8_lossy(why).into_owned()),
            None => Word::Gone,
        })
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
