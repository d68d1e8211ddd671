//! Builds the library that `run` loads into programs, so that the program carries it in itself.
//!
//! It is built for the C library of dynamic programs, glibc, also where the program itself is linked
//! statically. `ASEQD_PRELOAD_LIBRARY` names one that is built already.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names a library to take instead of building it.
const READY: &str = "ASEQD_PRELOAD_LIBRARY";
/// What Cargo calls it.
const FILE: &str = "libaseqd_preload.so";

fn main() {
    let out = PathBuf::from(variable("OUT_DIR"));
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let workspace = here.join("../..");
    println!("cargo::rerun-if-env-changed={READY}");
    for watched in
        ["crates/preload", "crates/abi/src", "crates/wire/src", "Cargo.toml", "Cargo.lock"]
    {
        println!("cargo::rerun-if-changed={}", workspace.join(watched).display());
    }
    let library = match env::var_os(READY) {
        Some(ready) => {
            println!("cargo::rerun-if-changed={}", Path::new(&ready).display());
            PathBuf::from(ready)
        }
        None => build(&workspace, &out.join("preload")),
    };
    let carried = out.join(FILE);
    if let Err(error) = std::fs::copy(&library, &carried) {
        fail(&format!("{} cannot be copied: {error}", library.display()));
    }
}

/// Builds it from the workspace's lock file. What that names is here already, unless `cargo install` has
/// chosen newer versions for the program: then the network is asked.
fn build(workspace: &Path, target_folder: &Path) -> PathBuf {
    let here = cargo(workspace, target_folder, &["--offline"]);
    here.or_else(|_| cargo(workspace, target_folder, &[])).unwrap_or_else(|why| fail(&why))
}

fn cargo(workspace: &Path, target_folder: &Path, more: &[&str]) -> Result<PathBuf, String> {
    let architecture = variable("CARGO_CFG_TARGET_ARCH");
    let target = format!("{architecture}-unknown-linux-gnu");
    let mut command = Command::new(variable("CARGO"));
    command
        .args(["build", "--quiet", "--locked", "--package", "aseqd-preload"])
        .args(more)
        .args(["--profile", "preload", "--target", &target, "--target-dir"])
        .arg(target_folder)
        .arg("--manifest-path")
        .arg(workspace.join("Cargo.toml"));
    // Flags are for the program: one that makes it static would spoil a library.
    for name in
        ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_BUILD_RUSTFLAGS"]
    {
        command.env_remove(name);
    }
    // What wraps the compiler is for the workspace: Clippy would only look.
    for name in ["RUSTC_WORKSPACE_WRAPPER", "RUSTC_WRAPPER"] {
        command.env_remove(name);
    }
    match command.output() {
        Ok(output) if output.status.success() => {
            Ok(target_folder.join(target).join("preload").join(FILE))
        }
        Ok(output) => Err(format!(
            "the library for programs cannot be built for {target}; {READY} can name one that is built \
             already. {}",
            String::from_utf8_lossy(&output.stderr).replace('\n', "; ")
        )),
        Err(error) => Err(format!("Cargo cannot be started: {error}")),
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| fail(&format!("{name}: {error}")))
}

fn fail(why: &str) -> ! {
    println!("cargo::error={why}");
    std::process::exit(1)
}
