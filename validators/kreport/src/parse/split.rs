//! Cuts a log into reports: which line belongs to which.
//!
//! A search finds the words that reports begin with. Only from there on are lines looked at. One report of each
//! context (task, processor, console) can be open at a time. A line that need not belong to the report waits until
//! a line comes that must. So a report neither ends early nor takes the messages after it.

use super::header::{self, Header, SEARCH};
use super::line::{self, LineClass};
use super::prefix::{self, Context, Line};
use std::collections::HashMap;

/// Maximum number of unknown lines before the first stack of a report.
const MAX_UNKNOWN_BEFORE_STACK: usize = 30;
/// Maximum number of unknown lines in a row after the first stack of a report.
const MAX_UNKNOWN: usize = 8;
/// Maximum number of lines between the kernel's own end of a report and what follows from it.
const MAX_UNKNOWN_AFTER_END: usize = 4;
/// Maximum number of lines in a row, of other contexts, after which a report still goes on.
const MAX_SILENCE: usize = 1000;
/// The same after the kernel's own end of a report.
const MAX_SILENCE_AFTER_END: usize = 50;
/// Maximum number of lines before the header that may belong to the report.
const MAX_BEFORE_HEADER: usize = 8;
/// Maximum number of lines of other contexts between the header and the lines before it.
const MAX_FOREIGN_BEFORE_HEADER: usize = 32;
/// Maximum number of lines of a report. The rest is cut off.
const MAX_LINES: usize = 20_000;
/// The line that begins a warning or a `BUG_ON`.
const CUT_HERE: &str = "------------[ cut here ]";
/// Lines above the `cut here` line that belong to the report all the same.
const COMPLAINTS: [&str; 4] = ["list_add ", "list_del ", "usercopy: ", "list_add_tail "];

/// One line of a report.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Claimed<'a> {
    /// The offset of the line in the log, in bytes.
    pub start: usize,
    /// The number of the line, counted from 0.
    pub number: usize,
    /// The text without its prefix.
    pub text: &'a str,
    /// What the line is within the report.
    pub class: LineClass<'a>,
}

/// The lines of one report.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Piece<'a> {
    /// What printed the report.
    pub context: Context,
    /// The time of the header, in microseconds since the kernel started.
    pub time_us: Option<u64>,
    /// The word that the report begins with.
    pub header: Header,
    /// The index in [`lines`](Self::lines) of the line with the word.
    pub header_line: usize,
    /// The offset of the word in that line, in bytes.
    pub header_at: usize,
    /// The lines, in order.
    pub lines: Vec<Claimed<'a>>,
}

struct Open<'a> {
    piece: Piece<'a>,
    waiting: Vec<Claimed<'a>>,
    /// Whether a stack has begun.
    has_stack: bool,
    /// Whether the kernel wrote the end of the report.
    has_end: bool,
    /// The rule above the header; the same rule closes the report.
    rule: Option<usize>,
    /// Whether stacks of other processors belong to the report.
    takes_processors: bool,
    last_seen: usize,
}

/// Cuts a log into reports.
#[must_use]
pub fn split(log: &str) -> Vec<Piece<'_>> {
    let mut splitter = Splitter { log, open: Vec::new(), done: Vec::new(), taken: HashMap::new() };
    splitter.run();
    splitter.done
}

struct Splitter<'a> {
    log: &'a str,
    open: Vec<Open<'a>>,
    done: Vec<Piece<'a>>,
    /// The end of the last line that any report of a context has taken.
    taken: HashMap<Context, usize>,
}

impl<'a> Splitter<'a> {
    fn run(&mut self) {
        let bytes = self.log.as_bytes();
        let mut hit = SEARCH.find(bytes, 0);
        let (mut start, mut number) = (0, 0);
        while start < bytes.len() {
            if self.open.is_empty() {
                // No report is open: go to the next word.
                let Some(next) = hit else { break };
                if next > start {
                    let line = memchr::memrchr(b'\n', &bytes[start..next])
                        .map_or(start, |at| start + at + 1);
                    number += memchr::memchr_iter(b'\n', &bytes[start..line]).count();
                    start = line;
                }
            }
            let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
            let has_word = hit.is_some_and(|at| at < end);
            if has_word {
                hit = SEARCH.find(bytes, end);
            }
            self.handle_line(start, end, number, has_word);
            start = end + 1;
            number += 1;
        }
        while !self.open.is_empty() {
            self.close(0);
        }
        self.done.sort_by_key(|piece| piece.lines[piece.header_line].start);
    }

    fn handle_line(&mut self, start: usize, end: usize, number: usize, has_word: bool) {
        let line = prefix::strip(&self.log[start..end]);
        let index = self.open.iter().position(|open| open.piece.context == line.context);
        if has_word && let Some((header, at)) = header::detect(line.text) {
            self.handle_header(index, (header, at), line, start, number);
            return;
        }
        let index = index.or_else(|| {
            let processor = matches!(line.context, Context::Cpu(_));
            self.open.iter().position(|open| processor && open.takes_processors)
        });
        let Some(index) = index else {
            self.drop_silent(number);
            return;
        };
        let claimed = Claimed { start, number, text: line.text, class: line::classify(line.text) };
        let open = &mut self.open[index];
        open.last_seen = number;
        if !open.handle(claimed) {
            self.close(index);
        }
    }

    fn handle_header(
        &mut self,
        index: Option<usize>,
        (header, header_at): (Header, usize),
        line: Line<'a>,
        start: usize,
        number: usize,
    ) {
        let claimed = Claimed { start, number, text: line.text, class: LineClass::Known };
        if header == Header::Information {
            if let Some(index) = index {
                self.close(index);
            }
            return;
        }
        if let Some(index) = index {
            let open = &mut self.open[index];
            let repeated = open.waiting.is_empty()
                && open
                    .piece
                    .lines
                    .last()
                    .is_some_and(|last| header::repeats(last.text, line.text));
            if repeated {
                open.adopt(claimed);
                return;
            }
            // The line was cut off and is printed again.
            let last = open.piece.lines.get(open.piece.header_line).map_or("", |line| line.text);
            if !open.has_stack && last.len() < line.text.len() && line.text.starts_with(last) {
                open.adopt(claimed);
                open.piece.header_line = open.piece.lines.len() - 1;
                (open.piece.header, open.piece.header_at) = (header, header_at);
                return;
            }
            if open.piece.header == Header::RustPanic && header == Header::KernelBug {
                open.adopt(claimed);
                return;
            }
            if header::continues(header, line.text) && open.may_continue(header, line.text) {
                open.adopt(claimed);
                open.last_seen = number;
                return;
            }
            self.close(index);
        }
        let mut lines = self.look_back(line.context, start, number);
        let rule = lines.iter().rev().find_map(|line| match line.class {
            LineClass::Rule(b'=', length) => Some(length),
            _ => None,
        });
        let header_line = lines.len();
        lines.push(claimed);
        let piece = Piece {
            context: line.context,
            time_us: line.time_us,
            header,
            header_line,
            header_at,
            lines,
        };
        self.open.push(Open {
            piece,
            waiting: Vec::new(),
            has_stack: false,
            has_end: false,
            rule,
            takes_processors: false,
            last_seen: number,
        });
    }

    /// Returns the lines right before the header that belong to the report: rules, blank lines, and what stands
    /// between `cut here` and the header.
    fn look_back(&self, context: Context, start: usize, number: usize) -> Vec<Claimed<'a>> {
        let taken = self.taken.get(&context).copied().unwrap_or(0);
        let mut found: Vec<Claimed<'a>> = Vec::new();
        let mut keep = 0;
        let (mut end, mut number) = (start, number);
        let mut only_rules = true;
        let mut has_cut = false;
        let mut foreign = 0;
        while end > taken && found.len() < MAX_BEFORE_HEADER && foreign < MAX_FOREIGN_BEFORE_HEADER
        {
            let head = &self.log.as_bytes()[taken..end - 1];
            let begin = memchr::memrchr(b'\n', head).map_or(taken, |at| taken + at + 1);
            number -= 1;
            let line = prefix::strip(&self.log[begin..end - 1]);
            end = begin;
            if line.context != context {
                foreign += 1;
                continue;
            }
            let class = line::classify(line.text);
            found.push(Claimed { start: begin, number, text: line.text, class });
            if line.text.starts_with(CUT_HERE) {
                keep = found.len();
                has_cut = true;
                continue;
            }
            if has_cut {
                // Some checks print this before they warn.
                if COMPLAINTS.iter().any(|words| line.text.starts_with(words)) {
                    keep = found.len();
                }
                break;
            }
            let is_rule = matches!(class, LineClass::Rule(b'=', _));
            only_rules &= is_rule || class == LineClass::Blank;
            if is_rule && only_rules {
                keep = found.len();
            }
            // A blank line above the rule belongs to the report.
            if class == LineClass::Blank && only_rules && found.len() == keep + 1 && keep > 0 {
                keep = found.len();
                break;
            }
            if matches!(class, LineClass::End | LineClass::Frame(_)) {
                break;
            }
        }
        found.truncate(keep);
        found.reverse();
        found
    }

    fn close(&mut self, index: usize) {
        let open = self.open.swap_remove(index);
        let context = open.piece.context;
        // The end of the last line is before its newline.
        let end = open.piece.lines.last().map_or(0, |line| {
            let rest = &self.log.as_bytes()[line.start..];
            memchr::memchr(b'\n', rest).map_or(self.log.len(), |at| line.start + at + 1)
        });
        let taken = self.taken.entry(context).or_insert(0);
        *taken = end.max(*taken);
        self.done.push(open.piece);
    }

    fn drop_silent(&mut self, number: usize) {
        let is_over = |open: &Open<'_>| {
            let patience = if open.has_end { MAX_SILENCE_AFTER_END } else { MAX_SILENCE };
            number - open.last_seen > patience
        };
        while let Some(index) = self.open.iter().position(is_over) {
            self.close(index);
        }
    }
}

impl<'a> Open<'a> {
    /// Takes a line or lets it wait. Returns `false` if the report has ended before the line.
    fn handle(&mut self, line: Claimed<'a>) -> bool {
        if self.piece.header == Header::RustPanic && !self.has_stack {
            // Its message is the next line, and the stack follows in a `BUG_ON`.
            self.adopt(line);
            self.has_stack |= line.class == LineClass::Start;
            return self.piece.lines.len() < MAX_UNKNOWN_BEFORE_STACK;
        }
        if line.text.starts_with(CUT_HERE) {
            return false;
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
            (true, _) => MAX_UNKNOWN_AFTER_END,
            (false, true) => MAX_UNKNOWN,
            (false, false) => MAX_UNKNOWN_BEFORE_STACK,
        };
        self.waiting.len() <= patience
    }

    fn adopt(&mut self, line: Claimed<'a>) {
        if self.piece.lines.len() + self.waiting.len() < MAX_LINES {
            self.piece.lines.append(&mut self.waiting);
            self.piece.lines.push(line);
        }
    }

    /// Returns whether a line that looks like a header continues this report.
    fn may_continue(&self, header: Header, text: &str) -> bool {
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
            Header::Panic => self.piece.header != Header::Panic,
            Header::Oops => !text.contains("BUG:") && self.piece.header != Header::Oops,
            _ => true,
        }
    }
}
