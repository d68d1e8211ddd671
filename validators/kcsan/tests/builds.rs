//! Builds of others: drivers of C and C++ in the hands of build systems, crates with build scripts, macros, C code and
//! doctests, and programs that are short or close standard error.

mod common;

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use common::run_command;

const CC: &str = env!("CARGO_BIN_EXE_kcsan-cc");
const CXX: &str = env!("CARGO_BIN_EXE_kcsan-cxx");
/// Time after which something that must happen has not happened.
const DEADLINE: Duration = Duration::from_secs(120);

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
        self
    }

    /// Returns a command in this folder, with words separated by spaces.
    fn command(&self, program: impl AsRef<OsStr>, words: &str) -> Command {
        let mut command = Command::new(program);
        command.args(words.split_whitespace()).current_dir(&self.0);
        command
    }

    fn run(&self, program: impl AsRef<OsStr>, words: &str) -> Output {
        run_command(&mut self.command(program, words))
    }

    /// Runs a driver that must refuse, and returns what it says.
    fn refused(&self, driver: &str, words: &str, variable: Option<(&str, &str)>) -> String {
        let output = self.command(driver, words).envs(variable).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{words}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

/// Runs a program again and again until it reports a race. Chance and the load of the machine decide when that is.
fn until_reported(program: &Path) -> String {
    let mut last = String::new();
    for _ in 0..30 {
        let output = Command::new(program).env_remove("KCSAN_OPTIONS").output().expect("it runs");
        last = String::from_utf8_lossy(&output.stderr).into_owned();
        let reported = last.contains("BUG: KCSAN: data-race in ");
        assert_eq!(output.status.code(), Some(if reported { 66 } else { 0 }), "{last}");
        assert!(last.contains(" watchpoints set, "), "each run says what it has done: {last}");
        if reported {
            return last;
        }
    }
    panic!("not found: {last}")
}

const COUNTER: &str = "#include <pthread.h>
    long count;
    static void *run(void *p) { for (int i = 0; i < 100000; i++) count++; return p; }
    int main(void) { pthread_t a, b; pthread_create(&a, 0, run, 0); pthread_create(&b, 0, run, 0);
        pthread_join(a, 0); pthread_join(b, 0); }";

#[test]
fn short_programs_are_found_by_default() {
    let folder = Folder::new();
    // The flag is written once, and 500 updates are unlocked among some hundred million other accesses.
    let flag = "#include <pthread.h>
        #include <unistd.h>
        int stop; long turns;
        static void *run(void *p) { while (!stop) { turns++; __asm__ volatile(\"\" ::: \"memory\"); } return p; }
        int main(void) { pthread_t a; pthread_create(&a, 0, run, 0); usleep(50000); stop = 1; pthread_join(a, 0); }";
    let rare = "#include <pthread.h>
        #include <stdlib.h>
        long total;
        __attribute__((noinline)) static void update(long more) { total += more; }
        static void *run(void *p) {
            unsigned *a = calloc(1 << 14, 4), x = 1;
            for (int b = 0; b < 250; b++) {
                for (int i = 0; i < 200000; i++) { x = x * 1664525 + 1013904223; a[x >> 18] += x; }
                update(a[5]);
            }
            return a; }
        int main(void) { pthread_t a, b; pthread_create(&a, 0, run, 0); pthread_create(&b, 0, run, 0);
            pthread_join(a, 0); pthread_join(b, 0); }";
    for (name, text) in [("counter", COUNTER), ("flag", flag), ("rare", rare)] {
        folder.write(&format!("{name}.c"), text);
        folder.run(CC, &format!("-g -O1 -pthread -o {name} {name}.c"));
        println!("{name}: {}", until_reported(&folder.path(name)).lines().last().unwrap_or(""));
    }
    assert!(until_reported(&folder.path("rare")).contains("data-race in update / update"));
}

#[test]
fn programs_without_threads_say_nothing() {
    let folder = Folder::new();
    folder.write("one.c", "int value; int main(void) { return value; }").run(CC, "-o one one.c");
    let quiet = folder.command(folder.path("one"), "").output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&quiet.stderr), "");
    let mut asked = folder.command(folder.path("one"), "");
    let asked = asked.env("KCSAN_OPTIONS", "stats=1").output().expect("it runs");
    assert!(String::from_utf8_lossy(&asked.stderr).starts_with("kcsan: 0 watchpoints set, "));
}

#[test]
fn help_may_be_cut() {
    for tool in [CC, CXX, env!("CARGO_BIN_EXE_cargo-kcsan")] {
        let mut command = Command::new(tool);
        command.arg("--help").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{tool}");
        assert_eq!(output.status.code(), Some(0), "{tool}");
    }
}

#[test]
fn nothing_is_lost_if_the_program_closes_standard_error() {
    let folder = Folder::new();
    let program = |close: &str| {
        format!(
            "#define _GNU_SOURCE\n#include <unistd.h>\n{}",
            COUNTER.replace("pthread_t a", &format!("{close}; pthread_t a"))
        )
    };
    folder.write("one.c", &program("close(2)"));
    folder.write("all.c", &program("close_range(0, ~0U, 0)"));
    folder.run(CC, "-g -O1 -pthread -o one one.c");
    folder.run(CC, "-g -O1 -pthread -o all all.c");
    until_reported(&folder.path("one"));
    // Nothing is left to write to but a file.
    let temporary = folder.path("temporary");
    fs::create_dir(&temporary).expect("a folder");
    let mut found = String::new();
    for _ in 0..30 {
        let mut command = folder.command(folder.path("all"), "");
        let mut child = command.env("TMPDIR", &temporary).spawn().expect("it starts");
        let status = child.wait().expect("it ends");
        let file = temporary.join(format!("kcsan-{}.txt", child.id()));
        found = fs::read_to_string(file).expect("the file");
        assert!(found.contains(" watchpoints set, "), "{found}");
        if found.contains("BUG: KCSAN") {
            assert_eq!(status.code(), Some(66));
            return;
        }
    }
    panic!("not found: {found}");
}

#[test]
fn a_daemon_keeps_nobody_waiting() {
    let folder = Folder::new();
    // The child gives standard error up, and lives until its standard input ends.
    let program = "#include <unistd.h>
        int main(void) { if (fork() > 0) return 0; close(1); close(2); char c; while (read(0, &c, 1) > 0) { } }";
    folder.write("daemon.c", program).run(CC, "-o daemon daemon.c");
    let mut command = folder.command(folder.path("daemon"), "");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stderr = child.stderr.take().expect("a pipe");
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(stderr.read_to_string(&mut String::new())));
    let ended = receiver.recv_timeout(DEADLINE);
    drop(child.stdin.take());
    child.wait().expect("it ends");
    ended.expect("standard error ends though the daemon lives").expect("it can be read");
}

#[test]
fn a_program_in_cpp() {
    let folder = Folder::new();
    let library = "struct Shape { virtual ~Shape() = default; virtual long area() const = 0; };
        struct Square : Shape { long side; explicit Square(long s) : side(s) { } long area() const override; };
        extern long total;
        void add(const Shape &shape);";
    let source = "#include \"shape.hh\"
        long Square::area() const { return side * side; }
        long total;
        void add(const Shape &shape) { total += shape.area(); }";
    let program = "#include \"shape.hh\"
        #include <memory>
        #include <mutex>
        #include <stdexcept>
        #include <string>
        #include <thread>
        #include <vector>
        static std::mutex lock;
        int main(int argc, char **argv) {
            const bool fixed = argc > 1 && std::string(argv[1]) == \"fixed\";
            auto shape = std::make_shared<Square>(3);
            auto run = [fixed, shape] {
                for (int i = 0; i < 20000; i++) {
                    std::unique_lock<std::mutex> held(lock, std::defer_lock);
                    if (fixed) held.lock();
                    add(*shape);
                    try { if (i % 100 == 0) throw std::runtime_error(\"x\"); }
                    catch (const std::exception &) { auto copy = shape; }
                }
            };
            std::vector<std::thread> threads;
            for (int i = 0; i < 2; i++) threads.emplace_back(run);
            for (auto &thread : threads) thread.join();
        }";
    folder.write("shape.hh", library).write("shape.cc", source).write("main.cc", program);
    folder.run(CXX, "-g -O1 -fPIC -shared -Wl,--no-undefined -o libshape.so shape.cc");
    folder.run(CXX, "-g -O1 -pthread -o shapes main.cc -L. -lshape -Wl,-rpath,$ORIGIN");
    let found = until_reported(&folder.path("shapes"));
    assert!(found.contains("data-race in add / add"), "{found}");
    let fixed = folder.command(folder.path("shapes"), "fixed").output().expect("it runs");
    let text = String::from_utf8_lossy(&fixed.stderr);
    assert!(fixed.status.success() && !text.contains("BUG:"), "{text}");
    // The driver goes by its name, so a link makes one with the usual name.
    std::os::unix::fs::symlink(CC, folder.path("kcsan-c++")).expect("a link");
    folder.run(folder.path("kcsan-c++"), "-g -O1 -pthread -o again main.cc shape.cc");
}

#[test]
fn what_build_systems_ask_of_a_compiler() {
    let folder = Folder::new();
    folder.write("a.c", "long count; void add(void) { count++; }");
    folder.write("b.c", "void add(void); void twice(void) { add(); add(); }");
    folder.write("c.s", ".globl nothing\nnothing: ret\n.section .note.GNU-stack,\"\",@progbits\n");
    folder.write(
        "main.c",
        &COUNTER
            .replace("count++", "twice(), nothing()")
            .replace("long count", "void twice(void), nothing(void)"),
    );
    // Several files at once, an archive, assembler, a response file, link-time optimisation.
    folder.run(CC, "-g -O1 -c a.c b.c c.s");
    folder.run("ar", "rcs libboth.a a.o b.o c.o");
    folder
        .write("arguments", "-g -O1 -pthread\n-o \"one\" main.c\n-L. -lboth\n")
        .run(CC, "@arguments");
    folder.run(CC, "-g -O1 -flto -pthread -o two main.c a.c b.c c.s");
    for program in ["one", "two"] {
        until_reported(&folder.path(program));
    }
    // Questions that need no source, and steps that make no program.
    assert!(String::from_utf8_lossy(&folder.run(CC, "--version").stdout).contains("Free Software"));
    folder.run(CC, "-dumpmachine");
    folder.run(CC, "-Wl,--version");
    let defined = folder.run(CC, "-E -dM -x c /dev/null").stdout;
    assert!(String::from_utf8_lossy(&defined).contains("__SANITIZE_THREAD__"));
    folder.run(CC, "-MM a.c");
    folder.run(CC, "-static -c a.c");
    folder.run(CC, "-r -nostdlib -o both.o a.o b.o");
    // A project that switches the sanitizer off for a file is obeyed.
    folder.run(CC, "-fno-sanitize=thread -c a.c");
    let symbols = folder.run("nm", "a.o").stdout;
    assert!(!String::from_utf8_lossy(&symbols).contains("__tsan_"));
}

#[test]
fn what_cannot_be_instrumented_is_said() {
    let folder = Folder::new();
    folder.write("a.c", "int main(void) { return 0; }").write("arguments", "'-m32' -c a.c\n");
    let refused = |words, sentence: &str| {
        let text = folder.refused(CC, words, None);
        assert!(text.contains(sentence) && text.lines().count() == 1, "{words}: {text}");
    };
    refused("-m32 -c a.c", "kcsan-cc: -m32: kcsan works for 64-bit x86 programs only");
    refused("@arguments", "kcsan-cc: -m32: ");
    refused("-static -o a a.c", "kcsan-cc: -static: a static program cannot have the runtime");
    refused("-fsanitize=undefined,address -c a.c", "kcsan-cc: -fsanitize=address: ");
    let named = |name, sentence: &str| {
        let text = folder.refused(CC, "-c a.c", Some(("KCSAN_CC", name)));
        assert!(text.contains(sentence) && text.lines().count() == 1, "{name}: {text}");
    };
    named("/nonexistent/cc", "KCSAN_CC=/nonexistent/cc: No such file");
    named("true", "this is not gcc 11 or newer");
    // The compiler may be behind another program.
    run_command(folder.command(CC, "-c a.c").env("KCSAN_CC", "env LC_ALL=C gcc"));
    let target =
        folder.command(env!("CARGO_BIN_EXE_cargo-kcsan"), "kcsan build --target wasm32-wasip1");
    let output = { target }.output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("target wasm32-wasip1: kcsan works for x86_64-unknown-linux-gnu only"));
}

/// Writes a workspace: a library with doctests and C code, whose build script and macro use a further member.
fn workspace(folder: &Folder) {
    let member = |name: &str, more: &str| {
        let head =
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        folder.write(&format!("{name}/Cargo.toml"), &(head + more));
    };
    folder.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"shared\", \"macros\", \"main\"]\n",
    );
    member("shared", "");
    folder.write("shared/src/lib.rs", "pub fn number(at: &mut u32) -> u32 { *at += 1; *at }");
    member(
        "macros",
        "[lib]\nproc-macro = true\n[dependencies]\nshared = { path = \"../shared\" }\n",
    );
    folder.write(
        "macros/src/lib.rs",
        "use proc_macro::TokenStream;
         /// ```
         /// assert_eq!(macros::two!(), 2);
         /// ```
         #[proc_macro] pub fn two(_: TokenStream) -> TokenStream {
             let mut at = 1;
             shared::number(&mut at).to_string().parse().unwrap()
         }",
    );
    let dependencies = "shared = { path = \"../shared\" }\n";
    member(
        "main",
        &format!(
            "[dependencies]\nmacros = {{ path = \"../macros\" }}\nrayon = \"1\"\n{dependencies}\
             tokio = {{ version = \"1\", features = [\"rt-multi-thread\", \"sync\", \"time\"] }}\n\
             [build-dependencies]\ncc = \"1\"\n{dependencies}"
        ),
    );
    folder.write(
        "main/build.rs",
        "fn main() {
            assert_eq!(shared::number(&mut 1), 2);
            cc::Build::new().file(\"src/add.c\").compile(\"add\");
        }",
    );
    folder.write("main/src/add.c", "long total; void add(long more) { total += more; }");
    folder.write("main/src/lib.rs", include_str!("programs/member.rs"));
}

#[test]
fn a_workspace_with_all_that_crates_have() {
    let folder = Folder::new();
    workspace(&folder);
    fs::copy(common::here().join("../../Cargo.lock"), folder.path("Cargo.lock")).expect("a copy");
    let test = |words: &str| {
        let words = format!("kcsan test --offline {words}");
        let mut command = folder.command(env!("CARGO_BIN_EXE_cargo-kcsan"), &words);
        command.env("CARGO_TARGET_DIR", folder.path("a target")).env("CC", CC);
        let output = command.output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), text, String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (passed, text, out) = test("--workspace");
    assert!(passed && !text.contains("BUG:"), "{text}{out}");
    assert!(out.contains("Doc-tests main") || text.contains("Doc-tests main"), "{text}{out}");
    for name in ["rayon", "tokio", "code_in_c"] {
        let mut last = (String::new(), String::new());
        let found = (0..10).any(|_| {
            let (_, text, out) = test(&format!("-p main --lib -- --ignored --exact tests::{name}"));
            let found = text.contains("BUG: KCSAN: data-race in ");
            last = (text, out);
            found
        });
        assert!(found, "{name}: {last:?}");
        println!("{name}: {}", last.0.lines().rfind(|line| line.contains("BUG:")).unwrap_or(""));
    }
    // A race of an example of the documentation, which runs in a program of its own.
    let example = "/// ```\n/// main::race();\n/// ```\npub fn example() {}\n";
    let library = fs::read_to_string(folder.path("main/src/lib.rs")).expect("the file");
    folder.write("main/src/lib.rs", &(library + example));
    let found = (0..10).any(|_| {
        let (_, text, out) = test("-p main --doc");
        [text, out].iter().any(|text| text.contains("BUG: KCSAN: data-race in main::"))
    });
    assert!(found, "the race of the example");
}
