//! Answers our own request for what the flight recorder has (`aseqd_wire::report`).

use super::outcome::{Done, Failure};
use super::{Error, FileId, Recorder, Session};
use crate::door::Door;
use aseqd_abi::Errno;
use aseqd_wire::proc_text::{PIECE_SIZE, Piece};
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use zerocopy::{FromBytes as _, FromZeros as _, IntoBytes as _};

/// A report that a file gets.
#[derive(Debug)]
pub(super) struct Report {
    file: FileId,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    Coming(Receiver<io::Result<Vec<u8>>>),
    There(Vec<u8>),
}

impl<D: Door> Session<D> {
    /// Lets a flight recorder write what it has to a file. Returns whether there is one.
    pub fn report(&mut self) -> bool {
        self.recorder.as_mut().is_some_and(Recorder::report)
    }

    /// Answers a request of a file for a piece of a report.
    pub(super) fn piece_of_report(
        &mut self,
        file: FileId,
        argument: &[u8],
    ) -> Result<Done, Failure> {
        self.try_piece(file, argument).map_err(Failure::of_report)?;
        Ok(Done::Ioctl(self.out.len()))
    }

    fn try_piece(&mut self, file: FileId, argument: &[u8]) -> Result<(), Error> {
        self.out.clear();
        let open = self.files.get(file).ok_or(Error::new(Errno::EBADF, "no such file is open"))?;
        if ![0, rustix::process::geteuid().as_raw()].contains(&open.user) {
            return Err(Error::new(
                Errno::EPERM,
                "only root and the user of the server get a report",
            ));
        }
        let Ok(mut piece) = Piece::read_from_bytes(argument) else {
            return Err(Error::new(Errno::EINVAL, "a question for a report has another size"));
        };
        let nothing = Error::new(Errno::ENODATA, "there is no flight recorder");
        let recorder = self.recorder.as_mut().ok_or(nothing)?;
        let report = match &mut self.report {
            Some(report) if report.file == file => report,
            Some(_) => return Err(Error::new(Errno::EBUSY, "another file gets a report")),
            None if piece.offset > 0 => {
                return Err(Error::new(
                    Errno::EINVAL,
                    "a report has to be read from its beginning",
                ));
            }
            none @ None => {
                let bytes = Bytes::Coming(recorder.report_bytes().ok_or(nothing)?);
                none.insert(Report { file, bytes })
            }
        };
        if let Bytes::Coming(coming) = &report.bytes {
            let come = match coming.try_recv() {
                Err(TryRecvError::Empty) => {
                    return Err(Error::new(Errno::EAGAIN, "the report is being made"));
                }
                Ok(Ok(bytes)) => u32::try_from(bytes.len()).is_ok().then_some(bytes),
                Ok(Err(_)) | Err(TryRecvError::Disconnected) => None,
            };
            let Some(bytes) = come else {
                self.report = None;
                return Err(Error::new(Errno::EIO, "the flight recorder has ended"));
            };
            report.bytes = Bytes::There(bytes);
        }
        let Bytes::There(bytes) = &report.bytes else { return Ok(()) };
        let rest = bytes.get(piece.offset as usize..).unwrap_or_default();
        let part = &rest[..rest.len().min(PIECE_SIZE)];
        piece.bytes.zero();
        piece.bytes[..part.len()].copy_from_slice(part);
        // Neither is longer than 4 GiB.
        piece.len = u32::try_from(part.len()).unwrap_or(0);
        piece.total = u32::try_from(bytes.len()).unwrap_or(0);
        let is_last = part.len() == rest.len();
        self.out.extend_from_slice(piece.as_bytes());
        if is_last {
            self.end_report(file);
        }
        Ok(())
    }

    /// Forgets the report that a file gets, if it gets one.
    pub(super) fn end_report(&mut self, file: FileId) {
        let report = self.report.take_if(|report| report.file == file);
        if let (Some(Report { bytes: Bytes::There(bytes), .. }), Some(recorder)) =
            (report, &mut self.recorder)
        {
            recorder.report_done(bytes);
        }
    }
}
