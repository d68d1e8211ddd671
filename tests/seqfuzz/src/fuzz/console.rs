//! What a process or a machine prints, read from outside while it is written.

use super::finding;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Time without a new line after which a report that has begun is taken as whole.
const QUIET: Duration = Duration::from_secs(2);
/// The number of bytes behind which what was looked at is not looked at again.
const MAX: usize = 1 << 20;

/// A file that grows.
#[derive(Debug)]
pub(super) struct Console {
    path: PathBuf,
    /// The number of bytes before the part that is looked at.
    start: usize,
    /// The number of bytes that were there.
    len: usize,
    grown: Instant,
    looked: bool,
    /// Groups of reports in this part that were told.
    told: usize,
}

/// A report of a console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its title by syzkaller's rules.
    pub(super) title: String,
    /// The report, and those that follow from it.
    pub(super) report: String,
}

impl Console {
    /// Watches a file, which need not be there yet.
    pub(super) fn new(path: &Path) -> Self {
        let path = path.to_owned();
        Self { path, start: 0, len: 0, grown: Instant::now(), looked: true, told: 0 }
    }

    /// Returns its text.
    pub(super) fn text(&self) -> String {
        let bytes = fs::read(&self.path).unwrap_or_default();
        let text = String::from_utf8_lossy(bytes.get(self.start..).unwrap_or_default());
        text.replace('\r', "")
    }

    /// Returns its last line that says anything.
    pub(super) fn last_line(&self) -> String {
        let text = self.text();
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        last.unwrap_or("it says nothing").to_owned()
    }

    /// Returns reports that are new and whole. Nothing more comes after the end.
    pub(super) fn reports(&mut self, ended: bool) -> Vec<Seen> {
        let len = fs::metadata(&self.path).map_or(0, |file| file.len());
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if len != self.len {
            (self.len, self.grown, self.looked) = (len, Instant::now(), false);
        }
        if self.looked || (!ended && self.grown.elapsed() < QUIET) {
            return Vec::new();
        }
        self.looked = true;
        let text = self.text();
        let log = kreport::read(&text);
        let new = log.groups.get(self.told..).unwrap_or_default();
        let seen = new.iter().filter_map(|group| {
            let text: String = group.members().map(|report| log.reports[report].text()).collect();
            Some(Seen { title: log.reports.get(group.cause)?.title.clone(), report: text })
        });
        // A title is that of the stored text, too.
        let seen: Vec<_> = seen.filter(|seen| finding::title(&seen.report) == seen.title).collect();
        self.told = log.groups.len();
        if len - self.start > MAX {
            (self.start, self.told) = (len, 0);
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::{Console, Seen};
    use std::fs;

    #[test]
    fn a_report_is_told_once_and_with_what_follows_from_it() {
        let path = std::env::temp_dir().join(format!("seqfuzz-console-{}", std::process::id()));
        let mut console = Console::new(&path);
        assert_eq!(console.reports(true), []);
        let warning = "[    1.000000] ------------[ cut here ]------------\r\n\
             [    1.000000] WARNING: CPU: 0 PID: 7 at sound/core/seq/seq_queue.c:1 snd_seq_x+0x1/0x2\r\n\
             [    1.000000] CPU: 0 PID: 7 Comm: seqfuzz Not tainted 6.12.0 #1\r\n\
             [    1.000000] Call Trace:\r\n[    1.000000]  <TASK>\r\n[    1.000000]  snd_seq_x+0x1/0x2\r\n\
             [    1.000000]  </TASK>\r\n[    1.000000] ---[ end trace 0000000000000000 ]---\r\n";
        fs::write(&path, warning).expect("written");
        // It may not be whole yet.
        assert_eq!(console.reports(false), []);
        let seen = console.reports(true);
        let titles = |seen: &[Seen]| seen.iter().map(|seen| seen.title.clone()).collect::<Vec<_>>();
        assert_eq!(titles(&seen), ["WARNING in snd_seq_x"]);
        assert_eq!(console.reports(true), []);
        let other = warning.replace("snd_seq_x", "snd_seq_y").replace("1.000000", "9.000000");
        fs::write(&path, format!("{warning}{other}")).expect("written");
        assert_eq!(titles(&console.reports(true)), ["WARNING in snd_seq_y"]);
        fs::remove_file(&path).expect("there");
    }
}
