//! Finds out what kind of place this is: a container, a runner, a sandbox.

use std::fs;
use std::path::Path;

/// A place that decides what is allowed. There can be several at once, such as a container on a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Docker,
    Podman,
    Kubernetes,
    /// LXC, systemd-nspawn, or another container.
    OtherContainer,
    Flatpak,
    GitHub,
    GitLab,
    Wsl,
    Systemd,
}

impl Place {
    /// Returns the place's name in JSON.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Kubernetes => "kubernetes",
            Self::OtherContainer => "container",
            Self::Flatpak => "flatpak",
            Self::GitHub => "github-actions",
            Self::GitLab => "gitlab-ci",
            Self::Wsl => "wsl2",
            Self::Systemd => "systemd",
        }
    }

    /// Returns the place's name in text.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Docker => "a Docker container",
            Self::Podman => "a Podman container",
            Self::Kubernetes => "a Kubernetes pod",
            Self::OtherContainer => "a container",
            Self::Flatpak => "a Flatpak",
            Self::GitHub => "a GitHub Actions job",
            Self::GitLab => "a GitLab job",
            Self::Wsl => "WSL2",
            Self::Systemd => "a systemd service",
        }
    }
}

/// Returns the places that this process is in, the innermost first, from files below `root` and the environment.
/// `processes` are the ids of this process and of its parent.
pub(super) fn places(
    root: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
    processes: [i32; 2],
) -> Vec<Place> {
    let exists = |path: &str| root.join(path).exists();
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
    let groups = read("proc/1/cgroup");
    let any = |words: &[&str]| words.iter().any(|word| groups.contains(word));
    let mut found = Vec::new();
    if exists(".flatpak-info") {
        found.push(Place::Flatpak);
    }
    let kubernetes = set("KUBERNETES_SERVICE_HOST") || any(&["kubepods"]);
    let podman = exists("run/.containerenv") || any(&["libpod"]);
    let docker = exists(".dockerenv") || exists("run/.dockerenv") || any(&["docker"]);
    if kubernetes {
        found.push(Place::Kubernetes);
    } else if podman {
        found.push(Place::Podman);
    } else if docker {
        found.push(Place::Docker);
    } else if set("container") || any(&["lxc", "machine.slice", "containerd"]) {
        found.push(Place::OtherContainer);
    }
    // This process or its parent is the main process of a service. Others only inherit the variable.
    let own = |pid: String| pid.parse().is_ok_and(|pid| processes.contains(&pid));
    if environment("SYSTEMD_EXEC_PID").is_some_and(own) {
        found.push(Place::Systemd);
    }
    if environment("GITHUB_ACTIONS").as_deref() == Some("true") {
        found.push(Place::GitHub);
    }
    if set("GITLAB_CI") {
        found.push(Place::GitLab);
    }
    let kernel = read("proc/sys/kernel/osrelease").to_lowercase();
    if kernel.contains("microsoft") {
        found.push(Place::Wsl);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)], environment: &[(&str, &str)]) -> Vec<Place> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let value = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        places(root.path(), &value, [4321, 1234])
    }

    #[test]
    fn containers_are_known_by_their_files_and_groups() {
        assert_eq!(of(&[], &[]), []);
        assert_eq!(of(&[(".dockerenv", "")], &[]), [Place::Docker]);
        assert_eq!(of(&[("run/.dockerenv", "")], &[]), [Place::Docker]);
        let old = "4:memory:/docker/0123\n0::/system.slice/containerd.service\n";
        assert_eq!(of(&[("proc/1/cgroup", old)], &[]), [Place::Docker]);
        assert_eq!(of(&[("run/.containerenv", "")], &[("container", "podman")]), [Place::Podman]);
        let pod = "0::/kubepods/besteffort/pod0123\n";
        assert_eq!(of(&[("proc/1/cgroup", pod)], &[]), [Place::Kubernetes]);
        let host = [("KUBERNETES_SERVICE_HOST", "10.0.0.1")];
        assert_eq!(of(&[(".dockerenv", "")], &host), [Place::Kubernetes]);
        assert_eq!(of(&[], &[("container", "systemd-nspawn")]), [Place::OtherContainer]);
        assert_eq!(of(&[("proc/1/cgroup", "0::/init.scope\n")], &[]), []);
    }

    #[test]
    fn runners_kernels_and_sandboxes() {
        let release = ("proc/sys/kernel/osrelease", "6.6.87.2-microsoft-standard-WSL2\n");
        assert_eq!(of(&[release], &[]), [Place::Wsl]);
        assert_eq!(of(&[(".flatpak-info", "[Application]\n")], &[]), [Place::Flatpak]);
        assert_eq!(of(&[], &[("GITHUB_ACTIONS", "true")]), [Place::GitHub]);
        assert_eq!(of(&[], &[("GITHUB_ACTIONS", "false")]), []);
        assert_eq!(of(&[], &[("GITLAB_CI", "true")]), [Place::GitLab]);
        let both = of(&[(".dockerenv", "")], &[("GITHUB_ACTIONS", "true")]);
        assert_eq!(both, [Place::Docker, Place::GitHub]);
        // The main process of a service, its child, and a process that has only inherited the variable.
        assert_eq!(of(&[], &[("SYSTEMD_EXEC_PID", "4321")]), [Place::Systemd]);
        assert_eq!(of(&[], &[("SYSTEMD_EXEC_PID", "1234")]), [Place::Systemd]);
        assert_eq!(of(&[], &[("SYSTEMD_EXEC_PID", "1")]), []);
    }
}
