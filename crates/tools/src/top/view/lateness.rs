//! How late events were.

use super::super::late::{BOUNDS, Lates};
use super::super::model::Model;
use super::super::text::{column, name};
use super::canvas::Canvas;
use crate::monitor::micros;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

/// The columns of a row before its name.
const FIGURES: usize = 46;

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    let look = model.look;
    let lates = &model.lates;
    if lates.all.count == 0 {
        for (line, text) in [
            "no event with a known lateness yet",
            "",
            "Lateness is the time from the instant at which an event was due to the",
            "instant at which it was read here. Events that went through a queue have",
            "one: those of a player or a sequencer program. If their times are ticks, the",
            "queue must have started while this command ran. Events sent at once have none.",
        ]
        .iter()
        .enumerate()
        {
            let style = if line == 0 { Style::new() } else { look.dim() };
            canvas.put(area, 2, line + 1, text, style);
        }
        return;
    }
    let heading = format!(
        "{:<8}{:>9}{:>9}{:>9}{:>9}  {}",
        "port", "events", "median", "99%", "most", "in us, of the last 1024 events"
    );
    canvas.put(area, 1, 0, &heading, look.bold());
    // The classes below take two lines less than there are, or none if that is too much.
    let classes = BOUNDS.len() + 2;
    let height = usize::from(area.height);
    let rows = if height > classes + 4 { height - classes - 1 } else { height.saturating_sub(1) };
    let ports: Vec<_> = lates.ports.iter().collect();
    for (line, (port, of)) in ports.iter().take(rows.saturating_sub(1)).enumerate() {
        let named = model.graph.port(**port).map_or_else(String::new, |it| name(it, look));
        let chosen = model.senders.port == Some(**port);
        row(canvas, area, line + 1, &port.to_string(), of, &named, chosen);
    }
    let end = 1 + ports.len().min(rows.saturating_sub(1));
    let more = ports.len().saturating_sub(rows.saturating_sub(1));
    let all = if more > 0 { format!("and {more} more ports") } else { String::new() };
    row(canvas, area, end, "all", &lates.all, &all, false);
    let (title, shown) = match model.only().and_then(|port| Some((port, lates.ports.get(&port)?))) {
        Some((port, of)) => (format!("events of {port}"), of),
        None => ("all events".to_owned(), &lates.all),
    };
    histogram(canvas, area, end + 2, &title, shown);
}

fn row(
    canvas: &mut Canvas<'_>,
    area: Rect,
    line: usize,
    port: &str,
    of: &Lates,
    named: &str,
    chosen: bool,
) {
    let look = canvas.look;
    let figures = format!(
        "{port:<8}{:>9}{:>9}{:>9}{:>9}  ",
        of.count,
        micros(of.percentile(50)),
        micros(of.percentile(99)),
        micros(of.worst)
    );
    let room = usize::from(area.width).saturating_sub(1 + FIGURES);
    let text = format!("{figures}{}", column(named, room, look));
    let mark = if chosen { ">" } else { " " };
    canvas.put(area, 0, line, mark, look.bold());
    canvas.put(area, 1, line, &text, if chosen { look.bold() } else { Style::new() });
}

/// Draws how many events were in each class of lateness.
fn histogram(canvas: &mut Canvas<'_>, area: Rect, line: usize, title: &str, of: &Lates) {
    let look = canvas.look;
    if line + of.classes.len() >= usize::from(area.height) {
        return;
    }
    canvas.put(area, 1, line, title, look.bold());
    let most = of.classes.iter().copied().max().unwrap_or_default().max(1);
    let room = usize::from(area.width).saturating_sub(24);
    for (class, count) in of.classes.iter().enumerate() {
        let label = match BOUNDS.get(class) {
            Some(bound) => format!("< {}", length(*bound)),
            None => format!(">= {}", length(BOUNDS[BOUNDS.len() - 1])),
        };
        let line = line + 1 + class;
        canvas.put(area, 1, line, &format!("{label:>9} {count:>9}  "), Style::new());
        let eighths = (u128::from(*count) * room as u128 * 8).div_ceil(u128::from(most));
        let eighths = usize::try_from(eighths).unwrap_or_default();
        let bar = format!("{}{}", look.eighths(8).repeat(eighths / 8), look.eighths(eighths % 8));
        let style = if class < 6 { look.fg(Color::Green) } else { look.fg(Color::Yellow) };
        canvas.put(area, 23, line, &bar, style);
    }
}

/// Returns a number of microseconds as a length of time.
fn length(us: i64) -> String {
    if us < 1000 { format!("{us} us") } else { format!("{} ms", us / 1000) }
}
