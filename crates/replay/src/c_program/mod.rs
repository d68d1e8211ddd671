//! Writes a recording as a C program, which makes the recorded calls on any sequencer and compares the answers. It needs
//! nothing but a C library.

use crate::comparable;
use crate::places::{self, Kind};
use crate::replayer::Played;
use crate::script::{Binder, Item, Opening};
use crate::step::{Action, Step};
use crate::words;
use aseqd_engine::{Access, Engine, Reply, Time};
use aseqd_recording::Header;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

/// What the table of steps consists of.
const TYPES: &str = r"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Where the number of a client ('c') or queue ('q') stands, or bytes that cannot be compared ('i'). */
struct place { unsigned short at, size; char kind; };

enum kind { OPEN, IOCTL, READ, WRITE, POLL, CLOSE, SKIP };

struct step {
    unsigned long record;
    unsigned long long at;      /* nanoseconds since the first record */
    enum kind kind;
    int file, opens;            /* by the order of the openings; -1 for none */
    int client, queue;          /* the number of what it makes, as recorded; -1 for none */
    long want;                  /* what the call returned */
    int error;                  /* the number of its error, or 0 */
    const char *path;
    int flags;
    unsigned int request;
    const struct place *places;
    const unsigned char *in, *out;
    size_t in_len, out_len, len;
    int client_file, ump;
    const char *words;
};
";

/// Writes a C program, a record after the other.
#[derive(Debug)]
pub struct CProgram<W> {
    out: W,
    /// The table, which comes after the bytes that it points to.
    steps: String,
    binder: Binder,
    began: Option<Time>,
    files: usize,
    /// The lists of places that are written already, by request.
    requests: BTreeMap<u32, String>,
}

impl<W: Write> CProgram<W> {
    /// Begins a program for a recording that begins with this engine.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn new(mut out: W, header: &Header, start: Engine) -> io::Result<Self> {
        let version = words::plain(&header.version);
        writeln!(
            out,
            "/* A recording of aseqd {version}, made into a program by `aseqd replay --to-c`.\n *\n \
             * It makes the recorded calls on /dev/snd/seq and /dev/snd/timer, prints each answer that is not the\n \
             * recorded one, and ends with status 1 if there is any.\n *\n \
             *     cc -o replay replay.c && ./replay\n */"
        )?;
        out.write_all(TYPES.trim_start().as_bytes())?;
        writeln!(out, "\nstatic const struct place no_places[] = {{{{0, 0, 0}}}};")?;
        Ok(Self {
            out,
            steps: String::new(),
            binder: Binder::new(start),
            began: None,
            files: 1,
            requests: BTreeMap::new(),
        })
    }

    /// Adds a record and what it was answered.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn push(&mut self, played: &Played<'_>) -> io::Result<()> {
        let Played { at, action, .. } = *played;
        let item = self.binder.bind(Step { at, action: action.clone() });
        let began = *self.began.get_or_insert(at);
        if matches!(action, Action::Timeout | Action::Thread { .. }) {
            return Ok(());
        }
        let file = item.target.map_or(-1, |Opening(opening)| signed(opening));
        let opens = item.opens.map_or(-1, |Opening(opening)| signed(opening));
        self.files = self.files.max(usize::try_from(opens + 1).unwrap_or(0));
        let made = |kind| match item.makes {
            Some((made, number)) if made == kind => i64::from(number),
            _ => -1,
        };
        let (want, error) = match played.reply {
            Reply::Done(value) | Reply::More(value) => (value, 0),
            // The program's files do not wait.
            Reply::Wait(0) => (0, aseqd_abi::Errno::EAGAIN.0),
            Reply::Wait(value) => (value, 0),
            Reply::Failed(error) => (0, error.errno.0),
        };
        let mut line = format!(
            "    {{.record = {}, .at = {}, .file = {file}, .opens = {opens}, .client = {}, .queue = {}, .want = {want}, .error = {error}, .places = ",
            played.record,
            at - began,
            made(Kind::Client),
            made(Kind::Queue),
        );
        self.details(&mut line, played, &item)?;
        let words = words::action(action, item.ump).replace('"', "'");
        let _infallible = writeln!(line, ", .words = \"{}\"}},", ascii(&words));
        self.steps.push_str(&line);
        Ok(())
    }

    /// Appends the fields that depend on the kind of call.
    fn details(&mut self, line: &mut String, played: &Played<'_>, item: &Item) -> io::Result<()> {
        let Played { record, action, reply, out, .. } = *played;
        let known = item.target.is_some();
        let _infallible = match action {
            Action::Open { node, access, .. } => {
                let flags = match access {
                    Access::Read => "O_RDONLY",
                    Access::Write => "O_WRONLY",
                    Access::ReadWrite => "O_RDWR",
                };
                let path = words::path(*node);
                write!(line, "no_places, .kind = OPEN, .path = \"{path}\", .flags = {flags}")
            }
            Action::Ioctl { request, compat: false, arg, .. } if known => {
                let places = self.places(*request)?;
                let out = comparable::copied_back(*request, out);
                self.bytes(&format!("in_{record}"), arg)?;
                self.bytes(&format!("out_{record}"), out)?;
                write!(
                    line,
                    "{places}, .kind = IOCTL, .request = {request:#010x}, .in = in_{record}, .in_len = {}, .out = out_{record}, .out_len = {}",
                    arg.len(),
                    out.len()
                )
            }
            Action::Read { len, .. } if known => {
                self.bytes(&format!("out_{record}"), out)?;
                let client = u8::from(played.client.is_some());
                write!(
                    line,
                    "no_places, .kind = READ, .len = {len}, .out = out_{record}, .out_len = {}, .client_file = {client}, .ump = {}",
                    out.len(),
                    u8::from(item.ump)
                )
            }
            Action::Write { data, .. } if known => {
                // The rest of a write that sleeps or goes on is a record of its own.
                let data = match reply {
                    Reply::More(taken) | Reply::Wait(taken @ 1..) => &data[..taken],
                    _ => data,
                };
                self.bytes(&format!("in_{record}"), data)?;
                write!(
                    line,
                    "no_places, .kind = WRITE, .in = in_{record}, .in_len = {}, .ump = {}",
                    data.len(),
                    u8::from(item.ump)
                )
            }
            Action::Poll { .. } if known => write!(line, "no_places, .kind = POLL"),
            Action::Close { .. } if known => write!(line, "no_places, .kind = CLOSE"),
            // No program makes these.
            _ => write!(line, "no_places, .kind = SKIP"),
        };
        Ok(())
    }

    /// Returns the name of the places of a request, and writes them if they are new.
    fn places(&mut self, request: u32) -> io::Result<String> {
        if let Some(name) = self.requests.get(&request) {
            return Ok(name.clone());
        }
        let mut list = String::new();
        for place in places::of_request(request, false) {
            let kind = if place.kind == Kind::Client { 'c' } else { 'q' };
            let _infallible = write!(list, "{{{}, {}, '{kind}'}}, ", place.at, place.size);
        }
        for range in comparable::ignored(request, false) {
            let _infallible = write!(list, "{{{}, {}, 'i'}}, ", range.start, range.len());
        }
        let name = format!("places_{request:08x}");
        writeln!(self.out, "static const struct place {name}[] = {{{list}{{0, 0, 0}}}};")?;
        self.requests.insert(request, name.clone());
        Ok(name)
    }

    fn bytes(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        let (size, list) = (bytes.len().max(1), words::list(&bytes[..used]));
        let list = if list.is_empty() { "0" } else { &list };
        writeln!(self.out, "static const unsigned char {name}[{size}] = {{{list}}};")
    }

    /// Ends the program, and returns the output.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn finish(mut self) -> io::Result<W> {
        writeln!(self.out, "\nenum {{ FILES = {} }};\n", self.files)?;
        writeln!(
            self.out,
            "static const struct step steps[] = {{\n{}    {{.record = 0}}\n}};",
            self.steps
        )?;
        self.out.write_all(include_str!("runner.c").as_bytes())?;
        Ok(self.out)
    }
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns the text with `?` for what is not ASCII. Two `?` in a row would begin a trigraph.
fn ascii(text: &str) -> String {
    text.chars().map(|char| if char.is_ascii() && char != '?' { char } else { '.' }).collect()
}
