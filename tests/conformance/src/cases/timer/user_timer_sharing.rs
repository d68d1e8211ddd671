//! User-driven timers between several users: order, exclusive use, slaves, queues, and their end.

use crate::case::cases;
use crate::client::{Client, at_tick, note_on};
use crate::timer_client::{
    Timer, UserTimer, clients, everything, own_slave, queue_slave, ticks_of,
};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::{sequencer as s, timers as t};
use aseqd_abi::seq::QueueTimer;
use aseqd_abi::timer::{ParamsFlags as F, TimerEvent as E};
use aseqd_abi::{Errno, EventType};
use std::time::Duration;

const MILLISECOND: u64 = 1_000_000;

/// Returns a file on a timer that runs with one tick, periodic, with every record; what has come is discarded.
fn user(driver: &UserTimer) -> Timer {
    let timer = Timer::tread(driver.id());
    assert_eq!(timer.set(F::AUTO, 1, everything()), Ok(()));
    assert_eq!(timer.start(), Ok(()));
    timer.discard();
    timer
}

/// Returns a client whose queue runs on a user-driven timer of a millisecond.
fn queue_on(driver: &UserTimer) -> (Client, u8) {
    let client = Client::with_port();
    let queue = client.create_queue();
    let timer = QueueTimer { queue: queue.into(), id: driver.id(), ..QueueTimer::default() };
    assert_eq!(client.query(s::SET_QUEUE_TIMER, timer).map(drop), Ok(()));
    (client, queue)
}

cases! {
    /// Every user gets each trigger, but one that starts while others run misses the first.
    fn every_user_gets_each_trigger() {
        let driver = UserTimer::create(MILLISECOND);
        let users = [user(&driver), user(&driver), user(&driver)];
        driver.trigger(4);
        assert_eq!(users.each_ref().map(|timer| ticks_of(&timer.records())), [4, 3, 3]);
        driver.trigger(2);
        assert_eq!(users.each_ref().map(|timer| ticks_of(&timer.records())), [2, 2, 2]);
    }

    /// One that stops gets no more, and the others go on.
    fn one_stops_and_the_others_go_on() {
        let driver = UserTimer::create(MILLISECOND);
        let users = [user(&driver), user(&driver)];
        driver.trigger(1);
        users[1].discard();
        assert_eq!(users[0].stop(), Ok(()));
        driver.trigger(2);
        assert_eq!(users.each_ref().map(|timer| ticks_of(&timer.records())), [1, 2]);
    }

    /// One that is closed leaves the others.
    fn one_is_closed_and_the_others_go_on() {
        let driver = UserTimer::create(MILLISECOND);
        let (first, second) = (user(&driver), user(&driver));
        drop(first);
        driver.trigger(2);
        assert_eq!(ticks_of(&second.records()), 2);
        crate::client::wait_until("it is gone", || clients(driver.id()) == 1);
    }

    /// Stopped and started again, it counts from there.
    fn stop_and_start_count_on() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = user(&driver);
        assert_eq!(timer.stop(), Ok(()));
        driver.trigger(3);
        assert_eq!(timer.start(), Ok(()));
        timer.discard();
        driver.trigger(2);
        assert_eq!(ticks_of(&timer.records()), 2);
    }

    /// A trigger while it is paused is lost.
    fn a_trigger_in_a_pause_is_lost() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = user(&driver);
        assert_eq!(timer.pause(), Ok(()));
        driver.trigger(3);
        assert_eq!(timer.resume(), Ok(()));
        timer.discard();
        driver.trigger(1);
        assert_eq!(ticks_of(&timer.records()), 1);
    }

    /// Two timers do not tick each other's users.
    fn two_timers_are_apart() {
        let drivers = [UserTimer::create(MILLISECOND), UserTimer::create(MILLISECOND)];
        let users = [user(&drivers[0]), user(&drivers[1])];
        drivers[0].trigger(2);
        drivers[1].trigger(5);
        assert_eq!(users.each_ref().map(|timer| ticks_of(&timer.records())), [2, 5]);
    }

    /// EXCLUSIVE use keeps others from the timer, and not its maker from triggering.
    fn exclusive_use_keeps_others_away() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = Timer::tread(driver.id());
        assert_eq!(timer.set(F::AUTO | F::EXCLUSIVE, 1, everything()), Ok(()));
        assert_eq!(Timer::open().select(driver.id()), Err(Errno::EBUSY));
        assert_eq!(timer.start(), Ok(()));
        timer.discard();
        driver.trigger(1);
        assert_eq!(ticks_of(&timer.records()), 1);
    }

    /// A SELECT of another timer ends the use of this one.
    fn selecting_another_ends_the_use() {
        let drivers = [UserTimer::create(MILLISECOND), UserTimer::create(MILLISECOND)];
        let timer = user(&drivers[0]);
        assert_eq!(timer.select(drivers[1].id()), Ok(()));
        timer.discard();
        drivers[0].trigger(1);
        assert_eq!((timer.events(), clients(drivers[0].id()), clients(drivers[1].id())), (vec![], 0, 1));
    }

    /// A full queue of records drops triggers, which STATUS counts.
    fn triggers_that_find_no_room_are_counted() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = Timer::tread(driver.id());
        let params = aseqd_abi::timer::TimerParams {
            flags: F::AUTO.bits(),
            ticks: 1,
            queue_size: 32,
            filter: 1 << E::START.0 | 1 << E::STOP.0 | 1 << E::TICK.0,
            ..aseqd_abi::timer::TimerParams::default()
        };
        assert_eq!(timer.params(params), Ok(()));
        for _ in 0..16 {
            assert_eq!((timer.start(), timer.stop()), (Ok(()), Ok(())));
        }
        assert_eq!(timer.start(), Ok(()));
        driver.trigger(3);
        assert_eq!((timer.status().queue, timer.status().overrun), (32, 4));
    }

    /// A slave starts and stops by itself, between triggers.
    fn a_slave_counts_while_it_runs() {
        let driver = UserTimer::create(MILLISECOND);
        let _master = user(&driver);
        let slave = Timer::slave(own_slave());
        driver.trigger(1);
        assert_eq!(slave.start(), Ok(()));
        slave.discard();
        driver.trigger(2);
        assert_eq!(slave.stop(), Ok(()));
        driver.trigger(4);
        assert_eq!(ticks_of(&slave.records()), 2);
    }

    /// When the timer goes, its user's slaves have no master, and find the next.
    fn slaves_outlive_the_timer() {
        let driver = UserTimer::create(MILLISECOND);
        let _master = user(&driver);
        let slave = Timer::slave(own_slave());
        drop(driver);
        assert_eq!((slave.bound(), slave.status().resolution), (Err(Errno::EBADFD), 0));
        let next = UserTimer::create(2 * MILLISECOND);
        let _master = Timer::tread(next.id());
        assert_eq!(slave.bound(), Ok(format!("snd-utimer{}", next.number)));
    }

    /// The end of the timer stops its users: each gets a record of that.
    fn the_end_of_the_timer_stops_its_users() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = user(&driver);
        drop(driver);
        assert_eq!((timer.told(), timer.readable()), (vec![(E::STOP, 0)], false));
    }

    /// Records that came before the end stay readable.
    fn records_outlive_the_timer() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = user(&driver);
        driver.trigger(3);
        drop(driver);
        assert_eq!(ticks_of(&timer.records()), 3);
    }

    /// A queue delivers what is due at the trigger that makes it due.
    fn a_queue_delivers_at_the_trigger() {
        let driver = UserTimer::create(MILLISECOND);
        let (client, queue) = queue_on(&driver);
        assert_eq!(client.control(queue, EventType::START, 0), Ok(EVENT_SIZE));
        for tick in [1_u32, 2] {
            client.must_send(&at_tick(note_on(client.port(0), tick.to_le_bytes()[0]), queue, tick));
        }
        // A tick is 500 ms / 96: 5.2 triggers.
        driver.trigger(5);
        assert!(!client.readable());
        driver.trigger(1);
        assert_eq!(client.wait_event().data.note().note, 1);
        driver.trigger(5);
        assert_eq!(client.wait_event().data.note().note, 2);
    }

    /// Two queues and a file use one timer. The queues start while the file runs, and miss the first trigger.
    fn queues_and_files_share_a_timer() {
        let driver = UserTimer::create(MILLISECOND);
        let (first, queue) = queue_on(&driver);
        let (second, other) = queue_on(&driver);
        let timer = user(&driver);
        assert_eq!(first.control(queue, EventType::START, 0), Ok(EVENT_SIZE));
        assert_eq!(second.control(other, EventType::START, 0), Ok(EVENT_SIZE));
        driver.trigger(10);
        assert_eq!((clients(driver.id()), ticks_of(&timer.records())), (3, 10));
        for (client, queue) in [(&first, queue), (&second, other)] {
            assert_eq!(client.control(queue, EventType::STOP, 0), Ok(EVENT_SIZE));
        }
        let positions = [(&first, queue), (&second, other)].map(|(client, queue)| client.status(queue).time.tv_nsec);
        assert!(positions.iter().all(|nsec| *nsec == 9_000_000), "{positions:?}");
    }

    /// A file that follows a queue on a user-driven timer gets its triggers.
    fn a_slave_of_a_queue_gets_the_triggers() {
        let driver = UserTimer::create(MILLISECOND);
        let (client, queue) = queue_on(&driver);
        let slave = Timer::slave(queue_slave(queue.into()));
        assert_eq!(slave.start(), Ok(()));
        assert_eq!(client.control(queue, EventType::START, 0), Ok(EVENT_SIZE));
        slave.discard();
        driver.trigger(3);
        assert_eq!(ticks_of(&slave.records()), 3);
    }

    /// A queue whose timer has gone stands still, and can be given another timer.
    fn a_queue_outlives_its_timer() {
        let driver = UserTimer::create(MILLISECOND);
        let (client, queue) = queue_on(&driver);
        assert_eq!(client.control(queue, EventType::START, 0), Ok(EVENT_SIZE));
        driver.trigger(3);
        drop(driver);
        let next = UserTimer::create(MILLISECOND);
        let timer = QueueTimer { queue: queue.into(), id: next.id(), ..QueueTimer::default() };
        assert_eq!(client.query(s::SET_QUEUE_TIMER, timer).map(drop), Ok(()));
        assert_eq!(client.control(queue, EventType::START, 0), Ok(EVENT_SIZE));
        next.trigger(2);
        assert_eq!(client.control(queue, EventType::STOP, 0), Ok(EVENT_SIZE));
        assert_eq!(client.status(queue).time.tv_nsec / 1_000_000, 2);
    }

    /// A read that sleeps is woken by a trigger.
    fn a_trigger_wakes_a_reader() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = Timer::open_blocking();
        assert_eq!(timer.format(t::TREAD64, 1), Ok(()));
        assert_eq!(timer.select(driver.id()), Ok(()));
        assert_eq!(timer.set(F::AUTO, 1, 1 << E::TICK.0), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        let reader = std::thread::spawn(move || timer.read_len(1000));
        std::thread::sleep(Duration::from_millis(20));
        driver.trigger(1);
        assert_eq!(reader.join().expect("no panic"), Ok(32));
    }

    /// Threads may trigger at the same time: every trigger counts.
    fn threads_may_trigger_at_once() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = user(&driver);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| driver.trigger(50));
            }
        });
        assert_eq!(ticks_of(&timer.records()), 200);
    }
}
