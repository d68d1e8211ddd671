//! The name that was probably meant.

use crate::port::Port;

/// One letter of this many may differ in a name that is proposed for another. With more differences, it would look
/// nothing like what was written.
const LETTERS_PER_MISTAKE: usize = 3;

/// Returns the name of a client or of a port that looks most like a text, if one does.
#[must_use]
pub fn nearest<'a>(text: &str, ports: &'a [Port]) -> Option<&'a str> {
    let client = text.split_once(':').map_or(text, |(client, _)| client);
    let names = ports.iter().flat_map(|port| [port.client_name.as_str(), port.name.as_str()]);
    nearest_name(client, names)
}

/// Returns the name that looks most like a text, if one does: the name that was probably meant.
#[must_use]
pub fn nearest_name<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = text.to_lowercase();
    let far = wanted.chars().count() / LETTERS_PER_MISTAKE;
    if far == 0 {
        return None;
    }
    let distance = |name: &str| {
        let name = name.to_lowercase();
        // A name is often cut after its first word.
        let word = name.split(' ').next().unwrap_or_default();
        strsim::osa_distance(&wanted, &name).min(strsim::osa_distance(&wanted, word))
    };
    let near = names.into_iter().map(|name| (distance(name), name));
    let near = near.filter(|(distance, _)| *distance <= far).min_by_key(|(distance, _)| *distance);
    near.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::Address;

    #[test]
    fn a_name_that_looks_like_the_text_is_proposed() {
        let ports = [
            Port::new(Address::new(0, 1), "System", "Announce"),
            Port::new(Address::new(20, 0), "nanoKEY2", "nanoKEY2 MIDI 1"),
            Port::new(Address::new(24, 0), "Launchpad Pro", "Launchpad Pro MIDI 1"),
            Port::new(Address::new(128, 0), "synth", "x"),
        ];
        for (text, wanted) in [
            ("nanoKye2", Some("nanoKEY2")),
            ("synht:0", Some("synth")),
            ("lanchpad", Some("Launchpad Pro")),
            ("anounce", Some("Announce")),
            ("piano", None),
            ("", None),
            ("z", None),
        ] {
            assert_eq!(nearest(text, &ports), wanted, "{text}");
        }
    }
}
