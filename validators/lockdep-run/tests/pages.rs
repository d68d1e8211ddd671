//! `man/lockdep-run.1` is current. `ASEQD_BLESS=1 cargo test -p lockdep-run --test pages` prints it again.

#[path = "../../kreport/tests/manual/mod.rs"]
mod manual;

use std::fs;
use std::path::Path;

#[test]
fn the_manual_page_is_that_of_the_program() {
    let others = [("kreport", "1")];
    let wanted = manual::page(lockdep_run::cli::command(), "lockdep-run", "1", &|_| "1", &others);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../man/lockdep-run.1");
    if std::env::var_os("ASEQD_BLESS").is_some() {
        fs::write(&path, &wanted).expect("the page can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let hint = "print it anew: ASEQD_BLESS=1 cargo test -p lockdep-run --test pages";
    assert!(found == wanted, "man/lockdep-run.1 is not current; {hint}");
}
