//! UMP packets, and legacy events that a UMP client gets as packets.
//!
//! What Linux remembers for a port between packets (banks, RPN and NRPN) only shows in sequences, so most packets come
//! in such.

use super::Generator;
use crate::program::{Arguments, Value, number};

/// Flag of an event record that has a UMP packet.
pub(super) const UMP: i64 = 0x20;
/// Flag of an event of variable length.
const VARIABLE: i64 = 4;
/// Controllers that choose a bank or a parameter, or change the value of a parameter.
const SPECIAL: &[i64] = &[0, 32, 98, 99, 100, 101, 6, 38];

impl Generator {
    /// Returns the records of one write by a UMP client.
    pub(super) fn packets(&mut self, own: usize) -> Vec<Arguments> {
        let route = self.route(own);
        let packets: Vec<Vec<i64>> = match self.rng.below(10) {
            0..4 => vec![self.packet()],
            4..6 => (0..2 + self.rng.below(5)).map(|_| self.packet()).collect(),
            6..9 => self.parameter_packets(),
            _ => self.sysex_packets(),
        };
        packets
            .into_iter()
            .map(|words| {
                let route = if self.rng.chance(5) { self.route(own) } else { route.clone() };
                self.record(route, &words)
            })
            .collect()
    }

    /// Returns legacy events, with those that a conversion treats in a way of its own more often.
    pub(super) fn convertible_events(&mut self, own: usize) -> Vec<Arguments> {
        let route = self.route(own);
        let count = 1 + self.rng.below(8);
        let channel = self.channel();
        (0..count).map(|_| self.convertible(route.clone(), channel)).collect()
    }

    /// Returns where events go and when: everything of a record but its flags' type and data.
    fn route(&mut self, own: usize) -> Arguments {
        let mut route = Arguments::new();
        let mut flags = 0;
        let direct = self.rng.chance(70);
        if self.rng.chance(10) {
            flags |= 16;
        }
        if !direct || self.rng.chance(10) {
            self.time(&mut route, &mut flags);
        }
        route.insert(0, ("flags", Value::Number(flags)));
        if self.rng.chance(15) {
            let tag = self.byte();
            route.push(("tag", Value::Number(tag)));
        }
        let queue = match self.rng.below(20) {
            _ if !direct => self.queue_value(),
            0..3 => Value::Number(254),
            _ => Value::Number(253),
        };
        route.push(("queue", queue));
        if self.rng.chance(60) {
            let port = self.own_port(own);
            route.push(("source_port", port));
        }
        let (dest, port) = match self.rng.below(20) {
            0..7 => (Value::Number(254), Value::Number(0)),
            7 => self.destination(own),
            8 | 9 => (Value::Number(14), Value::Number(0)),
            _ => self.address(own),
        };
        route.push(("dest", dest));
        route.push(("dest_port", port));
        route
    }

    /// Returns the record of a packet.
    fn record(&mut self, route: Arguments, words: &[i64]) -> Arguments {
        let mut event = route;
        let mut flags = number(&event, "flags").unwrap_or(0) | UMP;
        if self.rng.chance(2) {
            flags |= self.rng.pick(&[VARIABLE, 8, 12, 0x40]);
        }
        event[0].1 = Value::Number(flags);
        // Linux ignores the type. An event for 0:0 could start a queue, and 254 and 14 are no such events.
        if self.rng.chance(6) {
            let event_type = self.rng.pick(&[5, 6, 10, 60, 130, 150, 255]);
            event.insert(0, ("type", Value::Number(event_type)));
        }
        for (name, word) in ["w0", "w1", "w2", "w3"].into_iter().zip(words) {
            event.push((name, Value::Number(*word)));
        }
        event
    }

    /// Returns a packet of any message type.
    fn packet(&mut self) -> Vec<i64> {
        let message_type = match self.rng.below(100) {
            0..32 => 2,
            32..68 => 4,
            68..78 => 3,
            78..88 => 1,
            _ => self.rng.pick(&[0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 13, 14, 15, 15]),
        };
        let group = self.group();
        let mut words = match message_type {
            1 => vec![self.system_word()],
            2 => vec![self.channel_word()],
            3 => {
                let status = self.rng.below(5).cast_signed();
                let count = self.rng.pick(&[0, 1, 2, 3, 4, 5, 6, 6, 7, 15]);
                vec![status << 20 | count << 16 | self.bits(16), self.bits(32)]
            }
            4 => {
                let word = self.channel_word();
                vec![word, self.wide()]
            }
            _ => (0..4).map(|_| self.bits(32)).collect(),
        };
        words[0] = words[0] & 0x00ff_ffff | message_type << 28 | group << 24;
        words.resize(4, 0);
        if self.rng.chance(4) {
            let word = self.bits(32);
            words[3] = word;
        }
        words
    }

    /// Returns a number of this many random bits.
    fn bits(&mut self, count: u32) -> i64 {
        (self.rng.next() & ((1_u64 << count) - 1)).cast_signed()
    }

    /// Returns a group from 0, most often one that ports have.
    fn group(&mut self) -> i64 {
        if self.rng.chance(75) { self.rng.below(3).cast_signed() } else { self.bits(4) }
    }

    fn channel(&mut self) -> i64 {
        if self.rng.chance(80) { self.rng.below(2).cast_signed() } else { self.bits(4) }
    }

    /// Returns a value of 32 bits as MIDI 2.0 has it.
    fn wide(&mut self) -> i64 {
        match self.rng.below(8) {
            0 => 0,
            1 => 0xffff_ffff,
            2 => 0x8000_0000,
            3 => self.bits(7) << 25,
            4 => self.bits(16) << 16,
            5 => self.rng.pick(&[0x01ff_ffff, 0x0200_0000, 0x7fff_ffff, 0x0003_ffff, 0x0004_0000]),
            _ => self.bits(32),
        }
    }

    /// Returns a value of 7 bits, seldom with the eighth.
    fn seven(&mut self) -> i64 {
        match self.rng.below(20) {
            0..6 => self.rng.pick(&[0, 1, 63, 64, 65, 127]),
            6 => self.bits(8),
            _ => self.bits(7),
        }
    }

    /// Returns the word of a system message. START and CONTINUE are not among them, since sent to 0:0 they would set a
    /// queue in motion.
    fn system_word(&mut self) -> i64 {
        let status = match self.rng.below(4) {
            0 => self.rng.pick(&[0xf1, 0xf2, 0xf3]),
            1 => self.rng.pick(&[0xf6, 0xf8, 0xfc, 0xfe, 0xff]),
            2 => self.rng.pick(&[0xf0, 0xf4, 0xf5, 0xf7, 0xf9, 0xfd]),
            _ => self.bits(7),
        };
        let (first, second) = (self.seven(), self.seven());
        status << 16 | first << 8 | second
    }

    /// Returns the first word of a channel message, without its message type.
    fn channel_word(&mut self) -> i64 {
        let status = match self.rng.below(10) {
            0..7 => 8 + self.rng.below(7).cast_signed(),
            7 => self.rng.pick(&[2, 3]),
            _ => self.bits(4),
        };
        let first = match status {
            11 if self.rng.chance(60) => self.rng.pick(SPECIAL),
            _ => self.seven(),
        };
        let channel = self.channel();
        status << 20 | channel << 16 | first << 8 | self.seven()
    }

    /// Returns packets that choose banks and parameters.
    fn parameter_packets(&mut self) -> Vec<Vec<i64>> {
        let (group, channel) = (self.group(), self.channel());
        let two = |status: i64, first: i64, second: i64| {
            let word = 2 << 28 | group << 24 | status << 20 | channel << 16 | first << 8 | second;
            vec![word, 0, 0, 0]
        };
        let four = |status: i64, first: i64, second: i64, value: i64| {
            let word = 4 << 28 | group << 24 | status << 20 | channel << 16 | first << 8 | second;
            vec![word, value, 0, 0]
        };
        let count = 2 + self.rng.below(7);
        (0..count)
            .map(|_| match self.rng.below(20) {
                0..12 => {
                    let controller = self.rng.pick(SPECIAL);
                    let value = if self.rng.chance(20) { 127 } else { self.seven() };
                    two(11, controller, value)
                }
                12..15 => {
                    let program = self.seven();
                    two(12, program, 0)
                }
                15 | 16 => {
                    let value = self.bits(7) << 24 | self.bits(7) << 8 | self.bits(7);
                    let has_bank = self.rng.pick(&[0, 1, 1, 3]);
                    four(12, 0, has_bank, value)
                }
                17 | 18 => {
                    let status = self.rng.pick(&[2, 3, 4, 5]);
                    let (bank, index) = (self.seven(), self.seven());
                    let value = self.wide();
                    four(status, bank, index, value)
                }
                _ => self.packet(),
            })
            .collect()
    }

    /// Returns a system exclusive message in pieces; now and then one of them is missing.
    fn sysex_packets(&mut self) -> Vec<Vec<i64>> {
        let group = self.group();
        let pieces = 1 + self.rng.below(4).cast_signed();
        let mut packets = Vec::new();
        for piece in 0..pieces {
            if self.rng.chance(5) {
                continue;
            }
            let status = match piece {
                _ if pieces == 1 => 0,
                0 => 1,
                _ if piece == pieces - 1 => 3,
                _ => 2,
            };
            let count = if self.rng.chance(70) { 6 } else { self.rng.below(7).cast_signed() };
            let word = 3 << 28 | group << 24 | status << 20 | count << 16;
            packets.push(vec![word | self.bits(14) & 0x7f7f, self.bits(32) & 0x7f7f_7f7f, 0, 0]);
        }
        packets
    }

    fn convertible(&mut self, route: Arguments, channel: i64) -> Arguments {
        let mut event = route;
        let event_type = match self.rng.below(20) {
            0..4 => self.rng.pick(&[6, 6, 7, 8]),
            4..10 => 10,
            10 | 11 => 11,
            12 => 12,
            13 => 13,
            14 | 15 => 14,
            16 => 15,
            17 => 16,
            18 => self.rng.pick(&[20, 21, 22, 23, 24, 36, 40, 41, 42, 9, 17, 50, 90, 99]),
            _ => 130,
        };
        event.insert(0, ("type", Value::Number(event_type)));
        if event_type == 130 {
            let bytes = self.sysex_bytes();
            let flags = number(&event, "flags").unwrap_or(0) | VARIABLE;
            event[1].1 = Value::Number(flags);
            event.push(("len", Value::Number(i64::try_from(bytes.len()).unwrap_or(0))));
            event.push(("bytes", Value::Bytes(bytes)));
            return event;
        }
        let channel = if self.rng.chance(5) { self.byte() } else { channel };
        event.push(("channel", Value::Number(channel)));
        if event_type < 10 {
            for name in ["note", "velocity"] {
                let value = self.seven();
                event.push((name, Value::Number(value)));
            }
            return event;
        }
        let (parameter, value) = match event_type {
            10 | 14 if self.rng.chance(75) => (self.rng.pick(SPECIAL), self.fourteen()),
            10 | 14 => (self.seven(), self.fourteen()),
            15 | 16 => (self.fourteen(), self.fourteen()),
            13 => (0, self.fourteen() - 0x2000),
            _ => (0, self.fourteen()),
        };
        let wild = self.rng.chance(4);
        let parameter = if wild { self.edge() & 0xffff_ffff } else { parameter };
        let wild = self.rng.chance(4);
        let value = if wild { self.edge() } else { value };
        event.push(("value", Value::Number(parameter)));
        event.push(("value2", Value::Number(value & 0xffff_ffff)));
        event
    }

    /// Returns a value of 14 bits, most often of 7.
    fn fourteen(&mut self) -> i64 {
        match self.rng.below(8) {
            0 => self.rng.pick(&[0, 1, 0x1fff, 0x2000, 0x2001, 0x3fff, 0x3f80]),
            1 | 2 => self.bits(14),
            _ => self.seven(),
        }
    }

    /// Returns bytes of a system exclusive message, or of a part of one.
    fn sysex_bytes(&mut self) -> Vec<u8> {
        let len = match self.rng.below(10) {
            0 => 0,
            1..7 => self.rng.below(15),
            7 | 8 => self.rng.below(80),
            _ => self.rng.pick(&[5, 6, 7, 11, 12, 13, 200, 1190, 1200]),
        };
        let mut bytes = Vec::new();
        if self.rng.chance(80) {
            bytes.push(0xf0);
        }
        for _ in 0..len {
            let byte = if self.rng.chance(1) { self.bits(8) } else { self.bits(7) };
            bytes.push(byte.to_le_bytes()[0]);
        }
        if self.rng.chance(80) {
            bytes.push(0xf7);
        }
        bytes
    }
}
