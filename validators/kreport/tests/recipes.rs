//! The commands of `docs/kreport.md` print what the page says.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs a command of the page in the folder of the repository, with `kreport` and a place for its files.
fn run(command: &str, scratch: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_kreport"));
    let path = format!(
        "{}:{}",
        program.parent().expect("a folder").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let command = command.replace("known.txt", scratch.join("known.txt").to_str().expect("text"));
    let output = Command::new("sh")
        .args(["-c", &command])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .env("PATH", path)
        .output()
        .expect("a shell");
    String::from_utf8(output.stdout).expect("text") + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn commands_print_what_the_page_says() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kreport.md"))
            .expect("the page");
    let scratch = tempfile::tempdir().expect("a folder");
    let mut commands = 0;
    for block in page.split("```\n").filter(|block| block.starts_with("$ ")) {
        for step in block.split("$ ").filter(|step| !step.is_empty()) {
            let (command, wanted) = step.split_once('\n').expect("a command");
            let found = run(command, scratch.path());
            assert_eq!(found.trim_end(), wanted.trim_end(), "$ {command}");
            commands += 1;
        }
    }
    assert!(commands >= 6, "{commands}");
}
