//! What a player must send when it begins within a song: programs, controllers and the like that were set before.

use super::song::{Timed, What};
use aseqd_abi::EventType;
use std::collections::BTreeMap;

/// The most bytes of SysEx that are sent at once when a player begins within a song: as much as a cable carries in five
/// seconds. A song that dumps more into its synthesizer does so at its start, and was played from there.
const MAX_SYSEX: usize = 16 * 1024;

/// What is set, by where: output, kind, group and channel, number.
type Key = (u8, u8, u8, u8);

/// Collects what was set in the part of a song that is left out.
#[derive(Debug)]
pub(super) struct Chase {
    tempo_us: u32,
    /// The last step for each key, and how many steps came before it.
    last: BTreeMap<Key, (usize, Timed)>,
    /// The steps that are all sent.
    all: Vec<(usize, Timed)>,
    sysex_bytes: usize,
    count: usize,
}

impl Chase {
    /// Begins with the tempo of the start.
    pub(super) fn new(tempo_us: u32) -> Self {
        Self { tempo_us, last: BTreeMap::new(), all: Vec::new(), sysex_bytes: 0, count: 0 }
    }

    /// Leaves out a step.
    pub(super) fn skip(&mut self, timed: Timed) {
        self.count += 1;
        match &timed.what {
            What::Tempo(tempo_us) => self.tempo_us = *tempo_us,
            What::Sysex { data, .. } => {
                self.sysex_bytes += data.len();
                if self.sysex_bytes <= MAX_SYSEX {
                    self.all.push((self.count, timed));
                }
            }
            what => {
                if let Some((kind, place, number)) = key(what) {
                    self.last.insert((timed.output, kind, place, number), (self.count, timed));
                }
            }
        }
    }

    /// Returns what is to be sent, in the order in which it was set: a reset before what comes after it, a bank before
    /// its program.
    pub(super) fn into_steps(self) -> impl Iterator<Item = Timed> {
        let mut steps = self.all;
        steps.extend(self.last.into_values());
        steps.sort_by_key(|(count, _)| *count);
        let tempo = Timed { tick: 0, output: 0, what: What::Tempo(self.tempo_us) };
        std::iter::once(tempo).chain(steps.into_iter().map(|(_, timed)| timed))
    }
}

/// Returns what a step sets, if it sets something that lasts.
fn key(what: &What) -> Option<(u8, u8, u8)> {
    match what {
        What::Event(event) => {
            let control = event.data.control();
            let number = match event.event_type {
                EventType::CONTROLLER => u8::try_from(control.param).ok()?,
                EventType::PGMCHANGE | EventType::PITCHBEND | EventType::CHANPRESS => 0,
                _ => return None,
            };
            Some((event.event_type.0, control.channel & 15, number))
        }
        What::Packet(words) => {
            let [kind, status, number, _] = words[0].to_be_bytes();
            let lasts = match kind >> 4 {
                2 => matches!(status >> 4, 11..=14),
                4 => matches!(status >> 4, 2 | 3 | 11..=14),
                _ => false,
            };
            let number = if matches!(status >> 4, 12..=14) { 0 } else { number };
            lasts.then_some((kind >> 4 << 4 | status >> 4, kind << 4 | status & 15, number))
        }
        _ => None,
    }
}
