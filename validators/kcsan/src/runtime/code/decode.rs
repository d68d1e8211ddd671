//! The lengths of instructions of x86-64, and which of them call, jump or order memory.
//!
//! It knows what compilers generate. What it does not know is an error, which is safe: then nothing is said about the code.

/// Maximum length of an instruction in bytes.
pub(crate) const LONGEST: usize = 15;

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// Its length in bytes.
    pub(crate) length: usize,
    pub(crate) what: What,
}

/// What an instruction does. Distances count from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// It computes, loads or stores.
    Plain,
    /// It orders memory, or calls something that is not known.
    Orders,
    /// It returns from the function.
    Returns,
    /// It ends the process, or stands where nothing arrives.
    Ends,
    /// It jumps to a place that is not known.
    JumpsAnywhere,
    /// It jumps.
    Jump(isize),
    /// It jumps or does not.
    Branch(isize),
    /// It calls a function at a distance.
    Call(isize),
    /// It calls the function whose address is at a distance.
    CallOf(isize),
}

/// How long the constant at the end of an instruction is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Immediate {
    None,
    /// One byte.
    Byte,
    /// Four bytes, or two with the prefix for 16 bits.
    Word,
}

use Immediate::{Byte, None as Nothing, Word};

/// The bytes of an instruction, while they are read.
struct Reader<'a> {
    bytes: &'a [u8; LONGEST],
    at: usize,
    /// Whether there is a prefix for 16 bits.
    is_short: bool,
    /// Whether there is a prefix for 64 bits.
    is_wide: bool,
    is_locked: bool,
}

/// The byte behind an opcode that says what its operands are.
#[derive(Clone, Copy)]
struct ModRm(u8);

impl ModRm {
    fn is_register(self) -> bool {
        self.0 >= 0xc0
    }

    fn operation(self) -> u8 {
        self.0 >> 3 & 7
    }

    /// Returns whether the operand is at a distance from the end of the instruction.
    fn is_relative(self) -> bool {
        self.0 & 0xc7 == 5
    }
}

/// Decodes the instruction at the start of some bytes.
pub(crate) fn decode(bytes: &[u8; LONGEST]) -> Option<Instruction> {
    let mut reader = Reader { bytes, at: 0, is_short: false, is_wide: false, is_locked: false };
    let what = reader.instruction()?;
    let what = if reader.is_locked { What::Orders } else { what };
    Some(Instruction { length: reader.at, what })
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at += count;
        (self.at <= LONGEST).then_some(())
    }

    fn immediate(&mut self, immediate: Immediate) -> Option<()> {
        self.skip(match immediate {
            Nothing => 0,
            Byte => 1,
            Word if self.is_short => 2,
            Word => 4,
        })
    }

    fn signed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let found = self.bytes.get(self.at..self.at + N)?.try_into().ok()?;
        self.at += N;
        Some(found)
    }

    /// Reads a distance of one byte.
    fn near(&mut self) -> Option<isize> {
        self.signed().map(|bytes| i8::from_le_bytes(bytes).into())
    }

    /// Reads a distance of four bytes.
    fn far(&mut self) -> Option<isize> {
        self.signed().map(|bytes| i32::from_le_bytes(bytes) as isize)
    }

    /// Reads the byte about the operands, and where in memory they are.
    fn modrm(&mut self) -> Option<ModRm> {
        let modrm = ModRm(self.next()?);
        let (mode, register) = (modrm.0 >> 6, modrm.0 & 7);
        if mode == 3 {
            return Some(modrm);
        }
        let mut base = register;
        if register == 4 {
            base = self.next()? & 7;
        }
        self.skip(match mode {
            1 => 1,
            2 => 4,
            _ if base == 5 => 4,
            _ => 0,
        })?;
        Some(modrm)
    }

    fn operands(&mut self, immediate: Immediate) -> Option<What> {
        self.modrm()?;
        self.immediate(immediate)?;
        Some(What::Plain)
    }

    fn plain(&mut self, immediate: Immediate) -> Option<What> {
        self.immediate(immediate)?;
        Some(What::Plain)
    }

    fn instruction(&mut self) -> Option<What> {
        let mut byte = self.next()?;
        loop {
            match byte {
                0x66 => self.is_short = true,
                0xf0 => self.is_locked = true,
                0xf2 | 0xf3 | 0x26 | 0x2e | 0x36 | 0x3e | 0x64 | 0x65 | 0x67 => {}
                _ => break,
            }
            byte = self.next()?;
        }
        if byte & 0xf0 == 0x40 {
            self.is_wide = byte & 8 != 0;
            byte = self.next()?;
        }
        match byte {
            0x0f => self.two_bytes(),
            0x62 => {
                let map = self.next()? & 7;
                self.skip(2)?;
                self.vector(map)
            }
            0xc4 => {
                let map = self.next()? & 0x1f;
                self.skip(1)?;
                self.vector(map)
            }
            0xc5 => {
                self.skip(1)?;
                self.vector(1)
            }
            _ => self.one_byte(byte),
        }
    }

    fn one_byte(&mut self, opcode: u8) -> Option<What> {
        match opcode {
            0x00..=0x3f => match opcode & 7 {
                0..=3 => self.operands(Nothing),
                4 => self.plain(Byte),
                5 => self.plain(Word),
                _ => None,
            },
            0x50..=0x5f | 0x90..=0x99 | 0x9c..=0x9f | 0xa4..=0xa7 | 0xaa..=0xaf | 0xc9 => {
                self.plain(Nothing)
            }
            0xf5 | 0xf8 | 0xf9 | 0xfc | 0xfd => self.plain(Nothing),
            0x63 | 0x84 | 0x85 | 0x88..=0x8b | 0x8d | 0xd0..=0xd3 | 0xd8..=0xdf | 0xfe => {
                self.operands(Nothing)
            }
            // An exchange with memory orders everything.
            0x86 | 0x87 => {
                let modrm = self.modrm()?;
                Some(if modrm.is_register() { What::Plain } else { What::Orders })
            }
            0x68 | 0xa9 => self.plain(Word),
            0x6a | 0xa8 | 0xb0..=0xb7 => self.plain(Byte),
            0x69 | 0x81 => self.operands(Word),
            0x6b | 0x80 | 0x83 | 0xc0 | 0xc1 => self.operands(Byte),
            // Two forms of these begin and abort a transaction.
            0xc6 | 0xc7 => {
                let modrm = self.modrm()?;
                self.immediate(if opcode == 0xc6 { Byte } else { Word })?;
                Some(if modrm.operation() == 0 { What::Plain } else { What::Orders })
            }
            0xb8..=0xbf if self.is_wide => {
                self.skip(8)?;
                Some(What::Plain)
            }
            0xb8..=0xbf => self.plain(Word),
            0x70..=0x7f | 0xe0..=0xe3 => self.near().map(What::Branch),
            0xeb => self.near().map(What::Jump),
            0xe8 => self.far().map(What::Call),
            0xe9 => self.far().map(What::Jump),
            0xf6 | 0xf7 => {
                let modrm = self.modrm()?;
                let has_constant = modrm.operation() < 2;
                let immediate = if opcode == 0xf6 { Byte } else { Word };
                self.plain(if has_constant { immediate } else { Nothing })
            }
            0xff => self.group_of_calls(),
            0xc2 => {
                self.skip(2)?;
                Some(What::Returns)
            }
            0xc3 => Some(What::Returns),
            0xcc | 0xf4 => Some(What::Ends),
            _ => None,
        }
    }

    fn group_of_calls(&mut self) -> Option<What> {
        let start = self.at;
        let modrm = self.modrm()?;
        match modrm.operation() {
            0 | 1 | 6 => Some(What::Plain),
            2 if modrm.is_relative() => {
                let bytes = self.bytes.get(start + 1..start + 5)?.try_into().ok()?;
                Some(What::CallOf(i32::from_le_bytes(bytes) as isize))
            }
            2 => Some(What::Orders),
            4 => Some(What::JumpsAnywhere),
            _ => None,
        }
    }

    fn two_bytes(&mut self) -> Option<What> {
        let opcode = self.next()?;
        match opcode {
            0x38 => {
                self.next()?;
                self.operands(Nothing)
            }
            0x3a => {
                self.next()?;
                self.operands(Byte)
            }
            // System calls, and the question what the processor is, which orders everything.
            0x05 | 0xa2 => Some(What::Orders),
            // What compilers put where nothing may arrive.
            0x0b => Some(What::Ends),
            0x31 | 0x77 | 0xa0 | 0xa1 | 0xa8 | 0xa9 | 0xc8..=0xcf => self.plain(Nothing),
            0x80..=0x8f => self.far().map(What::Branch),
            0x70..=0x73 | 0xa4 | 0xac | 0xba | 0xc2 | 0xc4..=0xc6 => self.operands(Byte),
            0xae => {
                let modrm = self.modrm()?;
                let is_fence = modrm.is_register() && modrm.operation() >= 5;
                Some(if is_fence { What::Orders } else { What::Plain })
            }
            0x0d | 0x10..=0x1f | 0x28..=0x2f | 0x40..=0x6f | 0x74..=0x76 | 0x78..=0x7f => {
                self.operands(Nothing)
            }
            0x90..=0x9f
            | 0xa3
            | 0xa5
            | 0xab
            | 0xad
            | 0xaf
            | 0xb0..=0xb9
            | 0xbb..=0xc1
            | 0xc3
            | 0xc7 => self.operands(Nothing),
            0xd0..=0xfe => self.operands(Nothing),
            _ => None,
        }
    }

    /// Reads the rest of a vector instruction, whose opcode is in one of several maps.
    fn vector(&mut self, map: u8) -> Option<What> {
        let opcode = self.next()?;
        match (map, opcode) {
            (1, 0x77) => self.plain(Nothing),
            (1, 0x70..=0x73 | 0xc2 | 0xc4..=0xc6) | (3, _) => self.operands(Byte),
            (1 | 2 | 5 | 6, _) => self.operands(Nothing),
            _ => None,
        }
    }
}
