//! The command line of `aseqd web`.

use crate::http::name_of;
use aseqd_console::DeviceArg;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Look at and connect ports in the browser
///
/// Serves a page that shows all ports with their activity, and their connections: as a graph and as a table, on a phone, by
/// mouse and by keyboard alone. It changes connections, filters and rules, and shows events. Prints the address once it is
/// ready; Ctrl-C ends it. Only this machine can reach it unless --listen says otherwise.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Other machines need a token, which is part of the address that is printed, and so do other users of this machine. Your \
own programs need none at an address of this machine: --token-file asks for one there, too.

docs/web.md describes the protocol of the page, for programs of your own.

Examples:
  aseqd web --open
  aseqd web --listen 0.0.0.0:8080      # for the phone on the music stand
  aseqd web --read-only
  aseqd run -- sh -c 'aseqd web & exec bash'")]
pub struct WebArgs {
    /// The address: IP:PORT, :PORT, or an IP; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = address)]
    pub listen: SocketAddr,
    /// Serve at a socket file of yours instead, for a proxy
    #[arg(long, value_name = "PATH", conflicts_with_all = ["listen", "open"])]
    pub unix: Option<PathBuf>,
    /// Open the page in the browser
    #[arg(long)]
    pub open: bool,
    /// Show everything and change nothing
    #[arg(long)]
    pub read_only: bool,
    /// Ask for the token in this file, at every address. It is made if it does not exist
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Also answer to this name of the machine, or of a proxy. May be given several times
    #[arg(long, value_name = "NAME", value_parser = host)]
    pub host: Vec<String>,
    /// Change the rules in this file [default: those of `aseqd rules`]
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Show the MIDI files in this folder
    #[arg(long, value_name = "DIR")]
    pub recordings: Option<PathBuf>,
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,
}

/// Parses an address: with or without a port, or a port alone.
///
/// # Errors
/// If it is none. Names are not looked for: they could mean other addresses tomorrow.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let local = |port: &str| format!("127.0.0.1:{port}").parse().ok();
    let port = text.strip_prefix(':').and_then(local);
    let ip = || text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 0));
    let known = if text == "localhost" {
        local("0")
    } else {
        text.strip_prefix("localhost:").and_then(local)
    };
    let parsed = port.or(known).or_else(|| text.parse().ok()).or_else(ip);
    parsed.ok_or_else(|| "an address is IP:PORT, :PORT, or an IP".to_owned())
}

/// Checks a name of the machine. One with a port or as an address would never be what a browser sends.
fn host(text: &str) -> Result<String, String> {
    match name_of(text) {
        Some(name) if name == text => Ok(name.to_owned()),
        Some(name) => Err(format!("it is a name without a port: {name}")),
        None => {
            Err("a name is such as studio.local, without http:// and without a path".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_alone() {
        for name in ["studio", "studio.local", "[fd00::1]", "10.0.0.7"] {
            assert_eq!(host(name).as_deref(), Ok(name));
        }
        assert_eq!(
            host("studio.local:80"),
            Err("it is a name without a port: studio.local".into())
        );
        for wrong in ["", "a b", "http://studio.local", "studio.local/", "*"] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_may_leave_out_a_part() {
        for (text, meant) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            (":8080", "127.0.0.1:8080"),
            ("0.0.0.0", "0.0.0.0:0"),
            ("::1", "[::1]:0"),
            ("[::]:8080", "[::]:8080"),
            ("localhost", "127.0.0.1:0"),
            ("localhost:8080", "127.0.0.1:8080"),
        ] {
            assert_eq!(address(text).map(|one| one.to_string()).as_deref(), Ok(meant), "{text}");
        }
        for text in ["", "x", "8080", ":", ":99999", "studio.local:80", "/tmp/x"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
