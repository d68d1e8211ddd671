//! `aseqd serve`: for a machine, in a mount namespace of the test, and for a user.

mod common;

use common::*;
use rustix::process::Signal;
use std::fs;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::Command;

/// A namespace of this test's thread, and a folder in it. What is mounted goes away with the thread.
fn place() -> Option<tempfile::TempDir> {
    if !is_root() || !can_serve() {
        return None;
    }
    sys::unshare_mounts().expect("mounts of our own");
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    Some(folder)
}

fn serve<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(ASEQD);
    command.arg("serve").args(arguments);
    command
}

fn serve_at(directory: &Path) -> Command {
    serve(["--mount".as_ref(), directory.as_os_str()])
}

/// Starts a server and waits until it says that it serves this file.
fn ready(command: Command, file: &Path) -> Process {
    let mut server = Process::start(command);
    server.wait_for_output(&format!("aseqd: serving {}\n", file.display()));
    server
}

/// Lines about mounts whose mount point has this in it.
fn mounts(part: &Path) -> Vec<String> {
    let table = fs::read_to_string("/proc/thread-self/mountinfo").expect("the mounts");
    let part = part.to_str().expect("a name");
    let of = |line: &&str| line.split(' ').nth(4).is_some_and(|point| point.contains(part));
    table.lines().filter(of).map(str::to_owned).collect()
}

/// Ends a server as a service manager does; nothing is left.
fn end(server: Process, signal: Signal, directory: &Path) {
    server.signal(signal);
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(0), "{signal:?}: {ended:?}");
    assert_eq!(ended.stderr, "", "{signal:?}");
    assert_eq!(mounts(directory), [""; 0]);
}

/// `PROGRAM`, where a folder is `/dev/snd`.
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

#[test]
fn a_folder_is_served_until_a_signal_ends_it() {
    let Some(folder) = place() else { return };
    // It is made if it is not there.
    let directory = folder.path().join("deep/seq");
    for signal in [Signal::TERM, Signal::INT] {
        let server = ready(serve_at(&directory), &directory.join("seq"));
        assert_eq!(mounts(&directory).len(), 1);
        let stat = fs::metadata(directory.join("seq")).expect("the device");
        assert_eq!(stat.mode() & 0o777, 0o660);
        assert_eq!((stat.uid(), stat.gid()), (0, id_in("/etc/group", "audio")));
        // A service that is told to read its configuration anew goes on.
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

/// What somebody may do with a mount before its server is killed. Each leaves other things in the kernel's
/// cache, which go on to answer when the server is gone.
const USES: [&str; 5] = [
    "true",
    "stat -c %w \"$directory\" \"$directory/seq\"",
    "ls -lan \"$directory\"; test -r \"$directory/seq\"",
    "! \"$aseqd\" serve --mount \"$directory\"",
    "head -c 0 \"$directory/seq\"; find \"$directory\" -newer /proc",
];

/// Does something with a folder that is served.
fn make_use(how: &str, directory: &Path) {
    let mut command = shell(how);
    command.env("directory", directory).env("aseqd", ASEQD);
    finish(command, DEADLINE);
}

fn kill(server: Process) {
    server.signal(Signal::KILL);
    server.wait();
}

#[test]
fn what_a_killed_server_leaves_is_taken_away_by_the_next() {
    let Some(folder) = place() else { return };
    let directory = folder.path().join("seq");
    let file = directory.join("seq");
    for how in USES {
        let server = ready(serve_at(&directory), &file);
        make_use(how, &directory);
        kill(server);
        let stale = fs::File::open(&file).expect_err("nobody serves it");
        assert_eq!(stale.raw_os_error(), Some(libc::ENOTCONN), "{how}");
        let server = ready(serve_at(&directory), &file);
        assert_eq!(mounts(&directory).len(), 1, "the old one is gone: {how}");
        fs::File::open(&file).expect("a client");
        end(server, Signal::TERM, &directory);
    }
}

#[test]
fn dead_mounts_on_top_of_each_other_are_all_taken_away() {
    let Some(folder) = place() else { return };
    let directory = folder.path().join("seq");
    let file = directory.join("seq");
    kill(ready(serve_at(&directory), &file));
    for number in 0..3 {
        let other = folder.path().join(format!("other{number}"));
        let server = ready(serve_at(&other), &other.join("seq"));
        make_use(USES[1], &other);
        rustix::mount::mount_bind(&other, &directory).expect("root may");
        chardev::unmount(&other).expect("root may");
        kill(server);
    }
    assert_eq!(mounts(&directory).len(), 4);
    let server = ready(serve_at(&directory), &file);
    assert_eq!(mounts(&directory).len(), 1);
    fs::File::open(&file).expect("a client");
    end(server, Signal::TERM, &directory);
}

#[test]
fn a_live_server_below_a_dead_mount_keeps_its_own() {
    let Some(folder) = place() else { return };
    let (directory, other) = (folder.path().join("seq"), folder.path().join("other"));
    let server = ready(serve_at(&directory), &directory.join("seq"));
    let dead = ready(serve_at(&other), &other.join("seq"));
    rustix::mount::mount_bind(&other, &directory).expect("root may");
    chardev::unmount(&other).expect("root may");
    kill(dead);
    let second = finish(serve_at(&directory), DEADLINE);
    assert_eq!(second.stderr, format!("aseqd: {} is served already\n", directory.display()));
    // And programs find it again.
    assert_eq!(mounts(&directory).len(), 1);
    fs::File::open(directory.join("seq")).expect("a client");
    end(server, Signal::TERM, &directory);
}

#[test]
fn a_server_that_does_not_answer_keeps_its_mount() {
    let Some(folder) = place() else { return };
    let directory = folder.path().join("seq");
    let server = ready(serve_at(&directory), &directory.join("seq"));
    server.signal(Signal::STOP);
    let second = finish(serve_at(&directory), DEADLINE);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let wanted = format!(
        "aseqd: {} is served already, by a server that has not answered for 5 s: end it first\n",
        directory.display()
    );
    assert_eq!(second.stderr, wanted);
    assert_eq!(mounts(&directory).len(), 1);
    server.signal(Signal::CONT);
    fs::File::open(directory.join("seq")).expect("a client");
    end(server, Signal::TERM, &directory);
}

#[test]
fn of_servers_that_start_at_once_over_a_dead_mount_one_serves() {
    let Some(folder) = place() else { return };
    let directory = folder.path().join("seq");
    for _ in 0..5 {
        kill(ready(serve_at(&directory), &directory.join("seq")));
        let servers: Vec<_> = (0..4).map(|_| Process::start(serve_at(&directory))).collect();
        let (mut serving, mut refused) = (Vec::new(), 0);
        for mut server in servers {
            server.wait_until("a word", |server| {
                server.stdout().contains("serving") || server.stderr().contains("served already")
            });
            if server.stdout().contains("serving") {
                serving.push(server);
            } else {
                assert_eq!(server.wait().status.code(), Some(1));
                refused += 1;
            }
        }
        assert_eq!((serving.len(), refused), (1, 3));
        assert_eq!(mounts(&directory).len(), 1);
        fs::File::open(directory.join("seq")).expect("a client");
        serving.into_iter().for_each(|server| end(server, Signal::TERM, &directory));
    }
}

#[test]
fn what_is_mounted_over_a_server_is_left_when_it_ends() {
    let Some(folder) = place() else { return };
    let (directory, other) = (folder.path().join("seq"), folder.path().join("other"));
    let server = ready(serve_at(&directory), &directory.join("seq"));
    fs::create_dir(&other).expect("a folder");
    fs::write(other.join("file"), "theirs").expect("a file");
    rustix::mount::mount_bind(&other, &directory).expect("root may");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().status.code(), Some(0));
    assert_eq!(fs::read_to_string(directory.join("file")).expect("still there"), "theirs");
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
    // Whatever it makes of that, a signal ends it.
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
    // Two of them, which hear each other.
    let mut listener = Process::start(with_snd(&directory, "exec aseqdump -p 14:0"));
    wait_until("the listener", || {
        // Whatever number it got: an aconnect may have been there before it.
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
    // And a file of its own, as `docker run --device` would give it.
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

/// In a folder of theirs another user could hide any place of the machine behind what root serves.
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
    // Their folders are served, as are links of root's.
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

/// A whole machine: `/dev` and `/run` of its own, in which `aseqd serve` is run as `server`.
fn machine(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c"]);
    // The source of a mount is what we call ours: a folder of the machine may have that name in its path.
    let setup = "
        mounts() { grep -c ' aseqd rw' /proc/self/mountinfo || true; }
        serve() {
            rm -f /run/said
            \"$aseqd\" serve \"$@\" >/run/said & server=$!
            until grep -qs serving /run/said; do kill -0 $server; sleep 0.02; done
        }
        finish() { kill -TERM $server; wait $server; }
        clients() { aconnect -l | grep -c ^client; }\n";
    let files = "mount -t tmpfs tmpfs /run; mknod -m 600 /dev/fuse c 10 229";
    command.arg(format!("{PRIVATE_DEV}{files}{NAMED_USER}{setup}{script}")).env("aseqd", ASEQD);
    command
}

fn can_be_machine() -> bool {
    is_root() && can_serve() && have(&["unshare", "mknod", "aconnect"])
}

#[test]
fn a_machine_without_sound_gets_a_device_while_it_is_served() {
    if !can_be_machine() {
        return;
    }
    let script = "serve; cat /run/said; clients; stat -c %a:%U:%G /dev/snd/seq
        finish; echo $?; ls /dev /run; mounts";
    let ended = finish(machine(script), DEADLINE);
    let wanted = "aseqd: serving /dev/snd/seq\n2\n660:root:audio\n0\n";
    assert!(ended.stdout.starts_with(wanted), "{ended:#?}");
    let left: Vec<_> = ended.stdout[wanted.len()..].split_whitespace().collect();
    let mut files = left.iter().filter(|name| ["snd", "aseqd", "seq"].contains(name));
    assert_eq!(files.next(), None, "{left:?}");
    assert_eq!(left.last(), Some(&"0"), "no mount is left: {left:?}");
    assert_eq!(ended.stderr, "");
}

#[test]
fn real_nodes_stay_when_a_machine_is_served() {
    if !can_be_machine() {
        return;
    }
    let script = "mkdir /dev/snd; mknod /dev/snd/controlC0 c 1 5
        serve; ls /dev/snd; clients; finish; ls /dev/snd";
    assert_eq!(output(machine(script)), "controlC0\nseq\ntimer\n2\ncontrolC0\n");
}

#[test]
fn a_machine_can_be_served_again_after_its_server_was_killed() {
    if !can_be_machine() {
        return;
    }
    for how in USES {
        let script = format!(
            "directory=/run/aseqd; serve; ({how}; cd /dev/snd; stat -c %w seq timer) >/dev/null 2>&1
            kill -KILL $server; wait $server || true
            aconnect -l >/dev/null 2>&1 && echo still there
            serve; clients; finish; ls /dev | grep -c snd || true; mounts"
        );
        let ended = finish(machine(&script), DEADLINE);
        assert_eq!(ended.stdout, "2\n0\n0\n", "{how}: {ended:#?}");
    }
}

#[test]
fn doctor_tells_a_dead_mount_from_a_sequencer() {
    if !can_be_machine() {
        return;
    }
    let script = "doctor() { \"$aseqd\" doctor | grep ^sequencer; }
        serve; doctor; kill -KILL $server; wait $server || true; doctor; serve; finish; doctor";
    let said = output(machine(script));
    let wanted = "sequencer /dev/snd/seq is served by aseqd
sequencer /dev/snd/seq is left over from a server that has ended: start `aseqd serve` again
sequencer none\n";
    assert_eq!(said, wanted);
}

#[test]
fn a_machines_own_timer_stays() {
    if !can_be_machine() {
        return;
    }
    let script = "mkdir /dev/snd; mknod /dev/snd/timer c 1 5
        serve; stat -c %t:%T /dev/snd/timer; clients; finish; ls /dev/snd";
    assert_eq!(output(machine(script)), "1:5\n2\ntimer\n");
}

#[test]
fn a_machine_is_served_once() {
    if !can_be_machine() {
        return;
    }
    let script = "serve; \"$aseqd\" serve && echo twice; clients; finish";
    let ended = finish(machine(script), DEADLINE);
    assert_eq!(ended.stdout, "2\n", "{ended:#?}");
    assert_eq!(ended.stderr, "aseqd: /run/aseqd is served already\n");
}

#[test]
fn the_kernels_own_sequencer_is_not_hidden() {
    if !can_be_machine() {
        return;
    }
    let script = "mkdir /dev/snd; mknod /dev/snd/seq c 1 5; exec \"$aseqd\" serve";
    let ended = finish(machine(script), DEADLINE);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.starts_with("aseqd: this machine has a sequencer"), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

const USER: &str = "setpriv --reuid 1000 --regid 1000 --clear-groups";

#[test]
fn a_user_is_told_what_only_root_can() {
    if !can_be_machine() || !have(&["setpriv"]) {
        return;
    }
    let copy = copy_for_all();
    let mut command = machine(&format!("chmod 666 /dev/fuse; exec {USER} \"$aseqd\" serve"));
    command.env("aseqd", copy.path().join("aseqd"));
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.starts_with("aseqd: only root can serve /dev/snd/seq"), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

#[test]
fn a_user_can_serve_a_folder() {
    if !can_be_machine() || !have(&["setpriv", "fusermount3"]) {
        return;
    }
    let copy = copy_for_all();
    let folder = copy.path().join("home");
    fs::create_dir(&folder).expect("a folder");
    std::os::unix::fs::chown(&folder, Some(1000), Some(1000)).expect("root may");
    let script = format!(
        "chmod 666 /dev/fuse; cd \"$folder\"
        {USER} \"$aseqd\" serve --mount seq >/run/said & server=$!
        until grep -q serving /run/said; do kill -0 $server; sleep 0.02; done
        {USER} stat -c %a:%u:%g seq/seq; {USER} sh -c ': <>seq/seq && echo opened'
        finish; mounts"
    );
    let mut command = machine(&script);
    command.env("aseqd", copy.path().join("aseqd")).env("folder", &folder);
    let ended = finish(command, DEADLINE);
    let said: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(said, ["600:1000:1000", "opened", "0"], "{ended:#?}");
}

#[test]
fn a_users_dead_mounts_are_taken_away_and_live_ones_are_not() {
    if !can_be_machine() || !have(&["setpriv", "fusermount3"]) {
        return;
    }
    let copy = copy_for_all();
    let folder = copy.path().join("home");
    fs::create_dir(&folder).expect("a folder");
    std::os::unix::fs::chown(&folder, Some(1000), Some(1000)).expect("root may");
    let script = format!(
        "chmod 666 /dev/fuse; cd \"$folder\"; exec 2>&1
        user() {{ {USER} \"$@\"; }}
        start() {{
            {USER} \"$aseqd\" serve --mount $1 >/run/said & server=$!
            until grep -qs serving /run/said; do kill -0 $server; sleep 0.02; done; rm /run/said
        }}
        slay() {{ kill -KILL $server; wait $server 2>/dev/null || true; }}
        mounted() {{ grep -c \"$folder\" /proc/self/mountinfo || true; }}
        for use in true 'stat -c %w seq/seq' '! $aseqd serve --mount seq'; do
            start seq; user sh -c \"$use\" >/dev/null 2>&1; slay; start seq; mounted
            user sh -c ': <>seq/seq && echo opened'; finish; mounted
        done
        echo stacked; start seq; slay; start other; user stat -c %w other/seq >/dev/null
        mount --bind other seq; umount other; slay; mounted; start seq; mounted
        echo root may not ask, and asks as the user; \"$aseqd\" serve --mount seq || echo $?
        slay; serve --mount seq; mounted; stat -c %u seq/seq
        echo the user may not unmount what root has left; slay
        user \"$aseqd\" serve --mount seq || echo $?"
    );
    let mut command = machine(&script);
    command.env("aseqd", copy.path().join("aseqd")).env("folder", &folder);
    let ended = finish(command, DEADLINE);
    let once = "1\nopened\n0\n".repeat(3);
    let wanted = format!(
        "{once}stacked\n2\n1\nroot may not ask, and asks as the user\naseqd: seq is served already\n1\n1\n0\n\
         the user may not unmount what root has left\n\
         aseqd: seq is left over from a server that has ended, and cannot be unmounted: fusermount3: "
    );
    assert!(ended.stdout.starts_with(&wanted), "{ended:#?}");
    assert!(ended.stdout.ends_with("\n1\n"), "{ended:#?}");
}

/// A folder with a copy of the program that every user may execute.
fn copy_for_all() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    copy_program(Path::new(ASEQD), &folder.path().join("aseqd"));
    folder
}

#[test]
fn devices_that_cannot_be_made_are_told_in_a_sentence() {
    let ended = finish(serve(["--cuse", "--mount", "/tmp/seq"]), DEADLINE);
    assert_eq!(ended.status.code(), Some(2), "both at once: {}", ended.stderr);
    if Path::new("/dev/cuse").exists() || Path::new("/dev/snd/seq").exists() {
        return;
    }
    if is_root() {
        let ended = finish(serve(["--cuse"]), DEADLINE);
        assert_eq!(ended.status.code(), Some(1));
        assert_eq!(
            ended.stderr,
            "aseqd: /dev/cuse cannot be opened (no such file or directory): load it with \
             `modprobe cuse`, or serve without `--cuse`\n"
        );
        assert!(!Path::new("/dev/snd").exists(), "nothing is left");
        if !have(&["setpriv"]) {
            return;
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "1000", "--regid", "1000", "--clear-groups"]);
        command.args([ASEQD, "serve", "--cuse"]);
        assert_only_root(command);
    } else {
        assert_only_root(serve(["--cuse"]));
    }
}

fn assert_only_root(command: Command) {
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.starts_with("aseqd: only root can make devices"), "{}", ended.stderr);
}
