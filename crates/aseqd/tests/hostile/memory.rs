//! Limits of what a stranger can make the server hold: the rows of `docs/limits.md`, and the memory that each takes.

use super::common::seq::Client;
use super::common::*;
use super::place::{Bystander, STRANGER, run, serve};
use aseqd_abi::event::{Event, EventTime, EventType};
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{Address, PortSubscribe, SubscriptionFlags};
use aseqd_wire::proc_text;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use zerocopy::IntoBytes as _;

/// Memory of the server beyond what is counted, in KiB.
const SLACK_KIB: u64 = 12 * 1024;
const MIB: usize = 1 << 20;

/// Runs an attack of another user and lets it stay. Returns how much more memory the server has then, in KiB. Another
/// client is served before, meanwhile and after, by a file of each device.
fn attacked(what: &str) -> u64 {
    let mut bystander = Bystander::new();
    bystander.is_served();
    let before = bystander.resident_kib();
    let mut command = again_as(STRANGER, what);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut attack = command.spawn().expect("a stranger");
    let lines = BufReader::new(attack.stdout.take().expect("its output")).lines();
    let done = lines.map_while(Result::ok).find(|line| line.contains("done: "));
    let done = done.expect("it says what it did");
    bystander.is_served();
    File::open("/dev/snd/timer").expect("a timer file");
    drop(Client::open());
    let after = bystander.resident_kib();
    eprintln!("{what}: {done}: {before} KiB before, {after} KiB after");
    drop(attack.stdin.take());
    attack.wait().expect("it ends");
    bystander.is_served();
    bystander.is_alone();
    after.saturating_sub(before)
}

/// Reports what was done, and stays until it is told to end.
fn done(what: std::fmt::Arguments<'_>) {
    println!("\ndone: {what}");
    std::io::stdout().flush().expect("somebody listens");
    let _end = std::io::stdin().read_line(&mut String::new());
    // Some threads may wait in calls for ever.
    std::process::exit(0);
}

fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("its own limit");
    limit.maximum.unwrap_or(u64::MAX)
}

#[test]
fn timer_files() {
    /// Of `docs/limits.md`.
    const BOUND: usize = 2048;
    serve(|| {
        if role("opens timers") {
            let most = raise_limit();
            let mut files = Vec::new();
            let errno = loop {
                match File::open("/dev/snd/timer") {
                    Ok(file) => files.push(file),
                    Err(error) => break error.raw_os_error(),
                }
                assert!(files.len() <= BOUND, "the bound holds");
            };
            if most > 2 * BOUND as u64 {
                assert_eq!((files.len(), errno), (BOUND, Some(libc::ENOMEM)));
            }
            drop(files.pop());
            File::open("/dev/snd/timer").map(|file| files.push(file)).expect("room for one again");
            return done(format_args!("{} files", files.len()));
        }
        let grown = attacked("opens timers");
        assert!(grown < SLACK_KIB, "{grown} KiB");
    });
}

#[test]
fn writes_that_wait() {
    /// Of `docs/limits.md`, in writes of 1 MiB.
    const BOUND: usize = 64;
    serve(|| {
        if role("writes and waits") {
            let client = Client::open();
            let queue = client.create_queue();
            let mut event = Event::direct(EventType::NOTEON);
            (event.queue, event.dest) = (queue, Address::new(client.id, 0));
            event.time = EventTime::tick(1);
            let bytes = event.as_bytes().repeat(MIB / size_of::<Event>());
            let (tell, ended) = std::sync::mpsc::channel();
            for _ in 0..2 * BOUND {
                let file = client.file.try_clone().expect("a descriptor");
                let (bytes, tell) = (bytes.clone(), tell.clone());
                std::thread::spawn(move || {
                    let _refused = tell.send((&file).write(&bytes).map_err(|no| no.raw_os_error()));
                });
            }
            // The first one fills the pool; those beyond the limit end.
            for number in 0..BOUND {
                let end = ended.recv_timeout(DEADLINE).expect("it does not wait");
                assert_eq!(end, Err(Some(libc::ENOMEM)), "write {number}");
            }
            return done(format_args!("{BOUND} writes wait, {BOUND} were refused"));
        }
        let grown = attacked("writes and waits");
        assert!(grown < (BOUND * MIB / 1024) as u64 + SLACK_KIB, "{grown} KiB");
    });
}

#[test]
fn texts_that_are_not_read_to_the_end() {
    /// Files that each begin a text.
    const FILES: usize = 400;
    /// Of `docs/limits.md`.
    const BOUND_KIB: u64 = 32 * 1024;
    serve(|| {
        if role("begins texts") {
            let clients: Vec<_> = (0..60).map(|_| Client::open()).collect();
            for client in &clients {
                for _ in 0..254 {
                    client.create_port();
                }
            }
            let files: Vec<_> =
                (0..FILES).map(|_| File::open("/dev/snd/timer").expect("a file")).collect();
            let mut total = 0;
            for file in &files {
                let mut piece = proc_text::Piece::question(0, 0);
                seq::ioctl(file, proc_text::PROC_TEXT, &mut piece).expect("a piece");
                total = piece.total;
            }
            // The first text has to begin again, the last one goes on.
            let mut next = proc_text::Piece::question(0, 4000);
            seq::ioctl(&files[0], proc_text::PROC_TEXT, &mut next).expect_err("given up");
            seq::ioctl(&files[FILES - 1], proc_text::PROC_TEXT, &mut next).expect("a piece");
            return done(format_args!("{FILES} texts of {total} bytes begun"));
        }
        let grown = attacked("begins texts");
        assert!(grown < BOUND_KIB + 3 * SLACK_KIB, "{grown} KiB");
    });
}

#[test]
fn subscriptions() {
    /// Of `docs/limits.md`: one end is another's.
    const BOUND: usize = 4096;
    serve(|| {
        if role("subscribes") {
            let (client, other) = (Client::open(), Client::open());
            let (sender, dest) = (client.create_port(), other.create_port());
            let mut made = 0;
            let errno = loop {
                let mut info = PortSubscribe { sender, dest, ..PortSubscribe::default() };
                // Queue and flags make each connection another one.
                info.queue = u8::try_from(made % 256).expect("a remainder");
                let flags = u32::try_from(made / 256).expect("a small number") << 8;
                info.flags = SubscriptionFlags::TIMESTAMP.bits() | flags;
                match seq::ioctl(&client.file, request::SUBSCRIBE_PORT, &mut info) {
                    Ok(()) => made += 1,
                    Err(error) => break error.raw_os_error(),
                }
                assert!(made <= BOUND, "the bound holds");
            };
            assert_eq!((made, errno), (BOUND, Some(libc::ENOMEM)));
            return done(format_args!("{made} subscriptions"));
        }
        let grown = attacked("subscribes");
        assert!(grown < SLACK_KIB, "{grown} KiB");
    });
}

/// Checks the memory of texts that the trap fetches: one for each thread that opens one, held until it is whole.
#[test]
fn texts_that_many_threads_open_through_the_trap() {
    const THREADS: usize = 200;
    run("trap", || {
        if role("opens texts") {
            let clients: Vec<_> = (0..20).map(|_| Client::open()).collect();
            for client in &clients {
                for _ in 0..254 {
                    client.create_port();
                }
            }
            let opened = || std::fs::read_to_string("/proc/asound/seq/clients").map(|it| it.len());
            let threads: Vec<_> = (0..THREADS).map(|_| std::thread::spawn(opened)).collect();
            let lengths = threads.into_iter().map(|thread| thread.join().expect("no panic"));
            let lengths: Vec<_> = lengths.map(|length| length.expect("a text")).collect();
            assert!(lengths.iter().all(|length| *length > 100_000), "{lengths:?}");
            return done(format_args!("{THREADS} texts of {} bytes opened", lengths[0]));
        }
        let grown = attacked("opens texts");
        assert!(grown < 2 * SLACK_KIB, "{grown} KiB");
    });
}
