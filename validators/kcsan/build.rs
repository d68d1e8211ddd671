//! Builds the runtime into one object, which the programs of this crate carry.
//!
//! The object is a Rust library linked with all its dependencies into one piece. Every name but the
//! runtime's own is local, so nothing in it collides with the program that it is linked into.

#[cfg(feature = "program")]
mod runtime {
    use std::env;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    /// The names that programs may call. All others become local.
    const NAMES: [&str; 5] =
        ["__tsan_*", "__sanitizer_cov_*", "__kcsan_*", "kcsan_*_*", "Annotate*"];

    /// The linker script. All code is in one section, whose ends tell the runtime which frames are its own.
    /// Bitcode is dropped, because the linker of the program may have another LLVM than ours.
    const SCRIPT: &str = "SECTIONS {
    kcsan_text : { *(.text .text.*) }
    /DISCARD/ : { *(.llvmbc) *(.llvmcmd) *(.debug_*) }
}
";

    /// Builds the runtime, or copies the one that `cargo kcsan` has built.
    pub(crate) fn make() {
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
        let archive = out.join("libkcsan.a");
        // `cargo kcsan` passes on the runtime that it carries.
        if let Some(runtime) = env::var_os("KCSAN_RUNTIME").map(PathBuf::from) {
            fs::copy(runtime.join("libkcsan.a"), &archive).expect("the runtime's archive");
            fs::copy(runtime.join("gcc/libtsan_preinit.o"), out.join("kcsan.o"))
                .expect("its object");
            return;
        }
        let built = build(&out.join("runtime"));
        let (script, joined) = (out.join("join.ld"), out.join("kcsan.o"));
        fs::write(&script, SCRIPT).expect("the output folder can be written");
        let mut join = tool("ld");
        join.args(["-r", "--force-group-allocation", "-T"]).arg(&script).arg("-o").arg(&joined);
        run(join.arg("--whole-archive").arg(&built));
        let mut localise = tool("objcopy");
        localise.args(["--wildcard", "--strip-debug"]);
        for name in NAMES {
            localise.arg(format!("--keep-global-symbol={name}"));
        }
        run(localise.arg(&joined));
        let _ = fs::remove_file(&archive);
        run(tool("ar").arg("rcs").arg(&archive).arg(&joined));
    }

    /// Returns the processor that the tools are built for, if this build script runs on another one.
    fn other_processor() -> Option<String> {
        let processor = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets it");
        let host = env::var("HOST").expect("cargo sets it");
        (host.split('-').next() != Some(processor.as_str())).then_some(processor)
    }

    /// Returns a tool of binutils.
    fn tool(name: &str) -> Command {
        Command::new(match other_processor() {
            Some(processor) => format!("{processor}-linux-gnu-{name}"),
            None => name.to_owned(),
        })
    }

    /// Copies a folder and all below it.
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("the output folder can be written");
        for entry in fs::read_dir(from).expect("the folder of the crate can be read") {
            let path = entry.expect("the folder of the crate can be read").path();
            let copied = to.join(path.file_name().expect("an entry has a name"));
            if path.is_dir() {
                copy(&path, &copied);
            } else {
                fs::copy(&path, &copied).expect("the output folder can be written");
            }
        }
    }

    /// Builds the runtime as a static library, by a cargo of its own.
    fn build(target: &Path) -> PathBuf {
        let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets it"));
        let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
        // A packaged crate has the manifest that it was made from beside its own.
        if here.join("Cargo.toml.orig").exists() {
            // Cargo writes the lock file, and a build script may write to its output folder only.
            let source = target.with_file_name("source");
            let _ = fs::remove_dir_all(&source);
            copy(&here, &source);
            // A workspace of its own, whichever one the output folder is in.
            let manifest = source.join("Cargo.toml");
            let text = fs::read_to_string(&manifest).expect("the manifest can be read");
            fs::write(&manifest, text + "\n[workspace]\n").expect("the manifest can be written");
            cargo.current_dir(source);
            // The same kreport as the outer build has, wherever cargo has that from.
            let patch = format!("patch.crates-io.kreport.path={:?}", kreport::SOURCE);
            cargo.arg("--config").arg(patch);
        } else {
            cargo.current_dir(here);
        }
        cargo.args(["rustc", "--package", "kcsan", "--lib", "--release"]);
        cargo.args(["--no-default-features", "--features", "runtime", "--crate-type", "staticlib"]);
        cargo.arg("--target-dir").arg(target);
        // The flags, wrappers and profile of the outer build may instrument it. They must not reach the runtime.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            let is_profile = text.starts_with("CARGO_PROFILE_") || text.starts_with("CARGO_BUILD_");
            let is_flags = text.ends_with("RUSTFLAGS") || text.ends_with("_WRAPPER");
            // With the outer build's features, the inner build would start another one, without end.
            let is_feature = text.starts_with("CARGO_FEATURE_");
            let is_outer = ["RUSTC", "CARGO_TARGET_DIR"].contains(&&*text);
            if is_profile || is_flags || is_feature || is_outer {
                cargo.env_remove(&name);
            }
        }
        cargo.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_PANIC", "abort");
        cargo.env("CARGO_PROFILE_RELEASE_DEBUG", "none");
        // The runtime is on the stacks that it walks, so it needs unwind tables.
        let mut flags = vec!["-Cforce-unwind-tables=yes".to_owned()];
        // Flags that say how paths of this machine are written hold for the runtime too.
        let outer = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
        let remaps = outer.split('\x1f').filter(|flag| flag.starts_with("--remap-path-prefix="));
        flags.extend(remaps.map(str::to_owned));
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        let mut folder = target.to_owned();
        if let Some(processor) = other_processor() {
            let target = format!("{processor}-unknown-linux-gnu");
            folder.push(&target);
            cargo.arg("--target").arg(target);
        }
        run(&mut cargo);
        folder.join("release/libkcsan.a")
    }

    fn run(command: &mut Command) {
        let status = command.status();
        assert!(status.as_ref().is_ok_and(|status| status.success()), "{command:?}: {status:?}");
    }
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/runtime");
    println!("cargo::rerun-if-changed=src/layout.rs");
    println!("cargo::rerun-if-changed=src/reason.rs");
    println!("cargo::rerun-if-changed=src/marks.rs");
    println!("cargo::rerun-if-env-changed=KCSAN_RUNTIME");
    // A change of kreport makes Cargo build this script anew and run it.
    #[cfg(feature = "program")]
    runtime::make();
}
