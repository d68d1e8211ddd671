//! `aseqd connect` and `aseqd disconnect`.

use crate::complete::{RECEIVER, SENDER, receivers, senders};
use crate::select;
use aseqd_abi::seq::{KERNEL_CLIENT, PortSubscribe, PortType, SubscriptionFlags};
use aseqd_abi::{Address, Errno};
use aseqd_client::{Client, Error, PortCaps};
use aseqd_console::DeviceArg;
use aseqd_console::say;
use aseqd_host::error::{Fail, reason};
use std::process::ExitCode;

/// Connect two ports
///
/// A port is given by number (128:0, or 128 for the client's first port that suits) or by its client's name. A part of
/// the name is enough, in any case. If the client has several ports, add :PORT, by number or by name. A class (.hw, .app,
/// .in, .out, .all) or a regular expression (re:/.../) means several ports: each sender is connected to each receiver.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Sets leave out what is connected already, ports of the same client, and those that third parties may not connect.

Examples:
  aseqd connect 128:0 129:0
  aseqd connect 'Midi Through' FLUID
  aseqd connect nanokey 'FLUID Synth:0'
  aseqd connect .hw.in FLUID       # all keyboards
  aseqd connect 128 129 --real 0")]
pub struct ConnectArgs {
    /// The port that sends events
    #[arg(add = senders())]
    pub sender: String,
    /// The port that receives them
    #[arg(add = receivers())]
    pub dest: String,
    /// Allow no other connection at either port
    #[arg(short, long)]
    pub exclusive: bool,
    /// Stamp events with the real time of a queue
    #[arg(short, long, value_name = "QUEUE", conflicts_with = "tick")]
    pub real: Option<u8>,
    /// Stamp events with the tick of a queue
    #[arg(short, long, value_name = "QUEUE")]
    pub tick: Option<u8>,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Disconnect two ports, or all
///
/// Ports are given as for `aseqd connect`. Of classes and regular expressions, those that are connected are disconnected.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aseqd disconnect 128:0 129:0
  aseqd disconnect .all FLUID
  aseqd disconnect --all")]
pub struct DisconnectArgs {
    /// The port that sends events
    #[arg(required_unless_present = "all", add = senders())]
    pub sender: Option<String>,
    /// The port that receives them
    #[arg(required_unless_present = "all", add = receivers())]
    pub dest: Option<String>,
    /// Cut every connection that may be cut, except those of the System client
    #[arg(short, long, conflicts_with_all = ["sender", "dest"])]
    pub all: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Runs `aseqd connect`. With a set of ports, connections that are refused are printed, and the status is 1.
///
/// # Errors
/// A message if the device cannot be opened, a name fits no port or several, or the sequencer refuses the connection.
pub fn connect(args: &ConnectArgs) -> Result<ExitCode, Fail> {
    let client = Client::open(&args.device.device, "aseqd connect")?;
    let mut flags = SubscriptionFlags::empty();
    flags.set(SubscriptionFlags::EXCLUSIVE, args.exclusive);
    flags.set(SubscriptionFlags::TIMESTAMP, args.real.is_some() || args.tick.is_some());
    flags.set(SubscriptionFlags::TIME_REAL, args.real.is_some());
    let subscribe = |sender, dest| {
        let queue = args.real.or(args.tick).unwrap_or(0);
        let flags = flags.bits();
        client.subscribe(&PortSubscribe { sender, dest, flags, queue, ..PortSubscribe::default() })
    };
    let pairs = Pairs::find(&client, &args.sender, &args.dest)?;
    let connected = pairs.connected(&client)?;
    let (mut done, mut refusals) = (0, Vec::new());
    for (sender, dest) in pairs.all() {
        let skipped = sender.client == dest.client || connected.contains(&(sender, dest));
        if pairs.set && skipped {
            done += usize::from(connected.contains(&(sender, dest)));
            continue;
        }
        if sender.client == dest.client && sends_on(&client, dest)? {
            let what = "each event would go round for ever: it is a loopback, which sends what it receives";
            return Err(Fail::new(format!("{sender} and {dest} cannot be connected: {what}")));
        }
        match subscribe(sender, dest) {
            Ok(()) => done += 1,
            Err(error) => refusals.push(refused("connected", sender, dest, &error)),
        }
    }
    if done == 0 && refusals.is_empty() {
        return Err(Fail::new(
            "all of these ports are of one client, which is not connected to itself",
        ));
    }
    told(refusals)
}

/// Runs `aseqd disconnect`. With `--all` and with a set of ports, connections that are refused are printed, and the
/// status is 1.
///
/// # Errors
/// A message if the device cannot be opened, a name fits no port or several, the ports are not connected, or the
/// sequencer refuses to disconnect them.
pub fn disconnect(args: &DisconnectArgs) -> Result<ExitCode, Fail> {
    let client = Client::open(&args.device.device, "aseqd disconnect")?;
    let (Some(sender), Some(dest)) = (&args.sender, &args.dest) else {
        return disconnect_all(&client);
    };
    let pairs = Pairs::find(&client, sender, dest)?;
    if !pairs.set {
        for (sender, dest) in pairs.all() {
            let cut = client.disconnect(sender, dest);
            cut.map_err(|error| refused("disconnected", sender, dest, &error))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let connected = pairs.connected(&client)?;
    if connected.is_empty() {
        return Err(Fail::new(format!("no port of {sender} is connected to one of {dest}")));
    }
    let mut refusals = Vec::new();
    for (sender, dest) in connected {
        if let Err(error) = client.disconnect(sender, dest) {
            refusals.push(refused("disconnected", sender, dest, &error));
        }
    }
    told(refusals)
}

/// Returns whether a port is a loopback of `aseqd port add`.
fn sends_on(client: &Client, port: Address) -> Result<bool, Fail> {
    let Some(info) = client.port_info(port)? else { return Ok(false) };
    let of_program = client.info(port.client)?.is_some_and(|it| it.client_type != KERNEL_CLIENT);
    let kind = PortType::from_bits_retain(info.port_type);
    let caps = PortCaps::from_bits_retain(info.capability);
    Ok(of_program
        && kind.contains(PortType::SOFTWARE | PortType::PORT)
        && caps.contains(PortCaps::DUPLEX))
}

/// Prints what was refused, if there are several messages, and returns the status.
fn told(mut refusals: Vec<Fail>) -> Result<ExitCode, Fail> {
    let Some(last) = refusals.pop() else { return Ok(ExitCode::SUCCESS) };
    for refusal in &refusals {
        say(refusal);
    }
    Err(last)
}

/// The ports that a command is about.
struct Pairs {
    senders: Vec<Address>,
    dests: Vec<Address>,
    /// Whether a selector means a set of ports by its form, so that not each pair has to make sense.
    set: bool,
}

impl Pairs {
    fn find(client: &Client, sender: &str, dest: &str) -> Result<Self, Fail> {
        let end = |text: &str, needs: PortCaps| -> Result<(Vec<Address>, bool), Fail> {
            if !select::selector(text)?.is_set() {
                return Ok((vec![select::port(client, text, needs)?], false));
            }
            let ports = select::every_port(client, text, needs)?;
            let open = ports.iter().filter(|port| !port.caps.contains(PortCaps::NO_EXPORT));
            Ok((open.map(|port| port.address).collect(), true))
        };
        let (senders, several) = end(sender, SENDER)?;
        let (dests, others) = end(dest, RECEIVER)?;
        Ok(Self { senders, dests, set: several || others })
    }

    fn all(&self) -> impl Iterator<Item = (Address, Address)> {
        let pairs = |sender: &Address| {
            let sender = *sender;
            self.dests.iter().map(move |dest| (sender, *dest))
        };
        self.senders.iter().flat_map(pairs)
    }

    /// Returns the pairs that are connected.
    fn connected(&self, client: &Client) -> Result<Vec<(Address, Address)>, Fail> {
        let mut connected = Vec::new();
        if !self.set {
            return Ok(connected);
        }
        for sender in &self.senders {
            let peers = client.outgoing(*sender)?.into_iter().map(|peer| peer.addr);
            connected
                .extend(peers.filter(|peer| self.dests.contains(peer)).map(|peer| (*sender, peer)));
        }
        Ok(connected)
    }
}

fn disconnect_all(client: &Client) -> Result<ExitCode, Fail> {
    let mut status = ExitCode::SUCCESS;
    for port in client.ports()? {
        // Programs that watch the sequencer are subscribed to the System client.
        if port.address.client == aseqd_abi::seq::CLIENT_SYSTEM {
            continue;
        }
        for peer in client.outgoing(port.address)? {
            let (sender, dest) = (port.address, peer.addr);
            let subscription = PortSubscribe {
                sender,
                dest,
                flags: peer.flags,
                queue: peer.queue,
                ..PortSubscribe::default()
            };
            match client.unsubscribe(&subscription) {
                Ok(()) => {}
                // Another program has disconnected them, or has ended.
                Err(error) if matches!(error.errno(), Some(Errno::ENOENT | Errno::ENXIO)) => {}
                Err(error) => {
                    say(&refused("disconnected", sender, dest, &error));
                    status = ExitCode::FAILURE;
                }
            }
        }
    }
    Ok(status)
}

/// Returns the message for two ports that the sequencer refuses to connect or to disconnect.
#[must_use]
pub fn refused(what: &str, sender: Address, dest: Address, error: &Error) -> Fail {
    let why = match error.errno() {
        Some(Errno::EPERM) => "one of the ports does not allow it".to_owned(),
        Some(Errno::EBUSY) => {
            "they are connected already, or one of them has an exclusive connection".to_owned()
        }
        Some(Errno::ENOENT) => "they are not connected".to_owned(),
        Some(Errno::EINVAL | Errno::ENXIO) => "a port does not exist any more".to_owned(),
        _ => reason(error),
    };
    Fail::new(format!("{sender} and {dest} cannot be {what}: {why}"))
}
