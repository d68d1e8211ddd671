//! `docs/known-bugs.md`.

use super::{MORE_CALLS, NOT_HERE, OTHER_TESTS, ROWS, Section, name};
use crate::report::Finding;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How the plant of a row was caught.
#[derive(Clone, Debug)]
pub struct Caught {
    /// What was reported.
    pub finding: Finding,
    /// Number of calls of the reproducer.
    pub calls: usize,
    /// How many schedules of the model ran; `None` for a plant in the engine.
    pub schedules: Option<u64>,
    /// How long it took to find and shorten.
    pub time: Duration,
}

impl Caught {
    /// Returns the time, rounded up so that other machines print the same.
    const fn time(&self) -> &'static str {
        match self.time.as_secs() {
            0 => "1 s",
            1..10 => "10 s",
            _ => "60 s",
        }
    }
}

const HEAD: &str = "\
# Known bugs of the Linux sequencer and timer

aseqd has the same interface as the Linux sequencer, so each bug that Linux had there is worth a test here. This
catalogue lists, for each bug, its number (`known_k62_...` tests K62), what went wrong in Linux, what aseqd does
instead, the tests, and what reports the bug when it is put back on purpose. `scripts/known-bugs` prints this page: it
plants each bug, runs what must report it, and fails if nothing does. A test of the source tree (`known_bugs`) compares
the tests with this page in both directions.

* The numbers are our own and do not change. A gap is a bug outside of the sequencer and timer.
* Commits, CVEs and titles (in quotes) come from public lists. Most of the fixes were not read, so this page only
  summarises what happened inside Linux.
* Many of these bugs are races in Linux. The engine has one thread, so two calls cannot meet in it: tests of races run
  the calls in each order that matters, or from several threads at the session. The threads of the rest of the
  program run under the race sanitizer and the lock validator ([validators](validators.md)).

## How the bugs are planted

A bug that code with one thread can have is planted in a *copy of the engine* (`tests/models/src/planted/edits.rs`). The
engine itself has none of them, in no build. The test of the row runs on the copy, beside an engine without the bug,
and is watched for

* a *panic*;
* a *model difference*: an answer, data, a deadline or a ready file that the engine without the bug does not have.
  That engine answers as Linux does ([conformance](conformance.md));
* the *watchdog*: a pass or write that handles more than 1000 events, or a call that would wait for others for more than
  100 ms;
* the *initialisation check*: bytes that nothing wrote are copied out. The copy fills them with a pattern;
* the *leak check*: a queue or a timer instance is left when all files are closed.

The test must fail on the copy by itself too, except where only the watchdog can see the bug. The calls on the way to the
report are made again and again with fewer of them; \"calls\" is the number that is left.

A race or a bug of locks is planted in a *model* (`tests/models/src/models/`): a small program with the structure of
the kernel's code and none of its text. Its tasks are threads, of which one runs at a time. Schedules from seeds decide
which, so one seed has one trace. A model is watched by lockdep and might_sleep ([validators](validators.md)), by
*watchpoints* (KCSAN's rule: two tasks are at one variable at the same time, one of them writes, and not both accesses
are marked), by a *memory check* (use after free, double free, null pointers, corrupted lists), a leak check, a watchdog
(all tasks wait), and by what must hold at its end. \"Schedules\" is how many ran until the report. Without its bug a
model runs 300 schedules, and nothing is reported.

Times are those of one core, rounded up to 1, 10 or 60 s.
";

/// Prints the page from what was caught. `tests` has all tests of the source tree by row.
#[must_use]
pub fn page(caught: &BTreeMap<u32, Caught>, tests: &BTreeMap<u32, BTreeSet<String>>) -> String {
    let mut text = HEAD.to_owned();
    let planted = ROWS.iter().filter(|row| caught.contains_key(&row.number)).count();
    let rows = ROWS.len();
    let all = rows + NOT_HERE.iter().map(|(_, numbers)| numbers.len()).sum::<usize>();
    text += &format!(
        "\nOf {all} bugs, {rows} concern parts that aseqd has. All {rows} have a test, and {planted} of {rows} are \
         reported when they are planted.\n",
    );
    for section in Section::ALL {
        text += &format!("\n## {}\n\n", section.title());
        text += "| bug | in Linux | here | tests | planted, it is reported by |\n";
        text += "| --- | --- | --- | --- | --- |\n";
        let mut rows: Vec<_> = ROWS.iter().filter(|row| row.section == section).collect();
        rows.sort_by_key(|row| row.number);
        for row in rows {
            let number = row.number;
            let named = tests.get(&number).into_iter().flatten().map(String::as_str);
            let others = OTHER_TESTS.iter().filter(|(of, _)| *of == number).map(|(_, test)| *test);
            let tests: Vec<_> = named.chain(others).map(|test| format!("`{test}`")).collect();
            let caught = caught.get(&number).map_or_else(|| "nothing".to_owned(), describe);
            text += &format!(
                "| {} | {} | {} | {} | {caught} |\n",
                name(number),
                row.linux,
                row.here,
                tests.join(", "),
            );
        }
    }
    text += "\n## Long ways\n\nThese reports need more than 10 calls:\n\n";
    for (number, why) in MORE_CALLS {
        text += &format!("* {}: {why}.\n", name(*number));
    }
    text += "\n## Bugs of parts that aseqd does not have\n\n";
    for (part, numbers) in NOT_HERE {
        let names: Vec<_> = numbers.iter().copied().map(name).collect();
        text += &format!("* {part}: {}.\n", names.join(", "));
    }
    text
}

fn describe(caught: &Caught) -> String {
    let Caught { finding, calls, schedules, .. } = caught;
    let calls = match calls {
        1 => "1 call".to_owned(),
        _ => format!("{calls} calls"),
    };
    let schedules = match schedules {
        Some(1) => ", 1 schedule".to_owned(),
        Some(schedules) => format!(", {schedules} schedules"),
        None => String::new(),
    };
    let (checker, title, time) = (finding.checker, &finding.title, caught.time());
    format!("{checker}: {title}; {calls}{schedules}, {time}")
}
