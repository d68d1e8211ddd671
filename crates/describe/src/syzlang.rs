//! The table in syzkaller's description language.
//!
//! The text replaces syzkaller's own `dev_snd_seq.txt` and `dev_snd_timer.txt` in `sys/linux`: calls have the same names
//! where both know a request. A struct is flat, so its layout is the kernel's.

use crate::types::{Device, Field, Kind, Meaning, Names, Request};
use crate::{EVENT, REQUESTS};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl;
use core::fmt::Write as _;

/// Returns the name of a request's call, such as `ioctl$SNDRV_SEQ_IOCTL_CREATE_PORT`.
#[must_use]
pub fn call(request: &Request) -> String {
    let prefix = if request.device == Device::Sequencer { "SEQ" } else { "TIMER" };
    let variant = match request.name {
        "get_ump_endpoint" | "set_ump_endpoint" => "_ENDPOINT",
        "get_ump_block" | "set_ump_block" => "_BLOCK",
        name if name.ends_with("_old") => "_OLD",
        name if name.ends_with("32") => "32",
        "t_status" => "64",
        "t_tread" => "",
        _ => "",
    };
    let name = if request.name == "t_tread" { "TREAD" } else { request.c_name };
    format!("ioctl$SNDRV_{prefix}_IOCTL_{name}{variant}")
}

/// Returns the names of a list of values, without those that the list has twice.
fn list(names: Names) -> String {
    let values: Vec<_> = names.iter().map(|(_, value)| format!("{value:#x}")).collect();
    values.join(", ")
}

/// Returns the descriptions: resources, calls, flags and structs.
#[must_use]
pub fn descriptions() -> String {
    let mut text = String::from(HEAD);
    let mut structs: BTreeMap<&str, (&[Field], usize)> = BTreeMap::new();
    let mut flags: BTreeMap<String, Names> = BTreeMap::new();
    for request in REQUESTS {
        let fd = match request.device {
            Device::Sequencer => "fd_sndseq",
            Device::Timer => "fd_sndtimer",
            Device::UserTimer => "fd_sndutimer",
        };
        let code = request.code;
        let argument = if request.of.is_empty() {
            String::new()
        } else {
            structs.insert(request.of, (request.fields, ioctl::size(code)));
            let direction = match ioctl::direction(code) {
                ioctl::READ => "out",
                ioctl::WRITE => "in",
                _ => "inout",
            };
            format!(", arg ptr[{direction}, {}]", request.of)
        };
        put(&mut text, &format!("{}(fd {fd}, cmd const[{code:#x}]{argument})\n", call(request)));
    }
    structs.insert("snd_seq_event", (EVENT, EVENT_SIZE));
    let mut bodies = String::new();
    for (name, (fields, size)) in structs {
        body(&mut bodies, &mut flags, name, fields, size);
    }
    text.push('\n');
    for (name, names) in flags {
        put(&mut text, &format!("{name} = {}\n", list(names)));
    }
    text + &bodies
}

fn put(text: &mut String, line: &str) {
    let _infallible = text.write_str(line);
}

fn body(
    text: &mut String,
    flags: &mut BTreeMap<String, Names>,
    name: &str,
    fields: &[Field],
    size: usize,
) {
    put(text, &format!("\n{name} {{\n"));
    for (index, part) in layout(fields, size).into_iter().enumerate() {
        match part {
            Part::Field(field) => {
                let word = word(flags, name, field);
                put(text, &format!("\t{}\t{word}\n", field.name));
            }
            Part::Gap(len) => put(text, &format!("\tpad{index}\tarray[int8, {len}]\n")),
        }
    }
    put(text, "} [packed]\n");
}

/// A part of a struct in order of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A field.
    Field(&'a Field),
    /// Bytes without a name.
    Gap(usize),
}

/// Returns the parts of a struct of a size. A field that begins inside of the one before it is another view of the same
/// bytes, and left out.
#[must_use]
pub fn layout(fields: &[Field], size: usize) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut at = 0;
    for field in fields {
        if field.offset < at || field.offset + field.kind.size() > size {
            continue;
        }
        if field.offset > at {
            parts.push(Part::Gap(field.offset - at));
        }
        parts.push(Part::Field(field));
        at = field.offset + field.kind.size();
    }
    if size > at {
        parts.push(Part::Gap(size - at));
    }
    parts
}

fn word(flags: &mut BTreeMap<String, Names>, of: &str, field: &Field) -> String {
    let int = |size: usize| format!("int{}", size * 8);
    let size = field.kind.size();
    match (field.kind, field.meaning) {
        (Kind::Stamp(4), _) => "fd_sndutimer".into(),
        (Kind::Name(size), _) => format!("string[snd_seq_names, {size}]"),
        (Kind::Bytes(size) | Kind::Stamp(size), _) => format!("array[int8, {size}]"),
        (Kind::Client(_), _) => format!("flags[snd_seq_clients, {}]", int(size)),
        (Kind::Queue(_), _) => format!("flags[snd_seq_queues, {}]", int(size)),
        (_, Meaning::Bits(names) | Meaning::One(names)) => {
            let name = format!("{of}_{}", field.name);
            flags.insert(name.clone(), names);
            format!("flags[{name}, {}]", int(size))
        }
        (_, Meaning::Range(first, last)) if first == last => {
            format!("const[{first}, {}]", int(size))
        }
        (_, Meaning::Range(first, last)) => format!("{}[{first}:{last}]", int(size)),
        (_, Meaning::Port) => format!("{}[0:4]", int(size)),
        _ => int(size),
    }
}

/// What stands before the calls of requests.
const HEAD: &str = "\
# The ALSA sequencer and timer. Printed by `seqfuzz describe`.

include <uapi/linux/fcntl.h>

resource fd_sndseq[fd]
resource fd_sndtimer[fd]
resource fd_sndutimer[fd]

syz_open_dev$sndseq(dev ptr[in, string[\"/dev/snd/seq\"]], id const[0], flags flags[open_flags]) fd_sndseq
openat$sndtimer(fd const[AT_FDCWD], file ptr[in, string[\"/dev/snd/timer\"]], flags flags[open_flags]) fd_sndtimer
write$sndseq(fd fd_sndseq, data ptr[in, array[snd_seq_event]], len bytesize[data])

snd_seq_clients = 0, 14, 0x80, 0x81, 0x82, 0x83, 0xbf, 253, 254, 255
snd_seq_queues = 0, 1, 2, 3, 31, 253, 254, 255
snd_seq_names = \"client0\", \"port0\", \"queue0\"

";
