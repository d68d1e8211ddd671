//! The piano roll: time from left to right, keys from bottom to top.

use super::super::model::Model;
use super::super::roll::{Bar, COLUMN};
use super::canvas::Canvas;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

/// The columns of the names of keys.
const NAMES: usize = 5;
/// At least so many keys are shown, if there is room.
const MIN_KEYS: u8 = 24;

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    let look = model.look;
    let columns = usize::from(area.width).saturating_sub(NAMES);
    let lines = usize::from(area.height).saturating_sub(1);
    let seconds = columns as f64 * COLUMN.as_secs_f64();
    let heading = format!("the last {seconds:.0} s; each channel has its digit, 0 to F");
    canvas.put(area, 0, 0, &heading, look.bold());
    if lines == 0 || columns == 0 {
        return;
    }
    let clock = model.roll.clock();
    let now = steps(clock);
    let first = (now + 1).saturating_sub(columns);
    let seen = |bar: &&Bar| {
        bar.end.is_none_or(|end| steps(end) >= first)
            && model.only().is_none_or(|port| port == bar.source)
    };
    let bars: Vec<_> = model.roll.bars.iter().filter(seen).collect();
    let Some(scale) = Scale::of(&bars, lines) else {
        canvas.put(area, 2, 2, "no note in this time", look.dim());
        return;
    };
    let grid =
        Rect { x: area.x + 5, y: area.y + 1, width: area.width - 5, height: area.height - 1 };
    let names = Rect { y: area.y + 1, height: area.height - 1, ..area };
    for line in 0..lines {
        let low = scale.key(line);
        // Each C, and the lowest line.
        if let Some(c) =
            (low..low.saturating_add(scale.keys)).find(|key| key % 12 == 0 && *key < 128)
        {
            let label = format!("C{}", i32::from(c / 12) - 1);
            canvas.put(names, 0, line, &label, look.dim());
            for column in 0..columns {
                canvas.put(grid, column, line, if look.utf8 { "\u{b7}" } else { "." }, look.dim());
            }
        }
    }
    for at in model.roll.breaks.iter().map(|at| steps(*at)).filter(|at| *at >= first) {
        for line in 0..lines {
            canvas.put(
                grid,
                at - first,
                line,
                if look.utf8 { "\u{2506}" } else { ":" },
                look.dim(),
            );
        }
    }
    for bar in bars {
        let line = scale.line(bar.key);
        let start = steps(bar.start).max(first);
        let end = bar.end.map_or(now, steps).max(start);
        let mut style = look.channel(bar.channel);
        if bar.end.is_none() {
            style = style.add_modifier(Modifier::BOLD);
        }
        let digit = format!("{:X}", bar.channel & 15);
        for step in start..=end {
            let onset = step == steps(bar.start);
            let text = match (onset, look.utf8) {
                (true, _) => digit.as_str(),
                (false, true) => "\u{2501}",
                (false, false) => "=",
            };
            canvas.put(grid, step - first, line, text, style);
        }
    }
}

fn steps(time: std::time::Duration) -> usize {
    usize::try_from(time.as_millis() / COLUMN.as_millis()).unwrap_or(usize::MAX)
}

/// Which keys a line stands for.
#[derive(Debug, PartialEq, Eq)]
struct Scale {
    /// The lowest key of the lowest line.
    lowest: u8,
    /// Keys of each line.
    keys: u8,
    lines: usize,
}

impl Scale {
    /// Returns the scale that shows all these notes, and keys around them. Without a note there is none.
    fn of(bars: &[&Bar], lines: usize) -> Option<Self> {
        let low = bars.iter().map(|bar| bar.key).min()?.min(127);
        let high = bars.iter().map(|bar| bar.key).max()?.min(127);
        let room = u8::try_from(lines.min(128)).unwrap_or(128);
        let span = (high - low + 1).max(MIN_KEYS.min(room));
        let keys = span.div_ceil(room);
        // From an octave's C on, if that leaves room for the highest.
        let c = low - low % 12;
        let fits =
            |lowest: u8| u16::from(high) < u16::from(lowest) + u16::from(keys) * u16::from(room);
        let lowest = if fits(c) { c } else { low };
        Some(Self { lowest, keys, lines })
    }

    /// Returns the lowest key of a line.
    fn key(&self, line: usize) -> u8 {
        let above = u8::try_from(self.lines - 1 - line).unwrap_or(127);
        self.lowest.saturating_add(above.saturating_mul(self.keys))
    }

    /// Returns the line of a key.
    fn line(&self, key: u8) -> usize {
        let above = usize::from(key.saturating_sub(self.lowest) / self.keys);
        (self.lines - 1).saturating_sub(above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::Address;
    use std::time::Duration;

    #[test]
    fn every_note_has_a_line_of_its_own_keys() {
        for lines in 1..140 {
            for (low, high) in [(0, 127), (60, 60), (0, 0), (127, 127), (21, 108), (59, 61)] {
                let bar = |key| Bar {
                    source: Address::new(0, 0),
                    channel: 0,
                    key,
                    start: Duration::ZERO,
                    end: None,
                };
                let (low, high) = (bar(low), bar(high));
                let scale = Scale::of(&[&low, &high], lines).expect("notes");
                for key in low.key..=high.key {
                    let line = scale.line(key);
                    assert!(line < lines, "{scale:?}");
                    let first = scale.key(line);
                    assert!(
                        (first..first.saturating_add(scale.keys)).contains(&key),
                        "{scale:?} {key}"
                    );
                }
            }
        }
        assert_eq!(Scale::of(&[], 9), None);
    }
}
