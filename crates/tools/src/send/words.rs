//! The language of `aseqd send`: a line of words, and what is to be done.

use super::hex;
use crate::monitor::{Line, parse};
use crate::vocabulary::{byte, controller, note, number, unknown};
use aseqd_abi::event::{Control, EventData};
use aseqd_abi::{Event, EventType};
use aseqd_client::event;
use aseqd_client::ump::UmpEvent;
use aseqd_console::duration;
use aseqd_midi::Decoder;
use std::path::PathBuf;
use std::time::Duration;

/// The velocity of a note without one: between mezzo-forte and forte, as players of files take it.
const VELOCITY: u8 = 100;
/// The velocity of a note off without one: the value that MIDI gives to keyboards without a sensor.
const OFF_VELOCITY: u8 = 64;
/// The duration of a note without one: a quarter at 120 beats a minute.
const DURATION: Duration = Duration::from_millis(500);
/// Most of a value of 14 bits.
const MAX_14: i32 = 0x3fff;

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Sends an event, with its data if it has any.
    Event(Event, Option<Vec<u8>>),
    Packet(UmpEvent),
    /// Plays a note, and ends it after the duration.
    Note {
        channel: u8,
        key: u8,
        velocity: u8,
        duration: Duration,
    },
    /// Everything after this happens at a time, from the beginning.
    At(Duration),
    /// Everything after this happens later by a duration.
    Wait(Duration),
    /// Sends the SysEx messages of a file of bytes.
    SysexFile(PathBuf),
}

/// What is wrong with a line, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The first letter of the word, from 1.
    pub(crate) column: usize,
    pub(crate) what: String,
}

/// What a word begins.
#[derive(Clone, Copy, Debug)]
enum Verb {
    Channel,
    Note,
    On,
    Off,
    Control,
    Control14(EventType),
    Program,
    Pressure,
    Poly,
    Bend,
    Sysex,
    SysexFile,
    Plain(EventType),
    SongPosition,
    SongSelect,
    QuarterFrame,
    Panic,
    Hex,
    Ump,
    At,
    Wait,
}

/// The words, the usual one of each first.
const WORDS: &[(&[&str], Verb)] = &[
    (&["channel", "ch"], Verb::Channel),
    (&["note"], Verb::Note),
    (&["on", "note-on", "noteon"], Verb::On),
    (&["off", "note-off", "noteoff"], Verb::Off),
    (&["cc", "control", "controller"], Verb::Control),
    (&["cc14", "control14"], Verb::Control14(EventType::CONTROL14)),
    (&["rpn", "regparam"], Verb::Control14(EventType::REGPARAM)),
    (&["nrpn", "nonregparam"], Verb::Control14(EventType::NONREGPARAM)),
    (&["program", "pc", "pgmchange"], Verb::Program),
    (&["pressure", "cp", "chanpress"], Verb::Pressure),
    (&["poly", "pp", "keypress"], Verb::Poly),
    (&["bend", "pb", "pitchbend"], Verb::Bend),
    (&["sysex", "syx"], Verb::Sysex),
    (&["sysex-file", "syf"], Verb::SysexFile),
    (&["clock"], Verb::Plain(EventType::CLOCK)),
    (&["start"], Verb::Plain(EventType::START)),
    (&["continue"], Verb::Plain(EventType::CONTINUE)),
    (&["stop"], Verb::Plain(EventType::STOP)),
    (&["sensing", "active-sensing"], Verb::Plain(EventType::SENSING)),
    (&["reset"], Verb::Plain(EventType::RESET)),
    (&["tune", "tune-request"], Verb::Plain(EventType::TUNE_REQUEST)),
    (&["song-position", "spp", "songpos"], Verb::SongPosition),
    (&["song-select", "ss", "songsel"], Verb::SongSelect),
    (&["mtc", "quarter-frame", "qframe"], Verb::QuarterFrame),
    (&["panic"], Verb::Panic),
    (&["hex"], Verb::Hex),
    (&["ump"], Verb::Ump),
    (&["at"], Verb::At),
    (&["wait"], Verb::Wait),
];

/// Reads lines. The channel that one chooses holds for those that follow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reader {
    channel: u8,
    /// Whether hexadecimal is packets, rather than messages of MIDI 1.0.
    ump: bool,
}

impl Reader {
    /// Makes a reader. `ump` says whether hexadecimal is packets, rather than messages of MIDI 1.0.
    pub(crate) const fn new(ump: bool) -> Self {
        Self { channel: 0, ump }
    }

    /// Reads a line, and appends what is to be done.
    ///
    /// # Errors
    /// For a word that is not known, or has not what it needs. What stands before it has been appended.
    pub(crate) fn line(&mut self, line: &str, acts: &mut Vec<Act>) -> Result<(), Wrong> {
        match parse(line) {
            None => {}
            Some(Ok(Line::Heading)) => return Ok(()),
            Some(Ok(Line::Event(event, data))) => {
                acts.push(Act::Event(event, data));
                return Ok(());
            }
            Some(Ok(Line::Packet(packet))) => {
                acts.push(Act::Packet(packet));
                return Ok(());
            }
            Some(Err(what)) => return Err(Wrong { column: 1, what }),
        }
        let words = split(line);
        let Some((column, first)) = words.first().copied() else { return Ok(()) };
        let is_word = verb(first).is_some();
        if words.iter().all(|(_, word)| is_hex(word)) {
            match self.hexadecimal(&words) {
                Ok(found) => {
                    acts.extend(found);
                    return Ok(());
                }
                // `cc 10 20` is three bytes, and no message.
                Err(_) if is_word => {}
                Err(what) => return Err(Wrong { column, what }),
            }
        }
        let mut words = Words { words: &words, end: line.chars().count() + 1 };
        while let Some((column, word)) = words.next() {
            let Some(verb) = verb(word) else {
                let names = WORDS.iter().flat_map(|(names, _)| names.iter().copied());
                let what = unknown(word, "word", names);
                return Err(Wrong { column, what });
            };
            self.act(verb, word, &mut words, acts)?;
        }
        Ok(())
    }

    fn hexadecimal(&self, words: &[(usize, &str)]) -> Result<Vec<Act>, String> {
        let words: Vec<_> = words.iter().map(|(_, word)| *word).collect();
        let text = words.join(" ");
        if self.ump {
            let packets = hex::packets(&text).map_err(|error| error.to_string())?;
            return Ok(packets.into_iter().map(Act::Packet).collect());
        }
        let messages = hex::parse(&text).map_err(|error| error.to_string())?;
        let act = |message: aseqd_midi::Decoded| Act::Event(message.event, message.sysex);
        Ok(messages.into_iter().map(act).collect())
    }

    fn act(
        &mut self,
        verb: Verb,
        name: &str,
        words: &mut Words<'_, '_>,
        acts: &mut Vec<Act>,
    ) -> Result<(), Wrong> {
        let channel = self.channel;
        let mut push = |event: Event| acts.push(Act::Event(event, None));
        match verb {
            Verb::Channel => {
                let what = "a channel from 0 to 15";
                let chosen = words.need(name, what, |text| number(text, 0, 15))?;
                self.channel = u8::try_from(chosen).unwrap_or(0);
            }
            Verb::Note => {
                let key = words.need(name, "a note", note)?;
                let given = words.velocity()?;
                let duration = words.duration().unwrap_or(DURATION);
                acts.push(Act::Note {
                    channel,
                    key,
                    velocity: given.unwrap_or(VELOCITY),
                    duration,
                });
            }
            Verb::On => {
                let key = words.need(name, "a note", note)?;
                push(event::note_on(channel, key, words.velocity()?.unwrap_or(VELOCITY)));
            }
            Verb::Off => {
                let key = words.need(name, "a note", note)?;
                push(event::note_off(channel, key, words.velocity()?.unwrap_or(OFF_VELOCITY)));
            }
            Verb::Control => {
                let param = words.need(name, "a controller", controller)?;
                push(event::controller(channel, param, words.need(name, "a value", byte)?));
            }
            Verb::Control14(event_type) => {
                let param = match event_type {
                    EventType::CONTROL14 => words.need(name, "a controller below 32", |text| {
                        controller(text).and_then(|it| number(&it.to_string(), 0, 31))
                    })?,
                    _ => words.need(name, "a parameter", |text| number(text, 0, MAX_14))?,
                };
                let value = words.need(name, "a value", |text| number(text, 0, MAX_14))?;
                push(control(event_type, channel, param.unsigned_abs(), value));
            }
            Verb::Program => {
                push(event::program_change(channel, words.need(name, "a program", byte)?));
            }
            Verb::Pressure => {
                push(event::channel_pressure(channel, words.need(name, "a pressure", byte)?));
            }
            Verb::Poly => {
                let key = words.need(name, "a note", note)?;
                push(event::key_pressure(channel, key, words.need(name, "a pressure", byte)?));
            }
            Verb::Bend => {
                let value = words.need(name, "a bend", |text| number(text, -8192, 8191))?;
                push(control(EventType::PITCHBEND, channel, 0, value));
            }
            Verb::Sysex => acts.extend(words.sysex(name)?),
            Verb::SysexFile => {
                let file = words.need(name, "a file", |text| Ok(PathBuf::from(text)))?;
                acts.push(Act::SysexFile(file));
            }
            Verb::Plain(event_type) => push(event::of_type(event_type)),
            Verb::SongPosition => {
                let value = words.need(name, "a position", |text| number(text, 0, MAX_14))?;
                push(control(EventType::SONGPOS, 0, 0, value));
            }
            Verb::SongSelect => {
                let song = words.need(name, "a song", byte)?;
                push(control(EventType::SONGSEL, 0, 0, song.into()));
            }
            Verb::QuarterFrame => {
                let piece = words.need(name, "a piece", |text| number(text, 0, 7))?;
                let value = words.need(name, "a value", |text| number(text, 0, 15))?;
                push(control(EventType::QFRAME, 0, 0, piece << 4 | value));
            }
            Verb::Panic => panic(&mut push),
            Verb::Hex => acts.extend(Self::new(false).rest(name, words)?),
            Verb::Ump => acts.extend(Self::new(true).rest(name, words)?),
            Verb::At => {
                acts.push(Act::At(words.need(name, "a time", duration::seconds)?));
            }
            Verb::Wait => {
                acts.push(Act::Wait(words.need(name, "a duration", duration::seconds)?));
            }
        }
        Ok(())
    }

    /// Reads the hexadecimal words that follow.
    fn rest(&self, name: &str, words: &mut Words<'_, '_>) -> Result<Vec<Act>, Wrong> {
        let column = words.column();
        let count = words.words.iter().take_while(|(_, word)| is_hex(word)).count();
        let (taken, rest) = words.words.split_at(count);
        words.words = rest;
        if taken.is_empty() {
            return Err(Wrong { column, what: format!("{name} needs hexadecimal digits") });
        }
        self.hexadecimal(taken).map_err(|what| Wrong { column, what })
    }
}

/// Ends everything that sounds, on every channel: by the messages for this, and for devices that do not know them by a
/// note off for each key.
fn panic(push: &mut dyn FnMut(Event)) {
    const SUSTAIN: u8 = 64;
    const ALL_SOUND_OFF: u8 = 120;
    const RESET_CONTROLLERS: u8 = 121;
    const ALL_NOTES_OFF: u8 = 123;
    for channel in 0..16 {
        for controller in [SUSTAIN, ALL_NOTES_OFF, ALL_SOUND_OFF, RESET_CONTROLLERS] {
            push(event::controller(channel, controller, 0));
        }
        for key in 0..128 {
            push(event::note_off(channel, key, OFF_VELOCITY));
        }
    }
}

fn control(event_type: EventType, channel: u8, param: u32, value: i32) -> Event {
    let data = EventData::from_control(Control { channel, param, value });
    Event { data, ..Event::direct(event_type) }
}

fn verb(word: &str) -> Option<Verb> {
    let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(word));
    WORDS.iter().find(|(names, _)| is(names)).map(|(_, verb)| *verb)
}

/// Returns the words of a line with their columns, up to a comment.
fn split(line: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut begin = None;
    let separates = |c: char| c.is_whitespace() || matches!(c, ',' | ';');
    for (column, (at, c)) in line.char_indices().chain([(line.len(), ' ')]).enumerate() {
        match begin {
            None if c == '#' => break,
            None if !separates(c) => begin = Some((column + 1, at)),
            Some((first, from)) if separates(c) => {
                words.push((first, &line[from..at]));
                begin = None;
            }
            _ => {}
        }
    }
    words
}

/// Returns whether a word is pairs of hexadecimal digits.
fn is_hex(word: &str) -> bool {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let even = digits.len().is_multiple_of(2) && !digits.is_empty();
    even && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// The words of a line that are left.
struct Words<'a, 'w> {
    words: &'w [(usize, &'a str)],
    /// The column behind the line.
    end: usize,
}

impl<'a> Words<'a, '_> {
    fn next(&mut self) -> Option<(usize, &'a str)> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(*first)
    }

    fn column(&self) -> usize {
        self.words.first().map_or(self.end, |(column, _)| *column)
    }

    /// Takes a word that must be there.
    fn need<T>(
        &mut self,
        name: &str,
        what: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Wrong> {
        let column = self.column();
        let missing = || Wrong { column, what: format!("{name} needs {what}") };
        let (column, text) = self.next().ok_or_else(missing)?;
        parse(text).map_err(|what| Wrong { column, what })
    }

    /// Takes a velocity, if a number without a unit is next.
    fn velocity(&mut self) -> Result<Option<u8>, Wrong> {
        let Some((column, text)) = self.words.first().copied() else { return Ok(None) };
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(None);
        }
        self.next();
        byte(text).map(Some).map_err(|what| Wrong { column, what })
    }

    /// Takes a duration, if one is next. Without a velocity before it, it has a unit or a point.
    fn duration(&mut self) -> Option<Duration> {
        let (_, text) = self.words.first()?;
        let duration = duration::seconds(text).ok()?;
        self.next();
        Some(duration)
    }

    /// Takes the bytes of a SysEx, with or without `F0` and `F7`, and returns it in pieces.
    fn sysex(&mut self, name: &str) -> Result<Vec<Act>, Wrong> {
        let column = self.column();
        let mut bytes = vec![0xf0];
        while let Some((_, word)) = self.words.first().filter(|(_, word)| is_hex(word)) {
            let pairs = hex::bytes_of(word).map_err(|error| error.to_string());
            let pairs = pairs.map_err(|what| Wrong { column: self.column(), what })?;
            let pairs = match bytes.len() {
                1 => pairs.strip_prefix(&[0xf0]).unwrap_or(&pairs).to_vec(),
                _ => pairs,
            };
            let ends = pairs.ends_with(&[0xf7]);
            if pairs[..pairs.len() - usize::from(ends)].iter().any(|byte| *byte > 0x7f) {
                break;
            }
            self.next();
            bytes.extend(pairs);
            if ends {
                break;
            }
        }
        if bytes.len() == 1 {
            return Err(Wrong { column, what: format!("{name} needs bytes from 00 to 7F") });
        }
        if bytes.last() != Some(&0xf7) {
            bytes.push(0xf7);
        }
        let pieces = Decoder::default().decode(&bytes).collect::<Vec<_>>();
        Ok(pieces.into_iter().map(|piece| Act::Event(piece.event, piece.sysex)).collect())
    }
}

#[cfg(test)]
mod tests;
