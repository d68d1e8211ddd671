//! Prints when the notes of a song are delivered, in nanoseconds after the first one: as a program hears them, or as the
//! engine alone says. `scripts/virtual-time` compares both.
//!
//! `stamps listen COUNT` connects to the port 14:0 of `/dev/snd/seq`, prints that many notes and ends.
//! `stamps simulate FILE` plays a MIDI file, whose events are channel messages and tempos, into a sequencer in this
//! process, whose clock is virtual.

use aseqd_client::aseqd_abi::event::{EventData, EventType};
use aseqd_client::aseqd_abi::seq::{PortSubscribe, QueueTempo, SubscriptionFlags};
use aseqd_client::event::{EventExt as _, note_off, note_on};
use aseqd_client::{Address, Client, DeviceFile, Event, PortCaps, PortType};
use aseqd_server::embedded::Sequencer;
use aseqd_smf::{Division, EventKind, File, Meta, Source, Voice};
use std::error::Error;
use std::time::Duration;

/// The port that hears the song and passes it on.
const THROUGH: Address = Address { client: 14, port: 0 };
const TIMER: Address = Address { client: 0, port: 0 };

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A client that hears what is sent to a port, with stamps.
struct Listener<F: DeviceFile> {
    client: Client<F>,
    first: Option<Duration>,
    count: usize,
}

impl<F: DeviceFile> Listener<F> {
    fn new(client: Client<F>) -> Result<Self> {
        let port = client.create_port("stamps", PortCaps::WRITE, PortType::MIDI_GENERIC)?;
        let queue = client.create_queue("stamps")?;
        client.start_queue(queue)?;
        let flags = SubscriptionFlags::TIMESTAMP | SubscriptionFlags::TIME_REAL;
        let subscription = PortSubscribe {
            sender: THROUGH,
            dest: port,
            queue,
            flags: flags.bits(),
            ..PortSubscribe::default()
        };
        client.subscribe(&subscription)?;
        Ok(Self { client, first: None, count: 0 })
    }

    /// Prints the notes that have come.
    fn print(&mut self) -> Result<()> {
        while let Some((event, _)) = self.client.read_event()? {
            if !matches!(event.event_type, EventType::NOTEON | EventType::NOTEOFF) {
                continue;
            }
            let time = Duration::new(event.time.tick_or_sec.into(), event.time.nsec);
            let after = time - *self.first.get_or_insert(time);
            let note = event.data.note();
            println!("{} {} {} {}", after.as_nanos(), note.channel, note.note, note.velocity);
            self.count += 1;
        }
        Ok(())
    }
}

fn listen(count: usize) -> Result<()> {
    let client = Client::open(aseqd_client::DEVICE, "stamps")?;
    client.set_nonblocking(true)?;
    let mut listener = Listener::new(client)?;
    while listener.count < count {
        listener.client.wait(None)?;
        listener.print()?;
    }
    Ok(())
}

fn simulate(path: &str) -> Result<()> {
    let file = File::read(&Source::memory(std::fs::read(path)?))?;
    let Division::Quarter(ticks) = file.header().division else {
        return Err("the file has no ticks per quarter".into());
    };
    let sequencer = Sequencer::in_virtual_time();
    let player = sequencer.client("player")?;
    let port = player.create_port("out", PortCaps::READ, PortType::MIDI_GENERIC)?;
    let queue = player.create_queue("song")?;
    player.set_queue_tempo(&QueueTempo {
        queue: queue.into(),
        tempo: 500_000,
        ppq: ticks.into(),
        ..QueueTempo::default()
    })?;
    player.connect(port, THROUGH)?;
    let mut listener = Listener::new(sequencer.client("stamps")?)?;
    player.start_queue(queue)?;
    let mut notes = 0;
    for (_, event) in file.into_merged() {
        let sent = match event.kind {
            EventKind::Channel(message) => match message.voice {
                Voice::NoteOn { key, velocity } => note_on(message.channel, key, velocity),
                Voice::NoteOff { key, velocity } => note_off(message.channel, key, velocity),
                _ => continue,
            }
            .sent_to_subscribers(),
            EventKind::Meta(Meta::Tempo(tempo)) => {
                let data = EventData::from_queue(queue, tempo, 0);
                Event { data, ..Event::direct(EventType::TEMPO) }.sent_to(TIMER)
            }
            _ => continue,
        };
        let sent = sent.sent_from(port).at_tick(queue, event.tick);
        notes += usize::from(sent.event_type != EventType::TEMPO);
        // The output pool has room for 500 events.
        while player.send(&sent).is_err() {
            sequencer.advance(Duration::from_millis(100));
            listener.print()?;
        }
    }
    while listener.count < notes {
        sequencer.advance(Duration::from_millis(100));
        listener.print()?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["listen", count] => listen(count.parse()?),
        ["simulate", file] => simulate(file),
        _ => Err("usage: stamps listen COUNT | simulate FILE".into()),
    }
}
