//! Numbers of variable length: 7 bits a byte, lowest first; the high bit says that another byte follows.

use crate::error::Malformed;

/// Maximum length of a number, in bytes: 64 bits in groups of 7.
pub(crate) const MAX: usize = 10;

/// Writes a number at the beginning of `to`, which must have room for [`MAX`] bytes. Returns its length.
pub(crate) fn put(to: &mut [u8], mut value: u64) -> usize {
    let mut len = 0;
    while value >= 0x80 {
        to[len] = value.to_le_bytes()[0] | 0x80;
        value >>= 7;
        len += 1;
    }
    to[len] = value.to_le_bytes()[0];
    len + 1
}

/// Takes a number off the beginning of `from`.
pub(crate) fn take(from: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0_u64;
    for (index, byte) in from.iter().enumerate().take(MAX) {
        let bits = u64::from(byte & 0x7f);
        if index == MAX - 1 && bits > 1 {
            return Err(Malformed("a number is too large"));
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            *from = &from[index + 1..];
            return Ok(value);
        }
    }
    Err(Malformed("a number does not end"))
}

/// Takes a number that must fit into 32 bits.
pub(crate) fn take_u32(from: &mut &[u8]) -> Result<u32, Malformed> {
    u32::try_from(take(from)?).map_err(|_| Malformed("a number is too large"))
}

/// Returns a signed number as an unsigned one, small if it is near 0.
pub(crate) const fn zigzag(value: i32) -> u64 {
    ((value << 1) ^ (value >> 31)).cast_unsigned() as u64
}

/// Undoes [`zigzag`].
pub(crate) const fn unzigzag(value: u32) -> i32 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for value in [0, 1, 127, 128, 300, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = [0; MAX];
            let len = put(&mut bytes, value);
            let mut rest = &bytes[..len];
            assert_eq!(take(&mut rest), Ok(value));
            assert!(rest.is_empty());
        }
        for value in [0, -1, 1, i32::MIN, i32::MAX] {
            assert_eq!(unzigzag(u32::try_from(zigzag(value)).unwrap()), value);
        }
    }

    #[test]
    fn numbers_that_do_not_end_are_refused() {
        assert!(take(&mut &[0x80; 3][..]).is_err());
        assert!(take(&mut &[0xff; 20][..]).is_err());
        assert!(take(&mut &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2][..]).is_err());
    }
}
