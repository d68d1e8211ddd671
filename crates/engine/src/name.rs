//! Names and other texts of a fixed length, as the ABI has them.

/// A name: at most 63 bytes and a NUL.
pub(crate) type Name = [u8; 64];

/// Makes a name of a text, cut to 63 bytes.
pub(crate) fn name(text: &str) -> Name {
    nul_terminated(text)
}

/// Returns the bytes of a name up to its NUL.
pub(crate) fn name_bytes(name: &[u8]) -> &[u8] {
    name.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Writes a name and its NUL. The bytes behind them in `to` stay as the program had them.
pub(crate) fn write_name(name: &Name, to: &mut Name) {
    let end = (name_bytes(name).len() + 1).min(to.len());
    to[..end].copy_from_slice(&name[..end]);
}

/// Copies a name of a program's, cut to 63 bytes.
pub(crate) fn copy_name(from: &Name) -> Name {
    let mut name = [0; 64];
    let bytes = name_bytes(from);
    let len = bytes.len().min(63);
    name[..len].copy_from_slice(&bytes[..len]);
    name
}

/// Makes a text of a fixed length, cut so that a NUL ends it.
pub(crate) fn nul_terminated<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let len = text.len().min(N - 1);
    bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
    bytes
}
