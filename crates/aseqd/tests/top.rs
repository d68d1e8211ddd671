//! `aseqd top` in a real terminal: tmux draws its screen, types its keys, and changes its size.

mod common;

use aseqd_client::event::{EventExt as _, note_on};
use aseqd_client::{Address, Client, DEVICE, PortCaps, PortType};
use common::*;
use rustix::process::Signal;
use std::process::Command;
use std::time::Duration;

/// A terminal.
struct Terminal {
    folder: tempfile::TempDir,
}

impl Terminal {
    /// Starts a shell with job control in a terminal of this size.
    fn start(columns: u16, lines: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let terminal = Self { folder };
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let shell = format!("ASEQD={ASEQD} PS1='ready> ' exec bash --norc --noprofile -i");
        let start = ["new-session", "-d", "-x", &columns, "-y", &lines, &shell];
        output(terminal.tmux(&start));
        terminal.wait_for("ready>");
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        // With -u tmux draws UTF-8 whatever its own locale says.
        command.args(["-u", "-f", "/dev/null", "-S"]).arg(self.folder.path().join("socket"));
        command.args(arguments).env_remove("TMUX").env("LC_ALL", "C.UTF-8");
        command
    }

    /// Types text, which may be a line that ends with `Enter`.
    fn types(&self, text: &str) {
        output(self.tmux(&["send-keys", "-l", text]));
    }

    /// Writes bytes to the program, all at once.
    fn writes(&self, text: &str) {
        output(self.tmux(&["set-buffer", text, ";", "paste-buffer", "-r", "-d"]));
    }

    /// Presses a key, by its name in tmux.
    fn press(&self, key: &str) {
        output(self.tmux(&["send-keys", key]));
    }

    fn run(&self, line: &str) {
        self.types(line);
        self.press("Enter");
    }

    fn screen(&self) -> String {
        output(self.tmux(&["capture-pane", "-p"]))
    }

    fn resize(&self, columns: u16, lines: u16) {
        let (columns, lines) = (columns.to_string(), lines.to_string());
        output(self.tmux(&["resize-window", "-x", &columns, "-y", &lines]));
    }

    /// Waits until the screen shows a text.
    #[track_caller]
    fn wait_for(&self, text: &str) {
        self.wait_until(text, |screen| screen.contains(text));
    }

    #[track_caller]
    fn wait_until(&self, what: &str, so: impl Fn(&str) -> bool) {
        let end = std::time::Instant::now() + DEADLINE;
        loop {
            let screen = self.screen();
            if so(&screen) {
                return;
            }
            assert!(std::time::Instant::now() < end, "waiting for {what}:\n{screen}");
        }
    }

    /// Returns the number of the process that runs in the foreground, once it is `aseqd`.
    fn pid(&self) -> i32 {
        let format = "#{pane_pid}";
        let shell = output(self.tmux(&["display-message", "-p", format]));
        let shell = shell.trim();
        let children = format!("/proc/{shell}/task/{shell}/children");
        let mut found = None;
        wait_until("the command", || {
            let children = std::fs::read_to_string(&children).unwrap_or_default();
            found = children.split_whitespace().next().and_then(|pid| pid.parse().ok());
            found.is_some()
        });
        found.expect("a command")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _gone = self.tmux(&["kill-server"]).output();
    }
}

/// Returns the lines of a screen without spaces at their ends.
fn lines(screen: &str) -> Vec<&str> {
    screen.lines().map(str::trim_end).collect()
}

/// Makes a client with a port.
fn client(name: &[u8], caps: PortCaps) -> (Client, Address) {
    let client = Client::open(DEVICE, "").expect("a client");
    let mut info = client.info(client.id()).expect("an answer").expect("this client");
    info.name = [0; 64];
    info.name[..name.len()].copy_from_slice(name);
    client.set_info(&info).expect("a name");
    let port = client.create_port("port", caps, PortType::MIDI_GENERIC).expect("a port");
    (client, port)
}

const SENDER: PortCaps = PortCaps::READ.union(PortCaps::SUBS_READ);
const RECEIVER: PortCaps = PortCaps::WRITE.union(PortCaps::SUBS_WRITE);

#[test]
fn ports_are_connected_and_cut_and_events_are_seen() {
    if !have(&["tmux"]) {
        return;
    }
    inside(|| {
        let (piano, from) = client(b"Piano", SENDER);
        let (_synth, to) = client(b"Synth", RECEIVER);
        let connected = || piano.subscription(from, to).expect("an answer").is_some();
        let terminal = Terminal::start(80, 24);
        terminal.run("LC_ALL=C.UTF-8 $ASEQD top");
        terminal.wait_for("Synth: port");
        terminal.wait_for("2 senders");
        // By keys: a search on each side, then Enter.
        terminal.types("/pia");
        terminal.press("Enter");
        terminal.types("/syn");
        terminal.press("Enter");
        terminal.wait_for("not connected: 128:0 Piano: port");
        terminal.press("Enter");
        wait_until("the connection", connected);
        terminal.wait_for("connected 128:0");
        terminal.wait_until("a wire", |screen| screen.contains('\u{25b6}'));
        terminal.types("X");
        wait_until("the cut", || !connected());
        terminal.wait_for("u undoes it");
        terminal.types("u");
        wait_until("the undo", connected);
        terminal.wait_for("connected again: 128:0");
        // By the mouse: a drag from the sender to the receiver, in the form that terminals send.
        let screen = terminal.screen();
        let line = |name: &str| lines(&screen).iter().position(|line| line.contains(name));
        let (sender, receiver) =
            (line("Piano: port").expect("it"), line("Synth: port").expect("it"));
        terminal.writes(&format!("\x1b[<0;5;{}M\x1b[<0;70;{}m", sender + 1, receiver + 1));
        wait_until("the cut by the mouse", || !connected());
        // What it sends reaches the other pages.
        terminal.types("2");
        terminal.wait_for("no event yet");
        let queue = piano.create_queue("").expect("a queue");
        piano.start_queue(queue).expect("a start");
        let note = note_on(0, 60, 99).sent_from(from).sent_to_subscribers();
        piano.send(&note.at_time(queue, Duration::from_millis(1))).expect("an event");
        terminal.wait_for("note 60 (C4), velocity 99");
        terminal.types("3");
        terminal.wait_for("C4");
        terminal.types("4");
        terminal.wait_for("all events");
        terminal.wait_until("a row", |screen| {
            lines(screen)
                .iter()
                .any(|line| line.contains("128:0 ") && line.ends_with("Piano: port"))
        });
        // Ports that come and go are seen.
        terminal.types("1");
        let late = client(b"Latecomer", SENDER);
        terminal.wait_for("Latecomer");
        drop(late);
        terminal.wait_until("the end", |screen| !screen.contains("Latecomer"));
        terminal.types("q");
        terminal.wait_for("ready>");
        assert!(!terminal.screen().contains("Patchbay"), "the screen is as it was");
        assert!(!output(ls()).contains("aseqd top"), "it has left no client");
    });
}

fn ls() -> Command {
    let mut command = Command::new(ASEQD);
    command.arg("ls");
    command
}

/// Some terminals report column or line 0 for a mouse beside the text. A library that subtracts 1 must not end the command.
#[test]
fn a_mouse_outside_of_the_screen_does_nothing() {
    if !have(&["tmux"]) {
        return;
    }
    inside(|| {
        let _piano = client(b"Piano", SENDER);
        let terminal = Terminal::start(80, 24);
        terminal.run("$ASEQD top");
        terminal.wait_for("Piano: port");
        for report in ["\x1b[<0;0;1M", "\x1b[<0;1;0m", "\x1b[<64;0;0M", "\x1b[<65;65535;65535M"] {
            terminal.writes(report);
        }
        // The older forms, which a terminal may send all the same; and the place of the cursor.
        for report in ["\x1b[M   ", "\x1b[32;0;0M", "\x1b[0;0R"] {
            terminal.writes(report);
        }
        terminal.types("2");
        terminal.wait_for("no event yet");
    });
}

#[test]
fn the_mouse_can_be_left_to_the_terminal() {
    if !have(&["tmux"]) {
        return;
    }
    inside(|| {
        let _piano = client(b"Piano", SENDER);
        for (option, wanted) in [("", "1"), ("--no-mouse", "0")] {
            let terminal = Terminal::start(80, 24);
            terminal.run(&format!("$ASEQD top {option}"));
            terminal.wait_for("Piano: port");
            let taken = output(terminal.tmux(&["display-message", "-p", "#{mouse_any_flag}"]));
            assert_eq!(taken.trim(), wanted, "top {option}");
        }
    });
}

#[test]
fn ports_can_be_left_unwatched() {
    if !have(&["tmux"]) {
        return;
    }
    inside(|| {
        let (piano, from) = client(b"Piano", SENDER);
        let (_organ, other) = client(b"Organ", SENDER);
        let watched = |port| !piano.outgoing(port).expect("an answer").is_empty();
        let terminal = Terminal::start(80, 24);
        terminal.run("$ASEQD top --no-watch");
        terminal.wait_for("Piano: port");
        terminal.types("/organ");
        terminal.press("Enter");
        terminal.types("w");
        wait_until("the port that the key asks for", || watched(other));
        assert!(!watched(from), "nobody has asked for this one");
    });
}

#[test]
fn the_screen_follows_the_size_of_the_terminal() {
    if !have(&["tmux"]) {
        return;
    }
    inside(|| {
        let _piano = client(b"Piano", SENDER);
        let terminal = Terminal::start(200, 60);
        terminal.run("LC_ALL=C.UTF-8 $ASEQD top");
        terminal.wait_for("Piano: port");
        let at_end = |screen: &str, line: usize, text: &str| {
            lines(screen).get(line).is_some_and(|found| found.ends_with(text))
        };
        terminal.wait_until("all parts", |screen| {
            screen.contains("event             ch  data") && at_end(screen, 59, "q quit")
        });
        terminal.resize(80, 24);
        terminal.wait_until("80 x 24", |screen| {
            at_end(screen, 23, "q quit")
                && !screen.contains("ch  data")
                && at_end(screen, 0, "? help")
        });
        terminal.resize(30, 5);
        terminal.wait_for("aseqd top needs 40 columns");
        terminal.resize(120, 40);
        terminal.wait_until("120 x 40", |screen| {
            screen.contains("ch  data")
                && at_end(screen, 39, "q quit")
                && screen.contains("Piano: port")
        });
    });
}

#[test]
fn hostile_names_are_text() {
    if !have(&["tmux"]) {
        return;
    }
    inside(|| {
        let junk: Vec<u8> = (1..=63_u8).map(|byte| byte.wrapping_mul(7) | 0x80).collect();
        let _clients = [
            client(b"\x1b[2J\x1b[1;1Hgone\x1b]0;title\x07", SENDER | RECEIVER),
            client("\u{202e}right \u{5d0}\u{5d1} to left".as_bytes(), SENDER | RECEIVER),
            client(&junk, SENDER | RECEIVER),
            client(b"\x1b[?1049l\x9b31m", SENDER | RECEIVER),
        ];
        let terminal = Terminal::start(80, 24);
        terminal.run("LC_ALL=C NO_COLOR=1 $ASEQD top");
        for wanted in ["?[2J?[1;1Hgone?]0", "?right ?? to left", "130:0", "?[?1049l?31m"] {
            terminal.wait_for(wanted);
        }
        let screen = terminal.screen();
        assert!(screen.is_ascii(), "{screen}");
        let lines = lines(&screen);
        assert!(lines[0].starts_with(" 1 Patchbay") && lines[0].ends_with("? help"), "{screen}");
        for line in &lines[2..7] {
            let second = line.rfind(": port").or_else(|| line.rfind('~')).unwrap_or(line.len());
            assert!(second > 40, "both lists are in their places: {screen}");
        }
        let colors = output(terminal.tmux(&["capture-pane", "-p", "-e"]));
        for code in colors.split("\x1b[").skip(1).filter_map(|rest| rest.split_once('m')) {
            for number in code.0.split(';') {
                assert!(
                    ["", "0", "1", "4", "7", "39", "49"].contains(&number),
                    "no colour: {colors:?}"
                );
            }
        }
    });
}

#[test]
fn an_idle_screen_wakes_nobody() {
    if !have(&["tmux"]) {
        return;
    }
    inside(|| {
        let (piano, from) = client(b"Piano", SENDER);
        let terminal = Terminal::start(80, 24);
        terminal.run("$ASEQD top");
        terminal.wait_for("Piano: port");
        let pid = terminal.pid();
        // How many times it has begun to wait. Whatever wakes it makes it wait once more.
        let waits = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
            let line =
                status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            line.and_then(|count| count.trim().parse::<u64>().ok()).expect("a count")
        };
        let second = Duration::from_secs(1);
        for page in ["1", "3"] {
            terminal.types(page);
            let note = note_on(0, 60, 99).sent_from(from).sent_to_subscribers();
            let before = waits();
            piano.send(&note).expect("an event");
            wait_until("the event", || waits() > before);
            // The note sounds on, but nothing moves after two seconds.
            let mut last = waits();
            wait_until("it to stand still", || {
                std::thread::sleep(second);
                let now = waits();
                std::mem::replace(&mut last, now) == now
            });
            std::thread::sleep(2 * second);
            assert_eq!(waits(), last, "page {page}");
        }
    });
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    if !have(&["tmux", "stty"]) {
        return;
    }
    inside(|| {
        let terminal = Terminal::start(80, 24);
        let folder = tempfile::tempdir().expect("a folder");
        let modes = |name: &str| {
            let file = folder.path().join(name);
            terminal.run(&format!("stty -g > {0}.new; mv {0}.new {0}", file.display()));
            wait_until("the modes", || file.exists());
            let modes = std::fs::read_to_string(&file).expect("modes");
            // The third are the control modes: only their lower half, since the speed of input is implied or written down.
            let third = modes.split(':').nth(2).expect("control modes").to_owned();
            let lower = u32::from_str_radix(&third, 16).expect("a number") & 0xffff;
            modes.replacen(&third, &format!("{lower:x}"), 1)
        };
        let before = modes("before");
        let shown = || terminal.wait_for("1 Patchbay");
        let is_back = |what: &str| {
            terminal.wait_until(what, |screen| !screen.contains("1 Patchbay"));
            // The modes of tmux's terminal: its second screen, the mouse, the cursor.
            let flags = "#{alternate_on}#{mouse_any_flag}#{cursor_flag}";
            let flags = output(terminal.tmux(&["display-message", "-p", flags]));
            assert_eq!(flags.trim(), "001", "{what}");
            assert_eq!(modes(&what.replace(' ', "-")), before, "{what}");
            terminal.run("clear");
            terminal.wait_until("a clear screen", |screen| screen.trim() == "ready>");
        };
        for signal in [Signal::TERM, Signal::HUP, Signal::QUIT, Signal::INT] {
            terminal.run("$ASEQD top; echo status=$?");
            shown();
            let pid = rustix::process::Pid::from_raw(terminal.pid()).expect("a number");
            rustix::process::kill_process(pid, signal).expect("it runs");
            terminal.wait_for("status=0");
            is_back(&format!("signal {}", signal.as_raw()));
        }
        terminal.run("$ASEQD top; echo status=$?");
        shown();
        terminal.press("C-c");
        terminal.wait_for("status=0");
        is_back("Ctrl-C");
        terminal.run("$ASEQD top");
        shown();
        let flags =
            output(terminal.tmux(&["display-message", "-p", "#{alternate_on}#{cursor_flag}"]));
        assert_eq!(flags.trim(), "10", "while it runs");
        for (what, stop) in
            [("Ctrl-Z", None), ("SIGTSTP", Some(Signal::TSTP)), ("SIGSTOP", Some(Signal::STOP))]
        {
            match stop {
                None => terminal.press("C-z"),
                Some(signal) => {
                    let pid = rustix::process::Pid::from_raw(terminal.pid()).expect("a number");
                    rustix::process::kill_process(pid, signal).expect("it runs");
                }
            }
            terminal.wait_for("Stopped");
            // Nobody can give the terminal back when SIGSTOP stops it.
            if stop != Some(Signal::STOP) {
                is_back(what);
            }
            terminal.run("fg");
            terminal.wait_until("the screen", |screen| {
                let last = lines(screen).get(23).is_some_and(|line| line.ends_with("q quit"));
                screen.contains("1 Patchbay") && last && !screen.contains("Stopped")
            });
            // It has the keys again.
            terminal.types("2");
            terminal.wait_for("no event yet");
            terminal.types("1");
            terminal.wait_for("Tab side");
        }
        terminal.types("q");
        is_back("the key q");
    });
}

#[test]
fn without_a_terminal_or_a_sequencer_it_says_so() {
    let mut command = Command::new(ASEQD);
    command.args(["top", "--device", "/nonexistent"]).env("TERM", "xterm");
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(
        ended.stderr.contains("needs a terminal; `aseqd ls` and `aseqd monitor`"),
        "{ended:#?}"
    );
    if !have(&["tmux"]) {
        return;
    }
    let terminal = Terminal::start(80, 24);
    terminal.run("TERM=dumb $ASEQD top");
    terminal.wait_for("needs a terminal");
    terminal.run("clear; $ASEQD top --device /nonexistent; echo status=$?");
    terminal.wait_for("/nonexistent cannot be opened");
    terminal.wait_for("status=1");
}

#[test]
fn it_ends_with_the_sequencer() {
    if !have(&["tmux"]) || !can_serve() {
        return;
    }
    let terminal = Terminal::start(80, 24);
    terminal.run("$ASEQD run -- bash --norc --noprofile -i");
    terminal.wait_until("the shell of the run", |screen| screen.matches("ready>").count() == 2);
    terminal.run("$ASEQD top; echo status=$?");
    terminal.wait_for("1 Patchbay");
    // The server is the child of what this shell has started.
    let front = terminal.pid();
    let server = output(shell(&format!("cat /proc/{front}/task/{front}/children")));
    let server = server.split_whitespace().next().expect("a child").parse().expect("a number");
    let server = rustix::process::Pid::from_raw(server).expect("a number");
    rustix::process::kill_process(server, Signal::KILL).expect("it runs");
    terminal.wait_until("its end", |screen| !screen.contains("1 Patchbay"));
}
