//! MIDI clip files (`.midi2`, also called SMF2): one sequence of UMP packets.
//!
//! A file has the 8 bytes `SMF2CLIP` and then packets, whose words stand with the highest byte first. Packets before the
//! Start of Clip message configure the receiver; the ticks of the others count from there. The clip's own messages say
//! how long a tick is, and how many ticks pass; the reader handles them and returns the others.

use crate::error::{ReadError, looks_like};
use crate::file::SEARCHED;
use crate::finding::{Findings, Oddity};
use crate::source::{Source, Window};

/// The first bytes of a clip file.
pub(crate) const HEADER: &[u8; 8] = b"SMF2CLIP";
/// The ticks of a quarter note that are assumed if a clip does not say them.
const DEFAULT_TICKS: u16 = 96;
/// How many packets before the Start of Clip are searched for the length of a tick. It should be the first one.
const MAX_SEARCHED_PACKETS: usize = 1024;

/// How many packets in a row may have nothing to play. A hostile file has no end of them, and a program that reads it
/// would be busy as long. Any time that a clip can have takes 4096.
const MAX_SILENT_PACKETS: u32 = 4_000_000;

/// Number of words of a packet, by message type.
const WORDS: [usize; 16] = [1, 1, 1, 2, 2, 4, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4];

/// A packet of a clip, and when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClipEvent {
    /// From the start of the clip, in ticks. Packets before the Start of Clip have tick 0.
    pub tick: u32,
    /// Position in the file, in bytes.
    pub offset: u64,
    /// The words of the packet. Those that its message type does not have are 0.
    pub words: [u32; 4],
}

impl ClipEvent {
    /// Returns the words that the packet has, 1 to 4.
    #[must_use]
    pub fn packet(&self) -> &[u32] {
        &self.words[..word_count(self.words[0])]
    }

    /// Returns the tempo that the packet sets, in units of 10 ns a quarter note: a Set Tempo message.
    #[must_use]
    pub fn tempo_10ns(&self) -> Option<u32> {
        (self.words[0] & 0xf000_ffff == 0xd000_0000).then_some(self.words[1])
    }
}

/// The packets of a clip, in order of time: an iterator that reads the file as it goes.
///
/// ```
/// use aseqd_smf::{Clip, ClipWriter, Source};
///
/// let mut writer = ClipWriter::new(96);
/// writer.push(0, &[0x4090_3c00, 0xc000_0000])?;
/// writer.push(96, &[0x4080_3c00, 0])?;
/// let mut clip = Clip::read(&Source::memory(writer.finish()))?;
/// assert_eq!(clip.ticks_per_quarter(), 96);
/// let ticks: Vec<_> = clip.by_ref().map(|event| event.tick).collect();
/// assert_eq!(ticks, [0, 96]);
/// assert!(clip.findings().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Clip {
    window: Window,
    ticks: u16,
    tick: u32,
    state: State,
    /// The length of a tick was given.
    has_ticks: bool,
    findings: Findings,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the Start of Clip.
    Configures,
    /// Behind it.
    Plays,
    /// At the End of Clip, or at the end of the file.
    Ended,
}

impl Clip {
    /// Reads the header and the length of a tick.
    ///
    /// # Errors
    /// [`ReadError`] if the bytes cannot be read, or have no header in their first 64 KiB.
    pub fn read(source: &Source) -> Result<Self, ReadError> {
        let start = source.bytes(0, SEARCHED)?;
        let at = header_in(&start).ok_or_else(|| ReadError::NotMidi(looks_like(&start)))?;
        let mut findings = Findings::default();
        if at > 0 {
            findings.note(Oddity::LeadingBytes, None, 0);
        }
        let from = at as u64 + HEADER.len() as u64;
        let window = Window::new(source, from..source.len());
        let state = State::Configures;
        let clip =
            Self { window, ticks: DEFAULT_TICKS, tick: 0, state, has_ticks: false, findings };
        let ticks = clip.clone().find_ticks();
        Ok(Self { ticks: ticks.unwrap_or(DEFAULT_TICKS), ..clip })
    }

    /// Returns how many ticks a quarter note has, at least 1.
    #[must_use]
    pub const fn ticks_per_quarter(&self) -> u16 {
        self.ticks
    }

    /// Returns what was wrong with the part of the file that was read.
    #[must_use]
    pub const fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Reads on until the length of a tick is given, or the clip starts.
    fn find_ticks(mut self) -> Option<u16> {
        for _ in 0..MAX_SEARCHED_PACKETS {
            let (_, words) = self.packet()?;
            match Own::of(words) {
                Some(Own::Resolution(0) | Own::Start | Own::End) => return None,
                Some(Own::Resolution(ticks)) => return Some(ticks),
                _ => {}
            }
        }
        None
    }

    /// Reads a packet: its position and its words.
    fn packet(&mut self) -> Option<(u64, [u32; 4])> {
        let offset = self.window.position();
        let first = self.window.fill(4).first_chunk().map(|word| u32::from_be_bytes(*word));
        let len = first.map(|first| 4 * word_count(first));
        let bytes = len.map(|len| (len, self.window.fill(len)));
        let Some((len, bytes)) = bytes.filter(|(len, bytes)| bytes.len() >= *len) else {
            if self.window.failed() {
                self.findings.note(Oddity::ReadError, None, offset);
            } else if !self.window.bytes().is_empty() {
                self.findings.note(Oddity::CutPacket, None, offset);
            }
            return None;
        };
        let mut words = [0; 4];
        for (place, word) in words.iter_mut().zip(bytes[..len].as_chunks().0) {
            *place = u32::from_be_bytes(*word);
        }
        self.window.consume(len);
        Some((offset, words))
    }

    /// Handles one of the clip's own messages.
    fn handle(&mut self, own: Own, offset: u64) {
        let plays = self.state == State::Plays;
        let odd = match own {
            Own::Delta(ticks) => match self.tick.checked_add(ticks) {
                Some(tick) if plays => {
                    self.tick = tick;
                    None
                }
                // Nothing is due before the start.
                Some(_) => (ticks > 0).then_some(Oddity::EarlyClock),
                None => {
                    self.state = State::Ended;
                    Some(Oddity::TooLate)
                }
            },
            Own::Resolution(0) => Some(Oddity::DivisionZero),
            Own::Resolution(_) if plays || self.has_ticks => Some(Oddity::LateResolution),
            Own::Resolution(_) => {
                self.has_ticks = true;
                None
            }
            Own::Start if plays => Some(Oddity::SecondStart),
            Own::Start => {
                self.state = State::Plays;
                (!self.has_ticks).then_some(Oddity::NoResolution)
            }
            Own::End => {
                let odd = (!plays).then_some(Oddity::NoStart);
                self.end();
                odd
            }
            Own::Other => Some(Oddity::UtilityMessage),
        };
        if let Some(odd) = odd {
            self.findings.note(odd, None, offset);
        }
    }

    /// Notes what lies behind the End of Clip.
    fn end(&mut self) {
        self.state = State::Ended;
        if self.window.unread() > 0 {
            self.findings.note(Oddity::AfterClip, None, self.window.position());
        }
    }
}

impl Iterator for Clip {
    type Item = ClipEvent;

    fn next(&mut self) -> Option<ClipEvent> {
        let mut silent = 0;
        while self.state != State::Ended {
            if silent == MAX_SILENT_PACKETS {
                self.state = State::Ended;
                self.findings.note(Oddity::NothingToPlay, None, self.window.position());
                break;
            }
            silent += 1;
            let Some((offset, words)) = self.packet() else {
                let missing = match self.state {
                    State::Plays => Oddity::NoEnd,
                    _ => Oddity::NoStart,
                };
                self.state = State::Ended;
                self.findings.note(missing, None, self.window.position());
                break;
            };
            match Own::of(words) {
                Some(own) => self.handle(own, offset),
                None => {
                    let event = ClipEvent { tick: self.tick, offset, words };
                    if event.tempo_10ns() == Some(0) {
                        self.findings.note(Oddity::TempoZero, None, offset);
                    } else {
                        return Some(event);
                    }
                }
            }
        }
        None
    }
}

/// A message of the clip itself, which no receiver gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Own {
    /// Delta Clockstamp: this many ticks pass.
    Delta(u32),
    /// Delta Clockstamp Ticks Per Quarter Note.
    Resolution(u16),
    Start,
    End,
    /// A utility message that belongs to a stream, not to a file.
    Other,
}

impl Own {
    fn of([word, ..]: [u32; 4]) -> Option<Self> {
        match (word >> 28, word >> 16 & 0xfff) {
            (0, status) => Some(match status >> 4 & 15 {
                // It does nothing.
                0 => Self::Delta(0),
                3 => Self::Resolution(u16::try_from(word & 0xffff).unwrap_or(0)),
                4 => Self::Delta(word & 0xf_ffff),
                _ => Self::Other,
            }),
            (15, 0x020) => Some(Self::Start),
            (15, 0x021) => Some(Self::End),
            _ => None,
        }
    }
}

/// Returns how many words a packet with this first word has.
pub(crate) const fn word_count(first: u32) -> usize {
    WORDS[(first >> 28) as usize]
}

/// Returns where the header of a clip begins, if bytes have one.
pub(crate) fn header_in(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, HEADER)
}

/// Returns whether bytes contain the start of a clip. The first [`SEARCHED`] bytes of a file that can be read do.
#[must_use]
pub fn has_clip_header(bytes: &[u8]) -> bool {
    header_in(bytes).is_some()
}
