//! A patchbay in the browser: an ordinary client of the sequencer that serves a page, and a WebSocket for it.
//!
//! The server is one loop over sockets (`server`), and one thread that listens to events (`watch`). What it decides is
//! pure and tested without sockets: requests (`http`), the difference between two moments (`graph`), what waits for a
//! client (`outbox`), changes of files of rules (`edit`). The protocol is described in `docs/web.md`.
//!
//! This crate is a part of aseqd, and its interface changes without notice.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod connection;
mod edit;
mod graph;
mod http;
mod hub;
mod limit;
mod look;
mod monitor;
mod outbox;
mod owner;
mod page;
mod patches;
mod player;
mod raw;
mod recordings;
mod rulebook;
mod sequencer;
mod server;
mod session;
mod stream;
mod token;
mod value;
mod watch;

pub use args::{WebArgs, address};

use aseqd_console::{print, say};
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::process::{SignalFd, SignalSet, with_all_signals};
use hub::Hub;
use rustix::process::Signal;
use server::Server;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::{Command, ExitCode, Stdio};
use stream::Listener;
use token::{Door, Token};

/// Runs `aseqd web`.
///
/// # Errors
/// A message if the device cannot be opened, the address is in use, a file cannot be read, or the sequencer ends.
pub fn main(args: &WebArgs) -> Result<ExitCode, Fail> {
    let signals = SignalSet::of(&[Signal::INT, Signal::TERM, Signal::HUP]);
    signals.block().context("signals cannot be received")?;
    let signals = SignalFd::new(&signals).context("signals cannot be received")?;
    let is_local = args.unix.is_some() || args.listen.ip().to_canonical().is_loopback();
    let token = match &args.token_file {
        Some(file) => Some(Token::of_file(file)?),
        // What root serves is for others, too.
        None if !is_local || args.unix.is_none() && rustix::process::geteuid().is_root() => {
            Some(Token::new()?)
        }
        None => None,
    };
    let door = Door { token, for_own: is_local && args.token_file.is_none() };
    if let Some(folder) = args.recordings.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(Fail::new(format!("{} is no folder", folder.display())));
    }
    let hub = Hub::open(args)?;
    let listener = match &args.unix {
        Some(path) => Listener::unix(path)?,
        None => Listener::tcp(args.listen)?,
    };
    let url = listener.address().map(|address| url(address, door.token.as_ref()));
    let path = args.unix.as_ref().map(|path| path.display().to_string());
    let place = url.or(path).unwrap_or_default();
    print(&format!("{place}\n"))?;
    if let Err(error) = aseqd_host::service::ready("serving the page") {
        say(&format_args!("the service manager cannot be notified: {}", reason(&error)));
    }
    if args.open {
        open(&place);
    }
    Server::new(hub, listener, args, door).run(&signals)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the address of the page, with the token in the fragment, which browsers send to nobody.
fn url(mut address: SocketAddr, token: Option<&Token>) -> String {
    // Every address of this machine leads there: others use the one that its network has given it.
    if address.ip().is_unspecified() {
        address.set_ip(outside(address.is_ipv4()));
    }
    let token = token.map_or_else(String::new, |token| format!("#token={}", token.text()));
    format!("http://{address}/{token}")
}

/// Returns the address of this machine that leads to other networks, or without one that of loopback. Nothing is sent.
fn outside(v4: bool) -> IpAddr {
    // Addresses for documentation (RFC 5737 and 3849), which nobody has. The port does not matter.
    let (any, there, loopback): (&str, &str, IpAddr) = match v4 {
        true => ("0.0.0.0:0", "192.0.2.1:9", Ipv4Addr::LOCALHOST.into()),
        false => ("[::]:0", "[2001:db8::1]:9", Ipv6Addr::LOCALHOST.into()),
    };
    let found = UdpSocket::bind(any).and_then(|socket| {
        socket.connect(there)?;
        socket.local_addr()
    });
    found.map_or(loopback, |found| found.ip())
}

/// Opens a page in the browser. It is no error if there is none: the address was printed.
fn open(url: &str) {
    let mut command = Command::new("xdg-open");
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = with_all_signals(&mut command).spawn() {
        say(&format_args!("no browser can be opened with xdg-open: {}", reason(&error)));
    }
}
