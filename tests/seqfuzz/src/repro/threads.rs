//! The C file of a program whose calls are made by several threads and processes: a table of the calls, and what makes them.

use super::c::text;
use crate::concurrent::comparable::comparable;
use crate::concurrent::crew::{end_of_first_part, end_of_first_read};
use crate::concurrent::serial::{self, Serial, Verdict as Order};
use crate::concurrent::{Observed, Op, Outcome, Plan, Stretch};
use crate::device::{Abilities, Access, EngineDevice};
use crate::program::Program;
use crate::tape::{Answer, Step};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The rest of the file.
const RUNNER: &str = include_str!("threads.c");
/// Signals, deaths and cancellations come within this many ticks.
const SOON: u64 = 16;

/// Returns the stretches of programs that run one after the other: each closes what it has opened.
pub(super) fn stretches(programs: &[Program]) -> Vec<Vec<Op>> {
    let mut all: Vec<Vec<Op>> = Vec::new();
    let mut files = 0;
    for (number, program) in programs.iter().enumerate() {
        let plan = Plan::of(program);
        let mut open: Vec<(usize, usize)> = Vec::new();
        for mut stretch in plan.stretches {
            for op in &mut stretch {
                op.file = op.file.map(|file| file + files);
                op.opens = op.opens.map(|file| file + files);
                open.extend(op.opens.map(|file| (file, op.process)));
                if matches!(op.step, Step::Close(_)) {
                    open.retain(|(file, _)| op.file != Some(*file));
                }
            }
            all.push(stretch);
        }
        if number + 1 < programs.len() {
            let close = |(file, process)| vec![Op { file: Some(file), ..Op::close(file, process) }];
            all.extend(open.into_iter().map(close));
        }
        files += plan.files;
    }
    all
}

/// Returns the file.
pub(super) fn source(title: &str, stretches: &[Vec<Op>]) -> String {
    let mut rows = String::new();
    for (number, stretch) in stretches.iter().enumerate() {
        for op in stretch {
            let _infallible = writeln!(rows, "\t{},", row(number, op));
        }
    }
    let files =
        stretches.iter().flatten().filter_map(|op| op.opens).max().map_or(1, |last| last + 1);
    let body = RUNNER
        .replace("\t/* OPS */\n", &rows)
        .replace("#define FILES 1 /* FILES */", &format!("#define FILES {files}"));
    format!(
        "/*\n * {}\n *\n * cc -pthread -o repro repro.c && ./repro [ROUNDS], with /dev/snd/seq there (aseqd run -- ./repro).\n */\n{body}",
        title.replace("*/", "* /")
    )
}

/// Returns a row of the table.
fn row(stretch: usize, op: &Op) -> String {
    let flags = |access: &Access| {
        let access = match access {
            Access::Read => "O_RDONLY",
            Access::Write => "O_WRONLY",
            Access::ReadWrite => "O_RDWR",
        };
        let block = if op.blocks == op.changes { " | O_NONBLOCK" } else { "" };
        let changes = if op.changes { " | CHANGES" } else { "" };
        let append = if op.append { " | O_APPEND" } else { "" };
        format!("{access} | O_CLOEXEC{block}{append}{changes}")
    };
    let zero = || "0".to_owned();
    let (kind, code, data, len) = match &op.step {
        Step::Open(access) => ("OPEN", flags(access), zero(), 0),
        Step::OpenTimer(access) => ("OPEN_TIMER", flags(access), zero(), 0),
        Step::CreateTimer(_, argument) => {
            ("CREATE", format!("{:#x}", timers::CREATE), text(argument), argument.len())
        }
        Step::Ioctl { code, argument, .. } => {
            ("REQUEST", format!("{code:#x}"), text(argument), argument.len())
        }
        Step::Write(_, data) => ("WRITE", zero(), text(data), data.len()),
        Step::Read(_, len) => ("READ", zero(), zero(), *len),
        Step::Poll(_) => ("POLL", zero(), zero(), 0),
        Step::Close(_) => ("CLOSE", zero(), zero(), 0),
        Step::Wait(time) => ("WAIT", time.min(&serial::MAX_WAIT).as_nanos().to_string(), zero(), 0),
        Step::Inside(_) => ("WAIT", zero(), zero(), 0),
    };
    let file = |file: Option<usize>| file.map_or(-1, |file| i64::try_from(file).unwrap_or(-1));
    let ticks = |after: Option<u64>| after.map_or(-1, |after| (after % SOON).cast_signed());
    let how = op.how.map_or(0, |how| how as u8 + 1);
    let pointer = op.pointer.map_or(-1, |pointer| pointer.number().cast_signed());
    let copy = op.copy.map_or(0, |copy| copy as u8 + 1);
    let cut = match &op.step {
        Step::Write(_, data) if op.vector => end_of_first_part(data),
        Step::Read(_, len) if op.vector && !op.blocks => end_of_first_read(*len),
        _ => 0,
    };
    format!(
        "{{ {stretch}, {}, {kind}, {}, {}, {code}, {data}, {len}, {how}, {pointer}, {cut}, {}, {}, {}, {}, {copy} }}",
        op.process,
        file(op.file),
        file(op.opens),
        ticks(op.signal),
        ticks(op.kill),
        ticks(op.cancel),
        op.fail.unwrap_or(0)
    )
}

/// Returns what is wrong with what a run has printed: a word for it, as in the title of a finding, and a text. Nothing if the calls
/// are explained, or cannot be compared.
pub(super) fn wrong(program: &Program, said: &str) -> Option<(String, String)> {
    let plan = Plan::of(program);
    let (pids, mut history) = history(&plan.stretches, said)?;
    history.truncate(comparable(&plan, Abilities::all(plan.ump), true));
    let start = Serial::new(EngineDevice::with_ump(plan.ump), pids).real();
    match serial::check(&start, &history) {
        Order::Wrong(wrong) => Some((wrong.kind, wrong.text)),
        Order::Explained | Order::Unclear => None,
    }
}

/// Reads the calls of the last round, up to the first death.
fn history(stretches: &[Vec<Op>], said: &str) -> Option<([i32; 3], Vec<Stretch>)> {
    let last = said.rfind("pids ")?;
    let mut lines = said[last..].lines();
    let mut numbers = lines.next()?.split(' ').skip(1).map(|word| word.parse().ok());
    let pids = [numbers.next()??, numbers.next()??, numbers.next()??];
    let lines: Vec<(usize, Outcome)> = lines.filter_map(outcome).collect();
    let mut history = Vec::new();
    let mut first = 0;
    for stretch in stretches {
        let numbers = first..first + stretch.len();
        first += stretch.len();
        let told: BTreeSet<usize> = lines.iter().map(|(number, _)| *number).collect();
        if stretch.iter().any(|op| op.kill.is_some() && op.process > 0)
            || numbers.clone().any(|number| !told.contains(&number))
        {
            break;
        }
        let of = lines.iter().filter(|(number, _)| numbers.contains(number));
        history.push(
            of.map(|(number, outcome)| Observed {
                op: stretch[number - numbers.start].clone(),
                outcome: outcome.clone(),
            })
            .collect(),
        );
    }
    Some((pids, history))
}

/// Reads what came of a call: its number, and its value with bytes or its error.
fn outcome(line: &str) -> Option<(usize, Outcome)> {
    let mut words = line.trim_end().split(' ');
    let number = words.next()?.parse().ok()?;
    let outcome = match words.next()? {
        "lost" => Outcome::Lost,
        "error" => match Errno(words.next()?.parse().ok()?) {
            Errno::EINTR => Outcome::Interrupted { idle: words.next() == Some("idle") },
            Errno::EBADF => Outcome::NotOpen,
            errno => Outcome::Answered(Answer { value: Err(errno), told: Vec::new() }),
        },
        value => {
            let hex = words.next().unwrap_or_default();
            let byte = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
            let told = (0..hex.len()).step_by(2).map(byte).collect::<Option<_>>()?;
            Outcome::Answered(Answer { value: Ok(value.parse().ok()?), told })
        }
    };
    Some((number, outcome))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;
    use std::process::Command;

    const PROGRAM: &str = "mode still
c0.open block=1 append=1
c0.create_port client=c0 capability=99
c0.read len=28 async=3
c0.write [ type=6 queue=253 dest=c0]
c0.poll how=2
c0.write [ type=6 queue=253 dest=c0] [ type=7 queue=253 dest=c0] vector=1
c0.read len=56 cancel=9
c0.get_client_info client=c0 pointer=1
";

    #[test]
    fn the_table_has_what_the_arguments_say() {
        let source = source("a title */ here", &stretches(&[parse(PROGRAM).expect("a program")]));
        assert!(source.starts_with("/*\n * a title * / here\n"), "{source}");
        for part in [
            "OPEN, -1, 0, O_RDWR | O_CLOEXEC | O_APPEND, 0, 0, 0, -1, 0, -1, -1, -1, 0, 0 }",
            "{ 2, 0, READ, 0, -1, 0, 0, 28, 0, -1, 0,",
            "{ 3, 0, POLL, 0, -1, 0, 0, 0, 2, -1,",
            ", 56, 0, -1, 28, -1, -1, -1, 0, 0 }",
            "{ 5, 0, READ, 0, -1, 0, 0, 56, 0, -1, 0, -1, -1, 9, 0, 0 }",
            "#define FILES 1\n",
        ] {
            assert!(source.contains(part), "{part}\n{source}");
        }
    }

    #[test]
    fn programs_after_the_first_have_files_of_their_own() {
        let program = parse("mode still\nc0.open\nc0.poll\n").expect("a program");
        let all = stretches(&[program.clone(), program]);
        let files: Vec<_> = all.iter().flatten().map(|op| (op.opens, op.file)).collect();
        assert_eq!(files[..3], [(Some(0), None), (None, Some(0)), (None, Some(0))]);
        assert!(files.contains(&(Some(1), None)) && files.contains(&(None, Some(1))));
    }

    #[test]
    fn what_was_printed_is_judged() {
        let program = parse(
            "mode still\nc0.open block=1\nc0.create_port client=c0 capability=99\nc0.read len=28 async=1\nc0.client_id\n",
        );
        let program = program.expect("a program");
        let plan = Plan::of(&program);
        let mut said = String::from("noise\npids 7 0 0\n");
        let mut device = Serial::new(EngineDevice::new(), [7, 0, 0]);
        let mut lines = Vec::new();
        for (number, op) in plan.stretches.iter().flatten().enumerate() {
            let answer = device.make(&Observed { op: op.clone(), outcome: Outcome::NotOpen });
            lines.push(match answer.value {
                Ok(value) => {
                    let hex: String =
                        answer.told.iter().map(|byte| format!("{byte:02x}")).collect();
                    format!("{number} {value} {hex}")
                }
                Err(_) => format!("{number} error 4 idle"),
            });
        }
        said += &lines.join("\n");
        assert_eq!(wrong(&program, &said), None, "{said}");
        // The read returns nothing, though nobody has written.
        let other = said.replace("2 error 4 idle", "2 0");
        assert_eq!(
            wrong(&program, &other).map(|(kind, _)| kind).as_deref(),
            Some("no_serial_order")
        );
        assert_eq!(wrong(&program, "no line"), None);
    }

    /// Nothing but a C compiler is needed: without devices every open fails.
    #[test]
    fn it_compiles_without_warnings_and_runs() {
        if Command::new("cc").arg("--version").output().is_err() {
            return;
        }
        let base = std::env::temp_dir().join(format!("seqfuzz-threads-{}", std::process::id()));
        let (file, program) = (base.with_extension("c"), base.with_extension("bin"));
        let source = source("a test", &stretches(&[parse(PROGRAM).expect("a program")]));
        std::fs::write(&file, source.replace("/dev/snd/", "/nowhere/")).expect("written");
        let built = super::super::c::build(&file, &program, &["-pthread"]);
        assert_eq!(built, Ok(()));
        let ran = Command::new(&program).arg("2").output().expect("it runs");
        let text = String::from_utf8_lossy(&ran.stdout).into_owned();
        let _gone = [&file, &program].map(std::fs::remove_file);
        assert!(text.contains("0 error 2\n") && text.matches("pids ").count() == 2, "{text}");
        let calls = parse(PROGRAM).expect("a program").calls.len();
        assert!(text.lines().count() >= 2 * calls, "{text}");
    }
}
