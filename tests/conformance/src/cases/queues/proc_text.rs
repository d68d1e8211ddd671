//! What /proc/asound/seq says of the own queues.

use crate::case::{cases, skip};
use crate::client::{Client, at_tick, at_time, control, name, note_on};
use aseqd_abi::EventType as T;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::QueueInfo;
use std::time::Duration;

/// Returns a text of the sequencer. Skips the case if there is none.
fn proc(file: &str) -> String {
    match std::fs::read_to_string(format!("/proc/asound/seq/{file}")) {
        Ok(text) => text,
        Err(_) => skip("there is no /proc/asound/seq"),
    }
}

/// Returns the lines about a queue.
fn lines(queue: u8) -> Vec<String> {
    let text = proc("queues");
    let head = format!("queue {queue}: ");
    let lines = text.lines().skip_while(|line| !line.starts_with(&head));
    lines.take_while(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Returns a locked queue with a name, two ticks and a time waiting, at tick 5 and 6.000000007 s.
fn queue(client: &Client) -> u8 {
    let info = QueueInfo { locked: 1, name: name("conformance"), ..QueueInfo::default() };
    let queue = client.query(s::CREATE_QUEUE, info).unwrap().queue;
    let queue = u8::try_from(queue).unwrap();
    for tick in [100, 200] {
        client.must_send(&at_tick(note_on(client.port(0), 1), queue, tick));
    }
    client.must_send(&at_time(note_on(client.port(0), 1), queue, Duration::from_secs(100)));
    client.must_send(&control(queue, T::SETPOS_TICK, 5, 0));
    client.must_send(&control(queue, T::SETPOS_TIME, 6, 7));
    assert_eq!(client.set_tempo(queue, 400_000, 120), Ok(()));
    queue
}

cases! {
    /// A queue's lines tell name, owner, lock, events, state, tempo and position.
    since "6.12" fn queue_is_described() {
        let client = Client::with_port();
        let queue = queue(&client);
        let expected = [
            format!("queue {queue}: [conformance]"),
            format!("owned by client    : {}", client.id),
            "lock status        : Locked".into(),
            "queued time events : 1".into(),
            "queued tick events : 2".into(),
            "timer state        : Stopped".into(),
            "timer PPQ          : 120".into(),
            "current tempo      : 400000".into(),
            "tempo base         : 1000 ns".into(),
            "current BPM        : 150".into(),
            "current time       : 6.000000007 s".into(),
            "current tick       : 5".into(),
        ];
        assert_eq!(lines(queue), expected);
    }

    /// A queue's lines tell name, owner, lock, events, state, tempo and position.
    until "6.12" fn queue_is_described_without_base() {
        let client = Client::with_port();
        let queue = queue(&client);
        let expected = [
            format!("queue {queue}: [conformance]"),
            format!("owned by client    : {}", client.id),
            "lock status        : Locked".into(),
            "queued time events : 1".into(),
            "queued tick events : 2".into(),
            "timer state        : Stopped".into(),
            "timer PPQ          : 120".into(),
            "current tempo      : 400000".into(),
            "current BPM        : 150".into(),
            "current time       : 6.000000007 s".into(),
            "current tick       : 5".into(),
        ];
        assert_eq!(lines(queue), expected);
    }

    /// A running, unlocked queue is called so.
    fn running_free_queue_is_called_so() {
        let client = Client::open();
        let queue = client.create_queue();
        client.start(queue);
        let lines = lines(queue);
        assert!(lines.contains(&"lock status        : Free".to_owned()), "{lines:?}");
        assert!(lines.contains(&"timer state        : Running".to_owned()), "{lines:?}");
    }

    /// A deleted queue is no longer described.
    fn deleted_queue_is_not_described() {
        let client = Client::open();
        let queue = client.create_queue();
        assert!(!lines(queue).is_empty());
        assert_eq!(client.delete_queue(queue), Ok(()));
        assert!(lines(queue).is_empty());
    }

    /// A used queue's timer is listed with its skew.
    fn timer_is_listed() {
        let client = Client::open();
        let queue = client.create_queue();
        client.must_send(&control(queue, T::QUEUE_SKEW, 0x8000, 0x10000));
        let text = proc("timer");
        let head = format!("Timer for queue {queue} : ");
        let lines: Vec<&str> =
            text.lines().skip_while(|line| !line.starts_with(&head)).take(3).collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert_eq!(lines[1], "  Period time : 0.000000000");
        assert_eq!(lines[2], "  Skew : 32768 / 65536");
    }

    /// A queue that nobody uses has no timer.
    fn unused_queue_has_no_timer() {
        let client = Client::open();
        let queue = client.create_queue();
        assert_eq!(client.use_queue(queue, false), Ok(()));
        assert!(!proc("timer").contains(&format!("Timer for queue {queue} : ")));
    }

    /// The current time of /proc is that of the last period, and stands when the queue stands.
    fn time_stands_when_the_queue_stands() {
        let client = Client::open();
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.control(queue, T::STOP, 0), Ok(EVENT_SIZE));
        let before = lines(queue);
        std::thread::sleep(Duration::from_millis(10));
        assert_eq!(lines(queue), before);
    }
}
