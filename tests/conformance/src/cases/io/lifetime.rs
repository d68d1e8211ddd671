//! How long a client lives: duplicates, children, passed descriptors; and how many there can be.

use crate::case::{cases, skip};
use crate::client::{Client, Mode, device, note_of, note_on, split, wait_until};
use crate::sys;
use aseqd_abi::Errno;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::ClientInfo;
use rustix::io::{FdFlags, dup, fcntl_setfd};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use std::io::{BufRead as _, BufReader, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Command, Stdio};
use zerocopy::IntoBytes as _;

fn exists(observer: &Client, client: u8) -> bool {
    observer.client_info(client.into()).is_ok()
}

#[track_caller]
fn wait_gone(observer: &Client, client: u8) {
    wait_until("the client is gone", || !exists(observer, client));
}

/// Returns a child that does nothing until its input ends.
fn idle() -> Command {
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    command
}

/// Returns a child that opened the device on its own, and its client number.
fn opener(observer: &Client) -> (Child, u8) {
    let known: Vec<u8> = (128..192).filter(|client| exists(observer, *client)).collect();
    let script = r#"exec 3<>"$0"; echo open; cat >/dev/null"#;
    let mut command = Command::new("sh");
    let command = command.args(["-c", script, device()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).expect("a line");
    assert_eq!(line, "open\n");
    let new = |client: &u8| {
        let info = observer.client_info((*client).into());
        !known.contains(client) && info.is_ok_and(|info| info.pid.cast_unsigned() == child.id())
    };
    let client = (128..192).find(new).expect("the child's client");
    (child, client)
}

cases! {
    /// A client ends when its descriptor is closed.
    fn a_client_ends_with_its_descriptor() {
        let (observer, client) = (Client::open(), Client::open());
        let id = client.id;
        drop(client);
        wait_gone(&observer, id);
    }

    /// A client lives as long as a duplicate of its descriptor.
    fn a_duplicate_keeps_the_client() {
        let (observer, client) = (Client::open(), Client::with_port());
        let id = client.id;
        let duplicate = dup(&client).unwrap();
        drop(client);
        let mut own = 0;
        assert_eq!(sys::ioctl(&duplicate, s::CLIENT_ID, &mut own), Ok(0));
        assert_eq!((own, exists(&observer, id)), (i32::from(id), true));
        drop(duplicate);
        wait_gone(&observer, id);
    }

    /// A duplicate reads the same events.
    fn a_duplicate_reads_the_same_events() {
        let client = Client::with_port();
        let duplicate = dup(&client).unwrap();
        (1..3).for_each(|note| client.must_send(&note_on(client.port(0), note)));
        let mut buffer = [0; 28];
        assert_eq!(rustix::io::read(&duplicate, &mut buffer), Ok(28));
        assert_eq!(note_of(&split(&buffer)[0].event), 1);
        assert_eq!(note_of(&client.wait_event()), 2);
    }

    /// A forked child has the same client.
    fn a_forked_child_has_the_same_client() {
        let client = Client::open();
        let (fd, id) = (dup(&client).unwrap(), i32::from(client.id));
        assert!(sys::in_forked_child(move || {
            let mut own = 0;
            sys::ioctl(&fd, s::CLIENT_ID, &mut own) == Ok(0) && own == id
        }));
    }

    /// The process of a client is the one that opened it, asked from a child too.
    fn a_forked_child_sees_the_opener_as_process() {
        let client = Client::open();
        let (fd, id) = (dup(&client).unwrap(), i32::from(client.id));
        let opener = std::process::id();
        assert!(sys::in_forked_child(move || {
            let mut info = ClientInfo { client: id, ..ClientInfo::default() };
            sys::ioctl(&fd, s::GET_CLIENT_INFO, &mut info) == Ok(0)
                && info.pid.cast_unsigned() == opener
                && std::process::id() != opener
        }));
    }

    /// An event that a forked child writes comes from the client.
    fn a_forked_child_writes_for_the_client() {
        let client = Client::with_port();
        let (fd, event) = (dup(&client).unwrap(), note_on(client.port(0), 8));
        assert!(sys::in_forked_child(move || {
            rustix::io::write(&fd, event.as_bytes()) == Ok(EVENT_SIZE)
        }));
        assert_eq!(client.wait_event().source, client.port(0));
    }

    /// A client outlives a child that had its descriptor.
    fn a_client_outlives_a_child() {
        let (observer, client) = (Client::open(), Client::with_port());
        assert!(sys::in_forked_child(|| true));
        assert!(exists(&observer, client.id));
        client.must_send(&note_on(client.port(0), 1));
    }

    /// A client lives on in a program that a child executes, without close-on-exec.
    fn an_executed_program_keeps_the_client() {
        let (observer, client) = (Client::open(), Client::open());
        let id = client.id;
        fcntl_setfd(&client, FdFlags::empty()).unwrap();
        let mut child = idle().spawn().unwrap();
        drop(client);
        assert!(exists(&observer, id));
        drop(child.stdin.take());
        child.wait().unwrap();
        wait_gone(&observer, id);
    }

    /// A client does not live on in an executed program with close-on-exec.
    fn close_on_exec_ends_the_client() {
        let (observer, client) = (Client::open(), Client::open());
        let id = client.id;
        let mut child = idle().spawn().unwrap();
        drop(client);
        wait_gone(&observer, id);
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    /// An executed program reads events of a descriptor that it inherited as its input.
    fn an_executed_program_reads_the_events() {
        let client = Client::with_port();
        client.must_send(&note_on(client.port(0), 33));
        let mut command = Command::new("dd");
        command.args(["bs=28", "count=1"]).stdin(dup(&client).unwrap()).stderr(Stdio::null());
        let output = command.output().unwrap();
        assert_eq!(note_of(&split(&output.stdout)[0].event), 33);
        assert!(!client.readable());
    }

    /// An executed program writes events to a descriptor that it inherited as its output.
    fn an_executed_program_writes_events() {
        let client = Client::with_port();
        let mut command = Command::new("dd");
        command.args(["bs=28", "count=1"]).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.stdout(dup(&client).unwrap()).spawn().unwrap();
        let event = note_on(client.port(0), 44);
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), event.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(note_of(&client.wait_event()), 44);
    }

    /// A client lives while its descriptor is on its way through a socket, and arrives.
    fn a_passed_descriptor_keeps_the_client() {
        let (observer, client) = (Client::open(), Client::open());
        let id = client.id;
        let (left, right) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .unwrap();
        pass(&left, client);
        assert!(exists(&observer, id));
        let received = receive(&right);
        let mut own = 0;
        assert_eq!(sys::ioctl(&received, s::CLIENT_ID, &mut own), Ok(0));
        assert_eq!(own, i32::from(id));
        drop(received);
        wait_gone(&observer, id);
    }

    /// A client ends with a socket that nobody reads and that its descriptor is in.
    fn a_passed_descriptor_ends_with_the_socket() {
        let (observer, client) = (Client::open(), Client::open());
        let id = client.id;
        let (left, right) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .unwrap();
        pass(&left, client);
        drop((left, right));
        wait_gone(&observer, id);
    }

    /// A client ends with the process that opened it, killed or not.
    fn a_killed_process_ends_its_client() {
        let observer = Client::open();
        let (mut child, client) = opener(&observer);
        child.kill().unwrap();
        child.wait().unwrap();
        wait_gone(&observer, client);
    }

    /// The client of another process has that process.
    fn another_process_is_the_process_of_its_client() {
        let observer = Client::open();
        let (mut child, client) = opener(&observer);
        let info = observer.client_info(client.into()).unwrap();
        assert_eq!(info.pid.cast_unsigned(), child.id());
        drop(child.stdin.take());
        child.wait().unwrap();
        wait_gone(&observer, client);
    }

    /// A number that is free again goes to the next open.
    fn a_number_is_used_again() {
        let observer = Client::open();
        for _ in 0..20 {
            let client = Client::open();
            let id = client.id;
            drop(client);
            wait_gone(&observer, id);
            assert_eq!(Client::open().id, id);
        }
    }

    /// A client with a number that was used before has nothing of its predecessor.
    fn a_number_that_is_used_again_is_a_new_client() {
        let observer = Client::open();
        let client = Client::with_port();
        client.set_info(|info| info.filter = 4).unwrap();
        client.must_send(&note_on(client.port(0), 1));
        let id = client.id;
        drop(client);
        wait_gone(&observer, id);
        let client = Client::open();
        assert_eq!((client.id, client.info().num_ports, client.info().filter), (id, 0, 0));
        assert!(!client.readable());
    }

    /// A client may be closed while it has unread events and events in queues.
    fn a_client_ends_with_everything_pending() {
        let (observer, (client, queue)) =
            (Client::open(), crate::client::with_pending(Client::with_port(), 100));
        client.must_send(&note_on(client.port(0), 1));
        let id = client.id;
        drop(client);
        wait_gone(&observer, id);
        assert_eq!(observer.queue_info(queue.into()), Err(Errno::EINVAL));
    }

    /// Events of a client that was closed can still be read by others.
    fn delivered_events_outlive_their_sender() {
        let (reader, sender) = (Client::with_port(), Client::open());
        let id = sender.id;
        sender.must_send(&note_on(reader.port(0), 6));
        drop(sender);
        wait_gone(&reader, id);
        assert_eq!(reader.wait_event().source.client, id);
    }

    /// 64 clients of programs are the most; one more open is ENOMEM.
    fn the_65th_client_is_enomem() {
        let observer = Client::open();
        let free = 64 - (128..192).filter(|client| exists(&observer, *client)).count();
        let clients: Vec<Client> = (0..free).map(|_| Client::open()).collect();
        if clients.len() < 8 {
            skip("nearly all client numbers are in use");
        }
        for mode in [Mode::Read, Mode::Write, Mode::ReadWrite] {
            assert_eq!(Client::try_open(mode).map(|client| client.id), Err(Errno::ENOMEM));
        }
        let id = clients[3].id;
        drop(clients);
        wait_gone(&observer, id);
        assert!(Client::try_open(Mode::Read).is_ok());
    }
}

/// Sends a client's descriptor through a socket, and closes it here.
fn pass(socket: &OwnedFd, client: Client) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = [client.as_fd()];
    assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
    let data = [IoSlice::new(b"x")];
    assert_eq!(sendmsg(socket, &data, &mut control, SendFlags::empty()), Ok(1));
    drop(client);
}

fn receive(socket: &OwnedFd) -> OwnedFd {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut data = [IoSliceMut::new(&mut byte)];
    recvmsg(socket, &mut data, &mut control, RecvFlags::CMSG_CLOEXEC).expect("recvmsg");
    let passed = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    passed.expect("a descriptor")
}
