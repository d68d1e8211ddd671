//! A model of a sequencer whose queue follows a timer, with a bug that the kernel once had.
//!
//! A due event is addressed to a client that does not exist. The look-up therefore loads the driver of
//! the card to which such a client would belong. That waits, in a callback with interrupts off. One
//! cause makes three reports: a sleeping call in atomic context; the timer's lock, which a hardirq takes
//! elsewhere, taken with interrupts on; interrupts restored that are on already.
//!
//! The fix is another look-up for delivery, which loads nothing.

use lockdep::{Mutex, SpinLock, Work, hardirq_enter, might_sleep, softirq_enter, work};

/// A client number of the first card. The numbers 16 to 127 belong to cards.
const DESTINATION: usize = 40;

/// An instance of a timer. All instances are one class, because one line makes them.
struct Timer {
    lock: SpinLock<TimerState>,
}

#[derive(Default)]
struct TimerState {
    ticks: u64,
    running: u64,
}

impl Timer {
    const fn new() -> Self {
        Self { lock: SpinLock::named("&timer->lock", TimerState { ticks: 0, running: 0 }) }
    }
}

static HRTIMER: Timer = Timer::new();
static SYSTEM_TIMER: Timer = Timer::new();
static USER_TIMER: Timer = Timer::new();
static USER_TIMER_WORK: Work = work!("events_highpri", "timer_work", "&timer->task_work");

static CARDS: Mutex<[bool; 8]> = Mutex::named("snd_card_mutex", [false; 8]);
static DRIVER_LOADED: Completion = Completion::new();

/// Something for whose end a thread waits.
struct Completion {
    done: SpinLock<bool>,
}

impl Completion {
    const fn new() -> Self {
        Self { done: SpinLock::named("&x->wait", false) }
    }

    /// Waits for the end. The thread sleeps, so interrupts are on afterwards.
    fn wait(&self) {
        might_sleep!();
        let is_done = *self.done.lock_irq();
        assert!(!is_done, "nobody loads a driver in this model");
    }
}

/// Returns the driver of a card, and loads it if it is missing.
fn request_card(card: usize) {
    let is_there = CARDS.lock()[card];
    if !is_there {
        DRIVER_LOADED.wait();
    }
}

/// Returns the client of a number, for requests of programs. It may load a driver.
#[inline(never)]
fn client_load(number: usize) -> Option<&'static str> {
    request_card((number - 16) / 4);
    client(number)
}

/// Returns the client of a number without loading anything.
#[inline(never)]
fn client(number: usize) -> Option<&'static str> {
    (number == 0).then_some("System")
}

/// Delivers an event, and returns whether a client got it.
#[inline(never)]
fn deliver_event(number: usize, fixed: bool) -> bool {
    let found = if fixed { client(number) } else { client_load(number) };
    found.is_some()
}

/// The queue's part of a tick: it sends what is due.
#[inline(never)]
fn check_queue(fixed: bool) {
    deliver_event(DESTINATION, fixed);
}

/// A tick of the hrtimer. It is an interrupt, so it takes the lock as it is.
fn hrtimer_callback() {
    let _irq = hardirq_enter("hrtimer_callback");
    HRTIMER.lock.lock().ticks += 1;
}

/// A tick of the system timer. It is a softirq, so it has to keep the hrtimer out.
fn system_timer_function() {
    let _softirq = softirq_enter("system_timer_function");
    SYSTEM_TIMER.lock.lock_irqsave().ticks += 1;
}

/// A tick of a user's timer. The callbacks run later, in a worker, with interrupts off and without the
/// lock.
#[inline(never)]
fn timer_work(fixed: bool) {
    let _work = USER_TIMER_WORK.enter();
    let mut state = USER_TIMER.lock.lock_irqsave();
    state.running += 1;
    state.unlocked(|| check_queue(fixed));
    state.running -= 1;
}

/// Runs two correct ticks, then the one that delivers.
pub(crate) fn run(fixed: bool) {
    // The kernel reports sleeping at most once a second.
    lockdep::set_sleep_report_interval(std::time::Duration::from_secs(1));
    hrtimer_callback();
    system_timer_function();
    let worker = std::thread::Builder::new().name("kworker/0:1H".to_owned());
    let worker = worker.spawn(move || timer_work(fixed)).expect("a thread");
    worker.join().expect("the work is done");
}
