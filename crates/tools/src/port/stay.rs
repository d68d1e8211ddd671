//! `aseqd port add`, `remove` and `list`: ports that stay. `aseqd rules run` makes them.

use crate::json::json_line;
use crate::rule_files;
use crate::rules::state::NAME;
use aseqd_client::{Address, Client, printable, text};
use aseqd_console::{DeviceArg, print, say};
use aseqd_host::error::{Context as _, Fail};
use aseqd_rules::{PortKind, Rules, VirtualPort, nearest_name};
use serde_json::json;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long `add` and `remove` wait until `aseqd rules run` has read the file. It takes milliseconds, and longer on a machine
/// with much to do.
const NOTICE: Duration = Duration::from_secs(5);

/// Add a port that stays
///
/// Writes it to ~/.config/aseqd/ports.toml. `aseqd rules run` and `aseqd serve --rules` make the port at once if they run,
/// and else at their next start. Without an option it is a loopback: what is written to it comes out of it again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  aseqd port add Loop
  aseqd port add Cable --pair
  aseqd port add Nowhere --output")]
pub struct AddArgs {
    /// The name of the client, and of its port
    pub name: String,
    /// Two ports, A and B: what is written to one comes out of the other
    #[arg(short, long, group = "kind")]
    pub pair: bool,
    /// A port that others can read from, and that is silent
    #[arg(short, long, group = "kind")]
    pub input: bool,
    /// A port that others can write to, and that ignores what comes
    #[arg(short, long, group = "kind")]
    pub output: bool,
    /// Write it to this file of rules instead
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print a JSON object for the port
    #[arg(long)]
    pub json: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Remove ports that stay
///
/// Their connections end with them, and notes that have come out of them.
#[derive(Debug, clap::Args)]
pub struct RemoveArgs {
    /// The whole names of the ports
    #[arg(required = true)]
    pub names: Vec<String>,
    /// The file of rules that has them [default: ~/.config/aseqd/ports.toml]
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// List ports that stay, with their addresses if they are there
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only those of this file of rules [default: all files that `aseqd rules run` reads]
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print a JSON object for each port
    #[arg(long)]
    pub json: bool,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

pub(super) fn add(args: &AddArgs) -> Result<ExitCode, Fail> {
    let name = &args.name;
    if let Some(why) = VirtualPort::name_problem(name) {
        return Err(Fail::new(why));
    }
    let kind = match args {
        AddArgs { pair: true, .. } => PortKind::Pair,
        AddArgs { input: true, .. } => PortKind::Input,
        AddArgs { output: true, .. } => PortKind::Output,
        _ => PortKind::Loopback,
    };
    let path = file(args.file.as_deref())?;
    let before = text_of(&path)?;
    let mut known = read(&path, &before)?;
    if args.file.is_none() {
        // Mistakes of other files are no matter of this.
        known = rule_files::load_of(Vec::new())?.rules.ports;
    }
    if let Some(other) = known.iter().find(|other| other.name == *name) {
        let place = printable(&other.origin.to_string());
        return Err(Fail::new(format!("there is a port {} already, in {place}", printable(name))));
    }
    if known.len() >= VirtualPort::MOST {
        return Err(Fail::new(format!("there can be at most {} ports", VirtualPort::MOST)));
    }
    let sequencer = Sequencer::open(&args.device);
    if let Some(sequencer) = &sequencer
        && let Some(client) = sequencer.client_of(name)?
    {
        let name = printable(name);
        return Err(Fail::new(format!(
            "client {client} has the name {name} already: a port that stays needs a name of its own"
        )));
    }
    let text = VirtualPort::added_to(&before, name, kind);
    rule_files::write(&path, &text)?;
    let noticed = match &sequencer {
        Some(sequencer) => sequencer.wait_until(|| Ok(sequencer.client_of(name)?.is_some()))?,
        None => false,
    };
    let added = read(&path, &text)?.into_iter().find(|port| port.name == *name);
    let added = added.ok_or_else(|| Fail::new("the port is not in the file that was written"))?;
    let addresses = addresses(sequencer.as_ref(), &added)?;
    if args.json {
        print(&format!("{}\n", json_line(&object(&added, &addresses))))?;
    } else {
        print(&line(&added, &addresses))?;
    }
    let runs = sequencer.as_ref().is_some_and(Sequencer::has_rules);
    match (noticed, runs) {
        (true, _) => {}
        (false, false) => say(
            &"it will be there when `aseqd rules run` or `aseqd serve --rules` runs on the sequencer",
        ),
        (false, true) => say(&format_args!(
            "the `aseqd rules run` of this sequencer has not made it: does it read {}?",
            path.display()
        )),
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn remove(args: &RemoveArgs) -> Result<ExitCode, Fail> {
    let path = file(args.file.as_deref())?;
    let mut text = text_of(&path)?;
    let here = read(&path, &text)?;
    for name in &args.names {
        text = VirtualPort::removed_from(&text, name)
            .ok_or_else(|| unknown(name, &here, &path, args.file.is_none()))?;
    }
    // What cannot be read again would silence all rules.
    read(&path, &text)?;
    rule_files::write(&path, &text)?;
    if let Some(sequencer) = Sequencer::open(&args.device) {
        for name in &args.names {
            let _stays = sequencer.wait_until(|| Ok(sequencer.client_of(name)?.is_none()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the message for a name that a file does not have.
fn unknown(name: &str, here: &[VirtualPort], path: &Path, search: bool) -> Fail {
    let shown = printable(name);
    let others = if search { rule_files::load_of(Vec::new()).ok() } else { None };
    let others = others.map(|loaded| loaded.rules.ports).unwrap_or_default();
    if let Some(other) = others.iter().find(|other| other.name == name) {
        let place = printable(&other.origin.to_string());
        return Fail::new(format!("{shown} is in {place}: remove it there, or with --file"));
    }
    let near = nearest_name(name, here.iter().map(|port| port.name.as_str()));
    let near = near.map_or_else(String::new, |near| format!("; did you mean {}?", printable(near)));
    Fail::new(format!("{} has no port {shown}{near}", path.display()))
}

pub(super) fn list(args: &ListArgs) -> Result<ExitCode, Fail> {
    let loaded = rule_files::load_of(args.file.iter().cloned().collect())?;
    for problem in &loaded.problems {
        say(&printable(&problem.to_string()));
    }
    let sequencer = Sequencer::open(&args.device);
    let mut out = String::new();
    for port in &loaded.rules.ports {
        let addresses = addresses(sequencer.as_ref(), port)?;
        if args.json {
            let _infallible = writeln!(out, "{}", json_line(&object(port, &addresses)));
        } else {
            out.push_str(&line(port, &addresses));
        }
    }
    print(&out)?;
    Ok(if loaded.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(port: &VirtualPort, addresses: &[Address]) -> String {
    let place: Vec<_> = addresses.iter().map(Address::to_string).collect();
    let place = if place.is_empty() { "not there".to_owned() } else { place.join(" ") };
    let (name, origin) = (printable(&port.name), printable(&port.origin.to_string()));
    format!("{name}  {}  {place}  [{origin}]\n", port.kind)
}

fn object(port: &VirtualPort, addresses: &[Address]) -> serde_json::Value {
    json!({
        "port_name": port.name, "kind": port.kind.to_string(),
        "ports": addresses.iter().map(Address::to_string).collect::<Vec<_>>(),
        "file": &*port.origin.file, "line": port.origin.line,
    })
}

/// Returns the file to change.
fn file(given: Option<&Path>) -> Result<PathBuf, Fail> {
    let none =
        || Fail::new("there is no place for ports: set HOME or XDG_CONFIG_HOME, or give --file");
    given.map(Path::to_owned).or_else(rule_files::ports_file).ok_or_else(none)
}

/// Returns the text of a file, which is empty if there is none yet.
fn text_of(path: &Path) -> Result<String, Fail> {
    match rule_files::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        text => text.with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// Returns the ports of a file.
fn read(path: &Path, text: &str) -> Result<Vec<VirtualPort>, Fail> {
    let (rules, problems) = Rules::read(&path.display().to_string(), text);
    match problems.first() {
        None => Ok(rules.ports),
        Some(problem) => Err(Fail::new(printable(&problem.to_string()))),
    }
}

/// Returns the addresses of a port that stays.
fn addresses(sequencer: Option<&Sequencer>, port: &VirtualPort) -> Result<Vec<Address>, Fail> {
    let Some(sequencer) = sequencer else { return Ok(Vec::new()) };
    let Some(client) = sequencer.client_of(&port.name)? else { return Ok(Vec::new()) };
    Ok(sequencer.0.ports_of(client)?.into_iter().map(|port| port.addr).collect())
}

/// A sequencer on which the ports may be.
struct Sequencer(Client);

impl Sequencer {
    /// Opens the sequencer, if there is one: without one, ports can be added all the same.
    fn open(device: &DeviceArg) -> Option<Self> {
        let client = Client::open(&device.device, "aseqd port").ok()?;
        // So that changes end a wait.
        client.hear_announcements().ok()?;
        Some(Self(client))
    }

    /// Returns the number of the client that has a name and a port.
    fn client_of(&self, name: &str) -> Result<Option<u8>, Fail> {
        let clients = self.0.clients()?;
        let named = |info: &&aseqd_abi::seq::ClientInfo| {
            info.num_ports > 0 && info.client != i32::from(self.0.id()) && text(&info.name) == name
        };
        Ok(clients.iter().find(named).and_then(|info| u8::try_from(info.client).ok()))
    }

    /// Returns whether `aseqd rules run` runs here.
    fn has_rules(&self) -> bool {
        self.client_of(NAME).is_ok_and(|client| client.is_some())
    }

    /// Waits until something is so, if `aseqd rules run` runs here. Returns whether it is.
    fn wait_until(&self, is_so: impl Fn() -> Result<bool, Fail>) -> Result<bool, Fail> {
        let end = Instant::now() + NOTICE;
        let runs = self.has_rules();
        loop {
            if is_so()? {
                return Ok(true);
            }
            let left = end.saturating_duration_since(Instant::now());
            if !runs || left.is_zero() {
                return Ok(false);
            }
            self.0.wait(Some(left))?;
            let _any = crate::watch::heard(&self.0, &mut crate::watch::Gone::default())?;
        }
    }
}
