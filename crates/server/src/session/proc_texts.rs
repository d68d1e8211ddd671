//! Answers the request for the texts of `/proc/asound` (`aseqd_wire::proc_text`): the engine writes them, and no
//! request of the kernel's interface asks for them.

use super::Session;
use super::outcome::{Done, Failure};
use crate::budget::{Budget, TEXT_BYTES};
use crate::door::Door;
use aseqd_abi::Errno;
use aseqd_engine::{Engine, Error, FileId};
use aseqd_wire::proc_text::{PIECE_SIZE, Piece, ProcText};
use std::collections::VecDeque;
use zerocopy::{FromBytes as _, FromZeros as _, IntoBytes as _};

/// The texts that open files are reading, oldest first. A file reads one at a time.
#[derive(Debug)]
pub(super) struct ProcTexts {
    begun: VecDeque<Begun>,
    held: Budget,
}

#[derive(Debug)]
struct Begun {
    file: FileId,
    user: u32,
    text: ProcText,
    bytes: String,
}

impl Default for ProcTexts {
    fn default() -> Self {
        Self { begun: VecDeque::new(), held: Budget::new(TEXT_BYTES) }
    }
}

impl ProcTexts {
    /// Forgets the text that a file has begun, if there is one.
    pub(super) fn forget(&mut self, file: FileId) {
        if let Some(at) = self.begun.iter().position(|begun| begun.file == file) {
            self.remove(at);
        }
    }

    /// Returns how many bytes are counted, of all users.
    pub(super) const fn held(&self) -> u64 {
        self.held.held()
    }

    fn remove(&mut self, at: usize) {
        if let Some(Begun { user, bytes, .. }) = self.begun.remove(at) {
            self.held.give_back(user, bytes.len() as u64);
        }
    }

    /// Keeps a text. If it is too much, the user's oldest texts go, then everybody's.
    fn begin(&mut self, new: Begun) -> Result<(), Error> {
        let len = new.bytes.len() as u64;
        while !self.held.take(new.user, len) {
            let own = self.begun.iter().position(|begun| begun.user == new.user);
            if self.begun.is_empty() {
                return Err(Error::new(Errno::ENOMEM, "the text is too long"));
            }
            self.remove(own.unwrap_or(0));
        }
        self.begun.push_back(new);
        Ok(())
    }

    /// Writes the answer to one question of a file, and its user, into `out`.
    pub(super) fn answer(
        &mut self,
        engine: &Engine,
        (file, user): (FileId, u32),
        argument: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        out.clear();
        let Ok(mut piece) = Piece::read_from_bytes(argument) else {
            return Err(Error::new(Errno::EINVAL, "a question for a text has another size"));
        };
        let Some(wanted) = ProcText::numbered(piece.text) else {
            return Err(Error::new(Errno::EINVAL, "there is no text with that number"));
        };
        if piece.offset == 0 {
            self.forget(file);
            let bytes = written(engine, wanted);
            self.begin(Begun { file, user, text: wanted, bytes })?;
        }
        let found = self.begun.iter().find(|begun| begun.file == file && begun.text == wanted);
        let Some(Begun { bytes: text, .. }) = found else {
            return Err(Error::new(Errno::EINVAL, "a text has to be read from its beginning"));
        };
        let offset = (piece.offset as usize).min(text.len());
        let rest = &text.as_bytes()[offset..];
        let bytes = &rest[..rest.len().min(PIECE_SIZE)];
        piece.bytes.zero();
        piece.bytes[..bytes.len()].copy_from_slice(bytes);
        piece.len = number(bytes.len())?;
        piece.total = number(text.len())?;
        // That was the last piece.
        if bytes.len() == rest.len() {
            self.forget(file);
        }
        out.extend_from_slice(piece.as_bytes());
        Ok(())
    }
}

impl<D: Door> Session<D> {
    /// Answers our own request for a text of `/proc/asound`.
    pub(super) fn text(&mut self, file: FileId, argument: &[u8]) -> Result<Done, Failure> {
        let open = self.files.get(file).ok_or(Error::new(Errno::EBADF, "no such file is open"));
        let answered = open.and_then(|open| {
            self.texts.answer(&self.engine, (file, open.user), argument, &mut self.out)
        });
        answered.map(|()| Done::Ioctl(self.out.len())).map_err(Failure::of_text)
    }
}

fn written(engine: &Engine, text: ProcText) -> String {
    match text {
        ProcText::Clients => engine.proc_clients(),
        ProcText::Queues => engine.proc_queues(),
        ProcText::QueueTimers => engine.proc_timer(),
        ProcText::Timers => engine.proc_timers(),
        ProcText::Version => engine.proc_version(),
    }
}

fn number(len: usize) -> Result<u32, Error> {
    u32::try_from(len).map_err(|_| Error::new(Errno::ENOMEM, "the text is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(file: u32, user: u32, len: u64) -> Begun {
        let bytes = "x".repeat(usize::try_from(len).expect("it fits"));
        Begun { file: FileId(file), user, text: ProcText::Clients, bytes }
    }

    fn files(texts: &ProcTexts) -> Vec<u32> {
        texts.begun.iter().map(|begun| begun.file.0).collect()
    }

    #[test]
    fn the_oldest_texts_of_a_user_make_room_for_new_ones() {
        let third = TEXT_BYTES.per_user / 3;
        let mut texts = ProcTexts::default();
        for file in 0..5 {
            texts.begin(begun(file, 1, third)).expect("a text");
        }
        assert_eq!(files(&texts), [2, 3, 4]);
        texts.begin(begun(9, 2, third)).expect("another user's");
        assert_eq!(files(&texts), [2, 3, 4, 9], "which takes nobody else's room");
        texts.forget(FileId(3));
        texts.begin(begun(5, 1, third)).expect("a text");
        assert_eq!(files(&texts), [2, 4, 9, 5]);
        // Where all have too much, the oldest of all goes.
        let whole = TEXT_BYTES.per_user;
        texts.begin(begun(6, 3, whole)).expect("a text");
        assert_eq!(files(&texts), [4, 9, 5, 6], "{:?}", texts.held);
        assert!(texts.begin(begun(7, 3, whole + 1)).is_err(), "longer than any may be");
        for file in files(&texts) {
            texts.forget(FileId(file));
        }
        assert_eq!(texts.held.held(), 0);
    }
}
