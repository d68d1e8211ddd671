//! Tempos and divisions as they are written on the command line.

use crate::time_signature::tempo_us;
use aseqd_smf::Division;
use std::str::FromStr;

/// Numbers of queues are below this, as in the kernel (`SNDRV_SEQ_MAX_QUEUES`).
pub(super) const MAX_QUEUES: u8 = 32;

/// Where the tempo comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tempo {
    /// The microseconds of a quarter note.
    Fixed(u32),
    /// A queue of another program: this one, or the one that the first event comes through.
    Queue(Option<u8>),
    /// The MIDI clock that one of the ports sends.
    Clock,
}

impl FromStr for Tempo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = "a tempo is quarter notes a minute (4 to 6000), `queue`, `queue:N` or `clock`";
        match text.split_once(':') {
            None if text == "queue" => return Ok(Self::Queue(None)),
            None if text == "clock" => return Ok(Self::Clock),
            Some(("queue", number)) => {
                let queue: u8 = number.parse().map_err(|_| wrong)?;
                if queue >= MAX_QUEUES {
                    return Err(format!("queues have numbers from 0 to {}", MAX_QUEUES - 1));
                }
                return Ok(Self::Queue(Some(queue)));
            }
            _ => {}
        }
        tempo_us(text).map(Self::Fixed).ok_or_else(|| wrong.to_owned())
    }
}

/// Parses a division: ticks of a quarter note, or `FRAMESxTICKS`.
pub(super) fn division(text: &str) -> Result<Division, String> {
    let wrong = "it is ticks of a quarter note (1 to 32767), or frames a second and ticks of a frame, such as 25x40";
    let parsed = match text.split_once('x') {
        None => {
            text.parse().ok().filter(|ticks| (1..=0x7fff).contains(ticks)).map(Division::Quarter)
        }
        Some((frames, ticks)) => {
            let per_second =
                frames.parse().ok().filter(|frames| matches!(frames, 24 | 25 | 29 | 30));
            let ticks = ticks.parse().ok().filter(|ticks| *ticks > 0);
            per_second.zip(ticks).map(|(per_second, ticks)| Division::Frames { per_second, ticks })
        }
    };
    parsed.ok_or_else(|| wrong.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tempos_are_numbers_or_what_is_followed() {
        assert_eq!("120".parse(), Ok(Tempo::Fixed(500_000)));
        assert_eq!("90.5".parse(), Ok(Tempo::Fixed(662_983)));
        assert_eq!("queue".parse(), Ok(Tempo::Queue(None)));
        assert_eq!("queue:3".parse(), Ok(Tempo::Queue(Some(3))));
        assert_eq!("clock".parse(), Ok(Tempo::Clock));
        let beyond: Result<Tempo, _> = "queue:32".parse();
        assert_eq!(beyond, Err("queues have numbers from 0 to 31".to_owned()));
        for wrong in ["", "0", "3.9", "6001", "nan", "inf", "-120", "queue:", "queue:x", "clock:1"]
        {
            assert!(wrong.parse::<Tempo>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn divisions_are_of_quarter_notes_or_of_frames() {
        assert_eq!(division("480"), Ok(Division::Quarter(480)));
        assert_eq!(division("25x40"), Ok(Division::Frames { per_second: 25, ticks: 40 }));
        for wrong in ["0", "32768", "26x40", "25x0", "25x256", "x", "q"] {
            assert!(division(wrong).is_err(), "{wrong}");
        }
    }
}
