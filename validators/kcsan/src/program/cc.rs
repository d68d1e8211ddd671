//! `kcsan-cc`: runs a C compiler so that it makes a call before every access.

use std::env;
use std::ffi::OsString;
use std::io::Error;
use std::os::unix::process::CommandExt;
use std::process::{Command, exit};

use super::archive;

/// The text of `--help`.
pub const HELP: &str = "\
Compiles and links a C program so that it reports its data races, as the kernel's KCSAN does.

Usage: kcsan-cc [OPTIONS OF gcc]...
       kcsan-cc --kcsan-folder

It runs gcc with -fsanitize=thread, treats volatile accesses as marked, and links the runtime of kcsan
in place of ThreadSanitizer's. Everything else is as in gcc:

  kcsan-cc -g -O1 -o player player.c -lpthread && ./player
  make CC=kcsan-cc

It finds kcsan.h without -I. A shared library has no runtime of its own: it uses that of a program
that kcsan-cc linked.

Options:
  --kcsan-folder  print the folder of kcsan.h and of the runtime, libkcsan.a, for other build systems:
                  compile with `-fsanitize=thread --param tsan-distinguish-volatile=1`, link without
  --help          print this help

";

/// Help text about the compiler's own environment.
pub const ENVIRONMENT: &str = "  KCSAN_CC       The compiler to run (gcc); g++ works too\n";

/// Runs the compiler in place of this process. Returns only the error.
///
/// # Errors
///
/// Returns the error of running the compiler.
pub fn run(arguments: &[OsString]) -> Error {
    let folder = match archive::folder() {
        Ok(folder) => folder,
        Err(error) => return error,
    };
    if arguments.first().is_some_and(|first| first == "--kcsan-folder") {
        println!("{}", folder.display());
        exit(0);
    }
    let compiler = env::var_os("KCSAN_CC").unwrap_or_else(|| "gcc".into());
    let mut command = Command::new(&compiler);
    command.args(arguments).args(["-fsanitize=thread", "--param", "tsan-distinguish-volatile=1"]);
    command.arg("-I").arg(&folder);
    // gcc finds here first what it links for ThreadSanitizer.
    command.arg("-B").arg(folder.join("gcc/")).arg("-L").arg(folder.join("gcc"));
    command.arg("-Wl,--export-dynamic-symbol=__tsan_*");
    let error = command.exec();
    Error::new(error.kind(), format!("{}: {error}", compiler.display()))
}
