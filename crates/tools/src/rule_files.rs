//! Where the files of rules are.

use aseqd_host::error::{Context as _, Fail};
use aseqd_rules::{Learned, Problem, Rules};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// The rules of the machine.
const SYSTEM: &str = "/etc/aseqd/rules.d";
/// Where root's programs remember things.
const SYSTEM_STATE: &str = "/var/lib/aseqd";
/// Where root's programs keep what ends with the machine.
const SYSTEM_RUNTIME: &str = "/run/aseqd-rules";

/// Returns a variable that names a folder.
fn folder(variable: &str) -> Option<PathBuf> {
    let absolute = |value: &OsString| Path::new(value).is_absolute();
    std::env::var_os(variable).filter(absolute).map(PathBuf::from)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns the folder of the user's own files, if the user has a home.
fn own_folder() -> Option<PathBuf> {
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(config.join("aseqd"))
}

/// Returns the user's own file of rules, if the user has a home.
#[must_use]
pub fn own_file() -> Option<PathBuf> {
    Some(own_folder()?.join("rules.toml"))
}

/// Returns the file that `aseqd port add` writes, if the user has a home.
pub fn ports_file() -> Option<PathBuf> {
    Some(own_folder()?.join("ports.toml"))
}

/// Returns the files of rules in their order, whether they exist or not: those that are given, else the machine's and
/// the user's.
///
/// # Errors
/// A message if the folder of the machine's rules cannot be read.
pub fn files(given: Vec<PathBuf>) -> Result<Vec<PathBuf>, Fail> {
    if !given.is_empty() {
        return Ok(given);
    }
    let mut files = Vec::new();
    match fs::read_dir(SYSTEM) {
        Ok(entries) => {
            let paths = entries.flatten().map(|entry| entry.path());
            files.extend(paths.filter(|path| path.extension().is_some_and(|ext| ext == "toml")));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).context(&format!("{SYSTEM} cannot be read")),
    }
    files.sort();
    files.extend(
        own_folder()
            .into_iter()
            .flat_map(|own| ["rules.toml", "ports.toml"].map(|name| own.join(name))),
    );
    Ok(files)
}

/// Returns the folders whose changes can change [`files`].
pub fn folders(given: &[PathBuf]) -> Result<Vec<PathBuf>, Fail> {
    let learned = learned_file();
    let files = files(given.to_vec())?;
    let mut all: Vec<PathBuf> =
        files.iter().chain(&learned).filter_map(|file| parent(file)).collect();
    if given.is_empty() {
        all.push(SYSTEM.into());
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// Returns the folder of a file: `.` for one without.
fn parent(file: &Path) -> Option<PathBuf> {
    let parent = file.parent()?;
    Some(if parent.as_os_str().is_empty() { ".".into() } else { parent.to_owned() })
}

/// Returns the file of learned connections.
#[must_use]
pub fn learned_file() -> Option<PathBuf> {
    let state = folder("STATE_DIRECTORY").or_else(|| {
        let own = folder("XDG_STATE_HOME");
        let own = own.or_else(|| Some(folder("HOME")?.join(".local/state")).filter(|_| !is_root()));
        own.map(|own| own.join("aseqd")).or_else(|| is_root().then(|| SYSTEM_STATE.into()))
    })?;
    Some(state.join("learned.toml"))
}

/// Returns the folder in which a running `aseqd rules run` says what it does.
pub fn runtime_folder() -> Option<PathBuf> {
    let own = folder("XDG_RUNTIME_DIR").map(|own| own.join("aseqd-rules"));
    own.or_else(|| is_root().then(|| SYSTEM_RUNTIME.into()))
}

/// The most bytes that a file of rules may have: ten thousand rules have less than one MiB. Without a limit, a wrong name
/// such as `/dev/zero` takes all memory.
const MAX_BYTES: u64 = 16 << 20;

/// Returns the text of a file.
///
/// # Errors
/// The error of the open or of a read; [`ErrorKind::InvalidInput`] for a FIFO, which nobody may write to; [`ErrorKind::FileTooLarge`] for more than 16 MiB; [`ErrorKind::InvalidData`] for
/// what is not UTF-8.
pub fn read(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.file_type().is_fifo() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is a pipe"));
    }
    read_all(File::open(path)?)
}

/// Returns the text of a file, or for `-` that of standard input.
///
/// # Errors
/// A message if it cannot be read.
pub fn read_given(path: &Path) -> Result<String, Fail> {
    if path == Path::new("-") {
        return read_all(io::stdin()).context("standard input cannot be read");
    }
    let text = File::open(path).and_then(read_all);
    text.with_context(|| format!("{} cannot be read", path.display()))
}

fn read_all(from: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    if from.take(MAX_BYTES + 1).read_to_end(&mut bytes)? as u64 > MAX_BYTES {
        return Err(io::Error::new(ErrorKind::FileTooLarge, "it has more than 16 MiB"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        io::Error::new(ErrorKind::InvalidData, format!("line {line} is not text in UTF-8"))
    })
}

/// Returns the text of a file, or `None` if it does not exist.
fn text(path: &Path, given: bool) -> Result<Option<String>, Fail> {
    // A shell gives the output of a command as a FIFO.
    match if given { File::open(path).and_then(read_all) } else { read(path) } {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// What all files say.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The rules of the files, then those that were learned.
    pub rules: Rules,
    /// What was learned alone.
    pub learned: Learned,
    /// What is wrong in the files.
    pub problems: Vec<Problem>,
    /// How many files there are.
    pub count: usize,
}

/// Reads these files, or all if none is given.
///
/// # Errors
/// A message if a file cannot be read, or one that was given does not exist.
pub fn load_of(given: Vec<PathBuf>) -> Result<Loaded, Fail> {
    let mut loaded = Loaded { learned: Learned::new(), ..Loaded::default() };
    let optional = given.is_empty();
    for path in files(given)? {
        let Some(text) = text(&path, !optional)? else {
            if optional {
                continue;
            }
            return Err(Fail::new(format!("{} does not exist", path.display())));
        };
        let (rules, problems) = Rules::read(&path.display().to_string(), &text);
        loaded.rules.extend(rules);
        loaded.problems.extend(problems);
        loaded.count += 1;
    }
    if let Some(path) = learned_file()
        && let Some(text) = text(&path, false)?
    {
        let (learned, problems) = Learned::read(&path.display().to_string(), &text);
        loaded.problems.extend(problems);
        loaded.learned = learned;
    }
    loaded.rules.rules.extend(loaded.learned.rules().cloned());
    Ok(loaded)
}

/// Writes a file anew. Whoever reads it meanwhile sees the old one or the new one. What is no regular file, such as a
/// FIFO, is written to.
///
/// # Errors
/// A message if the folder cannot be made or the file cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), Fail> {
    let failed = || format!("{} cannot be written", path.display());
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return fs::write(path, text).with_context(failed);
    }
    if let Some(folder) = parent(path) {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(name);
    // A process with the same number that was killed may have left one.
    let _gone = fs::remove_file(&beside);
    // Never through a link that somebody else has put there.
    let made = OpenOptions::new().write(true).create_new(true).open(&beside);
    let written = made.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        fs::rename(&beside, path)
    });
    if written.is_err() {
        let _gone = fs::remove_file(&beside);
    }
    written.with_context(failed)
}
