//! Capabilities by name.

use std::fmt;

/// By number, as in `linux/capability.h`.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// What a container of Docker's has if nothing else is asked for.
const DOCKER: [&str; 14] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "MKNOD",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "KILL",
    "AUDIT_WRITE",
];

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps(pub u64);

impl Caps {
    /// Docker's default.
    #[must_use]
    pub fn docker() -> Self {
        Self(DOCKER.iter().filter_map(|name| number(name)).fold(0, |set, bit| set | 1 << bit))
    }

    /// Adds the capability of that name, with or without `CAP_`, or all for `ALL`. False if there is none.
    pub fn add(&mut self, name: &str) -> bool {
        if name.eq_ignore_ascii_case("ALL") {
            self.0 = (1 << NAMES.len()) - 1;
            return true;
        }
        number(name).map(|bit| self.0 |= 1 << bit).is_some()
    }

    /// Takes one away, or all. False if there is no such name.
    pub fn drop_named(&mut self, name: &str) -> bool {
        if name.eq_ignore_ascii_case("ALL") {
            self.0 = 0;
            return true;
        }
        number(name).map(|bit| self.0 &= !(1 << bit)).is_some()
    }

    /// Is the capability of that name in it?
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        number(name).is_some_and(|bit| self.0 & 1 << bit != 0)
    }
}

impl fmt::Display for Caps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

fn number(name: &str) -> Option<usize> {
    let upper = name.to_ascii_uppercase();
    let short = upper.strip_prefix("CAP_").unwrap_or(&upper);
    NAMES.iter().position(|known| *known == short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_what_a_container_shows() {
        // CapEff of root in a container of Docker's.
        assert_eq!(Caps::docker().to_string(), "00000000a80425fb");
        assert_eq!(number("CAP_SYS_ADMIN"), Some(21));
        assert_eq!(number("checkpoint_restore"), Some(40));
    }

    #[test]
    fn names_add_and_drop() {
        let mut caps = Caps::docker();
        assert!(!caps.has("SYS_ADMIN"));
        assert!(caps.add("cap_sys_admin") && caps.has("SYS_ADMIN"));
        assert!(caps.drop_named("SYS_ADMIN") && caps == Caps::docker());
        assert!(!caps.add("NONSENSE") && !caps.drop_named("NONSENSE"));
        assert!(caps.drop_named("all") && caps == Caps(0));
        assert!(caps.add("ALL") && caps.has("CHOWN") && caps.has("CHECKPOINT_RESTORE"));
    }
}
