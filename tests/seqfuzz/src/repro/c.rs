//! The C file: the calls of a finding on the device files, with no library but libc. It prints one line a call.

use super::run::{BUILD, Output, RUN, output};
use super::{Known, Verdict};
use crate::device::Access;
use crate::tape::{Answer, Step};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

const HEAD: &str = r#"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Files by number, in the order of the calls that open them. */
static int files[FILES + 1];
static int opened;
static unsigned char buffer[1 << 20];
static int calls;

/* A program uses a part of what follows. */
#define UNUSED __attribute__((unused))

/* Prints what came of a call: its number, its value or error, and the bytes that came back. */
UNUSED static long tell(long value, const unsigned char *bytes, long len)
{
	printf("%d ", calls++);
	if (value < 0)
		printf("error %d", errno);
	else
		printf("%ld ", value);
	for (long at = 0; value >= 0 && at < len; at++)
		printf("%02x", bytes[at]);
	printf("\n");
	fflush(stdout);
	return value;
}

UNUSED static void open_file(const char *path, int flags)
{
	int file = open(path, flags | O_NONBLOCK | O_CLOEXEC);

	files[opened++] = file;
	tell(file < 0 ? -1 : 0, NULL, 0);
}

UNUSED static void request(int file, unsigned long code, const char *argument, long len)
{
	int stays = 1;

	memcpy(buffer, argument, len);
	if (code == FIONBIO)
		memcpy(buffer, &stays, sizeof(stays)); /* the old STOP of timers: files stay non-blocking */
	long value = ioctl(files[file], code, buffer);

	tell(value, buffer, len);
}

UNUSED static void create_timer(int file, unsigned long code, const char *argument, long len)
{
	memcpy(buffer, argument, len);
	long value = ioctl(files[file], code, buffer);
	int made = -1;

	if (value >= 0)
		memcpy(&made, buffer + 8, sizeof(made));
	files[opened++] = made;
	tell(value, NULL, 0);
}

UNUSED static void write_file(int file, const char *data, long len)
{
	tell(write(files[file], data, len), NULL, 0);
}

UNUSED static void read_file(int file, long len)
{
	long value = read(files[file], buffer, len);

	tell(value, buffer, value);
}

UNUSED static void poll_file(int file)
{
	struct pollfd fd = { .fd = files[file], .events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM };
	int in, out;

	poll(&fd, 1, 0);
	in = fd.revents & POLLIN ? 1 : 0;
	out = fd.revents & POLLOUT ? 2 : 0;
	if (!in != !(fd.revents & POLLRDNORM) || !out != !(fd.revents & POLLWRNORM))
		in |= 4;
	tell(in | out, NULL, 0);
}

UNUSED static void close_file(int file)
{
	tell(close(files[file]), NULL, 0);
}

UNUSED static void wait_for(long seconds, long nanoseconds)
{
	struct timespec time = { .tv_sec = seconds, .tv_nsec = nanoseconds };

	nanosleep(&time, NULL);
	tell(0, NULL, 0);
}
"#;

/// Writes bytes as a C string.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in bytes {
        let _infallible = write!(text, "\\{byte:03o}");
    }
    text.push('"');
    text
}

/// Returns the file.
pub(super) fn source(title: &str, steps: &[(Step, Answer)]) -> String {
    let files = steps.iter().filter(|(step, _)| {
        matches!(step, Step::Open(_) | Step::OpenTimer(_) | Step::CreateTimer(..))
    });
    let mut source = format!(
        "/*\n * {}\n *\n * cc -o repro repro.c && ./repro, with /dev/snd/seq there (aseqd run -- ./repro).\n */\n#define FILES {}\n{HEAD}\nint main(void)\n{{\n",
        title.replace("*/", "* /"),
        files.count()
    );
    for (step, _) in steps {
        let flags = |access: &Access| match access {
            Access::Read => "O_RDONLY",
            Access::Write => "O_WRONLY",
            Access::ReadWrite => "O_RDWR",
        };
        let line = match step {
            Step::Open(access) => format!("open_file(\"/dev/snd/seq\", {});", flags(access)),
            Step::OpenTimer(access) => format!("open_file(\"/dev/snd/timer\", {});", flags(access)),
            Step::CreateTimer(file, argument) => format!(
                "create_timer({file}, {:#x}, {}, {});",
                aseqd_abi::ioctl::timers::CREATE,
                text(argument),
                argument.len()
            ),
            Step::Close(file) => format!("close_file({file});"),
            Step::Ioctl { file, code, argument, .. } => {
                format!("request({file}, {code:#x}, {}, {});", text(argument), argument.len())
            }
            Step::Write(file, data) => {
                format!("write_file({file}, {}, {});", text(data), data.len())
            }
            Step::Read(file, len) => format!("read_file({file}, {len});"),
            Step::Poll(file) => format!("poll_file({file});"),
            Step::Wait(time) => format!("wait_for({}, {});", time.as_secs(), time.subsec_nanos()),
            // `run` does not run such a program.
            Step::Inside(_) => "tell(0, NULL, 0); /* done inside of the server */".into(),
        };
        let _infallible = writeln!(source, "\t{line}");
    }
    source.push_str("\treturn 0;\n}\n");
    source
}

/// Returns the line that the C program prints if the device answers as the engine did.
fn expected(index: usize, step: &Step, answer: &Answer) -> String {
    let told: &[u8] = match step {
        Step::Ioctl { .. } | Step::Read(..) => &answer.told,
        _ => &[],
    };
    match answer.value {
        Err(error) => format!("{index} error {}", error.0),
        Ok(value) => {
            let value =
                if matches!(step, Step::Open(_) | Step::OpenTimer(_) | Step::CreateTimer(..)) {
                    0
                } else {
                    value
                };
            let bytes: String = told.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{index} {value} {bytes}")
        }
    }
}

/// Builds the file.
///
/// # Errors
/// What is to be said of it instead.
pub(super) fn build(file: &Path, program: &Path, more: &[&str]) -> Result<(), Verdict> {
    let mut command = Command::new("cc");
    command.args(["-Wall", "-Wextra", "-Werror", "-O1"]).args(more);
    match output(command.arg("-o").arg(program).arg(file), BUILD) {
        Ok(built) if built.is_success() => Ok(()),
        Ok(built) => Err(Verdict::Differs(format!("it does not compile: {}", built.text))),
        Err(why) => Err(Verdict::NotRun(why)),
    }
}

/// Says of a program that was killed in which call it was.
pub(super) fn no_end(said: &str) -> String {
    let calls = said.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
    format!("call {calls} has not ended after {} s", RUN.as_secs())
}

/// Builds and runs the file. It reproduces a panic if everything before the last call is answered as on the engine, and
/// that call is not; and another finding if everything is answered so.
pub(super) fn run(file: &Path, known: &Known, under: Option<&[String]>) -> Verdict {
    let program = file.with_extension("bin");
    if let Err(verdict) = build(file, &program, &[]) {
        return verdict;
    }
    let compat = |(step, _): &(Step, Answer)| matches!(step, Step::Ioctl { compat: true, .. });
    if known.steps.iter().any(compat) {
        return Verdict::NotRun("it has requests of 32-bit processes".into());
    }
    if known.steps.iter().any(|(step, _)| matches!(step, Step::Inside(_))) {
        return Verdict::NotRun("no program can do what it does inside of a server".into());
    }
    let mut command = match under {
        Some([first, rest @ ..]) => {
            let mut command = Command::new(first);
            command.args(rest).arg(&program);
            command
        }
        _ if Path::new("/dev/snd/seq").exists() => Command::new(&program),
        _ => {
            return Verdict::NotRun("there is no /dev/snd/seq: name a command with --under".into());
        }
    };
    let ran = output(&mut command, RUN);
    // What it leaves is for the next.
    let _gone = std::fs::remove_file(&program);
    let said = match ran {
        Ok(Output { status: Some(_), text }) => text,
        Ok(Output { status: None, text }) => return Verdict::Differs(no_end(&text)),
        Err(why) => return Verdict::NotRun(why),
    };
    let lines: Vec<&str> = said.lines().map(str::trim_end).collect();
    let panics = known.steps.last().is_some_and(|(_, answer)| answer.value == Ok(-1));
    if !panics && known.difference.is_none() {
        return Verdict::NotRun("only the engine's own state shows this finding".into());
    }
    let count = known.steps.len() - usize::from(panics);
    for (index, (step, answer)) in known.steps.iter().take(count).enumerate() {
        let wanted = expected(index, step, answer);
        let found = lines.iter().find(|line| line.starts_with(&format!("{index} ")));
        // A read of nothing has no bytes behind its value.
        if found.is_none_or(|found| *found != wanted.trim_end()) {
            return Verdict::Differs(format!(
                "call {index}: expected {wanted}, found {}",
                found.unwrap_or(&"nothing")
            ));
        }
        if known.difference.as_ref().is_some_and(|difference| difference.call == index) {
            return Verdict::Reproduces;
        }
    }
    let last = lines.iter().find(|line| line.starts_with(&format!("{count} ")));
    match last {
        Some(last) if panics && !last.contains("error") => {
            Verdict::Differs(format!("the last call is answered: {last}"))
        }
        _ => Verdict::Reproduces,
    }
}
