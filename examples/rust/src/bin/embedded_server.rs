//! A test without any device file: a sequencer inside of the program, two clients, and an hour in no time.
use aseqd_client::event::{EventExt as _, note_on};
use aseqd_client::{EventType, PortCaps, PortType};
use aseqd_server::embedded::Sequencer;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hour = Duration::from_secs(3600);
    let (read, write) =
        (PortCaps::READ | PortCaps::SUBS_READ, PortCaps::WRITE | PortCaps::SUBS_WRITE);
    let sequencer = Sequencer::in_virtual_time();
    let (player, synth) = (sequencer.client("player")?, sequencer.client("synth")?);
    let from = player.create_port("out", read, PortType::MIDI_GENERIC)?;
    player.connect(from, synth.create_port("in", write, PortType::MIDI_GENERIC)?)?;
    let (told, _) = synth.read_event()?.ok_or("a port is told of its connection")?;
    assert_eq!(told.event_type, EventType::PORT_SUBSCRIBED);

    let queue = player.create_queue("song")?;
    player.start_queue(queue)?;
    player.send(&note_on(0, 60, 100).sent_from(from).sent_to_subscribers().at_time(queue, hour))?;
    assert!(synth.wait(Some(2 * hour))?);
    let (note, _) = synth.read_event()?.ok_or("no event")?;
    assert_eq!((note.event_type, note.source), (EventType::NOTEON, from));
    assert_eq!(sequencer.now(), hour);
    println!("a note after {:?}, from {from}", sequencer.now());
    Ok(())
}
