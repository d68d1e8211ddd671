//! The texts of `/proc/asound`, for programs that open them: fetched from the session with our own
//! request, through a timer file that is open for as long, and handed out as a file of memory.

use super::waiting::USER;
use crate::door::CallKind;
use crate::door::stopped::folder::read_only;
use aseqd_engine::{Access, Call, FileId, Node};
use aseqd_wire::asound::{Piece, TEXT, Text};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use zerocopy::{FromBytes as _, IntoBytes as _};

/// An open that waits for its text.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) close_on_exec: bool,
    pub(super) pid: i32,
    text: Text,
    file: Option<FileId>,
    have: Vec<u8>,
}

impl Fetch {
    pub(super) const fn new(text: Text, close_on_exec: bool, pid: i32) -> Self {
        Self { close_on_exec, pid, text, file: None, have: Vec::new() }
    }

    /// What is to be asked next; the bytes of the question are put into `bytes`.
    pub(super) fn question<'b, T, W>(&self, bytes: &'b mut Vec<u8>) -> CallKind<'b, T, W> {
        let Some(file) = self.file else {
            let (node, access) = (Node::Timer, Access::Read);
            return CallKind::Open { node, access, pid: self.pid, user: USER };
        };
        let offset = u32::try_from(self.have.len()).unwrap_or(u32::MAX);
        bytes.clear();
        bytes.extend_from_slice(Piece::question(self.text.number(), offset).as_bytes());
        let out_size = bytes.len();
        let call = Call::Ioctl { request: TEXT, compat: false, arg: bytes };
        CallKind::File { file, call, out_size, wakeup: None }
    }

    pub(super) const fn opened(&mut self, file: FileId) {
        self.file = Some(file);
    }

    /// The file that it has opened, to be closed.
    pub(super) const fn file(&self) -> Option<FileId> {
        self.file
    }

    /// Takes an answer. True when the text is complete.
    ///
    /// # Errors
    /// `EIO` if it is no answer.
    pub(super) fn take(&mut self, answer: &[u8]) -> Result<bool, Errno> {
        let piece = Piece::read_from_bytes(answer).map_err(|_| Errno::IO)?;
        let given = piece.bytes.get(..piece.len as usize).ok_or(Errno::IO)?;
        self.have.extend_from_slice(given);
        Ok(given.is_empty() || self.have.len() >= piece.total as usize)
    }

    /// The text as a file that can only be read.
    ///
    /// # Errors
    /// `EMFILE`, `ENOMEM` and others of memory.
    pub(super) fn into_file(self) -> Result<OwnedFd, Errno> {
        read_only(self.text.name(), &self.have)
    }
}
