//! What is said at the end of a recording.

use crate::json::json_line;
use crate::mtc::Code;
use aseqd_smf::Division;
use serde_json::json;
use std::fmt;
use std::time::Duration;

/// What was recorded, and what was not.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    /// It is a clip file.
    pub(super) clip: bool,
    /// The tracks of the file.
    pub(super) tracks: usize,
    pub(super) division: Option<Division>,
    /// Events that were recorded.
    pub(super) events: u64,
    /// The last tick.
    pub(super) ticks: u32,
    /// The time from the first to the last event.
    pub(super) length: Duration,
    /// How many times events were lost.
    pub(super) losses: u64,
    /// Real-time messages that were left out.
    pub(super) real_time: u64,
    /// Events that have no MIDI bytes, and packets that belong to a connection.
    pub(super) other: u64,
    /// Events that came while no queue or clock was there to follow.
    pub(super) homeless: u64,
    /// The code at which the file begins, if one was followed.
    pub(super) time_code: Option<Code>,
    /// The queue was gone before it could be asked for its ticks of a quarter note.
    pub(super) queue_gone: bool,
}

impl Summary {
    /// Returns whether everything that was sent is in the file, or was left out on purpose.
    pub(super) fn is_complete(&self) -> bool {
        self.losses == 0 && !self.queue_gone
    }

    /// Returns a line of JSON.
    pub(super) fn json(&self, file: &str) -> String {
        let division = match self.division {
            Some(Division::Frames { per_second, ticks }) => {
                json!({ "frames_per_second": per_second, "ticks_per_frame": ticks })
            }
            Some(Division::Quarter(ticks)) => json!({ "ticks_per_quarter": ticks }),
            None => json!(null),
        };
        let line = json_line(&json!({
            "file": file,
            "format": if self.clip { "clip" } else { "smf" },
            "tracks": self.tracks,
            "division": division,
            "events": self.events,
            "ticks": self.ticks,
            "seconds": self.length.as_secs_f64(),
            "losses": self.losses,
            "left_out": { "real_time": self.real_time, "without_midi_bytes": self.other },
            "without_time": self.homeless,
            "time_code": self.time_code.map(|code| code.to_string()),
            "queue_gone": self.queue_gone,
        }));
        format!("{line}\n")
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.length.as_secs();
        let events = if self.events == 1 { "event" } else { "events" };
        write!(f, "{} {events} in {}:{:02}", self.events, seconds / 60, seconds % 60)?;
        if let Some(code) = self.time_code {
            write!(f, " from {code}")?;
        }
        match self.losses {
            0 => f.write_str(", none lost")?,
            1 => f.write_str("; events were lost once")?,
            times => write!(f, "; events were lost {times} times")?,
        }
        if self.real_time > 0 {
            write!(
                f,
                "; {} real-time messages left out (--real-time records them)",
                self.real_time
            )?;
        }
        if self.other > 0 {
            write!(f, "; {} events left out that are not MIDI messages", self.other)?;
        }
        if self.homeless > 0 {
            write!(
                f,
                "; {} events stand at the wrong time: there was nothing to follow",
                self.homeless
            )?;
        }
        if self.queue_gone {
            f.write_str("; the queue was gone before it could be asked: 480 ticks of a quarter note are a guess")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_missing_is_told() {
        let mut summary =
            Summary { events: 1, length: Duration::from_secs(61), ..Summary::default() };
        assert_eq!(summary.to_string(), "1 event in 1:01, none lost");
        (summary.events, summary.losses) = (2, 1);
        (summary.real_time, summary.other, summary.homeless) = (3, 4, 5);
        assert_eq!(
            summary.to_string(),
            "2 events in 1:01; events were lost once; 3 real-time messages left out (--real-time records them); \
             4 events left out that are not MIDI messages; 5 events stand at the wrong time: there was nothing to follow"
        );
        assert!(!summary.is_complete());
    }
}
