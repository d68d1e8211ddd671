//! `aseqd timers`: lists timers and their users.

use crate::json::json_line;
use anstyle::{AnsiColor, Style};
use aseqd_abi::timer::{CLASS_GLOBAL, FLG_SLAVE, TimerId};
use aseqd_client::printable;
use aseqd_client::timer::{DEVICE, Holder, Owner, Timer, Timers};
use aseqd_console::print;
use aseqd_console::say;
use aseqd_host::error::{Context as _, Fail};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// List timers, and who uses them
///
/// Each timer has a line: its address (what snd_timer_open takes after `hw:`), its name, the length of a tick, and
/// the number of instances that are bound to it. The owners of the instances are below. Instances that follow another
/// one (class SLAVE) are not listed, as on Linux.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The number of an application is the id of the thread that selected the timer, as the server or the kernel sees it. \
Inside a container that number can differ; then no name of a program is shown.

Examples:
  aseqd timers
  aseqd timers --json | jq '.holders[]'")]
pub struct TimersArgs {
    /// Print one JSON object per timer
    #[arg(long)]
    pub json: bool,
    /// The device file of the timers
    #[arg(long, value_name = "PATH", default_value = DEVICE, env = "ASEQD_TIMER_DEVICE")]
    pub device: PathBuf,
}

const TIMER: Style = Style::new().bold();
const OWNER: Style = AnsiColor::Cyan.on_default();

/// Runs `aseqd timers`. If the owners of instances are not known, it says so and lists the rest.
///
/// # Errors
/// A message if the device cannot be opened, a request fails, or standard output cannot be written.
pub fn main(args: &TimersArgs) -> Result<ExitCode, Fail> {
    let device = Timers::open(&args.device)?;
    let timers = device.list()?;
    let (holders, trouble) = match device.holders(&timers) {
        Ok(holders) => (Some(holders), None),
        Err(why) => (None, Some(why)),
    };
    let mut out = String::new();
    for (number, timer) in timers.iter().enumerate() {
        let holders = holders.as_ref().map(|all| all[number].as_slice());
        if args.json {
            writeln!(out, "{}", json_line(&json_timer(timer, holders))).context("a line")?;
        } else {
            describe(&mut out, timer, holders.unwrap_or_default());
        }
    }
    print(&out)?;
    // Everything else is in the list.
    if let Some(why) = trouble {
        say(&format_args!("the users of the timers are not known: {why}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(out: &mut String, timer: &Timer, holders: &[Holder]) {
    let (address, info) = (address(&timer.id), &timer.info);
    let (name, id) = (text(&info.name), text(&info.id));
    let name = printable(if name.is_empty() { &id } else { &name });
    let tick = match info.flags & FLG_SLAVE {
        0 => tick(info.resolution),
        _ => format!("{}, driven by the device", tick(info.resolution)),
    };
    let bound = match info.clients {
        0 => "not used".to_owned(),
        1 => "1 instance".to_owned(),
        count => format!("{count} instances"),
    };
    let _infallible = writeln!(out, "{TIMER}{address}{TIMER:#}  {name}  ({tick}, {bound})");
    for holder in holders {
        let state = if holder.running { "running" } else { "stopped" };
        let owner = printable(&holder.owner.to_string());
        let command = command(&holder.owner).map_or_else(String::new, |name| format!(" ({name})"));
        let _infallible = writeln!(out, "    {OWNER}{owner}{OWNER:#}{command} : {state}");
    }
}

/// Returns a timer's address: what `snd_timer_open` takes after `hw:`.
fn address(id: &TimerId) -> String {
    let TimerId { dev_class, dev_sclass: _, card, device, subdevice } = id;
    match *dev_class {
        CLASS_GLOBAL => format!("CLASS={dev_class},DEV={device},SUBDEV={subdevice}"),
        _ => format!("CLASS={dev_class},CARD={card},DEV={device},SUBDEV={subdevice}"),
    }
}

/// Returns the length of a tick in words, in the largest unit that does not exceed it.
fn tick(nanoseconds: u64) -> String {
    let (unit, length) = match nanoseconds {
        0 => return "no ticks now".to_owned(),
        1..1_000 => ("ns", 1),
        1_000..1_000_000 => ("us", 1_000),
        1_000_000..1_000_000_000 => ("ms", 1_000_000),
        _ => ("s", 1_000_000_000),
    };
    let (whole, part) = (nanoseconds / length, nanoseconds % length);
    if part == 0 {
        return format!("ticks of {whole} {unit}");
    }
    let digits = length.ilog10() as usize;
    let part = format!("{part:0digits$}");
    format!("ticks of {whole}.{} {unit}", part.trim_end_matches('0'))
}

/// Returns the name of the program that an owner belongs to, if the owner is a thread of this machine. The name is the
/// process's, because threads may have names of their own.
fn command(owner: &Owner) -> Option<String> {
    let Owner::Application(thread) = owner else { return None };
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    let process = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim();
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    Some(printable(name.trim_end_matches('\n')))
}

/// Returns the text of a field, up to its first zero byte.
fn text(field: &[u8]) -> String {
    let bytes = field.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns a timer as JSON. `holders` is null where they are not known.
fn json_timer(timer: &Timer, holders: Option<&[Holder]>) -> Value {
    let (id, info, status) = (&timer.id, &timer.info, &timer.status);
    let global = id.dev_class == CLASS_GLOBAL;
    let holder = |holder: &Holder| {
        let (pid, queue) = match holder.owner {
            Owner::Application(pid) => (Some(pid), None),
            Owner::Queue(queue) => (None, Some(queue)),
            Owner::Other(_) => (None, None),
        };
        json!({
            "owner": holder.owner.to_string(),
            "pid": pid,
            "command": command(&holder.owner),
            "queue": queue,
            "running": holder.running,
        })
    };
    json!({
        "timer": format!("hw:{}", address(id)),
        "class": id.dev_class,
        "card": (!global).then_some(id.card),
        "device": id.device,
        "subdevice": id.subdevice,
        "id": text(&info.id),
        "name": text(&info.name),
        "resolution_ns": info.resolution,
        "resolution": [status.resolution_num, status.resolution_den],
        "driven_by_device": info.flags & FLG_SLAVE != 0,
        "instances": info.clients,
        "holders": holders.map(|holders| holders.iter().map(holder).collect::<Vec<_>>()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_told_in_the_largest_unit() {
        for (nanoseconds, told) in [
            (1, "ticks of 1 ns"),
            (999, "ticks of 999 ns"),
            (62_500, "ticks of 62.5 us"),
            (4_000_000, "ticks of 4 ms"),
            (3_333_333, "ticks of 3.333333 ms"),
            (1_000_000_001, "ticks of 1.000000001 s"),
            (0, "no ticks now"),
        ] {
            assert_eq!(tick(nanoseconds), told);
        }
    }

    #[test]
    fn addresses_are_those_that_programs_open() {
        let id = TimerId { dev_class: 1, card: -1, device: 3, ..TimerId::default() };
        assert_eq!(address(&id), "CLASS=1,DEV=3,SUBDEV=0");
        let id = TimerId { dev_class: 3, card: 1, device: 2, subdevice: 1, ..TimerId::default() };
        assert_eq!(address(&id), "CLASS=3,CARD=1,DEV=2,SUBDEV=1");
    }
}
