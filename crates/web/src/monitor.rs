//! Monitors: which events they want, and how events are written for them.

use aseqd_abi::{Address, Event, EventType};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Bytes of an event without data of variable length.
const HEAD: usize = 32;
/// The most bytes of such data that are shown.
const MAX_DATA: usize = 512;

const LATENESS: u8 = 1;
const CUT: u8 = 2;

/// The names of kinds of events, in the order of their bits.
const KINDS: [&str; 8] =
    ["note", "control", "program", "bend", "pressure", "sysex", "clock", "other"];
const OTHER: u8 = 1 << 7;

/// An event that was read.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) event: Event,
    pub(crate) data: Vec<u8>,
    /// The wall clock in microseconds since 1970.
    pub(crate) at: u64,
    /// In microseconds.
    pub(crate) late: Option<i32>,
}

impl Seen {
    /// Returns the bit of its kind.
    fn kind(&self) -> u8 {
        match self.event.event_type {
            EventType::NOTE | EventType::NOTEON | EventType::NOTEOFF => 1,
            EventType::CONTROLLER
            | EventType::CONTROL14
            | EventType::NONREGPARAM
            | EventType::REGPARAM => 1 << 1,
            EventType::PGMCHANGE => 1 << 2,
            EventType::PITCHBEND => 1 << 3,
            EventType::KEYPRESS | EventType::CHANPRESS => 1 << 4,
            EventType::SYSEX => 1 << 5,
            EventType(30..=40) | EventType::SENSING => 1 << 6,
            _ => OTHER,
        }
    }

    /// Returns the channel, from 0, if it has one.
    fn channel(&self) -> Option<u8> {
        let channel = self.event.data.0[0];
        (self.event.event_type.is_channel() && channel < 16).then_some(channel)
    }

    /// Writes it as the protocol has it.
    pub(crate) fn record(&self) -> Rc<[u8]> {
        let Self { event, data, .. } = self;
        let shown = &data[..data.len().min(MAX_DATA)];
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        let flags = flag(self.late.is_some(), LATENESS) | flag(shown.len() < data.len(), CUT);
        let len = (HEAD + shown.len()).next_multiple_of(4);
        let padding = len - HEAD - shown.len();
        let small = |number: usize| u8::try_from(number).unwrap_or_default();
        let mut out = Vec::with_capacity(len);
        out.extend(u16::try_from(len).unwrap_or_default().to_le_bytes());
        out.extend([
            event.event_type.0,
            flags,
            event.source.client,
            event.source.port,
            event.queue,
            small(padding),
        ]);
        out.extend(self.at.to_le_bytes());
        out.extend(self.late.unwrap_or_default().to_le_bytes());
        // The data of such an event are a length and a pointer.
        out.extend(if event.is_variable() { [0; 12] } else { event.data.0 });
        out.extend_from_slice(shown);
        out.resize(len, 0);
        out.into()
    }
}

/// What a monitor shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    /// All if there is none.
    pub(crate) ports: Option<BTreeSet<Address>>,
    kinds: u8,
    channels: u16,
}

impl Default for Filter {
    fn default() -> Self {
        Self { ports: None, kinds: u8::MAX, channels: u16::MAX }
    }
}

impl Filter {
    /// Returns a filter of these ports, kinds and channels; without a list, all pass.
    ///
    /// # Errors
    /// A sentence if there is no such kind or channel.
    pub(crate) fn new(
        ports: Option<BTreeSet<Address>>,
        kinds: Option<&[String]>,
        channels: Option<&[u64]>,
    ) -> Result<Self, String> {
        let mut filter = Self { ports, ..Self::default() };
        if let Some(kinds) = kinds {
            filter.kinds = 0;
            for kind in kinds {
                let bit = KINDS.iter().position(|known| known == kind);
                let known = || format!("the types of events are {}", KINDS.join(", "));
                filter.kinds |= 1 << bit.ok_or_else(known)?;
            }
        }
        if let Some(channels) = channels {
            filter.channels = 0;
            for channel in channels {
                let bit = u32::try_from(*channel).ok().and_then(|bit| 1_u16.checked_shl(bit));
                filter.channels |= bit.ok_or("the channels of a monitor are 0 to 15")?;
            }
        }
        Ok(filter)
    }

    /// Returns whether an event is shown.
    pub(crate) fn passes(&self, seen: &Seen) -> bool {
        let of_channel = match seen.channel() {
            Some(channel) => {
                1_u16.checked_shl(channel.into()).is_some_and(|bit| self.channels & bit != 0)
            }
            None => true,
        };
        let of_port = self.ports.as_ref().is_none_or(|ports| ports.contains(&seen.event.source));
        of_channel && of_port && self.kinds & seen.kind() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_client::event::{self, EventExt as _};

    fn seen(event: Event, data: &[u8]) -> Seen {
        let event = event.sent_from(Address::new(20, 1));
        Seen { event, data: data.to_vec(), at: 5, late: Some(-3) }
    }

    fn note() -> Seen {
        seen(event::note_on(9, 60, 100), &[])
    }

    fn sysex(len: usize) -> Seen {
        let mut event = event::of_type(EventType::SYSEX);
        event.flags = aseqd_abi::EventFlags::VARIABLE;
        seen(event, &vec![7; len])
    }

    #[test]
    fn a_note_is_written_as_documented() {
        let record = note().record();
        let expected = [
            &[32, 0, 6, LATENESS, 20, 1, 253, 0][..],
            &5_u64.to_le_bytes(),
            &(-3_i32).to_le_bytes(),
            &[9, 60, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        assert_eq!(record[..], expected);
    }

    #[test]
    fn data_is_cut_and_filled_up() {
        for (len, size, flags, padding) in [
            (0, 32, 1, 0),
            (1, 36, 1, 3),
            (4, 36, 1, 0),
            (512, 544, 1, 0),
            (513, 544, 3, 0),
            (60_000, 544, 3, 0),
        ] {
            let record = sysex(len).record();
            let said = usize::from(u16::from_le_bytes([record[0], record[1]]));
            assert_eq!(
                (record.len(), said, record[3], record[7]),
                (size, size, flags, padding),
                "{len}"
            );
            assert!(record[20..32].iter().all(|byte| *byte == 0), "no pointer");
        }
    }

    #[test]
    fn filters_let_pass_what_they_name() {
        let all = Filter::default();
        assert!(all.passes(&note()) && all.passes(&sysex(1)));
        let of = |kinds: &[&str], channels: Option<&[u64]>| {
            let kinds: Vec<_> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
            Filter::new(None, Some(&kinds), channels).expect("a filter")
        };
        assert!(
            of(&["note"], None).passes(&note()) && !of(&["sysex", "clock"], None).passes(&note())
        );
        assert!(of(&["sysex"], Some(&[3])).passes(&sysex(1)), "it has no channel");
        assert!(
            of(&["note"], Some(&[9])).passes(&note())
                && !of(&["note"], Some(&[8, 15])).passes(&note())
        );
        assert!(!of(&[], None).passes(&note()));
        let ports = |port| {
            Filter::new(Some(BTreeSet::from([Address::new(20, port)])), None, None)
                .expect("a filter")
        };
        assert!(ports(1).passes(&note()) && !ports(0).passes(&note()));
        let odd = seen(event::note_on(200, 60, 100), &[]);
        assert!(of(&["note"], Some(&[8])).passes(&odd), "no channel of MIDI");
        for (kinds, channels) in [
            (Some(vec!["x".to_owned()]), None),
            (None, Some(vec![16])),
            (None, Some(vec![u64::MAX])),
        ] {
            assert!(Filter::new(None, kinds.as_deref(), channels.as_deref()).is_err());
        }
    }

    #[test]
    fn each_kind_has_a_type() {
        let kind = |number: u8| seen(event::of_type(EventType(number)), &[]).kind();
        let kinds: Vec<u8> = [6, 10, 11, 13, 12, 130, 36, 66].into_iter().map(kind).collect();
        assert_eq!(kinds, [1, 2, 4, 8, 16, 32, 64, 128]);
    }
}
