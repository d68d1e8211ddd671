//! All tracks of a file as one stream of events in order of time.

use crate::event::TrackEvent;
use crate::finding::{Findings, Oddity};
use crate::track::Track;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// An iterator over all events of a file in order of time, each with the number of its track, from 0. Events
/// of the same tick come in the order of the tracks.
///
/// The tracks of format 2 follow one another: the ticks of each count from the end of the one before.
#[derive(Clone, Debug)]
pub struct Merged {
    tracks: Vec<Track>,
    /// The next event of each track.
    next: Vec<Option<TrackEvent>>,
    /// Tick and number of the tracks that have a next event; the earliest is on top.
    heap: BinaryHeap<Reverse<(u32, usize)>>,
    sequential: bool,
    /// The tick at which the track of format 2 began.
    base: u32,
    /// The tick of the last event.
    tick: u32,
    /// The first track that has not begun.
    unbegun: usize,
    findings: Findings,
}

impl Merged {
    pub(crate) fn new(tracks: Vec<Track>, sequential: bool, findings: Findings) -> Self {
        let next = vec![None; tracks.len()];
        let heap = BinaryHeap::with_capacity(if sequential { 1 } else { tracks.len() });
        Self { tracks, next, heap, sequential, base: 0, tick: 0, unbegun: 0, findings }
    }

    /// Returns the tick at which the track of the last event began: 0, except in format 2.
    #[must_use]
    pub fn base(&self) -> u32 {
        self.base
    }

    /// Returns what was wrong with the part of the file that has been read.
    #[must_use]
    pub fn findings(&self) -> Findings {
        let mut findings = self.findings.clone();
        for track in &self.tracks {
            findings.extend(track.findings());
        }
        findings
    }

    /// Fetches the next event of a track, whose ticks count from `base`. Returns `None` at its end.
    #[inline]
    fn fetch(&mut self, number: usize) -> Option<u32> {
        let track = &mut self.tracks[number];
        let mut event = track.next()?;
        if self.base > 0 {
            let Some(tick) = event.tick.checked_add(self.base) else {
                track.note(Oddity::TooLate, event.offset);
                return None;
            };
            event.tick = tick;
        }
        let tick = event.tick;
        self.next[number] = Some(event);
        Some(tick)
    }

    /// Begins all tracks, or in format 2 the next one.
    fn begin(&mut self) {
        self.base = self.tick;
        while self.unbegun < self.tracks.len() {
            let number = self.unbegun;
            self.unbegun += 1;
            if let Some(tick) = self.fetch(number) {
                self.heap.push(Reverse((tick, number)));
                if self.sequential {
                    return;
                }
            }
        }
    }
}

impl Iterator for Merged {
    type Item = (usize, TrackEvent);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.heap.is_empty() {
            self.begin();
        }
        let &Reverse((tick, number)) = self.heap.peek()?;
        self.tick = tick;
        let event = self.next[number].take()?;
        let next = self.fetch(number);
        if let Some(mut top) = self.heap.peek_mut() {
            match next {
                Some(next) => *top = Reverse((next, number)),
                None => drop(PeekMut::pop(top)),
            }
        }
        Some((number, event))
    }
}
