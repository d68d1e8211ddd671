//! How much of a plan a device in real time must answer as the engine on a virtual clock does.

use super::serial::Serial;
use super::{Observed, Op, Outcome, Plan};
use crate::device::{Abilities, EngineDevice};
use crate::tape::{Answer, Step};
use std::time::Duration;

/// The number of orders that are looked at before something is found. In these, each of up to three calls is before each other one.
const FEW: usize = 6;
/// A time that passes before each call, to see whether answers depend on it.
const PAUSE: Duration = Duration::from_micros(17_300);

/// Returns how many stretches of a plan, from the first on, can be compared with a device that can do this: nothing in them depends on
/// the time, and every call reaches the engine. That is asked of [`FEW`] orders of calls at once, which takes little
/// time, or of `all`.
pub(crate) fn comparable(plan: &Plan, abilities: Abilities, all: bool) -> usize {
    let plain = |op: &Op| {
        op.fail.is_none()
            && !op.step.may_end_on_the_way()
            && !matches!(op.step, Step::Ioctl { compat: true, .. })
    };
    let other = plan.stretches.iter().position(|stretch| !stretch.iter().all(plain));
    let end = other.unwrap_or(plan.stretches.len());
    // Whether the time matters may depend on the order of calls at once: a queue may be started, asked and then deleted.
    let answers = |pause: Duration, order: usize, end: usize| -> Vec<Vec<Answer>> {
        let mut serial = Serial::new(EngineDevice::with_abilities(abilities), [1; 3]);
        let mut make = |op: &Op| {
            serial.pause(pause);
            serial.make(&Observed { op: op.clone(), outcome: Outcome::NotOpen })
        };
        let in_order = |stretch: &Vec<Op>| {
            in_order(stretch.len(), order).into_iter().map(|at| make(&stretch[at])).collect()
        };
        plan.stretches[..end].iter().map(in_order).collect()
    };
    let orders = plan.stretches.iter().map(|stretch| (1..=stretch.len()).product()).max();
    let orders = orders.unwrap_or(1).min(if all { usize::MAX } else { FEW });
    (0..orders).fold(end, |end, order| {
        let (at_once, later) = (answers(Duration::ZERO, order, end), answers(PAUSE, order, end));
        at_once.iter().zip(&later).position(|(now, then)| now != then).unwrap_or(end)
    })
}

/// Returns the numbers below `count` in one of their orders; each number up to the factorial of `count` is another one.
fn in_order(count: usize, mut order: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..count).collect();
    let mut all = Vec::new();
    while !left.is_empty() {
        let (at, rest) = (order % left.len(), order / left.len());
        all.push(left.remove(at));
        order = rest;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::parse;

    #[test]
    fn a_plan_is_compared_up_to_what_may_not_reach_the_engine() {
        let left = |calls: &str| {
            let text = format!("mode still\nc0.open block=1\n{calls}\n");
            let plan = Plan::of(&parse(&text).expect("a program"));
            plan.stretches.len() - comparable(&plan, Abilities::all(plan.ump), true)
        };
        assert_eq!(left("c0.get_client_info client=c0"), 0);
        assert_eq!(left("c0.write [ type=6 queue=253]"), 0);
        // FIONBIO, FIOQSIZE, and a write and a read of nothing: they, and the close at the end.
        assert_eq!(left("c0.t_stop_old"), 2);
        assert_eq!(left("c0.ioctl code=0x5460"), 2);
        assert_eq!(left("c0.write [ type=6 queue=253] cut=28"), 2);
        assert_eq!(left("c0.read len=0"), 2);
        // A timer counts until it ticks by itself: the close of both files at the end is left, and what looks at it.
        assert_eq!(left("c0.client_id\nt0.open_timer\nt0.t_info\nc0.client_id"), 0);
        let system = "t0.open_timer\nt0.t_select class=1 device=0 subdevice=0\nt0.t_params flags=1 ticks=1 queue_size=32\nt0.t_start";
        assert_eq!(left(&format!("{system}\nc0.client_id")), 0);
        assert_eq!(left(&format!("{system}\nt0.poll\nc0.client_id")), 4);
        // A user's timer ticks when it is told to.
        let text = format!(
            "mode still ump\n{}",
            "t0.open_timer\nt1.open_timer\nt1.t_create as=0 resolution=1000000\n\
             t0.t_select class=1 device=4 subdevice=0\nt0.t_params flags=1 ticks=1 queue_size=32\nt0.t_start\n\
             u0.t_trigger\nt0.poll\nt0.read len=8\n"
        );
        let plan = Plan::of(&parse(&text).expect("a program"));
        assert_eq!(comparable(&plan, Abilities::all(plan.ump), true), plan.stretches.len());
        // The time matters in one of two orders.
        let queue = "c0.create_queue as=q0\nc0.write [ type=30 queue=253 control=q0]";
        let status = "c0.get_queue_status queue=q0";
        assert_eq!(left(&format!("{queue}\nc0.delete_queue queue=q0\n{status}")), 0);
        assert_eq!(left(&format!("{queue}\nc0.delete_queue queue=q0 async=1\n{status}")), 2);
        assert_eq!(left(&format!("{queue}\n{status}\nc0.client_id")), 3);
        // And in one of six.
        let at_once = "c0.create_queue as=q0\nc0.write [ type=30 queue=253 control=q0] async=651\nc0.delete_queue queue=q0 async=206";
        assert_eq!(left(&format!("{at_once}\n{status}")), 2);
    }

    #[test]
    fn all_orders_are_looked_at() {
        let mut orders: Vec<_> = (0..120).map(|order| in_order(5, order)).collect();
        orders.sort();
        orders.dedup();
        assert_eq!(orders.len(), 120);
        assert_eq!(in_order(3, 0), [0, 1, 2]);
        assert_eq!(in_order(1, 7), [0]);
    }
}
