//! The options: words of the form `name=value` in the environment variable `KCSAN_OPTIONS`.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

/// Numeric options, which accesses read. They have their defaults from the start, before the variable is read.
pub(crate) static SKIP: AtomicI32 = AtomicI32::new(4000);
pub(crate) static DELAY_NS: AtomicU64 = AtomicU64::new(80_000);
pub(crate) static RARE_NS: AtomicU64 = AtomicU64::new(2_000_000);
pub(crate) static DUTY: AtomicU32 = AtomicU32::new(25);
pub(crate) static ONCE_NS: AtomicU64 = AtomicU64::new(3_000_000_000);
pub(crate) static VALUE_CHANGE_ONLY: AtomicBool = AtomicBool::new(false);
pub(crate) static UNKNOWN_ORIGIN: AtomicBool = AtomicBool::new(true);
pub(crate) static PLAIN_WRITES_ATOMIC: AtomicBool = AtomicBool::new(false);
pub(crate) static WEAK_MEMORY: AtomicBool = AtomicBool::new(false);
/// Whether to print how many watchpoints were set: 0, 1, or -1 if the option is not given.
static STATS: AtomicI32 = AtomicI32::new(-1);
pub(crate) static EXIT_CODE: AtomicI32 = AtomicI32::new(66);

/// Options that are names, read once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) shared: Option<String>,
    pub(crate) suppressions: Option<String>,
    pub(crate) sink: Sink,
}

/// Where reports are written.
#[derive(Clone, Debug, Default)]
pub(crate) enum Sink {
    #[default]
    Stderr,
    /// Standard error. Then the program ends by `SIGABRT`.
    Panic,
    /// This file, by appending.
    File(String),
}

pub(crate) static NAMES: OnceLock<Names> = OnceLock::new();

/// Returns the option `stats`, if it is given.
pub(crate) fn stats() -> Option<bool> {
    let stats = STATS.load(Ordering::Relaxed);
    (stats >= 0).then_some(stats == 1)
}

/// Reads the variable's text. Returns an error of one line about the words that are wrong, and obeys the others.
pub(crate) fn read(text: &str) -> Result<(), String> {
    let mut names = Names::default();
    let mut wrong = Vec::new();
    for word in text.split_whitespace() {
        if let Err(reason) = set(word, &mut names) {
            wrong.push(reason);
        }
    }
    let _ = NAMES.set(names);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

fn set(word: &str, names: &mut Names) -> Result<(), String> {
    let (name, value) = word.split_once('=').ok_or_else(|| format!("{word:?} has no '='"))?;
    match name {
        "skip" => SKIP.store(number(word, value, 1, i32::MAX)?, Ordering::Relaxed),
        "delay_us" => {
            DELAY_NS.store(number::<u64>(word, value, 1, 1_000_000)? * 1000, Ordering::Relaxed);
        }
        "rare_us" => {
            RARE_NS.store(number::<u64>(word, value, 0, 1_000_000)? * 1000, Ordering::Relaxed);
        }
        "duty" => DUTY.store(number(word, value, 1, 100)?, Ordering::Relaxed),
        "once_ms" => {
            ONCE_NS.store(number::<u64>(word, value, 0, 1 << 40)? * 1_000_000, Ordering::Relaxed);
        }
        "value_change_only" => VALUE_CHANGE_ONLY.store(flag(word, value)?, Ordering::Relaxed),
        "unknown_origin" => UNKNOWN_ORIGIN.store(flag(word, value)?, Ordering::Relaxed),
        "plain_writes_atomic" => PLAIN_WRITES_ATOMIC.store(flag(word, value)?, Ordering::Relaxed),
        "weak_memory" => {
            let on = flag(word, value)?;
            if on && cfg!(not(target_arch = "x86_64")) {
                return Err(format!("{word:?} works on x86-64 only"));
            }
            WEAK_MEMORY.store(on, Ordering::Relaxed);
        }
        "stats" => STATS.store(flag(word, value)?.into(), Ordering::Relaxed),
        "exitcode" => EXIT_CODE.store(number(word, value, 0, 255)?, Ordering::Relaxed),
        "shared" => names.shared = Some(value.to_owned()),
        "suppressions" => names.suppressions = Some(value.to_owned()),
        "sink" => {
            names.sink = match value {
                "stderr" => Sink::Stderr,
                "panic" => Sink::Panic,
                file => Sink::File(file.to_owned()),
            }
        }
        _ => return Err(format!("there is no option {name:?}")),
    }
    Ok(())
}

fn number<T>(word: &str, value: &str, low: T, high: T) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    match value.parse() {
        Ok(number) if number >= low && number <= high => Ok(number),
        _ => Err(format!("{word:?} is not a number from {low} to {high}")),
    }
}

fn flag(word: &str, value: &str) -> Result<bool, String> {
    match value {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(format!("{word:?} is neither 0 nor 1")),
    }
}
