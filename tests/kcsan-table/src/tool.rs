//! The tools: how each builds the programs, runs one, and says that it found something.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, io};

use crate::renew;

/// No program runs longer than this; a tool that makes it so much slower has found nothing.
const TIMEOUT_S: &str = "60";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tool {
    TsanRust,
    Loom,
    OursRust,
    TsanC,
    Helgrind,
    OursC,
}

/// A program with a race, or the same one without it.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Racy,
    Fixed,
}

impl Tool {
    /// The columns of the table.
    pub(crate) const ALL: [Self; 6] =
        [Self::TsanRust, Self::Loom, Self::OursRust, Self::TsanC, Self::Helgrind, Self::OursC];

    /// Returns the head of the tool's column.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::TsanRust => "TSan, Rust",
            Self::Loom => "loom",
            Self::OursRust => "ours, Rust",
            Self::TsanC => "TSan, C",
            Self::Helgrind => "helgrind, C",
            Self::OursC => "ours, C",
        }
    }

    /// Returns whether the tool may miss a race by chance.
    pub(crate) fn is_sampling(self) -> bool {
        matches!(self, Self::OursRust | Self::OursC)
    }

    /// Returns whether a case can be written for the tool. A model has neither processes nor foreign code.
    pub(crate) fn knows(self, case: &str) -> bool {
        self != Self::Loom || !(case.contains("process") || case == "uninstrumented-code")
    }

    fn is_rust(self) -> bool {
        matches!(self, Self::TsanRust | Self::Loom | Self::OursRust)
    }

    /// Returns the command that builds the tool's programs, without what all such commands have.
    fn compiler(self) -> Command {
        let command = |words: &[&str]| {
            let mut command = Command::new(words[0]);
            command.args(&words[1..]);
            command
        };
        match self {
            Self::TsanRust => {
                // The standard library is built for TSan too: it does not see the locks of one that is not.
                let mut cargo =
                    command(&["cargo", "+nightly", "build", "-Zbuild-std", "--target", &host()]);
                cargo.env("RUSTFLAGS", "-Zsanitizer=thread");
                cargo
            }
            Self::Loom => command(&["cargo", "build", "--features", "loom"]),
            Self::OursRust => command(&["cargo", "kcsan", "build"]),
            Self::TsanC => command(&["cc", "-fsanitize=thread"]),
            Self::Helgrind => command(&["cc", "-DWITH_BARRIER"]),
            Self::OursC => command(&["kcsan-cc"]),
        }
    }
}

/// The tools that can be run here, with their programs.
pub(crate) struct Tools {
    work: PathBuf,
    /// The programs as no tool sees them: the other side of "uninstrumented process".
    plain_rust: PathBuf,
    plain_c: PathBuf,
    programs: BTreeMap<Tool, PathBuf>,
    /// The watchpoints that ours set in the programs without a race.
    watchpoints: [Cell<u64>; 2],
}

impl Tools {
    /// Builds the programs of some tools. Says on standard error which tools cannot be run here, and why.
    pub(crate) fn build(root: &Path, target: &Path, tools: &[Tool]) -> io::Result<Self> {
        let work = target.join(format!("kcsan-table/run.{}", std::process::id()));
        renew(&work)?;
        let builder = Builder { root, target, work: &work };
        let mut plain_cargo = Command::new("cargo");
        plain_cargo.arg("build");
        let plain_rust = builder.rust("plain-rust", plain_cargo, "release")?;
        let plain_c = builder.c("plain-c", Command::new("cc"))?;
        let mut programs = BTreeMap::new();
        for &tool in tools {
            match builder.tool(tool) {
                Ok(program) => _ = programs.insert(tool, program),
                Err(error) => eprintln!("{} cannot be run here: {error}", tool.title()),
            }
        }
        let watchpoints = [const { Cell::new(0) }; 2];
        Ok(Self { work, plain_rust, plain_c, programs, watchpoints })
    }

    /// Returns whether a tool can be run here.
    pub(crate) fn has(&self, tool: Tool) -> bool {
        self.programs.contains_key(&tool)
    }

    /// Returns how many watchpoints one of ours set in the programs without a race. "No race" is worth as much.
    pub(crate) fn watchpoints(&self, tool: Tool) -> u64 {
        self.watchpoints[usize::from(tool.is_rust())].get()
    }

    /// Runs a case and returns whether the tool says something. `options` are further options of ours.
    pub(crate) fn reports(
        &self,
        tool: Tool,
        case: &str,
        form: Form,
        ms: u32,
        options: &str,
    ) -> io::Result<bool> {
        let folder = self.work.join("reports");
        renew(&folder)?;
        let log = folder.join("log");
        let log = log.display();
        let program = &self.programs[&tool];
        let plain = if tool.is_rust() { &self.plain_rust } else { &self.plain_c };
        let mut run = Command::new("timeout");
        run.arg(TIMEOUT_S).env("RACES_MS", ms.to_string()).env("RACES_PEER", plain);
        match tool {
            Tool::TsanRust | Tool::TsanC => {
                run.env("TSAN_OPTIONS", format!("log_path={log}"));
            }
            Tool::Helgrind => {
                // The other side of this case is helgrind's own program, not looked at: both must meet at the same
                // kind of barrier.
                let children = if case == "uninstrumented-process" { "no" } else { "yes" };
                run.args(["valgrind", "--tool=helgrind"])
                    .arg(format!("--trace-children={children}"))
                    .arg(format!("--log-file={log}.%p"))
                    .env("RACES_PEER", program);
            }
            Tool::OursRust | Tool::OursC => {
                let table = self.work.join("table");
                let table = table.display();
                let options =
                    format!("skip=100 duty=100 stats=1 sink={log} shared={table} {options}");
                run.env("KCSAN_OPTIONS", options);
            }
            Tool::Loom => {}
        }
        run.arg(program).arg(case).arg(match form {
            Form::Racy => "racy",
            Form::Fixed => "fixed",
        });
        let said = run.output()?;
        let logs = fs::read_dir(&folder)?
            .map(|entry| Ok(String::from_utf8_lossy(&fs::read(entry?.path())?).into_owned()))
            .collect::<io::Result<Vec<String>>>()?;
        if tool.is_sampling() && matches!(form, Form::Fixed) {
            let set =
                logs.iter().flat_map(|log| log.lines()).filter_map(watchpoints_of).sum::<u64>();
            let sum = &self.watchpoints[usize::from(tool.is_rust())];
            sum.set(sum.get() + set);
        }
        let words = match tool {
            Tool::TsanRust | Tool::TsanC => "WARNING: ThreadSanitizer: data race",
            Tool::Helgrind => "Possible data race",
            Tool::OursRust | Tool::OursC => "BUG: KCSAN: data-race",
            Tool::Loom => return Ok(text(&said).contains("Causality violation")),
        };
        Ok(logs.iter().any(|log| log.contains(words)))
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        // What cannot be removed is build output like the rest of the folder.
        let _ = fs::remove_dir_all(&self.work);
    }
}

/// Builds the same program for several tools.
struct Builder<'a> {
    root: &'a Path,
    target: &'a Path,
    work: &'a Path,
}

impl Builder<'_> {
    fn tool(&self, tool: Tool) -> io::Result<PathBuf> {
        if tool == Tool::Helgrind && Command::new("valgrind").arg("--version").output().is_err() {
            return Err(io::Error::other("valgrind is not installed"));
        }
        if tool == Tool::TsanRust && !nightly_library().is_dir() {
            return Err(io::Error::other(
                "there is no source of the standard library (rustup component add rust-src --toolchain nightly)",
            ));
        }
        let compiler = tool.compiler();
        match tool {
            Tool::TsanRust => self.rust("tsan-rust", compiler, &format!("{}/release", host())),
            Tool::Loom => self.rust("loom", compiler, "release"),
            Tool::OursRust => {
                self.rust("ours-rust", compiler, &format!("kcsan/stable/{}/release", host()))
            }
            Tool::TsanC => self.c("tsan-c", compiler),
            Tool::Helgrind => self.c("helgrind", compiler),
            Tool::OursC => self.c("ours-c", compiler),
        }
    }

    /// Builds the Rust program, into a target folder of its own.
    fn rust(&self, name: &str, mut cargo: Command, built: &str) -> io::Result<PathBuf> {
        let target = self.target.join("kcsan-table").join(name);
        cargo.args(["--release", "--locked", "--package=kcsan-table", "--bin=races"]);
        self.build(cargo.env("CARGO_TARGET_DIR", &target))?;
        Ok(target.join(built).join("races"))
    }

    fn c(&self, name: &str, mut compiler: Command) -> io::Result<PathBuf> {
        let program = self.work.join(name);
        compiler.args(["-O1", "-g", "-pthread", "tests/kcsan-table/races.c", "-o"]).arg(&program);
        self.build(&mut compiler)?;
        Ok(program)
    }

    fn build(&self, command: &mut Command) -> io::Result<()> {
        // `cargo kcsan` and `kcsan-cc` lie beside this program.
        let own = env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default();
        let others = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([own].into_iter().chain(env::split_paths(&others)));
        command.env("PATH", path.map_err(io::Error::other)?);
        let output = command.current_dir(self.root).output()?;
        if output.status.success() {
            return Ok(());
        }
        let text = text(&output);
        let error =
            text.lines().find(|line| line.starts_with("error") || line.starts_with("could"));
        let error = error.or_else(|| text.lines().last());
        Err(io::Error::other(error.unwrap_or("the compiler fails without a word").to_owned()))
    }
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat()
}

/// Returns the number in `kcsan: 12 watchpoints set, ...`.
fn watchpoints_of(line: &str) -> Option<u64> {
    line.strip_prefix("kcsan: ")?.split_once(" watchpoints set")?.0.parse().ok()
}

/// Returns the target that programs are built for.
fn host() -> String {
    format!("{}-unknown-linux-gnu", env::consts::ARCH)
}

/// Returns where the nightly compiler has the source of its standard library.
fn nightly_library() -> PathBuf {
    let output = Command::new("rustc").args(["+nightly", "--print", "sysroot"]).output();
    let sysroot = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    Path::new(&sysroot.unwrap_or_default()).join("lib/rustlib/src/rust/library")
}
