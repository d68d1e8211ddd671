//! Packets at legacy clients: one by one, what they become.

use crate::case::cases;
use crate::client::{Client, LEGACY, MIDI1, MIDI2, NOTE1, Received, contents, packet};
use aseqd_abi::event::{Control, EventData, EventFlags, EventTime, Note};
use aseqd_abi::{Address, EventType as T};

/// Type and data of an event.
type Content = (T, EventData);

/// Returns what a legacy client gets of a packet.
fn converted(words: &[u32]) -> Vec<Received> {
    let (sender, reader) = (Client::midi(MIDI2), Client::midi(LEGACY));
    sender.must_send_packet(reader.port(0), words);
    reader.received()
}

/// Returns type and data of what a legacy client gets of a packet. The bytes that a type does not use are zero.
fn content(words: &[u32]) -> Vec<Content> {
    contents(&converted(words)).into_iter().map(used).collect()
}

/// Sets the bytes that an event's type does not use to zero.
fn used((event_type, mut data): Content) -> Content {
    let unused = match event_type {
        T::NOTEON | T::NOTEOFF | T::KEYPRESS => 3..12,
        T::CONTROLLER | T::CONTROL14 | T::REGPARAM | T::NONREGPARAM => 1..4,
        T::PGMCHANGE | T::CHANPRESS | T::PITCHBEND => 1..8,
        T::QFRAME | T::SONGPOS | T::SONGSEL => 0..8,
        _ => 0..12,
    };
    data.0[unused].fill(0);
    (event_type, data)
}

fn note(event_type: T, channel: u8, note: u8, velocity: u8) -> Content {
    (event_type, EventData::from_note(Note { channel, note, velocity, ..Note::default() }))
}

fn control(event_type: T, channel: u8, param: u32, value: i32) -> Content {
    (event_type, EventData::from_control(Control { channel, param, value }))
}

cases! {
    /// Note-on and note-off of MIDI 1.0.
    fn notes_of_midi_1_0() {
        assert_eq!(content(&[0x2091_3c64]), [note(T::NOTEON, 1, 60, 100)]);
        assert_eq!(content(&[0x208f_3c40]), [note(T::NOTEOFF, 15, 60, 64)]);
    }

    /// A note-on of MIDI 1.0 with velocity 0 stays a note-on.
    fn note_on_with_velocity_0_stays() {
        assert_eq!(content(&[0x2090_3c00]), [note(T::NOTEON, 0, 60, 0)]);
    }

    /// A key pressure.
    fn key_pressure_of_midi_1_0() {
        assert_eq!(content(&[0x20a3_4005]), [note(T::KEYPRESS, 3, 64, 5)]);
    }

    /// A controller stays one, whatever its number: bank selects and data entries are not collected.
    fn controllers_of_midi_1_0() {
        for param in [0_u32, 1, 6, 32, 38, 98, 99, 100, 101, 120, 127] {
            let expected = control(T::CONTROLLER, 2, param, 99);
            assert_eq!(content(&[0x20b2_0063 | param << 8]), [expected], "controller {param}");
        }
    }

    /// A program change.
    fn program_of_midi_1_0() {
        assert_eq!(content(&[0x20c4_2a00]), [control(T::PGMCHANGE, 4, 0, 42)]);
    }

    /// A channel pressure.
    fn channel_pressure_of_midi_1_0() {
        assert_eq!(content(&[0x20d4_2a00]), [control(T::CHANPRESS, 4, 0, 42)]);
    }

    /// Pitch bend, from -8192 to 8191.
    fn pitch_bend_of_midi_1_0() {
        for (lsb, msb, value) in [(0, 0, -8192), (0, 0x40, 0), (1, 0x40, 1), (0x7f, 0x7f, 8191)] {
            let expected = control(T::PITCHBEND, 0, 0, value);
            assert_eq!(content(&[0x20e0_0000 | lsb << 8 | msb]), [expected]);
        }
    }

    /// Other statuses of MIDI 1.0 vanish.
    fn other_statuses_of_midi_1_0_vanish() {
        for status in [0x00, 0x10, 0x70, 0xf0_u32] {
            assert_eq!(content(&[0x2000_3c64 | status << 16]), [], "status {status:#x}");
        }
    }

    /// The eighth bits of data bytes in a MIDI 1.0 packet are kept, and in pitch bend count.
    fn eighth_bits_of_midi_1_0() {
        assert_eq!(content(&[0x2090_bce4]), [note(T::NOTEON, 0, 188, 228)]);
        assert_eq!(content(&[0x20b0_87ff]), [control(T::CONTROLLER, 0, 135, 255)]);
        assert_eq!(content(&[0x20c0_ff00]), [control(T::PGMCHANGE, 0, 0, 255)]);
        assert_eq!(content(&[0x20d0_ff00]), [control(T::CHANPRESS, 0, 0, 255)]);
        assert_eq!(content(&[0x20e0_ffff]), [control(T::PITCHBEND, 0, 0, 0x7fff - 8192)]);
        assert_eq!(content(&[0x10f1_ff00]), [control(T::QFRAME, 0, 0, 255)]);
        assert_eq!(content(&[0x10f2_ffff]), [control(T::SONGPOS, 0, 0, 0x7fff)]);
    }

    /// The eighth bits of data bytes in a MIDI 2.0 packet are kept too. Two halves of a number are joined with OR.
    fn eighth_bits_of_midi_2_0() {
        assert_eq!(content(&[0x4090_bc00, 0x8000_0000]), [note(T::NOTEON, 0, 188, 64)]);
        assert_eq!(content(&[0x40b0_8700, 0x8000_0000]), [control(T::CONTROLLER, 0, 135, 64)]);
        let expected = [control(T::CONTROL14, 0, 0, 0x4081), control(T::PGMCHANGE, 0, 0, 255)];
        assert_eq!(content(&[0x40c0_0001, 0xff00_8181]), expected);
        let expected = control(T::REGPARAM, 0, 0x4081, 0x2000);
        assert_eq!(content(&[0x4020_8181, 0x8000_0000]), [expected]);
    }

    /// The group of a packet leaves no trace.
    fn the_group_leaves_no_trace() {
        assert_eq!(content(&[0x2f90_3c64]), content(&[0x2090_3c64]));
        assert_eq!(content(&[0x4f90_3c00, 0x8000_0000]), content(&[0x4090_3c00, 0x8000_0000]));
    }

    /// System messages: real-time and common.
    fn system_messages() {
        for (status, event_type) in [
            (0xf6_u32, T::TUNE_REQUEST),
            (0xf8, T::CLOCK),
            (0xfa, T::START),
            (0xfb, T::CONTINUE),
            (0xfc, T::STOP),
            (0xfe, T::SENSING),
            (0xff, T::RESET),
        ] {
            assert_eq!(content(&[0x1000_0000 | status << 16]), [(event_type, EventData::default())], "{status:#x}");
        }
    }

    /// System messages with data.
    fn system_messages_with_data() {
        assert_eq!(content(&[0x10f1_2a00]), [control(T::QFRAME, 0, 0, 42)]);
        assert_eq!(content(&[0x10f3_2a00]), [control(T::SONGSEL, 0, 0, 42)]);
        assert_eq!(content(&[0x10f2_0102]), [control(T::SONGPOS, 0, 0, 257)]);
    }

    /// System messages that no event stands for vanish.
    fn other_system_messages_vanish() {
        for status in [0xf0, 0xf4, 0xf5, 0xf7, 0xf9, 0xfd, 0x90_u32] {
            assert_eq!(content(&[0x1000_0000 | status << 16]), [], "{status:#x}");
        }
    }

    /// Notes of MIDI 2.0: velocity from 16 bits to 7, and never 0 for a note-on.
    fn notes_of_midi_2_0() {
        for (velocity, expected) in [(0_u32, 1), (1, 1), (0x1ff, 1), (0x200, 1), (0x400, 2), (0x8000, 64), (0xffff, 127)] {
            assert_eq!(content(&[0x4091_3c00, velocity << 16]), [note(T::NOTEON, 1, 60, expected)], "{velocity:#x}");
        }
        assert_eq!(content(&[0x4081_3c00, 0x0000_0000]), [note(T::NOTEOFF, 1, 60, 0)]);
        assert_eq!(content(&[0x4081_3c00, 0xffff_0000]), [note(T::NOTEOFF, 1, 60, 127)]);
    }

    /// A note's attribute is left out.
    fn attributes_of_notes_are_left_out() {
        assert_eq!(content(&[0x4090_3c03, 0x8000_1234]), [note(T::NOTEON, 0, 60, 64)]);
    }

    /// A key pressure of 32 bits becomes one of 7.
    fn key_pressure_of_midi_2_0() {
        assert_eq!(content(&[0x40a1_3c00, 0x0000_0000]), [note(T::KEYPRESS, 1, 60, 0)]);
        assert_eq!(content(&[0x40a1_3c00, 0x8000_0000]), [note(T::KEYPRESS, 1, 60, 64)]);
        assert_eq!(content(&[0x40a1_3c00, 0xffff_ffff]), [note(T::KEYPRESS, 1, 60, 127)]);
    }

    /// Controllers of 32 bits become those of 7.
    fn controllers_of_midi_2_0() {
        for (value, expected) in [(0, 0), (0x01ff_ffff, 0), (0x0200_0000, 1), (0x8000_0000, 64), (u32::MAX, 127)] {
            assert_eq!(content(&[0x40b1_0700, value]), [control(T::CONTROLLER, 1, 7, expected)], "{value:#x}");
        }
    }

    /// A program without bank.
    fn program_of_midi_2_0() {
        assert_eq!(content(&[0x40c1_0000, 0x2a00_0000]), [control(T::PGMCHANGE, 1, 0, 42)]);
    }

    /// A program with bank becomes a 14-bit controller 0 and the program.
    fn program_with_bank_of_midi_2_0() {
        let expected = [control(T::CONTROL14, 1, 0, 3 * 128 + 5), control(T::PGMCHANGE, 1, 0, 42)];
        assert_eq!(content(&[0x40c1_0001, 0x2a00_0305]), expected);
    }

    /// Channel pressure and pitch bend.
    fn pressure_and_bend_of_midi_2_0() {
        assert_eq!(content(&[0x40d1_0000, 0xffff_ffff]), [control(T::CHANPRESS, 1, 0, 127)]);
        for (value, expected) in [(0, -8192), (0x8000_0000, 0), (0x8004_0000, 1), (u32::MAX, 8191)] {
            assert_eq!(content(&[0x40e1_0000, value]), [control(T::PITCHBEND, 1, 0, expected)], "{value:#x}");
        }
    }

    /// Registered and assignable controllers: number from bank and index, value of 14 bits.
    fn parameters_of_midi_2_0() {
        let expected = control(T::REGPARAM, 1, 2 * 128 + 3, 0x2000);
        assert_eq!(content(&[0x4021_0203, 0x8000_0000]), [expected]);
        let expected = control(T::NONREGPARAM, 1, 127 * 128 + 1, 0x3fff);
        assert_eq!(content(&[0x4031_7f01, 0xffff_ffff]), [expected]);
    }

    /// Per-note and relative controllers, per-note pitch bend and management vanish.
    fn what_midi_1_0_does_not_have_vanishes() {
        for status in [0x00, 0x10, 0x40, 0x50, 0x60, 0x70, 0xf0_u32] {
            assert_eq!(content(&[0x4000_3c01 | status << 16, 0x8000_0000]), [], "status {status:#x}");
        }
    }

    /// Utility messages, SysEx8, flex data, stream messages and reserved types vanish.
    fn other_message_types_vanish() {
        for kind in [0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15_u32] {
            assert_eq!(content(&[kind << 28 | 0x0010_0000, 1, 2, 3]), [], "type {kind}");
        }
    }

    /// Tag, queue, time, source and destination are those of the packet; the flags are not.
    fn header_of_a_converted_event() {
        let (sender, reader) = (Client::midi(MIDI1), Client::with_port());
        let mut event = packet(reader.port(0), &NOTE1);
        event.tag = 77;
        event.time = EventTime::real(5, 6);
        event.flags |= EventFlags::REAL_TIME | EventFlags::PRIORITY;
        sender.must_send_ump(&event);
        let got = reader.events()[0];
        assert_eq!((got.tag, got.queue, got.time), (77, 253, EventTime::real(5, 6)));
        assert_eq!((got.source, got.dest), (sender.port(0), Address::new(reader.id, 0)));
        assert_eq!(got.flags, EventFlags::empty());
    }

    /// The data bytes that a note does not use are those of the packet's words.
    fn unused_bytes_of_a_note_are_the_packets() {
        let event = converted(&[0x2f91_3c64, 0x1111_1111, 0x2222_2222, 0x3333_3333])[0].event;
        assert_eq!(event.data.0, [1, 60, 100, 0x2f, 0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x22, 0x22]);
    }

    /// The data bytes that a controller does not use are those of the packet's first word.
    fn unused_bytes_of_a_controller_are_the_packets() {
        let event = converted(&[0x2fb1_0764, 0x1111_1111, 0x2222_2222, 0x3333_3333])[0].event;
        assert_eq!(event.data.0, [1, 0x07, 0xb1, 0x2f, 7, 0, 0, 0, 100, 0, 0, 0]);
    }

    /// So are those of a program: the parameter too.
    fn unused_bytes_of_a_program_are_the_packets() {
        let event = converted(&[0x2fc1_2a55, 0x1111_1111, 0x2222_2222, 0x3333_3333])[0].event;
        assert_eq!(event.data.0, [1, 0x2a, 0xc1, 0x2f, 0x11, 0x11, 0x11, 0x11, 42, 0, 0, 0]);
    }

    /// The data of a system message is the packet.
    fn data_of_a_system_message_is_the_packet() {
        let event = converted(&[0x1ff8_0102, 0x1111_1111, 0x2222_2222, 0x3333_3333])[0].event;
        assert_eq!(event.data.0, [2, 1, 0xf8, 0x1f, 0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x22, 0x22]);
    }

    /// The write of a packet that vanishes succeeds.
    fn a_packet_that_vanishes_succeeds() {
        let (sender, reader) = (Client::midi(MIDI1), Client::with_port());
        sender.must_send_packet(reader.port(0), &[0xf000_0101, 0, 0, 0]);
        assert_eq!(reader.types(), []);
    }

    /// A UMP client of either version sends both kinds of packets to legacy clients.
    fn the_senders_version_does_not_matter() {
        for version in [MIDI1, MIDI2] {
            let (sender, reader) = (Client::midi(version), Client::with_port());
            sender.must_send_packet(reader.port(0), &NOTE1);
            sender.must_send_packet(reader.port(0), &[0x4090_3c00, 0xc924_0000]);
            let note = note(T::NOTEON, 0, 60, 100);
            let got: Vec<_> = contents(&reader.received()).into_iter().map(used).collect();
            assert_eq!(got, [note, note]);
        }
    }
}
