//! Two processes count in a file that both have mapped, each at another address. `two_processes` is
//! reported, `two_processes fixed` is not. The report names both processes.

#![expect(unsafe_code, reason = "memory that processes share")]

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::Command;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long each process counts.
const LENGTH: Duration = Duration::from_secs(1);

/// The counter in the file.
struct Counter(*mut u64);

impl Counter {
    fn map(path: &Path) -> std::io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let length = size_of::<u64>();
        // SAFETY: a new mapping where the kernel chooses.
        let place = unsafe {
            libc::mmap(null_mut(), length, access, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if place == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error());
        }
        Ok(Self(place.cast()))
    }

    #[inline(never)]
    fn count(&self, fixed: bool) {
        if fixed {
            // SAFETY: mapped, aligned to a page, and the other process uses it atomically too.
            let counter = unsafe { AtomicU64::from_ptr(self.0) };
            counter.fetch_add(1, Ordering::Relaxed);
        } else {
            // SAFETY: mapped and aligned; that another process writes there too is the defect.
            unsafe { *self.0 += 1 }
        }
    }
}

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let fixed = arguments.iter().any(|word| word == "fixed");
    let run = |path: &Path| -> std::io::Result<()> {
        let counter = Counter::map(path)?;
        let end = Instant::now() + LENGTH;
        while Instant::now() < end {
            counter.count(fixed);
        }
        Ok(())
    };
    if let Some(path) = arguments.iter().find(|word| word.contains('/')) {
        return run(Path::new(path));
    }
    let file = tempfile::NamedTempFile::new()?;
    file.as_file().set_len(4096)?;
    let mut other =
        Command::new(std::env::current_exe()?).args(arguments.first()).arg(file.path()).spawn()?;
    run(file.path())?;
    other.wait()?;
    Ok(())
}
