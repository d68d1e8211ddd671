//! What a sequencer costs on this machine: starting one for a command, and having one that is idle.
//!
//! `cargo bench -p aseqd --bench costs`

use aseqd_abi::event::{EventData, EventType};
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{CLIENT_SYSTEM, PORT_SYSTEM_TIMER, QueueInfo};
use aseqd_abi::{Address, Event};
use aseqd_client::{Client, DEVICE};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use zerocopy::IntoBytes;

const ASEQD: &str = env!("CARGO_BIN_EXE_aseqd");
/// Of which the middle one counts.
const RUNS: usize = 20;
/// How long an idle server is watched.
const IDLE: Duration = Duration::from_secs(10);
/// Set in the process that runs under the sequencer.
const INSIDE: &str = "ASEQD_COSTS_INSIDE";

fn main() {
    if std::env::var_os(INSIDE).is_some() {
        return idle();
    }
    let (mut plain, mut under): (Vec<_>, Vec<_>) = (0..RUNS)
        .map(|_| {
            let mut run = Command::new(ASEQD);
            run.args(["run", "--", "true"]);
            (time(&mut Command::new("true")), time(&mut run))
        })
        .unzip();
    let (plain, under) = (median(&mut plain), median(&mut under));
    let cost = under.saturating_sub(plain);
    println!("true {plain:?}, aseqd run -- true {under:?}: {cost:?} more, medians of {RUNS} pairs");
    let own = std::env::current_exe().expect("this program has a path");
    let mut run = Command::new(ASEQD);
    run.args(["run", "--"]).arg(own).env(INSIDE, "1");
    assert!(run.status().expect("aseqd").success(), "the idle server was watched");
}

fn time(command: &mut Command) -> Duration {
    let start = Instant::now();
    assert!(command.stdin(Stdio::null()).status().expect("a program").success());
    start.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Under the sequencer: a queue runs, empty, and nobody calls.
fn idle() {
    let client = Client::open(Path::new(DEVICE), "costs").expect("a sequencer");
    let mut queue = QueueInfo::default();
    client.ioctl(request::CREATE_QUEUE, &mut queue).expect("a queue");
    let queue = u8::try_from(queue.queue).expect("a queue number");
    let mut start = Event::direct(EventType::START);
    start.dest = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_TIMER);
    start.data = EventData::from_queue(queue, 0, 0);
    client.write(start.as_bytes()).expect("the queue starts");
    let keeper = std::os::unix::process::parent_id();
    // The last answer may still be on its way to sleep.
    std::thread::sleep(Duration::from_millis(100));
    let before = switches(keeper);
    std::thread::sleep(IDLE);
    let wakeups = switches(keeper) - before;
    let status = client.queue_status(queue).expect("a status").expect("the queue");
    assert!(status.running == 1 && status.time.tv_sec >= 10, "the queue runs");
    let (resident, files) = (field(keeper, "VmRSS"), field(keeper, "RssFile"));
    println!("idle, a queue running: {wakeups} wake-ups in {IDLE:?}");
    println!("{resident} KiB resident, {files} KiB of it the program's file");
}

fn switches(process: u32) -> u64 {
    field(process, "voluntary_ctxt_switches") + field(process, "nonvoluntary_ctxt_switches")
}

fn field(process: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).expect("the field")
}
