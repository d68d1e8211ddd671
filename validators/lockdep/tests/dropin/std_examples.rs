//! The examples in the documentation of `std::sync`, compiled and run with the checked locks.
//!
//! They call every method, and say themselves what it returns. The documentation is a component of the toolchain.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use skip::skip;

use crate::scratch::{Scratch, passed, std_line};

/// The pages whose types are ours.
const PAGES: &[&str] = &[
    "index",
    "struct.Barrier",
    "struct.BarrierWaitResult",
    "struct.Condvar",
    "struct.LazyLock",
    "struct.Mutex",
    "struct.MutexGuard",
    "struct.Once",
    "struct.OnceLock",
    "struct.OnceState",
    "struct.PoisonError",
    "struct.RwLock",
    "struct.RwLockReadGuard",
    "struct.RwLockWriteGuard",
    "struct.WaitTimeoutResult",
    "enum.TryLockError",
    "mpsc/index",
    "mpsc/fn.channel",
    "mpsc/fn.sync_channel",
    "mpsc/struct.IntoIter",
    "mpsc/struct.Iter",
    "mpsc/struct.Receiver",
    "mpsc/struct.RecvError",
    "mpsc/struct.SendError",
    "mpsc/struct.Sender",
    "mpsc/struct.SyncSender",
    "mpsc/struct.TryIter",
    "mpsc/enum.TrySendError",
    "mpsc/enum.RecvTimeoutError",
    "mpsc/enum.TryRecvError",
];

/// An example: its program, and whether it has to panic.
struct Example {
    code: String,
    panics: bool,
}

fn documentation() -> Option<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let sysroot = String::from_utf8(output.stdout).ok()?;
    let folder = PathBuf::from(sysroot.trim()).join("share/doc/rust/html/std/sync");
    folder.is_dir().then_some(folder)
}

/// Returns the examples of a page that the stable compiler compiles. Their whole programs are in links to the
/// playground.
fn examples(page: &str) -> Vec<Example> {
    const LINK: &str = "href=\"https://play.rust-lang.org/?code=";
    let mut found = Vec::new();
    for wrap in page.split("<div class=\"example-wrap").skip(1) {
        let class = wrap.split('"').next().unwrap_or_default();
        let Some(link) = wrap.split(LINK).nth(1) else { continue };
        let code = decode(link.split("&amp;").next().unwrap_or_default());
        let is_other = ["compile_fail", "ignore"].iter().any(|kind| class.contains(kind));
        if !is_other && !code.contains("#![feature(") {
            found.push(Example { code, panics: class.contains("should_panic") });
        }
    }
    found
}

/// Decodes a part of an address.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next().unwrap_or_default()).to_digit(16).unwrap_or(0);
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => u8::try_from(digit() * 16 + digit()).unwrap_or_default(),
            other => other,
        });
    }
    String::from_utf8(bytes).expect("text")
}

#[test]
fn the_examples_of_std_compile_and_pass() {
    let Some(folder) = documentation() else {
        skip("this toolchain has no documentation (rustup component add rust-docs)");
        return;
    };
    let mut library = "#![allow(warnings)]\n".to_owned();
    let mut count = 0;
    for page in PAGES {
        let path = folder.join(format!("{page}.html"));
        let Ok(html) = std::fs::read_to_string(&path) else { continue };
        for example in examples(&html) {
            let name = page.replace(['/', '.'], "_").to_lowercase();
            let code = example.code.replace("#![allow(unused)]", "");
            let code = code.replacen("fn main()", "pub fn main()", 1);
            let expected = if example.panics { "#[should_panic]" } else { "" };
            let _ = writeln!(
                library,
                "mod {name}_{count} {{\n{code}\n}}\n\
                 #[test]\n{expected}\nfn test_{name}_{count}() {{ let _ = {name}_{count}::main(); }}"
            );
            count += 1;
        }
    }
    assert!(count > 60, "{count} examples in {}", folder.display());
    let scratch = Scratch::new("examples-of-std", &std_line(), &library);
    assert_eq!(passed(&scratch.cargo(&["test", "--offline", "--lib"])), count);
}
