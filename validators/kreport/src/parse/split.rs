//! Cuts a log into reports: which line belongs to which.
//!
//! A search finds the words that reports begin with. Only from there on are lines looked at. One report of each
//! context (task, processor, console, process) can be open at a time. A line that need not belong to the report waits
//! until a line comes that must. So a report neither ends early nor takes the messages after it.
//!
//! A log can be read in parts. The lines from the start of the oldest open report on are then read again together with
//! the next part; `Carry` says which of them have a report already.

use super::header::{self, Header, SEARCH};
use super::learn::{self, Learned, MAX_LEARNED};
use super::line::{self, LineClass};
use super::open::{CUT_HERE, Open};
pub use super::piece::{Claimed, Piece};
use super::prefix::{self, Context, Line};
use std::collections::{HashMap, HashSet};

/// Maximum number of lines in a row, of other contexts, after which a report still goes on.
const MAX_SILENCE: usize = 1000;
/// The same after the kernel's own end of a report.
const MAX_SILENCE_AFTER_END: usize = 50;
/// Maximum number of lines before the header that may belong to the report.
const MAX_BEFORE_HEADER: usize = 8;
/// Maximum number of lines of other contexts between the header and the lines before it.
const MAX_FOREIGN_BEFORE_HEADER: usize = 32;
/// Maximum number of lines before `Linux version` in which a message of another kernel is looked for.
const MAX_BEFORE_BOOT: usize = 60;
/// Maximum number of reports that are open at a time. Each needs a context of its own, and each line is compared with
/// all, so more would be slow. 4096 tasks do not fail at the same time.
const MAX_OPEN: usize = 256;
/// Lines above the `cut here` line that belong to the report all the same.
const COMPLAINTS: [&str; 4] = ["list_add ", "list_del ", "usercopy: ", "list_add_tail "];

/// Cuts a log into reports.
#[must_use]
pub fn split(log: &str) -> Vec<Piece<'_>> {
    Carry::default().split(log, true).0
}

/// What is known of a log from the parts that were read before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carry {
    /// The offset in the log at which the next part begins, in bytes.
    base: usize,
    /// The number of the line at which the next part begins.
    number: usize,
    /// The end of the last line that any report of a context has taken.
    taken: HashMap<Context, usize>,
    /// The end of the last line of a report that has taken lines of other processors.
    processors: usize,
    /// The lines of the next part that belong to reports.
    claimed: HashSet<usize>,
    /// Prefixes that no list has.
    learned: Vec<Learned>,
    /// The end of the last line that a report had taken when a prefix was learned. Lines before have another context
    /// now.
    floor: usize,
}

impl Carry {
    /// Cuts a part of a log into reports. Returns the reports that have ended, and how many bytes of the part are
    /// done with. The rest must stand at the start of the next part. The `last` part ends all reports.
    pub(crate) fn split<'a>(&mut self, part: &'a str, last: bool) -> (Vec<Piece<'a>>, usize) {
        let mut splitter = Splitter {
            log: part,
            carry: self,
            open: Vec::new(),
            done: Vec::new(),
            spare: Vec::new(),
        };
        splitter.run();
        let keep = if last { part.len() } else { splitter.keep() };
        if last {
            while !splitter.open.is_empty() {
                splitter.close(0);
            }
        }
        let mut done = splitter.done;
        done.sort_by_key(|piece| piece.lines[piece.header_line].start);
        self.base += keep;
        self.number += memchr::memchr_iter(b'\n', &part.as_bytes()[..keep]).count();
        if last && keep > 0 && !part.ends_with('\n') {
            self.number += 1;
        }
        let (base, number) = (self.base, self.number);
        self.taken.retain(|_, end| *end > base);
        self.claimed.retain(|&line| line >= number);
        let lines = done.iter().flat_map(|piece| &piece.lines).map(|line| line.number);
        self.claimed.extend(lines.filter(|&line| line >= number));
        (done, keep)
    }
}

struct Splitter<'c, 'a> {
    log: &'a str,
    carry: &'c mut Carry,
    open: Vec<Open<'a>>,
    done: Vec<Piece<'a>>,
    /// Empty lists of lines with room, for the next reports. How many lines a report has is known at its end, and each list
    /// that has to grow is copied.
    spare: Vec<Vec<Claimed<'a>>>,
}

impl<'a> Splitter<'_, 'a> {
    fn run(&mut self) {
        let bytes = self.log.as_bytes();
        let mut hit = SEARCH.find(bytes, 0);
        let (mut start, mut number) = (0, self.carry.number);
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
            if self.carry.claimed.is_empty() || !self.carry.claimed.contains(&number) {
                self.handle_line(start, end, number, has_word);
            }
            start = end + 1;
            number += 1;
        }
    }

    /// Returns the offset of the first line that must be read again with the next part.
    fn keep(&self) -> usize {
        let first = |open: &Open<'_>| {
            open.piece.lines.first().map_or(0, |line| line.start - self.carry.base)
        };
        let oldest = self.open.iter().map(first).min().unwrap_or(self.log.len());
        // The next header may have lines before it.
        let mut at = oldest;
        for _ in 0..MAX_BEFORE_HEADER + MAX_FOREIGN_BEFORE_HEADER {
            if at == 0 {
                return 0;
            }
            at = memchr::memrchr(b'\n', &self.log.as_bytes()[..at - 1]).map_or(0, |end| end + 1);
        }
        at
    }

    /// Takes the prefix off a line, also if it has none of the usual forms.
    fn strip(&self, line: &'a str) -> Line<'a> {
        let stripped = prefix::strip(line);
        if stripped.context != Context::Plain {
            return stripped;
        }
        let learned = self.carry.learned.iter().find_map(|learned| learned.strip(stripped.text));
        learned.map_or(stripped, behind)
    }

    fn handle_line(&mut self, start: usize, end: usize, number: usize, has_word: bool) {
        let mut line = self.strip(&self.log[start..end]);
        if has_word && let Some((header, at)) = detect(&line) {
            self.handle_header((header, at), line, start, number);
            return;
        }
        if line.context == Context::Plain
            && let Some(found) = self.learn(line.text, start)
        {
            line = found;
        }
        let index = self.open.iter().position(|open| open.piece.context == line.context);
        let index = index.or_else(|| {
            let processor = matches!(line.context, Context::Cpu(_));
            self.open.iter().position(|open| processor && open.takes_processors)
        });
        let Some(index) = index else {
            self.drop_silent(number);
            return;
        };
        let open = &mut self.open[index];
        let class = open.classify(line.text);
        let claimed = Claimed { start: self.carry.base + start, number, text: line.text, class };
        open.last_seen = number;
        if !open.handle(claimed) {
            self.close(index);
        }
    }

    /// Takes off the prefix that a header has shown, if the rest of the line is one of its report.
    fn learn(&mut self, line: &'a str, start: usize) -> Option<Line<'a>> {
        let mut open = self.open.iter_mut();
        let open =
            open.find(|open| open.piece.context == Context::Plain && !open.candidates.is_empty())?;
        // The message of a panic has no form of its own.
        let any = open.piece.header == Header::Panicked;
        let found = open.candidates.iter().position(|candidate| {
            candidate.strip(line).is_some_and(|found| {
                let class = open.classify(found.text);
                any || !matches!(class, LineClass::Other | LineClass::Blank)
            })
        });
        let learned = open.candidates.swap_remove(found?);
        open.candidates.clear();
        let stripped = behind(learned.strip(line)?);
        open.piece.context = stripped.context;
        self.remember(learned);
        // The lines before may be waiting in this report.
        self.carry.floor = self.carry.floor.max(self.carry.base + start);
        Some(stripped)
    }

    fn remember(&mut self, learned: Learned) {
        let ends = self.open.iter().filter_map(|open| self.end(open));
        let floor = ends.chain(self.carry.taken.values().copied()).max().unwrap_or(0);
        for open in self.open.iter_mut().filter(|open| open.piece.context == Context::Plain) {
            open.waiting.clear();
        }
        self.carry.floor = floor.max(self.carry.floor);
        let known = &mut self.carry.learned;
        if !known.contains(&learned) && known.len() < MAX_LEARNED {
            known.push(learned);
        }
    }

    fn handle_header(
        &mut self,
        (header, header_at): (Header, usize),
        mut line: Line<'a>,
        start: usize,
        number: usize,
    ) {
        let mut candidates = Vec::new();
        if line.context == Context::Plain && header_at > 0 {
            candidates = learn::candidates(&line.text[..header_at]);
            let context = candidates
                .iter()
                .find_map(|found| found.strip(line.text))
                .map(|found| found.context);
            if let Some(context) = context.filter(|&context| context != Context::Plain) {
                // A caller makes it certain that this is a prefix.
                line.context = context;
                self.remember(candidates.swap_remove(0));
            }
        }
        let claimed = Claimed {
            start: self.carry.base + start,
            number,
            text: line.text,
            class: LineClass::Known,
        };
        let index = self.open.iter().position(|open| open.piece.context == line.context);
        if header == Header::Information {
            if let Some(index) = index {
                self.close(index);
            }
            return;
        }
        if header == Header::Boot {
            let restarted = self.open.iter().any(|open| open.piece.header == Header::Boot);
            if restarted || !self.is_after_kernel(start) {
                return;
            }
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
        if self.open.len() >= MAX_OPEN {
            self.close(0);
        }
        let mut lines = self.spare.pop().unwrap_or_default();
        self.look_back(&mut lines, (line.context, header), &candidates, start, number);
        let rule = lines.iter().rev().find_map(|line| match line.class {
            LineClass::Rule(b'=', length) => Some(length),
            _ => None,
        });
        // They may wait in a report that takes the lines of other processors.
        for open in self.open.iter_mut().filter(|open| open.takes_processors) {
            open.waiting.retain(|old| lines.iter().all(|line| line.number != old.number));
        }
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
            candidates,
        });
    }

    /// Returns whether a kernel printed one of the lines before, so that another one starts now.
    fn is_after_kernel(&self, start: usize) -> bool {
        let before = self.log[..start].lines().rev().take(MAX_BEFORE_BOOT);
        before.map(prefix::strip).any(|line| line.time_us.is_some_and(|time| time > 1_000_000))
    }

    /// Finds the lines right before the header that belong to the report: rules, blank lines, and what stands between
    /// `cut here` and the header. `found` is empty before.
    fn look_back(
        &self,
        found: &mut Vec<Claimed<'a>>,
        (context, header): (Context, Header),
        candidates: &[Learned],
        start: usize,
        number: usize,
    ) {
        let mut taken = self.carry.taken.get(&context).copied().unwrap_or(0).max(self.carry.floor);
        if matches!(context, Context::Cpu(_)) {
            let takers = self.open.iter().filter(|open| open.takes_processors);
            let ends = takers.filter_map(|open| self.end(open)).chain([self.carry.processors]);
            taken = ends.max().unwrap_or(0).max(taken);
        }
        let taken = taken.saturating_sub(self.carry.base);
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
            let mut line = self.strip(&self.log[begin..end - 1]);
            if line.context == Context::Plain
                && let Some(learned) =
                    candidates.iter().find_map(|candidate| candidate.strip(line.text))
            {
                line.text = learned.text;
            }
            end = begin;
            if line.context != context || self.carry.claimed.contains(&number) {
                foreign += 1;
                continue;
            }
            let class = line::classify(line.text);
            found.push(Claimed { start: self.carry.base + begin, number, text: line.text, class });
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
            let is_rule = matches!(class, LineClass::Rule(b'=', _))
                || header == Header::LeakedHere && line.text.contains("ERROR: LeakSanitizer");
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
    }

    fn close(&mut self, index: usize) {
        let mut open = self.open.remove(index);
        let context = open.piece.context;
        let end = self.end(&open).unwrap_or(0);
        let taken = self.carry.taken.entry(context).or_insert(0);
        *taken = end.max(*taken);
        if open.takes_processors {
            self.carry.processors = end.max(self.carry.processors);
        }
        let lines = open.piece.lines.clone();
        let mut spare = std::mem::replace(&mut open.piece.lines, lines);
        spare.clear();
        self.spare.push(spare);
        self.done.push(open.piece);
    }

    /// Returns the end of a report's last line, behind its newline.
    fn end(&self, open: &Open<'_>) -> Option<usize> {
        let start = open.piece.lines.last()?.start;
        let rest = &self.log.as_bytes()[start - self.carry.base..];
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        Some(start + length)
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

/// Returns the word that makes a line the start of a report, and where in the line it is.
fn detect(line: &Line<'_>) -> Option<(Header, usize)> {
    if matches!(line.context, Context::Process(_)) && header::detect_valgrind(line.text) {
        return Some((Header::Valgrind, 0));
    }
    // A kernel's driver may print `x: fatal error: ` too.
    let by_program = matches!(line.context, Context::Plain | Context::Process(_));
    header::detect(line.text).filter(|&(header, at)| {
        header != Header::Go || by_program || line.text[..at].trim().is_empty()
    })
}

/// Takes off the kernel's own prefix behind one that was learned.
fn behind(line: Line<'_>) -> Line<'_> {
    let inner = prefix::strip(line.text);
    match (inner.context, line.context) {
        (Context::Plain, Context::Plain) => Line { context: Context::Console, ..line },
        (Context::Plain, _) => line,
        _ => inner,
    }
}
