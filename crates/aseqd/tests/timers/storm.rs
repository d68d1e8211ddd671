//! Everything that can be asked of the timer device, by eight threads at once, on one open file and on
//! many, with files and queues that come and go meanwhile.
#![expect(clippy::disallowed_types, reason = "these threads are programs, not the server")]

use crate::common::seq::{self, Client};
use crate::common::{DEADLINE, inside, keeper, skip, status_of, wait_until};
use crate::device::{HRTIMER, MILLISECOND, SYSTEM, Timer};
use aseqd_abi::event::EventData;
use aseqd_abi::ioctl::{sequencer, timers as request};
use aseqd_abi::seq::{CLIENT_SYSTEM, PORT_SYSTEM_TIMER, QueueInfo, QueueTimer};
use aseqd_abi::timer::{
    CLASS_SLAVE, ParamsFlags, SCLASS_APPLICATION, SCLASS_SEQUENCER, TimerEvent, TimerId, TimerInfo,
    TimerStatus,
};
use aseqd_abi::{Address, Errno, Event, EventType};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;
use std::io::{self, Read as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const THREADS: u64 = 8;
/// How long the storm blows before the server's memory is measured: tables grow to what it needs.
const WARM_UP: Duration = Duration::from_millis(500);
/// How much the server may grow meanwhile: an allocator does not give everything back at once.
const GROWTH_KIB: u64 = 4096;
/// Number of ticks that the reader must see after the storm.
const TICKS_AFTER: u64 = 100;

/// Returns how long the storm blows: `ASEQD_STORM_SECONDS`.
fn duration() -> Duration {
    let seconds = std::env::var("ASEQD_STORM_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

/// What the threads share.
struct Weather {
    /// The open file that all use. It is closed and opened again now and then.
    shared: RwLock<Arc<Timer>>,
    over: AtomicBool,
    requests: AtomicU64,
}

#[test]
fn a_storm_of_requests_leaves_nothing_behind_and_takes_no_tick() {
    inside(|| {
        let seconds = duration();
        // The storm and what follows must be over before the deadline of the test that contains it.
        if seconds > DEADLINE + DEADLINE / 2 {
            return skip("ASEQD_STORM_SECONDS is at most 90");
        }
        let before = Timer::open();
        let queues = Client::open();
        storm(WARM_UP);
        let warm = status_of(keeper(), "VmRSS");
        let requests = storm(seconds);
        let grown = status_of(keeper(), "VmRSS").saturating_sub(warm);
        eprintln!("{requests} requests in {seconds:?}; the server has grown by {grown} KiB");
        assert!(grown < GROWTH_KIB, "{warm} KiB, and then {grown} KiB more");
        // The server learns of the last close of a file after `close` has returned.
        wait_until("nobody at the timers", || {
            before.users_of(HRTIMER) == 0 && before.users_of(SYSTEM) == 0
        });
        wait_until("no queue", || queues.system_info().cur_queues == 0);
        assert_eq!(queues.system_info().cur_clients, 3, "System, Midi Through and this one");
    });
}

/// Lets the storm blow beside a reader that must not miss a tick. Returns the number of requests.
fn storm(length: Duration) -> u64 {
    let weather = Arc::new(Weather {
        shared: RwLock::new(Arc::new(Timer::open())),
        over: AtomicBool::new(false),
        requests: AtomicU64::new(0),
    });
    // Bound before all others: EXCLUSIVE of the oldest is what keeps others away.
    let timer = Timer::ticking();
    let (ended, ends) = mpsc::channel();
    let mut threads = 0;
    let mut start = |work: Box<dyn FnOnce(&Weather) + Send>| {
        let (weather, ended) = (Arc::clone(&weather), ended.clone());
        thread::spawn(move || {
            work(&weather);
            // Nobody listens any more only if the test has failed already.
            let _heard = ended.send(());
        });
        threads += 1;
    };
    for number in 0..THREADS {
        start(Box::new(move |weather| gusts(weather, number)));
    }
    start(Box::new(queues_come_and_go));
    start(Box::new(move |weather| read_all(weather, &timer)));
    thread::sleep(length);
    weather.over.store(true, Ordering::Relaxed);
    // Once our own copy is dropped, a thread that panicked shows as a missing one.
    drop(ended);
    for missing in (1..=threads).rev() {
        let end = ends.recv_timeout(DEADLINE);
        end.unwrap_or_else(|why| panic!("{missing} threads have not ended: {why}"));
    }
    weather.requests.load(Ordering::Relaxed)
}

/// Makes one thread's requests until the storm is over.
fn gusts(weather: &Weather, number: u64) {
    let mut random = Random(number);
    let mut own = Arc::new(Timer::open());
    while !weather.over.load(Ordering::Relaxed) {
        let shared = random.below(2) == 0;
        let timer = match shared {
            true => Arc::clone(&weather.shared.read().unwrap_or_else(PoisonError::into_inner)),
            false => Arc::clone(&own),
        };
        let choice = random.below(100);
        let result = match choice {
            0..18 => timer.order(request::START),
            18..30 => timer.order(request::STOP),
            30..40 => timer.order(request::CONTINUE),
            40..50 => timer.order(request::PAUSE),
            50..60 => timer.select(some_timer(&mut random)),
            60..72 => timer.periodic(some_ticks(&mut random), some_flags(&mut random)),
            72..76 => timer.ioctl(request::TREAD64, &mut i32::from(random.below(2) == 0)),
            76..86 => (&timer.0).read(&mut [0; 4096]).map(drop),
            86..92 => wait(&timer, Duration::from_millis(random.below(2))).map(drop),
            92..94 => timer.ioctl(request::INFO, &mut TimerInfo::default()),
            94..96 => timer.ioctl(request::STATUS, &mut TimerStatus::default()),
            _ if shared => {
                *weather.shared.write().unwrap_or_else(PoisonError::into_inner) =
                    Arc::new(Timer::open());
                Ok(())
            }
            _ => {
                own = Arc::new(Timer::open());
                Ok(())
            }
        };
        if let Err(error) = result {
            assert_expected(choice, &error);
        }
        weather.requests.fetch_add(1, Ordering::Relaxed);
    }
}

/// Errors that a request may return, since the state of the file is unknown.
fn assert_expected(choice: u64, error: &io::Error) {
    let known = [Errno::EBUSY, Errno::EBADFD, Errno::EINVAL, Errno::EAGAIN, Errno::ENODEV];
    let number = error.raw_os_error();
    let expected = known.iter().any(|errno| number == Some(i32::from(errno.0)));
    assert!(expected, "request {choice}: {error}");
}

fn some_timer(random: &mut Random) -> TimerId {
    let slave = |dev_sclass, device| TimerId {
        dev_class: CLASS_SLAVE,
        dev_sclass,
        card: -1,
        device,
        subdevice: 0,
    };
    let own = rustix::thread::gettid().as_raw_nonzero().get();
    match random.below(6) {
        0..3 => HRTIMER,
        3 => SYSTEM,
        4 => slave(SCLASS_APPLICATION, own),
        _ => slave(SCLASS_SEQUENCER, 0),
    }
}

/// Lengths of reads, with some that are refused.
fn some_ticks(random: &mut Random) -> u32 {
    match random.below(4) {
        0 => 1,
        1 => MILLISECOND - 1,
        2 => MILLISECOND,
        _ => 2 * MILLISECOND,
    }
}

fn some_flags(random: &mut Random) -> ParamsFlags {
    match random.below(8) {
        0 => ParamsFlags::EXCLUSIVE,
        1 => ParamsFlags::EARLY_EVENT,
        _ => ParamsFlags::empty(),
    }
}

/// Creates a queue, gives it timers, starts, stops and deletes it, again and again.
fn queues_come_and_go(weather: &Weather) {
    let client = Client::open();
    let mut random = Random(u64::MAX);
    while !weather.over.load(Ordering::Relaxed) {
        let queue = client.create_queue();
        for _ in 0..random.below(4) {
            let id = some_timer(&mut random);
            let resolution = u32::try_from(random.below(3) * 1000).unwrap_or(0);
            let mut timer =
                QueueTimer { queue: queue.into(), id, resolution, ..QueueTimer::default() };
            // A timer may be full, or exclusive to somebody else. The queue then goes back to its default.
            let set = seq::ioctl(&client.file, sequencer::SET_QUEUE_TIMER, &mut timer);
            if let Err(error) = set {
                assert_expected(100, &error);
            }
            for event_type in [EventType::START, EventType::STOP, EventType::CONTINUE] {
                let event = Event {
                    dest: Address::new(CLIENT_SYSTEM, PORT_SYSTEM_TIMER),
                    data: EventData::from_queue(queue, 0, 0),
                    ..Event::direct(event_type)
                };
                client.write(&[event]).expect("a queue is controlled");
            }
        }
        let mut info = QueueInfo { queue: queue.into(), ..QueueInfo::default() };
        client.ioctl(sequencer::DELETE_QUEUE, &mut info);
        let count = client.system_info().cur_queues;
        assert!((0..=1).contains(&count), "{count} queues");
        weather.requests.fetch_add(4, Ordering::Relaxed);
    }
}

/// Sleeps in `poll` for each tick, through the storm and after it: none may be missing at the end, and no
/// sleep may outlast its tick by much.
fn read_all(weather: &Weather, timer: &Timer) {
    let mut ticks = 0;
    let mut wanted = None;
    let (mut first, mut last) = (0, 0);
    while wanted.is_none_or(|wanted| ticks < wanted) {
        if wanted.is_none() && weather.over.load(Ordering::Relaxed) {
            wanted = Some(ticks + TICKS_AFTER);
        }
        let woken = wait(timer, DEADLINE / 4).expect("poll");
        assert!(woken, "a tick woke nobody after {ticks} of them");
        for record in timer.records().expect("what poll has promised") {
            let at = record.tv_sec * 1_000_000_000 + record.tv_nsec;
            match TimerEvent(record.event) {
                TimerEvent::START => first = at,
                TimerEvent::TICK => {
                    assert_eq!(record.val % MILLISECOND, 0, "whole periods");
                    ticks += u64::from(record.val / MILLISECOND);
                    last = at;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let periods = u64::try_from((last - first) / i64::from(MILLISECOND)).expect("forward");
    assert_eq!(ticks, periods, "every period has its tick");
}

/// Returns whether the file becomes readable within a time.
fn wait(timer: &Timer, limit: Duration) -> io::Result<bool> {
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    let mut descriptors = [PollFd::new(&timer.0, PollFlags::IN)];
    let started = Instant::now();
    let ready = rustix::io::retry_on_intr(|| poll(&mut descriptors, Some(&limit)))?;
    assert!(started.elapsed() < DEADLINE, "poll knows its time");
    Ok(ready == 1)
}

/// Numbers that look random: splitmix64, public domain, of Sebastiano Vigna.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
