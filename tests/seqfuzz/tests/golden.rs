//! Ours against Linux, from the hashes that Linux 6.12 left in `kernels/6.12.txt`, and for programs
//! that use the timer too in `kernels/6.12-timer.txt`: on the engine in this process, and through
//! `aseqd run` where that can be had.

use seqfuzz::{EngineDevice, generate, generate_timer, transcript};
use skip::skip;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const SIZE: usize = 24;
/// How many of the seeds go through `aseqd run`, which takes real time.
const UNDER_ASEQD: u64 = 400;

fn linux() -> BTreeMap<u64, u64> {
    hashes("kernels/6.12.txt")
}

fn hashes(file: &str) -> BTreeMap<u64, u64> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(file).expect("the hashes of Linux 6.12");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| hash_line(line).expect("seed and hash")).collect()
}

fn hash_line(line: &str) -> Option<(u64, u64)> {
    let (seed, hash) = line.split_once(' ')?;
    Some((seed.parse().ok()?, u64::from_str_radix(hash, 16).ok()?))
}

#[test]
fn the_engine_answers_as_linux_6_12() {
    let linux = linux();
    assert!(linux.len() >= 2000);
    let ours = |seed| transcript(&mut EngineDevice::new(), &generate(seed, SIZE)).hash();
    let differing: Vec<u64> =
        linux.iter().filter(|(seed, hash)| ours(**seed) != **hash).map(|(seed, _)| *seed).collect();
    assert!(differing.is_empty(), "these seeds differ; see `seqfuzz minimise SEED`: {differing:?}");
}

#[test]
fn the_engine_answers_as_linux_6_12_with_timers() {
    let linux = hashes("kernels/6.12-timer.txt");
    assert!(linux.len() >= 1000);
    let ours = |seed| transcript(&mut EngineDevice::new(), &generate_timer(seed, SIZE)).hash();
    let differing: Vec<u64> =
        linux.iter().filter(|(seed, hash)| ours(**seed) != **hash).map(|(seed, _)| *seed).collect();
    assert!(
        differing.is_empty(),
        "these seeds differ; see `seqfuzz minimise --timer SEED`: {differing:?}"
    );
}

/// Returns the server of the same build, if it was built.
fn aseqd() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_BIN_EXE_seqfuzz")).with_file_name("aseqd");
    beside.is_file().then_some(beside)
}

#[test]
fn aseqd_run_answers_as_linux_6_12() {
    let Some(aseqd) = aseqd() else {
        skip("aseqd is not built (cargo build -p aseqd)");
        return;
    };
    if !Path::new("/dev/fuse").exists() {
        skip("this machine has no /dev/fuse");
        return;
    }
    let linux = linux();
    let run = |seeds: &str| {
        let output = Command::new(&aseqd)
            .args(["run", "--", env!("CARGO_BIN_EXE_seqfuzz")])
            .args(["transcript", "--hash", "--seeds", seeds])
            .output()
            .expect("aseqd can be started");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "aseqd run: {error}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().filter_map(hash_line).collect::<Vec<_>>()
    };
    let ours = run(&format!("0..{UNDER_ASEQD}"));
    assert_eq!(ours.len() as u64, UNDER_ASEQD);
    let differs = |(seed, hash): &(u64, u64)| linux[seed] != *hash;
    // A machine that stops for milliseconds makes a running queue do two things at once: again.
    let again = |(seed, _): (u64, u64)| run(&format!("{seed}..{}", seed + 1));
    let differing: Vec<_> =
        ours.into_iter().filter(differs).flat_map(again).filter(differs).collect();
    assert!(differing.is_empty(), "these seeds differ: {differing:?}");
}
