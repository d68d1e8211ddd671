//! The imitation is right: what Docker's defaults refuse is refused with its errno, the rest runs.

use skip::skip;
use std::path::Path;
use std::process::{Command, Output};

const CONTAINER: &str = env!("CARGO_BIN_EXE_container");
/// Where containers find the probe: its own folder may be one that only root can enter.
const PROBE: &str = "/mnt/probe";

/// Who the container is for, as options.
const USERS: [&[&str]; 2] = [&[], &["--user", "1000"]];

fn run(options: &[&str], command: &[&str]) -> Output {
    let mut container = Command::new(CONTAINER);
    let bind = format!("{}:{PROBE}", env!("CARGO_BIN_EXE_probe"));
    container.args(["--bind", &bind]).args(options).arg("--").args(command);
    container.output().expect("the container")
}

fn text(options: &[&str], command: &[&str]) -> String {
    let output = run(options, command);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{options:?} {command:?}: {error}");
    String::from_utf8(output.stdout).expect("text")
}

/// Can containers be made here at all?
fn possible() -> bool {
    let output = run(&[], &["true"]);
    if !output.status.success() {
        skip(&String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Those that can be had here: another user than its root needs root.
fn users() -> impl Iterator<Item = &'static [&'static str]> {
    USERS.into_iter().filter(|user| user.is_empty() || is_root())
}

const EPERM: &str = "errno 1";

/// Returns calls without an address, or with null, and what becomes of them.
fn calls() -> Vec<(&'static str, &'static str)> {
    vec![
        ("mount", EPERM),
        ("umount2", EPERM),
        ("unshare:0x10000000", EPERM), // CLONE_NEWUSER
        ("unshare:0x00020000", EPERM), // CLONE_NEWNS
        ("setns:-1:0", EPERM),
        ("pidfd_getfd:-1:0:0", EPERM),
        ("bpf:0", EPERM),
        ("keyctl:0", EPERM),
        ("add_key", EPERM),
        ("request_key", EPERM),
        ("io_uring_setup:1", EPERM),
        ("userfaultfd:0", EPERM),
        ("perf_event_open", EPERM),
        ("kcmp:1:1:0:0:0", EPERM),
        ("process_madvise:-1", EPERM),
        ("open_by_handle_at:-1", EPERM),
        ("fsopen", EPERM),
        ("open_tree:-1", EPERM),
        ("personality:0x0040000", EPERM), // ADDR_NO_RANDOMIZE
        ("personality:0xffffffff", "ok"),
        ("clone:0x10000000", EPERM),
        ("clone3", "errno 38"),
        ("socket:40:1:0", EPERM), // AF_VSOCK
        ("socket:38:5:0", EPERM), // AF_ALG
        ("socket:1:1:0", "ok"),
        ("socket:2:1:0", "ok"),
        ("memfd_create", "errno 14"),
        // What the doors of this project stand on.
        ("ptrace:16:999999", "errno 3"),   // PTRACE_ATTACH to nobody
        ("process_vm_readv:999999", "ok"), // of no byte
        ("pidfd_open:1:0", "ok"),
        ("seccomp:2:0:0", "errno 14"), // SECCOMP_GET_ACTION_AVAIL of what no address says
        ("eventfd2:0:0", "ok"),
    ]
}

#[test]
fn system_calls_are_refused_as_in_docker() {
    if !possible() {
        return;
    }
    for user in users() {
        let mut command = vec![PROBE];
        command.extend(calls().iter().map(|(call, _)| *call));
        let found = text(user, &command);
        let mut lines = found.lines();
        for (call, wanted) in calls() {
            let name = call.split(':').next().expect("a name");
            assert_eq!(lines.next(), Some(format!("{name} {wanted}").as_str()), "{user:?} {call}");
        }
    }
}

#[test]
fn options_take_and_give() {
    if !possible() {
        return;
    }
    let denied = ["--no-ptrace", "--deny", "seccomp,memfd_create"];
    let probes = [PROBE, "ptrace:16:999999", "process_vm_readv:-1", "seccomp:2", "memfd_create"];
    let all = "ptrace errno 1\nprocess_vm_readv errno 1\nseccomp errno 1\nmemfd_create errno 1\n";
    assert_eq!(text(&denied, &probes), all);
    let admin = text(&["--cap-add", "SYS_ADMIN"], &[PROBE, "mount", "clone3", "unshare:0"]);
    assert_eq!(admin, "mount errno 14\nclone3 errno 22\nunshare ok\n");
    let unconfined = text(&["--seccomp-unconfined"], &[PROBE, "keyctl:0", "clone3"]);
    assert!(!unconfined.contains("errno 1\n") && !unconfined.contains("errno 38"), "{unconfined}");
    let output = run(&["--cap-add", "NONSENSE"], &["true"]);
    assert_eq!(output.status.code(), Some(125));
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(error, "container: there is no capability NONSENSE\n");
}

#[test]
fn capabilities_are_dockers() {
    if !possible() {
        return;
    }
    let status = |options: &[&str]| text(options, &["cat", "/proc/self/status"]);
    let root = status(&[]);
    for line in
        ["CapInh:\t0000000000000000", "CapPrm:\t00000000a80425fb", "CapEff:\t00000000a80425fb"]
    {
        assert!(root.contains(line), "{root}");
    }
    assert!(root.contains("CapBnd:\t00000000a80425fb"), "{root}");
    assert!(root.contains("NoNewPrivs:\t0") && root.contains("Seccomp:\t2"), "{root}");
    assert!(status(&["--no-new-privileges"]).contains("NoNewPrivs:\t1"));
    if is_root() {
        let user = status(&["--user", "1000:1001"]);
        assert!(user.contains("Uid:\t1000\t1000\t1000\t1000"), "{user}");
        assert!(user.contains("Gid:\t1001\t1001\t1001\t1001"), "{user}");
        assert!(user.contains("CapEff:\t0000000000000000"), "{user}");
        assert!(user.contains("CapBnd:\t00000000a80425fb"), "{user}");
    }
}

#[test]
fn devices_and_file_systems_are_dockers() {
    if !possible() {
        return;
    }
    for user in users() {
        let dev = text(user, &["ls", "/dev"]);
        let wanted =
            "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero";
        assert_eq!(dev.split_whitespace().collect::<Vec<_>>().join(" "), wanted, "{user:?}");
        text(
            user,
            &["sh", "-c", "echo > /dev/null && head -c 9 /dev/urandom /dev/zero >/dev/null"],
        );
        assert!(!run(user, &["sh", "-c", ": < /dev/fuse"]).status.success(), "{user:?}");
        assert!(
            !run(user, &["sh", "-c", "echo 1 > /proc/sys/vm/overcommit_memory"]).status.success()
        );
        assert_eq!(
            text(user, &["sh", "-c", "ls /proc/acpi /sys/firmware 2>&1 | grep -vc :"]),
            "1\n"
        );
        assert_eq!(text(user, &["sh", "-c", "echo $$"]), "1\n");
    }
    let here = std::env::temp_dir().join(format!("container-test-{}", std::process::id()));
    let name = here.to_str().expect("a name");
    if is_root() {
        text(
            &[],
            &["sh", "-c", &format!("test -e /.dockerenv && echo > {name} && test -s {name}")],
        );
        assert!(!here.exists(), "what is written there is lost");
    }
    std::fs::create_dir(&here).expect("a folder");
    text(&["--bind", name], &["touch", &format!("{name}/file")]);
    assert!(here.join("file").exists(), "what is shared is not");
    std::fs::remove_dir_all(&here).expect("a folder");
    if is_root() {
        assert!(run(&[], &["mkdir", "/dev/snd"]).status.success(), "root may, as in Docker");
        assert!(!run(&["--read-only-dev"], &["mkdir", "/dev/snd"]).status.success());
        assert!(!run(&["--user", "1000"], &["mkdir", "/dev/snd"]).status.success());
    }
}

#[test]
fn a_node_that_is_made_by_hand_cannot_be_opened() {
    let controller = Path::new("/sys/fs/cgroup/devices/devices.list");
    if !possible() || !is_root() || !controller.exists() || !Path::new("/dev/fuse").exists() {
        skip("takes root, cgroup 1 and /dev/fuse");
        return;
    }
    let open = "mknod /tmp/node c 10 229 && exec 3<>/tmp/node";
    let output = run(&[], &["sh", "-c", open]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("Operation not permitted"), "{error}");
    text(&["--device", "/dev/fuse"], &["sh", "-c", "exec 3<>/dev/fuse"]);
}

#[test]
fn programs_run_and_their_status_comes_back() {
    if !possible() {
        return;
    }
    assert_eq!(run(&[], &["sh", "-c", "exit 7"]).status.code(), Some(7));
    assert_eq!(
        run(&[], &["sh", "-c", "kill -9 $$; exec sleep 0"]).status.code(),
        Some(0),
        "it is init"
    );
    assert_eq!(run(&[], &["no-such-program"]).status.code(), Some(127));
    assert_eq!(run(&[], &["/etc/passwd"]).status.code(), Some(126));
    assert_eq!(run(&["--user", "x"], &["true"]).status.code(), Some(2));
    for user in users() {
        // Threads, pipes, children.
        assert_eq!(text(user, &["sh", "-c", "seq 9 | sort -rn | (read a; echo $a; wait)"]), "9\n");
    }
    assert_eq!(
        text(&["--no-network"], &["sh", "-c", "ls /sys/class/net | grep -v lo | wc -l"]),
        "0\n"
    );
    let mut child = Command::new(CONTAINER).args(["--", "true"]).spawn().expect("the container");
    assert!(child.wait().expect("its end").success());
    let place = std::env::temp_dir().join(format!("container-{}", child.id()));
    assert!(!place.exists(), "{} is left", place.display());
}
