//! A host that loads a plug-in and runs it in a real-time thread. Neither knows of lockdep, and no option is given.

#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use common::{LOCKDEP_RUN, Ran, compile};

/// The functions of the plug-in, with what each of them calls.
const MISTAKES: [(&str, &str); 22] = [
    ("new_object", "malloc"),
    ("delete_object", "free"),
    ("grow_vector", "malloc"),
    ("grow_string", "malloc"),
    ("aligned_memory", "aligned_alloc"),
    ("lock_mutex", "pthread_mutex_lock"),
    ("lock_shared", "pthread_rwlock_rdlock"),
    ("wait_condition", "pthread_cond_timedwait"),
    ("wait_semaphore", "sem_wait"),
    ("sleep_for", "nanosleep"),
    ("sleep_short", "usleep"),
    ("wait_poll", "poll"),
    ("print", "printf"),
    ("open_file", "open"),
    ("write_stream", "write"),
    ("write_file", "write"),
    ("control", "ioctl"),
    ("map_memory", "mmap"),
    ("make_thread", "pthread_create"),
    ("throw_error", "malloc"),
    ("load_library", "dlopen"),
    ("send_message", "send"),
];

static HOST: LazyLock<PathBuf> = LazyLock::new(|| compile("c++", "host.cpp", "host", &["-ldl"]));
static PLUGIN: LazyLock<PathBuf> = LazyLock::new(|| plugin("plugin.so", &[]));
static CLEAN: LazyLock<PathBuf> = LazyLock::new(|| plugin("clean.so", &["-DCLEAN"]));

fn plugin(name: &str, more: &[&str]) -> PathBuf {
    compile("c++", "plugin.cpp", name, &[&["-shared", "-fPIC"], more].concat())
}

/// Runs the host, with a command before `lockdep-run`.
fn run(before: &[&str], plugin: &PathBuf, how: &str) -> Ran {
    let mut words = before.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    words.extend([LOCKDEP_RUN.to_owned(), "--".to_owned()]);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(&*HOST).arg(plugin).arg(how);
    for name in ["LOCKDEP_ATOMIC_THREADS", "LOCKDEP_GRAPH", "LOCKDEP_LIBRARY", "LOCKDEP_LOG"] {
        command.env_remove(name);
    }
    Ran::from(command.output().expect("the host runs"))
}

/// Fails unless each mistake was found in its function, and nothing in another one.
fn found_all(ran: &Ran) {
    assert_eq!(ran.status, Some(66), "{}", ran.err);
    let titles = ran.titles();
    for (function, call) in MISTAKES {
        let title = format!("{call} in {function}");
        assert!(titles.iter().any(|found| found.ends_with(&title)), "{title}: {titles:#?}");
    }
    let functions: BTreeSet<&str> = MISTAKES.iter().map(|(function, _)| *function).collect();
    for title in &titles {
        let function = title.rsplit(' ').next().unwrap_or_default();
        assert!(functions.contains(function), "{title} is none of the plug-in's mistakes");
    }
}

#[test]
fn all_mistakes_of_a_plug_in_are_found_in_one_run() {
    for how in ["self", "attributes", "other"] {
        found_all(&run(&["env"], &PLUGIN, how));
        let clean = run(&["env"], &CLEAN, how);
        assert_eq!(clean.status, Some(0), "{how}: {}", clean.err);
        assert_eq!(clean.out, "done\n");
    }
}

#[test]
fn the_attempt_to_become_real_time_is_enough() {
    let without_right = ["setpriv", "--bounding-set", "-sys_nice", "prlimit", "--rtprio=0"];
    for how in ["self", "attributes", "other"] {
        found_all(&run(&without_right, &PLUGIN, how));
    }
}

#[test]
fn other_threads_may_do_all_that() {
    let ran = run(&["env"], &PLUGIN, "never");
    assert_eq!(ran.status, Some(0), "{}", ran.err);
}

#[test]
fn a_thread_that_inherits_real_time_is_reported_once_with_its_creator() {
    let ran = run(&["env"], &PLUGIN, "inherited");
    assert_eq!(ran.status, Some(66), "{}", ran.err);
    let title = "WARNING: thread of run inherits real-time scheduling in creator";
    let inherited: Vec<String> =
        ran.titles().into_iter().filter(|title| title.contains("inherits")).collect();
    assert!(inherited.iter().all(|found| found.starts_with("WARNING: thread of run")), "{title}");
    assert_eq!(inherited.len(), 1, "{inherited:#?}");
    assert_eq!(ran.titles().len(), 1, "the threads are not checked: {}", ran.err);
}
