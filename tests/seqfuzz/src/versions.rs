//! What newer kernels do otherwise than Linux 6.12 or 6.1, so that a comparison can tell it from a mistake.
//!
//! Two transcripts are explained if the first answer that differs, but for the number of the version, is one of
//! [`DIFFERENCES`]. What comes after that answer may differ too. Where aseqd does what Linux 7.3 does, this is compared with
//! Linux 7.3, and where it does what Linux 6.12 does, with that.

use crate::program::{self, Arguments, Call, FIRST_TIMER, Operation, Program, Value};
use crate::transcript::Transcript;
use aseqd_abi::seq::PortCaps;

/// Something that newer kernels do otherwise.
#[derive(Debug)]
pub struct Difference {
    /// Name in reports and in the files of `kernels/`.
    pub name: &'static str,
    /// What newer kernels do.
    pub what: &'static str,
    /// The commits of Linux that changed it.
    pub commits: &'static str,
    /// Whether aseqd does it too.
    pub followed: bool,
    /// Whether Linux 6.12 does it already, and only older kernels do not.
    pub old: bool,
    /// Returns whether the first difference is of this kind.
    fits: fn(&First<'_>) -> bool,
}

/// Name of the difference after which nothing else differs: see [`DIFFERENCES`].
const VERSION: &str = "version";

/// Every known difference that a transcript can show.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: VERSION,
        what: "PVERSION is 1.0.5",
        commits: "3ab4a3199c78 (6.14)",
        followed: true,
        old: false,
        fits: |first| first.is("pversion"),
    },
    Difference {
        name: "ump-announced",
        what: "SET_CLIENT_UMP_INFO is announced by UMP_EP_CHANGE and UMP_BLOCK_CHANGE",
        commits: "3ab4a3199c78 (6.14)",
        followed: true,
        old: false,
        fits: |first| {
            let shows = first.announces(&["UMP_EP_CHANGE", "UMP_BLOCK_CHANGE"]);
            first.could_show(shows)
                && first.before(|call, result| sets_ump_info(call) && result.starts_with("= 0"))
        },
    },
    Difference {
        name: "no-bounce-of-bounce",
        what: "a bounce that fails is not bounced",
        commits: "9420958c5151 (7.2)",
        followed: true,
        old: false,
        fits: |first| {
            first.shows_events()
                && first.call().operation != Operation::Write
                && first.before(|call, _| writes_bounce(call))
        },
    },
    Difference {
        name: "stamp-stays",
        what: "the stamp of a port whose FIFO is full is not on the event that the next subscriber gets",
        commits: "99e16633958b, 0869afc958a0 (6.18)",
        followed: true,
        old: false,
        // With the stamp, a failure at the next subscriber is bounced instead of being told to the writer.
        fits: |first| first.shows_events() && first.before(|call, _| stamps(call)),
    },
    Difference {
        name: "stamped-failure",
        what: "a direct event that fails behind a port with time stamping is written with success, and bounced",
        commits: "99e16633958b, 0869afc958a0 (6.18)",
        followed: false,
        old: false,
        fits: |first| first.shows_events() && first.before(|call, _| stamps(call)),
    },
    Difference {
        name: "oldest-master",
        what: "a timer slave follows the oldest master of its class and id",
        commits: "785639b5bf2a (7.1)",
        followed: true,
        old: false,
        fits: |first| first.shows_master(),
    },
    Difference {
        name: "timer-version",
        what: "PVERSION of timers is 2.0.8",
        commits: "not known (after 6.1)",
        followed: true,
        old: true,
        fits: |first| first.is("t_pversion"),
    },
    Difference {
        name: "tempo-base",
        what: "the tempo of a queue has a base",
        commits: "not known (after 6.1)",
        followed: true,
        old: true,
        fits: |first| {
            let names = ["get_queue_tempo", "set_queue_tempo"];
            names.into_iter().any(|name| first.is(name)) && first.is_about_tempo_base()
        },
    },
    Difference {
        name: "port-is-taken",
        what: "CREATE_PORT with the number of a port that exists fails with EBUSY instead of taking another number",
        commits: "not known (after 6.1)",
        followed: true,
        old: true,
        fits: |first| first.is("create_port") && first.says("= 0", "= EBUSY"),
    },
    Difference {
        name: "port-number",
        what: "CREATE_PORT with the numbers 253 to 255 fails with EINVAL, and so does one port more than 254, instead of ENOMEM",
        commits: "not known (after 6.1)",
        followed: true,
        old: true,
        fits: |first| {
            let named = first.call().number("port").is_some_and(|port| port & 0xff >= 253);
            let refused =
                named && first.says("= 0", "= EINVAL") || first.says("= ENOMEM", "= EINVAL");
            first.is("create_port") && refused
        },
    },
    Difference {
        name: "subscribers-queue",
        what: "an event for queue 254 whose source port is missing goes to nobody instead of failing with EINVAL",
        commits: "not known (after 6.1)",
        followed: true,
        old: true,
        fits: |first| {
            let named = |event: &Arguments| program::number(event, "queue") == Some(254);
            let call = first.call();
            call.operation == Operation::Write
                && call.events.iter().any(named)
                && first.takes_more()
        },
    },
    Difference {
        name: "inactive-ports",
        what: "QUERY_NEXT_PORT passes over ports that are marked as inactive",
        commits: "not known (after 6.1)",
        followed: true,
        old: true,
        fits: |first| first.is("query_next_port") && first.before(|call, _| makes_inactive(call)),
    },
    Difference {
        name: "change-announced",
        what: "SET_CLIENT_INFO and SET_PORT_INFO of programs are announced by CLIENT_CHANGE and PORT_CHANGE",
        commits: "not known (6.12.90)",
        followed: true,
        old: true,
        fits: |first| {
            let shows = first.announces(&["CLIENT_CHANGE", "PORT_CHANGE"]);
            first.could_show(shows)
                && first.before(|call, result| sets_info(call) && result.starts_with("= 0"))
        },
    },
    Difference {
        name: "ump-fields",
        what: "clients have a filter of groups, and ports a direction, a group and the flag of MIDI 1.0",
        commits: "not known (after 6.1)",
        followed: true,
        old: true,
        fits: |first| {
            let names =
                ["get_client_info", "query_next_client", "get_port_info", "query_next_port"];
            // The last is the flag of a port for MIDI 1.0 on a client with UMP.
            let words = ["group_filter=", "direction=", "ump_group=", "flags=0x8"];
            names.into_iter().any(|name| first.is(name))
                && words.into_iter().any(|word| first.only_newer_says(word))
        },
    },
];

/// Returns the names of the differences that may explain two transcripts of a program, of those that `may` take part: one
/// transcript by an older kernel or one like it, the other by a newer one. Empty if they are equal.
///
/// # Errors
/// The index of the first call whose answers differ for another reason.
pub fn explain(
    program: &Program,
    older: &Transcript,
    newer: &Transcript,
    may: impl Fn(&Difference) -> bool,
) -> Result<Vec<&'static str>, usize> {
    let mut names = Vec::new();
    for (index, (old, new)) in older.results.iter().zip(&newer.results).enumerate() {
        if old == new {
            continue;
        }
        let first = First { program, older, newer, index };
        let fits = |difference: &&Difference| may(difference) && (difference.fits)(&first);
        let found: Vec<_> = DIFFERENCES.iter().filter(fits).map(|known| known.name).collect();
        if found.is_empty() {
            return Err(index);
        }
        if found != [VERSION] {
            names.extend(found);
            return Ok(names);
        }
        if names.is_empty() {
            names.push(VERSION);
        }
    }
    Ok(names)
}

/// The first call whose answers differ.
struct First<'a> {
    program: &'a Program,
    older: &'a Transcript,
    newer: &'a Transcript,
    index: usize,
}

impl First<'_> {
    fn call(&self) -> &Call {
        &self.program.calls[self.index]
    }

    fn is(&self, name: &'static str) -> bool {
        self.call().operation == Operation::Request(name)
    }

    /// Returns whether the answer depends on events that came or failed.
    fn shows_events(&self) -> bool {
        let names = ["get_client_info", "query_next_client", "get_client_pool", "set_client_pool"];
        matches!(self.call().operation, Operation::Write | Operation::Read | Operation::Poll)
            || names.into_iter().any(|name| self.is(name))
    }

    /// Returns whether a call that came before, or this one, is such a one; with what the older kernel answered.
    fn before(&self, is: impl Fn(&Call, &str) -> bool) -> bool {
        let calls = self.program.calls[..=self.index].iter();
        calls.zip(&self.older.results).any(|(call, result)| is(call, result))
    }

    /// Returns whether only the newer kernel's records have one of these announcements.
    fn announces(&self, types: &[&str]) -> bool {
        types.iter().any(|name| self.only_newer_says(name))
    }

    /// Returns whether an announcement that only the newer kernel makes could be the cause: the answer `shows` it, or depends
    /// on events while somebody is told what is announced.
    fn could_show(&self, shows: bool) -> bool {
        self.shows_events() && (shows || self.before(|call, _| watches_announcements(call)))
    }

    /// Returns whether the two answers have these words somewhere.
    fn says(&self, older: &str, newer: &str) -> bool {
        let has = |transcript: &Transcript, word| transcript.results[self.index].contains(word);
        has(self.older, older) && has(self.newer, newer)
    }

    /// Returns whether the newer kernel shows a base of the tempo, or refuses one.
    fn is_about_tempo_base(&self) -> bool {
        let refused = self.call().number("tempo_base").is_some() && self.says("= 0", "= EINVAL");
        refused || self.only_newer_says("tempo_base=")
    }

    /// Returns whether the newer kernel's answer has this word, and the older one's has not.
    fn only_newer_says(&self, word: &str) -> bool {
        let has = |transcript: &Transcript| transcript.results[self.index].contains(word);
        has(self.newer) && !has(self.older)
    }

    /// Returns whether a write takes more on the newer kernel, where the older one takes nothing or less.
    fn takes_more(&self) -> bool {
        let taken = |transcript: &Transcript| {
            // A call that is repeated says how often: "200 x = 28".
            let first = transcript.results[self.index].lines().next()?;
            first.rsplit_once("= ").and_then(|(_, count)| count.parse::<u64>().ok())
        };
        let older = taken(self.older).or_else(|| self.says("= EINVAL", "").then_some(0));
        older.zip(taken(self.newer)).is_some_and(|(older, newer)| older < newer)
    }

    /// Returns whether it shows the resolution of a slave's master.
    fn shows_master(&self) -> bool {
        let names = ["START", "CONTINUE", "RESOLUTION", "MSTART", "MCONTINUE", "resolution="];
        let has = |transcript: &Transcript| {
            let result = &transcript.results[self.index];
            names.iter().any(|name| result.contains(name))
        };
        let call = self.call();
        match call.operation {
            Operation::Request("t_status" | "t_status32" | "t_info") => true,
            // The shortest period depends on the master.
            Operation::Request("t_params") => self.before(|call, _| selects_slave(call)),
            Operation::Read => call.client >= FIRST_TIMER && has(self.older) && has(self.newer),
            _ => false,
        }
    }
}

/// Returns whether a call makes a port or a connection that puts times on events.
fn stamps(call: &Call) -> bool {
    let names = ["create_port", "set_port_info", "subscribe_port"];
    matches!(call.operation, Operation::Request(name) if names.contains(&name))
        && call.number("flags").is_some_and(|flags| flags & 2 != 0)
}

/// Returns whether a call makes or changes a port with the capability `INACTIVE`.
fn makes_inactive(call: &Call) -> bool {
    let names = ["create_port", "set_port_info"];
    let inactive = i64::from(PortCaps::INACTIVE.bits());
    matches!(call.operation, Operation::Request(name) if names.contains(&name))
        && call.number("capability").is_some_and(|caps| caps & inactive != 0)
}

fn writes_bounce(call: &Call) -> bool {
    let bounce = |event: &Arguments| {
        program::number(event, "type") == Some(i64::from(aseqd_abi::EventType::BOUNCE.0))
    };
    call.operation == Operation::Write && call.events.iter().any(bounce)
}

fn selects_slave(call: &Call) -> bool {
    call.operation == Operation::Request("t_select") && call.number("sclass").is_some()
}

fn sets_ump_info(call: &Call) -> bool {
    matches!(
        call.operation,
        Operation::Request("set_client_ump_info" | "set_ump_endpoint" | "set_ump_block")
    )
}

fn sets_info(call: &Call) -> bool {
    matches!(call.operation, Operation::Request("set_client_info" | "set_port_info"))
}

fn watches_announcements(call: &Call) -> bool {
    call.operation == Operation::Request("subscribe_port")
        && matches!(call.argument("sender"), None | Some(Value::Number(0)))
        && call.number("sender_port") == Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::parse;

    fn explained(
        program: &str,
        older: &[&str],
        newer: &[&str],
    ) -> Result<Vec<&'static str>, usize> {
        explain(&parse(program).expect("a program"), &told(older), &told(newer), |_| true)
    }

    fn told(results: &[&str]) -> Transcript {
        Transcript { results: results.iter().map(|result| (*result).to_owned()).collect() }
    }

    const STAMPED: &str = "mode still
c0.open
c0.pversion
c0.create_port client=c0 flags=2
c0.write [ type=6 queue=253 dest=c0]
c0.get_queue_status
";

    #[test]
    fn the_version_explains_only_itself() {
        let old = ["c0", "= 0 version=0x10004", "= 0", "= 28", "= EINVAL"];
        let new = ["c0", "= 0 version=0x10005", "= 0", "= 28", "= EINVAL"];
        assert_eq!(explained(STAMPED, &old, &new), Ok(vec!["version"]));
        assert_eq!(explained(STAMPED, &old, &old), Ok(Vec::new()));
        let wrong = ["c0", "= 0 version=0x10005", "= 0", "= 28", "= 0"];
        assert_eq!(explained(STAMPED, &old, &wrong), Err(4));
    }

    #[test]
    fn a_write_is_explained_only_behind_a_stamp() {
        let old = ["c0", "= 0", "= 0", "= EAGAIN", "= EINVAL"];
        let new = ["c0", "= 0", "= 0", "= 28", "= 0"];
        assert_eq!(explained(STAMPED, &old, &new), Ok(vec!["stamp-stays", "stamped-failure"]));
        assert_eq!(explained(&STAMPED.replace("flags=2", "flags=1"), &old, &new), Err(3));
        let program = parse(STAMPED).expect("a program");
        let followed = |difference: &Difference| difference.followed;
        assert_eq!(explain(&program, &told(&old), &told(&new), followed), Ok(vec!["stamp-stays"]));
    }

    #[test]
    fn a_period_depends_on_the_master_of_a_slave_only() {
        let slave =
            "mode still\nt0.open_timer\nt0.t_select sclass=1 device=self\nt0.t_params ticks=3\n";
        let (old, new) = (["open", "= 0", "= 0"], ["open", "= 0", "= EINVAL"]);
        assert_eq!(explained(slave, &old, &new), Ok(vec!["oldest-master"]));
        assert_eq!(
            explained(&slave.replace("sclass=1 device=self", "class=1"), &old, &new),
            Err(2)
        );
    }

    #[test]
    fn what_linux_6_1_lacks_is_explained_only_as_that() {
        let calls = "mode still\nc0.open\nc0.create_port client=c0 capability=99 times=2\nc0.get_queue_tempo\n";
        let port = ["c0", "= 0 client=c0\n= 0 client=c0 port=0x1", "= EINVAL"];
        let taken = ["c0", "= 0 client=c0\n= EBUSY", "= EINVAL"];
        assert_eq!(explained(calls, &port, &taken), Ok(vec!["port-is-taken"]));
        assert_eq!(explained(calls, &taken, &port), Err(1));
        let old = ["c0", "= 0", "= 0 tempo=0x7a120 ppq=96"];
        let new = ["c0", "= 0", "= 0 tempo=0x7a120 ppq=96 tempo_base=0x3e8"];
        assert_eq!(explained(calls, &old, &new), Ok(vec!["tempo-base"]));
        assert_eq!(explained(calls, &new, &old), Err(2));
        let program = parse(calls).expect("a program");
        let later = |known: &Difference| !known.old;
        assert_eq!(explain(&program, &told(&old), &told(&new), later), Err(2));
    }

    #[test]
    fn what_linux_6_1_lacks_of_ports_is_explained() {
        let other = "mode still\nc0.open\nc0.create_port client=c0 capability=256 port=253\n\
                     c0.write [ type=6 queue=254]\nc0.query_next_port client=c0\n";
        let old = ["c0", "= 0 port=0xfd", "= EINVAL", "= 0"];
        let answers = [("= EINVAL", "= EINVAL", "= 0"), ("= 0 port=0xfd", "= 28", "= 0")];
        for ((port, write, next), name) in
            answers.into_iter().zip(["port-number", "subscribers-queue"])
        {
            assert_eq!(explained(other, &old, &["c0", port, write, next]), Ok(vec![name]));
        }
        let short = ["c0", "= 0 port=0xfd", "= 28", "= 0"];
        let whole = ["c0", "= 0 port=0xfd", "= 56", "= 0"];
        assert_eq!(explained(other, &short, &whole), Ok(vec!["subscribers-queue"]));
        assert_eq!(explained(other, &whole, &short), Err(2));
        let often = ["c0", "= 0 port=0xfd", "200 x = 28", "= 0"];
        let failed = ["c0", "= 0 port=0xfd", "200 x = EINVAL", "= 0"];
        assert_eq!(explained(other, &failed, &often), Ok(vec!["subscribers-queue"]));
        assert_eq!(explained(other, &often, &failed), Err(2));
        let skips = ["c0", "= 0 port=0xfd", "= EINVAL", "= ENOENT"];
        assert_eq!(explained(other, &old, &skips), Ok(vec!["inactive-ports"]));
        assert_eq!(
            explained(&other.replace("254", "253"), &old, &["c0", old[1], "= 28", "= 0"]),
            Err(2)
        );
        let changes = "mode still\nc0.open\nc0.set_client_info client=c0\nc0.read\n";
        let (old, new) = (["c0", "= 0", "= EAGAIN"], ["c0", "= 0", "= 28\nCLIENT_CHANGE"]);
        assert_eq!(explained(changes, &old, &new), Ok(vec!["change-announced"]));
        assert_eq!(explained(&changes.replace("set_", "get_"), &old, &new), Err(2));
        let calls = "mode still\nc0.open\nc0.get_client_info client=c0\n";
        for (request, word) in [
            ("get_client_info client=c0", "group_filter=2"),
            ("get_port_info client=c0", "direction=1"),
            ("query_next_port client=c0", "flags=0x8"),
        ] {
            let asks = calls.replace("get_client_info client=c0", request);
            let told = format!("= 0 client=c0 {word}");
            let (old, new) = (["c0", "= 0 client=c0"], ["c0", told.as_str()]);
            assert_eq!(explained(&asks, &old, &new), Ok(vec!["ump-fields"]));
            assert_eq!(explained(&asks, &new, &old), Err(1));
        }
    }

    #[test]
    fn a_name_is_that_of_one_difference() {
        for (index, difference) in DIFFERENCES.iter().enumerate() {
            let others = &DIFFERENCES[index + 1..];
            assert!(others.iter().all(|other| other.name != difference.name));
            assert!(!difference.what.is_empty() && difference.commits.contains('('));
        }
    }
}
