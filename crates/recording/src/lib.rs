//! Recordings of everything that enters the aseqd sequencer.
//!
//! The engine of aseqd is pure: the same inputs at the same times give the same answers. So a recording has the inputs
//! only, and a hash of the answers. A replay feeds the inputs into a fresh engine, and the hash says whether and where
//! its answers differ.
//!
//! [`Writer`] and [`Reader`] are the file format; `docs/recording.md` describes it byte by byte. A recording whose end is
//! missing is read up to there. No input makes the reader panic, and its memory is bounded.
//!
//! ```
//! use aseqd_engine::{Config, Input, Time};
//! use aseqd_recording::{Compression, Header, Reader, Record, Writer};
//!
//! let header = Header::new(Config::default());
//! let mut writer = Writer::new(Vec::new(), &header, Compression::Quick)?;
//! writer.push(Time(5), 0, 0, &Record::Input(Input::Timeout))?;
//! let file = writer.finish(None)?;
//!
//! let mut reader = Reader::new(&file[..])?;
//! while let Some(entry) = reader.read()? {
//!     println!("{} ns: {:?}", entry.now.0, entry.record);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

//!
//! A replay begins with a fresh engine with [`Header::config`], or with that of [`Reader::state`], and with an
//! [`AnswerHash`]. For each [`Entry`] but notes, it takes [`Entry::outputs`] outputs from the engine and adds each to the
//! hash. Then [`Entry::check`] is [`AnswerHash::check`], and a [`Record::Checkpoint`] the whole hash; if not, an answer
//! before this record was another one. It hands the input to the engine, and adds the answer to the hash. For
//! [`Record::Rest`], the input is a write of what that file's last write has beyond [`Record::Rest::done`].

#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod chunk;
mod error;
mod events;
mod format;
mod hash;
mod header;
mod reader;
mod record;
mod state;
mod text;
mod varint;
mod writer;

pub use error::ReadError;
pub use events::events;
pub use format::FORMAT;
pub use hash::AnswerHash;
pub use header::Header;
pub use reader::{End, Reader};
pub use record::{CHECKPOINT_INTERVAL, Entry, Head, MAX_DATA, MAX_HEAD, Record, encode};
pub use state::{restore, store};
pub use text::{from_text, to_text};
pub use writer::{Compression, State, Writer, end};
