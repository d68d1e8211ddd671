//! The screen: a pure function of the state.

mod canvas;
mod events;
mod help;
mod lateness;
mod patchbay;
mod roll;
mod wires;

use super::graph::Side;
use super::layout::{Layout, MINIMUM, Tab};
use super::model::Model;
use super::text::{clean, count, name};
use canvas::Canvas;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

/// Draws the state, and returns where the cursor is, if it is shown.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) -> Option<(u16, u16)> {
    let screen = buffer.area;
    let look = model.look;
    let mut canvas = Canvas { buffer, look };
    let (columns, lines) = MINIMUM;
    if screen.width < columns || screen.height < lines {
        let text = format!("aseqd top needs {columns} columns and {lines} lines; q quits");
        canvas.put(screen, 0, 0, &text, Style::new());
        return None;
    }
    let layout = Layout::of((screen.width, screen.height), model.tab);
    top(&mut canvas, model, &layout);
    if let Some(line) = model.help {
        let area = Rect::new(0, 1, screen.width, screen.height.saturating_sub(2));
        help::draw(&mut canvas, area, line);
        canvas.put(layout.hints, 1, 0, "Up/Down scroll  Esc back  q quit", look.dim());
        return None;
    }
    if let Some(patchbay) = &layout.patchbay {
        patchbay::draw(&mut canvas, model, patchbay);
    }
    if let Some(area) = layout.events {
        events::draw(&mut canvas, model, area);
    }
    if let Some(area) = layout.roll {
        roll::draw(&mut canvas, model, area);
    }
    if let Some(area) = layout.lateness {
        lateness::draw(&mut canvas, model, area);
    }
    let status = status(model);
    canvas.put(layout.status, 1, 0, &status, look.bold());
    if model.search.typing {
        let text = format!("/{}", clean(&model.search.text, look));
        let end = canvas.put(layout.hints, 0, 0, &text, Style::new());
        let column = u16::try_from(end).unwrap_or(u16::MAX).min(screen.width - 1);
        return Some((column, layout.hints.y));
    }
    canvas.put(layout.hints, 1, 0, hints(model.tab), look.dim());
    None
}

/// Draws the titles of the pages, and what holds for all of them.
fn top(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let look = model.look;
    canvas.style_line(layout.top, 0, look.bold());
    for (tab, place) in layout.titles() {
        let style =
            if tab == model.tab && model.help.is_none() { look.cursor() } else { look.bold() };
        canvas.put(place, 0, 0, tab.title(), style);
    }
    let mut notes = Vec::new();
    if model.log.lost > 0 {
        notes.push(format!("events lost {}", count_times(model.log.lost)));
    }
    if model.paused {
        notes.push("paused".to_owned());
    }
    let loud = !notes.is_empty();
    notes.push("? help".to_owned());
    let style = if loud { look.fg(Color::Yellow).add_modifier(Modifier::BOLD) } else { look.dim() };
    canvas.put_right(layout.top, 0, &format!(" {} ", notes.join("  ")), style);
}

fn count_times(times: u64) -> String {
    count(usize::try_from(times).unwrap_or(usize::MAX), "time")
}

/// Returns what has happened, or what is chosen.
fn status(model: &Model) -> String {
    if let Some(message) = &model.message {
        return message.clone();
    }
    if model.graph.ports.is_empty() {
        return "no program has a port yet".to_owned();
    }
    let told = |side: Side| {
        let port = model.graph.port(model.pick(side).port?)?;
        Some((port.address, format!("{} {}", port.address, name(port, model.look))))
    };
    match (told(Side::Senders), told(Side::Receivers)) {
        (Some((sender, from)), _) if model.tab != Tab::Patchbay => {
            match model.unwatched.get(&sender) {
                Some(why) => format!("{from}: not watched: {why}"),
                None if model.only => format!("{from}: only its events are shown; o shows all"),
                None => format!("{from}: {} events", model.activity.total(sender)),
            }
        }
        (Some((sender, from)), Some((dest, to))) => {
            let is = match model.graph.connection(sender, dest) {
                Some(_) => "connected",
                None => "not connected",
            };
            format!("{is}: {from} {} {to}", model.look.arrow())
        }
        (Some((_, only)), None) => format!("{only}: nothing receives"),
        (None, Some((_, only))) => format!("{only}: nothing sends"),
        (None, None) => "no port can be connected".to_owned(),
    }
}

const fn hints(tab: Tab) -> &'static str {
    match tab {
        Tab::Patchbay => {
            "Enter connect/cut  u undo  X cut all  Tab side  / search  w watch  q quit"
        }
        Tab::Events => "Up/Down scroll  End newest  o only one sender  p pause  c clear  q quit",
        Tab::Roll => "Up/Down sender  o only one sender  p pause  c clear  q quit",
        Tab::Lateness => "Up/Down sender  o only one sender  c clear  q quit",
    }
}

#[cfg(test)]
mod tests;
