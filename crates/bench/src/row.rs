//! A row of the table: its subjects, how they are measured, and the outcome.

use super::stats::{Figures, Spread};
use aseqd_host::error::Fail;

/// Whose figures a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// aseqd.
    Ours,
    /// The kernel's own sequencer.
    Kernel,
    /// The best that the machine can do, without a sequencer.
    Limit,
    /// Another program that does something comparable.
    Peer,
}

impl Side {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Kernel => "kernel",
            Self::Limit => "limit",
            Self::Peer => "peer",
        }
    }
}

/// One line of what a round has measured of a subject.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Added to the subject's name; empty if there is only one line.
    pub(super) suffix: &'static str,
    /// The figures, or the reason why there are none.
    pub(super) figures: Result<Figures, String>,
}

impl Line {
    /// Returns these figures as the only line.
    pub(super) fn only(figures: Figures) -> Vec<Self> {
        vec![Self { suffix: "", figures: Ok(figures) }]
    }
}

/// Measures a subject once.
pub(super) type Measure = Box<dyn FnMut() -> Result<Vec<Line>, Fail>>;

/// Something that is measured once a round.
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) side: Side,
    pub(super) measure: Measure,
}

impl Subject {
    pub(super) fn new(
        side: Side,
        name: impl Into<String>,
        measure: impl FnMut() -> Result<Vec<Line>, Fail> + 'static,
    ) -> Self {
        Self { name: name.into(), side, measure: Box::new(measure) }
    }

    /// A subject that cannot be measured here; the table says why.
    pub(super) fn missing(side: Side, name: impl Into<String>, why: impl Into<String>) -> Self {
        let why = why.into();
        Self::new(side, name, move || Err(Fail::new(why.clone())))
    }
}

/// A row of the table that is not measured yet.
pub(super) struct Row {
    /// The name that selects it; several rows may have the same.
    pub(super) family: &'static str,
    /// The title in the table.
    pub(super) title: String,
    pub(super) subjects: Vec<Subject>,
}

/// Rounds in which a subject may fail before it is given up. More than one, because on a busy machine a round can
/// fail by chance; not all, because a peer that hangs costs seconds each time.
const MAX_FAILED_ROUNDS: usize = 2;

/// The values of one line over all rounds.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) name: String,
    pub(super) side: Side,
    /// The values of each figure, one a round.
    pub(super) figures: Vec<(String, Vec<f64>)>,
    /// Why a round failed, if one did.
    pub(super) trouble: Option<String>,
}

impl Outcome {
    /// Returns the spread of a figure, or nothing if it was not measured.
    pub(super) fn spread(&self, figure: &str) -> Option<Spread> {
        let (_, values) = self.figures.iter().find(|(name, _)| name == figure)?;
        Spread::of(values)
    }

    fn add(&mut self, figures: Figures) {
        for (name, value) in figures {
            match self.figures.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => self.figures.push((name, vec![value])),
            }
        }
    }
}

/// A row that has been measured.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) family: &'static str,
    pub(super) title: String,
    pub(super) outcomes: Vec<Outcome>,
}

impl Measured {
    /// Returns the median of this figure in the first line of the limits that has it. Ratios are relative to it.
    pub(super) fn limit(&self, figure: &str) -> Option<f64> {
        let mut limits = self.outcomes.iter().filter(|outcome| outcome.side == Side::Limit);
        limits.find_map(|limit| limit.spread(figure)).map(|spread| spread.median)
    }
}

impl Row {
    /// Measures every subject once a round. Rounds are interleaved, so other work on the machine affects all
    /// subjects alike. A subject that fails in the first two rounds is not tried again.
    pub(super) fn measure(mut self, rounds: usize, progress: &mut dyn FnMut(&str)) -> Measured {
        let mut outcomes: Vec<Vec<Outcome>> = self.subjects.iter().map(|_| Vec::new()).collect();
        for round in 0..rounds {
            for (subject, lines) in self.subjects.iter_mut().zip(&mut outcomes) {
                let hopeless = lines.iter().all(|line| line.figures.is_empty());
                if hopeless && round >= MAX_FAILED_ROUNDS {
                    continue;
                }
                let (title, name) = (&self.title, &subject.name);
                progress(&format!("{title}: {name}, round {} of {rounds}", round + 1));
                record(lines, subject);
            }
        }
        let outcomes = outcomes.into_iter().flatten().collect();
        Measured { family: self.family, title: self.title, outcomes }
    }
}

fn record(lines: &mut Vec<Outcome>, subject: &mut Subject) {
    let measured = (subject.measure)().unwrap_or_else(|error| {
        let why = Err(error.to_string());
        // If earlier rounds made lines, the failure is noted on the first of them.
        let suffix = "";
        vec![Line { suffix, figures: why }]
    });
    let single = measured.len() == 1;
    // The subject failed before and now has lines of its own: the line of the failure goes.
    if measured.iter().any(|line| line.figures.is_ok() && !line.suffix.is_empty()) {
        lines.retain(|outcome| !outcome.figures.is_empty() || outcome.name != subject.name);
    }
    for (number, line) in measured.into_iter().enumerate() {
        let name = match line.suffix {
            "" => subject.name.clone(),
            suffix => format!("{}: {suffix}", subject.name),
        };
        let known = lines.iter().position(|outcome| outcome.name == name);
        let failed_later = single && line.figures.is_err() && !lines.is_empty();
        let index = known.or_else(|| failed_later.then_some(0)).unwrap_or_else(|| {
            let side = subject.side;
            let at = number.min(lines.len());
            lines.insert(at, Outcome { name, side, figures: Vec::new(), trouble: None });
            at
        });
        match line.figures {
            Ok(figures) => lines[index].add(figures),
            Err(why) => lines[index].trouble = Some(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    fn row(subjects: Vec<Subject>) -> Measured {
        let row = Row { family: "test", title: "a row".to_owned(), subjects };
        row.measure(3, &mut |_| {})
    }

    #[test]
    fn rounds_are_interleaved_and_all_count() {
        let calls = Rc::new(Cell::new(0.0));
        let subject = |side, name: &str| {
            let calls = Rc::clone(&calls);
            Subject::new(side, name, move || {
                calls.set(calls.get() + 1.0);
                Ok(Line::only(vec![("n".to_owned(), calls.get())]))
            })
        };
        let measured = row(vec![subject(Side::Ours, "a"), subject(Side::Limit, "b")]);
        assert_eq!(measured.outcomes[0].figures, [("n".to_owned(), vec![1.0, 3.0, 5.0])]);
        assert_eq!(measured.outcomes[1].figures, [("n".to_owned(), vec![2.0, 4.0, 6.0])]);
        assert_eq!(measured.limit("n"), Some(4.0));
        assert_eq!(measured.limit("m"), None);
    }

    #[test]
    fn what_is_missing_is_asked_twice_and_says_why() {
        let calls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&calls);
        let missing = Subject::new(Side::Peer, "p", move || {
            counted.set(counted.get() + 1);
            Err(Fail::new("it is not installed"))
        });
        let measured = row(vec![missing]);
        assert_eq!(calls.get(), 2);
        assert_eq!(measured.outcomes[0].trouble.as_deref(), Some("it is not installed"));
        assert_eq!(measured.outcomes[0].spread("n"), None);
    }

    #[test]
    fn a_first_round_that_fails_is_made_good() {
        let mut calls = 0;
        let late = Subject::new(Side::Ours, "l", move || {
            calls += 1;
            let figures = Ok(vec![("n".to_owned(), 1.0)]);
            match calls {
                1 => Err(Fail::new("too early")),
                _ => Ok(vec![Line { suffix: "x", figures }]),
            }
        });
        let measured = row(vec![late]);
        assert_eq!(measured.outcomes.len(), 1);
        assert_eq!(measured.outcomes[0].name, "l: x");
        assert_eq!(measured.outcomes[0].figures[0].1.len(), 2);
    }

    #[test]
    fn a_round_that_fails_does_not_take_the_others_away() {
        let mut calls = 0;
        let shaky = Subject::new(Side::Ours, "s", move || {
            calls += 1;
            match calls {
                2 => Err(Fail::new("once")),
                _ => Ok(vec![
                    Line { suffix: "x", figures: Ok(vec![("n".to_owned(), 1.0)]) },
                    Line { suffix: "y", figures: Err("never".to_owned()) },
                ]),
            }
        });
        let measured = row(vec![shaky]);
        let names: Vec<_> = measured.outcomes.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["s: x", "s: y"]);
        assert_eq!(measured.outcomes[0].figures[0].1.len(), 2);
        assert_eq!(measured.outcomes[0].trouble.as_deref(), Some("once"));
    }
}
