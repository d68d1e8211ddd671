//! The table in docs/validators.md.

use std::path::Path;
use std::{fs, io};

const DOCUMENT: &str = "docs/validators.md";
const BEGIN: &str = "<!-- scripts/kcsan-table -->\n";
const END: &str = "<!-- end of scripts/kcsan-table -->\n";

/// The rows of the published table, each with its cells. The first row has the titles.
pub(crate) struct Table(Vec<Vec<String>>);

/// Reads the published table.
pub(crate) fn read(root: &Path) -> io::Result<Table> {
    let text = fs::read_to_string(root.join(DOCUMENT))?;
    let (_, table, _) = split(&text)?;
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect();
    Ok(Table(table.lines().filter(|line| line.starts_with('|')).map(cells).collect()))
}

/// Puts another table in the place of the published one.
pub(crate) fn replace(root: &Path, table: &str) -> io::Result<()> {
    let path = root.join(DOCUMENT);
    let text = fs::read_to_string(&path)?;
    let (before, _, after) = split(&text)?;
    fs::write(&path, format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

fn split(text: &str) -> io::Result<(&str, &str, &str)> {
    let split = || {
        let (before, rest) = text.split_once(BEGIN)?;
        let (table, after) = rest.split_once(END)?;
        Some((before, table, after))
    };
    split().ok_or_else(|| io::Error::other(format!("{DOCUMENT} has no place for the table")))
}

impl Table {
    /// Returns the cell in the column of a tool and the row of a race; empty if there is none.
    pub(crate) fn cell(&self, tool: &str, race: &str) -> &str {
        let column = self.0.first().and_then(|titles| titles.iter().position(|cell| cell == tool));
        let row = self.0.iter().find(|row| row.get(1).is_some_and(|cell| cell == race));
        column.zip(row).and_then(|(column, row)| row.get(column)).map_or("", String::as_str)
    }
}
