//! The flows of two reports about Linux, as behaviour: a queued event for a card's client that does
//! not exist, delivered by the timer; and control of a queue while the queue is being dispatched.

use crate::case::{cases, skip};
use crate::client::{Client, at_tick, at_time, control, note_on};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::{Address, Errno, Event, EventType as T};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Returns a number of a card's clients that no client has.
fn missing_card_client(client: &Client) -> u8 {
    let free = |number: &u8| client.client_info((*number).into()) == Err(Errno::ENOENT);
    (16..128).rev().find(free).unwrap_or_else(|| skip("all cards have all clients"))
}

/// Returns a number of the global clients that no client has.
fn missing_global_client(client: &Client) -> u8 {
    let free = |number: &u8| client.client_info((*number).into()) == Err(Errno::ENOENT);
    (1..14).rev().find(free).unwrap_or_else(|| skip("all global clients exist"))
}

/// Returns a client that gets bounces, and a running queue.
fn running() -> (Client, u8) {
    let client = Client::with_port();
    client.want_bounces();
    let queue = client.create_queue();
    client.start(queue);
    (client, queue)
}

/// Waits for a bounce of an event to an address, and then for the note that was written after it.
fn bounce_then_note(client: &Client, dest: Address) {
    crate::client::wait_until("both arrived", || client.pool().input_free == 200 - 3);
    let received = client.received();
    assert_eq!(
        (received[0].event.event_type, received[0].event.source),
        (T::BOUNCE, Address::new(0, 1))
    );
    assert_eq!(received[0].data[14..16], [dest.client, dest.port]);
    assert_eq!((received[1].event.event_type, received.len()), (T::NOTEON, 2));
}

cases! {
    /// A tick event for a card's client that does not exist bounces from the timer; the queue goes
    /// on.
    fn event_to_a_missing_card_bounces_from_the_timer() {
        let (client, queue) = running();
        let dest = Address::new(missing_card_client(&client), 0);
        client.must_send(&at_tick(note_on(dest, 1), queue, 3));
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 6));
        bounce_then_note(&client, dest);
        assert_eq!((client.status(queue).running, client.status(queue).events), (1, 0));
    }

    /// An event to a missing card that is due at a time bounces from the timer port.
    fn timed_event_to_a_missing_card_bounces_from_the_timer() {
        let (client, queue) = running();
        let dest = Address::new(missing_card_client(&client), 3);
        let at = |ms| Duration::from_millis(ms);
        client.must_send(&at_time(note_on(dest, 1), queue, at(20)));
        client.must_send(&at_time(note_on(client.port(0), 2), queue, at(40)));
        bounce_then_note(&client, dest);
    }

    /// An event to a missing global client bounces from the timer port.
    fn event_to_a_missing_global_client_bounces_from_the_timer() {
        let (client, queue) = running();
        let dest = Address::new(missing_global_client(&client), 0);
        client.must_send(&at_tick(note_on(dest, 1), queue, 3));
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 6));
        bounce_then_note(&client, dest);
    }

    /// Without bounces the event vanishes, with no trace in the count of lost events.
    fn event_to_a_missing_card_vanishes() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.start(queue);
        let dest = Address::new(missing_card_client(&client), 0);
        client.must_send(&at_tick(note_on(dest, 1), queue, 2));
        client.must_send(&at_tick(note_on(client.port(0), 2), queue, 4));
        assert_eq!(client.wait_event().data.note().note, 2);
        assert_eq!((client.types(), client.info().event_lost), (vec![], 0));
        assert_eq!(client.pool().output_free, 500);
    }

    /// A direct event to it is ENOENT.
    fn direct_event_to_a_missing_card_is_enoent() {
        let client = Client::open();
        let dest = Address::new(missing_card_client(&client), 0);
        assert_eq!(client.send(&note_on(dest, 1)), Err(Errno::ENOENT));
    }

    /// An event to it that is due at once bounces within the write.
    fn due_event_to_a_missing_card_bounces_within_the_write() {
        let client = Client::with_port();
        client.want_bounces();
        let queue = client.create_queue();
        let dest = Address::new(missing_card_client(&client), 0);
        client.must_send(&at_tick(note_on(dest, 1), queue, 0));
        assert_eq!(client.received()[0].event.event_type, T::BOUNCE);
    }

    /// A NOTE to it bounces twice from the timer.
    fn note_to_a_missing_card_bounces_twice() {
        let (client, queue) = running();
        let dest = Address::new(missing_card_client(&client), 0);
        let mut event = at_tick(note_on(dest, 1), queue, 2);
        event.event_type = T::NOTE;
        event.data.0[4] = 2;
        client.must_send(&event);
        crate::client::wait_until("both halves arrived", || client.pool().input_free == 200 - 4);
        let types: Vec<u8> = client.received().iter().map(|received| received.data[0]).collect();
        assert_eq!(types, [T::NOTEON.0, T::NOTEOFF.0]);
    }

    /// A queue that is controlled by events in itself, while others are written, ends as the last
    /// one
    /// said, unlocked as it was.
    fn unlocked_queue_stays_unlocked() {
        let (owner, other) = (Client::with_port(), Client::open());
        let queue = owner.create_queue();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        owner.start(queue);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..200 {
                    let event = control(queue, T::TEMPO, 300_000 + n, 0);
                    assert_eq!(owner.send(&at_tick(event, queue, 0)), Ok(EVENT_SIZE));
                }
                done.store(true, Ordering::Relaxed);
            });
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    other.dispatch(queue);
                    let _status = other.status(queue);
                }
            });
        });
        owner.wait_queue_empty(queue);
        assert_eq!(owner.queue_info(queue.into()).unwrap().locked & 1, 0);
        assert_eq!(other.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        assert_eq!((owner.status(queue).running, owner.tempo(queue).tempo), (0, 300_199));
    }

    /// A locked queue that is controlled so stays locked: its owner always may, others never.
    fn locked_queue_stays_locked() {
        let (owner, other) = (Client::with_port(), Client::open());
        let queue = owner.create_locked_queue();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        owner.start(queue);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..200 {
                    let event = control(queue, T::TEMPO, 300_000 + n, 0);
                    assert_eq!(owner.send(&at_tick(event, queue, 0)), Ok(EVENT_SIZE));
                }
                done.store(true, Ordering::Relaxed);
            });
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    other.dispatch(queue);
                    assert_eq!(other.control(queue, T::TEMPO, 7), Err(Errno::EPERM));
                }
            });
        });
        owner.wait_queue_empty(queue);
        assert_eq!(owner.queue_info(queue.into()).unwrap().locked & 1, 1);
        assert_eq!(owner.tempo(queue).tempo, 300_199);
        assert_eq!(owner.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
    }

    /// Every event that was written while its queue was controlled arrives, once.
    fn no_event_is_lost_while_the_queue_is_controlled() {
        let (owner, writer, reader) = (Client::open(), Client::open(), Client::with_port());
        let queue = owner.create_queue();
        assert_eq!(writer.use_queue(queue, true), Ok(()));
        owner.start(queue);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let tempo = control(queue, T::TEMPO, 100_000, 0);
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(owner.send(&at_tick(tempo, queue, 0)), Ok(EVENT_SIZE));
                }
            });
            scope.spawn(|| {
                for n in 0..150 {
                    let tick = u32::from(n % 10);
                    writer.must_send(&at_tick(note_on(reader.port(0), n), queue, tick));
                }
                done.store(true, Ordering::Relaxed);
            });
        });
        let mut notes: Vec<u8> =
            reader.wait_events(150).iter().map(crate::client::note_of).collect();
        notes.sort_unstable();
        assert_eq!(notes, (0..150).collect::<Vec<u8>>());
    }

    /// Control of a queue by events in itself and from outside, each way to start and stop, ends
    /// in the
    /// state of the last one.
    fn control_from_inside_and_outside_ends_in_the_last_state() {
        let client = Client::with_port();
        let queue = client.create_queue();
        for _ in 0..50 {
            for event_type in [T::START, T::STOP, T::CONTINUE] {
                client.must_send(&at_tick(control(queue, event_type, 0, 0), queue, 0));
                assert_eq!(client.status(queue).running, i32::from(event_type != T::STOP));
            }
            assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
            assert_eq!(client.status(queue).running, 0);
        }
    }

    /// A queue may be deleted while its events are due; the others' queues go on.
    fn deletion_while_events_are_due() {
        let client = Client::with_port();
        let steady = client.create_queue();
        client.start(steady);
        for _ in 0..20 {
            let queue = client.create_queue();
            client.start(queue);
            for tick in 1..20 {
                let event = Event { tag: 1, ..note_on(client.port(0), 1) };
                client.must_send(&at_tick(event, queue, tick));
            }
            assert_eq!(client.delete_queue(queue), Ok(()));
            client.discard();
        }
        client.discard();
        client.must_send(&at_tick(
            note_on(client.port(0), 9),
            steady,
            client.status(steady).tick + 2,
        ));
        assert_eq!(client.wait_event().data.note().note, 9);
        assert_eq!(client.pool().output_free, 500);
    }
}
