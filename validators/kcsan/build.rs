//! Builds the runtime into one object that the programs of this crate carry.
//!
//! The object is a Rust library with everything that it needs, linked into one piece with all names but
//! the runtime's own made local: in the program that it ends up in, it meets nothing of the same name.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What programs may call; all other names are local.
const NAMES: [&str; 4] = ["__tsan_*", "__sanitizer_cov_*", "__kcsan_*", "kcsan_*_*"];

/// All code in one section, by whose ends the runtime knows its own frames; no bitcode, which another
/// LLVM than ours may come to read.
const SCRIPT: &str = "SECTIONS {
    kcsan_text : { *(.text .text.*) }
    /DISCARD/ : { *(.llvmbc) *(.llvmcmd) *(.debug_*) }
}
";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/runtime");
    println!("cargo::rerun-if-changed=src/layout.rs");
    println!("cargo::rerun-if-changed=src/marks.rs");
    println!("cargo::rerun-if-env-changed=KCSAN_RUNTIME");
    println!("cargo::rerun-if-changed=../kreport/src/print");
    if env::var_os("CARGO_FEATURE_PROGRAM").is_none() {
        return;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let archive = out.join("libkcsan.a");
    // Under `cargo kcsan` it is there.
    if let Some(runtime) = env::var_os("KCSAN_RUNTIME").map(PathBuf::from) {
        fs::copy(runtime.join("libkcsan.a"), &archive).expect("the runtime's archive");
        fs::copy(runtime.join("gcc/libtsan_preinit.o"), out.join("kcsan.o")).expect("its object");
        return;
    }
    let built = build(&out.join("runtime"));
    let (script, joined) = (out.join("join.ld"), out.join("kcsan.o"));
    fs::write(&script, SCRIPT).expect("the output folder can be written");
    let mut join = Command::new("ld");
    join.args(["-r", "--force-group-allocation", "-T"]).arg(&script).arg("-o").arg(&joined);
    run(join.arg("--whole-archive").arg(&built));
    let mut localise = Command::new("objcopy");
    localise.args(["--wildcard", "--strip-debug"]);
    for name in NAMES {
        localise.arg(format!("--keep-global-symbol={name}"));
    }
    run(localise.arg(&joined));
    let _ = fs::remove_file(&archive);
    run(Command::new("ar").arg("rcs").arg(&archive).arg(&joined));
}

/// The runtime as a static library of Rust.
fn build(target: &Path) -> PathBuf {
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    let here = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    cargo.current_dir(here).args(["rustc", "--package", "kcsan", "--lib", "--release"]);
    cargo.args(["--no-default-features", "--features", "runtime", "--crate-type", "staticlib"]);
    cargo.arg("--target-dir").arg(target);
    // Neither what instruments or lints the outer build, nor its profile, is for the runtime.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let is_profile = text.starts_with("CARGO_PROFILE_") || text.starts_with("CARGO_BUILD_");
        let is_flags = text.ends_with("RUSTFLAGS") || text.ends_with("_WRAPPER");
        // With the outer build's features set, the inner one would begin one of its own, without end.
        let is_feature = text.starts_with("CARGO_FEATURE_");
        let is_outer = ["RUSTC", "CARGO_TARGET_DIR"].contains(&&*text);
        if is_profile || is_flags || is_feature || is_outer {
            cargo.env_remove(&name);
        }
    }
    cargo.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_PANIC", "abort");
    cargo.env("CARGO_PROFILE_RELEASE_DEBUG", "none");
    // The runtime is on the stacks that it walks.
    cargo.env("RUSTFLAGS", "-Cforce-unwind-tables=yes");
    run(&mut cargo);
    target.join("release/libkcsan.a")
}

fn run(command: &mut Command) {
    let status = command.status();
    assert!(status.as_ref().is_ok_and(|status| status.success()), "{command:?}: {status:?}");
}
