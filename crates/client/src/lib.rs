//! A typed client of any ALSA sequencer and timer, without alsa-lib.
//!
//! [`Client`] is one open of `/dev/snd/seq`. It speaks the kernel's interface itself, so it works with the kernel's
//! sequencer and with [`aseqd`](https://crates.io/crates/aseqd), which serves one from user space. [`timer`] does the
//! same for `/dev/snd/timer`.
//!
//! ```no_run
//! use aseqd_client::event::{EventExt as _, note_off, note_on};
//! use aseqd_client::{Client, DEVICE, PortCaps, PortType};
//! use std::time::Duration;
//!
//! let client = Client::open(DEVICE, "a tune")?;
//! let port = client.create_port("out", PortCaps::READ | PortCaps::SUBS_READ, PortType::MIDI_GENERIC)?;
//! client.connect(port, client.find_port("FLUID Synth")?)?;
//!
//! let queue = client.create_queue("a tune")?;
//! client.start_queue(queue)?;
//! for (number, key) in [60, 64, 67].into_iter().enumerate() {
//!     let beat = Duration::from_millis(500) * u32::try_from(number).unwrap_or(0);
//!     for event in [
//!         note_on(0, key, 100).at_time(queue, beat),
//!         note_off(0, key, 0).at_time(queue, beat + Duration::from_millis(450)),
//!     ] {
//!         client.send(&event.sent_from(port).sent_to_subscribers())?;
//!     }
//! }
//! // The queue goes with the client, and with it what has not been played.
//! std::thread::sleep(Duration::from_secs(2));
//! # Ok::<(), aseqd_client::Error>(())
//! ```
//!
//! Where to find what:
//!
//! * open, information, pools, waiting: [`Client`] and [`OpenOptions`];
//! * ports by number and by name: [`Client::ports`], [`Client::create_port`], [`Client::find_port`], [`Selector`];
//! * connections with attributes: [`Client::subscribe`], [`Client::outgoing`], [`Client::incoming`];
//! * queues: [`Client::create_queue`], [`Client::start_queue`], [`Client::set_queue_tempo`], [`Client::queue_status`];
//! * events out: [`event`], [`Client::send`], [`Client::send_with_data`] (SysEx), [`Client::write`];
//! * events in: [`Client::read_event`], [`Client::wait`], or `poll` with the descriptor of [`AsFd`](std::os::fd::AsFd);
//! * UMP (MIDI 2.0): [`ump`], [`Client::set_protocol`], [`Client::receive`], [`Client::send_packet`],
//!   [`Client::endpoint_info`];
//! * what comes and goes in the system: [`Client::hear_announcements`], [`Announcement`];
//! * a sequencer that is no device file, such as one inside of a test: [`DeviceFile`], [`Client::over`];
//! * anything else that the interface has: [`Client::ioctl`] with the codes and structs of [`aseqd_abi`].
//!
//! No loss is silent: a program that reads too slowly gets [`Error::EventsLost`].
//!
//! Structs and numbers are those of [`aseqd_abi`], which is re-exported here with the types that nearly every program
//! needs; [`zerocopy`] is re-exported for structs of your own in [`Client::ioctl`]. A [`Client`] can be moved to another
//! thread but not shared; open the device once more for a second thread.

pub mod event;
pub mod ioctl;
pub mod proc_text;
pub mod timer;
pub mod ump;

mod announcement;
mod client;
mod device_file;
mod endpoint;
mod error;
mod find;
mod name;
mod open;
mod ports;
mod queue;
mod reading;
mod report;
mod run_socket;
mod sending;
mod subscription;
mod unread;

pub use announcement::Announcement;
pub use aseqd_abi::seq::{PortCaps, PortType};
pub use aseqd_abi::{self, Address, Errno, Event, EventFlags, EventType};
pub use aseqd_selector::{BadSelector, Port, Selector, nearest, nearest_name, printable};
pub use client::{Access, Client, OpenOptions};
pub use device_file::{DeviceFile, Direction};
pub use error::{Device, Error, Result, describe};
pub use find::{one, several};
pub use name::{name_field, text};
pub use ports::{client_number, described};
pub use report::report;
pub use unread::Received;
pub use zerocopy;

use aseqd_abi::seq::{CLIENT_SYSTEM, PORT_SYSTEM_ANNOUNCE, PORT_SYSTEM_TIMER};

/// Where programs look for the sequencer.
pub const DEVICE: &str = "/dev/snd/seq";

/// The system's port that controls queues by events, and tells its subscribers what was done to them.
pub const SYSTEM_TIMER: Address = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_TIMER);

/// The system's port that announces what comes and goes: see [`Announcement`].
pub const SYSTEM_ANNOUNCE: Address = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_ANNOUNCE);

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
