//! The secret that a client must know if others than this machine can reach the server.

use aseqd_host::error::{Context as _, Fail, reason};
use data_encoding::HEXLOWER;
use rustix::rand::{GetRandomFlags, getrandom};
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Random bytes of a token that is made here: as many as a key of AES-128 has.
const RANDOM: usize = 16;
/// The least characters of a token that somebody has chosen.
const LEAST: usize = 16;
/// The most characters of a token: it is part of an address.
const MOST: usize = 256;

/// Who may come in.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) token: Option<Token>,
    /// Whether programs of this user and of root need none.
    pub(crate) for_own: bool,
}

impl Door {
    /// Returns whether a client may come in that says this token. `user` returns whose program it is, if that is known.
    pub(crate) fn lets_in(&self, said: &str, user: impl FnOnce() -> Option<u32>) -> bool {
        let is_own = |user: u32| user == 0 || user == rustix::process::geteuid().as_raw();
        self.token.as_ref().is_some_and(|token| token.is(said))
            || self.for_own && user().is_some_and(is_own)
    }
}

/// A token.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

/// It is not printed by accident.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// Makes a new one.
    ///
    /// # Errors
    /// A message if the kernel has no random bytes.
    pub(crate) fn new() -> Result<Self, Fail> {
        Ok(Self(random()?))
    }

    /// Reads a token from a file; makes the file, which only its owner can read, if it does not exist.
    ///
    /// # Errors
    /// A message if the file cannot be read or made, if others can read it, or if the token is no long word.
    pub(crate) fn of_file(path: &Path) -> Result<Self, Fail> {
        let shown = path.display();
        let mut file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let token = Self::new()?;
                let mut options = fs::OpenOptions::new();
                let made = options.write(true).create_new(true).mode(0o600).open(path);
                let written = made.and_then(|mut file| writeln!(file, "{}", token.0));
                written.with_context(|| format!("{shown} cannot be made"))?;
                return Ok(token);
            }
            Err(error) => {
                return Err(Fail::new(format!("{shown} cannot be read: {}", reason(&error))));
            }
        };
        let failed = || format!("{shown} cannot be read");
        let metadata = file.metadata().with_context(failed)?;
        if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
            return Err(Fail::new(format!(
                "{shown} can be read by others, and they would know the token: `chmod 600 {shown}`"
            )));
        }
        let mut bytes = Vec::new();
        let most = MOST as u64 + 2;
        (&mut file).take(most).read_to_end(&mut bytes).with_context(failed)?;
        // What is no text is no token either.
        let text = String::from_utf8_lossy(&bytes);
        let token = text.trim();
        let word =
            token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        if !word || !(LEAST..=MOST).contains(&token.len()) {
            return Err(Fail::new(format!(
                "{shown} has no token: it is one word of {LEAST} to {MOST} letters, digits, -, ., _ or ~"
            )));
        }
        Ok(Self(token.to_owned()))
    }

    /// Returns the token, for the address that is printed.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Returns whether this is the token. The time that it takes does not depend on where they differ.
    pub(crate) fn is(&self, said: &str) -> bool {
        let (own, said) = (self.0.as_bytes(), said.as_bytes());
        let mut differ = u8::from(own.len() != said.len());
        for (at, byte) in own.iter().enumerate() {
            differ |= byte ^ said.get(at).copied().unwrap_or_default();
        }
        std::hint::black_box(differ) == 0
    }
}

/// Returns 16 random bytes in hexadecimal.
///
/// # Errors
/// A message if the kernel has none.
pub(crate) fn random() -> Result<String, Fail> {
    let mut bytes = [0; RANDOM];
    let filled = getrandom(&mut bytes, GetRandomFlags::empty());
    match filled.context("there are no random bytes")? {
        RANDOM => Ok(HEXLOWER.encode(&bytes)),
        _ => Err(Fail::new("there are no random bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_right() {
        let token = Token::new().expect("a token");
        assert!(token.is(token.text()));
        let longer = format!("{}0", token.text());
        for wrong in
            ["", "x", &token.text()[1..], &longer, &token.text().to_uppercase().replace('0', "1")]
        {
            assert!(!token.is(wrong), "{wrong}");
        }
        assert_ne!(Token::new().expect("a token"), token);
        assert_eq!(format!("{token:?}"), "Token(..)");
    }

    #[test]
    fn a_program_of_another_user_needs_the_token() {
        let own = rustix::process::geteuid().as_raw();
        let token = Token::new().expect("a token");
        let word = token.text().to_owned();
        let (open, strict) = (
            Door { token: None, for_own: true },
            Door { token: Some(token.clone()), for_own: false },
        );
        let both = Door { token: Some(token), for_own: true };
        for (user, expected) in
            [(Some(own), true), (Some(0), true), (Some(own + 1), false), (None, false)]
        {
            assert_eq!(open.lets_in("", || user), expected, "{user:?}");
            assert_eq!(both.lets_in("x", || user), expected, "{user:?}");
            assert!(both.lets_in(&word, || user) && strict.lets_in(&word, || user));
            assert!(!strict.lets_in("", || user) && !open.lets_in(&word, || Some(own + 1)));
        }
    }

    #[test]
    fn a_file_keeps_the_token_for_its_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        let made = Token::of_file(&path).expect("made");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(Token::of_file(&path).expect("read"), made);
        fs::write(&path, "0123456789abcdef\n").expect("written");
        assert_eq!(Token::of_file(&path).expect("read").text(), "0123456789abcdef");
        for wrong in [
            "",
            "short",
            "0123456789abcdef 0123456789abcdef",
            &"x".repeat(1000),
            "0123456789abcde\u{e9}",
        ] {
            fs::write(&path, wrong).expect("written");
            assert!(Token::of_file(&path).is_err(), "{wrong}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
        let refused = Token::of_file(&path).expect_err("others can read it").to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
    }
}
