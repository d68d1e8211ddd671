//! The request for the texts of `/proc/asound`, which the engine writes and no program of the kernel's
//! interface asks for.

use crate::asound::{PIECE, Piece, Text};
use abi::Errno;
use engine::{Engine, Error};
use zerocopy::{FromBytes as _, FromZeros as _, IntoBytes as _};

/// The text that an open file is being given; nothing between two of them.
pub(super) type Begun = Option<(Text, String)>;

/// Answers one question, into `out`.
pub(super) fn answer(
    engine: &Engine,
    begun: &mut Begun,
    argument: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    out.clear();
    let Ok(mut piece) = Piece::read_from_bytes(argument) else {
        return Err(Error::new(Errno::EINVAL, "a question for a text has another size"));
    };
    let Some(wanted) = Text::numbered(piece.text) else {
        return Err(Error::new(Errno::EINVAL, "there is no text with that number"));
    };
    if piece.offset == 0 {
        *begun = Some((wanted, written(engine, wanted)));
    }
    let Some((_, text)) = begun.as_ref().filter(|(text, _)| *text == wanted) else {
        return Err(Error::new(Errno::EINVAL, "the text is to be taken from its beginning"));
    };
    let offset = (piece.offset as usize).min(text.len());
    let rest = &text.as_bytes()[offset..];
    let bytes = &rest[..rest.len().min(PIECE)];
    piece.bytes.zero();
    piece.bytes[..bytes.len()].copy_from_slice(bytes);
    piece.len = number(bytes.len())?;
    piece.total = number(text.len())?;
    // The last piece is given: nobody goes on.
    if bytes.len() == rest.len() {
        *begun = None;
    }
    out.extend_from_slice(piece.as_bytes());
    Ok(())
}

fn written(engine: &Engine, text: Text) -> String {
    match text {
        Text::Clients => engine.proc_clients(),
        Text::Queues => engine.proc_queues(),
        Text::QueueTimers => engine.proc_timer(),
        Text::Timers => engine.proc_timers(),
    }
}

fn number(len: usize) -> Result<u32, Error> {
    u32::try_from(len).map_err(|_| Error::new(Errno::ENOMEM, "the text is too long"))
}
