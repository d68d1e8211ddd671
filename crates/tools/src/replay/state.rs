//! The state of an engine, as text and as JSON: everything that a program could ask for, and what nobody has read yet.

use crate::ls;
use crate::monitor::{json_event, json_packet, line, packet_line};
use aseqd_abi::seq::ClientInfo;
use aseqd_client::{Client, Received, client_number, printable, text};
use aseqd_engine::{Engine, FileId, Time};
use aseqd_host::error::{Context as _, Fail};
use aseqd_replay::look::{self, Observer, Unread};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Numbers of queues are below this, as in the kernel (`SNDRV_SEQ_MAX_QUEUES`).
const MAX_QUEUES: u8 = 32;

/// A client of a copy of the engine, and what it needs to find the others.
struct View<'a> {
    engine: &'a Engine,
    at: Time,
    client: Client<Observer>,
    /// The files of the clients that have one.
    files: BTreeMap<i32, FileId>,
}

impl<'a> View<'a> {
    fn of(engine: &'a Engine, at: Time) -> Result<Self, Fail> {
        let client = look::observe(engine, at).context("the state cannot be looked at")?;
        let files = engine.open_clients().map(|open| (open.number.into(), open.file)).collect();
        Ok(Self { engine, at, client, files })
    }

    /// Returns the clients, without the one that looks.
    fn clients(&self) -> Result<Vec<ClientInfo>, Fail> {
        let own = look::number_of(&self.client);
        let mut clients = self.client.clients()?;
        clients.retain(|info| info.client != i32::from(own));
        Ok(clients)
    }

    fn unread(&self, info: &ClientInfo) -> Option<Unread> {
        let file = self.files.get(&info.client)?;
        Some(look::unread(self.engine, self.at, *file, info.midi_version != 0))
    }
}

/// Returns the state as text. `began` is the time from which times count.
pub(super) fn describe(engine: &Engine, at: Time, began: Time) -> Result<String, Fail> {
    let view = View::of(engine, at)?;
    let mut out = format!("at {} s\n", super::seconds(at - began));
    for info in view.clients()? {
        let number = client_number(&info);
        ls::describe_client(&mut out, &info);
        if let Some(pools) = view.client.pools(number)?.filter(|_| info.pid >= 0) {
            let _infallible = writeln!(
                out,
                "     pools     output {} of {} cells free (a writer wakes at {}), input {} of {}",
                pools.output_free,
                pools.output_pool,
                pools.output_room,
                pools.input_free,
                pools.input_pool
            );
        }
        let ports = view.client.ports_of(number)?;
        ls::describe_ports(&mut out, &view.client, &info, &ports)?;
        if let Some(unread) = view.unread(&info) {
            describe_unread(&mut out, &unread);
        }
    }
    describe_queues(&mut out, &view)?;
    let _infallible = write!(out, "timers\n{}", indented(&engine.proc_timers()));
    Ok(out)
}

fn describe_unread(out: &mut String, unread: &Unread) {
    if unread.events.is_empty() && !unread.overflow {
        return;
    }
    let lost = if unread.overflow { ", and others were lost" } else { "" };
    let _infallible = writeln!(out, "     unread    {} events{lost}", unread.events.len());
    for event in &unread.events {
        let line = match event {
            Received::Event(event, data) => line(event, data, None),
            Received::Packet(packet) => packet_line(packet, false),
        };
        let _infallible = writeln!(out, "         {line}");
    }
}

fn describe_queues(out: &mut String, view: &View<'_>) -> Result<(), Fail> {
    for number in 0..MAX_QUEUES {
        let Some(info) = view.client.queue_info(number)? else { continue };
        let name = printable(&text(&info.name));
        let locked = if info.locked != 0 { ", locked" } else { "" };
        let _infallible = writeln!(out, "queue {number}  {name}  (owner {}{locked})", info.owner);
        if let Some(status) = view.client.queue_status(number)? {
            let moves = if status.running != 0 { "running" } else { "stopped" };
            let _infallible = writeln!(
                out,
                "     {moves} at tick {}, {}.{:09} s; {} events wait",
                status.tick, status.time.tv_sec, status.time.tv_nsec, status.events
            );
        }
        if let Some(tempo) = view.client.queue_tempo(number)? {
            let base = if tempo.tempo_base == 0 { 1000 } else { tempo.tempo_base };
            let _infallible = writeln!(
                out,
                "     tempo {} x {base} ns a quarter note, {} ticks each; skew {}/{}",
                tempo.tempo, tempo.ppq, tempo.skew_value, tempo.skew_base
            );
        }
        if let Some(timer) = view.client.queue_timer(number)? {
            let id = timer.id;
            let _infallible = writeln!(
                out,
                "     timer class {}, device {}, subdevice {}",
                id.dev_class, id.device, id.subdevice
            );
        }
    }
    Ok(())
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        let _infallible = writeln!(all, "     {line}");
        all
    })
}

/// Returns the state as a JSON object. `began` is the time from which times count.
pub(super) fn json(engine: &Engine, at: Time, began: Time) -> Result<Value, Fail> {
    let view = View::of(engine, at)?;
    let mut clients = Vec::new();
    for info in view.clients()? {
        let number = client_number(&info);
        let ports = view.client.ports_of(number)?;
        let pools = view.client.pools(number)?.filter(|_| info.pid >= 0);
        let unread = view.unread(&info);
        clients.push(json!({
            "client": number,
            "client_name": text(&info.name),
            "client_type": if info.client_type == aseqd_abi::seq::KERNEL_CLIENT { "kernel" } else { "user" },
            "pid": (info.pid > 0).then_some(info.pid),
            "midi_version": info.midi_version,
            "pools": pools.map(|pools| json!({
                "output": pools.output_pool, "output_free": pools.output_free,
                "output_room": pools.output_room,
                "input": pools.input_pool, "input_free": pools.input_free,
            })),
            "ports": ls::json_ports(&view.client, &info, &ports)?,
            "lost": unread.as_ref().is_some_and(|unread| unread.overflow),
            "unread": unread.map(|unread| unread.events.iter().map(json_received).collect::<Vec<_>>()),
        }));
    }
    let mut queues = Vec::new();
    for number in 0..MAX_QUEUES {
        let Some(info) = view.client.queue_info(number)? else { continue };
        let status = view.client.queue_status(number)?.unwrap_or_default();
        let tempo = view.client.queue_tempo(number)?.unwrap_or_default();
        let timer = view.client.queue_timer(number)?.unwrap_or_default().id;
        queues.push(json!({
            "queue": number,
            "queue_name": text(&info.name),
            "owner": info.owner,
            "locked": info.locked != 0,
            "running": status.running != 0,
            "tick": status.tick,
            "sec": status.time.tv_sec,
            "nsec": status.time.tv_nsec,
            "events": status.events,
            "tempo": tempo.tempo,
            "tempo_base_ns": if tempo.tempo_base == 0 { 1000 } else { tempo.tempo_base },
            "ppq": tempo.ppq,
            "skew": tempo.skew_value,
            "skew_base": tempo.skew_base,
            "timer": { "class": timer.dev_class, "device": timer.device, "subdevice": timer.subdevice },
        }));
    }
    let timers: Vec<String> = engine.proc_timers().lines().map(str::to_owned).collect();
    Ok(json!({
        "at_ns": at - began, "clients": clients, "queues": queues, "timers": timers,
    }))
}

/// Returns something that a client has received as a JSON object.
pub(super) fn json_received(received: &Received) -> Value {
    match received {
        Received::Event(event, data) => json_event(event, data, None),
        Received::Packet(packet) => json_packet(packet),
    }
}
