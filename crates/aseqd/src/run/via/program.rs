//! Tells whether a program can load the library of the preload door.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// How many scripts the kernel follows whose interpreter is a script itself.
const MAX_SCRIPTS: usize = 5;
/// How many bytes of a script's first line the kernel reads.
const MAX_LINE: usize = 256;

/// The type of the program header that names the dynamic loader, from `elf.h`.
const PT_INTERP: u32 = 3;
/// The ELF class of our library: 1 is 32 bits, 2 is 64 bits.
const ELF_CLASS: u8 = if cfg!(target_pointer_width = "64") { 2 } else { 1 };
/// How the names of dynamic loaders start that can load the library, on all architectures: three of glibc, then that of
/// musl.
const LOADERS: [&str; 4] = ["ld-linux", "ld64.so", "ld.so", "ld-musl-"];

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
    let elf = Elf::read(file)?;
    if elf.class != ELF_CLASS {
        return Some(format!("{name} is a program of another word size than the library"));
    }
    match elf.interpreter(file) {
        // Where aseqd is linked statically, its commands use `aseqd_client`, which needs no library.
        None if is_own_program(file) => None,
        None => Some(format!("{name} is statically linked: it loads no library")),
        Some(loader) => {
            let file_name = Path::new(&loader).file_name().unwrap_or_default().to_string_lossy();
            let known = LOADERS.iter().any(|start| file_name.starts_with(start));
            (!known).then(|| {
                format!(
                    "{name} is for a C library that is neither glibc nor musl: it wants {file_name}"
                )
            })
        }
    }
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

/// What the ELF header of a program says, in this machine's byte order.
struct Elf {
    class: u8,
    headers_at: u64,
    header_size: u64,
    headers: u64,
}

impl Elf {
    fn read(file: &File) -> Option<Self> {
        let mut head = [0; 64];
        file.read_exact_at(&mut head, 0).ok()?;
        if !head.starts_with(b"\x7fELF") {
            return None;
        }
        let class = head[4];
        let short = |at: usize| u64::from(u16::from_ne_bytes([head[at], head[at + 1]]));
        Some(if class == 2 {
            let headers_at = u64::from_ne_bytes(head[32..40].try_into().ok()?);
            Self { class, headers_at, header_size: short(54), headers: short(56) }
        } else {
            let headers_at = u32::from_ne_bytes(head[28..32].try_into().ok()?).into();
            Self { class, headers_at, header_size: short(42), headers: short(44) }
        })
    }

    /// Returns the dynamic loader that the program names; `None` if it is statically linked.
    fn interpreter(&self, file: &File) -> Option<OsString> {
        let mut header = [0; 56];
        let needed = if self.class == 2 { 56 } else { 32 };
        for number in 0..self.headers {
            let at = self.headers_at.checked_add(number * self.header_size)?;
            file.read_exact_at(&mut header[..needed], at).ok()?;
            if u32::from_ne_bytes(header[..4].try_into().ok()?) != PT_INTERP {
                continue;
            }
            let long = |at: usize| header[at..at + 8].try_into().ok().map(u64::from_ne_bytes);
            let short = |at: usize| {
                header[at..at + 4].try_into().ok().map(|bytes| u64::from(u32::from_ne_bytes(bytes)))
            };
            let (offset, size) = match self.class {
                2 => (long(8)?, long(32)?),
                _ => (short(4)?, short(16)?),
            };
            // The kernel takes no longer name either.
            let mut name = vec![0; usize::try_from(size.min(4096)).ok()?];
            file.read_exact_at(&mut name, offset).ok()?;
            name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
            return Some(OsString::from_vec(name));
        }
        None
    }
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

    /// A program of 64 bits with one header, which names a loader.
    fn elf(loader: Option<&str>) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..5].copy_from_slice(b"\x7fELF\x02");
        bytes[32..40].copy_from_slice(&64_u64.to_ne_bytes());
        bytes[54..56].copy_from_slice(&56_u16.to_ne_bytes());
        bytes[56..58].copy_from_slice(&1_u16.to_ne_bytes());
        let mut header = [0; 56];
        if let Some(loader) = loader {
            header[..4].copy_from_slice(&PT_INTERP.to_ne_bytes());
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
        assert_eq!(
            refused("cut", &elf(None)[..80]),
            refused("static", &elf(None)).map(|why| { why.replace("/static", "/cut") })
        );
        assert_eq!(refuses_libraries(OsStr::new("/nonexistent")), None);
        let mut small = elf(None);
        small[4] = 1;
        assert!(refused("small", &small).unwrap().contains("another word size"));
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
