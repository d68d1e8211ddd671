use super::*;
use proptest::prelude::*;

const LOCAL: &str = "127.0.0.1:8000";

fn local() -> Place {
    Place::Tcp(LOCAL.parse().expect("an address"))
}

fn ask(text: &str) -> Answer {
    answer(text.as_bytes(), local(), &Hosts::default())
}

/// Returns the status of the answer to a request with these lines.
fn status_at(place: Place, hosts: &Hosts, path: &str, lines: &str) -> u16 {
    match answer(format!("GET {path} HTTP/1.1\r\n{lines}\r\n").as_bytes(), place, hosts) {
        Answer::Send { head, .. } => head[9..12].parse().expect("a status"),
        Answer::Socket { .. } => 101,
        Answer::Wait => 0,
    }
}

fn status(path: &str, lines: &str) -> u16 {
    status_at(local(), &Hosts::default(), path, lines)
}

const SOCKET_LINES: &str = "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[test]
fn the_page_comes_with_its_policy_and_type() {
    let Answer::Send { head, body, keep, used } =
        ask("GET /?x=1 HTTP/1.1\r\nHost: localhost:8000\r\nAccept-Encoding: br, gzip\r\n\r\nGET")
    else {
        panic!("an answer");
    };
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    for line in [
        "Content-Type: text/html; charset=utf-8",
        "X-Content-Type-Options: nosniff",
        "frame-ancestors 'none'",
        "default-src 'self';",
        "connect-src 'self' ws://localhost:8000 wss://localhost:8000",
        "Content-Encoding: gzip",
        "Vary: Accept-Encoding",
        "Referrer-Policy: no-referrer",
    ] {
        assert!(head.contains(line), "{line}: {head}");
    }
    assert!(!head.contains("unsafe-inline"));
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.bytes().len())));
    assert!(keep);
    let whole = "GET /?x=1 HTTP/1.1\r\nHost: localhost:8000\r\nAccept-Encoding: br, gzip\r\n\r\n";
    assert_eq!(used, whole.len(), "the next request stays");
}

#[test]
fn a_known_tag_is_not_sent_again() {
    let tag = page::file("/").expect("the page").tag;
    assert_eq!(status("/", &format!("Host: {LOCAL}\r\nIf-None-Match: \"x\", W/{tag}\r\n")), 304);
    assert_eq!(status("/", &format!("Host: {LOCAL}\r\nIf-None-Match: \"x\"\r\n")), 200);
}

#[test]
fn clients_without_gzip_get_plain_text() {
    for accepted in ["", "Accept-Encoding: gzip;q=0\r\n", "Accept-Encoding: identity\r\n"] {
        let Answer::Send { head, body, .. } =
            ask(&format!("GET / HTTP/1.1\r\nHost: {LOCAL}\r\n{accepted}\r\n"))
        else {
            panic!("an answer");
        };
        assert!(!head.contains("Content-Encoding"), "{accepted}: {head}");
        assert!(body.bytes().starts_with(b"<!"), "{accepted}");
    }
    let Answer::Send { body, head, .. } = ask(&format!("HEAD / HTTP/1.1\r\nHost: {LOCAL}\r\n\r\n"))
    else {
        panic!("an answer")
    };
    assert!(body.bytes().is_empty() && !head.contains("Content-Length: 0\r\n"));
}

#[test]
fn only_known_hosts_are_served() {
    for host in
        ["localhost", "LocalHost:1", "127.0.0.1", "127.0.0.1:8000", "127.0.0.9:80", "[::1]:8000"]
    {
        assert_eq!(status("/", &format!("Host: {host}\r\n")), 200, "{host}");
    }
    for host in [
        "",
        "evil.example",
        "localhost.evil.example",
        "192.168.1.2",
        "127.0.0.1.evil.example",
        "0.0.0.0:8000",
        "[::1",
        "[::1]x",
        "localhost:99999",
        "localhost:80:80",
        "x%40localhost",
        "local host",
        "localhost;x",
        "\u{e9}",
    ] {
        assert_eq!(status("/", &format!("Host: {host}\r\n")), 421, "{host}");
    }
    assert_eq!(status("/", ""), 421, "without a name");
    assert_eq!(status("/", "Host: localhost\r\nHost: evil.example\r\n"), 400, "two names");
}

#[test]
fn other_places_have_other_names() {
    let lan = Place::Tcp("192.168.1.2:80".parse().expect("an address"));
    let none = Hosts::default();
    assert_eq!(status_at(lan, &none, "/", "Host: 192.168.1.2\r\n"), 200);
    assert_eq!(status_at(lan, &none, "/", "Host: localhost\r\n"), 421);
    assert_eq!(status_at(lan, &none, "/", "Host: studio.local\r\n"), 421);
    let hosts = Hosts { names: vec!["studio.local".to_owned()] };
    assert_eq!(status_at(lan, &hosts, "/", "Host: Studio.local:8080\r\n"), 200);
    assert_eq!(status_at(Place::Unix, &none, "/", "Host: localhost\r\n"), 200);
    assert_eq!(status_at(Place::Unix, &none, "/", "Host: 10.0.0.1\r\n"), 421);
    let mapped = Place::Tcp("[::ffff:192.168.1.2]:80".parse().expect("an address"));
    assert_eq!(status_at(mapped, &none, "/", "Host: 192.168.1.2\r\n"), 200);
}

#[test]
fn the_socket_is_for_its_own_page_and_for_programs() {
    let with =
        |lines: &str| status("/ws", &format!("Host: localhost:8000\r\n{SOCKET_LINES}{lines}"));
    for origin in ["", "Origin: http://localhost:8000\r\n", "Origin: HTTPS://LOCALHOST:8000\r\n"] {
        assert_eq!(with(origin), 101, "{origin}");
    }
    for origin in [
        "null",
        "",
        "http://localhost",
        "http://localhost:8001",
        "http://evil.example",
        "http://localhost:8000.evil.example",
        "ftp://localhost:8000",
        "http://localhost:8000/",
        "https",
        "\u{e9}http://",
    ] {
        assert_eq!(with(&format!("Origin: {origin}\r\n")), 403, "{origin}");
    }
    assert_eq!(status("/", "Host: localhost:8000\r\nOrigin: http://evil.example\r\n"), 403);
    assert_eq!(status("/ws", "Host: localhost\r\n"), 426);
    assert_eq!(with("Sec-WebSocket-Key: x\r\n"), 400);
    let short = SOCKET_LINES.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhl");
    assert_eq!(status("/ws", &format!("Host: localhost\r\n{short}")), 400);
    let old = SOCKET_LINES.replace("13", "8");
    assert_eq!(status("/ws", &format!("Host: localhost\r\n{old}")), 426);
}

/// The example of RFC 6455, section 1.3.
#[test]
fn the_key_of_the_socket_is_answered() {
    let Answer::Socket { head, .. } =
        ask(&format!("GET /ws HTTP/1.1\r\nHost: localhost\r\n{SOCKET_LINES}\r\n"))
    else {
        panic!("a socket");
    };
    assert!(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
}

#[test]
fn what_is_no_request_is_refused() {
    assert_eq!(status("/", "Host: localhost\r\nContent-Length: 5\r\n"), 400);
    assert_eq!(status("/", "Host: localhost\r\nTransfer-Encoding: chunked\r\n"), 400);
    assert_eq!(status("/", "Host: localhost\r\nContent-Length: 0\r\n"), 200);
    for (text, status) in [
        ("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"),
        ("GET / HTTP/2.0\r\n\r\n", "505"),
        ("\u{16}\u{3}\u{1}\u{2}", "400"),
        ("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"),
        ("GET /../Cargo.toml HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"),
        ("GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"),
    ] {
        let Answer::Send { head, .. } = ask(text) else { panic!("{text}: an answer") };
        assert_eq!(&head[9..12], status, "{text}");
    }
    assert!(matches!(ask("GET / HTTP/1.1\r\nHost: loc"), Answer::Wait));
    for long in [
        format!("GET /{}", "x".repeat(MAX_HEAD)),
        format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(100)),
    ] {
        let Answer::Send { head, keep, .. } = ask(&long) else { panic!("an answer") };
        assert!(head.starts_with("HTTP/1.1 431 ") && !keep, "{head}");
    }
}

#[test]
fn old_and_polite_clients_end_the_connection() {
    for text in [
        "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ] {
        let Answer::Send { keep, head, .. } = ask(text) else { panic!("an answer") };
        assert!(!keep && head.contains("Connection: close\r\n"));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_add_lines(bytes in proptest::collection::vec(any::<u8>(), 0..400), host in "\\PC{0,40}") {
        let _any = answer(&bytes, local(), &Hosts::default());
        let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        if let Answer::Send { head, .. } = answer(text.as_bytes(), local(), &Hosts::default()) {
            prop_assert!(!head.contains("200 OK") || name_of(host.trim()).is_some());
        }
    }
}
