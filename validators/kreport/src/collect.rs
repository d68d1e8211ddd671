//! Groups the reports of a log while it is read. Of reports that have been seen before, only their place is kept. What is kept
//! has a limit; reports beyond it are counted.

use crate::group::{self, Group, Occurrence};
use crate::log::Log;
use crate::model::Report;
use crate::parse::header::Header;
use crate::parse::line::{self, LineClass};
use crate::parse::prefix::Context;
use crate::parse::split::{Claimed, Piece};
use crate::parse::user;
use std::collections::HashMap;
use std::ops::Range;

/// Groups are looked through for those that nothing can follow any more after this number of reports.
const SWEEP: usize = 256;
/// Maximum number of places that are kept of one group. All are counted.
const MAX_OCCURRENCES: usize = 10_000;
/// Maximum number of places that are kept of all groups: 50 MB.
const MAX_ALL_OCCURRENCES: usize = 500_000;
/// Maximum number of bytes of reports that are kept. A log has some hundred different reports of 5 KB. To print them
/// takes five times as much memory.
const MAX_KEPT: usize = 32 << 20;
/// Maximum number of bytes of incomplete reports that are kept. They are never merged, so a log of nothing but headings
/// would be kept as a whole.
const MAX_KEPT_INCOMPLETE: usize = 8 << 20;
/// Maximum number of bytes of the groups that further reports may belong to. Beyond it the older half is closed.
const MAX_PENDING: usize = 16 << 20;
/// Maximum number of bytes of a group that further reports may belong to. A mistake has a few consequences.
const MAX_GROUP: usize = 4 << 20;
/// Number of bytes that a report counts beside its text and the numbers of its lines.
const OVERHEAD: usize = 512;

/// The lines of a report, without the log that they come from.
#[derive(Clone, Debug)]
struct Kept {
    text: String,
    /// The number of each line, and whether it was taken for a line that only reports have.
    lines: Vec<(usize, bool)>,
    context: Context,
    time_us: Option<u64>,
    header: Header,
    header_line: usize,
    header_at: usize,
}

impl Kept {
    fn new(report: &Report<'_>) -> Self {
        let length = report.lines.iter().map(|line| line.text.len() + 1).sum();
        let mut text = String::with_capacity(length);
        for line in &report.lines {
            text.push_str(line.text);
            text.push('\n');
        }
        Self {
            text,
            lines: report
                .lines
                .iter()
                .map(|line| (line.number, line.class == LineClass::Known))
                .collect(),
            context: report.context,
            time_us: report.time_us,
            header: report.header.0,
            header_line: report.header.1,
            header_at: report.header.2,
        }
    }

    /// Returns the number of bytes that the report counts.
    fn size(&self) -> usize {
        self.text.len() + self.lines.len() * size_of::<(usize, bool)>() + OVERHEAD
    }

    /// Reads the report again.
    fn report(&self) -> Report<'_> {
        let mut lines: Vec<Claimed<'_>> = Vec::with_capacity(self.lines.len());
        for (text, &(number, known)) in self.text.split('\n').zip(&self.lines) {
            let class = match known {
                true => LineClass::Known,
                false if self.header.is_of_program() => user::classify(self.header, text),
                false => line::classify(text),
            };
            if let LineClass::Place(file, at) = class
                && let Some(Claimed { class: LineClass::Frame(frame), .. }) = lines.last_mut()
            {
                (frame.file, frame.line) = (Some(file), at);
            }
            lines.push(Claimed { start: 0, number, text, class });
        }
        Report::new(Piece {
            context: self.context,
            time_us: self.time_us,
            header: self.header,
            header_line: self.header_line,
            header_at: self.header_at,
            lines,
        })
    }
}

/// What tells a repetition of a report.
#[derive(Debug)]
struct Name {
    title: String,
    headline: String,
}

impl Name {
    fn new(report: &Report<'_>) -> Self {
        Self { title: report.title.clone(), headline: report.headline.to_owned() }
    }

    fn is_of(&self, report: &Report<'_>) -> bool {
        self.title == report.title && self.headline == report.headline
    }
}

/// A group that further reports may belong to.
#[derive(Debug)]
struct Pending {
    members: Vec<Kept>,
    /// The number of bytes that the members count.
    size: usize,
    /// The signature of each member, and whether it lacks lines.
    signatures: Vec<(u64, bool)>,
    names: Vec<Name>,
    occurrence: Occurrence,
    /// Whether nothing can follow from the cause, and its entry: reading it again takes as long as the first time.
    alone: bool,
    entry: Option<u64>,
    /// The time and the last line of the last member.
    last: (Option<u64>, usize),
}

/// A group whose reports are kept.
#[derive(Debug)]
struct Done {
    members: Vec<Kept>,
    occurrence: Occurrence,
    again: Vec<Occurrence>,
    count: usize,
}

type Owner = (Option<(String, u32)>, Option<Context>);

/// Groups reports while a log is read.
#[derive(Debug, Default)]
pub struct Collector {
    pending: HashMap<Owner, Pending>,
    latest_of_context: HashMap<Context, Owner>,
    done: Vec<Done>,
    seen: HashMap<Vec<u64>, usize>,
    /// The bytes of the groups in `pending`, of the incomplete groups in `done`, and of the others.
    pending_size: usize,
    incomplete_size: usize,
    done_size: usize,
    occurrences: usize,
    /// The number of reports that there was no room for.
    dropped: usize,
    reports: usize,
    in_reports: usize,
    claimed: Vec<Range<usize>>,
}

impl Collector {
    /// Takes the next report.
    pub fn push(&mut self, report: &Report<'_>) {
        self.reports += 1;
        self.in_reports += report.lines.len();
        self.claim(report);
        let owner: Owner = match &report.task {
            Some(task) => (Some((task.comm.to_owned(), task.pid)), None),
            None => (None, Some(report.context)),
        };
        let alone = group::stands_alone(report);
        let entry = if alone { None } else { group::entry_key(report) };
        let follows = !alone && self.follows(&owner, report, entry);
        let open = follows.then(|| owner.clone()).or_else(|| self.panics(report));
        let last = (report.time_us, report.line_range().1);
        let signature = (report.signature(), report.corrupted);
        let kept = Kept::new(report);
        let size = kept.size();
        self.pending_size += size;
        if let Some(group) = open.and_then(|owner| self.pending.get_mut(&owner)) {
            group.members.push(kept);
            group.size += size;
            group.signatures.push(signature);
            group.names.push(Name::new(report));
            group.last = last;
            return;
        }
        let pending = Pending {
            members: vec![kept],
            size,
            signatures: vec![signature],
            // Nothing joins a report that stands alone.
            names: if alone { Vec::new() } else { vec![Name::new(report)] },
            occurrence: Occurrence::new(report),
            alone,
            entry,
            last,
        };
        self.latest_of_context.insert(report.context, owner.clone());
        if let Some(before) = self.pending.insert(owner, pending) {
            self.close(before);
        }
        if self.reports.is_multiple_of(SWEEP) {
            self.sweep(report);
        }
        if self.pending_size > MAX_PENDING {
            self.make_room();
        }
    }

    /// Returns whether a report follows from the group of its owner, as `group::follows` decides. The members are read
    /// again only where what was kept of them is not enough.
    fn follows(&self, owner: &Owner, report: &Report<'_>, entry: Option<u64>) -> bool {
        let Some(group) = self.pending.get(owner) else { return false };
        if group.alone || group.size > MAX_GROUP {
            return false;
        }
        if !group::is_near(group.last, (report.time_us, report.line_range().0)) {
            return false;
        }
        if let (Some(one), Some(two)) = (group.entry, entry)
            && one != two
        {
            return false;
        }
        if group.names.iter().any(|name| name.is_of(report)) {
            return false;
        }
        if group.entry.is_some() && entry.is_some() {
            return true;
        }
        let members: Vec<_> = group.members.iter().map(Kept::report).collect();
        group::follows(&members.iter().collect::<Vec<_>>(), report)
    }

    /// Returns the owner of the group whose last report led to this panic.
    fn panics(&self, report: &Report<'_>) -> Option<Owner> {
        if !group::is_consequence(report) {
            return None;
        }
        let owner = self.latest_of_context.get(&report.context)?;
        let last = self.pending.get(owner)?.members.last()?.report();
        group::is_panic_of(&last, report).then(|| owner.clone())
    }

    /// Closes the groups that are too far back for anything to follow.
    fn sweep(&mut self, report: &Report<'_>) {
        let now = (report.time_us, report.line_range().0);
        let over = self.by_end(|group| !group::is_near(group.last, now) && now.1 > group.last.1);
        self.close_all(over);
    }

    /// Closes the half of the groups that is further back.
    fn make_room(&mut self) {
        let mut over = self.by_end(|_| true);
        over.truncate(over.len().div_ceil(2));
        self.close_all(over);
    }

    /// Returns the last line and the owner of each pending group that is chosen, in the order of the lines.
    fn by_end(&self, is_chosen: impl Fn(&Pending) -> bool) -> Vec<(usize, Owner)> {
        let chosen = self.pending.iter().filter(|(_, group)| is_chosen(group));
        let mut ends: Vec<_> = chosen.map(|(owner, group)| (group.last.1, owner.clone())).collect();
        ends.sort_unstable_by_key(|(line, _)| *line);
        ends
    }

    fn close_all(&mut self, owners: Vec<(usize, Owner)>) {
        for (_, owner) in owners {
            if let Some(group) = self.pending.remove(&owner) {
                self.close(group);
            }
        }
        self.latest_of_context.retain(|_, owner| self.pending.contains_key(owner));
    }

    fn close(&mut self, group: Pending) {
        self.pending_size -= group.size;
        let signature: Vec<u64> =
            group.signatures.iter().map(|(signature, _)| *signature).collect();
        // Without its stack a report may be any other one of its kind.
        let certain = !group.signatures.iter().any(|(_, corrupted)| *corrupted);
        if certain && let Some(&first) = self.seen.get(&signature) {
            let done = &mut self.done[first];
            done.count += 1;
            let mut occurrence = group.occurrence;
            // Groups do not end in the order in which they begin.
            if occurrence.line < done.occurrence.line {
                std::mem::swap(&mut done.occurrence, &mut occurrence);
                let before: usize = done.members.iter().map(Kept::size).sum();
                self.done_size = self.done_size - before + group.size;
                done.members = group.members;
            }
            if done.again.len() < MAX_OCCURRENCES && self.occurrences < MAX_ALL_OCCURRENCES {
                self.occurrences += 1;
                done.again.push(occurrence);
            }
            return;
        }
        let (size, most) = match certain {
            true => (&mut self.done_size, MAX_KEPT),
            false => (&mut self.incomplete_size, MAX_KEPT_INCOMPLETE),
        };
        if *size + group.size > most {
            self.dropped += group.members.len();
            return;
        }
        *size += group.size;
        if certain {
            self.seen.insert(signature, self.done.len());
        }
        let Pending { members, occurrence, .. } = group;
        self.done.push(Done { members, occurrence, again: Vec::new(), count: 1 });
    }

    fn claim(&mut self, report: &Report<'_>) {
        for line in &report.lines {
            match self.claimed.last_mut() {
                Some(range) if range.end == line.number => range.end += 1,
                _ => self.claimed.push(line.number..line.number + 1),
            }
        }
    }

    /// Ends all groups.
    pub fn finish(&mut self) {
        let mut rest: Vec<_> = self.pending.drain().map(|(_, group)| group).collect();
        rest.sort_by_key(|group| group.occurrence.line);
        rest.into_iter().for_each(|group| self.close(group));
        self.done.sort_by_key(|group| group.occurrence.line);
        self.seen.clear();
    }

    /// Returns the log with the reports that were kept. `lines` is the number of lines that were read.
    #[must_use]
    pub fn log(&self, lines: usize) -> Log<'_> {
        let mut reports = Vec::new();
        let mut groups = Vec::new();
        for done in &self.done {
            let cause = reports.len();
            reports.extend(done.members.iter().map(Kept::report));
            let consequences = (cause + 1..reports.len()).collect();
            let mut again = done.again.clone();
            again.sort_by_key(|occurrence| occurrence.line);
            groups.push(Group {
                cause,
                consequences,
                repeats: Vec::new(),
                again,
                unlisted: done.count - 1 - done.again.len(),
            });
        }
        let mut claimed = self.claimed.clone();
        claimed.sort_unstable_by_key(|range| range.start);
        let outside = crate::log::gaps(claimed, lines);
        let (total, in_reports, dropped) = (self.reports, self.in_reports, self.dropped);
        Log { reports, groups, lines, outside, total, in_reports, dropped }
    }
}
