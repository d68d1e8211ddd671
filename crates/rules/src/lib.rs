//! Rules for connections of the ALSA sequencer.
//!
//! [`decide`] is a pure function: it takes what is there ([`Snapshot`]), what the [`Rules`] say and what happened before
//! ([`History`]), and returns what to do ([`Action`]). It knows no sequencer, clock or file, so everything that it does
//! can be tested as a table.
//!
//! ```
//! use aseqd_abi::Address;
//! use aseqd_abi::seq::PortCaps;
//! use aseqd_rules::{Action, History, Port, Rules, Snapshot, decide};
//!
//! let (rules, problems) = Rules::read("rules.toml", "[[rule]]\nfrom = 'nanoKEY2'\nto = 'FLUID'\n");
//! assert!(problems.is_empty());
//! let (rules, problems) = rules.compile(None);
//! assert!(problems.is_empty());
//!
//! let port = |client, client_name: &str, caps| {
//!     let mut port = Port::new(Address::new(client, 0), client_name, "port");
//!     port.caps = caps;
//!     port
//! };
//! let keyboard = port(24, "nanoKEY2", PortCaps::READ | PortCaps::SUBS_READ);
//! let synth = port(128, "FLUID Synth (42)", PortCaps::WRITE | PortCaps::SUBS_WRITE);
//! let snapshot = Snapshot { ports: vec![keyboard, synth], ..Snapshot::default() };
//! let actions = decide(&snapshot, &rules, &mut History::default());
//! let [Action::Connect(connection, origin)] = actions.as_slice() else { panic!("{actions:?}") };
//! assert_eq!(connection.pair(), (Address::new(24, 0), Address::new(128, 0)));
//! assert_eq!(origin.to_string(), "rules.toml:1");
//! ```
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod decide;
mod file;
mod history;
mod learned;
mod loops;
pub mod midiminder;
mod origin;
mod port;
mod rule;
mod transform;
mod virtual_port;

pub use aseqd_abi;
pub use aseqd_selector::{Aliases, Device, End, Port, Selector, nearest_name};
pub use decide::{Action, Finding, Outcome, decide, explain};
pub use file::{Exact, file_of, rule_of};
pub use history::{Change, History};
pub use learned::Learned;
pub use loops::looping;
pub use origin::Origin;
pub use port::{Connection, Link, Pair, Snapshot, Stamp};
pub use rule::{Problem, Rule, RuleSet, Rules, When};
pub use transform::{Sounding, Transform, Velocity};
pub use virtual_port::{PortKind, VirtualPort};
