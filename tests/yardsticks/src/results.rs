//! What the suite found: a result for each case, in the order of the suite.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The kernels of [`table`], oldest first.
pub(crate) const COLUMNS: [&str; 3] = ["6.1", "6.12", "7.3"];

/// What the suite found on one yardstick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Results {
    /// Name and build of the kernel, as `uname` prints them; empty if it was none.
    pub kernel: String,
    /// A result for each case.
    pub cases: Vec<Case>,
}

/// What it found of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// Subject and name, as in `open::flags_that_cannot_be_met_fail`.
    pub name: String,
    /// `pass`, `fail`, `skip` or `known`.
    pub result: String,
    /// What was seen, or why it was skipped. Empty in a record.
    pub why: String,
}

impl Results {
    /// Reads the suite's `--format plain`, which is the form of records too.
    pub(crate) fn from_plain(text: &str) -> Result<Self, String> {
        let kernel = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let cases = lines.map(|line| match line.split_once(' ') {
            Some((name, result)) if !result.contains(' ') => {
                Ok(Case { name: name.into(), result: result.into(), why: String::new() })
            }
            _ => Err(format!("not a result: {line}")),
        });
        Ok(Self { kernel: kernel.into(), cases: cases.collect::<Result<_, _>>()? })
    }

    /// Reads the suite's `--format json`.
    pub(crate) fn from_json(text: &str) -> Result<Self, String> {
        let cases = text.lines().map(|line| {
            let value: serde_json::Value =
                serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
            let field = |name: &str| value[name].as_str().map(str::to_owned);
            match (field("case"), field("result"), field("why")) {
                (Some(name), Some(result), Some(why)) => Ok(Case { name, result, why }),
                _ => Err(format!("not a result: {line}")),
            }
        });
        Ok(Self { kernel: String::new(), cases: cases.collect::<Result<_, _>>()? })
    }

    /// Returns the form of records.
    pub(crate) fn to_plain(&self) -> String {
        let head =
            if self.kernel.is_empty() { String::new() } else { format!("# {}\n", self.kernel) };
        let lines = self.cases.iter().map(|case| format!("{} {}\n", case.name, case.result));
        std::iter::once(head).chain(lines).collect()
    }

    /// Returns the cases with a result.
    pub(crate) fn with(&self, result: &str) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(move |case| case.result == result)
    }

    /// Prints what failed on a yardstick, in the form that `scripts/test` counts, and what was seen.
    pub(crate) fn print_failures(&self, yardstick: &str) {
        let mut text = String::new();
        for case in self.with("fail") {
            text += &format!("{} fail\n", case.name);
            for line in case.why.lines() {
                text += &format!("    {line}\n");
            }
        }
        if !text.is_empty() {
            print!("failed on {yardstick}:\n{text}");
        }
    }

    /// Returns how often each reason was given for skipping a case, in alphabetical order. Cases of another version
    /// of the protocol do not count: no test of this yardstick is missing.
    pub(crate) fn skips(&self) -> BTreeMap<&str, usize> {
        let mut skips = BTreeMap::new();
        for case in self.with("skip") {
            if !case.why.starts_with("not the behaviour of ") {
                *skips.entry(case.why.as_str()).or_default() += 1;
            }
        }
        skips
    }

    /// Returns the numbers of results, in the words of the suite.
    pub(crate) fn sum(&self) -> String {
        let [passed, failed, skipped, known] =
            ["pass", "fail", "skip", "known"].map(|result| self.with(result).count());
        format!("{passed} passed, {failed} failed, {skipped} skipped, {known} known")
    }

    /// Takes over results of cases that were asked about again.
    pub(crate) fn replace(&mut self, again: &Self) {
        for case in &mut self.cases {
            if let Some(new) = again.cases.iter().find(|new| new.name == case.name) {
                case.clone_from(new);
            }
        }
    }

    /// Returns the results that are not as in another record, by name. Leaves out cases that only one of them has.
    pub(crate) fn unlike(&self, other: &Self) -> Self {
        let other = other.by_name();
        let differs = |case: &&Case| {
            other.get(case.name.as_str()).is_some_and(|result| *result != case.result)
        };
        let mut cases: Vec<_> = self.cases.iter().filter(differs).cloned().collect();
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        Self { kernel: self.kernel.clone(), cases }
    }

    /// Returns what is not as in this record, a line each, as `diff -u` would mark it.
    pub(crate) fn differences(&self, now: &Self) -> Vec<String> {
        let (before, after) = (self.by_name(), now.by_name());
        let mut lines = Vec::new();
        let mut names = BTreeSet::new();
        for Case { name, .. } in self.cases.iter().chain(&now.cases) {
            let [old, new] = [&before, &after].map(|results| results.get(name.as_str()));
            if old != new && names.insert(name) {
                lines.extend(old.map(|old| format!("-{name} {old}\n")));
                lines.extend(new.map(|new| format!("+{name} {new}\n")));
            }
        }
        lines
    }

    /// Returns how the names of a record are not those of the suite's cases, in the order of the suite.
    pub(crate) fn strangers(&self, cases: &[String]) -> Vec<String> {
        let recorded: BTreeSet<&str> = self.cases.iter().map(|case| case.name.as_str()).collect();
        let all: BTreeSet<&str> = cases.iter().map(String::as_str).collect();
        let unasked =
            all.difference(&recorded).map(|name| format!("it was not asked about {name}"));
        let gone = recorded.difference(&all).map(|name| format!("{name} no longer exists"));
        unasked.chain(gone).collect()
    }

    fn by_name(&self) -> BTreeMap<&str, &str> {
        self.cases.iter().map(|case| (case.name.as_str(), case.result.as_str())).collect()
    }
}

/// Returns a line for each case that all were asked about: the kernels of [`COLUMNS`], aseqd.
pub(crate) fn table(kernels: &[Results; 3], aseqd: &Results) -> String {
    let kernels = kernels.each_ref().map(Results::by_name);
    let mut text = String::new();
    let mut line = |case: &str, [oldest, reference, newest]: [&str; 3], ours: &str| {
        let _infallible =
            writeln!(text, "{case:<80} {oldest:<6} {reference:<6} {newest:<6} {ours}");
    };
    line("case", COLUMNS, "aseqd");
    for (name, ours) in aseqd.by_name() {
        if let [Some(oldest), Some(reference), Some(newest)] =
            kernels.each_ref().map(|results| results.get(name))
        {
            line(name, [oldest, reference, newest], ours);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Results {
        Results::from_plain(text).expect("results")
    }

    #[test]
    fn both_forms_of_the_suite_are_read() {
        let json = r#"{"case":"a::b","says":"It holds.","result":"pass","why":""}
{"case":"a::c","says":"It does.","result":"skip","why":"there is no x"}"#;
        let results = Results::from_json(json).expect("results");
        assert_eq!(results.to_plain(), "a::b pass\na::c skip\n");
        assert_eq!(results.cases[1].why, "there is no x");
        assert_eq!(plain(&results.to_plain()).to_plain(), results.to_plain());
        assert!(Results::from_json("{}").is_err() && Results::from_json("a::b pass").is_err());
        assert!(
            Results::from_plain("a::b").is_err() && Results::from_plain("sh: not found").is_err()
        );
    }

    #[test]
    fn a_record_says_which_kernel_it_is_of() {
        let text = "# 6.12.117+deb12-amd64 #1 SMP Debian 6.12.117-1\na pass\n";
        assert_eq!(plain(text).kernel, "6.12.117+deb12-amd64 #1 SMP Debian 6.12.117-1");
        assert_eq!(plain(text).to_plain(), text);
        assert_eq!(plain(text).differences(&plain("a pass\n")), [""; 0]);
    }

    #[test]
    fn skips_are_counted_by_their_reason() {
        let case = |why: &str| Case { name: "a::b".into(), result: "skip".into(), why: why.into() };
        let other = "not the behaviour of Linux 6.1.192";
        let cases = vec![case("no x"), case(other), case("no x"), case("no y")];
        let results = Results { cases, ..Results::default() };
        let wanted = BTreeMap::from([("no x", 2), ("no y", 1)]);
        assert_eq!(results.skips(), wanted);
        assert_eq!(results.sum(), "0 passed, 0 failed, 4 skipped, 0 known");
    }

    #[test]
    fn a_difference_is_seen_in_both_directions() {
        let record = plain("a pass\nb skip\nc pass\n");
        assert_eq!(record.differences(&record), [""; 0]);
        assert_eq!(
            record.differences(&plain("a pass\nb fail\nd pass\n")),
            ["-b skip\n", "+b fail\n", "-c pass\n", "+d pass\n"]
        );
        assert_eq!(record.differences(&plain("b skip\na pass\nc pass\n")), [""; 0]);
        let cases = ["a", "b", "d"].map(str::to_owned);
        assert_eq!(record.strangers(&cases), ["it was not asked about d", "c no longer exists"]);
        assert_eq!(record.strangers(&["a", "b", "c"].map(str::to_owned)), [""; 0]);
    }

    #[test]
    fn a_record_of_a_variant_has_what_differs_from_the_whole_record() {
        let whole = plain("a pass\nb skip\nc pass\n");
        assert_eq!(
            plain("c fail\nb pass\na pass\nx pass\n").unlike(&whole),
            plain("b pass\nc fail\n")
        );
    }

    #[test]
    fn cases_that_were_asked_about_again_count_as_then() {
        let mut results = plain("a pass\nb fail\nc fail\n");
        results.replace(&plain("b pass\nc fail\n"));
        assert_eq!(results, plain("a pass\nb pass\nc fail\n"));
    }

    #[test]
    fn the_table_has_the_cases_of_all() {
        let kernels = ["a pass\nb skip\n", "b pass\na pass\n", "a fail\nb pass\n"].map(plain);
        let text = table(&kernels, &plain("b known\na pass\nc pass\n"));
        let cells: Vec<Vec<_>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        let wanted = [
            ["case", "6.1", "6.12", "7.3", "aseqd"],
            ["a", "pass", "pass", "fail", "pass"],
            ["b", "skip", "pass", "pass", "known"],
        ];
        assert_eq!(cells, wanted);
    }
}
