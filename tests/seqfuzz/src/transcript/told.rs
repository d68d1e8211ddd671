//! Prints events and structs that came back, with handles for numbers, and without values that differ from run to run.

use super::{FIRST_USER, Run, UMP_SIZE, hash, hex};
use crate::field::{Field, Kind};
use crate::generate::NEW_FIELDS;
use crate::program::Mode;
use aseqd_abi::event::{EVENT_SIZE, EventFlags, EventType};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::{Address, Event};
use std::fmt::Write as _;
use zerocopy::FromBytes;

/// The port that announces changes.
const ANNOUNCE: Address = Address::new(0, 1);

/// Maximum number of bytes of an event's data that are printed in full.
const BODY_IN_FULL: usize = 32;

impl Run<'_> {
    pub(super) fn body(&self, event: &Event, padded: &[u8], len: usize) -> String {
        let (data, padding) = padded.split_at(len.min(padded.len()));
        let mut text = match Event::read_from_prefix(data) {
            Ok((quoted, more))
                if event.event_type == EventType::BOUNCE
                    && (more.is_empty() || more.len() == UMP_SIZE - EVENT_SIZE) =>
            {
                format!("{{{}}}", self.record(&quoted, more))
            }
            _ if len > BODY_IN_FULL => {
                let lines = [hex(data)];
                format!("body #{:016x}", hash(&lines))
            }
            _ => format!("body {}", hex(data)),
        };
        if data.len() < len {
            text += " short";
        }
        if padding.iter().any(|byte| *byte != 0) {
            let _infallible = write!(text, " padding {}", hex(padding));
        }
        text
    }

    fn client_name(&self, number: i64) -> String {
        let known = u8::try_from(number).ok().filter(|number| *number >= FIRST_USER);
        match known.and_then(|number| self.client_handles[usize::from(number)]) {
            Some(handle) => format!("c{handle}"),
            None => number.to_string(),
        }
    }

    fn queue_name(&self, number: i64) -> String {
        let known = u8::try_from(number).ok();
        match known.and_then(|number| self.queue_handles[usize::from(number)]) {
            Some(handle) => format!("q{handle}"),
            None => number.to_string(),
        }
    }

    fn address(&self, address: Address) -> String {
        format!("{}:{}", self.client_name(address.client.into()), address.port)
    }

    /// Prints a record: an event, and what a record of 32 bytes has more.
    pub(super) fn record(&self, event: &Event, more: &[u8]) -> String {
        let mut text = self.event(event, more);
        if !event.flags.contains(EventFlags::UMP) && more.iter().any(|byte| *byte != 0) {
            let _infallible = write!(text, " more {}", hex(more));
        }
        text
    }

    /// Prints all 28 bytes of an event, or the words of a UMP packet.
    fn event(&self, event: &Event, more: &[u8]) -> String {
        let data = &event.data;
        let is_packet = event.flags.contains(EventFlags::UMP) && !more.is_empty();
        let name =
            event.event_type.name().map_or_else(|| event.event_type.0.to_string(), str::to_owned);
        let about = match event.event_type.0 {
            _ if is_packet => words(data.0.iter().chain(more)),
            30..=38 => format!("{} {}", self.queue_name(data.0[0].into()), hex(&data.0[1..])),
            60..=65 => format!("{} {}", self.address(data.address()), hex(&data.0[2..])),
            68 | 69 if event.source == ANNOUNCE => {
                format!("{} {}", self.client_name(data.0[0].into()), hex(&data.0[1..]))
            }
            66 | 67 => {
                let ends = data.connect();
                let (from, to) = (self.address(ends.sender), self.address(ends.dest));
                format!("{from}>{to} {}", hex(&data.0[4..]))
            }
            _ => hex(&data.0),
        };
        let masked = self.mode == Mode::Run && event.source == Address::new(0, 0);
        let time = if masked {
            "-".into()
        } else {
            format!("{}.{}", event.time.tick_or_sec, event.time.nsec)
        };
        format!(
            "{name} flags={:#x} tag={} queue={} time={time} {}>{} {about}",
            event.flags.bits(),
            event.tag,
            self.queue_name(event.queue.into()),
            self.address(event.source),
            self.address(event.dest),
        )
    }

    /// Prints the fields of a struct that are not zero, and other bytes that are not zero.
    pub(super) fn fields(&self, fields: &[Field], code: u32, told: &[u8]) -> String {
        let mut text = String::new();
        let mut known = vec![false; told.len()];
        let running = code == s::GET_QUEUE_STATUS && told[20..24] != [0; 4];
        for field in fields {
            let at = field.offset..field.offset + field.kind.size();
            known[at.clone()].fill(true);
            let bytes = &told[at];
            if bytes.iter().all(|byte| *byte == 0) {
                continue;
            }
            let masked = running
                && match field.name {
                    "sec" | "nsec" => true,
                    "tick" | "events" => self.mode == Mode::Run,
                    _ => false,
                };
            let masked = masked || (self.common && NEW_FIELDS.contains(&field.name));
            if !masked {
                let _infallible = write!(text, " {}={}", field.name, self.value(field.kind, bytes));
            }
        }
        let others: Vec<u8> =
            told.iter().zip(&known).filter(|(_, known)| !**known).map(|(byte, _)| *byte).collect();
        if others.iter().any(|byte| *byte != 0) {
            let _infallible = write!(text, " others={}", hex(&others));
        }
        text
    }

    fn value(&self, kind: Kind, bytes: &[u8]) -> String {
        let mut word = [0; 8];
        let len = bytes.len().min(8);
        word[..len].copy_from_slice(&bytes[..len]);
        let unsigned = u64::from_le_bytes(word);
        let signed = if len == 4 {
            i64::from(i32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        } else {
            unsigned.cast_signed()
        };
        match kind {
            Kind::Unsigned(_) => format!("{unsigned:#x}"),
            Kind::Signed => signed.to_string(),
            Kind::Client(_) => self.client_name(signed),
            Kind::Queue(_) => self.queue_name(signed),
            Kind::Process if signed == i64::from(self.device.process()) => "self".into(),
            Kind::Process => signed.to_string(),
            Kind::Name(_) => self.name(bytes),
            Kind::Stamp(_) => "set".into(),
            Kind::Bytes(_) => hex(bytes),
        }
    }

    /// Prints a name. A number in it is printed as a handle.
    fn name(&self, bytes: &[u8]) -> String {
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        let text = String::from_utf8_lossy(&bytes[..end]);
        let numbered = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.parse().ok());
        let mut name = if let Some(number) = numbered("Client-") {
            format!("\"Client-{}\"", self.client_name(number))
        } else if let Some(number) = numbered("Queue-") {
            format!("\"Queue-{}\"", self.queue_name(number))
        } else {
            format!("{text:?}")
        };
        if bytes[end..].iter().any(|byte| *byte != 0) {
            let _infallible = write!(name, "+{}", hex(&bytes[end..]));
        }
        name
    }
}

/// Prints bytes as words of a UMP packet, with the first digit of a word as its message type.
fn words<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    let bytes: Vec<u8> = bytes.copied().collect();
    let word = |bytes: &[u8]| {
        format!("{:08x}", u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    bytes.chunks_exact(4).map(word).collect::<Vec<_>>().join(" ")
}
