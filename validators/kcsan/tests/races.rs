//! A table of behaviours: each defect is reported in the words of its row, and its twin is silent.

mod common;

use std::path::Path;

use common::{C, Outcome, RUST, case, until_found};

/// A defect: its name in `programs/cases.*`, and the words of its report.
type Row = (&'static str, &'static [&'static str]);

const RACE: &str = "BUG: KCSAN: data-race in ";
const ASSERT: &str = "BUG: KCSAN: assert: race in ";
const UNKNOWN: &str = "race at unknown origin, with read to 0x";

const RUST_ROWS: &[Row] = &[
    (
        "write-write",
        &[RACE, "cases::store / ", "write to 0x", " of 8 bytes by task ", "value changed: 0x"],
    ),
    ("read-write-1", &[RACE, "cases::load / ", "read to 0x", "write to 0x", " of 1 bytes"]),
    ("read-write-2", &[RACE, "read to 0x", "write to 0x", " of 2 bytes"]),
    ("read-write-4", &[RACE, "read to 0x", "write to 0x", " of 4 bytes"]),
    ("read-write-8", &[RACE, "read to 0x", "write to 0x", " of 8 bytes", "cases.rs:"]),
    ("overlap", &[RACE, "0 of 4 bytes", "2 of 1 bytes"]),
    ("overlap-wide", &[RACE, "4 of 4 bytes", "0 of 8 bytes"]),
    ("unaligned", &[RACE, "1 of 4 bytes", "4 of 1 bytes"]),
    ("border", &[RACE, "e of 4 bytes", "0 of 1 bytes"]),
    ("counter", &[RACE, "cases::add / cases::add", " of 8 bytes", "value changed: 0x"]),
    ("marked-write", &[RACE, "write (marked) to 0x", "read to 0x"]),
    ("marked-read", &[RACE, "read (marked) to 0x", "write to 0x"]),
    ("marked-change", &[RACE, "read-write (marked) to 0x", "read to 0x"]),
    ("marked-exchange", &[RACE, "read-write (marked) to 0x", "write to 0x", " of 1 bytes"]),
    ("readers", &[RACE, "read to 0x", "write to 0x"]),
    ("unknown", &[RACE, "cases::load+0x", UNKNOWN, "value changed: 0x"]),
    ("unknown-same", &[RACE, UNKNOWN, "value changed: 0x"]),
    ("same-value", &[RACE, "read to 0x", "write to 0x"]),
    ("assert-writer", &[ASSERT, "assert no writes to 0x", "write (marked) to 0x"]),
    ("assert-access", &[ASSERT, "assert no accesses to 0x", "read (marked) to 0x"]),
    (
        "assert-writer-scoped",
        &[ASSERT, "assert no writes to 0x", "cases.rs:", "write (marked) to 0x"],
    ),
    ("assert-access-scoped", &[ASSERT, "assert no accesses to 0x", "read (marked) to 0x"]),
    ("assert-bits", &[ASSERT, "assert no writes to 0x", " bits changed: 0x00000001 with mask 0x"]),
    ("data-race", &[RACE, "read to 0x", "write to 0x"]),
    ("checked-copy", &[RACE, "read to 0x", " of 64 bytes", " of 8 bytes"]),
    ("checked-fill", &[RACE, "write to 0x", " of 64 bytes", " of 2 bytes"]),
    ("flags", &[RACE, "write to 0x", " of 1 bytes", "value changed: 0x"]),
    ("double-check", &[RACE, "read to 0x", "write to 0x", " of 1 bytes"]),
    ("hand-over", &[RACE, "cases::add / cases::add"]),
    ("child", &[RACE, "read to 0x", "write to 0x", " [rust-stable-"]),
];

const C_ROWS: &[Row] = &[
    ("char", &[RACE, "read1 / write1", "write to 0x", " of 1 bytes", "cases.c:"]),
    ("short", &[RACE, "write2 / write2", " of 2 bytes"]),
    ("int", &[RACE, "add4 / write4", " of 4 bytes"]),
    ("long", &[RACE, "write8 / write8", " of 8 bytes"]),
    ("int128", &[RACE, "write16 / write16", " of 16 bytes"]),
    ("volatile", &[RACE, "write (marked) to 0x", "write to 0x"]),
    ("atomic", &[RACE, "write (marked) to 0x", "write to 0x"]),
    ("bitfield", &[RACE, "active_flag / locked_flag", " of 1 bytes", "value changed: 0x0"]),
    ("struct-copy", &[RACE, "copy_all / one_word", " of 64 bytes", " of 8 bytes"]),
    ("data-race", &[RACE, "meant_read / meant_write"]),
    ("assert-writer", &[ASSERT, "assert no writes to 0x", "write (marked) to 0x"]),
    ("assert-access", &[ASSERT, "assert no accesses to 0x", "read (marked) to 0x"]),
    ("assert-bits", &[ASSERT, " bits changed: 0x00000001 with mask 0x"]),
    (
        "assert-writer-scoped",
        &[ASSERT, "assert no writes to 0x", "scoped_writer+0x", "write (marked) to 0x"],
    ),
    (
        "assert-access-scoped",
        &[ASSERT, "assert no accesses to 0x", "scoped_access+0x", "read (marked) to 0x"],
    ),
    ("checked-range", &[RACE, "read-write to 0x", " of 64 bytes", " of 8 bytes"]),
    ("once", &[RACE, "read (marked) to 0x", "write to 0x"]),
    ("signal", &[RACE, " handler / main", "by interrupt on cpu"]),
];

fn check(program: &Path, rows: &[Row]) {
    for (name, phrases) in rows {
        let found = until_found(program, name, "", phrases);
        let read = kreport::read(&found.text);
        assert_eq!(read.reports.len(), found.reports(), "kreport reads it: {}", found.text);
        assert!(read.reports.iter().all(|report| !report.corrupted), "{}", found.text);
        let twin = case(program, &format!("no-{name}"), 60, "").output().expect("it runs");
        let twin = Outcome::of(&twin);
        assert_eq!(twin.reports(), 0, "the twin of {name}: {}", twin.text);
        println!("{name}: {} watchpoints, its twin {}", found.watchpoints, twin.watchpoints);
    }
}

#[test]
fn every_defect_in_rust_and_its_twin() {
    check(&RUST, RUST_ROWS);
}

#[test]
fn every_defect_in_c_and_its_twin() {
    check(&C, C_ROWS);
}
