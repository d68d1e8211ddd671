//! NOTE: one event that becomes two.

use crate::case::cases;
use crate::client::{Client, at_tick, at_time, note_on};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE, EventData, EventFlags, EventTime, Note};
use aseqd_abi::seq::RemoveMode;
use aseqd_abi::{Address, Event, EventType};
use std::time::{Duration, Instant};

/// Returns a NOTE with a duration.
fn note(dest: Address, duration: u32) -> Event {
    let data = Note { channel: 3, note: 60, velocity: 100, off_velocity: 40, duration };
    Event { event_type: EventType::NOTE, data: EventData::from_note(data), ..note_on(dest, 0) }
}

/// Returns what a NOTE becomes first.
fn on(client: &Client, event: &Event) -> Event {
    Event { event_type: EventType::NOTEON, source: client.port(0), ..*event }
}

/// Returns what a NOTE becomes then.
fn off(client: &Client, event: &Event, time: EventTime) -> Event {
    let mut off = Event { event_type: EventType::NOTEOFF, source: client.port(0), time, ..*event };
    off.flags |= EventFlags::PRIORITY;
    off.data.0[2] = off.data.0[3];
    off
}

cases! {
    /// At its tick a NOTE arrives as NOTEON, with all else unchanged.
    fn note_arrives_as_note_on() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let mut event = at_tick(note(client.port(0), 10), queue, 0);
        event.tag = 7;
        client.must_send(&event);
        assert_eq!(client.events(), [on(&client, &event)]);
    }

    /// The note-off has the release velocity as velocity and the priority bit, all else unchanged.
    fn note_off_arrives_at_the_end() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let mut event = at_tick(note(client.port(0), 10), queue, 5);
        event.tag = 7;
        client.must_send(&event);
        client.move_to_tick(queue, 14);
        assert_eq!(client.events(), [on(&client, &event)]);
        client.move_to_tick(queue, 15);
        assert_eq!(client.events(), [off(&client, &event, EventTime::tick(15))]);
    }

    /// A tick NOTE's second time word stays as it is.
    fn tick_note_keeps_the_nanoseconds() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let mut event = at_tick(note(client.port(0), 10), queue, 0);
        event.time.nsec = 1234;
        client.must_send(&event);
        client.move_to_tick(queue, 10);
        let times: Vec<_> = client.events().iter().map(|event| event.time).collect();
        assert_eq!(times, [EventTime::real(0, 1234), EventTime::real(10, 1234)]);
    }

    /// In real time the duration is milliseconds.
    fn real_time_duration_is_milliseconds() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let event = at_time(note(client.port(0), 250), queue, Duration::from_millis(100));
        client.must_send(&event);
        client.move_to_time(queue, 0, 349_999_999);
        assert_eq!(client.events(), [on(&client, &event)]);
        client.move_to_time(queue, 0, 350_000_000);
        assert_eq!(client.events(), [off(&client, &event, EventTime::real(0, 350_000_000))]);
    }

    /// A duration in real time is carried into seconds.
    fn real_time_duration_is_carried() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let event = at_time(note(client.port(0), 5_700), queue, Duration::from_millis(900));
        client.must_send(&event);
        client.move_to_time(queue, 7, 0);
        assert_eq!(client.events()[1], off(&client, &event, EventTime::real(6, 600_000_000)));
    }

    /// A duration of 0 sends both halves in one pass, note-on first.
    fn duration_zero_sends_both() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let event = at_tick(note(client.port(0), 0), queue, 0);
        client.must_send(&event);
        client.dispatch(queue);
        assert_eq!(client.types(), [EventType::NOTEON, EventType::NOTEOFF]);
    }

    /// The note-off uses the cell of the note: one cell in all.
    fn note_takes_one_cell() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note(client.port(0), 10), queue, 5));
        assert_eq!((client.pool().output_free, client.status(queue).events), (499, 1));
        client.move_to_tick(queue, 5);
        assert_eq!((client.pool().output_free, client.status(queue).events), (499, 1));
        client.move_to_tick(queue, 15);
        assert_eq!((client.pool().output_free, client.status(queue).events), (500, 0));
    }

    /// The note-off goes before other events of its tick that were there first.
    fn note_off_goes_first_at_its_tick() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 10));
        client.must_send(&at_tick(note(client.port(0), 10), queue, 0));
        client.move_to_tick(queue, 10);
        assert_eq!(client.types(), [EventType::NOTEON, EventType::NOTEOFF, EventType::NOTEON]);
        assert_eq!(client.status(queue).events, 0);
    }

    /// The note-off goes before the next note-on of the same tick.
    fn repeated_note_is_released_before_it_sounds_again() {
        let client = Client::with_port();
        let queue = client.create_queue();
        for tick in [0, 10, 20] {
            client.must_send(&at_tick(note(client.port(0), 10), queue, tick));
        }
        for tick in [10, 20, 30] {
            client.move_to_tick(queue, tick);
        }
        let types = client.types();
        let (on, off) = (EventType::NOTEON, EventType::NOTEOFF);
        assert_eq!(types, [on, off, on, off, on, off]);
    }

    /// A NOTE keeps the priority bit for its note-on.
    fn priority_of_a_note_is_kept() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let mut event = at_tick(note(client.port(0), 1), queue, 0);
        event.flags = EventFlags::PRIORITY;
        client.must_send(&event);
        client.move_to_tick(queue, 1);
        assert!(client.events().iter().all(|event| event.flags == EventFlags::PRIORITY));
    }

    /// A note-on has no priority bit of its own.
    fn note_on_has_no_priority() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note(client.port(0), 1), queue, 0));
        assert_eq!(client.wait_event().flags, EventFlags::empty());
    }

    /// The note-off follows even if the note-on could not be delivered.
    fn note_off_follows_a_failed_note_on() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.accept_only(&[EventType::NOTEOFF]);
        client.must_send(&at_tick(note(client.port(0), 10), queue, 0));
        client.move_to_tick(queue, 10);
        assert_eq!(client.types(), [EventType::NOTEOFF]);
    }

    /// A note-off to subscribers goes to the ports that are subscribed when it is due.
    fn note_off_goes_to_the_subscribers_of_its_time() {
        let (client, early, late) = (Client::with_port(), Client::with_port(), Client::with_port());
        let queue = client.create_queue();
        assert_eq!(client.subscribe(client.port(0), early.port(0)), Ok(()));
        early.discard();
        client.must_send(&at_tick(note(Address::new(ADDRESS_SUBSCRIBERS, 0), 10), queue, 0));
        assert_eq!(early.types(), [EventType::NOTEON]);
        assert_eq!(client.unsubscribe(client.port(0), early.port(0)), Ok(()));
        assert_eq!(client.subscribe(client.port(0), late.port(0)), Ok(()));
        early.discard();
        late.discard();
        client.move_to_tick(queue, 10);
        assert_eq!((early.types(), late.types()), (vec![], vec![EventType::NOTEOFF]));
    }

    /// A relative NOTE is made absolute first: its end is the beginning plus the duration.
    fn relative_note_ends_after_its_duration() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.move_to_tick(queue, 100);
        let mut event = at_tick(note(client.port(0), 10), queue, 5);
        event.flags |= EventFlags::RELATIVE;
        client.must_send(&event);
        client.move_to_tick(queue, 200);
        let events = client.events();
        let seen: Vec<_> = events.iter().map(|e| (e.event_type, e.time.tick_or_sec)).collect();
        assert_eq!(seen, [(EventType::NOTEON, 105), (EventType::NOTEOFF, 115)]);
    }

    /// The sum of tick and duration wraps: the note-off is due at once, in the past.
    fn duration_wraps_in_ticks() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note(client.port(0), 0xffff_fffe), queue, 5));
        client.move_to_tick(queue, 5);
        let events = client.events();
        let seen: Vec<_> = events.iter().map(|e| (e.event_type, e.time.tick_or_sec)).collect();
        assert_eq!(seen, [(EventType::NOTEON, 5), (EventType::NOTEOFF, 3)]);
    }

    /// A pending note-off is an ordinary NOTEOFF for REMOVE_EVENTS.
    fn pending_note_off_can_be_removed() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note(client.port(0), 10), queue, 0));
        client.remove(RemoveMode::OUTPUT | RemoveMode::EVENT_TYPE, |info| info.event_type = 7);
        assert_eq!(client.status(queue).events, 0);
        client.move_to_tick(queue, 10);
        assert_eq!(client.types(), [EventType::NOTEON]);
    }

    /// A note that is not due yet is a NOTE for REMOVE_EVENTS.
    fn waiting_note_is_removed_as_note() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.must_send(&at_tick(note(client.port(0), 10), queue, 5));
        client.remove(RemoveMode::OUTPUT | RemoveMode::EVENT_TYPE, |info| info.event_type = 6);
        assert_eq!(client.status(queue).events, 1);
        client.remove(RemoveMode::OUTPUT | RemoveMode::EVENT_TYPE, |info| info.event_type = 5);
        assert_eq!(client.status(queue).events, 0);
    }

    /// The note-off of a closed client's note does not come.
    fn note_off_dies_with_its_sender() {
        let (owner, reader) = (Client::open(), Client::with_port());
        let queue = owner.create_queue();
        let sender = Client::open();
        assert_eq!(sender.use_queue(queue, true), Ok(()));
        sender.must_send(&at_tick(note(reader.port(0), 10), queue, 0));
        drop(sender);
        owner.wait_queue_empty(queue);
        owner.move_to_tick(queue, 10);
        assert_eq!(reader.types(), [EventType::NOTEON]);
    }

    /// On a running queue a note lasts no shorter than its duration.
    fn note_lasts_its_duration() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.start(queue);
        let mut event = at_time(note(client.port(0), 60), queue, Duration::ZERO);
        event.flags |= EventFlags::RELATIVE;
        let begin = Instant::now();
        client.must_send(&event);
        let events = client.wait_events(2);
        // The clock of the queue is read once a period, so it may lag by one.
        assert!(begin.elapsed() >= Duration::from_millis(58));
        assert_eq!(
            (events[0].event_type, events[1].event_type),
            (EventType::NOTEON, EventType::NOTEOFF)
        );
    }

    /// A batch of notes is one write.
    fn notes_can_be_written_in_a_batch() {
        let client = Client::with_port();
        let queue = client.create_queue();
        let events: Vec<u8> = (0..3)
            .flat_map(|n| {
                let event = at_tick(note(client.port(0), 1), queue, n);
                zerocopy::IntoBytes::as_bytes(&event).to_vec()
            })
            .collect();
        assert_eq!(client.write(&events), Ok(3 * EVENT_SIZE));
        client.move_to_tick(queue, 5);
        assert_eq!(client.types().len(), 6);
    }
}
