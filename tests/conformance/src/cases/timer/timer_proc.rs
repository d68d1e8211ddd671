//! What `/proc/asound/timers` says.

use crate::case::{cases, skip};
use crate::client::Client;
use crate::timer_client::{
    HRTIMER, LONG, SYSTEM, Timer, UserTimer, alone_on, jiffy, own_slave, pid,
};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::QueueTimer;
use aseqd_abi::timer::ParamsFlags as F;

/// Returns the lines of the text. Skips the case if there is none.
fn lines() -> Vec<String> {
    match std::fs::read_to_string("/proc/asound/timers") {
        Ok(text) => text.lines().map(str::to_owned).collect(),
        Err(_) => skip("there is no /proc/asound/timers"),
    }
}

/// Who uses a timer, whose line begins so.
fn users(head: &str) -> Vec<String> {
    let lines = lines();
    let behind = lines.iter().skip_while(|line| !line.starts_with(head)).skip(1);
    behind.take_while(|line| line.starts_with("  ")).cloned().collect()
}

/// Returns the line of a program's instance.
fn own(state: &str) -> String {
    format!("  Client application {} : {state}", pid())
}

cases! {
    /// The system timer has a line, with its resolution and the most ticks.
    fn proc_has_the_system_timer() {
        let us = jiffy() / 1000;
        let ns = jiffy() % 1000;
        let expected = format!("G0: system timer : {us}.{ns:03}us (10000000 ticks)");
        assert!(lines().contains(&expected), "{:?}", lines());
    }

    /// HRTIMER has a line.
    fn proc_has_hrtimer() {
        let _timer = Timer::plain(HRTIMER);
        let expected = "G3: HR timer : 0.001us (1000000000 ticks)".to_owned();
        assert!(lines().contains(&expected), "{:?}", lines());
    }

    /// A user-driven timer has a line: its name is empty.
    fn proc_has_user_timers() {
        lines();
        let _driver = UserTimer::create(2_500_000);
        let expected = "G4:  : 2500.000us (1 ticks)".to_owned();
        assert!(lines().contains(&expected), "{:?}", lines());
    }

    /// Each instance that is bound has a line below its timer, in the order of binding.
    fn proc_has_who_is_bound() {
        alone_on(SYSTEM);
        let first = Timer::plain(SYSTEM);
        let second = Timer::plain(SYSTEM);
        assert_eq!(second.set(F::AUTO, 1000, 0), Ok(()));
        assert_eq!(second.start(), Ok(()));
        assert_eq!(users("G0:"), [own("stopped"), own("running")]);
        drop(first);
        crate::client::wait_until("it is gone", || users("G0:") == [own("running")]);
    }

    /// A paused instance is shown as stopped, one that waits for the next interrupt as running.
    fn proc_calls_waiting_running() {
        alone_on(HRTIMER);
        let (first, second) = (Timer::periodic(LONG), Timer::periodic(LONG));
        assert_eq!((first.start(), second.start()), (Ok(()), Ok(())));
        assert_eq!(users("G3:"), [own("running"), own("running")]);
        assert_eq!((first.pause(), second.stop()), (Ok(()), Ok(())));
        assert_eq!(users("G3:"), [own("stopped"), own("stopped")]);
    }

    /// A one-shot instance that has fired is shown as stopped.
    fn proc_calls_fired_stopped() {
        alone_on(SYSTEM);
        let timer = Timer::plain(SYSTEM);
        assert_eq!(timer.start(), Ok(()));
        timer.wait_queue(1);
        assert_eq!(users("G0:"), [own("stopped")]);
    }

    /// Slaves have no line.
    fn proc_has_no_slaves() {
        alone_on(SYSTEM);
        let _master = Timer::plain(SYSTEM);
        let _slave = Timer::slave(own_slave());
        assert_eq!(users("G0:"), [own("stopped")]);
    }

    /// A new queue is called -1, and by its number when its timer was set.
    fn proc_has_queues() {
        alone_on(HRTIMER);
        lines();
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(users("G3:"), ["  Client sequencer queue -1 : stopped"]);
        let info = QueueTimer { queue: queue.into(), id: HRTIMER, ..QueueTimer::default() };
        client.query(s::SET_QUEUE_TIMER, info).unwrap();
        assert_eq!(users("G3:"), [format!("  Client sequencer queue {queue} : stopped")]);
        client.start(queue);
        assert_eq!(users("G3:"), [format!("  Client sequencer queue {queue} : running")]);
    }

    /// The name is that of the thread that bound it.
    fn proc_names_the_thread() {
        alone_on(SYSTEM);
        lines();
        let timer = Timer::open();
        let thread = std::thread::scope(|scope| {
            let binder = scope.spawn(|| {
                assert_eq!(timer.select(SYSTEM), Ok(()));
                rustix::thread::gettid().as_raw_nonzero().get()
            });
            binder.join().unwrap()
        });
        assert_eq!(users("G0:"), [format!("  Client application {thread} : stopped")]);
    }
}
