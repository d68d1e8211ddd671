//! Where a recording comes from: a file, standard input, or the text form of either.

use aseqd_host::error::{Context as _, Fail};
use aseqd_recording::{Compression, ReadError, from_text};
use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, Read};
use std::path::Path;
use std::thread::JoinHandle;

/// Opens a recording. `is_text` says that it is in its text form.
pub(super) fn open(path: &Path, is_text: bool) -> Result<Box<dyn Read>, Fail> {
    let from: Box<dyn BufRead + Send> = match path.as_os_str() == "-" {
        true => Box::new(BufReader::new(io::stdin())),
        false => {
            let file = File::open(path);
            let file = file.with_context(|| format!("{} cannot be opened", path.display()))?;
            let is_folder = file.metadata().is_ok_and(|metadata| metadata.is_dir());
            if is_folder {
                return Err(Fail::new(format!("{} is a directory", path.display())));
            }
            Box::new(BufReader::new(file))
        }
    };
    if is_text {
        return Ok(Box::new(FromText::new(from).context("text cannot be converted")?));
    }
    Ok(Box::new(from))
}

/// The recording of a text, made by a thread while it is read: neither is ever whole in memory.
struct FromText {
    recording: PipeReader,
    writer: Option<JoinHandle<Result<(), ReadError>>>,
}

impl FromText {
    fn new(text: Box<dyn BufRead + Send>) -> io::Result<Self> {
        let (recording, out) = io::pipe()?;
        let writer = std::thread::Builder::new().name("text".to_owned());
        let writer = writer.spawn(move || from_text(text, out, Compression::None).map(drop))?;
        Ok(Self { recording, writer: Some(writer) })
    }
}

impl Read for FromText {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.recording.read(buffer)?;
        if len == 0
            && let Some(writer) = self.writer.take()
        {
            let ended = writer.join().map_err(|_| io::Error::other("a thread has panicked"))?;
            ended.map_err(|error| io::Error::other(error.to_string()))?;
        }
        Ok(len)
    }
}
