//! Records of UMP, and short ways to say what the tests here say.

use crate::rig::{OPEN_PORT, Rig, TestClient};
use aseqd_abi::event::{EventFlags, EventTime, QUEUE_DIRECT};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{PortInfo, VERSION_1_0_3};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Address, Errno, Event, EventType};
use aseqd_engine::{Config, Error};
use zerocopy::{FromBytes, IntoBytes};

/// A note-on of MIDI 1.0 in group 1: key 60, velocity 64.
pub(crate) const NOTE1: u32 = 0x2090_3c40;
/// The same of MIDI 2.0.
pub(crate) const NOTE2: [u32; 2] = [0x4090_3c00, 0x8000_0000];

/// Returns a packet from port 0 for delivery at once. Words that are not given are zero.
pub(crate) fn packet(dest: Address, words: &[u32]) -> UmpEvent {
    let mut ump = [0; 4];
    ump[..words.len()].copy_from_slice(words);
    UmpEvent {
        event_type: EventType(0),
        flags: EventFlags::UMP,
        tag: 0,
        queue: QUEUE_DIRECT,
        time: EventTime::default(),
        source: Address::new(0, 0),
        dest,
        ump,
    }
}

/// Returns the note of MIDI 1.0 in a group, 0 to 15.
pub(crate) const fn note1(group: u8) -> u32 {
    NOTE1 | (group as u32) << 24
}

/// Returns an engine with UMP.
pub(crate) fn ump_rig() -> Rig {
    Rig::with_config(Config { ump: true, ..Config::default() })
}

impl Rig {
    /// Opens a client that has declared to know UMP, without a port.
    pub(crate) fn knowing_client(&mut self) -> TestClient {
        let client = self.client();
        let version = VERSION_1_0_3;
        self.query(client.file, s::USER_PVERSION, version).expect("USER_PVERSION");
        client
    }

    /// Opens a client of a MIDI version, without a port.
    pub(crate) fn ump_client(&mut self, midi_version: u32) -> TestClient {
        let client = self.knowing_client();
        self.set_info(client, |info| info.midi_version = midi_version).expect("SET_CLIENT_INFO");
        client
    }

    /// Creates a port for anybody's use, in a UMP group, or in none with 0.
    pub(crate) fn group_port(&mut self, client: TestClient, ump_group: u8) -> Address {
        self.port_with(client, |info| info.ump_group = ump_group)
    }

    /// Creates a port for anybody's use.
    pub(crate) fn port_with(
        &mut self,
        client: TestClient,
        change: impl FnOnce(&mut PortInfo),
    ) -> Address {
        let addr = Address::new(client.number, 0);
        let mut info = PortInfo { addr, capability: OPEN_PORT.bits(), ..PortInfo::default() };
        change(&mut info);
        self.query(client.file, s::CREATE_PORT, info).expect("a port").addr
    }

    /// Opens a client of a MIDI version, with port 0 in no group.
    pub(crate) fn ump_client_with_port(&mut self, midi_version: u32) -> TestClient {
        let client = self.ump_client(midi_version);
        self.group_port(client, 0);
        client
    }

    /// Writes one packet.
    pub(crate) fn send_packet(
        &mut self,
        client: TestClient,
        packet: UmpEvent,
    ) -> Result<usize, Error> {
        self.write_bytes(client, packet.as_bytes())
    }

    /// Reads one record of 32 bytes. Returns `None` if there is none.
    pub(crate) fn receive_wide(&mut self, client: TestClient) -> Option<UmpEvent> {
        match self.read_bytes(client, size_of::<UmpEvent>()) {
            Ok(bytes) => Some(UmpEvent::read_from_bytes(&bytes).expect("a whole record")),
            Err(error) if error.errno == Errno::EAGAIN => None,
            Err(error) => panic!("read: {error}"),
        }
    }

    /// Reads all records of 32 bytes; none of them may have data.
    pub(crate) fn receive_all_wide(&mut self, client: TestClient) -> Vec<UmpEvent> {
        std::iter::from_fn(|| self.receive_wide(client)).collect()
    }

    /// Reads the words of all packets.
    pub(crate) fn words(&mut self, client: TestClient) -> Vec<[u32; 4]> {
        self.receive_all_wide(client).iter().map(|event| event.ump).collect()
    }

    /// Changes the size of a client's input.
    pub(crate) fn resize_input(&mut self, client: TestClient, cells: i32) {
        self.set_pool(client, 0, cells, 0).expect("SET_CLIENT_POOL");
    }

    /// Returns how many cells of a client's input are in use.
    pub(crate) fn unread_cells(&mut self, client: TestClient) -> i32 {
        let pool = self.pool(client).expect("GET_CLIENT_POOL");
        pool.input_pool - pool.input_free
    }
}

/// Returns an event as a reader with records of 32 bytes gets it.
pub(crate) fn widened(event: Event) -> UmpEvent {
    let mut bytes = [0; size_of::<UmpEvent>()];
    bytes[..size_of::<Event>()].copy_from_slice(event.as_bytes());
    zerocopy::transmute!(bytes)
}
