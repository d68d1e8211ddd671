//! One file, until it ends or a key goes elsewhere.

use super::keys::{Key, Spot};
use super::passage::{Manner, Passage};
use super::player::{Ended, Player};
use super::song::Song;
use super::terminal::Terminal;
use aseqd_host::error::{Context as _, Fail};
use aseqd_smf::Findings;
use std::time::Duration;

/// How far a key goes back and forward.
const STEP: Duration = Duration::from_secs(5);

/// What comes after a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It is over: the next one, after the delay.
    Next,
    /// The next one, at once.
    Skip,
    /// The one before.
    Previous,
    /// This one, counted from 0.
    Song(u8),
    /// Nothing.
    Quit,
    /// Nothing: this signal has come.
    Interrupted(i32),
}

/// What is known of a file that was played.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) then: Then,
    pub(super) findings: Findings,
    /// Notes that were left out, since there are no such keys.
    pub(super) beyond: u64,
}

/// Plays a song.
///
/// # Errors
/// A message if no port is left to play to, or the sequencer has ended.
pub(super) fn play(
    player: &mut Player,
    terminal: &mut Terminal,
    song: &Song,
    mut manner: Manner,
) -> Result<Played, Fail> {
    loop {
        let mut passage = Passage::new(song.clone(), manner);
        let ended = player.play(&mut passage, Some(terminal))?;
        let then = match ended {
            Ended::Played => Then::Next,
            Ended::Interrupted(signal) => Then::Interrupted(signal),
            Ended::Key(key, tick) => {
                player.silence()?;
                let turned = turn(terminal, player, song, key, tick, manner)?;
                match turned {
                    Turn::To(tick) => {
                        manner.start = Some(tick);
                        continue;
                    }
                    Turn::Then(then) => then,
                }
            }
        };
        return Ok(Played { then, findings: passage.findings(), beyond: passage.beyond() });
    }
}

/// What a key leads to.
enum Turn {
    /// The song goes on at a tick.
    To(u32),
    Then(Then),
}

/// Does what a key asks for, at a tick of the song. After a pause, that is what the next key asks for.
fn turn(
    terminal: &mut Terminal,
    player: &mut Player,
    song: &Song,
    mut key: Key,
    mut tick: u32,
    manner: Manner,
) -> Result<Turn, Fail> {
    let mut paused = false;
    loop {
        match key {
            Key::Pause if paused => return Ok(Turn::To(tick)),
            Key::Go if paused => return Ok(Turn::To(tick)),
            Key::Pause | Key::Stop => {
                if !paused {
                    player.tell_transport(None);
                }
                paused = true;
            }
            Key::Start => return Ok(Turn::To(manner.from)),
            Key::Seek(spot) => {
                tick = place(terminal, song, spot, tick, manner);
                if !paused {
                    return Ok(Turn::To(tick));
                }
            }
            Key::Song(number) => return Ok(Turn::Then(Then::Song(number))),
            Key::Back | Key::Forward => {
                tick = step(terminal, key, tick, manner);
                if !paused {
                    return Ok(Turn::To(tick));
                }
            }
            Key::Next => return Ok(Turn::Then(Then::Skip)),
            Key::Previous => return Ok(Turn::Then(Then::Previous)),
            Key::Quit => return Ok(Turn::Then(Then::Quit)),
            // The speed is changed while it plays.
            Key::Faster | Key::Slower | Key::Go => {}
        }
        if terminal.interval().is_some() {
            let state = format!("paused {}", player.state());
            terminal.progress(tick, Duration::ZERO, state.trim_end());
        }
        player.tell(terminal, "paused", tick);
        key = loop {
            if let Some(signal) = terminal.signal().context("signals cannot be received")? {
                return Ok(Turn::Then(Then::Interrupted(signal)));
            }
            if let Some(key) = player.asked().or_else(|| terminal.key()) {
                break key;
            }
            terminal.wait_for_key(player.client())?;
            player.hear()?;
            if player.must_tell() {
                player.tell(terminal, "paused", tick);
            }
        };
    }
}

/// Returns the tick of a place that was asked for, within the passage; the present one if the song has no such place.
fn place(terminal: &mut Terminal, song: &Song, spot: Spot, tick: u32, manner: Manner) -> u32 {
    let Some(timeline) = terminal.whole_timeline() else { return tick };
    let end = manner.to.unwrap_or(u32::MAX).min(timeline.end()).max(manner.from);
    let wanted = match spot {
        Spot::Time(time) => timeline.tick_at(time),
        Spot::Sixteenths(_) if !song.has_tempo() => return tick,
        Spot::Sixteenths(count) => {
            let ticks = u64::from(count) * u64::from(song.timing().ppq.unsigned_abs()) / 4;
            u32::try_from(ticks).unwrap_or(u32::MAX)
        }
    };
    wanted.clamp(manner.from, end)
}

/// Returns the tick that is some seconds before or after another one, within the passage.
fn step(terminal: &mut Terminal, key: Key, tick: u32, manner: Manner) -> u32 {
    let Some(timeline) = terminal.whole_timeline() else { return tick };
    let time = timeline.time_of(tick);
    let time = match key {
        Key::Back => time.saturating_sub(STEP),
        _ => time + STEP,
    };
    let end = manner.to.unwrap_or(u32::MAX).min(timeline.end());
    timeline.tick_at(time).clamp(manner.from, end.max(manner.from))
}
