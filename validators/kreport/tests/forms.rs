//! One report behind the prefixes and in the forms in which logs come.

use kreport::{Context, Stream, read};
use std::fmt::Write as _;

const OOPS: &str = "\
BUG: KASAN: slab-use-after-free in snd_seq_pool_done+0x1b/0x60 [snd_seq]
Read of size 4 at addr ffff888012345678 by task aplay/4242

CPU: 0 UID: 0 PID: 4242 Comm: aplay Not tainted 6.12.0 #1
Hardware name: QEMU Standard PC
Call Trace:
 <TASK>
 dump_stack_lvl+0x116/0x1f0
 print_report+0xc3/0x620
 kasan_report+0xd9/0x110
 snd_seq_pool_done+0x1b/0x60 [snd_seq]
 snd_seq_release+0x30/0x80 [snd_seq]
 __fput+0x3f8/0xb60
 do_syscall_64+0xcd/0x250
 </TASK>
";

const TITLE: &str = "KASAN: slab-use-after-free Read in snd_seq_pool_done";

/// Returns the report behind a prefix, in which `%` is the last digit of the time.
fn behind(prefix: &str) -> String {
    let mut out = String::new();
    for (number, line) in OOPS.lines().enumerate() {
        let prefix = prefix.replace('%', &(number % 10).to_string());
        let _ = writeln!(out, "{prefix}{line}");
    }
    out
}

/// Reads bytes as the program does, in parts of a length.
fn stream(bytes: &[u8], length: usize) -> Vec<(String, bool, usize)> {
    let mut stream = Stream::default();
    let mut found = Vec::new();
    let mut each = |report: kreport::Report<'_>| {
        found.push((report.title.clone(), report.corrupted, report.lines.len()))
    };
    for part in bytes.chunks(length) {
        stream.push(part, &mut each).expect("a log");
        stream.poll(&mut each);
    }
    stream.end_of_file().expect("a log");
    stream.flush(&mut each);
    found
}

#[test]
fn prefixes_of_all_forms_come_off() {
    // dmesg with its options, syslog, journalctl, consoles, /dev/kmsg, netconsole, logcat, CI systems, mail.
    let prefixes = [
        "",
        "[   12.34567%] ",
        "[   12.34567%][ T4242] ",
        "[   12.34567%][    C0] ",
        "[   12.34567%] [ T4242] ",
        "[  10.%] [  T777] ",
        "<4>[   12.34567%] ",
        "<4>",
        "kern  :warn  : [   12.34567%] ",
        "kern  :warn  : [Tue Nov 24 18:26:0% 2026] ",
        "kern  :warn  : 2026-11-24T18:26:06,12345%+00:00 ",
        "[Tue Nov 24 18:26:0% 2026] ",
        "[Di Nov 24 18:26:0% 2026] ",
        "[mar. nov. 24 18:26:0% 2026] ",
        "[mar nov 24 18:26:0% 2026] ",
        "[火 11月 24 18:26:0% 2026] ",
        "[Вт ноя 24 18:26:0% 2026] ",
        "[   12.34567% <    0.00001%>] ",
        "[<    0.00001%>] ",
        "[Tue Nov 24 18:26:0% 2026 <    0.00001%>] ",
        "[Nov24 18:26] ",
        "[  +0.00001%] ",
        "2026-11-24T18:26:06,12345%+00:00 ",
        "2026-11-24T18:26:06,12345%+00:00 [ T4242] ",
        "4,416,1234567%,-;",
        "4,416,1234567%,-,caller=T4242;",
        "6.12.0,4,416,1234567%,-,caller=T4242;",
        "Nov 24 18:26:0% host kernel: ",
        "Nov 24 18:26:0% host kernel: [   12.34567%] ",
        "2026-11-24T18:26:0%+00:00 host kernel: ",
        "2026-11-24T18:26:06.12345%+01:00 host kernel: [   12.34567%][ T4242] ",
        "Tue 2026-11-24 18:26:0% UTC host kernel: ",
        "1764379017.12345% host kernel: ",
        "[   12.34567%] host kernel: ",
        "kernel: ",
        "01-02 03:04:05.67%     0     0 E KERNEL  : ",
        "01-02 03:04:05.67%     0     0 I         : [   12.34567%] ",
        "01-02 03:04:05.67% E/KERNEL  (    0): ",
        "E/KERNEL  (  10%): ",
        "E(  10%) ",
        "W/kernel: ",
        "> ",
        ">> ",
        "> > [   12.34567%] ",
        "# ",
        "| ",
        "2026-11-24T18:26:06.123456%Z ",
        "2026-11-24T18:26:06.123456%Z [   12.34567%][ T4242] ",
        "2026-11-24 18:26:06.12% ",
        "[2026-11-24T18:26:06.12%Z] ",
        "18:26:0% ",
        "[18:26:0%] ",
        "00:00:12.34% console | ",
        "qemu-1  | ",
        "vm login: [   12.34567%] ",
        "(XEN) [   12.34567%] ",
        "\u{1b}[31m[   12.34567%]\u{1b}[0m ",
        "\u{1b}[32m[   12.34567%] \u{1b}[0m\u{1b}[33m",
    ];
    let mut wrong = Vec::new();
    for prefix in prefixes {
        let text = behind(prefix);
        let text = kreport::decode(text.as_bytes());
        let log = read(&text);
        let found: Vec<_> =
            log.reports.iter().map(|report| (report.title.as_str(), report.corrupted)).collect();
        if found != [(TITLE, false)] {
            wrong.push(format!("{prefix:?}: {found:?}"));
        } else if log.lines_outside() > 1 {
            // A blank line may have lost its prefix.
            wrong.push(format!("{prefix:?}: {} lines outside", log.lines_outside()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), prefixes.len(), wrong.join("\n"));
}

#[test]
fn callers_are_read_from_all_prefixes_that_have_them() {
    for prefix in
        ["[  10.%] [  T777] ", "4,416,1234567%,-,caller=T777;", "[2026-11-24 18:26:0%] [  T777] "]
    {
        let text = behind(prefix);
        let log = read(&text);
        assert_eq!(log.reports.len(), 1, "{prefix}");
        assert_eq!(log.reports[0].context, Context::Task(777), "{prefix}");
    }
}

#[test]
fn records_of_the_journal_and_of_dmesg_are_read() {
    let mut json = String::new();
    let (mut pretty, mut sequence, mut events, mut dmesg) =
        (String::new(), String::new(), String::new(), "{\n   \"dmesg\": [\n".to_owned());
    let mut export = Vec::new();
    let mut verbose = String::new();
    for (number, line) in OOPS.lines().enumerate() {
        let mut record = serde_json::json!({
            "__CURSOR": format!("s=1;i={number}"),
            "__MONOTONIC_TIMESTAMP": format!("{}", 12_000_000 + number),
            "_SOURCE_MONOTONIC_TIMESTAMP": format!("{}", 11_000_000 + number),
            "_TRANSPORT": "kernel",
            "SYSLOG_IDENTIFIER": "kernel",
            "MESSAGE": line,
        });
        if number == 2 {
            // A message that is not UTF-8 is a list of bytes.
            record["MESSAGE"] = serde_json::json!([]);
        }
        let _ = writeln!(json, "{record}");
        let _ = writeln!(pretty, "{record:#}");
        let _ = writeln!(sequence, "\u{1e}{record}");
        let _ = writeln!(events, "data: {record}\n");
        let fields = [
            ("pri", "4".to_owned()),
            ("time", format!("     {}.{number:06}", 11)),
            ("msg", serde_json::json!(line).to_string()),
        ];
        let fields: Vec<_> =
            fields.iter().map(|(key, value)| format!("         \"{key}\": {value}")).collect();
        let _ = writeln!(dmesg, "      {{\n{}\n      }},", fields.join(",\n"));
        export.extend_from_slice(
            format!(
                "__CURSOR=s=1;i={number}\n_TRANSPORT=kernel\n_SOURCE_MONOTONIC_TIMESTAMP={}\n",
                11_000_000 + number
            )
            .as_bytes(),
        );
        if number % 2 == 0 {
            export.extend_from_slice(format!("MESSAGE={line}\n\n").as_bytes());
        } else {
            export.extend_from_slice(b"MESSAGE\n");
            export.extend_from_slice(&(line.len() as u64).to_le_bytes());
            export.extend_from_slice(format!("{line}\n\n").as_bytes());
        }
        let _ = write!(
            verbose,
            "Tue 2026-11-24 18:26:06.123456 UTC [s=1;i={number};b=2;m=3;t=4;x=5]\n    _TRANSPORT=kernel\n    MESSAGE={line}\n    PRIORITY=4\n"
        );
    }
    dmesg += "   ]\n}\n";
    let forms: [(&str, &[u8]); 7] = [
        ("json", json.as_bytes()),
        ("json-pretty", pretty.as_bytes()),
        ("json-seq", sequence.as_bytes()),
        ("json-sse", events.as_bytes()),
        ("dmesg", dmesg.as_bytes()),
        ("export", &export),
        ("verbose", verbose.as_bytes()),
    ];
    for (form, bytes) in forms {
        for length in [7, 64, 100_000] {
            let found = stream(bytes, length);
            assert_eq!(found.len(), 1, "{form} in parts of {length}: {found:?}");
            assert_eq!(
                (found[0].0.as_str(), found[0].1),
                (TITLE, false),
                "{form} in parts of {length}"
            );
        }
    }
}

#[test]
fn reports_of_programs_in_the_journal_are_read() {
    let report = std::fs::read_to_string(format!(
        "{}/tests/programs/asan-gcc.txt",
        env!("CARGO_MANIFEST_DIR")
    ))
    .expect("a log");
    let json: String = report
        .lines()
        .map(|line| format!("{}\n", serde_json::json!({ "__CURSOR": "s=1", "_PID": "77", "SYSLOG_IDENTIFIER": "player", "MESSAGE": line })))
        .collect();
    let found = stream(json.as_bytes(), 1000);
    assert_eq!(found[0].0, "AddressSanitizer: heap-use-after-free in read_voice");
    assert_eq!(found.len(), 1);
}

#[test]
fn parts_of_any_length_give_the_same_reports() {
    let mut all = String::new();
    for folder in ["tests/reports", "tests/programs"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .expect("reports")
            .flatten()
            .map(|entry| entry.path())
            .collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "txt")) {
            all += &std::fs::read_to_string(file).expect("a report");
            // Messages, so that each report ends before the next begins.
            for number in 0..40 {
                let _ = writeln!(all, "[  999.{number:06}] systemd[1]: Started unit {number}.");
            }
        }
    }
    let whole = stream(all.as_bytes(), all.len());
    assert!(whole.len() > 150, "{}", whole.len());
    let mut wanted = whole.clone();
    wanted.sort();
    for length in [4096, 30_000] {
        let mut found = stream(all.as_bytes(), length);
        found.sort();
        assert_eq!(found, wanted, "in parts of {length}");
    }
}

#[test]
fn a_thousand_mixed_reports_are_all_found() {
    // Reports of 50 tasks whose lines come in turn, with lines of other tasks between.
    let mut text = String::new();
    let mut wanted = 0;
    for round in 0..20 {
        let mut tasks: Vec<Vec<String>> = Vec::new();
        for task in 0..50 {
            let name = format!("fn_g{round}_x{task}");
            let report = OOPS
                .replace("snd_seq_pool_done", &name)
                .replace("4242", &format!("{}", 1000 + task));
            tasks.push(report.lines().map(str::to_owned).collect());
            wanted += 1;
        }
        for line in 0..tasks[0].len() {
            for (task, lines) in tasks.iter().enumerate() {
                let _ = writeln!(
                    text,
                    "[{:5}.{line:06}][{:>6}] {}",
                    100 + 10 * round,
                    format!("T{}", 1000 + task),
                    lines[line]
                );
                if task % 7 == 0 {
                    let _ = writeln!(
                        text,
                        "[{:5}.{line:06}][  T9999] loop0: detected capacity change",
                        100 + 10 * round
                    );
                }
            }
        }
    }
    let log = read(&text);
    assert_eq!(log.reports.len(), wanted);
    assert_eq!(log.groups.len(), wanted, "no two are the same");
    assert!(log.reports.iter().all(|report| !report.corrupted));
    assert_eq!(stream(text.as_bytes(), 10_000).len(), wanted);
}

#[test]
fn messages_of_programs_are_no_reports() {
    for text in [
        "INFO: starting\nWARNING: no config\nINFO: done\n",
        "2026-11-24 18:26:06 INFO: starting\n2026-11-24 18:26:06 WARNING: x\n",
        "Nov 24 18:26:06 host player[12]: WARNING: no port\n",
        "[   12.345678] systemd[1]: WARNING: x\n",
        "a.c:1:10: fatal error: x.h: No such file or directory\n",
        "make[1]: WARNING: Clock skew detected\n",
    ] {
        let found: Vec<_> = read(text).reports.into_iter().map(|report| report.title).collect();
        assert!(found.is_empty(), "{text}: {found:?}");
    }
    for text in [
        "[   12.345678] BUG: something new\n",
        "BUG: something new\n",
        "[   12.345678] WARNING: new\n",
    ] {
        assert_eq!(read(text).reports.len(), 1, "{text}");
    }
}

#[test]
fn incomplete_reports_are_not_merged() {
    let text = "BUG: KASAN: slab-use-after-free in a\nhello\nBUG: KASAN: slab-use-after-free in b\nhello\n";
    let log = read(text);
    assert_eq!(log.reports.len(), 2);
    assert_eq!(log.groups.len(), 2);
    assert!(log.reports.iter().all(|report| report.corrupted));
}

#[test]
fn reports_that_lack_lines_are_incomplete() {
    let whole = behind("[   12.34567%] ");
    for lines in 1..6 {
        let cut: String = whole.lines().take(lines).flat_map(|line| [line, "\n"]).collect();
        let log = read(&cut);
        assert_eq!(log.reports.len(), 1);
        assert!(log.reports[0].corrupted, "{lines} lines: {}", log.reports[0].title);
    }
    let empty = OOPS.replace(" <TASK>\n", " <TASK>\nAllocated by task 1:\n\n");
    assert!(read(&empty).reports[0].corrupted, "a heading without a stack");
    let mixed = OOPS.replace(
        " dump_stack_lvl+0x116/0x1f0\n",
        " dump_stack_lvl+0x116/0x1f0\n should_fail+0x1/0x2\n",
    );
    assert!(read(&mixed).reports[0].corrupted, "the stack of an injected fault");
    assert!(!read(OOPS).reports[0].corrupted);
}

#[test]
fn held_locks_never_name_the_guilty() {
    let text = "\
WARNING: lock held when returning to user space!
6.12.0 #1 Not tainted
------------------------------------------------
aplay/4242 is leaving the kernel with locks still held!
1 lock held by aplay/4242:
 #0: ffff8880236dc130 (&mm->m){+.+.}-{4:4}, at: snd_seq_ioctl+0x52/0x120 sound/core/seq/seq.c:7
";
    let log = read(text);
    assert_eq!(
        log.reports[0].title,
        "WARNING: lock held when returning to user space in snd_seq_ioctl"
    );
    let guilty = log.reports[0].guilty.as_ref();
    assert!(guilty.is_none_or(|guilty| guilty.file.is_none()), "{guilty:?}");
}
