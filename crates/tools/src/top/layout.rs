//! Where things are on the screen.

use super::graph::Side;
use ratatui::layout::{Position, Rect};

/// The pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tab {
    #[default]
    Patchbay,
    Events,
    Roll,
    Lateness,
}

impl Tab {
    pub(super) const ALL: [Self; 4] = [Self::Patchbay, Self::Events, Self::Roll, Self::Lateness];

    /// Returns the number and the name of the page.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Patchbay => " 1 Patchbay ",
            Self::Events => " 2 Events ",
            Self::Roll => " 3 Piano roll ",
            Self::Lateness => " 4 Lateness ",
        }
    }
}

/// The screen below these columns and lines shows nothing but a request for more.
pub(super) const MINIMUM: (u16, u16) = (40, 8);
/// From this many lines on, the patchbay has events and notes below it.
const TALL: u16 = 36;
/// From this many columns on, these are side by side.
const WIDE: u16 = 100;

/// The parts of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The line of the pages' titles.
    pub(super) top: Rect,
    pub(super) patchbay: Option<Patchbay>,
    pub(super) events: Option<Rect>,
    pub(super) roll: Option<Rect>,
    pub(super) lateness: Option<Rect>,
    /// The line that says what is chosen, or what has happened.
    pub(super) status: Rect,
    /// The line of keys, or of what is searched for.
    pub(super) hints: Rect,
}

/// The parts of the patchbay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Patchbay {
    /// The line of headings.
    pub(super) heading: Rect,
    pub(super) senders: Rect,
    pub(super) wires: Rect,
    pub(super) receivers: Rect,
}

impl Patchbay {
    fn of(area: Rect) -> Self {
        let heading = Rect { height: area.height.min(1), ..area };
        let lists = lower(area, 1);
        let wires = (area.width / 6).clamp(6, 24).min(area.width);
        let side = (area.width - wires) / 2;
        let senders = Rect { width: side, ..lists };
        let wires = Rect { x: senders.right(), width: area.width - 2 * side, ..lists };
        let receivers = Rect { x: wires.right(), width: side, ..lists };
        Self { heading, senders, wires, receivers }
    }

    /// Returns the list of a side.
    pub(super) const fn list(&self, side: Side) -> Rect {
        match side {
            Side::Senders => self.senders,
            Side::Receivers => self.receivers,
        }
    }
}

/// Returns what is left of an area without its first lines.
fn lower(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}

impl Layout {
    /// Divides a screen.
    pub(super) fn of((width, height): (u16, u16), tab: Tab) -> Self {
        let screen = Rect::new(0, 0, width, height);
        let line = |y: u16| Rect { y: y.min(height), height: u16::from(y < height), ..screen };
        let body = Rect { y: 1.min(height), height: height.saturating_sub(3), ..screen };
        let mut layout = Self {
            top: line(0),
            patchbay: None,
            events: None,
            roll: None,
            lateness: None,
            status: line(height.saturating_sub(2)),
            hints: line(height.saturating_sub(1)),
        };
        match tab {
            Tab::Events => layout.events = Some(body),
            Tab::Roll => layout.roll = Some(body),
            Tab::Lateness => layout.lateness = Some(body),
            Tab::Patchbay if height < TALL => layout.patchbay = Some(Patchbay::of(body)),
            Tab::Patchbay => {
                let upper = Rect { height: body.height / 2, ..body };
                let below = lower(body, upper.height);
                layout.patchbay = Some(Patchbay::of(upper));
                if width < WIDE {
                    layout.events = Some(below);
                } else {
                    let events = Rect { width: below.width / 2, ..below };
                    // A column between them.
                    let left = events.right() + 1;
                    layout.events = Some(events);
                    layout.roll = Some(Rect { x: left, width: below.right() - left, ..below });
                }
            }
        }
        layout
    }

    /// Returns each page with the place of its title.
    pub(super) fn titles(&self) -> Vec<(Tab, Rect)> {
        let mut x = self.top.x;
        let place = |tab: &Tab| {
            let width = u16::try_from(tab.title().len()).unwrap_or(u16::MAX);
            let title = Rect { x, width, ..self.top };
            x = x.saturating_add(width);
            (*tab, title.intersection(self.top))
        };
        Tab::ALL.iter().map(place).collect()
    }

    /// Returns the page whose title is at a place.
    pub(super) fn title_at(&self, at: Position) -> Option<Tab> {
        let titles = self.titles();
        titles.into_iter().find(|(_, title)| title.contains(at)).map(|(tab, _)| tab)
    }

    /// Returns the side of the patchbay at a place, and the line of its list.
    pub(super) fn list_at(&self, at: Position) -> Option<(Side, usize)> {
        let patchbay = self.patchbay.as_ref()?;
        [Side::Senders, Side::Receivers].into_iter().find_map(|side| {
            let list = patchbay.list(side);
            list.contains(at).then(|| (side, usize::from(at.y - list.y)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_are_on_the_screen_whatever_its_size() {
        for width in 0..130 {
            for height in 0..50 {
                let screen = Rect::new(0, 0, width, height);
                for tab in Tab::ALL {
                    let layout = Layout::of((width, height), tab);
                    let mut parts = vec![layout.top, layout.status, layout.hints];
                    parts.extend([layout.events, layout.roll, layout.lateness].iter().flatten());
                    if let Some(patchbay) = &layout.patchbay {
                        parts.extend([patchbay.heading, patchbay.senders, patchbay.wires]);
                        parts.push(patchbay.receivers);
                    }
                    for part in parts {
                        assert_eq!(part.intersection(screen).area(), part.area(), "{layout:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_place_belongs_to_a_title_or_to_a_list() {
        let layout = Layout::of((80, 24), Tab::Patchbay);
        assert_eq!(layout.title_at(Position::new(15, 0)), Some(Tab::Events));
        assert_eq!(layout.title_at(Position::new(15, 1)), None);
        assert_eq!(layout.list_at(Position::new(0, 2)), Some((Side::Senders, 0)));
        assert_eq!(layout.list_at(Position::new(79, 4)), Some((Side::Receivers, 2)));
        assert_eq!(layout.list_at(Position::new(40, 4)), None, "between them");
        assert_eq!(layout.list_at(Position::new(0, 23)), None);
    }
}
