//! How syzkaller lays out the structs of this device in memory.

use super::parse::Tree;
use crate::field::{EVENT, REQUESTS};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl;
use aseqd_describe::syzlang::{Part, layout};

/// A type.
#[derive(Clone, Debug)]
pub(super) enum Type {
    /// A number of this many bytes.
    Int(usize),
    /// Bytes, or an array of numbers of one byte.
    Bytes(usize),
    /// A struct; without padding if the second is true.
    Struct(Vec<Self>, bool),
    /// One of several under a name.
    Union(Vec<(&'static str, Self)>),
    /// As many as there are.
    Array(Box<Self>),
}

/// The structs of syzkaller's own descriptions: a number is an integer of that size, `a` bytes, braces a struct, angle
/// brackets a packed one, and a round bracket a union.
const OWN: &[(&str, &str)] = &[
    ("snd_seq_system_info", "{444444a24}"),
    ("snd_seq_running_info", "{1111a12}"),
    ("snd_seq_client_info", "{44a64 4a8a32 44a64}"),
    ("snd_seq_port_info", "{{11}a64 4444444 8 4 4a59}"),
    ("snd_seq_port_subscribe", "{{11}{11}44 1a3 a64}"),
    ("snd_seq_queue_info", "{444a64 4a60}"),
    ("snd_seq_queue_status", "{444{88}44a64}"),
    ("snd_seq_queue_tempo", "{444{88}44a64}"),
    ("snd_seq_queue_timer", "{44{44444}a64}"),
    ("snd_seq_queue_client", "{444a64}"),
    ("snd_seq_client_pool", "{444444a64}"),
    ("snd_seq_remove_events", "{4(tick4 time{88})1{11}1 4 1 a40}"),
    ("snd_seq_query_subs", "{{11}444{11}1 4a64}"),
    (
        "snd_seq_event",
        "{1111(tick4 time{88}){11}{11}(note{11114} control{144} raw8{a12} raw32{a12} ext<48> queue{1{44}} \
         time(tick4 time{88}) addr{11} connect{{11}{11}} result{44} quote<{11}28>)}",
    ),
    ("snd_seq_version", "4"),
    ("snd_seq_client_id", "4"),
    ("snd_timer_id", "{44444}"),
    ("snd_timer_on", "4"),
    ("snd_timer_ginfo", "{{44444}44a64 a80 8888 4a32}"),
    ("snd_timer_gparams", "{{44444}88a32}"),
    ("snd_timer_gstatus", "{{44444}888a32}"),
    ("snd_timer_select", "{{44444}a32}"),
    ("snd_timer_params", "{44444a60}"),
];

/// Returns syzkaller's own layout of a struct.
pub(super) fn own(name: &str) -> Option<Type> {
    let (_, text) = OWN.iter().find(|(other, _)| *other == name)?;
    Some(parse(&mut { *text }))
}

/// Returns the layout of a struct of ours.
pub(super) fn ours(name: &str) -> Option<Type> {
    let request = REQUESTS.iter().find(|request| request.of == name);
    let (fields, size) = match request {
        Some(request) => (request.fields, ioctl::size(request.code)),
        None if name == "snd_seq_event" => (EVENT, EVENT_SIZE),
        None => return None,
    };
    let parts = layout(fields, size).into_iter().map(|part| match part {
        Part::Gap(len) => Type::Bytes(len),
        Part::Field(field) => match field.kind {
            aseqd_describe::Kind::Name(len) | aseqd_describe::Kind::Bytes(len) => Type::Bytes(len),
            aseqd_describe::Kind::Stamp(len) if len != 4 => Type::Bytes(len),
            kind => Type::Int(kind.size()),
        },
    });
    Some(Type::Struct(parts.collect(), true))
}

fn parse(text: &mut &'static str) -> Type {
    *text = text.trim_start();
    let list = |text: &mut &'static str, end: char| {
        let mut all = Vec::new();
        while !text.trim_start().starts_with(end) {
            all.push(parse(text));
        }
        *text = &text.trim_start()[1..];
        all
    };
    let first = text.as_bytes()[0];
    match first {
        b'{' | b'<' => {
            *text = &text[1..];
            let packed = first == b'<';
            Type::Struct(list(text, if packed { '>' } else { '}' }), packed)
        }
        b'(' => {
            *text = &text[1..];
            let mut all = Vec::new();
            while !text.trim_start().starts_with(')') {
                *text = text.trim_start();
                let digits = |c: char| !c.is_ascii_alphabetic();
                // The names `raw8` and `raw32` end with digits.
                let end = match text.starts_with("raw") {
                    true => text.find('{').unwrap_or(0),
                    false => text.find(digits).unwrap_or(0),
                };
                let name = &text[..end];
                *text = &text[end..];
                all.push((name, parse(text)));
            }
            *text = &text.trim_start()[1..];
            Type::Union(all)
        }
        b'a' => {
            let end =
                text[1..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |end| end + 1);
            let len = text[1..end].parse().unwrap_or(0);
            *text = &text[end..];
            Type::Bytes(len)
        }
        digit => {
            *text = &text[1..];
            Type::Int(usize::from(digit - b'0'))
        }
    }
}

impl Type {
    fn align(&self) -> usize {
        match self {
            Self::Int(size) => *size,
            Self::Bytes(_) => 1,
            Self::Struct(_, true) => 1,
            Self::Struct(parts, false) => parts.iter().map(Self::align).max().unwrap_or(1),
            Self::Union(parts) => parts.iter().map(|(_, part)| part.align()).max().unwrap_or(1),
            Self::Array(of) => of.align(),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Int(size) | Self::Bytes(size) => *size,
            Self::Struct(parts, packed) => {
                let mut at = 0_usize;
                for part in parts {
                    if !packed {
                        at = at.next_multiple_of(part.align());
                    }
                    at += part.size();
                }
                at.next_multiple_of(self.align())
            }
            Self::Union(parts) => {
                let most = parts.iter().map(|(_, part)| part.size()).max().unwrap_or(0);
                most.next_multiple_of(self.align())
            }
            Self::Array(_) => 0,
        }
    }

    /// Appends a value as it is in memory. What the text leaves out is zero.
    pub(super) fn put(&self, tree: Option<&Tree>, out: &mut Vec<u8>) {
        let start = out.len();
        match (self, tree) {
            (_, Some(Tree::Named(_, value))) => return self.put(Some(value), out),
            (_, Some(Tree::Any(parts))) => return parts.iter().for_each(|part| any(part, out)),
            (Self::Array(of), Some(Tree::Array(all))) => {
                return all.iter().for_each(|part| of.put(Some(part), out));
            }
            (_, Some(Tree::Data(bytes, len))) => {
                let len = len.unwrap_or(bytes.len()).max(bytes.len());
                out.extend(bytes);
                // A buffer without a size of its own is as long as its text says.
                out.resize(start + if self.size() == 0 { len } else { bytes.len() }, 0);
            }
            (Self::Int(size), Some(Tree::Number(number))) => {
                out.extend(&number.to_le_bytes()[..(*size).min(8)]);
            }
            (Self::Bytes(_), Some(Tree::Array(all) | Tree::Struct(all))) => {
                let each = if all.len() <= self.size() / 4 && self.size() == 12 { 4 } else { 1 };
                all.iter().for_each(|part| Self::Int(each).put(Some(part), out));
            }
            (Self::Struct(parts, packed), Some(Tree::Struct(values))) => {
                for (index, part) in parts.iter().enumerate() {
                    if !packed {
                        out.resize(start + (out.len() - start).next_multiple_of(part.align()), 0);
                    }
                    part.put(values.get(index), out);
                }
            }
            (Self::Union(parts), Some(Tree::Union(name, value))) => {
                if let Some((_, part)) = parts.iter().find(|(other, _)| other == name) {
                    part.put(value.as_deref(), out);
                }
            }
            _ => {}
        }
        if self.size() > 0 {
            out.resize(start + self.size(), 0);
        }
    }
}

/// Appends a piece without a type.
fn any(tree: &Tree, out: &mut Vec<u8>) {
    let sizes = [("ANYRES16", 2), ("ANYRES32", 4), ("ANYRES64", 8)];
    match tree {
        Tree::Union(name, Some(value)) => match sizes.iter().find(|(other, _)| other == name) {
            Some((_, size)) => Type::Int(*size).put(Some(value), out),
            None => any(value, out),
        },
        Tree::Data(..) => Type::Array(Box::new(Type::Int(1))).put(Some(tree), out),
        _ => {}
    }
}
