//! Which protocol a client speaks, and what a UMP client says of its endpoint and its blocks.

use crate::client::Client;
use crate::device_file::DeviceFile;
use crate::error::{Error, Result};
use crate::ump::Protocol;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::ump::{
    CLIENT_UMP_INFO_BLOCK, CLIENT_UMP_INFO_ENDPOINT, ClientUmpInfo, UmpBlockInfo, UmpEndpointInfo,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// What a sequencer without UMP lacks.
const NEEDS_UMP: &str = "it takes `aseqd run --ump on`, or Linux 6.5 built with CONFIG_SND_SEQ_UMP";

impl<F: DeviceFile> Client<F> {
    /// Chooses what this client speaks. At first it is [`Protocol::Legacy`].
    ///
    /// ```no_run
    /// use aseqd_client::ump::Protocol;
    /// use aseqd_client::{Client, DEVICE, Received};
    ///
    /// let client = Client::open(DEVICE, "a synthesizer")?;
    /// client.set_protocol(Protocol::Midi2)?;
    /// while client.wait(None)? {
    ///     if let Some(Received::Packet(packet)) = client.receive()? {
    ///         println!("{:08x?} from {}", packet.ump, packet.source);
    ///     }
    /// }
    /// # Ok::<(), aseqd_client::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the sequencer has no UMP: Linux before 6.5, or built without it, as Debian's is, or
    /// aseqd with `--ump off`.
    pub fn set_protocol(&self, protocol: Protocol) -> Result<()> {
        let what = "the client cannot use UMP";
        let unsupported = Error::Unsupported { what, needs: NEEDS_UMP };
        let missing = Error::Call { what, errno: Errno::ENOENT };
        let mut info = self.info(self.id())?.ok_or(missing)?;
        info.midi_version = protocol.midi_version();
        match self.set_info(&info) {
            Err(Error::Call { errno: Errno::EINVAL, .. }) => return Err(unsupported),
            set => set?,
        }
        // Linux before 6.5 does not look at the number.
        let is_set = self.protocol() == protocol;
        if is_set { Ok(()) } else { Err(unsupported) }
    }

    /// Returns what this client speaks.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol.get()
    }

    /// Returns what a client says of its UMP endpoint. `None` if there is no such client, if it does not speak UMP, or
    /// has said nothing; then the sequencer may be one without UMP.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn endpoint_info(&self, client: u8) -> Result<Option<UmpEndpointInfo>> {
        self.ump_info(client, CLIENT_UMP_INFO_ENDPOINT)
    }

    /// Returns what a client says of one of its UMP blocks, 0 to 31. `None` as for [`Client::endpoint_info`].
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn block_info(&self, client: u8, block: u8) -> Result<Option<UmpBlockInfo>> {
        self.ump_info(client, CLIENT_UMP_INFO_BLOCK.saturating_add(block.into()))
    }

    /// Says what the UMP endpoint of this client is, for programs that show it to people.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the sequencer has no UMP; `EBADFD` if this client speaks
    /// [`Protocol::Legacy`].
    pub fn set_endpoint_info(&self, info: &UmpEndpointInfo) -> Result<()> {
        self.set_ump_info(CLIENT_UMP_INFO_ENDPOINT, info, "the endpoint cannot be described")
    }

    /// Says what a block of this client's endpoint is, 0 to 31: a range of groups with a name.
    ///
    /// # Errors
    /// As [`Client::set_endpoint_info`]; `EINVAL` for a block beyond 31.
    pub fn set_block_info(&self, block: u8, info: &UmpBlockInfo) -> Result<()> {
        let number = CLIENT_UMP_INFO_BLOCK.saturating_add(block.into());
        self.set_ump_info(number, info, "the block cannot be described")
    }

    fn ump_info<T: FromBytes>(&self, client: u8, number: i32) -> Result<Option<T>> {
        let what = "endpoints cannot be asked";
        let mut asked =
            ClientUmpInfo { client: client.into(), info_type: number, ..ClientUmpInfo::default() };
        match self.ioctl(request::GET_CLIENT_UMP_INFO, &mut asked) {
            Ok(_) => Ok(T::read_from_prefix(&asked.info).ok().map(|(info, _)| info)),
            Err(Errno::ENODEV | Errno::ENOENT | Errno::EBADFD | Errno::EINVAL | Errno::ENOTTY) => {
                Ok(None)
            }
            Err(errno) => Err(Error::Call { what, errno }),
        }
    }

    fn set_ump_info<T: IntoBytes + Immutable>(
        &self,
        number: i32,
        info: &T,
        what: &'static str,
    ) -> Result<()> {
        let mut asked = ClientUmpInfo {
            client: self.id().into(),
            info_type: number,
            ..ClientUmpInfo::default()
        };
        let bytes = info.as_bytes();
        asked.info[..bytes.len()].copy_from_slice(bytes);
        match self.ioctl(request::SET_CLIENT_UMP_INFO, &mut asked) {
            Err(Errno::ENOTTY) => Err(Error::Unsupported { what, needs: NEEDS_UMP }),
            set => set.map(drop).map_err(Error::of(what)),
        }
    }
}
