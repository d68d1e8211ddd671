//! Prints the table as text for people and as JSON for programs.

use super::machine::Machine;
use super::row::{Measured, Outcome};
use super::stats::Spread;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Returns the head of the table: version, machine, load, rounds.
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

/// Returns a row as text, with a line for each outcome and a column for each figure.
pub(super) fn row_as_text(row: &Measured) -> String {
    let mut figures: Vec<&str> = Vec::new();
    for (figure, _) in row.outcomes.iter().flat_map(|outcome| &outcome.figures) {
        if !figures.contains(&figure.as_str()) {
            figures.push(figure);
        }
    }
    let mut columns = vec![column("", &row.outcomes, |outcome| {
        format!("{:<6}  {}", outcome.side.name(), outcome.name)
    })];
    columns.extend(figures.into_iter().map(|figure| {
        column(figure, &row.outcomes, |outcome| {
            outcome.spread(figure).map_or_else(String::new, |spread| cell(row, figure, spread))
        })
    }));
    let mut out = format!("\n{} ({})\n", row.title, row.family);
    push_line(&mut out, columns.iter().map(|column| column[0].as_str()));
    for (number, outcome) in (1..).zip(&row.outcomes) {
        let trouble = match &outcome.trouble {
            Some(why) if outcome.figures.is_empty() => format!("not measured: {why}"),
            Some(why) => format!("(not in every round: {why})"),
            None => String::new(),
        };
        let cells = columns.iter().map(|column| column[number].as_str());
        match outcome.figures.is_empty() {
            true => push_line(&mut out, cells.take(1).chain([trouble.as_str()])),
            false => push_line(&mut out, cells.chain([trouble.as_str()])),
        }
    }
    out
}

/// Returns a column, which is a head and a cell for each outcome, padded to one width.
fn column(head: &str, outcomes: &[Outcome], cell: impl FnMut(&Outcome) -> String) -> Vec<String> {
    let mut cells = vec![head.to_owned()];
    cells.extend(outcomes.iter().map(cell));
    let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
    cells.into_iter().map(|cell| format!("{cell:<width$}")).collect()
}

fn push_line<'a>(out: &mut String, cells: impl Iterator<Item = &'a str>) {
    let line = cells.collect::<Vec<_>>().join("  ");
    let _infallible = writeln!(out, "  {}", line.trim_end());
}

fn cell(row: &Measured, figure: &str, spread: Spread) -> String {
    let Spread { median, min, max } = spread;
    let ratio = row.limit(figure).filter(|limit| *limit > 0.0);
    let ratio =
        ratio.map_or_else(String::new, |limit| format!(" x{}", three_digits(median / limit)));
    format!("{} ({}..{}){ratio}", three_digits(median), three_digits(min), three_digits(max))
}

/// Formats a number with about three significant digits.
fn three_digits(value: f64) -> String {
    match value.abs() {
        1e6.. => format!("{:.3}M", value / 1e6),
        1000.0.. => format!("{value:.0}"),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        0.1.. => format!("{value:.2}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.4}"),
    }
}

/// Returns the whole table as JSON.
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
            \x20               p50_us\n\
            \x20 ours    FUSE  30.0 (20.0..40.0) x2.00\n\
            \x20 limit   bare  15.0 (15.0..15.0) x1.00\n\
            \x20 peer    peer  not measured: it is not installed\n";
        assert_eq!(row_as_text(&measured()), expected);
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
        let page = include_str!("../../../docs/output.md");
        let mut values = vec![&value];
        while let Some(value) = values.pop() {
            values.extend(value.as_array().into_iter().flatten());
            // The names of figures are many and end in their units.
            for (field, value) in value.as_object().into_iter().flatten() {
                let documented = field.ends_with("_us") || page.contains(&format!("`{field}`"));
                assert!(documented, "{field} is documented");
                values.push(value);
            }
        }
    }

    #[test]
    fn numbers_have_three_digits_that_count() {
        let texts: Vec<_> = [0.0, 0.0123, 0.123, 9.876, 12.34, 123.4, 12345.6, 1.234e6]
            .into_iter()
            .map(three_digits)
            .collect();
        assert_eq!(texts, ["0", "0.0123", "0.12", "9.88", "12.3", "123", "12346", "1.234M"]);
    }
}
