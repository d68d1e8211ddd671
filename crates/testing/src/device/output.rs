//! Passes the output of a process on to the harness, which shows it or keeps it.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};

/// How much is read at once: what a pipe holds.
const CHUNK: usize = 64 << 10;

/// Passes standard output and standard error of a process on, by lines, in a thread. The returned channel closes when
/// both have ended.
///
/// The thread inherits the harness's capture of what a test prints.
pub(super) fn forward(child: &mut Child) -> io::Result<Receiver<()>> {
    let mut stdout = child.stdout.take().map(|pipe| Stream::new(pipe, |text| print!("{text}")));
    let mut stderr = child.stderr.take().map(|pipe| Stream::new(pipe, |text| eprint!("{text}")));
    let (end, ended) = channel();
    let copy = move || {
        let _end = end;
        while stdout.is_some() || stderr.is_some() {
            // What was printed before a message on standard error is there when that comes.
            let ready = ready(stdout.as_ref(), stderr.as_ref());
            if ready.0 && stdout.as_mut().is_some_and(|stream| !stream.pass_on()) {
                stdout = None;
            } else if ready.1 && !ready.0 && stderr.as_mut().is_some_and(|stream| !stream.pass_on())
            {
                stderr = None;
            }
        }
    };
    std::thread::Builder::new().name("output of a test".to_owned()).spawn(copy)?;
    Ok(ended)
}

/// Waits until one of the streams can be read, and returns which.
fn ready<A: AsFd, B: AsFd>(one: Option<&Stream<A>>, other: Option<&Stream<B>>) -> (bool, bool) {
    let mut polled = Vec::new();
    polled.extend(one.map(|stream| PollFd::new(&stream.pipe, PollFlags::IN)));
    polled.extend(other.map(|stream| PollFd::new(&stream.pipe, PollFlags::IN)));
    match poll(&mut polled, None) {
        Ok(_) => {}
        Err(Errno::INTR) => return (false, false),
        // The reads sleep instead.
        Err(_) => return (one.is_some(), one.is_none()),
    }
    let mut found = polled.iter().map(|polled| !polled.revents().is_empty());
    let mut next = |present: bool| present && found.next().unwrap_or(false);
    (next(one.is_some()), next(other.is_some()))
}

/// One stream of a process.
struct Stream<P> {
    pipe: P,
    line: Vec<u8>,
    print: fn(&str),
}

impl<P> Stream<P> {
    fn new(pipe: P, print: fn(&str)) -> Self {
        Self { pipe, line: Vec::new(), print }
    }
}

impl<P: Read> Stream<P> {
    /// Reads what there is, and prints whole lines of it. Returns `false` at the end.
    fn pass_on(&mut self) -> bool {
        let mut chunk = vec![0; CHUNK];
        let read = match self.pipe.read(&mut chunk) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
            Err(_) => 0,
        };
        self.line.extend_from_slice(&chunk[..read]);
        let whole = match self.line.iter().rposition(|byte| *byte == b'\n') {
            Some(last) if read > 0 => last + 1,
            _ if read > 0 => 0,
            // The rest has no newline.
            _ => self.line.len(),
        };
        let lines: Vec<u8> = self.line.drain(..whole).collect();
        if !lines.is_empty() {
            (self.print)(&String::from_utf8_lossy(&lines));
        }
        read > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    /// How long a shell may take: far longer than it needs.
    const DEADLINE: Duration = Duration::from_secs(60);

    #[test]
    fn lines_are_printed_whole_and_a_rest_at_the_end() {
        thread_local! {
            static SAID: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
        }
        let pipe = io::Cursor::new(b"one\ntwo\nthr\xffee".to_vec());
        let mut stream =
            Stream::new(pipe, |text| SAID.with_borrow_mut(|all| all.push(text.into())));
        while stream.pass_on() {}
        assert_eq!(SAID.take(), ["one\ntwo\n", "thr\u{fffd}ee"]);
    }

    #[test]
    fn the_end_of_both_streams_is_the_end() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec 2>&-; echo out; exec >&-"]);
        let mut shell = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sh");
        let ended = forward(&mut shell).expect("a thread");
        assert_eq!(
            ended.recv_timeout(DEADLINE),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected)
        );
        assert!(shell.wait().expect("a status").success());
    }
}
