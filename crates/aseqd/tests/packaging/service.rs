//! The machine's service under a real service manager: systemd as the first process of a container that this
//! test makes of the machine's own files.

use super::read;
use crate::common::*;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Paths of systemd in the distributions.
const SYSTEMD: &str = "/usr/lib/systemd/systemd";

/// Empty targets that a unit with default dependencies needs.
const TARGETS: [&str; 3] = ["sysinit", "basic", "shutdown"];

/// Makes a control group for the container, enters it, and becomes the container.
const OUTER: &str = "set -e
mkdir \"$work/cgroup\"; mount -t cgroup2 none \"$work/cgroup\"
mkdir \"$work/cgroup/$group\"; echo $$ >\"$work/cgroup/$group/cgroup.procs\"
umount \"$work/cgroup\"
exec unshare --fork --kill-child --pid --mount --uts --ipc --cgroup --mount-proc --propagation private \\
    sh -c \"$inner\"
";

/// Runs in the container: makes a `/dev` and a `/run`, then becomes systemd.
const INNER: &str = "set -e
umount -l /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/dev; mount -t tmpfs -o mode=755 tmpfs /run/dev; cd /run/dev
mknod -m 666 null c 1 3; mknod -m 666 zero c 1 5; mknod -m 666 full c 1 7
mknod -m 666 random c 1 8; mknod -m 666 urandom c 1 9; mknod -m 666 tty c 5 0; mknod -m 600 fuse c 10 229
mkdir shm mqueue pts; mount -t tmpfs -o mode=1777 tmpfs shm
mount -t devpts -o newinstance,ptmxmode=666 devpts pts; ln -s pts/ptmx ptmx; ln -s /proc/self/fd fd
mount --move /run/dev /dev; cd /
mkdir -p /run/systemd/system /run/lock; cp \"$work\"/units/* /run/systemd/system/
export container=test SYSTEMD_UNIT_PATH=/run/systemd/system
exec \"$systemd\" --system --unit=driver.target --log-target=null --show-status=no
";

/// Removes the control group.
const CLEAN: &str = "mount -t cgroup2 none \"$work/cgroup\" && cd \"$work/cgroup\" || exit 1
for try in 1 2 3 4 5 6 7 8 9 10; do
    find \"$group\" -depth -type d -exec rmdir {} + 2>/dev/null
    test -d \"$group\" || exit 0; sleep 0.1
done; exit 1";

/// Runs a script in a machine whose only service is ours. Returns nothing, and calls `skip`, if systemd does not
/// start.
fn with_manager(driver: &str) -> Option<String> {
    let programs = ["unshare", "systemctl", "mknod", "aconnect", "stat"];
    if !is_root() || !can_serve() || !have(&programs) {
        return None;
    }
    if !Path::new(SYSTEMD).exists() {
        skip("systemd is not installed");
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let work = folder.path();
    let units = work.join("units");
    fs::create_dir(&units).expect("a folder");
    let unit = read("dist/systemd/aseqd.service").replace("/usr/bin/aseqd", ASEQD);
    fs::write(units.join("aseqd.service"), unit).expect("a unit");
    for target in TARGETS {
        let text = "[Unit]\nDefaultDependencies=no\n";
        fs::write(units.join(format!("{target}.target")), text).expect("a unit");
    }
    fs::write(units.join("driver.target"), "[Unit]\nRequires=driver.service\n").expect("a unit");
    let path = work.display();
    let driving = format!(
        "[Unit]\nSuccessAction=exit-force\nFailureAction=exit-force\n[Service]\nType=oneshot\n\
         Environment=aseqd={ASEQD}\nExecStart=/bin/sh {path}/driver\n\
         StandardOutput=file:{path}/said\nStandardError=inherit\n"
    );
    fs::write(units.join("driver.service"), driving).expect("a unit");
    let driver = format!("echo started\n{driver}\necho ended\n");
    fs::write(work.join("driver"), driver).expect("a script");
    // Two of these tests run at the same time: each needs a group of its own.
    let unique = work.file_name().expect("a name").to_string_lossy().into_owned();
    let group = format!("aseqd-test-{}", unique.trim_start_matches('.'));
    let inside = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", script]);
        command.env("work", work).env("group", &group).env("systemd", SYSTEMD).env("inner", INNER);
        command.env_remove("NOTIFY_SOCKET");
        finish(command, DEADLINE)
    };
    let ended = inside(OUTER);
    inside(CLEAN);
    let said = fs::read_to_string(work.join("said")).unwrap_or_default();
    let Some(said) = said.strip_prefix("started\n") else {
        skip(&format!("systemd does not start here: {ended:?}"));
        return None;
    };
    let said = said.strip_suffix("ended\n");
    Some(said.unwrap_or_else(|| panic!("{ended:#?}: {said:?}")).to_owned())
}

#[test]
fn the_service_comes_back_however_its_server_was_killed() {
    let driver = "show() { systemctl show -P $1 aseqd; }
        mounted() { grep -c fuse.aseqd /proc/self/mountinfo; }
        systemctl start aseqd; show ActiveState; mounted
        for how in true 'stat -c %w /dev/snd/seq /run/aseqd >/dev/null' '$aseqd serve' 'ls -l /dev/snd >/dev/null'; do
            old=$(show MainPID); exec 3<>/dev/snd/seq; sh -c \"$how\"; kill -KILL $old
            until [ $(show ActiveState) = active -a $(show MainPID) != $old ]; do
                [ $(show ActiveState) = failed ] && break; [ $(show ConditionResult) = no ] && break; sleep 0.05
            done
            echo $(show ActiveState) $(show NRestarts) $(mounted) $(aconnect -l | grep -c ^client)
            # An open file of the old server stays without one; opened again it is the new one's.
            head -c 1 <&3; exec 3<>/dev/snd/seq && echo opened again; exec 3<&-
        done
        systemctl stop aseqd; show ActiveState; mounted; ls -d /dev/snd";
    let Some(said) = with_manager(driver) else { return };
    let gone = "head: error reading 'standard input': Transport endpoint is not connected\n";
    let mut wanted = "active\n3\n".to_owned();
    for restart in 1..=4 {
        if restart == 3 {
            wanted.push_str("aseqd: /run/aseqd is served already\n");
        }
        wanted.push_str(&format!("active {restart} 3 2\n{gone}opened again\n"));
    }
    wanted.push_str("inactive\n0\nls: cannot access '/dev/snd': No such file or directory\n");
    assert_eq!(said, wanted);
}

#[test]
fn the_service_is_skipped_where_the_kernel_has_a_sequencer() {
    let driver = "mkdir /dev/snd; mknod /dev/snd/seq c 1 5; systemctl start aseqd; echo $?
        systemctl show -P ActiveState -P ConditionResult aseqd
        rm /dev/snd/seq; systemctl start aseqd; systemctl show -P ActiveState aseqd
        systemctl stop aseqd; rm /dev/fuse; systemctl start aseqd; systemctl show -P ConditionResult aseqd";
    let Some(said) = with_manager(driver) else { return };
    assert_eq!(said, "0\ninactive\nno\nactive\nno\n");
}
