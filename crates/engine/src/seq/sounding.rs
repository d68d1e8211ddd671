//! Tracks which notes and pedals of a client are on, and where, so that they can be ended when the
//! client is gone.
//!
//! Done only if [`Config::notes_off`](crate::Config::notes_off) asks for it.

use super::Seq;
use super::fifo::Message;
use super::ump::message::{event_with, packet_header, packet_of};
use alloc::vec::Vec;
use aseqd_abi::event::{Control, EventData, Note};
use aseqd_abi::{Address, Event, EventType};
use aseqd_midi::ump::{Memory, Protocol, events_of, packets_of};
use core::convert::Infallible;
use zerocopy::IntoBytes;

/// Maximum number of ports on which a client's notes are tracked at a time. They take 17 KiB for
/// each client. Notes on further ports are not ended.
const MAX_TRACKED_PORTS: usize = 64;

/// Number of channels of a port.
const CHANNELS: usize = 16;

/// The controllers that hold notes: sustain, sostenuto, hold 2.
const PEDALS: [u32; 3] = [64, 66, 69];
/// The lowest value of a pedal that is down.
const PEDAL_DOWN: i32 = 64;
/// All sound off.
const ALL_SOUND_OFF: u32 = 120;
/// Reset all controllers.
const RESET_CONTROLLERS: u32 = 121;
/// All notes off, and the mode messages that imply it.
const ALL_NOTES_OFF: core::ops::RangeInclusive<u32> = 123..=127;

/// The release velocity of senders that know none, as the MIDI standard has it.
const RELEASE_VELOCITY: u8 = 64;

/// What one client has begun and not ended, by port. Its memory is reserved from the start, because
/// events come due where nothing may allocate.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Sounding(Vec<AtPort>);

#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct AtPort {
    #[cfg_attr(feature = "serde", serde(with = "crate::state::plain"))]
    dest: Address,
    /// The client's port that sent last.
    #[cfg_attr(feature = "serde", serde(with = "crate::state::plain"))]
    source: Address,
    /// The UMP group of the packets that began it; `None` if legacy events did.
    group: Option<u8>,
    /// A bit for each note, by channel.
    notes: [u128; CHANNELS],
    /// A bit for each channel, by pedal.
    pedals: [u16; PEDALS.len()],
}

impl AtPort {
    fn is_silent(&self) -> bool {
        self.notes == [0; CHANNELS] && self.pedals == [0; PEDALS.len()]
    }

    /// Returns the notes of a channel, if that exists.
    fn channel(&mut self, channel: u8) -> Option<&mut u128> {
        self.notes.get_mut(usize::from(channel))
    }

    fn control(&mut self, control: Control) {
        let Some(notes) = self.channel(control.channel) else { return };
        let bit = 1 << control.channel;
        match control.param {
            ALL_SOUND_OFF => *notes = 0,
            param if ALL_NOTES_OFF.contains(&param) => *notes = 0,
            RESET_CONTROLLERS => self.pedals.iter_mut().for_each(|channels| *channels &= !bit),
            param => {
                let Some(pedal) = PEDALS.iter().position(|pedal| *pedal == param) else { return };
                if control.value >= PEDAL_DOWN {
                    self.pedals[pedal] |= bit;
                } else {
                    self.pedals[pedal] &= !bit;
                }
            }
        }
    }
}

impl Sounding {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(MAX_TRACKED_PORTS))
    }

    /// Notes an event of the client that was delivered, or what a packet of a group says.
    fn take(&mut self, event: &Event, group: Option<u8>) {
        let begins = match event.event_type {
            EventType::NOTEON => event.data.note().velocity > 0,
            EventType::CONTROLLER => event.data.control().value >= PEDAL_DOWN,
            EventType::NOTEOFF | EventType::RESET => false,
            _ => return,
        };
        let place =
            match self.0.iter().position(|port| (port.dest, port.group) == (event.dest, group)) {
                Some(place) => place,
                None if begins && self.0.len() < MAX_TRACKED_PORTS => {
                    let (notes, pedals) = ([0; CHANNELS], [0; PEDALS.len()]);
                    let (dest, source) = (event.dest, event.source);
                    self.0.push(AtPort { dest, source, group, notes, pedals });
                    self.0.len() - 1
                }
                None => return,
            };
        let port = &mut self.0[place];
        port.source = event.source;
        match event.event_type {
            EventType::CONTROLLER => port.control(event.data.control()),
            EventType::RESET => (port.notes, port.pedals) = ([0; CHANNELS], [0; PEDALS.len()]),
            _ => {
                let note = event.data.note();
                let bit = 1_u128.checked_shl(note.note.into()).unwrap_or(0);
                if let Some(notes) = port.channel(note.channel) {
                    *notes = if begins { *notes | bit } else { *notes & !bit };
                }
            }
        }
        if port.is_silent() {
            self.0.swap_remove(place);
        }
    }

    /// Forgets ports that are gone.
    fn forget(&mut self, gone: &dyn Fn(Address) -> bool) {
        self.0.retain(|port| !gone(port.dest));
    }

    /// Returns the events that end everything, notes, then pedals, and the group of each that must be a
    /// packet.
    fn ends(&self) -> impl Iterator<Item = (Event, Option<u8>)> {
        self.0.iter().flat_map(|port| {
            let channels = || (0_u8..).take(CHANNELS);
            let notes = channels().zip(&port.notes).flat_map(|(channel, notes)| {
                (0_u8..128).filter(move |note| notes >> note & 1 == 1).map(move |note| {
                    let velocity = RELEASE_VELOCITY;
                    let note = Note { channel, note, velocity, off_velocity: 0, duration: 0 };
                    (EventType::NOTEOFF, EventData::from_note(note))
                })
            });
            let pedals = PEDALS.iter().zip(&port.pedals).flat_map(move |(pedal, down)| {
                channels().filter(move |channel| down >> channel & 1 == 1).map(move |channel| {
                    let control = Control { channel, param: *pedal, value: 0 };
                    (EventType::CONTROLLER, EventData::from_control(control))
                })
            });
            notes.chain(pedals).map(|(event_type, data)| {
                let mut event = Event::direct(event_type);
                (event.source, event.dest, event.data) = (port.source, port.dest, data);
                (event, port.group)
            })
        })
    }
}

impl Seq {
    /// Notes an event that was delivered to a watched port.
    pub(crate) fn note_sounding(&mut self, message: &Message<'_>) {
        let is_packet = self.is_packet(&message.event);
        let Some(sounding) = self.sounding.get_mut(&message.event.source.client) else { return };
        if !is_packet {
            sounding.take(&message.event, None);
            return;
        }
        let packet = packet_of(&message.event, message.data);
        let _infallible = events_of(&packet, |event, _data| {
            let (source, dest) = (message.event.source, message.event.dest);
            sounding.take(&Event { source, dest, ..event }, Some(packet.group()));
            Ok::<_, Infallible>(())
        });
    }

    /// Ends what a client that is gone has begun.
    #[cold]
    #[inline(never)]
    pub(crate) fn end_sounding(&mut self, sounding: &Sounding) {
        for (event, group) in sounding.ends() {
            // An event that cannot be delivered is counted, as for any sender.
            let Some(group) = group else {
                let _undelivered = self.deliver(None, &mut Message::fixed(event), 0);
                continue;
            };
            let protocol = Protocol::Midi1;
            let _undelivered =
                packets_of(&event, &[], group + 1, protocol, &mut Memory::default(), |packet| {
                    let (event, last_word) = event_with(&packet_header(&event), packet);
                    let mut message = Message { event, data: last_word.as_bytes() };
                    self.deliver_special(None, &mut message, 0, true)
                });
        }
    }

    /// Forgets what sounds on ports that are gone.
    #[cold]
    #[inline(never)]
    pub(crate) fn forget_sounding(&mut self, gone: &dyn Fn(Address) -> bool) {
        for sounding in self.sounding.values_mut() {
            sounding.forget(gone);
        }
    }
}
