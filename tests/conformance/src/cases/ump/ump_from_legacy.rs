//! Legacy events at UMP clients: what they become in each version, one by one.

use crate::case::cases;
use crate::client::{Client, MIDI1, MIDI2, legacy, note_on, variable};
use aseqd_abi::event::{Control, EVENT_SIZE, EventData, EventFlags, EventTime, Note};
use aseqd_abi::{Address, EventType as T};

/// Returns what a client of a version gets of events.
fn all(version: u32, events: &[(T, EventData)]) -> Vec<Vec<u32>> {
    let (sender, reader) = (Client::with_port(), Client::midi(version));
    for (event_type, data) in events {
        sender.must_send(&legacy(reader.port(0), *event_type, *data));
    }
    reader.packets()
}

/// Returns what a MIDI 1.0 client gets of an event.
fn midi1(event: (T, EventData)) -> Vec<Vec<u32>> {
    all(MIDI1, &[event])
}

/// Returns what a MIDI 2.0 client gets of an event.
fn midi2(event: (T, EventData)) -> Vec<Vec<u32>> {
    all(MIDI2, &[event])
}

fn note(event_type: T, channel: u8, note: u8, velocity: u8) -> (T, EventData) {
    (event_type, EventData::from_note(Note { channel, note, velocity, ..Note::default() }))
}

fn control(event_type: T, channel: u8, param: u32, value: i32) -> (T, EventData) {
    (event_type, EventData::from_control(Control { channel, param, value }))
}

cases! {
    /// Notes: one word in MIDI 1.0; two in MIDI 2.0, with 16 bits of velocity.
    fn notes_become_packets() {
        assert_eq!(midi1(note(T::NOTEON, 1, 60, 100)), [[0x2091_3c64]]);
        assert_eq!(midi1(note(T::NOTEOFF, 15, 60, 64)), [[0x208f_3c40]]);
        assert_eq!(midi2(note(T::NOTEON, 1, 60, 100)), [[0x4091_3c00, 0xc924_0000]]);
        assert_eq!(midi2(note(T::NOTEOFF, 15, 60, 64)), [[0x408f_3c00, 0x8000_0000]]);
    }

    /// A note-on with velocity 0 becomes a note-off.
    fn note_on_with_velocity_0_becomes_off() {
        assert_eq!(midi1(note(T::NOTEON, 1, 60, 0)), [[0x2081_3c00]]);
        assert_eq!(midi2(note(T::NOTEON, 1, 60, 0)), [[0x4081_3c00, 0]]);
    }

    /// Velocities at the ends and in the middle keep their places.
    fn velocity_in_16_bits() {
        for (velocity, expected) in [(1, 0x0200), (63, 0x7e00), (64, 0x8000), (65, 0x8208), (127, 0xffff)] {
            assert_eq!(midi2(note(T::NOTEON, 0, 0, velocity)), [[0x4090_0000, expected << 16]], "{velocity}");
        }
    }

    /// Channel, note and velocity above their range lose their upper bits.
    fn upper_bits_are_cut_off() {
        assert_eq!(midi1(note(T::NOTEON, 0x12, 0xbc, 0xe4)), [[0x2092_3c64]]);
        assert_eq!(midi2(note(T::NOTEON, 0xf2, 0xbc, 0xe4)), [[0x4092_3c00, 0xc924_0000]]);
    }

    /// A key pressure.
    fn key_pressure_becomes_a_packet() {
        assert_eq!(midi1(note(T::KEYPRESS, 1, 60, 5)), [[0x20a1_3c05]]);
        assert_eq!(midi2(note(T::KEYPRESS, 1, 60, 127)), [[0x40a1_3c00, 0xffff_ffff]]);
    }

    /// A key pressure of 0 becomes a note-off in MIDI 1.0, and stays a pressure in MIDI 2.0.
    fn key_pressure_0() {
        assert_eq!(midi1(note(T::KEYPRESS, 1, 60, 0)), [[0x2081_3c00]]);
        assert_eq!(midi2(note(T::KEYPRESS, 1, 60, 0)), [[0x40a1_3c00, 0]]);
    }

    /// An ordinary controller.
    fn a_controller_becomes_a_packet() {
        assert_eq!(midi1(control(T::CONTROLLER, 1, 7, 100)), [[0x20b1_0764]]);
        assert_eq!(midi2(control(T::CONTROLLER, 1, 7, 127)), [[0x40b1_0700, 0xffff_ffff]]);
        assert_eq!(midi2(control(T::CONTROLLER, 1, 7, 64)), [[0x40b1_0700, 0x8000_0000]]);
        assert_eq!(midi2(control(T::CONTROLLER, 1, 7, 0)), [[0x40b1_0700, 0]]);
    }

    /// A controller's number and value above 127: MIDI 1.0 keeps the eighth bits.
    fn a_controller_out_of_range() {
        assert_eq!(midi1(control(T::CONTROLLER, 0x21, 0x187, 0x1e4)), [[0x20b1_87e4]]);
        assert_eq!(midi2(control(T::CONTROLLER, 0x21, 0x87, 0x1c0)), [[0x40b1_0700, 0x8000_0000]]);
    }

    /// Bank selects and parameter numbers are plain controllers in MIDI 1.0.
    fn special_controllers_are_plain_in_midi_1_0() {
        for param in [0, 6, 32, 38, 98, 99, 100, 101] {
            assert_eq!(midi1(control(T::CONTROLLER, 0, param, 5)), [[0x20b0_0005 | param << 8]]);
        }
    }

    /// A program change.
    fn a_program_becomes_a_packet() {
        assert_eq!(midi1(control(T::PGMCHANGE, 1, 0, 42)), [[0x20c1_2a00]]);
        assert_eq!(midi2(control(T::PGMCHANGE, 1, 0, 42)), [[0x40c1_0000, 0x2a00_0000]]);
    }

    /// A channel pressure.
    fn channel_pressure_becomes_a_packet() {
        assert_eq!(midi1(control(T::CHANPRESS, 1, 0, 42)), [[0x20d1_2a00]]);
        assert_eq!(midi2(control(T::CHANPRESS, 1, 0, 127)), [[0x40d1_0000, 0xffff_ffff]]);
    }

    /// Pitch bend, which is clamped.
    fn pitch_bend_becomes_a_packet() {
        for (value, one, two) in [
            (-8192, 0x20e1_0000, 0),
            (0, 0x20e1_0040, 0x8000_0000),
            (8191, 0x20e1_7f7f, 0xffff_ffff),
            (1, 0x20e1_0140, 0x8004_0020),
            (-9000, 0x20e1_0000, 0),
            (9000, 0x20e1_7f7f, 0xffff_ffff),
            (i32::MIN, 0x20e1_0000, 0),
        ] {
            assert_eq!(midi1(control(T::PITCHBEND, 1, 0, value)), [[one]], "{value}");
            assert_eq!(midi2(control(T::PITCHBEND, 1, 0, value)), [[0x40e1_0000, two]], "{value}");
        }
    }

    /// A 14-bit controller below 32 becomes two, above only its lower half.
    fn a_14_bit_controller() {
        assert_eq!(midi1(control(T::CONTROL14, 1, 7, 3 * 128 + 5)), [[0x20b1_0703], [0x20b1_2705]]);
        assert_eq!(midi1(control(T::CONTROL14, 1, 40, 3 * 128 + 5)), [[0x20b1_2805]]);
        assert_eq!(midi2(control(T::CONTROL14, 1, 40, 3 * 128 + 5)), [[0x40b1_2800, 0x0a00_0000]]);
        assert_eq!(
            midi2(control(T::CONTROL14, 1, 7, 3 * 128 + 5)),
            [[0x40b1_0700, 0x0600_0000], [0x40b1_2700, 0x0a00_0000]]
        );
    }

    /// A registered parameter: four controllers in MIDI 1.0, one packet in MIDI 2.0.
    fn a_registered_parameter() {
        let event = control(T::REGPARAM, 1, 2 * 128 + 3, 4 * 128 + 5);
        assert_eq!(midi1(event), [[0x20b1_6502], [0x20b1_6403], [0x20b1_0604], [0x20b1_2605]]);
        assert_eq!(midi2(event), [[0x4021_0203, 0x0814_0000]]);
    }

    /// An unregistered parameter: four controllers in MIDI 1.0, one packet in MIDI 2.0.
    fn an_unregistered_parameter() {
        let event = control(T::NONREGPARAM, 1, 2 * 128 + 3, 0x3fff);
        assert_eq!(midi1(event), [[0x20b1_6302], [0x20b1_6203], [0x20b1_067f], [0x20b1_267f]]);
        assert_eq!(midi2(event), [[0x4031_0203, 0xffff_ffff]]);
    }

    /// System messages are the same in both versions.
    fn system_messages_become_packets() {
        for (event_type, status) in [
            (T::TUNE_REQUEST, 0xf6),
            (T::CLOCK, 0xf8),
            (T::START, 0xfa),
            (T::CONTINUE, 0xfb),
            (T::STOP, 0xfc),
            (T::SENSING, 0xfe),
            (T::RESET, 0xff_u32),
        ] {
            for version in [MIDI1, MIDI2] {
                let event = (event_type, EventData::default());
                assert_eq!(all(version, &[event]), [[0x1000_0000 | status << 16]], "{status:#x}");
            }
        }
    }

    /// System messages with data.
    fn system_messages_with_data_become_packets() {
        for version in [MIDI1, MIDI2] {
            assert_eq!(all(version, &[control(T::QFRAME, 0, 0, 42)]), [[0x10f1_2a00]]);
            assert_eq!(all(version, &[control(T::SONGSEL, 0, 0, 42)]), [[0x10f3_2a00]]);
            assert_eq!(all(version, &[control(T::SONGPOS, 0, 0, 2 * 128 + 1)]), [[0x10f2_0102]]);
        }
    }

    /// Events without a packet arrive as they are.
    fn other_events_arrive_as_legacy() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
        let types = [0, 1, 23, 24, 33, 34, 35, 37, 38, 39, 50, 51, 60, 61, 62, 63, 64, 65, 66, 67, 90, 99];
        for number in types {
            sender.must_send(&legacy(reader.port(0), T(number), EventData([3; 12])));
        }
        let received = reader.ump_received();
        let got: Vec<u8> = received.iter().map(|r| r.legacy().event_type.0).collect();
        assert_eq!(got, types);
        assert!(received.iter().all(|r| r.legacy().data == EventData([3; 12])));
    }

    /// Variable events other than SYSEX arrive as they are.
    fn other_variable_events_arrive_as_legacy() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI1));
        for number in 131..140 {
            let event = variable(T(number), reader.port(0), 5);
            assert_eq!(sender.send_variable(&event, b"abcde"), Ok(EVENT_SIZE + 5));
            let received = reader.ump_received();
            assert_eq!((received.len(), &received[0].data[..]), (1, &b"abcde"[..]), "type {number}");
            assert_eq!(received[0].event.event_type, T(number));
        }
    }

    /// Tag, queue, time, source, destination and flags of time are kept; the type is 0.
    fn header_of_a_converted_packet() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI1));
        let mut event = note_on(reader.port(0), 60);
        event.tag = 77;
        event.time = EventTime::real(5, 6);
        event.flags = EventFlags::REAL_TIME | EventFlags::PRIORITY;
        sender.must_send(&event);
        let got = reader.ump_received()[0].event;
        assert_eq!((got.tag, got.queue, got.time), (77, 253, EventTime::real(5, 6)));
        assert_eq!((got.source, got.dest), (sender.port(0), Address::new(reader.id, 0)));
        assert_eq!(got.flags, EventFlags::REAL_TIME | EventFlags::PRIORITY | EventFlags::UMP);
        assert_eq!(got.event_type, T(0));
    }

    /// The words that a packet does not use are zero.
    fn unused_words_are_zero() {
        for (version, words) in [(MIDI1, 1), (MIDI2, 2)] {
            let (sender, reader) = (Client::with_port(), Client::midi(version));
            sender.must_send(&note_on(reader.port(0), 60));
            let got = reader.ump_received()[0].event;
            assert!(got.ump[words..].iter().all(|word| *word == 0), "{got:?}");
        }
    }

    /// A channel of 16 and more loses its upper bits in every kind of event.
    fn channels_lose_their_upper_bits() {
        for event_type in [T::CONTROLLER, T::PGMCHANGE, T::CHANPRESS, T::PITCHBEND, T::REGPARAM] {
            for version in [MIDI1, MIDI2] {
                let low = all(version, &[control(event_type, 1, 1, 1)]);
                assert_eq!(all(version, &[control(event_type, 0xf1, 1, 1)]), low, "{event_type:?}");
            }
        }
    }

    /// A UMP client's own legacy events are converted for it too.
    fn own_legacy_events_are_converted() {
        let client = Client::midi(MIDI2);
        client.must_send(&note_on(client.port(0), 60));
        assert_eq!(client.packets(), [[0x4090_3c00, 0xc924_0000]]);
    }

    /// Values of programs, pressures, positions and controllers are cut to 7 bits in MIDI 1.0.
    fn values_are_cut_to_7_bits() {
        assert_eq!(midi1(control(T::PGMCHANGE, 0, 0, -1)), [[0x20c0_7f00]]);
        assert_eq!(midi1(control(T::CHANPRESS, 0, 0, 0x1234)), [[0x20d0_3400]]);
        assert_eq!(midi1(control(T::SONGPOS, 0, 0, -1)), [[0x10f2_7f7f]]);
        assert_eq!(midi1(control(T::CONTROL14, 0, 0x187, -1)), [[0x20b0_077f]]);
    }
}
