//! Queue structures: what it costs to hold, append and remove events, by the number of pending events.
//!
//! *Hold* takes the earliest event and inserts another one at a random time after it. *Append* inserts one
//! after all others. *Remove* takes out all events of one sender; the time is divided by the number of
//! pending events. The engine's queue is measured bare, like the structures beside it, and through the engine's
//! border, where the figures include decoding, pools and dispatch.

mod structure;

use super::device::{POOL, numbered, scheduled};
use super::random::Random;
use super::rig::{Member, Rig};
use super::row::{Line, Row, Side, Subject};
use super::setup::Setup;
use super::stats::{Figures, quantile};
use aseqd_abi::Address;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{CLIENT_DUMMY, RemoveEvents, RemoveMode};
use aseqd_engine::prioq::PrioQueue;
use aseqd_host::error::Fail;
use std::time::{Duration, Instant};
use structure::{Binary, Heap, List, Structure};
use zerocopy::IntoBytes as _;

/// Pending events.
const SIZES: [usize; 3] = [1000, 10_000, 100_000];
/// Pending events with `--quick`.
const QUICK_SIZES: [usize; 2] = [1000, 10_000];
/// Time spent on one figure.
const BUDGET: Duration = Duration::from_millis(20);
/// Operations between two reads of the clock.
const CHUNK: usize = 16;
/// Maximum number of pending events for the sorted list: with more, a step takes milliseconds.
const LIST_MAX: usize = 10_000;
/// Maximum number of clients that send. Linux allows 64 programs.
const MAX_CLIENTS: usize = 60;
/// Mean time between events in ns.
const GAP_NS: u64 = 1000;
/// Events appended at once: fewer than the free cells of a pool.
const APPENDED: usize = 200;
/// How often events are appended; the median counts.
const APPENDS: usize = 5;

/// Returns one row for each size.
pub(super) fn rows(setup: &Setup) -> Vec<Row> {
    let row = |size: &usize| {
        let size = *size;
        let mut subjects = vec![
            Subject::new(Side::Ours, "the engine's queue", move || {
                Ok(Line::only(bare::<PrioQueue>(size)))
            }),
            Subject::new(Side::Ours, "through the engine's border", move || {
                through_engine(size).map(Line::only)
            }),
            Subject::new(Side::Limit, "4-ary heap of keys, slab", move || {
                Ok(Line::only(bare::<Heap>(size)))
            }),
            Subject::new(Side::Peer, "std BinaryHeap", move || {
                Ok(Line::only(bare::<Binary>(size)))
            }),
        ];
        let name = "sorted list, as Linux has it";
        subjects.push(match size <= LIST_MAX {
            true => Subject::new(Side::Peer, name, move || Ok(Line::only(bare::<List>(size)))),
            false => Subject::missing(Side::Peer, name, "a step takes milliseconds"),
        });
        let title = format!("queue of {size}");
        Row { family: "queue", title, subjects }
    };
    let sizes: &[usize] = if setup.quick { &QUICK_SIZES } else { &SIZES };
    sizes.iter().map(row).collect()
}

fn figures(hold: f64, append: f64, remove: f64) -> Figures {
    vec![
        ("hold_ns".to_owned(), hold),
        ("append_ns".to_owned(), append),
        ("remove_ns_per_pending".to_owned(), remove),
    ]
}

/// Repeats a step for [`BUDGET`], and returns its mean time in ns.
fn per_step(mut step: impl FnMut() -> Result<(), Fail>) -> Result<f64, Fail> {
    let start = Instant::now();
    let mut steps = 0;
    while start.elapsed() < BUDGET {
        for _ in 0..CHUNK {
            step()?;
        }
        steps += CHUNK;
    }
    Ok(start.elapsed().as_nanos() as f64 / steps as f64)
}

/// Returns the median of several figures. The first one warms up and does not count.
fn median(figure: impl FnMut(usize) -> Option<f64>) -> f64 {
    let mut figures: Vec<f64> = (0..=APPENDS).map(figure).skip(1).flatten().collect();
    figures.sort_unstable_by(f64::total_cmp);
    quantile(&figures, 0.5)
}

/// Returns the range of random times, in ns, which keeps the mean gap the same for every size.
fn spread(size: usize) -> u64 {
    2 * GAP_NS * size as u64
}

fn bare<S: Structure>(size: usize) -> Figures {
    let mut random = Random::new(size as u64);
    let mut structure = S::default();
    let owners = (size / usize::try_from(POOL / 2).unwrap_or(1)).max(2);
    let event = numbered(0, Address::new(0, 0), Address::new(0, 0));
    for number in 0..size {
        structure.insert(random.below(spread(size)), number % owners, event);
    }
    let mut last = 0;
    let hold = per_step(|| {
        last = structure.pop().unwrap_or(last);
        structure.insert(last + random.below(spread(size)), 1, event);
        Ok(())
    });
    let mut behind = last + 2 * spread(size);
    let append = median(|_| {
        let start = Instant::now();
        for _ in 0..APPENDED {
            behind += 1;
            structure.insert(behind, 1, event);
        }
        Some(start.elapsed().as_nanos() as f64 / APPENDED as f64)
    });
    let pending = structure.len();
    let start = Instant::now();
    structure.remove_owner(0);
    let remove = start.elapsed().as_nanos() as f64 / pending as f64;
    figures(hold.unwrap_or(0.0), append, remove)
}

fn through_engine(size: usize) -> Result<Figures, Fail> {
    let mut rig = Rig::new();
    let members = (size / usize::try_from(POOL / 2).unwrap_or(1) + 1).clamp(2, MAX_CLIENTS);
    let members = (0..members).map(|_| rig.open()).collect::<Result<Vec<Member>, _>>()?;
    let queue = rig.start_queue(members[0])?;
    for member in &members[1..] {
        rig.use_queue(*member, queue)?;
    }
    let origin = rig.now.0;
    let through = Address::new(CLIENT_DUMMY, 0);
    let mut random = Random::new(size as u64);
    let send = |rig: &mut Rig, from: usize, at: u64| {
        let from = members[from % members.len()];
        let event = numbered(0, from.port, through);
        rig.write(from, scheduled(event, queue, at).as_bytes())
    };
    for number in 0..size {
        send(&mut rig, number, 1 + random.below(spread(size)))?;
    }
    let hold = per_step(|| {
        let due = rig.deadline().ok_or_else(|| Fail::new("no event waits in the engine"))?;
        rig.pass(due);
        let at = due.0 - origin + random.below(spread(size));
        // The random sender's pool may be full; another one has room.
        let mut from = usize::try_from(random.below(members.len() as u64)).unwrap_or(0);
        while send(&mut rig, from, at).is_err() {
            from += 1;
        }
        Ok(())
    })?;
    let mut behind = rig.now.0 - origin + 2 * spread(size);
    let mut bytes = Vec::with_capacity(APPENDED * EVENT_SIZE);
    let append = median(|number| {
        let from = members[number % members.len()];
        bytes.clear();
        for _ in 0..APPENDED {
            behind += 1;
            let event = scheduled(numbered(0, from.port, through), queue, behind);
            bytes.extend_from_slice(event.as_bytes());
        }
        let start = Instant::now();
        // A full pool takes nothing; the next client has room.
        let written = rig.write(from, &bytes).ok()? / EVENT_SIZE;
        (written > 0).then(|| start.elapsed().as_nanos() as f64 / written as f64)
    });
    let remove = RemoveEvents { remove_mode: RemoveMode::OUTPUT.bits(), ..RemoveEvents::default() };
    let start = Instant::now();
    rig.ask(members[0].file, request::REMOVE_EVENTS, remove)?;
    let remove = start.elapsed().as_nanos() as f64 / size as f64;
    Ok(figures(hold, append, remove))
}
