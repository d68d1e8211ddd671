//! `aseqd doctor`: what this machine allows, and the line to add for more.

mod advice;
mod place;

use crate::door::cuse::{self, Standing};
use crate::error::{Context as _, Fail};
use crate::run::Via;
use crate::{client, command};
use clap::{Args, ValueEnum as _};
use place::Place;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// Say what this machine allows, and what to add for more
///
/// Tries every door of `aseqd run`, says what programs could notice through each, and prints the option or
/// line that gives the best one: for a container, a compose file, a workflow, a unit, a Flatpak.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 if some door works or the kernel has a sequencer, 1 if not.

Example: docker run --rm IMAGE aseqd doctor")]
pub struct DoctorArgs {}

/// A door that was tried.
#[derive(Debug)]
struct Tried {
    via: Via,
    /// Why it does not lead to the sequencer, if so.
    refused: Option<String>,
}

/// Looks, and tells.
///
/// # Errors
/// Nothing can be tried at all.
pub fn main(_args: &DoctorArgs) -> Result<ExitCode, Fail> {
    let parent = rustix::process::getppid().map_or(0, |parent| parent.as_raw_nonzero().get());
    let processes = [rustix::process::getpid().as_raw_nonzero().get(), parent];
    let places = place::places(Path::new("/"), &|name| std::env::var(name).ok(), processes);
    let own = cuse::standing(Path::new(client::DEVICE));
    let doors = Via::value_variants().iter().map(|via| attempt(*via));
    let doors = doors.collect::<Result<Vec<_>, Fail>>()?;
    let works = own == Standing::Kernels || doors.iter().any(|door| door.refused.is_none());
    command::print(&report(&places, own, &doors, &machine()))?;
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A run of a command that does nothing: `run` opens the sequencer before it starts one.
fn attempt(via: Via) -> Result<Tried, Fail> {
    let own = std::env::current_exe().context("this program has no path")?;
    let mut run = Command::new(own);
    run.args(["run", "--via", &via.to_string(), "--", "true"]).stdin(Stdio::null());
    let output = run.output().context("aseqd cannot be started")?;
    let refused = (!output.status.success()).then(|| {
        let text = String::from_utf8_lossy(&output.stderr);
        let line = text.lines().next().unwrap_or("it does not say why");
        line.strip_prefix("aseqd: ").unwrap_or(line).to_owned()
    });
    Ok(Tried { via, refused })
}

/// Facts that doors depend on, as name and value.
fn machine() -> Vec<(&'static str, String)> {
    let uname = rustix::system::uname();
    let user = rustix::process::geteuid();
    let device = |path: &str| match OpenOptions::new().read(true).write(true).open(path) {
        Ok(_) => format!("{path} can be opened"),
        Err(error) => format!("{path} cannot be opened: {error}"),
    };
    let user = if user.is_root() { "root".to_owned() } else { format!("number {}", user.as_raw()) };
    vec![
        ("Linux", uname.release().to_string_lossy().into_owned()),
        ("user", user),
        ("FUSE", device("/dev/fuse")),
        ("CUSE", device("/dev/cuse")),
    ]
}

fn report(
    places: &[Place],
    own: Standing,
    doors: &[Tried],
    machine: &[(&'static str, String)],
) -> String {
    let mut text = String::new();
    let names: Vec<_> = places.iter().map(|place| place.name()).collect();
    let here = if names.is_empty() { "a machine".to_owned() } else { names.join(", in ") };
    let _infallible = writeln!(text, "{:10}{here}", "here");
    for (name, value) in machine {
        let _infallible = writeln!(text, "{name:10}{value}");
    }
    let sequencer = match own {
        Standing::Kernels => "the kernel has one: programs need no aseqd",
        Standing::Served => "/dev/snd/seq is served by aseqd",
        Standing::Stale => "/dev/snd/seq is left over from a server that is gone",
        Standing::Nothing if Path::new(client::DEVICE).exists() => {
            "/dev/snd/seq is served by aseqd"
        }
        Standing::Nothing => "none",
    };
    let _infallible =
        writeln!(text, "{:10}{sequencer}\n\nDoors of `aseqd run`, best first:", "sequencer");
    for Tried { via, refused } in doors {
        let name = via.to_string();
        let _infallible = match refused {
            None => writeln!(text, "  {name:10}works; {}", advice::loss(*via)),
            Some(why) => writeln!(text, "  {name:10}{why}"),
        };
    }
    let working = |via: Via| doors.iter().any(|door| door.via == via && door.refused.is_none());
    match doors.iter().find(|door| door.refused.is_none()) {
        Some(Tried { via, .. }) => {
            let _infallible = writeln!(text, "`aseqd run` takes {via}.");
        }
        None => text.push_str("`aseqd run` has no way in.\n"),
    }
    if !working(Via::Fuse) {
        let _infallible = write!(text, "\nFor the door fuse, {}", advice::LOSSLESS);
        text.push_str(&advice::lines(places, rustix::process::geteuid().is_root()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(via: Via, refused: Option<&str>) -> Tried {
        Tried { via, refused: refused.map(str::to_owned) }
    }

    #[test]
    fn a_bare_container_is_told_its_options() {
        let doors = [
            tried(Via::Fuse, Some("/dev/fuse cannot be opened (No such file)")),
            tried(Via::Handover, Some("nothing can be mounted")),
            tried(Via::Preload, None),
            tried(Via::Trap, None),
        ];
        let text = report(&[Place::Docker], Standing::Nothing, &doors, &[("user", "root".into())]);
        assert!(text.starts_with("here      a container of Docker\nuser      root\n"), "{text}");
        assert!(text.contains("  fuse      /dev/fuse cannot be opened"), "{text}");
        assert!(text.contains("  preload   works; "), "{text}");
        assert!(text.contains("`aseqd run` takes preload."), "{text}");
        let wanted =
            "docker run --device /dev/fuse --cap-add SYS_ADMIN --security-opt apparmor=unconfined";
        assert!(text.contains(wanted), "{text}");
    }

    #[test]
    fn where_all_is_well_nothing_is_to_be_added() {
        let text = report(&[], Standing::Nothing, &[tried(Via::Fuse, None)], &[]);
        assert!(text.ends_with("`aseqd run` takes fuse.\n"), "{text}");
        let text = report(&[], Standing::Kernels, &[tried(Via::Fuse, Some("no"))], &[]);
        assert!(text.contains("the kernel has one"), "{text}");
        assert!(text.contains("has no way in"), "{text}");
    }
}
