//! Reproducers of findings that only a device shows: a server, or a kernel in a virtual machine.

use super::run::{Output, RUN, output};
use super::{Options, Reproducer, Verdict, c, taken_down, threads};
use crate::concurrent::is_concurrent;
use crate::fuzz::{finding, hang};
use crate::program::Program;
use crate::syz;
use crate::tape::{Answer, Step};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How often a program is run whose calls are made at once.
const ROUNDS: u32 = 20;
/// Maximum time for a machine, with its boot.
const MACHINE: Duration = Duration::from_secs(300);
/// What runs in the machine. A program that does not end is not waited for; its stack in the kernel is printed.
const IN_MACHINE: &str = "repro $ROUNDS & pid=$!; left=$SECONDS_LEFT
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
    let at_once = programs.iter().any(is_concurrent);
    // Files are closed so that Linux ends, or as they are: whichever shows it.
    for rude in [false, true] {
        let steps = steps(programs, rude);
        let plain: Vec<Step> = steps.iter().map(|(step, _)| step.clone()).collect();
        fs::write(&text, syz::write(&plain, syz::Form::Ours))
            .map_err(|error| wrong(&text, error))?;
        let source = if at_once {
            threads::source(title, &threads::stretches(programs))
        } else {
            c::source(title, &steps)
        };
        fs::write(&file, source).map_err(|error| wrong(&file, error))?;
        let built = file.with_extension("bin");
        let _none_perhaps = fs::remove_file(&built);
        verdict = if at_once {
            at_once_runs(&file, title, programs, options)
        } else {
            run(&file, options, 1).map_or_else(|why| why, |ran| judge(&ran, title))
        };
        let _gone = fs::remove_file(&built);
        if at_once || !matches!(verdict, Verdict::Differs(_)) {
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

/// Runs a program whose calls are made at once. Each round may have another order, so there are several.
fn at_once_runs(file: &Path, title: &str, programs: &[Program], options: &Options) -> Verdict {
    // A boot is long, so one has all rounds. Under a command each round has a sequencer of its own.
    let (runs, rounds) = if options.kernel.is_some() { (1, ROUNDS) } else { (ROUNDS, 1) };
    let mut last = Verdict::Differs("it was not run".into());
    for _ in 0..runs {
        let ran = match run(file, options, rounds) {
            Ok(ran) => ran,
            Err(why) => return why,
        };
        last = judge(&ran, title);
        if let ([program], Verdict::Differs(_)) = (programs, &last)
            && let Some((kind, text)) = threads::wrong(program, &ran.output.text)
        {
            // The same may have been found on the session.
            let report = |side: &str| crate::fuzz::check_report(&format!("{side}_{kind}"), &text);
            let titles = ["device", "session"].map(|side| finding::title(&report(side)));
            if titles.iter().any(|found| found == title) {
                return Verdict::Reproduces;
            }
            last = Verdict::Differs(format!("it shows {} instead", titles[0]));
        }
        if last == Verdict::Reproduces {
            break;
        }
    }
    last
}

/// What a run has printed, and the kernel's log.
struct Ran {
    output: Output,
    console: String,
}

/// Runs the C program, its calls as often as `rounds` says. Builds it first if that has not been done.
///
/// # Errors
/// What is to be said of it instead.
fn run(file: &Path, options: &Options, rounds: u32) -> Result<Ran, Verdict> {
    let program = file.with_extension("bin");
    let kernel = options.kernel.is_some();
    if !program.exists() {
        c::build(file, &program, if kernel { &["-pthread", "-static"] } else { &["-pthread"] })?;
    }
    let console = file.with_extension("console");
    let ran = match (&options.kernel, options.under.as_deref()) {
        (Some((run, kernel)), _) => {
            let mut command = Command::new(run);
            command.args(["--kernel", kernel, "--timeout", &MACHINE.as_secs().to_string()]);
            command.args(["--append", crate::fuzz::TOLD]);
            command.arg("--add").arg(format!("{}:/bin/repro", program.display()));
            // A round sleeps for seconds at most.
            let left = if rounds > 1 { "120" } else { "20" };
            let words = IN_MACHINE.replace("$ROUNDS", &rounds.to_string());
            let words = words.replace("$SECONDS_LEFT", left);
            command.arg("--log").arg(&console).args(["--", "sh", "-c", &words]);
            output(&mut command, MACHINE * 2)
        }
        (None, Some([first, rest @ ..])) => {
            output(Command::new(first).args(rest).arg(&program), RUN)
        }
        _ => Err("no device is named".into()),
    };
    // It is for this run.
    let said = fs::read(&console).unwrap_or_default();
    let _gone = fs::remove_file(&console);
    let output = ran.map_err(Verdict::NotRun)?;
    Ok(Ran { output, console: String::from_utf8_lossy(&said).replace('\r', "") })
}

/// Says whether what was printed shows a finding.
fn judge(ran: &Ran, title: &str) -> Verdict {
    let Ran { output: ran, console } = ran;
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
