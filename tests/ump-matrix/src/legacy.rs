//! Classes of legacy events.

use crate::class::Class;
use crate::packets::scattered;
use crate::record::Record;
use crate::rng::Rng;
use aseqd_abi::event::{Control, EventData, EventLength, Note};
use aseqd_abi::{EventFlags, EventType};

/// Controllers that MIDI 2.0 has other messages for, and one that it has not.
pub(crate) const CONTROLLERS: [u32; 9] = [0, 6, 32, 38, 98, 99, 100, 101, 96];

/// Values of controllers: the ends and the middle, so that numbers meet again.
pub(crate) const VALUES: [u32; 7] = [0, 1, 63, 64, 65, 127, 127];

/// Event types without data of their own.
const BARE: [EventType; 7] = [
    EventType::START,
    EventType::CONTINUE,
    EventType::STOP,
    EventType::CLOCK,
    EventType::TUNE_REQUEST,
    EventType::RESET,
    EventType::SENSING,
];

/// Returns the classes.
pub(crate) fn classes() -> Vec<Class> {
    let mut classes = Vec::new();
    for event_type in [EventType::NOTEON, EventType::NOTEOFF, EventType::KEYPRESS] {
        classes.push(Class::events(name(event_type), 1 << 14, move |index, rng| {
            let [note, velocity] = [index & 0x7f, index >> 7].map(low);
            note_event(
                event_type,
                Note { channel: channel(rng), note, velocity, ..random_note(rng) },
            )
        }));
    }
    for event_type in
        [EventType::PGMCHANGE, EventType::CHANPRESS, EventType::SONGSEL, EventType::QFRAME]
    {
        classes.push(Class::events(name(event_type), 1 << 11, move |index, rng| {
            control_event(event_type, channel(rng), rng.word(), (index & 0x7f).cast_signed())
        }));
    }
    classes.push(Class::events(name(EventType::CONTROLLER), 1 << 14, |index, rng| {
        let (param, value) = (index & 0x7f, (index >> 7).cast_signed());
        control_event(EventType::CONTROLLER, channel(rng), param, value)
    }));
    classes.push(Class::events(name(EventType::PITCHBEND), 1 << 14, |index, rng| {
        control_event(EventType::PITCHBEND, channel(rng), rng.word(), index.cast_signed() - 8192)
    }));
    classes.push(Class::events(name(EventType::SONGPOS), 1 << 14, |index, rng| {
        control_event(EventType::SONGPOS, channel(rng), rng.word(), index.cast_signed())
    }));
    for (event_type, params) in
        [(EventType::CONTROL14, 7), (EventType::NONREGPARAM, 14), (EventType::REGPARAM, 14)]
    {
        classes.push(Class::events(name(event_type), 1 << 16, move |index, rng| {
            // All numbers, and all values of 14 bits, in another order.
            let param = index & ((1 << params) - 1);
            control_event(event_type, channel(rng), param, scattered(index, 14).cast_signed())
        }));
    }
    classes
        .push(Class::events("bare", 1 << 10, |_, rng| Record::event(rng.pick(&BARE), data(rng))));
    classes.push(Class::events("types", 256 * 8, |index, rng| {
        Record::event(EventType(low(index)), data(rng)).with_random_head(rng)
    }));
    classes.push(Class::events("random", 200_000, |_, rng| {
        let event_type = EventType(low(rng.below(38) + 5));
        Record::event(event_type, data(rng)).with_random_head(rng)
    }));
    classes.push(Class::events("near", 100_000, |_, rng| {
        let event_type = EventType(low(rng.below(18) + 6));
        let value = rng.below(0x8000).cast_signed() - 0x4000;
        control_event(event_type, rng.byte(), rng.below(400), value)
    }));
    classes.push(Class::events("flags", 1 << 12, |_, rng| {
        let record =
            Record::event(EventType(low(rng.below(140))), EventData::from_ext_len(rng.below(4)));
        with_any_flags(record, rng)
    }));
    classes.push(Class::events("banks", 100_000, |_, rng| controller(rng)));
    classes.push(
        Class::events("sysex", 301, |index, rng| {
            let mut bytes: Vec<u8> = (0..index).map(|_| rng.byte() & 0x7f).collect();
            bytes.insert(0, 0xf0);
            bytes.push(0xf7);
            Record::variable(EventType::SYSEX, bytes).with_random_head(rng)
        })
        .with_cells(52),
    );
    classes.push(
        Class::events("sysex-pieces", 1 << 14, |_, rng| {
            let len = rng.below(40);
            let bytes = (0..len).map(|_| match rng.below(12) {
                0 => 0xf0,
                1 => 0xf7,
                2 => rng.byte(),
                _ => rng.byte() & 0x7f,
            });
            Record::variable(EventType::SYSEX, bytes.collect()).with_random_head(rng)
        })
        .with_cells(40),
    );
    classes.push(
        Class::events("variable", 1 << 9, |index, rng| {
            let event_type = EventType(low(128 + index % 14));
            let len = rng.below(70);
            let bytes = (0..len).map(|_| rng.byte()).collect();
            Record::variable(event_type, bytes).with_random_head(rng)
        })
        .with_cells(12),
    );
    classes
}

/// Returns the class name of a type.
fn name(event_type: EventType) -> String {
    event_type.name().unwrap_or("none").to_ascii_lowercase()
}

/// Returns the low 8 bits.
const fn low(number: u32) -> u8 {
    number.to_le_bytes()[0]
}

/// Returns a channel, mostly one of 16.
fn channel(rng: &mut Rng) -> u8 {
    let byte = rng.byte();
    if byte & 0xc0 == 0 { rng.byte() } else { byte & 0xf }
}

/// Returns random data bytes.
fn data(rng: &mut Rng) -> EventData {
    let mut data = EventData::default();
    data.0.fill_with(|| rng.byte());
    data
}

/// Returns a note with random fields that no conversion should look at.
fn random_note(rng: &mut Rng) -> Note {
    Note { off_velocity: rng.byte(), duration: rng.word(), ..Note::default() }
}

fn note_event(event_type: EventType, note: Note) -> Record {
    Record::event(event_type, EventData::from_note(note))
}

fn control_event(event_type: EventType, channel: u8, param: u32, value: i32) -> Record {
    Record::event(event_type, EventData::from_control(Control { channel, param, value }))
}

/// Returns any flags, but none that say that the data is in the program's memory.
pub(crate) fn any_flags(rng: &mut Rng) -> EventFlags {
    let flags = EventFlags::from_bits_retain(rng.byte());
    if flags.length() == EventLength::VARUSR { flags.difference(EventFlags::VARUSR) } else { flags }
}

/// Returns an event with any flags. Data follows it if they say so, but no more than it says.
fn with_any_flags(record: Record, rng: &mut Rng) -> Record {
    let Record::Legacy(mut event, _) = record else { return record };
    event.flags = any_flags(rng).difference(EventFlags::UMP);
    let follows = event.is_variable();
    let data = if follows { vec![rng.byte(); event.data.ext_len() as usize] } else { Vec::new() };
    Record::Legacy(event, data)
}

/// Returns a control change or a program change, mostly of the controllers that MIDI 2.0 has messages for.
pub(crate) fn controller(rng: &mut Rng) -> Record {
    let channel = rng.pick(&[0, 1, 9]);
    let special = rng.pick(&CONTROLLERS);
    let value = rng.pick(&VALUES).cast_signed();
    let value14 = rng.pick(&VALUES).cast_signed() << 7 | value;
    match rng.below(10) {
        0 => control_event(EventType::PGMCHANGE, channel, 0, value),
        1 => control_event(EventType::CONTROLLER, channel, rng.below(128), value),
        2 => control_event(EventType::CONTROL14, channel, rng.below(128), value14),
        3 => control_event(EventType::CONTROL14, channel, special, value14),
        4 => control_event(
            rng.pick(&[EventType::REGPARAM, EventType::NONREGPARAM]),
            channel,
            special,
            value14,
        ),
        _ => control_event(EventType::CONTROLLER, channel, special, value),
    }
}
