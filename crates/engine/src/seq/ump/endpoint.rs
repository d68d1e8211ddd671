//! What a UMP client says about its endpoint and its function blocks.

use crate::limits::MAX_UMP_BLOCKS;
use alloc::boxed::Box;
use aseqd_abi::ump::{
    CLIENT_UMP_INFO_BLOCK, CLIENT_UMP_INFO_ENDPOINT, UmpBlockInfo, UmpEndpointInfo,
};
use zerocopy::{FromBytes, IntoBytes};

/// A part of an endpoint that has a description of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Endpoint,
    /// A function block, counted from 0.
    Block(u8),
}

impl Part {
    /// Returns the part that a request means.
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        if number == CLIENT_UMP_INFO_ENDPOINT {
            return Some(Self::Endpoint);
        }
        let block = u8::try_from(number.checked_sub(CLIENT_UMP_INFO_BLOCK)?).ok()?;
        (usize::from(block) < MAX_UMP_BLOCKS).then_some(Self::Block(block))
    }
}

/// The descriptions of a client's endpoint and blocks, as far as it has given them. Each takes memory
/// once it is given.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Endpoint {
    #[cfg_attr(feature = "serde", serde(with = "crate::state::boxed"))]
    info: Option<Box<UmpEndpointInfo>>,
    #[cfg_attr(feature = "serde", serde(with = "crate::state::boxes"))]
    blocks: [Option<Box<UmpBlockInfo>>; MAX_UMP_BLOCKS],
}

impl Endpoint {
    /// Returns the bytes of a description, if there is one.
    pub(crate) fn description(&self, part: Part) -> Option<&[u8]> {
        match part {
            Part::Endpoint => self.info.as_deref().map(IntoBytes::as_bytes),
            Part::Block(block) => {
                self.blocks.get(usize::from(block))?.as_deref().map(IntoBytes::as_bytes)
            }
        }
    }

    /// Stores a description, the first bytes of `bytes`. Only the end of its name is looked at: it
    /// becomes NUL.
    pub(crate) fn describe(&mut self, part: Part, bytes: &[u8]) {
        match part {
            Part::Endpoint => {
                let Ok((mut info, _)) = UmpEndpointInfo::read_from_prefix(bytes) else { return };
                end_with_nul(&mut info.name);
                self.info = Some(Box::new(info));
            }
            Part::Block(block) => {
                let Some(slot) = self.blocks.get_mut(usize::from(block)) else { return };
                let Ok((mut info, _)) = UmpBlockInfo::read_from_prefix(bytes) else { return };
                end_with_nul(&mut info.name);
                *slot = Some(Box::new(info));
            }
        }
    }

    pub(crate) fn info(&self) -> Option<&UmpEndpointInfo> {
        self.info.as_deref()
    }

    /// Returns the described blocks and their numbers, ascending.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (usize, &UmpBlockInfo)> {
        self.blocks
            .iter()
            .enumerate()
            .filter_map(|(number, block)| Some((number, block.as_deref()?)))
    }
}

fn end_with_nul(name: &mut [u8; 128]) {
    name[127] = 0;
}
