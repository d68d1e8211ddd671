//! An engine that is two: one with the bug, one without. Every answer is compared, and the first finding ends the
//! process with a reproducer.
//!
//! The variable `KNOWN_BUGS` has the row of the bug that is switched on (0 for none), and then `test` if only the test
//! itself is to find it, or `checked`.

use crate::replay::{Finding, Pair, Step, minimise};
use planted_engine::{
    Access, Config, Engine as Inner, Error, FileId, Identity, Input, Node, Output, Reply, Time,
    plants,
};
use std::io::Write;
use std::sync::OnceLock;
use std::{env, process, thread};

/// The exit status of a process with a finding.
const FOUND: i32 = 77;

#[derive(Debug)]
struct Settings {
    row: u32,
    checked: bool,
}

fn settings() -> &'static Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    SETTINGS.get_or_init(|| {
        let text = env::var("KNOWN_BUGS").unwrap_or_default();
        let mut words = text.split(' ');
        let row = words.next().and_then(|row| row.parse().ok()).unwrap_or(0);
        Settings { row, checked: words.next() == Some("checked") }
    })
}

#[derive(Debug)]
pub struct Engine {
    pair: Pair,
    steps: Vec<Step>,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl std::ops::Deref for Engine {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.pair.planted
    }
}

impl Engine {
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(Config::default())
    }

    #[must_use]
    pub fn with_config(config: Config) -> Self {
        let row = settings().row;
        plants::set(row);
        Self { pair: Pair::new(config, row), steps: Vec::new() }
    }

    pub fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Vec<u8>) -> Reply {
        if !settings().checked {
            return self.pair.planted.handle(now, input, out);
        }
        let found = self.pair.handle(now, input, out);
        let opened = found.as_ref().ok().and_then(|reply| self.pair.opened(&input, reply, out));
        self.steps.push(Step::of(now, input, opened));
        found.unwrap_or_else(|finding| self.end(&finding))
    }

    pub fn open(
        &mut self,
        now: Time,
        access: Access,
        identity: Identity<'_>,
    ) -> Result<FileId, Error> {
        self.open_node(now, Node::Sequencer, access, identity)
    }

    pub fn open_node(
        &mut self,
        now: Time,
        node: Node,
        access: Access,
        identity: Identity<'_>,
    ) -> Result<FileId, Error> {
        let reply = self.handle(now, Input::Open { node, access, identity }, &mut Vec::new());
        reply.finish().map(|number| FileId(u32::try_from(number).expect("a file")))
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        if !settings().checked {
            return self.pair.planted.poll_output();
        }
        self.steps.push(Step::Output);
        self.pair.poll_output().unwrap_or_else(|finding| self.end(&finding))
    }

    /// Prints a finding and the shortest way to it, and ends the process.
    fn end(&self, finding: &Finding) -> ! {
        let (config, row) = (self.pair.config, self.pair.row);
        let steps = minimise(config, row, &self.steps, finding);
        let calls = steps.iter().filter(|step| step.is_call()).count();
        let mut text = format!("known-bugs\t{}\t{}\t{calls}\n", finding.checker, finding.title);
        for step in &steps {
            text += &format!("known-bugs step\t{step}\n");
        }
        // Not by `print!`, which the harness captures.
        let _lost = std::io::stdout().write_all(text.as_bytes());
        process::exit(FOUND);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A test that has noticed the bug by itself may have done so before the end.
        if !settings().checked || thread::panicking() && settings().row == 0 {
            return;
        }
        self.steps.push(Step::End);
        if let Err(finding) = self.pair.end() {
            self.end(&finding);
        }
    }
}
