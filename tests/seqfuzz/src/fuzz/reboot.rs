//! Campaigns on the machine that they are about: what it ran when it died is found at the next start.

use super::watch::current;
use super::{finding, history};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Another one after each start of the machine.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

fn mark(dir: &Path) -> PathBuf {
    dir.join("running")
}

/// Notes that a campaign runs.
pub(super) fn begin(dir: &Path) -> io::Result<()> {
    let file = fs::File::create(mark(dir))?;
    fs::write(mark(dir), fs::read_to_string(BOOT_ID).unwrap_or_default())?;
    file.sync_all()
}

/// Notes that it has ended.
pub(super) fn end(dir: &Path) -> io::Result<()> {
    fs::remove_file(mark(dir))
}

/// Makes a finding of the last programs of a campaign that has not ended, if the machine was started since.
pub(super) fn look_back(dir: &Path) -> io::Result<()> {
    let Ok(before) = fs::read_to_string(mark(dir)) else { return Ok(()) };
    if before.trim() == fs::read_to_string(BOOT_ID).unwrap_or_default().trim() {
        return Ok(());
    }
    let jobs = fs::read_dir(dir.join("jobs"))?.flatten().filter_map(|file| {
        let name = file.file_name().into_string().ok()?;
        name.strip_suffix(".current")?.parse().ok()
    });
    for job in jobs.collect::<Vec<usize>>() {
        let program = current(&dir.join("jobs").join(format!("{job}.current")));
        let report = "lost connection to test machine\n";
        let log =
            "The machine was started again while this campaign ran; see its own log, or pstore.\n";
        let (folder, new) = finding::store(dir, report, log, &program)?;
        if new {
            finding::keep_history(&folder, &history::path(dir, job))?;
            eprintln!(
                "seqfuzz: this machine died during the last campaign: {} has the last programs",
                folder.display()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{begin, end, finding, fs, look_back, mark};

    #[test]
    fn what_ran_when_the_machine_died_is_a_finding_after_its_restart() {
        let dir = std::env::temp_dir().join(format!("seqfuzz-reboot-{}", std::process::id()));
        fs::create_dir_all(dir.join("jobs")).expect("a folder");
        let (first, last) = ("mode still\nc0.open access=2\n", "mode still\nc0.poll\n");
        fs::write(dir.join("jobs/0.current"), format!("{last}\0{first}")).expect("written");
        fs::write(dir.join("jobs/0.history"), format!("{first}{last}")).expect("written");
        look_back(&dir).expect("nothing ran");
        begin(&dir).expect("written");
        // The machine was not restarted, or the campaign had ended.
        look_back(&dir).expect("the same start of the machine");
        end(&dir).expect("it was there");
        look_back(&dir).expect("ended");
        assert_eq!(finding::all(&dir), []);
        begin(&dir).expect("written");
        fs::write(mark(&dir), "01234567-89ab-cdef-0123-456789abcdef\n").expect("written");
        look_back(&dir).expect("stored");
        let found = finding::all(&dir);
        let folder = found[0].folder.clone();
        let read = |name| fs::read_to_string(folder.join(name)).expect("a file");
        assert_eq!((found.len(), read("found").as_str()), (1, last));
        assert_eq!(read("history"), format!("{first}{last}"));
        assert_eq!(found[0].title, "lost connection to test machine");
        fs::remove_dir_all(&dir).expect("there");
    }
}
