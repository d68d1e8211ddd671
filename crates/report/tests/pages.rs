//! `man/kreport.1` is that of the program. `ASEQD_BLESS=1 cargo test -p report --test pages` prints it
//! anew.

use std::fs;
use std::path::Path;

#[test]
fn the_manual_page_is_that_of_the_program() {
    let mut text = Vec::new();
    // The date of a page would change it without a change.
    let man = clap_mangen::Man::new(report::cli::command()).title("kreport").section("1").date("");
    man.source("aseqd").render(&mut text).expect("the page can be printed");
    let wanted = String::from_utf8(text).expect("text");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../man/kreport.1");
    if std::env::var_os("ASEQD_BLESS").is_some() {
        fs::write(&path, &wanted).expect("the page can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let hint = "print it anew: ASEQD_BLESS=1 cargo test -p report --test pages";
    assert!(found == wanted, "man/kreport.1 is not current; {hint}");
}
