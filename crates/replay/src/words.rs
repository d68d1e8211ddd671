//! Records in words, for people.

use crate::step::Action;
use aseqd_describe::{Caller, find, text};
use aseqd_engine::{Access, Node};

/// Length at which a description is cut, in characters.
const LONGEST: usize = 300;

/// Returns a record in one line.
#[must_use]
pub fn action(action: &Action, ump: bool) -> String {
    let mut words = match action {
        Action::Open { node, access, .. } => {
            format!("open {} for {}", path(*node), access_words(*access))
        }
        Action::OpenKernel { name, .. } => format!("open a client of kernel type: {name:?}"),
        Action::Ioctl { file, request, compat, arg } => {
            let caller = if *compat { Caller::Narrow } else { Caller::Wide };
            let words = match find(*request, caller) {
                Some(known) => text::request(known, arg),
                None => format!("ioctl {request:#010x}"),
            };
            format!("file {}: {words}", file.0)
        }
        Action::Read { file, len, nonblock } => {
            format!("file {}: read at most {len} bytes{}", file.0, waits(*nonblock))
        }
        Action::Write { file, data, nonblock } => {
            let events = text::events(data, ump);
            format!("file {}: write{} {events}", file.0, waits(*nonblock))
        }
        Action::Poll { file } => format!("file {}: poll", file.0),
        Action::Thread { file, thread } => format!("file {}: thread {thread} comes next", file.0),
        Action::BecomeUserTimer { file, resolution } => {
            format!("file {}: becomes a user-driven timer of {resolution} ns", file.0)
        }
        Action::Close { file } => format!("file {}: close", file.0),
        Action::Timeout => "time passes".to_owned(),
    };
    if let Some((end, _)) = words.char_indices().nth(LONGEST) {
        words.truncate(end);
        words.push_str("...");
    }
    plain(words.trim_end())
}

const fn waits(nonblock: bool) -> &'static str {
    if nonblock { " without waiting" } else { "" }
}

/// Returns the device file of a kind.
#[must_use]
pub const fn path(node: Node) -> &'static str {
    match node {
        Node::Sequencer => "/dev/snd/seq",
        Node::Timer => "/dev/snd/timer",
        Node::Control => "/dev/snd/controlC0",
    }
}

const fn access_words(access: Access) -> &'static str {
    match access {
        Access::Read => "reading",
        Access::Write => "writing",
        Access::ReadWrite => "reading and writing",
    }
}

/// Returns a text that can stand in a comment of a program: one line, without what would end the comment.
pub(crate) fn plain(text: &str) -> String {
    let text: String =
        text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    text.replace("*/", "* /").replace('\\', "/")
}

/// Returns bytes as decimal numbers with commas between them.
pub(crate) fn list(bytes: &[u8]) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}
