//! `/dev/snd/timer`, and queues of the sequencer on timers.

mod timer_exclusive;
mod timer_hostile;
mod timer_info;
mod timer_limits;
mod timer_list;
mod timer_params;
mod timer_pending;
mod timer_plain;
mod timer_proc;
mod timer_queues;
mod timer_read;
mod timer_records;
mod timer_select;
mod timer_selftests;
mod timer_slaves;
mod timer_start_stop;
mod timer_status;
mod timer_wakeups;
mod user_timer_files;
mod user_timer_sharing;
mod user_timer_values;
mod user_timers;

use crate::case::Case;

/// The subjects of this group.
pub(super) const SUBJECTS: &[&[Case]] = &[
    timer_list::CASES,
    timer_info::CASES,
    timer_select::CASES,
    timer_params::CASES,
    timer_start_stop::CASES,
    timer_pending::CASES,
    timer_plain::CASES,
    timer_records::CASES,
    timer_status::CASES,
    timer_read::CASES,
    timer_wakeups::CASES,
    timer_slaves::CASES,
    timer_exclusive::CASES,
    timer_limits::CASES,
    timer_queues::CASES,
    user_timers::CASES,
    user_timer_values::CASES,
    user_timer_sharing::CASES,
    timer_selftests::CASES,
    user_timer_files::CASES,
    timer_proc::CASES,
    timer_hostile::CASES,
];
