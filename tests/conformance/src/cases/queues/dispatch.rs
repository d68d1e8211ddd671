//! When what is due goes out, and how much at once.

use crate::case::cases;
use crate::client::{Client, NOBODY, at_tick, at_time, control, note_on};
use aseqd_abi::event::{EVENT_SIZE, EventFlags};
use aseqd_abi::{Event, EventType as T};
use std::time::Duration;
use zerocopy::IntoBytes as _;

/// Returns a client whose pools hold 2000 events, and a queue.
fn large() -> (Client, u8) {
    let client = Client::with_port();
    client
        .set_pool(|pool| {
            pool.output_pool = 2000;
            pool.input_pool = 2000;
        })
        .unwrap();
    let queue = client.create_queue();
    (client, queue)
}

/// Writes an event many times.
fn put(client: &Client, event: &Event, count: usize) {
    let bytes = event.as_bytes().repeat(count);
    assert_eq!(client.write(&bytes), Ok(count * EVENT_SIZE));
}

cases! {
    /// An event at tick 0 of a stopped queue is delivered before the write returns.
    fn due_event_is_delivered_within_the_write() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 0));
        assert_eq!(client.notes(), [1]);
        assert_eq!(client.status(queue).running, 0);
    }

    /// An event at time 0 too.
    fn due_time_is_delivered_within_the_write() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_time(note_on(client.port(0), 1), queue, Duration::ZERO));
        assert_eq!(client.notes(), [1]);
    }

    /// On a running queue, what is in the past is delivered before the write returns.
    fn past_event_is_delivered_within_the_write() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.start(queue);
        client.must_send(&control(queue, T::SETPOS_TICK, 1000, 0));
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 999));
        assert_eq!(client.notes(), [1]);
    }

    /// An event one tick ahead waits on a stopped queue.
    fn future_event_waits() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 1));
        assert_eq!((client.types(), client.status(queue).events), (vec![], 1));
    }

    /// Neither clearing the use mark nor setting it again sends out what is due; the next write
    /// does.
    fn due_events_go_out_after_marking_again() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 10));
        assert_eq!(client.use_queue(queue, false), Ok(()));
        assert_eq!(client.control(queue, T::SETPOS_TICK, 10), Ok(EVENT_SIZE));
        assert_eq!(client.use_queue(queue, true), Ok(()));
        assert_eq!(client.types(), []);
        client.dispatch(queue);
        assert_eq!(client.notes(), [1]);
    }

    /// The error of a delivery within the write is not returned.
    fn error_of_a_due_event_is_not_returned() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(client.send(&at_tick(note_on(NOBODY, 1), queue, 0)), Ok(EVENT_SIZE));
        assert_eq!(client.pool().output_free, 500);
    }

    /// Any client's write into a queue lets out what is due of all.
    fn any_write_lets_out_what_is_due_of_all() {
        let (owner, other) = (Client::with_port(), Client::open());
        let queue = owner.create_queue();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        owner.must_send(&at_tick(note_on(owner.port(0), 1), queue, 10));
        owner.must_send(&control(queue, T::SETPOS_TICK, 10, 0));
        assert_eq!(owner.types(), []);
        other.dispatch(queue);
        assert_eq!(owner.notes(), [1]);
    }

    /// A write into one queue lets nothing out of another.
    fn write_into_another_queue_lets_nothing_out() {
        let client = Client::with_port();
        let (queue, other) = (client.create_queue(), client.create_queue());
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 10));
        client.must_send(&control(queue, T::SETPOS_TICK, 10, 0));
        client.dispatch(other);
        assert_eq!(client.types(), []);
    }

    /// A direct event lets nothing out.
    fn direct_event_lets_nothing_out() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 10));
        client.must_send(&control(queue, T::SETPOS_TICK, 10, 0));
        client.must_send(&note_on(client.port(0), 2));
        assert_eq!(client.notes(), [2]);
    }

    /// One pass delivers 1000 events; the rest waits for the next.
    fn a_pass_delivers_1000_events() {
        let (client, queue) = large();
        put(&client, &at_tick(note_on(client.port(0), 1), queue, 10), 1500);
        client.move_to_tick(queue, 10);
        // The event that makes a pass is at tick 0, and one of the 1000.
        assert_eq!((client.events().len(), client.status(queue).events), (999, 501));
        client.dispatch(queue);
        assert_eq!((client.events().len(), client.status(queue).events), (501, 0));
    }

    /// Ticks and times share the 1000.
    fn ticks_and_times_share_the_1000() {
        let (client, queue) = large();
        put(&client, &at_tick(note_on(client.port(0), 1), queue, 10), 600);
        put(&client, &at_time(note_on(client.port(0), 2), queue, Duration::from_secs(1)), 600);
        client.must_send(&control(queue, T::SETPOS_TIME, 1, 0));
        client.move_to_tick(queue, 10);
        // The event that made the pass is one of the 1000.
        let notes = client.notes();
        let count = |note| notes.iter().filter(|n| **n == note).count();
        assert_eq!((count(1), count(2)), (600, 399));
        assert_eq!(client.status(queue).events, 201);
    }

    /// On a running queue, the rest goes out by itself.
    fn the_rest_goes_out_by_itself() {
        let (client, queue) = large();
        client.start(queue);
        put(&client, &at_tick(note_on(client.port(0), 1), queue, 1_000_000), 1500);
        client.must_send(&control(queue, T::SETPOS_TICK, 1_000_000, 0));
        client.wait_queue_empty(queue);
        assert_eq!(client.events().len(), 1500);
    }

    /// A pass takes the position at its beginning: a jump by one of its events counts for the next.
    fn jump_within_a_pass_counts_for_the_next() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 50));
        client.must_send(&at_tick(control(queue, T::SETPOS_TICK, 100, 0), queue, 0));
        assert_eq!((client.types(), client.status(queue).tick), (vec![], 100));
        client.dispatch(queue);
        assert_eq!(client.notes(), [1]);
    }

    /// A jump in time by a tick event counts for the times of the same pass, which come after.
    fn time_jump_by_a_tick_event_counts_in_the_pass() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_time(note_on(client.port(0), 1), queue, Duration::from_secs(5)));
        client.must_send(&at_tick(control(queue, T::SETPOS_TIME, 5, 0), queue, 0));
        assert_eq!(client.notes(), [1]);
    }

    /// STOP within a pass does not end the pass.
    fn stop_within_a_pass_does_not_end_it() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.start(queue);
        client.must_send(&at_tick(control(queue, T::STOP, 0, 0), queue, 1_000_000));
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 1_000_000));
        client.must_send(&control(queue, T::SETPOS_TICK, 1_000_000, 0));
        assert_eq!(client.wait_event().data.note().note, 1);
        assert_eq!(client.status(queue).running, 0);
    }

    /// Queued control takes a cell while it waits, as any event.
    fn queued_control_takes_a_cell() {
        let client = Client::open();
        let queue = client.create_queue();
        client.must_send(&at_tick(control(queue, T::STOP, 0, 0), queue, 10));
        assert_eq!((client.status(queue).events, client.pool().output_free), (1, 499));
        client.move_to_tick(queue, 10);
        assert_eq!((client.status(queue).events, client.pool().output_free), (0, 500));
    }

    /// The echo of queued control arrives at its place among the events of the pass.
    fn echo_arrives_between_events() {
        let client = Client::with_port();
        client.listen_to_timer();
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 10));
        client.must_send(&at_tick(control(queue, T::TEMPO, 400_000, 0), queue, 10));
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 10));
        client.discard();
        client.move_to_tick(queue, 10);
        let types: Vec<T> = client.types().into_iter().filter(|t| *t != T::SETPOS_TICK).collect();
        assert_eq!(types, [T::NOTEON, T::TEMPO, T::NOTEON]);
    }

    /// Control of one queue that waits in another goes by the other's clock.
    fn control_goes_by_the_clock_of_its_queue() {
        let client = Client::open();
        let (queue, other) = (client.create_queue(), client.create_queue());
        client.must_send(&at_tick(control(other, T::SETPOS_TICK, 7, 0), queue, 0));
        client.must_send(&at_tick(control(queue, T::SETPOS_TICK, 9, 0), other, 5));
        assert_eq!((client.status(other).tick, client.status(queue).tick), (7, 9));
    }

    /// Events that a full receiver cannot take are lost, and the queue goes on.
    fn full_receiver_loses_and_the_queue_goes_on() {
        let (client, queue) = large();
        let small = Client::with_port();
        small.set_pool(|pool| pool.input_pool = 3).unwrap();
        put(&client, &at_tick(note_on(small.port(0), 1), queue, 10), 10);
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 10));
        client.move_to_tick(queue, 10);
        assert_eq!((client.notes(), client.status(queue).events), (vec![2], 0));
        assert_eq!(small.read(EVENT_SIZE), Err(aseqd_abi::Errno::ENOSPC));
    }

    /// Relative real time from a running queue comes no earlier than it says.
    fn relative_event_is_not_early() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.start(queue);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 2));
        client.wait_event();
        let begin = std::time::Instant::now();
        let mut event = at_time(note_on(client.port(0), 2), queue, Duration::from_millis(40));
        event.flags |= EventFlags::RELATIVE;
        client.must_send(&event);
        client.wait_event();
        // The position it counts from may be a period old.
        assert!(begin.elapsed() >= Duration::from_millis(38));
    }
}
