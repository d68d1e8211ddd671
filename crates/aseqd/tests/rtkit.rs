//! Real-time scheduling through rtkit, for a server that may not set it itself: root without `CAP_SYS_NICE`. The test
//! plays the bus and the rtkit on it.

mod common;

use common::*;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::thread::JoinHandle;

/// How the rtkit of a test answers.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// It agrees. Threads may run this many microseconds without sleeping.
    Permit(i64),
    /// It refuses the request for the thread.
    Refuse,
    /// There is no rtkit on this bus.
    Absent,
    /// Nothing answers, not even the bus.
    Silence,
}

/// A request: the thread, its priority, and the limit of its process at that moment, in µs.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    thread: u64,
    priority: u32,
    soft_and_hard: (String, String),
}

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
const SIGNAL: u8 = 4;

/// Serves one client until it hangs up. Returns what it has asked for. Creates the file when every request has been
/// answered or will get no answer.
fn play(listener: &UnixListener, answer: Answer, asked_file: &Path) -> Option<Asked> {
    let (mut stream, _) = listener.accept().expect("a client");
    if matches!(answer, Answer::Silence) {
        fs::write(asked_file, "").expect("a file");
        // Says nothing until the client gives up.
        let _gone = stream.read_to_end(&mut Vec::new());
        return None;
    }
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.extend(take(&mut stream, 1)?);
    }
    // The client sends the user's number, 0, as hexadecimal codes of its decimal digits.
    assert_eq!(line, b"\0AUTH EXTERNAL 30\r\n");
    stream.write_all(b"OK 1234deadbeef\r\n").ok()?;
    assert_eq!(take(&mut stream, 7)?, b"BEGIN\r\n");
    let mut asked = None;
    let mut calls = Vec::new();
    while let Some((serial, member, body)) = next_call(&mut stream) {
        let (kind, signature, out) = match (member.as_str(), answer) {
            ("Hello", _) => {
                // Like a real bus, tells the client its name, before or after the answer.
                send(&mut stream, SIGNAL, 0, "s", b"\x04\0\0\0:1.7\0");
                (METHOD_RETURN, "s", b"\x04\0\0\0:1.7\0".to_vec())
            }
            ("Get", Answer::Absent) => (ERROR, "", Vec::new()),
            ("Get", _) => {
                let texts = [RTKIT, "RTTimeUSecMax"];
                assert!(texts.iter().all(|text| holds(&body, text)), "{body:?}");
                let limit = if let Answer::Permit(limit) = answer { limit } else { 200_000 };
                let mut variant = b"\x01x\0\0\0\0\0\0".to_vec();
                variant.truncate(8);
                variant.extend(limit.to_ne_bytes());
                (METHOD_RETURN, "v", variant)
            }
            ("MakeThreadRealtime", _) => {
                assert_eq!(body.len(), 12, "a u64 and a u32");
                let thread = u64::from_ne_bytes(body[..8].try_into().expect("8"));
                let priority = u32::from_ne_bytes(body[8..].try_into().expect("4"));
                let soft_and_hard = run_limit(&format!("/proc/{thread}"));
                asked = Some(Asked { thread, priority, soft_and_hard });
                let permitted = matches!(answer, Answer::Permit(_)) && permit(thread, priority);
                (if permitted { METHOD_RETURN } else { ERROR }, "", Vec::new())
            }
            (other, _) => panic!("nobody offers {other}"),
        };
        calls.push(member);
        send(&mut stream, kind, serial, signature, &out);
        if kind == ERROR {
            fs::write(asked_file, "").expect("a file");
        }
    }
    let expected = ["Hello", "Get", "MakeThreadRealtime"];
    assert_eq!(calls, expected[..if asked.is_some() { 3 } else { 2 }]);
    asked
}

const RTKIT: &str = "org.freedesktop.RealtimeKit1";

/// Does what rtkit does.
fn permit(thread: u64, priority: u32) -> bool {
    let mut command = Command::new("chrt");
    command.args(["--reset-on-fork", "--rr", "--pid", &priority.to_string(), &thread.to_string()]);
    command.status().expect("chrt").success()
}

fn take(stream: &mut UnixStream, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).ok().map(|()| bytes)
}

/// Returns the next call: its serial number, its member, its body.
fn next_call(stream: &mut UnixStream) -> Option<(u32, String, Vec<u8>)> {
    let start = take(stream, 16)?;
    let word = |at: usize| u32::from_ne_bytes(start[at..at + 4].try_into().expect("4"));
    let order = if cfg!(target_endian = "little") { b'l' } else { b'B' };
    assert_eq!(start[..4], [order, METHOD_CALL, 0, 1]);
    let size = word(12) as usize;
    let fields = take(stream, size.next_multiple_of(8))?;
    let body = take(stream, word(4) as usize)?;
    let (mut at, mut found) = (0, Vec::new());
    while at < size {
        at = at.next_multiple_of(8);
        let (code, kind) = (fields[at], fields[at + 2]);
        assert_eq!((fields[at + 1], fields[at + 3]), (1, 0), "a signature of one letter");
        at += 4;
        let length = if kind == b'g' {
            at += 1;
            fields[at - 1].into()
        } else {
            at += 4;
            u32::from_ne_bytes(fields[at - 4..at].try_into().expect("4")) as usize
        };
        let text = String::from_utf8(fields[at..at + length].to_vec()).expect("text");
        at += length;
        assert_eq!(fields[at], 0, "texts end in a zero");
        at += 1;
        found.push((code, kind, text));
    }
    let field = |code, kind| {
        let of = |field: &&(u8, u8, String)| field.0 == code && field.1 == kind;
        found.iter().find(of).map_or("", |field| field.2.as_str())
    };
    let member = field(3, b's').to_owned();
    let (path, interface, service, signature) = match member.as_str() {
        "Hello" => ("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus", ""),
        "Get" => ("/org/freedesktop/RealtimeKit1", "org.freedesktop.DBus.Properties", RTKIT, "ss"),
        _ => ("/org/freedesktop/RealtimeKit1", RTKIT, RTKIT, "tu"),
    };
    let seen = (field(1, b'o'), field(2, b's'), field(6, b's'), field(8, b'g'));
    assert_eq!(seen, (path, interface, service, signature), "{member}");
    Some((word(8), member, body))
}

/// Sends a message: the answer to the call with this serial number, or a signal if it is 0.
fn send(stream: &mut UnixStream, kind: u8, serial: u32, signature: &str, body: &[u8]) {
    let mut fields = vec![5, 1, b'u', 0];
    fields.extend(serial.to_ne_bytes());
    if kind == SIGNAL {
        fields = vec![1, 1, b'o', 0, 1, 0, 0, 0, b'/', 0];
    }
    if !signature.is_empty() {
        fields.resize(fields.len().next_multiple_of(8), 0);
        let length = u8::try_from(signature.len()).expect("short");
        fields.extend([8, 1, b'g', 0, length]);
        fields.extend(signature.bytes().chain([0]));
    }
    let order = if cfg!(target_endian = "little") { b'l' } else { b'B' };
    let mut message = vec![order, kind, 1, 1];
    for word in [body.len(), 77, fields.len()] {
        message.extend(u32::try_from(word).expect("short").to_ne_bytes());
    }
    message.extend(fields);
    message.resize(message.len().next_multiple_of(8), 0);
    message.extend(body);
    // The client may have gone.
    let _gone = stream.write_all(&message);
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Returns the soft and the hard limit of how long a real-time thread may run, in the form of `/proc`.
fn run_limit(process: &str) -> (String, String) {
    let limits = fs::read_to_string(format!("{process}/limits")).expect("limits");
    let line = limits.lines().find(|line| line.starts_with("Max realtime timeout")).expect("one");
    let mut words = line.split_whitespace().skip(3).map(str::to_owned);
    (words.next().expect("soft"), words.next().expect("hard"))
}

/// Runs `aseqd run -- sh -c SCRIPT` without the right to be real-time, with a bus in a folder.
fn start(folder: &Path, answer: Answer, script: &str) -> (JoinHandle<Option<Asked>>, Ended) {
    let path = folder.join("bus");
    let listener = UnixListener::bind(&path).expect("a socket");
    let asked_file = folder.join("asked");
    let bus = std::thread::spawn(move || play(&listener, answer, &asked_file));
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-sys_nice", ASEQD, "run", "--", "sh", "-c"]);
    // Field 41 of stat is the policy (proc_pid_stat(5)); the command's parent is the server.
    command.arg(format!("policy() {{ awk '{{print $41}}' /proc/$1/stat; }}\n{script}"));
    command.current_dir(folder).env(
        "DBUS_SYSTEM_BUS_ADDRESS",
        format!("tcp:host=nowhere;unix:guid=1,path={}", path.display()),
    );
    (bus, finish(command, DEADLINE))
}

/// Returns whether the tests can run here. The process must not have the limit already.
fn can_play() -> bool {
    let permitted = || {
        let mut command = Command::new("chrt");
        let chrt = command.args(["--fifo", "1", "true"]).output().expect("chrt");
        if !chrt.status.success() {
            skip("no right to SCHED_FIFO");
        }
        chrt.status.success()
    };
    is_root() && can_serve() && have(&["setpriv", "chrt", "awk"]) && permitted()
}

/// `SCHED_RR`, from `sched.h`.
const WAIT: &str = "until [ \"$(policy $PPID)\" = 2 ]; do sleep 0.01; done";

#[test]
fn the_servers_thread_becomes_a_real_time_one_and_the_command_does_not() {
    if !can_play() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let script =
        format!("{WAIT}; echo $PPID; policy self; grep 'realtime timeout' /proc/self/limits");
    let (bus, ended) = start(folder.path(), Answer::Permit(200_000), &script);
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stderr, "");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let asked = bus.join().expect("a bus").expect("it was asked");
    let expected = Asked {
        thread: lines[0].parse().expect("a number"),
        priority: 10,
        soft_and_hard: ("100000".into(), "200000".into()),
    };
    assert_eq!(asked, expected);
    assert_eq!(lines[1], "0", "the command is ordinary");
    assert!(lines[2].contains("unlimited            unlimited"), "{}", lines[2]);
}

#[test]
fn a_server_that_has_no_time_to_sleep_keeps_its_life_and_its_priority() {
    if !can_play() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    write_notes(folder.path());
    // The server may run for 40 ms without sleeping; each writer keeps it busy for much longer.
    let flood =
        "for writer in 1 2 3; do dd if=notes of=/dev/snd/seq bs=28000 conv=notrunc 2>&1 & done
        wait; policy $PPID";
    let script = format!("{WAIT}; {flood}");
    let (bus, ended) = start(folder.path(), Answer::Permit(80_000), &script);
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout.matches("300+0 records out").count(), 3, "{}", ended.stdout);
    assert_eq!(ended.stdout.lines().last(), Some("2"), "{}", ended.stdout);
    let asked = bus.join().expect("a bus").expect("it was asked");
    assert_eq!(asked.soft_and_hard, ("40000".into(), "80000".into()));
}

#[test]
fn a_limit_that_somebody_else_has_set_is_outlived_too() {
    if !can_play() || !have(&["prlimit"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    write_notes(folder.path());
    let mut command = Command::new("prlimit");
    command.args(["--rttime=80000:80000", ASEQD, "run", "--", "sh", "-c"]);
    command.arg(
        "for writer in 1 2 3; do dd if=notes of=/dev/snd/seq bs=28000 conv=notrunc 2>&1 & done
        wait; grep 'realtime timeout' /proc/$PPID/limits",
    );
    command.current_dir(folder.path());
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.stdout.matches("300+0 records out").count(), 3, "{ended:?}");
    let limits = ended.stdout.lines().last().unwrap_or_default();
    let numbers: Vec<&str> = limits.split_whitespace().skip(3).collect();
    assert_eq!(numbers, ["40000", "80000", "us"], "{limits}");
}

/// Writes a file with many copies of a direct note for Midi Through.
fn write_notes(folder: &Path) {
    let mut note = [0_u8; 28];
    (note[0], note[3], note[14]) = (6, 253, 14);
    fs::write(folder.join("notes"), note.repeat(300_000)).expect("a file");
}

#[test]
fn without_a_permission_all_goes_on_as_before() {
    if !can_play() {
        return;
    }
    for answer in [Answer::Refuse, Answer::Absent, Answer::Silence] {
        let folder = tempfile::tempdir().expect("a folder");
        let script = "until [ -e asked ]; do sleep 0.01; done
            dd if=/dev/snd/seq count=0 2>/dev/null && policy $PPID";
        let (bus, ended) = start(folder.path(), answer, script);
        assert!(ended.status.success(), "{answer:?}: {ended:?}");
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("0\n", ""), "{answer:?}");
        let asked = bus.join().expect("a bus");
        assert_eq!(asked.is_some(), matches!(answer, Answer::Refuse), "{answer:?}: {asked:?}");
    }
}
