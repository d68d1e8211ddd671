//! One `aseqd serve` for several containers. Each has mount, PID and user namespaces of its own, ids that differ from
//! the machine's, no privilege, and the served folder as `/dev/snd`.

mod common;

use common::*;
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// The user of the machine who is root in a container, as with `/etc/subuid`.
const MAPPED: &str = "100000";

/// Lines for `sh` in a container. They make a `/dev` that has the folder as `/dev/snd`, and little else.
const ENTER: &str = r#"set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/snd; mount --rbind "$directory" /mnt/snd
for node in null urandom; do touch /mnt/$node; mount --bind /dev/$node /mnt/$node; done
mount --rbind /mnt /dev
"#;

/// Returns the command `sh -c SCRIPT` in a container.
fn container(directory: &Path, script: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", MAPPED, "--regid", MAPPED, "--clear-groups", "unshare"]);
    command.args(["--user", "--map-root-user", "--mount", "--propagation", "private", "--pid"]);
    command.args(["--fork", "--kill-child", "--mount-proc", "sh", "-c"]);
    command.arg(format!("{ENTER}{script}")).env("directory", directory);
    command
}

/// Serves a folder that everybody can reach.
fn serve(mode: &str) -> Option<(tempfile::TempDir, Process)> {
    let programs = ["setpriv", "unshare", "aconnect", "aseqdump", "aplaymidi"];
    if !is_root() || !can_serve() || !have(&programs) {
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    if !finish(container(folder.path(), "true"), DEADLINE).status.success() {
        skip("no user namespaces");
        return None;
    }
    let directory = folder.path().join("midi");
    let mut command = Command::new(ASEQD);
    command.args(["serve", "--mode", mode, "--mount"]).arg(&directory);
    let mut server = Process::start(command);
    server.wait_for_output(&format!("aseqd: serving {}\n", directory.join("seq").display()));
    Some((folder, server))
}

fn end(server: Process) {
    server.signal(Signal::TERM);
    assert_eq!(server.wait().status.code(), Some(0));
}

/// Returns the process that a list of clients shows for a program.
fn pid_in(list: &str, program: &str) -> Option<i32> {
    let line = list.lines().find(|line| line.contains(&format!("'{program}'")))?;
    line.split("pid=").nth(1)?.trim_end_matches(']').parse().ok()
}

#[test]
fn what_one_plays_another_hears() {
    let Some((folder, server)) = serve("0666") else { return };
    let directory = folder.path().join("midi");
    let mut listener = Process::start(container(&directory, "exec aseqdump -p 14:0"));
    let list = || output(container(&directory, "aconnect -l"));
    // Its client number may vary: an aconnect may have come first.
    wait_until("the listener", || list().contains("Connecting To: "));
    let song = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../songs/scale.mid");
    let copy = folder.path().join("song.mid");
    fs::copy(song, &copy).expect("a song that every user can read");
    let mut player = container(&directory, "exec aplaymidi -p 14:0 \"$song\"");
    player.env("song", copy);
    output(player);
    listener.wait_for_output("Note off");

    // A list shows process numbers as the server sees them, also to a container.
    let inside = pid_in(&list(), "aseqdump").expect("it is listed");
    let status =
        fs::read_to_string(format!("/proc/{inside}/status")).expect("it is a process here");
    assert!(status.contains("Name:\taseqdump"), "{status}");
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).expect("numbers");
    let numbers: Vec<&str> = numbers.split_whitespace().collect();
    assert_eq!((numbers[0], numbers.last()), (inside.to_string().as_str(), Some(&"1")));
    assert!(status.contains(&format!("Uid:\t{MAPPED}\t")), "root only there: {status}");

    // SIGKILL to the first process ends the container; `unshare` keeps other signals from it.
    listener.signal(Signal::KILL);
    let heard = listener.wait().stdout;
    assert!(heard.matches("Note on").count() > 20, "{heard}");
    wait_until("the listener to be gone", || !list().contains("aseqdump"));
    end(server);
}

#[test]
fn the_mode_decides_and_ids_are_the_machines() {
    let Some((folder, server)) = serve("0660") else { return };
    let directory = folder.path().join("midi");
    let script = "stat -c '%a %u' /dev/snd/seq; exec 3<>/dev/snd/seq";
    let ended = finish(container(&directory, script), DEADLINE);
    // The machine's root is `nobody` in there.
    assert_eq!(ended.stdout, "660 65534\n", "{ended:#?}");
    assert!(!ended.status.success() && ended.stderr.contains("ermission denied"), "{ended:#?}");
    end(server);
}

#[test]
fn a_server_that_ends_is_seen_in_every_container() {
    let Some((folder, server)) = serve("0666") else { return };
    let directory = folder.path().join("midi");
    let script = "exec 3<>/dev/snd/seq; echo open; dd bs=28 count=1 <&3 2>&1";
    let mut client = Process::start(container(&directory, script));
    client.wait_for_output("open\n");
    end(server);
    let ended = client.wait();
    let told = ["Software caused connection abort", "not connected"];
    assert!(told.iter().any(|error| ended.stdout.contains(error)), "{ended:#?}");
}

#[test]
fn a_limit_of_locked_memory_ends_no_server_of_a_root_without_rights() {
    if !is_root() || !can_serve() || !have(&["setpriv", "prlimit"]) {
        return;
    }
    // Some limits are below what the program needs, some above: what it needs at its start lies between them.
    for kilobytes in (0..=8192).step_by(512) {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", "-ipc_lock", "prlimit"]);
        command.arg(format!("--memlock={}:", kilobytes << 10));
        command.args([ASEQD, "run", "--", ASEQD, "ls"]);
        let ended = finish(command, DEADLINE);
        assert!(ended.stdout.contains("Midi Through"), "{kilobytes} KiB: {ended:#?}");
    }
}

#[test]
fn the_doctor_tells_what_is_there_and_what_to_add() {
    let doctor = || {
        let mut command = Command::new(ASEQD);
        command.arg("doctor");
        for name in ["GITHUB_ACTIONS", "GITLAB_CI", "SYSTEMD_EXEC_PID"] {
            command.env_remove(name);
        }
        command
    };
    let ended = finish(doctor(), DEADLINE);
    assert!(ended.status.success(), "{ended:#?}");
    for part in
        ["here ", "Linux ", "FUSE ", "CUSE ", "  fuse ", "  handover ", "  preload ", "  trap "]
    {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    assert_eq!(ended.stderr, "");
    if can_serve() && is_root() {
        let last = "`aseqd run` takes fuse.\nVirtual time (`aseqd run --time virtual`): ";
        assert!(ended.stdout.contains(last), "{}", ended.stdout);
    }
    // Like a runner that forbids everything: no door can be made without descriptors.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 4; exec \"$0\" doctor", ASEQD]).env("GITHUB_ACTIONS", "true");
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(ended.stdout.is_empty() || ended.stdout.contains("no way in"), "{ended:#?}");
}
