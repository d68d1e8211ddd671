//! Speaks MIDI 2.0: passes the first note that it receives on to its subscribers, bent a little: `midi2`.
use aseqd_client::event::EventExt as _;
use aseqd_client::ump::{self, Protocol};
use aseqd_client::{Client, DEVICE, PortCaps, Received};

const BOTH: PortCaps =
    PortCaps::READ.union(PortCaps::WRITE).union(PortCaps::SUBS_READ).union(PortCaps::SUBS_WRITE);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::open(DEVICE, "midi2")?;
    client.set_protocol(Protocol::Midi2)?; // the sequencer converts for clients that speak something else
    let port = client.create_port_from(&ump::endpoint_port("all groups", BOTH))?.addr;
    while client.wait(None)? {
        let Some(Received::Packet(packet)) = client.receive()? else { continue };
        let [_, status, key, _] = packet.ump[0].to_be_bytes();
        if ump::message_type(&packet) == 4 && status >> 4 == 9 {
            let (group, channel) = (ump::group(&packet).unwrap_or(0), status & 15);
            println!("note {key} of group {group}");
            let bend = ump::per_note_pitch_bend(group, channel, key, 0x8100_0000);
            for event in [bend, packet] {
                client.send_packet(&event.sent_from(port).sent_to_subscribers().at_once())?;
            }
            return Ok(());
        }
    }
    Ok(())
}
