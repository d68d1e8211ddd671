//! What a MIDI 2.0 port remembers between events: bank selects, and registered and other parameters.

use crate::case::cases;
use crate::client::{Client, LEGACY, MIDI1, MIDI2, NO_PACKETS, legacy};
use aseqd_abi::event::{Control, EventData};
use aseqd_abi::{Address, EventType as T};

/// Writes a controller for channel 0.
fn cc(sender: &Client, dest: Address, param: u32, value: i32) {
    cc_on(sender, dest, 0, param, value);
}

/// Writes a controller.
fn cc_on(sender: &Client, dest: Address, channel: u8, param: u32, value: i32) {
    let data = EventData::from_control(Control { channel, param, value });
    sender.must_send(&legacy(dest, T::CONTROLLER, data));
}

/// Writes an event with channel 0.
fn send(sender: &Client, dest: Address, event_type: T, param: u32, value: i32) {
    let data = EventData::from_control(Control { channel: 0, param, value });
    sender.must_send(&legacy(dest, event_type, data));
}

/// Writes a program.
fn program(sender: &Client, dest: Address, channel: u8) {
    let data = EventData::from_control(Control { channel, param: 0, value: 42 });
    sender.must_send(&legacy(dest, T::PGMCHANGE, data));
}

/// Returns what a MIDI 2.0 client gets of controllers, and of a program at the end.
fn of_controllers(controllers: &[(u32, i32)]) -> Vec<Vec<u32>> {
    let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
    for (param, value) in controllers {
        cc(&sender, reader.port(0), *param, *value);
    }
    reader.packets()
}

/// Returns the packet of program 42 in channel 0, with a bank.
fn with_bank(msb: u32, lsb: u32) -> [u32; 2] {
    [0x40c0_0001, 0x2a00_0000 | msb << 8 | lsb]
}

/// Program 42 in channel 0, without a bank.
const PROGRAM: [u32; 2] = [0x40c0_0000, 0x2a00_0000];

cases! {
    /// A bank select sends nothing, and goes with the next program.
    fn a_bank_goes_with_the_program() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
        cc(&sender, reader.port(0), 0, 3);
        cc(&sender, reader.port(0), 32, 5);
        assert_eq!(reader.packets(), NO_PACKETS);
        program(&sender, reader.port(0), 0);
        assert_eq!(reader.packets(), [with_bank(3, 5)]);
    }

    /// After the program the bank is no longer valid.
    fn a_bank_goes_with_one_program() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
        cc(&sender, reader.port(0), 0, 3);
        program(&sender, reader.port(0), 0);
        program(&sender, reader.port(0), 0);
        assert_eq!(reader.packets(), [with_bank(3, 0), PROGRAM]);
    }

    /// Half a bank is enough: the other half is the last one that was set, before an earlier program too.
    fn half_a_bank_is_enough() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
        cc(&sender, reader.port(0), 0, 3);
        cc(&sender, reader.port(0), 32, 5);
        program(&sender, reader.port(0), 0);
        cc(&sender, reader.port(0), 32, 9);
        program(&sender, reader.port(0), 0);
        cc(&sender, reader.port(0), 0, 7);
        program(&sender, reader.port(0), 0);
        assert_eq!(reader.packets(), [with_bank(3, 5), with_bank(3, 9), with_bank(7, 9)]);
    }

    /// A bank is remembered for each channel.
    fn each_channel_has_a_bank() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
        cc_on(&sender, reader.port(0), 1, 0, 3);
        program(&sender, reader.port(0), 0);
        program(&sender, reader.port(0), 1);
        assert_eq!(reader.packets(), [PROGRAM, [0x40c1_0001, 0x2a00_0300]]);
    }

    /// A bank is remembered for each port of the receiver.
    fn each_port_has_a_bank() {
        let (sender, reader) = (Client::with_port(), Client::midi_with_ports(MIDI2, 2));
        cc(&sender, reader.port(0), 0, 3);
        program(&sender, reader.port(1), 0);
        program(&sender, reader.port(0), 0);
        assert_eq!(reader.packets(), [PROGRAM, with_bank(3, 0)]);
    }

    /// It does not matter which client selects the bank.
    fn senders_share_a_bank() {
        let (sender, other, reader) = (Client::with_port(), Client::with_port(), Client::midi(MIDI2));
        cc(&sender, reader.port(0), 0, 3);
        program(&other, reader.port(0), 0);
        assert_eq!(reader.packets(), [with_bank(3, 0)]);
    }

    /// A bank outlives a time in which the client speaks MIDI 1.0 or is a legacy one.
    fn a_bank_outlives_a_switch() {
        for version in [MIDI1, LEGACY] {
            let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
            cc(&sender, reader.port(0), 0, 3);
            assert_eq!(reader.set_midi(version), Ok(()));
            assert_eq!(reader.set_midi(MIDI2), Ok(()));
            program(&sender, reader.port(0), 0);
            assert_eq!(reader.packets(), [with_bank(3, 0)], "version {version}");
        }
    }

    /// A bank outlives SET_PORT_INFO, and ends with the port.
    fn a_bank_ends_with_its_port() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
        cc(&sender, reader.port(0), 0, 3);
        reader.set_port(0, |info| info.midi_channels = 16);
        program(&sender, reader.port(0), 0);
        cc(&sender, reader.port(0), 0, 4);
        assert_eq!(reader.delete_port(0), Ok(()));
        reader.create_port(crate::client::OPEN_PORT).unwrap();
        program(&sender, reader.port(0), 0);
        assert_eq!(reader.packets(), [with_bank(3, 0), PROGRAM]);
    }

    /// A MIDI 1.0 packet's bank select is remembered in the same place as a legacy event's.
    fn packets_and_events_share_a_bank() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI2));
        cc(&sender, reader.port(0), 0, 3);
        sender.must_send_packet(reader.port(0), &[0x20b0_2005]);
        sender.must_send_packet(reader.port(0), &[0x20c0_2a00]);
        assert_eq!(reader.packets(), [with_bank(3, 5)]);
    }

    /// Bank selects in MIDI 1.0 packets send nothing, and go with the next program.
    fn a_bank_in_packets_goes_with_the_program() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI2));
        for word in [0x20b0_0003, 0x20b0_2005, 0x20c0_2a00, 0x20c0_2a00] {
            sender.must_send_packet(reader.port(0), &[word]);
        }
        let got = reader.packets();
        assert_eq!(got, [with_bank(3, 5), PROGRAM]);
    }

    /// The groups of MIDI 1.0 packets share a bank.
    fn groups_share_a_bank() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI2));
        for word in [0x21b0_0003, 0x22c0_2a00] {
            sender.must_send_packet(reader.port(0), &[word]);
        }
        assert_eq!(reader.packets(), [[0x42c0_0001, 0x2a00_0300]]);
    }

    /// A 14-bit controller 0 selects both halves, and 32 only the lower one.
    fn a_14_bit_bank() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
        send(&sender, reader.port(0), T::CONTROL14, 0, 3 * 128 + 5);
        program(&sender, reader.port(0), 0);
        send(&sender, reader.port(0), T::CONTROL14, 32, 3 * 128 + 9);
        program(&sender, reader.port(0), 0);
        assert_eq!(reader.packets(), [with_bank(3, 5), with_bank(3, 9)]);
    }

    /// A MIDI 1.0 port of a MIDI 2.0 client remembers nothing: bank selects go through.
    fn a_midi_1_port_remembers_no_bank() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI1));
        cc(&sender, reader.port(0), 0, 3);
        assert_eq!(reader.set_midi(MIDI2), Ok(()));
        program(&sender, reader.port(0), 0);
        assert_eq!(reader.packets(), [vec![0x20b0_0003], PROGRAM.to_vec()]);
    }

    /// A registered parameter goes out when both halves of its value have come.
    fn a_registered_parameter_needs_both_halves() {
        assert_eq!(of_controllers(&[(101, 2), (100, 3), (6, 4)]), NO_PACKETS);
        assert_eq!(of_controllers(&[(101, 2), (100, 3), (6, 4), (38, 5)]), [[0x4020_0203, 0x0814_0000]]);
    }

    /// The halves of the value may come in any order.
    fn the_halves_come_in_any_order() {
        assert_eq!(of_controllers(&[(100, 3), (101, 2), (38, 5), (6, 4)]), [[0x4020_0203, 0x0814_0000]]);
    }

    /// Another parameter goes out in the same way, as an assignable controller.
    fn an_unregistered_parameter_needs_both_halves() {
        assert_eq!(of_controllers(&[(99, 2), (98, 3), (6, 4), (38, 5)]), [[0x4030_0203, 0x0814_0000]]);
    }

    /// After a value the parameter is no longer selected: the next value goes nowhere.
    fn a_value_ends_the_selection() {
        let got = of_controllers(&[(101, 2), (100, 3), (6, 4), (38, 5), (6, 6), (38, 7)]);
        assert_eq!(got, [[0x4020_0203, 0x0814_0000]]);
    }

    /// A value without a parameter goes nowhere.
    fn a_value_without_a_parameter_goes_nowhere() {
        assert_eq!(of_controllers(&[(6, 4), (38, 5)]), NO_PACKETS);
    }

    /// Half a value is sent when the next parameter is selected.
    fn half_a_value_goes_with_the_next_selection() {
        let got = of_controllers(&[(101, 2), (100, 3), (6, 4), (101, 0)]);
        assert_eq!(got, [[0x4020_0203, 0x0800_0000]]);
        let got = of_controllers(&[(99, 2), (98, 3), (38, 4), (98, 0)]);
        assert_eq!(got, [[0x4030_0203, 0x0010_0000]]);
    }

    /// The null parameter 127/127 ends a selection, and sends half a value before.
    fn the_null_parameter_ends_a_selection() {
        let got = of_controllers(&[(101, 127), (100, 127), (6, 4), (38, 5)]);
        assert_eq!(got, NO_PACKETS);
        let got = of_controllers(&[(101, 2), (100, 3), (6, 4), (101, 127), (100, 127)]);
        assert_eq!(got, [[0x4020_0203, 0x0800_0000]]);
    }

    /// A selection is remembered for each channel.
    fn each_channel_has_a_selection() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
        for (channel, param, value) in [(0, 101, 2), (0, 100, 3), (1, 99, 4), (1, 98, 5), (0, 6, 6), (1, 6, 7), (1, 38, 8), (0, 38, 9)] {
            cc_on(&sender, reader.port(0), channel, param, value);
        }
        assert_eq!(reader.packets(), [[0x4031_0405, 0x0e20_0000], [0x4020_0203, 0x0c24_0000]]);
    }

    /// A 14-bit selection and value count as both halves.
    fn a_14_bit_parameter() {
        for (number, status) in [(101, 2), (99, 3_u32)] {
            let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
            send(&sender, reader.port(0), T::CONTROL14, number, 2 * 128 + 3);
            send(&sender, reader.port(0), T::CONTROL14, 6, 4 * 128 + 5);
            assert_eq!(reader.packets(), [[0x4000_0203 | status << 20, 0x0814_0000]], "{number}");
        }
    }

    /// A REGPARAM event leaves a selection made by controllers.
    fn a_whole_parameter_leaves_the_selection() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
        cc(&sender, reader.port(0), 101, 2);
        cc(&sender, reader.port(0), 100, 3);
        send(&sender, reader.port(0), T::REGPARAM, 1, 0);
        cc(&sender, reader.port(0), 6, 4);
        cc(&sender, reader.port(0), 38, 5);
        assert_eq!(reader.packets(), [[0x4020_0001, 0], [0x4020_0203, 0x0814_0000]]);
    }

    /// MIDI 1.0 packets with parameter controllers are not collected: each becomes a controller.
    fn parameters_in_packets_are_not_collected() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI2));
        for word in [0x20b0_6502, 0x20b0_6403, 0x20b0_0640] {
            sender.must_send_packet(reader.port(0), &[word]);
        }
        let statuses: Vec<u32> = reader.packets().iter().map(|words| words[0]).collect();
        assert_eq!(statuses, [0x40b0_6500, 0x40b0_6400, 0x40b0_0600]);
    }

    /// RESET and all-controllers-off leave bank and selection.
    fn a_reset_leaves_the_state() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
        cc(&sender, reader.port(0), 0, 3);
        cc(&sender, reader.port(0), 121, 0);
        sender.must_send(&legacy(reader.port(0), T::RESET, EventData::default()));
        program(&sender, reader.port(0), 0);
        assert_eq!(reader.packets().pop(), Some(with_bank(3, 0).to_vec()));
    }

    /// Events that a group filter drops are not remembered.
    fn dropped_events_are_not_remembered() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI2));
        reader.set_group(0, 2);
        reader.drop_groups(1 << 2);
        cc(&sender, reader.port(0), 0, 3);
        reader.drop_groups(0);
        program(&sender, reader.port(0), 0);
        assert_eq!(reader.packets(), [[0x41c0_0000, 0x2a00_0000]]);
    }
}
