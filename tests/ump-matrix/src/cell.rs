//! Runs a class in a scene, and hashes what arrives.

use crate::class::Class;
use crate::device::Rig;
use crate::record::{Record, split};
use crate::rng::Hash;
use crate::scene::Scene;
use aseqd_abi::Errno;
use std::fmt;

/// What one receiver read of one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Scene, receiver and class.
    pub name: String,
    /// How many records it read.
    pub records: u64,
    /// The hash of these records, and of the errors that the sender got.
    pub hash: u64,
}

/// Writes a cell as the program prints it, and as files of a kernel have it.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:016x}", self.name, self.records, self.hash)
    }
}

/// Looks at what is sent and read. With an observer, one record is sent at a time.
pub trait Observer {
    /// Called before a record is sent.
    fn sent(&mut self, record: &Record);
    /// Called if it could not be sent.
    fn failed(&mut self, errno: Errno);
    /// Called for each record that a receiver reads.
    fn received(&mut self, receiver: usize, record: &[u8]);
}

/// The hashes of one run.
struct Hashes {
    /// By receiver: number of records, and their hash.
    received: Vec<(u64, Hash)>,
    /// The errors, each with the index of the record.
    errors: Hash,
}

/// Sends at most `limit` records of a class in a scene. Returns a cell for each receiver.
///
/// # Panics
/// If a receiver has lost events.
pub fn run(
    rig: &mut impl Rig,
    scene: &Scene,
    class: &Class,
    limit: u32,
    mut observer: Option<&mut dyn Observer>,
) -> Vec<Cell> {
    let received = vec![(0, Hash::default()); scene.receivers.len()];
    let mut hashes = Hashes { received, errors: Hash::default() };
    let batch = if observer.is_some() { 1 } else { class.batch() };
    let mut bytes = Vec::new();
    let mut ends = Vec::new();
    let mut index = 0_u32;
    let mut records = class.records(limit).peekable();
    while records.peek().is_some() {
        bytes.clear();
        ends.clear();
        for record in records.by_ref().take(batch) {
            let Some(record) = record.of_scene(scene) else { continue };
            if let Some(observer) = &mut observer {
                observer.sent(&record);
            }
            record.append_to(&mut bytes);
            ends.push(bytes.len());
        }
        send(rig, &bytes, &ends, |at, errno| {
            assert_ne!(errno, Errno::EAGAIN, "a receiver of {} is full", class.name);
            hashes.errors.add(&(index + at).to_le_bytes());
            hashes.errors.add(&errno.0.to_le_bytes());
            if let Some(observer) = &mut observer {
                observer.failed(errno);
            }
        });
        index += u32::try_from(ends.len()).expect("a small batch");
        for (receiver, (count, hash)) in hashes.received.iter_mut().enumerate() {
            let is_ump = scene.receivers[receiver].form.is_ump();
            rig.read(receiver, &mut |bytes| {
                split(bytes, is_ump, |record| {
                    *count += 1;
                    hash.add(record);
                    if let Some(observer) = &mut observer {
                        observer.received(receiver, record);
                    }
                });
            });
        }
    }
    hashes.into_cells(scene, class)
}

impl Hashes {
    fn into_cells(self, scene: &Scene, class: &Class) -> Vec<Cell> {
        let received = self.received.into_iter().enumerate();
        received
            .map(|(receiver, (records, mut hash))| {
                hash.add(&self.errors.0.to_le_bytes());
                Cell { name: scene.cell_name(receiver, class), records, hash: hash.0 }
            })
            .collect()
    }
}

/// Writes records that end at the given places. Records that cannot be sent are told and left out.
fn send(rig: &mut impl Rig, bytes: &[u8], ends: &[usize], mut failed: impl FnMut(u32, Errno)) {
    let mut done = 0;
    while done < bytes.len() {
        done = match rig.write(&bytes[done..]) {
            Ok(taken) if taken > 0 => done + taken,
            other => {
                let at = ends.partition_point(|end| *end <= done);
                failed(u32::try_from(at).expect("a small batch"), other.err().unwrap_or(Errno(0)));
                ends[at]
            }
        };
    }
}
