//! A sequencer in this process against the hashes of Linux.

use aseqd_engine::Config;
use aseqd_server::embedded::{self, File, TimeSource};
use std::collections::{BTreeMap, BTreeSet};
use ump_matrix::{Class, Clients, Scene, Sequencer, run, scenes};

/// What Linux 6.12 with UMP prints. Recorded by `scripts/ump-matrix --record`.
const OLDER: &str = include_str!("../kernels/6.12-ump.txt");
/// What Linux 7.3 with UMP prints that is not in [`OLDER`].
const NEWER: &str = include_str!("../kernels/7.3-ump.txt");

/// Ours.
struct Ours(embedded::Sequencer);

impl Sequencer for Ours {
    type File = File;

    fn open(&self, name: &str) -> aseqd_client::Result<aseqd_client::Client<File>> {
        self.0.client(name)
    }
}

/// Returns the lines of the newer Linux, by the name of their cells.
fn linux() -> BTreeMap<&'static str, &'static str> {
    let lines = OLDER.lines().chain(NEWER.lines()).filter(|line| !line.starts_with('#'));
    lines.map(|line| (line.split(' ').next().expect("a word"), line)).collect()
}

/// Checks all cells of some scenes.
#[track_caller]
fn check(is_wanted: impl Fn(&Scene) -> bool) {
    let linux = linux();
    let config = Config { ump: true, ..Config::default() };
    let ours = Ours(embedded::Sequencer::new(TimeSource::Virtual, config));
    let mut differing = Vec::new();
    for scene in scenes().iter().filter(|scene| is_wanted(scene)) {
        for class in Class::all().iter().filter(|class| scene.can_send(class)) {
            let cells = run(
                &mut Clients::new(&ours, scene).expect("clients"),
                scene,
                class,
                scene.limit(),
                None,
            );
            let lines = cells.iter().map(|cell| (cell.name.as_str(), cell.to_string()));
            differing.extend(lines.filter_map(|(name, line)| {
                (linux.get(name) != Some(&line.as_str())).then(|| line.clone())
            }));
        }
    }
    assert!(
        differing.is_empty(),
        "{} cells are not as on Linux; see `ump-matrix --print --only CELL`: {differing:#?}",
        differing.len()
    );
}

#[test]
fn legacy_clients_send() {
    check(|scene| scene.name == "legacy");
}

#[test]
fn clients_of_midi_1_in_ump_send() {
    check(|scene| scene.name == "midi1");
}

#[test]
fn clients_of_midi_2_send() {
    check(|scene| scene.name == "midi2");
}

#[test]
fn ports_and_clients_have_options() {
    check(|scene| !scene.is_main);
}

#[test]
fn linux_has_all_cells() {
    let mut names = BTreeSet::new();
    for scene in scenes() {
        for class in Class::all().iter().filter(|class| scene.can_send(class)) {
            names.extend((0..scene.receivers.len()).map(|at| scene.cell_name(at, class)));
        }
    }
    let recorded = linux().into_keys().map(str::to_owned);
    assert_eq!(recorded.collect::<BTreeSet<_>>(), names);
}
