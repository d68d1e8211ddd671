//! Reproducers of findings that only a device shows: a server, or a kernel in a virtual machine.

use super::run::{Output, RUN, output};
use super::{Options, Reproducer, Verdict, c, taken_down};
use crate::fuzz::{finding, hang};
use crate::program::Program;
use crate::syz;
use crate::tape::{Answer, Step};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Maximum time for a machine, with its boot.
const MACHINE: Duration = Duration::from_secs(300);
/// What runs in the machine. A program that does not end is not waited for; its stack in the kernel is printed.
const IN_MACHINE: &str = "repro & pid=$!; left=20
while [ $left -gt 0 ]; do
    case $(cat /proc/$pid/stat 2>/dev/null) in *') Z '*|'') exit 0 ;; esac
    sleep 1; left=$((left - 1))
done
echo 'seqfuzz: it has not ended'; cat /proc/$pid/stack; kill -9 $pid";

/// Makes the reproducers of a finding in its folder.
///
/// # Errors
/// A message for people if a file cannot be written.
pub(super) fn reproduce(
    folder: &Path,
    title: &str,
    programs: &[Program],
    options: &Options,
) -> Result<Vec<Reproducer>, String> {
    let wrong = |path: &Path, error| format!("{}: {error}", path.display());
    let (text, file) = (folder.join("repro.syz"), folder.join("repro.c"));
    let mut verdict = Verdict::NotRun("there is no program".into());
    // Files are closed so that Linux ends, or as they are: whichever shows it.
    for rude in [false, true] {
        let steps = steps(programs, rude);
        let plain: Vec<Step> = steps.iter().map(|(step, _)| step.clone()).collect();
        fs::write(&text, syz::write(&plain, syz::Form::Ours))
            .map_err(|error| wrong(&text, error))?;
        fs::write(&file, c::source(title, &steps)).map_err(|error| wrong(&file, error))?;
        verdict = run(&file, title, options);
        if !matches!(verdict, Verdict::Differs(_)) {
            break;
        }
    }
    let on_engine = "the engine does not show this finding".to_owned();
    let by_others = "syz-execprog of syzkaller runs it on a kernel".to_owned();
    let all = [
        ("syzkaller program", text, Verdict::NotRun(by_others)),
        ("C program", file, verdict),
        ("Rust test", folder.join("repro.rs"), Verdict::NotRun(on_engine)),
    ];
    Ok(all.map(|(kind, file, verdict)| Reproducer { kind, file, verdict }).into())
}

/// Returns the calls of programs one after the other, with the numbers that a fresh sequencer gives.
fn steps(programs: &[Program], rude: bool) -> Vec<(Step, Answer)> {
    let mut all: Vec<(Step, Answer)> = Vec::new();
    for program in programs {
        let opens = |step: &Step| {
            matches!(step, Step::Open(_) | Step::OpenTimer(_) | Step::CreateTimer(..))
        };
        let before = all.iter().filter(|(step, _)| opens(step)).count();
        let steps = taken_down(program, rude).into_iter();
        all.extend(steps.map(|(step, answer)| (moved(step, before), answer)));
    }
    all
}

/// Returns a call with the number of its file moved.
fn moved(step: Step, by: usize) -> Step {
    let moved = |file: usize| file.saturating_add(by);
    match step {
        Step::Open(_) | Step::OpenTimer(_) | Step::Wait(_) | Step::Inside(_) => step,
        Step::CreateTimer(file, argument) => Step::CreateTimer(moved(file), argument),
        Step::Close(file) => Step::Close(moved(file)),
        Step::Ioctl { file, code, compat, argument } => {
            Step::Ioctl { file: moved(file), code, compat, argument }
        }
        Step::Write(file, data) => Step::Write(moved(file), data),
        Step::Read(file, len) => Step::Read(moved(file), len),
        Step::Poll(file) => Step::Poll(moved(file)),
    }
}

/// Builds and runs the C program.
fn run(file: &Path, title: &str, options: &Options) -> Verdict {
    let program = file.with_extension("bin");
    let kernel = options.kernel.is_some();
    if let Err(verdict) = c::build(file, &program, if kernel { &["-static"] } else { &[] }) {
        return verdict;
    }
    let console = file.with_extension("console");
    let ran = match (&options.kernel, options.under.as_deref()) {
        (Some((run, kernel)), _) => {
            let mut command = Command::new(run);
            command.args(["--kernel", kernel, "--timeout", &MACHINE.as_secs().to_string()]);
            command.args(["--append", crate::fuzz::TOLD]);
            command.arg("--add").arg(format!("{}:/bin/repro", program.display()));
            command.arg("--log").arg(&console).args(["--", "sh", "-c", IN_MACHINE]);
            output(&mut command, MACHINE * 2)
        }
        (None, Some([first, rest @ ..])) => {
            output(Command::new(first).args(rest).arg(&program), RUN)
        }
        _ => Err("no device is named".into()),
    };
    // They are for this run.
    let said = fs::read(&console).unwrap_or_default();
    let _gone = [&program, &console].map(fs::remove_file);
    match ran {
        Ok(ran) => judge(&ran, &String::from_utf8_lossy(&said).replace('\r', ""), title),
        Err(why) => Verdict::NotRun(why),
    }
}

/// Says whether what was printed shows a finding.
fn judge(ran: &Output, console: &str, title: &str) -> Verdict {
    let log = kreport::read(&ran.text).reports.into_iter().chain(kreport::read(console).reports);
    let mut titles: Vec<String> = log.map(|report| report.title.clone()).collect();
    if let Some((_, stack)) = ran.text.split_once("seqfuzz: it has not ended\n") {
        let frames = stack.lines().filter_map(|line| line.split_once("] "));
        let frames: String = frames.map(|(_, frame)| format!(" {frame}\n")).collect();
        titles.push(finding::title(&hang("close", 20, &frames)));
    }
    if titles.iter().any(|found| found == title) {
        return Verdict::Reproduces;
    }
    // Without a look into the kernel, what does not end is all that there is to see.
    if ran.status.is_none() && title.starts_with("INFO: task hung in ") {
        return Verdict::Reproduces;
    }
    match (titles.first(), ran.status) {
        (Some(other), _) => Verdict::Differs(format!("it shows {other} instead")),
        (None, None) => Verdict::Differs(c::no_end(&ran.text)),
        (None, Some(status)) => {
            let last = ran.text.lines().last().unwrap_or("nothing printed");
            Verdict::Differs(format!("it shows nothing: {status}, {last}"))
        }
    }
}
