//! Which client stands behind a file, and what it speaks.

use crate::world::World;
use aseqd_abi::ioctl::sequencer::{CLIENT_ID, GET_CLIENT_INFO, SET_CLIENT_INFO};
use aseqd_abi::seq::ClientInfo;
use aseqd_engine::{Call, Engine, FileId, Input, Reply, Time};
use std::collections::BTreeMap;
use zerocopy::{FromBytes as _, IntoBytes as _};

/// The client behind a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientFile {
    /// Its number.
    pub number: u8,
    /// Whether it speaks UMP, so that it reads and writes longer records.
    pub ump: bool,
}

/// The clients behind the files that were asked about.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    known: BTreeMap<FileId, Option<ClientFile>>,
}

impl Clients {
    /// Returns the client behind a file, or `None` if no sequencer's file has this number.
    pub fn of(&mut self, engine: &mut Engine, at: Time, file: FileId) -> Option<ClientFile> {
        *self.known.entry(file).or_insert_with(|| look_up(engine, at, file))
    }

    /// Takes note of an input that the engine has had: it may have changed what is known.
    pub fn saw(&mut self, input: Input<'_>) {
        match input {
            Input::Call { file, call: Call::Ioctl { request: SET_CLIENT_INFO, .. } }
            | Input::Close { file } => {
                self.known.remove(&file);
            }
            // A file gets the number of a closed one.
            Input::Open { .. } => self.known.retain(|_, client| client.is_some()),
            _ => {}
        }
    }
}

fn look_up(engine: &mut Engine, at: Time, file: FileId) -> Option<ClientFile> {
    let number = number(engine, at, file)?;
    let ask = ClientInfo { client: number.into(), ..ClientInfo::default() };
    let info = query(engine, at, file, GET_CLIENT_INFO, ask.as_bytes())?;
    let info = ClientInfo::read_from_bytes(&info).ok()?;
    Some(ClientFile { number, ump: info.midi_version != 0 })
}

/// Returns the number of the client behind a file.
pub(crate) fn number(engine: &mut impl World, at: Time, file: FileId) -> Option<u8> {
    let bytes = query(engine, at, file, CLIENT_ID, &[])?;
    u8::try_from(i32::read_from_bytes(&bytes).ok()?).ok()
}

/// Asks a sequencer something on behalf of a file, apart from the steps of a recording.
fn query(
    engine: &mut impl World,
    at: Time,
    file: FileId,
    request: u32,
    arg: &[u8],
) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let call = Call::Ioctl { request, compat: false, arg };
    match engine.handle(at, Input::Call { file, call }, &mut out) {
        Reply::Done(_) => Some(out),
        _ => None,
    }
}
