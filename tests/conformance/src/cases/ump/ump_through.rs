//! Midi Through with packets, and the limit of hops.

use crate::case::cases;
use crate::client::{Client, LEGACY, MIDI1, MIDI2, NOTE1, NOTE2, THROUGH, Through, packet};
use aseqd_abi::event::{EventFlags, EventTime};
use aseqd_abi::{Errno, EventType};

/// Returns a client of a version with one port that reads what Midi Through sends.
fn heard(version: u32) -> Through {
    let through = Through::heard();
    through.client.need_ump();
    assert_eq!(through.client.set_midi(version), Ok(()));
    through.client.discard();
    through
}

cases! {
    /// A packet goes through Midi Through as it is, from 14:0.
    fn packets_are_forwarded() {
        let through = heard(MIDI1);
        let mut event = packet(THROUGH, &[NOTE1[0] | 7 << 24, 1, 2, 3]);
        event.tag = 3;
        event.time = EventTime::real(4, 5);
        event.flags |= EventFlags::REAL_TIME | EventFlags::PRIORITY;
        through.client.must_send_ump(&event);
        event.source = THROUGH;
        event.dest = through.client.port(0);
        assert_eq!(through.client.ump_received()[0].event, event);
    }

    /// Packets of MIDI 2.0 and without a group go through too.
    fn every_kind_of_packet_is_forwarded() {
        let through = heard(MIDI2);
        for words in [[NOTE2[0], NOTE2[1], 0, 0], [0xf000_0101, 1, 2, 3], [0x0010_0000, 0, 0, 0], [0xd010_0000, 1, 2, 3]] {
            through.client.must_send_packet(THROUGH, &words);
            assert_eq!(through.client.ump_received()[0].event.ump, words);
        }
    }

    /// Behind Midi Through a packet is converted for each subscriber.
    fn packets_are_converted_behind_it() {
        let through = heard(LEGACY);
        let sender = Client::midi(MIDI1);
        sender.must_send_packet(THROUGH, &NOTE1);
        assert_eq!(through.client.types(), [EventType::NOTEON]);
        assert_eq!(through.client.set_midi(MIDI2), Ok(()));
        sender.must_send_packet(THROUGH, &NOTE1);
        assert_eq!(through.client.packets(), [NOTE2]);
    }

    /// Legacy events go through as they are and are converted behind it.
    fn legacy_events_are_converted_behind_it() {
        let through = heard(MIDI1);
        let sender = Client::with_port();
        sender.must_send(&crate::client::note_on(THROUGH, 60));
        assert_eq!(through.client.packets(), [NOTE1]);
    }

    /// A loop at Midi Through ends for a packet at the limit of hops, as for a legacy event.
    fn a_loop_ends_at_the_limit() {
        let mut through = heard(MIDI1);
        through.connect(THROUGH, THROUGH, 0);
        through.client.discard();
        assert_eq!(through.client.send_ump(&packet(THROUGH, &NOTE1)), Err(Errno::EMLINK));
        assert_eq!(through.client.packets().len(), 6);
    }

    /// Without subscribers a packet to Midi Through is success.
    fn packets_without_subscribers_are_success() {
        let through = Through::new();
        through.client.need_ump();
        assert_eq!(through.client.set_midi(MIDI1), Ok(()));
        through.client.must_send_packet(THROUGH, &NOTE1);
    }

    /// An error behind Midi Through comes back to the writer of a packet.
    fn an_error_behind_it_comes_back() {
        let through = heard(MIDI1);
        through.client.set_pool(|pool| pool.input_pool = 1).unwrap();
        let sender = Client::midi(MIDI1);
        sender.must_send_packet(THROUGH, &NOTE1);
        assert_eq!(sender.send_ump(&packet(THROUGH, &NOTE1)), Err(Errno::EAGAIN));
    }
}
