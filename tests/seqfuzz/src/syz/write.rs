//! Calls as a syzkaller program.

use super::OURS;
use crate::concurrent::Plan;
use crate::device::Access;
use crate::field::{EVENT, Kind};
use crate::import::form_of;
use crate::tape::Step;
use aseqd_abi::event::{EVENT_SIZE, EventFlags};
use aseqd_abi::ioctl;
use aseqd_describe::syzlang::{self, Part};
use aseqd_describe::{Caller, Field, find};
use std::fmt::Write as _;

/// The descriptions that a program is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Those of `seqfuzz describe`: structs with all fields.
    Ours,
    /// syzkaller's own: structs as bytes, since some of its own are not the kernel's; what it has no name for, by the
    /// plain call.
    Own,
}

/// Calls of syzkaller's own descriptions of this device.
const OWN_MISSES: &[&str] = &["UMP", "USER_PVERSION", "TREAD64", "CREATE", "TRIGGER", "_OLD"];

/// Writes a program.
#[must_use]
pub fn write(steps: &[Step], form: Form) -> String {
    let mut text = String::new();
    if form == Form::Ours {
        let _infallible = writeln!(text, "{OURS}");
    }
    let mut writer = Writer { text, form, opened: 0, address: 0x2000_0000_0000 };
    steps.iter().for_each(|step| writer.step(step));
    writer.text
}

/// Writes the calls of a plan: those that are begun without waiting for their end with syzkaller's property `(async)`,
/// those in which an allocation of the kernel fails with `(fail_nth: N)`. Signals and deaths have no syntax there.
#[must_use]
pub fn write_plan(plan: &Plan, form: Form) -> String {
    let mut text = String::new();
    if form == Form::Ours {
        let _infallible = writeln!(text, "{OURS}");
    }
    let mut writer = Writer { text, form, opened: 0, address: 0x2000_0000_0000 };
    for stretch in &plan.stretches {
        for (place, op) in stretch.iter().enumerate() {
            let begin = writer.text.len();
            writer.step(&op.step);
            if op.blocks && op.opens.is_some() {
                // The flag O_NONBLOCK, of the open alone.
                let line = writer.text.split_off(begin);
                writer.text += &line.replacen(" 0x80", " 0x", 1);
            }
            let wrote = writer.text.len() > begin;
            let end = writer.text.trim_end().len();
            let mut properties = String::new();
            if place + 1 < stretch.len() {
                properties += " (async)";
            }
            if let Some(nth) = op.fail {
                let _infallible = write!(properties, " (fail_nth: {nth})");
            }
            if wrote && !properties.is_empty() {
                writer.text.insert_str(end, &properties);
            }
        }
    }
    writer.text
}

struct Writer {
    text: String,
    form: Form,
    opened: usize,
    address: u64,
}

impl Writer {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _infallible = writeln!(self.text, "{line}");
    }

    /// Returns the address of the next struct. Each gets a place of its own.
    fn place(&mut self, size: usize) -> String {
        let address = self.address;
        self.address += u64::try_from(size.next_multiple_of(0x40)).unwrap_or(0);
        format!("&({address:#x})")
    }

    /// Returns what stands before a call that opens a file.
    fn result(&mut self) -> String {
        self.opened += 1;
        format!("r{} = ", self.opened - 1)
    }

    fn step(&mut self, step: &Step) {
        let flags = |access: &Access| match access {
            Access::Read => 0x800,
            Access::Write => 0x801,
            Access::ReadWrite => 0x802,
        };
        match step {
            Step::Open(access) => {
                let (result, place) = (self.result(), self.place(13));
                self.line(format_args!(
                    "{result}syz_open_dev$sndseq({place}='/dev/snd/seq\\x00', 0x0, {:#x})",
                    flags(access)
                ));
            }
            Step::OpenTimer(access) => {
                let (result, place) = (self.result(), self.place(15));
                self.line(format_args!(
                    "{result}openat$sndtimer(0xffffffffffffff9c, {place}='/dev/snd/timer\\x00', {:#x})",
                    flags(access)
                ));
            }
            Step::CreateTimer(file, argument) => {
                let name = Some(self.opened);
                self.opened += 1;
                self.ioctl(*file, ioctl::timers::CREATE, false, argument, name);
            }
            Step::Close(file) => self.line(format_args!("close(r{file})")),
            Step::Ioctl { file, code, compat, argument } => {
                self.ioctl(*file, *code, *compat, argument, None);
            }
            Step::Write(file, data) => {
                let place = self.place(data.len());
                let plain = data.len() % EVENT_SIZE == 0
                    && !data.is_empty()
                    && data.chunks(EVENT_SIZE).all(|event| {
                        let flags = EventFlags::from_bits_retain(event[1]);
                        !flags
                            .intersects(EventFlags::VARIABLE | EventFlags::VARUSR | EventFlags::UMP)
                    });
                let memory = if plain && self.form == Form::Ours {
                    let events: Vec<_> =
                        data.chunks(EVENT_SIZE).map(|event| fields(EVENT, event, None)).collect();
                    format!("[{}]", events.join(", "))
                } else {
                    format!("ANY=[@ANYBLOB=\"{}\"]", hex(data))
                };
                self.line(format_args!(
                    "write$sndseq(r{file}, {place}={memory}, {:#x})",
                    data.len()
                ));
            }
            Step::Read(file, len) => {
                let place = self.place(*len);
                self.line(format_args!("read(r{file}, {place}=\"\"/{len}, {len:#x})"));
            }
            Step::Poll(file) => {
                let place = self.place(8);
                self.line(format_args!("poll({place}=[{{r{file}, 0x5}}], 0x1, 0x0)"));
            }
            Step::Wait(time) => {
                let place = self.place(16);
                let (sec, nsec) = (time.as_secs(), time.subsec_nanos());
                self.line(format_args!("nanosleep({place}={{{sec:#x}, {nsec:#x}}}, 0x0)"));
            }
            Step::Inside(inside) => {
                if inside.opens() {
                    self.opened += 1;
                }
                self.line(format_args!("# done inside of a server: {inside:?}"));
            }
        }
    }

    fn ioctl(
        &mut self,
        file: usize,
        code: u32,
        compat: bool,
        argument: &[u8],
        made: Option<usize>,
    ) {
        let caller = if compat { Caller::Narrow } else { Caller::Wide };
        let request = find(code, caller).map(|request| form_of(request, argument));
        let own = |name: &str| !OWN_MISSES.iter().any(|miss| name.contains(miss));
        let name = request.map(syzlang::call).filter(|name| self.form == Form::Ours || own(name));
        let place = self.place(argument.len());
        let reads = ioctl::direction(code) & ioctl::WRITE != 0;
        let memory = match (&name, request) {
            _ if argument.is_empty() => {
                let name = name.as_deref().unwrap_or("ioctl");
                let nothing = if name == "ioctl" { ", 0x0" } else { "" };
                return self.line(format_args!("{name}(r{file}, {code:#x}{nothing})"));
            }
            _ if !reads && made.is_none() => place,
            (Some(_), Some(request)) if self.form == Form::Ours => {
                format!("{place}={}", fields(request.fields, argument, made))
            }
            _ if made.is_some() => {
                // The descriptor stands behind the resolution.
                let (before, after) = (hex(&argument[..8]), hex(&argument[12..]));
                let name = made.unwrap_or(0);
                format!(
                    "{place}=ANY=[@ANYBLOB=\"{before}\", @ANYRES32=<r{name}=>0x0, @ANYBLOB=\"{after}\"]"
                )
            }
            (Some(_), _) => format!("{place}=ANY=[@ANYBLOB=\"{}\"]", hex(argument)),
            (None, _) => format!("{place}=\"{}\"", hex(argument)),
        };
        let name = name.as_deref().unwrap_or("ioctl");
        self.line(format_args!("{name}(r{file}, {code:#x}, {memory})"));
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Writes a struct of ours, without zeros at its end. `made` is the name of the file that the call puts into it.
fn fields(all: &[Field], bytes: &[u8], made: Option<usize>) -> String {
    let mut at = 0;
    let mut words = Vec::new();
    let mut last = 0;
    for part in syzlang::layout(all, bytes.len()) {
        let (len, kind) = match part {
            Part::Gap(len) => (len, Kind::Bytes(len)),
            Part::Field(field) => (field.kind.size(), field.kind),
        };
        let given = &bytes[at..at + len];
        at += len;
        let word = match (kind, made) {
            (Kind::Name(_), _) => text(given),
            (Kind::Bytes(_), _) => format!("\"{}\"", hex(given)),
            (Kind::Stamp(size), _) if size != 4 => format!("\"{}\"", hex(given)),
            _ => {
                let number =
                    given.iter().rev().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
                match (kind, made) {
                    (Kind::Stamp(4), Some(made)) => format!("<r{made}=>{number:#x}"),
                    _ => format!("{number:#x}"),
                }
            }
        };
        words.push(word);
        if given.iter().any(|byte| *byte != 0) || (made.is_some() && kind == Kind::Stamp(4)) {
            last = words.len();
        }
    }
    words.truncate(last);
    format!("{{{}}}", words.join(", "))
}

/// Writes a name, with one of the NULs at its end.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut text = String::from("'");
    for byte in &bytes[..(end + 1).min(bytes.len())] {
        match byte {
            b'\'' | b'\\' => {
                text.push('\\');
                text.push(char::from(*byte));
            }
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => {
                let _infallible = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text.push('\'');
    text
}
