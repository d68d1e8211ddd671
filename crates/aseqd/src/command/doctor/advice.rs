//! What each door costs, and what to add where for the best.

use super::place::Place;
use crate::run::Via;

/// What makes it the best.
pub(super) const LOSSLESS: &str = "through which programs notice least:\n";

/// What a program could notice through a door.
pub(super) const fn loss(via: Via) -> &'static str {
    match via {
        Via::Fuse => "programs see a regular file, to which no SIGIO comes",
        Via::Handover => "as fuse, but /dev/snd cannot be listed, only opened",
        Via::Preload => "for programs that are linked with glibc; they have a library more",
        Via::Trap => "for every program; calls on the sequencer take longer",
    }
}

const DOCKER: &[&str] = &[
    "docker run --device /dev/fuse --cap-add SYS_ADMIN --security-opt apparmor=unconfined ...",
    "compose.yaml, in the service:",
    "    devices: [/dev/fuse]",
    "    cap_add: [SYS_ADMIN]",
    "    security_opt: [\"apparmor:unconfined\"]",
    "Dockerfile: no line gives a device. `ENTRYPOINT [\"aseqd\", \"run\", \"--\"]` gives every command a sequencer",
    "by the door that works.",
    "Or share one without any privilege: `sudo aseqd serve --mount /run/midi --mode 0666` on the machine, and",
    "docker run -v /run/midi:/dev/snd ...",
];
const PODMAN: &[&str] = &[
    "podman run --device /dev/fuse ...",
    "and with SELinux: --security-opt label=disable",
    "Or share one: `aseqd serve --mount \"$XDG_RUNTIME_DIR/midi\"` on the machine, and",
    "podman run -v \"$XDG_RUNTIME_DIR/midi:/dev/snd\" ...",
];
const KUBERNETES: &[&str] = &[
    "in the container's securityContext: privileged: true",
    "Or share the node's: `aseqd serve` there, a hostPath volume of /run/aseqd, and",
    "    - {name: midi, mountPath: /dev/snd, mountPropagation: HostToContainer}",
];
const CONTAINER: &[&str] = &[
    "/dev/fuse in the container, and the right to mount: CAP_SYS_ADMIN or user namespaces",
    "(LXC: features: fuse=1,nesting=1).",
];
const FLATPAK: &[&str] = &[
    "A Flatpak may not mount. Serve the machine, `sudo aseqd serve`, and show it:",
    "flatpak override --user --device=all APP",
];
const GITHUB: &[&str] = &[
    "a step before: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
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
    "sudo modprobe fuse",
    "or, for the whole of it, `sudo aseqd serve`; with systemd (/etc/wsl.conf: [boot] systemd=true)",
    "`sudo systemctl enable --now aseqd`.",
];
const SYSTEMD: &[&str] = &[
    "the unit, in [Service]:",
    "    RestrictNamespaces=no",
    "    PrivateDevices=no",
    "    DeviceAllow=/dev/fuse rw",
    "    SystemCallFilter=@mount",
];
const ROOT: &[&str] = &["modprobe fuse"];
const USER: &[&str] = &[
    "sudo modprobe fuse",
    "sudo sysctl user.max_user_namespaces=10000",
    "Ubuntu 24.04 and later: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    "Or, for the whole machine: sudo aseqd serve",
];

/// What to add, for the places that hold.
pub(super) fn lines(places: &[Place], root: bool) -> String {
    let container = |place: &Place| matches!(place, Place::Docker | Place::Podman);
    let in_container = places.iter().any(container);
    let mut advice: Vec<&[&str]> = Vec::new();
    for place in places {
        advice.push(match place {
            // Who runs it gives the options.
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
            // The container is what refuses.
            Place::Wsl if in_container => continue,
            Place::Wsl => WSL,
            Place::Systemd => SYSTEMD,
        });
    }
    if advice.is_empty() {
        advice.push(if root { ROOT } else { USER });
    }
    advice.concat().iter().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_its_lines() {
        let of = |places: &[Place]| lines(places, false);
        assert!(of(&[Place::Docker]).contains("docker run --device /dev/fuse"));
        assert!(of(&[Place::Podman]).contains("podman run --device /dev/fuse"));
        assert!(of(&[Place::Kubernetes]).contains("privileged: true"));
        assert!(of(&[Place::OtherContainer]).contains("CAP_SYS_ADMIN"));
        assert!(of(&[Place::Flatpak]).contains("flatpak override --user --device=all"));
        assert!(of(&[Place::GitHub]).contains("sudo sysctl"));
        assert!(of(&[Place::GitLab]).contains("config.toml"));
        assert!(of(&[Place::Wsl]).contains("wsl.conf"));
        assert!(of(&[Place::Systemd]).contains("DeviceAllow=/dev/fuse rw"));
        assert!(of(&[]).contains("sudo aseqd serve"));
        assert_eq!(lines(&[], true), "  modprobe fuse\n");
    }

    #[test]
    fn the_options_of_a_jobs_container_are_in_the_workflow() {
        let text = lines(&[Place::Docker, Place::GitHub], true);
        assert!(
            text.contains("options: --device /dev/fuse") && !text.contains("docker run"),
            "{text}"
        );
        let text = lines(&[Place::Docker, Place::Wsl], true);
        assert!(text.contains("docker run") && !text.contains("wsl.conf"), "{text}");
    }
}
