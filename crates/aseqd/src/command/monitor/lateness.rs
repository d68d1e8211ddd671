//! How late events are: their own time against the clock of their queue.

use crate::client::Client;
use crate::error::Fail;
use abi::event::EventFlags;
use abi::seq::{CLIENT_DUMMY, RealTime};
use abi::{Event, EventType};
use std::collections::BTreeMap;

/// Queue numbers end here.
const MAX_QUEUES: u8 = 32;
const NANOSECONDS: i64 = 1_000_000_000;

/// Follows queues, and collects what it measured.
#[derive(Debug, Default)]
pub(crate) struct Lateness {
    /// Queues that run and whose ticks can be converted, by number.
    queues: BTreeMap<u8, Ticks>,
    /// In nanoseconds.
    measured: Vec<i64>,
}

/// Where the ticks of a queue are on its clock: since START both count from zero, and a change of tempo
/// happens at a tick that its echo names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    tick: u32,
    nanoseconds: i64,
    /// Length of a tick.
    length: i64,
}

impl Ticks {
    fn time_of(&self, tick: u32) -> i64 {
        let ticks = i64::from(tick) - i64::from(self.tick);
        self.nanoseconds + ticks * self.length
    }
}

impl Lateness {
    /// Something was done to a queue.
    pub(crate) fn follow(&mut self, client: &Client, event: &Event) -> Result<(), Fail> {
        let queue = event.data.queue();
        let tick = event.time.tick_or_sec;
        match event.event_type {
            EventType::START => {
                let length = tick_length(client, queue)?;
                let ticks = length.map(|length| Ticks { tick: 0, nanoseconds: 0, length });
                self.set(queue, ticks);
            }
            EventType::TEMPO => {
                let length = tick_length(client, queue)?;
                let before = self.queues.get(&queue).copied();
                let ticks = length.zip(before).map(|(length, before)| Ticks {
                    tick,
                    nanoseconds: before.time_of(tick),
                    length,
                });
                self.set(queue, ticks);
            }
            // Ticks and clock are moved apart.
            EventType::SETPOS_TICK | EventType::SETPOS_TIME => self.set(queue, None),
            _ => {}
        }
        Ok(())
    }

    fn set(&mut self, queue: u8, ticks: Option<Ticks>) {
        match ticks {
            Some(ticks) => self.queues.insert(queue, ticks),
            None => self.queues.remove(&queue),
        };
    }

    /// How late an event is that was read just now, in nanoseconds.
    pub(crate) fn of(&mut self, client: &Client, event: &Event) -> Result<Option<i64>, Fail> {
        let Some(queue) = self.queue_of(event) else { return Ok(None) };
        let Some(status) = client.queue_status(queue)? else { return Ok(None) };
        if status.running == 0 {
            return Ok(None);
        }
        let due = if event.flags.contains(EventFlags::REAL_TIME) {
            let (sec, nsec) = (event.time.tick_or_sec, event.time.nsec);
            nanoseconds(RealTime { tv_sec: sec, tv_nsec: nsec })
        } else if let Some(ticks) = self.queues.get(&queue) {
            ticks.time_of(event.time.tick_or_sec)
        } else {
            return Ok(None);
        };
        let late = nanoseconds(status.time) - due;
        self.measured.push(late);
        Ok(Some(late))
    }

    /// The queue that an event went through.
    fn queue_of(&self, event: &Event) -> Option<u8> {
        if event.queue < MAX_QUEUES {
            return Some(event.queue);
        }
        let forwarded = event.source.client == CLIENT_DUMMY;
        match self.queues.first_key_value() {
            Some((queue, _)) if forwarded && self.queues.len() == 1 => Some(*queue),
            _ => None,
        }
    }

    /// For the end of the output.
    pub(crate) fn summary(&self) -> String {
        let mut sorted = self.measured.clone();
        sorted.sort_unstable();
        let at = |hundredths: usize| {
            let index = (sorted.len() * hundredths / 100).min(sorted.len() - 1);
            micros(sorted[index])
        };
        if sorted.is_empty() {
            return ", none with a known lateness".to_owned();
        }
        format!(
            "; lateness of {}: median {} us, 99% {} us, most {} us",
            sorted.len(),
            at(50),
            at(99),
            at(100)
        )
    }
}

/// Nanoseconds as microseconds, to the nearest.
pub(crate) fn micros(nanoseconds: i64) -> i64 {
    (nanoseconds + 500).div_euclid(1000)
}

fn nanoseconds(time: RealTime) -> i64 {
    i64::from(time.tv_sec) * NANOSECONDS + i64::from(time.tv_nsec)
}

/// The length of a tick, as queues compute it.
fn tick_length(client: &Client, queue: u8) -> Result<Option<i64>, Fail> {
    let Some(tempo) = client.queue_tempo(queue)? else { return Ok(None) };
    let base = if tempo.tempo_base == 0 { 1000 } else { i64::from(tempo.tempo_base) };
    Ok((i64::from(tempo.tempo) * base)
        .checked_div(i64::from(tempo.ppq))
        .map(|length| length.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_on_the_clock_across_a_change_of_tempo() {
        let first = Ticks { tick: 0, nanoseconds: 0, length: 5_208_333 };
        assert_eq!(first.time_of(96), 499_999_968);
        let then = Ticks { tick: 96, nanoseconds: first.time_of(96), length: 1000 };
        assert_eq!(then.time_of(106), 499_999_968 + 10_000);
        assert_eq!(then.time_of(95), 499_999_968 - 1000);
    }

    #[test]
    fn the_summary_has_median_and_most() {
        let lateness = Lateness { measured: vec![5000, 1000, 3000], ..Lateness::default() };
        assert_eq!(lateness.summary(), "; lateness of 3: median 3 us, 99% 5 us, most 5 us");
        assert_eq!(Lateness::default().summary(), ", none with a known lateness");
    }
}
