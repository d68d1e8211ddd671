//! Finds out in which form a log comes.

use std::fmt;

/// The form of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Lines of text.
    Lines,
    /// `journalctl -o json` and its relatives.
    Journal,
    /// `journalctl -o export`.
    Export,
    /// `journalctl -o verbose`.
    Verbose,
    /// `dmesg --json`.
    Dmesg,
}

/// An input that is no log, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// What the input is, such as `compressed with gzip`.
    pub what: &'static str,
    /// What makes a log of it, such as `zcat`.
    pub hint: Option<&'static str>,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        self.hint.map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// The first bytes of files that are no text.
const MAGIC: &[(&[u8], &str, Option<&str>)] = &[
    (b"\x1f\x8b", "it is compressed with gzip", Some("use zcat FILE | kreport")),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd", Some("use zstdcat FILE | kreport")),
    (b"\xfd7zXZ\0", "it is compressed with xz", Some("use xzcat FILE | kreport")),
    (b"BZh", "it is compressed with bzip2", Some("use bzcat FILE | kreport")),
    (b"\x04\x22\x4d\x18", "it is compressed with lz4", Some("use lz4cat FILE | kreport")),
    (b"PK\x03\x04", "it is a zip archive", Some("use unzip -p FILE | kreport")),
    (b"LPKSHHRH", "it is a journal of systemd", Some("use journalctl --file FILE -k | kreport")),
    (b"\x7fELF", "it is a program or a core dump", None),
    (b"KDUMP", "it is a dump of a kernel's memory", Some("use crash to get its log")),
    (b"\xff\xfe", "its text is in UTF-16", Some("use iconv -f UTF-16 -t UTF-8 FILE | kreport")),
    (b"\xfe\xff", "its text is in UTF-16", Some("use iconv -f UTF-16 -t UTF-8 FILE | kreport")),
];

/// Returns the form of a log from its first bytes.
pub(super) fn detect(bytes: &[u8]) -> Result<Form, Unreadable> {
    if let Some(&(_, what, hint)) = MAGIC.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        return Err(Unreadable { what, hint });
    }
    let head = &bytes[..bytes.len().min(super::ENOUGH)];
    // A journal's binary fields have these bytes too, but its first lines are text.
    if head.starts_with(b"__CURSOR=") {
        return Ok(Form::Export);
    }
    // Consoles print some of these bytes when a machine starts.
    let zeros = head.iter().filter(|&&byte| byte == 0).count();
    if zeros * 10 > head.len() {
        return Err(Unreadable { what: "it is a binary file", hint: None });
    }
    let text = String::from_utf8_lossy(head);
    let trimmed = text.trim_start_matches(['\u{1e}', ' ', '\n', '\r', '[']);
    if trimmed.starts_with("data: {") || trimmed.starts_with('{') {
        if text.contains("\"dmesg\"") {
            return Ok(Form::Dmesg);
        }
        if text.contains("\"MESSAGE\"")
            || text.contains("\"__CURSOR\"")
            || text.contains("_TIMESTAMP\"")
        {
            return Ok(Form::Journal);
        }
    }
    let first = text.lines().next().unwrap_or_default();
    if first.contains(" [s=") && first.contains(";i=") && first.ends_with(']') {
        return Ok(Form::Verbose);
    }
    Ok(Form::Lines)
}
