//! Requests about UMP endpoints: absent, as in kernels built without UMP.

use crate::Error;
use crate::seq::Seq;
use aseqd_abi::Errno;
use aseqd_abi::ump::ClientUmpInfo;

pub(super) fn absent(_seq: &mut Seq, _caller: u8, _info: &mut ClientUmpInfo) -> Result<(), Error> {
    Err(Error::new(Errno::ENOTTY, "UMP is off"))
}
