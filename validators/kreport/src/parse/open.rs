//! A report that is being read: which lines it takes, and when it ends.

use super::header::Header;
use super::learn::Learned;
use super::line::{self, LineClass};
use super::piece::{Claimed, Piece};
use super::user;

/// Maximum number of unknown lines before the first stack of a report of the kernel.
const MAX_UNKNOWN_BEFORE_STACK: usize = 30;
/// Maximum number of unknown lines in a row after the first stack of a report.
const MAX_UNKNOWN: usize = 16;
/// Maximum number of unknown lines in a row in a report of a program.
const MAX_UNKNOWN_OF_PROGRAM: usize = 8;
/// Maximum number of lines between the kernel's own end of a report and what follows from it.
const MAX_UNKNOWN_AFTER_END: usize = 4;
/// Maximum number of lines of a report. The report ends there.
const MAX_LINES: usize = 20_000;
/// The line that begins a warning or a `BUG_ON`.
pub(super) const CUT_HERE: &str = "------------[ cut here ]";

/// A report that is being read.
pub(super) struct Open<'a> {
    pub(super) piece: Piece<'a>,
    pub(super) waiting: Vec<Claimed<'a>>,
    /// Whether a stack has begun.
    pub(super) has_stack: bool,
    /// Whether the kernel wrote the end of the report.
    pub(super) has_end: bool,
    /// The rule above the header; the same rule closes the report.
    pub(super) rule: Option<usize>,
    /// Whether stacks of other processors belong to the report.
    pub(super) takes_processors: bool,
    pub(super) last_seen: usize,
    /// The prefixes that the lines may have, as far as the header shows them.
    pub(super) candidates: Vec<Learned>,
}

impl<'a> Open<'a> {
    /// Returns what a line is within this report.
    pub(super) fn classify(&self, text: &'a str) -> LineClass<'a> {
        if self.piece.header.is_of_program() {
            user::classify(self.piece.header, text)
        } else {
            line::classify(text)
        }
    }

    /// Takes a line or lets it wait. Returns `false` if the report has ended before the line.
    pub(super) fn handle(&mut self, line: Claimed<'a>) -> bool {
        if self.piece.header == Header::RustPanic && !self.has_stack {
            // Its message is the next line, and the stack follows in a `BUG_ON`.
            self.adopt(line);
            self.has_stack |= line.class == LineClass::Start;
            return self.piece.lines.len() < MAX_UNKNOWN_BEFORE_STACK;
        }
        if line.text.starts_with(CUT_HERE) || self.piece.lines.len() >= MAX_LINES {
            return false;
        }
        if self.piece.header == Header::Panicked
            && self.piece.lines.len() == self.piece.header_line + 1
        {
            // The message of the panic. Until Rust 1.73 it stood in the line of the header.
            self.adopt(line);
            return true;
        }
        match line.class {
            LineClass::Rule(b'=', length) if Some(length) == self.rule => {
                self.adopt(line);
                // Some reports have a rule in their middle. Only the next header tells the two apart.
                self.has_end = true;
                self.rule = None;
                true
            }
            // The rule begins the next report.
            LineClass::Rule(b'=', _) => self.wait(line),
            LineClass::Start | LineClass::Frame(_) if self.has_end && !self.takes_after_end() => {
                false
            }
            LineClass::Start | LineClass::Frame(_) | LineClass::Pointer(_) => {
                self.has_stack = true;
                self.adopt(line);
                true
            }
            LineClass::End => {
                self.adopt(line);
                self.has_end = true;
                true
            }
            LineClass::Place(file, number) => {
                if let Some(Claimed { class: LineClass::Frame(frame), .. }) =
                    self.piece.lines.last_mut()
                {
                    (frame.file, frame.line) = (Some(file), number);
                }
                self.adopt(line);
                true
            }
            LineClass::Mark | LineClass::Known | LineClass::Rule(..) => {
                if matches!(line.class, LineClass::Rule(b'-', _)) {
                    // Reports about locks have one rule above and another below their title.
                    self.rule = None;
                }
                self.takes_processors |= line.text.trim_start().starts_with("Sending NMI from CPU");
                self.adopt(line);
                true
            }
            LineClass::Blank | LineClass::Other => self.wait(line),
        }
    }

    /// Returns whether stacks go on after the end: an oops's second dump, a stalled processor, all tasks.
    fn takes_after_end(&self) -> bool {
        self.takes_processors
    }

    fn wait(&mut self, line: Claimed<'a>) -> bool {
        self.waiting.push(line);
        let patience = match (self.has_end, self.has_stack) {
            (false, _) if self.piece.header.is_of_program() => MAX_UNKNOWN_OF_PROGRAM,
            (true, _) => MAX_UNKNOWN_AFTER_END,
            (false, true) => MAX_UNKNOWN,
            (false, false) => MAX_UNKNOWN_BEFORE_STACK,
        };
        self.waiting.len() <= patience
    }

    pub(super) fn adopt(&mut self, line: Claimed<'a>) {
        self.piece.lines.append(&mut self.waiting);
        self.piece.lines.push(line);
    }

    /// Returns whether a line that looks like a header continues this report.
    pub(super) fn may_continue(&self, header: Header, text: &str) -> bool {
        match header {
            // Each leaked object is a report, but the line above the first object has the word too.
            Header::Leak => {
                self.piece.header == Header::Bug
                    && self
                        .piece
                        .lines
                        .iter()
                        .all(|line| !line.text.contains("unreferenced object"))
            }
            Header::Netdevice => false,
            Header::LeakedHere | Header::Go => self.piece.header == header,
            Header::Panic => self.piece.header != Header::Panic,
            Header::Oops => !text.contains("BUG:") && self.piece.header != Header::Oops,
            _ => true,
        }
    }
}
