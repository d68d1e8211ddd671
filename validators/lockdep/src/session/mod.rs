//! The file by which checked programs hand what they find to `lockdep-run`.
//!
//! The tool makes the file and names it in `LOCKDEP_SESSION`. Programs map it and write with plain stores, so nothing
//! is lost if a program closes its descriptors, leaves by `_exit`, is killed, forks, or becomes another program.
//!
//! The file has a head, an index of findings, rows of sections, and the texts of the findings. All numbers are
//! 64 bits wide and in the order of the processor.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

#[cfg(feature = "validate")]
pub(crate) mod writer;

/// The environment variable that names the file.
pub const VARIABLE: &str = "LOCKDEP_SESSION";
/// The first number of the file, which has the version of its form.
pub const MAGIC: u64 = u64::from_le_bytes(*b"lockdep3");

/// Numbers of the head, by index.
pub mod head {
    /// The magic number.
    pub const MAGIC: usize = 0;
    /// Maximum number of findings. The tool sets it.
    pub const LIMIT: usize = 1;
    /// How many findings were made. Those beyond the maximum are not in the file.
    pub const FOUND: usize = 2;
    /// How many bytes of texts were taken.
    pub const TEXT: usize = 3;
    /// How many findings had no room for their texts.
    pub const NO_ROOM: usize = 4;
    /// How many processes took part.
    pub const PROCESSES: usize = 5;
    /// How many times there was no row for a section.
    pub const NO_ROW: usize = 6;
    /// The process that took part last. A checked Rust program has the preloaded library too, and counts once.
    pub const LAST_PROCESS: usize = 7;
    /// Where it begins what became of the names of `--threads`, and behind them of those of `--functions`: a number each,
    /// with the bits of [`named`](super::named).
    pub const NAMES: usize = 8;
    /// Maximum number of such names.
    pub const NAMES_SIZE: usize = 54;
    /// How many waits for locks were written.
    pub const WAITS: usize = 62;
    /// The longest of them, in ns.
    pub const LONGEST_WAIT_NS: usize = 63;
}

/// What became of the name of a thread or of a function, a bit each.
pub mod named {
    /// A thread or a function has the name.
    pub const EXISTS: u64 = 1;
    /// A function with the name is called through a table, so its calls can be seen.
    pub const HAS_SLOT: u64 = 2;
    /// A call of such a function was seen.
    pub const HAS_RUN: u64 = 4;
    /// There were too many functions with the name.
    pub const LEFT_OUT: u64 = 8;
    /// The program lets the processor check return addresses, so functions cannot be followed.
    pub const IMPOSSIBLE: u64 = 16;
}

/// Numbers of a finding, by index.
pub mod finding {
    /// One of the states.
    pub const STATE: usize = 0;
    /// The offset of its text.
    pub const OFFSET: usize = 1;
    /// The length of its text in bytes.
    pub const LENGTH: usize = 2;
    /// How many times it came.
    pub const COUNT: usize = 3;
    /// The process.
    pub const PID: usize = 4;
    /// 0 for a report, or the time in ns that a thread waited for a lock.
    pub const WAITED_NS: usize = 5;
    /// How many numbers a finding has.
    pub const SIZE: usize = 8;
}

/// Numbers of a section's row, by index. Behind them are the name and the thread.
pub mod row {
    /// As that of a finding.
    pub const STATE: usize = 0;
    /// How many times the section ran.
    pub const RUNS: usize = 1;
    /// How long it ran altogether, in ns.
    pub const TOTAL_NS: usize = 2;
    /// How long the longest run took, in ns.
    pub const LONGEST_NS: usize = 3;
    /// How many times it waited for a lock.
    pub const WAITS: usize = 4;
    /// The longest wait for a lock, in ns.
    pub const LONGEST_WAIT_NS: usize = 5;
    /// How many calls there were in it that a finding is about.
    pub const FINDINGS: usize = 6;
    /// Where the name begins.
    pub const NAME: usize = 8;
    /// Length of the name, in numbers.
    pub const NAME_SIZE: usize = 16;
    /// Where the name of the thread begins.
    pub const THREAD: usize = 24;
    /// Length of the thread's name, in numbers.
    pub const THREAD_SIZE: usize = 2;
    /// How many numbers a row has.
    pub const SIZE: usize = 32;
}

/// States of findings and rows.
pub mod state {
    /// Nobody has written it.
    pub const FREE: u64 = 0;
    /// A program writes it, or ended while it wrote.
    pub const BUSY: u64 = 1;
    /// It is whole.
    pub const WHOLE: u64 = 2;
    /// It is whole, and about a thread that has not waited since. If the thread ends, it is dropped.
    pub const HELD: u64 = 3;
    /// Its thread has ended, or there was no room for its text.
    pub const DROPPED: u64 = 4;
}

/// Bytes of a number.
const WORD: usize = 8;
/// Numbers of the head.
const HEAD: usize = 64;
/// Maximum number of findings in a file. A program with more than this has other problems.
pub const MAX_FINDINGS: usize = 1 << 14;
/// Maximum number of waits for locks in a file. A wait is written only if it is a sixteenth longer than all before it, so
/// 512 suffice for 100 ns to a year.
const MAX_WAITS: usize = 512;
/// Maximum number of sections in a file, where threads of different names count as several.
pub const MAX_ROWS: usize = 512;
/// Bytes for texts. Pages that nobody writes take no memory. A report has 2 to 10 KiB.
const TEXT_BYTES: usize = 64 << 20;

const FINDINGS_AT: usize = HEAD;
/// Waits follow the findings, and have the same form.
const ROWS_AT: usize = FINDINGS_AT + (MAX_FINDINGS + MAX_WAITS) * finding::SIZE;
const TEXT_AT: usize = (ROWS_AT + MAX_ROWS * row::SIZE) * WORD;
/// Length of the file in bytes.
pub const LENGTH: usize = TEXT_AT + TEXT_BYTES;

/// Returns the index in the file of a finding's first number.
const fn finding_at(index: usize) -> usize {
    FINDINGS_AT + index * finding::SIZE
}

/// Returns the index in the file of a row's first number.
const fn row_at(index: usize) -> usize {
    ROWS_AT + index * row::SIZE
}

/// A finding as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The text of the report, or of the wait.
    pub text: String,
    /// How many times it came so far.
    pub count: u64,
    /// The process.
    pub pid: u64,
    /// 0 for a report, or the time in ns that a thread waited for a lock.
    pub waited_ns: u64,
}

/// What is known about a section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The name of the section.
    pub name: String,
    /// The name of the thread.
    pub thread: String,
    /// How many times the section ran.
    pub runs: u64,
    /// How long it ran altogether, in ns.
    pub total_ns: u64,
    /// How long the longest run took, in ns.
    pub longest_ns: u64,
    /// How many times it waited for a lock.
    pub waits: u64,
    /// The longest wait for a lock, in ns.
    pub longest_wait_ns: u64,
    /// How many calls there were in it that a finding is about.
    pub findings: u64,
}

/// The reading end of a session.
#[derive(Debug)]
pub struct Session(File);

impl Session {
    /// Makes an empty session in a file. At most `limit` findings are kept.
    ///
    /// # Errors
    ///
    /// Returns the error of writing to the file.
    pub fn create(file: File, limit: usize) -> io::Result<Self> {
        file.set_len(LENGTH as u64)?;
        let session = Self(file);
        session.set(head::LIMIT, limit.min(MAX_FINDINGS) as u64)?;
        session.set(head::MAGIC, MAGIC)?;
        Ok(session)
    }

    fn set(&self, index: usize, value: u64) -> io::Result<()> {
        self.0.write_all_at(&value.to_ne_bytes(), (index * WORD) as u64)
    }

    fn words<const N: usize>(&self, index: usize) -> io::Result<[u64; N]> {
        let mut words = [0; N];
        let mut bytes = vec![0; N * WORD];
        self.0.read_exact_at(&mut bytes, (index * WORD) as u64)?;
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(WORD)) {
            *word = bytes.try_into().map(u64::from_ne_bytes).unwrap_or_default();
        }
        Ok(words)
    }

    /// Returns a number of the head.
    ///
    /// # Errors
    ///
    /// Returns the error of reading the file.
    pub fn head(&self, index: usize) -> io::Result<u64> {
        self.words::<1>(index).map(|[word]| word)
    }

    /// Returns what became of the names of `--threads` and `--functions`, as the bits of [`named`].
    ///
    /// # Errors
    ///
    /// Returns the error of reading the file.
    pub fn names(&self) -> io::Result<[u64; head::NAMES_SIZE]> {
        self.words::<{ head::NAMES_SIZE }>(head::NAMES)
    }

    /// Returns how many findings were left out, because there were too many or they had no room.
    ///
    /// # Errors
    ///
    /// Returns the error of reading the file.
    pub fn left_out(&self) -> io::Result<u64> {
        let (found, limit) = (self.head(head::FOUND)?, self.head(head::LIMIT)?);
        Ok(found.saturating_sub(limit) + self.head(head::NO_ROOM)?)
    }

    /// Returns how many findings have a place in the file.
    ///
    /// # Errors
    ///
    /// Returns the error of reading the file.
    pub fn findings(&self) -> io::Result<usize> {
        let found = self.head(head::FOUND)?.min(self.head(head::LIMIT)?);
        Ok(usize::try_from(found).unwrap_or(usize::MAX).min(MAX_FINDINGS))
    }

    /// Returns whether a finding is one that was dropped.
    ///
    /// # Errors
    ///
    /// Returns the error of reading the file.
    pub fn is_dropped(&self, index: usize) -> io::Result<bool> {
        let [state] = self.words::<1>(finding_at(index) + finding::STATE)?;
        Ok(state == state::DROPPED)
    }

    /// Returns a finding, or `None` if it is not whole, because a program writes it or has ended meanwhile. Those that are
    /// held back are returned if `held` says so.
    ///
    /// # Errors
    ///
    /// Returns the error of reading the file.
    pub fn finding(&self, index: usize, held: bool) -> io::Result<Option<Finding>> {
        let words = self.words::<{ finding::SIZE }>(finding_at(index))?;
        match words[finding::STATE] {
            state::WHOLE => {}
            state::HELD if held => {}
            _ => return Ok(None),
        }
        let (offset, length) = (words[finding::OFFSET], words[finding::LENGTH]);
        let inside = offset.checked_add(length).is_some_and(|end| end <= TEXT_BYTES as u64);
        let length = usize::try_from(length).unwrap_or_default();
        if !inside {
            return Ok(None);
        }
        let mut text = vec![0; length];
        self.0.read_exact_at(&mut text, TEXT_AT as u64 + offset)?;
        Ok(Some(Finding {
            text: String::from_utf8_lossy(&text).into_owned(),
            count: words[finding::COUNT],
            pid: words[finding::PID],
            waited_ns: words[finding::WAITED_NS],
        }))
    }

    /// Returns the longest wait for a lock.
    ///
    /// # Errors
    ///
    /// Returns the error of reading the file.
    pub fn longest_wait(&self) -> io::Result<Option<Finding>> {
        let count = usize::try_from(self.head(head::WAITS)?).unwrap_or(MAX_WAITS).min(MAX_WAITS);
        let mut longest: Option<Finding> = None;
        for index in 0..count {
            if let Some(wait) = self.finding(MAX_FINDINGS + index, false)?
                && longest.as_ref().is_none_or(|known| known.waited_ns < wait.waited_ns)
            {
                longest = Some(wait);
            }
        }
        Ok(longest)
    }

    /// Returns all sections that ran. Sections of one name in threads of one name are one.
    ///
    /// # Errors
    ///
    /// Returns the error of reading the file.
    pub fn rows(&self) -> io::Result<Vec<Row>> {
        let mut rows: Vec<Row> = Vec::new();
        for index in 0..MAX_ROWS {
            let words = self.words::<{ row::SIZE }>(row_at(index))?;
            if words[row::STATE] != state::WHOLE {
                continue;
            }
            let one = Row {
                name: text(&words[row::NAME..row::NAME + row::NAME_SIZE]),
                thread: text(&words[row::THREAD..row::THREAD + row::THREAD_SIZE]),
                runs: words[row::RUNS],
                total_ns: words[row::TOTAL_NS],
                longest_ns: words[row::LONGEST_NS],
                waits: words[row::WAITS],
                longest_wait_ns: words[row::LONGEST_WAIT_NS],
                findings: words[row::FINDINGS],
            };
            let same = |other: &&mut Row| other.name == one.name && other.thread == one.thread;
            // Two programs may have made a row each.
            match rows.iter_mut().find(same) {
                Some(other) => {
                    other.runs += one.runs;
                    other.total_ns += one.total_ns;
                    other.longest_ns = other.longest_ns.max(one.longest_ns);
                    other.waits += one.waits;
                    other.longest_wait_ns = other.longest_wait_ns.max(one.longest_wait_ns);
                    other.findings += one.findings;
                }
                None => rows.push(one),
            }
        }
        Ok(rows)
    }
}

/// Returns the text in some numbers, up to the first zero byte.
fn text(words: &[u64]) -> String {
    let bytes: Vec<u8> =
        words.iter().flat_map(|word| word.to_ne_bytes()).take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
