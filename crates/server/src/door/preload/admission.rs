//! Decides which programs may use the server: see `docs/decisions/0008-who-may-enter.md`.

use aseqd_host::peer::Peer;
use aseqd_host::{folder, log};
use aseqd_wire::preload::{SECRET_LEN, Secret, is_same_secret};
use std::io;

/// Maximum number of processes between a program and the server. A longer line of parents is not believed.
const MAX_ANCESTORS: usize = 4096;

/// The rules of one server, and its secret.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) secret: Secret,
    /// The user id of the server.
    own: u32,
    /// Whether programs that have changed their user may connect.
    everybody: bool,
}

impl Admission {
    /// Returns rules with a new secret.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub(super) fn new(everybody: bool) -> io::Result<Self> {
        let half = folder::random::<SECRET_LEN>;
        let secret = Secret { program: half()?, server: half()? };
        Ok(Self { secret, own: rustix::process::geteuid().as_raw(), everybody })
    }

    /// Returns whether a process is of the server's user, or of root.
    pub(super) const fn is_trusted(&self, peer: Peer) -> bool {
        peer.uid == self.own || peer.uid == 0
    }

    /// Returns whether a process may try to show the secret.
    pub(super) const fn may_ask(&self, peer: Peer) -> bool {
        self.everybody || self.is_trusted(peer)
    }

    /// Checks a process and the secret that it shows.
    ///
    /// # Errors
    /// If the secret is wrong, or the process is another user's and does not descend from the server.
    pub(super) fn check(&self, peer: Peer, shown: &[u8]) -> Result<(), &'static str> {
        if !is_same_secret(shown, &self.secret.program) {
            return Err("it does not know the secret of the run");
        }
        let allowed = self.is_trusted(peer) || (self.everybody && descends_from_this(peer.pid));
        if allowed { Ok(()) } else { Err("it is another user's and was not started by the run") }
    }
}

/// Logs a refusal.
pub(super) fn tell(peer: Peer, why: &'static str) {
    let Peer { pid, uid } = peer;
    log::tell(why, format_args!("process {pid} of user {uid} was not let in: {why}"));
}

/// Returns whether a process descends from the server. A process whose parent has ended is the server's child.
fn descends_from_this(pid: i32) -> bool {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let mut ancestor = pid;
    for _ in 0..MAX_ANCESTORS {
        match parent(ancestor) {
            Some(found) if found == own => return true,
            Some(found) if found > 0 => ancestor = found,
            _ => return false,
        }
    }
    false
}

/// Returns the parent of a process.
fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may have anything in it; the state and the parent follow.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let after = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    after.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn peer(pid: i32, uid: u32) -> Peer {
        Peer { pid, uid }
    }

    #[test]
    fn nobody_comes_in_without_the_secret() {
        let rules = Admission::new(true).expect("random bytes");
        let (own, me) = (rules.own, std::process::id().cast_signed());
        let mut wrong = rules.secret.program;
        wrong[15] ^= 1;
        for shown in [&[][..], &[0; 16], &wrong, &wrong[..15], &rules.secret.server] {
            for uid in [own, 0, 4711] {
                assert!(rules.check(peer(me, uid), shown).is_err(), "{shown:?}");
            }
        }
        assert_eq!(rules.check(peer(me, own), &rules.secret.program), Ok(()));
        let other = Admission::new(true).expect("random bytes");
        assert_ne!(other.secret.program, rules.secret.program);
        assert_ne!(other.secret.server, rules.secret.server);
    }

    #[test]
    fn another_user_comes_in_only_as_a_descendant() {
        let rules = Admission::new(true).expect("random bytes");
        let secret = rules.secret.program;
        let mut child = Command::new("sleep").arg("60").spawn().expect("a child");
        let pid = child.id().cast_signed();
        assert_eq!(rules.check(peer(pid, 4711), &secret), Ok(()));
        // The first process of all, one that is not seen, one that cannot be.
        for pid in [1, 0, -1, i32::MAX] {
            assert!(rules.check(peer(pid, 4711), &secret).is_err(), "{pid}");
        }
        let own_only = Admission::new(false).expect("random bytes");
        let secret = own_only.secret.program;
        assert!(own_only.check(peer(pid, 4711), &secret).is_err());
        assert_eq!(own_only.check(peer(pid, 0), &secret), Ok(()));
        child.kill().expect("it runs");
        child.wait().expect("it is a child");
    }
}
