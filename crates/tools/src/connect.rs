//! `aseqd connect` and `aseqd disconnect`.

use aseqd_abi::seq::{PortSubscribe, SubscriptionFlags};
use aseqd_abi::{Address, Errno};
use aseqd_client::{Client, Error};
use aseqd_console::DeviceArg;
use aseqd_console::say;
use aseqd_host::error::{Fail, reason};
use std::process::ExitCode;

/// Connect two ports
///
/// A port is given by number (128:0, or 128 for the client's first port) or by its client's name. The start of
/// the name is enough. If the client has several ports, add :PORT.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aseqd connect 128:0 129:0
  aseqd connect 'Midi Through' FLUID
  aseqd connect 128 129 --real 0")]
pub struct ConnectArgs {
    /// The port that sends events
    pub sender: String,
    /// The port that receives them
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
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aseqd disconnect 128:0 129:0
  aseqd disconnect --all")]
pub struct DisconnectArgs {
    /// The port that sends events
    #[arg(required_unless_present = "all")]
    pub sender: Option<String>,
    /// The port that receives them
    #[arg(required_unless_present = "all")]
    pub dest: Option<String>,
    /// Cut every connection that may be cut, except those of the System client
    #[arg(short, long, conflicts_with_all = ["sender", "dest"])]
    pub all: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Runs `aseqd connect`.
///
/// # Errors
/// A message if the device cannot be opened, a name fits no port or several, or the sequencer refuses the connection.
pub fn connect(args: &ConnectArgs) -> Result<ExitCode, Fail> {
    let client = Client::open(&args.device.device, "aseqd connect")?;
    let mut flags = SubscriptionFlags::empty();
    flags.set(SubscriptionFlags::EXCLUSIVE, args.exclusive);
    flags.set(SubscriptionFlags::TIMESTAMP, args.real.is_some() || args.tick.is_some());
    flags.set(SubscriptionFlags::TIME_REAL, args.real.is_some());
    let subscription = PortSubscribe {
        sender: client.find_port(&args.sender)?,
        dest: client.find_port(&args.dest)?,
        flags: flags.bits(),
        queue: args.real.or(args.tick).unwrap_or(0),
        ..PortSubscribe::default()
    };
    let PortSubscribe { sender, dest, .. } = subscription;
    client.subscribe(&subscription).map_err(|error| refused("connected", sender, dest, &error))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs `aseqd disconnect`. With `--all`, connections that are refused are printed, and the status is 1.
///
/// # Errors
/// A message if the device cannot be opened, a name fits no port or several, the two ports are not connected, or the
/// sequencer refuses to disconnect them.
pub fn disconnect(args: &DisconnectArgs) -> Result<ExitCode, Fail> {
    let client = Client::open(&args.device.device, "aseqd disconnect")?;
    if args.all {
        return disconnect_all(&client);
    }
    let port = |name: &Option<String>| client.find_port(name.as_deref().unwrap_or_default());
    let (sender, dest) = (port(&args.sender)?, port(&args.dest)?);
    client
        .disconnect(sender, dest)
        .map_err(|error| refused("disconnected", sender, dest, &error))?;
    Ok(ExitCode::SUCCESS)
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

fn refused(what: &str, sender: Address, dest: Address, error: &Error) -> Fail {
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
