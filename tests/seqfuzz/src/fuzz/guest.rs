//! The part of a campaign that runs in a machine: mounts the campaign's folder and starts the process that runs programs.

use super::machine::TAG;
use super::modules;
use super::watch::ENDED;
use rustix::mount::{MountFlags, mount};
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Maximum number of machines that share one folder.
const JOBS: usize = 64;
/// Time in which a process ends after it has said that it will. If a thread of it sleeps in the kernel for ever, it never
/// does.
const LAST_STEPS: Duration = Duration::from_secs(10);
/// The exit status that asks for another machine.
pub(super) const RESTART: i32 = 87;
/// Where the folder is in the machine.
const FOLDER: &str = "/tmp/seqfuzz";

/// Settings of the kernel, as far as it has them: all messages go to the console, and tasks that hang are reported. The
/// process looks after its own thread; this is for the kernel's threads, and long enough for a busy host.
const SETTINGS: [(&str, &str); 4] = [
    ("/proc/sys/kernel/printk", "8"),
    ("/proc/sys/kernel/hung_task_timeout_secs", "240"),
    ("/proc/sys/kernel/hung_task_check_interval_secs", "20"),
    ("/proc/sys/kernel/hung_task_warnings", "-1"),
];

/// Runs the process of this machine until its time is over, and returns the exit status for the campaign. As the first
/// process of the machine, it switches it off instead.
///
/// # Errors
/// A message for people that says what is missing.
pub fn guest() -> Result<i32, String> {
    let first = std::process::id() == 1;
    if first {
        for (kind, at) in
            [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("tmpfs", "/tmp")]
        {
            let _exists = fs::create_dir_all(at);
            mounted(kind, kind, at, "").map_err(|error| format!("{kind}: {error}"))?;
        }
    }
    let loaded = if first { modules::load() } else { Ok(()) };
    let done = loaded.and_then(|()| work());
    if first {
        match &done {
            Ok(status) => println!("seqfuzz: ends with {status}"),
            Err(error) => println!("seqfuzz: {error}"),
        }
        rustix::fs::sync();
        rustix::system::reboot(rustix::system::RebootCommand::PowerOff)
            .map_err(|error| format!("the machine cannot be switched off: {error}"))?;
    }
    done
}

fn mounted(source: &str, kind: &str, at: &str, options: &str) -> io::Result<()> {
    let options = std::ffi::CString::new(options)?;
    Ok(mount(source, at, kind, MountFlags::empty(), options.as_c_str())?)
}

/// Mounts the campaign's folder. Returns the number of this machine.
fn folder() -> Result<usize, String> {
    fs::create_dir_all(FOLDER).map_err(|error| format!("{FOLDER}: {error}"))?;
    // Nothing is kept back: what is written is on the host when the call returns.
    let options = "trans=virtio,version=9p2000.L,cache=none,msize=131072";
    let mut last = None;
    for job in 0..JOBS {
        match mounted(&format!("{TAG}{job}"), "9p", FOLDER, options) {
            Ok(()) => return Ok(job),
            // The name of another one.
            Err(error) if error.kind() == io::ErrorKind::NotFound => last = Some(error),
            Err(error) => {
                return Err(format!(
                    "the campaign's folder cannot be mounted: {error}; the kernel needs 9P_FS and NET_9P_VIRTIO, and \
                     this command to be root"
                ));
            }
        }
    }
    let error = last.map_or_else(String::new, |error| error.to_string());
    Err(format!("no campaign shares its folder with this machine (tag {TAG}0): {error}"))
}

/// Does the work, and leaves word of how it has ended in the campaign's folder.
fn work() -> Result<i32, String> {
    let job = folder()?;
    let done = run(job);
    let told = match &done {
        Ok(status) => status.to_string(),
        Err(error) => error.clone(),
    };
    let path = PathBuf::from(FOLDER).join("jobs").join(format!("{job}.status"));
    fs::write(&path, told).map_err(|error| format!("{}: {error}", path.display()))?;
    done
}

fn run(job: usize) -> Result<i32, String> {
    for (file, value) in SETTINGS {
        let _without_it = fs::write(file, value);
    }
    let _without_it = mounted("debugfs", "debugfs", "/sys/kernel/debug", "");
    for device in ["/dev/snd/seq", "/dev/snd/timer"] {
        if !Path::new(device).exists() {
            return Err(format!(
                "there is no {device}; the kernel needs SND_SEQUENCER and SND_TIMER, built in or loaded"
            ));
        }
    }
    let jobs = PathBuf::from(FOLDER).join("jobs");
    let arguments = jobs.join(format!("{job}.guest"));
    let arguments = fs::read_to_string(&arguments)
        .map_err(|error| format!("{}: {error}", arguments.display()))?;
    let ended = jobs.join(format!("{job}.ended"));
    let time = fs::read_to_string(jobs.join(format!("{job}.time"))).ok();
    let time: Option<u64> = time.and_then(|time| time.trim().parse().ok());
    let began = Instant::now();
    loop {
        let _none_perhaps = fs::remove_file(&ended);
        let own = std::env::current_exe().unwrap_or_else(|_| "/init".into());
        let mut command = Command::new(&own);
        command.args(arguments.lines());
        if let Some(time) = time {
            let gone = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            command.arg("--time").arg(format!("{}ms", time.saturating_sub(gone)));
        }
        let child = command
            .arg(FOLDER)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", own.display()))?;
        match wait(child, &ended)? {
            Some(status) if status.code() == Some(ENDED) => {}
            Some(status) => {
                return Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)));
            }
            None => return Ok(RESTART),
        }
        // A re-run ends with what it finds.
        if arguments.lines().any(|word| word == "--replay") {
            return Ok(ENDED);
        }
    }
}

/// Waits for the end of a process. Returns nothing if it said that it ends, and does not.
fn wait(mut child: Child, said: &Path) -> Result<Option<ExitStatus>, String> {
    let mut since = None;
    loop {
        if let Some(status) = child.try_wait().map_err(|error| format!("a process: {error}"))? {
            return Ok(Some(status));
        }
        if said.exists() {
            let since = since.get_or_insert_with(Instant::now);
            if since.elapsed() > LAST_STEPS {
                return Ok(None);
            }
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}
