//! Queues of the sequencer as users of timers, and slaves that follow a queue.

use crate::case::cases;
use crate::client::{Client, at_tick, note_on, wait_until};
use crate::timer_client::{
    HRTIMER, LONG, MS, SYSTEM, Timer, UserTimer, alone_on, clients, jiffy, now, own_slave, pid,
    queue_slave, slave, ticks_of,
};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::QueueTimer;
use aseqd_abi::timer::{ParamsFlags as F, SCLASS_SEQUENCER, TimerEvent as E, TimerId};
use aseqd_abi::{Errno, EventType as T};
use std::time::Duration;

/// SET_QUEUE_TIMER.
fn set(client: &Client, queue: u8, id: TimerId, resolution: u32) -> Result<(), Errno> {
    let timer = QueueTimer { queue: queue.into(), id, resolution, ..QueueTimer::default() };
    client.query(s::SET_QUEUE_TIMER, timer).map(drop)
}

/// Returns a client and its queue, which runs on a timer. Skips the case without a timer device.
fn queue_on(id: TimerId, resolution: u32) -> (Client, u8) {
    Timer::open();
    let client = Client::with_port();
    let queue = client.create_queue();
    assert_eq!(set(&client, queue, id, resolution), Ok(()), "SET_QUEUE_TIMER");
    (client, queue)
}

/// Returns a slave of a queue, that runs, with every record.
fn follower(queue: u8) -> Timer {
    let timer = Timer::slave(queue_slave(queue.into()));
    assert_eq!(timer.start(), Ok(()));
    timer.discard();
    timer
}

fn control(client: &Client, queue: u8, order: T) {
    assert_eq!(client.control(queue, order, 0), Ok(EVENT_SIZE));
}

/// Returns a queue's position in time.
fn position(client: &Client, queue: u8) -> Duration {
    let time = client.status(queue).time;
    Duration::new(time.tv_sec.into(), time.tv_nsec)
}

/// Returns the timer that a queue shows.
fn shown(client: &Client, queue: u8) -> TimerId {
    client.timer(queue).id
}

/// Returns an id as a queue shows it.
fn as_shown(id: TimerId) -> TimerId {
    TimerId { dev_sclass: SCLASS_SEQUENCER, ..id }
}

/// Returns a file with the exclusive use of a timer.
fn hold(id: TimerId) -> Timer {
    alone_on(id);
    let timer = Timer::plain(id);
    assert_eq!(timer.set(F::EXCLUSIVE, LONG, 0), Ok(()));
    timer
}

cases! {
    /// A new queue is a client of HRTIMER.
    fn a_queue_is_a_client_of_hrtimer() {
        alone_on(HRTIMER);
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!((shown(&client, queue), clients(HRTIMER)), (as_shown(HRTIMER), 1));
        assert_eq!(client.delete_queue(queue), Ok(()));
        assert_eq!(clients(HRTIMER), 0);
    }

    /// Another timer takes over as soon as it is asked for.
    fn another_timer_takes_over_at_once() {
        alone_on(HRTIMER);
        let before = clients(SYSTEM);
        let (_client, _queue) = queue_on(SYSTEM, 0);
        assert_eq!((clients(HRTIMER), clients(SYSTEM)), (0, before + 1));
    }

    /// The system timer replaces a timer that does not exist.
    fn the_system_timer_stands_in() {
        let before = clients(SYSTEM);
        let (client, queue) = queue_on(crate::timer_client::MISSING, 0);
        assert_eq!(clients(SYSTEM), before + 1);
        assert_eq!(shown(&client, queue), as_shown(crate::timer_client::MISSING));
    }

    /// A queue that nobody uses has no timer; when somebody does it has the default one.
    fn a_queue_without_users_has_no_timer() {
        alone_on(HRTIMER);
        let before = clients(SYSTEM);
        let (client, queue) = queue_on(SYSTEM, 0);
        assert_eq!(client.use_queue(queue, false), Ok(()));
        assert_eq!(clients(SYSTEM), before);
        assert_eq!(client.use_queue(queue, true), Ok(()));
        assert_eq!((clients(HRTIMER), clients(SYSTEM)), (1, before));
        assert_eq!(shown(&client, queue), as_shown(HRTIMER));
    }

    /// Each queue has a timer of its own, which goes with its client.
    fn the_timers_go_with_the_client() {
        let before = clients(SYSTEM);
        let (client, _first) = queue_on(SYSTEM, 0);
        let second = client.create_queue();
        assert_eq!(set(&client, second, SYSTEM, 0), Ok(()));
        assert_eq!(clients(SYSTEM), before + 2);
        drop(client);
        wait_until("both are gone", || clients(SYSTEM) == before);
    }

    /// A timer that a queue uses is busy for GPARAMS.
    fn the_timer_of_a_queue_is_busy() {
        let (_client, _queue) = queue_on(SYSTEM, 0);
        assert_eq!(Timer::open().gparams(SYSTEM), Err(Errno::EBUSY));
    }

    /// When HRTIMER is held exclusively, a new queue runs on the system timer.
    fn a_new_queue_evades_an_exclusive_hrtimer() {
        let _holder = hold(HRTIMER);
        let before = clients(SYSTEM);
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!((clients(HRTIMER), clients(SYSTEM)), (1, before + 1));
        assert_eq!(shown(&client, queue), as_shown(HRTIMER));
        client.start(queue);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 1));
        client.wait_event();
    }

    /// When the system timer is held exclusively, a queue that asks for it gets all its defaults.
    fn an_exclusive_system_timer_restores_the_defaults() {
        alone_on(HRTIMER);
        let _holder = hold(SYSTEM);
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(client.set_tempo(queue, 400_000, 48), Ok(()));
        assert_eq!(set(&client, queue, SYSTEM, 50), Ok(()));
        assert_eq!((shown(&client, queue), client.timer(queue).resolution), (as_shown(HRTIMER), 0));
        assert_eq!((clients(HRTIMER), clients(SYSTEM)), (1, 1));
        assert_eq!(client.tempo(queue).tempo, 500_000);
    }

    /// When both are held, a queue is created, has no timer, and cannot start.
    fn a_queue_without_any_timer_does_not_start() {
        let _holders = (hold(HRTIMER), hold(SYSTEM));
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!((clients(HRTIMER), clients(SYSTEM)), (1, 1));
        control(&client, queue, T::START);
        assert_eq!(client.status(queue).running, 0);
        assert_eq!(set(&client, queue, SYSTEM, 0), Err(Errno::EBUSY));
    }

    /// An exclusive timer that a queue was on before does not disturb it.
    fn a_queue_that_was_first_stays() {
        alone_on(SYSTEM);
        let (client, queue) = queue_on(SYSTEM, 0);
        let holder = Timer::plain(SYSTEM);
        assert_eq!(holder.set(F::EXCLUSIVE, LONG, 0), Ok(()));
        control(&client, queue, T::START);
        assert_eq!(client.status(queue).running, 1);
        // The queue is the oldest: it is not exclusive.
        assert_eq!(Timer::open().select(SYSTEM), Ok(()));
    }

    /// A slave finds a queue by its number once the timer was set, before by -1.
    fn a_slave_finds_a_queue_by_its_number() {
        Timer::open();
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(Timer::plain(queue_slave(queue.into())).bound(), Err(Errno::EBADFD));
        assert_eq!(Timer::plain(queue_slave(-1)).bound(), Ok("hrtimer".into()));
        assert_eq!(set(&client, queue, SYSTEM, 0), Ok(()));
        assert_eq!(Timer::plain(queue_slave(queue.into())).bound(), Ok("system".into()));
    }

    /// A slave that waits for a queue is linked when the queue's timer is set.
    fn a_slave_waits_for_a_queue() {
        let timer = Timer::open();
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(timer.select(queue_slave(queue.into())), Ok(()));
        assert_eq!(timer.bound(), Err(Errno::EBADFD));
        assert_eq!(set(&client, queue, HRTIMER, 0), Ok(()));
        assert_eq!(timer.bound(), Ok("hrtimer".into()));
    }

    /// Slaves of other classes do not find a queue.
    fn only_slaves_of_the_sequencer_find_a_queue() {
        let (_client, queue) = queue_on(HRTIMER, 0);
        for class in [1, 3] {
            let timer = Timer::plain(slave(class, queue.into()));
            assert_eq!(timer.bound(), Err(Errno::EBADFD), "{class}");
        }
    }

    /// A slave gets MSTART for a queue's START and CONTINUE, and MPAUSE for its STOP.
    fn a_slave_hears_of_start_stop_and_continue() {
        let (client, queue) = queue_on(HRTIMER, 10);
        let timer = follower(queue);
        for order in [T::START, T::STOP, T::CONTINUE, T::STOP] {
            control(&client, queue, order);
        }
        let mut events = timer.events();
        events.retain(|event| ![E::RESOLUTION, E::TICK].contains(event));
        assert_eq!(events, [E::MSTART, E::MPAUSE, E::MSTART, E::MPAUSE]);
    }

    /// A START of a queue that runs is MPAUSE and MSTART.
    fn a_slave_hears_of_a_second_start() {
        let (client, queue) = queue_on(HRTIMER, 10);
        let timer = follower(queue);
        control(&client, queue, T::START);
        control(&client, queue, T::START);
        let mut events = timer.events();
        events.retain(|event| ![E::RESOLUTION, E::TICK].contains(event));
        assert_eq!(events, [E::MSTART, E::MPAUSE, E::MSTART]);
    }

    /// The end of a queue that runs is MPAUSE, and the slave waits again.
    fn a_slave_hears_of_the_end_of_a_queue() {
        let (client, queue) = queue_on(HRTIMER, 10);
        let timer = follower(queue);
        control(&client, queue, T::START);
        assert_eq!(client.delete_queue(queue), Ok(()));
        assert_eq!(timer.bound(), Err(Errno::EBADFD));
        let mut events = timer.events();
        events.retain(|event| ![E::RESOLUTION, E::TICK].contains(event));
        assert_eq!(events, [E::MSTART, E::MPAUSE]);
    }

    /// A slave gets the periods of the queue's timer: a millisecond if nothing was asked for.
    fn a_slave_gets_the_periods_of_the_queue() {
        // Hertz, and the period in nanoseconds: 0 is 1000, and 10 to 6250 are the limits.
        let rates = [(0, 1_000_000), (1000, 1_000_000), (100, 10_000_000), (333, 3_003_003)];
        let limits = [(1, 100_000_000), (10, 100_000_000), (6250, 160_000), (1_000_000, 160_000)];
        for (resolution, period) in rates.into_iter().chain(limits) {
            let (client, queue) = queue_on(HRTIMER, resolution);
            let timer = follower(queue);
            control(&client, queue, T::START);
            let begin = timer.records();
            let records = timer.wait_ticks(1);
            let ticks = ticks_of(&begin) + ticks_of(&records);
            assert!(ticks >= period, "{resolution} Hz: {ticks}");
            // What is late is whole periods, each of which adds a tick again and again: of short
            // ones that may be many.
            let rest = ticks % period;
            assert!(rest < period / 4 || period < 1_000_000, "{resolution} Hz: {ticks}");
        }
    }

    /// On the system timer the periods are its ticks.
    fn a_slave_gets_ticks_of_the_system_timer() {
        let (client, queue) = queue_on(SYSTEM, 0);
        let timer = follower(queue);
        control(&client, queue, T::START);
        let records = timer.wait_ticks(2);
        control(&client, queue, T::STOP);
        let resolution = records.iter().find(|record| E(record.event) == E::RESOLUTION);
        assert_eq!(resolution.map(|record| record.val), Some(jiffy()));
    }

    /// On the system timer a queue stands at whole ticks of it.
    fn a_queue_on_the_system_timer_stands_at_whole_ticks() {
        let (client, queue) = queue_on(SYSTEM, 0);
        let jiffy = Duration::from_nanos(jiffy().into());
        control(&client, queue, T::START);
        wait_until("it moves", || client.status(queue).tick > 3);
        control(&client, queue, T::STOP);
        let time = position(&client, queue);
        assert_eq!(time.as_nanos() % jiffy.as_nanos(), 0, "{time:?}");
        assert!(!time.is_zero());
    }

    /// A queue on any timer lets an event out no earlier than it is due.
    fn a_queue_is_not_early_on_any_timer() {
        for (id, resolution) in [(SYSTEM, 0), (SYSTEM, 20), (HRTIMER, 0), (HRTIMER, 100)] {
            let (client, queue) = queue_on(id, resolution);
            let slack = Duration::from_nanos(jiffy().into());
            let due = Duration::from_millis(30);
            let begin = now();
            control(&client, queue, T::START);
            client.must_send(&crate::client::at_time(note_on(client.port(0), 1), queue, due));
            client.wait_event();
            // The first tick of the system timer may be short.
            assert!(now() - begin + slack >= due, "{id:?} {resolution}");
        }
    }

    /// A queue follows a program's timer.
    fn a_queue_follows_a_programs_timer() {
        let master = Timer::periodic(MS);
        let (client, queue) = queue_on(own_slave(), 0);
        assert_eq!(shown(&client, queue), own_slave());
        control(&client, queue, T::START);
        std::thread::sleep(Duration::from_millis(10));
        assert_eq!((client.status(queue).tick, client.status(queue).running), (0, 1));
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 2));
        assert_eq!(master.start(), Ok(()));
        client.wait_event();
        assert_eq!(master.stop(), Ok(()));
        let tick = client.status(queue).tick;
        std::thread::sleep(Duration::from_millis(15));
        assert_eq!(client.status(queue).tick, tick);
    }

    /// A queue on a program's timer moves by the ticks that the program triggers.
    fn a_queue_moves_with_a_programs_timer() {
        let master = Timer::periodic(MS);
        let (client, queue) = queue_on(own_slave(), 0);
        control(&client, queue, T::START);
        assert_eq!(master.start(), Ok(()));
        let mut records = master.wait_ticks(20 * MS);
        assert_eq!(master.stop(), Ok(()));
        control(&client, queue, T::STOP);
        records.extend(master.records());
        assert_eq!(position(&client, queue), Duration::from_nanos(ticks_of(&records)));
    }

    /// A queue that follows nobody is taken, and stands.
    fn a_queue_that_follows_nobody_stands() {
        let (client, queue) = queue_on(slave(1, -77), 0);
        assert_eq!(shown(&client, queue), slave(1, -77));
        control(&client, queue, T::START);
        std::thread::sleep(Duration::from_millis(15));
        control(&client, queue, T::STOP);
        assert_eq!((client.status(queue).tick, position(&client, queue)), (0, Duration::ZERO));
    }

    /// A queue that follows is no client of a timer.
    fn a_queue_that_follows_is_no_client() {
        let _master = Timer::periodic(MS);
        let before = clients(HRTIMER);
        let (_client, _queue) = queue_on(slave(1, pid()), 0);
        assert_eq!(clients(HRTIMER), before);
    }

    /// A queue on a user-driven timer moves by one period at each trigger, and no more.
    fn a_queue_moves_with_a_user_timer() {
        let driver = UserTimer::create(1_000_000);
        let (client, queue) = queue_on(driver.id(), 0);
        control(&client, queue, T::START);
        client.must_send(&at_tick(note_on(client.port(0), 7), queue, 1));
        driver.trigger(5);
        assert_eq!((client.status(queue).tick, client.notes()), (0, vec![]));
        driver.trigger(1);
        assert_eq!((client.status(queue).tick, client.notes()), (1, vec![7]));
        control(&client, queue, T::STOP);
        assert_eq!(position(&client, queue), Duration::from_millis(6));
        driver.trigger(3);
        control(&client, queue, T::CONTINUE);
        driver.trigger(4);
        control(&client, queue, T::STOP);
        assert_eq!(position(&client, queue), Duration::from_millis(10));
    }

    /// When its timer goes, a queue stops for good, until it gets another.
    fn a_queue_without_its_user_timer_does_not_start() {
        let driver = UserTimer::create(1_000_000);
        let id = driver.id();
        let (client, queue) = queue_on(id, 0);
        drop(driver);
        control(&client, queue, T::START);
        assert_eq!((client.status(queue).running, shown(&client, queue)), (0, as_shown(id)));
        assert_eq!(set(&client, queue, HRTIMER, 0), Ok(()));
        control(&client, queue, T::START);
        wait_until("it moves", || client.status(queue).tick > 0);
    }
}
