//! Replaces the names of functions that compilers of Rust and C++ have encoded.

use cpp_demangle::{DemangleOptions, Symbol};
use memchr::memmem;
use std::borrow::Cow;
use std::sync::LazyLock;

static RUST: LazyLock<memmem::Finder<'_>> = LazyLock::new(|| memmem::Finder::new("_R"));
static CPP: LazyLock<memmem::Finder<'_>> = LazyLock::new(|| memmem::Finder::new("_Z"));

/// Encoded names of more bytes stay as they are: decoding could take long, and nobody reads the result.
const MAX_BYTES: usize = 2000;

/// Returns the text with names of Rust without their hash, and names of C++ without their arguments.
pub(super) fn demangle(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut done = 0;
    let (mut rust, mut cpp) = (RUST.find(bytes), CPP.find(bytes));
    loop {
        let at = match (rust, cpp) {
            (None, None) => break,
            (Some(at), None) | (None, Some(at)) => at,
            (Some(one), Some(two)) => one.min(two),
        };
        let end =
            at + bytes[at..].iter().position(|&byte| !is_part(byte)).unwrap_or(bytes.len() - at);
        let starts = at == 0 || !is_part(bytes[at - 1]);
        if starts
            && end - at <= MAX_BYTES
            && let Some(name) = name(&text[at..end])
        {
            out.push_str(&text[done..at]);
            out.push_str(&name);
            done = end;
        }
        // Searches only go on behind what they have found.
        let next = if starts { end } else { at + 2 };
        let search =
            |finder: &memmem::Finder<'_>| finder.find(&bytes[next..]).map(|found| next + found);
        rust = if rust.is_some_and(|found| found < next) { search(&RUST) } else { rust };
        cpp = if cpp.is_some_and(|found| found < next) { search(&CPP) } else { cpp };
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$')
}

/// Decodes one name.
fn name(text: &str) -> Option<String> {
    if let Ok(found) = rustc_demangle::try_demangle(text) {
        let name = format!("{found:#}");
        // The compiler's own marks, such as `.cold`, are no part of the name.
        let name = name.split(".llvm.").next().unwrap_or(&name);
        return Some(name.trim_end_matches(".cold").to_owned());
    }
    let encoded = text.split('.').next().filter(|name| name.starts_with("_Z"))?;
    let options = DemangleOptions::new().no_params().no_return_type();
    Symbol::new(encoded).ok()?.demangle_with_options(&options).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rust_and_cpp_are_decoded() {
        let cases = [
            ("#1 0x5 in _ZN5audio5Voice6renderEi a.cc:3", "#1 0x5 in audio::Voice::render a.cc:3"),
            (" _ZN5model10timer_work17h0123456789abcdefE+0x1/0x2", " model::timer_work+0x1/0x2"),
            (" _RNvCs1234_7mycrate3foo+0x1/0x2 [m]", " mycrate::foo+0x1/0x2 [m]"),
            ("_ZN1a1bEv.cold+0x1/0x2", "a::b+0x1/0x2"),
            ("MY_RULE a_ZNx _Z _R _RR", "MY_RULE a_ZNx _Z _R _RR"),
        ];
        for (text, wanted) in cases {
            assert_eq!(demangle(text), wanted);
        }
    }
}
