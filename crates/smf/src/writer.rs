//! Writes files: tracks of events, and a header before them.

use crate::event::{EventKind, Meta, data_len};
use crate::file::{Division, Format};
use std::io;

/// The largest variable-length number: four bytes hold 28 bits.
const MAX_VALUE: u32 = 0x0fff_ffff;
/// An empty text event: it bridges pauses longer than the largest delta time.
const EMPTY_TEXT: [u8; 3] = [0xff, 0x01, 0x00];

/// Encodes the events of one track.
#[derive(Clone, Debug, Default)]
pub struct TrackWriter {
    bytes: Vec<u8>,
    tick: u32,
    status: Option<u8>,
    ended: bool,
}

impl TrackWriter {
    /// Makes a track without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an event that is due at a tick from the start of the track.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if the tick is before that of the last event, the track has
    /// ended, or the event has 256 MiB of data or more.
    pub fn push(&mut self, tick: u32, event: &EventKind) -> io::Result<()> {
        let invalid = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if self.ended {
            return invalid("an event after the end of its track");
        }
        let Some(delta) = tick.checked_sub(self.tick) else {
            return invalid("an event before the last event of its track");
        };
        let (head, data): ([u8; 2], _) = match event {
            EventKind::Channel(message) => {
                let bytes = message.to_bytes();
                self.pause(delta);
                if self.status != Some(bytes[0]) {
                    self.bytes.push(bytes[0]);
                }
                self.status = Some(bytes[0]);
                self.bytes.extend(&bytes[1..=data_len(bytes[0])]);
                self.tick = tick;
                return Ok(());
            }
            EventKind::SysEx(sysex) if sysex.start => ([0xf0, 0], sysex.data.clone()),
            EventKind::SysEx(sysex) => ([0xf7, 0], sysex.data.clone()),
            EventKind::Escape(data) => ([0xf7, 0], data.clone()),
            EventKind::Meta(meta) => {
                let (kind, data) = meta.to_data();
                ([0xff, kind], data)
            }
        };
        let len = match u32::try_from(data.len()) {
            Ok(len) if len <= MAX_VALUE => len,
            _ => return invalid("an event of 256 MiB or more"),
        };
        self.pause(delta);
        self.bytes.extend(&head[..1 + usize::from(head[0] == 0xff)]);
        number(len, &mut self.bytes);
        self.bytes.extend(data);
        self.status = None;
        self.ended = *event == EventKind::Meta(Meta::EndOfTrack);
        self.tick = tick;
        Ok(())
    }

    fn pause(&mut self, delta: u32) {
        let mut left = delta;
        while left > MAX_VALUE {
            number(MAX_VALUE, &mut self.bytes);
            self.bytes.extend(EMPTY_TEXT);
            self.status = None;
            left -= MAX_VALUE;
        }
        number(left, &mut self.bytes);
    }

    /// Takes the bytes of the events so far. Those that follow go on behind them.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.status = None;
        std::mem::take(&mut self.bytes)
    }

    /// Returns the track's bytes, with an End of Track if none was pushed.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        if !self.ended {
            self.bytes.extend([0, 0xff, 0x2f, 0]);
        }
        self.bytes
    }
}

/// Writes a file of tracks.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if there are more than 65535 tracks, several in [`Format::Single`],
/// a track of 4 GiB or more, or a [`Division`] out of its range. Errors of `out`.
pub fn write(
    mut out: impl io::Write,
    format: Format,
    division: Division,
    tracks: &[TrackWriter],
) -> io::Result<()> {
    let invalid = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
    let count = u16::try_from(tracks.len()).map_err(|_| invalid("more than 65535 tracks"))?;
    let format: u16 = match format {
        Format::Single if count != 1 => return Err(invalid("format 0 has one track")),
        Format::Single => 0,
        Format::Parallel => 1,
        Format::Sequential => 2,
    };
    let division = division_bytes(division)?;
    out.write_all(b"MThd\0\0\0\x06")?;
    out.write_all(&format.to_be_bytes())?;
    out.write_all(&count.to_be_bytes())?;
    out.write_all(&division)?;
    for track in tracks {
        let bytes = track.clone().finish();
        let len = u32::try_from(bytes.len()).map_err(|_| invalid("a track of 4 GiB or more"))?;
        out.write_all(b"MTrk")?;
        out.write_all(&len.to_be_bytes())?;
        out.write_all(&bytes)?;
    }
    Ok(())
}

/// Returns a division as it stands in a file.
pub(crate) fn division_bytes(division: Division) -> io::Result<[u8; 2]> {
    match division {
        Division::Quarter(ticks @ 1..=0x7fff) => Ok(ticks.to_be_bytes()),
        Division::Frames { per_second: per_second @ 1..=128, ticks: ticks @ 1.. } => {
            Ok([per_second.wrapping_neg(), ticks])
        }
        _ => {
            let why = "a division that a file cannot hold";
            Err(io::Error::new(io::ErrorKind::InvalidInput, why))
        }
    }
}

/// Appends a variable-length number of at most 28 bits.
fn number(value: u32, bytes: &mut Vec<u8>) {
    for shift in [21, 14, 7] {
        if value >> shift != 0 {
            bytes.push((value >> shift).to_le_bytes()[0] | 0x80);
        }
    }
    bytes.push(value.to_le_bytes()[0] & 0x7f);
}
