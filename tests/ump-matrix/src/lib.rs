//! The conversion matrix: what a client of each form reads when a client of each form sends each event.
//!
//! A [`Class`] is a series of records to send, always the same. A [`Scene`] is a sender and its receivers. A cell of
//! the matrix is one class, sender and receiver; its hash is taken of everything that the receiver read.

mod cell;
mod class;
mod device;
mod legacy;
mod packets;
mod record;
mod rng;
mod scene;

pub use cell::{Cell, Observer, run};
pub use class::Class;
pub use device::{Clients, Rig, Sequencer};
pub use record::Record;
pub use scene::{Form, Receiver, Scene, Stamp, scenes};
