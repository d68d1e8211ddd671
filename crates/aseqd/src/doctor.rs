//! `aseqd doctor`: says which doors work on this machine, and what to add for a better one.

mod advice;
mod place;

use crate::run::Via;
use advice::{DeviceState, Needs};
use anstyle::{AnsiColor, Style};
use aseqd_client::ump::Protocol;
use aseqd_client::{Client, Error};
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::process;
use aseqd_server::door::cuse::{self, Standing};
use aseqd_server::mounts::{Mount, ServerState};
use clap::{Args, ValueEnum as _};
use place::Place;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// Check what works on this machine, and say what to add for more
///
/// Tries every door of `aseqd run`, says what programs could notice through each, and prints what to add for the best
/// one: an option of Docker, or a line of a compose file, a workflow, a systemd unit or a Flatpak.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 if a door works or the kernel has a sequencer, 1 if not.

Examples:
  aseqd doctor --json | jq .taken
  docker run --rm IMAGE aseqd doctor")]
pub struct DoctorArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

const HEAD: Style = Style::new().bold();
const WORKS: Style = AnsiColor::Green.on_default();
const REFUSED: Style = AnsiColor::Yellow.on_default();

/// A door that was tried.
#[derive(Debug)]
struct Tried {
    via: Via,
    /// Why it does not lead to a sequencer; `None` if it does.
    refused: Option<String>,
}

/// Runs `aseqd doctor`.
///
/// # Errors
/// A message if this program cannot be started to try the doors, or standard output cannot be written.
pub fn main(args: &DoctorArgs) -> Result<ExitCode, Fail> {
    let parent = rustix::process::getppid().map_or(0, |parent| parent.as_raw_nonzero().get());
    let processes = [rustix::process::getpid().as_raw_nonzero().get(), parent];
    let places = place::places(Path::new("/"), &|name| std::env::var(name).ok(), processes);
    let own = cuse::standing(Path::new(aseqd_client::DEVICE));
    let doors = Via::value_variants().iter().map(|via| attempt(*via));
    let doors = doors.collect::<Result<Vec<_>, Fail>>()?;
    let works = own == Standing::Kernels || doors.iter().any(|door| door.refused.is_none());
    // Without a door, its refusal would say nothing about the clock.
    let has_door = doors.iter().any(|door| door.refused.is_none());
    let time = if has_door { Some(refusal(&["--time", "virtual"])?) } else { None };
    let found = Found { virtual_time: time, ..Found::here(places, own, doors) };
    let text = if args.json { format!("{:#}\n", found.json()) } else { found.text() };
    aseqd_console::print(&text)?;
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tries a door by a run of `true`: `run` opens the sequencer before it starts the command.
fn attempt(via: Via) -> Result<Tried, Fail> {
    let refused = refusal(&["--via", &via.to_string()])?;
    Ok(Tried { via, refused })
}

/// Runs `true` with these options of `aseqd run`. Returns why that is not possible here; `None` if it is.
fn refusal(options: &[&str]) -> Result<Option<String>, Fail> {
    let own = std::env::current_exe().context("this program has no path")?;
    let mut run = Command::new(own);
    run.arg("run").args(options).args(["--", "true"]).stdin(Stdio::null());
    let output = process::end_with_us(&mut run).output().context("aseqd cannot be started")?;
    Ok((!output.status.success()).then(|| {
        let text = String::from_utf8_lossy(&output.stderr);
        let line = text.lines().next().unwrap_or("it gave no reason");
        line.strip_prefix("aseqd: ").unwrap_or(line).to_owned()
    }))
}

/// What the doctor has found.
#[derive(Debug)]
struct Found {
    places: Vec<Place>,
    kernel: String,
    uid: u32,
    /// DeviceState files, each with the reason why it cannot be opened; `None` if it can.
    devices: Vec<(&'static str, Option<String>)>,
    sequencer: Sequencer,
    /// Whether the kernel's sequencer has UMP; `None` if it is not known.
    ump: Option<bool>,
    doors: Vec<Tried>,
    /// Why `aseqd run --time virtual` does not work, or that it does; `None` if it cannot be tried.
    virtual_time: Option<Option<String>>,
    needs: Needs,
}

/// What serves `/dev/snd/seq` here, without `aseqd run`.
#[derive(Clone, Copy, Debug)]
enum Sequencer {
    Kernel,
    Aseqd,
    Stale,
    Nobody,
}

impl Sequencer {
    const fn text(self) -> &'static str {
        match self {
            Self::Kernel => "the kernel has one: programs need no aseqd",
            Self::Aseqd => "/dev/snd/seq is served by aseqd",
            Self::Stale => {
                "/dev/snd/seq is left over from a server that has ended: start `aseqd serve` again"
            }
            Self::Nobody => "none",
        }
    }

    const fn id(self) -> Option<&'static str> {
        match self {
            Self::Kernel => Some("kernel"),
            Self::Aseqd => Some("aseqd"),
            Self::Stale => Some("stale"),
            Self::Nobody => None,
        }
    }
}

/// Returns what serves a sequencer that is no device file. `stat` would not tell: the kernel answers it for a server
/// that has ended.
fn mounted(device: &Path) -> Sequencer {
    let server = Mount::at(device).and_then(|mount| mount.map(|mount| mount.server()).transpose());
    match server {
        Ok(Some(ServerState::Dead)) => Sequencer::Stale,
        Ok(Some(ServerState::Lives | ServerState::Silent | ServerState::OfAnother { .. })) => {
            Sequencer::Aseqd
        }
        // Inside a run through another door, it is no mount.
        Ok(None) | Err(_) if device.exists() => Sequencer::Aseqd,
        Ok(None) | Err(_) => Sequencer::Nobody,
    }
}

/// Returns whether the kernel's sequencer has UMP, if it can be asked.
fn kernel_has_ump() -> Option<bool> {
    let client = Client::open(aseqd_client::DEVICE, "aseqd doctor").ok()?;
    match client.set_protocol(Protocol::Midi1) {
        Ok(()) => Some(true),
        Err(Error::Unsupported { .. }) => Some(false),
        Err(_) => None,
    }
}

impl Found {
    fn here(places: Vec<Place>, own: Standing, doors: Vec<Tried>) -> Self {
        let opened = |path: &str| OpenOptions::new().read(true).write(true).open(path).map(drop);
        let fuse = opened("/dev/fuse");
        let user = rustix::process::geteuid();
        let why = |opened: &io::Result<()>| opened.as_ref().err().map(reason);
        Self {
            places,
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            uid: user.as_raw(),
            devices: vec![("/dev/fuse", why(&fuse)), ("/dev/cuse", why(&opened("/dev/cuse")))],
            sequencer: match own {
                Standing::Kernels => Sequencer::Kernel,
                Standing::Served => Sequencer::Aseqd,
                Standing::Stale => Sequencer::Stale,
                Standing::Nothing => mounted(Path::new(aseqd_client::DEVICE)),
            },
            ump: if own == Standing::Kernels { kernel_has_ump() } else { None },
            doors,
            virtual_time: None,
            needs: Needs::here(Path::new("/"), DeviceState::of(&fuse), user.is_root()),
        }
    }

    /// Returns the door that `aseqd run` takes: the first that works.
    fn taken(&self) -> Option<Via> {
        self.doors.iter().find(|door| door.refused.is_none()).map(|door| door.via)
    }

    /// Returns what to add for the best door; nothing if it works already.
    fn advice(&self) -> Vec<&'static str> {
        match self.taken() {
            Some(Via::Fuse) => Vec::new(),
            _ => advice::lines(&self.places, self.needs),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut fact = |name: &str, value: &str| {
            let _infallible = writeln!(text, "{name:10}{value}");
        };
        let names: Vec<_> = self.places.iter().map(|place| place.name()).collect();
        fact("here", &if names.is_empty() { "a machine".to_owned() } else { names.join(", in ") });
        fact("Linux", &self.kernel);
        fact("user", &if self.uid == 0 { "root".to_owned() } else { format!("uid {}", self.uid) });
        for (path, refused) in &self.devices {
            let name = path.trim_start_matches("/dev/").to_uppercase();
            fact(
                &name,
                &match refused {
                    None => format!("{path} can be opened"),
                    Some(why) => format!("{path} cannot be opened: {why}"),
                },
            );
        }
        fact("sequencer", self.sequencer.text());
        let ump = match self.ump {
            Some(true) => "the kernel's sequencer has UMP (MIDI 2.0)",
            Some(false) => {
                "the kernel's sequencer has no UMP (MIDI 2.0); `aseqd run --ump on` has it"
            }
            None => "`aseqd run --ump on` has UMP (MIDI 2.0)",
        };
        fact("UMP", ump);
        let _infallible = writeln!(text, "\n{HEAD}Doors of `aseqd run`, best first:{HEAD:#}");
        for Tried { via, refused } in &self.doors {
            let name = via.to_string();
            let _infallible = match refused {
                None => writeln!(text, "  {name:10}{WORKS}works{WORKS:#}; {}", advice::loss(*via)),
                Some(why) => writeln!(text, "  {name:10}{REFUSED}{why}{REFUSED:#}"),
            };
        }
        let _infallible = match self.taken() {
            Some(via) => writeln!(text, "`aseqd run` takes {via}."),
            None => writeln!(text, "`aseqd run` does not work here."),
        };
        let _infallible = match &self.virtual_time {
            None => Ok(()),
            Some(None) => {
                writeln!(text, "Virtual time (`aseqd run --time virtual`): {WORKS}works{WORKS:#}")
            }
            Some(Some(why)) => writeln!(
                text,
                "Virtual time (`aseqd run --time virtual`): {REFUSED}{why}{REFUSED:#}"
            ),
        };
        let advice = self.advice();
        if !advice.is_empty() {
            let _infallible =
                write!(text, "\n{HEAD}For the door fuse{HEAD:#}, {}", advice::LOSSLESS);
            text.extend(advice.iter().map(|line| format!("  {line}\n")));
        }
        text
    }

    fn json(&self) -> Value {
        let door = |door: &Tried| {
            json!({
                "door": door.via.to_string(),
                "works": door.refused.is_none(),
                "reason": door.refused,
                "notice": advice::loss(door.via),
            })
        };
        let device = |(path, refused): &(&str, Option<String>)| json!({ "path": path, "works": refused.is_none(), "reason": refused });
        json!({
            "places": self.places.iter().map(|place| place.id()).collect::<Vec<_>>(),
            "kernel": self.kernel,
            "uid": self.uid,
            "devices": self.devices.iter().map(device).collect::<Vec<_>>(),
            "sequencer": self.sequencer.id(),
            "ump": self.ump,
            "doors": self.doors.iter().map(door).collect::<Vec<_>>(),
            "taken": self.taken().map(|via| via.to_string()),
            "virtual_time": self.virtual_time.as_ref().map(|refused| {
                json!({ "works": refused.is_none(), "reason": refused })
            }),
            "advice": self.advice(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(via: Via, refused: Option<&str>) -> Tried {
        Tried { via, refused: refused.map(str::to_owned) }
    }

    fn found(places: Vec<Place>, sequencer: Sequencer, doors: Vec<Tried>) -> Found {
        let needs =
            Needs { root: true, fuse: DeviceState::Missing, no_namespaces: false, apparmor: false };
        let devices = vec![("/dev/fuse", Some("no such file or directory".to_owned()))];
        let kernel = "6.12".into();
        let virtual_time = None;
        Found { places, kernel, uid: 0, devices, sequencer, ump: None, doors, virtual_time, needs }
    }

    fn plain(found: &Found) -> String {
        anstream::adapter::strip_str(&found.text()).to_string()
    }

    #[test]
    fn a_bare_container_is_told_its_options() {
        let doors = vec![
            tried(Via::Fuse, Some("/dev/fuse cannot be opened: no such file")),
            tried(Via::Handover, Some("nothing can be mounted")),
            tried(Via::Preload, None),
            tried(Via::Trap, None),
        ];
        let found = found(vec![Place::Docker], Sequencer::Nobody, doors);
        let text = plain(&found);
        assert!(text.starts_with("here      a Docker container\nLinux     6.12\n"), "{text}");
        assert!(text.contains("  fuse      /dev/fuse cannot be opened"), "{text}");
        assert!(text.contains("  preload   works; "), "{text}");
        assert!(text.contains("`aseqd run` takes preload."), "{text}");
        let wanted =
            "docker run --device /dev/fuse --cap-add SYS_ADMIN --security-opt apparmor=unconfined";
        assert!(text.contains(wanted), "{text}");
        let json = found.json();
        assert_eq!(json["places"], json!(["docker"]));
        assert_eq!(json["taken"], "preload");
        assert_eq!(json["doors"][1]["works"], false);
        assert_eq!(json["doors"][1]["reason"], "nothing can be mounted");
        assert_eq!(json["doors"][2]["reason"], Value::Null);
        assert!(json["advice"][0].as_str().unwrap().starts_with(wanted));
    }

    #[test]
    fn the_line_about_ump_is_about_the_kernel() {
        for (ump, line) in [
            (None, "UMP       `aseqd run --ump on` has UMP (MIDI 2.0)\n"),
            (Some(true), "UMP       the kernel's sequencer has UMP (MIDI 2.0)\n"),
            (Some(false), "has no UMP (MIDI 2.0); `aseqd run --ump on` has it\n"),
        ] {
            let doors = vec![tried(Via::Fuse, None)];
            let found = Found { ump, ..found(vec![], Sequencer::Kernel, doors) };
            assert!(plain(&found).contains(line), "{}", plain(&found));
            assert_eq!(found.json()["ump"], json!(ump));
        }
    }

    #[test]
    fn whether_virtual_time_works_is_said() {
        let tried_with = |virtual_time| {
            let doors = vec![tried(Via::Fuse, None)];
            Found { virtual_time, ..found(vec![], Sequencer::Nobody, doors) }
        };
        let works = tried_with(Some(None));
        assert!(plain(&works).ends_with("(`aseqd run --time virtual`): works\n"));
        assert_eq!(works.json()["virtual_time"], json!({ "works": true, "reason": null }));
        let refused = tried_with(Some(Some("no ptrace".to_owned())));
        assert!(plain(&refused).ends_with("virtual`): no ptrace\n"), "{}", plain(&refused));
        assert_eq!(refused.json()["virtual_time"]["works"], false);
        assert_eq!(tried_with(None).json()["virtual_time"], Value::Null);
    }

    #[test]
    fn if_the_best_door_works_nothing_is_advised() {
        let well = found(vec![], Sequencer::Nobody, vec![tried(Via::Fuse, None)]);
        assert!(plain(&well).ends_with("`aseqd run` takes fuse.\n"), "{}", plain(&well));
        assert_eq!(well.json()["advice"], json!([]));
        let text = plain(&found(vec![], Sequencer::Kernel, vec![tried(Via::Fuse, Some("no"))]));
        assert!(text.contains("the kernel has one"), "{text}");
        assert!(text.contains("does not work here"), "{text}");
    }
}
