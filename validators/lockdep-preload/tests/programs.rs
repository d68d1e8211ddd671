//! C programs under the library. Each defect is reported, and its twin without the defect is silent.

#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("preload");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
});

/// Builds the library and returns its path.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let me = std::env::current_exe().expect("this program");
    let target = me.ancestors().nth(3).expect("a target folder").to_owned();
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "lockdep-preload", "--target-dir"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the library builds");
    target.join("debug/liblockdep_preload.so")
});

static CASES: LazyLock<PathBuf> = LazyLock::new(|| compile("tests/c/cases.c", "cases"));
static SEED1: LazyLock<PathBuf> = LazyLock::new(|| compile("../lockdep/examples/seed1.c", "seed1"));

fn compile(source: &str, name: &str) -> PathBuf {
    compile_with(source, name, &[])
}

fn compile_with(source: &str, name: &str, flags: &[&str]) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = FOLDER.join(name);
    let status = Command::new("cc")
        .args(["-g", "-O1", "-fno-builtin", "-Wall", "-Werror", "-pthread", "-I"])
        .arg(here)
        .arg("-o")
        .arg(&program)
        .arg(here.join(source))
        .args(flags)
        .status()
        .expect("a C compiler");
    assert!(status.success(), "{source} compiles");
    program
}

/// Returns the reports of a program with an argument.
fn run(program: &Path, word: &str, environment: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let output = Command::new(program)
        .arg(word)
        .env("LD_PRELOAD", &*LIBRARY)
        .env("LOCKDEP_LOG", &log)
        .envs(environment.iter().copied())
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{word}: {output:?}");
    let found = std::fs::read_to_string(log).unwrap_or_default();
    for own in ["unknown", "lockdep-preload/src/", "lockdep_preload", "lockdep_call"] {
        assert!(
            !found.contains(own),
            "{word}: reports show code of the library, or none:\n{found}"
        );
    }
    found
}

fn defect_and_twin(word: &str, titles: &[&str]) {
    let found = run(&CASES, word, &[]);
    let mut rest = found.as_str();
    for title in titles {
        let Some((_, behind)) = rest.split_once(title) else {
            panic!("{title:?} in the reports of {word}:\n{found}");
        };
        rest = behind;
    }
    assert_eq!(run(&CASES, &format!("no-{word}"), &[]), "", "the twin of {word}");
}

#[test]
fn an_inversion() {
    defect_and_twin("inversion", &["WARNING: possible circular locking dependency detected"]);
}

#[test]
fn two_locks_of_one_line_nested() {
    defect_and_twin("recursion", &["WARNING: possible recursive locking detected"]);
}

#[test]
fn a_writer_that_takes_its_lock_again() {
    let happened = "Happened: this thread takes &lock.";
    let recursive = "WARNING: possible recursive locking detected";
    let refused = "lockdep: the call fails with EDEADLK.";
    // For writing, and then for reading.
    defect_and_twin("written-again", &[happened, recursive, refused, happened, recursive, refused]);
    assert!(!run(&CASES, "written-again", &[]).contains("Happens now"), "nothing waits");
}

#[test]
fn a_reader_that_reads_again_where_writers_go_first() {
    defect_and_twin(
        "read-again",
        &[
            "Did not happen, can happen: a deadlock, because this thread reads",
            "WARNING: possible recursive locking detected",
        ],
    );
}

#[test]
fn an_unlock_too_many() {
    defect_and_twin("balance", &["WARNING: bad unlock balance detected!"]);
}

#[test]
fn a_held_lock_freed() {
    defect_and_twin("freed", &["WARNING: held lock freed!"]);
}

#[test]
fn a_blocking_call_in_a_callback() {
    defect_and_twin("sleep", &["BUG: sleeping function called from invalid context at "]);
}

#[test]
fn malloc_in_a_callback() {
    defect_and_twin("malloc", &["BUG: sleeping function called from invalid context at "]);
}

#[test]
fn a_mutex_inside_a_spin_lock() {
    defect_and_twin(
        "wait-context",
        &["BUG: sleeping function called from", "[ BUG: Invalid wait context ]"],
    );
}

#[test]
fn a_spin_lock_inside_and_outside_of_a_callback() {
    defect_and_twin("inconsistent", &["inconsistent {IN-HARDIRQ-W} -> {HARDIRQ-ON-W} usage."]);
}

#[test]
fn a_request_that_keeps_a_lock() {
    defect_and_twin("leaving", &["WARNING: lock held when returning to user space!"]);
}

#[test]
fn locks_that_a_wrapper_initialises() {
    defect_and_twin("wrapped", &["WARNING: possible recursive locking detected"]);
}

#[test]
fn a_thread_that_ends_with_a_lock() {
    defect_and_twin("exit", &["WARNING: lock held when returning to user space!"]);
}

#[test]
fn a_lock_after_it_was_destroyed() {
    defect_and_twin("destroyed", &["WARNING: lock used after it was destroyed in main"]);
}

#[test]
fn malloc_in_a_signal_handler() {
    defect_and_twin("signal", &["WARNING: malloc called in a signal handler in on_signal"]);
}

#[test]
fn a_wait_for_a_condition_with_another_lock() {
    defect_and_twin("waiting", &["WARNING: wait for a condition with another lock held in main"]);
}

#[test]
fn a_fork_with_a_lock() {
    defect_and_twin("fork", &["WARNING: fork with a lock held in main"]);
}

#[test]
fn an_attempt_in_a_callback_to_take_what_others_wait_for() {
    defect_and_twin("trylock", &["WARNING: trylock of a lock that others wait for in main"]);
}

#[test]
fn standard_output_under_a_spin_lock() {
    defect_and_twin("stdio", &["BUG: sleeping function called from invalid context at "]);
}

#[test]
fn locks_with_a_time() {
    defect_and_twin("timed", &["WARNING: bad unlock balance detected!"]);
}

#[test]
fn a_robust_lock_whose_holder_has_ended_is_taken() {
    let found = run(&CASES, "robust", &[]);
    let ends = found.matches("WARNING: lock held when returning to user space!").count();
    assert!(ends > 0, "the thread that ends: {found}");
    assert_eq!(found.matches("WARNING: ").count(), ends, "and nothing else: {found}");
}

#[test]
fn a_call_that_is_refused_takes_nothing() {
    defect_and_twin("refused", &["WARNING: bad unlock balance detected!"]);
}

#[test]
fn a_cancelled_wait_for_a_condition_leaves_the_lock_to_the_cleanup_handler() {
    defect_and_twin("cancelled", &["WARNING: bad unlock balance detected!"]);
}

#[test]
fn a_lock_that_is_busy_is_not_destroyed() {
    defect_and_twin("busy", &["WARNING: lock used after it was destroyed in pair"]);
}

#[test]
fn a_recursive_mutex_may_be_taken_again() {
    assert_eq!(run(&CASES, "recursive-mutex", &[]), "");
}

#[test]
fn an_unmodified_thread_between_two_waits() {
    let audio = [("LOCKDEP_ATOMIC_THREADS", "audio-*")];
    for word in ["malloc-between-waits", "mutex-between-waits"] {
        let found = run(&CASES, word, &audio);
        assert!(found.contains("BUG: sleeping function called from invalid context"), "{found}");
        assert!(found.contains("name: audio-cb"), "{found}");
        assert_eq!(run(&CASES, word, &[]), "", "not without the name");
        let other = [("LOCKDEP_ATOMIC_THREADS", "video,audi")];
        assert_eq!(run(&CASES, word, &other), "", "not with other names");
    }
    assert_eq!(run(&CASES, "nothing-between-waits", &audio), "");
}

#[test]
fn a_thread_with_the_number_of_a_real_time_thread_that_has_ended() {
    defect_and_twin("after-real-time", &["BUG: sleeping function called from invalid context at "]);
}

#[test]
fn sections_take_no_memory_each_time() {
    assert_eq!(run(&CASES, "sections", &[]), "");
}

#[test]
fn a_thread_that_waits_at_many_places_takes_little_memory() {
    assert_eq!(run(&CASES, "places", &[]), "");
}

#[test]
fn the_model_of_the_kernels_bug() {
    // The kernel reports sleeping at most once a second.
    let found = run(&SEED1, "bug", &[("LOCKDEP_SLEEP_INTERVAL", "1")]);
    let titles = [
        "BUG: sleeping function called from invalid context at ",
        "WARNING: inconsistent lock state",
        "raw_local_irq_restore() called with IRQs enabled",
    ];
    let places: Vec<usize> =
        titles.iter().map(|title| found.find(title).unwrap_or_else(|| panic!("{found}"))).collect();
    assert!(places.is_sorted(), "in the kernel's order");
    let heads = found.matches("BUG: ").count() + found.matches("WARNING: ").count();
    assert_eq!(heads, 3, "three and no more: {found}");
    assert_eq!(run(&SEED1, "fixed", &[]), "");
}

/// Runs a program and fails if it does not end in a minute.
fn ends(program: &Path, arguments: &[PathBuf]) -> (String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let output = Command::new("timeout")
        .arg("--signal=KILL")
        .arg("60")
        .arg(program)
        .args(arguments)
        .env("LD_PRELOAD", &*LIBRARY)
        .env("LOCKDEP_LOG", &log)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (said, std::fs::read_to_string(log).unwrap_or_default())
}

#[test]
fn a_destructor_of_a_plug_in_waits_for_a_thread() {
    let loader = compile("tests/c/loader.c", "loader");
    let flags = ["-shared", "-fPIC", "-DPLUGIN"];
    let plugin = compile_with("tests/c/loader.c", "plugin.so", &flags);
    let (said, found) = ends(&loader, &[plugin]);
    assert_eq!(said, "done\n");
    assert!(found.contains("BUG: sleeping function called from invalid context at"), "{found}");
}

#[test]
fn a_thread_is_older_than_many_libraries_with_thread_local_variables() {
    let loader = compile("tests/c/loader.c", "loader-of-many");
    let flags = ["-shared", "-fPIC", "-DTLS"];
    let first = compile_with("tests/c/loader.c", "tls-0.so", &flags);
    let copy = |number: u32| {
        let copy = FOLDER.join(format!("tls-{number}.so"));
        std::fs::copy(&first, &copy).expect("a copy");
        copy
    };
    // glibc has room for 14 more than at the start.
    let many: Vec<PathBuf> = (1..40).map(copy).collect();
    assert_eq!(ends(&loader, &many), ("done\n".to_owned(), String::new()));
}

#[test]
fn a_callback_is_a_section_wherever_it_is_registered() {
    let flags = ["-shared", "-fPIC", "-DLIBRARY"];
    let library = compile_with("tests/c/registrations.c", "libregistrations.so", &flags);
    let library = library.to_str().expect("a path");
    let program = compile_with("tests/c/registrations.c", "registrations", &[library]);
    for call in [
        "Pa_OpenStream",
        "Pa_OpenDefaultStream",
        "snd_async_add_pcm_handler",
        "SDL_OpenAudioDevice",
        "SDL_OpenAudio",
        "jack_set_process_callback",
        "pw_stream_add_listener",
        "pw_stream_new_simple",
        "pw_filter_add_listener",
        "pw_filter_new_simple",
    ] {
        let found = run(&program, call, &[]);
        assert!(found.contains("lockdep: malloc() "), "{call}: {found}");
        assert!(found.contains(" allocates+"), "{call}: {found}");
        assert!(!found.contains("on_other_stream+"), "{call}: {found}");
        if call.starts_with("pw_") {
            // Without the flag, PipeWire runs it in the program's main loop.
            assert_eq!(run(&program, &format!("no-{call}"), &[]), "", "{call}");
        }
    }
}

/// Returns the places in the reports of a program at which interrupts were last switched on and off, without addresses.
fn switches(found: &str) -> Vec<(String, String)> {
    let places = |what: &str| {
        let lines = found.lines().filter(|line| line.starts_with(what)).map(|line| {
            let (_, place) = line.split_once(">] ").unwrap_or_else(|| panic!("{line}"));
            let (symbol, line) = place.split_once(' ').unwrap_or((place, ""));
            let line = line.rsplit('/').next().unwrap_or_default();
            format!("{} {line}", symbol.split('+').next().unwrap_or_default()).trim().to_owned()
        });
        lines.collect::<Vec<_>>()
    };
    let mut all: Vec<(String, String)> = places("hardirqs last  enabled")
        .into_iter()
        .zip(places("hardirqs last disabled"))
        .collect();
    // malloc and free make a report each.
    all.dedup();
    all
}

#[test]
fn interrupts_are_switched_where_the_program_does_it() {
    let flags = ["-shared", "-fPIC", "-DLIBRARY"];
    let library = compile_with("tests/c/registrations.c", "libcallbacks.so", &flags);
    let library = library.to_str().expect("a path");
    let program = compile_with("tests/c/places.c", "places", &["-O2", library]);
    let source = include_str!("c/places.c");
    let at = |function: &str, comment: &str| {
        let is_it = |line: &str| line.ends_with(&format!("/* {comment} */"));
        let line = source.lines().position(is_it).unwrap_or_else(|| panic!("{comment}")) + 1;
        format!("{function} places.c:{line}")
    };
    let never = || "0x0".to_owned();
    assert_eq!(
        switches(&run(&program, "marks", &[])),
        [
            (never(), at("marks", "enters")),
            (at("marks", "leaves"), at("marks", "saves")),
            (at("marks", "restores"), at("marks", "saves again")),
            (at("marks", "enables"), at("marks", "enters again")),
        ]
    );
    assert_eq!(
        switches(&run(&program, "waits", &[])),
        [(never(), at("waits", "polls")), (at("waits", "waits"), at("waits", "waits"))]
    );
    let called = at("on_jack", "is called");
    assert_eq!(switches(&run(&program, "callback", &[])), [(never(), called)]);
}

#[test]
fn a_lock_is_taken_by_the_program_also_if_a_callback_jumps_to_the_function_that_takes_it() {
    let flags = ["-shared", "-fPIC", "-DLIBRARY"];
    let library = compile_with("tests/c/registrations.c", "libjumped.so", &flags);
    let library = library.to_str().expect("a path");
    let program = compile_with("tests/c/places.c", "jumps", &["-O2", library]);
    let found = run(&program, "jump", &[]);
    let held = found.lines().find(|line| line.starts_with(" #0: ")).expect("a held lock");
    // The callback is not on the stack any more, and the library has called it.
    assert!(held.contains(", at: jack_set_process_callback+"), "{held}");
    assert!(held.contains(" [libjumped.so] "), "{held}");
}
