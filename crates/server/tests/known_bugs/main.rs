//! Races that Linux had, by their number in the catalogue of known bugs: the two sides of each run in two threads, on one
//! sequencer. The session takes the calls one by one, so in each order the answers are those of a sequence of calls.

mod lifetime;
mod queues;
mod timers;

use aseqd_abi::event::{EventData, EventTime};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{PortCaps, PortInfo, QueueInfo, SystemInfo};
use aseqd_client::DeviceFile;
use aseqd_client::aseqd_abi::{self, Address, Errno, Event, EventType};
use aseqd_client::zerocopy::{FromBytes, Immutable, IntoBytes};
use aseqd_server::aseqd_engine::{Access, Config, Node};
use aseqd_server::embedded::{File, Sequencer, TimeSource};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often each side runs at least.
const ROUNDS: usize = 200;
/// How long a side goes on if it has not succeeded yet.
const PATIENCE: Duration = Duration::from_secs(10);

fn sequencer() -> Sequencer {
    Sequencer::new(TimeSource::Real, Config::default())
}

fn client(sequencer: &Sequencer) -> File {
    let file = sequencer.open(Node::Sequencer, Access::ReadWrite).expect("a client");
    file.set_nonblocking(true).expect("a flag");
    file
}

fn ask<T: IntoBytes + FromBytes + Immutable>(
    file: &File,
    request: u32,
    mut argument: T,
) -> Result<T, Errno> {
    file.ioctl(request, argument.as_mut_bytes())?;
    Ok(argument)
}

fn number(file: &File) -> u8 {
    u8::try_from(ask(file, s::CLIENT_ID, 0_i32).expect("CLIENT_ID")).expect("a number")
}

/// Creates a port for anybody's use.
fn port(file: &File) -> Result<Address, Errno> {
    let caps = PortCaps::READ | PortCaps::WRITE | PortCaps::SUBS_READ | PortCaps::SUBS_WRITE;
    let addr = Address::new(number(file), 0);
    let info = PortInfo { addr, capability: caps.bits(), ..PortInfo::default() };
    ask(file, s::CREATE_PORT, info).map(|info| info.addr)
}

fn create_queue(file: &File) -> Result<i32, Errno> {
    ask(file, s::CREATE_QUEUE, QueueInfo::default()).map(|info| info.queue)
}

fn delete_queue(file: &File, queue: i32) -> Result<QueueInfo, Errno> {
    ask(file, s::DELETE_QUEUE, QueueInfo { queue, ..QueueInfo::default() })
}

fn note(dest: Address) -> Event {
    Event { dest, ..Event::direct(EventType::NOTEON) }
}

/// Returns a note that is due at a tick of queue 0.
fn note_at(dest: Address, tick: u32) -> Event {
    Event { queue: 0, time: EventTime::tick(tick), ..note(dest) }
}

/// Starts queue 0.
fn start(file: &File) -> Result<usize, Errno> {
    let data = EventData::from_queue(0, 0, 0);
    let event = Event { data, dest: Address::new(0, 0), ..Event::direct(EventType::START) };
    file.write(event.as_bytes())
}

fn read(file: &File) -> Result<usize, Errno> {
    file.read(&mut [0; 28 * 16])
}

/// Runs all sides at the same time, each in a thread. A side returns whether it did what it is for. All do at least
/// once.
fn race(sides: &[&(dyn Fn() -> bool + Sync)]) {
    let begin = Barrier::new(sides.len());
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for side in sides {
            scope.spawn(|| {
                let mut reached = 0;
                begin.wait();
                let end = Instant::now() + PATIENCE;
                let mut round = 0;
                // Nobody stops before the others have reached what they are for.
                let mut counted = false;
                while round < ROUNDS || done.load(Ordering::SeqCst) < sides.len() {
                    reached += usize::from(side());
                    if reached > 0 && !counted {
                        counted = true;
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                    round += 1;
                    assert!(Instant::now() < end, "a side never did what it is for");
                }
            });
        }
    });
}

/// Checks that nothing is left of all clients that were there.
fn assert_fresh(sequencer: &Sequencer) {
    let file = client(sequencer);
    let info = ask(&file, s::SYSTEM_INFO, SystemInfo::default()).expect("SYSTEM_INFO");
    assert_eq!((number(&file), info.cur_clients, info.cur_queues), (128, 3, 0));
}
