//! Makes the final file of a recording: its one track becomes several, and what came in pieces is joined.

use super::take::DEVICE_NAME;
use aseqd_smf::{Division, EventKind, File, Format, Meta, Source, SysEx, TrackEvent, TrackWriter};
use std::collections::BTreeMap;
use std::io;

/// How the events are put on tracks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Tracks {
    /// One track a port
    #[default]
    Port,
    /// One track for each channel of each port
    Channel,
    /// One track for everything: format 0
    One,
}

/// An event of a track, with its tick.
type At = (u32, EventKind);

/// What a port has sent.
#[derive(Debug, Default)]
struct Port {
    name: Vec<u8>,
    events: Vec<At>,
    /// The index of the SysEx that is not complete.
    open: Option<usize>,
}

impl Port {
    /// Adds an event. The pieces of a SysEx become one, which stands where it began.
    fn push(&mut self, tick: u32, kind: EventKind) {
        let (start, data) = match kind {
            EventKind::SysEx(SysEx { start, data, .. }) => (start, data),
            // What goes on after an event of another port looks so.
            EventKind::Escape(data) if self.goes_on_with(&data) => (false, data),
            kind => return self.events.push((tick, kind)),
        };
        let ends = data.ends_with(&[0xf7]);
        match self.open.and_then(|open| self.events.get_mut(open)) {
            Some((_, EventKind::SysEx(sysex))) if !start => sysex.data.extend(data),
            _ => {
                self.open = Some(self.events.len());
                self.events.push((tick, EventKind::SysEx(SysEx { start, data, split: false })));
            }
        }
        if ends {
            self.open = None;
        }
    }

    /// Returns whether bytes can be the rest of a SysEx that is not complete.
    fn goes_on_with(&self, data: &[u8]) -> bool {
        let first = data.first().copied().unwrap_or(0xff);
        self.open.is_some() && (first < 0x80 || first == 0xf7)
    }
}

/// What is said about the finished file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finished {
    pub(super) tracks: usize,
    pub(super) division: Division,
}

/// Reads what a take has written, and writes the final file.
///
/// # Errors
/// The errors of both files.
pub(super) fn write(recorded: &Source, how: Tracks, out: impl io::Write) -> io::Result<Finished> {
    let file = File::read(recorded).map_err(io::Error::other)?;
    let division = file.header().division;
    let mut conductor = Vec::new();
    let mut ports: BTreeMap<u8, Port> = BTreeMap::new();
    let mut current = 0;
    for TrackEvent { tick, kind, .. } in file.into_tracks().flatten() {
        match kind {
            EventKind::Meta(Meta::Port(port)) => current = port,
            EventKind::Meta(Meta::Text { kind: DEVICE_NAME, text }) => {
                ports.entry(current).or_default().name = text;
            }
            EventKind::Meta(Meta::EndOfTrack) => {}
            // Each write has left one.
            EventKind::Meta(Meta::Text { kind: 1, text }) if text.is_empty() => {}
            EventKind::Meta(meta) => conductor.push((tick, EventKind::Meta(meta))),
            kind => ports.entry(current).or_default().push(tick, kind),
        }
    }
    let several = ports.len() > 1;
    let mut tracks = Vec::new();
    let mut format = Format::Parallel;
    if how == Tracks::One {
        format = Format::Single;
        tracks.push(one(conductor, ports)?);
    } else {
        tracks.push(track(&[], conductor)?);
        for (number, Port { name, events, .. }) in ports {
            let parts = match how {
                Tracks::Channel => by_channel(&name, events),
                _ => vec![(name, events)],
            };
            for (name, events) in parts {
                let mut head = vec![Meta::Text { kind: 3, text: name }];
                if several {
                    head.push(Meta::Port(number));
                }
                tracks.push(track(&head, events)?);
            }
        }
    }
    aseqd_smf::write(out, format, division, &tracks)?;
    Ok(Finished { tracks: tracks.len(), division })
}

/// Makes one track of everything.
fn one(conductor: Vec<At>, ports: BTreeMap<u8, Port>) -> io::Result<TrackWriter> {
    let several = ports.len() > 1;
    let mut head = Vec::new();
    let mut all: Vec<(u32, Option<u8>, EventKind)> =
        conductor.into_iter().map(|(tick, kind)| (tick, None, kind)).collect();
    let mut names = BTreeMap::new();
    for (number, Port { name, events, .. }) in ports {
        if several {
            names.insert(number, name);
        } else {
            head.push(Meta::Text { kind: 3, text: name });
        }
        all.extend(events.into_iter().map(|(tick, kind)| (tick, Some(number), kind)));
    }
    // Events of one tick stay in the order of the ports.
    all.sort_by_key(|(tick, ..)| *tick);
    let mut writer = TrackWriter::new();
    for meta in head {
        writer.push(0, &EventKind::Meta(meta))?;
    }
    let mut current = None;
    for (tick, port, kind) in all {
        if several && port.is_some() && port != current {
            current = port;
            let number = port.unwrap_or_default();
            writer.push(tick, &EventKind::Meta(Meta::Port(number)))?;
            if let Some(text) = names.remove(&number) {
                let meta = Meta::Text { kind: DEVICE_NAME, text };
                writer.push(tick, &EventKind::Meta(meta))?;
            }
        }
        writer.push(tick, &kind)?;
    }
    Ok(writer)
}

fn track(head: &[Meta], events: Vec<At>) -> io::Result<TrackWriter> {
    let mut writer = TrackWriter::new();
    for meta in head {
        writer.push(0, &EventKind::Meta(meta.clone()))?;
    }
    for (tick, kind) in events {
        writer.push(tick, &kind)?;
    }
    Ok(writer)
}

/// Returns a port's events by channel, with a name for each. What has no channel comes first.
fn by_channel(name: &[u8], events: Vec<At>) -> Vec<(Vec<u8>, Vec<At>)> {
    let mut channels: BTreeMap<Option<u8>, Vec<At>> = BTreeMap::new();
    for (tick, kind) in events {
        let channel = match &kind {
            EventKind::Channel(message) => Some(message.channel),
            _ => None,
        };
        channels.entry(channel).or_default().push((tick, kind));
    }
    let named = |channel: Option<u8>| match channel {
        Some(channel) => [name, format!(", channel {}", channel + 1).as_bytes()].concat(),
        None => name.to_vec(),
    };
    channels.into_iter().map(|(channel, events)| (named(channel), events)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_smf::{ChannelMessage, Voice};

    fn note(channel: u8, key: u8) -> EventKind {
        let voice = Voice::NoteOn { key, velocity: 100 };
        EventKind::Channel(ChannelMessage { channel, voice })
    }

    fn sysex(start: bool, data: &[u8]) -> EventKind {
        EventKind::SysEx(SysEx { start, data: data.to_vec(), split: false })
    }

    /// Returns a recording of two ports, whose SysEx overlap.
    fn recorded() -> Source {
        let mut track = TrackWriter::new();
        let name = |text: &[u8]| Meta::Text { kind: DEVICE_NAME, text: text.to_vec() };
        for (tick, kind) in [
            (0, EventKind::Meta(Meta::Tempo(400_000))),
            (1, EventKind::Meta(Meta::Port(0))),
            (1, EventKind::Meta(name(b"one"))),
            (1, note(0, 60)),
            (2, sysex(true, &[1])),
            (3, EventKind::Meta(Meta::Text { kind: 1, text: Vec::new() })),
            (3, EventKind::Meta(Meta::Port(1))),
            (3, EventKind::Meta(name(b"two"))),
            (3, note(0, 61)),
            (4, sysex(true, &[2])),
            (5, EventKind::Meta(Meta::Port(0))),
            (5, note(1, 62)),
            (6, sysex(false, &[3, 0xf7])),
            (7, EventKind::Meta(Meta::Port(1))),
            (8, sysex(false, &[4, 0xf7])),
            (9, sysex(true, &[5])),
        ] {
            track.push(tick, &kind).unwrap();
        }
        let mut bytes = Vec::new();
        let division = Division::Quarter(96);
        aseqd_smf::write(&mut bytes, Format::Single, division, &[track]).unwrap();
        Source::memory(bytes)
    }

    fn tracks(how: Tracks) -> Vec<Vec<At>> {
        let mut bytes = Vec::new();
        let finished = write(&recorded(), how, &mut bytes).unwrap();
        let file = File::read(&Source::memory(bytes)).unwrap();
        assert!(file.findings().is_empty());
        let events = |track: aseqd_smf::Track| {
            let events = track.map(|event| (event.tick, event.kind));
            events.filter(|(_, kind)| *kind != EventKind::Meta(Meta::EndOfTrack)).collect()
        };
        let tracks: Vec<Vec<At>> = file.into_tracks().map(events).collect();
        assert_eq!((finished.tracks, finished.division), (tracks.len(), Division::Quarter(96)));
        tracks
    }

    fn named(text: &[u8], port: u8) -> [At; 2] {
        let name = Meta::Text { kind: 3, text: text.to_vec() };
        [(0, EventKind::Meta(name)), (0, EventKind::Meta(Meta::Port(port)))]
    }

    #[test]
    fn each_port_has_a_track_with_its_name() {
        let found = tracks(Tracks::Port);
        assert_eq!(found[0], [(0, EventKind::Meta(Meta::Tempo(400_000)))]);
        let one = [(1, note(0, 60)), (2, sysex(true, &[1, 3, 0xf7])), (5, note(1, 62))];
        assert_eq!(found[1], [&named(b"one", 0)[..], &one].concat());
        let two = [(3, note(0, 61)), (4, sysex(true, &[2, 4, 0xf7])), (9, sysex(true, &[5]))];
        assert_eq!(found[2], [&named(b"two", 1)[..], &two].concat());
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn each_channel_has_a_track_of_its_own() {
        let found = tracks(Tracks::Channel);
        let names: Vec<_> = found[1..].iter().map(|track| track[0].1.clone()).collect();
        let wanted = ["one", "one, channel 1", "one, channel 2", "two", "two, channel 1"];
        let wanted = wanted.map(|name| named(name.as_bytes(), 0)[0].1.clone());
        assert_eq!(names, wanted);
        assert_eq!(found[2][2..], [(1, note(0, 60))]);
        assert_eq!(found[3][2..], [(5, note(1, 62))]);
    }

    #[test]
    fn one_track_says_where_each_event_came_from() {
        let found = tracks(Tracks::One);
        let port = |number| EventKind::Meta(Meta::Port(number));
        let name = |text: &[u8]| EventKind::Meta(Meta::Text { kind: 9, text: text.to_vec() });
        let wanted = [
            (0, EventKind::Meta(Meta::Tempo(400_000))),
            (1, port(0)),
            (1, name(b"one")),
            (1, note(0, 60)),
            (2, sysex(true, &[1, 3, 0xf7])),
            (3, port(1)),
            (3, name(b"two")),
            (3, note(0, 61)),
            (4, sysex(true, &[2, 4, 0xf7])),
            (5, port(0)),
            (5, note(1, 62)),
            (9, port(1)),
            (9, sysex(true, &[5])),
        ];
        assert_eq!(found, [wanted]);
    }
}
