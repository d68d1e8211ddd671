//! The list of the last events.

use super::super::model::Model;
use super::super::text::{column, name};
use super::canvas::Canvas;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

/// From this many columns on, the names of senders are shown beside their addresses.
const WIDE: u16 = 100;
/// The columns of the time: seconds and three digits behind the point.
const TIME: usize = 11;

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    let look = model.look;
    let names = if area.width >= WIDE { 24 } else { 0 };
    let mut heading = format!("{:>TIME$}  {:<8} ", "time", "source");
    heading.push_str(&column(if names > 0 { "name" } else { "" }, names, look));
    if names > 0 {
        heading.push(' ');
    }
    heading.push_str("event             ch  data");
    canvas.put(area, 0, 0, &heading, look.bold());
    let note = match model.back {
        0 => format!("{} in all ", model.log.total),
        back => format!("{back} newer ones below "),
    };
    canvas.put_right(area, 0, &note, look.dim());
    let lines = usize::from(area.height).saturating_sub(1);
    let mut shown: Vec<_> = model.log.newest(model.only()).skip(model.back).take(lines).collect();
    shown.reverse();
    if shown.is_empty() {
        let text = "no event yet: those that watched ports send to their subscribers are shown";
        canvas.put(area, 2, 2, text, look.dim());
    }
    for (line, entry) in shown.into_iter().enumerate() {
        let line = line + 1;
        let time = format!("{:>TIME$.3}", entry.at.as_secs_f64());
        let end = canvas.put(area, 0, line, &time, look.dim());
        let source = format!("{:<8}", entry.source().to_string());
        let mut end = canvas.put(area, end + 2, line, &source, look.fg(Color::Cyan)) + 1;
        if names > 0 {
            let port = model.graph.port(entry.source());
            let named = port.map_or_else(String::new, |port| name(port, look));
            end = canvas.put(area, end, line, &column(&named, names, look), Style::new()) + 1;
        }
        let channel = entry.event.data.note().channel;
        let style = match entry.event.event_type.is_channel() {
            true => look.channel(channel),
            false => Style::new(),
        };
        let mut text = entry.text();
        if let Some(late) = entry.late {
            text.push_str(&format!("  {:+} us", crate::monitor::micros(late)));
        }
        canvas.put(area, end, line, &text, style);
    }
}
