//! Pages that are printed from the code are current: `man/` and `docs/compatibility.md`.
//!
//! `ASEQD_BLESS=1 cargo test -p aseqd --test pages` prints them anew.

use engine::seq::ioctl::{Support, TABLE};
use engine::timer;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

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

#[test]
fn man_pages_are_those_of_the_program() {
    let command = aseqd::cli::command();
    let names = command.get_subcommands().map(|sub| sub.get_name().to_owned());
    let mut pages = vec![("aseqd".to_owned(), command.clone())];
    for name in names.filter(|name| name != "help") {
        let mut whole = command.clone();
        // Gives the subcommands their full names.
        whole.build();
        let sub = whole.find_subcommand(&name).expect("it was listed");
        pages.push((format!("aseqd-{name}"), sub.clone()));
    }
    for (name, page) in pages {
        let mut text = Vec::new();
        let section = if name == "aseqd-serve" { "8" } else { "1" };
        // The date of a page would change it without a change.
        let man =
            clap_mangen::Man::new(page).title(&name).section(section).date("").source("aseqd");
        man.render(&mut text).expect("the page can be printed");
        let path = root().join("man").join(format!("{name}.{section}"));
        check(&path, &String::from_utf8(text).expect("text"));
    }
}

#[test]
fn the_compatibility_page_is_that_of_the_table() {
    let mut page = String::from(
        "# Compatibility\n\n\
         Printed from the engine's table of requests and from `docs/known-differences.txt`.\n\
         The reference is Linux 6.12, UMP off.\n\n\
         ## Requests of `/dev/snd/seq`\n\n\
         | request | code | support | note |\n| --- | --- | --- | --- |\n",
    );
    let line = |name: &str, code: u32, support: Support, note: &str| {
        let support = match support {
            Support::Full => "full",
            Support::Partial => "partial",
            Support::Absent => "absent",
        };
        format!("| {name} | {code:#010x} | {support} | {note} |\n")
    };
    for entry in TABLE {
        page += &line(entry.name, entry.code, entry.support, entry.note);
    }
    page.push_str(
        "\n## Requests of `/dev/snd/timer`\n\n\
         | request | code | support | note |\n| --- | --- | --- | --- |\n",
    );
    for entry in timer::ioctl::TABLE {
        let name = match entry.variant {
            "" => entry.name.to_owned(),
            variant => format!("{} ({variant})", entry.name),
        };
        page += &line(&name, entry.code, entry.support, entry.note);
    }
    page.push_str("\n## What a program can tell\n\n| what it sees | why |\n| --- | --- |\n");
    let list = fs::read_to_string(root().join("docs/known-differences.txt")).expect("the list");
    for line in list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let (what, why) = line.split_once(" | ").expect("what | why");
        writeln!(page, "| {what} | {why} |").expect("a string");
    }
    check(&root().join("docs/compatibility.md"), &page);
}
