//! Start-up: `aseqd run -- true` beside `true`.

use super::program;
use super::row::{Line, Row, Side, Subject};
use super::setup::Setup;
use super::stats::quantile;
use aseqd_host::error::Fail;
use std::ffi::OsString;
use std::process::Command;
use std::time::Instant;

/// Starts in a round; their median counts.
const STARTS: usize = 5;

/// Returns the row.
pub(super) fn row(setup: &Setup) -> Row {
    let mut subjects = Vec::new();
    for entrance in setup.entrances.iter().filter(|entrance| entrance.door.has_server()) {
        let name = format!("aseqd run -- true, {}", entrance.door.name);
        subjects
            .push(entrance.subject(name, |door| median_time(|| door.start(&[], words(&["true"])))));
    }
    subjects.push(Subject::new(Side::Limit, "true", || {
        median_time(|| program::command(words(&["true"]), false))
    }));
    let unshare = "unshare --map-root-user --mount true";
    subjects.push(match program::installed("unshare") {
        false => Subject::missing(Side::Peer, unshare, "unshare is not installed (util-linux)"),
        true => Subject::new(Side::Peer, unshare, || {
            // An ordinary user needs the user namespace for the mount namespace.
            let own = ["unshare", "--map-root-user", "--mount", "true"];
            median_time(|| program::command(words(&own), false))
        }),
    });
    Row { family: "startup", title: "start-up".to_owned(), subjects }
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// Returns the median time of a command, in ms.
fn median_time(command: impl Fn() -> Result<Command, Fail>) -> Result<Vec<Line>, Fail> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let mut command = command()?;
        let start = Instant::now();
        program::output(&mut command)?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_unstable_by(f64::total_cmp);
    Ok(Line::only(vec![("ms".to_owned(), quantile(&times, 0.5))]))
}
