//! `aseqd serve --cuse`: serves real device files, as a driver does.

use super::{Access, NODE, SND_DIRECTORY, announce, record, serve};
use crate::cli::ServeArgs;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::SignalFd;
use aseqd_server::door::cuse::{self, DeviceFile, Made, Standing};
use aseqd_server::door::doors::Way;
use aseqd_server::door::nodes;
use aseqd_server::event_loop::Server;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long to wait until udev has set the permissions of a device; ours replace them. It takes milliseconds.
const UDEV_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn main(
    args: &ServeArgs,
    signals: &SignalFd,
    companions: &super::companions::Companions,
) -> Result<ExitCode, Fail> {
    if !rustix::process::geteuid().is_root() {
        return Err(Fail::new(
            "only root can make devices: give a directory of yours with `--mount DIR`, or use \
             `aseqd run -- CMD`",
        ));
    }
    let access = Access::of(args, true)?;
    super::refuse_real_sequencer()?;
    // Files that a killed server without --cuse has left.
    super::clear_snd()?;
    let number_is_free = cuse::number_is_free();
    let (mut ways, mut files) = (Vec::new(), Files(Vec::new()));
    for (at, (name, _)) in nodes().iter().enumerate() {
        let path = Path::new(SND_DIRECTORY).join(name);
        match cuse::standing(&path) {
            // The kernel's own timer device stays: it also has the timers of sound cards.
            Standing::Kernels => continue,
            Standing::Served => {
                return Err(Fail::new(format!("{} is served already", path.display())));
            }
            Standing::Stale => fs::remove_file(&path).with_context(|| {
                format!("{} of a device that is gone cannot be removed", path.display())
            })?,
            Standing::Nothing if path.exists() => {
                return Err(Fail::new(format!(
                    "{} is in the way and is no device: is another `aseqd serve` running?",
                    path.display()
                )));
            }
            Standing::Nothing => {}
        }
        let Made { device, file } = cuse::make(at, number_is_free)?;
        ways.push(Way::Device(device.into()));
        files.0.push(file);
    }
    for file in &files.0 {
        wait_for_udev(file);
        permit(&file.path, access)?;
    }
    record(args)?;
    let mut server =
        Server::new(ways, args.trace, &(&args.timing).into()).context("cannot start the server")?;
    let number = server.watch(signals).context("cannot wait for signals")?;
    announce(Path::new(NODE));
    let running = companions.start(Path::new(NODE));
    let ended = serve(&mut server, signals, number);
    running.stop();
    drop(server);
    running.finish();
    drop(files);
    ended.map(|()| ExitCode::SUCCESS)
}

/// The nodes of this server, which are removed when this is dropped.
#[derive(Debug)]
struct Files(Vec<DeviceFile>);

impl Drop for Files {
    fn drop(&mut self) {
        for file in self.0.iter().rev() {
            file.remove();
        }
    }
}

/// Sets the owner and permissions of a node. The kernel makes nodes for root alone.
fn permit(path: &Path, Access { mode, uid, gid }: Access) -> Result<(), Fail> {
    let failed = || format!("{} cannot be given its permissions", path.display());
    // The owner first, so that never more is allowed than was asked for.
    chown(path, Some(uid), Some(gid)).with_context(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).with_context(failed)
}

/// Waits until udev is done with a device, if udev runs: its rules would overwrite the permissions later.
fn wait_for_udev(file: &DeviceFile) {
    let done = Path::new("/run/udev/data").join(file.udev_name());
    let start = Instant::now();
    while Path::new("/run/udev/control").exists()
        && !done.exists()
        && start.elapsed() < UDEV_TIMEOUT
    {
        std::thread::sleep(Duration::from_millis(5));
    }
}
