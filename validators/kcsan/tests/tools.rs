//! Tests of `cargo kcsan` and `kcsan-cc`: what they compile, accept and print.

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use common::{
    C, Outcome, RUST, case, folder, has_nightly, run_command, rust_cases, rustc, until_found,
};
use object::{Object, ObjectSymbol};
use skip::skip;

/// Returns the functions of the runtime that an object calls.
fn calls(object: &Path) -> BTreeSet<String> {
    let bytes = std::fs::read(object).expect("an object");
    let file = object::File::parse(&*bytes).expect("an object");
    let undefined = file.symbols().filter(|symbol| symbol.is_undefined());
    let names = undefined.filter_map(|symbol| symbol.name().ok().map(str::to_owned));
    names.filter(|name| name.starts_with("__tsan_") || name.starts_with("__sanitizer_")).collect()
}

/// A source with every kind of access once.
const PROBE: &str = "
    use std::sync::atomic::{AtomicU32, Ordering};
    #[unsafe(no_mangle)] pub fn one(p: &mut u8) { *p = p.wrapping_add(1) }
    #[unsafe(no_mangle)] pub fn two(p: &mut u16) { *p = p.wrapping_add(1) }
    #[unsafe(no_mangle)] pub fn four(p: &mut u32) { *p = p.wrapping_add(1) }
    #[unsafe(no_mangle)] pub fn eight(p: &mut u64) { *p = p.wrapping_add(1) }
    #[unsafe(no_mangle)] pub fn load(p: &AtomicU32) -> u32 { p.load(Ordering::Acquire) }
    #[unsafe(no_mangle)] pub fn store(p: &AtomicU32) { p.store(1, Ordering::Release) }
    #[unsafe(no_mangle)] pub fn change(p: &AtomicU32) -> u32 { p.fetch_add(1, Ordering::AcqRel) }
    #[unsafe(no_mangle)] pub fn exchange(p: &AtomicU32) -> bool {
        p.compare_exchange(1, 2, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
    #[unsafe(no_mangle)] pub unsafe fn volatile(p: *const u32) -> u32 { unsafe { p.read_volatile() } }
    #[unsafe(no_mangle)] pub fn copy(a: &mut [u8], b: &[u8]) { a.copy_from_slice(b) }
";

fn probe(way: &str, level: &str) -> BTreeSet<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, object) = (folder.path().join("probe.rs"), folder.path().join("probe.o"));
    std::fs::write(&source, PROBE).expect("a file");
    let mut rustc = rustc(way);
    rustc.args(["--crate-type", "lib", "--crate-name", "probe", "--emit=obj"]);
    rustc.arg(format!("-Copt-level={level}")).arg("-o").arg(&object).arg(&source);
    run_command(&mut rustc);
    calls(&object)
}

#[track_caller]
fn has(calls: &BTreeSet<String>, names: &[&str]) {
    for name in names {
        assert!(calls.contains(*name), "the compiler makes a call of {name}: {calls:?}");
    }
}

const ATOMICS: [&str; 4] = [
    "__tsan_atomic32_load",
    "__tsan_atomic32_store",
    "__tsan_atomic32_fetch_add",
    "__tsan_atomic32_compare_exchange_val",
];

#[test]
fn the_stable_compiler_makes_the_calls() {
    for level in ["0", "2", "s"] {
        let calls = probe("stable", level);
        for size in [1, 2, 4, 8] {
            has(&calls, &[&format!("__sanitizer_cov_load{size}")]);
            has(&calls, &[&format!("__sanitizer_cov_store{size}")]);
        }
        has(&calls, &ATOMICS);
        // Each access makes one call: the other pass must leave plain ones alone.
        let twice =
            |name: &&String| name.starts_with("__tsan_read") || name.starts_with("__tsan_write");
        assert_eq!(calls.iter().find(twice), None);
    }
}

#[test]
fn the_nightly_compiler_makes_the_calls() {
    if !has_nightly() {
        skip("there is no nightly compiler");
        return;
    }
    let calls = probe("nightly", "2");
    has(&calls, &ATOMICS);
    has(
        &calls,
        &["__tsan_read_write1", "__tsan_read_write2", "__tsan_read_write4", "__tsan_read_write8"],
    );
    has(&calls, &["__tsan_volatile_read4", "__tsan_memcpy"]);
    let program = rust_cases("nightly", "1");
    until_found(
        &program,
        "counter",
        "",
        &["data-race in cases::add / cases::add", "read-write to 0x"],
    );
    let twin = case(&program, "no-counter", 60, "").output().expect("it runs");
    assert_eq!(Outcome::of(&twin).reports(), 0);
}

#[test]
fn the_c_compiler_makes_the_calls() {
    let object = folder().join("cases.o");
    let mut compiler = Command::new(env!("CARGO_BIN_EXE_kcsan-cc"));
    compiler.args(["-g", "-O1", "-c", "-o"]).arg(&object);
    run_command(compiler.arg(common::here().join("tests/programs/cases.c")));
    let calls = calls(&object);
    has(
        &calls,
        &["__tsan_read1", "__tsan_write2", "__tsan_write4", "__tsan_write8", "__tsan_write16"],
    );
    has(&calls, &["__tsan_volatile_read4", "__tsan_volatile_write4", "__tsan_atomic32_store"]);
    has(&calls, &["__tsan_read_range", "__tsan_write_range"]);
}

#[test]
fn a_program_of_several_objects_and_a_shared_library() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name);
    let library = "long shared_value; void bump(void) { shared_value++; }";
    let program = "#include <pthread.h>\nvoid bump(void);
        static void *run(void *p) { for (int i = 0; i < 3000000; i++) bump(); return p; }
        int main(void) { pthread_t t; pthread_create(&t, 0, run, 0); run(0); pthread_join(t, 0); }";
    std::fs::write(place("library.c"), library).expect("a file");
    std::fs::write(place("program.c"), program).expect("a file");
    let cc = |arguments: &[&str]| {
        let mut compiler = Command::new(env!("CARGO_BIN_EXE_kcsan-cc"));
        run_command(compiler.args(arguments).current_dir(folder.path()));
    };
    cc(&["-g", "-fPIC", "-shared", "-o", "libbump.so", "library.c"]);
    cc(&["-g", "-c", "program.c"]);
    cc(&["-g", "-o", "program", "program.o", "-L.", "-lbump", "-Wl,-rpath,$ORIGIN", "-pthread"]);
    let output = case(&place("program"), "", 0, "").output().expect("it runs");
    let outcome = Outcome::of(&output);
    assert!(outcome.text.contains("data-race in bump / bump"), "{}", outcome.text);
}

#[test]
fn a_clean_workspace_under_cargo_kcsan() {
    let package = tempfile::tempdir().expect("a folder");
    let (root, target) = (package.path(), package.path().join("target"));
    let manifest = format!(
        "[package]\nname = \"clean\"\nedition = \"2024\"\n[workspace]\n[dependencies]\nrtrb = \"0.4\"\n\
         kcsan = {{ path = {:?}, default-features = false }}\n",
        common::here()
    );
    for folder in ["src", "tests"] {
        std::fs::create_dir(root.join(folder)).expect("a folder");
    }
    std::fs::write(root.join("Cargo.toml"), manifest).expect("a file");
    std::fs::write(root.join("src/lib.rs"), "").expect("a file");
    std::fs::copy(common::here().join("tests/sync.rs"), root.join("tests/sync.rs"))
        .expect("a copy");
    std::fs::copy(common::here().join("../../Cargo.lock"), root.join("Cargo.lock"))
        .expect("a copy");
    let mut cargo = Command::new(env!("CARGO_BIN_EXE_cargo-kcsan"));
    cargo.args(["kcsan", "test", "--offline"]).current_dir(root);
    cargo.env("CARGO_TARGET_DIR", &target).env("KCSAN_OPTIONS", "skip=200 duty=60");
    let output = run_command(&mut cargo);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains("BUG:"), "{text}");
    let line = text.lines().find(|line| line.contains("watchpoints set")).expect("the summary");
    println!("std and rtrb: {line}");
    let set: u64 = line.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a number");
    assert!(set > 1000 && line.contains(" 0 reports "), "{line}");
    let tables = std::fs::read_dir(target.join("kcsan/stable")).expect("its own folder").flatten();
    let left = tables.filter(|entry| entry.file_name().to_string_lossy().starts_with("table-"));
    assert_eq!(left.count(), 0, "the table is gone");
}

#[test]
fn options() {
    // The value that is read is written again and again without a change.
    let twin = case(&RUST, "same-value", 100, "value_change_only=1").output().expect("it runs");
    assert_eq!(Outcome::of(&twin).reports(), 0, "nothing has changed");
    let twin = case(&RUST, "unknown", 100, "unknown_origin=0").output().expect("it runs");
    assert_eq!(Outcome::of(&twin).reports(), 0, "nobody was seen");
    let twin = case(&C, "long", 100, "plain_writes_atomic=1").output().expect("it runs");
    assert_eq!(Outcome::of(&twin).reports(), 0, "aligned writes are taken for marked ones");
    // The same pair of places is reported once, or every time.
    assert_eq!(until_found(&RUST, "same-value", "", &[]).reports(), 1);
    let often = case(&RUST, "same-value", 1000, "once_ms=0").output().expect("it runs");
    assert!(Outcome::of(&often).reports() > 1);
}

#[test]
fn suppressions() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("known.txt");
    let run = |pattern: &str| {
        std::fs::write(&file, format!("# known\n\n{pattern}\n")).expect("a file");
        let options = format!("suppressions={}", file.display());
        Outcome::of(&case(&RUST, "counter", 200, &options).output().expect("it runs")).reports()
    };
    for pattern in ["race:cases::add", "cases::*", "*add", "*cases.rs:*"] {
        assert_eq!(run(pattern), 0, "{pattern}");
    }
    std::fs::write(&file, "race:add\nother*\n").expect("a file");
    until_found(&RUST, "counter", &format!("suppressions={}", file.display()), &[]);
    let options = format!("suppressions={}/none", folder.path().display());
    let output = case(&RUST, "no-counter", 10, &options).output().expect("it runs");
    assert!(String::from_utf8_lossy(&output.stderr).contains("kcsan: suppressions: "));
}

#[test]
fn sinks_and_statuses() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("races.txt");
    let options = format!("exitcode=0 sink={}", file.display());
    let found = [200, 2000, 8000].into_iter().any(|milliseconds| {
        let output = case(&RUST, "counter", milliseconds, &options).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !text.contains("BUG:"), "{text}");
        std::fs::read_to_string(&file).is_ok_and(|text| text.contains("BUG: KCSAN: data-race in"))
    });
    assert!(found, "the reports are in the file");
    use std::os::unix::process::ExitStatusExt;
    let output = case(&RUST, "counter", 8000, "sink=panic").output().expect("it runs");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT));
    assert!(String::from_utf8_lossy(&output.stderr).contains("BUG: KCSAN: data-race in"));
}

#[test]
fn what_is_wrong_with_the_options_is_said() {
    let wrong = [
        ("skip", "\"skip\" has no '='"),
        ("skip=0", "\"skip=0\" is not a number from 1 to 2147483647"),
        ("duty=101", "\"duty=101\" is not a number from 1 to 100"),
        ("stats=yes", "\"stats=yes\" is neither 0 nor 1"),
        ("speed=1", "there is no option \"speed\""),
    ];
    for (word, sentence) in wrong {
        let output = case(&RUST, "no-counter", 1, word).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        assert!(text.contains(&format!("kcsan: KCSAN_OPTIONS: {sentence}\n")), "{text}");
    }
}

#[test]
fn help_names_every_option() {
    let tools = [env!("CARGO_BIN_EXE_cargo-kcsan"), env!("CARGO_BIN_EXE_kcsan-cc")];
    for program in tools.into_iter().chain([env!("CARGO_BIN_EXE_kcsan-cxx")]) {
        let output = run_command(Command::new(program).arg("--help"));
        let text = String::from_utf8_lossy(&output.stdout);
        let source =
            std::fs::read_to_string(common::here().join("src/runtime/options.rs")).expect("it");
        let names =
            source.split("fn set(").nth(1).expect("the function").lines().filter_map(|line| {
                line.trim().strip_prefix('"')?.split_once("\" =>").map(|(name, _)| name)
            });
        let mut count = 0;
        for name in names.filter(|name| !["stderr", "panic", "0", "1"].contains(name)) {
            assert!(text.contains(&format!("\n    {name}=")), "{program} --help has {name}");
            count += 1;
        }
        assert_eq!(count, 14);
        // Its commands can be copied.
        let cmake = "cmake -DCMAKE_C_COMPILER=kcsan-cc -DCMAKE_CXX_COMPILER=kcsan-c++ ..";
        assert!(text.contains(cmake) || program.ends_with("cargo-kcsan"), "{text}");
    }
}

#[test]
fn what_is_not_there_is_named() {
    let mut cc = Command::new(env!("CARGO_BIN_EXE_kcsan-cc"));
    let cc = cc.env("KCSAN_CC", "/nowhere/cc").output().expect("it runs");
    let text = String::from_utf8_lossy(&cc.stderr);
    assert_eq!(text, "kcsan-cc: KCSAN_CC=/nowhere/cc: No such file or directory\n");
    let mut cargo = Command::new(env!("CARGO_BIN_EXE_cargo-kcsan"));
    cargo.args(["kcsan", "test"]).env("CARGO", "/nowhere/cargo").env_remove("CARGO_TARGET_DIR");
    let cargo = cargo.output().expect("it runs");
    let text = String::from_utf8_lossy(&cargo.stderr);
    assert_eq!(text, "cargo kcsan: /nowhere/cargo: No such file or directory\n");
}
