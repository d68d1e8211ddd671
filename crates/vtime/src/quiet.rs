//! Whether a thread sleeps, as `/proc` tells.
//!
//! The kernel counts how often a thread has been put on a processor (`schedstat`). A thread that is asleep and whose
//! count is what it was when it last was asleep has not run in between. So two looks at all threads, one after the
//! other, show that there was an instant between them at which all were asleep: see [`crate::tracer`].

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;

/// What a look at a thread has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It sleeps, or is dead.
    Asleep,
    /// It runs, or is about to.
    Runs,
}

/// The files of a thread in `/proc`, opened at the first look.
pub(crate) struct Looks {
    folder: String,
    stat: Option<File>,
    syscall: Option<File>,
    schedstat: Option<File>,
    /// How often it had been on a processor when it was last seen asleep, if it still sleeps as far as is known.
    asleep_since: Option<u64>,
}

impl Looks {
    pub(crate) fn new(process: i32, thread: i32) -> Self {
        let folder = format!("/proc/{process}/task/{thread}");
        Self { folder, stat: None, syscall: None, schedstat: None, asleep_since: None }
    }

    /// Notes that the thread goes on.
    pub(crate) const fn goes_on(&mut self) {
        self.asleep_since = None;
    }

    /// Returns how often the thread had been on a processor when it fell asleep, if it is asleep.
    pub(crate) const fn asleep_since(&self) -> Option<u64> {
        self.asleep_since
    }

    /// The first look: notes how often the thread has run, and returns whether it is asleep. `rests` says
    /// whether it does nothing in a state of `/proc` that is not one of sleep: it waits for the child of its vfork or an
    /// answer of the world, or is stopped.
    pub(crate) fn first(&mut self, rests: &dyn Fn(u8) -> bool) -> Look {
        if self.asleep_since.is_some() {
            return Look::Asleep;
        }
        let Some(count) = self.count() else { return self.unknown() };
        // A thread that has only announced that it will sleep still runs. If it runs now, its state is not read, which
        // takes longer. If it runs in between, its count tells at the second look.
        let state = match self.is_off() {
            Some(false) => Look::Runs,
            // Then it does not matter which kind of sleep it is.
            Some(true) if rests(b'D') => Look::Asleep,
            _ => self.sleeps(rests),
        };
        if state != Look::Asleep {
            return state;
        }
        self.asleep_since = Some(count);
        Look::Asleep
    }

    /// The second look: returns whether the thread is asleep, and has not run since the first.
    pub(crate) fn second(&mut self, rests: &dyn Fn(u8) -> bool) -> Look {
        let Some(count) = self.asleep_since else { return Look::Runs };
        // In this order: one that had been woken and not yet run is seen as such here, or has run by the count.
        let sleeps = self.sleeps(rests);
        match self.count() {
            Some(now) if now == count && sleeps == Look::Asleep => Look::Asleep,
            None if sleeps == Look::Asleep => Look::Asleep,
            _ => {
                self.asleep_since = None;
                Look::Runs
            }
        }
    }

    /// The only look where nobody else runs meanwhile: returns whether the thread is asleep. `alone` says that nobody
    /// waits for the processor.
    pub(crate) fn once(&mut self, alone: bool, rests: &dyn Fn(u8) -> bool) -> Look {
        let Some(count) = self.count() else { return self.unknown() };
        let off = if alone { Some(true) } else { self.is_off() };
        let look = match off {
            Some(false) => Look::Runs,
            // The kind of sleep changes only when the thread runs.
            Some(true) if self.asleep_since == Some(count) || rests(b'D') => Look::Asleep,
            _ => self.sleeps(rests),
        };
        self.asleep_since = (look == Look::Asleep).then_some(count);
        look
    }

    /// A thread without a folder is dead. Any other one may run.
    fn unknown(&mut self) -> Look {
        if std::path::Path::new(&self.folder).exists() {
            return Look::Runs;
        }
        self.asleep_since = Some(u64::MAX);
        Look::Asleep
    }

    /// Returns whether the state of the thread is one of sleep or death.
    fn sleeps(&mut self, rests: &dyn Fn(u8) -> bool) -> Look {
        let mut room = [0; 256];
        let Ok(text) = read(&mut self.stat, &self.folder, "stat", &mut room) else {
            return if std::path::Path::new(&self.folder).exists() {
                Look::Runs
            } else {
                Look::Asleep
            };
        };
        // The state comes after the name, which may have parentheses too.
        let state = text.iter().rposition(|byte| *byte == b')').and_then(|at| text.get(at + 2));
        match state {
            Some(b'S' | b'Z' | b'X') => Look::Asleep,
            Some(state) if rests(*state) => Look::Asleep,
            _ => Look::Runs,
        }
    }

    /// Returns whether the thread is on no processor and in no queue for one. Returns `None` if that cannot be read: a
    /// process may forbid others to look at its calls.
    fn is_off(&mut self) -> Option<bool> {
        let mut room = [0; 256];
        let text = read(&mut self.syscall, &self.folder, "syscall", &mut room).ok()?;
        Some(!text.starts_with(b"running"))
    }

    /// Returns how often the thread has been on a processor.
    fn count(&mut self) -> Option<u64> {
        let mut room = [0; 128];
        match read(&mut self.schedstat, &self.folder, "schedstat", &mut room) {
            Ok(text) => {
                std::str::from_utf8(text).ok()?.split_ascii_whitespace().nth(2)?.parse().ok()
            }
            // A kernel without CONFIG_SCHED_INFO.
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.switches(),
            Err(_) => None,
        }
    }

    /// Returns how often the thread has left a processor: slower to read, and as good.
    fn switches(&self) -> Option<u64> {
        let text = std::fs::read_to_string(format!("{}/status", self.folder)).ok()?;
        let lines = text.lines().filter(|line| line.contains("voluntary_ctxt_switches:"));
        lines.map(|line| line.rsplit('\t').next()?.trim().parse::<u64>().ok()).sum()
    }
}

/// Tells whether anybody else wants the processor that this thread shares with all programs.
///
/// It reads how many threads of the machine run or wait for a processor. If it is this thread alone, nobody has been
/// woken on this processor, and the programs are on no other one.
#[derive(Default)]
pub(crate) struct Shared {
    /// The file; `None` in it if it is not the kernel's own.
    load: Option<Option<File>>,
    /// How often it is not worth a try, because others keep the machine busy.
    skip: u32,
}

/// How many tries are left out when the machine is busy.
const SKIPPED: u32 = 16;

impl Shared {
    /// Returns whether this thread is the only one of the machine that runs.
    pub(crate) fn is_alone(&mut self) -> bool {
        if let Some(fewer) = self.skip.checked_sub(1) {
            self.skip = fewer;
            return false;
        }
        let Some(load) = self.load.get_or_insert_with(open_load) else { return false };
        let mut room = [0; 128];
        let length = load.read_at(&mut room, 0).unwrap_or_default();
        // Three averages, then the running threads, a slash and all threads.
        let running = room[..length].split(|byte| *byte == b' ').nth(3).unwrap_or_default();
        let alone = running.starts_with(b"1/");
        if !alone {
            self.skip = SKIPPED;
        }
        alone
    }
}

/// Opens the load of the machine. In a container it may be a file that shows something else.
fn open_load() -> Option<File> {
    let file = File::open("/proc/loadavg").ok()?;
    let system = rustix::fs::fstatfs(&file).ok()?;
    (system.f_type == rustix::fs::PROC_SUPER_MAGIC).then_some(file)
}

/// How many descriptors the tracer leaves free for everything else.
const SPARE: u64 = 64;

/// Reads the beginning of a file, and keeps it open as long as there are few open files.
fn read<'a>(
    file: &mut Option<File>,
    folder: &str,
    name: &str,
    room: &'a mut [u8],
) -> io::Result<&'a [u8]> {
    let length = match file {
        Some(file) => file.read_at(room, 0)?,
        None => {
            let opened = File::open(format!("{folder}/{name}"))?;
            let length = opened.read_at(room, 0)?;
            let number = u64::try_from(opened.as_raw_fd()).unwrap_or(u64::MAX);
            *file = (number < most_files()).then_some(opened);
            length
        }
    };
    Ok(&room[..length])
}

/// Returns below which number descriptors are kept.
fn most_files() -> u64 {
    static MOST: OnceLock<u64> = OnceLock::new();
    *MOST.get_or_init(|| {
        let mut limit = getrlimit(Resource::Nofile);
        // Every process may raise its soft limit to the hard one. The command has been started already.
        let raised = Rlimit { current: limit.maximum, ..limit };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
        limit.current.map_or(u64::MAX, |current| current.saturating_sub(SPARE))
    })
}
