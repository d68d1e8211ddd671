//! A campaign: starts the processes, watches them, starts again those that died, and says how it goes.

use super::console::Seen;
use super::errnos::Answers;
use super::html::page;
use super::options::{Options, Side};
use super::process::{End, Process};
use super::shrink::{shrink, waiting};
use super::stats::{Status, status};
use super::watch::{current, longest_hang};
use super::{finding, history};
use std::collections::HashSet;
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time after its end at which a process is killed that has not ended by itself, and in which its watchdog has found no hang.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time after the campaign's end in which findings are still shrunk.
const LAST_SHRINK: Duration = Duration::from_secs(180);
/// A process that dies sooner than this after its start, this often in a row, cannot work here.
const TOO_SOON: Duration = Duration::from_secs(2);
const TRIES: usize = 3;

/// A process and its forerunners.
struct Place {
    process: Process,
    /// How often it was started.
    rounds: u64,
    /// How often in a row it has died at once.
    failed: usize,
}

/// Runs a campaign.
///
/// # Errors
/// A message for people if the folder cannot be used, or the processes cannot work.
pub fn campaign(options: &Options) -> Result<Status, String> {
    let dir = &options.dir;
    let wrong = |error: std::io::Error| format!("{}: {error}", dir.display());
    for folder in ["corpus", "findings", "jobs"] {
        fs::create_dir_all(dir.join(folder)).map_err(wrong)?;
    }
    if options.side == Side::Device {
        super::reboot::look_back(dir).map_err(wrong)?;
    }
    // Other numbers of edges, and of processes, are those of an earlier campaign.
    for file in fs::read_dir(dir.join("jobs")).map_err(wrong)?.flatten() {
        fs::remove_file(file.path()).map_err(wrong)?;
    }
    if options.side == Side::Device {
        super::reboot::begin(dir).map_err(wrong)?;
    }
    let began = Instant::now();
    let mut places = Vec::new();
    for job in 0..options.jobs.max(1) {
        let process = Process::start(options, job, options.seed, options.time, None)?;
        places.push(Place { process, rounds: 0, failed: 0 });
    }
    let done = look_after_all(options, &mut places, began);
    // After an error, too, nothing is left behind.
    places.iter_mut().for_each(|place| place.process.end());
    done?;
    if options.side == Side::Device {
        super::reboot::end(dir).map_err(wrong)?;
    }
    let mut end = status(dir)?;
    end.errnos = Some(Answers::of_corpus(dir));
    fs::write(dir.join("index.html"), page(&end)).map_err(wrong)?;
    Ok(end)
}

/// Watches processes until all have ended.
fn look_after_all(
    options: &Options,
    places: &mut Vec<Place>,
    began: Instant,
) -> Result<(), String> {
    let dir = &options.dir;
    let mut told = Instant::now();
    let terminal = std::io::stderr().is_terminal();
    let mut shrinking: Option<JoinHandle<()>> = None;
    let mut tried = HashSet::new();
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let left = options.time.map(|time| time.saturating_sub(began.elapsed()));
        let mut index = 0;
        while index < places.len() {
            match look_after(options, &mut places[index], left, began)? {
                true => index += 1,
                false => drop(places.swap_remove(index)),
            }
        }
        shrinking = shrinking.filter(|thread| !thread.is_finished());
        if shrinking.is_none() {
            let last = options.time.map(|time| began + time + LAST_SHRINK);
            let next = waiting(dir).into_iter().find(|folder| !tried.contains(folder));
            let next = next.filter(|_| last.is_none_or(|last| Instant::now() < last));
            if let Some(folder) = next {
                tried.insert(folder.clone());
                let deadline = Instant::now() + options.shrink;
                let deadline = last.map_or(deadline, |last| last.min(deadline));
                shrinking = Some(in_background(options, folder, deadline));
            } else if places.is_empty() {
                return Ok(());
            }
        }
        let every = Duration::from_secs(if terminal { 1 } else { 30 });
        if told.elapsed() >= every {
            told = Instant::now();
            let now = status(dir)?;
            let end = if terminal { "\r" } else { "\n" };
            let clear = if terminal { "\x1b[2K" } else { "" };
            let seconds = began.elapsed().as_secs();
            let _standard_error =
                write!(std::io::stderr(), "{clear}{seconds} s: {}{end}", now.line());
            let page = fs::write(dir.join("index.html"), page(&now));
            page.map_err(|error| format!("{}: {error}", dir.display()))?;
        }
    }
}

/// Shrinks a finding beside the campaign.
fn in_background(options: &Options, folder: PathBuf, deadline: Instant) -> JoinHandle<()> {
    let options = options.clone();
    std::thread::spawn(move || {
        let title = fs::read_to_string(folder.join("title")).unwrap_or_default();
        let said = shrink(&options, &folder, deadline).unwrap_or_else(|error| error);
        eprintln!("seqfuzz: {}: {said}", title.trim());
    })
}

/// Returns how long a process may need to find that it hangs.
fn longest(options: &Options) -> Duration {
    longest_hang(options.side == Side::Device)
}

/// Looks at a process. Returns whether it goes on.
fn look_after(
    options: &Options,
    place: &mut Place,
    left: Option<Duration>,
    began: Instant,
) -> Result<bool, String> {
    let dir = &options.dir;
    let job = place.process.job;
    for seen in place.process.reports() {
        // What the process itself has seen is stored with the program that was to blame.
        if !finding::is_known(dir, &seen.title) && !excused(&place.process, &seen) {
            store(dir, job, &seen, &place.process.text())?;
        }
    }
    if let (Side::Under(_), Some(seen)) = (&options.side, place.process.grown()) {
        store(dir, job, &seen, &place.process.text())?;
    }
    let Some(end) = place.process.ended()? else {
        // Whatever a machine has noted is there.
        let machine = place.process.is_machine();
        let patience = if machine { Duration::ZERO } else { PATIENCE + longest(options) };
        if options.time.is_some_and(|time| began.elapsed() > time + patience) {
            place.process.end();
            return Ok(false);
        }
        return Ok(true);
    };
    let over = left.is_some_and(|left| left.is_zero());
    match end {
        // The clock of an emulated machine may jump by hours, so its time is over too soon.
        End::Done if place.process.is_machine() && !over && place.process.age() >= TOO_SOON => {}
        End::Done => return Ok(false),
        End::Died(Some(seen)) => {
            if !excused(&place.process, &seen) {
                store(dir, job, &seen, &place.process.text())?;
            }
            place.failed = 0;
        }
        End::Anew => place.failed = 0,
        End::Died(None) if place.process.age() >= TOO_SOON => place.failed = 0,
        End::Cannot(_) | End::Died(None) => {
            place.failed += 1;
            if place.failed >= TRIES {
                let why = match end {
                    End::Cannot(why) => why,
                    _ => place.process.last_words(),
                };
                return Err(format!("a process cannot work here: {why}"));
            }
        }
    }
    if over {
        return Ok(false);
    }
    place.rounds += 1;
    let seed = options.seed.wrapping_add(place.rounds * 7919);
    place.process = Process::start(options, job, seed, left, None)?;
    Ok(true)
}

/// Returns whether a machine reports only that its host is busy, and says so.
fn excused(process: &Process, seen: &Seen) -> bool {
    let Some(had) = process.was_starved(seen) else { return false };
    let (ran, waited) = (had.ran.as_secs(), had.waited.as_secs());
    eprintln!(
        "seqfuzz: no finding: {}: the machine had a processor for {ran} s, and waited for one for {waited} s",
        seen.title
    );
    true
}

/// Stores what was seen from outside, with the programs that ran last.
fn store(dir: &Path, job: usize, seen: &Seen, log: &str) -> Result<(), String> {
    let program = current(&dir.join("jobs").join(format!("{job}.current")));
    let stored = finding::store(dir, &seen.report, log, &program).and_then(|(folder, new)| {
        if new {
            finding::keep_history(&folder, &history::path(dir, job))?;
            fs::write(folder.join("once"), "")?;
        }
        Ok(new)
    });
    if stored.map_err(|error| format!("{}: {error}", dir.display()))? {
        eprintln!("seqfuzz: found: {}", seen.title);
    }
    Ok(())
}

/// Returns a campaign's folder as an absolute path, so that a command may change the folder it runs in.
///
/// # Errors
/// A message for people if it cannot be made.
pub fn folder(dir: &Path) -> Result<PathBuf, String> {
    let made = fs::create_dir_all(dir).and_then(|()| dir.canonicalize());
    made.map_err(|error| format!("{}: {error}", dir.display()))
}
