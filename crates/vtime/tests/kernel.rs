//! What programs get from the kernel besides time: random numbers from the seed, and no io_uring.

use std::process::{Command, Stdio};

/// Runs Python code in virtual time, and returns its output and the errors. Returns `None`, and skips, without Python.
fn python(options: &[&str], code: &str) -> Option<(String, String)> {
    if Command::new("python3").arg("--version").output().is_err() {
        skip::skip("python3 is not installed");
        return None;
    }
    let mut vtime = Command::new(env!("CARGO_BIN_EXE_vtime"));
    vtime.args(options).args(["--", "python3", "-c", code]).stdin(Stdio::null());
    let done = vtime.env_remove("PYTHONHASHSEED").output().expect("vtime runs");
    let [output, errors] =
        [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(done.status.success(), "{errors}");
    Some((output, errors))
}

#[test]
fn random_numbers_follow_from_the_seed() {
    let code = "import os, random; print(os.getrandom(16).hex(), random.random(), hash('x'))";
    let Some((first, _)) = python(&[], code) else { return };
    let again = python(&[], code).map(|(output, _)| output);
    assert_eq!(again, Some(first.clone()));
    let other = python(&["--seed", "7"], code).map(|(output, _)| output);
    assert_ne!(other, Some(first));
}

#[test]
fn io_uring_is_refused_in_a_sentence() {
    // io_uring_setup has the same number on all processors.
    let code = "import ctypes; c = ctypes.CDLL(None, use_errno=True); \
                print(c.syscall(425, 1, 0), ctypes.get_errno())";
    let Some((output, errors)) = python(&[], code) else { return };
    assert_eq!(output, "-1 38\n");
    assert_eq!(errors.matches("io_uring is refused").count(), 1, "{errors}");
}
