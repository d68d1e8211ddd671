//! The door itself: wrong messages, strangers, leftovers, the form of the library.

use crate::common::*;
use crate::server::Server;
use aseqd_server::door::preload::library::Library;
use aseqd_wire::preload::{MORE, NONBLOCK, Reply, Request, Secret, VERSION, Welcome, kind};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv,
    send, socket_with,
};
use rustix::time::Timespec;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::process::Command;
use zerocopy::{FromBytes as _, IntoBytes as _};

pub(crate) const HELLO: Request = Request { code: VERSION, ..plain(kind::HELLO) };

pub(crate) const fn plain(kind: u32) -> Request {
    Request { kind, serial: 1, server: 0, file: 0, thread: 0, flags: 0, code: 0, access: 0, len: 0 }
}

/// Returns a message with the bytes that follow its head.
pub(crate) fn message(request: Request, data: &[u8]) -> Vec<u8> {
    [request.as_bytes(), data].concat()
}

/// Returns the first message of a program of the run.
pub(crate) fn hello(secret: &Secret) -> Vec<u8> {
    message(HELLO, &secret.program)
}

/// Sends a message. Returns the answer and the bytes that follow it.
pub(crate) fn ask(socket: &OwnedFd, message: &[u8]) -> Option<(Reply, Vec<u8>)> {
    send(socket, message, SendFlags::NOSIGNAL).expect("it is sent");
    let mut bytes = vec![0; 100_000];
    let (len, _) =
        recv(socket, &mut bytes[..], RecvFlags::empty()).ok().filter(|(len, _)| *len > 0)?;
    let (reply, rest) = Reply::read_from_prefix(&bytes[..len]).expect("a whole head");
    Some((reply, rest.to_vec()))
}

/// Returns a connection that the server has admitted.
pub(crate) fn admitted(server: &Server) -> (OwnedFd, Welcome) {
    let socket = connection(server);
    let (reply, rest) = ask(&socket, &hello(&server.secret())).expect("an answer");
    assert_eq!((reply.kind, reply.value), (aseqd_wire::preload::ANSWER, 0));
    (socket, Welcome::read_from_bytes(&rest).expect("a welcome"))
}

pub(crate) fn connection(server: &Server) -> OwnedFd {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
    let socket = socket.expect("a socket");
    let address = SocketAddrUnix::new(server.variable("ASEQD_SOCKET")).expect("an address");
    connect(&socket, &address).expect("a connection");
    socket
}

/// Returns whether the server ends a connection without an answer.
fn is_ended(socket: &OwnedFd) -> bool {
    let mut ends = [PollFd::new(socket, PollFlags::IN)];
    let limit = Timespec { tv_sec: 20, tv_nsec: 0 };
    assert_eq!(poll(&mut ends, Some(&limit)), Ok(1), "something comes");
    recv(socket, &mut [0; 100][..], RecvFlags::empty()).is_ok_and(|(len, _)| len == 0)
}

#[test]
fn nonsense_ends_its_connection_alone() {
    let server = Server::start();
    let long = vec![0; 70_000];
    let head = |request: Request| request.as_bytes().to_vec();
    let greeting = hello(&server.secret());
    let cases: &[(&[Vec<u8>], &str)] = &[
        (&[b"hello".to_vec()], "it is too short"),
        (&[long], "it is too long"),
        (&[head(plain(kind::OPEN))], "its library is of another version"),
        (&[head(Request { code: 9999, ..HELLO })], "its library is of another version"),
        (
            &[greeting.clone(), head(Request { code: 7, ..plain(kind::OPEN) })],
            "there is no such device",
        ),
        (
            &[greeting.clone(), head(Request { flags: MORE, ..plain(kind::READ) })],
            "only a write goes on in another message",
        ),
    ];
    for (messages, why) in cases {
        let socket = connection(&server);
        for message in *messages {
            send(&socket, message, SendFlags::NOSIGNAL).expect("it is sent");
        }
        if messages.len() > 1 {
            let welcome = recv(&socket, &mut [0; 100][..], RecvFlags::empty());
            assert_eq!(welcome.map(|(len, _)| len), Ok(size_of::<Reply>() + size_of::<Welcome>()));
        }
        assert!(is_ended(&socket), "{why}");
        let wanted = format!("process {} sent an invalid message: {why}", std::process::id());
        wait_until(&wanted, || server.errors().contains(&wanted));
    }
    // A descriptor that is no file of ours is an error of the call.
    let (socket, _) = admitted(&server);
    let read = Request { flags: NONBLOCK, file: 77, ..plain(kind::READ) };
    let (reply, _) = ask(&socket, read.as_bytes()).expect("an answer");
    assert_eq!(reply.value, -i64::from(aseqd_abi::Errno::EBADFD.0));
    // The server ends a write that never ends.
    let (socket, _) = admitted(&server);
    let mut piece = Request { flags: MORE, ..plain(kind::WRITE) }.as_bytes().to_vec();
    piece.resize(60_000, 0);
    let refused = (0..100).find_map(|_| send(&socket, &piece, SendFlags::NOSIGNAL).err());
    let ended = [rustix::io::Errno::PIPE, rustix::io::Errno::CONNRESET];
    assert!(refused.is_some_and(|error| ended.contains(&error)), "{refused:?}");
    let mut listing = server.command("aconnect");
    listing.arg("-l");
    assert!(output(listing).contains("client 14"));
}

#[test]
fn what_a_killed_server_has_left_is_taken_away_by_the_next() {
    let living = Server::start();
    let killed = Server::start();
    let directory = |server: &Server| Path::new(server.library()).parent().map(Path::to_owned);
    let (kept, left) = (directory(&living).expect("a path"), directory(&killed).expect("a path"));
    killed.kill();
    let socket = |folder: &Path| {
        let mut entries = std::fs::read_dir(folder).expect("a folder").flatten();
        entries.any(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()))
    };
    assert!(socket(&left));
    let next = Library::install().expect("the library is installed");
    assert!(!left.exists());
    assert!(socket(&kept));
    let own = next.path();
    assert!(own.exists());
    drop(next);
    assert!(!own.exists());
}

#[test]
fn the_library_needs_only_what_glibc_and_musl_have_and_cannot_panic() {
    if !have(&["readelf", "nm"]) {
        return;
    }
    let library = Library::install().expect("the library is installed");
    let mut command = Command::new("readelf");
    command.args(["--dynamic", "--wide"]).arg(library.path());
    let needed = output(command);
    // musl's loader takes each of these names for its own.
    let libraries = ["[libc.so.6]", "[libpthread.so.0]", "[libdl.so.2]"];
    for line in needed.lines().filter(|line| line.contains("(NEEDED)")) {
        assert!(libraries.iter().any(|library| line.contains(library)), "{line}");
    }
    // glibc's loader ends a program whose C library does not have a version that the library wants.
    let mut command = Command::new("readelf");
    command.args(["--version-info", "--wide"]).arg(library.path());
    let versions = output(command);
    let versions = versions.split_whitespace().filter_map(|word| word.strip_prefix("GLIBC_"));
    for version in versions {
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().expect("a number"));
        let version = (numbers.next(), numbers.next());
        assert!(version <= (Some(2), Some(17)), "glibc {version:?} is newer than 2.17");
    }
    let mut command = Command::new("nm");
    command.args(["--dynamic", "--undefined-only"]).arg(library.path());
    let wanted = output(command);
    // musl's loader ends a program whose library wants a function that musl does not have. The library would import
    // `abort` if its panic handler could be reached.
    let both_have = [
        "__errno_location",
        "bcmp",
        "dlsym",
        "fclose",
        "fdopen",
        "fopencookie",
        "getauxval",
        "getrlimit",
        "memcmp",
        "memcpy",
        "memmove",
        "memset",
        "secure_getenv",
        "strlen",
        "syscall",
    ];
    for line in wanted.lines() {
        let mut words = line.split_whitespace();
        let (kind, name) = (words.next().expect("a kind"), words.next().expect("a name"));
        let name = name.split('@').next().unwrap_or_default();
        // A weak one may be missing.
        assert!(kind == "w" || both_have.contains(&name), "{name} in {wanted}");
    }
}
