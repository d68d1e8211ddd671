//! `aseqd wait`: until a port exists, for scripts that have just started the program that makes it.

use aseqd_abi::Address;
use aseqd_abi::seq::{CLIENT_SYSTEM, PORT_SYSTEM_ANNOUNCE, PortCaps, PortSubscribe, PortType};
use aseqd_client::{Client, Error, Port};
use aseqd_console::print;
use aseqd_console::{DeviceArg, duration};
use aseqd_host::error::{Context as _, Fail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Wait until a port exists
///
/// A script that has started a program in the background waits here for the program's port. Ports are named
/// as for `aseqd connect`: by number (128:0), by the name of the client, also cut short, or by name:port.
/// Nothing is polled: the System client announces new ports.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 once the port is there, 1 if the timeout passes first or the sequencer ends.

Examples:
  aseqd wait FLUID
  aseqd wait 128:0 --timeout 5s
  aseqdump -p 14:0 & aseqd wait --connected aseqdump")]
pub struct WaitArgs {
    /// The port that must exist
    pub port: String,
    /// Wait until the port is also connected to another one, in either direction
    #[arg(long)]
    pub connected: bool,
    /// Give up after this time: seconds, or with a unit (0.2, 200ms, 2s) [default: wait for ever]
    #[arg(long, value_name = "DURATION", value_parser = duration::seconds)]
    pub timeout: Option<Duration>,
    /// Print the port's address
    #[arg(short, long)]
    pub verbose: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Waits.
///
/// # Errors
/// No sequencer, a name that means several ports, or no port in time.
pub fn main(args: &WaitArgs) -> Result<ExitCode, Fail> {
    let end = args.timeout.map(|timeout| Instant::now() + timeout);
    let client = Client::open(&args.device.device, "aseqd wait")?;
    listen(&client)?;
    loop {
        // What is announced from here on is read below: nothing is missed between the two.
        if let Some(port) = find(&client, args)? {
            if args.verbose {
                print(&format!("{port}\n"))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        if !announced(&client, end)? {
            return Err(late(&client, args)?);
        }
    }
}

/// Subscribes a port of ours to the announcements.
fn listen(client: &Client) -> Result<(), Fail> {
    let caps = PortCaps::WRITE | PortCaps::NO_EXPORT;
    let dest = client.create_port("announcements", caps, PortType::empty())?;
    let sender = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_ANNOUNCE);
    let follow = PortSubscribe { sender, dest, ..PortSubscribe::default() };
    client.subscribe(&follow).context("announcements cannot be heard")
}

/// The port, if it is there and as wanted.
fn find(client: &Client, args: &WaitArgs) -> Result<Option<Address>, Fail> {
    let Some(port) = client.look_for_port(&args.port)? else { return Ok(None) };
    let ready =
        !args.connected || !client.outgoing(port)?.is_empty() || !client.incoming(port)?.is_empty();
    Ok(ready.then_some(port))
}

/// Waits for an announcement. False: the time is over.
fn announced(client: &Client, end: Option<Instant>) -> Result<bool, Fail> {
    loop {
        let mut heard = false;
        loop {
            match client.read_event() {
                Ok(Some(_)) => heard = true,
                Ok(None) => break,
                // Announcements were lost: looking again makes up for them.
                Err(Error::EventsLost) => heard = true,
                Err(error) => return Err(error.into()),
            }
        }
        if heard {
            return Ok(true);
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(false);
        }
        let timeout = left.map(Timespec::try_from).transpose().context("the timeout")?;
        let mut ready = [PollFd::new(client, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut ready, timeout.as_ref())).context("cannot wait")?;
        if ready[0].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
            return Err(Fail::ended());
        }
    }
}

/// What is said when the time is over.
fn late(client: &Client, args: &WaitArgs) -> Result<Fail, Fail> {
    let waited = args.timeout.unwrap_or_default();
    let port = &args.port;
    if args.connected && client.look_for_port(port)?.is_some() {
        return Ok(Fail::new(format!("port {port} was not connected within {waited:?}")));
    }
    let mut ports = client.ports()?;
    ports.retain(|port| port.address.client != client.id());
    let there = match ports.as_slice() {
        [] => "no port exists".to_owned(),
        ports => {
            let names: Vec<_> = ports.iter().map(Port::to_string).collect();
            format!("there are {}", names.join(", "))
        }
    };
    Ok(Fail::new(format!("port {port} did not appear within {waited:?}: {there}")))
}
