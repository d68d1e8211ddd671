//! Files of suppressions, and baselines: findings that are known, and why.
//!
//! A line has terms `KEY:PATTERN`, which must all fit a finding, and then ` # ` and the reason. A line of a baseline
//! has the signature of a finding alone.

use std::cell::Cell;
use std::fmt::Write as _;
use std::path::Path;

use kreport::list::fits;
use kreport::{Kind, Report};

/// What a term is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// The function that was called and may wait.
    Call,
    /// The class of a lock of the report.
    Class,
    /// Any function of the stack.
    Function,
    /// The kind of the report.
    Kind,
    /// The library of the function to blame.
    Library,
    /// The signature.
    Signature,
    /// The name of the thread.
    Thread,
    /// The title.
    Title,
}

const KEYS: [(&str, Key); 8] = [
    ("call", Key::Call),
    ("class", Key::Class),
    ("function", Key::Function),
    ("kind", Key::Kind),
    ("library", Key::Library),
    ("signature", Key::Signature),
    ("thread", Key::Thread),
    ("title", Key::Title),
];

/// One line.
#[derive(Debug)]
struct Rule {
    number: usize,
    text: String,
    terms: Vec<(Key, String)>,
    reason: String,
    used: Cell<bool>,
}

/// The rules of a file.
#[derive(Debug)]
pub struct Rules {
    file: String,
    rules: Vec<Rule>,
}

impl Rules {
    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// Returns a sentence for each wrong line, with the name of the file and the number of the line.
    pub fn parse(file: &Path, text: &str) -> Result<Self, String> {
        let file = file.display().to_string();
        let mut rules = Vec::new();
        let mut wrong = String::new();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            match rule(number, line.trim()) {
                Ok(rule) => rules.extend(rule),
                Err(why) => {
                    let _ = writeln!(wrong, "{file}:{number}: {why}");
                }
            }
        }
        if wrong.is_empty() { Ok(Self { file, rules }) } else { Err(wrong.trim_end().to_owned()) }
    }

    /// Returns the reason for which a finding is known.
    pub fn reason(&self, report: &Report<'_>) -> Option<&str> {
        let mut found = None;
        // All rules that fit are in use, not only the first.
        for rule in self.rules.iter().filter(|rule| rule.fits(report)) {
            rule.used.set(true);
            found = found.or(Some(rule.reason.as_str()));
        }
        found
    }

    /// Returns a sentence for each rule that fitted no finding of the run. `seen` are the reports.
    #[must_use]
    pub fn unused(&self, seen: &[&Report<'_>]) -> Vec<String> {
        let unused = self.rules.iter().filter(|rule| !rule.used.get());
        unused
            .map(|rule| {
                let near = rule.nearest(seen).map(|name| format!("; did you mean {name}?"));
                let near = near.unwrap_or_default();
                format!("{}:{}: no finding fits {:?}{near}", self.file, rule.number, rule.text)
            })
            .collect()
    }

    /// Returns how many rules fitted no finding of the run.
    #[must_use]
    pub fn count_unused(&self) -> usize {
        self.rules.iter().filter(|rule| !rule.used.get()).count()
    }
}

/// Reads a line. Empty lines and comments are no rules.
fn rule(number: usize, line: &str) -> Result<Option<Rule>, String> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    // The line was trimmed, so the reason may be missing behind the sign.
    let (text, reason) = line.split_once(" #").unwrap_or((line, ""));
    let (text, reason) = (text.trim(), reason.trim());
    let mut terms = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.split_whitespace().next().unwrap_or_default();
        if is_signature(word) {
            terms.push((Key::Signature, word.to_owned()));
            rest = rest[word.len()..].trim_start();
            continue;
        }
        let Some((name, _)) = word.split_once(':') else {
            return Err(format!("{word:?} is no term KEY:PATTERN; keys are {}", names()));
        };
        let key = KEYS.iter().find(|(key, _)| *key == name).map(|(_, key)| *key);
        let key = key.ok_or_else(|| {
            let near = nearest(name, KEYS.iter().map(|(key, _)| *key));
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            format!("there is no key {name:?}{near} (keys are {})", names())
        })?;
        // A title has spaces, so it takes the rest of the line.
        let length = if key == Key::Title { rest.len() } else { word.len() };
        let pattern = rest[name.len() + 1..length].trim();
        check(key, pattern)?;
        terms.push((key, pattern.to_owned()));
        rest = rest[length..].trim_start();
    }
    if reason.is_empty() {
        return Err(
            "the reason is missing: end the line with \" # \" and why this is no defect".into()
        );
    }
    if terms.iter().all(|(_, pattern)| pattern.bytes().all(|byte| byte == b'*')) {
        return Err("this would hide every finding".into());
    }
    let (text, reason) = (text.to_owned(), reason.to_owned());
    Ok(Some(Rule { number, text, terms, reason, used: Cell::new(false) }))
}

fn check(key: Key, pattern: &str) -> Result<(), String> {
    if pattern.is_empty() {
        return Err("a pattern is empty".into());
    }
    let kinds = || Kind::ALL.iter().map(|kind| kind.name());
    match key {
        Key::Kind if !kinds().any(|kind| fits(pattern, kind)) => {
            let near = nearest(pattern, kinds()).map(|near| format!("; did you mean {near}?"));
            Err(format!("there is no kind {pattern:?}{}", near.unwrap_or_default()))
        }
        Key::Signature if !is_signature(pattern) => {
            Err(format!("{pattern:?} is no signature of 16 hexadecimal digits"))
        }
        _ => Ok(()),
    }
}

fn names() -> String {
    KEYS.map(|(name, _)| name).join(", ")
}

fn is_signature(word: &str) -> bool {
    word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Rule {
    fn fits(&self, report: &Report<'_>) -> bool {
        self.terms
            .iter()
            .all(|(key, pattern)| candidates(*key, report).iter().any(|text| fits(pattern, text)))
    }

    /// Returns the name in the run that is most like a term of this rule.
    fn nearest(&self, seen: &[&Report<'_>]) -> Option<String> {
        self.terms.iter().find_map(|(key, pattern)| {
            let all: Vec<String> =
                seen.iter().flat_map(|report| candidates(*key, report)).collect();
            if *key == Key::Signature || all.iter().any(|text| fits(pattern, text)) {
                return None;
            }
            nearest(pattern, all.iter().map(String::as_str)).map(str::to_owned)
        })
    }
}

/// Returns the texts of a finding that a term of a key is compared with.
fn candidates(key: Key, report: &Report<'_>) -> Vec<String> {
    let main = report.main_trace.and_then(|trace| report.traces.get(trace));
    let frames = || main.iter().flat_map(|trace| &trace.frames);
    let one = |text: Option<&str>| text.map(str::to_owned).into_iter().collect();
    match key {
        Key::Call => one(crate::findings::call(report)),
        Key::Class => report.locks.iter().map(|lock| lock.class.to_owned()).collect(),
        Key::Function => {
            let places = report.locks.iter().filter(|lock| lock.index.is_none());
            let places = places.flat_map(|lock| &lock.at);
            frames().chain(places).map(|frame| frame.function().to_owned()).collect()
        }
        Key::Kind => vec![report.kind.name().to_owned()],
        Key::Library => one(library(report)),
        Key::Signature => vec![format!("{:016x}", report.signature())],
        Key::Thread => one(report.task.as_ref().map(|task| task.comm)),
        Key::Title => vec![report.title.clone()],
    }
}

/// Returns the library of the function to blame. An inlined function is in that of the function around it.
fn library<'a>(report: &Report<'a>) -> Option<&'a str> {
    let guilty = report.guilty.as_ref()?;
    let trace = report.traces.get(report.main_trace?)?;
    let from = trace.frames.iter().position(|frame| *frame == guilty.frame);
    let around = trace.frames[from.unwrap_or_default()..].iter().find(|frame| !frame.inline);
    guilty.frame.module.or_else(|| around?.module)
}

/// Returns the name that is most like another one, if one is like it at all.
fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    /// Names that are less alike than this are unrelated (`clap` has 0.7 for options).
    const ALIKE: f64 = 0.75;
    let near = names.map(|other| (strsim::jaro_winkler(name, other), other));
    let near = near.filter(|(alike, _)| *alike > ALIKE);
    near.max_by(|one, two| one.0.total_cmp(&two.0)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        Rules::parse(Path::new("known.txt"), text).expect_err("a wrong line")
    }

    #[test]
    fn wrong_lines_are_told_with_their_number_and_the_nearest_name() {
        let told = wrong("# fine\n\nfuncton:process # why\nkind:might-slep # why\n");
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 2, "{told}");
        assert!(
            lines[0]
                .starts_with("known.txt:3: there is no key \"functon\"; did you mean function?")
        );
        assert_eq!(
            lines[1],
            "known.txt:4: there is no kind \"might-slep\"; did you mean might-sleep?"
        );
        assert!(wrong("function:process").contains("the reason is missing"));
        assert!(wrong("function:process # ").contains("the reason is missing"));
        assert!(wrong("function:* # all").contains("hide every finding"));
        assert!(wrong("process # why").contains("is no term KEY:PATTERN"));
        assert!(wrong("signature:12 # why").contains("is no signature"));
        assert!(wrong("function: # why").contains("empty"));
    }

    const REPORT: &str = "\
BUG: sleeping function called from invalid context at host.c:12
in_atomic(): 1, irqs_disabled(): 1, non_block: 0, pid: 7, name: audio
preempt_count: 10000, expected: 0
RCU nest depth: 0, expected: 0
no locks held by audio/7.
CPU: 0 UID: 0 PID: 7 Comm: audio Not tainted lockdep-0.1.0 #0
Hardware name: user space
Call Trace:
 <TASK>
 process+0x1b/0x60 [libplugin.so] host.c:12
 callback+0x1b/0x60 host.c:40
 </TASK>
lockdep: malloc() of 100 bytes may wait for the allocator.
";

    #[test]
    fn terms_fit_what_they_are_about_and_all_of_a_line_must() {
        let log = kreport::read(REPORT);
        let report = &log.reports[0];
        assert_eq!(
            report.title,
            "BUG: sleeping function malloc called from invalid context in process"
        );
        for (line, wanted) in [
            ("function:process", true),
            ("function:callback", true),
            ("function:proc*", true),
            ("function:proc", false),
            ("library:libplugin.so*", true),
            ("library:libc*", false),
            ("kind:might-sleep call:malloc", true),
            ("kind:might-sleep call:free", false),
            ("thread:audio", true),
            ("class:&lock", false),
            ("title:BUG: sleeping function malloc *", true),
        ] {
            let rules = Rules::parse(Path::new("f"), &format!("{line} # why")).expect(line);
            assert_eq!(rules.reason(report), wanted.then_some("why"), "{line}");
            assert_eq!(rules.count_unused(), usize::from(!wanted), "{line}");
        }
        let signature = format!("{:016x} # {}\n", report.signature(), report.title);
        let rules = Rules::parse(Path::new("f"), &signature).expect("a baseline");
        assert_eq!(rules.reason(report), Some(report.title.as_str()));
        let rules = Rules::parse(Path::new("f"), "function:proces # why").expect("a rule");
        assert_eq!(rules.reason(report), None);
        assert_eq!(
            rules.unused(&[report]),
            ["f:1: no finding fits \"function:proces\"; did you mean process?"]
        );
    }
}
