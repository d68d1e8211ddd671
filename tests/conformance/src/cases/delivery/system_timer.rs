//! The timer port 0:0: what it takes, and what it echoes.

use crate::case::cases;
use crate::client::{Client, Mode, OPEN_PORT, TIMER, at_tick, control, note_on, variable};
use aseqd_abi::event::{EVENT_SIZE, EventData, EventFlags, EventTime};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{QueueInfo, QueueTempo};
use aseqd_abi::{Errno, Event, EventType as T};

/// Returns a client that gets the echoes, and its queue.
fn listening() -> (Client, u8) {
    let client = Client::with_port();
    client.listen_to_timer();
    let queue = client.create_queue();
    (client, queue)
}

/// Types of the echoes for a queue.
fn echoed(client: &Client, queue: u8) -> Vec<T> {
    client.echoes(queue).iter().map(|event| event.event_type).collect()
}

cases! {
    /// An echo is from 0:0, direct, with the queue's tick as time and its number only in the data.
    fn echo_has_this_form() {
        let (client, queue) = listening();
        let mut event = control(queue, T::SETPOS_TICK, 1234, 0);
        event.tag = 5;
        client.must_send(&event);
        let expected = Event {
            source: TIMER,
            dest: client.port(0),
            tag: 5,
            time: EventTime::tick(1234),
            data: EventData::from_queue(queue, 1234, 0),
            ..Event::direct(T::SETPOS_TICK)
        };
        assert_eq!(client.echoes(queue), [expected]);
    }

    /// The echo has no flags and the queue's tick; the second word of the time is as it was
    /// written.
    fn echo_has_no_flags() {
        let (client, queue) = listening();
        let mut event = control(queue, T::STOP, 0, 0);
        event.flags = EventFlags::REAL_TIME | EventFlags::RELATIVE | EventFlags::PRIORITY;
        event.time = EventTime::real(8, 9);
        client.must_send(&event);
        let echo = client.echoes(queue)[0];
        assert_eq!((echo.flags, echo.time), (EventFlags::empty(), EventTime::real(0, 9)));
    }

    /// The echo carries all data bytes of the event.
    fn echo_carries_the_data() {
        let (client, queue) = listening();
        let mut event = control(queue, T::STOP, 0x0102_0304, 0x0506_0708);
        event.data.0[1..4].copy_from_slice(&[0xa, 0xb, 0xc]);
        client.must_send(&event);
        assert_eq!(client.echoes(queue)[0].data, event.data);
    }

    /// START echoes with tick 0.
    fn start_is_echoed() {
        let (client, queue) = listening();
        client.start(queue);
        let echoes = client.echoes(queue);
        assert_eq!((echoes[0].event_type, echoes[0].time), (T::START, EventTime::tick(0)));
        assert_eq!(echoes.len(), 1);
    }

    /// START of a running queue echoes again.
    fn start_of_a_running_queue_is_echoed() {
        let (client, queue) = listening();
        client.start(queue);
        client.start(queue);
        assert_eq!(echoed(&client, queue), [T::START, T::START]);
    }

    /// CONTINUE of a stopped queue echoes, of a running one it does not.
    fn continue_is_echoed_when_it_acts() {
        let (client, queue) = listening();
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        assert_eq!(client.control(queue, T::CONTINUE, 0), Ok(EVENT_SIZE));
        assert_eq!(echoed(&client, queue), [T::CONTINUE]);
    }

    /// STOP echoes, of a stopped queue too.
    fn stop_is_always_echoed() {
        let (client, queue) = listening();
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        assert_eq!(echoed(&client, queue), [T::STOP, T::STOP]);
    }

    /// SETPOS_TIME echoes with the tick, which it did not change.
    fn setpos_time_is_echoed() {
        let (client, queue) = listening();
        assert_eq!(client.control(queue, T::SETPOS_TICK, 7), Ok(EVENT_SIZE));
        client.must_send(&control(queue, T::SETPOS_TIME, 3, 4));
        let echo = client.echoes(queue)[1];
        assert_eq!((echo.event_type, echo.time), (T::SETPOS_TIME, EventTime::tick(7)));
        assert_eq!(echo.data, EventData::from_queue(queue, 3, 4));
    }

    /// TEMPO echoes, even with a value that is ignored.
    fn tempo_is_always_echoed() {
        let (client, queue) = listening();
        for value in [400_000, 0, 0x8000_0000] {
            assert_eq!(client.control(queue, T::TEMPO, value), Ok(EVENT_SIZE));
        }
        assert_eq!(echoed(&client, queue), [T::TEMPO, T::TEMPO, T::TEMPO]);
        assert_eq!(client.tempo(queue).tempo, 400_000);
    }

    /// QUEUE_SKEW echoes only if its base is right.
    fn skew_is_echoed_when_accepted() {
        let (client, queue) = listening();
        client.must_send(&control(queue, T::QUEUE_SKEW, 0x8000, 0x10000));
        client.must_send(&control(queue, T::QUEUE_SKEW, 0x8000, 0x1000));
        assert_eq!(echoed(&client, queue), [T::QUEUE_SKEW]);
    }

    /// Types that do nothing succeed and are not echoed.
    fn other_types_are_taken_and_not_echoed() {
        let (client, queue) = listening();
        for number in (0..150).filter(|n| !(30..=35).contains(n) && *n != 38 && *n != 5) {
            if T(number).is_variable() {
                continue;
            }
            let event = Event { event_type: T(number), ..control(queue, T::CLOCK, 1, 2) };
            assert_eq!(client.send(&event), Ok(EVENT_SIZE), "type {number}");
        }
        assert_eq!(echoed(&client, queue), []);
    }

    /// A note to 0:0 is about the queue that its channel number names.
    fn note_to_the_timer_port_is_control_of_a_queue() {
        let client = Client::open();
        let queue = client.create_queue();
        let mut event = note_on(TIMER, 60);
        event.data.0[0] = queue;
        assert_eq!(client.send(&event), Ok(EVENT_SIZE));
        event.data.0[0] = 99;
        assert_eq!(client.send(&event), Err(Errno::EINVAL));
    }

    /// A variable event to 0:0 is judged by its length's first byte.
    fn variable_event_to_the_timer_port_is_control_of_a_queue() {
        let client = Client::open();
        let queue = client.create_queue();
        let len = usize::from(queue);
        let event = variable(T::SYSEX, TIMER, len);
        assert_eq!(client.send_variable(&event, &vec![1; len]), Ok(EVENT_SIZE + len));
        let event = variable(T::SYSEX, TIMER, 200);
        assert_eq!(client.send_variable(&event, &[1; 200]), Err(Errno::EINVAL));
    }

    /// Control of an unknown queue is EINVAL.
    fn unknown_queue_is_einval() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(client.delete_queue(queue), Ok(()));
        for number in [queue, 32, 99, 253, 255] {
            assert_eq!(client.control(number, T::STOP, 0), Err(Errno::EINVAL), "queue {number}");
        }
    }

    /// Control of a queue that another client has locked is EPERM, and nothing happens.
    fn locked_queue_is_eperm() {
        let (owner, other) = (Client::with_port(), Client::open());
        owner.listen_to_timer();
        let queue = owner.create_locked_queue();
        for event_type in [T::START, T::CONTINUE, T::STOP, T::SETPOS_TICK, T::TEMPO, T::CLOCK] {
            assert_eq!(other.control(queue, event_type, 5), Err(Errno::EPERM), "{event_type:?}");
        }
        assert_eq!(echoed(&owner, queue), []);
        assert_eq!((owner.status(queue).running, owner.status(queue).tick), (0, 0));
    }

    /// Control of an unlocked queue is anybody's.
    fn unlocked_queue_is_anybodys() {
        let (owner, other) = (Client::open(), Client::open());
        let queue = owner.create_queue();
        other.start(queue);
        assert_eq!(owner.status(queue).running, 1);
    }

    /// Control needs no use mark and no port.
    fn control_needs_no_use_mark() {
        let (owner, other) = (Client::open(), Client::open());
        let queue = owner.create_queue();
        assert_eq!(other.control(queue, T::SETPOS_TICK, 9), Ok(EVENT_SIZE));
        assert!(!other.uses_queue(queue));
        assert_eq!(owner.status(queue).tick, 9);
    }

    /// A write-only client controls.
    fn write_only_client_controls() {
        let client = Client::open_as(Mode::Write);
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.status(queue).running, 1);
    }

    /// The event's own queue number is only about when.
    fn queue_in_the_record_is_only_about_when() {
        let client = Client::open();
        let (clock, target) = (client.create_queue(), client.create_queue());
        client.must_send(&at_tick(control(target, T::SETPOS_TICK, 55, 0), clock, 0));
        assert_eq!((client.status(clock).tick, client.status(target).tick), (0, 55));
    }

    /// Queued control takes effect when due, not before.
    fn queued_control_acts_when_due() {
        let (client, queue) = listening();
        client.must_send(&at_tick(control(queue, T::TEMPO, 300_000, 0), queue, 10));
        assert_eq!((client.tempo(queue).tempo, echoed(&client, queue)), (500_000, vec![]));
        client.move_to_tick(queue, 10);
        assert_eq!(client.tempo(queue).tempo, 300_000);
        assert_eq!(echoed(&client, queue), [T::SETPOS_TICK, T::TEMPO]);
    }

    /// The echo of queued control has the tick of the queue it controls.
    fn queued_control_echoes_with_the_controlled_queues_tick() {
        let (client, clock) = listening();
        let target = client.create_queue();
        assert_eq!(client.control(target, T::SETPOS_TICK, 44), Ok(EVENT_SIZE));
        client.must_send(&at_tick(control(target, T::STOP, 0, 0), clock, 10));
        client.move_to_tick(clock, 10);
        let stop = client.echoes(target).pop().unwrap();
        assert_eq!((stop.event_type, stop.time, stop.queue), (T::STOP, EventTime::tick(44), 253));
    }

    /// Queued control of a locked queue fails when due, and bounces.
    fn queued_control_of_a_locked_queue_bounces() {
        let (owner, other) = (Client::open(), Client::with_port());
        let (locked, clock) = (owner.create_locked_queue(), other.create_queue());
        other.want_bounces();
        other.must_send(&at_tick(control(locked, T::START, 0, 0), clock, 0));
        assert_eq!(other.received()[0].event.event_type, T::BOUNCE);
        assert_eq!(owner.status(locked).running, 0);
    }

    /// The right to control is asked when the event is due.
    fn lock_counts_when_due() {
        let (owner, other) = (Client::open(), Client::with_port());
        let (target, clock) = (owner.create_queue(), other.create_queue());
        other.must_send(&at_tick(control(target, T::SETPOS_TICK, 5, 0), clock, 10));
        let info = QueueInfo {
            queue: target.into(),
            owner: owner.id.into(),
            locked: 1,
            ..QueueInfo::default()
        };
        assert!(owner.query(s::SET_QUEUE_INFO, info).is_ok());
        other.move_to_tick(clock, 10);
        assert_eq!(owner.status(target).tick, 0);
    }

    /// Every subscriber of 0:0 gets the echo, not only the client that controls the queue.
    fn echo_goes_to_all_subscribers() {
        let (client, queue) = listening();
        let other = Client::with_port();
        other.listen_to_timer();
        client.start(queue);
        assert_eq!(
            (echoed(&client, queue), echoed(&other, queue)),
            (vec![T::START], vec![T::START])
        );
    }

    /// A client that controls a queue and does not subscribe gets no echo.
    fn echo_goes_only_to_subscribers() {
        let client = Client::with_port();
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.types(), []);
    }

    /// Controlling a queue succeeds even if a subscriber cannot take the echo.
    fn failing_echo_is_no_error() {
        let (client, queue) = listening();
        client.accept_only(&[]);
        client.start(queue);
        assert_eq!(client.status(queue).running, 1);
    }

    /// SET_QUEUE_TEMPO is not echoed.
    fn set_queue_tempo_is_not_echoed() {
        let (client, queue) = listening();
        let tempo =
            QueueTempo { queue: queue.into(), tempo: 300_000, ppq: 96, ..QueueTempo::default() };
        assert!(client.query(s::SET_QUEUE_TEMPO, tempo).is_ok());
        assert_eq!(echoed(&client, queue), []);
    }

    /// The timer port can be the sender of a connection to any port, several times over.
    fn timer_port_serves_two_ports_in_order() {
        let (client, queue) = listening();
        let second = client.create_port(OPEN_PORT).unwrap();
        assert_eq!(client.subscribe(TIMER, second), Ok(()));
        client.discard();
        client.start(queue);
        let dests: Vec<_> = client.echoes(queue).iter().map(|event| event.dest).collect();
        assert_eq!(dests, [client.port(0), second]);
    }

    /// Control events in one batch act in order.
    fn batch_of_control_acts_in_order() {
        let (client, queue) = listening();
        let events = [
            control(queue, T::START, 0, 0),
            control(queue, T::STOP, 0, 0),
            control(queue, T::SETPOS_TICK, 40, 0),
        ];
        let bytes: Vec<u8> =
            events.iter().flat_map(|e| zerocopy::IntoBytes::as_bytes(e).to_vec()).collect();
        assert_eq!(client.write(&bytes), Ok(3 * EVENT_SIZE));
        assert_eq!(echoed(&client, queue), [T::START, T::STOP, T::SETPOS_TICK]);
        assert_eq!((client.status(queue).tick, client.status(queue).running), (40, 0));
    }
}
