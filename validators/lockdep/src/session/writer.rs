//! The writing end of a session: the mapped file of `lockdep-run`.

#![expect(unsafe_code, reason = "maps a file that processes share")]

use std::ffi::CStr;
use std::fs::OpenOptions;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::{
    LENGTH, MAGIC, MAX_FINDINGS, MAX_ROWS, MAX_WAITS, TEXT_AT, TEXT_BYTES, VARIABLE, finding,
    finding_at, head, row, row_at, state,
};
use crate::environment::variable;

/// A mapped session.
pub(crate) struct Writer {
    words: &'static [AtomicU64],
    text: &'static [AtomicU8],
}

static WRITER: OnceLock<Option<Writer>> = OnceLock::new();

/// Returns the session, if there is one. The first call maps it, so it comes early, before a program closes
/// descriptors or changes its rights.
pub(crate) fn get() -> Option<&'static Writer> {
    WRITER.get_or_init(open).as_ref()
}

/// Returns the session if it has been mapped, without doing so now.
#[inline]
pub(crate) fn mapped() -> Option<&'static Writer> {
    WRITER.get()?.as_ref()
}

fn open() -> Option<Writer> {
    let path = variable(VARIABLE)?;
    match map(Path::new(&path)) {
        Ok(writer) => {
            let pid = u64::from(std::process::id());
            if writer.word(head::LAST_PROCESS).swap(pid, Ordering::Relaxed) != pid {
                writer.word(head::PROCESSES).fetch_add(1, Ordering::Relaxed);
            }
            Some(writer)
        }
        Err(error) => {
            eprintln!("lockdep: {VARIABLE} {}: {error}", path.display());
            None
        }
    }
}

fn map(path: &Path) -> std::io::Result<Writer> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    if file.metadata()?.len() != LENGTH as u64 {
        return Err(std::io::Error::other("it is not a session of this version"));
    }
    // SAFETY: a new mapping somewhere. The descriptor is open.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            LENGTH,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        )
    };
    if memory == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the mapping is aligned to a page, has this length, stays, and atomics may be any bytes.
    let words = unsafe { std::slice::from_raw_parts(memory.cast::<AtomicU64>(), TEXT_AT / 8) };
    let start = memory.cast::<u8>().wrapping_add(TEXT_AT).cast::<AtomicU8>();
    // SAFETY: as above.
    let text = unsafe { std::slice::from_raw_parts(start, TEXT_BYTES) };
    let writer = Writer { words, text };
    if writer.word(head::MAGIC).load(Ordering::Acquire) != MAGIC {
        return Err(std::io::Error::other("it is not a session of this version"));
    }
    Ok(writer)
}

/// Copies a text into numbers. Reading stops at the first zero byte.
fn put(words: &[AtomicU64], text: &[u8]) {
    for (word, bytes) in words.iter().zip(text.chunks(8)) {
        let mut whole = [0; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_ne_bytes(whole), Ordering::Relaxed);
    }
}

/// Returns whether numbers hold this text.
fn holds(words: &[AtomicU64], text: &[u8]) -> bool {
    let mut chunks = text.chunks(8).take(words.len());
    words.iter().all(|word| {
        let mut whole = [0; 8];
        let bytes = chunks.next().unwrap_or_default();
        whole[..bytes.len()].copy_from_slice(bytes);
        word.load(Ordering::Relaxed) == u64::from_ne_bytes(whole)
    })
}

impl Writer {
    fn word(&self, index: usize) -> &AtomicU64 {
        &self.words[index]
    }

    /// Writes a finding, and whether it is held back. Returns its index, or `None` if there is no room, which is counted.
    pub(crate) fn add(&self, text: &str, is_held: bool) -> Option<usize> {
        let limit = self.word(head::LIMIT).load(Ordering::Relaxed).min(MAX_FINDINGS as u64);
        let index = self.word(head::FOUND).fetch_add(1, Ordering::Relaxed);
        if index >= limit {
            return None;
        }
        let index = usize::try_from(index).ok()?;
        self.write(index, text, 0, if is_held { state::HELD } else { state::WHOLE })
    }

    /// Returns whether a wait for a lock is long enough to be written: a sixteenth longer than those before it, so that
    /// waits that grow do not fill the session.
    pub(crate) fn is_longest(&self, waited_ns: u64) -> bool {
        let longest = self.word(head::LONGEST_WAIT_NS);
        let before = longest.load(Ordering::Relaxed);
        waited_ns > before + before / 16
            && longest.fetch_max(waited_ns, Ordering::Relaxed) < waited_ns
    }

    /// Writes a wait for a lock.
    pub(crate) fn add_wait(&self, text: &str, waited_ns: u64) {
        let index = self.word(head::WAITS).fetch_add(1, Ordering::Relaxed);
        if index < MAX_WAITS as u64 {
            let index = MAX_FINDINGS + usize::try_from(index).unwrap_or_default();
            self.write(index, text, waited_ns, state::WHOLE);
        }
    }

    /// Writes a finding or a wait at an index. Returns the index, or `None` if there is no room for the text.
    fn write(&self, index: usize, text: &str, waited_ns: u64, state: u64) -> Option<usize> {
        let at = finding_at(index);
        self.word(at + finding::STATE).store(state::BUSY, Ordering::Relaxed);
        let length = text.len() as u64;
        let offset = self.word(head::TEXT).fetch_add(length, Ordering::Relaxed);
        if offset.saturating_add(length) > TEXT_BYTES as u64 {
            if waited_ns == 0 {
                self.word(head::NO_ROOM).fetch_add(1, Ordering::Relaxed);
            }
            // It is counted there, and so not as one that was cut off.
            self.word(at + finding::STATE).store(state::DROPPED, Ordering::Relaxed);
            return None;
        }
        let room = &self.text[usize::try_from(offset).ok()?..];
        for (byte, letter) in room.iter().zip(text.bytes()) {
            byte.store(letter, Ordering::Relaxed);
        }
        let pid = u64::from(std::process::id());
        for (what, value) in [
            (finding::OFFSET, offset),
            (finding::LENGTH, length),
            (finding::COUNT, 1),
            (finding::PID, pid),
            (finding::WAITED_NS, waited_ns),
        ] {
            self.word(at + what).store(value, Ordering::Relaxed);
        }
        self.word(at + finding::STATE).store(state, Ordering::Release);
        Some(index)
    }

    /// Returns whether a finding that came again may be held back: nobody has settled yet that it is one.
    pub(crate) fn hold(&self, index: usize) -> bool {
        let state = self.word(finding_at(index) + finding::STATE);
        let held = state.compare_exchange(
            state::DROPPED,
            state::HELD,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if held.is_ok() {
            self.word(finding_at(index) + finding::COUNT).store(1, Ordering::Relaxed);
        }
        held != Err(state::WHOLE)
    }

    /// Settles whether what was held back is a finding. What another thread has settled stays.
    pub(crate) fn settle(&self, index: usize, is_finding: bool) {
        let state = self.word(finding_at(index) + finding::STATE);
        if is_finding {
            state.store(state::WHOLE, Ordering::Release);
        } else {
            let _ = state.compare_exchange(
                state::HELD,
                state::DROPPED,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
        }
    }

    /// Counts another time that a finding came.
    pub(crate) fn again(&self, index: usize) {
        self.word(finding_at(index) + finding::COUNT).fetch_add(1, Ordering::Relaxed);
    }

    /// Notes something about a name of `--threads` or `--functions`.
    #[cfg(feature = "static-tls")]
    pub(crate) fn note_name(&self, name: usize, what: u64) {
        if name < head::NAMES_SIZE {
            self.word(head::NAMES + name).fetch_or(what, Ordering::Relaxed);
        }
    }

    /// Returns the row of a section in a thread. There is none if there are too many, which is counted.
    pub(crate) fn row(&self, name: &str, thread: &CStr) -> Option<Row> {
        let (name, thread) = (name.as_bytes(), thread.to_bytes());
        let name = &name[..name.len().min(row::NAME_SIZE * 8)];
        let thread = &thread[..thread.len().min(row::THREAD_SIZE * 8)];
        for index in 0..MAX_ROWS {
            let words = &self.words[row_at(index)..row_at(index + 1)];
            let names = &words[row::NAME..row::NAME + row::NAME_SIZE];
            let threads = &words[row::THREAD..row::THREAD + row::THREAD_SIZE];
            let taken = words[row::STATE].compare_exchange(
                state::FREE,
                state::BUSY,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match taken {
                Ok(_) => {
                    put(names, name);
                    put(threads, thread);
                    words[row::STATE].store(state::WHOLE, Ordering::Release);
                    return Some(Row(words));
                }
                Err(state::WHOLE) if holds(names, name) && holds(threads, thread) => {
                    return Some(Row(words));
                }
                Err(_) => {}
            }
        }
        self.word(head::NO_ROW).fetch_add(1, Ordering::Relaxed);
        None
    }
}

/// A section whose row was looked up.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) row: Row,
}

/// The row of a section.
#[derive(Clone, Copy)]
pub(crate) struct Row(&'static [AtomicU64]);

impl Row {
    /// Counts a run. Returns whether it was the longest so far.
    pub(crate) fn ran(self, ns: u64) -> bool {
        self.0[row::RUNS].fetch_add(1, Ordering::Relaxed);
        self.0[row::TOTAL_NS].fetch_add(ns, Ordering::Relaxed);
        self.0[row::LONGEST_NS].fetch_max(ns, Ordering::Relaxed) < ns
    }

    /// Returns whether this is the same row.
    pub(crate) fn is(self, other: Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }

    /// Undoes the count of a run.
    pub(crate) fn take_back(self, ns: u64) {
        self.0[row::TOTAL_NS].fetch_sub(ns, Ordering::Relaxed);
        if self.0[row::RUNS].fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0[row::LONGEST_NS].store(0, Ordering::Relaxed);
        }
    }

    /// Counts a wait for a lock.
    pub(crate) fn waited(self, ns: u64) {
        self.0[row::WAITS].fetch_add(1, Ordering::Relaxed);
        self.0[row::LONGEST_WAIT_NS].fetch_max(ns, Ordering::Relaxed);
    }

    /// Counts a call that a finding is about.
    pub(crate) fn found(self) {
        self.0[row::FINDINGS].fetch_add(1, Ordering::Relaxed);
    }
}
