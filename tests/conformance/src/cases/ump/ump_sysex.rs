//! System exclusive: data behind a legacy event, and packets of six bytes.

use crate::case::cases;
use crate::client::{Client, LEGACY, MIDI1, MIDI2, NO_PACKETS, at_tick, variable};
use aseqd_abi::event::{EVENT_SIZE, EventFlags, EventTime};
use aseqd_abi::{Address, Errno, EventType};

/// Writes system exclusive data as one legacy event.
fn send(sender: &Client, dest: Address, data: &[u8]) {
    let event = variable(EventType::SYSEX, dest, data.len());
    assert_eq!(sender.send_variable(&event, data), Ok(EVENT_SIZE + data.len()));
}

/// Returns what a client of a version gets of system exclusive data.
fn packets(version: u32, data: &[u8]) -> Vec<Vec<u32>> {
    let (sender, reader) = (Client::with_port(), Client::midi(version));
    send(&sender, reader.port(0), data);
    reader.packets()
}

/// Returns the data that a legacy client gets of packets.
fn data(packets: &[[u32; 2]]) -> Vec<Vec<u8>> {
    let (sender, reader) = (Client::midi(MIDI2), Client::midi(LEGACY));
    for words in packets {
        sender.must_send_packet(reader.port(0), words);
    }
    let received = reader.received();
    assert!(received.iter().all(|received| received.event.event_type == EventType::SYSEX));
    received.into_iter().map(|received| received.data).collect()
}

cases! {
    /// Up to six bytes between F0 and F7 are one packet.
    fn a_short_one_is_one_packet() {
        for version in [MIDI1, MIDI2] {
            assert_eq!(packets(version, b"\xf0\x01\xf7"), [[0x3001_0100, 0]]);
            assert_eq!(packets(version, b"\xf0\x01\x02\x03\x04\x05\x06\xf7"), [[0x3006_0102, 0x0304_0506]]);
        }
    }

    /// Longer data is a start, pieces and an end.
    fn a_long_one_is_start_pieces_and_end() {
        let bytes: Vec<u8> = [0xf0].into_iter().chain(1..=20).chain([0xf7]).collect();
        let expected = [
            [0x3016_0102, 0x0304_0506],
            [0x3026_0708, 0x090a_0b0c],
            [0x3026_0d0e, 0x0f10_1112],
            [0x3032_1314, 0],
        ];
        assert_eq!(packets(MIDI1, &bytes), expected);
    }

    /// Data whose length is a multiple of six ends with a full packet.
    fn twelve_bytes_are_two_packets() {
        let bytes: Vec<u8> = [0xf0].into_iter().chain(1..=12).chain([0xf7]).collect();
        assert_eq!(packets(MIDI1, &bytes), [[0x3016_0102, 0x0304_0506], [0x3036_0708, 0x090a_0b0c]]);
    }

    /// An empty message is one empty packet, and an event without data is none.
    fn an_empty_message() {
        assert_eq!(packets(MIDI1, b"\xf0\xf7"), [[0x3000_0000, 0]]);
        assert_eq!(packets(MIDI1, b""), NO_PACKETS);
    }

    /// A lone F0 is an empty start, and a lone F7 an empty end.
    fn a_lone_status_byte() {
        assert_eq!(packets(MIDI1, b"\xf0"), [[0x3010_0000, 0]]);
        assert_eq!(packets(MIDI1, b"\xf7"), [[0x3030_0000, 0]]);
    }

    /// An event without F0 at its begin continues, and one without F7 at its end does not end.
    fn chunks_continue() {
        assert_eq!(packets(MIDI1, b"\xf0\x01\x02"), [[0x3012_0102, 0]]);
        assert_eq!(packets(MIDI1, b"\x03\x04"), [[0x3022_0304, 0]]);
        assert_eq!(packets(MIDI1, b"\x05\x06\xf7"), [[0x3032_0506, 0]]);
        assert_eq!(
            packets(MIDI1, b"\x01\x02\x03\x04\x05\x06\x07"),
            [[0x3026_0102, 0x0304_0506], [0x3021_0700, 0]]
        );
    }

    /// Nothing is kept between events: a chunk that fills no packet is not completed by the next.
    fn chunks_are_not_joined() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI1));
        send(&sender, reader.port(0), b"\xf0\x01");
        send(&sender, reader.port(0), b"\x02\xf7");
        assert_eq!(reader.packets(), [[0x3011_0100, 0], [0x3031_0200, 0]]);
    }

    /// Each packet is a record with the header of the event.
    fn every_packet_has_the_header() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI1));
        let mut event = variable(EventType::SYSEX, reader.port(0), 9);
        event.tag = 7;
        event.time = EventTime::tick(9);
        assert_eq!(sender.send_variable(&event, b"\xf0\x01\x02\x03\x04\x05\x06\x07\xf7"), Ok(EVENT_SIZE + 9));
        let received = reader.ump_received();
        assert_eq!(received.len(), 2);
        for got in received {
            assert_eq!((got.event.tag, got.event.time, got.event.queue), (7, EventTime::tick(9), 253));
            assert_eq!((got.event.flags, got.event.event_type), (EventFlags::UMP, EventType(0)));
            assert_eq!((got.event.source, got.event.dest), (sender.port(0), reader.port(0)));
            assert_eq!(got.event.ump[2..], [0, 0]);
        }
    }

    /// Bytes of 80 and more within the data are not looked for.
    fn bytes_within_are_not_checked() {
        let got = packets(MIDI1, b"\xf0\x81\xf0\xf8\x02\xf7");
        assert_eq!(got, [[0x3004_81f0, 0xf802_0000]]);
    }

    /// Data that was long in a queue is converted as a whole.
    fn queued_data_is_converted() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI1));
        let queue = sender.create_queue();
        let bytes: Vec<u8> = [0xf0].into_iter().chain((0..600_u32).map(|n| (n % 128).to_le_bytes()[0])).chain([0xf7]).collect();
        let event = at_tick(variable(EventType::SYSEX, reader.port(0), bytes.len()), queue, 5);
        assert_eq!(sender.send_variable(&event, &bytes), Ok(EVENT_SIZE + bytes.len()));
        sender.move_to_tick(queue, 5);
        let received = reader.ump_received();
        assert_eq!(received.len(), 100);
        let joined: Vec<u8> = received
            .iter()
            .flat_map(|got| got.words().iter().flat_map(|word| word.to_be_bytes()).skip(2).collect::<Vec<_>>())
            .collect();
        assert_eq!(joined, bytes[1..601]);
    }

    /// A FIFO that becomes full in the middle is EAGAIN, and the reader loses the first packets too.
    fn a_full_fifo_in_the_middle_is_eagain() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI1));
        reader.set_pool(|pool| pool.input_pool = 10).unwrap();
        let bytes: Vec<u8> = [0xf0].into_iter().chain(std::iter::repeat_n(1, 90)).chain([0xf7]).collect();
        let event = variable(EventType::SYSEX, reader.port(0), bytes.len());
        assert_eq!(sender.send_variable(&event, &bytes), Err(Errno::EAGAIN));
        assert_eq!(reader.read(1000), Err(Errno::ENOSPC));
        assert_eq!(reader.read(1000), Err(Errno::EAGAIN));
    }

    /// A packet becomes an event with F0 before and F7 behind the bytes, as its status says.
    fn a_packet_becomes_data() {
        assert_eq!(data(&[[0x3003_0102, 0x0300_0000]]), [b"\xf0\x01\x02\x03\xf7"]);
        assert_eq!(data(&[[0x3016_0102, 0x0304_0506]]), [b"\xf0\x01\x02\x03\x04\x05\x06"]);
        assert_eq!(data(&[[0x3026_0102, 0x0304_0506]]), [b"\x01\x02\x03\x04\x05\x06"]);
        assert_eq!(data(&[[0x3032_0102, 0]]), [b"\x01\x02\xf7"]);
    }

    /// A packet without bytes.
    fn a_packet_without_bytes() {
        assert_eq!(data(&[[0x3000_0000, 0]]), [b"\xf0\xf7"]);
        assert_eq!(data(&[[0x3010_0000, 0]]), [b"\xf0"]);
        assert_eq!(data(&[[0x3030_0000, 0]]), [b"\xf7"]);
        assert_eq!(data(&[[0x3020_0000, 0]]), [b""]);
    }

    /// A packet that claims more than six bytes vanishes.
    fn a_packet_of_seven_bytes_vanishes() {
        for word in [0x3007_0102, 0x300f_0102, 0x3017_0102, 0x302f_0102] {
            assert_eq!(data(&[[word, 0]]), [[0_u8; 0]; 0], "{word:#x}");
        }
    }

    /// A packet of another status counts as one in the middle.
    fn a_packet_of_another_status_continues() {
        for status in 4..16 {
            assert_eq!(data(&[[0x3003_0102 | status << 20, 0x0300_0000]]), [b"\x01\x02\x03"], "status {status}");
        }
    }

    /// Every packet becomes an event of its own, and there and back the bytes are the same.
    fn there_and_back_the_bytes_are_the_same() {
        for len in [0, 1, 5, 6, 7, 12, 13, 100] {
            let bytes: Vec<u8> = [0xf0].into_iter().chain((0..len).map(|n| n & 0x7f)).chain([0xf7]).collect();
            let there: Vec<[u32; 2]> =
                packets(MIDI1, &bytes).into_iter().map(|words| [words[0], words[1]]).collect();
            assert_eq!(data(&there).concat(), bytes, "{len} bytes");
        }
    }

    /// SysEx packets are passed on between UMP clients of both versions as they are.
    fn packets_pass_between_ump_clients() {
        for version in [MIDI1, MIDI2] {
            let (sender, reader) = (Client::midi(MIDI1), Client::midi(version));
            for words in [[0x3016_0102, 0x0304_0506], [0x3047_ffff, 0xffff_ffff]] {
                sender.must_send_packet(reader.port(0), &words);
                assert_eq!(reader.packets(), [words]);
            }
        }
    }
}
