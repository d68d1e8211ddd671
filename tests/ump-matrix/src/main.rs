//! Prints the hashes of the conversion matrix, or the records of one cell.

use aseqd_abi::Errno;
use aseqd_abi::zerocopy::IntoBytes as _;
use clap::Parser;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use ump_matrix::{Class, Clients, Observer, Record, Scene, run, scenes};

/// What clients of each form read when clients of each form send every event and every packet
///
/// A line for each sender, receiver and class of records: its name, how many records arrived, and the hash
/// of their bytes. The same line on two sequencers means the same records.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// The sequencer
    #[arg(long, value_name = "FILE", default_value = "/dev/snd/seq")]
    device: PathBuf,
    /// Leave out cells for which more than N records are sent
    #[arg(long, value_name = "N", default_value_t = u32::MAX)]
    max_records: u32,
    /// Only cells whose name contains TEXT
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Print all records of the cells instead of their hashes: `>` sent, `!` the error, `<` received
    #[arg(long)]
    print: bool,
    /// Print only the lines that are not in FILE; exit status 1 if there are any. Of several files, the last one that
    /// has a cell counts
    #[arg(long, value_name = "FILE")]
    compare: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match matrix(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("ump-matrix: {message}");
            ExitCode::from(2)
        }
    }
}

/// Returns whether all cells are as expected.
fn matrix(options: &Options) -> Result<bool, String> {
    let mut expected = BTreeMap::new();
    for file in &options.compare {
        read_cells(file, &mut expected)?;
    }
    let mut all_equal = true;
    for scene in scenes() {
        for class in Class::all() {
            let limit = scene.limit();
            let wanted = |name: &str| options.only.as_ref().is_none_or(|text| name.contains(text));
            let names: Vec<_> =
                (0..scene.receivers.len()).map(|at| scene.cell_name(at, &class)).collect();
            if !scene.can_send(&class)
                || class.count.min(limit) > options.max_records
                || !names.iter().any(|name| wanted(name))
            {
                continue;
            }
            let mut printer =
                Printer { scene: &scene, wanted: names.iter().map(|name| wanted(name)).collect() };
            let observer: Option<&mut dyn Observer> =
                if options.print { Some(&mut printer) } else { None };
            let clients = Clients::new(options.device.as_path(), &scene);
            let mut clients = clients
                .map_err(|error| format!("{error}; does this sequencer have UMP (MIDI 2.0)?"))?;
            let cells = run(&mut clients, &scene, &class, limit, observer);
            for cell in cells.iter().filter(|cell| wanted(&cell.name) && !options.print) {
                let line = cell.to_string();
                let as_expected = expected.get(&cell.name) == Some(&line);
                if !as_expected {
                    print_line(&line);
                }
                all_equal &= as_expected || options.compare.is_empty();
            }
        }
    }
    Ok(all_equal)
}

/// Reads the lines of a file, by the name of their cells.
fn read_cells(file: &Path, cells: &mut BTreeMap<String, String>) -> Result<(), String> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| format!("{}: {error}", file.display()))?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    cells.extend(
        lines.filter_map(|line| Some((line.split(' ').next()?.to_owned(), line.to_owned()))),
    );
    Ok(())
}

/// Prints what is sent, and what the wanted receivers read.
struct Printer<'a> {
    scene: &'a Scene,
    wanted: Vec<bool>,
}

impl Observer for Printer<'_> {
    fn sent(&mut self, record: &Record) {
        match record {
            Record::Ump(event) => print_line(&format!("> {}", hex(event.as_bytes()))),
            Record::Legacy(event, data) => {
                print_line(&format!("> {} {}", hex(event.as_bytes()), hex(data)));
            }
        }
    }

    fn failed(&mut self, errno: Errno) {
        print_line(&format!("! {errno:?}"));
    }

    fn received(&mut self, receiver: usize, record: &[u8]) {
        if self.wanted[receiver] {
            let name = self.scene.receivers[receiver].name;
            print_line(&format!("< {} {name}", hex(record)));
        }
    }
}

/// Prints a line. The program ends if nobody reads its output any more.
fn print_line(line: &str) {
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(2);
    }
}

/// Returns the bytes of a record in hexadecimal digits, in groups of four.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if at % 4 == 0 && at > 0 {
            text.push(' ');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
