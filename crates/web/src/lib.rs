//! A patchbay in the browser: an ordinary client of the sequencer that serves a page, and a WebSocket for it.
//!
//! The server is one loop over sockets ([`server`]), and one thread that listens to events ([`watch`]). What it decides is
//! pure and tested without sockets: requests ([`http`]), the difference between two moments ([`graph`]), what waits for a
//! client ([`outbox`]), changes of files of rules ([`edit`]). The protocol is described in `docs/web.md`.
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
mod page;
mod patches;
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
use std::net::SocketAddr;
use std::process::{Command, ExitCode, Stdio};
use stream::Listener;
use token::Token;

/// Runs `aseqd web`.
///
/// # Errors
/// A message if the device cannot be opened, the address is in use, a file cannot be read, or the sequencer ends.
pub fn main(args: &WebArgs) -> Result<ExitCode, Fail> {
    let signals = SignalSet::of(&[Signal::INT, Signal::TERM, Signal::HUP]);
    signals.block().context("signals cannot be received")?;
    let signals = SignalFd::new(&signals).context("signals cannot be received")?;
    let token = match &args.token_file {
        Some(file) => Some(Token::of_file(file)?),
        None if args.unix.is_none() && !args.listen.ip().to_canonical().is_loopback() => {
            Some(Token::new()?)
        }
        None => None,
    };
    if let Some(folder) = args.recordings.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(Fail::new(format!("{} is no folder", folder.display())));
    }
    let hub = Hub::open(args)?;
    let listener = match &args.unix {
        Some(path) => Listener::unix(path)?,
        None => Listener::tcp(args.listen)?,
    };
    let place = match (&args.unix, listener.address()) {
        (None, Some(address)) => url(address, token.as_ref()),
        (path, _) => path.as_deref().unwrap_or("".as_ref()).display().to_string(),
    };
    print(&format!("{place}\n"))?;
    if let Err(error) = aseqd_host::service::ready("serving the page") {
        say(&format_args!("the service manager cannot be notified: {}", reason(&error)));
    }
    if args.open {
        open(&place);
    }
    Server::new(hub, listener, args, token).run(&signals)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the address of the page, with the token in the fragment, which browsers send to nobody.
fn url(mut address: SocketAddr, token: Option<&Token>) -> String {
    // Every address of this machine leads there; which one others use is not known.
    if address.ip().is_unspecified() {
        let loopback = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    let token = token.map_or_else(String::new, |token| format!("#token={}", token.text()));
    format!("http://{address}/{token}")
}

/// Opens a page in the browser. It is no error if there is none: the address was printed.
fn open(url: &str) {
    let mut command = Command::new("xdg-open");
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = with_all_signals(&mut command).spawn() {
        say(&format_args!("no browser can be opened with xdg-open: {}", reason(&error)));
    }
}
