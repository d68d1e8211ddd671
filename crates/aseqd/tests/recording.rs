//! `--record`: what is recorded through every door can be replayed, whoever runs it and however it ends.

mod common;
#[path = "../../server/tests/recording/replay.rs"]
mod replay;

use aseqd_recording::End;
use common::*;
use replay::replay;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Runs a command to its end, which must be a good one.
fn succeed(mut command: Command) {
    let ended = command.output().expect("it starts");
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{command:?}");
}

fn is_whole(file: &Path) -> u64 {
    let replayed = replay(&fs::read(file).expect("a file"));
    assert_eq!(replayed.end, End::Whole, "{}", file.display());
    replayed.inputs
}

#[test]
fn a_run_is_recorded_through_every_door() {
    if !can_serve() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for via in ["fuse", "handover", "preload", "trap"] {
        let file = folder.path().join(via);
        // What was there is replaced, and cannot be read by others any more.
        fs::write(&file, "something longer than a recording ".repeat(1000)).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("our file");
        let mut command = Command::new(ASEQD);
        command.args(["run", "--via", via, "--record"]).arg(&file).args(["--", ASEQD, "ls"]);
        let ended = command.output().expect("it starts");
        if !ended.status.success() {
            let why = String::from_utf8_lossy(&ended.stderr).into_owned();
            skip(&format!("{via}: {why}"));
            continue;
        }
        assert!(is_whole(&file) > 10, "{via}");
        assert_eq!(fs::metadata(&file).expect("a file").mode() & 0o777, 0o600);
    }
}

#[test]
fn an_ordinary_user_records_into_a_file_of_theirs() {
    if !is_root() || !can_serve() || !have(&["setpriv"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("our folder");
    let aseqd = folder.path().join("aseqd");
    copy_program(Path::new(ASEQD), &aseqd);
    let own = folder.path().join("own");
    fs::create_dir(&own).expect("a folder");
    std::os::unix::fs::chown(&own, Some(1000), Some(1000)).expect("root may");
    let as_user = |file: &Path| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "1000", "--regid", "1000", "--clear-groups"]);
        command.arg(&aseqd).args(["run", "--record"]).arg(file).arg("--");
        command.arg(&aseqd).arg("ls").stdout(Stdio::null());
        command
    };
    let file = own.join("run.aseq");
    succeed(as_user(&file));
    assert!(is_whole(&file) > 5);
    assert_eq!(fs::metadata(&file).expect("a file").uid(), 1000);
    // Where the user may not write, nothing runs.
    let refused = as_user(&folder.path().join("no.aseq")).output().expect("it starts");
    assert_eq!(refused.status.code(), Some(127));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.ends_with("no.aseq cannot be made: permission denied\n"), "{said}");
}

#[test]
fn the_variable_records_each_run_into_a_folder() {
    if !can_serve() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let script = format!("{ASEQD} ls >/dev/null; exec {ASEQD} run -- {ASEQD} ls >/dev/null");
    let mut command = aseqd_run(["sh", "-c", &script]);
    command.env("ASEQD_RECORD", folder.path());
    succeed(command);
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with("aseqd-") && names[1].starts_with("sh-"), "{names:?}");
    for name in &names {
        assert!(name.ends_with(".aseq"), "{name}");
        assert!(is_whole(&folder.path().join(name)) > 5);
    }
    // A file has room for one of them.
    let file = folder.path().join("one");
    let mut command = aseqd_run(["sh", "-c", &script]);
    command.env("ASEQD_RECORD", &file);
    let refused = command.output().expect("it starts");
    assert_eq!(refused.status.code(), Some(127));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    let name = file.display();
    let why = "name a folder, where each makes a file";
    assert_eq!(said, format!("aseqd: another recording is made in {name}: {why}\n"));
    assert!(is_whole(&file) > 5);
    // An empty one is none.
    let mut command = aseqd_run(["true"]);
    command.env("ASEQD_RECORD", "");
    succeed(command);
}

#[test]
fn a_server_that_is_killed_leaves_a_readable_file() {
    if !can_serve() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut most = 0;
    for number in 0..12_u64 {
        let file = folder.path().join(number.to_string());
        let script = format!("echo $PPID; while :; do {ASEQD} ls >/dev/null; done");
        let mut command = Command::new(ASEQD);
        command.args(["run", "--record"]).arg(&file).args(["--", "sh", "-c", &script]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut run = command.spawn().expect("it starts");
        let mut keeper = String::new();
        BufReader::new(run.stdout.take().expect("a pipe")).read_line(&mut keeper).expect("a line");
        std::thread::sleep(Duration::from_millis(number * number * 7));
        let keeper = Pid::from_raw(keeper.trim().parse().expect("a number")).expect("a process");
        kill_process(keeper, Signal::KILL).expect("it runs");
        run.wait().expect("it ends");
        let bytes = fs::read(&file).expect("a file");
        if bytes.is_empty() {
            // The first byte was not written yet.
            assert!(number < 4, "after {number}");
            continue;
        }
        let replayed = replay(&bytes);
        assert_eq!(replayed.end, End::Torn { offset: bytes.len() as u64 });
        most = most.max(replayed.inputs);
    }
    assert!(most > 100, "{most}");
}

/// A limit of file sizes (`ulimit -f`) ends the recording, and neither the server nor the run. The command has the
/// limit as without aseqd: the signal ends it, unless it is ignored.
#[test]
fn a_recording_that_may_not_grow_ends_alone() {
    if !can_serve() || !have(&["bash", "dd"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (file, words) = (folder.path().join("run.aseq"), folder.path().join("words"));
    let mut random = random::Random::new(1);
    let mut lines = String::new();
    for _ in 0..40 {
        let bytes: Vec<_> = (0..1000).map(|_| format!("{:02x}", random.next() % 0x80)).collect();
        lines += &format!("sysex {}\n", bytes.join(" "));
    }
    fs::write(&words, lines).expect("written");
    let script = "mkfifo open; \"$0\" port -o Sink <>open >/dev/null & \"$0\" wait Sink && \"$0\" send Sink -f words; \
                  dd if=/dev/zero of=other bs=1024 count=100 2>/dev/null; echo \"dd $?\"; kill $!; rm open";
    for (before, status) in [("", "dd 153\n"), ("trap '' XFSZ; ", "dd 1\n")] {
        let start = format!(
            "{before}ulimit -f 8; exec \"$0\" run --record run.aseq -- bash -c \"$1\" \"$0\""
        );
        let mut command = Command::new("bash");
        command.args(["-c", &start, ASEQD, script]).current_dir(folder.path());
        let ended = finish(command, DEADLINE);
        assert_eq!((ended.status.code(), &*ended.stdout), (Some(0), status), "{ended:?}");
        let said = "aseqd: the recording ends here: file too large";
        assert!(ended.stderr.contains(said), "{ended:?}");
        let replayed = replay(&fs::read(&file).expect("a file"));
        assert_eq!(replayed.end, End::Stopped("file too large".to_owned()));
    }
}

#[test]
fn a_sequencer_for_a_user_is_recorded() {
    if !can_serve() || !have(&["fusermount3"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (mount, file) = (folder.path().join("seq"), folder.path().join("serve.aseq"));
    let mut command = Command::new(ASEQD);
    command.arg("serve").arg("--mount").arg(&mount).arg("--record").arg(&file);
    command.stdout(Stdio::piped());
    let mut serve = command.spawn().expect("it starts");
    let mut line = String::new();
    let mut said = BufReader::new(serve.stdout.take().expect("a pipe"));
    said.read_line(&mut line).expect("a line");
    assert!(line.contains("serving"), "{line}");
    let opened = fs::OpenOptions::new().read(true).write(true).open(mount.join("seq"));
    drop(opened.expect("a sequencer"));
    kill_process(Pid::from_child(&serve), Signal::TERM).expect("it runs");
    assert!(serve.wait().expect("it ends").success());
    assert!(is_whole(&file) >= 2);
}

#[test]
fn a_run_in_virtual_time_is_recorded_in_its_time() {
    if !can_serve() {
        return;
    }
    let virtual_time = |options: &[&str], script: &str| {
        let mut command = Command::new(ASEQD);
        command.args(["run", "--time", "virtual", "--no-outside"]).args(options);
        command.args(["--", "sh", "-c", script]).stdout(Stdio::null());
        command
    };
    if !virtual_time(&[], "true").output().expect("it starts").status.success() {
        return skip("there is no virtual time here");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let script = format!("{ASEQD} send 14:0 '90 40 40'; sleep 1h; {ASEQD} send 14:0 '80 40 40'");
    for via in ["fuse", "handover", "preload", "trap"] {
        let file = folder.path().join(via);
        let name = file.to_str().expect("text");
        succeed(virtual_time(&["--via", via, "--record", name], &script));
        assert!(is_whole(&file) > 20, "{via}");
        let mut command = Command::new(ASEQD);
        command.args(["replay", "--check"]).arg(&file);
        succeed(command);
        // The hour has passed in it.
        let mut command = Command::new(ASEQD);
        command.args(["replay", "--text"]).arg(&file);
        let text = output_of(&mut command);
        let second = |line: &str| line.split('.').next()?.parse::<u64>().ok();
        let seconds: Vec<_> = text.lines().filter_map(second).collect();
        let (first, last) = (seconds.first().expect("a record"), seconds.last().expect("a record"));
        assert!((3600..3610).contains(&(last - first)), "{via}: {first} {last}");
    }
}

#[test]
fn a_sequencer_that_is_joined_is_not_recorded_here() {
    let mut command = Command::new(ASEQD);
    command.args(["run", "--join", "/nonexistent", "--record", "/nonexistent", "--", "true"]);
    let refused = command.output().expect("it starts");
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    // The variable is for runs with a sequencer of their own.
    let mut command = Command::new(ASEQD);
    command.args(["run", "--join", "/nonexistent", "--", "true"]);
    command.env("ASEQD_RECORD", "/nonexistent/run.aseq");
    let refused = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!said.contains("run.aseq"), "{said}");
}

#[test]
fn a_scrubbed_recording_names_nobody_and_still_replays() {
    if !can_serve() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let [file, scrubbed] = ["run.aseq", "scrubbed.aseq"].map(|name| folder.path().join(name));
    let mut command = Command::new(ASEQD);
    // The shell has tried the door, and lives long enough to be named.
    let script = format!("{ASEQD} ls; sleep 0.3");
    command.args(["run", "--record"]).arg(&file).args(["--", "sh", "-c", &script]);
    command.stdout(Stdio::null());
    succeed(command);
    let mut command = Command::new(ASEQD);
    command.arg("replay").arg(&file).args(["--scrub", "--output"]).arg(&scrubbed);
    command.stdout(Stdio::null());
    succeed(command);
    // The name that the client has given itself, in hexadecimal.
    let name: String = b"aseqd".iter().map(|byte| format!("{byte:02x}")).collect();
    let text = |file: &Path| {
        let mut command = Command::new(ASEQD);
        command.args(["replay", "--text"]).arg(file);
        output(command)
    };
    let (before, after) = (text(&file), text(&scrubbed));
    assert!(before.contains(&name) && before.contains("began = "), "{before}");
    assert!(before.contains("note - \"process "), "{before}");
    for private in [name.as_str(), "began", " note "] {
        assert!(!after.contains(private), "{private}: {after}");
    }
    let mut command = Command::new(ASEQD);
    command.args(["replay", "--check"]).arg(&scrubbed);
    succeed(command);
    assert_eq!(is_whole(&file), is_whole(&scrubbed));
}

/// A server for one user, which ends with this.
struct Served {
    process: Child,
    seq: PathBuf,
}

impl Served {
    /// Serves in a folder, and opens the sequencer a few times.
    fn new(mount: &Path, options: &[&str]) -> Self {
        let mut command = Command::new(ASEQD);
        command.arg("serve").arg("--mount").arg(mount).args(options);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("it starts");
        let mut line = String::new();
        let mut said = BufReader::new(process.stdout.take().expect("a pipe"));
        said.read_line(&mut line).expect("a line");
        assert!(line.contains("serving"), "{line}");
        let served = Self { process, seq: mount.join("seq") };
        served.open(10);
        served
    }

    /// Opens the sequencer so many times.
    fn open(&self, times: u32) {
        for _ in 0..times {
            let opened = fs::OpenOptions::new().read(true).write(true).open(&self.seq);
            drop(opened.expect("a sequencer"));
        }
    }

    /// Returns `aseqd report` of this server.
    fn report(&self, words: &[&Path]) -> Command {
        let mut command = Command::new(ASEQD);
        command.args(["report", "--device"]).arg(&self.seq).args(words);
        command
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _gone = kill_process(Pid::from_child(&self.process), Signal::TERM);
        let ended = self.process.wait().expect("it ends");
        assert!(std::thread::panicking() || ended.success(), "{ended}");
    }
}

/// Runs a command that must fail, and returns what it says.
fn refused(mut command: Command) -> String {
    let ended = command.output().expect("it starts");
    assert_eq!(ended.status.code(), Some(1), "{command:?}");
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "");
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

#[test]
fn a_report_has_what_the_flight_recorder_has() {
    if !can_serve() || !have(&["fusermount3"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let [mount, file, scrubbed] =
        ["seq", "report.aseq", "scrubbed.aseq"].map(|name| folder.path().join(name));
    let served = Served::new(&mount, &["--flight-recorder=1"]);
    // What was there is replaced, and cannot be read by others any more.
    fs::write(&file, "something longer than a recording ".repeat(1000)).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("our file");
    succeed(served.report(&[&file]));
    let first = is_whole(&file);
    assert!(first > 20, "{first}");
    assert_eq!(fs::metadata(&file).expect("a file").mode() & 0o777, 0o600);
    // The next one has what came since, and is longer than the piece of one request.
    let mut command = Command::new(ASEQD);
    command.args(["ls", "--device"]).arg(&served.seq).stdout(Stdio::null());
    succeed(command);
    for _ in 0..4 {
        served.open(100);
        std::thread::sleep(Duration::from_millis(300));
    }
    succeed(served.report(&[&file]));
    assert!(is_whole(&file) > first + 800);
    assert!(fs::metadata(&file).expect("a file").len() > 4096);
    // To standard output.
    let piped = served.report(&[Path::new("-")]).output().expect("it starts");
    assert!(piped.status.success());
    assert_eq!(replay(&piped.stdout).end, End::Whole);
    // Without a name, and into a folder: a new file each.
    let mut named = served.report(&[]);
    named.env("TMPDIR", folder.path());
    for mut command in [named, served.report(&[folder.path()])] {
        let path = output_of(&mut command);
        let path = Path::new(path.trim_end());
        assert_eq!(path.parent(), Some(folder.path()));
        assert!(is_whole(path) > first + 800);
        assert_eq!(fs::metadata(path).expect("a file").mode() & 0o777, 0o600);
    }
    // Names are taken out.
    succeed(served.report(&[Path::new("--scrub"), &scrubbed]));
    let name: String = b"aseqd ls".iter().map(|byte| format!("{byte:02x}")).collect();
    for (file, is_named) in [(&file, true), (&scrubbed, false)] {
        let mut command = Command::new(ASEQD);
        command.args(["replay", "--check"]).arg(file);
        succeed(command);
        let mut command = Command::new(ASEQD);
        command.args(["replay", "--text"]).arg(file);
        let text = output_of(&mut command);
        assert_eq!(text.contains(&name), is_named);
        assert_eq!(text.contains("began = "), is_named);
    }
    // Where nothing can be written.
    let said = refused(served.report(&[Path::new("/nonexistent/report.aseq")]));
    assert!(said.contains("/nonexistent/report.aseq cannot be written"), "{said}");
}

fn output_of(command: &mut Command) -> String {
    let ended = command.output().expect("it starts");
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).expect("text")
}

#[test]
fn a_report_is_for_the_user_of_the_server_and_root() {
    if !is_root() || !can_serve() || !have(&["setpriv"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("our folder");
    let (aseqd, mount) = (folder.path().join("aseqd"), folder.path().join("seq"));
    copy_program(Path::new(ASEQD), &aseqd);
    // Everybody may use the sequencer.
    let served = Served::new(&mount, &["--flight-recorder", "--mode=0666"]);
    let as_user = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "1000", "--regid", "1000", "--clear-groups"]);
        command.arg(&aseqd).args(words).arg("--device").arg(&served.seq);
        command
    };
    let mut listed = as_user(&["ls"]);
    output_of(&mut listed);
    let why = format!("only root and the user that serves {} get a report", served.seq.display());
    assert_eq!(refused(as_user(&["report", "-"])), format!("aseqd: {why}\n"));
    // Others did not end it.
    assert!(served.report(&[Path::new("-")]).output().expect("it starts").status.success());
}

#[test]
fn a_report_of_a_server_without_a_flight_recorder_is_refused_in_a_sentence() {
    if !can_serve() || !have(&["fusermount3"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mount = folder.path().join("seq");
    let mut served = Served::new(&mount, &[]);
    let seq = served.seq.display();
    let why = "has no flight recorder: start `aseqd serve` with --flight-recorder";
    assert_eq!(refused(served.report(&[])), format!("aseqd: {seq} {why}\n"));
    // The signal says the same.
    kill_process(Pid::from_child(&served.process), Signal::USR1).expect("it runs");
    let mut said = String::new();
    let mut log = BufReader::new(served.process.stderr.take().expect("a pipe"));
    log.read_line(&mut said).expect("a line");
    assert!(said.contains("there is nothing to report"), "{said}");
    // A file of a recording has everything already.
    drop(served);
    let file = folder.path().join("serve.aseq").into_os_string().into_string().expect("text");
    let served = Served::new(&mount, &["--record", &file]);
    assert_eq!(refused(served.report(&[])), format!("aseqd: {} {why}\n", served.seq.display()));
}

#[test]
fn a_flight_recorder_writes_a_file_at_a_signal() {
    if !can_serve() || !have(&["fusermount3"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let [mount, reports] = ["seq", "reports"].map(|name| folder.path().join(name));
    fs::create_dir(&reports).expect("a folder");
    let reports_dir = format!("--report-dir={}", reports.display());
    let mut served = Served::new(&mount, &["--flight-recorder=1", &reports_dir]);
    kill_process(Pid::from_child(&served.process), Signal::USR1).expect("it runs");
    let mut said = String::new();
    let mut log = BufReader::new(served.process.stderr.take().expect("a pipe"));
    log.read_line(&mut said).expect("a line");
    let path = said.trim().strip_prefix("aseqd: the recording is in ").expect("a path").to_owned();
    let path = Path::new(&path);
    assert_eq!(path.parent(), Some(reports.as_path()));
    assert_eq!(fs::metadata(path).expect("a file").mode() & 0o777, 0o600);
    assert!(is_whole(path) > 20);
    let mut command = Command::new(ASEQD);
    command.args(["replay", "--check"]).arg(path);
    succeed(command);
    drop(served);
    // Nobody asked for another one.
    assert_eq!(fs::read_dir(&reports).expect("a folder").count(), 1);
}
