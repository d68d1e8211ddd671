//! Machines that are started by a command, and see the campaign's folder as a file system.

use super::modules;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The name of the file system, with the number of the process behind it.
pub(super) const TAG: &str = "seqfuzz";
/// Time that a machine may take from its start to its first program. An emulated one takes 5 s, and minutes on a busy host.
pub(super) const BOOT: Duration = Duration::from_secs(600);
/// Time without a sign of life after which a machine is ended. The process in it gives up on a program sooner.
pub(super) const SILENCE: Duration = Duration::from_secs(300);
/// What every kernel is told: everything goes to the console, a report that the kernel does not survive ends it, the
/// allocator checks what is freed, as far as it was built to, and a CPU that does nothing for less than 4 minutes is no
/// finding, since an emulated one may get no processor for that long. What lasts longer is reported before [`SILENCE`].
pub(crate) const TOLD: &str = "ignore_loglevel panic=-1 oops=panic slub_debug=FZP kfence.sample_interval=20 \
    rcupdate.rcu_cpu_stall_timeout=240 rcupdate.rcu_exp_cpu_stall_timeout=240000 rcupdate.rcu_task_stall_timeout=240000 \
    watchdog_thresh=60 workqueue.watchdog_thresh=240";
/// How long a boot is given by whatever limits it, if the campaign has no end.
const FOREVER: Duration = Duration::from_secs(7 * 24 * 3600);

/// How a machine is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boot {
    /// By `tests/oracle/run`, with a kernel of that.
    Oracle {
        /// The script.
        run: PathBuf,
        /// The name of the kernel.
        kernel: String,
    },
    /// An image of a kernel, with this program and perhaps modules in its memory, and nothing else.
    Kernel {
        /// The image.
        image: PathBuf,
        /// The folder of its modules, if it does not have everything built in.
        modules: Option<PathBuf>,
        /// How the processor is emulated: `tcg` or `kvm`.
        accel: String,
    },
    /// A QEMU command, in words, that boots a system which runs `seqfuzz guest`. Its standard output is the console.
    Qemu(Vec<String>),
}

/// A kind of machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// How it is started.
    pub boot: Boot,
    /// This program, linked statically.
    pub binary: PathBuf,
    /// The number of its processors.
    pub cpus: usize,
    /// More of the kernel's command line.
    pub append: String,
    /// More modules, with their options.
    pub modules: Vec<String>,
}

/// Returns whether a file is a program that needs no loader.
#[must_use]
pub fn is_static(file: &Path) -> bool {
    let Ok(bytes) = fs::read(file) else { return false };
    let word = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let half = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let interpreted = || {
        let (table, size, count) = (word(32)?, half(54)?, half(56)?);
        let table = usize::try_from(table).ok()?;
        let mut kinds = (0..usize::from(count)).map(|row| half(table + row * usize::from(size)));
        // PT_INTERP
        Some(kinds.any(|kind| kind == Some(3)))
    };
    bytes.starts_with(b"\x7fELF\x02\x01") && interpreted() == Some(false)
}

/// Writes a comma as options of QEMU have it.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

impl Machine {
    /// Returns the command that starts one, whose console goes to a file.
    ///
    /// # Errors
    /// A message for people if a file cannot be written.
    pub(super) fn command(
        &self,
        dir: &Path,
        job: usize,
        console: &Path,
        time: Option<Duration>,
    ) -> Result<Command, String> {
        let tag = format!("{TAG}{job}");
        let mut command;
        match &self.boot {
            Boot::Oracle { run, kernel } => {
                let limit = time.map_or(FOREVER, |time| time + BOOT).as_secs();
                command = Command::new(run);
                command.args(["--kernel", kernel, "--timeout", &limit.to_string()]);
                command.args(["--cpus", &self.cpus.to_string(), "--module", "9p"]);
                command.args(["--module", "9pnet_virtio"]);
                self.modules.iter().for_each(|module| {
                    command.args(["--module", module]);
                });
                command.args(["--append", &format!("{TOLD} {}", self.append)]);
                command.arg("--add").arg(format!("{}:/bin/seqfuzz", self.binary.display()));
                command.arg("--share").arg(format!("{}:{tag}", dir.display()));
                command.arg("--log").arg(console).args(["--", "seqfuzz", "guest"]);
            }
            Boot::Kernel { image, modules, accel } => {
                let initrd = console.with_extension("initrd");
                self.pack(&initrd, modules.as_deref())?;
                let cpu = if accel == "kvm" { "host" } else { "max" };
                command = Command::new("qemu-system-x86_64");
                command.args([
                    "-nodefaults",
                    "-no-user-config",
                    "-M",
                    "q35,usb=off",
                    "-accel",
                    accel,
                ]);
                command.args(["-cpu", cpu, "-smp", &self.cpus.to_string(), "-m", "1024"]);
                command.args(["-display", "none", "-monitor", "none", "-no-reboot"]);
                command.arg("-kernel").arg(image).arg("-initrd").arg(&initrd);
                let append = &self.append;
                command.args(["-append", &format!("console=ttyS0 {TOLD} {append} -- guest")]);
                command.arg("-chardev");
                command.arg(format!("file,id=console,path={}", escaped(console)));
                command.args(["-serial", "chardev:console"]);
                shared(&mut command, dir, &tag);
            }
            Boot::Qemu(words) => {
                let (first, rest) = words.split_first().ok_or("--qemu wants a command")?;
                command = Command::new(first);
                command.args(rest);
                shared(&mut command, dir, &tag);
            }
        }
        Ok(command)
    }

    /// Writes a file system that has this program as its first process, and the modules that it loads.
    fn pack(&self, to: &Path, folder: Option<&Path>) -> Result<(), String> {
        let wrong = |path: &Path, error| format!("{}: {error}", path.display());
        let program = fs::read(&self.binary).map_err(|error| wrong(&self.binary, error))?;
        let mut archive = Vec::new();
        for folder in ["dev", "proc", "sys"] {
            add(&mut archive, folder, 0o040_755, (0, 0), &[]);
        }
        add(&mut archive, "dev/console", 0o020_600, (5, 1), &[]);
        add(&mut archive, "init", 0o100_755, (0, 0), &program);
        if let Some(folder) = folder {
            add(&mut archive, "modules", 0o040_755, (0, 0), &[]);
            for (name, bytes) in modules::packed(&modules::wanted(folder, &self.modules)?)? {
                add(&mut archive, &name, 0o100_644, (0, 0), &bytes);
            }
        }
        add(&mut archive, "TRAILER!!!", 0, (0, 0), &[]);
        fs::write(to, archive).map_err(|error| wrong(to, error))
    }
}

fn shared(command: &mut Command, dir: &Path, tag: &str) {
    command
        .arg("-fsdev")
        .arg(format!("local,id=seqfuzz,path={},security_model=none,multidevs=remap", escaped(dir)));
    command.arg("-device").arg(format!("virtio-9p-pci,fsdev=seqfuzz,mount_tag={tag}"));
}

/// Adds a file to an archive in the form `newc` of cpio, which the kernel unpacks.
fn add(archive: &mut Vec<u8>, name: &str, mode: u32, device: (u32, u32), data: &[u8]) {
    let number = u32::try_from(archive.len()).unwrap_or(u32::MAX);
    let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let name_size = u32::try_from(name.len() + 1).unwrap_or(u32::MAX);
    let fields = [number, mode, 0, 0, 1, 0, size, 0, 0, device.0, device.1, name_size, 0];
    archive.extend(b"070701");
    for field in fields {
        archive.extend(format!("{field:08x}").bytes());
    }
    archive.extend(name.bytes());
    archive.push(0);
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend(data);
    archive.resize(archive.len().next_multiple_of(4), 0);
}
