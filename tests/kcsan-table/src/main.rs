//! `kcsan-table`: runs the same data races under several tools, and prints, writes or checks the table of
//! docs/validators.md.

mod document;
mod tool;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use tool::{Form, Tool, Tools};

const USAGE: &str = "usage: kcsan-table [--write | --print | --check]
  --write   run all tools and write the table into docs/validators.md (the default)
  --print   run all tools and print the table
  --check   run ours alone: it must still find what the table says, and report nothing in the programs
            without a race
A tool that cannot be run here has a question mark; standard error says why.";

/// The races, by the names that the programs know. The last one is none.
const CASES: &[&str] = &[
    "flag-publish",
    "bits-two-locks",
    "double-checked-init",
    "relaxed-publication",
    "counter",
    "wrong-instance",
    "after-signal",
    "ring-plain-index",
    "child-process",
    "two-processes",
    "uninstrumented-code",
    "uninstrumented-process",
    NO_DEFECT,
];
const NO_DEFECT: &str = "no-defect";

/// How long a program without a race runs, in ms. The case without a defect has no other form, so it runs longer.
const FIXED_MS: u32 = 500;
const NO_DEFECT_MS: u32 = 1000;
/// How long a racy program runs, in ms, until a sampling tool has found the race.
const RACY_MS: [u32; 4] = [300, 1000, 3000, 10_000];

const NOTHING: &str = "–";
/// The options of ours that delay stores, and the cell of what only they find. A round has few looks at the flag, so that
/// more rounds are needed.
const WEAK: &str = "skip=20 weak_memory=1";
const FOUND_WEAK: &str = "with `weak_memory=1`";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let run = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["--write"] => write,
        ["--print"] => print,
        ["--check"] => check,
        ["--help"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("kcsan-table: {error}");
            ExitCode::FAILURE
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the folder of build output, which has the programs of kcsan.
fn target() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let folder = program.ancestors().nth(2).ok_or(io::ErrorKind::NotFound)?;
    Ok(folder.to_owned())
}

fn print() -> io::Result<ExitCode> {
    print!("{}", table()?);
    Ok(ExitCode::SUCCESS)
}

fn write() -> io::Result<ExitCode> {
    document::replace(&root(), &table()?)?;
    Ok(ExitCode::SUCCESS)
}

fn check() -> io::Result<ExitCode> {
    let ours = [Tool::OursRust, Tool::OursC];
    let published = document::read(&root())?;
    let tools = Tools::build(&root(), &target()?, &ours)?;
    let mut failed = false;
    for case in CASES {
        for tool in ours {
            let expected = published.cell(tool.title(), &title(case));
            let found = cell(&tools, tool, case, Some(expected))?;
            if found != expected {
                let tool = tool.title();
                eprintln!("{tool}: {case}: the table says \"{expected}\", now it is \"{found}\"");
                failed = true;
            }
        }
    }
    if failed {
        return Ok(ExitCode::FAILURE);
    }
    let [rust, c] = ours.map(|tool| tools.watchpoints(tool));
    let count = CASES.len();
    println!(
        "{count} cases, each in Rust and in C, are as the table says; {rust} and {c} watchpoints in the programs \
         without a race"
    );
    Ok(ExitCode::SUCCESS)
}

/// Runs everything and returns the table in Markdown.
fn table() -> io::Result<String> {
    let tools = Tools::build(&root(), &target()?, &Tool::ALL)?;
    let titles = Tool::ALL.map(|tool| format!(" {} |", tool.title())).concat();
    let mut table = format!("| race |{titles}\n| --- |{}\n", " --- |".repeat(Tool::ALL.len()));
    for case in CASES {
        table += &format!("| {} |", title(case));
        for tool in Tool::ALL {
            table += &format!(" {} |", cell(&tools, tool, case, None)?);
        }
        table += "\n";
    }
    let [rust, c] = [Tool::OursRust, Tool::OursC].map(|tool| tools.watchpoints(tool));
    table += &format!(
        "\nIn the programs without a race, ours set {rust} watchpoints in Rust and {c} in C.\n"
    );
    Ok(table)
}

fn title(case: &str) -> String {
    case.replace('-', " ")
}

/// Runs both forms of a case under a tool and returns the cell of the table.
fn cell(tools: &Tools, tool: Tool, case: &str, expected: Option<&str>) -> io::Result<&'static str> {
    if !tools.has(tool) {
        return Ok("?");
    }
    if !tool.knows(case) {
        return Ok("n/a");
    }
    if case == NO_DEFECT {
        let reported = tools.reports(tool, case, Form::Fixed, NO_DEFECT_MS, "")?
            || tool.is_sampling() && tools.reports(tool, case, Form::Fixed, NO_DEFECT_MS, WEAK)?;
        return Ok(if reported { "false report" } else { NOTHING });
    }
    let fixed = tools.reports(tool, case, Form::Fixed, FIXED_MS, "")?;
    // What the table says is not found so needs no search.
    let searched = expected != Some(NOTHING) && expected != Some(FOUND_WEAK);
    Ok(match (is_found(tools, tool, case, searched, "")?, fixed) {
        (true, false) => "found",
        (true, true) => "found; the fix too",
        (false, true) => "false report",
        (false, false) => {
            if !tool.is_sampling() {
                return Ok(NOTHING);
            }
            let fixed = tools.reports(tool, case, Form::Fixed, FIXED_MS, WEAK)?;
            let searched = expected != Some(NOTHING);
            match (is_found(tools, tool, case, searched, WEAK)?, fixed) {
                (true, false) => FOUND_WEAK,
                (_, true) => "false report",
                (false, false) => NOTHING,
            }
        }
    })
}

/// Returns whether a tool reports a race. Sampling may miss it, so each attempt of a search is longer.
fn is_found(
    tools: &Tools,
    tool: Tool,
    case: &str,
    searched: bool,
    options: &str,
) -> io::Result<bool> {
    for ms in RACY_MS {
        if tools.reports(tool, case, Form::Racy, ms, options)? {
            return Ok(true);
        }
        if !tool.is_sampling() || !searched {
            break;
        }
    }
    Ok(false)
}

/// Removes a folder with everything in it, if it is there, and makes it anew.
fn renew(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    }
}
