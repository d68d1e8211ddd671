//! Ours against Linux, from the hashes of transcripts in `kernels/`: on the engine in this process, and through
//! `aseqd run` where that can be had.
//!
//! `6.12.txt` has the hashes of Linux 6.12, and `7.3.txt` those of Linux 7.3 where that answers otherwise, with the names
//! of the reasons (`src/versions.rs`). The same with `-timer` and `-ump` for the other profiles.

use seqfuzz::versions::DIFFERENCES;
use seqfuzz::{EngineDevice, Kind, Profile, transcript};
use skip::skip;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const SIZE: usize = 24;
/// How many of the seeds go through `aseqd run`, which takes real time.
const UNDER_ASEQD: u64 = 400;

/// A profile, with the number of seeds that its files have at least.
struct Yardstick {
    profile: Profile,
    suffix: &'static str,
    option: &'static str,
    seeds: usize,
}

const SEQUENCER: Yardstick =
    Yardstick { profile: Profile::Sequencer, suffix: "", option: "", seeds: 5000 };
const TIMER: Yardstick =
    Yardstick { profile: Profile::Timer, suffix: "-timer", option: " --timer", seeds: 2300 };
const UMP: Yardstick =
    Yardstick { profile: Profile::Ump, suffix: "-ump", option: " --ump", seeds: 3000 };

/// What kernels answer to a seed.
struct Expected {
    /// The hash of Linux 6.12.
    old: u64,
    /// The hash of Linux 7.3, and the names of the differences, if it has another one.
    new: Option<(u64, Vec<String>)>,
}

impl Expected {
    /// Returns the hash that aseqd must have. None if the kernels differ, perhaps, in something that aseqd does not follow:
    /// it may come with something that aseqd does follow, and only the first one has a name.
    fn ours(&self) -> Option<u64> {
        let Some((new, names)) = &self.new else { return Some(self.old) };
        let followed = |name: &String| {
            let known = DIFFERENCES.iter().find(|difference| difference.name == name);
            known.expect("a difference of src/versions.rs").followed
        };
        names.iter().all(followed).then_some(*new)
    }
}

impl Yardstick {
    fn expected(&self) -> BTreeMap<u64, Expected> {
        let mut expected = BTreeMap::new();
        for (seed, hash, names) in lines(&format!("6.12{}.txt", self.suffix)) {
            assert!(names.is_empty(), "seed {seed} of the older kernel has reasons");
            expected.insert(seed, Expected { old: hash, new: None });
        }
        for (seed, hash, names) in lines(&format!("7.3{}.txt", self.suffix)) {
            let expected = expected.get_mut(&seed).expect("a seed that the older kernel has too");
            assert!(expected.old != hash && !names.is_empty(), "seed {seed} does not differ");
            expected.new = Some((hash, names));
        }
        assert!(expected.len() >= self.seeds);
        expected
    }

    fn compare(&self) {
        let kind = Kind { size: SIZE, common: false, legacy: false, profile: self.profile };
        let mut differing = Vec::new();
        let mut compared = 0;
        let expected = self.expected();
        for (seed, expected) in &expected {
            let Some(hash) = expected.ours() else { continue };
            compared += 1;
            let program = kind.program(*seed);
            if transcript(&mut EngineDevice::of(&program), &program).hash() != hash {
                differing.push(seed);
            }
        }
        assert!(
            differing.is_empty(),
            "these seeds differ; see `seqfuzz minimise{} SEED`: {differing:?}",
            self.option
        );
        let left_out = expected.len() - compared;
        assert!(left_out * 10 < expected.len(), "{left_out} seeds have no expectation");
    }
}

/// Returns the lines of a file: seed, hash, names of differences.
fn lines(file: &str) -> Vec<(u64, u64, Vec<String>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels").join(file);
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| read_line(line).expect("seed, hash and names")).collect()
}

fn read_line(line: &str) -> Option<(u64, u64, Vec<String>)> {
    let mut words = line.split(' ');
    let seed = words.next()?.parse().ok()?;
    let hash = u64::from_str_radix(words.next()?, 16).ok()?;
    Some((seed, hash, words.map(str::to_owned).collect()))
}

#[test]
fn the_engine_answers_as_linux() {
    SEQUENCER.compare();
}

#[test]
fn the_engine_answers_as_linux_with_timers() {
    TIMER.compare();
}

#[test]
fn the_engine_answers_as_linux_with_ump() {
    UMP.compare();
}

/// Returns the server of the same build, if it was built.
fn aseqd() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_BIN_EXE_seqfuzz")).with_file_name("aseqd");
    beside.is_file().then_some(beside)
}

#[test]
fn aseqd_run_answers_as_linux() {
    let Some(aseqd) = aseqd() else {
        skip("aseqd is not built (cargo build -p aseqd)");
        return;
    };
    if !Path::new("/dev/fuse").exists() {
        skip("this machine has no /dev/fuse");
        return;
    }
    let linux = SEQUENCER.expected();
    let run = |seeds: &str| {
        let output = Command::new(&aseqd)
            .args(["run", "--", env!("CARGO_BIN_EXE_seqfuzz")])
            .args(["transcript", "--hash", "--seeds", seeds])
            .output()
            .expect("aseqd can be started");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "aseqd run: {error}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().filter_map(read_line).collect::<Vec<_>>()
    };
    let ours = run(&format!("0..{UNDER_ASEQD}"));
    assert_eq!(ours.len() as u64, UNDER_ASEQD);
    let differs = |(seed, hash, _): &(u64, u64, Vec<String>)| {
        linux[seed].ours().is_some_and(|expected| expected != *hash)
    };
    // A machine that stops for milliseconds makes a running queue do two things at once: again.
    let again = |(seed, ..): (u64, u64, Vec<String>)| run(&format!("{seed}..{}", seed + 1));
    let differing: Vec<_> =
        ours.into_iter().filter(differs).flat_map(again).filter(differs).collect();
    assert!(differing.is_empty(), "these seeds differ: {differing:?}");
}
