//! The clients of a scene, on any sequencer.

use crate::record::{QUEUE, stride};
use crate::scene::{Receiver, Scene, Stamp};
use aseqd_abi::Errno;
use aseqd_abi::seq::{ClientFilter, PortCaps, PortFlags, PortInfo, PortType};
use aseqd_client::{Client, DeviceFile, Result};

/// Something that opens clients of one sequencer.
pub trait Sequencer {
    /// An open device file.
    type File: DeviceFile;

    /// Opens a client that does not sleep.
    ///
    /// # Errors
    /// If the device cannot be opened.
    fn open(&self, name: &str) -> Result<Client<Self::File>>;
}

impl Sequencer for std::path::Path {
    type File = std::os::fd::OwnedFd;

    fn open(&self, name: &str) -> Result<Client> {
        Client::open(self, name)
    }
}

/// Number of cells of a receiver's pool: the most that a client can have.
const POOL: u32 = 2000;

/// Size of the buffer for reading: all that fits into [`POOL`] cells.
const READ_BUFFER: usize = POOL as usize * 32;

/// A scene in which records can be sent and read.
pub trait Rig {
    /// Writes records from the sender. Returns how many bytes were taken.
    ///
    /// # Errors
    /// The error of the first record.
    fn write(&mut self, bytes: &[u8]) -> std::result::Result<usize, Errno>;

    /// Passes everything that a receiver can read to a function, in pieces of whole records.
    ///
    /// # Panics
    /// If the receiver has lost events, for then the hash says nothing.
    fn read(&mut self, receiver: usize, each: &mut dyn FnMut(&mut [u8]));
}

/// The open clients of a scene.
#[derive(Debug)]
pub struct Clients<F> {
    sender: Client<F>,
    receivers: Vec<Client<F>>,
    buffer: Vec<u8>,
}

const CAPS: PortCaps =
    PortCaps::READ.union(PortCaps::WRITE).union(PortCaps::SUBS_READ).union(PortCaps::SUBS_WRITE);

impl<F: DeviceFile> Clients<F> {
    /// Opens the clients of a scene and connects them.
    ///
    /// # Errors
    /// The sequencer's; [`Errno::EINVAL`] for a client of UMP if it has none.
    pub fn new(sequencer: &(impl Sequencer<File = F> + ?Sized), scene: &Scene) -> Result<Self> {
        let sender = sequencer.open("sender")?;
        let (filter, group_filter) = match scene.has_filters {
            true => (ClientFilter::NO_CONVERT, 0x1_ffff),
            false => (ClientFilter::empty(), 0),
        };
        set_form(&sender, scene.sender.midi_version(), filter, group_filter)?;
        if scene.is_queued {
            sender.set_pools(POOL, POOL, 1)?;
            let queue = sender.create_queue("matrix")?;
            assert_eq!(queue, QUEUE, "no other program uses the sequencer");
            sender.start_queue(queue)?;
        }
        let has_endpoint = scene.ports.len() > 1;
        let mut ports = Vec::new();
        for (number, group) in scene.ports.iter().enumerate() {
            let mut caps = CAPS;
            caps.set(PortCaps::UMP_ENDPOINT, has_endpoint && number == 0);
            ports.push(create_port(&sender, caps, PortFlags::empty(), 0, *group)?);
        }
        let mut receivers = Vec::new();
        for receiver in &scene.receivers {
            let Receiver { form, group, is_midi1, no_convert, group_filter, stamp, .. } = *receiver;
            let client = sequencer.open(receiver.name)?;
            let mut filter = ClientFilter::empty();
            filter.set(ClientFilter::NO_CONVERT, no_convert);
            set_form(&client, form.midi_version(), filter, group_filter)?;
            client.set_pools(POOL, POOL, 1)?;
            let mut flags = PortFlags::empty();
            flags.set(PortFlags::IS_MIDI1, is_midi1);
            flags.set(PortFlags::TIMESTAMP, stamp != Stamp::None);
            flags.set(PortFlags::TIME_REAL, stamp == Stamp::Real);
            let queue = if stamp == Stamp::None { 0 } else { client.create_queue("stamps")? };
            let port = create_port(&client, CAPS, flags, queue, group)?;
            client.connect(ports[usize::from(receiver.sender_port)].addr, port.addr)?;
            receivers.push(client);
        }
        Ok(Self { sender, receivers, buffer: vec![0; READ_BUFFER] })
    }
}

impl<F: DeviceFile> Rig for Clients<F> {
    fn write(&mut self, bytes: &[u8]) -> std::result::Result<usize, Errno> {
        self.sender.file().write(bytes)
    }

    fn read(&mut self, receiver: usize, each: &mut dyn FnMut(&mut [u8])) {
        loop {
            match self.receivers[receiver].file().read(&mut self.buffer) {
                Ok(0) | Err(Errno::EAGAIN) => return,
                Ok(len) => each(&mut self.buffer[..len]),
                Err(errno) => panic!("receiver {receiver} cannot read: {errno:?}"),
            }
        }
    }
}

/// Sets form and filters of a client.
fn set_form<F: DeviceFile>(
    client: &Client<F>,
    midi_version: u32,
    filter: ClientFilter,
    group_filter: u32,
) -> Result<()> {
    let own = client.info(client.id())?;
    let mut info = own.unwrap_or_default();
    info.midi_version = midi_version;
    info.filter = filter.bits();
    info.group_filter = group_filter;
    client.set_info(&info)
}

/// Creates a port.
fn create_port<F: DeviceFile>(
    client: &Client<F>,
    caps: PortCaps,
    flags: PortFlags,
    time_queue: u8,
    ump_group: u8,
) -> Result<PortInfo> {
    client.create_port_from(&PortInfo {
        capability: caps.bits(),
        port_type: (PortType::APPLICATION | PortType::MIDI_GENERIC).bits(),
        flags: flags.bits(),
        time_queue,
        ump_group,
        midi_channels: 16,
        ..PortInfo::default()
    })
}

const _: () = assert!(READ_BUFFER >= POOL as usize * stride(true), "all records fit");
