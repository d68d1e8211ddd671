//! Reads variables of the environment, which name files. A program with more rights than its caller ignores them,
//! because another user has set them.

use std::ffi::OsString;

/// Entry of the auxiliary vector that is not 0 if the program's file gives it more rights. See `getauxval(3)`.
const AT_SECURE: usize = 23;

/// Returns a variable, unless the program has more rights than its caller.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|_| !is_privileged())
}

fn is_privileged() -> bool {
    let changed = rustix::process::getuid() != rustix::process::geteuid()
        || rustix::process::getgid() != rustix::process::getegid();
    changed || std::fs::read("/proc/self/auxv").is_ok_and(|vector| is_secure(&vector))
}

/// Returns whether an auxiliary vector says that the program's file gives it more rights.
fn is_secure(vector: &[u8]) -> bool {
    const WORD: usize = size_of::<usize>();
    let word = |bytes: &[u8]| bytes.try_into().map(usize::from_ne_bytes).unwrap_or(0);
    vector.chunks_exact(2 * WORD).any(|pair| {
        let (kind, value) = pair.split_at(WORD);
        word(kind) == AT_SECURE && word(value) != 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_no_more_rights_hears_its_environment() {
        assert!(variable("PATH").is_some());
        let vector = std::fs::read("/proc/self/auxv").unwrap();
        assert!(!is_secure(&vector));
    }

    #[test]
    fn one_with_more_rights_does_not() {
        let vector: Vec<u8> =
            [6, 4096, AT_SECURE, 1, 0, 0].into_iter().flat_map(usize::to_ne_bytes).collect();
        assert!(is_secure(&vector));
        assert!(!is_secure(&vector[..2 * size_of::<usize>()]));
    }
}
