//! `aseqd timers`.

use crate::common::seq::Client;
use crate::common::{ASEQD, DEADLINE, finish, inside, output};
use crate::device::{HRTIMER, MILLISECOND, SYSTEM, Timer};
use aseqd_abi::event::EventData;
use aseqd_abi::ioctl::{sequencer, timers as request};
use aseqd_abi::seq::{CLIENT_SYSTEM, PORT_SYSTEM_TIMER, QueueTimer};
use aseqd_abi::timer::ParamsFlags;
use aseqd_abi::{Address, Event, EventType};
use serde_json::{Value, json};
use std::process::Command;

fn timers(arguments: &[&str]) -> Command {
    let mut command = Command::new(ASEQD);
    command.arg("timers").args(arguments).env_remove("ASEQD_TIMER_DEVICE");
    command
}

/// Returns what is printed, in words: the width of columns is not tested.
fn words() -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    output(timers(&[])).lines().map(words).collect()
}

fn objects() -> Vec<Value> {
    let text = output(timers(&["--json"]));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Returns the error message of a list that must fail.
#[track_caller]
fn failure(arguments: &[&str]) -> String {
    let ended = finish(timers(arguments), DEADLINE);
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:#?}");
    ended.stderr.trim_end().to_owned()
}

/// Returns this thread's number and the name of its program, as the list shows them.
fn own() -> (i32, String) {
    let name = std::fs::read_to_string("/proc/self/comm").expect("a name");
    (rustix::thread::gettid().as_raw_nonzero().get(), name.trim_end().to_owned())
}

const UNUSED_SYSTEM: &str = "CLASS=1,DEV=0,SUBDEV=0 system timer (ticks of 4 ms, not used)";

#[test]
fn timers_are_listed_where_nobody_uses_them() {
    inside(|| {
        let unused = [UNUSED_SYSTEM, "CLASS=1,DEV=3,SUBDEV=0 HR timer (ticks of 1 ns, not used)"];
        assert_eq!(words(), unused);
        assert!(!output(timers(&[])).contains('\u{1b}'), "no colours but on a terminal");
        let wanted = json!({
            "timer": "hw:CLASS=1,DEV=3,SUBDEV=0", "class": 1, "card": null, "device": 3,
            "subdevice": 0, "id": "hrtimer", "name": "HR timer", "resolution_ns": 1,
            "resolution": [1, 1_000_000_000], "driven_by_device": false, "instances": 0,
            "holders": [],
        });
        assert_eq!(objects()[1], wanted);
    });
}

#[test]
fn a_program_that_uses_a_timer_is_named() {
    inside(|| {
        let (pid, name) = own();
        let timer = Timer::bound(HRTIMER);
        timer.periodic(MILLISECOND, ParamsFlags::empty()).expect("PARAMS");
        let list = |state: &str| {
            let wanted = [
                UNUSED_SYSTEM.to_owned(),
                "CLASS=1,DEV=3,SUBDEV=0 HR timer (ticks of 1 ns, 1 instance)".to_owned(),
                format!("application {pid} ({name}) : {state}"),
            ];
            assert_eq!(words(), wanted);
        };
        list("stopped");
        timer.order(request::START).expect("START");
        list("running");
        let holder = json!({
            "owner": format!("application {pid}"), "pid": pid, "command": name, "queue": null,
            "running": true,
        });
        assert_eq!(objects()[1]["holders"], json!([holder]));
        timer.order(request::PAUSE).expect("PAUSE");
        list("stopped");
        timer.select(SYSTEM).expect("SELECT");
        let used = "CLASS=1,DEV=0,SUBDEV=0 system timer (ticks of 4 ms, 1 instance)";
        assert_eq!(words()[0], used);
    });
}

#[test]
fn queues_are_named_as_linux_names_them() {
    inside(|| {
        let client = Client::open();
        let queue = client.create_queue();
        // Linux opens a queue's first timer before the queue has its number.
        let used = "CLASS=1,DEV=3,SUBDEV=0 HR timer (ticks of 1 ns, 1 instance)";
        assert_eq!(words(), [UNUSED_SYSTEM, used, "sequencer queue -1 : stopped"]);
        let mut timer = QueueTimer { queue: queue.into(), id: HRTIMER, ..QueueTimer::default() };
        client.ioctl(sequencer::SET_QUEUE_TIMER, &mut timer);
        let name = format!("sequencer queue {queue}");
        assert_eq!(words()[2], format!("{name} : stopped"));
        let start = Event {
            dest: Address::new(CLIENT_SYSTEM, PORT_SYSTEM_TIMER),
            data: EventData::from_queue(queue, 0, 0),
            ..Event::direct(EventType::START)
        };
        client.write(&[start]).expect("START");
        assert_eq!(words()[2], format!("{name} : running"));
        let holder =
            json!({ "owner": name, "pid": null, "command": null, "queue": queue, "running": true });
        assert_eq!(objects()[1]["holders"], json!([holder]));
    });
}

#[test]
fn a_list_that_is_longer_than_one_answer_is_whole() {
    inside(|| {
        // As many as the high-resolution timer takes; and more than that of the other timer.
        let bound: Vec<_> = [HRTIMER; 100].into_iter().chain([SYSTEM; 150]).collect();
        let _bound: Vec<_> = bound.into_iter().map(Timer::bound).collect();
        let objects = objects();
        for (object, count) in objects.iter().zip([150, 100]) {
            assert_eq!(object["instances"], count);
            assert_eq!(object["holders"].as_array().map(Vec::len), Some(count));
        }
        assert_eq!(words().len(), 252);
    });
}

#[test]
fn a_device_that_is_none_is_said_in_a_sentence() {
    let said = failure(&["--device", "/nonexistent/timer"]);
    let why = "/nonexistent/timer cannot be opened";
    assert!(said.starts_with(&format!("aseqd: {why}: there is no timer device; ")), "{said}");
    let said = failure(&["--device", "/dev/null"]);
    assert_eq!(said, "aseqd: /dev/null is not a timer device: inappropriate ioctl for device");
}

#[test]
fn the_sequencer_is_no_timer_device() {
    inside(|| {
        let said = failure(&["--device", "/dev/snd/seq"]);
        assert_eq!(
            said,
            "aseqd: /dev/snd/seq is not a timer device: inappropriate ioctl for device"
        );
    });
}
