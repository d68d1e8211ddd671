//! What `cargo binstall` downloads is what `scripts/release` makes.

use crate::{read, root};

/// The crates with programs for `cargo binstall`: folder, name.
const CRATES: &[(&str, &str)] =
    &[("crates/aseqd", "aseqd"), ("validators/kreport", "kreport"), ("validators/kcsan", "kcsan")];

/// Returns a setting of the section for `cargo binstall`.
fn setting(folder: &str, key: &str) -> String {
    let manifest = read(&format!("{folder}/Cargo.toml"));
    let section = manifest.split("[package.metadata.binstall]\n").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let value = section.lines().find_map(|line| line.strip_prefix(&format!("{key} = \"")));
    value.unwrap_or_else(|| panic!("{folder} has no {key}")).trim_end_matches('"').to_owned()
}

/// Replaces the variables of a setting.
fn filled_in(template: &str, name: &str, bin: &str) -> String {
    let values = [
        ("repo", env!("CARGO_PKG_REPOSITORY")),
        ("name", name),
        ("version", env!("CARGO_PKG_VERSION")),
        ("target", "x86_64-unknown-linux-musl"),
        ("bin", bin),
        ("binary-ext", ""),
    ];
    let filled = values.iter().fold(template.to_owned(), |text, (key, value)| {
        text.replace(&format!("{{ {key} }}"), value)
    });
    assert!(!filled.contains('{'), "{filled}: an unknown variable");
    filled
}

#[test]
fn binstall_finds_the_archives_of_a_release() {
    let version = env!("CARGO_PKG_VERSION");
    for (folder, name) in CRATES {
        let full = format!("{name}-{version}-x86_64-unknown-linux-musl");
        let url = filled_in(&setting(folder, "pkg-url"), name, name);
        let repository = env!("CARGO_PKG_REPOSITORY");
        assert_eq!(url, format!("{repository}/releases/download/v{version}/{full}.tar.gz"));
        assert_eq!(setting(folder, "pkg-fmt"), "tgz");
        let bin = filled_in(&setting(folder, "bin-dir"), name, "program");
        assert_eq!(bin, format!("{full}/program"));
    }
    if !root().join("scripts/release").exists() {
        return;
    }
    // Its function `archive NAME TARGET` packs a folder of this name.
    let script = read("scripts/release");
    assert!(script.contains("local full=$1-$version-$2\n"), "the name of the archive's folder");
    assert!(script.contains("\"$out/$full.tar.gz\""), "the name of the archive");
    for (_, name) in CRATES {
        assert!(script.contains(&format!("archive {name} ")), "scripts/release packs {name}");
    }
}
