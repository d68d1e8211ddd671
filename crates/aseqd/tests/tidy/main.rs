//! Checks of the source tree: arrows between crates, rooms of unsafe code, the map, lengths, manifests, links.

mod documents;
mod length;
mod manifests;
mod map;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders whose folders are the crates of the workspace.
const MEMBERS: &[&str] = &["crates", "validators", "tests", "examples"];

/// The crates that each crate may use. A crate that is not in this list fails.
const ARROWS: &[(&str, &[&str])] = &[
    ("crates/abi", &[]),
    ("crates/describe", &["aseqd-abi"]),
    ("crates/engine", &["aseqd-abi", "aseqd-midi"]),
    ("crates/chardev", &[]),
    ("crates/midi", &["aseqd-abi"]),
    ("crates/recording", &["aseqd-engine"]),
    (
        "crates/replay",
        &[
            "aseqd-abi",
            "aseqd-client",
            "aseqd-describe",
            "aseqd-engine",
            "aseqd-midi",
            "aseqd-recording",
            "aseqd-smf",
        ],
    ),
    ("crates/rules", &["aseqd-abi", "aseqd-selector"]),
    ("crates/selector", &["aseqd-abi"]),
    ("crates/smf", &[]),
    ("crates/host", &["aseqd-abi", "aseqd-client"]),
    ("crates/wire", &[]),
    ("crates/client", &["aseqd-abi", "aseqd-selector", "aseqd-wire"]),
    ("crates/console", &["aseqd-client", "aseqd-host"]),
    (
        "crates/server",
        &[
            "aseqd-abi",
            "aseqd-client",
            "aseqd-describe",
            "aseqd-engine",
            "aseqd-host",
            "aseqd-preload",
            "aseqd-recording",
            "aseqd-wire",
            "chardev",
            "lockdep",
        ],
    ),
    (
        "crates/tools",
        &[
            "aseqd-abi",
            "aseqd-client",
            "aseqd-console",
            "aseqd-engine",
            "aseqd-host",
            "aseqd-midi",
            "aseqd-recording",
            "aseqd-replay",
            "aseqd-rules",
            "aseqd-smf",
        ],
    ),
    ("crates/bench", &["aseqd-abi", "aseqd-client", "aseqd-console", "aseqd-engine", "aseqd-host"]),
    (
        "crates/aseqd",
        &[
            "aseqd-abi",
            "aseqd-bench",
            "aseqd-client",
            "aseqd-console",
            "aseqd-engine",
            "aseqd-host",
            "aseqd-server",
            "aseqd-tools",
            "aseqd-web",
            "aseqd-wire",
            "chardev",
            "lockdep",
            "vtime",
        ],
    ),
    (
        "crates/web",
        &[
            "aseqd-abi",
            "aseqd-client",
            "aseqd-console",
            "aseqd-host",
            "aseqd-midi",
            "aseqd-rules",
            "aseqd-smf",
            "aseqd-tools",
        ],
    ),
    ("crates/preload", &["aseqd-wire"]),
    (
        "crates/testing",
        &[
            "aseqd",
            "aseqd-client",
            "aseqd-engine",
            "aseqd-midi",
            "aseqd-server",
            "aseqd-testing-macros",
        ],
    ),
    ("crates/testing-macros", &[]),
    ("crates/vtime", &[]),
    ("validators/kcsan", &["kreport"]),
    ("validators/kreport", &[]),
    ("validators/lockdep", &["kreport"]),
    ("validators/lockdep-parking_lot", &["lockdep"]),
    ("validators/lockdep-preload", &["lockdep"]),
    ("validators/lockdep-run", &["kreport", "lockdep"]),
    ("validators/lockdep-std", &["lockdep"]),
    ("examples/rust", &["aseqd-client", "aseqd-server", "chardev"]),
    ("tests/conformance", &["aseqd-abi", "aseqd-wire"]),
    ("tests/container", &[]),
    ("tests/kcsan-bench", &["aseqd-abi", "aseqd-engine"]),
    ("tests/kcsan-table", &[]),
    ("tests/lockdep-probe", &["lockdep"]),
    ("tests/models", &["lockdep"]),
    (
        "tests/seqfuzz",
        &["aseqd-abi", "aseqd-describe", "aseqd-engine", "aseqd-server", "aseqd-wire", "kreport"],
    ),
    ("tests/skip", &[]),
    // The program uses the first two, its test the others.
    ("tests/ump-matrix", &["aseqd-abi", "aseqd-client", "aseqd-engine", "aseqd-server"]),
    ("tests/validators-table", &["lockdep"]),
    ("tests/yardsticks", &["skip"]),
];

/// The files that may have unsafe code.
const UNSAFE_ROOMS: &[&str] = &[
    "crates/preload/library/connection.rs",
    "crates/preload/library/exchange.rs",
    "crates/preload/library/exports/descriptors.rs",
    "crates/preload/library/exports/folders.rs",
    "crates/preload/library/exports/io.rs",
    "crates/preload/library/exports/mod.rs",
    "crates/preload/library/exports/open.rs",
    "crates/preload/library/exports/sockets.rs",
    "crates/preload/library/exports/stat.rs",
    "crates/preload/library/exports/stdio.rs",
    "crates/preload/library/next.rs",
    "crates/preload/library/paths.rs",
    "crates/preload/library/pool.rs",
    "crates/preload/library/sys.rs",
    "crates/host/src/process.rs",
    "crates/client/src/ioctl.rs",
    "crates/testing/src/device/before_main.rs",
    "crates/host/src/memory.rs",
    "crates/host/src/peer.rs",
    "crates/bench/src/peer/library.rs",
    "crates/host/src/realtime.rs",
    "crates/host/src/seccomp.rs",
    "crates/vtime/src/filter.rs",
    "crates/vtime/src/memory.rs",
    "crates/vtime/src/start.rs",
    "crates/vtime/src/sys.rs",
    "tests/conformance/src/sys.rs",
    "tests/container/src/bin/probe.rs",
    "tests/container/src/sys.rs",
    "tests/kcsan-table/src/races/cases/uninstrumented.rs",
    "tests/kcsan-table/src/races/processes.rs",
    "tests/kcsan-table/src/races/tool.rs",
    "tests/lockdep-probe/src/raw.rs",
    "tests/seqfuzz/src/cover.rs",
    "tests/seqfuzz/src/memory.rs",
    "tests/seqfuzz/src/sys.rs",
    "tests/seqfuzz/src/sys/cancel.rs",
    "tests/seqfuzz/src/sys/memory.rs",
    "tests/validators-table/src/main.rs",
    "validators/kcsan/examples/counter.rs",
    "validators/kcsan/examples/seed2.rs",
    "validators/kcsan/examples/two_processes.rs",
    "validators/kcsan/src/marks.rs",
    "validators/kcsan/src/runtime/alloc.rs",
    "validators/kcsan/src/runtime/api.rs",
    "validators/kcsan/src/runtime/atomics.rs",
    "validators/kcsan/src/runtime/code.rs",
    "validators/kcsan/src/runtime/entry.rs",
    "validators/kcsan/src/runtime/heat.rs",
    "validators/kcsan/src/runtime/memory.rs",
    "validators/kcsan/src/runtime/output.rs",
    "validators/kcsan/src/runtime/print.rs",
    "validators/kcsan/src/runtime/region.rs",
    "validators/kcsan/src/runtime/setup.rs",
    "validators/kcsan/src/runtime/stack.rs",
    "validators/kcsan/src/runtime/thread.rs",
    "validators/kcsan/src/runtime/watch.rs",
    "validators/lockdep-preload/src/callbacks.rs",
    "validators/lockdep-preload/src/calls.rs",
    "validators/lockdep-preload/src/create.rs",
    "validators/lockdep-preload/src/errno.rs",
    "validators/lockdep-preload/src/exports.rs",
    "validators/lockdep-preload/src/functions.rs",
    "validators/lockdep-preload/src/functions/entry.rs",
    "validators/lockdep-preload/src/functions/loading.rs",
    "validators/lockdep-preload/src/functions/objects.rs",
    "validators/lockdep-preload/src/locks.rs",
    "validators/lockdep-preload/src/lookups.rs",
    "validators/lockdep-preload/src/memory.rs",
    "validators/lockdep-preload/src/next.rs",
    "validators/lockdep-preload/src/realtime.rs",
    "validators/lockdep-preload/src/requests.rs",
    "validators/lockdep-preload/src/sections.rs",
    "validators/lockdep-preload/src/signals.rs",
    "validators/lockdep-preload/src/start.rs",
    "validators/lockdep-preload/src/threads.rs",
    "validators/lockdep/src/alloc.rs",
    "validators/lockdep/src/lock/rwlock.rs",
    "validators/lockdep/src/lock/spin.rs",
    "validators/lockdep/src/parking_lot/arc.rs",
    "validators/lockdep/src/parking_lot/condvar.rs",
    "validators/lockdep/src/parking_lot/fair_mutex.rs",
    "validators/lockdep/src/parking_lot/mutex.rs",
    "validators/lockdep/src/parking_lot/raw.rs",
    "validators/lockdep/src/parking_lot/raw_rwlock.rs",
    "validators/lockdep/src/parking_lot/reentrant.rs",
    "validators/lockdep/src/parking_lot/rwlock.rs",
    "validators/lockdep/src/parking_lot/wrapper.rs",
    "validators/lockdep/src/session/writer.rs",
    "validators/lockdep/src/stack.rs",
    "validators/lockdep/src/context/static_tls.rs",
    "validators/lockdep/src/sud.rs",
    "validators/lockdep/src/unwind.rs",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Adds every file below a folder, except build output.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target" && name != ".git") {
                files(&path, found);
            }
        } else {
            found.push(path);
        }
    }
}

fn rust_files() -> Vec<(String, String)> {
    let root = root();
    let mut found = Vec::new();
    for folder in MEMBERS {
        files(&root.join(folder), &mut found);
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    found.sort();
    let name = |path: &Path| path.strip_prefix(&root).expect("below").display().to_string();
    found.iter().map(|path| (name(path), read(path))).collect()
}

#[test]
fn crates_use_only_what_is_below_them() {
    let root = root();
    let below = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(root.join(folder)).expect("a folder of crates").flatten();
        let crates = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
        crates.map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy())).collect()
    };
    let crates: BTreeSet<String> = MEMBERS.iter().flat_map(|folder| below(folder)).collect();
    let listed: BTreeSet<String> = ARROWS.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(crates, listed, "the crates of the workspace are those of the list");
    // The name is that of `[package]`.
    let name_of = |path: &str| -> String {
        let manifest = read(&root.join(path).join("Cargo.toml"));
        let line = manifest.lines().find_map(|line| line.strip_prefix("name = \""));
        line.and_then(|line| line.split('"').next()).expect("a name").to_owned()
    };
    let names: Vec<String> = ARROWS.iter().map(|(path, _)| name_of(path)).collect();
    for (path, allowed) in ARROWS {
        let used = dependencies(&read(&root.join(path).join("Cargo.toml")));
        for other in names.iter().filter(|name| used.contains(*name)) {
            assert!(allowed.contains(&other.as_str()), "{path} must not use {other}");
        }
    }
}

/// Returns the names of the crates that a crate and its build script depend on. Those of its tests are left out: tests
/// may use what they like.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(head) = line.strip_prefix('[') {
            let head = head.trim_end_matches(']');
            let mut parts = head.rsplit('.');
            let last = parts.next().unwrap_or_default();
            inside = ["dependencies", "build-dependencies"].contains(&last);
            // A dependency may have a section of its own.
            if ["dependencies", "build-dependencies"].contains(&parts.next().unwrap_or_default()) {
                found.insert(last.trim_matches('"').to_owned());
                inside = true;
            }
        } else if inside {
            let key = line.split(['.', ' ', '=']).next().unwrap_or_default();
            found.insert(key.trim_matches('"').to_owned());
            // Under another name, it says which crate it is.
            let package = line.split("package").nth(1).and_then(|rest| rest.split('"').nth(1));
            found.extend(package.map(str::to_owned));
        }
    }
    found
}

#[test]
fn a_planted_arrow_is_found() {
    for manifest in [
        "[package]\nname = \"x\"\n\n[dependencies]\nengine.workspace = true",
        "[dependencies]\nengine = { path = \"../engine\" }\n\n[lints]\nworkspace = true",
        "[dependencies]\nother = { package = \"engine\", path = \"../engine\" }",
        "[dependencies.engine]\nworkspace = true",
        "[build-dependencies]\nengine.workspace = true",
        "[target.'cfg(unix)'.dependencies]\nengine.workspace = true",
        "[target.\"cfg(unix)\".dependencies.engine]\nworkspace = true",
    ] {
        assert!(dependencies(manifest).contains("engine"), "{manifest}");
    }
    for manifest in [
        "[package]\nname = \"engine\"",
        "[dependencies]\n# engine.workspace = true\nengine-x.workspace = true",
        "[dev-dependencies]\nengine.workspace = true",
        "[dev-dependencies.engine]\nworkspace = true",
        "[dependencies]\n\n[features]\nengine = []",
    ] {
        assert!(!dependencies(manifest).contains("engine"), "{manifest}");
    }
}

#[test]
fn unsafe_code_is_in_its_rooms() {
    let words = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"];
    for (name, text) in rust_files().iter().filter(|(name, _)| !name[1..].contains("/tests/")) {
        let found = text.lines().position(|line| {
            !line.trim_start().starts_with("//") && words.iter().any(|word| line.contains(word))
        });
        if let Some(line) = found {
            assert!(UNSAFE_ROOMS.contains(&name.as_str()), "{name}:{}: unsafe code", line + 1);
        }
    }
    let architecture = read(&root().join("ARCHITECTURE.md"));
    for room in UNSAFE_ROOMS {
        assert!(architecture.contains(room), "ARCHITECTURE.md lists {room}");
    }
}

#[test]
fn the_pure_crates_say_so() {
    for name in ["abi", "describe", "engine", "midi", "wire"] {
        let lib = read(&root().join("crates").join(name).join("src/lib.rs"));
        assert!(lib.contains("#![forbid(unsafe_code)]"), "{name} forbids unsafe code");
        assert!(lib.contains("#![no_std]"), "{name} is no_std");
    }
    for name in ["crates/smf", "validators/kreport"] {
        let lib = read(&root().join(name).join("src/lib.rs"));
        assert!(lib.contains("#![forbid(unsafe_code)]"), "{name} forbids unsafe code");
    }
}

#[test]
fn the_engine_does_no_io() {
    for (name, text) in rust_files() {
        let pure = name.starts_with("crates/engine/src/") && !name.ends_with("/tests.rs");
        if !pure {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in ["std::", "SystemTime", "Instant::now", "HashMap", "println!"] {
            let found = code
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(word));
            assert!(!found, "{name} has {word}");
        }
    }
}

#[test]
fn nothing_is_left_over() {
    // The markers are put together here, so that this file does not contain them.
    let markers =
        [["FIX", "ME"], ["XX", "X"], ["todo", "!("], ["unimplemented", "!("], ["dbg", "!("]];
    for (name, text) in rust_files() {
        for marker in &markers {
            assert!(!text.contains(&marker.concat()), "{name} has {}", marker.concat());
        }
    }
}

/// A test that prints a skip and does not call `skip::skip` would count as passed.
#[test]
fn every_skip_is_counted() {
    let printed = ["println!(\"skip", "println!(\"SKIP"];
    for (name, text) in rust_files().iter().filter(|(name, _)| !name.starts_with("tests/skip/")) {
        let found = text.lines().position(|line| {
            printed.iter().any(|words| line.contains(words))
                && !name.ends_with("tests/tidy/main.rs")
        });
        assert_eq!(found.map(|line| line + 1), None, "{name} prints a skip: call skip::skip");
    }
}

/// Each row of the table in `docs/limits.md` names a constant and its file.
#[test]
fn the_limits_are_where_their_table_says() {
    let table = fs::read_to_string(root().join("docs/limits.md")).expect("the table");
    let mut file = String::new();
    let mut rows = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(2) {
        let place = row.trim_end_matches(" |").rsplit(" | ").next().expect("a cell");
        let mut names = place.split('`').skip(1).step_by(2);
        let constant = names.next().unwrap_or_else(|| panic!("no constant: {row}"));
        if let Some(named) = names.next() {
            named.clone_into(&mut file);
        }
        let text =
            fs::read_to_string(root().join(&file)).unwrap_or_else(|_| panic!("{file}: {row}"));
        assert!(text.contains(&format!("const {constant}: ")), "{constant} in {file}");
        rows += 1;
    }
    assert!(rows > 10, "{rows} rows");
}
