//! The forms in which users get aseqd: systemd's units, the Debian package; what their owner fills in.

#[path = "../common/mod.rs"]
mod common;

mod binstall;
mod owner;
mod scripts;
mod service;
mod units;

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_package_names_files_that_exist() {
    let manifest = read("crates/aseqd/Cargo.toml");
    let assets = manifest.split("assets = [").nth(1).expect("assets");
    let sources =
        assets.lines().filter_map(|line| line.trim().strip_prefix("[\"")?.split('"').next());
    let mut checked = 0;
    for source in sources.filter(|source| !source.starts_with("target/")) {
        let (folder, file) = source.rsplit_once('/').expect("a path");
        let (start, end) = file.split_once('*').unwrap_or((file, ""));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let entries =
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{source}: {error}"));
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let found = names.filter(|name| name.starts_with(start) && name.ends_with(end)).count();
        assert!(found > 0, "{source}");
        checked += 1;
    }
    assert!(checked > 8, "the list is found at all ({checked})");
    let version = format!("aseqd ({}-1)", env!("CARGO_PKG_VERSION"));
    assert!(read("dist/debian/changelog").starts_with(&version), "the changelog says {version}");
}
