//! The table: for people as text, for programs as JSON.

use super::machine::Machine;
use super::row::{Measured, Outcome};
use super::stats::Spread;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The head of the text.
pub(super) fn head(machine: &Machine, rounds: usize) -> String {
    let Machine { cpu, cpus, kernel, load, virtual_machine, root } = machine;
    let kind = if *virtual_machine { "virtual machine" } else { "machine" };
    let user = if *root { "root" } else { "an ordinary user" };
    let [one, five, fifteen] = load;
    format!(
        "aseqd {version} on a {kind} with {cpus} CPUs, {cpu}\n\
         Linux {kernel}; load {one:.2} {five:.2} {fifteen:.2}; run by {user}\n\
         Medians of {rounds} interleaved rounds (least to most); x is the ratio to the row's first limit.\n",
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// One row as text.
pub(super) fn text(row: &Measured) -> String {
    let mut out = format!("\n{} ({})\n", row.title, row.family);
    let names = row.outcomes.iter().map(|outcome| outcome.name.chars().count());
    let width = names.max().unwrap_or(0);
    for outcome in &row.outcomes {
        let _infallible = write!(out, "  {:<6}  {:<width$}", outcome.side.name(), outcome.name);
        for (figure, _) in &outcome.figures {
            if let Some(spread) = outcome.spread(figure) {
                out.push_str("  ");
                out.push_str(&figure_text(row, figure, spread));
            }
        }
        match &outcome.trouble {
            Some(why) if outcome.figures.is_empty() => {
                let _infallible = write!(out, "  not measured: {why}");
            }
            Some(why) => {
                let _infallible = write!(out, "  (not in every round: {why})");
            }
            None => {}
        }
        out.push('\n');
    }
    out
}

fn figure_text(row: &Measured, figure: &str, spread: Spread) -> String {
    let Spread { median, min, max } = spread;
    let ratio = row.limit(figure).filter(|limit| *limit > 0.0);
    let ratio = ratio.map_or_else(String::new, |limit| format!(" x{}", number(median / limit)));
    format!("{figure} {} ({}..{}){ratio}", number(median), number(min), number(max))
}

/// Three digits that count.
fn number(value: f64) -> String {
    match value.abs() {
        1e6.. => format!("{:.3}M", value / 1e6),
        1000.0.. => format!("{value:.0}"),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.2}"),
    }
}

/// Everything as JSON.
pub(super) fn json(machine: &Machine, rounds: usize, rows: &[Measured]) -> Value {
    let Machine { cpu, cpus, kernel, load, virtual_machine, root } = machine;
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "machine": {
            "cpu": cpu,
            "cpus": cpus,
            "kernel": kernel,
            "load": load,
            "virtual_machine": virtual_machine,
            "root": root,
        },
        "rounds": rounds,
        "rows": rows.iter().map(|row| json!({
            "row": row.family,
            "title": row.title,
            "lines": row.outcomes.iter().map(|outcome| line(row, outcome)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

fn line(row: &Measured, outcome: &Outcome) -> Value {
    let figure = |(name, values): &(String, Vec<f64>)| {
        let Spread { median, min, max } = Spread::of(values)?;
        let limit = row.limit(name).filter(|limit| *limit > 0.0);
        let ratio = limit.map(|limit| median / limit);
        let value = json!({
            "median": median,
            "min": min,
            "max": max,
            "ratio_to_limit": ratio,
            "rounds": values,
        });
        Some((name.clone(), value))
    };
    let figures: Map<String, Value> = outcome.figures.iter().filter_map(figure).collect();
    json!({
        "name": outcome.name,
        "side": outcome.side.name(),
        "figures": figures,
        "not_measured": outcome.trouble,
    })
}

#[cfg(test)]
mod tests {
    use super::super::row::Side;
    use super::*;

    fn measured() -> Measured {
        let outcome = |name: &str, side, figures| Outcome {
            name: name.to_owned(),
            side,
            figures,
            trouble: None,
        };
        let ours = vec![("p50_us".to_owned(), vec![30.0, 20.0, 40.0])];
        let limit = vec![("p50_us".to_owned(), vec![15.0])];
        let mut peer = outcome("peer", Side::Peer, Vec::new());
        peer.trouble = Some("it is not installed".to_owned());
        Measured {
            family: "latency",
            title: "a row".to_owned(),
            outcomes: vec![
                outcome("FUSE", Side::Ours, ours),
                outcome("bare", Side::Limit, limit),
                peer,
            ],
        }
    }

    #[test]
    fn a_row_is_lines_with_medians_spreads_and_ratios() {
        let expected = "\na row (latency)\n\
            \x20 ours    FUSE  p50_us 30.0 (20.0..40.0) x2.00\n\
            \x20 limit   bare  p50_us 15.0 (15.0..15.0) x1.00\n\
            \x20 peer    peer  not measured: it is not installed\n";
        assert_eq!(text(&measured()), expected);
    }

    #[test]
    fn the_same_is_in_the_json() {
        let machine = Machine::here();
        let value = json(&machine, 3, &[measured()]);
        let figure = &value["rows"][0]["lines"][0]["figures"]["p50_us"];
        assert_eq!(figure["median"], 30.0);
        assert_eq!(figure["ratio_to_limit"], 2.0);
        assert_eq!(value["rows"][0]["lines"][2]["not_measured"], "it is not installed");
        assert_eq!(value["rounds"], 3);
    }

    #[test]
    fn numbers_have_three_digits_that_count() {
        let texts: Vec<_> =
            [0.0, 0.123, 9.876, 12.34, 123.4, 12345.6, 1.234e6].into_iter().map(number).collect();
        assert_eq!(texts, ["0", "0.12", "9.88", "12.3", "123", "12346", "1.234M"]);
    }
}
