//! Checks that the pages that are printed from the code are current: `man/` and `docs/compatibility.md`.
//!
//! `ASEQD_BLESS=1 cargo test -p aseqd --test pages` prints them anew.

mod common;
#[path = "../../../validators/kreport/tests/manual/mod.rs"]
mod manual;

use aseqd_engine::{Node, Request, Support, requests};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn check(path: &Path, wanted: &str) {
    if std::env::var_os("ASEQD_BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        fs::write(path, wanted).expect("the page can be written");
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    let hint = "print it anew: ASEQD_BLESS=1 cargo test -p aseqd --test pages";
    assert!(found == wanted, "{} is not current; {hint}", path.display());
}

/// Returns the section of the manual that a page belongs to.
fn section(page: &str) -> &'static str {
    match page {
        "aseqd" => "7",
        "aseqd-serve" => "8",
        _ => "1",
    }
}

/// Returns the commands that have pages, by name, with the full names of their options.
fn commands() -> Vec<(String, clap::Command)> {
    let mut whole = aseqd::cli::command();
    whole.build();
    let shown = whole.get_subcommands().filter(|sub| !sub.is_hide_set());
    let shown = shown.filter(|sub| sub.get_name() != "help");
    shown.map(|sub| (format!("aseqd-{}", sub.get_name()), sub.clone())).collect()
}

/// Returns the pages that a page refers to.
fn see_also(page: &str) -> Vec<(&str, &str)> {
    let others: &[&str] = match page {
        "aseqd" => &["kreport"],
        "aseqd-run" => &["aseqd-serve", "aseqd-wait", "aseqd-ctl", "aseqd-doctor"],
        "aseqd-ctl" => &["aseqd-run"],
        "aseqd-serve" => &["aseqd-run", "aseqd-report", "aseqd-rules", "aseqd-doctor"],
        "aseqd-ls" | "aseqd-timers" => &["aseqd-connect", "aseqd-monitor"],
        "aseqd-connect" => &["aseqd-disconnect", "aseqd-ls", "aseqd-wait"],
        "aseqd-disconnect" => &["aseqd-connect", "aseqd-ls"],
        "aseqd-monitor" => &["aseqd-ls", "aseqd-connect", "aseqd-top"],
        "aseqd-wait" => &["aseqd-ls", "aseqd-connect"],
        "aseqd-top" => &["aseqd-monitor", "aseqd-connect", "aseqd-ls"],
        "aseqd-play" => &["aseqd-monitor", "aseqd-wait", "aseqd-record"],
        "aseqd-clock" => &["aseqd-play", "aseqd-record", "aseqd-monitor"],
        "aseqd-record" => &["aseqd-play", "aseqd-monitor", "aseqd-wait", "aseqd-replay"],
        "aseqd-send" => &["aseqd-port", "aseqd-monitor"],
        "aseqd-port" => &["aseqd-send", "aseqd-connect", "aseqd-wait", "aseqd-rules"],
        "aseqd-replay" => &["aseqd-run", "aseqd-report", "aseqd-monitor"],
        "aseqd-report" => &["aseqd-serve", "aseqd-replay"],
        "aseqd-rules" => &["aseqd-connect", "aseqd-ls", "aseqd-serve"],
        "aseqd-demo" => &["aseqd-play", "aseqd-bench"],
        "aseqd-doctor" => &["aseqd-run"],
        _ => &[],
    };
    let main = if page == "aseqd" { ("aseqd", "7") } else { ("aseqd", "1") };
    let mut all = vec![main];
    all.extend((page != "aseqd").then_some(("aseqd", "7")));
    all.extend(others.iter().map(|page| (*page, section(page))));
    all
}

#[test]
fn man_pages_are_those_of_the_program() {
    let mut pages = commands();
    pages.push(("aseqd".to_owned(), aseqd::cli::command()));
    for (name, command) in pages {
        let section = if name == "aseqd" { "1" } else { section(&name) };
        let text = manual::page(command, &name, section, &self::section, &see_also(&name));
        check(&root().join("man").join(format!("{name}.{section}")), &text);
    }
}

/// Returns all pages by `NAME.SECTION`.
fn pages() -> Vec<(String, String)> {
    let entries = fs::read_dir(root().join("man")).expect("the pages").flatten();
    let mut pages: Vec<_> = entries
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).expect("text");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    pages.sort();
    pages
}

#[test]
fn pages_refer_to_pages_that_exist() {
    // These pages belong to other projects.
    let others = ["read.2", "write.2", "stat.2", "poll.2", "aplaymidi.1", "aseqdump.1", "udev.7"];
    let pages = pages();
    for (name, text) in &pages {
        for line in text.lines().filter_map(|line| line.strip_prefix(".BR ")) {
            let mut words = line.split(' ');
            let (Some(page), Some(section)) = (words.next(), words.next()) else { continue };
            let Some((section, _)) =
                section.strip_prefix('(').and_then(|rest| rest.split_once(')'))
            else {
                continue;
            };
            let wanted = format!("{}.{section}", page.replace("\\-", "-"));
            let known = pages.iter().any(|(page, _)| *page == wanted) || others.contains(&&*wanted);
            assert!(known, "{name} refers to {wanted}");
        }
        assert!(!text.contains(".SH EXTRA"), "{name} names its sections");
    }
    // Otherwise pages of commands that are gone would stay.
    let commands = commands();
    for (page, _) in &pages {
        let command = page.split('.').next().expect("a name");
        let known = command == "aseqd"
            || ["kreport", "lockdep-run", "vtime"].contains(&command)
            || commands.iter().any(|(name, _)| name == command);
        assert!(known, "{page} is the page of a command");
    }
    let main = fs::read_to_string(root().join("man/aseqd.1")).expect("the page");
    let about = fs::read_to_string(root().join("man/aseqd.7")).expect("the page");
    for (name, _) in commands {
        let reference =
            |dash: &str| format!(".BR {} ({})", name.replace('-', dash), section(&name));
        assert!(main.contains(&reference("\\-")), "aseqd.1 refers to {name}");
        assert!(about.contains(&reference("-")), "aseqd.7 refers to {name}");
    }
}

/// aseqd(7) describes every variable that the program reads, or sets for its children.
#[test]
fn environment_variables_are_documented() {
    let about = fs::read_to_string(root().join("man/aseqd.7")).expect("the page");
    // These variables belong to others; the sources tell ours by their names.
    let others =
        ["NO_COLOR", "CLICOLOR_FORCE", "ALSA_OUTPUT_PORTS", "NOTIFY_SOCKET", "XDG_RUNTIME_DIR"];
    let mut wanted: BTreeSet<String> = others.into_iter().map(str::to_owned).collect();
    // Reads the sources of every crate; those of the preloaded library stand beside the crate that carries it.
    // The crate for tests is no part of the program; its own documentation has its variables.
    let crates = fs::read_dir(root().join("crates")).expect("the crates").flatten();
    let mut folders: Vec<_> = crates
        .filter(|entry| entry.file_name() != "testing")
        .flat_map(|entry| ["src", "library"].map(|part| entry.path().join(part)))
        .filter(|folder| folder.is_dir())
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // Tests have variables of their own.
            if path.ends_with("tests.rs") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("text");
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let names = text.split("\"ASEQD_").skip(1).filter_map(|rest| rest.split_once('"'));
            wanted.extend(names.map(|(name, _)| format!("ASEQD_{name}")));
        }
    }
    // The bench sets this one for its workers.
    wanted.remove("ASEQD_BENCH_SERVED");
    // Three variables that must be found: of the command line, of a crate below it, of the preloaded library.
    for name in ["ASEQD_VIA", "ASEQD_DEVICE", "ASEQD_SOCKET"] {
        assert!(wanted.contains(name), "{name} is found: {wanted:?}");
    }
    for name in wanted {
        assert!(about.contains(&format!(".B {name}\n")), "aseqd.7 has {name}");
    }
}

/// Only clap wraps the texts after the options, to the width of the terminal.
#[test]
fn help_is_wrapped_by_the_terminal_alone() {
    for (name, command) in commands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for paragraph in help.split("\n\n") {
            let (mut prose, examples): (Vec<_>, Vec<_>) =
                paragraph.lines().partition(|line| !line.starts_with("  "));
            prose.retain(|line| *line != "Examples:");
            assert!(prose.len() <= 1, "{name}: a paragraph is one line: {prose:?}");
            for line in examples {
                assert!(line.chars().count() < 80, "{name}: an example fits a terminal: {line}");
            }
        }
    }
}

#[test]
fn linters_have_nothing_to_say_of_the_pages() {
    let lint = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(root().join("man")).env("LC_ALL", "C.UTF-8");
        let output = command.output().expect("it was found");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let (mandoc, groff) = (common::have(&["mandoc"]), common::have(&["groff"]));
    for (page, _) in pages() {
        // A date would make pages differ without a change. Each line of the help is a paragraph.
        if mandoc {
            let said = lint("mandoc", &["-Tlint", "-Wstyle", &page]);
            let wrong: Vec<_> = said
                .lines()
                .filter(|line| !line.contains("date") && !line.contains("longer than 80 bytes"))
                .collect();
            assert!(wrong.is_empty(), "{wrong:#?}");
        }
        if groff {
            assert_eq!(lint("groff", &["-man", "-ww", "-z", "-Tutf8", &page]), "", "{page}");
        }
    }
}

#[test]
fn the_compatibility_page_is_that_of_the_table() {
    let mut page = String::from(
        "# Compatibility\n\n\
         This page compares aseqd with two references, Linux 7.3.4 and Linux 6.12.117, as Debian builds them: first the\n\
         requests that it answers, then the differences from 7.3 that a program can notice, then what differs between the\n\
         two kernels, and which of them aseqd follows. It is printed from the engine's tables of requests, from\n\
         `docs/known-differences.txt` and from `docs/kernel-differences.txt`.\n\n\
         ## Requests of `/dev/snd/seq`\n\n\
         | request | code | support | note |\n| --- | --- | --- | --- |\n",
    );
    let line = |request: &Request| {
        let support = match request.support {
            Support::Full => "full",
            Support::Partial => "partial",
            Support::Absent => "absent",
        };
        let name = match request.variant {
            "" => request.name.to_owned(),
            variant => format!("{} ({variant})", request.name),
        };
        format!("| {name} | {:#010x} | {support} | {} |\n", request.code, request.note)
    };
    page.extend(requests(Node::Sequencer).map(line));
    page.push_str(
        "\n## Requests of `/dev/snd/timer`\n\n\
         | request | code | support | note |\n| --- | --- | --- | --- |\n",
    );
    page.extend(requests(Node::Timer).map(line));
    page.push_str(
        "\n## Requests of `/dev/snd/controlC0`, with `--card`\n\n\
         | request | code | support | note |\n| --- | --- | --- | --- |\n",
    );
    page.extend(requests(Node::Control).map(line));
    page.push_str(
        "\n## Differences that a program can notice\n\n| difference | why |\n| --- | --- |\n",
    );
    let list = fs::read_to_string(root().join("docs/known-differences.txt")).expect("the list");
    for line in list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let (what, why) = line.split_once(" | ").expect("what | why");
        writeln!(page, "| {what} | {why} |").expect("a string");
    }
    page.push_str(
        "\n## Differences between Linux 6.12 and 7.3\n\n\
         aseqd follows the newer kernel, unless a program could depend on what the older one does, or the newer one is\n\
         worse ([decision 0021](decisions/0021-the-newest-kernel.md)).\n\n\
         | what | Linux 6.12.117 | Linux 7.3.4 | since | aseqd |\n| --- | --- | --- | --- | --- |\n",
    );
    let list = fs::read_to_string(root().join("docs/kernel-differences.txt")).expect("the list");
    for line in list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        assert_eq!(line.split(" | ").count(), 5, "what | 6.12 | 7.3 | since | aseqd: {line}");
        writeln!(page, "| {line} |").expect("a string");
    }
    assert!(page.contains(&format!("Linux {}", aseqd_engine::REFERENCE_KERNEL)));
    check(&root().join("docs/compatibility.md"), &page);
}

/// An option of a command.
struct Opt {
    /// The words of the command: `rules learn`.
    command: String,
    /// `--force` and `-f`.
    names: Vec<String>,
    help: Option<String>,
}

/// Adds the options of a command and its subcommands.
fn add_options(words: &str, command: &clap::Command, found: &mut Vec<Opt>) {
    let all = command.get_arguments().filter(|option| !option.is_positional());
    for option in all.filter(|option| !option.is_hide_set()) {
        // Every command has these two.
        if ["help", "version"].contains(&option.get_id().as_str()) {
            continue;
        }
        let long = option.get_long().map(|long| format!("--{long}"));
        let names = long.into_iter().chain(option.get_short().map(|short| format!("-{short}")));
        let help = option.get_help().map(ToString::to_string);
        found.push(Opt { command: words.to_owned(), names: names.collect(), help });
    }
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        add_options(&format!("{words} {}", sub.get_name()), sub, found);
    }
}

/// Returns the words of each test: of a file, or of a folder of files that are one program.
fn words_of_tests() -> Vec<BTreeSet<String>> {
    fn add(path: &Path, words: &mut BTreeSet<String>) {
        if path.is_dir() {
            let entries = fs::read_dir(path).expect("a folder").flatten();
            entries.for_each(|entry| add(&entry.path(), words));
            return;
        }
        let text = fs::read(path).expect("a file");
        let is_in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        let all = text.split(|byte| !is_in_word(byte)).filter(|word| !word.is_empty());
        words.extend(all.map(|word| String::from_utf8_lossy(word).into_owned()));
    }
    let mut tests = Vec::new();
    for folder in ["crates/aseqd/tests", "crates/testing/tests", "scripts", "packages/python/tests"]
    {
        let entries = fs::read_dir(root().join(folder)).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name() != "pages.rs") {
            let mut words = BTreeSet::new();
            add(&entry.path(), &mut words);
            tests.push(words);
        }
    }
    tests
}

/// A test names an option if it has the option and the words of its command. An option that several commands have with the
/// same help is one option.
#[test]
fn tests_name_each_option() {
    let mut all = Vec::new();
    for (name, command) in commands() {
        add_options(name.strip_prefix("aseqd-").expect("ours"), &command, &mut all);
    }
    let tests = words_of_tests();
    let is_named = |option: &Opt| {
        tests.iter().any(|words| {
            option.command.split(' ').all(|word| words.contains(word))
                && option.names.iter().any(|name| words.contains(name))
        })
    };
    let is_tested = |option: &Opt| {
        let same = |other: &&Opt| other.names == option.names && other.help == option.help;
        all.iter().filter(same).any(is_named)
    };
    let left = all.iter().filter(|option| !is_tested(option));
    let left: Vec<_> =
        left.map(|option| format!("{} {}", option.command, option.names[0])).collect();
    assert!(all.len() > 100 && left.is_empty(), "no test names these options: {left:#?}");
}
