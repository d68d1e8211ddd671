//! A folder that root serves with `--mount`: its device file, its permissions, its end.

use crate::common::*;
use crate::{end, mounts, place, ready, serve_at};
use rustix::process::Signal;
use std::fs;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::Command;

#[test]
fn a_folder_is_served_until_a_signal_ends_it() {
    let Some(folder) = place() else { return };
    // The server makes the folder if it does not exist.
    let directory = folder.path().join("deep/seq");
    for signal in [Signal::TERM, Signal::INT] {
        let server = ready(serve_at(&directory), &directory.join("seq"));
        assert_eq!(mounts(&directory).len(), 1);
        let stat = fs::metadata(directory.join("seq")).expect("the device");
        assert_eq!(stat.mode() & 0o777, 0o660);
        assert_eq!((stat.uid(), stat.gid()), (0, id_in("/etc/group", "audio")));
        // SIGHUP, by which a service rereads its configuration, does not end it.
        server.signal(Signal::HUP);
        fs::File::open(directory.join("seq")).expect("a client");
        end(server, signal, &directory);
        assert_eq!(fs::read_dir(&directory).expect("a folder").count(), 0);
    }
}

#[test]
fn mode_owner_and_group_are_those_asked_for() {
    let Some(folder) = place() else { return };
    let directory = folder.path().join("seq");
    for (owner, group) in [("daemon", "tty"), ("1234", "4321")] {
        let mut command = serve_at(&directory);
        command.args(["--mode", "0640", "--owner", owner, "--group", group]);
        let server = ready(command, &directory.join("seq"));
        let stat = fs::metadata(directory.join("seq")).expect("the device");
        assert_eq!(stat.mode() & 0o777, 0o640);
        let number = |name: &str, database| name.parse().unwrap_or_else(|_| id_in(database, name));
        let wanted = (number(owner, "/etc/passwd"), number(group, "/etc/group"));
        assert_eq!((stat.uid(), stat.gid()), wanted);
        if have(&["setpriv"]) {
            let may = |user: String, how: &str| {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
                command.args(["sh", "-c", &format!(": {how}$0")]).arg(directory.join("seq"));
                finish(command, DEADLINE).status.success()
            };
            assert!(may(wanted.0.to_string(), "<>"), "the owner may read and write");
            assert!(!may("54321".into(), "<"), "others may nothing");
        }
        end(server, Signal::TERM, &directory);
    }
    let missing = [("--owner", "no-such-user", "user"), ("--group", "no-such-group", "group")];
    for (option, name, kind) in missing {
        let mut command = serve_at(&directory);
        command.args([option, name]);
        let ended = finish(command, DEADLINE);
        assert_eq!(ended.status.code(), Some(1));
        assert_eq!(ended.stderr, format!("aseqd: there is no {kind} named {name}\n"));
    }
    assert_eq!(mounts(&directory), [""; 0]);
}

#[test]
fn the_service_manager_is_told() {
    let Some(folder) = place() else { return };
    let directory = folder.path().join("seq");
    let path = folder.path().join("notify");
    let name = format!("aseqd-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let sockets = [
        (path.to_str().expect("a name").to_owned(), UnixDatagram::bind(&path)),
        (format!("@{name}"), UnixDatagram::bind_addr(&address)),
    ];
    for (address, socket) in sockets {
        let socket = socket.expect("a socket");
        socket.set_read_timeout(Some(DEADLINE)).expect("a socket");
        let mut command = serve_at(&directory);
        command.env("NOTIFY_SOCKET", &address);
        let server = Process::start(command);
        let mut message = [0; 200];
        let length = socket.recv(&mut message).expect("a message");
        let text = String::from_utf8_lossy(&message[..length]).into_owned();
        assert!(text.lines().any(|line| line == "READY=1"), "{text}");
        // It is ready when it says so.
        fs::File::open(directory.join("seq")).expect("a client");
        end(server, Signal::TERM, &directory);
    }
}

#[test]
fn a_client_sees_its_server_end() {
    let Some(folder) = place() else { return };
    if !have(&["aseqdump", "aconnect"]) {
        return;
    }
    let directory = folder.path().join("seq");
    let server = ready(serve_at(&directory), &directory.join("seq"));
    let client = Process::start(with_snd(&directory, "exec aseqdump"));
    let mut seen = false;
    wait_until("the client", || {
        seen = output(with_snd(&directory, "aconnect -l")).contains("'aseqdump'");
        seen
    });
    end(server, Signal::TERM, &directory);
    // The client may have ended by itself; if not, a signal ends it.
    client.signal(Signal::TERM);
    client.wait();
}

#[test]
fn a_container_gets_the_sequencer_by_a_bind_mount() {
    let Some(folder) = place() else { return };
    if !have(&["aconnect", "aseqdump", "aplaymidi"]) {
        return;
    }
    let directory = folder.path().join("seq");
    let server = ready(serve_at(&directory), &directory.join("seq"));
    // Two containers hear each other.
    let mut listener = Process::start(with_snd(&directory, "exec aseqdump -p 14:0"));
    wait_until("the listener", || {
        // Its client number may vary: an aconnect may have come first.
        output(with_snd(&directory, "aconnect -l")).contains("Connecting To: ")
    });
    let song = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../songs/scale.mid");
    let mut player = with_snd(&directory, "exec aplaymidi -p 14:0 \"$song\"");
    player.env("song", song);
    output(player);
    listener.wait_for_output("Note off");
    listener.signal(Signal::TERM);
    let heard = listener.wait().stdout;
    assert!(heard.matches("Note on").count() > 20, "{heard}");
    // The device file alone also works, as `docker run --device` would pass it.
    let script = "umount /dev/snd; touch /dev/snd/seq; mount --bind \"$directory/seq\" /dev/snd/seq; aconnect -l";
    assert_eq!(output(with_snd(&directory, script)).matches("client ").count(), 2);
    wait_until("all clients to be gone", || {
        output(with_snd(&directory, "aconnect -l")).matches("client ").count() == 2
    });
    end(server, Signal::TERM, &directory);
}

#[test]
fn a_second_server_does_not_hide_the_first() {
    let Some(folder) = place() else { return };
    let directory = folder.path().join("seq");
    let server = ready(serve_at(&directory), &directory.join("seq"));
    let second = finish(serve_at(&directory), DEADLINE);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    assert_eq!(second.stderr, format!("aseqd: {} is served already\n", directory.display()));
    assert_eq!(mounts(&directory).len(), 1);
    fs::File::open(directory.join("seq")).expect("a client");
    end(server, Signal::TERM, &directory);
}

/// In a folder of their own, another user could place a link, and root would mount over any place of the machine.
#[test]
fn a_users_link_leads_root_nowhere_else() {
    let Some(folder) = place() else { return };
    let [home, victim] = ["home", "victim"].map(|name| folder.path().join(name));
    for directory in [&home, &victim] {
        fs::create_dir(directory).expect("a folder");
    }
    std::os::unix::fs::chown(&home, Some(1000), Some(1000)).expect("root may");
    let link = home.join("link");
    std::os::unix::fs::symlink(&victim, &link).expect("a link");
    for directory in [link.clone(), link.join("below")] {
        let ended = finish(serve_at(&directory), DEADLINE);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let (place, link) = (directory.display(), link.display());
        let why = format!("{link} is a link that another user can change");
        assert_eq!(ended.stderr, format!("aseqd: {place} cannot be served: {why}\n"));
    }
    assert!(!victim.join("below").exists());
    assert_eq!(mounts(folder.path()), [""; 0]);
    // Folders of other users can be served, and links that root made are followed.
    let own = folder.path().join("own");
    std::os::unix::fs::symlink(home.join("served"), &own).expect("a link");
    let server = ready(serve_at(&own), &own.join("seq"));
    assert_eq!(mounts(&home.join("served")).len(), 1);
    end(server, Signal::TERM, &home);
}

#[test]
fn a_place_where_nothing_can_be_mounted_is_named() {
    let Some(folder) = place() else { return };
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    let ended = finish(serve_at(&file), DEADLINE);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.starts_with("aseqd: ") && ended.stderr.contains("file"), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

/// Returns a command that runs `PROGRAM` with a folder as `/dev/snd`.
fn with_snd(directory: &Path, program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c"]);
    let bind = "mkdir /dev/snd; mount --bind \"$directory\" /dev/snd";
    command.arg(format!("{PRIVATE_DEV}{bind}\n{program}")).env("directory", directory);
    command
}

fn id_in(database: &str, name: &str) -> u32 {
    let text = fs::read_to_string(database).expect("a database");
    let line = text.lines().find(|line| line.starts_with(&format!("{name}:"))).expect(name);
    line.split(':').nth(2).and_then(|id| id.parse().ok()).expect("a number")
}
