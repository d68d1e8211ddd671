//! The client that listens: it reads the events of all ports on a thread of its own, so that their lateness is measured
//! when they arrive, and nothing else of the server can make it lose some.

#![expect(
    clippy::disallowed_types,
    reason = "a lock between two threads of this client; no event of others waits for it"
)]

use crate::monitor::Seen;
use crate::player;
use aseqd_abi::seq::{CLIENT_SYSTEM, PortCaps, PortType};
use aseqd_abi::{Address, Event};
use aseqd_client::{Client, Error, SYSTEM_TIMER};
use aseqd_host::error::{Context as _, Fail};
use aseqd_tools::monitor::{Lateness, micros};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

/// The name of the client.
const NAME: &str = "aseqd web listener";
/// Cells of the input pool: the most that there can be.
const POOL: u32 = 2000;
/// The most events that wait for the server: three seconds of 5,000 a second. The oldest are dropped.
const MAX_EVENTS: usize = 16_384;
/// The time between two reads while only the activity is wanted, in ns: 25 ms. The pool has room for 80,000 events a second
/// then.
const REST: i64 = 25_000_000;

/// The thread, and what it has read.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    /// The port that others are connected to.
    pub(crate) port: Address,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// Becomes readable when there is something for the server.
    wake: OwnedFd,
    /// Becomes readable when the thread must look at what it is to do.
    stop: OwnedFd,
}

#[derive(Default)]
struct State {
    read: Read,
    /// Whether the server sleeps, and must be woken.
    armed: bool,
    /// Whether single events are wanted, and not only their number.
    events: bool,
    stop: bool,
}

/// What was read since the server has asked.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) counts: BTreeMap<Address, u32>,
    pub(crate) events: VecDeque<Seen>,
    /// What players have told last, by their port.
    pub(crate) told: BTreeMap<Address, Vec<u8>>,
    /// Events that were dropped here, because the server did not ask.
    pub(crate) dropped: u32,
    /// How often the thread itself was too slow.
    pub(crate) lost: u64,
    /// Whether the sequencer has ended.
    pub(crate) ended: bool,
}

impl Read {
    /// Returns whether something has come.
    pub(crate) fn has_something(&self) -> bool {
        !self.counts.is_empty() || !self.told.is_empty()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Opens the client and starts the thread.
    ///
    /// # Errors
    /// A message if the client cannot be opened or the thread not be started.
    pub(crate) fn start(device: &Path) -> Result<Self, Fail> {
        let client = Client::open(device, NAME)?;
        client.set_pools(0, POOL, 0)?;
        let kind = PortType::MIDI_GENERIC | PortType::APPLICATION;
        let port = client.create_port("events", PortCaps::WRITE | PortCaps::SUBS_WRITE, kind)?;
        let caps = PortCaps::WRITE | PortCaps::NO_EXPORT;
        let queues = client.create_port("queues", caps, PortType::empty())?;
        client.connect(SYSTEM_TIMER, queues).context("queues cannot be followed")?;
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: eventfd(0, flags).context("a thread cannot be started")?,
            stop: eventfd(0, flags).context("a thread cannot be started")?,
        });
        let reader = Reader {
            client,
            port,
            queues,
            lateness: Lateness::default(),
            shared: Arc::clone(&shared),
        };
        let started =
            std::thread::Builder::new().name("listener".into()).spawn(move || reader.run());
        let thread = Some(started.context("a thread cannot be started")?);
        Ok(Self { shared, port, thread })
    }

    /// Chooses whether single events are wanted.
    pub(crate) fn want_events(&self, on: bool) {
        let mut state = self.shared.state();
        if state.events != on {
            state.events = on;
            state.read.events.clear();
            drop(state);
            signal(&self.shared.stop);
        }
    }

    /// Takes what was read.
    pub(crate) fn take(&self) -> Read {
        clear(&self.shared.wake);
        let mut state = self.shared.state();
        let lost = state.read.lost;
        std::mem::replace(&mut state.read, Read { lost, ..Read::default() })
    }

    /// Asks to be woken once something was read. Returns whether something was.
    pub(crate) fn arm(&self) -> bool {
        let mut state = self.shared.state();
        let read = state.read.has_something() || state.read.ended;
        state.armed = !read;
        read
    }

    /// Returns what becomes readable then.
    pub(crate) fn wake(&self) -> BorrowedFd<'_> {
        self.shared.wake.as_fd()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.state().stop = true;
        signal(&self.shared.stop);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// Makes an event descriptor readable.
fn signal(fd: &OwnedFd) {
    let _full = rustix::io::write(fd, &1_u64.to_ne_bytes());
}

/// Makes an event descriptor no longer readable.
fn clear(fd: &OwnedFd) {
    let _empty = rustix::io::read(fd, &mut [0; 8]);
}

/// What the thread has.
struct Reader {
    client: Client,
    port: Address,
    queues: Address,
    lateness: Lateness,
    shared: Arc<Shared>,
}

impl Reader {
    fn run(mut self) {
        while self.wait() {
            if self.read().is_err() {
                let mut state = self.shared.state();
                state.read.ended = true;
                self.wake(state);
                return;
            }
        }
    }

    /// Waits for events. Returns whether the thread goes on.
    fn wait(&self) -> bool {
        let mut ready = [
            PollFd::new(&self.client, PollFlags::IN),
            PollFd::new(&self.shared.stop, PollFlags::IN),
        ];
        let _interrupted = poll(&mut ready, None);
        if !ready[1].revents().is_empty() {
            clear(&self.shared.stop);
        }
        let state = self.shared.state();
        if state.stop {
            return false;
        }
        let rest = !state.events;
        drop(state);
        if rest {
            // Many events in one read cost less, and nobody looks at single ones. A stop is seen at once.
            let mut stop = [PollFd::new(&self.shared.stop, PollFlags::IN)];
            let _interrupted = poll(&mut stop, Some(&Timespec { tv_sec: 0, tv_nsec: REST }));
        }
        true
    }

    /// Reads all that is there.
    fn read(&mut self) -> Result<(), Fail> {
        let wanted = self.shared.state().events;
        let (mut counts, mut events, mut lost) = (BTreeMap::<Address, u32>::new(), Vec::new(), 0);
        let mut told = BTreeMap::new();
        let mut at = now();
        // At most as much as the pool has, so that a flood does not keep what was read from the server.
        for _ in 0..POOL {
            let reads = !self.client.has_event();
            let (event, data) = match self.client.read_event() {
                Ok(Some(read)) => read,
                Ok(None) => break,
                Err(Error::EventsLost) => {
                    self.lateness.lost();
                    lost += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if reads {
                self.lateness.arrived();
                at = now();
            }
            if event.dest == self.queues {
                self.lateness.follow(&self.client, &event)?;
            } else if event.dest == self.port && player::tells(&event, &data) {
                told.insert(event.source, data);
            } else if event.dest == self.port && event.source.client != CLIENT_SYSTEM {
                // The System client tells the port that it was connected.
                *counts.entry(event.source).or_default() += 1;
                if wanted {
                    events.push(self.seen(event, data, at)?);
                }
            }
        }
        if counts.is_empty() && told.is_empty() && lost == 0 {
            return Ok(());
        }
        let mut state = self.shared.state();
        for (port, count) in counts {
            let sum = state.read.counts.entry(port).or_default();
            *sum = sum.saturating_add(count);
        }
        for (port, data) in told {
            let all = &mut state.read.told;
            if all.len() < player::MAX_PLAYERS || all.contains_key(&port) {
                all.insert(port, data);
            }
        }
        state.read.lost += lost;
        if state.events {
            state.read.events.extend(events);
            let over = state.read.events.len().saturating_sub(MAX_EVENTS);
            state.read.events.drain(..over);
            state.read.dropped =
                state.read.dropped.saturating_add(u32::try_from(over).unwrap_or(u32::MAX));
        }
        self.wake(state);
        Ok(())
    }

    fn seen(&mut self, event: Event, data: Vec<u8>, at: u64) -> Result<Seen, Fail> {
        let late = self.lateness.of(&self.client, &event)?;
        self.lateness.forget_measured();
        let late = late.map(|late| {
            let late = micros(late);
            i32::try_from(late).unwrap_or(if late < 0 { i32::MIN } else { i32::MAX })
        });
        Ok(Seen { event, data, at, late })
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let wake = std::mem::take(&mut state.armed);
        drop(state);
        if wake {
            signal(&self.shared.wake);
        }
    }
}

/// Returns the wall clock in microseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or_default()
}
