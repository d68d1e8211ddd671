//! Sends events to the sequencer.

use crate::client::Client;
use crate::device_file::DeviceFile;
use crate::error::{Error, Result};
use aseqd_abi::event::{EVENT_SIZE, EventData};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Errno, Event, EventFlags};
use zerocopy::IntoBytes as _;

/// What [`Client::send`] tries.
const SEND: &str = "an event cannot be sent";

impl<F: DeviceFile> Client<F> {
    /// Sends an event without data: at once, or through a queue if it names one.
    ///
    /// ```no_run
    /// use aseqd_client::event::{EventExt as _, note_on};
    /// # use aseqd_client::{Address, Client};
    /// # fn send(client: &Client, port: Address, synth: Address) -> aseqd_client::Result<()> {
    /// client.send(&note_on(0, 60, 100).sent_from(port).sent_to(synth))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `EAGAIN` if the output pool has no room and this client does not sleep ([`Error::would_block`] says so, and
    /// [`Client::wait_for_room`] waits). For an event that goes directly to a port: `ENOENT` if the port does not
    /// exist, `EPERM` if it cannot be written to, `ENOMEM` if its client has no room because it does not read. For an
    /// event that goes through a queue: `EINVAL` if this client does not use the queue ([`Client::use_queue`]).
    pub fn send(&self, event: &Event) -> Result<()> {
        self.write_bytes(event.as_bytes()).map(drop).map_err(Error::of(SEND))
    }

    /// Sends an event with data, such as a SysEx message or a part of one. The length in the event is set here.
    ///
    /// ```no_run
    /// use aseqd_client::EventType;
    /// use aseqd_client::event::{EventExt as _, of_type};
    /// # use aseqd_client::{Address, Client};
    /// # fn send(client: &Client, port: Address) -> aseqd_client::Result<()> {
    /// let reset = of_type(EventType::SYSEX).sent_from(port).sent_to_subscribers();
    /// client.send_with_data(&reset, &[0xf0, 0x7e, 0x7f, 9, 1, 0xf7])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Client::send`]; `EINVAL` if events of this type have no data, `ENOMEM` if the data is longer than the
    /// pool.
    pub fn send_with_data(&self, event: &Event, data: &[u8]) -> Result<()> {
        let len = u32::try_from(data.len()).map_err(|_| Error::of(SEND)(Errno::ENOMEM))?;
        let mut event = *event;
        event.flags.remove(EventFlags::VARUSR);
        event.flags.insert(EventFlags::VARIABLE);
        event.data = EventData::from_ext_len(len);
        let bytes = [event.as_bytes(), data].concat();
        self.write_bytes(&bytes).map(drop).map_err(Error::of(SEND))
    }

    /// Sends events without data in one call, and returns how many were taken: fewer than all if there is no room for
    /// the next, or if the sequencer refuses it.
    ///
    /// # Errors
    /// As [`Client::send`], for the first event.
    pub fn send_all(&self, events: &[Event]) -> Result<usize> {
        Ok(self.write(events.as_bytes())? / EVENT_SIZE)
    }

    /// Sends a UMP packet: at once, or through a queue if it names one. [`ump`](crate::ump) makes packets.
    ///
    /// ```no_run
    /// use aseqd_client::event::EventExt as _;
    /// use aseqd_client::ump::{self, Protocol};
    /// # use aseqd_client::{Address, Client};
    /// # fn send(client: &Client, port: Address) -> aseqd_client::Result<()> {
    /// client.set_protocol(Protocol::Midi2)?;
    /// client.send_packet(&ump::note_on(0, 0, 60, 0xc000).sent_from(port).sent_to_subscribers())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Client::send`]; `EINVAL` if this client does not speak UMP ([`Client::set_protocol`]).
    pub fn send_packet(&self, packet: &UmpEvent) -> Result<()> {
        let packet = UmpEvent { flags: packet.flags | EventFlags::UMP, ..*packet };
        self.write_bytes(packet.as_bytes()).map(drop).map_err(Error::of("a packet cannot be sent"))
    }

    /// Sends packets in one call, and returns how many were taken: fewer than all if there is no room for the next, or
    /// if the sequencer refuses it.
    ///
    /// # Errors
    /// As [`Client::send_packet`], for the first packet.
    pub fn send_packets(&self, packets: &[UmpEvent]) -> Result<usize> {
        Ok(self.write(packets.as_bytes())? / size_of::<UmpEvent>())
    }

    /// Writes events, each followed by its data if it has any, and returns how many bytes were taken: whole events.
    ///
    /// # Errors
    /// As [`Client::send`], for the first event.
    pub fn write(&self, bytes: &[u8]) -> Result<usize> {
        self.write_bytes(bytes).map_err(Error::of("events cannot be sent"))
    }

    fn write_bytes(&self, bytes: &[u8]) -> std::result::Result<usize, Errno> {
        self.file.write(bytes)
    }
}
