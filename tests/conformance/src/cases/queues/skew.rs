//! The speed of a queue's clock.

use crate::case::cases;
use crate::client::{Client, at_tick, at_time, control, note_on};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::QueueTempo;
use aseqd_abi::{Errno, EventType as T};
use std::time::{Duration, Instant};

/// Sets the skew by an event.
fn set_skew(client: &Client, queue: u8, value: u32) {
    client.must_send(&control(queue, T::QUEUE_SKEW, value, 0x10000));
}

cases! {
    /// A QUEUE_SKEW event sets the skew.
    fn skew_event_sets_the_skew() {
        let client = Client::open();
        let queue = client.create_queue();
        for value in [0, 1, 0x8000, 0x20000, u32::MAX] {
            set_skew(&client, queue, value);
            assert_eq!(client.tempo(queue).skew_value, value);
        }
    }

    /// A QUEUE_SKEW event with another base than 0x10000 is taken and changes nothing.
    fn skew_event_with_another_base_is_ignored() {
        let client = Client::open();
        let queue = client.create_queue();
        for base in [0, 1, 0xffff, 0x10001] {
            let event = control(queue, T::QUEUE_SKEW, 5, base);
            assert_eq!(client.send(&event), Ok(EVENT_SIZE));
        }
        let tempo = client.tempo(queue);
        assert_eq!((tempo.skew_value, tempo.skew_base), (0x10000, 0x10000));
    }

    /// SET_QUEUE_TEMPO sets the skew if its base is 0x10000.
    fn set_queue_tempo_sets_the_skew() {
        let client = Client::open();
        let queue = client.create_queue();
        let tempo = QueueTempo { skew_value: 0x1234, ..client.tempo(queue) };
        assert!(client.query(s::SET_QUEUE_TEMPO, tempo).is_ok());
        assert_eq!(client.tempo(queue).skew_value, 0x1234);
    }

    /// SET_QUEUE_TEMPO with base 0 leaves the skew alone.
    fn set_queue_tempo_with_base_zero_leaves_the_skew() {
        let client = Client::open();
        let queue = client.create_queue();
        set_skew(&client, queue, 0x1234);
        assert_eq!(client.set_tempo(queue, 400_000, 96), Ok(()));
        assert_eq!(client.tempo(queue).skew_value, 0x1234);
    }

    /// SET_QUEUE_TEMPO with another base is EINVAL.
    fn set_queue_tempo_with_another_base_is_einval() {
        let client = Client::open();
        let queue = client.create_queue();
        for skew_base in [1, 0xffff, 0x10001, 0x8000_0000, u32::MAX] {
            let tempo = QueueTempo { skew_base, ..client.tempo(queue) };
            assert_eq!(
                client.query(s::SET_QUEUE_TEMPO, tempo),
                Err(Errno::EINVAL),
                "{skew_base:#x}"
            );
        }
    }

    /// With skew 0 ticks and time stand still.
    fn skew_zero_freezes() {
        let client = Client::with_port();
        let queue = client.create_queue();
        assert_eq!(client.set_tempo(queue, 10_000, 1000), Ok(()));
        set_skew(&client, queue, 0);
        client.start(queue);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 1));
        std::thread::sleep(Duration::from_millis(30));
        assert_eq!((client.types(), client.status(queue).tick), (vec![], 0));
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        let time = client.status(queue).time;
        assert_eq!((time.tv_sec, time.tv_nsec), (0, 0));
    }

    /// A frozen queue goes on when its skew is set again.
    fn frozen_queue_thaws() {
        let client = Client::with_port();
        let queue = client.create_queue();
        set_skew(&client, queue, 0);
        client.start(queue);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 2));
        set_skew(&client, queue, 0x10000);
        client.wait_event();
    }

    /// At half speed an event comes no earlier than after twice its time.
    fn half_speed_takes_twice_as_long() {
        let client = Client::with_port();
        let queue = client.create_queue();
        set_skew(&client, queue, 0x8000);
        let begin = Instant::now();
        client.start(queue);
        client.must_send(&at_time(note_on(client.port(0), 1), queue, Duration::from_millis(50)));
        client.wait_event();
        assert!(begin.elapsed() >= Duration::from_millis(98));
    }

    /// Ticks have the skew too.
    fn ticks_have_the_skew() {
        let client = Client::with_port();
        let queue = client.create_queue();
        set_skew(&client, queue, 0x8000);
        let begin = Instant::now();
        client.start(queue);
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, 10));
        client.wait_event();
        assert!(begin.elapsed() >= Duration::from_millis(102));
    }

    /// At a hundred times the speed, 30 seconds of the queue pass in less than the patience of a
    /// case.
    fn large_skew_makes_fast() {
        let client = Client::with_port();
        let queue = client.create_queue();
        set_skew(&client, queue, 100 << 16);
        client.start(queue);
        client.must_send(&at_time(note_on(client.port(0), 1), queue, Duration::from_secs(30)));
        client.wait_event();
        assert!(client.status(queue).time.tv_sec >= 30);
    }

    /// Skew changes what passes from now on, not what has passed.
    fn skew_change_leaves_the_position() {
        let client = Client::open();
        let queue = client.create_queue();
        client.move_to_tick(queue, 100);
        client.move_to_time(queue, 3, 4);
        set_skew(&client, queue, 0x8000);
        let status = client.status(queue);
        assert_eq!((status.tick, status.time.tv_sec, status.time.tv_nsec), (100, 3, 4));
    }

    /// START and STOP leave the skew.
    fn start_and_stop_leave_the_skew() {
        let client = Client::open();
        let queue = client.create_queue();
        set_skew(&client, queue, 0x8000);
        client.start(queue);
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        assert_eq!(client.tempo(queue).skew_value, 0x8000);
    }
}
