//! Conversions with the values that Linux gives. `tests/ump-matrix` compares all of them.

use super::*;
use aseqd_abi::event::{Control, EventData, EventLength, Note};
use aseqd_abi::{Event, EventType};
use core::convert::Infallible;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn note(event_type: EventType, channel: u8, note: u8, velocity: u8) -> Event {
    let data = EventData::from_note(Note { channel, note, velocity, ..Note::default() });
    Event { data, ..Event::direct(event_type) }
}

fn control(event_type: EventType, channel: u8, param: u32, value: i32) -> Event {
    let data = EventData::from_control(Control { channel, param, value });
    Event { data, ..Event::direct(event_type) }
}

/// Returns the packets of an event for a port of group 3.
fn packets(event: &Event, protocol: Protocol, memory: &mut Memory) -> Vec<[u32; 2]> {
    all_packets(event, &[], protocol, memory)
}

fn all_packets(
    event: &Event,
    data: &[u8],
    protocol: Protocol,
    memory: &mut Memory,
) -> Vec<[u32; 2]> {
    let mut packets = Vec::new();
    let Ok(converted) = packets_of(event, data, 3, protocol, memory, |packet| {
        let [a, b, c, d] = packet.0;
        assert_eq!([c, d], [0, 0], "two words are enough");
        packets.push([a, b]);
        Ok::<(), Infallible>(())
    });
    assert!(converted, "the type has packets");
    packets
}

fn midi1(event: &Event) -> Vec<[u32; 2]> {
    packets(event, Protocol::Midi1, &mut Memory::default())
}

fn midi2(event: &Event) -> Vec<[u32; 2]> {
    packets(event, Protocol::Midi2, &mut Memory::default())
}

/// Returns the events of a packet, and the data of each.
fn events(packet: Packet) -> Vec<(Event, Vec<u8>)> {
    let mut events = Vec::new();
    let Ok(()) = events_of(&packet, |event, data| {
        events.push((event, data.to_vec()));
        Ok::<(), Infallible>(())
    });
    events
}

fn up(packet: Packet, memory: &mut Memory) -> Vec<Packet> {
    let mut packets = Vec::new();
    let Ok(()) = to_midi2(&packet, memory, |packet| {
        packets.push(packet);
        Ok::<(), Infallible>(())
    });
    packets
}

fn down(packet: Packet) -> Vec<Packet> {
    let mut packets = Vec::new();
    let Ok(()) = to_midi1(&packet, |packet| {
        packets.push(packet);
        Ok::<(), Infallible>(())
    });
    packets
}

#[test]
fn values_keep_both_ends_and_the_centre() {
    assert_eq!([0, 64, 100, 127].map(scale::up_7_to_16), [0, 0x8000, 0xc924, 0xffff]);
    let up_7_to_32 = [0, 1, 64, 100, 127].map(scale::up_7_to_32);
    assert_eq!(up_7_to_32, [0, 0x0200_0000, 0x8000_0000, 0xc924_9249, u32::MAX]);
    let up_14_to_32 = [0, 0x2000, 0x3000, 0x3fff].map(scale::up_14_to_32);
    assert_eq!(up_14_to_32, [0, 0x8000_0000, 0xc002_0010, u32::MAX]);
    for value in 0..128 {
        assert_eq!(scale::down_16_to_7(scale::up_7_to_16(value)), value);
        assert_eq!(scale::down_32_to_7(scale::up_7_to_32(value)), value);
    }
    for value in 0..1 << 14 {
        assert_eq!(scale::down_32_to_14(scale::up_14_to_32(value)), value);
    }
}

#[test]
fn fields_of_a_packet_are_read_where_they_stand() {
    let packet = Packet([0x4592_3c7f, 0x8000_0000, 0, 0]);
    assert_eq!([packet.message_type(), packet.group(), packet.status()], [4, 5, 9]);
    assert_eq!([packet.channel(), packet.byte2(), packet.byte3()], [2, 0x3c, 0x7f]);
    assert_eq!(packet.with_group(17).0[0], 0x4192_3c7f);
    assert_eq!(packet.words(), [0x4592_3c7f, 0x8000_0000]);
    assert_eq!(Packet([0x12f8_0000, 0, 0, 0]).system_status(), 0xf8);
    let groupless = (0..16).filter(|kind| Packet([kind << 28, 0, 0, 0]).is_groupless());
    assert_eq!(groupless.collect::<Vec<_>>(), [0, 15]);
    let words = (0..16).map(|kind| Packet([kind << 28, 0, 0, 0]).word_count());
    assert_eq!(words.collect::<Vec<_>>(), [1, 1, 1, 2, 2, 4, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4]);
}

#[test]
fn notes_become_packets() {
    let on = note(EventType::NOTEON, 1, 60, 100);
    assert_eq!(midi1(&on), [[0x2291_3c64, 0]]);
    assert_eq!(midi2(&on), [[0x4291_3c00, 0xc924_0000]]);
    let silent = note(EventType::NOTEON, 1, 60, 0);
    assert_eq!(midi1(&silent), [[0x2281_3c00, 0]]);
    assert_eq!(midi2(&silent), [[0x4281_3c00, 0]]);
    let pressure = note(EventType::KEYPRESS, 1, 60, 0);
    assert_eq!(midi1(&pressure), [[0x2281_3c00, 0]], "the kernel's, only in MIDI 1.0");
    assert_eq!(midi2(&pressure), [[0x42a1_3c00, 0]]);
}

#[test]
fn events_with_a_value_become_packets() {
    let bend = control(EventType::PITCHBEND, 0, 0, 9000);
    assert_eq!(midi1(&bend), [[0x22e0_7f7f, 0]]);
    assert_eq!(midi2(&bend), [[0x42e0_0000, u32::MAX]]);
    assert_eq!(midi2(&control(EventType::PITCHBEND, 0, 0, 0)), [[0x42e0_0000, 0x8000_0000]]);
    assert_eq!(midi1(&control(EventType::PITCHBEND, 0, 0, i32::MAX)), [[0x22e0_0000, 0]]);
    assert_eq!(midi1(&control(EventType::CHANPRESS, 9, 0, 64)), [[0x22d9_4000, 0]]);
    assert_eq!(midi2(&control(EventType::CHANPRESS, 9, 0, 64)), [[0x42d9_0000, 0x8000_0000]]);
    assert_eq!(midi1(&control(EventType::CONTROLLER, 0, 7, 100)), [[0x22b0_0764, 0]]);
    assert_eq!(midi2(&control(EventType::CONTROLLER, 0, 7, 127)), [[0x42b0_0700, u32::MAX]]);
    assert_eq!(midi1(&control(EventType::CONTROLLER, 0, 0x187, 0x1ff)), [[0x22b0_87ff, 0]]);
}

#[test]
fn controllers_of_14_bits_become_two_packets_below_32() {
    let volume = control(EventType::CONTROL14, 0, 7, 0x1fff);
    assert_eq!(midi1(&volume), [[0x22b0_073f, 0], [0x22b0_277f, 0]]);
    let packets = [[0x42b0_0700, 0x7e00_0000], [0x42b0_2700, u32::MAX]];
    assert_eq!(midi2(&volume), packets);
    assert_eq!(midi1(&control(EventType::CONTROL14, 0, 70, 0x1fff)), [[0x22b0_467f, 0]]);
    assert_eq!(midi1(&control(EventType::CONTROL14, 0, 128 + 7, 0x1fff)), [[0x22b0_077f, 0]]);
}

#[test]
fn parameters_become_packets() {
    let tuning = control(EventType::REGPARAM, 4, 1, 0x2001);
    let controllers = [0x22b4_6500, 0x22b4_6401, 0x22b4_0640, 0x22b4_2601];
    assert_eq!(midi1(&tuning), controllers.map(|word| [word, 0]));
    assert_eq!(midi2(&tuning), [[0x4224_0001, 0x8004_0020]]);
    let vendor = control(EventType::NONREGPARAM, 4, 0x1234, 0);
    let controllers = [0x22b4_6324, 0x22b4_6234, 0x22b4_0600, 0x22b4_2600];
    assert_eq!(midi1(&vendor), controllers.map(|word| [word, 0]));
    assert_eq!(midi2(&vendor), [[0x4234_2434, 0]]);
}

#[test]
fn system_messages_become_packets() {
    assert_eq!(midi1(&control(EventType::SONGPOS, 0, 0, 0x1234)), [[0x12f2_3424, 0]]);
    assert_eq!(midi1(&control(EventType::SONGSEL, 0, 0, 5)), [[0x12f3_0500, 0]]);
    assert_eq!(midi2(&control(EventType::QFRAME, 0, 0, 0x85)), [[0x12f1_0500, 0]]);
    for (event_type, status) in [
        (EventType::TUNE_REQUEST, 0xf6),
        (EventType::CLOCK, 0xf8),
        (EventType::START, 0xfa),
        (EventType::CONTINUE, 0xfb),
        (EventType::STOP, 0xfc),
        (EventType::SENSING, 0xfe),
        (EventType::RESET, 0xff),
    ] {
        let packet = [0x1200_0000 | status << 16, 0];
        assert_eq!(midi2(&Event::direct(event_type)), [packet]);
        let event = events(Packet([packet[0], 0, 0, 0])).remove(0).0;
        assert_eq!(event.event_type, event_type);
    }
}

#[test]
fn types_without_packets_are_left_alone() {
    let mut memory = Memory::default();
    for number in 0..=255 {
        let event = Event::direct(EventType(number));
        let never = |packet| Err(packet);
        let has_packets = packets_of(&event, &[0xf0], 0, Protocol::Midi1, &mut memory, never);
        let known = matches!(number, 6..=8 | 10..=16 | 20..=22 | 30..=32 | 36 | 40..=42 | 130);
        assert_eq!(has_packets.is_err(), known, "{number}");
        assert!(known || has_packets == Ok(false), "{number}");
    }
}

#[test]
fn banks_wait_for_a_program_of_midi_2() {
    let memory = &mut Memory::default();
    let mut send = |event_type, param, value| {
        packets(&control(event_type, 2, param, value), Protocol::Midi2, memory)
    };
    assert_eq!(send(EventType::PGMCHANGE, 0, 5), [[0x42c2_0000, 0x0500_0000]]);
    assert_eq!(send(EventType::CONTROLLER, 0, 1), [[0; 2]; 0]);
    assert_eq!(send(EventType::CONTROLLER, 32, 2), [[0; 2]; 0]);
    assert_eq!(send(EventType::PGMCHANGE, 0, 5), [[0x42c2_0001, 0x0500_0102]]);
    assert_eq!(send(EventType::PGMCHANGE, 0, 5), [[0x42c2_0000, 0x0500_0000]]);
    assert_eq!(send(EventType::CONTROLLER, 32, 3), [[0; 2]; 0]);
    assert_eq!(send(EventType::PGMCHANGE, 0, 5), [[0x42c2_0001, 0x0500_0103]], "the old half");
    assert_eq!(send(EventType::CONTROL14, 0, 0x3f81), [[0; 2]; 0]);
    assert_eq!(send(EventType::PGMCHANGE, 0, 5), [[0x42c2_0001, 0x0500_7f01]]);
}

#[test]
fn parameters_wait_for_both_halves_of_their_value() {
    let memory = &mut Memory::default();
    let mut send = |param, value| {
        packets(&control(EventType::CONTROLLER, 0, param, value), Protocol::Midi2, memory)
    };
    let nothing: [[u32; 2]; 0] = [];
    assert_eq!(send(6, 1), nothing, "nothing is selected");
    assert_eq!(send(38, 1), nothing);
    assert_eq!(send(101, 0), nothing);
    assert_eq!(send(100, 2), [[0x4220_0000, 0x0204_0000]], "the value was waiting");
    assert_eq!(send(101, 0), nothing);
    assert_eq!(send(100, 2), nothing);
    assert_eq!(send(6, 64), nothing);
    assert_eq!(send(38, 0), [[0x4220_0002, 0x8000_0000]]);
    assert_eq!(send(38, 0), nothing, "the selection is forgotten");
    assert_eq!(send(99, 1), nothing);
    assert_eq!(send(98, 3), [[0x4230_0100, 0]], "half a value is enough now");
    assert_eq!(send(6, 127), nothing);
    assert_eq!(send(101, 127), [[0x4230_0103, 0xfe03_f01f]]);
    assert_eq!(send(100, 127), nothing);
    assert_eq!(send(6, 1), nothing);
    assert_eq!(send(38, 1), nothing, "127/127 selects nothing");
}

#[test]
fn a_registered_parameter_goes_before_another() {
    let memory = &mut Memory::default();
    let mut send = |param, value| {
        packets(&control(EventType::CONTROL14, 0, param, value), Protocol::Midi2, memory)
    };
    assert!(send(101, 0x81).is_empty());
    assert!(send(99, 0x102).is_empty());
    assert_eq!(send(6, 0), [[0x4220_0101, 0]]);
}

/// Returns the packets of a SysEx, by their status and length byte and their data.
fn sysex(data: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let event = Event::direct(EventType::SYSEX);
    let packets = all_packets(&event, data, Protocol::Midi2, &mut Memory::default());
    let parts = packets.iter().map(|[a, b]| {
        let [head, place, rest @ ..] = a.to_be_bytes();
        assert_eq!(head, 0x32);
        let data = rest.into_iter().chain(b.to_be_bytes());
        (place, data.take(usize::from(place & 0xf)).collect())
    });
    parts.collect()
}

#[test]
fn a_sysex_is_cut_into_pieces_of_6() {
    assert_eq!(sysex(&[0xf0, 1, 2, 0xf7]), [(0x02, vec![1, 2])]);
    let long = [0xf0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0xf7];
    let pieces =
        [(0x16, vec![1, 2, 3, 4, 5, 6]), (0x26, vec![7, 8, 9, 10, 11, 12]), (0x31, vec![13])];
    assert_eq!(sysex(&long), pieces);
    assert_eq!(sysex(&[1, 2]), [(0x22, vec![1, 2])], "the middle of one");
    assert_eq!(sysex(&[1, 2, 0xf7]), [(0x32, vec![1, 2])]);
    assert_eq!(sysex(&[0xf0]), [(0x10, vec![])]);
    assert_eq!(sysex(&[0xf7]), [(0x30, vec![])]);
    assert_eq!(sysex(&[]), []);
}

#[test]
fn a_sysex_within_8_bytes_is_read_as_the_kernel_reads_it() {
    let start_again = [1, 2, 3, 4, 5, 6, 0xf0, 7];
    assert_eq!(sysex(&start_again), [(0x26, vec![1, 2, 3, 4, 5, 6]), (0x11, vec![7])]);
    let end_behind_six = [0xf0, 1, 2, 3, 4, 5, 6, 0xf7, 7, 8];
    assert_eq!(sysex(&end_behind_six), [(0x06, vec![1, 2, 3, 4, 5, 6])], "the rest is lost");
    let end_inside = [0xf0, 1, 0xf7, 2, 3, 4, 5, 6, 7];
    assert_eq!(sysex(&end_inside), [(0x16, vec![1, 0xf7, 2, 3, 4, 5]), (0x22, vec![6, 7])]);
}

#[test]
fn packets_become_events_with_what_is_left_of_them() {
    let events_of = |words| events(Packet(words));
    let (event, data) = events_of([0x2291_3c64, 0xaabb_ccdd, 0x1122_3344, 5]).remove(0);
    assert_eq!(event.event_type, EventType::NOTEON);
    let left = Note {
        channel: 1,
        note: 60,
        velocity: 100,
        off_velocity: 0x2291_3c64_u32.to_ne_bytes()[3],
        duration: 0xaabb_ccdd,
    };
    assert_eq!((event.data.note(), data), (left, vec![]));
    assert_eq!(events_of([0x2291_3c00, 0, 0, 0])[0].0.event_type, EventType::NOTEON);
    let (bend, _) = events_of([0x22e1_0040, 7, 0, 0]).remove(0);
    assert_eq!((bend.event_type, bend.data.control().value), (EventType::PITCHBEND, 0));
    assert_eq!(bend.data.control().param, 7);
    let (position, _) = events_of([0x12f2_3424, 0, 0, 0]).remove(0);
    assert_eq!(position.data.control().value, 0x1234);
    for words in [[0, 0, 0, 0], [0x2271_0000, 0, 0, 0], [0x12f4_0000, 0, 0, 0], [0x4200_0000; 4]] {
        assert_eq!(events_of(words), []);
    }
}

#[test]
fn packets_of_midi_2_become_events() {
    let one = |a, b| events(Packet([a, b, 0, 0])).remove(0).0;
    let quiet = one(0x4291_3c00, 0x01ff_0000);
    assert_eq!((quiet.event_type, quiet.data.note().velocity), (EventType::NOTEON, 1));
    assert_eq!(one(0x4281_3c00, 0x01ff_0000).data.note().velocity, 0);
    let tuning = one(0x4221_0002, 0x8000_0000);
    assert_eq!(tuning.event_type, EventType::REGPARAM);
    assert_eq!(tuning.data.control(), Control { channel: 1, param: 2, value: 0x2000 });
    assert_eq!(one(0x4231_0102, 0).data.control().param, 0x82);
    let both = events(Packet([0x42c3_0001, 0x0500_0102, 0, 0]));
    let both = both.iter().map(|(event, _)| (event.event_type, event.data.control()));
    let bank = Control { channel: 3, param: 0, value: 0x82 };
    let program = Control { value: 5, ..bank };
    let expected = [(EventType::CONTROL14, bank), (EventType::PGMCHANGE, program)];
    assert_eq!(both.collect::<Vec<_>>(), expected);
}

#[test]
fn pieces_of_a_sysex_become_events() {
    let one = |a, b| {
        let (event, data) = events(Packet([a, b, 0, 0])).remove(0);
        assert_eq!(event.flags.length(), EventLength::VARIABLE);
        assert_eq!(event.data.ext_len() as usize, data.len());
        data
    };
    assert_eq!(one(0x3202_0182, 0), [0xf0, 1, 2, 0xf7]);
    assert_eq!(one(0x3216_0102, 0x0304_0506), [0xf0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(one(0x3226_0102, 0x0304_0506), [1, 2, 3, 4, 5, 6]);
    assert_eq!(one(0x3230_0000, 0), [0xf7]);
    assert_eq!(events(Packet([0x3207_0000, 0, 0, 0])), []);
}

#[test]
fn protocols_become_each_other() {
    let memory = &mut Memory::default();
    assert_eq!(up(Packet([0x2591_3c00, 0, 0, 0]), memory), [Packet([0x4591_3c00, 0, 0, 0])]);
    assert_eq!(up(Packet([0x25b1_0001, 0, 0, 0]), memory), []);
    assert_eq!(up(Packet([0x25b1_2002, 0, 0, 0]), memory), []);
    let program = Packet([0x45c1_0001, 0x0500_0102, 0, 0]);
    assert_eq!(up(Packet([0x25c1_0500, 0, 0, 0]), memory), [program]);
    let words = [0x25b1_0001, 0x25b1_2002, 0x25c1_0502];
    assert_eq!(down(program), words.map(|word| Packet([word, 0, 0, 0])), "the kernel's last byte");
    assert_eq!(
        up(Packet([0x25b1_6501, 0, 0, 0]), memory),
        [Packet([0x45b1_6500, 0x0200_0000, 0, 0])]
    );
    assert_eq!(down(Packet([0x4521_0001, 0, 0, 0])), []);
    assert_eq!(down(Packet([0x4591_3c00, 0x01ff_0000, 0, 0])), [Packet([0x2591_3c00, 0, 0, 0])]);
    assert_eq!(down(Packet([0x45e1_0000, 0x8004_0000, 0, 0])), [Packet([0x25e1_0140, 0, 0, 0])]);
}

#[test]
fn an_error_ends_a_conversion() {
    let mut left = 2;
    let mut count = |_| {
        left -= 1;
        if left == 0 { Err("full") } else { Ok(()) }
    };
    let event = control(EventType::REGPARAM, 0, 0, 0);
    let memory = &mut Memory::default();
    assert_eq!(packets_of(&event, &[], 1, Protocol::Midi1, memory, &mut count), Err("full"));
    assert_eq!(left, 0, "nothing comes after the error");
    let program = Packet([0x42c3_0001, 0, 0, 0]);
    assert_eq!(events_of(&program, |_, _| Err("full")), Err("full"));
    assert_eq!(to_midi1(&program, |_| Err("full")), Err("full"));
}

/// Returns the event that comes of an event on the way through packets of a protocol, if it is one.
fn through(event: &Event, protocol: Protocol) -> Option<Event> {
    let [packet] = packets(event, protocol, &mut Memory::default()).try_into().ok()?;
    let [(event, _)] = events(Packet([packet[0], packet[1], 0, 0])).try_into().ok()?;
    Some(event)
}

proptest! {
    #[test]
    fn channel_events_survive_both_protocols(
        kind in 6_u8..=13, channel in 0_u8..16, number in 0_u8..128, value in 1_u8..128,
    ) {
        let is_note = kind <= 8;
        prop_assume!(kind != 9 && !matches!((kind, number), (10, 0 | 6 | 32 | 38 | 98..=101)));
        let event = if is_note {
            note(EventType(kind), channel, number, value)
        } else {
            control(EventType(kind), channel, number.into(), value.into())
        };
        for protocol in [Protocol::Midi1, Protocol::Midi2] {
            let back = through(&event, protocol).expect("one event");
            prop_assert_eq!(back.event_type, event.event_type);
            if is_note {
                let Note { channel, note, velocity, .. } = event.data.note();
                let again = back.data.note();
                prop_assert_eq!([again.channel, again.note, again.velocity], [channel, note, velocity]);
            } else {
                let Control { channel, value, .. } = event.data.control();
                let again = back.data.control();
                prop_assert_eq!((again.channel, again.value), (channel, value));
            }
        }
    }

    #[test]
    fn parameters_survive_midi_2(registered: bool, number in 0_u32..1 << 14, value in 0_i32..1 << 14) {
        let event_type = if registered { EventType::REGPARAM } else { EventType::NONREGPARAM };
        let event = control(event_type, 7, number, value);
        let back = through(&event, Protocol::Midi2).expect("one event");
        prop_assert_eq!((back.event_type, back.data.control()), (event_type, event.data.control()));
    }

    #[test]
    fn channel_messages_survive_midi_2(status in 0x8_u32..=0xe, channel in 0_u32..16, low in 0_u32..128, high in 0_u32..128) {
        prop_assume!(!matches!((status, low), (0xb, 0 | 32)));
        let second = if matches!(status, 0xc | 0xd) { 0 } else { high };
        let packet = Packet([0x2000_0000 | status << 20 | channel << 16 | low << 8 | second, 0, 0, 0]);
        let up = up(packet, &mut Memory::default());
        prop_assert_eq!(up.len(), 1);
        prop_assert_eq!(down(up[0]), [packet]);
    }

    #[test]
    fn a_sysex_survives(data in proptest::collection::vec(0_u8..128, 0..100)) {
        let mut whole = vec![0xf0];
        whole.extend(&data);
        whole.push(0xf7);
        let mut back = Vec::new();
        let event = Event::direct(EventType::SYSEX);
        for [a, b] in all_packets(&event, &whole, Protocol::Midi1, &mut Memory::default()) {
            for (event, piece) in events(Packet([a, b, 0, 0])) {
                prop_assert_eq!(event.event_type, EventType::SYSEX);
                back.extend(piece);
            }
        }
        prop_assert_eq!(back, whole);
    }

    #[test]
    fn any_packet_and_any_event_can_be_converted(words: [u32; 4], kind: u8, data: [u8; 12], bytes: Vec<u8>, group in 0_u8..=16) {
        let memory = &mut Memory::default();
        prop_assert!(events(Packet(words)).len() <= 2);
        prop_assert!(up(Packet(words), memory).len() <= 1);
        prop_assert!(down(Packet(words)).len() <= 3);
        let event = Event { data: EventData(data), ..Event::direct(EventType(kind)) };
        for protocol in [Protocol::Midi1, Protocol::Midi2] {
            let Ok(_) = packets_of(&event, &bytes, group, protocol, memory, |packet| {
                assert_eq!(packet.group(), group.saturating_sub(1));
                Ok::<(), Infallible>(())
            });
        }
    }
}
