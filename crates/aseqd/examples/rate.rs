//! Sends notes to the subscribers of its port at a rate, for `scripts/monitor`: `rate EVENTS PER_SECOND SUBSCRIBERS`.
//!
//! It waits for the subscribers, sends at each millisecond what is due by then, and prints how many events it has sent and
//! how long that took. It does not wait for receivers, as a driver does not. When it is behind, because it got no
//! processor, it sends at most what is due in 5 ms at once: more would be a burst that is larger than any pool.

use aseqd_client::event::{EventExt as _, note_on};
use aseqd_client::{Client, DEVICE, PortCaps, PortType};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<u64> =
        std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let [events, per_second, subscribers] = numbers[..] else {
        return Err("usage: rate EVENTS PER_SECOND SUBSCRIBERS".into());
    };
    let client = Client::open(DEVICE, "rate")?;
    let caps = PortCaps::READ | PortCaps::SUBS_READ;
    let port = client.create_port("out", caps, PortType::MIDI_GENERIC | PortType::APPLICATION)?;
    while u64::try_from(client.outgoing(port)?.len())? < subscribers {
        std::thread::sleep(Duration::from_millis(1));
    }
    let begin = Instant::now();
    let mut sent = 0;
    while sent < events {
        let due = begin.elapsed().as_micros() * u128::from(per_second) / 1_000_000;
        let due = u64::try_from(due)?.min(events).min(sent + per_second.div_ceil(200));
        let batch: Vec<_> = (sent..due)
            .map(|number| {
                let key = u8::try_from(number % 128).unwrap_or(0);
                note_on(0, key, 1).sent_from(port).sent_to_subscribers()
            })
            .collect();
        let mut rest = batch.as_slice();
        while !rest.is_empty() {
            // An event for which one of the receivers has no room counts as not sent. The others have it.
            let taken = match client.send_all(rest) {
                Err(error) if error.would_block() => 0,
                sent => sent?,
            };
            rest = rest.get(taken + 1..).unwrap_or_default();
        }
        sent = due;
        std::thread::sleep(Duration::from_millis(1));
    }
    println!("{sent} {:.3}", begin.elapsed().as_secs_f64());
    Ok(())
}
