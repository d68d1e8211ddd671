//! Classes of packets.

use crate::class::Class;
use crate::legacy::{CONTROLLERS, VALUES, any_flags};
use crate::record::Record;
use crate::rng::Rng;
use aseqd_abi::{EventFlags, EventType};

/// Statuses of MIDI 2.0 channel messages that other forms have something for.
const KNOWN_MIDI2: [u32; 9] = [0x2, 0x3, 0x8, 0x9, 0xa, 0xb, 0xc, 0xd, 0xe];

/// Returns the classes.
pub(crate) fn classes() -> Vec<Class> {
    let mut classes = Vec::new();
    for message_type in [0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] {
        classes.push(Class::packets(format!("type{message_type}"), 512, move |_, rng| {
            let [_, rest @ ..] = words(rng);
            first(message_type << 28 | rng.word() >> 4, rest)
        }));
    }
    for status in 0xf0..=0xff_u32 {
        let count = if status == 0xf2 { 1 << 14 } else { 1 << 11 };
        classes.push(Class::packets(format!("system-{status:x}"), count, move |index, rng| {
            let [low, high] = halves(scattered(index, 14));
            one(1 << 28 | group(rng) | status << 16 | low << 8 | high)
        }));
    }
    classes.push(Class::packets("system-other", 0xf0 * 8, |index, rng| {
        let bytes = rng.word() & 0xffff;
        one(1 << 28 | group(rng) | (index % 0xf0) << 16 | bytes)
    }));
    for status in 0..=0xf_u32 {
        let count = if status < 8 { 1 << 10 } else { 1 << 14 };
        classes.push(Class::packets(format!("midi1-{status:x}"), count, move |index, rng| {
            let [low, high] = halves(scattered(index, 14));
            one(2 << 28 | group(rng) | status << 20 | channel(rng) | low << 8 | high)
        }));
        classes.push(Class::packets(format!("sysex7-{status:x}"), 1 << 9, move |index, rng| {
            let [a, b, ..] = words(rng);
            let head = 3 << 28 | group(rng) | status << 20 | (index % 16) << 16;
            first(head | a & 0x7f7f, [b & 0x7f7f_7f7f, 0, 0])
        }));
        let count = if KNOWN_MIDI2.contains(&status) { 1 << 16 } else { 1 << 10 };
        classes.push(Class::packets(format!("midi2-{status:x}"), count, move |index, rng| {
            // All numbers of 14 bits, and all values of 16, in another order.
            let [low, high] = halves(index);
            let head = 4 << 28 | group(rng) | status << 20 | channel(rng) | high << 8 | low;
            let value = scattered(index, 16) << 16 | rng.word() >> 16;
            first(head, [value, 0, 0])
        }));
    }
    classes.push(Class::packets("random", 1_000_000, |_, rng| Record::packet(words(rng))));
    classes.push(Class::packets("random-midi", 200_000, |_, rng| {
        let [head, rest @ ..] = words(rng);
        first((rng.below(4) + 1) << 28 | head >> 4, rest).with_random_head(rng)
    }));
    classes.push(Class::packets("flags", 1 << 12, flags));
    classes.push(Class::packets("banks", 100_000, |_, rng| controller(rng)));
    classes.push(Class::packets("banks-mixed", 50_000, |_, rng| match rng.below(3) {
        0 => crate::legacy::controller(rng),
        1 => {
            let [_, b, c, d] = words(rng);
            first((4 << 4 | rng.pick(&[0, 5])) << 24 | (rng.word() & 0xff_ffff), [b, c, d])
        }
        _ => controller(rng),
    }));
    classes
}

/// Returns a packet with any flags and any type.
fn flags(_index: u32, rng: &mut Rng) -> Record {
    let [head, rest @ ..] = words(rng);
    let mut record = first((rng.below(4) + 1) << 28 | head >> 4, rest).with_random_head(rng);
    if let Record::Ump(event) = &mut record {
        event.flags = any_flags(rng) | EventFlags::UMP;
        event.event_type = EventType(rng.byte());
    }
    record
}

/// Returns a control or program change of MIDI 1.0, mostly of the controllers that MIDI 2.0 has messages for.
fn controller(rng: &mut Rng) -> Record {
    let head = 2 << 28 | rng.pick(&[0, 5]) << 24 | rng.pick(&[0, 1, 9]) << 16;
    let value = rng.pick(&VALUES);
    one(match rng.below(8) {
        0 => head | 0xc << 20 | value << 8,
        1 => head | 0xb << 20 | rng.below(128) << 8 | value,
        _ => head | 0xb << 20 | rng.pick(&CONTROLLERS) << 8 | value,
    })
}

/// Returns four random words.
fn words(rng: &mut Rng) -> [u32; 4] {
    [rng.word(), rng.word(), rng.word(), rng.word()]
}

/// Returns a packet of one word.
fn one(word: u32) -> Record {
    Record::packet([word, 0, 0, 0])
}

/// Returns a packet.
fn first(word: u32, [b, c, d]: [u32; 3]) -> Record {
    Record::packet([word, b, c, d])
}

/// Returns a random group at its place.
fn group(rng: &mut Rng) -> u32 {
    rng.below(16) << 24
}

/// Returns a random channel at its place.
fn channel(rng: &mut Rng) -> u32 {
    rng.below(16) << 16
}

/// Returns the two 7-bit halves of a number of 14 bits, the lower one first.
fn halves(number: u32) -> [u32; 2] {
    [number & 0x7f, number >> 7 & 0x7f]
}

/// Maps indices to numbers of as many bits: each to another one, in no simple order.
pub(crate) fn scattered(index: u32, bits: u32) -> u32 {
    index.wrapping_mul(0x9e37) & ((1 << bits) - 1)
}
