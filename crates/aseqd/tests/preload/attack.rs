//! Attacks on a run: by another user of the machine, and by one of its own programs on the files of another one.
//!
//! The other user runs this test binary again, as [`stranger`], which prints what it got.

use crate::common::*;
use crate::door::{HELLO, admitted, ask, connection, hello, message, plain};
use crate::server::Server;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::sequencer as request;
use aseqd_wire::preload::{
    ANSWER, FileKey, FileName, KEY_WANTED, NONBLOCK, REFUSED, Reply, Request, Secret, Welcome,
    access, kind, node,
};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept, bind,
    connect, listen, recvmsg, send, sendmsg, socket_with,
    sockopt::{Timeout, socket_timeout},
};
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use zerocopy::IntoBytes as _;

/// The user who attacks: `nobody`.
const STRANGER: u32 = 65534;
/// Names what the stranger has to do.
const ATTACK: &str = "ASEQD_TEST_ATTACK";
/// Names the socket that the stranger is told of.
const TARGET: &str = "ASEQD_TEST_TARGET";
/// Number of silent connections of another user. The server has no room for all.
const FLOOD: usize = 300;
/// How many more descriptors the server may have open because of them.
const ROOM_FOR_STRANGERS: usize = 20;

/// Returns the command that runs the stranger at a socket.
fn attack(what: &str, target: impl AsRef<OsStr>) -> Command {
    // Through this link, since that user may have no access to the binary's folder.
    let mut command = Command::new("/proc/self/exe");
    command.args(["attack::stranger", "--exact", "--nocapture", "--test-threads=1"]);
    command.env_clear().env(ATTACK, what).env(TARGET, target);
    command.uid(STRANGER).gid(STRANGER).current_dir("/").stdin(Stdio::null());
    command
}

/// Returns what the stranger prints.
fn said(command: Command) -> Vec<String> {
    let text = output(command);
    let lines = text.lines().filter_map(|line| line.strip_prefix("attack: "));
    lines.map(str::to_owned).collect()
}

/// Runs as the other user, and does what it is told.
#[test]
fn stranger() {
    let Some(what) = std::env::var_os(ATTACK) else { return };
    let target = std::env::var_os(TARGET).unwrap_or_default();
    println!();
    let tell = |line: &dyn std::fmt::Display| println!("attack: {line}");
    let connected = || {
        let socket = seqpacket();
        connect(&socket, &SocketAddrUnix::new(&target).expect("an address")).map(|()| socket)
    };
    match what.to_str().expect("a word") {
        "enter" => {
            // Sends nothing, a wrong secret, and the right one, which a stranger would have to read somewhere.
            let secret = std::env::var("SECRET").expect("the secret");
            let secret = Secret::parse(secret.as_bytes()).expect("a secret");
            let wrong = Secret { program: [0; 16], ..secret };
            let open = Request { access: access::BOTH, ..plain(kind::OPEN) };
            for first in [open.as_bytes().to_vec(), hello(&wrong), hello(&secret)] {
                let socket = connected().expect("a connection");
                tell(&match ask(&socket, &first) {
                    None => "ended".to_owned(),
                    Some((reply, rest)) => format!("{} and {} bytes", reply.kind, rest.len()),
                });
            }
        }
        "flood" => {
            let sockets: Vec<_> = (0..FLOOD).map_while(|_| connected().ok()).collect();
            tell(&sockets.len());
            let mut line = String::new();
            let _end = std::io::stdin().read_line(&mut line);
        }
        "squat" => {
            // Tries every name of the next files that can be guessed.
            let server: u64 = std::env::var("SERVER").expect("it").parse().expect("a number");
            let mut taken = Vec::new();
            for (key, access) in (0..256_u64).flat_map(|key| [(key, 'r'), (key, 'w'), (key, 'b')]) {
                for key in [key, key | 1 << 32] {
                    let old = format!("aseqd/{server:016x}/{key:016x}/{access}");
                    let new = format!("aseqd/{server:016x}/{key:016x}/{:016x}/{access}s", 0);
                    for name in [old, new] {
                        let socket = seqpacket();
                        let address = SocketAddrUnix::new_abstract_name(name.as_bytes());
                        if bind(&socket, &address.expect("an address")).is_ok() {
                            taken.push(socket);
                        }
                    }
                }
            }
            tell(&taken.len());
            let mut line = String::new();
            let _end = std::io::stdin().read_line(&mut line);
        }
        "swap" => {
            let library = Path::new(&target);
            let folder = library.parent().expect("a folder");
            let other = PathBuf::from(format!("/tmp/attack-{}", std::process::id()));
            std::fs::write(&other, "code").expect("a file");
            tell(&std::fs::rename(&other, library).is_ok());
            tell(&std::fs::write(library, "code").is_ok());
            tell(&std::fs::remove_file(library).is_ok());
            tell(&std::fs::rename(folder, folder.with_extension("away")).is_ok());
            tell(&std::fs::read_dir(folder).is_ok());
            std::fs::remove_file(&other).expect("its own file");
        }
        other => panic!("{other}"),
    }
}

fn lines_of(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok)
}

fn seqpacket() -> OwnedFd {
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    socket_with(family, kind, SocketFlags::CLOEXEC, None).expect("a socket")
}

fn descriptors(server: &Server) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("it runs").count()
}

#[test]
fn another_user_is_refused_with_and_without_the_secret() {
    if !is_root() {
        return;
    }
    let server = Server::for_everybody();
    let mut command = attack("enter", server.variable("ASEQD_SOCKET"));
    command.env("SECRET", server.variable("ASEQD_SECRET"));
    let refused = format!("{REFUSED} and 0 bytes");
    assert_eq!(said(command), ["ended", &refused, &refused]);
    let errors = server.errors();
    let user = format!("of user {STRANGER} was not let in: ");
    for why in [
        "it does not know the secret of the run",
        "it is another user's and was not started by the run",
    ] {
        assert!(errors.contains(&format!("{user}{why}\n")), "{errors}");
    }
}

#[test]
fn refusals_fill_no_log() {
    let server = Server::start();
    let start = Instant::now();
    for _ in 0..200 {
        let (reply, _) = ask(&connection(&server), &message(HELLO, &[7; 16])).expect("an answer");
        assert_eq!(reply.kind, REFUSED);
    }
    // The server logs one refusal a second.
    let most = usize::try_from(start.elapsed().as_secs()).expect("few") + 2;
    let lines = server.errors().lines().count();
    assert!((1..=most).contains(&lines), "{}", server.errors());
}

#[test]
fn a_program_of_the_run_that_changes_its_user_comes_in() {
    if !is_root() || !have(&["setpriv", "aconnect", "su"]) {
        return;
    }
    for command in [
        &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "aconnect", "-l"][..],
        &["su", "-s", "/bin/sh", "nobody", "-c", "aconnect -l"],
        // The same holds for the child of a process that has lost its parent.
        &["sh", "-c", "(setpriv --reuid=65534 sh -c 'sleep 0.1; aconnect -l' &) | cat"],
    ] {
        let mut run = Command::new(ASEQD);
        run.args(["run", "--via", "preload", "--"]).args(command);
        let ended = finish(run, DEADLINE);
        assert!(ended.stdout.contains("client 14"), "{command:?}: {ended:#?}");
    }
}

#[test]
fn silent_connections_of_another_user_keep_nobody_out() {
    if !is_root() {
        return;
    }
    let server = Server::for_everybody();
    let before = descriptors(&server);
    let mut command = attack("flood", server.variable("ASEQD_SOCKET"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut flood = command.spawn().expect("the stranger");
    let mut lines = lines_of(&mut flood);
    let connections = lines.find_map(|line| line.strip_prefix("attack: ").map(str::to_owned));
    assert_eq!(connections.expect("it says how many"), FLOOD.to_string());
    let mut listing = server.command("sh");
    listing.args(["-c", "cat /proc/asound/timers"]);
    assert!(output(listing).contains("G0: system timer"));
    wait_until("most of them to be gone", || descriptors(&server) <= before + ROOM_FOR_STRANGERS);
    drop(flood.stdin.take());
    flood.wait().expect("it is a child");
}

#[test]
fn names_of_files_cannot_be_taken_before_the_server_does() {
    if !is_root() {
        return;
    }
    let server = Server::start();
    let (socket, Welcome { server: number, .. }) = admitted(&server);
    let mut command = attack("squat", "");
    command.env("SERVER", number.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut squatter = command.spawn().expect("the stranger");
    let mut lines = lines_of(&mut squatter);
    let taken = lines.find_map(|line| line.strip_prefix("attack: ").map(str::to_owned));
    let taken: usize = taken.expect("it says how many").parse().expect("a number");
    assert!(taken > 2000, "{taken}");
    let files: Vec<_> = (0..60).map(|_| opened(&socket)).collect();
    assert_eq!(files.len(), 60);
    drop(squatter.stdin.take());
    squatter.wait().expect("it is a child");
}

#[test]
fn the_list_of_sockets_does_not_say_where_the_server_is() {
    let server = Server::start();
    let socket = Path::new(server.variable("ASEQD_SOCKET"));
    let list = std::fs::read_to_string("/proc/net/unix").expect("the list");
    for part in [socket.file_name(), socket.parent().and_then(Path::file_name)] {
        let part = part.and_then(OsStr::to_str).expect("a name");
        assert!(!list.contains(part), "{part}");
    }
}

#[test]
fn the_library_cannot_be_swapped() {
    if !is_root() {
        return;
    }
    let server = Server::for_everybody();
    assert_eq!(said(attack("swap", server.library())), ["false"; 5]);
}

#[test]
fn the_library_is_not_put_where_another_user_can_change_it() {
    if !is_root() {
        return;
    }
    let theirs = tempfile::tempdir_in("/tmp").expect("a folder");
    chown(theirs.path(), Some(STRANGER), Some(STRANGER)).expect("a chown");
    std::fs::create_dir(theirs.path().join(".cache")).expect("a folder");
    // `su` and `sudo -E` leave the variable like this.
    let mut run = Command::new(ASEQD);
    run.args(["run", "--verbose", "--via", "preload", "--", "sh", "-c", "echo $LD_PRELOAD"]);
    run.env("XDG_RUNTIME_DIR", theirs.path()).env("HOME", theirs.path());
    let ended = finish(run, DEADLINE);
    assert!(ended.status.success(), "{ended:#?}");
    assert!(!ended.stdout.contains(&*theirs.path().to_string_lossy()), "{ended:#?}");
    // A folder of this user is accepted.
    let ours = tempfile::tempdir_in("/tmp").expect("a folder");
    let mut run = Command::new(ASEQD);
    run.args(["run", "--verbose", "--via", "preload", "--", "sh", "-c", "echo $LD_PRELOAD"]);
    run.env("XDG_RUNTIME_DIR", ours.path());
    let ended = finish(run, DEADLINE);
    assert!(ended.stdout.contains(&*ours.path().to_string_lossy()), "{ended:#?}");
}

/// Opens the sequencer, and returns what a program would have.
fn opened(socket: &OwnedFd) -> OwnedFd {
    let open = Request { access: access::BOTH, flags: NONBLOCK, ..plain(kind::OPEN) };
    send(socket, open.as_bytes(), SendFlags::NOSIGNAL).expect("it is sent");
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut reply = Reply::default();
    let mut parts = [IoSliceMut::new(reply.as_mut_bytes())];
    recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC).expect("an answer");
    assert_eq!((reply.kind, reply.value), (ANSWER, 0));
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    descriptor.expect("a descriptor")
}

fn name_of(file: &OwnedFd) -> FileName {
    let address = rustix::net::getpeername(file).expect("a name").expect("a name");
    let address = SocketAddrUnix::try_from(address).expect("of a Unix socket");
    FileName::parse(address.abstract_name().expect("an abstract name")).expect("a file")
}

fn key_of(file: &OwnedFd) -> FileKey {
    let seconds = |option| {
        let found = socket_timeout(file, option).expect("an option");
        found.expect("a timeout").as_secs()
    };
    FileKey { receive: seconds(Timeout::Recv), send: seconds(Timeout::Send) }
}

#[test]
fn a_file_of_another_connection_needs_its_key() {
    let server = Server::start();
    let ((owner, _), (other, _)) = (admitted(&server), admitted(&server));
    let file = opened(&owner);
    let name = name_of(&file);
    assert_eq!((name.access, name.node), (access::BOTH, node::SEQUENCER));
    let about = |kind| Request { server: name.server, file: name.key, ..plain(kind) };
    let identify = Request { code: request::CLIENT_ID, ..about(kind::IOCTL) };
    let answered = |socket: &OwnedFd, request: Request, data: &[u8]| {
        ask(socket, &message(request, data)).expect("an answer").0
    };
    assert_eq!(answered(&owner, identify, &[]).value, 0, "the program that opened it may use it");
    let calls: [(Request, &[u8]); 4] = [
        (identify, &[]),
        (Request { len: 28, flags: NONBLOCK, ..about(kind::READ) }, &[]),
        (about(kind::WRITE), &[0; 28]),
        (Request { code: request::CREATE_PORT, ..about(kind::IOCTL) }, &[0; 168]),
    ];
    let refused = |key: FileKey| {
        let reply = answered(&other, about(kind::KEY), key.as_bytes());
        assert_eq!(reply.value, -i64::from(Errno::EBADFD.0), "{key:?}");
        for (request, data) in calls {
            let reply = answered(&other, request, data);
            assert_eq!((reply.kind, reply.value), (KEY_WANTED, 0), "{request:?}");
        }
    };
    let key = key_of(&file);
    assert_ne!(key.receive, key.send);
    refused(FileKey::default());
    refused(FileKey { receive: key.receive, send: key.receive });
    refused(FileKey { receive: key.receive + 1, ..key });
    refused(key_of(&opened(&owner)));
    for cut in [&[][..], &key.as_bytes()[..15], &[0; 17]] {
        assert!(answered(&other, about(kind::KEY), cut).value < 0);
    }
    // A process that receives the descriptor finds the key in it.
    assert_eq!(answered(&other, about(kind::KEY), key.as_bytes()).value, 0);
    assert_eq!(answered(&other, identify, &[]).value, 0);
    // The key of a closed file opens nothing, and neither does a key of another server.
    let elsewhere = Request { server: name.server ^ 1, ..about(kind::KEY) };
    assert!(answered(&other, elsewhere, key.as_bytes()).value < 0);
    drop(file);
    // As of a call before which another thread has closed the file.
    let closed = -i64::from(Errno::EBADF.0);
    assert_eq!(answered(&other, about(kind::KEY), key.as_bytes()).value, closed);
    assert_eq!(answered(&other, identify, &[]).value, closed);
    let elsewhere = Request { server: name.server ^ 1, ..identify };
    assert_eq!(answered(&other, elsewhere, &[]).value, -i64::from(Errno::EBADFD.0));
}

/// The close of a TCP socket with `SO_LINGER` that can send nothing takes as long as its maker likes. A process that
/// receives the last reference waits, even if it drops it.
#[test]
fn no_descriptor_can_be_sent_to_the_server() {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers =
        release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse::<u32>().unwrap_or(0));
    if (numbers.next(), numbers.next()) < (Some(6), Some(16)) {
        skip("SO_PASSRIGHTS needs Linux 6.16");
        return;
    }
    let server = Server::start();
    let (socket, _) = admitted(&server);
    let file = opened(&socket);
    let null = std::fs::File::open("/dev/null").expect("it opens");
    for end in [&connection(&server), &socket, &file] {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let passed = [null.as_fd()];
        assert!(control.push(SendAncillaryMessage::ScmRights(&passed)));
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let sent = sendmsg(end, &[IoSlice::new(&[0])], &mut control, flags);
        assert_eq!(sent, Err(rustix::io::Errno::PERM), "{end:?}");
    }
    let sync = ask(&socket, plain(kind::SYNC).as_bytes());
    assert_eq!(sync.expect("an answer").0.value, 0, "it serves whoever has tried");
}

#[test]
fn who_takes_the_place_of_a_dead_server_is_not_believed() {
    if !have(&["cat"]) {
        return;
    }
    let server = Server::start();
    let path = PathBuf::from(server.variable("ASEQD_SOCKET"));
    let mut command = server.command("cat");
    command.arg("/dev/snd/seq");
    server.kill();
    std::fs::remove_file(&path).expect("the socket of the dead");
    let listener = seqpacket();
    bind(&listener, &SocketAddrUnix::new(&path).expect("an address")).expect("a name");
    listen(&listener, 5).expect("a listener");
    // It answers like a server, as far as it can.
    std::thread::spawn(move || {
        while let Ok(socket) = accept(&listener) {
            let mut bytes = [0; 100];
            let _hello = rustix::net::recv(&socket, &mut bytes[..], RecvFlags::empty());
            let reply = Reply { serial: 1, kind: ANSWER, ..Reply::default() };
            let welcome = Welcome { proof: [0; 16], server: 1 };
            let answer = [reply.as_bytes(), welcome.as_bytes()].concat();
            let _sent = send(&socket, &answer, SendFlags::NOSIGNAL);
            let next = rustix::net::recv(&socket, &mut bytes[..], RecvFlags::empty());
            assert!(!next.is_ok_and(|(len, _)| len > 0), "a call came");
        }
    });
    let ended = finish(command, DEADLINE);
    assert!(ended.stderr.contains("/dev/snd/seq: No such device"), "{ended:#?}");
    std::fs::remove_dir_all(path.parent().expect("a folder")).expect("it is empty");
}
