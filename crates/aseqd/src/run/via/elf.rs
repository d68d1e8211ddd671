//! Reads ELF files: the loader that a program names, and the versions of the C library that a library needs or defines.

use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader as _};
use object::{Endianness, FileKind, ReadRef};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

/// What the headers of a program say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) is_64: bool,
    /// The processor, a number of `elf.h`.
    pub(super) machine: u16,
    /// The dynamic loader that the program names; `None` if it is statically linked.
    pub(super) loader: Option<OsString>,
}

impl Program {
    /// Reads the headers. Returns `None` if this is no whole ELF file.
    pub(super) fn read<'data>(data: impl ReadRef<'data>) -> Option<Self> {
        match FileKind::parse(data).ok()? {
            FileKind::Elf32 => Self::read_as::<FileHeader32<Endianness>>(data),
            FileKind::Elf64 => Self::read_as::<FileHeader64<Endianness>>(data),
            _ => None,
        }
    }

    fn read_as<'data, Header>(data: impl ReadRef<'data>) -> Option<Self>
    where
        Header: FileHeader<Endian = Endianness>,
    {
        let header = Header::parse(data).ok()?;
        let endian = header.endian().ok()?;
        let mut loader = None;
        for segment in header.program_headers(endian, data).ok()? {
            loader = segment.interpreter(endian, data).ok()?.or(loader);
        }
        let loader = loader.map(|name| OsString::from_vec(name.to_vec()));
        Some(Self { is_64: header.is_type_64(), machine: header.e_machine(endian).0, loader })
    }
}

/// A version of another library that a library needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// The file name of the other library, such as `libc.so.6`.
    pub(super) file: String,
    /// The version, such as `GLIBC_2.17`.
    pub(super) version: String,
}

/// Returns the versions that a library needs. A library without versions needs none.
///
/// # Errors
/// If the file is no ELF file of 64 bits, or is damaged.
pub(super) fn needed<'data>(data: impl ReadRef<'data>) -> object::Result<Vec<Need>> {
    let header = FileHeader64::<Endianness>::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let mut needs = Vec::new();
    if let Some((mut files, strings)) = sections.gnu_verneed(endian, data)? {
        let strings = sections.strings(endian, data, strings)?;
        while let Some((file, mut versions)) = files.next()? {
            let file = text(file.file(endian, strings)?);
            while let Some(version) = versions.next()? {
                let version = text(version.name(endian, strings)?);
                needs.push(Need { file: file.clone(), version });
            }
        }
    }
    Ok(needs)
}

/// Returns the versions that a library defines.
///
/// # Errors
/// As for [`needed`].
pub(super) fn defined<'data>(data: impl ReadRef<'data>) -> object::Result<Vec<String>> {
    let header = FileHeader64::<Endianness>::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let mut defined = Vec::new();
    if let Some((mut versions, strings)) = sections.gnu_verdef(endian, data)? {
        let strings = sections.strings(endian, data, strings)?;
        while let Some((_, mut names)) = versions.next()? {
            // The first name is the version's own, the others are of those that it follows.
            if let Some(name) = names.next()? {
                defined.push(text(name.name(endian, strings)?));
            }
        }
    }
    Ok(defined)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
