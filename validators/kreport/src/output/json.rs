//! JSON, for programs. The names of fields are stable; later versions may add fields.

/// The crate whose error [`json`] returns.
pub use serde_json;

use super::{Locate, place};
use crate::known::Known;
use crate::log::Log;
use crate::model::{Access, Guilty, Lock, Report, Task};
use crate::parse::frame::Frame;
use serde::Serialize;

#[derive(Serialize)]
struct Document<'r, 'a> {
    groups: Vec<GroupOut<'r, 'a>>,
    reports: usize,
    /// How many of these are in no group, because there was no room for more.
    dropped: usize,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    total: usize,
    in_reports: usize,
    outside: usize,
    /// Ranges of lines that belong to no report: first and last, counted from 1.
    outside_ranges: Vec<(usize, usize)>,
}

#[derive(Serialize)]
struct GroupOut<'r, 'a> {
    count: usize,
    /// Whether `--known` lists all reports of the group.
    known: bool,
    /// The first lines of the repetitions.
    repeated_at: Vec<usize>,
    cause: ReportOut<'r, 'a>,
    consequences: Vec<ReportOut<'r, 'a>>,
}

#[derive(Serialize)]
struct ReportOut<'r, 'a> {
    title: &'r str,
    kind: &'static str,
    /// The same for all reports of a defect.
    signature: String,
    headline: &'a str,
    message: Option<&'a str>,
    function: Option<&'a str>,
    guilty: Option<GuiltyOut<'r, 'a>>,
    alternative_titles: &'r [String],
    task: Option<&'r Task<'a>>,
    cpu: Option<u32>,
    work: Option<&'a str>,
    context: Option<String>,
    time: Option<f64>,
    incomplete: bool,
    panic: Option<&'a str>,
    traces: Vec<TraceOut<'r, 'a>>,
    locks: &'r [Lock<'a>],
    accesses: &'r [Access<'a>],
    value_changed: Option<&'a str>,
    /// The first and last line, counted from 1. Lines of other reports may lie between.
    lines: (usize, usize),
    line_count: usize,
    text: String,
}

#[derive(Serialize)]
struct GuiltyOut<'r, 'a> {
    function: &'a str,
    at: Option<String>,
    file: Option<&'a str>,
    line: Option<u32>,
    module: Option<&'a str>,
    through: &'r [&'a str],
}

#[derive(Serialize)]
struct TraceOut<'r, 'a> {
    label: &'a str,
    frames: Vec<FrameOut<'r, 'a>>,
}

#[derive(Serialize)]
struct FrameOut<'r, 'a> {
    function: &'a str,
    at: Option<String>,
    /// The functions that debug information says were inlined here, innermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inlined: Vec<(String, String)>,
    #[serde(flatten)]
    frame: &'r Frame<'a>,
}

/// Prints the whole log as one JSON object.
pub fn json(log: &Log<'_>, symbols: &dyn Locate, known: &Known) -> serde_json::Result<String> {
    let report = |index: &usize| report(&log.reports[*index], symbols);
    let groups = log.groups.iter().map(|group| GroupOut {
        count: group.count(),
        repeated_at: (group.repeats.iter().map(|&index| log.reports[index].line_range().0))
            .chain(group.again.iter().map(|again| again.line))
            .collect(),
        known: group.members().all(|index| known.reason(&log.reports[index]).is_some()),
        cause: report(&group.cause),
        consequences: group.consequences.iter().map(report).collect(),
    });
    let lines = Lines {
        total: log.lines,
        in_reports: log.lines_in_reports(),
        outside: log.lines_outside(),
        outside_ranges: log.outside.iter().map(|range| (range.start + 1, range.end)).collect(),
    };
    let (reports, dropped) = (log.total, log.dropped);
    serde_json::to_string_pretty(&Document { groups: groups.collect(), reports, dropped, lines })
}

fn report<'r, 'a>(report: &'r Report<'a>, symbols: &dyn Locate) -> ReportOut<'r, 'a> {
    let traces = report.traces.iter().map(|trace| TraceOut {
        label: trace.label,
        frames: trace.frames.iter().map(|frame| shown(frame, symbols)).collect(),
    });
    ReportOut {
        title: &report.title,
        kind: report.kind.name(),
        signature: format!("{:016x}", report.signature()),
        headline: report.headline,
        message: report.message,
        function: report.function,
        guilty: report.guilty.as_ref().map(|guilty| blamed(guilty, symbols)),
        alternative_titles: &report.alternatives,
        task: report.task.as_ref(),
        cpu: report.cpu,
        work: report.work,
        context: report.context.words(),
        time: report.time_us.map(in_seconds),
        incomplete: report.corrupted,
        panic: report.panic,
        traces: traces.collect(),
        locks: &report.locks,
        accesses: &report.accesses,
        value_changed: report.change,
        lines: report.line_range(),
        line_count: report.lines.len(),
        text: report.text(),
    }
}

fn shown<'r, 'a>(frame: &'r Frame<'a>, symbols: &dyn Locate) -> FrameOut<'r, 'a> {
    FrameOut {
        function: frame.function(),
        at: place(frame, symbols),
        inlined: symbols.inlined(frame),
        frame,
    }
}

fn blamed<'r, 'a>(guilty: &'r Guilty<'a>, symbols: &dyn Locate) -> GuiltyOut<'r, 'a> {
    GuiltyOut {
        function: guilty.function,
        at: place(&guilty.frame, symbols),
        file: guilty.file,
        line: guilty.line,
        module: guilty.frame.module,
        through: &guilty.through,
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of uptime are far below 2^53")]
fn in_seconds(time_us: u64) -> f64 {
    time_us as f64 / 1e6
}
