//! UMP packets and legacy events in the model, as words: what does not depend on what a receiver remembers.

use super::record::{LENGTH, Record, SYSEX, UMP, VARIABLE, get, get_i, low8, put, put_i};

/// Returns the first word of a packet.
pub(super) fn word(event: &Record, index: usize) -> u32 {
    get(&event.head, 16 + 4 * index)
}

pub(super) fn message_type(event: &Record) -> u32 {
    word(event, 0) >> 28
}

/// Returns the group of a packet of a type that has one.
pub(super) fn group_of(event: &Record) -> Option<u8> {
    if !event.packet || matches!(message_type(event), 0 | 15) {
        return None;
    }
    Some(low8(word(event, 0) >> 24 & 15))
}

pub(super) const fn up(value: u32, from: u32, to: u32) -> u32 {
    // The lower half by zeros behind the value, the upper half by its own bits again.
    let centre = 1 << (from - 1);
    let mut result = value << (to - from);
    if value <= centre {
        return result;
    }
    let repeat = value & (centre - 1);
    let bits = from - 1;
    let mut shift = (to - from).cast_signed() - bits.cast_signed();
    while shift > -bits.cast_signed() {
        result |= if shift >= 0 { repeat << shift } else { repeat >> -shift };
        shift -= bits.cast_signed();
    }
    result
}

/// Returns a packet with the header of a legacy event.
pub(super) fn packet(event: &Record, words: &[u32]) -> Record {
    let mut told = changed(event, words);
    told.head[0] = 0;
    told.head[1] = event.head[1] & !LENGTH | UMP;
    told
}

/// Returns a packet with the header of another one.
pub(super) fn changed(event: &Record, words: &[u32]) -> Record {
    let mut told = Record { head: event.head, packet: true, body: Vec::new() };
    told.head[16..].fill(0);
    for (index, word) in words.iter().enumerate() {
        put(&mut told.head, 16 + 4 * index, *word);
    }
    told
}

/// Returns a legacy event with the header, and the unused bytes, of a packet.
pub(super) fn legacy(event: &Record, kind: u8) -> Record {
    let mut told = event.clone();
    told.packet = false;
    told.head[0] = kind;
    told.head[1] = 0;
    told.head[28..].fill(0);
    told
}

/// Returns a bend as 14 bits.
pub(super) fn bend(value: i32) -> u32 {
    value.wrapping_add(8192).clamp(0, 0x3fff).cast_unsigned()
}

/// Returns the type of a system message's event, and its status byte.
pub(super) fn system_status(kind: u8) -> Option<(u8, u8)> {
    SYSTEM.iter().find(|(known, _)| *known == kind).copied()
}

/// Events of system messages, and their status bytes.
const SYSTEM: [(u8, u8); 10] = [
    (22, 0xf1),
    (20, 0xf2),
    (21, 0xf3),
    (40, 0xf6),
    (36, 0xf8),
    (30, 0xfa),
    (31, 0xfb),
    (32, 0xfc),
    (42, 0xfe),
    (41, 0xff),
];

pub(super) fn midi1_words(event: &Record, group: u32) -> Vec<[u32; 2]> {
    let head = event.head;
    let channel = u32::from(head[16] & 15);
    let word = |status: u32, first: u32, second: u32| {
        [2 << 28 | group | status << 20 | channel << 16 | (first & 255) << 8 | second & 255, 0]
    };
    let (note, velocity) = (u32::from(head[17] & 127), u32::from(head[18] & 127));
    let (param, value) = (get(&head, 20), get_i(&head, 24));
    let seven = value.cast_unsigned() & 127;
    let upper = value.cast_unsigned() >> 7 & 127;
    let four = |first: u32, second: u32| {
        let parts = [(first, param >> 7 & 127), (second, param & 127), (6, upper), (38, seven)];
        parts.map(|(number, value)| word(0xb, number, value)).to_vec()
    };
    match event.kind() {
        // Of 8 bits, so 128 is not a velocity of 0, although 7 bits of it are.
        6 if head[18] > 0 => vec![word(9, note, velocity)],
        8 if head[18] > 0 => vec![word(0xa, note, velocity)],
        6..=8 => vec![word(8, note, velocity)],
        10 => vec![word(0xb, param, value.cast_unsigned())],
        11 => vec![word(0xc, seven, 0)],
        12 => vec![word(0xd, seven, 0)],
        13 => vec![word(0xe, bend(value) & 127, bend(value) >> 7)],
        14 if param < 32 => {
            vec![word(0xb, param & 127, upper), word(0xb, (param & 127) + 32, seven)]
        }
        14 => vec![word(0xb, param & 127, seven)],
        15 => four(99, 98),
        _ => four(101, 100),
    }
}

/// Returns the packets of a System Exclusive event: six bytes each. Eight bytes are looked at for each packet: 0xf0 as the first
/// of them begins a message, and 0xf7 as the last of them ends it, whatever follows in the event.
pub(super) fn sysex(event: &Record, group: u32) -> Vec<Record> {
    let mut packets = Vec::new();
    let body: &[u8] = if event.is_variable() { &event.body } else { &[] };
    let mut at = 0;
    while at < body.len() {
        let seen = body.len().min(at + 8);
        let starts = body[at] == 0xf0;
        let from = at + usize::from(starts);
        let ends = seen > from && body[seen - 1] == 0xf7 && seen - 1 - from <= 6;
        at = if ends { seen - 1 } else { seen.min(from + 6) };
        let status = match (starts, ends) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 3,
            (false, false) => 2,
        };
        let bytes = &body[from..at];
        let mut all = [0_u8; 8];
        all[0] = 0x30 | low8(group >> 24);
        all[1] = status << 4 | low8(super::record::length(bytes.len()));
        all[2..2 + bytes.len()].copy_from_slice(bytes);
        let words =
            [0, 4].map(|at| u32::from_be_bytes([all[at], all[at + 1], all[at + 2], all[at + 3]]));
        packets.push(packet(event, &words));
        if ends {
            break;
        }
    }
    packets
}

/// Returns the MIDI 1.0 packets of a MIDI 2.0 one.
pub(super) fn down(event: &Record) -> Vec<Record> {
    let [first, second] = [word(event, 0), word(event, 1)];
    let start = 2 << 28 | first & 0x0fff_0000;
    let index = first & 0xff00;
    let words = match first >> 20 & 15 {
        8 | 9 => vec![start | index | second >> 25],
        0xa | 0xb => vec![start | index | second >> 25],
        0xc => {
            let program = start | (second >> 24) << 8;
            if first & 1 == 0 {
                vec![program]
            } else {
                let control = start & !(15 << 20) | 0xb << 20;
                let (msb, lsb) = (second >> 8 & 255, second & 255);
                vec![control | msb, control | 32 << 8 | lsb, program | lsb]
            }
        }
        0xd => vec![start | (second >> 25) << 8],
        0xe => {
            let value = second >> 18;
            vec![start | (value & 127) << 8 | value >> 7]
        }
        _ => Vec::new(),
    };
    words.iter().map(|word| changed(event, &[*word])).collect()
}

/// Returns the legacy events of a packet.
pub(super) fn to_legacy(event: &Record) -> Vec<Record> {
    let [first, second] = [word(event, 0), word(event, 1)];
    let [channel, index, value] = [first >> 16 & 15, first >> 8, first].map(low8);
    let note = |kind: u8, velocity: u8| {
        let mut told = legacy(event, kind);
        (told.head[16], told.head[17], told.head[18]) = (channel, index, velocity);
        vec![told]
    };
    let control = |kind: u8, param: Option<u32>, value: i32| {
        let mut told = legacy(event, kind);
        told.head[16] = channel;
        if let Some(param) = param {
            put(&mut told.head, 20, param);
        }
        put_i(&mut told.head, 24, value);
        told
    };
    let param = Some(u32::from(index));
    match (first >> 28, first >> 20 & 15) {
        (1, _) => {
            let status = low8(first >> 16);
            let Some((kind, _)) = SYSTEM.iter().find(|(_, known)| *known == status) else {
                return Vec::new();
            };
            let mut told = legacy(event, *kind);
            match status {
                0xf1 | 0xf3 => put(&mut told.head, 24, index.into()),
                0xf2 => put(&mut told.head, 24, u32::from(value) << 7 | u32::from(index)),
                _ => {}
            }
            vec![told]
        }
        (2, 8) => note(7, value),
        (2, 9) => note(6, value),
        (2, 0xa) => note(8, value),
        (2, 0xb) => vec![control(10, param, value.into())],
        (2, 0xc) => vec![control(11, None, index.into())],
        (2, 0xd) => vec![control(12, None, index.into())],
        (2, 0xe) => vec![control(13, None, (i32::from(value) << 7 | i32::from(index)) - 8192)],
        (4, 8) => note(7, low8(second >> 25)),
        (4, 9) => note(6, low8(second >> 25).max(1)),
        (4, 0xa) => note(8, low8(second >> 25)),
        (4, 0xb) => vec![control(10, param, (second >> 25).cast_signed())],
        (4, 0xc) => {
            let program = (second >> 24).cast_signed();
            if first & 1 == 0 {
                return vec![control(11, None, program)];
            }
            let bank = (second >> 8 & 255) << 7 | second & 255;
            let bank = control(14, Some(0), bank.cast_signed());
            // The program has the unused bytes of the bank.
            let mut told = bank.clone();
            told.head[0] = 11;
            put_i(&mut told.head, 24, program);
            vec![bank, told]
        }
        (4, 0xd) => vec![control(12, None, (second >> 25).cast_signed())],
        (4, 0xe) => vec![control(13, None, (second >> 18).cast_signed() - 8192)],
        (4, status @ (2 | 3)) => {
            let number = u32::from(index) << 7 | u32::from(value);
            let kind = if status == 2 { 16 } else { 15 };
            vec![control(kind, Some(number), (second >> 18).cast_signed())]
        }
        (3, status) => {
            let len = usize::from(low8(first >> 16 & 15));
            if len > 6 {
                return Vec::new();
            }
            let bytes: Vec<u8> =
                [first, second].iter().flat_map(|word| word.to_be_bytes()).collect();
            let mut body = Vec::new();
            if matches!(status, 0 | 1) {
                body.push(0xf0);
            }
            body.extend(bytes[2..2 + len].iter().map(|byte| byte & 127));
            if matches!(status, 0 | 3) {
                body.push(0xf7);
            }
            let mut told = legacy(event, SYSEX);
            told.head[1] = VARIABLE;
            put(&mut told.head, 16, super::record::length(body.len()));
            told.head[20..28].fill(0);
            told.body = body;
            vec![told]
        }
        _ => Vec::new(),
    }
}
