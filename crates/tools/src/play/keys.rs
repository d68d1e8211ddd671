//! Keys of the terminal that change what is played.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::stdin;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};
use std::collections::VecDeque;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Space: stops, or goes on.
    Pause,
    /// Left and right.
    Back,
    Forward,
    /// Up and down.
    Faster,
    Slower,
    /// n and p.
    Next,
    Previous,
    /// q.
    Quit,
    /// Stop, if it plays. This and the others have no key: they come to the control port.
    Stop,
    /// Go on, if it does not play.
    Go,
    /// From the beginning.
    Start,
    Seek(Spot),
    /// Another file, counted from 0.
    Song(u8),
}

/// A place in a song, as messages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    /// Sixteenth notes from the start.
    Sixteenths(u32),
    Time(Duration),
}

/// The standard input as a keyboard. The terminal is as before once this is dropped.
#[derive(Debug)]
pub(super) struct Keys {
    /// How the terminal was.
    before: Termios,
    keys: VecDeque<Key>,
    /// The beginning of a sequence that a key sends.
    unfinished: Vec<u8>,
}

impl Keys {
    /// Makes the terminal pass on each key at once, without showing it. Returns `None` if standard input is no terminal, or
    /// this process is not in its foreground: a terminal stops a job that changes it from the background.
    pub(super) fn new() -> Option<Self> {
        if !io::stdin().is_terminal() || !is_in_foreground() {
            return None;
        }
        let before = tcgetattr(stdin()).ok()?;
        let keys = Self { before, keys: VecDeque::new(), unfinished: Vec::new() };
        keys.set().ok()?;
        Some(keys)
    }

    /// Sets the terminal again, after the process was stopped and goes on: the shell has changed it.
    pub(super) fn set(&self) -> io::Result<()> {
        if !is_in_foreground() {
            return Ok(());
        }
        let mut now = self.before.clone();
        // Ctrl-C and Ctrl-Z stay signals.
        now.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        now.special_codes[SpecialCodeIndex::VMIN] = 0;
        now.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(stdin(), OptionalActions::Now, &now)?)
    }

    /// Returns the next key that was pressed.
    pub(super) fn take(&mut self) -> Option<Key> {
        let mut bytes = [0; 64];
        let input = stdin();
        let mut ready = [PollFd::new(&input, PollFlags::IN)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        // A process in the background that reads its terminal is stopped.
        if is_in_foreground()
            && poll(&mut ready, Some(&at_once)).is_ok_and(|ready| ready > 0)
            && let Ok(read) = rustix::io::read(stdin(), &mut bytes)
        {
            self.unfinished.extend(&bytes[..read]);
            parse(&mut self.unfinished, &mut self.keys);
        }
        self.keys.pop_front()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if is_in_foreground() {
            // It fails if the terminal has gone.
            let _gone = tcsetattr(stdin(), OptionalActions::Now, &self.before);
        }
    }
}

fn is_in_foreground() -> bool {
    tcgetpgrp(stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// Takes the keys out of what a terminal has sent. The beginning of a sequence stays.
fn parse(bytes: &mut Vec<u8>, keys: &mut VecDeque<Key>) {
    let mut rest = bytes.as_slice();
    while let Some((&first, after)) = rest.split_first() {
        let (key, taken) = match (first, after) {
            (b' ', _) => (Some(Key::Pause), 1),
            (b'n', _) => (Some(Key::Next), 1),
            (b'p', _) => (Some(Key::Previous), 1),
            (b'q', _) => (Some(Key::Quit), 1),
            (b'+', _) => (Some(Key::Faster), 1),
            (b'-', _) => (Some(Key::Slower), 1),
            // CSI, or SS3 in the application mode of the cursor keys.
            (0x1b, [b'[' | b'O', code, ..]) => (arrow(*code), 3),
            (0x1b, [] | [b'[' | b'O']) => break,
            _ => (None, 1),
        };
        keys.extend(key);
        rest = &rest[taken..];
    }
    *bytes = rest.to_vec();
}

fn arrow(code: u8) -> Option<Key> {
    Some(match code {
        b'A' => Key::Faster,
        b'B' => Key::Slower,
        b'C' => Key::Forward,
        b'D' => Key::Back,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_letters_and_sequences() {
        let (mut bytes, mut keys) = (b" x\x1b[C\x1bOD\x1b[A+\x1b[Z".to_vec(), VecDeque::new());
        parse(&mut bytes, &mut keys);
        let wanted = [Key::Pause, Key::Forward, Key::Back, Key::Faster, Key::Faster];
        assert_eq!((keys, bytes), (wanted.into(), vec![]));
    }

    #[test]
    fn a_sequence_may_come_in_pieces() {
        let (mut bytes, mut keys) = (b"q\x1b[".to_vec(), VecDeque::new());
        parse(&mut bytes, &mut keys);
        assert_eq!((&keys, &bytes[..]), (&[Key::Quit].into(), &b"\x1b["[..]));
        bytes.push(b'B');
        parse(&mut bytes, &mut keys);
        assert_eq!((keys, bytes), ([Key::Quit, Key::Slower].into(), vec![]));
    }
}
