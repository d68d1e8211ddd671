//! Clicks while music is recorded.

use crate::select::refusal;
use crate::time_signature::TimeSignature;
use aseqd_abi::event::{EventData, Note};
use aseqd_abi::seq::{PortCaps, PortType};
use aseqd_abi::{Address, Event, EventType};
use aseqd_client::Client;
use aseqd_client::event::{EventExt as _, note_off, note_on};
use aseqd_host::error::Fail;

/// The channel of drums in General MIDI, from 0.
const CHANNEL: u8 = 9;
/// The bell and the click of a metronome in General MIDI (Level 2 has these keys for it).
const BELL: u8 = 34;
const CLICK: u8 = 33;
const VELOCITY: u8 = 100;
/// How many bars are in the queue. With one of them, a recorder that wakes late would lose clicks.
const BARS_AHEAD: u32 = 2;

/// A metronome that plays to a port.
#[derive(Debug)]
pub(super) struct Metronome {
    port: Address,
    dest: Address,
    signature: TimeSignature,
    /// The queue, once the clicks go through one.
    queue: Option<u8>,
    beat: u32,
    /// The tick of the next bar that is not in the queue yet.
    next: u32,
}

impl Metronome {
    /// Connects a port of its own to the port that clicks.
    ///
    /// # Errors
    /// A message if the port cannot be played to.
    pub(super) fn new(
        client: &Client,
        dest: Address,
        signature: TimeSignature,
    ) -> Result<Self, Fail> {
        let caps = PortCaps::WRITE | PortCaps::NO_EXPORT;
        let port = client.create_port("metronome", caps, PortType::APPLICATION)?;
        client.connect(port, dest).map_err(|error| {
            Fail::new(format!("{dest} cannot be the metronome: {}", refusal(&error)))
        })?;
        Ok(Self { port, dest, signature, queue: None, beat: 1, next: 0 })
    }

    /// Returns the port that clicks are sent from.
    pub(super) fn port(&self) -> Address {
        self.port
    }

    /// Returns whether the clicks go through a queue.
    pub(super) fn is_started(&self) -> bool {
        self.queue.is_some()
    }

    /// Clicks with a queue that this client uses, from its bar at or after this tick on.
    ///
    /// # Errors
    /// A message if the sequencer has ended.
    pub(super) fn follow(
        &mut self,
        client: &Client,
        queue: u8,
        ppq: u32,
        tick: u32,
    ) -> Result<(), Fail> {
        let bar = self.signature.bar(ppq);
        self.queue = Some(queue);
        self.beat = self.signature.beat(ppq);
        self.next = tick.div_ceil(bar).saturating_mul(bar);
        for _ in 0..BARS_AHEAD {
            self.bar(client)?;
        }
        Ok(())
    }

    /// Puts one more bar into the queue, since one has begun.
    ///
    /// # Errors
    /// A message if the sequencer has ended.
    pub(super) fn bar(&mut self, client: &Client) -> Result<(), Fail> {
        let Some(queue) = self.queue else { return Ok(()) };
        let mut events = Vec::new();
        for number in 0..u32::from(self.signature.numerator) {
            let tick = self.next.saturating_add(number * self.beat);
            let data = EventData::from_note(Note {
                channel: CHANNEL,
                note: if number == 0 { BELL } else { CLICK },
                velocity: VELOCITY,
                off_velocity: 0,
                duration: self.beat / 2,
            });
            let click = Event { data, ..Event::direct(EventType::NOTE) };
            events.push(click.sent_from(self.port).sent_to(self.dest).at_tick(queue, tick));
        }
        let echo = Event::direct(EventType::ECHO);
        events.push(echo.sent_from(self.port).sent_to(self.port).at_tick(queue, self.next));
        let beats = u32::from(self.signature.numerator);
        self.next = self.next.saturating_add(self.beat.saturating_mul(beats));
        // The queue has room for hundreds of clicks. One that does not fit is left out.
        let _full = client.send_all(&events);
        Ok(())
    }

    /// Clicks with a MIDI clock, which has just begun this quarter note's part: `clock` counts its messages from 1.
    pub(super) fn clock(&self, client: &Client, clock: u64) {
        let clocks = u64::from(self.signature.beat(24)).max(1);
        let (beat, into) = ((clock.max(1) - 1) / clocks, (clock.max(1) - 1) % clocks);
        let key = if beat.is_multiple_of(self.signature.numerator.into()) { BELL } else { CLICK };
        let event = match into {
            0 => note_on(CHANNEL, key, VELOCITY),
            _ if into == clocks / 2 => note_off(CHANNEL, key, 0),
            _ => return,
        };
        // It fails if the port does not exist any more, or is full.
        let _full = client.send(&event.sent_from(self.port).sent_to(self.dest));
    }

    /// Ends a click that sounds.
    pub(super) fn silence(&self, client: &Client) {
        for key in [BELL, CLICK] {
            // It fails if the port does not exist any more, or is full.
            let off = note_off(CHANNEL, key, 0).sent_from(self.port).sent_to(self.dest);
            let _full = client.send(&off);
        }
    }
}
