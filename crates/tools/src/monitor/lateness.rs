//! Measures how late events are: the time at which each was due, against the clock of its queue.

use aseqd_abi::event::{EventFlags, EventTime};
use aseqd_abi::seq::{CLIENT_DUMMY, RealTime};
use aseqd_abi::{Event, EventType};
use aseqd_client::Client;
use aseqd_host::error::Fail;
use std::collections::BTreeMap;
use std::time::Instant;

/// Numbers of queues are below this, as in the kernel (`SNDRV_SEQ_MAX_QUEUES`).
const MAX_QUEUES: u8 = 32;
const NS_PER_SECOND: i64 = 1_000_000_000;

/// Follows the queues, and collects the lateness of events.
#[derive(Debug)]
pub struct Lateness {
    /// The queues whose ticks can be converted to time, by number.
    queues: BTreeMap<u8, Ticks>,
    /// When the events that are being measured were read.
    arrival: Instant,
    /// The last time that each queue's clock has shown, and when. An entry is dropped when the queue starts, stops or
    /// jumps.
    clocks: BTreeMap<u8, (Instant, i64)>,
    /// The lateness of each event that has one, in nanoseconds.
    measured: Vec<i64>,
}

impl Default for Lateness {
    fn default() -> Self {
        Self {
            queues: BTreeMap::new(),
            arrival: Instant::now(),
            clocks: BTreeMap::new(),
            measured: Vec::new(),
        }
    }
}

/// Converts ticks of a queue to time on its clock. Both count from 0 at START, and each change of tempo is echoed with
/// the tick at which it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    /// The tick of the last change of tempo, or 0.
    tick: u32,
    /// The time of that tick, in nanoseconds.
    nanoseconds: i64,
    /// The length of a tick since then, in nanoseconds.
    length: i64,
    ppq: i32,
    /// Nanoseconds per unit of tempo.
    base: i64,
    running: bool,
}

impl Ticks {
    fn time_of(&self, tick: u32) -> i64 {
        let ticks = i64::from(tick) - i64::from(self.tick);
        self.nanoseconds + ticks * self.length
    }

    /// Changes the tempo from a tick on. The tempo must be that of the echo: if the queue is asked instead, it may
    /// already have the tempo of a later change.
    fn with_tempo(self, tick: u32, tempo: u32) -> Self {
        match tick_length(tempo, self.ppq, self.base) {
            Some(length) => Self { tick, nanoseconds: self.time_of(tick), length, ..self },
            // The queue echoes an illegal tempo, but ignores it.
            None => self,
        }
    }
}

impl Lateness {
    /// Takes the time of arrival for the events that follow: they have just been read.
    pub fn arrived(&mut self) {
        self.arrival = Instant::now();
    }

    /// Forgets all queues until they start again: events were lost, and control events may have been among them.
    pub fn lost(&mut self) {
        self.queues.clear();
        self.clocks.clear();
    }

    /// Takes in a control event of a queue.
    ///
    /// # Errors
    /// A message if the sequencer has ended.
    pub fn follow(&mut self, client: &Client, event: &Event) -> Result<(), Fail> {
        let queue = event.data.queue();
        let tick = event.time.tick_or_sec;
        match event.event_type {
            EventType::START => {
                self.clocks.remove(&queue);
                self.queues.remove(&queue);
                if let Some(ticks) = started(client, queue)? {
                    self.queues.insert(queue, ticks);
                }
            }
            EventType::TEMPO => {
                if let Some(ticks) = self.queues.get_mut(&queue) {
                    *ticks = ticks.with_tempo(tick, event.data.queue_param());
                }
            }
            EventType::STOP | EventType::CONTINUE => {
                self.clocks.remove(&queue);
                if let Some(ticks) = self.queues.get_mut(&queue) {
                    ticks.running = event.event_type == EventType::CONTINUE;
                }
            }
            // These move either the ticks or the clock, so that the conversion no longer holds.
            EventType::SETPOS_TICK | EventType::SETPOS_TIME => {
                self.clocks.remove(&queue);
                self.queues.remove(&queue);
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns how late an event was when it was read, in nanoseconds, or `None` if that is not known.
    ///
    /// # Errors
    /// A message if the sequencer has ended.
    pub fn of(&mut self, client: &Client, event: &Event) -> Result<Option<i64>, Fail> {
        let Some(queue) = self.queue_of(event) else { return Ok(None) };
        let Some(clock) = self.clock(client, queue)? else { return Ok(None) };
        let due = if event.flags.contains(EventFlags::REAL_TIME) {
            let (sec, nsec) = (event.time.tick_or_sec, event.time.nsec);
            nanoseconds(RealTime { tv_sec: sec, tv_nsec: nsec })
        } else if let Some(ticks) = self.queues.get(&queue) {
            ticks.time_of(event.time.tick_or_sec)
        } else {
            return Ok(None);
        };
        let late = clock - due;
        self.measured.push(late);
        Ok(Some(late))
    }

    /// Returns what the clock of a queue showed when the events were read. The queue is asked once for each read, and
    /// the time that has passed since the read is subtracted. So printing one event does not make the next one late.
    fn clock(&mut self, client: &Client, queue: u8) -> Result<Option<i64>, Fail> {
        let last = self.clocks.get(&queue).copied();
        if let Some((when, time)) = last
            && when >= self.arrival
        {
            return Ok(Some(time - span(self.arrival, when)));
        }
        let before = Instant::now();
        let status = client.queue_status(queue)?;
        let Some(status) = status.filter(|status| status.running != 0) else {
            // It was stopped or deleted after it had sent these events.
            let gone = status.is_none();
            let time = last.map(|(when, time)| time + span(when, self.arrival));
            if gone {
                self.queues.entry(queue).and_modify(|ticks| ticks.running = false);
            }
            return Ok(time);
        };
        // The answer is of some instant during the request. The middle is wrong by half of it at most.
        let when = before + before.elapsed() / 2;
        let time = nanoseconds(status.time);
        self.clocks.insert(queue, (when, time));
        Ok(Some(time - span(self.arrival, when)))
    }

    /// Returns the queue that an event went through, if that is known.
    fn queue_of(&self, event: &Event) -> Option<u8> {
        if event.queue < MAX_QUEUES {
            return Some(event.queue);
        }
        // The time of an event that was not scheduled is 0.
        if event.source.client != CLIENT_DUMMY || event.time == EventTime::default() {
            return None;
        }
        let mut running = self.queues.iter().filter(|(_, ticks)| ticks.running);
        match (running.next(), running.next()) {
            (Some((queue, _)), None) => Some(*queue),
            _ => None,
        }
    }

    /// Forgets the lateness of the events so far, for a command that keeps its own account.
    pub fn forget_measured(&mut self) {
        self.measured.clear();
    }

    /// Returns the summary for the end of the output: median, 99th percentile and maximum.
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

/// Rounds nanoseconds to microseconds.
#[must_use]
pub fn micros(nanoseconds: i64) -> i64 {
    (nanoseconds + 500).div_euclid(1000)
}

fn nanoseconds(time: RealTime) -> i64 {
    i64::from(time.tv_sec) * NS_PER_SECOND + i64::from(time.tv_nsec)
}

/// Returns the nanoseconds from one instant to a later one.
fn span(from: Instant, to: Instant) -> i64 {
    i64::try_from(to.saturating_duration_since(from).as_nanos()).unwrap_or(i64::MAX)
}

/// Returns the ticks of a queue that has just been started, or `None` if it does not exist any more.
fn started(client: &Client, queue: u8) -> Result<Option<Ticks>, Fail> {
    let Some(tempo) = client.queue_tempo(queue)? else { return Ok(None) };
    let base = if tempo.tempo_base == 0 { 1000 } else { i64::from(tempo.tempo_base) };
    let ppq = tempo.ppq;
    let length = tick_length(tempo.tempo, ppq, base);
    Ok(length.map(|length| Ticks { tick: 0, nanoseconds: 0, length, ppq, base, running: true }))
}

/// Returns the length of a tick in nanoseconds, as queues compute it, or `None` for a tempo that they ignore.
fn tick_length(tempo: u32, ppq: i32, base: i64) -> Option<i64> {
    let tempo = i64::from(tempo.cast_signed());
    let length = (tempo > 0).then(|| (tempo * base).checked_div(ppq.into()))??;
    Some(length.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::Address;
    use aseqd_abi::event::EventData;

    const TICKS: Ticks =
        Ticks { tick: 0, nanoseconds: 0, length: 5_208_333, ppq: 96, base: 1000, running: true };

    #[test]
    fn ticks_are_on_the_clock_across_changes_of_tempo() {
        assert_eq!(tick_length(500_000, 96, 1000), Some(5_208_333));
        assert_eq!(TICKS.time_of(96), 499_999_968);
        // Each change counts with its own tempo, however late its echo is looked at.
        let then = TICKS.with_tempo(96, 96_000).with_tempo(106, 960_000);
        assert_eq!(then.time_of(106), 499_999_968 + 10 * 1_000_000);
        assert_eq!(then.time_of(107), 499_999_968 + 10 * 1_000_000 + 10_000_000);
        assert_eq!(then.with_tempo(110, 0), then, "an illegal tempo is echoed and ignored");
        assert_eq!(then.with_tempo(110, u32::MAX), then);
    }

    #[test]
    fn what_came_through_another_client_belongs_to_the_one_queue_that_runs() {
        let mut lateness = Lateness::default();
        let mut event = Event::direct(EventType::NOTEON);
        event.data = EventData::default();
        event.source = Address::new(CLIENT_DUMMY, 0);
        event.time = EventTime::tick(5);
        assert_eq!(lateness.queue_of(&event), None);
        lateness.queues.insert(3, TICKS);
        assert_eq!(lateness.queue_of(&event), Some(3));
        let live = Event { time: EventTime::default(), ..event };
        assert_eq!(lateness.queue_of(&live), None, "played by hand, as far as one can tell");
        assert_eq!(lateness.queue_of(&Event { source: Address::new(130, 0), ..event }), None);
        lateness.queues.insert(4, Ticks { running: false, ..TICKS });
        assert_eq!(lateness.queue_of(&event), Some(3));
        lateness.queues.insert(5, TICKS);
        assert_eq!(lateness.queue_of(&event), None);
        assert_eq!(lateness.queue_of(&Event { queue: 4, ..event }), Some(4));
        lateness.lost();
        assert_eq!(lateness.queue_of(&event), None);
    }

    #[test]
    fn the_summary_has_median_and_most() {
        let lateness = Lateness { measured: vec![5000, 1000, 3000], ..Lateness::default() };
        assert_eq!(lateness.summary(), "; lateness of 3: median 3 us, 99% 5 us, most 5 us");
        assert_eq!(Lateness::default().summary(), ", none with a known lateness");
    }
}
