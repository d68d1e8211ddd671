//! What is known about a run: its clock, its threads, and what they wait for.

use crate::arch::{Call, Regs};
use crate::clock::{Clock, SECOND};
use crate::limits::Limits;
use crate::memory;
use crate::options::Options;
use crate::quiet::Looks;
use crate::sequence::Sequence;
use crate::timetable::Timers;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// How often a thread may read clocks or yield at one virtual instant before each further time moves the clock.
///
/// Programs that measure read a clock some tens of times; a loop that waits for a time reads it without end.
const FREE_READS: u32 = 1000;

/// How far such a read moves the clock, in ns. Loops that poll for milliseconds end after some hundred more reads.
const SPIN_STEP: u64 = 10_000;

/// After how many reads of a loop each moves it further, and how far. That is a thousandth of what has passed by then.
const LONG_SPIN: (u32, u64) = (FREE_READS + 10_000, 100_000);

/// What becomes of a call that the filter has stopped on its way in.
pub(crate) enum Entered {
    /// The kernel carries it out as it is.
    Pass,
    /// The kernel does not carry it out; the program gets this result.
    Answer(i64),
    /// The kernel carries out `Wait::call` instead, and the tracer sees what it returns.
    Wait(Wait),
}

/// A call that the kernel carries out in another form than the program made it.
#[derive(Clone)]
pub(crate) struct Wait {
    /// The call as the program made it.
    pub(crate) asked: Call,
    /// The call that the kernel carries out.
    pub(crate) call: Call,
    /// When it times out. A time that is not in the future: it looks once, and does not sleep.
    pub(crate) deadline: Option<u64>,
    /// What its results mean.
    pub(crate) family: &'static dyn Family,
}

/// What the results of a kind of call mean. Results are as the kernel has them: errors are negative numbers.
pub(crate) trait Family: Sync {
    /// Returns the result of a call whose time is over, and writes what Linux would write.
    fn timed_out(&self, cx: &mut Cx<'_>, wait: &Wait) -> i64;

    /// Returns the result of a call that has ended by itself; `result` is what the kernel says.
    fn finished(&self, _cx: &mut Cx<'_>, _wait: &Wait, result: i64) -> i64 {
        result
    }

    /// Returns the result of a call that a signal has interrupted: `-EINTR`, or one of the codes by which the kernel
    /// restarts a call. `code` is what the kernel says.
    ///
    /// The usual answer gives `EINTR` if a handler runs, and makes the wait go on otherwise.
    fn interrupted(&self, _cx: &mut Cx<'_>, _wait: &Wait, code: i64) -> i64 {
        if code == -i64::from(libc::EINTR) { code } else { RESTART_NO_HANDLER }
    }

    /// Returns the call that the kernel has to make next, if what has ended by itself is only a part of the program's.
    fn again(&self, _cx: &mut Cx<'_>, _wait: &Wait, _result: i64) -> Option<Call> {
        None
    }

    /// A signal that the process does not ignore has interrupted the call: writes what Linux would write then.
    fn disturbed(&self, _cx: &mut Cx<'_>, _wait: &Wait) -> Again {
        Again::SameDeadline
    }
}

/// What a call waits for if the kernel makes it again after a signal without a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// The same time as before.
    SameDeadline,
    /// The duration that is in the program's memory by then.
    Anew,
}

/// `ERESTARTNOHAND` of the kernel: `EINTR` if a handler runs, else the call is made again.
pub(crate) const RESTART_NO_HANDLER: i64 = -514;

/// Returns whether a result says that a signal has interrupted the call.
pub(crate) fn is_interrupted(result: i64) -> bool {
    (-516..=-512).contains(&result) || result == -i64::from(libc::EINTR)
}

/// What a process does with a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Handler,
    Ignore,
    Default,
}

/// A call on a socket with a limit, in which a thread sleeps.
pub(crate) struct Held {
    pub(crate) deadline: u64,
    pub(crate) call: Call,
    /// Whether the kernel makes the call again, after a signal that the process ignores.
    pub(crate) restarts: bool,
}

/// What a thread is doing, as far as stops have told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It runs, or sleeps in the kernel.
    Going,
    /// It is in a group stop, until `SIGCONT`.
    Stopped,
}

/// A thread of the run.
pub(crate) struct Thread {
    /// The number of its process.
    pub(crate) process: i32,
    /// Its age: a smaller number than that of every later thread.
    pub(crate) rank: u64,
    pub(crate) doing: Doing,
    /// The call that it is in, if the tracer has changed that.
    pub(crate) wait: Option<Wait>,
    /// The registers at the beginning of that call.
    pub(crate) regs: Regs,
    /// The wait that a signal has interrupted. If the kernel restarts it, it keeps its deadline.
    pub(crate) interrupted: Option<Wait>,
    /// The call on a socket in which it was asleep when everybody was.
    pub(crate) held: Option<Held>,
    /// Since when it was asleep then, in the terms of [`Looks`].
    pub(crate) looked_at: Option<u64>,
    /// The registers on the way into its last call, if that is one of those that any signal ends with `EINTR`.
    pub(crate) interruptible: Option<Regs>,
    /// The registers with which it makes a call again that an ignored signal has ended.
    pub(crate) uninterrupted: Option<Regs>,
    /// Whether a signal without a handler, such as one that stops the process, has ended its call.
    pub(crate) ended_by_signal: bool,
    /// Whether the wait ends because its time is over.
    pub(crate) firing: bool,
    /// Whether it waits for the child of its vfork.
    pub(crate) vforking: bool,
    /// How often it has read clocks at the instant `read_at`.
    reads: u32,
    read_at: u64,
    /// How often it has got random numbers.
    draws: u64,
    /// What `/proc` says about it.
    pub(crate) looks: Looks,
}

/// All that is known about a run.
pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    /// Whether a thread that reads clocks has moved the clock, and what is due has not been done since.
    pub(crate) reads_moved: bool,
    pub(crate) threads: BTreeMap<i32, Thread>,
    /// The deadlines of waits: time, rank and number of the thread.
    pub(crate) due: BTreeSet<(u64, u64, i32)>,
    /// When something falls due in the world.
    pub(crate) world_due: Option<u64>,
    pub(crate) timers: Timers,
    pub(crate) limits: Limits,
    /// Until when a thread's `recvmmsg` takes messages.
    pub(crate) batches: BTreeMap<i32, u64>,
    /// Sentences for the user, and whether they have been said.
    pub(crate) notices: BTreeMap<&'static str, bool>,
    next_rank: u64,
}

impl State {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
            clock: Clock::new(options.pace, options.epoch),
            reads_moved: false,
            threads: BTreeMap::new(),
            due: BTreeSet::new(),
            world_due: None,
            timers: Timers::default(),
            limits: Limits::default(),
            batches: BTreeMap::new(),
            notices: BTreeMap::new(),
            next_rank: 0,
        }
    }

    /// Says something to the user, unless it has been said.
    pub(crate) fn notice(&mut self, text: &'static str) {
        self.notices.entry(text).or_insert(false);
    }

    /// Adds a thread, unless it is known, and returns it.
    pub(crate) fn add(&mut self, thread: i32, process: i32) -> &mut Thread {
        let next = &mut self.next_rank;
        self.threads.entry(thread).or_insert_with(|| {
            *next += 1;
            Thread {
                process,
                rank: *next,
                doing: Doing::Going,
                wait: None,
                regs: Regs::default(),
                interrupted: None,
                held: None,
                looked_at: None,
                interruptible: None,
                uninterrupted: None,
                ended_by_signal: false,
                firing: false,
                vforking: false,
                reads: 0,
                read_at: 0,
                draws: 0,
                looks: Looks::new(process, thread),
            }
        })
    }

    /// Removes a thread, and returns it.
    pub(crate) fn remove(&mut self, thread: i32) -> Option<Thread> {
        self.leave(thread);
        self.release(thread);
        self.batches.remove(&thread);
        self.threads.remove(&thread)
    }

    /// Forgets all threads.
    pub(crate) fn forget_all(&mut self) {
        self.batches.clear();
        self.due.clear();
        self.threads.clear();
    }

    /// Notes that a thread does not wait for a socket any more, and returns what it waited for.
    pub(crate) fn release(&mut self, thread: i32) -> Option<Held> {
        let known = self.threads.get_mut(&thread)?;
        let held = known.held.take()?;
        self.due.remove(&(held.deadline, known.rank, thread));
        Some(held)
    }

    /// Notes that a thread waits.
    pub(crate) fn enter(&mut self, thread: i32, wait: Wait) {
        self.release(thread);
        let Some(known) = self.threads.get_mut(&thread) else { return };
        if let Some(deadline) = wait.deadline {
            self.due.insert((deadline, known.rank, thread));
        }
        known.firing = false;
        known.reads = 0;
        known.wait = Some(wait);
    }

    /// Notes that a thread waits no longer, and returns what it waited for.
    pub(crate) fn leave(&mut self, thread: i32) -> Option<Wait> {
        let known = self.threads.get_mut(&thread)?;
        let wait = known.wait.take()?;
        if let Some(deadline) = wait.deadline {
            self.due.remove(&(deadline, known.rank, thread));
        }
        Some(wait)
    }

    /// Returns the random numbers that a thread gets next; `None` if they are the kernel's.
    pub(crate) fn random(&mut self, thread: i32) -> Option<Sequence> {
        let seed = self.options.seed?;
        let known = self.threads.get_mut(&thread)?;
        known.draws += 1;
        Some(Sequence::new(seed, known.rank, known.draws))
    }

    /// Returns when the next wait or timer is due.
    pub(crate) fn next_due(&self) -> Option<u64> {
        let thread = self.due.first().map(|(time, ..)| *time);
        thread.into_iter().chain(self.timers.first()).min()
    }

    /// Returns the age of a thread or process by its number. Unknown ones are the youngest.
    pub(crate) fn rank(&self, number: i32) -> u64 {
        self.threads.get(&number).map_or(u64::MAX, |thread| thread.rank)
    }

    /// Notes that a thread reads a clock or yields. One that does so without end moves the clock.
    pub(crate) fn count_read(&mut self, thread: i32) {
        if self.clock.runs() {
            return self.clock.follow();
        }
        let now = self.clock.now();
        let next = self.next_due().into_iter().chain(self.world_due).min().unwrap_or(u64::MAX);
        let Some(known) = self.threads.get_mut(&thread) else { return };
        if known.read_at == now || known.reads > FREE_READS {
            known.reads = known.reads.saturating_add(1);
        } else {
            known.reads = 1;
        }
        known.read_at = now;
        if known.reads > FREE_READS {
            let step = if known.reads > LONG_SPIN.0 { LONG_SPIN.1 } else { SPIN_STEP };
            self.clock.move_to((now + step).min(next));
            self.reads_moved = true;
        }
    }
}

/// A stopped thread, with all that is known about the run.
pub(crate) struct Cx<'a> {
    pub(crate) state: &'a mut State,
    /// The number of the thread.
    pub(crate) thread: i32,
}

impl Cx<'_> {
    /// Returns the present, in ns of virtual `CLOCK_MONOTONIC`.
    pub(crate) const fn now(&self) -> u64 {
        self.state.clock.now()
    }

    /// Returns the number of the process.
    pub(crate) fn process(&self) -> i32 {
        self.state.threads.get(&self.thread).map_or(self.thread, |known| known.process)
    }

    /// Reads a number of 32 bits from the program's memory.
    pub(crate) fn int_at(&self, address: u64) -> Option<i32> {
        let mut bytes = [0; 4];
        memory::read_exact(self.thread, address, &mut bytes).ok()?;
        Some(i32::from_ne_bytes(bytes))
    }

    /// Reads whole numbers from the program's memory: `N` words of 64 bits.
    pub(crate) fn words<const N: usize>(&self, address: u64) -> io::Result<[i64; N]> {
        let mut bytes = [[0; 8]; N];
        memory::read_exact(self.thread, address, bytes.as_flattened_mut())?;
        Ok(bytes.map(i64::from_ne_bytes))
    }

    /// Writes words of 64 bits into the program's memory.
    pub(crate) fn set_words<const N: usize>(
        &mut self,
        address: u64,
        words: [i64; N],
    ) -> io::Result<()> {
        memory::write(self.thread, address, words.map(i64::to_ne_bytes).as_flattened())
    }

    /// Reads a `struct timespec`, in ns. Returns `None` where the kernel would refuse it.
    pub(crate) fn timespec(&self, address: u64) -> Option<u64> {
        let [seconds, ns] = self.words(address).ok()?;
        let ns = u64::try_from(ns).ok().filter(|ns| *ns < SECOND)?;
        let seconds = u64::try_from(seconds).ok()?;
        Some(seconds.saturating_mul(SECOND).saturating_add(ns))
    }

    /// Writes a `struct timespec`. Linux ignores errors where this is used.
    pub(crate) fn set_timespec(&mut self, address: u64, ns: u64) {
        let (seconds, ns) = (ns / SECOND, ns % SECOND);
        let _ignored = self.set_words(address, [seconds.cast_signed(), ns.cast_signed()]);
    }

    /// Returns how long a wait would still last, in ns.
    pub(crate) fn remaining(&self, wait: &Wait) -> u64 {
        wait.deadline
            .map_or(i64::MAX.cast_unsigned(), |deadline| deadline.saturating_sub(self.now()))
    }

    /// Returns when a duration from now is over; `None` if that never comes.
    pub(crate) fn after(&self, duration: u64) -> Option<u64> {
        self.state.clock.after(duration)
    }
}

/// Returns the result of a call that fails with an error number.
pub(crate) const fn errno(number: i32) -> i64 {
    -(number as i64)
}
