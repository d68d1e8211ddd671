//! Senders, receivers, and the wires between them.

use super::super::graph::Side;
use super::super::layout::Patchbay;
use super::super::model::Model;
use super::super::text::{column, count, name, short};
use super::canvas::Canvas;
use super::wires::{self, Wire};
use aseqd_client::{Port, PortCaps};
use ratatui::style::{Color, Modifier, Style};

/// The columns of an address and the space behind it.
const ADDRESS: usize = 8;
/// The columns of a rate: `1.2k/s` and a space before it.
const RATE: usize = 7;

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, place: &Patchbay) {
    let look = model.look;
    for (side, noun) in [(Side::Senders, "sender"), (Side::Receivers, "receiver")] {
        let ports = model.graph.side(side, model.system);
        let area = place.list(side);
        let heading = ratatui::layout::Rect { x: area.x, width: area.width, ..place.heading };
        let mut title = count(ports.len(), noun);
        let lines = usize::from(area.height);
        if ports.len() > lines {
            let top = model.pick(side).top;
            title = format!("{title}, {} to {}", top + 1, (top + lines).min(ports.len()));
        }
        canvas.put(heading, 2, 0, &title, look.bold());
        for (line, port) in ports.iter().skip(model.pick(side).top).take(lines).enumerate() {
            port_line(canvas, model, side, area, line, port);
        }
    }
    wires::draw(canvas, place.wires, &wires_of(model));
}

fn port_line(
    canvas: &mut Canvas<'_>,
    model: &Model,
    side: Side,
    area: ratatui::layout::Rect,
    line: usize,
    port: &Port,
) {
    let look = model.look;
    let width = usize::from(area.width);
    let address = port.address;
    let fixed = port.caps.contains(PortCaps::NO_EXPORT) || !port.caps.contains(side.caps());
    let chosen = model.pick(side).port == Some(address);
    let mut style = if fixed { look.dim() } else { Style::new() };
    if model.matches(address) {
        style = look.fg(Color::Yellow).add_modifier(Modifier::UNDERLINED);
    }
    let rate = model.activity.rate(address);
    let rate = match side {
        Side::Senders if rate > 0 => format!("{}/s", short(rate)),
        _ => String::new(),
    };
    let room = width.saturating_sub(2 + ADDRESS + if rate.is_empty() { 0 } else { RATE });
    let mut shown = name(port, look);
    if fixed {
        shown = format!("({shown})");
    }
    let text = format!("{:<ADDRESS$}{}", address.to_string(), column(&shown, room, look));
    let lamp = match side {
        Side::Senders => look.lamp(model.lamp(address)),
        Side::Receivers => " ",
    };
    canvas.put(area, 0, line, lamp, look.fg(Color::Green).add_modifier(Modifier::BOLD));
    canvas.put(area, 2, line, &text, style);
    canvas.put_right(area, line, &rate, look.fg(Color::Green));
    if chosen {
        let style = match model.focus == side {
            true => look.cursor(),
            false => look.bold().add_modifier(Modifier::UNDERLINED),
        };
        canvas.style_line(area, line, style);
        // What is chosen can be told without any attribute.
        let mark = if model.focus == side { ">" } else { "-" };
        canvas.put(area, 1, line, mark, style);
    }
}

/// Returns the connections between ports of the two lists.
fn wires_of(model: &Model) -> Vec<Wire> {
    let (senders, receivers) = (model.list(Side::Senders), model.list(Side::Receivers));
    let line = |side: Side, row: usize| row.cast_signed() - model.pick(side).top.cast_signed();
    let mut wires = Vec::new();
    for connection in &model.graph.connections {
        let from = senders.iter().position(|port| *port == connection.sender);
        let to = receivers.iter().position(|port| *port == connection.dest);
        if let (Some(from), Some(to)) = (from, to) {
            let port = model.pick(model.focus).port;
            wires.push(Wire {
                from: line(Side::Senders, from),
                to: line(Side::Receivers, to),
                chosen: match model.focus {
                    Side::Senders => port == Some(connection.sender),
                    Side::Receivers => port == Some(connection.dest),
                },
            });
        }
    }
    wires.sort_by_key(|wire| wire.from);
    wires
}
