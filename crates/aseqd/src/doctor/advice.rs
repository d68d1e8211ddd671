//! What programs notice of each door, and what to add at each place for the best one.

use super::place::Place;
use crate::run::Via;
use std::io;
use std::path::Path;

/// The facts on which the advice depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    /// Whether the user is root.
    pub(super) root: bool,
    /// Whether `/dev/fuse` can be opened.
    pub(super) fuse: DeviceState,
    /// Whether the kernel forbids ordinary users to make user namespaces.
    pub(super) no_namespaces: bool,
    /// Whether AppArmor does.
    pub(super) apparmor: bool,
}

/// The state of a device file, from an attempt to open it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeviceState {
    Opens,
    /// There is no such file, or no driver behind it.
    Missing,
    /// The file is there, and its mode or a device cgroup forbids it.
    Denied,
}

impl DeviceState {
    pub(super) fn of(opened: &io::Result<()>) -> Self {
        match opened {
            Ok(()) => Self::Opens,
            Err(error) => match error.kind() {
                io::ErrorKind::PermissionDenied => Self::Denied,
                _ => Self::Missing,
            },
        }
    }
}

impl Needs {
    /// Reads the settings of the kernel, in `/proc/sys` below `root`.
    pub(super) fn here(root: &Path, fuse: DeviceState, is_root: bool) -> Self {
        let setting = |name: &str| {
            let text = std::fs::read_to_string(root.join("proc/sys").join(name)).ok()?;
            text.trim().parse::<u64>().ok()
        };
        Self {
            root: is_root,
            fuse,
            no_namespaces: setting("user/max_user_namespaces") == Some(0)
                || setting("kernel/unprivileged_userns_clone") == Some(0),
            apparmor: setting("kernel/apparmor_restrict_unprivileged_userns") == Some(1),
        }
    }

    /// Returns the lines for a machine that is no container.
    fn machine(self) -> Vec<&'static str> {
        let mut lines = Vec::new();
        match (self.fuse, self.root) {
            (DeviceState::Opens, _) => {}
            (DeviceState::Missing, true) => lines.push("modprobe fuse"),
            (DeviceState::Missing, false) => lines.push("sudo modprobe fuse"),
            // As distributions have it: mounting needs more than this file.
            (DeviceState::Denied, true) => lines.push("chmod 0666 /dev/fuse"),
            (DeviceState::Denied, false) => lines.push("sudo chmod 0666 /dev/fuse"),
        }
        if !self.root {
            if self.no_namespaces {
                lines.push("sudo sysctl user.max_user_namespaces=10000");
                lines.push("Debian before 11 also: sudo sysctl kernel.unprivileged_userns_clone=1");
            }
            if self.apparmor {
                lines.push("sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0");
            }
            lines.push("Or, for the whole machine: sudo aseqd serve");
        }
        lines
    }
}

/// What makes the door `fuse` the best.
pub(super) const LOSSLESS: &str = "through which programs notice least:\n";

/// Returns what a program could notice of a door.
pub(super) const fn loss(via: Via) -> &'static str {
    match via {
        Via::Fuse => {
            "the device looks like a regular file; no SIGIO; no /proc/asound, which the other doors have"
        }
        Via::Handover => "an open file looks like a regular file; no SIGIO; no `cd /dev/snd`",
        Via::Preload => {
            "for dynamically linked programs, of glibc or musl; adds one library to each process"
        }
        Via::Trap => "for every program; calls on the sequencer take longer",
    }
}

const DOCKER: &[&str] = &[
    "docker run --device /dev/fuse --cap-add SYS_ADMIN --security-opt apparmor=unconfined IMAGE",
    "compose.yaml, in the service:",
    "    devices: [/dev/fuse]",
    "    cap_add: [SYS_ADMIN]",
    "    security_opt: [\"apparmor:unconfined\"]",
    "A Dockerfile cannot add a device. `ENTRYPOINT [\"aseqd\", \"run\", \"--\"]` gives every command a sequencer",
    "through the best door that works.",
    "Or share one, without any privilege: run `sudo aseqd serve --mount /run/midi --mode 0666` on the machine, and",
    "docker run -v /run/midi:/dev/snd IMAGE",
];
const PODMAN: &[&str] = &[
    "podman run --device /dev/fuse IMAGE",
    "and with SELinux: --security-opt label=disable",
    "Or share one: run `aseqd serve --mount \"$XDG_RUNTIME_DIR/midi\"` on the machine, and",
    "podman run -v \"$XDG_RUNTIME_DIR/midi:/dev/snd\" IMAGE",
];
const KUBERNETES: &[&str] = &[
    "in the container's securityContext: privileged: true",
    "Or share the node's: run `aseqd serve` there, and use a hostPath volume of /run/aseqd with",
    "    - {name: midi, mountPath: /dev/snd, mountPropagation: HostToContainer}",
];
const CONTAINER: &[&str] = &[
    "/dev/fuse in the container, and the right to mount: CAP_SYS_ADMIN or user namespaces",
    "(LXC: features: fuse=1,nesting=1).",
];
const FLATPAK: &[&str] = &[
    "A Flatpak may not mount. Run `sudo aseqd serve` on the machine, and let the Flatpak see its devices:",
    "flatpak override --user --device=all APP",
];
const GITHUB: &[&str] = &[
    "a step before it: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    "(the action of this project does it).",
];
const GITHUB_CONTAINER: &[&str] = &[
    "workflow, in the job's `container:`:",
    "    options: --device /dev/fuse --cap-add SYS_ADMIN --security-opt apparmor=unconfined",
];
const GITLAB: &[&str] = &[
    "the runner's config.toml, in [runners.docker]:",
    "    devices = [\"/dev/fuse\"]",
    "    cap_add = [\"SYS_ADMIN\"]",
    "    security_opt = [\"apparmor:unconfined\"]",
];
const WSL: &[&str] = &[
    "Or, for all programs: `sudo aseqd serve`; with systemd (/etc/wsl.conf: [boot] systemd=true)",
    "`sudo systemctl enable --now aseqd`.",
];
const SYSTEMD: &[&str] = &[
    "the unit, in [Service]:",
    "    RestrictNamespaces=no",
    "    PrivateDevices=no",
    "    DeviceAllow=/dev/fuse rw",
    "    SystemCallFilter=@mount",
];

/// Returns what to add at these places, as lines.
pub(super) fn lines(places: &[Place], needs: Needs) -> Vec<&'static str> {
    let container = |place: &Place| matches!(place, Place::Docker | Place::Podman);
    let in_container = places.iter().any(container);
    let mut advice: Vec<Vec<&'static str>> = Vec::new();
    for place in places {
        let lines: &[&str] = match place {
            // The runner starts the container, so the options are the runner's, below.
            Place::Docker
                if places.iter().any(|place| matches!(place, Place::GitHub | Place::GitLab)) =>
            {
                continue;
            }
            Place::Docker => DOCKER,
            Place::Podman => PODMAN,
            Place::Kubernetes => KUBERNETES,
            Place::OtherContainer => CONTAINER,
            Place::Flatpak => FLATPAK,
            Place::GitHub if in_container => GITHUB_CONTAINER,
            Place::GitHub => GITHUB,
            Place::GitLab => GITLAB,
            // The container refuses, not WSL.
            Place::Wsl if in_container => continue,
            Place::Wsl => {
                let or = |line: &&str| !line.starts_with("Or, for the whole machine");
                advice.push(needs.machine().into_iter().filter(or).collect());
                WSL
            }
            Place::Systemd => SYSTEMD,
        };
        advice.push(lines.to_vec());
    }
    if advice.is_empty() {
        advice.push(needs.machine());
    }
    advice.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs =
        Needs { root: false, fuse: DeviceState::Opens, no_namespaces: false, apparmor: false };

    fn text(places: &[Place], needs: Needs) -> String {
        lines(places, needs).join("\n")
    }

    #[test]
    fn every_place_has_its_lines() {
        let of = |places: &[Place]| text(places, NEEDS);
        assert!(of(&[Place::Docker]).contains("docker run --device /dev/fuse"));
        assert!(of(&[Place::Podman]).contains("podman run --device /dev/fuse"));
        assert!(of(&[Place::Kubernetes]).contains("privileged: true"));
        assert!(of(&[Place::OtherContainer]).contains("CAP_SYS_ADMIN"));
        assert!(of(&[Place::Flatpak]).contains("flatpak override --user --device=all"));
        assert!(of(&[Place::GitHub]).contains("sudo sysctl"));
        assert!(of(&[Place::GitLab]).contains("config.toml"));
        assert!(of(&[Place::Wsl]).contains("wsl.conf"));
        assert!(of(&[Place::Systemd]).contains("DeviceAllow=/dev/fuse rw"));
        assert_eq!(of(&[]), "Or, for the whole machine: sudo aseqd serve");
    }

    #[test]
    fn a_module_is_proposed_where_the_device_is_missing_and_a_mode_where_it_is_denied() {
        let missing = Needs { fuse: DeviceState::Missing, ..NEEDS };
        let denied = Needs { fuse: DeviceState::Denied, ..NEEDS };
        for places in [&[][..], &[Place::Wsl]] {
            let text = |needs| text(places, needs);
            assert!(text(missing).starts_with("sudo modprobe fuse\n"));
            assert!(text(denied).starts_with("sudo chmod 0666 /dev/fuse\n"));
            assert!(!text(denied).contains("modprobe") && !text(NEEDS).contains("modprobe"));
        }
        assert_eq!(text(&[], Needs { root: true, ..missing }), "modprobe fuse");
        assert_eq!(text(&[], Needs { root: true, ..denied }), "chmod 0666 /dev/fuse");
        let refused = |number| DeviceState::of(&Err(io::Error::from_raw_os_error(number)));
        assert_eq!(refused(libc::EACCES), DeviceState::Denied);
        assert_eq!(refused(libc::EPERM), DeviceState::Denied);
        for number in [libc::ENOENT, libc::ENODEV, libc::ENXIO] {
            assert_eq!(refused(number), DeviceState::Missing);
        }
    }

    #[test]
    fn settings_of_the_kernel_are_proposed_where_they_forbid() {
        let root = tempfile::tempdir().unwrap();
        let set = |name: &str, value: &str| {
            let path = root.path().join("proc/sys").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, value).unwrap();
        };
        let here = || Needs::here(root.path(), DeviceState::Opens, false);
        assert_eq!(here(), NEEDS);
        set("user/max_user_namespaces", "15000\n");
        set("kernel/apparmor_restrict_unprivileged_userns", "0\n");
        assert_eq!(here(), NEEDS);
        set("user/max_user_namespaces", "0\n");
        assert!(text(&[], here()).contains("sysctl user.max_user_namespaces=10000"));
        set("kernel/apparmor_restrict_unprivileged_userns", "1\n");
        assert!(text(&[], here()).contains("kernel.apparmor_restrict_unprivileged_userns=0"));
    }

    #[test]
    fn the_options_of_a_jobs_container_are_in_the_workflow() {
        let of = |places: &[Place]| text(places, Needs { root: true, ..NEEDS });
        let text = of(&[Place::Docker, Place::GitHub]);
        assert!(
            text.contains("options: --device /dev/fuse") && !text.contains("docker run"),
            "{text}"
        );
        let text = of(&[Place::Docker, Place::Wsl]);
        assert!(text.contains("docker run") && !text.contains("wsl.conf"), "{text}");
    }
}
