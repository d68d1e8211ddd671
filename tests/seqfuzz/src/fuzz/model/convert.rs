//! Conversion between legacy events and UMP packets, and between the two protocols, in the model.

use super::clients::Client;
use super::packets::{
    bend, changed, down, group_of, message_type, midi1_words, packet, sysex, system_status,
    to_legacy, up, word,
};
use super::record::{Record, SYSEX, get, get_i, low8, put};
use super::world::{Done, World};

/// The port flag of a MIDI 1.0 port in a MIDI 2.0 client.
const IS_MIDI1: u32 = 8;

/// What the receiver of controllers remembers of a channel.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bank {
    rpn_set: bool,
    nrpn_set: bool,
    bank_set: bool,
    rpn: [u8; 2],
    nrpn: [u8; 2],
    data: [Option<u8>; 2],
    bank: [u8; 2],
}

impl Bank {
    fn forget(&mut self) {
        (self.rpn_set, self.nrpn_set) = (false, false);
        (self.rpn, self.data) = ([0; 2], [None; 2]);
    }

    /// Returns status, bank, index and value of a parameter if its value is there: in full, unless another number is
    /// selected now.
    fn parameter(&mut self, flush: bool) -> Option<(u32, [u8; 2], u32)> {
        let value = match self.data {
            [None, None] => return None,
            [None, _] | [_, None] if !flush => return None,
            [msb, lsb] => u32::from(msb.unwrap_or(0)) << 7 | u32::from(lsb.unwrap_or(0)),
        };
        let (status, number) = if self.rpn_set {
            (2, self.rpn)
        } else if self.nrpn_set {
            (3, self.nrpn)
        } else {
            return None;
        };
        self.forget();
        Some((status, number, value))
    }

    fn select(&mut self, registered: bool, number: [Option<u8>; 2]) {
        let to = if registered { &mut self.rpn } else { &mut self.nrpn };
        for (to, from) in to.iter_mut().zip(number) {
            *to = from.unwrap_or(*to);
        }
        if registered {
            self.rpn_set = true;
            if self.rpn == [0x7f; 2] {
                self.forget();
            }
        } else {
            self.nrpn_set = true;
        }
    }
}

impl World {
    fn is_midi1(client: &Client, port: u8) -> bool {
        client.midi_version == 1
            || client.ports.get(&port).is_some_and(|port| port.flags & IS_MIDI1 != 0)
    }

    fn bank(&mut self, event: &Record, channel: u8) -> &mut Bank {
        let (client, port) = event.dest();
        let port = self.me(client).ports.get_mut(&port).expect("a port that gets an event");
        &mut port.banks[usize::from(channel & 15)]
    }

    /// Delivers a packet to a client that wants no other form than its own.
    pub(super) fn deliver_packet(&mut self, from: u8, event: &Record, hops: u8) -> Done {
        let (number, port) = event.dest();
        let client = &self.clients[&number];
        let group = group_of(event);
        if client.group_filter & 1 << group.map_or(0, |group| group + 1) != 0 {
            return Ok(());
        }
        if client.midi_version == 0 {
            return to_legacy(event).iter().try_for_each(|event| self.give(from, event, hops));
        }
        let midi1 = Self::is_midi1(client, port);
        match (message_type(event), midi1) {
            (4, true) => {
                let packets = down(event);
                packets.iter().try_for_each(|event| self.give(from, event, hops))
            }
            (2, false) => {
                let converted = self.raise(event);
                converted.map_or(Ok(()), |event| self.give(from, &event, hops))
            }
            _ => {
                let wanted = client.ports.get(&port).map_or(0, |port| port.group);
                let mut event = event.clone();
                if wanted != 0 && group.is_some() {
                    let word = word(&event, 0) & !(15 << 24) | u32::from(wanted - 1) << 24;
                    put(&mut event.head, 16, word);
                }
                self.give(from, &event, hops)
            }
        }
    }

    /// Makes a MIDI 2.0 packet of a MIDI 1.0 one.
    fn raise(&mut self, event: &Record) -> Option<Record> {
        let first = word(event, 0);
        let [status, index, value] = [first >> 16, first >> 8, first].map(low8);
        let (low, high) = (u32::from(index), u32::from(value));
        let bank = self.bank(event, status);
        let start = 4 << 28 | first & 0x0fff_0000;
        let words = match status >> 4 {
            8 | 9 => [start | low << 8, up(high, 7, 16) << 16],
            0xa => [start | low << 8, up(high, 7, 32)],
            0xb => match index {
                at @ (0 | 32) => {
                    bank.bank_set = true;
                    bank.bank[usize::from(at == 32)] = value;
                    return None;
                }
                _ => [start | low << 8, up(high, 7, 32)],
            },
            0xc => bank.program(start, low),
            0xd => [start, up(low, 7, 32)],
            0xe => [start, up(high << 7 | low, 14, 32)],
            _ => return None,
        };
        Some(changed(event, &words))
    }

    /// Delivers a legacy event to a UMP client.
    pub(super) fn deliver_as_packets(&mut self, from: u8, event: &Record, hops: u8) -> Done {
        let (number, port) = event.dest();
        let client = &self.clients[&number];
        let group = client.ports.get(&port).map_or(0, |port| port.group);
        if client.group_filter & 1 << group != 0 {
            return Ok(());
        }
        let midi1 = Self::is_midi1(client, port);
        let group = u32::from(group.saturating_sub(1)) << 24;
        if event.kind() == SYSEX {
            let packets = sysex(event, group);
            return packets.iter().try_for_each(|event| self.give(from, event, hops));
        }
        let system = system_status(event.kind());
        let words: Vec<[u32; 2]> = if let Some((_, status)) = system {
            let value = get(&event.head, 24);
            let data = match status {
                0xf1 | 0xf3 => (value & 127) << 8,
                0xf2 => (value & 127) << 8 | value >> 7 & 127,
                _ => 0,
            };
            vec![[1 << 28 | group | u32::from(status) << 16 | data, 0]]
        } else if !(6..=16).contains(&event.kind()) || event.kind() == 9 {
            return self.give(from, event, hops);
        } else if midi1 {
            midi1_words(event, group)
        } else {
            self.midi2_words(event, group)
        };
        let mut packets = words.iter().map(|words| packet(event, words));
        packets.try_for_each(|event| self.give(from, &event, hops))
    }

    fn midi2_words(&mut self, event: &Record, group: u32) -> Vec<[u32; 2]> {
        let head = event.head;
        let channel = u32::from(head[16] & 15);
        let start = |status: u32| 4 << 28 | group | status << 20 | channel << 16;
        let (param, value) = (get(&head, 20), get_i(&head, 24));
        let seven = value.cast_unsigned() & 127;
        let note = u32::from(head[17] & 127) << 8;
        let velocity = u32::from(head[18] & 127);
        let parameter = |(status, number, value): (u32, [u8; 2], u32)| {
            let number = u32::from(number[0]) << 8 | u32::from(number[1]);
            [start(status) | number, up(value, 14, 32)]
        };
        let bank = self.bank(event, head[16]);
        let (msb, lsb) = (low8(value.cast_unsigned() >> 7) & 127, low8(seven));
        let one = match event.kind() {
            6 | 7 => {
                let status = if event.kind() == 7 || head[18] == 0 { 8 } else { 9 };
                [start(status) | note, up(velocity, 7, 16) << 16]
            }
            8 => [start(0xa) | note, up(velocity, 7, 32)],
            10 => {
                let number = low8(param) & 127;
                match bank.controller(number, [Some(lsb), None]) {
                    Some(told) => return told.map(parameter).into_iter().collect(),
                    None => [start(0xb) | u32::from(number) << 8, up(seven, 7, 32)],
                }
            }
            14 => {
                let number = low8(param) & 127;
                match bank.controller(number, [Some(msb), Some(lsb)]) {
                    Some(told) => return told.map(parameter).into_iter().collect(),
                    None if param < 32 => {
                        let one = |number: u8, value: u8| {
                            [start(0xb) | u32::from(number) << 8, up(value.into(), 7, 32)]
                        };
                        return vec![one(number, msb), one(number + 32, lsb)];
                    }
                    None => [start(0xb) | u32::from(number) << 8, up(lsb.into(), 7, 32)],
                }
            }
            11 => bank.program(start(0xc), seven),
            12 => [start(0xd), up(seven, 7, 32)],
            13 => [start(0xe), up(bend(value), 14, 32)],
            kind => {
                let number = [low8(param >> 7) & 127, low8(param) & 127];
                let status = if kind == 16 { 2 } else { 3 };
                parameter((status, number, value.cast_unsigned() & 0x3fff))
            }
        };
        vec![one]
    }
}

impl Bank {
    /// Returns the words of a program change, with the bank that was selected.
    fn program(&mut self, start: u32, program: u32) -> [u32; 2] {
        if !std::mem::take(&mut self.bank_set) {
            return [start, program << 24];
        }
        let bank = u32::from(self.bank[0]) << 8 | u32::from(self.bank[1]);
        [start | 1, program << 24 | bank]
    }

    /// Takes a controller that is remembered: one half, or both. Nothing if it is an ordinary one; else the parameter that
    /// goes out.
    fn controller(
        &mut self,
        number: u8,
        value: [Option<u8>; 2],
    ) -> Option<Option<(u32, [u8; 2], u32)>> {
        let both = value[1].is_some();
        let half = |upper: bool| match (both, upper) {
            (true, _) => value,
            (false, true) => [value[0], None],
            (false, false) => [None, value[0]],
        };
        match number {
            0 | 32 => {
                self.bank_set = true;
                let value = if both && number == 32 { [None, value[1]] } else { half(number == 0) };
                for (to, from) in self.bank.iter_mut().zip(value) {
                    *to = from.unwrap_or(*to);
                }
                Some(None)
            }
            98..=101 => {
                let told = self.parameter(true);
                self.select(number >= 100, half(number % 2 == 1));
                Some(told)
            }
            6 | 38 => {
                for (to, from) in self.data.iter_mut().zip(half(number == 6)) {
                    *to = from.or(*to);
                }
                Some(self.parameter(false))
            }
            _ => None,
        }
    }
}
