//! Builds the library that is loaded into commands, so that this program carries it as bytes.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The environment variable that names a library to take instead of building one.
const READY: &str = "LOCKDEP_PRELOAD_LIBRARY";
/// The file name of the library.
const FILE: &str = "liblockdep_preload.so";

fn main() {
    let out = PathBuf::from(variable("OUT_DIR"));
    let validators = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("..");
    println!("cargo::rerun-if-env-changed={READY}");
    println!("cargo::rerun-if-changed=build.rs");
    for part in ["lockdep-preload", "lockdep", "kreport"] {
        for watched in ["src", "Cargo.toml"] {
            println!("cargo::rerun-if-changed={}", validators.join(part).join(watched).display());
        }
    }
    println!("cargo::rerun-if-changed={}", validators.join("../Cargo.lock").display());
    let library = match env::var_os(READY) {
        Some(ready) => {
            println!("cargo::rerun-if-changed={}", Path::new(&ready).display());
            PathBuf::from(ready)
        }
        None => build(&validators, &out.join("library")),
    };
    if let Err(error) = fs::copy(&library, out.join(FILE)) {
        fail(&format!("{} cannot be copied: {error}", library.display()));
    }
}

/// Builds the library with the profile of this program, and returns its path.
fn build(validators: &Path, folder: &Path) -> PathBuf {
    let (target, profile) = (variable("TARGET"), variable("PROFILE"));
    let mut command = Command::new(variable("CARGO"));
    command.args(["build", "--quiet", "--locked", "--target", &target]);
    command.arg("--manifest-path").arg(validators.join("lockdep-preload/Cargo.toml"));
    if profile == "release" {
        command.arg("--release");
    }
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        // Flags may instrument the program, or make it static: the library is loaded into others. What wraps the compiler
        // is for the workspace, and the outer Cargo has locked its own folders.
        let is_flags = text.ends_with("RUSTFLAGS");
        let is_wrapper = text.ends_with("_WRAPPER");
        if is_flags || is_wrapper || text.starts_with("CARGO_BUILD_") {
            command.env_remove(&name);
        }
    }
    // Its own lines are left out of every stack, so nobody reads them.
    for profile in ["DEV", "RELEASE"] {
        command.env(format!("CARGO_PROFILE_{profile}_STRIP"), "debuginfo");
    }
    command.arg("--target-dir").arg(folder).env("CARGO_BUILD_BUILD_DIR", folder);
    match command.output() {
        Ok(output) if output.status.success() => folder.join(target).join(profile).join(FILE),
        Ok(output) => fail(&format!(
            "the library for commands cannot be built; {READY} can name one that is built already. {}",
            String::from_utf8_lossy(&output.stderr).replace('\n', "; ")
        )),
        Err(error) => fail(&format!("Cargo cannot be started: {error}")),
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| fail(&format!("{name}: {error}")))
}

fn fail(why: &str) -> ! {
    println!("cargo::error={why}");
    std::process::exit(1)
}
