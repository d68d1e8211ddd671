//! The programs that are needed, built by cargo.

use crate::Result;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Paths of programs.
#[derive(Debug)]
pub(crate) struct Builds {
    /// The suite as a static program, which also runs where there is no C library.
    pub suite: PathBuf,
    /// The suite as a dynamic program: through the library that is preloaded no other can come. The build for tests,
    /// which are built anyway.
    pub dynamic_suite: PathBuf,
    /// The program `aseqd`.
    pub aseqd: PathBuf,
    /// The program `container`.
    pub container: PathBuf,
}

impl Builds {
    /// Builds everything. Programs that go elsewhere are copied to a folder.
    pub(crate) fn make(folder: &Path) -> Result<Self> {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        let host = host()?;
        // With flags of its own it needs a folder of its own.
        cargo(
            &["--release", "-p", "conformance", "--target", &host],
            "-C target-feature=+crt-static",
        )?;
        cargo(&["-p", "conformance", "-p", "container"], "")?;
        cargo(&["--release", "-p", "aseqd"], "")?;
        let suite = folder.join("conformance");
        std::fs::copy(target.join(host).join("release/conformance"), &suite)?;
        // It goes into virtual machines, which take long to read what only a debugger needs.
        let _without_strip_it_is_only_larger = Command::new("strip").arg(&suite).status();
        Ok(Self {
            suite,
            dynamic_suite: target.join("debug/conformance"),
            aseqd: target.join("release/aseqd"),
            container: target.join("debug/container"),
        })
    }

    /// Returns the names of all cases, in the order of the suite.
    pub(crate) fn cases(&self) -> Result<Vec<String>> {
        let listed = text_of(Command::new(&self.suite).arg("--list"))?;
        Ok(listed.lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect())
    }
}

/// Returns the target triple of this machine.
fn host() -> Result<String> {
    let version = text_of(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc does not name its host")?.to_owned())
}

fn cargo(arguments: &[&str], flags: &str) -> Result<()> {
    let mut command = Command::new("cargo");
    command.args(["build", "--quiet"]).args(arguments);
    if !flags.is_empty() {
        command.env("RUSTFLAGS", flags);
    }
    match command.status()?.success() {
        true => Ok(()),
        false => Err(format!("cargo build {} failed", arguments.join(" ")).into()),
    }
}

fn text_of(command: &mut Command) -> Result<String> {
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)?),
        false => Err(format!("{} failed", command.get_program().display()).into()),
    }
}
