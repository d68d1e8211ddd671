//! `kcsan-cc` and `kcsan-c++`: run a C or C++ compiler so that it makes a call before every access.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Error;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, exit};

use super::{OPTIONS, archive, print};
use crate::reason::reason;

const HELP: &str = "\
Compiles and links a {name} program so that it reports its data races, as the kernel's KCSAN does.

Usage: {tool} [OPTIONS OF gcc]...
       {tool} --kcsan-folder

It runs {compiler} with -fsanitize=thread, treats volatile accesses as marked, and links the runtime of kcsan
in place of ThreadSanitizer's. Everything else is as in gcc:

  kcsan-cc -g -O1 -o player player.c -lpthread && ./player
  make CC=kcsan-cc CXX=kcsan-c++
  ./configure CC=kcsan-cc CXX=kcsan-c++ CFLAGS='-g -O1'
  cmake -DCMAKE_C_COMPILER=kcsan-cc -DCMAKE_CXX_COMPILER=kcsan-c++ ..
  CC=kcsan-cc CXX=kcsan-c++ meson setup build

It finds kcsan.h without -I. A shared library has no runtime of its own: it uses that of a program
that kcsan-cc or kcsan-c++ linked, which must link it or load it. Files in assembler, objects of other
compilers and functions with __attribute__((no_sanitize(\"thread\"))) are not instrumented: what they
write is seen as a change of unknown origin. Static programs and code for other processors are refused.
This program is the driver for C++ under each name that ends in ++ or xx.

Options:
  --kcsan-folder  print the folder of kcsan.h and of the runtime, libkcsan.a, for other build systems:
                  compile with `-fsanitize=thread --param tsan-distinguish-volatile=1`, link without
  --help          print this help

A program that reported a race exits with status 66; see exitcode below. One that ends by _exit or by a
signal keeps its own status. Reports go to standard error as it was when the program started. If the
program has closed it everywhere, they go to the file kcsan-PID.txt in the folder for temporary files.

";

const ENVIRONMENT: &str =
    "  KCSAN_CC       The C compiler to run, in words (gcc): gcc 11 or newer, `ccache gcc`
  KCSAN_CXX      The C++ compiler to run, in words (g++)
";

/// The languages that there is a driver for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// C, by `kcsan-cc`.
    C,
    /// C++, by `kcsan-c++`.
    Cxx,
}

impl Language {
    /// Returns the language of a driver by the name under which it was called.
    #[must_use]
    pub fn of(program: &Path) -> Self {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with("++") || name.ends_with("xx") { Self::Cxx } else { Self::C }
    }

    /// Returns the driver, the variable that names its compiler, the compiler, and the language.
    const fn words(self) -> [&'static str; 4] {
        match self {
            Self::C => ["kcsan-cc", "KCSAN_CC", "gcc", "C"],
            Self::Cxx => ["kcsan-c++", "KCSAN_CXX", "g++", "C++"],
        }
    }
}

/// Runs the driver with the arguments of this process. Returns only if it fails.
pub fn main() {
    let mut arguments = env::args_os();
    let language = Language::of(Path::new(&arguments.next().unwrap_or_default()));
    let arguments: Vec<_> = arguments.collect();
    let [tool, _, compiler, name] = language.words();
    if arguments.first().is_some_and(|first| first == "--help") {
        let help =
            HELP.replace("{tool}", tool).replace("{compiler}", compiler).replace("{name}", name);
        print(&format!("{help}{OPTIONS}{ENVIRONMENT}"));
        return;
    }
    super::say(&format!("{tool}: {}", reason(&run(language, &arguments))));
    exit(1);
}

/// Runs the compiler in place of this process. Returns only the error.
fn run(language: Language, arguments: &[OsString]) -> Error {
    let folder = match archive::folder() {
        Ok(folder) => folder,
        Err(error) => return error,
    };
    if arguments.first().is_some_and(|first| first == "--kcsan-folder") {
        print(&format!("{}\n", folder.display()));
        exit(0);
    }
    let [_, variable, default, _] = language.words();
    let named = env::var(variable).ok().filter(|text| !text.trim().is_empty());
    let text = named.as_deref().unwrap_or(default);
    let compiler: Vec<_> = text.split_whitespace().collect();
    let start = |compiler: &[&str]| {
        let mut command = Command::new(compiler[0]);
        command.args(&compiler[1..]);
        command
    };
    if named.is_some()
        && let Err(reason) = is_fit(start(&compiler))
    {
        return Error::other(format!("{variable}={text}: {reason}"));
    }
    let words = words(arguments);
    if let Some(reason) = refusal(&words) {
        return Error::other(reason);
    }
    let mut command = start(&compiler);
    // The project's own flags come later and so may switch this off for some files. gcc warns of fences, which
    // ThreadSanitizer does not know; the runtime does.
    command.args(["-fsanitize=thread", "--param", "tsan-distinguish-volatile=1", "-Wno-tsan"]);
    // gcc finds here first what it links for ThreadSanitizer.
    command.arg("-B").arg(folder.join("gcc/")).arg("-L").arg(folder.join("gcc"));
    command.args(arguments).arg("-I").arg(&folder);
    if words.iter().any(|word| word == "-shared") {
        // The runtime is in the program, so the library's calls of it are undefined, whatever the project asks for.
        command.arg("-Wl,-z,undefs");
    } else {
        command.arg("-Wl,--export-dynamic-symbol=__tsan_*");
    }
    let error = command.exec();
    Error::new(error.kind(), format!("{}: {}", compiler[0], reason(&error)))
}

/// What compilers for this program's own processor define, and the processor's name. The runtime that this program
/// carries is for that.
const PROCESSOR: (&str, &str) = if cfg!(target_arch = "aarch64") {
    ("__aarch64__", "aarch64")
} else {
    ("__x86_64__", "x86-64")
};

/// Checks that a compiler that the user has named has the flags. Returns the reason if it has not.
fn is_fit(mut compiler: Command) -> Result<(), String> {
    let output = compiler.args(["-dM", "-E", "-x", "c", "/dev/null"]).output();
    let output = output.map_err(|error| reason(&error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let defined = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix("#define "));
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    };
    let version: u32 = defined("__GNUC__").and_then(|number| number.parse().ok()).unwrap_or(0);
    if defined(PROCESSOR.0).is_none() && version > 0 {
        let name = PROCESSOR.1;
        Err(format!("its programs are not for {name}, and this kcsan works for {name} only"))
    } else if defined("__clang__").is_some() {
        Err("this is clang; kcsan needs gcc 11 or newer".into())
    } else if version < 11 {
        Err("this is not gcc 11 or newer, which kcsan needs".into())
    } else {
        Ok(())
    }
}

/// Returns why a compilation cannot be instrumented, if it cannot.
fn refusal(words: &[String]) -> Option<String> {
    let has = |names: &[&str]| words.iter().find(|word| names.contains(&word.as_str()));
    if let Some(word) = has(&["-m32", "-mx32", "-m16"]) {
        return Some(format!("{word}: kcsan works for 64-bit x86 programs only"));
    }
    let no_link = has(&["-c", "-S", "-E", "-M", "-MM", "-fsyntax-only"]).is_some();
    if let Some(word) = has(&["-static", "-static-pie"]).filter(|_| !no_link) {
        let why = "a static program cannot have the runtime of kcsan; link it without";
        return Some(format!("{word}: {why} {word}"));
    }
    let other = words.iter().filter_map(|word| word.strip_prefix("-fsanitize="));
    let other = other.flat_map(|list| list.split(',')).find(|name| {
        ["address", "hwaddress", "leak", "kernel-address", "kernel-hwaddress"].contains(name)
    });
    let why = "this sanitizer and kcsan cannot be in one program; build twice";
    other.map(|name| format!("-fsanitize={name}: {why}"))
}

/// Returns the arguments, with those in response files.
fn words(arguments: &[OsString]) -> Vec<String> {
    let mut words = Vec::new();
    let mut left = 64;
    let mut queue: Vec<String> =
        arguments.iter().rev().map(|word| word.to_string_lossy().into_owned()).collect();
    while let Some(word) = queue.pop() {
        // A file that cannot be read is a name like any other, as in gcc. A file may name itself.
        let text = word.strip_prefix('@').filter(|_| left > 0).map(fs::read_to_string);
        match text {
            Some(Ok(text)) => {
                left -= 1;
                queue.extend(text.split_whitespace().rev().map(unquoted));
            }
            _ => words.push(word),
        }
    }
    words
}

/// Returns a word of a response file without quotes and backslashes.
fn unquoted(word: &str) -> String {
    word.chars().filter(|letter| !['"', '\'', '\\'].contains(letter)).collect()
}
