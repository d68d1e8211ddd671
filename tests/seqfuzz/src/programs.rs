//! Programs from files, in our syntax or in syzkaller's.

use seqfuzz::{Program, parse_all, program_of, syz};
use std::io::Read;
use std::path::Path;

/// Returns the text of a file, or of standard input for `-`.
pub(crate) fn text(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(text)
}

/// Returns whether a text has programs in our syntax, which begin with their mode.
pub(crate) fn is_ours(text: &str) -> bool {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    line.is_none_or(|line| line.starts_with("mode "))
}

/// Reads programs. One of syzkaller is converted; the names of calls that have nothing to do with the devices are printed
/// to standard error.
pub(crate) fn parse(text: &str) -> Result<Vec<Program>, String> {
    if is_ours(text) {
        return parse_all(text);
    }
    let reading = syz::read(text)?;
    if !reading.left_out.is_empty() {
        eprintln!("seqfuzz: left out: {}", reading.left_out.join(", "));
    }
    Ok(vec![program_of(&reading.steps)])
}

/// Reads the programs of a file.
pub(crate) fn load(file: &Path) -> Result<Vec<Program>, String> {
    parse(&text(file)?).map_err(|error| format!("{}: {error}", file.display()))
}
