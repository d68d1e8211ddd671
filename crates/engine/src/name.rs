//! Names of clients, ports and queues, as the ABI has them.

/// A name: at most 63 bytes and a NUL.
pub(crate) type Name = [u8; 64];

/// Makes a name of a text, cut to 63 bytes.
pub(crate) fn name(text: &str) -> Name {
    let mut name = [0; 64];
    let len = text.len().min(63);
    name[..len].copy_from_slice(&text.as_bytes()[..len]);
    name
}

/// Returns the bytes of a name up to its NUL.
pub(crate) fn name_bytes(name: &Name) -> &[u8] {
    name.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Writes a name and its NUL; the bytes behind them in `to` stay as the program had them.
pub(crate) fn write_name(name: &Name, to: &mut Name) {
    let end = (name_bytes(name).len() + 1).min(to.len());
    to[..end].copy_from_slice(&name[..end]);
}

/// Takes a name from a program, cut to 63 bytes.
pub(crate) fn copy_name(from: &Name) -> Name {
    let mut name = [0; 64];
    let bytes = name_bytes(from);
    let len = bytes.len().min(63);
    name[..len].copy_from_slice(&bytes[..len]);
    name
}
