//! The options of `run` that choose another clock.

use aseqd_console::duration;
use clap::Args;
use std::time::Duration;
use vtime::parse::Seed;
use vtime::{Cpus, Options, Order, Time};

/// How time passes for CMD.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Virtual time")]
pub struct TimeArgs {
    /// Give CMD and the sequencer another clock. With `virtual`, time jumps whenever all programs sleep. With `xN`, it
    /// passes N times as fast. With `step`, it stands until `aseqd ctl advance` moves it. EPOCH is the date at which it
    /// begins: 2026-03-01T12:00:00Z, @SECONDS since 1970, or now
    #[arg(long, value_name = "virtual[=EPOCH]|xN|step")]
    pub time: Option<Time>,
    /// End the run when this much of its time has passed, with status 124
    #[arg(long, value_name = "DURATION", requires = "time", value_parser = duration::seconds)]
    pub time_limit: Option<Duration>,
    /// Where random numbers of the kernel begin; random: they differ from run to run, and addresses too
    #[arg(long, value_name = "N|random", requires = "time", default_value = "0")]
    pub seed: Seed,
    /// Handle calls of one instant in a fixed order, or as they arrive, which is quicker
    #[arg(long, value_name = "canonical|arrival", requires = "time", default_value = "canonical", value_parser = order)]
    pub order: Order,
    /// How many processors CMD may use. With more than 1, threads that race may make two runs differ
    #[arg(long, value_name = "N|all", requires = "time", default_value = "1")]
    pub cpus: Cpus,
    /// End with status 124 if all programs sleep and nothing is due, and say who waits for what. Without this option the
    /// run waits for something outside, such as a terminal
    #[arg(long, requires = "time")]
    pub no_outside: bool,
}

impl Default for TimeArgs {
    fn default() -> Self {
        let Options { cpus, order, seed, .. } = Options::default();
        Self { time: None, time_limit: None, seed: Seed(seed), order, cpus, no_outside: false }
    }
}

impl TimeArgs {
    /// Returns the options of the clock, if one is asked for.
    #[must_use]
    pub fn options(&self) -> Option<Options> {
        let Time { pace, epoch } = self.time?;
        let Self { order, cpus, time_limit, no_outside, seed: Seed(seed), .. } = *self;
        Some(Options { pace, epoch, seed, cpus, order, outside: !no_outside, time_limit })
    }
}

fn order(text: &str) -> Result<Order, String> {
    match text {
        "canonical" => Ok(Order::Canonical),
        "arrival" => Ok(Order::Arrival),
        _ => Err("expected canonical or arrival".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vtime::Pace;

    #[test]
    fn without_a_clock_there_are_no_options() {
        assert!(TimeArgs::default().options().is_none());
        let args = TimeArgs { time: "step".parse().ok(), ..TimeArgs::default() };
        let options = args.options().unwrap();
        assert_eq!((options.pace, options.seed), (Pace::Step, Some(0)));
        assert_eq!(
            (options.cpus, options.order, options.outside),
            (Cpus::Count(1), Order::Canonical, true)
        );
    }
}
