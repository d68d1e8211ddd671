//! Names, as the interface stores them and as people read them.

/// Returns a name as the structs of the interface store it: at most 63 bytes, ended by a NUL.
#[must_use]
pub fn name_field(name: &str) -> [u8; 64] {
    let mut field = [0; 64];
    let len = name.len().min(63);
    field[..len].copy_from_slice(&name.as_bytes()[..len]);
    field
}

/// Returns the text of a name from a struct of the interface.
#[must_use]
pub fn text(name: &[u8]) -> String {
    let bytes = name.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}
