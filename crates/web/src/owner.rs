//! Whose program is at the other end of a connection from this machine.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The kernel's lists of sockets, of this network namespace.
const LISTS: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];
/// Which words of a line are the own address, the other address and the user.
const LOCAL: usize = 1;
const REMOTE: usize = 2;
const USER: usize = 7;

/// Returns the user who has made the socket at the other end of a connection. `None` if it is not on this machine, or in
/// another network namespace.
pub(crate) fn of(ours: SocketAddr, theirs: SocketAddr) -> Option<u32> {
    LISTS.into_iter().find_map(|list| {
        let lines = BufReader::new(File::open(list).ok()?).lines();
        lines.map_while(Result::ok).find_map(|line| user_of(&line, ours, theirs))
    })
}

/// Returns the user of a line that is about the socket with their address, if it is connected to ours.
fn user_of(line: &str, ours: SocketAddr, theirs: SocketAddr) -> Option<u32> {
    let words: Vec<_> = line.split_ascii_whitespace().take(USER + 1).collect();
    let is = |at: usize, address: SocketAddr| {
        let parsed = words.get(at).and_then(|word| parse(word));
        parsed == Some((address.ip().to_canonical(), address.port()))
    };
    let user = words.get(USER)?;
    if is(LOCAL, theirs) && is(REMOTE, ours) { user.parse().ok() } else { None }
}

/// Parses an address of a list: words of 32 bits in the byte order of the machine, a colon, and the port.
fn parse(word: &str) -> Option<(IpAddr, u16)> {
    let (ip, port) = word.split_once(':')?;
    let mut bytes = Vec::with_capacity(16);
    let mut rest = ip;
    while !rest.is_empty() {
        let (digits, after) = rest.split_at_checked(8)?;
        bytes.extend(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes());
        rest = after;
    }
    let v4 = <[u8; 4]>::try_from(&*bytes).map(|bytes| IpAddr::from(Ipv4Addr::from(bytes)));
    let v6 = <[u8; 16]>::try_from(&*bytes).map(|bytes| IpAddr::from(Ipv6Addr::from(bytes)));
    Some((v4.or(v6).ok()?.to_canonical(), u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn the_user_at_the_other_end_is_known() {
        for (listen, connect) in
            [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "[::1]"), ("[::]:0", "127.0.0.1")]
        {
            // A machine without IPv6.
            let Ok(listener) = TcpListener::bind(listen) else { continue };
            let port = listener.local_addr().expect("an address").port();
            let client = TcpStream::connect(format!("{connect}:{port}")).expect("connected");
            let (server, theirs) = listener.accept().expect("accepted");
            let ours = server.local_addr().expect("an address");
            assert_eq!(of(ours, theirs), Some(rustix::process::geteuid().as_raw()), "{listen}");
            // Nobody is there, or not connected to this.
            let other = SocketAddr::new(theirs.ip(), theirs.port() ^ 1);
            assert_eq!(user_of("", ours, theirs), None);
            assert_eq!(of(SocketAddr::new(ours.ip(), 1), theirs), None);
            assert_eq!(of(ours, SocketAddr::new(other.ip(), 1)), None);
            drop(client);
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn lines_of_the_kernel_are_read() {
        let line = "   1: 0100007F:A3C4 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 52 1";
        let (ours, theirs) = ("127.0.0.1:8080", "127.0.0.1:41924");
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        assert_eq!(user_of(line, address(ours), address(theirs)), Some(1000));
        assert_eq!(user_of(line, address(theirs), address(ours)), None);
        let mapped = parse("0000000000000000FFFF00000100007F:1F90");
        assert_eq!(mapped, Some((address(ours).ip(), 8080)));
        for wrong in ["", ":", "0100007F", "0100:1F90", "zzzzzzzz:1F90", "local_address"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
