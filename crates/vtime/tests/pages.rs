//! `man/vtime.1` is current. `ASEQD_BLESS=1 cargo test -p aseqd-vtime --test pages` prints it again.

#[path = "../../../validators/kreport/tests/manual/mod.rs"]
mod manual;

use std::fs;
use std::path::Path;

#[test]
fn the_manual_page_is_that_of_the_program() {
    let wanted = manual::page(vtime::cli::command(), "vtime", "1", &|_| "1", &[("aseqd-run", "1")]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../man/vtime.1");
    if std::env::var_os("ASEQD_BLESS").is_some() {
        fs::write(&path, &wanted).expect("the page can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let hint = "print it anew: ASEQD_BLESS=1 cargo test -p aseqd-vtime --test pages";
    assert!(found == wanted, "man/vtime.1 is not current; {hint}");
}
