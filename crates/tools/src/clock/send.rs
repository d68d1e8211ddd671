//! Sends a clock: half a second of messages waits in a queue, so that each is delivered at its own instant.

use super::{ClockArgs, Turn};
use crate::complete::RECEIVER;
use crate::mtc::{Code, Rate};
use crate::ready::announce;
use crate::select::{ports_of, refusal};
use aseqd_abi::event::{Control, EventData};
use aseqd_abi::seq::{PortCaps, PortType, QueueTempo, RemoveEvents, RemoveMode};
use aseqd_abi::{Address, Event, EventType};
use aseqd_client::event::{EventExt as _, of_type};
use aseqd_client::{Client, Error};
use aseqd_console::say;
use aseqd_host::error::Fail;
use std::time::Duration;

/// How much is put into the queue at a time. Two of these wait there: if this command is not run for half a second, no
/// message is late. Longer pieces would need more of the pool.
const PIECE: u64 = 500_000_000;
/// The cells of the output pool: the most that a client can have, for the fastest tempo.
const CELLS: u32 = 2000;
/// Clock messages of a quarter note. A tick of the queue is the time between two of them.
const CLOCKS: i32 = 24;
/// Microseconds of a quarter note: 120 a minute.
const DEFAULT_TEMPO: u32 = 500_000;
/// The last song position that a message can say, in sixteenth notes: it has 14 bits.
const MAX_POSITION: u64 = 0x3fff;

/// What is sent, and when.
#[derive(Clone, Debug)]
struct Schedule {
    /// Nanoseconds of a quarter note, if a clock is sent.
    quarter: Option<u64>,
    rate: Option<Rate>,
    /// The frame at the start.
    frame: u64,
    /// The next clock message, and the next quarter frame.
    clock: u64,
    piece: u64,
}

impl Schedule {
    /// Returns what is due before a time, in nanoseconds from the start: clock messages at ticks, quarter frames at
    /// times, for `queue`.
    fn until(&mut self, queue: u8, time: u64) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(quarter) = self.quarter {
            while self.clock * quarter / CLOCKS.unsigned_abs() as u64 <= time {
                let tick = u32::try_from(self.clock).unwrap_or(u32::MAX);
                events.push(of_type(EventType::CLOCK).at_tick(queue, tick));
                self.clock += 1;
            }
        }
        if let Some(rate) = self.rate {
            while rate.time_of(self.piece) <= time {
                // A code takes two frames, and says the time of the first.
                let code = Code::of(rate, self.frame + self.piece / 8 * 2);
                let number = u8::try_from(self.piece % 8).unwrap_or(0);
                let event = with_value(EventType::QFRAME, code.piece(number).into());
                let due = Duration::from_nanos(rate.time_of(self.piece));
                events.push(event.at_time(queue, due));
                self.piece += 1;
            }
        }
        events
    }
}

fn with_value(event_type: EventType, value: i32) -> Event {
    let data = EventData::from_control(Control { value, ..Control::default() });
    Event { data, ..of_type(event_type) }
}

/// A client that sends.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    port: Address,
    queue: u8,
    /// The ports that were named, and are still connected.
    dests: Vec<Address>,
    schedule: Schedule,
    /// Up to when messages are in the queue.
    filled: u64,
}

impl Sender {
    /// Connects the ports and starts.
    ///
    /// # Errors
    /// A message if a port cannot be connected.
    pub(super) fn new(client: Client, args: &ClockArgs) -> Result<Self, Fail> {
        let ports = ports_of(&client, &args.ports, RECEIVER)?;
        let tempo_us = args.tempo.unwrap_or(DEFAULT_TEMPO);
        client.set_pools(CELLS, 0, 1)?;
        let caps = PortCaps::READ | PortCaps::SUBS_READ | PortCaps::WRITE;
        let kind = PortType::MIDI_GENERIC | PortType::APPLICATION;
        let port = client.create_port("clock", caps, kind)?;
        let queue = client.create_queue("aseqd clock")?;
        client.set_queue_tempo(&QueueTempo {
            queue: queue.into(),
            tempo: tempo_us,
            ppq: CLOCKS,
            ..QueueTempo::default()
        })?;
        for receiver in &ports {
            client.connect(port, receiver.address).map_err(|error| {
                Fail::new(format!("{receiver} cannot be connected: {}", refusal(&error)))
            })?;
        }
        let from = args.from.unwrap_or_default();
        let rate = args.mtc;
        let schedule = Schedule {
            quarter: (!args.no_clock).then(|| u64::from(tempo_us) * 1000),
            rate,
            frame: rate.map_or(0, |rate| rate.frame_at(from)),
            clock: 0,
            piece: 0,
        };
        let dests = ports.iter().map(|port| port.address).collect();
        let mut sender = Self { client, port, queue, dests, schedule, filled: 0 };
        sender.begin(from, tempo_us)?;
        if !args.quiet {
            sender.announce(&ports.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
        announce(&sender.client, "aseqd clock")?;
        Ok(sender)
    }

    fn announce(&self, ports: &[String]) {
        let to = match ports {
            [] => format!("what is connected to port {}", self.port),
            ports => ports.join(", "),
        };
        say(&format_args!("sending to {to}; Ctrl-C ends"));
    }

    /// Says where it begins, and starts the queue.
    fn begin(&mut self, from: Duration, tempo_us: u32) -> Result<(), Fail> {
        if let Some(rate) = self.schedule.rate {
            let code = Code::of(rate, self.schedule.frame);
            let event = of_type(EventType::SYSEX).sent_from(self.port).sent_to_subscribers();
            self.client.send_with_data(&event, &code.full_frame())?;
        }
        if self.schedule.quarter.is_some() {
            let sixteenths = from.as_micros() * 4 / u128::from(tempo_us);
            let sixteenths = u64::try_from(sixteenths).unwrap_or(u64::MAX).min(MAX_POSITION);
            if sixteenths == 0 {
                self.send(&of_type(EventType::START))?;
            } else {
                let value = i32::try_from(sixteenths).unwrap_or(0);
                self.send(&with_value(EventType::SONGPOS, value))?;
                self.send(&of_type(EventType::CONTINUE))?;
            }
        }
        self.client.start_queue(self.queue)?;
        self.fill()?;
        self.fill()
    }

    fn send(&self, event: &Event) -> Result<(), Fail> {
        Ok(self.client.send(&event.sent_from(self.port).sent_to_subscribers())?)
    }

    /// Puts the next piece into the queue, and an echo that asks for the one after the next.
    fn fill(&mut self) -> Result<(), Fail> {
        let echo = of_type(EventType::ECHO).sent_from(self.port).sent_to(self.port);
        let echo = echo.at_time(self.queue, Duration::from_nanos(self.filled));
        self.filled += PIECE;
        let events = self.schedule.until(self.queue, self.filled);
        let to_all = |event: Event| event.sent_from(self.port).sent_to_subscribers();
        let mut all: Vec<Event> = events.into_iter().map(to_all).collect();
        all.push(echo);
        let mut sent = 0;
        while sent < all.len() {
            match self.client.send_all(&all[sent..]) {
                Ok(taken) => sent += taken,
                Err(error) if error.would_block() => {
                    self.client.wait_for_room(None)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Puts pieces into the queue until two wait there.
    fn keep_filled(&mut self) -> Result<(), Fail> {
        let time = self.client.queue_status(self.queue)?.unwrap_or_default().time;
        let now = u64::from(time.tv_sec) * 1_000_000_000 + u64::from(time.tv_nsec);
        while self.filled < now + 2 * PIECE {
            self.fill()?;
        }
        Ok(())
    }

    /// Notes that a port is not connected any more.
    ///
    /// # Errors
    /// A message if it is the last one of those that were named.
    fn lost(&mut self, dest: Address) -> Result<(), Fail> {
        let before = self.dests.len();
        self.dests.retain(|named| *named != dest);
        let what = "was disconnected, or does not exist any more";
        match self.dests.len() {
            left if left == before => Ok(()),
            0 => Err(Fail::new(format!("port {dest} {what}"))),
            _ => {
                say(&format_args!("port {dest} {what}; the others go on"));
                Ok(())
            }
        }
    }

    /// Ends the clock: what waits is not sent any more.
    ///
    /// # Errors
    /// A message if the sequencer has ended.
    pub(super) fn stop(&self) -> Result<(), Fail> {
        let remove_mode = RemoveMode::OUTPUT.bits();
        self.client.remove_events(&RemoveEvents { remove_mode, ..RemoveEvents::default() })?;
        if self.schedule.quarter.is_some() {
            self.send(&of_type(EventType::STOP))?;
        }
        Ok(())
    }
}

impl Turn for Sender {
    fn client(&self) -> &Client {
        &self.client
    }

    fn turn(&mut self) -> Result<(), Fail> {
        let mut due = false;
        loop {
            match self.client.read_event() {
                Ok(Some((event, _))) => match event.event_type {
                    EventType::ECHO if event.source == self.port => due = true,
                    EventType::PORT_UNSUBSCRIBED if event.data.connect().sender == self.port => {
                        self.lost(event.data.connect().dest)?;
                    }
                    _ => {}
                },
                Ok(None) => break,
                // Somebody floods this client. The echo may be lost, too.
                Err(Error::EventsLost) => due = true,
                Err(error) => return Err(error.into()),
            }
        }
        if due {
            self.keep_filled()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_scheduled_once() {
        let mut schedule = Schedule {
            quarter: Some(500_000_000),
            rate: Some(Rate::Pal),
            frame: 50,
            clock: 0,
            piece: 0,
        };
        let first = schedule.until(3, 500_000_000);
        let second = schedule.until(3, 1_000_000_000);
        let clocks = |events: &[Event]| -> Vec<u32> {
            let clocks = events.iter().filter(|event| event.event_type == EventType::CLOCK);
            clocks.map(|event| event.time.tick_or_sec).collect()
        };
        assert_eq!(clocks(&first), (0..=24).collect::<Vec<_>>());
        assert_eq!(clocks(&second), (25..=48).collect::<Vec<_>>());
        let frames = |events: &[Event]| -> Vec<Event> {
            let is_frame = |event: &&Event| event.event_type == EventType::QFRAME;
            events.iter().filter(is_frame).copied().collect()
        };
        let (first, second) = (frames(&first), frames(&second));
        assert_eq!((first.len(), second.len()), (51, 50));
        let mut reader = crate::mtc::Reader::default();
        let codes: Vec<_> = first
            .iter()
            .chain(&second)
            .filter_map(|event| reader.take(u8::try_from(event.data.control().value).unwrap()))
            .map(|code| code.to_string())
            .collect();
        assert_eq!(codes[..3], ["00:00:02:00", "00:00:02:02", "00:00:02:04"]);
        assert_eq!(codes.len(), 12);
        assert_eq!((second[49].time.tick_or_sec, second[49].time.nsec), (1, 0));
    }
}
