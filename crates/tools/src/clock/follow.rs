//! Measures the clock and the time code that ports send.

use super::intervals::Intervals;
use super::{ClockArgs, Turn};
use crate::complete::SENDER;
use crate::json::json_line;
use crate::midi_clock::{CLOCKS_PER_QUARTER, MidiClock};
use crate::mtc::{Code, Reader};
use crate::ready::announce;
use crate::select::{ports_of, refusal};
use aseqd_abi::event::EventTime;
use aseqd_abi::seq::{PortCaps, PortFlags, PortInfo, PortType};
use aseqd_abi::{Address, Event, EventType};
use aseqd_client::{Client, Error, name_field};
use aseqd_console::{print, say};
use aseqd_host::error::Fail;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A pause of as many times the usual interval is none: the sender has stopped meanwhile.
const PAUSE: f64 = 4.0;

/// Messages of one kind from one port.
#[derive(Clone, Copy, Debug, Default)]
struct Series {
    /// When the last one came, in nanoseconds.
    last: Option<u64>,
    /// Since the last line, and in all.
    now: Intervals,
    all: Intervals,
}

impl Series {
    fn add(&mut self, at: u64) {
        let last = self.last.replace(at);
        let Some(interval) = last.map(|last| at.saturating_sub(last)) else { return };
        #[expect(clippy::cast_precision_loss, reason = "intervals are far shorter than 2^53 ns")]
        if self.all.count > 0 && interval as f64 > PAUSE * self.all.mean {
            return;
        }
        self.now.add(interval);
        self.all.add(interval);
    }
}

/// What one port sends.
#[derive(Debug, Default)]
struct Source {
    clock: MidiClock,
    clocks: Series,
    stopped: bool,
    reader: Reader,
    code: Option<Code>,
    frames: Series,
    /// When its last line was printed.
    printed: Option<u64>,
}

/// A client that measures.
#[derive(Debug)]
pub(super) struct Follower {
    client: Client,
    sources: BTreeMap<Address, Source>,
    interval: Duration,
    json: bool,
    quiet: bool,
}

impl Follower {
    /// Connects the ports. Everything that arrives is stamped with the time of a queue.
    ///
    /// # Errors
    /// A message if a port cannot be connected.
    pub(super) fn new(client: Client, args: &ClockArgs) -> Result<Self, Fail> {
        let ports = ports_of(&client, &args.ports, SENDER)?;
        let queue = client.create_queue("aseqd clock")?;
        client.start_queue(queue)?;
        let caps = PortCaps::WRITE | PortCaps::SUBS_WRITE;
        let info = PortInfo {
            name: name_field("clock"),
            capability: caps.bits(),
            port_type: (PortType::MIDI_GENERIC | PortType::APPLICATION).bits(),
            midi_channels: 16,
            flags: (PortFlags::TIMESTAMP | PortFlags::TIME_REAL).bits(),
            time_queue: queue,
            ..PortInfo::default()
        };
        let port = client.create_port_from(&info)?.addr;
        for sender in &ports {
            client.connect(sender.address, port).map_err(|error| {
                Fail::new(format!("{sender} cannot be followed: {}", refusal(&error)))
            })?;
        }
        if !args.quiet {
            let what = match ports.as_slice() {
                [] => format!("what is connected to port {port}"),
                ports => ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            };
            say(&format_args!("following {what}; Ctrl-C ends"));
        }
        announce(&client, "aseqd clock")?;
        let (interval, json, quiet) = (args.interval, args.json, args.quiet);
        Ok(Self { client, sources: BTreeMap::new(), interval, json, quiet })
    }

    fn take(&mut self, event: &Event, data: &[u8]) -> Result<(), Fail> {
        let at = nanoseconds(event.time);
        let is_clock = matches!(
            event.event_type,
            EventType::CLOCK | EventType::START | EventType::CONTINUE | EventType::STOP
        );
        let code = Code::of_full_frame(data).filter(|_| event.event_type == EventType::SYSEX);
        if !is_clock && event.event_type != EventType::QFRAME && code.is_none() {
            return Ok(());
        }
        let source = self.sources.entry(event.source).or_default();
        match event.event_type {
            EventType::CLOCK => {
                source.clock.clock(at);
                source.clocks.add(at);
            }
            EventType::START => {
                source.clock.start();
                source.clocks.last = None;
                source.stopped = false;
            }
            EventType::CONTINUE => source.stopped = false,
            EventType::STOP => source.stopped = true,
            EventType::QFRAME => {
                source.frames.add(at);
                let byte = u8::try_from(event.data.control().value & 127).unwrap_or(0);
                if let Some(code) = source.reader.take(byte) {
                    source.code = Some(code);
                }
            }
            _ => source.code = code,
        }
        let printed = *source.printed.get_or_insert(at);
        if Duration::from_nanos(at.saturating_sub(printed)) >= self.interval {
            source.printed = Some(at);
            let text = lines(event.source, source, false, self.json);
            source.clocks.now = Intervals::default();
            source.frames.now = Intervals::default();
            print(&text)?;
        }
        Ok(())
    }

    /// Prints what was measured in all.
    ///
    /// # Errors
    /// A message if standard output cannot be written.
    pub(super) fn finish(&self) -> Result<(), Fail> {
        for (address, source) in &self.sources {
            print(&lines(*address, source, true, self.json))?;
        }
        if self.sources.is_empty() && !self.quiet {
            say(&"no clock and no time code was received");
        }
        Ok(())
    }
}

impl Turn for Follower {
    fn client(&self) -> &Client {
        &self.client
    }

    fn turn(&mut self) -> Result<(), Fail> {
        loop {
            match self.client.read_event() {
                Ok(Some((event, data))) => self.take(&event, &data)?,
                Ok(None) => return Ok(()),
                Err(Error::EventsLost) => {
                    say(&"events were lost: they arrived faster than this command read them");
                    for source in self.sources.values_mut() {
                        (source.clocks.last, source.frames.last) = (None, None);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn nanoseconds(time: EventTime) -> u64 {
    u64::from(time.tick_or_sec) * 1_000_000_000 + u64::from(time.nsec)
}

/// Returns the lines of a port: those of the last interval, or the last ones, of everything.
fn lines(address: Address, source: &Source, total: bool, as_json: bool) -> String {
    let pick = |series: &Series| if total { series.all } else { series.now };
    let mut text = String::new();
    let mut add = |kind: &str, intervals: Intervals, value: Value, words: String| {
        if intervals.count == 0 {
            return;
        }
        let (jitter, worst) = (intervals.deviation() / 1e3, intervals.worst() / 1e3);
        if as_json {
            let mut object = json!({
                "source": address.to_string(), "type": kind, "total": total,
                "messages": intervals.count + 1, "jitter_us": jitter, "worst_us": worst,
            });
            if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), value) {
                object.extend(fields);
            }
            text += &json_line(&object);
            text.push('\n');
            return;
        }
        let in_all = if total {
            format!("; {} messages in all", intervals.count + 1)
        } else {
            String::new()
        };
        text += &format!(
            "{address}  {kind}  {words}  jitter {:.3} ms, at most {:.3} ms{in_all}\n",
            jitter / 1e3,
            worst / 1e3,
        );
    };
    let clocks = pick(&source.clocks);
    #[expect(clippy::cast_precision_loss, reason = "24")]
    let tempo = 60e9 / (clocks.mean * CLOCKS_PER_QUARTER as f64);
    let beat = source.clock.count().saturating_sub(1) / CLOCKS_PER_QUARTER + 1;
    let state = if source.stopped { ", stopped" } else { "" };
    add(
        "clock",
        clocks,
        json!({ "tempo": tempo, "beat": beat, "running": !source.stopped }),
        format!("{tempo:.2} BPM, beat {beat}{state}"),
    );
    let frames = pick(&source.frames);
    if let Some(code) = source.code {
        let speed = code.rate.quarter() / frames.mean;
        let rate = code.rate.to_string();
        add(
            "mtc",
            frames,
            json!({ "code": code.to_string(), "frames_per_second": rate, "speed": speed }),
            format!("{code} at {rate} frames/s, speed {speed:.4}"),
        );
    }
    text
}
