//! The suite on aseqd, on this machine.

use crate::builds::Builds;
use crate::results::Results;
use crate::{Result, SUITE};
use std::path::Path;
use std::process::Command;

/// Exit status of `aseqd run` if the door is not available here.
const NO_DOOR: i32 = 127;

/// Runs the suite through a door, with UMP `on` or `off`. Returns what it found, unless it could not be run, and
/// whether all is well.
pub(crate) fn through(door: &str, ump: &str, builds: &Builds) -> Result<(Option<Results>, bool)> {
    let run = || {
        let mut command = Command::new(&builds.aseqd);
        command.args(["run", "--card", "--ump", ump, "--via", door, "--"]);
        command
    };
    let probe = run().arg("true").output()?;
    let said = String::from_utf8_lossy(&probe.stderr);
    match probe.status.code() {
        Some(0) => {}
        Some(NO_DOOR) => {
            let last = said.lines().last().unwrap_or_default();
            skip::skip_part(&format!("conformance of aseqd, door {door}"), last);
            return Ok((None, true));
        }
        _ => {
            eprint!("{said}");
            return Ok((None, false));
        }
    }
    eprintln!("== aseqd, door {door}, UMP {ump}");
    let suite = if door == "preload" { &builds.dynamic_suite } else { &builds.suite };
    let output = run()
        .arg(suite)
        .args(["--format", "json", "--known", &known(door)])
        .stderr(std::process::Stdio::inherit())
        .output()?;
    let results = Results::from_json(&String::from_utf8(output.stdout)?)?;
    results.print_failures(&format!("aseqd, door {door}, UMP {ump}"));
    for (reason, count) in results.skips() {
        let what = format!("conformance of aseqd, door {door}, UMP {ump}, {count} cases");
        skip::skip_part(&what, reason);
    }
    Ok((Some(results), output.status.success()))
}

/// Runs the suite in a container with Docker's defaults, in which a program comes through the trap, with FIFOs.
/// Returns whether all is well.
pub(crate) fn in_a_container(builds: &Builds) -> Result<bool> {
    let container = || {
        let mut command = Command::new(&builds.container);
        // It sees the files of this machine's root, but not those of other mounts, where a checkout may be.
        let known = known("trap-fifo");
        for (file, place) in [
            (builds.suite.as_path(), "/mnt/conformance"),
            (&builds.aseqd, "/mnt/aseqd"),
            (Path::new(&known), "/mnt/known"),
        ] {
            command.arg("--bind").arg(bind(file, place));
        }
        command.arg("--");
        command
    };
    let probe = container().arg("true").output()?;
    if !probe.status.success() {
        let said = String::from_utf8_lossy(&probe.stderr);
        let why = format!("none can be made here ({})", said.lines().last().unwrap_or_default());
        skip::skip_part("conformance of aseqd, door trap, in a container", &why);
        return Ok(true);
    }
    eprintln!("== aseqd, door trap, in a container");
    let status = container()
        .args(["/mnt/aseqd", "run", "--card", "--via", "trap", "--", "/mnt/conformance"])
        .args(["--known", "/mnt/known"])
        .status()?;
    Ok(status.success())
}

/// Runs a few cases through the door that is the default, by a dynamic program. Returns whether all is well.
pub(crate) fn by_default(builds: &Builds) -> Result<bool> {
    let status = Command::new(&builds.aseqd)
        .args(["run", "--"])
        .arg(&builds.dynamic_suite)
        .args(["--known", &known("fuse"), "identification::"])
        .status()?;
    Ok(status.success())
}

/// Returns the path of a door's list of known failures.
pub(crate) fn known(door: &str) -> String {
    format!("{SUITE}/known/{door}.txt")
}

/// Returns an option's value that puts a file into a container or a virtual machine.
pub(crate) fn bind(file: &Path, place: &str) -> String {
    format!("{}:{place}", file.display())
}
