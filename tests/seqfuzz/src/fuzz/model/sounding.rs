//! The notes and pedals that clients leave behind, in the model of a server that ends them.

use super::packets::{group_of, midi1_words, packet, to_legacy};
use super::record::{DIRECT, NOTEOFF, NOTEON, Place, Record, get, get_i, put};
use super::world::World;
use std::collections::BTreeSet;

/// At how many ports a client's notes are tracked.
const PORTS: usize = 64;
const CONTROLLER: u8 = 10;
const RESET: u8 = 41;
/// The controllers that hold notes.
const PEDALS: [u32; 3] = [64, 66, 69];
/// The velocity of the note-offs.
const VELOCITY: u8 = 64;

/// What a client has begun at a port, and not ended.
#[derive(Clone, Debug)]
pub(super) struct Sounding {
    dest: Place,
    /// The group of the packets that began it; nothing for legacy events.
    group: Option<u8>,
    /// The port that sent last.
    source: Place,
    /// Channel and note.
    notes: BTreeSet<(u8, u8)>,
    /// Pedal and channel.
    pedals: BTreeSet<(u32, u8)>,
}

impl Sounding {
    fn take(&mut self, event: &Record) {
        let head = event.head;
        let channel = head[16];
        self.source = event.source();
        match event.kind() {
            RESET => {
                self.notes.clear();
                self.pedals.clear();
            }
            // There are 16 channels of 128 notes.
            _ if channel > 15 => {}
            CONTROLLER => match get(&head, 20) {
                120 | 123..=127 => self.notes.retain(|(other, _)| *other != channel),
                121 => self.pedals.retain(|(_, other)| *other != channel),
                pedal if PEDALS.contains(&pedal) && get_i(&head, 24) >= 64 => {
                    self.pedals.insert((pedal, channel));
                }
                pedal => {
                    self.pedals.remove(&(pedal, channel));
                }
            },
            _ if head[17] > 127 => {}
            NOTEON if head[18] > 0 => {
                self.notes.insert((channel, head[17]));
            }
            _ => {
                self.notes.remove(&(channel, head[17]));
            }
        }
    }

    fn ends(&self) -> Vec<Record> {
        let event = |kind: u8, channel: u8| {
            let mut event = Record::told(kind, 0, &[channel]);
            (event.head[12], event.head[13]) = self.source;
            event.set_dest(self.dest);
            event
        };
        let notes = self.notes.iter().map(|(channel, note)| {
            let mut off = event(NOTEOFF, *channel);
            (off.head[17], off.head[18]) = (*note, VELOCITY);
            off
        });
        let pedals = self.pedals.iter().map(|(pedal, channel)| {
            let mut up = event(CONTROLLER, *channel);
            put(&mut up.head, 20, *pedal);
            up
        });
        notes.chain(pedals).collect()
    }
}

impl World {
    /// Notes an event that was delivered.
    pub(super) fn sounds(&mut self, event: &Record) {
        // The ports of the system are not watched.
        if !self.settings.notes_off || event.dest().0 == 0 {
            return;
        }
        let Some(all) = self.sounding.get_mut(&event.source().0) else { return };
        let group = group_of(event);
        let told = if event.packet { to_legacy(event) } else { vec![event.clone()] };
        for event in told {
            let begins = match event.kind() {
                NOTEON => event.head[18] > 0,
                CONTROLLER => get_i(&event.head, 24) >= 64,
                NOTEOFF | RESET => false,
                _ => continue,
            };
            let dest = event.dest();
            let at = all.iter().position(|one| (one.dest, one.group) == (dest, group));
            let at = match at {
                Some(at) => at,
                None if begins && all.len() < PORTS => {
                    let (notes, pedals) = (BTreeSet::new(), BTreeSet::new());
                    all.push(Sounding { dest, group, source: event.source(), notes, pedals });
                    all.len() - 1
                }
                None => continue,
            };
            all[at].take(&event);
            if all[at].notes.is_empty() && all[at].pedals.is_empty() {
                // The last port takes its place: in this order the ends come.
                all.swap_remove(at);
            }
        }
    }

    /// Ends what a client that is gone has begun.
    pub(super) fn end_sounding(&mut self, client: u8) {
        for one in self.sounding.remove(&client).unwrap_or_default() {
            for mut event in one.ends() {
                let packets = match one.group {
                    None => vec![event],
                    Some(group) => {
                        event.head[3] = DIRECT;
                        let words = midi1_words(&event, u32::from(group) << 24);
                        words.iter().map(|words| packet(&event, words)).collect()
                    }
                };
                for mut event in packets {
                    let _lost = self.deliver(client, &mut event, 0);
                }
            }
        }
    }

    /// Forgets what sounds at ports that are gone.
    pub(super) fn forget_sounding(&mut self, gone: impl Fn(Place) -> bool) {
        for all in self.sounding.values_mut() {
            all.retain(|one| !gone(one.dest));
        }
    }
}
