//! Prints what programs have read, and the first answer that differs.

use super::export::Exports;
use super::{ReplayArgs, seconds, state};
use crate::json::json_line;
use crate::monitor::{HEADER, line, packet_line};
use aseqd_client::Received;
use aseqd_console::print;
use aseqd_engine::{Reply, Time};
use aseqd_host::error::Fail;
use aseqd_replay::replayer::{Difference, Played, Replayer};
use aseqd_replay::step::Action;
use aseqd_replay::words;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Read;

/// Length of the text that is printed at once, in bytes.
const BLOCK: usize = 32 * 1024;

/// Prints the events that clients have read.
pub(super) struct Events {
    text: String,
    is_wanted: bool,
    json: bool,
    /// Whether each line is printed at once, because time passes between them.
    paced: bool,
}

impl Events {
    pub(super) fn new(args: &ReplayArgs) -> Self {
        let is_wanted = !(args.check.is_some()
            || args.dump_state
            || args.hash
            || args.against.is_some()
            || Exports::any(args));
        let mut text = String::new();
        if is_wanted && !args.json {
            let _infallible = writeln!(text, "{:<15} {:<8} {HEADER}", "at", "dest");
        }
        let paced = args.speed() != super::Speed::Max;
        Self { text, is_wanted, json: args.json, paced }
    }

    /// Prints what a record has brought to a client.
    pub(super) fn show(&mut self, played: &Played<'_>, began: Time) -> Result<(), Fail> {
        let (Action::Read { .. }, Reply::Done(_)) = (played.action, played.reply) else {
            return Ok(());
        };
        let Some(client) = played.client.filter(|_| self.is_wanted) else { return Ok(()) };
        for received in Received::of_read(played.out, client.ump) {
            let line = match self.json {
                true => self.json(&received, client.number, played, began),
                false => text(&received, played, began),
            };
            self.text.push_str(&line);
            self.text.push('\n');
        }
        if self.paced || self.text.len() > BLOCK {
            self.flush()?;
        }
        Ok(())
    }

    fn json(&self, received: &Received, client: u8, played: &Played<'_>, began: Time) -> String {
        let mut object = state::json_received(received);
        object["at_ns"] = Value::from(played.at - began);
        object["record"] = played.record.into();
        object["reader"] = client.into();
        json_line(&object)
    }

    /// Prints what is not printed yet.
    pub(super) fn flush(&mut self) -> Result<(), Fail> {
        print(&self.text)?;
        self.text.clear();
        Ok(())
    }
}

fn text(received: &Received, played: &Played<'_>, began: Time) -> String {
    let at = seconds(played.at - began);
    let (dest, line) = match received {
        Received::Event(event, data) => (event.dest, line(event, data, None)),
        Received::Packet(packet) => (packet.dest, packet_line(packet, false)),
    };
    format!("{at:<15} {:<8} {line}", dest.to_string())
}

/// Returns which answer differs, in words.
pub(super) fn difference<R: Read>(difference: &Difference, replayer: &Replayer<R>) -> String {
    let Difference { record, at, action, reply, out, expected, found } = difference;
    let began = replayer.began().unwrap_or(*at);
    let width = if *expected > 0xff || *found > 0xff { 8 } else { 2 };
    let answer = match reply {
        Reply::Done(value) => format!("{value}"),
        Reply::Wait(value) => format!("that it sleeps after {value} bytes"),
        Reply::More(value) => format!("that it goes on after {value} bytes"),
        Reply::Failed(error) => format!("{}", error.errno),
    };
    let bytes = match out.len() {
        0 => String::new(),
        len => format!(" and {len} bytes"),
    };
    let mut text = format!(
        "the answers differ from record {record} on, at {} s: {}: it is answered with {answer}{bytes} now (hash \
         {found:0width$x}, recorded {expected:0width$x})",
        seconds(*at - began),
        words::action(action, false),
    );
    let (recorded, own) = (&replayer.header().version, env!("CARGO_PKG_VERSION"));
    if recorded != own {
        let _infallible = write!(text, "; aseqd {recorded} recorded it, and this is {own}");
    }
    text
}
