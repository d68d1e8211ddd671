//! The program `kreport`, from the outside.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const SEED: &str = "tests/seeds/snd-timer-atomic-sleep.txt";

fn kreport(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kreport"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that does not read its input may end before the input is written.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn the_text_names_the_cause_the_guilty_and_what_followed() {
    let output = kreport(&[SEED], "");
    assert_eq!(output.status.code(), Some(0));
    let text = out(&output);
    assert!(
        text.starts_with(
            "1. BUG: sleeping function called from invalid context in snd_card_locked\n"
        )
    );
    assert!(
        text.contains("guilty: snd_seq_deliver_single_event at sound/core/seq/seq_clientmgr.c:663")
    );
    let led = text.find("which led to").expect("consequences");
    assert!(text[led..].contains("- inconsistent lock state in snd_timer_process_callbacks"));
    assert!(text[led..].contains("raw_local_irq_restore() called with IRQs enabled"));
    assert!(text.ends_with("1 cause of 3 reports; 176 lines, 0 outside of reports\n"));
}

#[test]
fn json_has_all_of_it() {
    let output = kreport(&["--json", SEED], "");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let group = &json["groups"][0];
    assert_eq!(group["count"], 1);
    assert_eq!(group["cause"]["kind"], "might-sleep");
    assert_eq!(group["cause"]["function"], "snd_card_locked");
    assert_eq!(group["cause"]["guilty"]["function"], "snd_seq_deliver_single_event");
    assert_eq!(group["cause"]["guilty"]["line"], 663);
    assert_eq!(group["cause"]["task"]["pid"], 1167);
    assert_eq!(group["cause"]["locks"].as_array().map(Vec::len), Some(2));
    assert_eq!(group["consequences"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        group["consequences"][1]["message"],
        "raw_local_irq_restore() called with IRQs enabled"
    );
    assert_eq!(json["lines"]["total"], 176);
    assert_eq!(json["lines"]["outside"], 0);
    let frames =
        group["cause"]["traces"].as_array().expect("traces").last().expect("one")["frames"].clone();
    assert_eq!(frames[0]["inline"], true);
    assert_eq!(frames[1]["at"], "lib/dump_stack.c:120");
}

#[test]
fn standard_input_is_read_and_titles_are_one_a_line() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(SEED))
        .expect("the seed");
    for args in [&["--titles"][..], &["--titles", "-"][..]] {
        let output = kreport(args, &text);
        assert_eq!(out(&output).lines().count(), 3);
    }
}

#[test]
fn the_timeline_is_in_order() {
    let text =
        "[    2.000000][    C1] BUG: second thing\n[    1.000000][   T10] BUG: first thing\n";
    let output = kreport(&["--timeline"], text);
    let text = out(&output);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("1.000000  task 10  cause 2   BUG: first thing"), "{text}");
    assert!(lines[1].starts_with("2.000000  cpu 1    cause 1   BUG: second thing"), "{text}");
}

#[test]
fn exit_statuses_are_those_of_the_help() {
    let status = |args: &[&str], input: &str| kreport(args, input).status.code();
    assert_eq!(status(&[], "all is well\n"), Some(0));
    assert_eq!(status(&["--check"], "all is well\n"), Some(0));
    assert_eq!(status(&[SEED], ""), Some(0));
    assert_eq!(status(&["--check", SEED], ""), Some(1));
    assert_eq!(status(&["--no-such-option"], ""), Some(2));
    assert_eq!(status(&["no/such/file"], ""), Some(2));
    assert_eq!(status(&["--json", "--timeline"], ""), Some(2));
    assert_eq!(status(&["--symbols", SEED, SEED], ""), Some(2));
    let error = kreport(&["no/such/file"], "").stderr;
    let error = String::from_utf8(error).expect("text");
    assert!(error.starts_with("kreport: cannot read no/such/file: "), "{error}");
    assert_eq!(error.lines().count(), 1);
}

#[test]
fn symbols_give_source_lines() {
    // This test program itself has symbols and debug information.
    let program = std::env::current_exe().expect("a path");
    let name = find_symbol(&program);
    let frame = format!("{}+0x5/{:#x}", name.0, name.1);
    let text = format!("BUG: x\nCall Trace:\n {frame}\n do_syscall_64+0x1/0x2\n");
    let output = kreport(&["--symbols", program.to_str().expect("text")], &text);
    let text = out(&output);
    assert!(text.contains("program.rs:"), "{text}");
}

/// Returns a function of this file that no title passes over, and its size.
fn find_symbol(program: &PathBuf) -> (String, u64) {
    use object::{Object, ObjectSymbol};
    let data = std::fs::read(program).expect("the program");
    let file = object::File::parse(&*data).expect("an executable");
    let symbols: Vec<_> = file.symbols().collect();
    let found = symbols.iter().find_map(|symbol| {
        let name = symbol.name().ok()?;
        let wanted = name.contains("a_function_to_look_for") && symbol.size() > 5;
        wanted.then(|| (name.to_owned(), symbol.size()))
    });
    found.unwrap_or_else(|| panic!("the symbol of {}", a_function_to_look_for(1)))
}

#[inline(never)]
fn a_function_to_look_for(number: u64) -> u64 {
    std::hint::black_box(number) * 3 + 1
}
