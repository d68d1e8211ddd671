//! The GitHub action: its steps are run with bash, as a runner does.

use super::{read, root};
use crate::common::{ASEQD, Ended, copy_program, finish, have};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(120);

/// A step of a composite action.
#[derive(Debug)]
struct Step {
    name: String,
    run: String,
    shell: String,
}

/// Returns the steps of the action. Understands only the forms of YAML that the file uses.
fn steps() -> Vec<Step> {
    let text = read("action.yml");
    let steps = text.split("  steps:\n").nth(1).expect("steps");
    let value = |step: &str, key: &str| {
        let start = format!("{key}: ");
        let line = step.lines().find_map(|line| line.trim_start().strip_prefix(&start))?;
        Some(line.trim_matches('\'').to_owned())
    };
    let blocks = steps.split("    - ").skip(1);
    blocks
        .map(|step| Step {
            name: value(step, "name").expect("a name"),
            run: value(step, "run").expect("a command"),
            shell: value(step, "shell").expect("a shell, which composite actions must name"),
        })
        .collect()
}

/// A runner: its folder, and the files by which a step sets variables and paths for the next steps.
struct Runner {
    folder: tempfile::TempDir,
}

impl Runner {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for file in ["path", "output"] {
            fs::write(folder.path().join(file), "").expect("a file");
        }
        Self { folder }
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).expect("a file")
    }

    /// Publishes a release of the program under test.
    fn release(&self, tag: &str, good: bool) {
        let releases = self.folder.path().join("OWNER/aseqd/releases/download").join(tag);
        let name = format!("aseqd-{tag}-{}-linux", std::env::consts::ARCH);
        fs::create_dir_all(releases.join(&name)).expect("a folder");
        copy_program(Path::new(ASEQD), &releases.join(&name).join("aseqd"));
        let sum = if good { "sha256sum \"$1.tar.gz\"" } else { "echo 0000 \"$1.tar.gz\"" };
        let script = format!("tar -czf \"$1.tar.gz\" \"$1\" && {sum} > \"$1.tar.gz.sha256\"");
        let mut command = Command::new("sh");
        command.current_dir(&releases).args(["-c", &script, "sh", &name]);
        assert!(finish(command, DEADLINE).status.success());
    }

    /// Runs the step of that name as a runner does.
    fn step(&self, name: &str, inputs: &[(&str, &str)]) -> Ended {
        let steps = steps();
        let step = steps.iter().find(|step| step.name == name).expect("a step");
        assert_eq!(step.shell, "bash");
        let script = self.folder.path().join("step.sh");
        fs::write(&script, &step.run).expect("a script");
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-e", "-o", "pipefail"]).arg(script);
        let here = self.folder.path();
        let installed: String = self.file("path").lines().map(|line| format!("{line}:")).collect();
        let path = installed + &std::env::var("PATH").unwrap_or_default();
        command.env("PATH", path).env("GITHUB_ACTION_PATH", root());
        command.env("GITHUB_PATH", here.join("path")).env("GITHUB_OUTPUT", here.join("output"));
        command.env("RUNNER_TEMP", here).env("ASEQD_REPOSITORY", "OWNER/aseqd");
        command.env("GITHUB_SERVER_URL", format!("file://{}", here.display()));
        command.envs(inputs.iter().copied());
        finish(command, DEADLINE)
    }
}

const INSTALL: &str = "Install aseqd";

#[test]
fn a_release_is_installed_and_used() {
    if !have(&["bash", "curl", "tar", "sha256sum"]) {
        return;
    }
    let runner = Runner::new();
    runner.release("v1", true);
    let inputs = [("ASEQD_METHOD", "auto"), ("ASEQD_VERSION", ""), ("ASEQD_REF", "v1")];
    let ended = runner.step(INSTALL, &inputs);
    assert!(ended.status.success(), "{ended:#?}");
    let folder = runner.file("path");
    let program = Path::new(folder.trim_end()).join("aseqd");
    assert!(program.is_file());
    let wanted = format!("path={}\nversion={}\n", program.display(), env!("CARGO_PKG_VERSION"));
    assert_eq!(runner.file("output"), wanted);
    // The next step finds the program, and a sequencer works in it.
    if crate::common::can_serve() {
        let ended = runner.step("Check that a program finds the sequencer", &[]);
        assert!(ended.status.success() && ended.stdout.contains("Midi Through"), "{ended:#?}");
        let command = "aseqd ls | grep Midi; exit 3";
        let ended = runner.step("Run the command", &[("ASEQD_RUN", command)]);
        assert_eq!(ended.status.code(), Some(3), "{ended:#?}");
        assert!(ended.stdout.contains("Midi Through"), "{ended:#?}");
    }
}

#[test]
fn what_cannot_be_installed_is_told() {
    if !have(&["bash", "curl", "tar", "sha256sum"]) {
        return;
    }
    let runner = Runner::new();
    runner.release("v1", false);
    for (inputs, why) in [
        ([("ASEQD_METHOD", "release"), ("ASEQD_VERSION", "v1")], "is not what its checksum says"),
        ([("ASEQD_METHOD", "auto"), ("ASEQD_VERSION", "v2")], "cannot be had"),
        ([("ASEQD_METHOD", "release"), ("ASEQD_VERSION", "")], "no version is named"),
        ([("ASEQD_METHOD", "guess"), ("ASEQD_VERSION", "")], "method is auto, release or source"),
    ] {
        let ended = runner.step(INSTALL, &inputs);
        assert_eq!(ended.status.code(), Some(1), "{inputs:?}: {ended:#?}");
        assert!(ended.stdout.contains("::error title=aseqd::"), "{inputs:?}: {ended:#?}");
        assert!(ended.stdout.contains(why), "{inputs:?}: {ended:#?}");
        assert_eq!(runner.file("path"), "", "nothing is on the path");
    }
}

#[test]
fn a_source_is_built_where_there_is_no_release() {
    if !have(&["bash", "curl"]) {
        return;
    }
    let runner = Runner::new();
    // A stand-in for cargo: its build is a copy of the program under test.
    let bin = runner.folder.path().join("bin");
    fs::create_dir(&bin).expect("a folder");
    let target = runner.folder.path().join("target");
    let script = format!(
        "#!/bin/sh\necho \"$@\" > {0}/asked\nmkdir -p {1}/release\ncp {ASEQD} {1}/release/aseqd\n",
        runner.folder.path().display(),
        target.display()
    );
    fs::write(bin.join("cargo"), script).expect("a script");
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(bin.join("cargo"), fs::Permissions::from_mode(0o755)).expect("ours");
    fs::write(runner.folder.path().join("path"), format!("{}\n", bin.display())).expect("a file");
    let target = target.to_str().expect("a name");
    let inputs = [("ASEQD_METHOD", "auto"), ("ASEQD_REF", "main"), ("CARGO_TARGET_DIR", target)];
    let ended = runner.step(INSTALL, &inputs);
    assert!(ended.status.success(), "{ended:#?}");
    assert!(ended.stdout.contains("no release"), "{ended:#?}");
    let asked = runner.file("asked");
    assert!(asked.starts_with("build --release --locked --package aseqd"), "{asked}");
    assert!(runner.file("output").contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_runner_is_prepared() {
    if !have(&["bash", "tee"]) || !crate::common::is_root() {
        return;
    }
    let runner = Runner::new();
    let kernel = runner.folder.path().join("proc/sys/kernel");
    fs::create_dir_all(&kernel).expect("a folder");
    let restrict = kernel.join("apparmor_restrict_unprivileged_userns");
    let proc = runner.folder.path().join("proc");
    let proc = proc.to_str().expect("a name");
    for (tune, after) in [("false", "1\n"), ("true", "0\n")] {
        fs::write(&restrict, "1\n").expect("a file");
        let inputs = [("ASEQD_TUNE", tune), ("ASEQD_ALSA_UTILS", "false"), ("ASEQD_PROC", proc)];
        let ended = runner.step("Prepare the runner", &inputs);
        assert!(ended.status.success(), "{ended:#?}");
        assert_eq!(fs::read_to_string(&restrict).expect("a file"), after, "{tune}");
    }
}

#[test]
fn inputs_are_documented_and_used() {
    let text = read("action.yml");
    let inputs = text.split("\ninputs:\n").nth(1).expect("inputs");
    let inputs = inputs.split("\noutputs:\n").next().expect("the end of them");
    let names = inputs.lines().filter_map(|line| {
        let name = line.strip_prefix("  ")?.strip_suffix(':')?;
        (!name.starts_with(' ')).then_some(name)
    });
    let names: Vec<_> = names.collect();
    assert_eq!(names, ["version", "method", "alsa-utils", "tune", "run"]);
    for name in names {
        assert!(text.contains(&format!("inputs.{name}")), "{name} is used");
    }
    assert_eq!(inputs.matches("description:").count(), 5);
    assert_eq!(inputs.matches("default:").count(), 5);
}
