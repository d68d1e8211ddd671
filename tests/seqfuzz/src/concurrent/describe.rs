//! Says in words that no order of calls explains their answers.

use super::{Difference, Stretch};
use crate::field::REQUESTS;
use crate::tape::{Answer, Step};
use std::fmt::Write as _;

fn name_of(step: &Step) -> &'static str {
    match step {
        Step::Open(_) => "open",
        Step::OpenTimer(_) => "open_timer",
        Step::CreateTimer(..) => "t_create",
        Step::Close(_) => "close",
        Step::Ioctl { code, .. } => {
            let request = REQUESTS.iter().find(|request| request.code == *code);
            request.map_or("ioctl", |request| request.name)
        }
        Step::Write(..) => "write",
        Step::Read(..) => "read",
        Step::Poll(_) => "poll",
        Step::Wait(_) | Step::Inside(_) => "sleep",
    }
}

/// Describes a stretch that no order explains, with what the engine says in the order of the answers.
pub(super) fn describe(stretch: &Stretch, number: usize, said: &[Option<Answer>]) -> Difference {
    let mut text =
        format!("no order of these calls explains what they answered (stretch {number})\n");
    for (observed, said) in stretch.iter().zip(said) {
        let (step, outcome) = (&observed.op.step, &observed.outcome);
        let _infallible = writeln!(text, "call {} {step:?}\n  {outcome:?}", observed.op.call);
        let _infallible = writeln!(text, "  in this order, the engine says {said:?}");
    }
    let kind = match &stretch[..] {
        [alone] => format!("other_answer_of_{}", name_of(&alone.op.step)),
        _ => "no_serial_order".into(),
    };
    Difference { kind, text }
}
