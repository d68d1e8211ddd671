//! Recorded calls on a real sequencer.

use crate::common::{ASEQD, aseqd_run, can_serve};
use crate::export::linux;
use crate::rig::{ioctl, open, port, queued_steps, random_steps, untimed_steps};
use crate::{duet, record, replay, stderr, stdout, text};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::ump::ClientUmpInfo;
use aseqd_engine::{Config, FileId, Time};
use aseqd_recording::Header;
use aseqd_replay::rewrite;
use aseqd_replay::step::{Action, Step};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A recording of a sequencer with UMP: one call of it is an error without.
pub(crate) fn with_ump(folder: &TempDir) -> PathBuf {
    let config = Config { ump: true, ..Config::default() };
    let mut steps = random_steps(8, 60);
    let at = steps.last().expect("a step").at;
    let info = ClientUmpInfo { client: 14, ..ClientUmpInfo::default() };
    steps.push(Step { at, action: ioctl(FileId(0), s::GET_CLIENT_UMP_INFO, &info) });
    let path = folder.path().join("ump.aseq");
    let bytes = rewrite::record(Vec::new(), &Header::new(config), &steps).expect("memory");
    fs::write(&path, bytes).expect("a file");
    path
}

#[test]
fn another_aseqd_answers_the_same() {
    if !can_serve() {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    for steps in [untimed_steps(5, 600), queued_steps()] {
        let recording = record(&folder, "steps.aseq", &steps);
        let against = ["replay", text(&recording), "--against", "/dev/snd/seq"];
        let output = aseqd_run([ASEQD].iter().chain(&against)).output().expect("aseqd starts");
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
        assert_eq!(stdout(&output), "");
    }

    // Beside another client, numbers are others.
    let recording = record(&folder, "duet.aseq", &duet());
    let script = format!(
        "{ASEQD} monitor --timeout 20s >&2 & sleep 1; {ASEQD} replay {} --against /dev/snd/seq; s=$?; kill $!; exit $s",
        recording.display()
    );
    let output = aseqd_run(["sh", "-c", &script]).output().expect("aseqd starts");
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(stdout(&output), "");
}

#[test]
fn what_is_answered_otherwise_is_printed() {
    if !can_serve() {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let recording = with_ump(&folder);
    let against = ["replay", text(&recording), "--against", "/dev/snd/seq"];
    let output = aseqd_run([ASEQD].iter().chain(&against)).output().expect("aseqd starts");
    assert_eq!(output.status.code(), Some(1), "{}{}", stdout(&output), stderr(&output));
    let printed = stdout(&output);
    assert!(printed.starts_with("record 61: ") && printed.lines().count() == 1, "{printed}");
    assert!(printed.contains("GET_CLIENT_UMP_INFO") && printed.contains("ENOTTY"), "{printed}");
    assert!(stderr(&output).contains("1 answer differs"), "{}", stderr(&output));
}

#[test]
fn what_cannot_be_compared_is_said() {
    if !can_serve() {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let kernel = Action::OpenKernel {
        access: aseqd_engine::Access::ReadWrite,
        number: Some(20),
        card: 1,
        name: "a card".to_owned(),
    };
    let steps = [kernel, port(FileId(0), 20), open()];
    let steps: Vec<_> = steps.map(|action| Step { at: Time(1), action }).into();
    let recording = record(&folder, "kernel.aseq", &steps);
    let against = ["replay", text(&recording), "--against", "/dev/snd/seq"];
    let output = aseqd_run([ASEQD].iter().chain(&against)).output().expect("aseqd starts");
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let said = stderr(&output);
    assert!(said.contains("not compared: clients of kernel type (1 records)"), "{said}");

    let output = replay(&[text(&recording), "--against", "/nowhere/seq"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("/nowhere/seq"), "{}", stderr(&output));
}

/// The kernel's sequencer, in a virtual machine.
#[test]
fn linux_answers_the_same() {
    let Some(mut linux) = linux() else { return };
    let folder = TempDir::new().expect("a folder");
    let random = record(&folder, "random.aseq", &untimed_steps(6, 600));
    let queued = record(&folder, "queued.aseq", &queued_steps());
    let replay = |name: &str| format!("/bin/aseqd replay /{name} --against /dev/snd/seq");
    let output = linux
        .arg("--add")
        .arg(format!("{ASEQD}:/bin/aseqd"))
        .arg("--add")
        .arg(format!("{}:/random.aseq", random.display()))
        .arg("--add")
        .arg(format!("{}:/queued.aseq", queued.display()))
        .args(["--", "sh", "-c"])
        .arg(format!("{} && {}", replay("random.aseq"), replay("queued.aseq")))
        .output()
        .expect("the oracle");
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}
