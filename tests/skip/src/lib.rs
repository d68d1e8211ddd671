//! How a test says what it does not test here, and why.
//!
//! A program, a right or a device that a test needs may be missing. Such a test calls [`skip`] and returns. The
//! harness counts it as passed and swallows its output, so the words also go to the file that the environment
//! variable `ASEQD_SKIPS` names: `scripts/test` prints its lines as a table. Shell scripts do the same with
//! `scripts/skip.sh`.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

/// Names the file to which every skip adds a line.
pub const FILE: &str = "ASEQD_SKIPS";

/// Says that the test of this thread is not done here, or a part of it, and why: one sentence, on standard
/// error and in the file that [`FILE`] names.
///
/// # Panics
///
/// If the file cannot be written: a skip that nobody counts would look like a test that passed.
pub fn skip(why: &str) {
    let program = program();
    let test = match std::thread::current().name() {
        // A harness that runs one test alone runs it in the main thread.
        Some("main") | None => program,
        Some(test) => format!("{program} {test}"),
    };
    skip_part(&test, why);
}

/// Says that a program does not check something here, and why: both are short, and go where [`skip`] has its words.
///
/// # Panics
///
/// If the file cannot be written.
pub fn skip_part(what: &str, why: &str) {
    let line = line(what, why);
    let (what, why) = line.split_once('\t').unwrap_or((&line, ""));
    eprintln!("skipped: {what}: {why}");
    let Some(file) = std::env::var_os(FILE).filter(|file| !file.is_empty()) else { return };
    if let Err(error) = append(Path::new(&file), &line) {
        panic!("{}, named by {FILE}, cannot be written: {error}", file.display());
    }
}

/// Returns the line of one skip: what is skipped, a tab, the reason.
fn line(what: &str, why: &str) -> String {
    let why: Vec<_> = why.split_whitespace().collect();
    format!("{what}\t{}", why.join(" "))
}

/// Returns cargo's name of this test program: the file's name without the hash.
fn program() -> String {
    let own = std::env::current_exe().unwrap_or_default();
    let name = own.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match name.rsplit_once('-') {
        Some((name, hash)) if hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name.to_owned(),
        _ => name,
    }
}

/// Adds a line by one write, since other test programs add theirs at the same time.
fn append(file: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    file.write_all(format!("{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_one_line_with_test_and_reason() {
        let why = "not installed:\n  [\"aconnect\"]\n";
        let wanted = "programs listing::all\tnot installed: [\"aconnect\"]";
        assert_eq!(line("programs listing::all", why), wanted);
        assert!(["skip", "rust_out"].contains(&program().as_str()), "{}", program());
    }

    #[test]
    fn skips_of_several_programs_are_all_in_the_file() {
        let name = format!("skips-of-a-test-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        append(&file, "one\ta").expect("a new file");
        append(&file, "two\tb").expect("the same file");
        let text = std::fs::read_to_string(&file).expect("the file");
        std::fs::remove_file(&file).expect("the file");
        assert_eq!(text, "one\ta\ntwo\tb\n");
        assert!(append(Path::new("/nonexistent/file"), "x").is_err());
    }
}
