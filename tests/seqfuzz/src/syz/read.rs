//! Calls from a syzkaller program.

use super::OURS;
use super::layout::{self, Type};
use super::parse::{self, Line, Tree};
use crate::device::Access;
use crate::field::REQUESTS;
use crate::tape::Step;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::{self, timers};
use aseqd_describe::syzlang;
use std::collections::BTreeMap;
use std::time::Duration;

/// Maximum number of bytes of a write. syzkaller's programs often name the largest length there is.
const MAX_WRITE: usize = 1 << 20;
/// Maximum number of bytes of a read.
const MAX_READ: usize = 1 << 16;

/// The calls of a program.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What it does with the sequencer and the timer.
    pub steps: Vec<Step>,
    /// The names of calls that are left out: they have nothing to do with these devices, or are not supported.
    pub left_out: Vec<String>,
}

/// Reads a program.
///
/// # Errors
/// A message that names the line which is not part of a program.
pub fn read(text: &str) -> Result<Reading, String> {
    let ours = text.lines().any(|line| line.trim() == OURS);
    let mut reader =
        Reader { ours, reading: Reading::default(), files: BTreeMap::new(), opened: 0 };
    for (index, line) in text.lines().enumerate() {
        let parsed = parse::line(line).map_err(|what| format!("line {}: {what}", index + 1))?;
        if let Some(parsed) = parsed {
            for _ in 0..parsed.times {
                reader.line(&parsed);
            }
        }
    }
    Ok(reader.reading)
}

struct Reader {
    ours: bool,
    reading: Reading,
    /// The file of each result.
    files: BTreeMap<String, usize>,
    opened: usize,
}

impl Reader {
    fn line(&mut self, line: &Line) {
        let done = self.step(line);
        if done.is_none() {
            self.reading.left_out.push(line.name.clone());
        }
    }

    fn opened(&mut self, name: Option<&String>, step: Step) {
        if let Some(name) = name {
            self.files.insert(name.clone(), self.opened);
        }
        self.opened += 1;
        self.reading.steps.push(step);
    }

    /// Adds what a call does; nothing if it does nothing with the devices.
    fn step(&mut self, line: &Line) -> Option<()> {
        let arguments = &line.arguments;
        let number = |at: usize| match arguments.get(at) {
            Some(Tree::Number(number)) => *number,
            _ => 0,
        };
        let file = |at: usize| self.files.get(result(arguments.get(at)?)?).copied();
        let (call, variant) = line.name.split_once('$').unwrap_or((&line.name, ""));
        let step = match call {
            "syz_open_dev" | "openat" | "open" => {
                let flags = number(if call == "open" { 1 } else { 2 });
                let path = arguments.iter().find_map(path);
                let timer = match (variant, path) {
                    ("sndseq", _) => false,
                    ("sndtimer", _) => true,
                    (_, Some(path)) if path.starts_with(b"/dev/snd/seq") => false,
                    (_, Some(path)) if path.starts_with(b"/dev/snd/timer") => true,
                    _ => return None,
                };
                let access = match flags & 3 {
                    0 => Access::Read,
                    1 => Access::Write,
                    _ => Access::ReadWrite,
                };
                let step = if timer { Step::OpenTimer(access) } else { Step::Open(access) };
                self.opened(line.result.as_ref(), step);
                return Some(());
            }
            "dup" | "dup2" | "dup3" => {
                let file = file(0)?;
                self.files.insert(line.result.clone()?, file);
                return Some(());
            }
            "ioctl" => return self.ioctl(line, file(0)?, u32::try_from(number(1)).ok()?),
            "write" => {
                let file = file(0)?;
                let of = if self.ours { layout::ours } else { layout::own };
                let array = Type::Array(Box::new(of("snd_seq_event")?));
                let mut data = memory(arguments.get(1)?, &array);
                let len = usize::try_from(number(2)).unwrap_or(usize::MAX).min(MAX_WRITE);
                data.resize(len, 0);
                Step::Write(file, data)
            }
            "read" => {
                let len = usize::try_from(number(2)).unwrap_or(usize::MAX).min(MAX_READ);
                Step::Read(file(0)?, len)
            }
            "close" => Step::Close(file(0)?),
            "poll" | "ppoll" => {
                let Tree::Pointer(Some(fds)) = arguments.first()? else { return None };
                let (Tree::Array(fds) | Tree::Struct(fds)) = fds.as_ref() else { return None };
                let polled: Vec<usize> = fds
                    .iter()
                    .filter_map(|fd| match fd {
                        Tree::Struct(parts) => self.files.get(result(parts.first()?)?).copied(),
                        _ => None,
                    })
                    .collect();
                self.reading.steps.extend(polled.iter().map(|file| Step::Poll(*file)));
                return (!polled.is_empty()).then_some(());
            }
            "nanosleep" => {
                let time = Type::Struct(vec![Type::Int(8), Type::Int(8)], false);
                let bytes = memory(arguments.first()?, &time);
                let word = |at: usize| {
                    bytes.get(at..at + 8).map_or(0, |bytes| {
                        bytes.iter().rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte))
                    })
                };
                let nanos = u32::try_from(word(8)).unwrap_or(0) % 1_000_000_000;
                Step::Wait(Duration::new(word(0).min(10), nanos))
            }
            _ => return None,
        };
        self.reading.steps.push(step);
        Some(())
    }

    fn ioctl(&mut self, line: &Line, file: usize, code: u32) -> Option<()> {
        let size = ioctl::size(code);
        // The call's name decides, for some codes have several structs.
        let named = REQUESTS.iter().find(|request| syzlang::call(request) == line.name);
        let request = named.or_else(|| REQUESTS.iter().find(|request| request.code == code));
        let of = if self.ours { layout::ours } else { layout::own };
        let described = request.and_then(|request| of(request.of));
        let described = described.unwrap_or(Type::Bytes(size));
        let mut argument = match line.arguments.get(2) {
            Some(tree) => memory(tree, &described),
            None => Vec::new(),
        };
        argument.resize(size, 0);
        if code == timers::CREATE {
            let name = line.arguments.get(2).and_then(made);
            self.opened(name, Step::CreateTimer(file, argument));
            return Some(());
        }
        let compat = named.is_some_and(|request| request.callers == aseqd_describe::Caller::Narrow);
        self.reading.steps.push(Step::Ioctl { file, code, compat, argument });
        Some(())
    }
}

/// Returns the bytes at a pointer.
fn memory(tree: &Tree, of: &Type) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Tree::Pointer(Some(value)) = tree {
        of.put(Some(value), &mut bytes);
    }
    bytes
}

/// Returns the name of an earlier call's result.
const fn result(tree: &Tree) -> Option<&String> {
    match tree {
        Tree::Result(name) => Some(name),
        _ => None,
    }
}

/// Returns the first name under which something in a tree is known later.
fn made(tree: &Tree) -> Option<&String> {
    match tree {
        Tree::Named(name, _) => Some(name),
        Tree::Pointer(Some(value)) => made(value),
        Tree::Struct(parts) | Tree::Array(parts) | Tree::Any(parts) => parts.iter().find_map(made),
        Tree::Union(_, Some(value)) => made(value),
        _ => None,
    }
}

fn path(tree: &Tree) -> Option<&[u8]> {
    match tree {
        Tree::Pointer(Some(value)) => match value.as_ref() {
            Tree::Data(bytes, _) => Some(bytes),
            _ => None,
        },
        _ => None,
    }
}

/// The size of an event must not differ between writer and reader.
const _: () = assert!(EVENT_SIZE == 28);
