//! Lateness of a periodic timer: how long after the end of each millisecond a program returns from a read of
//! `/dev/snd/timer`.

use super::device::now_ns;
use super::process::Process;
use super::program;
use super::row::{Line, Row, Side, Subject};
use super::setup::{Entrance, Setup};
use super::stats::{differences, percentiles};
use super::task::{Words, task, times};
use super::wake;
use aseqd_abi::Errno;
use aseqd_abi::timer::{
    CLASS_GLOBAL, GLOBAL_HRTIMER, ParamsFlags, TimerEvent, TimerId, TimerParams, TimerTread,
};
use aseqd_client::Error;
use aseqd_client::timer::{self, DEVICE};
use aseqd_host::error::{Context as _, Fail};
use serde_json::{Value, json};
use std::ffi::OsString;

/// Period of the timer in ns.
const PERIOD_NS: u64 = 1_000_000;
/// Most records in one read.
const RECORDS: usize = 32;

/// Returns one row under the ordinary scheduler, and one under SCHED_FIFO.
pub(super) fn rows(setup: &Setup) -> Vec<Row> {
    let row = |fifo: bool| {
        let policy = if fifo { ", SCHED_FIFO" } else { "" };
        let title = format!("timer of 1 ms, lateness{policy}");
        Row { family: "timer", title, subjects: subjects(setup, fifo) }
    };
    [false, true].map(row).into()
}

fn subjects(setup: &Setup, fifo: bool) -> Vec<Subject> {
    let count = if setup.quick { 50 } else { 500 };
    let mut subjects = Vec::new();
    for entrance in setup.main_entrances() {
        subjects.push(through(entrance, fifo, false, count));
        if entrance.door.has_server() {
            subjects.push(through(entrance, fifo, true, count));
        }
    }
    for (way, name) in [("nanosleep", "clock_nanosleep"), ("timerfd", "timerfd, periodic")] {
        subjects.push(Subject::new(Side::Limit, name, move || {
            let answer = program::run_alone(fifo, &task(&[&"timer", &way, &count]))?;
            let (due, woke) = (times(&answer, "due")?, times(&answer, "read")?);
            Ok(Line::only(percentiles(differences(&due, &woke))))
        }));
    }
    subjects
}

/// Returns the subject of a program that has an instance of the high-resolution timer.
fn through(entrance: &Entrance, fifo: bool, precise: bool, count: usize) -> Subject {
    // The kernel's door has the name of the sequencer.
    let name = if entrance.door.has_server() { entrance.door.name } else { DEVICE };
    let name = format!("{name}{}", if precise { " --precise" } else { "" });
    let mut options = Vec::new();
    options.extend(precise.then(|| OsString::from("--precise")));
    // Where it may, the server takes SCHED_FIFO by itself.
    options.extend((!fifo).then(|| OsString::from("--no-realtime")));
    entrance.subject(name, move |door| {
        let answer = door.run(&options, fifo, &task(&[&"timer", &"device", &count]))?;
        let (due, read) = (times(&answer, "due")?, times(&answer, "read")?);
        let mut figures = percentiles(differences(&due, &read));
        if let Some(cpu) = answer["server_cpu_ns"].as_f64() {
            figures.push(("server_cpu_us_per_tick".to_owned(), cpu / 1000.0 / due.len() as f64));
            let policy = if answer["server_fifo"].as_bool() == Some(true) { 1.0 } else { 0.0 };
            figures.push(("server_is_fifo".to_owned(), policy));
        }
        let (due, stamp) = (times(&answer, "stamp_due")?, times(&answer, "stamp")?);
        let stamps = percentiles(differences(&due, &stamp));
        Ok(vec![
            Line { suffix: "record's time", figures: Ok(stamps) },
            Line { suffix: "program's read", figures: Ok(figures) },
        ])
    })
}

/// Runs the task `timer WAY COUNT`. It answers with the ends of the periods, and with the times of the wake-ups or
/// reads for them.
pub(super) fn worker(words: &mut Words) -> Result<Value, Fail> {
    let way = words.word()?;
    let count: usize = words.number()?;
    if way == "device" {
        return Instance::start()?.read(count);
    }
    let start = now_ns();
    let due: Vec<u64> = grid(start).take(count).collect();
    let woke = match way.as_str() {
        "timerfd" => wake::periodic(start + PERIOD_NS, PERIOD_NS, count)?,
        _ => wake::nanosleep(&due)?,
    };
    Ok(json!({ "due": due, "read": woke }))
}

/// Returns the ends of the periods after a start.
fn grid(start: u64) -> impl Iterator<Item = u64> {
    (1..).map(move |period| start + period * PERIOD_NS)
}

/// A running timer instance with blocking reads.
struct Instance(timer::Instance);

impl Instance {
    fn start() -> Result<Self, Fail> {
        let id = TimerId { dev_class: CLASS_GLOBAL, device: GLOBAL_HRTIMER, ..TimerId::default() };
        let params = TimerParams {
            flags: ParamsFlags::AUTO.bits(),
            ticks: u32::try_from(PERIOD_NS).context("a period")?,
            filter: 1 << TimerEvent::TICK.0 | 1 << TimerEvent::START.0,
            ..TimerParams::default()
        };
        let file = timer::Instance::open(DEVICE, id).map_err(|error| match error.errno() {
            Some(Errno::ENODEV) if !matches!(error, Error::Open { .. }) => {
                Fail::new("there is no high-resolution timer")
            }
            _ => error.into(),
        })?;
        file.set_nonblocking(false)?;
        file.set_params(&params)?;
        file.start()?;
        Ok(Self(file))
    }

    /// Reads `count` periods. If a record tells of several, all of them count as read at that time, and the record's
    /// time is that of the last.
    fn read(&self, count: usize) -> Result<Value, Fail> {
        let server = Process::server();
        let before = server.map(Process::usage).transpose()?;
        let mut ends = None;
        let (mut due, mut read) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let (mut stamp_due, mut stamp) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut records = [TimerTread::default(); RECORDS];
        while due.len() < count {
            let len = self.0.read(&mut records).context("ticks cannot be read")?;
            let now = now_ns();
            for record in &records[..len] {
                let time = record.tv_sec * 1_000_000_000 + record.tv_nsec;
                let time = u64::try_from(time).context("a record has no time")?;
                if record.event == TimerEvent::START.0 {
                    ends = Some(grid(time));
                    continue;
                }
                let ends = ends.as_mut().ok_or_else(|| Fail::new("ticks came before START"))?;
                // If Linux is late, it adds the missed periods to the ticks of the record.
                let periods = u64::from(record.val) / PERIOD_NS;
                for end in ends.take(usize::try_from(periods).context("periods")?) {
                    due.push(end);
                    read.push(now);
                }
                stamp_due.extend(due.last().copied());
                stamp.push(time);
            }
        }
        // No tick is before its instant. Linux writes START when the timer already counts, so the grid that begins
        // there is too late; the largest difference says by how much.
        let late = |(due, stamp): (&u64, &u64)| due.saturating_sub(*stamp);
        let late: u64 = stamp_due.iter().zip(&stamp).map(late).max().unwrap_or(0);
        for end in due.iter_mut().chain(&mut stamp_due) {
            *end -= late;
        }
        let used = match (server, before) {
            (Some(server), Some(before)) => Some(server.usage()?.since(before)),
            _ => None,
        };
        Ok(json!({
            "due": due, "read": read, "stamp_due": stamp_due, "stamp": stamp,
            "server_cpu_ns": used.map(|used| used.cpu_ns),
            "server_fifo": server.map(Process::is_fifo),
        }))
    }
}
