//! Standard MIDI Files and MIDI clip files: readers that play on where a file is damaged, and writers.
//!
//! [`File::read`] reads the header and finds the tracks. The events are read when they are asked for,
//! [track](File::into_tracks) by track or [merged](File::into_merged) in order of time: the first
//! event of a large file is there at once, and memory does not grow with the file.
//!
//! Real files break the standard in many ways. The reader reads what can be read and counts what was wrong: a
//! [`Finding`] for each kind of [`Oddity`], with its first place. [`Oddity::loses_events`] separates repairs from
//! losses. Only a file without a header or without any track is refused. No input makes the reader panic.
//!
//! A [`TrackWriter`] takes events, and [`write()`] makes a file of such tracks. A [`TrackAppender`] writes while the music
//! is played: the file is whole at every moment, even if the program is killed.
//!
//! [`Clip`] reads MIDI clip files (`.midi2`), which have one sequence of UMP packets (MIDI 2.0); [`ClipWriter`] writes
//! them.
//!
//! ```
//! use aseqd_smf::{EventKind, File, Meta, Source, Voice};
//!
//! let bytes = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x0c\0\x90\x3c\xff\x60\x3c\0\0\xff\x2f\0\0";
//! let mut events = File::read(&Source::memory(bytes)).unwrap().into_merged();
//! let (track, event) = events.next().unwrap();
//! assert_eq!((track, event.tick), (0, 0));
//! let EventKind::Channel(message) = event.kind else { panic!() };
//! assert_eq!(message.voice, Voice::NoteOn { key: 60, velocity: 127 });
//! assert_eq!(events.next().unwrap().1.tick, 96);
//! assert_eq!(events.next().unwrap().1.kind, EventKind::Meta(Meta::EndOfTrack));
//! assert!(events.next().is_none());
//! let findings: Vec<_> = events.findings().iter().map(ToString::to_string).collect();
//! assert_eq!(findings, [
//!     "bytes after the end of a track: left out (once, in track 1 at byte 33)",
//!     "data bytes above 127: the highest bit was cleared (once, in track 1 at byte 25)",
//! ]);
//! ```

#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod append;
mod clip;
mod clip_writer;
mod error;
mod event;
mod file;
mod finding;
mod merged;
mod scan;
mod source;
mod track;
mod writer;

pub use append::{ClipAppender, TrackAppender, WriteAt};
pub use clip::{Clip, ClipEvent, has_clip_header};
pub use clip_writer::ClipWriter;
pub use error::ReadError;
pub use event::{ChannelMessage, EventKind, Meta, SysEx, TrackEvent, Voice};
pub use file::{Division, File, Format, Header, SEARCHED, has_header};
pub use finding::{Finding, Findings, Oddity};
pub use merged::Merged;
pub use source::{ReadAt, Source};
pub use track::Track;
pub use writer::{TrackWriter, write};
