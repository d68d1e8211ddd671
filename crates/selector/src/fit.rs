//! How well names fit texts.

use crate::port::Port;
use aseqd_abi::Address;

/// How well a name fits; the best is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    Exact,
    OtherCase,
    Beginning,
    Part,
}

/// How well a port fits a text: first by what of it, then by how well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// By its address, or by names of its client and of itself.
    Both(Fit, Fit),
    /// By its client alone.
    Client(Fit),
    /// By its own name alone.
    Own(Fit),
}

impl Rank {
    /// Returns the order of ranks. A text with a colon may be both a whole name and two: the better fit wins.
    pub(crate) const fn order(self) -> (u8, Fit, Fit) {
        match self {
            Self::Both(client, port) => (0, client, port),
            Self::Client(client) => (0, client, Fit::Exact),
            Self::Own(port) => (1, port, Fit::Exact),
        }
    }
}

/// Returns how well a port fits a text without a form of its own: an address, a client, `client:port` or a port.
pub(crate) fn rank(text: &str, port: &Port) -> Option<Rank> {
    // Names are made by other programs: none of them makes an address ambiguous.
    if let Some(address) = address(text) {
        return (port.address == address).then_some(Rank::Both(Fit::Exact, Fit::Exact));
    }
    let client = |text: &str| by_number_or_name(text, port.address.client, &port.client_name);
    // A colon may separate client and port, or belong to either name. The period is that of `snd_seq_parse_address`.
    let pairs = text.match_indices([':', '.']).filter_map(|(at, separator)| {
        let (before, after) = (text[..at].trim(), text[at + 1..].trim());
        if separator == "." && !after.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Rank::Both(client(before)?, own_fit(after, port)?))
    });
    let whole = client(text).map(Rank::Client);
    // The number of a client that has gone is not a part of a name.
    let named = text.parse::<u8>().is_err().then(|| fit(text, &port.name)).flatten().map(Rank::Own);
    pairs.chain(whole).chain(named).min_by_key(|rank| rank.order())
}

/// Returns the address that a text is: two numbers with a colon between them, or the period of `snd_seq_parse_address`.
pub(crate) fn address(text: &str) -> Option<Address> {
    let (client, port) = text.split_once([':', '.'])?;
    Some(Address::new(client.parse().ok()?, port.parse().ok()?))
}

fn by_number_or_name(text: &str, number: u8, name: &str) -> Option<Fit> {
    match text.parse::<u8>() {
        Ok(wanted) => (wanted == number).then_some(Fit::Exact),
        Err(_) => fit(text, name),
    }
}

/// Returns how well a port fits a text behind the name of its client: by number, or by its name.
fn own_fit(text: &str, port: &Port) -> Option<Fit> {
    match text.parse::<u8>() {
        Ok(number) => (number == port.address.port).then_some(Fit::Exact),
        Err(_) => port_fit(text, port),
    }
}

/// Returns how well the name of a port fits a text: its short name, or its whole name from the beginning. A part of the
/// client's name that the driver repeats says nothing about the port.
pub(crate) fn port_fit(text: &str, port: &Port) -> Option<Fit> {
    let short = port.short_name();
    let repeated = port.name.len() - short.len();
    let whole = fit(text, &port.name).filter(|fit| *fit != Fit::Part && text.len() > repeated);
    fit(text, short).into_iter().chain(whole).min()
}

/// Returns how well a name fits a text.
pub(crate) fn fit(text: &str, name: &str) -> Option<Fit> {
    if text.is_empty() {
        return None;
    }
    if text == name {
        return Some(Fit::Exact);
    }
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    match name.find(&text)? {
        0 if text.len() == name.len() => Some(Fit::OtherCase),
        0 => Some(Fit::Beginning),
        _ => Some(Fit::Part),
    }
}
