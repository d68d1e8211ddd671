//! Programs that watch for changes alone: every record that comes is one, read or unread.

use crate::case::cases;
use crate::client::PATIENCE;
use crate::timer_client::{HRTIMER, LONG, MS, Timer, UserTimer, everything, filter};
use aseqd_abi::timer::{ParamsFlags as F, TimerEvent as E, TimerParams};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

/// An edge-triggered watch.
struct Watch(OwnedFd);

impl Watch {
    fn on(file: impl AsFd) -> Self {
        let watch = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&watch, file, epoll::EventData::new_u64(7), flags).unwrap();
        Self(watch)
    }

    fn wait(&self, timeout: Timespec) -> usize {
        let mut events = Vec::with_capacity(4);
        rustix::io::retry_on_intr(|| {
            epoll::wait(&self.0, spare_capacity(&mut events), Some(&timeout))
        })
        .unwrap()
    }

    /// Waits for an edge.
    fn tells(&self) -> bool {
        self.wait(PATIENCE.try_into().unwrap()) == 1
    }

    /// There is no edge now.
    fn is_quiet(&self) -> bool {
        self.wait(Timespec { tv_sec: 0, tv_nsec: 0 }) == 0
    }
}

/// Nobody reads, and yet there are this many edges in time.
#[track_caller]
fn edges_come(watch: &Watch, edges: u32) {
    let end = Instant::now() + PATIENCE;
    for edge in 0..edges {
        assert!(watch.tells() && Instant::now() < end, "{edge} edges of {edges} in time");
    }
}

cases! {
    /// Edge-triggered, an epoll tells of every record, though those before are unread.
    fn timer_epoll_tells_of_every_record_at_its_edge() {
        let timer = Timer::once(LONG);
        let watch = Watch::on(&timer);
        assert!(watch.is_quiet());
        for _ in 0..5 {
            assert_eq!(timer.start(), Ok(()));
            assert!(watch.tells() && watch.is_quiet());
            assert_eq!(timer.stop(), Ok(()));
            assert!(watch.tells() && watch.is_quiet());
        }
        assert_eq!(timer.told().len(), 10);
        assert!(watch.is_quiet());
    }

    /// epoll does not report a record that the filter leaves out.
    fn timer_epoll_does_not_tell_of_what_is_filtered() {
        let timer = Timer::tread(HRTIMER);
        assert_eq!(timer.set(F::empty(), LONG, filter(&[E::STOP])), Ok(()));
        let watch = Watch::on(&timer);
        assert_eq!(timer.start(), Ok(()));
        assert!(watch.is_quiet());
        assert_eq!(timer.stop(), Ok(()));
        assert!(watch.tells() && watch.is_quiet());
        let plain = Timer::plain(HRTIMER);
        assert_eq!(plain.set(F::empty(), LONG, everything()), Ok(()));
        let watch = Watch::on(&plain);
        assert_eq!((plain.start(), plain.stop()), (Ok(()), Ok(())));
        assert!(watch.is_quiet());
    }

    /// epoll reports a record that finds no room.
    fn timer_epoll_tells_of_records_without_room() {
        let timer = Timer::tread(HRTIMER);
        let queue_size = 32;
        let params = TimerParams { ticks: LONG, filter: everything(), queue_size, ..TimerParams::default() };
        assert_eq!(timer.params(params), Ok(()));
        for _ in 0..queue_size {
            assert_eq!((timer.start(), timer.stop()), (Ok(()), Ok(())));
        }
        let watch = Watch::on(&timer);
        assert!(watch.tells() && watch.is_quiet());
        for _ in 0..3 {
            assert_eq!(timer.start(), Ok(()));
            assert!(watch.tells() && watch.is_quiet());
            assert_eq!(timer.stop(), Ok(()));
            assert!(watch.tells() && watch.is_quiet());
        }
        assert_eq!(timer.status().overrun, queue_size + 6);
    }

    /// epoll reports ticks that are added to the record before them.
    fn timer_epoll_tells_of_every_tick() {
        let timer = Timer::periodic(5 * MS);
        let watch = Watch::on(&timer);
        assert_eq!(timer.start(), Ok(()));
        edges_come(&watch, 12);
        assert_eq!(timer.stop(), Ok(()));
        // START, ticks of the resolution, STOP.
        assert!(timer.told().len() <= 4);
    }

    /// epoll reports every tick of plain records.
    fn timer_epoll_tells_of_every_tick_of_plain_records() {
        let timer = Timer::plain(HRTIMER);
        assert_eq!(timer.set(F::AUTO, 5 * MS, 0), Ok(()));
        let watch = Watch::on(&timer);
        assert_eq!(timer.start(), Ok(()));
        edges_come(&watch, 12);
        assert_eq!(timer.stop(), Ok(()));
        assert_eq!(timer.plain_records().len(), 1);
    }

    /// The record of EARLY_EVENT is there, but is no change.
    fn timer_epoll_and_early_events() {
        for timer in [Timer::plain(HRTIMER), Timer::tread(HRTIMER)] {
            let watch = Watch::on(&timer);
            assert_eq!(timer.set(F::EARLY_EVENT, LONG, 0), Ok(()));
            assert!(watch.is_quiet());
            assert!(timer.readable());
        }
    }

    /// A slave's records and those of a master that it has are told of one by one.
    fn timer_epoll_tells_of_a_masters_records() {
        let master = Timer::once(LONG);
        let slave = Timer::slave(crate::timer_client::own_slave());
        assert_eq!(slave.start(), Ok(()));
        let watch = Watch::on(&slave);
        assert!(watch.tells() && watch.is_quiet());
        for _ in 0..3 {
            assert_eq!(master.start(), Ok(()));
            assert!(watch.tells() && watch.is_quiet());
            assert_eq!(master.stop(), Ok(()));
            assert!(watch.tells() && watch.is_quiet());
        }
    }

    /// TRIGGER is told of each time.
    fn timer_epoll_tells_of_every_trigger() {
        let driver = UserTimer::create(1_000_000);
        let timer = Timer::tread(driver.id());
        assert_eq!(timer.set(F::AUTO, 1, filter(&[E::TICK])), Ok(()));
        let watch = Watch::on(&timer);
        assert_eq!(timer.start(), Ok(()));
        assert!(watch.is_quiet());
        for _ in 0..5 {
            driver.trigger(1);
            assert!(watch.tells() && watch.is_quiet());
        }
        assert_eq!(timer.told(), [(E::TICK, 5)]);
    }
}
