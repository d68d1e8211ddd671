//! Opens of texts of `/proc/asound`. The door fetches the text from the session by our own request, through a timer
//! file that it opens for that, and gives the program a file in memory.

use super::waiting::USER;
use crate::door::CallKind;
use crate::door::stopped::folder::read_only;
use aseqd_engine::{Access, Call, FileId, Node};
use aseqd_wire::proc_text::{PROC_TEXT, Piece, ProcText};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use zerocopy::{FromBytes as _, IntoBytes as _};

/// An open that waits for its text.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) close_on_exec: bool,
    pub(super) pid: i32,
    text: ProcText,
    file: Option<FileId>,
    have: Vec<u8>,
}

impl Fetch {
    pub(super) const fn new(text: ProcText, close_on_exec: bool, pid: i32) -> Self {
        Self { close_on_exec, pid, text, file: None, have: Vec::new() }
    }

    /// Returns the next call to make. Its argument is put into `bytes`.
    pub(super) fn question<'b, T, W>(&self, bytes: &'b mut Vec<u8>) -> CallKind<'b, T, W> {
        let Some(file) = self.file else {
            let (node, access) = (Node::Timer, Access::Read);
            return CallKind::Open { node, access, pid: self.pid, user: USER };
        };
        let offset = u32::try_from(self.have.len()).unwrap_or(u32::MAX);
        bytes.clear();
        bytes.extend_from_slice(Piece::question(self.text.number(), offset).as_bytes());
        let out_size = bytes.len();
        let call = Call::Ioctl { request: PROC_TEXT, compat: false, arg: bytes };
        CallKind::File { file, call, out_size, wakeup: None }
    }

    /// Takes the file through which the text is fetched.
    pub(super) const fn opened(&mut self, file: FileId) {
        self.file = Some(file);
    }

    /// Returns the file through which the text is fetched, to be closed.
    pub(super) const fn file(&self) -> Option<FileId> {
        self.file
    }

    /// Takes a part of the text. Returns whether the text is complete.
    ///
    /// # Errors
    /// `EIO` if the answer has not the form of a part.
    pub(super) fn take(&mut self, answer: &[u8]) -> Result<bool, Errno> {
        let piece = Piece::read_from_bytes(answer).map_err(|_| Errno::IO)?;
        let given = piece.bytes.get(..piece.len as usize).ok_or(Errno::IO)?;
        self.have.extend_from_slice(given);
        Ok(given.is_empty() || self.have.len() >= piece.total as usize)
    }

    /// Returns the text as a file that can only be read.
    ///
    /// # Errors
    /// The errors of [`read_only`].
    pub(super) fn into_file(self) -> Result<OwnedFd, Errno> {
        read_only(self.text.name(), &self.have)
    }
}
