//! What `lockdep-run` prints about sections: how many times they ran, how long, and how long they waited for locks.
//!
//! Nothing is measured without `lockdep-run`.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use crate::context::{self, Thread};
use crate::graph;
use crate::session::writer::{self as session, Known, Row};
use crate::site;
use crate::words::Place;

/// Notes the start of a section. Returns the time if sections are measured.
#[inline]
pub(crate) fn begin(name: &'static str) -> Option<Instant> {
    session::mapped()?;
    context::peek(|thread| thread.open.set(thread.open.get().or(Some(name))));
    Some(Instant::now())
}

/// Notes the end of a section.
pub(crate) fn end(name: &'static str, start: Instant, is_outermost: bool) {
    let ns = nanoseconds(start);
    if is_outermost {
        context::peek(|thread| thread.open.set(None));
    }
    if let Some(row) = row(name, false)
        && row.ran(ns)
    {
        // The thread may have got its name meanwhile. That is looked up at times which do not come often.
        row_again(name, row, ns);
    }
}

fn row_again(name: &'static str, before: Row, ns: u64) {
    if let Some(now) = row(name, true)
        && !now.is(before)
    {
        now.ran(ns);
        before.take_back(ns);
    }
}

fn nanoseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Returns the row of a section in this thread.
fn row(name: &'static str, anew: bool) -> Option<Row> {
    if let Some(known) = context::peek(|thread| thread.row.get())
        && std::ptr::eq(known.name, name)
        && !anew
    {
        return Some(known.row);
    }
    crate::sud::allowing_syscalls(|| {
        let thread = rustix::thread::name().ok()?;
        let row = session::mapped()?.row(name, &thread)?;
        context::peek(|thread| thread.row.set(Some(Known { name, row })));
        Some(row)
    })
}

/// Counts a call that a finding is about, in the section that is open.
pub(crate) fn found() {
    if session::mapped().is_some()
        && let Some(row) = open().and_then(|name| row(name, false))
    {
        row.found();
    }
}

/// Number of threads that may wait for locks at a time and learn who holds them.
const WAITERS: usize = 32;

/// A thread that waits for a lock.
struct Waiter {
    /// The lock, or 0.
    lock: AtomicUsize,
    /// The holder, which it writes when it releases the lock: its thread, policy and priority, and where it took the
    /// lock.
    tid: AtomicU32,
    priority: AtomicU32,
    site: AtomicUsize,
    name: [AtomicU64; 2],
}

/// The bit of a priority that says that the holder was in a section too.
const IN_SECTION: u32 = 1 << 31;

static WAITING: AtomicUsize = AtomicUsize::new(0);
static ROOMS: [Waiter; WAITERS] = [const {
    Waiter {
        lock: AtomicUsize::new(0),
        tid: AtomicU32::new(0),
        priority: AtomicU32::new(0),
        site: AtomicUsize::new(0),
        name: [const { AtomicU64::new(0) }; 2],
    }
}; WAITERS];

/// A wait for a lock in a section.
pub(crate) struct Wait {
    start: Instant,
    room: Option<&'static Waiter>,
    lock: usize,
    section: &'static str,
}

/// Returns the name of the outermost section that is open in this thread.
fn open() -> Option<&'static str> {
    context::peek(|thread| thread.open.get())
}

/// Returns whether waits of the calling thread are measured now.
#[inline]
pub(crate) fn is_measured() -> bool {
    session::mapped().is_some() && open().is_some()
}

/// Notes that the calling thread begins to wait for a lock that is not free. Only waits in sections are measured.
pub(crate) fn wait(lock: usize) -> Option<Wait> {
    session::mapped()?;
    let section = open()?;
    let free = |room: &&Waiter| {
        room.lock.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    };
    let room = ROOMS.iter().find(free);
    if let Some(room) = room {
        room.tid.store(0, Ordering::Relaxed);
        WAITING.fetch_add(1, Ordering::SeqCst);
        room.lock.store(lock, Ordering::Release);
    }
    Some(Wait { start: Instant::now(), room, lock, section })
}

/// Tells the threads that wait for a lock who has held it. The holder calls this before it releases the lock.
#[inline]
pub(crate) fn releases(thread: &Thread, lock: usize) {
    if WAITING.load(Ordering::Relaxed) != 0 {
        tell(thread, lock);
    }
}

#[cold]
fn tell(thread: &Thread, lock: usize) {
    let waiting = ROOMS.iter().filter(|room| room.lock.load(Ordering::Acquire) == lock);
    for room in waiting {
        let site = thread.held.iter().rev().find(|held| held.instance == lock);
        room.site.store(site.map_or(0, |held| held.site), Ordering::Relaxed);
        let mut name = [0; 16];
        crate::sud::allowing_syscalls(|| {
            if let Ok(text) = rustix::thread::name() {
                let bytes = text.to_bytes();
                name[..bytes.len().min(16)].copy_from_slice(&bytes[..bytes.len().min(16)]);
            }
            let section = if thread.sections.get() > 0 { IN_SECTION } else { 0 };
            room.priority.store(priority() | section, Ordering::Relaxed);
        });
        for (word, bytes) in room.name.iter().zip(name.chunks_exact(8)) {
            let word_of = |bytes: &[u8]| bytes.try_into().map(u64::from_ne_bytes);
            word.store(word_of(bytes).unwrap_or_default(), Ordering::Relaxed);
        }
        room.tid.store(thread.tid(), Ordering::Release);
    }
}

/// Returns the real-time priority of the calling thread, from 1 to 99, or 0 for an ordinary thread.
fn priority() -> u32 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    // The name in parentheses may have spaces. Behind it, `rt_priority` is the 38th field (`proc(5)`: 40).
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    fields.split_whitespace().nth(37).and_then(|field| field.parse().ok()).unwrap_or(0)
}

impl Wait {
    /// Notes that the thread has got the lock.
    pub(crate) fn ends(self, class: Option<u16>, place: Place) {
        let ns = nanoseconds(self.start);
        let told = self.room.and_then(|room| {
            WAITING.fetch_sub(1, Ordering::SeqCst);
            let tid = room.tid.load(Ordering::Acquire);
            let name: Vec<u8> = room
                .name
                .iter()
                .flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes())
                .take_while(|byte| *byte != 0)
                .collect();
            let told = (
                tid,
                room.priority.load(Ordering::Relaxed),
                room.site.load(Ordering::Relaxed),
                String::from_utf8_lossy(&name).into_owned(),
            );
            room.lock.store(0, Ordering::Release);
            (tid != 0).then_some(told)
        });
        if let Some(row) = row(self.section, false) {
            row.waited(ns);
        }
        if session::mapped().is_some_and(|session| session.is_longest(ns)) {
            crate::sud::allowing_syscalls(|| self.describe(ns, class, place, told));
        }
    }

    fn describe(
        &self,
        ns: u64,
        class: Option<u16>,
        place: Place,
        told: Option<(u32, u32, usize, String)>,
    ) {
        let class = class.map_or_else(
            || format!("{:#x}", self.lock),
            |class| graph::lock().name(class).to_owned(),
        );
        let at = |site: usize| {
            let Some(frame) = site::frame(site) else { return site::UNKNOWN.to_owned() };
            let line = frame.line.as_ref().map(|(file, line)| format!("at {file}:{line}"));
            let parts = [Some(frame.function).filter(|name| !name.is_empty()), line];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
        };
        let name = rustix::thread::name().map(|name| name.to_string_lossy().into_owned());
        let (name, own) = (name.unwrap_or_default(), priority());
        let holder = match told {
            None => "holder=unknown\n".to_owned(),
            Some((tid, priority, site, name)) => {
                format!(
                    "holder={name}/{tid}\nholder_priority={}\nholder_in_section={}\nheld_since={}\n",
                    priority & !IN_SECTION,
                    priority & IN_SECTION != 0,
                    at(site)
                )
            }
        };
        let text = format!(
            "section={}\nlock={class}\nwaiter={name}/{}\npriority={own}\nplace={}\n{holder}",
            self.section,
            context::peek(Thread::tid),
            at(site::of(place)),
        );
        if let Some(session) = session::mapped() {
            session.add_wait(&text, ns);
        }
    }
}
