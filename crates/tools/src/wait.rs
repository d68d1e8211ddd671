//! `aseqd wait`: waits until a port exists, for scripts that have just started the program that makes it.

use crate::complete::any_port;
use crate::select;
use aseqd_abi::Address;
use aseqd_client::{Client, Error, Port};
use aseqd_console::print;
use aseqd_console::{DeviceArg, duration};
use aseqd_host::error::{Context as _, Fail};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Wait until a port exists
///
/// For scripts that have started a program in the background and need its port. A port is given as for
/// `aseqd connect`: by number (128:0), by a part of the client's name, or by name:port. Of a class or a regular expression,
/// one port is enough. The System client announces new ports, so nothing is polled.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 once the port is there, 1 if the timeout passes first or the sequencer ends.

Examples:
  aseqd wait FLUID
  aseqd wait 128:0 --timeout 5s
  aseqd wait .hw.in            # any keyboard
  aseqdump -p 14:0 & aseqd wait --connected aseqdump")]
pub struct WaitArgs {
    /// The port to wait for
    #[arg(add = any_port())]
    pub port: String,
    /// Wait until the port is connected to another one, in either direction
    #[arg(long)]
    pub connected: bool,
    /// Give up after this time: seconds, or with a unit (0.2, 200ms, 2s) [default: wait for ever]
    #[arg(long, value_name = "DURATION", value_parser = duration::seconds)]
    pub timeout: Option<Duration>,
    /// Print the port's address once it exists
    #[arg(short, long)]
    pub verbose: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Runs `aseqd wait`.
///
/// # Errors
/// A message if the device cannot be opened, the name fits several ports, the timeout passes, or the sequencer ends.
pub fn main(args: &WaitArgs) -> Result<ExitCode, Fail> {
    let end = args.timeout.map(|timeout| Instant::now() + timeout);
    let client = Client::open(&args.device.device, "aseqd wait")?;
    client
        .hear_announcements()
        .context("the announcements of the System client cannot be followed")?;
    loop {
        // A port that appears after this look is announced, and the announcement is read below.
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

/// Returns the port if it exists and, with `--connected`, is connected.
fn find(client: &Client, args: &WaitArgs) -> Result<Option<Address>, Fail> {
    for port in candidates(client, args)? {
        if !args.connected
            || !client.outgoing(port)?.is_empty()
            || !client.incoming(port)?.is_empty()
        {
            return Ok(Some(port));
        }
    }
    Ok(None)
}

/// Returns the ports of which one is enough: of a set, all that exist.
fn candidates(client: &Client, args: &WaitArgs) -> Result<Vec<Address>, Fail> {
    let selector = select::selector(&args.port)?;
    if !selector.is_set() {
        return Ok(select::look_for(client, &selector)?.into_iter().collect());
    }
    let found = select::found(client, &selector)?;
    Ok(found.into_iter().map(|port| port.address).collect())
}

/// Waits for an announcement. Returns `false` if the time is over.
fn announced(client: &Client, end: Option<Instant>) -> Result<bool, Fail> {
    loop {
        let mut heard = false;
        loop {
            match client.read_event() {
                Ok(Some(_)) => heard = true,
                Ok(None) => break,
                // Announcements were lost. The caller looks at the ports again, so it misses none.
                Err(Error::EventsLost) => heard = true,
                Err(error) => return Err(error.into()),
            }
        }
        if heard {
            return Ok(true);
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if !client.wait(left)? {
            return Ok(false);
        }
    }
}

/// Returns the message for a timeout: what did not happen, and which ports exist.
fn late(client: &Client, args: &WaitArgs) -> Result<Fail, Fail> {
    let waited = args.timeout.unwrap_or_default();
    let port = &args.port;
    if args.connected && !candidates(client, args)?.is_empty() {
        return Ok(Fail::new(match waited.is_zero() {
            true => format!("port {port} is not connected"),
            false => format!("port {port} was not connected within {waited:?}"),
        }));
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
    Ok(Fail::new(match waited.is_zero() {
        true => format!("there is no port {port}: {there}"),
        false => format!("port {port} did not appear within {waited:?}: {there}"),
    }))
}
