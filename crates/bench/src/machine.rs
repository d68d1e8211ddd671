//! The machine on which the table was measured.

use std::fs;

/// The machine, as the head of the table describes it.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) cpu: String,
    pub(super) cpus: usize,
    pub(super) kernel: String,
    /// Load averages of 1, 5 and 15 minutes at the start of the bench.
    pub(super) load: [f64; 3],
    /// Whether the machine is virtual. Maxima may then be the host's.
    pub(super) virtual_machine: bool,
    pub(super) root: bool,
}

impl Machine {
    /// Describes this machine.
    pub(super) fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = cpuinfo.lines().find(|line| line.starts_with(name))?;
            line.split_once(':').map(|(_, value)| value.trim().to_owned())
        };
        let uname = rustix::system::uname();
        let release = uname.release().to_string_lossy();
        let version = uname.version().to_string_lossy();
        let architecture = uname.machine().to_string_lossy();
        Self {
            cpu: field("model name").unwrap_or_else(|| architecture.into_owned()),
            cpus: cpus(),
            kernel: format!("{release} ({version})"),
            load: load(),
            virtual_machine: field("flags")
                .is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor")),
            root: rustix::process::geteuid().is_root(),
        }
    }
}

/// Returns how many CPUs this process may use.
pub(super) fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn load() -> [f64; 3] {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut fields = text.split_whitespace().map(|field| field.parse().unwrap_or(0.0));
    std::array::from_fn(|_| fields.next().unwrap_or(0.0))
}
