//! Each row of the tables, and what no input may do.

use super::*;
use alloc::vec;
use proptest::prelude::*;

fn event(event_type: EventType, data: EventData) -> Event {
    Event { data, ..Event::direct(event_type) }
}

fn note(event_type: EventType, channel: u8, note: u8, velocity: u8) -> Event {
    let data = Note { channel, note, velocity, ..Note::default() };
    event(event_type, EventData::from_note(data))
}

fn control(event_type: EventType, channel: u8, param: u32, value: i32) -> Event {
    event(event_type, EventData::from_control(Control { channel, param, value }))
}

fn bare(event_type: EventType) -> Event {
    Event::direct(event_type)
}

fn sysex(len: usize) -> Event {
    let data = EventData::from_ext_len(u32::try_from(len).unwrap());
    Event { flags: EventFlags::VARIABLE, ..event(EventType::SYSEX, data) }
}

fn decode(bytes: &[u8]) -> Vec<Event> {
    Decoder::default().decode(bytes).map(|decoded| decoded.event).collect()
}

fn decode_sysex(piece: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::new(piece, Unused::Zero);
    decoder.decode(bytes).filter_map(|decoded| decoded.sysex).collect()
}

fn encode_each(encoder: &mut Encoder, events: &[Event]) -> Vec<Vec<u8>> {
    events
        .iter()
        .map(|event| {
            let mut out = Vec::new();
            encoder.encode(event, &[], &mut out);
            out
        })
        .collect()
}

fn encode(event: &Event) -> Vec<u8> {
    encode_each(&mut Encoder::default(), &[*event]).remove(0)
}

#[test]
fn channel_messages_become_events() {
    let cases: &[(&[u8], Event)] = &[
        (&[0x83, 60, 64], note(EventType::NOTEOFF, 3, 60, 64)),
        (&[0x9f, 60, 64], note(EventType::NOTEON, 15, 60, 64)),
        (&[0x90, 60, 0], note(EventType::NOTEON, 0, 60, 0)),
        (&[0xa1, 60, 64], note(EventType::KEYPRESS, 1, 60, 64)),
        (&[0xb2, 7, 100], control(EventType::CONTROLLER, 2, 7, 100)),
        (&[0xc4, 5], control(EventType::PGMCHANGE, 4, 0, 5)),
        (&[0xd5, 127], control(EventType::CHANPRESS, 5, 0, 127)),
        (&[0xe6, 0, 0], control(EventType::PITCHBEND, 6, 0, -8192)),
        (&[0xe6, 0, 64], control(EventType::PITCHBEND, 6, 0, 0)),
        (&[0xe6, 127, 127], control(EventType::PITCHBEND, 6, 0, 8191)),
    ];
    for (bytes, expected) in cases {
        assert_eq!(decode(bytes), [*expected], "{bytes:02x?}");
    }
}

#[test]
fn controllers_are_not_assembled() {
    let bytes = [0xb0, 101, 0, 100, 0, 6, 2, 38, 0];
    let types: Vec<_> = decode(&bytes).iter().map(|event| event.event_type).collect();
    assert_eq!(types, [EventType::CONTROLLER; 4]);
}

#[test]
fn system_messages_become_events() {
    let cases: &[(&[u8], Event)] = &[
        (&[0xf1, 0x35], control(EventType::QFRAME, 0, 0, 0x35)),
        (&[0xf2, 1, 2], control(EventType::SONGPOS, 0, 0, 257)),
        (&[0xf3, 9], control(EventType::SONGSEL, 0, 0, 9)),
        (&[0xf6], bare(EventType::TUNE_REQUEST)),
        (&[0xf8], bare(EventType::CLOCK)),
        (&[0xfa], bare(EventType::START)),
        (&[0xfb], bare(EventType::CONTINUE)),
        (&[0xfc], bare(EventType::STOP)),
        (&[0xfe], bare(EventType::SENSING)),
        (&[0xff], bare(EventType::RESET)),
    ];
    for (bytes, expected) in cases {
        assert_eq!(decode(bytes), [*expected], "{bytes:02x?}");
    }
    for ignored in [0xf4, 0xf5, 0xf7, 0xf9, 0xfd] {
        assert_eq!(decode(&[ignored]), [], "{ignored:02x}");
    }
}

#[test]
fn running_status_holds_for_channel_messages() {
    let on = |key| note(EventType::NOTEON, 0, key, 1);
    assert_eq!(decode(&[0x90, 60, 1, 61, 1, 62, 1]), [on(60), on(61), on(62)]);
    assert_eq!(decode(&[0xc0, 1, 2, 3]).len(), 3);
}

#[test]
fn system_messages_cancel_running_status() {
    let cases: &[&[u8]] =
        &[&[0xf1, 1], &[0xf2, 1, 2], &[0xf3, 1], &[0xf4], &[0xf5], &[0xf6], &[0xf7], &[0xf0, 0xf7]];
    for between in cases {
        let bytes = [&[0x90, 60, 1], *between, &[61, 1, 62, 1]].concat();
        let notes = decode(&bytes);
        let notes = notes.iter().filter(|event| event.event_type == EventType::NOTEON);
        assert_eq!(notes.count(), 1, "{between:02x?}");
    }
}

#[test]
fn real_time_bytes_disturb_nothing() {
    let clock = bare(EventType::CLOCK);
    let on = |key| note(EventType::NOTEON, 0, key, 1);
    assert_eq!(decode(&[0x90, 60, 0xf8, 1, 0xf8, 61, 1]), [clock, on(60), clock, on(61)]);
    let sysexes = decode_sysex(256, &[0xf0, 1, 0xf8, 2, 0xf9, 0xfd, 0xf7]);
    assert_eq!(sysexes, [[0xf0, 1, 2, 0xf7]]);
}

#[test]
fn a_status_byte_discards_what_is_unfinished() {
    assert_eq!(decode(&[0x90, 60, 0x80, 61, 2]), [note(EventType::NOTEOFF, 0, 61, 2)]);
    assert_eq!(decode(&[0x90, 60, 0xf6, 1]), [bare(EventType::TUNE_REQUEST)]);
    assert_eq!(decode(&[0x90, 60, 0xf7, 1, 2]), []);
    assert_eq!(decode(&[0xf0, 1, 2, 0x90, 60, 1]), [note(EventType::NOTEON, 0, 60, 1)]);
    assert_eq!(decode_sysex(256, &[0xf0, 1, 0xf0, 2, 0xf7]), [[0xf0, 2, 0xf7]]);
    assert_eq!(decode(&[0x90, 0x90, 60, 1]).len(), 1);
}

#[test]
fn data_without_status_is_ignored() {
    assert_eq!(decode(&[1, 2, 3]), []);
    assert_eq!(decode(&[0xf1, 1, 2, 3]).len(), 1);
}

#[test]
fn a_long_sysex_comes_in_pieces() {
    let pieces = |len: usize| {
        let bytes = [&[0xf0], vec![1; len - 2].as_slice(), &[0xf7]].concat();
        let pieces = decode_sysex(256, &bytes);
        assert_eq!(pieces.concat(), bytes);
        pieces.iter().map(Vec::len).collect::<Vec<_>>()
    };
    assert_eq!(pieces(600), [256, 256, 88]);
    assert_eq!(pieces(255), [255]);
    assert_eq!(pieces(256), [256]);
    assert_eq!(pieces(257), [256, 1]);
    assert_eq!(pieces(512), [256, 256]);
    assert_eq!(pieces(513), [256, 256, 1]);
    assert_eq!(decode_sysex(0, &[0xf0, 1, 0xf7]), [[0xf0], [1], [0xf7]]);
}

#[test]
fn a_piece_that_is_out_stays_out() {
    let mut bytes = vec![1; 301];
    bytes[0] = 0xf0;
    bytes.extend([0x90, 60, 1]);
    let events = decode(&bytes);
    assert_eq!(events, [sysex(256), note(EventType::NOTEON, 0, 60, 1)]);
}

#[test]
fn header_is_that_of_a_direct_event() {
    let mut decoder = Decoder::default();
    let decoded = decoder.decode(&[0xf0, 1, 0xf7]).next().unwrap();
    assert_eq!(decoded.event, sysex(3));
    assert_eq!(decoded.event.queue, aseqd_abi::event::QUEUE_DIRECT);
    assert_eq!(decoded.event.flags, EventFlags::VARIABLE);
    assert_eq!(decode(&[0x90, 1, 2])[0].flags, EventFlags::empty());
}

/// The data bytes as read from virmidi on Linux 6.12, but for the address in place of a SysEx.
#[test]
fn virmidi_leaves_old_bytes_in_place() {
    let mut decoder = Decoder::new(SYSEX_PIECE, Unused::Stale);
    let steps: &[(&[u8], [u8; 12])] = &[
        (&[0x92, 0x3c, 0x40], [2, 0x3c, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (&[0xe1, 0x01, 0x02], [1, 0x3c, 0x40, 0, 0, 0, 0, 0, 0x01, 0xe1, 0xff, 0xff]),
        (&[0x93, 0x10, 0x20], [3, 0x10, 0x20, 0, 0, 0, 0, 0, 0x01, 0xe1, 0xff, 0xff]),
        (&[0xb4, 0x07, 0x55], [4, 0x10, 0x20, 0, 7, 0, 0, 0, 0x55, 0, 0, 0]),
        (&[0xc5, 0x11], [5, 0x10, 0x20, 0, 7, 0, 0, 0, 0x11, 0, 0, 0]),
        (&[0xb6, 0x01, 0x02], [6, 0x10, 0x20, 0, 1, 0, 0, 0, 2, 0, 0, 0]),
        (&[0xd1, 0x33], [1, 0x10, 0x20, 0, 1, 0, 0, 0, 0x33, 0, 0, 0]),
        (&[0xf2, 0x01, 0x02], [1, 0x10, 0x20, 0, 1, 0, 0, 0, 1, 1, 0, 0]),
        (&[0xf3, 0x05], [1, 0x10, 0x20, 0, 1, 0, 0, 0, 5, 0, 0, 0]),
        (&[0xf1, 0x07], [1, 0x10, 0x20, 0, 1, 0, 0, 0, 7, 0, 0, 0]),
        (&[0xf6], [1, 0x10, 0x20, 0, 1, 0, 0, 0, 7, 0, 0, 0]),
        (&[0xff], [1, 0x10, 0x20, 0, 1, 0, 0, 0, 7, 0, 0, 0]),
        (&[0xa7, 0x01, 0x02], [7, 1, 2, 0, 1, 0, 0, 0, 7, 0, 0, 0]),
        (&[0xf0, 1, 2, 0xf7], [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (&[0xc1, 0x09], [1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0]),
    ];
    for (bytes, expected) in steps {
        let events: Vec<_> = decoder.decode(bytes).collect();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].event.data.0, *expected, "{bytes:02x?}");
    }
}

#[test]
fn events_become_messages() {
    let cases: &[(Event, &[u8])] = &[
        (note(EventType::NOTEON, 17, 200, 255), &[0x91, 0x48, 0x7f]),
        (note(EventType::NOTEOFF, 0, 60, 64), &[0x80, 60, 64]),
        (note(EventType::KEYPRESS, 255, 255, 128), &[0xaf, 0x7f, 0]),
        (control(EventType::CONTROLLER, 3, 300, 400), &[0xb3, 0x2c, 0x10]),
        (control(EventType::PGMCHANGE, 3, 0, -1), &[0xc3, 0x7f]),
        (control(EventType::CHANPRESS, 3, 0, 130), &[0xd3, 2]),
        (control(EventType::PITCHBEND, 0, 0, 9000), &[0xe0, 0x28, 0x06]),
        (control(EventType::PITCHBEND, 0, 0, -9000), &[0xe0, 0x58, 0x79]),
        (control(EventType::PITCHBEND, 0, 0, -8192), &[0xe0, 0, 0]),
        (control(EventType::PITCHBEND, 0, 0, i32::MAX), &[0xe0, 0x7f, 0x3f]),
        (control(EventType::SONGPOS, 0, 0, 16388), &[0xf2, 4, 0]),
        (control(EventType::QFRAME, 0, 0, 200), &[0xf1, 0x48]),
        (control(EventType::SONGSEL, 0, 0, 200), &[0xf3, 0x48]),
        (bare(EventType::TUNE_REQUEST), &[0xf6]),
        (bare(EventType::CLOCK), &[0xf8]),
        (bare(EventType::START), &[0xfa]),
        (bare(EventType::CONTINUE), &[0xfb]),
        (bare(EventType::STOP), &[0xfc]),
        (bare(EventType::SENSING), &[0xfe]),
        (bare(EventType::RESET), &[0xff]),
        (control(EventType::CONTROL14, 1, 7, 300), &[0xb1, 7, 2, 39, 0x2c]),
        (control(EventType::CONTROL14, 2, 40, 300), &[0xb2, 40, 0x2c]),
        (control(EventType::CONTROL14, 2, 140, 300), &[0xb2, 12, 0x2c]),
        (control(EventType::CONTROL14, 3, 7, -1), &[0xb3, 7, 0x7f, 39, 0x7f]),
        (control(EventType::NONREGPARAM, 2, 300, 301), &[0xb2, 99, 2, 98, 0x2c, 6, 2, 38, 0x2d]),
        (control(EventType::REGPARAM, 2, 300, 301), &[0xb2, 101, 2, 100, 0x2c, 6, 2, 38, 0x2d]),
    ];
    for (event, expected) in cases {
        assert_eq!(encode(event), *expected, "{event:?}");
    }
}

#[test]
fn other_events_have_no_bytes_and_keep_running_status() {
    let silent = [
        EventType::NOTE,
        EventType::TEMPO,
        EventType::TICK,
        EventType::TIMESIGN,
        EventType::KEYSIGN,
        EventType::ECHO,
        EventType::USR0,
        EventType::USR_VAR0,
        EventType::SETPOS_TICK,
        EventType::NONE,
        EventType(2),
    ];
    let on = note(EventType::NOTEON, 0, 60, 64);
    let mut encoder = Encoder::default();
    encode_each(&mut encoder, &[on]);
    for event_type in silent {
        let mut out = Vec::new();
        assert_eq!(encoder.encode(&bare(event_type), &[1, 2], &mut out), Encoded::Nothing);
        assert_eq!(encode_each(&mut encoder, &[on]), [[60, 64]], "{event_type:?}");
    }
    // A SysEx must be variable.
    assert_eq!(encoder.encode(&bare(EventType::SYSEX), &[1], &mut Vec::new()), Encoded::Nothing);
    assert_eq!(encode_each(&mut encoder, &[on]), [[60, 64]]);
}

#[test]
fn running_status_on_output() {
    let on = note(EventType::NOTEON, 0, 60, 64);
    let off = note(EventType::NOTEOFF, 0, 60, 64);
    let clock = bare(EventType::CLOCK);
    let frame = control(EventType::QFRAME, 0, 0, 3);
    let expected: &[&[u8]] = &[
        &[0x90, 60, 64],
        &[60, 64],
        &[0x80, 60, 64],
        &[0x90, 60, 64],
        &[0xf8],
        &[0x90, 60, 64],
        &[0xf1, 3],
        &[0xf1, 3],
    ];
    let events = [on, on, off, on, clock, on, frame, frame];
    assert_eq!(encode_each(&mut Encoder::default(), &events), expected);
    let mut encoder = Encoder::default();
    encode_each(&mut encoder, &[on]);
    encoder.reset();
    assert_eq!(encode_each(&mut encoder, &[on]), [[0x90, 60, 64]]);
}

#[test]
fn without_running_status_every_message_is_whole() {
    let mut encoder = Encoder::new(false, 12);
    let on = note(EventType::NOTEON, 0, 60, 64);
    assert_eq!(encode_each(&mut encoder, &[on, on]), [[0x90, 60, 64]; 2]);
    let nrpn = control(EventType::NONREGPARAM, 0, 300, 301);
    let expected = [0xb0, 99, 2, 0xb0, 98, 0x2c, 0xb0, 6, 2, 0xb0, 38, 0x2d];
    assert_eq!(encode_each(&mut encoder, &[nrpn]), [expected]);
}

#[test]
fn sysex_goes_out_as_it_is_and_breaks_running_status() {
    let mut encoder = Encoder::new(true, VIRMIDI_LIMIT);
    let on = note(EventType::NOTEON, 0, 60, 64);
    for data in [&[0xf0, 1, 2, 3, 4, 5, 0xf7][..], &[1, 0x90, 2], &[]] {
        encode_each(&mut encoder, &[on]);
        let mut out = Vec::new();
        let encoded = encoder.encode(&sysex(data.len()), data, &mut out);
        assert_eq!(out, data);
        assert_eq!(encoded == Encoded::Nothing, data.is_empty());
        assert_eq!(encode_each(&mut encoder, &[on]), [[0x90, 60, 64]]);
    }
}

#[test]
fn virmidi_drops_what_exceeds_four_bytes() {
    let mut encoder = Encoder::new(true, VIRMIDI_LIMIT);
    let controller = |channel| control(EventType::CONTROLLER, channel, 1, 2);
    let control14 = |channel| control(EventType::CONTROL14, channel, 7, 300);
    let expected: &[&[u8]] = &[
        &[],
        &[0xb0, 1, 2],
        &[7, 2, 39, 0x2c],
        &[7, 2, 39, 0x2c],
        &[],
        &[1, 2],
        &[],
        &[1, 2],
        &[],
        &[0xb3, 1, 2],
    ];
    let events = [
        control14(0),
        controller(0),
        control14(0),
        control14(0),
        control14(1),
        controller(0),
        control(EventType::NONREGPARAM, 0, 300, 300),
        controller(0),
        control(EventType::REGPARAM, 3, 300, 300),
        controller(3),
    ];
    assert_eq!(encode_each(&mut encoder, &events), expected);
    let mut out = vec![9];
    assert_eq!(encoder.encode(&control14(5), &[], &mut out), Encoded::TooLong);
    assert_eq!(out, [9]);
}

/// A message in full, with data bytes of the right number.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let data = prop::collection::vec(0_u8..0x80, 2);
    let short = (0x80_u8.., data).prop_filter_map("a message", |(status, data)| {
        let known = !matches!(status, 0xf0 | 0xf4 | 0xf5 | 0xf7 | 0xf9 | 0xfd);
        known.then(|| [&[status], &data[..data_len(status)]].concat())
    });
    let sysex = prop::collection::vec(0_u8..0x80, 0..600)
        .prop_map(|data| [&[0xf0], data.as_slice(), &[0xf7]].concat());
    prop_oneof![8 => short, 1 => sysex]
}

fn there_and_back(decoder: &mut Decoder, encoder: &mut Encoder, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for decoded in decoder.decode(bytes) {
        let ext = decoded.sysex.unwrap_or_default();
        encoder.encode(&decoded.event, &ext, &mut out);
    }
    out
}

proptest! {
    #[test]
    fn whole_messages_come_back(messages in prop::collection::vec(any_message(), 0..60)) {
        let bytes = messages.concat();
        for unused in [Unused::Zero, Unused::Stale] {
            let mut decoder = Decoder::new(SYSEX_PIECE, unused);
            let mut encoder = Encoder::new(false, VIRMIDI_LIMIT);
            prop_assert_eq!(&there_and_back(&mut decoder, &mut encoder, &bytes), &bytes);
        }
    }

    #[test]
    fn running_status_comes_back(messages in prop::collection::vec(any_message(), 0..60)) {
        let mut running = Vec::new();
        let mut encoder = Encoder::default();
        let whole = there_and_back(&mut Decoder::default(), &mut encoder, &messages.concat());
        running.extend(whole);
        let again = there_and_back(&mut Decoder::default(), &mut Encoder::default(), &running);
        prop_assert_eq!(again, running);
    }

    #[test]
    fn any_bytes_are_accepted(
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
        piece in 0_usize..300,
    ) {
        let mut decoder = Decoder::new(piece, Unused::Stale);
        for decoded in decoder.decode(&bytes) {
            let is_sysex = decoded.event.event_type == EventType::SYSEX;
            prop_assert_eq!(decoded.sysex.is_some(), is_sysex);
            if let Some(data) = decoded.sysex {
                prop_assert!(!data.is_empty() && data.len() <= piece.max(1));
                prop_assert_eq!(data.len(), decoded.event.data.ext_len() as usize);
            }
        }
    }

    #[test]
    fn any_event_is_accepted(
        event_type: u8, flags: u8, data: [u8; 12], limit in 0_usize..20, running: bool,
    ) {
        let event = Event {
            flags: EventFlags::from_bits_retain(flags),
            ..event(EventType(event_type), EventData(data))
        };
        let mut encoder = Encoder::new(running, limit);
        let mut out = Vec::new();
        let encoded = encoder.encode(&event, &[1, 2, 3], &mut out);
        prop_assert_eq!(encoded == Encoded::Bytes, !out.is_empty());
        if event.event_type != EventType::SYSEX {
            prop_assert!(out.len() <= limit);
            prop_assert!(out.iter().skip(1).all(|&byte| byte < 0x80) || !running);
        }
    }
}
