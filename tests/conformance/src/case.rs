//! Cases, and the macro by which a subject lists its cases.

use crate::release::Release;
use std::fmt;

/// One fact about the sequencer.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// The name of its file.
    pub subject: &'static str,
    /// The behaviour.
    pub name: &'static str,
    /// One sentence for people.
    pub says: &'static str,
    /// The first release with this behaviour.
    pub since: Release,
    /// The first release without it.
    pub until: Release,
    /// The check: panics if it does not hold.
    pub check: fn(),
}

impl Case {
    /// `subject::name`.
    pub(crate) fn full_name(&self) -> String {
        format!("{}::{}", self.subject, self.name)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full_name())
    }
}

/// Ends a case that cannot be checked here, with a reason. The case then counts as skipped, not as passed.
pub(crate) fn skip(reason: &str) -> ! {
    std::panic::panic_any(Skip(reason.to_owned()))
}

/// The payload of [`skip`].
#[derive(Debug)]
pub(crate) struct Skip(pub String);

/// Lists the cases of a subject: functions with a sentence, and optionally the releases with this behaviour.
///
/// A change that went into a stable series names its point release, such as `since "6.12.90"`.
///
/// ```ignore
/// cases! {
///     /// The client's number is in the range of user clients.
///     fn client_id_is_that_of_a_user_client() { ... }
///
///     /// Port 253 is refused.
///     since "6.12" fn create_port_253_is_einval() { ... }
///
///     /// Port 253 is accepted.
///     until "6.12" fn create_port_253_succeeds() { ... }
/// }
/// ```
macro_rules! cases {
    ($( $(#[doc = $says:literal])+ $(since $since:literal)? $(until $until:literal)? fn $name:ident() $body:block )*) => {
        /// The cases of this subject.
        pub(super) const CASES: &[$crate::case::Case] = &[$($crate::case::Case {
            subject: $crate::case::subject_of(module_path!()),
            name: stringify!($name),
            says: concat!($($says),+).trim_ascii(),
            since: {
                let _since = $crate::release::Release::FIRST;
                $(let _since = $crate::release::Release::named($since);)?
                _since
            },
            until: {
                let _until = $crate::release::Release::NEVER;
                $(let _until = $crate::release::Release::named($until);)?
                _until
            },
            check: $name,
        }),*];
        $(fn $name() $body)*
    };
}
pub(crate) use cases;

/// Returns the last part of a module path.
pub(crate) const fn subject_of(path: &'static str) -> &'static str {
    let bytes = path.as_bytes();
    let mut start = bytes.len();
    while start > 0 && bytes[start - 1] != b':' {
        start -= 1;
    }
    path.split_at(start).1
}
