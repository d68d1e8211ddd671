//! systemd's units are valid, start programs that exist, and stay as hardened as they are.

use super::{read, root};
use crate::common::{ASEQD, finish, have};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// Maximum exposure levels by `systemd-analyze security`, times ten.
const UNITS: [(&str, u32); 2] = [("aseqd.service", 38), ("aseqd-cuse.service", 20)];
const DEADLINE: Duration = Duration::from_secs(60);

/// Returns the command that a unit starts.
fn command(unit: &str) -> Vec<String> {
    let text = read(&format!("dist/systemd/{unit}"));
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a command");
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn units_start_the_program_with_options_that_it_has() {
    for unit in
        ["aseqd.service", "aseqd-cuse.service", "user/aseqd.service", "user/aseqd-rules.service"]
    {
        let words = command(unit);
        assert_eq!(words[0], "/usr/bin/aseqd", "{unit}");
        let mut program = Command::new(ASEQD);
        // With `--help` the command checks its options and serves nothing.
        program.args(&words[1..]).arg("--help");
        assert!(finish(program, DEADLINE).status.success(), "{unit}");
        assert!(read(&format!("dist/systemd/{unit}")).contains("Type=notify"), "{unit}");
    }
}

#[test]
fn units_are_valid_and_hardened() {
    if !have(&["systemd-analyze"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for (unit, exposure) in UNITS {
        // The unit's path is where a package installs the program; here it is elsewhere.
        let text = read(&format!("dist/systemd/{unit}")).replace("/usr/bin/aseqd", ASEQD);
        let file = folder.path().join(unit);
        fs::write(&file, text).expect("a unit");
        let mut verify = Command::new("systemd-analyze");
        verify.args(["verify", "--man=no"]).arg(&file);
        let ended = finish(verify, DEADLINE);
        let about = |line: &&str| line.contains(unit);
        assert_eq!(ended.stderr.lines().find(about), None, "{ended:#?}");
        let mut security = Command::new("systemd-analyze");
        security.args(["security", "--offline=true", "--no-pager"]);
        security.arg(format!("--threshold={exposure}")).arg(root().join("dist/systemd").join(unit));
        let ended = finish(security, DEADLINE);
        assert!(ended.status.success(), "more exposed than {exposure}: {}", ended.stdout);
        assert!(ended.stdout.contains("Overall exposure level"), "{ended:#?}");
    }
}

/// Returns the system calls of a filter line, with its groups spelled out.
fn expand(word: &str, into: &mut Vec<String>) {
    if !word.starts_with('@') {
        into.push(word.to_owned());
        return;
    }
    let mut list = Command::new("systemd-analyze");
    list.args(["syscall-filter", "--no-pager", word]);
    let output = finish(list, DEADLINE);
    assert!(output.status.success(), "{word}: {output:#?}");
    for line in output.stdout.lines().skip(1).map(str::trim) {
        if !line.is_empty() && !line.starts_with('#') {
            expand(line, into);
        }
    }
}

#[test]
fn the_filter_lets_the_server_work() {
    let usable = have(&["systemd-analyze", "strace"]) && crate::common::can_serve();
    if !usable || !crate::common::is_root() {
        return;
    }
    let mut allowed: Vec<String> = Vec::new();
    for line in read("dist/systemd/aseqd.service").lines() {
        let Some(list) = line.strip_prefix("SystemCallFilter=") else { continue };
        let mut names = Vec::new();
        let plain = list.strip_prefix('~');
        plain.unwrap_or(list).split(' ').for_each(|word| expand(word, &mut names));
        match plain {
            Some(_) => allowed.retain(|name| !names.contains(name)),
            None => allowed.extend(names),
        }
    }
    assert!(allowed.len() > 200, "{}", allowed.len());
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace");
    let script = r#"strace -f -o "$trace" "$aseqd" serve --mount "$folder/midi" > "$folder/said" & strace=$!
        until grep -q serving "$folder/said"; do sleep 0.02; done
        "$aseqd" ls --device "$folder/midi/seq" >/dev/null
        timeout 5 "$aseqd" demo --quiet --device "$folder/midi/seq" >/dev/null
        kill -TERM $(cat /proc/$strace/task/$strace/children); wait $strace"#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script]);
    command.env("trace", &trace).env("aseqd", ASEQD).env("folder", folder.path());
    let ended = finish(command, DEADLINE);
    let lines = fs::read_to_string(&trace).unwrap_or_else(|error| panic!("{error}: {ended:#?}"));
    let calls = lines.lines().filter_map(|line| {
        let call = line.split_whitespace().nth(1)?.split('(').next()?;
        (line.contains('(') && call.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
            .then_some(call)
    });
    let mut calls: Vec<&str> = calls.collect();
    calls.sort_unstable();
    calls.dedup();
    assert!(calls.contains(&"mount") && calls.contains(&"writev"), "it has served: {calls:?}");
    // systemd itself lets these through, for the start of a program.
    let implied = ["execve", "exit", "exit_group", "rt_sigreturn"];
    let refused: Vec<_> = calls
        .iter()
        .filter(|call| !implied.contains(call) && !allowed.iter().any(|name| name == **call))
        .collect();
    assert_eq!(refused, [&""; 0], "aseqd.service refuses them");
}
