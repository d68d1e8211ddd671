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
    // The packages of the recipe, from this tree instead of the registry.
    let lines = block(&page, "Cargo.toml").replace("[dependencies]\n", "");
    let local = |package: &str| format!("path = {:?}", validators().join(package));
    let mut dependencies = String::new();
    for line in lines.lines() {
        let package = if line.starts_with("std = ") { "lockdep-std" } else { "lockdep" };
        dependencies += &line.replace("version = \"0.1\"", &local(package));
        dependencies.push('\n');
    }
    let scratch = Scratch::new("beep", &dependencies, "");
    scratch.write("src/main.rs", block(&page, "src/main.rs"));
    scratch.write("asound.conf", "pcm.!default { type null }\n");
    if !scratch.cargo_fetch().status.success() {
        skip("cargo cannot download cpal here");
        return;
    }
    let output = scratch.cargo(&["build"]);
    assert!(output.status.success(), "{}", text(&output));
    let log = scratch.path().join("log");
    let mut child = Command::new(scratch.built("beep"))
        .env("ALSA_CONFIG_PATH", scratch.path().join("asound.conf"))
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
