//! Packages in scratch folders, built with the workspace's versions of all crates.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A package outside of the workspace.
pub(crate) struct Scratch {
    folder: tempfile::TempDir,
}

/// What exchanges the standard library, as a section of a manifest.
pub(crate) fn std_line() -> String {
    line("std", "lockdep-std", &["validate"])
}

/// What exchanges `parking_lot`, with features of that crate.
pub(crate) fn parking_lot_line(features: &[&str]) -> String {
    let features: Vec<&str> = ["validate"].iter().chain(features).copied().collect();
    line("parking_lot", "lockdep-parking_lot", &features)
}

fn line(name: &str, package: &str, features: &[&str]) -> String {
    let path = validators().join(package);
    format!(
        "[dependencies.{name}]\npackage = {package:?}\npath = {path:?}\nfeatures = {features:?}\n"
    )
}

/// Returns the folder of the validators' crates.
pub(crate) fn validators() -> PathBuf {
    let me = Path::new(env!("CARGO_MANIFEST_DIR"));
    me.parent().expect("a folder above").to_owned()
}

/// Returns the source of a version of a package that Cargo has downloaded for the workspace.
pub(crate) fn downloaded(package: &str) -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    let registries = fs::read_dir(home.join("registry/src")).ok()?.flatten();
    registries.map(|registry| registry.path().join(package)).find(|path| path.is_dir())
}

/// Returns the workspace's profiles, with which the dependencies are built already.
pub(crate) fn profiles() -> String {
    let manifest = fs::read_to_string(validators().join("../Cargo.toml")).expect("a manifest");
    let mut sections = String::new();
    for section in manifest.split("\n[").skip(1).filter(|it| it.starts_with("profile.dev")) {
        let _ = writeln!(sections, "[{section}");
    }
    sections
}

impl Scratch {
    /// Makes a package of a library with these dependencies.
    pub(crate) fn new(name: &str, dependencies: &str, library: &str) -> Self {
        let scratch = Self { folder: tempfile::tempdir().expect("a folder") };
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n\
             [dependencies]\n{dependencies}\n{}",
            profiles()
        );
        scratch.write("Cargo.toml", &manifest);
        scratch.write("src/lib.rs", library);
        scratch.lock();
        scratch
    }

    /// Copies the source of a package, so that it can be changed.
    pub(crate) fn copy(source: &Path) -> Self {
        let scratch = Self { folder: tempfile::tempdir().expect("a folder") };
        let status = Command::new("cp")
            .args(["-r", "--no-preserve=mode"])
            .arg(source.join("."))
            .arg(scratch.path())
            .status();
        assert!(status.expect("cp runs").success());
        scratch
    }

    /// Takes the versions of the workspace, so that nothing has to be downloaded.
    pub(crate) fn lock(&self) {
        let workspace = validators().join("../Cargo.lock");
        fs::copy(workspace, self.path().join("Cargo.lock")).expect("the workspace has versions");
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).expect("a file")
    }

    /// Returns the path of a program of the package.
    pub(crate) fn built(&self, program: &str) -> PathBuf {
        target().join("debug").join(program)
    }

    /// Downloads the dependencies of the package.
    pub(crate) fn cargo_fetch(&self) -> Output {
        let fetch = Command::new(env!("CARGO")).arg("fetch").current_dir(self.path()).output();
        fetch.expect("cargo runs")
    }

    /// Runs Cargo in the package. Builds go to the target folder of the workspace.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO"))
            .arg(arguments[0])
            .arg("--target-dir")
            .arg(target())
            .args(&arguments[1..])
            .current_dir(self.path())
            .env_remove("LOCKDEP_LOG")
            .output()
            .expect("cargo runs")
    }
}

/// Returns the target folder of the workspace.
fn target() -> PathBuf {
    let me = std::env::current_exe().expect("this program");
    me.ancestors().nth(3).expect("a target folder").to_owned()
}

/// Returns both outputs of a command as text, for messages.
pub(crate) fn text(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    let _ = write!(text, "{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Returns how many tests of a run passed, and checks that none failed.
pub(crate) fn passed(output: &Output) -> usize {
    let text = text(output);
    assert!(output.status.success(), "{text}");
    let results = text.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    results.filter_map(|line| line.split(' ').next()?.parse::<usize>().ok()).sum()
}
