//! Builds the library that programs are given, so that this crate carries it as bytes.
//!
//! Cargo builds it from a package of its own, which is written to the output folder: it names the sources
//! in this package and in `aseqd-wire` by their folders, so nothing depends on where these packages came
//! from. All else that it needs are `libc` and `zerocopy`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The environment variable that names a library to take instead of building one.
const READY: &str = "ASEQD_PRELOAD_LIBRARY";
/// The file name that Cargo gives to the library.
const FILE: &str = "libaseqd_preload.so";
/// The glibc library that has `dlsym` before glibc 2.34, and that is empty since.
const LIBDL: &str = "libdl.so.2";
/// The condition under which the sources ask for the oldest `dlsym`.
const OLD_DLSYM: &str = "old_dlsym";

fn main() {
    let out = PathBuf::from(variable("OUT_DIR"));
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    for name in [READY, "DOCS_RS"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    println!("cargo::rustc-check-cfg=cfg({OLD_DLSYM})");
    for watched in ["build.rs", "library"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let carried = out.join(FILE);
    // Nobody runs what docs.rs builds, and the standard library of the target may not be there.
    if env::var_os("DOCS_RS").is_some() {
        fs::write(&carried, []).unwrap_or_else(|error| fail(&format!("{FILE}: {error}")));
        return;
    }
    let library = match env::var_os(READY) {
        Some(ready) => {
            println!("cargo::rerun-if-changed={}", Path::new(&ready).display());
            PathBuf::from(ready)
        }
        None => build(&here, &out.join("library")).unwrap_or_else(|why| fail(&why)),
    };
    if let Err(error) = fs::copy(&library, &carried) {
        fail(&format!("{} cannot be copied: {error}", library.display()));
    }
}

/// Builds the library in a folder, and returns its path.
///
/// The versions of `libc` and `zerocopy` are those of the nearest lock file if they are on this machine.
/// `cargo install` without `--locked` may have chosen newer ones for the program: then those that are on
/// this machine are taken, and only if there are none, the network is asked.
fn build(here: &Path, folder: &Path) -> Result<PathBuf, String> {
    let lock = here.ancestors().map(|folder| folder.join("Cargo.lock")).find(|lock| lock.is_file());
    if let Some(lock) = &lock {
        println!("cargo::rerun-if-changed={}", lock.display());
    }
    let build = |flags: &str| {
        package(here, folder, lock.as_deref())?;
        cargo(folder, flags, &["--offline"])
            .or_else(|_| {
                package(here, folder, None).and_then(|()| cargo(folder, flags, &["--offline"]))
            })
            .or_else(|_| {
                package(here, folder, lock.as_deref()).and_then(|()| cargo(folder, flags, &[]))
            })
    };
    match flags_for_old_glibc() {
        Some(flags) => build(&flags).or_else(|_| build("")),
        None => build(""),
    }
}

/// Returns flags of the compiler by which the library also works with a glibc that is older than this machine's.
///
/// All functions that the library imports are in glibc 2.17 in the version that linkers choose today, except `dlsym`, which
/// has got a new version in glibc 2.34. The old version is in `libdl.so.2` there, which the library must name: the linker
/// would leave it out, since it is empty today. Returns `None` if the C compiler does not know that file. A linker for an
/// old glibc, as for a release, does not, and needs no flags.
fn flags_for_old_glibc() -> Option<String> {
    let arch = variable("CARGO_CFG_TARGET_ARCH");
    if !["x86_64", "aarch64"].contains(&arch.as_str()) {
        return None;
    }
    let name = format!("CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_LINKER", arch.to_uppercase());
    let linker = env::var_os(name).unwrap_or_else(|| "cc".into());
    let asked = Command::new(linker).arg(format!("-print-file-name={LIBDL}")).output().ok()?;
    let path = String::from_utf8(asked.stdout).ok()?;
    // A compiler that does not find the file prints the name as it was given.
    let found = asked.status.success() && Path::new(path.trim()).is_absolute();
    let link = format!("-Clink-arg=-Wl,--no-as-needed,-l:{LIBDL}");
    found.then(|| format!("{link}\x1f--cfg={OLD_DLSYM}"))
}

/// Writes the library's package: a manifest, and a lock file to begin with.
fn package(here: &Path, folder: &Path, lock: Option<&Path>) -> Result<(), String> {
    let manifest = format!(
        r#"[package]
name = "aseqd-preload-library"
version = "{version}"
edition = "2024"

[lib]
name = "aseqd_preload"
path = {sources:?}
crate-type = ["cdylib"]

[dependencies]
aseqd-wire = {{ path = "wire" }}
libc = {{ version = "0.2", default-features = false }}
zerocopy = {{ version = "0.8", features = ["derive"] }}

# Nothing of it unwinds, and nothing of the standard library that it does not use is in it.
[profile.release]
panic = "abort"
lto = "fat"
codegen-units = 1
debug = false
strip = "debuginfo"

[lints.rust]
unsafe_code = "deny"

# It belongs to no workspace in whose folder it happens to be.
[workspace]
"#,
        version = variable("CARGO_PKG_VERSION"),
        sources = here.join("library/lib.rs"),
    );
    // Within the package's own folder, the paths of neither are part of any symbol. So the same sources give the same
    // library, wherever they are.
    let wire = format!(
        r#"[package]
name = "aseqd-wire"
version = "{version}"
edition = "2024"

[lib]
path = {sources:?}

[dependencies]
zerocopy = {{ version = "0.8", features = ["derive"] }}
"#,
        version = variable("CARGO_PKG_VERSION"),
        sources = Path::new(aseqd_wire::FOLDER).join("src/lib.rs"),
    );
    let locked = folder.join("Cargo.lock");
    let written = fs::create_dir_all(folder.join("wire"))
        .and_then(|()| fs::write(folder.join("Cargo.toml"), manifest))
        .and_then(|()| fs::write(folder.join("wire/Cargo.toml"), wire))
        .and_then(|()| match lock {
            Some(lock) => fs::copy(lock, &locked).map(drop),
            None if locked.exists() => fs::remove_file(&locked),
            None => Ok(()),
        });
    written.map_err(|error| format!("{}: {error}", folder.display()))
}

/// Builds the package in a folder with these flags of the compiler, and returns the path of the library.
fn cargo(folder: &Path, flags: &str, more: &[&str]) -> Result<PathBuf, String> {
    let target = format!("{}-unknown-linux-gnu", variable("CARGO_CFG_TARGET_ARCH"));
    let target_folder = folder.join("target");
    let mut command = Command::new(variable("CARGO"));
    command.args(["build", "--quiet", "--release", "--target", &target]).args(more);
    command.arg("--manifest-path").arg(folder.join("Cargo.toml"));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        // Flags are for the program: one that makes it static would spoil a library.
        let is_flags = text.ends_with("RUSTFLAGS");
        // What wraps the compiler is for the workspace: Clippy would only look.
        let is_wrapper = text.ends_with("_WRAPPER");
        let is_profile = text.starts_with("CARGO_PROFILE_");
        // The outer Cargo has locked its own folders; another target is the program's.
        let is_build = text.starts_with("CARGO_BUILD_");
        if is_flags || is_wrapper || is_profile || is_build {
            command.env_remove(&name);
        }
    }
    command.arg("--target-dir").arg(&target_folder).env("CARGO_BUILD_BUILD_DIR", &target_folder);
    if !flags.is_empty() {
        command.env("CARGO_ENCODED_RUSTFLAGS", flags);
    }
    match command.output() {
        Ok(output) if output.status.success() => {
            Ok(target_folder.join(target).join("release").join(FILE))
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
