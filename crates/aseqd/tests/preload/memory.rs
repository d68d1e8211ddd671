//! Limits of what connections can make the server hold, from `docs/limits.md`.

use crate::common::*;
use crate::door::{admitted, ask, connection, hello, message, plain};
use crate::server::Server;
use aseqd_abi::Errno;
use aseqd_wire::preload::{MAX_DATA, MAX_WRITE, MORE, Request, access, kind, node};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::os::fd::OwnedFd;
use std::time::Instant;

/// Number of connections of an attack.
const MANY: usize = 600;
/// Maximum size of a user's unfinished messages, in KiB: see `docs/limits.md`.
const UNFINISHED_KIB: u64 = 64 * 1024;
/// Memory of the server beyond what is counted, in KiB.
const SLACK_KIB: u64 = 8 * 1024;

/// Raises this process's limit of descriptors, since it needs many. Returns whether that was possible.
fn raise_limit(wanted: u64) -> bool {
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|maximum| maximum < wanted) {
        skip(&format!("this process may have only {:?} descriptors", limit.maximum));
        return false;
    }
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("its own limit");
    true
}

#[test]
fn unfinished_messages_are_held_up_to_a_bound_and_others_are_served() {
    if !raise_limit(4 * MANY as u64) {
        return;
    }
    let server = Server::start();
    let (_first, welcome) = admitted(&server);
    let before = status_of(server.pid(), "VmRSS");
    let part = Request { flags: MORE, server: welcome.server, ..plain(kind::WRITE) };
    let part = message(part, &[0; MAX_DATA]);
    let sockets: Vec<_> = (0..MANY)
        .map(|_| {
            let (socket, _) = admitted(&server);
            for _ in 0..MAX_WRITE / MAX_DATA {
                send(&socket, &part, SendFlags::NOSIGNAL).expect("it is sent");
            }
            socket
        })
        .collect();
    // A later connection is served, so all earlier ones have been accepted.
    let (other, _) = admitted(&server);
    let open = Request { code: node::SEQUENCER, access: access::BOTH, ..plain(kind::OPEN) };
    let (reply, _) = ask(&other, &message(open, &[])).expect("an answer");
    assert_eq!(reply.value, 0, "others are served");
    let after = status_of(server.pid(), "VmRSS");
    eprintln!("{MANY} unfinished writes: {before} KiB before, {after} KiB after");
    assert!(after < before + UNFINISHED_KIB + SLACK_KIB, "{before} KiB before, {after} KiB after");
    // The end of the message makes the call an error. The connection goes on.
    let last = sockets.last().expect("many");
    let end = message(Request { server: welcome.server, ..plain(kind::WRITE) }, &[0; 28]);
    for _ in 0..2 {
        let (reply, _) = ask(last, &end).expect("an answer");
        assert!([Errno::ENOMEM, Errno::EBADF].map(|no| -i64::from(no.0)).contains(&reply.value));
    }
    assert!(server.errors().contains("has too many bytes of unfinished messages"));
    drop(sockets);
    wait_until("room", || {
        let (socket, _) = admitted(&server);
        send(&socket, &part, SendFlags::NOSIGNAL).expect("it is sent");
        let (reply, _) = ask(&socket, &end).expect("an answer");
        reply.value == -i64::from(Errno::EBADF.0)
    });
}

/// Returns the length of the answer to a message, or nothing if the server has closed the connection.
fn ask_if_there(socket: &OwnedFd, message: &[u8]) -> Option<usize> {
    send(socket, message, SendFlags::NOSIGNAL).ok()?;
    let answer = recv(socket, &mut [0; 100][..], RecvFlags::empty());
    answer.ok().map(|(len, _)| len).filter(|len| *len > 0)
}

#[test]
fn connections_are_held_up_to_a_bound() {
    /// Of `docs/limits.md`.
    const BOUND: usize = 2048;
    if !raise_limit(2 * BOUND as u64) {
        return;
    }
    let server = Server::start();
    // The server of this test has the limit of descriptors with which the test was started.
    let limit =
        std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("it lives");
    let line = limit.lines().find(|line| line.starts_with("Max open files")).expect("a line");
    let soft = line.split_whitespace().nth(3).and_then(|number| number.parse::<usize>().ok());
    let bound = soft.map_or(BOUND, |soft| BOUND.min(soft / 4 * 3));
    let before = status_of(server.pid(), "VmRSS");
    let mut sockets = Vec::new();
    let refused = loop {
        let socket = connection(&server);
        if ask_if_there(&socket, &hello(&server.secret())).is_none() {
            break true;
        }
        sockets.push(socket);
        if sockets.len() > bound {
            break false;
        }
    };
    assert!(refused && sockets.len() == bound, "{} connections of {bound}", sockets.len());
    let after = status_of(server.pid(), "VmRSS");
    eprintln!("{bound} connections: {before} KiB before, {after} KiB after");
    assert!(after < before + SLACK_KIB, "{before} KiB before, {after} KiB after");
    wait_until("a line", || server.errors().contains("has too many connections"));
    // A place is free again as soon as the server sees the end of a connection.
    sockets.pop();
    wait_until("a place", || {
        let socket = connection(&server);
        ask_if_there(&socket, &hello(&server.secret())).is_some()
    });
}

#[test]
fn nonsense_makes_a_line_a_second() {
    let server = Server::start();
    let start = Instant::now();
    for _ in 0..2000 {
        let socket = connection(&server);
        let _refused = send(&socket, b"hello", SendFlags::NOSIGNAL);
    }
    let (_socket, _) = admitted(&server);
    let seconds = usize::try_from(start.elapsed().as_secs()).expect("a short time");
    let errors = server.errors();
    let lines = errors.lines().filter(|line| line.contains("sent an invalid message")).count();
    assert!((1..=seconds + 1).contains(&lines), "{lines} lines in {seconds} s: {errors}");
}
