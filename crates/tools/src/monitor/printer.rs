//! Prints events: as lines of text, as JSON, or the current values of each channel.

use super::format::{
    HEADER, PACKET_HEADER, json_event, json_packet, line_among_packets, packet_line, write_line,
};
use super::listen::Seen;
use super::live::Live;
use super::{MonitorArgs, Summary};
use crate::json::json_line;
use aseqd_abi::Address;
use aseqd_client::Received;
use aseqd_console::print;
use aseqd_host::error::Fail;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Shortest time between two pictures of the current values: ten a second look like motion.
const INTERVAL: Duration = Duration::from_millis(100);
/// The span in which `--rate` counts.
const SECOND: Duration = Duration::from_secs(1);

/// How events are printed.
#[derive(Debug)]
pub(super) struct Printer<'a> {
    args: &'a MonitorArgs,
    rate: Option<Rate>,
    live: Option<Picture>,
}

/// Counts the lines of a second.
#[derive(Debug)]
struct Rate {
    limit: u64,
    begin: Instant,
    shown: u64,
    hidden: u64,
}

/// The current values, and what the terminal shows of them.
#[derive(Debug)]
struct Picture {
    live: Live,
    terminal: bool,
    /// Lines that the terminal shows.
    height: usize,
    changed: bool,
    drawn: Option<Instant>,
}

impl<'a> Printer<'a> {
    /// Prints the heading for a port that listens.
    pub(super) fn new(args: &'a MonitorArgs, port: Address) -> Result<Self, Fail> {
        if !args.json {
            let how = if args.listens() { "listening" } else { "connect something to it" };
            let header = match args.ump {
                _ if args.live => "",
                Some(_) => PACKET_HEADER,
                None => HEADER,
            };
            let newline = if header.is_empty() { "" } else { "\n" };
            print(&format!("port {port}: {how}; Ctrl-C ends\n{header}{newline}"))?;
        }
        let begin = Instant::now();
        let rate = args.rate.map(|limit| Rate { limit, begin, shown: 0, hidden: 0 });
        let live = args.live.then(|| Picture {
            live: Live::default(),
            terminal: !args.json && std::io::stdout().is_terminal(),
            height: 0,
            changed: false,
            drawn: None,
        });
        Ok(Self { args, rate, live })
    }

    /// Prints events that were read together.
    pub(super) fn events(&mut self, events: &[Seen]) -> Result<(), Fail> {
        if let Some(picture) = &mut self.live {
            for seen in events {
                if let Received::Event(event, _) = &seen.received {
                    picture.changed |= picture.live.take(event);
                }
            }
            return picture.draw_in_time();
        }
        let mut out = String::new();
        for seen in events {
            if let Some(rate) = &mut self.rate
                && !rate.shows(&mut out, self.args.json)
            {
                continue;
            }
            self.show(&mut out, seen);
            out.push('\n');
        }
        if out.is_empty() { Ok(()) } else { print(&out) }
    }

    /// Returns how long nothing needs to be printed if no event comes; `None` is for ever.
    pub(super) fn rest(&self) -> Option<Duration> {
        let picture = self.live.as_ref().filter(|picture| picture.terminal && picture.changed)?;
        Some(picture.drawn.map_or(Duration::ZERO, |drawn| INTERVAL.saturating_sub(drawn.elapsed())))
    }

    /// Prints what is due without an event.
    pub(super) fn idle(&mut self) -> Result<(), Fail> {
        self.live.as_mut().map_or(Ok(()), Picture::draw_in_time)
    }

    /// Appends the line of an event.
    fn show(&self, out: &mut String, seen: &Seen) {
        let args = self.args;
        let line = match &seen.received {
            Received::Packet(packet) if args.json => json_line(&json_packet(packet)),
            Received::Packet(packet) => packet_line(packet, args.raw),
            Received::Event(event, data) if args.json => {
                json_line(&json_event(event, data, seen.late.flatten()))
            }
            Received::Event(event, data) if args.ump.is_some() => line_among_packets(event, data),
            Received::Event(event, data) => return write_line(out, event, data, seen.late),
        };
        out.push_str(&line);
    }

    /// Prints what is said at the end.
    pub(super) fn finish(&mut self, summary: &Summary) -> Result<(), Fail> {
        let mut stderr = std::io::stderr();
        if let Some(picture) = &mut self.live {
            picture.finish(self.args.json)?;
        }
        let hidden = self.rate.as_ref().map_or(0, |rate| rate.hidden);
        for (count, why) in [
            (hidden, "not shown: more than --rate allows"),
            (summary.dropped, "left out: standard output was too slow"),
        ] {
            if count > 0 {
                let _unheard = writeln!(stderr, "aseqd: {count} events were {why}");
            }
        }
        let Some(lateness) = &summary.lateness else { return Ok(()) };
        let lost = match summary.overflows {
            0 => "none lost".to_owned(),
            times => format!("events were lost {times} times"),
        };
        let summary = format!("{} events, {lost}{lateness}\n", summary.events);
        // With --json, standard output has only JSON.
        if self.args.json {
            let _unheard = write!(stderr, "{summary}");
            return Ok(());
        }
        print(&summary)
    }
}

impl Rate {
    /// Returns whether one more line may be shown. At the begin of a second, the lines that were not are told, as a
    /// comment that `aseqd send` skips.
    fn shows(&mut self, out: &mut String, json: bool) -> bool {
        if self.begin.elapsed() >= SECOND {
            let hidden = self.shown.saturating_sub(self.limit);
            if hidden > 0 && !json {
                let _infallible = writeln!(out, "# {hidden} more events in this second");
            }
            (self.begin, self.shown) = (Instant::now(), 0);
        }
        self.shown += 1;
        let shows = self.shown <= self.limit;
        self.hidden += u64::from(!shows);
        shows
    }
}

impl Picture {
    fn draw_in_time(&mut self) -> Result<(), Fail> {
        let due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= INTERVAL);
        if self.terminal && self.changed && due { self.draw() } else { Ok(()) }
    }

    /// Draws over what was drawn before.
    fn draw(&mut self) -> Result<(), Fail> {
        let (rows, columns) = match rustix::termios::tcgetwinsize(std::io::stdout()) {
            Ok(size) if size.ws_row > 0 && size.ws_col > 0 => (size.ws_row, size.ws_col),
            _ => (24, 80),
        };
        // The line of the cursor stays free.
        let lines = self.live.lines(usize::from(rows.max(2)) - 1, usize::from(columns));
        let mut out = String::new();
        if self.height > 0 {
            let _infallible = write!(out, "\x1b[{}A", self.height);
        }
        out.push_str("\r\x1b[J");
        for line in &lines {
            let _infallible = writeln!(out, "{line}");
        }
        (self.height, self.changed, self.drawn) = (lines.len(), false, Some(Instant::now()));
        // Not through the filter of colours, which would take the movements out.
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(out.as_bytes()).and_then(|()| stdout.flush());
        written.map_err(|error| Fail::new(format!("standard output cannot be written: {error}")))
    }

    fn finish(&mut self, json: bool) -> Result<(), Fail> {
        if json {
            let lines = self.live.json().into_iter().map(|channel| json_line(&channel) + "\n");
            return print(&lines.collect::<String>());
        }
        if self.terminal {
            return if self.changed { self.draw() } else { Ok(()) };
        }
        let lines = self.live.lines(usize::MAX, usize::MAX);
        print(&lines.into_iter().map(|line| line + "\n").collect::<String>())
    }
}
