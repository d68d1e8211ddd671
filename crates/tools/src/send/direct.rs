//! Sends one message at once.

use aseqd_abi::Address;
use aseqd_client::Client;
use aseqd_client::event::EventExt as _;
use aseqd_host::error::Fail;
use aseqd_midi::Decoded;

/// Sends a message to the subscribers of a port at once. Returns whether each of them had room: who has none loses the
/// event, and the others have it, so it must not be sent again.
pub(crate) fn send(client: &Client, port: Address, message: &Decoded) -> Result<bool, Fail> {
    let event = message.event.sent_from(port).sent_to_subscribers();
    let sent = match &message.sysex {
        Some(sysex) => client.send_with_data(&event, sysex),
        None => client.send(&event),
    };
    match sent {
        // An event without a queue needs no room in our own pool.
        Err(error) if error.would_block() => Ok(false),
        sent => Ok(sent.map(|()| true)?),
    }
}
