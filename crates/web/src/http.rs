//! HTTP without sockets: reads requests, and decides about them.
//!
//! There are three answers: a file of the page, the beginning of a WebSocket, or an error.

use crate::page::{self, File};
use data_encoding::BASE64;
use std::net::{IpAddr, SocketAddr};

/// The most bytes of a request. Browsers send less than 2 KiB; cookies of other servers on this machine come on top.
pub(crate) const MAX_HEAD: usize = 16 << 10;
/// The most lines of a request's head.
const MAX_LINES: usize = 64;
/// The path of the WebSocket.
const SOCKET: &str = "/ws";
/// What a server appends to the key of a WebSocket (RFC 6455, section 4.2.2).
const SOCKET_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The version of WebSocket (RFC 6455).
const SOCKET_VERSION: &str = "13";

/// Which addresses the page may be reached by. A page of another server cannot name them, so that it cannot lead a
/// browser here under its own name (DNS rebinding).
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    /// Names that are allowed beside.
    pub(crate) names: Vec<String>,
}

/// Where a connection has come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At this address of ours.
    Tcp(SocketAddr),
    /// At a socket in a folder. There is a proxy before it, or a program of this user.
    Unix,
}

/// What is to be done with a connection.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The request is not there as a whole.
    Wait,
    /// Send these bytes. `keep` says whether more requests may follow, and `used` how many bytes this one had.
    Send { head: String, body: Body, keep: bool, used: usize },
    /// Send these bytes, and speak WebSocket from then on.
    Socket { head: String, used: usize },
}

/// What follows a head.
#[derive(Debug)]
pub(crate) enum Body {
    Static(&'static [u8]),
    Made(Vec<u8>),
}

impl Body {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Static(bytes) => bytes,
            Self::Made(bytes) => bytes,
        }
    }
}

/// Decides about the bytes that have come in.
pub(crate) fn answer(input: &[u8], place: Place, hosts: &Hosts) -> Answer {
    let mut lines = [httparse::EMPTY_HEADER; MAX_LINES];
    let mut request = httparse::Request::new(&mut lines);
    let used = match request.parse(input) {
        Ok(httparse::Status::Complete(used)) => used,
        Ok(httparse::Status::Partial) if input.len() < MAX_HEAD => return Answer::Wait,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return refuse(431, "Request Header Fields Too Large", "the request is too long", "");
        }
        Err(httparse::Error::Version) => {
            return refuse(505, "HTTP Version Not Supported", "only HTTP/1.1 is spoken here", "");
        }
        Err(_) => return refuse(400, "Bad Request", "this is no request of HTTP", ""),
    };
    match Request::of(&request, used) {
        Ok(request) => request.answer(place, hosts),
        Err(why) => refuse(400, "Bad Request", why, ""),
    }
}

/// What matters of a request.
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    used: usize,
    host: &'a str,
    origin: Option<&'a str>,
    tag: Option<&'a str>,
    gzip: bool,
    keep: bool,
    upgrade: bool,
    key: Option<&'a str>,
    version: Option<&'a str>,
}

impl<'a> Request<'a> {
    fn of(request: &httparse::Request<'_, 'a>, used: usize) -> Result<Self, &'static str> {
        let one = |name: &str| -> Result<Option<&'a str>, &'static str> {
            let mut found =
                request.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(name));
            let Some(line) = found.next() else { return Ok(None) };
            if found.next().is_some() {
                return Err("a line of the head is there twice");
            }
            std::str::from_utf8(line.value).map(Some).map_err(|_| "the head is not text")
        };
        let says = |name: &str, word: &str| {
            let words = request.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(name));
            words.filter_map(|line| std::str::from_utf8(line.value).ok()).any(|value| {
                value.split(',').any(|one| {
                    let (one, rest) = one.split_once(';').unwrap_or((one, ""));
                    let weight = rest.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
                    let refused = weight == Some(0.0);
                    one.trim().eq_ignore_ascii_case(word) && !refused
                })
            })
        };
        let body = one("content-length")?.is_some_and(|len| len.trim() != "0");
        if body || one("transfer-encoding")?.is_some() {
            return Err("a request has no body here");
        }
        let path = request.path.unwrap_or_default();
        let http_1_1 = request.version == Some(1);
        Ok(Self {
            method: request.method.unwrap_or_default(),
            path: path.split_once('?').map_or(path, |(path, _)| path),
            used,
            host: one("host")?.unwrap_or_default(),
            origin: one("origin")?,
            tag: one("if-none-match")?,
            gzip: says("accept-encoding", "gzip"),
            keep: if http_1_1 { !says("connection", "close") } else { false },
            upgrade: says("upgrade", "websocket") && says("connection", "upgrade") && http_1_1,
            key: one("sec-websocket-key")?,
            version: one("sec-websocket-version")?,
        })
    }

    fn answer(&self, place: Place, hosts: &Hosts) -> Answer {
        if !hosts.allow(self.host, place) {
            let why = "this server is not reached by this name; `aseqd web --host NAME` allows another one";
            return refuse(421, "Misdirected Request", why, "");
        }
        if self.method != "GET" && self.method != "HEAD" {
            return refuse(
                405,
                "Method Not Allowed",
                "only GET is allowed here",
                "Allow: GET, HEAD\r\n",
            );
        }
        if self.path == SOCKET {
            return self.socket();
        }
        // Pages of other servers may not read the files either: the browser says who asks.
        if self.origin.is_some_and(|origin| !is_same(origin, self.host)) {
            return refuse(403, "Forbidden", "another page asks for this", "");
        }
        match page::file(self.path) {
            Some(file) => self.file(file),
            None => self.send(404, "Not Found", "", Body::Static(b"there is nothing here\n")),
        }
    }

    fn socket(&self) -> Answer {
        if !self.upgrade || self.method != "GET" {
            return refuse(
                426,
                "Upgrade Required",
                "this is a WebSocket",
                "Upgrade: websocket\r\nConnection: Upgrade\r\n",
            );
        }
        // Programs that are no browser send none.
        if self.origin.is_some_and(|origin| !is_same(origin, self.host)) {
            return refuse(403, "Forbidden", "another page asks for this", "");
        }
        if self.version != Some(SOCKET_VERSION) {
            return refuse(
                426,
                "Upgrade Required",
                "another version of WebSocket",
                "Sec-WebSocket-Version: 13\r\n",
            );
        }
        let key = self.key.unwrap_or_default().trim();
        if BASE64.decode(key.as_bytes()).ok().is_none_or(|key| key.len() != 16) {
            return refuse(400, "Bad Request", "the key of the WebSocket is wrong", "");
        }
        let accept = sha1_smol::Sha1::from(format!("{key}{SOCKET_GUID}")).digest().bytes();
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            BASE64.encode(&accept)
        );
        Answer::Socket { head, used: self.used }
    }

    fn file(&self, file: &'static File) -> Answer {
        let mut lines = format!(
            "Content-Type: {}\r\nETag: {}\r\nCache-Control: no-cache\r\nVary: Accept-Encoding\r\n",
            file.kind, file.tag
        );
        let known = self.tag.is_some_and(|tags| {
            tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == file.tag)
        });
        if known {
            return self.send(304, "Not Modified", &lines, Body::Static(b""));
        }
        let body = match (file.gzip, self.gzip) {
            (true, true) => {
                lines.push_str("Content-Encoding: gzip\r\n");
                Body::Static(file.bytes)
            }
            (true, false) => Body::Made(file.plain()),
            (false, _) => Body::Static(file.bytes),
        };
        self.send(200, "OK", &lines, body)
    }

    fn send(&self, status: u16, words: &str, lines: &str, body: Body) -> Answer {
        let len = body.bytes().len();
        let body = if self.method == "HEAD" { Body::Static(b"") } else { body };
        let connection = if self.keep { "keep-alive" } else { "close" };
        // `self` means the WebSocket, too, but older browsers must be told. The name was checked.
        let head = format!(
            "HTTP/1.1 {status} {words}\r\n{SAFE}Content-Security-Policy: {POLICY} ws://{host} wss://{host}\r\n{lines}\
             Content-Length: {len}\r\nConnection: {connection}\r\n\r\n",
            host = self.host
        );
        Answer::Send { head, body, keep: self.keep, used: self.used }
    }
}

/// Lines of every answer: no guess of types, no frames, no address to others, no use by pages of others.
const SAFE: &str = "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n\
                    Cross-Origin-Resource-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\n";

/// What the page may do: run the script and the style that it has, use its own files and its own WebSocket, and nothing else.
const POLICY: &str = concat!(
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src ",
    env!("PAGE_SCRIPT_HASH"),
    "; style-src ",
    env!("PAGE_STYLE_HASH"),
    "; connect-src 'self'"
);

/// Returns an answer that ends the connection.
fn refuse(status: u16, words: &str, why: &str, lines: &str) -> Answer {
    let body = format!("{why}\n").into_bytes();
    let connection = if lines.contains("Connection:") { "" } else { "Connection: close\r\n" };
    let head = format!(
        "HTTP/1.1 {status} {words}\r\n{SAFE}Content-Security-Policy: {POLICY}\r\n{lines}Content-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\n{connection}\r\n",
        body.len()
    );
    Answer::Send { head, body: Body::Made(body), keep: false, used: 0 }
}

/// Returns whether a page has come from the server that it asks. A proxy may add TLS.
fn is_same(origin: &str, host: &str) -> bool {
    let of = |scheme: &str| origin.get(..scheme.len()).filter(|it| it.eq_ignore_ascii_case(scheme));
    let scheme = of("http://").or_else(|| of("https://"));
    scheme.is_some_and(|scheme| origin[scheme.len()..].eq_ignore_ascii_case(host))
}

impl Hosts {
    /// Returns whether a name with an optional port, as browsers send it, may be used at this place.
    fn allow(&self, host: &str, place: Place) -> bool {
        let Some(name) = name_of(host) else { return false };
        if self.names.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)) {
            return true;
        }
        let local = match place {
            Place::Unix => None,
            Place::Tcp(address) => Some(address.ip().to_canonical()),
        };
        if name.eq_ignore_ascii_case("localhost") {
            return local.is_none_or(|local| local.is_loopback());
        }
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let said: Option<IpAddr> = bare.parse().ok();
        match (said.map(|said| said.to_canonical()), local) {
            (Some(said), Some(local)) => said == local || said.is_loopback() && local.is_loopback(),
            (Some(said), None) => said.is_loopback(),
            (None, _) => false,
        }
    }
}

/// Returns the name of `name:port`, if it is made of characters that can stand in one.
pub(crate) fn name_of(host: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
    if host.is_empty() || !host.chars().all(plain) {
        return None;
    }
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')? + 2;
            host.split_at(end)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let known = match port.strip_prefix(':') {
        Some(port) => port.parse::<u16>().is_ok(),
        None => port.is_empty(),
    };
    known.then_some(name)
}

#[cfg(test)]
mod tests;
