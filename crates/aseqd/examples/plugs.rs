//! Plugs devices in and out, for `scripts/rules`, and measures how long it takes until a rule has connected each.
//!
//! `plugs TIMES LIMIT_MS PAUSE_MS` makes them itself, with a pause between two: a client `Keys` whose number is each time
//! another one, every third one named after its port was made. With a NAME behind that, it waits for ports of a client of
//! this name instead. Both make the port `Synth`, to which the rules must connect the device. The time counts from the request that makes the port, or
//! else from the announcement of its start, to the announcement of the connection. The exit status is 1 if a connection is
//! missing, goes elsewhere, or comes after the limit.

use aseqd_client::{Address, Announcement, Client, DEVICE, PortCaps, PortType};
use std::time::{Duration, Instant};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// How long to wait for a connection before it counts as missing.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait for a device that is plugged in.
const PLUGGED: Duration = Duration::from_secs(120);

fn main() -> Fallible<std::process::ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (times, limit, pause, name) = match words.as_slice() {
        [times, limit, pause] => (times, limit, pause, None),
        [times, limit, pause, name] => (times, limit, pause, Some(name.as_str())),
        _ => return Err("usage: plugs TIMES LIMIT_MS PAUSE_MS [NAME]".into()),
    };
    let (times, limit): (usize, u64) = (times.parse()?, limit.parse()?);
    let pause = Duration::from_millis(pause.parse()?);
    let observer = Client::open(DEVICE, "observer")?;
    observer.set_pools(1, 2000, 1)?;
    observer.hear_announcements()?;
    let synth = Client::open(DEVICE, "Synth")?;
    let caps = PortCaps::WRITE | PortCaps::SUBS_WRITE;
    let dest = synth.create_port("in", caps, PortType::MIDI_GENERIC | PortType::APPLICATION)?;
    // The time must not depend on when this program gets a processor.
    let _permitted = aseqd_host::realtime::schedule(true);
    let mut took = Vec::new();
    let mut missing = 0;
    for turn in 0..times {
        let found = if let Some(name) = name {
            connected(&observer, &Device::Named(name), dest)?
        } else {
            std::thread::sleep(pause);
            let taken: Vec<_> =
                (0..turn % 5).map(|_| Client::open(DEVICE, "other")).collect::<Result<_, _>>()?;
            let late = turn % 3 == 0;
            let keys = Client::open(DEVICE, if late { "Client" } else { "Keys" })?;
            let caps = PortCaps::READ | PortCaps::SUBS_READ;
            let start = Instant::now();
            let port = keys.create_port("out", caps, PortType::MIDI_GENERIC)?;
            if late {
                keys.set_name(&format!("Keys {turn}"))?;
            }
            drop(taken);
            connected(&observer, &Device::At(port, start), dest)?
        };
        match found {
            Some(time) => took.push(time),
            None => missing += 1,
        }
    }
    took.sort_unstable();
    let at = |part: usize| took.get((took.len() * part / 100).min(took.len().max(1) - 1));
    let ms = |part| at(part).map_or(0.0, |time: &Duration| time.as_secs_f64() * 1000.0);
    let late = took.iter().filter(|time| time.as_millis() >= u128::from(limit)).count();
    println!(
        "{} of {times} connected, {} of them within {limit} ms; from the port's start: median {:.2} ms, 99% {:.2} ms, most {:.2} ms",
        took.len(),
        took.len() - late,
        ms(50),
        ms(99),
        ms(100)
    );
    Ok(if missing + late == 0 { 0 } else { 1 }.into())
}

/// What is plugged in.
enum Device<'a> {
    /// A port, and when it was made.
    At(Address, Instant),
    Named(&'a str),
}

/// Returns the time from the start of a device's port to its connection, or `None` if that does not come.
fn connected(observer: &Client, device: &Device<'_>, dest: Address) -> Fallible<Option<Duration>> {
    let patience = if matches!(device, Device::At(..)) { PATIENCE } else { PLUGGED };
    let end = Instant::now() + patience;
    let mut started = None;
    while observer.wait(Some(end.saturating_duration_since(Instant::now())))? {
        let Some((event, _)) = observer.read_event()? else { continue };
        let now = Instant::now();
        match Announcement::of(&event) {
            Some(Announcement::PortStarted(port)) => match device {
                Device::At(address, start) if *address == port => {
                    started = Some((port, *start));
                }
                Device::Named(name) => {
                    let info = observer.info(port.client)?;
                    if info.is_some_and(|info| aseqd_client::text(&info.name) == *name) {
                        started = Some((port, now));
                    }
                }
                Device::At(..) => {}
            },
            Some(Announcement::Connected(connect)) => {
                let Some((_, start)) = started.filter(|(port, _)| *port == connect.sender) else {
                    continue;
                };
                if connect.dest != dest {
                    return Err(
                        format!("{} is connected to {}", connect.sender, connect.dest).into()
                    );
                }
                return Ok(Some(now - start));
            }
            _ => {}
        }
    }
    Ok(None)
}
