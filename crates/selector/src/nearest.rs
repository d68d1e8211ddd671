//! The name that was probably meant.

use crate::port::Port;

/// One letter of this many may differ in a name that is proposed for another. With more differences, it would look
/// nothing like what was written.
const LETTERS_PER_MISTAKE: usize = 3;

/// Returns the name of a client or of a port that looks most like a selector, if one does.
#[must_use]
pub fn nearest<'a>(text: &str, ports: &'a [Port]) -> Option<&'a str> {
    let client = text.split_once(':').map_or(text, |(client, _)| client);
    let names = ports.iter().flat_map(|port| [port.client_name.as_str(), port.name.as_str()]);
    nearest_name(client.trim_matches(['\'', '"', ' ']), names)
}

/// Returns the name that looks most like a text, in any case, if one does: the name that was probably meant. The first
/// word of a name counts as well, because people leave out what stands behind it.
#[must_use]
pub fn nearest_name<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = text.to_lowercase();
    // Of two letters, one may be wrong; a single letter is like every other.
    let far = match wanted.chars().count() {
        0 | 1 => return None,
        letters => (letters / LETTERS_PER_MISTAKE).max(1),
    };
    let distance = |name: &str| {
        let name = name.to_lowercase();
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
            Port::new(Address::new(129, 0), "FLUID Synth", "in"),
        ];
        for (text, wanted) in [
            ("nanoKye2", Some("nanoKEY2")),
            ("synht:0", Some("synth")),
            ("lanchpad", Some("Launchpad Pro")),
            ("'FLUID Snyth':0", Some("FLUID Synth")),
            ("anounce", Some("Announce")),
            ("piano", None),
            ("", None),
            ("z", None),
        ] {
            assert_eq!(nearest(text, &ports), wanted, "{text}");
        }
    }

    #[test]
    fn a_short_word_may_have_one_mistake() {
        assert_eq!(nearest_name("hv", ["hw", "app", "in"]), Some("hw"));
        assert_eq!(nearest_name("x", ["hw", "app", "in"]), None);
        assert_eq!(nearest_name("exlcusive", ["exclusive", "when"]), Some("exclusive"));
    }
}
