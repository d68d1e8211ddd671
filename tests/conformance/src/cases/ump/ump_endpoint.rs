//! The endpoint port and its group ports: which subscribers get what; and NO_CONVERT.

use crate::case::cases;
use crate::client::{
    Client, LEGACY, MIDI1, MIDI2, NOTE1, NOTE2, OPEN_PORT, legacy, note_on, packet,
};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE, EventData};
use aseqd_abi::seq::{ClientFilter, PortCaps};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Address, Errno, EventType};

const SUBSCRIBERS: Address = Address::new(ADDRESS_SUBSCRIBERS, 0);

/// A client with an endpoint port 0 and the ports of groups 1 to 3, and a reader whose port `n` is subscribed to port `n`.
fn endpoint() -> (Client, Client) {
    let client = Client::open();
    client.need_ump();
    assert_eq!(client.set_midi(MIDI1), Ok(()));
    client.create_port(OPEN_PORT | PortCaps::UMP_ENDPOINT).unwrap();
    for group in 1..=3 {
        let made = client.create_port_with(|info| {
            info.capability = OPEN_PORT.bits();
            info.ump_group = group;
        });
        assert_eq!(made, Ok(client.port(group)));
    }
    let reader = Client::midi_with_ports(MIDI1, 4);
    for port in 0..4 {
        assert_eq!(client.subscribe(client.port(port), reader.port(port)), Ok(()));
    }
    reader.discard();
    (client, reader)
}

/// Returns a packet for the subscribers of a port.
fn from(port: u8, words: &[u32]) -> UmpEvent {
    let mut event = packet(SUBSCRIBERS, words);
    event.source.port = port;
    event
}

/// Returns the ports at which packets came.
fn ports(reader: &Client) -> Vec<u8> {
    reader.ump_received().iter().map(|received| received.event.dest.port).collect()
}

/// Makes a client of a version with NO_CONVERT.
fn unconverting(version: u32) -> Client {
    let client = Client::midi(version);
    client.set_info(|info| info.filter = ClientFilter::NO_CONVERT.bits()).unwrap();
    client
}

cases! {
    /// A packet from the endpoint goes to its subscribers, and to those of the port that is its group's number.
    fn a_packet_from_the_endpoint_goes_to_its_group() {
        let (client, reader) = endpoint();
        for group in 1..=3_u8 {
            client.must_send_ump(&from(0, &[NOTE1[0] | u32::from(group - 1) << 24]));
            assert_eq!(ports(&reader), [0, group]);
        }
    }

    /// A packet of a group without a port goes to the endpoint's subscribers only.
    fn a_group_without_a_port() {
        let (client, reader) = endpoint();
        client.must_send_ump(&from(0, &[NOTE1[0] | 9 << 24]));
        assert_eq!(ports(&reader), [0]);
    }

    /// A packet without a group goes to the endpoint's subscribers only.
    fn a_packet_without_a_group_stays_at_the_endpoint() {
        let (client, reader) = endpoint();
        for first in [0x0010_0000, 0xf000_0101] {
            client.must_send_ump(&from(0, &[first, 0, 0, 0]));
            assert_eq!(ports(&reader), [0], "{first:#x}");
        }
    }

    /// A packet from a group's port goes to its subscribers and to the endpoint's, whatever its group.
    fn a_packet_from_a_group_goes_to_the_endpoint() {
        let (client, reader) = endpoint();
        for g in [0, 1, 9] {
            client.must_send_ump(&from(2, &[NOTE1[0] | g << 24]));
            assert_eq!(ports(&reader), [2, 0]);
        }
    }

    /// What comes by way of the other port has the destination of the subscriber, and the source as written.
    fn the_source_stays_as_written() {
        let (client, reader) = endpoint();
        client.must_send_ump(&from(0, &[NOTE1[0] | 1 << 24]));
        client.must_send_ump(&from(2, &[NOTE1[0] | 1 << 24]));
        let got: Vec<_> = reader.ump_received().iter().map(|r| (r.event.source, r.event.dest)).collect();
        let (from, to) = (|port| client.port(port), |port| reader.port(port));
        assert_eq!(got, [(from(0), to(0)), (from(0), to(2)), (from(2), to(2)), (from(2), to(0))]);
    }

    /// A legacy event from the endpoint goes to its subscribers only.
    fn a_legacy_event_from_the_endpoint() {
        let (client, reader) = endpoint();
        client.must_send(&note_on(SUBSCRIBERS, 60));
        assert_eq!(ports(&reader), [0]);
    }

    /// A legacy event from a group's port goes to the endpoint's subscribers too.
    fn a_legacy_event_from_a_group() {
        let (client, reader) = endpoint();
        let mut event = note_on(SUBSCRIBERS, 60);
        event.source.port = 3;
        client.must_send(&event);
        assert_eq!(ports(&reader), [3, 0]);
    }

    /// A direct packet to an address does not go to the other port's subscribers.
    fn a_packet_to_an_address_goes_there_only() {
        let (client, reader) = endpoint();
        client.must_send_packet(reader.port(3), &NOTE1);
        assert_eq!(ports(&reader), [3]);
    }

    /// What arrives at the endpoint does not arrive at a group's port, nor the reverse.
    fn arriving_packets_do_not_fan_out() {
        let ((client, _reader), other) = (endpoint(), Client::midi(MIDI1));
        client.discard();
        for port in 0..4 {
            other.must_send_packet(client.port(port), &NOTE1);
            assert_eq!(ports(&client), [port]);
        }
    }

    /// The number of the port decides, not its group.
    fn the_ports_number_decides() {
        let (client, reader) = endpoint();
        client.set_group(1, 3);
        client.must_send_ump(&from(0, &NOTE1));
        assert_eq!(ports(&reader), [0, 1]);
    }

    /// A client that has an endpoint port and has become legacy does not fan out.
    fn a_legacy_client_with_an_endpoint_does_not_fan_out() {
        let (client, reader) = endpoint();
        assert_eq!(client.set_midi(LEGACY), Ok(()));
        let mut event = note_on(SUBSCRIBERS, 60);
        event.source.port = 1;
        client.must_send(&event);
        assert_eq!(ports(&reader), [1]);
    }

    /// A client without an endpoint port does not fan out.
    fn without_an_endpoint_nothing_fans_out() {
        let (client, reader) = endpoint();
        assert_eq!(client.delete_port(0), Ok(()));
        reader.discard();
        client.must_send_ump(&from(2, &NOTE1));
        assert_eq!(ports(&reader), [2]);
    }

    /// SET_PORT_INFO does not make a port an endpoint, nor end one.
    fn set_port_info_makes_no_endpoint() {
        let (client, reader) = endpoint();
        client.set_port(0, |info| info.capability = OPEN_PORT.bits());
        client.must_send_ump(&from(2, &NOTE1));
        assert_eq!(ports(&reader), [2, 0]);
        assert_eq!(client.create_port(OPEN_PORT | PortCaps::UMP_ENDPOINT), Err(Errno::EBUSY));
    }

    /// A port that is the endpoint may have any number.
    fn the_endpoint_may_have_any_number() {
        let client = Client::midi_with_ports(MIDI1, 3);
        let endpoint = client.create_port(OPEN_PORT | PortCaps::UMP_ENDPOINT).unwrap();
        let reader = Client::midi_with_ports(MIDI1, 4);
        for port in 0..4 {
            assert_eq!(client.subscribe(client.port(port), reader.port(port)), Ok(()));
        }
        reader.discard();
        client.must_send_ump(&from(endpoint.port, &[NOTE1[0] | 1 << 24]));
        assert_eq!(ports(&reader), [3, 2]);
        client.must_send_ump(&from(1, &NOTE1));
        assert_eq!(ports(&reader), [1, 3]);
    }

    /// A packet of group 3 from the endpoint, if that is port 3, goes to its subscribers twice.
    fn the_endpoints_own_number_as_group() {
        let client = Client::midi_with_ports(MIDI1, 3);
        let endpoint = client.create_port(OPEN_PORT | PortCaps::UMP_ENDPOINT).unwrap();
        let reader = Client::midi(MIDI1);
        assert_eq!(client.subscribe(endpoint, reader.port(0)), Ok(()));
        reader.discard();
        client.must_send_ump(&from(endpoint.port, &[NOTE1[0] | 2 << 24]));
        assert_eq!(ports(&reader), [0, 0]);
    }

    /// An error of the second delivery is the result of the write.
    fn an_error_at_the_other_port_is_the_result() {
        let (client, reader) = endpoint();
        let full = Client::midi(MIDI1);
        assert_eq!(client.subscribe(client.port(2), full.port(0)), Ok(()));
        full.set_pool(|pool| pool.input_pool = 1).unwrap();
        reader.discard();
        full.discard();
        client.must_send_ump(&from(0, &[NOTE1[0] | 1 << 24]));
        assert_eq!(client.send_ump(&from(0, &[NOTE1[0] | 1 << 24])), Err(Errno::EAGAIN));
        assert_eq!(ports(&reader), [0, 2, 0, 2]);
    }

    /// A source port that does not exist is EINVAL, with an endpoint too.
    fn a_missing_source_port() {
        let (client, _reader) = endpoint();
        assert_eq!(client.send_ump(&from(9, &NOTE1)), Err(Errno::EINVAL));
    }

    /// NO_CONVERT: a UMP client gets packets of the other protocol as they are.
    fn no_convert_leaves_packets() {
        let sender = Client::midi(MIDI1);
        for version in [MIDI1, MIDI2] {
            let reader = unconverting(version);
            sender.must_send_packet(reader.port(0), &NOTE1);
            sender.must_send_packet(reader.port(0), &NOTE2);
            assert_eq!(reader.packets(), [NOTE1.to_vec(), NOTE2.to_vec()]);
        }
    }

    /// NO_CONVERT: a UMP client gets legacy events as they are.
    fn no_convert_leaves_legacy_events() {
        let (sender, reader) = (Client::with_port(), unconverting(MIDI2));
        sender.must_send(&note_on(reader.port(0), 60));
        let got = reader.ump_received();
        assert_eq!(got[0].legacy().event_type, EventType::NOTEON);
    }

    /// NO_CONVERT: a legacy client gets no packets, and the write succeeds.
    fn no_convert_drops_packets_at_a_legacy_client() {
        let (sender, reader) = (Client::midi(MIDI1), unconverting(LEGACY));
        sender.must_send_packet(reader.port(0), &NOTE1);
        assert_eq!(reader.types(), []);
        sender.must_send(&legacy(reader.port(0), EventType::ECHO, EventData::default()));
        assert_eq!(reader.types(), [EventType::ECHO]);
    }

    /// The event filter of a receiver does not look at packets.
    fn the_event_filter_ignores_packets() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(LEGACY));
        reader.accept_only(&[EventType::ECHO]);
        sender.must_send_packet(reader.port(0), &NOTE1);
        assert_eq!(reader.types(), [EventType::NOTEON]);
        assert_eq!(sender.send(&note_on(reader.port(0), 60)), Err(Errno::ENOENT));
    }

    /// The event filter of a UMP client looks at legacy events before they are converted.
    fn the_event_filter_looks_at_legacy_events() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI1));
        reader.accept_only(&[EventType::NOTEON]);
        assert_eq!(sender.send(&note_on(reader.port(0), 60)), Ok(EVENT_SIZE));
        let echo = legacy(reader.port(0), EventType::ECHO, EventData::default());
        assert_eq!(sender.send(&echo), Err(Errno::ENOENT));
        assert_eq!(reader.packets(), [[0x2090_3c64]]);
    }
}
