//! The texts of a song as they are shown while it is played: the marker, and the line of lyrics so far.

/// The meta event of any text. Karaoke files (.kar) have their syllables in these.
const TEXT: u8 = 1;
const LYRIC: u8 = 5;
const MARKER: u8 = 6;
const CUE: u8 = 7;

/// What is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    marker: String,
    line: String,
    /// The line has ended: the next syllable begins a new one.
    ended: bool,
}

impl Words {
    /// Takes a text that is due.
    pub(super) fn take(&mut self, kind: u8, text: &[u8]) {
        match kind {
            MARKER | CUE => self.marker = decode(text).trim().to_owned(),
            LYRIC | TEXT => self.syllable(&decode(text)),
            _ => {}
        }
    }

    fn syllable(&mut self, text: &str) {
        // Karaoke files begin information about themselves so.
        if text.starts_with('@') {
            return;
        }
        // There, these begin a paragraph and a line. In lyrics, a line ends with a line feed or a carriage return.
        let begins = text.strip_prefix(['\\', '/']);
        if begins.is_some() || std::mem::take(&mut self.ended) {
            self.line.clear();
        }
        let text = begins.unwrap_or(text);
        self.line.push_str(text.trim_end_matches(['\r', '\n']));
        self.ended = text.ends_with(['\r', '\n']);
    }

    /// Returns the marker that was passed last, or an empty text.
    pub(super) fn marker(&self) -> &str {
        &self.marker
    }

    /// Returns what is shown, or an empty text.
    pub(super) fn shown(&self) -> String {
        match (self.marker.as_str(), self.line.trim()) {
            ("", line) => line.to_owned(),
            (marker, "") => format!("[{marker}]"),
            (marker, line) => format!("[{marker}] {line}"),
        }
    }
}

/// Decodes a text. The file does not say how its letters are encoded: what is no UTF-8 counts as Latin-1.
fn decode(text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(text) => text.to_owned(),
        Err(_) => text.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(texts: &[(u8, &[u8])]) -> String {
        let mut words = Words::default();
        texts.iter().for_each(|(kind, text)| words.take(*kind, text));
        words.shown()
    }

    #[test]
    fn syllables_make_lines() {
        assert_eq!(shown(&[(5, b"Hel"), (5, b"lo "), (5, b"you\r"), (5, b"Next")]), "Next");
        assert_eq!(shown(&[(5, b"Hel"), (5, b"lo\n")]), "Hello");
        assert_eq!(shown(&[(1, b"@KMIDI"), (1, b"\\One "), (1, b"two"), (1, b"/Three")]), "Three");
    }

    #[test]
    fn markers_stand_before_the_line() {
        assert_eq!(shown(&[(6, b"Verse 1"), (5, b"La ")]), "[Verse 1] La");
        assert_eq!(shown(&[(3, b"Piano"), (6, b"Verse"), (7, b"Chorus")]), "[Chorus]");
        assert_eq!(shown(&[(5, b"sch\xf6n")]), "sch\u{f6}n");
    }
}
