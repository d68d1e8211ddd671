//! `aseqd rules import`: a profile of midiminder as rules of ours.

use super::ImportArgs;
use crate::rule_files;
use aseqd_console::{print, say};
use aseqd_host::error::Fail;
use aseqd_rules::midiminder::{Numbers, import};
use std::process::ExitCode;

pub(super) fn main(args: &ImportArgs) -> Result<ExitCode, Fail> {
    let file = args.file.display().to_string();
    let text = rule_files::read_given(&args.file)?;
    let numbers = if args.port_numbers { Numbers::Ports } else { Numbers::Names };
    let (rules, problems) = import(&file, &text, numbers);
    print(&rules)?;
    for problem in &problems {
        say(problem);
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
