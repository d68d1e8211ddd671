//! REMOVE_EVENTS, condition by condition; those of time are in their own file.

use crate::case::cases;
use crate::client::{Client, NOBODY, at_tick, at_time, note_of, note_on, variable};
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EVENT_SIZE, EventData, EventFlags, EventTime};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{RemoveEvents, RemoveMode as M};
use aseqd_abi::{Address, Errno, Event, EventType as T};
use std::time::Duration;

pub(super) const OUT: M = M::OUTPUT;

/// Returns a client and a stopped queue.
pub(super) fn fixture() -> (Client, u8) {
    let client = Client::with_ports(2);
    let queue = client.create_queue();
    (client, queue)
}

/// Writes an event to port 0 at a tick.
pub(super) fn put(
    client: &Client,
    queue: u8,
    note: u8,
    tick: u32,
    change: impl FnOnce(&mut Event),
) {
    let mut event = at_tick(note_on(client.port(0), note), queue, tick);
    change(&mut event);
    client.must_send(&event);
}

/// Writes an event to port 0 at a time.
pub(super) fn put_time(client: &Client, queue: u8, note: u8, sec: u32, nsec: u32) {
    let event = at_time(note_on(client.port(0), note), queue, Duration::ZERO);
    client.must_send(&Event { time: EventTime::real(sec, nsec), ..event });
}

/// Lets all events out of a queue, and returns the notes that were left.
pub(super) fn left(client: &Client, queue: u8) -> Vec<u8> {
    client.must_send(&crate::client::control(queue, T::SETPOS_TIME, u32::MAX, 0));
    client.move_to_tick(queue, u32::MAX);
    client.notes()
}

cases! {
    /// OUTPUT alone removes all the caller's waiting events.
    fn output_removes_all() {
        let (client, queue) = fixture();
        put(&client, queue, 1, 10, |_| {});
        put_time(&client, queue, 2, 10, 0);
        client.remove(OUT, |_| {});
        assert_eq!((client.status(queue).events, client.pool().output_free), (0, 500));
    }

    /// REMOVE_EVENTS looks into every queue that the caller uses.
    fn output_looks_into_every_used_queue() {
        let (client, queue) = fixture();
        let other = client.create_queue();
        put(&client, queue, 1, 10, |_| {});
        put(&client, other, 1, 10, |_| {});
        client.remove(OUT, |_| {});
        assert_eq!((client.status(queue).events, client.status(other).events), (0, 0));
    }

    /// Events in a queue that the caller no longer uses stay.
    fn unused_queue_is_left_alone() {
        let (other, maker) = (Client::with_port(), Client::open());
        let queue = maker.create_queue();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        put(&other, queue, 1, 10, |_| {});
        assert_eq!(other.use_queue(queue, false), Ok(()));
        other.remove(OUT, |_| {});
        assert_eq!(maker.status(queue).events, 1);
        maker.move_to_tick(queue, 10);
        assert_eq!(other.notes(), [1]);
    }

    /// Other clients' events stay, in the caller's own queue too.
    fn others_events_stay() {
        let (client, queue) = fixture();
        let other = Client::with_port();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        put(&other, queue, 1, 10, |_| {});
        put(&client, queue, 2, 10, |_| {});
        client.remove(OUT, |_| {});
        assert_eq!(client.status(queue).events, 1);
        assert!(left(&client, queue).is_empty());
        assert_eq!(other.notes(), [1]);
    }

    /// Events from others to the caller stay.
    fn events_to_the_caller_stay() {
        let (client, queue) = fixture();
        let other = Client::open();
        assert_eq!(other.use_queue(queue, true), Ok(()));
        other.must_send(&at_tick(note_on(client.port(0), 9), queue, 10));
        client.remove(OUT, |_| {});
        assert_eq!(left(&client, queue), [9]);
    }

    /// Without INPUT or OUTPUT nothing is removed.
    fn no_direction_removes_nothing() {
        let (client, queue) = fixture();
        put(&client, queue, 1, 10, |_| {});
        client.must_send(&note_on(client.port(0), 2));
        client.remove(M::EVENT_TYPE | M::TAG_MATCH, |info| info.event_type = T::NOTEON.0.into());
        assert_eq!((client.status(queue).events, client.notes()), (1, vec![2]));
    }

    /// The request never fails, whatever it asks.
    fn nonsense_is_success() {
        let (client, _queue) = fixture();
        let info =
            RemoveEvents { remove_mode: !3, queue: 200, event_type: -5, ..RemoveEvents::default() };
        assert!(client.query(s::REMOVE_EVENTS, info).is_ok());
        let info = RemoveEvents {
            remove_mode: u32::MAX,
            queue: 200,
            event_type: -5,
            ..RemoveEvents::default()
        };
        assert!(client.query(s::REMOVE_EVENTS, info).is_ok());
    }

    /// INPUT empties the FIFO and leaves what waits in queues.
    fn input_empties_the_fifo() {
        let (client, queue) = fixture();
        put(&client, queue, 1, 10, |_| {});
        client.must_send(&note_on(client.port(0), 2));
        client.remove(M::INPUT, |_| {});
        assert_eq!((client.types(), client.status(queue).events), (vec![], 1));
        assert_eq!(client.pool().input_free, 200);
    }

    /// INPUT empties the whole FIFO whatever other conditions are set.
    fn input_ignores_conditions() {
        let (client, _queue) = fixture();
        client.must_send(&note_on(client.port(0), 2));
        client.remove(M::INPUT | M::EVENT_TYPE | M::TAG_MATCH | M::DEST, |info| {
            info.event_type = T::SYSEX.0.into();
            info.tag = 77;
        });
        assert_eq!(client.types(), []);
    }

    /// INPUT forgets an overflow.
    fn input_forgets_an_overflow() {
        let (client, _queue) = fixture();
        while client.send(&note_on(client.port(0), 2)).is_ok() {}
        client.remove(M::INPUT, |_| {});
        assert_eq!(client.read(EVENT_SIZE), Err(Errno::EAGAIN));
    }

    /// INPUT and OUTPUT together do both.
    fn both_directions_at_once() {
        let (client, queue) = fixture();
        put(&client, queue, 1, 10, |_| {});
        client.must_send(&note_on(client.port(0), 2));
        client.remove(M::INPUT | OUT, |_| {});
        assert_eq!((client.types(), client.status(queue).events), (vec![], 0));
    }

    /// DEST removes what goes to that address through that queue.
    fn dest_removes_by_address() {
        let (client, queue) = fixture();
        put(&client, queue, 1, 10, |_| {});
        put(&client, queue, 2, 10, |event| event.dest = client.port(1));
        client.remove(OUT | M::DEST, |info| {
            info.queue = queue;
            info.dest = client.port(1);
        });
        assert_eq!(left(&client, queue), [1]);
    }

    /// DEST looks only into the queue that is named.
    fn dest_looks_only_into_its_queue() {
        let (client, queue) = fixture();
        let other = client.create_queue();
        put(&client, queue, 1, 10, |_| {});
        put(&client, other, 2, 10, |_| {});
        client.remove(OUT | M::DEST, |info| {
            info.queue = other;
            info.dest = client.port(0);
        });
        assert_eq!((client.status(queue).events, client.status(other).events), (1, 0));
    }

    /// Without DEST the queue number does not matter.
    fn queue_number_means_nothing_without_dest() {
        let (client, queue) = fixture();
        put(&client, queue, 1, 10, |_| {});
        client.remove(OUT, |info| info.queue = 200);
        assert_eq!(client.status(queue).events, 0);
    }

    /// DEST with 254:P matches what was written to that subscribers' address.
    fn dest_matches_the_subscribers_address() {
        let (client, queue) = fixture();
        for port in [0, 3] {
            put(&client, queue, port, 10, |event| {
                event.dest = Address::new(ADDRESS_SUBSCRIBERS, port)
            });
        }
        client.remove(OUT | M::DEST, |info| {
            info.queue = queue;
            info.dest = Address::new(ADDRESS_SUBSCRIBERS, 3);
        });
        assert_eq!(client.status(queue).events, 1);
    }

    /// DEST does not ask whether the destination exists.
    fn dest_may_be_nobody() {
        let (client, queue) = fixture();
        put(&client, queue, 1, 10, |event| event.dest = NOBODY);
        client.remove(OUT | M::DEST, |info| {
            info.queue = queue;
            info.dest = NOBODY;
        });
        assert_eq!(client.status(queue).events, 0);
    }

    /// DEST_CHANNEL removes channel events of that channel.
    fn channel_removes_by_channel() {
        let (client, queue) = fixture();
        for channel in 0..4 {
            put(&client, queue, channel, 10, |event| event.data.0[0] = channel);
        }
        client.remove(OUT | M::DEST_CHANNEL, |info| info.channel = 2);
        assert_eq!(left(&client, queue), [0, 1, 3]);
    }

    /// DEST_CHANNEL is about types 5 to 19 only; others stay.
    fn channel_is_about_channel_events() {
        let (client, queue) = fixture();
        for (note, number) in (0..).zip([0, 4, 6, 10, 19, 20, 50]) {
            put(&client, queue, note, 10, |event| {
                event.event_type = T(number);
                event.data.0[0] = 2;
            });
        }
        client.remove(OUT | M::DEST_CHANNEL, |info| info.channel = 2);
        client.move_to_tick(queue, 10);
        assert_eq!(client.types(), [0, 4, 20, 50].map(T));
    }

    /// EVENT_TYPE removes one type.
    fn type_removes_by_type() {
        let (client, queue) = fixture();
        for (note, number) in (1..).zip([6, 7, 10]) {
            put(&client, queue, note, 10, |event| event.event_type = T(number));
        }
        client.remove(OUT | M::EVENT_TYPE, |info| info.event_type = 10);
        client.move_to_tick(queue, 10);
        assert_eq!(client.types(), [T::NOTEON, T::NOTEOFF]);
    }

    /// EVENT_TYPE removes variable events with their data.
    fn type_removes_variable_events() {
        let (client, queue) = fixture();
        let event = at_tick(variable(T::SYSEX, client.port(0), 100), queue, 10);
        assert_eq!(client.send_variable(&event, &[1; 100]), Ok(EVENT_SIZE + 100));
        assert_eq!(client.pool().output_free, 495);
        client.remove(OUT | M::EVENT_TYPE, |info| info.event_type = T::SYSEX.0.into());
        assert_eq!((client.status(queue).events, client.pool().output_free), (0, 500));
    }

    /// IGNORE_OFF spares note-offs.
    fn ignore_off_spares_note_offs() {
        let (client, queue) = fixture();
        for number in [6, 7, 8] {
            put(&client, queue, 1, 10, |event| event.event_type = T(number));
        }
        client.remove(OUT | M::IGNORE_OFF, |_| {});
        client.move_to_tick(queue, 10);
        assert_eq!(client.types(), [T::NOTEOFF]);
    }

    /// IGNORE_OFF and EVENT_TYPE of note-offs remove nothing.
    fn ignore_off_wins_over_the_type() {
        let (client, queue) = fixture();
        put(&client, queue, 1, 10, |event| event.event_type = T::NOTEOFF);
        client.remove(OUT | M::IGNORE_OFF | M::EVENT_TYPE, |info| info.event_type = 7);
        assert_eq!(client.status(queue).events, 1);
    }

    /// IGNORE_OFF spares the note-off of a note that sounds.
    fn ignore_off_spares_sounding_notes() {
        let (client, queue) = fixture();
        put(&client, queue, 1, 0, |event| {
            event.event_type = T::NOTE;
            event.data = EventData::from_note(aseqd_abi::event::Note {
                note: 1,
                duration: 20,
                ..Default::default()
            });
        });
        put(&client, queue, 2, 10, |_| {});
        client.remove(OUT | M::IGNORE_OFF, |_| {});
        client.move_to_tick(queue, 20);
        assert_eq!(client.types(), [T::NOTEON, T::NOTEOFF]);
    }

    /// TAG_MATCH removes by tag.
    fn tag_removes_by_tag() {
        let (client, queue) = fixture();
        for tag in [0, 1, 127, 128, 255] {
            put(&client, queue, tag, 10, |event| event.tag = tag);
        }
        client.remove(OUT | M::TAG_MATCH, |info| info.tag = 1);
        client.remove(OUT | M::TAG_MATCH, |info| info.tag = 255);
        assert_eq!(left(&client, queue), [0, 127, 128]);
    }

    /// All conditions of one request must hold.
    fn conditions_are_joined() {
        let (client, queue) = fixture();
        let matching = |event: &mut Event| {
            event.tag = 5;
            event.data.0[0] = 3;
            event.dest = client.port(1);
        };
        put(&client, queue, 1, 10, |event| {
            matching(event);
            event.tag = 6;
        });
        put(&client, queue, 2, 10, |event| {
            matching(event);
            event.data.0[0] = 4;
        });
        put(&client, queue, 3, 10, |event| {
            matching(event);
            event.dest = client.port(0);
        });
        put(&client, queue, 4, 10, |event| {
            matching(event);
            event.event_type = T::KEYPRESS;
        });
        put(&client, queue, 5, 20, matching);
        put(&client, queue, 6, 10, matching);
        let mode = M::DEST
            | M::DEST_CHANNEL
            | M::TIME_BEFORE
            | M::TIME_TICK
            | M::EVENT_TYPE
            | M::TAG_MATCH;
        client.remove(OUT | mode, |info| {
            info.queue = queue;
            info.dest = client.port(1);
            info.channel = 3;
            info.time = EventTime::tick(20);
            info.event_type = T::NOTEON.0.into();
            info.tag = 5;
        });
        assert_eq!(left(&client, queue), [1, 2, 3, 4, 5]);
    }

    /// The order of what stays is as it was.
    fn what_stays_keeps_its_order() {
        let (client, queue) = fixture();
        for note in 0..12 {
            put(&client, queue, note, u32::from(note % 3) + 1, |event| event.tag = note % 2);
        }
        client.remove(OUT | M::TAG_MATCH, |info| info.tag = 1);
        assert_eq!(left(&client, queue), [0, 6, 4, 10, 2, 8]);
    }

    /// High priority protects nothing.
    fn priority_does_not_protect() {
        let (client, queue) = fixture();
        put(&client, queue, 1, 10, |event| event.flags = EventFlags::PRIORITY);
        client.remove(OUT, |_| {});
        assert_eq!(client.status(queue).events, 0);
    }

    /// A new last event can be written behind what removal left.
    fn list_goes_on_after_the_last_was_removed() {
        let (client, queue) = fixture();
        put(&client, queue, 1, 10, |_| {});
        put(&client, queue, 2, 30, |event| event.tag = 1);
        client.remove(OUT | M::TAG_MATCH, |info| info.tag = 1);
        put(&client, queue, 3, 20, |_| {});
        put(&client, queue, 4, 15, |_| {});
        client.move_to_tick(queue, 30);
        let notes: Vec<u8> = client.events().iter().map(note_of).collect();
        assert_eq!(notes, [1, 4, 3]);
    }

    /// Removal makes room: the descriptor is writable again.
    fn removal_makes_room() {
        let (client, queue) = fixture();
        while client.send(&at_tick(note_on(client.port(0), 1), queue, 10)).is_ok() {}
        assert!(!client.writable());
        client.remove(OUT, |_| {});
        assert!(client.writable());
    }
}
