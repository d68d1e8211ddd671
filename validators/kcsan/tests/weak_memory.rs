//! `weak_memory=1`: stores that a processor may delay behind the atomic that publishes them.

#![cfg(target_arch = "x86_64")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Outcome, case, folder, here, run_command, rustc, until_found};

#[path = "../src/runtime/code/decode.rs"]
mod decode;
use decode::What;

const RACE: &str = "BUG: KCSAN: data-race in ";

fn c_program(name: &str, options: &[&str]) -> PathBuf {
    let program = folder().join(name);
    let mut compiler = Command::new(env!("CARGO_BIN_EXE_kcsan-cc"));
    compiler.args(["-g", "-O1", "-Wall", "-Werror", "-pthread"]).args(options).arg("-o");
    compiler.arg(&program).arg(here().join("tests/programs/publish.c"));
    run_command(&mut compiler);
    program
}

fn is_silent(program: &Path, name: &str, options: &str) {
    let output = case(program, name, 700, options).output().expect("it runs");
    let outcome = Outcome::of(&output);
    assert_eq!(outcome.reports(), 0, "{name} {options}: {}", outcome.text);
    assert!(outcome.watchpoints > 20, "{name} {options}: {}", outcome.text);
}

#[test]
fn a_store_that_nothing_orders_before_its_publication_is_found_in_c() {
    let program = c_program("publish", &[]);
    for name in ["relaxed", "branches", "leaves", "exchanges"] {
        let found = [RACE, "write (reordered) to 0x", "read to 0x", "publish.c:"];
        until_found(&program, name, "weak_memory=1", &found);
        is_silent(&program, name, "");
    }
    for name in [
        "release",
        "fence",
        "other-release",
        "locked",
        "locked-around",
        "assembler",
        "may-lock",
        "next-turn",
    ] {
        is_silent(&program, name, "weak_memory=1");
    }
}

#[test]
fn calls_through_the_linkers_tables_are_known_too() {
    for (name, options) in
        [("publish-plt", &["-fPIC", "-O2"][..]), ("publish-got", &["-fno-plt", "-O2"])]
    {
        let program = c_program(name, options);
        until_found(&program, "relaxed", "weak_memory=1", &[RACE, "write (reordered) to 0x"]);
        is_silent(&program, "locked", "weak_memory=1");
        is_silent(&program, "release", "weak_memory=1");
    }
}

#[test]
fn a_store_that_nothing_orders_before_its_publication_is_found_in_rust() {
    let program = folder().join("publish-rust");
    let mut rustc = rustc("stable");
    rustc.args(["-Copt-level=1", "-o"]).arg(&program);
    run_command(rustc.arg(here().join("tests/programs/publish.rs")));
    let found = [RACE, "write (reordered) to 0x", "read to 0x", "publish.rs:"];
    until_found(&program, "relaxed", "weak_memory=1", &found);
    is_silent(&program, "relaxed", "");
    is_silent(&program, "release", "weak_memory=1");
}

/// Compares the lengths of the instructions of a program with those that the disassembler of binutils finds.
#[test]
fn instructions_have_the_lengths_that_the_disassembler_finds() {
    let program = c_program("publish-lengths", &[]);
    let output =
        Command::new("objdump").args(["-d", "-w", "--section=.text"]).arg(&program).output();
    // The runtime is in another section.
    let mine =
        Command::new("objdump").args(["-d", "-w", "--section=kcsan_text"]).arg(&program).output();
    let (mut known, mut unknown) = (0, 0);
    for output in [output, mine] {
        let output = output.expect("objdump");
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Some([_, bytes, text]) =
                line.split('\t').collect::<Vec<_>>().first_chunk().copied()
            else {
                continue;
            };
            let bytes: Vec<u8> = bytes
                .split_whitespace()
                .map_while(|byte| u8::from_str_radix(byte, 16).ok())
                .collect();
            let mut padded = [0x90; decode::LONGEST];
            padded[..bytes.len()].copy_from_slice(&bytes);
            match decode::decode(&padded) {
                // Data in the code is no instruction.
                _ if text.starts_with("(bad)") || text.starts_with(".byte") => {}
                None => unknown += 1,
                Some(found) => {
                    known += 1;
                    assert_eq!(found.length, bytes.len(), "{line}");
                    let word = text.split_whitespace().next().unwrap_or_default();
                    let orders = ["lock", "mfence", "sfence", "lfence", "syscall", "cpuid"];
                    if orders.contains(&word) {
                        assert_eq!(found.what, What::Orders, "{line}");
                    }
                    let operand = text.split_whitespace().nth(1).unwrap_or_default();
                    let is_jump = word == "jmp" && !operand.starts_with('*');
                    assert_eq!(matches!(found.what, What::Jump(_)), is_jump, "{line}");
                    let is_branch = word.starts_with('j') && word != "jmp";
                    assert_eq!(matches!(found.what, What::Branch(_)), is_branch, "{line}");
                    let returns = ["ret", "repz"].contains(&word);
                    assert_eq!(found.what == What::Returns, returns, "{line}");
                    let ends = ["ud2", "int3", "hlt"].contains(&word);
                    assert_eq!(found.what == What::Ends, ends, "{line}");
                }
            }
        }
    }
    assert!(known > 50_000, "{known} instructions");
    assert!(unknown * 1000 < known, "{unknown} of {known} are not known");
}
