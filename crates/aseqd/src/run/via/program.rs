//! Tells whether a program can load the library of the preload door.

use super::elf::{self, Need, Program};
use aseqd_server::door::preload::library::LIBRARY;
use object::ReadCache;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// How many scripts the kernel follows whose interpreter is a script itself.
const MAX_SCRIPTS: usize = 5;
/// How many bytes of a script's first line the kernel reads.
const MAX_LINE: usize = 256;

/// How the names of glibc's dynamic loaders start, on all architectures.
const GLIBC: [&str; 3] = ["ld-linux", "ld64.so", "ld.so"];
/// How the names of musl's start.
const MUSL: &str = "ld-musl-";

/// Returns why the program of a command cannot load the library; `None` if it can. `None` too if it need not because it
/// is `aseqd`, or if it cannot be read: then executing it gives a better message.
pub(in crate::run) fn refuses_libraries(command: &OsStr) -> Option<String> {
    let mut path = find(command)?;
    for _ in 0..MAX_SCRIPTS {
        let file = File::open(&path).ok()?;
        match interpreter_of_script(&file) {
            Some(interpreter) => path = interpreter,
            None => return refuses(&file, &path),
        }
    }
    None
}

/// Does the same for one file.
fn refuses(file: &File, path: &Path) -> Option<String> {
    let name = path.display();
    let program = Program::read(&ReadCache::new(file))?;
    let library = Program::read(LIBRARY)?;
    if program.is_64 != library.is_64 {
        return Some(format!("{name} is a program of another word size than the library"));
    }
    if program.machine != library.machine {
        return Some(format!("{name} is for another processor than the library"));
    }
    let Some(loader) = program.loader else {
        // Where aseqd is linked statically, its commands use `aseqd_client`, which needs no library.
        let why = format!("{name} is statically linked: it loads no library");
        return (!is_own_program(file)).then_some(why);
    };
    let loader = Path::new(&loader);
    let file_name = loader.file_name().unwrap_or_default().to_string_lossy();
    if file_name.starts_with(MUSL) {
        return None;
    }
    if !GLIBC.iter().any(|start| file_name.starts_with(start)) {
        return Some(format!(
            "{name} is for a C library that is neither glibc nor musl: it wants {file_name}"
        ));
    }
    let (file, version) = missing(loader, &elf::needed(LIBRARY).ok()?)?;
    Some(format!(
        "{name} has too old a C library for the library: {} has no {version}",
        file.display()
    ))
}

/// Returns what glibc lacks that the library needs: the path of a file, and the version that the file does not define.
/// The loader would end the program for it. Returns `None` if nothing is missing, as far as can be told.
///
/// The files are looked for in the loader's folder. The loader works with the `libc.so.6` of its own version only, so
/// they are installed side by side.
fn missing(loader: &Path, needs: &[Need]) -> Option<(PathBuf, String)> {
    let folder = fs::canonicalize(loader).ok()?;
    let folder = folder.parent()?;
    for needs in needs.chunk_by(|one, other| one.file == other.file) {
        let path = folder.join(&needs.first()?.file);
        let Ok(file) = File::open(&path) else { continue };
        let Ok(defined) = elf::defined(&ReadCache::new(file)) else { continue };
        if let Some(need) = needs.iter().find(|need| !defined.contains(&need.version)) {
            return Some((path, need.version.clone()));
        }
    }
    None
}

/// Returns whether a file is the program that runs here.
fn is_own_program(file: &File) -> bool {
    let identity = |file: std::io::Result<Metadata>| file.ok().map(|file| (file.dev(), file.ino()));
    identity(file.metadata()).is_some_and(|it| Some(it) == identity(fs::metadata("/proc/self/exe")))
}

/// Returns where `execvp` would find a command.
fn find(command: &OsStr) -> Option<PathBuf> {
    if command.as_bytes().contains(&b'/') {
        return Some(command.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/bin:/usr/bin"));
    let executable = |file: &PathBuf| {
        file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
    };
    std::env::split_paths(&path).map(|folder| folder.join(command)).find(executable)
}

/// Returns the interpreter that a script names after `#!`.
fn interpreter_of_script(file: &File) -> Option<PathBuf> {
    let mut head = Vec::new();
    let mut reader = file.take(MAX_LINE as u64);
    reader.read_to_end(&mut head).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let blank = |byte: &u8| byte.is_ascii_whitespace();
    let word = line.split(blank).find(|word| !word.is_empty())?;
    Some(OsString::from_vec(word.to_vec()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn program(folder: &Path, name: &str, bytes: &[u8]) -> OsString {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.into_os_string()
    }

    /// A program of 64 bits for this processor with one header, which names a loader.
    fn elf(loader: Option<&str>) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..20].copy_from_slice(&LIBRARY[..20]);
        bytes[32..40].copy_from_slice(&64_u64.to_ne_bytes());
        bytes[54..56].copy_from_slice(&56_u16.to_ne_bytes());
        bytes[56..58].copy_from_slice(&1_u16.to_ne_bytes());
        let mut header = [0; 56];
        if let Some(loader) = loader {
            header[..4].copy_from_slice(&object::elf::PT_INTERP.0.to_ne_bytes());
            header[8..16].copy_from_slice(&120_u64.to_ne_bytes());
            header[32..40].copy_from_slice(&(loader.len() as u64 + 1).to_ne_bytes());
        }
        bytes.extend(header);
        bytes.extend(loader.unwrap_or_default().bytes());
        bytes.push(0);
        bytes
    }

    #[test]
    fn programs_for_glibc_and_musl_take_a_library_and_others_say_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let refused =
            |name: &str, bytes: &[u8]| refuses_libraries(&program(folder.path(), name, bytes));
        assert_eq!(refused("glibc", &elf(Some("/lib64/ld-linux-x86-64.so.2"))), None);
        let why = refused("static", &elf(None)).unwrap();
        assert!(why.ends_with("static is statically linked: it loads no library"), "{why}");
        assert_eq!(refused("musl", &elf(Some("/lib/ld-musl-x86_64.so.1"))), None);
        let why = refused("other", &elf(Some("/lib/ld64-uClibc.so.0"))).unwrap();
        assert!(why.contains("neither glibc nor musl: it wants ld64-uClibc.so.0"), "{why}");
        let script = format!("#! {}/static -x\nhello\n", folder.path().display());
        assert!(refused("script", script.as_bytes()).unwrap().contains("static is statically"));
        assert_eq!(refused("text", b"hello"), None, "executing it says more");
        assert_eq!(refused("cut", &elf(None)[..80]), None, "executing it says more");
        assert_eq!(refuses_libraries(OsStr::new("/nonexistent")), None);
        let mut small = [0; 52];
        small[..7].copy_from_slice(b"\x7fELF\x01\x01\x01");
        assert!(refused("small", &small).unwrap().contains("another word size"));
        let mut foreign = elf(None);
        foreign[18] ^= 1;
        assert!(refused("foreign", &foreign).unwrap().contains("another processor"));
    }

    #[test]
    fn a_version_that_glibc_does_not_define_is_named() {
        let loader = Program::read(&ReadCache::new(File::open("/proc/self/exe").unwrap()));
        let Some(loader) = loader.unwrap().loader else { return };
        let loader = Path::new(&loader);
        let needs = elf::needed(LIBRARY).unwrap();
        assert!(needs.iter().any(|need| need.file == "libc.so.6"), "{needs:?}");
        assert_eq!(missing(loader, &needs), None);
        let need = |file: &str, version: &str| Need { file: file.into(), version: version.into() };
        let mut newer = needs;
        newer.push(need("libc.so.6", "GLIBC_9.99"));
        let (file, version) = missing(loader, &newer).unwrap();
        assert!(file.ends_with("libc.so.6"), "{file:?}");
        assert_eq!(version, "GLIBC_9.99");
        // Nothing is known about a file that is not beside the loader.
        assert_eq!(missing(loader, &[need("libother.so.1", "OTHER_1")]), None);
        assert_eq!(missing(Path::new("/nonexistent"), &newer), None);
    }

    #[test]
    fn a_loop_of_scripts_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loop");
        let text = format!("#!{}\n", path.display());
        assert_eq!(refuses_libraries(&program(folder.path(), "loop", text.as_bytes())), None);
    }

    #[test]
    fn a_shell_is_found_in_the_path() {
        let shell = find(OsStr::new("sh")).expect("there is a shell");
        assert!(shell.is_absolute());
        assert_eq!(refuses_libraries(OsStr::new("sh")), None, "the tests run on glibc");
    }
}
