//! Requests that make and cut subscriptions.

use crate::Error;
use crate::seq::Seq;
use aseqd_abi::seq::PortSubscribe;

pub(super) fn subscribe_port(
    seq: &mut Seq,
    caller: u8,
    info: &mut PortSubscribe,
) -> Result<(), Error> {
    seq.subscribe(caller, info)
}

pub(super) fn unsubscribe_port(
    seq: &mut Seq,
    caller: u8,
    info: &mut PortSubscribe,
) -> Result<(), Error> {
    seq.unsubscribe(caller, info)
}
