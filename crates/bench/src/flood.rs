//! Flood: messages a second from one process to another, as fast as possible, by messages per write.

use super::latency::{doors, jack, sndio, variants, without_server};
use super::link::{self, Link, Plan};
use super::row::{Line, Row, Side};
use super::setup::Setup;
use aseqd_host::error::Fail;
use serde_json::Value;

/// Messages per write, and in total.
const SIZES: [(u32, u32); 3] = [(1, 20_000), (16, 100_000), (100, 200_000)];
/// Most messages per write for sndiod, which drops or cuts larger ones.
const SNDIO_BATCH: u32 = 64;

/// Returns one row for each size of a write.
pub(super) fn rows(setup: &Setup) -> Vec<Row> {
    let sndiod = setup.sndiod();
    let jackd = setup.jack();
    let row = |(batch, count): (u32, u32)| {
        let count = if setup.quick { count / 10 } else { count };
        let plan = |link| Plan { link, count, batch, gap_ns: 0 };
        let mut subjects = doors(setup, plan(Link::Sequencer), "", figures);
        subjects.extend(variants(setup, plan(Link::Sequencer), figures));
        if batch == 100 {
            let suffix = ", the writer waits for nobody";
            subjects.extend(doors(setup, plan(Link::Reckless), suffix, figures));
        }
        subjects.push(without_server(Side::Limit, "socket, stream", plan(Link::Stream), figures));
        subjects.push(without_server(
            Side::Limit,
            "socket, packets",
            plan(Link::SeqPacket),
            figures,
        ));
        subjects.push(without_server(Side::Peer, "ZeroMQ ipc", plan(Link::ZeroMq), figures));
        let fewer = Plan { batch: batch.min(SNDIO_BATCH), ..plan(Link::Sndio) };
        let suffix =
            if batch > SNDIO_BATCH { format!(", by {SNDIO_BATCH}") } else { String::new() };
        subjects.push(sndio(&sndiod, fewer, &suffix, figures));
        subjects.push(jack(&jackd, plan(Link::Jack), "", figures));
        let title = format!("flood, {batch} per write");
        Row { family: "flood", title, subjects }
    };
    SIZES.into_iter().map(row).collect()
}

fn figures(answer: &Value) -> Result<Vec<Line>, Fail> {
    let mut figures = link::throughput(answer)?;
    let told = answer["told_losses"].as_f64().unwrap_or(0.0);
    if told > 0.0 {
        figures.push(("times_told_of_losses".to_owned(), told));
    }
    Ok(Line::only(figures))
}
