//! Clients of UMP (MIDI 2.0): records of 32 bytes, and packets.

use super::{Client, Received};
use crate::case::skip;
use aseqd_abi::event::{EventData, EventFlags, EventTime, QUEUE_DIRECT};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::VERSION_1_0_3;
use aseqd_abi::ump::{ClientUmpInfo, UmpEvent};
use aseqd_abi::{Address, Errno, Event, EventType};
use zerocopy::{FromBytes, IntoBytes};

/// The size of a record that a UMP client reads, in bytes.
pub(crate) const UMP_SIZE: usize = size_of::<UmpEvent>();

/// The MIDI versions of a client: legacy, MIDI 1.0 in UMP, MIDI 2.0 in UMP.
pub(crate) const LEGACY: u32 = aseqd_abi::ump::CLIENT_LEGACY_MIDI;
/// See [`LEGACY`].
pub(crate) const MIDI1: u32 = aseqd_abi::ump::CLIENT_UMP_MIDI_1_0;
/// See [`LEGACY`].
pub(crate) const MIDI2: u32 = aseqd_abi::ump::CLIENT_UMP_MIDI_2_0;

/// A note-on of MIDI 1.0: group 0, channel 0, note 60, velocity 100.
pub(crate) const NOTE1: [u32; 1] = [0x2090_3c64];
/// The same note-on in MIDI 2.0, with the velocity that MIDI 1.0's becomes.
pub(crate) const NOTE2: [u32; 2] = [0x4090_3c00, 0xc924_0000];

/// What a client reads that has got nothing.
pub(crate) const NO_PACKETS: [[u32; 1]; 0] = [];

/// A record that a UMP client has read, with the data of a variable event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UmpReceived {
    /// The record. If it is a legacy event, its data is in the first three words of `ump`.
    pub event: UmpEvent,
    /// The data behind it, without padding.
    pub data: Vec<u8>,
}

impl UmpReceived {
    /// Returns whether the record has a packet.
    pub(crate) fn is_ump(&self) -> bool {
        self.event.flags.contains(EventFlags::UMP)
    }

    /// Returns the words of the packet, as many as its message type has.
    #[track_caller]
    pub(crate) fn words(&self) -> Vec<u32> {
        assert!(self.is_ump(), "a packet, not {self:?}");
        self.event.ump[..word_count(self.event.ump[0])].to_vec()
    }

    /// Returns the record as the legacy event that it is.
    #[track_caller]
    pub(crate) fn legacy(&self) -> Event {
        assert!(!self.is_ump(), "a legacy event, not {self:?}");
        Event::read_from_prefix(self.event.as_bytes()).expect("long enough").0
    }
}

/// Returns how many words a packet with this first word has.
pub(crate) fn word_count(first: u32) -> usize {
    match first >> 28 {
        0 | 1 | 2 | 6 | 7 => 1,
        3 | 4 | 8 | 9 | 0xa => 2,
        0xb | 0xc => 3,
        _ => 4,
    }
}

/// Cuts what a UMP client read into records.
#[track_caller]
pub(crate) fn split_ump(bytes: &[u8]) -> Vec<UmpReceived> {
    let mut all = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (event, after) = UmpEvent::read_from_prefix(rest).expect("a whole record");
        rest = after;
        let mut data = Vec::new();
        if event.flags.length() == EventFlags::VARIABLE.length() {
            let len = event.ump[0] as usize;
            let padded = len.next_multiple_of(UMP_SIZE);
            assert!(rest.len() >= padded, "the data is all there");
            data.extend_from_slice(&rest[..len]);
            rest = &rest[padded..];
        }
        all.push(UmpReceived { event, data });
    }
    all
}

/// Returns an event with a packet that goes directly from port 0 to an address.
pub(crate) fn packet(dest: Address, words: &[u32]) -> UmpEvent {
    let mut event = UmpEvent {
        flags: EventFlags::UMP,
        queue: QUEUE_DIRECT,
        dest,
        event_type: EventType(0),
        ..UmpEvent::default()
    };
    event.ump[..words.len()].copy_from_slice(words);
    event
}

/// Returns the event, due at a tick of a queue.
pub(crate) fn packet_at_tick(mut event: UmpEvent, queue: u8, tick: u32) -> UmpEvent {
    event.queue = queue;
    event.flags.remove(EventFlags::REAL_TIME | EventFlags::RELATIVE);
    event.time = EventTime::tick(tick);
    event
}

/// Returns a legacy event of a type that goes directly from port 0 to an address.
pub(crate) fn legacy(dest: Address, event_type: EventType, data: EventData) -> Event {
    Event { dest, data, ..Event::direct(event_type) }
}

impl Client {
    /// Opens a client of a MIDI version, with one port that anybody may use. Skips the case if there is no UMP.
    #[track_caller]
    pub(crate) fn midi(version: u32) -> Self {
        Self::midi_with_ports(version, 1)
    }

    /// Opens a client of a MIDI version, with ports 0 to `count` - 1 that anybody may use. Skips the case if there is no
    /// UMP.
    #[track_caller]
    pub(crate) fn midi_with_ports(version: u32, count: u8) -> Self {
        let client = Self::with_ports(count);
        client.need_ump();
        assert_eq!(client.set_midi(version), Ok(()));
        client
    }

    /// Declares protocol version 1.0.3, and skips the case if the sequencer refuses to make this a UMP client.
    pub(crate) fn need_ump(&self) {
        self.declare_version(VERSION_1_0_3);
        let had = self.info().midi_version;
        if self.set_midi(MIDI1) == Err(Errno::EINVAL) || self.info().midi_version != MIDI1 {
            skip("the sequencer has no UMP");
        }
        self.set_midi(had).expect("SET_CLIENT_INFO");
    }

    /// Makes this a client of a MIDI version.
    pub(crate) fn set_midi(&self, version: u32) -> Result<(), Errno> {
        self.set_info(|info| info.midi_version = version)
    }

    /// Makes this client drop the messages of groups: bit 0 those without a group, bit n those of group n.
    pub(crate) fn drop_groups(&self, filter: u32) {
        self.set_info(|info| info.group_filter = filter).expect("SET_CLIENT_INFO");
    }

    /// Gives one of its ports a group, 1 to 16, or none, 0.
    pub(crate) fn set_group(&self, port: u8, group: u8) {
        self.set_port(port, |info| info.ump_group = group);
    }

    /// Writes one packet.
    pub(crate) fn send_ump(&self, event: &UmpEvent) -> Result<usize, Errno> {
        self.write(event.as_bytes())
    }

    /// Writes one event with a packet, which must be accepted.
    #[track_caller]
    pub(crate) fn must_send_ump(&self, event: &UmpEvent) {
        assert_eq!(self.send_ump(event), Ok(UMP_SIZE), "the event is taken");
    }

    /// Writes a packet directly to an address. It must be accepted.
    #[track_caller]
    pub(crate) fn must_send_packet(&self, dest: Address, words: &[u32]) {
        self.must_send_ump(&packet(dest, words));
    }

    /// Reads what can be read now, without waiting, as a UMP client.
    #[track_caller]
    pub(crate) fn ump_received(&self) -> Vec<UmpReceived> {
        let mut all = Vec::new();
        loop {
            match self.read(64 * 1024) {
                Ok(bytes) if bytes.is_empty() => return all,
                Ok(bytes) => all.extend(split_ump(&bytes)),
                Err(Errno::EAGAIN) => return all,
                Err(error) => panic!("read: {error}"),
            }
        }
    }

    /// Reads what can be read now as a UMP client, and returns the packets. Every record must have one.
    #[track_caller]
    pub(crate) fn packets(&self) -> Vec<Vec<u32>> {
        self.ump_received().iter().map(UmpReceived::words).collect()
    }

    /// Makes the request `GET_CLIENT_UMP_INFO`, and returns every byte of the answer.
    pub(crate) fn ump_info(&self, client: i32, info_type: i32) -> Result<ClientUmpInfo, Errno> {
        let asked = ClientUmpInfo { client, info_type, info: [0xa5; 512] };
        self.query(s::GET_CLIENT_UMP_INFO, asked)
    }

    /// Makes the request `SET_CLIENT_UMP_INFO`. The description fills the first bytes; the others are 0x5a.
    pub(crate) fn set_ump_info(
        &self,
        client: i32,
        info_type: i32,
        description: &[u8],
    ) -> Result<(), Errno> {
        let mut info = [0x5a; 512];
        info[..description.len()].copy_from_slice(description);
        self.query(s::SET_CLIENT_UMP_INFO, ClientUmpInfo { client, info_type, info }).map(drop)
    }
}

/// Returns type and data of the legacy events that were received.
pub(crate) fn contents(received: &[Received]) -> Vec<(EventType, EventData)> {
    received.iter().map(|received| (received.event.event_type, received.event.data)).collect()
}
