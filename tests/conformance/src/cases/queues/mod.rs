//! Queues: order, tempo, position, owners, removal.

mod client_exit;
mod clock;
mod dispatch;
mod kernel_reports;
mod limits;
mod order;
mod ownership;
mod position;
mod proc_text;
mod queue_timers;
mod remove_by_time;
mod remove_events;
mod skew;
mod start_stop;
mod tempo;
mod use_marks;

use crate::case::Case;

/// The subjects of this group.
pub(super) const SUBJECTS: &[&[Case]] = &[
    order::CASES,
    dispatch::CASES,
    clock::CASES,
    start_stop::CASES,
    tempo::CASES,
    skew::CASES,
    position::CASES,
    ownership::CASES,
    use_marks::CASES,
    limits::CASES,
    queue_timers::CASES,
    remove_events::CASES,
    remove_by_time::CASES,
    client_exit::CASES,
    proc_text::CASES,
    kernel_reports::CASES,
];
