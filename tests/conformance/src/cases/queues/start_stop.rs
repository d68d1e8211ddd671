//! START, CONTINUE, STOP.

use crate::case::cases;
use crate::client::{Client, at_tick, at_time, control, note_on};
use aseqd_abi::EventType as T;
use aseqd_abi::event::EVENT_SIZE;
use std::time::Duration;

/// Returns a client and a queue that has run, stands at 0 and is stopped.
fn stopped() -> (Client, u8) {
    let client = Client::with_port();
    let queue = client.create_queue();
    client.start(queue);
    assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
    assert_eq!(client.control(queue, T::SETPOS_TICK, 0), Ok(EVENT_SIZE));
    client.must_send(&control(queue, T::SETPOS_TIME, 0, 0));
    (client, queue)
}

cases! {
    /// START removes what waits for a tick or a time beyond 0.
    fn start_removes_waiting_events() {
        let (client, queue) = stopped();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 10));
        client.must_send(&at_time(note_on(client.port(0), 2), queue, Duration::from_nanos(1)));
        assert_eq!(client.status(queue).events, 2);
        client.start(queue);
        assert_eq!(client.status(queue).events, 0);
        assert_eq!(client.pool().output_free, 500);
        assert_eq!(client.types(), []);
    }

    /// START removes the events of all clients.
    fn start_removes_everybodys_events() {
        let (owner, queue) = stopped();
        let other = Client::with_port();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        other.must_send(&at_tick(note_on(other.port(0), 1), queue, 10));
        owner.start(queue);
        assert_eq!((other.status(queue).events, other.pool().output_free), (0, 500));
    }

    /// START sets tick and time to 0.
    fn start_begins_at_zero() {
        let (client, queue) = stopped();
        client.move_to_tick(queue, 1_000_000);
        client.move_to_time(queue, 5000, 0);
        client.start(queue);
        let status = client.status(queue);
        assert!(status.tick < 1_000_000 && status.time.tv_sec < 5000);
    }

    /// START of a running queue begins at 0 again.
    fn start_of_a_running_queue_begins_again() {
        let (client, queue) = stopped();
        client.start(queue);
        assert_eq!(client.control(queue, T::SETPOS_TICK, 1_000_000), Ok(EVENT_SIZE));
        client.start(queue);
        assert!(client.status(queue).tick < 1_000_000);
        assert_eq!(client.status(queue).running, 1);
    }

    /// START keeps tempo, ppq and skew.
    fn start_keeps_the_tempo() {
        let (client, queue) = stopped();
        assert_eq!(client.set_tempo(queue, 123_456, 77), Ok(()));
        client.must_send(&control(queue, T::QUEUE_SKEW, 0x8000, 0x10000));
        client.start(queue);
        let tempo = client.tempo(queue);
        assert_eq!((tempo.tempo, tempo.ppq, tempo.skew_value), (123_456, 77, 0x8000));
    }

    /// CONTINUE goes on where the queue stands.
    fn continue_goes_on() {
        let (client, queue) = stopped();
        client.move_to_tick(queue, 1000);
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        let status = client.status(queue);
        assert!(status.tick >= 1000 && status.running == 1);
    }

    /// CONTINUE keeps what waits.
    fn continue_keeps_waiting_events() {
        let (client, queue) = stopped();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 4));
        client.must_send(&at_time(note_on(client.port(0), 2), queue, Duration::from_millis(60)));
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        let notes: Vec<u8> = client.wait_events(2).iter().map(crate::client::note_of).collect();
        assert_eq!(notes, [1, 2]);
    }

    /// CONTINUE of a queue that has never run begins at 0, even after a SETPOS.
    fn first_continue_begins_at_zero() {
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!(client.control(queue, T::SETPOS_TICK, 1_000_000), Ok(EVENT_SIZE));
        client.must_send(&control(queue, T::SETPOS_TIME, 5000, 0));
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        let status = client.status(queue);
        assert!(status.tick < 1_000_000 && status.time.tv_sec < 5000, "{status:?}");
    }

    /// CONTINUE of a queue that has never run keeps what waits, unlike START.
    fn first_continue_keeps_waiting_events() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 4));
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        assert_eq!(client.wait_event().time.tick_or_sec, 4);
    }

    /// CONTINUE of a running queue does nothing.
    fn continue_of_a_running_queue_does_nothing() {
        let (client, queue) = stopped();
        client.start(queue);
        assert_eq!(client.control(queue, T::SETPOS_TICK, 5000), Ok(EVENT_SIZE));
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        let status = client.status(queue);
        assert!(status.tick >= 5000 && status.running == 1);
    }

    /// STOP keeps what waits, and lets nothing out.
    fn stop_keeps_waiting_events() {
        let (client, queue) = stopped();
        client.start(queue);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 1_000_000));
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        assert_eq!(client.control(queue, T::SETPOS_TICK, 2_000_000), Ok(EVENT_SIZE));
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!((client.types(), client.status(queue).events), (vec![], 1));
    }

    /// STOP keeps the position.
    fn stop_keeps_the_position() {
        let (client, queue) = stopped();
        client.start(queue);
        assert_eq!(client.control(queue, T::SETPOS_TICK, 5000), Ok(EVENT_SIZE));
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        let status = client.status(queue);
        assert!(status.tick >= 5000 && status.running == 0);
    }

    /// STOP of a stopped queue is success.
    fn stop_of_a_stopped_queue_is_success() {
        let (client, queue) = stopped();
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        assert_eq!(client.status(queue).running, 0);
    }

    /// A queued STOP stops the queue when due; what comes later waits.
    fn queued_stop_acts_when_due() {
        let (client, queue) = stopped();
        client.start(queue);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 2));
        client.must_send(&at_tick(control(queue, T::STOP, 0, 0), queue, 4));
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 1_000_000));
        crate::client::wait_until("the queue is stopped", || client.status(queue).running == 0);
        assert_eq!(client.notes(), [1]);
        assert!(client.status(queue).tick >= 4);
        assert_eq!(client.status(queue).events, 1);
    }

    /// A queued START of another queue starts it when due.
    fn queued_start_starts_another_queue() {
        let (client, queue) = stopped();
        let target = client.create_queue();
        client.must_send(&at_tick(control(target, T::START, 0, 0), queue, 3));
        assert_eq!(client.status(target).running, 0);
        client.move_to_tick(queue, 3);
        assert_eq!(client.status(target).running, 1);
    }

    /// A START that is due in its own queue removes what is behind it.
    fn queued_start_removes_what_follows() {
        let (client, queue) = stopped();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 10));
        client.must_send(&at_tick(control(queue, T::START, 0, 0), queue, 10));
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 10));
        client.must_send(&at_tick(note_on(client.port(0), 3), queue, 20));
        client.move_to_tick(queue, 20);
        assert_eq!((client.notes(), client.status(queue).events), (vec![1], 0));
        assert_eq!(client.status(queue).running, 1);
    }

    /// Without a timer, because nobody uses the queue, START does nothing and is not echoed.
    fn start_without_timer_does_nothing() {
        let client = Client::with_port();
        client.listen_to_timer();
        let queue = client.create_queue();
        assert_eq!(client.use_queue(queue, false), Ok(()));
        assert_eq!(client.control(queue, T::START, 0), Ok(EVENT_SIZE));
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        assert_eq!((client.status(queue).running, client.echoes(queue)), (0, vec![]));
    }

    /// Without a timer, STOP is echoed and leaves the running flag.
    fn stop_without_timer_leaves_the_running_flag() {
        let client = Client::with_port();
        client.listen_to_timer();
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.use_queue(queue, false), Ok(()));
        assert_eq!(client.status(queue).running, 1);
        client.discard();
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        assert_eq!(client.status(queue).running, 1);
        assert_eq!(client.echoes(queue).len(), 1);
    }

    /// After its last user's mark is gone, a running queue's ticks stand still.
    fn queue_without_timer_stands_still() {
        let client = Client::open();
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.use_queue(queue, false), Ok(()));
        let tick = client.status(queue).tick;
        std::thread::sleep(Duration::from_millis(30));
        assert_eq!(client.status(queue).tick, tick);
    }

    /// START, STOP, CONTINUE: ticks go on from where they were.
    fn ticks_go_on_after_a_break() {
        let (client, queue) = stopped();
        client.start(queue);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 4));
        client.wait_event();
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        let stopped = client.status(queue).tick;
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, stopped + 2));
        client.wait_event();
        assert!(client.status(queue).tick >= stopped + 2);
    }
}
