//! Opens a song: a file that is read while it is played, or a pipe that is read first.

use aseqd_smf::{SEARCHED, Source, has_clip_header, has_header};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Opens a file, or standard input for `-`. What has no size, such as a pipe, is read to its end here, unless its start
/// shows that it is no song. Returns `None` if `signals` becomes readable first: it may take for ever until something
/// writes to a pipe, and a signal must end the wait.
///
/// # Errors
/// The error of the open or of a read.
pub(crate) fn open(path: &Path, signals: impl AsFd) -> io::Result<Option<Source>> {
    if path == Path::new("-") {
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        return drain_until(input, signals);
    }
    // Without O_NONBLOCK the open of a FIFO waits until a program opens it for writing.
    let nonblock = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return drain_until(file, signals);
    }
    Ok(Some(Source::new(file, metadata.len())))
}

fn drain_until(input: File, signals: impl AsFd) -> io::Result<Option<Source>> {
    let mut input = Interruptible { input, signals, interrupted: false };
    let drained = drain(&mut input);
    if input.interrupted { Ok(None) } else { drained.map(Some) }
}

fn drain(mut input: impl Read) -> io::Result<Source> {
    let mut bytes = Vec::new();
    input.by_ref().take(SEARCHED as u64).read_to_end(&mut bytes)?;
    if has_header(&bytes) || has_clip_header(&bytes) {
        input.read_to_end(&mut bytes)?;
    }
    Ok(Source::memory(bytes))
}

/// Reads, and fails once a signal has come.
struct Interruptible<S> {
    input: File,
    signals: S,
    interrupted: bool,
}

impl<S: AsFd> Read for Interruptible<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = [
                PollFd::new(&self.signals, PollFlags::IN),
                PollFd::new(&self.input, PollFlags::IN),
            ];
            rustix::io::retry_on_intr(|| poll(&mut ready, None))?;
            if !ready[0].revents().is_empty() {
                self.interrupted = true;
                return Err(io::Error::other("a signal has come"));
            }
            match self.input.read(buf) {
                // Another reader of the pipe has taken the bytes.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_ends_the_wait_for_a_pipe() {
        let (signals, sender) = rustix::pipe::pipe().unwrap();
        let (input, writer) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&writer, b"MThd").unwrap();
        rustix::io::write(&sender, b"!").unwrap();
        assert!(drain_until(input.into(), &signals).unwrap().is_none());
        let mut signal = [0];
        rustix::io::read(&signals, &mut signal).unwrap();
        let (input, writer) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&writer, b"MThd").unwrap();
        drop(writer);
        assert_eq!(drain_until(input.into(), &signals).unwrap().unwrap().len(), 4);
    }

    #[test]
    fn what_cannot_be_a_song_is_not_read_to_its_end() {
        let endless = io::repeat(b' ');
        assert_eq!(drain(endless).unwrap().len(), SEARCHED as u64);
        let song = b"RIFF\0\0\0\0RMIDdata\0\0\0\0MThd".chain(io::repeat(0).take(100_000));
        assert_eq!(drain(song).unwrap().len(), 100_024);
    }
}
