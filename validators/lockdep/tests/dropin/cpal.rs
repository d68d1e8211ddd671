//! The recipe for cpal in the documentation, on ALSA's device that plays into nothing.

use std::process::Command;
use std::time::{Duration, Instant};

use skip::skip;

use crate::scratch::{Scratch, text, validators};

/// Returns the block of code behind a mark.
fn block<'a>(page: &'a str, mark: &str) -> &'a str {
    let after = page.split(&format!("<!-- cpal: {mark} -->\n\n```")).nth(1).expect("a mark");
    let code = after.split_once('\n').expect("a line").1;
    code.split("```").next().unwrap_or_default()
}

#[test]
fn the_recipe_for_cpal_finds_what_it_says() {
    let has_alsa = Command::new("pkg-config").args(["--exists", "alsa"]).status();
    if !has_alsa.is_ok_and(|status| status.success()) {
        skip("libasound2-dev and pkg-config are not installed");
        return;
    }
    let page = validators().join("../docs/lockdep-rust.md");
    let page = std::fs::read_to_string(page).expect("the page");
    // As a user would, with this tree as the clone.
    let lines = block(&page, "Cargo.toml").replace("[dependencies]\n", "");
    let clone = format!("{}/", validators().display());
    let patch = block(&page, "patch").replace("../aseqd/validators/", &clone);
    let scratch = Scratch::new("beep", &format!("{lines}{patch}"), "");
    scratch.write("src/main.rs", block(&page, "src/main.rs"));
    if !scratch.cargo_fetch().status.success() {
        skip("cargo cannot download cpal here");
        return;
    }
    let output = scratch.cargo(&["build"]);
    assert!(output.status.success(), "{}", text(&output));
    let log = scratch.path().join("log");
    // Installing packages is not ours to do, and the program is built already.
    let built = scratch.built("beep");
    let run = |line: &str| match line {
        "cargo run" => format!("exec {}\n", built.display()),
        other => format!("{other}\n"),
    };
    let script: String =
        block(&page, "run").lines().filter(|line| !line.starts_with("apt-get")).map(run).collect();
    assert!(script.contains("exec "), "{script}");
    let mut child = Command::new("sh")
        .args(["-ec", &script])
        .env("LOCKDEP_LOG", &log)
        .current_dir(scratch.path())
        .spawn()
        .expect("it runs");
    let end = Instant::now() + Duration::from_secs(120);
    while child.try_wait().expect("a child").is_none() {
        if Instant::now() > end {
            let _ = child.kill();
            panic!("the program does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let found = std::fs::read_to_string(&log).unwrap_or_default();
    for line in block(&page, "output").lines() {
        assert!(found.lines().any(|it| it == line), "{line:?} in\n{found}");
    }
}
