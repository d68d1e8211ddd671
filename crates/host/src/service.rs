//! What a service manager is told, as in sd_notify(3).

use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Tells the service manager that this process is ready, if there is one that asks.
///
/// # Errors
/// If its socket cannot be reached.
pub fn ready(status: &str) -> io::Result<()> {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    notify(&socket.to_string_lossy(), &format!("READY=1\nSTATUS={status}\n"))
}

/// Sends a message to the socket of the service manager. `@` marks an abstract name.
fn notify(socket: &str, message: &str) -> io::Result<()> {
    use std::os::linux::net::SocketAddrExt as _;
    let address = match socket.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address).map(drop)
}
