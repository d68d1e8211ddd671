//! Lists the ports of a sequencer, and plays a note to one of them: `list_and_play [PORT]`.
use aseqd_client::event::{EventExt as _, note_off, note_on};
use aseqd_client::{Client, DEVICE, PortCaps, PortType};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::open(DEVICE, "list_and_play")?;
    for port in client.ports()? {
        let writable = port.caps.contains(PortCaps::WRITE | PortCaps::SUBS_WRITE);
        println!("{}{port}", if writable { "> " } else { "  " });
    }
    let Some(wanted) = std::env::args().nth(1) else { return Ok(()) };
    let from = client.create_port("out", PortCaps::READ, PortType::MIDI_GENERIC)?;
    let to = client.find_port(&wanted)?;
    client.connect(from, to)?; // hardware plays only what is connected
    client.send(&note_on(0, 60, 100).sent_from(from).sent_to(to))?;
    std::thread::sleep(Duration::from_millis(300));
    client.send(&note_off(0, 60, 0).sent_from(from).sent_to(to))?;
    Ok(())
}
