//! Calls that open files.

use super::{Client, Records, Run, failed};
use crate::device::{Access, Inside};
use crate::program::{Call, Operation, Value};
use aseqd_abi::ioctl::sequencer as s;

/// How a file is opened.
pub(super) enum Way {
    Client(Access),
    Timer(Access),
    Inside(Inside),
}

impl Run<'_> {
    /// Returns how a call opens a file, if it does.
    pub(super) fn way_of_opening(&self, call: &Call) -> Option<Way> {
        let access = match call.number("access") {
            Some(0) => Access::Read,
            Some(1) => Access::Write,
            _ => Access::ReadWrite,
        };
        Some(match call.operation {
            Operation::Open => Way::Client(access),
            Operation::OpenTimer => Way::Timer(access),
            Operation::OpenControl => Way::Inside(Inside::OpenControl(access)),
            Operation::OpenKernel => {
                let number = call.number("number").and_then(|number| u8::try_from(number).ok());
                let card = call.number("card").and_then(|card| i32::try_from(card).ok());
                let name = match call.argument("name") {
                    Some(Value::Text(name)) => name.clone(),
                    _ => String::new(),
                };
                Way::Inside(Inside::OpenKernel { access, number, card: card.unwrap_or(0), name })
            }
            _ => return None,
        })
    }

    /// Opens a file under the handle of a call.
    pub(super) fn open(&mut self, call: &Call, how: &Way) -> String {
        if self.clients.len() <= call.client {
            self.clients.resize(call.client + 1, Client::default());
        }
        self.close(call.client);
        let opened = match how {
            Way::Client(access) => self.device.open(*access),
            Way::Timer(access) => self.device.open_timer(*access),
            Way::Inside(inside) => self.device.inside(inside),
        };
        let file = match opened {
            Ok(file) => file,
            Err(error) => return failed(error),
        };
        if matches!(how, Way::Inside(Inside::OpenControl(_))) {
            self.clients[call.client] = Client { file: Some(file), ..Client::default() };
            return "open".into();
        }
        if matches!(how, Way::Timer(_)) {
            let records = Some(Records::Plain);
            self.clients[call.client] = Client { file: Some(file), records, ..Client::default() };
            return "open".into();
        }
        let mut id = [0; 4];
        let told = self.device.ioctl(file, s::CLIENT_ID, &mut id);
        let number = u8::try_from(i32::from_le_bytes(id)).ok().filter(|_| told.is_ok());
        if let Some(number) = number {
            self.client_handles[usize::from(number)] = Some(call.client);
        }
        self.clients[call.client] = Client { file: Some(file), number, ..Client::default() };
        format!("c{}", call.client)
    }
}
