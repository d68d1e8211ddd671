//! The plants of the engine: they fit its source, and it has none of them.

use models::catalogue::{MORE_CALLS, NOT_HERE, ROWS};
use models::planted::{PLANTS, write};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// A change of the engine may have to change a plant too: then this test says which.
#[test]
fn every_plant_fits_the_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    write(&root(), folder.path()).unwrap_or_else(|why| panic!("{why}"));
    let route = fs::read_to_string(folder.path().join("planted/src/seq/route.rs")).expect("a file");
    assert!(route.contains("if crate::plants::on(60)"), "the copy has no plant");
}

/// Nothing that is shipped has a plant: the switch of the copy is nowhere in the crates.
#[test]
fn no_crate_has_a_plant() {
    let mut files = 0;
    let mut folders = vec![root().join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "rs" || extension == "toml")
            {
                let text = fs::read_to_string(&path).expect("a file");
                assert!(
                    !text.contains("plants::on") && !text.contains("planted-engine"),
                    "{}",
                    path.display()
                );
                files += 1;
            }
        }
    }
    assert!(files > 200, "{files} files");
}

#[test]
fn a_row_is_there_once() {
    let mut numbers = BTreeSet::new();
    let elsewhere = NOT_HERE.iter().flat_map(|(_, numbers)| *numbers).copied();
    for number in ROWS.iter().map(|row| row.number).chain(elsewhere) {
        assert!(numbers.insert(number), "K{number:02} has two rows");
    }
    let planted = PLANTS.iter().map(|plant| plant.row);
    for number in planted.chain(MORE_CALLS.iter().map(|(row, _)| *row)) {
        assert!(ROWS.iter().any(|row| row.number == number), "K{number:02} has no row");
    }
}
