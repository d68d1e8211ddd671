//! The test suites of two crates that use the sequencer, unmodified, under `aseqd run`.
//!
//! The crates come from the registry, once; without them the tests say that they are skipped.

mod common;

use common::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long a download or a build may take.
const PATIENCE: Duration = Duration::from_secs(600);

fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    settle(&mut command);
    command
}

/// Keeps the environment of our build away from another crate's, and sets its target folder.
fn settle(command: &mut Command) {
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers"));
    command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_PROFILE_TEST_DEBUG", "0");
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER"] {
        command.env_remove(variable);
    }
}

/// Returns the platform for which cargo builds here: crates for others need not be downloaded.
fn host() -> String {
    let mut command = Command::new("rustc");
    command.arg("-vV");
    let said = output(command);
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc says it").to_owned()
}

/// Returns a copy of a published crate that can be built, or the reason why there is none.
fn copy_of(name: &str, version: &str, folder: &Path) -> Result<PathBuf, String> {
    let probe = folder.join("probe");
    fs::create_dir_all(probe.join("src")).expect("a folder");
    fs::write(probe.join("src/lib.rs"), "").expect("a file");
    let manifest = format!(
        "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
         [dependencies]\n{name} = \"={version}\"\n[workspace]\n"
    );
    fs::write(probe.join("Cargo.toml"), manifest).expect("a file");
    let mut why = String::new();
    // Offline, from what earlier builds have downloaded.
    for offline in [&[][..], &["--offline"][..]] {
        let mut metadata = cargo(&probe);
        metadata.args(["metadata", "--quiet", "--format-version=1"]).args(offline);
        metadata.args(["--filter-platform", &host()]);
        let ended = finish(metadata, PATIENCE);
        if !ended.status.success() {
            why.push_str(&ended.stderr);
            continue;
        }
        let metadata: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
        let mut packages = metadata["packages"].as_array().expect("packages").iter();
        let package = packages.find(|package| package["name"] == name).expect("the crate");
        let manifest = package["manifest_path"].as_str().expect("a path");
        let source = Path::new(manifest).parent().expect("a folder");
        let copy = folder.join(name);
        let mut command = Command::new("cp");
        command.arg("-r").arg(source).arg(&copy);
        output(command);
        // The crate does not belong to this workspace.
        let manifest = copy.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("a manifest");
        fs::write(&manifest, format!("{text}\n[workspace]\n")).expect("a file");
        return Ok(copy);
    }
    Err(why)
}

/// Builds the tests of a crate, runs some under `aseqd run`, and returns what they print.
fn suite(name: &str, version: &str, target: &[&str], filter: &[&str]) -> Option<String> {
    if !can_serve() || !have(&["pkg-config"]) {
        return None;
    }
    let mut library = Command::new("pkg-config");
    library.args(["--exists", "alsa"]);
    if !finish(library, DEADLINE).status.success() {
        skip("not installed: libasound2-dev; `.ci/setup` installs it");
        return None;
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let copy = match copy_of(name, version, folder.path()) {
        Ok(copy) => copy,
        Err(why) => {
            skip(&format!("the crate {name} {version} cannot be had: {}", why.trim()));
            return None;
        }
    };
    let mut build = cargo(&copy);
    build.args(["test", "--no-run"]).args(target);
    let built = finish(build, PATIENCE);
    if !built.status.success() && built.stderr.contains("failed to download") {
        skip(&format!("what {name} {version} needs cannot be had: {}", built.stderr.trim()));
        return None;
    }
    assert!(built.status.success(), "{built:#?}");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut test = aseqd_run([cargo.as_str(), "test", "--offline"]);
    test.args(target).args(filter).current_dir(&copy);
    settle(&mut test);
    // It may wait until the other suite is built: both share a target folder, which cargo locks.
    let ended = finish(test, PATIENCE);
    assert!(ended.status.success(), "{ended:#?}");
    Some(ended.stdout)
}

#[test]
fn the_sequencer_tests_of_the_crate_alsa_pass() {
    let Some(said) = suite("alsa", "0.12.1", &["--lib"], &["seq"]) else { return };
    assert!(said.contains("test result: ok. 9 passed; 0 failed"), "{said}");
}

#[test]
fn the_virtual_port_tests_of_the_crate_midir_pass() {
    let Some(said) = suite("midir", "0.11.1", &["--test", "virtual"], &[]) else { return };
    assert!(said.contains("test result: ok. 1 passed; 0 failed"), "{said}");
}
