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

#[test]
fn what_has_no_end_is_refused() {
    let zero = |option: &str| kreport(&[option, "/dev/zero", SEED], "");
    for (option, why) in [
        ("--known", "kreport: cannot read /dev/zero: it has more than 64 MiB\n"),
        ("--symbols", "kreport: /dev/zero: it is no regular file\n"),
    ] {
        let output = zero(option);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(String::from_utf8_lossy(&output.stderr), why);
    }
    // A mark at the beginning is no part of the first title.
    let (_folder, path) = file("known.txt", "\u{feff}* # all\r\n".as_bytes());
    assert_eq!(out(&kreport(&["--titles", "--known", &path, SEED], "")), "");
    let (_folder, path) = file("known.txt", b"\xff\n");
    let output = kreport(&["--known", &path, SEED], "");
    let why = format!("kreport: cannot read {path}: it is not text in UTF-8\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), why);
    // The files of /proc say that they have no bytes, and some of them never end.
    let output = kreport(&["--symbols", "/proc/self/fdinfo", SEED], "");
    assert_eq!(output.status.code(), Some(2));
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

/// Makes a file in a folder of its own.
fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("the file is written");
    let path = path.to_str().expect("text").to_owned();
    (folder, path)
}

#[test]
fn an_input_that_is_no_log_is_named_for_what_it_is() {
    let inputs: [(&[u8], &str); 6] = [
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "compressed with gzip"),
        (b"\x28\xb5\x2f\xfd\0\0", "compressed with zstd"),
        (b"\xfd7zXZ\0\0\0", "compressed with xz"),
        (b"LPKSHHRH\0\0\0\0", "a journal of systemd"),
        (b"\xff\xfeB\0U\0G\0:\0", "UTF-16"),
        (b"\0\0\0\0a\0\0\0b\n", "a binary file"),
    ];
    for (bytes, what) in inputs {
        let (_folder, path) = file("log", bytes);
        let output = kreport(&["--check", &path], "");
        assert_eq!(output.status.code(), Some(2), "{what}");
        let error = String::from_utf8(output.stderr).expect("text");
        assert!(error.contains(" is no log: ") && error.contains(what), "{error}");
        assert_eq!(error.lines().count(), 1);
    }
}

#[test]
fn known_reports_are_left_out_and_do_not_count() {
    let list = out(&kreport(&["--format", "known", SEED], ""));
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(
        list.contains(" # BUG: sleeping function called from invalid context in snd_card_locked\n")
    );
    let (_folder, path) = file("known.txt", list.as_bytes());
    let output = kreport(&["--check", "--known", &path, SEED], "");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(out(&output), "1 cause (1 known) of 3 reports; 176 lines, 0 outside of reports\n");
    assert_eq!(out(&kreport(&["--titles", "--known", &path, SEED], "")), "");
    let (_folder, path) = file("known.txt", b"BUG: sleeping function * # ours\n");
    let output = kreport(&["--check", "--titles", "--known", &path, SEED], "");
    assert_eq!(output.status.code(), Some(1), "the consequences are not known");
    assert_eq!(out(&output).lines().count(), 2);
    let (_folder, path) = file("known.txt", b"*\n");
    let output = kreport(&["--known", &path, SEED], "");
    assert_eq!(output.status.code(), Some(2), "a list that hides everything");
}

#[test]
fn the_exit_status_can_depend_on_the_kind() {
    let status = |check: &str| kreport(&[check, SEED], "").status.code();
    assert_eq!(status("--check=might-sleep"), Some(1));
    assert_eq!(status("--check=kasan,might-sleep"), Some(1));
    assert_eq!(status("--check=kernel"), Some(1));
    assert_eq!(status("--check=kasan"), Some(0));
    assert_eq!(status("--check=program"), Some(0));
    assert_eq!(status("--check=no-such-kind"), Some(2));
}

#[test]
fn signatures_are_the_same_in_other_logs() {
    let signature = |text: &str| {
        let json: serde_json::Value =
            serde_json::from_slice(&kreport(&["--json"], text).stdout).expect("JSON");
        json["groups"][0]["cause"]["signature"].as_str().expect("text").to_owned()
    };
    let text = |prefix: &str, pid: u32, offset: &str| {
        let lines = [
            "general protection fault, probably for non-canonical address 0xdffffc0000000003: 0000 [#1]".to_owned(),
            format!("CPU: 0 PID: {pid} Comm: aplay Not tainted"),
            format!("RIP: 0010:snd_seq_prioq_avail+{offset}"),
            "Call Trace:".to_owned(),
            " snd_seq_ioctl+0x1/0x2".to_owned(),
        ];
        lines.map(|line| format!("{prefix}{line}\n")).concat()
    };
    let one = signature(&text("", 1, "0x12/0x40"));
    assert_eq!(one, signature(&text("[   12.345678][   T77] ", 77, "0x30/0x48")));
    // The number itself is part of the interface.
    assert_eq!(one, "f1f164861b045ccb");
}

#[test]
fn ci_systems_get_their_forms() {
    let junit = out(&kreport(&["--format", "junit", SEED], ""));
    assert!(
        junit.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "),
        "{junit}"
    );
    assert!(junit.contains("tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\""));
    assert!(junit.contains("classname=\"kreport.might-sleep\""));
    assert!(junit.contains("&lt;TASK&gt;"), "texts are escaped");
    let none = out(&kreport(&["--format", "junit"], "all is well\n"));
    assert!(none.contains("tests=\"1\" failures=\"0\"") && none.contains("name=\"no reports\"/>"));

    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_slice(&kreport(args, "").stdout).expect("JSON")
    };
    let sarif = json(&["--format", "sarif", SEED]);
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "might-sleep");
    let location = &result["locations"][0];
    assert_eq!(
        location["physicalLocation"]["artifactLocation"]["uri"],
        "sound/core/seq/seq_clientmgr.c"
    );
    assert_eq!(location["physicalLocation"]["region"]["startLine"], 663);
    assert_eq!(location["logicalLocations"][0]["name"], "snd_seq_deliver_single_event");
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"][0]["id"], "might-sleep");

    let kcidb = json(&["--format", "kcidb", "--origin", "lab", "--test", "lab:boot-7", SEED]);
    assert_eq!(kcidb["version"]["major"], 5);
    assert_eq!(kcidb["issues"][0]["origin"], "lab");
    assert_eq!(kcidb["incidents"][0]["issue_id"], kcidb["issues"][0]["id"]);
    assert_eq!(kcidb["incidents"][0]["test_id"], "lab:boot-7");
}

#[test]
fn follow_prints_a_report_when_it_ends_while_the_input_goes_on() {
    use std::io::{BufRead, BufReader};
    let mut child = Command::new(env!("CARGO_BIN_EXE_kreport"))
        .arg("--follow")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let report = "WARNING: CPU: 0 PID: 1 at a.c:1 foo+0x1/0x2\nRIP: 0010:foo+0x1/0x2\nCall Trace:\n bar+0x1/0x2\n";
    let mut wait = |wanted: &str| {
        // The program closes the pipe if it fails, so this does not wait forever.
        let found = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with(wanted));
        assert!(found.is_some(), "{wanted}");
    };
    stdin.write_all(report.as_bytes()).expect("it reads");
    wait("WARNING in foo");
    stdin.write_all(report.as_bytes()).expect("it reads");
    wait("WARNING in foo (seen 2 times)");
    drop(stdin);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn symbols_of_a_folder_are_found_by_build_id_and_name() {
    use object::Object;
    let program = std::env::current_exe().expect("a path");
    let (name, size) = find_symbol(&program);
    let folder = tempfile::tempdir().expect("a folder");
    let below = folder.path().join("lib/modules/6.12.0/kernel");
    std::fs::create_dir_all(&below).expect("folders");
    let module = below.join("snd-probe.ko");
    std::fs::copy(&program, &module).expect("a module");
    std::fs::write(below.join("modules.dep"), "no program").expect("a file");
    let folder = folder.path().to_str().expect("text");
    let titled = |frame: &str| {
        let text = format!("BUG: x\nCall Trace:\n {frame}\n do_syscall_64+0x1/0x2\n");
        out(&kreport(&["--symbols", folder], &text))
    };
    let by_name = titled(&format!("{name}+0x5/{size:#x} [snd_probe]"));
    assert!(by_name.contains("program.rs:"), "{by_name}");
    let other = titled(&format!("{name}+0x5/{size:#x} [other]"));
    assert!(!other.contains("program.rs:"), "{other}");
    let data = std::fs::read(&module).expect("the module");
    let file = object::File::parse(&*data).expect("an executable");
    if let Ok(Some(id)) = file.build_id() {
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let by_id = titled(&format!("{name}+0x5/{size:#x} [renamed {id}]"));
        assert!(by_id.contains("program.rs:"), "{by_id}");
    }
    let empty = tempfile::tempdir().expect("a folder");
    let output = kreport(&["--symbols", empty.path().to_str().expect("text"), SEED], "");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn memory_does_not_grow_with_the_log() {
    // 30 MB of repeated reports.
    let report = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports/gpf.txt"),
    )
    .expect("a report");
    let mut text = String::new();
    while text.len() < 1 << 20 {
        text += &report;
    }
    let (_folder, path) = file("log", text.as_bytes());
    let paths: Vec<&str> = std::iter::repeat_n(path.as_str(), 30).collect();
    let limited = Command::new("sh")
        .args([
            "-c",
            "ulimit -v 150000 && exec \"$0\" --titles \"$@\"",
            env!("CARGO_BIN_EXE_kreport"),
        ])
        .args(paths)
        .output()
        .expect("a shell");
    assert_eq!(limited.status.code(), Some(0), "{}", String::from_utf8_lossy(&limited.stderr));
    assert_eq!(out(&limited).lines().count(), 1);
}

/// A log of nothing but headings has no report that can be merged with another.
#[test]
fn incomplete_reports_are_kept_up_to_a_limit_and_counted_beyond() {
    let mut text = String::new();
    for number in 0..20_000 {
        text += &format!(
            "[   12.000000] BUG: unable to handle page fault for address: {number:016x}\n"
        );
    }
    text += "[   12.000000] BUG: sleeping function called from invalid context at x.c:1\n";
    let output = kreport(&["--json"], &text);
    let log: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let listed = log["groups"].as_array().expect("groups").len();
    let dropped = log["dropped"].as_u64().expect("a number");
    assert_eq!(log["reports"], 20_001);
    assert!((10_000..20_000).contains(&listed), "{listed}");
    assert_eq!(dropped, 20_001 - listed as u64, "each report is a group of its own");
    let said = String::from_utf8_lossy(&output.stderr);
    let wanted = format!("kreport: {dropped} of 20001 reports are not listed: ");
    assert!(said.starts_with(&wanted) && said.lines().count() == 1, "{said}");
    let summary = out(&kreport(&[], &text));
    assert!(summary.contains(&format!("of 20001 reports ({dropped} not listed); ")));
    // The last report is not listed, and counts all the same.
    assert!(!out(&kreport(&["--titles"], &text)).contains("sleeping"));
    assert_eq!(kreport(&["--check=might-sleep"], &text).status.code(), Some(1));
    assert_eq!(kreport(&["--check=circular"], &text).status.code(), Some(0));
}
