//! The recipes of `docs/validators.md`: a host of plug-ins in C++, functions by name, a JACK client, and a PipeWire filter.

#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{LOCKDEP_RUN, Ran};
use skip::skip;

/// Returns the lines of a recipe: the commands of the block of shell that follows a heading.
fn recipe(heading: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/validators.md");
    let text = fs::read_to_string(page).expect("the page");
    let (_, part) = text.split_once(&format!("\n### {heading}\n")).expect("the heading");
    let (_, block) = part.split_once("```sh\n").expect("a block");
    let (block, _) = block.split_once("```").expect("its end");
    block.lines().map(str::to_owned).collect()
}

/// Runs the commands of a recipe in a folder with the sources.
fn follow(heading: &str, environment: &[(&str, &str)]) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in fs::read_dir(here.join("examples")).expect("the examples") {
        let entry = entry.expect("an example");
        fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("a copy");
    }
    fs::create_dir(folder.path().join("bin")).expect("a folder");
    fs::copy(LOCKDEP_RUN, folder.path().join("bin/lockdep-run")).expect("a copy");
    let path =
        format!("{}/bin:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    // Installing packages is not ours to do.
    let commands = recipe(heading).into_iter().filter(|line| !line.contains("apt-get"));
    let script = commands.collect::<Vec<_>>().join("\n");
    let mut bash = Command::new("bash");
    bash.args(["-ec", &script]).current_dir(folder.path()).env("PATH", path);
    bash.env_remove("LOCKDEP_LIBRARY").envs(environment.iter().copied());
    bash.output().expect("bash").into()
}

#[test]
fn a_host_of_plug_ins() {
    let ran = follow("A host of plug-ins in C++", &[]);
    assert_eq!(ran.status, Some(66), "{}", ran.err);
    let titles = ran.titles();
    for title in
        ["malloc in Gain::process", "free in Gain::process", "pthread_mutex_lock in Gain::process"]
    {
        assert!(titles.iter().any(|found| found == title), "{title}: {}", ran.err);
    }
    assert!(titles.iter().all(|title| title.contains("Gain::")), "nothing else: {}", ran.err);
    assert!(ran.err.contains("plugin.cpp:2"), "{}", ran.err);
}

#[test]
fn functions_by_name() {
    let ran = follow("Functions by name", &[]);
    assert_eq!(ran.status, Some(66), "{}", ran.err);
    let titles = ran.titles();
    for title in
        ["malloc in Gain::process", "free in Gain::process", "pthread_mutex_lock in Gain::process"]
    {
        assert!(titles.iter().any(|found| found == title), "{title}: {}", ran.err);
    }
    assert!(titles.iter().all(|title| title.contains("Gain::")), "nothing else: {}", ran.err);
    assert!(ran.err.contains("\nGain::process "), "it is the section: {}", ran.err);
}

/// A server that is ended with the test, in order: jackd leaves shared memory behind if it is killed, and later servers
/// hang on that.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let id = self.0.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.0.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_jack_client() {
    let installed = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let headers = Command::new("pkg-config").args(["--exists", "jack"]).status();
    if !installed("jackd") || !headers.is_ok_and(|status| status.success()) {
        skip("jackd or the headers of JACK are not installed (jackd2, libjack-jackd2-dev)");
        return;
    }
    let name = format!("lockdep-{}", std::process::id());
    let server = Command::new("jackd")
        .args(["--no-realtime", "-n", &name, "-d", "dummy", "-p", "256"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _server = Server(server.expect("jackd starts"));
    let deadline = Instant::now() + Duration::from_secs(60);
    // The server may not be ready yet.
    let ran = loop {
        let ran = follow("A JACK client", &[("JACK_DEFAULT_SERVER", &name)]);
        if ran.status == Some(66) || Instant::now() > deadline {
            break ran;
        }
    };
    if ran.status == Some(1) && ran.err.contains("jack server is not running") {
        // One server may keep another one from starting, by what they share.
        skip("jackd does not start here");
        return;
    }
    assert_eq!(ran.status, Some(66), "{}", ran.err);
    let titles = ran.titles();
    assert_eq!(
        titles,
        ["malloc in process", "free in process", "fflush in process"],
        "{}",
        ran.err
    );
}

#[test]
fn a_pipewire_filter() {
    let installed = Command::new("pipewire").arg("--version").output().is_ok();
    let headers = Command::new("pkg-config").args(["--exists", "libpipewire-0.3"]).status();
    if !installed || !headers.is_ok_and(|status| status.success()) {
        skip("PipeWire or its headers are not installed (pipewire, libpipewire-0.3-dev)");
        return;
    }
    let runtime = tempfile::tempdir().expect("a folder");
    let server = Command::new("pipewire")
        .env("XDG_RUNTIME_DIR", runtime.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _server = Server(server.expect("PipeWire starts"));
    let socket = runtime.path().join("pipewire-0");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !socket.exists() {
        assert!(Instant::now() < deadline, "PipeWire makes no socket");
        std::thread::sleep(Duration::from_millis(20));
    }
    let path = runtime.path().to_str().expect("a path");
    let ran = follow("A PipeWire filter", &[("XDG_RUNTIME_DIR", path)]);
    assert_eq!(ran.status, Some(66), "{}", ran.err);
    assert_eq!(
        ran.titles(),
        ["calloc in process", "free in process", "fflush in process"],
        "{}",
        ran.err
    );
}
