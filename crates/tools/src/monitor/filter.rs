//! Which events are shown: by type, by channel, by note, by sender.

use super::fields::{Layout, has_channel, layout};
use super::packet;
use crate::vocabulary::{kind, note, number};
use aseqd_abi::seq::PortCaps;
use aseqd_abi::{Address, EventType};
use aseqd_client::{Client, Received, Selector};
use aseqd_host::error::Fail;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Types of events, as one argument names them.
#[derive(Clone, Debug)]
pub struct Types(Vec<EventType>);

/// Notes or channels, as one argument names them.
#[derive(Clone, Debug)]
pub struct Range(RangeInclusive<u8>);

/// Parses a type of events, or a group of them.
pub(super) fn types(text: &str) -> Result<Types, String> {
    kind(text).map(Types)
}

/// Parses a channel, or two with `-` between them.
pub(super) fn channels(text: &str) -> Result<Range, String> {
    let channel =
        |text: &str| number(text, 0, 15).map(|channel| u8::try_from(channel).unwrap_or(0));
    range(text, &channel)
}

/// Parses a note, or two with `-` between them.
pub(super) fn notes(text: &str) -> Result<Range, String> {
    range(text, &note)
}

fn range(text: &str, one: &dyn Fn(&str) -> Result<u8, String>) -> Result<Range, String> {
    let single = one(text);
    if let Ok(value) = single {
        return Ok(Range(value..=value));
    }
    // Octave -1 has the same sign in its name.
    let pairs = text.match_indices('-').map(|(at, _)| (one(&text[..at]), one(&text[at + 1..])));
    for pair in pairs {
        if let (Ok(first), Ok(last)) = pair {
            return Ok(Range(first.min(last)..=first.max(last)));
        }
    }
    Err(single.err().unwrap_or_default())
}

/// What an event must be to be shown.
#[derive(Debug, Default)]
pub(super) struct Filter {
    types: Vec<Types>,
    not: Vec<Types>,
    channels: Vec<Range>,
    notes: Vec<Range>,
    from: Vec<Selector>,
    /// Whether events of a port are wanted, as its name was when its first event came.
    known: BTreeMap<(u8, u8), bool>,
}

impl Filter {
    /// Makes a filter: events of one of `types` and of none of `not`, on one of `channels`, with one of `notes`, from one of
    /// the ports. An empty list lets everything pass.
    pub(super) const fn new(
        types: Vec<Types>,
        not: Vec<Types>,
        channels: Vec<Range>,
        notes: Vec<Range>,
        from: Vec<Selector>,
    ) -> Self {
        Self { types, not, channels, notes, from, known: BTreeMap::new() }
    }

    /// Returns whether something that was received is to be shown.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub(super) fn passes(&mut self, received: &Received, client: &Client) -> Result<bool, Fail> {
        let source = match received {
            Received::Event(event, _) => event.source,
            Received::Packet(packet) => packet.source,
        };
        Ok(self.fits(&Facts::of(received)) && self.is_wanted(source, client)?)
    }

    fn fits(&self, facts: &Facts) -> bool {
        let has = |types: &[Types]| {
            types.iter().any(|Types(types)| facts.event_type.is_some_and(|it| types.contains(&it)))
        };
        let within = |ranges: &[Range], value: Option<u8>| {
            let inside = |value| ranges.iter().any(|Range(range)| range.contains(&value));
            ranges.is_empty() || value.is_some_and(inside)
        };
        (self.types.is_empty() || has(&self.types))
            && !has(&self.not)
            && within(&self.channels, facts.channel)
            && within(&self.notes, facts.note)
    }

    fn is_wanted(&mut self, source: Address, client: &Client) -> Result<bool, Fail> {
        if self.from.is_empty() {
            return Ok(true);
        }
        if let Some(known) = self.known.get(&(source.client, source.port)) {
            return Ok(*known);
        }
        let ports = crate::select::ports(client)?;
        let is = |selector: &Selector| {
            let found = selector.all(&ports, PortCaps::empty());
            found.iter().any(|port| port.address == source)
        };
        let wanted = self.from.iter().any(is);
        self.known.insert((source.client, source.port), wanted);
        Ok(wanted)
    }
}

/// What a filter looks at.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    event_type: Option<EventType>,
    channel: Option<u8>,
    note: Option<u8>,
}

impl Facts {
    fn of(received: &Received) -> Self {
        match received {
            Received::Event(event, _) => {
                let fixed = !event.is_variable();
                let has_note = matches!(layout(event.event_type), Layout::Note { .. });
                Self {
                    event_type: Some(event.event_type),
                    channel: (fixed && has_channel(event.event_type)).then_some(event.data.0[0]),
                    note: (fixed && has_note).then_some(event.data.0[1]),
                }
            }
            Received::Packet(packet) => {
                let described = packet::describe(packet);
                // Packets that mean the same as an event have its name. A SysEx has others.
                let name = match described.name.as_str() {
                    "SYSEX7" | "SYSEX8" => "SYSEX",
                    name => name,
                };
                let named = EventType::ALL.iter().find(|(known, _)| *known == name);
                Self {
                    event_type: named.map(|(_, event_type)| *event_type),
                    channel: described.channel,
                    note: described.note(),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_client::event;
    use aseqd_client::ump;

    fn filter(line: &str) -> Filter {
        let mut filter = Filter::default();
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once('=').expect("a pair");
            match name {
                "type" => filter.types.push(types(value).expect(word)),
                "not" => filter.not.push(types(value).expect(word)),
                "channel" => filter.channels.push(channels(value).expect(word)),
                _ => filter.notes.push(notes(value).expect(word)),
            }
        }
        filter
    }

    #[test]
    fn every_condition_must_hold() {
        let events = [
            ("on", event::note_on(3, 60, 1)),
            ("off", event::note_off(9, 72, 0)),
            ("cc", event::controller(3, 7, 1)),
            ("poly", event::key_pressure(0, 59, 1)),
            ("clock", event::of_type(EventType::CLOCK)),
            ("start", event::of_type(EventType::CLIENT_START)),
        ];
        for (line, wanted) in [
            ("", "on off cc poly clock start"),
            ("type=note", "on off"),
            ("type=noteoff type=control", "off cc"),
            ("not=realtime not=announcement", "on off cc poly"),
            ("type=note not=NOTEOFF", "on"),
            ("channel=3", "on cc"),
            ("channel=3-9", "on off cc"),
            ("note=C4", "on"),
            ("note=C4-B3", "on poly"),
            ("note=C-1-G9", "on off poly"),
            ("note=59 note=72", "off poly"),
            ("channel=3 note=C4 type=note", "on"),
        ] {
            let filter = filter(line);
            let shown: Vec<_> = events
                .iter()
                .filter(|(_, event)| filter.fits(&Facts::of(&Received::Event(*event, Vec::new()))))
                .map(|(name, _)| *name)
                .collect();
            assert_eq!(shown.join(" "), wanted, "{line}");
        }
    }

    #[test]
    fn packets_are_filtered_by_the_same_words() {
        let fits = |line: &str, packet| filter(line).fits(&Facts::of(&Received::Packet(packet)));
        let note = ump::note_on(2, 9, 60, 0xc000);
        assert!(fits("type=note channel=9 note=C4", note));
        assert!(!fits("channel=8", note) && !fits("note=61", note) && !fits("not=noteon", note));
        assert!(fits("type=sysex", ump::packet(&[0x3001_7e00, 0])));
        assert!(!fits("type=note", ump::packet(&[0xd010_0000, 1, 2, 3])));
    }

    #[test]
    fn what_is_no_range_says_why() {
        assert_eq!(channels("16").unwrap_err(), "16 is not within 0 to 15");
        assert!(notes("H4").unwrap_err().starts_with("H4 is no note"));
        assert!(types("clok").unwrap_err().contains("did you mean CLOCK?"));
    }
}
