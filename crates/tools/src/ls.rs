//! `aseqd ls`: lists clients, ports and connections.

use crate::complete::any_port;
use crate::json::json_line;
use crate::select;
use crate::watch::{Gone, Snapshot, heard, settled};
use anstyle::{AnsiColor, Style};
use aseqd_abi::seq::{ClientInfo, KERNEL_CLIENT, PortCaps, PortInfo, QuerySubs, SubscriptionFlags};
use aseqd_client::ump::{UmpBlockInfo, UmpEndpointInfo};
use aseqd_client::{Address, Client, DeviceFile, Port, client_number, printable, text};
use aseqd_console::DeviceArg;
use aseqd_console::print;
use aseqd_host::error::{Context as _, Fail};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::ExitCode;

/// List clients, ports and connections
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Capabilities: r if others may read from the port, w if they may write to it; upper case: also subscribable; \
- if third parties may not connect it. Connections: [ex] is exclusive, [tick:Q] and [real:Q] stamp events with the \
time of queue Q. A client that speaks UMP shows its protocol, its endpoint, and its blocks with their groups, counted from 1 as in names of ports; (off) is a block that is not active.

Examples:
  aseqd ls
  aseqd ls fluid .hw
  aseqd ls --watch --json | jq .change
  aseqd ls --output --json | jq .port")]
pub struct LsArgs {
    /// List only these ports, given as for `aseqd connect`. A name lists all that it fits best
    #[arg(value_name = "PORT", add = any_port())]
    pub ports: Vec<String>,
    /// List only ports that others can subscribe to read from
    #[arg(short, long)]
    pub input: bool,
    /// List only ports that others can subscribe to write to
    #[arg(short, long)]
    pub output: bool,
    /// Print one JSON object per port
    #[arg(long)]
    pub json: bool,
    /// Then print what changes, a line each, until a signal comes: + came, - went, ~ changed
    #[arg(short, long)]
    pub watch: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// An endpoint has at most this many blocks (`SNDRV_UMP_MAX_BLOCKS`).
const MAX_BLOCKS: u8 = 32;

const CLIENT: Style = Style::new().bold();
const PORT: Style = AnsiColor::Cyan.on_default();

/// Runs `aseqd ls`.
///
/// # Errors
/// A message if the device cannot be opened, a request fails, or standard output cannot be written. With `--watch`, if the
/// sequencer ends.
pub fn main(args: &LsArgs) -> Result<ExitCode, Fail> {
    let client = Client::open(&args.device.device, "aseqd ls")?;
    if args.watch {
        return watch(&client, args);
    }
    print(&list(&client, args)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what there is, and then what changes.
fn watch(client: &Client, args: &LsArgs) -> Result<ExitCode, Fail> {
    client
        .hear_announcements()
        .context("the announcements of the System client cannot be followed")?;
    let mut gone = Gone::default();
    let mut listen = || heard(client, &mut gone);
    let look = || Ok::<_, Fail>((list(client, args)?, snapshot(client, args)?));
    let (list, mut before) = settled(look, &mut listen)?;
    print(&list)?;
    loop {
        client.wait(None)?;
        let mut gone = Gone::default();
        let mut listen = || heard(client, &mut gone);
        listen()?;
        let now = settled(|| snapshot(client, args), &mut listen)?;
        let mut out = String::new();
        for change in now.since(&before, &gone) {
            let line = if args.json { json_line(&change.json()) } else { change.line() };
            writeln!(out, "{line}").context("a line")?;
        }
        if !out.is_empty() {
            print(&out)?;
        }
        before = now;
    }
}

/// Asks for the ports that the arguments name. Names are looked at anew each time: ports come and are renamed.
fn snapshot(client: &Client, args: &LsArgs) -> Result<Snapshot, Fail> {
    let selectors = args.ports.iter().map(|text| select::selector(text));
    let selectors = selectors.collect::<Result<Vec<_>, _>>()?;
    let all = select::ports(client)?;
    let named: Vec<_> = selectors
        .iter()
        .flat_map(|selector| selector.all(&all, PortCaps::empty()))
        .map(|port| port.address)
        .collect();
    let is_wanted = |port: &Port| {
        has(args, port.caps) && (args.ports.is_empty() || named.contains(&port.address))
    };
    Ok(Snapshot::of(client, all.iter().filter(|port| is_wanted(port)))?)
}

/// Returns the list of what there is.
fn list(client: &Client, args: &LsArgs) -> Result<String, Fail> {
    let mut named = Vec::new();
    for text in &args.ports {
        // With --watch, they may come.
        let found = match args.watch {
            true => select::found(client, &select::selector(text)?)?,
            false => select::every_port(client, text, PortCaps::empty())?,
        };
        named.extend(found.into_iter().map(|port| port.address));
    }
    let wanted = |port: &PortInfo| {
        has(args, caps(port)) && (args.ports.is_empty() || named.contains(&port.addr))
    };
    let whole = !args.input && !args.output && args.ports.is_empty();
    let mut out = String::new();
    for info in client.clients()? {
        // This command's own client is of no interest.
        if info.client == i32::from(client.id()) {
            continue;
        }
        let Some((info, mut ports)) = client.info_and_ports(client_number(&info))? else {
            continue;
        };
        ports.retain(wanted);
        if args.json {
            for port in json_ports(client, &info, &ports)? {
                writeln!(out, "{}", json_line(&port)).context("a line")?;
            }
        } else if !ports.is_empty() || whole {
            describe_client(&mut out, &info);
            describe_ports(&mut out, client, &info, &ports)?;
        }
    }
    Ok(out)
}

/// Appends a client's endpoint, and these ports of it with their connections to and from other clients than the one that
/// asks.
pub(crate) fn describe_ports<F: DeviceFile>(
    out: &mut String,
    client: &Client<F>,
    info: &ClientInfo,
    ports: &[PortInfo],
) -> Result<(), Fail> {
    describe_endpoint(out, &endpoint(client, info)?);
    for port in ports {
        let (to, from) = connections(client, port.addr)?;
        describe_port(out, port, &to, &from);
    }
    Ok(())
}

/// Returns these ports of a client as JSON objects, with the connections that [`describe_ports`] tells.
pub(crate) fn json_ports<F: DeviceFile>(
    client: &Client<F>,
    info: &ClientInfo,
    ports: &[PortInfo],
) -> Result<Vec<Value>, Fail> {
    let said = match ports.is_empty() {
        true => Value::Null,
        false => json_endpoint(info, &endpoint(client, info)?),
    };
    let one = |port: &PortInfo| {
        let (to, from) = connections(client, port.addr)?;
        Ok(json_port(info, &said, port, &to, &from))
    };
    ports.iter().map(one).collect()
}

/// Returns the connections from and to a port. Those of the client that asks are of no interest.
fn connections<F: DeviceFile>(
    client: &Client<F>,
    port: Address,
) -> Result<(Vec<QuerySubs>, Vec<QuerySubs>), Fail> {
    let (mut to, mut from) = (client.outgoing(port)?, client.incoming(port)?);
    for peers in [&mut to, &mut from] {
        peers.retain(|peer| peer.addr.client != client.id());
    }
    Ok((to, from))
}

fn caps(port: &PortInfo) -> PortCaps {
    PortCaps::from_bits_retain(port.capability)
}

fn has(args: &LsArgs, caps: PortCaps) -> bool {
    (!args.input || caps.contains(PortCaps::READ | PortCaps::SUBS_READ))
        && (!args.output || caps.contains(PortCaps::WRITE | PortCaps::SUBS_WRITE))
}

/// What a client says of its UMP endpoint, and of its blocks with their numbers.
#[derive(Default)]
struct Endpoint {
    info: Option<UmpEndpointInfo>,
    blocks: Vec<(u8, UmpBlockInfo)>,
}

/// Asks for the endpoint of a client. Clients that do not speak UMP have none.
fn endpoint<F: DeviceFile>(client: &Client<F>, info: &ClientInfo) -> Result<Endpoint, Fail> {
    let number = client_number(info);
    if info.midi_version == 0 {
        return Ok(Endpoint::default());
    }
    let mut blocks = Vec::new();
    for block in 0..MAX_BLOCKS {
        blocks.extend(client.block_info(number, block)?.map(|info| (block, info)));
    }
    Ok(Endpoint { info: client.endpoint_info(number)?, blocks })
}

/// Returns the name of what a client speaks; `None` for clients that do not speak UMP.
fn protocol(info: &ClientInfo) -> Option<String> {
    match info.midi_version {
        0 => None,
        1 => Some("UMP MIDI 1.0".to_owned()),
        2 => Some("UMP MIDI 2.0".to_owned()),
        other => Some(format!("UMP version {other}")),
    }
}

fn describe_endpoint(out: &mut String, Endpoint { info, blocks }: &Endpoint) {
    if let Some(info) = info {
        let name = printable(&text(&info.name));
        let _infallible = writeln!(out, "     endpoint  {name}");
    }
    for (number, block) in blocks {
        let groups = groups(block);
        let off = if block.active == 0 { " (off)" } else { "" };
        let name = printable(&text(&block.name));
        let arrow = direction(block).0;
        let _infallible = writeln!(out, "     block {number:<2}  {arrow} {groups}  {name}{off}");
    }
}

/// Returns the groups of a block, counted from 1.
fn groups(block: &UmpBlockInfo) -> String {
    let first = u16::from(block.first_group) + 1;
    match u16::from(block.num_groups) {
        0 | 1 => format!("group {first}"),
        count => format!("groups {first}-{}", first + count - 1),
    }
}

/// Returns the direction of a block as an arrow and in words: what it receives, sends, or both.
fn direction(block: &UmpBlockInfo) -> (&'static str, &'static str) {
    match block.direction {
        1 => ("<-", "input"),
        2 => ("->", "output"),
        3 => ("<>", "bidirection"),
        _ => ("--", "unknown"),
    }
}

fn json_endpoint(client: &ClientInfo, Endpoint { info, blocks }: &Endpoint) -> Value {
    if client.midi_version == 0 {
        return Value::Null;
    }
    let blocks: Vec<_> = blocks
        .iter()
        .map(|(number, block)| {
            json!({
                "block": number, "name": text(&block.name), "direction": direction(block).1,
                "active": block.active != 0, "first_group": block.first_group, "groups": block.num_groups,
            })
        })
        .collect();
    let name = info.as_ref().map(|info| text(&info.name));
    let product = info.as_ref().map(|info| text(&info.product_id));
    json!({ "midi_version": client.midi_version, "name": name, "product_id": product, "blocks": blocks })
}

/// Appends the line of a client.
pub(crate) fn describe_client(out: &mut String, info: &ClientInfo) {
    let kind = if info.client_type == KERNEL_CLIENT { "kernel" } else { "user" };
    let mut notes = vec![kind.to_owned()];
    notes.extend(protocol(info));
    if info.card >= 0 {
        notes.push(format!("card {}", info.card));
    }
    if info.pid > 0 {
        notes.push(format!("pid {}", info.pid));
    }
    let (name, notes) = (printable(&text(&info.name)), notes.join(", "));
    let _infallible = writeln!(out, "{CLIENT}{:3}  {name}{CLIENT:#}  ({notes})", info.client);
}

fn describe_port(out: &mut String, port: &PortInfo, to: &[QuerySubs], from: &[QuerySubs]) {
    let (name, address) = (printable(&text(&port.name)), port.addr);
    let letters = letters(caps(port));
    let group = match (port.ump_group, caps(port).contains(PortCaps::UMP_ENDPOINT)) {
        (_, true) => "  [endpoint]".to_owned(),
        (0, _) => String::new(),
        (group, _) => format!("  [group {group}]"),
    };
    let _infallible = writeln!(out, "     {PORT}{address:<7}{PORT:#} {letters}  {name}{group}");
    for (arrow, list) in [("->", to), ("<-", from)] {
        for peer in list {
            let _infallible = writeln!(out, "         {arrow} {}{}", peer.addr, notes(peer));
        }
    }
}

/// Returns a port's capabilities as letters: `r` and `w`, in upper case if others may subscribe, and `-` if third
/// parties may not connect it.
fn letters(caps: PortCaps) -> String {
    let letter = |whole: PortCaps, subscribe: PortCaps, letter: char| match () {
        () if caps.contains(whole | subscribe) => letter.to_ascii_uppercase(),
        () if caps.contains(whole) => letter,
        () => '.',
    };
    [
        letter(PortCaps::READ, PortCaps::SUBS_READ, 'r'),
        letter(PortCaps::WRITE, PortCaps::SUBS_WRITE, 'w'),
        if caps.contains(PortCaps::NO_EXPORT) { '-' } else { ' ' },
    ]
    .iter()
    .collect()
}

fn notes(peer: &QuerySubs) -> String {
    let flags = SubscriptionFlags::from_bits_retain(peer.flags);
    let mut notes = String::new();
    if flags.contains(SubscriptionFlags::EXCLUSIVE) {
        notes.push_str(" [ex]");
    }
    if flags.contains(SubscriptionFlags::TIMESTAMP) {
        let kind = if flags.contains(SubscriptionFlags::TIME_REAL) { "real" } else { "tick" };
        let _infallible = write!(notes, " [{kind}:{}]", peer.queue);
    }
    notes
}

fn json_port(
    info: &ClientInfo,
    endpoint: &Value,
    port: &PortInfo,
    to: &[QuerySubs],
    from: &[QuerySubs],
) -> Value {
    let own = port.addr.to_string();
    let connection = |peer: &QuerySubs, outgoing: bool| {
        let flags = SubscriptionFlags::from_bits_retain(peer.flags);
        let other = peer.addr.to_string();
        let (sender, receiver) = if outgoing { (&own, &other) } else { (&other, &own) };
        let stamp = flags.contains(SubscriptionFlags::TIMESTAMP).then(|| {
            let real = flags.contains(SubscriptionFlags::TIME_REAL);
            json!({ "queue": peer.queue, "time": if real { "real" } else { "tick" } })
        });
        json!({
            "sender": sender, "receiver": receiver, "stamp": stamp,
            "exclusive": flags.contains(SubscriptionFlags::EXCLUSIVE),
        })
    };
    let caps = caps(port);
    let named: Vec<_> = caps.iter_names().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let kind = aseqd_abi::seq::PortType::from_bits_retain(port.port_type);
    let kind: Vec<_> = kind.iter_names().map(|(name, _)| name.to_ascii_lowercase()).collect();
    json!({
        "port": own,
        "port_name": text(&port.name),
        "client": info.client,
        "client_name": text(&info.name),
        "client_type": if info.client_type == KERNEL_CLIENT { "kernel" } else { "user" },
        "card": (info.card >= 0).then_some(info.card),
        "pid": (info.pid > 0).then_some(info.pid),
        "capabilities": named,
        "port_type": kind,
        "group": (port.ump_group > 0).then_some(port.ump_group),
        "ump": endpoint,
        "to": to.iter().map(|peer| connection(peer, true)).collect::<Vec<_>>(),
        "from": from.iter().map(|peer| connection(peer, false)).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::FromZeros as _;

    #[test]
    fn letters_say_what_others_may_do() {
        let all = PortCaps::READ | PortCaps::SUBS_READ | PortCaps::WRITE | PortCaps::SUBS_WRITE;
        assert_eq!(letters(all), "RW ");
        assert_eq!(letters(PortCaps::READ | PortCaps::NO_EXPORT), "r.-");
        assert_eq!(letters(PortCaps::empty()), ".. ");
    }

    #[test]
    fn blocks_tell_their_groups_and_direction() {
        let mut block = UmpBlockInfo::new_zeroed();
        (block.first_group, block.num_groups, block.direction) = (3, 2, 1);
        block.name[..5].copy_from_slice(b"piano");
        let mut out = String::new();
        let endpoint = Endpoint { info: None, blocks: vec![(7, block)] };
        describe_endpoint(&mut out, &endpoint);
        assert_eq!(out, "     block 7   <- groups 4-5  piano (off)\n");
        let client = ClientInfo { midi_version: 2, ..ClientInfo::default() };
        let wanted = json!({
            "midi_version": 2, "name": null, "product_id": null,
            "blocks": [{
                "block": 7, "name": "piano", "direction": "input", "active": false, "first_group": 3, "groups": 2,
            }],
        });
        assert_eq!(json_endpoint(&client, &endpoint), wanted);
        assert_eq!(json_endpoint(&ClientInfo::default(), &Endpoint::default()), Value::Null);
    }

    #[test]
    fn connections_tell_their_flags() {
        let mut peer = QuerySubs::default();
        assert_eq!(notes(&peer), "");
        peer.flags = SubscriptionFlags::all().bits();
        peer.queue = 3;
        assert_eq!(notes(&peer), " [ex] [real:3]");
        peer.flags = SubscriptionFlags::TIMESTAMP.bits();
        assert_eq!(notes(&peer), " [tick:3]");
    }
}
