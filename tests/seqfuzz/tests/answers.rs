//! Every answer that the tests know of a call comes from a program of the committed corpus, or has a reason not to.

use seqfuzz::fuzz::errnos::Answers;
use seqfuzz::parse_all;
use std::path::{Path, PathBuf};

const HEAD: &str = "\
<!-- Printed from the code: ASEQD_BLESS=1 cargo test -p seqfuzz --test answers -->
# Answers that the fuzzer gets

Each call of the sequencer and the timer that [seqfuzz](seqfuzz.md) can make, with what the committed corpus gets from the
engine: success (`ok`) and errnos. The last column has what the tests know besides: the conformance suite, the tests of the
engine, and the programs whose answers on Linux are recorded. Calls whose name ends in `32` are those of 32-bit processes.

";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn corpus() -> Answers {
    let text = std::fs::read_to_string(root().join("tests/seqfuzz/corpus/seeds.txt"));
    let programs = parse_all(&text.expect("the corpus")).expect("programs");
    let mut answers = Answers::default();
    for program in programs {
        answers.join(&Answers::of(&program));
    }
    answers
}

#[test]
fn the_corpus_gets_every_answer_that_is_within_reach() {
    let known = Answers::known();
    assert!(known.count() > 250, "the list has only {} answers", known.count());
    let hit = corpus();
    let missing = known.without(&hit).within_reach();
    assert_eq!(missing.count(), 0, "no program gets:\n{}", missing.text());

    let page = format!("{HEAD}{}", hit.table(&known));
    let path = root().join("docs/seqfuzz-answers.md");
    if std::env::var_os("ASEQD_BLESS").is_some() {
        std::fs::write(&path, &page).expect("the page");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "{} is not current: set ASEQD_BLESS=1", path.display());
}

#[test]
fn an_answer_that_is_no_longer_hit_is_missed() {
    let known = Answers::parse("open: ok ENOMEM\nt_start: ok EBADFD\n").expect("a list");
    let hit = Answers::parse("open: ok\nt_start: ok EBADFD\n").expect("a list");
    assert_eq!(known.without(&hit).within_reach().text(), "open: ENOMEM\n");
    assert_eq!(hit.share(&known), (3, 4));
    assert!(known.table(&known).contains("| `open` | ok, ENOMEM |  |"));
    assert!(hit.table(&known).contains("no reason"));
}

#[test]
fn a_list_is_read_as_it_was_written() {
    let known = Answers::known();
    assert_eq!(Answers::parse(&known.text()).expect("a list"), known);
    assert!(Answers::parse("open ok").is_err());
    assert!(Answers::parse("open: EWRONG").is_err());
}
