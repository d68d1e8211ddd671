//! The texts of `/proc/asound/seq`.

use super::Seq;
use super::client::Client;
use super::pool::Pool;
use super::port::{SubscriptionList, peer, subscription_flags};
use super::tempo::SKEW_BASE;
use super::ump::endpoint::Endpoint;
use crate::limits::MAX_CLIENTS;
use crate::name::name_bytes;
use alloc::string::String;
use aseqd_abi::seq::{PortCaps, PortFlags, SubscriptionFlags};
use aseqd_abi::ump::CLIENT_UMP_MIDI_2_0;
use core::fmt::{self, Write as _};

struct Text<'a>(&'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_bytes(self.0).utf8_chunks().try_for_each(|chunk| {
            write!(
                f,
                "{}{}",
                chunk.valid(),
                if chunk.invalid().is_empty() { "" } else { "\u{fffd}" }
            )
        })
    }
}

/// Returns what a function writes. Writing to a `String` cannot fail.
fn written(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut text = String::new();
    let _infallible = write(&mut text);
    text
}

pub(crate) fn clients(seq: &Seq) -> String {
    written(|out| {
        writeln!(out, "Client info")?;
        writeln!(out, "  cur  clients : {}", seq.client_count())?;
        writeln!(out, "  peak clients : {}", seq.peak_clients())?;
        writeln!(out, "  max  clients : {MAX_CLIENTS}\n")?;
        seq.clients().try_for_each(|client| write_client(out, client))
    })
}

fn write_client(out: &mut String, client: &Client) -> fmt::Result {
    let kind = if client.is_user() { "User" } else { "Kernel" };
    let protocol = match client.midi_version {
        0 => "Legacy",
        1 => "UMP MIDI1",
        2 => "UMP MIDI2",
        _ => "Unknown",
    };
    writeln!(out, "Client {:3} : \"{}\" [{kind} {protocol}]", client.number, Text(&client.name))?;
    if let Some(endpoint) = &client.endpoint {
        write_endpoint(out, endpoint)?;
    }
    for port in &client.ports {
        if port.capability.contains(PortCaps::INACTIVE) {
            continue;
        }
        let letter = |whole: PortCaps, part: PortCaps, letters: [char; 2]| {
            if port.capability.contains(whole) {
                letters[0]
            } else if port.capability.contains(part) {
                letters[1]
            } else {
                '-'
            }
        };
        let read = letter(PortCaps::READ | PortCaps::SUBS_READ, PortCaps::READ, ['R', 'r']);
        let write = letter(PortCaps::WRITE | PortCaps::SUBS_WRITE, PortCaps::WRITE, ['W', 'w']);
        let export = if port.capability.contains(PortCaps::NO_EXPORT) { '-' } else { 'e' };
        let duplex = if port.capability.contains(PortCaps::DUPLEX) { 'X' } else { '-' };
        let direction = match port.direction {
            0 => "-",
            1 => "In",
            2 => "Out",
            3 => "In/Out",
            _ => "Invalid",
        };
        let midi1 =
            client.midi_version == CLIENT_UMP_MIDI_2_0 && port.flags.contains(PortFlags::IS_MIDI1);
        let midi1 = if midi1 { " [MIDI1]" } else { "" };
        writeln!(
            out,
            "  Port {:3} : \"{}\" ({read}{write}{export}{duplex}) [{direction}]{midi1}",
            port.number,
            Text(&port.name)
        )?;
        write_subscriptions(out, "    Connecting To: ", &port.outgoing, true)?;
        write_subscriptions(out, "    Connected From: ", &port.incoming, false)?;
    }
    if client.pool.total > 0 {
        write_pool(out, "Output", &client.pool)?;
    }
    match &client.fifo {
        Some(fifo) if client.is_user() => write_pool(out, "Input", &fifo.pool),
        _ => Ok(()),
    }
}

/// Writes what a client has named of its endpoint.
fn write_endpoint(out: &mut String, endpoint: &Endpoint) -> fmt::Result {
    if let Some(info) = endpoint.info().filter(|info| info.name[0] != 0) {
        writeln!(out, "  UMP Endpoint: \"{}\"", Text(&info.name))?;
    }
    for (number, block) in endpoint.blocks().filter(|(_, block)| block.name[0] != 0) {
        let active = if block.active == 0 { "Inactive" } else { "Active" };
        writeln!(out, "  UMP Block {number}: \"{}\" [{active}]", Text(&block.name))?;
        let (first, count) = (u16::from(block.first_group), u16::from(block.num_groups));
        writeln!(out, "    Groups: {}-{}", first + 1, first + count)?;
    }
    Ok(())
}

fn write_subscriptions(
    out: &mut String,
    title: &str,
    list: &SubscriptionList,
    from_sender: bool,
) -> fmt::Result {
    for (index, entry) in list.entries.iter().enumerate() {
        out.write_str(if index == 0 { title } else { ", " })?;
        write!(out, "{}", peer(entry, from_sender))?;
        let flags = subscription_flags(entry);
        if flags.contains(SubscriptionFlags::TIMESTAMP) {
            let kind = if flags.contains(SubscriptionFlags::TIME_REAL) { 'r' } else { 't' };
            write!(out, "[{kind}:{}]", entry.queue)?;
        }
        if list.exclusive {
            out.write_str("[ex]")?;
        }
    }
    if list.entries.is_empty() { Ok(()) } else { writeln!(out) }
}

fn write_pool(out: &mut String, title: &str, pool: &Pool) -> fmt::Result {
    writeln!(out, "  {title} pool :")?;
    writeln!(out, "    Pool size          : {}", pool.total)?;
    writeln!(out, "    Cells in use       : {}", pool.used)?;
    writeln!(out, "    Peak cells in use  : {}", pool.peak)?;
    writeln!(out, "    Alloc success      : {}", pool.successes)?;
    writeln!(out, "    Alloc failures     : {}", pool.failures)
}

pub(crate) fn queues(seq: &Seq) -> String {
    written(|out| {
        for queue in seq.queues() {
            let timer = &queue.timer;
            let position = timer.position(seq.now());
            let time = position.real_time();
            writeln!(out, "queue {}: [{}]", queue.number, Text(&queue.name))?;
            writeln!(out, "owned by client    : {}", queue.owner)?;
            let lock = if queue.locked { "Locked" } else { "Free" };
            writeln!(out, "lock status        : {lock}")?;
            writeln!(out, "queued time events : {}", queue.times.len())?;
            writeln!(out, "queued tick events : {}", queue.ticks.len())?;
            let state = if timer.running { "Running" } else { "Stopped" };
            writeln!(out, "timer state        : {state}")?;
            writeln!(out, "timer PPQ          : {}", timer.ppq)?;
            writeln!(out, "current tempo      : {}", timer.tempo)?;
            writeln!(out, "tempo base         : {} ns", timer.tempo_base)?;
            writeln!(out, "current BPM        : {}", timer.bpm())?;
            // Linux prints both as signed numbers.
            let (sec, tick) = (time.tick_or_sec.cast_signed(), position.tick.cast_signed());
            writeln!(out, "current time       : {sec}.{:09} s", time.nsec)?;
            writeln!(out, "current tick       : {tick}\n")?;
        }
        Ok(())
    })
}

pub(crate) fn timer(seq: &Seq) -> String {
    written(|out| {
        for queue in seq.queues() {
            let timer = &queue.timer;
            let Some(name) = seq.timer_name(queue) else { continue };
            let period_ns = seq.period_ns(queue);
            let (sec, nsec) = (period_ns / 1_000_000_000, period_ns % 1_000_000_000);
            writeln!(out, "Timer for queue {} : {name}", queue.number)?;
            writeln!(out, "  Period time : {sec}.{nsec:09}")?;
            writeln!(out, "  Skew : {} / {SKEW_BASE}", timer.skew)?;
        }
        Ok(())
    })
}
