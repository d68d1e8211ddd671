//! `scripts/owner` in a clone: what `packages/owner.toml` says gets into every file, and `--check` sees what does not.

use super::{read, root};
use crate::common::{Ended, copy_program, finish, have};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(60);

/// One file of each kind that names the repository or the maintainer.
const FILES: &[&str] = &[
    "Cargo.toml",
    "crates/aseqd/Cargo.toml",
    "crates/client/README.md",
    "dist/debian/changelog",
    "docs/ci.md",
    "packages/owner.toml",
    "scripts/owner",
];

fn owner(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(folder.join("scripts/owner"));
    command.args(arguments);
    finish(command, DEADLINE)
}

#[test]
fn the_owner_is_written_everywhere_and_found_missing() {
    if !have(&["bash", "git"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for file in FILES {
        let to = folder.join(file);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        copy_program(&root().join(file), &to);
    }
    for arguments in [["init", "--quiet"], ["add", "."]] {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(folder);
        assert!(finish(git, DEADLINE).status.success());
    }
    let ended = owner(folder, &["--check"]);
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(0), ""), "{ended:#?}");

    let mine = "repository = \"https://github.com/jane/sequencer\"\n\
        maintainer = \"Jane Doe\"\naddress = \"jane@doe.net\"\n";
    fs::write(folder.join("packages/owner.toml"), mine).expect("a file");
    let ended = owner(folder, &["--check"]);
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(ended.stdout.contains("\n+repository = \"https://github.com/jane/sequencer\""));
    assert!(owner(folder, &[]).status.success());
    let ended = owner(folder, &["--check"]);
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(0), ""), "{ended:#?}");
    for (file, text) in [
        ("Cargo.toml", "repository = \"https://github.com/jane/sequencer\"\n"),
        ("crates/aseqd/Cargo.toml", "\nmaintainer = \"Jane Doe <jane@doe.net>\"\n"),
        ("crates/client/README.md", "https://github.com/jane/sequencer/blob/main/"),
        ("dist/debian/changelog", "\n -- Jane Doe <jane@doe.net>  "),
        ("docs/ci.md", "uses: jane/sequencer/packages/action@v"),
    ] {
        let written = fs::read_to_string(folder.join(file)).expect("text");
        assert!(written.contains(text), "{file}: {written}");
        assert!(!written.contains("aseqd/aseqd/"), "{file}: {written}");
    }

    // The name of the repository has changed, and changes back.
    copy_program(&root().join("packages/owner.toml"), &folder.join("packages/owner.toml"));
    assert!(owner(folder, &[]).status.success());
    for file in FILES {
        assert_eq!(fs::read_to_string(folder.join(file)).expect("text"), read(file), "{file}");
    }

    let placeholder = format!("{}\nuses: {}/aseqd\n", read("docs/ci.md"), "OWNER");
    fs::write(folder.join("docs/ci.md"), placeholder).expect("a file");
    let ended = owner(folder, &["--check"]);
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("placeholders outside of packages/owner.toml"), "{ended:#?}");
}

#[test]
fn what_cannot_be_an_owner_is_refused() {
    if !have(&["bash", "git"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("scripts/owner");
    fs::create_dir_all(script.parent().expect("a folder")).expect("a folder");
    copy_program(&root().join("scripts/owner"), &script);
    fs::create_dir(folder.path().join("packages")).expect("a folder");
    let good = read("packages/owner.toml");
    for (from, to, said) in [
        ("https://github.com/", "git://host/", "repository must be https://github.com/OWNER/NAME"),
        ("maintainer = \"", "maintainer = \"<", "maintainer must be a name"),
        ("address = \"", "address = \"nobody", "address must be an e-mail address or empty"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);
        fs::write(folder.path().join("packages/owner.toml"), bad).expect("a file");
        let ended = owner(folder.path(), &["--check"]);
        assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
        assert!(ended.stderr.contains(said), "{ended:#?}");
    }
}
